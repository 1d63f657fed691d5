//! Stream to document, record by record.

use super::payload::{self, SHORT};
use super::{SCHEMA, encode_base64, encode_hex, read, value};
use crate::error::Error;
use crate::output::Sink;
use ckpt_parser::decoder::{Decoder, Event};
use ckpt_parser::frame::HEADER_LEN;
use ckpt_parser::grammar::Role;
use ckpt_parser::source::Source;
use ckpt_parser::view::read_uint;
use serde_json::{Map, Value, json};
use std::io::Write;
use std::path::Path;

/// Where contents of memory go.
pub enum Memory<'a> {
    /// Nowhere: the document cannot be turned back into the same image.
    None,
    /// Into the document.
    Base64,
    /// Into another file, beside the document.
    Side(&'a Path, &'a mut dyn Sink),
}

/// Bytes copied at a time; a multiple of three, so that pieces of base64 join.
const STEP: usize = 3 << 18;

/// Contents that stand behind the fields of a record.
struct Contents {
    /// Where they begin in the record.
    skip: u64,
    len: u64,
}

/// Writes an image as a document.
///
/// # Errors
/// Those of source and outputs.
pub fn write<S: Source>(
    decoder: &mut Decoder<S>,
    out: &mut dyn Write,
    mut memory: Memory<'_>,
    progress: &mut dyn FnMut(u64),
) -> Result<(), Error> {
    let head = head(decoder, &memory);
    let head = serde_json::to_string(&head).map_err(std::io::Error::from)?;
    out.write_all(head.trim_end_matches('}').as_bytes())?;
    out.write_all(b",\"records\":[")?;
    let mut separator = "\n";
    let mut side = 0;
    while let Some(event) = decoder.next() {
        let event = event.map_err(Error::Read)?;
        out.write_all(separator.as_bytes())?;
        separator = ",\n";
        let (record, contents) = record(decoder, &event)?;
        let text = serde_json::to_string(&record).map_err(std::io::Error::from)?;
        match contents {
            None => out.write_all(text.as_bytes())?,
            Some(contents) => {
                let open = text.strip_suffix('}').unwrap_or(&text);
                write!(out, "{open},\"memory\":")?;
                copy(decoder, &contents, out, &mut memory, &mut side)?;
                out.write_all(b"}")?;
            }
        }
        progress(event.frame.end());
    }
    out.write_all(b"\n]}\n")?;
    out.flush()?;
    Ok(())
}

fn head<S: Source>(decoder: &Decoder<S>, memory: &Memory) -> Value {
    let detection = decoder.detection();
    let abi = detection.dialect.abi;
    json!({
        "schema": SCHEMA,
        "kind": "linux-cr image",
        "revision": detection.dialect.revision.to_string(),
        "arch": abi.arch.name(),
        "order": abi.order.to_string(),
        "old_abi": abi.old_abi,
        "page_size": detection.page_size,
        "memory": match memory {
            Memory::Side(path, _) => json!(path.file_name().unwrap_or_default().to_string_lossy()),
            _ => Value::Null,
        },
    })
}

type Shown = (Map<String, Value>, Option<Contents>);

fn record<S: Source>(decoder: &mut Decoder<S>, event: &Event) -> Result<Shown, Error> {
    let mut record = Map::new();
    let Some(tag) = event.tag else {
        let (key, skip) = if event.frame.is_gap() {
            ("gap", 0)
        } else {
            ("number", HEADER_LEN)
        };
        let number = if event.frame.is_gap() {
            Value::Bool(true)
        } else {
            json!(event.frame.number)
        };
        record.insert(key.into(), number);
        if !event.frame.is_gap() {
            keep_length(decoder, event, &mut record);
        }
        return opaque(decoder, event, record, skip);
    };
    record.insert("type".into(), json!(tag.name()));
    if !event.role().name().is_empty() {
        record.insert("role".into(), json!(event.role().name()));
    }
    let is_payload = decoder
        .tables()
        .by_tag(tag)
        .is_some_and(|record| record.record.payload);
    if is_payload {
        return payload(decoder, event, record);
    }
    structure(decoder, event, &mut record);
    // The page behind the record may be cut with the image.
    let skip = u64::from(event.frame.len);
    let raw = usize::try_from(event.frame.raw).unwrap_or(0);
    let there = decoder.payload(skip, raw).map_err(Error::Read)?.len();
    let len = there as u64;
    Ok((record, (len > 0).then_some(Contents { skip, len })))
}

/// The last record of a cut image is shorter than its header says.
fn keep_length<S: Source>(decoder: &Decoder<S>, event: &Event, record: &mut Map<String, Value>) {
    let order = decoder.detection().dialect.abi.order;
    let said = decoder.head().get(4..8).map(|len| read_uint(len, order));
    if said.is_some_and(|said| said != u64::from(event.frame.len)) {
        record.insert("len".into(), json!(said));
    }
}

/// Bytes that nobody knows.
fn opaque<S: Source>(
    decoder: &mut Decoder<S>,
    event: &Event,
    mut record: Map<String, Value>,
    skip: u64,
) -> Result<Shown, Error> {
    let len = u64::from(event.frame.len).saturating_sub(skip);
    if len > SHORT {
        return Ok((record, Some(Contents { skip, len })));
    }
    let bytes = bytes(decoder, event, skip, len)?;
    record.insert("payload".into(), json!({ "hex": encode_hex(&bytes) }));
    Ok((record, None))
}

fn bytes<S: Source>(
    decoder: &mut Decoder<S>,
    event: &Event,
    skip: u64,
    len: u64,
) -> Result<Vec<u8>, Error> {
    let mut all = Vec::new();
    while (all.len() as u64) < len {
        let at = skip.saturating_add(all.len() as u64);
        let want = usize::try_from(len.saturating_sub(all.len() as u64)).unwrap_or(STEP);
        let part = decoder.payload(at, want.min(STEP)).map_err(Error::Read)?;
        if part.is_empty() {
            return Err(Error::ended(event.frame.offset.saturating_add(at)));
        }
        all.extend_from_slice(part);
    }
    Ok(all)
}

/// Lists longer than this are taken for contents.
const LONGEST_LIST: u64 = 32 << 20;

fn payload<S: Source>(
    decoder: &mut Decoder<S>,
    event: &Event,
    mut record: Map<String, Value>,
) -> Result<Shown, Error> {
    let dialect = decoder.detection().dialect;
    let len = u64::from(event.frame.len).saturating_sub(HEADER_LEN);
    let Some(tag) = event.tag else {
        return opaque(decoder, event, record, HEADER_LEN);
    };
    keep_length(decoder, event, &mut record);
    if let Role::Pages { count } = event.role()
        && let Some(addresses) = addresses(decoder, event, count)
    {
        let table = count.saturating_mul(dialect.abi.arch.word_size().into());
        record.insert("addresses".into(), addresses);
        let skip = HEADER_LEN.saturating_add(table);
        let len = len.saturating_sub(table);
        return Ok((record, Some(Contents { skip, len })));
    }
    let wanted =
        len <= SHORT || (payload::is_list(tag, event.role(), dialect) && len < LONGEST_LIST);
    if !wanted || event.role() == Role::HugePage {
        let skip = HEADER_LEN;
        return Ok((record, Some(Contents { skip, len })));
    }
    let bytes = bytes(decoder, event, HEADER_LEN, len)?;
    record.insert(
        "payload".into(),
        payload::show(tag, event.role(), &bytes, dialect),
    );
    Ok((record, None))
}

/// The addresses of a page group, if all of them are held.
fn addresses<S: Source>(decoder: &Decoder<S>, event: &Event, count: u64) -> Option<Value> {
    let abi = decoder.detection().dialect.abi;
    let word = usize::from(abi.arch.word_size());
    let end = usize::try_from(count)
        .ok()?
        .checked_mul(word)?
        .checked_add(8)?;
    let table = decoder.head().get(8..end)?;
    if end as u64 > u64::from(event.frame.len) {
        return None;
    }
    let words = table
        .chunks_exact(word)
        .map(|word| read_uint(word, abi.order));
    Some(
        words
            .map(|address| json!(format!("{address:#x}")))
            .collect(),
    )
}

/// Fields, and what they do not say.
fn structure<S: Source>(decoder: &Decoder<S>, event: &Event, record: &mut Map<String, Value>) {
    // A record of a variant that nobody knows has no fields: all of it is patches.
    if let Some(view) = decoder.view() {
        record.insert("fields".into(), Value::Object(value::fields(&view)));
    }
    let original = decoder.head();
    let built = read::structure(record, decoder.tables(), event.tag).unwrap_or_default();
    if built.len() != original.len() {
        record.insert("len".into(), json!(original.len()));
    }
    let built = read::structure(record, decoder.tables(), event.tag).unwrap_or_default();
    let patches = patches(original, &built);
    if !patches.is_empty() {
        record.insert("patch".into(), Value::Array(patches));
    }
}

/// Runs of bytes that differ.
fn patches(original: &[u8], built: &[u8]) -> Vec<Value> {
    let mut patches = Vec::new();
    let mut run: Option<(usize, Vec<u8>)> = None;
    let built = built.iter().map(Some).chain(std::iter::repeat(None));
    for (at, (byte, other)) in original.iter().zip(built).enumerate() {
        if other == Some(byte) {
            patches.extend(run.take().map(patch));
        } else {
            run.get_or_insert_with(|| (at, Vec::new())).1.push(*byte);
        }
    }
    patches.extend(run.map(patch));
    patches
}

fn patch((at, bytes): (usize, Vec<u8>)) -> Value {
    json!({ "at": at, "hex": encode_hex(&bytes) })
}

fn copy<S: Source>(
    decoder: &mut Decoder<S>,
    contents: &Contents,
    out: &mut dyn Write,
    memory: &mut Memory<'_>,
    side: &mut u64,
) -> Result<(), Error> {
    let Contents { skip, len } = *contents;
    match memory {
        Memory::None => return Ok(write!(out, "{{\"absent\":{len}}}")?),
        Memory::Base64 => out.write_all(b"{\"base64\":\"")?,
        Memory::Side(..) => write!(out, "{{\"offset\":{side},\"len\":{len}}}")?,
    }
    *side = side.saturating_add(len);
    let mut done = 0;
    let mut text = Vec::new();
    while done < len {
        let want = usize::try_from(len.saturating_sub(done))
            .unwrap_or(STEP)
            .min(STEP);
        let at = skip.saturating_add(done);
        let part = decoder.payload(at, want).map_err(Error::Read)?;
        if part.len() < want {
            return Err(Error::ended(at));
        }
        done = done.saturating_add(part.len() as u64);
        if let Memory::Side(path, sink) = memory {
            let written = sink.bytes(part);
            written.map_err(|error| Error::Write(error).of_output(path, None))?;
        } else {
            text.clear();
            encode_base64(part, &mut text);
            out.write_all(&text)?;
        }
    }
    if matches!(memory, Memory::Base64) {
        out.write_all(b"\"}")?;
    }
    Ok(())
}
