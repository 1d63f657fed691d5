//! Tests across the crates.

mod exhaustive;
mod lazy;
mod properties;
mod replay;
mod search;
