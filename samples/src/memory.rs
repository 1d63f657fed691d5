//! Address spaces and page contents.

use crate::dialect::{Arch, obj, rec};
use crate::stream::{Stream, Struct, len32};

/// Mapping types.
pub(crate) mod kind {
    pub(crate) const VDSO: u32 = 1;
    pub(crate) const ANON: u32 = 2;
    pub(crate) const FILE: u32 = 3;
    pub(crate) const SHM_ANON: u32 = 4;
    pub(crate) const SHM_ANON_SKIP: u32 = 5;
    pub(crate) const SHM_FILE: u32 = 6;
    pub(crate) const SHM_IPC_SKIP: u32 = 8;
    pub(crate) const HUGETLB: u32 = 9;
    pub(crate) const HUGETLB_SKIP: u32 = 10;
}

/// Mapping flags, as the kernel keeps them.
pub(crate) mod flag {
    /// READ EXEC and the MAY bits, DENYWRITE EXECUTABLE CAN_NONLINEAR.
    pub(crate) const TEXT: u64 = 0x0800_1875;
    /// READ WRITE, MAY bits, ACCOUNT.
    pub(crate) const DATA: u64 = 0x0010_0073;
    pub(crate) const STACK: u64 = 0x0010_0173;
    /// READ WRITE EXEC.
    pub(crate) const CODE: u64 = 0x0010_0077;
    /// READ WRITE SHARED MAYSHARE.
    pub(crate) const SHARED: u64 = 0x0000_00fb;
}

/// One mapping.
#[derive(Clone, Copy, Default)]
pub(crate) struct Vma {
    pub(crate) kind: u32,
    pub(crate) file: i32,
    pub(crate) segment: i32,
    pub(crate) segment_size: u64,
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) flags: u64,
    /// Page offset; anonymous memory has its page number.
    pub(crate) pgoff: u64,
    pub(crate) huge_shift: u16,
}

impl Vma {
    pub(crate) const fn anon(start: u64, end: u64, flags: u64) -> Self {
        Self {
            kind: kind::ANON,
            file: 0,
            segment: 0,
            segment_size: 0,
            start,
            end,
            flags,
            pgoff: start >> 12,
            huge_shift: 0,
        }
    }

    pub(crate) const fn file(file: i32, start: u64, end: u64, flags: u64, pgoff: u64) -> Self {
        Self {
            kind: kind::FILE,
            file,
            pgoff,
            ..Self::anon(start, end, flags)
        }
    }

    /// A mapping of a shared segment.
    pub(crate) const fn shared(kind: u32, segment: i32, start: u64, size: u64) -> Self {
        Self {
            kind,
            segment,
            segment_size: size,
            pgoff: 0,
            ..Self::anon(start, start + size, flag::SHARED)
        }
    }
}

/// The boundaries that MM records: code, data, brk, stack, arguments, environment.
#[derive(Clone, Copy)]
pub(crate) struct Layout {
    pub(crate) code: [u64; 2],
    pub(crate) data: [u64; 2],
    pub(crate) brk: [u64; 2],
    pub(crate) stack: u64,
    pub(crate) args: [u64; 2],
    pub(crate) env: [u64; 2],
    /// Pairs of the auxiliary vector.
    pub(crate) auxv: &'static [[u64; 2]],
}

impl Layout {
    pub(crate) const PLAIN: Self = Self {
        code: [0x8000, 0x8100],
        data: [0x10100, 0x10100],
        brk: [0x11000, 0x11000],
        stack: 0xbeff_ef50,
        args: [0xbeff_efd0, 0xbeff_efda],
        env: [0xbeff_efda, 0xbeff_eff1],
        auxv: &[
            [16, 0x8197],
            [6, 4096],
            [17, 100],
            [3, 0x8034],
            [4, 32],
            [5, 2],
            [9, 0x8054],
        ],
    };
}

impl Stream {
    /// One page, filled by `fill`.
    pub(crate) fn page(&self, fill: impl FnOnce(&mut Struct)) -> Vec<u8> {
        let mut page = Struct::new(self.d);
        fill(&mut page);
        page.to(self.d.page);
        page.bytes
    }

    /// A stack page with arguments and environment where [`Layout::PLAIN`] says they are.
    pub(crate) fn stack_page(&self, base: u64, strings: &[u8]) -> Vec<u8> {
        self.page(|p| {
            let args = self.d.page - 0x30;
            let address = base + u64::from(len32(args));
            p.to(self.d.page - 0xb0)
                .word(1)
                .word(address)
                .word(0)
                .word(address + 10);
            p.to(args).raw(strings);
        })
    }

    /// An MM object: the executable, the record, the auxiliary vector, mappings, context.
    pub(crate) fn memory(
        &mut self,
        layout: &Layout,
        exe: impl FnOnce(&mut Self) -> i32,
        mappings: impl FnOnce(&mut Self, i32),
    ) -> i32 {
        self.object(obj::MM, |s, _| {
            let exe = exe(s);
            let at = s.out.len();
            s.mm_record(layout, exe, 0);
            s.vmas = 0;
            mappings(s, exe);
            let count = s.vmas;
            s.patch_u32(at + 8, count);
            s.mm_context();
        })
    }

    /// MM and the auxiliary vector; `count` mappings must follow.
    pub(crate) fn mm_record(&mut self, layout: &Layout, exe: i32, count: u32) {
        self.rec(rec::MM, |r| {
            r.u32(count).i32(exe).u64(0).u64(0xcd);
            r.u64s(&layout.code).u64s(&layout.data).u64s(&layout.brk);
            r.u64(layout.stack).u64s(&layout.args).u64s(&layout.env);
        });
        self.saved_auxv(layout.auxv);
    }

    fn saved_auxv(&mut self, pairs: &[[u64; 2]]) {
        let d = self.d;
        // AT_PAGESZ is that of the dialect.
        let pair = |[key, value]: [u64; 2]| {
            let page = u64::from(len32(d.page));
            [key, if key == 6 { page } else { value }]
        };
        let words = pairs
            .iter()
            .copied()
            .flat_map(pair)
            .chain(std::iter::repeat(0));
        self.buffer(|b| {
            for value in words.take(d.auxv_words()) {
                if d.rev < 7 {
                    b.word(value);
                } else {
                    b.u64(value);
                }
            }
        });
    }

    pub(crate) fn mm_context(&mut self) {
        match self.d.arch {
            Arch::Arm => self.rec(rec::MM_CONTEXT, |r| {
                r.u32(0);
            }),
            Arch::I386 | Arch::X86_64 => {
                // 32-bit programs have a data segment of their own, 64-bit ones an empty table.
                let ldt: &[u8] = if self.d.word() == 4 {
                    &[0xff, 0xff, 0, 0, 0, 0xf2, 0xcf, 0]
                } else {
                    &[]
                };
                self.rec(rec::MM_CONTEXT, |r| {
                    r.u64(0xffff_e000).u32(8).u32(len32(ldt.len() / 8));
                });
                self.payload(rec::MM_CONTEXT_LDT, ldt);
            }
            Arch::S390x => self.rec(rec::MM_CONTEXT, |r| {
                r.u64(0x2_0000_0000).i32s(&[0, 0, 0]).u64(0x1d).u64(1 << 42);
            }),
            Arch::Ppc32 | Arch::Ppc64 => {}
        }
    }

    /// VMA alone.
    pub(crate) fn vma(&mut self, v: &Vma) {
        self.vmas += 1;
        let d = self.d;
        self.rec(rec::VMA, |r| {
            r.u32(v.kind)
                .i32(v.file)
                .i32(v.segment)
                .u32(0)
                .u64(v.segment_size);
            r.u64(v.start)
                .u64(v.end)
                .u64(page_protection(d.arch, v.flags));
            r.u64(v.flags).u64(v.pgoff);
            if d.rev >= 16 {
                r.u16(v.huge_shift);
            }
        });
    }

    /// VMA and its pages in one group: (address or index, content).
    pub(crate) fn mapped(&mut self, v: &Vma, pages: &[(u64, Vec<u8>)]) {
        self.vma(v);
        self.pages(pages, pages.len().max(1));
    }

    /// Page groups of at most `group` pages, and the empty group that ends them.
    pub(crate) fn pages(&mut self, pages: &[(u64, Vec<u8>)], group: usize) {
        for chunk in pages.chunks(group) {
            self.page_count(chunk.len());
            self.buffer(|b| {
                for (address, _) in chunk {
                    b.word(*address);
                }
                for (_, content) in chunk {
                    b.raw(content);
                }
            });
        }
        self.page_count(0);
    }

    /// PGARR: pages in the BUFFER that follows; 0 ends a mapping.
    pub(crate) fn page_count(&mut self, count: usize) {
        self.rec(rec::PGARR, |r| {
            r.u64(u64::from(len32(count)));
        });
    }

    /// One huge page: HPAGE and its content.
    pub(crate) fn huge_page(&mut self, address: u64, shift: u16, content: u8) {
        self.rec(rec::HPAGE, |r| {
            r.u64(address).u16(shift);
        });
        self.payload(rec::BUFFER, &vec![content; 1 << shift]);
    }
}

/// What the page tables of the architecture make of the mapping flags.
fn page_protection(arch: Arch, flags: u64) -> u64 {
    let (write, exec) = (flags & 2 != 0, flags & 4 != 0);
    match arch {
        // L_PTE: present young user memory-type, exec, write, shared
        Arch::Arm => 0x11f | u64::from(exec) << 9 | (flags & 8) << 7,
        _ => 0x25 | u64::from(write) << 1,
    }
}
