//! Signal handlers, and what a process shares between its threads.

use super::{Emitter, NO_PID, Thing};
use crate::bytes::push_uint;
use crate::siginfo::SigInfo;
use ckpt_format::{Object, Tag};

impl Emitter<'_> {
    pub(super) fn actions(&mut self, index: usize) -> i32 {
        let (number, first) = self.announce(Object::Sighand, Thing::Actions(index));
        let Some(actions) = self.tree.actions.get(index).filter(|_| first) else {
            return number;
        };
        let mut bytes = Vec::new();
        for a in actions.iter().take(64) {
            for value in [a.handler, a.flags, a.restorer] {
                push_uint(&mut bytes, self.tree.order, value, 8);
            }
            bytes.extend(self.sigset(a.mask));
        }
        bytes.resize(64 * 32, 0);
        self.out.record(Tag::Sighand, None, |r| {
            r.tail(8, &bytes);
        });
        number
    }

    pub(super) fn process(&mut self, index: usize) {
        let Some(process) = self.tree.processes.get(index) else {
            return;
        };
        let tty = process.tty.map_or(0, |tty| self.tty(tty, None));
        let group = process
            .tty
            .and_then(|t| self.tree.ttys.get(t))
            .map_or(0, |t| t.session.1.cast_signed());
        let narrow = self.tree.machine.word() == 4;
        let mut limits = Vec::new();
        for i in 0..16 {
            let (cur, max) = process
                .limits
                .get(i)
                .copied()
                .unwrap_or((u64::MAX, u64::MAX));
            for value in [cur, max] {
                let value = if narrow {
                    value.min(0xffff_ffff)
                } else {
                    value
                };
                push_uint(&mut limits, self.tree.order, value, 8);
            }
        }
        self.out.record(Tag::Signal, None, |r| {
            r.set_bytes("rlim", &limits);
            for (name, (value, period)) in ["real", "virt", "prof"].into_iter().zip(process.timers)
            {
                r.set(&format!("it_{name}_value"), value)
                    .set(&format!("it_{name}_incr"), period);
            }
            r.set_i32("tty_objref", tty)
                .set_i32("tty_pgrp", group)
                .set_i32("tty_old_pgrp", NO_PID);
        });
        self.pending(&process.pending);
    }

    /// A set of signals as the kernel keeps it: words of the machine, the first signals in the first word.
    pub(super) fn sigset(&self, mask: u64) -> Vec<u8> {
        let mut out = Vec::new();
        if self.tree.machine.word() == 8 {
            push_uint(&mut out, self.tree.order, mask, 8);
        } else {
            push_uint(&mut out, self.tree.order, mask, 4);
            push_uint(&mut out, self.tree.order, mask >> 32, 4);
        }
        out
    }

    pub(super) fn pending(&mut self, queue: &[Vec<u8>]) {
        let order = self.tree.order;
        let mut mask = 0;
        let mut bytes = Vec::new();
        for info in queue {
            let info = SigInfo::from_kernel(info, order, self.tree.machine);
            mask |= 1_u64.checked_shl(info.signo.wrapping_sub(1)).unwrap_or(0);
            bytes.extend(info.to_record(order));
        }
        let mask = self.sigset(mask);
        self.out.record(Tag::Sigpending, None, |r| {
            r.set("nr_pending", queue.len() as u64)
                .set_bytes("signal.sigset", &mask)
                .tail(24, &bytes);
        });
    }
}
