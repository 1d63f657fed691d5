//! What is intact of a damaged CRIU image set: a set that reads without an error, and what it lacks.
//!
//! First every file by itself is cut to the entries before its damage. Then what names something that is no longer there
//! is mended: processes go without their registers or their mappings, descriptors without their files.

use std::{collections::HashSet, sync::Arc};

use crate::{
    Error, Loss, Result,
    bytes::Blob,
    criu::{
        Files, Mapping, Msg, Set, fd_type,
        image::{self, Entry},
        old_kind, pagemap,
        schema::Kind,
    },
    from_criu::{MappedAs, READ, status, stem},
    to_criu::NO_FILE,
};

/// The intact part of a set. Errors are those of the operating system, and what no salvage helps against.
pub(crate) fn salvaged(mut set: Set) -> Result<(Set, Vec<Loss>)> {
    set.check_readable()?;
    let mut losses = Vec::new();
    if let Some(damage) = set.damage.take() {
        losses.push(Loss::damage("criu.damage", &set.name, &damage));
    }
    if let Some(parent) = set.parent.take() {
        let (parent, more) = salvaged(*parent)?;
        losses.extend(more);
        set.parent = Some(Box::new(parent));
    }
    let mut salvage = Salvage { set, losses };
    salvage.files_alone()?;
    salvage.inventory()?;
    let files = Files::load(&salvage.set)?;
    salvage.processes(&files)?;
    salvage.descriptors(&files)?;
    Ok((salvage.set, salvage.losses))
}

/// Kinds that are read of every set; others only where something names them.
const ALWAYS: [&str; 9] = [
    "CORE",
    "FDINFO",
    "FILES",
    "FS",
    "IDS",
    "INVENTORY",
    "MM",
    "PAGEMAP",
    "PSTREE",
];

/// Whether the files are intact that nobody may have read who read the set.
pub(crate) fn rest_is_sound(set: &Set) -> bool {
    let rest = set.members().filter_map(|file| {
        let kind = kind_of(file).filter(|kind| !ALWAYS.contains(kind))?;
        Some((file, kind))
    });
    let mut heads = rest.map(|(file, kind)| (file, image::head(file), kind));
    heads.all(|(file, head, kind)| match head {
        Ok(Some(head)) if head.kind.name == kind => image::intact(file, &head).1.is_none(),
        _ => false,
    })
}

/// What a file of a set must be by its name, if that is known and of interest.
fn kind_of(file: &Blob) -> Option<&'static str> {
    let known = READ.iter().find(|(read, _)| *read == stem(&file.name));
    let kind = known.map(|(_, kind)| *kind).or(old_kind(&file.name));
    kind.filter(|kind| !kind.is_empty())
}

struct Salvage {
    set: Set,
    losses: Vec<Loss>,
}

impl Salvage {
    /// Adds the loss of something that needs what is gone.
    fn lost(&mut self, record: &str, found: impl std::fmt::Display) {
        let why = "what is there cannot do without it";
        self.losses
            .push(Loss::missing("criu.damage", record, found, why));
    }

    /// Damage is told; what else went wrong ends the salvage.
    fn tell(&mut self, error: Error) -> Result<()> {
        let Error::Damaged(damage) = &error else {
            return Err(error);
        };
        let loss = Loss::damage("criu.damage", &damage.file, &error);
        self.losses.push(loss);
        Ok(())
    }

    /// Puts entries in place of a file; an empty file goes, but for a list of descriptors, which may have none.
    fn rewrite(&mut self, name: &str, kind: &str, entries: &[Entry]) -> Result<()> {
        if entries.is_empty() && kind != "FDINFO" {
            self.set.remove(name);
            return Ok(());
        }
        let kind = Kind::by_name(kind).ok_or_else(|| Error::Unsupported(kind.to_owned()))?;
        let mut bytes = Vec::new();
        image::write(kind, entries, &mut bytes)?;
        self.set.put(Blob::new(name, Arc::new(bytes)));
        Ok(())
    }

    fn entries(&self, name: &str, kind: &str) -> Result<Vec<Entry>> {
        match self.set.get(name) {
            Some(file) => image::read(file, kind),
            None => Ok(Vec::new()),
        }
    }

    fn only(&self, name: &str, kind: &str) -> Result<Option<Msg>> {
        Ok(self
            .entries(name, kind)?
            .into_iter()
            .next()
            .map(|e| e.message))
    }

    /// Cuts every file to what can be read of it.
    fn files_alone(&mut self) -> Result<()> {
        let files: Vec<Blob> = self.set.members().cloned().collect();
        for file in files {
            let Some(kind) = kind_of(&file) else {
                continue;
            };
            let Some(head) = image::head(&file)?.filter(|head| head.kind.name == kind) else {
                self.set.remove(&file.name);
                self.lost(&file.name, format!("no {kind} by its magic number"));
                continue;
            };
            if kind == "PAGEMAP" {
                self.page_map(&file)?;
                continue;
            }
            if let (entries, Some(error)) = image::intact(&file, &head) {
                self.rewrite(&file.name, kind, &entries)?;
                self.tell(error)?;
            }
        }
        Ok(())
    }

    fn page_map(&mut self, file: &Blob) -> Result<()> {
        let id = match pagemap::Pagemap::open(file) {
            Ok(map) => map.pages_id,
            Err(error) => {
                self.set.remove(&file.name);
                return self.tell(error);
            }
        };
        let name = format!("pages-{id}.img");
        let pages = self.set.get(&name);
        let intact = pagemap::intact(file, pages, self.set.parent.is_some())?;
        if !intact.errors.is_empty() {
            self.set.put(Blob::new(&file.name, Arc::new(intact.map)));
            self.set.put(Blob::joined(name, intact.pages));
        }
        let mut errors = intact.errors.into_iter();
        errors.try_for_each(|error| self.tell(error))
    }

    /// Without an inventory, that of the versions that write such sets stands in.
    fn inventory(&mut self) -> Result<()> {
        if self.set.get("inventory.img").is_some() {
            return Ok(());
        }
        self.lost("inventory.img", "none; a usual one stands in");
        let mut m = Msg::new("inventory_entry")?;
        m.set("img_version", 2).set("fdinfo_per_id", 1);
        self.rewrite("inventory.img", "INVENTORY", &[plain(m)])
    }

    fn processes(&mut self, files: &Files) -> Result<()> {
        let mut tree = self.entries("pstree.img", "PSTREE")?;
        if tree.is_empty() {
            tree = self.leaders()?;
        }
        let mut intact = Vec::new();
        for entry in tree {
            let mut m = entry.message;
            let pid = m.u64("pid");
            if let Some(missing) = self.missing(pid)? {
                self.lost(&format!("process {pid}"), missing);
                continue;
            }
            let threads = m.numbers("threads");
            let mut rest = Vec::new();
            for &tid in &threads {
                // A dead process has a thread 0.
                if tid == pid || tid == 0 || self.has_registers(tid)? {
                    rest.push(tid);
                } else {
                    self.lost(&format!("thread {tid}"), format!("no core-{tid}.img"));
                }
            }
            if rest != threads {
                m.set_numbers("threads", rest);
            }
            self.mappings(pid, files)?;
            intact.push(plain(m));
        }
        if intact.is_empty() {
            return Err(self.nothing_left());
        }
        let pids: Vec<u64> = intact.iter().map(|e| e.message.u64("pid")).collect();
        self.rewrite("pstree.img", "PSTREE", &intact)?;
        self.directories(&pids, files)
    }

    /// No process is whole: the first damage says more than that.
    fn nothing_left(&self) -> Error {
        let mut told = self.losses.iter().filter_map(|loss| loss.finding.as_ref());
        let why = told
            .next()
            .map_or_else(String::new, |first| format!(" ({first})"));
        let found = format!("no whole process{why}");
        Error::damaged(&self.set.name, 0, "set of images", found, "one")
    }

    /// Processes without a list of them: who leads one, its file says; who belongs to whom, only where there is one.
    fn leaders(&mut self) -> Result<Vec<Entry>> {
        self.lost("pstree.img", "none; which processes are related is unknown");
        let names = self.set.members().filter_map(|file| {
            let number = file.name.strip_prefix("core-")?.strip_suffix(".img")?;
            number.parse::<u64>().ok()
        });
        let (mut leaders, mut others) = (Vec::new(), Vec::new());
        for tid in names.collect::<Vec<_>>() {
            let core = self.only(&format!("core-{tid}.img"), "CORE")?;
            let leads = core.is_some_and(|core| core.has("tc"));
            if leads { &mut leaders } else { &mut others }.push(tid);
        }
        if leaders.len() > 1 {
            for tid in std::mem::take(&mut others) {
                self.lost(&format!("thread {tid}"), "its process is unknown");
            }
        }
        let entry = |pid: u64| {
            let mut m = Msg::new("pstree_entry")?;
            m.set("pid", pid)
                .set("ppid", 0)
                .set("pgid", pid)
                .set("sid", pid);
            m.set_numbers("threads", [pid].into_iter().chain(others.iter().copied()));
            Ok(plain(m))
        };
        leaders.into_iter().map(entry).collect()
    }

    /// What a process cannot be without.
    fn missing(&mut self, pid: u64) -> Result<Option<String>> {
        let name = format!("core-{pid}.img");
        let core = self.only(&name, "CORE")?.and_then(|core| core.sub("tc"));
        let Some(tc) = core else {
            return Ok(Some(format!("no {name}")));
        };
        if !matches!(tc.u64("task_state"), 1 | 3) {
            return Ok(None);
        }
        if !self.has_registers(pid)? {
            return Ok(Some(format!("no registers in {name}")));
        }
        let name = format!("mm-{pid}.img");
        if self.set.get(&name).is_none() {
            self.lost(&name, "none; what memory the process had is unknown");
            let mut m = Msg::new("mm_entry")?;
            for field in NO_MEMORY {
                m.set(field, 0);
            }
            m.set("exe_file_id", NO_FILE);
            self.rewrite(&name, "MM", &[plain(m)])?;
        }
        Ok(None)
    }

    fn has_registers(&self, tid: u64) -> Result<bool> {
        let core = self.only(&format!("core-{tid}.img"), "CORE")?;
        let info = core.and_then(|core| core.sub("ti_arm"));
        Ok(info.is_some_and(|info| info.has("gpregs")))
    }

    /// Mappings that say nothing go; those whose file is gone become memory of their own.
    fn mappings(&mut self, pid: u64, files: &Files) -> Result<()> {
        let name = format!("mm-{pid}.img");
        let Some(mut space) = self.only(&name, "MM")? else {
            return Ok(());
        };
        let memfds = self.entries("memfd.img", "MEMFD_INODE")?;
        let memfds: HashSet<u64> = memfds.iter().map(|e| e.message.u64("inode_id")).collect();
        let (mut kept, mut changed) = (Vec::new(), false);
        for mapping in Mapping::take(&mut space, &name).collect::<Vec<_>>() {
            match mapping.and_then(|m| m.checked(&name)) {
                Err(error) => {
                    changed = true;
                    self.tell(error)?;
                }
                Ok(m) if is_there(&m, files, &memfds) => kept.push(m.into_bytes()),
                Ok(m) => {
                    changed = true;
                    let found = format!("no file {} for the mapping at {:#x}", m.shmid, m.start);
                    self.lost(&name, found);
                    let mut own = m.message(&name)?;
                    own.set("status", status::REGULAR | status::ANON_PRIVATE)
                        .set("flags", PRIVATE_ANONYMOUS)
                        .set("shmid", 0)
                        .set("pgoff", 0);
                    kept.push(own.encode().into());
                }
            }
        }
        let exe = space.u64("exe_file_id");
        if exe != NO_FILE && files.get(exe).is_none() {
            changed = true;
            self.lost(&name, format!("no file {exe} for the program"));
            space.set("exe_file_id", NO_FILE);
        }
        if changed {
            space.set_parts("vmas", kept);
            self.rewrite(&name, "MM", &[plain(space)])?;
        }
        Ok(())
    }

    /// The root stands in for directories that are not known.
    fn directories(&mut self, pids: &[u64], files: &Files) -> Result<()> {
        let mut root = None;
        for pid in pids {
            let name = format!("fs-{pid}.img");
            let old = self.only(&name, "FS")?;
            let known = |m: &Msg, field: &str| files.path(m.u64(field)).is_some();
            if old
                .as_ref()
                .is_some_and(|m| known(m, "cwd_id") && known(m, "root_id"))
            {
                continue;
            }
            let state = self.only(&format!("core-{pid}.img"), "CORE")?;
            let state = state.and_then(|core| core.sub("tc"));
            if state.is_some_and(|tc| !matches!(tc.u64("task_state"), 1 | 3)) {
                continue;
            }
            self.lost(&name, "no directories; the root stands in");
            let root = match root {
                Some(root) => root,
                None => *root.insert(self.root_directory(files)?),
            };
            let mut m = old.map_or_else(|| Msg::new("fs_entry"), Ok)?;
            m.set("cwd_id", root).set("root_id", root);
            self.rewrite(&name, "FS", &[plain(m)])?;
        }
        Ok(())
    }

    /// Adds the root directory to the files; its number.
    fn root_directory(&mut self, files: &Files) -> Result<u64> {
        let id = files.ids().max().unwrap_or(NO_FILE) + 1;
        let mut owner = Msg::new("fown_entry")?;
        for field in ["uid", "euid", "signum", "pid_type", "pid"] {
            owner.set(field, 0);
        }
        let mut own = Msg::new("reg_file_entry")?;
        own.set("id", id)
            .set("flags", 0)
            .set("pos", 0)
            .set_sub("fown", owner)
            .set_bytes("name", b"/");
        let mut m = Msg::new("file_entry")?;
        m.set("type", fd_type::REG)
            .set("id", id)
            .set_sub("reg", own);
        let mut all = self.entries("files.img", "FILES")?;
        all.push(plain(m));
        self.rewrite("files.img", "FILES", &all)?;
        Ok(id)
    }

    /// Descriptors of files that are gone go, too.
    fn descriptors(&mut self, files: &Files) -> Result<()> {
        let names = self.set.members().map(|file| file.name.clone());
        let tables: Vec<String> = names.filter(|name| stem(name) == "fdinfo-").collect();
        for name in tables {
            let all = self.entries(&name, "FDINFO")?;
            let there = |e: &Entry| files.get(e.message.u64("id")).is_some();
            let (kept, gone): (Vec<_>, Vec<_>) = all.into_iter().partition(there);
            for entry in &gone {
                let (fd, id) = (entry.message.u64("fd"), entry.message.u64("id"));
                self.lost(&name, format!("no file {id} for descriptor {fd}"));
            }
            if !gone.is_empty() {
                self.rewrite(&name, "FDINFO", &kept)?;
            }
        }
        Ok(())
    }
}

/// What an address space must say even if it is empty.
const NO_MEMORY: [&str; 11] = [
    "mm_start_code",
    "mm_end_code",
    "mm_start_data",
    "mm_end_data",
    "mm_start_stack",
    "mm_start_brk",
    "mm_brk",
    "mm_arg_start",
    "mm_arg_end",
    "mm_env_start",
    "mm_env_end",
];

/// `MAP_PRIVATE` and `MAP_ANONYMOUS`.
const PRIVATE_ANONYMOUS: u64 = 0x22;

/// Whether what a mapping shows is in the set.
fn is_there(m: &Mapping, files: &Files, memfds: &HashSet<u64>) -> bool {
    let file = files.get(m.shmid);
    if m.status & status::MEMFD != 0 {
        let memfd = file.and_then(|file| file.sub("memfd"));
        return memfd.is_some_and(|own| memfds.contains(&own.u64("inode_id")));
    }
    MappedAs::of(m) != MappedAs::File || file.is_some()
}

fn plain(message: Msg) -> Entry {
    Entry {
        message,
        payload: None,
    }
}
