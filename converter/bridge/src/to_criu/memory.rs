//! Address spaces: `mm-*.img`, page maps and pages.

use std::{collections::HashSet, io::Write};

use super::{FRESH, NO_FILE, Once, Writer, number, plain};
use crate::{
    Error, Loss, Result,
    criu::{
        Mapping, Msg,
        pagemap::{LAZY, PAGE, PRESENT, Pagemap, Writer as PagemapWriter},
    },
    criu_defaults,
    from_criu::{self, MADVISE_BITS, MAP_BITS, MappedAs, status},
    kept::Kept,
    tree::{Mm, Pages, Vma, VmaKind},
};

/// The file that kept mappings were in, for messages.
const KEPT: &str = "mm-*.img";
/// First number of a shared segment.
const FIRST_SHMID: u64 = 100;
/// The page of exception vectors on ARM.
const VECTORS: u64 = 0xffff_0000;
/// `MAP_ANONYMOUS`.
const ANONYMOUS: u64 = 0x20;
/// `MAP_SHARED` and `MAP_PRIVATE`.
const SHARED: u64 = 1;
const PRIVATE: u64 = 2;
/// `VM_SHARED` and `VM_MAYSHARE` of a mapping in the tree.
const VM_SHARED: u64 = 0x88;

impl Writer<'_> {
    pub(super) fn mm(&mut self, pid: i32, index: usize, may_be_lazy: bool) -> Result<()> {
        if !self.written.insert(Once::Mm(index)) {
            return Ok(());
        }
        let Some(mm) = self.tree.mms.get(index) else {
            return Ok(());
        };
        let mut m = self.message(&format!("mm-{pid}.img"), "MM")?;
        let exe = match mm.exe {
            Some(exe) => self.file(exe)?.map(|(id, _)| id),
            None => None,
        };
        if exe.is_none() {
            self.losses.push(Loss::new(
                "criu.no-program",
                format!("mm-{pid}.img"),
                "exe_file_id",
                "unknown",
                "the image does not name the program's file, and CRIU restores none without it",
            ));
        }
        let pairs = [
            ("mm_start_code", "mm_end_code", mm.code),
            ("mm_start_data", "mm_end_data", mm.data),
            ("mm_start_brk", "mm_brk", mm.brk),
            ("mm_arg_start", "mm_arg_end", mm.args),
            ("mm_env_start", "mm_env_end", mm.env),
        ];
        for (start, end, (a, b)) in pairs {
            m.set(start, a).set(end, b);
        }
        m.set("mm_start_stack", mm.start_stack)
            .set("exe_file_id", exe.unwrap_or(NO_FILE));
        if !m.is_kept() || from_criu::dumpable(&m) != mm.dumpable {
            m.set("dumpable", mm.dumpable.into());
        }
        if !m.is_kept() || from_criu::auxv(&m) != mm.auxv {
            let words = mm.auxv.iter().flat_map(|&(k, v)| [k, v]);
            m.set_numbers("mm_saved_auxv", words.chain([0, 0]));
        }
        if !m.is_kept() {
            criu_defaults::fill(&mut m);
        }
        let old = Mapping::take(&mut m, KEPT).collect::<Result<_>>()?;
        let vmas = self.vmas(mm, old)?;
        let anonymous = vmas.iter().filter(|v| v.flags & ANONYMOUS != 0);
        let anonymous: HashSet<u64> = anonymous.map(|v| v.start).collect();
        m.set_parts("vmas", vmas.into_iter().map(Mapping::into_bytes));
        self.image("MM", &format!("mm-{pid}"), &[plain(m)])?;
        self.shared_memory(mm)?;
        let runs: Vec<(Pages, u32)> = mm
            .vmas
            .iter()
            .flat_map(|v| {
                let lazy = if may_be_lazy && anonymous.contains(&v.start) {
                    lazy(v)
                } else {
                    0
                };
                v.pages.iter().map(move |&p| (p, PRESENT | lazy))
            })
            .collect();
        self.pages(&format!("pagemap-{}", number(pid)), &runs)
    }

    fn vmas(&mut self, mm: &Mm, old: Vec<Mapping>) -> Result<Vec<Mapping>> {
        let mut old = old.into_iter().peekable();
        let mut vmas = Vec::new();
        for vma in &mm.vmas {
            while let Some(before) = old.next_if(|m| m.start < vma.start) {
                self.keep_mapping(before, vma.start, &mut vmas);
            }
            let same = old.next_if(|m| m.start == vma.start);
            let message = self.vma(mm, vma, same)?;
            vmas.push(Mapping::of(message.encode().into(), KEPT)?);
        }
        for rest in old {
            self.keep_mapping(rest, u64::MAX, &mut vmas);
        }
        Ok(vmas)
    }

    /// A mapping of a kind that a tree does not have comes back where its place is still free.
    fn keep_mapping(&mut self, m: Mapping, next: u64, vmas: &mut Vec<Mapping>) {
        let free = vmas.last().is_none_or(|v| v.end <= m.start);
        if MappedAs::of(&m) == MappedAs::File && self.is_homeless(m.shmid) && free && m.end <= next
        {
            self.keep_file(m.shmid);
            vmas.push(m);
        }
    }

    fn vma(&mut self, mm: &Mm, vma: &Vma, old: Option<Mapping>) -> Result<Msg> {
        let unnamed = self.without_file(vma)?;
        let vma = unnamed.as_ref().unwrap_or(vma);
        let as_now = match vma.kind {
            VmaKind::Anon => MappedAs::Anonymous,
            VmaKind::File(_) => MappedAs::File,
            VmaKind::Shared(_) => MappedAs::Shared,
            VmaKind::Vdso => MappedAs::Vdso,
            VmaKind::Special => MappedAs::Special,
        };
        let old = old.filter(|m| match MappedAs::of(m) {
            MappedAs::PrivateMemfd => as_now == MappedAs::Anonymous,
            before => before == as_now,
        });
        let memfd = old
            .as_ref()
            .filter(|m| MappedAs::of(m) == MappedAs::PrivateMemfd);
        if let Some(memfd) = memfd {
            self.keep_file(memfd.shmid);
            self.losses.push(Loss::new(
                "criu.private-memfd",
                "VMA",
                "vm_start",
                format!("{:#x}", vma.start),
                "pages that the mapping showed of the memfd are written as its own",
            ));
        }
        let mut m = match old {
            Some(old) => old.message(KEPT)?,
            None => Msg::new("vma_entry")?,
        };
        let shared = vma.flags & 8 != 0;
        self.object_of(mm, vma, &mut m)?;
        m.set("start", vma.start)
            .set("end", vma.end)
            .set("prot", vma.flags & 7);
        let mut flags = if shared { SHARED } else { PRIVATE };
        for (map, vm) in MAP_BITS.into_iter().filter(|&(map, _)| map != SHARED) {
            flags |= if vma.flags & vm == vm { map } else { 0 };
        }
        let known = MAP_BITS.iter().fold(PRIVATE, |bits, (map, _)| bits | map);
        if m.is_kept() {
            flags |= m.u64("flags") & !known;
        } else if !matches!(vma.kind, VmaKind::File(_)) {
            flags |= ANONYMOUS;
        }
        m.set("flags", flags);
        let known = MADVISE_BITS.iter().fold(0, |bits, (n, _)| bits | 1 << n);
        let madv = MADVISE_BITS
            .iter()
            .filter(|(_, vm)| vma.flags & vm != 0)
            .fold(m.u64("madv") & !known, |bits, (n, _)| bits | 1 << n);
        if madv != 0 || m.has("madv") {
            m.set("madv", madv);
        }
        Ok(m)
    }

    /// A mapping of a file that cannot be opened again, as memory of its own.
    fn without_file(&mut self, vma: &Vma) -> Result<Option<Vma>> {
        let VmaKind::File(file) = vma.kind else {
            return Ok(None);
        };
        if self.file(file)?.is_some() {
            return Ok(None);
        }
        let why = "the mapped file cannot be opened again; the mapping becomes private memory, zero where the image holds no page";
        let start = format!("{:#x}", vma.start);
        self.losses.push(Loss::new(
            "criu.deleted-mapping",
            "VMA",
            "vm_start",
            start,
            why,
        ));
        let own = Vma {
            kind: VmaKind::Anon,
            flags: vma.flags & !VM_SHARED,
            offset: 0,
            ..vma.clone()
        };
        Ok(Some(own))
    }

    /// What is mapped: status, number and offset.
    fn object_of(&mut self, mm: &Mm, vma: &Vma, m: &mut Msg) -> Result<()> {
        match vma.kind {
            VmaKind::File(file) => {
                let id = self.file(file)?.map_or(0, |(id, _)| id);
                m.set("shmid", id).set("pgoff", vma.offset);
            }
            VmaKind::Shared(segment) => {
                let id = self.segment(segment, m)?;
                if !m.is_kept() {
                    m.set("shmid", id);
                }
                m.set("pgoff", vma.offset);
            }
            _ if !m.is_kept() => {
                m.set("shmid", 0).set("pgoff", 0);
            }
            _ => {}
        }
        if m.is_kept() {
            return Ok(());
        }
        let shared = vma.flags & 8 != 0;
        let st = match vma.kind {
            VmaKind::Anon if mm.brk.0 < vma.end && vma.start < mm.brk.1 => {
                status::REGULAR | status::HEAP | status::ANON_PRIVATE
            }
            VmaKind::Anon => status::REGULAR | status::ANON_PRIVATE,
            VmaKind::Vdso => status::REGULAR | status::VDSO | status::ANON_PRIVATE,
            VmaKind::Special if vma.start == VECTORS => status::VSYSCALL | status::ANON_PRIVATE,
            VmaKind::Special => status::REGULAR | status::VVAR | status::ANON_PRIVATE,
            VmaKind::Shared(segment) if self.system_v.contains_key(&segment) => {
                status::REGULAR | status::ANON_SHARED | status::SYSVIPC
            }
            VmaKind::Shared(_) => status::REGULAR | status::ANON_SHARED,
            VmaKind::File(_) if shared => status::REGULAR | status::FILE_SHARED,
            VmaKind::File(_) => status::REGULAR | status::FILE_PRIVATE,
        };
        if let VmaKind::File(file) = vma.kind {
            // How the mapped file was opened: shared and writable needs writing, else what its record says.
            let access = self.tree.files.get(file).map_or(0, |f| f.flags & 3);
            let writes = shared && vma.flags & 2 != 0;
            m.set("fdflags", if writes { 2 } else { access.into() });
        }
        m.set("status", st).set("fd", u64::MAX);
        Ok(())
    }

    /// The number of a shared segment: the one in the kept set, or a new one.
    fn segment(&mut self, index: usize, vma: &Msg) -> Result<u64> {
        let mut id = vma.u64("shmid");
        if vma.is_kept() && vma.u64("status") & status::MEMFD != 0 {
            let memfd = self.kept.as_ref().and_then(|kept| kept.file(id, "memfd"));
            let inode = memfd.map(|m| m.u64("inode_id"));
            self.keep_file(id);
            let inode = self.kept_entry("memfd.img", "MEMFD_INODE", "inode_id", inode)?;
            id = inode.map_or(id, |e| e.message.u64("shmid"));
        }
        let free = if self.kept.is_some() {
            FRESH
        } else {
            FIRST_SHMID
        };
        let id = match self.system_v.get(&index) {
            Some(&id) => id,
            None if vma.is_kept() => id,
            None => free.saturating_add(index as u64),
        };
        Ok(*self.segments.entry(index).or_insert(id))
    }

    fn shared_memory(&mut self, mm: &Mm) -> Result<()> {
        for vma in &mm.vmas {
            let VmaKind::Shared(index) = vma.kind else {
                continue;
            };
            if !self.written.insert(Once::Segment(index)) {
                continue;
            }
            let pages = self.tree.segments.get(index).map(|s| s.pages.clone());
            let runs: Vec<_> = pages
                .unwrap_or_default()
                .into_iter()
                .map(|p| (p, PRESENT))
                .collect();
            let id = self.segments.get(&index).copied().unwrap_or_default();
            let stem = format!("pagemap-shmem-{id}");
            let kept = self.kept.as_ref();
            // A segment without any page has no page map in a kept set.
            if runs.is_empty() && kept.is_some_and(|k| k.get(&format!("{stem}.img")).is_none()) {
                continue;
            }
            self.pages(&stem, &runs)?;
        }
        Ok(())
    }

    /// Numbers of pages files that kept page maps have, so that new ones do not take them.
    pub(super) fn reserve_pages(&mut self) -> Result<()> {
        for file in self.kept.iter().flat_map(Kept::all) {
            if file.name.starts_with("pagemap-") {
                self.pages_ids.insert(Pagemap::open(file)?.pages_id);
            }
        }
        Ok(())
    }

    /// The number of the pages file of a page map.
    fn pages_id(&mut self, map: &str) -> Result<u32> {
        if let Some(file) = self.kept.as_ref().and_then(|kept| kept.get(map)) {
            return Ok(Pagemap::open(file)?.pages_id);
        }
        while !self.pages_ids.insert(self.next_pages) {
            self.next_pages += 1;
        }
        Ok(self.next_pages)
    }

    pub(super) fn pages(&mut self, stem: &str, runs: &[(Pages, u32)]) -> Result<()> {
        let id = self.pages_id(&format!("{stem}.img"))?;
        let name = format!("pages-{id}.img");
        let mut map = PagemapWriter::new(id);
        let mut out = self
            .create(&name)?
            .into_inner()
            .map_err(|e| Error::writing(e.into_error()))?;
        let mut at = 0;
        while let Some(&(first, flags)) = runs.get(at) {
            let mut end = first.addr + first.len;
            while let Some((p, _)) = runs
                .get(at)
                .filter(|(p, f)| *f == flags && (p.addr == end || p.addr == first.addr))
            {
                let blob = self
                    .tree
                    .blobs
                    .get(p.blob)
                    .ok_or_else(|| Error::Unsupported("pages of nowhere".into()))?;
                let copied = blob.part(p.at, p.len).copy_to_file(&mut out);
                copied.map_err(|e| e.in_file(&name))?;
                end = p.addr + p.len;
                at += 1;
            }
            map.run(first.addr, (end - first.addr) / PAGE, flags);
        }
        let name = format!("{stem}.img");
        let mut out = self.create(&name)?;
        let written = out.write_all(&map.finish()).and_then(|()| out.flush());
        written.map_err(|e| Error::writing(e).in_file(&name))
    }
}

/// `PE_LAZY` as the dump sets it: private anonymous memory that is neither locked nor the kernel's.
fn lazy(vma: &Vma) -> u32 {
    if vma.kind == VmaKind::Anon && vma.flags & 0x2008 == 0 {
        LAZY
    } else {
        0
    }
}
