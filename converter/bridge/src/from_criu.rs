//! From a CRIU image set to a [`Tree`].

use std::{collections::HashMap, path::Path};

use crate::{
    Error, Loss, Result,
    bytes::{Blob, Order},
    core::Machine,
    criu::{
        Files, Msg, Remap, Set, fd_type,
        image::{self, Entry},
        is_old, pagemap,
    },
    criu_defaults::{self, DEFAULTS},
    criu_memory::{Memory, overlaid, within},
    from_core::{d32, vfp_unit},
    kept,
    to_criu::NO_FILE,
    tree::{
        Abi, Action, Creds, Dirs, EpollItem, Fd, File, FileKind, Ipc, IpcLimits, IpcObjects,
        IpcOwner, IpcQueue, IpcSegment, IpcSemaphores, Live, Mm, NO_RESTART, OVERLAPS,
        PF_FORKNOEXEC, PF_SUPERPRIV, Pages, Pipe, Process, Segment, Socket, State, Task, Tree, Tty,
        Vma, VmaKind, take_overlaps,
    },
};

/// What a mapping is to a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MappedAs {
    Special,
    Vdso,
    Shared,
    /// Private memory that shows a memfd where nothing was written to it.
    PrivateMemfd,
    File,
    Anonymous,
}

impl MappedAs {
    /// By the bits of its message.
    pub(crate) fn of(v: &Msg) -> Self {
        let (st, shared) = (v.u64("status"), v.u64("flags") & 1 != 0);
        if st & (status::VSYSCALL | status::VVAR) != 0 {
            Self::Special
        } else if st & status::VDSO != 0 {
            Self::Vdso
        } else if st & (status::MEMFD | status::ANON_SHARED | status::SYSVIPC) != 0 && shared {
            Self::Shared
        } else if st & status::MEMFD != 0 {
            Self::PrivateMemfd
        } else if st & (status::FILE_PRIVATE | status::FILE_SHARED) != 0 {
            Self::File
        } else {
            Self::Anonymous
        }
    }
}

/// Bits of `vma_entry.status`.
pub(crate) mod status {
    pub(crate) const REGULAR: u64 = 1;
    pub(crate) const VSYSCALL: u64 = 1 << 2;
    pub(crate) const VDSO: u64 = 1 << 3;
    pub(crate) const HEAP: u64 = 1 << 5;
    pub(crate) const FILE_PRIVATE: u64 = 1 << 6;
    pub(crate) const FILE_SHARED: u64 = 1 << 7;
    pub(crate) const ANON_SHARED: u64 = 1 << 8;
    pub(crate) const ANON_PRIVATE: u64 = 1 << 9;
    pub(crate) const SYSVIPC: u64 = 1 << 10;
    pub(crate) const VVAR: u64 = 1 << 12;
    pub(crate) const MEMFD: u64 = 1 << 14;
}

/// Flag of the kernel's task: the address space is random.
pub(crate) const PF_RANDOMIZE: u32 = 0x40_0000;
/// `MAP_` bits and the `VM_` bits that say the same (§4.5).
pub(crate) const MAP_BITS: [(u64, u64); 5] = [
    (1, 0x88),
    (0x100, 0x100),
    (0x2000, 0x2000),
    (0x4000, 0x0020_0000),
    (0x4_0000, 0x0040_0000),
];
/// Numbers of `madvise`, which CRIU keeps as bits, and the `VM_` bits that say the same.
pub(crate) const MADVISE_BITS: [(u64, u64); 3] = [(1, 0x1_0000), (2, 0x8000), (10, 0x2_0000)];
/// Registers of a 32-bit ARM thread in the order of the core's register set.
pub(crate) const ARM_REGS: [&str; 18] = [
    "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "fp", "ip", "sp", "lr",
    "pc", "cpsr", "orig_r0",
];

/// Files of a set that this reader looks at, by the part of the name before the first digit or dot, beside those of open
/// files by kind.
const READ: [&str; 28] = [
    "inventory",
    "pstree",
    "core-",
    "ids-",
    "mm-",
    "pagemap-",
    "pagemap-shmem-",
    "pages-",
    "fs-",
    "fdinfo-",
    "files",
    "pipes-data",
    "fifo-data",
    "sk-queues",
    "tty-info",
    "tty-data",
    "memfd",
    "utsns-",
    "ipcns-var-",
    "ipcns-shm-",
    "ipcns-msg-",
    "ipcns-sem-",
    "sigacts-",
    "creds-",
    "itimers-",
    "vmas-",
    "remap-fpath",
    "ghost-file-",
];

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
        ttys: HashMap::new(),
        sockets: HashMap::new(),
    };
    r.check_defaults("inventory.img", &inventory);
    if let Some(parent) = &set.parent {
        let why = "pages of the parent come into the set itself";
        r.loss("criu.flattened", "parent", "", &parent.name, why);
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
    ttys: HashMap<u64, usize>,
    sockets: HashMap<u64, usize>,
}

impl Reader<'_> {
    fn loss(
        &mut self,
        code: &'static str,
        record: impl Into<String>,
        field: &str,
        value: impl std::fmt::Display,
        why: &'static str,
    ) {
        self.losses.push(Loss {
            code,
            record: record.into(),
            field: field.into(),
            value: value.to_string(),
            why,
        });
    }

    /// Reports fields that are there, have no home in a stream, and would come back as something else.
    fn check_defaults(&mut self, record: &str, message: &Msg) {
        for d in DEFAULTS.iter().filter(|d| d.message == message.name()) {
            if let Some(value) = criu_defaults::differs(d, message) {
                self.loss(d.code, record, d.field, value, d.why);
            }
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

    fn process(&mut self, entry: &Msg, leader: bool) -> Result<()> {
        let pid = entry.u32("pid");
        let core = only(self.set.need(&format!("core-{pid}.img"))?, "CORE")?;
        let tc = core.sub("tc").ok_or_else(|| {
            Error::damaged(
                format!("core-{pid}.img"),
                8,
                "core of a leader",
                "no tc",
                "tc",
            )
        })?;
        if core.u64("mtype") != 2 {
            return Err(Error::Unsupported(format!(
                "core-{pid}.img: machine {} is not 32-bit ARM",
                core.u64("mtype")
            )));
        }
        let mut task = Task {
            tid: pid.cast_signed(),
            tgid: pid.cast_signed(),
            ppid: entry.u32("ppid").cast_signed(),
            pgid: entry.u32("pgid").cast_signed(),
            sid: entry.u32("sid").cast_signed(),
            comm: tc.text("comm").unwrap_or_default().into_bytes(),
            state: State::Sleeping,
            live: None,
        };
        match tc.u64("task_state") {
            1 => {}
            3 => {
                task.state = State::Stopped(
                    tc.get("stop_signo")
                        .and_then(|s| u32::try_from(s).ok())
                        .unwrap_or(19),
                );
            }
            _ => {
                if leader {
                    task.state = State::Zombie(tc.u32("exit_code"));
                    self.tree.tasks.push(task);
                }
                return Ok(());
            }
        }
        if leader {
            self.check_defaults(&format!("core-{pid}.img"), &tc);
            task.live = Some(self.live(pid, &core, &tc)?);
            self.tree.tasks.push(task);
            return Ok(());
        }
        let first = self
            .tree
            .tasks
            .iter()
            .find(|t| t.tid == task.tid)
            .and_then(|t| t.live.clone());
        for tid in entry
            .numbers("threads")
            .into_iter()
            .filter(|&t| t != u64::from(pid))
        {
            let core = only(self.set.need(&format!("core-{tid}.img"))?, "CORE")?;
            let Some(shared) = &first else { continue };
            let mut live = shared.clone();
            self.thread(&mut live, &core, &format!("core-{tid}.img"))?;
            let comm = core.sub("thread_core").and_then(|t| t.text("comm"));
            let tid = u32::try_from(tid).unwrap_or(0).cast_signed();
            let comm = comm.map_or_else(|| task.comm.clone(), String::into_bytes);
            self.tree.tasks.push(Task {
                tid,
                comm,
                live: Some(live),
                ..task.clone()
            });
        }
        Ok(())
    }

    fn live(&mut self, pid: u32, core: &Msg, tc: &Msg) -> Result<Live> {
        let ids = match self.set.get(&format!("ids-{pid}.img")) {
            Some(file) => Some(only(file, "IDS")?),
            None => core.sub("ids"),
        };
        let flags = tc.u32("flags");
        if flags & !(PF_FORKNOEXEC | PF_SUPERPRIV) != PF_RANDOMIZE {
            self.loss(
                "criu.task-flags",
                format!("core-{pid}.img"),
                "tc.flags",
                format!("{flags:#x}"),
                "streams keep two of the kernel's flags only",
            );
        }
        let id = |field: &str| ids.as_ref().map_or(u64::from(pid), |m| m.u64(field));
        let process = self.shared(pid, tc);
        let mut live = Live {
            regs: Vec::new(),
            tls: 0,
            syscall: u32::MAX,
            restart: NO_RESTART,
            thumbee: 0,
            units: Vec::new(),
            x86_fp: None,
            abi: Abi {
                personality: Some(personality(tc.u32("personality"))),
                e_flags: None,
            },
            forked: tc.u32("flags") & PF_FORKNOEXEC != 0,
            super_user: tc.u32("flags") & PF_SUPERPRIV != 0,
            clear_tid: 0,
            robust: (0, 0),
            sigaltstack: (0, 0),
            pdeath: 0,
            blocked: tc.u64("blk_sigset"),
            pending: Vec::new(),
            creds: Creds::default(),
            table: self.table(pid, id("files_id"))?,
            mm: self.mm(pid, id("vm_id"))?,
            dirs: self.dirs(pid, id("fs_id"))?,
            actions: self.actions(pid, id("sighand_id"), tc)?,
            process: Tree::add(&mut self.tree.processes, process),
        };
        live.abi.e_flags = self
            .memory
            .with(&mut self.tree, |tree| tree.program_flags(live.mm));
        self.thread(&mut live, core, &format!("core-{pid}.img"))?;
        Ok(live)
    }

    /// What each thread has of its own.
    fn thread(&mut self, live: &mut Live, core: &Msg, record: &str) -> Result<()> {
        let bad = |what: &str| Error::damaged(record, 8, "core", format!("no {what}"), what);
        let info = core.sub("ti_arm").ok_or_else(|| bad("ti_arm"))?;
        let regs = info.sub("gpregs").ok_or_else(|| bad("gpregs"))?;
        live.regs = ARM_REGS.iter().map(|name| regs.u64(name)).collect();
        live.tls = info.u32("tls");
        live.clear_tid = info.u64("clear_tid_addr");
        if let Some(fp) = info.sub("fpstate") {
            let mut data: Vec<u8> = fp
                .numbers("vfp_regs")
                .iter()
                .take(32)
                .flat_map(|r| r.to_le_bytes())
                .collect();
            data.resize(256, 0);
            for field in ["fpscr", "fpexc", "fpinst", "fpinst2"] {
                data.extend(fp.u32(field).to_le_bytes());
            }
            let auxv = self
                .tree
                .mms
                .get(live.mm)
                .map(|mm| mm.auxv.clone())
                .unwrap_or_default();
            let hwcap = auxv.iter().find(|&&(k, _)| k == 16).map_or(0, |&(_, v)| v);
            live.units = vec![vfp_unit(data, d32(hwcap))];
        }
        let Some(own) = core.sub("thread_core") else {
            return Ok(());
        };
        self.check_defaults(record, &own);
        live.robust = (own.u64("futex_rla"), own.u32("futex_rla_len"));
        live.pdeath = own.u32("pdeath_sig");
        live.blocked = own.get("blk_sigset").unwrap_or(live.blocked);
        live.sigaltstack = alternate_stack(&own);
        live.pending = own.sub("signals_p").map(|q| queue(&q)).unwrap_or_default();
        if let Some(creds) = own.sub("creds") {
            self.check_defaults(record, &creds);
            live.creds = credentials(&creds);
        }
        Ok(())
    }

    /// What the threads of a process share.
    fn shared(&mut self, pid: u32, tc: &Msg) -> Process {
        let timers = tc.sub("timers");
        let timer = |name: &str| {
            let t = timers.as_ref()?.sub(name)?;
            let ns = |sec: &str, usec: &str| {
                t.u64(sec)
                    .saturating_mul(1_000_000_000)
                    .saturating_add(t.u64(usec).saturating_mul(1000))
            };
            Some((ns("vsec", "vusec"), ns("isec", "iusec")))
        };
        let process = Process {
            limits: tc
                .sub("rlimits")
                .map(|l| {
                    l.subs("rlimits")
                        .iter()
                        .map(|r| (r.u64("cur"), r.u64("max")))
                        .collect()
                })
                .unwrap_or_default(),
            timers: ["real", "virt", "prof"].map(|name| timer(name).unwrap_or_default()),
            pending: tc.sub("signals_s").map(|q| queue(&q)).unwrap_or_default(),
            tty: None,
        };
        for t in timers.iter().flat_map(|t| t.subs("posix")) {
            self.loss(
                "criu.posix-timer",
                format!("core-{pid}.img"),
                "tc.timers.posix",
                t.u64("it_id"),
                "streams have no timers of timer_create",
            );
        }
        process
    }

    fn actions(&mut self, pid: u32, id: u64, tc: &Msg) -> Result<usize> {
        if let Some(&index) = self.maps.actions.get(&id) {
            return Ok(index);
        }
        let mut list = tc.subs("sigactions");
        if let (true, Some(file)) = (list.is_empty(), self.set.get(&format!("sigacts-{pid}.img"))) {
            list = image::read(file, "SIGACT")?
                .into_iter()
                .map(|e| e.message)
                .collect();
        }
        let mut actions = vec![Action::default(); 64];
        let numbers = (0..64).filter(|n| !matches!(n, 8 | 18));
        for (number, m) in numbers.zip(&list) {
            if let Some(action) = actions.get_mut(number) {
                *action = Action {
                    handler: m.u64("sigaction"),
                    flags: m.u64("flags"),
                    restorer: m.u64("restorer"),
                    mask: m.u64("mask"),
                };
            }
        }
        let index = Tree::add(&mut self.tree.actions, actions);
        self.maps.actions.insert(id, index);
        Ok(index)
    }

    fn dirs(&mut self, pid: u32, id: u64) -> Result<usize> {
        if let Some(&index) = self.maps.dirs.get(&id) {
            return Ok(index);
        }
        let fs = only(self.set.need(&format!("fs-{pid}.img"))?, "FS")?;
        let path = |r: &Self, field: &str| {
            r.entries.path(fs.u64(field)).ok_or_else(|| {
                Error::damaged(
                    format!("fs-{pid}.img"),
                    8,
                    field,
                    fs.u64(field),
                    "the number of a directory",
                )
            })
        };
        let dirs = Dirs {
            cwd: path(self, "cwd_id")?,
            root: path(self, "root_id")?,
            umask: fs.u32("umask"),
        };
        let index = Tree::add(&mut self.tree.dirs, dirs);
        self.maps.dirs.insert(id, index);
        Ok(index)
    }

    fn table(&mut self, pid: u32, id: u64) -> Result<usize> {
        if let Some(&index) = self.maps.tables.get(&id) {
            return Ok(index);
        }
        let name = format!(
            "fdinfo-{}.img",
            if self.fdinfo_per_id { id } else { pid.into() }
        );
        let mut fds = Vec::new();
        let entries = match self.set.get(&name) {
            Some(file) => image::read(file, "FDINFO")?,
            None => Vec::new(),
        };
        for entry in entries {
            let m = entry.message;
            let fd = m.u32("fd");
            match self.file(m.u64("id"), &name)? {
                Some(file) => fds.push(Fd {
                    fd,
                    file,
                    cloexec: m.u64("flags") & 1 != 0,
                }),
                None => self.loss(
                    "criu.descriptor",
                    name.clone(),
                    "fd",
                    fd,
                    "streams have no file of this kind, so the descriptor is closed",
                ),
            }
        }
        fds.sort_by_key(|fd| fd.fd);
        self.watch(&fds);
        let index = Tree::add(&mut self.tree.tables, fds);
        self.maps.tables.insert(id, index);
        Ok(index)
    }

    /// Epoll files name what they watch by descriptor.
    fn watch(&mut self, fds: &[Fd]) {
        for fd in fds {
            if let Some(FileKind::Epoll(items)) =
                self.tree.files.get_mut(fd.file).map(|f| &mut f.kind)
            {
                for item in items {
                    if let Some(found) = fds.iter().find(|f| f.fd == item.fd) {
                        item.file = found.file;
                    }
                }
            }
        }
    }

    /// The index of the file with this number; `None` if streams have nothing like it.
    fn file(&mut self, id: u64, asked: &str) -> Result<Option<usize>> {
        if let Some(&known) = self.files.get(&id) {
            return Ok(known);
        }
        let m = self.entries.need(id, asked)?.clone();
        let kind = m.u64("type");
        let mut made = self.make_file(kind, &m)?;
        let path = self.entries.path(id);
        if let (Some(_), Some(file), Some(path)) = (self.entries.remap(id), &mut made, path) {
            file.kind = FileKind::Path(path);
        }
        match (self.entries.remap(id), &made) {
            (Some(Remap::Ghost(_)), _) => {
                let why = "the file has no name any more, and records of a stream do not hold its contents";
                self.loss("criu.ghost-file", "remap-fpath.img", "orig_id", id, why);
            }
            (None, None) => self.loss(
                "criu.file-kind",
                "files.img",
                "id",
                format!("{id}, of type {kind}"),
                "streams have no such file",
            ),
            _ => {}
        }
        let index = made.map(|file| Tree::add(&mut self.tree.files, file));
        self.files.insert(id, index);
        Ok(index)
    }

    fn make_file(&mut self, kind: u64, m: &Msg) -> Result<Option<File>> {
        let field = match kind {
            fd_type::REG => "reg",
            fd_type::PIPE => "pipe",
            fd_type::FIFO => "fifo",
            fd_type::INETSK => "isk",
            fd_type::UNIXSK => "usk",
            fd_type::EVENTFD => "efd",
            fd_type::EVENTPOLL => "epfd",
            fd_type::TTY => "tty",
            _ => return Ok(None),
        };
        let Some(own) = m.sub(field) else {
            return Ok(None);
        };
        let mut file = File {
            flags: own.u32("flags"),
            pos: own.u64("pos"),
            kind: FileKind::Path(String::new()),
        };
        file.kind = match kind {
            fd_type::REG => {
                self.check_defaults("files.img", &own);
                FileKind::Path(own.text("name").unwrap_or_default())
            }
            fd_type::PIPE => {
                FileKind::Pipe(self.pipe(own.u64("pipe_id"), "pipes-data.img", "PIPES_DATA")?)
            }
            fd_type::FIFO => {
                let under = self
                    .entries
                    .get(own.u64("regf_id"))
                    .and_then(|m| m.sub("reg"));
                let Some(under) = under else { return Ok(None) };
                file.flags = under.u32("flags");
                FileKind::Fifo(
                    under.text("name").unwrap_or_default(),
                    self.pipe(own.u64("pipe_id"), "fifo-data.img", "FIFO_DATA")?,
                )
            }
            fd_type::UNIXSK | fd_type::INETSK => match self.socket(kind, &own)? {
                Some(socket) => FileKind::Socket(socket),
                None => return Ok(None),
            },
            fd_type::EVENTFD => FileKind::Eventfd(own.u64("counter"), own.u32("flags")),
            fd_type::EVENTPOLL => FileKind::Epoll(epoll_items(&own)),
            _ => match self.tty(own.u64("tty_info_id"))? {
                Some(tty) => FileKind::Tty(tty),
                None => return Ok(None),
            },
        };
        Ok(Some(file))
    }

    fn pipe(&mut self, id: u64, name: &'static str, kind: &str) -> Result<usize> {
        if let Some(&index) = self.maps.pipes.get(&id) {
            return Ok(index);
        }
        let mut pipe = Pipe::default();
        if let Some(entry) = self.keyed(name, kind, "pipe_id", id)?.into_iter().next() {
            let usual = criu_defaults::pipe_size(entry.message.u64("bytes"));
            if let Some(size) = entry.message.get("size").filter(|&s| s != usual) {
                let why = "streams do not keep the size of a pipe's buffer";
                self.loss("criu.pipe-size", name, "size", size, why);
            }
            pipe.data = entry.payload;
        }
        let index = Tree::add(&mut self.tree.pipes, pipe);
        self.maps.pipes.insert(id, index);
        Ok(index)
    }

    fn socket(&mut self, kind: u64, own: &Msg) -> Result<Option<usize>> {
        let ino = own.u64("ino");
        if let Some(&index) = self.sockets.get(&ino) {
            return Ok(Some(index));
        }
        let unix = kind == fd_type::UNIXSK;
        if !unix && own.u64("family") != 2 {
            return Ok(None);
        }
        self.check_defaults("files.img", own);
        let opts = own.sub("opts");
        let opt = |field: &str| opts.as_ref().map_or(0, |o| o.u32(field));
        let mut socket = Socket {
            family: if unix { 1 } else { 2 },
            kind: u16::try_from(own.u64("type")).unwrap_or(0),
            protocol: u8::try_from(own.u64("proto")).unwrap_or(0),
            state: u8::try_from(own.u64("state")).unwrap_or(0),
            backlog: own.u32("backlog"),
            buffers: [opt("so_sndbuf"), opt("so_rcvbuf")],
            shutdown: u8::try_from(own.u64("shutdown")).unwrap_or(0),
            reuse: opt("reuseaddr") != 0,
            ..Socket::default()
        };
        if let Some(opts) = &opts {
            self.check_defaults("files.img", opts);
        }
        if unix {
            let name = own.bytes("name");
            if !name.is_empty() {
                socket.addrs[0] = [&[1, 0], name.as_slice()].concat();
                if !matches!(name.first(), Some(0 | b'/')) {
                    socket.dir = own.text("name_dir").unwrap_or_default();
                }
            }
        } else {
            for (addr, port, to) in [("src_addr", "src_port", 0), ("dst_addr", "dst_port", 1)] {
                let mut bytes = vec![2, 0];
                bytes.extend(u16::try_from(own.u64(port)).unwrap_or(0).to_be_bytes());
                bytes.extend(
                    u32::try_from(own.numbers(addr).first().copied().unwrap_or(0))
                        .unwrap_or(0)
                        .to_le_bytes(),
                );
                bytes.resize(16, 0);
                if let Some(slot) = socket.addrs.get_mut(to) {
                    *slot = bytes;
                }
            }
        }
        let packets = self.keyed("sk-queues.img", "SK_QUEUES", "id_for", own.u64("id"))?;
        socket.queue = packets.into_iter().filter_map(|e| e.payload).collect();
        let index = Tree::add(&mut self.tree.sockets, socket);
        self.sockets.insert(ino, index);
        if unix && own.u64("peer") != 0 {
            self.peer(index, own.u64("peer"))?;
        }
        Ok(Some(index))
    }

    fn peer(&mut self, index: usize, ino: u64) -> Result<()> {
        let other = self.entries.unix(ino).and_then(|id| self.entries.get(id));
        let other = other.and_then(|m| m.sub("usk"));
        let peer = match other {
            Some(other) => self.socket(fd_type::UNIXSK, &other)?,
            None => None,
        };
        if let Some(socket) = self.tree.sockets.get_mut(index) {
            socket.peer = peer;
        }
        Ok(())
    }

    fn tty(&mut self, id: u64) -> Result<Option<usize>> {
        if let Some(&index) = self.ttys.get(&id) {
            return Ok(Some(index));
        }
        let info = self.keyed("tty-info.img", "TTY_INFO", "id", id)?;
        let info = info.into_iter().next().map(|e| e.message);
        let Some(info) = info.filter(|m| m.u64("type") == kept::TTY_PTY) else {
            return Ok(None);
        };
        self.check_defaults("tty-info.img", &info);
        let mut tty = Tty {
            index: info.sub("pty").map_or(0, |p| p.u32("index")),
            // Unix98 masters have the major number 5 (/dev/ptmx), slaves 136 and up.
            master: info.u64("rdev") >> 8 == 5,
            session: (info.u32("sid"), info.u32("pgrp")),
            ..Tty::default()
        };
        if let Some(t) = info.sub("termios") {
            tty.modes = [
                "c_iflag", "c_oflag", "c_cflag", "c_lflag", "c_ispeed", "c_ospeed",
            ]
            .map(|f| t.u32(f));
            tty.line = u8::try_from(t.u64("c_line")).unwrap_or(0);
            tty.cc = control_characters(&t);
        }
        if let Some(w) = info.sub("winsize") {
            tty.winsize = ["ws_row", "ws_col", "ws_xpixel", "ws_ypixel"]
                .map(|f| u16::try_from(w.u64(f)).unwrap_or(0));
        }
        let data = self.keyed("tty-data.img", "TTY_DATA", "tty_id", id)?;
        tty.data = data
            .first()
            .map(|e| e.message.bytes("data"))
            .unwrap_or_default();
        let index = Tree::add(&mut self.tree.ttys, tty);
        self.ttys.insert(id, index);
        Ok(Some(index))
    }

    /// Terminals name their session; a stream names the terminal with the leader of the session.
    fn controlling_terminals(&mut self) {
        let ttys = self.tree.ttys.iter().enumerate();
        // The program's side is the one that controls.
        let of_session: HashMap<i32, usize> = ttys
            .filter(|(_, tty)| !tty.master)
            .map(|(i, tty)| (tty.session.0.cast_signed(), i))
            .collect();
        for task in self.tree.tasks.iter().filter(|t| t.tid == t.sid) {
            if let Some(live) = &task.live
                && let Some(process) = self.tree.processes.get_mut(live.process)
            {
                process.tty = of_session.get(&task.sid).copied();
            }
        }
    }

    fn mm(&mut self, pid: u32, id: u64) -> Result<usize> {
        if let Some(&index) = self.maps.mms.get(&id) {
            return Ok(index);
        }
        let m = only(self.set.need(&format!("mm-{pid}.img"))?, "MM")?;
        self.check_defaults(&format!("mm-{pid}.img"), &m);
        let exe = match m.u64("exe_file_id") {
            NO_FILE if self.entries.get(NO_FILE).is_none() => None,
            exe => self.file(exe, &format!("mm-{pid}.img"))?,
        };
        let pair = |a: &str, b: &str| (m.u64(a), m.u64(b));
        let mut mm = Mm {
            exe,
            auxv: auxv(&m),
            code: pair("mm_start_code", "mm_end_code"),
            data: pair("mm_start_data", "mm_end_data"),
            brk: pair("mm_start_brk", "mm_brk"),
            start_stack: m.u64("mm_start_stack"),
            args: pair("mm_arg_start", "mm_arg_end"),
            env: pair("mm_env_start", "mm_env_end"),
            dumpable: dumpable(&m),
            vmas: Vec::new(),
        };
        let mut vmas = m.subs("vmas");
        if let (true, Some(file)) = (vmas.is_empty(), self.set.get(&format!("vmas-{pid}.img"))) {
            vmas = image::read(file, "VMAS")?
                .into_iter()
                .map(|e| e.message)
                .collect();
        }
        // Pages that private mappings of a memfd show where they have none of their own, by first address.
        let mut shown = HashMap::new();
        for v in &vmas {
            if let Some(mut vma) = self.vma(v, pid)? {
                if !vma.pages.is_empty() {
                    shown.insert(vma.start, std::mem::take(&mut vma.pages));
                }
                mm.vmas.push(vma);
            }
        }
        mm.vmas.sort_by_key(|v| v.start);
        for start in take_overlaps(&mut mm.vmas) {
            let record = format!("mm-{pid}.img");
            let value = format!("{start:#x}");
            self.loss("criu.bad-mapping", record, "vmas.start", value, OVERLAPS);
        }
        let pages = self
            .memory
            .pages(self.set, &format!("pagemap-{pid}.img"), &mut self.losses)?;
        for (addr, len) in distribute(&mut mm.vmas, pages) {
            let record = format!("pagemap-{pid}.img");
            let value = format!("{len} bytes at {addr:#x}");
            let why = "no mapping has these pages";
            self.loss("criu.stray-pages", record, "vaddr", value, why);
        }
        for vma in &mut mm.vmas {
            if let Some(below) = shown.get(&vma.start) {
                vma.pages = overlaid(&vma.pages, below);
            }
        }
        let index = Tree::add(&mut self.tree.mms, mm);
        self.maps.mms.insert(id, index);
        Ok(index)
    }

    fn vma(&mut self, v: &Msg, pid: u32) -> Result<Option<Vma>> {
        let record = format!("mm-{pid}.img");
        let (start, end) = (v.u64("start"), v.u64("end"));
        if start >= end || start % pagemap::PAGE != 0 || end % pagemap::PAGE != 0 {
            return Err(Error::damaged(
                record,
                8,
                "mapping",
                format!("{start:#x} to {end:#x}"),
                "pages",
            ));
        }
        let mut flags = v.u64("prot") & 7 | 0x70;
        let mut known = 0x22;
        for (map, vm) in MAP_BITS {
            known |= map;
            if v.u64("flags") & map != 0 {
                flags |= vm;
            }
        }
        if v.u64("flags") & !known != 0 {
            self.loss(
                "criu.map-flags",
                record.clone(),
                "vmas.flags",
                format!("{:#x} at {start:#x}", v.u64("flags") & !known),
                "streams have no such flag",
            );
        }
        let madv = v.u64("madv");
        let mut rest = madv;
        for (number, vm) in MADVISE_BITS {
            if madv & 1 << number != 0 {
                flags |= vm;
                rest &= !(1 << number);
            }
        }
        if rest != 0 {
            self.loss(
                "criu.madvise",
                record.clone(),
                "vmas.madv",
                format!("{rest:#x} at {start:#x}"),
                "streams have no such advice",
            );
        }
        let (mut offset, mut pages) = (v.u64("pgoff"), Vec::new());
        let kind = match MappedAs::of(v) {
            MappedAs::Special => VmaKind::Special,
            MappedAs::Vdso => VmaKind::Vdso,
            MappedAs::Shared => VmaKind::Shared(self.segment(v, &record)?),
            MappedAs::PrivateMemfd => {
                pages = self.shown_of_memfd(v, &record)?;
                offset = 0;
                VmaKind::Anon
            }
            MappedAs::File => {
                let Some(file) = self.file(v.u64("shmid"), &record)? else {
                    self.loss(
                        "criu.mapping",
                        record,
                        "vmas.start",
                        format!("{start:#x}"),
                        "streams cannot map a file of this kind",
                    );
                    return Ok(None);
                };
                VmaKind::File(file)
            }
            MappedAs::Anonymous => {
                offset = 0;
                VmaKind::Anon
            }
        };
        Ok(Some(Vma {
            start,
            end,
            flags,
            kind,
            offset,
            pages,
        }))
    }

    /// What a private mapping of a memfd shows where nothing was written to it.
    fn shown_of_memfd(&mut self, v: &Msg, record: &str) -> Result<Vec<Pages>> {
        let memfd = self.memfd(v.u64("shmid"), record)?;
        self.loss(
            "criu.private-memfd",
            record,
            "vmas.start",
            format!("{:#x}", v.u64("start")),
            "streams have no memfd; the mapping gets pages of its own",
        );
        let (start, from) = (v.u64("start"), v.u64("pgoff"));
        let map = format!("pagemap-shmem-{}.img", memfd.u64("shmid"));
        let all = self.memory.peek(self.set, &map, &mut self.losses)?;
        let shown = within(&all, from, v.u64("end") - start);
        let moved = |p: Pages| Pages {
            addr: p.addr - from + start,
            ..p
        };
        Ok(shown.map(moved).collect())
    }

    /// The memory behind a file made by `memfd_create`.
    fn memfd(&mut self, file: u64, asked: &str) -> Result<Msg> {
        let own = self.entries.get(file).and_then(|m| m.sub("memfd"));
        let found = match own.map(|m| m.u64("inode_id")) {
            Some(inode) => self.keyed("memfd.img", "MEMFD_INODE", "inode_id", inode)?,
            None => Vec::new(),
        };
        let found = found.into_iter().next().map(|e| e.message);
        found.ok_or_else(|| Error::damaged(asked, 8, "memfd", file, "a number in memfd.img"))
    }

    /// Shared anonymous memory: a segment of its own, or since 4.0 a memfd called `/dev/zero`.
    fn segment(&mut self, v: &Msg, record: &str) -> Result<usize> {
        let reach = v.u64("pgoff").saturating_add(v.u64("end") - v.u64("start"));
        let (mut shmid, mut size) = (v.u64("shmid"), reach);
        if v.u64("status") & status::MEMFD != 0 {
            let found = self.memfd(shmid, record)?;
            (shmid, size) = (found.u64("shmid"), found.u64("size").max(reach));
            self.loss(
                "criu.memfd",
                "memfd.img",
                "name",
                found.text("name").unwrap_or_default(),
                "streams have no memfd; it comes back as shared anonymous memory",
            );
        }
        if let Some(&index) = self.segments.get(&shmid) {
            if let Some(segment) = self.tree.segments.get_mut(index) {
                segment.size = segment.size.max(size);
            }
            return Ok(index);
        }
        let pages = self.memory.pages(
            self.set,
            &format!("pagemap-shmem-{shmid}.img"),
            &mut self.losses,
        )?;
        let index = Tree::add(&mut self.tree.segments, Segment { size, pages });
        self.segments.insert(shmid, index);
        Ok(index)
    }

    /// System V objects. A segment may be mapped by tasks, under its own number, or by nobody.
    fn ipc_objects(&mut self) -> Result<IpcObjects> {
        let mut objects = IpcObjects::default();
        for entry in self.first("ipcns-shm-", "IPCNS_SHM")? {
            let (owner, size) = (ipc_owner(&entry.message), entry.message.u64("size"));
            let shmid = u64::from(owner.id);
            let pages = match entry.payload {
                Some(bytes) if !entry.message.flag("in_pagemaps") => {
                    self.memory.plain(bytes.part(0, size))
                }
                _ => self.memory.pages(
                    self.set,
                    &format!("pagemap-shmem-{shmid}.img"),
                    &mut self.losses,
                )?,
            };
            let memory = *self
                .segments
                .entry(shmid)
                .or_insert_with(|| Tree::add(&mut self.tree.segments, Segment::default()));
            if let Some(segment) = self.tree.segments.get_mut(memory) {
                *segment = Segment { size, pages };
            }
            objects.segments.push(IpcSegment { owner, memory });
        }
        for entry in self.first("ipcns-msg-", "IPCNS_MSG")? {
            objects.queues.push(IpcQueue {
                owner: ipc_owner(&entry.message),
                max_bytes: entry.message.u32("qbytes"),
                messages: image::ipc_messages(&entry)?,
            });
        }
        for entry in self.first("ipcns-sem-", "IPCNS_SEM")? {
            let count = usize::try_from(entry.message.u64("nsems")).unwrap_or(0);
            let bytes = match &entry.payload {
                Some(payload) => payload.read_all(MAX_SEMAPHORES)?,
                None => Vec::new(),
            };
            let values = bytes.chunks_exact(2).take(count);
            objects.semaphores.push(IpcSemaphores {
                owner: ipc_owner(&entry.message),
                values: values
                    .map(|v| v.iter().rev().fold(0, |n, &b| n << 8 | u16::from(b)))
                    .collect(),
            });
        }
        Ok(objects)
    }

    /// The entries of the first file whose name begins so.
    fn first(&self, stem: &str, kind: &str) -> Result<Vec<Entry>> {
        match self.set.members().find(|b| b.name.starts_with(stem)) {
            Some(file) => image::read(file, kind),
            None => Ok(Vec::new()),
        }
    }

    fn namespaces(&mut self, inventory: &Msg) -> Result<()> {
        let first = self.set.members().find(|b| b.name.starts_with("utsns-"));
        if let Some(file) = first {
            let m = only(file, "UTSNS")?;
            self.tree.host = Some((
                m.text("nodename").unwrap_or_default(),
                m.text("domainname").unwrap_or_default(),
            ));
        }
        if let Some(file) = self
            .set
            .members()
            .find(|b| b.name.starts_with("ipcns-var-"))
        {
            let m = only(file, "IPC_VAR")?;
            self.check_defaults(&file.name.clone(), &m);
            let sem = m.numbers("sem_ctls");
            let mut limits = IpcLimits {
                shm: (
                    m.u64("shm_ctlmax"),
                    m.u64("shm_ctlall"),
                    m.u32("shm_ctlmni"),
                ),
                msg: ["msg_ctlmax", "msg_ctlmnb", "msg_ctlmni"].map(|f| m.u32(f)),
                ..IpcLimits::default()
            };
            for (to, from) in limits.sem.iter_mut().zip(sem) {
                *to = u32::try_from(from).unwrap_or(u32::MAX);
            }
            let objects = self.ipc_objects()?;
            self.tree.ipc = Some(Ipc { limits, objects });
        }
        let root = inventory.sub("root_ids");
        let own = self
            .set
            .members()
            .find(|b| b.name.starts_with("ids-"))
            .map(|b| only(b, "IDS"))
            .transpose()?;
        if let (Some(root), Some(own)) = (root, own) {
            for field in [
                "pid_ns_id",
                "net_ns_id",
                "mnt_ns_id",
                "user_ns_id",
                "cgroup_ns_id",
                "time_ns_id",
            ] {
                // A pid namespace of its own is there again when it is needed: where there is a process 1.
                let known = field == "pid_ns_id" && self.tree.tasks.iter().any(|t| t.tid == 1);
                if own.u64(field) != root.u64(field) && !known {
                    self.loss(
                        "criu.namespace",
                        "ids",
                        field,
                        own.u64(field),
                        "streams of a subtree do not make namespaces of this kind",
                    );
                }
            }
        }
        Ok(())
    }

    /// Files of the set that nobody looked at.
    fn unread(&mut self) {
        let stem = |name: &str| {
            name.find(|c: char| c.is_ascii_digit() || c == '.')
                .map_or(name.to_owned(), |i| name[..i].to_owned())
        };
        let names: Vec<String> = self.set.members().map(|b| b.name.clone()).collect();
        for name in names {
            let known = READ.contains(&stem(&name).as_str())
                || is_old(&name)
                || criu_defaults::harmless(self.set.get(&name));
            let image = self
                .set
                .get(&name)
                .is_some_and(|b| matches!(image::head(b), Ok(Some(_))))
                || Path::new(&name).extension().is_some_and(|e| e == "img");
            if image && !known {
                self.loss(
                    "criu.file",
                    name,
                    "",
                    "whole file",
                    "streams have no place for it",
                );
            }
        }
    }
}

/// Gives each mapping its pages. What lies in no mapping is left: first address and length of each stretch.
fn distribute(vmas: &mut [Vma], pages: Vec<Pages>) -> Vec<(u64, u64)> {
    let (mut at, mut stray) = (0, Vec::new());
    for mut run in pages {
        while run.len > 0 {
            while vmas.get(at).is_some_and(|v| v.end <= run.addr) {
                at += 1;
            }
            let Some(vma) = vmas.get_mut(at) else {
                stray.push((run.addr, run.len));
                break;
            };
            let skip = vma.start.saturating_sub(run.addr).min(run.len);
            if skip > 0 {
                stray.push((run.addr, skip));
            }
            run = Pages {
                addr: run.addr + skip,
                at: run.at + skip,
                len: run.len - skip,
                ..run
            };
            let take = run.len.min(vma.end.saturating_sub(run.addr));
            if take > 0 && matches!(vma.kind, VmaKind::Anon | VmaKind::File(_) | VmaKind::Vdso) {
                vma.pages.push(Pages { len: take, ..run });
            }
            run = Pages {
                addr: run.addr + take,
                at: run.at + take,
                len: run.len - take,
                ..run
            };
        }
    }
    stray
}

/// What an epoll file watches, by descriptor.
fn epoll_items(own: &Msg) -> Vec<EpollItem> {
    let item = |t: &Msg| EpollItem {
        fd: t.u32("tfd"),
        file: usize::MAX,
        events: t.u32("events"),
        data: t.u64("data"),
    };
    own.subs("tfd").iter().map(item).collect()
}

fn queue(m: &Msg) -> Vec<Vec<u8>> {
    m.subs("signals")
        .iter()
        .map(|s| s.bytes("siginfo"))
        .collect()
}

/// The alternate signal stack. `SS_DISABLE` is what an empty stack says in the stream.
pub(crate) fn alternate_stack(own: &Msg) -> (u64, u64) {
    own.sub("sas")
        .filter(|s| s.u64("ss_flags") & 2 == 0)
        .map_or((0, 0), |s| (s.u64("ss_sp"), s.u64("ss_size")))
}

/// Longest list of semaphores of one set, in bytes.
const MAX_SEMAPHORES: u64 = 1 << 20;

/// Who may use a System V object.
fn ipc_owner(m: &Msg) -> IpcOwner {
    let desc = m.sub("desc");
    let value = |field: &str| desc.as_ref().map_or(0, |d| d.u32(field));
    IpcOwner {
        id: value("id"),
        key: value("key"),
        owner: (value("uid"), value("gid")),
        creator: (value("cuid"), value("cgid")),
        mode: value("mode"),
    }
}

/// Pairs of the auxiliary vector up to the closing one.
pub(crate) fn auxv(mm: &Msg) -> Vec<(u64, u64)> {
    let words = mm.numbers("mm_saved_auxv");
    let pair = |p: &[u64]| match p {
        &[k, v] if k != 0 => Some((k, v)),
        _ => None,
    };
    words.chunks_exact(2).map_while(pair).collect()
}

/// Whether cores may be written; older sets do not say it.
pub(crate) fn dumpable(mm: &Msg) -> u32 {
    let dumpable = mm.get("dumpable");
    dumpable.and_then(|d| u32::try_from(d).ok()).unwrap_or(1)
}

/// Control characters of a terminal. CRIU copies the 19 characters as they lie in memory into an array of words: four
/// to a word.
pub(crate) fn control_characters(termios: &Msg) -> [u8; 19] {
    let cc = termios.numbers("c_cc");
    let packed = cc.iter().any(|&c| c > 0xff);
    let bytes = cc.iter().flat_map(|&c| {
        let word = u32::try_from(c).unwrap_or(0).to_le_bytes();
        word.into_iter().take(if packed { 4 } else { 1 })
    });
    let mut out = [0; 19];
    for (to, from) in out.iter_mut().zip(bytes) {
        *to = from;
    }
    out
}

/// Supplementary groups, ascending.
pub(crate) fn groups(creds: &Msg) -> Vec<u32> {
    let all = creds.numbers("groups").into_iter();
    let mut groups: Vec<u32> = all.filter_map(|g| u32::try_from(g).ok()).collect();
    groups.sort_unstable();
    groups.dedup();
    groups
}

fn credentials(m: &Msg) -> Creds {
    let words = |field: &str| {
        let n = m.numbers(field);
        n.first().copied().unwrap_or(0) & 0xffff_ffff | n.get(1).copied().unwrap_or(0) << 32
    };
    Creds {
        uid: ["uid", "euid", "suid", "fsuid"].map(|f| m.u32(f)),
        gid: ["gid", "egid", "sgid", "fsgid"].map(|f| m.u32(f)),
        caps: ["cap_inh", "cap_prm", "cap_eff", "cap_bnd"].map(words),
        securebits: m.u32("secbits"),
        groups: groups(m),
    }
}

/// CRIU reads the hexadecimal text in /proc as if it were decimal: 800000 stands for 0x800000.
fn personality(shown: u32) -> u32 {
    u32::from_str_radix(&shown.to_string(), 16).unwrap_or(shown)
}

/// The way back.
pub(crate) fn personality_shown(personality: u32) -> u64 {
    format!("{personality:x}").parse().unwrap_or(0)
}
