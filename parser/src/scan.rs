//! Searching a whole image file for a pattern or parts of it, without knowing what its bytes are.
//!
//! A pattern no longer than a page crosses at most one page border, so one of its halves stands
//! undivided in the file, wherever the pages of a process lie in it. Looking for the halves in
//! file order costs one pass however many page runs there are, and shares the bytes with a reader
//! of the records; what is found is then checked by address.

use crate::memory::{Backing, Memory, every, spans};
use crate::model::{Image, ObjRef};
use crate::source::{Source, Watch};
use memchr::memmem::Finder;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

/// Patterns below this length have halves that are found everywhere.
const SHORTEST: usize = 6;
/// Finds that are kept; to check more of them takes longer than to read memory in its order.
const MAX_HITS: usize = 1 << 15;
/// Bytes that are read at once.
const CHUNK: u64 = 1 << 20;
/// Bytes in which one half is looked for before the other: they stay in the nearest cache.
const BLOCK: usize = 16 << 10;

/// A search for a pattern, or for its halves.
///
/// It is shown what others read anyway ([`Watch`]), and reads the rest with [`Scan::finish`].
pub struct Scan {
    /// What is looked for, and how far into the pattern it stands. The first is the longest.
    parts: Vec<(Finder<'static>, u64)>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Start and end of what has been looked at.
    seen: Vec<(u64, u64)>,
    /// Where the pattern would start.
    starts: Vec<u64>,
}

impl Watch for Scan {
    fn saw(&self, offset: u64, bytes: &[u8]) {
        let starts = self.starts_in(offset, bytes);
        let mut state = self.lock();
        let end = offset.saturating_add(bytes.len() as u64);
        state.seen.push((offset, end));
        state.starts.extend(starts);
    }
}

impl Scan {
    /// Splits a pattern; `None` if halves would not find all of its occurrences (it is longer than
    /// a page, or a half may be memory that was never written), or too much else.
    pub fn new(pattern: &[u8], page_size: u64) -> Option<Self> {
        let (first, second) = pattern.split_at_checked(pattern.len().div_ceil(2))?;
        let is_zero = |half: &[u8]| half.iter().all(|byte| *byte == 0);
        let fits = pattern.len() >= SHORTEST && pattern.len() as u64 <= page_size;
        (fits && !is_zero(first) && !is_zero(second))
            .then(|| Scan::of(&[(first, 0), (second, first.len() as u64)]))
    }

    /// For the pattern as it stands in the file; `None` if it is empty, or longer than what is
    /// read at once.
    pub fn whole(pattern: &[u8]) -> Option<Self> {
        let fits = !pattern.is_empty() && (pattern.len() as u64) < CHUNK;
        fits.then(|| Scan::of(&[(pattern, 0)]))
    }

    fn of(parts: &[(&[u8], u64)]) -> Self {
        let owned = |(part, into): &(&[u8], u64)| (Finder::new(*part).into_owned(), *into);
        Scan {
            parts: parts.iter().map(owned).collect(),
            state: Mutex::default(),
        }
    }

    /// Bytes of a part that may stand on the far side of a seam.
    fn across(&self) -> u64 {
        let longest = self.parts.first().map_or(0, |part| part.0.needle().len());
        (longest as u64).saturating_sub(1)
    }

    /// Reads what it was not shown, on as many threads as there are processors. Offsets at which
    /// the pattern would start for a part to stand where it does; `None` if there are too many, or
    /// the source can be read once only.
    ///
    /// # Errors
    /// Those of the source.
    pub fn finish(&self, source: &dyn Source) -> io::Result<Option<Vec<u64>>> {
        let Some(len) = source.len() else {
            return Ok(None);
        };
        let rest = Mutex::new(self.rest(len));
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let readers: Option<Vec<_>> = (0..threads).map(|_| source.another()).collect();
        let Some(readers) = readers else {
            return Ok(None);
        };
        thread::scope(|scope| {
            let work = |reader| scope.spawn(|| self.read(reader, &rest));
            let threads: Vec<_> = readers.into_iter().map(work).collect();
            threads.into_iter().try_for_each(|thread| {
                let stopped = |_| Err(io::Error::other("the search stopped"));
                thread.join().unwrap_or_else(stopped)
            })
        })?;
        let mut starts = std::mem::take(&mut self.lock().starts);
        starts.sort_unstable();
        starts.dedup();
        Ok((starts.len() <= MAX_HITS).then_some(starts))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the pattern would start for a part to stand where it does in `bytes`; nothing any
    /// more once there were too many.
    fn starts_in(&self, offset: u64, bytes: &[u8]) -> Vec<u64> {
        let mut starts = Vec::new();
        let kept = self.lock().starts.len();
        let across = usize::try_from(self.across()).unwrap_or(usize::MAX);
        for at in (0..bytes.len()).step_by(BLOCK) {
            if starts.len().saturating_add(kept) > MAX_HITS {
                break;
            }
            let end = at.saturating_add(BLOCK).saturating_add(across);
            let block = bytes.get(at..end.min(bytes.len())).unwrap_or_default();
            for (part, into) in &self.parts {
                let begin = offset.saturating_add(at as u64).wrapping_sub(*into);
                starts.extend(every(part, block).map(|i| begin.wrapping_add(i as u64)));
            }
        }
        starts
    }

    /// Stretches of at most [`CHUNK`] bytes that were not seen, seams between what was seen
    /// included; the last comes first.
    fn rest(&self, len: u64) -> Vec<(u64, u64)> {
        let across = self.across();
        let mut seen = std::mem::take(&mut self.lock().seen);
        seen.push((len, len));
        seen.sort_unstable();
        let (mut rest, mut end) = (Vec::new(), 0);
        for (from, to) in seen {
            let mut at = u64::saturating_sub(end, across);
            let until = from.saturating_add(across).min(len);
            while at < until && from >= end {
                let next = at.saturating_add(CHUNK).min(until);
                rest.push((at, next));
                at = if next == until {
                    until
                } else {
                    next.saturating_sub(across)
                };
            }
            end = end.max(to);
        }
        rest.reverse();
        rest
    }

    /// What each thread does.
    fn read(&self, mut source: Box<dyn Source>, rest: &Mutex<Vec<(u64, u64)>>) -> io::Result<()> {
        let mut buf = Vec::new();
        loop {
            let next = rest.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let Some((at, end)) = next else {
                return Ok(());
            };
            buf.resize(usize::try_from(end.saturating_sub(at)).unwrap_or(0), 0);
            let n = source.read_at(at, &mut buf)?;
            let starts = self.starts_in(at, buf.get(..n).unwrap_or_default());
            self.lock().starts.extend(starts);
        }
    }
}

/// From offsets in the file to addresses.
pub struct Places {
    /// Sorted by where they start.
    runs: Vec<Run>,
}

/// Page contents in one address space.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Run {
    /// Offset in the file.
    start: u64,
    /// Length.
    len: u64,
    space: ObjRef,
    /// Address of the first byte.
    addr: u64,
    /// Largest end, in the file, of this run and all before it.
    reach: u64,
}

impl Places {
    /// Of all page contents of an image, in every address space that maps them.
    pub fn of(image: &Image) -> Places {
        let mut runs = Vec::new();
        for (space, mm) in &image.mms {
            for span in spans(image, mm, 0, u64::MAX) {
                if let Backing::Stored(start) = span.backing {
                    runs.push(Run {
                        start,
                        len: span.len,
                        space: *space,
                        addr: span.addr,
                        reach: 0,
                    });
                }
            }
        }
        runs.sort_unstable();
        let mut reach = 0;
        for run in &mut runs {
            reach = run.start.saturating_add(run.len).max(reach);
            run.reach = reach;
        }
        Places { runs }
    }

    /// Address spaces and addresses at which the pattern does stand, of the offsets at which it
    /// would start ([`Scan::finish`]). Sorted, each once.
    ///
    /// # Errors
    /// Those of the source.
    pub fn check<S: Source>(
        &self,
        memory: &mut Memory<S>,
        pattern: &[u8],
        offsets: &[u64],
    ) -> io::Result<Vec<(ObjRef, u64)>> {
        let mut found = Vec::new();
        for (space, addr) in self.starts(offsets, pattern.len() as u64) {
            let Some(mm) = memory.image().mms.get(&space) else {
                continue;
            };
            if memory.read_known(mm, addr, pattern.len())?.as_deref() == Some(pattern) {
                found.push((space, addr));
            }
        }
        Ok(found)
    }

    /// Address spaces and addresses at which a pattern of `len` bytes may start, if it would start
    /// at these offsets. Sorted, each once.
    fn starts(&self, offsets: &[u64], len: u64) -> Vec<(ObjRef, u64)> {
        let mut starts = Vec::new();
        for offset in offsets {
            let end = offset.saturating_add(len);
            let behind = self.runs.partition_point(|run| run.start < end);
            let before = self.runs.get(..behind).unwrap_or_default().iter().rev();
            let near = before.take_while(|run| run.reach > *offset);
            let touching = near.filter(|run| run.start.saturating_add(run.len) > *offset);
            starts.extend(touching.map(|run| {
                let inside = offset.wrapping_sub(run.start);
                (run.space, run.addr.wrapping_add(inside))
            }));
        }
        starts.sort_unstable();
        starts.dedup();
        starts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Composite;

    fn scan(pattern: &[u8], file: &[u8], shown: &[(usize, usize)]) -> Vec<u64> {
        let scan = Scan::new(pattern, 4096).unwrap();
        for (from, to) in shown {
            scan.saw(*from as u64, &file[*from..*to]);
        }
        let mut source = Composite::new();
        source.push_bytes(file);
        scan.finish(&source).unwrap().unwrap()
    }

    #[test]
    #[cfg_attr(miri, ignore = "millions of bytes take an interpreter too long")]
    fn halves_are_found_across_chunks_and_overlapping() {
        let chunk = usize::try_from(CHUNK).unwrap();
        let mut file = vec![0; 3 * chunk + 100];
        file[chunk - 2..chunk + 6].copy_from_slice(b"abcdefgh");
        file[50..58].copy_from_slice(b"abcdXXXX");
        file[70..78].copy_from_slice(b"XXXXefgh");
        let end = file.len();
        file[end - 8..].copy_from_slice(b"abcdefgh");
        let shown: [&[_]; 6] = [
            &[],
            &[(0, end)],
            &[(0, chunk), (chunk, end - 6)],
            &[(52, 53), (100, 2 * chunk), (chunk + 1, 2 * chunk + 1)],
            &[(chunk - 1, chunk + 3), (chunk + 3, chunk + 3)],
            &[
                (0, 52),
                (52, 75),
                (75, chunk),
                (chunk, end - 6),
                (end - 6, end),
            ],
        ];
        for shown in shown {
            let want = [50, 70, chunk as u64 - 2, end as u64 - 8];
            assert_eq!(scan(b"abcdefgh", &file, shown), want, "{shown:?}");
        }
        assert_eq!(scan(b"aaaaaaaa", b"aaaaaaaaa", &[]).len(), 10);
    }

    #[test]
    #[cfg_attr(miri, ignore = "millions of bytes take an interpreter too long")]
    fn a_whole_pattern_is_found_across_chunks() {
        let chunk = usize::try_from(CHUNK).unwrap();
        let mut file = vec![0; 2 * chunk + 9];
        for at in [0, chunk - 7, 2 * chunk - 1, 2 * chunk + 1] {
            file[at..at + 8].copy_from_slice(b"ababababa"[..8].into());
        }
        let scan = Scan::whole(b"abab").unwrap();
        let mut source = Composite::new();
        source.push_bytes(&file);
        let found = scan.finish(&source).unwrap().unwrap();
        let every = |at: usize| [at, at + 2, at + 4].map(|at| at as u64);
        let want = [0, chunk - 7, 2 * chunk - 1, 2 * chunk + 1]
            .map(every)
            .concat();
        let mut want: Vec<u64> = want;
        want.sort_unstable();
        want.dedup();
        want.retain(|at| file[usize::try_from(*at).unwrap()..].starts_with(b"abab"));
        assert_eq!(found, want);
        assert!(Scan::whole(b"").is_none());
    }

    /// A source that must not be read.
    struct Spent(u64);

    impl Source for Spent {
        fn read_at(&mut self, _: u64, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("read again"))
        }
        fn len(&self) -> Option<u64> {
            Some(self.0)
        }
        fn is_seekable(&self) -> bool {
            true
        }
        fn another(&self) -> Option<Box<dyn Source>> {
            Some(Box::new(Spent(self.0)))
        }
    }

    #[test]
    fn what_was_shown_is_not_read_again() {
        let finish = |shown: &[u8]| {
            let scan = Scan::whole(b"c").unwrap();
            scan.saw(0, shown);
            scan.finish(&Spent(7))
        };
        assert_eq!(finish(b"..abc..").unwrap(), Some(vec![4]));
        assert!(finish(b"..abc.").is_err());
    }

    #[test]
    fn patterns_whose_halves_may_be_missing_are_left_to_the_thorough_search() {
        assert!(Scan::new(b"short", 4096).is_none());
        assert!(Scan::new(b"abcd\0\0\0\0", 4096).is_none());
        assert!(Scan::new(&[1; 5000], 4096).is_none());
    }

    #[test]
    #[cfg_attr(miri, ignore = "millions of bytes take an interpreter too long")]
    fn a_pattern_that_is_everywhere_is_left_to_the_thorough_search() {
        let scan = Scan::new(b"aaaaaaaa", 4096).unwrap();
        let mut source = Composite::new();
        source.push_bytes(&vec![b'a'; 2 * MAX_HITS]);
        assert_eq!(scan.finish(&source).unwrap(), None);
    }
}
