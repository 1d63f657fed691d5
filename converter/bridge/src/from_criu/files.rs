//! Open files, descriptors and directories, and what waits in pipes, sockets and terminals.

use std::collections::HashMap;

use super::{Reader, only};
use crate::{
    Error, Loss, Result,
    criu::{Msg, Remap, fd_type, image},
    criu_defaults, kept,
    tree::{Dirs, EpollItem, Fd, File, FileKind, Pipe, Socket, Tree, Tty},
};

/// What an epoll file watches, until its descriptor is looked for.
const UNKNOWN: usize = usize::MAX;

impl Reader<'_> {
    pub(super) fn dirs(&mut self, pid: u32, id: u64) -> Result<usize> {
        if let Some(&index) = self.maps.dirs.get(&id) {
            return Ok(index);
        }
        let fs = only(self.set.need(&format!("fs-{pid}.img"))?, "FS")?;
        let path = |r: &Self, field: &str| {
            r.entries.path(fs.u64(field)).ok_or_else(|| {
                Error::damaged(
                    format!("fs-{pid}.img"),
                    8,
                    field,
                    fs.u64(field),
                    "the number of a directory",
                )
            })
        };
        let dirs = Dirs {
            cwd: path(self, "cwd_id")?,
            root: path(self, "root_id")?,
            umask: fs.u32("umask"),
        };
        let index = Tree::add(&mut self.tree.dirs, dirs);
        self.maps.dirs.insert(id, index);
        Ok(index)
    }

    pub(super) fn table(&mut self, pid: u32, id: u64) -> Result<usize> {
        if let Some(&index) = self.maps.tables.get(&id) {
            return Ok(index);
        }
        let name = format!(
            "fdinfo-{}.img",
            if self.fdinfo_per_id { id } else { pid.into() }
        );
        self.expect(&name, "the process has no descriptors");
        let mut fds = Vec::new();
        let entries = match self.set.get(&name) {
            Some(file) => image::read(file, "FDINFO")?,
            None => Vec::new(),
        };
        for entry in entries {
            let m = entry.message;
            let fd = m.u32("fd");
            match self.file(m.u64("id"), &name)? {
                Some(file) => fds.push(Fd {
                    fd,
                    file,
                    cloexec: m.u64("flags") & 1 != 0,
                }),
                None => self.losses.push(Loss::new(
                    "criu.descriptor",
                    name.clone(),
                    "fd",
                    fd,
                    "streams have no file of this kind, so the descriptor is closed",
                )),
            }
        }
        fds.sort_by_key(|fd| fd.fd);
        self.watch(&fds);
        let index = Tree::add(&mut self.tree.tables, fds);
        self.maps.tables.insert(id, index);
        Ok(index)
    }

    /// Epoll files name what they watch by descriptor of the first process that has them.
    fn watch(&mut self, fds: &[Fd]) {
        let by_number: HashMap<u32, usize> = fds.iter().map(|fd| (fd.fd, fd.file)).collect();
        for fd in fds {
            let file = self.tree.files.get_mut(fd.file);
            let Some(FileKind::Epoll(items)) = file.map(|f| &mut f.kind) else {
                continue;
            };
            items.retain_mut(|item| {
                if item.file == UNKNOWN {
                    item.file = by_number.get(&item.fd).copied().unwrap_or(UNKNOWN);
                }
                if item.file == UNKNOWN {
                    self.losses.push(Loss::new(
                        "criu.epoll-item",
                        "files.img",
                        "epfd.tfd",
                        item.fd,
                        "the descriptor that is watched is closed",
                    ));
                }
                item.file != UNKNOWN
            });
        }
    }

    /// The index of the file with this number; `None` if streams have nothing like it.
    pub(super) fn file(&mut self, id: u64, asked: &str) -> Result<Option<usize>> {
        if let Some(&known) = self.files.get(&id) {
            return Ok(known);
        }
        let m = self.entries.need(id, asked)?.clone();
        let kind = m.u64("type");
        let mut made = self.make_file(kind, &m)?;
        let path = self.entries.path(id);
        if let (Some(_), Some(file), Some(path)) = (self.entries.remap(id), &mut made, path) {
            file.kind = FileKind::Path(path);
        }
        match (self.entries.remap(id), &made) {
            (Some(Remap::Ghost(_)), _) => {
                let why = "the file has no name any more, and records of a stream do not hold its contents";
                self.losses.push(Loss::new(
                    "criu.ghost-file",
                    "remap-fpath.img",
                    "orig_id",
                    id,
                    why,
                ));
            }
            (None, None) => self.losses.push(Loss::new(
                "criu.file-kind",
                "files.img",
                "id",
                format!("{id}, of type {kind}"),
                "streams have no such file",
            )),
            _ => {}
        }
        let index = made.map(|file| Tree::add(&mut self.tree.files, file));
        self.files.insert(id, index);
        Ok(index)
    }

    fn make_file(&mut self, kind: u64, m: &Msg) -> Result<Option<File>> {
        let field = match kind {
            fd_type::REG => "reg",
            fd_type::PIPE => "pipe",
            fd_type::FIFO => "fifo",
            fd_type::INETSK => "isk",
            fd_type::UNIXSK => "usk",
            fd_type::EVENTFD => "efd",
            fd_type::EVENTPOLL => "epfd",
            fd_type::TTY => "tty",
            _ => return Ok(None),
        };
        let Some(own) = m.sub(field) else {
            return Ok(None);
        };
        if let Some(owner) = own.sub("fown") {
            self.check_defaults("files.img", &owner);
        }
        let mut file = File {
            flags: own.u32("flags"),
            pos: own.u64("pos"),
            kind: FileKind::Path(Vec::new()),
        };
        file.kind = match kind {
            fd_type::REG => {
                self.check_defaults("files.img", &own);
                FileKind::Path(own.bytes("name"))
            }
            fd_type::PIPE => {
                FileKind::Pipe(self.pipe(own.u64("pipe_id"), "pipes-data.img", "PIPES_DATA")?)
            }
            fd_type::FIFO => {
                let under = self
                    .entries
                    .get(own.u64("regf_id"))
                    .and_then(|m| m.sub("reg"));
                let Some(under) = under else { return Ok(None) };
                file.flags = under.u32("flags");
                FileKind::Fifo(
                    under.bytes("name"),
                    self.pipe(own.u64("pipe_id"), "fifo-data.img", "FIFO_DATA")?,
                )
            }
            fd_type::UNIXSK | fd_type::INETSK => match self.socket(kind, &own)? {
                Some(socket) => FileKind::Socket(socket),
                None => return Ok(None),
            },
            fd_type::EVENTFD => FileKind::Eventfd(own.u64("counter"), own.u32("flags")),
            fd_type::EVENTPOLL => FileKind::Epoll(epoll_items(&own)),
            _ => match self.tty(own.u64("tty_info_id"))? {
                Some(tty) => FileKind::Tty(tty),
                None => return Ok(None),
            },
        };
        Ok(Some(file))
    }

    fn pipe(&mut self, id: u64, name: &'static str, kind: &str) -> Result<usize> {
        if let Some(&index) = self.maps.pipes.get(&id) {
            return Ok(index);
        }
        let mut pipe = Pipe::default();
        if let Some(entry) = self.keyed(name, kind, "pipe_id", id)?.into_iter().next() {
            let usual = criu_defaults::pipe_size(entry.message.u64("bytes"));
            if let Some(size) = entry.message.get("size").filter(|&s| s != usual) {
                let why = "streams do not keep the size of a pipe's buffer";
                self.losses
                    .push(Loss::new("criu.pipe-size", name, "size", size, why));
            }
            pipe.data = entry.payload;
        }
        let index = Tree::add(&mut self.tree.pipes, pipe);
        self.maps.pipes.insert(id, index);
        Ok(index)
    }

    fn socket(&mut self, kind: u64, own: &Msg) -> Result<Option<usize>> {
        let ino = own.u64("ino");
        if let Some(&index) = self.sockets.get(&ino) {
            return Ok(Some(index));
        }
        let unix = kind == fd_type::UNIXSK;
        if !unix && own.u64("family") != 2 {
            return Ok(None);
        }
        self.check_defaults("files.img", own);
        let opts = own.sub("opts");
        let opt = |field: &str| opts.as_ref().map_or(0, |o| o.u32(field));
        let mut socket = Socket {
            family: if unix { 1 } else { 2 },
            kind: u16::try_from(own.u64("type")).unwrap_or(0),
            protocol: u8::try_from(own.u64("proto")).unwrap_or(0),
            state: u8::try_from(own.u64("state")).unwrap_or(0),
            backlog: own.u32("backlog"),
            buffers: [opt("so_sndbuf"), opt("so_rcvbuf")],
            shutdown: u8::try_from(own.u64("shutdown")).unwrap_or(0),
            reuse: opt("reuseaddr") != 0,
            ..Socket::default()
        };
        if let Some(opts) = &opts {
            self.check_defaults("files.img", opts);
        }
        if unix {
            let name = own.bytes("name");
            if !name.is_empty() {
                socket.addrs[0] = [&[1, 0], name.as_slice()].concat();
                if !matches!(name.first(), Some(0 | b'/')) {
                    socket.dir = own.bytes("name_dir");
                }
            }
        } else {
            for (addr, port, to) in [("src_addr", "src_port", 0), ("dst_addr", "dst_port", 1)] {
                let mut bytes = vec![2, 0];
                bytes.extend(u16::try_from(own.u64(port)).unwrap_or(0).to_be_bytes());
                bytes.extend(
                    u32::try_from(own.numbers(addr).first().copied().unwrap_or(0))
                        .unwrap_or(0)
                        .to_le_bytes(),
                );
                bytes.resize(16, 0);
                if let Some(slot) = socket.addrs.get_mut(to) {
                    *slot = bytes;
                }
            }
        }
        let packets = self.keyed("sk-queues.img", "SK_QUEUES", "id_for", own.u64("id"))?;
        for packet in &packets {
            self.check_defaults("sk-queues.img", &packet.message);
        }
        socket.queue = packets.into_iter().filter_map(|e| e.payload).collect();
        let index = Tree::add(&mut self.tree.sockets, socket);
        self.sockets.insert(ino, index);
        if unix && own.u64("peer") != 0 {
            self.peer(index, own.u64("peer"))?;
        }
        Ok(Some(index))
    }

    fn peer(&mut self, index: usize, ino: u64) -> Result<()> {
        let other = self.entries.unix(ino).and_then(|id| self.entries.get(id));
        let other = other.and_then(|m| m.sub("usk"));
        let peer = match other {
            Some(other) => self.socket(fd_type::UNIXSK, &other)?,
            None => None,
        };
        if let Some(socket) = self.tree.sockets.get_mut(index) {
            socket.peer = peer;
        }
        Ok(())
    }

    fn tty(&mut self, id: u64) -> Result<Option<usize>> {
        if let Some(&index) = self.ttys.get(&id) {
            return Ok(Some(index));
        }
        let info = self.keyed("tty-info.img", "TTY_INFO", "id", id)?;
        let info = info.into_iter().next().map(|e| e.message);
        let Some(info) = info.filter(|m| m.u64("type") == kept::TTY_PTY) else {
            return Ok(None);
        };
        self.check_defaults("tty-info.img", &info);
        let mut tty = Tty {
            index: info.sub("pty").map_or(0, |p| p.u32("index")),
            // Unix98 masters have the major number 5 (/dev/ptmx), slaves 136 and up.
            master: info.u64("rdev") >> 8 == 5,
            session: (info.u32("sid"), info.u32("pgrp")),
            ..Tty::default()
        };
        if let Some(t) = info.sub("termios") {
            tty.modes = [
                "c_iflag", "c_oflag", "c_cflag", "c_lflag", "c_ispeed", "c_ospeed",
            ]
            .map(|f| t.u32(f));
            tty.line = u8::try_from(t.u64("c_line")).unwrap_or(0);
            tty.cc = control_characters(&t);
        }
        if let Some(w) = info.sub("winsize") {
            tty.winsize = ["ws_row", "ws_col", "ws_xpixel", "ws_ypixel"]
                .map(|f| u16::try_from(w.u64(f)).unwrap_or(0));
        }
        let data = self.keyed("tty-data.img", "TTY_DATA", "tty_id", id)?;
        tty.data = data
            .first()
            .map(|e| e.message.bytes("data"))
            .unwrap_or_default();
        let index = Tree::add(&mut self.tree.ttys, tty);
        self.ttys.insert(id, index);
        Ok(Some(index))
    }

    /// Terminals name their session; a stream names the terminal with the leader of the session.
    pub(super) fn controlling_terminals(&mut self) {
        let ttys = self.tree.ttys.iter().enumerate();
        // The program's side is the one that controls.
        let of_session: HashMap<i32, usize> = ttys
            .filter(|(_, tty)| !tty.master)
            .map(|(i, tty)| (tty.session.0.cast_signed(), i))
            .collect();
        for task in self.tree.tasks.iter().filter(|t| t.tid == t.sid) {
            if let Some(live) = &task.live
                && let Some(process) = self.tree.processes.get_mut(live.process)
            {
                process.tty = of_session.get(&task.sid).copied();
            }
        }
    }
}

/// What an epoll file watches, by descriptor.
fn epoll_items(own: &Msg) -> Vec<EpollItem> {
    let item = |t: &Msg| EpollItem {
        fd: t.u32("tfd"),
        file: UNKNOWN,
        events: t.u32("events"),
        data: t.u64("data"),
    };
    own.subs("tfd").iter().map(item).collect()
}

/// Control characters of a terminal. CRIU copies the 19 characters as they lie in memory into an array of words: four
/// to a word.
pub(crate) fn control_characters(termios: &Msg) -> [u8; 19] {
    let cc = termios.numbers("c_cc");
    let packed = cc.iter().any(|&c| c > 0xff);
    let bytes = cc.iter().flat_map(|&c| {
        let word = u32::try_from(c).unwrap_or(0).to_le_bytes();
        word.into_iter().take(if packed { 4 } else { 1 })
    });
    let mut out = [0; 19];
    for (to, from) in out.iter_mut().zip(bytes) {
        *to = from;
    }
    out
}
