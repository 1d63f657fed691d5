//! Names of the numbers and bits that the records carry from elsewhere in Linux: signals,
//! states, open flags, mapping flags, terminal modes, capabilities.
//!
//! Numbers are those of Linux 2.6.33 (include/linux, include/asm-generic and the architecture's
//! own headers), which images of every revision share.

use crate::dialect::ArchSet;
use crate::schema::{Bit, Enum, Flags, Name, Run};

const fn n(name: &'static str) -> Name {
    Name::new(name, "")
}

/// State of a task (include/linux/sched.h).
pub static TASK_STATE: Enum = Enum {
    name: "task state",
    runs: &[
        Run::new(0, &[n("RUNNING"), n("INTERRUPTIBLE"), n("UNINTERRUPTIBLE")]),
        Run::new(4, &[n("STOPPED")]),
        Run::new(8, &[n("TRACED")]),
        Run::new(64, &[n("DEAD")]),
        Run::new(128, &[n("WAKEKILL")]),
    ],
};

/// `exit_state` of a task.
pub static EXIT_STATE: Enum = Enum {
    name: "exit state",
    runs: &[
        Run::new(0, &[n("ALIVE")]),
        Run::new(16, &[n("ZOMBIE")]),
        Run::new(32, &[n("DEAD")]),
    ],
};

/// Signal numbers; the same on every architecture that wrote images.
pub static SIGNAL_NUMBER: Enum = Enum {
    name: "signal",
    runs: &[
        Run::new(
            0,
            &[
                n("NONE"),
                n("SIGHUP"),
                n("SIGINT"),
                n("SIGQUIT"),
                n("SIGILL"),
                n("SIGTRAP"),
                n("SIGABRT"),
                n("SIGBUS"),
                n("SIGFPE"),
                n("SIGKILL"),
                n("SIGUSR1"),
                n("SIGSEGV"),
                n("SIGUSR2"),
                n("SIGPIPE"),
                n("SIGALRM"),
                n("SIGTERM"),
                n("SIGSTKFLT"),
                n("SIGCHLD"),
                n("SIGCONT"),
                n("SIGSTOP"),
                n("SIGTSTP"),
                n("SIGTTIN"),
                n("SIGTTOU"),
                n("SIGURG"),
                n("SIGXCPU"),
                n("SIGXFSZ"),
                n("SIGVTALRM"),
                n("SIGPROF"),
                n("SIGWINCH"),
                n("SIGIO"),
                n("SIGPWR"),
                n("SIGSYS"),
                n("SIG32"),
                n("SIG33"),
                n("SIGRTMIN"),
                n("SIGRTMIN+1"),
                n("SIGRTMIN+2"),
                n("SIGRTMIN+3"),
                n("SIGRTMIN+4"),
                n("SIGRTMIN+5"),
                n("SIGRTMIN+6"),
                n("SIGRTMIN+7"),
                n("SIGRTMIN+8"),
                n("SIGRTMIN+9"),
                n("SIGRTMIN+10"),
                n("SIGRTMIN+11"),
                n("SIGRTMIN+12"),
                n("SIGRTMIN+13"),
                n("SIGRTMIN+14"),
                n("SIGRTMIN+15"),
                n("SIGRTMAX-14"),
                n("SIGRTMAX-13"),
                n("SIGRTMAX-12"),
                n("SIGRTMAX-11"),
                n("SIGRTMAX-10"),
                n("SIGRTMAX-9"),
                n("SIGRTMAX-8"),
                n("SIGRTMAX-7"),
                n("SIGRTMAX-6"),
                n("SIGRTMAX-5"),
                n("SIGRTMAX-4"),
                n("SIGRTMAX-3"),
                n("SIGRTMAX-2"),
                n("SIGRTMAX-1"),
                n("SIGRTMAX"),
            ],
        ),
        Run::new(u32::MAX, &[n("NOT_LEADER")]),
    ],
};

/// The kernel's `cpu_architecture()` on ARM (§5.2).
pub static CPU_ARCHITECTURE: Enum = Enum {
    name: "ARM architecture",
    runs: &[Run::new(
        0,
        &[
            n("unknown"),
            n("ARMv3"),
            n("ARMv4"),
            n("ARMv4T"),
            n("ARMv5"),
            n("ARMv5T"),
            n("ARMv5TE"),
            n("ARMv5TEJ"),
            n("ARMv6"),
            n("ARMv7"),
            n("ARMv7-M"),
        ],
    )],
};

/// `socket.state`: SS_ names (include/linux/net.h).
pub static SOCKET_STATE: Enum = Enum {
    name: "socket state",
    runs: &[Run::new(
        0,
        &[
            n("FREE"),
            n("UNCONNECTED"),
            n("CONNECTING"),
            n("CONNECTED"),
            n("DISCONNECTING"),
        ],
    )],
};

/// `sock.state`: TCP_ names (include/net/tcp_states.h), used by every family.
pub static TCP_STATE: Enum = Enum {
    name: "protocol state",
    runs: &[Run::new(
        1,
        &[
            n("ESTABLISHED"),
            n("SYN_SENT"),
            n("SYN_RECV"),
            n("FIN_WAIT1"),
            n("FIN_WAIT2"),
            n("TIME_WAIT"),
            n("CLOSE"),
            n("CLOSE_WAIT"),
            n("LAST_ACK"),
            n("LISTEN"),
            n("CLOSING"),
        ],
    )],
};

/// Socket types.
pub static SOCK_TYPE: Enum = Enum {
    name: "socket type",
    runs: &[Run::new(
        1,
        &[n("STREAM"), n("DGRAM"), n("RAW"), n("RDM"), n("SEQPACKET")],
    )],
};

/// Address families.
pub static ADDRESS_FAMILY: Enum = Enum {
    name: "address family",
    runs: &[
        Run::new(0, &[n("UNSPEC"), n("UNIX"), n("INET")]),
        Run::new(10, &[n("INET6")]),
        Run::new(16, &[n("NETLINK"), n("PACKET")]),
    ],
};

/// Internet protocols.
pub static IP_PROTOCOL: Enum = Enum {
    name: "protocol",
    runs: &[
        Run::new(0, &[n("IP"), n("ICMP")]),
        Run::new(6, &[n("TCP")]),
        Run::new(17, &[n("UDP")]),
        Run::new(58, &[n("ICMPV6")]),
        Run::new(132, &[n("SCTP")]),
    ],
};

/// `driver_type` of a terminal (include/linux/tty_driver.h).
pub static TTY_TYPE: Enum = Enum {
    name: "terminal type",
    runs: &[Run::new(
        1,
        &[n("SYSTEM"), n("CONSOLE"), n("SERIAL"), n("PTY")],
    )],
};

/// `driver_subtype` of a pty.
pub static TTY_SUBTYPE: Enum = Enum {
    name: "pty end",
    runs: &[Run::new(1, &[n("MASTER"), n("SLAVE")])],
};

/// Byte order of an ARM process (R18).
pub static ARM_ENDIAN: Enum = Enum {
    name: "byte order",
    runs: &[Run::new(0, &[n("LITTLE"), n("BE8"), n("BE32")])],
};

/// Calling convention of an ARM process (R18).
pub static ARM_CALLING: Enum = Enum {
    name: "calling convention",
    runs: &[Run::new(
        0,
        &[n("UNKNOWN"), n("OABI"), n("EABI_SOFT"), n("EABI_HARD")],
    )],
};

/// Names of the resource limits, index 0 to 15 (include/asm-generic/resource.h).
pub static RLIMIT_NAMES: [&str; 16] = [
    "CPU",
    "FSIZE",
    "DATA",
    "STACK",
    "CORE",
    "RSS",
    "NPROC",
    "NOFILE",
    "MEMLOCK",
    "AS",
    "LOCKS",
    "SIGPENDING",
    "MSGQUEUE",
    "NICE",
    "RTPRIO",
    "RTTIME",
];

/// Names of the words of the ARM register block (arch/arm/include/asm/ptrace.h).
pub static ARM_REGISTERS: [&str; 18] = [
    "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "fp", "ip", "sp", "lr",
    "pc", "cpsr", "orig_r0",
];

/// Names of the VFP and Advanced SIMD double-word registers.
pub static VFP_REGISTERS: [&str; 32] = [
    "d0", "d1", "d2", "d3", "d4", "d5", "d6", "d7", "d8", "d9", "d10", "d11", "d12", "d13", "d14",
    "d15", "d16", "d17", "d18", "d19", "d20", "d21", "d22", "d23", "d24", "d25", "d26", "d27",
    "d28", "d29", "d30", "d31",
];

/// Names of the iwMMXt data registers.
pub static IWMMXT_REGISTERS: [&str; 16] = [
    "wR0", "wR1", "wR2", "wR3", "wR4", "wR5", "wR6", "wR7", "wR8", "wR9", "wR10", "wR11", "wR12",
    "wR13", "wR14", "wR15",
];

/// Names of the iwMMXt general-purpose control registers.
pub static IWMMXT_CONTROLS: [&str; 4] = ["wCGR0", "wCGR1", "wCGR2", "wCGR3"];

/// Names of the Crunch data registers.
pub static CRUNCH_REGISTERS: [&str; 16] = [
    "mvdx0", "mvdx1", "mvdx2", "mvdx3", "mvdx4", "mvdx5", "mvdx6", "mvdx7", "mvdx8", "mvdx9",
    "mvdx10", "mvdx11", "mvdx12", "mvdx13", "mvdx14", "mvdx15",
];

/// `HEADER.uflags` (§1.6). The sense of bit 1 changed in R11.
pub static UFLAGS: Flags = Flags::new(
    "checkpoint flags",
    &[Bit::new(1, "SUBTREE"), Bit::new(2, "NETNS")],
);

/// `TASK.flags` (§3.5).
pub static TASK_FLAGS: Flags = Flags::new(
    "task flags",
    &[Bit::new(1, "FORKNOEXEC"), Bit::new(2, "SUPERPRIV")],
);

/// `SOCKET_UNIX.flags`.
pub static UNIX_FLAGS: Flags = Flags::new("unix socket flags", &[Bit::new(1, "LINKED")]);

/// `FILE.f_mode` (include/linux/fs.h).
pub static FILE_MODE: Flags = Flags::new(
    "file mode",
    &[
        Bit::new(0x1, "READ"),
        Bit::new(0x2, "WRITE"),
        Bit::new(0x4, "LSEEK"),
        Bit::new(0x8, "PREAD"),
        Bit::new(0x10, "PWRITE"),
        Bit::new(0x20, "EXEC"),
        Bit::new(0x40, "NDELAY"),
        Bit::new(0x80, "EXCL"),
        Bit::new(0x100, "WRITE_IOCTL"),
        Bit::new(0x800, "NOCMTIME"),
    ],
);

/// `FILE.f_flags`: asm-generic/fcntl.h; ARM and PowerPC number four of them otherwise.
pub static OPEN_FLAGS: Flags = Flags {
    name: "open flags",
    bits: &[
        Bit::field(0x3, 0, "O_RDONLY"),
        Bit::field(0x3, 1, "O_WRONLY"),
        Bit::field(0x3, 2, "O_RDWR"),
        Bit::new(0x20, "FMODE_EXEC"),
        Bit::new(0x40, "O_CREAT"),
        Bit::new(0x80, "O_EXCL"),
        Bit::new(0x100, "O_NOCTTY"),
        Bit::new(0x200, "O_TRUNC"),
        Bit::new(0x400, "O_APPEND"),
        Bit::new(0x800, "O_NONBLOCK"),
        Bit::new(0x101000, "O_SYNC"),
        Bit::new(0x1000, "O_DSYNC"),
        Bit::new(0x2000, "FASYNC"),
        Bit::new(0x4000, "O_DIRECT"),
        Bit::new(0x8000, "O_LARGEFILE"),
        Bit::new(0x10000, "O_DIRECTORY"),
        Bit::new(0x20000, "O_NOFOLLOW"),
        Bit::new(0x40000, "O_NOATIME"),
        Bit::new(0x80000, "O_CLOEXEC"),
        Bit::new(0x200000, "O_PATH"),
    ],
    special: &[(
        ArchSet::ARM.with(ArchSet::PPC),
        &[
            Bit::new(0x4000, "O_DIRECTORY"),
            Bit::new(0x8000, "O_NOFOLLOW"),
            Bit::new(0x10000, "O_DIRECT"),
            Bit::new(0x20000, "O_LARGEFILE"),
        ],
    )],
};

/// `EFD_` flags of an event counter.
pub static EVENTFD_FLAGS: Flags = Flags::new(
    "eventfd flags",
    &[
        Bit::new(1, "SEMAPHORE"),
        Bit::new(0x800, "NONBLOCK"),
        Bit::new(0x80000, "CLOEXEC"),
    ],
);

/// `EPOLL` event bits.
pub static EPOLL_EVENTS: Flags = Flags::new(
    "epoll events",
    &[
        Bit::new(0x1, "IN"),
        Bit::new(0x2, "PRI"),
        Bit::new(0x4, "OUT"),
        Bit::new(0x8, "ERR"),
        Bit::new(0x10, "HUP"),
        Bit::new(0x40, "RDNORM"),
        Bit::new(0x80, "RDBAND"),
        Bit::new(0x100, "WRNORM"),
        Bit::new(0x200, "WRBAND"),
        Bit::new(0x400, "MSG"),
        Bit::new(0x2000, "RDHUP"),
        Bit::new(0x4000_0000, "ONESHOT"),
        Bit::new(0x8000_0000, "ET"),
    ],
);

/// `vm_flags` of a mapping (include/linux/mm.h of 2.6.33, §4.5).
pub static VM_FLAGS: Flags = Flags::new(
    "mapping flags",
    &[
        Bit::new(0x1, "READ"),
        Bit::new(0x2, "WRITE"),
        Bit::new(0x4, "EXEC"),
        Bit::new(0x8, "SHARED"),
        Bit::new(0x10, "MAYREAD"),
        Bit::new(0x20, "MAYWRITE"),
        Bit::new(0x40, "MAYEXEC"),
        Bit::new(0x80, "MAYSHARE"),
        Bit::new(0x100, "GROWSDOWN"),
        Bit::new(0x200, "GROWSUP"),
        Bit::new(0x400, "PFNMAP"),
        Bit::new(0x800, "DENYWRITE"),
        Bit::new(0x1000, "EXECUTABLE"),
        Bit::new(0x2000, "LOCKED"),
        Bit::new(0x4000, "IO"),
        Bit::new(0x8000, "SEQ_READ"),
        Bit::new(0x10000, "RAND_READ"),
        Bit::new(0x20000, "DONTCOPY"),
        Bit::new(0x40000, "DONTEXPAND"),
        Bit::new(0x80000, "RESERVED"),
        Bit::new(0x100000, "ACCOUNT"),
        Bit::new(0x200000, "NORESERVE"),
        Bit::new(0x400000, "HUGETLB"),
        Bit::new(0x800000, "NONLINEAR"),
        Bit::new(0x1000000, "MAPPED_COPY"),
        Bit::new(0x2000000, "INSERTPAGE"),
        Bit::new(0x4000000, "ALWAYSDUMP"),
        Bit::new(0x8000000, "CAN_NONLINEAR"),
        Bit::new(0x10000000, "MIXEDMAP"),
        Bit::new(0x20000000, "SAO"),
    ],
);

/// `mm.flags`: dumpable and core-dump filter bits (include/linux/sched.h).
pub static MM_FLAGS: Flags = Flags::new(
    "mm flags",
    &[
        Bit::new(0x1, "DUMPABLE"),
        Bit::new(0x2, "DUMP_SECURELY"),
        Bit::new(0x4, "DUMP_ANON_PRIVATE"),
        Bit::new(0x8, "DUMP_ANON_SHARED"),
        Bit::new(0x10, "DUMP_MAPPED_PRIVATE"),
        Bit::new(0x20, "DUMP_MAPPED_SHARED"),
        Bit::new(0x40, "DUMP_ELF_HEADERS"),
        Bit::new(0x80, "DUMP_HUGETLB_PRIVATE"),
        Bit::new(0x100, "DUMP_HUGETLB_SHARED"),
    ],
);

/// `SA_` flags of a signal action; ARM adds two.
pub static SA_FLAGS: Flags = Flags {
    name: "signal action flags",
    bits: &[
        Bit::new(0x1, "NOCLDSTOP"),
        Bit::new(0x2, "NOCLDWAIT"),
        Bit::new(0x4, "SIGINFO"),
        Bit::new(0x0800_0000, "ONSTACK"),
        Bit::new(0x1000_0000, "RESTART"),
        Bit::new(0x4000_0000, "NODEFER"),
        Bit::new(0x8000_0000, "RESETHAND"),
        Bit::new(0x0400_0000, "RESTORER"),
    ],
    special: &[(ArchSet::ARM, &[Bit::new(0x0200_0000, "THIRTYTWO")])],
};

/// Permission bits.
pub static MODE_BITS: Flags = Flags::new(
    "permissions",
    &[
        Bit::new(0o4000, "SUID"),
        Bit::new(0o2000, "SGID"),
        Bit::new(0o1000, "STICKY"),
        Bit::new(0o400, "RUSR"),
        Bit::new(0o200, "WUSR"),
        Bit::new(0o100, "XUSR"),
        Bit::new(0o040, "RGRP"),
        Bit::new(0o020, "WGRP"),
        Bit::new(0o010, "XGRP"),
        Bit::new(0o004, "ROTH"),
        Bit::new(0o002, "WOTH"),
        Bit::new(0o001, "XOTH"),
    ],
);

/// `IPC_SHM.flags` (include/linux/shm.h).
pub static SHM_FLAGS: Flags = Flags::new(
    "segment flags",
    &[
        Bit::new(0x800, "HUGETLB"),
        Bit::new(0x1000, "NORESERVE"),
        Bit::new(0x200, "DEST"),
    ],
);

/// Input modes of a terminal (asm-generic/termbits.h); PowerPC numbers some otherwise.
pub static TERMIOS_IFLAG: Flags = Flags {
    name: "input modes",
    bits: &[
        Bit::new(0o1, "IGNBRK"),
        Bit::new(0o2, "BRKINT"),
        Bit::new(0o4, "IGNPAR"),
        Bit::new(0o10, "PARMRK"),
        Bit::new(0o20, "INPCK"),
        Bit::new(0o40, "ISTRIP"),
        Bit::new(0o100, "INLCR"),
        Bit::new(0o200, "IGNCR"),
        Bit::new(0o400, "ICRNL"),
        Bit::new(0o1000, "IUCLC"),
        Bit::new(0o2000, "IXON"),
        Bit::new(0o4000, "IXANY"),
        Bit::new(0o10000, "IXOFF"),
        Bit::new(0o20000, "IMAXBEL"),
        Bit::new(0o40000, "IUTF8"),
    ],
    special: &[(
        ArchSet::PPC,
        &[
            Bit::new(0o1000, "IXON"),
            Bit::new(0o2000, "IXOFF"),
            Bit::new(0o10000, "IUCLC"),
            Bit::new(0o4000, "IXANY"),
        ],
    )],
};

/// Output modes of a terminal.
pub static TERMIOS_OFLAG: Flags = Flags {
    name: "output modes",
    bits: &[
        Bit::new(0o1, "OPOST"),
        Bit::new(0o2, "OLCUC"),
        Bit::new(0o4, "ONLCR"),
        Bit::new(0o10, "OCRNL"),
        Bit::new(0o20, "ONOCR"),
        Bit::new(0o40, "ONLRET"),
        Bit::new(0o100, "OFILL"),
        Bit::new(0o200, "OFDEL"),
    ],
    special: &[(
        ArchSet::PPC,
        &[Bit::new(0o2, "ONLCR"), Bit::new(0o4, "OLCUC")],
    )],
};

/// Control modes of a terminal (speeds are shown as numbers).
pub static TERMIOS_CFLAG: Flags = Flags {
    name: "control modes",
    bits: &[
        Bit::field(0o60, 0o60, "CS8"),
        Bit::field(0o60, 0o40, "CS7"),
        Bit::field(0o60, 0o20, "CS6"),
        Bit::field(0o60, 0, "CS5"),
        Bit::new(0o100, "CSTOPB"),
        Bit::new(0o200, "CREAD"),
        Bit::new(0o400, "PARENB"),
        Bit::new(0o1000, "PARODD"),
        Bit::new(0o2000, "HUPCL"),
        Bit::new(0o4000, "CLOCAL"),
        Bit::new(0x8000_0000, "CRTSCTS"),
        Bit::field(0o10017, 0o0, "B0"),
        Bit::field(0o10017, 0o13, "B2400"),
        Bit::field(0o10017, 0o14, "B4800"),
        Bit::field(0o10017, 0o15, "B9600"),
        Bit::field(0o10017, 0o16, "B19200"),
        Bit::field(0o10017, 0o17, "B38400"),
        Bit::field(0o10017, 0o10001, "B57600"),
        Bit::field(0o10017, 0o10002, "B115200"),
    ],
    special: &[(
        ArchSet::PPC,
        &[
            Bit::field(0o1400, 0o1400, "CS8"),
            Bit::field(0o1400, 0o1000, "CS7"),
            Bit::field(0o1400, 0o400, "CS6"),
            Bit::field(0o1400, 0, "CS5"),
            Bit::new(0o2000, "CSTOPB"),
            Bit::new(0o4000, "CREAD"),
            Bit::new(0o10000, "PARENB"),
            Bit::new(0o20000, "PARODD"),
            Bit::new(0o40000, "HUPCL"),
            Bit::new(0o100000, "CLOCAL"),
            Bit::field(0o377, 0o17, "B38400"),
        ],
    )],
};

/// Local modes of a terminal.
pub static TERMIOS_LFLAG: Flags = Flags {
    name: "local modes",
    bits: &[
        Bit::new(0o1, "ISIG"),
        Bit::new(0o2, "ICANON"),
        Bit::new(0o4, "XCASE"),
        Bit::new(0o10, "ECHO"),
        Bit::new(0o20, "ECHOE"),
        Bit::new(0o40, "ECHOK"),
        Bit::new(0o100, "ECHONL"),
        Bit::new(0o200, "NOFLSH"),
        Bit::new(0o400, "TOSTOP"),
        Bit::new(0o1000, "ECHOCTL"),
        Bit::new(0o2000, "ECHOPRT"),
        Bit::new(0o4000, "ECHOKE"),
        Bit::new(0o10000, "FLUSHO"),
        Bit::new(0o40000, "PENDIN"),
        Bit::new(0o100000, "IEXTEN"),
    ],
    special: &[(
        ArchSet::PPC,
        &[
            Bit::new(0x80, "ISIG"),
            Bit::new(0x100, "ICANON"),
            Bit::new(0x4000, "XCASE"),
            Bit::new(0x8, "ECHO"),
            Bit::new(0x2, "ECHOE"),
            Bit::new(0x4, "ECHOK"),
            Bit::new(0x10, "ECHONL"),
            Bit::new(0x8000_0000, "NOFLSH"),
            Bit::new(0x400000, "TOSTOP"),
            Bit::new(0x40, "ECHOCTL"),
            Bit::new(0x20, "ECHOPRT"),
            Bit::new(0x1, "ECHOKE"),
            Bit::new(0x800000, "FLUSHO"),
            Bit::new(0x20000000, "PENDIN"),
            Bit::new(0x400, "IEXTEN"),
        ],
    )],
};

/// Secure bits of credentials (include/linux/securebits.h).
pub static SECUREBITS: Flags = Flags::new(
    "secure bits",
    &[
        Bit::new(0x1, "NOROOT"),
        Bit::new(0x2, "NOROOT_LOCKED"),
        Bit::new(0x4, "NO_SETUID_FIXUP"),
        Bit::new(0x8, "NO_SETUID_FIXUP_LOCKED"),
        Bit::new(0x10, "KEEP_CAPS"),
        Bit::new(0x20, "KEEP_CAPS_LOCKED"),
    ],
);

/// Interface flags (include/linux/if.h).
pub static IFF_FLAGS: Flags = Flags::new(
    "interface flags",
    &[
        Bit::new(0x1, "UP"),
        Bit::new(0x2, "BROADCAST"),
        Bit::new(0x4, "DEBUG"),
        Bit::new(0x8, "LOOPBACK"),
        Bit::new(0x10, "POINTOPOINT"),
        Bit::new(0x20, "NOTRAILERS"),
        Bit::new(0x40, "RUNNING"),
        Bit::new(0x80, "NOARP"),
        Bit::new(0x100, "PROMISC"),
        Bit::new(0x200, "ALLMULTI"),
        Bit::new(0x1000, "MULTICAST"),
    ],
);

/// Capabilities 0 to 31 (include/linux/capability.h).
pub static CAPABILITIES_0: Flags = Flags::new(
    "capabilities 0 to 31",
    &[
        Bit::new(1, "CHOWN"),
        Bit::new(1 << 1, "DAC_OVERRIDE"),
        Bit::new(1 << 2, "DAC_READ_SEARCH"),
        Bit::new(1 << 3, "FOWNER"),
        Bit::new(1 << 4, "FSETID"),
        Bit::new(1 << 5, "KILL"),
        Bit::new(1 << 6, "SETGID"),
        Bit::new(1 << 7, "SETUID"),
        Bit::new(1 << 8, "SETPCAP"),
        Bit::new(1 << 9, "LINUX_IMMUTABLE"),
        Bit::new(1 << 10, "NET_BIND_SERVICE"),
        Bit::new(1 << 11, "NET_BROADCAST"),
        Bit::new(1 << 12, "NET_ADMIN"),
        Bit::new(1 << 13, "NET_RAW"),
        Bit::new(1 << 14, "IPC_LOCK"),
        Bit::new(1 << 15, "IPC_OWNER"),
        Bit::new(1 << 16, "SYS_MODULE"),
        Bit::new(1 << 17, "SYS_RAWIO"),
        Bit::new(1 << 18, "SYS_CHROOT"),
        Bit::new(1 << 19, "SYS_PTRACE"),
        Bit::new(1 << 20, "SYS_PACCT"),
        Bit::new(1 << 21, "SYS_ADMIN"),
        Bit::new(1 << 22, "SYS_BOOT"),
        Bit::new(1 << 23, "SYS_NICE"),
        Bit::new(1 << 24, "SYS_RESOURCE"),
        Bit::new(1 << 25, "SYS_TIME"),
        Bit::new(1 << 26, "SYS_TTY_CONFIG"),
        Bit::new(1 << 27, "MKNOD"),
        Bit::new(1 << 28, "LEASE"),
        Bit::new(1 << 29, "AUDIT_WRITE"),
        Bit::new(1 << 30, "AUDIT_CONTROL"),
        Bit::new(1 << 31, "SETFCAP"),
    ],
);

/// Capabilities 32 to 40.
pub static CAPABILITIES_1: Flags = Flags::new(
    "capabilities 32 to 63",
    &[
        Bit::new(1, "MAC_OVERRIDE"),
        Bit::new(1 << 1, "MAC_ADMIN"),
        Bit::new(1 << 2, "SYSLOG"),
        Bit::new(1 << 3, "WAKE_ALARM"),
        Bit::new(1 << 4, "BLOCK_SUSPEND"),
        Bit::new(1 << 5, "AUDIT_READ"),
        Bit::new(1 << 6, "PERFMON"),
        Bit::new(1 << 7, "BPF"),
        Bit::new(1 << 8, "CHECKPOINT_RESTORE"),
    ],
);

/// `AT_HWCAP` on ARM (arch/arm/include/uapi/asm/hwcap.h).
pub static ARM_HWCAP: Flags = Flags::new(
    "AT_HWCAP",
    &[
        Bit::new(1, "SWP"),
        Bit::new(1 << 1, "HALF"),
        Bit::new(1 << 2, "THUMB"),
        Bit::new(1 << 3, "26BIT"),
        Bit::new(1 << 4, "FAST_MULT"),
        Bit::new(1 << 5, "FPA"),
        Bit::new(1 << 6, "VFP"),
        Bit::new(1 << 7, "EDSP"),
        Bit::new(1 << 8, "JAVA"),
        Bit::new(1 << 9, "IWMMXT"),
        Bit::new(1 << 10, "CRUNCH"),
        Bit::new(1 << 11, "THUMBEE"),
        Bit::new(1 << 12, "NEON"),
        Bit::new(1 << 13, "VFPv3"),
        Bit::new(1 << 14, "VFPv3D16"),
        Bit::new(1 << 15, "TLS"),
        Bit::new(1 << 16, "VFPv4"),
        Bit::new(1 << 17, "IDIVA"),
        Bit::new(1 << 18, "IDIVT"),
        Bit::new(1 << 19, "VFPD32"),
        Bit::new(1 << 20, "LPAE"),
        Bit::new(1 << 21, "EVTSTRM"),
        Bit::new(1 << 22, "FPHP"),
        Bit::new(1 << 23, "ASIMDHP"),
        Bit::new(1 << 24, "ASIMDDP"),
        Bit::new(1 << 25, "ASIMDFHM"),
        Bit::new(1 << 26, "ASIMDBF16"),
        Bit::new(1 << 27, "I8MM"),
    ],
);

/// `AT_HWCAP2` on ARM.
pub static ARM_HWCAP2: Flags = Flags::new(
    "AT_HWCAP2",
    &[
        Bit::new(1, "AES"),
        Bit::new(1 << 1, "PMULL"),
        Bit::new(1 << 2, "SHA1"),
        Bit::new(1 << 3, "SHA2"),
        Bit::new(1 << 4, "CRC32"),
        Bit::new(1 << 5, "SB"),
        Bit::new(1 << 6, "SSBS"),
    ],
);

/// `flags` of a `CPU_FPU` record on ARM (R18).
pub static FPU_FLAGS: Flags = Flags::new(
    "register file flags",
    &[
        Bit::new(1, "USED"),
        Bit::new(2, "D32"),
        Bit::new(4, "EXC"),
        Bit::new(8, "FPSID_VALID"),
        Bit::new(16, "MVFR_VALID"),
    ],
);

/// `valid` of an `ARM_ABI` record (R18).
pub static ARM_ABI_VALID: Flags = Flags::new(
    "known fields",
    &[
        Bit::new(1, "PERSONALITY"),
        Bit::new(2, "E_FLAGS"),
        Bit::new(4, "HWCAP"),
        Bit::new(8, "HWCAP2"),
        Bit::new(16, "PAGE_SIZE"),
        Bit::new(32, "ENDIAN"),
    ],
);

/// Personality word (include/linux/personality.h).
pub static PERSONALITY: Flags = Flags::new(
    "personality",
    &[
        Bit::field(0xff, 0x00, "PER_LINUX"),
        Bit::field(0xff, 0x08, "PER_LINUX32"),
        Bit::new(0x0020000, "UNAME26"),
        Bit::new(0x0040000, "ADDR_NO_RANDOMIZE"),
        Bit::new(0x0080000, "FDPIC_FUNCPTRS"),
        Bit::new(0x0100000, "MMAP_PAGE_ZERO"),
        Bit::new(0x0200000, "ADDR_COMPAT_LAYOUT"),
        Bit::new(0x0400000, "READ_IMPLIES_EXEC"),
        Bit::new(0x0800000, "ADDR_LIMIT_32BIT"),
        Bit::new(0x1000000, "SHORT_INODE"),
        Bit::new(0x2000000, "WHOLE_SECONDS"),
        Bit::new(0x4000000, "STICKY_TIMEOUTS"),
        Bit::new(0x8000000, "ADDR_LIMIT_3GB"),
    ],
);

/// ELF header flags of ARM executables (ELF for the Arm Architecture).
pub static ARM_E_FLAGS: Flags = Flags::new(
    "e_flags",
    &[
        Bit::field(0xff00_0000, 0x0500_0000, "EABI5"),
        Bit::field(0xff00_0000, 0x0400_0000, "EABI4"),
        Bit::field(0xff00_0000, 0x0300_0000, "EABI3"),
        Bit::field(0xff00_0000, 0x0200_0000, "EABI2"),
        Bit::field(0xff00_0000, 0x0100_0000, "EABI1"),
        Bit::field(0xff00_0000, 0, "GNU_OABI"),
        Bit::new(0x0080_0000, "BE8"),
        Bit::new(0x400, "FLOAT_HARD"),
        Bit::new(0x200, "FLOAT_SOFT"),
        Bit::new(0x2, "HASENTRY"),
    ],
);

/// Kernel-internal results by which a system call asks to be restarted (§5.5).
pub static ERESTART: [(i32, &str); 5] = [
    (-512, "ERESTARTSYS"),
    (-513, "ERESTARTNOINTR"),
    (-514, "ERESTARTNOHAND"),
    (-515, "ENOIOCTLCMD"),
    (-516, "ERESTART_RESTARTBLOCK"),
];

/// Name of a restart result, if `value` is one.
pub fn erestart_name(value: i32) -> Option<&'static str> {
    ERESTART
        .iter()
        .find(|(number, _)| *number == value)
        .map(|(_, name)| *name)
}

/// Auxiliary vector types (include/linux/auxvec.h).
pub static AUXV: [(u64, &str); 30] = [
    (0, "AT_NULL"),
    (1, "AT_IGNORE"),
    (2, "AT_EXECFD"),
    (3, "AT_PHDR"),
    (4, "AT_PHENT"),
    (5, "AT_PHNUM"),
    (6, "AT_PAGESZ"),
    (7, "AT_BASE"),
    (8, "AT_FLAGS"),
    (9, "AT_ENTRY"),
    (10, "AT_NOTELF"),
    (11, "AT_UID"),
    (12, "AT_EUID"),
    (13, "AT_GID"),
    (14, "AT_EGID"),
    (15, "AT_PLATFORM"),
    (16, "AT_HWCAP"),
    (17, "AT_CLKTCK"),
    (18, "AT_FPUCW"),
    (19, "AT_DCACHEBSIZE"),
    (20, "AT_ICACHEBSIZE"),
    (21, "AT_UCACHEBSIZE"),
    (23, "AT_SECURE"),
    (24, "AT_BASE_PLATFORM"),
    (25, "AT_RANDOM"),
    (26, "AT_HWCAP2"),
    (31, "AT_EXECFN"),
    (32, "AT_SYSINFO"),
    (33, "AT_SYSINFO_EHDR"),
    (51, "AT_MINSIGSTKSZ"),
];

/// Name of an auxiliary vector type.
pub fn auxv_name(kind: u64) -> Option<&'static str> {
    AUXV.iter()
        .find(|(number, _)| *number == kind)
        .map(|(_, name)| *name)
}
