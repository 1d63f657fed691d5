//! Kaitai against a walk over the frames with our tables.

use crate::images::Case;
use ckpt_format::Tag;
use ckpt_format::dialect::Order;
use ckpt_format::layout::{Layout, RecordLayout, Slot, Tables};
use ckpt_format::schema::{Count, Type};
use serde_json::{Value, json};

/// Compares an image with what Kaitai saw; returns the number of records.
pub(crate) fn compare(case: &Case, answer: &[Value]) -> usize {
    let (end, records) = answer.split_last().unwrap();
    let tables = Tables::new(case.dialect);
    let mut offset = 0;
    for record in records {
        offset = compare_record(case, &tables, offset, record);
    }
    if !case.damaged {
        let rest = case.bytes.len() - offset;
        assert_eq!(
            end,
            &json!({"end": records.len(), "error": null, "trailing": rest}),
            "{}",
            case.name
        );
        assert_eq!(rest, 0, "{}: stopped at {offset:#x}", case.name);
    }
    records.len()
}

fn compare_record(case: &Case, tables: &Tables, offset: usize, record: &Value) -> usize {
    let reader = Reader {
        order: case.dialect.abi.order,
        bytes: &case.bytes[offset..],
    };
    let (number, len) = (reader.unsigned(0, 4), reader.unsigned(4, 4));
    let (number, len) = (
        u32::try_from(number).unwrap(),
        usize::try_from(len).unwrap(),
    );
    let reader = Reader {
        bytes: &reader.bytes[..len],
        ..reader
    };
    let tag = tables.by_number(number).map(RecordLayout::tag);
    let frag = tag == Some(Tag::SocketFrag);
    let raw_page = if frag { case.page_size } else { 0 };
    let layout = tables.layout_of(number, reader.bytes);
    let fields = match layout {
        Some(layout) => reader.fields(layout, 8, true),
        None => hex(&reader.bytes[8..]),
    };
    let whole = json!({"offset": offset, "type": number, "len": len, "raw_page": raw_page, "fields": fields});
    for (key, ours) in whole.as_object().unwrap() {
        assert_eq!(
            &record[key],
            ours,
            "{} at {offset:#x}, {}: {key}",
            case.name,
            tag.map_or("unknown", Tag::name)
        );
    }
    if let (Some(tag), Some(_)) = (tag, layout) {
        assert_eq!(record["tag"], tag.name(), "{} at {offset:#x}", case.name);
    }
    offset + len + raw_page
}

fn hex(bytes: &[u8]) -> Value {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap();
    let pair = |byte: &u8| [digit(byte >> 4), digit(byte & 15)];
    let digits: String = bytes.iter().flat_map(pair).collect();
    json!({ "hex": digits })
}

/// Reads values where a layout says they are.
struct Reader<'a> {
    order: Order,
    bytes: &'a [u8],
}

impl Reader<'_> {
    fn unsigned(&self, at: usize, size: usize) -> u64 {
        self.ordered(at, size, self.order)
    }
    fn ordered(&self, at: usize, size: usize, order: Order) -> u64 {
        let fold = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        let bytes = &self.bytes[at..at + size];
        match order {
            Order::Big => bytes.iter().fold(0, fold),
            Order::Little => bytes.iter().rev().fold(0, fold),
        }
    }
    /// The fields of a structure at the start of the bytes: holes too, then overlays.
    fn fields(&self, layout: &Layout, base: usize, record: bool) -> Value {
        let mut list = Vec::new();
        let mut end = base;
        for slot in layout.slots.iter().filter(|slot| !slot.overlay) {
            let field = self.field(slot, layout, base);
            end = slot.offset as usize + usize::try_from(field[2].as_u64().unwrap()).unwrap();
            list.push(field);
        }
        let open = layout.slots.last().is_some_and(|slot| {
            let kind = slot.field.map(|field| field.ty);
            slot.is_flexible() && matches!(kind, Some(Type::U8 | Type::Char))
        });
        if record && !open {
            let rest = &self.bytes[end..];
            list.push(json!(["trailing", end - base, rest.len(), hex(rest)]));
        }
        let overlays = layout.slots.iter().filter(|slot| slot.overlay);
        list.extend(overlays.map(|slot| self.field(slot, layout, base)));
        list.into()
    }
    fn field(&self, slot: &Slot, layout: &Layout, base: usize) -> Value {
        let at = slot.offset as usize;
        let Some(field) = slot.field else {
            let hole = &self.bytes[at..at + slot.size as usize];
            return json!(["", at - base, hole.len(), hex(hole)]);
        };
        let counter = match field.count {
            Count::By(name) => {
                let counter = layout.named(name).unwrap();
                Some(self.unsigned(counter.offset as usize, counter.size as usize))
            }
            _ => None,
        };
        let len = u32::try_from(self.bytes.len()).unwrap();
        let elements = slot.elements(len, counter) as usize;
        let element = slot.element as usize;
        let size = elements * element;
        let bytes = matches!(field.ty, Type::U8 | Type::Char) && field.count != Count::One;
        let value = if bytes {
            hex(&self.bytes[at..at + size])
        } else if field.count == Count::One {
            self.value(slot, at)
        } else {
            (0..elements)
                .map(|i| self.value(slot, at + i * element))
                .collect()
        };
        json!([*slot.name, at - base, size, value])
    }
    fn value(&self, slot: &Slot, at: usize) -> Value {
        if let Some(inner) = &slot.inner {
            let here = Reader {
                order: self.order,
                bytes: &self.bytes[at..at + inner.size as usize],
            };
            return here.fields(inner, 0, false);
        }
        let size = slot.element as usize;
        let text = match slot.field.unwrap().ty {
            Type::I16 | Type::I32 | Type::I64 => {
                let unused = 64 - 8 * slot.element;
                ((self.unsigned(at, size) << unused).cast_signed() >> unused).to_string()
            }
            Type::Le16 => self.ordered(at, size, Order::Little).to_string(),
            Type::Be16 | Type::Be32 => self.ordered(at, size, Order::Big).to_string(),
            _ => self.unsigned(at, size).to_string(),
        };
        json!(text)
    }
}
