//! Foreign programs that tests compare with.
//!
//! Test targets of other crates take this file in by its path, so it uses the standard library
//! alone.

use std::env;
use std::process::{Command, Stdio};

/// Whether all programs are installed, else as [`missing`].
pub fn have(programs: &[&str]) -> bool {
    programs.iter().all(|program| {
        let started = Command::new(program)
            .arg("--version")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        match started {
            Ok(_) => true,
            Err(error) => missing(&format!("{program}: {error}")),
        }
    })
}

/// Says loudly what a test lacks and gives `false`.
///
/// # Panics
/// Where tools are required: if `CI` or `CKPT_REQUIRE_TOOLS` is set.
pub fn missing(what: &str) -> bool {
    let required = ["CI", "CKPT_REQUIRE_TOOLS"]
        .iter()
        .any(|name| env::var_os(name).is_some());
    assert!(!required, "this test needs {what}");
    eprintln!("NOT RUN: this test needs {what}");
    false
}
