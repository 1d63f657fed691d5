//! What all formats say about a tree of processes, in one shape.
//!
//! Each format has one reader that makes a [`Tree`] and one writer that consumes it. Contents of memory stay where they
//! are: a [`Pages`] names a range of one of [`Tree::blobs`]. Shared things are indices, so that sharing survives.

use crate::{
    bytes::{Blob, Fields, Order, Watch},
    core::Machine,
};

/// Bytes in a page of the machines that are understood.
pub const PAGE: u64 = 4096;

/// Key of the auxiliary vector: where the program headers of the program are.
const AT_PHDR: u64 = 3;
/// Mappings that are looked at for the program's header where nothing says which it is: programs come first.
const MOST_HEADERS: usize = 1024;

/// A tree of processes.
#[derive(Debug, Clone)]
pub struct Tree {
    /// Processor.
    pub machine: Machine,
    /// Byte order.
    pub order: Order,
    /// `release`, `version` and `machine` of the kernel's utsname; empty where unknown.
    pub kernel: [String; 3],
    /// Seconds since the epoch when the state was taken; 0 if unknown.
    pub time: u64,
    /// Host and domain name of the tree's namespace; `None` when it is the machine's own.
    pub host: Option<(Vec<u8>, Vec<u8>)>,
    /// The tree's IPC namespace; `None` when it is the machine's own.
    pub ipc: Option<Ipc>,
    /// Threads and zombies: a process's leader, its children, its other threads.
    pub tasks: Vec<Task>,
    /// Address spaces.
    pub mms: Vec<Mm>,
    /// Descriptor tables.
    pub tables: Vec<Vec<Fd>>,
    /// Open files, mapped files and directories.
    pub files: Vec<File>,
    /// Pipes and fifos.
    pub pipes: Vec<Pipe>,
    /// Sockets.
    pub sockets: Vec<Socket>,
    /// Terminals.
    pub ttys: Vec<Tty>,
    /// Shared anonymous memory.
    pub segments: Vec<Segment>,
    /// Working and root directories.
    pub dirs: Vec<Dirs>,
    /// Signal actions; index 0 is signal 1.
    pub actions: Vec<Vec<Action>>,
    /// What the threads of a process share.
    pub processes: Vec<Process>,
    /// Where the contents of memory and pipes lie.
    pub blobs: Vec<Blob>,
    /// Files of the CRIU set that the tree came from, for what it has no place for. The tree rules.
    pub foreign: Vec<Blob>,
}

impl Tree {
    /// A tree with nothing in it.
    pub fn new(machine: Machine, order: Order) -> Self {
        Self {
            machine,
            order,
            kernel: Default::default(),
            time: 0,
            host: None,
            ipc: None,
            tasks: Vec::new(),
            mms: Vec::new(),
            tables: Vec::new(),
            files: Vec::new(),
            pipes: Vec::new(),
            sockets: Vec::new(),
            ttys: Vec::new(),
            segments: Vec::new(),
            dirs: Vec::new(),
            actions: Vec::new(),
            processes: Vec::new(),
            blobs: Vec::new(),
            foreign: Vec::new(),
        }
    }

    /// Adds an element to a list and returns its index.
    pub fn add<T>(list: &mut Vec<T>, item: T) -> usize {
        list.push(item);
        list.len() - 1
    }

    /// Tells `watch` of all contents that are read from now on.
    pub fn watch(&mut self, watch: &Watch) {
        self.blobs.iter_mut().for_each(|blob| blob.watch(watch));
    }

    /// Bytes of all pages.
    pub fn page_bytes(&self) -> u64 {
        let own = self.mms.iter().flat_map(|mm| &mm.vmas);
        let own = own.flat_map(|vma| &vma.pages);
        let shared = self.segments.iter().flat_map(|segment| &segment.pages);
        own.chain(shared)
            .fold(0, |sum, run| sum.saturating_add(run.len))
    }
}

/// A thread, or a process that has ended.
#[derive(Debug, Clone)]
pub struct Task {
    /// Thread.
    pub tid: i32,
    /// Process.
    pub tgid: i32,
    /// Parent process; 0 if unknown or outside.
    pub ppid: i32,
    /// Process group.
    pub pgid: i32,
    /// Session.
    pub sid: i32,
    /// Name, at most 15 bytes.
    pub comm: Vec<u8>,
    /// What it was doing.
    pub state: State,
    /// All that a zombie no longer has.
    pub live: Option<Live>,
}

/// What a task was doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Ready to run.
    Running,
    /// Waiting in a system call.
    Sleeping,
    /// Stopped by this signal.
    Stopped(u32),
    /// Ended with this wait status and not waited for.
    Zombie(u32),
}

/// State of a thread that runs.
#[derive(Debug, Clone)]
pub struct Live {
    /// General registers in the order of the core's `elf_gregset_t`.
    pub regs: Vec<u64>,
    /// Thread pointer.
    pub tls: u32,
    /// System call number; all ones for none or unknown.
    pub syscall: u32,
    /// How that call goes on after an interruption (§3.5): type, 1 for "from the start", and arguments.
    pub restart: (u64, [u64; 5]),
    /// Base of the handlers of `ThumbEE`.
    pub thumbee: u32,
    /// Further register files.
    pub units: Vec<Unit>,
    /// x86: the FSAVE, FXSAVE or XSAVE area, as the processor stores it.
    pub x86_fp: Option<Vec<u8>>,
    /// x86: descriptors of thread-local segments, as the processor reads them.
    pub x86_tls: [u64; 3],
    /// x86: where the fast system call returns to, or 0.
    pub x86_sysenter: u64,
    /// The program's binary interface.
    pub abi: Abi,
    /// Forked and not yet another program.
    pub forked: bool,
    /// Used the rights of the super-user.
    pub super_user: bool,
    /// Where the kernel stores 0 when the thread ends.
    pub clear_tid: u64,
    /// Address of the list of robust futexes, and the size of its head.
    pub robust: (u64, u32),
    /// Alternate signal stack: base and size.
    pub sigaltstack: (u64, u64),
    /// Signal sent when the parent ends.
    pub pdeath: u32,
    /// Blocked signals, bit n − 1 is signal n.
    pub blocked: u64,
    /// Signals queued for this thread: the kernel's siginfo, 128 bytes each.
    pub pending: Vec<Vec<u8>>,
    /// Credentials.
    pub creds: Creds,
    /// Index of the descriptor table.
    pub table: usize,
    /// Index of the address space.
    pub mm: usize,
    /// Index of the directories.
    pub dirs: usize,
    /// Index of the signal actions.
    pub actions: usize,
    /// Index of what the process shares.
    pub process: usize,
}

/// Flags of the kernel's task, which other formats take over: forked without exec, used super-user rights.
pub(crate) const PF_FORKNOEXEC: u32 = 0x40;
pub(crate) const PF_SUPERPRIV: u32 = 0x100;

/// A call that does not go on from where it was.
pub const NO_RESTART: (u64, [u64; 5]) = (1, [0; 5]);

/// A register file besides the general one, in the kernel's regset layout and the image's byte order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// 1 VFP (272 bytes), 2 FPA (116), 3 iwMMXt (152), 4 Crunch (184), 5 XScale DSP (8).
    pub kind: u32,
    /// Bit 0 used, 1 d16 to d31 exist, 2 exception registers known.
    pub flags: u32,
    /// Contents.
    pub data: Vec<u8>,
}

/// Binary interface of a program. `None` is unknown, never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Abi {
    /// Linux personality.
    pub personality: Option<u32>,
    /// `e_flags` of the program.
    pub e_flags: Option<u32>,
}

/// Credentials of a thread.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Creds {
    /// Real, effective, saved and file-system user.
    pub uid: [u32; 4],
    /// Real, effective, saved and file-system group.
    pub gid: [u32; 4],
    /// Inheritable, permitted, effective and bounding capabilities.
    pub caps: [u64; 4],
    /// Secure bits.
    pub securebits: u32,
    /// Supplementary groups, ascending.
    pub groups: Vec<u32>,
}

/// An address space.
#[derive(Debug, Clone, Default)]
pub struct Mm {
    /// Index of the program's file.
    pub exe: Option<usize>,
    /// Pairs of the auxiliary vector without the closing one.
    pub auxv: Vec<(u64, u64)>,
    /// Text of the program: first address, and the one behind the last.
    pub code: (u64, u64),
    /// Initialized data.
    pub data: (u64, u64),
    /// The heap.
    pub brk: (u64, u64),
    /// Where the stack began.
    pub start_stack: u64,
    /// Arguments.
    pub args: (u64, u64),
    /// Environment.
    pub env: (u64, u64),
    /// Whether cores may be written: 0 no, 1 yes, 2 by root only.
    pub dumpable: u32,
    /// Mappings by address.
    pub vmas: Vec<Vma>,
}

/// A mapping.
#[derive(Debug, Clone)]
pub struct Vma {
    /// First address.
    pub start: u64,
    /// Address behind the last.
    pub end: u64,
    /// `VM_` bits of the stream (§4.5): protection, `SHARED`, `GROWSDOWN`, `LOCKED`, …
    pub flags: u64,
    /// What is mapped.
    pub kind: VmaKind,
    /// Offset in the file or segment, in bytes.
    pub offset: u64,
    /// Private pages, ascending; of shared memory, see [`Segment`].
    pub pages: Vec<Pages>,
}

/// Takes out mappings that are empty or begin inside the one before, and gives their first addresses. The mappings
/// are in the order of their addresses.
pub(crate) fn take_overlaps(vmas: &mut Vec<Vma>) -> Vec<u64> {
    let (mut end, mut taken) = (0, Vec::new());
    vmas.retain(|vma| {
        let sound = vma.start >= end && vma.end > vma.start;
        if sound {
            end = vma.end;
        } else {
            taken.push(vma.start);
        }
        sound
    });
    taken
}

/// Why a mapping of [`take_overlaps`] is left out.
pub(crate) const OVERLAPS: &str = "the mapping is empty, or overlaps the one before";

/// What is mapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VmaKind {
    /// Private anonymous memory.
    Anon,
    /// A file, by index; shared or private by the flags.
    File(usize),
    /// Shared anonymous memory, by index.
    Shared(usize),
    /// The kernel's own code for programs, with contents.
    Vdso,
    /// Other mappings that the kernel makes anew: `[vvar]`, `[vectors]`.
    Special,
}

/// Contents of consecutive pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pages {
    /// First address; in a segment, the offset in it. In bytes.
    pub addr: u64,
    /// Length in bytes, a multiple of the page size.
    pub len: u64,
    /// Index in [`Tree::blobs`].
    pub blob: usize,
    /// Offset there, in bytes.
    pub at: u64,
}

/// Shared anonymous memory.
#[derive(Debug, Clone, Default)]
pub struct Segment {
    /// Size in bytes.
    pub size: u64,
    /// Contents by offset.
    pub pages: Vec<Pages>,
}

/// A descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fd {
    /// Number.
    pub fd: u32,
    /// Index of the file.
    pub file: usize,
    /// Whether exec closes it.
    pub cloexec: bool,
}

/// An open file.
#[derive(Debug, Clone)]
pub struct File {
    /// Open flags of the machine, without those that only matter while opening.
    pub flags: u32,
    /// Position in bytes.
    pub pos: u64,
    /// What it is.
    pub kind: FileKind,
}

/// What an open file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileKind {
    /// Anything with a path.
    Path(Vec<u8>),
    /// An end of a pipe, by index.
    Pipe(usize),
    /// An end of a named pipe.
    Fifo(Vec<u8>, usize),
    /// A socket, by index.
    Socket(usize),
    /// A terminal, by index.
    Tty(usize),
    /// An epoll file and what it watches.
    Epoll(Vec<EpollItem>),
    /// An eventfd: counter and flags.
    Eventfd(u64, u32),
}

/// A file that an epoll file watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EpollItem {
    /// Descriptor it was added with.
    pub fd: u32,
    /// Index of the file.
    pub file: usize,
    /// Events.
    pub events: u32,
    /// User data.
    pub data: u64,
}

/// A pipe.
#[derive(Debug, Clone, Default)]
pub struct Pipe {
    /// Unread bytes.
    pub data: Option<Blob>,
}

/// A socket.
#[derive(Debug, Clone, Default)]
pub struct Socket {
    /// Address family: 1 unix, 2 internet.
    pub family: u16,
    /// 1 stream, 2 datagram, 5 packets in sequence.
    pub kind: u16,
    /// Protocol.
    pub protocol: u8,
    /// State as in TCP: 1 connected, 7 closed, 10 listening.
    pub state: u8,
    /// Index of the socket at the other end.
    pub peer: Option<usize>,
    /// Local and remote address: `sockaddr` as the kernel fills it.
    pub addrs: [Vec<u8>; 2],
    /// Unix: directory of a name that is a relative path; no slash at its end.
    pub dir: Vec<u8>,
    /// Longest queue of connections.
    pub backlog: u32,
    /// Send and receive buffer in bytes.
    pub buffers: [u32; 2],
    /// 1 no more reading, 2 no more writing.
    pub shutdown: u8,
    /// Whether the address may be used again.
    pub reuse: bool,
    /// Packets that wait to be read.
    pub queue: Vec<Blob>,
}

/// A pseudo terminal.
#[derive(Debug, Clone, Default)]
pub struct Tty {
    /// Its number.
    pub index: u32,
    /// Whether this is the controlling side.
    pub master: bool,
    /// iflag, oflag, cflag, lflag, ispeed, ospeed.
    pub modes: [u32; 6],
    /// Line discipline.
    pub line: u8,
    /// Control characters.
    pub cc: [u8; 19],
    /// Rows, columns, and their size in pixels.
    pub winsize: [u16; 4],
    /// Session and foreground process group; 0 for none.
    pub session: (u32, u32),
    /// Unread input.
    pub data: Vec<u8>,
}

/// Directories of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dirs {
    /// Working directory.
    pub cwd: Vec<u8>,
    /// Root directory.
    pub root: Vec<u8>,
    /// File mode creation mask.
    pub umask: u32,
}

/// What a signal does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Action {
    /// 0 default, 1 ignore, or an address.
    pub handler: u64,
    /// `SA_` flags.
    pub flags: u64,
    /// Return stub.
    pub restorer: u64,
    /// Signals blocked meanwhile.
    pub mask: u64,
}

/// What the threads of a process share besides memory and files.
#[derive(Debug, Clone, Default)]
pub struct Process {
    /// Soft and hard limits by number; all ones is none. Empty if unknown.
    pub limits: Vec<(u64, u64)>,
    /// Real, virtual and profiling timer: time left and period, in ns.
    pub timers: [(u64, u64); 3],
    /// Signals queued for the process: the kernel's siginfo, 128 bytes each.
    pub pending: Vec<Vec<u8>>,
    /// Index of the controlling terminal of a session leader.
    pub tty: Option<usize>,
}

/// An IPC namespace.
#[derive(Debug, Clone, Default)]
pub struct Ipc {
    /// How much of everything there may be.
    pub limits: IpcLimits,
    /// What there is.
    pub objects: IpcObjects,
}

/// System V objects.
#[derive(Debug, Clone, Default)]
pub struct IpcObjects {
    /// Segments of shared memory.
    pub segments: Vec<IpcSegment>,
    /// Message queues.
    pub queues: Vec<IpcQueue>,
    /// Semaphore sets.
    pub semaphores: Vec<IpcSemaphores>,
}

/// What all System V objects have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IpcOwner {
    /// Number that programs use.
    pub id: u32,
    /// Key that it was made with.
    pub key: u32,
    /// User and group of the owner.
    pub owner: (u32, u32),
    /// User and group of the creator.
    pub creator: (u32, u32),
    /// Permissions.
    pub mode: u32,
}

/// A segment of System V memory.
#[derive(Debug, Clone, Default)]
pub struct IpcSegment {
    /// Who may use it.
    pub owner: IpcOwner,
    /// Index of its memory.
    pub memory: usize,
}

/// A message queue.
#[derive(Debug, Clone, Default)]
pub struct IpcQueue {
    /// Who may use it.
    pub owner: IpcOwner,
    /// Most bytes in it.
    pub max_bytes: u32,
    /// Types and texts, oldest first.
    pub messages: Vec<(u64, Blob)>,
}

/// A semaphore set.
#[derive(Debug, Clone, Default)]
pub struct IpcSemaphores {
    /// Who may use it.
    pub owner: IpcOwner,
    /// Values.
    pub values: Vec<u16>,
}

/// Limits of an IPC namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IpcLimits {
    /// Longest segment, all segments, number of segments.
    pub shm: (u64, u64, u32),
    /// Longest message, longest queue, number of queues.
    pub msg: [u32; 3],
    /// Semaphores in a set, in all sets, operations in a call, number of sets.
    pub sem: [u32; 4],
}

impl Tree {
    /// `len` bytes of an address space from `addr` on; `None` if any of them is not there. Untouched anonymous memory is
    /// zero, untouched file pages are not known.
    pub fn memory(&self, mm: usize, addr: u64, len: u64) -> Option<Vec<u8>> {
        let vmas = &self.mms.get(mm)?.vmas;
        let mut out = Vec::new();
        while (out.len() as u64) < len {
            let at = addr.checked_add(out.len() as u64)?;
            let left = len - out.len() as u64;
            let behind = vmas.partition_point(|v| v.start <= at);
            let vma = vmas.get(behind.checked_sub(1)?).filter(|v| at < v.end)?;
            let (pages, key) = match vma.kind {
                VmaKind::Shared(index) => (
                    &self.segments.get(index)?.pages,
                    (at - vma.start).saturating_add(vma.offset),
                ),
                _ => (&vma.pages, at),
            };
            let next = pages.partition_point(|p| p.addr <= key);
            let run = next
                .checked_sub(1)
                .and_then(|i| pages.get(i))
                .filter(|p| key - p.addr < p.len);
            if let Some(run) = run {
                let n = (run.len - (key - run.addr)).min(left).min(vma.end - at);
                out.extend(
                    self.blobs
                        .get(run.blob)?
                        .read(run.at + (key - run.addr), n, u64::MAX)
                        .ok()?,
                );
            } else if matches!(vma.kind, VmaKind::Anon | VmaKind::Shared(_)) {
                let gap = pages.get(next).map_or(u64::MAX, |p| p.addr - key);
                let n = gap.min(left).min(vma.end - at);
                out.resize(out.len() + usize::try_from(n).ok()?, 0);
            } else {
                return None;
            }
        }
        Some(out)
    }

    /// `e_flags` of the program, from its ELF header in memory: in the page of its program headers, or at the start of a
    /// mapping of its file from offset 0.
    pub fn program_flags(&self, mm: usize) -> Option<u32> {
        let space = self.mms.get(mm)?;
        let headers = space.auxv.iter().find(|(key, _)| *key == AT_PHDR);
        let headers = headers.map(|(_, addr)| addr - addr % PAGE);
        let own = space
            .vmas
            .iter()
            .filter(|v| space.exe.is_none_or(|exe| v.kind == VmaKind::File(exe)) && v.offset == 0);
        let places = headers.into_iter().chain(own.map(|v| v.start));
        places
            .take(MOST_HEADERS)
            .filter_map(|addr| self.memory(mm, addr, 64))
            .find(|h| h.starts_with(b"\x7fELF"))
            .and_then(|h| {
                let at = if h.get(4) == Some(&2) { 48 } else { 36 };
                Fields {
                    data: &h,
                    order: self.order,
                }
                .u32(at)
            })
    }
}
