//! Tests across the crates.

mod exhaustive;
mod replay;
mod search;
