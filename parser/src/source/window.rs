//! A window over a source that adapts to how far apart the wanted bytes are.
//!
//! Headers of one-page records lie 4 KiB apart and are best read a megabyte at a time; headers of
//! 64 MiB records are best read alone. A fixed window loses a factor of ten on one or the other,
//! so this one doubles while the next wanted byte is near and starts small again when it is far.
//! Of a source that knows what it has at hand, that much is taken, and not a page of a file beyond.

use super::Source;
use super::ahead::ROOM;
use std::io;

/// Reading nothing but a header.
const SMALL: usize = 512;
/// Reading everything.
const LARGE: usize = 1 << 20;
/// How far ahead still counts as near, in bytes.
const NEAR: u64 = 16 << 10;
/// A stream is read anyway, so there it pays to take what a pipe holds.
const STREAM: usize = 64 << 10;

/// Bytes that a processor fetches together.
const CACHE_LINE: usize = 64;

/// A buffered view of a source.
pub struct Window<S> {
    source: S,
    buf: Vec<u8>,
    /// Where in `buf` the first byte that is held is.
    begin: usize,
    /// Where in the source it is.
    start: u64,
    filled: usize,
    next_len: usize,
}

impl<S: Source> Window<S> {
    /// An empty window.
    pub fn new(source: S) -> Self {
        Window {
            source,
            buf: Vec::new(),
            begin: 0,
            start: 0,
            filled: 0,
            next_len: SMALL,
        }
    }
    /// Up to `len` bytes at `offset`; fewer only at the end of the source.
    ///
    /// # Errors
    /// Those of the source.
    pub fn bytes(&mut self, offset: u64, len: usize) -> io::Result<&[u8]> {
        while !self.holds(offset, len) {
            if !self.fill(offset, len)? {
                break;
            }
        }
        Ok(self.held(offset, len))
    }
    /// What is already in memory of `len` bytes at `offset`.
    pub fn held(&self, offset: u64, len: usize) -> &[u8] {
        let Some(skip) = offset.checked_sub(self.start) else {
            return &[];
        };
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        let end = self.begin.saturating_add(self.filled);
        let have = self
            .buf
            .get(self.begin.saturating_add(skip).min(end)..end)
            .unwrap_or_default();
        have.get(..len).unwrap_or(have)
    }
    /// Asks the processor for the next header while the record before it is worked on: after the
    /// contents of a page it is in no near cache, and would be waited for.
    pub fn prefetch(&self, offset: u64) {
        let bytes = self.held(offset, 2 * CACHE_LINE);
        prefetch_index::prefetch_index(bytes, 0);
        prefetch_index::prefetch_index(bytes, CACHE_LINE);
    }
    /// The source.
    pub fn source(&mut self) -> &mut S {
        &mut self.source
    }
    /// Gives the source back.
    pub fn into_source(self) -> S {
        self.source
    }

    fn holds(&self, offset: u64, len: usize) -> bool {
        let end = self.start.saturating_add(self.filled as u64);
        offset >= self.start && offset.saturating_add(len as u64) <= end
    }

    /// Makes the window hold what follows `offset`; false if that was all there is.
    fn fill(&mut self, offset: u64, len: usize) -> io::Result<bool> {
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
        if let Some(at_hand) = self.source.at_hand(offset) {
            let at_hand = usize::try_from(at_hand).unwrap_or(usize::MAX);
            self.next_len = self.next_len.min(at_hand);
        }
        if self.next_len == LARGE && len <= ROOM && self.take_ahead(offset)? {
            return Ok(true);
        }
        let want = self.next_len.max(len);
        let keep = self.keep_overlap(offset, end);
        if self.buf.len() < want {
            self.buf.resize(want, 0);
        }
        self.begin = 0;
        self.start = offset;
        self.filled = keep;
        let from = offset.saturating_add(keep as u64);
        if let Some(room) = self.buf.get_mut(keep..want) {
            let n = self.source.read_at(from, room)?;
            self.filled = keep.saturating_add(n);
        }
        Ok(false)
    }

    /// Takes what was read beforehand, with what is held from `offset` on in front of it.
    fn take_ahead(&mut self, offset: u64) -> io::Result<bool> {
        let held = self.held(offset, ROOM.saturating_add(1));
        if held.len() > ROOM {
            return Ok(false);
        }
        let kept = held.to_vec();
        let from = offset.saturating_add(kept.len() as u64);
        let Some(ahead) = self.source.ahead(from, &mut self.buf)? else {
            return Ok(false);
        };
        let gap = ahead.offset.saturating_sub(offset).min(kept.len() as u64);
        let keep = usize::try_from(gap).unwrap_or(0);
        self.begin = ahead.begin.saturating_sub(keep);
        self.start = ahead.offset.saturating_sub(gap);
        self.filled = ahead.len.saturating_add(keep);
        if let (Some(to), Some(from)) =
            (self.buf.get_mut(self.begin..ahead.begin), kept.get(..keep))
        {
            to.copy_from_slice(from);
        }
        Ok(ahead.len > 0)
    }

    /// Moves what is held from `offset` on to the front: a pipe cannot give it again.
    fn keep_overlap(&mut self, offset: u64, end: u64) -> usize {
        if offset < self.start || offset >= end {
            return 0;
        }
        let skip = usize::try_from(offset.saturating_sub(self.start)).unwrap_or(usize::MAX);
        let keep = self.filled.saturating_sub(skip);
        let from = self.begin.saturating_add(skip);
        self.buf.copy_within(from..from.saturating_add(keep), 0);
        keep
    }
}
