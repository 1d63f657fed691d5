//! Address spaces: `mm-*.img`, mappings and their pages.

use std::collections::HashMap;

use super::{Reader, only};
use ckpt_parser::text::escape;

use crate::{
    Error, Loss, Result,
    criu::{Mapping, Msg, image},
    criu_memory::{overlaid, within},
    to_criu::NO_FILE,
    tree::{Mm, OVERLAPS, Pages, Segment, Tree, Vma, VmaKind, take_overlaps},
};

/// What a mapping is to a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MappedAs {
    Special,
    Vdso,
    Shared,
    /// Private memory that shows a memfd where nothing was written to it.
    PrivateMemfd,
    File,
    Anonymous,
}

impl MappedAs {
    /// By its bits.
    pub(crate) fn of(v: &Mapping) -> Self {
        let (st, shared) = (v.status, v.flags & 1 != 0);
        if st & (status::VSYSCALL | status::VVAR) != 0 {
            Self::Special
        } else if st & status::VDSO != 0 {
            Self::Vdso
        } else if st & (status::MEMFD | status::ANON_SHARED | status::SYSVIPC) != 0 && shared {
            Self::Shared
        } else if st & status::MEMFD != 0 {
            Self::PrivateMemfd
        } else if st & (status::FILE_PRIVATE | status::FILE_SHARED) != 0 {
            Self::File
        } else {
            Self::Anonymous
        }
    }
}

/// Bits of `vma_entry.status`.
pub(crate) mod status {
    pub(crate) const REGULAR: u64 = 1;
    pub(crate) const VSYSCALL: u64 = 1 << 2;
    pub(crate) const VDSO: u64 = 1 << 3;
    pub(crate) const HEAP: u64 = 1 << 5;
    pub(crate) const FILE_PRIVATE: u64 = 1 << 6;
    pub(crate) const FILE_SHARED: u64 = 1 << 7;
    pub(crate) const ANON_SHARED: u64 = 1 << 8;
    pub(crate) const ANON_PRIVATE: u64 = 1 << 9;
    pub(crate) const SYSVIPC: u64 = 1 << 10;
    pub(crate) const VVAR: u64 = 1 << 12;
    pub(crate) const MEMFD: u64 = 1 << 14;
}

/// `MAP_` bits and the `VM_` bits that say the same (§4.5).
pub(crate) const MAP_BITS: [(u64, u64); 5] = [
    (1, 0x88),
    (0x100, 0x100),
    (0x2000, 0x2000),
    (0x4000, 0x0020_0000),
    (0x4_0000, 0x0040_0000),
];

/// Numbers of `madvise`, which CRIU keeps as bits, and the `VM_` bits that say the same.
pub(crate) const MADVISE_BITS: [(u64, u64); 3] = [(1, 0x1_0000), (2, 0x8000), (10, 0x2_0000)];

impl Reader<'_> {
    pub(super) fn mm(&mut self, pid: u32, id: u64) -> Result<usize> {
        if let Some(&index) = self.maps.mms.get(&id) {
            return Ok(index);
        }
        let mut m = only(self.set.need(&format!("mm-{pid}.img"))?, "MM")?;
        if let (false, Some(file)) = (m.has("vmas"), self.set.get(&format!("vmas-{pid}.img"))) {
            let old = image::read(file, "VMAS")?.into_iter();
            m.set_parts("vmas", old.map(|e| e.message.encode().into()));
        }
        self.check_defaults(&format!("mm-{pid}.img"), &m);
        let exe = match m.u64("exe_file_id") {
            NO_FILE if self.entries.get(NO_FILE).is_none() => None,
            exe => self.file(exe, &format!("mm-{pid}.img"))?,
        };
        let pair = |a: &str, b: &str| (m.u64(a), m.u64(b));
        let mut mm = Mm {
            exe,
            auxv: auxv(&m),
            code: pair("mm_start_code", "mm_end_code"),
            data: pair("mm_start_data", "mm_end_data"),
            brk: pair("mm_start_brk", "mm_brk"),
            start_stack: m.u64("mm_start_stack"),
            args: pair("mm_arg_start", "mm_arg_end"),
            env: pair("mm_env_start", "mm_env_end"),
            dumpable: dumpable(&m),
            vmas: Vec::new(),
        };
        // Pages that private mappings of a memfd show where they have none of their own, by first address.
        let mut shown = HashMap::new();
        for v in Mapping::take(&mut m, &format!("mm-{pid}.img")) {
            let v = v?.checked(&format!("mm-{pid}.img"))?;
            if let Some(mut vma) = self.vma(&v, pid)? {
                if !vma.pages.is_empty() {
                    shown.insert(vma.start, std::mem::take(&mut vma.pages));
                }
                mm.vmas.push(vma);
            }
        }
        mm.vmas.sort_by_key(|v| v.start);
        for start in take_overlaps(&mut mm.vmas) {
            let record = format!("mm-{pid}.img");
            let value = format!("{start:#x}");
            self.losses.push(Loss::new(
                "criu.bad-mapping",
                record,
                "vmas.start",
                value,
                OVERLAPS,
            ));
        }
        let map = format!("pagemap-{pid}.img");
        self.expect(&map, "its memory is what files show, or zero");
        let pages = self.memory.pages(self.set, &map, &mut self.losses)?;
        for (addr, len) in distribute(&mut mm.vmas, pages) {
            let record = format!("pagemap-{pid}.img");
            let value = format!("{len} bytes at {addr:#x}");
            let why = "no mapping has these pages";
            self.losses
                .push(Loss::new("criu.stray-pages", record, "vaddr", value, why));
        }
        for vma in &mut mm.vmas {
            if let Some(below) = shown.get(&vma.start) {
                vma.pages = overlaid(&vma.pages, below);
            }
        }
        let index = Tree::add(&mut self.tree.mms, mm);
        self.maps.mms.insert(id, index);
        Ok(index)
    }

    fn vma(&mut self, v: &Mapping, pid: u32) -> Result<Option<Vma>> {
        let record = format!("mm-{pid}.img");
        let (start, end) = (v.start, v.end);
        let mut flags = v.prot & 7 | 0x70;
        let mut known = 0x22;
        for (map, vm) in MAP_BITS {
            known |= map;
            if v.flags & map != 0 {
                flags |= vm;
            }
        }
        if v.flags & !known != 0 {
            self.losses.push(Loss::new(
                "criu.map-flags",
                record.clone(),
                "vmas.flags",
                format!("{:#x} at {start:#x}", v.flags & !known),
                "streams have no such flag",
            ));
        }
        let madv = v.madv;
        let mut rest = madv;
        for (number, vm) in MADVISE_BITS {
            if madv & 1 << number != 0 {
                flags |= vm;
                rest &= !(1 << number);
            }
        }
        if rest != 0 {
            self.losses.push(Loss::new(
                "criu.madvise",
                record.clone(),
                "vmas.madv",
                format!("{rest:#x} at {start:#x}"),
                "streams have no such advice",
            ));
        }
        let (mut offset, mut pages) = (v.pgoff, Vec::new());
        let kind = match MappedAs::of(v) {
            MappedAs::Special => VmaKind::Special,
            MappedAs::Vdso => VmaKind::Vdso,
            MappedAs::Shared => VmaKind::Shared(self.segment(v, &record)?),
            MappedAs::PrivateMemfd => {
                pages = self.shown_of_memfd(v, &record)?;
                offset = 0;
                VmaKind::Anon
            }
            MappedAs::File => {
                let Some(file) = self.file(v.shmid, &record)? else {
                    self.losses.push(Loss::new(
                        "criu.mapping",
                        record,
                        "vmas.start",
                        format!("{start:#x}"),
                        "streams cannot map a file of this kind",
                    ));
                    return Ok(None);
                };
                VmaKind::File(file)
            }
            MappedAs::Anonymous => {
                offset = 0;
                VmaKind::Anon
            }
        };
        Ok(Some(Vma {
            start,
            end,
            flags,
            kind,
            offset,
            pages,
        }))
    }

    /// What a private mapping of a memfd shows where nothing was written to it.
    fn shown_of_memfd(&mut self, v: &Mapping, record: &str) -> Result<Vec<Pages>> {
        let memfd = self.memfd(v.shmid, record)?;
        self.losses.push(Loss::new(
            "criu.private-memfd",
            record,
            "vmas.start",
            format!("{:#x}", v.start),
            "streams have no memfd; the mapping gets pages of its own",
        ));
        let (start, from) = (v.start, v.pgoff);
        let map = format!("pagemap-shmem-{}.img", memfd.u64("shmid"));
        let all = self.memory.peek(self.set, &map, &mut self.losses)?;
        let shown = within(&all, from, v.end - start);
        let moved = |p: Pages| Pages {
            addr: p.addr - from + start,
            ..p
        };
        Ok(shown.map(moved).collect())
    }

    /// The memory behind a file made by `memfd_create`.
    fn memfd(&mut self, file: u64, asked: &str) -> Result<Msg> {
        let own = self.entries.get(file).and_then(|m| m.sub("memfd"));
        let found = match own.map(|m| m.u64("inode_id")) {
            Some(inode) => self.keyed("memfd.img", "MEMFD_INODE", "inode_id", inode)?,
            None => Vec::new(),
        };
        let found = found.into_iter().next().map(|e| e.message);
        found.ok_or_else(|| Error::damaged(asked, 8, "memfd", file, "a number in memfd.img"))
    }

    /// Shared anonymous memory: a segment of its own, or since 4.0 a memfd called `/dev/zero`.
    fn segment(&mut self, v: &Mapping, record: &str) -> Result<usize> {
        let reach = v.pgoff.saturating_add(v.end - v.start);
        let (mut shmid, mut size) = (v.shmid, reach);
        if v.status & status::MEMFD != 0 {
            let found = self.memfd(shmid, record)?;
            (shmid, size) = (found.u64("shmid"), found.u64("size").max(reach));
            self.losses.push(Loss::new(
                "criu.memfd",
                "memfd.img",
                "name",
                escape(&found.bytes("name")),
                "streams have no memfd; it comes back as shared anonymous memory",
            ));
        }
        if let Some(&index) = self.segments.get(&shmid) {
            if let Some(segment) = self.tree.segments.get_mut(index) {
                segment.size = segment.size.max(size);
            }
            return Ok(index);
        }
        let pages = self.memory.pages(
            self.set,
            &format!("pagemap-shmem-{shmid}.img"),
            &mut self.losses,
        )?;
        let index = Tree::add(&mut self.tree.segments, Segment { size, pages });
        self.segments.insert(shmid, index);
        Ok(index)
    }
}

/// Gives each mapping its pages. What lies in no mapping is left: first address and length of each stretch.
fn distribute(vmas: &mut [Vma], pages: Vec<Pages>) -> Vec<(u64, u64)> {
    let (mut at, mut stray) = (0, Vec::new());
    for mut run in pages {
        while run.len > 0 {
            while vmas.get(at).is_some_and(|v| v.end <= run.addr) {
                at += 1;
            }
            let Some(vma) = vmas.get_mut(at) else {
                stray.push((run.addr, run.len));
                break;
            };
            let skip = vma.start.saturating_sub(run.addr).min(run.len);
            if skip > 0 {
                stray.push((run.addr, skip));
            }
            run = Pages {
                addr: run.addr + skip,
                at: run.at + skip,
                len: run.len - skip,
                ..run
            };
            let take = run.len.min(vma.end.saturating_sub(run.addr));
            if take > 0 && matches!(vma.kind, VmaKind::Anon | VmaKind::File(_) | VmaKind::Vdso) {
                vma.pages.push(Pages { len: take, ..run });
            }
            run = Pages {
                addr: run.addr + take,
                at: run.at + take,
                len: run.len - take,
                ..run
            };
        }
    }
    stray
}

/// Pairs of the auxiliary vector up to the closing one.
pub(crate) fn auxv(mm: &Msg) -> Vec<(u64, u64)> {
    let words = mm.numbers("mm_saved_auxv");
    let pair = |p: &[u64]| match p {
        &[k, v] if k != 0 => Some((k, v)),
        _ => None,
    };
    words.chunks_exact(2).map_while(pair).collect()
}

/// Whether cores may be written; older sets do not say it.
pub(crate) fn dumpable(mm: &Msg) -> u32 {
    let dumpable = mm.get("dumpable");
    dumpable.and_then(|d| u32::try_from(d).ok()).unwrap_or(1)
}
