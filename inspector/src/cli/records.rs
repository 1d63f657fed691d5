//! `--record` and `--stats`.

use super::args::{Args, Form};
use super::part::{self, List, RecordLine, Tally};
use super::{FINDINGS, decoder, hexdump, report};
use crate::detail::{Field, Kind, Record};
use crate::pattern::parse_number as number;
use anyhow::{Context, Result, bail};
use ckpt_cli::say;
use ckpt_format::Tag;
use ckpt_parser::decoder::{Decoder, Event};
use ckpt_parser::frame::Frame;
use ckpt_parser::report::lines::Step;
use ckpt_parser::report::outline;
use ckpt_parser::source::Source;
use std::io::{self, Write};

/// Which record.
enum Which {
    Number(u64),
    Type(Tag),
    Offset(u64),
}

/// Bytes of a record that are dumped.
const MAX_DUMP: usize = 64 << 10;

pub(super) fn record(
    args: &Args,
    which: &str,
    form: Form,
    colour: bool,
    out: &mut dyn Write,
) -> Result<u8> {
    let which = parse(which)?;
    let (mut decoder, name) = decoder(args)?;
    let mut step = Step::new(&decoder);
    while let Some(event) = decoder.next() {
        let event = event?;
        step.pass(&decoder, &event);
        if matches(&which, &event) {
            if form == Form::Text {
                one(&mut decoder, &event, args, colour, out)?;
            } else {
                let line = step.record(&mut decoder, &event)?;
                as_json(&line, form, out)?;
            }
            return Ok(report(decoder.findings(), args));
        }
    }
    say(format_args!("ckpt-inspect: {name} has no such record"));
    Ok(FINDINGS)
}

/// A record as JSON, from its line among all.
fn as_json(line: &[u8], form: Form, out: &mut dyn Write) -> io::Result<()> {
    if form == Form::Json {
        return part::document::<RecordLine>(line, out);
    }
    out.write_all(line)?;
    out.write_all(b"\n")
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
    let record = Record {
        tables: &decoder.tables().clone(),
        page_size: decoder.detection().page_size,
        bytes: decoder.payload(0, whole.min(MAX_DUMP))?,
        len: whole as u64,
        role: event.role(),
    };
    let mut told = "";
    for of in record.detail().fields {
        // What is said of an array is said at its first element.
        field(&of, if of.doc == told { "" } else { of.doc }, out)?;
        told = of.doc;
    }
    writeln!(out)?;
    hexdump::dump(record.bytes, event.frame.offset, colour, out)?;
    let shown = record.bytes.len();
    if shown < whole {
        writeln!(out, "… {} more bytes; --raw writes them all", whole - shown)?;
    }
    Ok(())
}

fn field(field: &Field, doc: &str, out: &mut dyn Write) -> Result<()> {
    let mark = match field.kind {
        Kind::Padding if !field.value.is_empty() => "  not zero!",
        Kind::Gap => "  belongs to no field",
        _ => "",
    };
    let meaning = if field.meaning.is_empty() {
        doc
    } else {
        &field.meaning
    };
    let line = format!(
        "{:>6} {:>5}  {:<28} {:<34} {meaning}{mark}",
        field.offset, field.len, field.name, field.value
    );
    writeln!(out, "{}", line.trim_end())?;
    Ok(())
}

/// Counts by type, from the headers of the records alone.
pub(super) fn stats(args: &Args, form: Form, out: &mut dyn Write) -> Result<u8> {
    let (mut decoder, _) = decoder(args)?;
    let index = decoder.index()?;
    let tallies = index.tallies().map(|(number, tally)| {
        let record = decoder.tables().by_number(number);
        let (number, name) = match record {
            Some(record) => (Some(number), record.tag().name()),
            None if number == Frame::GAP => (None, "(gap)"),
            None => (Some(number), "(unknown)"),
        };
        Tally {
            number,
            name: name.to_owned(),
            records: tally.records,
            bytes: tally.bytes,
        }
    });
    if form == Form::Text {
        let mut line = |number: &str, name: &str, records: &str, bytes: &str| {
            writeln!(out, "{number:>6} {name:<20} {records:>12} {bytes:>16}")
        };
        line("number", "type", "records", "bytes")?;
        for of in tallies {
            let number = of.number.map_or(String::new(), |number| number.to_string());
            line(
                &number,
                &of.name,
                &of.records.to_string(),
                &of.bytes.to_string(),
            )?;
        }
        line(
            "",
            "all",
            &index.records().to_string(),
            &index.len().to_string(),
        )?;
    } else {
        let mut list = List::begin::<Tally>(form, out)?;
        for of in tallies {
            list.item(&of)?;
        }
        list.end(&[
            ("records", index.records().into()),
            ("bytes", index.len().into()),
        ])?;
    }
    Ok(report(decoder.findings(), args))
}
