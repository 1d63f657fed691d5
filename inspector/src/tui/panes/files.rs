//! Files and sockets: descriptors by table, what they are, who shares them, what waits in them.

use super::{bytes_of, cut_pending, cut_wrapped};
use crate::tui::hex;
use crate::tui::layout::View;
use crate::tui::look::{Glyph, Ink};
use crate::tui::model::{FileLine, Link, Model, Row};
use crate::tui::search::Domain;
use crate::tui::worker::Want;
use crate::words;
use ckpt_format::values;
use ckpt_parser::model::{
    Extent, Fd, File, FileKind, Holders, Image, ObjRef, Socket, Task, Terminal,
};
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
            Some((number, file)) => format!("{} · object {number}", file.kind.name()),
            None => "About".to_owned(),
        },
    }
}

fn under_cursor(model: &Model) -> Option<FileLine> {
    line_at(model, model.lists[View::Files as usize][0].cursor)
}

/// What a row of the first pane stands for.
fn line_at(model: &Model, row: usize) -> Option<FileLine> {
    let line = match &model.passing {
        Some((View::Files, lines)) => *lines.get(row)?,
        _ => row,
    };
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
                Some(file) => {
                    file_cells(model, image, &file, row).link(Link::Record(fd.record.index, 0))
                }
                None => row
                    .and(format!("object {} is missing", fd.file), Ink::Bad)
                    .link(Link::Record(fd.record.index, 0)),
            }
        }
        FileLine::File(number) => match image.files.get(number) {
            Some(file) => file_cells(model, image, &file, Row::new("       ", Ink::Dim))
                .link(Link::Record(file.record.index, 0)),
            None => Row::default(),
        },
        FileLine::Queue(ns, i) => match image
            .ipc
            .get(&ns)
            .and_then(|ipc| ipc.queues.get(i as usize))
        {
            Some(queue) => Row::new(format!("   queue id {} ", queue.perms.id), Ink::Name)
                .and(
                    format!(
                        "key {:#x} {}",
                        queue.perms.key,
                        count(queue.messages.len(), "message")
                    ),
                    Ink::Normal,
                )
                .link(Link::Record(queue.record.index, 0)),
            None => Row::default(),
        },
        FileLine::Segment(ns, i) => match image
            .ipc
            .get(&ns)
            .and_then(|ipc| ipc.segments.get(i as usize))
        {
            Some(segment) => Row::new(format!("   memory id {} ", segment.perms.id), Ink::Name)
                .and(
                    format!("key {:#x} {}", segment.perms.key, words::size(segment.size)),
                    Ink::Normal,
                )
                .link(Link::Record(segment.record.index, 0)),
            None => Row::default(),
        },
        FileLine::Semaphores(ns, i) => match image
            .ipc
            .get(&ns)
            .and_then(|ipc| ipc.semaphores.get(i as usize))
        {
            Some(set) => Row::new(format!("   semaphores id {} ", set.perms.id), Ink::Name)
                .and(
                    format!(
                        "{:?}",
                        set.values
                            .iter()
                            .map(|(value, _)| value)
                            .collect::<Vec<_>>()
                    ),
                    Ink::Number,
                )
                .link(Link::Record(set.record.index, 0)),
            None => Row::default(),
        },
    }
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

fn file_cells(model: &Model, image: &Image, file: &File, row: Row) -> Row {
    let row = row.and(format!("{:<8}", file.kind.name()), Ink::Name);
    match file.kind {
        FileKind::Pipe(inode) | FileKind::Fifo(inode) => {
            let waiting = image.pipes.get(&inode).map_or(0, |pipe| pipe.data.len);
            let end = if file.mode & 2 != 0 {
                "write end"
            } else {
                "read end"
            };
            let row = waiting_first(row, waiting).and(format!("{inode} {end}"), Ink::Normal);
            match file.path {
                Some(path) => row.and(format!(" {}", escape(path)), Ink::Text),
                None => row,
            }
        }
        FileKind::Socket(number) => match image.sockets.get(&number) {
            Some(socket) => {
                let row = waiting_first(row, waiting_in(socket));
                row.and(
                    words::socket(socket, model.look.glyph(Glyph::Arrow)),
                    Ink::Normal,
                )
            }
            None => row,
        },
        FileKind::Tty(number) => match image.terminals.get(&number) {
            Some(tty) => {
                let row = waiting_first(row, tty.input.map_or(0, |input| input.len));
                row.and(terminal_line(tty), Ink::Normal)
            }
            None => row,
        },
        FileKind::EventFd(value, _) => row.and(format!("value {value}"), Ink::Number),
        _ => match file.path {
            Some(path) => row.and(escape(path), Ink::Text),
            None => row,
        },
    }
}

/// What waits stands before all else: it is what people look for, and narrow panes cut lines at their end.
fn waiting_first(row: Row, bytes: u64) -> Row {
    if bytes == 0 {
        return row;
    }
    row.and(format!("{} ", waits(bytes)), Ink::Warn)
}

/// As the queues count it: their buffers hold headers of protocols, too.
fn waiting_in(socket: &Socket) -> u64 {
    let queued = socket
        .queues
        .iter()
        .map(|queue| u64::from(queue.total_bytes));
    queued.sum()
}

fn waits(bytes: u64) -> String {
    let verb = if bytes == 1 { "waits" } else { "wait" };
    format!("{} {verb}", count(bytes, "byte"))
}

fn terminal_line(tty: &Terminal) -> String {
    let end = if tty.subtype == 1 { "master" } else { "slave" };
    let (rows, columns) = tty.size;
    let hung = if tty.hung_up { ", hung up" } else { "" };
    format!("{end} of pair {} ({columns}x{rows}){hung}", tty.index)
}

fn about(model: &Model, image: &Image, line: FileLine) -> Vec<Row> {
    let mut rows = Vec::new();
    if let Some((number, file)) = file_of(image, line) {
        about_file(model, image, number, &file, &mut rows);
    }
    if let Some(fd) = fd_of(image, line) {
        let exec = if fd.close_on_exec {
            ", closed by exec (x)"
        } else {
            ""
        };
        rows.insert(
            0,
            Row::pair("descriptor", format!("{}{exec}", fd.fd), Ink::Number),
        );
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
    let users: Vec<String> = users.take(100).map(|task| task.pid.to_string()).collect();
    rows.push(Row::pair("used by", users.join(" "), Ink::Number));
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

fn about_file(model: &Model, image: &Image, number: ObjRef, file: &File, rows: &mut Vec<Row>) {
    let arch = image.arch();
    if let Some(path) = file.path {
        rows.push(Row::pair("path", escape(path), Ink::Text));
    }
    let (names, rest) = values::OPEN_FLAGS.names(u64::from(file.flags), arch);
    let rest = (rest != 0).then(|| format!("{rest:#x}"));
    let names = names.iter().copied().map(str::to_owned);
    let flags: Vec<String> = names.chain(rest).collect();
    rows.push(Row::pair("flags", flags.join(" "), Ink::Normal));
    rows.push(Row::pair("position", file.pos.to_string(), Ink::Number));
    rows.push(
        Row::pair("record", file.record.index.to_string(), Ink::Link)
            .link(Link::Record(file.record.index, 0)),
    );
    if let FileKind::Socket(socket) = file.kind
        && let Some(socket) = image.sockets.get(&socket)
    {
        rows.push(Row::pair(
            "state",
            words::enum_name(&values::SOCKET_STATE, socket.socket_state.into()),
            Ink::Normal,
        ));
        rows.push(Row::pair(
            "local",
            escape(socket.local.as_bytes()),
            Ink::Text,
        ));
        rows.push(Row::pair(
            "remote",
            escape(socket.remote.as_bytes()),
            Ink::Text,
        ));
        rows.push(
            Row::pair("socket record", socket.record.index.to_string(), Ink::Link)
                .link(Link::Record(socket.record.index, 0)),
        );
        if socket.peer > 0 {
            rows.push(
                Row::pair("peer", format!("object {}", socket.peer), Ink::Link)
                    .link(Link::Object(socket.peer)),
            );
        }
    }
    for item in image.epolls.get(&number).into_iter().flatten() {
        let (names, _) = values::EPOLL_EVENTS.names(u64::from(item.events), arch);
        let text = format!("fd {} {} data {:#x}", item.fd, names.join("|"), item.data);
        rows.push(Row::pair("watches", text, Ink::Normal).link(Link::File(item.file)));
    }
    for (task, fd) in model.derived.holders.of(number) {
        if let Some(task) = image.tasks.get(task as usize) {
            let text = format!("{} {} as {fd}", task.pid, escape(&task.comm));
            rows.push(
                Row::pair("held by", text, Ink::Link).link(Link::Task(task.index, View::Tasks)),
            );
        }
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
    match file.kind {
        FileKind::Pipe(inode) | FileKind::Fifo(inode) => image
            .pipes
            .get(&inode)
            .filter(|pipe| pipe.data.len > 0)
            .map(|pipe| ("waiting in the pipe", pipe.data))
            .into_iter()
            .collect(),
        FileKind::Tty(number) => image
            .terminals
            .get(&number)
            .and_then(|tty| tty.input)
            .map(|input| ("unread input", input))
            .into_iter()
            .collect(),
        FileKind::Socket(number) => {
            let queues = image
                .sockets
                .get(&number)
                .map_or(&[][..], |socket| &socket.queues);
            let names = ["receive queue", "send queue"];
            let named = queues.iter().zip(names);
            named
                .flat_map(|(queue, name)| {
                    queue
                        .buffers
                        .iter()
                        .flat_map(|b| &b.data)
                        .map(move |extent| (name, *extent))
                })
                .collect()
        }
        _ => Vec::new(),
    }
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
    let readable = bytes
        .iter()
        .filter(|byte| matches!(byte, b' '..=b'~' | b'\n' | b'\t'))
        .count();
    let text =
        (readable * 4 >= bytes.len() * 3 && readable > 0).then(|| format!("\"{}\"", escape(bytes)));
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
