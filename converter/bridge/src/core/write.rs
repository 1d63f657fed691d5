//! From a [`Core`] and its memory to a core file: headers and notes first, then the pages as they come.

use std::{
    fs::File,
    io::{self, Seek, Write},
};

use super::{Core, Machine, notes};
use crate::{
    Error, Result,
    bytes::{Blob, Order, push_uint},
};

/// Alignment of segments in the file and the granularity of contents, in bytes.
const PAGE: u64 = 4096;
/// Program headers that no longer fit the 16-bit count.
const PN_XNUM: u64 = 0xffff;

/// A mapping and what the core holds of it; becomes one `PT_LOAD`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// First address.
    pub addr: u64,
    /// Length in bytes.
    pub len: u64,
    /// `PF_X` 1, `PF_W` 2, `PF_R` 4.
    pub flags: u32,
    /// Bytes from `addr` on that are written; 0 when the core leaves the mapping out.
    pub file_len: u64,
}

/// Where a core is written to.
pub trait Sink: Write {
    /// Writes this many zeros, or leaves a hole that reads as zeros.
    fn zeros(&mut self, len: u64) -> io::Result<()> {
        io::copy(&mut io::Read::take(io::repeat(0), len), self).map(drop)
    }

    /// Writes the content of a blob.
    fn blob(&mut self, blob: &Blob) -> Result<()>;
}

impl Sink for Vec<u8> {
    fn blob(&mut self, blob: &Blob) -> Result<()> {
        blob.copy_to(self)
    }
}

/// A pipe or anything else that takes bytes only.
#[derive(Debug)]
pub struct Plain<W: Write>(pub W);

impl<W: Write> Write for Plain<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl<W: Write> Sink for Plain<W> {
    fn blob(&mut self, blob: &Blob) -> Result<()> {
        blob.copy_to(&mut self.0)
    }
}

/// A new file, in which memory that was never touched takes no space.
#[derive(Debug)]
pub struct Sparse(pub File);

impl Write for Sparse {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        let end = self.0.stream_position()?;
        if self.0.metadata()?.len() < end {
            self.0.set_len(end)?;
        }
        self.0.flush()
    }
}

impl Sink for Sparse {
    fn zeros(&mut self, len: u64) -> io::Result<()> {
        if len == 0 {
            return Ok(());
        }
        let len = i64::try_from(len).map_err(|_| io::ErrorKind::InvalidInput)?;
        self.0.seek_relative(len)
    }

    fn blob(&mut self, blob: &Blob) -> Result<()> {
        blob.copy_to_file(&mut self.0)
    }
}

/// Writes the contents of one mapping, exactly as many bytes as asked for.
pub trait Content {
    /// Writes the first `file_len` bytes of a mapping.
    fn copy(&mut self, mapping: &Mapping, out: &mut dyn Sink) -> Result<()>;
}

/// Writes a core file. `core.segments` is not looked at: `mappings` says what memory there is.
pub fn write(
    core: &Core,
    mappings: &[Mapping],
    content: &mut dyn Content,
    out: &mut dyn Sink,
) -> Result<()> {
    let notes = notes::encode(core);
    let shape = Shape::of(core.machine);
    let count = mappings.len() as u64 + 1;
    let extended = count >= PN_XNUM;
    let notes_at = shape.header + count * shape.segment + if extended { shape.section } else { 0 };
    let data_at = (notes_at + notes.len() as u64).next_multiple_of(PAGE);
    let mut head = Vec::new();
    file_header(core, &shape, count, &mut head);
    segment(
        core,
        &mut head,
        &Row {
            kind: 4,
            offset: notes_at,
            addr: 0,
            file_len: notes.len() as u64,
            len: 0,
            flags: 0,
            align: 4,
        },
    );
    let mut at = data_at;
    for m in mappings {
        segment(
            core,
            &mut head,
            &Row {
                kind: 1,
                offset: at,
                addr: m.addr,
                file_len: m.file_len,
                len: m.len,
                flags: m.flags,
                align: PAGE,
            },
        );
        at += m.file_len.next_multiple_of(PAGE);
    }
    if extended {
        section_zero(core, &shape, count, &mut head);
    }
    head.extend(notes);
    head.resize(usize::try_from(data_at).unwrap_or(head.len()), 0);
    out.write_all(&head).map_err(Error::writing)?;
    for m in mappings {
        content.copy(m, out)?;
        out.zeros(m.file_len.next_multiple_of(PAGE) - m.file_len)
            .map_err(Error::writing)?;
    }
    out.flush().map_err(Error::writing)
}

/// Sizes of the headers of a class, in bytes.
struct Shape {
    word: usize,
    header: u64,
    segment: u64,
    section: u64,
}

impl Shape {
    fn of(machine: Machine) -> Self {
        match machine.word() {
            8 => Self {
                word: 8,
                header: 64,
                segment: 56,
                section: 64,
            },
            _ => Self {
                word: 4,
                header: 52,
                segment: 32,
                section: 40,
            },
        }
    }
}

fn file_header(core: &Core, shape: &Shape, count: u64, out: &mut Vec<u8>) {
    let class = if shape.word == 8 { 2 } else { 1 };
    let data = if core.order == Order::Little { 1 } else { 2 };
    out.extend([0x7f, b'E', b'L', b'F', class, data, 1, 0]);
    out.resize(16, 0);
    let extended = count >= PN_XNUM;
    let section_at = if extended {
        shape.header + count * shape.segment
    } else {
        0
    };
    let mut push = |value: u64, size: usize| push_uint(out, core.order, value, size);
    push(4, 2);
    push(core.machine.elf().into(), 2);
    push(1, 4);
    push(0, shape.word);
    push(shape.header, shape.word);
    push(section_at, shape.word);
    push(core.e_flags.into(), 4);
    push(shape.header, 2);
    push(shape.segment, 2);
    push(count.min(PN_XNUM), 2);
    push(if extended { shape.section } else { 0 }, 2);
    push(extended.into(), 2);
    push(0, 2);
}

/// One program header.
struct Row {
    kind: u64,
    offset: u64,
    addr: u64,
    file_len: u64,
    len: u64,
    flags: u32,
    align: u64,
}

fn segment(core: &Core, out: &mut Vec<u8>, row: &Row) {
    let word = core.machine.word();
    let flags = u64::from(row.flags);
    push_uint(out, core.order, row.kind, 4);
    if word == 8 {
        push_uint(out, core.order, flags, 4);
    }
    for value in [row.offset, row.addr, 0, row.file_len, row.len] {
        push_uint(out, core.order, value, word);
    }
    if word == 4 {
        push_uint(out, core.order, flags, 4);
    }
    push_uint(out, core.order, row.align, word);
}

/// Section 0 holds the number of program headers in `sh_info`.
fn section_zero(core: &Core, shape: &Shape, count: u64, out: &mut Vec<u8>) {
    let info = if shape.word == 8 { 44 } else { 28 };
    let start = out.len();
    out.resize(start + info, 0);
    push_uint(out, core.order, count, 4);
    out.resize(start + usize::try_from(shape.section).unwrap_or(64), 0);
}
