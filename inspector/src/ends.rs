//! Open files in words: what they are, who holds them, and who is at their other end.

use crate::buffers::{self, Buffer};
use crate::words::{enum_name, socket};
use ckpt_format::values;
use ckpt_parser::model::{Ends, File, FileKind, Holders, Image, ObjRef, Socket, Task, Terminal};
use ckpt_parser::text::escape;
use std::fmt::{self, Display};

/// What an open file is; `arrow` stands between the two addresses of a connection.
pub fn what(image: &Image, number: ObjRef, file: &File, arrow: &str) -> String {
    let path = file.path.map(escape).unwrap_or_default();
    match file.kind {
        FileKind::Pipe(object) => format!("{} pipe {object}{}", end(file), empty(image, object)),
        FileKind::Fifo(object) => format!("{path}, {} it{}", end(file), empty(image, object)),
        FileKind::Socket(object) => match image.sockets.get(&object) {
            Some(found) => socket(found, arrow),
            None => format!("socket {object}, which is not in the image"),
        },
        FileKind::Tty(object) => match image.terminals.get(&object) {
            Some(found) => terminal(found),
            None => format!("terminal {object}, which is not in the image"),
        },
        FileKind::Epoll => watched(image, number),
        FileKind::EventFd(value, _) => format!("value {value}"),
        FileKind::Generic | FileKind::Other(_) => path,
    }
}

/// Which end of a pipe a file is.
fn end(file: &File) -> &'static str {
    match (file.reads(), file.writes()) {
        (true, false) => "read end of",
        (false, true) => "write end of",
        _ => "both ends of",
    }
}

/// Says that nothing waits in a pipe, if that is known.
fn empty(image: &Image, pipe: ObjRef) -> &'static str {
    match image.pipes.get(&pipe) {
        Some(pipe) if pipe.data.len == 0 => ", empty",
        _ => "",
    }
}

fn terminal(tty: &Terminal) -> String {
    let end = if tty.subtype == 1 { "master" } else { "slave" };
    let (rows, columns) = tty.size;
    let hung = if tty.hung_up { ", hung up" } else { "" };
    format!("{end} of terminal {} ({columns}x{rows}){hung}", tty.index)
}

fn watched(image: &Image, number: ObjRef) -> String {
    let items = image.watched(number);
    let fds: Vec<String> = items.iter().map(|item| item.fd.to_string()).collect();
    if fds.is_empty() {
        "watches nothing".to_owned()
    } else {
        format!("watches {}", fds.join(" "))
    }
}

/// How much waits in an open file; `None` for nothing.
pub fn waiting(image: &Image, file: &File) -> Option<String> {
    let words: Vec<String> = buffers::of_file(image, file)
        .iter()
        .map(Buffer::to_string)
        .collect();
    (!words.is_empty()).then(|| words.join(", "))
}

/// Names of the flags of an open file, and as a number what has no name.
pub fn flags(image: &Image, file: &File) -> Vec<String> {
    let (names, rest) = values::OPEN_FLAGS.names(u64::from(file.flags), image.arch());
    let rest = (rest != 0).then(|| format!("{rest:#x}"));
    let names = names.iter().copied().map(str::to_owned);
    names.chain(rest).collect()
}

/// A process, or a thread with a table of its own, and the descriptors by which it holds something.
#[derive(Clone, Debug)]
pub struct Held<'a> {
    /// Who.
    pub task: &'a Task,
    /// As what; the first of them, if there are many.
    pub fds: Vec<i32>,
    /// There are more.
    pub more: bool,
}

/// Descriptors of one holder that are named.
const MOST_FDS: usize = 16;
/// Descriptors that are looked at: an image may have a million ends of one pipe, each of them a line.
const LOOKED_AT: usize = 4096;

impl Display for Held<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} as", self.task.pid, escape(&self.task.comm))?;
        self.fds.iter().try_for_each(|fd| write!(f, " {fd}"))?;
        f.write_str(if self.more { " and more" } else { "" })
    }
}

/// Those who hold open files, at most `most` of them, and whether there are more.
pub fn held<'a>(
    image: &'a Image,
    holders: &Holders,
    files: impl IntoIterator<Item = ObjRef>,
    most: usize,
) -> (Vec<Held<'a>>, bool) {
    let table = |task: &Task| task.live.as_ref().map_or(0, |live| live.files);
    let mut all: Vec<Held> = Vec::new();
    let mut every = files.into_iter().flat_map(|file| holders.of(file));
    for (index, fd) in every.by_ref().take(LOOKED_AT) {
        let Some(task) = image.tasks.get(index as usize) else {
            continue;
        };
        // Threads that share the table of their process are the process.
        let is_known = |held: &Held| held.task.tgid == task.tgid && table(held.task) == table(task);
        match all.iter().position(is_known) {
            Some(at) => {
                if let Some(held) = all.get_mut(at).filter(|held| held.task.index == task.index) {
                    held.more = held.fds.len() == MOST_FDS;
                    if !held.more {
                        held.fds.push(fd);
                    }
                }
            }
            None if all.len() == most => return (all, true),
            None => all.push(Held {
                task,
                fds: vec![fd],
                more: false,
            }),
        }
    }
    (all, every.next().is_some())
}

/// Who is at the other end of an open file.
#[derive(Clone, Debug)]
pub struct OtherEnd<'a> {
    /// What they do there.
    pub role: &'static str,
    /// They, and whether there are more.
    pub held: (Vec<Held<'a>>, bool),
}

/// The other end of a pipe, of a connected socket, of a terminal.
pub fn other_end<'a>(
    image: &'a Image,
    (holders, ends): (&Holders, &Ends),
    (number, file): (ObjRef, &File),
    most: usize,
) -> Option<OtherEnd<'a>> {
    if !has_other_end(ends, file) {
        return None;
    }
    let role = match (file.kind, file.reads(), file.writes()) {
        (FileKind::Pipe(_) | FileKind::Fifo(_), true, false) => "written by",
        (FileKind::Pipe(_) | FileKind::Fifo(_), false, true) => "read by",
        (FileKind::Socket(_), ..) => "peer",
        _ => "other end",
    };
    let held = held(image, holders, ends.across(number, file), most);
    Some(OtherEnd { role, held })
}

/// Whether a file is one of two ends; a socket is if it is connected to one of the image.
pub fn has_other_end(ends: &Ends, file: &File) -> bool {
    match file.kind {
        FileKind::Pipe(_) | FileKind::Fifo(_) | FileKind::Tty(_) => true,
        FileKind::Socket(object) => ends.linked_to(object).next().is_some(),
        _ => false,
    }
}

/// Those who hold something, in a line.
pub fn list((held, more): &(Vec<Held>, bool)) -> String {
    if held.is_empty() {
        return "nobody in the image".to_owned();
    }
    let names: Vec<String> = held.iter().map(Held::to_string).collect();
    let more = if *more { " and more" } else { "" };
    names.join(", ") + more
}

/// The state that a socket has for its user.
pub fn socket_state(socket: &Socket) -> String {
    enum_name(&values::SOCKET_STATE, socket.socket_state.into()).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ckpt_parser::decoder::{Decoder, Options};
    use ckpt_parser::model::{Fd, RecordAt};
    use ckpt_parser::source::SliceSource;

    /// The sample, in which the first process holds its first file by many more descriptors.
    fn crowded(descriptors: i32) -> Image {
        let source = SliceSource(ckpt_samples::EMBEDDED);
        let mut decoder = Decoder::new(source, Options::default()).unwrap();
        let mut image = Image::read(&mut decoder, |_| true).unwrap();
        let table = image.tasks[0].live.as_ref().unwrap().files;
        let fds = &mut image.file_tables.get_mut(&table).unwrap().fds;
        let file = fds.get(0).unwrap().file;
        for fd in 100..100 + descriptors {
            fds.push(Fd {
                record: RecordAt::default(),
                fd,
                file,
                close_on_exec: false,
            });
        }
        image
    }

    #[test]
    fn a_file_with_a_million_descriptors_is_a_short_line() {
        let image = crowded(1_000_000);
        let table = image.tasks[0].live.as_ref().unwrap().files;
        let file = image.file_tables[&table].fds.get(0).unwrap().file;
        let line = list(&held(&image, &image.holders(), [file], 8));
        assert!(line.starts_with("412 sensord as 0 100 101 "), "{line}");
        assert!(line.len() < 120 && line.ends_with(" and more"), "{line}");
        let few = crowded(2);
        let line = list(&held(&few, &few.holders(), [file], 8));
        assert_eq!(line, "412 sensord as 0 100 101, 421 logger as 1");
    }
}
