//! Open files, descriptors and directories, and what waits in pipes, sockets and terminals.

use std::collections::{BTreeMap, HashMap, HashSet};

use ckpt_parser::text::escape;

use super::{FRESH, Once, Writer, plain};
use crate::{
    Loss, Result,
    bytes::Blob,
    criu::{DELETED, Msg, fd_type, image::Entry},
    criu_defaults,
    from_criu::control_characters,
    kept,
    tree::{EpollItem, FileKind, Socket, Tty},
};

/// First inode number of a socket or pipe.
const FIRST_INODE: u64 = 10_000;
/// Path of the controlling side of a pseudo terminal.
const PTMX: &str = "/dev/ptmx";

impl Writer<'_> {
    pub(super) fn dirs(&mut self, pid: i32, index: usize) -> Result<()> {
        let Some(dirs) = self.tree.dirs.get(index).cloned() else {
            return Ok(());
        };
        let stem = format!("fs-{pid}");
        let mut m = self.message(&format!("{stem}.img"), "FS")?;
        let first = self.written.insert(Once::Dirs(index));
        if !first && !m.is_kept() {
            return Ok(());
        }
        let cwd = self.path(m.get("cwd_id"), &dirs.cwd, None)?;
        let root = self.path(m.get("root_id"), &dirs.root, None)?;
        m.set("cwd_id", cwd)
            .set("root_id", root)
            .set("umask", dirs.umask.into());
        self.image("FS", &stem, &[plain(m)])
    }

    pub(super) fn table(&mut self, pid: i32, index: usize) -> Result<()> {
        if !self.written.insert(Once::Table(index)) {
            return Ok(());
        }
        let kept = match &self.kept {
            Some(kept) => kept.descriptors(super::number(pid))?,
            None => Vec::new(),
        };
        let old: HashMap<u64, &Msg> = kept.iter().map(|m| (m.u64("id"), m)).collect();
        let (mut entries, mut numbers) = (Vec::new(), HashSet::new());
        for fd in self.tree.tables.get(index).into_iter().flatten() {
            let Some((id, kind)) = self.file(fd.file)? else {
                continue;
            };
            let old = old.get(&id).copied().cloned();
            let mut m = old.map_or_else(|| Msg::new("fdinfo_entry"), Ok)?;
            numbers.insert(u64::from(fd.fd));
            let flags = m.u64("flags") & !1 | u64::from(fd.cloexec);
            m.set("id", id)
                .set("flags", flags)
                .set("type", kind)
                .set("fd", fd.fd.into());
            entries.push(m);
        }
        for m in kept {
            if !numbers.contains(&m.u64("fd")) && self.is_homeless(m.u64("id")) {
                self.keep_file(m.u64("id"));
                entries.push(m);
            }
        }
        entries.sort_by_key(|m| m.u64("fd"));
        self.open.extend(entries.iter().map(|m| m.u64("fd")));
        let entries: Vec<_> = entries.into_iter().map(plain).collect();
        let number = self.shared_id("files_id", index, None);
        self.image("FDINFO", &format!("fdinfo-{number}"), &entries)
    }

    /// Whether the tree would not have a file of the kept set anyway.
    pub(super) fn is_homeless(&self, id: u64) -> bool {
        self.kept.as_ref().is_some_and(|kept| kept.is_homeless(id))
    }

    /// Writes a file of the kept set as it is, and those that it needs; the numbers of all that are new.
    pub(super) fn keep_file(&mut self, id: u64) -> Vec<u64> {
        let (mut todo, mut new) = (vec![id], Vec::new());
        while let Some(id) = todo.pop() {
            let Some(kept) = &self.kept else { break };
            if self.files.contains_key(&id) {
                continue;
            }
            if let Some(m) = kept.files.get(id) {
                todo.extend(kept.files.needs(id));
                self.files.insert(id, plain(m.clone()));
                new.push(id);
            }
        }
        new
    }

    /// Takes out of epoll files what they watch and nobody has open any more.
    pub(super) fn watch_open_files(&mut self) {
        for entry in self.files.values_mut() {
            let Some(mut own) = entry.message.sub("epfd") else {
                continue;
            };
            let all = own.subs("tfd").into_iter();
            let (open, closed): (Vec<_>, Vec<_>) =
                all.partition(|m| self.open.contains(&m.u64("tfd")));
            if closed.is_empty() {
                continue;
            }
            self.losses.extend(closed.iter().map(|m| {
                let why = "the descriptor that is watched is closed";
                Loss::new("criu.epoll-item", "EVENTPOLL_ITEM", "fd", m.u64("tfd"), why)
            }));
            own.set_subs("tfd", open);
            entry.message.set_sub("epfd", own);
        }
    }

    /// Keeps the files that wait in queues of sockets for somebody to take them, and what these need.
    pub(super) fn keep_in_flight(&mut self) -> Result<()> {
        let mut waiting: HashMap<u64, Vec<Entry>> = HashMap::new();
        for entry in self.kept_entries("sk-queues", "SK_QUEUES")? {
            let socket = entry.message.u64("id_for");
            waiting.entry(socket).or_default().push(entry);
        }
        let mut todo: Vec<u64> = self.files.keys().copied().collect();
        while let Some(socket) = todo.pop() {
            let here = waiting.remove(&socket).unwrap_or_default();
            let rights = here.iter().flat_map(|e| e.message.subs("scm"));
            for id in rights.flat_map(|scm| scm.numbers("rights")) {
                todo.extend(self.keep_file(id));
            }
        }
        Ok(())
    }

    /// Adds a file: under its own number, or a new one.
    fn add_file(&mut self, id: Option<u64>, kind: u64, field: &str, mut own: Msg) -> Result<u64> {
        let id = id.unwrap_or_else(|| {
            self.next_file += 1;
            self.next_file - 1
        });
        own.set("id", id);
        let kept = self.kept.as_ref().and_then(|kept| {
            let needed = kept.files.needs(id);
            Some((kept.files.get(id)?.clone().kept(), needed))
        });
        let (mut m, needed) = match kept {
            Some(kept) => kept,
            None => (Msg::new("file_entry")?, Vec::new()),
        };
        m.set("type", kind).set("id", id).set_sub(field, own);
        self.files.insert(id, plain(m));
        for id in needed {
            self.keep_file(id);
        }
        Ok(id)
    }

    /// A file with a path; `old` is its number in the kept set, if it was there. `state` are flags and position of one
    /// that the tree has as a file of its own.
    fn path(&mut self, old: Option<u64>, path: &[u8], state: Option<(u32, u64)>) -> Result<u64> {
        let kept = self.kept.as_ref().and_then(|kept| {
            let id = old.filter(|&id| kept.files.path(id).as_deref() == Some(path))?;
            Some((id, kept.file(id, "reg")?.kept()))
        });
        let (id, mut m) = match kept {
            Some((id, m)) => (Some(id), m),
            None => (None, Msg::new("reg_file_entry")?),
        };
        let (flags, pos) = state.unwrap_or((m.u32("flags"), m.u64("pos")));
        m.set("flags", flags.into()).set("pos", pos);
        if !m.is_kept() {
            m.set_sub("fown", owner()?).set_bytes("name", path);
            criu_defaults::fill(&mut m);
        }
        self.add_file(id, fd_type::REG, "reg", m)
    }

    /// The message of a file of the tree: the kept one, or a new one with its owner.
    fn own_message(&self, index: usize, field: &str, name: &str) -> Result<Msg> {
        let kept = self.kept.as_ref();
        if let Some(own) = kept.and_then(|kept| kept.own_file(index, field)) {
            return Ok(own.kept());
        }
        let mut m = Msg::new(name)?;
        if name != "fifo_entry" {
            m.set_sub("fown", owner()?);
        }
        Ok(m)
    }

    /// Number and kind of a file; `None` if CRIU has nothing like it.
    pub(super) fn file(&mut self, index: usize) -> Result<Option<(u64, u64)>> {
        let Some(file) = self.tree.files.get(index) else {
            return Ok(None);
        };
        let kind = kept::kind(self.tree, file);
        if let Some(&id) = self.file_ids.get(&index) {
            return Ok(Some((id, kind)));
        }
        let old = self.kept.as_ref().and_then(|kept| kept.id(index));
        let flags = u64::from(file.flags);
        let id = match &file.kind {
            FileKind::Path(path) if old.is_none() && path.ends_with(DELETED) => {
                self.losses.push(Loss::new(
                    "criu.deleted-file",
                    "FILE_NAME",
                    "path",
                    escape(path),
                    "no name leads to the file any more, so it cannot be opened again; it is closed",
                ));
                return Ok(None);
            }
            FileKind::Path(path) => self.path(old, path, Some((file.flags, file.pos)))?,
            FileKind::Pipe(pipe) => {
                let mut m = self.own_message(index, "pipe", "pipe_entry")?;
                let pipe = m.get("pipe_id").unwrap_or(self.inode(*pipe));
                m.set("pipe_id", pipe).set("flags", flags);
                self.add_file(old, kind, "pipe", m)?
            }
            FileKind::Fifo(path, pipe) => {
                let mut m = self.own_message(index, "fifo", "fifo_entry")?;
                let under = m.get("regf_id");
                let pos = under.and_then(|id| self.kept.as_ref()?.file(id, "reg"));
                let pos = pos.map_or(file.pos, |reg| reg.u64("pos"));
                let under = self.path(under, path, Some((file.flags, pos)))?;
                let pipe = m.get("pipe_id").unwrap_or(self.inode(*pipe));
                m.set("pipe_id", pipe).set("regf_id", under);
                self.add_file(old, kind, "fifo", m)?
            }
            FileKind::Socket(s) => match self.socket(index, *s, flags)? {
                Some((field, m)) => self.add_file(old, kind, field, m)?,
                None => return Ok(None),
            },
            FileKind::Tty(tty) => {
                let mut m = self.own_message(index, "tty", "tty_file_entry")?;
                let info = self.tty(*tty, m.get("tty_info_id"))?;
                m.set("tty_info_id", info).set("flags", flags);
                if !m.is_kept() {
                    let t = self.tree.ttys.get(*tty);
                    let path = t
                        .filter(|t| !t.master)
                        .map_or_else(|| PTMX.to_owned(), |t| format!("/dev/pts/{}", t.index));
                    let under = self.path(None, path.as_bytes(), Some((file.flags, 0)))?;
                    m.set("regf_id", under);
                }
                self.add_file(old, kind, "tty", m)?
            }
            FileKind::Epoll(items) => {
                let mut m = self.own_message(index, "epfd", "eventpoll_file_entry")?;
                let id = old.unwrap_or(self.next_file);
                let list = self.watched(&m, id, items)?;
                m.set("flags", flags).set_subs("tfd", list);
                self.add_file(old, kind, "epfd", m)?
            }
            FileKind::Eventfd(counter, _) => {
                let mut m = self.own_message(index, "efd", "eventfd_file_entry")?;
                m.set("flags", flags).set("counter", *counter);
                self.add_file(old, kind, "efd", m)?
            }
        };
        self.file_ids.insert(index, id);
        Ok(Some((id, kind)))
    }

    /// What an epoll file watches: in the order of the kept message, with what a tree has nothing like.
    fn watched(&self, own: &Msg, id: u64, items: &[EpollItem]) -> Result<Vec<Msg>> {
        let mut items: Vec<&EpollItem> = items.iter().collect();
        let mut list = Vec::new();
        for mut m in own.subs("tfd") {
            let same = |i: &&EpollItem| m.u32("tfd") == i.fd && m.u64("data") == i.data;
            let kept = self.kept.as_ref();
            if let Some(at) = items.iter().position(same) {
                m.set("events", items.remove(at).events.into());
                list.push(m);
            } else if kept.is_some_and(|kept| kept.is_watched_in_secret(m.u64("tfd"))) {
                list.push(m);
            }
        }
        for item in items {
            let mut m = Msg::new("eventpoll_tfd_entry")?;
            m.set("id", id)
                .set("tfd", item.fd.into())
                .set("events", item.events.into())
                .set("data", item.data);
            list.push(m);
        }
        Ok(list)
    }

    /// An inode number for something that has none yet.
    fn inode(&self, index: usize) -> u64 {
        let first = if self.kept.is_some() {
            FRESH
        } else {
            FIRST_INODE
        };
        first.saturating_add(index as u64)
    }

    /// The inode number of a socket of the tree: its own in the kept set, or a new one.
    fn socket_inode(&self, socket: usize) -> u64 {
        let file = self.socket_files.get(&socket);
        let kept = file.zip(self.kept.as_ref()).and_then(|(&file, kept)| {
            let own = kept
                .own_file(file, "usk")
                .or_else(|| kept.own_file(file, "isk"));
            own?.get("ino")
        });
        kept.unwrap_or_else(|| self.inode((1 << 20) + socket))
    }

    fn socket(
        &mut self,
        file: usize,
        index: usize,
        flags: u64,
    ) -> Result<Option<(&'static str, Msg)>> {
        let Some(socket) = self.tree.sockets.get(index) else {
            return Ok(None);
        };
        if socket.family == 1 {
            let mut m = self.own_message(file, "usk", "unix_sk_entry")?;
            let peer = socket.peer.map_or(0, |peer| self.socket_inode(peer));
            // A peer that no descriptor leads to is in the kept message alone.
            let known = socket.peer.is_some() && peer < FRESH && m.is_kept();
            let peer = if m.is_kept() && !known {
                m.u64("peer")
            } else {
                peer
            };
            m.set("ino", self.socket_inode(index)).set("peer", peer);
            unix(&mut m, socket, flags)?;
            return Ok(Some(("usk", m)));
        }
        let mut m = self.own_message(file, "isk", "inet_sk_entry")?;
        if !m.is_kept() && socket.kind == 1 && !matches!(socket.state, 7 | 10) {
            self.losses.push(Loss::new(
                "criu.tcp-connection",
                "SOCKET_INET",
                "tcp",
                format!("file {file}"),
                "sequence numbers of a connection cannot be put into CRIU's images",
            ));
            return Ok(None);
        }
        m.set("ino", self.socket_inode(index));
        inet(&mut m, socket, flags)?;
        Ok(Some(("isk", m)))
    }

    /// The number of a terminal: CRIU finds the two sides of a pseudo terminal by it, and counts other
    /// kinds from 1000 on.
    fn terminal_id(&mut self, index: usize) -> u64 {
        let tty = self.tree.ttys.get(index);
        let wanted = tty.map_or(0, |t| u64::from(t.index) << 1 | u64::from(t.master));
        let mut free = wanted;
        while let Some(&next) = self.behind_tty.get(&free) {
            free = next;
        }
        // Who asks for one of these again goes there at once.
        let mut at = wanted;
        while at != free {
            at = self.behind_tty.insert(at, free).unwrap_or(free);
        }
        free
    }

    fn tty(&mut self, index: usize, old: Option<u64>) -> Result<u64> {
        if let Some(&id) = self.ttys.get(&index) {
            return Ok(id);
        }
        let id = old.unwrap_or_else(|| self.terminal_id(index));
        self.ttys.insert(index, id);
        self.behind_tty.entry(id).or_insert(id.wrapping_add(2));
        let Some(tty) = self.tree.ttys.get(index) else {
            return Ok(id);
        };
        let mut m = self
            .kept_entry("tty-info.img", "TTY_INFO", "id", old)?
            .map_or_else(|| Msg::new("tty_info_entry"), |e| Ok(e.message))?;
        m.set("id", id);
        terminal(&mut m, tty)?;
        self.tty_infos.push(plain(m));
        let data = self.kept_entry("tty-data.img", "TTY_DATA", "tty_id", old)?;
        if data.is_some() || !tty.data.is_empty() {
            let mut m = data.map_or_else(|| Msg::new("tty_data_entry"), |e| Ok(e.message))?;
            m.set("tty_id", id).set_bytes("data", &tty.data);
            self.tty_data.push(plain(m));
        }
        Ok(id)
    }

    pub(super) fn terminals(&mut self) -> Result<()> {
        let needed = |file: &Entry| file.message.sub("tty")?.get("tty_info_id");
        let needed: HashSet<_> = self.files.values().map(needed).collect();
        for (kind, stem, mut entries) in [
            ("TTY_INFO", "tty-info", std::mem::take(&mut self.tty_infos)),
            ("TTY_DATA", "tty-data", std::mem::take(&mut self.tty_data)),
        ] {
            let number = |e: &Entry| e.message.get("id").or(e.message.get("tty_id"));
            entries.sort_by_key(number);
            let mut ours: HashMap<_, _> = entries.iter().map(|e| (number(e), e)).collect();
            let mut all = Vec::new();
            for old in self.kept_entries(stem, kind)? {
                match ours.remove(&number(&old)) {
                    Some(own) => all.push(own.clone()),
                    // Terminals of kinds that a tree does not know, whose files are there.
                    None if needed.contains(&number(&old)) => all.push(old),
                    None => {}
                }
            }
            let new = entries.iter().filter(|e| ours.contains_key(&number(e)));
            all.extend(new.cloned());
            self.image_if_any(kind, stem, &all)?;
        }
        Ok(())
    }

    /// Entries of a kept file.
    pub(super) fn kept_entries(&self, stem: &str, kind: &str) -> Result<Vec<Entry>> {
        match &self.kept {
            Some(kept) => kept.entries(&format!("{stem}.img"), kind),
            None => Ok(Vec::new()),
        }
    }

    /// The entry of a kept file whose field `key` is `id`.
    pub(super) fn kept_entry(
        &mut self,
        name: &'static str,
        kind: &str,
        key: &str,
        id: Option<u64>,
    ) -> Result<Option<Entry>> {
        let (Some(kept), Some(id)) = (&self.kept, id) else {
            return Ok(None);
        };
        if !self.indexed.contains_key(name) {
            let mut index = HashMap::new();
            for entry in kept.entries(name, kind)? {
                let message = entry.message.kept();
                index.insert(message.u64(key), Entry { message, ..entry });
            }
            self.indexed.insert(name, index);
        }
        let index = self.indexed.get(name);
        Ok(index.and_then(|index| index.get(&id)).cloned())
    }

    /// Writes an image; none where a kept set had none and there is nothing to say.
    pub(super) fn image_if_any(&mut self, kind: &str, stem: &str, entries: &[Entry]) -> Result<()> {
        let kept = self.kept.as_ref();
        let had = kept.is_some_and(|kept| kept.get(&format!("{stem}.img")).is_some());
        if entries.is_empty() && !had {
            return Ok(());
        }
        self.image(kind, stem, entries)
    }

    /// What waits in pipes, by the numbers that the written files have.
    pub(super) fn pipes(&mut self) -> Result<()> {
        for (kind, stem, named) in [
            ("PIPES_DATA", "pipes-data", false),
            ("FIFO_DATA", "fifo-data", true),
        ] {
            let mut entries = Vec::new();
            let mut old: HashMap<u64, Entry> = HashMap::new();
            let mut order = Vec::new();
            for entry in self.kept_entries(stem, kind)? {
                let id = entry.message.u64("pipe_id");
                order.push(id);
                old.insert(id, entry);
            }
            let data = self.pipe_data(named, &old);
            order.extend(data.keys().filter(|id| !old.contains_key(id)));
            for id in order {
                let Some(data) = data.get(&id) else {
                    continue;
                };
                let len = data.as_ref().map_or(0, Blob::len);
                let mut m = match old.remove(&id) {
                    Some(entry) => entry.message.kept(),
                    None if len == 0 && self.kept.is_some() => continue,
                    None => {
                        let mut m = Msg::new("pipe_data_entry")?;
                        m.set("size", criu_defaults::pipe_size(len));
                        m
                    }
                };
                m.set("pipe_id", id).set("bytes", len);
                entries.push(Entry {
                    message: m,
                    payload: data.clone(),
                });
            }
            self.image_if_any(kind, stem, &entries)?;
        }
        Ok(())
    }

    /// Number and contents of each pipe that a written file is an end of.
    fn pipe_data(&self, named: bool, old: &HashMap<u64, Entry>) -> BTreeMap<u64, Option<Blob>> {
        let mut out = BTreeMap::new();
        let field = if named { "fifo" } else { "pipe" };
        for (index, id) in &self.file_ids {
            let pipe = match self.tree.files.get(*index).map(|f| &f.kind) {
                Some(FileKind::Pipe(pipe)) if !named => *pipe,
                Some(FileKind::Fifo(_, pipe)) if named => *pipe,
                _ => continue,
            };
            let own = self.files.get(id).and_then(|e| e.message.sub(field));
            let number = own.map_or(0, |own| own.u64("pipe_id"));
            let pipe = self.tree.pipes.get(pipe);
            out.insert(number, pipe.and_then(|pipe| pipe.data.clone()));
        }
        // Ends that no descriptor of the tree leads to keep what they had.
        for file in self.files.values() {
            let own = file.message.sub(field).map(|own| own.u64("pipe_id"));
            if let Some(old) = own
                .filter(|id| !out.contains_key(id))
                .and_then(|id| old.get(&id))
            {
                out.insert(old.message.u64("pipe_id"), old.payload.clone());
            }
        }
        out
    }

    /// Packets that wait to be read. Those that the stream holds as well come back with all that they had.
    pub(super) fn sockets(&mut self) -> Result<()> {
        let mut old: HashMap<u64, Vec<Entry>> = HashMap::new();
        let mut order = Vec::new();
        for entry in self.kept_entries("sk-queues", "SK_QUEUES")? {
            let id = entry.message.u64("id_for");
            order.push(id);
            old.entry(id).or_default().push(entry);
        }
        let mut queues = HashMap::new();
        for (index, id) in &self.file_ids {
            if let Some(FileKind::Socket(s)) = self.tree.files.get(*index).map(|f| &f.kind)
                && let Some(socket) = self.tree.sockets.get(*s)
            {
                queues.insert(*id, socket.queue.clone());
            }
        }
        // Sockets that no descriptor of the tree leads to keep what they had.
        for (id, entries) in &old {
            if self.files.contains_key(id) {
                let packets = entries.iter().filter_map(|e| e.payload.clone());
                queues.entry(*id).or_insert_with(|| packets.collect());
            }
        }
        let mut new: Vec<u64> = queues.keys().copied().collect();
        new.sort_unstable();
        order.extend(new);
        let mut entries = Vec::new();
        for id in order {
            let Some(queue) = queues.remove(&id) else {
                continue;
            };
            let mut old = old.remove(&id).unwrap_or_default().into_iter();
            for packet in queue {
                let old = old.next().filter(|e| is_same(e.payload.as_ref(), &packet));
                let mut m = match old {
                    Some(entry) => entry.message.kept(),
                    None => Msg::new("sk_packet_entry")?,
                };
                m.set("id_for", id).set("length", packet.len());
                entries.push(Entry {
                    message: m,
                    payload: Some(packet),
                });
            }
        }
        self.image_if_any("SK_QUEUES", "sk-queues", &entries)
    }

    /// What stands for files whose names are gone, as far as these are written.
    pub(super) fn remaps(&mut self) -> Result<()> {
        let mut entries = self.kept_entries("remap-fpath", "REMAP_FPATH")?;
        entries.retain(|e| self.files.contains_key(&e.message.u64("orig_id")));
        self.image_if_any("REMAP_FPATH", "remap-fpath", &entries)
    }
}

/// Longest packet that is compared with a kept one, in bytes.
const MAX_PACKET: u64 = 1 << 20;

fn is_same(old: Option<&Blob>, new: &Blob) -> bool {
    old.is_some_and(|old| {
        old.len() == new.len() && old.read_all(MAX_PACKET).ok() == new.read_all(MAX_PACKET).ok()
    })
}

fn owner() -> Result<Msg> {
    let mut m = Msg::new("fown_entry")?;
    for field in ["uid", "euid", "signum", "pid_type", "pid"] {
        m.set(field, 0);
    }
    Ok(m)
}

/// A terminal; a kept one gets what differs.
fn terminal(m: &mut Msg, tty: &Tty) -> Result<()> {
    // Unix98 masters are device 5:2, slave n is 136:n.
    let rdev = if tty.master {
        5 << 8 | 2
    } else {
        u64::from(136 << 8 | tty.index)
    };
    let (sid, group) = tty.session;
    if m.is_kept() {
        // A stream does not say whose terminal it is, unless the session is in it.
        for (field, value) in [("sid", sid), ("pgrp", group)] {
            if value != 0 {
                m.set(field, value.into());
            }
        }
    } else {
        criu_defaults::fill(m);
        m.set("type", 1)
            .set("sid", sid.into())
            .set("pgrp", group.into())
            .set("rdev", rdev)
            .set("uid", 0)
            .set("gid", 0);
        let mut locked = Msg::new("termios_entry")?;
        for field in MODES {
            locked.set(field, 0);
        }
        locked.set("c_line", 0).set_numbers("c_cc", [0; 19]);
        m.set_sub("termios_locked", locked);
    }
    if !m.is_kept() || m.has("termios") {
        let mut termios = m.sub_or_new("termios", "termios_entry")?;
        for (field, value) in MODES.into_iter().zip(tty.modes) {
            termios.set(field, value.into());
        }
        termios.set("c_line", tty.line.into());
        if !termios.is_kept() || control_characters(&termios) != tty.cc {
            let word = |i: usize| {
                let bytes = tty.cc.iter().skip(4 * i).take(4).rev();
                bytes.fold(0_u64, |n, &b| n << 8 | u64::from(b))
            };
            termios.set_numbers("c_cc", (0..19).map(word));
        }
        m.set_sub("termios", termios);
    }
    if !m.is_kept() || m.has("winsize") {
        let mut size = m.sub_or_new("winsize", "winsize_entry")?;
        for (field, value) in ["ws_row", "ws_col", "ws_xpixel", "ws_ypixel"]
            .into_iter()
            .zip(tty.winsize)
        {
            size.set(field, value.into());
        }
        m.set_sub("winsize", size);
    }
    let mut pty = m.sub_or_new("pty", "tty_pty_entry")?;
    pty.set("index", tty.index.into());
    m.set_sub("pty", pty);
    Ok(())
}

/// Modes of a terminal, in the order of the tree.
const MODES: [&str; 6] = [
    "c_iflag", "c_oflag", "c_cflag", "c_lflag", "c_ispeed", "c_ospeed",
];

/// What sockets of all families have.
fn options(own: &mut Msg, s: &Socket) -> Result<()> {
    let mut m = own.sub_or_new("opts", "sk_opts_entry")?;
    if !m.is_kept() {
        criu_defaults::fill(&mut m);
        for field in ["so_passsec", "so_oobinline"] {
            m.set(field, 0);
        }
        m.set("so_rcvlowat", 1);
    }
    for (field, size) in [("so_sndbuf", s.buffers[0]), ("so_rcvbuf", s.buffers[1])] {
        // A stream holds half of it.
        if !m.is_kept() || m.u32(field) / 2 != size / 2 {
            m.set(field, size.into());
        }
    }
    if !m.is_kept() || (m.u64("reuseaddr") != 0) != s.reuse {
        m.set("reuseaddr", s.reuse.into());
    }
    own.set_sub("opts", m);
    Ok(())
}

fn unix(m: &mut Msg, s: &Socket, flags: u64) -> Result<()> {
    m.set("type", s.kind.into())
        .set("state", s.state.into())
        .set("flags", flags)
        .set("backlog", s.backlog.into())
        .set_bytes("name", s.addrs[0].get(2..).unwrap_or_default());
    options(m, s)?;
    if !m.is_kept() {
        m.set("uflags", 0).set("ns_id", 2);
        criu_defaults::fill(m);
    }
    if s.shutdown != 0 || m.has("shutdown") {
        m.set("shutdown", s.shutdown.into());
    }
    let relative = !matches!(s.addrs[0].get(2), None | Some(0 | b'/'));
    if !s.dir.is_empty() || (relative && m.has("name_dir")) {
        m.set_bytes("name_dir", &s.dir);
    }
    Ok(())
}

fn inet(m: &mut Msg, s: &Socket, flags: u64) -> Result<()> {
    let part = |side: usize, from: usize, to: usize| {
        s.addrs
            .get(side)
            .and_then(|a| a.get(from..to))
            .unwrap_or_default()
    };
    let port = |side| {
        part(side, 2, 4)
            .iter()
            .fold(0_u64, |n, &b| n << 8 | u64::from(b))
    };
    let addr = |side| {
        part(side, 4, 8)
            .iter()
            .rev()
            .fold(0_u64, |n, &b| n << 8 | u64::from(b))
    };
    m.set("family", 2)
        .set("type", s.kind.into())
        .set("proto", s.protocol.into())
        .set("state", s.state.into())
        .set("src_port", port(0))
        .set("dst_port", port(1))
        .set("flags", flags)
        .set("backlog", s.backlog.into());
    for (field, side) in [("src_addr", 0), ("dst_addr", 1)] {
        if m.numbers(field).first().copied().unwrap_or(0) != addr(side) || !m.is_kept() {
            m.set_numbers(field, [addr(side)]);
        }
    }
    options(m, s)?;
    if !m.is_kept() {
        m.set("ns_id", 2);
    }
    if s.shutdown != 0 || m.has("shutdown") {
        m.set("shutdown", s.shutdown.into());
    }
    Ok(())
}
