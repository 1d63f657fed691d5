//! A window over a source that adapts to how far apart the wanted bytes are.
//!
//! Headers of one-page records lie 4 KiB apart and are best read a megabyte at a time; headers of
//! 64 MiB records are best read alone. A fixed window loses a factor of ten on one or the other,
//! so this one doubles while the next wanted byte is near and starts small again when it is far.

use super::Source;
use std::io;

/// Reading nothing but a header.
const SMALL: usize = 512;
/// Reading everything.
const LARGE: usize = 1 << 20;
/// How far ahead still counts as near, in bytes.
const NEAR: u64 = 16 << 10;
/// A stream is read anyway, so there it pays to take what a pipe holds.
const STREAM: usize = 64 << 10;

/// A buffered view of a source.
pub struct Window<S> {
    source: S,
    buf: Vec<u8>,
    start: u64,
    filled: usize,
    next_len: usize,
    reads: u64,
}

impl<S: Source> Window<S> {
    /// An empty window.
    pub fn new(source: S) -> Self {
        Window {
            source,
            buf: Vec::new(),
            start: 0,
            filled: 0,
            next_len: SMALL,
            reads: 0,
        }
    }
    /// Up to `len` bytes at `offset`; fewer only at the end of the source.
    ///
    /// # Errors
    /// Those of the source.
    pub fn bytes(&mut self, offset: u64, len: usize) -> io::Result<&[u8]> {
        if !self.holds(offset, len) {
            self.fill(offset, len)?;
        }
        Ok(self.held(offset, len))
    }
    /// What is already in memory of `len` bytes at `offset`.
    pub fn held(&self, offset: u64, len: usize) -> &[u8] {
        let Some(skip) = offset.checked_sub(self.start) else {
            return &[];
        };
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        let have = self
            .buf
            .get(..self.filled)
            .unwrap_or_default()
            .get(skip..)
            .unwrap_or_default();
        have.get(..len).unwrap_or(have)
    }
    /// The source.
    pub fn source(&mut self) -> &mut S {
        &mut self.source
    }
    /// Gives the source back.
    pub fn into_source(self) -> S {
        self.source
    }
    /// How often the source was asked.
    pub fn reads(&self) -> u64 {
        self.reads
    }

    fn holds(&self, offset: u64, len: usize) -> bool {
        let end = self.start.saturating_add(self.filled as u64);
        offset >= self.start && offset.saturating_add(len as u64) <= end
    }

    fn fill(&mut self, offset: u64, len: usize) -> io::Result<()> {
        let end = self.start.saturating_add(self.filled as u64);
        let near = offset >= self.start && offset <= end.saturating_add(NEAR);
        let base = if self.source.is_seekable() {
            SMALL
        } else {
            STREAM
        };
        self.next_len = if near {
            self.next_len.saturating_mul(2).clamp(base, LARGE)
        } else {
            base
        };
        let want = self.next_len.max(len);
        let keep = self.keep_overlap(offset, end);
        if self.buf.len() < want {
            self.buf.resize(want, 0);
        }
        self.start = offset;
        self.filled = keep;
        let from = offset.saturating_add(keep as u64);
        if let Some(room) = self.buf.get_mut(keep..want) {
            self.reads = self.reads.saturating_add(1);
            let n = self.source.read_at(from, room)?;
            self.filled = keep.saturating_add(n);
        }
        Ok(())
    }

    /// Moves what is held from `offset` on to the front: a pipe cannot give it again.
    fn keep_overlap(&mut self, offset: u64, end: u64) -> usize {
        if offset < self.start || offset >= end {
            return 0;
        }
        let skip = usize::try_from(offset.saturating_sub(self.start)).unwrap_or(usize::MAX);
        let keep = self.filled.saturating_sub(skip);
        self.buf.copy_within(skip..skip.saturating_add(keep), 0);
        keep
    }
}
