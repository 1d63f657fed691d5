//! From a [`Tree`] to a CRIU image set that every CRIU from 3.15 on restores.

mod files;
mod ipc;
mod memory;
mod process;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fs::File as OsFile,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use crate::{
    Error, Loss, Result,
    bytes::{Blob, Order},
    core::Machine,
    criu::{
        Msg,
        image::{self, Entry},
        is_old,
        pagemap::Pagemap,
        schema::Kind,
    },
    kept::Kept,
    tree::{FileKind, Task, Tree},
};

/// Numbers of the namespaces that all tasks share with the machine.
const NAMESPACES: [(&str, u64); 7] = [
    ("pid_ns_id", 1),
    ("net_ns_id", 2),
    ("ipc_ns_id", 3),
    ("uts_ns_id", 4),
    ("mnt_ns_id", 6),
    ("user_ns_id", 7),
    ("cgroup_ns_id", 8),
];
/// Numbers of namespaces that the tree has of its own.
const OWN_PID_NS: u64 = 9;
const OWN_IPC_NS: u64 = 10;
const OWN_UTS_NS: u64 = 11;
/// Numbers that are given to what has none yet, where others are kept: above all that CRIU counts up to.
const FRESH: u64 = 1 << 20;

/// Number of the program's file where it is unknown; files are counted from 1.
pub(crate) const NO_FILE: u64 = 0;

/// Writes a set into a directory that exists and is empty. The losses say what CRIU has no place for.
pub fn to_criu(tree: &Tree, dir: &Path) -> Result<Vec<Loss>> {
    if tree.machine != Machine::Arm || tree.order != Order::Little {
        return Err(Error::Unsupported(format!(
            "image sets are written for little-endian 32-bit ARM only, not {:?}, {:?}",
            tree.machine, tree.order
        )));
    }
    let mut w = Writer::new(tree, dir)?;
    w.tree()?;
    Ok(w.losses)
}

/// What is written once though several tasks use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Once {
    Mm(usize),
    Table(usize),
    Dirs(usize),
    Segment(usize),
}

struct Writer<'a> {
    tree: &'a Tree,
    dir: PathBuf,
    losses: Vec<Loss>,
    /// Files of the set that the tree came from.
    kept: Option<Kept>,
    /// Entries of `files.img` by number.
    files: BTreeMap<u64, Entry>,
    next_file: u64,
    /// Numbers of all descriptors that were written.
    open: HashSet<u64>,
    file_ids: HashMap<usize, u64>,
    ttys: HashMap<usize, u64>,
    /// Where to look for a free number of a terminal on, by numbers that are taken.
    behind_tty: HashMap<u64, u64>,
    tty_infos: Vec<Entry>,
    tty_data: Vec<Entry>,
    /// Numbers of what tasks share, by the field that holds them and the index in the tree.
    shared: HashMap<(&'static str, usize), u64>,
    /// Numbers of shared segments by index in the tree.
    segments: HashMap<usize, u64>,
    shared_taken: HashSet<(&'static str, u64)>,
    /// Numbers of System V segments by index in the tree.
    system_v: HashMap<usize, u64>,
    /// A file for each socket that a descriptor leads to.
    socket_files: HashMap<usize, usize>,
    /// Entries of kept files by number.
    indexed: HashMap<&'static str, HashMap<u64, Entry>>,
    written: HashSet<Once>,
    /// Names of the files that were written.
    created: HashSet<String>,
    pages_ids: HashSet<u32>,
    next_pages: u32,
}

fn plain(message: Msg) -> Entry {
    Entry {
        message,
        payload: None,
    }
}

/// Beginnings of the names of files that the writer makes of a tree.
const OURS: [&str; 21] = [
    "inventory.img",
    "pstree.img",
    "core-",
    "ids-",
    "mm-",
    "pagemap-",
    "pages-",
    "fs-",
    "fdinfo-",
    "files.img",
    "pipes-data.img",
    "fifo-data.img",
    "sk-queues.img",
    "tty-info.img",
    "tty-data.img",
    "sigacts-",
    "vmas-",
    "remap-fpath.img",
    "ipcns-shm-",
    "ipcns-msg-",
    "ipcns-sem-",
];

fn is_ours(name: &str) -> bool {
    OURS.iter().any(|ours| name.starts_with(ours))
}

/// Whether a page map, or a pages file, belongs to memory that the tree does not have.
fn is_whole(kept: &Kept, file: &Blob) -> Result<bool> {
    if !file.name.starts_with("pagemap-") {
        return Ok(file.name.starts_with("pages-"));
    }
    let pages = format!("pages-{}.img", Pagemap::open(file)?.pages_id);
    Ok(kept.get(&pages).is_some())
}

impl Writer<'_> {
    fn new<'a>(tree: &'a Tree, dir: &Path) -> Result<Writer<'a>> {
        let kept = Kept::of(tree)?;
        let socket_files = tree.files.iter().enumerate().filter_map(|(i, file)| {
            let FileKind::Socket(socket) = file.kind else {
                return None;
            };
            Some((socket, i))
        });
        let system_v = tree.ipc.iter().flat_map(|ipc| &ipc.objects.segments);
        let system_v = system_v.map(|s| (s.memory, u64::from(s.owner.id)));
        let last = kept.iter().flat_map(|kept| kept.files.ids()).max();
        let mut w = Writer {
            tree,
            dir: dir.to_owned(),
            losses: Vec::new(),
            kept,
            files: BTreeMap::new(),
            next_file: last.unwrap_or(0) + 1,
            open: HashSet::new(),
            file_ids: HashMap::new(),
            ttys: HashMap::new(),
            behind_tty: HashMap::new(),
            tty_infos: Vec::new(),
            tty_data: Vec::new(),
            shared: HashMap::new(),
            segments: HashMap::new(),
            system_v: system_v.collect(),
            shared_taken: HashSet::new(),
            socket_files: socket_files.collect(),
            indexed: HashMap::new(),
            written: HashSet::new(),
            created: HashSet::new(),
            pages_ids: HashSet::new(),
            next_pages: 1,
        };
        w.reserve_pages()?;
        Ok(w)
    }

    fn tree(&mut self) -> Result<()> {
        let (leaders, others): (Vec<_>, Vec<_>) =
            self.tree.tasks.iter().partition(|t| t.tid == t.tgid);
        let mut threads: HashMap<i32, Vec<&Task>> = HashMap::new();
        for thread in others {
            threads.entry(thread.tgid).or_default().push(thread);
        }
        let inside: HashSet<i32> = self.tree.tasks.iter().map(|t| t.tid).collect();
        let mut pstree = Vec::new();
        for leader in leaders {
            let threads = threads.remove(&leader.tid).unwrap_or_default();
            // The parent of the root is outside of the set.
            let parent = inside.contains(&leader.ppid).then_some(leader.ppid);
            pstree.push(plain(self.pstree_entry(leader, parent, &threads)?));
            self.process(leader, &threads)?;
        }
        self.image("PSTREE", "pstree", &pstree)?;
        self.keep_in_flight()?;
        self.pipes()?;
        self.sockets()?;
        self.remaps()?;
        self.terminals()?;
        self.watch_open_files();
        let files = self.files_in_order();
        self.image("FILES", "files", &files)?;
        self.namespaces()?;
        self.others()?;
        if self.kept.is_none() {
            self.image("SECCOMP", "seccomp", &[plain(Msg::new("seccomp_entry")?)])?;
        }
        self.inventory()
    }

    /// The number of something that tasks share: the one in the kept set, unless something else has it.
    fn shared_id(&mut self, field: &'static str, index: usize, wanted: Option<u64>) -> u64 {
        if let Some(&id) = self.shared.get(&(field, index)) {
            return id;
        }
        let fresh = if self.kept.is_some() { FRESH } else { 2 };
        let free = wanted.filter(|&id| self.shared_taken.insert((field, id)));
        // What the image names but does not have is the same nothing for all.
        let id = free.unwrap_or(fresh.saturating_add(index as u64));
        self.shared.insert((field, index), id);
        id
    }

    fn pstree_entry(&self, leader: &Task, parent: Option<i32>, threads: &[&Task]) -> Result<Msg> {
        let pid = number(leader.tid);
        let kept = self.kept.as_ref().and_then(|kept| kept.process(pid));
        let mut m = kept.map_or_else(|| Msg::new("pstree_entry"), Ok)?;
        m.set("pid", pid)
            .set("ppid", parent.map_or(0, number))
            .set("pgid", number(leader.pgid))
            .set("sid", number(leader.sid));
        if leader.live.is_some() || !m.is_kept() {
            let own = if leader.live.is_some() { pid } else { 0 };
            let others = threads.iter().map(|t| number(t.tid));
            m.set_numbers("threads", [own].into_iter().chain(others));
        }
        Ok(m)
    }

    /// Entries of `files.img`: those of the kept set in its order, then the new ones.
    fn files_in_order(&mut self) -> Vec<Entry> {
        let mut files = std::mem::take(&mut self.files);
        let old = self.kept.iter().flat_map(|kept| kept.files.ids());
        let mut out: Vec<Entry> = old.filter_map(|id| files.remove(&id)).collect();
        out.extend(files.into_values());
        out
    }

    /// Kept files that hold nothing of what the tree says: they come back as they are.
    fn others(&mut self) -> Result<()> {
        let Some(kept) = self.kept.take() else {
            return Ok(());
        };
        for file in kept.all() {
            let name = file.name.as_str();
            if self.created.contains(name) || (is_ours(name) && !is_whole(&kept, file)?) {
                continue;
            }
            if is_old(name) {
                self.losses.push(Loss::new(
                    "criu.merged-files",
                    name,
                    "",
                    "files.img",
                    "open files of all kinds are written into one image, as since 3.2",
                ));
                continue;
            }
            let mut out = self.create(name)?;
            let copied = file.copy_to(&mut out);
            copied
                .and_then(|()| out.flush().map_err(Error::writing))
                .map_err(|e| e.in_file(name))?;
        }
        self.kept = Some(kept);
        Ok(())
    }

    fn image(&mut self, kind: &str, stem: &str, entries: &[Entry]) -> Result<()> {
        let kind = Kind::by_name(kind).ok_or_else(|| Error::Unsupported(kind.to_owned()))?;
        let name = format!("{stem}.img");
        let mut out = self.create(&name)?;
        let written = image::write(kind, entries, &mut out);
        written
            .and_then(|()| out.flush().map_err(Error::writing))
            .map_err(|e| e.in_file(&name))
    }

    fn create(&mut self, name: &str) -> Result<BufWriter<OsFile>> {
        self.created.insert(name.to_owned());
        let file = OsFile::create_new(self.dir.join(name));
        let file = file.map_err(|e| Error::writing(e).in_file(name))?;
        Ok(BufWriter::new(file))
    }

    /// Number of the namespace that a file called `stem-NUMBER.img` is about.
    fn namespace(&self, stem: &str, own: u64) -> u64 {
        let kept = self.kept.iter().flat_map(Kept::all);
        let mut numbers = kept.filter_map(|file| {
            let number = file.name.strip_prefix(stem)?.strip_suffix(".img")?;
            number.parse().ok()
        });
        numbers.next().unwrap_or(own)
    }

    /// A message of the kept set, or a new one.
    fn message(&self, file: &str, kind: &str) -> Result<Msg> {
        let kept = match &self.kept {
            Some(kept) => kept.message(file, kind)?,
            None => None,
        };
        let name = Kind::by_name(kind).map_or("", |kind| kind.message);
        kept.map_or_else(|| Msg::new(name), Ok)
    }

    fn namespaces(&mut self) -> Result<()> {
        if let Some((node, domain)) = self.tree.host.clone() {
            let stem = format!("utsns-{}", self.namespace("utsns-", OWN_UTS_NS));
            let mut m = self.message(&format!("{stem}.img"), "UTSNS")?;
            m.set_bytes("nodename", &node)
                .set_bytes("domainname", &domain);
            self.image("UTSNS", &stem, &[plain(m)])?;
        }
        if let Some(ipc) = &self.tree.ipc {
            self.ipc(ipc)?;
        }
        Ok(())
    }

    fn inventory(&mut self) -> Result<()> {
        let mut m = self.message("inventory.img", "INVENTORY")?;
        m.set("fdinfo_per_id", 1);
        if m.is_kept() {
            let why = "versions before and after 4.2 look into different fields, so the number stands in both";
            let fields = "nr_pages, compat_nr_pages";
            self.losses.push(Loss::new(
                "criu.page-count",
                "pagemap-*.img",
                fields,
                "both",
                why,
            ));
        }
        if m.u64("compress") != 0 {
            self.losses.push(Loss::new(
                "criu.compression",
                "inventory.img",
                "compress",
                m.show("compress"),
                "pages are written as they are",
            ));
            m.clear("compress");
        }
        if !m.is_kept() {
            let mut ids = Msg::new("task_kobj_ids_entry")?;
            for field in ["vm_id", "files_id", "fs_id", "sighand_id"] {
                ids.set(field, 1);
            }
            for (field, id) in NAMESPACES {
                ids.set(field, id);
            }
            m.set("img_version", 2)
                .set_sub("root_ids", ids)
                .set("ns_per_id", 1)
                .set("root_cg_set", 1)
                .set("lsmtype", 0)
                .set("network_lock_method", 0);
        }
        self.image("INVENTORY", "inventory", &[plain(m)])
    }
}

fn number(id: i32) -> u64 {
    u64::from(id.cast_unsigned())
}
