//! The notes: walking a note segment, and each known note in both directions.

use super::read::MOST_DAMAGE;
use super::{Core, Machine, MappedFile, Note, Process, Thread};
use crate::{
    Error,
    bytes::{Fields, Order, push_uint},
};

/// Note types (`include/uapi/linux/elf.h`); all of owner `CORE` or `LINUX`, but `GDB_TDESC`.
pub mod note_type {
    /// Registers and signal state of a thread.
    pub const PRSTATUS: u32 = 1;
    /// Floating point registers: FPA on ARM.
    pub const FPREGSET: u32 = 2;
    /// The process.
    pub const PRPSINFO: u32 = 3;
    /// Auxiliary vector.
    pub const AUXV: u32 = 6;
    /// The signal behind the core, as `siginfo_t`; the letters "SIGI".
    pub const SIGINFO: u32 = 0x5349_4749;
    /// File mappings; the letters "FILE".
    pub const FILE: u32 = 0x4649_4c45;
    /// FXSAVE area on x86-32.
    pub const PRXFPREG: u32 = 0x46e6_2b7f;
    /// Descriptors of thread-local segments on x86-32, as `user_desc`.
    pub const X86_TLS: u32 = 0x200;
    /// XSAVE area on x86.
    pub const X86_XSTATE: u32 = 0x202;
    /// VFP registers.
    pub const ARM_VFP: u32 = 0x400;
    /// Thread pointer.
    pub const ARM_TLS: u32 = 0x401;
    /// System call number.
    pub const ARM_SYSTEM_CALL: u32 = 0x404;
    /// Target description of gdb, owner `GDB`.
    pub const GDB_TDESC: u32 = 0xff00_0000;
}
use note_type as nt;

/// Times of a thread, in seconds and microseconds.
pub type Times = [(u64, u64); 4];

/// `NT_PRSTATUS`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Signal number, code and error number of the signal.
    pub signal: [i32; 3],
    /// Current signal.
    pub cursig: i16,
    /// Pending signals, bit n − 1 is signal n; one word.
    pub pending: u64,
    /// Blocked signals; one word.
    pub blocked: u64,
    /// Thread.
    pub tid: i32,
    /// Parent process.
    pub ppid: i32,
    /// Process group.
    pub pgrp: i32,
    /// Session.
    pub sid: i32,
    /// User, system, children's user and children's system time.
    pub times: Times,
    /// General registers in the order of `elf_gregset_t`.
    pub regs: Vec<u64>,
    /// Whether floating point registers go with the thread.
    pub fp_valid: bool,
}

impl Status {
    /// Size of the structure in bytes.
    fn size(machine: Machine) -> usize {
        let word = machine.word();
        let end = Self::regs_at(machine) + machine.num_regs() * word + 4;
        end.next_multiple_of(word)
    }

    fn regs_at(machine: Machine) -> usize {
        16 + 10 * machine.word() + 16
    }

    fn decode(machine: Machine, f: Fields<'_>) -> Option<Self> {
        let word = machine.word();
        let ids = 16 + 2 * word;
        let at = ids + 16;
        let mut times = Times::default();
        for (i, t) in times.iter_mut().enumerate() {
            *t = (
                f.uint(at + 2 * i * word, word)?,
                f.uint(at + (2 * i + 1) * word, word)?,
            );
        }
        let regs_at = Self::regs_at(machine);
        let regs = (0..machine.num_regs())
            .map(|i| f.uint(regs_at + i * word, word))
            .collect::<Option<Vec<_>>>()?;
        Some(Self {
            signal: [f.i32(0)?, f.i32(4)?, f.i32(8)?],
            cursig: f.u16(12)?.cast_signed(),
            pending: f.uint(16, word)?,
            blocked: f.uint(16 + word, word)?,
            tid: f.i32(ids)?,
            ppid: f.i32(ids + 4)?,
            pgrp: f.i32(ids + 8)?,
            sid: f.i32(ids + 12)?,
            times,
            regs,
            fp_valid: f.u32(regs_at + machine.num_regs() * word)? != 0,
        })
    }

    fn encode(&self, machine: Machine, order: Order) -> Vec<u8> {
        let word = machine.word();
        let mut out = Vec::with_capacity(Self::size(machine));
        for s in self.signal {
            push_uint(&mut out, order, s.cast_unsigned().into(), 4);
        }
        push_uint(&mut out, order, self.cursig.cast_unsigned().into(), 2);
        out.resize(16, 0);
        push_uint(&mut out, order, self.pending, word);
        push_uint(&mut out, order, self.blocked, word);
        for id in [self.tid, self.ppid, self.pgrp, self.sid] {
            push_uint(&mut out, order, id.cast_unsigned().into(), 4);
        }
        for (sec, usec) in self.times {
            push_uint(&mut out, order, sec, word);
            push_uint(&mut out, order, usec, word);
        }
        for reg in &self.regs {
            push_uint(&mut out, order, *reg, word);
        }
        push_uint(&mut out, order, self.fp_valid.into(), 4);
        out.resize(Self::size(machine), 0);
        out
    }
}

impl Process {
    /// Offsets of the uid, the pid and the name; 32-bit machines have 16-bit ids here.
    fn offsets(machine: Machine) -> (usize, usize, usize, usize) {
        if machine == Machine::X86_64 {
            (16, 4, 24, 40)
        } else {
            (8, 2, 12, 28)
        }
    }

    fn decode(machine: Machine, f: Fields<'_>) -> Option<Self> {
        let (ids, id_size, pids, name) = Self::offsets(machine);
        let id = |at| f.uint(at, id_size).and_then(|v| u32::try_from(v).ok());
        let text = |at, len| {
            let b: &[u8] = f.bytes(at, len)?;
            Some(b.iter().copied().take_while(|&c| c != 0).collect())
        };
        let &[state, state_char, zombie, nice] = f.bytes(0, 4)? else {
            return None;
        };
        Some(Self {
            state,
            state_char,
            zombie,
            nice: nice.cast_signed(),
            flags: f.uint(machine.word(), machine.word())?,
            uid: id(ids)?,
            gid: id(ids + id_size)?,
            pid: f.i32(pids)?,
            ppid: f.i32(pids + 4)?,
            pgrp: f.i32(pids + 8)?,
            sid: f.i32(pids + 12)?,
            name: text(name, 16)?,
            args: text(name + 16, 80)?,
        })
    }

    fn encode(&self, machine: Machine, order: Order) -> Vec<u8> {
        let (ids, id_size, pids, name) = Self::offsets(machine);
        let mut out = vec![
            self.state,
            self.state_char,
            self.zombie,
            self.nice.cast_unsigned(),
        ];
        out.resize(machine.word(), 0);
        push_uint(&mut out, order, self.flags, machine.word());
        out.resize(ids, 0);
        push_uint(&mut out, order, self.uid.into(), id_size);
        push_uint(&mut out, order, self.gid.into(), id_size);
        out.resize(pids, 0);
        for id in [self.pid, self.ppid, self.pgrp, self.sid] {
            push_uint(&mut out, order, id.cast_unsigned().into(), 4);
        }
        for (text, end) in [(&self.name, name + 16), (&self.args, name + 96)] {
            out.extend(text.iter().take(end - out.len() - 1));
            out.resize(end, 0);
        }
        out
    }
}

/// Splits a note segment. `base` is its offset in the file, for messages.
pub(super) fn split(
    data: &[u8],
    order: Order,
    file: &str,
    base: u64,
    damage: &mut Vec<Error>,
) -> Vec<(u64, Note)> {
    let f = Fields { data, order };
    let mut notes = Vec::new();
    let mut at = 0_usize;
    while at < data.len() {
        let here = base + at as u64;
        let Some((note, len)) = note(f, at) else {
            let found = format!("{} bytes left", data.len() - at);
            damage.push(Error::damaged(file, here, "note", found, "a whole note"));
            break;
        };
        notes.push((here, note));
        at += len;
    }
    notes
}

/// The note at an offset and its length with padding.
fn note(f: Fields, at: usize) -> Option<(Note, usize)> {
    let (name_len, data_len) = (f.u32(at)? as usize, f.u32(at + 4)? as usize);
    let owner = f.bytes(at + 12, name_len)?;
    let data_at = 12 + name_len.next_multiple_of(4);
    let note = Note {
        owner: owner.strip_suffix(&[0]).unwrap_or(owner).to_vec(),
        kind: f.u32(at + 8)?,
        data: f.bytes(at + data_at, data_len)?.to_vec(),
    };
    Some((note, data_at + data_len.next_multiple_of(4)))
}

/// Sorts notes into the core. A status opens a thread; what follows up to the next belongs to it.
pub(super) fn collect(
    core: &mut Core,
    notes: Vec<(u64, Note)>,
    file: &str,
    damage: &mut Vec<Error>,
) {
    for (at, note) in notes {
        let found = format!("{} bytes of type {:#x}", note.data.len(), note.kind);
        if place(core, note).is_none() && damage.len() < MOST_DAMAGE {
            damage.push(Error::damaged(file, at, "note", found, "more"));
        }
    }
}

/// Puts a note where it belongs; `None` if it is too short.
fn place(core: &mut Core, note: Note) -> Option<()> {
    let (machine, order) = (core.machine, core.order);
    let f = Fields {
        data: &note.data,
        order,
    };
    let known = note.owner == b"CORE" || note.owner == b"LINUX";
    match (known, note.kind) {
        (true, nt::PRSTATUS) => {
            let status = Status::decode(machine, f)?;
            core.threads.push(Thread::new(status));
        }
        (true, nt::PRPSINFO) => core.process = Some(Process::decode(machine, f)?),
        (true, nt::AUXV) => core.auxv = decode_auxv(machine, f),
        (true, nt::FILE) => (core.file_unit, core.files) = decode_files(machine, f)?,
        _ => match core.threads.last_mut() {
            Some(thread) if known => thread.take(note, order),
            _ => core.other.push(note),
        },
    }
    Some(())
}

impl Thread {
    /// A thread of which nothing else is known yet.
    pub fn new(status: Status) -> Self {
        Self {
            status,
            siginfo: None,
            fpregs: None,
            vfp: None,
            tls: None,
            syscall: None,
            xfpregs: None,
            xstate: None,
            x86_tls: None,
            other: Vec::new(),
        }
    }

    fn take(&mut self, note: Note, order: Order) {
        let word = Fields {
            data: &note.data,
            order,
        }
        .u32(0);
        match note.kind {
            nt::SIGINFO => self.siginfo = Some(note.data),
            nt::FPREGSET => self.fpregs = Some(note.data),
            nt::ARM_VFP => self.vfp = Some(note.data),
            nt::ARM_TLS if word.is_some() => self.tls = word,
            nt::ARM_SYSTEM_CALL if word.is_some() => self.syscall = word,
            nt::PRXFPREG => self.xfpregs = Some(note.data),
            nt::X86_XSTATE => self.xstate = Some(note.data),
            nt::X86_TLS => self.x86_tls = Some(note.data),
            _ => self.other.push(note),
        }
    }
}

/// Pairs up to the closing one, or to the end.
fn decode_auxv(machine: Machine, f: Fields<'_>) -> Vec<(u64, u64)> {
    let word = machine.word();
    (0..)
        .map_while(|i| {
            Some((
                f.uint(2 * i * word, word)?,
                f.uint((2 * i + 1) * word, word)?,
            ))
        })
        .take_while(|&(kind, _)| kind != 0)
        .collect()
}

fn decode_files(machine: Machine, f: Fields<'_>) -> Option<(u64, Vec<MappedFile>)> {
    let word = machine.word();
    let count = usize::try_from(f.uint(0, word)?).ok()?;
    let unit = f.uint(word, word)?;
    let names_at = count.checked_mul(3 * word)?.checked_add(2 * word)?;
    let mut names = f.data.get(names_at..)?.split(|&c| c == 0);
    let mut files = Vec::new();
    for i in 0..count {
        let at = 2 * word + i * 3 * word;
        let (start, end) = (f.uint(at, word)?, f.uint(at + word, word)?);
        let offset = f.uint(at + 2 * word, word)?.checked_mul(unit)?;
        files.push(MappedFile {
            start,
            end,
            offset,
            path: names.next()?.to_vec(),
        });
    }
    Some((unit, files))
}

fn encode_files(core: &Core) -> Option<Vec<u8>> {
    let (word, order) = (core.machine.word(), core.order);
    let mut out = Vec::new();
    push_uint(&mut out, order, core.files.len() as u64, word);
    push_uint(&mut out, order, core.file_unit, word);
    for file in &core.files {
        push_uint(&mut out, order, file.start, word);
        push_uint(&mut out, order, file.end, word);
        push_uint(
            &mut out,
            order,
            file.offset.checked_div(core.file_unit)?,
            word,
        );
    }
    for file in &core.files {
        out.extend(file.path.iter().copied().chain([0]));
    }
    Some(out)
}

/// All notes of the core in the kernel's order: the first thread's status, the process, then the other threads.
pub(super) fn encode(core: &Core) -> Vec<u8> {
    let (machine, order) = (core.machine, core.order);
    let mut out = Vec::new();
    let mut note =
        |owner: &[u8], kind: u32, data: &[u8]| push_note(&mut out, order, owner, kind, data);
    for (i, thread) in core.threads.iter().enumerate() {
        note(b"CORE", nt::PRSTATUS, &thread.status.encode(machine, order));
        if i == 0
            && let Some(process) = &core.process
        {
            note(b"CORE", nt::PRPSINFO, &process.encode(machine, order));
        }
        if let Some(data) = &thread.siginfo {
            note(b"CORE", nt::SIGINFO, data);
        }
        if i == 0 {
            let mut auxv = Vec::new();
            for value in core.auxv.iter().flat_map(|&(k, v)| [k, v]).chain([0, 0]) {
                push_uint(&mut auxv, order, value, machine.word());
            }
            note(b"CORE", nt::AUXV, &auxv);
            if let Some(files) = encode_files(core).filter(|_| !core.files.is_empty()) {
                note(b"CORE", nt::FILE, &files);
            }
        }
        let words = [
            (nt::ARM_TLS, thread.tls),
            (nt::ARM_SYSTEM_CALL, thread.syscall),
        ];
        let blocks = [
            (b"CORE".as_slice(), nt::FPREGSET, &thread.fpregs),
            (b"LINUX", nt::PRXFPREG, &thread.xfpregs),
            (b"LINUX", nt::X86_XSTATE, &thread.xstate),
            (b"LINUX", nt::X86_TLS, &thread.x86_tls),
            (b"LINUX", nt::ARM_VFP, &thread.vfp),
        ];
        for (owner, kind, data) in blocks {
            if let Some(data) = data {
                note(owner, kind, data);
            }
        }
        for (kind, value) in words {
            if let Some(value) = value {
                let mut data = Vec::new();
                push_uint(&mut data, order, value.into(), 4);
                note(b"LINUX", kind, &data);
            }
        }
        for n in &thread.other {
            note(&n.owner, n.kind, &n.data);
        }
    }
    for n in &core.other {
        note(&n.owner, n.kind, &n.data);
    }
    out
}

fn push_note(out: &mut Vec<u8>, order: Order, owner: &[u8], kind: u32, data: &[u8]) {
    push_uint(out, order, owner.len() as u64 + 1, 4);
    push_uint(out, order, data.len() as u64, 4);
    push_uint(out, order, kind.into(), 4);
    out.extend(owner.iter().copied().chain([0]));
    out.resize(out.len().next_multiple_of(4), 0);
    out.extend(data);
    out.resize(out.len().next_multiple_of(4), 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_the_kernels() {
        for (machine, status, process) in [
            (Machine::Arm, 148, 124),
            (Machine::X86, 144, 124),
            (Machine::X86_64, 336, 136),
        ] {
            assert_eq!(Status::size(machine), status);
            assert_eq!(
                Process::default().encode(machine, Order::Big).len(),
                process
            );
        }
    }

    #[test]
    fn a_cut_note_is_reported_with_its_offset() {
        let mut out = Vec::new();
        push_note(&mut out, Order::Big, b"CORE", nt::AUXV, &[1, 2, 3]);
        assert_eq!(out.len(), 12 + 8 + 4);
        let mut damage = Vec::new();
        let whole = out.len();
        push_note(&mut out, Order::Big, b"CORE", nt::FILE, &[1, 2, 3]);
        assert_eq!(split(&out, Order::Big, "c", 0x40, &mut damage).len(), 2);
        assert!(damage.is_empty(), "{damage:?}");
        // What stands before the cut is kept.
        let cut = out.len() - 2;
        let kept = split(&out[..cut], Order::Big, "c", 0x40, &mut damage);
        assert_eq!((kept.len(), damage.len()), (1, 1));
        let (text, at) = (damage[0].to_string(), 0x40 + whole);
        assert!(text.contains(&format!("at {at:#x}")), "{text}");
    }
}
