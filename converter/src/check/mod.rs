//! The program `ckpt-check`: arguments, images, targets, reports, exit status.

mod images;
mod lists;
mod machines;
mod output;
mod table;

use std::io::{self, Write as _};
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use ckpt_compat::gather::Options;
use ckpt_compat::report::Report;
use ckpt_compat::{Policy, Target, Verdict, check, nearest};
use ckpt_parser::limits::{Limit, Limits};
use clap::{Parser, ValueEnum};

/// Will it run there? Judges process images, cores and executables for ARM targets, with evidence for each verdict.
///
/// Exit status: 0 nothing is refused, 1 an image is not restorable (with --strict: not clearly restorable),
/// 2 the job could not be done (an unknown target, a missing file, a damaged image).
#[derive(Parser, Debug)]
#[command(name = "ckpt-check", version, max_term_width = 100)]
pub struct Arguments {
    /// Images: linux-cr streams, CRIU directories or tars, ELF cores, ELF executables and libraries; directories of
    /// them; `-` is standard input.
    #[arg(value_name = "IMAGE")]
    pub images: Vec<PathBuf>,
    /// Target by name (v7-neon, cortex-a9, pxa270+nwfpe), or `host`; may be repeated.
    #[arg(short, long, value_name = "NAME")]
    pub target: Vec<String>,
    /// Target described by a TOML file; may be repeated.
    #[arg(long, value_name = "FILE")]
    pub target_file: Vec<PathBuf>,
    /// Target described by its /proc/cpuinfo.
    #[arg(long, value_name = "FILE")]
    pub target_cpuinfo: Option<PathBuf>,
    /// Kernel configuration of that target, plain or gzip.
    #[arg(long, value_name = "FILE", requires = "target_cpuinfo")]
    pub target_config: Option<PathBuf>,
    /// Auxiliary vector of a 32-bit process on that target (/proc/self/auxv).
    #[arg(long, value_name = "FILE", requires = "target_cpuinfo")]
    pub target_auxv: Option<PathBuf>,
    /// Every part of the catalogue, as a matrix.
    #[arg(long)]
    pub all_targets: bool,
    /// Name the least target that restores each image.
    #[arg(long)]
    pub nearest: bool,
    /// Directory with the files that the images name.
    #[arg(long, value_name = "DIR")]
    pub sysroot: Option<PathBuf>,
    /// Site policy: severities by rule, targets that must be met.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Read names of images from a file, one a line; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    pub files_from: Option<PathBuf>,
    /// Form of the report.
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Conditional and unknown count as refusals, too.
    #[arg(long)]
    pub strict: bool,
    /// Show every rule, not only those that matter.
    #[arg(short, long)]
    pub verbose: bool,
    /// One line for each image and target.
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Threads.
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<usize>,
    /// Limits that differ from the defaults.
    #[arg(long, value_name = "NAME=NUMBER", value_delimiter = ',', help = Limits::help())]
    pub limit: Vec<Limit>,
    /// Colour; NO_COLOR switches it off.
    #[arg(long, value_enum, default_value_t = Colour::Auto)]
    pub color: Colour,
    /// Print why a rule exists and what to do about it.
    #[arg(long, value_name = "RULE")]
    pub explain: Option<String>,
    /// List all rules.
    #[arg(long)]
    pub list_rules: bool,
    /// List all targets: the grammar and the catalogue.
    #[arg(long)]
    pub list_targets: bool,
    /// Write what a machine offers as a target file: the host, or the one of --target or --target-cpuinfo.
    #[arg(long)]
    pub fingerprint: bool,
    /// Write the greatest target that all these target files restore.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub baseline: Vec<PathBuf>,
    /// Write the report as OCI annotations (JSON object of strings), for an orchestrator.
    #[arg(long)]
    pub annotations: bool,
}

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

/// When to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// On a terminal, without NO_COLOR.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Nothing was refused.
const FINE: u8 = 0;
/// Something was refused.
const REFUSED: u8 = 1;
/// The job could not be done.
const FAILED: u8 = 2;

/// Runs the program and returns its exit status.
pub fn main(arguments: &Arguments) -> u8 {
    match run(arguments) {
        Ok(status) => status,
        Err(error) if is_broken_pipe(&error) => FAILED,
        Err(error) => {
            let _ = writeln!(io::stderr(), "ckpt-check: {error:#}");
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
    let mut out = io::BufWriter::new(io::stdout().lock());
    let listed = lists::print(arguments, &mut out)?;
    if listed {
        out.flush()?;
        return Ok(FINE);
    }
    let policy = arguments.policy.as_deref().map(read_policy).transpose()?;
    let targets = machines::targets(arguments, policy.as_ref())?;
    let images = images::names(arguments)?;
    if images.is_empty() {
        bail!("no image is named; see --help");
    }
    if targets.is_empty() && !arguments.nearest {
        bail!("no target is named: --target NAME (see --list-targets), --all-targets or --nearest");
    }
    let job = Job {
        arguments,
        targets: &targets,
        policy: policy.as_ref(),
    };
    let mut printer = output::Printer::new(arguments);
    let mut status = FINE;
    for image in &images {
        let report = job.report(image);
        status = status.max(job.status(&report));
        printer.add(&mut out, report)?;
    }
    printer.finish(&mut out)?;
    out.flush()?;
    Ok(status)
}

fn read_policy(path: &std::path::Path) -> Result<Policy> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    Policy::from_toml(&text).with_context(|| path.display().to_string())
}

/// What is the same for all images.
struct Job<'a> {
    arguments: &'a Arguments,
    targets: &'a [Target],
    policy: Option<&'a Policy>,
}

impl Job<'_> {
    fn report(&self, image: &std::path::Path) -> Report {
        let name = image.display().to_string();
        let jobs = self.arguments.jobs.map(|jobs| jobs.max(1));
        let how = images::How {
            gather: Options {
                sysroot: self.arguments.sysroot.clone(),
                jobs: jobs.unwrap_or(Options::default().jobs),
            },
            limits: Limits::with(&self.arguments.limit),
        };
        let evidence = match images::gather(image, &how) {
            Ok(evidence) => evidence,
            Err(error) => return Report::failed(&name, format!("{error:#}")),
        };
        let mut report = Report::new(&name, &evidence);
        for target in self.targets {
            report.add(&check(&evidence, target, self.policy));
        }
        if self.arguments.nearest
            && let Some(nearest) = nearest(&evidence, self.policy)
        {
            report.set_nearest(&nearest);
        }
        report
    }

    /// With several targets an image must be restorable on each; a matrix only shows and refuses nothing.
    fn status(&self, report: &Report) -> u8 {
        if report.error.is_some() {
            return FAILED;
        }
        if self.arguments.all_targets {
            return FINE;
        }
        let bar = if self.arguments.strict {
            Verdict::Conditional
        } else {
            Verdict::NotRestorable
        };
        let refused = report.targets.iter().any(|target| target.verdict() >= bar);
        let nowhere = self.arguments.nearest && self.targets.is_empty() && report.nearest.is_none();
        if refused || nowhere { REFUSED } else { FINE }
    }
}
