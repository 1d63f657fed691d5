//! Images that attack their reader, what is asked of them, and what the answer must be. A test
//! demands the answers; `cargo xtask hostile` writes them down with time and memory.

mod cores;
mod documents;
mod executables;
mod sets;
mod streams;

use crate::programs;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// An attack: a file or directory, and commands that meet it.
pub struct Case {
    /// What is wrong with the input.
    pub what: &'static str,
    /// Writes it to a path. The number is how many of something a flood has.
    pub make: fn(&Path, u64) -> io::Result<()>,
    /// Commands and their answers.
    pub runs: &'static [Run],
}

/// A command and its answer.
pub struct Run {
    /// Program and arguments; `IN` and `OUT` stand for the paths.
    pub command: &'static str,
    /// Exit status.
    pub exit: i32,
    /// What standard output or error say.
    pub says: &'static str,
}

/// What came of a command.
pub struct Outcome {
    /// Exit status; `None` after a signal.
    pub exit: Option<i32>,
    /// Standard output, its first bytes.
    pub stdout: String,
    /// Standard error, its first bytes.
    pub stderr: String,
    /// How long it took.
    pub time: Duration,
    /// Peak resident memory in KiB, if GNU time is installed.
    pub peak_kib: Option<u64>,
}

/// Most bytes of an output that are looked at.
const SHOWN: usize = 1 << 20;
/// Heap of a program, in KiB, that no image may exhaust. What is beyond it is not given.
pub const HEAP_KIB: u64 = 512 << 10;

/// All attacks.
pub fn cases() -> impl Iterator<Item = &'static Case> {
    [
        streams::CASES,
        sets::CASES,
        cores::CASES,
        executables::CASES,
        documents::CASES,
    ]
    .into_iter()
    .flatten()
}

impl Run {
    /// Runs the command in a folder that holds the input as `IN`, with a bound on its memory.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn outcome(&self, folder: &Path) -> io::Result<Outcome> {
        self.outcome_of(folder, programs::folder())
    }
    /// The same with programs from elsewhere.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn outcome_of(&self, folder: &Path, programs: &Path) -> io::Result<Outcome> {
        let mut words = self.command.split(' ');
        let program = fs::canonicalize(programs)?.join(words.next().unwrap_or_default());
        let measured = Path::new("/usr/bin/time").exists();
        let prefix = if measured {
            "/usr/bin/time -q -f %M -o peak "
        } else {
            ""
        };
        let script = format!("ulimit -d {HEAP_KIB}; exec {prefix}\"$@\"");
        let started = Instant::now();
        let child = Command::new("sh")
            .current_dir(folder)
            .args(["-c", &script, "sh"])
            .arg(program)
            .args(words)
            .env("NO_COLOR", "1")
            .env("TMPDIR", folder)
            .stdin(Stdio::null())
            .output()?;
        let text = |bytes: &[u8]| {
            String::from_utf8_lossy(bytes.get(..SHOWN).unwrap_or(bytes)).into_owned()
        };
        let peak = fs::read_to_string(folder.join("peak")).ok();
        if measured {
            fs::remove_file(folder.join("peak"))?;
        }
        Ok(Outcome {
            exit: child.status.code(),
            stdout: text(&child.stdout),
            stderr: text(&child.stderr),
            time: started.elapsed(),
            peak_kib: peak.and_then(|text| text.trim().parse().ok()),
        })
    }
}

impl Outcome {
    /// Whether the answer is the one that is wanted.
    pub fn is(&self, run: &Run) -> bool {
        self.exit == Some(run.exit)
            && (self.stderr.contains(run.says) || self.stdout.contains(run.says))
    }
}

/// Everything below a folder, with lengths of files: to see that nothing was written elsewhere.
///
/// # Errors
/// Those of the operating system.
pub fn below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() && !path.is_symlink() {
            found.extend(below(&path)?);
        }
        found.push(path);
    }
    found.sort();
    Ok(found)
}
