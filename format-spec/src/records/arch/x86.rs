//! Records of x86 (§7.1).

use crate::records::*;

/// `ckpt_hdr_cpu`.
pub(crate) const CPU: FieldList = FieldList::new(
    "ckpt_hdr_cpu",
    list![
        Field::u64("r15")
            .word()
            .doc("general register, zero on x86-32"),
        Field::u64("r14")
            .word()
            .doc("general register, zero on x86-32"),
        Field::u64("r13")
            .word()
            .doc("general register, zero on x86-32"),
        Field::u64("r12")
            .word()
            .doc("general register, zero on x86-32"),
        Field::u64("bp").word().doc("frame pointer"),
        Field::u64("bx").word().doc("general register"),
        Field::u64("r11")
            .word()
            .doc("general register, zero on x86-32"),
        Field::u64("r10")
            .word()
            .doc("general register, zero on x86-32"),
        Field::u64("r9")
            .word()
            .doc("general register, zero on x86-32"),
        Field::u64("r8")
            .word()
            .doc("general register, zero on x86-32"),
        Field::u64("ax")
            .word()
            .doc("general register, result of a system call"),
        Field::u64("cx").word().doc("general register"),
        Field::u64("dx").word().doc("general register"),
        Field::u64("si").word().doc("general register"),
        Field::u64("di").word().doc("general register"),
        Field::u64("orig_ax")
            .word()
            .doc("number of the system call, or -1"),
        Field::u64("ip").address().doc("instruction pointer"),
        Field::u64("sp").word().doc("stack pointer"),
        Field::u64("flags").word().doc("processor flags"),
        Field::u64("fs").word().doc("base of segment fs, on x86-64"),
        Field::u64("gs").word().doc("base of segment gs, on x86-64"),
        Field::u16("fsindex")
            .word()
            .doc("selector fs, encoded (§7.1)"),
        Field::u16("gsindex").word().doc("selector gs, encoded"),
        Field::u16("cs").word().doc("selector cs, encoded"),
        Field::u16("ss").word().doc("selector ss, encoded"),
        Field::u16("ds").word().doc("selector ds, encoded"),
        Field::u16("es").word().doc("selector es, encoded"),
        Field::u32("used_math").doc("non-zero if a CPU_FPU record follows"),
        Field::u64("debugreg0")
            .word()
            .doc("address of a hardware breakpoint")
            .until(R05),
        Field::u64("debugreg1")
            .word()
            .doc("address of a hardware breakpoint")
            .until(R05),
        Field::u64("debugreg2")
            .word()
            .doc("address of a hardware breakpoint")
            .until(R05),
        Field::u64("debugreg3")
            .word()
            .doc("address of a hardware breakpoint")
            .until(R05),
        Field::u64("debugreg6")
            .word()
            .doc("status of the hardware breakpoints")
            .until(R05),
        Field::u64("debugreg7")
            .word()
            .doc("control of the hardware breakpoints")
            .until(R05),
    ],
)
.on(ArchSet::X86);

/// `ckpt_hdr_header_arch`.
pub(crate) const HEADER_ARCH: FieldList = FieldList::new(
    "ckpt_hdr_header_arch",
    list![
        Field::u16("has_fxsr").doc("the processor has FXSAVE"),
        Field::u16("has_xsave").doc("the processor has XSAVE"),
        Field::u16("xstate_size").doc("bytes of FPU state per thread"),
        Field::u16("_pading").opaque().doc("unused, 0"),
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
