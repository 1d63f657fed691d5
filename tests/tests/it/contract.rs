//! JSON of released versions, kept for ever: it is valid by the schemas of today, and what the programs write today has
//! everything that they wrote then.

use ckpt_tests::programs;
use serde_json::Value;
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
fn today(command: &[&str]) -> Option<String> {
    let (program, args) = command.split_first()?;
    let output = Command::new(programs::find(program)?)
        .args(args)
        .current_dir(root().join("samples"))
        .output()
        .unwrap();
    Some(String::from_utf8(output.stdout).unwrap())
}

/// Where something that was there is gone or another now. New members may come, and elements behind the known ones.
fn lost(path: &str, then: &Value, now: &Value, faults: &mut Vec<String>) {
    match (then, now) {
        (Value::Object(then), Value::Object(now)) => {
            for (key, value) in then {
                match now.get(key) {
                    Some(now) => lost(&format!("{path}.{key}"), value, now, faults),
                    None => faults.push(format!("{path}.{key} is gone")),
                }
            }
        }
        (Value::Array(then), Value::Array(now)) => {
            if now.len() < then.len() {
                faults.push(format!(
                    "{path} had {} elements, has {}",
                    then.len(),
                    now.len()
                ));
            }
            for (index, (then, now)) in then.iter().zip(now).enumerate() {
                lost(&format!("{path}[{index}]"), then, now, faults);
            }
        }
        // Words for people may be put better.
        // What nobody knew may be known now.
        (Value::String(_), Value::String(_)) | (Value::Null, _) => {}
        _ if then == now => {}
        _ => faults.push(format!("{path} was {then}, is {now}")),
    }
}

#[test]
fn every_kept_output_is_valid_and_nothing_of_it_is_gone() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/json");
    let version = kept.join(env!("CARGO_PKG_VERSION"));
    let mut faults = Vec::new();
    for (file, command, schema) in OUTPUTS {
        let Some(now) = today(command) else { return };
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
            lost(
                file,
                &Value::Array(then),
                &Value::Array(now.clone()),
                &mut faults,
            );
        }
        assert!(
            version.join(file).exists(),
            "{file} of this version is not kept; CKPT_BLESS=1 keeps it"
        );
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_field_that_is_gone_or_another_is_found() {
    let then: Value =
        serde_json::json!({"schema": 1, "tasks": [{"pid": 5, "comm": "a"}], "error": null});
    let check = |now: Value| {
        let mut faults = Vec::new();
        lost("x", &then, &now, &mut faults);
        faults
    };
    let more = serde_json::json!({"schema": 1, "tasks": [{"pid": 5, "comm": "b", "new": 1}], "error": "e"});
    assert_eq!(check(more), Vec::<String>::new());
    let gone = serde_json::json!({"schema": 1, "tasks": [{"pid": 5}], "error": null});
    assert_eq!(check(gone), ["x.tasks[0].comm is gone"]);
    let other = serde_json::json!({"schema": 2, "tasks": [], "error": null});
    assert_eq!(check(other).len(), 2);
}
