//! Payloads whose place in the stream says what they are (§1.3).

use super::value::{self, Problem};
use super::{decode_base64, decode_hex, encode_hex};
use ckpt_format::dialect::{R07, R15};
use ckpt_format::layout::Layout;
use ckpt_format::records as table;
use ckpt_format::{Dialect, Order, Tag};
use ckpt_parser::grammar::Role;
use ckpt_parser::view::{View, read_uint, write_uint};
use serde_json::{Map, Value, json};

/// Payloads longer than this that are neither text nor a list go where memory goes.
pub(super) const SHORT: u64 = 4096;

/// What a payload is made of.
enum Form {
    Text,
    Words(usize),
    Items(Layout),
    Bytes,
}

fn form(tag: Tag, role: Role, dialect: Dialect) -> Form {
    let items = |of| Layout::of(of, dialect).map_or(Form::Bytes, Form::Items);
    match (tag, role) {
        (Tag::String | Tag::FileName | Tag::LsmInfo, _)
        | (_, Role::Release | Role::Version | Role::Machine | Role::LsmName) => Form::Text,
        (_, Role::Auxv) if dialect.revision < R07 => {
            Form::Words(dialect.abi.arch.word_size().into())
        }
        (_, Role::Auxv) => Form::Words(8),
        (_, Role::TaskPids) if dialect.revision >= R15 => items(&table::TASK_PIDS),
        (_, Role::TaskPids) => items(&table::CKPT_PIDS),
        (_, Role::Pids | Role::Vpids | Role::SemValues) => Form::Words(4),
        (_, Role::EpollItems) => items(&table::EVENTPOLL_ITEM),
        _ => Form::Bytes,
    }
}

/// Whether all of a payload is wanted, however long it is.
pub(super) fn is_list(tag: Tag, role: Role, dialect: Dialect) -> bool {
    !matches!(form(tag, role, dialect), Form::Bytes)
}

/// A payload as JSON.
pub(super) fn show(tag: Tag, role: Role, bytes: &[u8], dialect: Dialect) -> Value {
    let order = dialect.abi.order;
    let shown = match form(tag, role, dialect) {
        Form::Text => text(bytes),
        Form::Words(width) => words(bytes, width, order),
        Form::Items(layout) => items(bytes, &layout, dialect),
        Form::Bytes => None,
    };
    let is_same = |shown: &Value| parse(shown, dialect, Some(tag), role).as_deref() == Ok(bytes);
    shown
        .filter(is_same)
        .unwrap_or_else(|| json!({ "hex": encode_hex(bytes) }))
}

/// Text and the number of NULs behind it, which differs from place to place.
fn text(bytes: &[u8]) -> Option<Value> {
    let end = bytes
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |at| at.saturating_add(1));
    let text = std::str::from_utf8(bytes.get(..end)?).ok()?;
    let nuls = bytes.len().saturating_sub(end);
    Some(json!({ "text": text, "nuls": nuls }))
}

fn words(bytes: &[u8], width: usize, order: Order) -> Option<Value> {
    if bytes.len().checked_rem(width)? != 0 {
        return None;
    }
    let words = bytes
        .chunks_exact(width)
        .map(|word| value::unsigned_value(read_uint(word, order)));
    Some(json!({ "width": width, "words": words.collect::<Vec<_>>() }))
}

fn items(bytes: &[u8], layout: &Layout, dialect: Dialect) -> Option<Value> {
    let size = layout.size as usize;
    if bytes.len().checked_rem(size)? != 0 {
        return None;
    }
    let item = |bytes| {
        Value::Object(value::fields(&View {
            layout,
            bytes,
            dialect,
        }))
    };
    Some(json!({ "items": bytes.chunks_exact(size).map(item).collect::<Vec<_>>() }))
}

/// The bytes of a payload.
///
/// # Errors
/// What is wrong with it.
pub(super) fn parse(
    shown: &Value,
    dialect: Dialect,
    tag: Option<Tag>,
    role: Role,
) -> Result<Vec<u8>, Problem> {
    let get = |name: &str| shown.get(name);
    if let Some(hex) = get("hex").and_then(Value::as_str) {
        return decode_hex(hex).ok_or_else(|| "hex: not hexadecimal".to_owned());
    }
    if let Some(text) = get("base64").and_then(Value::as_str) {
        return decode_base64(text).ok_or_else(|| "base64: not base64".to_owned());
    }
    if let Some(text) = get("text").and_then(Value::as_str) {
        let nuls = get("nuls").and_then(Value::as_u64).unwrap_or(1).min(SHORT);
        let mut bytes = text.as_bytes().to_vec();
        bytes.resize(
            bytes
                .len()
                .saturating_add(usize::try_from(nuls).unwrap_or(0)),
            0,
        );
        return Ok(bytes);
    }
    if let Some(words) = get("words").and_then(Value::as_array) {
        return parse_words(shown, words, dialect.abi.order);
    }
    match (
        get("items").and_then(Value::as_array),
        tag.map(|tag| form(tag, role, dialect)),
    ) {
        (Some(items), Some(Form::Items(layout))) => parse_items(items, &layout, dialect),
        (Some(_), _) => Err("items: this payload is no list of structures".into()),
        _ => Err("a payload is hex, base64, text, words, items or memory".into()),
    }
}

fn parse_words(shown: &Value, words: &[Value], order: Order) -> Result<Vec<u8>, Problem> {
    let width = shown.get("width").and_then(Value::as_u64).unwrap_or(4);
    let width = usize::try_from(width)
        .ok()
        .filter(|width| [4, 8].contains(width));
    let width = width.ok_or("width: expected 4 or 8")?;
    let mut out = Vec::new();
    for word in words {
        let value = value::parse_number(word).ok_or_else(|| format!("{word} is no number"))?;
        let mut bytes = [0; 8];
        let room = bytes.get_mut(..width).unwrap_or_default();
        write_uint(room, value, order);
        out.extend_from_slice(room);
    }
    Ok(out)
}

fn parse_items(items: &[Value], layout: &Layout, dialect: Dialect) -> Result<Vec<u8>, Problem> {
    let mut out = Vec::new();
    let none = Map::new();
    for item in items {
        let mut bytes = vec![0; layout.size as usize];
        let object = item.as_object().unwrap_or(&none);
        value::set_fields(object, layout, &mut bytes, dialect)?;
        out.extend_from_slice(&bytes);
    }
    Ok(out)
}
