//! Typed access to the bytes of a record through its layout. Nothing is copied.

use crate::text::utc;
use ckpt_format::layout::Layout;
use ckpt_format::schema::{Count, Meaning, Type};
use ckpt_format::{Dialect, FieldId, Object, Order, Slot};

/// A record, or a structure in one, seen through its layout.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// Where the fields are.
    pub layout: &'a Layout,
    /// The bytes that `layout` counts from.
    pub bytes: &'a [u8],
    /// How to read them.
    pub dialect: Dialect,
}

impl<'a> View<'a> {
    /// The value of an integer field; `None` if the dialect has no such field or the record is too
    /// short. Signed fields are extended.
    pub fn uint(&self, id: FieldId) -> Option<u64> {
        let slot = self.layout.slot(id)?;
        self.element(slot, 0)
    }
    /// The value of a 32-bit field, for flags, ids and counts.
    pub fn u32(&self, id: FieldId) -> Option<u32> {
        self.uint(id).map(|value| (value & 0xffff_ffff) as u32)
    }
    /// The value of a signed field, for references and pids.
    pub fn i32(&self, id: FieldId) -> Option<i32> {
        self.u32(id).map(u32::cast_signed)
    }
    /// The bytes of a field, all elements.
    pub fn raw(&self, id: FieldId) -> Option<&'a [u8]> {
        self.slot_bytes(self.layout.slot(id)?)
    }
    /// All elements of an integer field.
    pub fn uints(&self, id: FieldId) -> impl Iterator<Item = u64> + use<'a> {
        let view = *self;
        let slot = self.layout.slot(id);
        let count = slot.map_or(0, |slot| view.elements(slot));
        (0..count).filter_map(move |i| view.element(slot?, i))
    }
    /// The elements of a field that is an array of structures.
    pub fn structs(&self, id: FieldId) -> impl Iterator<Item = View<'a>> + use<'a> {
        let view = *self;
        let slot = self.layout.slot(id);
        let count = slot.map_or(0, |slot| view.elements(slot));
        (0..count).filter_map(move |i| view.nested(slot?, i))
    }
    /// Number of elements of a slot, as the record has them.
    pub fn elements(&self, slot: &Slot) -> u32 {
        let counter = match slot.field.map(|field| field.count) {
            Some(Count::By(name)) => self
                .layout
                .named(name)
                .and_then(|slot| self.element(slot, 0)),
            _ => None,
        };
        slot.elements(u32::try_from(self.bytes.len()).unwrap_or(u32::MAX), counter)
    }
    /// The bytes that a slot covers; `None` if the record ends before them.
    pub fn slot_bytes(&self, slot: &Slot) -> Option<&'a [u8]> {
        let start = slot.offset as usize;
        let len = if slot.is_flexible() {
            self.elements(slot).saturating_mul(slot.element) as usize
        } else {
            slot.size as usize
        };
        self.bytes.get(start..start.saturating_add(len))
    }
    fn element_bytes(&self, slot: &Slot, index: u32) -> Option<&'a [u8]> {
        let start = slot
            .offset
            .saturating_add(slot.element.saturating_mul(index)) as usize;
        self.bytes
            .get(start..start.saturating_add(slot.element as usize))
    }
    /// An element of a slot as an unsigned number (signed types are extended to 64 bits).
    pub fn element(&self, slot: &Slot, index: u32) -> Option<u64> {
        let bytes = self.element_bytes(slot, index)?;
        let ty = slot.field?.ty;
        let order = match ty {
            Type::Le16 => Order::Little,
            Type::Be16 | Type::Be32 => Order::Big,
            Type::Struct(_) => return None,
            _ => self.dialect.abi.order,
        };
        let value = read_uint(bytes, order);
        Some(match ty {
            Type::I16 => i64::from(((value & 0xffff) as u16).cast_signed()).cast_unsigned(),
            Type::I32 => i64::from(((value & 0xffff_ffff) as u32).cast_signed()).cast_unsigned(),
            _ => value,
        })
    }
    /// An element of a slot that is an array of structures.
    pub fn nested<'b>(&self, slot: &'b Slot, index: u32) -> Option<View<'b>>
    where
        'a: 'b,
    {
        let layout = slot.inner.as_deref()?;
        let bytes = self.element_bytes(slot, index)?;
        Some(View {
            layout,
            bytes,
            dialect: self.dialect,
        })
    }
}

/// Reads an unsigned integer of 1 to 8 bytes.
pub fn read_uint(bytes: &[u8], order: Order) -> u64 {
    let little = order == Order::Little;
    // The sizes that fields have are single loads.
    if let Ok(bytes) = <[u8; 4]>::try_from(bytes) {
        let value = u32::from_le_bytes(bytes);
        return u64::from(if little { value } else { value.swap_bytes() });
    }
    if let Ok(bytes) = <[u8; 8]>::try_from(bytes) {
        let value = u64::from_le_bytes(bytes);
        return if little { value } else { value.swap_bytes() };
    }
    let add = |value: u64, byte: &u8| (value << 8) | u64::from(*byte);
    if little {
        bytes.iter().rev().fold(0, add)
    } else {
        bytes.iter().fold(0, add)
    }
}

/// Writes the low bytes of a number.
pub fn write_uint(to: &mut [u8], value: u64, order: Order) {
    let bytes = value.to_le_bytes();
    let n = to.len().min(8);
    for (i, byte) in bytes.iter().take(n).enumerate() {
        let at = match order {
            Order::Little => i,
            Order::Big => n.saturating_sub(1).saturating_sub(i),
        };
        if let Some(place) = to.get_mut(at) {
            *place = *byte;
        }
    }
}

/// The bytes before the first NUL.
pub fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// A number as people write it: addresses, bits and register words in hexadecimal, the rest in decimal.
pub fn number(slot: &Slot, value: u64) -> String {
    match slot.field.map(|field| (field.meaning, field.ty)) {
        Some((
            Meaning::Address | Meaning::Flags(_) | Meaning::Word | Meaning::Opaque | Meaning::Magic,
            _,
        )) => format!("{value:#x}"),
        Some((_, Type::I16 | Type::I32 | Type::I64)) => value.cast_signed().to_string(),
        _ => value.to_string(),
    }
}

/// What a value of a field means beyond its [`number`], in words.
pub fn meaning(slot: &Slot, value: u64, dialect: Dialect) -> Option<String> {
    let Dialect { revision, abi } = dialect;
    let small = (value & 0xffff_ffff) as u32;
    match slot.field?.meaning {
        Meaning::Enum(of) => of
            .name_of(small, revision, abi.arch)
            .map(|name| name.name.to_owned()),
        Meaning::Flags(of) => {
            let (mut names, rest) = of.names(value, abi.arch);
            let rest = (rest != 0).then(|| format!("{rest:#x}"));
            names.extend(rest.as_deref());
            (!names.is_empty()).then(|| names.join("|"))
        }
        Meaning::Ref(_) if value == 0 => Some("none".to_owned()),
        Meaning::Ref(object) => Some(object.name().to_owned()),
        Meaning::Unit("bytes") if value == 1 => Some("byte".to_owned()),
        Meaning::Unit("pages") if value == 1 => Some("page".to_owned()),
        Meaning::Unit(unit) => Some(unit.to_owned()),
        Meaning::Time if value == 0 => Some("never".to_owned()),
        Meaning::Time => Some(utc(value)),
        Meaning::Syscall => ckpt_format::syscalls::name(small).map(str::to_owned),
        Meaning::Plain | Meaning::Address | Meaning::Word | Meaning::Opaque | Meaning::Magic => {
            None
        }
    }
}

/// The object type that a field refers to.
pub fn reference(slot: &Slot) -> Option<Object> {
    match slot.field?.meaning {
        Meaning::Ref(object) => Some(object),
        _ => None,
    }
}
