//! A task: its state, registers and register files.

use super::{Emitter, Thing, padded};
use crate::bytes::Order;
use crate::core::Machine;
use crate::tree::{Live, State, Task, Unit};
use crate::x86;
use ckpt_format::Tag;

impl<'a> Emitter<'a> {
    pub(super) fn task(&mut self, task: &'a Task) {
        let leader = task.tid == task.tgid;
        self.out.record(Tag::Task, None, |r| {
            match task.state {
                State::Running => r.set("state", 0),
                State::Sleeping => r.set("state", 1),
                State::Stopped(_) => r.set("state", 4),
                State::Zombie(code) => r
                    .set("state", 64)
                    .set("exit_state", 16)
                    .set("exit_code", code.into()),
            };
            r.set("exit_signal", if leader { 17 } else { 0xffff_ffff });
            if let Some(live) = &task.live {
                r.set(
                    "flags",
                    u64::from(live.forked) | u64::from(live.super_user) << 1,
                );
                r.set("pdeath_signal", live.pdeath.into())
                    .set("clear_child_tid", live.clear_tid);
                r.set("sas_ss_sp", live.sigaltstack.0)
                    .set("sas_ss_size", live.sigaltstack.1);
                r.set("robust_futex_list", live.robust.0)
                    .set("robust_futex_head_len", live.robust.1.into());
            }
        });
        self.out.payload(
            Tag::String,
            &padded(
                task.comm.get(..task.comm.len().min(15)).unwrap_or_default(),
                16,
            ),
        );
        if let Some(live) = &task.live {
            self.live(live);
        }
    }

    fn live(&mut self, live: &'a Live) {
        self.cpu(live);
        let cred = self.cred(&live.creds);
        self.out.record(Tag::TaskCreds, None, |r| {
            r.set_i32("cred_ref", cred).set_i32("ecred_ref", cred);
        });
        let ns = self.namespaces();
        self.out.record(Tag::TaskNs, None, |r| {
            r.set_i32("ns_objref", ns);
        });
        let files = self.table(live.table, cred);
        let mm = self.mm(live.mm, cred);
        let fs = self.dirs(live.dirs);
        let sighand = self.actions(live.actions);
        let (signal, first) = self.number(Thing::Process(live.process));
        self.out.record(Tag::TaskObjs, None, |r| {
            r.set_i32("files_objref", files)
                .set_i32("mm_objref", mm)
                .set_i32("fs_objref", fs);
            r.set_i32("sighand_objref", sighand)
                .set_i32("signal_objref", signal);
        });
        if first {
            self.process(live.process);
        }
        self.pending(&live.pending);
        let blocked = self.sigset(live.blocked);
        self.out.record(Tag::SignalTask, None, |r| {
            r.set_bytes("blocked.sigset", &blocked);
        });
    }

    fn cpu(&mut self, live: &'a Live) {
        let machine = self.tree.machine;
        self.out.record(Tag::Thread, None, |r| {
            if machine == Machine::Arm {
                r.set("syscall", live.syscall.into())
                    .set("tp_value", live.tls.into())
                    .set("thumbee_state", live.thumbee.into());
            } else {
                let tls: Vec<u8> = live.x86_tls.iter().flat_map(|d| d.to_le_bytes()).collect();
                r.set("sysenter_return", live.x86_sysenter)
                    .set("gdt_entry_tls_entries", 3)
                    .set("sizeof_tls_array", 24)
                    .tail(24, &tls);
            }
        });
        self.out.record(Tag::RestartBlock, None, |r| {
            let (kind, args) = live.restart;
            r.set("function_type", kind);
            for (i, arg) in args.into_iter().enumerate() {
                r.set(&format!("arg_{i}"), arg);
            }
        });
        self.out.record(Tag::Cpu, None, |r| {
            if machine == Machine::Arm {
                for (i, &reg) in live.regs.iter().take(18).enumerate() {
                    r.set_at("uregs", i, reg);
                }
            } else {
                for (&name, &reg) in x86::registers(machine).iter().zip(&live.regs) {
                    r.set(
                        name,
                        if x86::is_segment(name) {
                            x86::segment_code(machine, reg)
                        } else {
                            reg
                        },
                    );
                }
                r.set("used_math", live.x86_fp.is_some().into());
            }
        });
        if let Some(area) = &live.x86_fp {
            let area = padded(area, self.x86_area);
            self.out.payload(Tag::CpuFpu, &area);
        }
        if machine == Machine::Arm {
            self.arm(live);
        }
    }

    /// The extension of R18: register files by number, then the binary interface.
    fn arm(&mut self, live: &'a Live) {
        let mut units: Vec<&Unit> = live.units.iter().collect();
        units.sort_by_key(|u| u.kind);
        for unit in units {
            self.out.record(Tag::CpuFpu, None, |r| {
                r.set("unit", unit.kind.into())
                    .set("flags", unit.flags.into());
                r.set("regset_len", unit.data.len() as u64);
                r.tail(32, &unit.data)
                    .resize((32 + unit.data.len()).next_multiple_of(8));
            });
        }
        let aux = |kind| {
            self.tree
                .mms
                .get(live.mm)?
                .auxv
                .iter()
                .find(|&&(k, _)| k == kind)
                .map(|&(_, v)| v)
        };
        let e_flags = live.abi.e_flags;
        let endian = match (self.tree.order, e_flags) {
            (Order::Little, _) => Some(0),
            (Order::Big, Some(f)) => Some(if f & 0x0080_0000 != 0 { 1 } else { 2 }),
            (Order::Big, None) => None,
        };
        let calling = match e_flags {
            Some(f) if f >> 24 == 0 => 1,
            Some(f) if f & 0x400 != 0 => 3,
            Some(f) if f & 0x200 != 0 => 2,
            _ => 0,
        };
        let fields = [
            ("personality", live.abi.personality.map(u64::from)),
            ("e_flags", e_flags.map(u64::from)),
            ("hwcap", aux(16)),
            ("hwcap2", aux(26)),
            ("page_size", aux(6)),
            ("endian", endian),
        ];
        self.out.record(Tag::ArmAbi, None, |r| {
            let mut valid = 0;
            for (bit, (name, value)) in fields.into_iter().enumerate() {
                if let Some(value) = value {
                    valid |= 1 << bit;
                    r.set(name, value);
                }
            }
            r.set("calling", calling).set("valid", valid);
        });
    }
}

/// `cpu_architecture()` of a kernel by the `machine` of its utsname, such as `armv7l`; 0 is unknown (§5.2).
pub(super) fn cpu_architecture(machine: &str) -> u64 {
    match machine
        .strip_prefix("armv")
        .and_then(|name| name.get(..name.len().checked_sub(1)?))
    {
        Some("4") => 2,
        Some("4t") => 3,
        Some("5") => 4,
        Some("5t") => 5,
        Some("5te") => 6,
        Some("5tej") => 7,
        Some("6") => 8,
        Some("7" | "8") => 9,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::cpu_architecture;

    #[test]
    fn machines_are_told_by_their_name_whatever_it_is() {
        assert_eq!(cpu_architecture("armv5tejl"), 7);
        assert_eq!(cpu_architecture("armv7l"), 9);
        assert_eq!(cpu_architecture("armv7b"), 9);
        for other in ["", "arm", "armv", "armv7", "armv7é", "x86_64"] {
            assert_eq!(cpu_architecture(other), 0, "{other}");
        }
    }
}
