//! The tables: every record of the format, in the order of the sections that describe them.

/// A slice that lives as long as the program; the tables are made of these.
macro_rules! list {
    ($($item:tt)*) => { const { &[$($item)*] } };
}

pub mod arch;
pub mod core;
pub mod file;
pub mod ipc;
pub mod mm;
pub mod net;
pub mod signal;
pub mod task;

pub(crate) use crate::dialect::*;
pub(crate) use crate::enums::*;
pub(crate) use crate::schema::{Bit, Field, FieldList, Flags, Record, Struct};
pub(crate) use crate::values::*;
pub use core::*;
pub use file::*;
pub use ipc::*;
pub use mm::*;
pub use net::*;
pub use signal::*;
pub use task::*;

/// Every record.
pub static RECORDS: &[&Record] = &[
    &core::HEADER,
    &core::HEADER_ARCH,
    &core::CONTAINER,
    &core::BUFFER,
    &core::STRING,
    &core::OBJREF,
    &core::LSM_INFO,
    &core::SECURITY,
    &core::FOREIGN,
    &core::TAIL,
    &core::ERROR,
    &task::PIDS,
    &task::TREE,
    &task::VPIDS,
    &task::TASK,
    &task::TASK_NS,
    &task::TASK_OBJS,
    &task::RESTART_BLOCK,
    &task::THREAD,
    &task::CPU,
    &task::CPU_FPU,
    &task::ARM_ABI,
    &task::NS,
    &task::UTS_NS,
    &task::IPC_NS,
    &task::MNT_NS,
    &task::CAPABILITIES,
    &task::USER_NS,
    &task::CRED,
    &task::USER,
    &task::GROUPINFO,
    &task::TASK_CREDS,
    &mm::MM,
    &mm::VMA,
    &mm::PGARR,
    &mm::HPAGE,
    &mm::MM_CONTEXT,
    &mm::MM_CONTEXT_LDT,
    &file::FILE_TABLE,
    &file::FILE_DESC,
    &file::FILE_NAME,
    &file::FILE,
    &file::PIPE_BUF,
    &file::TTY,
    &file::TTY_LDISC,
    &file::EPOLL_ITEMS,
    &file::FS,
    &ipc::IPC,
    &ipc::IPC_SHM,
    &ipc::IPC_MSG,
    &ipc::IPC_MSG_MSG,
    &ipc::IPC_SEM,
    &ipc::TASK_SEM_UNDO_LIST,
    &ipc::TASK_SEM_UNDO,
    &signal::SIGHAND,
    &signal::SIGNAL,
    &signal::SIGNAL_TASK,
    &signal::SIGPENDING,
    &net::SOCKET,
    &net::SOCKET_QUEUE,
    &net::SOCKET_BUFFER,
    &net::SOCKET_FRAG,
    &net::SOCKET_UNIX,
    &net::SOCKET_INET,
    &net::NET_NS,
    &net::NETDEV,
    &net::NETDEV_ADDR,
];
