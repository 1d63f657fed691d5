//! `ckpt-inspect`: looks into process checkpoints, in a terminal interface or as text and JSON.

pub mod backtrace;
pub mod buffers;
pub mod call;
pub mod cli;
pub mod detail;
pub mod diff;
pub mod ends;
pub mod judge;
pub mod open;
pub mod pattern;
mod process;
pub mod symbols;
pub mod sysroot;
mod tree;
pub mod tui;
pub mod words;
