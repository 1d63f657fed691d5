//! Open files and terminals.

use super::{Deferred, Emitter, Thing};
use crate::bytes::push_uint;
use crate::stream::Fill;
use crate::tree::{File, FileKind, Tty};
use ckpt_format::{Object, Tag};

impl Emitter<'_> {
    pub(super) fn table(&mut self, index: usize, cred: i32) -> i32 {
        let (number, first) = self.announce(Object::FileTable, Thing::Table(index));
        let Some(fds) = self.tree.tables.get(index).filter(|_| first) else {
            return number;
        };
        self.out.record(Tag::FileTable, None, |r| {
            r.set("fdt_nfds", fds.len() as u64);
        });
        for fd in fds {
            let file = self.file(fd.file, cred);
            self.out.record(Tag::FileDesc, None, |r| {
                r.set_i32("fd_objref", file)
                    .set("fd_descriptor", fd.fd.into());
                r.set("fd_close_on_exec", fd.cloexec.into());
            });
        }
        let mut done = 0;
        while done < self.deferred.len() {
            match self.deferred.get(done) {
                Some(&Deferred::Epoll(file)) => self.epoll(file),
                Some(&Deferred::Socket(socket)) => self.queues(socket),
                None => break,
            }
            done += 1;
        }
        self.deferred.clear();
        number
    }

    pub(super) fn file(&mut self, index: usize, cred: i32) -> i32 {
        let (number, first) = self.announce(Object::File, Thing::File(index));
        let Some(file) = self.tree.files.get(index).filter(|_| first) else {
            return number;
        };
        match &file.kind {
            FileKind::Path(path) => {
                self.file_record(file, cred, 1, |_| {});
                self.path(path);
            }
            FileKind::Pipe(pipe) => self.pipe(file, cred, 2, None, *pipe),
            FileKind::Fifo(path, pipe) => self.pipe(file, cred, 3, Some(path), *pipe),
            FileKind::Socket(socket) => {
                let sock = self.socket(*socket);
                self.file_record(file, cred, 4, |r| {
                    r.set_i32("sock_objref", sock);
                });
            }
            FileKind::Tty(tty) => {
                let tty = self.tty(*tty, Some(number));
                self.file_record(file, cred, 5, |r| {
                    r.set_i32("tty_objref", tty);
                });
            }
            FileKind::Epoll(_) => {
                self.file_record(file, cred, 6, |_| {});
                self.deferred.push(Deferred::Epoll(index));
            }
            FileKind::Eventfd(count, flags) => self.file_record(file, cred, 7, |r| {
                r.set("count", *count).set("flags", (*flags).into());
            }),
        }
        number
    }

    fn file_record(&mut self, file: &File, cred: i32, kind: u32, more: impl FnOnce(&mut Fill)) {
        const SEEKABLE: u64 = 4 | 8 | 16;
        let access = match file.flags & 3 {
            0 => 1,
            1 => 2,
            _ => 3,
        };
        let mode = if kind == 1 { access | SEEKABLE } else { access };
        self.out.record(Tag::File, Some(kind), |r| {
            r.set("f_type", kind.into())
                .set("f_mode", mode)
                .set("f_flags", file.flags.into());
            r.set_i32("f_credref", cred).set("f_pos", file.pos);
            more(r);
        });
    }

    fn path(&mut self, path: &[u8]) {
        let mut bytes = path.to_vec();
        bytes.push(0);
        self.out.payload(Tag::FileName, &bytes);
    }

    fn pipe(&mut self, file: &File, cred: i32, kind: u32, path: Option<&[u8]>, pipe: usize) {
        let (inode, first) = self.number(Thing::Pipe(pipe));
        self.file_record(file, cred, kind, |r| {
            r.set_i32("pipe_objref", inode);
        });
        if let Some(path) = path {
            self.path(path);
        }
        if first {
            let data = self.tree.pipes.get(pipe).and_then(|p| p.data.as_ref());
            let bytes = data
                .and_then(|d| d.read_all(1 << 20).ok())
                .unwrap_or_default();
            self.out.payload(Tag::PipeBuf, &bytes);
        }
    }

    fn epoll(&mut self, index: usize) {
        let (number, _) = self.number(Thing::File(index));
        let Some(FileKind::Epoll(items)) = self.tree.files.get(index).map(|f| &f.kind) else {
            return;
        };
        let mut bytes = Vec::new();
        for item in items {
            let (file, _) = self.number(Thing::File(item.file));
            push_uint(&mut bytes, self.tree.order, item.data, 8);
            for word in [item.fd, file.cast_unsigned(), item.events, 0] {
                push_uint(&mut bytes, self.tree.order, word.into(), 4);
            }
        }
        self.out.record(Tag::EpollItems, None, |r| {
            r.set_i32("epfile_objref", number)
                .set("num_items", items.len() as u64);
        });
        if !items.is_empty() {
            self.out.payload(Tag::Buffer, &bytes);
        }
    }

    /// A terminal. Its controlling side comes first, with a number for the file that a restart must make for it.
    pub(super) fn tty(&mut self, index: usize, file: Option<i32>) -> i32 {
        let Some(tty) = self.tree.ttys.get(index) else {
            return 0;
        };
        let end = |master: bool| {
            self.tree
                .ttys
                .iter()
                .position(|t| t.index == tty.index && t.master == master)
        };
        let (master, slave) = (end(true), end(false));
        // Where the controlling side is not held by anybody, it is made up from the other.
        let thing = Thing::Tty(master.unwrap_or(self.tree.ttys.len() + index));
        let made_up = Tty {
            master: true,
            data: Vec::new(),
            ..tty.clone()
        };
        let controlling = master
            .and_then(|m| self.tree.ttys.get(m))
            .unwrap_or(&made_up);
        let link = self.one_tty(controlling, thing, 0, file.filter(|_| tty.master));
        let other = slave.and_then(|s| Some((s, self.tree.ttys.get(s)?)));
        let slave = other.map_or(0, |(s, tty)| self.one_tty(tty, Thing::Tty(s), link, None));
        if tty.master { link } else { slave }
    }

    fn one_tty(&mut self, tty: &Tty, thing: Thing, link: i32, file: Option<i32>) -> i32 {
        let (number, first) = self.announce(Object::Tty, thing);
        if !first {
            return number;
        }
        let reserved = if tty.master {
            file.unwrap_or_else(|| self.fresh())
        } else {
            0
        };
        self.out.record(Tag::Tty, None, |r| {
            r.set("driver_type", 4)
                .set("driver_subtype", if tty.master { 1 } else { 2 });
            r.set_i32("link_objref", link)
                .set_i32("file_objref", reserved)
                .set("index", tty.index.into());
            for (name, value) in ["iflag", "oflag", "cflag", "lflag", "ispeed", "ospeed"]
                .into_iter()
                .zip(tty.modes)
            {
                r.set(&format!("termios.c_{name}"), value.into());
            }
            r.set("termios.c_line", tty.line.into())
                .set_bytes("termios.c_cc", &tty.cc);
            for (name, value) in ["row", "col", "xpixel", "ypixel"]
                .into_iter()
                .zip(tty.winsize)
            {
                r.set(&format!("winsize.ws_{name}"), value.into());
            }
        });
        self.out.record(Tag::TtyLdisc, None, |r| {
            r.set("datalen", tty.data.len() as u64)
                .set("icanon", (tty.modes[3] >> 1 & 1).into());
        });
        if !tty.data.is_empty() {
            self.out.payload(Tag::Buffer, &tty.data);
        }
        number
    }

    pub(super) fn dirs(&mut self, index: usize) -> i32 {
        let (number, first) = self.announce(Object::Fs, Thing::Dirs(index));
        let Some(dirs) = self.tree.dirs.get(index).filter(|_| first) else {
            return number;
        };
        self.out.record(Tag::Fs, None, |r| {
            r.set("umask", dirs.umask.into());
        });
        self.path(&dirs.cwd);
        self.path(&dirs.root);
        number
    }
}
