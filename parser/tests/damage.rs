//! What is said of damage, word by word, and how the parts are named that belong to no record.

use ckpt_parser::decoder::{Decoder, Options};
use ckpt_parser::frame::Frame;
use ckpt_parser::source::{SliceSource, Source, StreamSource};
use std::io::Cursor;

/// What reading a source finds, the names of its records, and where the last of them ends.
fn story(source: impl Source) -> (Vec<String>, Vec<&'static str>, u64) {
    let mut decoder = Decoder::new(source, Options::default()).unwrap();
    let (mut names, mut end) = (Vec::new(), 0);
    while let Some(event) = decoder.next() {
        let event = event.unwrap();
        names.push(event.name());
        end = event.frame.end();
    }
    let findings = decoder.findings().kept().iter().map(ToString::to_string);
    (findings.collect(), names, end)
}

#[test]
fn each_damage_is_told_once_and_in_these_words() {
    for (name, findings, stranger) in [
        (
            "short-length-r17-arm",
            &[
                "P002 at 0x64b (record 40): type 303, length 7, expected 8 to 7484",
                "P009 at 0x65d (FILE_DESC, record 41): FILE_DESC in its place, expected FILE_NAME",
            ][..],
            &["FILE", "(gap)", "FILE_DESC"],
        ),
        (
            "huge-length-r17-arm",
            &[
                "P002 at 0x957 (record 52): type 4, length 4294967280, expected 8 to 6704",
                "P009 at 0x1963 (PGARR, record 53): PGARR in its place, expected BUFFER",
            ],
            &["PGARR", "(gap)", "PGARR"],
        ),
        (
            "unknown-record-r17-arm",
            &["P004 at 0x6d7 (record 46): type 4242"],
            &["FILE_NAME", "(unknown)", "MM"],
        ),
    ] {
        let bytes = (ckpt_samples::get(name).unwrap().bytes)();
        let (found, names, _) = story(SliceSource(bytes));
        assert_eq!(found, findings, "{name}");
        assert!(names.windows(3).any(|around| around == stranger), "{name}");
        let strangers = names.iter().filter(|name| name.starts_with('('));
        assert_eq!(strangers.count(), 1, "{name}");
    }
}

#[test]
fn where_a_pipe_breaks_off_is_told_as_of_a_file() {
    let mut bytes = (ckpt_samples::get("tour-r17-arm").unwrap().bytes)();
    let frames = |bytes: &[u8]| {
        let mut decoder = Decoder::new(SliceSource(bytes), Options::default()).unwrap();
        let mut frames = Vec::new();
        while let Some(event) = decoder.next() {
            let event = event.unwrap();
            frames.push((event.name(), event.frame));
        }
        frames
    };
    // What detection takes of the pipe at once must not be all of it.
    let (_, task) = frames(&bytes)[12];
    let long = [4242u32, 100_000].map(u32::to_le_bytes).concat();
    let at = usize::try_from(task.end()).unwrap();
    bytes.splice(at..at, [long, vec![0; 99_992]].concat());
    let frames = frames(&bytes);
    let find = |wanted: &str, least: u32| {
        let of = |(name, frame): &&(&str, Frame)| {
            *name == wanted && frame.len >= least && frame.offset > 100_000
        };
        frames.iter().find(of).unwrap().1.offset
    };
    let [thread, group, fragment] = [
        find("THREAD", 0),
        find("BUFFER", 9000),
        find("SOCKET_FRAG", 0),
    ];
    for (record, have, of, is_seen) in [
        (thread, 20, 24, true),
        (group, 100, 16392, true),
        (group, 4100, 16392, true),
        // The contents of pages are not looked at, and what is behind a record has not been read when it is given out.
        (group, 5000, 16392, false),
        (fragment, 12, 16, true),
        (fragment, 2000, 4112, false),
    ] {
        let cut = bytes[..usize::try_from(record).unwrap() + have].to_vec();
        let end = cut.len() as u64;
        let (of_file, _, end_of_file) = story(SliceSource(&cut));
        let (of_pipe, _, end_of_pipe) = story(StreamSource::new(Box::new(Cursor::new(cut))));
        assert_eq!(end_of_file, end);
        assert_eq!(end_of_pipe == end, is_seen, "{have} of {of}");
        for told in [of_file, of_pipe] {
            let cut: Vec<_> = told
                .iter()
                .filter(|told| told.starts_with("P003"))
                .collect();
            let [cut] = cut.as_slice() else {
                panic!("{have} of {of}: {cut:?}");
            };
            assert!(cut.ends_with(&format!(": {have} of {of} bytes")), "{cut}");
        }
    }
}
