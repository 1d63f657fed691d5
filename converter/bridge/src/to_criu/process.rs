//! Tasks: `core-*.img` and `ids-*.img`.

use super::{NAMESPACES, OWN_IPC_NS, OWN_PID_NS, OWN_UTS_NS, Writer, number, plain};
use crate::{
    Loss, Result,
    criu::Msg,
    criu_defaults,
    from_criu::{self, ARM_REGS, PF_RANDOMIZE, personality_shown},
    siginfo,
    tree::{Creds, Live, PAGE, PF_FORKNOEXEC, PF_SUPERPRIV, State, Task},
};

/// ERESTARTSYS, ERESTARTNOINTR, ERESTARTNOHAND and ERESTART_RESTARTBLOCK.
const ERESTART: [u64; 4] = [512, 513, 514, ERESTART_BLOCK];
const ERESTART_BLOCK: u64 = 516;
/// Personality of programs of the EABI: the address space ends at 4 GiB.
const PERSONALITY: u32 = 0x0080_0000;
/// `SS_DISABLE`.
const NO_STACK: u64 = 2;

/// Whether the stack of a thread ends at the end of a page. CRIU means to fetch the page of a stack at once, compares the
/// wrong bits of the address, and so makes no page of such a process lazy.
fn has_round_stack(task: &Task) -> bool {
    const SP: usize = 13;
    let sp = task.live.as_ref().and_then(|live| live.regs.get(SP));
    sp.is_some_and(|sp| sp % PAGE == 0)
}

impl Writer<'_> {
    pub(super) fn process(&mut self, leader: &Task, threads: &[&Task]) -> Result<()> {
        let pid = leader.tid;
        let mut core = self.core(leader)?;
        let Some(live) = &leader.live else {
            let code = if let State::Zombie(code) = leader.state {
                code
            } else {
                0
            };
            let mut tc = core.sub_or_new("tc", "task_core_entry")?;
            tc.set("task_state", 2).set("exit_code", code.into());
            for field in ["personality", "flags", "blk_sigset"] {
                tc.set(field, 0);
            }
            tc.set_bytes("comm", &leader.comm);
            core.set_sub("tc", tc);
            return self.image("CORE", &format!("core-{pid}"), &[plain(core)]);
        };
        core.set_sub("tc", self.task_core(leader, live, &core)?);
        self.thread(leader, live, live, core)?;
        for thread in threads {
            if let Some(own) = &thread.live {
                let core = self.core(thread)?;
                self.thread(thread, own, live, core)?;
            }
        }
        let ids = self.ids(pid, live)?;
        self.image("IDS", &format!("ids-{pid}"), &[plain(ids)])?;
        let may_be_lazy = !has_round_stack(leader) && !threads.iter().any(|t| has_round_stack(t));
        self.mm(pid, live.mm, may_be_lazy)?;
        self.table(pid, live.table)?;
        self.dirs(pid, live.dirs)
    }

    fn core(&self, task: &Task) -> Result<Msg> {
        let mut core = self.message(&format!("core-{}.img", task.tid), "CORE")?;
        core.set("mtype", 2);
        Ok(core)
    }

    fn ids(&mut self, pid: i32, live: &Live) -> Result<Msg> {
        let kept = match &self.kept {
            Some(kept) => kept.shared(number(pid))?,
            None => None,
        };
        let mut m = kept.map_or_else(|| Msg::new("task_kobj_ids_entry"), Ok)?;
        for (field, index) in [
            ("vm_id", live.mm),
            ("files_id", live.table),
            ("fs_id", live.dirs),
            ("sighand_id", live.actions),
        ] {
            let id = self.shared_id(field, index, m.get(field));
            m.set(field, id);
        }
        if m.is_kept() {
            return Ok(m);
        }
        for (field, id) in NAMESPACES {
            m.set(field, id);
        }
        if self.own_pids() {
            m.set("pid_ns_id", OWN_PID_NS);
        }
        if self.tree.host.is_some() {
            m.set("uts_ns_id", self.namespace("utsns-", OWN_UTS_NS));
        }
        if self.tree.ipc.is_some() {
            m.set("ipc_ns_id", self.namespace("ipcns-var-", OWN_IPC_NS));
        }
        Ok(m)
    }

    /// Process 1 can only live in a pid namespace of its own.
    fn own_pids(&self) -> bool {
        self.tree.tasks.iter().any(|t| t.tid == 1)
    }

    fn task_core(&mut self, task: &Task, live: &Live, core: &Msg) -> Result<Msg> {
        let mut tc = core.sub_or_new("tc", "task_core_entry")?;
        let others = if tc.is_kept() {
            tc.u32("flags") & !(PF_FORKNOEXEC | PF_SUPERPRIV)
        } else {
            criu_defaults::fill(&mut tc);
            PF_RANDOMIZE
        };
        let flags = others
            | if live.forked { PF_FORKNOEXEC } else { 0 }
            | if live.super_user { PF_SUPERPRIV } else { 0 };
        tc.set("flags", flags.into()).set("exit_code", 0);
        // Streams say that a task is stopped, and not by which signal; the kept message does.
        let known = tc.is_kept() && tc.has("stop_signo");
        match task.state {
            State::Stopped(_) if known => &mut tc,
            State::Stopped(signal) => tc.set("stop_signo", signal.into()),
            _ => tc.clear("stop_signo"),
        };
        let stopped = matches!(task.state, State::Stopped(_));
        tc.set("task_state", if stopped { 3 } else { 1 });
        match live.abi.personality {
            Some(personality) => {
                tc.set("personality", personality_shown(personality));
            }
            None if tc.is_kept() => {}
            None => {
                self.losses.push(Loss::new(
                    "criu.no-personality",
                    format!("task {}", task.tid),
                    "personality",
                    format!("{PERSONALITY:#x} written"),
                    "the stream does not say it",
                ));
                tc.set("personality", personality_shown(PERSONALITY));
            }
        }
        tc.set("blk_sigset", live.blocked)
            .set_bytes("comm", &task.comm);
        let process = self
            .tree
            .processes
            .get(live.process)
            .cloned()
            .unwrap_or_default();
        timers(&mut tc, process.timers)?;
        limits(&mut tc, &process.limits)?;
        queue(&mut tc, "signals_s", &process.pending)?;
        self.actions(&mut tc, live.actions)?;
        Ok(tc)
    }

    fn actions(&self, tc: &mut Msg, index: usize) -> Result<()> {
        let mut old = tc.subs("sigactions").into_iter();
        let mut actions = Vec::new();
        let all = self.tree.actions.get(index).into_iter().flatten();
        // Signals 9 and 19 have no action.
        for (_, action) in all.enumerate().filter(|(i, _)| !matches!(i, 8 | 18)) {
            let mut m = old.next().map_or_else(|| Msg::new("sa_entry"), Ok)?;
            if !m.is_kept() {
                m.set("compat_sigaction", 0);
            }
            m.set("sigaction", action.handler)
                .set("flags", action.flags)
                .set("restorer", action.restorer)
                .set("mask", action.mask);
            actions.push(m);
        }
        tc.set_subs("sigactions", actions);
        Ok(())
    }

    /// Registers and what else a thread has of its own.
    fn thread(&mut self, task: &Task, live: &Live, leader: &Live, mut core: Msg) -> Result<()> {
        let mut info = core.sub_or_new("ti_arm", "thread_info_arm")?;
        info.set("clear_tid_addr", live.clear_tid)
            .set("tls", live.tls.into());
        let mut regs = info.sub_or_new("gpregs", "user_arm_regs_entry")?;
        let values = self.wound_back(task, live);
        for (name, value) in ARM_REGS.into_iter().zip(values) {
            regs.set(name, value);
        }
        info.set_sub("gpregs", regs);
        self.vfp(task, live, &mut info)?;
        core.set_sub("ti_arm", info);
        let mut own = core.sub_or_new("thread_core", "thread_core_entry")?;
        if !own.is_kept() {
            criu_defaults::fill(&mut own);
        }
        own.set("futex_rla", live.robust.0)
            .set("futex_rla_len", live.robust.1.into());
        if live.pdeath != 0 || own.has("pdeath_sig") {
            own.set("pdeath_sig", live.pdeath.into());
        }
        alternate_stack(&mut own, live.sigaltstack)?;
        let is_leader = task.tid == task.tgid;
        let as_leader = is_leader || (own.is_kept() && live.blocked == leader.blocked);
        if own.has("blk_sigset") || !as_leader {
            own.set("blk_sigset", live.blocked);
        }
        queue(&mut own, "signals_p", &live.pending)?;
        let creds = creds(own.sub_or_new("creds", "creds_entry")?, &live.creds);
        own.set_sub("creds", creds);
        if own.has("comm") || !own.is_kept() {
            own.set_bytes("comm", &task.comm);
        }
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
            self.losses.push(Loss::new(
                "criu.restart-block",
                format!("RESTART_BLOCK of thread {}", task.tid),
                "arg_4",
                format!("system call {}", live.syscall),
                "the call starts over with its whole time",
            ));
        }
        regs
    }

    fn vfp(&mut self, task: &Task, live: &Live, info: &mut Msg) -> Result<()> {
        if live.thumbee != 0 {
            self.losses.push(Loss::new(
                "criu.thumbee",
                format!("THREAD of thread {}", task.tid),
                "thumbee_state",
                format!("{:#x}", live.thumbee),
                "CRIU has no ThumbEE state",
            ));
        }
        for unit in live.units.iter().filter(|u| u.kind != 1) {
            self.losses.push(Loss::new(
                "criu.register-file",
                format!("CPU_FPU of thread {}", task.tid),
                "unit",
                unit.kind,
                "CRIU keeps VFP registers only",
            ));
        }
        let vfp = live.units.iter().find(|u| u.kind == 1);
        if vfp.is_none() && info.is_kept() && !info.has("fpstate") {
            return Ok(());
        }
        let mut fp = info.sub_or_new("fpstate", "user_arm_vfpstate_entry")?;
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
        info.set_sub("fpstate", fp);
        Ok(())
    }
}

fn timers(tc: &mut Msg, values: [(u64, u64); 3]) -> Result<()> {
    if tc.is_kept() && !tc.has("timers") && values == <[(u64, u64); 3]>::default() {
        return Ok(());
    }
    let mut timers = tc.sub_or_new("timers", "task_timers_entry")?;
    for (name, (value, period)) in ["real", "virt", "prof"].into_iter().zip(values) {
        let mut t = timers.sub_or_new(name, "itimer_entry")?;
        t.set("isec", period / 1_000_000_000)
            .set("iusec", period % 1_000_000_000 / 1000)
            .set("vsec", value / 1_000_000_000)
            .set("vusec", value % 1_000_000_000 / 1000);
        timers.set_sub(name, t);
    }
    tc.set_sub("timers", timers);
    Ok(())
}

/// Limits. A stream of a 32-bit machine has 32 bits for each, all ones for none.
fn limits(tc: &mut Msg, limits: &[(u64, u64)]) -> Result<()> {
    let unlimited = limits.iter().all(|&l| l == (u64::MAX, u64::MAX));
    if unlimited && (tc.is_kept() || limits.is_empty()) && !tc.has("rlimits") {
        return Ok(());
    }
    let mut all = tc.sub_or_new("rlimits", "task_rlimits_entry")?;
    let old = all.subs("rlimits");
    let mut list = Vec::new();
    for (i, &(cur, max)) in limits.iter().enumerate() {
        let mut m = old
            .get(i)
            .cloned()
            .map_or_else(|| Msg::new("rlimit_entry"), Ok)?;
        for (field, value) in [("cur", cur), ("max", max)] {
            let narrow = |v: u64| v.min(0xffff_ffff);
            if !m.is_kept() || narrow(m.u64(field)) != narrow(value) {
                m.set(field, value);
            }
        }
        list.push(m);
    }
    list.extend(old.into_iter().skip(limits.len()));
    all.set_subs("rlimits", list);
    tc.set_sub("rlimits", all);
    Ok(())
}

fn alternate_stack(own: &mut Msg, (sp, size): (u64, u64)) -> Result<()> {
    if own.is_kept() && from_criu::alternate_stack(own) == (sp, size) {
        return Ok(());
    }
    let mut sas = own.sub_or_new("sas", "thread_sas_entry")?;
    sas.set("ss_sp", sp)
        .set("ss_size", size)
        .set("ss_flags", if size == 0 { NO_STACK } else { 0 });
    own.set_sub("sas", sas);
    Ok(())
}

/// Queued signals. Those that a stream holds as well come back with all their bytes.
fn queue(m: &mut Msg, field: &str, pending: &[Vec<u8>]) -> Result<()> {
    if m.is_kept() && !m.has(field) && pending.is_empty() {
        return Ok(());
    }
    let mut all = m.sub_or_new(field, "signal_queue_entry")?;
    let old = all.subs("signals");
    let mut list = Vec::new();
    for (i, info) in pending.iter().enumerate() {
        match old.get(i) {
            Some(old) if siginfo::same(&old.bytes("siginfo"), info) => list.push(old.clone()),
            _ => {
                let mut m = Msg::new("siginfo_entry")?;
                m.set_bytes("siginfo", info);
                list.push(m);
            }
        }
    }
    all.set_subs("signals", list);
    m.set_sub(field, all);
    Ok(())
}

fn creds(mut m: Msg, c: &Creds) -> Msg {
    if !m.is_kept() {
        criu_defaults::fill(&mut m);
    }
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
    let same_groups = m.is_kept() && from_criu::groups(&m) == c.groups;
    let none = c.groups.is_empty() && !m.has("groups");
    if !same_groups && !none {
        m.set_numbers("groups", c.groups.iter().map(|&g| g.into()));
    }
    m
}
