//! A task: its state, registers and register files.

use super::{Reader, missing};
use crate::Loss;
use crate::bytes::{Fields, push_uint};
use crate::core::Machine;
use crate::tree::{Abi, Live, State, Task, Unit};
use crate::x86;
use ckpt_format::Tag;
use ckpt_parser::model;
use ckpt_parser::model::{FpRegs, ObjRef, Regs};
use std::collections::HashMap;

impl Reader<'_> {
    pub(super) fn task(&mut self, task: &model::Task) {
        let state = match (task.exit_state, task.state) {
            (0, 0) => State::Running,
            (0, 4) => State::Stopped(19),
            (0, _) => State::Sleeping,
            _ => State::Zombie(task.exit_code),
        };
        let live = task
            .live
            .as_ref()
            .filter(|_| task.exit_state == 0)
            .map(|live| self.live(task, live));
        self.tree.tasks.push(Task {
            tid: task.pid,
            tgid: task.tgid,
            ppid: task.ppid,
            pgid: task.pgid,
            sid: task.sid,
            comm: task.comm.clone(),
            state,
            live,
        });
    }

    fn live(&mut self, task: &model::Task, live: &model::Live) -> Live {
        let name = format!("task {}", task.pid);
        let (index, losses) = (&self.index, &mut self.losses);
        let mut find = |map: &HashMap<ObjRef, usize>, field: &str, number: ObjRef| {
            let found = map.get(&number).copied();
            if found.is_none() && number != 0 {
                losses.push(missing(name.clone(), field, number));
            }
            found.unwrap_or(usize::MAX)
        };
        let table = find(&index.tables, "files_objref", live.files);
        let mm = find(&index.mms, "mm_objref", live.mm);
        let actions = find(&index.actions, "sighand_objref", live.sighand);
        let process = find(&index.processes, "signal_objref", live.signal);
        if live.sem_undo != 0 {
            self.losses.push(Loss::new(
                "stream.sem-undo",
                &name,
                "sem_undo_objref",
                live.sem_undo,
                "no other format has semaphore adjustments",
            ));
        }
        if live.cred != live.ecred {
            self.losses.push(Loss::new(
                "stream.second-credentials",
                &name,
                "ecred_ref",
                live.ecred,
                "other formats have one set of credentials",
            ));
        }
        if self.tree.machine == Machine::Arm && live.fpu.is_empty() {
            self.losses.push(Loss::new(
                "stream.no-fp-state",
                &name,
                "CPU_FPU",
                "none",
                "floating point registers start at zero",
            ));
        }
        self.breakpoints(&name, &live.regs);
        let (x86_tls, x86_sysenter) = self.x86_thread(live);
        let flags = task.flags.unwrap_or(0);
        Live {
            regs: self.registers(&live.regs),
            tls: live.thread.tp_value.unwrap_or(0),
            syscall: live.thread.syscall.unwrap_or(u32::MAX),
            restart: (live.restart.kind, live.restart.args),
            thumbee: live.thread.thumbee_state.unwrap_or(0),
            units: live.fpu.iter().filter_map(|f| self.unit(f)).collect(),
            x86_fp: live.fpu.iter().find_map(|f| match &f.regs {
                FpRegs::Other(_, bytes) if self.tree.machine != Machine::Arm => Some(bytes.clone()),
                _ => None,
            }),
            x86_tls,
            x86_sysenter,
            abi: live.abi.map_or(Abi::default(), |a| Abi {
                personality: a.personality,
                e_flags: a.e_flags,
            }),
            forked: flags & 1 != 0,
            super_user: flags & 2 != 0,
            clear_tid: task.clear_child_tid,
            robust: (task.robust_list, task.robust_list_len),
            sigaltstack: (
                task.sas_ss_sp.unwrap_or(0),
                task.sas_ss_size.unwrap_or(0).into(),
            ),
            pdeath: task.pdeath_signal,
            blocked: self.blocked(live),
            pending: self.pending(&live.pending),
            creds: self.creds(live.cred),
            table,
            mm,
            dirs: self.dirs(live.fs),
            actions,
            process,
        }
    }

    /// What only a thread on x86 has: descriptors of thread-local segments, behind the fields of the record, and where
    /// the fast system call returns to.
    fn x86_thread(&self, live: &model::Live) -> ([u64; 3], u64) {
        let mut tls = [0; 3];
        if self.tree.machine == Machine::Arm {
            return (tls, 0);
        }
        let Some(record) = self.again(live.thread.record) else {
            return (tls, 0);
        };
        if let Some(slot) = record.layout.named("tls_array") {
            let bytes = record.bytes.get(slot.offset as usize..);
            for (to, from) in tls
                .iter_mut()
                .zip(bytes.unwrap_or_default().chunks_exact(8))
            {
                *to = from.iter().rev().fold(0, |n, &b| n << 8 | u64::from(b));
            }
        }
        (tls, record.uint("sysenter_return"))
    }

    /// Hardware breakpoints of x86, which streams up to R05 hold.
    fn breakpoints(&mut self, task: &str, regs: &Regs) {
        for name in ["debugreg0", "debugreg1", "debugreg2", "debugreg3"] {
            if let Some(addr) = regs.get(name).filter(|addr| *addr != 0) {
                let value = format!("{addr:#x}");
                let why = "later streams and other formats hold no hardware breakpoints";
                self.losses
                    .push(Loss::new("stream.breakpoint", task, name, value, why));
            }
        }
    }

    /// Signals that a thread blocks: the record behind its own pending signals says it.
    fn blocked(&self, live: &model::Live) -> u64 {
        let wanted = self.tables.by_tag(Tag::SignalTask).map(|r| r.number);
        let next = self
            .record_at(live.pending.record.offset)
            .and_then(|(_, _, next)| self.record_at(next));
        let record = next.filter(|(number, ..)| Some(*number) == wanted);
        record.map_or(live.blocked, |(_, record, _)| {
            self.sigset(record.bytes("blocked.sigset"))
        })
    }

    /// A set of signals: words of the machine, the first signals in the first word.
    pub(super) fn sigset(&self, bytes: &[u8]) -> u64 {
        let f = Fields {
            data: bytes,
            order: self.tree.order,
        };
        let word = self.tree.machine.word();
        let half = |at: usize| f.uint(at, word).unwrap_or(0);
        if word == 8 {
            half(0)
        } else {
            half(0) | half(4) << 32
        }
    }

    fn registers(&self, regs: &Regs) -> Vec<u64> {
        match regs {
            Regs::Arm(arm) => arm.0.iter().map(|&r| r.into()).collect(),
            Regs::Missing => vec![0; self.tree.machine.num_regs()],
            Regs::Named(..) => {
                let machine = self.tree.machine;
                let one = |name: &&str| {
                    let value = regs.get(name).unwrap_or(0);
                    if x86::is_segment(name) {
                        x86::selector(machine, value)
                    } else {
                        value
                    }
                };
                x86::registers(machine).iter().map(one).collect()
            }
        }
    }

    /// A register file in the kernel's layout.
    fn unit(&self, file: &model::FpFile) -> Option<Unit> {
        let order = self.tree.order;
        let mut data = Vec::new();
        let mut put = |values: &[u64], size: usize| {
            for &v in values {
                push_uint(&mut data, order, v, size);
            }
        };
        let wide = |words: &[u32]| words.iter().map(|&w| u64::from(w)).collect::<Vec<_>>();
        let kind = match &file.regs {
            FpRegs::Vfp(vfp) => {
                put(&vfp.d, 8);
                put(&[vfp.fpscr.into()], 4);
                put(&wide(&vfp.exc.unwrap_or_default()), 4);
                1
            }
            FpRegs::Fpa(fpa) => {
                put(&wide(fpa.f.as_flattened()), 4);
                put(&wide(&[fpa.fpsr, fpa.fpcr]), 4);
                put(&fpa.ftype.map(u64::from), 1);
                put(&[fpa.init_flag.into()], 4);
                2
            }
            FpRegs::Iwmmxt(wmmx) => {
                put(&wmmx.wr, 8);
                put(&wide(&[wmmx.wcssf, wmmx.wcasf]), 4);
                put(&wide(&wmmx.wcgr), 4);
                3
            }
            FpRegs::Crunch(crunch) => {
                put(&crunch.mvdx, 8);
                put(&wide(crunch.mvax.as_flattened()), 4);
                put(&[crunch.dspsc], 8);
                4
            }
            FpRegs::XscaleDsp(acc) => {
                put(&wide(acc), 4);
                5
            }
            FpRegs::Other(..) => return None,
        };
        Some(Unit {
            kind,
            flags: file.flags,
            data,
        })
    }
}
