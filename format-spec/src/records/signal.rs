//! Signals and what threads share (§3.11).

use super::*;

/// `ckpt_sigset` (§3).
pub static SIGSET: Struct = Struct::aligned(list![FieldList::new(
    "ckpt_sigset",
    list![
        Field::u8("sigset")
            .times(8)
            .doc("raw bytes of the kernel sigset: bit n - 1 is signal n"),
    ]
),]);

/// `ckpt_rlimit` (§3).
pub static RLIMIT: Struct = Struct::aligned(list![FieldList::new(
    "ckpt_rlimit",
    list![
        Field::u64("rlim_cur").doc("soft limit"),
        Field::u64("rlim_max").doc("hard limit"),
    ]
),]);

/// `ckpt_sigaction` (§3.11).
pub static SIGACTION: Struct = Struct::aligned(list![FieldList::new(
    "ckpt_sigaction",
    list![
        Field::u64("_sa_handler")
            .address()
            .doc("0 default, 1 ignore, else address"),
        Field::u64("sa_flags")
            .flags(&SA_FLAGS)
            .doc("SA_ flags of the architecture"),
        Field::u64("sa_restorer").address().doc("address or 0"),
        Field::nested("sa_mask", &SIGSET).doc("8 bytes"),
    ]
),]);

/// `ckpt_siginfo` (§3).
pub static SIGINFO: Struct = Struct::aligned(list![
    FieldList::new(
        "ckpt_siginfo",
        list![
            Field::u32("signo").of(&SIGNAL_NUMBER).doc("signal number"),
            Field::u32("_errno").doc("_errno of the siginfo"),
            Field::u32("code").doc("code of the siginfo"),
            Field::u32("pid").doc("pid of the siginfo"),
            Field::i32("uid").doc("uid of the siginfo"),
            Field::u32("sigval_int").doc("sigval_int of the siginfo"),
            Field::u64("sigval_ptr").doc("sigval_ptr of the siginfo"),
            Field::u64("utime").doc("utime of the siginfo"),
            Field::u64("stime").doc("stime of the siginfo"),
        ]
    )
    .until(R12),
    FieldList::new(
        "ckpt_siginfo",
        list![
            Field::u32("csi_signo")
                .of(&SIGNAL_NUMBER)
                .doc("csi_signo of the siginfo"),
            Field::i32("csi_errno").doc("csi_errno of the siginfo"),
            Field::i32("csi_code").doc("csi_code of the siginfo"),
            Field::u32("csi_pid").doc("csi_pid of the siginfo"),
            Field::u32("csi_uid").doc("csi_uid of the siginfo"),
            Field::i32("csi_fd").doc("csi_fd of the siginfo"),
            Field::u32("csi_tid").doc("csi_tid of the siginfo"),
            Field::u32("csi_band").doc("csi_band of the siginfo"),
            Field::u32("csi_overrun").doc("csi_overrun of the siginfo"),
            Field::u32("csi_trapno").doc("csi_trapno of the siginfo"),
            Field::i32("csi_status").doc("csi_status of the siginfo"),
            Field::i32("csi_int").doc("csi_int of the siginfo"),
            Field::u64("csi_ptr").doc("csi_ptr of the siginfo"),
            Field::u64("csi_utime").doc("csi_utime of the siginfo"),
            Field::u64("csi_stime").doc("csi_stime of the siginfo"),
            Field::u64("csi_addr")
                .address()
                .doc("csi_addr of the siginfo"),
            Field::i32("csi_sys_private").doc("csi_sys_private of the siginfo"),
        ]
    )
    .since(R13),
]);

/// `SIGHAND` (§3).
pub static SIGHAND: Record = Record::new(
    Tag::Sighand,
    "3",
    Struct::aligned(list![FieldList::new(
        "ckpt_hdr_sighand",
        list![
            Field::nested("action", &SIGACTION)
                .rest()
                .doc("one action per signal; index 0 is signal 1"),
        ]
    ),]),
);

/// `SIGNAL` (§3.11).
pub static SIGNAL: Record = Record::new(
    Tag::Signal,
    "3.11",
    Struct::aligned(list![FieldList::new(
        "ckpt_hdr_signal",
        list![
            Field::nested("rlim", &RLIMIT)
                .times(16)
                .doc("16 × { u64 cur; u64 max }"),
            Field::u64("it_real_value")
                .unit("ns")
                .doc("ns left, 0 = inactive"),
            Field::u64("it_real_incr").unit("ns").doc("ns"),
            Field::u64("it_virt_value")
                .unit("ns")
                .doc("ns left, relative to the time used so far"),
            Field::u64("it_virt_incr").unit("ns").doc("ns"),
            Field::u64("it_prof_value")
                .unit("ns")
                .doc("ns left, relative"),
            Field::u64("it_prof_incr").unit("ns").doc("ns"),
            Field::i32("tty_objref")
                .refers(Object::Tty)
                .doc("TTY object of the controlling terminal; 0 = keep what is inherited"),
            Field::i32("tty_pgrp").doc("foreground group of the terminal"),
            Field::i32("tty_old_pgrp").doc("remembered group; CKPT_PID_NULL = none"),
        ]
    ),]),
);

/// `SIGNAL_TASK` (§3.11).
pub static SIGNAL_TASK: Record = Record::new(
    Tag::SignalTask,
    "3.11",
    Struct::aligned(list![FieldList::new(
        "ckpt_hdr_signal_task",
        list![
            Field::nested("blocked", &SIGSET)
                .doc("blocked mask (the saved mask if the task sits in a syscall that swapped it)"),
        ]
    ),]),
);

/// `SIGPENDING` (§3.11).
pub static SIGPENDING: Record = Record::new(
    Tag::Sigpending,
    "3.11",
    Struct::aligned(list![FieldList::new(
        "ckpt_hdr_sigpending",
        list![
            Field::u32("nr_pending").doc("number of queued signals"),
            Field::nested("signal", &SIGSET).doc("pending mask, 8 bytes"),
            Field::nested("siginfo", &SIGINFO)
                .counted_by("nr_pending")
                .doc("nr_pending × ckpt_siginfo"),
        ]
    ),]),
);
