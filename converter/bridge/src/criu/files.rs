//! The open files of a set: one list in `files.img`, or an image for each kind as older versions wrote.

use std::collections::{BTreeMap, HashMap};

use super::{Msg, Set, image};
use crate::{Error, Result};

/// Kinds of files (`fd_types`).
pub mod fd_type {
    #![allow(missing_docs, reason = "the names are those of CRIU")]
    pub const REG: u64 = 1;
    pub const PIPE: u64 = 2;
    pub const FIFO: u64 = 3;
    pub const INETSK: u64 = 4;
    pub const UNIXSK: u64 = 5;
    pub const EVENTFD: u64 = 6;
    pub const EVENTPOLL: u64 = 7;
    pub const PACKETSK: u64 = 10;
    pub const TTY: u64 = 11;
    pub const NETLINKSK: u64 = 13;

    /// Sockets of all families.
    pub const SOCKETS: [u64; 4] = [INETSK, UNIXSK, PACKETSK, NETLINKSK];
}

/// Images of files before they were merged into one, and the field of `file_entry` that holds the same message.
const OLD_FILES: [(&str, &str, u64, &str); 17] = [
    ("reg-files.img", "REG_FILES", fd_type::REG, "reg"),
    ("pipes.img", "PIPES", fd_type::PIPE, "pipe"),
    ("fifo.img", "FIFO", fd_type::FIFO, "fifo"),
    ("inetsk.img", "INETSK", fd_type::INETSK, "isk"),
    ("unixsk.img", "UNIXSK", fd_type::UNIXSK, "usk"),
    ("eventfd.img", "EVENTFD_FILE", fd_type::EVENTFD, "efd"),
    (
        "eventpoll.img",
        "EVENTPOLL_FILE",
        fd_type::EVENTPOLL,
        "epfd",
    ),
    ("tty.img", "TTY_FILES", fd_type::TTY, "tty"),
    ("inotify.img", "INOTIFY_FILE", 8, "ify"),
    ("signalfd.img", "SIGNALFD", 9, "sgfd"),
    ("packetsk.img", "PACKETSK", fd_type::PACKETSK, "psk"),
    ("fanotify.img", "FANOTIFY_FILE", 12, "ffy"),
    ("netlinksk.img", "NETLINK_SK", fd_type::NETLINKSK, "nlsk"),
    ("ns-files.img", "NS_FILES", 14, "nsf"),
    ("tunfile.img", "TUNFILE", 15, "tunf"),
    ("ext-files.img", "EXT_FILES", 16, "ext"),
    ("timerfd.img", "TIMERFD", 17, "tfd"),
];

/// What epoll files watch, before that stood with them.
const OLD_WATCHED: &str = "eventpoll-tfd.img";

/// Whether an image of this name holds files of one kind, which `files.img` holds since they were merged.
pub fn is_old(name: &str) -> bool {
    old_kind(name).is_some()
}

/// The kind of the image of this name that holds files of one kind.
pub fn old_kind(name: &str) -> Option<&'static str> {
    let old = OLD_FILES.iter().find(|(old, ..)| *old == name);
    let watched = (name == OLD_WATCHED).then_some("EVENTPOLL_TFD");
    old.map(|(_, kind, ..)| *kind).or(watched)
}

/// What stands for a file that its name no longer leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remap {
    /// Another name, that of this file.
    Linked(u64),
    /// Contents in an image of their own, or something else that only CRIU can make.
    Ghost(u64),
}

/// What the kernel puts behind the last name of a file that has none any more.
pub const DELETED: &[u8] = b" (deleted)";

/// Messages of files by number.
#[derive(Debug, Default)]
pub struct Files {
    entries: BTreeMap<u64, Msg>,
    /// Numbers in the order of the set.
    order: Vec<u64>,
    remaps: HashMap<u64, Remap>,
    /// Numbers of unix sockets by inode.
    inodes: HashMap<u64, u64>,
}

impl Files {
    /// Reads them from a set.
    pub fn load(set: &Set) -> Result<Self> {
        let mut files = Self::default();
        if let Some(file) = set.get("files.img") {
            for entry in image::read(file, "FILES")? {
                files.add(entry.message);
            }
        }
        for (name, kind, number, field) in OLD_FILES {
            let Some(file) = set.get(name) else {
                continue;
            };
            for entry in image::read(file, kind)? {
                let id = entry.message.u64("id");
                let mut m = Msg::new("file_entry")?;
                m.set("type", number)
                    .set("id", id)
                    .set_sub(field, entry.message);
                files.add(m);
            }
        }
        if let Some(file) = set.get(OLD_WATCHED) {
            let mut watched: BTreeMap<u64, Vec<Msg>> = BTreeMap::new();
            for entry in image::read(file, "EVENTPOLL_TFD")? {
                let of = watched.entry(entry.message.u64("id")).or_default();
                of.push(entry.message);
            }
            for (id, items) in watched {
                files.watch(id, items);
            }
        }
        if let Some(file) = set.get("remap-fpath.img") {
            for entry in image::read(file, "REMAP_FPATH")? {
                let m = entry.message;
                let stands_in = m.u64("remap_id");
                let remap = match m.get("remap_type") {
                    Some(0) => Remap::Linked(stands_in),
                    _ => Remap::Ghost(stands_in),
                };
                files.remaps.insert(m.u64("orig_id"), remap);
            }
        }
        Ok(files)
    }

    fn add(&mut self, m: Msg) {
        let id = m.u64("id");
        if let Some(socket) = m.sub("usk") {
            self.inodes.insert(socket.u64("ino"), id);
        }
        self.order.push(id);
        self.entries.insert(id, m);
    }

    /// Puts what an epoll file watches into its message.
    fn watch(&mut self, id: u64, items: Vec<Msg>) {
        let Some(file) = self.entries.get_mut(&id) else {
            return;
        };
        if let Some(mut own) = file.sub("epfd") {
            let mut all = own.subs("tfd");
            all.extend(items);
            own.set_subs("tfd", all);
            file.set_sub("epfd", own);
        }
    }

    /// The file with this number.
    pub fn get(&self, id: u64) -> Option<&Msg> {
        self.entries.get(&id)
    }

    /// All numbers in the order of the set.
    pub fn ids(&self) -> impl Iterator<Item = u64> + '_ {
        self.order.iter().copied()
    }

    /// The file with this number, which `asked` names.
    pub fn need(&self, id: u64, asked: &str) -> Result<&Msg> {
        self.get(id)
            .ok_or_else(|| Error::damaged(asked, 8, "file", id, "a number in files.img"))
    }

    /// What stands for a file whose name is gone.
    pub fn remap(&self, id: u64) -> Option<Remap> {
        self.remaps.get(&id).copied()
    }

    /// The unix socket with this inode number.
    pub fn unix(&self, inode: u64) -> Option<u64> {
        self.inodes.get(&inode).copied()
    }

    /// Path of a file that has one: the name that leads to it where its own no longer does, and what the kernel shows
    /// where none does.
    pub fn path(&self, id: u64) -> Option<Vec<u8>> {
        let name = |id: u64| Some(self.get(id)?.sub("reg")?.bytes("name"));
        match self.remap(id) {
            Some(Remap::Linked(link)) => name(link),
            Some(Remap::Ghost(_)) => Some([&name(id)?, DELETED].concat()),
            None => name(id),
        }
    }

    /// Numbers of other files that a file is made of.
    pub fn needs(&self, id: u64) -> Vec<u64> {
        let Some(m) = self.get(id) else {
            return Vec::new();
        };
        let under = |field: &str| m.sub(field).and_then(|own| own.get("regf_id"));
        let peer = m.sub("usk").and_then(|own| self.unix(own.u64("peer")));
        let link = match self.remap(id) {
            Some(Remap::Linked(link)) => Some(link),
            _ => None,
        };
        [under("fifo"), under("tty"), peer, link]
            .into_iter()
            .flatten()
            .collect()
    }
}
