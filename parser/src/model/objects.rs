//! Shared objects: memory, files, signals, credentials, namespaces, IPC, sockets, terminals.

use super::{Extent, ObjRef, Pending, RecordAt};
use crate::packed::{Field, Pack, Packed, Reader, Slice, Writer};

/// An address space (§3.8).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mm {
    /// The MM record.
    pub record: RecordAt,
    /// File of the executable.
    pub exe: ObjRef,
    /// Default flags of mappings.
    pub def_flags: u64,
    /// Flags of the address space.
    pub flags: u64,
    /// Text.
    pub code: (u64, u64),
    /// Data.
    pub data: (u64, u64),
    /// Start and end of the heap.
    pub brk: (u64, u64),
    /// Start of the stack.
    pub start_stack: u64,
    /// Arguments.
    pub args: (u64, u64),
    /// Environment.
    pub env: (u64, u64),
    /// Auxiliary vector: type and value, without the terminator.
    pub auxv: Vec<(u64, u64)>,
    /// Bytes of the saved vector.
    pub auxv_at: Extent,
    /// Mappings in ascending order.
    pub vmas: Packed<Vma>,
    /// Page contents of the private mappings, in ascending order of address.
    pub pages: Packed<PageRun>,
    /// The MM_CONTEXT record.
    pub context: RecordAt,
    /// ARM without MMU: end of the heap area.
    pub end_brk: Option<u32>,
}

impl Mm {
    /// The mapping that holds an address.
    pub fn vma_at(&self, addr: u64) -> Option<Vma> {
        let at = self.vmas.partition_point(|vma| vma.end <= addr);
        self.vmas.get(at).filter(|vma| vma.start <= addr)
    }
    pub(super) fn shrink(&mut self) {
        self.vmas.shrink();
        self.pages.shrink();
    }
    /// A value of the auxiliary vector.
    pub fn auxv(&self, kind: u64) -> Option<u64> {
        self.auxv
            .iter()
            .find(|(k, _)| *k == kind)
            .map(|(_, value)| *value)
    }
    /// The page runs of a private mapping.
    pub fn pages_of(&self, vma: &Vma) -> Slice<'_, PageRun> {
        let from = vma.first_run as usize;
        self.pages
            .slice(from, from.saturating_add(vma.num_runs as usize))
    }
}

/// Kinds of mappings (§4.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum VmaKind {
    /// Special mapping that the restart recreates.
    Vdso,
    /// Private anonymous.
    #[default]
    Anon,
    /// Private of a file.
    File,
    /// Shared anonymous, contents with this mapping.
    ShmAnon,
    /// Shared anonymous, contents elsewhere.
    ShmAnonSkip,
    /// Shared of a file.
    ShmFile,
    /// System V segment.
    ShmIpcSkip,
    /// Huge pages.
    HugeTlb,
    /// Huge pages, contents elsewhere.
    HugeTlbSkip,
    /// Any other number.
    Other(u32),
}

impl VmaKind {
    /// By number.
    pub const fn from_number(number: u32) -> Self {
        match number {
            1 => VmaKind::Vdso,
            2 => VmaKind::Anon,
            3 => VmaKind::File,
            4 => VmaKind::ShmAnon,
            5 => VmaKind::ShmAnonSkip,
            6 => VmaKind::ShmFile,
            8 => VmaKind::ShmIpcSkip,
            9 => VmaKind::HugeTlb,
            10 => VmaKind::HugeTlbSkip,
            other => VmaKind::Other(other),
        }
    }
    /// The number.
    pub const fn number(self) -> u32 {
        match self {
            VmaKind::Vdso => 1,
            VmaKind::Anon => 2,
            VmaKind::File => 3,
            VmaKind::ShmAnon => 4,
            VmaKind::ShmAnonSkip => 5,
            VmaKind::ShmFile => 6,
            VmaKind::ShmIpcSkip => 8,
            VmaKind::HugeTlb => 9,
            VmaKind::HugeTlbSkip => 10,
            VmaKind::Other(number) => number,
        }
    }
    /// Whether the contents belong to a shared segment.
    pub const fn is_shared(self) -> bool {
        matches!(
            self,
            VmaKind::ShmAnon | VmaKind::ShmAnonSkip | VmaKind::ShmFile | VmaKind::ShmIpcSkip
        )
    }
}

/// One mapping.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Vma {
    /// The VMA record.
    pub record: RecordAt,
    /// First address.
    pub start: u64,
    /// Address behind the last byte.
    pub end: u64,
    /// VM_ flags (§4.5).
    pub flags: u64,
    /// Offset in the file, in pages.
    pub pgoff: u64,
    /// Size of the shared segment in bytes.
    pub ino_size: u64,
    /// What kind of mapping.
    pub kind: VmaKind,
    /// File behind it.
    pub file: ObjRef,
    /// Shared segment behind it.
    pub inode: ObjRef,
    /// First of its runs in [`Mm::pages`].
    pub first_run: u32,
    /// Number of its runs.
    pub num_runs: u32,
    /// Bytes in them.
    pub stored: u64,
}

impl Vma {
    /// Length in bytes.
    pub const fn len(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }
    /// Whether the mapping has no bytes.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// `rwxp` as in /proc/PID/maps.
    pub fn permissions(&self) -> String {
        let bit = |mask, yes, no| if self.flags & mask != 0 { yes } else { no };
        [
            bit(1, 'r', '-'),
            bit(2, 'w', '-'),
            bit(4, 'x', '-'),
            bit(8, 's', 'p'),
        ]
        .iter()
        .collect()
    }
    /// Whether code may be executed there.
    pub const fn is_executable(&self) -> bool {
        self.flags & 4 != 0
    }
}

impl Vma {
    /// What a mapping from `start` on that follows this one is likely to be.
    fn next(&self, start: u64) -> Vma {
        let pages = start.wrapping_sub(self.start) >> 12;
        Vma {
            start,
            end: start.wrapping_add(self.len()),
            pgoff: self.pgoff.wrapping_add(pages),
            first_run: self.first_run.wrapping_add(self.num_runs),
            ..*self
        }
    }
}

/// Fields of which only those are packed that are not what is likely; the more changing ones first.
const FIELDS: [Field<Vma>; 9] = [
    (|vma| vma.flags, |vma, value| vma.flags = value),
    (|vma| vma.pgoff, |vma, value| vma.pgoff = value),
    (|vma| vma.stored, |vma, value| vma.stored = value),
    (
        |vma| vma.num_runs.into(),
        |vma, value| vma.num_runs = narrow(value),
    ),
    (
        |vma| vma.kind.number().into(),
        |vma, value| vma.kind = VmaKind::from_number(narrow(value)),
    ),
    (
        |vma| vma.file.cast_unsigned().into(),
        |vma, value| vma.file = narrow(value).cast_signed(),
    ),
    (
        |vma| vma.inode.cast_unsigned().into(),
        |vma, value| vma.inode = narrow(value).cast_signed(),
    ),
    (|vma| vma.ino_size, |vma, value| vma.ino_size = value),
    (
        |vma| vma.first_run.into(),
        |vma, value| vma.first_run = narrow(value),
    ),
];

pub(super) fn widen(number: i32) -> u64 {
    number.cast_unsigned().into()
}

pub(super) fn narrow(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// Mappings stand in ascending order and often touch.
impl Pack for Vma {
    fn pack(&self, before: &Self, to: &mut Writer) {
        let likely = before.next(self.start);
        self.record.pack(&before.record, to);
        to.pages(self.start, before.end);
        to.pages(self.end, likely.end);
        to.changes(self, &likely, &FIELDS);
    }

    fn unpack(before: &Self, from: &mut Reader) -> Self {
        let record = RecordAt::unpack(&before.record, from);
        let start = from.pages(before.end);
        let likely = before.next(start);
        let end = from.pages(likely.end);
        from.changes(
            Vma {
                record,
                end,
                ..likely
            },
            &FIELDS,
        )
    }
}

/// Consecutive pages whose contents stand together in the image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PageRun {
    /// Address of the first page; for segments the offset in the segment. In bytes.
    pub addr: u64,
    /// Where its contents start in the image.
    pub offset: u64,
    /// Length in bytes.
    pub len: u64,
}

impl PageRun {
    /// Address behind the last page.
    pub const fn end(&self) -> u64 {
        self.addr.saturating_add(self.len)
    }
}

impl Pack for PageRun {
    fn pack(&self, before: &Self, to: &mut Writer) {
        to.pages(self.addr, before.end());
        to.change(self.offset, before.offset.wrapping_add(before.len));
        to.pages(self.len, before.len);
    }
    fn unpack(before: &Self, from: &mut Reader) -> Self {
        PageRun {
            addr: from.pages(before.end()),
            offset: from.change(before.offset.wrapping_add(before.len)),
            len: from.pages(before.len),
        }
    }
}

/// Contents of a shared segment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Segment {
    /// The record whose pages they are (VMA or IPC_SHM).
    pub record: RecordAt,
    /// Size in bytes.
    pub size: u64,
    /// Pages by offset in the segment.
    pub pages: Packed<PageRun>,
}

/// A descriptor table (§3.9).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileTable {
    /// The record.
    pub record: RecordAt,
    /// Descriptors in ascending order.
    pub fds: Packed<Fd>,
}

/// One descriptor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fd {
    /// The record.
    pub record: RecordAt,
    /// The descriptor.
    pub fd: i32,
    /// The open file.
    pub file: ObjRef,
    /// Closed by exec.
    pub close_on_exec: bool,
}

/// Descriptors mostly count up, and their files stand between their records.
impl Pack for Fd {
    const BLOCK: usize = 16;

    fn pack(&self, before: &Self, to: &mut Writer) {
        self.record.pack(&before.record, to);
        to.change(widen(self.fd), widen(before.fd));
        to.change(widen(self.file), widen(before.file));
        to.number(self.close_on_exec.into());
    }
    fn unpack(before: &Self, from: &mut Reader) -> Self {
        Fd {
            record: RecordAt::unpack(&before.record, from),
            fd: narrow(from.change(widen(before.fd))).cast_signed(),
            file: narrow(from.change(widen(before.file))).cast_signed(),
            close_on_exec: from.number() != 0,
        }
    }
}

/// Kinds of open files (§3.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FileKind {
    /// With a path.
    #[default]
    Generic,
    /// End of a pipe; its inode.
    Pipe(ObjRef),
    /// Named pipe; its inode.
    Fifo(ObjRef),
    /// Socket; its object.
    Socket(ObjRef),
    /// Terminal; its object.
    Tty(ObjRef),
    /// Epoll.
    Epoll,
    /// Event counter: value and flags.
    EventFd(u64, u32),
    /// Any other number.
    Other(u32),
}

impl FileKind {
    /// By its number, and what it names or holds.
    pub const fn from_number(number: u32, object: ObjRef, count: u64, flags: u32) -> Self {
        match number {
            1 => FileKind::Generic,
            2 => FileKind::Pipe(object),
            3 => FileKind::Fifo(object),
            4 => FileKind::Socket(object),
            5 => FileKind::Tty(object),
            6 => FileKind::Epoll,
            7 => FileKind::EventFd(count, flags),
            other => FileKind::Other(other),
        }
    }
    /// The number.
    pub const fn number(self) -> u32 {
        match self {
            FileKind::Generic => 1,
            FileKind::Pipe(_) => 2,
            FileKind::Fifo(_) => 3,
            FileKind::Socket(_) => 4,
            FileKind::Tty(_) => 5,
            FileKind::Epoll => 6,
            FileKind::EventFd(..) => 7,
            FileKind::Other(number) => number,
        }
    }
    /// The object that it is an end of; 0 if none.
    pub const fn object(self) -> ObjRef {
        match self {
            FileKind::Pipe(at) | FileKind::Fifo(at) | FileKind::Socket(at) | FileKind::Tty(at) => {
                at
            }
            _ => 0,
        }
    }
    pub(super) const fn counter(self) -> (u64, u32) {
        match self {
            FileKind::EventFd(count, flags) => (count, flags),
            _ => (0, 0),
        }
    }
    /// A word for it.
    pub const fn name(self) -> &'static str {
        match self {
            FileKind::Generic => "file",
            FileKind::Pipe(_) => "pipe",
            FileKind::Fifo(_) => "fifo",
            FileKind::Socket(_) => "socket",
            FileKind::Tty(_) => "tty",
            FileKind::Epoll => "epoll",
            FileKind::EventFd(..) => "eventfd",
            FileKind::Other(_) => "unknown",
        }
    }
}

/// A pipe or fifo.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pipe {
    /// The PIPE_BUF record, or the FILE record if there is none.
    pub record: RecordAt,
    /// Where its contents are.
    pub data: Extent,
}

/// Root and current directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fs {
    /// The record.
    pub record: RecordAt,
    /// File creation mask; `None` before R13.
    pub umask: Option<u32>,
    /// Current directory.
    pub cwd: Vec<u8>,
    /// Root directory.
    pub root: Vec<u8>,
}

/// Signal actions (§3.11).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sighand {
    /// The record.
    pub record: RecordAt,
    /// Actions; index 0 is signal 1.
    pub actions: Vec<SigAction>,
}

/// A signal action.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SigAction {
    /// 0 default, 1 ignore, else the address of the handler.
    pub handler: u64,
    /// SA_ flags.
    pub flags: u64,
    /// Address of the restorer.
    pub restorer: u64,
    /// Signals blocked while the handler runs.
    pub mask: u64,
}

/// What the threads of a process share.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signal {
    /// The record.
    pub record: RecordAt,
    /// Soft and hard limits by index (§3.11).
    pub rlimits: Vec<(u64, u64)>,
    /// ITIMER_REAL: rest and interval in ns.
    pub it_real: (u64, u64),
    /// ITIMER_VIRTUAL.
    pub it_virt: (u64, u64),
    /// ITIMER_PROF.
    pub it_prof: (u64, u64),
    /// Controlling terminal.
    pub tty: ObjRef,
    /// Its foreground group.
    pub tty_pgrp: i32,
    /// The group remembered for it.
    pub tty_old_pgrp: i32,
    /// Signals pending for the process.
    pub pending: Pending,
}

/// Credentials (§3.6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cred {
    /// The record.
    pub record: RecordAt,
    /// Real, saved, effective, file system user.
    pub uids: [u32; 4],
    /// Real, saved, effective, file system group.
    pub gids: [u32; 4],
    /// User.
    pub user: ObjRef,
    /// Supplementary groups.
    pub groups: ObjRef,
    /// Label.
    pub label: ObjRef,
    /// Capabilities: inheritable, permitted, effective, bounding.
    pub caps: [u64; 4],
    /// Secure bits.
    pub securebits: u32,
}

/// A user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// The record.
    pub record: RecordAt,
    /// User id.
    pub uid: u32,
    /// Its user namespace.
    pub user_ns: ObjRef,
}

/// A set of namespaces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Namespaces {
    /// The record.
    pub record: RecordAt,
    /// UTS namespace.
    pub uts: ObjRef,
    /// IPC namespace.
    pub ipc: ObjRef,
    /// Network namespace; 0 if none was saved.
    pub net: ObjRef,
}

/// A UTS namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uts {
    /// The record.
    pub record: RecordAt,
    /// sysname, nodename, release, version, machine, domainname.
    pub names: [Vec<u8>; 6],
}

/// An IPC namespace (§3.12).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ipc {
    /// The record.
    pub record: RecordAt,
    /// Names of the limits and their values.
    pub limits: Vec<(String, u64)>,
    /// Shared memory segments.
    pub segments: Vec<IpcSegment>,
    /// Message queues.
    pub queues: Vec<IpcQueue>,
    /// Semaphore sets.
    pub semaphores: Vec<IpcSemaphores>,
}

/// What all IPC objects have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IpcPerms {
    /// Id.
    pub id: i32,
    /// Key.
    pub key: u32,
    /// Owner.
    pub uid: u32,
    /// Owning group.
    pub gid: u32,
    /// Creator.
    pub cuid: u32,
    /// Creating group.
    pub cgid: u32,
    /// Permissions.
    pub mode: u32,
    /// Sequence number.
    pub seq: u64,
}

/// A shared memory segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IpcSegment {
    /// The record.
    pub record: RecordAt,
    /// Who may use it.
    pub perms: IpcPerms,
    /// Size in bytes.
    pub size: u64,
    /// Its contents.
    pub inode: ObjRef,
}

/// A message queue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IpcQueue {
    /// The record.
    pub record: RecordAt,
    /// Who may use it.
    pub perms: IpcPerms,
    /// Bytes allowed.
    pub max_bytes: u64,
    /// Messages, oldest first.
    pub messages: Vec<IpcMessage>,
}

/// A message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IpcMessage {
    /// The record.
    pub record: RecordAt,
    /// Type.
    pub kind: i64,
    /// Length in bytes.
    pub len: u32,
    /// Where the text is, piece by piece.
    pub text: Vec<Extent>,
}

/// A semaphore set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IpcSemaphores {
    /// The record.
    pub record: RecordAt,
    /// Who may use it.
    pub perms: IpcPerms,
    /// Value and last pid of each.
    pub values: Vec<(i32, i32)>,
}

/// Adjustments of one semaphore set at exit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SemUndo {
    /// The record.
    pub record: RecordAt,
    /// Id of the set.
    pub semid: u32,
    /// One adjustment per semaphore.
    pub adjustments: Vec<i16>,
}

/// A network device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetDevice {
    /// The record.
    pub record: RecordAt,
    /// Its name.
    pub name: Vec<u8>,
    /// Type (§3.13).
    pub kind: u16,
    /// IFF_ flags.
    pub flags: u16,
    /// Its namespace.
    pub net_ns: ObjRef,
    /// The other end of a veth pair.
    pub peer: ObjRef,
    /// MAC address.
    pub hwaddr: [u8; 6],
    /// IPv4 addresses and masks.
    pub addresses: Vec<(u32, u32)>,
}

/// A socket (§3.13).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Socket {
    /// The SOCKET record.
    pub record: RecordAt,
    /// Address family.
    pub family: u16,
    /// Socket type.
    pub kind: u16,
    /// Protocol.
    pub protocol: u8,
    /// SS_ state.
    pub socket_state: u8,
    /// TCP_ state.
    pub state: u8,
    /// Shut down directions.
    pub shutdown: u8,
    /// No file holds it any more.
    pub dead: bool,
    /// Length of the queue of connections.
    pub backlog: i16,
    /// Unix: the peer.
    pub peer: ObjRef,
    /// Own address as text.
    pub local: String,
    /// Other address as text.
    pub remote: String,
    /// Receive and send queue.
    pub queues: Vec<SocketQueue>,
}

/// A queue of a socket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SocketQueue {
    /// The record.
    pub record: RecordAt,
    /// Bytes on it, as it says.
    pub total_bytes: u32,
    /// Its buffers.
    pub buffers: Vec<SocketBuffer>,
}

/// A buffer on a queue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SocketBuffer {
    /// The record.
    pub record: RecordAt,
    /// Bytes in front of the payload in the linear part: headers of protocols.
    pub hdr_len: u32,
    /// Where the payload is: linear part behind the headers, then fragments.
    pub data: Vec<Extent>,
}

/// A pseudo terminal end (§3.10).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terminal {
    /// The record.
    pub record: RecordAt,
    /// 1 master, 2 slave.
    pub subtype: u16,
    /// Number of the pair.
    pub index: u32,
    /// The other end.
    pub link: ObjRef,
    /// Rows and columns.
    pub size: (u16, u16),
    /// Input, output, control and local modes.
    pub modes: [u32; 4],
    /// Unread input.
    pub input: Option<Extent>,
    /// It was hung up: no line discipline was saved.
    pub hung_up: bool,
}

/// What an epoll file watches (§3.9).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Epoll {
    /// The EPOLL_ITEMS record.
    pub record: RecordAt,
    /// The files.
    pub items: Vec<EpollItem>,
}

/// A file that an epoll file watches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EpollItem {
    /// Descriptor it was added with.
    pub fd: u32,
    /// The file.
    pub file: ObjRef,
    /// Events.
    pub events: u32,
    /// User data.
    pub data: u64,
}

/// A security label.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Label {
    /// The record.
    pub record: RecordAt,
    /// What it belongs to (§3.6).
    pub kind: u8,
    /// The text.
    pub text: Vec<u8>,
}
