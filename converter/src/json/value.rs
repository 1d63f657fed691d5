//! Fields of a structure as JSON, both ways.

use super::{decode_hex, encode_hex};
use ckpt_format::layout::Layout;
use ckpt_format::schema::{Meaning, Type};
use ckpt_format::{Dialect, Slot};
use ckpt_parser::encode::put_element;
use ckpt_parser::view::View;
use serde_json::{Map, Value, json};

/// Numbers above this lose digits in readers that use doubles.
const EXACT: u64 = 1 << 53;
/// Byte arrays longer than this are written as one hexadecimal text.
const LONG: u32 = 8;

/// Why a document does not describe an image.
pub(super) type Problem = String;

/// The fields of a structure.
pub(super) fn fields(view: &View) -> Map<String, Value> {
    let slots = view.layout.slots.iter();
    slots
        .filter(|slot| !slot.is_padding() && !slot.overlay)
        .map(|slot| (slot.name.to_string(), field(view, slot)))
        .collect()
}

fn field(view: &View, slot: &Slot) -> Value {
    let is = |wanted: fn(&Type) -> bool| slot.field.is_some_and(|field| wanted(&field.ty));
    let bytes = view.slot_bytes(slot).unwrap_or_default();
    if is(|ty| matches!(ty, Type::Char)) {
        return text(bytes);
    }
    if is(|ty| matches!(ty, Type::U8)) && (slot.count > LONG || slot.is_flexible()) {
        return json!({ "hex": encode_hex(bytes) });
    }
    let element = |index| match view.nested(slot, index) {
        Some(inner) => Value::Object(fields(&inner)),
        None => number(view, slot, index),
    };
    match slot.count {
        1 => element(0),
        _ => (0..view.elements(slot)).map(element).collect(),
    }
}

/// Text up to its padding; what is no text as bytes.
fn text(bytes: &[u8]) -> Value {
    let end = bytes
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |at| at.saturating_add(1));
    let used = bytes.get(..end).unwrap_or_default();
    match std::str::from_utf8(used) {
        Ok(text) if !text.contains('\0') => json!(text),
        _ => json!({ "hex": encode_hex(bytes) }),
    }
}

fn number(view: &View, slot: &Slot, index: u32) -> Value {
    let value = view.element(slot, index).unwrap_or(0);
    let signed = slot
        .field
        .is_some_and(|field| matches!(field.ty, Type::I16 | Type::I32 | Type::I64));
    let plain = if signed {
        signed_value(value.cast_signed())
    } else {
        unsigned_value(value)
    };
    match slot.field.map(|field| field.meaning) {
        Some(Meaning::Enum(names)) => {
            let Dialect { revision, abi } = view.dialect;
            let small = u32::try_from(value).ok();
            let name = small.and_then(|value| names.name_of(value, revision, abi.arch));
            json!({ "value": plain, "name": name.map(|name| name.name) })
        }
        _ => plain,
    }
}

/// A number, as text where a double would lose digits.
pub(super) fn unsigned_value(value: u64) -> Value {
    if value > EXACT {
        json!(format!("{value:#x}"))
    } else {
        json!(value)
    }
}

fn signed_value(value: i64) -> Value {
    if value.unsigned_abs() > EXACT {
        json!(format!("{value:#x}"))
    } else {
        json!(value)
    }
}

/// A number in any of the forms that a person may write; enumerations also by name.
pub(super) fn parse_number(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number
            .as_u64()
            .or_else(|| number.as_i64().map(i64::cast_unsigned)),
        Value::String(text) => match text.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16).ok(),
            None => text.parse().ok(),
        },
        Value::Object(object) => object.get("value").and_then(parse_number),
        _ => None,
    }
}

/// Writes fields into the bytes of a structure.
///
/// # Errors
/// Unknown names, and values that do not fit.
pub(super) fn set_fields(
    object: &Map<String, Value>,
    layout: &Layout,
    bytes: &mut Vec<u8>,
    dialect: Dialect,
) -> Result<(), Problem> {
    for (name, value) in object {
        let slot = layout.named(name).ok_or_else(|| {
            format!(
                "{} has no field {name} in {}",
                layout.c_name, dialect.revision
            )
        })?;
        set_field(slot, value, bytes, dialect).map_err(|why| format!("{name}: {why}"))?;
    }
    Ok(())
}

fn set_field(
    slot: &Slot,
    value: &Value,
    bytes: &mut Vec<u8>,
    dialect: Dialect,
) -> Result<(), Problem> {
    if let Some(raw) = raw_bytes(slot, value)? {
        return put(bytes, slot.offset, &raw, slot);
    }
    match value {
        Value::Array(elements) => {
            let count = u32::try_from(elements.len()).map_err(|_| "too many elements")?;
            if !slot.is_flexible() && count != slot.count {
                return Err(format!("{count} elements, expected {}", slot.count));
            }
            for (index, element) in (0..).zip(elements) {
                set_element(slot, index, element, bytes, dialect)?;
            }
            Ok(())
        }
        single => set_element(slot, 0, single, bytes, dialect),
    }
}

/// Text and hexadecimal forms.
fn raw_bytes(slot: &Slot, value: &Value) -> Result<Option<Vec<u8>>, Problem> {
    if let Some(hex) = value.get("hex") {
        let bytes = hex.as_str().and_then(decode_hex);
        return bytes.map(Some).ok_or_else(|| "not hexadecimal".to_owned());
    }
    let is_text = slot
        .field
        .is_some_and(|field| matches!(field.ty, Type::Char));
    Ok(value
        .as_str()
        .filter(|_| is_text)
        .map(|text| text.as_bytes().to_vec()))
}

fn put(bytes: &mut Vec<u8>, offset: u32, raw: &[u8], slot: &Slot) -> Result<(), Problem> {
    if !slot.is_flexible() && raw.len() > slot.size as usize {
        return Err(format!("{} bytes, at most {}", raw.len(), slot.size));
    }
    let start = offset as usize;
    let end = start.checked_add(raw.len()).ok_or("too long")?;
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    if let Some(room) = bytes.get_mut(start..end) {
        room.copy_from_slice(raw);
    }
    Ok(())
}

fn set_element(
    slot: &Slot,
    index: u32,
    value: &Value,
    bytes: &mut Vec<u8>,
    dialect: Dialect,
) -> Result<(), Problem> {
    let start = u64::from(slot.offset) + u64::from(slot.element) * u64::from(index);
    let start = usize::try_from(start).map_err(|_| "too long")?;
    let end = start.checked_add(slot.element as usize).ok_or("too long")?;
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    if let (Some(inner), Value::Object(object)) = (slot.inner.as_deref(), value) {
        let mut part = bytes.get(start..end).unwrap_or_default().to_vec();
        set_fields(object, inner, &mut part, dialect)?;
        if let Some(room) = bytes.get_mut(start..end) {
            room.copy_from_slice(part.get(..room.len()).ok_or("too short")?);
        }
        return Ok(());
    }
    let number = parse_number(value)
        .or_else(|| named(slot, value, dialect))
        .ok_or_else(|| format!("{value} is no number"))?;
    if !fits(number, slot.element) {
        return Err(format!("{value} does not fit {} bytes", slot.element));
    }
    put_element(bytes, slot, index, number, dialect);
    Ok(())
}

/// The number of an enumeration's name.
fn named(slot: &Slot, value: &Value, dialect: Dialect) -> Option<u64> {
    let Meaning::Enum(names) = slot.field?.meaning else {
        return None;
    };
    let name = value.as_str().or_else(|| value.get("name")?.as_str())?;
    let Dialect { revision, abi } = dialect;
    names.number_of(name, revision, abi.arch).map(u64::from)
}

/// Whether a number, taken as signed or not, has so many bytes.
fn fits(value: u64, bytes: u32) -> bool {
    let bits = bytes.saturating_mul(8);
    if bits >= 64 {
        return true;
    }
    let high = value >> bits;
    let negative = value.cast_signed() < 0;
    high == 0 || (negative && value.cast_signed() >= -(1i64 << (bits - 1)))
}
