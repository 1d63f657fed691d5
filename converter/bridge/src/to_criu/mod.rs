//! From a [`Tree`] to a CRIU image set that every CRIU from 3.15 on restores.

use std::{
    collections::{HashMap, HashSet},
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
        pagemap::{LAZY, PAGE, PRESENT, Writer as PagemapWriter},
        schema::Kind,
    },
    criu_defaults,
    from_criu::{
        ARM_REGS, MADVISE_BITS, MAP_BITS, PF_FORKNOEXEC, PF_RANDOMIZE, PF_SUPERPRIV, fd_type,
        personality_shown, status,
    },
    tree::{Creds, FileKind, Live, Mm, Pages, Socket, State, Task, Tree, Vma, VmaKind},
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
/// First number of a shared segment.
const FIRST_SHMID: u64 = 100;
/// First inode number of a socket or pipe.
const FIRST_INODE: u64 = 10_000;
/// The page of exception vectors on ARM.
const VECTORS: u64 = 0xffff_0000;
/// ERESTARTSYS, ERESTARTNOINTR, ERESTARTNOHAND and ERESTART_RESTARTBLOCK.
const ERESTART: [u64; 4] = [512, 513, 514, ERESTART_BLOCK];
const ERESTART_BLOCK: u64 = 516;
/// Personality of programs of the EABI: the address space ends at 4 GiB.
const PERSONALITY: u32 = 0x0080_0000;
/// Path of the controlling side of a pseudo terminal.
const PTMX: &str = "/dev/ptmx";

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
    let mut w = Writer {
        tree,
        dir: dir.to_owned(),
        losses: Vec::new(),
        files: Vec::new(),
        file_ids: HashMap::new(),
        ttys: HashMap::new(),
        tty_infos: Vec::new(),
        tty_data: Vec::new(),
        written: HashSet::new(),
        next_pages: 1,
    };
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
    files: Vec<Entry>,
    file_ids: HashMap<usize, u64>,
    ttys: HashMap<usize, u64>,
    tty_infos: Vec<Entry>,
    tty_data: Vec<Entry>,
    written: HashSet<Once>,
    next_pages: u32,
}

fn plain(message: Msg) -> Entry {
    Entry {
        message,
        payload: None,
    }
}

impl Writer<'_> {
    fn tree(&mut self) -> Result<()> {
        let mut pstree = Vec::new();
        for leader in self.tree.tasks.iter().filter(|t| t.tid == t.tgid) {
            let threads: Vec<&Task> = self
                .tree
                .tasks
                .iter()
                .filter(|t| t.tgid == leader.tid && t.tid != leader.tid)
                .collect();
            let mut m = Msg::new("pstree_entry")?;
            // The parent of the root is outside of the set.
            let inside = self.tree.tasks.iter().any(|t| t.tid == leader.ppid);
            let ppid = if inside { number(leader.ppid) } else { 0 };
            m.set("pid", number(leader.tid))
                .set("ppid", ppid)
                .set("pgid", number(leader.pgid))
                .set("sid", number(leader.sid));
            let own = if leader.live.is_some() {
                number(leader.tid)
            } else {
                0
            };
            m.set_numbers(
                "threads",
                [own]
                    .into_iter()
                    .chain(threads.iter().map(|t| number(t.tid))),
            );
            pstree.push(plain(m));
            self.process(leader, &threads)?;
        }
        self.image("PSTREE", "pstree", &pstree)?;
        let files = std::mem::take(&mut self.files);
        self.image("FILES", "files", &files)?;
        self.pipes()?;
        self.sockets()?;
        let (infos, data) = (
            std::mem::take(&mut self.tty_infos),
            std::mem::take(&mut self.tty_data),
        );
        if !infos.is_empty() {
            self.image("TTY_INFO", "tty-info", &infos)?;
        }
        if !data.is_empty() {
            self.image("TTY_DATA", "tty-data", &data)?;
        }
        self.namespaces()?;
        self.image("SECCOMP", "seccomp", &[plain(Msg::new("seccomp_entry")?)])?;
        self.inventory()
    }

    fn image(&self, kind: &str, stem: &str, entries: &[Entry]) -> Result<()> {
        let kind = Kind::by_name(kind).ok_or_else(|| Error::Unsupported(kind.to_owned()))?;
        let mut out = self.create(&format!("{stem}.img"))?;
        image::write(kind, entries, &mut out)?;
        self.close(out, stem)
    }

    fn create(&self, name: &str) -> Result<BufWriter<OsFile>> {
        let path = self.dir.join(name);
        let file =
            OsFile::create_new(&path).map_err(|e| Error::io(path.display().to_string(), e))?;
        Ok(BufWriter::new(file))
    }

    fn close(&self, mut out: BufWriter<OsFile>, name: &str) -> Result<()> {
        out.flush()
            .map_err(|e| Error::io(format!("{}/{name}", self.dir.display()), e))
    }

    fn process(&mut self, leader: &Task, threads: &[&Task]) -> Result<()> {
        let pid = leader.tid;
        let mut core = Msg::new("core_entry")?;
        core.set("mtype", 2);
        let Some(live) = &leader.live else {
            let code = if let State::Zombie(code) = leader.state {
                code
            } else {
                0
            };
            let mut tc = Msg::new("task_core_entry")?;
            tc.set("task_state", 2)
                .set("exit_code", code.into())
                .set("personality", 0)
                .set("flags", 0)
                .set("blk_sigset", 0);
            tc.set_text("comm", &text(&leader.comm));
            core.set_sub("tc", tc);
            return self.image("CORE", &format!("core-{pid}"), &[plain(core)]);
        };
        core.set_sub("tc", self.task_core(leader, live)?);
        self.thread(leader, live, core)?;
        for thread in threads {
            if let Some(live) = &thread.live {
                let mut core = Msg::new("core_entry")?;
                core.set("mtype", 2);
                self.thread(thread, live, core)?;
            }
        }
        self.image("IDS", &format!("ids-{pid}"), &[plain(self.ids(live)?)])?;
        self.mm(pid, live.mm)?;
        self.table(live.table)?;
        self.dirs(pid, live.dirs)
    }

    fn ids(&self, live: &Live) -> Result<Msg> {
        let mut m = Msg::new("task_kobj_ids_entry")?;
        for (field, index) in [
            ("vm_id", live.mm),
            ("files_id", live.table),
            ("fs_id", live.dirs),
            ("sighand_id", live.actions),
        ] {
            m.set(field, index as u64 + 2);
        }
        for (field, id) in NAMESPACES {
            m.set(field, id);
        }
        if self.own_pids() {
            m.set("pid_ns_id", OWN_PID_NS);
        }
        if self.tree.host.is_some() {
            m.set("uts_ns_id", OWN_UTS_NS);
        }
        if self.tree.ipc.is_some() {
            m.set("ipc_ns_id", OWN_IPC_NS);
        }
        Ok(m)
    }

    /// Process 1 can only live in a pid namespace of its own.
    fn own_pids(&self) -> bool {
        self.tree.tasks.iter().any(|t| t.tid == 1)
    }

    fn task_core(&mut self, task: &Task, live: &Live) -> Result<Msg> {
        let mut tc = Msg::new("task_core_entry")?;
        let stopped = matches!(task.state, State::Stopped(_));
        let flags = PF_RANDOMIZE
            | if live.forked { PF_FORKNOEXEC } else { 0 }
            | if live.super_user { PF_SUPERPRIV } else { 0 };
        criu_defaults::fill(&mut tc);
        if live.abi.personality.is_none() {
            self.losses.push(Loss {
                code: "criu.no-personality",
                record: format!("task {}", task.tid),
                field: "personality".into(),
                value: format!("{PERSONALITY:#x} written"),
                why: "the stream does not say it",
            });
        }
        tc.set("task_state", if stopped { 3 } else { 1 })
            .set("exit_code", 0);
        if let State::Stopped(signal) = task.state {
            tc.set("stop_signo", signal.into());
        } else {
            tc.clear("stop_signo");
        }
        tc.set(
            "personality",
            personality_shown(live.abi.personality.unwrap_or(PERSONALITY)),
        )
        .set("flags", flags.into());
        tc.set("blk_sigset", live.blocked)
            .set_text("comm", &text(&task.comm));
        let process = self
            .tree
            .processes
            .get(live.process)
            .cloned()
            .unwrap_or_default();
        let mut timers = Msg::new("task_timers_entry")?;
        for (name, (value, period)) in ["real", "virt", "prof"].into_iter().zip(process.timers) {
            let mut t = Msg::new("itimer_entry")?;
            t.set("isec", period / 1_000_000_000)
                .set("iusec", period % 1_000_000_000 / 1000);
            t.set("vsec", value / 1_000_000_000)
                .set("vusec", value % 1_000_000_000 / 1000);
            timers.set_sub(name, t);
        }
        tc.set_sub("timers", timers);
        if !process.limits.is_empty() {
            let mut limits = Vec::new();
            for (cur, max) in process.limits {
                let mut m = Msg::new("rlimit_entry")?;
                m.set("cur", cur).set("max", max);
                limits.push(m);
            }
            let mut m = Msg::new("task_rlimits_entry")?;
            m.set_subs("rlimits", limits);
            tc.set_sub("rlimits", m);
        }
        tc.set_sub("signals_s", queue(&process.pending)?);
        let mut actions = Vec::new();
        for (i, action) in self
            .tree
            .actions
            .get(live.actions)
            .into_iter()
            .flatten()
            .enumerate()
        {
            if matches!(i, 8 | 18) {
                continue;
            }
            let mut m = Msg::new("sa_entry")?;
            m.set("sigaction", action.handler)
                .set("flags", action.flags)
                .set("restorer", action.restorer);
            m.set("mask", action.mask).set("compat_sigaction", 0);
            actions.push(m);
        }
        tc.set_subs("sigactions", actions);
        Ok(tc)
    }

    /// Registers and what else a thread has of its own.
    fn thread(&mut self, task: &Task, live: &Live, mut core: Msg) -> Result<()> {
        let mut info = Msg::new("thread_info_arm")?;
        info.set("clear_tid_addr", live.clear_tid)
            .set("tls", live.tls.into());
        let mut regs = Msg::new("user_arm_regs_entry")?;
        let values = self.wound_back(task, live);
        for (name, value) in ARM_REGS.into_iter().zip(values) {
            regs.set(name, value);
        }
        info.set_sub("gpregs", regs)
            .set_sub("fpstate", self.vfp(task, live)?);
        core.set_sub("ti_arm", info);
        let mut own = Msg::new("thread_core_entry")?;
        criu_defaults::fill(&mut own);
        own.set("futex_rla", live.robust.0)
            .set("futex_rla_len", live.robust.1.into());
        let (sp, size) = live.sigaltstack;
        let mut sas = Msg::new("thread_sas_entry")?;
        sas.set("ss_sp", sp)
            .set("ss_size", size)
            .set("ss_flags", if size == 0 { 2 } else { 0 });
        own.set_sub("sas", sas);
        if live.pdeath != 0 {
            own.set("pdeath_sig", live.pdeath.into());
        }
        if task.tid != task.tgid {
            own.set("blk_sigset", live.blocked);
        }
        own.set_sub("signals_p", queue(&live.pending)?)
            .set_sub("creds", creds(&live.creds)?)
            .set_text("comm", &text(&task.comm));
        core.set_sub("thread_core", own);
        self.image("CORE", &format!("core-{}", task.tid), &[plain(core)])
    }

    /// Registers as CRIU wants them: a thread that was interrupted in a system call stands before it.
    ///
    /// Kernels that freeze tasks leave an ERESTART code in r0 and the pc behind the call (§5.5); CRIU's images have none
    /// of these, since the kernel has resolved them when a debugger looks.
    fn wound_back(&mut self, task: &Task, live: &Live) -> Vec<u64> {
        let mut regs = live.regs.clone();
        regs.resize(ARM_REGS.len(), 0);
        let [r0, .., pc, cpsr, orig_r0] = regs.as_mut_slice() else {
            return regs;
        };
        let code = 0x1_0000_0000_u64.wrapping_sub(*r0);
        if live.syscall == u32::MAX || !ERESTART.contains(&code) {
            return regs;
        }
        let thumb = *cpsr & 0x20 != 0;
        *pc = pc.wrapping_sub(if thumb { 2 } else { 4 });
        *r0 = *orig_r0;
        if code == ERESTART_BLOCK {
            self.losses.push(Loss {
                code: "criu.restart-block",
                record: format!("RESTART_BLOCK of thread {}", task.tid),
                field: "arg_4".into(),
                value: format!("system call {}", live.syscall),
                why: "the call starts over with its whole time",
            });
        }
        regs
    }

    fn vfp(&mut self, task: &Task, live: &Live) -> Result<Msg> {
        let mut fp = Msg::new("user_arm_vfpstate_entry")?;
        let vfp = live.units.iter().find(|u| u.kind == 1);
        let word = |at: usize, size: usize| {
            let bytes = vfp
                .and_then(|u| u.data.get(at..at + size))
                .unwrap_or_default();
            bytes
                .iter()
                .rev()
                .fold(0_u64, |n, &b| n << 8 | u64::from(b))
        };
        fp.set_numbers("vfp_regs", (0..32).map(|i| word(8 * i, 8)));
        for (i, field) in ["fpscr", "fpexc", "fpinst", "fpinst2"]
            .into_iter()
            .enumerate()
        {
            fp.set(field, word(256 + 4 * i, 4));
        }
        for unit in live.units.iter().filter(|u| u.kind != 1) {
            self.losses.push(Loss {
                code: "criu.register-file",
                record: format!("CPU_FPU of thread {}", task.tid),
                field: "unit".into(),
                value: unit.kind.to_string(),
                why: "CRIU keeps VFP registers only",
            });
        }
        Ok(fp)
    }

    fn dirs(&mut self, pid: i32, index: usize) -> Result<()> {
        let Some(dirs) = self.tree.dirs.get(index).cloned() else {
            return Ok(());
        };
        let first = self.written.insert(Once::Dirs(index));
        if !first {
            return Ok(());
        }
        let mut m = Msg::new("fs_entry")?;
        m.set("cwd_id", self.path(&dirs.cwd, 0, 0)?)
            .set("root_id", self.path(&dirs.root, 0, 0)?)
            .set("umask", dirs.umask.into());
        self.image("FS", &format!("fs-{pid}"), &[plain(m)])
    }

    fn table(&mut self, index: usize) -> Result<()> {
        if !self.written.insert(Once::Table(index)) {
            return Ok(());
        }
        let mut entries = Vec::new();
        for fd in self.tree.tables.get(index).into_iter().flatten() {
            let Some((id, kind)) = self.file(fd.file)? else {
                continue;
            };
            let mut m = Msg::new("fdinfo_entry")?;
            m.set("id", id)
                .set("flags", fd.cloexec.into())
                .set("type", kind)
                .set("fd", fd.fd.into());
            entries.push(plain(m));
        }
        self.image("FDINFO", &format!("fdinfo-{}", index + 2), &entries)
    }

    fn next_id(&self) -> u64 {
        self.files.len() as u64 + 1
    }

    fn add_file(&mut self, kind: u64, field: &str, mut own: Msg) -> Result<u64> {
        let id = self.next_id();
        own.set("id", id);
        let mut m = Msg::new("file_entry")?;
        m.set("type", kind).set("id", id).set_sub(field, own);
        self.files.push(plain(m));
        Ok(id)
    }

    fn path(&mut self, path: &str, flags: u32, pos: u64) -> Result<u64> {
        let mut m = Msg::new("reg_file_entry")?;
        m.set("flags", flags.into())
            .set("pos", pos)
            .set_sub("fown", owner()?)
            .set_text("name", path);
        criu_defaults::fill(&mut m);
        self.add_file(fd_type::REG, "reg", m)
    }

    /// Number and kind of a file; `None` if CRIU has nothing like it.
    fn file(&mut self, index: usize) -> Result<Option<(u64, u64)>> {
        let Some(file) = self.tree.files.get(index).cloned() else {
            return Ok(None);
        };
        let kind = match &file.kind {
            FileKind::Path(_) => fd_type::REG,
            FileKind::Pipe(_) => fd_type::PIPE,
            FileKind::Fifo(..) => fd_type::FIFO,
            FileKind::Socket(s) if self.tree.sockets.get(*s).is_some_and(|s| s.family == 1) => {
                fd_type::UNIXSK
            }
            FileKind::Socket(_) => fd_type::INETSK,
            FileKind::Tty(_) => fd_type::TTY,
            FileKind::Epoll(_) => fd_type::EVENTPOLL,
            FileKind::Eventfd(..) => fd_type::EVENTFD,
        };
        if let Some(&id) = self.file_ids.get(&index) {
            return Ok(Some((id, kind)));
        }
        let flags = u64::from(file.flags);
        let id = match &file.kind {
            FileKind::Path(path) => self.path(path, file.flags, file.pos)?,
            FileKind::Pipe(pipe) => {
                let mut m = Msg::new("pipe_entry")?;
                m.set("pipe_id", FIRST_INODE + *pipe as u64)
                    .set("flags", flags)
                    .set_sub("fown", owner()?);
                self.add_file(kind, "pipe", m)?
            }
            FileKind::Fifo(path, pipe) => {
                let under = self.path(path, file.flags, file.pos)?;
                let mut m = Msg::new("fifo_entry")?;
                m.set("pipe_id", FIRST_INODE + *pipe as u64)
                    .set("regf_id", under);
                self.add_file(kind, "fifo", m)?
            }
            FileKind::Socket(s) => {
                let Some(socket) = self.tree.sockets.get(*s).cloned() else {
                    return Ok(None);
                };
                let (field, m) = if kind == fd_type::UNIXSK {
                    ("usk", unix(*s, &socket, flags)?)
                } else {
                    ("isk", inet(*s, &socket, flags)?)
                };
                if socket.family != 1 && socket.kind == 1 && !matches!(socket.state, 7 | 10) {
                    self.losses.push(Loss {
                        code: "criu.tcp-connection",
                        record: "SOCKET_INET".into(),
                        field: "tcp".into(),
                        value: format!("file {index}"),
                        why: "sequence numbers of a connection cannot be put into CRIU's images",
                    });
                    return Ok(None);
                }
                self.add_file(kind, field, m)?
            }
            FileKind::Tty(tty) => {
                let info = self.tty(*tty)?;
                let t = self.tree.ttys.get(*tty);
                let path = t
                    .filter(|t| !t.master)
                    .map_or_else(|| PTMX.to_owned(), |t| format!("/dev/pts/{}", t.index));
                let under = self.path(&path, file.flags, 0)?;
                let mut m = Msg::new("tty_file_entry")?;
                m.set("tty_info_id", info)
                    .set("flags", flags)
                    .set_sub("fown", owner()?)
                    .set("regf_id", under);
                self.add_file(kind, "tty", m)?
            }
            FileKind::Epoll(items) => {
                let mut m = Msg::new("eventpoll_file_entry")?;
                let id = self.next_id();
                let mut list = Vec::new();
                for item in items {
                    let mut t = Msg::new("eventpoll_tfd_entry")?;
                    t.set("id", id)
                        .set("tfd", item.fd.into())
                        .set("events", item.events.into())
                        .set("data", item.data);
                    list.push(t);
                }
                m.set("flags", flags)
                    .set_sub("fown", owner()?)
                    .set_subs("tfd", list);
                self.add_file(kind, "epfd", m)?
            }
            FileKind::Eventfd(counter, _) => {
                let mut m = Msg::new("eventfd_file_entry")?;
                m.set("flags", flags)
                    .set_sub("fown", owner()?)
                    .set("counter", *counter);
                self.add_file(kind, "efd", m)?
            }
        };
        self.file_ids.insert(index, id);
        Ok(Some((id, kind)))
    }

    fn tty(&mut self, index: usize) -> Result<u64> {
        if let Some(&id) = self.ttys.get(&index) {
            return Ok(id);
        }
        let id = self.ttys.len() as u64;
        self.ttys.insert(index, id);
        let Some(tty) = self.tree.ttys.get(index).cloned() else {
            return Ok(id);
        };
        let mut m = Msg::new("tty_info_entry")?;
        criu_defaults::fill(&mut m);
        // Unix98 masters are device 5:2, slave n is 136:n.
        let rdev = if tty.master {
            5 << 8 | 2
        } else {
            u64::from(136 << 8 | tty.index)
        };
        m.set("id", id)
            .set("type", 1)
            .set("sid", tty.session.0.into())
            .set("pgrp", tty.session.1.into())
            .set("rdev", rdev);
        let mut termios = Msg::new("termios_entry")?;
        let mut locked = Msg::new("termios_entry")?;
        for (field, value) in [
            "c_iflag", "c_oflag", "c_cflag", "c_lflag", "c_ispeed", "c_ospeed",
        ]
        .into_iter()
        .zip(tty.modes)
        {
            termios.set(field, value.into());
            locked.set(field, 0);
        }
        let word = |i: usize| {
            tty.cc
                .iter()
                .skip(4 * i)
                .take(4)
                .rev()
                .fold(0_u64, |n, &b| n << 8 | u64::from(b))
        };
        termios
            .set("c_line", tty.line.into())
            .set_numbers("c_cc", (0..19).map(word));
        locked.set("c_line", 0).set_numbers("c_cc", [0; 19]);
        let mut size = Msg::new("winsize_entry")?;
        for (field, value) in ["ws_row", "ws_col", "ws_xpixel", "ws_ypixel"]
            .into_iter()
            .zip(tty.winsize)
        {
            size.set(field, value.into());
        }
        let mut pty = Msg::new("tty_pty_entry")?;
        pty.set("index", tty.index.into());
        m.set_sub("termios", termios)
            .set_sub("termios_locked", locked)
            .set_sub("winsize", size)
            .set_sub("pty", pty);
        m.set("uid", 0).set("gid", 0);
        self.tty_infos.push(plain(m));
        if !tty.data.is_empty() {
            let mut m = Msg::new("tty_data_entry")?;
            m.set("tty_id", id).set_bytes("data", &tty.data);
            self.tty_data.push(plain(m));
        }
        Ok(id)
    }

    fn pipes(&self) -> Result<()> {
        let named_pipe = |f: &crate::tree::File| match &f.kind {
            FileKind::Fifo(_, pipe) => Some(*pipe),
            _ => None,
        };
        let fifos: HashSet<usize> = self.tree.files.iter().filter_map(named_pipe).collect();
        let fifo = |index: usize| fifos.contains(&index);
        for (kind, stem, named) in [
            ("PIPES_DATA", "pipes-data", false),
            ("FIFO_DATA", "fifo-data", true),
        ] {
            let mut entries = Vec::new();
            for (i, pipe) in self
                .tree
                .pipes
                .iter()
                .enumerate()
                .filter(|&(i, _)| fifo(i) == named)
            {
                let mut m = Msg::new("pipe_data_entry")?;
                m.set("pipe_id", FIRST_INODE + i as u64)
                    .set("bytes", pipe.data.as_ref().map_or(0, Blob::len))
                    .set("size", 65536);
                entries.push(Entry {
                    message: m,
                    payload: pipe.data.clone(),
                });
            }
            if !entries.is_empty() {
                self.image(kind, stem, &entries)?;
            }
        }
        Ok(())
    }

    fn sockets(&self) -> Result<()> {
        let mut entries = Vec::new();
        for (index, id) in &self.file_ids {
            let Some(FileKind::Socket(s)) = self.tree.files.get(*index).map(|f| &f.kind) else {
                continue;
            };
            for packet in self.tree.sockets.get(*s).into_iter().flat_map(|s| &s.queue) {
                let mut m = Msg::new("sk_packet_entry")?;
                m.set("id_for", *id).set("length", packet.len());
                entries.push(Entry {
                    message: m,
                    payload: Some(packet.clone()),
                });
            }
        }
        if entries.is_empty() {
            Ok(())
        } else {
            self.image("SK_QUEUES", "sk-queues", &entries)
        }
    }

    fn mm(&mut self, pid: i32, index: usize) -> Result<()> {
        if !self.written.insert(Once::Mm(index)) {
            return Ok(());
        }
        let Some(mm) = self.tree.mms.get(index) else {
            return Ok(());
        };
        let mut m = Msg::new("mm_entry")?;
        let exe = match mm.exe {
            Some(exe) => self.file(exe)?.map(|(id, _)| id),
            None => None,
        };
        if exe.is_none() {
            self.losses.push(Loss {
                code: "criu.no-program",
                record: format!("mm-{pid}.img"),
                field: "exe_file_id".into(),
                value: "unknown".into(),
                why: "the image does not name the program's file, and CRIU restores none without it",
            });
        }
        let pairs = [
            ("mm_start_code", "mm_end_code", mm.code),
            ("mm_start_data", "mm_end_data", mm.data),
            ("mm_start_brk", "mm_brk", mm.brk),
            ("mm_arg_start", "mm_arg_end", mm.args),
            ("mm_env_start", "mm_env_end", mm.env),
        ];
        for (start, end, (a, b)) in pairs {
            m.set(start, a).set(end, b);
        }
        m.set("mm_start_stack", mm.start_stack)
            .set("exe_file_id", exe.unwrap_or(NO_FILE))
            .set("dumpable", mm.dumpable.into());
        m.set_numbers(
            "mm_saved_auxv",
            mm.auxv.iter().flat_map(|&(k, v)| [k, v]).chain([0, 0]),
        );
        let mut vmas = Vec::new();
        for vma in &mm.vmas {
            vmas.push(self.vma(mm, vma)?);
        }
        criu_defaults::fill(&mut m);
        m.set_subs("vmas", vmas);
        self.image("MM", &format!("mm-{pid}"), &[plain(m)])?;
        self.segments(mm)?;
        let runs: Vec<(Pages, u32)> = mm
            .vmas
            .iter()
            .flat_map(|v| v.pages.iter().map(|&p| (p, PRESENT | lazy(v))))
            .collect();
        self.pages(&format!("pagemap-{pid}"), &runs)
    }

    fn vma(&mut self, mm: &Mm, vma: &Vma) -> Result<Msg> {
        let mut m = Msg::new("vma_entry")?;
        let shared = vma.flags & 8 != 0;
        let mut flags = if shared { 1 } else { 2 };
        for (map, vm) in MAP_BITS.into_iter().filter(|&(map, _)| map != 1) {
            flags |= if vma.flags & vm == vm { map } else { 0 };
        }
        let madv = MADVISE_BITS
            .iter()
            .filter(|(_, vm)| vma.flags & vm != 0)
            .fold(0, |bits, (n, _)| bits | 1 << n);
        let (mut shmid, mut pgoff) = (0, 0);
        let st = match vma.kind {
            VmaKind::Anon if mm.brk.0 < vma.end && vma.start < mm.brk.1 => {
                status::REGULAR | status::HEAP | status::ANON_PRIVATE
            }
            VmaKind::Anon => status::REGULAR | status::ANON_PRIVATE,
            VmaKind::Vdso => status::REGULAR | status::VDSO | status::ANON_PRIVATE,
            VmaKind::Special if vma.start == VECTORS => status::VSYSCALL | status::ANON_PRIVATE,
            VmaKind::Special => status::REGULAR | status::VVAR | status::ANON_PRIVATE,
            VmaKind::Shared(segment) => {
                (shmid, pgoff) = (FIRST_SHMID + segment as u64, vma.offset);
                status::REGULAR | status::ANON_SHARED
            }
            VmaKind::File(file) => {
                shmid = self.file(file)?.map_or(0, |(id, _)| id);
                pgoff = vma.offset;
                // How the mapped file was opened: shared and writable needs writing, else what its record says.
                let access = self.tree.files.get(file).map_or(0, |f| f.flags & 3);
                m.set(
                    "fdflags",
                    if shared && vma.flags & 2 != 0 {
                        2
                    } else {
                        access.into()
                    },
                );
                status::REGULAR
                    | if shared {
                        status::FILE_SHARED
                    } else {
                        status::FILE_PRIVATE
                    }
            }
        };
        if !matches!(vma.kind, VmaKind::File(_)) {
            flags |= 0x20;
        }
        m.set("start", vma.start)
            .set("end", vma.end)
            .set("pgoff", pgoff)
            .set("shmid", shmid);
        m.set("prot", vma.flags & 7)
            .set("flags", flags)
            .set("status", st)
            .set("fd", u64::MAX);
        if madv != 0 {
            m.set("madv", madv);
        }
        Ok(m)
    }

    fn segments(&mut self, mm: &Mm) -> Result<()> {
        for vma in &mm.vmas {
            let VmaKind::Shared(index) = vma.kind else {
                continue;
            };
            if !self.written.insert(Once::Segment(index)) {
                continue;
            }
            let pages = self
                .tree
                .segments
                .get(index)
                .map(|s| s.pages.clone())
                .unwrap_or_default();
            let runs: Vec<_> = pages.into_iter().map(|p| (p, PRESENT)).collect();
            self.pages(
                &format!("pagemap-shmem-{}", FIRST_SHMID + index as u64),
                &runs,
            )?;
        }
        Ok(())
    }

    fn pages(&mut self, stem: &str, runs: &[(Pages, u32)]) -> Result<()> {
        let id = self.next_pages;
        self.next_pages += 1;
        let name = format!("pages-{id}.img");
        let mut map = PagemapWriter::new(id);
        let mut out = self
            .create(&name)?
            .into_inner()
            .map_err(|e| Error::io(&name, e.into_error()))?;
        let mut at = 0;
        while let Some(&(first, flags)) = runs.get(at) {
            let mut end = first.addr + first.len;
            while let Some((p, _)) = runs
                .get(at)
                .filter(|(p, f)| *f == flags && (p.addr == end || p.addr == first.addr))
            {
                let blob = self
                    .tree
                    .blobs
                    .get(p.blob)
                    .ok_or_else(|| Error::Unsupported("pages of nowhere".into()))?;
                blob.part(p.at, p.len).copy_to_file(&mut out)?;
                end = p.addr + p.len;
                at += 1;
            }
            map.run(first.addr, (end - first.addr) / PAGE, flags);
        }
        let mut out = self.create(&format!("{stem}.img"))?;
        out.write_all(&map.finish())
            .map_err(|e| Error::io(stem, e))?;
        self.close(out, stem)
    }

    fn namespaces(&self) -> Result<()> {
        if let Some((node, domain)) = &self.tree.host {
            let mut m = Msg::new("utsns_entry")?;
            m.set_text("nodename", node).set_text("domainname", domain);
            self.image("UTSNS", &format!("utsns-{OWN_UTS_NS}"), &[plain(m)])?;
        }
        if let Some(limits) = &self.tree.ipc {
            let mut m = Msg::new("ipc_var_entry")?;
            criu_defaults::fill(&mut m);
            m.set_numbers("sem_ctls", limits.sem.map(u64::from))
                .set("auto_msgmni", 0);
            for (field, value) in ["msg_ctlmax", "msg_ctlmnb", "msg_ctlmni"]
                .into_iter()
                .zip(limits.msg)
            {
                m.set(field, value.into());
            }
            m.set("shm_ctlmax", limits.shm.0)
                .set("shm_ctlall", limits.shm.1)
                .set("shm_ctlmni", limits.shm.2.into());
            self.image("IPC_VAR", &format!("ipcns-var-{OWN_IPC_NS}"), &[plain(m)])?;
        }
        Ok(())
    }

    fn inventory(&self) -> Result<()> {
        let mut ids = Msg::new("task_kobj_ids_entry")?;
        for field in ["vm_id", "files_id", "fs_id", "sighand_id"] {
            ids.set(field, 1);
        }
        for (field, id) in NAMESPACES {
            ids.set(field, id);
        }
        let mut m = Msg::new("inventory_entry")?;
        m.set("img_version", 2)
            .set("fdinfo_per_id", 1)
            .set_sub("root_ids", ids)
            .set("ns_per_id", 1);
        m.set("root_cg_set", 1)
            .set("lsmtype", 0)
            .set("network_lock_method", 0);
        self.image("INVENTORY", "inventory", &[plain(m)])
    }
}

fn number(id: i32) -> u64 {
    u64::from(id.cast_unsigned())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `PE_LAZY` as the dump sets it: private anonymous memory that is neither locked nor the kernel's.
fn lazy(vma: &Vma) -> u32 {
    if vma.kind == VmaKind::Anon && vma.flags & 0x2008 == 0 {
        LAZY
    } else {
        0
    }
}

fn owner() -> Result<Msg> {
    let mut m = Msg::new("fown_entry")?;
    for field in ["uid", "euid", "signum", "pid_type", "pid"] {
        m.set(field, 0);
    }
    Ok(m)
}

fn queue(pending: &[Vec<u8>]) -> Result<Msg> {
    let mut list = Vec::new();
    for info in pending {
        let mut m = Msg::new("siginfo_entry")?;
        m.set_bytes("siginfo", info);
        list.push(m);
    }
    let mut m = Msg::new("signal_queue_entry")?;
    m.set_subs("signals", list);
    Ok(m)
}

fn creds(c: &Creds) -> Result<Msg> {
    let mut m = Msg::new("creds_entry")?;
    criu_defaults::fill(&mut m);
    for (fields, values) in [
        (["uid", "euid", "suid", "fsuid"], c.uid),
        (["gid", "egid", "sgid", "fsgid"], c.gid),
    ] {
        for (field, value) in fields.into_iter().zip(values) {
            m.set(field, value.into());
        }
    }
    for (field, caps) in ["cap_inh", "cap_prm", "cap_eff", "cap_bnd"]
        .into_iter()
        .zip(c.caps)
    {
        m.set_numbers(field, [caps & 0xffff_ffff, caps >> 32]);
    }
    m.set("secbits", c.securebits.into());
    if !c.groups.is_empty() {
        m.set_numbers("groups", c.groups.iter().map(|&g| g.into()));
    }
    Ok(m)
}

fn options(s: &Socket) -> Result<Msg> {
    let mut m = Msg::new("sk_opts_entry")?;
    criu_defaults::fill(&mut m);
    m.set("so_sndbuf", s.buffers[0].into())
        .set("so_rcvbuf", s.buffers[1].into());
    for field in [
        "so_snd_tmo_sec",
        "so_snd_tmo_usec",
        "so_rcv_tmo_sec",
        "so_rcv_tmo_usec",
        "so_priority",
        "so_passsec",
        "so_dontroute",
        "so_no_check",
        "so_oobinline",
    ] {
        m.set(field, 0);
    }
    m.set("reuseaddr", s.reuse.into()).set("so_rcvlowat", 1);
    Ok(m)
}

fn unix(index: usize, s: &Socket, flags: u64) -> Result<Msg> {
    let mut m = Msg::new("unix_sk_entry")?;
    let inode = |i: usize| FIRST_INODE + (1 << 20) + i as u64;
    m.set("ino", inode(index))
        .set("type", s.kind.into())
        .set("state", s.state.into())
        .set("flags", flags)
        .set("uflags", 0);
    m.set("backlog", s.backlog.into())
        .set("peer", s.peer.map_or(0, inode))
        .set_sub("fown", owner()?)
        .set_sub("opts", options(s)?);
    m.set_bytes("name", s.addrs[0].get(2..).unwrap_or_default())
        .set("ns_id", 2);
    if s.shutdown != 0 {
        m.set("shutdown", s.shutdown.into());
    }
    if !s.dir.is_empty() {
        m.set_text("name_dir", &s.dir);
    }
    criu_defaults::fill(&mut m);
    Ok(m)
}

fn inet(index: usize, s: &Socket, flags: u64) -> Result<Msg> {
    let mut m = Msg::new("inet_sk_entry")?;
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
    m.set("ino", FIRST_INODE + (2 << 20) + index as u64)
        .set("family", 2)
        .set("type", s.kind.into())
        .set("proto", s.protocol.into());
    m.set("state", s.state.into())
        .set("src_port", port(0))
        .set("dst_port", port(1))
        .set("flags", flags);
    m.set("backlog", s.backlog.into())
        .set_numbers("src_addr", [addr(0)])
        .set_numbers("dst_addr", [addr(1)]);
    m.set_sub("fown", owner()?)
        .set_sub("opts", options(s)?)
        .set("ns_id", 2);
    if s.shutdown != 0 {
        m.set("shutdown", s.shutdown.into());
    }
    Ok(m)
}
