//! Records of s390x (§7.2).

use crate::records::*;

/// `ckpt_hdr_cpu`.
pub(crate) const CPU: FieldList = FieldList::new(
    "ckpt_hdr_cpu",
    list![
        Field::u64("args")
            .word()
            .doc("first argument of the system call"),
        Field::u64("gprs")
            .times(16)
            .word()
            .doc("general registers 0 to 15"),
        Field::u64("orig_gpr2")
            .word()
            .doc("register 2 at the entry of the system call"),
        Field::u16("svcnr").doc("number of the supervisor call"),
        Field::u16("ilc").doc("length of the interrupted instruction"),
        Field::u32("acrs")
            .times(16)
            .word()
            .doc("access registers 0 to 15"),
        Field::u64("ieee_instruction_pointer")
            .word()
            .doc("where the last IEEE exception was"),
        Field::u64("psw_t_mask")
            .word()
            .doc("mask half of the program status word"),
        Field::u64("psw_t_addr").word().doc("instruction address"),
        Field::u32("fpc").word().doc("floating-point control"),
        Field::u64("fprs")
            .times(16)
            .word()
            .doc("floating-point registers 0 to 15"),
        Field::u64("per_control_regs")
            .times(3)
            .word()
            .doc("control registers 9 to 11: program event recording"),
        Field::u64("starting_addr")
            .word()
            .doc("start of the recorded range"),
        Field::u64("ending_addr")
            .word()
            .doc("end of the recorded range"),
        Field::u64("address")
            .word()
            .doc("where the last recorded event was"),
        Field::u16("perc_atmid").doc("kind of the last recorded event"),
        Field::u8("access_id").doc("access register of the last recorded event"),
        Field::u8("single_step").doc("the thread is single-stepped"),
        Field::u8("instruction_fetch").doc("instruction fetches are recorded"),
    ],
)
.on(ArchSet::S390);

/// `ckpt_hdr_header_arch`.
pub(crate) const HEADER_ARCH: FieldList =
    FieldList::new("ckpt_hdr_header_arch", list![]).on(ArchSet::S390);

/// `ckpt_hdr_mm_context`.
pub(crate) const MM_CONTEXT: FieldList = FieldList::new(
    "ckpt_hdr_mm_context",
    list![
        Field::ulong("vdso_base")
            .address()
            .doc("address of the vdso"),
        Field::i32("noexec").doc("execute protection is on"),
        Field::i32("has_pgste").doc("page tables have the extension that guests need"),
        Field::i32("alloc_pgste").doc("page tables of a new program shall have that extension"),
        Field::ulong("asce_bits")
            .word()
            .doc("type and length bits of the address-space control element"),
        Field::ulong("asce_limit")
            .word()
            .doc("end of the address space"),
    ],
)
.on(ArchSet::S390);

/// `ckpt_hdr_thread`.
pub(crate) const THREAD: FieldList = FieldList::new(
    "ckpt_hdr_thread",
    list![Field::u64("thread_info_flags").doc("flags of the kernel thread_info"),],
)
.since(R07)
.on(ArchSet::S390);
