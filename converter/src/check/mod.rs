//! The program `ckpt-check`: arguments, images, targets, reports, exit status.

mod done;
mod fleet;
mod images;
mod lists;
mod machines;
mod output;
mod store;
mod table;

use std::io::{self, Write as _};
use std::path::PathBuf;

use anyhow::{Context as _, Error, Result, bail};
use ckpt_cli::Shared;
use ckpt_compat::gather::Options;
use ckpt_compat::report::{NearestReport, Report, TargetReport};
use ckpt_compat::{Policy, Target, Verdict, check, nearest};
use ckpt_parser::limits::{Limit, Limits};
use clap::{CommandFactory as _, Parser, ValueEnum};

use done::Done;
use fleet::{Opened, Subject, What};

const AFTER: &str = "\
Examples:
  ckpt-check -t v7-neon image.ckpt           will it run there?
  ckpt-check -t cortex-a9 --sysroot root/ dump/
                                             a CRIU set and the files it maps
  ckpt-check --nearest core.1234             the least target that restores it
  ckpt-check --all-targets image.ckpt        every part, a line each
  ckpt-check -t host --strict checkpoint.tar
  ckpt-check --explain isa.thumb2            what a rule asks, and why
  ckpt-check -t v7 --format ndjson -j 8 --files-from list \\
      -o fleet.ndjson --skip-done fleet.ndjson
                                             thousands, again after a crash

Exit status: 0 nothing is refused; 1 an image is not restorable (with --strict:
not clearly restorable); 2 the job could not be done: an unknown target, a
missing file, a damaged image.";

/// Will it run there? Judges process images, cores and executables for ARM targets, with evidence for each verdict.
#[derive(Parser, Debug)]
#[command(name = "ckpt-check", version, after_help = AFTER, max_term_width = ckpt_cli::WIDTH)]
pub struct Arguments {
    /// Images: linux-cr streams, CRIU directories or tars, ELF cores, ELF executables and libraries; directories and
    /// tars of them; s3://BUCKET/PREFIX if built with object stores; - is standard input
    #[arg(value_name = "IMAGE")]
    pub images: Vec<PathBuf>,
    /// Read names of images from a file, one a line or ended by NUL; - is standard input
    #[arg(long, value_name = "FILE")]
    pub files_from: Option<PathBuf>,
    /// Go on where an earlier run stopped: pass over images that FILE, its NDJSON, has verdicts of; with -o the same
    /// file is written on
    #[arg(long, value_name = "FILE")]
    pub skip_done: Option<PathBuf>,
    /// Directory with the files that the images name, as they were on the machine they come from
    #[arg(long, value_name = "DIR")]
    pub sysroot: Option<PathBuf>,
    /// Threads: as many images at once, or one image's code in as many parts [default: the cores]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,
    /// Limits that differ from the defaults.
    #[arg(long, value_name = "NAME=NUMBER", value_delimiter = ',', help = Limits::help())]
    pub limit: Vec<Limit>,

    /// Target by name (v7-neon, cortex-a9, pxa270+nwfpe), or host; may be repeated
    #[arg(short, long, value_name = "NAME", help_heading = TARGETS)]
    pub target: Vec<String>,
    /// Target described by a TOML file; may be repeated
    #[arg(long, value_name = "FILE", help_heading = TARGETS)]
    pub target_file: Vec<PathBuf>,
    /// Target described by its /proc/cpuinfo
    #[arg(long, value_name = "FILE", help_heading = TARGETS)]
    pub target_cpuinfo: Option<PathBuf>,
    /// Kernel configuration of that target, plain or gzip
    #[arg(long, value_name = "FILE", requires = "target_cpuinfo", help_heading = TARGETS)]
    pub target_config: Option<PathBuf>,
    /// Auxiliary vector of a 32-bit process on that target (/proc/self/auxv)
    #[arg(long, value_name = "FILE", requires = "target_cpuinfo", help_heading = TARGETS)]
    pub target_auxv: Option<PathBuf>,
    /// Every part of the catalogue, as a matrix
    #[arg(long, help_heading = TARGETS)]
    pub all_targets: bool,
    /// Name the least target that restores each image
    #[arg(long, help_heading = TARGETS)]
    pub nearest: bool,
    /// Site policy: severities by rule, targets that must be met
    #[arg(long, value_name = "FILE", help_heading = TARGETS)]
    pub policy: Option<PathBuf>,
    /// Conditional and unknown count as refusals, too
    #[arg(long, help_heading = TARGETS)]
    pub strict: bool,

    /// Form of the report: text, json, ndjson (a line for each image), sarif, junit, markdown
    #[arg(long, value_name = "FORM", value_enum, default_value_t = Format::Text, hide_possible_values = true, help_heading = REPORT)]
    pub format: Format,
    /// Write the report to a file instead of standard output
    #[arg(short, long, value_name = "FILE", help_heading = REPORT)]
    pub output: Option<PathBuf>,
    /// Write the report as OCI annotations (JSON object of strings), for an orchestrator
    #[arg(long, help_heading = REPORT)]
    pub annotations: bool,
    /// Show every rule, not only those that matter
    #[arg(short, long, help_heading = REPORT)]
    pub verbose: bool,
    /// One line for each image and target
    #[arg(short, long, conflicts_with = "verbose", help_heading = REPORT)]
    pub quiet: bool,

    /// List all rules
    #[arg(long, help_heading = LISTS)]
    pub list_rules: bool,
    /// List all targets: the grammar and the catalogue
    #[arg(long, help_heading = LISTS)]
    pub list_targets: bool,
    /// Write what a machine offers as a target file: the host, or the one of --target or --target-cpuinfo
    #[arg(long, help_heading = LISTS)]
    pub fingerprint: bool,
    /// Write the greatest target that all these target files restore
    #[arg(long, value_name = "FILE", num_args = 1.., help_heading = LISTS)]
    pub baseline: Vec<PathBuf>,

    /// What every program has.
    #[command(flatten)]
    pub shared: Shared,
}

impl Arguments {
    /// The first verdict that refuses.
    fn bar(&self) -> Verdict {
        if self.strict {
            Verdict::Conditional
        } else {
            Verdict::NotRestorable
        }
    }
}

const TARGETS: &str = "Targets";
const REPORT: &str = "Report";
const LISTS: &str = "Instead of a report";

/// Form of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table for people.
    Text,
    /// One JSON document.
    Json,
    /// One JSON document a line for each image.
    Ndjson,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// JUnit XML, for CI.
    Junit,
    /// Markdown.
    Markdown,
}

/// Nothing was refused.
const FINE: u8 = 0;
/// Something was refused.
const REFUSED: u8 = 1;
/// The job could not be done.
const FAILED: u8 = 2;
/// What a shell reports of a program that a closed pipe ended (128 + SIGPIPE).
const CLOSED_PIPE: u8 = 141;

/// Runs the program and returns its exit status.
pub fn main(arguments: &Arguments) -> u8 {
    match run(arguments) {
        Ok(status) => status,
        Err(error) if is_broken_pipe(&error) => CLOSED_PIPE,
        Err(error) => {
            ckpt_cli::say(format_args!("ckpt-check: {error:#}"));
            FAILED
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

fn run(arguments: &Arguments) -> Result<u8> {
    let about = arguments
        .shared
        .answer(Arguments::command(), lists::explanations);
    let text = match about {
        Some(answer) => Some(answer.map_err(Error::msg)?),
        None => lists::text(arguments)?,
    };
    let Some(text) = text else {
        return judge(arguments);
    };
    let mut out = output::Place::open(arguments)?;
    out.write_all(&text)?;
    out.finish()?;
    Ok(FINE)
}

fn judge(arguments: &Arguments) -> Result<u8> {
    let policy = arguments.policy.as_deref().map(read_policy).transpose()?;
    let targets = machines::targets(arguments, policy.as_ref())?;
    if arguments.images.is_empty() && arguments.files_from.is_none() {
        bail!("no image is named: ckpt-check --target NAME IMAGE; see --help");
    }
    if targets.all.is_empty() && !arguments.nearest {
        bail!("no target is named: --target NAME (see --list-targets), --all-targets or --nearest");
    }
    if let Some(root) = arguments.sysroot.as_deref().filter(|root| !root.is_dir()) {
        bail!("--sysroot {}: no such directory", root.display());
    }
    let job = Job {
        arguments,
        targets: &targets.all,
        named: targets.named,
        policy: policy.as_ref(),
        done: done(arguments, &targets)?,
        jobs: arguments
            .jobs
            .map_or_else(|| Options::default().jobs, usize::from),
    };
    let subjects = fleet::subjects(arguments)?;
    // What an earlier run wrote is gone when this is open: only now is it known that there is something to do.
    let mut out = output::Place::open(arguments)?;
    let mut printer = output::Printer::new(arguments);
    let mut status = None;
    job.run(subjects, &mut |answer| {
        let answered = match answer {
            Answer::Done(verdicts) => job.status(verdicts.iter().copied()),
            Answer::Report(report) => {
                let status = job.status_of(&report);
                printer.add(&mut out, *report)?;
                status
            }
        };
        status = status.max(Some(answered));
        Ok(())
    })?;
    printer.finish(&mut out)?;
    let status = status.context("no image is named: the list is empty")?;
    out.finish()?;
    Ok(status)
}

fn done(arguments: &Arguments, targets: &machines::Targets) -> Result<Done> {
    let names = |targets: &[Target]| targets.iter().map(|target| target.name.clone()).collect();
    let (named, _) = targets.all.split_at(targets.named);
    match &arguments.skip_done {
        Some(path) => Done::read(
            path,
            &done::Wanted {
                targets: names(&targets.all),
                counted: names(named),
                nearest: arguments.nearest,
            },
        ),
        None => Ok(Done::default()),
    }
}

fn read_policy(path: &std::path::Path) -> Result<Policy> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    Policy::from_toml(&text).with_context(|| path.display().to_string())
}

/// What is the same for all images.
struct Job<'a> {
    arguments: &'a Arguments,
    targets: &'a [Target],
    /// The first so many of the targets are named; the others only show.
    named: usize,
    policy: Option<&'a Policy>,
    done: Done,
    jobs: usize,
}

/// What is known of one image in the end.
enum Answer<'a> {
    /// An earlier run had these verdicts, of what counts.
    Done(&'a [Verdict]),
    /// The report on it.
    Report(Box<Report>),
}

/// What became of a subject.
enum Outcome<'a> {
    Answer(Answer<'a>),
    /// It is an archive of these.
    Archive(Vec<Subject>),
}

impl Job<'_> {
    /// Judges images, several at once, and gives the answers in order.
    fn run<'a>(
        &'a self,
        subjects: impl Iterator<Item = Subject>,
        each: &mut dyn FnMut(Answer<'a>) -> Result<()>,
    ) -> Result<()> {
        let mut subjects = subjects.peekable();
        let first = subjects.next();
        let single = subjects.peek().is_none();
        let (images_at_once, scan_jobs) = if single {
            (1, self.jobs)
        } else {
            (self.jobs, 1)
        };
        let work = |subject| self.outcome(subject, scan_jobs);
        fleet::in_order(
            images_at_once,
            first.into_iter().chain(subjects),
            work,
            |outcome| match outcome {
                Outcome::Answer(answer) => each(answer),
                Outcome::Archive(members) => self.run(members.into_iter(), each),
            },
        )
    }

    /// A fault of this program must not end a run over thousands of images.
    fn outcome(&self, subject: Subject, scan_jobs: usize) -> Outcome<'_> {
        let name = subject.name.clone();
        let judged = std::panic::AssertUnwindSafe(|| self.judged(subject, scan_jobs));
        std::panic::catch_unwind(judged)
            .unwrap_or_else(|_| {
                Ok(Outcome::failed(
                    &name,
                    "a fault in ckpt-check itself; please report it",
                ))
            })
            .unwrap_or_else(|error| Outcome::failed(&name, &format!("{error:#}")))
    }

    fn judged(&self, subject: Subject, scan_jobs: usize) -> Result<Outcome<'_>> {
        let Subject { name, what } = subject;
        if let Some(verdicts) = self.done.verdicts(&name) {
            return Ok(Outcome::Answer(Answer::Done(verdicts)));
        }
        let how = images::How {
            gather: Options {
                sysroot: self.arguments.sysroot.clone(),
                jobs: scan_jobs,
            },
            limits: Limits::with(&self.arguments.limit),
        };
        let image = match what {
            What::Image(image) => image,
            What::Fault(error) => return Err(error),
            What::File(path) => match fleet::open(&path, &how.limits)? {
                Opened::One(image) => image,
                Opened::Many(members) => return Ok(Outcome::Archive(members)),
            },
        };
        let evidence = images::gather(&image, &how)?;
        evidence.all_read()?;
        let mut report = Report::new(&name, &evidence);
        for target in self.targets {
            report.add(&check(&evidence, target, self.policy));
        }
        if self.arguments.nearest
            && let Some(nearest) = nearest(&evidence, self.policy)
        {
            report.set_nearest(&nearest);
        }
        Ok(Outcome::Answer(Answer::Report(Box::new(report))))
    }

    fn status_of(&self, report: &Report) -> u8 {
        if report.error.is_some() {
            return FAILED;
        }
        let named = report.targets.iter().take(self.named);
        let nearest = (self.arguments.nearest && self.named == 0).then(|| {
            let nearest = report.nearest.as_ref();
            nearest.map_or(Verdict::NotRestorable, NearestReport::verdict)
        });
        self.status(named.map(TargetReport::verdict).chain(nearest))
    }

    /// An image must be restorable on each target that is named, or else on the nearest, if that is asked; what
    /// `--all-targets` adds only shows and refuses nothing.
    fn status(&self, mut verdicts: impl Iterator<Item = Verdict>) -> u8 {
        let bar = self.arguments.bar();
        if verdicts.any(|verdict| verdict >= bar) {
            REFUSED
        } else {
            FINE
        }
    }
}

impl Outcome<'_> {
    fn failed(name: &str, error: &str) -> Self {
        Outcome::Answer(Answer::Report(Box::new(Report::failed(name, error))))
    }
}
