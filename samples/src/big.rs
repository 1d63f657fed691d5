//! Images too large for the tree, written piece by piece.
//!
//! All of them are valid; only their proportions are unusual. Revisions with ARM headers (R12,
//! R17, R18) give ARM images, the others 32-bit x86 ones.

use std::io::{self, Seek, SeekFrom, Write};

use crate::dialect::{Arch, Dialect, obj};
use crate::file::{File, open};
use crate::head::{Machine, Member};
use crate::memory::{Layout, Vma, flag, kind};
use crate::scenes::{Family, begin, end, quiet_signals};
use crate::stream::Stream;
use crate::task::{Objects, Task};
use crate::thread::Thread;

const PAGE: u64 = 4096;
/// Where the mappings of large processes begin, and the most that one process maps, in bytes.
const BASE: u64 = 0x1000_0000;
const PER_PROCESS: u64 = 1 << 31;

/// Where an image goes: bytes, and page contents that may be left out.
pub trait Output {
    /// Takes the next bytes of the image.
    fn bytes(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Takes the contents of the next pages, `len` bytes.
    fn pages(&mut self, len: u64) -> io::Result<()>;
}

/// Leaves holes where page contents belong: a file of 4 GiB takes a few kilobytes.
#[derive(Debug)]
pub struct Sparse<W: Write + Seek>(pub W);

impl<W: Write + Seek> Output for Sparse<W> {
    fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    fn pages(&mut self, len: u64) -> io::Result<()> {
        let step = i64::try_from(len).map_err(io::Error::other)?;
        self.0.seek(SeekFrom::Current(step)).map(drop)
    }
}

/// Fills pages with noise that is the same in every run.
#[derive(Debug)]
pub struct Filled<W: Write> {
    to: W,
    state: u64,
}

impl<W: Write> Filled<W> {
    /// Writes to `to`, which should be buffered.
    pub fn new(to: W) -> Self {
        Self {
            to,
            state: 0x9e37_79b9_7f4a_7c15,
        }
    }
}

impl<W: Write> Output for Filled<W> {
    fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.to.write_all(bytes)
    }

    fn pages(&mut self, len: u64) -> io::Result<()> {
        let mut page = [0; 4096];
        for _ in 0..len / PAGE {
            for word in page.chunks_exact_mut(8) {
                // xorshift64
                self.state ^= self.state << 13;
                self.state ^= self.state >> 7;
                self.state ^= self.state << 17;
                word.copy_from_slice(&self.state.to_le_bytes());
            }
            self.to.write_all(&page)?;
        }
        Ok(())
    }
}

/// An image with `total_bytes` of page contents in groups of `pages_per_group` pages (at most
/// 16384 on a 32-bit machine), one mapping each: VMA, PGARR, BUFFER, PGARR. A process holds at
/// most 2 GiB of them; more make more processes.
pub fn page_groups(
    to: &mut impl Output,
    revision: u8,
    total_bytes: u64,
    pages_per_group: u32,
) -> io::Result<()> {
    let group = u64::from(pages_per_group) * PAGE;
    if !(1..=16384).contains(&pages_per_group) || !total_bytes.is_multiple_of(group) {
        return refuse("a group has 1 to 16384 pages, and the total is a multiple of a group");
    }
    let (groups, per_process) = (total_bytes / group, PER_PROCESS / group);
    let mut image = Image::new(to, revision, groups.div_ceil(per_process).max(1), |_| 0)?;
    let mut left = groups;
    for _ in 0..image.processes {
        let here = left.min(per_process);
        left -= here;
        image.process(Parts::default(), here, |s, to| {
            (0..here).try_for_each(|n| {
                let start = BASE + n * group;
                s.vma(&Vma::anon(start, start + group, alternating(n)));
                page_group(s, to, start, pages_per_group, PAGE)?;
                s.page_count(0);
                Ok(())
            })
        })?;
    }
    image.finish()
}

/// One group of pages, `stride` bytes from one to the next; their contents go to the output directly.
fn page_group(
    s: &mut Stream,
    to: &mut impl Output,
    start: u64,
    pages: u32,
    stride: u64,
) -> io::Result<()> {
    s.page_count(pages as usize);
    let at = s.out.len();
    s.buffer(|b| {
        for page in 0..u64::from(pages) {
            b.word(start + page * stride);
        }
    });
    s.patch_u32(at + 4, 8 + pages * 4100);
    flush(s, to)?;
    to.pages(u64::from(pages) * PAGE)
}

/// An image of one process with one mapping, of which every other page is there: `n` runs of one page.
pub fn runs(to: &mut impl Output, revision: u8, n: u64) -> io::Result<()> {
    const GROUP: u64 = 32;
    let (stride, end) = (2 * PAGE, BASE + n * 2 * PAGE);
    if n > PER_PROCESS / stride {
        return refuse("a process has room for 262144 runs");
    }
    let mut image = Image::new(to, revision, 1, |_| 0)?;
    image.process(Parts::default(), 1, |s, to| {
        s.vma(&Vma::anon(BASE, end, flag::DATA));
        for group in 0..n.div_ceil(GROUP) {
            let first = group * GROUP;
            let pages = count32(GROUP.min(n - first))?;
            page_group(s, to, BASE + first * stride, pages, stride)?;
        }
        s.page_count(0);
        Ok(())
    })?;
    image.finish()
}

/// An image of exactly `n` records: files, and mappings without pages.
pub fn records(to: &mut impl Output, revision: u8, n: u64) -> io::Result<()> {
    let base = parts(&mut Filled::new(io::sink()), revision, Parts::default())?;
    let Some(extra) = n.checked_sub(base) else {
        return refuse("an empty process has more records");
    };
    // A mapping is two records, a file on a descriptor four.
    let files = (extra / 8).max(extra.saturating_sub(1_000_000) / 4);
    let left = extra - 4 * files;
    parts(
        to,
        revision,
        Parts {
            files,
            mappings: left / 2,
            bare: left % 2,
        },
    )
    .map(drop)
}

/// An image of one process with `n` mappings without pages, two records each.
pub fn vmas(to: &mut impl Output, revision: u8, n: u64) -> io::Result<()> {
    parts(
        to,
        revision,
        Parts {
            mappings: n,
            ..Parts::default()
        },
    )
    .map(drop)
}

/// An image of `n` processes that share the first one's objects but not its signals: children of
/// the first in families of sixteen.
pub fn tasks(to: &mut impl Output, revision: u8, n: u64) -> io::Result<()> {
    let mut image = Image::new(to, revision, n, |n| {
        if n % 16 == 1 { 0 } else { n - (n - 1) % 16 }
    })?;
    let first = image.process(Parts::default(), 0, |_, _| Ok(()))?;
    for _ in 1..n {
        let s = &mut image.s;
        let who = (&Task::asleep(b"sibling"), &Thread::default());
        begin(s, &image.machine, &mut image.family, who);
        s.task_objs(&mut Objects { signal: 0, ..first });
        quiet_signals(s);
        flush(s, image.to)?;
    }
    image.finish()
}

/// How many of each small thing a process has.
#[derive(Clone, Copy, Default)]
struct Parts {
    files: u64,
    mappings: u64,
    /// Mappings that are one record.
    bare: u64,
}

/// An image of one process made of parts; returns the number of its records.
fn parts(to: &mut impl Output, revision: u8, parts: Parts) -> io::Result<u64> {
    if parts.mappings > 700_000 {
        return refuse("a 32-bit address space has room for 700000 mappings");
    }
    let mut image = Image::new(to, revision, 1, |_| 0)?;
    image.process(parts, parts.mappings + parts.bare, |s, to| {
        for n in 0..parts.mappings {
            let start = BASE + n * PAGE;
            s.mapped(&Vma::anon(start, start + PAGE, alternating(n)), &[]);
            flush(s, to)?;
        }
        let end = BASE + parts.mappings * PAGE;
        for n in 0..parts.bare {
            let special = Vma::anon(end + n * PAGE, end + (n + 1) * PAGE, flag::TEXT);
            s.vma(&Vma {
                kind: kind::VDSO,
                ..special
            });
        }
        Ok(())
    })?;
    let records = image.s.records + 1;
    image.finish()?;
    Ok(records)
}

/// An image being written.
struct Image<'a, O: Output> {
    s: Stream,
    to: &'a mut O,
    machine: Machine,
    family: Family,
    processes: u64,
}

impl<'a, O: Output> Image<'a, O> {
    /// Head and tree of `processes` tasks; `parent` gives the index of a task's parent.
    fn new(
        to: &'a mut O,
        revision: u8,
        processes: u64,
        parent: fn(u64) -> u64,
    ) -> io::Result<Self> {
        let arch = if matches!(revision, 12 | 17..) {
            Arch::Arm
        } else {
            Arch::I386
        };
        let mut s = Stream::new(Dialect::new(revision, arch));
        let machine = Machine::of(&s);
        s.head(&machine);
        let pid = |n: u64| i32::try_from(n + 1).map_err(io::Error::other);
        let members = (0..processes).map(|n| {
            let parent = if n == 0 { 0 } else { pid(parent(n))? };
            Ok(Member::process(pid(n)?, parent, 1))
        });
        s.tree(&members.collect::<io::Result<Vec<_>>>()?);
        Ok(Self {
            s,
            to,
            machine,
            family: Family::default(),
            processes,
        })
    }

    /// A process with that many files and mappings, which `fill` writes.
    fn process(
        &mut self,
        parts: Parts,
        mappings: u64,
        fill: impl FnOnce(&mut Stream, &mut O) -> io::Result<()>,
    ) -> io::Result<Objects> {
        let (s, to) = (&mut self.s, &mut *self.to);
        begin(
            s,
            &self.machine,
            &mut self.family,
            (&Task::new(b"large"), &Thread::default()),
        );
        let mut outcome = Ok(());
        let files = s.object(obj::FILE_TABLE, |s, _| {
            outcome = many_files(s, to, parts.files);
        });
        outcome?;
        let mappings = count32(mappings)?;
        let mut outcome = Ok(());
        let mm = s.object(obj::MM, |s, _| {
            s.mm_record(&Layout::PLAIN, 0, mappings);
            outcome = fill(s, to);
            s.mm_context();
        });
        outcome?;
        let objects = end(s, files, mm);
        flush(s, to)?;
        Ok(objects)
    }

    fn finish(self) -> io::Result<()> {
        self.to.bytes(&self.s.tail())
    }
}

/// A descriptor table of `count` files.
fn many_files(s: &mut Stream, to: &mut impl Output, count: u64) -> io::Result<()> {
    s.file_table_record(count32(count)?);
    for number in 0..i32::try_from(count).map_err(io::Error::other)? {
        let path = format!("/var/spool/large/{:03}/{number}", number % 1000);
        s.open_file(number, path.as_bytes(), File::new(open::READ | open::LARGE));
        flush(s, to)?;
    }
    Ok(())
}

/// Neighbours differ in their flags: equal ones would be one mapping.
fn alternating(n: u64) -> u64 {
    if n.is_multiple_of(2) {
        flag::DATA
    } else {
        flag::CODE
    }
}

fn flush(s: &mut Stream, to: &mut impl Output) -> io::Result<()> {
    to.bytes(&s.out)?;
    s.out.clear();
    Ok(())
}

fn count32(count: u64) -> io::Result<u32> {
    u32::try_from(count).map_err(io::Error::other)
}

fn refuse<T>(why: &str) -> io::Result<T> {
    Err(io::Error::new(io::ErrorKind::InvalidInput, why))
}
