//! Events into a model.

#![expect(
    clippy::cast_possible_truncation,
    reason = "fields are read as 64 bits and hold what their own type holds"
)]

use super::{
    ArmAbi, ArmHeader, ArmRegs, BTreeMap, Cred, Crunch, Defined, Detection, EpollItem, Extent, Fd,
    File, FileKind, FileTable, Findings, FpFile, FpRegs, Fpa, Fs, Header, Image, Ipc, IpcMessage,
    IpcPerms, IpcQueue, IpcSegment, IpcSemaphores, Iwmmxt, Label, Live, Mm, Namespaces, NetDevice,
    ObjRef, PageRun, Pending, PidObject, Pipe, RecordAt, Regs, RestartBlock, Segment, SemUndo,
    SigAction, SigInfo, Sighand, Signal, Socket, SocketBuffer, SocketQueue, Task, Terminal, Thread,
    User, Uts, Vfp, Vma, VmaKind,
};
use crate::decoder::{Decoder, Event};
use crate::diagnostic::{Code, Diagnostic};
use crate::frame::{HEADER_LEN, HEADER_SIZE};
use crate::grammar::Role;
use crate::source::Source;
use crate::text::escape;
use crate::view::{View, read_uint, until_nul};
use ckpt_format::dialect::{R07, R08, R15};
use ckpt_format::layout::Layout;
use ckpt_format::records as table;
use ckpt_format::{Arch, FieldId, Object, Tag};
use std::collections::VecDeque;
use std::io;

/// How far reading has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes passed.
    pub offset: u64,
    /// Records read.
    pub records: u64,
}

/// Records between two reports of progress.
const PROGRESS_EVERY: u64 = 4096;

macro_rules! ids {
    ($($module:ident { $($name:ident = $table:ident $path:literal;)* })*) => {
        $(mod $module { use super::*; $(pub(super) const $name: FieldId = table::$table.id($path);)* })*
    };
}

ids! {
    header {
        ARCH_ID = HEADER "arch_id"; MAJOR = HEADER "major"; MINOR = HEADER "minor"; PATCH = HEADER "patch";
        REV = HEADER "rev"; TIME = HEADER "time"; UFLAGS = HEADER "uflags";
        CPU_ARCHITECTURE = HEADER_ARCH "cpu_architecture"; MMU = HEADER_ARCH "mmu"; AEABI = HEADER_ARCH "aeabi";
        OABI_COMPAT = HEADER_ARCH "oabi_compat"; LSM = LSM_INFO "info"; PID_OFFSET = PIDS "offset";
    }
    object { TYPE = OBJREF "objtype"; REF = OBJREF "objref"; }
    task {
        FLAGS = TASK "flags"; STATE = TASK "state"; EXIT_STATE = TASK "exit_state"; EXIT_CODE = TASK "exit_code";
        EXIT_SIGNAL = TASK "exit_signal"; PDEATH = TASK "pdeath_signal"; SET_TID = TASK "set_child_tid";
        CLEAR_TID = TASK "clear_child_tid"; SAS_SP = TASK "sas_ss_sp"; SAS_SIZE = TASK "sas_ss_size";
        ROBUST = TASK "robust_futex_list"; ROBUST_LEN = TASK "robust_futex_head_len";
        SYSCALL = THREAD "syscall"; TP = THREAD "tp_value"; THUMBEE = THREAD "thumbee_state";
        UREGS = CPU "uregs"; KIND = RESTART_BLOCK "function_type"; ARG0 = RESTART_BLOCK "arg_0"; ARG1 = RESTART_BLOCK "arg_1";
        ARG2 = RESTART_BLOCK "arg_2"; ARG3 = RESTART_BLOCK "arg_3"; ARG4 = RESTART_BLOCK "arg_4";
        CRED = TASK_CREDS "cred_ref"; ECRED = TASK_CREDS "ecred_ref"; NS = TASK_NS "ns_objref";
        FILES = TASK_OBJS "files_objref"; MM = TASK_OBJS "mm_objref"; FS = TASK_OBJS "fs_objref";
        SEM_UNDO = TASK_OBJS "sem_undo_objref"; SIGHAND = TASK_OBJS "sighand_objref"; SIGNAL = TASK_OBJS "signal_objref";
        BLOCKED = SIGNAL_TASK "blocked";
    }
    fpu {
        UNIT = CPU_FPU "unit"; FLAGS = CPU_FPU "flags"; FPSID = CPU_FPU "fpsid"; MVFR0 = CPU_FPU "mvfr0"; MVFR1 = CPU_FPU "mvfr1"; REGSET_LEN = CPU_FPU "regset_len";
        D = CPU_FPU "fpregs"; FPSCR = CPU_FPU "fpscr"; FPEXC = CPU_FPU "fpexc"; FPINST = CPU_FPU "fpinst"; FPINST2 = CPU_FPU "fpinst2";
        FPA = CPU_FPU "fpa_regs"; FPSR = CPU_FPU "fpsr"; FPCR = CPU_FPU "fpcr"; FTYPE = CPU_FPU "ftype"; INIT = CPU_FPU "init_flag";
        WR = CPU_FPU "wr"; WCSSF = CPU_FPU "wcssf"; WCASF = CPU_FPU "wcasf"; WCGR = CPU_FPU "wcgr";
        MVDX = CPU_FPU "mvdx"; MVAX = CPU_FPU "mvax"; DSPSC = CPU_FPU "dspsc"; ACC0 = CPU_FPU "acc0";
        PERSONALITY = ARM_ABI "personality"; E_FLAGS = ARM_ABI "e_flags"; HWCAP = ARM_ABI "hwcap"; HWCAP2 = ARM_ABI "hwcap2";
        PAGE_SIZE = ARM_ABI "page_size"; ENDIAN = ARM_ABI "endian"; CALLING = ARM_ABI "calling"; VALID = ARM_ABI "valid";
    }
    mm {
        EXE = MM "exe_objref"; DEF_FLAGS = MM "def_flags"; FLAGS = MM "flags"; START_CODE = MM "start_code"; END_CODE = MM "end_code";
        START_DATA = MM "start_data"; END_DATA = MM "end_data"; START_BRK = MM "start_brk"; BRK = MM "brk"; STACK = MM "start_stack";
        ARG_START = MM "arg_start"; ARG_END = MM "arg_end"; ENV_START = MM "env_start"; ENV_END = MM "env_end";
        END_BRK = MM_CONTEXT "end_brk"; VMA_TYPE = VMA "vma_type"; FILE = VMA "vma_objref"; INODE = VMA "ino_objref"; INO_SIZE = VMA "ino_size";
        START = VMA "vm_start"; END = VMA "vm_end"; VM_FLAGS = VMA "vm_flags"; PGOFF = VMA "vm_pgoff"; HPAGE_ADDR = HPAGE "vaddr"; HPAGE_SHIFT = HPAGE "shift";
    }
    file {
        TYPE = FILE "f_type"; MODE = FILE "f_mode"; FLAGS = FILE "f_flags"; CRED = FILE "f_credref"; POS = FILE "f_pos"; LABEL = FILE "f_secref";
        PIPE = FILE "pipe_objref"; SOCK = FILE "sock_objref"; TTY = FILE "tty_objref"; COUNT = FILE "count"; EVENT_FLAGS = FILE "flags";
        FD_FILE = FILE_DESC "fd_objref"; FD = FILE_DESC "fd_descriptor"; CLOEXEC = FILE_DESC "fd_close_on_exec";
        EPFILE = EPOLL_ITEMS "epfile_objref"; UMASK = FS "umask";
        SUBTYPE = TTY "driver_subtype"; INDEX = TTY "index"; LINK = TTY "link_objref"; ROWS = TTY "winsize.ws_row"; COLS = TTY "winsize.ws_col";
        IFLAG = TTY "termios.c_iflag"; OFLAG = TTY "termios.c_oflag"; CFLAG = TTY "termios.c_cflag"; LFLAG = TTY "termios.c_lflag";
    }
    signal {
        ACTION = SIGHAND "action"; HANDLER = SIGACTION "_sa_handler"; SA_FLAGS = SIGACTION "sa_flags"; RESTORER = SIGACTION "sa_restorer"; MASK = SIGACTION "sa_mask";
        RLIM = SIGNAL "rlim"; CUR = RLIMIT "rlim_cur"; MAX = RLIMIT "rlim_max"; TTY = SIGNAL "tty_objref"; PGRP = SIGNAL "tty_pgrp"; OLD_PGRP = SIGNAL "tty_old_pgrp";
        REAL = SIGNAL "it_real_value"; REAL_INCR = SIGNAL "it_real_incr"; VIRT = SIGNAL "it_virt_value"; VIRT_INCR = SIGNAL "it_virt_incr";
        PROF = SIGNAL "it_prof_value"; PROF_INCR = SIGNAL "it_prof_incr"; PENDING = SIGPENDING "signal"; INFO = SIGPENDING "siginfo";
        SIGNO = SIGINFO "csi_signo"; ERRNO = SIGINFO "csi_errno"; CODE = SIGINFO "csi_code"; PID = SIGINFO "csi_pid"; UID = SIGINFO "csi_uid"; INT = SIGINFO "csi_int";
        PTR = SIGINFO "csi_ptr"; ADDR = SIGINFO "csi_addr"; STATUS = SIGINFO "csi_status";
        OLD_SIGNO = SIGINFO "signo"; OLD_ERRNO = SIGINFO "_errno"; OLD_CODE = SIGINFO "code"; OLD_PID = SIGINFO "pid"; OLD_UID = SIGINFO "uid"; OLD_INT = SIGINFO "sigval_int"; OLD_PTR = SIGINFO "sigval_ptr";
    }
    cred {
        UID = CRED "uid"; SUID = CRED "suid"; EUID = CRED "euid"; FSUID = CRED "fsuid"; GID = CRED "gid"; SGID = CRED "sgid"; EGID = CRED "egid"; FSGID = CRED "fsgid";
        USER = CRED "user_ref"; GROUPS = CRED "groupinfo_ref"; LABEL = CRED "sec_ref"; SECUREBITS = CRED "cap_s.securebits";
        I0 = CRED "cap_s.cap_i_0"; I1 = CRED "cap_s.cap_i_1"; P0 = CRED "cap_s.cap_p_0"; P1 = CRED "cap_s.cap_p_1";
        E0 = CRED "cap_s.cap_e_0"; E1 = CRED "cap_s.cap_e_1"; B0 = CRED "cap_s.cap_b_0"; B1 = CRED "cap_s.cap_b_1";
        LIST = GROUPINFO "groups"; USER_UID = USER "uid"; USER_NS = USER "userns_ref"; CREATOR = USER_NS "creator_ref";
        UTS = NS "uts_objref"; IPC = NS "ipc_objref"; NET = NS "net_objref"; SECTYPE = SECURITY "sectype";
    }
    ipc {
        SHM_SIZE = IPC_SHM "shm_segsz"; SHM_INODE = IPC_SHM "objref"; QBYTES = IPC_MSG "q_qbytes"; MTYPE = IPC_MSG_MSG "m_type"; MTS = IPC_MSG_MSG "m_ts";
        SEMID = TASK_SEM_UNDO "semid";
        ID = IPC_PERMS "id"; KEY = IPC_PERMS "key"; UID = IPC_PERMS "uid"; GID = IPC_PERMS "gid"; CUID = IPC_PERMS "cuid"; CGID = IPC_PERMS "cgid"; MODE = IPC_PERMS "mode"; SEQ = IPC_PERMS "seq";
    }
    net {
        STATE = SOCKET "socket.state"; FAMILY = SOCKET "sock_common.family"; TYPE = SOCKET "sock.type"; PROTOCOL = SOCKET "sock.protocol"; SK_STATE = SOCKET "sock.state"; SK_FLAGS = SOCKET "sock.flags";
        SHUTDOWN = SOCKET "sock.shutdown"; BACKLOG = SOCKET "sock.backlog"; PEER = SOCKET_UNIX "peer"; LADDR_LEN = SOCKET_UNIX "laddr_len"; RADDR_LEN = SOCKET_UNIX "raddr_len";
        LPATH = SOCKET_UNIX "laddr.sun_path"; RPATH = SOCKET_UNIX "raddr.sun_path"; LPORT = SOCKET_INET "laddr.sin_port"; LADDR = SOCKET_INET "laddr.sin_addr";
        RPORT = SOCKET_INET "raddr.sin_port"; RADDR = SOCKET_INET "raddr.sin_addr"; RADDR_USED = SOCKET_INET "raddr_len"; TOTAL = SOCKET_QUEUE "total_bytes";
        HDR_LEN = SOCKET_BUFFER "hdr_len"; PR = SOCKET_BUFFER "pr_objref"; FRAG_SIZE = SOCKET_FRAG "size"; FRAG_OFFSET = SOCKET_FRAG "offset";
        DEV_TYPE = NETDEV "type"; DEV_FLAGS = NETDEV "flags"; DEV_NS = NETDEV "netns_ref"; VETH_PEER = NETDEV "veth.peer_ref"; HWADDR = NETDEV "hwaddr";
        ADDRS = NETDEV_ADDR "addresses"; INET4 = NETDEV_ADDR_ENTRY "inet4_address"; INET4_MASK = NETDEV_ADDR_ENTRY "inet4_mask";
    }
}

impl Image {
    /// Reads an image to its end. `progress` is told now and then; it says whether to go on.
    ///
    /// # Errors
    /// Those of the source; with the strict policy the first error-level diagnostic;
    /// `Interrupted` if `progress` says stop.
    pub fn read<S: Source>(
        decoder: &mut Decoder<S>,
        mut progress: impl FnMut(Progress) -> bool,
    ) -> io::Result<Image> {
        let mut builder = Builder::new(decoder);
        while let Some(event) = decoder.next() {
            let event = event?;
            builder.take(decoder, &event)?;
            if event.index % PROGRESS_EVERY == 0
                && !progress(Progress {
                    offset: event.frame.end(),
                    records: event.index,
                })
            {
                return Err(io::Error::new(io::ErrorKind::Interrupted, "stopped"));
            }
        }
        Ok(builder.finish(decoder))
    }
}

/// Whose pages are being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PageOwner {
    None,
    Vma(ObjRef),
    Segment(ObjRef),
}

struct Builder {
    image: Image,
    word: u8,
    owner: PageOwner,
    pid_rows: Vec<PidRow>,
    depths: Vec<u32>,
    vpids: Vec<i32>,
    vpids_used: usize,
    /// Index of the pid object of each task (R15 and later).
    pid_objects: Vec<usize>,
    /// Sockets whose queues are still to come, in the order of their records.
    queue_owners: VecDeque<ObjRef>,
    current_queue: Option<ObjRef>,
    epoll: ObjRef,
    ipc_kind: Option<ObjRef>,
    siginfo_is_new: bool,
    /// Address that the last HPAGE record gave, in bytes.
    huge_addr: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct PidRow {
    vpid: i32,
    vppid: i32,
    vtgid: i32,
    vpgid: i32,
    vsid: i32,
}

fn record(event: &Event) -> RecordAt {
    RecordAt {
        offset: event.frame.offset,
        index: event.index,
    }
}

/// Number of the object that a record belongs to.
fn object_of(event: &Event) -> ObjRef {
    event.object().map_or(0, |object| object.objref)
}

fn body(event: &Event) -> Extent {
    let offset = event.frame.offset.saturating_add(HEADER_LEN);
    Extent {
        offset,
        len: u64::from(event.frame.len).saturating_sub(HEADER_LEN),
    }
}

fn get(view: &View, id: FieldId) -> u64 {
    view.uint(id).unwrap_or(0)
}

fn get32(view: &View, id: FieldId) -> u32 {
    view.u32(id).unwrap_or(0)
}

fn objref(view: &View, id: FieldId) -> ObjRef {
    view.i32(id).unwrap_or(0)
}

fn mask(view: &View, id: FieldId) -> u64 {
    // The bytes are the kernel's own; only a 32-bit big-endian machine has its words the other way.
    let bytes = view.raw(id).unwrap_or_default();
    let order = view.dialect.abi.order;
    if view.dialect.abi.arch.word_size() == 4 && order == ckpt_format::Order::Big {
        let half = |at: usize| {
            read_uint(
                bytes.get(at..at.saturating_add(4)).unwrap_or_default(),
                order,
            )
        };
        return half(0) | half(4).wrapping_shl(32);
    }
    read_uint(bytes, order)
}

impl Builder {
    fn new<S: Source>(decoder: &Decoder<S>) -> Self {
        let dialect = decoder.detection().dialect;
        let siginfo = Layout::of(&table::SIGINFO, dialect);
        Builder {
            image: empty(
                decoder.detection().clone(),
                decoder.options().limits.diagnostics,
            ),
            word: dialect.abi.arch.word_size(),
            owner: PageOwner::None,
            pid_rows: Vec::new(),
            depths: Vec::new(),
            vpids: Vec::new(),
            vpids_used: 0,
            pid_objects: Vec::new(),
            queue_owners: VecDeque::new(),
            current_queue: None,
            epoll: 0,
            ipc_kind: None,
            huge_addr: 0,
            siginfo_is_new: siginfo.is_some_and(|layout| layout.slot(signal::SIGNO).is_some()),
        }
    }

    fn finding(&mut self, code: Code, event: &Event, found: String) {
        self.image.findings.push(Diagnostic::new(
            code,
            event.frame.offset,
            event.index,
            event.name(),
            found,
        ));
    }

    fn live(&mut self) -> Option<&mut Live> {
        self.image.tasks.last_mut()?.live.as_mut()
    }

    fn take<S: Source>(&mut self, decoder: &mut Decoder<S>, event: &Event) -> io::Result<()> {
        self.image.num_records = event.index.saturating_add(1);
        self.image.len = event.frame.end();
        match event.role() {
            Role::Gap | Role::Stray => return Ok(()),
            Role::Pages { count } => {
                self.pages(decoder, event, count);
                return Ok(());
            }
            Role::Pids | Role::TaskPids | Role::Vpids => return self.pids(decoder, event),
            Role::Plain => {}
            role => return self.payload(decoder, event, role),
        }
        if event.tag == Some(Tag::PipeBuf) {
            self.pipe(event);
        }
        let limits = decoder.options().limits.clone();
        let Some(view) = decoder.view() else {
            return Ok(());
        };
        let Some(tag) = event.tag else { return Ok(()) };
        self.structure(&limits, event, tag, &view);
        Ok(())
    }

    fn structure(&mut self, limits: &crate::limits::Limits, event: &Event, tag: Tag, view: &View) {
        match tag {
            Tag::Header => self.header(event, view),
            Tag::HeaderArch => self.header_arch(event, view),
            Tag::LsmInfo => {
                self.image.header.lsm_info = view.raw(header::LSM).unwrap_or_default().to_vec();
            }
            Tag::Pids => self.image.pid_offset = get32(view, header::PID_OFFSET),
            Tag::Objref => self.define(limits, event, view),
            Tag::Task if self.image.tasks.len() < limits.tasks as usize => self.task(event, view),
            Tag::Thread
            | Tag::Cpu
            | Tag::CpuFpu
            | Tag::ArmAbi
            | Tag::RestartBlock
            | Tag::TaskCreds
            | Tag::TaskNs
            | Tag::TaskObjs
            | Tag::SignalTask => self.task_part(event, tag, view),
            Tag::Mm => self.mm(event, view),
            Tag::Vma => self.vma(limits, event, view),
            Tag::MmContext => self.mm_context(event, view),
            Tag::FileTable => {
                let table = FileTable {
                    record: record(event),
                    fds: Vec::new(),
                };
                self.image.file_tables.insert(object_of(event), table);
                self.queue_owners.clear();
            }
            Tag::FileDesc => self.descriptor(limits, event, view),
            Tag::File => self.file(event, view),
            Tag::Fs => self.fs(event, view),
            Tag::EpollItems => {
                self.epoll = objref(view, file::EPFILE);
                self.image.epolls.entry(self.epoll).or_default();
            }
            Tag::Tty | Tag::TtyLdisc => self.terminal(event, tag, view),
            Tag::Sighand => self.sighand(event, view),
            Tag::Signal => self.signal(event, view),
            Tag::Ipc | Tag::IpcNs | Tag::IpcShm | Tag::IpcMsg | Tag::IpcMsgMsg | Tag::IpcSem => {
                self.ipc(event, tag, view);
            }
            Tag::TaskSemUndoList => {
                self.image.sem_undos.insert(object_of(event), Vec::new());
            }
            Tag::TaskSemUndo => {
                let undo = SemUndo {
                    record: record(event),
                    semid: get32(view, ipc::SEMID),
                    adjustments: Vec::new(),
                };
                self.image
                    .sem_undos
                    .entry(object_of(event))
                    .or_default()
                    .push(undo);
            }
            Tag::Socket
            | Tag::SocketUnix
            | Tag::SocketInet
            | Tag::SocketQueue
            | Tag::SocketBuffer
            | Tag::SocketFrag => {
                self.socket(event, tag, view);
            }
            Tag::Netdev | Tag::NetdevAddr => self.device(event, tag, view),
            Tag::Error => self.image.error = Some((record(event), Vec::new())),
            _ => self.identity(event, tag, view),
        }
    }

    fn header(&mut self, event: &Event, view: &View) {
        let slots = view.layout.slots.iter().filter_map(|slot| {
            let name = slot.name.strip_prefix("constants.")?;
            Some((name.to_owned(), u16::try_from(view.element(slot, 0)?).ok()?))
        });
        let small = |id| u16::try_from(get(view, id)).unwrap_or(0);
        self.image.header = Header {
            record: record(event),
            arch_id: get32(view, header::ARCH_ID),
            kernel: (
                small(header::MAJOR),
                small(header::MINOR),
                small(header::PATCH),
            ),
            rev: small(header::REV),
            time: get(view, header::TIME),
            uflags: get(view, header::UFLAGS),
            constants: slots.collect(),
            ..Header::default()
        };
    }

    fn header_arch(&mut self, event: &Event, view: &View) {
        self.image.header.arch_record = record(event);
        if view.layout.slot(header::CPU_ARCHITECTURE).is_some() {
            self.image.header.arm = Some(ArmHeader {
                cpu_architecture: get32(view, header::CPU_ARCHITECTURE),
                mmu: get(view, header::MMU) != 0,
                aeabi: get(view, header::AEABI) != 0,
                oabi_compat: get(view, header::OABI_COMPAT) != 0,
            });
        }
    }

    fn define(&mut self, limits: &crate::limits::Limits, event: &Event, view: &View) {
        let number = get32(view, object::TYPE);
        let at = objref(view, object::REF);
        let dialect = view.dialect;
        let Some(kind) = Object::from_number(number, dialect.revision, dialect.abi.arch) else {
            return self.finding(
                Code::UnknownObjectType,
                event,
                format!("object type {number}"),
            );
        };
        if at <= 0 {
            return self.finding(Code::BadObjectNumber, event, format!("object number {at}"));
        }
        self.insert_object(limits, event, at, kind, false);
    }

    fn insert_object(
        &mut self,
        limits: &crate::limits::Limits,
        event: &Event,
        at: ObjRef,
        kind: Object,
        implicit: bool,
    ) {
        if self.image.objects.len() >= limits.objects as usize {
            return self.finding(
                Code::TooMany,
                event,
                format!("more than {} objects", limits.objects),
            );
        }
        if let Some(first) = self.image.objects.get(&at) {
            // A pty master reserves the number of a file that its reader makes (§1.4).
            if first.implicit || (first.kind == kind && implicit) {
                if !implicit {
                    self.image.objects.insert(
                        at,
                        Defined {
                            kind,
                            record: record(event),
                            implicit,
                        },
                    );
                }
                return;
            }
            let found = format!("object {at}, first defined at {:#x}", first.record.offset);
            return self.finding(Code::DuplicateObject, event, found);
        }
        self.image.objects.insert(
            at,
            Defined {
                kind,
                record: record(event),
                implicit,
            },
        );
    }

    /// An object that no OBJREF announces: defined by the first field that names it.
    fn implicit(&mut self, event: &Event, at: ObjRef, kind: Object) {
        if at > 0 && !self.image.objects.contains_key(&at) {
            self.image.objects.insert(
                at,
                Defined {
                    kind,
                    record: record(event),
                    implicit: true,
                },
            );
        }
    }

    fn task(&mut self, event: &Event, view: &View) {
        let index = u32::try_from(self.image.tasks.len()).unwrap_or(u32::MAX);
        let row = self
            .pid_rows
            .get(index as usize)
            .copied()
            .unwrap_or_default();
        let nested = self.nested_pids(index);
        let exit_state = get32(view, task::EXIT_STATE);
        self.image.tasks.push(Task {
            index,
            record: record(event),
            pid: row.vpid,
            tgid: row.vtgid,
            ppid: row.vppid,
            pgid: row.vpgid,
            sid: row.vsid,
            nested_pids: nested,
            comm: Vec::new(),
            state: get32(view, task::STATE),
            exit_state,
            exit_code: get32(view, task::EXIT_CODE),
            exit_signal: get32(view, task::EXIT_SIGNAL),
            pdeath_signal: get32(view, task::PDEATH),
            flags: view.u32(task::FLAGS),
            set_child_tid: get(view, task::SET_TID),
            clear_child_tid: get(view, task::CLEAR_TID),
            sas_ss_sp: view.uint(task::SAS_SP),
            sas_ss_size: view.u32(task::SAS_SIZE),
            robust_list: get(view, task::ROBUST),
            robust_list_len: get32(view, task::ROBUST_LEN),
            live: (exit_state == 0).then(Live::default),
        });
    }

    fn task_part(&mut self, event: &Event, tag: Tag, view: &View) {
        let at = record(event);
        let signal_object = objref(view, task::SIGNAL);
        let Some(live) = self.live() else { return };
        match tag {
            Tag::Thread => {
                live.thread = Thread {
                    record: at,
                    syscall: view.u32(task::SYSCALL),
                    tp_value: view.u32(task::TP),
                    thumbee_state: view.u32(task::THUMBEE),
                };
            }
            Tag::Cpu => {
                live.cpu_record = at;
                live.regs = registers(view);
            }
            Tag::CpuFpu => live.fpu.push(fp_file(at, view)),
            Tag::ArmAbi => live.abi = Some(arm_abi(at, view)),
            Tag::RestartBlock => {
                let ids = [task::ARG0, task::ARG1, task::ARG2, task::ARG3, task::ARG4];
                live.restart = RestartBlock {
                    record: at,
                    kind: get(view, task::KIND),
                    args: ids.map(|id| get(view, id)),
                };
            }
            Tag::TaskCreds => {
                (live.cred, live.ecred) = (objref(view, task::CRED), objref(view, task::ECRED));
            }
            Tag::TaskNs => live.ns = objref(view, task::NS),
            Tag::SignalTask => live.blocked = mask(view, task::BLOCKED),
            Tag::TaskObjs => {
                live.objs_record = at;
                live.files = objref(view, task::FILES);
                live.mm = objref(view, task::MM);
                live.fs = objref(view, task::FS);
                live.sem_undo = objref(view, task::SEM_UNDO);
                live.sighand = objref(view, task::SIGHAND);
                live.signal = signal_object;
                self.implicit(event, signal_object, Object::Signal);
            }
            _ => {}
        }
    }

    fn mm(&mut self, event: &Event, view: &View) {
        let pair = |a, b| (get(view, a), get(view, b));
        let mm = Mm {
            record: record(event),
            exe: objref(view, mm::EXE),
            def_flags: get(view, mm::DEF_FLAGS),
            flags: get(view, mm::FLAGS),
            code: pair(mm::START_CODE, mm::END_CODE),
            data: pair(mm::START_DATA, mm::END_DATA),
            brk: pair(mm::START_BRK, mm::BRK),
            start_stack: get(view, mm::STACK),
            args: pair(mm::ARG_START, mm::ARG_END),
            env: pair(mm::ENV_START, mm::ENV_END),
            ..Mm::default()
        };
        self.image.mms.insert(object_of(event), mm);
    }

    fn vma(&mut self, limits: &crate::limits::Limits, event: &Event, view: &View) {
        let at = object_of(event);
        let kind = VmaKind::from_number(get32(view, mm::VMA_TYPE));
        let inode = objref(view, mm::INODE);
        let Some(space) = self.image.mms.get_mut(&at) else {
            return;
        };
        if space.vmas.len() >= limits.vmas as usize {
            return self.finding(
                Code::TooMany,
                event,
                format!("more than {} mappings", limits.vmas),
            );
        }
        let vma = Vma {
            record: record(event),
            start: get(view, mm::START),
            end: get(view, mm::END),
            flags: get(view, mm::VM_FLAGS),
            pgoff: get(view, mm::PGOFF),
            ino_size: get(view, mm::INO_SIZE),
            kind,
            file: objref(view, mm::FILE),
            inode,
            first_run: u32::try_from(space.pages.len()).unwrap_or(u32::MAX),
            num_runs: 0,
        };
        space.vmas.push(vma);
        self.implicit(event, inode, Object::Inode);
        self.owner = if kind == VmaKind::ShmAnon {
            let segment = Segment {
                record: record(event),
                size: vma.ino_size,
                pages: Vec::new(),
            };
            self.image.segments.entry(inode).or_insert(segment);
            PageOwner::Segment(inode)
        } else {
            PageOwner::Vma(at)
        };
    }

    fn mm_context(&mut self, event: &Event, view: &View) {
        let at = object_of(event);
        if let Some(space) = self.image.mms.get_mut(&at) {
            space.end_brk = view.u32(mm::END_BRK);
        }
    }

    fn pages<S: Source>(&mut self, decoder: &Decoder<S>, event: &Event, count: u64) {
        let page = self.image.page_size();
        let word = usize::from(self.word);
        let expected = count
            .saturating_mul(page.saturating_add(u64::from(self.word)))
            .saturating_add(HEADER_LEN);
        if expected != u64::from(event.frame.len) {
            let found = format!("{} bytes for {count} pages", event.frame.len);
            self.finding(Code::BadPageGroup, event, found);
        }
        let limit = decoder.options().limits.page_runs;
        let order = decoder.tables().dialect.abi.order;
        let contents = event.pages_offset(self.word);
        let head = decoder.head();
        let addresses = head
            .get(HEADER_SIZE..)
            .unwrap_or_default()
            .chunks_exact(word);
        let have =
            u64::from(event.frame.len).saturating_sub(contents.saturating_sub(event.frame.offset));
        let mut run = PageRun::default();
        for (i, address) in
            (0u64..).zip(addresses.take(usize::try_from(count).unwrap_or(usize::MAX)))
        {
            let at = i.saturating_mul(page);
            if at.saturating_add(page) > have {
                break;
            }
            let mut addr = read_uint(address, order);
            if let PageOwner::Segment(_) = self.owner {
                addr = addr.saturating_mul(page);
            }
            if run.len > 0 && addr == run.addr.saturating_add(run.len) {
                run.len = run.len.saturating_add(page);
                continue;
            }
            self.add_run(run, limit, event);
            run = PageRun {
                addr,
                offset: contents.saturating_add(at),
                len: page,
            };
        }
        self.add_run(run, limit, event);
    }

    fn add_run(&mut self, run: PageRun, limit: u32, event: &Event) {
        if run.len == 0 {
            return;
        }
        self.image.num_pages = self
            .image
            .num_pages
            .saturating_add(run.len.checked_div(self.image.page_size()).unwrap_or(0));
        let runs = match self.owner {
            PageOwner::None => return,
            PageOwner::Vma(mm) => {
                let Some(space) = self.image.mms.get_mut(&mm) else {
                    return;
                };
                if space.pages.len() < limit as usize
                    && let Some(vma) = space.vmas.last_mut()
                {
                    vma.num_runs = vma.num_runs.saturating_add(1);
                }
                &mut space.pages
            }
            PageOwner::Segment(inode) => &mut self.image.segments.entry(inode).or_default().pages,
        };
        if runs.len() < limit as usize {
            runs.push(run);
        } else {
            self.finding(Code::TooMany, event, format!("more than {limit} page runs"));
        }
    }

    fn descriptor(&mut self, limits: &crate::limits::Limits, event: &Event, view: &View) {
        let at = object_of(event);
        let Some(table) = self.image.file_tables.get_mut(&at) else {
            return;
        };
        if table.fds.len() < limits.descriptors as usize {
            table.fds.push(Fd {
                record: record(event),
                fd: objref(view, file::FD),
                file: objref(view, file::FD_FILE),
                close_on_exec: get(view, file::CLOEXEC) != 0,
            });
        }
    }

    fn file(&mut self, event: &Event, view: &View) {
        let inode = objref(view, file::PIPE);
        let kind = match get32(view, file::TYPE) {
            1 => FileKind::Generic,
            2 => FileKind::Pipe(inode),
            3 => FileKind::Fifo(inode),
            4 => FileKind::Socket(objref(view, file::SOCK)),
            5 => FileKind::Tty(objref(view, file::TTY)),
            6 => FileKind::Epoll,
            7 => FileKind::EventFd(get(view, file::COUNT), get32(view, file::EVENT_FLAGS)),
            other => FileKind::Other(other),
        };
        if let FileKind::Pipe(inode) | FileKind::Fifo(inode) = kind {
            self.implicit(event, inode, Object::Inode);
            self.image.pipes.entry(inode).or_insert(Pipe {
                record: record(event),
                data: Extent::default(),
            });
        }
        let open = File {
            record: record(event),
            kind,
            mode: get32(view, file::MODE),
            flags: get32(view, file::FLAGS),
            pos: get(view, file::POS),
            cred: objref(view, file::CRED),
            label: objref(view, file::LABEL),
            path: None,
        };
        self.image.files.insert(object_of(event), open);
    }

    fn pipe(&mut self, event: &Event) {
        let at = object_of(event);
        if let Some(FileKind::Pipe(inode) | FileKind::Fifo(inode)) =
            self.image.files.get(&at).map(|file| file.kind)
        {
            self.image.pipes.insert(
                inode,
                Pipe {
                    record: record(event),
                    data: body(event),
                },
            );
        }
    }

    fn fs(&mut self, event: &Event, view: &View) {
        let fs = Fs {
            record: record(event),
            umask: view.u32(file::UMASK),
            ..Fs::default()
        };
        self.image.fs.insert(object_of(event), fs);
    }

    fn terminal(&mut self, event: &Event, tag: Tag, view: &View) {
        let at = object_of(event);
        if tag == Tag::TtyLdisc {
            if let Some(terminal) = self.image.terminals.get_mut(&at) {
                terminal.hung_up = false;
            }
            return;
        }
        let small = |id| u16::try_from(get(view, id)).unwrap_or(0);
        let modes = [file::IFLAG, file::OFLAG, file::CFLAG, file::LFLAG].map(|id| get32(view, id));
        let terminal = Terminal {
            record: record(event),
            subtype: small(file::SUBTYPE),
            index: get32(view, file::INDEX),
            link: objref(view, file::LINK),
            size: (small(file::ROWS), small(file::COLS)),
            modes,
            input: None,
            hung_up: true,
        };
        self.image.terminals.insert(at, terminal);
    }

    fn sighand(&mut self, event: &Event, view: &View) {
        let action = |view: View| SigAction {
            handler: get(&view, signal::HANDLER),
            flags: get(&view, signal::SA_FLAGS),
            restorer: get(&view, signal::RESTORER),
            mask: mask(&view, signal::MASK),
        };
        let actions = view.structs(signal::ACTION).map(action).collect();
        self.image.sighands.insert(
            object_of(event),
            Sighand {
                record: record(event),
                actions,
            },
        );
    }

    fn signal(&mut self, event: &Event, view: &View) {
        let Some(at) = self.live().map(|live| live.signal) else {
            return;
        };
        let pair = |a, b| (get(view, a), get(view, b));
        let limit = |view: View| (get(&view, signal::CUR), get(&view, signal::MAX));
        let shared = Signal {
            record: record(event),
            rlimits: view.structs(signal::RLIM).map(limit).collect(),
            it_real: pair(signal::REAL, signal::REAL_INCR),
            it_virt: pair(signal::VIRT, signal::VIRT_INCR),
            it_prof: pair(signal::PROF, signal::PROF_INCR),
            tty: objref(view, signal::TTY),
            tty_pgrp: objref(view, signal::PGRP),
            tty_old_pgrp: objref(view, signal::OLD_PGRP),
            pending: Pending::default(),
        };
        self.image.signals.insert(at, shared);
    }

    fn pending(&mut self, event: &Event, role: Role, view: &View) {
        let is_new = self.siginfo_is_new;
        let info = |view: View| siginfo(&view, is_new);
        let pending = Pending {
            record: record(event),
            mask: mask(view, signal::PENDING),
            queue: view.structs(signal::INFO).map(info).collect(),
        };
        let Some(live) = self.live() else { return };
        if role == Role::PrivatePending {
            live.pending = pending;
            return;
        }
        let at = live.signal;
        self.image.signals.entry(at).or_default().pending = pending;
    }

    fn ipc(&mut self, event: &Event, tag: Tag, view: &View) {
        let at = object_of(event);
        if tag == Tag::IpcNs {
            let limit =
                |slot: &ckpt_format::Slot| Some((slot.name.to_string(), view.element(slot, 0)?));
            let limits = view
                .layout
                .slots
                .iter()
                .filter(|slot| !slot.is_padding())
                .filter_map(limit)
                .collect();
            self.image.ipc.insert(
                at,
                Ipc {
                    record: record(event),
                    limits,
                    ..Ipc::default()
                },
            );
            self.ipc_kind = Some(at);
            return;
        }
        let Some(space) = self.ipc_kind.and_then(|at| self.image.ipc.get_mut(&at)) else {
            return;
        };
        let perms = perms(view);
        match tag {
            Tag::IpcShm => {
                let inode = objref(view, ipc::SHM_INODE);
                let size = get(view, ipc::SHM_SIZE);
                space.segments.push(IpcSegment {
                    record: record(event),
                    perms,
                    size,
                    inode,
                });
                self.owner = PageOwner::Segment(inode);
                self.image.segments.entry(inode).or_insert(Segment {
                    record: record(event),
                    size,
                    pages: Vec::new(),
                });
                self.implicit(event, inode, Object::Inode);
            }
            Tag::IpcMsg => space.queues.push(IpcQueue {
                record: record(event),
                perms,
                max_bytes: get(view, ipc::QBYTES),
                messages: Vec::new(),
            }),
            Tag::IpcMsgMsg => {
                let message = IpcMessage {
                    record: record(event),
                    kind: get(view, ipc::MTYPE).cast_signed(),
                    len: get32(view, ipc::MTS),
                    text: Vec::new(),
                };
                if let Some(queue) = space.queues.last_mut() {
                    queue.messages.push(message);
                }
            }
            Tag::IpcSem => space.semaphores.push(IpcSemaphores {
                record: record(event),
                perms,
                values: Vec::new(),
            }),
            _ => {}
        }
    }

    fn socket(&mut self, event: &Event, tag: Tag, view: &View) {
        let at = object_of(event);
        match tag {
            Tag::Socket => {
                let byte = |id| u8::try_from(get(view, id)).unwrap_or(0);
                let socket = Socket {
                    record: record(event),
                    family: u16::try_from(get(view, net::FAMILY)).unwrap_or(0),
                    kind: u16::try_from(get(view, net::TYPE)).unwrap_or(0),
                    protocol: byte(net::PROTOCOL),
                    socket_state: byte(net::STATE),
                    state: byte(net::SK_STATE),
                    shutdown: byte(net::SHUTDOWN),
                    dead: get(view, net::SK_FLAGS) & SOCK_DEAD != 0,
                    backlog: view.i32(net::BACKLOG).unwrap_or(0) as i16,
                    ..Socket::default()
                };
                self.image.sockets.insert(at, socket);
            }
            Tag::SocketUnix => {
                self.defer_queues(at);
                let Some(socket) = self.image.sockets.get_mut(&at) else {
                    return;
                };
                socket.peer = objref(view, net::PEER);
                socket.local = unix_name(view, net::LPATH, get(view, net::LADDR_LEN));
                socket.remote = unix_name(view, net::RPATH, get(view, net::RADDR_LEN));
            }
            Tag::SocketInet => {
                self.defer_queues(at);
                let Some(socket) = self.image.sockets.get_mut(&at) else {
                    return;
                };
                socket.local = inet_name(view, net::LADDR, net::LPORT);
                if get(view, net::RADDR_USED) > 0 {
                    socket.remote = inet_name(view, net::RADDR, net::RPORT);
                }
            }
            Tag::SocketQueue => self.queue(event, view),
            Tag::SocketBuffer => self.buffer(event, view),
            _ => self.fragment(event, view),
        }
    }

    /// The queues of a socket are written after the file table, in the order in which the bodies
    /// of the sockets were completed; listening and dead sockets have none (§2.3).
    fn defer_queues(&mut self, at: ObjRef) {
        let has_queues = self
            .image
            .sockets
            .get(&at)
            .is_some_and(|socket| !socket.dead && socket.state != TCP_LISTEN);
        if has_queues {
            self.queue_owners.push_back(at);
        }
    }

    /// The queue belongs to the oldest socket that has not had its two (§2.3).
    fn queue(&mut self, event: &Event, view: &View) {
        while let Some(at) = self.queue_owners.front().copied() {
            let socket = self.image.sockets.entry(at).or_default();
            if socket.queues.len() < 2 {
                socket.queues.push(SocketQueue {
                    record: record(event),
                    total_bytes: get32(view, net::TOTAL),
                    buffers: Vec::new(),
                });
                self.current_queue = Some(at);
                return;
            }
            self.queue_owners.pop_front();
        }
    }

    fn buffer(&mut self, event: &Event, view: &View) {
        let claimed = objref(view, net::PR);
        let buffer = SocketBuffer {
            record: record(event),
            hdr_len: get32(view, net::HDR_LEN),
            data: Vec::new(),
        };
        let Some(mut at) = self.current_queue else {
            return;
        };
        if claimed != at && self.image.sockets.contains_key(&claimed) {
            self.move_queue(at, claimed);
            at = claimed;
        }
        let queue = self
            .image
            .sockets
            .get_mut(&at)
            .and_then(|socket| socket.queues.last_mut());
        if let Some(queue) = queue {
            queue.buffers.push(buffer);
        }
    }

    /// The buffer says on whose queue it sits; that beats the order of records.
    fn move_queue(&mut self, from: ObjRef, to: ObjRef) {
        let Some(queue) = self
            .image
            .sockets
            .get_mut(&from)
            .and_then(|socket| socket.queues.pop())
        else {
            return;
        };
        if let Some(socket) = self.image.sockets.get_mut(&to) {
            socket.queues.push(queue);
        }
        self.current_queue = Some(to);
        if let Some(place) = self.queue_owners.iter().position(|owner| *owner == to) {
            self.queue_owners.remove(place);
            self.queue_owners.push_front(to);
        }
    }

    fn skb_data(&mut self, extent: Extent) {
        let Some(at) = self.current_queue else { return };
        let socket = self.image.sockets.get_mut(&at);
        let buffer = socket.and_then(|socket| socket.queues.last_mut()?.buffers.last_mut());
        if let Some(buffer) = buffer {
            buffer.data.push(extent);
        }
    }

    fn fragment(&mut self, event: &Event, view: &View) {
        let page = event
            .frame
            .offset
            .saturating_add(u64::from(event.frame.len));
        let offset = page.saturating_add(get(view, net::FRAG_OFFSET));
        let len = get(view, net::FRAG_SIZE).min(event.frame.end().saturating_sub(offset));
        self.skb_data(Extent { offset, len });
    }

    fn device(&mut self, event: &Event, tag: Tag, view: &View) {
        let at = object_of(event);
        if tag == Tag::NetdevAddr {
            let address = |view: View| (get32(&view, net::INET4), get32(&view, net::INET4_MASK));
            self.image.devices.entry(at).or_default().addresses =
                view.structs(net::ADDRS).map(address).collect();
            return;
        }
        let small = |id| u16::try_from(get(view, id)).unwrap_or(0);
        let mut hwaddr = [0; 6];
        for (to, from) in hwaddr
            .iter_mut()
            .zip(view.raw(net::HWADDR).unwrap_or_default())
        {
            *to = *from;
        }
        let kind = small(net::DEV_TYPE);
        let device = NetDevice {
            record: record(event),
            name: Vec::new(),
            kind,
            flags: small(net::DEV_FLAGS),
            net_ns: objref(view, net::DEV_NS),
            peer: if kind == 1 {
                objref(view, net::VETH_PEER)
            } else {
                0
            },
            hwaddr,
            addresses: Vec::new(),
        };
        self.image.devices.insert(at, device);
    }

    fn identity(&mut self, event: &Event, tag: Tag, view: &View) {
        let at = object_of(event);
        let wide =
            |low, high| u64::from(get32(view, low)) | u64::from(get32(view, high)).wrapping_shl(32);
        match tag {
            Tag::Cred => {
                let cred = Cred {
                    record: record(event),
                    uids: [cred::UID, cred::SUID, cred::EUID, cred::FSUID]
                        .map(|id| get32(view, id)),
                    gids: [cred::GID, cred::SGID, cred::EGID, cred::FSGID]
                        .map(|id| get32(view, id)),
                    user: objref(view, cred::USER),
                    groups: objref(view, cred::GROUPS),
                    label: objref(view, cred::LABEL),
                    caps: [
                        wide(cred::I0, cred::I1),
                        wide(cred::P0, cred::P1),
                        wide(cred::E0, cred::E1),
                        wide(cred::B0, cred::B1),
                    ],
                    securebits: get32(view, cred::SECUREBITS),
                };
                self.image.creds.insert(at, cred);
            }
            Tag::GroupInfo => {
                let groups = view.uints(cred::LIST).map(|gid| gid as u32).collect();
                self.image.groups.insert(at, groups);
            }
            Tag::User => {
                let user = User {
                    record: record(event),
                    uid: get32(view, cred::USER_UID),
                    user_ns: objref(view, cred::USER_NS),
                };
                self.image.users.insert(at, user);
            }
            Tag::UserNs => {
                self.image
                    .user_namespaces
                    .insert(at, objref(view, cred::CREATOR));
            }
            Tag::Ns => {
                let ns = Namespaces {
                    record: record(event),
                    uts: objref(view, cred::UTS),
                    ipc: objref(view, cred::IPC),
                    net: objref(view, cred::NET),
                };
                self.image.namespaces.insert(at, ns);
            }
            Tag::UtsNs => {
                let mut names: [Vec<u8>; 6] = Default::default();
                let texts = view
                    .layout
                    .slots
                    .iter()
                    .filter(|slot| !slot.is_padding())
                    .filter_map(|slot| view.slot_bytes(slot));
                for (name, text) in names.iter_mut().zip(texts) {
                    *name = until_nul(text).to_vec();
                }
                self.image.uts.insert(
                    at,
                    Uts {
                        record: record(event),
                        names,
                    },
                );
            }
            Tag::NetNs => {
                self.image.net.insert(at, record(event));
            }
            Tag::Security => {
                let kind = u8::try_from(get(view, cred::SECTYPE)).unwrap_or(0);
                self.image.labels.insert(
                    at,
                    Label {
                        record: record(event),
                        kind,
                        text: Vec::new(),
                    },
                );
            }
            Tag::Hpage => self.huge_page_address(view),
            _ => {}
        }
    }

    /// A private mapping gives the address, a shared one the index in its segment (§4.1).
    fn huge_page_address(&mut self, view: &View) {
        let value = get(view, mm::HPAGE_ADDR);
        let size = 1u64.checked_shl(get32(view, mm::HPAGE_SHIFT)).unwrap_or(0);
        self.huge_addr = match self.owner {
            PageOwner::Vma(mm) => match self.image.mms.get(&mm).and_then(|space| space.vmas.last())
            {
                Some(vma) if vma.inode != 0 => vma.start.saturating_add(value.saturating_mul(size)),
                _ => value,
            },
            _ => value.saturating_mul(size),
        };
    }

    fn payload<S: Source>(
        &mut self,
        decoder: &mut Decoder<S>,
        event: &Event,
        role: Role,
    ) -> io::Result<()> {
        let at = object_of(event);
        if matches!(role, Role::SharedPending | Role::PrivatePending) {
            if let Some(view) = decoder.view() {
                self.pending(event, role, &view);
            }
            return Ok(());
        }
        let extent = body(event);
        match role {
            Role::HugePage => {
                let run = PageRun {
                    addr: self.huge_addr,
                    offset: extent.offset,
                    len: extent.len,
                };
                self.add_run(run, u32::MAX, event);
            }
            Role::SkbData => self.skb_data(extent),
            Role::MsgText => self.message_text(extent),
            Role::TtyInput => {
                if let Some(terminal) = self.image.terminals.get_mut(&at) {
                    terminal.input = Some(extent);
                }
            }
            Role::Auxv => self.auxv(decoder, event)?,
            _ => {
                let bytes = decoder.payload(HEADER_LEN, MAX_TEXT)?.to_vec();
                let order = decoder.tables().dialect.abi.order;
                self.small_payload(event, role, &bytes, decoder.tables().dialect, order);
            }
        }
        Ok(())
    }

    fn message_text(&mut self, extent: Extent) {
        let space = self.ipc_kind.and_then(|at| self.image.ipc.get_mut(&at));
        let message = space.and_then(|space| space.queues.last_mut()?.messages.last_mut());
        if let Some(message) = message {
            message.text.push(extent);
        }
    }

    fn small_payload(
        &mut self,
        event: &Event,
        role: Role,
        bytes: &[u8],
        dialect: ckpt_format::Dialect,
        order: ckpt_format::Order,
    ) {
        let at = object_of(event);
        let text = until_nul(bytes).to_vec();
        match role {
            Role::Release => self.image.header.release = text,
            Role::Version => self.image.header.version = text,
            Role::Machine => self.image.header.machine = text,
            Role::LsmName => self.image.header.lsm_name = text,
            Role::Comm => {
                if let Some(task) = self.image.tasks.last_mut() {
                    task.comm = text;
                }
            }
            Role::Path => {
                if let Some(file) = self.image.files.get_mut(&at) {
                    file.path = Some(text);
                }
            }
            Role::Cwd => self.image.fs.entry(at).or_default().cwd = text,
            Role::Root => self.image.fs.entry(at).or_default().root = text,
            Role::Label => self.image.labels.entry(at).or_default().text = text,
            Role::DeviceName => self.image.devices.entry(at).or_default().name = text,
            Role::SocketDirectory => {
                if let Some(socket) = self.image.sockets.get_mut(&at) {
                    socket.local = format!("{}{}", escape(&text), socket.local);
                }
            }
            Role::ErrorText => {
                let message = bytes.strip_prefix(&[0]).unwrap_or(bytes);
                let message = message.strip_suffix(&[0]).unwrap_or(message).to_vec();
                if let Some((_, text)) = &mut self.image.error {
                    text.clone_from(&message);
                }
                let found = escape(&message).trim_end().to_owned();
                self.finding(Code::CheckpointFailed, event, found);
            }
            Role::SemValues => {
                let value = |pair: &[u8]| {
                    let half = |at: usize| {
                        (read_uint(
                            pair.get(at..at.saturating_add(4)).unwrap_or_default(),
                            order,
                        ) as u32)
                            .cast_signed()
                    };
                    (half(0), half(4))
                };
                let values = bytes.chunks_exact(8).map(value).collect();
                let space = self.ipc_kind.and_then(|at| self.image.ipc.get_mut(&at));
                if let Some(set) = space.and_then(|space| space.semaphores.last_mut()) {
                    set.values = values;
                }
            }
            Role::SemAdjust => {
                let adjustments = bytes
                    .chunks_exact(2)
                    .map(|half| (read_uint(half, order) as u16).cast_signed())
                    .collect();
                if let Some(undo) = self
                    .image
                    .sem_undos
                    .get_mut(&at)
                    .and_then(|list| list.last_mut())
                {
                    undo.adjustments = adjustments;
                }
            }
            Role::EpollItems => self.epoll_items(bytes, dialect),
            _ => {}
        }
    }

    fn epoll_items(&mut self, bytes: &[u8], dialect: ckpt_format::Dialect) {
        const DATA: FieldId = table::EVENTPOLL_ITEM.id("data");
        const FD: FieldId = table::EVENTPOLL_ITEM.id("fd");
        const FILE: FieldId = table::EVENTPOLL_ITEM.id("file_objref");
        const EVENTS: FieldId = table::EVENTPOLL_ITEM.id("events");
        let Some(layout) = Layout::of(&table::EVENTPOLL_ITEM, dialect) else {
            return;
        };
        let item = |bytes| {
            let view = View {
                layout: &layout,
                bytes,
                dialect,
            };
            EpollItem {
                fd: get32(&view, FD),
                file: objref(&view, FILE),
                events: get32(&view, EVENTS),
                data: get(&view, DATA),
            }
        };
        let items = bytes
            .chunks_exact(layout.size.max(1) as usize)
            .map(item)
            .collect();
        self.image.epolls.insert(self.epoll, items);
    }

    /// Native words up to R06, 64 bits since; the constants block settles doubtful cases (§3.8).
    fn auxv<S: Source>(&mut self, decoder: &mut Decoder<S>, event: &Event) -> io::Result<()> {
        let dialect = decoder.tables().dialect;
        let extent = body(event);
        let constant = self
            .image
            .header
            .constants
            .get(1)
            .map_or(0, |(_, value)| u64::from(*value));
        let wide = match extent.len {
            len if len == constant.saturating_mul(8) => true,
            len if len == constant => false,
            _ => dialect.revision >= R07,
        };
        let width = if wide { 8 } else { usize::from(self.word) };
        let bytes = decoder.payload(HEADER_LEN, MAX_TEXT)?;
        let words: Vec<u64> = bytes
            .chunks_exact(width)
            .map(|word| read_uint(word, dialect.abi.order))
            .collect();
        let pairs = words
            .chunks_exact(2)
            .filter_map(|pair| Some((*pair.first()?, *pair.get(1)?)));
        let auxv = pairs.take_while(|(kind, _)| *kind != 0).collect();
        let at = object_of(event);
        if let Some(space) = self.image.mms.get_mut(&at) {
            space.auxv = auxv;
            space.auxv_at = extent;
        }
        Ok(())
    }

    /// Pid tables may be longer than what a payload holds at once; they are read piece by piece.
    fn pids<S: Source>(&mut self, decoder: &mut Decoder<S>, event: &Event) -> io::Result<()> {
        let dialect = decoder.tables().dialect;
        let order = dialect.abi.order;
        let limit = (decoder.options().limits.tasks as usize)
            .saturating_mul(32)
            .min(decoder.options().limits.held_len.max(32 << 20) as usize);
        let bytes = decoder.payload(HEADER_LEN, limit)?.to_vec();
        let words: Vec<i32> = bytes
            .chunks_exact(4)
            .map(|word| (read_uint(word, order) as u32).cast_signed())
            .collect();
        match event.role() {
            Role::Pids => self.read_pid_objects(&words),
            Role::Vpids => self.vpids = words,
            _ => self.pid_rows_from(&words, dialect.revision),
        }
        Ok(())
    }

    /// Entries of variable size: depth, then 1 + depth numbers (§2.4).
    fn read_pid_objects(&mut self, mut words: &[i32]) {
        while let Some((depth, rest)) = words.split_first() {
            let Some(count) = usize::try_from(*depth)
                .ok()
                .map(|depth| depth.saturating_add(1))
            else {
                break;
            };
            let Some((numbers, rest)) = rest.split_at_checked(count) else {
                break;
            };
            self.image.pids.push(PidObject {
                depth: depth.cast_unsigned(),
                numbers: numbers.to_vec(),
            });
            words = rest;
        }
    }

    fn pid_rows_from(&mut self, words: &[i32], revision: ckpt_format::Revision) {
        let width = if revision == R08 { 8 } else { 6 };
        for row in words.chunks_exact(width) {
            let at = |i: usize| row.get(i).copied().unwrap_or(0);
            let depth = if revision < R08 {
                0
            } else {
                at(width.saturating_sub(if revision == R08 { 2 } else { 1 }))
            };
            self.depths.push(u32::try_from(depth).unwrap_or(0));
            let plain = PidRow {
                vpid: at(0),
                vppid: at(1),
                vtgid: at(2),
                vpgid: at(3),
                vsid: at(4),
            };
            let row = if revision >= R15 {
                self.pid_objects.push(self.pid_index(plain.vpid));
                self.untag(plain)
            } else {
                plain
            };
            self.pid_rows.push(row);
        }
    }

    fn pid_index(&self, tag: i32) -> usize {
        let index = i64::from(tag).saturating_sub(i64::from(self.image.pid_offset));
        usize::try_from(index).unwrap_or(usize::MAX)
    }

    /// R15 and later hold numbers of pid objects, not pids (§2.4).
    fn untag(&self, row: PidRow) -> PidRow {
        let shift = i64::from(self.image.pid_offset).saturating_sub(1);
        let number = |index: i64| {
            let at = usize::try_from(index.saturating_sub(1)).ok()?;
            self.image.pids.get(at)?.numbers.first().copied()
        };
        let pid = |tag: i32| {
            if tag == 0 {
                0
            } else {
                number(i64::from(tag).saturating_sub(shift)).unwrap_or(tag)
            }
        };
        // The tools never shift the parent's number; kernels may have stored it either way.
        let parent = |tag: i32| {
            let shifted = number(i64::from(tag).saturating_sub(shift));
            if tag == 0 {
                0
            } else {
                shifted.or_else(|| number(i64::from(tag))).unwrap_or(tag)
            }
        };
        PidRow {
            vpid: pid(row.vpid),
            vppid: parent(row.vppid),
            vtgid: pid(row.vtgid),
            vpgid: pid(row.vpgid),
            vsid: pid(row.vsid),
        }
    }

    /// Pids of a task in the namespaces below the root's. Tasks come in the order of their rows, so
    /// the numbers of R08 to R14 are taken from the front.
    fn nested_pids(&mut self, index: u32) -> Vec<i32> {
        let depth = self.depths.get(index as usize).copied().unwrap_or(0) as usize;
        if self.image.pids.is_empty() {
            let from = self.vpids_used;
            self.vpids_used = from.saturating_add(depth);
            return self
                .vpids
                .get(from..self.vpids_used)
                .unwrap_or_default()
                .to_vec();
        }
        let object = self
            .pid_objects
            .get(index as usize)
            .and_then(|at| self.image.pids.get(*at));
        let numbers = object.map(|object| object.numbers.iter().skip(1).copied());
        numbers.map(Iterator::collect).unwrap_or_default()
    }

    fn finish<S: Source>(mut self, decoder: &mut Decoder<S>) -> Image {
        let read = std::mem::take(decoder.findings_mut());
        self.image.findings.extend(read);
        self.image.complete = decoder.is_complete();
        self.image.findings.sort();
        self.image
    }
}

/// Bit of `sock.flags` of a socket that no file holds any more.
const SOCK_DEAD: u64 = 1;
/// `sock.state` of a listening socket.
const TCP_LISTEN: u8 = 10;

/// Longest text or table that is held for the model, in bytes.
const MAX_TEXT: usize = 1 << 20;

fn registers(view: &View) -> Regs {
    if view.layout.slot(task::UREGS).is_some() {
        let mut regs = ArmRegs::default();
        for (to, from) in regs.0.iter_mut().zip(view.uints(task::UREGS)) {
            *to = from as u32;
        }
        return Regs::Arm(regs);
    }
    let mut named = Vec::new();
    for slot in view.layout.slots.iter().filter(|slot| !slot.is_padding()) {
        for i in 0..view.elements(slot) {
            let name = if slot.count == 1 {
                slot.name.to_string()
            } else {
                format!("{}{i}", slot.name)
            };
            named.extend(view.element(slot, i).map(|value| (name, value)));
        }
    }
    Regs::Named(view.dialect.abi.arch, named)
}

fn fp_file(at: RecordAt, view: &View) -> FpFile {
    let unit = view.u32(fpu::UNIT);
    let flags = view.u32(fpu::FLAGS).unwrap_or(1);
    let valid = |bit: u32, id| (flags & bit != 0).then(|| get32(view, id));
    FpFile {
        record: at,
        flags,
        fpsid: valid(8, fpu::FPSID),
        mvfr: valid(16, fpu::MVFR0).map(|mvfr0| (mvfr0, get32(view, fpu::MVFR1))),
        regset_len: get32(view, fpu::REGSET_LEN),
        regs: fp_regs(unit, flags, view),
    }
}

fn fp_regs(unit: Option<u32>, flags: u32, view: &View) -> FpRegs {
    let array = |id| -> Vec<u64> { view.uints(id).collect() };
    match unit.filter(|_| view.dialect.abi.arch == Arch::Arm) {
        Some(1) => FpRegs::Vfp(Box::new(Vfp {
            d: filled(&array(fpu::D)),
            fpscr: get32(view, fpu::FPSCR),
            exc: (flags & 4 != 0)
                .then(|| [fpu::FPEXC, fpu::FPINST, fpu::FPINST2].map(|id| get32(view, id))),
            d32: flags & 2 != 0,
        })),
        Some(2) => FpRegs::Fpa(Box::new(fpa(view))),
        Some(3) => FpRegs::Iwmmxt(Box::new(Iwmmxt {
            wr: filled(&array(fpu::WR)),
            wcssf: get32(view, fpu::WCSSF),
            wcasf: get32(view, fpu::WCASF),
            wcgr: filled(&array(fpu::WCGR)).map(|word: u64| word as u32),
        })),
        Some(4) => {
            let words: [u64; 12] = filled(&array(fpu::MVAX));
            let mut mvax = [[0; 3]; 4];
            for (to, from) in mvax.iter_mut().flatten().zip(words) {
                *to = from as u32;
            }
            FpRegs::Crunch(Box::new(Crunch {
                mvdx: filled(&array(fpu::MVDX)),
                mvax,
                dspsc: get(view, fpu::DSPSC),
            }))
        }
        Some(5) => FpRegs::XscaleDsp(filled(&array(fpu::ACC0)).map(|word: u64| word as u32)),
        _ => FpRegs::Other(
            unit.unwrap_or(0),
            view.bytes.get(HEADER_SIZE..).unwrap_or_default().to_vec(),
        ),
    }
}

fn fpa(view: &View) -> Fpa {
    const WORD: FieldId = table::arch::arm::FPA_REGISTER.id("word");
    let mut f = [[0; 3]; 8];
    for (register, view) in f.iter_mut().zip(view.structs(fpu::FPA)) {
        for (to, from) in register.iter_mut().zip(view.uints(WORD)) {
            *to = from as u32;
        }
    }
    let ftype: [u64; 8] = filled(&view.uints(fpu::FTYPE).collect::<Vec<_>>());
    Fpa {
        f,
        fpsr: get32(view, fpu::FPSR),
        fpcr: get32(view, fpu::FPCR),
        ftype: ftype.map(|t| t as u8),
        init_flag: get32(view, fpu::INIT),
    }
}

fn filled<const N: usize>(from: &[u64]) -> [u64; N] {
    let mut to = [0; N];
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
    to
}

fn arm_abi(at: RecordAt, view: &View) -> ArmAbi {
    let valid = get32(view, fpu::VALID);
    let known = |bit: u32, id| (valid & bit != 0).then(|| get32(view, id));
    ArmAbi {
        record: at,
        personality: known(1, fpu::PERSONALITY),
        e_flags: known(2, fpu::E_FLAGS),
        hwcap: known(4, fpu::HWCAP),
        hwcap2: known(8, fpu::HWCAP2),
        page_size: known(16, fpu::PAGE_SIZE),
        endian: known(32, fpu::ENDIAN).map(|endian| endian as u8),
        calling: get32(view, fpu::CALLING) as u8,
    }
}

fn siginfo(view: &View, is_new: bool) -> SigInfo {
    let signed = |id| view.i32(id).unwrap_or(0);
    if is_new {
        return SigInfo {
            signo: get32(view, signal::SIGNO),
            errno: signed(signal::ERRNO),
            code: signed(signal::CODE),
            pid: get32(view, signal::PID),
            uid: get32(view, signal::UID),
            int: signed(signal::INT),
            ptr: get(view, signal::PTR),
            addr: get(view, signal::ADDR),
            status: signed(signal::STATUS),
        };
    }
    SigInfo {
        signo: get32(view, signal::OLD_SIGNO),
        errno: signed(signal::OLD_ERRNO),
        code: signed(signal::OLD_CODE),
        pid: get32(view, signal::OLD_PID),
        uid: get32(view, signal::OLD_UID),
        int: signed(signal::OLD_INT),
        ptr: get(view, signal::OLD_PTR),
        ..SigInfo::default()
    }
}

fn perms(view: &View) -> IpcPerms {
    const PERMS: FieldId = table::IPC_SHM.id("perms.id");
    let offset = view
        .layout
        .slot(PERMS)
        .map(|slot| slot.offset.saturating_sub(8) as usize);
    let layout = Layout::of(&table::IPC_PERMS, view.dialect);
    let (Some(offset), Some(layout)) = (offset.or(Some(8)), layout) else {
        return IpcPerms::default();
    };
    let Some(bytes) = view.bytes.get(offset..) else {
        return IpcPerms::default();
    };
    let inner = View {
        layout: &layout,
        bytes,
        dialect: view.dialect,
    };
    IpcPerms {
        id: objref(&inner, ipc::ID),
        key: get32(&inner, ipc::KEY),
        uid: get32(&inner, ipc::UID),
        gid: get32(&inner, ipc::GID),
        cuid: get32(&inner, ipc::CUID),
        cgid: get32(&inner, ipc::CGID),
        mode: get32(&inner, ipc::MODE),
        seq: get(&inner, ipc::SEQ),
    }
}

fn unix_name(view: &View, id: FieldId, used: u64) -> String {
    let len = usize::try_from(used.saturating_sub(2)).unwrap_or(0);
    let path = view.raw(id).unwrap_or_default();
    let path = path.get(..len.min(path.len())).unwrap_or_default();
    match path.split_first() {
        Some((0, name)) if !name.is_empty() => format!("@{}", escape(name)),
        _ => escape(until_nul(path)),
    }
}

fn inet_name(view: &View, addr: FieldId, port: FieldId) -> String {
    let address = std::net::Ipv4Addr::from(get32(view, addr));
    format!("{address}:{}", get(view, port))
}

fn empty(detection: Detection, diagnostics: u32) -> Image {
    Image {
        detection,
        header: Header::default(),
        pids: Vec::new(),
        pid_offset: 0,
        tasks: Vec::new(),
        objects: BTreeMap::new(),
        file_tables: BTreeMap::new(),
        files: BTreeMap::new(),
        pipes: BTreeMap::new(),
        mms: BTreeMap::new(),
        segments: BTreeMap::new(),
        fs: BTreeMap::new(),
        sighands: BTreeMap::new(),
        signals: BTreeMap::new(),
        creds: BTreeMap::new(),
        users: BTreeMap::new(),
        user_namespaces: BTreeMap::new(),
        groups: BTreeMap::new(),
        namespaces: BTreeMap::new(),
        uts: BTreeMap::new(),
        ipc: BTreeMap::new(),
        net: BTreeMap::new(),
        devices: BTreeMap::new(),
        sockets: BTreeMap::new(),
        terminals: BTreeMap::new(),
        epolls: BTreeMap::new(),
        sem_undos: BTreeMap::new(),
        labels: BTreeMap::new(),
        error: None,
        num_records: 0,
        len: 0,
        num_pages: 0,
        complete: false,
        findings: Findings::new(diagnostics),
    }
}
