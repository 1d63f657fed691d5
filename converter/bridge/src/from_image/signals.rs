//! What a process shares between its threads, and signals that wait.

use super::{LONG_SIGINFO, Reader};
use crate::siginfo::{RECORD_LEN, SigInfo};
use crate::tree::Process;
use ckpt_parser::model;

impl Reader<'_> {
    pub(super) fn process(&mut self, signal: &model::Signal) -> Process {
        let narrow = self.tree.machine.word() == 4;
        // RLIM_INFINITY of a 32-bit kernel.
        let limit = |v: u64| {
            if narrow && v == 0xffff_ffff {
                u64::MAX
            } else {
                v
            }
        };
        let tty = self.index.ttys.get(&signal.tty).copied();
        let group = self.group(signal.tty_pgrp).max(0).cast_unsigned();
        for tty in self.sides(tty) {
            tty.session.1 = group;
        }
        Process {
            limits: signal
                .rlimits
                .iter()
                .map(|&(cur, max)| (limit(cur), limit(max)))
                .collect(),
            timers: [signal.it_real, signal.it_virt, signal.it_prof],
            pending: self.pending(&signal.pending),
            tty,
        }
    }

    /// Queued signals in the kernel's form, from the record itself where it has all fields.
    pub(super) fn pending(&self, pending: &model::Pending) -> Vec<Vec<u8>> {
        let long = self.image.detection.dialect.revision.number() >= LONG_SIGINFO;
        let record = self.again(pending.record).filter(|_| long);
        let (order, machine) = (self.tree.order, self.tree.machine);
        let one = |(i, info): (usize, &model::SigInfo)| {
            let raw = record
                .as_ref()
                .and_then(|r| r.bytes.get(24 + i * RECORD_LEN..24 + (i + 1) * RECORD_LEN));
            let info = match raw {
                Some(raw) => SigInfo::from_record(raw, order),
                None => SigInfo::from_parts(
                    info.signo,
                    info.errno,
                    info.code,
                    info.pid,
                    info.uid,
                    info.ptr,
                    info.addr,
                    info.status,
                ),
            };
            info.to_kernel(order, machine)
        };
        pending.queue.iter().enumerate().map(one).collect()
    }
}
