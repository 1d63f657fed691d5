//! The JSON that programs rely on: valid by its published schema, and as it was promised.

use ckpt_parser::decoder::{Decoder, Options};
use ckpt_parser::model::{Image, validate};
use ckpt_parser::report::document::{Document, schema};
use ckpt_parser::report::lines::write_lines;
use ckpt_parser::source::SliceSource;
use serde_json::Value;

const PUBLISHED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/json-schema/image-1.json");

fn decoder(sample: &ckpt_samples::Sample) -> Decoder<SliceSource<Vec<u8>>> {
    Decoder::new(SliceSource((sample.bytes)()), Options::default()).unwrap()
}

fn document(sample: &ckpt_samples::Sample) -> Value {
    let image = Image::read(&mut decoder(sample), |_| true).unwrap();
    let mut findings = image.findings.clone();
    findings.extend(validate(&image, 100));
    serde_json::to_value(Document::new(&image, &findings)).unwrap()
}

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
fn the_document_of_every_sample_is_valid() {
    let schema: Value = serde_json::from_str(&schema()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for sample in ckpt_samples::all() {
        let document = document(sample);
        let errors: Vec<String> = validator
            .iter_errors(&document)
            .map(|e| e.to_string())
            .collect();
        assert_eq!(errors, Vec::<String>::new(), "{}", sample.name);
    }
}

#[test]
fn a_wrong_document_is_not_valid() {
    let schema: Value = serde_json::from_str(&schema()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut document = document(ckpt_samples::get("minimal-r17-arm").unwrap());
    document["tasks"][0]["pid"] = Value::String("1234".into());
    assert!(!validator.is_valid(&document));
}

#[test]
fn lines_are_json_one_by_one_and_count_every_record() {
    for sample in ckpt_samples::all() {
        let mut out = Vec::new();
        write_lines(&mut decoder(sample), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let records = lines.iter().filter(|line| line["kind"] == "record");
        let mut end = 0;
        for (index, record) in records.enumerate() {
            assert_eq!(record["record"], index as u64, "{}", sample.name);
            assert_eq!(record["offset"], end, "{}", sample.name);
            end += record["len"].as_u64().unwrap() + record["raw_len"].as_u64().unwrap_or(0);
        }
        assert_eq!(lines.last().unwrap()["offset"], end, "{}", sample.name);
        assert!(
            !text.contains('\u{1b}') && !text.contains('\u{202e}'),
            "{}",
            sample.name
        );
    }
}
