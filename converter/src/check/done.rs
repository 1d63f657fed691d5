//! What an earlier run has judged already, from its NDJSON.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, BufWriter, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;

use anyhow::{Context as _, Result};
use ckpt_cli::output::Atomic;
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

/// Takes lines without an answer out of what will be written on, those that a crash cut short and those of errors: their
/// images are tried again, and each image has one line in the end.
pub(super) fn keep_answers(path: &Path) -> io::Result<()> {
    let is_answer = |line: &[u8]| {
        let line = serde_json::from_slice::<Line>(line);
        line.is_ok_and(|line| line.error.is_none())
    };
    let lines = || Ok::<_, io::Error>(BufReader::new(File::open(path)?).split(b'\n'));
    match path.metadata() {
        Ok(meta) if meta.is_file() => {}
        _ => return Ok(()),
    }
    if lines()?.all(|line| line.is_ok_and(|line| is_answer(&line))) {
        return Ok(());
    }
    let kept = Atomic::create(path, true)?;
    let mut out = BufWriter::new(kept.file()?);
    for line in lines()? {
        let line = line?;
        if is_answer(&line) {
            out.write_all(&line)?;
            out.write_all(b"\n")?;
        }
    }
    out.flush()?;
    kept.commit()
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
