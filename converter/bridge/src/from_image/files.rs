//! Open files, sockets and terminals.

use super::{MAX_NESTED, MAX_RECORD, Reader, SecondPart, missing, text};
use crate::Loss;
use crate::bytes::Blob;
use crate::tree::{Dirs, EpollItem, File, FileKind, Socket, Tree, Tty};
use ckpt_format::Tag;
use ckpt_parser::model;
use ckpt_parser::model::ObjRef;
use std::collections::HashMap;
use std::sync::Arc;

impl Reader<'_> {
    /// Both sides of a terminal.
    pub(super) fn sides(&mut self, tty: Option<usize>) -> impl Iterator<Item = &mut Tty> {
        let index = tty
            .and_then(|tty| self.tree.ttys.get(tty))
            .map(|tty| tty.index);
        let all = self.tree.ttys.iter_mut();
        all.filter(move |tty| Some(tty.index) == index)
    }

    /// Terminals belong to the session whose leader has them.
    pub(super) fn sessions(&mut self) {
        for at in 0..self.tree.tasks.len() {
            let Some(task) = self.tree.tasks.get(at).filter(|t| t.tid == t.sid) else {
                continue;
            };
            let session = task.sid.cast_unsigned();
            let process = task
                .live
                .as_ref()
                .and_then(|live| self.tree.processes.get(live.process));
            let tty = process.and_then(|process| process.tty);
            for tty in self.sides(tty) {
                tty.session.0 = session;
            }
        }
    }

    /// A process group by its number, or by the tag of its pid where no pid has that number (§3.11).
    pub(super) fn group(&self, group: i32) -> i32 {
        let pids = &self.image.pids;
        let first = |tag: i32| pids.get(usize::try_from(tag - 1).ok()?)?.numbers.first();
        if pids.iter().any(|pid| pid.numbers.first() == Some(&group)) {
            return group;
        }
        first(group).copied().unwrap_or(group)
    }

    pub(super) fn file(&mut self, number: ObjRef, file: &model::File) -> File {
        let path = file.path.map(text).unwrap_or_default();
        let find = |map: &HashMap<ObjRef, usize>, key: ObjRef| {
            map.get(&key).copied().unwrap_or(usize::MAX)
        };
        let kind = match file.kind {
            model::FileKind::Generic => FileKind::Path(path),
            model::FileKind::Pipe(inode) => FileKind::Pipe(find(&self.index.pipes, inode)),
            model::FileKind::Fifo(inode) => FileKind::Fifo(path, find(&self.index.pipes, inode)),
            model::FileKind::Socket(sock) => FileKind::Socket(find(&self.index.sockets, sock)),
            model::FileKind::Tty(tty) => FileKind::Tty(find(&self.index.ttys, tty)),
            model::FileKind::EventFd(count, flags) => FileKind::Eventfd(count, flags),
            model::FileKind::Epoll => FileKind::Epoll(self.watched(number)),
            model::FileKind::Other(kind) => {
                self.losses.push(Loss::new(
                    "stream.file-kind",
                    "FILE",
                    "f_type",
                    kind,
                    "the number is not known",
                ));
                FileKind::Path(path)
            }
        };
        File {
            flags: file.flags,
            pos: file.pos,
            kind,
        }
    }

    /// What an epoll file watches.
    fn watched(&mut self, epoll: ObjRef) -> Vec<EpollItem> {
        let items = self.image.watched(epoll).iter();
        let (index, losses) = (&self.index.files, &mut self.losses);
        let known = items.filter_map(|item| {
            let file = index.get(&item.file).copied();
            if file.is_none() {
                let watched = format!("epoll file {epoll}");
                losses.push(missing(watched, "file_objref", item.file));
            }
            Some(EpollItem {
                fd: item.fd,
                file: file?,
                events: item.events,
                data: item.data,
            })
        });
        known.collect()
    }

    /// Other formats have one queue for each socket, that of what waits to be read.
    pub(super) fn unread_queues(&mut self, number: ObjRef, s: &model::Socket) {
        let listening = s.state == 10;
        if s.queues.len() < 2 && !listening && !s.dead {
            let why =
                "the stream has no queues for the socket, or they could not be told from another's";
            self.losses.push(Loss::new(
                "stream.socket-queue",
                "SOCKET_QUEUE",
                "",
                format!("socket {number}"),
                why,
            ));
        }
        if s.queues.get(1).is_some_and(|q| !q.buffers.is_empty()) {
            let why = "other formats have no queue of what is still to be sent";
            self.losses.push(Loss::new(
                "stream.send-queue",
                "SOCKET_QUEUE",
                "total_bytes",
                format!("socket {number}"),
                why,
            ));
        }
    }

    pub(super) fn socket(&self, number: ObjRef, s: &model::Socket) -> Socket {
        let own = self.again(s.record);
        let SecondPart { peer, addrs, dir } = self.second_part(number, s);
        let double = |field: &str| own.as_ref().map_or(0, |r| r.u32(field).saturating_mul(2));
        let packet = |b: &model::SocketBuffer| match b.data.as_slice() {
            [one] => self.stream.part(one.offset, one.len),
            many => {
                let bytes = many
                    .iter()
                    .filter_map(|e| self.stream.read(e.offset, e.len, MAX_RECORD).ok())
                    .flatten()
                    .collect::<Vec<u8>>();
                Blob::new("packet", Arc::new(bytes))
            }
        };
        Socket {
            family: s.family,
            kind: s.kind,
            protocol: s.protocol,
            state: s.state,
            peer: self.index.sockets.get(&peer).copied(),
            addrs,
            dir,
            backlog: u32::try_from(s.backlog.max(0)).unwrap_or(0),
            buffers: [double("sock.sndbuf"), double("sock.rcvbuf")],
            shutdown: s.shutdown,
            reuse: own
                .as_ref()
                .is_some_and(|r| r.u32("sock_common.reuse") != 0),
            queue: s
                .queues
                .first()
                .map(|q| q.buffers.iter().map(packet).collect())
                .unwrap_or_default(),
        }
    }

    /// Peer and addresses stand in a second record, behind those of the peers.
    fn second_part(&self, number: ObjRef, s: &model::Socket) -> SecondPart {
        let wanted = if s.family == 1 {
            Tag::SocketUnix
        } else {
            Tag::SocketInet
        };
        let wanted = self.tables.by_tag(wanted).map(|r| r.number);
        let mut at = s.record.offset;
        for _ in 0..MAX_NESTED {
            let Some((kind, record, next)) = self.record_at(at) else {
                break;
            };
            let own = s.family != 1 || record.u32("this") == number.cast_unsigned();
            if Some(kind) == wanted && own {
                let from = if s.family == 1 {
                    ["laddr.sun_family", "raddr.sun_family"]
                } else {
                    ["laddr.sin_family", "raddr.sin_family"]
                };
                let lens = ["laddr_len", "raddr_len"].map(|f| record.u32(f) as usize);
                let start = from.map(|f| {
                    record
                        .layout
                        .named(f)
                        .map_or(0, |slot| slot.offset as usize)
                });
                let addr = |i: usize| -> Vec<u8> {
                    let (at, len) = (
                        start.get(i).copied().unwrap_or(0),
                        lens.get(i).copied().unwrap_or(0),
                    );
                    record
                        .bytes
                        .get(at..at + len)
                        .filter(|_| len > 2)
                        .map(<[u8]>::to_vec)
                        .unwrap_or_default()
                };
                let peer = if s.family == 1 {
                    record.u32("peer").cast_signed()
                } else {
                    0
                };
                let addrs = [addr(0), addr(1)];
                let relative =
                    s.family == 1 && addrs[0].get(2).is_some_and(|&c| c != 0 && c != b'/');
                let dir = if relative {
                    self.string_at(next)
                } else {
                    Vec::new()
                };
                return SecondPart { peer, addrs, dir };
            }
            at = next;
        }
        SecondPart::default()
    }

    /// The text of a STRING record, without the slash at its end.
    fn string_at(&self, offset: u64) -> Vec<u8> {
        let wanted = self.tables.by_tag(Tag::String).map(|r| r.number);
        let record = self
            .record_at(offset)
            .filter(|(number, ..)| Some(*number) == wanted);
        let dir = record.map(|(_, record, _)| text(record.bytes.get(8..).unwrap_or_default()));
        let mut dir = dir.unwrap_or_default();
        while dir.last() == Some(&b'/') {
            dir.pop();
        }
        dir
    }

    pub(super) fn tty(&self, t: &model::Terminal) -> Tty {
        let record = self.again(t.record);
        let value = |field: &str| record.as_ref().map_or(0, |r| r.u32(field));
        let mut tty = Tty {
            index: t.index,
            master: t.subtype == 1,
            modes: ["iflag", "oflag", "cflag", "lflag", "ispeed", "ospeed"]
                .map(|f| value(&format!("termios.c_{f}"))),
            line: u8::try_from(value("termios.c_line")).unwrap_or(0),
            winsize: ["row", "col", "xpixel", "ypixel"]
                .map(|f| u16::try_from(value(&format!("winsize.ws_{f}"))).unwrap_or(0)),
            ..Tty::default()
        };
        let cc = record
            .as_ref()
            .map(|r| r.bytes("termios.c_cc"))
            .unwrap_or_default();
        for (to, from) in tty.cc.iter_mut().zip(cc) {
            *to = *from;
        }
        tty.data = t
            .input
            .and_then(|e| self.stream.read(e.offset, e.len, MAX_RECORD).ok())
            .unwrap_or_default();
        tty
    }

    /// Streams before R06 have no directories; the root stands in.
    pub(super) fn dirs(&mut self, fs: ObjRef) -> usize {
        if let Some(&index) = self.index.dirs.get(&fs) {
            return index;
        }
        let index = Tree::add(
            &mut self.tree.dirs,
            Dirs {
                cwd: "/".into(),
                root: "/".into(),
                umask: 0o22,
            },
        );
        self.index.dirs.insert(fs, index);
        self.losses.push(Loss::new(
            "stream.no-directories",
            "FS",
            "",
            "/",
            "the stream has none; the root stands in",
        ));
        index
    }
}
