//! Tests across the crates.

mod ahead;
mod contract;
mod exhaustive;
mod fleet;
mod guide;
mod lazy;
mod properties;
mod replay;
mod search;
mod surface;
