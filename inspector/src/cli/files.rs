//! `--files`.

use super::args::{Args, Form};
use super::part::{Held, List, OpenFile};
use crate::buffers::{self, Buffer};
use crate::ends::{self, other_end};
use crate::words;
use anyhow::Result;
use ckpt_parser::model::{Ends, Fd, File, FileKind, Holders, Image, ObjRef, Task};
use ckpt_parser::report::document::{self, Parts};
use ckpt_parser::source::Source;
use ckpt_parser::text::escape;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{self, Write};
use std::rc::Rc;

/// Holders that a line names.
const MOST: usize = 8;
/// Descriptors of another end in JSON: a million ends of one pipe would be listed a million times.
const MOST_ENDS: usize = 1000;
/// Bytes shown of what waits.
const SHOWN: usize = 64;

/// Open files as text: a descriptor a line, so that `grep` finds who holds what; for people at a terminal, what is
/// known of it stands on lines of its own.
pub(super) fn text(
    image: &Image,
    source: Box<dyn Source>,
    args: &Args,
    terminal: bool,
    out: &mut dyn Write,
) -> Result<()> {
    let tasks = image.tasks.iter();
    let names = tasks.map(|task| escape(&task.comm).chars().count());
    let width = names.max().unwrap_or(0).max("command".len());
    let mut lines = Lines {
        image,
        source,
        holders: image.holders(),
        ends: image.ends(),
        known: BTreeMap::new(),
        width,
        terminal,
    };
    writeln!(
        out,
        "{:>7} {:<width$} {:>5}  {:<8} what",
        "pid", "command", "fd", "kind"
    )?;
    let mut seen = BTreeSet::new();
    for task in &image.tasks {
        let Some(live) = task
            .live
            .as_ref()
            .filter(|_| args.wants_task(task.pid, task.tgid))
        else {
            continue;
        };
        // Threads that share the table of their process are the process.
        if !seen.insert((task.tgid, live.files)) {
            continue;
        }
        for fd in image
            .files_of(task)
            .into_iter()
            .flat_map(|table| &table.fds)
        {
            lines.descriptor(task, &fd, out)?;
        }
    }
    Ok(())
}

struct Lines<'a> {
    image: &'a Image,
    source: Box<dyn Source>,
    holders: Holders,
    ends: Ends,
    /// What is known of open files with several holders: there may be many, and one may name many others.
    known: BTreeMap<ObjRef, Rc<Known>>,
    width: usize,
    terminal: bool,
}

/// What lines say of an open file.
struct Known {
    kind: &'static str,
    what: String,
    /// What waits in it, who is at its other end.
    more: Vec<String>,
    /// Its flags and its position.
    flags: String,
    /// Who holds it.
    held: String,
    shared: bool,
}

impl Lines<'_> {
    fn descriptor(&mut self, task: &Task, fd: &Fd, out: &mut dyn Write) -> Result<()> {
        let width = self.width;
        let comm = escape(&task.comm);
        let head = format!("{:>7} {comm:<width$} {:>5}  ", task.pid, fd.fd);
        let Some(file) = self.image.files.get(fd.file) else {
            writeln!(out, "{head}object {} is not in the image", fd.file)?;
            return Ok(());
        };
        let known = match self.known.get(&fd.file) {
            Some(known) => Rc::clone(known),
            None => Rc::new(self.about(fd.file, &file)?),
        };
        if self.holders.of(fd.file).len() > 1 {
            self.known.insert(fd.file, Rc::clone(&known));
        }
        let mut more = known.more.clone();
        let exec = if fd.close_on_exec {
            ", closed by exec"
        } else {
            ""
        };
        more.push(format!("{}{exec}", known.flags));
        if known.shared {
            more.push(format!("held by {}", known.held));
        }
        let between = if self.terminal {
            format!("\n{:1$}", "", head.chars().count() + 9)
        } else {
            "; ".to_owned()
        };
        let all = std::iter::once(known.what.clone()).chain(more);
        let all: Vec<String> = all.collect();
        writeln!(out, "{head}{:<8} {}", known.kind, all.join(&between))?;
        Ok(())
    }

    fn about(&mut self, number: ObjRef, file: &File) -> io::Result<Known> {
        let image = self.image;
        let mut more = Vec::new();
        for buffer in buffers::of_file(image, file) {
            more.push(self.waiting(&buffer)?);
        }
        let across = (&self.holders, &self.ends);
        if let Some(end) = other_end(image, across, (number, file), MOST) {
            more.push(format!("{} {}", end.role, ends::list(&end.held)));
        }
        let mut flags = ends::flags(image, file).join(" ");
        if file.pos != 0 {
            let _ = write!(flags, ", position {}", file.pos);
        }
        let held = ends::held(image, &self.holders, [number], MOST);
        Ok(Known {
            kind: file.kind.name(),
            what: ends::what(image, number, file, "->"),
            more,
            flags,
            shared: held.0.len() > 1 || held.0.iter().any(|held| held.fds.len() > 1),
            held: ends::list(&held),
        })
    }

    fn waiting(&mut self, buffer: &Buffer) -> io::Result<String> {
        let first = buffer.first(&mut self.source, SHOWN)?;
        let dots = if buffer.len() > SHOWN as u64 {
            "…"
        } else {
            ""
        };
        Ok(format!("{buffer}: {}{dots}", words::contents(&first)))
    }
}

/// The descriptors that hold each open file.
pub(super) fn held_by(image: &Image) -> BTreeMap<ObjRef, Vec<Held>> {
    let mut held: BTreeMap<ObjRef, Vec<Held>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for task in &image.tasks {
        let table = task.live.as_ref().map_or(0, |live| live.files);
        // Threads that share the table of their process are the process.
        if !seen.insert((task.tgid, table)) {
            continue;
        }
        for fd in image
            .files_of(task)
            .into_iter()
            .flat_map(|table| &table.fds)
        {
            held.entry(fd.file).or_default().push(Held {
                pid: task.tgid,
                fd: fd.fd,
                close_on_exec: fd.close_on_exec,
            });
        }
    }
    held
}

/// Open files as JSON; with `--task` those that the task holds.
pub(super) fn json(image: &Image, args: &Args, form: Form, out: &mut dyn Write) -> Result<()> {
    let parts = Parts::of(image);
    let (holders, held, ends) = (image.holders(), held_by(image), image.ends());
    let of = |number: &ObjRef| held.get(number).cloned().unwrap_or_default();
    let tasks = image.tasks.iter();
    let wanted = tasks.filter(|task| args.wants_task(task.pid, task.tgid));
    let processes: BTreeSet<i32> = wanted.map(|task| task.tgid).collect();
    let mut list = List::begin::<OpenFile>(form, out)?;
    for (number, file) in image.files.iter() {
        let held_by = of(&number);
        if args.task.is_some() && !held_by.iter().any(|held| processes.contains(&held.pid)) {
            continue;
        }
        let mut open = OpenFile {
            file: parts.file(number, &file, holders.of(number).collect()),
            held_by,
            other_end: None,
            pipe: None,
            socket: None,
            terminal: None,
        };
        if ends::has_other_end(&ends, &file) {
            let across = ends.across(number, &file).flat_map(|file| of(&file));
            open.other_end = Some(across.take(MOST_ENDS).collect());
        }
        match file.kind {
            FileKind::Pipe(at) | FileKind::Fifo(at) => {
                open.pipe = image.pipes.get(&at).map(|pipe| document::pipe_of(at, pipe));
            }
            FileKind::Socket(at) => {
                open.socket = image
                    .sockets
                    .get(&at)
                    .map(|socket| parts.socket(at, socket));
            }
            FileKind::Tty(at) => {
                open.terminal = image
                    .terminals
                    .get(&at)
                    .map(|tty| document::terminal(at, tty));
            }
            _ => {}
        }
        list.item(&open)?;
    }
    Ok(list.end(&[])?)
}
