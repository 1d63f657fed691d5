//! `--memory PID:ADDR[+LEN]`.

use super::args::Args;
use super::records::number;
use super::{FINDINGS, FINE, hexdump, image, task};
use anyhow::{Context, Result, bail};
use ckpt_parser::memory::{Backing, Memory, Span};
use ckpt_parser::text::escape;
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

pub(super) fn memory(args: &Args, which: &str, colour: bool, out: &mut dyn Write) -> Result<u8> {
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
    while at < end {
        let len = (end - at).min(CHUNK);
        let mut bytes = vec![0; usize::try_from(len)?];
        let spans = memory.read(mm, at, &mut bytes)?;
        complete &= spans.iter().all(Span::is_known);
        for span in &spans {
            if let Some(why) = unknown(&image, span) {
                eprintln!("{:#x}-{:#x}: {why}", span.addr, span.end());
            }
        }
        if args.raw {
            out.write_all(&bytes)?;
        } else {
            for span in spans.iter().filter(|span| span.is_known()) {
                let from = usize::try_from(span.addr - at)?;
                let to = from + usize::try_from(span.len)?;
                hexdump::dump(
                    bytes.get(from..to).unwrap_or_default(),
                    span.addr,
                    colour,
                    out,
                )?;
            }
        }
        at += len;
    }
    Ok(if complete { FINE } else { FINDINGS })
}

fn unknown(image: &ckpt_parser::model::Image, span: &Span) -> Option<String> {
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
