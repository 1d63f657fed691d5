//! How much of an image is read to index it: counted, not timed.

use ckpt_bridge::bytes::{Blob, ReadAt};
use ckpt_parser::decoder::{Decoder, Options};
use ckpt_parser::model::Image;
use ckpt_parser::source::{Composite, Piece};
use ckpt_samples::big::{Output, page_groups};
use ckpt_tests::fuzz::events;
use ckpt_tests::source::Counting;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// An image of gigabytes that takes kilobytes: page contents are zeros that nobody stores.
#[derive(Default)]
struct Virtual(Composite);

impl Output for Virtual {
    fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.push_bytes(bytes);
        Ok(())
    }
    fn pages(&mut self, len: u64) -> io::Result<()> {
        self.0.push(Piece::Zero(len));
        Ok(())
    }
}

fn image_of(total: u64, pages_per_group: u32) -> Composite {
    let mut image = Virtual::default();
    page_groups(&mut image, 17, total, pages_per_group).unwrap();
    image.0
}

/// Reads, bytes and records of indexing an image.
fn index(total: u64, pages_per_group: u32) -> (u64, u64, u64) {
    let (source, counts) = Counting::new(image_of(total, pages_per_group));
    let mut decoder = Decoder::new(source, Options::default()).unwrap();
    let image = Image::read(&mut decoder, |_| true).unwrap();
    assert!(image.complete, "{:?}", image.findings.kept());
    assert_eq!(image.num_pages, total / 4096);
    (counts.reads(), counts.bytes(), image.num_records)
}

const GIB: u64 = 1 << 30;

#[test]
fn page_contents_are_not_read() {
    for (pages_per_group, groups) in [(16384, 16), (32, 8192)] {
        let (reads, bytes, records) = index(GIB, pages_per_group);
        println!("{pages_per_group} pages: {reads} reads, {bytes} bytes, {records} records");
        // Addresses take 4 bytes a page: 1 MiB. Of a group a reader looks at the first page at most.
        let most = (2 << 20) + groups * 5000;
        assert!(bytes < most, "{bytes} bytes were read");
        assert!(reads < 4 * groups + 100, "{reads} reads");
    }
}

#[test]
fn work_grows_with_the_image_and_no_faster() {
    for pages_per_group in [1, 32] {
        let (reads, bytes, _) = index(GIB / 64, pages_per_group);
        let (more_reads, more_bytes, _) = index(GIB / 4, pages_per_group);
        assert!(more_reads <= 17 * reads, "{reads} reads, then {more_reads}");
        assert!(more_bytes <= 17 * bytes, "{bytes} bytes, then {more_bytes}");
    }
}

#[test]
fn pages_in_a_row_are_one_run() {
    let mut decoder = Decoder::new(image_of(GIB, 16384), Options::default()).unwrap();
    let image = Image::read(&mut decoder, |_| true).unwrap();
    let runs: usize = image.mms.values().map(|mm| mm.pages.len()).sum();
    assert_eq!(runs, 16, "adjacent pages are one run");
    let (events, _) = events(image_of(GIB, 16384), Options::default()).unwrap();
    assert_eq!(events.len() as u64, image.num_records);
}

/// A file in memory, and how often it was read.
struct Counted(Vec<u8>, Arc<AtomicU64>);

impl ReadAt for Counted {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.read_at(offset, buf)
    }
    fn len(&self) -> u64 {
        ReadAt::len(&self.0)
    }
}

/// A core of ARM with one thread and as many segments of a page, none next to another.
fn core_of(segments: u32) -> Vec<u8> {
    const PAGE: u32 = 4096;
    let words = |words: &[u32]| -> Vec<u8> { words.iter().flat_map(|w| w.to_le_bytes()).collect() };
    let mut status = vec![0; 148];
    status[24] = 9;
    let note = [words(&[5, 148, 1]), b"CORE\0\0\0\0".to_vec(), status].concat();
    let notes_at = 52 + 32 * (segments + 1);
    let data_at = (notes_at + 168).next_multiple_of(PAGE);
    let mut core = b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0\x04\0\x28\0".to_vec();
    core.extend(words(&[1, 0, 52, 0, 0, 0x20_0034, segments + 1, 0]));
    core.extend(words(&[4, notes_at, 0, 0, 168, 0, 0, 0]));
    for i in 0..segments {
        let (at, addr) = (data_at + i * PAGE, 0x1_0000 + 2 * i * PAGE);
        core.extend(words(&[1, at, addr, 0, PAGE, PAGE, 6, PAGE]));
    }
    core.extend(note);
    core.resize((data_at + segments * PAGE) as usize, 0);
    core
}

#[test]
fn the_segments_of_a_core_are_not_visited_one_by_one() {
    let segments = 5000;
    let reads = Arc::new(AtomicU64::new(0));
    let file = Counted(core_of(segments), Arc::clone(&reads));
    let foreign = ckpt_bridge::core_in(&Blob::new("core", Arc::new(file))).unwrap();
    let stream = Blob::new("stream", Arc::new(foreign.stream()));
    let mut decoder = Decoder::new(stream, Options::default()).unwrap();
    let image = Image::read(&mut decoder, |_| true).unwrap();
    assert_eq!(image.num_pages, u64::from(segments));
    // Nothing says which mapping is the program: the first thousand are looked at.
    let reads = reads.load(Ordering::Relaxed);
    assert!(reads < 1100, "{reads} reads of {segments} segments");
}
