//! Searching the image's bytes and the memory of its processes.

use crate::buffers;
use crate::open::Opened;
use crate::pattern::Pattern;
use ckpt_parser::memory::{Memory, stored_len};
use ckpt_parser::model::{Image, ObjRef};
use ckpt_parser::scan::{Places, Scan};
use ckpt_parser::source::{Source, Window};
use memchr::memmem::Finder;
use std::io;
use std::sync::Arc;

/// Where to search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// The bytes of the image.
    Image,
    /// Memory of an address space.
    Memory(ObjRef),
    /// What waits in pipes, sockets, terminals and queues: the offsets of the matches in the image.
    Buffers,
}

/// Places that a search may find; further ones are of no use to anybody.
const MOST: usize = 100_000;
/// Places that are told at once, but for the first, which is told when it is found.
const BATCH: usize = 256;
/// Bytes looked at in one go.
const PIECE: usize = 1 << 20;
/// The whole file is scanned if at least one in so many of its bytes belongs to what is searched.
const WORTH: u64 = 4;

/// Whether somebody still waits for a search.
pub type Current = Arc<dyn Fn() -> bool + Send + Sync>;

/// A source that ends with an error when nobody waits any more.
struct Watched {
    source: Box<dyn Source>,
    opened: Opened,
    current: Current,
}

impl Watched {
    fn new(opened: &Opened, current: &Current) -> io::Result<Watched> {
        Ok(Watched {
            source: opened.source()?,
            opened: opened.clone(),
            current: Arc::clone(current),
        })
    }
}

impl Source for Watched {
    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        if !(self.current)() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        self.source.read_at(offset, buf)
    }
    fn len(&self) -> Option<u64> {
        self.source.len()
    }
    fn is_seekable(&self) -> bool {
        self.source.is_seekable()
    }
    fn another(&self) -> Option<Box<dyn Source>> {
        let another = Watched::new(&self.opened, &self.current).ok()?;
        Some(Box::new(another))
    }
}

/// Searches; tells `report` what was found and whether that is all. Ends early when `current` says
/// that nobody waits any more.
pub fn run(
    opened: &Opened,
    image: Option<&Image>,
    domain: Domain,
    pattern: &Pattern,
    current: &Current,
    mut report: impl FnMut(Vec<u64>, bool),
) {
    let mut batch = Vec::new();
    let mut count = 0;
    let mut take = |at: u64| {
        batch.push(at);
        count += 1;
        if count == 1 || batch.len() >= BATCH {
            if !current() {
                return false;
            }
            report(std::mem::take(&mut batch), false);
        }
        count < MOST
    };
    // A read error ends the search where it occurs; the panes show the error themselves.
    let _ = Watched::new(opened, current).and_then(|source| match (domain, image) {
        (Domain::Image, _) => in_image(source, &pattern.bytes, &mut take),
        (Domain::Memory(mm), Some(image)) => {
            in_memory(source, image, mm, &pattern.bytes, &mut take)
        }
        (Domain::Buffers, Some(image)) => {
            buffers::search(image, source, &pattern.bytes, |hit| take(hit.offset))
        }
        (Domain::Memory(_) | Domain::Buffers, None) => Ok(()),
    });
    if current() {
        report(batch, true);
    }
}

fn in_image(source: Watched, pattern: &[u8], take: &mut impl FnMut(u64) -> bool) -> io::Result<()> {
    let found = Scan::whole(pattern).map(|scan| scan.finish(&source));
    if let Some(found) = found.transpose()?.flatten() {
        found.into_iter().all(take);
        return Ok(());
    }
    let finder = Finder::new(pattern);
    let mut window = Window::new(source);
    let mut at = 0;
    loop {
        let bytes = window.bytes(at, PIECE)?;
        for found in finder.find_iter(bytes) {
            if !take(at + found as u64) {
                return Ok(());
            }
        }
        if bytes.len() < PIECE {
            return Ok(());
        }
        at += (PIECE - (pattern.len() - 1).min(PIECE - 1)) as u64;
    }
}

fn in_memory(
    source: Watched,
    image: &Image,
    number: ObjRef,
    pattern: &[u8],
    take: &mut impl FnMut(u64) -> bool,
) -> io::Result<()> {
    let Some(mm) = image.mms.get(&number) else {
        return Ok(());
    };
    let stored: u64 = mm.vmas.iter().map(|vma| stored_len(image, mm, &vma)).sum();
    let worth = stored >= source.len().unwrap_or(u64::MAX) / WORTH;
    let scan = Scan::new(pattern, image.page_size()).filter(|_| worth);
    let starts = scan.map(|scan| scan.finish(&source));
    let mut memory = Memory::new(image, source);
    let Some(starts) = starts.transpose()?.flatten() else {
        return memory.search(mm, pattern, take);
    };
    if !starts.is_empty() {
        let found = Places::of(image).check(&mut memory, pattern, &starts)?;
        let here = found.into_iter().filter(|(space, _)| *space == number);
        here.map(|(_, addr)| addr).all(take);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ckpt_format::Order;

    #[test]
    fn a_search_that_nobody_waits_for_ends_without_a_word() {
        let pattern = Pattern::parse("here", Order::Little, 4).unwrap();
        let opened = Opened::memory(b"here and here".to_vec());
        let nobody: Current = Arc::new(|| false);
        run(
            &opened,
            None,
            Domain::Image,
            &pattern,
            &nobody,
            |found, _| panic!("{found:?} told to nobody"),
        );
    }

    #[test]
    fn a_scan_of_the_file_finds_what_a_walk_over_the_memory_finds() {
        let opened = Opened::memory(ckpt_samples::EMBEDDED.to_vec());
        let options = ckpt_parser::decoder::Options::default();
        let mut decoder =
            ckpt_parser::decoder::Decoder::new(opened.source().unwrap(), options).unwrap();
        let image = Image::read(&mut decoder, |_| true).unwrap();
        let current: Current = Arc::new(|| true);
        let mut seen = 0;
        for (number, mm) in &image.mms {
            let mut memory = Memory::new(&image, opened.source().unwrap());
            let mut texts = Vec::new();
            let keep = |_, text: &[u8]| {
                texts.push(text[..text.len().min(12)].to_vec());
                Ok(true)
            };
            memory.strings(mm, 8, keep).unwrap();
            for text in texts {
                let mut walked = Vec::new();
                memory
                    .search(mm, &text, |at| {
                        walked.push(at);
                        true
                    })
                    .unwrap();
                let scan = Scan::new(&text, image.page_size()).unwrap();
                let source = Watched::new(&opened, &current).unwrap();
                let starts = scan.finish(&source).unwrap().unwrap();
                let found = Places::of(&image)
                    .check(&mut memory, &text, &starts)
                    .unwrap();
                let found = found.into_iter().filter(|(space, _)| space == number);
                assert_eq!(found.map(|(_, addr)| addr).collect::<Vec<_>>(), walked);
                seen += walked.len();
            }
        }
        assert!(seen > 10, "{seen} strings");
    }

    #[test]
    fn finds_across_pieces() {
        let mut bytes = vec![0; 3 * PIECE];
        for at in [5, PIECE - 2, 2 * PIECE - 3, 3 * PIECE - 4] {
            bytes[at..at + 4].copy_from_slice(b"here");
        }
        let pattern = Pattern::parse("here", Order::Little, 4).unwrap();
        let mut found = Vec::new();
        let mut done = false;
        run(
            &Opened::memory(bytes),
            None,
            Domain::Image,
            &pattern,
            &(Arc::new(|| true) as Current),
            |more, over| {
                found.extend(more);
                done = over;
            },
        );
        assert!(done);
        assert_eq!(
            found,
            [
                5,
                PIECE as u64 - 2,
                2 * PIECE as u64 - 3,
                3 * PIECE as u64 - 4
            ]
        );
    }
}
