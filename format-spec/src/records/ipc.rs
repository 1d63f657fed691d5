//! System V IPC (§3.12).

use super::*;

/// `ckpt_hdr_ipc_perms` (§3.12).
pub static IPC_PERMS: Struct = Struct::aligned(list![FieldList::new(
    "ckpt_hdr_ipc_perms",
    list![
        Field::nested("h", &HDR).doc("embedded header, never filled"),
        Field::i32("id").doc("identifier that the calls use, ≥ 0"),
        Field::u32("key").doc("key by which programs find the object, 0 for a private one"),
        Field::u32("uid").doc("user id of the owner"),
        Field::u32("gid").doc("group id of the owner"),
        Field::u32("cuid").doc("user id of the creator"),
        Field::u32("cgid").doc("group id of the creator"),
        Field::u32("mode").flags(&MODE_BITS).doc("permissions"),
        Field::u32("_padding").opaque().doc("unused, 0"),
        Field::u64("seq").doc("sequence number of the id"),
        Field::i32("sec_ref")
            .refers(Object::Security)
            .doc("label: a SECURITY object, 0 for none")
            .since(R03),
    ]
),]);

/// `IPC` (§3.12).
pub static IPC: Record = Record::new(
    Tag::Ipc,
    "3.12",
    Struct::aligned(list![FieldList::new(
        "ckpt_hdr_ipc",
        list![
            Field::u32("ipc_type")
                .of(&RECORD_TYPE)
                .doc("record number of the members: 502, 503 or 505"),
            Field::u32("ipc_count").doc("number of members that follow"),
        ]
    ),]),
);

/// `IPC_SHM` (§3.12).
pub static IPC_SHM: Record = Record::new(
    Tag::IpcShm,
    "3.12",
    Struct::aligned(list![FieldList::new(
        "ckpt_hdr_ipc_shm",
        list![
            Field::nested("perms", &IPC_PERMS).doc("owner, key and permissions"),
            Field::u64("shm_segsz")
                .unit("bytes")
                .doc("size of the segment"),
            Field::u64("shm_atim").time().doc("last attach"),
            Field::u64("shm_dtim").time().doc("last detach"),
            Field::u64("shm_ctim").time().doc("last change"),
            Field::i32("shm_cprid").doc("pid of the creator"),
            Field::i32("shm_lprid").doc("pid of the last operator"),
            Field::u32("mlock_uid")
                .doc("owner of the lock; 0xffffffff = not locked (others refused)"),
            Field::u32("flags")
                .flags(&SHM_FLAGS)
                .doc("SHM_NORESERVE 0x1000, SHM_HUGETLB 0x800; others are refused"),
            Field::u32("objref")
                .refers(Object::Inode)
                .doc("implicit INODE object of the segment; a VMA that maps it names the same"),
            Field::u16("shift")
                .unit("log2 bytes")
                .doc("log2 of the huge page size (UNCONFIRMED)")
                .since(R16),
        ]
    ),]),
);

/// `IPC_MSG` (§3.12).
pub static IPC_MSG: Record = Record::new(
    Tag::IpcMsg,
    "3.12",
    Struct::aligned(list![FieldList::new(
        "ckpt_hdr_ipc_msg",
        list![
            Field::nested("perms", &IPC_PERMS).doc("owner, key and permissions"),
            Field::u64("q_stime").time().doc("last send"),
            Field::u64("q_rtime").time().doc("last receive"),
            Field::u64("q_ctime").time().doc("last change"),
            Field::u64("q_cbytes").doc("sum of the message sizes (verified)"),
            Field::u64("q_qnum").doc("number of messages that follow"),
            Field::u64("q_qbytes").doc("bytes allowed on the queue"),
            Field::i32("q_lspid").doc("pid of the last sender"),
            Field::i32("q_lrpid").doc("pid of the last receiver"),
        ]
    ),]),
);

/// `IPC_MSG_MSG` (§3.12).
pub static IPC_MSG_MSG: Record = Record::new(
    Tag::IpcMsgMsg,
    "3.12",
    Struct::aligned(list![
        FieldList::new(
            "ckpt_hdr_ipc_msg_msg",
            list![
                Field::i32("m_type").doc("message type that a receiver may select by, ≥ 1"),
                Field::u32("m_ts").unit("bytes").doc("size of the text"),
                Field::i32("sec_ref")
                    .refers(Object::Security)
                    .doc("label: a SECURITY object, 0 for none")
                    .since(R03),
            ]
        )
        .until(R05),
        FieldList::new(
            "ckpt_hdr_ipc_msg_msg",
            list![
                Field::i64("m_type").doc("message type that a receiver may select by, ≥ 1"),
                Field::u32("m_ts").unit("bytes").doc("size of the text"),
                Field::i32("sec_ref")
                    .refers(Object::Security)
                    .doc("label: a SECURITY object, 0 for none"),
            ]
        )
        .since(R06),
    ]),
);

/// `IPC_SEM` (§3.12).
pub static IPC_SEM: Record = Record::new(
    Tag::IpcSem,
    "3.12",
    Struct::aligned(list![FieldList::new(
        "ckpt_hdr_ipc_sem",
        list![
            Field::nested("perms", &IPC_PERMS).doc("owner, key and permissions"),
            Field::u64("sem_otime").time().doc("last operation"),
            Field::u64("sem_ctime").time().doc("last change"),
            Field::u32("sem_nsems").doc("number of semaphores in the BUFFER that follows"),
        ]
    ),]),
);

/// `TASK_SEM_UNDO_LIST` (§3.12).
pub static TASK_SEM_UNDO_LIST: Record = Record::new(
    Tag::TaskSemUndoList,
    "3.12",
    Struct::aligned(list![
        FieldList::new(
            "ckpt_hdr_task_sem_undo_list",
            list![Field::u32("count").doc("number of TASK_SEM_UNDO that follow"),]
        )
        .since(R13),
    ]),
);

/// `TASK_SEM_UNDO` (§3.12).
pub static TASK_SEM_UNDO: Record = Record::new(
    Tag::TaskSemUndo,
    "3.12",
    Struct::aligned(list![
        FieldList::new(
            "ckpt_hdr_task_sem_undo",
            list![
                Field::u32("semid").doc("id of the semaphore set"),
                Field::u32("semadj_count").doc("number of adjustments, in a BUFFER (UNCONFIRMED)"),
            ]
        )
        .since(R13),
    ]),
);
