//! From bytes to events: frames, dialect and grammar together.

use crate::detect::{self, Detection, Outcome, Override};
use crate::diagnostic::{Code, Diagnostic, Findings, Severity};
use crate::frame::{Frame, Framer, HEADER_LEN, HEADER_SIZE, Step};
use crate::grammar::{Grammar, ObjectId, Place, Role};
use crate::index::Index;
use crate::limits::{Limits, Policy};
use crate::source::{Prefixed, SliceSource, Source, Window};
use crate::view::View;
use ckpt_format::layout::Layout;
use ckpt_format::{Tables, Tag};
use std::io;
use std::sync::Arc;

/// How to read an image.
#[derive(Clone, Debug)]
pub struct Options {
    /// Bounds.
    pub limits: Limits,
    /// What to do about damage.
    pub policy: Policy,
    /// What the user knows of the dialect.
    pub dialect: Override,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            limits: Limits::default(),
            policy: Policy::Salvage,
            dialect: Override::default(),
        }
    }
}

/// A record in its place. Its bytes can be had from the decoder until the next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Where it is.
    pub frame: Frame,
    /// Its number, counted from 0.
    pub index: u64,
    /// What it is; `None` for gaps and unknown types.
    pub tag: Option<Tag>,
    /// What it is in its place and what it belongs to.
    pub place: Place,
}

impl Event {
    /// What the record is in its place.
    pub fn role(&self) -> Role {
        self.place.role
    }
    /// The object it belongs to.
    pub fn object(&self) -> Option<ObjectId> {
        self.place.object
    }
    /// Name of the record type.
    pub fn name(&self) -> &'static str {
        match self.tag {
            Some(tag) => tag.name(),
            None if self.frame.is_gap() => "(gap)",
            None => "(unknown)",
        }
    }
    /// Offset of the page contents of a [`Role::Pages`] buffer.
    pub fn pages_offset(&self, word: u8) -> u64 {
        let count = if let Role::Pages { count } = self.place.role {
            count
        } else {
            0
        };
        self.frame
            .offset
            .saturating_add(HEADER_LEN)
            .saturating_add(count.saturating_mul(u64::from(word)))
    }
}

/// Reads an image record by record.
pub struct Decoder<S> {
    window: Window<Prefixed<S>>,
    framer: Framer,
    grammar: Grammar,
    tables: Arc<Tables>,
    detection: Detection,
    findings: Findings,
    options: Options,
    event: Option<Event>,
    held: usize,
    done: bool,
    seen: u64,
}

impl<S: Source> Decoder<S> {
    /// Detects the dialect and stands before the first record.
    ///
    /// # Errors
    /// Those of the source; `InvalidData` carrying a [`Diagnostic`] if this is no image.
    pub fn new(source: S, options: Options) -> io::Result<Self> {
        let (source, detection) = detect_in(Prefixed::new(source), &options)?;
        let tables = Tables::shared(detection.dialect);
        let limits = options.limits.clone();
        let mut framer = Framer::new(detection.dialect.abi.order, source.len(), limits.clone());
        framer.set_page_size(detection.page_size);
        let mut findings = Findings::new(limits.diagnostics);
        for diagnostic in &detection.diagnostics {
            findings.push(diagnostic.clone());
        }
        Ok(Decoder {
            window: Window::new(source),
            framer,
            grammar: Grammar::new(&tables, limits.depth),
            tables,
            detection,
            findings,
            options,
            event: None,
            held: 0,
            done: false,
            seen: 0,
        })
    }
    /// The dialect and why.
    pub fn detection(&self) -> &Detection {
        &self.detection
    }
    /// The tables of the dialect.
    pub fn tables(&self) -> &Arc<Tables> {
        &self.tables
    }
    /// What was found wrong so far.
    pub fn findings(&self) -> &Findings {
        &self.findings
    }
    /// The same, to take or add to.
    pub fn findings_mut(&mut self) -> &mut Findings {
        &mut self.findings
    }
    /// Options it was made with.
    pub fn options(&self) -> &Options {
        &self.options
    }
    /// Whether TAIL was seen in its place.
    pub fn is_complete(&self) -> bool {
        self.grammar.complete()
    }
    /// Offset up to which the image has been read.
    pub fn offset(&self) -> u64 {
        self.framer.offset()
    }

    /// The next record; `None` at the end.
    ///
    /// # Errors
    /// Those of the source. With [`Policy::Strict`] the first error-level diagnostic, as
    /// `InvalidData`.
    #[expect(
        clippy::should_implement_trait,
        reason = "the bytes of an event are lent by the decoder"
    )]
    pub fn next(&mut self) -> Option<io::Result<Event>> {
        if self.done {
            return None;
        }
        let stepped = self.step();
        self.done = !matches!(stepped, Ok(Some(_)));
        if self.options.policy == Policy::Strict
            && let Some(error) = self.first_new_error()
        {
            self.done = true;
            return Some(Err(io::Error::new(io::ErrorKind::InvalidData, error)));
        }
        stepped.transpose()
    }

    fn first_new_error(&mut self) -> Option<Diagnostic> {
        let is_error = |d: &&Diagnostic| d.severity == Severity::Error;
        self.findings.kept().iter().find(is_error).cloned()
    }

    /// Makes the next record the current one; `None` at the end.
    fn step(&mut self) -> io::Result<Option<Event>> {
        let mut offset = self.framer.offset();
        let mut len = HEADER_SIZE;
        if self.seen >= self.options.limits.frames {
            let found = format!("{} records", self.seen);
            self.findings
                .push(Diagnostic::new(Code::TooMany, offset, self.seen, "", found));
            return Ok(None);
        }
        loop {
            let bytes = self.window.bytes(offset, len)?;
            let step = self.framer.step(offset, bytes);
            match step {
                Step::Need { offset: o, len: l } => (offset, len) = (o, l),
                Step::Frame(frame) => return self.event(frame).map(Some),
                Step::End => {
                    self.check_cut();
                    self.grammar
                        .finish(self.framer.offset(), self.framer.index());
                    self.collect("");
                    return Ok(None);
                }
            }
        }
    }

    fn event(&mut self, mut frame: Frame) -> io::Result<Event> {
        let index = self.framer.index().saturating_sub(1);
        self.seen = self.seen.saturating_add(1);
        let record = if frame.is_gap() {
            None
        } else {
            self.tables.by_number(frame.number)
        };
        let tag = record.map(ckpt_format::layout::RecordLayout::tag);
        let payload = record.is_none_or(|record| record.record.payload);
        let want = if payload {
            PAYLOAD_PEEK
        } else {
            self.options.limits.record_len
        };
        let want = frame.len.min(want) as usize;
        let peek = self.peek(&frame, want, payload);
        let held = self.window.bytes(frame.offset, peek)?.len();
        if held < peek {
            frame = self.framer.cut(frame, held as u64);
        }
        self.window.prefetch(frame.end());
        let view = view_of(&self.window, &self.tables, &frame, held);
        let place = self.grammar.place(&frame, index, tag, view.as_ref());
        let layout = view.map(|view| view.layout);
        if let Some(finding) = misshapen(layout, &frame, index, tag) {
            self.findings.push(finding);
        }
        self.held = if let Role::Pages { count } = place.role {
            self.hold_addresses(&frame, count)?
        } else if peek < want {
            self.window.bytes(frame.offset, want)?.len()
        } else {
            held.min(frame.len as usize)
        };
        self.collect(tag.map_or("", Tag::name));
        let event = Event {
            frame,
            index,
            tag,
            place,
        };
        self.event = Some(event);
        Ok(event)
    }

    /// How much is held of a record before it is known what it is. Pages of a source that has them in another file than
    /// their record are not wanted.
    fn peek(&mut self, frame: &Frame, want: usize, payload: bool) -> usize {
        match self.window.source().at_hand(frame.offset) {
            Some(at_hand) if payload => {
                let at_hand = at_hand.max(HEADER_LEN);
                want.min(usize::try_from(at_hand).unwrap_or(usize::MAX))
            }
            _ => want,
        }
    }

    fn hold_addresses(&mut self, frame: &Frame, count: u64) -> io::Result<usize> {
        let word = u64::from(self.tables.dialect.abi.arch.word_size());
        let want = HEADER_LEN
            .saturating_add(count.saturating_mul(word))
            .min(u64::from(frame.len));
        let want = usize::try_from(want)
            .unwrap_or(usize::MAX)
            .min(self.options.limits.held_len as usize);
        Ok(self.window.bytes(frame.offset, want)?.len())
    }

    /// A stream shows only at its end that the contents of its last record were cut: the record
    /// has been given out by then, with the length that it claims.
    fn check_cut(&mut self) {
        let (Some(event), Some(len)) = (self.event, self.window.source().len()) else {
            return;
        };
        if event.frame.end() > len {
            self.framer
                .cut(event.frame, len.saturating_sub(event.frame.offset));
        }
    }

    fn collect(&mut self, record: &'static str) {
        for mut diagnostic in self.framer.take_found() {
            if diagnostic.record.is_empty() {
                diagnostic.record = record;
            }
            self.findings.push(diagnostic);
        }
        for diagnostic in self.grammar.take_found() {
            self.findings.push(diagnostic);
        }
    }

    /// The held bytes of the current record: all of a structure, the start of a payload, the
    /// addresses of a page group.
    pub fn head(&self) -> &[u8] {
        match self.event {
            Some(event) => self.window.held(event.frame.offset, self.held),
            None => &[],
        }
    }
    /// The current record through its layout.
    pub fn view(&self) -> Option<View<'_>> {
        let event = self.event?;
        event.tag?;
        view_of(&self.window, &self.tables, &event.frame, self.held)
    }
    /// Layout of the current record.
    pub fn layout(&self) -> Option<&Layout> {
        self.view().map(|view| view.layout)
    }
    /// Up to `len` bytes of the current record, from `skip` on; for payloads that are longer than
    /// what is held. The raw page behind SOCKET_FRAG counts as part of it.
    ///
    /// # Errors
    /// Those of the source.
    pub fn payload(&mut self, skip: u64, len: usize) -> io::Result<&[u8]> {
        let Some(event) = self.event else {
            return Ok(&[]);
        };
        let start = event
            .frame
            .offset
            .saturating_add(skip)
            .min(event.frame.end());
        let left = event.frame.end().saturating_sub(start);
        let len = len.min(usize::try_from(left).unwrap_or(usize::MAX));
        self.window.bytes(start, len)
    }
    /// Finds every record without looking into any; to be called before the first [`Decoder::next`].
    ///
    /// # Errors
    /// Those of the source.
    pub fn index(&mut self) -> io::Result<Index> {
        Index::build(
            &mut self.window,
            &self.detection,
            &self.options.limits,
            &mut self.findings,
        )
    }
    /// The source, for other uses than reading records.
    pub fn source(&mut self) -> &mut S {
        self.window.source().inner()
    }
    /// Gives the source back, for reading memory.
    pub fn into_source(self) -> S {
        self.window.into_source().into_inner()
    }
}

fn view_of<'a, S: Source>(
    window: &'a Window<S>,
    tables: &'a Tables,
    frame: &Frame,
    held: usize,
) -> Option<View<'a>> {
    if frame.is_gap() {
        return None;
    }
    let bytes = window.held(frame.offset, held.min(frame.len as usize));
    Some(View {
        layout: tables.layout_of(frame.number, bytes)?,
        bytes,
        dialect: tables.dialect,
    })
}

/// A record of no known type, or not of the size of its table.
fn misshapen(
    layout: Option<&Layout>,
    frame: &Frame,
    index: u64,
    tag: Option<Tag>,
) -> Option<Diagnostic> {
    let finding = |code, name, found| {
        Diagnostic::new(code, frame.offset, index, name, found).len(u64::from(frame.len))
    };
    let Some(tag) = tag else {
        let unknown = || finding(Code::UnknownType, "", format!("type {}", frame.number));
        return (!frame.is_gap()).then(unknown);
    };
    let layout = layout?;
    let flexible = layout.tail().map(|tail| tail.offset);
    let fits = match flexible {
        Some(least) => frame.len >= least,
        None => frame.len == layout.size,
    };
    if fits {
        return None;
    }
    let expected = flexible.map_or_else(
        || layout.size.to_string(),
        |least| format!("at least {least}"),
    );
    let found = format!("length {}", frame.len);
    Some(finding(Code::WrongLength, tag.name(), found).expected(expected))
}

/// How much of a payload is looked at without being asked for.
const PAYLOAD_PEEK: u32 = 4096 + 8;

fn detect_in<S: Source>(
    mut source: Prefixed<S>,
    options: &Options,
) -> io::Result<(Prefixed<S>, Detection)> {
    let limits = &options.limits;
    if source.is_seekable() {
        let mut window = Window::new(source);
        return match detect::detect(&mut window, options.dialect, limits, true)? {
            Outcome::Known(detection) => Ok((window.into_source(), *detection)),
            Outcome::NeedMore => Err(io::ErrorKind::UnexpectedEof.into()),
        };
    }
    let mut want = 64 << 10;
    loop {
        let more = source.extend(want)?;
        let enough = !more || want >= limits.detection_bytes as usize;
        let mut window = Window::new(SliceSource(source.head()));
        let outcome = detect::detect(&mut window, options.dialect, limits, enough)?;
        if let Outcome::Known(detection) = outcome {
            return Ok((source, *detection));
        }
        want = want.saturating_mul(4);
    }
}
