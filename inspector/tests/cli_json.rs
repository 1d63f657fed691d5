//! Single views as JSON: valid by the published schema, and of the same content in both forms.

use ckpt_inspect::cli::schema;
use ckpt_inspect::tui::screen::Screen;
use ckpt_inspect::tui::{full_look, panes};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const PUBLISHED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/json-schema/view-1.json");

fn run(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ckpt-inspect"));
    command.args(args).arg("-q").stdin(Stdio::null());
    command.output().unwrap()
}

fn json(args: &[&str]) -> Value {
    let output = run(&[args, &["--json"]].concat());
    assert!(output.status.code() < Some(2), "{args:?}: {output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn lines(args: &[&str]) -> Vec<Value> {
    let output = run(&[args, &["--json-lines"]].concat());
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn sample(name: &str) -> String {
    format!("{}/../samples/images/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Views that are lists: arguments, and the member with the list.
const LISTS: &[(&[&str], &str)] = &[
    (&["--tasks"], "tasks"),
    (&["--regs"], "threads"),
    (&["--maps"], "address_spaces"),
    (&["--files"], "files"),
    (&["--memory", "412:0x11000+0x2000"], "memory"),
    (&["--find", "sensor"], "matches"),
    (&["--find", "this is nowhere"], "matches"),
    (&["--strings"], "strings"),
    (&["--stats"], "types"),
];

/// Views that are one thing.
const SINGLE: &[(&[&str], &str)] = &[
    (&["--summary"], "summary"),
    (&["--integrity"], "integrity"),
    (&["--record", "VMA"], "record"),
];

#[test]
fn the_published_schema_is_that_of_the_code() {
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(PUBLISHED, schema() + "\n").unwrap();
    }
    let published = std::fs::read_to_string(PUBLISHED).unwrap();
    assert_eq!(
        published.trim_end(),
        schema(),
        "run the test once with BLESS=1"
    );
}

#[test]
fn every_view_is_valid_json_by_the_schema() {
    let schema: Value = serde_json::from_str(&schema()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let check = |document: &Value, what: &str| {
        let errors = validator
            .iter_errors(document)
            .map(|error| error.to_string());
        assert_eq!(errors.collect::<Vec<_>>(), Vec::<String>::new(), "{what}");
    };
    for (view, key) in LISTS.iter().chain(SINGLE) {
        let document = json(view);
        assert!(!document[key].is_null(), "{view:?}");
        check(&document, view[0]);
        // A wrong type must not pass, or the schema says nothing.
        let mut wrong = document;
        wrong[key] = Value::Bool(true);
        assert!(!validator.is_valid(&wrong), "{view:?}");
    }
    for image in [
        "tour-r18-arm.ckpt",
        "tour-r04-ppc64.ckpt",
        "zombies-r17-x86_64.ckpt",
        "references-r17-arm.ckpt",
        "truncated-r17-arm.ckpt",
        "hostile-r17-arm.ckpt",
    ] {
        for view in [
            "--tasks",
            "--regs",
            "--maps",
            "--files",
            "--summary",
            "--integrity",
            "--stats",
        ] {
            check(&json(&[view, &sample(image)]), &format!("{view} {image}"));
        }
    }
    let (one, two) = (sample("tour-r17-arm.ckpt"), sample("tour-r18-arm.ckpt"));
    check(&json(&["--diff", &one, &two]), "--diff");
}

#[test]
fn lines_are_the_items_of_the_document() {
    for (view, key) in LISTS {
        assert_eq!(json(view)[key], Value::Array(lines(view)), "{view:?}");
    }
    let (one, two) = (sample("tour-r17-arm.ckpt"), sample("tour-r18-arm.ckpt"));
    let diff = ["--diff", &one, &two];
    let document = json(&diff);
    assert_eq!(document["changes"], Value::Array(lines(&diff)));
    assert_eq!(document["equal"], false);
    let damaged = sample("references-r17-arm.ckpt");
    let document = json(&["--integrity", &damaged]);
    assert_eq!(document["integrity"]["sound"], false);
    assert_eq!(
        document["integrity"]["diagnostics"],
        Value::Array(lines(&["--problems", &damaged]))
    );
}

#[test]
fn a_view_holds_what_the_whole_document_holds() {
    let whole = json(&[]);
    assert_eq!(json(&["--tasks"])["tasks"], whole["tasks"]);
    let files = json(&["--files"]);
    for (file, in_whole) in files["files"]
        .as_array()
        .unwrap()
        .iter()
        .zip(whole["files"].as_array().unwrap())
    {
        for (key, value) in in_whole.as_object().unwrap() {
            assert_eq!(&file[key], value);
        }
    }
    let record = json(&["--record", "TASK"])["record"].clone();
    let all = lines(&[]);
    assert!(all.contains(&record), "{record}");
    assert_eq!(lines(&["--record", "TASK"]), [record]);
}

#[test]
fn registers_say_what_they_point_to() {
    let threads = json(&["--regs", "--task", "413"]);
    let thread = &threads["threads"][0];
    assert_eq!(
        (threads["threads"].as_array().unwrap().len(), &thread["pid"]),
        (1, &413.into())
    );
    let register = |name: &str| {
        let all = thread["registers"].as_array().unwrap();
        all.iter()
            .find(|register| register["name"] == name)
            .unwrap()
    };
    assert_eq!(register("r6")["place"], "sensord+0x480");
    assert_eq!(thread["calls"][0]["how"], "pc");
}

#[test]
fn what_waits_is_found_and_says_who_holds_it() {
    // Bytes that only a pipe of the sample holds.
    let bytes = json(&["--files"]);
    let pipes = bytes["files"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|file| file["pipe"]["offset"].as_u64());
    let offset = usize::try_from(pipes.max().unwrap()).unwrap();
    let text = String::from_utf8(ckpt_samples::EMBEDDED[offset..offset + 8].to_vec()).unwrap();
    let found = json(&["--find", &text]);
    let found = found["matches"].as_array().unwrap();
    let hit = found.iter().find(|hit| hit["place"] == "pipe").unwrap();
    assert_eq!(hit["at"], 0);
    assert!(!hit["held_by"].as_array().unwrap().is_empty(), "{hit}");
    let stdout = run(&["--find", &text]).stdout;
    let line = String::from_utf8(stdout).unwrap();
    assert!(
        line.contains(&format!("pipe {}+0x0  ", hit["object"])),
        "{line}"
    );
}

#[test]
fn memory_is_in_digits_or_says_where_it_is() {
    let stretch = json(&["--memory", "412:0x8000+16"])["memory"][0].clone();
    assert_eq!(
        (&stretch["backing"], &stretch["bytes"]),
        (&"file".into(), &Value::Null)
    );
    assert_eq!(stretch["path"], "/usr/sbin/sensord");
    let stretch = json(&["--memory", "412:0x11040+8"])["memory"][0].clone();
    assert_eq!(
        (&stretch["backing"], &stretch["bytes"]),
        (&"stored".into(), &"73656e736f726420".into())
    );
    assert_eq!(
        run(&["--memory", "412:0x11040+8", "--raw", "--json"])
            .status
            .code(),
        Some(2)
    );
}

#[test]
fn a_summary_says_what_the_image_was_and_leaves_out_what_it_does_not_say() {
    let real = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../converter/bridge/tests/data/real"
    );
    let set = format!("{real}/naked/criu");
    let summary = json(&["--summary", &set])["summary"].clone();
    assert_eq!(
        (&summary["kind"], &summary["taken"], &summary["kernel"]),
        (&"criu".into(), &Value::Null, &Value::Null)
    );
    let text = |image: &str| String::from_utf8(run(&["--summary", image]).stdout).unwrap();
    let card = text(&set);
    assert!(
        card.contains("CRIU image set, image version 2, of CRIU 4.2 or later"),
        "{card}"
    );
    for wrong in ["1970", "0.0.0", "linux-cr stream", "unknown"] {
        assert!(!card.contains(wrong), "{card}");
    }
    let old = text(&format!("{real}/naked_criu3.19/criu.tar.gz"));
    assert!(old.contains("of CRIU before 4.2"), "{old}");
    let core = std::fs::read_dir(format!("{real}/naked/core")).unwrap();
    let core = core.map(|entry| entry.unwrap().path()).next().unwrap();
    assert!(text(core.to_str().unwrap()).starts_with("format         ELF core\n"));
}

#[test]
fn compatibility_is_told_as_the_checker_tells_it() {
    let report = json(&["--compat", "--target", "v5te"]);
    assert_eq!(report["targets"][0]["verdict"], "not-restorable");
    assert_eq!(report["targets"].as_array().unwrap().len(), 1);
    let text = String::from_utf8(run(&["--compat"]).stdout).unwrap();
    assert!(
        text.lines().count() > 50 && text.contains("v7-neon"),
        "{text}"
    );
    assert_eq!(run(&["--compat", "--target", "v99"]).status.code(), Some(2));
}

#[test]
fn foreign_images_come_through_a_pipe() {
    let real = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../converter/bridge/tests/data/real"
    );
    for path in [
        "vfp_d0_d15/criu.tar.zst",
        "tree/criu.tar.xz",
        "naked_criu3.19/criu.tar.gz",
    ] {
        let path = format!("{real}/{path}");
        let cat = Command::new("cat")
            .arg(&path)
            .stdout(Stdio::piped())
            .spawn();
        let mut cat = cat.unwrap();
        let piped = Command::new(env!("CARGO_BIN_EXE_ckpt-inspect"))
            .args(["-", "--tasks", "-q"])
            .stdin(cat.stdout.take().unwrap())
            .output()
            .unwrap();
        assert!(cat.wait().unwrap().success());
        assert_eq!(piped.status.code(), Some(0), "{path}: {piped:?}");
        assert_eq!(piped.stdout, run(&["--tasks", &path]).stdout, "{path}");
    }
}

#[test]
fn forms_exclude_each_other() {
    assert_eq!(run(&["--tasks", "--json", "--text"]).status.code(), Some(2));
    assert_eq!(
        run(&["--tasks", "--json", "--format", "text"])
            .status
            .code(),
        Some(2)
    );
    let by_name = run(&["--tasks", "--format", "json"]).stdout;
    assert_eq!(by_name, run(&["--tasks", "--json"]).stdout);
    let by_name = run(&["--tasks", "--format", "ndjson"]).stdout;
    assert_eq!(by_name, run(&["--tasks", "--json-lines"]).stdout);
}

#[test]
fn registers_of_64_bits_have_all_their_digits() {
    let json = json(&["--regs"]);
    let threads = json["threads"].as_array().unwrap();
    let files = threads
        .iter()
        .flat_map(|thread| thread["register_files"].as_array().unwrap());
    let registers = files.flat_map(|file| file["registers"].as_array().unwrap());
    let mut seen = 0;
    for register in registers {
        let (name, value) = (
            register["name"].as_str().unwrap(),
            register["value"].as_str().unwrap(),
        );
        let digits = if name.starts_with('d') { 16 } else { 8 };
        assert_eq!(value.len(), 2 + digits, "{name} {value}");
        seen += 1;
    }
    assert!(seen > 60, "{seen}");
}

/// Text, JSON and the view are made from the same list; each shows all of it.
#[test]
fn text_json_and_view_of_a_difference_agree() {
    let (a, b) = (sample("tour-r17-arm.ckpt"), sample("sensor-r18-arm.ckpt"));
    let output = run(&["--diff", &a, &b]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    let document = run(&["--diff", &a, &b, "--json"]);
    let document: Value = serde_json::from_slice(&document.stdout).unwrap();
    let changes = document["changes"].as_array().unwrap();
    let side = |change: &Value, name: &str| change[name].as_str().unwrap_or("-").to_owned();
    let lines = changes.iter().map(|change| {
        let word = |name: &str| change[name].as_str().unwrap();
        let sides = (side(change, "left"), side(change, "right"));
        format!(
            "{:<8} {}: {} | {}",
            word("group"),
            word("what"),
            sides.0,
            sides.1
        )
    });
    assert_eq!(lines.collect::<Vec<_>>(), text.lines().collect::<Vec<_>>());
    let records = changes.iter().filter(|change| change["group"] == "records");
    assert!(records.count() > 5, "{text}");

    let mut screen = Screen::open(Some(Path::new(&a)), full_look(), (400, 40));
    screen.prompt("8 :", &format!("diff {b}"));
    let (len, rows) = panes::list(&screen.model, 0, 0..10_000);
    assert_eq!((len, rows.len()), (changes.len(), changes.len()));
    for (row, change) in rows.iter().zip(changes) {
        let row = row.text();
        let left = side(change, "left").chars().take(100).collect::<String>();
        for part in [
            change["group"].as_str().unwrap(),
            change["what"].as_str().unwrap(),
            &left,
        ] {
            assert!(row.contains(part), "{part}: {row}");
        }
    }
}
