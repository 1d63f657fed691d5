//! Memory of a process by address: what is stored, what is zero, what must come from a file.

use crate::model::{Image, Mm, ObjRef, PageRun, Vma, VmaKind};
use crate::packed::{Iter, Slice};
use crate::source::{Source, Window};
use memchr::memmem::Finder;
use std::io;
use std::iter::Peekable;

/// Where the bytes of a stretch of memory are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backing {
    /// In the image, at this offset.
    Stored(u64),
    /// Nowhere: anonymous memory that was never written reads as zero.
    Zero,
    /// In a file (its object), at this offset.
    File(ObjRef, u64),
    /// The kernel provides it (vdso, vectors).
    Special,
    /// No mapping.
    Unmapped,
}

/// A stretch of memory of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// First address.
    pub addr: u64,
    /// Length in bytes.
    pub len: u64,
    /// Where its bytes are.
    pub backing: Backing,
}

impl Span {
    /// Address behind the last byte.
    pub fn end(&self) -> u64 {
        self.addr.saturating_add(self.len)
    }
    /// Whether the bytes are known without a file.
    pub fn is_known(&self) -> bool {
        matches!(self.backing, Backing::Stored(_) | Backing::Zero)
    }
}

/// The page runs of a mapping, its own or its segment's, and what to subtract from an address to
/// find its run.
fn runs_of<'a>(image: &'a Image, mm: &'a Mm, vma: &Vma) -> (Slice<'a, PageRun>, u64) {
    if vma.kind.is_shared() {
        let runs = image
            .segments
            .get(&vma.inode)
            .map_or(Slice::default(), |segment| segment.pages.all());
        let into = vma.pgoff.saturating_mul(image.page_size());
        return (runs, vma.start.wrapping_sub(into));
    }
    (mm.pages_of(vma), 0)
}

/// What a page of a mapping that is not stored reads as.
fn absent(image: &Image, vma: &Vma, addr: u64) -> Backing {
    let file_offset = addr
        .saturating_sub(vma.start)
        .saturating_add(vma.pgoff.saturating_mul(image.page_size()));
    match vma.kind {
        VmaKind::File | VmaKind::ShmFile => Backing::File(vma.file, file_offset),
        VmaKind::Vdso => Backing::Special,
        _ => Backing::Zero,
    }
}

/// The stretches of an address space from `start` to `end`, in order, without gaps.
pub struct Spans<'a> {
    image: &'a Image,
    mm: &'a Mm,
    at: u64,
    end: u64,
    vmas: Peekable<Iter<'a, Vma>>,
    /// The mapping that we are in.
    inside: Option<Vma>,
    /// Its page runs behind the present one.
    runs: Iter<'a, PageRun>,
    /// The first of them that does not end before here.
    run: Option<PageRun>,
    /// What to subtract from an address to find its run.
    base: u64,
}

/// Walks an address space from `start` to `end` (exclusive).
pub fn spans<'a>(image: &'a Image, mm: &'a Mm, start: u64, end: u64) -> Spans<'a> {
    let first = mm.vmas.partition_point(|vma| vma.end <= start);
    Spans {
        image,
        mm,
        at: start,
        end,
        vmas: mm.vmas.all().after(first).iter().peekable(),
        inside: None,
        runs: Slice::default().iter(),
        run: None,
        base: 0,
    }
}

impl Iterator for Spans<'_> {
    type Item = Span;

    fn next(&mut self) -> Option<Span> {
        if self.at >= self.end {
            return None;
        }
        let addr = self.at;
        let (to, backing) = self.here(addr);
        let len = to.min(self.end).saturating_sub(addr).max(1);
        self.at = addr.saturating_add(len);
        Some(Span { addr, len, backing })
    }
}

impl Spans<'_> {
    /// How far it goes on from `addr` as it is there, and how that is.
    fn here(&mut self, addr: u64) -> (u64, Backing) {
        self.inside = self.inside.filter(|vma| vma.end > addr);
        while self.vmas.next_if(|vma| vma.end <= addr).is_some() {}
        if self.inside.is_none()
            && let Some(vma) = self.vmas.next_if(|vma| vma.start <= addr)
        {
            self.enter(vma, addr);
        }
        if let Some(vma) = self.inside {
            return self.in_mapping(&vma, addr);
        }
        let next = self.vmas.peek().map_or(u64::MAX, |vma| vma.start);
        (next, Backing::Unmapped)
    }

    fn enter(&mut self, vma: Vma, addr: u64) {
        let (runs, base) = runs_of(self.image, self.mm, &vma);
        let at = addr.wrapping_sub(base);
        let is_start = addr == vma.start && !vma.kind.is_shared();
        let before = if is_start {
            0
        } else {
            runs.partition_point(|run| run.end() <= at)
        };
        self.run = self.runs.go_on(runs.after(before)).next();
        self.base = base;
        self.inside = Some(vma);
    }

    fn in_mapping(&mut self, vma: &Vma, addr: u64) -> (u64, Backing) {
        let at = addr.wrapping_sub(self.base);
        while self.run.is_some_and(|run| run.end() <= at) {
            self.run = self.runs.next();
        }
        let reach = |to: u64| addr.saturating_add(to.saturating_sub(at)).min(vma.end);
        match self.run {
            Some(run) if run.addr <= at => {
                let offset = run.offset.saturating_add(at.saturating_sub(run.addr));
                (reach(run.end()), Backing::Stored(offset))
            }
            Some(run) => (reach(run.addr), absent(self.image, vma, addr)),
            None => (vma.end, absent(self.image, vma, addr)),
        }
    }
}

/// Bytes of a mapping that are in the image.
pub fn stored_len(image: &Image, mm: &Mm, vma: &Vma) -> u64 {
    if !vma.kind.is_shared() {
        return vma.stored.min(vma.len());
    }
    spans(image, mm, vma.start, vma.end)
        .filter(|span| matches!(span.backing, Backing::Stored(_)))
        .map(|span| span.len)
        .sum()
}

/// Reads and searches memory.
pub struct Memory<'a, S> {
    image: &'a Image,
    window: Window<S>,
}

/// How far a visit of a span came.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Visited {
    Whole,
    /// The source ended in it.
    Cut,
    /// The visitor wanted no more.
    Stopped,
}

/// Bytes that a search looks at in one go.
const CHUNK: u64 = 1 << 20;

impl<'a, S: Source> Memory<'a, S> {
    /// Over an image and the source it was read from.
    pub fn new(image: &'a Image, source: S) -> Self {
        Memory {
            image,
            window: Window::new(source),
        }
    }
    /// The image.
    pub fn image(&self) -> &'a Image {
        self.image
    }
    /// Gives the source back.
    pub fn into_source(self) -> S {
        self.window.into_source()
    }
    /// Bytes of the image file itself.
    ///
    /// # Errors
    /// Those of the source.
    pub fn stored(&mut self, offset: u64, len: usize) -> io::Result<&[u8]> {
        self.window.bytes(offset, len)
    }
    /// Reads memory into `buf`; returns the stretches it came from. Bytes that are not known are
    /// zero in `buf`: the stretches tell which.
    ///
    /// # Errors
    /// Those of the source.
    pub fn read(&mut self, mm: &Mm, addr: u64, buf: &mut [u8]) -> io::Result<Vec<Span>> {
        buf.fill(0);
        let end = addr.saturating_add(buf.len() as u64);
        let mut found = Vec::new();
        for span in spans(self.image, mm, addr, end) {
            if let Backing::Stored(offset) = span.backing {
                let from = usize::try_from(span.addr.saturating_sub(addr)).unwrap_or(usize::MAX);
                let len = usize::try_from(span.len).unwrap_or(usize::MAX);
                if let Some(to) = buf.get_mut(from..from.saturating_add(len)) {
                    let bytes = self.window.bytes(offset, len)?;
                    if bytes.len() < len {
                        let why = "the image ends before the contents of these pages";
                        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, why));
                    }
                    to.copy_from_slice(bytes);
                }
            }
            found.push(span);
        }
        Ok(found)
    }
    /// Reads `len` bytes if all of them are known.
    ///
    /// # Errors
    /// Those of the source.
    pub fn read_known(&mut self, mm: &Mm, addr: u64, len: usize) -> io::Result<Option<Vec<u8>>> {
        let mut bytes = vec![0; len];
        let spans = self.read(mm, addr, &mut bytes)?;
        Ok(spans.iter().all(Span::is_known).then_some(bytes))
    }
    /// A word of the process at an address, if it is known.
    ///
    /// # Errors
    /// Those of the source.
    pub fn word(&mut self, mm: &Mm, addr: u64) -> io::Result<Option<u64>> {
        let abi = self.image.detection.dialect.abi;
        let bytes = self.read_known(mm, addr, usize::from(abi.arch.word_size()))?;
        Ok(bytes.map(|bytes| crate::view::read_uint(&bytes, abi.order)))
    }

    /// Finds every occurrence of `pattern`, also across pages, runs, mappings that touch, and
    /// never-written memory (which is zero). Tells `found` each address; it says whether to go on.
    ///
    /// # Errors
    /// Those of the source.
    pub fn search(
        &mut self,
        mm: &Mm,
        pattern: &[u8],
        mut found: impl FnMut(u64) -> bool,
    ) -> io::Result<()> {
        if pattern.is_empty() {
            return Ok(());
        }
        let finder = Finder::new(pattern);
        let keep = pattern.len().saturating_sub(1);
        // Bytes of what came directly before, at most one fewer than the pattern has.
        let mut tail: Vec<u8> = Vec::new();
        let mut tail_end = 0;
        for span in spans(self.image, mm, 0, u64::MAX) {
            if span.addr != tail_end || !span.is_known() {
                tail.clear();
            }
            tail_end = span.end();
            let going = match span.backing {
                Backing::Stored(offset) => {
                    let visited = self.visit_span(span, offset, &mut |addr, bytes| {
                        Ok(search_piece(
                            &finder, keep, &mut tail, addr, bytes, &mut found,
                        ))
                    })?;
                    if visited == Visited::Cut {
                        tail.clear();
                    }
                    visited != Visited::Stopped
                }
                Backing::Zero => search_zero(&finder, keep, &mut tail, span, &mut found),
                _ => true,
            };
            if !going {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Visits the stored bytes of an address space in order, in pieces of at most 1 MiB.
    ///
    /// # Errors
    /// Those of the source and of `visit`.
    pub fn visit_stored(
        &mut self,
        mm: &Mm,
        start: u64,
        end: u64,
        mut visit: impl FnMut(u64, &[u8]) -> io::Result<bool>,
    ) -> io::Result<()> {
        for span in spans(self.image, mm, start, end) {
            if let Backing::Stored(offset) = span.backing
                && self.visit_span(span, offset, &mut visit)? == Visited::Stopped
            {
                return Ok(());
            }
        }
        Ok(())
    }

    fn visit_span(
        &mut self,
        span: Span,
        offset: u64,
        visit: &mut impl FnMut(u64, &[u8]) -> io::Result<bool>,
    ) -> io::Result<Visited> {
        let mut done = 0;
        while done < span.len {
            let len = span.len.saturating_sub(done).min(CHUNK);
            let len = usize::try_from(len).unwrap_or(0);
            let bytes = self.window.bytes(offset.saturating_add(done), len)?;
            if bytes.is_empty() {
                return Ok(Visited::Cut);
            }
            if !visit(span.addr.saturating_add(done), bytes)? {
                return Ok(Visited::Stopped);
            }
            done = done.saturating_add(bytes.len() as u64);
        }
        Ok(Visited::Whole)
    }

    /// Finds runs of at least `min` printable ASCII characters, also across pages and runs.
    ///
    /// # Errors
    /// Those of the source and of `found`.
    pub fn strings(
        &mut self,
        mm: &Mm,
        min: usize,
        mut found: impl FnMut(u64, &[u8]) -> io::Result<bool>,
    ) -> io::Result<()> {
        let mut text: Vec<u8> = Vec::new();
        let mut next = 0;
        let mut going = true;
        self.visit_stored(mm, 0, u64::MAX, |addr, bytes| {
            if addr != next {
                going = going && flush(&mut text, next, min, &mut found)?;
            }
            for (i, byte) in (0u64..).zip(bytes) {
                if is_text(*byte) && text.len() < MAX_STRING {
                    text.push(*byte);
                } else {
                    going = going && flush(&mut text, addr.saturating_add(i), min, &mut found)?;
                    if is_text(*byte) {
                        text.push(*byte);
                    }
                }
            }
            next = addr.saturating_add(bytes.len() as u64);
            Ok(going)
        })?;
        if going {
            flush(&mut text, next, min, &mut found)?;
        }
        Ok(())
    }
}

/// Longest string that is reported in one piece, in bytes.
const MAX_STRING: usize = 64 << 10;

fn is_text(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t')
}

fn flush(
    text: &mut Vec<u8>,
    end: u64,
    min: usize,
    found: &mut impl FnMut(u64, &[u8]) -> io::Result<bool>,
) -> io::Result<bool> {
    let going = text.len() < min || found(end.saturating_sub(text.len() as u64), text)?;
    text.clear();
    Ok(going)
}

/// Searches the seam between what came before and this piece, then the piece itself.
fn search_piece(
    finder: &Finder,
    keep: usize,
    tail: &mut Vec<u8>,
    at: u64,
    bytes: &[u8],
    found: &mut impl FnMut(u64) -> bool,
) -> bool {
    if !tail.is_empty() {
        let before = tail.len();
        let mut seam = std::mem::take(tail);
        seam.extend_from_slice(bytes.get(..keep.min(bytes.len())).unwrap_or_default());
        let start = at.saturating_sub(before as u64);
        // Neither side is as long as the pattern: what is found crosses.
        for i in every(finder, &seam) {
            if !found(start.saturating_add(i as u64)) {
                return false;
            }
        }
        seam.truncate(before);
        *tail = seam;
    }
    for i in every(finder, bytes) {
        if !found(at.saturating_add(i as u64)) {
            return false;
        }
    }
    push_tail(tail, keep, bytes);
    true
}

/// Keeps the last `keep` bytes of what was before and this piece.
fn push_tail(tail: &mut Vec<u8>, keep: usize, bytes: &[u8]) {
    let from = bytes.len().saturating_sub(keep);
    tail.extend_from_slice(bytes.get(from..).unwrap_or_default());
    let extra = tail.len().saturating_sub(keep);
    tail.drain(..extra);
}

/// Never-written memory: only its ends can be part of a match, unless the pattern is all zeros, and
/// then matches inside are of no use to anybody.
fn search_zero(
    finder: &Finder,
    keep: usize,
    tail: &mut Vec<u8>,
    span: Span,
    found: &mut impl FnMut(u64) -> bool,
) -> bool {
    let near = span.len.min(keep as u64);
    let zeros = vec![0; usize::try_from(near).unwrap_or(0)];
    if finder.needle().iter().any(|byte| *byte != 0) {
        return search_piece(finder, keep, tail, span.addr, &zeros, found);
    }
    push_tail(tail, keep, &zeros);
    true
}

/// All matches, overlapping ones too.
pub(crate) fn every<'f>(finder: &'f Finder, bytes: &'f [u8]) -> impl Iterator<Item = usize> + 'f {
    let mut from = 0usize;
    std::iter::from_fn(move || {
        let at = finder.find(bytes.get(from..)?)?.saturating_add(from);
        from = at.saturating_add(1);
        Some(at)
    })
}
