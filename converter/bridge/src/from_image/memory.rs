//! Address spaces, shared memory and pages.

use super::{ALWAYSDUMP, AT_SYSINFO_EHDR, Reader, missing, text};
use crate::Loss;
use crate::tree::{Action, Dirs, Fd, Mm, Pages, Pipe, Segment, Tree, Vma, VmaKind};
use ckpt_parser::model;
use ckpt_parser::model::ObjRef;
use ckpt_parser::packed::Slice;
use std::collections::HashMap;

impl Reader<'_> {
    /// All shared objects, with indices that follow the object numbers.
    pub(super) fn shared(&mut self) {
        self.pipes();
        self.segments();
        self.sockets_and_terminals();
        self.files();
        self.tables();
        self.directories();
        self.actions();
        let image = self.image;
        for (&number, mm) in &image.mms {
            let mm = self.mm(mm);
            add(&mut self.index.mms, &mut self.tree.mms, number, mm);
        }
        for (&number, signal) in &image.signals {
            let process = self.process(signal);
            let (index, list) = (&mut self.index.processes, &mut self.tree.processes);
            add(index, list, number, process);
        }
    }

    fn pipes(&mut self) {
        for (&number, pipe) in &self.image.pipes {
            let data =
                (pipe.data.len > 0).then(|| self.stream.part(pipe.data.offset, pipe.data.len));
            let (index, list) = (&mut self.index.pipes, &mut self.tree.pipes);
            add(index, list, number, Pipe { data });
        }
    }

    fn segments(&mut self) {
        let image = self.image;
        for (&number, segment) in &image.segments {
            let pages = self.runs(segment.pages.all(), 0, u64::MAX);
            let size = segment.size;
            let (index, list) = (&mut self.index.segments, &mut self.tree.segments);
            add(index, list, number, Segment { size, pages });
        }
    }

    /// Sockets name each other, so all have their index before one is made.
    fn sockets_and_terminals(&mut self) {
        let image = self.image;
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
            add(&mut self.index.ttys, &mut self.tree.ttys, number, tty);
        }
    }

    /// So do files, by what an epoll file watches.
    fn files(&mut self) {
        let image = self.image;
        for (i, &number) in image.files.numbers().iter().enumerate() {
            self.index.files.insert(number, i);
        }
        for (number, file) in image.files.iter() {
            let file = self.file(number, &file);
            self.tree.files.push(file);
        }
    }

    fn tables(&mut self) {
        for (&number, table) in &self.image.file_tables {
            let mut fds = Vec::new();
            for fd in &table.fds {
                let Some(&file) = self.index.files.get(&fd.file) else {
                    let descriptor = format!("descriptor {}", fd.fd);
                    self.losses.push(missing(descriptor, "fd_objref", fd.file));
                    continue;
                };
                fds.push(Fd {
                    fd: fd.fd.cast_unsigned(),
                    file,
                    cloexec: fd.close_on_exec,
                });
            }
            add(&mut self.index.tables, &mut self.tree.tables, number, fds);
        }
    }

    fn directories(&mut self) {
        for (&number, fs) in &self.image.fs {
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
            add(&mut self.index.dirs, &mut self.tree.dirs, number, dirs);
        }
    }

    fn actions(&mut self) {
        for (&number, sighand) in &self.image.sighands {
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
            let (index, list) = (&mut self.index.actions, &mut self.tree.actions);
            add(index, list, number, actions);
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

    /// What a mapping shows.
    fn mapped(&mut self, vma: &model::Vma) -> VmaKind {
        let (index, found) = match vma.kind {
            model::VmaKind::Vdso => return VmaKind::Special,
            model::VmaKind::Anon => return VmaKind::Anon,
            model::VmaKind::File | model::VmaKind::ShmFile => {
                let file = self.index.files.get(&vma.file).copied();
                (vma.file, file.map(VmaKind::File))
            }
            kind => {
                let known = [
                    model::VmaKind::ShmAnon,
                    model::VmaKind::ShmAnonSkip,
                    model::VmaKind::ShmIpcSkip,
                ];
                let segment = self.index.segments.get(&vma.inode).copied();
                if !known.contains(&kind) {
                    let why = "the mapping becomes memory of its own; what was shared is not";
                    self.losses.push(Loss::new(
                        "stream.mapping",
                        "VMA",
                        "vma_type",
                        format!("{} at {:#x}", kind.number(), vma.start),
                        why,
                    ));
                    return segment.map_or(VmaKind::Anon, VmaKind::Shared);
                }
                (vma.inode, segment.map(VmaKind::Shared))
            }
        };
        found.unwrap_or_else(|| {
            let mapping = format!("mapping {:#x}", vma.start);
            self.losses.push(missing(mapping, "objref", index));
            VmaKind::Anon
        })
    }

    /// Segments of a process of its own, on x86.
    fn local_segments(&mut self, mm: &model::Mm) {
        let context = self.again(mm.context).filter(|_| mm.context.offset > 0);
        let entries = context.map_or(0, |context| context.uint("nldt"));
        if entries > 0 {
            let why = "nothing else holds a local descriptor table";
            self.losses.push(Loss::new(
                "stream.local-segments",
                "MM_CONTEXT",
                "nldt",
                entries,
                why,
            ));
        }
    }

    fn mm(&mut self, mm: &model::Mm) -> Mm {
        self.local_segments(mm);
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
            let kind = match self.mapped(&v) {
                VmaKind::Anon if vdso == Some(v.start) => VmaKind::Vdso,
                kind => kind,
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

/// Adds something to a list, under its number.
fn add<T>(index: &mut HashMap<ObjRef, usize>, list: &mut Vec<T>, number: ObjRef, item: T) {
    index.insert(number, Tree::add(list, item));
}
