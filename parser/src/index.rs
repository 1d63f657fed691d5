//! Where every record is, without looking into them: one number kept for every 64 records.

use crate::detect::Detection;
use crate::diagnostic::Findings;
use crate::frame::{Frame, Framer, HEADER_SIZE, Step};
use crate::limits::Limits;
use crate::source::{Source, Window};
use std::collections::BTreeMap;
use std::io;

/// Records from one remembered offset to the next.
const STRIDE: u64 = 64;

/// Number and bytes of the records of a type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many.
    pub records: u64,
    /// Bytes they cover, with what follows them raw.
    pub bytes: u64,
}

/// Offsets of all records of an image.
#[derive(Clone, Debug)]
pub struct Index {
    marks: Vec<u64>,
    records: u64,
    len: u64,
    tallies: BTreeMap<u32, Tally>,
    detection: Detection,
    limits: Limits,
    image_len: Option<u64>,
}

impl Index {
    /// Walks an image whose dialect is known. Findings of framing go to `findings`.
    ///
    /// # Errors
    /// Those of the source.
    pub fn build<S: Source>(
        window: &mut Window<S>,
        detection: &Detection,
        limits: &Limits,
        findings: &mut Findings,
    ) -> io::Result<Index> {
        let mut index = Index {
            marks: Vec::new(),
            records: 0,
            len: 0,
            tallies: BTreeMap::new(),
            detection: detection.clone(),
            limits: limits.clone(),
            image_len: window.source().len(),
        };
        let mut framer = index.framer();
        let mut last = (Frame::GAP, Tally::default());
        while let Some(frame) = next(window, &mut framer)? {
            if index.records.is_multiple_of(STRIDE) {
                index.marks.push(frame.offset);
            }
            index.records = index.records.saturating_add(1);
            index.len = frame.end();
            if frame.number != last.0 {
                index.add(last);
                last = (frame.number, Tally::default());
            }
            last.1.records = last.1.records.saturating_add(1);
            last.1.bytes = last
                .1
                .bytes
                .saturating_add(frame.end().saturating_sub(frame.offset));
            framer
                .take_found()
                .into_iter()
                .for_each(|finding| findings.push(finding));
            if index.records >= limits.frames {
                break;
            }
        }
        index.add(last);
        Ok(index)
    }

    fn framer(&self) -> Framer {
        let order = self.detection.dialect.abi.order;
        let mut framer = Framer::new(order, self.image_len, self.limits.clone());
        framer.set_page_size(self.detection.page_size);
        framer
    }

    fn add(&mut self, (number, tally): (u32, Tally)) {
        if tally.records > 0 {
            let sum = self.tallies.entry(number).or_default();
            sum.records = sum.records.saturating_add(tally.records);
            sum.bytes = sum.bytes.saturating_add(tally.bytes);
        }
    }

    /// Number of records.
    pub fn records(&self) -> u64 {
        self.records
    }
    /// Bytes of the image.
    pub fn len(&self) -> u64 {
        self.len
    }
    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.records == 0
    }
    /// Records and bytes by record number ([`Frame::GAP`] for bytes of no record).
    pub fn tallies(&self) -> impl Iterator<Item = (u32, Tally)> + '_ {
        self.tallies.iter().map(|(number, tally)| (*number, *tally))
    }
    /// The frames from record `first` on, at most `count`.
    ///
    /// # Errors
    /// Those of the source.
    pub fn frames<S: Source>(
        &self,
        window: &mut Window<S>,
        first: u64,
        count: usize,
    ) -> io::Result<Vec<Frame>> {
        let slot = usize::try_from(first.checked_div(STRIDE).unwrap_or(0)).unwrap_or(usize::MAX);
        let Some(mark) = self.marks.get(slot) else {
            return Ok(Vec::new());
        };
        let mut framer = self.framer();
        let mut at = first.saturating_sub(first.checked_rem(STRIDE).unwrap_or(0));
        framer.resume(*mark, at);
        let mut frames = Vec::with_capacity(count.min(4096));
        while frames.len() < count {
            let Some(frame) = next(window, &mut framer)? else {
                break;
            };
            if at >= first {
                frames.push(frame);
            }
            at = at.saturating_add(1);
        }
        Ok(frames)
    }
}

fn next<S: Source>(window: &mut Window<S>, framer: &mut Framer) -> io::Result<Option<Frame>> {
    let (mut offset, mut len) = (framer.offset(), HEADER_SIZE);
    loop {
        match framer.step(offset, window.bytes(offset, len)?) {
            Step::Need { offset: o, len: l } => (offset, len) = (o, l),
            Step::Frame(frame) => return Ok(Some(frame)),
            Step::End => return Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decoder::{Decoder, Options};
    use crate::source::SliceSource;

    #[test]
    fn frames_are_those_that_the_decoder_sees_from_any_record_on() {
        let bytes = ckpt_samples::EMBEDDED;
        let mut decoder = Decoder::new(SliceSource(bytes), Options::default()).unwrap();
        let mut all = Vec::new();
        while let Some(event) = decoder.next() {
            all.push(event.unwrap().frame);
        }
        let mut window = Window::new(SliceSource(bytes));
        let mut findings = Findings::new(10);
        let index = Index::build(
            &mut window,
            decoder.detection(),
            &Limits::default(),
            &mut findings,
        )
        .unwrap();
        assert_eq!(index.records(), all.len() as u64);
        assert!(!index.is_empty());
        let mut tallies: BTreeMap<u32, Tally> = BTreeMap::new();
        for frame in &all {
            let tally = tallies.entry(frame.number).or_default();
            tally.records += 1;
            tally.bytes += frame.end() - frame.offset;
        }
        assert!(index.tallies().eq(tallies));
        assert_eq!(index.len(), bytes.len() as u64);
        for first in [0, 1, 63, 64, 65, 200] {
            let frames = index.frames(&mut window, first as u64, 70).unwrap();
            assert_eq!(frames, all[first..(first + 70).min(all.len())]);
        }
        let mut nothing = Window::new(SliceSource([]));
        let (detection, limits) = (decoder.detection(), Limits::default());
        let index = Index::build(&mut nothing, detection, &limits, &mut findings).unwrap();
        assert!(index.is_empty() && index.tallies().next().is_none());
    }
}
