//! The committed reference pages and `linux_cr.ksy` are what the tables say.

use ckpt_format::export;
use ckpt_format::layout::{Layout, RecordLayout, Tables};
use ckpt_format::records::{CONST, TASK_PIDS};
use ckpt_format::{Arch, Dialect, Revision};
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

/// The hex dumps of SPEC.md show the samples that they name.
#[test]
fn hex_dumps_of_the_specification_are_those_of_the_samples() {
    let spec = include_str!("../SPEC.md");
    let example = |heading: &str, sample: &str| {
        let section = spec.split(heading).nth(1).unwrap();
        let section = section.split("\n### ").next().unwrap();
        let image = (ckpt_samples::get(sample).unwrap().bytes)();
        let mut lines = 0;
        for line in section.lines() {
            let Some((offset, bytes)) = dump_line(line) else {
                continue;
            };
            let there = image.get(offset..offset + bytes.len());
            assert_eq!(there, Some(&*bytes), "{sample}: {line}");
            lines += 1;
        }
        assert!(lines >= 6, "{heading}: {lines} lines");
    };
    example("### 8.2 ", "minimal-r17-arm");
    example("### 10.5 ", "sensor-r18-arm");
}

/// `000010  04 00 …`: offset and up to 16 bytes.
fn dump_line(line: &str) -> Option<(usize, Vec<u8>)> {
    let (offset, rest) = line.split_once("  ")?;
    let offset = (offset.len() == 6).then(|| usize::from_str_radix(offset, 16).ok())??;
    let pairs = rest.get(..rest.len().min(47))?.split("  ").next()?;
    let pairs = pairs.split(' ').map(|pair| u8::from_str_radix(pair, 16));
    Some((offset, pairs.collect::<Result<_, _>>().ok()?))
}

/// The few tables that SPEC.md has of its own agree with ours.
#[test]
fn tables_of_the_specification_have_our_offsets() {
    let newest = Dialect::new(Revision::LAST, Arch::Arm);
    let tables = Tables::new(newest);
    let records = tables.records().flat_map(RecordLayout::variants);
    let mut layouts: Vec<Layout> = records.map(|(_, layout)| layout.clone()).collect();
    layouts.extend([&CONST, &TASK_PIDS].map(|of| Layout::of(of, newest).unwrap()));
    let of = |name: &str| layouts.iter().rev().find(|layout| layout.c_name == name);
    let (mut current, mut rows) = (None, 0);
    for line in include_str!("../SPEC.md").lines() {
        if line.starts_with("###") {
            current = match line {
                "### 10.2 CPU_FPU on ARM" => of("ckpt_hdr_cpu_fpu"),
                "### 10.3 ARM_ABI" => of("ckpt_hdr_arm_abi"),
                _ => None,
            };
        } else if let Some(name) = line.strip_prefix("**`") {
            current = of(name.split('`').next().unwrap());
            assert!(current.is_some(), "{line}");
        }
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let (Some(layout), [_, offset, size, _, name, _, ""]) = (current, &cells[..]) else {
            continue;
        };
        let (Ok(offset), Ok(size)) = (offset.parse::<u32>(), size.parse::<u32>()) else {
            continue;
        };
        let members = layout
            .slots
            .iter()
            .filter(|slot| *slot.name == **name || slot.name.starts_with(&format!("{name}.")));
        let members: Vec<_> = members.collect();
        let start = members.iter().map(|slot| slot.offset).min();
        let end = members.iter().map(|slot| slot.offset + slot.size).max();
        assert_eq!((start, end), (Some(offset), Some(offset + size)), "{line}");
        rows += 1;
    }
    assert!(rows > 50, "{rows} rows");
}
