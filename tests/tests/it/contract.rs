//! JSON of released versions, kept for ever: it is valid by the schemas of today, and what the programs write of the same
//! images today has every member that it had then, of the same type.

use ckpt_tests::programs;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What is kept of each release: file, program with arguments, and the schema that it follows.
const OUTPUTS: &[(&str, &[&str], Option<&str>)] = &[
    (
        "inspect-r17.json",
        &[
            "ckpt-inspect",
            "-q",
            "--json",
            "images/minimal-r17-arm.ckpt",
        ],
        Some("parser/json-schema/image-1.json"),
    ),
    (
        "inspect-r18.json",
        &["ckpt-inspect", "-q", "--json", "images/tour-r18-arm.ckpt"],
        Some("parser/json-schema/image-1.json"),
    ),
    (
        "inspect-cut.json",
        &[
            "ckpt-inspect",
            "-q",
            "--json",
            "images/truncated-r17-arm.ckpt",
        ],
        Some("parser/json-schema/image-1.json"),
    ),
    (
        "view-tasks.json",
        &[
            "ckpt-inspect",
            "-q",
            "--json",
            "--tasks",
            "images/sensor-r18-arm.ckpt",
        ],
        Some("inspector/json-schema/view-1.json"),
    ),
    (
        "view-regs.json",
        &[
            "ckpt-inspect",
            "-q",
            "--json",
            "--regs",
            "images/units-r18-arm.ckpt",
        ],
        Some("inspector/json-schema/view-1.json"),
    ),
    (
        "view-maps.json",
        &[
            "ckpt-inspect",
            "-q",
            "--json",
            "--maps",
            "images/minimal-r17-arm.ckpt",
        ],
        Some("inspector/json-schema/view-1.json"),
    ),
    (
        "view-files.json",
        &[
            "ckpt-inspect",
            "-q",
            "--json",
            "--files",
            "images/sensor-r18-arm.ckpt",
        ],
        Some("inspector/json-schema/view-1.json"),
    ),
    (
        "view-summary.json",
        &[
            "ckpt-inspect",
            "-q",
            "--json",
            "--summary",
            "images/sensor-r18-arm.ckpt",
        ],
        Some("inspector/json-schema/view-1.json"),
    ),
    (
        "view-problems.json",
        &[
            "ckpt-inspect",
            "-q",
            "--json",
            "--problems",
            "images/references-r17-arm.ckpt",
        ],
        Some("inspector/json-schema/view-1.json"),
    ),
    (
        "view-find.json",
        &[
            "ckpt-inspect",
            "-q",
            "--json",
            "--find",
            "flush",
            "images/sensor-r18-arm.ckpt",
        ],
        Some("inspector/json-schema/view-1.json"),
    ),
    (
        "lines-r17.json",
        &[
            "ckpt-inspect",
            "-q",
            "--json-lines",
            "images/minimal-r17-arm.ckpt",
        ],
        None,
    ),
    (
        "check.json",
        &[
            "ckpt-check",
            "--format",
            "ndjson",
            "-t",
            "v7",
            "images/oabi-r12-arm.ckpt",
            "images/truncated-r17-arm.ckpt",
        ],
        Some("converter/compat/json-schema/report-1.json"),
    ),
    (
        "check-document.json",
        &[
            "ckpt-check",
            "--format",
            "json",
            "--nearest",
            "-t",
            "v7",
            "images/oabi-r12-arm.ckpt",
            "images/truncated-r17-arm.ckpt",
        ],
        Some("converter/compat/json-schema/document-1.json"),
    ),
    (
        "convert.json",
        &[
            "ckpt-convert",
            "-q",
            "--to",
            "json",
            "images/minimal-r17-arm.ckpt",
        ],
        Some("converter/json-schema/image.schema.json"),
    ),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// One document a line, or one in all.
fn documents(text: &str) -> Vec<Value> {
    serde_json::Deserializer::from_str(text)
        .into_iter()
        .map(Result::unwrap)
        .collect()
}

/// What a program writes today.
fn today(command: &[&str]) -> String {
    let output = Command::new(programs::path(command[0]))
        .args(&command[1..])
        .current_dir(root().join("samples"))
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Every member by its path, elements of arrays together, and the types it has. Null says nothing.
type Members = BTreeMap<String, BTreeSet<&'static str>>;

fn members(path: &str, value: &Value, all: &mut Members) {
    let kind = match value {
        Value::Null => None,
        Value::Bool(_) => Some("boolean"),
        Value::Number(_) => Some("number"),
        Value::String(_) => Some("string"),
        Value::Array(elements) => {
            for element in elements {
                members(&format!("{path}[]"), element, all);
            }
            Some("array")
        }
        Value::Object(fields) => {
            for (key, value) in fields {
                members(&format!("{path}.{key}"), value, all);
            }
            Some("object")
        }
    };
    all.entry(path.to_owned()).or_default().extend(kind);
}

/// Members that are gone, or have another type now.
fn lost(name: &str, then: &Value, now: &Value) -> Vec<String> {
    let (mut before, mut after) = (Members::new(), Members::new());
    members(name, then, &mut before);
    members(name, now, &mut after);
    let mut faults = Vec::new();
    for (path, kinds) in before {
        match after.get(&path) {
            None => faults.push(format!("{path} is gone")),
            Some(now) if now.is_empty() || kinds.is_subset(now) => {}
            Some(now) => faults.push(format!("{path} was {kinds:?}, is {now:?}")),
        }
    }
    faults
}

#[test]
fn every_kept_output_is_valid_and_no_member_of_it_is_gone() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/json");
    let version = kept.join(env!("CARGO_PKG_VERSION"));
    let mut faults = Vec::new();
    for (file, command, schema) in OUTPUTS {
        let now = today(command);
        if std::env::var_os("CKPT_BLESS").is_some() && !version.join(file).exists() {
            fs::create_dir_all(&version).unwrap();
            fs::write(version.join(file), &now).unwrap();
        }
        let validator = schema.map(|schema| {
            let schema = fs::read(root().join(schema)).unwrap();
            jsonschema::validator_for(&serde_json::from_slice(&schema).unwrap()).unwrap()
        });
        let now = documents(&now);
        for release in fs::read_dir(&kept).unwrap() {
            let path = release.unwrap().path().join(file);
            let Ok(then) = fs::read_to_string(&path) else {
                continue;
            };
            let then = documents(&then);
            for document in then.iter().chain(&now).filter(|_| validator.is_some()) {
                let errors = validator
                    .iter()
                    .flat_map(|validator| validator.iter_errors(document));
                faults.extend(
                    errors.map(|error| format!("{file}: {error} at {}", error.instance_path())),
                );
            }
            faults.extend(lost(file, &Value::Array(then), &Value::Array(now.clone())));
        }
        assert!(
            version.join(file).exists(),
            "{file} of this version is not kept; CKPT_BLESS=1 keeps it"
        );
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_member_that_is_gone_or_another_is_found() {
    let then = serde_json::json!({"tasks": [{"pid": 5}, {"pid": 6, "comm": "a"}], "error": null});
    let check = |now: Value| lost("x", &then, &now);
    let more = serde_json::json!({"tasks": [{"pid": 7, "comm": "b", "new": 1}], "error": "e"});
    assert_eq!(check(more), Vec::<String>::new());
    let gone = serde_json::json!({"tasks": [{"pid": 5}], "error": null});
    assert_eq!(check(gone), ["x.tasks[].comm is gone"]);
    let other = serde_json::json!({"tasks": [{"pid": "5", "comm": "a"}]});
    let expected = [
        "x.error is gone",
        r#"x.tasks[].pid was {"number"}, is {"string"}"#,
    ];
    assert_eq!(check(other), expected);
}
