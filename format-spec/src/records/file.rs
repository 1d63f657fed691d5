//! Files, descriptors, terminals (§3.9, §3.10).

use super::*;

/// `ckpt_hdr_file` (§3.9).
pub static FILE_COMMON: Struct = Struct::aligned(list![
    FieldList::new("ckpt_hdr_file", list![
        Field::u32("f_type").of(&FILE_TYPE).doc("file type, decides the struct that is used"),
        Field::u32("f_mode").flags(&FILE_MODE).doc("FMODE bits: 1 read, 2 write, 4 lseek, 8 pread, 16 pwrite, …"),
        Field::u32("f_flags").flags(&OPEN_FLAGS).doc("open flags of that architecture (ARM: O_LARGEFILE 0x20000), without O_CREAT, O_EXCL, O_NOCTTY, O_TRUNC; an executable opened by exec also shows 0x20"),
        Field::i32("f_credref").refers(Object::Cred).doc("credentials it was opened with: a CRED object"),
        Field::u64("f_pos").unit("bytes").doc("position at which the next read or write starts"),
        Field::u64("f_version").doc("the kernel's change counter of the open file"),
        Field::i32("f_secref").refers(Object::Security).doc("label of the file: a SECURITY object, 0 for none").since(R03),
    ]),
]);

/// `ckpt_eventpoll_item` (§3.9).
pub static EVENTPOLL_ITEM: Struct = Struct::aligned(list![
    FieldList::new(
        "ckpt_eventpoll_item",
        list![
            Field::u64("data")
                .doc("what the program gave to epoll_ctl and gets back with an event"),
            Field::u32("fd").doc("descriptor number it was added with"),
            Field::i32("file_objref")
                .refers(Object::File)
                .doc("the watched file: a FILE object"),
            Field::u32("events")
                .flags(&EPOLL_EVENTS)
                .doc("events the program waits for"),
        ]
    )
    .since(R02),
]);

/// `FILE_TABLE` (§3.9).
pub static FILE_TABLE: Record = Record::new(
    Tag::FileTable,
    "3.9",
    Struct::aligned(list![FieldList::new(
        "ckpt_hdr_file_table",
        list![Field::i32("fdt_nfds").doc("number of FILE_DESC groups that follow"),]
    ),]),
);

/// `FILE_DESC` (§3.9).
pub static FILE_DESC: Record = Record::new(
    Tag::FileDesc,
    "3.9",
    Struct::aligned(list![FieldList::new(
        "ckpt_hdr_file_desc",
        list![
            Field::i32("fd_objref")
                .refers(Object::File)
                .doc("the open file: a FILE object, never 0"),
            Field::i32("fd_descriptor").doc("number of the descriptor"),
            Field::u32("fd_close_on_exec").doc("1 if exec closes it, else 0"),
        ]
    ),]),
);

/// `FILE_NAME`: path with one NUL (§1.3).
pub static FILE_NAME: Record = Record::new(
    Tag::FileName,
    "1.3",
    Struct::aligned(list![FieldList::new(
        "ckpt_hdr",
        list![
            Field::chars("path").doc("path as seen from the root of the first task, with one NUL")
        ]
    ),]),
)
.payload();

/// `FILE`: its structure depends on `f_type` (§3.9).
pub static FILE: Record = Record::new(
    Tag::File,
    "3.9",
    Struct::aligned(list![
        FieldList::new(
            "ckpt_hdr_file_generic",
            list![Field::flat("common", &FILE_COMMON).doc("what all files share"),]
        )
        .variant(1),
        FieldList::new(
            "ckpt_hdr_file_pipe",
            list![
                Field::flat("common", &FILE_COMMON).doc("what all files share"),
                Field::i32("pipe_objref")
                    .refers(Object::Inode)
                    .doc("implicit INODE object that both ends name; the first to be met carries the contents"),
            ]
        )
        .variant(2),
        FieldList::new(
            "ckpt_hdr_file_pipe",
            list![
                Field::flat("common", &FILE_COMMON).doc("what all files share"),
                Field::i32("pipe_objref")
                    .refers(Object::Inode)
                    .doc("implicit INODE object that both ends name; the first to be met carries the contents"),
            ]
        )
        .variant(3),
        FieldList::new(
            "ckpt_hdr_file_socket",
            list![
                Field::flat("common", &FILE_COMMON).doc("what all files share"),
                Field::i32("sock_objref")
                    .refers(Object::Sock)
                    .doc("the socket: a SOCK object"),
            ]
        )
        .variant(4),
        FieldList::new(
            "ckpt_hdr_file_tty",
            list![
                Field::flat("common", &FILE_COMMON).doc("what all files share"),
                Field::i32("tty_objref")
                    .refers(Object::Tty)
                    .doc("this end of the terminal: a TTY object"),
            ]
        )
        .variant(5),
        FieldList::new(
            "ckpt_hdr_file_eventfd",
            list![
                Field::flat("common", &FILE_COMMON).doc("what all files share"),
                Field::u64("count").doc("value of the event counter"),
                Field::u32("flags")
                    .flags(&EVENTFD_FLAGS)
                    .doc("semaphore mode and other EFD_ flags"),
            ]
        )
        .since(R02)
        .variant(7),
        FieldList::new(
            "ckpt_hdr_file",
            list![Field::flat("common", &FILE_COMMON).doc("what all files share"),]
        ),
    ]),
)
.selected_at(8);

/// `PIPE_BUF`: bytes in the pipe (§2.3).
pub static PIPE_BUF: Record = Record::new(
    Tag::PipeBuf,
    "2.3",
    Struct::aligned(list![FieldList::new(
        "ckpt_hdr",
        list![Field::u8("data").rest().doc("bytes in the pipe")]
    ),]),
)
.payload();

/// `termios` of `ckpt_hdr_tty`.
pub static TERMIOS: Struct = Struct::aligned(list![
    FieldList::new(
        "termios",
        list![
            Field::u16("c_iflag")
                .flags(&TERMIOS_IFLAG)
                .doc("input modes"),
            Field::u16("c_oflag")
                .flags(&TERMIOS_OFLAG)
                .doc("output modes"),
            Field::u16("c_cflag")
                .flags(&TERMIOS_CFLAG)
                .doc("control modes"),
            Field::u16("c_lflag")
                .flags(&TERMIOS_LFLAG)
                .doc("local modes"),
            Field::u8("c_line").doc("line discipline"),
            Field::u8("c_cc").times(8).doc("control characters"),
        ]
    )
    .until(R13)
    .on(ArchSet::ALL.without(ArchSet::PPC)),
    FieldList::new(
        "termios",
        list![
            Field::u16("c_iflag")
                .flags(&TERMIOS_IFLAG)
                .doc("input modes"),
            Field::u16("c_oflag")
                .flags(&TERMIOS_OFLAG)
                .doc("output modes"),
            Field::u16("c_cflag")
                .flags(&TERMIOS_CFLAG)
                .doc("control modes"),
            Field::u16("c_lflag")
                .flags(&TERMIOS_LFLAG)
                .doc("local modes"),
            Field::u8("c_line").doc("line discipline"),
            Field::u8("c_cc").times(10).doc("control characters"),
        ]
    )
    .until(R13)
    .on(ArchSet::PPC),
    FieldList::new(
        "termios",
        list![
            Field::u32("c_iflag")
                .flags(&TERMIOS_IFLAG)
                .doc("input modes"),
            Field::u32("c_oflag")
                .flags(&TERMIOS_OFLAG)
                .doc("output modes"),
            Field::u32("c_cflag")
                .flags(&TERMIOS_CFLAG)
                .doc("control modes"),
            Field::u32("c_lflag")
                .flags(&TERMIOS_LFLAG)
                .doc("local modes"),
            Field::u32("c_ispeed").doc("input speed in baud"),
            Field::u32("c_ospeed").doc("output speed in baud"),
            Field::u8("c_line").doc("line discipline"),
            Field::u8("c_cc").times(19).doc("control characters"),
        ]
    )
    .since(R14),
]);

/// `winsize` of `ckpt_hdr_tty`.
pub static WINSIZE: Struct = Struct::natural(list![FieldList::new(
    "winsize",
    list![
        Field::u16("ws_row").doc("rows"),
        Field::u16("ws_col").doc("columns"),
        Field::u16("ws_xpixel").doc("width in pixels"),
        Field::u16("ws_ypixel").doc("height in pixels"),
    ]
),]);

/// `TTY` (§3.10).
pub static TTY: Record = Record::new(
    Tag::Tty,
    "3.10",
    Struct::aligned(list![FieldList::new(
        "ckpt_hdr_tty",
        list![
            Field::u16("driver_type")
                .of(&TTY_TYPE)
                .doc("4 = pty (only one supported)"),
            Field::u16("driver_subtype")
                .of(&TTY_SUBTYPE)
                .doc("1 master, 2 slave"),
            Field::i32("link_objref")
                .refers(Object::Tty)
                .doc("TTY object of the other end; 0 in the master's record"),
            Field::i32("file_objref")
                .refers(Object::File)
                .doc("reserved FILE object number (master), else 0"),
            Field::u32("_padding").opaque().doc("unused, 0"),
            Field::u32("index").doc("number of the pty, as in /dev/pts"),
            Field::u32("ldisc").doc("line discipline: 0 is N_TTY, the only one supported"),
            Field::u64("flags").doc("flag bits of the kernel's tty_struct"),
            Field::nested("termios", &TERMIOS).doc("terminal modes"),
            Field::nested("winsize", &WINSIZE).doc("window size in characters and pixels"),
        ]
    ),]),
);

/// `TTY_LDISC` (§3.10).
pub static TTY_LDISC: Record = Record::new(
    Tag::TtyLdisc,
    "3.10",
    Struct::aligned(list![FieldList::new(
        "ckpt_hdr_ldisc_n_tty",
        list![
            Field::u32("column").doc("output column"),
            Field::u32("datalen").doc("unread bytes; a BUFFER of that size follows when > 0"),
            Field::u32("canon_column").doc("output column at the start of the edited line"),
            Field::u32("canon_datalen").doc("bytes of complete lines among the unread ones (INF)"),
            Field::u32("canon_data").doc("number of complete lines among the unread bytes"),
            Field::u16("minimum_to_wake").doc("unread bytes that wake a reader"),
            Field::u8("stopped").doc("output is stopped"),
            Field::u8("hw_stopped").doc("output is stopped by the hardware"),
            Field::u8("flow_stopped").doc("output is stopped by flow control"),
            Field::u8("packet").doc("the master is in packet mode"),
            Field::u8("ctrl_status").doc("packet-mode status not yet read by the master"),
            Field::u8("lnext").doc("the next character is taken literally"),
            Field::u8("erasing").doc("an erase is being echoed"),
            Field::u8("raw").doc("no input character needs processing"),
            Field::u8("real_raw").doc("raw, and the driver may skip the line discipline"),
            Field::u8("icanon").doc("line editing is on"),
            Field::u8("closing").doc("the last user is closing the terminal"),
            Field::u8("padding").times(3).opaque().doc("unused, 0"),
            Field::u8("read_flags")
                .times(512)
                .opaque()
                .doc("bit per byte of the input buffer: set at the end of a line"),
        ]
    ),]),
);

/// `EPOLL_ITEMS` (§3.9).
pub static EPOLL_ITEMS: Record = Record::new(
    Tag::EpollItems,
    "3.9",
    Struct::aligned(list![
        FieldList::new(
            "ckpt_hdr_eventpoll_items",
            list![
                Field::i32("epfile_objref")
                    .refers(Object::File)
                    .doc("the epoll file: a FILE object"),
                Field::u32("num_items")
                    .doc("number of items in the BUFFER that follows; without items there is none"),
            ]
        )
        .since(R02),
    ]),
);

/// `FS` (§3.9).
pub static FS: Record = Record::new(
    Tag::Fs,
    "3.9",
    Struct::aligned(list![
        FieldList::new(
            "ckpt_hdr_fs",
            list![
                Field::u32("umask")
                    .flags(&MODE_BITS)
                    .doc("file mode creation mask")
                    .since(R13),
            ]
        )
        .since(R06),
    ]),
);
