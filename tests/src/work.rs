//! Work of a program, counted in instructions (by callgrind): the same on a busy machine and on a
//! quiet one.

use std::path::Path;
use std::process::{Command, Stdio};

/// Instructions that a command executes in a folder; `None` if the program fails.
///
/// # Panics
/// If valgrind cannot be started, or its report is not understood.
pub fn instructions(folder: &Path, program: &Path, args: &[&str]) -> Option<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args(args)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .expect("valgrind");
    // 1 stands for findings, which are an answer.
    if !matches!(output.status.code(), Some(0 | 1)) {
        return None;
    }
    let report = String::from_utf8_lossy(&output.stderr);
    let line = report
        .lines()
        .rev()
        .find_map(|line| line.split_once("Collected : "));
    let (_, count) = line.expect("a count in the report of callgrind");
    Some(count.trim().parse().expect("a number of instructions"))
}
