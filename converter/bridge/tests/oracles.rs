//! What other people's programs say of the files that we write.
//!
//! A program that is not installed is named on standard error; where tools are required it is a failure.

mod common;
mod foreign;

use std::{fs, path::Path};

use ckpt_bridge::{criu::Set, open_criu, processes, to_criu, tree::Tree};
use ckpt_parser::limits::Limits;
use common::{expected, folders, number, private_pages, set, sets, unpacked};
use foreign::{as_stream, cores_by_every_way, pids, run, write_core};
use serde_json::Value;

/// The tree of a set, after the way through a stream.
fn through_a_stream(path: &Path) -> Tree {
    as_stream(&open_criu(path, &Limits::default()).unwrap())
}

/// Those of all sets that more is known of.
fn trees() -> Vec<(std::path::PathBuf, Tree)> {
    let with_set = |folder: std::path::PathBuf| {
        let tree = through_a_stream(&set(&folder)?);
        Some((folder, tree))
    };
    folders().into_iter().filter_map(with_set).collect()
}

#[test]
fn readelf_and_eu_readelf_accept_the_cores_without_a_warning() {
    let dir = tempfile::tempdir().unwrap();
    for (folder, tree) in trees() {
        for pid in processes(&tree) {
            let core = write_core(&tree, pid, dir.path());
            for (program, args) in [
                ("readelf", vec!["-n", "-l", &core]),
                ("eu-readelf", vec!["-n", "-l", &core]),
            ] {
                let Some((out, err)) = run(program, &args) else {
                    continue;
                };
                assert_eq!(err, "", "{program} of {pid} in {}", folder.display());
                for word in ["PRSTATUS", "PRPSINFO", "AUXV", "FILE", "ARM_VFP"] {
                    assert!(
                        out.contains(word),
                        "{program} of {pid} in {}: no {word}",
                        folder.display()
                    );
                }
            }
        }
    }
}

/// gdb 13 shows TPIDRURO of no core for 32-bit ARM Linux, the kernel's included: it reads its note
/// on other systems only. readelf prints its bytes.
#[test]
fn readelf_shows_the_thread_pointers_by_every_way_to_a_core() {
    for folder in folders() {
        let Some(set) = set(&folder) else { continue };
        let known = expected(&folder);
        for pid in pids(&set) {
            let process = known["processes"].as_array().into_iter().flatten();
            let mut threads = process.filter_map(|process| process["threads"].as_array());
            let own = |t: &Value| t["tid"] == pid || t["ns_tid"] == pid;
            let threads = threads.find(|all| all.iter().any(own)).unwrap();
            let mut want: Vec<u64> = threads.iter().map(|t| number(&t["tls"])).collect();
            want.sort_unstable();
            let dir = tempfile::tempdir().unwrap();
            for core in cores_by_every_way(&set, pid, dir.path()) {
                let Some((out, _)) = run("readelf", &["-n", &core]) else {
                    return;
                };
                let mut seen = thread_pointers(&out);
                seen.sort_unstable();
                assert_eq!(seen, want, "{core} of {}", folder.display());
            }
        }
    }
}

/// The bytes of NT_ARM_TLS as `readelf -n` prints them, lowest first.
fn thread_pointers(notes: &str) -> Vec<u64> {
    let heads = notes.lines().zip(notes.lines().skip(1));
    let tls = heads.filter(|(head, _)| head.contains("NT_ARM_TLS"));
    tls.map(|(_, data)| {
        let bytes = data.trim().trim_start_matches("description data:");
        let high_first: String = bytes.split_whitespace().rev().collect();
        u64::from_str_radix(&high_first, 16).unwrap()
    })
    .collect()
}

#[test]
fn crit_decodes_every_file_that_we_write() {
    for (folder, tree) in trees() {
        let dir = tempfile::tempdir().unwrap();
        to_criu(&tree, dir.path()).unwrap();
        for entry in fs::read_dir(dir.path()).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if name.starts_with("pages-") {
                continue;
            }
            let Some((out, _)) = run("crit", &["decode", "-i", path.to_str().unwrap()]) else {
                return;
            };
            let json: serde_json::Value = serde_json::from_str(&out).unwrap();
            assert!(json["entries"].is_array(), "{name} of {}", folder.display());
            if name.starts_with("pagemap-") {
                let runs = &json["entries"].as_array().unwrap()[1..];
                assert!(
                    runs.iter().all(|r| r["nr_pages"].as_u64() > Some(0)),
                    "{name} of {}",
                    folder.display()
                );
            }
        }
    }
}

/// What `crit` shows of a file; `None` if there is no `crit`.
fn decoded(path: &Path) -> Option<serde_json::Value> {
    let (out, _) = run("crit", &["decode", "-i", path.to_str().unwrap()])?;
    Some(serde_json::from_str(&out).unwrap())
}

/// Through a stream and back, `crit` shows the same set, but for what a printed loss says: the number of pages stands
/// in both fields of an entry.
#[test]
fn crit_sees_no_difference_that_is_not_named() {
    for path in sets() {
        let before = unpacked(&path);
        let tree = through_a_stream(&path);
        let dir = tempfile::tempdir().unwrap();
        let losses = to_criu(&tree, dir.path()).unwrap();
        let mut codes: Vec<_> = losses.iter().map(|l| l.code).collect();
        codes.dedup();
        // Pages that a private mapping showed of a memfd become its own.
        let shown = codes.first() == Some(&"criu.private-memfd");
        let codes = &codes[usize::from(shown)..];
        assert_eq!(codes, ["criu.page-count"], "{}", path.display());
        let set = Set::open(before.path(), &Limits::default()).unwrap();
        let changed = if shown {
            private_pages(&set)
        } else {
            Vec::new()
        };
        for entry in fs::read_dir(before.path()).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if changed.contains(&name) {
                continue;
            }
            let written = dir.path().join(&name);
            let same = fs::read(&path).unwrap() == fs::read(&written).unwrap();
            if name.starts_with("pages-") || path.extension().is_none() {
                assert!(same, "{name} of {}", before.path().display());
            }
            // What is the same to the byte is the same to `crit`.
            if same {
                continue;
            }
            let (Some(mut old), Some(mut new)) = (decoded(&path), decoded(&written)) else {
                return;
            };
            for json in [&mut old, &mut new] {
                for entry in json["entries"].as_array_mut().unwrap() {
                    if let Some(run) = entry.as_object_mut().filter(|e| e.contains_key("vaddr")) {
                        run.remove("nr_pages");
                        run.remove("compat_nr_pages");
                    }
                }
            }
            assert_eq!(old, new, "{name} of {}", before.path().display());
        }
    }
}
