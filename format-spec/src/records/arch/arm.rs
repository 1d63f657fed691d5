//! Records of ARM (§5, §10).

use crate::records::*;

/// `ckpt_hdr_cpu`.
pub(crate) const CPU: FieldList = FieldList::new(
    "ckpt_hdr_cpu",
    list![
        Field::u32("uregs")
            .times(18)
            .named(&ARM_REGISTERS)
            .word()
            .doc("18 words: r0–r10, fp, ip, sp, lr, pc, cpsr, ORIG_r0"),
    ],
)
.since(R12)
.on(ArchSet::ARM);

/// `ckpt_hdr_header_arch`.
pub(crate) const HEADER_ARCH: FieldList = FieldList::new(
    "ckpt_hdr_header_arch",
    list![
        Field::u32("cpu_architecture")
            .of(&CPU_ARCHITECTURE)
            .doc("value of the kernel's cpu_architecture()"),
        Field::u8("mmu").doc("1 if the kernel runs with an MMU"),
        Field::u8("aeabi").doc("1 if the kernel is built for the EABI"),
        Field::u8("oabi_compat").doc("1 if it also runs old-ABI programs"),
    ],
)
.since(R12)
.on(ArchSet::ARM);

/// `ckpt_hdr_mm_context`.
pub(crate) const MM_CONTEXT: FieldList = FieldList::new(
    "ckpt_hdr_mm_context",
    list![
        Field::u32("end_brk")
            .address()
            .doc("no-MMU kernels only, else 0"),
    ],
)
.since(R12)
.on(ArchSet::ARM);

/// `ckpt_hdr_thread`.
pub(crate) const THREAD: FieldList = FieldList::new(
    "ckpt_hdr_thread",
    list![
        Field::u32("syscall")
            .syscall()
            .doc("number of the system call the thread is in (UNCONFIRMED which value means none)"),
        Field::u32("tp_value")
            .word()
            .doc("thread pointer (TLS register value)"),
        Field::u32("thumbee_state")
            .word()
            .doc("ThumbEE handler base register, 0 if not configured"),
    ],
)
.since(R12)
.on(ArchSet::ARM);

/// What every `CPU_FPU` record of ARM begins with (R18, §10.2).
pub static FPU_COMMON: Struct = Struct::natural(list![FieldList::new(
    "ckpt_hdr_cpu_fpu",
    list![
        Field::u32("unit").of(&FPU_UNIT).doc("which register file"),
        Field::u32("flags")
            .flags(&FPU_FLAGS)
            .doc("what is known of it"),
        Field::u32("fpsid")
            .word()
            .doc("FPSID of the processor, if flagged valid"),
        Field::u32("mvfr0")
            .word()
            .doc("MVFR0 of the processor, if flagged valid"),
        Field::u32("mvfr1")
            .word()
            .doc("MVFR1 of the processor, if flagged valid"),
        Field::u32("regset_len")
            .unit("bytes")
            .doc("length of the register set that follows"),
    ]
)]);

/// One FPA register: the kernel's `struct fp_reg` (arch/arm/include/asm/user.h).
pub static FPA_REGISTER: Struct = Struct::natural(list![FieldList::new(
    "fp_reg",
    list![
        Field::u32("word")
            .times(3)
            .word()
            .doc("sign and exponent, high mantissa, low mantissa"),
    ]
)]);

/// `CPU_FPU` with the VFP register set: `user_vfp` and `user_vfp_exc`.
pub(crate) const CPU_FPU_VFP: FieldList = FieldList::new(
    "ckpt_hdr_cpu_fpu",
    list![
        Field::flat("common", &FPU_COMMON).doc("unit, flags and identification"),
        Field::u64("fpregs")
            .times(32)
            .named(&VFP_REGISTERS)
            .word()
            .doc("d0 to d31"),
        Field::u32("fpscr").word().doc("FPSCR"),
        Field::u32("fpexc").word().doc("FPEXC, if flagged valid"),
        Field::u32("fpinst").word().doc("FPINST, if flagged valid"),
        Field::u32("fpinst2")
            .word()
            .doc("FPINST2, if flagged valid"),
    ],
)
.since(R18)
.on(ArchSet::ARM)
.variant(1);

/// `CPU_FPU` with the FPA register set: `user_fp`.
pub(crate) const CPU_FPU_FPA: FieldList = FieldList::new(
    "ckpt_hdr_cpu_fpu",
    list![
        Field::flat("common", &FPU_COMMON).doc("unit, flags and identification"),
        Field::nested("fpa_regs", &FPA_REGISTER)
            .times(8)
            .doc("f0 to f7 in extended format"),
        Field::u32("fpsr").word().doc("FPSR"),
        Field::u32("fpcr").word().doc("FPCR"),
        Field::u8("ftype")
            .times(8)
            .doc("precision that each register holds"),
        Field::u32("init_flag").doc("non-zero once the unit was used"),
    ],
)
.since(R18)
.on(ArchSet::ARM)
.variant(2);

/// `CPU_FPU` with the iwMMXt register set.
pub(crate) const CPU_FPU_IWMMXT: FieldList = FieldList::new(
    "ckpt_hdr_cpu_fpu",
    list![
        Field::flat("common", &FPU_COMMON).doc("unit, flags and identification"),
        Field::u64("wr")
            .times(16)
            .named(&IWMMXT_REGISTERS)
            .word()
            .doc("wR0 to wR15"),
        Field::u32("wcssf").word().doc("wCSSF, saturation flags"),
        Field::u32("wcasf").word().doc("wCASF, arithmetic flags"),
        Field::u32("wcgr")
            .times(4)
            .named(&IWMMXT_CONTROLS)
            .word()
            .doc("wCGR0 to wCGR3"),
    ],
)
.since(R18)
.on(ArchSet::ARM)
.variant(3);

/// `CPU_FPU` with the Crunch register set.
pub(crate) const CPU_FPU_CRUNCH: FieldList = FieldList::new(
    "ckpt_hdr_cpu_fpu",
    list![
        Field::flat("common", &FPU_COMMON).doc("unit, flags and identification"),
        Field::u64("mvdx")
            .times(16)
            .named(&CRUNCH_REGISTERS)
            .word()
            .doc("mvdx0 to mvdx15"),
        Field::u32("mvax")
            .times(12)
            .word()
            .doc("four 72-bit accumulators, three words each"),
        Field::u64("dspsc").word().doc("status and control"),
    ],
)
.since(R18)
.on(ArchSet::ARM)
.variant(4);

/// `CPU_FPU` with the XScale accumulator.
pub(crate) const CPU_FPU_XSCALE_DSP: FieldList = FieldList::new(
    "ckpt_hdr_cpu_fpu",
    list![
        Field::flat("common", &FPU_COMMON).doc("unit, flags and identification"),
        Field::u32("acc0")
            .times(2)
            .word()
            .doc("acc0, low word first"),
    ],
)
.since(R18)
.on(ArchSet::ARM)
.variant(5);

/// `CPU_FPU` with a register file that this table does not know.
pub(crate) const CPU_FPU_ANY: FieldList = FieldList::new(
    "ckpt_hdr_cpu_fpu",
    list![
        Field::flat("common", &FPU_COMMON).doc("unit, flags and identification"),
        Field::u8("regset").rest().opaque(),
    ],
)
.since(R18)
.on(ArchSet::ARM);

/// `ARM_ABI` (R18).
pub(crate) const ARM_ABI: FieldList = FieldList::new(
    "ckpt_hdr_arm_abi",
    list![
        Field::u32("personality")
            .flags(&PERSONALITY)
            .doc("personality word of the task"),
        Field::u32("e_flags")
            .flags(&ARM_E_FLAGS)
            .doc("ELF header flags of the executable"),
        Field::u32("hwcap")
            .flags(&ARM_HWCAP)
            .doc("AT_HWCAP that the program was started with"),
        Field::u32("hwcap2")
            .flags(&ARM_HWCAP2)
            .doc("AT_HWCAP2 that the program was started with"),
        Field::u32("page_size")
            .unit("bytes")
            .doc("page size of the kernel"),
        Field::u8("endian")
            .of(&ARM_ENDIAN)
            .doc("byte order of data"),
        Field::u8("calling")
            .of(&ARM_CALLING)
            .doc("calling convention of the executable"),
        Field::u16("valid")
            .flags(&ARM_ABI_VALID)
            .doc("which fields are known"),
    ],
)
.since(R18)
.on(ArchSet::ARM);
