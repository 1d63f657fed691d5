//! The program as a user meets it: files, pipes, exit codes.

use crate::native::sample;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_ckpt-convert"))
}

/// Runs in a directory that holds `in.ckpt`.
fn run(dir: &Path, args: &[&str]) -> Output {
    program().current_dir(dir).args(args).output().unwrap()
}

fn with(name: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("in.ckpt"), sample(name)).unwrap();
    dir
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<_> = entries
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn piped(args: &[&str], input: &[u8]) -> Output {
    let mut child = program()
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let bytes = input.to_vec();
    let writer = std::thread::spawn(move || drop(stdin.write_all(&bytes)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

#[test]
fn an_upgrade_and_the_way_back() {
    let dir = with("minimal-r17-arm");
    let up = run(dir.path(), &["in.ckpt", "-o", "up.ckpt"]);
    assert_eq!(up.status.code(), Some(0), "{up:?}");
    let down = run(dir.path(), &["up.ckpt", "--to", "r17", "-o", "down.ckpt"]);
    assert_eq!(down.status.code(), Some(0), "{down:?}");
    assert!(fs::read(dir.path().join("down.ckpt")).unwrap() == sample("minimal-r17-arm"));
}

#[test]
fn losses_are_refused_unless_allowed() {
    let dir = with("tour-r18-arm");
    let refused = run(
        dir.path(),
        &[
            "in.ckpt",
            "--to",
            "v23",
            "-o",
            "out.ckpt",
            "--report",
            "report.json",
        ],
    );
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("loss fp-state: CPU_FPU.unit at 0x"), "{said}");
    assert_eq!(names(dir.path()), ["in.ckpt", "report.json"]);
    let report: serde_json::Value =
        serde_json::from_slice(&fs::read(dir.path().join("report.json")).unwrap()).unwrap();
    assert_eq!(report["refused"], true);
    assert!(report["counts"]["fp-state"].as_u64().unwrap() > 0);
    assert_eq!(report["losses"][0]["code"], "fp-state");
    let allowed = run(
        dir.path(),
        &[
            "in.ckpt",
            "--to",
            "v23",
            "-o",
            "out.ckpt",
            "--allow",
            "fp-state,arm-abi",
        ],
    );
    assert_eq!(allowed.status.code(), Some(0), "{allowed:?}");
}

#[test]
fn an_architecture_without_headers_cannot_be_allowed() {
    let dir = with("tour-r18-arm");
    let refused = run(
        dir.path(),
        &["in.ckpt", "--to", "r05", "-o", "out.ckpt", "--allow", "all"],
    );
    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(names(dir.path()), ["in.ckpt"]);
}

#[test]
fn a_pipe_gives_what_a_file_gives() {
    for (name, to) in [
        ("tour-r17-arm", "r12"),
        ("tour-r08-x86_64", "newest"),
        ("sensor-r18-arm", "r18"),
    ] {
        let dir = with(name);
        let args = ["--to", to, "--allow", "all", "-q"];
        let file = run(
            dir.path(),
            &[&["in.ckpt", "-o", "out.ckpt"], &args[..]].concat(),
        );
        assert_eq!(file.status.code(), Some(0), "{file:?}");
        let pipe = piped(&args, &sample(name));
        assert_eq!(pipe.status.code(), Some(0), "{pipe:?}");
        assert!(pipe.stderr.is_empty(), "{pipe:?}");
        assert!(
            pipe.stdout == fs::read(dir.path().join("out.ckpt")).unwrap(),
            "{name}"
        );
    }
}

#[test]
fn an_existing_file_is_not_touched_without_force() {
    let dir = with("minimal-r17-arm");
    let out = dir.path().join("out.ckpt");
    fs::write(&out, "precious").unwrap();
    let refused = run(dir.path(), &["in.ckpt", "-o", "out.ckpt"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--force"));
    assert_eq!(fs::read(&out).unwrap(), b"precious");
    let forced = run(dir.path(), &["in.ckpt", "-o", "out.ckpt", "--force"]);
    assert_eq!(forced.status.code(), Some(0), "{forced:?}");
    assert_eq!(fs::read(&out).unwrap()[8..10], [0x00, 0xd2]);
    assert_eq!(names(dir.path()), ["in.ckpt", "out.ckpt"]);
}

#[test]
fn the_output_may_replace_the_input() {
    let dir = with("minimal-r17-arm");
    let done = run(dir.path(), &["in.ckpt", "-o", "in.ckpt", "--force"]);
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    let back = run(dir.path(), &["in.ckpt", "--to", "r17", "-o", "back.ckpt"]);
    assert_eq!(back.status.code(), Some(0));
    assert!(fs::read(dir.path().join("back.ckpt")).unwrap() == sample("minimal-r17-arm"));
}

#[test]
fn damage_and_misuse_have_their_codes() {
    let dir = with("truncated-r17-arm");
    let damaged = run(dir.path(), &["in.ckpt", "-o", "out.ckpt"]);
    assert_eq!(damaged.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&damaged.stderr).contains("P003 at 0x"));
    let missing = run(dir.path(), &["nothing.ckpt", "-o", "out.ckpt"]);
    assert_eq!(missing.status.code(), Some(2));
    let misspelt = run(
        dir.path(),
        &["in.ckpt", "-o", "out.ckpt", "--allow", "fp-sate"],
    );
    assert_eq!(misspelt.status.code(), Some(2));
    let format = run(dir.path(), &["in.ckpt", "--to", "r19"]);
    assert_eq!(format.status.code(), Some(2));
    let salvaged = run(dir.path(), &["in.ckpt", "-o", "out.ckpt", "--salvage"]);
    assert_eq!(salvaged.status.code(), Some(1), "{salvaged:?}");
    assert_eq!(names(dir.path()), ["in.ckpt", "out.ckpt"]);
}

/// 1 if something was left out, 0 if all was intact; the output is there in any case.
#[test]
fn the_exit_status_tells_whether_something_was_salvaged() {
    let dir = with("tour-r18-arm");
    let at = |name: &str| dir.path().join(name);
    let make = |args: &[&str]| {
        let made = run(dir.path(), &[args, &["--allow", "all", "-q"]].concat());
        assert_eq!(made.status.code(), Some(0), "{args:?}: {made:?}");
    };
    make(&["in.ckpt", "--only-task", "100", "--to", "criu", "-o", "set"]);
    make(&["set", "--to", "criu", "-o", "set.tar"]);
    make(&["set", "--to", "elf-core", "-o", "core"]);
    make(&["in.ckpt", "--compress", "zstd", "-o", "in.zst"]);
    // In frames, of which the last will be cut.
    let core = fs::read(at("core")).unwrap();
    let frames = core.chunks(core.len() / 4);
    let frames = frames.flat_map(|part| zstd::encode_all(part, 0).unwrap());
    fs::write(at("core.zst"), frames.collect::<Vec<u8>>()).unwrap();
    let cut = |from: &str, to: &str, off: usize| {
        let whole = fs::read(at(from)).unwrap();
        fs::write(at(to), &whole[..whole.len() - off]).unwrap();
    };
    cut("in.ckpt", "cut.ckpt", 100);
    cut("in.zst", "cut.zst", 100);
    cut("core", "cut.core", 5000);
    cut("core.zst", "cut.core.zst", 20);
    cut("set.tar", "cut.tar", 12_000);
    fs::create_dir(at("cut")).unwrap();
    for name in names(&at("set")) {
        fs::copy(at("set").join(&name), at("cut").join(&name)).unwrap();
    }
    cut("set/pages-1.img", "cut/pages-1.img", 4096);
    let inputs = [
        ("in.ckpt", "cut.ckpt"),
        ("in.zst", "cut.zst"),
        ("core", "cut.core"),
        ("core.zst", "cut.core.zst"),
        ("set.tar", "cut.tar"),
        ("set", "cut"),
    ];
    for cut in ["cut.ckpt", "cut.core", "cut.tar"] {
        let done = run(dir.path(), &[cut, "-o", "strict.ckpt"]);
        assert_eq!(done.status.code(), Some(1), "{cut}: {done:?}");
        assert!(!at("strict.ckpt").exists());
    }
    for (input, status) in inputs.into_iter().flat_map(|(a, b)| [(a, 0), (b, 1)]) {
        for (to, out) in [
            ("r18", "out.ckpt"),
            ("criu", "out"),
            ("elf-core", "out.%p"),
            ("json", "out.json"),
        ] {
            let args = [input, "--to", to, "-fo", out, "--salvage", "--allow", "all"];
            let done = run(dir.path(), &args);
            assert_eq!(
                done.status.code(),
                Some(status),
                "{input} to {to}: {done:?}"
            );
            assert!(
                !String::from_utf8_lossy(&done.stderr).contains("refused"),
                "{done:?}"
            );
        }
    }
}

#[test]
fn every_code_is_explained() {
    let all = program().args(["--explain", "all"]).output().unwrap();
    let text = String::from_utf8(all.stdout).unwrap();
    for code in ckpt_convert::loss::Code::ALL {
        assert!(
            text.lines().any(|line| line.starts_with(code.name())),
            "{code}"
        );
        let one = program().args(["--explain", code.name()]).output().unwrap();
        assert_eq!(one.status.code(), Some(0));
    }
    assert_eq!(
        program()
            .args(["--explain", "nonsense"])
            .status()
            .unwrap()
            .code(),
        Some(2)
    );
}

/// An image of the last original revision with `bytes` of memory in groups of `pages`.
fn memory(bytes: u64, pages: u32) -> Vec<u8> {
    use ckpt_samples::big::{Filled, page_groups};
    let mut image = Vec::new();
    page_groups(&mut Filled::new(&mut image), 17, bytes, pages).unwrap();
    image
}

/// Long stretches flow from pipe to pipe without being seen, short ones pass through memory, as all
/// do on the way to a file.
#[test]
fn between_pipes_comes_out_what_comes_out_in_a_file() {
    for pages in [1, 8, 32, 512] {
        let image = memory(4 << 20, pages);
        let half = image.len() / 2;
        for (input, name) in [(&image[..], "whole"), (&image[..half], "cut")] {
            let dir = tempfile::tempdir().unwrap();
            let out = dir.path().join("out");
            let file = piped(&["--salvage", "-o", out.to_str().unwrap()], input);
            let pipe = piped(&["--salvage"], input);
            assert_eq!(file.status, pipe.status, "{name}, groups of {pages}");
            let written = fs::read(&out).unwrap_or_default();
            assert!(written == pipe.stdout, "{name}, groups of {pages}");
        }
        let same = piped(&["--to", "r17"], &image);
        assert!(same.stdout == image, "groups of {pages}");
        let cut = piped(&[], &image[..half]);
        assert!(!cut.status.success(), "groups of {pages}");
    }
}

/// A file that is unpacked is not taken for the one that standard input happens to be.
#[test]
fn a_packed_file_is_read_whatever_standard_input_is() {
    let dir = tempfile::tempdir().unwrap();
    let image = memory(1 << 20, 64);
    let packed = zstd::encode_all(image.as_slice(), 1).unwrap();
    fs::write(dir.path().join("in.zst"), packed).unwrap();
    fs::write(dir.path().join("other"), vec![0xa5; image.len()]).unwrap();
    let other = fs::File::open(dir.path().join("other")).unwrap();
    let output = program()
        .current_dir(dir.path())
        .args(["in.zst", "--to", "r17", "-o", "out"])
        .stdin(other)
        .status()
        .unwrap();
    assert!(output.success());
    assert!(fs::read(dir.path().join("out")).unwrap() == image);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let image = sample("sensor-r18-arm").repeat(1);
    let mut child = program()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    drop(stdin.write_all(&image));
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(141));
    assert!(output.stderr.is_empty(), "{output:?}");
}

#[test]
fn a_full_device_is_reported() {
    let dir = with("sensor-r18-arm");
    let full = run(dir.path(), &["in.ckpt", "-o", "/dev/full"]);
    assert_eq!(full.status.code(), Some(2), "{full:?}");
    assert!(
        String::from_utf8_lossy(&full.stderr).contains("No space left"),
        "{full:?}"
    );
}

#[test]
fn a_killed_conversion_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = program()
        .current_dir(dir.path())
        .args(["-o", "out.ckpt"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let image = sample("sensor-r18-arm");
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&image[..image.len() - 100]).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(200));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!dir.path().join("out.ckpt").exists());
    // Where the file system has nameless files, nothing else is left either.
    assert!(names(dir.path()).len() <= 1);
}

#[test]
fn registers_and_personality_can_be_added() {
    let dir = with("minimal-r17-arm");
    let mut vfp = vec![0u8; 260];
    vfp[..8].copy_from_slice(&1.5f64.to_bits().to_le_bytes());
    vfp[256..].copy_from_slice(&0x0300_0000u32.to_le_bytes());
    fs::write(dir.path().join("vfp"), &vfp).unwrap();
    let args = [
        "in.ckpt",
        "-o",
        "out.ckpt",
        "--set",
        "fp-state=vfp",
        "--set",
        "personality=0x800000",
    ];
    let done = run(dir.path(), &args);
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    let image = fs::read(dir.path().join("out.ckpt")).unwrap();
    let at = |tag, bytes: &[u8], skip: usize| {
        let start = crate::native::find(&image, tag, ckpt_parser::grammar::Role::Plain) + skip;
        assert_eq!(image[start..start + bytes.len()], *bytes);
    };
    at(ckpt_format::Tag::CpuFpu, &304u32.to_le_bytes(), 4);
    at(ckpt_format::Tag::CpuFpu, &vfp, 32);
    at(ckpt_format::Tag::ArmAbi, &0x80_0000u32.to_le_bytes(), 8);
    // Whatever the image is written as.
    for (to, out) in [("elf-core", "core"), ("criu", "set"), ("json", "out.json")] {
        let done = run(
            dir.path(),
            &[&args[..1], &args[3..], &["--to", to, "-o", out]].concat(),
        );
        assert_eq!(done.status.code(), Some(0), "{to}: {done:?}");
        assert!(
            !String::from_utf8_lossy(&done.stderr).contains("no-fp-state"),
            "{done:?}"
        );
    }
    assert!(contains(&fs::read(dir.path().join("core")).unwrap(), &vfp));
    let refused = |set: &str, why: &str| {
        let done = run(dir.path(), &["in.ckpt", "-o", "no.ckpt", "--set", set]);
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(said.contains(why), "{said}");
        assert_eq!(done.status.code(), Some(2), "{said}");
        assert!(!dir.path().join("no.ckpt").exists());
    };
    refused("fp-state@77=vfp", "no task 77 in the image");
    refused(
        "fp-state=in.ckpt",
        "neither an ELF core nor a VFP register set",
    );
}

#[test]
fn a_document_and_its_side_file_come_back() {
    let dir = with("tour-r12-arm");
    let there = run(dir.path(), &["in.ckpt", "--to", "json", "-o", "image.json"]);
    assert_eq!(there.status.code(), Some(0), "{there:?}");
    assert_eq!(
        names(dir.path()),
        ["image.json", "image.json.mem", "in.ckpt"]
    );
    let back = run(dir.path(), &["image.json", "-o", "back.ckpt"]);
    assert_eq!(back.status.code(), Some(0), "{back:?}");
    assert!(fs::read(dir.path().join("back.ckpt")).unwrap() == sample("tour-r12-arm"));
    let piped = piped(&["--to", "json"], &sample("tour-r12-arm"));
    assert_eq!(piped.status.code(), Some(0), "{piped:?}");
    let back = crate::cli::piped(&["--to", "r12"], &piped.stdout);
    assert!(back.stdout == sample("tour-r12-arm"), "{:?}", back.stderr);
}

fn contains(image: &[u8], text: &[u8]) -> bool {
    image.windows(text.len()).any(|window| window == text)
}

#[test]
fn a_redacted_image_keeps_its_structure() {
    let dir = with("tour-r17-arm");
    let image = sample("tour-r17-arm");
    let done = run(
        dir.path(),
        &["in.ckpt", "--to", "r17", "--redact", "-o", "out.ckpt"],
    );
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    let redacted = fs::read(dir.path().join("out.ckpt")).unwrap();
    assert_eq!(redacted.len(), image.len());
    for secret in [
        &b"notes.txt"[..],
        b"heap page at",
        b"unread pipe data",
        b"/var/mail",
    ] {
        assert!(contains(&image, secret), "{}", secret.escape_ascii());
        assert!(!contains(&redacted, secret), "{}", secret.escape_ascii());
    }
    let again = run(
        dir.path(),
        &[
            "out.ckpt",
            "--to",
            "r12",
            "--allow",
            "all",
            "-q",
            "-o",
            "down.ckpt",
        ],
    );
    assert_eq!(again.status.code(), Some(0), "{again:?}");
}

/// Every format that can be written is blanked, not only streams.
#[test]
fn redaction_holds_in_every_format() {
    let dir = with("tour-r17-arm");
    let secret = b"heap page at";
    for (to, name) in [
        ("criu", "set.tar"),
        ("core", "core.%p"),
        ("json", "doc.json"),
    ] {
        for redact in [false, true] {
            let mut args = vec!["in.ckpt", "--to", to, "-q", "--force", "-o", name];
            args.extend(["--allow", "all"]);
            args.extend(redact.then_some("--redact"));
            let done = run(dir.path(), &args);
            assert_eq!(done.status.code(), Some(0), "{to}: {done:?}");
            let written = names(dir.path());
            let written = written.iter().filter(|file| *file != "in.ckpt");
            let told = written
                .map(|file| fs::read(dir.path().join(file)).unwrap())
                .any(|bytes| contains(&bytes, secret));
            assert_eq!(told, !redact, "{to}");
            for file in names(dir.path()).iter().filter(|file| *file != "in.ckpt") {
                fs::remove_file(dir.path().join(file)).unwrap();
            }
        }
    }
}

#[test]
fn stripped_memory_leaves_the_mappings() {
    let dir = with("minimal-r17-arm");
    let args = [
        "in.ckpt", "--to", "r17", "--strip", "memory", "-o", "out.ckpt",
    ];
    let done = run(dir.path(), &args);
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    let stripped = fs::read(dir.path().join("out.ckpt")).unwrap();
    // One group of one page: PGARR and its buffer.
    assert_eq!(sample("minimal-r17-arm").len() - stripped.len(), 16 + 4108);
    let strict = run(dir.path(), &["out.ckpt", "-o", "up.ckpt"]);
    assert_eq!(strict.status.code(), Some(0), "{strict:?}");
}

#[test]
fn a_descriptor_gets_another_number() {
    let dir = with("minimal-r17-arm");
    let args = [
        "in.ckpt",
        "--to",
        "r17",
        "--relocate-fd",
        "0=9",
        "-o",
        "out.ckpt",
    ];
    let done = run(dir.path(), &args);
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    let image = fs::read(dir.path().join("out.ckpt")).unwrap();
    let at = crate::native::find(
        &image,
        ckpt_format::Tag::FileDesc,
        ckpt_parser::grammar::Role::Plain,
    );
    assert_eq!(image[at + 12], 9);
    let args = [
        "in.ckpt",
        "--relocate-fd",
        "0=9",
        "--relocate-fd",
        "1=9",
        "-o",
        "two.ckpt",
    ];
    assert_eq!(run(dir.path(), &args).status.code(), Some(2));
    // Where the table has another one, it cannot go, unless that goes away.
    let dir = with("tour-r17-arm");
    let taken = ["in.ckpt", "--relocate-fd", "0=1", "-o", "out.ckpt"];
    let refused = run(dir.path(), &taken);
    assert_eq!(refused.status.code(), Some(2));
    let text = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(text.contains("two descriptors 1"), "{text}");
    assert_eq!(names(dir.path()), ["in.ckpt"]);
    let swapped = ["in.ckpt", "--relocate-fd", "0=1", "--relocate-fd", "1=0"];
    let done = run(dir.path(), &[&swapped[..], &["-o", "out.ckpt"]].concat());
    assert_eq!(done.status.code(), Some(0), "{done:?}");
}

#[test]
fn a_compressed_stream_reads_like_a_plain_one() {
    let dir = with("sensor-r18-arm");
    let args = ["in.ckpt", "--compress", "zstd", "-o", "out.ckpt.zst"];
    let done = run(dir.path(), &args);
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    let back = run(dir.path(), &["out.ckpt.zst", "-o", "back.ckpt"]);
    assert_eq!(back.status.code(), Some(0), "{back:?}");
    assert!(fs::read(dir.path().join("back.ckpt")).unwrap() == sample("sensor-r18-arm"));
}

/// A file system of 64 KiB; `None`, said loudly, where mounting is not allowed.
struct Tiny(tempfile::TempDir);

impl Tiny {
    fn mount() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=64k", "none"])
            .arg(dir.path())
            .output();
        if mount.is_ok_and(|done| done.status.success()) {
            return Some(Tiny(dir));
        }
        eprintln!("NOT TESTED: a full file system, because mounting one is not allowed");
        None
    }
}

impl Drop for Tiny {
    fn drop(&mut self) {
        let done = Command::new("umount").arg(self.0.path()).status();
        assert!(done.is_ok_and(|status| status.success()));
    }
}

/// What was to be written, how much of it, and nothing left behind.
#[test]
fn a_full_file_system_keeps_nothing_of_the_output() {
    let Some(tiny) = Tiny::mount() else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let input = dir.path().join("in.ckpt");
    fs::write(&input, memory(1 << 20, 16)).unwrap();
    let input = input.to_str().unwrap();
    let out = |name: &str| tiny.0.path().join(name).to_str().unwrap().to_owned();
    for (to, name, full) in [
        ("r18", "out.ckpt", "out.ckpt"),
        ("r12", "out.ckpt", "out.ckpt"),
        ("elf-core", "core.%p", "core.1"),
        ("criu", "set", "set/pages-1.img"),
        ("criu", "set.tar", "set.tar"),
        ("json", "out.json", "out.json.mem"),
    ] {
        // Which of the two files is full first is a matter of luck.
        let luck = to == "json";
        let args = [input, "--to", to, "-o", &out(name), "--allow", "all", "-q"];
        let done = run(dir.path(), &args);
        let said = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(2), "{to}: {said}");
        let what = format!("{}: No space left", out(full));
        assert!(luck || said.contains(&what), "{to}: {said}");
        assert!(luck || said.contains("; about 1.0"), "{to}: {said}");
        assert!(said.contains("No space left"), "{to}: {said}");
        assert_eq!(names(tiny.0.path()), Vec::<String>::new(), "{to}");
    }
    // What is put aside is elsewhere than the output.
    let there = dir.path().join("out.tar");
    let args = [input, "--to", "criu", "--allow", "all", "-q", "-o"];
    let full = program()
        .args(args)
        .arg(there)
        .env("TMPDIR", tiny.0.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&full.stderr);
    let what = format!("a temporary file in {}: No space", tiny.0.path().display());
    assert!(said.contains(&what), "{said}");
    assert_eq!(names(dir.path()), ["in.ckpt"]);
    assert_eq!(names(tiny.0.path()), Vec::<String>::new());
}

/// A document never stands beside the contents of another: where it cannot be replaced, they are not either.
#[test]
fn a_document_and_its_side_file_are_replaced_together() {
    let dir = with("tour-r12-arm");
    let write = |input: &str| run(dir.path(), &[input, "--to", "json", "-fo", "image.json"]);
    assert_eq!(write("in.ckpt").status.code(), Some(0));
    let document = dir.path().join("image.json");
    let held = Command::new("mount")
        .arg("--bind")
        .args([&document, &document])
        .stderr(Stdio::null())
        .status();
    if !held.is_ok_and(|status| status.success()) {
        eprintln!("note: mounts need root; skipped");
        return;
    }
    fs::write(dir.path().join("other.ckpt"), sample("sensor-r18-arm")).unwrap();
    let refused = write("other.ckpt");
    let done = Command::new("umount").arg(&document).status();
    assert!(done.is_ok_and(|status| status.success()));
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    let back = run(dir.path(), &["image.json", "-o", "back.ckpt"]);
    assert_eq!(back.status.code(), Some(0), "{back:?}");
    assert!(fs::read(dir.path().join("back.ckpt")).unwrap() == sample("tour-r12-arm"));
}

/// A refusal is the answer, not what comes of going on without what was refused.
#[test]
fn what_is_refused_before_an_edit_ends_the_conversion() {
    let dir = tempfile::tempdir().unwrap();
    let sets = Path::new(env!("CARGO_MANIFEST_DIR")).join("bridge/tests/data/sets");
    let set = sets.join("descriptors.tar.xz");
    let set = set.to_str().unwrap();
    for to in ["elf-core", "criu", "json"] {
        let done = run(dir.path(), &[set, "--redact", "--to", to, "-o", "out"]);
        let said = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(1), "{said}");
        let last = said.lines().last().unwrap();
        assert!(
            last.starts_with("ckpt-convert: refused; --allow "),
            "{said}"
        );
    }
}

/// The records of the tree of processes that `ckpt-convert` says is there, by the names of its tasks.
fn task_names(path: &Path) -> Vec<String> {
    let image = fs::read(path).unwrap();
    let source = ckpt_parser::source::SliceSource(image);
    let options = ckpt_parser::decoder::Options::default();
    let mut decoder = ckpt_parser::decoder::Decoder::new(source, options).unwrap();
    let image = ckpt_parser::model::Image::read(&mut decoder, |_| true).unwrap();
    assert!(image.complete, "{:?}", image.findings.kept());
    let found = ckpt_parser::model::validate(&image, 10);
    assert!(found.kept().is_empty(), "{:?}", found.kept());
    let name = |task: &ckpt_parser::model::Task| {
        format!("{} {}", task.pid, String::from_utf8_lossy(&task.comm))
    };
    image.tasks.iter().map(name).collect()
}

#[test]
fn one_process_of_an_old_image_with_all_its_threads() {
    let dir = with("sensor-r18-arm");
    let whole = task_names(&dir.path().join("in.ckpt"));
    let pid = whole[0].split(' ').next().unwrap().to_owned();
    let args = [
        "in.ckpt",
        "--only-task",
        &pid,
        "-o",
        "one.ckpt",
        "--allow",
        "all",
    ];
    let done = run(dir.path(), &args);
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    let said = String::from_utf8(done.stderr).unwrap();
    assert!(said.contains("note edit.only-task: task"), "{said}");
    let one = task_names(&dir.path().join("one.ckpt"));
    assert!(
        one.len() > 1 && one.len() < whole.len(),
        "{one:?} of {whole:?}"
    );
    assert!(one.contains(&whole[0]), "{one:?}");
    let unknown = run(dir.path(), &["in.ckpt", "--only-task", "31999", "-o", "x"]);
    assert_eq!(unknown.status.code(), Some(2));
    let said = String::from_utf8(unknown.stderr).unwrap();
    assert!(said.contains(&format!("its processes are {pid}")), "{said}");
    assert!(!dir.path().join("x").exists());
}

#[test]
fn files_and_sockets_can_be_left_out() {
    let dir = with("tour-r17-arm");
    let fds = |path: &str| {
        let image = fs::read(dir.path().join(path)).unwrap();
        let source = ckpt_parser::source::SliceSource(image);
        let options = ckpt_parser::decoder::Options::default();
        let mut decoder = ckpt_parser::decoder::Decoder::new(source, options).unwrap();
        let image = ckpt_parser::model::Image::read(&mut decoder, |_| true).unwrap();
        let fds: usize = image
            .file_tables
            .values()
            .map(|table| table.fds.len())
            .sum();
        (
            fds,
            image.sockets.len(),
            image.mms.values().map(|mm| mm.vmas.len()).sum::<usize>(),
        )
    };
    let before = fds("in.ckpt");
    for (what, out) in [
        ("files", "none.ckpt"),
        ("sockets,ipc,fp,signals", "some.ckpt"),
    ] {
        let args = [
            "in.ckpt", "--strip", what, "-o", out, "--allow", "all", "-q",
        ];
        let done = run(dir.path(), &args);
        assert_eq!(done.status.code(), Some(0), "{done:?}");
    }
    let (none, some) = (fds("none.ckpt"), fds("some.ckpt"));
    assert_eq!((none.0, none.1, none.2), (0, 0, before.2));
    assert!(
        some.0 > 0 && some.0 < before.0 && some.1 == 0,
        "{some:?} of {before:?}"
    );
}

/// Edits are made whatever the image is written as.
#[test]
fn a_redacted_image_is_redacted_in_every_format() {
    let dir = with("sensor-r18-arm");
    let secret = b"sensord";
    let holds = |path: &Path| {
        let bytes = fs::read(path).unwrap();
        bytes.windows(secret.len()).any(|window| window == secret)
    };
    assert!(holds(&dir.path().join("in.ckpt")));
    for (to, out) in [
        ("criu", "set"),
        ("json", "doc.json"),
        ("elf-core", "core.%p"),
    ] {
        let args = [
            "in.ckpt", "--redact", "--to", to, "-o", out, "--allow", "all", "-q",
        ];
        let done = run(dir.path(), &args);
        assert_eq!(done.status.code(), Some(0), "{done:?}");
    }
    let set = fs::read_dir(dir.path().join("set")).unwrap();
    let beside = fs::read_dir(dir.path()).unwrap();
    for entry in set.chain(beside).map(Result::unwrap) {
        let path = entry.path();
        if path.is_file() && !path.ends_with("in.ckpt") {
            assert!(!holds(&path), "{}", path.display());
        }
    }
}

#[test]
fn pages_of_zeros_are_left_out_on_request() {
    let dir = with("sensor-r18-arm");
    // A redacted image has nothing but zeros in its pages.
    let blank = run(dir.path(), &["in.ckpt", "--redact", "-o", "blank.ckpt"]);
    assert_eq!(blank.status.code(), Some(0), "{blank:?}");
    let done = run(
        dir.path(),
        &["blank.ckpt", "--dedup", "-o", "out.ckpt", "--allow", "all"],
    );
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    let said = String::from_utf8(done.stderr).unwrap();
    assert!(said.contains("note zeros: PGARR.nr_pages = "), "{said}");
    let len = |name: &str| fs::metadata(dir.path().join(name)).unwrap().len();
    assert!(len("out.ckpt") < len("blank.ckpt"));
}

#[test]
fn files_of_foreign_images_are_kept_in_r18_and_named_as_losses_before() {
    let dir = with("foreign-r18-arm");
    let same = run(dir.path(), &["in.ckpt", "-o", "same.ckpt"]);
    assert_eq!(same.status.code(), Some(0), "{same:?}");
    assert!(fs::read(dir.path().join("same.ckpt")).unwrap() == sample("foreign-r18-arm"));
    let down = run(dir.path(), &["in.ckpt", "--to", "r17", "-o", "down.ckpt"]);
    assert_eq!(down.status.code(), Some(1));
    let said = String::from_utf8(down.stderr).unwrap();
    assert!(said.contains("loss foreign: STRING.name at 0x"), "{said}");
    assert!(said.contains("weather.img"), "{said}");
    let args = [
        "in.ckpt",
        "--to",
        "r17",
        "-o",
        "down.ckpt",
        "--allow",
        "foreign,arm-abi",
    ];
    assert_eq!(run(dir.path(), &args).status.code(), Some(0));
    assert!(fs::read(dir.path().join("down.ckpt")).unwrap() == sample("minimal-r17-arm"));
    let args = ["in.ckpt", "--redact", "-o", "blank.ckpt"];
    assert_eq!(run(dir.path(), &args).status.code(), Some(0));
    let blank = fs::read(dir.path().join("blank.ckpt")).unwrap();
    assert!(!blank.windows(7).any(|w| w == b"weather" || w == b"kept as"));
}

/// Segments, queues and semaphores of an image: who may use them, and what is in them.
fn system_v(path: &Path) -> String {
    let image = fs::read(path).unwrap();
    let source = ckpt_parser::source::SliceSource(image.clone());
    let options = ckpt_parser::decoder::Options::default();
    let mut decoder = ckpt_parser::decoder::Decoder::new(source, options).unwrap();
    let model = ckpt_parser::model::Image::read(&mut decoder, |_| true).unwrap();
    let owner = |p: &ckpt_parser::model::IpcPerms| {
        format!(
            "{} {:#x} {}:{} {}:{} {:o}",
            p.id, p.key, p.uid, p.gid, p.cuid, p.cgid, p.mode
        )
    };
    let bytes = |offset: u64, len: u64| {
        let start = usize::try_from(offset).unwrap();
        &image[start..start + usize::try_from(len).unwrap()]
    };
    let mut out = Vec::new();
    for ipc in model.ipc.values() {
        for segment in &ipc.segments {
            out.push(format!(
                "segment {} {}",
                owner(&segment.perms),
                segment.size
            ));
            for run in &model.segments[&segment.inode].pages {
                let sum: u64 = bytes(run.offset, run.len)
                    .iter()
                    .map(|&b| u64::from(b))
                    .sum();
                out.push(format!(" {:#x}+{:#x}:{sum}", run.addr, run.len));
            }
            let mapped = model.mms.values().flat_map(|mm| &mm.vmas);
            let mapped = mapped.filter(|vma| vma.inode == segment.inode);
            out.push(format!(" mapped {}", mapped.count()));
        }
        for queue in &ipc.queues {
            out.push(format!("queue {} {}", owner(&queue.perms), queue.max_bytes));
            for message in &queue.messages {
                let text: Vec<u8> = message
                    .text
                    .iter()
                    .flat_map(|e| bytes(e.offset, e.len).to_vec())
                    .collect();
                out.push(format!(" {} {text:?}", message.kind));
            }
        }
        for set in &ipc.semaphores {
            let values: Vec<i32> = set.values.iter().map(|(value, _)| *value).collect();
            out.push(format!("semaphores {} {values:?}", owner(&set.perms)));
        }
    }
    out.join("\n")
}

#[test]
fn system_v_objects_go_to_criu_and_back() {
    for name in ["sensor-r18-arm", "tour-r17-arm"] {
        let dir = with(name);
        for args in [
            ["in.ckpt", "--to", "criu", "-o", "set"],
            ["set", "--to", "r18", "-o", "back.ckpt"],
        ] {
            let done = run(dir.path(), &[&args[..], &["--allow", "all", "-q"]].concat());
            assert_eq!(done.status.code(), Some(0), "{done:?}");
        }
        let before = system_v(&dir.path().join("in.ckpt"));
        assert!(
            before.contains("segment") && before.contains("queue"),
            "{before}"
        );
        assert_eq!(system_v(&dir.path().join("back.ckpt")), before, "{name}");
    }
}

/// A set needs no permission to go through R18; an older revision names what it loses.
#[test]
fn a_set_goes_through_r18_and_back_without_a_loss() {
    let dir = tempfile::tempdir().unwrap();
    let set = Path::new(env!("CARGO_MANIFEST_DIR")).join("bridge/tests/data/real/naked/criu");
    let set = set.to_str().unwrap();
    let up = run(dir.path(), &[set, "-o", "up.ckpt"]);
    assert_eq!(up.status.code(), Some(0), "{up:?}");
    let said = String::from_utf8(up.stderr).unwrap();
    assert!(
        said.contains("note kept-foreign: FOREIGN = criu."),
        "{said}"
    );
    let back = run(dir.path(), &["up.ckpt", "--to", "criu", "-o", "back"]);
    assert_eq!(back.status.code(), Some(0), "{back:?}");
    let direct = run(dir.path(), &[set, "--to", "criu", "-o", "direct"]);
    assert_eq!(direct.status.code(), Some(0), "{direct:?}");
    let down = run(dir.path(), &[set, "--to", "r12", "-o", "down.ckpt"]);
    assert_eq!(down.status.code(), Some(1), "{down:?}");
    let said = String::from_utf8(down.stderr).unwrap();
    assert!(
        said.contains("loss criu.file-check: files.img.mode"),
        "{said}"
    );
    for name in names(&dir.path().join("back")) {
        let read = |from: &str| fs::read(dir.path().join(from).join(&name)).unwrap();
        assert!(read("back") == read("direct"), "{name}");
        let original = fs::read(Path::new(set).join(&name)).unwrap();
        assert!(
            read("back") == original || name.starts_with("pagemap-"),
            "{name}"
        );
    }
    let explained = run(dir.path(), &["--explain", "criu.file-check"]);
    assert_eq!(explained.status.code(), Some(0));
    assert!(
        String::from_utf8(explained.stdout)
            .unwrap()
            .contains("build id")
    );
}
