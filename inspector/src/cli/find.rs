//! `--find` and `--strings`.

use super::args::Args;
use super::records::number;
use super::views::label;
use super::{FINDINGS, FINE, has_task, image, opened};
use anyhow::{Context, Result, bail};
use ckpt_format::Dialect;
use ckpt_parser::memory::Memory;
use ckpt_parser::model::{Image, Mm};
use ckpt_parser::scan::{Places, Scan};
use ckpt_parser::source::Source;
use ckpt_parser::text::escape;
use ckpt_parser::view::write_uint;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;

/// The bytes to look for.
fn pattern(text: &str, dialect: Dialect) -> Result<Vec<u8>> {
    if let Some(hex) = text.strip_prefix("HEX:") {
        let digits: Vec<u8> = hex.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
        if digits.is_empty() || !digits.len().is_multiple_of(2) {
            bail!("HEX: wants pairs of hex digits");
        }
        let pair = |pair: &[u8]| {
            u8::from_str_radix(std::str::from_utf8(pair)?, 16).context("HEX: wants hex digits")
        };
        return digits.chunks(2).map(pair).collect();
    }
    if let Some(address) = text.strip_prefix("PTR:") {
        let value = number(address).with_context(|| format!("{address} is no address"))?;
        let mut bytes = vec![0; usize::from(dialect.abi.arch.word_size())];
        write_uint(&mut bytes, value, dialect.abi.order);
        return Ok(bytes);
    }
    if let Some(text) = text.strip_prefix("UTF16:") {
        return Ok(text.encode_utf16().flat_map(u16::to_le_bytes).collect());
    }
    if text.is_empty() {
        bail!("nothing to look for");
    }
    Ok(text.as_bytes().to_vec())
}

/// Address spaces that are asked for: object number, a pid to call it by, and the space.
fn spaces<'a>(image: &'a Image, args: &'a Args) -> impl Iterator<Item = (i32, i32, &'a Mm)> {
    image.mms.iter().filter_map(move |(object, mm)| {
        let user = |task: &&ckpt_parser::model::Task| {
            task.live.as_ref().is_some_and(|live| live.mm == *object)
        };
        let task = image
            .tasks
            .iter()
            .filter(user)
            .find(|task| args.wants_task(task.pid, task.tgid))?;
        Some((*object, task.tgid, mm))
    })
}

pub(super) fn find(args: &Args, what: &str, out: &mut dyn Write) -> Result<u8> {
    let mut opened = opened(args, args.image.as_deref())?;
    let pattern = pattern(what, opened.decoder.detection().dialect)?;
    let scan = Scan::new(&pattern, u64::from(opened.decoder.detection().page_size)).map(Arc::new);
    // What is read for the records is searched on the way.
    if let Some(scan) = &scan {
        opened.decoder.source().watch(Arc::clone(scan) as _);
    }
    let image = opened.image()?;
    has_task(args, &image)?;
    let hits = match &scan {
        Some(scan) => scan.finish(opened.decoder.source())?,
        None => None,
    };
    let mut memory = Memory::new(&image, opened.decoder.into_source());
    let count = match hits {
        Some(hits) => check_hits(args, &image, &mut memory, &pattern, &hits, out)?,
        None => search_all(args, &image, &mut memory, &pattern, out)?,
    };
    if count == 0 && !args.quiet {
        eprintln!("not found");
    }
    Ok(if count == 0 { FINDINGS } else { FINE })
}

/// Checks by address what the scan of the file found.
fn check_hits<S: Source>(
    args: &Args,
    image: &Image,
    memory: &mut Memory<S>,
    pattern: &[u8],
    hits: &[u64],
    out: &mut dyn Write,
) -> Result<u64> {
    if hits.is_empty() {
        return Ok(0);
    }
    let spaces: BTreeMap<i32, (i32, &Mm)> = spaces(image, args)
        .map(|(object, pid, mm)| (object, (pid, mm)))
        .collect();
    let mut count = 0;
    for (object, addr) in Places::of(image).check(memory, pattern, hits)? {
        if let Some((pid, mm)) = spaces.get(&object) {
            count += 1;
            found(image, *pid, mm, addr, out)?;
        }
    }
    Ok(count)
}

/// Searches every address space in the order of its addresses.
fn search_all<S: Source>(
    args: &Args,
    image: &Image,
    memory: &mut Memory<S>,
    pattern: &[u8],
    out: &mut dyn Write,
) -> Result<u64> {
    let mut count = 0;
    for (_, pid, mm) in spaces(image, args) {
        let mut written = Ok(());
        memory.search(mm, pattern, |addr| {
            count += 1;
            written = found(image, pid, mm, addr, out);
            written.is_ok()
        })?;
        written?;
    }
    Ok(count)
}

fn found(image: &Image, pid: i32, mm: &Mm, addr: u64, out: &mut dyn Write) -> io::Result<()> {
    let place = mm
        .vma_at(addr)
        .map(|vma| format!("{} {}", vma.permissions(), label(image, mm, &vma)));
    writeln!(
        out,
        "{}",
        format!("{pid}:{addr:#010x}  {}", place.unwrap_or_default()).trim_end()
    )
}

pub(super) fn strings(args: &Args, min: usize, out: &mut dyn Write) -> Result<u8> {
    let (image, source) = image(args)?;
    let mut memory = Memory::new(&image, source);
    for (_, pid, mm) in spaces(&image, args) {
        memory.strings(mm, min.max(1), |addr, text| {
            writeln!(out, "{pid}:{addr:#010x}  {}", escape(text))?;
            Ok(true)
        })?;
    }
    Ok(FINE)
}
