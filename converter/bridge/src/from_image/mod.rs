//! From the model of a checkpoint stream to a [`Tree`].
//!
//! The model leaves details out that few need; they are decoded again from the records it names.

mod files;
mod identity;
mod memory;
mod signals;
mod task;

use std::{
    collections::{HashMap, HashSet},
    io,
};

use ckpt_format::{Arch, Order as Ends, Tables, layout::Layout};
use ckpt_parser::{
    model::{Image, ObjRef, RecordAt},
    source::Source,
    text::escape,
};

use crate::{
    Error, Loss, Result,
    bytes::{Blob, Fields, Order, ReadAt},
    core::Machine,
    stream::Stream,
    tree::Tree,
};

/// Key of the address of the vdso in the auxiliary vector.
const AT_SYSINFO_EHDR: u64 = 33;
/// `VM_ALWAYSDUMP`, which marks the vdso in a stream.
const ALWAYSDUMP: u64 = 0x0400_0000;
/// Longest record that is decoded again, in bytes.
const MAX_RECORD: u64 = 1 << 20;
/// Records between a socket and its second part, at most: those of its peers.
const MAX_NESTED: usize = 64;
/// First revision whose queued signals have the long form.
const LONG_SIGINFO: u8 = 13;

/// Makes a tree of a model; `stream` holds the bytes that the model was read from.
pub fn from_image(image: &Image, stream: &Blob) -> Result<(Tree, Vec<Loss>)> {
    let dialect = image.detection.dialect;
    let machine = match dialect.abi.arch {
        Arch::Arm => Machine::Arm,
        Arch::X86_32 => Machine::X86,
        Arch::X86_64 => Machine::X86_64,
        other => {
            return Err(Error::Unsupported(format!(
                "{other}: processes are taken out of images of ARM and x86 only"
            )));
        }
    };
    let order = if dialect.abi.order == Ends::Little {
        Order::Little
    } else {
        Order::Big
    };
    let mut tree = Tree::new(machine, order);
    tree.blobs.push(stream.clone());
    tree.kernel = [
        &image.header.release,
        &image.header.version,
        &image.header.machine,
    ]
    .map(|t| shown(t));
    tree.time = image.header.time;
    let mut r = Reader {
        image,
        stream,
        tables: Tables::new(dialect),
        tree,
        losses: Vec::new(),
        index: Indices::default(),
    };
    r.shared();
    for task in &image.tasks {
        r.task(task);
    }
    r.sessions();
    r.namespaces();
    r.foreign();
    r.homeless();
    Ok((r.tree, r.losses))
}

impl Source for Blob {
    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        Ok(self.read_up_to(offset, buf)?)
    }

    fn len(&self) -> Option<u64> {
        Some(Blob::len(self))
    }

    fn is_seekable(&self) -> bool {
        true
    }

    fn at_hand(&self, offset: u64) -> Option<u64> {
        Blob::at_hand(self, offset)
    }
}

impl Source for Stream {
    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let mut done = 0;
        while let Some(rest) = buf.get_mut(done..).filter(|r| !r.is_empty()) {
            match ReadAt::read_at(self, offset + done as u64, rest)? {
                0 => break,
                n => done += n,
            }
        }
        Ok(done)
    }

    fn len(&self) -> Option<u64> {
        Some(Stream::len(self))
    }

    fn is_seekable(&self) -> bool {
        true
    }

    fn at_hand(&self, offset: u64) -> Option<u64> {
        ReadAt::at_hand(self, offset)
    }
}

/// Indices in the lists of the tree, by object number.
#[derive(Default)]
struct Indices {
    tables: HashMap<ObjRef, usize>,
    files: HashMap<ObjRef, usize>,
    pipes: HashMap<ObjRef, usize>,
    sockets: HashMap<ObjRef, usize>,
    ttys: HashMap<ObjRef, usize>,
    segments: HashMap<ObjRef, usize>,
    mms: HashMap<ObjRef, usize>,
    dirs: HashMap<ObjRef, usize>,
    actions: HashMap<ObjRef, usize>,
    processes: HashMap<ObjRef, usize>,
}

struct Reader<'a> {
    image: &'a Image,
    stream: &'a Blob,
    tables: Tables,
    tree: Tree,
    losses: Vec<Loss>,
    index: Indices,
}

/// A record that is decoded again.
struct Record<'a> {
    layout: &'a Layout,
    bytes: Vec<u8>,
    order: Order,
}

/// What stands in the second record of a socket.
#[derive(Default)]
struct SecondPart {
    peer: ObjRef,
    addrs: [Vec<u8>; 2],
    dir: Vec<u8>,
}

impl Record<'_> {
    fn uint(&self, field: &str) -> u64 {
        let f = Fields {
            data: &self.bytes,
            order: self.order,
        };
        self.layout
            .named(field)
            .and_then(|s| f.uint(s.offset as usize, s.element as usize))
            .unwrap_or(0)
    }

    fn u32(&self, field: &str) -> u32 {
        u32::try_from(self.uint(field) & 0xffff_ffff).unwrap_or(0)
    }

    fn bytes(&self, field: &str) -> &[u8] {
        let slot = self.layout.named(field);
        slot.and_then(|s| {
            self.bytes
                .get(s.offset as usize..(s.offset + s.size) as usize)
        })
        .unwrap_or_default()
    }
}

impl Reader<'_> {
    /// The record at an offset: its number, and where the next one starts.
    fn record_at(&self, offset: u64) -> Option<(u32, Record<'_>, u64)> {
        let head = self.stream.read(offset, 8, 8).ok()?;
        let f = Fields {
            data: &head,
            order: self.tree.order,
        };
        let (number, len) = (f.u32(0)?, u64::from(f.u32(4)?));
        let bytes = self.stream.read(offset, len, MAX_RECORD).ok()?;
        let layout = self.tables.layout_of(number, &bytes)?;
        Some((
            number,
            Record {
                layout,
                bytes,
                order: self.tree.order,
            },
            offset + len,
        ))
    }

    fn again(&self, at: RecordAt) -> Option<Record<'_>> {
        self.record_at(at.offset).map(|(_, record, _)| record)
    }

    /// Files of a CRIU set. Whoever edits an image may write anything there, so names and lengths are looked at.
    fn foreign(&mut self) {
        let image = self.image;
        let mut names = HashSet::new();
        for file in &image.foreign {
            let parts = file.parts.iter().map(|p| self.stream.part(p.offset, p.len));
            let bytes = Blob::joined(shown(&file.name), parts.collect());
            let sound = file.format == 1 && file.has_plain_name() && bytes.len() == file.size;
            if sound && names.insert(&file.name) {
                self.tree.foreign.push(bytes);
                continue;
            }
            let why = "the record breaks a rule (§10.6), so the file is left out";
            let name = escape(&text(&file.name));
            self.losses
                .push(Loss::new("stream.foreign", "FOREIGN", "name", name, why));
        }
    }

    /// Whole objects that no other format is given.
    fn homeless(&mut self) {
        let image = self.image;
        let counts = [
            ("stream.network", "NETDEV", image.devices.len()),
            ("stream.label", "SECURITY", image.labels.len()),
        ];
        for (code, record, count) in counts.into_iter().filter(|&(_, _, n)| n > 0) {
            self.losses.push(Loss::new(
                code,
                record,
                "",
                format!("{count} of them"),
                "they are not carried into other formats",
            ));
        }
        if let Some(namespaces) = image
            .tasks
            .iter()
            .map(|t| t.nested_pids.len())
            .max()
            .filter(|&n| n > 0)
        {
            self.losses.push(Loss::new(
                "stream.nested-pids",
                "PIDS",
                "depth",
                namespaces,
                "numbers in nested pid namespaces are not carried",
            ));
        }
    }
}

/// The loss of something that names what the image does not hold.
fn missing(record: String, field: &str, number: ObjRef) -> Loss {
    let why = "the image does not hold what is named";
    Loss::new("stream.missing", record, field, number, why)
}

/// The bytes before the closing zero, where only ASCII can be meant.
fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&text(bytes)).into_owned()
}

/// The bytes before the closing zero.
fn text(bytes: &[u8]) -> Vec<u8> {
    let text = bytes.split(|&c| c == 0).next();
    text.unwrap_or_default().to_vec()
}
