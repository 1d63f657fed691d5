//! Which open files are the two ends of a pipe, of a pair of sockets, of a pseudo terminal.

use super::files::{READS, WRITES};
use super::{File, FileKind, Image, ObjRef, Socket};

/// Open files by what they are ends of. With [`Image::holders`] it says who is at the other end.
#[derive(Clone, Debug, Default)]
pub struct Ends {
    /// Object of a pipe, socket or terminal, an open file of it, and its FMODE bits.
    files: Vec<(ObjRef, ObjRef, u32)>,
    /// Sockets and terminals, each with those at the other end.
    links: Vec<(ObjRef, ObjRef)>,
}

impl Ends {
    /// Open files at the other end of a file: those that write what it reads or read what it writes, those of the
    /// socket that it is connected to or of sockets that are connected to it, those of the other half of a terminal.
    /// None if nobody in the image has the other end open, or if the file is no end of anything.
    pub fn across(&self, number: ObjRef, file: &File) -> impl Iterator<Item = ObjRef> + '_ {
        let object = file.kind.object();
        let mode = file.mode;
        let is_pipe = matches!(file.kind, FileKind::Pipe(_) | FileKind::Fifo(_));
        let same = is_pipe.then_some(object);
        let linked = matches!(file.kind, FileKind::Socket(_) | FileKind::Tty(_));
        let objects = same.into_iter().chain(self.linked(object, linked));
        let files = objects.flat_map(|object| self.files_of(object));
        files
            .filter(move |(_, other, other_mode)| {
                !is_pipe || *other != number && meet(mode, *other_mode)
            })
            .map(|(_, other, _)| *other)
    }
    /// Sockets or terminals at the other end of one.
    pub fn linked_to(&self, object: ObjRef) -> impl Iterator<Item = ObjRef> + '_ {
        self.linked(object, true)
    }

    fn linked(&self, object: ObjRef, any: bool) -> impl Iterator<Item = ObjRef> + '_ {
        let from = self.links.partition_point(|link| link.0 < object);
        let rest = self.links.get(from..).unwrap_or_default();
        let here = rest.iter().take_while(move |link| any && link.0 == object);
        here.map(|link| link.1)
    }
    fn files_of(&self, object: ObjRef) -> impl Iterator<Item = &(ObjRef, ObjRef, u32)> {
        let from = self.files.partition_point(|file| file.0 < object);
        let rest = self.files.get(from..).unwrap_or_default();
        rest.iter().take_while(move |file| file.0 == object)
    }
}

/// Whether one reads what the other writes.
fn meet(one: u32, other: u32) -> bool {
    one & READS != 0 && other & WRITES != 0 || one & WRITES != 0 && other & READS != 0
}

impl Image {
    /// Which open files are ends of the same thing.
    pub fn ends(&self) -> Ends {
        let end = |(number, file): (ObjRef, File)| {
            let (FileKind::Pipe(object)
            | FileKind::Fifo(object)
            | FileKind::Socket(object)
            | FileKind::Tty(object)) = file.kind
            else {
                return None;
            };
            Some((object, number, file.mode))
        };
        let mut files: Vec<_> = self.files.iter().filter_map(end).collect();
        files.sort_unstable();
        let peers = self.sockets.iter().map(|(own, socket)| (*own, socket.peer));
        let halves = self.terminals.iter().map(|(own, tty)| (*own, tty.link));
        let mut links: Vec<_> = peers
            .chain(halves)
            .filter(|(own, other)| *other > 0 && own != other)
            .chain(self.connections())
            .flat_map(|(one, other)| [(one, other), (other, one)])
            .collect();
        links.sort_unstable();
        links.dedup();
        Ends { files, links }
    }

    /// Pairs of sockets with each other's addresses: nothing else says of inet sockets that both ends are here.
    fn connections(&self) -> Vec<(ObjRef, ObjRef)> {
        let connected = |socket: &Socket| socket.peer <= 0 && !socket.remote.is_empty();
        let mut all: Vec<_> = self
            .sockets
            .iter()
            .filter(|(_, socket)| connected(socket))
            .collect();
        all.sort_by(|(_, one), (_, other)| addresses(one).cmp(&addresses(other)));
        let other_end = |(own, socket): &(&ObjRef, &Socket)| {
            let (family, kind, local, remote) = addresses(socket);
            let back = (family, kind, remote, local);
            let at = all.binary_search_by(|(_, other)| addresses(other).cmp(&back));
            let (other, _) = all.get(at.ok()?)?;
            Some((**own, **other))
        };
        all.iter().filter_map(other_end).collect()
    }
}

/// What two connected sockets have crosswise.
fn addresses(socket: &Socket) -> (u16, u16, &str, &str) {
    (socket.family, socket.kind, &socket.local, &socket.remote)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decoder::{Decoder, Options};
    use crate::model::Terminal;
    use crate::source::SliceSource;

    /// An image with nothing but these open files, each with its number and FMODE bits.
    fn image(files: &[(ObjRef, FileKind, u32)]) -> Image {
        let source = SliceSource(ckpt_samples::EMBEDDED);
        let mut decoder = Decoder::new(source, Options::default()).unwrap();
        let mut image = Image::read(&mut decoder, |_| true).unwrap();
        image.files = super::super::Files::default();
        image.sockets.clear();
        image.terminals.clear();
        for (number, kind, mode) in files {
            let file = File {
                kind: *kind,
                mode: *mode,
                ..File::default()
            };
            image.files.insert(*number, file);
        }
        image.files.settle();
        image
    }

    fn check(image: &Image, file: ObjRef, expected: &[ObjRef]) {
        let own = image.files.get(file).unwrap();
        let across: Vec<ObjRef> = image.ends().across(file, &own).collect();
        assert_eq!(across, expected, "of {file}");
    }

    #[test]
    fn readers_of_a_pipe_face_its_writers() {
        let pipe = FileKind::Pipe(9);
        let image = image(&[
            (1, pipe, 1),
            (2, pipe, 2),
            (3, pipe, 2),
            (4, FileKind::Pipe(8), 1),
            (5, pipe, 1),
        ]);
        check(&image, 1, &[2, 3]);
        check(&image, 2, &[1, 5]);
        check(&image, 4, &[]);
    }

    #[test]
    fn a_fifo_open_for_both_faces_all_but_itself() {
        let fifo = FileKind::Fifo(9);
        let image = image(&[
            (1, fifo, 3),
            (2, fifo, 3),
            (3, fifo, 1),
            (4, FileKind::Generic, 3),
        ]);
        check(&image, 1, &[2, 3]);
        check(&image, 3, &[1, 2]);
        check(&image, 4, &[]);
    }

    #[test]
    fn sockets_face_their_peers_and_those_whose_peer_they_are() {
        let file = |number| (number, FileKind::Socket(number + 10), 3);
        let mut image = image(&[file(1), file(2), file(3), file(4), file(5)]);
        let unix = |peer| Socket {
            peer,
            family: 1,
            ..Socket::default()
        };
        let inet = |local: &str, remote: &str| Socket {
            family: 2,
            local: local.into(),
            remote: remote.into(),
            ..Socket::default()
        };
        image.sockets.insert(11, unix(12));
        image.sockets.insert(12, unix(11));
        // A datagram socket that sends to one which is connected elsewhere.
        image.sockets.insert(13, unix(12));
        image
            .sockets
            .insert(14, inet("127.0.0.1:80", "127.0.0.1:4000"));
        image
            .sockets
            .insert(15, inet("127.0.0.1:4000", "127.0.0.1:80"));
        check(&image, 1, &[2]);
        check(&image, 2, &[1, 3]);
        check(&image, 3, &[2]);
        check(&image, 4, &[5]);
        check(&image, 5, &[4]);
        // Its own peer, and two that are bound to nothing and connected to nothing.
        image.sockets.insert(16, unix(16));
        image.sockets.insert(17, inet("", ""));
        image.sockets.insert(18, inet("", ""));
        let linked = |number| image.ends().linked_to(number).collect::<Vec<_>>();
        assert_eq!(linked(12), [11, 13]);
        assert_eq!(linked(13), [12]);
        for number in 16..19 {
            assert_eq!(linked(number), Vec::<ObjRef>::new(), "of {number}");
        }
    }

    #[test]
    fn the_halves_of_a_terminal_face_each_other() {
        let mut image = image(&[(1, FileKind::Tty(11), 3), (2, FileKind::Tty(12), 3)]);
        image.terminals.insert(11, Terminal::default());
        let slave = Terminal {
            link: 11,
            ..Terminal::default()
        };
        image.terminals.insert(12, slave);
        check(&image, 1, &[2]);
        check(&image, 2, &[1]);
        let linked: Vec<ObjRef> = image.ends().linked_to(11).collect();
        assert_eq!(linked, [12]);
    }
}
