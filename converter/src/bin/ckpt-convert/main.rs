//! `ckpt-convert`: converts checkpoint images.

mod args;
mod edit;
mod report;
mod set;
mod target;

use args::{Args, Format};
use ckpt_bridge::CODES;
use ckpt_convert::input;
use ckpt_convert::loss::Code;
use ckpt_convert::{Allow, Error, Losses};
use clap::{CommandFactory as _, Parser};
use std::process::ExitCode;

/// What a shell reports for a program that SIGPIPE ended.
const BROKEN_PIPE: u8 = 141;

fn main() -> ExitCode {
    let args = Args::parse();
    if let Some(answer) = args.shared.answer(Args::command(), report::explanations) {
        return report::answer(answer);
    }
    let mut losses = Losses::new(allowed(&args));
    let kept = match &args.report {
        Some(_) => losses.keep_all().map_err(Error::from),
        None => Ok(()),
    };
    let done = kept.and_then(|()| run(&args, &mut losses));
    if matches!(&done, Err(error) if error.is_broken_pipe()) {
        return ExitCode::from(BROKEN_PIPE);
    }
    report::print(&args, &losses);
    let reported = report::write(&args, &mut losses, done.as_ref().err());
    for error in [done.as_ref().err(), reported.as_ref().err()]
        .into_iter()
        .flatten()
    {
        report::say(&error.to_string());
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
        let of_sets = ["criu.damage", "criu.absent", "criu.stray-pages"];
        codes.extend(of_sets.map(str::to_owned));
    }
    Allow::of(codes)
}

fn run(args: &Args, losses: &mut Losses) -> Result<(), Error> {
    check_codes(args)?;
    let input = input::open(&args.input, &args.limits(), target::policy(args))?;
    let input = edit::processes(args, input, losses)?;
    let format = match args.to {
        None => return target::stream(args, None, input, losses),
        Some(Format::Stream(to)) => return target::stream(args, Some(to), input, losses),
        Some(format) => format,
    };
    let input = target::changed(args, input, losses)?;
    match format {
        Format::Core => target::core(args, input, losses),
        Format::Criu => target::criu(args, input, losses),
        _ => target::json(args, input, losses),
    }
}

/// A misspelt code would silently allow nothing.
fn check_codes(args: &Args) -> Result<(), Error> {
    let known = |code: &str| {
        code == "all" || Code::parse(code).is_some() || CODES.iter().any(|(name, _)| *name == code)
    };
    match args.allow.iter().find(|code| !known(code)) {
        Some(code) => {
            let names = Code::ALL.iter().map(|code| code.name());
            let names = names.chain(CODES.iter().map(|(name, _)| *name));
            let near = ckpt_cli::near(code, names);
            let hint = near
                .first()
                .map_or(String::new(), |near| format!(" (did you mean {near}?)"));
            Err(Error::Request(format!(
                "--allow {code}: no such code{hint}; --explain all lists them"
            )))
        }
        None => Ok(()),
    }
}
