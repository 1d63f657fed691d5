//! Files, descriptors, directories, terminals (§3.9, §3.10).

use super::*;

ids! {
    file {
        TYPE = FILE "f_type"; MODE = FILE "f_mode"; FLAGS = FILE "f_flags"; CRED = FILE "f_credref"; POS = FILE "f_pos"; LABEL = FILE "f_secref";
        PIPE = FILE "pipe_objref"; SOCK = FILE "sock_objref"; TTY = FILE "tty_objref"; COUNT = FILE "count"; EVENT_FLAGS = FILE "flags";
        FD_FILE = FILE_DESC "fd_objref"; FD = FILE_DESC "fd_descriptor"; CLOEXEC = FILE_DESC "fd_close_on_exec";
        EPFILE = EPOLL_ITEMS "epfile_objref"; UMASK = FS "umask";
        SUBTYPE = TTY "driver_subtype"; INDEX = TTY "index"; LINK = TTY "link_objref"; ROWS = TTY "winsize.ws_row"; COLS = TTY "winsize.ws_col";
        IFLAG = TTY "termios.c_iflag"; OFLAG = TTY "termios.c_oflag"; CFLAG = TTY "termios.c_cflag"; LFLAG = TTY "termios.c_lflag";
    }
}

impl Builder {
    pub(super) fn descriptor(
        &mut self,
        limits: &crate::limits::Limits,
        event: &Event,
        view: &View,
    ) {
        let at = object_of(event);
        let Some(table) = self.image.file_tables.get_mut(&at) else {
            return;
        };
        if table.fds.len() >= limits.descriptors as usize {
            let found = format!("more than {} descriptors", limits.descriptors);
            return self.finding(Code::TooMany, event, found);
        }
        table.fds.push(Fd {
            record: record(event),
            fd: objref(view, file::FD),
            file: objref(view, file::FD_FILE),
            close_on_exec: get(view, file::CLOEXEC) != 0,
        });
    }

    pub(super) fn file(&mut self, event: &Event, view: &View) {
        let number = get32(view, file::TYPE);
        let object = match number {
            4 => objref(view, file::SOCK),
            5 => objref(view, file::TTY),
            _ => objref(view, file::PIPE),
        };
        let (count, flags) = (get(view, file::COUNT), get32(view, file::EVENT_FLAGS));
        let kind = FileKind::from_number(number, object, count, flags);
        if let FileKind::Pipe(inode) | FileKind::Fifo(inode) = kind {
            self.implicit(event, inode, Object::Inode);
            self.image.pipes.entry(inode).or_insert(Pipe {
                record: record(event),
                data: Extent::default(),
            });
        }
        let open = File {
            record: record(event),
            kind,
            mode: get32(view, file::MODE),
            flags: get32(view, file::FLAGS),
            pos: get(view, file::POS),
            cred: objref(view, file::CRED),
            label: objref(view, file::LABEL),
            path: None,
        };
        self.image.files.insert(object_of(event), open);
    }

    pub(super) fn pipe(&mut self, event: &Event) {
        let at = object_of(event);
        if let Some(FileKind::Pipe(inode) | FileKind::Fifo(inode)) =
            self.image.files.get(at).map(|file| file.kind)
        {
            self.image.pipes.insert(
                inode,
                Pipe {
                    record: record(event),
                    data: body(event),
                },
            );
        }
    }

    pub(super) fn fs(&mut self, event: &Event, view: &View) {
        let fs = Fs {
            record: record(event),
            umask: view.u32(file::UMASK),
            ..Fs::default()
        };
        self.image.fs.insert(object_of(event), fs);
    }

    pub(super) fn terminal(&mut self, event: &Event, tag: Tag, view: &View) {
        let at = object_of(event);
        if tag == Tag::TtyLdisc {
            if let Some(terminal) = self.image.terminals.get_mut(&at) {
                terminal.hung_up = false;
            }
            return;
        }
        let small = |id| u16::try_from(get(view, id)).unwrap_or(0);
        let modes = [file::IFLAG, file::OFLAG, file::CFLAG, file::LFLAG].map(|id| get32(view, id));
        let terminal = Terminal {
            record: record(event),
            subtype: small(file::SUBTYPE),
            index: get32(view, file::INDEX),
            link: objref(view, file::LINK),
            size: (small(file::ROWS), small(file::COLS)),
            modes,
            input: None,
            hung_up: true,
        };
        self.image.terminals.insert(at, terminal);
    }

    pub(super) fn epoll_file(&mut self, event: &Event, view: &View) {
        self.epoll = objref(view, file::EPFILE);
        let epoll = Epoll {
            record: record(event),
            items: Vec::new(),
        };
        if self.image.epolls.insert(self.epoll, epoll).is_some() {
            let found = format!("a second list of what file {} watches", self.epoll);
            self.finding(Code::Unexpected, event, found);
        }
    }

    pub(super) fn epoll_items(&mut self, bytes: &[u8], dialect: ckpt_format::Dialect) {
        const DATA: FieldId = table::EVENTPOLL_ITEM.id("data");
        const FD: FieldId = table::EVENTPOLL_ITEM.id("fd");
        const FILE: FieldId = table::EVENTPOLL_ITEM.id("file_objref");
        const EVENTS: FieldId = table::EVENTPOLL_ITEM.id("events");
        let Some(layout) = Layout::of(&table::EVENTPOLL_ITEM, dialect) else {
            return;
        };
        let item = |bytes| {
            let view = View {
                layout: &layout,
                bytes,
                dialect,
            };
            EpollItem {
                fd: get32(&view, FD),
                file: objref(&view, FILE),
                events: get32(&view, EVENTS),
                data: get(&view, DATA),
            }
        };
        let items = bytes.chunks_exact(layout.size.max(1) as usize).map(item);
        if let Some(epoll) = self.image.epolls.get_mut(&self.epoll) {
            epoll.items = items.collect();
        }
    }
}
