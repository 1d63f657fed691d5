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
        Field::u64("rlim_cur")
            .doc("limit in force; RLIM_INFINITY is the largest word of the machine"),
        Field::u64("rlim_max").doc("up to where the program may raise it"),
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
            .doc("behaviour of the handler, SA_ flags of the architecture"),
        Field::u64("sa_restorer")
            .address()
            .doc("code that returns from the handler, or 0"),
        Field::nested("sa_mask", &SIGSET).doc("signals blocked while the handler runs"),
    ]
),]);

/// `ckpt_siginfo` (§3).
pub static SIGINFO: Struct = Struct::aligned(list![
    FieldList::new(
        "ckpt_siginfo",
        list![
            Field::u32("signo").of(&SIGNAL_NUMBER).doc("signal number"),
            Field::u32("_errno").doc("si_errno"),
            Field::u32("code")
                .doc("si_code of the kernel: its upper half tells which members mean something"),
            Field::u32("pid").doc("sender; band of a poll signal; timer id"),
            Field::i32("uid").doc("user of the sender; overrun of a timer"),
            Field::u32("sigval_int").doc("integer value; exit status; trap number; descriptor"),
            Field::u64("sigval_ptr").doc("pointer value, or address of a fault"),
            Field::u64("utime").doc("user time of a child; private word of a timer"),
            Field::u64("stime").doc("system time of a child"),
        ]
    )
    .until(R12),
    FieldList::new(
        "ckpt_siginfo",
        list![
            Field::u32("csi_signo")
                .of(&SIGNAL_NUMBER)
                .doc("signal number"),
            Field::i32("csi_errno").doc("si_errno"),
            Field::i32("csi_code")
                .doc("si_code of the kernel: its upper half tells which members mean something"),
            Field::u32("csi_pid").doc("sender"),
            Field::u32("csi_uid").doc("user of the sender"),
            Field::i32("csi_fd").doc("descriptor of a poll signal"),
            Field::u32("csi_tid").doc("id of a timer"),
            Field::u32("csi_band").doc("events of a poll signal"),
            Field::u32("csi_overrun").doc("missed expirations of a timer"),
            Field::u32("csi_trapno").doc("trap number of a fault, where the machine has one"),
            Field::i32("csi_status").doc("exit status of a child"),
            Field::i32("csi_int").doc("integer value"),
            Field::u64("csi_ptr").doc("pointer value"),
            Field::u64("csi_utime").doc("user time of a child"),
            Field::u64("csi_stime").doc("system time of a child"),
            Field::u64("csi_addr").address().doc("address of a fault"),
            Field::i32("csi_sys_private").doc("private word of a timer"),
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
                .doc("resource limits, by number"),
            Field::u64("it_real_value")
                .unit("ns")
                .doc("time left of ITIMER_REAL, 0 if inactive"),
            Field::u64("it_real_incr")
                .unit("ns")
                .doc("period of ITIMER_REAL, 0 if it fires once"),
            Field::u64("it_virt_value")
                .unit("ns")
                .doc("time left of ITIMER_VIRTUAL, from the time used so far"),
            Field::u64("it_virt_incr")
                .unit("ns")
                .doc("period of ITIMER_VIRTUAL"),
            Field::u64("it_prof_value")
                .unit("ns")
                .doc("time left of ITIMER_PROF, from the time used so far"),
            Field::u64("it_prof_incr")
                .unit("ns")
                .doc("period of ITIMER_PROF"),
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
            Field::nested("signal", &SIGSET).doc("pending signals"),
            Field::nested("siginfo", &SIGINFO)
                .counted_by("nr_pending")
                .doc("the queued signals, oldest first"),
        ]
    ),]),
);
