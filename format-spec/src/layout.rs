//! From descriptions to offsets: what a C compiler would make of a structure in a dialect.

use crate::dialect::{Abi, Arch, ArchSet, Dialect, Order};
use crate::enums::Tag;
use crate::records::RECORDS;
use crate::schema::{Count, Field, FieldId, FieldList, Record, Struct, Type};
use std::sync::{Arc, OnceLock};

/// Bytes of a record header (§1.1).
pub const HEADER_LEN: u32 = 8;

/// One field at its place, or a hole that the compiler left.
#[derive(Clone, Debug)]
pub struct Slot {
    /// Offset from the first byte of the record header, or of the structure.
    pub offset: u32,
    /// Bytes in all; 0 for a flexible array, whose length the record decides.
    pub size: u32,
    /// Number of elements; 0 for a flexible array.
    pub count: u32,
    /// Bytes of an element.
    pub element: u32,
    /// Dotted name, empty for padding.
    pub name: Box<str>,
    /// The description; `None` for padding.
    pub field: Option<&'static Field>,
    /// By what typed code asks for it.
    pub id: FieldId,
    /// The layout of an element that is a structure.
    pub inner: Option<Box<Layout>>,
    /// The slot shares its bytes with an earlier one and is left out of the tiling.
    pub overlay: bool,
}

impl Slot {
    fn padding(offset: u32, end: u32) -> Slot {
        let none = FieldId {
            outer: u8::MAX,
            inner: u8::MAX,
            deep: u8::MAX,
        };
        let size = end - offset;
        Slot {
            offset,
            size,
            count: size,
            element: 1,
            name: "".into(),
            field: None,
            id: none,
            inner: None,
            overlay: false,
        }
    }
    /// Whether the slot is a hole.
    pub fn is_padding(&self) -> bool {
        self.field.is_none()
    }
    /// Whether the slot is a flexible array.
    pub fn is_flexible(&self) -> bool {
        self.field.is_some() && self.size == 0
    }
    /// Number of elements of a slot in a record of `len` bytes, given the value of its counter.
    ///
    /// For fixed slots the declared number. Never more than fit.
    pub fn elements(&self, len: u32, counter: Option<u64>) -> u32 {
        if !self.is_flexible() {
            return self.count;
        }
        let fit = len.saturating_sub(self.offset) / self.element.max(1);
        match counter {
            Some(n) => u32::try_from(n).unwrap_or(u32::MAX).min(fit),
            None => fit,
        }
    }
}

/// A structure in a dialect: slots that tile it.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    /// Name of the C structure.
    pub c_name: &'static str,
    /// Bytes of the structure with its tail padding; a flexible array adds to it.
    pub size: u32,
    /// Alignment in bytes.
    pub align: u32,
    /// Slots by offset; together with the record header they tile the structure.
    pub slots: Vec<Slot>,
    /// Index of the flexible array in `slots`.
    pub tail: Option<usize>,
    by_id: Vec<(FieldId, u16)>,
    /// Index in `slots` of each field by its ordinal, where it is no structure spliced in.
    direct: Vec<u16>,
}

/// No slot has this index.
const NO_SLOT: u16 = u16::MAX;

impl Layout {
    /// The layout of an auxiliary structure, with offsets from its own start.
    pub fn of(of: &Struct, dialect: Dialect) -> Option<Layout> {
        let list = of.list(dialect.revision, dialect.abi.arch, 0)?;
        Some(build(of, list, dialect, 0))
    }
    /// The slot of a field; `None` where the dialect has no such field.
    pub fn slot(&self, id: FieldId) -> Option<&Slot> {
        let at = if id.inner == FieldId::WHOLE {
            *self.direct.get(usize::from(id.outer))?
        } else {
            let at = self.by_id.binary_search_by_key(&id, |(id, _)| *id).ok()?;
            self.by_id.get(at)?.1
        };
        self.slots.get(usize::from(at))
    }
    /// The slot of a dotted name.
    pub fn named(&self, name: &str) -> Option<&Slot> {
        self.slots.iter().find(|slot| &*slot.name == name)
    }
    /// The flexible array at the end.
    pub fn tail(&self) -> Option<&Slot> {
        self.slots.get(self.tail?)
    }
}

const fn align_up(value: u32, align: u32) -> u32 {
    value.next_multiple_of(align)
}

fn scalar(ty: Type, abi: Abi) -> (u32, u32) {
    let word = u32::from(abi.arch.word_size());
    match ty {
        Type::U8 | Type::Char => (1, 1),
        Type::U16 | Type::I16 | Type::Le16 | Type::Be16 => (2, 2),
        Type::U32 | Type::I32 | Type::Be32 => (4, 4),
        Type::U64 | Type::I64 => (8, u32::from(abi.arch.align_u64())),
        Type::Ulong => (word, word),
        Type::Struct(_) => (0, 1),
    }
}

/// Places a slot or, for flat and nested structures, the slots of the members.
struct Builder {
    dialect: Dialect,
    slots: Vec<Slot>,
    cursor: u32,
    align: u32,
}

fn build(of: &Struct, list: &'static FieldList, dialect: Dialect, start: u32) -> Layout {
    let mut b = Builder {
        dialect,
        slots: Vec::new(),
        cursor: start,
        align: u32::from(of.align),
    };
    let here = list
        .fields
        .iter()
        .filter(|f| f.applies(dialect.revision, dialect.abi.arch));
    for field in here {
        b.place(field, of.ordinal(field.name));
    }
    if dialect.abi.old_abi && of.oabi_rounds {
        b.align = b.align.max(4);
    }
    let size = align_up(b.cursor, b.align);
    finish(b, list.c_name, size)
}

fn finish(mut b: Builder, c_name: &'static str, size: u32) -> Layout {
    b.pad_to(size);
    b.slots
        .sort_by_key(|slot| (slot.offset, slot.overlay, slot.is_flexible()));
    let mut by_id: Vec<(FieldId, u16)> = (0u16..)
        .zip(&b.slots)
        .filter(|(_, s)| !s.is_padding())
        .map(|(i, s)| (s.id, i))
        .collect();
    by_id.sort_unstable();
    let mut direct = Vec::new();
    for (id, slot) in by_id.iter().filter(|(id, _)| id.inner == FieldId::WHOLE) {
        direct.resize(usize::from(id.outer) + 1, NO_SLOT);
        direct[usize::from(id.outer)] = *slot;
    }
    let tail = b.slots.iter().position(Slot::is_flexible);
    Layout {
        c_name,
        size,
        align: b.align,
        slots: b.slots,
        tail,
        by_id,
        direct,
    }
}

impl Builder {
    fn pad_to(&mut self, offset: u32) {
        let flexible_covers = self.slots.last().is_some_and(Slot::is_flexible);
        if offset > self.cursor && !flexible_covers {
            self.slots.push(Slot::padding(self.cursor, offset));
        }
        self.cursor = self.cursor.max(offset);
    }

    fn place(&mut self, field: &'static Field, ordinal: u8) {
        let inner = match field.ty {
            Type::Struct(of) => Layout::of(of, self.dialect),
            _ => None,
        };
        let (element, natural) = match &inner {
            Some(layout) => (layout.size, layout.align),
            None => scalar(field.ty, self.dialect.abi),
        };
        let align = natural.max(u32::from(field.align));
        let count = match field.count {
            Count::One => 1,
            Count::Fixed(n) => u32::from(n),
            Count::By(_) | Count::Rest => 0,
        };
        self.align = self.align.max(align);
        let overlaid = field.over.and_then(|name| {
            let dotted = |s: &&Slot| s.name.split('.').next() == Some(name);
            self.slots.iter().find(dotted).map(|slot| slot.offset)
        });
        let offset = overlaid.unwrap_or_else(|| align_up(self.cursor, align));
        if overlaid.is_none() {
            self.pad_to(offset);
            self.cursor = offset + element * count;
        }
        let overlay = overlaid.is_some();
        match inner {
            Some(layout) if count == 1 => self.splice(field, ordinal, offset, overlay, layout),
            inner => self.slots.push(Slot {
                offset,
                size: element * count,
                count,
                element,
                name: field.name.into(),
                field: Some(field),
                id: FieldId {
                    outer: ordinal,
                    inner: FieldId::WHOLE,
                    deep: FieldId::WHOLE,
                },
                inner: inner.map(Box::new),
                overlay,
            }),
        }
    }

    /// Puts the members of a structure in the place of the field that has it.
    fn splice(&mut self, field: &Field, ordinal: u8, offset: u32, overlay: bool, layout: Layout) {
        for mut slot in layout.slots {
            slot.offset += offset;
            slot.overlay |= overlay;
            if !slot.is_padding() {
                slot.id = slot.id.inside(ordinal);
                if !field.flat {
                    slot.name = format!("{}.{}", field.name, slot.name).into();
                }
            }
            if !(overlay && slot.is_padding()) {
                self.slots.push(slot);
            }
        }
    }
}

/// A record in a dialect.
#[derive(Debug)]
pub struct RecordLayout {
    /// Its number in the stream.
    pub number: u32,
    /// Its table.
    pub record: &'static Record,
    variants: Vec<(Option<u32>, Layout)>,
}

impl RecordLayout {
    /// Resolves one record; `None` if the dialect does not have it.
    pub fn new(record: &'static Record, dialect: Dialect) -> Option<RecordLayout> {
        let Dialect { revision, abi } = dialect;
        if !record.tag.exists(revision, abi.arch) {
            return None;
        }
        Some(RecordLayout {
            number: record.tag.number(revision, abi.arch)?,
            record,
            variants: resolve(record, dialect),
        })
    }
    /// The layout for a value of the selecting word.
    pub fn variant(&self, word: Option<u32>) -> Option<&Layout> {
        let exact = self
            .variants
            .iter()
            .find(|(value, _)| value.is_some() && *value == word);
        let any = || self.variants.iter().find(|(value, _)| value.is_none());
        exact.or_else(any).map(|(_, layout)| layout)
    }
    /// The layout of a record that has only one.
    pub fn single(&self) -> Option<&Layout> {
        self.variants.first().map(|(_, layout)| layout)
    }
    /// All variants.
    pub fn variants(&self) -> impl Iterator<Item = (Option<u32>, &Layout)> {
        self.variants.iter().map(|(value, layout)| (*value, layout))
    }
    /// What an extension record means on an architecture.
    pub fn tag(&self) -> Tag {
        self.record.tag
    }
}

/// All records of a dialect, resolved once per image.
#[derive(Debug)]
pub struct Tables {
    /// The dialect.
    pub dialect: Dialect,
    by_number: Vec<RecordLayout>,
    /// Place in `by_number` of each number below [`DENSE`]: a reader asks several times a record.
    direct: [u8; DENSE as usize],
}

/// All numbers but those of TAIL and ERROR lie below.
const DENSE: u32 = 1024;
/// No record has this number.
const NOTHING: u8 = u8::MAX;

impl Tables {
    /// Resolves every record.
    pub fn new(dialect: Dialect) -> Tables {
        let resolve = |record: &&'static Record| RecordLayout::new(record, dialect);
        let mut by_number: Vec<_> = RECORDS.iter().filter_map(resolve).collect();
        by_number.sort_by_key(|layout| layout.number);
        let mut direct = [NOTHING; DENSE as usize];
        for (place, layout) in (0u8..).zip(&by_number) {
            if let Some(entry) = direct.get_mut(layout.number as usize) {
                *entry = place;
            }
        }
        Tables {
            dialect,
            by_number,
            direct,
        }
    }
    /// As [`Tables::new`], but resolved once in a process: for many images, and for the many
    /// dialects that detection weighs.
    pub fn shared(dialect: Dialect) -> Arc<Tables> {
        static SHARED: [OnceLock<Arc<Tables>>; 18 * 6 * 4] =
            [const { OnceLock::new() }; 18 * 6 * 4];
        let Dialect { revision, abi } = dialect;
        let machine = usize::from(abi.old_abi) + 2 * usize::from(abi.order == Order::Big);
        let place = usize::from(revision.number() - 1) * 6 + abi.arch as usize;
        let make = || Arc::new(Tables::new(dialect));
        Arc::clone(SHARED[4 * place + machine].get_or_init(make))
    }
    /// The record of a number.
    pub fn by_number(&self, number: u32) -> Option<&RecordLayout> {
        let at = match self.direct.get(number as usize) {
            Some(&NOTHING) => return None,
            Some(place) => usize::from(*place),
            None => self
                .by_number
                .binary_search_by_key(&number, |layout| layout.number)
                .ok()?,
        };
        self.by_number.get(at)
    }
    /// The record of a tag.
    pub fn by_tag(&self, tag: Tag) -> Option<&RecordLayout> {
        self.by_number
            .iter()
            .find(|layout| layout.record.tag == tag)
    }
    /// Every record of the dialect by number.
    pub fn records(&self) -> impl Iterator<Item = &RecordLayout> {
        self.by_number.iter()
    }
    /// The layout of a record from its bytes (header included); the selecting word is read there.
    pub fn layout_of(&self, number: u32, bytes: &[u8]) -> Option<&Layout> {
        let record = self.by_number(number)?;
        let word = record.record.selector.and_then(|offset| {
            let at = usize::from(offset);
            let raw = bytes.get(at..at + 4)?.try_into().ok()?;
            Some(match self.dialect.abi.order {
                Order::Little => u32::from_le_bytes(raw),
                Order::Big => u32::from_be_bytes(raw),
            })
        });
        record.variant(word)
    }
}

fn resolve(record: &'static Record, dialect: Dialect) -> Vec<(Option<u32>, Layout)> {
    let Dialect { revision, abi } = dialect;
    let lists = record
        .body
        .lists
        .iter()
        .filter(|l| l.applies(revision, abi.arch));
    lists
        .map(|list| (list.variant, build(&record.body, list, dialect, HEADER_LEN)))
        .collect()
}

/// Architectures on which a page size other than 4096 bytes was configured.
pub const VARIABLE_PAGE_ARCHS: ArchSet = ArchSet::PPC;

/// The page size that an architecture implies (§1.2), in bytes.
pub const fn usual_page_size(arch: Arch) -> u32 {
    match arch {
        Arch::Ppc64 => 65536,
        _ => 4096,
    }
}
