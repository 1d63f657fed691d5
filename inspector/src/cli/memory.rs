//! `--memory PID:ADDR[+LEN]`.

use super::args::{Args, Form};
use super::part::{List, Stretch};
use super::{FINDINGS, FINE, hexdump, image, task};
use crate::pattern::parse_number as number;
use anyhow::{Context, Result, bail};
use ckpt_cli::say;
use ckpt_parser::memory::{Backing, Memory, Span};
use ckpt_parser::model::Image;
use ckpt_parser::report::document::Hex;
use ckpt_parser::text::escape;
use std::fmt::Write as _;
use std::io::Write;

/// Bytes that are shown without `+LEN`.
const DEFAULT_LEN: u64 = 256;
/// Bytes that are read at once.
const CHUNK: u64 = 1 << 20;

struct Wanted {
    pid: i32,
    addr: u64,
    len: u64,
}

fn parse(text: &str) -> Result<Wanted> {
    let form = "PID:ADDR[+LEN], for instance 3000:0x8000+256";
    let Some((pid, range)) = text.split_once(':') else {
        bail!("{text} is not {form}")
    };
    let (addr, len) = range
        .split_once('+')
        .map_or((range, None), |(addr, len)| (addr, Some(len)));
    Ok(Wanted {
        pid: pid
            .parse()
            .ok()
            .with_context(|| format!("{pid} is no pid; expected {form}"))?,
        addr: number(addr).with_context(|| format!("{addr} is no address; expected {form}"))?,
        len: match len {
            None => DEFAULT_LEN,
            Some(len) => {
                number(len).with_context(|| format!("{len} is no length; expected {form}"))?
            }
        },
    })
}

pub(super) fn memory(
    args: &Args,
    which: &str,
    form: Form,
    colour: bool,
    out: &mut dyn Write,
) -> Result<u8> {
    if args.raw && form != Form::Text {
        bail!("--raw writes bytes; it does not go with JSON");
    }
    let wanted = parse(which)?;
    let (image, source) = image(args)?;
    let task = task(&image, wanted.pid)?;
    let mm = image
        .mm_of(task)
        .with_context(|| format!("task {} has no address space (a zombie?)", wanted.pid))?;
    let mut memory = Memory::new(&image, source);
    let end = wanted.addr.saturating_add(wanted.len);
    let mut at = wanted.addr;
    let mut complete = true;
    let mut show = match form {
        Form::Text if args.raw => Show::Raw(out),
        Form::Text => Show::Dump(out, colour),
        Form::Json | Form::Lines => Show::List(List::begin::<Stretch>(form, out)?),
    };
    while at < end {
        let len = (end - at).min(CHUNK);
        let mut bytes = vec![0; usize::try_from(len)?];
        let spans = memory.read(mm, at, &mut bytes)?;
        for span in &spans {
            let from = usize::try_from(span.addr - at)?;
            let to = from + usize::try_from(span.len)?;
            let bytes = bytes.get(from..to).unwrap_or_default();
            complete &= span.is_known();
            if let Some(why) = unknown(&image, span).filter(|_| form == Form::Text) {
                say(format_args!("{:#x}-{:#x}: {why}", span.addr, span.end()));
            }
            match &mut show {
                Show::Raw(out) => out.write_all(bytes)?,
                Show::Dump(out, colour) if span.is_known() => {
                    hexdump::dump(bytes, span.addr, *colour, *out)?;
                }
                Show::Dump(..) => {}
                Show::List(list) => list.item(&stretch(&image, wanted.pid, span, bytes))?,
            }
        }
        at += len;
    }
    if let Show::List(list) = show {
        list.end(&[])?;
    }
    Ok(if complete { FINE } else { FINDINGS })
}

/// How memory is written.
enum Show<'a> {
    Raw(&'a mut dyn Write),
    Dump(&'a mut dyn Write, bool),
    List(List<'a>),
}

fn stretch(image: &Image, pid: i32, span: &Span, bytes: &[u8]) -> Stretch {
    let (backing, file) = match span.backing {
        Backing::Stored(_) => ("stored", None),
        Backing::Zero => ("zero", None),
        Backing::File(file, offset) => ("file", Some((file, offset))),
        Backing::Special => ("special", None),
        Backing::Unmapped => ("unmapped", None),
    };
    Stretch {
        pid,
        start: Hex::new(span.addr),
        len: span.len,
        backing,
        path: file.and_then(|(file, _)| image.path_of(file).map(escape)),
        file_offset: file.map(|(_, offset)| offset),
        bytes: span.is_known().then(|| digits(bytes)),
    }
}

/// Bytes in hexadecimal digits.
fn digits(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unknown(image: &Image, span: &Span) -> Option<String> {
    Some(match span.backing {
        Backing::Stored(_) | Backing::Zero => return None,
        Backing::File(file, offset) => {
            let path = image.path_of(file).map(escape).unwrap_or_default();
            format!("not in the image: an unmodified page of {path} at {offset:#x}")
        }
        Backing::Special => "not in the image: the kernel provides it".to_owned(),
        Backing::Unmapped => "not mapped".to_owned(),
    })
}
