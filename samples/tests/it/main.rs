//! Tests of the collection; none of them uses the format tables.

mod big;
mod images;
mod walk;
