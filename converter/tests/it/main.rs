//! Tests of the converter against the samples, which are built without the format tables.

mod cli;
mod json;
mod native;
