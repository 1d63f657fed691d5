//! Address spaces and their pages.

use super::{Emitter, Thing};
use crate::bytes::push_uint;
use crate::core::Machine;
use crate::tree::{Mm, PAGE, Pages, Vma, VmaKind};
use ckpt_format::{Object, Tag};

/// Pages in one group at most (§4.1), on 32-bit and 64-bit machines.
const GROUP: [u64; 2] = [16384, 8192];
/// `VM_ALWAYSDUMP`: what the kernels of the time set on the vdso.
const ALWAYSDUMP: u64 = 0x0400_0000;

impl Emitter<'_> {
    pub(super) fn mm(&mut self, index: usize, cred: i32) -> i32 {
        let (number, first) = self.announce(Object::Mm, Thing::Mm(index));
        let Some(mm) = self.tree.mms.get(index).filter(|_| first) else {
            return number;
        };
        let exe = mm.exe.map_or(0, |exe| self.file(exe, cred));
        self.out.record(Tag::Mm, None, |r| {
            r.set("map_count", mm.vmas.len() as u64)
                .set_i32("exe_objref", exe)
                .set("flags", mm.dumpable.into());
            let pairs = [("code", mm.code), ("data", mm.data)];
            for (name, (start, end)) in pairs {
                r.set(&format!("start_{name}"), start)
                    .set(&format!("end_{name}"), end);
            }
            r.set("start_brk", mm.brk.0)
                .set("brk", mm.brk.1)
                .set("start_stack", mm.start_stack);
            r.set("arg_start", mm.args.0)
                .set("arg_end", mm.args.1)
                .set("env_start", mm.env.0)
                .set("env_end", mm.env.1);
        });
        let mut auxv = Vec::new();
        for value in mm.auxv.iter().flat_map(|&(kind, value)| [kind, value]) {
            push_uint(&mut auxv, self.tree.order, value, 8);
        }
        auxv.resize(8 * self.auxv_words(), 0);
        self.out.payload(Tag::Buffer, &auxv);
        for vma in &mm.vmas {
            self.vma(vma, cred);
        }
        self.mm_context(mm);
        number
    }

    fn mm_context(&mut self, mm: &Mm) {
        let arm = self.tree.machine == Machine::Arm;
        let vdso = mm
            .vmas
            .iter()
            .find(|v| v.kind == VmaKind::Vdso)
            .map_or(0, |v| v.start);
        self.out.record(Tag::MmContext, None, |r| {
            if !arm {
                r.set("vdso", vdso).set("ldt_entry_size", 8);
            }
        });
        if !arm {
            self.out.payload(Tag::MmContextLdt, &[]);
        }
    }

    fn vma(&mut self, vma: &Vma, cred: i32) {
        let shared = vma.flags & 8 != 0;
        let (mut file, mut inode, mut size, mut flags) = (0, 0, 0, vma.flags);
        let mut segment = None;
        let kind = match vma.kind {
            VmaKind::Special => 1,
            VmaKind::Anon => 2,
            VmaKind::Vdso => {
                flags |= ALWAYSDUMP;
                2
            }
            VmaKind::File(index) => {
                file = self.file(index, cred);
                if shared {
                    inode = self.number(Thing::Inode(index)).0;
                }
                if shared { 6 } else { 3 }
            }
            VmaKind::Shared(index) => {
                let (number, first) = self.number(Thing::Segment(index));
                inode = number;
                let found = self.tree.segments.get(index);
                size = found.map_or(0, |s| s.size);
                segment = found.filter(|_| first);
                match (self.system_v.contains(&index), first) {
                    (true, _) => 8,
                    (false, true) => 4,
                    (false, false) => 5,
                }
            }
        };
        let anonymous = matches!(vma.kind, VmaKind::Anon | VmaKind::Vdso | VmaKind::Special);
        let pgoff = if anonymous { vma.start } else { vma.offset } / PAGE;
        self.out.record(Tag::Vma, None, |r| {
            r.set("vma_type", kind)
                .set_i32("vma_objref", file)
                .set_i32("ino_objref", inode)
                .set("ino_size", size);
            r.set("vm_start", vma.start)
                .set("vm_end", vma.end)
                .set("vm_flags", flags)
                .set("vm_pgoff", pgoff);
        });
        match kind {
            2 | 3 => self.pages(&vma.pages, 1),
            4 => self.pages(segment.map_or(&[], |s| &s.pages), PAGE),
            _ => {}
        }
    }

    /// Page groups. `unit` divides addresses: 1 in private memory, the page size in segments, which count pages.
    pub(super) fn pages(&mut self, pages: &[Pages], unit: u64) {
        let word = self.tree.machine.word();
        for group in groups(pages, if word == 8 { GROUP[1] } else { GROUP[0] }) {
            let count = group.iter().map(|p| p.len / PAGE).sum::<u64>();
            self.out.record(Tag::Pgarr, None, |r| {
                r.set("nr_pages", count);
            });
            let mut addresses = Vec::new();
            for addr in group
                .iter()
                .flat_map(|p| (0..p.len / PAGE).map(|i| p.addr + i * PAGE))
            {
                push_uint(&mut addresses, self.tree.order, addr / unit, word);
            }
            self.out
                .head(Tag::Buffer, addresses.len() as u64 + count * PAGE);
            self.out.stream.push(&addresses);
            for run in group {
                self.out.stream.push_extent(run.blob, run.at, run.len);
            }
        }
        self.out.record(Tag::Pgarr, None, |_| {});
    }
}

/// Splits runs into groups of at most `most` pages.
pub(super) fn groups(pages: &[Pages], most: u64) -> Vec<Vec<Pages>> {
    let mut out = Vec::new();
    let mut group = Vec::new();
    let mut room = most;
    for run in pages {
        let mut done = 0;
        while run.len - done >= PAGE {
            let take = ((run.len - done) / PAGE).min(room);
            group.push(Pages {
                addr: run.addr + done,
                at: run.at + done,
                len: take * PAGE,
                ..*run
            });
            done += take * PAGE;
            room -= take;
            if room == 0 {
                out.push(std::mem::take(&mut group));
                room = most;
            }
        }
    }
    if !group.is_empty() {
        out.push(group);
    }
    out
}
