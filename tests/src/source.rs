//! Sources for tests: one that counts, one that is a pipe, one that fails.

use ckpt_parser::source::{Source, StreamSource};
use std::io::{self, Cursor, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What was asked of a [`Counting`] source.
#[derive(Debug, Default)]
pub struct Counts {
    reads: AtomicU64,
    bytes: AtomicU64,
}

impl Counts {
    /// How often bytes were asked for.
    pub fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }
    /// How many bytes were given.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

/// Counts reads, the measure of laziness.
pub struct Counting<S> {
    inner: S,
    counts: Arc<Counts>,
}

impl<S: Source> Counting<S> {
    /// Counts what is read of `inner`.
    pub fn new(inner: S) -> (Self, Arc<Counts>) {
        let counts = Arc::new(Counts::default());
        let counting = Counting {
            inner,
            counts: Arc::clone(&counts),
        };
        (counting, counts)
    }
}

impl<S: Source> Source for Counting<S> {
    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read_at(offset, buf)?;
        self.counts.reads.fetch_add(1, Ordering::Relaxed);
        self.counts.bytes.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
    fn len(&self) -> Option<u64> {
        self.inner.len()
    }
    fn is_seekable(&self) -> bool {
        self.inner.is_seekable()
    }
}

/// Bytes that come as through a pipe: in order, once, in pieces of unequal length.
pub fn pipe(bytes: Vec<u8>, piece: usize) -> StreamSource {
    StreamSource::new(Box::new(Pieces {
        bytes: Cursor::new(bytes),
        piece: piece.max(1),
        turn: 0,
    }))
}

struct Pieces {
    bytes: Cursor<Vec<u8>>,
    piece: usize,
    turn: usize,
}

impl Read for Pieces {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.turn = self.turn.wrapping_add(1);
        if self.turn.is_multiple_of(5) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let len = buf.len().min(self.piece.wrapping_add(self.turn % 7));
        self.bytes.read(buf.get_mut(..len).unwrap_or_default())
    }
}

/// Fails at every read that reaches beyond an offset, as a bad disk does.
pub struct Failing<S> {
    inner: S,
    from: u64,
}

impl<S: Source> Failing<S> {
    /// Gives bytes before `from` only.
    pub fn new(inner: S, from: u64) -> Self {
        Failing { inner, from }
    }
}

impl<S: Source> Source for Failing<S> {
    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let end = offset.saturating_add(buf.len() as u64);
        let end = self.inner.len().map_or(end, |len| end.min(len));
        if end > self.from {
            return Err(io::Error::other("bad sector"));
        }
        self.inner.read_at(offset, buf)
    }
    fn len(&self) -> Option<u64> {
        self.inner.len()
    }
    fn is_seekable(&self) -> bool {
        self.inner.is_seekable()
    }
}
