//! Every truncation of every sample, every flipped bit of every small one: an answer or an error
//! with code and offset, never a panic.
//!
//! All of them take minutes, so an ordinary run leaves most bytes of the larger samples out; with
//! `CKPT_EXHAUSTIVE=1` (as in CI, where the tests are optimised) none.

use ckpt_parser::diagnostic::{Code, Diagnostic, Severity};
use ckpt_samples::Sample;
use ckpt_tests::{Answer, on_all_cores, read_bytes};
use std::sync::atomic::{AtomicU64, Ordering};

/// Every bit of samples up to this size is flipped, in bytes.
const SMALL: usize = 16 << 10;

/// The places to damage: all, or the start and about one in `step`.
fn places(len: usize, all: bool, step: usize) -> impl Iterator<Item = usize> {
    (0..len).filter(move |at| all || at.is_multiple_of(step) || *at < 200)
}

fn is_exhaustive() -> bool {
    std::env::var_os("CKPT_EXHAUSTIVE").is_some()
}

/// Pieces of work of about equal size: a sample and a share of its places.
fn shares() -> Vec<(&'static Sample, usize)> {
    let samples = ckpt_samples::all().iter();
    samples
        .flat_map(|sample| (0..SHARES).map(move |share| (sample, share)))
        .collect()
}
const SHARES: usize = 8;

/// Findings name a place in the image and say what they found there.
fn check_findings(findings: &[Diagnostic], len: usize, what: &str) {
    for diagnostic in findings {
        assert!(diagnostic.offset <= len as u64, "{what}: {diagnostic}");
        assert!(!diagnostic.found.is_empty(), "{what}: {diagnostic}");
    }
}

#[test]
fn every_truncation_is_noticed() {
    let cuts = AtomicU64::new(0);
    on_all_cores(&shares(), |(sample, share)| {
        let bytes = (sample.bytes)();
        for at in places(bytes.len(), is_exhaustive(), 101).filter(|at| at % SHARES == *share) {
            let answer = read_bytes(&bytes[..at]);
            let what = format!("{} cut at {at}", sample.name);
            check_findings(answer.findings(), at, &what);
            assert!(says_cut(&answer), "{what}: {:?}", answer.findings());
            cuts.fetch_add(1, Ordering::Relaxed);
        }
    });
    let cuts = cuts.into_inner();
    println!("{cuts} truncations");
    let least = if is_exhaustive() { 2_000_000 } else { 30_000 };
    assert!(cuts > least, "only {cuts} truncations");
}

/// Cut in a record, cut between records, or so early that it is no image at all. An image of a
/// checkpoint that failed has no TAIL anyway, and one with a lying length may look like a gap.
fn says_cut(answer: &Answer) -> bool {
    let says = |d: &Diagnostic| {
        matches!(
            d.code,
            Code::Truncated | Code::NoTail | Code::NotAnImage | Code::CheckpointFailed
        ) && d.severity == Severity::Error
    };
    answer.findings().iter().any(says)
}

#[test]
fn every_flipped_bit_gets_an_answer() {
    let flips = AtomicU64::new(0);
    on_all_cores(&shares(), |(sample, share)| {
        let mut bytes = (sample.bytes)();
        let len = bytes.len();
        for at in
            places(len, is_exhaustive() && len <= SMALL, 401).filter(|at| at % SHARES == *share)
        {
            for bit in 0..8 {
                bytes[at] ^= 1 << bit;
                let answer = read_bytes(&bytes);
                let what = format!("{} byte {at} bit {bit}", sample.name);
                check_findings(answer.findings(), len, &what);
                check_owned(&answer, len, &what);
                bytes[at] ^= 1 << bit;
                flips.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    let flips = flips.into_inner();
    println!("{flips} flipped bits");
    let least = if is_exhaustive() { 1_000_000 } else { 100_000 };
    assert!(flips > least, "only {flips} flipped bits");
}

/// Whatever was flipped, the reader went through to the end or said why not.
fn check_owned(answer: &Answer, len: usize, what: &str) {
    let Answer::Image(image) = answer else {
        return;
    };
    assert!(
        image.len == len as u64 || image.findings.has_errors(),
        "{what}: stopped at {} of {len} without a word",
        image.len
    );
}
