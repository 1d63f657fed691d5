//! Tasks and their registers (§3.5, §5, §7, §10).

use super::*;

ids! {
    task {
        FLAGS = TASK "flags"; STATE = TASK "state"; EXIT_STATE = TASK "exit_state"; EXIT_CODE = TASK "exit_code";
        EXIT_SIGNAL = TASK "exit_signal"; PDEATH = TASK "pdeath_signal"; SET_TID = TASK "set_child_tid";
        CLEAR_TID = TASK "clear_child_tid"; SAS_SP = TASK "sas_ss_sp"; SAS_SIZE = TASK "sas_ss_size";
        ROBUST = TASK "robust_futex_list"; ROBUST_LEN = TASK "robust_futex_head_len";
        SYSCALL = THREAD "syscall"; TP = THREAD "tp_value"; THUMBEE = THREAD "thumbee_state";
        UREGS = CPU "uregs"; KIND = RESTART_BLOCK "function_type"; ARG0 = RESTART_BLOCK "arg_0"; ARG1 = RESTART_BLOCK "arg_1";
        ARG2 = RESTART_BLOCK "arg_2"; ARG3 = RESTART_BLOCK "arg_3"; ARG4 = RESTART_BLOCK "arg_4";
        CRED = TASK_CREDS "cred_ref"; ECRED = TASK_CREDS "ecred_ref"; NS = TASK_NS "ns_objref";
        FILES = TASK_OBJS "files_objref"; MM = TASK_OBJS "mm_objref"; FS = TASK_OBJS "fs_objref";
        SEM_UNDO = TASK_OBJS "sem_undo_objref"; SIGHAND = TASK_OBJS "sighand_objref"; SIGNAL = TASK_OBJS "signal_objref";
        BLOCKED = SIGNAL_TASK "blocked.sigset";
    }
    fpu {
        UNIT = CPU_FPU "unit"; FLAGS = CPU_FPU "flags"; FPSID = CPU_FPU "fpsid"; MVFR0 = CPU_FPU "mvfr0"; MVFR1 = CPU_FPU "mvfr1"; REGSET_LEN = CPU_FPU "regset_len";
        D = CPU_FPU "fpregs"; FPSCR = CPU_FPU "fpscr"; FPEXC = CPU_FPU "fpexc"; FPINST = CPU_FPU "fpinst"; FPINST2 = CPU_FPU "fpinst2";
        FPA = CPU_FPU "fpa_regs"; FPSR = CPU_FPU "fpsr"; FPCR = CPU_FPU "fpcr"; FTYPE = CPU_FPU "ftype"; INIT = CPU_FPU "init_flag";
        WR = CPU_FPU "wr"; WCSSF = CPU_FPU "wcssf"; WCASF = CPU_FPU "wcasf"; WCGR = CPU_FPU "wcgr";
        MVDX = CPU_FPU "mvdx"; MVAX = CPU_FPU "mvax"; DSPSC = CPU_FPU "dspsc"; ACC0 = CPU_FPU "acc0";
        PERSONALITY = ARM_ABI "personality"; E_FLAGS = ARM_ABI "e_flags"; HWCAP = ARM_ABI "hwcap"; HWCAP2 = ARM_ABI "hwcap2";
        PAGE_SIZE = ARM_ABI "page_size"; ENDIAN = ARM_ABI "endian"; CALLING = ARM_ABI "calling"; VALID = ARM_ABI "valid";
    }
}

impl Builder {
    pub(super) fn task(&mut self, limits: &crate::limits::Limits, event: &Event, view: &View) {
        if self.image.tasks.len() >= limits.tasks as usize {
            let found = format!("more than {} tasks", limits.tasks);
            return self.finding(Code::TooMany, event, found);
        }
        let index = u32::try_from(self.image.tasks.len()).unwrap_or(u32::MAX);
        let row = self
            .pid_rows
            .get(index as usize)
            .copied()
            .unwrap_or_default();
        let nested = self.nested_pids(index, event);
        let exit_state = get32(view, task::EXIT_STATE);
        self.image.tasks.push(Task {
            index,
            record: record(event),
            pid: row.vpid,
            tgid: row.vtgid,
            ppid: row.vppid,
            pgid: row.vpgid,
            sid: row.vsid,
            nested_pids: nested,
            comm: Vec::new(),
            state: get32(view, task::STATE),
            exit_state,
            exit_code: get32(view, task::EXIT_CODE),
            exit_signal: get32(view, task::EXIT_SIGNAL),
            pdeath_signal: get32(view, task::PDEATH),
            flags: view.u32(task::FLAGS),
            set_child_tid: get(view, task::SET_TID),
            clear_child_tid: get(view, task::CLEAR_TID),
            sas_ss_sp: view.uint(task::SAS_SP),
            sas_ss_size: view.u32(task::SAS_SIZE),
            robust_list: get(view, task::ROBUST),
            robust_list_len: get32(view, task::ROBUST_LEN),
            live: (exit_state == 0).then(Live::default),
        });
    }

    pub(super) fn task_part(&mut self, event: &Event, tag: Tag, view: &View) {
        let at = record(event);
        let signal_object = objref(view, task::SIGNAL);
        let Some(live) = self.live() else { return };
        match tag {
            Tag::Thread => {
                live.thread = Thread {
                    record: at,
                    syscall: view.u32(task::SYSCALL),
                    tp_value: view.u32(task::TP),
                    thumbee_state: view.u32(task::THUMBEE),
                };
            }
            Tag::Cpu => {
                live.cpu_record = at;
                live.regs = registers(view);
            }
            Tag::CpuFpu => live.fpu.push(fp_file(at, view)),
            Tag::ArmAbi => live.abi = Some(arm_abi(at, view)),
            Tag::RestartBlock => {
                let ids = [task::ARG0, task::ARG1, task::ARG2, task::ARG3, task::ARG4];
                live.restart = RestartBlock {
                    record: at,
                    kind: get(view, task::KIND),
                    args: ids.map(|id| get(view, id)),
                };
            }
            Tag::TaskCreds => {
                (live.cred, live.ecred) = (objref(view, task::CRED), objref(view, task::ECRED));
            }
            Tag::TaskNs => live.ns = objref(view, task::NS),
            Tag::SignalTask => live.blocked = mask(view, task::BLOCKED),
            Tag::TaskObjs => {
                live.objs_record = at;
                live.files = objref(view, task::FILES);
                live.mm = objref(view, task::MM);
                live.fs = objref(view, task::FS);
                live.sem_undo = objref(view, task::SEM_UNDO);
                live.sighand = objref(view, task::SIGHAND);
                live.signal = signal_object;
                self.implicit(event, signal_object, Object::Signal);
            }
            _ => {}
        }
    }
}

fn registers(view: &View) -> Regs {
    if view.layout.slot(task::UREGS).is_some() {
        let mut regs = ArmRegs::default();
        for (to, from) in regs.0.iter_mut().zip(view.uints(task::UREGS)) {
            *to = from as u32;
        }
        return Regs::Arm(regs);
    }
    let mut named = Vec::new();
    for slot in view.layout.slots.iter().filter(|slot| !slot.is_padding()) {
        for i in 0..view.elements(slot) {
            let name = if slot.count == 1 {
                slot.name.to_string()
            } else {
                format!("{}{i}", slot.name)
            };
            named.extend(view.element(slot, i).map(|value| (name, value)));
        }
    }
    Regs::Named(view.dialect.abi.arch, named)
}

fn fp_file(at: RecordAt, view: &View) -> FpFile {
    let unit = view.u32(fpu::UNIT);
    let flags = view.u32(fpu::FLAGS).unwrap_or(1);
    let valid = |bit: u32, id| (flags & bit != 0).then(|| get32(view, id));
    FpFile {
        record: at,
        flags,
        fpsid: valid(8, fpu::FPSID),
        mvfr: valid(16, fpu::MVFR0).map(|mvfr0| (mvfr0, get32(view, fpu::MVFR1))),
        regset_len: get32(view, fpu::REGSET_LEN),
        regs: fp_regs(unit, flags, view),
    }
}

fn fp_regs(unit: Option<u32>, flags: u32, view: &View) -> FpRegs {
    let array = |id| -> Vec<u64> { view.uints(id).collect() };
    match unit.filter(|_| view.dialect.abi.arch == Arch::Arm) {
        Some(1) => FpRegs::Vfp(Box::new(Vfp {
            d: filled(&array(fpu::D)),
            fpscr: get32(view, fpu::FPSCR),
            exc: (flags & 4 != 0)
                .then(|| [fpu::FPEXC, fpu::FPINST, fpu::FPINST2].map(|id| get32(view, id))),
            d32: flags & 2 != 0,
        })),
        Some(2) => FpRegs::Fpa(Box::new(fpa(view))),
        Some(3) => FpRegs::Iwmmxt(Box::new(Iwmmxt {
            wr: filled(&array(fpu::WR)),
            wcssf: get32(view, fpu::WCSSF),
            wcasf: get32(view, fpu::WCASF),
            wcgr: filled(&array(fpu::WCGR)).map(|word: u64| word as u32),
        })),
        Some(4) => {
            let words: [u64; 12] = filled(&array(fpu::MVAX));
            let mut mvax = [[0; 3]; 4];
            for (to, from) in mvax.iter_mut().flatten().zip(words) {
                *to = from as u32;
            }
            FpRegs::Crunch(Box::new(Crunch {
                mvdx: filled(&array(fpu::MVDX)),
                mvax,
                dspsc: get(view, fpu::DSPSC),
            }))
        }
        Some(5) => FpRegs::XscaleDsp(filled(&array(fpu::ACC0)).map(|word: u64| word as u32)),
        _ => FpRegs::Other(
            unit.unwrap_or(0),
            view.bytes.get(HEADER_SIZE..).unwrap_or_default().to_vec(),
        ),
    }
}

fn fpa(view: &View) -> Fpa {
    const WORD: FieldId = table::arch::arm::FPA_REGISTER.id("word");
    let mut f = [[0; 3]; 8];
    for (register, view) in f.iter_mut().zip(view.structs(fpu::FPA)) {
        for (to, from) in register.iter_mut().zip(view.uints(WORD)) {
            *to = from as u32;
        }
    }
    let ftype: [u64; 8] = filled(&view.uints(fpu::FTYPE).collect::<Vec<_>>());
    Fpa {
        f,
        fpsr: get32(view, fpu::FPSR),
        fpcr: get32(view, fpu::FPCR),
        ftype: ftype.map(|t| t as u8),
        init_flag: get32(view, fpu::INIT),
    }
}

fn filled<const N: usize>(from: &[u64]) -> [u64; N] {
    let mut to = [0; N];
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
    to
}

fn arm_abi(at: RecordAt, view: &View) -> ArmAbi {
    let valid = get32(view, fpu::VALID);
    let known = |bit: u32, id| (valid & bit != 0).then(|| get32(view, id));
    ArmAbi {
        record: at,
        personality: known(1, fpu::PERSONALITY),
        e_flags: known(2, fpu::E_FLAGS),
        hwcap: known(4, fpu::HWCAP),
        hwcap2: known(8, fpu::HWCAP2),
        page_size: known(16, fpu::PAGE_SIZE),
        endian: known(32, fpu::ENDIAN).map(|endian| endian as u8),
        calling: get32(view, fpu::CALLING) as u8,
    }
}
