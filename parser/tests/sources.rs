//! Packed images and pipes give what the plain file gives.

use ckpt_parser::decoder::{Decoder, Options};
use ckpt_parser::report::lines::write_lines;
use ckpt_parser::source::{self, SliceSource, Source, StreamSource, Window};
use std::io::{Cursor, Read, Write};
use std::path::PathBuf;

fn lines(source: impl Source) -> String {
    let mut decoder = Decoder::new(source, Options::default()).unwrap();
    let mut out = Vec::new();
    write_lines(&mut decoder, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn packed(name: &str, bytes: &[u8]) -> Vec<u8> {
    match name {
        "zst" => zstd::encode_all(bytes, 1).unwrap(),
        "gz" => {
            let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            out.write_all(bytes).unwrap();
            out.finish().unwrap()
        }
        "lz4" => {
            // Two frames make one file.
            let (first, second) = bytes.split_at(bytes.len() / 2);
            let frame = |bytes: &[u8]| {
                let mut out = lz4_flex::frame::FrameEncoder::new(Vec::new());
                out.write_all(bytes).unwrap();
                out.finish().unwrap()
            };
            [frame(first), frame(second)].concat()
        }
        _ => {
            let mut out = liblzma::write::XzEncoder::new(Vec::new(), 1);
            out.write_all(bytes).unwrap();
            out.finish().unwrap()
        }
    }
}

fn temporary(name: &str, bytes: &[u8]) -> PathBuf {
    let path = std::env::temp_dir().join(format!("ckpt-sources-{}-{name}", std::process::id()));
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn packed_images_open_like_plain_ones() {
    let plain = ckpt_samples::EMBEDDED;
    let expected = lines(SliceSource(plain));
    for name in ["zst", "gz", "xz", "lz4"] {
        let path = temporary(name, &packed(name, plain));
        let opened = source::open(&path, 4096).unwrap();
        assert_eq!(lines(opened), expected, "{name}");
        std::fs::remove_file(path).unwrap();
    }
}

#[test]
fn a_packed_image_that_is_cut_short_or_spoilt_is_an_error() {
    let plain = ckpt_samples::EMBEDDED;
    for name in ["zst", "gz", "xz", "lz4"] {
        let whole = packed(name, plain);
        let read = |bytes: &[u8]| {
            let path = temporary(&format!("cut-{name}"), bytes);
            let mut opened = source::open(&path, 4096).unwrap();
            std::fs::remove_file(path).unwrap();
            // The end of the packed stream is seen behind the last byte.
            let mut out = vec![0; plain.len() + 1];
            opened.read_at(0, &mut out)
        };
        assert_eq!(read(&whole).unwrap(), plain.len(), "{name}");
        let error = read(&whole[..whole.len() - 9]).unwrap_err();
        assert!(!error.to_string().contains("buffer"), "{name}: {error}");
    }
}

#[test]
fn a_file_that_unpacks_without_end_is_refused() {
    let bomb = zstd::encode_all(std::io::repeat(0).take(256 << 20), 1).unwrap();
    let path = temporary("bomb", &bomb);
    let mut opened = source::open(&path, 1).unwrap();
    let mut end = [0; 1];
    let error = opened.read_at(250 << 20, &mut end).unwrap_err();
    assert!(error.to_string().contains("--limit expansion"), "{error}");
    std::fs::remove_file(path).unwrap();
}

#[test]
fn a_pipe_gives_what_a_file_gives() {
    for sample in ckpt_samples::all() {
        let bytes = (sample.bytes)();
        let file = lines(SliceSource(bytes.as_slice()));
        // The record in which a stream ends is known to be cut only when it has been told.
        if sample.damage.is_some() && file.contains("\"code\":\"P003\"") {
            continue;
        }
        let pipe = StreamSource::new(Box::new(Cursor::new(bytes.clone())));
        assert_eq!(lines(pipe), file, "{}", sample.name);
    }
}

#[test]
fn a_pipe_cannot_go_back_and_says_so() {
    let mut pipe = StreamSource::new(Box::new(Cursor::new(vec![1, 2, 3, 4])));
    let mut byte = [0];
    assert_eq!(pipe.read_at(3, &mut byte).unwrap(), 1);
    let error = pipe.read_at(0, &mut byte).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::Unsupported);
}

#[test]
fn what_a_source_can_is_what_it_says() {
    let path = temporary("able", b"some bytes");
    let packed_path = temporary("able.zst", &packed("zst", b"other bytes"));
    let mut file = source::open(&path, 1).unwrap();
    let mut unpacked = source::open(&packed_path, 1).unwrap();
    let mut pipe = StreamSource::new(Box::new(Cursor::new(b"bytes of a pipe")));
    let mut slice = SliceSource(b"bytes in memory");
    let sources: [(&mut dyn Source, bool, bool); 4] = [
        (&mut file, true, true),
        (&mut unpacked, true, false),
        (&mut pipe, false, false),
        (&mut slice, true, false),
    ];
    let into = std::fs::File::create(temporary("into", b"")).unwrap();
    for (source, seekable, again) in sources {
        assert_eq!(source.is_seekable(), seekable);
        assert_eq!((source.at_hand(0), source.pours_from()), (None, None));
        assert_eq!(source.pour(0, 4, &into).unwrap(), 0);
        let mut bytes = [[0; 4]; 2];
        source.read_at(1, &mut bytes[0]).unwrap();
        let mut another = source.another();
        assert_eq!(another.is_some(), again);
        if let Some(another) = &mut another {
            another.read_at(1, &mut bytes[1]).unwrap();
            assert_eq!(bytes[0], bytes[1]);
        }
    }
    for name in ["able", "able.zst", "into"] {
        let name = format!("ckpt-sources-{}-{name}", std::process::id());
        std::fs::remove_file(std::env::temp_dir().join(name)).unwrap();
    }
}

#[test]
fn an_image_of_little_information_may_unpack_to_many_times_its_size() {
    let path = temporary("zeros", &packed("zst", &vec![0; 1 << 20]));
    let mut opened = source::open(&path, 1).unwrap();
    assert_eq!(opened.read_at(1 << 19, &mut [0; 100]).unwrap(), 100);
    std::fs::remove_file(path).unwrap();
}

/// Gives a byte at a time, interrupted before each, until it fails.
struct Shaky {
    left: usize,
    interrupted: bool,
}

impl Read for Shaky {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        self.interrupted = !self.interrupted;
        if self.interrupted {
            return Err(std::io::ErrorKind::Interrupted.into());
        }
        self.left = self
            .left
            .checked_sub(1)
            .ok_or(std::io::ErrorKind::BrokenPipe)?;
        buf[0] = 7;
        Ok(1)
    }
}

#[test]
fn a_call_that_is_interrupted_is_made_again_and_other_failures_are_told() {
    let shaky = Shaky {
        left: 20,
        interrupted: false,
    };
    let mut source = StreamSource::new(Box::new(shaky));
    let mut bytes = [0; 10];
    assert_eq!(source.read_at(5, &mut bytes).unwrap(), 10);
    assert_eq!(bytes, [7; 10]);
    let error = source.read_at(15, &mut bytes).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
    let error = source.read_at(30, &mut bytes).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
}

#[test]
fn a_window_over_a_pipe_keeps_what_the_pipe_cannot_give_again() {
    let bytes: Vec<u8> = (0..300_000u32).map(|n| n.to_le_bytes()[1]).collect();
    let mut window = Window::new(StreamSource::new(Box::new(Cursor::new(bytes.clone()))));
    for (offset, len) in [(0, 10), (0, 100_000), (70_000, 100_000), (169_999, 100_000)] {
        let held = window.bytes(offset as u64, len).unwrap();
        assert!(held == &bytes[offset..offset + len], "{len} at {offset}");
    }
}

#[test]
fn a_pipe_is_poured_from_where_nothing_was_taken_from_it() {
    let bytes: Vec<u8> = (0..40_000u32)
        .map(|n| n.to_le_bytes()[0] ^ n.to_le_bytes()[1])
        .collect();
    let (reader, mut writer) = std::io::pipe().unwrap();
    writer.write_all(&bytes[6..]).unwrap();
    drop(writer);
    let head = Cursor::new(bytes[..6].to_vec());
    let reader = std::fs::File::from(std::os::fd::OwnedFd::from(reader));
    let mut source = StreamSource::with_pipe(head, reader).unwrap();
    let path = temporary("poured", b"");
    let into = std::fs::File::options().append(true).open(&path).unwrap();
    let mut poured = Vec::new();
    // Offset and length, how many are poured, and from where on the next may be.
    for (offset, len, n, next) in [
        (0, 100, 0, 6),
        (5, 100, 0, 6),
        (6, 1000, 1000, 1006),
        (1000, 10, 0, 1006),
        (2000, 5000, 5000, 7000),
        (7000, 33_000, 33_000, 40_000),
        (40_000, 10, 0, 40_000),
    ] {
        assert_eq!(source.len(), None, "not read to its end: {offset}");
        assert_eq!(source.pour(offset, len, &into).unwrap(), n, "{offset}");
        assert_eq!(source.pours_from(), Some(next), "{offset}");
        let [from, n] = [offset, n].map(|n| usize::try_from(n).unwrap());
        poured.extend_from_slice(bytes.get(from..from + n).unwrap_or_default());
        assert!(std::fs::read(&path).unwrap() == poured, "{offset}");
    }
    assert_eq!(source.len(), Some(40_000));
    std::fs::remove_file(path).unwrap();
}

/// Threads of this process that read ahead.
fn readers() -> usize {
    let names = std::fs::read_dir("/proc/self/task")
        .unwrap()
        .filter_map(|thread| {
            // A thread may end meanwhile.
            std::fs::read_to_string(thread.unwrap().path().join("comm")).ok()
        });
    names.filter(|name| name.trim() == "read-ahead").count()
}

#[test]
fn nobody_reads_ahead_for_a_source_that_is_gone() {
    let path = temporary("long", b"");
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    file.set_len(64 << 20).unwrap();
    let mut window = Window::new(source::open(&path, 1).unwrap());
    for at in (0..8u64 << 20).step_by(1 << 15) {
        assert_eq!(window.bytes(at, 1 << 15).unwrap().len(), 1 << 15);
    }
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    assert_eq!(readers() > 0, processors > 1);
    drop(window);
    let start = std::time::Instant::now();
    while readers() > 0 {
        assert!(start.elapsed().as_secs() < 10, "they still wait");
        std::thread::yield_now();
    }
    std::fs::remove_file(path).unwrap();
}

/// A source of which a few bytes are at hand anywhere.
struct Sparse(SliceSource<Vec<u8>>);

impl Source for Sparse {
    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> std::io::Result<usize> {
        self.0.read_at(offset, buf)
    }
    fn len(&self) -> Option<u64> {
        self.0.len()
    }
    fn is_seekable(&self) -> bool {
        true
    }
    fn at_hand(&self, _: u64) -> Option<u64> {
        Some(10)
    }
}

#[test]
fn a_source_with_little_at_hand_is_read_as_any_other() {
    for name in ["tour-r17-arm", "tour-r17-s390x", "sensor-r18-arm"] {
        let bytes = (ckpt_samples::get(name).unwrap().bytes)();
        let mut heads = [Vec::new(), Vec::new()];
        let plain = SliceSource(bytes.clone());
        let sources: [Box<dyn Source>; 2] = [Box::new(plain), Box::new(Sparse(SliceSource(bytes)))];
        for (source, heads) in sources.into_iter().zip(&mut heads) {
            let mut decoder = Decoder::new(source, Options::default()).unwrap();
            while let Some(event) = decoder.next() {
                heads.push((event.unwrap(), decoder.head().to_vec()));
            }
        }
        let [plain, sparse] = heads;
        assert!(plain == sparse, "{name}");
    }
}

#[test]
fn who_reads_in_long_steps_is_given_what_was_read_ahead_of_each() {
    let mut bytes = vec![0; 24 << 20];
    for (n, block) in bytes.chunks_mut(4096).enumerate() {
        block.fill(n.to_le_bytes()[0]);
    }
    let path = temporary("steps", &bytes);
    let mut file = source::open(&path, 1).unwrap();
    let mut spare = Vec::new();
    // Three reads are a row.
    let given = (0..3).map(|_| file.ahead(0, &mut spare).unwrap()).last();
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    assert_eq!(given.unwrap().is_some(), processors > 1);
    if processors > 1 {
        for at in (0..24 << 20).step_by(2 << 20).skip(1) {
            let ahead = file.ahead(at, &mut spare).unwrap().unwrap();
            assert!((ahead.offset..ahead.offset + ahead.len as u64).contains(&at));
            let from = usize::try_from(ahead.offset).unwrap();
            let given = &spare[ahead.begin..ahead.begin + ahead.len];
            assert!(given == &bytes[from..from + ahead.len], "{at}");
        }
        assert_eq!(file.ahead(24 << 20, &mut spare).unwrap(), None);
    }
    std::fs::remove_file(path).unwrap();
}
