//! Chores of the project: `cargo xtask ci | docs | bless | dist | fuzz | bench`.

use anyhow::{Context, Result, bail, ensure};
use ckpt_tests::fuzz::TARGETS;
use ckpt_tests::triggers::TRIGGERS;
use clap::Parser;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

#[path = "xtask/bench.rs"]
mod bench;
#[path = "xtask/dist.rs"]
mod dist;
#[path = "xtask/measure.rs"]
mod measure;

/// Chores of the project.
#[derive(Parser)]
#[command(name = "xtask", bin_name = "cargo xtask")]
enum Task {
    /// Runs what must pass before a change lands (installs tools: as root on Debian).
    Ci,
    /// Writes the generated files: reference pages, the Kaitai specification, sample images.
    Docs,
    /// Builds the programs and makes what is installed with them: manual pages, completions, a Debian package.
    Dist(dist::Dist),
    /// Accepts what the programs print now as the expected output; review the difference.
    Bless,
    /// Runs the fuzz targets (needs the nightly compiler and cargo-fuzz).
    Fuzz(Fuzz),
    /// Writes what hostile images are answered, with time and memory (a million of everything).
    Hostile,
    /// Writes how work grows with the image, as a table and a plot (needs valgrind).
    Growth(measure::Growth),
    /// Writes the instructions of five fixed jobs, which a test guards (needs valgrind).
    Counts,
    /// Times the programs next to `cat`, `cp` and their peers (needs hyperfine).
    Bench(bench::Bench),
}

#[derive(clap::Args)]
struct Fuzz {
    /// How long each target runs.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// Targets; all of them if none is named.
    targets: Vec<String>,
}

fn main() -> Result<()> {
    env::set_current_dir(root()).context("cannot enter the workspace")?;
    match Task::parse() {
        Task::Ci => run("bash", &[".ci/run"]),
        Task::Docs => docs(),
        Task::Dist(dist) => dist.run(),
        Task::Bless => bless(),
        Task::Fuzz(fuzz) => fuzz.run(),
        Task::Hostile => measure::hostile(),
        Task::Growth(growth) => growth.run(),
        Task::Counts => measure::counts(),
        Task::Bench(bench) => bench.run(),
    }
}

/// The root of the workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Runs a program in the root of the workspace.
fn run(program: &str, args: &[&str]) -> Result<()> {
    eprintln!("$ {program} {}", args.join(" "));
    let status = Command::new(program)
        .args(args)
        .status()
        .with_context(|| format!("cannot run {program}"))?;
    ensure!(
        status.success(),
        "{program} {} failed: {status}",
        args.join(" ")
    );
    Ok(())
}

fn docs() -> Result<()> {
    run(
        "cargo",
        &["run", "-q", "-p", "ckpt-format", "--example", "export"],
    )?;
    run(
        "cargo",
        &["run", "-q", "-p", "ckpt-samples", "--bin", "build-samples"],
    )?;
    for (name, text) in ckpt_tests::reference::pages() {
        fs::write(Path::new("format-spec").join(name), text)?;
    }
    Ok(())
}

fn bless() -> Result<()> {
    docs()?;
    // Both libraries for expected output read their own variable.
    let status = Command::new("cargo")
        .args(["test", "--workspace", "--no-fail-fast"])
        .envs([
            ("INSTA_UPDATE", "always"),
            ("INSTA_FORCE_PASS", "1"),
            ("CKPT_BLESS", "1"),
            ("BLESS", "1"),
        ])
        .status()?;
    ensure!(status.success(), "tests failed: {status}");
    run("git", &["status", "--short"])
}

/// None: our code has no `unsafe`, and targets run twice as fast.
const SANITIZER: &str = "none";

impl Fuzz {
    fn run(&self) -> Result<()> {
        let known = || TARGETS.iter().map(|(name, _)| *name);
        for name in &self.targets {
            if !known().any(|target| target == name) {
                bail!(
                    "no target {name}; there are {}",
                    known().collect::<Vec<_>>().join(", ")
                );
            }
        }
        let wanted =
            |name: &&str| self.targets.is_empty() || self.targets.iter().any(|t| t == name);
        for name in known().filter(wanted) {
            self.target(name)?;
        }
        Ok(())
    }

    /// New inputs go to the local corpus, which is not in the tree; it begins with what is, and with an image of each
    /// code of the reader.
    fn target(&self, name: &str) -> Result<()> {
        let corpus = format!("tests/fuzz/corpus-local/{name}");
        let known = format!("tests/data/fuzz/{name}");
        let seeds = format!("tests/fuzz/corpus/{name}");
        for folder in [&corpus, &known, &seeds] {
            fs::create_dir_all(folder)?;
        }
        for trigger in TRIGGERS {
            let file = format!("{corpus}/code-{}", trigger.code.info().code);
            fs::write(file, trigger.image())?;
        }
        let seconds = format!("-max_total_time={}", self.seconds);
        run(
            "cargo",
            &[
                "+nightly",
                "fuzz",
                "run",
                "--fuzz-dir",
                "tests/fuzz",
                "--sanitizer",
                SANITIZER,
                name,
                &corpus,
                &known,
                &seeds,
                "samples/images",
                "--",
                &seconds,
                "-rss_limit_mb=2048",
                "-timeout=20",
                "-max_len=131072",
                "-print_final_stats=1",
                "-verbosity=0",
            ],
        )
    }
}
