//! `ckpt-convert`: converts checkpoint images.

mod args;
mod report;
mod set;
mod target;

use args::{Args, Format};
use ckpt_convert::input;
use ckpt_convert::loss::Code;
use ckpt_convert::{Allow, Error, Losses};
use clap::Parser;
use std::process::ExitCode;

/// What a shell reports for a program that SIGPIPE ended.
const BROKEN_PIPE: u8 = 141;

fn main() -> ExitCode {
    let args = Args::parse();
    if let Some(code) = &args.explain {
        return explain(code);
    }
    let mut losses = Losses::new(allowed(&args));
    let done = run(&args, &mut losses);
    if matches!(&done, Err(error) if error.is_broken_pipe()) {
        return ExitCode::from(BROKEN_PIPE);
    }
    report::print(&args, &losses);
    let reported = report::write(&args, &losses, done.as_ref().err());
    for error in [done.as_ref().err(), reported.as_ref().err()]
        .into_iter()
        .flatten()
    {
        eprintln!("ckpt-convert: {error}");
    }
    match (done, reported) {
        (Err(error), _) | (_, Err(error)) if !error.is_damage() => ExitCode::from(2),
        (Ok(()), Ok(())) if !losses.refused() => ExitCode::SUCCESS,
        _ => ExitCode::from(1),
    }
}

fn allowed(args: &Args) -> Allow {
    let mut codes = args.allow.clone();
    if args.salvage {
        codes.extend([Code::Damage, Code::UnknownRecord].map(|code| code.name().to_owned()));
    }
    Allow::of(codes)
}

fn run(args: &Args, losses: &mut Losses) -> Result<(), Error> {
    check_codes(args)?;
    let input = input::open(&args.input, &args.limits())?;
    match args.to {
        None => target::stream(args, None, input, losses),
        Some(Format::Stream(revision)) => target::stream(args, Some(revision), input, losses),
        Some(Format::Core) => target::core(args, input, losses),
        Some(Format::Criu) => target::criu(args, input, losses),
        Some(Format::Json) => target::json(args, input, losses),
    }
}

/// A misspelt code would silently allow nothing.
fn check_codes(args: &Args) -> Result<(), Error> {
    let known =
        |code: &str| code == "all" || Code::parse(code).is_some() || report::is_bridge_code(code);
    match args.allow.iter().find(|code| !known(code)) {
        Some(code) => Err(Error::Request(format!(
            "--allow {code}: no such code; --explain all lists them"
        ))),
        None => Ok(()),
    }
}

fn explain(code: &str) -> ExitCode {
    let explained: Vec<Code> = if code == "all" {
        Code::ALL.to_vec()
    } else {
        Code::parse(code).into_iter().collect()
    };
    if explained.is_empty() {
        eprintln!("ckpt-convert: --explain {code}: no such code; --explain all lists them");
        return ExitCode::from(2);
    }
    for code in explained {
        println!(
            "{code} ({}): {}\n    {}",
            report::gravity(code),
            code.why(),
            code.help()
        );
    }
    ExitCode::SUCCESS
}
