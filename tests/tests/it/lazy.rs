//! How much of an image is read to index it: counted, not timed.

use ckpt_parser::decoder::{Decoder, Options};
use ckpt_parser::model::Image;
use ckpt_parser::source::{Composite, Piece};
use ckpt_samples::big::{Output, page_groups};
use ckpt_tests::fuzz::events;
use ckpt_tests::source::Counting;
use std::io;

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
