//! Files of a CRIU set that go along with a tree, so that what the tree has no place for comes back when the tree is
//! written as a set again.
//!
//! The tree rules: a writer takes a kept message, and sets every field that the tree holds.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use crate::{
    Result,
    bytes::Blob,
    criu::{
        Files, Mapping, Msg, Set, fd_type,
        image::{self, Entry},
        pagemap::{self, PARENT, Pagemap},
    },
    criu_memory::Memory,
    tree::{self, FileKind, Tree, VmaKind},
};

/// What of a set goes along: all of it, but for contents of memory that the tree names.
pub(crate) fn files(set: &Set, memory: &Memory) -> Result<Vec<Blob>> {
    let mut kept = Vec::new();
    for file in set.members() {
        if memory.has_read(&file.name) {
            kept.push(Blob::new(&file.name, Arc::new(pagemap::head_alone(file)?)));
        } else if file.name.starts_with("pagemap-") {
            kept.extend(other_pages(set, file)?);
        } else if !file.name.starts_with("pages-") {
            kept.push(file.clone());
        }
    }
    Ok(kept)
}

/// A page map of memory that the tree does not name, and its pages. The set that is written has no parent and packs no
/// pages, so these do not stay as they are if they go by that.
fn other_pages(set: &Set, file: &Blob) -> Result<Vec<Blob>> {
    let map = Pagemap::open(file)?;
    let pages = set.get(&format!("pages-{}.img", map.pages_id)).cloned();
    for run in map {
        let run = run?;
        if run.flags & PARENT != 0 || run.blocks.is_some() {
            return Ok(Memory::flat(set, file)?.into());
        }
    }
    Ok([file.clone()].into_iter().chain(pages).collect())
}

/// `tty_info_entry.type` of pseudo terminals.
pub(crate) const TTY_PTY: u64 = 1;
/// `AF_INET`, the internet of the time.
const INTERNET: u64 = 2;

/// The kept files, and what of them belongs to what of a tree.
pub(crate) struct Kept {
    set: Set,
    /// Messages of open files.
    pub(crate) files: Files,
    pstree: HashMap<u64, Msg>,
    /// Numbers of what is known of pseudo terminals.
    ptys: HashSet<u64>,
    /// Descriptor tables are named after their number, not after a process.
    per_id: bool,
    /// Numbers of files, by index in the tree.
    ids: HashMap<usize, u64>,
    taken: HashSet<u64>,
    /// Descriptors of files that a tree has nothing like.
    homeless: HashSet<u64>,
}

impl Kept {
    /// Finds what belongs together: tasks by pid, descriptors by number, mappings by address.
    pub(crate) fn of(tree: &Tree) -> Result<Option<Self>> {
        if tree.foreign.is_empty() {
            return Ok(None);
        }
        let set = Set::of("kept files", tree.foreign.iter().cloned());
        let mut pstree = HashMap::new();
        if let Some(file) = set.get("pstree.img") {
            for entry in image::read(file, "PSTREE")? {
                pstree.insert(entry.message.u64("pid"), entry.message);
            }
        }
        let mut kept = Self {
            files: Files::load(&set)?,
            per_id: false,
            set,
            pstree,
            ptys: HashSet::new(),
            ids: HashMap::new(),
            taken: HashSet::new(),
            homeless: HashSet::new(),
        };
        kept.per_id = kept
            .message("inventory.img", "INVENTORY")?
            .is_some_and(|m| m.flag("fdinfo_per_id"));
        let infos = kept.entries("tty-info.img", "TTY_INFO")?.into_iter();
        let ptys = infos.filter(|info| info.message.u64("type") == TTY_PTY);
        kept.ptys = ptys.map(|info| info.message.u64("id")).collect();
        for task in tree.tasks.iter().filter(|task| task.tid == task.tgid) {
            if let Some(live) = &task.live {
                kept.find_files(tree, u64::from(task.tid.cast_unsigned()), live)?;
            }
        }
        Ok(Some(kept))
    }

    /// The file of this name.
    pub(crate) fn get(&self, name: &str) -> Option<&Blob> {
        self.set.get(name)
    }

    /// All files.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Blob> {
        self.set.members()
    }

    /// The entries of a file; none if it is not there.
    pub(crate) fn entries(&self, name: &str, kind: &str) -> Result<Vec<Entry>> {
        match self.set.get(name) {
            Some(file) => image::read(file, kind),
            None => Ok(Vec::new()),
        }
    }

    /// The message of a file that has one.
    pub(crate) fn message(&self, name: &str, kind: &str) -> Result<Option<Msg>> {
        let entry = self.entries(name, kind)?.into_iter().next();
        Ok(entry.map(|entry| entry.message.kept()))
    }

    /// The entry of a process.
    pub(crate) fn process(&self, pid: u64) -> Option<Msg> {
        self.pstree.get(&pid).cloned().map(Msg::kept)
    }

    /// Numbers of what a process shares with others.
    pub(crate) fn shared(&self, pid: u64) -> Result<Option<Msg>> {
        let own = self.message(&format!("ids-{pid}.img"), "IDS")?;
        let old = || -> Result<Option<Msg>> {
            let core = self.message(&format!("core-{pid}.img"), "CORE")?;
            Ok(core.and_then(|core| core.sub("ids")))
        };
        own.map_or_else(old, |own| Ok(Some(own)))
    }

    /// Descriptors of a process.
    pub(crate) fn descriptors(&self, pid: u64) -> Result<Vec<Msg>> {
        let number = match self.shared(pid)? {
            Some(ids) if self.per_id => ids.u64("files_id"),
            _ => pid,
        };
        let entries = self.entries(&format!("fdinfo-{number}.img"), "FDINFO")?;
        Ok(entries.into_iter().map(|e| e.message.kept()).collect())
    }

    /// Mappings of a process by address, and the rest of its address space.
    pub(crate) fn space(&self, pid: u64) -> Result<Option<Msg>> {
        self.message(&format!("mm-{pid}.img"), "MM")
    }

    /// The number of a file of the tree.
    pub(crate) fn id(&self, file: usize) -> Option<u64> {
        self.ids.get(&file).copied()
    }

    /// The message of a file by its number, without the wrapping.
    pub(crate) fn file(&self, id: u64, field: &str) -> Option<Msg> {
        self.files.get(id)?.sub(field)
    }

    /// The message of a file of the tree.
    pub(crate) fn own_file(&self, file: usize, field: &str) -> Option<Msg> {
        self.file(self.id(file)?, field)
    }

    /// Whether a tree has nothing like a file, so that its absence says nothing: the kind is not known, or has members
    /// that a tree does not have.
    pub(crate) fn is_homeless(&self, id: u64) -> bool {
        let Some(m) = self.files.get(id) else {
            return false;
        };
        match m.u64("type") {
            fd_type::INETSK => m.sub("isk").is_none_or(|m| m.u64("family") != INTERNET),
            fd_type::TTY => m
                .sub("tty")
                .is_none_or(|m| !self.ptys.contains(&m.u64("tty_info_id"))),
            fd_type::REG
            | fd_type::PIPE
            | fd_type::FIFO
            | fd_type::UNIXSK
            | fd_type::EVENTFD
            | fd_type::EVENTPOLL => false,
            _ => true,
        }
    }

    /// Whether a tree cannot say that an epoll file watches this descriptor.
    pub(crate) fn is_watched_in_secret(&self, fd: u64) -> bool {
        self.homeless.contains(&fd)
    }

    fn find_files(&mut self, tree: &Tree, pid: u64, live: &tree::Live) -> Result<()> {
        let there = self.descriptors(pid)?;
        let homeless = there.iter().filter(|m| self.is_homeless(m.u64("id")));
        let homeless: Vec<u64> = homeless.map(|m| m.u64("fd")).collect();
        self.homeless.extend(homeless);
        let here = tree.tables.get(live.table).map_or(&[][..], Vec::as_slice);
        let by_number: HashMap<u32, u64> =
            there.iter().map(|m| (m.u32("fd"), m.u64("id"))).collect();
        for fd in here {
            if let Some(&id) = by_number.get(&fd.fd) {
                self.belong(tree, fd.file, id);
            }
        }
        self.find_moved(tree, here, by_number.into_values());
        let (Some(mut space), Some(mm)) = (self.space(pid)?, tree.mms.get(live.mm)) else {
            return Ok(());
        };
        if let Some(exe) = mm.exe {
            self.belong(tree, exe, space.u64("exe_file_id"));
        }
        for m in Mapping::take(&mut space, &format!("mm-{pid}.img")) {
            let m = m?;
            let at = mm.vmas.partition_point(|v| v.start < m.start);
            if let Some(VmaKind::File(file)) = mm.vmas.get(at).map(|v| v.kind) {
                self.belong(tree, file, m.shmid);
            }
        }
        Ok(())
    }

    /// Descriptors that have moved to another number: the first file of the same kind and path that is left.
    fn find_moved(&mut self, tree: &Tree, here: &[tree::Fd], there: impl Iterator<Item = u64>) {
        let mut left: Vec<u64> = there.filter(|id| !self.taken.contains(id)).collect();
        left.sort_unstable_by(|a, b| b.cmp(a));
        let mut by_kind: HashMap<_, Vec<u64>> = HashMap::new();
        for id in left {
            let kind = self.files.get(id).map(|m| m.u64("type"));
            by_kind
                .entry((kind, self.files.path(id)))
                .or_default()
                .push(id);
        }
        for fd in here {
            if self.ids.contains_key(&fd.file) {
                continue;
            }
            let Some(file) = tree.files.get(fd.file) else {
                continue;
            };
            let key = match &file.kind {
                FileKind::Path(path) => (Some(fd_type::REG), Some(path.clone())),
                _ => (Some(kind(tree, file)), None),
            };
            if let Some(id) = by_kind.get_mut(&key).and_then(Vec::pop) {
                self.belong(tree, fd.file, id);
            }
        }
    }

    /// A file of the tree is that of the set, if they are alike and neither has another.
    fn belong(&mut self, tree: &Tree, file: usize, id: u64) {
        let known = self.ids.contains_key(&file) || self.taken.contains(&id);
        let alike = tree
            .files
            .get(file)
            .is_some_and(|file| self.alike(tree, file, id));
        if !known && alike {
            self.ids.insert(file, id);
            self.taken.insert(id);
        }
    }

    fn alike(&self, tree: &Tree, file: &tree::File, id: u64) -> bool {
        let same_kind = self.files.get(id).map(|m| m.u64("type")) == Some(kind(tree, file));
        let same_path = match &file.kind {
            FileKind::Path(path) => self.files.path(id).as_ref() == Some(path),
            _ => true,
        };
        same_kind && same_path
    }
}

/// The number of a kind of file.
pub(crate) fn kind(tree: &Tree, file: &tree::File) -> u64 {
    let unix = |socket: usize| tree.sockets.get(socket).is_some_and(|s| s.family == 1);
    match file.kind {
        FileKind::Path(_) => fd_type::REG,
        FileKind::Pipe(_) => fd_type::PIPE,
        FileKind::Fifo(..) => fd_type::FIFO,
        FileKind::Socket(socket) if unix(socket) => fd_type::UNIXSK,
        FileKind::Socket(_) => fd_type::INETSK,
        FileKind::Tty(_) => fd_type::TTY,
        FileKind::Epoll(_) => fd_type::EVENTPOLL,
        FileKind::Eventfd(..) => fd_type::EVENTFD,
    }
}
