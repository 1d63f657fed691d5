//! The command line: everything that the terminal interface shows, as text or JSON.

mod args;
mod compat;
mod files;
mod find;
mod hexdump;
mod integrity;
mod memory;
mod part;
mod records;
mod summary;
mod views;

use crate::diff::Where;
use crate::open::{self, Origin};
use crate::tui;
use anyhow::{Context, Error, Result, bail};
use args::{Args, Form, Mode};
use ckpt_cli::output::{Atomic, no_input};
use ckpt_cli::{Explanation, say};
use ckpt_compat::Target;
use ckpt_parser::decoder::{Decoder, Options};
use ckpt_parser::diagnostic::{Findings, Severity};
use ckpt_parser::model::{Image, Task, validate};
use ckpt_parser::report::document::Hex;
use ckpt_parser::report::{document, lines, outline};
use ckpt_parser::source::Source;
use clap::Parser;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

pub use args::command;
pub use part::schema;

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
    let words: Vec<OsString> = args.into_iter().collect();
    let args = match Args::try_parse_from(&words) {
        Ok(args) => args,
        Err(error) => {
            let _ = error.print();
            if error.use_stderr() {
                tell_what_was_meant(&words);
            }
            return ExitCode::from(if error.use_stderr() { FAILED } else { FINE });
        }
    };
    match dispatch(&args) {
        Ok(code) => ExitCode::from(code),
        Err(error) if is_closed_pipe(&error) => ExitCode::from(CLOSED_PIPE),
        Err(error) => {
            say(format_args!("ckpt-inspect: {error:#}"));
            tell_what_was_meant(&words);
            ExitCode::from(FAILED)
        }
    }
}

/// People write the target behind --compat, where an image is expected.
fn tell_what_was_meant(words: &[OsString]) {
    let is_target = |word: &&str| !Path::new(word).exists() && Target::named(word).is_ok();
    let mut behind = words.iter().skip_while(|word| *word != "--compat").skip(1);
    let target = behind
        .next()
        .and_then(|word| word.to_str())
        .filter(is_target);
    if let Some(target) = target {
        say(format_args!(
            "tip: a target is named by --target: ckpt-inspect --compat --target {target} IMAGE"
        ));
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let io = error
        .chain()
        .find_map(|cause| cause.downcast_ref::<io::Error>());
    io.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

fn dispatch(args: &Args) -> Result<u8> {
    if let Some(answer) = args.shared.answer(command(), explanations) {
        io::stdout().write_all(&answer.map_err(Error::msg)?)?;
        return Ok(FINE);
    }
    if args.print_config_template {
        print!("{}", tui::config::template());
        return Ok(FINE);
    }
    let stdout = io::stdout();
    // An image that comes through a pipe leaves the terminal for the keys, as with `less`.
    let piped = args.image.as_deref() == Some(Path::new("-"));
    let keyboard = piped || io::stdin().is_terminal();
    let terminal = stdout.is_terminal() && args.output.is_none();
    let interactive = terminal && keyboard && args.form().is_none();
    if interactive && args.mode().is_none() {
        must_exist(args)?;
        return interface(args);
    }
    let mode = args.mode().unwrap_or(Mode::Tree);
    if args.raw && !matches!(mode, Mode::Memory(_) | Mode::Record(_)) {
        bail!("--raw goes with --memory and --record");
    }
    let paper = Paper {
        colour: args.shared.color.wanted(terminal),
        terminal,
    };
    let Some(path) = args.output.as_ref().filter(|path| path.as_os_str() != "-") else {
        return written(args, &mode, paper, stdout.lock());
    };
    let inputs = args.image.iter().chain(args.diff.iter().flatten());
    no_input(path, inputs.map(PathBuf::as_path))
        .map_err(|why| Error::msg(format!("--output {why}; name another file")))?;
    let fail = || format!("cannot write {}", path.display());
    let file = Atomic::create(path, true).with_context(fail)?;
    let code = written(args, &mode, paper, file.file().with_context(fail)?)?;
    file.commit().with_context(fail)?;
    Ok(code)
}

/// What text is written on.
#[derive(Clone, Copy, Debug)]
struct Paper {
    /// It shows colours.
    colour: bool,
    /// A person reads along.
    terminal: bool,
}

/// Writes what was asked for.
fn written(args: &Args, mode: &Mode, paper: Paper, out: impl Write) -> Result<u8> {
    let mut out = BufWriter::with_capacity(64 << 10, out);
    let code = match args.diff.as_deref() {
        Some([left, right]) => diff(args, left, right, &mut out)?,
        _ => show(args, mode, paper, &mut out)?,
    };
    out.flush()?;
    Ok(code)
}

/// A slip in a path is told on the terminal as it is, not on a screen that has to be left. What cannot be understood of
/// a file that is there has the screen to be explained on.
fn must_exist(args: &Args) -> Result<()> {
    for path in args.image.iter().chain(args.diff.iter().flatten()) {
        if path == Path::new("-") {
            continue;
        }
        let file = std::fs::metadata(path).and_then(|file| {
            if file.is_file() {
                File::open(path)?;
            }
            Ok(())
        });
        file.with_context(|| format!("cannot open {}", path.display()))?;
    }
    Ok(())
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
    match args.form().unwrap_or(Form::Text) {
        Form::Text => write!(out, "{diff}")?,
        form => diff_json(&diff, form, out)?,
    }
    Ok(if diff.changes.is_empty() {
        FINE
    } else {
        FINDINGS
    })
}

fn diff_json(diff: &crate::diff::Diff, form: Form, out: &mut dyn Write) -> io::Result<()> {
    let mut list = part::List::begin::<part::Change>(form, out)?;
    for change in &diff.changes {
        let (record, address) = match change.place {
            Some(Where::Record(record)) => (Some(record), None),
            Some(Where::Address(_, address)) => (None, Some(Hex::new(address))),
            None => (None, None),
        };
        let side = |text: &String| (!text.is_empty()).then(|| text.clone());
        list.item(&part::Change {
            group: change.group.name(),
            what: change.what.clone(),
            left: side(&change.left),
            right: side(&change.right),
            record,
            address,
        })?;
    }
    list.end(&[
        ("equal", diff.changes.is_empty().into()),
        ("compared_bytes", diff.compared.into()),
    ])
}

/// Codes that the views show: those of the reader, and the rules of the compatibility view.
fn explanations() -> Vec<Explanation> {
    let rule = |rule: &ckpt_compat::rules::Rule| Explanation {
        code: rule.id.to_owned(),
        kind: format!("rule, {}", rule.layer.name()),
        title: rule.title.to_owned(),
        text: format!("{}\n\n{}", rule.rationale, rule.remedy),
    };
    let mut all = ckpt_cli::diagnostics();
    all.extend(ckpt_compat::rules::rules().map(rule));
    all
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
    /// What it was, and what it says of its form.
    origin: Origin,
    form: Arc<str>,
}

impl Opened {
    fn image(&mut self) -> Result<Image> {
        Image::read(&mut self.decoder, |_| true)
            .with_context(|| format!("cannot read {}", self.name))
    }
}

fn opened(args: &Args, path: Option<&Path>) -> Result<Opened> {
    let options: Options = args.options();
    let name = name_of(path);
    if path.is_none() && !args.quiet && !io::stdin().is_terminal() {
        say("no IMAGE is named: this is the embedded sample (- reads standard input)");
    }
    let input = open::find(path, &options.limits)
        .and_then(open::Found::once)
        .with_context(|| format!("cannot open {name}"))?;
    if matches!(input.origin, Origin::Criu | Origin::Core) && args.verbose {
        say(format_args!(
            "{name} is shown as the R18 stream that it amounts to"
        ));
        for loss in input.losses.iter() {
            say(format_args!("not in that stream: {loss}"));
        }
    }
    let (origin, form) = (input.origin, input.form.clone());
    let decoder = input
        .decoder(options)
        .with_context(|| format!("cannot read {name}"))?;
    Ok(Opened {
        decoder,
        name,
        origin,
        form,
    })
}

fn decoder(args: &Args) -> Result<(Decoder<Box<dyn Source>>, String)> {
    let Opened { decoder, name, .. } = opened(args, args.image.as_deref())?;
    Ok((decoder, name))
}

/// The model of an image and the source to read its memory from.
fn image(args: &Args) -> Result<(Image, Box<dyn Source>)> {
    let mut opened = opened(args, args.image.as_deref())?;
    let image = opened.image()?;
    has_task(args, &image)?;
    Ok((image, opened.decoder.into_source()))
}

/// Whether the image has the task that `--task` asks for.
fn has_task(args: &Args, image: &Image) -> Result<()> {
    args.task.map_or(Ok(()), |pid| task(image, pid).map(drop))
}

/// The task that was asked for.
fn task(image: &Image, pid: i32) -> Result<&Task> {
    image.task_by_pid(pid).with_context(|| {
        let pids = image.tasks.iter().map(|task| task.pid.to_string());
        let known: Vec<String> = pids.take(20).collect();
        let more = if image.tasks.len() > known.len() {
            " …"
        } else {
            ""
        };
        format!(
            "no task {pid} in the image; there are {}{more}",
            known.join(" ")
        )
    })
}

fn show(args: &Args, mode: &Mode, paper: Paper, out: &mut dyn Write) -> Result<u8> {
    let form = args.form().unwrap_or(Form::Text);
    match mode {
        Mode::Tree => everything(args, form, out),
        Mode::Stats => records::stats(args, form, out),
        Mode::Record(which) => records::record(args, which, form, paper.colour, out),
        Mode::Tasks => {
            let (image, source) = image(args)?;
            match form {
                Form::Text => views::tasks(&image, source, args, out)?,
                form => views::tasks_json(&image, args, form, out)?,
            }
            Ok(report(&image.findings, args))
        }
        Mode::Maps => with_image(args, |image| match form {
            Form::Text => views::maps(image, args, out),
            form => views::maps_json(image, args, form, out),
        }),
        Mode::Regs => {
            let (image, source) = image(args)?;
            match form {
                Form::Text => views::regs(&image, source, args, out)?,
                form => views::regs_json(&image, source, args, form, out)?,
            }
            Ok(report(&image.findings, args))
        }
        Mode::Files => {
            let (image, source) = image(args)?;
            match form {
                Form::Text => files::text(&image, source, args, paper.terminal, out)?,
                form => files::json(&image, args, form, out)?,
            }
            Ok(report(&image.findings, args))
        }
        Mode::Summary => summary::summary(args, form, out),
        Mode::Integrity => integrity::integrity(args, form, out),
        Mode::Memory(which) => memory::memory(args, which, form, paper.colour, out),
        Mode::Strings(min) => find::strings(args, *min, form, out),
        Mode::Find(what) => find::find(args, what, form, out),
        Mode::Compat => compat::compat(args, form, out),
    }
}

/// The whole image: an outline, a document, or every record.
fn everything(args: &Args, form: Form, out: &mut dyn Write) -> Result<u8> {
    if form == Form::Json {
        let (image, source) = image(args)?;
        let findings = all_findings(&image);
        let mut document = document::Document::new(&image, &findings);
        if let Some(root) = &args.sysroot {
            views::name_addresses(&image, source, root, &mut document);
        }
        serde_json::to_writer(&mut *out, &document)?;
        writeln!(out)?;
        return Ok(report(&findings, args));
    }
    let (mut decoder, _) = decoder(args)?;
    if form == Form::Lines {
        lines::write_lines(&mut decoder, out)?;
    } else {
        outline::write_outline(&mut decoder, out)?;
        out.flush()?;
    }
    Ok(report(decoder.findings(), args))
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
        say(format_args!("{}: {finding}", finding.severity.name()));
    }
    if !args.quiet && findings.has_errors() {
        say("ckpt-inspect --explain CODE says what a code means and what to do");
    }
    if findings.dropped() > 0 && !args.quiet {
        say(format_args!(
            "{} more findings are not shown",
            findings.dropped()
        ));
    }
    if findings.has_errors() {
        FINDINGS
    } else {
        FINE
    }
}
