//! From a [`Tree`] to one core file for each process.

use crate::{
    Error, Loss, Result,
    core::{self, Content, Core, Machine, MappedFile, Mapping, Process, Sink, Status, Thread},
    siginfo::SigInfo,
    tree::{
        FileKind, Live, Mm, PAGE, PF_FORKNOEXEC, PF_SUPERPRIV, Pages, State, Task, Tree, Vma,
        VmaKind,
    },
    x86,
};

/// Longest command line that is shown, in bytes.
const MAX_ARGS: u64 = 4096;
/// Bytes of a siginfo.
const SIGINFO: usize = 128;

/// Processes that a core can be made of: those that still run.
pub fn processes(tree: &Tree) -> Vec<i32> {
    tree.tasks
        .iter()
        .filter(|t| t.tid == t.tgid && t.live.is_some())
        .map(|t| t.tid)
        .collect()
}

/// Bytes of pages that go into the core of process `pid`.
pub fn core_pages(tree: &Tree, pid: i32) -> u64 {
    let leader = tree.tasks.iter().find(|t| t.tid == pid);
    let live = leader.and_then(|t| t.live.as_ref());
    let mm = live.and_then(|live| tree.mms.get(live.mm));
    let parts = mm.map(|mm| parts(tree, mm)).unwrap_or_default();
    let pages = parts.iter().flat_map(|part| &part.pages);
    pages.fold(0, |sum, run| sum.saturating_add(run.len))
}

/// Writes the core of process `pid`. The losses say what a core has no place for.
pub fn to_core(tree: &Tree, pid: i32, out: &mut dyn Sink) -> Result<Vec<Loss>> {
    let threads: Vec<(&Task, &Live)> = tree
        .tasks
        .iter()
        .filter(|t| t.tgid == pid)
        .filter_map(|t| Some((t, t.live.as_ref()?)))
        .collect();
    let Some(&(leader, live)) = threads
        .iter()
        .find(|(t, _)| t.tid == pid)
        .or(threads.first())
    else {
        return Err(Error::Unsupported(format!(
            "process {pid} does not run, so it has no core"
        )));
    };
    let mm = tree
        .mms
        .get(live.mm)
        .ok_or_else(|| Error::Unsupported(format!("process {pid} has no memory")))?;
    let core = Core {
        machine: tree.machine,
        order: tree.order,
        e_flags: if tree.machine == Machine::Arm {
            live.abi.e_flags.unwrap_or(0)
        } else {
            0
        },
        process: Some(process(tree, leader, live, mm)),
        threads: threads
            .iter()
            .map(|(task, live)| thread(tree, task, live))
            .collect(),
        auxv: mm.auxv.clone(),
        files: mm
            .vmas
            .iter()
            .filter_map(|v| mapped_file(tree, v))
            .collect(),
        file_unit: PAGE,
        segments: Vec::new(),
        other: Vec::new(),
    };
    let parts = parts(tree, mm);
    let mappings: Vec<Mapping> = parts.iter().map(|p| p.mapping.clone()).collect();
    core::write(
        &core,
        &mappings,
        &mut Memory {
            tree,
            parts: parts.iter(),
        },
        out,
    )?;
    Ok(losses(tree, &threads))
}

fn process(tree: &Tree, task: &Task, live: &Live, mm: &Mm) -> Process {
    let (start, end) = mm.args;
    let args = tree
        .memory(live.mm, start, end.saturating_sub(start).min(MAX_ARGS))
        .unwrap_or_default();
    let args = args.strip_suffix(&[0]).unwrap_or(&args);
    let (state, state_char) = match task.state {
        State::Running => (0, b'R'),
        State::Sleeping => (1, b'S'),
        State::Stopped(_) => (3, b'T'),
        State::Zombie(_) => (5, b'Z'),
    };
    Process {
        state,
        state_char,
        zombie: 0,
        nice: 0,
        flags: u64::from(
            if live.forked { PF_FORKNOEXEC } else { 0 }
                | if live.super_user { PF_SUPERPRIV } else { 0 },
        ),
        uid: live.creds.uid[0],
        gid: live.creds.gid[0],
        pid: task.tgid,
        ppid: task.ppid,
        pgrp: task.pgid,
        sid: task.sid,
        name: task.comm.clone(),
        args: args
            .iter()
            .map(|&c| if c == 0 { b' ' } else { c })
            .collect(),
    }
}

fn thread(tree: &Tree, task: &Task, live: &Live) -> Thread {
    let arm = tree.machine == Machine::Arm;
    let unit = |kind: u32, len: usize| {
        let data = live.units.iter().find(|u| u.kind == kind)?;
        data.data.get(..len).map(<[u8]>::to_vec)
    };
    let pending = live.pending.iter().fold(0, |mask, info| {
        let signal = SigInfo::from_kernel(info, tree.order, tree.machine).signo;
        mask | 1_u64.checked_shl(signal.wrapping_sub(1)).unwrap_or(0)
    });
    let stop = if let State::Stopped(signal) = task.state {
        i16::try_from(signal).unwrap_or(0)
    } else {
        0
    };
    let (vfp, fpa) = (unit(1, 260), unit(2, 116));
    let area = live.x86_fp.as_deref().unwrap_or_default();
    let fpregs = match tree.machine {
        Machine::Arm => fpa,
        Machine::X86 => x86::fsave(area),
        Machine::X86_64 => x86::fxsave(area),
    };
    Thread {
        status: Status {
            signal: [stop.into(), 0, 0],
            cursig: stop,
            pending,
            blocked: live.blocked,
            tid: task.tid,
            ppid: task.ppid,
            pgrp: task.pgid,
            sid: task.sid,
            times: core::Times::default(),
            regs: live.regs.clone(),
            fp_valid: vfp.is_some() || fpregs.is_some(),
        },
        siginfo: Some(vec![0; SIGINFO]),
        fpregs,
        vfp,
        tls: arm.then_some(live.tls),
        syscall: arm.then_some(live.syscall),
        xfpregs: x86::fxsave(area).filter(|_| tree.machine == Machine::X86),
        xstate: x86::xsave(area),
        x86_tls: x86::user_descriptors(&live.x86_tls).filter(|_| tree.machine == Machine::X86),
        other: Vec::new(),
    }
}

fn mapped_file(tree: &Tree, vma: &Vma) -> Option<MappedFile> {
    let path = match vma.kind {
        VmaKind::File(index) => match &tree.files.get(index)?.kind {
            FileKind::Path(path) => path.clone(),
            _ => return None,
        },
        VmaKind::Shared(_) => b"/dev/zero (deleted)".to_vec(),
        _ => return None,
    };
    Some(MappedFile {
        start: vma.start,
        end: vma.end,
        offset: vma.offset,
        path,
    })
}

/// A segment of the core and the pages in it.
struct Part {
    mapping: Mapping,
    pages: Vec<Pages>,
}

/// Segments, as the kernel's default filter chooses them: touched anonymous memory whole, special and shared file
/// mappings not at all. Of a private file mapping only the pages that are there can be written; what lies between
/// them is left to the file, so such a mapping becomes several segments.
fn parts(tree: &Tree, mm: &Mm) -> Vec<Part> {
    let mut out = Vec::new();
    for vma in &mm.vmas {
        let flags = elf_flags(vma.flags);
        let part = |addr: u64, len: u64, file_len: u64, pages: Vec<Pages>| Part {
            mapping: Mapping {
                addr,
                len,
                flags,
                file_len,
            },
            pages,
        };
        let len = vma.end - vma.start;
        match vma.kind {
            VmaKind::Anon | VmaKind::Vdso => {
                let file_len = if vma.pages.is_empty() { 0 } else { len };
                out.push(part(vma.start, len, file_len, vma.pages.clone()));
            }
            VmaKind::Shared(index) => {
                let pages = tree
                    .segments
                    .get(index)
                    .map(|s| window(&s.pages, vma))
                    .unwrap_or_default();
                out.push(part(
                    vma.start,
                    len,
                    if pages.is_empty() { 0 } else { len },
                    pages,
                ));
            }
            VmaKind::File(_) if vma.flags & 8 == 0 => {
                let mut at = vma.start;
                for run in joined(&vma.pages) {
                    let (start, run_len) = (
                        run.first().map_or(at, |p| p.addr),
                        run.iter().map(|p| p.len).sum(),
                    );
                    if start > at {
                        out.push(part(at, start - at, 0, Vec::new()));
                    }
                    at = start + run_len;
                    out.push(part(start, run_len, run_len, run));
                }
                if at < vma.end {
                    out.push(part(at, vma.end - at, 0, Vec::new()));
                }
            }
            VmaKind::File(_) | VmaKind::Special => out.push(part(vma.start, len, 0, Vec::new())),
        }
    }
    out
}

/// Runs of pages without gaps.
fn joined(pages: &[Pages]) -> Vec<Vec<Pages>> {
    pages
        .chunk_by(|a, b| a.addr + a.len == b.addr)
        .map(<[Pages]>::to_vec)
        .collect()
}

/// The pages of a segment that a mapping shows, at their addresses.
fn window(pages: &[Pages], vma: &Vma) -> Vec<Pages> {
    let end = vma.offset.saturating_add(vma.end - vma.start);
    let mut out = Vec::new();
    for p in pages {
        let (from, to) = (p.addr.max(vma.offset), (p.addr + p.len).min(end));
        if from < to {
            out.push(Pages {
                addr: from - vma.offset + vma.start,
                len: to - from,
                at: p.at + (from - p.addr),
                ..*p
            });
        }
    }
    out
}

fn elf_flags(vm: u64) -> u32 {
    let bit = |from: u64, to: u32| if vm & from != 0 { to } else { 0 };
    bit(1, 4) | bit(2, 2) | bit(4, 1)
}

/// Hands out the contents of the segments in their order.
struct Memory<'a> {
    tree: &'a Tree,
    parts: std::slice::Iter<'a, Part>,
}

impl Content for Memory<'_> {
    fn copy(&mut self, mapping: &Mapping, out: &mut dyn Sink) -> Result<()> {
        let Some(part) = self.parts.next().filter(|_| mapping.file_len > 0) else {
            return Ok(());
        };
        let mut at = mapping.addr;
        for p in &part.pages {
            out.zeros(p.addr - at).map_err(Error::writing)?;
            let blob = self
                .tree
                .blobs
                .get(p.blob)
                .ok_or_else(|| Error::Unsupported("pages of nowhere".into()))?;
            out.blob(&blob.part(p.at, p.len))?;
            at = p.addr + p.len;
        }
        out.zeros((mapping.addr + mapping.file_len).saturating_sub(at))
            .map_err(Error::writing)
    }
}

/// What a core has no place for.
fn losses(tree: &Tree, threads: &[(&Task, &Live)]) -> Vec<Loss> {
    let mut out = Vec::new();
    let mut lose = |record: &str, value: String| {
        let why = "a core has no place for it";
        out.push(Loss::new("core.no-place", record, "", value, why));
    };
    let Some((_, live)) = threads.first() else {
        return out;
    };
    let fds = tree.tables.get(live.table).map_or(0, Vec::len);
    if fds > 0 {
        lose("FILE_TABLE", format!("{fds} descriptors"));
    }
    let handlers = tree
        .actions
        .get(live.actions)
        .map_or(0, |a| a.iter().filter(|a| a.handler != 0).count());
    if handlers > 0 {
        lose("SIGHAND", format!("{handlers} actions"));
    }
    let queued: usize = threads.iter().map(|(_, l)| l.pending.len()).sum();
    if queued > 0 {
        lose(
            "SIGPENDING",
            format!("{queued} queued signals, but for their numbers"),
        );
    }
    let restarts = threads.iter().filter(|(_, l)| l.restart.0 > 1).count();
    if restarts > 0 {
        lose("RESTART_BLOCK", format!("of {restarts} threads"));
    }
    lose("CRED", "capabilities and groups".into());
    lose("SIGNAL", "limits and timers".into());
    for (kind, count) in (3..=5).map(|k| {
        (
            k,
            threads
                .iter()
                .filter(|(_, l)| l.units.iter().any(|u| u.kind == k))
                .count(),
        )
    }) {
        if count > 0 {
            lose("CPU_FPU", format!("unit {kind} of {count} threads"));
        }
    }
    out
}
