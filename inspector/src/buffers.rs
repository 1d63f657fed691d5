//! What waits in pipes, sockets, terminals and message queues, and searching it.

use ckpt_parser::model::{Extent, File, FileKind, Image, ObjRef, Pipe, Socket, Terminal};
use ckpt_parser::source::Source;
use ckpt_parser::text::count;
use memchr::memmem::Finder;
use std::fmt::{self, Display};
use std::io;

/// What holds bytes that nobody has read yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// A pipe or fifo, by its number.
    Pipe(ObjRef),
    /// The receive queue of a socket.
    Received(ObjRef),
    /// The send queue of a socket.
    Sent(ObjRef),
    /// A terminal.
    Terminal(ObjRef),
    /// A System V queue: its namespace and its id.
    Queue(ObjRef, i32),
}

impl Holder {
    /// Its kind in a word or two.
    pub fn kind(self) -> &'static str {
        match self {
            Holder::Pipe(_) => "pipe",
            Holder::Received(_) => "receive queue",
            Holder::Sent(_) => "send queue",
            Holder::Terminal(_) => "terminal",
            Holder::Queue(..) => "message queue",
        }
    }
    /// Its number in the image; the id of a System V queue.
    pub fn number(self) -> i32 {
        match self {
            Holder::Pipe(number)
            | Holder::Received(number)
            | Holder::Sent(number)
            | Holder::Terminal(number) => number,
            Holder::Queue(_, id) => id,
        }
    }
    /// What an open file of it points to; `None` for what no file holds.
    pub fn object(self) -> Option<ObjRef> {
        (!matches!(self, Holder::Queue(..))).then(|| self.number())
    }
}

/// Bytes that wait, in order: what is read together stands together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buffer {
    /// What holds them.
    pub holder: Holder,
    /// Where they are in the image.
    pub parts: Vec<Extent>,
}

impl Buffer {
    fn new(holder: Holder, parts: impl IntoIterator<Item = Extent>) -> Buffer {
        let parts = parts.into_iter().collect();
        Buffer { holder, parts }
    }
    /// Bytes in it.
    pub fn len(&self) -> u64 {
        self.parts.iter().map(|part| part.len).sum()
    }
    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Its first bytes; fewer than `most` if there are no more, or where the image ends.
    ///
    /// # Errors
    /// Those of the source.
    pub fn first(&self, source: &mut dyn Source, most: usize) -> io::Result<Vec<u8>> {
        Reader::new(&self.parts).read(source, most)
    }
}

/// How much it is, and for whom: "13 bytes wait", "14 bytes to read".
impl Display for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let len = self.len();
        let what = match self.holder {
            Holder::Received(_) => "to read",
            Holder::Sent(_) => "to send",
            _ if len == 1 => "waits",
            _ => "wait",
        };
        write!(f, "{} {what}", count(len, "byte"))
    }
}

fn in_pipe(number: ObjRef, pipe: &Pipe) -> Buffer {
    Buffer::new(Holder::Pipe(number), [pipe.data])
}

fn in_terminal(number: ObjRef, tty: &Terminal) -> Buffer {
    Buffer::new(Holder::Terminal(number), tty.input)
}

fn in_socket(number: ObjRef, socket: &Socket) -> impl Iterator<Item = Buffer> + '_ {
    let holders = [Holder::Received(number), Holder::Sent(number)];
    let queues = holders.into_iter().zip(&socket.queues);
    queues.map(|(holder, queue)| {
        let parts = queue.buffers.iter().flat_map(|buffer| &buffer.data);
        Buffer::new(holder, parts.copied())
    })
}

/// Every buffer of an image that is not empty.
pub fn all(image: &Image) -> impl Iterator<Item = Buffer> + '_ {
    let pipes = image.pipes.iter().map(|(at, pipe)| in_pipe(*at, pipe));
    let sockets = image.sockets.iter();
    let sockets = sockets.flat_map(|(at, socket)| in_socket(*at, socket));
    let terminals = image.terminals.iter();
    let terminals = terminals.map(|(at, tty)| in_terminal(*at, tty));
    let messages = image.ipc.iter().flat_map(|(number, ipc)| {
        let queues = ipc.queues.iter();
        let messages = queues.flat_map(|queue| {
            queue
                .messages
                .iter()
                .map(move |message| (queue.perms.id, message))
        });
        messages.map(|(id, message)| {
            Buffer::new(Holder::Queue(*number, id), message.text.iter().copied())
        })
    });
    pipes
        .chain(sockets)
        .chain(terminals)
        .chain(messages)
        .filter(|buffer| !buffer.is_empty())
}

/// Those that an open file leads to and that are not empty.
pub fn of_file(image: &Image, file: &File) -> Vec<Buffer> {
    let mut buffers: Vec<Buffer> = match file.kind {
        FileKind::Pipe(at) | FileKind::Fifo(at) => {
            let pipe = image.pipes.get(&at);
            pipe.map(|pipe| in_pipe(at, pipe)).into_iter().collect()
        }
        FileKind::Tty(at) => {
            let tty = image.terminals.get(&at);
            tty.map(|tty| in_terminal(at, tty)).into_iter().collect()
        }
        FileKind::Socket(at) => {
            let socket = image.sockets.get(&at).into_iter();
            socket.flat_map(|socket| in_socket(at, socket)).collect()
        }
        _ => Vec::new(),
    };
    buffers.retain(|buffer| !buffer.is_empty());
    buffers
}

/// Where a search found something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// What holds it.
    pub holder: Holder,
    /// Bytes before it.
    pub at: u64,
    /// Where it stands in the image.
    pub offset: u64,
}

/// Bytes that are read at once.
const PIECE: u64 = 1 << 20;

/// Finds a pattern in every buffer, also where it goes across the parts of one. Ends when `found` says no.
///
/// # Errors
/// Those of the source.
pub fn search(
    image: &Image,
    mut source: impl Source,
    pattern: &[u8],
    mut found: impl FnMut(Hit) -> bool,
) -> io::Result<()> {
    let finder = Finder::new(pattern);
    for Buffer { holder, parts } in all(image) {
        let mut place = Cursor::new(&parts);
        let mut kept: Vec<u8> = Vec::new();
        // Bytes of the buffer before those that are kept.
        let mut before = 0;
        for piece in parts.iter().flat_map(|part| pieces(*part)) {
            let have = kept.len();
            kept.resize(have + usize::try_from(piece.len).unwrap_or(0), 0);
            let n = source.read_at(piece.offset, kept.get_mut(have..).unwrap_or_default())?;
            kept.truncate(have + n);
            for at in finder.find_iter(&kept) {
                let at = before + at as u64;
                let offset = place.offset_of(at);
                if !found(Hit { holder, at, offset }) {
                    return Ok(());
                }
            }
            // A match that begins in here may end in the next piece.
            let over = kept.len().saturating_sub(pattern.len().saturating_sub(1));
            before += over as u64;
            kept.drain(..over);
        }
    }
    Ok(())
}

fn pieces(part: Extent) -> impl Iterator<Item = Extent> {
    let starts = (0..part.len).step_by(usize::try_from(PIECE).unwrap_or(usize::MAX));
    starts.map(move |start| Extent {
        offset: part.offset.saturating_add(start),
        len: PIECE.min(part.len - start),
    })
}

/// Tells where bytes of a buffer stand in the image, if it is asked in their order.
struct Cursor<'a> {
    parts: std::slice::Iter<'a, Extent>,
    part: Extent,
    /// Bytes of the buffer before that part.
    before: u64,
}

impl<'a> Cursor<'a> {
    fn new(parts: &'a [Extent]) -> Self {
        let mut parts = parts.iter();
        Cursor {
            part: parts.next().copied().unwrap_or_default(),
            parts,
            before: 0,
        }
    }

    fn offset_of(&mut self, at: u64) -> u64 {
        while at.saturating_sub(self.before) >= self.part.len {
            let Some(next) = self.parts.next() else {
                return 0;
            };
            self.before += self.part.len;
            self.part = *next;
        }
        let inside = at.saturating_sub(self.before);
        self.part.offset.saturating_add(inside)
    }
}

/// Reads a buffer from its start on.
pub(crate) struct Reader<'a> {
    parts: std::slice::Iter<'a, Extent>,
    /// What is left of the present part.
    part: Extent,
}

impl<'a> Reader<'a> {
    /// From its start.
    pub(crate) fn new(parts: &'a [Extent]) -> Self {
        Reader {
            parts: parts.iter(),
            part: Extent::default(),
        }
    }

    /// The next stretch of at most `len` bytes that stand together; an empty one is the end.
    fn next(&mut self, len: u64) -> Extent {
        while self.part.len == 0 {
            match self.parts.next() {
                Some(part) => self.part = *part,
                None => break,
            }
        }
        let len = len.min(self.part.len);
        let Extent { offset, .. } = self.part;
        self.part.offset = offset.saturating_add(len);
        self.part.len -= len;
        Extent { offset, len }
    }

    /// Leaves out bytes.
    pub(crate) fn skip(&mut self, mut len: u64) {
        while len > 0 {
            match self.next(len).len {
                0 => return,
                done => len -= done,
            }
        }
    }

    /// At most `len` bytes; fewer only at the end, or where the image ends.
    pub(crate) fn read(&mut self, source: &mut dyn Source, len: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        while bytes.len() < len {
            let next = self.next((len - bytes.len()) as u64);
            let have = bytes.len();
            let wanted = usize::try_from(next.len).unwrap_or(len);
            bytes.resize(have + wanted, 0);
            let n = source.read_at(next.offset, &mut bytes[have..])?;
            bytes.truncate(have + n);
            if n < wanted || wanted == 0 {
                break;
            }
        }
        Ok(bytes)
    }
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "offsets in small samples")]
mod tests {
    use super::*;
    use ckpt_parser::decoder::{Decoder, Options};
    use ckpt_parser::model::{Pipe, RecordAt};
    use ckpt_parser::source::SliceSource;

    fn sample() -> Image {
        let source = SliceSource(ckpt_samples::EMBEDDED);
        Image::read(
            &mut Decoder::new(source, Options::default()).unwrap(),
            |_| true,
        )
        .unwrap()
    }

    fn hits(image: &Image, bytes: &[u8], pattern: &[u8]) -> Vec<Hit> {
        let mut hits = Vec::new();
        search(image, SliceSource(bytes), pattern, |hit| {
            hits.push(hit);
            true
        })
        .unwrap();
        hits
    }

    #[test]
    fn every_buffer_of_the_sample_is_found_by_its_own_bytes() {
        let image = sample();
        let buffers: Vec<Buffer> = all(&image).collect();
        assert!(buffers.len() >= 2, "{buffers:?}");
        for buffer in buffers {
            let part = buffer.parts[0];
            let range = part.offset as usize..(part.offset + part.len) as usize;
            let found = hits(
                &image,
                ckpt_samples::EMBEDDED,
                &ckpt_samples::EMBEDDED[range],
            );
            assert!(
                found.contains(&Hit {
                    holder: buffer.holder,
                    at: 0,
                    offset: part.offset
                }),
                "{buffer:?}"
            );
        }
    }

    #[test]
    fn bytes_of_several_parts_have_their_places() {
        let part = |offset, len| Extent { offset, len };
        let parts = [part(10, 2), part(50, 0), part(100, 3)];
        let mut place = Cursor::new(&parts);
        let places: Vec<u64> = [0, 1, 2, 2, 4].map(|at| place.offset_of(at)).into();
        assert_eq!(places, [10, 11, 100, 100, 102]);
    }

    #[test]
    fn a_buffer_is_read_from_part_to_part() {
        let mut source = SliceSource(b"0123456789");
        let part = |offset, len| Extent { offset, len };
        let parts = [part(8, 2), part(3, 0), part(0, 3), part(9, 5), part(4, 1)];
        let mut reader = Reader::new(&parts);
        assert_eq!(reader.read(&mut source, 3).unwrap(), b"890");
        reader.skip(1);
        assert_eq!(
            reader.read(&mut source, 9).unwrap(),
            b"29",
            "the image ends"
        );
        reader.skip(99);
        assert_eq!(reader.read(&mut source, 9).unwrap(), b"");
    }

    #[test]
    fn matches_cross_the_pieces_that_are_read() {
        let mut image = sample();
        image.pipes.clear();
        image.sockets.clear();
        image.terminals.clear();
        image.ipc.clear();
        let mut bytes = vec![0; 3 * PIECE as usize];
        let places = [100, PIECE - 2, 2 * PIECE + 7];
        for at in places {
            bytes[at as usize..at as usize + 4].copy_from_slice(b"here");
        }
        let data = Extent {
            offset: 3,
            len: bytes.len() as u64 - 3,
        };
        image.pipes.insert(
            9,
            Pipe {
                record: RecordAt::default(),
                data,
            },
        );
        let found = hits(&image, &bytes, b"here");
        assert_eq!(
            found.iter().map(|hit| hit.offset).collect::<Vec<_>>(),
            places
        );
        assert_eq!(found[0].at, 97);
    }
}
