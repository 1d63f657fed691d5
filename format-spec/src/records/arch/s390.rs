//! Records of s390x (§7.2).

use crate::records::*;

/// `ckpt_hdr_cpu`.
pub(crate) const CPU: FieldList = FieldList::new(
    "ckpt_hdr_cpu",
    list![
        Field::u64("args").doc("register args"),
        Field::u64("gprs").times(16).doc("register gprs"),
        Field::u64("orig_gpr2").doc("register orig_gpr2"),
        Field::u16("svcnr").doc("register svcnr"),
        Field::u16("ilc").doc("register ilc"),
        Field::u32("acrs").times(16).doc("register acrs"),
        Field::u64("ieee_instruction_pointer").doc("register ieee_instruction_pointer"),
        Field::u64("psw_t_mask").doc("register psw_t_mask"),
        Field::u64("psw_t_addr").doc("register psw_t_addr"),
        Field::u32("fpc").doc("register fpc"),
        Field::u64("fprs").times(16).doc("register fprs"),
        Field::u64("per_control_regs")
            .times(3)
            .doc("register per_control_regs"),
        Field::u64("starting_addr").doc("register starting_addr"),
        Field::u64("ending_addr").doc("register ending_addr"),
        Field::u64("address").doc("register address"),
        Field::u16("perc_atmid").doc("register perc_atmid"),
        Field::u8("access_id").doc("register access_id"),
        Field::u8("single_step").doc("register single_step"),
        Field::u8("instruction_fetch").doc("register instruction_fetch"),
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
        Field::i32("has_pgste").doc("has pgste"),
        Field::i32("alloc_pgste").doc("alloc pgste"),
        Field::ulong("asce_bits").doc("asce bits"),
        Field::ulong("asce_limit").doc("asce limit"),
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
