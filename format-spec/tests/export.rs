//! The committed reference pages and `linux_cr.ksy` are what the tables say.

use ckpt_format::export;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const HINT: &str = "is old: run `cargo run -p ckpt-format --example export`";

#[test]
fn committed_files_are_fresh() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pages = export::all();
    for page in &pages {
        let committed = fs::read_to_string(root.join(&page.path)).unwrap_or_default();
        assert!(committed == page.text, "{} {HINT}", page.path);
    }
    let wanted: BTreeSet<&str> = pages
        .iter()
        .filter_map(|page| page.path.strip_prefix("reference/"))
        .collect();
    for entry in fs::read_dir(root.join("reference")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(
            wanted.contains(&*name),
            "reference/{name} is not generated any more"
        );
    }
}

#[test]
fn every_link_of_the_pages_leads_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let spec = fs::read_to_string(root.join("SPEC.md")).unwrap();
    let mut links = 0;
    let pages = export::pages();
    let texts = pages
        .iter()
        .map(|page| ("reference", &page.text))
        .chain([("", &spec)]);
    for (directory, text) in texts {
        for link in text.split("](").skip(1) {
            let target = link.split(')').next().unwrap();
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let path = root.join(directory).join(file);
            assert!(path.exists(), "{target}");
            if !anchor.is_empty() {
                let page = fs::read_to_string(&path).unwrap();
                let heading = format!("## {}", anchor.replace('-', " "));
                assert!(page.to_lowercase().contains(&heading), "{target}");
            }
            links += 1;
        }
    }
    assert!(links > 100, "{links} links");
}

#[test]
fn sections_that_the_tables_cite_exist() {
    let spec = include_str!("../SPEC.md");
    for record in ckpt_format::records::RECORDS {
        let heading = if record.spec.contains('.') {
            format!("\n### {} ", record.spec)
        } else {
            format!("\n## {}. ", record.spec)
        };
        assert!(
            spec.contains(&heading),
            "{}: §{}",
            record.tag.name(),
            record.spec
        );
    }
}
