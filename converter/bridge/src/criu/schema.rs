//! The messages and the kinds of image files.

use std::sync::OnceLock;

use prost_reflect::{DescriptorPool, MessageDescriptor};

use crate::{Error, Result};

/// Opens every file of a set but `inventory.img`, whose magic number stands alone.
pub const COMMON_MAGIC: u32 = 0x5456_4319;
/// Opens files that are no part of the state: statistics, caches.
pub const SERVICE_MAGIC: u32 = 0x5510_5940;

/// What follows a message in a file of some kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payload {
    /// The next message.
    None,
    /// As many raw bytes as a field says.
    Field(&'static str),
    /// Both queues of a connection.
    TcpQueues,
    /// All bytes to the end of the file, or chunks, each with a head.
    Ghost,
    /// Messages of a queue, each with a head, padded to 8 bytes.
    IpcMessages,
    /// 16-bit values, padded to 8 bytes.
    IpcSemaphores,
    /// A segment padded to 4 bytes, unless it lies in page files.
    IpcSegment,
}

/// A kind of image file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// Name of the magic number, as `crit` shows it.
    pub name: &'static str,
    /// Second word of the file (the first of `inventory.img`).
    pub magic: u32,
    /// Message type of its entries; empty for page maps, which have a reader of their own.
    pub message: &'static str,
    /// What follows each message.
    pub payload: Payload,
}

const fn kind(name: &'static str, magic: u32, message: &'static str, payload: Payload) -> Kind {
    Kind {
        name,
        magic,
        message,
        payload,
    }
}

/// Files whose messages are understood. Files of other kinds are carried as they are.
pub static KINDS: &[Kind] = &[
    kind("INVENTORY", 0x5831_3116, "inventory_entry", Payload::None),
    kind("PSTREE", 0x5027_3030, "pstree_entry", Payload::None),
    kind("FDINFO", 0x5621_3732, "fdinfo_entry", Payload::None),
    kind("PAGEMAP", 0x5608_4025, "", Payload::None),
    kind("CORE", 0x5505_3847, "core_entry", Payload::None),
    kind("IDS", 0x5443_2030, "task_kobj_ids_entry", Payload::None),
    kind("VMAS", 0x5412_3737, "vma_entry", Payload::None),
    kind("MM", 0x5749_2820, "mm_entry", Payload::None),
    kind("FS", 0x5140_3912, "fs_entry", Payload::None),
    kind("FILES", 0x5630_3138, "file_entry", Payload::None),
    kind("REG_FILES", 0x5036_3636, "reg_file_entry", Payload::None),
    kind("EXT_FILES", 0x5925_5641, "ext_file_entry", Payload::None),
    kind("NS_FILES", 0x6139_4011, "ns_file_entry", Payload::None),
    kind("PIPES", 0x5651_3555, "pipe_entry", Payload::None),
    kind(
        "PIPES_DATA",
        0x5645_3709,
        "pipe_data_entry",
        Payload::Field("bytes"),
    ),
    kind("FIFO", 0x5836_4939, "fifo_entry", Payload::None),
    kind(
        "FIFO_DATA",
        0x5933_3054,
        "pipe_data_entry",
        Payload::Field("bytes"),
    ),
    kind("SIGACT", 0x5534_4201, "sa_entry", Payload::None),
    kind("UNIXSK", 0x5437_3943, "unix_sk_entry", Payload::None),
    kind("INETSK", 0x5644_3851, "inet_sk_entry", Payload::None),
    kind(
        "SK_QUEUES",
        0x5626_4026,
        "sk_packet_entry",
        Payload::Field("length"),
    ),
    kind(
        "TCP_STREAM",
        0x5146_5506,
        "tcp_stream_entry",
        Payload::TcpQueues,
    ),
    kind("ITIMERS", 0x5746_4056, "itimer_entry", Payload::None),
    kind(
        "POSIX_TIMERS",
        0x5260_3957,
        "posix_timer_entry",
        Payload::None,
    ),
    kind("CREDS", 0x5402_3547, "creds_entry", Payload::None),
    kind("UTSNS", 0x5447_3203, "utsns_entry", Payload::None),
    kind("IPC_VAR", 0x5311_5007, "ipc_var_entry", Payload::None),
    kind(
        "IPCNS_SHM",
        0x4628_3044,
        "ipc_shm_entry",
        Payload::IpcSegment,
    ),
    kind(
        "IPCNS_MSG",
        0x5545_3737,
        "ipc_msg_entry",
        Payload::IpcMessages,
    ),
    kind(
        "IPCNS_SEM",
        0x5957_3019,
        "ipc_sem_entry",
        Payload::IpcSemaphores,
    ),
    kind(
        "REMAP_FPATH",
        0x5913_3954,
        "remap_file_path_entry",
        Payload::None,
    ),
    kind(
        "GHOST_FILE",
        0x5258_3605,
        "ghost_file_entry",
        Payload::Ghost,
    ),
    kind(
        "EVENTFD_FILE",
        0x4452_3722,
        "eventfd_file_entry",
        Payload::None,
    ),
    kind(
        "EVENTPOLL_FILE",
        0x4502_3858,
        "eventpoll_file_entry",
        Payload::None,
    ),
    kind(
        "EVENTPOLL_TFD",
        0x4443_3746,
        "eventpoll_tfd_entry",
        Payload::None,
    ),
    kind("SIGNALFD", 0x5732_3820, "signalfd_entry", Payload::None),
    kind("TIMERFD", 0x5049_3712, "timerfd_entry", Payload::None),
    kind(
        "INOTIFY_FILE",
        0x4842_4431,
        "opaque_file_entry",
        Payload::None,
    ),
    kind(
        "FANOTIFY_FILE",
        0x5509_6122,
        "opaque_file_entry",
        Payload::None,
    ),
    kind(
        "NETLINK_SK",
        0x5800_5614,
        "opaque_file_entry",
        Payload::None,
    ),
    kind("PACKETSK", 0x6045_4618, "opaque_file_entry", Payload::None),
    kind("TUNFILE", 0x5714_3751, "opaque_file_entry", Payload::None),
    kind("TTY_FILES", 0x5943_3025, "tty_file_entry", Payload::None),
    kind("TTY_INFO", 0x5945_3036, "tty_info_entry", Payload::None),
    kind("TTY_DATA", 0x5941_3026, "tty_data_entry", Payload::None),
    kind("RLIMIT", 0x5711_3925, "rlimit_entry", Payload::None),
    kind("SIGNAL", 0x5925_5647, "siginfo_entry", Payload::None),
    kind("CPUINFO", 0x6140_4013, "cpuinfo_entry", Payload::None),
    kind("USERNS", 0x5547_4906, "userns_entry", Payload::None),
    kind("SECCOMP", 0x6441_3049, "seccomp_entry", Payload::None),
    kind(
        "MEMFD_INODE",
        0x4845_3499,
        "memfd_inode_entry",
        Payload::None,
    ),
    kind("TIMENS", 0x4311_4433, "timens_entry", Payload::None),
    kind("PIDNS", 0x6115_7326, "pidns_entry", Payload::None),
    kind("STATS", 0x5709_3306, "stats_entry", Payload::None),
];

impl Kind {
    /// The kind with this magic number.
    pub fn by_magic(magic: u32) -> Option<&'static Self> {
        KINDS.iter().find(|k| k.magic == magic)
    }

    /// The kind with this name.
    pub fn by_name(name: &str) -> Option<&'static Self> {
        KINDS.iter().find(|k| k.name == name)
    }
}

/// The descriptor of a message by its bare name.
pub fn message(name: &str) -> Result<MessageDescriptor> {
    static POOL: OnceLock<Option<DescriptorPool>> = OnceLock::new();
    POOL.get_or_init(|| {
        DescriptorPool::decode(include_bytes!(concat!(env!("OUT_DIR"), "/criu.desc")).as_slice())
            .ok()
    })
    .as_ref()
    .and_then(|pool| pool.get_message_by_name(&format!("criu.{name}")))
    .ok_or_else(|| Error::Unsupported(format!("no message named {name}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_message_and_its_own_number() {
        for (i, k) in KINDS.iter().enumerate() {
            assert!(
                k.message.is_empty() || message(k.message).is_ok(),
                "{}",
                k.name
            );
            assert!(
                KINDS[..i]
                    .iter()
                    .all(|o| o.magic != k.magic && o.name != k.name),
                "{}",
                k.name
            );
        }
    }
}
