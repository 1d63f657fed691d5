//! Images with records of every kind in any order and with any values: nothing that a kernel would
//! write, everything that the tables allow.

use crate::Random;
use ckpt_format::schema::Type;
use ckpt_format::{Abi, Arch, Dialect, Layout, Order, Revision, Slot, Tables, Tag};
use ckpt_parser::decoder::Options;
use ckpt_parser::detect::{Override, arch_id};
use ckpt_parser::encode::{RecordBuilder, StreamWriter};
use ckpt_parser::frame::{HEAD_MAGIC, TAIL_MAGIC};
use ckpt_parser::source::{Piece, Source};

/// Every dialect that an image can be in: the architecture has a header in the revision.
pub fn dialects() -> Vec<Dialect> {
    let mut found = Vec::new();
    for revision in Revision::all() {
        for arch in Arch::ALL {
            let usual = Abi::usual(arch);
            found.push(Dialect {
                revision,
                abi: usual,
            });
            if arch == Arch::Arm {
                let abi = Abi {
                    old_abi: true,
                    ..usual
                };
                found.push(Dialect { revision, abi });
            }
            if arch == Arch::Arm && revision == Revision::LAST {
                let abi = Abi {
                    order: Order::Big,
                    ..usual
                };
                found.push(Dialect { revision, abi });
            }
        }
    }
    found.retain(|dialect| has_header(*dialect));
    found
}

fn has_header(dialect: Dialect) -> bool {
    let tables = Tables::shared(dialect);
    tables
        .by_tag(Tag::HeaderArch)
        .is_some_and(|record| record.single().is_some())
}

/// A field of a record that was given a value.
#[derive(Clone, Debug)]
pub struct Written {
    /// Its name.
    pub name: Box<str>,
    /// Which element.
    pub index: u32,
    /// What reading it must give.
    pub value: u64,
}

/// One record of a generated image.
#[derive(Clone, Debug)]
pub struct Record {
    /// What it is.
    pub tag: Tag,
    /// Its bytes without the raw page that may follow.
    pub bytes: Vec<u8>,
    /// The values that were put in.
    pub written: Vec<Written>,
}

/// An image and what it was made of.
#[derive(Clone, Debug)]
pub struct Generated {
    /// The dialect.
    pub dialect: Dialect,
    /// The whole image.
    pub bytes: Vec<u8>,
    /// Its records.
    pub records: Vec<Record>,
}

impl Generated {
    /// An image of about `len` records.
    pub fn new(dialect: Dialect, len: usize, random: &mut Random) -> Generated {
        let tables = Tables::shared(dialect);
        let mut records = vec![header(&tables, random), arch_header(&tables, random)];
        let kinds: Vec<&ckpt_format::layout::RecordLayout> = tables
            .records()
            .filter(|record| record.single().is_some() && is_free(record.tag(), dialect))
            .collect();
        for _ in 0..len {
            if let Some(kind) = random.pick(&kinds) {
                let words: Vec<Option<u32>> = kind.variants().map(|(word, _)| word).collect();
                let word = random.pick(&words).copied().flatten();
                records.push(record(&tables, kind.tag(), word, random));
            }
        }
        records.push(tail(&tables, random));
        Generated {
            dialect,
            bytes: write(dialect, &records),
            records,
        }
    }
    /// Options that name the dialect: values without sense would mislead detection.
    pub fn options(&self) -> Options {
        let dialect = Override {
            revision: Some(self.dialect.revision),
            arch: Some(self.dialect.abi.arch),
        };
        Options {
            dialect,
            ..Options::default()
        }
    }
}

/// Whether a record may stand anywhere. The raw page behind a fragment has a size that on powerpc
/// only sense could tell.
fn is_free(tag: Tag, dialect: Dialect) -> bool {
    let frag = tag == Tag::SocketFrag && matches!(dialect.abi.arch, Arch::Ppc32 | Arch::Ppc64);
    !frag && !matches!(tag, Tag::Header | Tag::HeaderArch | Tag::Tail)
}

fn header(tables: &Tables, random: &mut Random) -> Record {
    let Dialect { revision, abi } = tables.dialect;
    let mut record = record(tables, Tag::Header, None, random);
    let id = arch_id(revision, abi.arch).unwrap_or(0);
    let layout = tables
        .by_tag(Tag::Header)
        .and_then(|record| record.single());
    let fixed = [
        ("magic", HEAD_MAGIC),
        ("arch_id", u64::from(id)),
        ("rev", u64::from(revision.info().checkpoint_version)),
    ];
    for (name, value) in fixed {
        if let Some(slot) = layout.and_then(|layout| layout.named(name)) {
            ckpt_parser::encode::put_element(&mut record.bytes, slot, 0, value, tables.dialect);
        }
        record.written.retain(|written| &*written.name != name);
    }
    record
}

/// The byte of the ARM header that tells an old-ABI kernel is the first of `aeabi`.
fn arch_header(tables: &Tables, random: &mut Random) -> Record {
    let mut record = record(tables, Tag::HeaderArch, None, random);
    if tables.dialect.abi.arch == Arch::Arm {
        if let Some(byte) = record.bytes.get_mut(13) {
            *byte = u8::from(!tables.dialect.abi.old_abi);
        }
        record.written.clear();
    }
    record
}

fn tail(tables: &Tables, random: &mut Random) -> Record {
    let mut record = record(tables, Tag::Tail, None, random);
    let layout = tables.by_tag(Tag::Tail).and_then(|record| record.single());
    if let Some(slot) = layout.and_then(|layout| layout.named("magic")) {
        ckpt_parser::encode::put_element(&mut record.bytes, slot, 0, TAIL_MAGIC, tables.dialect);
    }
    record.written.clear();
    record
}

/// A record of the variant that `word` selects, every field with some value.
pub fn record(tables: &Tables, tag: Tag, word: Option<u32>, random: &mut Random) -> Record {
    let is_payload = tables
        .by_tag(tag)
        .is_some_and(|record| record.record.payload);
    let selector = tables.by_tag(tag).and_then(|record| record.record.selector);
    let Some(mut builder) = RecordBuilder::variant(tables, tag, word) else {
        return Record {
            tag,
            bytes: Vec::new(),
            written: Vec::new(),
        };
    };
    let mut written = Vec::new();
    if !is_payload {
        let layout = tables.by_tag(tag).and_then(|record| record.variant(word));
        for slot in settable(layout, selector) {
            for index in 0..slot.count {
                let value = value(random);
                builder = builder.set_at(slot.id, index, value);
                let value = as_read(slot, value);
                written.push(Written {
                    name: slot.name.clone(),
                    index,
                    value,
                });
            }
        }
    }
    let behind = tables
        .by_tag(tag)
        .and_then(|record| record.variant(word))
        .is_some_and(|layout| layout.tail().is_some());
    if is_payload || behind {
        let len = random.below(if is_payload { 300 } else { 40 });
        let bytes: Vec<u8> = (0..len).map(|_| random.next().to_le_bytes()[7]).collect();
        builder = builder.tail(&bytes);
    }
    Record {
        tag,
        bytes: builder.finish(),
        written,
    }
}

/// Integer slots that share their bytes with no other and do not decide the layout.
fn settable(layout: Option<&Layout>, selector: Option<u8>) -> impl Iterator<Item = &Slot> {
    layout
        .into_iter()
        .flat_map(|layout| &layout.slots)
        .filter(move |slot| {
            let selects = selector.is_some_and(|at| u32::from(at) == slot.offset);
            !slot.is_padding()
                && !slot.overlay
                && !slot.is_flexible()
                && slot.inner.is_none()
                && !selects
        })
}

/// Bounds and small numbers as often as any others.
fn value(random: &mut Random) -> u64 {
    match random.below(4) {
        0 => random.below(10),
        1 => u64::MAX << random.below(64),
        2 => 1 << random.below(64),
        _ => random.next(),
    }
}

/// What reading a slot gives that was set to a value: cut to its size, its sign extended.
fn as_read(slot: &Slot, value: u64) -> u64 {
    let bits = 64 - 8 * slot.element.min(8);
    let cut = value << bits;
    match slot.field.map(|field| field.ty) {
        Some(Type::I16 | Type::I32 | Type::I64) => (cut.cast_signed() >> bits).cast_unsigned(),
        _ => cut >> bits,
    }
}

/// Puts the records one behind the other, fragments with their page.
fn write(dialect: Dialect, records: &[Record]) -> Vec<u8> {
    let mut writer = StreamWriter::new(dialect);
    for record in records {
        writer.out().push_bytes(&record.bytes);
        if record.tag == Tag::SocketFrag && record.bytes.len() == 16 {
            writer.out().push(Piece::Zero(4096));
        }
    }
    let mut out = writer.finish();
    let len = out
        .len()
        .and_then(|len| usize::try_from(len).ok())
        .unwrap_or(0);
    let mut bytes = vec![0; len];
    let n = out.read_at(0, &mut bytes).unwrap_or(0);
    bytes.truncate(n);
    bytes
}
