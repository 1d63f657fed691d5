//! Records of x86 (§7.1).

use crate::records::*;

/// `ckpt_hdr_cpu`.
pub(crate) const CPU_R05: FieldList = FieldList::new(
    "ckpt_hdr_cpu",
    list![
        Field::u64("r15").doc("register r15"),
        Field::u64("r14").doc("register r14"),
        Field::u64("r13").doc("register r13"),
        Field::u64("r12").doc("register r12"),
        Field::u64("bp").doc("register bp"),
        Field::u64("bx").doc("register bx"),
        Field::u64("r11").doc("register r11"),
        Field::u64("r10").doc("register r10"),
        Field::u64("r9").doc("register r9"),
        Field::u64("r8").doc("register r8"),
        Field::u64("ax").doc("register ax"),
        Field::u64("cx").doc("register cx"),
        Field::u64("dx").doc("register dx"),
        Field::u64("si").doc("register si"),
        Field::u64("di").doc("register di"),
        Field::u64("orig_ax").doc("register orig_ax"),
        Field::u64("ip").address().doc("register ip"),
        Field::u64("sp").doc("register sp"),
        Field::u64("flags").doc("register flags"),
        Field::u64("fs").doc("register fs"),
        Field::u64("gs").doc("register gs"),
        Field::u16("fsindex").doc("register fsindex"),
        Field::u16("gsindex").doc("register gsindex"),
        Field::u16("cs").doc("register cs"),
        Field::u16("ss").doc("register ss"),
        Field::u16("ds").doc("register ds"),
        Field::u16("es").doc("register es"),
        Field::u32("used_math").doc("non-zero if a CPU_FPU record follows"),
        Field::u64("debugreg0").doc("register debugreg0"),
        Field::u64("debugreg1").doc("register debugreg1"),
        Field::u64("debugreg2").doc("register debugreg2"),
        Field::u64("debugreg3").doc("register debugreg3"),
        Field::u64("debugreg6").doc("register debugreg6"),
        Field::u64("debugreg7").doc("register debugreg7"),
    ],
)
.until(R05)
.on(ArchSet::X86);

/// `ckpt_hdr_cpu`.
pub(crate) const CPU: FieldList = FieldList::new(
    "ckpt_hdr_cpu",
    list![
        Field::u64("r15").doc("register r15"),
        Field::u64("r14").doc("register r14"),
        Field::u64("r13").doc("register r13"),
        Field::u64("r12").doc("register r12"),
        Field::u64("bp").doc("register bp"),
        Field::u64("bx").doc("register bx"),
        Field::u64("r11").doc("register r11"),
        Field::u64("r10").doc("register r10"),
        Field::u64("r9").doc("register r9"),
        Field::u64("r8").doc("register r8"),
        Field::u64("ax").doc("register ax"),
        Field::u64("cx").doc("register cx"),
        Field::u64("dx").doc("register dx"),
        Field::u64("si").doc("register si"),
        Field::u64("di").doc("register di"),
        Field::u64("orig_ax").doc("register orig_ax"),
        Field::u64("ip").address().doc("register ip"),
        Field::u64("sp").doc("register sp"),
        Field::u64("flags").doc("register flags"),
        Field::u64("fs").doc("register fs"),
        Field::u64("gs").doc("register gs"),
        Field::u16("fsindex").doc("register fsindex"),
        Field::u16("gsindex").doc("register gsindex"),
        Field::u16("cs").doc("register cs"),
        Field::u16("ss").doc("register ss"),
        Field::u16("ds").doc("register ds"),
        Field::u16("es").doc("register es"),
        Field::u32("used_math").doc("non-zero if a CPU_FPU record follows"),
    ],
)
.since(R06)
.on(ArchSet::X86);

/// `ckpt_hdr_header_arch`.
pub(crate) const HEADER_ARCH: FieldList = FieldList::new(
    "ckpt_hdr_header_arch",
    list![
        Field::u16("has_fxsr").doc("the processor has FXSAVE"),
        Field::u16("has_xsave").doc("the processor has XSAVE"),
        Field::u16("xstate_size").doc("bytes of FPU state per thread"),
        Field::u16("_pading").opaque().doc("pading"),
    ],
)
.on(ArchSet::X86);

/// `ckpt_hdr_mm_context`.
pub(crate) const MM_CONTEXT: FieldList = FieldList::new(
    "ckpt_hdr_mm_context",
    list![
        Field::u64("vdso").address().doc("address of the vdso"),
        Field::u32("ldt_entry_size").doc("bytes of an LDT entry: 8"),
        Field::u32("nldt").doc("number of LDT entries"),
    ],
)
.on(ArchSet::X86);

/// `ckpt_hdr_thread`.
pub(crate) const THREAD: FieldList = FieldList::new(
    "ckpt_hdr_thread",
    list![
        Field::u64("sysenter_return")
            .address()
            .doc("where sysenter returns to")
            .since(R13),
        Field::u32("thread_info_flags").doc("flags of the kernel thread_info"),
        Field::u16("gdt_entry_tls_entries").doc("number of TLS descriptors: 3"),
        Field::u16("sizeof_tls_array").doc("bytes of the TLS descriptors: 24"),
        Field::u64("tls_array")
            .rest()
            .doc("TLS descriptors of the thread"),
    ],
)
.on(ArchSet::X86);
