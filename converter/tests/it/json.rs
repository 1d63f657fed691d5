//! The document: back to the same bytes, valid by its schema, editable.

use crate::native::{options, sample};
use ckpt_convert::Error;
use ckpt_convert::input::unwatched;
use ckpt_convert::json::{Memory, read, write};
use ckpt_format::Revision;
use ckpt_parser::decoder::{Decoder, Options};
use ckpt_parser::limits::Policy;
use ckpt_parser::source::SliceSource;
use serde_json::Value;
use std::fs;
use std::path::Path;

fn document(image: &[u8], revision: Option<Revision>, memory: Memory) -> String {
    let options = Options {
        policy: Policy::Salvage,
        ..options(revision)
    };
    let mut decoder = Decoder::new(SliceSource(image), options).unwrap();
    let mut out = Vec::new();
    write(&mut decoder, &mut out, memory, &mut |_| ()).unwrap();
    String::from_utf8(out).unwrap()
}

fn back(document: &str, directory: &Path) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    read(document.as_bytes(), directory, &mut out, &unwatched)?;
    Ok(out)
}

#[test]
fn every_sample_comes_back() {
    let schema = include_str!("../../json-schema/image.schema.json");
    let schema: Value = serde_json::from_str(schema).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let dir = tempfile::tempdir().unwrap();
    for sample in ckpt_samples::all() {
        let image = (sample.bytes)();
        let revision = Revision::parse(sample.revision);
        let mut side: Vec<u8> = Vec::new();
        let texts = [
            document(&image, revision, Memory::Base64),
            document(
                &image,
                revision,
                Memory::Side(Path::new("side.mem"), &mut side),
            ),
        ];
        fs::write(dir.path().join("side.mem"), &side).unwrap();
        for text in texts {
            let value: Value = serde_json::from_str(&text).unwrap();
            if let Err(error) = schema.validate(&value) {
                panic!("{}: {} at {}", sample.name, error, error.instance_path());
            }
            let back = back(&text, dir.path()).unwrap_or_else(|e| panic!("{}: {e}", sample.name));
            assert!(back == image, "{}", sample.name);
        }
    }
}

#[test]
fn an_edit_reaches_the_image() {
    let image = sample("minimal-r17-arm");
    let mut value: Value = serde_json::from_str(&document(&image, None, Memory::Base64)).unwrap();
    let records = value["records"].as_array_mut().unwrap();
    let mut set = |kind: &str, field: &str, to: Value| {
        let record = records
            .iter_mut()
            .find(|record| record["type"] == kind)
            .unwrap();
        let name = record["type"].clone();
        record["fields"][field] = to;
        assert_eq!(name, kind);
    };
    set("FS", "umask", 0o77.into());
    set("TASK", "state", "INTERRUPTIBLE".into());
    set("VMA", "vm_start", "0xfffffffffffff000".into());
    // Members in front of the records have to stay there; serde_json sorts.
    let text = format!(
        r#"{{"revision":"R17","arch":"ARM","records":{}}}"#,
        value["records"]
    );
    let edited = back(&text, Path::new(".")).unwrap();
    let differ: Vec<usize> = (0..image.len())
        .filter(|i| image[*i] != edited[*i])
        .collect();
    assert_eq!(edited.len(), image.len());
    assert!((4..=12).contains(&differ.len()), "{differ:?}");
}

#[test]
fn pages_that_were_left_out_are_zero() {
    let image = sample("minimal-r17-arm");
    let text = document(&image, None, Memory::None);
    let back = back(&text, Path::new(".")).unwrap();
    assert_eq!(back.len(), image.len());
    assert!(back != image);
}

#[test]
fn wrong_documents_are_explained() {
    let head = r#"{"schema":1,"revision":"R17","arch":"ARM","records":["#;
    let cases = [
        (
            r#"{"type":"FS","fields":{"umask":"a lot"}}"#,
            "umask: \"a lot\" is no number",
        ),
        (r#"{"type":"FS","fields":{"mask":1}}"#, "has no field mask"),
        (
            r#"{"type":"FS","fields":{"umask":4294967296}}"#,
            "does not fit 4 bytes",
        ),
        (r#"{"type":"NONSENSE"}"#, "no such record type"),
        (r#"{"type":"CPU_FPU"}"#, "has no such record"),
        (
            r#"{"type":"BUFFER","payload":{"hex":"0"}}"#,
            "not hexadecimal",
        ),
        (
            r#"{"type":"BUFFER","memory":{"offset":0,"len":99999999999}}"#,
            "longer than",
        ),
        (
            r#"{"type":"BUFFER","memory":{"offset":0,"len":9}}"#,
            "names no memory file",
        ),
        (
            r#"{"type":"FS","patch":[{"at":900,"hex":"00"}]}"#,
            "outside of the record",
        ),
        (r#"{"type":"FS","len":4}"#, "len: expected"),
        ("7", "invalid type"),
    ];
    for (record, wanted) in cases {
        let error = back(&format!("{head}{record}]}}"), Path::new(".")).unwrap_err();
        assert!(error.to_string().contains(wanted), "{record}: {error}");
        assert!(error.is_damage(), "{record}");
    }
    for (document, wanted) in [
        (r#"{"records":[]}"#, "arch has to stand before records"),
        (r#"{"schema":2}"#, "schema: 2 is unknown"),
        (r#"{"schema":1}"#, "records"),
        (
            r#"{"arch":"ARM","revision":"R17","memory":"../secret","records":[]}"#,
            "is not the name of a file",
        ),
        (
            r#"{"arch":"ARM","revision":"R17","memory":"/etc/passwd","records":[]}"#,
            "is not the name of a file",
        ),
    ] {
        let error = back(document, Path::new(".")).unwrap_err();
        assert!(error.to_string().contains(wanted), "{document}: {error}");
    }
}
