//! Revisions, architectures, and the numbers that move between them.
//!
//! Every number here was typed from the C headers' enumerations, not taken from the format
//! tables: the two must be able to disagree.

/// Processor architecture of an image.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Arch {
    Arm,
    I386,
    X86_64,
    S390x,
    Ppc32,
    Ppc64,
}

/// One way to write the stream: revision R01 to R18, architecture, byte order, page size.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Dialect {
    /// 1 to 18.
    pub(crate) rev: u8,
    pub(crate) arch: Arch,
    pub(crate) big: bool,
    /// Bytes; only powerpc kernels chose.
    pub(crate) page: usize,
}

impl Dialect {
    /// The usual dialect of an architecture: its own byte order, pages of 4 KiB.
    pub(crate) const fn new(rev: u8, arch: Arch) -> Self {
        let big = matches!(arch, Arch::S390x | Arch::Ppc32 | Arch::Ppc64);
        Self {
            rev,
            arch,
            big,
            page: 4096,
        }
    }

    pub(crate) const fn big_endian(self) -> Self {
        Self { big: true, ..self }
    }

    pub(crate) const fn pages_of(self, page: usize) -> Self {
        Self { page, ..self }
    }

    /// `sizeof(unsigned long)`.
    pub(crate) fn word(self) -> usize {
        match self.arch {
            Arch::Arm | Arch::I386 | Arch::Ppc32 => 4,
            Arch::X86_64 | Arch::S390x | Arch::Ppc64 => 8,
        }
    }

    /// Alignment of a 64-bit member inside a struct.
    pub(crate) fn align64(self) -> usize {
        if self.arch == Arch::I386 { 4 } else { 8 }
    }

    pub(crate) fn is_x86(self) -> bool {
        matches!(self.arch, Arch::I386 | Arch::X86_64)
    }

    pub(crate) fn is_ppc(self) -> bool {
        matches!(self.arch, Arch::Ppc32 | Arch::Ppc64)
    }

    /// `CHECKPOINT_VERSION` as the header shows it.
    pub(crate) fn version(self) -> u16 {
        match self.rev {
            1..=2 => 3,
            3..=5 => 4,
            6..=7 => 5,
            8..=17 => 6,
            _ => 7,
        }
    }

    /// Architecture number. Before R06 the list was X86_32, S390X, PPC32, PPC64, X86_64; the
    /// powerpc numbers left with R14 and ARM came twice, as 6 and as 4.
    pub(crate) fn arch_id(self) -> u16 {
        match (self.arch, self.rev) {
            (Arch::I386, _) => 1,
            (Arch::X86_64, ..=5) => 5,
            (Arch::X86_64, _) | (Arch::S390x, ..=5) => 2,
            (Arch::S390x, _) | (Arch::Ppc32, ..=5) => 3,
            (Arch::Ppc64, ..=5) | (Arch::Ppc32, ..=17) => 4,
            (Arch::Ppc64, ..=17) => 5,
            (Arch::Arm, ..=16) => 6,
            (Arch::Arm, _) => 4,
            (Arch::Ppc32, _) => 7,
            (Arch::Ppc64, _) => 8,
        }
    }

    /// Words in the saved auxiliary vector.
    pub(crate) fn auxv_words(self) -> usize {
        match self.arch {
            Arch::Arm | Arch::S390x => 40,
            Arch::I386 | Arch::X86_64 => 44,
            Arch::Ppc32 | Arch::Ppc64 => 52,
        }
    }

    /// Control characters of a terminal: NCC until R13, NCCS since.
    pub(crate) fn termios_chars(self) -> u16 {
        match self.rev {
            14.. => 19,
            _ if self.is_ppc() => 10,
            _ => 8,
        }
    }

    /// The number of a record, given the one it has in R17.
    pub(crate) fn record(self, r17: u32) -> u32 {
        match r17 {
            rec::CAPABILITIES..=rec::TASK_CREDS if self.rev < 6 => r17 - 2,
            rec::TREE..=rec::TASK_CREDS if self.rev < 15 => r17 - 1,
            rec::MM_CONTEXT if self.rev < 16 => r17 - 1,
            rec::SOCKET_UNIX | rec::SOCKET_INET if self.rev < 4 => r17 - 1,
            _ => r17,
        }
    }

    /// The number of an object type, given the one it has in R17.
    pub(crate) fn object(self, r17: u32) -> u32 {
        match r17 {
            obj::USER_NS.. if self.rev < 6 => r17 - 3,
            obj::SIGHAND.. if self.rev < 6 => r17 - 2,
            _ if self.rev < 15 => r17 - 1,
            _ => r17,
        }
    }

    /// The process id that means "none".
    pub(crate) fn pid_null(self) -> i32 {
        if self.rev < 15 { -1 } else { -4096 }
    }

    /// The number of a system call limit that stands for "no limit".
    pub(crate) fn infinity(self) -> u64 {
        if self.word() == 4 {
            0xffff_ffff
        } else {
            u64::MAX
        }
    }
}

/// Record numbers of R17 (and R18's 203).
pub(crate) mod rec {
    pub(crate) const HEADER: u32 = 1;
    pub(crate) const HEADER_ARCH: u32 = 2;
    pub(crate) const CONTAINER: u32 = 3;
    pub(crate) const BUFFER: u32 = 4;
    pub(crate) const STRING: u32 = 5;
    pub(crate) const OBJREF: u32 = 6;
    pub(crate) const LSM_INFO: u32 = 7;
    pub(crate) const SECURITY: u32 = 8;
    pub(crate) const PIDS: u32 = 101;
    pub(crate) const TREE: u32 = 102;
    pub(crate) const TASK: u32 = 103;
    pub(crate) const TASK_NS: u32 = 104;
    pub(crate) const TASK_OBJS: u32 = 105;
    pub(crate) const RESTART_BLOCK: u32 = 106;
    pub(crate) const THREAD: u32 = 107;
    pub(crate) const CPU: u32 = 108;
    pub(crate) const NS: u32 = 109;
    pub(crate) const UTS_NS: u32 = 110;
    pub(crate) const IPC_NS: u32 = 111;
    pub(crate) const CAPABILITIES: u32 = 113;
    pub(crate) const USER_NS: u32 = 114;
    pub(crate) const CRED: u32 = 115;
    pub(crate) const USER: u32 = 116;
    pub(crate) const GROUPINFO: u32 = 117;
    pub(crate) const TASK_CREDS: u32 = 118;
    pub(crate) const CPU_FPU: u32 = 201;
    pub(crate) const MM_CONTEXT_LDT: u32 = 202;
    pub(crate) const ARM_ABI: u32 = 203;
    pub(crate) const FILE_TABLE: u32 = 301;
    pub(crate) const FILE_DESC: u32 = 302;
    pub(crate) const FILE_NAME: u32 = 303;
    pub(crate) const FILE: u32 = 304;
    pub(crate) const PIPE_BUF: u32 = 305;
    pub(crate) const TTY: u32 = 306;
    pub(crate) const TTY_LDISC: u32 = 307;
    pub(crate) const EPOLL_ITEMS: u32 = 308;
    pub(crate) const MM: u32 = 401;
    pub(crate) const VMA: u32 = 402;
    pub(crate) const PGARR: u32 = 403;
    pub(crate) const HPAGE: u32 = 404;
    pub(crate) const MM_CONTEXT: u32 = 405;
    pub(crate) const FS: u32 = 451;
    pub(crate) const IPC: u32 = 501;
    pub(crate) const IPC_SHM: u32 = 502;
    pub(crate) const IPC_MSG: u32 = 503;
    pub(crate) const IPC_MSG_MSG: u32 = 504;
    pub(crate) const IPC_SEM: u32 = 505;
    pub(crate) const TASK_SEM_UNDO_LIST: u32 = 506;
    pub(crate) const TASK_SEM_UNDO: u32 = 507;
    pub(crate) const SIGHAND: u32 = 601;
    pub(crate) const SIGNAL: u32 = 602;
    pub(crate) const SIGNAL_TASK: u32 = 603;
    pub(crate) const SIGPENDING: u32 = 604;
    pub(crate) const SOCKET: u32 = 701;
    pub(crate) const SOCKET_QUEUE: u32 = 702;
    pub(crate) const SOCKET_BUFFER: u32 = 703;
    pub(crate) const SOCKET_FRAG: u32 = 704;
    pub(crate) const SOCKET_UNIX: u32 = 705;
    pub(crate) const SOCKET_INET: u32 = 706;
    pub(crate) const NET_NS: u32 = 707;
    pub(crate) const NETDEV: u32 = 708;
    pub(crate) const NETDEV_ADDR: u32 = 709;
    pub(crate) const FOREIGN: u32 = 801;
    pub(crate) const TAIL: u32 = 9001;
    pub(crate) const ERROR: u32 = 9999;
}

/// Object type numbers of R17; types without an OBJREF of their own are absent.
pub(crate) mod obj {
    pub(crate) const FILE_TABLE: u32 = 3;
    pub(crate) const FILE: u32 = 4;
    pub(crate) const MM: u32 = 5;
    pub(crate) const FS: u32 = 6;
    pub(crate) const SIGHAND: u32 = 7;
    pub(crate) const NS: u32 = 9;
    pub(crate) const UTS_NS: u32 = 10;
    pub(crate) const IPC_NS: u32 = 11;
    pub(crate) const USER_NS: u32 = 13;
    pub(crate) const CRED: u32 = 14;
    pub(crate) const USER: u32 = 15;
    pub(crate) const GROUPINFO: u32 = 16;
    pub(crate) const SOCK: u32 = 17;
    pub(crate) const TTY: u32 = 18;
    pub(crate) const SECURITY: u32 = 20;
    pub(crate) const NET_NS: u32 = 21;
    pub(crate) const NETDEV: u32 = 22;
    pub(crate) const SEM_UNDO: u32 = 23;
}
