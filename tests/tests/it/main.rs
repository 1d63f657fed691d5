//! Tests across the crates.

mod ahead;
mod exhaustive;
mod faults;
mod hostile;
mod lazy;
mod properties;
mod replay;
mod search;
