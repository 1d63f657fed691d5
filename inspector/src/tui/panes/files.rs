//! Files and sockets: descriptors by table, what they are, who shares them, what waits in them.

use super::{bytes_of, cut_pending, cut_wrapped};
use crate::buffers::{self, Buffer, Holder};
use crate::ends::{self, Held, other_end};
use crate::tui::hex;
use crate::tui::layout::View;
use crate::tui::look::{Glyph, Ink};
use crate::tui::model::{FileLine, Link, Model, Row};
use crate::tui::search::Domain;
use crate::tui::worker::Want;
use crate::words;
use ckpt_format::values;
use ckpt_parser::model::{Extent, Fd, File, FileKind, Holders, Image, ObjRef, Task};
use ckpt_parser::text::{count, escape};
use std::collections::BTreeSet;
use std::ops::Range;

/// Lines of the first pane: descriptor tables in the order of the tasks, then what no descriptor
/// holds, then System V objects.
pub fn lines(image: &Image, holders: &Holders) -> Vec<FileLine> {
    let mut lines = Vec::new();
    let mut seen = BTreeSet::new();
    for task in &image.tasks {
        let Some(live) = task.live.as_ref().filter(|live| seen.insert(live.files)) else {
            continue;
        };
        let Some(table) = image.file_tables.get(&live.files) else {
            continue;
        };
        lines.push(FileLine::Table(live.files));
        lines.extend(
            (0u32..)
                .zip(&table.fds)
                .map(|(i, _)| FileLine::Fd(live.files, i)),
        );
    }
    let files = image.files.numbers().iter().copied();
    let mut others = files.filter(|file| holders.of(*file).len() == 0).peekable();
    if others.peek().is_some() {
        lines.push(FileLine::Others);
        lines.extend(others.map(FileLine::File));
    }
    for (number, ipc) in &image.ipc {
        if ipc.queues.is_empty() && ipc.segments.is_empty() && ipc.semaphores.is_empty() {
            continue;
        }
        lines.push(FileLine::Ipc(*number));
        lines.extend(
            (0u32..)
                .zip(&ipc.queues)
                .map(|(i, _)| FileLine::Queue(*number, i)),
        );
        lines.extend(
            (0u32..)
                .zip(&ipc.segments)
                .map(|(i, _)| FileLine::Segment(*number, i)),
        );
        lines.extend(
            (0u32..)
                .zip(&ipc.semaphores)
                .map(|(i, _)| FileLine::Semaphores(*number, i)),
        );
    }
    lines
}

/// Lines of a pane.
pub fn list(model: &Model, pane: usize, range: Range<usize>) -> (usize, Vec<Row>) {
    let Some(image) = &model.image else {
        return cut_pending(model, pane, range);
    };
    if pane == 0 {
        let rows = model
            .derived
            .files
            .iter()
            .skip(range.start)
            .take(range.len());
        return (
            model.derived.files.len(),
            rows.map(|line| row(model, image, *line)).collect(),
        );
    }
    cut_wrapped(
        model,
        pane,
        under_cursor(model)
            .map(|line| about(model, image, line))
            .unwrap_or_default(),
        range,
    )
}

/// Title of a pane.
pub fn title(model: &Model, pane: usize) -> String {
    let Some(image) = &model.image else {
        return ["Descriptors", ""][pane.min(1)].to_owned();
    };
    match pane {
        0 => format!(
            "{}, {}, {}",
            count(image.files.len(), "file"),
            count(image.sockets.len(), "socket"),
            count(image.file_tables.len(), "table")
        ),
        _ => match under_cursor(model).and_then(|line| file_of(image, line)) {
            Some((number, file)) => {
                let line = under_cursor(model).and_then(|line| fd_of(image, line));
                let fd = line.map_or(String::new(), |fd| format!("{} · ", fd.fd));
                format!("{fd}{} · object {number}", file.kind.name())
            }
            None => "About".to_owned(),
        },
    }
}

fn under_cursor(model: &Model) -> Option<FileLine> {
    line_at(model, model.lists[View::Files as usize][0].cursor)
}

/// What a row of the first pane stands for.
fn line_at(model: &Model, row: usize) -> Option<FileLine> {
    let line = model.line_of(View::Files, 0, row)?;
    model.derived.files.get(line).copied()
}

/// Whether the search has found something in what waits behind a row.
pub fn holds_match(model: &Model, row: usize) -> bool {
    let (Some(image), Some(line)) = (&model.image, line_at(model, row)) else {
        return false;
    };
    let hits = &model.search.hits;
    if hits.is_empty() || model.search.domain != Some(Domain::Buffers) {
        return false;
    }
    extents(image, line).iter().any(|(_, extent)| {
        let first = hits.partition_point(|hit| *hit < extent.offset);
        hits.get(first)
            .is_some_and(|hit| *hit - extent.offset < extent.len)
    })
}

fn file_of(image: &Image, line: FileLine) -> Option<(ObjRef, File<'_>)> {
    let number = match line {
        FileLine::Fd(..) => fd_of(image, line)?.file,
        FileLine::File(number) => number,
        _ => return None,
    };
    Some((number, image.files.get(number)?))
}

fn fd_of(image: &Image, line: FileLine) -> Option<Fd> {
    match line {
        FileLine::Fd(table, i) => image.file_tables.get(&table)?.fds.get(i as usize),
        _ => None,
    }
}

/// The line of an open file.
pub fn line_of(model: &Model, number: ObjRef) -> Option<usize> {
    let image = model.image.as_ref()?;
    model
        .derived
        .files
        .iter()
        .position(|line| file_of(image, *line).is_some_and(|(n, _)| n == number))
}

fn row(model: &Model, image: &Image, line: FileLine) -> Row {
    match line {
        FileLine::Table(table) => Row::new(
            format!("table {table} of {}", table_users(image, table)),
            Ink::Title,
        ),
        FileLine::Others => Row::new(
            "held by no descriptor (executables, mappings, queues)",
            Ink::Title,
        ),
        FileLine::Ipc(number) => Row::new(
            format!("System V objects of namespace {number}"),
            Ink::Title,
        ),
        FileLine::Fd(..) => {
            let Some(fd) = fd_of(image, line) else {
                return Row::default();
            };
            let sign = if fd.close_on_exec { "x" } else { " " };
            let row = Row::new(format!("{:>5}{sign} ", fd.fd), Ink::Number);
            match image.files.get(fd.file) {
                Some(file) => file_cells(model, image, (fd.file, &file), row)
                    .link(Link::Record(fd.record.index, 0)),
                None => row
                    .and(format!("object {} is missing", fd.file), Ink::Bad)
                    .link(Link::Record(fd.record.index, 0)),
            }
        }
        FileLine::File(number) => match image.files.get(number) {
            Some(file) => file_cells(model, image, (number, &file), Row::new("       ", Ink::Dim))
                .link(Link::Record(file.record.index, 0)),
            None => Row::default(),
        },
        FileLine::Queue(..) | FileLine::Segment(..) | FileLine::Semaphores(..) => {
            system_v(image, line).unwrap_or_default()
        }
    }
}

/// A System V object.
fn system_v(image: &Image, line: FileLine) -> Option<Row> {
    let (kind, perms, what, record) = match line {
        FileLine::Queue(ns, i) => {
            let queue = image.ipc.get(&ns)?.queues.get(i as usize)?;
            let messages = count(queue.messages.len(), "message");
            ("queue", &queue.perms, messages, queue.record)
        }
        FileLine::Segment(ns, i) => {
            let segment = image.ipc.get(&ns)?.segments.get(i as usize)?;
            let size = words::size(segment.size);
            ("memory", &segment.perms, size, segment.record)
        }
        FileLine::Semaphores(ns, i) => {
            let set = image.ipc.get(&ns)?.semaphores.get(i as usize)?;
            let values: Vec<i32> = set.values.iter().map(|(value, _)| *value).collect();
            ("semaphores", &set.perms, format!("{values:?}"), set.record)
        }
        _ => return None,
    };
    let row = Row::new(format!("   {kind} id {} ", perms.id), Ink::Name);
    let row = row.and(format!("key {:#x} {what}", perms.key), Ink::Normal);
    Some(row.link(Link::Record(record.index, 0)))
}

fn table_users(image: &Image, table: ObjRef) -> String {
    let uses = |task: &&ckpt_parser::model::Task| {
        task.live.as_ref().is_some_and(|live| live.files == table)
    };
    let users = image.tasks.iter().filter(uses);
    let names: Vec<String> = users
        .clone()
        .take(4)
        .map(|task| format!("{} {}", task.pid, escape(&task.comm)))
        .collect();
    let more = users.count().saturating_sub(names.len());
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    names.join(", ") + &more
}

/// What waits stands before all else: it is what people look for, and narrow panes cut lines at their end.
fn file_cells(model: &Model, image: &Image, (number, file): (ObjRef, &File), row: Row) -> Row {
    let row = row.and(format!("{:<8}", file.kind.name()), Ink::Name);
    let what = ends::what(image, number, file, model.look.glyph(Glyph::Arrow));
    let is_path =
        file.path.is_some() && matches!(file.kind, FileKind::Generic | FileKind::Other(_));
    let ink = if is_path { Ink::Text } else { Ink::Normal };
    let row = match ends::waiting(image, file) {
        Some(waiting) => row.and(waiting, Ink::Warn).and(" · ", Ink::Dim),
        None => row,
    };
    let row = row.and(what, ink);
    let across = (&model.derived.holders, &model.derived.ends);
    match other_end(image, across, (number, file), 1) {
        Some(end) => row.and(
            format!(" · {} {}", end.role, ends::list(&end.held)),
            Ink::Dim,
        ),
        None => row,
    }
}

fn about(model: &Model, image: &Image, line: FileLine) -> Vec<Row> {
    let mut rows = Vec::new();
    if let Some((number, file)) = file_of(image, line) {
        let exec = fd_of(image, line).is_some_and(|fd| fd.close_on_exec);
        about_file(model, image, (number, &file), exec, &mut rows);
    }
    match line {
        FileLine::Table(number) => about_table(image, number, &mut rows),
        FileLine::Queue(ns, i) => {
            let queue = image
                .ipc
                .get(&ns)
                .and_then(|ipc| ipc.queues.get(i as usize));
            for message in queue.iter().flat_map(|queue| &queue.messages) {
                rows.push(Row::new(
                    format!(
                        "message type {}, {}",
                        message.kind,
                        count(message.len, "byte")
                    ),
                    Ink::Title,
                ));
                rows.extend(
                    message
                        .text
                        .iter()
                        .flat_map(|extent| contents(model, *extent)),
                );
            }
        }
        _ => {
            for (name, extent) in extents(image, line) {
                rows.push(
                    Row::new(format!("{name}, {}", count(extent.len, "byte")), Ink::Title)
                        .link(Link::Offset(extent.offset)),
                );
                rows.extend(contents(model, extent));
            }
        }
    }
    rows
}

fn about_table(image: &Image, number: ObjRef, rows: &mut Vec<Row>) {
    let Some(table) = image.file_tables.get(&number) else {
        return;
    };
    let uses = |task: &&Task| task.live.as_ref().is_some_and(|live| live.files == number);
    let users = image.tasks.iter().filter(uses);
    let pids: Vec<String> = users
        .clone()
        .take(100)
        .map(|task| task.pid.to_string())
        .collect();
    let more = match users.count() - pids.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    rows.push(Row::pair("used by", pids.join(" ") + &more, Ink::Number));
    rows.push(Row::pair(
        "descriptors",
        table.fds.len().to_string(),
        Ink::Number,
    ));
    rows.push(
        Row::pair("record", table.record.index.to_string(), Ink::Link)
            .link(Link::Record(table.record.index, 0)),
    );
}

/// Most of those who hold a file that are listed.
const MOST_HOLDERS: usize = 1000;

/// What people ask first stands first: what it is, who holds it, who is at its other end.
fn about_file(
    model: &Model,
    image: &Image,
    (number, file): (ObjRef, &File),
    exec: bool,
    rows: &mut Vec<Row>,
) {
    let arrow = model.look.glyph(Glyph::Arrow);
    rows.push(Row::pair(
        "is",
        ends::what(image, number, file, arrow),
        Ink::Text,
    ));
    let across = (&model.derived.holders, &model.derived.ends);
    if let Some(end) = other_end(image, across, (number, file), MOST_HOLDERS) {
        who(end.role, &end.held, rows);
    }
    let held = ends::held(image, &model.derived.holders, [number], MOST_HOLDERS);
    who("held by", &held, rows);
    let flags = ends::flags(image, file).join(" ");
    let exec = if exec { ", closed by exec (x)" } else { "" };
    rows.push(Row::pair("flags", format!("{flags}{exec}"), Ink::Normal));
    if matches!(file.kind, FileKind::Generic | FileKind::Other(_)) {
        rows.push(Row::pair("position", file.pos.to_string(), Ink::Number));
    }
    rows.push(
        Row::pair("record", file.record.index.to_string(), Ink::Link)
            .link(Link::Record(file.record.index, 0)),
    );
    if let FileKind::Socket(socket) = file.kind
        && let Some(socket) = image.sockets.get(&socket)
    {
        rows.push(Row::pair("state", ends::socket_state(socket), Ink::Normal));
        rows.push(
            Row::pair("socket record", socket.record.index.to_string(), Ink::Link)
                .link(Link::Record(socket.record.index, 0)),
        );
    }
    for item in image.watched(number) {
        let (names, _) = values::EPOLL_EVENTS.names(u64::from(item.events), image.arch());
        let text = format!("fd {} {} data {:#x}", item.fd, names.join("|"), item.data);
        rows.push(Row::pair("watches", text, Ink::Normal).link(Link::File(item.file)));
    }
    for (owner, mm) in &image.mms {
        let maps = model
            .derived
            .mapped
            .get(&(number, *owner))
            .map_or(0, |n| *n);
        if mm.exe == number || maps > 0 {
            let user = words::users(image, *owner)
                .first()
                .map_or(String::new(), |t| format!("{} {}", t.pid, escape(&t.comm)));
            let what = if mm.exe == number {
                "executable of"
            } else {
                "mapped by"
            };
            let at = mm
                .vmas
                .iter()
                .find(|vma| vma.file == number)
                .map_or(0, |vma| vma.start);
            rows.push(
                Row::pair(
                    what,
                    format!("{user}, {}", count(maps, "mapping")),
                    Ink::Link,
                )
                .link(Link::Address(*owner, at)),
            );
        }
    }
}

/// A line for each who holds something.
fn who(role: &str, (held, more): &(Vec<Held>, bool), rows: &mut Vec<Row>) {
    if held.is_empty() {
        rows.push(Row::pair(role, "nobody in the image", Ink::Dim));
    }
    for held in held {
        let link = Link::Task(held.task.index, View::Tasks);
        rows.push(Row::pair(role, held.to_string(), Ink::Link).link(link));
    }
    if *more {
        rows.push(Row::pair(role, "and more", Ink::Dim));
    }
}

/// What waits in a file: name and place.
fn extents(image: &Image, line: FileLine) -> Vec<(&'static str, Extent)> {
    if let FileLine::Queue(ns, i) = line {
        let queue = image
            .ipc
            .get(&ns)
            .and_then(|ipc| ipc.queues.get(i as usize));
        let messages = queue.into_iter().flat_map(|queue| &queue.messages);
        let texts = messages.flat_map(|message| &message.text);
        return texts.map(|text| ("message", *text)).collect();
    }
    let Some((_, file)) = file_of(image, line) else {
        return Vec::new();
    };
    let buffers = buffers::of_file(image, &file).into_iter();
    buffers
        .flat_map(|Buffer { holder, parts }| {
            let name = match holder {
                Holder::Pipe(_) => "waiting in the pipe",
                Holder::Terminal(_) => "unread input",
                Holder::Received(_) => "to read",
                Holder::Sent(_) => "to send",
                Holder::Queue(..) => "message",
            };
            parts.into_iter().map(move |part| (name, part))
        })
        .collect()
}

/// Bytes of a stretch that are shown.
const SHOWN: u64 = 1024;

fn content_want(extent: Extent) -> Want {
    Want::Bytes {
        offset: extent.offset,
        len: u32::try_from(extent.len.min(SHOWN)).unwrap_or(0),
    }
}

fn contents(model: &Model, extent: Extent) -> Vec<Row> {
    let panels = hex::panels_for(model.inside(1).width);
    let bytes = bytes_of(model, &content_want(extent)).unwrap_or_default();
    let lines = hex::lines(bytes, 0, panels, model.look.ascii);
    let text = words::is_text(bytes).then(|| words::contents(bytes));
    let text = text.map(|text| Row::new(text, Ink::Text).link(Link::Offset(extent.offset)));
    let lines = lines.into_iter().map(|line| {
        Row::new(line.text.trim().to_owned(), Ink::Normal).link(Link::Offset(extent.offset))
    });
    let mut rows: Vec<Row> = text.into_iter().chain(lines).collect();
    if extent.len > SHOWN {
        rows.push(
            Row::new(
                format!(
                    "{} more bytes; Enter shows them in Records",
                    extent.len - SHOWN
                ),
                Ink::Dim,
            )
            .link(Link::Offset(extent.offset)),
        );
    }
    rows
}

/// What the view needs.
pub fn wants(model: &Model, wants: &mut Vec<Want>) {
    let (Some(image), Some(line)) = (&model.image, under_cursor(model)) else {
        return;
    };
    let found = extents(image, line).into_iter().map(|(_, extent)| extent);
    wants.extend(found.take(64).map(content_want));
}
