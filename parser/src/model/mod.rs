//! The model of an image: tasks, what they share, and where their memory is.
//!
//! Built from events by [`Image::read`]. Small state is held; page contents stay in the source and
//! are kept as runs. Every item knows the record it came from, so that details that the model
//! leaves out can be decoded again. Numbers of shared objects are the image's own.

mod build;
mod ends;
mod files;
mod numbered;
mod objects;
mod task;
mod validate;

pub use build::Progress;
pub use ends::Ends;
pub use files::{File, Files};
pub use numbered::Numbered;
pub use objects::*;
pub use task::*;
pub use validate::validate;

use crate::detect::Detection;
use crate::diagnostic::Findings;
use crate::packed::{Pack, Reader, Writer};
use ckpt_format::Object;
use std::collections::BTreeMap;

/// Number of a shared object; 0 stands for none and is never a key.
pub type ObjRef = i32;

/// Where a record is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordAt {
    /// Offset of its header.
    pub offset: u64,
    /// Its number, counted from 0.
    pub index: u64,
}

/// Records of a kind mostly come one after another.
impl Pack for RecordAt {
    fn pack(&self, before: &Self, to: &mut Writer) {
        to.number(self.offset.wrapping_sub(before.offset));
        to.number(self.index.wrapping_sub(before.index));
    }
    fn unpack(before: &Self, from: &mut Reader) -> Self {
        RecordAt {
            offset: before.offset.wrapping_add(from.number()),
            index: before.index.wrapping_add(from.number()),
        }
    }
}

/// A stretch of bytes in the image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// Where it starts.
    pub offset: u64,
    /// Its length in bytes.
    pub len: u64,
}

/// A shared object: what defined it and what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Defined {
    /// Its type.
    pub kind: Object,
    /// The OBJREF record, or the record that first named an implicit object.
    pub record: RecordAt,
    /// No OBJREF record announces it (§1.4).
    pub implicit: bool,
}

impl Default for Defined {
    fn default() -> Self {
        Defined {
            kind: Object::File,
            record: RecordAt::default(),
            implicit: false,
        }
    }
}

impl Pack for Defined {
    const BLOCK: usize = 16;

    fn pack(&self, before: &Self, to: &mut Writer) {
        self.record.pack(&before.record, to);
        to.number((self.kind as u64) << 1 | u64::from(self.implicit));
    }
    fn unpack(before: &Self, from: &mut Reader) -> Self {
        let record = RecordAt::unpack(&before.record, from);
        let bits = from.number();
        let kind = usize::try_from(bits >> 1).ok();
        Defined {
            kind: kind
                .and_then(|kind| Object::ALL.get(kind).copied())
                .unwrap_or(Object::File),
            record,
            implicit: bits & 1 != 0,
        }
    }
}

/// The head of an image (§1.8).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// The HEADER record.
    pub record: RecordAt,
    /// Architecture id as it stands there.
    pub arch_id: u32,
    /// Kernel version triple.
    pub kernel: (u16, u16, u16),
    /// `CHECKPOINT_VERSION`.
    pub rev: u16,
    /// When the checkpoint was taken, in seconds since the epoch.
    pub time: u64,
    /// Checkpoint flags (§1.6).
    pub uflags: u64,
    /// The constants block: names and values, in order.
    pub constants: Vec<(String, u16)>,
    /// `uname -r` of the kernel.
    pub release: Vec<u8>,
    /// `uname -v`.
    pub version: Vec<u8>,
    /// `uname -m`.
    pub machine: Vec<u8>,
    /// Name of the security module.
    pub lsm_name: Vec<u8>,
    /// What the security module wrote.
    pub lsm_info: Vec<u8>,
    /// ARM part, if this is an ARM image and it has one.
    pub arm: Option<ArmHeader>,
    /// The HEADER_ARCH record.
    pub arch_record: RecordAt,
}

/// HEADER_ARCH on ARM (§5.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ArmHeader {
    /// The kernel's `cpu_architecture()` (§5.2).
    pub cpu_architecture: u32,
    /// The kernel ran with an MMU.
    pub mmu: bool,
    /// The kernel was built for the EABI.
    pub aeabi: bool,
    /// The kernel also ran old-ABI programs.
    pub oabi_compat: bool,
}

/// A file of a foreign image that was kept as it was (R18, §10.6).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ForeignFile {
    /// The FOREIGN record.
    pub record: RecordAt,
    /// Format of the image: 1 is a CRIU image set.
    pub format: u32,
    /// Name in it.
    pub name: Vec<u8>,
    /// Its length in bytes.
    pub size: u64,
    /// Where its bytes are, in order.
    pub parts: Vec<Extent>,
}

impl ForeignFile {
    /// Whether the name stays in the directory that it is written to.
    pub fn has_plain_name(&self) -> bool {
        let name = self.name.as_slice();
        !matches!(name, b"" | b"." | b"..") && !name.contains(&b'/') && name.len() <= 255
    }
}

/// Everything an image holds.
#[derive(Clone, Debug)]
pub struct Image {
    /// The dialect and why.
    pub detection: Detection,
    /// The head.
    pub header: Header,
    /// Pid objects (R15 and later), by number.
    pub pids: Vec<PidObject>,
    /// Object number of the first pid object.
    pub pid_offset: u32,
    /// Tasks in stream order: depth first, threads in their place (§2.1).
    pub tasks: Vec<Task>,
    /// Every object number that is defined.
    pub objects: Numbered<Defined>,
    /// File descriptor tables.
    pub file_tables: BTreeMap<ObjRef, FileTable>,
    /// Open files.
    pub files: Files,
    /// Contents of pipes and fifos, by inode number.
    pub pipes: BTreeMap<ObjRef, Pipe>,
    /// Address spaces.
    pub mms: BTreeMap<ObjRef, Mm>,
    /// Contents of shared segments, by inode number.
    pub segments: BTreeMap<ObjRef, Segment>,
    /// Root and current directories.
    pub fs: BTreeMap<ObjRef, Fs>,
    /// Signal actions.
    pub sighands: BTreeMap<ObjRef, Sighand>,
    /// What the threads of a process share.
    pub signals: BTreeMap<ObjRef, Signal>,
    /// Credentials.
    pub creds: BTreeMap<ObjRef, Cred>,
    /// Users.
    pub users: BTreeMap<ObjRef, User>,
    /// User namespaces: the user that made them.
    pub user_namespaces: BTreeMap<ObjRef, ObjRef>,
    /// Supplementary groups.
    pub groups: BTreeMap<ObjRef, Vec<u32>>,
    /// Sets of namespaces.
    pub namespaces: BTreeMap<ObjRef, Namespaces>,
    /// UTS namespaces.
    pub uts: BTreeMap<ObjRef, Uts>,
    /// IPC namespaces.
    pub ipc: BTreeMap<ObjRef, Ipc>,
    /// Network namespaces.
    pub net: BTreeMap<ObjRef, RecordAt>,
    /// Network devices.
    pub devices: BTreeMap<ObjRef, NetDevice>,
    /// Sockets.
    pub sockets: BTreeMap<ObjRef, Socket>,
    /// Terminals.
    pub terminals: BTreeMap<ObjRef, Terminal>,
    /// What epoll files watch, by file number.
    pub epolls: BTreeMap<ObjRef, Epoll>,
    /// Semaphore adjustments.
    pub sem_undos: BTreeMap<ObjRef, Vec<SemUndo>>,
    /// Security labels.
    pub labels: BTreeMap<ObjRef, Label>,
    /// Files of foreign images that were kept.
    pub foreign: Vec<ForeignFile>,
    /// Text of an ERROR record.
    pub error: Option<(RecordAt, Vec<u8>)>,
    /// Number of records.
    pub num_records: u64,
    /// Bytes of the image, as far as it was read.
    pub len: u64,
    /// Number of pages with contents.
    pub num_pages: u64,
    /// TAIL is there and nothing is missing before it.
    pub complete: bool,
    /// What is wrong.
    pub findings: Findings,
}

impl Image {
    /// Architecture of the image.
    pub fn arch(&self) -> ckpt_format::Arch {
        self.detection.dialect.abi.arch
    }
    /// Page size in bytes.
    pub fn page_size(&self) -> u64 {
        u64::from(self.detection.page_size)
    }
    /// The address space of a task.
    pub fn mm_of(&self, task: &Task) -> Option<&Mm> {
        self.mms.get(&task.live.as_ref()?.mm)
    }
    /// The descriptors of a task.
    pub fn files_of(&self, task: &Task) -> Option<&FileTable> {
        self.file_tables.get(&task.live.as_ref()?.files)
    }
    /// The path of a file, if it has one.
    pub fn path_of(&self, file: ObjRef) -> Option<&[u8]> {
        self.files.get(file)?.path
    }
    /// What an epoll file watches.
    pub fn watched(&self, epoll: ObjRef) -> &[EpollItem] {
        self.epolls.get(&epoll).map_or(&[], |epoll| &epoll.items)
    }
    /// The path of the executable of an address space.
    pub fn exe_of(&self, mm: &Mm) -> Option<&[u8]> {
        self.path_of(mm.exe)
    }
    /// A task by pid (of the thread).
    pub fn task_by_pid(&self, pid: i32) -> Option<&Task> {
        self.tasks.iter().find(|task| task.pid == pid)
    }
    /// Leaders of thread groups, in order.
    pub fn processes(&self) -> impl Iterator<Item = &Task> {
        self.tasks.iter().filter(|task| task.is_leader())
    }
    /// Threads of the group of a task, the leader first.
    pub fn threads_of(&self, tgid: i32) -> impl Iterator<Item = &Task> {
        let mut threads: Vec<&Task> = self.tasks.iter().filter(|task| task.tgid == tgid).collect();
        threads.sort_by_key(|task| (!task.is_leader(), task.index));
        threads.into_iter()
    }
    /// Who holds each open file.
    pub fn holders(&self) -> Holders {
        let holds = |task: &Task| {
            let fds = self.files_of(task).into_iter().flat_map(|table| &table.fds);
            let index = task.index;
            fds.map(move |fd| (fd.file, index, fd.fd))
        };
        let mut holders: Vec<_> = self.tasks.iter().flat_map(holds).collect();
        holders.sort_unstable();
        Holders(holders)
    }
}

/// Who holds each open file.
#[derive(Clone, Debug, Default)]
pub struct Holders(Vec<(ObjRef, u32, i32)>);

impl Holders {
    /// Task index and descriptor of those who hold a file.
    pub fn of(&self, file: ObjRef) -> impl ExactSizeIterator<Item = (u32, i32)> + '_ {
        let from = self.0.partition_point(|holder| holder.0 < file);
        let rest = self.0.get(from..).unwrap_or_default();
        let count = rest.partition_point(|holder| holder.0 == file);
        let here = rest.get(..count).unwrap_or_default();
        here.iter().map(|(_, task, fd)| (*task, *fd))
    }
}
