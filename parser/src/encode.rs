//! Writing records: from values, and back from a view.

use crate::frame::Frame;
use crate::source::{Composite, Piece};
use crate::view::{View, write_uint};
use ckpt_format::layout::Layout;
use ckpt_format::schema::Type;
use ckpt_format::{Dialect, FieldId, Object, Order, Slot, Tables, Tag};

/// A struct record that is being filled. New padding is zero.
#[derive(Clone, Debug)]
pub struct RecordBuilder<'t> {
    layout: &'t Layout,
    bytes: Vec<u8>,
    dialect: Dialect,
}

impl<'t> RecordBuilder<'t> {
    /// An empty record; `None` where the dialect has none of this type.
    pub fn new(tables: &'t Tables, tag: Tag) -> Option<Self> {
        Self::variant(tables, tag, None)
    }
    /// An empty record of the variant that a word selects (file type, register file).
    pub fn variant(tables: &'t Tables, tag: Tag, word: Option<u32>) -> Option<Self> {
        let record = tables.by_tag(tag)?;
        let layout = record.variant(word)?;
        let mut builder = RecordBuilder {
            layout,
            bytes: vec![0; layout.size as usize],
            dialect: tables.dialect,
        };
        builder.put(0, 4, u64::from(record.number), tables.dialect.abi.order);
        if let (Some(at), Some(word)) = (record.record.selector, word) {
            builder.put(
                usize::from(at),
                4,
                u64::from(word),
                tables.dialect.abi.order,
            );
        }
        Some(builder)
    }
    /// Sets a field; ignored where the dialect has no such field.
    #[must_use]
    pub fn set(self, id: FieldId, value: impl Into<u64>) -> Self {
        self.set_at(id, 0, value)
    }
    /// Sets a signed field.
    #[must_use]
    pub fn set_signed(self, id: FieldId, value: impl Into<i64>) -> Self {
        self.set(id, value.into().cast_unsigned())
    }
    /// Sets an element of an array.
    #[must_use]
    pub fn set_at(mut self, id: FieldId, index: u32, value: impl Into<u64>) -> Self {
        if let Some(slot) = self.layout.slot(id) {
            self.put_element(slot, index, value.into());
        }
        self
    }
    /// Sets all elements of an array.
    #[must_use]
    pub fn set_all(self, id: FieldId, values: impl IntoIterator<Item = impl Into<u64>>) -> Self {
        (0..).zip(values).fold(self, |builder, (index, value)| {
            builder.set_at(id, index, value)
        })
    }
    /// Sets the bytes of a field: text, masks, opaque blocks. Too long ones are cut.
    #[must_use]
    pub fn set_bytes(mut self, id: FieldId, bytes: &[u8]) -> Self {
        if let Some(slot) = self.layout.slot(id) {
            let start = slot.offset as usize;
            let room = self
                .bytes
                .get_mut(start..start.saturating_add(slot.size as usize))
                .unwrap_or_default();
            for (to, from) in room.iter_mut().zip(bytes) {
                *to = *from;
            }
        }
        self
    }
    /// Sets an 8-byte signal mask (bit n - 1 is signal n) in the byte order of the kernel.
    #[must_use]
    pub fn set_mask(self, id: FieldId, mask: u64) -> Self {
        let abi = self.dialect.abi;
        let mut bytes = [0; 8];
        if abi.arch.word_size() == 4 && abi.order == Order::Big {
            let (low, high) = bytes.split_at_mut(4);
            write_uint(low, mask & 0xffff_ffff, Order::Big);
            write_uint(high, mask.wrapping_shr(32), Order::Big);
        } else {
            write_uint(&mut bytes, mask, abi.order);
        }
        self.set_bytes(id, &bytes)
    }
    /// Appends bytes to the flexible array at the end, or behind the structure.
    ///
    /// GROUPINFO keeps the tail padding of its structure although its array begins before it
    /// (§3.6), so that four unused bytes stand at its end.
    #[must_use]
    pub fn tail(mut self, bytes: &[u8]) -> Self {
        let start = self
            .layout
            .tail()
            .map_or(self.bytes.len(), |slot| slot.offset as usize);
        let len = self.layout.size as usize;
        let needed = len.saturating_add(bytes.len());
        self.bytes.resize(needed, 0);
        if let Some(room) = self.bytes.get_mut(start..start.saturating_add(bytes.len())) {
            room.copy_from_slice(bytes);
        }
        self
    }
    /// The record, its length filled in.
    pub fn finish(mut self) -> Vec<u8> {
        let len = self.bytes.len() as u64;
        self.put(4, 4, len, self.dialect.abi.order);
        self.bytes
    }
    /// The record as it is so far.
    pub fn view(&self) -> View<'_> {
        View {
            layout: self.layout,
            bytes: &self.bytes,
            dialect: self.dialect,
        }
    }

    fn put(&mut self, at: usize, len: usize, value: u64, order: Order) {
        if let Some(room) = self.bytes.get_mut(at..at.saturating_add(len)) {
            write_uint(room, value, order);
        }
    }
    fn put_element(&mut self, slot: &Slot, index: u32, value: u64) {
        put_element(&mut self.bytes, slot, index, value, self.dialect);
    }
}

/// Writes an element of a slot into the bytes of a record.
pub fn put_element(bytes: &mut [u8], slot: &Slot, index: u32, value: u64, dialect: Dialect) {
    let order = match slot.field.map(|field| field.ty) {
        Some(Type::Le16) => Order::Little,
        Some(Type::Be16 | Type::Be32) => Order::Big,
        _ => dialect.abi.order,
    };
    let start = slot
        .offset
        .saturating_add(slot.element.saturating_mul(index)) as usize;
    if let Some(room) = bytes.get_mut(start..start.saturating_add(slot.element as usize)) {
        write_uint(room, value, order);
    }
}

/// Writes number, length and the values that a view shows into `bytes`, of a payload record as much
/// as the view holds; padding and what lies behind the fields stay. Into zeros or the record itself:
/// the proof that decoding loses nothing.
pub fn rebuild(frame: &Frame, view: &View, bytes: &mut [u8]) {
    if let Some((head, _)) = bytes.split_at_mut_checked(8) {
        let order = view.dialect.abi.order;
        let (kind, len) = head.split_at_mut(4);
        write_uint(kind, u64::from(frame.number), order);
        write_uint(len, u64::from(frame.len), order);
    }
    rebuild_slots(view, bytes);
}

fn rebuild_slots(view: &View, bytes: &mut [u8]) {
    for slot in view.layout.slots.iter().filter(|slot| !slot.is_padding()) {
        for index in 0..view.elements(slot) {
            if let Some(inner) = view.nested(slot, index) {
                let at = slot
                    .offset
                    .saturating_add(slot.element.saturating_mul(index))
                    as usize;
                rebuild_slots(&inner, bytes.get_mut(at..).unwrap_or_default());
            } else if let Some(value) = view.element(slot, index) {
                put_element(bytes, slot, index, value, view.dialect);
            }
        }
    }
}

/// Writes a stream: small records as bytes, page contents as stretches of other files.
///
/// The result is a [`Composite`], which is a source: reading it builds a model, copying it writes
/// a file.
pub struct StreamWriter {
    out: Composite,
    tables: Tables,
    next_objref: i32,
}

impl StreamWriter {
    /// An empty stream.
    pub fn new(dialect: Dialect) -> Self {
        StreamWriter {
            out: Composite::new(),
            tables: Tables::new(dialect),
            next_objref: 1,
        }
    }
    /// The tables of the dialect.
    pub fn tables(&self) -> &Tables {
        &self.tables
    }
    /// The composite, to add files to.
    pub fn out(&mut self) -> &mut Composite {
        &mut self.out
    }
    /// A number for a new object.
    pub fn new_objref(&mut self) -> i32 {
        let number = self.next_objref;
        self.next_objref = self.next_objref.saturating_add(1);
        number
    }
    /// Reserves numbers 1 to `last`, as for pid objects.
    pub fn reserve(&mut self, last: i32) {
        self.next_objref = self.next_objref.max(last.saturating_add(1));
    }
    /// Appends a struct record whose fields `fill` sets. Nothing is written where the dialect has
    /// no such record.
    pub fn record(&mut self, tag: Tag, fill: impl FnOnce(RecordBuilder<'_>) -> RecordBuilder<'_>) {
        self.variant(tag, None, fill);
    }
    /// Appends a struct record of the variant that a word selects.
    pub fn variant(
        &mut self,
        tag: Tag,
        word: Option<u32>,
        fill: impl FnOnce(RecordBuilder<'_>) -> RecordBuilder<'_>,
    ) {
        if let Some(builder) = RecordBuilder::variant(&self.tables, tag, word) {
            let bytes = fill(builder).finish();
            self.out.push(Piece::Bytes(bytes));
        }
    }
    /// Appends a payload record.
    pub fn payload(&mut self, tag: Tag, payload: &[u8]) {
        let header = self.header(tag, payload.len() as u64);
        self.out.push(Piece::Bytes([&header[..], payload].concat()));
    }
    /// Appends a payload record whose contents are elsewhere.
    pub fn payload_from(&mut self, tag: Tag, pieces: Vec<Piece>) {
        let mut total = 0u64;
        for piece in &pieces {
            total = total.saturating_add(match piece {
                Piece::Bytes(bytes) => bytes.len() as u64,
                Piece::Extent { len, .. } | Piece::Zero(len) => *len,
            });
        }
        let header = self.header(tag, total);
        self.out.push_bytes(&header);
        for piece in pieces {
            self.out.push(piece);
        }
    }
    /// Announces a shared object and returns its number.
    pub fn object(&mut self, kind: Object) -> i32 {
        let number = self.new_objref();
        self.objref(kind, number);
        number
    }
    /// Announces a shared object under a number that was reserved for it.
    pub fn objref(&mut self, kind: Object, number: i32) {
        const TYPE: FieldId = ckpt_format::records::OBJREF.id("objtype");
        const REF: FieldId = ckpt_format::records::OBJREF.id("objref");
        let Dialect { revision, abi } = self.tables.dialect;
        let code = kind.number(revision, abi.arch).unwrap_or(0);
        self.record(Tag::Objref, |r| r.set(TYPE, code).set_signed(REF, number));
    }
    /// Appends a group of pages: addresses in bytes (page indices for segments) and their contents,
    /// `page_size` bytes each, in the same order.
    pub fn page_group(&mut self, addresses: &[u64], contents: Vec<Piece>) {
        const NR_PAGES: FieldId = ckpt_format::records::PGARR.id("nr_pages");
        self.record(Tag::Pgarr, |r| r.set(NR_PAGES, addresses.len() as u64));
        if addresses.is_empty() {
            return;
        }
        let abi = self.tables.dialect.abi;
        let word = usize::from(abi.arch.word_size());
        let mut table = vec![0; addresses.len().saturating_mul(word)];
        for (to, address) in table.chunks_exact_mut(word).zip(addresses) {
            write_uint(to, *address, abi.order);
        }
        let pieces = std::iter::once(Piece::Bytes(table))
            .chain(contents)
            .collect();
        self.payload_from(Tag::Buffer, pieces);
    }
    /// The terminator of a series of page groups.
    pub fn end_pages(&mut self) {
        self.page_group(&[], Vec::new());
    }
    /// Pages that a group may hold at most (§4.1).
    pub fn max_group(&self, page_size: u32) -> usize {
        let word = u32::from(self.tables.dialect.abi.arch.word_size());
        page_size.saturating_mul(16).checked_div(word).unwrap_or(0) as usize
    }
    /// The stream.
    pub fn finish(self) -> Composite {
        self.out
    }

    fn header(&self, tag: Tag, payload: u64) -> [u8; 8] {
        let number = self.tables.by_tag(tag).map_or(0, |record| record.number);
        let order = self.tables.dialect.abi.order;
        let mut bytes = [0; 8];
        let (kind, len) = bytes.split_at_mut(4);
        write_uint(kind, u64::from(number), order);
        write_uint(len, payload.saturating_add(8), order);
        bytes
    }
}
