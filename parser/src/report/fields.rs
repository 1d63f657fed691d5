//! The fields of a record with their places, values and meanings.

use crate::text::escape;
use crate::view::{View, meaning};
use ckpt_format::Slot;
use ckpt_format::schema::{Meaning, Type};
use std::fmt::Write;

/// A field of a record as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Offset from the record header, in bytes.
    pub offset: u32,
    /// Bytes it covers.
    pub len: u32,
    /// Dotted name, with an index in an array of structures; empty for padding.
    pub name: String,
    /// The value: number, text, list of numbers, hex bytes.
    pub value: String,
    /// What it means; empty if the value says it all.
    pub meaning: String,
    /// What the table says of the field.
    pub doc: &'static str,
    /// Padding that is not zero.
    pub suspicious: bool,
}

/// Every field of a record, padding included, in the order of their bytes: together with the
/// header they tile it.
pub fn shown(view: &View) -> Vec<Shown> {
    let mut out = Vec::new();
    collect(view, 0, "", &mut out);
    out
}

fn collect(view: &View, base: u32, prefix: &str, out: &mut Vec<Shown>) {
    for slot in &view.layout.slots {
        if slot.inner.is_some() {
            for index in 0..view.elements(slot) {
                let Some(inner) = view.nested(slot, index) else {
                    break;
                };
                let at = base
                    .saturating_add(slot.offset)
                    .saturating_add(slot.element.saturating_mul(index));
                collect(&inner, at, &format!("{prefix}{}[{index}].", slot.name), out);
            }
        } else if let Some(shown) = one(view, slot, base, prefix) {
            out.push(shown);
        }
    }
}

fn one(view: &View, slot: &Slot, base: u32, prefix: &str) -> Option<Shown> {
    let bytes = view.slot_bytes(slot)?;
    let Some(field) = slot.field else {
        let suspicious = bytes.iter().any(|byte| *byte != 0);
        return Some(Shown {
            offset: base.saturating_add(slot.offset),
            len: slot.size,
            name: String::new(),
            value: if suspicious {
                hex(bytes)
            } else {
                String::new()
            },
            meaning: "padding".to_owned(),
            doc: "",
            suspicious,
        });
    };
    Some(Shown {
        offset: base.saturating_add(slot.offset),
        len: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
        name: format!("{prefix}{}", slot.name),
        value: value(view, slot, bytes),
        meaning: single(view, slot)
            .and_then(|value| meaning(slot, value, view.dialect))
            .unwrap_or_default(),
        doc: field.doc,
        suspicious: false,
    })
}

fn single(view: &View, slot: &Slot) -> Option<u64> {
    if view.elements(slot) == 1 {
        view.element(slot, 0)
    } else {
        None
    }
}

/// Elements of an array that are written out.
const MAX_ELEMENTS: usize = 256;

fn value(view: &View, slot: &Slot, bytes: &[u8]) -> String {
    let Some(field) = slot.field else {
        return hex(bytes);
    };
    match (field.ty, field.meaning) {
        (Type::Char, _) => {
            let used = bytes
                .iter()
                .rposition(|byte| *byte != 0)
                .map_or(0, |last| last.saturating_add(1));
            format!("\"{}\"", escape(bytes.get(..used).unwrap_or_default()))
        }
        (Type::U8, Meaning::Opaque) => hex(bytes),
        _ if slot.is_flexible() && slot.element == 1 => hex(bytes),
        _ => numbers(view, slot),
    }
}

fn numbers(view: &View, slot: &Slot) -> String {
    let mut out = String::new();
    let count = view.elements(slot) as usize;
    let shown = count.min(MAX_ELEMENTS);
    for (i, index) in (0..slot.count.max(view.elements(slot)))
        .take(shown)
        .enumerate()
    {
        let Some(value) = view.element(slot, index) else {
            break;
        };
        if i > 0 {
            out.push(' ');
        }
        out.push_str(&number(slot, value, count > 1));
    }
    if count > shown {
        let _ = write!(out, " … {} more", count.saturating_sub(shown));
    }
    out
}

/// A number as people write it: addresses, flags and register words in hex, the rest in decimal.
pub fn number(slot: &Slot, value: u64, in_array: bool) -> String {
    let Some(field) = slot.field else {
        return value.to_string();
    };
    match (field.meaning, field.ty) {
        (Meaning::Address | Meaning::Flags(_) | Meaning::Magic, _) => format!("{value:#x}"),
        (_, Type::I16 | Type::I32 | Type::I64) => value.cast_signed().to_string(),
        (_, Type::U32 | Type::U64 | Type::Ulong) if in_array => format!("{value:#x}"),
        _ => value.to_string(),
    }
}

/// Bytes as hex digits, at most 64 of them.
pub fn hex(bytes: &[u8]) -> String {
    const MAX: usize = 64;
    let mut out = String::new();
    for (i, byte) in bytes.iter().take(MAX).enumerate() {
        if i > 0 && i.is_multiple_of(4) {
            out.push(' ');
        }
        let _ = write!(out, "{byte:02x}");
    }
    if bytes.len() > MAX {
        let _ = write!(out, " … {} bytes", bytes.len());
    }
    out
}
