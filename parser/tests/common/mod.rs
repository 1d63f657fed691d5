//! Samples, as they are and with something changed, and what is said of them.

#![expect(dead_code, reason = "each test program uses a part of it")]

use ckpt_format::Dialect;
use ckpt_format::layout::Layout;
use ckpt_parser::decoder::{Decoder, Event, Options};
use ckpt_parser::encode::put_element;
use ckpt_parser::model::{Image, validate};
use ckpt_parser::report::lines::write_lines;
use ckpt_parser::report::outline::write_outline;
use ckpt_parser::source::SliceSource;
use std::ops::Range;

pub(crate) fn bytes(sample: &str) -> Vec<u8> {
    (ckpt_samples::get(sample).unwrap().bytes)()
}

pub(crate) fn decoder(bytes: &[u8]) -> Decoder<SliceSource<&[u8]>> {
    Decoder::new(SliceSource(bytes), Options::default()).unwrap()
}

pub(crate) fn image(bytes: &[u8]) -> Image {
    Image::read(&mut decoder(bytes), |_| true).unwrap()
}

/// All that is found wrong, as it is told.
pub(crate) fn findings(bytes: &[u8]) -> Vec<String> {
    let mut image = image(bytes);
    let found = validate(&image, 100);
    image.findings.extend(found);
    let kept = image.findings.kept().iter();
    kept.map(ToString::to_string).collect()
}

pub(crate) fn outline(bytes: &[u8]) -> String {
    let mut out = Vec::new();
    write_outline(&mut decoder(bytes), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

pub(crate) fn lines(bytes: &[u8]) -> String {
    let mut out = Vec::new();
    write_lines(&mut decoder(bytes), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// Type and role of a record, as the outline names them: `BUFFER (pages)`.
pub(crate) fn name(event: &Event) -> String {
    match event.role().name() {
        "" => event.name().to_owned(),
        role => format!("{} ({role})", event.name()),
    }
}

/// A sample whose records can be changed. The n-th record of a name is that of the sample as it was.
#[derive(Clone)]
pub(crate) struct Changed {
    bytes: Vec<u8>,
    dialect: Dialect,
    records: Vec<(String, Range<usize>, Option<Layout>)>,
}

impl Changed {
    pub(crate) fn new(sample: &str) -> Self {
        let bytes = bytes(sample);
        let mut decoder = decoder(&bytes);
        let dialect = decoder.tables().dialect;
        let mut records = Vec::new();
        while let Some(event) = decoder.next() {
            let event = event.unwrap();
            let [from, to] =
                [event.frame.offset, event.frame.end()].map(|at| usize::try_from(at).unwrap());
            records.push((name(&event), from..to, decoder.layout().cloned()));
        }
        Changed {
            bytes,
            dialect,
            records,
        }
    }

    fn place(&self, name: &str, n: usize) -> usize {
        let mut places = (0..self.records.len()).filter(|at| self.records[*at].0 == name);
        let place = places.nth(n);
        place.unwrap_or_else(|| panic!("no {name} {n}"))
    }

    /// Gives a field another value; `array.field` is that of the first structure of an array.
    pub(crate) fn set(mut self, name: &str, n: usize, field: &str, value: u64) -> Self {
        let (_, range, layout) = &self.records[self.place(name, n)];
        let layout = layout.as_ref().unwrap();
        let nested = || {
            let (array, field) = field.split_once('.')?;
            let array = layout.named(array)?;
            let slot = array.inner.as_ref()?.named(field)?;
            Some((usize::try_from(array.offset).unwrap(), slot))
        };
        let plain = layout.named(field).map(|slot| (0, slot));
        let (base, slot) = plain
            .or_else(nested)
            .unwrap_or_else(|| panic!("no {field} in {name}"));
        let bytes = &mut self.bytes[range.start + base..range.end];
        put_element(bytes, slot, 0, value, self.dialect);
        self
    }

    /// Writes over a record, counted from its start.
    pub(crate) fn write(mut self, name: &str, n: usize, at: usize, bytes: &[u8]) -> Self {
        let start = self.records[self.place(name, n)].1.start + at;
        self.bytes[start..start + bytes.len()].copy_from_slice(bytes);
        self
    }

    /// Takes records out, from the n-th of a name on.
    pub(crate) fn without(mut self, name: &str, n: usize, count: usize) -> Self {
        let first = self.place(name, n);
        let range = self.records[first].1.start..self.records[first + count - 1].1.end;
        self.splice(range, Vec::new());
        self
    }

    /// Puts bytes behind a record.
    pub(crate) fn with(mut self, name: &str, n: usize, bytes: &[u8]) -> Self {
        let end = self.records[self.place(name, n)].1.end;
        self.splice(end..end, bytes.to_vec());
        self
    }

    /// Cuts the image off behind a record.
    pub(crate) fn cut(mut self, name: &str, n: usize) -> Self {
        let end = self.records[self.place(name, n)].1.end;
        self.bytes.truncate(end);
        self
    }

    /// The bytes of a record.
    pub(crate) fn record(&self, name: &str, n: usize) -> Vec<u8> {
        self.bytes[self.records[self.place(name, n)].1.clone()].to_vec()
    }

    pub(crate) fn bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Puts bytes in the place of others; the records behind them move along.
    fn splice(&mut self, range: Range<usize>, bytes: Vec<u8>) {
        let (len, end) = (bytes.len(), range.end);
        let moved = |at: usize| {
            if at >= end {
                at + len - (end - range.start)
            } else {
                at
            }
        };
        for (_, place, _) in &mut self.records {
            *place = moved(place.start)..moved(place.end);
        }
        self.bytes.splice(range, bytes);
    }
}
