//! What goes wrong around a program: the disk is full or bad, the reader goes away, a signal comes, the input changes.
//! Nothing is lost, nothing is half, and the exit status is right.

use ckpt_convert::native::{Additions, Edits, Native};
use ckpt_convert::{Allow, Losses, Request};
use ckpt_format::Revision;
use ckpt_parser::decoder::{Decoder, Options};
use ckpt_parser::model::Image;
use ckpt_parser::source::SliceSource;
use ckpt_samples::big::{Filled, page_groups};
use ckpt_tests::source::Failing;
use ckpt_tests::{Random, programs, tools};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Instant;

fn convert(folder: &Path, args: &[&str]) -> Command {
    let mut command = program("ckpt-convert", folder);
    command.args(args);
    command
}

/// A program of ours, in a folder.
pub(crate) fn program(name: &str, folder: &Path) -> Command {
    in_folder(programs::path(name), folder)
}

fn in_folder(program: impl AsRef<OsStr>, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(folder)
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
pub(crate) fn large(folder: &Path, bytes: u64) {
    let file = BufWriter::new(File::create(folder.join("IN")).unwrap());
    page_groups(&mut Filled::new(file), 17, bytes, 16).unwrap();
}

/// A command line of one of the programs.
pub(crate) fn line(folder: &Path, line: &str) -> Output {
    let mut words = line.split(' ');
    let mut command = program(words.next().unwrap(), folder);
    command.args(words).output().unwrap()
}

/// The same under strace, which writes to `trace`.
pub(crate) fn traced(folder: &Path, options: &str, line: &str) -> Output {
    let mut words = line.split(' ');
    let program = programs::path(words.next().unwrap());
    let mut command = in_folder("strace", folder);
    command.args(["-f", "-qqq", "-o", "trace"]);
    command.args(options.split(' ')).arg(program).args(words);
    command.output().unwrap()
}

/// Files of an output, by name, with their contents.
pub(crate) fn contents(path: &Path) -> Vec<(PathBuf, Vec<u8>)> {
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

/// A reader that opened the old document and then the new contents is told.
#[test]
fn a_document_that_is_replaced_while_it_is_read_gives_no_mixture() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path();
    large(folder, 1 << 20);
    let redacted = "ckpt-convert IN --to json -q -f --redact -o OUT";
    let plain = "ckpt-convert IN --to json -q -f -o OUT";
    let read = |name: &str| {
        let done = run(folder, &["OUT", "--to", "r18", "-q", "-f", "-o", name]);
        (done.status.code(), fs::read(folder.join(name)))
    };
    let mut good = Vec::new();
    for command in [redacted, plain] {
        assert_eq!(line(folder, command).status.code(), Some(0));
        let (code, made) = read("good");
        assert_eq!(code, Some(0));
        good.push(made.unwrap());
    }
    assert!(good[0] != good[1]);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for turn in 0..20 {
                let command = if turn % 2 == 0 { redacted } else { plain };
                assert_eq!(line(folder, command).status.code(), Some(0));
            }
        });
        while !writer.is_finished() {
            match read("made") {
                (Some(0), made) => assert!(good.contains(&made.unwrap())),
                (code, _) => assert_eq!(code, Some(2)),
            }
        }
    });
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

/// What the other programs write to a file, with the text that says why it is not there.
const REPORTS: [&str; 6] = [
    "ckpt-inspect IN --json -o PLACE/OUT",
    "ckpt-inspect IN --tree -o PLACE/OUT",
    "ckpt-check IN -t v7 --format json -o PLACE/OUT",
    "ckpt-check IN -t v7 --format ndjson -o PLACE/new",
    "ckpt-check --list-targets -o PLACE/OUT",
    "ckpt-convert IN --to r12 --allow all -q -f -o copy --report PLACE/OUT",
];

#[test]
fn a_full_disk_costs_no_report_that_was_there() {
    let Some(tmpfs) = Tmpfs::new("size=128k") else {
        return;
    };
    let (place, scratch) = (tmpfs.0.path(), tempfile::tempdir().unwrap());
    large(scratch.path(), 1 << 20);
    fs::write(place.join("OUT"), "old").unwrap();
    // All of it but what a name takes.
    let mut filler = File::create(place.join("filler")).unwrap();
    while std::io::Write::write(&mut filler, &[7; 4096]).is_ok() {}
    refused_reports(place, scratch.path(), "No space left on device");
}

#[test]
fn a_read_only_disk_costs_no_report_that_was_there() {
    let Some(tmpfs) = Tmpfs::new("size=128k") else {
        return;
    };
    let (place, scratch) = (tmpfs.0.path(), tempfile::tempdir().unwrap());
    large(scratch.path(), 1 << 20);
    fs::write(place.join("OUT"), "old").unwrap();
    tmpfs.remount("remount,ro");
    refused_reports(place, scratch.path(), "Read-only file system");
}

fn refused_reports(place: &Path, folder: &Path, why: &str) {
    for command in REPORTS {
        let done = line(folder, &command.replace("PLACE", place.to_str().unwrap()));
        let said = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(2), "{command}: {said}");
        assert!(said.contains(why), "{command}: {said}");
        assert_eq!(fs::read(place.join("OUT")).unwrap(), b"old", "{command}");
    }
}

/// Standard output may be a file on a full disk.
#[test]
fn a_full_disk_behind_standard_output_is_told() {
    let scratch = tempfile::tempdir().unwrap();
    large(scratch.path(), 1 << 20);
    for command in [
        "ckpt-inspect IN --json",
        "ckpt-inspect IN --stats",
        "ckpt-inspect --explain P003",
        "ckpt-check IN -t v7",
        "ckpt-check IN -t v7 --format ndjson",
        "ckpt-check --list-targets",
        "ckpt-check --man",
        "ckpt-convert IN --to r18 -q",
        "ckpt-convert IN --to json --memory none -q",
        "ckpt-convert --completions bash",
    ] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let mut words = command.split(' ');
        let mut child = program(words.next().unwrap(), scratch.path());
        let done = child.args(words).stdout(full).output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(2), "{command}: {said}");
        assert!(said.contains("No space left"), "{command}: {said}");
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
        "ckpt-check IN -t v7 --format ndjson",
        "ckpt-inspect --explain all",
        "ckpt-check --explain all",
        "ckpt-convert --explain all",
        "ckpt-convert --man",
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

/// What is read is never what is written over, in any of the programs, by whatever name.
#[test]
fn a_report_never_takes_the_place_of_what_it_is_about() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path();
    large(folder, 64 << 10);
    fs::copy(folder.join("IN"), folder.join("other")).unwrap();
    std::os::unix::fs::symlink("IN", folder.join("soft")).unwrap();
    fs::hard_link(folder.join("IN"), folder.join("hard")).unwrap();
    fs::write(folder.join("list"), "IN\nother\n").unwrap();
    let target = line(folder, "ckpt-check --fingerprint -t v7 -o target");
    assert_eq!(target.status.code(), Some(0));
    let before = contents(folder);
    for command in [
        "ckpt-inspect IN --tree -o IN",
        "ckpt-inspect IN --tree -o soft",
        "ckpt-inspect IN --json -o hard",
        "ckpt-inspect --diff IN other --text -o other",
        "ckpt-check IN -t v7 --format ndjson -o IN",
        "ckpt-check soft -t v7 --format json -o hard",
        "ckpt-check --files-from list -t v7 --format ndjson -o other",
        "ckpt-check --files-from list -t v7 --format ndjson -o list",
        "ckpt-check IN --target-file target --format json -o target",
        "ckpt-check --baseline target -o target",
        "ckpt-convert IN -q --report hard -o new",
        "ckpt-convert IN -q --report new -o new",
        "ckpt-convert IN -q --to json --report new.mem -o new",
    ] {
        let done = line(folder, command);
        let said = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(2), "{command}: {said}");
        assert!(contents(folder) == before, "{command}: {said}");
    }
}

/// A name that is misspelt costs no results of an earlier run.
#[test]
fn a_run_that_cannot_begin_leaves_the_results_of_the_last() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path();
    large(folder, 64 << 10);
    let done = line(folder, "ckpt-check IN -t v7 --format ndjson -o results");
    assert!(done.status.code() < Some(2));
    let results = fs::read(folder.join("results")).unwrap();
    assert!(!results.is_empty());
    for wrong in ["IN -t v7x", "-t v7", "IN", "IN -t v7 --sysroot nowhere"] {
        let command = format!("ckpt-check {wrong} --format ndjson -o results");
        assert_eq!(line(folder, &command).status.code(), Some(2), "{command}");
        assert_eq!(
            fs::read(folder.join("results")).unwrap(),
            results,
            "{command}"
        );
    }
}

/// `--force` is for image sets: a directory of anything else is not thrown away for a slip in a name.
#[test]
fn a_directory_that_is_no_set_is_not_replaced() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path();
    large(folder, 64 << 10);
    fs::create_dir_all(folder.join("thesis/figures")).unwrap();
    fs::create_dir(folder.join("empty")).unwrap();
    let command = "ckpt-convert IN --to criu --allow all -q -f -o";
    for (name, code) in [("thesis", 2), (".", 2), ("empty", 0), ("empty", 0)] {
        let done = line(folder, &format!("{command} {name}"));
        let said = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(code), "{name}: {said}");
        assert!(code == 0 || said.contains("no image set"), "{said}");
    }
    assert!(folder.join("thesis/figures").is_dir() && folder.join("IN").is_file());
}

/// A disk that fails under `ckpt-check` is no verdict: what it did not read would be missing from the evidence.
#[test]
fn a_read_that_fails_is_no_verdict() {
    if !tools::have(&["strace"]) {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path();
    let set = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../converter/bridge/tests/data/real/naked/criu");
    let command = format!("ckpt-convert {} --to core -q -o core", set.display());
    assert_eq!(line(folder, &command).status.code(), Some(0));
    let check = "ckpt-check -j 1 -t v7 --format json core";
    let good = line(folder, check);
    assert_eq!(good.status.code(), Some(0));
    let mut failed = 0;
    for nth in (1..100).step_by(4) {
        let options = format!("-P core -e trace=pread64 -e inject=pread64:error=EIO:when={nth}");
        let done = traced(folder, &options, check);
        let trace = fs::read_to_string(folder.join("trace")).unwrap_or_default();
        if !trace.contains("INJECTED") {
            break;
        }
        failed += 1;
        let told = String::from_utf8_lossy(&done.stdout);
        match done.status.code() {
            Some(2) => assert!(told.contains("Input/output error"), "read {nth}: {told}"),
            // What was only tried was read again.
            Some(0) => assert!(done.stdout == good.stdout, "read {nth}: {told}"),
            other => panic!("read {nth}: {other:?}"),
        }
    }
    assert!(
        failed > 8 || tools::missing("the right to trace"),
        "{failed}"
    );
}

/// A file below the sysroot that is there and cannot be read is not a file that is missing: what it holds would decide.
#[test]
fn a_file_of_the_sysroot_that_cannot_be_read_is_no_verdict() {
    if !tools::have(&["strace"]) {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../converter");
    fs::create_dir_all(folder.join("root/opt/lab/bin")).unwrap();
    let program = "root/opt/lab/bin/naked";
    fs::copy(data.join("tests/data/naked.elf"), folder.join(program)).unwrap();
    std::os::unix::fs::symlink(
        data.join("bridge/tests/data/real/naked/criu"),
        folder.join("set"),
    )
    .unwrap();
    let check = "ckpt-check -j 1 -t v5te --sysroot root --format json set";
    let good = line(folder, check);
    assert_eq!(good.status.code(), Some(1));
    for (calls, error, words) in [
        ("pread64", "EIO", "Input/output error"),
        ("openat", "EMFILE", "Too many open files"),
    ] {
        let mut failed = 0;
        for nth in (1..200).step_by(7) {
            let inject = format!("-e trace={calls} -e inject={calls}:error={error}:when={nth}");
            let done = traced(folder, &format!("-P {program} {inject}"), check);
            let trace = fs::read_to_string(folder.join("trace")).unwrap_or_default();
            if !trace.contains("INJECTED") {
                break;
            }
            failed += 1;
            let told = String::from_utf8_lossy(&done.stdout);
            assert_eq!(done.status.code(), Some(2), "{calls} {nth}: {told}");
            assert!(told.contains(words), "{calls} {nth}: {told}");
        }
        let inject =
            format!("-P {program} -e trace={calls} -e inject={calls}:error={error}:when=1");
        let view = "ckpt-inspect set --compat --target v5te --sysroot root";
        let done = traced(folder, &inject, view);
        let told = String::from_utf8_lossy(&done.stderr);
        assert!(
            done.status.code() == Some(2) && told.contains(words) && done.stdout.is_empty()
                || tools::missing("the right to trace"),
            "{view}: {told}"
        );
        assert!(
            failed > 0 || tools::missing("the right to trace"),
            "{calls} was never called"
        );
    }
}

/// Commands over the inputs that [`interruptible`] makes.
const INTERRUPTED: [&str; 15] = [
    "ckpt-inspect IN --json-lines",
    "ckpt-inspect IN --find no-such-text",
    "ckpt-inspect FIFO --json-lines",
    "ckpt-inspect IN.zst --summary",
    "ckpt-inspect set --json -o OUT",
    "ckpt-inspect set --regs --sysroot root",
    "ckpt-check IN core set set.tar -j 1 -t v7-vfp --sysroot root --format ndjson",
    "ckpt-check FIFO -t v7-vfp --format json -o OUT",
    "ckpt-convert IN --to r12 --allow all -q -f -o OUT",
    "ckpt-convert FIFO --to r18 -q -f -o OUT",
    "ckpt-convert FIFO --to r18 -q",
    "ckpt-convert IN --to json -q -f -o OUT",
    "ckpt-convert set --to core --allow all -q -f -o OUT",
    "ckpt-convert core --to criu --allow all -q -f -o OUT",
    "ckpt-convert document --to r18 -q -f -o OUT",
];

/// An image in every form, and the files that it maps.
fn interruptible(folder: &Path) {
    let data = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../converter/bridge/tests/data/real/naked/criu");
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("../inspector/tests/data/sysroot");
    std::os::unix::fs::symlink(data, folder.join("set")).unwrap();
    std::os::unix::fs::symlink(files, folder.join("root")).unwrap();
    large(folder, 4 << 20);
    for made in [
        "IN --to r18 -q --compress zstd -o IN.zst",
        "IN --to json -q -o document",
        "set --to core --allow all -q -o core",
        "set --to criu -q -o set.tar",
    ] {
        let done = line(folder, &format!("ckpt-convert {made}"));
        assert_eq!(done.status.code(), Some(0), "{made}: {done:?}");
    }
    let made = Command::new("mkfifo").arg(folder.join("FIFO")).status();
    assert!(made.unwrap().success());
}

/// The files that a command reads: calls on others, which the loader makes, are not ours to repeat.
fn inputs_of(folder: &Path, command: &str) -> Vec<PathBuf> {
    let words = command.split(' ').map(|word| folder.join(word));
    let mut paths: Vec<PathBuf> = words.filter(|path| path.exists()).collect();
    let mut files = Vec::new();
    while let Some(path) = paths.pop() {
        match fs::read_dir(&path) {
            Ok(entries) => paths.extend(entries.map(|entry| entry.unwrap().path())),
            // Calls go by what a link leads to.
            Err(_) => files.push(fs::canonicalize(path).unwrap()),
        }
    }
    files
}

/// A signal that a program handles ends the call that it waits in; nothing is lost by that.
#[test]
fn a_call_that_is_interrupted_is_made_again() {
    if !tools::have(&["strace"]) {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path();
    interruptible(folder);
    let made = |options: Option<&str>, command: &str| {
        for old in ["OUT", "OUT.mem"].map(|name| folder.join(name)) {
            let _ = fs::remove_dir_all(&old);
            let _ = fs::remove_file(&old);
        }
        let mut feeder = command.contains("FIFO").then(|| {
            let mut cat = in_folder("sh", folder);
            cat.args(["-c", "exec cat IN > FIFO"]).spawn().unwrap()
        });
        let done = match options {
            None => line(folder, command),
            Some(options) => traced(folder, options, command),
        };
        if let Some(feeder) = &mut feeder {
            let _ = feeder.kill();
            feeder.wait().unwrap();
        }
        let files = ["OUT", "OUT.mem"].map(|name| contents(&folder.join(name)));
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        (done.status.code(), said, done.stdout, files)
    };
    for command in INTERRUPTED {
        let good = made(None, command);
        assert!(matches!(good.0, Some(0 | 1)), "{command}: {}", good.1);
        let inputs: Vec<String> = inputs_of(folder, command)
            .iter()
            .map(|path| format!("-P {}", path.display()))
            .collect();
        let reads = "openat,read,readv,pread64,copy_file_range,splice,sendfile";
        let writes =
            "write,writev,pwrite64,fsync,fdatasync,ftruncate,copy_file_range,splice,sendfile";
        for (calls, only) in [(reads, inputs.join(" ")), (writes, String::new())] {
            let inject = format!("-e trace={calls} -e inject={calls}:error=EINTR:when=1+2");
            let options = format!("{inject} {only}");
            let found = made(Some(options.trim()), command);
            let trace = fs::read_to_string(folder.join("trace")).unwrap_or_default();
            assert!(
                trace.contains("INJECTED") || tools::missing("the right to trace"),
                "{command}: no call of {calls}"
            );
            assert!(
                found == good,
                "{command}, {calls}: {:?} {}",
                found.0,
                found.1
            );
        }
    }
}
