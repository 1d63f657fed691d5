//! `ckpt-inspect`: looks into process checkpoints, in a terminal interface or as text and JSON.

pub mod backtrace;
pub mod cli;
pub mod diff;
pub mod open;
pub mod symbols;
pub mod sysroot;
pub mod tui;
