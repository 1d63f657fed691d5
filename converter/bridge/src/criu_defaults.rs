//! Fields of CRIU messages that streams have no place for, and what is written for them.
//!
//! One table serves both ways: the reader reports a value that differs from the table, the writer writes the table.

use crate::{
    bytes::Blob,
    criu::{Msg, image},
    tree::PAGE,
};

/// A field without a home.
pub(crate) struct Homeless {
    /// Message.
    pub(crate) message: &'static str,
    /// Field.
    pub(crate) field: &'static str,
    /// What is written; `None` leaves the field out.
    pub(crate) value: Option<u64>,
    /// Code of the loss.
    pub(crate) code: &'static str,
    /// Why.
    pub(crate) why: &'static str,
}

const fn field(
    message: &'static str,
    field: &'static str,
    value: Option<u64>,
    code: &'static str,
    why: &'static str,
) -> Homeless {
    Homeless {
        message,
        field,
        value,
        code,
        why,
    }
}

/// The fields.
pub(crate) static DEFAULTS: &[Homeless] = &[
    field(
        "task_core_entry",
        "loginuid",
        Some(0x7fff_ffff),
        "criu.loginuid",
        "streams have no login uid",
    ),
    field(
        "task_core_entry",
        "oom_score_adj",
        Some(0),
        "criu.oom-score",
        "streams have no OOM score",
    ),
    field(
        "task_core_entry",
        "child_subreaper",
        Some(0),
        "criu.subreaper",
        "streams do not know subreapers",
    ),
    field(
        "task_core_entry",
        "cg_set",
        None,
        "criu.cgroup",
        "streams have no control groups",
    ),
    field(
        "task_core_entry",
        "membarrier_registration_mask",
        None,
        "criu.membarrier",
        "streams do not know membarrier",
    ),
    field(
        "task_core_entry",
        "stop_signo",
        Some(19),
        "criu.stop-signal",
        "streams only say that a task is stopped",
    ),
    field(
        "thread_core_entry",
        "sched_nice",
        Some(0),
        "criu.scheduling",
        "streams have no priorities",
    ),
    field(
        "thread_core_entry",
        "sched_policy",
        Some(0),
        "criu.scheduling",
        "streams have no scheduling policy",
    ),
    field(
        "thread_core_entry",
        "sched_prio",
        None,
        "criu.scheduling",
        "streams have no priorities",
    ),
    field(
        "thread_core_entry",
        "seccomp_mode",
        None,
        "criu.seccomp",
        "streams have no system call filters",
    ),
    field(
        "thread_core_entry",
        "seccomp_filter",
        None,
        "criu.seccomp",
        "streams have no system call filters",
    ),
    field(
        "thread_core_entry",
        "rseq_entry",
        None,
        "criu.rseq",
        "streams do not know restartable sequences; the area is not registered again",
    ),
    field(
        "thread_core_entry",
        "cg_set",
        Some(1),
        "criu.cgroup",
        "streams have no control groups",
    ),
    field(
        "creds_entry",
        "lsm_profile",
        None,
        "criu.lsm",
        "labels of this security module are not carried",
    ),
    field(
        "creds_entry",
        "lsm_sockcreate",
        None,
        "criu.lsm",
        "labels of this security module are not carried",
    ),
    field(
        "creds_entry",
        "apparmor_data",
        None,
        "criu.lsm",
        "labels of this security module are not carried",
    ),
    field(
        "creds_entry",
        "no_new_privs",
        Some(0),
        "criu.no-new-privs",
        "streams do not keep no_new_privs",
    ),
    field(
        "creds_entry",
        "cap_amb",
        None,
        "criu.ambient-caps",
        "streams have no ambient capabilities",
    ),
    field(
        "mm_entry",
        "thp_disabled",
        Some(0),
        "criu.thp",
        "streams do not know huge pages that come by themselves",
    ),
    field(
        "mm_entry",
        "aios",
        None,
        "criu.aio",
        "streams have no asynchronous I/O rings",
    ),
    field(
        "reg_file_entry",
        "size",
        None,
        "criu.file-check",
        "streams do not keep what a file is recognized by",
    ),
    field(
        "reg_file_entry",
        "mode",
        None,
        "criu.file-check",
        "streams do not keep what a file is recognized by",
    ),
    field(
        "reg_file_entry",
        "build_id",
        None,
        "criu.file-check",
        "streams do not keep what a file is recognized by",
    ),
    field(
        "reg_file_entry",
        "checksum",
        None,
        "criu.file-check",
        "streams do not keep what a file is recognized by",
    ),
    field(
        "reg_file_entry",
        "mnt_id",
        None,
        "criu.mount",
        "streams have no mount points",
    ),
    field(
        "reg_file_entry",
        "ext",
        None,
        "criu.external",
        "streams do not know external files",
    ),
    field(
        "inventory_entry",
        "root_cg_set",
        Some(1),
        "criu.cgroup",
        "streams have no control groups",
    ),
    field(
        "inventory_entry",
        "dump_uptime",
        None,
        "criu.uptime",
        "streams do not keep the uptime",
    ),
    field(
        "inventory_entry",
        "dump_criu_run_id",
        None,
        "criu.run-id",
        "the dump it names is not this set",
    ),
    field(
        "unix_sk_entry",
        "file_perms",
        None,
        "criu.socket",
        "streams do not keep permissions of a socket's file",
    ),
    field(
        "unix_sk_entry",
        "deleted",
        None,
        "criu.socket",
        "streams do not know that a socket's file is gone",
    ),
    field(
        "sk_opts_entry",
        "so_mark",
        None,
        "criu.socket-option",
        "streams do not keep this option",
    ),
    field(
        "sk_opts_entry",
        "so_passcred",
        Some(0),
        "criu.socket-option",
        "streams do not keep this option",
    ),
    field(
        "sk_opts_entry",
        "so_bound_dev",
        None,
        "criu.socket-option",
        "streams do not keep this option",
    ),
    field(
        "sk_opts_entry",
        "so_reuseport",
        Some(0),
        "criu.socket-option",
        "streams do not keep this option",
    ),
    field(
        "sk_opts_entry",
        "so_broadcast",
        Some(0),
        "criu.socket-option",
        "streams do not keep this option",
    ),
    field(
        "sk_opts_entry",
        "so_keepalive",
        Some(0),
        "criu.socket-option",
        "streams do not keep this option",
    ),
    field(
        "sk_opts_entry",
        "so_buf_lock",
        Some(0),
        "criu.socket-option",
        "streams do not keep this option",
    ),
    field(
        "sk_opts_entry",
        "so_snd_tmo_sec",
        Some(0),
        "criu.socket-option",
        "streams do not keep this option",
    ),
    field(
        "sk_opts_entry",
        "so_snd_tmo_usec",
        Some(0),
        "criu.socket-option",
        "streams do not keep this option",
    ),
    field(
        "sk_opts_entry",
        "so_rcv_tmo_sec",
        Some(0),
        "criu.socket-option",
        "streams do not keep this option",
    ),
    field(
        "sk_opts_entry",
        "so_rcv_tmo_usec",
        Some(0),
        "criu.socket-option",
        "streams do not keep this option",
    ),
    field(
        "sk_opts_entry",
        "so_priority",
        Some(0),
        "criu.socket-option",
        "streams do not keep this option",
    ),
    field(
        "sk_opts_entry",
        "so_dontroute",
        Some(0),
        "criu.socket-option",
        "streams do not keep this option",
    ),
    field(
        "sk_opts_entry",
        "so_no_check",
        Some(0),
        "criu.socket-option",
        "streams do not keep this option",
    ),
    field(
        "sk_packet_entry",
        "scm",
        None,
        "criu.in-flight",
        "streams have no files that wait in a queue",
    ),
    field(
        "fown_entry",
        "signum",
        Some(0),
        "criu.signal-owner",
        "streams do not keep whom a file signals",
    ),
    field(
        "fown_entry",
        "pid",
        Some(0),
        "criu.signal-owner",
        "streams do not keep whom a file signals",
    ),
    field(
        "tty_info_entry",
        "locked",
        Some(0),
        "criu.tty",
        "streams do not keep this state of a terminal",
    ),
    field(
        "tty_info_entry",
        "exclusive",
        Some(0),
        "criu.tty",
        "streams do not keep this state of a terminal",
    ),
    field(
        "tty_info_entry",
        "packet_mode",
        Some(0),
        "criu.tty",
        "streams do not keep this state of a terminal",
    ),
    field(
        "ipc_var_entry",
        "shm_rmid_forced",
        Some(0),
        "criu.ipc",
        "streams do not keep this limit",
    ),
    field(
        "ipc_var_entry",
        "mq_queues_max",
        Some(256),
        "criu.ipc",
        "streams do not keep this limit",
    ),
    field(
        "ipc_var_entry",
        "mq_msg_max",
        Some(10),
        "criu.ipc",
        "streams do not keep this limit",
    ),
    field(
        "ipc_var_entry",
        "mq_msgsize_max",
        Some(8192),
        "criu.ipc",
        "streams do not keep this limit",
    ),
    field(
        "ipc_var_entry",
        "mq_msg_default",
        Some(10),
        "criu.ipc",
        "streams do not keep this limit",
    ),
    field(
        "ipc_var_entry",
        "mq_msgsize_default",
        Some(8192),
        "criu.ipc",
        "streams do not keep this limit",
    ),
];

/// The value of a field as text, if the writer would write another.
pub(crate) fn differs(d: &Homeless, message: &Msg) -> Option<String> {
    if !message.has(d.field) {
        return None;
    }
    let number = message.get(d.field);
    let list = message.numbers(d.field);
    // A set of capabilities without any is the same as none.
    if !list.is_empty() && list.iter().all(|&n| n == 0) {
        return None;
    }
    if number.is_some() && number == d.value {
        return None;
    }
    Some(message.show(d.field))
}

/// Writes the fields of a message that have a value of their own.
pub(crate) fn fill(message: &mut Msg) {
    let name = message.name();
    for d in DEFAULTS.iter().filter(|d| d.message == name) {
        if let Some(value) = d.value {
            message.set(d.field, value);
        }
    }
}

/// Size of a pipe's buffer in bytes, where nothing else was asked for.
const PIPE_SIZE: u64 = 65536;

/// Size of a pipe's buffer that takes so many bytes, which may begin anywhere in a page when they are put back.
pub(crate) fn pipe_size(bytes: u64) -> u64 {
    let needed = (bytes.div_ceil(PAGE) + 1) * PAGE;
    needed.next_power_of_two().max(PIPE_SIZE)
}

/// Files whose loss changes nothing: statistics, and lists of filters without any.
pub(crate) fn harmless(file: Option<&Blob>) -> bool {
    let Some(file) = file else { return true };
    match image::head(file) {
        Ok(Some(h)) if h.kind.name == "SECCOMP" => image::entries(file, &h).is_ok_and(|e| {
            e.iter()
                .all(|e| e.message.subs("seccomp_filters").is_empty())
        }),
        Ok(Some(h)) => h.kind.name == "STATS",
        _ => false,
    }
}
