//! `--find` and `--strings`.

use super::args::{Args, Form};
use super::files::held_by;
use super::part::{Held, List, Match, StringAt};
use super::{FINDINGS, FINE, has_task, image, opened};
use crate::buffers::{self, Hit};
use crate::pattern::Pattern;
use crate::words;
use anyhow::{Error, Result};
use ckpt_cli::say;
use ckpt_parser::memory::{Memory, stored_len};
use ckpt_parser::model::{Image, Mm, ObjRef, Task};
use ckpt_parser::report::document::Hex;
use ckpt_parser::scan::{Places, Scan};
use ckpt_parser::source::Source;
use ckpt_parser::text::escape;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;

/// Address spaces that are asked for: object number, a task to call it by, and the space.
fn spaces<'a>(image: &'a Image, args: &'a Args) -> impl Iterator<Item = (i32, &'a Task, &'a Mm)> {
    image.mms.iter().filter_map(move |(object, mm)| {
        let user = |task: &&Task| task.live.as_ref().is_some_and(|live| live.mm == *object);
        let task = image
            .tasks
            .iter()
            .filter(user)
            .find(|task| args.wants_task(task.pid, task.tgid))?;
        Some((*object, task, mm))
    })
}

pub(super) fn find(args: &Args, what: &str, form: Form, out: &mut dyn Write) -> Result<u8> {
    let mut opened = opened(args, args.image.as_deref())?;
    let dialect = opened.decoder.detection().dialect;
    let word = usize::from(dialect.abi.arch.word_size());
    let pattern = Pattern::parse(what, dialect.abi.order, word)
        .map_err(Error::msg)?
        .bytes;
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
    let mut told = Told::new(&image, form, out)?;
    match hits {
        Some(hits) => check_hits(args, &image, &mut memory, &pattern, &hits, &mut told)?,
        None => search_all(args, &image, &mut memory, &pattern, &mut told)?,
    }
    search_buffers(args, &image, memory.into_source(), &pattern, &mut told)?;
    let count = told.count;
    told.end()?;
    if count == 0 && !args.quiet {
        say(not_found(args, &image));
    }
    Ok(if count == 0 { FINDINGS } else { FINE })
}

/// Where nothing was found.
fn not_found(args: &Args, image: &Image) -> String {
    let vmas = |mm: &Mm| {
        mm.vmas
            .iter()
            .map(|vma| stored_len(image, mm, &vma))
            .sum::<u64>()
    };
    let stored = spaces(image, args).map(|(.., mm)| vmas(mm));
    let stored = words::size(stored.sum());
    let whose = args
        .task
        .map_or("every process".to_owned(), |pid| format!("task {pid}"));
    format!(
        "not found: neither in the {stored} of memory of {whose} that the image holds, nor in what waits in pipes, \
         sockets, terminals and message queues"
    )
}

/// Checks by address what the scan of the file found.
fn check_hits<S: Source>(
    args: &Args,
    image: &Image,
    memory: &mut Memory<S>,
    pattern: &[u8],
    hits: &[u64],
    told: &mut Told,
) -> Result<()> {
    if hits.is_empty() {
        return Ok(());
    }
    let spaces: BTreeMap<i32, (&Task, &Mm)> = spaces(image, args)
        .map(|(object, task, mm)| (object, (task, mm)))
        .collect();
    for (object, addr) in Places::of(image).check(memory, pattern, hits)? {
        if let Some((task, mm)) = spaces.get(&object) {
            told.in_memory(task, mm, addr)?;
        }
    }
    Ok(())
}

/// Searches every address space in the order of its addresses.
fn search_all<S: Source>(
    args: &Args,
    image: &Image,
    memory: &mut Memory<S>,
    pattern: &[u8],
    told: &mut Told,
) -> Result<()> {
    for (_, task, mm) in spaces(image, args) {
        let mut written = Ok(());
        memory.search(mm, pattern, |addr| {
            written = told.in_memory(task, mm, addr);
            written.is_ok()
        })?;
        written?;
    }
    Ok(())
}

/// Searches what waits in pipes, sockets, terminals and queues; with `--task` those that the task has open.
fn search_buffers<S: Source>(
    args: &Args,
    image: &Image,
    source: S,
    pattern: &[u8],
    told: &mut Told,
) -> Result<()> {
    let mut holders: Option<BTreeMap<ObjRef, Vec<Held>>> = None;
    let mut written = Ok(());
    buffers::search(image, source, pattern, |hit| {
        let holders = holders.get_or_insert_with(|| by_target(image));
        let object = hit.holder.object();
        let held_by = object.and_then(|object| holders.get(&object)).cloned();
        let held_by = held_by.unwrap_or_default();
        let wanted = |held: &Held| args.task == Some(held.pid);
        if args.task.is_none() || held_by.iter().any(wanted) {
            written = told.in_buffer(hit, held_by);
        }
        written.is_ok()
    })?;
    Ok(written?)
}

/// Descriptors by the pipe, socket or terminal that they lead to.
fn by_target(image: &Image) -> BTreeMap<ObjRef, Vec<Held>> {
    let mut found: BTreeMap<ObjRef, Vec<Held>> = BTreeMap::new();
    for (file, held) in held_by(image) {
        let target = image.files.get(file).map_or(0, |file| file.kind.object());
        if target > 0 {
            found.entry(target).or_default().extend(held);
        }
    }
    found
}

/// Tells what is found.
struct Told<'a> {
    image: &'a Image,
    count: u64,
    out: Out<'a>,
}

enum Out<'a> {
    Text(&'a mut dyn Write),
    List(List<'a>),
}

impl<'a> Told<'a> {
    fn new(image: &'a Image, form: Form, out: &'a mut dyn Write) -> io::Result<Told<'a>> {
        let out = match form {
            Form::Text => Out::Text(out),
            Form::Json | Form::Lines => Out::List(List::begin::<Match>(form, out)?),
        };
        Ok(Told {
            image,
            count: 0,
            out,
        })
    }

    fn in_memory(&mut self, task: &Task, mm: &Mm, addr: u64) -> io::Result<()> {
        let vma = mm.vma_at(addr);
        let permissions = vma.map(|vma| vma.permissions());
        let place = vma.map_or(String::new(), |vma| words::mapping(self.image, mm, &vma));
        self.count += 1;
        match &mut self.out {
            Out::Text(out) => {
                let (pid, comm) = (task.tgid, escape(&task.comm));
                let permissions = permissions.unwrap_or_default();
                writeln!(out, "{pid}:{addr:#010x}  {comm:<15} {permissions} {place}")
            }
            Out::List(list) => list.item(&Match {
                pid: Some(task.tgid),
                address: Some(Hex::new(addr)),
                permissions,
                place,
                object: None,
                at: None,
                held_by: Vec::new(),
            }),
        }
    }

    fn in_buffer(&mut self, hit: Hit, held_by: Vec<Held>) -> io::Result<()> {
        let (kind, number) = (hit.holder.kind(), hit.holder.number());
        self.count += 1;
        match &mut self.out {
            Out::Text(out) => {
                let held = held_by.iter().take(SHOWN_HOLDERS);
                let held: Vec<String> = held
                    .map(|held| format!("{} fd {}", held.pid, held.fd))
                    .collect();
                let line = format!("{kind} {number}+{:#x}  {}", hit.at, held.join(", "));
                writeln!(out, "{}", line.trim_end())
            }
            Out::List(list) => list.item(&Match {
                pid: None,
                address: None,
                permissions: None,
                place: kind.to_owned(),
                object: Some(number),
                at: Some(hit.at),
                held_by,
            }),
        }
    }

    fn end(self) -> io::Result<()> {
        match self.out {
            Out::Text(_) => Ok(()),
            Out::List(list) => list.end(&[]),
        }
    }
}

/// Descriptors that a line of text names.
const SHOWN_HOLDERS: usize = 8;

pub(super) fn strings(args: &Args, min: usize, form: Form, out: &mut dyn Write) -> Result<u8> {
    let (image, source) = image(args)?;
    let mut memory = Memory::new(&image, source);
    let mut out = match form {
        Form::Text => Out::Text(out),
        Form::Json | Form::Lines => Out::List(List::begin::<StringAt>(form, out)?),
    };
    for (_, task, mm) in spaces(&image, args) {
        let pid = task.tgid;
        memory.strings(mm, min.max(1), |addr, text| {
            let text = escape(text);
            match &mut out {
                Out::Text(out) => writeln!(out, "{pid}:{addr:#010x}  {text}")?,
                Out::List(list) => list.item(&StringAt {
                    pid,
                    address: Hex::new(addr),
                    text,
                })?,
            }
            Ok(true)
        })?;
    }
    if let Out::List(list) = out {
        list.end(&[])?;
    }
    Ok(FINE)
}
