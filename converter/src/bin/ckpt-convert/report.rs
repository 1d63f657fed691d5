//! What the user is told about losses.

use crate::BROKEN_PIPE;
use crate::args::Args;
use crate::target::side_file;
use ckpt_cli::Explanation;
use ckpt_cli::output::{Atomic, no_input};
use ckpt_convert::loss::{Code, Gravity, Loss};
use ckpt_convert::{Error, Losses};
use ckpt_parser::text::escape;
use serde_json::json;
use std::collections::BTreeMap;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

/// How many losses of a kind are printed; all are in the report.
const SHOWN: usize = 10;

/// Prints a line to standard error.
pub(crate) fn say(line: &str) {
    ckpt_cli::say(format_args!("ckpt-convert: {line}"));
}

/// Prints losses and notes to standard error.
pub(crate) fn print(args: &Args, losses: &Losses) {
    if args.quiet {
        return;
    }
    let colour = args.shared.color.wanted(io::stderr().is_terminal());
    let most = if args.verbose { usize::MAX } else { SHOWN };
    let mut shown: BTreeMap<&str, usize> = BTreeMap::new();
    for loss in losses.kept() {
        let count = shown.entry(loss.code).or_insert(0);
        *count += 1;
        if *count <= most {
            say(&painted(loss, colour));
        }
    }
    for (code, count) in losses.counts() {
        let told = shown.get(code).map_or(0, |told| *told.min(&most));
        let more = count.saturating_sub(told as u64);
        if more > 0 {
            let how = if args.verbose { "" } else { "--verbose or " };
            say(&format!(
                "{more} more of {code}; {how}--report FILE names them"
            ));
        }
    }
    if let Some(advice) = losses.advice() {
        say(&advice);
    }
}

/// Its text; where colours are, the word that says how grave it is stands out. Texts of the image are among it, which
/// must not reach the terminal as they are.
fn painted(loss: &Loss, colour: bool) -> String {
    let text = loss.to_string();
    // Values that are escaped already have backslashes.
    let parts: Vec<String> = text
        .split('\\')
        .map(|part| escape(part.as_bytes()))
        .collect();
    let text = parts.join("\\");
    match text.split_once(' ') {
        Some((kind, rest)) if colour => {
            let code = if loss.note { 36 } else { 33 };
            format!("\x1b[{code}m{kind}\x1b[0m {rest}")
        }
        _ => text,
    }
}

/// Answers a question about the program itself.
pub(crate) fn answer(answer: Result<Vec<u8>, String>) -> ExitCode {
    match answer {
        Ok(text) => match io::stdout().write_all(&text) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::from(BROKEN_PIPE),
            Err(error) => {
                say(&format!("standard output: {error}"));
                ExitCode::from(2)
            }
        },
        Err(why) => {
            say(&why);
            ExitCode::from(2)
        }
    }
}

/// Codes that a conversion prints: losses, and what the reader says of damaged images.
pub(crate) fn explanations() -> Vec<Explanation> {
    let loss = |code: &Code| Explanation {
        code: code.name().to_owned(),
        kind: gravity(*code).to_owned(),
        title: code.why().to_owned(),
        text: code.help().to_owned(),
    };
    let foreign = |(code, help): &(&str, &str)| Explanation {
        code: (*code).to_owned(),
        kind: "loss".to_owned(),
        title: first_sentence(help).to_owned(),
        text: (*help).to_owned(),
    };
    let mut all: Vec<Explanation> = Code::ALL.iter().map(loss).collect();
    all.extend(ckpt_bridge::CODES.iter().map(foreign));
    all.extend(ckpt_cli::diagnostics());
    all
}

/// The sentence that a list shows.
fn first_sentence(text: &str) -> &str {
    let end = text.find(['.', ';', ':']).unwrap_or(text.len());
    text.get(..end).unwrap_or(text)
}

/// A report in the place of the image or of what is made of it would cost the user either.
pub(crate) fn check_place(args: &Args) -> Result<(), String> {
    let Some(report) = &args.report else {
        return Ok(());
    };
    let side = side_file(&args.output);
    let others: [&Path; 3] = [&args.input, &args.output, &side];
    no_input(report, others).map_err(|why| format!("--report {why} or written"))
}

/// Writes the report file, if one is wanted.
pub(crate) fn write(args: &Args, losses: &mut Losses, error: Option<&Error>) -> Result<(), Error> {
    let Some(path) = &args.report else {
        return Ok(());
    };
    let report = json!({
        "schema": 1,
        "input": args.input.display().to_string(),
        "refused": losses.refused(),
        "error": error.map(ToString::to_string),
        "counts": losses.counts(),
    });
    let fail = |error: io::Error| {
        let text = format!("the report {}: {error}", path.display());
        Error::Write(io::Error::new(error.kind(), text))
    };
    let head = serde_json::to_string_pretty(&report).map_err(io::Error::from)?;
    let head = head.strip_suffix("\n}").unwrap_or(&head);
    let mut write = || {
        let file = Atomic::create(path, true)?;
        let mut out = BufWriter::new(file.file()?);
        write!(out, "{head},\n  \"losses\": ")?;
        losses.write_all(&mut out)?;
        out.write_all(b"\n}\n")?;
        out.flush()?;
        file.commit()
    };
    write().map_err(fail)
}

/// In words.
fn gravity(code: Code) -> &'static str {
    match code.gravity() {
        Gravity::Note => "note, always allowed",
        Gravity::Loss => "loss",
        Gravity::Fatal => "cannot be allowed",
    }
}
