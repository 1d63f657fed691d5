//! A checkpoint stream that is not there: small records in memory, page contents where they lie.
//!
//! It reads like a file, so whoever reads checkpoint files reads foreign images too, and writing it out is copying.
//!
//! `ckpt_parser::source::Composite` is another virtual file. It reads through `&mut` sources and owns a vector for each
//! piece; this one is read by many at once through a shared reference, hands extents to the kernel to copy, and keeps
//! all small records in one vector, since a foreign image makes millions of them between its extents. One on top of the
//! other would be longer than both.

use std::{
    fs::File,
    io::{self, Write},
    mem,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use ckpt_format::{
    Abi, Arch, Dialect, Object, Order as Ends, Revision, Slot, Tables, Tag, layout::Layout,
};

use crate::{
    Error, Result,
    bytes::{Blob, Order, ReadAt, put_uint},
    core::Machine,
};

/// What stands at some offset of the stream.
#[derive(Debug, Clone, Copy)]
enum Part {
    /// Bytes of `small`, from this offset on.
    Small(usize),
    /// Bytes of a blob, from this offset on.
    Blob(usize, u64),
}

/// A stream of revision R18 in the making, and when made.
#[derive(Debug)]
pub struct Stream {
    small: Vec<u8>,
    blobs: Vec<Blob>,
    parts: Vec<(u64, Part)>,
    len: u64,
    /// The part that was read last: readers go on from there, and most read in order.
    last: AtomicUsize,
}

impl Stream {
    /// An empty stream over these contents.
    pub fn new(blobs: Vec<Blob>) -> Self {
        Self {
            small: Vec::new(),
            blobs,
            parts: Vec::new(),
            len: 0,
            last: AtomicUsize::new(0),
        }
    }

    /// Length in bytes.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether nothing was written yet.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Appends bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        if !matches!(self.parts.last(), Some((_, Part::Small(_)))) {
            self.parts.push((self.len, Part::Small(self.small.len())));
        }
        self.small.extend_from_slice(bytes);
        self.len += bytes.len() as u64;
    }

    /// Appends `len` bytes of a blob; neighbours in a blob become one part.
    pub fn push_extent(&mut self, blob: usize, at: u64, len: u64) {
        let follows = match self.parts.last() {
            Some(&(start, Part::Blob(b, from))) => b == blob && from + (self.len - start) == at,
            _ => false,
        };
        if !follows && len > 0 {
            self.parts.push((self.len, Part::Blob(blob, at)));
        }
        self.len += len;
    }

    /// Copies the stream to anything that takes bytes, through one fixed buffer.
    pub fn write_to(&self, out: &mut dyn Write) -> Result<()> {
        self.write_with(
            out,
            |out, bytes| out.write_all(bytes).map_err(Error::writing),
            |out, blob| blob.copy_to(out),
        )
    }

    /// Copies the stream to a file, large contents in the kernel.
    pub fn write_to_file(&self, out: &mut File) -> Result<()> {
        self.write_with(
            out,
            |out, bytes| out.write_all(bytes).map_err(Error::writing),
            |out, blob| blob.copy_to_file(out),
        )
    }

    /// The part that holds an offset, where it starts and ends.
    fn part_at(&self, offset: u64) -> Option<(u64, u64, Part)> {
        let bounds = |index: usize| {
            let &(start, part) = self.parts.get(index)?;
            let end = self.parts.get(index + 1).map_or(self.len, |&(at, _)| at);
            (start <= offset && offset < end).then_some((start, end, part))
        };
        let last = self.last.load(Ordering::Relaxed);
        if let Some(found) = bounds(last) {
            return Some(found);
        }
        let index = match bounds(last + 1) {
            Some(_) => last + 1,
            None => self
                .parts
                .partition_point(|&(at, _)| at <= offset)
                .checked_sub(1)?,
        };
        self.last.store(index, Ordering::Relaxed);
        bounds(index)
    }

    fn write_with<W: ?Sized>(
        &self,
        out: &mut W,
        write: impl Fn(&mut W, &[u8]) -> Result<()>,
        copy: impl Fn(&mut W, &Blob) -> Result<()>,
    ) -> Result<()> {
        let ends = self
            .parts
            .iter()
            .skip(1)
            .map(|&(at, _)| at)
            .chain([self.len]);
        for (&(start, part), end) in self.parts.iter().zip(ends) {
            let len = end - start;
            match part {
                Part::Small(from) => {
                    let bytes = usize::try_from(len)
                        .ok()
                        .and_then(|len| self.small.get(from..from + len));
                    write(out, bytes.unwrap_or_default())?;
                }
                Part::Blob(blob, at) => {
                    let blob = self
                        .blobs
                        .get(blob)
                        .map(|b| b.part(at, len))
                        .filter(|b| b.len() == len);
                    copy(
                        out,
                        &blob.ok_or_else(|| {
                            Error::Unsupported("page contents end before their time".into())
                        })?,
                    )?;
                }
            }
        }
        Ok(())
    }
}

impl ReadAt for Stream {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let Some((start, end, part)) = self.part_at(offset) else {
            return Ok(0);
        };
        let n = usize::try_from(end - offset)
            .unwrap_or(usize::MAX)
            .min(buf.len());
        let Some(buf) = buf.get_mut(..n) else {
            return Ok(0);
        };
        let skip = offset - start;
        match part {
            Part::Small(from) => {
                let from = from + usize::try_from(skip).unwrap_or(usize::MAX);
                buf.copy_from_slice(self.small.get(from..from + n).unwrap_or_default());
            }
            Part::Blob(blob, at) => {
                let blob = self.blobs.get(blob).ok_or(io::ErrorKind::UnexpectedEof)?;
                blob.read_exact_at(at + skip, buf)?;
            }
        }
        Ok(n)
    }

    fn len(&self) -> u64 {
        self.len
    }

    fn at_hand(&self, offset: u64) -> Option<u64> {
        Some(match self.part_at(offset) {
            Some((_, end, Part::Small(_))) => end - offset,
            _ => 0,
        })
    }
}

/// Writes records into a stream, fields by name, layouts from the tables.
pub struct Recorder {
    /// The stream so far.
    pub stream: Stream,
    tables: Arc<Tables>,
    order: Order,
    /// Room for the record that is filled in, kept from one to the next.
    room: Vec<u8>,
}

impl Recorder {
    /// A recorder of revision R18 for a machine.
    pub fn new(machine: Machine, order: Order, blobs: Vec<Blob>) -> Self {
        let arch = match machine {
            Machine::Arm => Arch::Arm,
            Machine::X86 => Arch::X86_32,
            Machine::X86_64 => Arch::X86_64,
        };
        let ends = if order == Order::Little {
            Ends::Little
        } else {
            Ends::Big
        };
        let dialect = Dialect {
            revision: Revision::LAST,
            abi: Abi {
                order: ends,
                ..Abi::usual(arch)
            },
        };
        Self {
            stream: Stream::new(blobs),
            tables: Tables::shared(dialect),
            order,
            room: Vec::new(),
        }
    }

    /// The dialect of the stream.
    pub fn dialect(&self) -> Dialect {
        self.tables.dialect
    }

    /// Writes a record with a layout. `variant` is the value of the word that selects among layouts.
    pub fn record(&mut self, tag: Tag, variant: Option<u32>, fill: impl FnOnce(&mut Fill)) {
        let tables = Arc::clone(&self.tables);
        let Some((number, layout)) = tables
            .by_tag(tag)
            .and_then(|r| Some((r.number, r.variant(variant)?)))
        else {
            debug_assert!(false, "no layout of {tag:?}");
            return;
        };
        let mut bytes = mem::take(&mut self.room);
        bytes.clear();
        bytes.resize(layout.size as usize, 0);
        let mut fill_in = Fill {
            bytes,
            layout,
            order: self.order,
        };
        fill(&mut fill_in);
        self.framed(number, fill_in.bytes.get(8..).unwrap_or_default());
        self.room = fill_in.bytes;
    }

    /// Writes a payload record.
    pub fn payload(&mut self, tag: Tag, bytes: &[u8]) {
        let number = self.number(tag);
        self.framed(number, bytes);
    }

    /// Writes the head of a payload record of `len` bytes, which the caller appends.
    pub fn head(&mut self, tag: Tag, len: u64) {
        let number = self.number(tag);
        self.head_of(number, len);
    }

    fn head_of(&mut self, number: u32, len: u64) {
        let mut head = [0; 8];
        for (word, value) in head.chunks_mut(4).zip([number.into(), len + 8]) {
            put_uint(word, self.order, value);
        }
        self.stream.push(&head);
    }

    /// Announces a shared object.
    pub fn objref(&mut self, object: Object, number: i32) {
        let Dialect { revision, abi } = self.dialect();
        let kind = object.number(revision, abi.arch).unwrap_or(0);
        self.record(Tag::Objref, None, |r| {
            r.set("objtype", kind.into()).set_i32("objref", number);
        });
    }

    fn number(&self, tag: Tag) -> u32 {
        self.tables.by_tag(tag).map_or(0, |r| r.number)
    }

    fn framed(&mut self, number: u32, bytes: &[u8]) {
        self.head_of(number, bytes.len() as u64);
        self.stream.push(bytes);
    }
}

/// A record that is being filled in.
pub struct Fill<'a> {
    bytes: Vec<u8>,
    layout: &'a Layout,
    order: Order,
}

impl Fill<'_> {
    /// Sets a number, cut to the size of its field.
    pub fn set(&mut self, field: &str, value: u64) -> &mut Self {
        self.set_at(field, 0, value)
    }

    /// Sets a signed number.
    pub fn set_i32(&mut self, field: &str, value: i32) -> &mut Self {
        self.set_at(field, 0, i64::from(value).cast_unsigned())
    }

    /// Sets an element of an array.
    pub fn set_at(&mut self, field: &str, index: usize, value: u64) -> &mut Self {
        let little = self.order == Order::Little || field == "arch_id";
        let order = if little { Order::Little } else { Order::Big };
        if let Some((at, size)) = self.slot(field).map(|s| {
            (
                s.offset as usize + index * s.element as usize,
                s.element as usize,
            )
        }) {
            let mut bytes = [0; 8];
            let bytes = bytes.get_mut(..size).unwrap_or_default();
            put_uint(bytes, order, value);
            self.put(at, bytes);
        }
        self
    }

    /// Sets bytes as they are.
    pub fn set_bytes(&mut self, field: &str, bytes: &[u8]) -> &mut Self {
        if let Some((at, size)) = self
            .slot(field)
            .map(|s| (s.offset as usize, s.size as usize))
        {
            self.put(at, bytes.get(..size.min(bytes.len())).unwrap_or_default());
        }
        self
    }

    /// Appends bytes behind the fixed part, at `at` from the start of the record.
    pub fn tail(&mut self, at: usize, bytes: &[u8]) -> &mut Self {
        self.bytes.resize(self.bytes.len().max(at + bytes.len()), 0);
        self.put(at, bytes);
        self
    }

    /// Makes the record this long, header included.
    pub fn resize(&mut self, len: usize) -> &mut Self {
        self.bytes.resize(len, 0);
        self
    }

    /// Field names are ours, never the input's, so a wrong one is found by the first test that writes it.
    fn slot(&self, field: &str) -> Option<&Slot> {
        let slot = self.layout.named(field);
        debug_assert!(slot.is_some(), "no field {field} in {}", self.layout.c_name);
        slot
    }

    fn put(&mut self, at: usize, bytes: &[u8]) {
        let room = self.bytes.get_mut(at..at + bytes.len());
        debug_assert!(room.is_some(), "{at:#x} of {}", self.layout.c_name);
        if let Some(room) = room {
            room.copy_from_slice(bytes);
        }
    }
}
