//! Contents of memory in a CRIU set: page maps, pages files, parents, compressed blocks.

use std::{
    collections::{HashMap, HashSet},
    io::{Seek, Write},
    sync::Arc,
};

use crate::{
    Error, Loss, Result,
    bytes::{Blob, FileAt},
    criu::{
        Set, pagemap,
        pagemap::{Blocks, LAZY, PAGE, PARENT, PRESENT, Pagemap, Run},
    },
    tree::{Pages, Tree},
};

/// Finds pages, and keeps the list of blobs that they lie in.
#[derive(Default)]
pub(crate) struct Memory {
    blobs: Vec<Blob>,
    known: HashMap<(usize, u32), usize>,
    maps: HashSet<String>,
    spool: Option<Spool>,
}

/// Decompressed pages: an unnamed temporary file, since pages must be readable in any order.
struct Spool {
    file: std::fs::File,
    len: u64,
    blob: usize,
}

impl Memory {
    /// All pages of a page map, ascending. Pages of parents come from there; a missing page map has no pages.
    pub(crate) fn pages(
        &mut self,
        set: &Set,
        name: &str,
        losses: &mut Vec<Loss>,
    ) -> Result<Vec<Pages>> {
        self.maps.insert(name.to_owned());
        self.peek(set, name, losses)
    }

    /// The same of a page map that is not taken for read: it stays with what is kept of the set.
    pub(crate) fn peek(
        &mut self,
        set: &Set,
        name: &str,
        losses: &mut Vec<Loss>,
    ) -> Result<Vec<Pages>> {
        let Some(file) = set.get(name) else {
            return Ok(Vec::new());
        };
        let map = Pagemap::open(file)?;
        let pages_id = map.pages_id;
        let (mut out, mut at) = (Vec::new(), 0);
        let mut inherited: Option<Vec<Pages>> = None;
        for run in map {
            let run = run?;
            if run.flags & PRESENT != 0 {
                self.present(set, pages_id, &run, at, &mut out)?;
                at += run.stored();
            } else if run.flags & PARENT != 0 {
                if inherited.is_none() {
                    inherited = Some(self.inherited(set, name, losses)?);
                }
                let inherited = inherited.as_deref().unwrap_or_default();
                out.extend(within(inherited, run.addr, run.len()));
            } else if run.flags & LAZY != 0 {
                losses.push(Loss::new(
                    "criu.lazy-pages",
                    name,
                    "vaddr",
                    format!("{} pages at {:#x}", run.pages, run.addr),
                    "the pages stayed with the process that was dumped",
                ));
            }
        }
        Ok(out)
    }

    /// The pages of a page map as a set without parents and without compression holds them: the map, and the pages.
    pub(crate) fn flat(set: &Set, file: &Blob) -> Result<[Blob; 2]> {
        let (mut memory, mut losses) = (Self::default(), Vec::new());
        let pages = memory.pages(set, &file.name, &mut losses)?;
        let blobs = memory.finish()?;
        let id = Pagemap::open(file)?.pages_id;
        let (mut map, mut parts) = (pagemap::Writer::new(id), Vec::new());
        for run in pages {
            map.run(run.addr, run.len / PAGE, PRESENT);
            parts.extend(blobs.get(run.blob).map(|blob| blob.part(run.at, run.len)));
        }
        Ok([
            Blob::new(&file.name, Arc::new(map.finish())),
            Blob::joined(format!("pages-{id}.img"), parts),
        ])
    }

    /// Whether the pages of a page map were asked for.
    pub(crate) fn has_read(&self, name: &str) -> bool {
        self.maps.contains(name)
    }

    /// Contents that lie in a file of their own, from the first page on.
    pub(crate) fn plain(&mut self, bytes: Blob) -> Vec<Pages> {
        let len = bytes.len() / PAGE * PAGE;
        let blob = Tree::add(&mut self.blobs, bytes);
        let whole = Pages {
            addr: 0,
            len,
            blob,
            at: 0,
        };
        if len == 0 { Vec::new() } else { vec![whole] }
    }

    fn inherited(&mut self, set: &Set, name: &str, losses: &mut Vec<Loss>) -> Result<Vec<Pages>> {
        match &set.parent {
            Some(parent) => self.pages(parent, name, losses),
            None => Err(Error::damaged(
                name,
                0,
                "pages in a parent set",
                "no parent",
                "a directory called parent",
            )),
        }
    }

    fn present(
        &mut self,
        set: &Set,
        id: u32,
        run: &Run,
        at: u64,
        out: &mut Vec<Pages>,
    ) -> Result<()> {
        let name = format!("pages-{id}.img");
        let key = (std::ptr::from_ref(set) as usize, id);
        let blob = if let Some(&blob) = self.known.get(&key) {
            blob
        } else {
            let blob = Tree::add(&mut self.blobs, set.need(&name)?.clone());
            self.known.insert(key, blob);
            blob
        };
        let file = self
            .blobs
            .get(blob)
            .cloned()
            .ok_or_else(|| Error::Unsupported(name.clone()))?;
        if at
            .checked_add(run.stored())
            .is_none_or(|end| end > file.len())
        {
            let found = format!("end of file at {:#x}", file.len());
            return Err(Error::damaged(
                name,
                at,
                format!("pages of {:#x}", run.addr),
                found,
                format!("{} bytes", run.stored()),
            ));
        }
        match &run.blocks {
            None => out.push(Pages {
                addr: run.addr,
                len: run.len(),
                blob,
                at,
            }),
            Some(blocks) => out.push(self.unpack(&file, run, blocks, at)?),
        }
        Ok(())
    }

    fn unpack(&mut self, file: &Blob, run: &Run, blocks: &Blocks, at: u64) -> Result<Pages> {
        if self.spool.is_none() {
            let file = tempfile::tempfile().map_err(Error::Temporary)?;
            // A place for the blob, which can only be made when the file has its length.
            let blob = Tree::add(
                &mut self.blobs,
                Blob::new("decompressed pages", Arc::new(Vec::new())),
            );
            self.spool = Some(Spool { file, len: 0, blob });
        }
        let Some(spool) = &mut self.spool else {
            return Err(Error::Unsupported("no temporary file".into()));
        };
        let start = spool.len;
        blocks.unpack(file, at, run.pages, |block| {
            spool.len += block.len() as u64;
            spool.file.write_all(block).map_err(Error::Temporary)
        })?;
        Ok(Pages {
            addr: run.addr,
            len: run.len(),
            blob: spool.blob,
            at: start,
        })
    }

    /// Runs something that reads memory through a tree while the blobs are still here.
    pub(crate) fn with<T>(&mut self, tree: &mut Tree, run: impl FnOnce(&Tree) -> T) -> T {
        self.settle().ok();
        tree.blobs = std::mem::take(&mut self.blobs);
        let out = run(tree);
        self.blobs = std::mem::take(&mut tree.blobs);
        out
    }

    fn settle(&mut self) -> Result<()> {
        if let Some(spool) = &mut self.spool {
            spool.file.flush().map_err(Error::Temporary)?;
            let mut copy = spool.file.try_clone().map_err(Error::Temporary)?;
            copy.seek(std::io::SeekFrom::End(0))
                .map_err(Error::Temporary)?;
            if let Some(slot) = self.blobs.get_mut(spool.blob) {
                *slot = Blob::new(
                    "decompressed pages",
                    Arc::new(FileAt::new(copy).map_err(Error::Temporary)?),
                );
            }
        }
        Ok(())
    }

    /// The blobs that all pages refer to.
    pub(crate) fn finish(mut self) -> Result<Vec<Blob>> {
        self.settle()?;
        Ok(self.blobs)
    }
}

/// The parts of ascending `pages` that lie in a range.
pub(crate) fn within(pages: &[Pages], addr: u64, len: u64) -> impl Iterator<Item = Pages> + '_ {
    let end = addr.saturating_add(len);
    let first = pages.partition_point(|p| p.addr + p.len <= addr);
    let all = pages.get(first..).unwrap_or_default().iter();
    all.take_while(move |p| p.addr < end).map(move |p| {
        let from = p.addr.max(addr);
        Pages {
            addr: from,
            len: (p.addr + p.len).min(end) - from,
            at: p.at + (from - p.addr),
            ..*p
        }
    })
}

/// All pages of `above`, and those of `below` where it has none.
pub(crate) fn overlaid(above: &[Pages], below: &[Pages]) -> Vec<Pages> {
    let (mut out, mut end) = (Vec::new(), 0);
    for page in above {
        out.extend(within(below, end, page.addr.saturating_sub(end)));
        out.push(*page);
        end = page.addr + page.len;
    }
    out.extend(within(below, end, u64::MAX));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_range() {
        let pages = [
            Pages {
                addr: 0x1000,
                len: 0x3000,
                blob: 0,
                at: 0,
            },
            Pages {
                addr: 0x8000,
                len: 0x1000,
                blob: 0,
                at: 0x3000,
            },
        ];
        let part = Pages {
            addr: 0x2000,
            len: 0x2000,
            blob: 0,
            at: 0x1000,
        };
        let got: Vec<_> = within(&pages, 0x2000, 0x7000).collect();
        assert_eq!(got, [part, pages[1]]);
        assert_eq!(within(&pages, 0x4000, 0x4000).count(), 0);
        let above = Pages {
            addr: 0,
            len: 0x2000,
            blob: 1,
            at: 0,
        };
        assert_eq!(overlaid(&[above], &pages), [above, part, pages[1]]);
        assert_eq!(overlaid(&[pages[1]], &pages), pages);
    }
}
