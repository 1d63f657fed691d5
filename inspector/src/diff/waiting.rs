//! What waits in the pipes, sockets, terminals and message queues of two images.

use super::{Comparison, Group, Where};
use crate::buffers::{self, Buffer, Reader};
use crate::detail::quoted;
use ckpt_parser::model::{Extent, Image, ObjRef};
use ckpt_parser::source::Source;
use ckpt_parser::text::count;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;

/// Bytes compared at once.
const PIECE: usize = 64 << 10;
/// Bytes that are told of a buffer, from the first that differs.
const SHOWN: usize = 24;

impl Comparison<'_> {
    /// Buffers are matched by what they are known by; their numbers in the image mean nothing outside of it.
    pub(super) fn waiting(
        &mut self,
        left: &mut dyn Source,
        right: &mut dyn Source,
    ) -> io::Result<()> {
        let (ours, theirs) = (named(self.left), named(self.right));
        for name in ours.keys().chain(theirs.keys()).collect::<BTreeSet<_>>() {
            let (a, b) = (ours.get(name), theirs.get(name));
            let parts =
                |of: Option<&Waiting>| of.map_or(Vec::new(), |waiting| waiting.parts.clone());
            let (one, two) = (parts(a), parts(b));
            let Some(first) = first_difference((left, &one), (right, &two))? else {
                continue;
            };
            let what = name.to_string();
            let place = a.and_then(|waiting| waiting.record).map(Where::Record);
            let (one, two) = (told(left, &one, first)?, told(right, &two, first)?);
            self.change(Group::Files, &what, &one, &two, place);
        }
        Ok(())
    }
}

/// What a buffer is known by: who holds it, as what, and which of several it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Name {
    pid: i32,
    fd: i32,
    kind: &'static str,
    number: usize,
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Name {
            pid,
            fd,
            kind,
            number,
        } = self;
        if *pid > 0 {
            write!(f, "{pid} fd {fd} {kind}")?;
        } else {
            write!(f, "{kind} {fd}")?;
        }
        if *number > 0 {
            write!(f, ", {}.", number + 1)?;
        }
        Ok(())
    }
}

struct Waiting {
    /// The record of the descriptor.
    record: Option<u64>,
    parts: Vec<Extent>,
}

fn named(image: &Image) -> BTreeMap<Name, Waiting> {
    let holders = holders(image);
    let mut alike: HashMap<(i32, i32, &str), usize> = HashMap::new();
    let named = buffers::all(image).map(|Buffer { holder, parts }| {
        let held = holder.object().and_then(|object| holders.get(&object));
        let (pid, fd) = held.map_or((0, holder.number()), |held| (held.pid, held.fd));
        let kind = holder.kind();
        let before = alike.entry((pid, fd, kind)).or_default();
        let number = std::mem::replace(before, *before + 1);
        let name = Name {
            pid,
            fd,
            kind,
            number,
        };
        let record = held.map(|held| held.record);
        (name, Waiting { record, parts })
    });
    named.collect()
}

struct Held {
    pid: i32,
    fd: i32,
    record: u64,
}

/// The first descriptor of each pipe, socket and terminal.
fn holders(image: &Image) -> HashMap<ObjRef, Held> {
    let mut held = HashMap::new();
    for task in image.tasks.iter().filter(|task| task.is_leader()) {
        for fd in image
            .files_of(task)
            .into_iter()
            .flat_map(|table| &table.fds)
        {
            let Some(file) = image.files.get(fd.file) else {
                continue;
            };
            let object = file.kind.object();
            if object > 0 {
                held.entry(object).or_insert(Held {
                    pid: task.pid,
                    fd: fd.fd,
                    record: fd.record.index,
                });
            }
        }
    }
    held
}

/// Where two buffers begin to differ, if they do.
fn first_difference(
    (left, one): (&mut dyn Source, &[Extent]),
    (right, two): (&mut dyn Source, &[Extent]),
) -> io::Result<Option<u64>> {
    let (mut one, mut two) = (Reader::new(one), Reader::new(two));
    let mut at = 0;
    loop {
        let (a, b) = (one.read(left, PIECE)?, two.read(right, PIECE)?);
        let same = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
        if same < a.len().max(b.len()) {
            return Ok(Some(at + same as u64));
        }
        if a.is_empty() {
            return Ok(None);
        }
        at += same as u64;
    }
}

fn told(source: &mut dyn Source, parts: &[Extent], first: u64) -> io::Result<String> {
    let len: u64 = parts.iter().map(|part| part.len).sum();
    if len == 0 {
        return Ok(String::new());
    }
    let mut reader = Reader::new(parts);
    reader.skip(first);
    let bytes = reader.read(source, SHOWN)?;
    Ok(format!(
        "{}, from {first}: {}",
        count(len, "byte"),
        quoted(&bytes)
    ))
}

#[cfg(test)]
mod tests {
    use super::super::compare;
    use super::*;
    use ckpt_parser::decoder::{Decoder, Options};
    use ckpt_parser::source::SliceSource;

    /// The differences of the sample and of one in which some bytes are others.
    fn changes(from: &[u8], to: &[u8]) -> Vec<(String, String, String)> {
        let bytes = ckpt_samples::EMBEDDED;
        let mut other = bytes.to_vec();
        let at = bytes
            .windows(from.len())
            .position(|part| part == from)
            .unwrap();
        other[at..at + to.len()].copy_from_slice(to);
        let read = |bytes: Vec<u8>| {
            let mut decoder = Decoder::new(SliceSource(bytes.clone()), Options::default()).unwrap();
            let image = Image::read(&mut decoder, |_| true).unwrap();
            let source: Box<dyn Source> = Box::new(SliceSource(bytes));
            (image, source)
        };
        let (left, right) = (read(bytes.to_vec()), read(other));
        let diff = compare((&left.0, left.1), (&right.0, right.1)).unwrap();
        let words = |change: super::super::Change| (change.what, change.left, change.right);
        diff.changes.into_iter().map(words).collect()
    }

    /// All messages of a queue are known by it.
    #[test]
    fn messages_of_a_queue_are_told_apart() {
        let source = SliceSource(ckpt_samples::EMBEDDED);
        let mut decoder = Decoder::new(source, Options::default()).unwrap();
        let mut image = Image::read(&mut decoder, |_| true).unwrap();
        let queue = &mut image.ipc.values_mut().next().unwrap().queues[0];
        queue.messages = vec![queue.messages[0].clone(); 200_000];
        let names: Vec<Name> = named(&image).into_keys().collect();
        let numbers = names.iter().filter(|name| name.kind == "message queue");
        assert!(numbers.map(|name| name.number).eq(0..200_000));
    }

    #[test]
    fn what_waits_is_compared() {
        let told = |what: &str, left: &str, right: &str| {
            vec![(what.to_owned(), left.to_owned(), right.to_owned())]
        };
        assert_eq!(
            changes(b"flush\nrotate\n", b"flush\nRotate\n"),
            told(
                "412 fd 3 pipe",
                r#"13 bytes, from 6: "rotate\n""#,
                r#"13 bytes, from 6: "Rotate\n""#
            )
        );
        assert_eq!(changes(b"flush\nrotate\n", b"flush"), []);
    }
}
