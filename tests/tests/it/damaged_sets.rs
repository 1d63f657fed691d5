//! Foreign images with one file damaged: the inspector shows what is intact and says what is not, the checker gives no
//! verdict, and neither panics.

use ckpt_tests::{Random, programs};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../converter/bridge/tests/data")
        .join(name)
}

/// A set of its own to damage, and the names of its files.
fn copied(set: &str) -> (tempfile::TempDir, Vec<String>) {
    let dir = tempfile::tempdir().unwrap();
    let mut names = Vec::new();
    for file in fs::read_dir(data(set)).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), dir.path().join(file.file_name())).unwrap();
        names.push(file.file_name().into_string().unwrap());
    }
    names.sort();
    (dir, names)
}

fn run(program: &str, args: &[&str], image: &Path) -> Output {
    let mut command = Command::new(programs::path(program));
    command.args(args).arg(image).env("NO_COLOR", "1");
    let output = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    let known = matches!(output.status.code(), Some(0..=2));
    assert!(
        known && !stderr.contains("panicked"),
        "{args:?}: {output:?}"
    );
    output
}

fn inspect(args: &[&str], image: &Path) -> Output {
    run("ckpt-inspect", args, image)
}

const VIEWS: [&[&str]; 8] = [
    &[],
    &["--json"],
    &["--tasks"],
    &["--files"],
    &["--maps"],
    &["--regs"],
    &["--find=hello"],
    &["--integrity", "--json"],
];

/// What is done to a file.
fn damage(way: usize, bytes: &mut Vec<u8>, random: &mut Random) {
    let len = bytes.len() as u64;
    let at = usize::try_from(random.below(len.max(1))).unwrap();
    match way {
        0 => {}
        1 => bytes.truncate(at),
        2 => bytes[at] ^= 1 << (random.below(8)),
        _ => {
            for byte in bytes.iter_mut().skip(at).take(8) {
                *byte = u8::try_from(random.below(256)).unwrap();
            }
        }
    }
}

/// Each file is taken out, cut and overwritten at places of chance.
#[test]
fn whatever_file_of_a_set_is_damaged_both_programs_say_so() {
    let (dir, names) = copied("real/naked/criu");
    let mut random = Random::new(11);
    for (i, name) in names.iter().enumerate() {
        let path = dir.path().join(name);
        let whole = fs::read(&path).unwrap();
        for way in 0..4 {
            let mut bytes = whole.clone();
            damage(way, &mut bytes, &mut random);
            fs::write(&path, &bytes).unwrap();
            if way == 0 {
                fs::remove_file(&path).unwrap();
            }
            let view = VIEWS[(i + way) % VIEWS.len()];
            let shown = inspect(view, dir.path());
            let checked = run("ckpt-check", &["--target", "v7"], dir.path());
            if inspect(&["--integrity"], dir.path()).status.code() == Some(1) {
                let (shown, checked) = (shown.status.code(), checked.status.code());
                assert!(shown != Some(0), "{name}, {way}: {view:?}");
                assert_eq!(checked, Some(2), "{name}, {way}");
            }
        }
        fs::write(&path, whole).unwrap();
    }
    assert_eq!(inspect(&["--integrity"], dir.path()).status.code(), Some(0));
}

/// The descriptors are lost with the list of files; registers and memory are not.
#[test]
fn what_is_intact_of_a_set_is_shown_with_what_is_not() {
    let (dir, _) = copied("real/naked/criu");
    let whole = inspect(&["--regs"], dir.path());
    assert_eq!(whole.status.code(), Some(0), "{whole:?}");
    let files = dir.path().join("files.img");
    let len = fs::metadata(&files).unwrap().len();
    let file = fs::OpenOptions::new().write(true).open(&files).unwrap();
    file.set_len(len - 5).unwrap();
    let cut = inspect(&["--regs"], dir.path());
    assert_eq!(cut.status.code(), Some(1), "{cut:?}");
    let registers = |output: &Output| {
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.lines()
            .find(|line| line.contains("r0"))
            .unwrap()
            .to_owned()
    };
    assert_eq!(registers(&cut), registers(&whole));
    let stderr = String::from_utf8_lossy(&cut.stderr).into_owned();
    assert!(
        stderr.contains("error: P020 in files.img at 0x"),
        "{stderr}"
    );
    assert!(stderr.contains(", expected "), "{stderr}");
    let json = inspect(&["--integrity", "--json"], dir.path());
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    let first = &json["integrity"]["diagnostics"][0];
    assert_eq!(first["code"], "P020", "{json}");
    assert_eq!(first["file"], "files.img", "{json}");
    let checked = run("ckpt-check", &["--target", "v7"], dir.path());
    assert_eq!(checked.status.code(), Some(2), "{checked:?}");
    // Registers need no memory.
    let mm = dir.path().join("mm-7000.img");
    let bytes = fs::read(&mm).unwrap();
    fs::remove_file(&mm).unwrap();
    let bare = inspect(&["--regs"], dir.path());
    assert_eq!(bare.status.code(), Some(1), "{bare:?}");
    let value = |line: &str| line.split_whitespace().nth(1).map(str::to_owned);
    assert_eq!(value(&registers(&bare)), value(&registers(&whole)));
    fs::write(&mm, bytes).unwrap();
    // Where nothing is left, it is told why.
    let core = dir.path().join("core-7000.img");
    let bytes = fs::read(&core).unwrap();
    fs::write(&core, &bytes[..bytes.len() - 9]).unwrap();
    let none = inspect(&["--regs"], dir.path());
    assert_eq!(none.status.code(), Some(2), "{none:?}");
    let stderr = String::from_utf8_lossy(&none.stderr).into_owned();
    assert!(
        stderr.contains("no whole process (P020 in core-7000.img at 0x"),
        "{stderr}"
    );
    fs::write(&core, bytes).unwrap();
    // Without the inventory a directory still is a set.
    fs::remove_file(dir.path().join("inventory.img")).unwrap();
    let rest = inspect(&["--tasks"], dir.path());
    assert_eq!(rest.status.code(), Some(1), "{rest:?}");
    assert!(String::from_utf8_lossy(&rest.stderr).contains("P021 in inventory.img: "));
}

/// An archive that was cut off while it was copied, packed or not.
#[test]
fn what_is_whole_in_a_cut_archive_is_shown() {
    let dir = tempfile::tempdir().unwrap();
    let packed = fs::read(data("real/vfp_d0_d15/criu.tar.zst")).unwrap();
    let whole = zstd::decode_all(packed.as_slice()).unwrap();
    let plain = dir.path().join("cut.tar");
    // The list of processes is the last file.
    let name = b"checkpoint/pstree.img";
    let last = whole.windows(name.len()).position(|at| at == name).unwrap();
    let whole = &whole[..last + 300];
    fs::write(&plain, whole).unwrap();
    let shown = inspect(&["--regs"], &plain);
    assert_eq!(shown.status.code(), Some(1), "{shown:?}");
    assert!(String::from_utf8_lossy(&shown.stdout).contains("r0"));
    assert!(String::from_utf8_lossy(&shown.stderr).contains("error: P020 in "));
    let checked = run("ckpt-check", &["--target", "v7"], &plain);
    assert_eq!(checked.status.code(), Some(2), "{checked:?}");
    // The same through compression, in frames that each hold a part.
    let frames = whole
        .chunks(8 << 10)
        .map(|part| zstd::encode_all(part, 1).unwrap());
    let mut frames: Vec<u8> = frames.flatten().collect();
    frames.extend(&packed[..20]);
    let packed = dir.path().join("cut.tar.zst");
    fs::write(&packed, frames).unwrap();
    let shown = inspect(&["--regs"], &packed);
    assert_eq!(shown.status.code(), Some(1), "{shown:?}");
    assert!(String::from_utf8_lossy(&shown.stdout).contains("r0"));
}

/// A core that is cut, and one with a segment beyond the address space.
#[test]
fn what_is_intact_of_a_core_is_shown_with_what_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let core = dir.path().join("core");
    let set = data("real/naked/criu");
    let made = Command::new(programs::path("ckpt-convert"))
        .args(["--to", "elf-core", "--allow", "all", "--output"])
        .args([&core, &set])
        .output()
        .unwrap();
    assert!(core.exists(), "{made:?}");
    let whole = fs::read(&core).unwrap();
    let told = |bytes: &[u8], code: &str| {
        fs::write(&core, bytes).unwrap();
        let shown = inspect(&["--regs"], &core);
        let stderr = String::from_utf8_lossy(&shown.stderr).into_owned();
        assert_eq!(shown.status.code(), Some(1), "{shown:?}");
        assert!(stderr.contains(code), "{stderr}");
        assert!(String::from_utf8_lossy(&shown.stdout).contains("r0"));
        let checked = run("ckpt-check", &["--target", "v7"], &core);
        assert_eq!(checked.status.code(), Some(2), "{checked:?}");
    };
    told(&whole[..whole.len() - 5000], "P021 in ");
    let table = u32::from_le_bytes(whole[28..32].try_into().unwrap()) as usize;
    let mut beyond = whole.clone();
    beyond[table + 32 + 8..table + 32 + 12].fill(0xff);
    told(&beyond, "P020 in ");
    let mut random = Random::new(12);
    for i in 0..24 {
        let mut bytes = whole.clone();
        if i % 2 == 0 {
            bytes.truncate(usize::try_from(random.below(0x2000)).unwrap());
        } else {
            let at = usize::try_from(random.below(0x1000)).unwrap();
            bytes[at] ^= 0xff;
        }
        fs::write(&core, bytes).unwrap();
        inspect(VIEWS[i % VIEWS.len()], &core);
        run("ckpt-check", &["--target", "v7"], &core);
    }
}
