//! Pages with measured answers: hostile images, growth, instructions.

use crate::run;
use anyhow::{Context, Result, ensure};
use ckpt_tests::growth::{JOBS, Job, measure, time};
use ckpt_tests::{counts, hostile};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

const PROGRAMS: &str = "target/release";
const REPORTS: &str = "tests/reports";
/// How many of something a flood has.
const MANY: u64 = 1_000_000;

/// The programs, optimised; those that are there with `CKPT_BUILT` set.
fn release() -> Result<()> {
    if std::env::var_os("CKPT_BUILT").is_some() {
        return Ok(());
    }
    run(
        "cargo",
        &[
            "build",
            "--release",
            "--locked",
            "-p",
            "ckpt-inspect",
            "-p",
            "ckpt-convert",
            "--bins",
        ],
    )
}

/// Writes the page about hostile images.
pub(crate) fn hostile() -> Result<()> {
    release()?;
    let mut page = String::from(
        "# Hostile images\n\n\
         Written by `cargo xtask hostile`; a test demands the answers on every change. Floods have a million of\n\
         their thing. Time and memory (peak resident) are of one run of optimised programs on a machine with two\n\
         cores. No program got more than 512 MiB of heap. What a limit refuses, `--limit NAME=NUMBER` can allow \n\
         (`--help` lists the limits and their defaults).\n\n\
         | Input | Command | Exit | Answer | Time | Memory |\n\
         | --- | --- | --- | --- | --- | --- |\n",
    );
    for case in hostile::cases() {
        let scratch = tempfile::tempdir()?;
        (case.make)(&scratch.path().join("IN"), MANY)?;
        for command in case.runs {
            let outcome = command.outcome_of(scratch.path(), Path::new(PROGRAMS))?;
            ensure!(
                outcome.is(command),
                "{}: {}: {:?} {}",
                case.what,
                command.command,
                outcome.exit,
                outcome.stderr
            );
            let memory = outcome
                .peak_kib
                .map_or(String::new(), |kib| format!("{} MiB", kib.div_ceil(1024)));
            writeln!(
                page,
                "| {} | `{}` | {} | {} | {:.0} ms | {memory} |",
                case.what,
                command.command,
                command.exit,
                answer(&outcome, command.says),
                outcome.time.as_secs_f64() * 1e3
            )?;
        }
    }
    keep("hostile.md", &page)
}

/// The line of an answer that says what is wanted, or its first one, short enough for a table.
fn answer(outcome: &hostile::Outcome, says: &str) -> String {
    let lines = outcome.stderr.lines().chain(outcome.stdout.lines());
    let line = lines
        .map(str::trim)
        .find(|line| !line.is_empty() && line.contains(says));
    let line: String = line.unwrap_or_default().chars().take(150).collect();
    format!("`{}`", line.replace('|', "/").replace('`', "'"))
}

fn keep(name: &str, text: &str) -> Result<()> {
    fs::create_dir_all(REPORTS)?;
    let path = format!("{REPORTS}/{name}");
    fs::write(&path, text).with_context(|| path.clone())?;
    eprintln!("wrote {path}");
    Ok(())
}

/// Writes the instructions of the fixed jobs.
pub(crate) fn counts() -> Result<()> {
    release()?;
    let counted = counts::count(Path::new(PROGRAMS));
    keep("instructions.json", &format!("{counted:#}\n"))
}

/// How far to go.
#[derive(clap::Args)]
pub(crate) struct Growth {
    /// The largest image that is counted has ten to the power of this many records.
    #[arg(long, default_value_t = 5)]
    power: u32,
}

/// User time of a job at a size.
struct Timed {
    job: &'static Job,
    units: u64,
    seconds: f64,
}

/// A job and its points: units and instructions.
type Line = (&'static str, &'static str, Vec<(u64, u64)>);

impl Growth {
    /// Writes table and plot.
    pub(crate) fn run(&self) -> Result<()> {
        release()?;
        let mut lines: Vec<Line> = Vec::new();
        for job in JOBS {
            let scratch = tempfile::tempdir()?;
            let mut points = Vec::new();
            // The larger ones are timed.
            let sizes = (3..=self.power).map(|power| 10u64.pow(power));
            for n in sizes.filter(|n| *n <= job.largest() / 7) {
                let counted = measure(job, scratch.path(), Path::new(PROGRAMS), n)?;
                let counted = counted.with_context(|| format!("{} fails", job.name))?;
                eprintln!("{}: {n} {}: {counted}", job.name, job.unit);
                points.push((n, counted));
            }
            lines.push((job.name, job.unit, points));
        }
        let timed = Self::timed()?;
        keep("growth.svg", &plot(&lines))?;
        keep("growth.md", &(table(&lines) + &times(&timed)))
    }

    /// The largest image of each job, and one of a tenth.
    fn timed() -> Result<Vec<Timed>> {
        let mut timed = Vec::new();
        for job in JOBS {
            for units in [job.largest() / 10, job.largest()] {
                let scratch = tempfile::tempdir()?;
                let seconds = time(job, scratch.path(), Path::new(PROGRAMS), units)?;
                let seconds = seconds.with_context(|| format!("{} fails", job.name))?;
                eprintln!("{}: {units} {}: {seconds} s", job.name, job.unit);
                timed.push(Timed {
                    job,
                    units,
                    seconds,
                });
            }
        }
        Ok(timed)
    }
}

fn times(timed: &[Timed]) -> String {
    let mut page = String::from(
        "\n## Larger images\n\n\
         User time where counting takes too long: a unit costs the same in an image ten times as large.\n\n\
         | Job | Size | Seconds | Microseconds for each |\n| --- | --- | --- | --- |\n",
    );
    for Timed {
        job,
        units,
        seconds,
    } in timed
    {
        #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
        let each = seconds * 1e6 / *units as f64;
        let (name, unit) = (job.name, job.unit);
        let _ = writeln!(
            page,
            "| {name} | {units} {unit} | {seconds:.2} | {each:.2} |"
        );
    }
    page
}

fn table(lines: &[Line]) -> String {
    let mut page = String::from(
        "# How work grows\n\n\
         Written by `cargo xtask growth`: instructions of optimised programs, counted by callgrind, so the same on a\n\
         busy machine. A test fails if a job grows faster than its image.\n\n\
         ![Instructions by size of the image, both axes logarithmic: parallel lines](growth.svg)\n\n\
         | Job | Size | Instructions | For each |\n| --- | --- | --- | --- |\n",
    );
    for (name, unit, points) in lines {
        for (n, count) in points {
            let _ = writeln!(page, "| {name} | {n} {unit} | {count} | {} |", count / n);
        }
    }
    page
}

/// Both axes logarithmic: a line in the data is a line of slope one here.
fn plot(lines: &[Line]) -> String {
    const COLOURS: [&str; 10] = [
        "#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#777777", "#000000",
        "#994455", "#997700",
    ];
    #[expect(clippy::cast_precision_loss, reason = "a picture")]
    let log = |value: u64| (value.max(1) as f64).log10();
    let x = |n: u64| 60.0 + (log(n) - 3.0) * 140.0;
    let y = |count: u64| 420.0 - (log(count) - 6.0) * 80.0;
    let mut svg = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 760 470\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"760\" height=\"470\" fill=\"white\"/>\n",
    );
    for power in 3..=7u32 {
        let at = x(10u64.pow(power));
        let _ = writeln!(
            svg,
            "<path d=\"M{at:.0} 20V420\" stroke=\"#ddd\"/><text x=\"{at:.0}\" y=\"440\" text-anchor=\"middle\">10^{power}</text>"
        );
    }
    for power in 6..=11u32 {
        let at = y(10u64.pow(power));
        let _ = writeln!(
            svg,
            "<path d=\"M60 {at:.0}H620\" stroke=\"#ddd\"/><text x=\"52\" y=\"{:.0}\" text-anchor=\"end\">10^{power}</text>",
            at + 4.0
        );
    }
    svg += "<text x=\"340\" y=\"462\" text-anchor=\"middle\">records, tasks, mappings or page runs</text>\n\
            <text x=\"60\" y=\"14\">instructions</text>\n";
    for (n, (name, _, points)) in lines.iter().enumerate() {
        let colour = COLOURS.get(n % COLOURS.len()).copied().unwrap_or("#000000");
        let path: Vec<String> = points
            .iter()
            .map(|(n, count)| format!("{:.1},{:.1}", x(*n), y(*count)))
            .collect();
        let key = 40 + 18 * n;
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\
             <path d=\"M632 {}h16\" stroke=\"{colour}\" stroke-width=\"2\"/><text x=\"654\" y=\"{key}\">{name}</text>",
            path.join(" "),
            key - 4
        );
    }
    svg + "</svg>\n"
}
