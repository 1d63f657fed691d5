//! From a core file to a [`Tree`]: all threads, registers, the auxiliary vector, every mapping and page.
//!
//! A core says little besides; what a restart would need and a core never has is reported, and filled with defaults.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::{
    Loss, Result,
    bytes::{Blob, Fields},
    core::{self, Core, Machine, MappedFile, Thread, WholePages, whole_pages},
    tree::{
        Abi, Action, Creds, Dirs, File, FileKind, Live, Mm, NO_RESTART, OVERLAPS, PAGE,
        PF_FORKNOEXEC, PF_SUPERPRIV, Pages, Process, Segment, State, Task, Tree, Unit, Vma,
        VmaKind,
    },
    x86,
};

/// `VM_` bits that go with the protection: the program may ask for any later.
const MAY_ALL: u64 = 0x70;
const VM_SHARED: u64 = 8;
const VM_GROWSDOWN: u64 = 0x100;
/// Keys of the auxiliary vector.
const AT_SYSINFO_EHDR: u64 = 33;
const AT_HWCAP: u64 = 16;
const AT_PLATFORM: u64 = 15;
const AT_EXECFN: u64 = 31;
const AT_ENTRY: u64 = 9;
/// How far from the end of the stack the first words of the program are looked for, in bytes.
const STACK_TOP: u64 = 256 << 10;
/// The page of exception vectors on ARM.
const VECTORS: u64 = 0xffff_0000;

/// Reads a core into a tree. The losses say what the core lacks.
pub fn from_core(file: &Blob, core: &Core) -> Result<(Tree, Vec<Loss>)> {
    let mut files = core.files.clone();
    files.sort_by_key(|f| f.start);
    let mut r = Reader {
        core,
        tree: Tree::new(core.machine, core.order),
        losses: Vec::new(),
        files,
        paths: HashMap::new(),
        stacks: core
            .threads
            .iter()
            .map(|t| stack_pointer(core.machine, t))
            .collect(),
    };
    r.tree.blobs.push(file.clone());
    let mm = r.mm(file)?;
    r.tree.mms.push(mm);
    r.stack();
    r.tree.kernel[2] = r.platform();
    r.program();
    r.tree.tables.push(Vec::new());
    r.tree.dirs.push(Dirs {
        cwd: "/".into(),
        root: "/".into(),
        umask: 0o22,
    });
    r.tree.actions.push(vec![Action::default(); 64]);
    r.tree.processes.push(Process::default());
    r.tasks();
    r.absent();
    Ok((r.tree, r.losses))
}

struct Reader<'a> {
    core: &'a Core,
    tree: Tree,
    losses: Vec<Loss>,
    /// File mappings by address.
    files: Vec<MappedFile>,
    /// Indices of files by path.
    paths: HashMap<Vec<u8>, usize>,
    /// Stack pointers of all threads.
    stacks: BTreeSet<u64>,
}

impl Reader<'_> {
    /// The file mapping that holds an address.
    fn file_at(&self, addr: u64) -> Option<&MappedFile> {
        let next = self.files.partition_point(|f| f.start <= addr);
        let file = next.checked_sub(1).and_then(|i| self.files.get(i))?;
        (addr < file.end).then_some(file)
    }

    fn aux(&self, key: u64) -> Option<u64> {
        self.core
            .auxv
            .iter()
            .find(|&&(k, _)| k == key)
            .map(|&(_, v)| v)
    }

    /// Every segment is a mapping, but those that lie in one file mapping are parts of it, and those that share a page
    /// are one.
    fn mm(&mut self, file: &Blob) -> Result<Mm> {
        self.cut_off(file);
        let whole = whole_pages(file, &self.core.segments)?;
        self.odd(&whole);
        self.tree.blobs.push(Blob::new(
            "pages of several segments",
            Arc::new(whole.joined),
        ));
        let mut mm = Mm {
            auxv: self.core.auxv.clone(),
            dumpable: 1,
            ..Mm::default()
        };
        for s in whole.stretches {
            let file = self.file_at(s.start);
            let flags = protection(s.flags);
            if let (Some(last), Some(file)) = (mm.vmas.last_mut(), file)
                && last.end == s.start
                && last.start >= file.start
                && last.flags & 7 == flags & 7
            {
                last.end = s.end;
                last.pages.extend(s.pages);
                continue;
            }
            let vma = self.vma(s.start, s.end, flags, s.pages);
            mm.vmas.push(vma);
        }
        Ok(mm)
    }

    /// A dump that was cut off holds less than its headers say.
    fn cut_off(&mut self, file: &Blob) {
        let here = |s: &core::Segment| file.len().saturating_sub(s.offset);
        let segments = self.core.segments.iter();
        let mut cut = segments.filter(|s| here(s) < s.file_size);
        let Some(first) = cut.next() else {
            return;
        };
        let others = cut.count();
        let more = match others {
            0 => String::new(),
            _ => format!(", and {others} more segments that are not whole"),
        };
        let value = format!(
            "only {} of {} bytes of the memory at {:#x}{more}",
            here(first),
            first.file_size,
            first.addr
        );
        let why = "the file ends before the contents of the segment";
        let loss = Loss::missing("core.truncated", file.name.clone(), value, why);
        self.losses.push(loss);
    }

    fn odd(&mut self, whole: &WholePages) {
        for start in &whole.bad {
            let value = format!("{start:#x}");
            self.losses.push(Loss::new(
                "core.bad-mapping",
                "PT_LOAD",
                "p_vaddr",
                value,
                OVERLAPS,
            ));
        }
        if whole.incomplete > 0 || whole.shared > 0 {
            self.losses.push(Loss::new(
                "core.parts-of-pages",
                "PT_LOAD",
                "p_memsz",
                format!(
                    "{} pages, {} segments within others",
                    whole.incomplete, whole.shared
                ),
                "segments are no whole pages; the rest of a page is zero, and of two the first counts",
            ));
        }
    }

    fn vma(&mut self, start: u64, end: u64, flags: u64, pages: Vec<Pages>) -> Vma {
        let plain = Vma {
            start,
            end,
            flags,
            kind: VmaKind::Anon,
            offset: 0,
            pages,
        };
        if let Some(file) = self.file_at(start).cloned() {
            return self.mapped(plain, &file);
        }
        let vdso = self.aux(AT_SYSINFO_EHDR);
        if vdso == Some(start) {
            return Vma {
                kind: VmaKind::Vdso,
                ..plain
            };
        }
        // The kernel puts [vvar] right before the vdso, and on ARM the vectors at the end of everything.
        let vectors = self.core.machine == Machine::Arm && start == VECTORS;
        if vdso == Some(end) && flags & 2 == 0 || vectors {
            if !plain.pages.is_empty() {
                let name = if vectors { "[vectors]" } else { "[vvar]" };
                self.losses.push(Loss::new(
                    "core.kernel-page",
                    "PT_LOAD",
                    name,
                    format!("{start:#x}"),
                    "the kernel provides this page anew",
                ));
            }
            return Vma {
                kind: VmaKind::Special,
                pages: Vec::new(),
                ..plain
            };
        }
        let sp = self.stacks.range(start..end).next().is_some();
        let stack = sp
            && self
                .aux(AT_EXECFN)
                .is_some_and(|a| (start..end).contains(&a));
        Vma {
            flags: if stack { flags | VM_GROWSDOWN } else { flags },
            ..plain
        }
    }

    fn mapped(&mut self, vma: Vma, file: &MappedFile) -> Vma {
        let path = &file.path;
        let offset = file.offset.saturating_add(vma.start - file.start);
        // What the kernel calls shared anonymous memory, and what a restore makes of it.
        let shared = path.starts_with(b"/dev/zero (deleted)")
            || path.starts_with(b"/memfd:/dev/zero")
            || path.starts_with(b"/SYSV");
        if shared {
            let pages = vma
                .pages
                .iter()
                .map(|p| Pages {
                    addr: (p.addr - vma.start).saturating_add(offset),
                    ..*p
                })
                .collect();
            let segment = Segment {
                size: offset.saturating_add(vma.end - vma.start),
                pages,
            };
            let index = Tree::add(&mut self.tree.segments, segment);
            return Vma {
                kind: VmaKind::Shared(index),
                flags: vma.flags | VM_SHARED,
                offset,
                pages: Vec::new(),
                ..vma
            };
        }
        let files = &mut self.tree.files;
        let index = *self.paths.entry(path.clone()).or_insert_with(|| {
            let kind = FileKind::Path(path.clone());
            Tree::add(
                files,
                File {
                    flags: 0,
                    pos: 0,
                    kind,
                },
            )
        });
        Vma {
            kind: VmaKind::File(index),
            offset,
            ..vma
        }
    }

    /// The words that the kernel left at the start of the stack: argument count, arguments, environment, auxiliary vector.
    fn stack(&mut self) {
        let Some(mm) = self.tree.mms.first() else {
            return;
        };
        let word = self.core.machine.word();
        let anchor = self.aux(AT_EXECFN).unwrap_or(0);
        let Some(vma) = mm.vmas.iter().find(|v| v.start <= anchor && anchor < v.end) else {
            return;
        };
        let base = vma.start.max(vma.end.saturating_sub(STACK_TOP));
        let Some(bytes) = self.tree.memory(0, base, vma.end - base) else {
            return;
        };
        let f = Fields {
            data: &bytes,
            order: self.core.order,
        };
        let at = |i: usize| f.uint(i * word, word);
        let wanted: Vec<u64> = self
            .core
            .auxv
            .iter()
            .take(3)
            .flat_map(|&(k, v)| [k, v])
            .collect();
        let words = bytes.len() / word;
        let found = (0..words).rev().find(|&i| {
            wanted
                .iter()
                .enumerate()
                .all(|(n, &w)| at(i + n) == Some(w))
        });
        let Some(auxv) = found.filter(|&i| i > 1 && !wanted.is_empty()) else {
            return;
        };
        // Pointers to strings, which lie above the vector. The count of arguments is not looked at: programs reuse it.
        let strings = base + (auxv * word) as u64..vma.end;
        let first = |end: usize| {
            let pointer = |i: &usize| at(*i).is_some_and(|p| strings.contains(&p));
            (0..end).rev().take_while(pointer).last().unwrap_or(end)
        };
        let env = first(auxv - 1);
        let args = first(env.saturating_sub(1));
        let (Some(argc), Some(first_env)) = (args.checked_sub(1), at(env)) else {
            return;
        };
        let Some(mm) = self.tree.mms.first_mut() else {
            return;
        };
        mm.start_stack = base + (argc * word) as u64;
        let first_arg = at(args).filter(|&a| a != 0).unwrap_or(0);
        let env_start = if first_env == 0 { anchor } else { first_env };
        mm.args = (first_arg, env_start);
        mm.env = (env_start, anchor);
    }

    /// The program is the file at the entry point; its mappings bound code and data.
    fn program(&mut self) {
        let entry = self.aux(AT_ENTRY);
        let Some(mm) = self.tree.mms.first_mut() else {
            return;
        };
        let file = |v: &Vma| {
            if let VmaKind::File(index) = v.kind {
                Some(index)
            } else {
                None
            }
        };
        let exe = mm
            .vmas
            .iter()
            .find(|v| entry.is_some_and(|e| v.start <= e && e < v.end))
            .and_then(file);
        mm.exe = exe;
        let bounds = |bit: u64| {
            let mut all = mm
                .vmas
                .iter()
                .filter(|v| exe.is_some() && file(v) == exe && v.flags & bit != 0);
            let first = all.next()?;
            Some((first.start, all.next_back().unwrap_or(first).end))
        };
        let (code, data) = (bounds(4), bounds(2));
        mm.code = code.unwrap_or_default();
        mm.data = data.unwrap_or_default();
        mm.brk = (mm.data.1, mm.data.1);
        if exe.is_none() {
            self.losses.push(Loss::new(
                "core.no-program",
                "NT_FILE",
                "",
                "none",
                "the program's file is not named",
            ));
        }
    }

    /// `machine` of the utsname, from the string that the auxiliary vector points to, such as `v7l`.
    fn platform(&self) -> String {
        let text = self
            .aux(AT_PLATFORM)
            .and_then(|addr| self.tree.memory(0, addr, 8))
            .unwrap_or_default();
        let text: String = text
            .iter()
            .take_while(|c| c.is_ascii_graphic())
            .map(|&c| char::from(c))
            .collect();
        match (self.core.machine, text.is_empty()) {
            (Machine::Arm, false) => format!("arm{text}"),
            (Machine::X86, true) => "i686".into(),
            (Machine::X86_64, true) => "x86_64".into(),
            _ => text,
        }
    }

    fn tasks(&mut self) {
        let process = self.core.process.clone().unwrap_or_default();
        let first = self.core.threads.first().map_or(0, |t| t.status.tid);
        let tgid = if process.pid > 0 { process.pid } else { first };
        let abi = Abi {
            personality: None,
            e_flags: self.e_flags(),
        };
        let state = match process.state_char {
            b'S' | b'D' => State::Sleeping,
            b'T' => State::Stopped(19),
            _ => State::Running,
        };
        let comm: Vec<u8> = process.name.iter().copied().take(15).collect();
        let creds = Creds {
            uid: [process.uid; 4],
            gid: [process.gid; 4],
            ..Creds::default()
        };
        let mut threads: Vec<&Thread> = self.core.threads.iter().collect();
        threads.sort_by_key(|t| t.status.tid != tgid);
        for thread in threads {
            let status = &thread.status;
            let live = Live {
                regs: status.regs.clone(),
                tls: self.thread_pointer(thread),
                syscall: thread.syscall.unwrap_or(u32::MAX),
                restart: NO_RESTART,
                thumbee: 0,
                units: self.units(thread),
                x86_fp: if self.core.machine == Machine::Arm {
                    None
                } else {
                    let areas = [&thread.xstate, &thread.xfpregs, &thread.fpregs];
                    areas.into_iter().find_map(Clone::clone)
                },
                x86_tls: x86::descriptors(thread.x86_tls.as_deref().unwrap_or_default()),
                x86_sysenter: 0,
                abi,
                forked: process.flags & u64::from(PF_FORKNOEXEC) != 0,
                super_user: process.flags & u64::from(PF_SUPERPRIV) != 0,
                clear_tid: 0,
                robust: (0, 0),
                sigaltstack: (0, 0),
                pdeath: 0,
                blocked: status.blocked,
                pending: Vec::new(),
                creds: creds.clone(),
                table: 0,
                mm: 0,
                dirs: 0,
                actions: 0,
                process: 0,
            };
            self.tree.tasks.push(Task {
                tid: status.tid,
                tgid,
                ppid: status.ppid,
                pgid: status.pgrp,
                sid: status.sid,
                comm: comm.clone(),
                state,
                live: Some(live),
            });
        }
    }

    fn thread_pointer(&mut self, thread: &Thread) -> u32 {
        if thread.tls.is_none() && self.core.machine == Machine::Arm {
            let tid = thread.status.tid;
            self.losses.push(Loss::new(
                "core.no-thread-pointer",
                "THREAD",
                "tp_value",
                format!("0 for thread {tid}"),
                "the core has no NT_ARM_TLS note",
            ));
        }
        thread.tls.unwrap_or(0)
    }

    fn units(&self, thread: &Thread) -> Vec<Unit> {
        let mut units = Vec::new();
        if self.core.machine != Machine::Arm {
            return units;
        }
        if let Some(vfp) = &thread.vfp {
            let mut data = vfp.clone();
            data.resize(272, 0);
            units.push(vfp_unit(data, d32(self.aux(AT_HWCAP).unwrap_or(0))));
        }
        // The kernel writes the block of the FPA emulator into every core; only one that was used is state.
        if let Some(fpa) = thread.fpregs.as_ref().filter(|d| d.iter().any(|&b| b != 0)) {
            let mut data = fpa.clone();
            data.resize(116, 0);
            units.push(Unit {
                kind: 2,
                flags: 1,
                data,
            });
        }
        units
    }

    /// The flags of the program: in the core's own header, or in the page where the program's header lies in memory.
    fn e_flags(&self) -> Option<u32> {
        if self.core.e_flags != 0 {
            return Some(self.core.e_flags);
        }
        self.tree.program_flags(0)
    }

    /// What a core never holds.
    fn absent(&mut self) {
        let why = "a core does not hold it";
        for (field, value) in [
            ("FILE_TABLE", "no descriptors"),
            ("SIGHAND", "all default"),
            ("SIGNAL", "no limits, no timers"),
            ("CRED", "user and group only"),
            ("FS", "/ and 022"),
            ("ARM_ABI", "no personality"),
        ] {
            self.losses
                .push(Loss::new("core.absent", field, "", value, why));
        }
        let absent = self
            .core
            .segments
            .iter()
            .map(|s| (s.mem_size - s.file_size) / PAGE);
        let missing = absent.fold(0, u64::saturating_add);
        if missing > 0 {
            self.losses.push(Loss::new(
                "core.absent-pages",
                "PT_LOAD",
                "",
                format!("{missing} pages"),
                "the core left them out",
            ));
        }
    }
}

/// A VFP register set of 272 bytes.
pub(crate) fn vfp_unit(data: Vec<u8>, d32: bool) -> Unit {
    let used = data.iter().any(|&b| b != 0);
    Unit {
        kind: 1,
        flags: u32::from(used) | u32::from(d32) << 1,
        data,
    }
}

/// Whether the machine has d16 to d31, by AT_HWCAP: bit 19 says so since Linux 3.7; before, VFPv3 without VFPv3-D16 did.
pub(crate) fn d32(hwcap: u64) -> bool {
    hwcap & 1 << 19 != 0 || hwcap & 1 << 13 != 0 && hwcap & 1 << 14 == 0 && hwcap & 1 << 16 == 0
}

fn protection(flags: u32) -> u64 {
    let (x, w, r) = (flags & 1, flags >> 1 & 1, flags >> 2 & 1);
    u64::from(r | w << 1 | x << 2) | MAY_ALL
}

fn stack_pointer(machine: Machine, thread: &Thread) -> u64 {
    let index = match machine {
        Machine::Arm => 13,
        Machine::X86 => 15,
        Machine::X86_64 => 19,
    };
    thread.status.regs.get(index).copied().unwrap_or(0)
}
