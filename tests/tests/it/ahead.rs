//! Files that are read in order are read beforehand by other threads: what a reader is given must
//! not depend on it, also when it jumps, stops, or the file shrinks under it.

use ckpt_parser::source::{FileSource, Source, Watch, Window};
use ckpt_tests::Random;
use std::fs::File;
use std::io::Write;
use std::sync::{Arc, Mutex};

const LEN: u64 = 24 << 20;

/// Every eight bytes tell where they are.
fn numbered() -> Vec<u8> {
    (0..LEN / 8).flat_map(u64::to_le_bytes).collect()
}

fn file_of(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn part(bytes: &[u8], offset: u64, len: usize) -> &[u8] {
    let rest = &bytes[usize::try_from(offset).unwrap()..];
    &rest[..len.min(rest.len())]
}

struct Seen {
    all: Vec<u8>,
    stretches: Mutex<Vec<(u64, u64)>>,
}

impl Seen {
    fn new(all: &[u8]) -> Arc<Seen> {
        Arc::new(Seen {
            all: all.to_vec(),
            stretches: Mutex::default(),
        })
    }
}

impl Watch for Seen {
    fn saw(&self, offset: u64, bytes: &[u8]) {
        assert!(bytes == part(&self.all, offset, bytes.len()), "{offset:#x}");
        let end = offset + bytes.len() as u64;
        self.stretches.lock().unwrap().push((offset, end));
    }
}

#[test]
fn a_reader_gets_the_same_bytes_however_it_walks() {
    let all = numbered();
    let file = file_of(&all);
    for seed in 0..20 {
        let mut random = Random::new(seed);
        let seen = Seen::new(&all);
        let mut source = FileSource::new(file.reopen().unwrap()).unwrap();
        source.watch(Arc::clone(&seen) as _);
        let mut window = Window::new(source);
        let mut at = 0;
        while at < LEN {
            let len = match random.below(50) {
                0 => random.below(3 << 20),
                1..5 => random.below(100 << 10),
                _ => random.below(9000),
            };
            let len = usize::try_from(len).unwrap();
            let bytes = window.bytes(at, len).unwrap();
            assert!(
                bytes == part(&all, at, len),
                "seed {seed}: {len} at {at:#x}"
            );
            at += match random.below(300) {
                0 => random.below(6 << 20),
                1 => 0,
                _ => len as u64 + random.below(8000),
            };
            if random.one_in(400) {
                at = at.saturating_sub(random.below(5 << 20));
            }
        }
    }
}

#[test]
fn what_is_read_in_order_is_shown_and_read_once() {
    let all = numbered();
    let file = file_of(&all);
    let seen = Seen::new(&all);
    let mut source = FileSource::new(file.reopen().unwrap()).unwrap();
    source.watch(Arc::clone(&seen) as _);
    let mut window = Window::new(source);
    for at in (0..LEN).step_by(4096) {
        assert_eq!(window.bytes(at, 16).unwrap(), part(&all, at, 16));
    }
    let mut seen = seen.stretches.lock().unwrap().clone();
    seen.sort_unstable();
    let bytes: u64 = seen.iter().map(|(from, to)| to - from).sum();
    if std::thread::available_parallelism().map_or(1, usize::from) > 1 {
        assert!(bytes > LEN / 2, "{bytes} bytes were read beforehand");
    }
    let apart = |pair: &[(u64, u64)]| pair[0].1 <= pair[1].0;
    assert!(seen.windows(2).all(apart), "{seen:x?}");
}

#[test]
fn a_file_that_shrinks_ends_early_and_nothing_waits_for_ever() {
    let all = numbered();
    let file = file_of(&all);
    let mut window = Window::new(FileSource::new(file.reopen().unwrap()).unwrap());
    for at in (0..LEN / 2).step_by(4096) {
        assert_eq!(window.bytes(at, 16).unwrap(), part(&all, at, 16));
    }
    let writer = File::options().write(true).open(file.path()).unwrap();
    writer.set_len(LEN / 2).unwrap();
    let mut given = 0;
    for at in (LEN / 2..LEN).step_by(4096) {
        let bytes = window.bytes(at, 16).unwrap();
        assert_eq!(bytes, part(&all, at, bytes.len()));
        given += bytes.len();
    }
    // What had been read before may still be given; no more.
    assert!(given <= 8 << 20, "{given}");
}
