//! Searching a whole image file for parts of a pattern, without knowing what its bytes are.
//!
//! A pattern no longer than a page crosses at most one page border, so one of its halves stands
//! undivided in the file, wherever the pages of a process lie in it. Looking for the halves in
//! file order costs one pass however many page runs there are, and can go on while another thread
//! reads the records; what is found is then checked by address.

use crate::memory::{Backing, every, spans};
use crate::model::{Image, ObjRef};
use crate::source::Source;
use memchr::memmem::Finder;
use std::io;

/// Patterns below this length have halves that are found everywhere.
const SHORTEST: usize = 8;
/// Finds that are kept; a pattern with more is not selective.
const MAX_HITS: usize = 1 << 20;
/// Bytes that are read at once.
const CHUNK: usize = 1 << 20;

/// The halves of a pattern.
#[derive(Clone, Copy, Debug)]
pub struct Halves<'p> {
    first: &'p [u8],
    second: &'p [u8],
}

impl<'p> Halves<'p> {
    /// Splits a pattern; `None` if halves would not find all of its occurrences (it is longer than
    /// a page, or a half may be memory that was never written), or too much else.
    pub fn of(pattern: &'p [u8], page_size: u64) -> Option<Self> {
        let (first, second) = pattern.split_at_checked(pattern.len().div_ceil(2))?;
        let is_zero = |half: &[u8]| half.iter().all(|byte| *byte == 0);
        let fits = pattern.len() >= SHORTEST && pattern.len() as u64 <= page_size;
        (fits && !is_zero(first) && !is_zero(second)).then_some(Halves { first, second })
    }

    /// Offsets in the file at which the pattern would start for a half to stand where it does;
    /// `None` if there are too many.
    ///
    /// # Errors
    /// Those of the source.
    pub fn scan(self, source: &mut dyn Source) -> io::Result<Option<Vec<u64>>> {
        let finders = [
            (Finder::new(self.first), 0u64),
            (Finder::new(self.second), self.first.len() as u64),
        ];
        let keep = self.first.len().saturating_sub(1);
        let mut hits = Vec::new();
        let mut buf = vec![0; CHUNK.saturating_add(keep)];
        let (mut held, mut at) = (0usize, 0u64);
        loop {
            let n = source.read_at(
                at.saturating_add(held as u64),
                buf.get_mut(held..).unwrap_or_default(),
            )?;
            let filled = held.saturating_add(n);
            let bytes = buf.get(..filled).unwrap_or_default();
            for (finder, into) in &finders {
                for i in every(finder, bytes) {
                    hits.push(at.saturating_add(i as u64).wrapping_sub(*into));
                }
                if hits.len() > MAX_HITS {
                    return Ok(None);
                }
            }
            if n == 0 {
                break;
            }
            held = keep.min(filled);
            let start = filled.saturating_sub(held);
            buf.copy_within(start..filled, 0);
            at = at.saturating_add(start as u64);
        }
        hits.sort_unstable();
        hits.dedup();
        Ok(Some(hits))
    }
}

/// From offsets in the file to addresses.
pub struct Places {
    /// Offset in the file, length, address space, address of the first byte.
    runs: Vec<(u64, u64, ObjRef, u64)>,
}

impl Places {
    /// Of all page contents of an image, in every address space that maps them.
    pub fn of(image: &Image) -> Places {
        let mut runs = Vec::new();
        for (at, mm) in &image.mms {
            for span in spans(image, mm, 0, u64::MAX) {
                if let Backing::Stored(offset) = span.backing {
                    runs.push((offset, span.len, *at, span.addr));
                }
            }
        }
        runs.sort_unstable();
        Places { runs }
    }

    /// Address spaces and addresses at which a pattern of `len` bytes may start, if it would start
    /// at these offsets. Sorted, each once.
    pub fn starts(&self, offsets: &[u64], len: u64) -> Vec<(ObjRef, u64)> {
        let mut starts = Vec::new();
        let longest = self.runs.iter().map(|run| run.1).max().unwrap_or(0);
        for offset in offsets {
            let reach = offset.saturating_sub(longest);
            let from = self
                .runs
                .partition_point(|run| run.0 < reach.saturating_sub(len));
            let near = self
                .runs
                .iter()
                .skip(from)
                .take_while(|run| run.0 <= offset.saturating_add(len));
            for (start, run_len, mm, addr) in near {
                let inside = offset.wrapping_sub(*start);
                let touches =
                    offset.saturating_add(len) > *start && *offset < start.saturating_add(*run_len);
                if touches {
                    starts.push((*mm, addr.wrapping_add(inside)));
                }
            }
        }
        starts.sort_unstable();
        starts.dedup();
        starts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SliceSource;

    #[test]
    fn halves_are_found_across_chunks_and_overlapping() {
        let mut file = vec![0; CHUNK + 100];
        file[CHUNK - 2..CHUNK + 6].copy_from_slice(b"abcdefgh");
        file[50..58].copy_from_slice(b"abcdXXXX");
        file[70..78].copy_from_slice(b"XXXXefgh");
        let halves = Halves::of(b"abcdefgh", 4096).unwrap();
        let hits = halves.scan(&mut SliceSource(file)).unwrap().unwrap();
        assert_eq!(hits, [50, 70, CHUNK as u64 - 2]);
        let halves = Halves::of(b"aaaaaaaa", 4096).unwrap();
        assert_eq!(
            halves
                .scan(&mut SliceSource(b"aaaaaaaaa"))
                .unwrap()
                .unwrap()
                .len(),
            10
        );
    }

    #[test]
    fn patterns_whose_halves_may_be_missing_are_left_to_the_thorough_search() {
        assert!(Halves::of(b"short", 4096).is_none());
        assert!(Halves::of(b"abcd\0\0\0\0", 4096).is_none());
        assert!(Halves::of(&[1; 5000], 4096).is_none());
    }
}
