//! Which dialect an image is in. Its header says too little (§6.4), so the lengths and numbers of
//! the records behind it are asked, and what they said is kept as evidence.

#![expect(
    clippy::cast_possible_truncation,
    reason = "fields are read as 64 bits and hold what their own type holds"
)]

use crate::diagnostic::{Code, Diagnostic};
use crate::frame::{self, Frame, Framer, Step};
use crate::limits::Limits;
use crate::source::{Source, Window};
use crate::view::read_uint;
use ckpt_format::dialect::{
    R02, R03, R05, R06, R07, R08, R09, R10, R11, R12, R13, R14, R15, R16, R18,
};
use ckpt_format::enums::{ARCH_ID, ARM_ARCH_ID_V21};
use ckpt_format::{Abi, Arch, Dialect, Order, Revision, Tables, Tag};
use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

/// What a user knows better than the image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Override {
    /// The revision.
    pub revision: Option<Revision>,
    /// The architecture.
    pub arch: Option<Arch>,
}

/// A fact that told revisions apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Where it stands in the image.
    pub offset: u64,
    /// What it is.
    pub fact: String,
    /// The revisions that fit after it.
    pub leaves: String,
}

/// The dialect of an image and why.
#[derive(Clone, Debug)]
pub struct Detection {
    /// The dialect.
    pub dialect: Dialect,
    /// The facts, in order.
    pub evidence: Vec<Evidence>,
    /// Other revisions that fit as well.
    pub also: Vec<Revision>,
    /// Page size in bytes.
    pub page_size: u32,
    /// Whether the user decided.
    pub overridden: bool,
    /// What is wrong with the answer.
    pub diagnostics: Vec<Diagnostic>,
}

/// Result of looking at the start of an image.
#[derive(Debug)]
pub enum Outcome {
    /// The dialect is known.
    Known(Box<Detection>),
    /// More bytes of the image are needed.
    NeedMore,
}

struct Candidate {
    dialect: Dialect,
    tables: Arc<Tables>,
    mismatches: u32,
}

/// The id that an architecture has in a revision; for ARM also where the generated headers lack it
/// (§3.3).
pub fn arch_id(revision: Revision, arch: Arch) -> Option<u32> {
    match (arch, revision) {
        (Arch::Arm, R12 | R13) => Some(ARM_ARCH_ID_V21),
        (Arch::Arm, R14 | R15 | R16) => Some(4),
        _ => ARCH_ID.number_of(arch.name(), revision, arch),
    }
}

fn has_arch_id(revision: Revision, arch: Arch, id: u32) -> bool {
    let kept = arch == Arch::Arm && id == ARM_ARCH_ID_V21 && revision.within(R12, R16);
    kept || arch_id(revision, arch) == Some(id)
}

/// Looks at records from the start until one dialect is left.
///
/// `whole` says that the source ends where the image ends; otherwise running out of bytes means
/// [`Outcome::NeedMore`].
///
/// # Errors
/// Those of the source, and `InvalidData` with a [`Diagnostic`] if this is no image.
pub fn detect<S: Source>(
    window: &mut Window<S>,
    over: Override,
    limits: &Limits,
    whole: bool,
) -> io::Result<Outcome> {
    let image_len = if whole { window.source().len() } else { None };
    let head = window.bytes(0, 72)?.to_vec();
    if head.len() < 72 && !whole {
        return Ok(Outcome::NeedMore);
    }
    let Some(order) = frame::byte_order_salvaged(&head) else {
        return Err(not_an_image(&head));
    };
    let mut detector = Detector::new(order, &head, over);
    let mut framer = Framer::new(order, image_len, limits.clone());
    if let Some(page) = detector.implied_page_size() {
        framer.set_page_size(page);
    }
    let (mut offset, mut len) = (0, 8);
    for _ in 0..limits.detection_frames {
        let bytes = window.bytes(offset, len)?;
        if bytes.len() < len && !whole {
            return Ok(Outcome::NeedMore);
        }
        match framer.step(offset, bytes) {
            Step::Need { offset: o, len: l } => (offset, len) = (o, l),
            Step::End => break,
            Step::Frame(frame) => {
                let body = window
                    .bytes(frame.offset, (frame.len as usize).min(PEEK))?
                    .to_vec();
                if body.len() < (frame.len as usize).min(PEEK) && !whole {
                    return Ok(Outcome::NeedMore);
                }
                if frame.raw > 0 && detector.page_size.is_none() {
                    let follows = window.bytes(frame.offset.saturating_add(16), 65536 + 8)?;
                    if let Some(page) = framer.guess_page_size(follows) {
                        detector.page_size = Some(page);
                        framer.set_page_size(page);
                        framer.resume(
                            frame
                                .offset
                                .saturating_add(16)
                                .saturating_add(u64::from(page)),
                            framer.index(),
                        );
                    }
                }
                if detector.observe(&frame, &body) {
                    break;
                }
                (offset, len) = (framer.offset(), 8);
            }
        }
    }
    Ok(Outcome::Known(Box::new(detector.conclude())))
}

/// Bytes of a record that detection looks at.
const PEEK: usize = 96;

fn not_an_image(head: &[u8]) -> io::Error {
    let shown: Vec<String> = head.iter().take(16).map(|b| format!("{b:02x}")).collect();
    let found = if head.is_empty() {
        "an empty file".to_owned()
    } else {
        format!("bytes {}", shown.join(" "))
    };
    let found = match head {
        [0x7f, b'E', b'L', b'F', ..] => "an ELF file".to_owned(),
        _ => found,
    };
    let diagnostic = Diagnostic::new(Code::NotAnImage, 0, 0, "", found);
    io::Error::new(
        io::ErrorKind::InvalidData,
        diagnostic.expected("a HEADER record (type 1, length 72, magic 0x00feed0cc0a2d200)"),
    )
}

struct Detector {
    /// Of one architecture and byte order: the header leaves no choice.
    candidates: Vec<Candidate>,
    evidence: Vec<Evidence>,
    seen: BTreeSet<(u32, u32)>,
    page_size: Option<u32>,
    over: Override,
    order: Order,
    /// Set when the record after TREE's buffer is next.
    after_tree: AfterTree,
    nr_tasks: u64,
    asked_task: bool,
    /// HEADER_ARCH, which tells the old ABI of ARM, has been met or is missing.
    past_arch: bool,
    word_size_known_pages: Option<u64>,
    diagnostics: Vec<Diagnostic>,
}

#[derive(PartialEq, Eq, Clone, Copy)]
enum AfterTree {
    NotYet,
    Buffer,
    Vpids,
    Done,
}

impl Detector {
    fn new(order: Order, head: &[u8], over: Override) -> Self {
        let u16_at = |at: usize, order| {
            read_uint(
                head.get(at..at.saturating_add(2)).unwrap_or_default(),
                order,
            )
        };
        let arch_id = u16_at(16, Order::Little) as u32;
        let rev = u16_at(24, order) as u16;
        let auxv_constant = u16_at(34, order);
        let ncc = u16_at(54, order);
        let mut detector = Detector {
            candidates: Vec::new(),
            evidence: Vec::new(),
            seen: BTreeSet::new(),
            page_size: None,
            over,
            order,
            after_tree: AfterTree::NotYet,
            nr_tasks: 0,
            asked_task: false,
            past_arch: false,
            word_size_known_pages: None,
            diagnostics: Vec::new(),
        };
        detector.candidates_from_header(arch_id, rev);
        let count = detector.candidates.len();
        if detector
            .candidates
            .iter()
            .any(|c| c.dialect.revision.within(R06, R07))
        {
            detector.keep(
                34,
                format!("constants.at_vector_size is {auxv_constant}"),
                |d| (d.revision <= R06) == (auxv_constant >= 100),
            );
        }
        if rev == 6 {
            detector.keep(54, format!("constants.tty_termios_ncc(s) is {ncc}"), |d| {
                (d.revision >= R14) == (ncc >= 19)
            });
        }
        if count == 0 {
            // A header that ends before its version number is cut short; the framer says so.
            if head.len() >= 26 {
                detector.say_no_dialect(arch_id, rev);
            }
            detector.any_dialect();
        }
        detector
    }

    fn candidates_from_header(&mut self, arch_id: u32, rev: u16) {
        let over = self.over;
        for revision in Revision::all().filter(|r| over.revision.is_none_or(|o| o == *r)) {
            for arch in Arch::ALL
                .into_iter()
                .filter(|a| over.arch.is_none_or(|o| o == *a))
            {
                let right_rev =
                    revision.info().checkpoint_version == rev || over.revision.is_some();
                let right_arch = has_arch_id(revision, arch, arch_id) || over.arch.is_some();
                let right_order =
                    arch.usual_order() == self.order || (arch == Arch::Arm && revision == R18);
                if right_rev && right_arch && right_order {
                    self.add(revision, arch);
                }
            }
        }
        self.say(
            24,
            format!("rev {rev}, architecture id {arch_id}, {}", self.order),
        );
    }

    fn add(&mut self, revision: Revision, arch: Arch) {
        let abi = Abi {
            arch,
            order: self.order,
            old_abi: false,
        };
        let dialect = Dialect { revision, abi };
        self.candidates.push(Candidate {
            dialect,
            tables: Tables::shared(dialect),
            mismatches: 0,
        });
    }

    /// The header fits nothing.
    fn say_no_dialect(&mut self, arch_id: u32, rev: u16) {
        let found = format!("architecture id {arch_id}, rev {rev}");
        let expected = "an id and rev of §6.1";
        self.diagnostics
            .push(Diagnostic::new(Code::NoDialect, 16, 0, "HEADER", found).expected(expected));
    }

    /// Reads on with what the byte order and the user allow.
    fn any_dialect(&mut self) {
        let arch = self.over.arch.unwrap_or(match self.order {
            Order::Little => Arch::Arm,
            Order::Big => Arch::S390x,
        });
        let over = self.over.revision;
        for revision in Revision::all().filter(|r| over.is_none_or(|o| o == *r)) {
            self.add(revision, arch);
        }
    }

    fn say(&mut self, offset: u64, fact: String) {
        let leaves = self.live_names();
        if self
            .evidence
            .last()
            .is_none_or(|last| last.leaves != leaves)
        {
            self.evidence.push(Evidence {
                offset,
                fact,
                leaves,
            });
        }
    }

    fn live_names(&self) -> String {
        let best = self.best();
        let mut names: Vec<String> = Vec::new();
        for c in self.candidates.iter().filter(|c| c.mismatches == best) {
            names.push(format!("{} {}", c.dialect.revision, c.dialect.abi.arch));
        }
        names.join(", ")
    }

    fn best(&self) -> u32 {
        self.candidates
            .iter()
            .map(|c| c.mismatches)
            .min()
            .unwrap_or(0)
    }

    /// Counts a fact against those candidates that do not fit it.
    fn keep(&mut self, offset: u64, fact: String, fits: impl Fn(&Dialect) -> bool) {
        for candidate in &mut self.candidates {
            if !fits(&candidate.dialect) {
                candidate.mismatches = candidate.mismatches.saturating_add(1);
            }
        }
        self.say(offset, fact);
    }

    /// Takes a record into account; true when enough is known.
    fn observe(&mut self, frame: &Frame, body: &[u8]) -> bool {
        if frame.is_gap() {
            return false;
        }
        self.tree_rules(frame, body);
        self.task_rule(frame, body);
        self.arch_rules(frame, body);
        self.pages_rule(frame, body);
        if self.seen.len() < 4096 && self.seen.insert((frame.number, frame.len)) {
            let (number, len) = (frame.number, frame.len);
            let fits: Vec<bool> = self
                .candidates
                .iter()
                .map(|c| allows(&c.tables, number, len, body))
                .collect();
            for (candidate, fits) in self.candidates.iter_mut().zip(&fits) {
                if !fits {
                    candidate.mismatches = candidate.mismatches.saturating_add(1);
                }
            }
            self.say(frame.offset, format!("record type {number} of {len} bytes"));
        }
        self.is_settled()
    }

    fn u32_at(&self, body: &[u8], at: usize) -> u32 {
        read_uint(
            body.get(at..at.saturating_add(4)).unwrap_or_default(),
            self.order,
        ) as u32
    }

    /// §6.4 steps 2 and 4: what follows TREE.
    fn tree_rules(&mut self, frame: &Frame, body: &[u8]) {
        match (self.after_tree, frame.number, frame.len) {
            (AfterTree::NotYet, 101, 16) => {
                self.nr_tasks = u64::from(self.u32_at(body, 8));
                self.after_tree = AfterTree::Buffer;
            }
            (AfterTree::Buffer, 4, len) => {
                self.after_tree = AfterTree::Vpids;
                let wide = u64::from(len) == self.nr_tasks.saturating_mul(32).saturating_add(8);
                self.keep(
                    frame.offset,
                    format!("{len} bytes of pids for {} tasks", self.nr_tasks),
                    |d| (d.revision == R08) == wide,
                );
            }
            (AfterTree::Vpids, number, _) => {
                self.after_tree = AfterTree::Done;
                let vpids = number == 118;
                let fact = if vpids {
                    "a VPIDS record"
                } else {
                    "no VPIDS record"
                };
                self.keep(frame.offset, fact.to_owned(), |d| {
                    d.revision.within(R08, R09) == vpids
                });
            }
            _ => {}
        }
    }

    /// §6.4 step 3: the task record kept its length when its fields moved.
    fn task_rule(&mut self, frame: &Frame, body: &[u8]) {
        if self.asked_task || frame.number != 103 || frame.len != 80 {
            return;
        }
        self.asked_task = true;
        let word = |at| self.u32_at(body, at);
        let state = |at| matches!(word(at), 0..=2 | 4 | 8 | 64 | 128);
        let exit = |at| matches!(word(at), 0 | 16 | 32);
        let signal = |at| word(at) <= 64 || word(at) == u32::MAX;
        let early = state(8) && exit(12) && signal(20) && word(24) <= 64;
        let late = word(8) <= 3 && state(12) && exit(16) && signal(24) && word(28) <= 64;
        let live_early = word(12) == 0 && word(16) == 0 && word(20) != 0;
        let live_late = word(16) == 0 && word(20) == 0 && word(24) != 0;
        let zombie_early = word(8) == 64 && word(12) == 16;
        let zombie_late = word(12) == 64 && word(16) == 16;
        let says_early = early && (live_early || zombie_early);
        let says_late = late && (live_late || zombie_late);
        if says_early != says_late {
            self.keep(
                frame.offset,
                "order of the fields of TASK".to_owned(),
                |d| (d.revision >= R16) == says_late,
            );
        }
    }

    /// An old-ABI kernel pads unix addresses; its header says so.
    fn arch_rules(&mut self, frame: &Frame, body: &[u8]) {
        // Only HEADER and BUFFERs come before HEADER_ARCH.
        self.past_arch |= !matches!(frame.number, 1 | 4);
        if frame.number != 2 || frame.len != 16 || body.get(13) != Some(&0) {
            return;
        }
        for candidate in self
            .candidates
            .iter_mut()
            .filter(|c| c.dialect.abi.arch == Arch::Arm)
        {
            candidate.dialect.abi.old_abi = true;
            candidate.tables = Tables::shared(candidate.dialect);
        }
    }

    /// The page size, from the first page group (§1.2).
    fn pages_rule(&mut self, frame: &Frame, body: &[u8]) {
        if frame.number == 403 && frame.len == 16 {
            self.word_size_known_pages =
                Some(read_uint(body.get(8..16).unwrap_or_default(), self.order));
        } else if let Some(pages) = self.word_size_known_pages.take()
            && frame.number == 4
            && self.page_size.is_none()
        {
            let word = self
                .candidates
                .first()
                .map_or(4, |c| c.dialect.abi.arch.word_size());
            let per_page = u64::from(frame.len)
                .saturating_sub(8)
                .checked_div(pages)
                .unwrap_or(0);
            let size = per_page.saturating_sub(u64::from(word));
            if size.is_power_of_two() && (4096..=65536).contains(&size) {
                self.page_size = u32::try_from(size).ok();
            }
        }
    }

    /// The page size where the architecture leaves no choice.
    fn implied_page_size(&self) -> Option<u32> {
        let variable =
            |c: &Candidate| ckpt_format::layout::VARIABLE_PAGE_ARCHS.contains(c.dialect.abi.arch);
        (!self.candidates.iter().any(variable)).then_some(4096)
    }

    /// Whether the remaining candidates decode everything alike, so that looking further is idle.
    fn is_settled(&self) -> bool {
        let best = self.best();
        let mut live = self
            .candidates
            .iter()
            .filter(|c| c.mismatches == best)
            .map(|c| c.dialect);
        let Some(first) = live.next() else {
            return true;
        };
        let page_known = self.page_size.is_some() || self.implied_page_size().is_some();
        best == 0
            && page_known
            && (self.past_arch || first.abi.arch != Arch::Arm)
            && live.all(|d| class(d.revision) == class(first.revision))
    }

    fn conclude(mut self) -> Detection {
        let best = self.best();
        let live: Vec<Dialect> = self
            .candidates
            .iter()
            .filter(|c| c.mismatches == best)
            .map(|c| c.dialect)
            .collect();
        let fallback = Dialect::new(Revision::LAST, Arch::Arm);
        let dialect = live.last().copied().unwrap_or(fallback);
        let differ = |d: &&Dialect| class(d.revision) != class(dialect.revision);
        let others: Vec<&Dialect> = live.iter().filter(differ).collect();
        if !others.is_empty() && !harmless(&live) {
            let names: Vec<String> = others
                .iter()
                .map(|d| format!("{} {}", d.revision, d.abi.arch))
                .collect();
            let found = format!(
                "{} {} taken, but {} fit too",
                dialect.revision,
                dialect.abi.arch,
                names.join(", ")
            );
            self.diagnostics
                .push(Diagnostic::new(Code::Ambiguous, 0, 0, "HEADER", found));
        }
        let also = live
            .iter()
            .map(|d| d.revision)
            .filter(|r| *r != dialect.revision)
            .collect();
        let usual = ckpt_format::layout::usual_page_size(dialect.abi.arch);
        Detection {
            dialect,
            evidence: self.evidence,
            also,
            page_size: self.page_size.unwrap_or(usual),
            overridden: self.over != Override::default(),
            diagnostics: self.diagnostics,
        }
    }
}

/// Revisions of one class have the same layouts and numbers (§6.4).
fn class(revision: Revision) -> u8 {
    match revision {
        R02 => 1,
        R10 | R11 => 12,
        R16 => 17,
        other => other.number(),
    }
}

/// R03 to R05 differ in sockets alone; an image that got here has none.
fn harmless(live: &[Dialect]) -> bool {
    live.iter().all(|d| d.revision.within(R03, R05))
}

/// Whether a dialect can have a record of this number and length.
fn allows(tables: &Tables, number: u32, len: u32, body: &[u8]) -> bool {
    let Some(record) = tables.by_number(number) else {
        return false;
    };
    if record.record.payload || record.tag() == Tag::CpuFpu {
        return true;
    }
    let fits = |layout: &ckpt_format::Layout| match layout.tail() {
        Some(tail) => len >= tail.offset,
        None => layout.size == len,
    };
    match tables.layout_of(number, body) {
        Some(layout) => fits(layout),
        None => record.variants().any(|(_, layout)| fits(layout)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    /// What the first TASK record says of its revision, by its words at these offsets: `Some(true)` for R16 and later.
    fn asked(frame: Frame, words: &[(usize, u32)]) -> (Detector, Option<bool>) {
        let mut body = vec![0; 80];
        for (at, word) in words {
            body[*at..*at + 4].copy_from_slice(&word.to_le_bytes());
        }
        // Nothing is known of the header: every dialect is a candidate.
        let mut detector = Detector::new(Order::Little, &[], Override::default());
        detector.task_rule(&frame, &body);
        let says = says(&detector);
        (detector, says)
    }

    fn says(detector: &Detector) -> Option<bool> {
        let fits = detector.candidates.iter().filter(|c| c.mismatches == 0);
        let mut found = fits.map(|candidate| candidate.dialect.revision >= R16);
        let first = found.next()?;
        found.all(|other| other == first).then_some(first)
    }

    const TASK: Frame = Frame {
        offset: 200,
        number: 103,
        len: 80,
        raw: 0,
    };
    const SIGCHLD: u32 = 17;

    #[test]
    fn the_fields_of_a_task_tell_on_which_side_of_their_move_it_was_written() {
        let asked = |words: &[(usize, u32)]| asked(TASK, words).1;
        // state, exit_state, exit_code, exit_signal, pdeath_signal from 8 on.
        let early = [(8, 1), (20, SIGCHLD)];
        assert_eq!(asked(&early), Some(false));
        assert_eq!(
            asked(&[(8, 64), (12, 16), (20, SIGCHLD)]),
            Some(false),
            "a zombie"
        );
        // The same from 12 on.
        let late = [(8, 1), (12, 1), (24, SIGCHLD)];
        assert_eq!(asked(&late), Some(true));
        assert_eq!(asked(&[(24, SIGCHLD)]), Some(true), "running");
        assert_eq!(
            asked(&[(12, 64), (16, 16), (24, SIGCHLD)]),
            Some(true),
            "a zombie"
        );
        assert_eq!(asked(&[(24, u32::MAX)]), Some(true), "a thread");
        assert_eq!(asked(&[(20, u32::MAX)]), Some(false), "a thread");
        assert_eq!(asked(&[]), None, "nothing is said");
        // Values that no such field has.
        // A live task has no exit code, a dead one was not running.
        for words in [
            [(8, 1), (12, 0), (16, 5), (20, SIGCHLD)],
            [(8, 1), (12, 16), (16, 0), (20, SIGCHLD)],
            [(8, 64), (12, 0), (16, 5), (20, SIGCHLD)],
            [(8, 0), (12, 1), (20, 5), (24, SIGCHLD)],
            [(8, 0), (12, 1), (16, 16), (24, SIGCHLD)],
            [(8, 0), (12, 64), (20, 5), (24, SIGCHLD)],
        ] {
            assert_eq!(asked(&words), None, "{words:?}");
        }
        for wrong in [(8, 3), (12, 5), (20, 65), (24, 65)] {
            let words = [early.as_slice(), &[(28, 65), wrong]].concat();
            assert_eq!(asked(&words), None, "{wrong:?}");
        }
        for wrong in [(8, 4), (12, 3), (16, 5), (24, 65), (28, 65)] {
            let words = [late.as_slice(), &[wrong]].concat();
            assert_eq!(asked(&words), None, "{wrong:?}");
        }
        // The largest that they have.
        assert_eq!(asked(&[(8, 1), (20, 64), (24, 64), (28, 65)]), Some(false));
        assert_eq!(asked(&[(8, 3), (12, 1), (24, 64), (28, 64)]), Some(true));
    }

    #[test]
    fn only_the_first_task_of_the_length_that_stayed_is_asked() {
        let words = [(24, SIGCHLD)];
        assert_eq!(asked(Frame { len: 88, ..TASK }, &words).1, None);
        assert_eq!(
            asked(
                Frame {
                    number: 104,
                    ..TASK
                },
                &words
            )
            .1,
            None
        );
        let (mut detector, silent) = asked(TASK, &[]);
        assert_eq!(silent, None);
        let mut body = [0; 80];
        body[24] = 17;
        detector.task_rule(&TASK, &body);
        assert_eq!(says(&detector), None);
    }

    #[test]
    fn the_first_page_group_tells_the_page_size() {
        let group = Frame {
            number: 403,
            len: 16,
            ..TASK
        };
        let size_behind = |group: Frame, pages: u64, len: u32, between: Option<Frame>| {
            let mut detector = Detector::new(Order::Little, &[], Override::default());
            let word = detector.candidates[0].dialect.abi.arch.word_size();
            let mut head = [0; 16];
            head[8..].copy_from_slice(&pages.to_le_bytes());
            detector.pages_rule(&group, &head);
            if let Some(frame) = between {
                detector.pages_rule(&frame, &[]);
            }
            let len = 8 + (len + u32::from(word)) * u32::try_from(pages).unwrap();
            let buffer = Frame {
                number: 4,
                len,
                ..TASK
            };
            detector.pages_rule(&buffer, &[]);
            detector.page_size
        };
        let size = |pages, len, between| size_behind(group, pages, len, between);
        for page in [4096, 8192, 65536] {
            assert_eq!(size(3, page, None), Some(page));
        }
        for wrong in [2048, 5000, 131_072] {
            assert_eq!(size(1, wrong, None), None, "{wrong}");
        }
        assert_eq!(size(0, 4096, None), None);
        assert_eq!(size(2, 4096, Some(TASK)), None, "another record between");
        let reference = Frame { number: 6, ..group };
        assert_eq!(size_behind(reference, 2, 4096, None), None);
    }

    #[test]
    fn a_header_leaves_one_architecture() {
        let revisions = Revision::all().map(Some).chain([None]);
        for (revision, order) in revisions.flat_map(|r| [(r, Order::Little), (r, Order::Big)]) {
            for (id, rev) in (0..10).flat_map(|id| (0..9).map(move |rev| (id, rev))) {
                let mut head = vec![0; 72];
                head[16] = id;
                head[if order == Order::Big { 25 } else { 24 }] = rev;
                let over = Override {
                    revision,
                    arch: None,
                };
                let detector = Detector::new(order, &head, over);
                let abis: HashSet<Abi> =
                    detector.candidates.iter().map(|c| c.dialect.abi).collect();
                assert_eq!(
                    abis.len(),
                    1,
                    "{over:?} {order}: {abis:?} of {id} and {rev}"
                );
            }
        }
    }

    #[test]
    fn a_kind_of_record_speaks_once_however_often_it_comes() {
        let mut detector = Detector::new(Order::Little, &[], Override::default());
        let pids = Frame {
            number: 101,
            len: 24,
            ..TASK
        };
        for _ in 0..3 {
            detector.observe(&pids, &[0; 24]);
        }
        let against = detector.candidates.iter().map(|c| c.mismatches);
        assert_eq!(against.collect::<HashSet<_>>(), HashSet::from([0, 1]));
    }

    #[test]
    fn arm_had_two_numbers() {
        let numbers = [11, 12, 13, 14, 16, 17, 18]
            .map(|n| arch_id(Revision::parse(&n.to_string()).unwrap(), Arch::Arm));
        let (first, second) = (Some(6), Some(4));
        assert_eq!(
            numbers,
            [None, first, first, second, second, second, second]
        );
    }
}
