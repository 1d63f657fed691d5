//! Framing: where records begin and end (§1.1), and how to go on behind damage.
//!
//! The [`Framer`] does no I/O: it is shown bytes at its position and says what it found or what it
//! needs to see.

use crate::diagnostic::{Code, Diagnostic};
use crate::limits::Limits;
use crate::view::read_uint;
use ckpt_format::Order;
use nom::IResult;
use nom::bytes::streaming::take;

/// Bytes of a record header.
pub const HEADER_LEN: u64 = HEADER_SIZE as u64;
/// The same, for lengths of slices.
pub const HEADER_SIZE: usize = 8;
/// `type` of a HEADER record in every revision.
const HEADER: u32 = 1;
/// `HEADER.magic` (§1.5).
pub const HEAD_MAGIC: u64 = 0x00fe_ed0c_c0a2_d200;
/// `TAIL.magic` (§1.5).
pub const TAIL_MAGIC: u64 = 0x002d_2a0c_c0de_ef00;
/// `type` of a record that a raw page follows, if its length is [`FRAG_LEN`] (§1.3).
const SOCKET_FRAG: u32 = 704;
/// Length of a SOCKET_FRAG record. R01 to R03 use its number for SOCKET_UNIX, which is longer.
const FRAG_LEN: u32 = 16;
/// Page sizes that kernels were configured with, the likeliest first.
const PAGE_SIZES: [u32; 3] = [4096, 65536, 16384];

/// One record: its place in the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Frame {
    /// Offset of the header.
    pub offset: u64,
    /// Number as it stands in the header; [`Frame::GAP`] for bytes that belong to no record.
    pub number: u32,
    /// Bytes of the record, header included.
    pub len: u32,
    /// Bytes that follow without a header: the raw page behind SOCKET_FRAG.
    pub raw: u32,
}

impl Frame {
    /// `number` of bytes that belong to no record.
    pub const GAP: u32 = u32::MAX;

    /// Offset behind the record and what follows it raw.
    pub fn end(&self) -> u64 {
        self.offset
            .saturating_add(u64::from(self.len))
            .saturating_add(u64::from(self.raw))
    }
    /// Whether the bytes belong to no record.
    pub fn is_gap(&self) -> bool {
        self.number == Self::GAP
    }
}

/// What a step of the framer came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A record; the framer has moved behind it.
    Frame(Frame),
    /// The framer wants to see `len` bytes at `offset`, or fewer if the image ends there.
    Need {
        /// Where.
        offset: u64,
        /// How many.
        len: usize,
    },
    /// The image ends here, between records.
    End,
}

/// Finds records one after the other.
#[derive(Debug)]
pub struct Framer {
    order: Order,
    at: u64,
    index: u64,
    page_size: Option<u32>,
    limits: Limits,
    /// Where bytes of no record began; looking for a record since.
    gap: Option<u64>,
    /// The record at `gap`, if only its length is wrong: it may be the last, cut short.
    cut: Option<(u32, u32)>,
    seen_tail: bool,
    found: Vec<Diagnostic>,
    /// Length of the image, where it is known.
    image_len: Option<u64>,
}

/// Byte order of an image from the start of its HEADER, which may be damaged: magic or length may be
/// wrong, not both. `None` if it is no image.
pub fn byte_order_salvaged(head: &[u8]) -> Option<Order> {
    [Order::Little, Order::Big].into_iter().find(|order| {
        let Ok((rest, (number, len))) = header(*order, head) else {
            return false;
        };
        let magic = rest.get(..8).map(|magic| read_uint(magic, *order));
        number == HEADER && (magic == Some(HEAD_MAGIC) || len == 72)
    })
}

fn header(order: Order, bytes: &[u8]) -> IResult<&[u8], (u32, u32)> {
    // Once for each record of an image: two loads, where nom's own integers go byte by byte.
    let (rest, word) = take(HEADER_SIZE)(bytes)?;
    let (number, len) = word.split_at_checked(4).unwrap_or_default();
    let uint = |bytes| (read_uint(bytes, order) & 0xffff_ffff) as u32;
    Ok((rest, (uint(number), uint(len))))
}

/// Whether a number is one of a record in any revision (§3.1).
fn is_known_number(number: u32) -> bool {
    matches!(number, 1..=8 | 101..=118 | 201..=203 | 301..=308 | 401..=405 | 451 | 501..=507
        | 601..=604 | 701..=709 | 801 | 9001 | 9999)
}

/// Whether a header could stand in an image: known number, and a length that no rule forbids.
fn is_plausible(number: u32, len: u32) -> bool {
    let short = matches!(
        number,
        4 | 5 | 7 | 201 | 202 | 303 | 305 | 601 | 604 | 709 | 117 | 116 | 115
    );
    is_known_number(number) && len >= 8 && (short || len <= 4096)
}

impl Framer {
    /// A framer at the start of an image.
    pub fn new(order: Order, image_len: Option<u64>, limits: Limits) -> Self {
        Framer {
            order,
            at: 0,
            index: 0,
            page_size: None,
            limits,
            gap: None,
            cut: None,
            seen_tail: false,
            found: Vec::new(),
            image_len,
        }
    }
    /// Sets the page size, which decides how long the raw page behind SOCKET_FRAG is.
    pub fn set_page_size(&mut self, page_size: u32) {
        self.page_size = Some(page_size);
    }
    /// Number of the next record.
    pub fn index(&self) -> u64 {
        self.index
    }
    /// Offset of the next record.
    pub fn offset(&self) -> u64 {
        self.at
    }
    /// Goes on at a record boundary that is known from an earlier walk.
    pub fn resume(&mut self, offset: u64, index: u64) {
        self.at = offset;
        self.index = index;
        self.gap = None;
        self.cut = None;
        self.seen_tail = false;
    }
    /// Findings since the last call.
    pub fn take_found(&mut self) -> Vec<Diagnostic> {
        std::mem::take(&mut self.found)
    }

    /// One step. `bytes` is what the source has at `offset`; fewer than were needed means the
    /// image ends there.
    pub fn step(&mut self, offset: u64, bytes: &[u8]) -> Step {
        if self.seen_tail {
            return self.behind_tail(offset, bytes);
        }
        if let Some(start) = self.gap {
            return self.search(start, offset, bytes);
        }
        if offset != self.at {
            return Step::Need {
                offset: self.at,
                len: HEADER_SIZE,
            };
        }
        match header(self.order, bytes) {
            Ok((_, (number, len))) => self.record(number, len),
            Err(_) => self.end(bytes),
        }
    }

    fn record(&mut self, number: u32, len: u32) -> Step {
        let end = self.at.saturating_add(u64::from(len));
        let too_long = len > self.limits.payload_len;
        if len < 8 || too_long {
            return self.damaged(number, len);
        }
        if let Some(image_len) = self.image_len
            && end > image_len
        {
            return self.beyond_end(number, len);
        }
        let raw = if number == SOCKET_FRAG && len == FRAG_LEN {
            self.page_size.unwrap_or(4096)
        } else {
            0
        };
        let frame = Frame {
            offset: self.at,
            number,
            len,
            raw,
        };
        let step = self.take(frame);
        match self.image_len {
            // The page behind the record is cut.
            Some(image_len) if frame.end() > image_len => {
                Step::Frame(self.cut(frame, image_len.saturating_sub(frame.offset)))
            }
            _ => step,
        }
    }

    fn take(&mut self, frame: Frame) -> Step {
        self.at = frame.end();
        self.index = self.index.saturating_add(1);
        if frame.number == 9001 && !frame.is_gap() {
            self.seen_tail = true;
        }
        Step::Frame(frame)
    }

    /// A length beyond the end: either the image is cut in this record, or the length lies.
    ///
    /// If records follow, the length lies; the search decides.
    fn beyond_end(&mut self, number: u32, len: u32) -> Step {
        if !is_plausible(number, len) {
            return self.damaged(number, len);
        }
        self.cut = Some((number, len));
        self.gap = Some(self.at);
        Step::Need {
            offset: self.at.saturating_add(HEADER_LEN),
            len: SEARCH_LEN,
        }
    }

    fn truncated(&mut self, number: u32, len: u32, have: u64) -> Step {
        let found = format!("{have} of {len} bytes");
        self.found
            .push(Diagnostic::new(Code::Truncated, self.at, self.index, "", found).len(have));
        let len = u32::try_from(have).unwrap_or(len).min(len);
        self.take(Frame {
            offset: self.at,
            number,
            len,
            raw: 0,
        })
    }

    /// Tells the framer that the source ended inside the last record it returned; `have` bytes of
    /// it are there. For streams, whose length is not known in advance. The record as far as it goes.
    pub fn cut(&mut self, frame: Frame, have: u64) -> Frame {
        self.at = frame.offset.saturating_add(have);
        // Of a record that is cut itself nobody knows whether a page would follow.
        let raw = if have < u64::from(frame.len) {
            0
        } else {
            frame.raw
        };
        let whole = u64::from(frame.len).saturating_add(u64::from(raw));
        let found = format!("{have} of {whole} bytes");
        let index = self.index.saturating_sub(1);
        self.found
            .push(Diagnostic::new(Code::Truncated, frame.offset, index, "", found).len(have));
        let len = u32::try_from(have).unwrap_or(u32::MAX).min(frame.len);
        let raw = u32::try_from(have.saturating_sub(u64::from(len))).unwrap_or(0);
        Frame { len, raw, ..frame }
    }

    fn damaged(&mut self, number: u32, len: u32) -> Step {
        self.report_damage(number, len);
        self.gap = Some(self.at);
        Step::Need {
            offset: self.at.saturating_add(1),
            len: SEARCH_LEN,
        }
    }

    fn report_damage(&mut self, number: u32, len: u32) {
        let found = format!("type {number}, length {len}");
        let expected = match self.image_len {
            Some(end) => format!("8 to {}", end.saturating_sub(self.at)),
            None => "at least 8".to_owned(),
        };
        let diagnostic = Diagnostic::new(Code::BadLength, self.at, self.index, "", found);
        self.found.push(diagnostic.expected(expected));
    }

    /// Looks for two plausible headers in a row.
    fn search(&mut self, start: u64, offset: u64, bytes: &[u8]) -> Step {
        let ended = bytes.len() < SEARCH_LEN;
        let mut skip = 0usize;
        while let Some(rest) = bytes.get(skip..).filter(|rest| rest.len() >= 16) {
            match self.is_start(rest) {
                Some(true) => return self.close_gap(start, offset.saturating_add(skip as u64)),
                // Its successor lies outside of what is shown: it is looked at again with more behind it.
                None if skip > 0 && !ended => break,
                _ => skip = skip.saturating_add(1),
            }
        }
        let next = offset.saturating_add(skip as u64);
        let too_far = next.saturating_sub(start) > self.limits.resync;
        if ended || too_far {
            let end = self
                .image_len
                .unwrap_or_else(|| offset.saturating_add(bytes.len() as u64));
            return self.close_gap(start, end);
        }
        Step::Need {
            offset: next,
            len: SEARCH_LEN,
        }
    }

    /// Whether a record begins here: its header is plausible, and so is the next one if it can be
    /// seen. Bytes that are zero or text hardly ever pass both.
    fn is_start(&self, bytes: &[u8]) -> Option<bool> {
        let (_, (number, len)) = header(self.order, bytes).ok()?;
        if !is_plausible(number, len) {
            return Some(false);
        }
        if number == 9001 {
            return Some(len == 16);
        }
        let next = bytes.get(len as usize..)?;
        let (_, (number, len)) = header(self.order, next).ok()?;
        Some(is_plausible(number, len))
    }

    fn close_gap(&mut self, start: u64, end: u64) -> Step {
        self.gap = None;
        if let Some((number, len)) = self.cut.take() {
            self.at = start;
            if Some(end) == self.image_len {
                return self.truncated(number, len, end.saturating_sub(start));
            }
            self.report_damage(number, len);
        }
        self.gap_frame(start, end)
    }

    fn gap_frame(&mut self, start: u64, end: u64) -> Step {
        let len = end.saturating_sub(start);
        let now = u32::try_from(len).unwrap_or(u32::MAX);
        self.at = start;
        self.take(Frame {
            offset: start,
            number: Frame::GAP,
            len: now,
            raw: 0,
        })
    }

    fn behind_tail(&mut self, offset: u64, bytes: &[u8]) -> Step {
        if offset != self.at {
            return Step::Need {
                offset: self.at,
                len: SEARCH_LEN,
            };
        }
        if bytes.is_empty() {
            return Step::End;
        }
        let len = match self.image_len {
            Some(end) => end.saturating_sub(self.at),
            None => bytes.len() as u64,
        };
        if len == 0 {
            return Step::End;
        }
        let found = format!("{len} bytes");
        self.found
            .push(Diagnostic::new(Code::AfterTail, self.at, self.index, "", found).len(len));
        self.gap_frame(self.at, self.at.saturating_add(len))
    }

    /// Fewer than eight bytes are left.
    fn end(&mut self, bytes: &[u8]) -> Step {
        if bytes.is_empty() {
            return Step::End;
        }
        let len = bytes.len() as u64;
        let found = format!("{len} of 8 header bytes");
        self.found
            .push(Diagnostic::new(Code::Truncated, self.at, self.index, "", found).len(len));
        self.gap_frame(self.at, self.at.saturating_add(len))
    }

    /// The page size that makes sense behind a SOCKET_FRAG, from the bytes that follow it.
    pub fn guess_page_size(&self, follows: &[u8]) -> Option<u32> {
        PAGE_SIZES.into_iter().find(|size| {
            let next = follows.get(*size as usize..).unwrap_or_default();
            matches!(header(self.order, next), Ok((_, (number, len))) if is_plausible(number, len))
        })
    }
}

/// How many bytes a search looks at in one step.
pub const SEARCH_LEN: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use ckpt_format::layout::RecordLayout;
    use ckpt_format::{Arch, Dialect, Revision, Tables, Tag};
    use std::collections::BTreeSet;

    fn le(number: u32, len: u32, payload: usize) -> Vec<u8> {
        let mut bytes = [number.to_le_bytes(), len.to_le_bytes()].concat();
        bytes.resize(bytes.len() + payload, 0);
        bytes
    }

    fn walk(image: &[u8], limits: &Limits) -> (Vec<Frame>, Vec<Code>) {
        let mut framer = Framer::new(Order::Little, Some(image.len() as u64), limits.clone());
        let (mut offset, mut len) = (0u64, 8usize);
        let mut frames = Vec::new();
        let mut codes = Vec::new();
        loop {
            let start = usize::try_from(offset).unwrap().min(image.len());
            let bytes = &image[start..(start + len).min(image.len())];
            match framer.step(offset, bytes) {
                Step::Frame(frame) => frames.push(frame),
                Step::Need { offset: o, len: l } => (offset, len) = (o, l),
                Step::End => break,
            }
            codes.extend(framer.take_found().iter().map(|d| d.code));
        }
        (frames, codes)
    }

    fn check(image: &[u8], lens: &[(u32, u32)], codes: &[Code]) {
        check_within(&Limits::default(), image, lens, codes);
    }

    fn check_within(limits: &Limits, image: &[u8], lens: &[(u32, u32)], codes: &[Code]) {
        let (frames, found) = walk(image, limits);
        let have: Vec<_> = frames.iter().map(|f| (f.number, f.len + f.raw)).collect();
        assert_eq!(have, lens);
        assert_eq!(found, codes);
        assert_eq!(
            frames
                .iter()
                .map(|f| u64::from(f.len) + u64::from(f.raw))
                .sum::<u64>(),
            image.len() as u64
        );
    }

    #[test]
    fn records_follow_each_other_without_padding() {
        check(
            &[le(4, 13, 5), le(3, 8, 0)].concat(),
            &[(4, 13), (3, 8)],
            &[],
        );
    }

    #[test]
    fn a_raw_page_follows_a_fragment() {
        check(
            &[le(704, 16, 8 + 4096), le(3, 8, 0)].concat(),
            &[(704, 4112), (3, 8)],
            &[],
        );
    }

    #[test]
    fn socket_unix_of_early_revisions_has_the_same_number_and_no_page() {
        check(
            &[le(704, 256, 248), le(3, 8, 0)].concat(),
            &[(704, 256), (3, 8)],
            &[],
        );
    }

    #[test]
    fn a_bad_length_becomes_a_gap_up_to_the_next_two_records() {
        let image = [le(4, 3, 0), vec![0xaa; 5], le(6, 16, 8), le(3, 8, 0)].concat();
        check(
            &image,
            &[(Frame::GAP, 13), (6, 16), (3, 8)],
            &[Code::BadLength],
        );
    }

    #[test]
    fn a_cut_record_is_kept() {
        check(&le(4, 100, 20), &[(4, 28)], &[Code::Truncated]);
        check(&[1, 2, 3], &[(Frame::GAP, 3)], &[Code::Truncated]);
    }

    #[test]
    fn bytes_behind_tail_are_kept() {
        check(
            &[le(9001, 16, 8), vec![7; 3]].concat(),
            &[(9001, 16), (Frame::GAP, 3)],
            &[Code::AfterTail],
        );
    }

    #[test]
    fn an_image_is_known_by_what_damage_left_of_its_header() {
        let check = |number: u32, len: u32, magic: u64, is_image: bool| {
            let little = [
                &number.to_le_bytes()[..],
                &len.to_le_bytes(),
                &magic.to_le_bytes(),
            ]
            .concat();
            let big = [
                &number.to_be_bytes()[..],
                &len.to_be_bytes(),
                &magic.to_be_bytes(),
            ]
            .concat();
            let seen = [&little, &big].map(|head| byte_order_salvaged(head));
            let both = [Order::Little, Order::Big].map(|order| is_image.then_some(order));
            assert_eq!(seen, both, "{number} {len} {magic:#x}");
        };
        check(1, 72, HEAD_MAGIC, true);
        check(1, 3, HEAD_MAGIC, true);
        check(1, 72, 0, true);
        check(1, 3, 0, false);
        check(2, 72, HEAD_MAGIC, false);
        check(2, 3, HEAD_MAGIC, false);
        assert_eq!(byte_order_salvaged(&[1, 0, 0, 0, 72, 0, 0]), None);
    }

    /// The number of every record of every dialect, and whether it may be of any length.
    fn records() -> impl Iterator<Item = (u32, bool)> {
        let dialects = Revision::all().flat_map(|r| Arch::ALL.map(|arch| Dialect::new(r, arch)));
        dialects.flat_map(|dialect| {
            let tables = Tables::shared(dialect);
            // A thread has three descriptors of its own at most.
            let may_be_long = |record: &RecordLayout| {
                record.tag() != Tag::Thread
                    && (record.record.payload
                        || record.variants().any(|(_, of)| of.tail().is_some()))
            };
            let of_one = |record: &RecordLayout| (record.number, may_be_long(record));
            tables.records().map(of_one).collect::<Vec<_>>()
        })
    }

    #[test]
    fn behind_damage_every_record_is_looked_for_and_nothing_else() {
        let numbers: BTreeSet<u32> = records().map(|(number, _)| number).collect();
        let known: BTreeSet<u32> = (0..20_000).filter(|n| is_known_number(*n)).collect();
        assert_eq!(known, numbers);
        for (number, may_be_long) in records() {
            assert!(!is_plausible(number, 7), "{number}");
            assert!(is_plausible(number, 4096), "{number}");
            if may_be_long {
                assert!(is_plausible(number, 1 << 20), "{number}");
            }
        }
        assert!(!is_plausible(402, 4097), "a mapping");
    }

    /// A record of 3 bytes, which no record has, and what follows it.
    fn damaged(follows: &[Vec<u8>]) -> Vec<u8> {
        [le(4, 3, 0), follows.concat()].concat()
    }

    #[test]
    fn what_looks_like_a_record_begins_one_only_before_another() {
        let two = [le(6, 16, 8), le(3, 8, 0)];
        let found = |gap| [(Frame::GAP, gap), (6, 16), (3, 8)];
        for no_record in [
            le(6, 16, 8),
            le(4242, 16, 8),
            [le(4242, 16, 8), vec![0xaa; 3]].concat(),
            le(402, 5000, 4992),
        ] {
            let gap = 8 + 8 + u32::try_from(no_record.len()).unwrap();
            let image = damaged(&[&[no_record, vec![0xaa; 8]], &two[..]].concat());
            check(&image, &found(gap), &[Code::BadLength]);
        }
        // TAIL is the last.
        let image = damaged(&[vec![0xaa; 5], le(9001, 16, 8)]);
        check(&image, &[(Frame::GAP, 13), (9001, 16)], &[Code::BadLength]);
    }

    #[test]
    fn a_length_beyond_the_end_is_a_lie_if_records_follow() {
        let image = [le(4, 5000, 20), le(6, 16, 8), le(3, 8, 0)].concat();
        let found = [(Frame::GAP, 28), (6, 16), (3, 8)];
        check(&image, &found, &[Code::BadLength]);
        check(&le(4, 100, 0), &[(4, 8)], &[Code::Truncated]);
    }

    #[test]
    fn a_payload_may_be_as_long_as_the_limit_says() {
        let limits = Limits {
            payload_len: 100,
            ..Limits::default()
        };
        let image = |len: u32| [le(4, len, len as usize - 8), le(6, 16, 8), le(3, 8, 0)].concat();
        let fits = [(4, 100), (6, 16), (3, 8)];
        check_within(&limits, &image(100), &fits, &[]);
        let too_long = [(Frame::GAP, 101), (6, 16), (3, 8)];
        check_within(&limits, &image(101), &too_long, &[Code::BadLength]);
    }

    #[test]
    fn records_are_looked_for_as_far_as_the_limit_says() {
        let image = damaged(&[vec![0xaa; 150_000], le(6, 16, 8), le(3, 8, 0)]);
        let found = [(Frame::GAP, 150_008), (6, 16), (3, 8)];
        let lost = [(Frame::GAP, 150_032)];
        for (resync, lens) in [(0, &lost[..]), (100_000, &lost), (200_000, &found)] {
            let limits = Limits {
                resync,
                ..Limits::default()
            };
            check_within(&limits, &image, lens, &[Code::BadLength]);
        }
    }

    #[test]
    fn a_record_is_found_wherever_the_search_meets_it() {
        for before in [57_300, 57_335, 57_336, 57_337, 62_000, 65_525, 65_530] {
            for len in [16, 8_000, 9_000, 65_000] {
                let record = le(5, len, len as usize - 8);
                let image = damaged(&[vec![0xaa; before], record, le(3, 8, 0), vec![7; 16]]);
                let (frames, _) = walk(&image, &Limits::default());
                assert_eq!(frames[1].number, 5, "{len} bytes behind {before}");
            }
        }
    }

    #[test]
    fn the_page_behind_a_fragment_is_as_long_as_a_kernel_had_pages() {
        let framer = Framer::new(Order::Little, None, Limits::default());
        for page in [4096, 16384, 65536] {
            let follows = [vec![0; page], le(704, 16, 8)].concat();
            let guessed = framer.guess_page_size(&follows);
            assert_eq!(guessed, u32::try_from(page).ok());
        }
        assert_eq!(framer.guess_page_size(&vec![0; 70_000]), None);
    }
}
