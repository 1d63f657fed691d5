//! The counted enumerations of the format: record numbers, object types and the smaller ones.
//!
//! Nothing here is numbered by hand: C counts on from the start of a run, so a name that a
//! revision inserted shifts the ones behind it (§3.1 to §3.4).

use crate::dialect::*;
use crate::schema::{Enum, Name, Run};

/// A counted C enumeration that typed code also wants as a Rust `enum`.
macro_rules! counted {
    ($(#[$meta:meta])* $type:ident, $table:ident, $what:literal, prefix $prefix:literal;
     $($start:literal: [$($variant:ident = $name:literal, $doc:literal $(, $gate:ident($($arg:expr),*))*;)*])*) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $type { $($(#[doc = concat!("`", $prefix, $name, "`: ", $doc, ".")] $variant,)*)* }

        impl $type {
            /// All of them, in the order of the C header.
            pub const ALL: &'static [$type] = &[$($($type::$variant,)*)*];
            /// The name without its common prefix.
            pub const fn name(self) -> &'static str {
                match self { $($($type::$variant => $name,)*)* }
            }
            /// By name.
            pub fn from_name(name: &str) -> Option<$type> {
                $type::ALL.iter().copied().find(|it| it.name() == name)
            }
            /// The number in a revision on an architecture; `None` where it does not exist.
            pub fn number(self, revision: Revision, arch: Arch) -> Option<u32> {
                $table.number_of(self.name(), revision, arch)
            }
            /// By number.
            pub fn from_number(number: u32, revision: Revision, arch: Arch) -> Option<$type> {
                $type::from_name($table.name_of(number, revision, arch)?.name)
            }
        }

        #[doc = concat!("Numbers of [`", stringify!($type), "`].")]
        pub static $table: Enum = Enum {
            name: $what,
            runs: &[$(Run::new($start, &[$(Name::new($name, $doc)$(.$gate($($arg),*))*,)*]),)*],
        };
    };
}

counted! {
    /// What a record is; its number depends on the revision (§3.1).
    Tag, RECORD_TYPE, "record type", prefix "CKPT_HDR_";
    1: [
        Header = "HEADER", "start of an image";
        HeaderArch = "HEADER_ARCH", "what the architecture wants to compare";
        Container = "CONTAINER", "start of the container section";
        Buffer = "BUFFER", "bytes whose meaning the context gives";
        String = "STRING", "text with its NUL";
        Objref = "OBJREF", "first use of a shared object";
        LsmInfo = "LSM_INFO", "text of the security module", since(R03);
        Security = "SECURITY", "a security label", since(R03);
    ]
    101: [
        Pids = "PIDS", "pid objects", since(R15);
        Tree = "TREE", "number of tasks";
        Task = "TASK", "one task";
        TaskNs = "TASK_NS", "namespaces of a task";
        TaskObjs = "TASK_OBJS", "shared objects of a task";
        RestartBlock = "RESTART_BLOCK", "system call to be resumed";
        Thread = "THREAD", "thread state of the architecture";
        Cpu = "CPU", "registers";
        Ns = "NS", "a set of namespaces";
        UtsNs = "UTS_NS", "host name and kernel names";
        IpcNs = "IPC_NS", "limits of System V IPC";
        MntNs = "MNT_NS", "never written", since(R06);
        Capabilities = "CAPABILITIES", "never written";
        UserNs = "USER_NS", "a user namespace";
        Cred = "CRED", "credentials";
        User = "USER", "a user";
        GroupInfo = "GROUPINFO", "supplementary groups";
        TaskCreds = "TASK_CREDS", "credentials of a task";
        Vpids = "VPIDS", "number of nested pids", since(R08), until(R09);
    ]
    201: [
        CpuFpu = "CPU_FPU", "floating-point or coprocessor registers", on(FPU_ARCHS);
        MmContextLdt = "MM_CONTEXT_LDT", "local descriptor table", on(ArchSet::X86);
    ]
    203: [
        ArmAbi = "ARM_ABI", "ABI of a process", since(R18), on(ArchSet::ARM);
    ]
    301: [
        FileTable = "FILE_TABLE", "a file descriptor table";
        FileDesc = "FILE_DESC", "one descriptor";
        FileName = "FILE_NAME", "a path";
        File = "FILE", "an open file";
        PipeBuf = "PIPE_BUF", "contents of a pipe";
        Tty = "TTY", "a terminal";
        TtyLdisc = "TTY_LDISC", "line discipline of a terminal";
        EpollItems = "EPOLL_ITEMS", "what an epoll file watches", since(R02);
    ]
    401: [
        Mm = "MM", "an address space";
        Vma = "VMA", "one mapping";
        Pgarr = "PGARR", "a group of pages follows";
        Hpage = "HPAGE", "a huge page follows", since(R16);
        MmContext = "MM_CONTEXT", "address-space state of the architecture";
    ]
    451: [
        Fs = "FS", "root and current directory", since(R06);
    ]
    501: [
        Ipc = "IPC", "start of a kind of IPC objects";
        IpcShm = "IPC_SHM", "a shared memory segment";
        IpcMsg = "IPC_MSG", "a message queue";
        IpcMsgMsg = "IPC_MSG_MSG", "a message";
        IpcSem = "IPC_SEM", "a semaphore set";
        TaskSemUndoList = "TASK_SEM_UNDO_LIST", "semaphore adjustments at exit", since(R13);
        TaskSemUndo = "TASK_SEM_UNDO", "adjustments of one set", since(R13);
    ]
    601: [
        Sighand = "SIGHAND", "signal actions";
        Signal = "SIGNAL", "what the threads of a process share";
        SignalTask = "SIGNAL_TASK", "blocked signals of a thread";
        Sigpending = "SIGPENDING", "pending signals";
    ]
    701: [
        Socket = "SOCKET", "a socket";
        SocketQueue = "SOCKET_QUEUE", "a queue of a socket";
        SocketBuffer = "SOCKET_BUFFER", "a buffer on a queue";
        SocketFrag = "SOCKET_FRAG", "a page of a buffer, followed by the raw page", since(R04);
        SocketUnix = "SOCKET_UNIX", "unix part of a socket";
        SocketInet = "SOCKET_INET", "internet part of a socket";
        NetNs = "NET_NS", "a network namespace", since(R09);
        Netdev = "NETDEV", "a network device", since(R09);
        NetdevAddr = "NETDEV_ADDR", "addresses of a device", since(R09);
    ]
    801: [ Foreign = "FOREIGN", "a file of a foreign image, kept as it was", since(R18); ]
    9001: [ Tail = "TAIL", "end of an image"; ]
    9999: [ Error = "ERROR", "the checkpoint failed; text follows"; ]
}

/// `CPU_FPU` has been in the x86 headers always; on ARM R18 adds it. The number is counted for
/// both; [`Tag::exists`] knows since when ARM has it.
const FPU_ARCHS: ArchSet = ArchSet::X86.with(ArchSet::ARM);

impl Tag {
    /// Whether records of this type can be in an image of the revision and architecture.
    pub fn exists(self, revision: Revision, arch: Arch) -> bool {
        let early_arm_fpu = self == Tag::CpuFpu && arch == Arch::Arm && revision < R18;
        !early_arm_fpu && self.number(revision, arch).is_some()
    }
}

counted! {
    /// Type of a shared object (§1.4, §3.2).
    Object, OBJECT_TYPE, "object type", prefix "CKPT_OBJ_";
    0: [
        Ignore = "IGNORE", "no object";
        Pid = "PID", "a pid; implicit", since(R15);
        Inode = "INODE", "a pipe or segment; implicit";
        FileTable = "FILE_TABLE", "a file descriptor table";
        File = "FILE", "an open file";
        Mm = "MM", "an address space";
        Fs = "FS", "root and current directory", since(R06);
        Sighand = "SIGHAND", "signal actions";
        Signal = "SIGNAL", "state that the threads of a process share; implicit";
        Ns = "NS", "a set of namespaces";
        UtsNs = "UTS_NS", "a UTS namespace";
        IpcNs = "IPC_NS", "an IPC namespace";
        MntNs = "MNT_NS", "a mount namespace; only a number", since(R06);
        UserNs = "USER_NS", "a user namespace";
        Cred = "CRED", "credentials";
        User = "USER", "a user";
        GroupInfo = "GROUPINFO", "supplementary groups";
        Sock = "SOCK", "a socket";
        Tty = "TTY", "a terminal";
        SecurityPtr = "SECURITY_PTR", "identity of a label; implicit", since(R03);
        Security = "SECURITY", "a security label", since(R03);
        NetNs = "NET_NS", "a network namespace", since(R09);
        Netdev = "NETDEV", "a network device", since(R09);
        SemUndo = "SEM_UNDO", "semaphore adjustments", since(R13);
    ]
}

/// Architecture ids: the headers reordered them twice (§3.3).
pub static ARCH_ID: Enum = Enum {
    name: "architecture",
    runs: &[
        Run::new(
            1,
            &[
                Name::new("X86_32", "32-bit x86"),
                Name::new("S390X", "64-bit s390"),
                Name::new("PPC32", "32-bit PowerPC"),
                Name::new("PPC64", "64-bit PowerPC"),
                Name::new("X86_64", "64-bit x86").since(R05),
            ],
        )
        .until(R05),
        Run::new(
            1,
            &[
                Name::new("X86_32", "32-bit x86"),
                Name::new("X86_64", "64-bit x86"),
                Name::new("S390X", "64-bit s390"),
                Name::new("PPC32", "32-bit PowerPC").until(R13),
                Name::new("PPC64", "64-bit PowerPC").until(R13),
                Name::new("ARM", "32-bit ARM").since(R12).until(R12),
                Name::new("ARM", "32-bit ARM").since(R17),
            ],
        )
        .since(R06),
        // R18 gives PowerPC its ids back; 5 and 6 stay unused because both have meant
        // something else.
        Run::new(
            7,
            &[
                Name::new("PPC32", "32-bit PowerPC"),
                Name::new("PPC64", "64-bit PowerPC"),
            ],
        )
        .since(R18),
    ],
};

/// ARM's number in v21 kernels, kept by trees that did not drop the PowerPC ids (§3.3).
pub const ARM_ARCH_ID_V21: u32 = 6;

/// Kind of a file; decides the structure of its record (§3.4).
pub static FILE_TYPE: Enum = Enum {
    name: "file type",
    runs: &[Run::new(
        0,
        &[
            Name::new("IGNORE", "never written"),
            Name::new("GENERIC", "a file with a path"),
            Name::new("PIPE", "an end of a pipe"),
            Name::new("FIFO", "a named pipe"),
            Name::new("SOCKET", "a socket"),
            Name::new("TTY", "a terminal"),
            Name::new("EPOLL", "an epoll file").since(R02),
            Name::new("EVENTFD", "an event counter").since(R02),
        ],
    )],
};

/// Kind of a mapping (§4.2).
pub static VMA_TYPE: Enum = Enum {
    name: "mapping type",
    runs: &[Run::new(
        0,
        &[
            Name::new("IGNORE", "never written"),
            Name::new("VDSO", "special mapping, recreated by the restart"),
            Name::new("ANON", "private anonymous"),
            Name::new("FILE", "private file mapping"),
            Name::new("SHM_ANON", "shared anonymous, contents follow"),
            Name::new("SHM_ANON_SKIP", "shared anonymous, contents came before"),
            Name::new("SHM_FILE", "shared file mapping"),
            Name::new("SHM_IPC", "never written"),
            Name::new("SHM_IPC_SKIP", "attached System V segment"),
            Name::new("HUGETLB", "huge pages, contents follow").since(R16),
            Name::new("HUGETLB_SKIP", "huge pages, contents came before").since(R16),
        ],
    )],
};

/// What a task in a restartable system call waits for (§3.4).
pub static RESTART_BLOCK_TYPE: Enum = Enum {
    name: "restart block type",
    runs: &[Run::new(
        1,
        &[
            Name::new("NONE", "nothing to resume"),
            Name::new("HRTIMER_NANOSLEEP", "nanosleep or clock_nanosleep"),
            Name::new("POSIX_CPU_NANOSLEEP", "clock_nanosleep on a CPU clock"),
            Name::new(
                "COMPAT_NANOSLEEP",
                "nanosleep of a 32-bit task on a 64-bit kernel",
            ),
            Name::new("COMPAT_CLOCK_NANOSLEEP", "clock_nanosleep of such a task"),
            Name::new("POLL", "poll with a time limit"),
            Name::new("FUTEX", "futex wait with a time limit"),
        ],
    )],
};

/// Kind of a network device (§3.13).
pub static NETDEV_TYPE: Enum = Enum {
    name: "network device type",
    runs: &[Run::new(
        0,
        &[
            Name::new("LO", "loopback"),
            Name::new("VETH", "one end of a virtual Ethernet pair"),
            Name::new("SIT", "IPv6-in-IPv4 tunnel"),
            Name::new("MACVLAN", "MAC-address based virtual device"),
        ],
    )
    .since(R09)],
};

/// Kind of a device address (§3.13).
pub static NETDEV_ADDR_TYPE: Enum = Enum {
    name: "address type",
    runs: &[Run::new(0, &[Name::new("ADDR_IPV4", "IPv4")]).since(R09)],
};

/// What a security label belongs to (§3.6).
pub static SECURITY_TYPE: Enum = Enum {
    name: "label type",
    runs: &[Run::new(
        1,
        &[
            Name::new("MSG_MSG", "a System V message"),
            Name::new("IPC", "a System V object"),
            Name::new("FILE", "a file"),
            Name::new("CRED", "credentials"),
        ],
    )],
};

/// Format of the image that a `FOREIGN` record keeps a file of (R18).
pub static FOREIGN_FORMAT: Enum = Enum {
    name: "foreign format",
    runs: &[Run::new(1, &[Name::new("CRIU", "a CRIU image set")])],
};

/// Register file of a `CPU_FPU` record on ARM (R18).
pub static FPU_UNIT: Enum = Enum {
    name: "register file",
    runs: &[Run::new(
        1,
        &[
            Name::new("VFP", "VFP and Advanced SIMD"),
            Name::new("FPA", "Floating Point Accelerator, in practice emulated"),
            Name::new("IWMMXT", "Intel Wireless MMX"),
            Name::new("CRUNCH", "Cirrus MaverickCrunch"),
            Name::new("XSCALE_DSP", "XScale accumulator acc0"),
        ],
    )
    .since(R18)],
};
