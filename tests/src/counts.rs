//! Instructions of five fixed jobs, kept in the tree: a change that makes one of them dearer is
//! seen in the change itself.

use crate::work::instructions;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Programs and arguments, in the root of the workspace.
pub const JOBS: [&str; 5] = [
    "ckpt-inspect samples/images/sensor-r18-arm.ckpt --json",
    "ckpt-inspect samples/images/tour-r01-i386.ckpt --json-lines",
    "ckpt-inspect samples/images/tour-r17-s390x.ckpt --tree",
    "ckpt-convert samples/images/tour-r12-arm.ckpt --to r18 --allow all -q -o -",
    "ckpt-check converter/bridge/tests/data/real/naked/criu --target v7-neon -j 1 --color never",
];
/// How far a count may be from the one in the tree, in percent: hash tables have random seeds.
pub const TOLERANCE: u64 = 5;

/// Where the counts are kept.
pub fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("reports/instructions.json")
}

/// The compiler and machine that counts are valid for: another compiler gives other code.
///
/// # Panics
/// If there is no compiler.
pub fn conditions() -> String {
    let output = Command::new("rustc").arg("-vV").output().expect("rustc");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let wanted = |line: &&str| {
        ["release:", "host:", "LLVM"]
            .iter()
            .any(|w| line.starts_with(w))
    };
    text.lines().filter(wanted).collect::<Vec<_>>().join(", ")
}

/// Counts the jobs anew.
pub fn count(programs: &Path) -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut jobs = Map::new();
    for job in JOBS {
        let mut words = job.split(' ');
        let program = std::path::absolute(programs)
            .expect("a path")
            .join(words.next().unwrap_or_default());
        let count = instructions(&root, &program, &words.collect::<Vec<_>>());
        jobs.insert(job.to_owned(), json!(count));
    }
    json!({ "conditions": conditions(), "instructions": jobs })
}
