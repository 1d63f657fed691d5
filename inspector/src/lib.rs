//! `ckpt-inspect`: looks into process checkpoints, in a terminal interface or as text and JSON.

pub mod cli;
pub mod open;
