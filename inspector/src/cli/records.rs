//! `--record` and `--stats`.

use super::args::Args;
use super::{FINDINGS, decoder, hexdump, report};
use anyhow::{Context, Result, bail};
use ckpt_format::Tag;
use ckpt_parser::decoder::{Decoder, Event};
use ckpt_parser::frame::Frame;
use ckpt_parser::report::fields::{self, Shown};
use ckpt_parser::report::outline;
use ckpt_parser::source::Source;
use std::io::Write;

/// Which record.
enum Which {
    Number(u64),
    Type(Tag),
    Offset(u64),
}

/// Bytes of a record that are dumped.
const MAX_DUMP: usize = 64 << 10;

pub(super) fn record(args: &Args, which: &str, colour: bool, out: &mut dyn Write) -> Result<u8> {
    let which = parse(which)?;
    let (mut decoder, name) = decoder(args)?;
    while let Some(event) = decoder.next() {
        let event = event?;
        if matches(&which, &event) {
            one(&mut decoder, &event, args, colour, out)?;
            return Ok(report(decoder.findings(), args));
        }
    }
    eprintln!("ckpt-inspect: {name} has no such record");
    Ok(FINDINGS)
}

fn parse(text: &str) -> Result<Which> {
    if let Some(offset) = text.strip_prefix('@') {
        return Ok(Which::Offset(
            number(offset).with_context(|| format!("{offset} is no offset"))?,
        ));
    }
    if let Ok(index) = text.parse() {
        return Ok(Which::Number(index));
    }
    match Tag::from_name(&text.to_ascii_uppercase()) {
        Some(tag) => Ok(Which::Type(tag)),
        None => bail!("{text} is neither a record number, a type such as VMA, nor @OFFSET"),
    }
}

/// A number in decimal or, with `0x`, in hex.
pub(super) fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

fn matches(which: &Which, event: &Event) -> bool {
    match which {
        Which::Number(index) => event.index == *index,
        Which::Type(tag) => event.tag == Some(*tag),
        Which::Offset(offset) => (event.frame.offset..event.frame.end()).contains(offset),
    }
}

fn one<S: Source>(
    decoder: &mut Decoder<S>,
    event: &Event,
    args: &Args,
    colour: bool,
    out: &mut dyn Write,
) -> Result<()> {
    let whole = usize::try_from(event.frame.end() - event.frame.offset).unwrap_or(usize::MAX);
    if args.raw {
        out.write_all(decoder.payload(0, whole.min(1 << 30))?)?;
        return Ok(());
    }
    let summary = outline::summary(decoder, event)?;
    let spec = decoder
        .tables()
        .by_number(event.frame.number)
        .map_or("", |record| record.record.spec);
    writeln!(
        out,
        "record {} {} at {:#x}, {} bytes",
        event.index,
        event.name(),
        event.frame.offset,
        event.frame.len
    )?;
    if !event.role().name().is_empty() {
        writeln!(out, "  role     {}", event.role().name())?;
    }
    if let Some(layout) = decoder.layout() {
        writeln!(
            out,
            "  struct   {} (section {spec} of SPEC.md, {})",
            layout.c_name,
            decoder.tables().dialect
        )?;
    }
    if let Some(object) = event.object() {
        writeln!(
            out,
            "  object   {} {}",
            object.kind.map_or("unknown", |kind| kind.name()),
            object.objref
        )?;
    }
    if !summary.is_empty() {
        writeln!(out, "  summary  {summary}")?;
    }
    writeln!(out)?;
    writeln!(
        out,
        "{:>6} {:>5}  {:<28} {:<34} meaning",
        "offset", "bytes", "field", "value"
    )?;
    writeln!(
        out,
        "{:>6} {:>5}  {:<28} {:<34}",
        0, 4, "h.type", event.frame.number
    )?;
    writeln!(
        out,
        "{:>6} {:>5}  {:<28} {:<34}",
        4, 4, "h.len", event.frame.len
    )?;
    if let Some(view) = decoder.view() {
        for shown in fields::shown(&view) {
            field(&shown, out)?;
        }
    }
    writeln!(out)?;
    let bytes = decoder.payload(0, whole.min(MAX_DUMP))?;
    let shown = bytes.len();
    hexdump::dump(bytes, event.frame.offset, colour, out)?;
    if shown < whole {
        writeln!(out, "… {} more bytes; --raw writes them all", whole - shown)?;
    }
    Ok(())
}

fn field(shown: &Shown, out: &mut dyn Write) -> Result<()> {
    let name = if shown.name.is_empty() {
        "(padding)"
    } else {
        &shown.name
    };
    let mark = if shown.suspicious { "  not zero!" } else { "" };
    let meaning = if shown.name.is_empty() {
        ""
    } else {
        &shown.meaning
    };
    let doc = if meaning.is_empty() && !shown.name.is_empty() {
        shown.doc
    } else {
        ""
    };
    let line = format!(
        "{:>6} {:>5}  {name:<28} {:<34} {meaning}{doc}{mark}",
        shown.offset, shown.len, shown.value
    );
    writeln!(out, "{}", line.trim_end())?;
    Ok(())
}

/// Counts by type, from the headers of the records alone.
pub(super) fn stats(args: &Args, out: &mut dyn Write) -> Result<u8> {
    let (mut decoder, _) = decoder(args)?;
    let index = decoder.index()?;
    writeln!(
        out,
        "{:>6} {:<20} {:>12} {:>16}",
        "number", "type", "records", "bytes"
    )?;
    for (number, tally) in index.tallies() {
        let record = decoder.tables().by_number(number);
        let (shown, name) = match record {
            Some(record) => (number.to_string(), record.tag().name()),
            None if number == Frame::GAP => (String::new(), "(gap)"),
            None => (number.to_string(), "(unknown)"),
        };
        writeln!(
            out,
            "{shown:>6} {name:<20} {:>12} {:>16}",
            tally.records, tally.bytes
        )?;
    }
    writeln!(
        out,
        "{:>6} {:<20} {:>12} {:>16}",
        "",
        "all",
        index.records(),
        index.len()
    )?;
    Ok(report(decoder.findings(), args))
}
