//! The command line: everything that the terminal interface shows, as text or JSON.

mod args;
mod find;
mod hexdump;
mod integrity;
mod memory;
mod records;
mod summary;
mod views;

use crate::open::{self, Input, Origin};
use crate::tui;
use anyhow::{Context, Result};
use args::{Args, Mode};
use ckpt_parser::decoder::{Decoder, Options};
use ckpt_parser::diagnostic::{Code, Findings, Severity};
use ckpt_parser::model::{Image, validate};
use ckpt_parser::report::{document, lines, outline};
use ckpt_parser::source::Source;
use clap::Parser;
use std::ffi::OsString;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub use args::command;

/// Fine.
const FINE: u8 = 0;
/// Findings or damage; nothing found.
const FINDINGS: u8 = 1;
/// The job could not be done.
const FAILED: u8 = 2;
/// What a shell reports of a program that a closed pipe ended (128 + SIGPIPE).
const CLOSED_PIPE: u8 = 141;

/// Runs the program.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args = match Args::try_parse_from(args) {
        Ok(args) => args,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { FAILED } else { FINE });
        }
    };
    match dispatch(&args) {
        Ok(code) => ExitCode::from(code),
        Err(error) if is_closed_pipe(&error) => ExitCode::from(CLOSED_PIPE),
        Err(error) => {
            eprintln!("ckpt-inspect: {error:#}");
            ExitCode::from(FAILED)
        }
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let io = error
        .chain()
        .find_map(|cause| cause.downcast_ref::<io::Error>());
    io.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

fn dispatch(args: &Args) -> Result<u8> {
    if let Some(code) = &args.explain {
        return explain(code);
    }
    if args.print_config_template {
        print!("{}", tui::config::template());
        return Ok(FINE);
    }
    let stdout = io::stdout();
    // An image that comes through a pipe leaves the terminal for the keys, as with `less`.
    let piped = args.image.as_deref() == Some(Path::new("-"));
    let keyboard = piped || io::stdin().is_terminal();
    let interactive = stdout.is_terminal() && keyboard && !args.text;
    if interactive && args.mode().is_none() {
        return interface(args);
    }
    let mode = args.mode().unwrap_or(Mode::Tree);
    let colour = args.wants_colour(stdout.is_terminal());
    let mut out = BufWriter::with_capacity(64 << 10, stdout.lock());
    let code = match args.diff.as_deref() {
        Some([left, right]) => diff(args, left, right, &mut out)?,
        _ => show(args, &mode, colour, &mut out)?,
    };
    out.flush()?;
    Ok(code)
}

/// The terminal interface, on one image or on two.
fn interface(args: &Args) -> Result<u8> {
    let first = args.diff.as_ref().and_then(|pair| pair.first());
    let code = tui::run(
        first.or(args.image.as_ref()).map(PathBuf::as_path),
        args.interface(),
    )?;
    let known = [FINE, FINDINGS]
        .into_iter()
        .find(|known| code == ExitCode::from(*known));
    Ok(known.unwrap_or(FAILED))
}

/// `--diff` without the interface.
fn diff(args: &Args, left: &Path, right: &Path, out: &mut dyn Write) -> Result<u8> {
    let side = |path: &Path| -> Result<(Image, Box<dyn Source>)> {
        let mut opened = opened(args, Some(path))?;
        Ok((opened.image()?, opened.decoder.into_source()))
    };
    let (left, right) = (side(left)?, side(right)?);
    let diff = crate::diff::compare((&left.0, left.1), (&right.0, right.1))?;
    if args.json {
        writeln!(out, "{}", diff.json())?;
    } else {
        write!(out, "{diff}")?;
    }
    Ok(if diff.changes.is_empty() {
        FINE
    } else {
        FINDINGS
    })
}

fn explain(code: &str) -> Result<u8> {
    if code.eq_ignore_ascii_case("all") {
        for code in Code::ALL {
            let info = code.info();
            println!("{} {:7} {}", info.code, info.severity.name(), info.title);
        }
        return Ok(FINE);
    }
    let found = Code::parse(code)
        .with_context(|| format!("no diagnostic has the code {code}; --explain all lists them"))?;
    let info = found.info();
    println!(
        "{} ({}): {}\n\n{}",
        info.code,
        info.severity.name(),
        info.title,
        info.help
    );
    Ok(FINE)
}

/// How to call an image.
fn name_of(path: Option<&Path>) -> String {
    path.map_or_else(
        || "the embedded sample".to_owned(),
        |path| path.display().to_string(),
    )
}

/// An opened image, ready to be read.
struct Opened {
    decoder: Decoder<Box<dyn Source>>,
    name: String,
}

impl Opened {
    fn image(&mut self) -> Result<Image> {
        Image::read(&mut self.decoder, |_| true)
            .with_context(|| format!("cannot read {}", self.name))
    }
}

fn opened(args: &Args, path: Option<&Path>) -> Result<Opened> {
    let options: Options = args.options();
    let input = open::open(path, &options.limits)
        .with_context(|| format!("cannot open {}", name_of(path)))?;
    let Input {
        source,
        name,
        origin,
        losses,
    } = input;
    if matches!(origin, Origin::Criu | Origin::Core) && args.verbose {
        eprintln!("{name} is shown as the R18 stream that it amounts to");
        for loss in &losses {
            eprintln!("not in that stream: {loss}");
        }
    }
    let decoder = Decoder::new(source, options).with_context(|| format!("cannot read {name}"))?;
    Ok(Opened { decoder, name })
}

fn decoder(args: &Args) -> Result<(Decoder<Box<dyn Source>>, String)> {
    let Opened { decoder, name, .. } = opened(args, args.image.as_deref())?;
    Ok((decoder, name))
}

/// The model of an image and the source to read its memory from.
fn image(args: &Args) -> Result<(Image, Box<dyn Source>)> {
    let mut opened = opened(args, args.image.as_deref())?;
    let image = opened.image()?;
    Ok((image, opened.decoder.into_source()))
}

fn show(args: &Args, mode: &Mode, colour: bool, out: &mut dyn Write) -> Result<u8> {
    match mode {
        Mode::Tree => {
            let (mut decoder, _) = decoder(args)?;
            outline::write_outline(&mut decoder, out)?;
            out.flush()?;
            Ok(report(decoder.findings(), args))
        }
        Mode::JsonLines => {
            let (mut decoder, _) = decoder(args)?;
            lines::write_lines(&mut decoder, out)?;
            Ok(report(decoder.findings(), args))
        }
        Mode::Stats => records::stats(args, out),
        Mode::Record(which) => records::record(args, which, colour, out),
        Mode::Json => {
            let (image, _) = image(args)?;
            let findings = all_findings(&image);
            let document = document::Document::new(&image, &findings);
            serde_json::to_writer(&mut *out, &document)?;
            writeln!(out)?;
            Ok(report(&findings, args))
        }
        Mode::Tasks => with_image(args, |image| views::tasks(image, args, out)),
        Mode::Maps => with_image(args, |image| views::maps(image, args, out)),
        Mode::Regs => {
            let (image, source) = image(args)?;
            views::regs(&image, source, args, out)?;
            Ok(report(&image.findings, args))
        }
        Mode::Files => with_image(args, |image| views::files(image, args, out)),
        Mode::Summary => summary::summary(args, out),
        Mode::Integrity => integrity::integrity(args, out),
        Mode::Memory(which) => memory::memory(args, which, colour, out),
        Mode::Strings(min) => find::strings(args, *min, out),
        Mode::Find(what) => find::find(args, what, out),
    }
}

fn with_image(args: &Args, view: impl FnOnce(&Image) -> Result<()>) -> Result<u8> {
    let (image, _) = image(args)?;
    view(&image)?;
    Ok(report(&image.findings, args))
}

/// What parsing and validation found, together.
fn all_findings(image: &Image) -> Findings {
    let mut findings = image.findings.clone();
    findings.extend(validate(image, KEPT_FINDINGS));
    findings.sort();
    findings
}

/// Findings of validation that are kept.
const KEPT_FINDINGS: u32 = 1000;

/// Prints findings to standard error; the exit code that they call for.
fn report(findings: &Findings, args: &Args) -> u8 {
    let told = findings
        .kept()
        .iter()
        .filter(|finding| args.verbose || finding.severity > Severity::Note);
    for finding in told.filter(|_| !args.quiet) {
        eprintln!("{}: {finding}", finding.severity.name());
    }
    if findings.dropped() > 0 && !args.quiet {
        eprintln!("{} more findings are not shown", findings.dropped());
    }
    if findings.has_errors() {
        FINDINGS
    } else {
        FINE
    }
}
