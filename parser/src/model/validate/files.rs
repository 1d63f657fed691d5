//! Descriptors, open files, what they lead to, and files of foreign images.

use super::Check;
use crate::diagnostic::Code;
use crate::model::{File, FileKind, ObjRef, Object, Socket};
use crate::text::{self, escape};
use std::collections::HashSet;

impl Check<'_> {
    pub(super) fn descriptors(&mut self) {
        for (at, table) in &self.image.file_tables {
            for fd in &table.fds {
                let path = || format!("file_table[{at}].fd[{}]", fd.fd);
                let mut on = self.on(fd.record, "FILE_DESC", path);
                if fd.file <= 0 {
                    let found = fd.file.to_string();
                    on.wrong(Code::DanglingReference, "", found, "a FILE object");
                }
                on.refers("", fd.file, Object::File);
            }
        }
    }

    pub(super) fn files(&mut self) {
        for (at, file) in self.image.files.iter() {
            self.file(at, &file);
        }
    }

    fn file(&mut self, at: ObjRef, file: &File) {
        let image = self.image;
        let mut on = self.on(file.record, "FILE", || format!("file[{at}]"));
        on.refers("f_credref", file.cred, Object::Cred);
        on.refers("f_secref", file.label, Object::Security);
        match file.kind {
            FileKind::Socket(sock) => on.refers("sock_objref", sock, Object::Sock),
            FileKind::Tty(tty) => on.refers("tty_objref", tty, Object::Tty),
            FileKind::Pipe(inode) | FileKind::Fifo(inode) if inode <= 0 => {
                let (found, expected) = (inode.to_string(), "an INODE number");
                on.wrong(Code::DanglingReference, "pipe_objref", found, expected);
            }
            FileKind::Pipe(inode) | FileKind::Fifo(inode) => {
                on.refers("pipe_objref", inode, Object::Inode);
            }
            FileKind::Epoll if !image.epolls.contains_key(&at) => {
                on.wrong(
                    Code::Incomplete,
                    "",
                    "nothing says what it watches",
                    "an EPOLL_ITEMS record",
                );
            }
            FileKind::Other(number) => {
                on.wrong(Code::BadEnum, "f_type", number.to_string(), "1 to 7");
            }
            _ => {}
        }
        if file.flags & 0o1700 != 0 {
            let expected = "no O_CREAT, O_EXCL, O_NOCTTY, O_TRUNC";
            let found = format!("{:#x}", file.flags);
            on.wrong(Code::BadFileFlags, "f_flags", found, expected);
        }
    }

    pub(super) fn polled(&mut self) {
        for (at, epoll) in &self.image.epolls {
            self.on(epoll.record, "EPOLL_ITEMS", String::new).refers(
                "epfile_objref",
                *at,
                Object::File,
            );
            for item in &epoll.items {
                let path = || format!("epoll[{at}].fd[{}]", item.fd);
                self.on(epoll.record, "EPOLL_ITEMS", path)
                    .refers("", item.file, Object::File);
            }
        }
    }

    pub(super) fn terminals(&mut self) {
        for (at, tty) in &self.image.terminals {
            self.on(tty.record, "TTY", || format!("tty[{at}]")).refers(
                "link_objref",
                tty.link,
                Object::Tty,
            );
        }
    }

    pub(super) fn sockets(&mut self) {
        for (at, socket) in &self.image.sockets {
            self.on(socket.record, "SOCKET_UNIX", || format!("socket[{at}]"))
                .refers("peer", socket.peer, Object::Sock);
            self.socket(*at, socket);
        }
    }

    fn socket(&mut self, at: ObjRef, socket: &Socket) {
        let (shutdown, state) = (socket.shutdown.to_string(), socket.state.to_string());
        let mut on = self.on(socket.record, "SOCKET", || format!("socket[{at}]"));
        if socket.shutdown > 3 {
            on.wrong(Code::BadSocket, "sock.shutdown", shutdown, "0 to 3");
        }
        if socket.state == 0 || socket.state > 11 {
            on.wrong(Code::BadSocket, "sock.state", state.as_str(), "1 to 11");
        }
        let queues = socket.queues.len();
        if !matches!(queues, 0 | 2) {
            on.wrong(
                Code::Incomplete,
                "",
                text::count(queues, "queue"),
                "the receive and the send queue",
            );
        }
        if socket.socket_state == 3 && socket.state != 1 {
            let expected = "1 (ESTABLISHED) of a connected socket";
            on.wrong(Code::BadSocket, "sock.state", state, expected);
        }
    }

    /// §10.6: files of foreign images have the length that they say, and a name that is one.
    pub(super) fn foreign(&mut self) {
        let mut names = HashSet::new();
        for (i, file) in self.image.foreign.iter().enumerate() {
            let mut on = self.on(file.record, "FOREIGN", || format!("foreign[{i}]"));
            let parts = file.parts.iter().map(|part| part.len);
            let len = parts.fold(0, u64::saturating_add);
            if len != file.size {
                let (found, expected) = (file.size.to_string(), len.to_string());
                on.wrong(Code::BadExtension, "size", found, expected);
            }
            if file.format != 1 {
                on.wrong(Code::BadExtension, "format", file.format.to_string(), "1");
            }
            if file.name.is_empty() {
                on.wrong(Code::BadExtension, "name", "no name", "a file name");
            } else if !file.has_plain_name() {
                let expected = "a file name without a directory";
                on.wrong(Code::BadExtension, "name", escape(&file.name), expected);
            } else if !names.insert(&file.name) {
                let expected = "a name of its own";
                on.wrong(Code::BadExtension, "name", escape(&file.name), expected);
            }
        }
    }
}
