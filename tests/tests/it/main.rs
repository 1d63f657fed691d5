//! Tests across the crates.

mod exhaustive;
mod properties;
mod replay;
mod search;
