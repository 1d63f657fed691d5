//! From a CRIU image set to a [`Tree`].

mod files;
mod memory;
mod namespaces;
mod process;

use std::{collections::HashMap, path::Path};

use crate::{
    Error, Loss, Result,
    bytes::{Blob, Order},
    core::Machine,
    criu::{
        Files, Msg, Set,
        image::{self, Entry},
        is_old,
    },
    criu_defaults::{self, DEFAULTS},
    criu_memory::Memory,
    kept,
    tree::Tree,
};

pub(crate) use files::control_characters;
pub(crate) use memory::{MADVISE_BITS, MAP_BITS, MappedAs, auxv, dumpable, status};
pub(crate) use process::{ARM_REGS, PF_RANDOMIZE, alternate_stack, groups, personality_shown};

/// Files of a set that this reader looks at, beside those of open files by kind: the part of the name before the first
/// digit or dot, and the kind of what is inside.
pub(crate) const READ: [(&str, &str); 28] = [
    ("inventory", "INVENTORY"),
    ("pstree", "PSTREE"),
    ("core-", "CORE"),
    ("ids-", "IDS"),
    ("mm-", "MM"),
    ("pagemap-", "PAGEMAP"),
    ("pagemap-shmem-", "PAGEMAP"),
    ("pages-", ""),
    ("fs-", "FS"),
    ("fdinfo-", "FDINFO"),
    ("files", "FILES"),
    ("pipes-data", "PIPES_DATA"),
    ("fifo-data", "FIFO_DATA"),
    ("sk-queues", "SK_QUEUES"),
    ("tty-info", "TTY_INFO"),
    ("tty-data", "TTY_DATA"),
    ("memfd", "MEMFD_INODE"),
    ("utsns-", "UTSNS"),
    ("ipcns-var-", "IPC_VAR"),
    ("ipcns-shm-", "IPCNS_SHM"),
    ("ipcns-msg-", "IPCNS_MSG"),
    ("ipcns-sem-", "IPCNS_SEM"),
    ("sigacts-", "SIGACT"),
    ("creds-", "CREDS"),
    ("itimers-", "ITIMERS"),
    ("vmas-", "VMAS"),
    ("remap-fpath", "REMAP_FPATH"),
    ("ghost-file-", "GHOST_FILE"),
];

/// The part of a name before the first digit or dot.
pub(crate) fn stem(name: &str) -> &str {
    let end = name.find(|c: char| c.is_ascii_digit() || c == '.');
    name.get(..end.unwrap_or(name.len())).unwrap_or(name)
}

/// Reads a set into a tree. The losses say what a checkpoint stream has no place for.
pub fn from_criu(set: &Set) -> Result<(Tree, Vec<Loss>)> {
    let inventory = only(set.need("inventory.img")?, "INVENTORY")?;
    let mut r = Reader {
        set,
        tree: Tree::new(Machine::Arm, Order::Little),
        losses: Vec::new(),
        memory: Memory::default(),
        fdinfo_per_id: inventory.flag("fdinfo_per_id"),
        entries: Files::load(set)?,
        keyed: HashMap::new(),
        files: HashMap::new(),
        maps: Maps::default(),
        segments: HashMap::new(),
        leaders: HashMap::new(),
        ttys: HashMap::new(),
        sockets: HashMap::new(),
    };
    r.check_defaults("inventory.img", &inventory);
    if let Some(parent) = &set.parent {
        let why = "pages of the parent come into the set itself";
        let flattened = Loss::new("criu.flattened", "parent", "", &parent.name, why);
        r.losses.push(flattened);
    }
    let pstree = image::read(set.need("pstree.img")?, "PSTREE")?;
    for index in order(&pstree) {
        if let Some(entry) = pstree.get(index.0) {
            r.process(&entry.message, index.1)?;
        }
    }
    r.controlling_terminals();
    r.namespaces(&inventory)?;
    r.unread();
    r.tree.foreign = kept::files(set, &r.memory)?;
    r.tree.blobs = r.memory.finish()?;
    Ok((r.tree, r.losses))
}

/// Processes in the order of a stream: each leader, its children, then its other threads.
fn order(pstree: &[Entry]) -> Vec<(usize, bool)> {
    let mut children: HashMap<u64, Vec<usize>> = HashMap::new();
    let pids: HashMap<u64, usize> = pstree
        .iter()
        .enumerate()
        .map(|(i, e)| (e.message.u64("pid"), i))
        .collect();
    let mut stack = Vec::new();
    for (i, e) in pstree.iter().enumerate() {
        let parent = e.message.u64("ppid");
        if pids.contains_key(&parent) && parent != e.message.u64("pid") {
            children.entry(parent).or_default().push(i);
        } else {
            stack.push((i, true));
        }
    }
    stack.reverse();
    let mut out = Vec::new();
    let mut seen = vec![false; pstree.len()];
    while let Some((i, leader)) = stack.pop() {
        out.push((i, leader));
        let Some(seen) = seen.get_mut(i).filter(|seen| leader && !**seen) else {
            continue;
        };
        *seen = true;
        stack.push((i, false));
        let pid = pstree.get(i).map_or(0, |e| e.message.u64("pid"));
        for &child in children.get(&pid).into_iter().flatten().rev() {
            stack.push((child, true));
        }
    }
    out
}

/// The single message of a file.
fn only(file: &Blob, kind: &str) -> Result<Msg> {
    let entry = image::read(file, kind)?.into_iter().next();
    entry
        .map(|e| e.message)
        .ok_or_else(|| Error::damaged(&file.name, 8, kind, "nothing", "a message"))
}

/// Indices by the numbers that tasks share things under.
#[derive(Default)]
struct Maps {
    tables: HashMap<u64, usize>,
    mms: HashMap<u64, usize>,
    dirs: HashMap<u64, usize>,
    actions: HashMap<u64, usize>,
    pipes: HashMap<u64, usize>,
}

struct Reader<'a> {
    set: &'a Set,
    tree: Tree,
    losses: Vec<Loss>,
    memory: Memory,
    fdinfo_per_id: bool,
    /// Messages of files.
    entries: Files,
    /// Messages of files by a number in them.
    keyed: HashMap<&'static str, HashMap<u64, Vec<Entry>>>,
    /// Indices of files by number; `None` for what has no home.
    files: HashMap<u64, Option<usize>>,
    maps: Maps,
    segments: HashMap<u64, usize>,
    /// Indices of the first threads of processes, by pid.
    leaders: HashMap<u32, usize>,
    ttys: HashMap<u64, usize>,
    sockets: HashMap<u64, usize>,
}

impl Reader<'_> {
    /// Reports fields that are there, have no home in a stream, and would come back as something else.
    fn check_defaults(&mut self, record: &str, message: &Msg) {
        for d in DEFAULTS.iter().filter(|d| d.message == message.name()) {
            if let Some(value) = criu_defaults::differs(d, message) {
                self.losses
                    .push(Loss::new(d.code, record, d.field, value, d.why));
            }
        }
    }

    /// Says what it means if a file is missing that every dump has.
    fn expect(&mut self, name: &str, without: &'static str) {
        if self.set.get(name).is_none() {
            let absent = Loss::missing("criu.absent", name, "no such file", without);
            self.losses.push(absent);
        }
    }

    /// The messages of a file whose field `key` is `id`. Each file is read once, however many ask.
    fn keyed(&mut self, name: &'static str, kind: &str, key: &str, id: u64) -> Result<Vec<Entry>> {
        if !self.keyed.contains_key(name) {
            let mut index: HashMap<u64, Vec<Entry>> = HashMap::new();
            if let Some(file) = self.set.get(name) {
                for entry in image::read(file, kind)? {
                    index.entry(entry.message.u64(key)).or_default().push(entry);
                }
            }
            self.keyed.insert(name, index);
        }
        let index = self.keyed.get(name);
        Ok(index.and_then(|i| i.get(&id)).cloned().unwrap_or_default())
    }

    /// The entries of the first file whose name begins so.
    fn first(&self, stem: &str, kind: &str) -> Result<Vec<Entry>> {
        match self.set.members().find(|b| b.name.starts_with(stem)) {
            Some(file) => image::read(file, kind),
            None => Ok(Vec::new()),
        }
    }

    /// Files of the set that nobody looked at.
    fn unread(&mut self) {
        let names: Vec<String> = self.set.members().map(|b| b.name.clone()).collect();
        for name in names {
            let known = READ.iter().any(|(read, _)| *read == stem(&name))
                || is_old(&name)
                || criu_defaults::harmless(self.set.get(&name));
            let image = self
                .set
                .get(&name)
                .is_some_and(|b| matches!(image::head(b), Ok(Some(_))))
                || Path::new(&name).extension().is_some_and(|e| e == "img");
            if image && !known {
                self.losses.push(Loss::new(
                    "criu.file",
                    name,
                    "",
                    "whole file",
                    "streams have no place for it",
                ));
            }
        }
    }
}
