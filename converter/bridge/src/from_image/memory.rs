//! Address spaces, shared memory and pages.

use super::{ALWAYSDUMP, AT_SYSINFO_EHDR, Reader, text};
use crate::Loss;
use crate::tree::{Action, Dirs, Fd, Mm, Pages, Pipe, Segment, Tree, Vma, VmaKind};
use ckpt_parser::model;
use ckpt_parser::packed::Slice;

impl Reader<'_> {
    /// All shared objects, with indices that follow the object numbers.
    pub(super) fn shared(&mut self) {
        let image = self.image;
        for (&number, pipe) in &image.pipes {
            let data =
                (pipe.data.len > 0).then(|| self.stream.part(pipe.data.offset, pipe.data.len));
            self.index
                .pipes
                .insert(number, Tree::add(&mut self.tree.pipes, Pipe { data }));
        }
        for (&number, segment) in &image.segments {
            let pages = self.runs(segment.pages.all(), 0, u64::MAX);
            let segment = Segment {
                size: segment.size,
                pages,
            };
            self.index
                .segments
                .insert(number, Tree::add(&mut self.tree.segments, segment));
        }
        for (i, &number) in image.sockets.keys().enumerate() {
            self.index.sockets.insert(number, i);
        }
        for (&number, socket) in &image.sockets {
            self.unread_queues(number, socket);
            let socket = self.socket(number, socket);
            self.tree.sockets.push(socket);
        }
        for (&number, terminal) in &image.terminals {
            let tty = self.tty(terminal);
            self.index
                .ttys
                .insert(number, Tree::add(&mut self.tree.ttys, tty));
        }
        for (i, &number) in image.files.numbers().iter().enumerate() {
            self.index.files.insert(number, i);
        }
        for (number, file) in image.files.iter() {
            let file = self.file(number, &file);
            self.tree.files.push(file);
        }
        for (&number, table) in &image.file_tables {
            let fds = table.fds.iter().filter_map(|fd| {
                let file = *self.index.files.get(&fd.file)?;
                Some(Fd {
                    fd: fd.fd.cast_unsigned(),
                    file,
                    cloexec: fd.close_on_exec,
                })
            });
            let fds = fds.collect();
            self.index
                .tables
                .insert(number, Tree::add(&mut self.tree.tables, fds));
        }
        for (&number, fs) in &image.fs {
            if fs.umask.is_none() {
                self.losses.push(Loss::new(
                    "stream.no-umask",
                    "FS",
                    "umask",
                    "022",
                    "the stream does not say it",
                ));
            }
            let dirs = Dirs {
                cwd: text(&fs.cwd),
                root: text(&fs.root),
                umask: fs.umask.unwrap_or(0o22),
            };
            self.index
                .dirs
                .insert(number, Tree::add(&mut self.tree.dirs, dirs));
        }
        for (&number, sighand) in &image.sighands {
            let record = self.again(sighand.record);
            let mask = |i: usize, known: u64| {
                let raw = record
                    .as_ref()
                    .and_then(|r| r.bytes.get(32 + 32 * i..40 + 32 * i));
                raw.map_or(known, |raw| self.sigset(raw))
            };
            let action = |(i, a): (usize, &model::SigAction)| Action {
                handler: a.handler,
                flags: a.flags,
                restorer: a.restorer,
                mask: mask(i, a.mask),
            };
            let mut actions: Vec<Action> = sighand.actions.iter().enumerate().map(action).collect();
            actions.resize(64, Action::default());
            self.index
                .actions
                .insert(number, Tree::add(&mut self.tree.actions, actions));
        }
        for (&number, mm) in &image.mms {
            let mm = self.mm(mm);
            self.index
                .mms
                .insert(number, Tree::add(&mut self.tree.mms, mm));
        }
        for (&number, signal) in &image.signals {
            let process = self.process(signal);
            self.index
                .processes
                .insert(number, Tree::add(&mut self.tree.processes, process));
        }
    }

    /// Runs of pages that ascend and lie in a range; damaged streams may have others.
    fn runs(&mut self, runs: Slice<model::PageRun>, start: u64, end: u64) -> Vec<Pages> {
        let mut out: Vec<Pages> = Vec::new();
        let mut at = start;
        for r in runs {
            let inside = r
                .addr
                .checked_add(r.len)
                .filter(|&e| r.addr >= at && e <= end);
            let Some(next) = inside else {
                let why = "the page lies outside of its mapping, or before the one before";
                self.losses.push(Loss::new(
                    "stream.bad-page",
                    "PGARR",
                    "address",
                    format!("{:#x}", r.addr),
                    why,
                ));
                continue;
            };
            at = next;
            out.push(Pages {
                addr: r.addr,
                len: r.len,
                blob: 0,
                at: r.offset,
            });
        }
        out
    }

    fn mm(&mut self, mm: &model::Mm) -> Mm {
        let vdso = mm.auxv(AT_SYSINFO_EHDR);
        let page = self.image.page_size();
        let mut vmas = Vec::new();
        let mut end = 0;
        for v in &mm.vmas {
            if v.start < end || v.end <= v.start {
                let why = "the mapping is empty, or overlaps the one before";
                self.losses.push(Loss::new(
                    "stream.bad-mapping",
                    "VMA",
                    "vm_start",
                    format!("{:#x}", v.start),
                    why,
                ));
                continue;
            }
            end = v.end;
            let file = |r: &Self| r.index.files.get(&v.file).copied();
            let segment = |r: &Self| r.index.segments.get(&v.inode).copied();
            let anonymous = if vdso == Some(v.start) {
                VmaKind::Vdso
            } else {
                VmaKind::Anon
            };
            let kind = match v.kind {
                model::VmaKind::Vdso => VmaKind::Special,
                model::VmaKind::Anon => anonymous,
                model::VmaKind::File | model::VmaKind::ShmFile => {
                    file(self).map_or(VmaKind::Anon, VmaKind::File)
                }
                model::VmaKind::ShmAnon
                | model::VmaKind::ShmAnonSkip
                | model::VmaKind::ShmIpcSkip => {
                    segment(self).map_or(VmaKind::Anon, VmaKind::Shared)
                }
                other => {
                    let why = "the mapping becomes memory of its own; what was shared is not";
                    self.losses.push(Loss::new(
                        "stream.mapping",
                        "VMA",
                        "vma_type",
                        format!("{} at {:#x}", other.number(), v.start),
                        why,
                    ));
                    segment(self).map_or(VmaKind::Anon, VmaKind::Shared)
                }
            };
            let pages = self.runs(mm.pages_of(&v), v.start, v.end);
            let anonymous = matches!(kind, VmaKind::Anon | VmaKind::Vdso | VmaKind::Special);
            let flags = if kind == VmaKind::Vdso {
                v.flags & !ALWAYSDUMP
            } else {
                v.flags
            };
            vmas.push(Vma {
                start: v.start,
                end: v.end,
                flags,
                kind,
                offset: if anonymous {
                    0
                } else {
                    v.pgoff.saturating_mul(page)
                },
                pages,
            });
        }
        Mm {
            exe: self.index.files.get(&mm.exe).copied(),
            auxv: mm.auxv.clone(),
            code: mm.code,
            data: mm.data,
            brk: mm.brk,
            start_stack: mm.start_stack,
            args: mm.args,
            env: mm.env,
            // Bits 0 and 1 say whether cores may be written; 3 is "by root only".
            dumpable: u32::try_from(mm.flags & 3).unwrap_or(1).min(2),
            vmas,
        }
    }
}
