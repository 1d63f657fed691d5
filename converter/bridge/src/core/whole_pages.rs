//! The segments of a core as whole pages, which is what a process is made of.
//!
//! The kernel dumps pages. gdb that talks to a stub without a memory map (qemu's, a board's) writes the sections of the
//! program and pieces of the stack: they begin and end anywhere, and several may share a page.

use std::collections::BTreeMap;

use super::Segment;
use crate::{
    Error, Result,
    bytes::Blob,
    tree::{PAGE, Pages},
};

/// Pages that are put together from pieces, at most: 64 MiB. A core written by gdb has a few.
const MOST_JOINED: usize = 1 << 14;

/// Neighbouring pages with one protection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stretch {
    /// First address, of a page.
    pub(crate) start: u64,
    /// Behind the last page.
    pub(crate) end: u64,
    /// `PF_X` 1, `PF_W` 2, `PF_R` 4; of all segments in it.
    pub(crate) flags: u32,
    /// What the core holds of it: of the file (blob 0), or of [`WholePages::joined`] (blob 1).
    pub(crate) pages: Vec<Pages>,
}

/// See [`whole_pages`].
#[derive(Debug, Default)]
pub(crate) struct WholePages {
    /// By address, without overlap.
    pub(crate) stretches: Vec<Stretch>,
    /// Contents of pages that no segment holds alone.
    pub(crate) joined: Vec<u8>,
    /// Pages in `joined` with bytes that are in no segment; they are zero.
    pub(crate) incomplete: u64,
    /// Where segments of whole pages begin that lie over another one, or have no room; they are left out.
    pub(crate) bad: Vec<u64>,
    /// Sections that begin within another one, as those of thread-local data do; of what two hold, the first counts.
    pub(crate) shared: u64,
}

/// Rounds segments to pages. Of a segment that the file does not hold to its end, only whole pages count.
///
/// # Errors
/// The file cannot be read, or more than 64 MiB would have to be put together.
pub(crate) fn whole_pages(file: &Blob, segments: &[Segment]) -> Result<WholePages> {
    let mut sorted: Vec<&Segment> = segments.iter().filter(|s| s.mem_size > 0).collect();
    sorted.sort_by_key(|s| s.addr);
    let mut joiner = Joiner {
        file,
        whole: WholePages::default(),
        held: BTreeMap::new(),
    };
    let mut end = 0u64;
    for segment in sorted {
        let behind = segment.addr.checked_add(segment.mem_size);
        let Some(behind) = behind.filter(|behind| *behind <= u64::MAX - PAGE) else {
            joiner.whole.bad.push(segment.addr);
            continue;
        };
        let covered = end.saturating_sub(segment.addr);
        if covered == 0 {
            joiner.add(segment)?;
        } else if is_of_pages(segment) {
            joiner.whole.bad.push(segment.addr);
            continue;
        } else {
            joiner.whole.shared += 1;
            joiner.add(&behind_first(segment, covered))?;
        }
        end = end.max(behind);
    }
    let incomplete = joiner.held.values().filter(|held| **held < PAGE).count();
    joiner.whole.incomplete = incomplete as u64;
    Ok(joiner.whole)
}

struct Joiner<'a> {
    file: &'a Blob,
    whole: WholePages,
    /// By address of a joined page: how many of its bytes are known.
    held: BTreeMap<u64, u64>,
}

impl Joiner<'_> {
    fn add(&mut self, segment: &Segment) -> Result<()> {
        if segment.mem_size == 0 {
            return Ok(());
        }
        let (start, end) = (down(segment.addr), up(segment.addr + segment.mem_size));
        match self.whole.stretches.last_mut() {
            Some(last) if start < last.end => {
                last.flags |= segment.flags;
                last.end = last.end.max(end);
            }
            _ => self.whole.stretches.push(Stretch {
                start,
                end,
                flags: segment.flags,
                pages: Vec::new(),
            }),
        }
        let in_file = self.file.len().saturating_sub(segment.offset);
        let data_end = if in_file < segment.file_size {
            down(segment.addr + in_file)
        } else {
            segment.addr + segment.file_size.min(segment.mem_size)
        };
        let mut at = segment.addr;
        while at < data_end {
            let stop = if at.is_multiple_of(PAGE) && down(data_end) > at {
                down(data_end)
            } else {
                data_end.min(down(at) + PAGE)
            };
            let offset = segment.offset + (at - segment.addr);
            if at.is_multiple_of(PAGE) && stop.is_multiple_of(PAGE) {
                self.push(Pages {
                    addr: at,
                    len: stop - at,
                    blob: 0,
                    at: offset,
                });
            } else {
                self.join(at, stop - at, offset)?;
            }
            at = stop;
        }
        Ok(())
    }

    fn push(&mut self, pages: Pages) {
        match self.whole.stretches.last_mut() {
            // Most have one, of which there may be hundreds of thousands: no room for more.
            Some(last) if last.pages.is_empty() => last.pages = vec![pages],
            Some(last) => last.pages.push(pages),
            None => {}
        }
    }

    /// Puts bytes in their place in a page of our own.
    fn join(&mut self, addr: u64, len: u64, offset: u64) -> Result<()> {
        let page = down(addr);
        if !self.held.contains_key(&page) {
            if self.held.len() == MOST_JOINED {
                let what = "a core with more than 64 MiB in pages that segments share";
                return Err(Error::Unsupported(what.into()));
            }
            let at = self.whole.joined.len() as u64;
            self.whole.joined.resize(self.whole.joined.len() + 4096, 0);
            self.push(Pages {
                addr: page,
                len: PAGE,
                blob: 1,
                at,
            });
        }
        *self.held.entry(page).or_default() += len;
        let bytes = self.file.read(offset, len, PAGE)?;
        // The page is the last one that was begun: segments come in the order of their addresses.
        let begin = self.whole.joined.len() - 4096 + usize::try_from(addr - page).unwrap_or(0);
        if let Some(place) = self.whole.joined.get_mut(begin..begin + bytes.len()) {
            place.copy_from_slice(&bytes);
        }
        Ok(())
    }
}

fn is_of_pages(segment: &Segment) -> bool {
    segment.addr.is_multiple_of(PAGE) && segment.mem_size.is_multiple_of(PAGE)
}

/// What follows the first `len` bytes of a segment.
fn behind_first(segment: &Segment, len: u64) -> Segment {
    let len = len.min(segment.mem_size);
    let in_file = len.min(segment.file_size);
    Segment {
        addr: segment.addr + len,
        mem_size: segment.mem_size - len,
        offset: segment.offset.saturating_add(in_file),
        file_size: segment.file_size - in_file,
        flags: segment.flags,
    }
}

fn down(addr: u64) -> u64 {
    addr - addr % PAGE
}

fn up(addr: u64) -> u64 {
    addr.next_multiple_of(PAGE)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn segment(addr: u64, mem_size: u64, offset: u64, file_size: u64, flags: u32) -> Segment {
        Segment {
            addr,
            mem_size,
            offset,
            file_size,
            flags,
        }
    }

    fn file() -> Blob {
        let bytes: Vec<u8> = (0..0x9000u32).map(|i| (i % 251) as u8 + 1).collect();
        Blob::new("core", Arc::new(bytes))
    }

    #[test]
    fn segments_of_pages_stay_as_they_are() {
        let segments = [
            segment(0x8000, 0x3000, 0x1000, 0x2000, 5),
            segment(0xb000, 0x1000, 0, 0, 6),
        ];
        let whole = whole_pages(&file(), &segments).unwrap();
        let run = |addr, len, at| Pages {
            addr,
            len,
            blob: 0,
            at,
        };
        assert_eq!(
            whole.stretches,
            [
                Stretch {
                    start: 0x8000,
                    end: 0xb000,
                    flags: 5,
                    pages: vec![run(0x8000, 0x2000, 0x1000)]
                },
                Stretch {
                    start: 0xb000,
                    end: 0xc000,
                    flags: 6,
                    pages: vec![]
                },
            ]
        );
        assert!(whole.joined.is_empty() && whole.bad.is_empty());
    }

    #[test]
    fn sections_that_share_pages_keep_every_byte() {
        // .text, .rodata behind it in the same page, .data two pages on.
        let segments = [
            segment(0x10074, 0x1100, 0x200, 0x1100, 5),
            segment(0x11180, 0x20, 0x1400, 0x20, 4),
            segment(0x13ff0, 0x20, 0x2000, 0x20, 6),
        ];
        let file = file();
        let whole = whole_pages(&file, &segments).unwrap();
        let spans: Vec<_> = whole
            .stretches
            .iter()
            .map(|s| (s.start, s.end, s.flags))
            .collect();
        assert_eq!(spans, [(0x10000, 0x12000, 5), (0x13000, 0x15000, 6)]);
        assert_eq!(whole.incomplete, 4);
        for s in &segments {
            for i in 0..s.file_size {
                assert_eq!(
                    byte(&whole, &file, s.addr + i),
                    byte_at(&file, s.offset + i)
                );
            }
        }
        assert_eq!(byte(&whole, &file, 0x10073), 0);
        assert_eq!(byte(&whole, &file, 0x11174), 0);
    }

    fn byte_at(blob: &Blob, at: u64) -> u8 {
        blob.read(at, 1, 1).unwrap()[0]
    }

    fn byte(whole: &WholePages, file: &Blob, addr: u64) -> u8 {
        let joined = Blob::new("joined", Arc::new(whole.joined.clone()));
        let mut runs = whole.stretches.iter().flat_map(|s| &s.pages);
        let run = runs
            .find(|run| (run.addr..run.addr + run.len).contains(&addr))
            .unwrap();
        let blob = [file, &joined][run.blob];
        byte_at(blob, run.at + (addr - run.addr))
    }

    #[test]
    fn whole_pages_of_what_a_cut_file_holds() {
        let whole = whole_pages(&file(), &[segment(0x8000, 0x4000, 0x6800, 0x4000, 5)]).unwrap();
        assert_eq!(whole.stretches[0].pages[0].len, 0x2000);
        assert_eq!(whole.stretches[0].pages.len(), 1);
    }

    #[test]
    fn segments_over_each_other_or_behind_the_end_of_all_are_named() {
        let segments = [
            segment(0x8000, 0x2000, 0, 0x2000, 5),
            segment(0x9000, 0x2000, 0, 0x2000, 5),
            segment(u64::MAX - 8, 0x20, 0, 0x20, 5),
            segment(u64::MAX - 8, 8, 0, 8, 5),
        ];
        let whole = whole_pages(&file(), &segments).unwrap();
        assert_eq!(whole.bad, [0x9000, u64::MAX - 8, u64::MAX - 8]);
        assert_eq!(whole.stretches.len(), 1);
    }

    #[test]
    fn more_joined_pages_than_any_debugger_writes_are_refused() {
        let many = |count: u64| {
            (0..count)
                .map(|n| segment(n * PAGE + 8, 8, 0, 8, 6))
                .collect()
        };
        let most = MOST_JOINED as u64;
        let (fits, over): (Vec<_>, Vec<_>) = (many(most), many(most + 1));
        assert_eq!(whole_pages(&file(), &fits).unwrap().incomplete, most);
        assert!(whole_pages(&file(), &over).is_err());
    }

    #[test]
    fn sections_over_each_other_lose_nothing() {
        // .tdata over .init_array and .data.rel.ro, as in every static program.
        let segments = [
            segment(0x660b8, 0x24, 0x100, 0x24, 6),
            segment(0x660b8, 4, 0x100, 4, 6),
            segment(0x660c0, 0x1f40, 0x108, 0x1f40, 6),
        ];
        let file = file();
        let whole = whole_pages(&file, &segments).unwrap();
        assert_eq!((whole.shared, whole.bad.len()), (2, 0));
        for i in 0..0x1f48 {
            assert_eq!(byte(&whole, &file, 0x660b8 + i), byte_at(&file, 0x100 + i));
        }
    }
}
