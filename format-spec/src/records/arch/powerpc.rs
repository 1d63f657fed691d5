//! Records of PowerPC (§7.3).

use crate::records::*;

/// `ckpt_hdr_header_arch`.
pub(crate) const HEADER_ARCH: FieldList = FieldList::new(
    "ckpt_hdr_header_arch",
    list![Field::u32("what").word().doc("0xdeadbeef; not checked"),],
)
.on(ArchSet::PPC);

/// `ckpt_hdr_cpu`, whose floating-point registers are so many words of 64 bits: 32 registers, twice as wide with VSX.
macro_rules! cpu {
    ($fpr_words:literal) => {
        FieldList::new(
            "ckpt_hdr_cpu",
            list![
                Field::u32("features_used")
                    .flags(&PPC_FEATURES)
                    .doc("register files that hold state"),
                Field::u32("pt_regs_size")
                    .unit("bytes")
                    .doc("size of pt_regs"),
                Field::u32("fpr_size").unit("bytes").doc(
                    "size of the floating-point registers; tells whether they are 64 or 128 bits wide"
                ),
                Field::u64("orig_gpr3")
                    .word()
                    .doc("first argument of the system call"),
                Field::ulong("pt_regs")
                    .times(44)
                    .word()
                    .doc("general registers as the kernel keeps them"),
                Field::u64("fpr")
                    .times($fpr_words)
                    .word()
                    .doc("floating-point registers"),
                Field::u32("fpscr").word().doc("floating-point status"),
                Field::i32("fpexc_mode").doc("floating-point exception mode"),
                Field::u64("dabr").word().doc("data address breakpoint"),
                Field::u64("vr")
                    .times(64)
                    .aligned(16)
                    .word()
                    .doc("32 vector registers of 16 bytes"),
                Field::u64("vscr")
                    .times(2)
                    .aligned(16)
                    .word()
                    .doc("vector status"),
                Field::u64("vrsave")
                    .word()
                    .doc("which vector registers are in use"),
                Field::u32("evr")
                    .times(32)
                    .word()
                    .doc("upper halves of the SPE registers"),
                Field::u64("acc").word().doc("SPE accumulator"),
                Field::u32("spefscr").word().doc("SPE status"),
            ],
        )
        .on(ArchSet::PPC)
        .variant($fpr_words * 8)
    };
}

/// `ckpt_hdr_cpu` without VSX.
pub(crate) const CPU: FieldList = cpu!(32);

/// `ckpt_hdr_cpu` with VSX.
pub(crate) const CPU_VSX: FieldList = cpu!(64);

/// `features_used` of a PowerPC `CPU` record.
pub static PPC_FEATURES: Flags = Flags::new(
    "register files",
    &[
        Bit::new(1, "FP"),
        Bit::new(2, "DEBUG"),
        Bit::new(4, "ALTIVEC"),
        Bit::new(8, "SPE"),
        Bit::new(16, "VSX"),
    ],
);
