//! A virtual file put together from bytes in memory and extents of other files.
//!
//! Foreign formats are read through this: their state becomes small records in memory, while page
//! contents stay where they are.

use super::Source;
use std::io;
use std::sync::Arc;

/// A part of a composite.
#[derive(Clone, Debug)]
pub enum Piece {
    /// Bytes in memory.
    Bytes(Vec<u8>),
    /// A stretch of one of the files.
    Extent {
        /// Index of the file.
        file: u32,
        /// Where the stretch starts.
        offset: u64,
        /// How long it is, in bytes.
        len: u64,
    },
    /// Zeros.
    Zero(u64),
}

impl Piece {
    fn len(&self) -> u64 {
        match self {
            Piece::Bytes(bytes) => bytes.len() as u64,
            Piece::Extent { len, .. } | Piece::Zero(len) => *len,
        }
    }
}

/// A virtual file.
#[derive(Default)]
pub struct Composite {
    /// Shared by all readers of the same composite.
    pieces: Arc<Vec<(u64, Piece)>>,
    files: Vec<Box<dyn Source>>,
    len: u64,
}

impl Composite {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }
    /// Adds a file whose stretches may be used; returns its index.
    pub fn add_file(&mut self, file: Box<dyn Source>) -> u32 {
        self.files.push(file);
        u32::try_from(self.files.len().saturating_sub(1)).unwrap_or(u32::MAX)
    }
    /// Appends a piece. Bytes behind bytes are joined.
    pub fn push(&mut self, piece: Piece) {
        let start = self.len;
        self.len = self.len.saturating_add(piece.len());
        let pieces = Arc::make_mut(&mut self.pieces);
        match (pieces.last_mut(), piece) {
            (_, piece) if piece.len() == 0 => {}
            (Some((_, Piece::Bytes(have))), Piece::Bytes(more)) if have.len() < 1 << 20 => {
                have.extend_from_slice(&more);
            }
            (
                Some((_, Piece::Extent { file, offset, len })),
                Piece::Extent {
                    file: f,
                    offset: o,
                    len: l,
                },
            ) if *file == f && offset.saturating_add(*len) == o => {
                *len = len.saturating_add(l);
            }
            (_, piece) => pieces.push((start, piece)),
        }
    }
    /// Appends bytes.
    pub fn push_bytes(&mut self, bytes: &[u8]) {
        self.push(Piece::Bytes(bytes.to_vec()));
    }
    /// Where the next piece will start.
    pub fn end(&self) -> u64 {
        self.len
    }

    fn read_piece(&mut self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let at = self
            .pieces
            .partition_point(|(start, _)| *start <= offset)
            .saturating_sub(1);
        let Some((start, piece)) = self.pieces.get(at) else {
            return Ok(0);
        };
        let inside = offset.saturating_sub(*start);
        let left = piece.len().saturating_sub(inside);
        let n = usize::try_from(left).unwrap_or(usize::MAX).min(buf.len());
        let Some(to) = buf.get_mut(..n) else {
            return Ok(0);
        };
        match piece {
            Piece::Bytes(bytes) => {
                let from = usize::try_from(inside).unwrap_or(usize::MAX);
                if let Some(from) = bytes.get(from..).and_then(|rest| rest.get(..n)) {
                    to.copy_from_slice(from);
                }
                Ok(n)
            }
            Piece::Zero(_) => {
                to.fill(0);
                Ok(n)
            }
            Piece::Extent { file, offset, .. } => {
                let from = offset.saturating_add(inside);
                let Some(file) = self.files.get_mut(*file as usize) else {
                    return Ok(0);
                };
                file.read_at(from, to)
            }
        }
    }
}

impl Source for Composite {
    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let mut done = 0usize;
        while done < buf.len() {
            let Some(rest) = buf.get_mut(done..) else {
                break;
            };
            match self.read_piece(offset.saturating_add(done as u64), rest)? {
                0 => break,
                n => done = done.saturating_add(n),
            }
        }
        Ok(done)
    }
    fn len(&self) -> Option<u64> {
        Some(self.len)
    }
    fn is_seekable(&self) -> bool {
        true
    }
    fn another(&self) -> Option<Box<dyn Source>> {
        let files: Option<Vec<_>> = self.files.iter().map(Source::another).collect();
        Some(Box::new(Composite {
            pieces: Arc::clone(&self.pieces),
            files: files?,
            len: self.len,
        }))
    }
}
