//! The whole image as one JSON document, from the model.
//!
//! These types are the contract; the model may change behind them. Their JSON Schema is published
//! and tested.

mod parts;

pub use parts::{Parts, is_wide, pipe_of, register_file_list, terminal};

use crate::diagnostic::Diagnostic;
use crate::model::ObjRef;
use schemars::JsonSchema;
use serde::Serialize;

/// A number as a hex string: addresses, masks, registers, and whatever may exceed 2^53.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(with = "String")]
pub struct Hex {
    value: u64,
    digits: usize,
}

impl Hex {
    /// A number of at least eight digits.
    pub const fn new(value: u64) -> Hex {
        Hex { value, digits: 8 }
    }
    /// What has 64 bits wherever it stands: all its digits.
    pub const fn wide(value: u64) -> Hex {
        Hex { value, digits: 16 }
    }
    /// The number.
    pub const fn get(self) -> u64 {
        self.value
    }
}

impl Serialize for Hex {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Hex { value, digits } = self;
        serializer.collect_str(&format_args!("0x{value:0digits$x}"))
    }
}

/// A number with the name that this revision gives it, if any.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Named {
    /// The number.
    pub value: u64,
    /// Its name; null if it has none.
    pub name: Option<String>,
}

/// Named bits.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Bits {
    /// The number.
    pub value: Hex,
    /// Names of its bits; what has no name as a hex string.
    pub names: Vec<String>,
}

/// An image.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Document {
    /// Version of this document's form.
    pub schema: u32,
    /// Revision, architecture, and why.
    pub dialect: Dialect,
    /// Head of the image.
    pub header: Header,
    /// Number of records.
    pub num_records: u64,
    /// Bytes that were read.
    pub len: u64,
    /// Pages with contents.
    pub num_pages: u64,
    /// Nothing is missing up to TAIL.
    pub complete: bool,
    /// Text of the ERROR record of a failed checkpoint.
    pub error: Option<String>,
    /// Tasks in stream order.
    pub tasks: Vec<Task>,
    /// Address spaces.
    pub address_spaces: Vec<AddressSpace>,
    /// Contents of shared segments.
    pub segments: Vec<Segment>,
    /// Descriptor tables.
    pub file_tables: Vec<FileTable>,
    /// Open files.
    pub files: Vec<File>,
    /// Pipes and fifos.
    pub pipes: Vec<Pipe>,
    /// Sockets.
    pub sockets: Vec<Socket>,
    /// Terminals.
    pub terminals: Vec<Terminal>,
    /// Credentials.
    pub credentials: Vec<Credentials>,
    /// Sets of namespaces.
    pub namespaces: Vec<Namespaces>,
    /// System V objects.
    pub ipc: Vec<Ipc>,
    /// State shared by the threads of a process.
    pub signals: Vec<Signal>,
    /// What is wrong.
    pub diagnostics: Vec<Finding>,
    /// Diagnostics beyond the limit.
    pub diagnostics_dropped: u64,
}

/// Dialect and evidence.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Dialect {
    /// `R01` to `R18`.
    pub revision: String,
    /// Revisions that fit as well.
    pub also: Vec<String>,
    /// Architecture.
    pub arch: String,
    /// `little-endian` or `big-endian`.
    pub byte_order: String,
    /// Page size in bytes.
    pub page_size: u32,
    /// The user decided.
    pub overridden: bool,
    /// Facts that told revisions apart.
    pub evidence: Vec<Evidence>,
}

/// A fact.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Evidence {
    /// Where it stands.
    pub offset: u64,
    /// What it is.
    pub fact: String,
    /// What fits after it.
    pub leaves: String,
}

/// Head of an image.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Header {
    /// Kernel version.
    pub kernel: String,
    /// `uname -r`.
    pub release: String,
    /// `uname -v`.
    pub version: String,
    /// `uname -m`.
    pub machine: String,
    /// Format version number.
    pub rev: u16,
    /// When the checkpoint was taken, seconds since the epoch.
    pub time: u64,
    /// Checkpoint flags.
    pub uflags: Bits,
    /// Security module.
    pub lsm: String,
    /// The kernel's `cpu_architecture()`; ARM only.
    pub cpu_architecture: Option<Named>,
    /// ARM: the kernel had an MMU.
    pub mmu: Option<bool>,
    /// ARM: the kernel was built for the EABI.
    pub aeabi: Option<bool>,
    /// ARM: it also ran old-ABI programs.
    pub oabi_compat: Option<bool>,
}

/// A task.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Task {
    /// Place in the stream.
    pub index: u32,
    /// Its TASK record.
    pub record: u64,
    /// Offset of that record.
    pub offset: u64,
    /// Pid.
    pub pid: i32,
    /// Thread group.
    pub tgid: i32,
    /// Parent.
    pub ppid: i32,
    /// Process group.
    pub pgid: i32,
    /// Session.
    pub sid: i32,
    /// Pids in nested namespaces.
    pub nested_pids: Vec<i32>,
    /// Name.
    pub comm: String,
    /// State.
    pub state: Named,
    /// A zombie's wait status; null for the living.
    pub exit_code: Option<u32>,
    /// Registers by name.
    pub registers: Option<Vec<Register>>,
    /// The calls that it is in, the innermost first; ARM only, and only where symbols were asked
    /// for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls: Option<Vec<Call>>,
    /// Bits of CPSR in words; ARM only.
    pub cpsr: Option<Vec<String>>,
    /// Thread pointer; ARM only.
    pub tp_value: Option<Hex>,
    /// ThumbEE handler base; ARM only.
    pub thumbee_state: Option<Hex>,
    /// System call.
    pub syscall: Option<Named>,
    /// What it waits for.
    pub restart_block: Option<Named>,
    /// Other register files.
    pub register_files: Vec<RegisterFile>,
    /// ABI (R18, ARM).
    pub abi: Option<Abi>,
    /// Blocked signals.
    pub blocked: Option<Hex>,
    /// Object numbers of what it uses.
    pub objects: Option<TaskObjects>,
}

/// A register.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Register {
    /// Name.
    pub name: String,
    /// Value.
    pub value: Hex,
    /// What it points to: a symbol and its file. Only where symbols were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
    /// What it points to: a place in a file or mapping, as far as it is known. Only in the view of registers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// The text that stands there. Only in the view of registers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// A call that has not returned.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Call {
    /// Where it goes on.
    pub pc: Hex,
    /// The stack pointer there.
    pub sp: Hex,
    /// How it was found: `pc`, `unwound` by a table, `lr`, `signal`, or `stack?`, a guess.
    pub how: String,
    /// Symbol and file.
    pub place: String,
}

/// Object numbers of what a task uses; 0 for none.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct TaskObjects {
    /// Descriptor table.
    pub files: i32,
    /// Address space.
    pub mm: i32,
    /// Directories.
    pub fs: i32,
    /// Signal actions.
    pub sighand: i32,
    /// Shared state.
    pub signal: i32,
    /// Credentials.
    pub cred: i32,
    /// Namespaces.
    pub ns: i32,
}

/// A register file beside the general one.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RegisterFile {
    /// `VFP`, `FPA`, `IWMMXT`, `CRUNCH`, `XSCALE_DSP`, or a number.
    pub unit: String,
    /// The thread had used it.
    pub used: bool,
    /// Its registers.
    pub registers: Vec<Register>,
}

/// ABI of a process; null where unknown.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Abi {
    /// Personality word.
    pub personality: Option<Hex>,
    /// ELF flags.
    pub e_flags: Option<Hex>,
    /// AT_HWCAP.
    pub hwcap: Option<Hex>,
    /// AT_HWCAP2.
    pub hwcap2: Option<Hex>,
    /// Page size in bytes.
    pub page_size: Option<u32>,
    /// 0 little, 1 BE8, 2 BE32.
    pub endian: Option<u8>,
    /// 0 unknown, 1 OABI, 2 EABI soft, 3 EABI hard.
    pub calling: u8,
}

/// An address space.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AddressSpace {
    /// Object number.
    pub object: i32,
    /// MM record.
    pub record: u64,
    /// Executable.
    pub exe: Option<String>,
    /// Start of the heap.
    pub start_brk: Hex,
    /// End of the heap.
    pub brk: Hex,
    /// Start of the stack.
    pub start_stack: Hex,
    /// Auxiliary vector.
    pub auxv: Vec<AuxvEntry>,
    /// Mappings.
    pub mappings: Vec<Mapping>,
}

/// An entry of an auxiliary vector.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AuxvEntry {
    /// Type.
    pub kind: Named,
    /// Value.
    pub value: Hex,
}

/// A mapping.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Mapping {
    /// First address.
    pub start: Hex,
    /// Address behind the last byte.
    pub end: Hex,
    /// `rwxp`.
    pub permissions: String,
    /// Kind.
    pub kind: Named,
    /// VM flags.
    pub flags: Bits,
    /// Offset in the file, in bytes.
    pub file_offset: u64,
    /// Path of the file.
    pub path: Option<String>,
    /// Object number of the segment, 0 for none.
    pub segment: i32,
    /// Bytes that are in the image.
    pub stored_len: u64,
    /// Page runs: address, offset in the image, length in bytes.
    pub runs: Vec<(Hex, u64, u64)>,
}

/// Contents of a shared segment.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Segment {
    /// Number.
    pub object: i32,
    /// Size in bytes.
    pub size: u64,
    /// Page runs: offset in the segment, offset in the image, length in bytes.
    pub runs: Vec<(u64, u64, u64)>,
}

/// A descriptor table.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct FileTable {
    /// Object number.
    pub object: i32,
    /// Descriptors.
    pub descriptors: Vec<Descriptor>,
}

/// A descriptor.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Descriptor {
    /// The number.
    pub fd: i32,
    /// Object number of the file.
    pub file: i32,
    /// Closed by exec.
    pub close_on_exec: bool,
}

/// An open file.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct File {
    /// Object number.
    pub object: i32,
    /// FILE record.
    pub record: u64,
    /// `file`, `pipe`, `fifo`, `socket`, `tty`, `epoll`, `eventfd`, `unknown`.
    pub kind: String,
    /// Path.
    pub path: Option<String>,
    /// Open flags.
    pub flags: Bits,
    /// Position.
    pub pos: u64,
    /// Object number of pipe, socket or terminal; 0 for none.
    pub target: i32,
    /// Counter of an eventfd.
    pub count: Option<u64>,
    /// Watched files of an epoll file.
    pub watches: Vec<Watch>,
    /// Who holds it: task index and descriptor.
    pub holders: Vec<(u32, i32)>,
}

/// A watched file.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Watch {
    /// Descriptor.
    pub fd: u32,
    /// Object number of the file.
    pub file: i32,
    /// Events.
    pub events: Bits,
    /// User data.
    pub data: Hex,
}

/// A pipe.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Pipe {
    /// Number.
    pub object: i32,
    /// Bytes in it.
    pub len: u64,
    /// Where they are in the image.
    pub offset: u64,
}

/// A socket.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Socket {
    /// Object number.
    pub object: i32,
    /// Family.
    pub family: Named,
    /// Type.
    pub kind: Named,
    /// State.
    pub state: Named,
    /// Own address.
    pub local: String,
    /// Other address.
    pub remote: String,
    /// Object number of the peer.
    pub peer: i32,
    /// Bytes in the receive and send queue.
    pub queued: Vec<u64>,
}

/// A terminal.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Terminal {
    /// Object number.
    pub object: i32,
    /// Number of the pair.
    pub index: u32,
    /// 1 master, 2 slave.
    pub subtype: u16,
    /// The other end.
    pub link: i32,
    /// Rows.
    pub rows: u16,
    /// Columns.
    pub columns: u16,
    /// Bytes of unread input.
    pub unread: u64,
}

/// Credentials.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Credentials {
    /// Object number.
    pub object: i32,
    /// Real, saved, effective, file system user.
    pub uids: [u32; 4],
    /// Real, saved, effective, file system group.
    pub gids: [u32; 4],
    /// Supplementary groups.
    pub groups: Vec<u32>,
    /// Inheritable, permitted, effective, bounding capabilities.
    pub capabilities: [Hex; 4],
    /// Security label.
    pub label: Option<String>,
}

/// A set of namespaces.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Namespaces {
    /// Object number.
    pub object: i32,
    /// sysname, nodename, release, version, machine, domainname.
    pub uts: Option<[String; 6]>,
    /// Object number of the IPC namespace.
    pub ipc: i32,
    /// Object number of the network namespace.
    pub net: i32,
}

/// System V objects of a namespace.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Ipc {
    /// Object number.
    pub object: i32,
    /// Segments: id, key, bytes.
    pub segments: Vec<(i32, Hex, u64)>,
    /// Queues: id, key, lengths of the messages.
    pub queues: Vec<(i32, Hex, Vec<u32>)>,
    /// Semaphore sets: id, key, values.
    pub semaphores: Vec<(i32, Hex, Vec<i32>)>,
}

/// State shared by the threads of a process.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Signal {
    /// Object number.
    pub object: i32,
    /// Limits: name, soft, hard.
    pub rlimits: Vec<(String, Hex, Hex)>,
    /// Pending signals.
    pub pending: Hex,
}

/// A diagnostic.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Finding {
    /// Stable code.
    pub code: String,
    /// `note`, `warning`, `error`.
    pub severity: String,
    /// Which file of a CRIU set or core the offset counts in; absent for the image itself.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub file: String,
    /// Where.
    pub offset: u64,
    /// Number of bytes concerned.
    pub len: u64,
    /// Record.
    pub record: u64,
    /// Name of the record.
    pub record_type: String,
    /// Field or object.
    pub path: String,
    /// What is there.
    pub found: String,
    /// What should be.
    pub expected: String,
}

impl From<&Diagnostic> for Finding {
    fn from(d: &Diagnostic) -> Self {
        Finding {
            code: d.code.to_string(),
            severity: d.severity.name().to_owned(),
            file: d.file.clone(),
            offset: d.offset,
            len: d.len,
            record: d.frame,
            record_type: d.record.to_owned(),
            path: d.path.clone(),
            found: d.found.clone(),
            expected: d.expected.clone(),
        }
    }
}

/// The JSON Schema of [`Document`].
pub fn schema() -> String {
    let schema = schemars::schema_for!(Document);
    serde_json::to_string_pretty(&schema).unwrap_or_default()
}
