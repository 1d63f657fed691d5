//! The inner loops that large images spend their time in: records, memory, and code.
//!
//! `cargo bench -p ckpt-tests` compares with the run before. Whole programs are timed by `cargo xtask bench`.

use ckpt_bridge::bytes::{Blob, Order};
use ckpt_bridge::core::Machine;
use ckpt_bridge::edit::without_zeros;
use ckpt_bridge::tree::{Mm, Pages, Tree, Vma, VmaKind};
use ckpt_compat::arm::{classify_arm, classify_thumb};
use ckpt_parser::decoder::{Decoder, Options};
use ckpt_parser::memory::Memory;
use ckpt_parser::model::Image;
use ckpt_parser::scan::Scan;
use ckpt_parser::source::{SliceSource, Watch};
use ckpt_samples::big::{Filled, page_groups, records};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use std::sync::Arc;

const MIB: u64 = 1 << 20;

fn decoder(image: &[u8]) -> Decoder<SliceSource<&[u8]>> {
    Decoder::new(SliceSource(image), Options::default()).expect("an image")
}

fn of_records(c: &mut Criterion) {
    const COUNT: u64 = 100_000;
    let mut image = Vec::new();
    records(&mut Filled::new(&mut image), 17, COUNT).expect("memory");
    let mut group = c.benchmark_group("records");
    group.throughput(Throughput::Elements(COUNT));
    group.bench_function("index", |b| {
        b.iter(|| decoder(&image).index().expect("an index").records());
    });
    group.bench_function("events", |b| {
        b.iter(|| {
            let mut decoder = decoder(&image);
            std::iter::from_fn(|| decoder.next()).count()
        });
    });
    group.bench_function("model", |b| {
        b.iter(|| Image::read(&mut decoder(&image), |_| true).expect("a model"));
    });
}

fn of_memory(c: &mut Criterion) {
    let mut bytes = Vec::new();
    page_groups(&mut Filled::new(&mut bytes), 17, 16 * MIB, 1).expect("memory");
    let mut group = c.benchmark_group("memory");
    group.throughput(Throughput::Bytes(16 * MIB));
    group.bench_function("scan of the file", |b| {
        let scan = Scan::new(b"no such text here", 4096).expect("a pattern that can be split");
        b.iter(|| {
            for piece in bytes.chunks(1 << 19) {
                scan.saw(0, piece);
            }
        });
    });
    let image = Image::read(&mut decoder(&bytes), |_| true).expect("a model");
    let mm = image.mms.values().next().expect("an address space");
    group.bench_function("search by address, one-page runs", |b| {
        let mut memory = Memory::new(&image, SliceSource(&bytes));
        let pattern = b"no such text here";
        b.iter(|| memory.search(mm, pattern, |_| true).expect("a search"));
    });
    group.finish();
    of_zeros(c);
}

/// Memory that was written with zeros: every byte of it must be looked at.
fn of_zeros(c: &mut Criterion) {
    let len = 16 * MIB;
    let blob = Blob::new("pages", Arc::new(vec![0; 16 << 20]));
    let tree = || {
        let mut tree = Tree::new(Machine::Arm, Order::Little);
        tree.blobs.push(blob.clone());
        let pages = Pages {
            addr: 0x1000_0000,
            len,
            blob: 0,
            at: 0,
        };
        let vma = Vma {
            start: pages.addr,
            end: pages.addr + len,
            flags: 3,
            kind: VmaKind::Anon,
            offset: 0,
            pages: vec![pages],
        };
        tree.mms.push(Mm {
            vmas: vec![vma],
            ..Mm::default()
        });
        tree
    };
    let mut group = c.benchmark_group("zeros");
    group.throughput(Throughput::Bytes(len));
    group.bench_function("pages of zeros", |b| {
        b.iter(|| without_zeros(&mut tree()).expect("a scan"));
    });
}

fn of_code(c: &mut Criterion) {
    const COUNT: u32 = 1 << 16;
    // Spread evenly over all encodings.
    let words = |n: u32| n.wrapping_mul(0x9e37_79b1);
    let mut group = c.benchmark_group("code");
    group.throughput(Throughput::Elements(COUNT.into()));
    group.bench_function("ARM", |b| {
        b.iter(|| {
            for n in 0..COUNT {
                black_box(classify_arm(words(n), 0x8000));
            }
        });
    });
    group.bench_function("Thumb", |b| {
        b.iter(|| {
            for n in 0..COUNT {
                let [a, b, c, d] = words(n).to_le_bytes();
                let (first, second) = (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]));
                black_box(classify_thumb(first, second, 0x8000));
            }
        });
    });
}

criterion_group!(inner, of_records, of_memory, of_code);
criterion_main!(inner);
