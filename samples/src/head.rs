//! The head of an image: header, container, process tree.

use std::collections::{HashMap, HashSet};

use crate::dialect::{Arch, rec};
use crate::stream::{Stream, Struct, len32};

/// What the head of an image says about the machine and the checkpoint.
pub(crate) struct Machine {
    pub(crate) kernel: [u16; 3],
    /// utsname.version
    pub(crate) build: &'static str,
    /// utsname.machine
    pub(crate) name: &'static str,
    /// ARM: `cpu_architecture()`, 9 = v7.
    pub(crate) cpu_architecture: u32,
    /// ARM: mmu, aeabi, oabi_compat.
    pub(crate) options: [u8; 3],
    /// Bit 0 subtree, bit 1 network namespaces.
    pub(crate) uflags: u64,
    pub(crate) lsm: &'static str,
    /// Payload of LSM_INFO: only some modules add a NUL.
    pub(crate) lsm_info: &'static [u8],
}

impl Machine {
    /// A plain machine of the dialect's architecture and time.
    pub(crate) fn of(s: &Stream) -> Self {
        Self {
            kernel: if s.d.rev < 16 { [2, 6, 33] } else { [3, 0, 15] },
            build: "#1 PREEMPT Sat Mar 17 12:00:00 EDT 2012",
            name: match s.d.arch {
                Arch::Arm if s.d.big => "armv7b",
                Arch::Arm => "armv7l",
                Arch::I386 => "i686",
                Arch::X86_64 => "x86_64",
                Arch::S390x => "s390x",
                Arch::Ppc32 => "ppc",
                Arch::Ppc64 => "ppc64",
            },
            cpu_architecture: 9,
            options: [1, 1, 0],
            uflags: 1,
            lsm: "lsm_none",
            lsm_info: b"dummy",
        }
    }

    pub(crate) fn release(&self) -> String {
        let [major, minor, patch] = self.kernel;
        format!("{major}.{minor}.{patch}")
    }
}

/// One task of the process tree, in numbers of the root task's pid namespace; 0 is outside.
#[derive(Clone, Copy)]
pub(crate) struct Member {
    pub(crate) pid: i32,
    pub(crate) parent: i32,
    pub(crate) group: i32,
    pub(crate) pgid: i32,
    pub(crate) sid: i32,
    /// Its numbers in nested pid namespaces, outermost first.
    pub(crate) inner: &'static [i32],
}

impl Member {
    pub(crate) const fn process(pid: i32, parent: i32, session: i32) -> Self {
        Self {
            pid,
            parent,
            group: pid,
            pgid: session,
            sid: session,
            inner: &[],
        }
    }

    pub(crate) const fn thread(pid: i32, leader: Self) -> Self {
        Self { pid, ..leader }
    }

    pub(crate) const fn nested(self, inner: &'static [i32]) -> Self {
        Self { inner, ..self }
    }
}

impl Stream {
    /// HEADER to LSM_INFO.
    pub(crate) fn head(&mut self, machine: &Machine) {
        let d = self.d;
        self.oabi = d.arch == Arch::Arm && machine.options[1] == 0;
        self.rec(rec::HEADER, |r| {
            r.u64(0x00fe_ed0c_c0a2_d200).raw(&d.arch_id().to_le_bytes());
            for part in machine.kernel {
                r.u16(part);
            }
            r.u16(d.version()).align(8);
            // R01 to R06 give the bytes of the saved auxiliary vector, later ones its words.
            let words = d.auxv_words() * if d.rev < 7 { d.word() } else { 1 };
            r.u16(16)
                .u16(u16::try_from(words).unwrap_or_default())
                .u16(64);
            for _ in 0..6 {
                r.u16(65);
            }
            r.u16(16).u16(4096).u16(d.termios_chars());
            r.u64(0x4f64_b5f0).u64(machine.uflags);
        });
        for text in [machine.release().as_str(), machine.build, machine.name] {
            self.buffer(|b| {
                b.text(text.as_bytes(), 65);
            });
        }
        self.header_arch(machine);
        self.payload(rec::CONTAINER, b"");
        if d.rev >= 3 {
            self.buffer(|b| {
                b.text(machine.lsm.as_bytes(), 11);
            });
            self.payload(rec::LSM_INFO, machine.lsm_info);
        }
    }

    fn header_arch(&mut self, machine: &Machine) {
        let arch = self.d.arch;
        self.rec(rec::HEADER_ARCH, |r| match arch {
            Arch::Arm => {
                r.u32(machine.cpu_architecture).raw(&machine.options);
            }
            Arch::I386 | Arch::X86_64 => {
                r.u16(1).u16(0).u16(512).u16(0);
            }
            Arch::S390x => {}
            Arch::Ppc32 | Arch::Ppc64 => {
                r.u32(0xdead_beef);
            }
        });
    }

    /// The process tree, in the encoding of the revision.
    pub(crate) fn tree(&mut self, members: &[Member]) {
        if self.d.rev >= 15 {
            let offset = self.take_ref();
            return self.tree_by_tag(members, offset);
        }
        self.tree_record(members);
        let rev = self.d.rev;
        self.buffer(|b| {
            for m in members {
                b.i32s(&[m.pid, m.parent, m.group, m.pgid, m.sid]);
                if rev == 8 {
                    b.i32(members[0].sid);
                }
                if rev >= 8 {
                    b.u32(len32(m.inner.len()));
                }
                b.align(8);
            }
        });
        let inner: Vec<i32> = members.iter().flat_map(|m| m.inner).copied().collect();
        if matches!(rev, 8 | 9) {
            self.exact(118, |r| {
                r.u32(len32(inner.len())).align(8);
            });
        }
        if rev >= 8 && !inner.is_empty() {
            self.buffer(|b| {
                b.i32s(&inner);
            });
        }
    }

    fn tree_record(&mut self, members: &[Member]) {
        self.rec(rec::TREE, |r| {
            r.u32(len32(members.len()));
        });
    }

    /// R15 and later: pid objects with consecutive numbers ("tags") from `offset` on.
    pub(crate) fn tree_by_tag(&mut self, members: &[Member], offset: i32) {
        let mut pids: Vec<(i32, &[i32])> = members.iter().map(|m| (m.pid, m.inner)).collect();
        let mut known: HashSet<i32> = pids.iter().map(|pid| pid.0).collect();
        for other in members.iter().flat_map(|m| [m.group, m.pgid, m.sid]) {
            if other > 0 && known.insert(other) {
                pids.push((other, &[]));
            }
        }
        // The first one has its number already; the others follow it.
        for _ in 1..pids.len() {
            self.take_ref();
        }
        let inner = pids.iter().map(|pid| pid.1.len()).sum();
        self.rec(rec::PIDS, |r| {
            r.u32(len32(pids.len())).u32(len32(inner)).i32(offset);
        });
        self.buffer(|b| {
            for (number, inner) in &pids {
                b.u32(len32(inner.len())).i32(*number).i32s(inner);
            }
        });
        let tags: HashMap<i32, i32> = pids.iter().map(|pid| pid.0).zip(offset..).collect();
        let tag = |number| tags.get(&number).copied().unwrap_or_default();
        self.tree_record(members);
        self.buffer(|b: &mut Struct| {
            for m in members {
                b.i32s(&[m.pid, m.parent, m.group, m.pgid, m.sid].map(tag));
                b.u32(len32(m.inner.len()));
            }
        });
    }
}
