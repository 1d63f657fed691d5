//! Tasks: `core-*.img` and what threads share.

use super::{Reader, only};
use crate::{
    Error, Loss, Result,
    criu::{Msg, image},
    from_core::{d32, vfp_unit},
    tree::{
        Abi, Action, Creds, Live, NO_RESTART, PF_FORKNOEXEC, PF_SUPERPRIV, Process, State, Task,
        Tree,
    },
};

/// Flag of the kernel's task: the address space is random.
pub(crate) const PF_RANDOMIZE: u32 = 0x40_0000;

/// Registers of a 32-bit ARM thread in the order of the core's register set.
pub(crate) const ARM_REGS: [&str; 18] = [
    "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "fp", "ip", "sp", "lr",
    "pc", "cpsr", "orig_r0",
];

impl Reader<'_> {
    pub(super) fn process(&mut self, entry: &Msg, leader: bool) -> Result<()> {
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
                "core-{pid}.img: a process of {}, not of 32-bit ARM",
                machine(core.u64("mtype"))
            )));
        }
        let mut task = Task {
            tid: pid.cast_signed(),
            tgid: pid.cast_signed(),
            ppid: entry.u32("ppid").cast_signed(),
            pgid: entry.u32("pgid").cast_signed(),
            sid: entry.u32("sid").cast_signed(),
            comm: tc.bytes("comm"),
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
            self.leaders.insert(pid, self.tree.tasks.len());
            self.tree.tasks.push(task);
            return Ok(());
        }
        let first = self.leaders.get(&pid);
        let first = first.and_then(|&index| self.tree.tasks.get(index)?.live.clone());
        for tid in entry
            .numbers("threads")
            .into_iter()
            .filter(|&t| t != u64::from(pid))
        {
            let core = only(self.set.need(&format!("core-{tid}.img"))?, "CORE")?;
            let Some(shared) = &first else { continue };
            let mut live = shared.clone();
            self.thread(&mut live, &core, &format!("core-{tid}.img"))?;
            let own = core.sub("thread_core").filter(|t| t.has("comm"));
            let tid = u32::try_from(tid).unwrap_or(0).cast_signed();
            let comm = own.map_or_else(|| task.comm.clone(), |t| t.bytes("comm"));
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
            self.losses.push(Loss::new(
                "criu.task-flags",
                format!("core-{pid}.img"),
                "tc.flags",
                format!("{flags:#x}"),
                "streams keep two of the kernel's flags only",
            ));
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
            x86_tls: [0; 3],
            x86_sysenter: 0,
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
            self.losses.push(Loss::new(
                "criu.posix-timer",
                format!("core-{pid}.img"),
                "tc.timers.posix",
                t.u64("it_id"),
                "streams have no timers of timer_create",
            ));
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

/// The machine of a core (`core_entry.march`), for messages.
fn machine(march: u64) -> String {
    const NAMES: [&str; 9] = [
        "an unknown machine",
        "x86-64",
        "32-bit ARM",
        "AArch64",
        "ppc64",
        "s390x",
        "MIPS",
        "LoongArch",
        "RISC-V",
    ];
    let name = usize::try_from(march).ok().and_then(|i| NAMES.get(i));
    name.map_or_else(|| format!("machine {march}"), |name| (*name).to_owned())
}

/// CRIU reads the hexadecimal text in /proc as if it were decimal: 800000 stands for 0x800000.
fn personality(shown: u32) -> u32 {
    u32::from_str_radix(&shown.to_string(), 16).unwrap_or(shown)
}

/// The way back.
pub(crate) fn personality_shown(personality: u32) -> u64 {
    format!("{personality:x}").parse().unwrap_or(0)
}
