//! Descriptor tables and the files in them, except sockets.

use crate::dialect::{obj, rec};
use crate::stream::{Stream, Struct, len32};
use crate::task::Cred;

/// Open flags that have the same value everywhere, and O_LARGEFILE of ARM.
pub(crate) mod open {
    pub(crate) const READ: u32 = 0;
    pub(crate) const WRITE: u32 = 1;
    pub(crate) const READ_WRITE: u32 = 2;
    pub(crate) const NONBLOCK: u32 = 0o4000;
    pub(crate) const APPEND: u32 = 0o2000;
    pub(crate) const LARGE: u32 = 0x20000;
}

/// The members every FILE record has.
#[derive(Clone, Copy)]
pub(crate) struct File {
    pub(crate) mode: u32,
    pub(crate) flags: u32,
    pub(crate) pos: u64,
    pub(crate) label: Option<&'static str>,
}

impl File {
    /// A file opened with these flags; the mode follows from them.
    pub(crate) const fn new(flags: u32) -> Self {
        let mode = match flags & 3 {
            open::READ => 0x1d,
            open::WRITE => 0x1e,
            _ => 0x1f,
        };
        Self {
            mode,
            flags,
            pos: 0,
            label: None,
        }
    }

    /// Pipes, sockets and the like cannot seek.
    pub(crate) const fn stream(self) -> Self {
        Self {
            mode: self.mode & 3,
            ..self
        }
    }

    /// The executable of a process.
    pub(crate) const fn exec() -> Self {
        Self {
            mode: 0x1d,
            flags: open::LARGE | 0x20,
            pos: 0,
            label: None,
        }
    }

    pub(crate) const fn at(self, pos: u64) -> Self {
        Self { pos, ..self }
    }

    pub(crate) const fn labelled(self, label: &'static str) -> Self {
        Self {
            label: Some(label),
            ..self
        }
    }
}

/// Values of f_type.
pub(crate) mod kind {
    pub(crate) const GENERIC: u32 = 1;
    pub(crate) const PIPE: u32 = 2;
    pub(crate) const FIFO: u32 = 3;
    pub(crate) const SOCKET: u32 = 4;
    pub(crate) const TTY: u32 = 5;
    pub(crate) const EPOLL: u32 = 6;
    pub(crate) const EVENTFD: u32 = 7;
}

impl Stream {
    /// A FILE_TABLE object: its descriptors, then the work they deferred.
    pub(crate) fn file_table(&mut self, descriptors: impl FnOnce(&mut Self)) -> i32 {
        self.object(obj::FILE_TABLE, |s, _| {
            let at = s.out.len();
            s.file_table_record(0);
            descriptors(s);
            let count = len32(s.open.len());
            s.patch_u32(at + 8, count);
            while let Some(work) = s.deferred.pop_front() {
                work(s);
            }
        })
    }

    /// FILE_TABLE; `count` descriptors must follow.
    pub(crate) fn file_table_record(&mut self, count: u32) {
        self.open.clear();
        self.rec(rec::FILE_TABLE, |r| {
            r.u32(count);
        });
    }

    /// FILE_DESC.
    pub(crate) fn descriptor(&mut self, number: i32, file: i32, close_on_exec: bool) {
        self.open.push((number, file));
        self.rec(rec::FILE_DESC, |r| {
            r.i32(file).i32(number).u32(u32::from(close_on_exec));
        });
    }

    /// A regular file or a device.
    pub(crate) fn file(&mut self, path: &[u8], file: File) -> i32 {
        self.object(obj::FILE, |s, _| {
            s.file_record(kind::GENERIC, file, |_| ());
            s.c_string(rec::FILE_NAME, path);
        })
    }

    /// A file that somebody else opened: those credentials stand before it.
    pub(crate) fn file_opened_by(&mut self, opener: &Cred, path: &[u8], file: File) -> i32 {
        let own = self.cred;
        let id = self.object(obj::FILE, |s, _| {
            s.credentials(opener);
            s.file_record(kind::GENERIC, file, |_| ());
            s.c_string(rec::FILE_NAME, path);
        });
        self.cred = own;
        id
    }

    /// A new file on a descriptor of its own.
    pub(crate) fn open_file(&mut self, number: i32, path: &[u8], file: File) -> i32 {
        let id = self.file(path, file);
        self.descriptor(number, id, false);
        id
    }

    /// FILE with its label before it; `own` adds the members of the file's type.
    pub(crate) fn file_record(&mut self, kind: u32, f: File, own: impl FnOnce(&mut Struct)) {
        let label = self.label(3, f.label);
        let (rev, cred) = (self.d.rev, self.cred);
        self.rec(rec::FILE, |r| {
            r.u32s(&[kind, f.mode, f.flags]).i32(cred).u64(f.pos).u64(0);
            if rev >= 3 {
                r.i32(label);
            }
            own(r.align(8));
        });
    }

    /// The end of a pipe that is met first: returns the file and the pipe.
    pub(crate) fn pipe(&mut self, flags: u32, contents: &[u8]) -> (i32, i32) {
        let mut pipe = 0;
        let file = self.object(obj::FILE, |s, _| {
            pipe = s.take_ref();
            s.file_record(kind::PIPE, File::new(flags).stream(), |r| {
                r.i32(pipe);
            });
            s.payload(rec::PIPE_BUF, contents);
        });
        (file, pipe)
    }

    /// The other end of a pipe.
    pub(crate) fn pipe_again(&mut self, pipe: i32, flags: u32) -> i32 {
        self.object(obj::FILE, |s, _| {
            s.file_record(kind::PIPE, File::new(flags).stream(), |r| {
                r.i32(pipe);
            });
        })
    }

    /// A fifo, opened for both directions.
    pub(crate) fn fifo(&mut self, path: &[u8], contents: &[u8]) -> i32 {
        self.object(obj::FILE, |s, _| {
            let inode = s.take_ref();
            s.file_record(kind::FIFO, File::new(open::READ_WRITE).stream(), |r| {
                r.i32(inode);
            });
            s.c_string(rec::FILE_NAME, path);
            s.payload(rec::PIPE_BUF, contents);
        })
    }

    /// An epoll file and its items: (descriptor, events, data). The items are written after
    /// the table, so they may name descriptors that come later.
    pub(crate) fn epoll(&mut self, items: &'static [(i32, u32, u64)]) -> i32 {
        self.object(obj::FILE, |s, id| {
            s.file_record(kind::EPOLL, File::new(open::READ_WRITE).stream(), |_| ());
            s.deferred
                .push_back(Box::new(move |s| s.epoll_items(id, items)));
        })
    }

    fn epoll_items(&mut self, epoll: i32, items: &[(i32, u32, u64)]) {
        self.rec(rec::EPOLL_ITEMS, |r| {
            r.i32(epoll).u32(len32(items.len()));
        });
        if items.is_empty() {
            return;
        }
        let open = self.open.clone();
        self.buffer(|b| {
            for &(number, events, data) in items {
                let file = open
                    .iter()
                    .find(|entry| entry.0 == number)
                    .map_or(0, |entry| entry.1);
                b.u64(data).i32(number).i32(file).u32(events).align(8);
            }
        });
    }

    pub(crate) fn eventfd(&mut self, count: u64, flags: u32) -> i32 {
        self.object(obj::FILE, |s, _| {
            s.file_record(kind::EVENTFD, File::new(open::READ_WRITE).stream(), |r| {
                r.u64(count).u32(flags);
            });
        })
    }
}
