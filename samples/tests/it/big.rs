//! The large images, in small: valid, of the promised shape, the same with and without holes.

use std::io::Cursor;

use ckpt_samples::big::{Filled, Output, Sparse, page_groups, records, tasks, vmas};
use ckpt_samples::{Sample, get};

use crate::walk::frames;

/// What the generators write into memory; the frames must reach the end.
fn build(revision: u8, write: impl FnOnce(&mut Filled<&mut Vec<u8>>)) -> (Vec<u8>, Vec<u32>) {
    let mut image = Vec::new();
    write(&mut Filled::new(&mut image));
    let minimal = get("minimal-r17-arm").unwrap();
    let revision = if revision < 4 { "R01" } else { "R17" };
    let numbers = frames(
        &Sample {
            revision,
            ..*minimal
        },
        &image,
    )
    .unwrap();
    let numbers: Vec<u32> = numbers.iter().map(|frame| frame.number).collect();
    assert_eq!(numbers.last(), Some(&9001));
    (image, numbers)
}

fn count(numbers: &[u32], number: u32) -> usize {
    numbers.iter().filter(|&&other| other == number).count()
}

#[test]
fn page_groups_have_the_promised_shape() {
    for revision in [1, 12, 17, 18] {
        for (group, groups) in [(16384, 1), (32, 64), (1, 300)] {
            let total = u64::from(group) * 4096 * groups;
            let (image, numbers) = build(revision, |to| {
                page_groups(to, revision, total, group).unwrap();
            });
            assert!(image.len() as u64 > total);
            let shape = [402, 403, 4, 403];
            let at = numbers.iter().position(|&number| number == 402).unwrap();
            let mappings = numbers[at..].chunks(4).take_while(|chunk| **chunk == shape);
            assert_eq!(mappings.count() as u64, groups);
        }
    }
}

#[test]
fn holes_and_noise_differ_only_in_pages() {
    let mut sparse = Cursor::new(Vec::new());
    page_groups(&mut Sparse(&mut sparse), 17, 1 << 20, 32).unwrap();
    let (filled, _) = build(17, |to| page_groups(to, 17, 1 << 20, 32).unwrap());
    let sparse = sparse.into_inner();
    assert_eq!(sparse.len(), filled.len());
    let differing = sparse
        .iter()
        .zip(&filled)
        .filter(|(hole, noise)| hole != noise)
        .count();
    assert!(
        ((1 << 20) - 8192..=1 << 20).contains(&differing),
        "{differing}"
    );
}

/// Counts without keeping: an image of 5 GiB needs three processes.
#[derive(Default)]
struct Counter {
    bytes: u64,
    pages: u64,
}

impl Output for Counter {
    fn bytes(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    fn pages(&mut self, len: u64) -> std::io::Result<()> {
        self.pages += len;
        Ok(())
    }
}

#[test]
fn more_than_a_process_can_map_is_spread() {
    let mut counter = Counter::default();
    page_groups(&mut counter, 17, 5 << 30, 16384).unwrap();
    assert_eq!(counter.pages, 5 << 30);
    assert!(counter.bytes < 6_000_000, "{}", counter.bytes);
    assert!(page_groups(&mut counter, 17, 5000, 1).is_err());
    assert!(page_groups(&mut counter, 17, 1 << 40, 16385).is_err());
}

#[test]
fn records_are_counted_exactly() {
    for n in [60, 61, 62, 63, 64, 1000, 12_345] {
        let (_, numbers) = build(17, |to| records(to, 17, n).unwrap());
        assert_eq!(numbers.len() as u64, n);
    }
    assert!(records(&mut Counter::default(), 17, 10).is_err());
}

#[test]
fn mappings_and_tasks_are_counted() {
    let (_, numbers) = build(18, |to| vmas(to, 18, 1000).unwrap());
    assert_eq!(count(&numbers, 402), 1000);
    assert!(vmas(&mut Counter::default(), 18, 1_000_000).is_err());
    let (_, numbers) = build(12, |to| tasks(to, 12, 100).unwrap());
    assert_eq!(count(&numbers, 102), 100);
    let (_, numbers) = build(17, |to| tasks(to, 17, 100).unwrap());
    assert_eq!(count(&numbers, 103), 100);
}
