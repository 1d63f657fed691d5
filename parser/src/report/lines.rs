//! JSON Lines: one line an event, constant memory.

use super::SCHEMA;
use super::json::Json;
use crate::decoder::{Decoder, Event};
use crate::detect::Detection;
use crate::diagnostic::{Diagnostic, Findings};
use crate::frame::{HEADER_LEN, HEADER_SIZE};
use crate::grammar::Role;
use crate::model::VmaKind;
use crate::source::Source;
use crate::view::{View, read_uint};
use ckpt_format::schema::{Meaning, Type};
use ckpt_format::{Dialect, FieldId, Slot, Tag};
use std::io::{self, Write};

/// Bytes that are collected before they are written.
const BATCH: usize = 64 << 10;
/// Bytes of an opaque payload that a line shows.
const MAX_BYTES: usize = 4096;

/// Writes every record of an image as a line; the first line describes the image, the last one the
/// end. Diagnostics are lines too, as soon as they are known.
///
/// # Errors
/// Those of the source and of `out`.
pub fn write_lines<S: Source>(decoder: &mut Decoder<S>, out: &mut dyn Write) -> io::Result<()> {
    let mut json = Json::default();
    head_line(&mut json, decoder.detection());
    let mut told = 0;
    let mut step = Step::new(decoder);
    while let Some(event) = decoder.next() {
        let event = event?;
        step.pass(decoder, &event);
        record_line(&mut json, decoder, &event, step.step)?;
        told = finding_lines(&mut json, decoder.findings(), told);
        if json.out.len() >= BATCH {
            out.write_all(&json.out)?;
            json.out.clear();
        }
    }
    finding_lines(&mut json, decoder.findings(), told);
    end_line(&mut json, decoder);
    out.write_all(&json.out)?;
    out.flush()
}

/// By how much the numbers of consecutive pages grow; the records before them say so.
pub struct Step {
    page_size: u64,
    step: u64,
}

impl Step {
    /// At the start of an image.
    pub fn new<S: Source>(decoder: &Decoder<S>) -> Step {
        let page_size = u64::from(decoder.detection().page_size);
        Step {
            page_size,
            step: page_size,
        }
    }
    /// Takes notice of a record.
    pub fn pass<S: Source>(&mut self, decoder: &Decoder<S>, event: &Event) {
        if let Some(counted) = counts_pages(decoder, event) {
            self.step = if counted { 1 } else { self.page_size };
        }
    }
    /// The present record as [`write_lines`] writes it, without the end of the line.
    ///
    /// # Errors
    /// Those of the source.
    pub fn record<S: Source>(
        &self,
        decoder: &mut Decoder<S>,
        event: &Event,
    ) -> io::Result<Vec<u8>> {
        let mut json = Json::default();
        record_line(&mut json, decoder, event, self.step)?;
        json.out.truncate(json.out.trim_ascii_end().len());
        Ok(json.out)
    }
}

/// Pages of a segment are counted, those of a mapping addressed (§4.1); what this record says of
/// the pages that follow it, if anything.
fn counts_pages<S: Source>(decoder: &Decoder<S>, event: &Event) -> Option<bool> {
    const VMA_TYPE: FieldId = ckpt_format::records::VMA.id("vma_type");
    match event.tag? {
        Tag::IpcShm => Some(true),
        Tag::Vma => Some(decoder.view()?.u32(VMA_TYPE)? == VmaKind::ShmAnon.number()),
        _ => None,
    }
}

fn head_line(json: &mut Json, detection: &Detection) {
    json.open(b'{');
    json.key("schema");
    json.number(u64::from(SCHEMA));
    json.key("kind");
    json.string("image");
    json.key("revision");
    json.string(&detection.dialect.revision.to_string());
    json.key("arch");
    json.string(detection.dialect.abi.arch.name());
    json.key("byte_order");
    json.string(&detection.dialect.abi.order.to_string());
    json.key("page_size");
    json.number(u64::from(detection.page_size));
    json.close(b'}');
    json.line();
}

fn end_line<S: Source>(json: &mut Json, decoder: &Decoder<S>) {
    json.open(b'{');
    json.key("kind");
    json.string("end");
    json.key("offset");
    json.number(decoder.offset());
    json.key("complete");
    json.bool(decoder.is_complete());
    json.key("diagnostics");
    json.number(
        (decoder.findings().kept().len() as u64).saturating_add(decoder.findings().dropped()),
    );
    json.close(b'}');
    json.line();
}

fn finding_lines(json: &mut Json, findings: &Findings, told: usize) -> usize {
    for finding in findings.kept().iter().skip(told) {
        json.open(b'{');
        json.key("kind");
        json.string("diagnostic");
        finding_members(json, finding);
        json.close(b'}');
        json.line();
    }
    findings.kept().len()
}

fn finding_members(json: &mut Json, finding: &Diagnostic) {
    for (key, text) in [
        ("code", finding.code.info().code),
        ("severity", finding.severity.name()),
        ("record_type", finding.record),
    ] {
        json.key(key);
        json.string(text);
    }
    if !finding.file.is_empty() {
        json.key("file");
        json.string(&finding.file);
    }
    for (key, value) in [
        ("offset", finding.offset),
        ("len", finding.len),
        ("record", finding.frame),
    ] {
        json.key(key);
        json.number(value);
    }
    for (key, text) in [
        ("path", &finding.path),
        ("found", &finding.found),
        ("expected", &finding.expected),
    ] {
        json.key(key);
        json.string(text);
    }
}

fn record_line<S: Source>(
    json: &mut Json,
    decoder: &mut Decoder<S>,
    event: &Event,
    step: u64,
) -> io::Result<()> {
    json.raw(r#"{"kind":"record","record":"#);
    json.fresh();
    json.number(event.index);
    json.key("offset");
    json.number(event.frame.offset);
    json.key("type");
    json.word(event.name());
    if !event.frame.is_gap() {
        json.key("number");
        json.number(u64::from(event.frame.number));
    }
    json.key("len");
    json.number(u64::from(event.frame.len));
    if event.frame.raw > 0 {
        json.key("raw_len");
        json.number(u64::from(event.frame.raw));
    }
    json.key("depth");
    json.number(u64::from(event.place.depth));
    if let Some(task) = event.place.task {
        json.key("task");
        json.number(u64::from(task));
    }
    if let Some(object) = event.object() {
        json.key("object");
        json.signed(i64::from(object.objref));
    }
    if !event.role().name().is_empty() {
        json.key("role");
        json.word(event.role().name());
    }
    contents(json, decoder, event, step)?;
    json.close(b'}');
    json.line();
    Ok(())
}

fn contents<S: Source>(
    json: &mut Json,
    decoder: &mut Decoder<S>,
    event: &Event,
    step: u64,
) -> io::Result<()> {
    let dialect = decoder.tables().dialect;
    match event.role() {
        Role::Pages { count } => {
            pages(json, decoder.head(), event, count, dialect, step);
        }
        role if role.is_text() || role == Role::ForeignName => {
            json.key("text");
            json.text(trim_nuls(decoder.payload(HEADER_LEN, MAX_BYTES)?));
        }
        _ if event.tag.is_none() || is_payload(decoder, event) => {
            json.key("hex");
            json.bytes_hex(decoder.payload(HEADER_LEN, MAX_BYTES)?);
        }
        _ => {
            if let Some(view) = decoder.view() {
                json.key("fields");
                object(json, &view);
            }
        }
    }
    Ok(())
}

fn is_payload<S: Source>(decoder: &Decoder<S>, event: &Event) -> bool {
    decoder
        .tables()
        .by_number(event.frame.number)
        .is_some_and(|record| record.record.payload)
}

/// Text ends at its last byte that is not NUL; ERROR text begins with one (§1.7).
fn trim_nuls(bytes: &[u8]) -> &[u8] {
    let end = bytes
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |last| last.saturating_add(1));
    let text = bytes.get(..end).unwrap_or_default();
    text.strip_prefix(&[0]).unwrap_or(text)
}

/// Runs of consecutive pages: first address, number of pages; addresses grow by `step`.
fn pages(json: &mut Json, head: &[u8], event: &Event, count: u64, dialect: Dialect, step: u64) {
    let word = dialect.abi.arch.word_size();
    json.key("pages");
    json.number(count);
    json.key("contents_offset");
    json.number(event.pages_offset(word));
    json.key("runs");
    json.open(b'[');
    let mut run: Option<(u64, u64)> = None;
    for address in head
        .get(HEADER_SIZE..)
        .unwrap_or_default()
        .chunks_exact(usize::from(word))
    {
        let address = read_uint(address, dialect.abi.order);
        match &mut run {
            Some((first, n)) if address == first.saturating_add(n.saturating_mul(step)) => {
                *n = n.saturating_add(1);
            }
            _ => {
                end_run(json, run, word);
                run = Some((address, 1));
            }
        }
    }
    end_run(json, run, word);
    json.close(b']');
}

fn end_run(json: &mut Json, run: Option<(u64, u64)>, word: u8) {
    if let Some((first, count)) = run {
        json.open(b'[');
        json.hex(first, u32::from(word).saturating_mul(2));
        json.number(count);
        json.close(b']');
    }
}

/// The fields of a structure as a JSON object.
fn object(json: &mut Json, view: &View) {
    json.open(b'{');
    for slot in view.layout.slots.iter().filter(|slot| !slot.is_padding()) {
        let count = view.elements(slot);
        json.key(&slot.name);
        let is_text = matches!(slot.field.map(|field| field.ty), Some(Type::Char));
        let is_opaque = matches!(
            slot.field.map(|field| (field.ty, field.meaning)),
            Some((Type::U8, Meaning::Opaque))
        );
        if is_text {
            json.text(trim_nuls(view.slot_bytes(slot).unwrap_or_default()));
        } else if is_opaque {
            json.bytes_hex(view.slot_bytes(slot).unwrap_or_default());
        } else if slot.is_flexible() || slot.count != 1 {
            array(json, view, slot, count);
        } else {
            scalar(json, view, slot, 0);
        }
    }
    json.close(b'}');
}

fn array(json: &mut Json, view: &View, slot: &Slot, count: u32) {
    json.open(b'[');
    for index in 0..count {
        match view.nested(slot, index) {
            Some(inner) => object(json, &inner),
            None => scalar(json, view, slot, index),
        }
    }
    json.close(b']');
}

fn scalar(json: &mut Json, view: &View, slot: &Slot, index: u32) {
    let (Some(value), Some(field)) = (view.element(slot, index), slot.field) else {
        return json.null();
    };
    let Dialect { revision, abi } = view.dialect;
    let digits = u32::from(abi.arch.word_size()).saturating_mul(2);
    match field.meaning {
        Meaning::Enum(of) => {
            let name = of
                .name_of((value & 0xffff_ffff) as u32, revision, abi.arch)
                .map(|name| name.name);
            named(json, value, name);
        }
        Meaning::Syscall => named(
            json,
            value,
            ckpt_format::syscalls::name((value & 0xffff_ffff) as u32),
        ),
        Meaning::Flags(of) => {
            json.open(b'{');
            json.key("value");
            json.hex(value, 1);
            json.key("names");
            json.open(b'[');
            let (names, rest) = of.names(value, abi.arch);
            for name in names {
                json.word(name);
            }
            if rest != 0 {
                json.hex(rest, 1);
            }
            json.close(b']');
            json.close(b'}');
        }
        Meaning::Address => json.hex(value, digits),
        Meaning::Magic => json.hex(value, 16),
        _ => match field.ty {
            Type::I16 | Type::I32 | Type::I64 => json.signed(value.cast_signed()),
            _ => json.number(value),
        },
    }
}

fn named(json: &mut Json, value: u64, name: Option<&str>) {
    json.open(b'{');
    json.key("value");
    json.number(value & 0xffff_ffff);
    json.key("name");
    match name {
        Some(name) => json.word(name),
        None => json.null(),
    }
    json.close(b'}');
}
