//! `ckpt-check` over many images: lists, directories, archives, stores; damaged ones among them; runs that were
//! stopped and go on.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

fn sample(name: &str) -> Vec<u8> {
    (ckpt_samples::get(name).unwrap().bytes)()
}

fn check(dir: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ckpt-check"))
        .current_dir(dir)
        .args(arguments)
        .output()
        .unwrap()
}

/// The lines of NDJSON: name of the image, and its verdict or `None` if it could not be judged.
fn lines(bytes: &[u8]) -> Vec<(String, Option<String>)> {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let line = |line: &str| {
        let value: Value = serde_json::from_str(line).unwrap();
        let name = value["image"].as_str().unwrap().to_owned();
        assert_eq!(
            value["error"].is_null(),
            !value["targets"].as_array().unwrap().is_empty()
        );
        (
            name,
            value["targets"][0]["verdict"].as_str().map(str::to_owned),
        )
    };
    text.lines().map(line).collect()
}

fn names(bytes: &[u8]) -> Vec<String> {
    lines(bytes).into_iter().map(|(name, _)| name).collect()
}

/// A good image, one that is refused, one that is cut, one that is no image, one that is not there.
fn fleet() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(dir.path().join(name), bytes).unwrap();
    write("a.ckpt", &sample("minimal-r17-arm"));
    write("b.ckpt", &sample("oabi-r12-arm"));
    write("c.ckpt", &sample("truncated-r17-arm"));
    write("d.ckpt", b"no image at all");
    write("list", b"a.ckpt\nb.ckpt\nc.ckpt\nd.ckpt\nmissing.ckpt\n");
    dir
}

const NDJSON: [&str; 4] = ["-t", "v7", "--format", "ndjson"];

fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    NDJSON.iter().copied().chain(more.iter().copied()).collect()
}

/// What every way of naming the fleet has to say.
fn assert_fleet(answers: &[(String, Option<String>)], prefix: &str) {
    let expected = [
        ("a.ckpt", Some("unknown")),
        ("b.ckpt", Some("not-restorable")),
        ("c.ckpt", None),
        ("d.ckpt", None),
    ];
    assert_eq!(answers.len(), expected.len(), "{answers:?}");
    for ((name, verdict), (file, wanted)) in answers.iter().zip(expected) {
        assert_eq!(*name, format!("{prefix}{file}"));
        assert_eq!(verdict.as_deref(), wanted, "{name}");
    }
}

#[test]
fn every_name_in_a_list_gets_one_line_in_its_order() {
    let dir = fleet();
    for jobs in ["1", "2", "7"] {
        let output = check(dir.path(), &with(&["-j", jobs, "--files-from", "list"]));
        assert_eq!(output.status.code(), Some(2), "some could not be judged");
        let mut answers = lines(&output.stdout);
        assert_eq!(answers.pop(), Some(("missing.ckpt".to_owned(), None)));
        assert_fleet(&answers, "");
    }
}

#[test]
fn directories_and_tars_hold_the_same_fleet() {
    let dir = fleet();
    let images = dir.path().join("images");
    fs::create_dir(&images).unwrap();
    let mut tar = tar::Builder::new(Vec::new());
    for name in ["a.ckpt", "b.ckpt", "c.ckpt", "d.ckpt"] {
        let from = dir.path().join(name);
        tar.append_path_with_name(&from, name).unwrap();
        fs::rename(from, images.join(name)).unwrap();
    }
    fs::write(images.join("notes.txt"), "passed over").unwrap();
    let tar = tar.into_inner().unwrap();
    fs::write(dir.path().join("fleet.tar"), &tar).unwrap();
    let packed = zstd::encode_all(tar.as_slice(), 1).unwrap();
    fs::write(dir.path().join("fleet.tar.zst"), packed).unwrap();
    for name in ["images", "fleet.tar", "fleet.tar.zst"] {
        let output = check(dir.path(), &with(&[name]));
        assert_fleet(&lines(&output.stdout), &format!("{name}/"));
    }
}

#[test]
fn a_tar_of_criu_sets_has_a_line_for_each_and_a_tar_of_one_is_that_one() {
    let dir = tempfile::tempdir().unwrap();
    let set = Path::new(env!("CARGO_MANIFEST_DIR")).join("bridge/tests/data/real/naked/criu");
    let image = dir.path().join("made");
    if set.is_dir() {
        copy(&set, &image);
    } else {
        fs::write(dir.path().join("in.ckpt"), sample("sensor-r18-arm")).unwrap();
        let made = Command::new(env!("CARGO_BIN_EXE_ckpt-convert"))
            .current_dir(dir.path())
            .args([
                "in.ckpt", "--to", "criu", "--allow", "all", "-q", "-o", "made",
            ])
            .status()
            .unwrap();
        assert!(made.success());
    }
    let mut one = tar::Builder::new(Vec::new());
    one.append_dir_all("checkpoint", &image).unwrap();
    fs::write(dir.path().join("one.tar"), one.into_inner().unwrap()).unwrap();
    let mut two = tar::Builder::new(Vec::new());
    two.append_dir_all("x/1", &image).unwrap();
    two.append_dir_all("x/2", &image).unwrap();
    fs::write(dir.path().join("two.tar"), two.into_inner().unwrap()).unwrap();
    let output = check(dir.path(), &with(&["one.tar", "two.tar"]));
    let found = names(&output.stdout);
    assert_eq!(found, ["one.tar", "two.tar/x/1", "two.tar/x/2"]);
    assert!(
        lines(&output.stdout)
            .iter()
            .all(|(_, verdict)| verdict.is_some())
    );
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

#[test]
fn a_cut_tar_gives_what_is_whole_and_says_that_it_is_cut() {
    let dir = fleet();
    let mut tar = tar::Builder::new(Vec::new());
    for name in ["a.ckpt", "b.ckpt"] {
        tar.append_path_with_name(dir.path().join(name), name)
            .unwrap();
    }
    let mut tar = tar.into_inner().unwrap();
    let end = 512 + sample("minimal-r17-arm").len().next_multiple_of(512) + 512 + 100;
    tar.truncate(end);
    fs::write(dir.path().join("cut.tar"), &tar).unwrap();
    let output = check(dir.path(), &with(&["cut.tar"]));
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(names(&output.stdout), ["cut.tar/a.ckpt", "cut.tar"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("end of file at"), "{said}");
}

#[test]
fn a_run_that_was_stopped_goes_on_where_it_was() {
    let dir = fleet();
    let whole = check(dir.path(), &with(&["--files-from", "list"])).stdout;
    // Cut in the middle of the second line, as a crash does.
    let first = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let kept = &whole[..first + 100];
    let done = dir.path().join("done.ndjson");
    let again = with(&[
        "--files-from",
        "list",
        "--skip-done",
        "done.ndjson",
        "-o",
        "done.ndjson",
    ]);

    fs::write(&done, kept).unwrap();
    let output = check(dir.path(), &again);
    assert_eq!(output.status.code(), Some(2));
    let written = fs::read(&done).unwrap();
    assert_eq!(written[..first], kept[..first], "answers stay");
    assert_eq!(names(&written), names(&whole), "the cut line is made anew");
    assert_eq!(check(dir.path(), &again).status.code(), Some(2));
    let written = fs::read(&done).unwrap();
    assert_eq!(names(&written).len(), 5, "one line an image, however often");

    // What could be judged is done now; what could not is tried again.
    let output = check(
        dir.path(),
        &with(&["--files-from", "list", "--skip-done", "done.ndjson"]),
    );
    assert_eq!(names(&output.stdout), ["c.ckpt", "d.ckpt", "missing.ckpt"]);
    // Verdicts on other targets do not count.
    let other = [
        "-t",
        "v8",
        "--format",
        "ndjson",
        "--files-from",
        "list",
        "--skip-done",
        "done.ndjson",
    ];
    assert_eq!(names(&check(dir.path(), &other).stdout).len(), 5);
}

#[test]
fn the_first_run_needs_no_file_and_the_exit_status_remembers() {
    let dir = fleet();
    let resumed = with(&["b.ckpt", "--skip-done", "done.ndjson", "-o", "done.ndjson"]);
    assert_eq!(check(dir.path(), &resumed).status.code(), Some(1));
    let first = fs::read(dir.path().join("done.ndjson")).unwrap();
    assert_eq!(names(&first), ["b.ckpt"]);
    assert_eq!(
        check(dir.path(), &resumed).status.code(),
        Some(1),
        "still refused"
    );
    assert_eq!(fs::read(dir.path().join("done.ndjson")).unwrap(), first);
}

#[test]
fn reports_in_a_file_are_complete_or_not_there() {
    let dir = fleet();
    let sarif = [
        "a.ckpt",
        "-t",
        "v7",
        "--format",
        "sarif",
        "-o",
        "report.sarif",
    ];
    let output = check(dir.path(), &sarif);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0));
    let report = fs::read(dir.path().join("report.sarif")).unwrap();
    assert!(serde_json::from_slice::<Value>(&report).is_ok());
    let failed = ["a.ckpt", "-t", "no-such-target", "-o", "report.sarif"];
    assert_eq!(check(dir.path(), &failed).status.code(), Some(2));
    assert_eq!(fs::read(dir.path().join("report.sarif")).unwrap(), report);
}

#[test]
fn an_empty_list_is_an_error_not_a_pass() {
    let dir = fleet();
    fs::write(dir.path().join("empty"), "\n").unwrap();
    let output = check(dir.path(), &with(&["--files-from", "empty"]));
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("the list is empty"), "{said}");
}

#[cfg(not(feature = "object-store"))]
#[test]
fn a_program_without_object_stores_says_how_to_get_them() {
    let dir = fleet();
    let output = check(dir.path(), &with(&["s3://bucket/images"]));
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("--features s3"), "{said}");
}

#[cfg(feature = "object-store")]
#[test]
fn a_store_holds_the_same_fleet() {
    let dir = fleet();
    let images = dir.path().join("bucket/images");
    fs::create_dir_all(&images).unwrap();
    for name in ["a.ckpt", "b.ckpt", "c.ckpt", "d.ckpt"] {
        fs::copy(dir.path().join(name), images.join(name)).unwrap();
    }
    let url = format!("file://{}", images.display());
    let output = check(dir.path(), &with(&[&url]));
    assert_fleet(&lines(&output.stdout), &format!("{url}/"));
    let one = format!("{url}/b.ckpt");
    let output = check(dir.path(), &with(&[&one]));
    assert_eq!(
        lines(&output.stdout),
        [(one, Some("not-restorable".to_owned()))]
    );
    let nothing = check(dir.path(), &with(&[&format!("{url}/none")]));
    assert_eq!(nothing.status.code(), Some(2));
}
