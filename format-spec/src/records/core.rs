//! Head and tail of an image, and the records that any section may use (§1).

use super::arch::{arm, powerpc, s390, x86};
use super::*;

/// `ckpt_const` (§1.8).
pub static CONST: Struct = Struct::aligned(list![
    FieldList::new("ckpt_const", list![
        Field::u16("task_comm_len").doc("bytes of a task name: 16"),
        Field::u16("mm_saved_auxv_len").doc("length of the saved auxiliary vector in bytes").until(R06),
        Field::u16("at_vector_size").doc("number of auxv WORDS: 40 on ARM and s390x, 44 on x86-32, 42 or 44 on x86-64, 52 on powerpc (R01–R06: the field is named mm_saved_auxv_len and holds BYTES: x86-32 176)").since(R07),
        Field::u16("signal_nsig").doc("number of signals: 64"),
        Field::u16("uts_sysname_len").doc("bytes of the field in utsname: 65"),
        Field::u16("uts_nodename_len").doc("bytes of the field in utsname: 65"),
        Field::u16("uts_release_len").doc("bytes of the field in utsname and of the first BUFFER: 65"),
        Field::u16("uts_version_len").doc("bytes of the field in utsname and of the second BUFFER: 65"),
        Field::u16("uts_machine_len").doc("bytes of the field in utsname and of the third BUFFER: 65"),
        Field::u16("uts_domainname_len").doc("bytes of the field in utsname: 65"),
        Field::u16("rlimit_nlimits").doc("number of resource limits: 16"),
        Field::u16("n_tty_buf_size").doc("bytes of a terminal input buffer: 4096"),
        Field::u16("tty_termios_ncc").doc("NCC, number of control characters: 8, powerpc 10").until(R13),
        Field::u16("tty_termios_nccs").doc("NCCS, 19 (R01–R13: named tty_termios_ncc and holds NCC: 8, powerpc 10)").since(R14),
    ]),
]);

/// `ckpt_hdr`: what every record begins with (§1.1).
pub static HDR: Struct = Struct::aligned(list![FieldList::new(
    "ckpt_hdr",
    list![
        Field::u32("type").doc("record number"),
        Field::u32("len")
            .unit("bytes")
            .doc("length of the record, these eight bytes included"),
    ]
),]);

/// `HEADER` (§1.8).
pub static HEADER: Record = Record::new(
    Tag::Header,
    "1.8",
    Struct::aligned(list![FieldList::new(
        "ckpt_hdr_header",
        list![
            Field::u64("magic")
                .magic()
                .doc("begins an image: 0x00feed0cc0a2d200"),
            Field::le16("arch_id")
                .of(&ARCH_ID)
                .doc("architecture id, always little-endian"),
            Field::u16("major").doc("first number of the kernel version, e.g. 3"),
            Field::u16("minor").doc("second number of the kernel version, e.g. 0"),
            Field::u16("patch").doc("third number of the kernel version, e.g. 15"),
            Field::u16("rev").doc("CHECKPOINT_VERSION: 3 to 6, in R18 7"),
            Field::nested("constants", &CONST).doc("sizes that the writing kernel was built with"),
            Field::u64("time")
                .time()
                .doc("when the checkpoint was taken"),
            Field::u64("uflags")
                .flags(&UFLAGS)
                .doc("bit 0 subtree, bit 1 network namespaces"),
        ]
    ),]),
);

/// `HEADER_ARCH`, per architecture.
pub static HEADER_ARCH: Record = Record::new(
    Tag::HeaderArch,
    "5.1",
    Struct::aligned(list![
        x86::HEADER_ARCH,
        powerpc::HEADER_ARCH,
        s390::HEADER_ARCH,
        arm::HEADER_ARCH,
    ]),
);

/// `CONTAINER` (§3).
pub static CONTAINER: Record = Record::new(
    Tag::Container,
    "3",
    Struct::aligned(list![FieldList::new("ckpt_hdr_container", list![]),]),
);

/// `BUFFER`: bytes whose meaning the place in the stream gives (§1.3).
pub static BUFFER: Record = Record::new(
    Tag::Buffer,
    "1.3",
    Struct::aligned(list![FieldList::new(
        "ckpt_hdr",
        list![
            Field::u8("bytes")
                .rest()
                .doc("bytes whose meaning the place in the stream gives")
        ]
    ),]),
)
.payload();

/// `STRING`: text with its terminating NUL (§1.3).
pub static STRING: Record = Record::new(
    Tag::String,
    "1.3",
    Struct::aligned(list![FieldList::new(
        "ckpt_hdr",
        list![Field::chars("text").doc("text with its terminating NUL")]
    ),]),
)
.payload();

/// `OBJREF` (§1.4).
pub static OBJREF: Record = Record::new(
    Tag::Objref,
    "1.4",
    Struct::aligned(list![FieldList::new(
        "ckpt_hdr_objref",
        list![
            Field::u32("objtype")
                .of(&OBJECT_TYPE)
                .doc("what the object is, and so which records follow"),
            Field::i32("objref").doc("number by which later records refer to the object, > 0"),
        ]
    ),]),
);

/// `LSM_INFO`: text of the security module (§2.1).
pub static LSM_INFO: Record = Record::new(
    Tag::LsmInfo,
    "2.1",
    Struct::aligned(list![FieldList::new(
        "ckpt_hdr",
        list![Field::chars("info").doc("text of the security module")]
    ),]),
)
.payload();

/// `SECURITY` (§3.6).
pub static SECURITY: Record = Record::new(
    Tag::Security,
    "3.6",
    Struct::aligned(list![
        FieldList::new(
            "ckpt_hdr_lsm",
            list![
                Field::i32("ptrref")
                    .refers(Object::SecurityPtr)
                    .doc("object number of the LSM blob (implicit SECURITY_PTR)"),
                Field::u8("sectype")
                    .of(&SECURITY_TYPE)
                    .doc("1 message, 2 ipc, 3 file, 4 credentials"),
            ]
        )
        .since(R03),
    ]),
);

/// `FOREIGN`: head of a file that a foreign image set holds (R18, §10.6).
pub static FOREIGN: Record = Record::new(
    Tag::Foreign,
    "10.6",
    Struct::aligned(list![FieldList::new(
        "ckpt_hdr_foreign",
        list![
            Field::u32("format")
                .of(&FOREIGN_FORMAT)
                .doc("format of the image set"),
            Field::u32("parts").doc("number of BUFFERs that follow the name"),
            Field::u64("size")
                .unit("bytes")
                .doc("length of the file, the sum of its parts"),
        ]
    ),]),
);

/// `TAIL` (§1.9).
pub static TAIL: Record = Record::new(
    Tag::Tail,
    "1.9",
    Struct::aligned(list![FieldList::new(
        "ckpt_hdr_tail",
        list![
            Field::u64("magic")
                .magic()
                .doc("ends an image: 0x002d2a0cc0deef00"),
        ]
    ),]),
);

/// `ERROR`: header only (§1.7).
pub static ERROR: Record = Record::new(
    Tag::Error,
    "1.7",
    Struct::aligned(list![FieldList::new("ckpt_hdr", list![])]),
);
