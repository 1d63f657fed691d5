//! Address spaces, mappings, page runs and segments.

use super::{Check, On};
use crate::diagnostic::Code;
use crate::model::{Mm, ObjRef, Object, PageRun, Vma, VmaKind};

impl Check<'_> {
    pub(super) fn memory(&mut self) {
        for (at, mm) in &self.image.mms {
            self.mm(*at, mm);
            self.mappings(*at, mm);
        }
        self.segments();
    }

    fn mm(&mut self, at: ObjRef, mm: &Mm) {
        let mut on = self.on(mm.record, "MM", || format!("mm[{at}]"));
        on.refers("exe_objref", mm.exe, Object::File);
        for (field, (start, end)) in [("end_code", mm.code), ("end_data", mm.data)] {
            if start > end {
                let expected = format!("at least {start:#x}");
                on.wrong(Code::BadRange, field, format!("{end:#x}"), expected);
            }
        }
    }

    fn mappings(&mut self, at: ObjRef, mm: &Mm) {
        let page = self.image.page_size();
        let mut last_end = 0;
        let mut runs = mm.pages.iter();
        for (i, vma) in mm.vmas.iter().enumerate() {
            let mut on = self.on(vma.record, "VMA", || format!("mm[{at}].vma[{i}]"));
            on.range(&vma, last_end);
            on.backing(&vma);
            on.runs(
                "pages",
                runs.go_on(mm.pages_of(&vma)),
                (vma.start, vma.end),
                page,
            );
            last_end = last_end.max(vma.end);
        }
    }

    fn segments(&mut self) {
        let page = self.image.page_size();
        for (at, segment) in &self.image.segments {
            let end = segment.size.checked_next_multiple_of(page.max(1));
            let range = (0, end.unwrap_or(u64::MAX));
            self.on(segment.record, "VMA", || format!("segment[{at}]"))
                .runs("pages", &mut segment.pages.iter(), range, page);
        }
    }
}

impl<P: Fn() -> String> On<'_, '_, P> {
    /// A mapping is not empty and begins behind the one before.
    fn range(&mut self, vma: &Vma, last_end: u64) {
        if vma.end <= vma.start {
            let (found, expected) = (format!("{:#x}", vma.end), format!("above {:#x}", vma.start));
            self.wrong(Code::BadRange, "vm_end", found, expected);
        }
        if vma.start < last_end {
            let (found, expected) = (
                format!("{:#x}", vma.start),
                format!("at least {last_end:#x}"),
            );
            self.wrong(Code::Overlap, "vm_start", found, expected);
        }
    }

    /// What a mapping shows is what its type says.
    fn backing(&mut self, vma: &Vma) {
        if let VmaKind::Other(number) = vma.kind {
            self.wrong(Code::BadEnum, "vma_type", number.to_string(), "1 to 10");
        }
        self.refers("vma_objref", vma.file, Object::File);
        self.refers("ino_objref", vma.inode, Object::Inode);
        match vma.kind {
            VmaKind::File | VmaKind::ShmFile if vma.file == 0 => {
                self.wrong(
                    Code::DanglingReference,
                    "vma_objref",
                    "no file",
                    "a FILE object",
                );
            }
            VmaKind::Anon if vma.file != 0 => {
                let found = format!("file {}", vma.file);
                let expected = "none for an anonymous mapping";
                self.wrong(Code::WrongReference, "vma_objref", found, expected);
            }
            _ => {}
        }
    }

    /// Runs of pages lie in their range, whole, in order and apart.
    fn runs(
        &mut self,
        field: &str,
        runs: &mut impl Iterator<Item = PageRun>,
        (start, end): (u64, u64),
        page: u64,
    ) {
        let mut last = start;
        for run in runs {
            let run_end = run.end();
            if run.addr < start || run_end > end || run.addr.checked_rem(page) != Some(0) {
                let found = format!("{:#x} to {run_end:#x}", run.addr);
                let expected = format!("whole pages in {start:#x} to {end:#x}");
                self.wrong(Code::PageOutside, field, found, expected);
            } else if run.addr < last {
                let (found, expected) = (format!("{:#x}", run.addr), format!("at least {last:#x}"));
                self.wrong(Code::PageOrder, field, found, expected);
            }
            last = last.max(run_end);
        }
    }
}
