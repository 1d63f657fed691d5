//! Packed images and pipes give what the plain file gives.

use ckpt_parser::decoder::{Decoder, Options};
use ckpt_parser::report::lines::write_lines;
use ckpt_parser::source::{self, SliceSource, Source, StreamSource};
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
    for name in ["zst", "gz", "xz"] {
        let path = temporary(name, &packed(name, plain));
        let opened = source::open(&path, 4096).unwrap();
        assert_eq!(lines(opened), expected, "{name}");
        std::fs::remove_file(path).unwrap();
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
