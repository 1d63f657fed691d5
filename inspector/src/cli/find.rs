//! `--find` and `--strings`.

use super::args::Args;
use super::records::number;
use super::views::label;
use super::{FINDINGS, FINE, image};
use anyhow::{Context, Result, bail};
use ckpt_format::Dialect;
use ckpt_parser::memory::Memory;
use ckpt_parser::model::{Image, Mm};
use ckpt_parser::text::escape;
use ckpt_parser::view::write_uint;
use std::io::{self, Write};

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

/// Address spaces that are asked for, with a pid to call each by.
fn spaces<'a>(image: &'a Image, args: &'a Args) -> impl Iterator<Item = (i32, &'a Mm)> {
    image.mms.iter().filter_map(move |(object, mm)| {
        let user = |task: &&ckpt_parser::model::Task| {
            task.live.as_ref().is_some_and(|live| live.mm == *object)
        };
        let task = image
            .tasks
            .iter()
            .filter(user)
            .find(|task| args.wants_task(task.pid, task.tgid))?;
        Some((task.tgid, mm))
    })
}

pub(super) fn find(args: &Args, what: &str, out: &mut dyn Write) -> Result<u8> {
    let (image, source) = image(args)?;
    let pattern = pattern(what, image.detection.dialect)?;
    let mut memory = Memory::new(&image, source);
    let mut count = 0u64;
    let mut failed: Option<io::Error> = None;
    for (pid, mm) in spaces(&image, args) {
        memory.search(mm, &pattern, |addr| {
            count += 1;
            let place = mm
                .vma_at(addr)
                .map(|vma| format!("{} {}", vma.permissions(), label(&image, mm, vma)))
                .unwrap_or_default();
            let written = writeln!(out, "{pid}:{addr:#010x}  {place}");
            failed = written.err();
            failed.is_none()
        })?;
        if let Some(error) = failed.take() {
            return Err(error.into());
        }
    }
    if count == 0 && !args.quiet {
        eprintln!("not found");
    }
    Ok(if count == 0 { FINDINGS } else { FINE })
}

pub(super) fn strings(args: &Args, min: usize, out: &mut dyn Write) -> Result<u8> {
    let (image, source) = image(args)?;
    let mut memory = Memory::new(&image, source);
    for (pid, mm) in spaces(&image, args) {
        memory.strings(mm, min.max(1), |addr, text| {
            writeln!(out, "{pid}:{addr:#010x}  {}", escape(text))?;
            Ok(true)
        })?;
    }
    Ok(FINE)
}
