//! `ckpt-convert`: converts checkpoint images.

mod args;
mod edit;
mod place;
mod progress;
mod report;
mod set;
mod stamp;
mod target;

use args::{Args, Format};
use ckpt_bridge::CODES;
use ckpt_convert::input::{self, Cut, Input};
use ckpt_convert::loss::{Code, Loss, OF_DAMAGE};
use ckpt_convert::{Allow, Error, Losses};
use clap::{CommandFactory as _, Parser};
use progress::Progress;
use stamp::Stamp;
use std::process::ExitCode;
use target::Job;

/// What a shell reports for a program that SIGPIPE ended.
const BROKEN_PIPE: u8 = 141;

fn main() -> ExitCode {
    let args = Args::parse();
    if let Some(answer) = args.shared.answer(Args::command(), report::explanations) {
        return report::answer(answer);
    }
    if let Err(why) = report::check_place(&args) {
        report::say(&why);
        return ExitCode::from(2);
    }
    let mut losses = Losses::new(allowed(&args));
    let kept = match &args.report {
        Some(_) => losses.keep_all().map_err(Error::Temporary),
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
    let told = losses.refused() || (args.salvage && losses.tell_of_damage());
    match (done, reported) {
        (Err(error), _) | (_, Err(error)) if !error.is_damage() => ExitCode::from(2),
        (Ok(()), Ok(())) if !told => ExitCode::SUCCESS,
        _ => ExitCode::from(1),
    }
}

fn allowed(args: &Args) -> Allow {
    let mut codes = args.allow.clone();
    if args.salvage {
        codes.extend(OF_DAMAGE.map(str::to_owned));
    }
    Allow::of(codes)
}

fn run(args: &Args, losses: &mut Losses) -> Result<(), Error> {
    check_codes(args)?;
    let progress = Progress::new(args);
    let begin = |total| progress.watch("reading", total);
    let additions = set::additions(&args.set)?;
    let cut = Cut::default();
    let limits = args.limits();
    let stamp = Stamp::of(&args.input);
    let input = input::open(&args.input, &limits, target::policy(args), &begin, &cut)?;
    let mut job = Job {
        args,
        progress: &progress,
        losses,
        additions,
        stamp,
    };
    let name = input::name(&args.input);
    // Outputs are named where they are written: what is left was put aside.
    let named = |error: Error| error.of_temporary().of_input(&name);
    let done = job.run(input).map_err(named);
    if let Some(error) = cut.take() {
        losses.push(Loss {
            code: Code::Damage.name(),
            record: name,
            offset: None,
            field: String::new(),
            value: error.to_string(),
            why: "it cannot be unpacked any further",
            note: false,
        });
    }
    done
}

impl Job<'_> {
    fn run(&mut self, input: Input) -> Result<(), Error> {
        let to = self.args.to;
        let Some(input) = self.prepared(input)? else {
            return Ok(());
        };
        let input = edit::processes(self, input)?;
        let format = match to {
            None => return self.stream(None, input),
            Some(Format::Stream(to)) => return self.stream(Some(to), input),
            Some(format) => format,
        };
        let Some(input) = self.changed(input)? else {
            return Ok(());
        };
        match format {
            Format::Core => self.core(input),
            Format::Criu => self.criu(input),
            _ => self.json(input),
        }
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
            let hint = args::meant(code, names);
            Err(Error::Request(format!(
                "--allow {code}: no such code{hint}; --explain all lists them"
            )))
        }
        None => Ok(()),
    }
}
