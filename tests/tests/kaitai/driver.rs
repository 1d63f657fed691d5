//! Runs Kaitai's compiler and parser.

use crate::images::Case;
use ckpt_format::dialect::{Abi, Revision};
use ckpt_format::enums;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn kaitai_directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("kaitai")
}

/// Installs the locked packages unless they are there. Without Node.js the test cannot run: an
/// error where tools are required (`CI` or `CKPT_REQUIRE_TOOLS` is set), a loud note elsewhere.
pub(crate) fn is_ready() -> bool {
    let directory = kaitai_directory();
    if directory
        .join("node_modules/kaitai-struct-compiler")
        .is_dir()
    {
        return true;
    }
    let status = Command::new("npm")
        .args(["ci", "--no-audit", "--no-fund", "--loglevel=error"])
        .current_dir(directory)
        .status();
    if status.as_ref().is_ok_and(std::process::ExitStatus::success) {
        return true;
    }
    ckpt_tests::tools::missing(&format!(
        "Node.js with npm and the packages of tests/kaitai: {status:?}"
    ))
}

/// What Kaitai says of each image, line by line (see `dump.mjs`).
pub(crate) fn parse(cases: &[Case]) -> Vec<Vec<Value>> {
    let directory = kaitai_directory();
    let images = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kaitai");
    fs::create_dir_all(&images).unwrap();
    let mut jobs = String::new();
    for (i, case) in cases.iter().enumerate() {
        let file = images.join(format!("{i}.ckpt"));
        fs::write(&file, &case.bytes).unwrap();
        let Abi { arch, old_abi, .. } = case.dialect.abi;
        let job = json!({
            "file": file,
            "revision": case.dialect.revision.number(),
            "arch": enums::ARCH_ID.number_of(arch.name(), Revision::LAST, arch),
            "old_abi": old_abi,
            "page_size": case.page_size,
        });
        jobs += &job.to_string();
        jobs.push('\n');
    }
    let jobs_file = images.join("jobs");
    fs::write(&jobs_file, jobs).unwrap();
    let output = Command::new("node")
        .arg(directory.join("dump.mjs"))
        .arg(directory.join("../../format-spec/linux_cr.ksy"))
        .stdin(fs::File::open(&jobs_file).unwrap())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .output()
        .expect("this test needs Node.js");
    assert!(output.status.success(), "the Kaitai parser failed");
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    lines
        .split_inclusive(|line| line.get("end").is_some())
        .map(<[Value]>::to_vec)
        .collect()
}
