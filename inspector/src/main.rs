//! The `ckpt-inspect` program.

use ckpt_inspect::cli;
use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run(std::env::args_os())
}
