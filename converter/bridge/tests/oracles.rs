//! What other people's programs say of the files that we write.
//!
//! A program that is not installed is named on standard error; where tools are required it is a failure.

mod common;
#[path = "../../../tests/src/tools.rs"]
#[expect(unreachable_pub, dead_code, reason = "a module of a library elsewhere")]
mod tools;

use std::{fs, path::Path, process::Command, sync::Arc};

use ckpt_bridge::{
    Foreign, bytes::Blob, core, open_core, open_criu, open_stream, processes, to_core, to_criu,
    tree::Tree,
};
use ckpt_parser::{decoder::Options, limits::Limits};
use common::{REGS, expected, folders, number, set, sets, thread, unpacked, varying};
use serde_json::Value;

/// Output of a program: standard output and error. `None` if it is not installed.
fn run(program: &str, args: &[&str]) -> Option<(String, String)> {
    match Command::new(program).args(args).output() {
        Ok(out) => {
            let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
            assert!(
                out.status.success(),
                "{program} {args:?}: {}",
                text(&out.stderr)
            );
            Some((text(&out.stdout), text(&out.stderr)))
        }
        Err(e) => {
            tools::missing(&format!("{program}: {e}"));
            None
        }
    }
}

/// What comes back from the stream of something foreign.
fn as_stream(foreign: &Foreign) -> Tree {
    let stream = Blob::new("stream", Arc::new(foreign.stream()));
    open_stream(&stream, Options::default()).unwrap().tree
}

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

fn write_core(tree: &Tree, pid: i32, dir: &Path) -> String {
    let path = dir.join(format!("core.{pid}"));
    let mut out = core::Sparse(fs::File::create(&path).unwrap());
    to_core(tree, pid, &mut out).unwrap();
    path.to_str().unwrap().to_owned()
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

#[test]
fn gdb_prints_the_registers_that_ptrace_saw() {
    let dir = tempfile::tempdir().unwrap();
    for (folder, tree) in trees() {
        let known = expected(&folder);
        for pid in processes(&tree) {
            let core = write_core(&tree, pid, dir.path());
            let mut args = vec![
                "-q",
                "-batch",
                "-nx",
                "-ex",
                "set architecture arm",
                "-ex",
                "info registers",
                "-ex",
                "p/x $fpscr",
            ];
            // gdb goes by AT_HWCAP: without bit 19 there are 16 registers.
            let live = tree
                .tasks
                .iter()
                .find(|t| t.tid == pid)
                .unwrap()
                .live
                .as_ref()
                .unwrap();
            let wide = tree.mms[live.mm]
                .auxv
                .iter()
                .any(|&(k, v)| k == 16 && v & 1 << 19 != 0);
            let count = if wide { 32 } else { 16 };
            let values: Vec<String> = (0..count).map(|i| format!("info registers d{i}")).collect();
            for v in &values {
                args.extend(["-ex", v]);
            }
            args.extend(["-c", &core]);
            let Some((out, _)) = run("gdb-multiarch", &args) else {
                return;
            };
            let value = |name: &str| {
                let line = out
                    .lines()
                    .find(|l| l.split_whitespace().next() == Some(name))
                    .unwrap_or_else(|| panic!("{name}: {out}"));
                let word = line.split_whitespace().nth(1).unwrap();
                u64::from_str_radix(word.trim_start_matches("0x"), 16).unwrap_or(0)
            };
            let want = thread(&known, pid, false);
            let varying = varying(&known, &want, false);
            for (i, reg) in REGS.iter().take(17).enumerate() {
                if !varying.iter().any(|v| v == reg) {
                    let name = match i {
                        11 => "r11",
                        12 => "r12",
                        _ => reg,
                    };
                    assert_eq!(
                        value(name),
                        number(&want["gpregs"][*reg]),
                        "{reg} of {pid} in {}",
                        folder.display()
                    );
                }
            }
            for (i, d) in want["vfp"]["d"]
                .as_array()
                .into_iter()
                .flatten()
                .enumerate()
                .take(count)
            {
                let line = out
                    .lines()
                    .find(|l| l.split_whitespace().next() == Some(&format!("d{i}")))
                    .unwrap();
                let raw = line.rsplit("raw 0x").next().unwrap().trim_end_matches(')');
                assert_eq!(
                    u64::from_str_radix(raw, 16).unwrap(),
                    number(d),
                    "d{i} of {pid} in {}: {line}",
                    folder.display()
                );
            }
        }
    }
}

/// The word that counts on in the programs without a C library, between the looks and the dump.
const COUNTER: std::ops::Range<u64> = 0x0002_0004..0x0002_0008;

/// The processes of a set, by the numbers that they have in it.
fn pids(set: &Path) -> Vec<i32> {
    processes(&open_criu(set, &Limits::default()).unwrap().tree)
}

/// The cores of a process: straight from the set, through a stream, and from there through another.
fn cores_by_every_way(set: &Path, pid: i32, dir: &Path) -> Vec<String> {
    let foreign = open_criu(set, &Limits::default()).unwrap();
    let sub = |name: &str| {
        let sub = dir.join(name);
        fs::create_dir(&sub).unwrap();
        sub
    };
    let straight = write_core(&foreign.tree, pid, &sub("straight"));
    let by_stream = write_core(&as_stream(&foreign), pid, &sub("stream"));
    let core = open_core(Path::new(&by_stream), &Limits::default()).unwrap();
    let again = write_core(&as_stream(&core), pid, &sub("again"));
    vec![straight, by_stream, again]
}

/// What gdb says to one command about a core.
fn gdb(core: &str, command: &str) -> Option<String> {
    let args = ["-q", "-batch", "-nx", "-ex", "set architecture arm"];
    let args = [&args[..], &["-ex", command, "-c", core]].concat();
    Some(run("gdb-multiarch", &args)?.0)
}

/// Bytes of memory as gdb sees them in a core.
fn gdb_memory(core: &str, address: u64, len: usize) -> Option<Vec<u8>> {
    let out = gdb(core, &format!("x/{len}xb {address:#x}"))?;
    let lines = out.lines().filter(|line| line.starts_with("0x"));
    let words = lines.flat_map(|line| line.split('\t').skip(1));
    let byte = |word: &str| u8::from_str_radix(word.trim_start_matches("0x"), 16).unwrap();
    Some(words.map(byte).collect())
}

/// Where gdb sees each thread stand.
fn gdb_backtrace(core: &str) -> Option<Vec<String>> {
    let out = gdb(core, "thread apply all backtrace")?;
    let frames = out.lines().filter(|line| line.starts_with('#'));
    Some(frames.map(str::to_owned).collect())
}

#[test]
fn gdb_sees_the_memory_and_the_frames_by_every_way_to_a_core() {
    for folder in folders() {
        let Some(set) = set(&folder) else { continue };
        let known = expected(&folder);
        let of_root = |&pid: &i32| thread(&known, pid, false)["tid"] == known["root_pid"];
        let root = pids(&set).into_iter().find(of_root).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let cores = cores_by_every_way(&set, root, dir.path());
        let Some(frames) = gdb_backtrace(&cores[0]) else {
            return;
        };
        let pc = number(&thread(&known, root, false)["gpregs"]["pc"]);
        let pc = format!("{pc:#010x}");
        let innermost = frames.iter().any(|frame| frame.contains(&pc));
        let moves = varying(&known, &thread(&known, root, false), false);
        assert!(
            innermost || moves.iter().any(|name| name == "pc"),
            "{pc}: {frames:?}"
        );
        for core in &cores {
            assert_eq!(gdb_backtrace(core).unwrap(), frames, "{core}");
            for (name, global) in known["globals"].as_object().into_iter().flatten() {
                let Some(bytes) = global["bytes"].as_str() else {
                    continue;
                };
                let address = number(&global["address"]);
                let seen = gdb_memory(core, address, bytes.len() / 2).unwrap();
                assert_eq!(seen.len(), bytes.len() / 2, "{name} in {core}");
                for (at, byte) in (address..).zip(&seen) {
                    let digits = usize::try_from(at - address).unwrap() * 2;
                    let want = &bytes[digits..digits + 2];
                    assert!(
                        COUNTER.contains(&at) || format!("{byte:02x}") == want,
                        "{name} at {at:#x} in {core} of {}: {byte:02x}, not {want}",
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
        let codes: Vec<_> = losses.iter().map(|l| l.code).collect();
        assert_eq!(codes, ["criu.page-count"], "{}", path.display());
        for entry in fs::read_dir(before.path()).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let written = dir.path().join(&name);
            if name.starts_with("pages-") || path.extension().is_none() {
                assert_eq!(
                    fs::read(&path).unwrap(),
                    fs::read(&written).unwrap(),
                    "{name} of {}",
                    before.path().display()
                );
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
