//! What an earlier run has judged already, from its NDJSON.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;

use anyhow::{Context as _, Result};
use ckpt_compat::Verdict;
use serde::Deserialize;

/// The images that need no second look, and their verdicts.
#[derive(Default)]
pub(super) struct Done(HashMap<String, Vec<Verdict>>);

/// The part of a line that matters here.
#[derive(Deserialize)]
struct Line {
    image: String,
    error: Option<String>,
    #[serde(default)]
    targets: Vec<TargetLine>,
    nearest: Option<NearestLine>,
}

#[derive(Deserialize)]
struct NearestLine {
    verdict: String,
}

/// What an answer must have.
pub(super) struct Wanted {
    /// Names of the targets.
    pub(super) targets: HashSet<String>,
    /// Those of them whose verdict counts; if there is none, that of the nearest does.
    pub(super) counted: HashSet<String>,
    /// The nearest target.
    pub(super) nearest: bool,
}

#[derive(Deserialize)]
struct TargetLine {
    target: String,
    verdict: String,
}

impl Done {
    /// Reads the lines of an earlier run. A file that is not there yet is the first run; a line that a crash cut short
    /// is no answer, and neither is one without all that is wanted. Images that could not be judged are
    /// tried again: the fault may be gone.
    pub(super) fn read(path: &Path, wanted: &Wanted) -> Result<Self> {
        let fail = || format!("--skip-done {}", path.display());
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error).with_context(fail),
        };
        let mut done = HashMap::new();
        for line in BufReader::new(file).split(b'\n') {
            let line = line.with_context(fail)?;
            let Ok(line) = serde_json::from_slice::<Line>(&line) else {
                continue;
            };
            let given: HashSet<&str> = line.targets.iter().map(|t| t.target.as_str()).collect();
            let judged = wanted
                .targets
                .iter()
                .all(|name| given.contains(name.as_str()));
            let complete = line.error.is_none() && judged;
            if complete && (line.nearest.is_some() || !wanted.nearest) {
                let counted = line
                    .targets
                    .iter()
                    .filter(|t| wanted.counted.contains(&t.target))
                    .map(|t| &t.verdict);
                let nearest = line.nearest.iter().map(|nearest| &nearest.verdict);
                let nearest = nearest.filter(|_| wanted.nearest && wanted.counted.is_empty());
                let verdicts = counted.chain(nearest).filter_map(|v| v.parse().ok());
                done.insert(line.image, verdicts.collect());
            }
        }
        Ok(Self(done))
    }

    /// The verdicts of an image that was judged before.
    pub(super) fn verdicts(&self, image: &str) -> Option<&[Verdict]> {
        self.0.get(image).map(Vec::as_slice)
    }
}

/// Ends the line that a crash left unfinished, if what is written on is what `done` names.
pub(super) fn mend(output: &mut File, done: &Path) -> io::Result<()> {
    let (Ok(before), now) = (std::fs::metadata(done), output.metadata()?) else {
        return Ok(());
    };
    let same = (before.dev(), before.ino()) == (now.dev(), now.ino());
    if !same || !before.is_file() || before.len() == 0 {
        return Ok(());
    }
    let mut last = [0];
    File::open(done)?.read_exact_at(&mut last, before.len() - 1)?;
    if last == *b"\n" {
        Ok(())
    } else {
        output.write_all(b"\n")
    }
}
