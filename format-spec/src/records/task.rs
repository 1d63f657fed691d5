//! Tasks, their registers, credentials and namespaces (§2, §3.5 to §3.7).

use super::arch::{arm, powerpc, s390, x86};
use super::*;

/// `ckpt_pids` (§3).
pub static CKPT_PIDS: Struct = Struct::aligned(list![
    FieldList::new(
        "ckpt_pids",
        list![
            Field::i32("vpid").doc("pid of the task"),
            Field::i32("vppid").doc("pid of its parent"),
            Field::i32("vtgid").doc("pid of its thread group leader"),
            Field::i32("vpgid").doc("process group, 0 if outside"),
            Field::i32("vsid").doc("session, 0 if outside"),
            Field::i32("rsid")
                .doc("session in the root namespace")
                .since(R08)
                .until(R08),
            Field::i32("depth")
                .doc("pid namespace levels below the root")
                .since(R08),
        ]
    )
    .until(R14),
    FieldList::new(
        "ckpt_pids",
        list![
            Field::u32("depth").doc("pid namespace levels below the root"),
            Field::i32("numbers").doc("pid in each namespace, outermost first; 1 + depth of them"),
        ]
    )
    .since(R15),
]);

/// `ckpt_task_pids` (§2.4).
pub static TASK_PIDS: Struct = Struct::aligned(list![
    FieldList::new(
        "ckpt_task_pids",
        list![
            Field::i32("vpid").doc("tag of the task's pid object"),
            Field::i32("vppid").doc("parent's tag (see the note in §2.4)"),
            Field::i32("vtgid").doc("tag of the thread group leader's pid"),
            Field::i32("vpgid").doc("tag of the process group, 0 if it is outside"),
            Field::i32("vsid").doc("tag of the session, 0 if it is outside"),
            Field::u32("depth").doc("pid-namespace depth of the task"),
        ]
    )
    .since(R15),
]);

/// `ckpt_capabilities` (§3.6).
pub static CKPT_CAPABILITIES: Struct = Struct::aligned(list![FieldList::new(
    "ckpt_capabilities",
    list![
        Field::u32("cap_i_0")
            .flags(&CAPABILITIES_0)
            .doc("inheritable, caps 0–31"),
        Field::u32("cap_i_1")
            .flags(&CAPABILITIES_1)
            .doc("caps 32–63"),
        Field::u32("cap_p_0")
            .flags(&CAPABILITIES_0)
            .doc("permitted"),
        Field::u32("cap_p_1")
            .flags(&CAPABILITIES_1)
            .doc("permitted, caps 32–63"),
        Field::u32("cap_e_0")
            .flags(&CAPABILITIES_0)
            .doc("effective"),
        Field::u32("cap_e_1")
            .flags(&CAPABILITIES_1)
            .doc("effective, caps 32–63"),
        Field::u32("cap_b_0")
            .flags(&CAPABILITIES_0)
            .doc("bounding set"),
        Field::u32("cap_b_1")
            .flags(&CAPABILITIES_1)
            .doc("bounding set, caps 32–63"),
        Field::u32("securebits")
            .flags(&SECUREBITS)
            .doc("how the root user gains capabilities"),
        Field::u32("padding").opaque().doc("unused, 0"),
    ]
),]);

/// `PIDS` (§2.4).
pub static PIDS: Record = Record::new(
    Tag::Pids,
    "2.4",
    Struct::aligned(list![
        FieldList::new(
            "ckpt_hdr_pids",
            list![
                Field::u32("nr_pids").doc("number of pid objects, > 0"),
                Field::u32("nr_vpids").doc("sum of depth over all pid objects"),
                Field::u32("offset").doc(
                    "object number of the first (root task) pid object; 1 in a subtree checkpoint"
                ),
            ]
        )
        .since(R15),
    ]),
);

/// `TREE` (§3).
pub static TREE: Record = Record::new(
    Tag::Tree,
    "3",
    Struct::aligned(list![
        FieldList::new(
            "ckpt_hdr_tree",
            list![Field::i32("nr_tasks").doc("number of tasks"),]
        )
        .until(R14),
        FieldList::new(
            "ckpt_hdr_tree",
            list![Field::u32("nr_tasks").doc("number of tasks"),]
        )
        .since(R15),
    ]),
);

/// `VPIDS` (§3).
pub static VPIDS: Record = Record::new(
    Tag::Vpids,
    "3",
    Struct::aligned(list![
        FieldList::new(
            "ckpt_hdr_vpids",
            list![Field::i32("nr_vpids").doc("number of nested pids in the buffer that follows"),]
        )
        .since(R08)
        .until(R09),
    ]),
);

/// `TASK` (§3.5).
pub static TASK: Record = Record::new(Tag::Task, "3.5", Struct::aligned(list![
    FieldList::new("ckpt_hdr_task", list![
        Field::u32("state").of(&TASK_STATE).doc("task state: 0 running, 1 interruptible, 2 uninterruptible, 64 dead"),
        Field::u32("exit_state").of(&EXIT_STATE).doc("0, or 16 = zombie"),
        Field::u32("exit_code").doc("wait status of a zombie; must be 0 for a live task"),
        Field::u32("exit_signal").of(&SIGNAL_NUMBER).doc("signal sent to the parent (17 = SIGCHLD); 0xffffffff for a thread that is not the leader"),
        Field::u32("pdeath_signal").of(&SIGNAL_NUMBER).doc("signal to get when the parent dies; 0 for none"),
        Field::u64("set_child_tid").address().doc("address at which the thread stored its id when it started, or 0"),
        Field::u64("clear_child_tid").address().doc("address to clear and wake as a futex when the thread ends, or 0"),
        Field::u32("compat_robust_futex_head_len").doc("as robust_futex_head_len, for a 32-bit task of a 64-bit kernel"),
        Field::u32("compat_robust_futex_list").address().doc("as robust_futex_list, for a 32-bit task of a 64-bit kernel"),
        Field::u32("robust_futex_head_len").doc("0, or sizeof(robust_list_head): 12 on ARM"),
        Field::u64("robust_futex_list").address().doc("user address of the robust list head, or 0"),
    ]).until(R06),
    FieldList::new("ckpt_hdr_task", list![
        Field::u32("state").of(&TASK_STATE).doc("task state: 0 running, 1 interruptible, 2 uninterruptible, 64 dead"),
        Field::u32("exit_state").of(&EXIT_STATE).doc("0, or 16 = zombie"),
        Field::u32("exit_code").doc("wait status of a zombie; must be 0 for a live task"),
        Field::u32("exit_signal").of(&SIGNAL_NUMBER).doc("signal sent to the parent (17 = SIGCHLD); 0xffffffff for a thread that is not the leader"),
        Field::u32("pdeath_signal").of(&SIGNAL_NUMBER).doc("signal to get when the parent dies; 0 for none"),
        Field::u32("compat_robust_futex_head_len").doc("as robust_futex_head_len, for a 32-bit task of a 64-bit kernel"),
        Field::u32("compat_robust_futex_list").address().doc("as robust_futex_list, for a 32-bit task of a 64-bit kernel"),
        Field::u32("robust_futex_head_len").doc("0, or sizeof(robust_list_head): 12 on ARM"),
        Field::u64("robust_futex_list").address().doc("user address of the robust list head, or 0"),
        Field::u64("set_child_tid").address().doc("address at which the thread stored its id when it started, or 0"),
        Field::u64("clear_child_tid").address().doc("address to clear and wake as a futex when the thread ends, or 0"),
        Field::u64("sas_ss_sp").address().doc("alternate signal stack base").since(R13),
        Field::u32("sas_ss_size").unit("bytes").doc("size of the alternate signal stack").since(R13),
    ]).since(R07).until(R15),
    FieldList::new("ckpt_hdr_task", list![
        Field::u32("flags").flags(&TASK_FLAGS).doc("bit 0 forked but not exec'd, bit 1 used super-user rights; other bits refused"),
        Field::u32("state").of(&TASK_STATE).doc("task state: 0 running, 1 interruptible, 2 uninterruptible, 64 dead"),
        Field::u32("exit_state").of(&EXIT_STATE).doc("0, or 16 = zombie"),
        Field::u32("exit_code").doc("wait status of a zombie; must be 0 for a live task"),
        Field::u32("exit_signal").of(&SIGNAL_NUMBER).doc("signal sent to the parent (17 = SIGCHLD); 0xffffffff for a thread that is not the leader"),
        Field::u32("pdeath_signal").of(&SIGNAL_NUMBER).doc("signal to get when the parent dies; 0 for none"),
        Field::u64("set_child_tid").address().doc("address at which the thread stored its id when it started, or 0"),
        Field::u64("clear_child_tid").address().doc("address to clear and wake as a futex when the thread ends, or 0"),
        Field::u64("sas_ss_sp").address().doc("alternate signal stack base"),
        Field::u32("sas_ss_size").unit("bytes").doc("size of the alternate signal stack"),
        Field::u32("compat_robust_futex_head_len").doc("as robust_futex_head_len, for a 32-bit task of a 64-bit kernel"),
        Field::u32("compat_robust_futex_list").address().doc("as robust_futex_list, for a 32-bit task of a 64-bit kernel"),
        Field::u32("robust_futex_head_len").doc("0, or sizeof(robust_list_head): 12 on ARM"),
        Field::u64("robust_futex_list").address().doc("user address of the robust list head, or 0"),
    ]).since(R16),
]));

/// `TASK_NS` (§3.7).
pub static TASK_NS: Record = Record::new(
    Tag::TaskNs,
    "3.7",
    Struct::aligned(list![FieldList::new(
        "ckpt_hdr_task_ns",
        list![
            Field::i32("ns_objref")
                .refers(Object::Ns)
                .doc("namespaces of the task: an NS object"),
        ]
    ),]),
);

/// `TASK_OBJS` (§3.8).
pub static TASK_OBJS: Record = Record::new(
    Tag::TaskObjs,
    "3.8",
    Struct::aligned(list![FieldList::new(
        "ckpt_hdr_task_objs",
        list![
            Field::i32("files_objref")
                .refers(Object::FileTable)
                .doc("descriptors: a FILE_TABLE object"),
            Field::i32("mm_objref")
                .refers(Object::Mm)
                .doc("address space: an MM object"),
            Field::i32("fs_objref")
                .refers(Object::Fs)
                .doc("current and root directory: an FS object")
                .since(R06),
            Field::i32("sem_undo_objref")
                .refers(Object::SemUndo)
                .doc("semaphore adjustments: a SEM_UNDO object, 0 for none")
                .since(R13),
            Field::i32("sighand_objref")
                .refers(Object::Sighand)
                .doc("signal actions: a SIGHAND object"),
            Field::i32("signal_objref")
                .refers(Object::Signal)
                .doc("what the threads of the process share: an implicit SIGNAL object"),
        ]
    ),]),
);

/// `RESTART_BLOCK` (§3.5).
pub static RESTART_BLOCK: Record = Record::new(
    Tag::RestartBlock,
    "3.5",
    Struct::aligned(list![FieldList::new(
        "ckpt_hdr_restart_block",
        list![
            Field::u64("function_type")
                .of(&RESTART_BLOCK_TYPE)
                .doc("which call waits, and so what the arguments mean"),
            Field::u64("arg_0").doc("clock id, pollfd array or futex address, by type"),
            Field::u64("arg_1").doc("user pointer, count or value, by type"),
            Field::u64("arg_2").doc("pointer, has_timeout or flags, by type"),
            Field::u64("arg_3").doc("futex bit set"),
            Field::u64("arg_4")
                .unit("ns")
                .doc("nanoseconds left at checkpoint time, 0 if none or expired"),
        ]
    ),]),
);

/// `THREAD`, per architecture.
pub static THREAD: Record = Record::new(
    Tag::Thread,
    "5.1",
    Struct::aligned(list![x86::THREAD, s390::THREAD, arm::THREAD,]),
);

/// `CPU`, per architecture.
pub static CPU: Record = Record::new(
    Tag::Cpu,
    "5.1",
    Struct::aligned(list![
        x86::CPU,
        s390::CPU,
        arm::CPU,
        powerpc::CPU,
        powerpc::CPU_VSX,
    ]),
)
.selected_at(16);

/// `CPU_FPU`: on x86 the FPU state as the processor stores it; on ARM (R18) one register file,
/// selected by `unit` (§10.2).
pub static CPU_FPU: Record = Record::new(
    Tag::CpuFpu,
    "10.2",
    Struct::aligned(list![
        FieldList::new(
            "ckpt_hdr_cpu_fpu",
            list![Field::u8("fpu_state").rest().opaque()]
        )
        .on(ArchSet::X86),
        arm::CPU_FPU_VFP,
        arm::CPU_FPU_FPA,
        arm::CPU_FPU_IWMMXT,
        arm::CPU_FPU_CRUNCH,
        arm::CPU_FPU_XSCALE_DSP,
        arm::CPU_FPU_ANY,
    ]),
)
.selected_at(8);

/// `ARM_ABI`: the ABI of a process (R18, §10.3).
pub static ARM_ABI: Record = Record::new(Tag::ArmAbi, "10.3", Struct::aligned(list![arm::ARM_ABI]));

/// `NS` (§3.7).
pub static NS: Record = Record::new(
    Tag::Ns,
    "3.7",
    Struct::aligned(list![
        FieldList::new(
            "ckpt_hdr_ns",
            list![
                Field::i32("uts_objref")
                    .refers(Object::UtsNs)
                    .doc("UTS_NS object; readers accept 0 (none stored)"),
                Field::u32("ipc_objref")
                    .refers(Object::IpcNs)
                    .doc("IPC_NS object; readers accept 0"),
            ]
        )
        .until(R05),
        FieldList::new(
            "ckpt_hdr_ns",
            list![
                Field::i32("uts_objref")
                    .refers(Object::UtsNs)
                    .doc("UTS_NS object; readers accept 0 (none stored)"),
                Field::i32("ipc_objref")
                    .refers(Object::IpcNs)
                    .doc("IPC_NS object; readers accept 0"),
                Field::i32("net_objref")
                    .refers(Object::NetNs)
                    .doc("NET_NS object, 0 unless uflags bit 1 (UNCONFIRMED)")
                    .since(R09),
            ]
        )
        .since(R06),
    ]),
);

/// `UTS_NS` (§3.7).
pub static UTS_NS: Record = Record::new(
    Tag::UtsNs,
    "3.7",
    Struct::aligned(list![FieldList::new(
        "ckpt_hdr_utsns",
        list![
            Field::text("sysname", 65).doc("operating system name, NUL-padded"),
            Field::text("nodename", 65).doc("host name, NUL-padded"),
            Field::text("release", 65).doc("kernel release, NUL-padded"),
            Field::text("version", 65).doc("kernel version text, NUL-padded"),
            Field::text("machine", 65).doc("machine name, NUL-padded"),
            Field::text("domainname", 65).doc("NIS domain name, NUL-padded"),
        ]
    ),]),
);

/// `IPC_NS` (§3.7).
pub static IPC_NS: Record = Record::new(
    Tag::IpcNs,
    "3.7",
    Struct::aligned(list![FieldList::new(
        "ckpt_hdr_ipcns",
        list![
            Field::u64("shm_ctlmax").doc("largest segment in bytes"),
            Field::u64("shm_ctlall").doc("all segments together, in pages"),
            Field::i32("shm_ctlmni").doc("number of segments allowed"),
            Field::i32("msg_ctlmax").doc("largest message in bytes"),
            Field::i32("msg_ctlmnb").doc("bytes allowed on a queue"),
            Field::i32("msg_ctlmni").doc("number of queues allowed"),
            Field::i32("sem_ctl_msl").doc("semaphores allowed in a set"),
            Field::i32("sem_ctl_mns").doc("semaphores allowed in all"),
            Field::i32("sem_ctl_opm").doc("operations allowed in a call"),
            Field::i32("sem_ctl_mni").doc("number of sets allowed"),
        ]
    ),]),
);

/// `MNT_NS`: header only (§3.1).
pub static MNT_NS: Record = Record::new(
    Tag::MntNs,
    "3.1",
    Struct::aligned(list![FieldList::new("ckpt_hdr", list![])]),
);

/// `CAPABILITIES`: header only (§3.1).
pub static CAPABILITIES: Record = Record::new(
    Tag::Capabilities,
    "3.1",
    Struct::aligned(list![FieldList::new("ckpt_hdr", list![])]),
);

/// `USER_NS` (§3.6).
pub static USER_NS: Record = Record::new(
    Tag::UserNs,
    "3.6",
    Struct::aligned(list![FieldList::new(
        "ckpt_hdr_user_ns",
        list![
            Field::i32("creator_ref")
                .refers(Object::User)
                .doc("USER object that created it; 0 for the initial namespace"),
        ]
    ),]),
);

/// `CRED` (§3.6).
pub static CRED: Record = Record::new(
    Tag::Cred,
    "3.6",
    Struct::aligned(list![FieldList::new(
        "ckpt_hdr_cred",
        list![
            Field::u32("uid").doc("real user id"),
            Field::u32("suid").doc("saved user id"),
            Field::u32("euid").doc("effective user id"),
            Field::u32("fsuid").doc("file system user id"),
            Field::u32("gid").doc("real group id"),
            Field::u32("sgid").doc("saved group id"),
            Field::u32("egid").doc("effective group id"),
            Field::u32("fsgid").doc("file system group id"),
            Field::i32("user_ref")
                .refers(Object::User)
                .doc("user it counts against: a USER object"),
            Field::i32("groupinfo_ref")
                .refers(Object::GroupInfo)
                .doc("supplementary groups: a GROUPINFO object"),
            Field::i32("sec_ref")
                .refers(Object::Security)
                .doc("label: a SECURITY object, 0 for none")
                .since(R03),
            Field::nested("cap_s", &CKPT_CAPABILITIES).doc("capability sets"),
        ]
    ),]),
);

/// `USER` (§3.6).
pub static USER: Record = Record::new(
    Tag::User,
    "3.6",
    Struct::aligned(list![FieldList::new(
        "ckpt_hdr_user_struct",
        list![
            Field::u32("uid").doc("number of the user"),
            Field::i32("userns_ref")
                .refers(Object::UserNs)
                .doc("namespace of the user: a USER_NS object"),
        ]
    ),]),
);

/// `GROUPINFO` (§3.6).
pub static GROUPINFO: Record = Record::new(
    Tag::GroupInfo,
    "3.6",
    Struct::aligned(list![FieldList::new(
        "ckpt_hdr_groupinfo",
        list![
            Field::u32("ngroups").doc("number of supplementary groups, up to 65536"),
            Field::u32("groups")
                .counted_by("ngroups")
                .doc("group ids, strictly ascending"),
        ]
    ),]),
);

/// `TASK_CREDS` (§3.6).
pub static TASK_CREDS: Record = Record::new(
    Tag::TaskCreds,
    "3.6",
    Struct::aligned(list![FieldList::new(
        "ckpt_hdr_task_creds",
        list![
            Field::i32("cred_ref")
                .refers(Object::Cred)
                .doc("object number of the objective credentials"),
            Field::i32("ecred_ref")
                .refers(Object::Cred)
                .doc("object number of the subjective credentials (usually the same)"),
        ]
    ),]),
);
