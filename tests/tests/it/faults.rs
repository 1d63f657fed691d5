//! What goes wrong around a program: it is killed, the disk is full or bad, the reader goes away,
//! the input changes. Nothing is lost, nothing is half, and the exit status is right.

use ckpt_convert::native::{Additions, Edits, Native};
use ckpt_convert::{Allow, Losses, Request};
use ckpt_format::Revision;
use ckpt_parser::decoder::{Decoder, Options};
use ckpt_parser::model::Image;
use ckpt_parser::source::SliceSource;
use ckpt_samples::big::{Filled, page_groups};
use ckpt_tests::source::Failing;
use ckpt_tests::{Random, programs, tools};
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Instant;

fn convert(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(programs::path("ckpt-convert"));
    command
        .current_dir(folder)
        .args(args)
        .env("TMPDIR", folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn run(folder: &Path, args: &[&str]) -> Output {
    convert(folder, args).output().unwrap()
}

/// An image with pages, as `IN`.
fn large(folder: &Path, bytes: u64) {
    let file = BufWriter::new(File::create(folder.join("IN")).unwrap());
    page_groups(&mut Filled::new(file), 17, bytes, 16).unwrap();
}

/// Files of an output, by name, with their contents.
fn contents(path: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    if !path.is_dir() {
        return fs::read(path).map_or(Vec::new(), |bytes| vec![(path.into(), bytes)]);
    }
    let mut names: Vec<PathBuf> = fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    names.sort();
    names.into_iter().flat_map(|name| contents(&name)).collect()
}

/// Kills conversions at moments spread over their whole time. The output is the old one or the new
/// one each time, never a part of either.
fn killed(to: &str, output: &str, moments: u32) {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path();
    large(folder, 4 << 20);
    let target = folder.join(output);
    let old_args = [
        "IN", "--to", to, "--allow", "all", "-q", "--redact", "-o", output,
    ];
    let new_args = [
        "IN", "--to", to, "--allow", "all", "-q", "--force", "-o", output,
    ];
    assert_eq!(run(folder, &old_args).status.code(), Some(0));
    let old = contents(&target);
    let started = Instant::now();
    assert_eq!(run(folder, &new_args).status.code(), Some(0));
    let whole = started.elapsed();
    let new = contents(&target);
    assert!(old != new, "the two outputs cannot be told apart");
    let mut random = Random::new(u64::from(moments));
    let (mut kept, mut made) = (0, 0);
    for moment in 0..moments {
        let mut child: Child = convert(folder, &new_args).spawn().unwrap();
        let share = 1 + u32::try_from(random.below(100)).unwrap();
        std::thread::sleep(whole * share / 90);
        child.kill().unwrap();
        child.wait().unwrap();
        let found = contents(&target);
        if found == new {
            made += 1;
            fs::rename(&target, folder.join("done")).unwrap();
            let _ = fs::remove_dir_all(folder.join("done"));
            let _ = fs::remove_file(folder.join("done"));
            assert_eq!(run(folder, &old_args).status.code(), Some(0));
        } else {
            assert!(found == old, "kill {moment}: the output of {to} is half");
            kept += 1;
        }
    }
    println!("{to}: {kept} old, {made} new");
}

/// All 200 moments only on demand: each takes a whole conversion.
fn moments() -> u32 {
    if std::env::var_os("CKPT_EXHAUSTIVE").is_some() {
        200
    } else {
        12
    }
}

#[test]
fn a_killed_conversion_to_a_stream_leaves_the_old_or_the_new() {
    killed("r18", "OUT", moments());
}

#[test]
fn a_killed_conversion_to_a_set_leaves_the_old_or_the_new() {
    killed("criu", "OUT", moments());
}

#[test]
fn a_killed_conversion_to_a_core_leaves_the_old_or_the_new() {
    killed("core", "OUT", moments());
}

/// A small file system of its own.
struct Tmpfs(tempfile::TempDir);

impl Tmpfs {
    fn new(options: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(folder.path())
            .stderr(Stdio::null())
            .status();
        if mounted.is_ok_and(|status| status.success()) {
            return Some(Tmpfs(folder));
        }
        tools::missing("the right to mount a tmpfs");
        None
    }
    fn remount(&self, options: &str) {
        let status = Command::new("mount")
            .args(["-o", options])
            .arg(self.0.path())
            .status()
            .unwrap();
        assert!(status.success());
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

/// Formats, and the name of an output in a folder.
const FORMATS: [(&str, &str); 6] = [
    ("r18", "OUT"),
    ("criu", "OUT"),
    ("criu", "OUT.tar"),
    ("core", "OUT"),
    ("json", "OUT"),
    ("r12", "OUT"),
];

fn refused_in(place: &Path, why: &str) {
    let scratch = tempfile::tempdir().unwrap();
    large(scratch.path(), 2 << 20);
    let before = contents(place).len();
    for (to, name) in FORMATS {
        let output = place.join(name);
        let output = output.to_str().unwrap();
        let args = [
            "IN", "--to", to, "--allow", "all", "-q", "--force", "-o", output,
        ];
        let done = run(scratch.path(), &args);
        let text = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(2), "{to} {name}: {text}");
        assert!(text.contains(why), "{to} {name}: {text}");
        assert_eq!(contents(place).len(), before, "{to} {name} left something");
    }
}

#[test]
fn a_full_file_system_is_told_and_keeps_nothing() {
    if let Some(tmpfs) = Tmpfs::new("size=128k") {
        refused_in(tmpfs.0.path(), "No space left on device");
    }
}

#[test]
fn a_read_only_file_system_is_told() {
    if let Some(tmpfs) = Tmpfs::new("size=128k") {
        fs::write(tmpfs.0.path().join("OUT.keep"), "old").unwrap();
        tmpfs.remount("remount,ro");
        refused_in(tmpfs.0.path(), "Read-only file system");
    }
}

/// Every program ends with the status of SIGPIPE and without a word.
#[test]
fn a_reader_that_goes_away_is_no_error() {
    let scratch = tempfile::tempdir().unwrap();
    large(scratch.path(), 8 << 20);
    let commands = [
        "ckpt-inspect IN --json-lines",
        "ckpt-inspect IN --tree",
        "ckpt-inspect IN --json",
        "ckpt-convert IN --to r18 --allow all -q",
        "ckpt-convert IN --to json --allow all -q",
        "ckpt-inspect IN --files",
        "ckpt-check --list-targets",
    ];
    for command in commands {
        let mut words = command.split(' ');
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let done = Command::new(programs::path(words.next().unwrap()))
            .current_dir(scratch.path())
            .args(words)
            .stdin(Stdio::null())
            .stdout(writer)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(141), "{command}: {text}");
        assert!(text.is_empty(), "{command}: {text}");
    }
}

/// A disk that fails from some offset on: an error of the system, not damage and not a panic.
#[test]
fn a_bad_disk_is_an_error_of_the_system() {
    let image = ckpt_samples::EMBEDDED;
    let len = image.len() as u64;
    for from in (0..len).step_by(997) {
        let bad = || Failing::new(SliceSource(image), from);
        let read = Decoder::new(bad(), Options::default())
            .and_then(|mut decoder| Image::read(&mut decoder, |_| true));
        if let Err(error) = &read {
            assert_eq!(error.to_string(), "bad sector");
        } else {
            // Page contents are not read for the model.
            assert!(from > 1000, "nothing was read before {from}");
        }
        let request = Request {
            to: Revision::LAST,
            additions: Additions::default(),
            salvage: true,
            edits: Edits::default(),
        };
        let (mut losses, mut out) = (Losses::new(Allow::all()), Vec::new());
        let done = Native::new(bad(), Options::default(), &request, &mut out, &mut losses)
            .and_then(|native| native.run(&mut |_| ()));
        let error = done.expect_err("every byte is copied");
        assert!(!error.is_damage(), "{error}");
        assert!(error.to_string().contains("bad sector"), "{error}");
    }
}

/// A file that is cut while it is converted: damage or an error, and no output.
#[test]
fn an_input_that_shrinks_gives_no_output() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path();
    let args = ["IN", "--to", "r18", "--allow", "all", "-q", "-o", "OUT"];
    large(folder, 16 << 20);
    let started = Instant::now();
    assert_eq!(run(folder, &args).status.code(), Some(0));
    let whole = started.elapsed();
    let good = fs::read(folder.join("OUT")).unwrap();
    let mut random = Random::new(6);
    for _ in 0..8 {
        large(folder, 16 << 20);
        fs::remove_file(folder.join("OUT")).unwrap_or(());
        let child = convert(folder, &args).spawn().unwrap();
        let share = u32::try_from(random.below(100)).unwrap();
        std::thread::sleep(whole * share / 100);
        let input = File::options().write(true).open(folder.join("IN")).unwrap();
        input.set_len(3 << 20).unwrap();
        let done = child.wait_with_output().unwrap();
        match done.status.code() {
            Some(0) => assert!(fs::read(folder.join("OUT")).unwrap() == good),
            Some(1 | 2) => assert!(!folder.join("OUT").exists()),
            other => panic!("{other:?}: {}", String::from_utf8_lossy(&done.stderr)),
        }
    }
}

/// By its own name, by a link and by a hard link.
#[test]
fn an_input_may_be_the_output() {
    for alias in ["IN", "soft", "hard"] {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path();
        large(folder, 1 << 20);
        std::os::unix::fs::symlink("IN", folder.join("soft")).unwrap();
        fs::hard_link(folder.join("IN"), folder.join("hard")).unwrap();
        let plain = [
            "IN", "--to", "r18", "--allow", "all", "-q", "-o", "expected",
        ];
        assert_eq!(run(folder, &plain).status.code(), Some(0));
        let args = [
            "IN", "--to", "r18", "--allow", "all", "-q", "-f", "-o", alias,
        ];
        assert_eq!(run(folder, &args).status.code(), Some(0));
        let expected = fs::read(folder.join("expected")).unwrap();
        assert!(fs::read(folder.join(alias)).unwrap() == expected, "{alias}");
    }
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path();
    large(folder, 1 << 20);
    let set = ["IN", "--to", "criu", "--allow", "all", "-q", "-o", "set"];
    assert_eq!(run(folder, &set).status.code(), Some(0));
    let before = contents(&folder.join("set")).len();
    let again = [
        "set", "--to", "criu", "--allow", "all", "-q", "-f", "-o", "set",
    ];
    let done = run(folder, &again);
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    assert_eq!(contents(&folder.join("set")).len(), before);
}
