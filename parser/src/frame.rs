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

/// Byte order of an image from its first bytes; `None` if it is no image.
pub fn byte_order(head: &[u8]) -> Option<Order> {
    let number = head.get(..4)?;
    let magic = head.get(8..16)?;
    if number == HEADER.to_le_bytes() && magic == HEAD_MAGIC.to_le_bytes() {
        Some(Order::Little)
    } else if number == HEADER.to_be_bytes() && magic == HEAD_MAGIC.to_be_bytes() {
        Some(Order::Big)
    } else {
        None
    }
}

/// Byte order of an image whose HEADER may be damaged: what number and length say without magic.
pub fn byte_order_salvaged(head: &[u8]) -> Option<Order> {
    byte_order(head).or_else(|| {
        let plausible = |order: Order| {
            let (_, (number, len)) = header(order, head).ok()?;
            (number == HEADER && len == 72).then_some(order)
        };
        plausible(Order::Little).or_else(|| plausible(Order::Big))
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
pub fn is_known_number(number: u32) -> bool {
    matches!(number, 1..=8 | 101..=118 | 201..=203 | 301..=308 | 401..=405 | 451 | 501..=507
        | 601..=604 | 701..=709 | 9001 | 9999)
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
    /// Whether TAIL has been seen.
    pub fn seen_tail(&self) -> bool {
        self.seen_tail
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
    /// Whether there are findings to take.
    pub fn has_found(&self) -> bool {
        !self.found.is_empty()
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
        if len < 8 || too_long || (number == 0 && len == 0) {
            return self.damaged(number, len);
        }
        if let Some(image_len) = self.image_len
            && end > image_len
        {
            return self.beyond_end(number, len, image_len);
        }
        let raw = if number == SOCKET_FRAG && len == FRAG_LEN {
            self.page_size.unwrap_or(4096)
        } else {
            0
        };
        self.take(Frame {
            offset: self.at,
            number,
            len,
            raw,
        })
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
    fn beyond_end(&mut self, number: u32, len: u32, image_len: u64) -> Step {
        if !is_plausible(number, len) {
            return self.damaged(number, len);
        }
        let have = image_len.saturating_sub(self.at);
        if have <= HEADER_LEN {
            return self.truncated(number, len, have);
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
    /// it are there. For streams, whose length is not known in advance.
    pub fn cut(&mut self, frame: Frame, have: u64) -> Frame {
        self.at = frame.offset.saturating_add(have);
        let whole = u64::from(frame.len).saturating_add(u64::from(frame.raw));
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
        // A record whose successor lies outside of what is shown is looked at again next time.
        let visible = if ended {
            bytes.len()
        } else {
            SEARCH_LEN.saturating_sub(LOOK_AHEAD)
        };
        let mut skip = 0usize;
        while let Some(rest) = bytes
            .get(skip..)
            .filter(|rest| rest.len() >= 16 && skip < visible)
        {
            if let Some(true) = self.is_start(rest) {
                return self.close_gap(start, offset.saturating_add(skip as u64));
            }
            skip = skip.saturating_add(1);
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
/// Bytes at the end of a search window in which a record and its successor may not both be seen.
const LOOK_AHEAD: usize = 8 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn le(number: u32, len: u32, payload: usize) -> Vec<u8> {
        let mut bytes = [number.to_le_bytes(), len.to_le_bytes()].concat();
        bytes.resize(bytes.len() + payload, 0);
        bytes
    }

    fn walk(image: &[u8]) -> (Vec<Frame>, Vec<Code>) {
        let mut framer = Framer::new(Order::Little, Some(image.len() as u64), Limits::default());
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
        let (frames, found) = walk(image);
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
}
