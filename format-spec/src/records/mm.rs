//! Address spaces (§3.8, §4).

use super::arch::{arm, s390, x86};
use super::*;

/// `MM` (§3.8).
pub static MM: Record = Record::new(
    Tag::Mm,
    "3.8",
    Struct::aligned(list![FieldList::new(
        "ckpt_hdr_mm",
        list![
            Field::u32("map_count").doc("number of VMA groups that follow"),
            Field::i32("exe_objref")
                .refers(Object::File)
                .doc("FILE object of the executable, or 0"),
            Field::u64("def_flags")
                .flags(&VM_FLAGS)
                .doc("default vm_flags: only VM_LOCKED (0x2000) is accepted"),
            Field::u64("flags")
                .flags(&MM_FLAGS)
                .doc("mm flags: dumpable and core-dump filter bits only"),
            Field::u64("start_code")
                .address()
                .doc("start of the program text"),
            Field::u64("end_code")
                .address()
                .doc("end of the program text"),
            Field::u64("start_data")
                .address()
                .doc("start of the initialised data"),
            Field::u64("end_data")
                .address()
                .doc("end of the initialised data"),
            Field::u64("start_brk")
                .address()
                .doc("start of the heap that brk manages"),
            Field::u64("brk").address().doc("current end of the heap"),
            Field::u64("start_stack")
                .address()
                .doc("stack pointer at the start of the program"),
            Field::u64("arg_start")
                .address()
                .doc("start of the argument strings"),
            Field::u64("arg_end")
                .address()
                .doc("end of the argument strings"),
            Field::u64("env_start")
                .address()
                .doc("start of the environment strings"),
            Field::u64("env_end")
                .address()
                .doc("end of the environment strings"),
        ]
    ),]),
);

/// `VMA` (§3.8).
pub static VMA: Record = Record::new(
    Tag::Vma,
    "3.8",
    Struct::aligned(list![FieldList::new(
        "ckpt_hdr_vma",
        list![
            Field::u32("vma_type")
                .of(&VMA_TYPE)
                .doc("kind of mapping: what backs it, and whether contents follow"),
            Field::i32("vma_objref")
                .refers(Object::File)
                .doc("FILE object that backs it, or 0"),
            Field::i32("ino_objref")
                .refers(Object::Inode)
                .doc("implicit INODE object of a shared segment, or 0"),
            Field::u32("_padding").opaque().doc("unused, 0"),
            Field::u64("ino_size")
                .unit("bytes")
                .doc("size of the shared segment"),
            Field::u64("vm_start").address().doc("first address"),
            Field::u64("vm_end")
                .address()
                .doc("address behind the last byte"),
            Field::u64("vm_page_prot")
                .word()
                .doc("raw pgprot of the CPU; informational"),
            Field::u64("vm_flags")
                .flags(&VM_FLAGS)
                .doc("protection and behaviour, VM_ bits"),
            Field::u64("vm_pgoff")
                .unit("pages")
                .doc("page offset; for anonymous memory vm_start / page size"),
            Field::u16("hugetlb_shift")
                .unit("log2 bytes")
                .doc("log2 of the huge page size, else 0 (UNCONFIRMED)")
                .since(R16),
        ]
    ),]),
);

/// `PGARR` (§3.8).
pub static PGARR: Record = Record::new(
    Tag::Pgarr,
    "3.8",
    Struct::aligned(list![FieldList::new(
        "ckpt_hdr_pgarr",
        list![
            Field::u64("nr_pages")
                .unit("pages")
                .doc("pages in the BUFFER that follows; 0 = end"),
        ]
    ),]),
);

/// `HPAGE` (§3.8).
pub static HPAGE: Record = Record::new(
    Tag::Hpage,
    "3.8",
    Struct::aligned(list![
        FieldList::new(
            "ckpt_hdr_hpage",
            list![
                Field::u64("vaddr").address().doc("address (private) …"),
                Field::u64("index")
                    .over("vaddr")
                    .doc("… or index in the segment (same 8 bytes)"),
                Field::u16("shift")
                    .unit("log2 bytes")
                    .doc("log2 of the page size"),
            ]
        )
        .since(R16),
    ]),
);

/// `MM_CONTEXT`, per architecture.
pub static MM_CONTEXT: Record = Record::new(
    Tag::MmContext,
    "5.1",
    Struct::aligned(list![x86::MM_CONTEXT, s390::MM_CONTEXT, arm::MM_CONTEXT,]),
);

/// `MM_CONTEXT_LDT`: LDT entries, 8 bytes each (§7.1).
pub static MM_CONTEXT_LDT: Record = Record::new(
    Tag::MmContextLdt,
    "7.1",
    Struct::aligned(list![FieldList::new(
        "ckpt_hdr",
        list![
            Field::u64("entries")
                .rest()
                .doc("LDT entries, 8 bytes each")
        ]
    ),]),
)
.payload();
