//! `ckpt-check`: will a process image run on a given ARM machine? A verdict with evidence.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let arguments = ckpt_convert::check::Arguments::parse();
    ExitCode::from(ckpt_convert::check::main(&arguments))
}
