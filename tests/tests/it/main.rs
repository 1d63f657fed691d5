//! Tests across the crates.

mod ahead;
mod exhaustive;
mod lazy;
mod properties;
mod replay;
mod search;
