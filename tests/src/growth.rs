//! How the work of a job grows with the image: in a line, or something is wrong.

use crate::work::instructions;
use ckpt_bridge::bytes::Blob;
use ckpt_bridge::{open_stream, to_criu};
use ckpt_parser::decoder::Options;
use ckpt_samples::big::{Filled, Sparse, page_groups, records, tasks, vmas};
use std::fs::File;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

/// A job over images of any size.
pub struct Job {
    /// What it is.
    pub name: &'static str,
    /// What is counted on the axis.
    pub unit: &'static str,
    /// Program and arguments, with `IN` and `OUT`.
    pub command: &'static str,
    /// Writes an image with this many of them.
    pub image: fn(&Path, u64) -> io::Result<()>,
}

impl Job {
    /// The program, which lies in a folder, and its arguments.
    fn words(&self, programs: &Path) -> io::Result<(PathBuf, Vec<&'static str>)> {
        let mut words = self.command.split(' ');
        let program = std::fs::canonicalize(programs)?.join(words.next().unwrap_or_default());
        Ok((program, words.collect()))
    }

    /// The largest image that fits into one process of 32 bits, the limit of tasks, a small disk and a minute.
    pub fn largest(&self) -> u64 {
        match (self.name, self.unit) {
            ("verdict", _) => 100_000,
            (_, "records") => 10_000_000,
            (_, "mappings") => 500_000,
            _ => 1_000_000,
        }
    }
}

/// All jobs.
pub const JOBS: &[Job] = &[
    Job {
        name: "statistics",
        unit: "records",
        command: "ckpt-inspect IN --stats",
        image: many_records,
    },
    Job {
        name: "outline",
        unit: "records",
        command: "ckpt-inspect IN --tree",
        image: many_records,
    },
    Job {
        name: "JSON Lines",
        unit: "records",
        command: "ckpt-inspect IN --json-lines",
        image: many_records,
    },
    Job {
        name: "model, references, counts",
        unit: "records",
        command: "ckpt-inspect IN --integrity",
        image: many_records,
    },
    Job {
        name: "one JSON document",
        unit: "mappings",
        command: "ckpt-inspect IN --json",
        image: |path, n| vmas(&mut Filled::new(create(path)?), 17, n),
    },
    Job {
        name: "process tree",
        unit: "tasks",
        command: "ckpt-inspect IN --tasks",
        image: |path, n| tasks(&mut Filled::new(create(path)?), 17, n),
    },
    Job {
        name: "search in memory",
        unit: "page runs",
        command: "ckpt-inspect IN --find no-such-text",
        image: page_runs,
    },
    Job {
        name: "to another revision",
        unit: "page runs",
        command: "ckpt-convert IN --to r18 --allow all --force -o OUT",
        image: page_runs,
    },
    Job {
        name: "to CRIU",
        unit: "page runs",
        command: "ckpt-convert IN --to criu --allow all --force -o OUT.tar",
        image: page_runs,
    },
    Job {
        name: "from CRIU",
        unit: "mappings",
        command: "ckpt-inspect IN --stats",
        image: criu_set,
    },
    Job {
        name: "CRIU to a core",
        unit: "mappings",
        command: "ckpt-convert IN --to elf-core --allow all --force -o OUT",
        image: criu_set,
    },
    Job {
        name: "verdict",
        unit: "mappings",
        command: "ckpt-check --target v7-vfp IN",
        image: page_runs,
    },
];

fn create(path: &Path) -> io::Result<BufWriter<File>> {
    Ok(BufWriter::with_capacity(1 << 20, File::create(path)?))
}

fn many_records(path: &Path, n: u64) -> io::Result<()> {
    records(&mut Filled::new(create(path)?), 17, n)
}

fn page_runs(path: &Path, n: u64) -> io::Result<()> {
    let mut to = Sparse(create(path)?);
    page_groups(&mut to, 17, n * 4096, 1)?;
    io::Write::flush(&mut to.0)
}

/// A CRIU set of mappings with a page each, in a tar file.
fn criu_set(path: &Path, n: u64) -> io::Result<()> {
    let stream = path.with_extension("stream");
    page_runs(&stream, n)?;
    let blob = Blob::new("stream", Arc::new(std::fs::read(&stream)?));
    let folder = tempfile::tempdir()?;
    let tree = open_stream(&blob, Options::default()).map_err(io::Error::other)?;
    to_criu(&tree.tree, folder.path()).map_err(io::Error::other)?;
    let mut archive = tar::Builder::new(create(path)?);
    archive.append_dir_all(".", folder.path())?;
    io::Write::flush(&mut archive.into_inner()?)
}

/// Instructions of a job over an image with `n` of its units.
///
/// # Errors
/// Those of writing the image.
pub fn measure(job: &Job, folder: &Path, programs: &Path, n: u64) -> io::Result<Option<u64>> {
    (job.image)(&folder.join("IN"), n)?;
    let (program, args) = job.words(programs)?;
    Ok(instructions(folder, &program, &args))
}

/// User time of the same, in seconds: for images that are too large to count.
///
/// # Errors
/// Those of writing the image.
pub fn time(job: &Job, folder: &Path, programs: &Path, n: u64) -> io::Result<Option<f64>> {
    (job.image)(&folder.join("IN"), n)?;
    let (program, args) = job.words(programs)?;
    // 1 stands for findings, which are an answer; of a conversion it is a refusal.
    let script = "TIMEFORMAT=%U; time \"$@\" > said 2> errors || test $? = 1 -a \"${1##*/}\" != ckpt-convert";
    let output = Command::new("bash")
        .args(["-c", script, "growth"])
        .arg(program)
        .args(args)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    let seconds = said.trim().parse().ok();
    Ok(seconds.filter(|_| output.status.success()))
}

/// How much more a unit costs at the end than before: 1 is a line, 10 a square, for sizes that are
/// ten times each other.
pub fn steepness(small: (u64, u64), middle: (u64, u64), large: (u64, u64)) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a ratio")]
    let slope = |a: (u64, u64), b: (u64, u64)| {
        b.1.saturating_sub(a.1) as f64 / b.0.saturating_sub(a.0).max(1) as f64
    };
    slope(middle, large) / slope(small, middle).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::steepness;

    #[test]
    fn a_square_is_steep_and_a_line_is_not() {
        let points = |f: fn(u64) -> u64| [100, 1000, 10_000].map(|n| (n, f(n)));
        let [a, b, c] = points(|n| 5_000_000 + 700 * n);
        assert!((0.99..1.01).contains(&steepness(a, b, c)));
        let [a, b, c] = points(|n| 5_000_000 + 700 * n + n * n / 10);
        assert!(steepness(a, b, c) > 1.8);
    }
}
