//! What the fuzz targets do with their bytes. Ordinary tests call the same functions with the
//! samples, with files that once broke something, and with a few thousand mutations of their own.

pub mod foreign;
mod mutate;
mod streams;

pub use mutate::mutate;
pub use streams::{check, document, text, upgrade};

use crate::source::pipe;
use ckpt_parser::decoder::{Decoder, Event, Options};
use ckpt_parser::diagnostic::Findings;
use ckpt_parser::encode::rebuild;
use ckpt_parser::frame::{Frame, Framer, Step, byte_order_salvaged};
use ckpt_parser::limits::{Limits, Policy};
use ckpt_parser::memory::{Memory, spans};
use ckpt_parser::source::{SliceSource, Source};
use ckpt_parser::view::View;
use std::io;

/// A target: its name and what it does.
pub type Target = (&'static str, fn(&[u8]));

/// Every target. The files of `tests/fuzz/fuzz_targets` have the same names.
pub const TARGETS: &[Target] = &[
    ("frames", frames),
    ("decode", decode),
    ("image", image),
    ("roundtrip", roundtrip),
    ("text", text),
    ("document", document),
    ("upgrade", upgrade),
    ("criu", foreign::criu),
    ("core", foreign::core),
    ("check", check),
];

/// Frames tile the bytes, in order and without end.
pub fn frames(bytes: &[u8]) {
    let len = bytes.len() as u64;
    let Some(order) = byte_order_salvaged(bytes) else {
        return;
    };
    let mut framer = Framer::new(order, Some(len), Limits::default());
    let mut end = 0;
    for frame in walk(&mut framer, bytes) {
        assert_eq!(frame.offset, end, "a hole before {frame:?}");
        assert!(frame.end() > end, "an empty frame: {frame:?}");
        end = frame.end();
    }
    assert!(end >= len, "nobody has the bytes from {end} on");
}

fn walk(framer: &mut Framer, bytes: &[u8]) -> Vec<Frame> {
    let (mut offset, mut len) = (0, 8);
    let mut found = Vec::new();
    loop {
        let start = usize::try_from(offset)
            .unwrap_or(usize::MAX)
            .min(bytes.len());
        let shown = &bytes[start..(start + len).min(bytes.len())];
        match framer.step(offset, shown) {
            Step::Need { offset: o, len: l } => (offset, len) = (o, l),
            Step::Frame(frame) => {
                found.push(frame);
                (offset, len) = (framer.offset(), 8);
            }
            Step::End => return found,
        }
    }
}

/// Events tile the bytes; records rebuilt from their values are the same.
pub fn decode(bytes: &[u8]) {
    let Ok(mut decoder) = Decoder::new(SliceSource(bytes), Options::default()) else {
        return;
    };
    let (mut end, mut index) = (0, 0);
    while let Some(event) = decoder.next() {
        let event = event.expect("bytes in memory cannot fail");
        assert_eq!((event.frame.offset, event.index), (end, index), "{event:?}");
        (end, index) = (event.frame.end(), index + 1);
        if let Some(view) = decoder.view() {
            assert!(view.bytes.len() <= event.frame.len as usize, "{event:?}");
            check_rebuilt(&event, &view);
        }
    }
    check_places(decoder.findings(), bytes.len());
}

/// The length of a record that was cut short is what is there, not what its header says.
fn check_rebuilt(event: &Event, view: &View) {
    let mut rebuilt = view.bytes.to_vec();
    rebuild(&event.frame, view, &mut rebuilt);
    assert_eq!(rebuilt.get(8..), view.bytes.get(8..), "{event:?}");
}

fn check_places(findings: &Findings, len: usize) {
    for diagnostic in findings.kept() {
        assert!(diagnostic.offset <= len as u64, "{diagnostic}");
    }
}

/// The model, its validation, and memory by address.
pub fn image(bytes: &[u8]) {
    let crate::Answer::Image(image) = crate::read_bytes(bytes) else {
        return;
    };
    let mut memory = Memory::new(&image, SliceSource(bytes));
    for mm in image.mms.values().take(8) {
        let mut end = 0;
        for span in spans(&image, mm, 0, u64::MAX).take(10_000) {
            assert_eq!(span.addr, end, "spans leave a hole");
            assert!(span.len > 0, "an empty span");
            end = span.end();
        }
        let first = mm.vmas.first().map_or(0, |vma| vma.start);
        let mut buf = [0; 100];
        memory
            .read(mm, first.wrapping_sub(50), &mut buf)
            .expect("bytes in memory");
        let mut found = 0;
        memory
            .search(mm, b"/lib", |_| {
                found += 1;
                found < 1000
            })
            .expect("bytes in memory");
    }
}

/// A pipe gives the events of a slice without fault, and takes any other; strict reading agrees with the findings.
pub fn roundtrip(bytes: &[u8]) {
    let Ok((events, findings)) = events(SliceSource(bytes), Options::default()) else {
        return;
    };
    let strict = Options {
        policy: Policy::Strict,
        ..Options::default()
    };
    let refused = events_of(SliceSource(bytes), strict).is_err();
    assert_eq!(refused, findings.has_errors(), "{:?}", findings.kept());
    let piped = events_of(pipe(bytes.to_vec(), 4000), Options::default());
    if findings.worst().is_none() {
        let piped = piped.expect("a pipe of an image without fault");
        assert_eq!(piped, events, "a pipe gives other events");
    }
}

fn events_of(source: impl Source, options: Options) -> io::Result<Vec<Event>> {
    events(source, options).map(|(events, _)| events)
}

/// All events and findings.
///
/// # Errors
/// Those of the decoder.
pub fn events(source: impl Source, options: Options) -> io::Result<(Vec<Event>, Findings)> {
    let mut decoder = Decoder::new(source, options)?;
    let mut events = Vec::new();
    while let Some(event) = decoder.next() {
        events.push(event?);
    }
    let findings = decoder.findings().clone();
    Ok((events, findings))
}
