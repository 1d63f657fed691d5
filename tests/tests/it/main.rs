//! Tests across the crates.

mod ahead;
mod contract;
mod counted;
mod damaged_sets;
mod exhaustive;
mod faults;
mod fleet;
mod guide;
mod hostile;
mod killed;
mod lazy;
mod machine_reports;
mod payload;
mod properties;
mod replay;
mod search;
mod surface;
mod validated;
mod verdicts;
