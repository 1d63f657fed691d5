//! From the model to the types of the document.

use super::{
    Abi, AddressSpace, AuxvEntry, Bits, Credentials, Descriptor, Dialect, Document, Evidence, File,
    FileTable, Finding, Header, Hex, Ipc, Mapping, Named, Namespaces, ObjRef, Pipe, Register,
    RegisterFile, Segment, Signal, Socket, Task, TaskObjects, Terminal, Watch,
};
use crate::diagnostic::Findings;
use crate::model::{self, FileKind, FpRegs, Image};
use crate::report::SCHEMA;
use crate::text::escape;
use ckpt_format::values;

impl Document {
    /// The document of an image; `findings` are those to report, parsing and validation together.
    pub fn new(image: &Image, findings: &Findings) -> Document {
        let parts = Parts::of(image);
        Document {
            schema: SCHEMA,
            dialect: parts.dialect(),
            header: parts.header(),
            num_records: image.num_records,
            len: image.len,
            num_pages: image.num_pages,
            complete: image.complete,
            error: image.error.as_ref().map(|(_, text)| escape(text)),
            tasks: image.tasks.iter().map(|task| parts.task(task)).collect(),
            address_spaces: image
                .mms
                .iter()
                .map(|(at, mm)| parts.address_space(*at, mm))
                .collect(),
            segments: image
                .segments
                .iter()
                .map(|(at, segment)| segment_of(*at, segment))
                .collect(),
            file_tables: image
                .file_tables
                .iter()
                .map(|(at, table)| file_table(*at, table))
                .collect(),
            files: parts.files(),
            pipes: image
                .pipes
                .iter()
                .map(|(at, pipe)| pipe_of(*at, pipe))
                .collect(),
            sockets: image
                .sockets
                .iter()
                .map(|(at, socket)| parts.socket(*at, socket))
                .collect(),
            terminals: image
                .terminals
                .iter()
                .map(|(at, tty)| terminal(*at, tty))
                .collect(),
            credentials: image
                .creds
                .iter()
                .map(|(at, cred)| parts.credentials(*at, cred))
                .collect(),
            namespaces: image
                .namespaces
                .iter()
                .map(|(at, ns)| parts.namespaces(*at, ns))
                .collect(),
            ipc: image.ipc.iter().map(|(at, ipc)| ipc_of(*at, ipc)).collect(),
            signals: image
                .signals
                .iter()
                .map(|(at, signal)| signal_of(*at, signal))
                .collect(),
            diagnostics: findings.kept().iter().map(Finding::from).collect(),
            diagnostics_dropped: findings.dropped(),
        }
    }
}

/// Makes the parts of a document one by one, for who wants some of them.
#[derive(Clone)]
pub struct Parts<'a> {
    image: &'a Image,
}

impl<'a> Parts<'a> {
    /// Of this image.
    pub fn of(image: &'a Image) -> Parts<'a> {
        Parts { image }
    }

    fn named(&self, of: &ckpt_format::schema::Enum, value: u64) -> Named {
        let dialect = self.image.detection.dialect;
        let name = of.name_of(
            (value & 0xffff_ffff) as u32,
            dialect.revision,
            dialect.abi.arch,
        );
        Named {
            value,
            name: name.map(|name| name.name.to_owned()),
        }
    }

    fn bits(&self, of: &ckpt_format::schema::Flags, value: u64) -> Bits {
        let (names, rest) = of.names(value, self.image.arch());
        let mut names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        if rest != 0 {
            names.push(format!("{rest:#x}"));
        }
        Bits {
            value: Hex::new(value),
            names,
        }
    }

    fn dialect(&self) -> Dialect {
        let detection = &self.image.detection;
        let fact = |e: &crate::detect::Evidence| Evidence {
            offset: e.offset,
            fact: e.fact.clone(),
            leaves: e.leaves.clone(),
        };
        Dialect {
            revision: detection.dialect.revision.to_string(),
            also: detection.also.iter().map(ToString::to_string).collect(),
            arch: detection.dialect.abi.arch.name().to_owned(),
            byte_order: detection.dialect.abi.order.to_string(),
            page_size: detection.page_size,
            overridden: detection.overridden,
            evidence: detection.evidence.iter().map(fact).collect(),
        }
    }

    fn header(&self) -> Header {
        let header = &self.image.header;
        let (major, minor, patch) = header.kernel;
        Header {
            kernel: format!("{major}.{minor}.{patch}"),
            release: escape(&header.release),
            version: escape(&header.version),
            machine: escape(&header.machine),
            rev: header.rev,
            time: header.time,
            uflags: self.bits(&values::UFLAGS, header.uflags),
            lsm: escape(&header.lsm_name),
            cpu_architecture: header
                .arm
                .map(|arm| self.named(&values::CPU_ARCHITECTURE, u64::from(arm.cpu_architecture))),
            mmu: header.arm.map(|arm| arm.mmu),
            aeabi: header.arm.map(|arm| arm.aeabi),
            oabi_compat: header.arm.map(|arm| arm.oabi_compat),
        }
    }

    /// A task.
    pub fn task(&self, task: &model::Task) -> Task {
        let live = task.live.as_ref();
        let wide = self.image.arch().word_size() == 8;
        let word = |_: &str, value| {
            if wide {
                Hex::wide(value)
            } else {
                Hex::new(value)
            }
        };
        Task {
            index: task.index,
            record: task.record.index,
            offset: task.record.offset,
            pid: task.pid,
            tgid: task.tgid,
            ppid: task.ppid,
            pgid: task.pgid,
            sid: task.sid,
            nested_pids: task.nested_pids.clone(),
            comm: escape(&task.comm),
            state: self.named(&values::TASK_STATE, u64::from(task.state)),
            exit_code: task.is_zombie().then_some(task.exit_code),
            registers: live.map(|live| register_list(live.regs.list(), word)),
            calls: None,
            cpsr: task.arm().map(model::ArmRegs::cpsr_words),
            tp_value: live
                .and_then(|live| live.thread.tp_value)
                .map(|value| Hex::new(u64::from(value))),
            thumbee_state: live
                .and_then(|live| live.thread.thumbee_state)
                .map(|value| Hex::new(u64::from(value))),
            syscall: live
                .and_then(|live| live.thread.syscall)
                .map(|number| Named {
                    value: u64::from(number),
                    name: ckpt_format::syscalls::name(number).map(str::to_owned),
                }),
            restart_block: live
                .map(|live| self.named(&ckpt_format::enums::RESTART_BLOCK_TYPE, live.restart.kind)),
            register_files: live
                .map(|live| live.fpu.iter().map(register_file).collect())
                .unwrap_or_default(),
            abi: live.and_then(|live| live.abi.as_ref()).map(abi),
            blocked: live.map(|live| Hex::new(live.blocked)),
            objects: live.map(|live| TaskObjects {
                files: live.files,
                mm: live.mm,
                fs: live.fs,
                sighand: live.sighand,
                signal: live.signal,
                cred: live.cred,
                ns: live.ns,
            }),
        }
    }

    /// An address space.
    pub fn address_space(&self, object: ObjRef, mm: &model::Mm) -> AddressSpace {
        let entry = |(kind, value): &(u64, u64)| AuxvEntry {
            kind: Named {
                value: *kind,
                name: values::auxv_name(*kind).map(str::to_owned),
            },
            value: Hex::new(*value),
        };
        AddressSpace {
            object,
            record: mm.record.index,
            exe: self.image.exe_of(mm).map(escape),
            start_brk: Hex::new(mm.brk.0),
            brk: Hex::new(mm.brk.1),
            start_stack: Hex::new(mm.start_stack),
            auxv: mm.auxv.iter().map(entry).collect(),
            mappings: mm.vmas.iter().map(|vma| self.mapping(mm, &vma)).collect(),
        }
    }

    fn mapping(&self, mm: &model::Mm, vma: &model::Vma) -> Mapping {
        let runs = mm.pages_of(vma);
        Mapping {
            start: Hex::new(vma.start),
            end: Hex::new(vma.end),
            permissions: vma.permissions(),
            kind: self.named(&ckpt_format::enums::VMA_TYPE, u64::from(vma.kind.number())),
            flags: self.bits(&values::VM_FLAGS, vma.flags),
            file_offset: if vma.file > 0 {
                vma.pgoff.saturating_mul(self.image.page_size())
            } else {
                0
            },
            path: self.image.path_of(vma.file).map(escape),
            segment: vma.inode,
            stored_len: runs.iter().map(|run| run.len).fold(0, u64::saturating_add),
            runs: runs
                .iter()
                .map(|run| (Hex::new(run.addr), run.offset, run.len))
                .collect(),
        }
    }

    fn files(&self) -> Vec<File> {
        let holders = self.image.holders();
        let file =
            |(at, file): (ObjRef, model::File)| self.file(at, &file, holders.of(at).collect());
        self.image.files.iter().map(file).collect()
    }

    /// An open file.
    pub fn file(&self, object: ObjRef, file: &model::File, holders: Vec<(u32, i32)>) -> File {
        let count = match file.kind {
            FileKind::EventFd(count, _) => Some(count),
            _ => None,
        };
        let watch = |item: &model::EpollItem| Watch {
            fd: item.fd,
            file: item.file,
            events: self.bits(&values::EPOLL_EVENTS, u64::from(item.events)),
            data: Hex::new(item.data),
        };
        File {
            object,
            record: file.record.index,
            kind: file.kind.name().to_owned(),
            path: file.path.map(escape),
            flags: self.bits(&values::OPEN_FLAGS, u64::from(file.flags)),
            pos: file.pos,
            target: file.kind.object(),
            count,
            watches: self.image.watched(object).iter().map(watch).collect(),
            holders,
        }
    }

    /// A socket.
    pub fn socket(&self, object: ObjRef, socket: &model::Socket) -> Socket {
        let bytes = |queue: &model::SocketQueue| u64::from(queue.total_bytes);
        Socket {
            object,
            family: self.named(&values::ADDRESS_FAMILY, u64::from(socket.family)),
            kind: self.named(&values::SOCK_TYPE, u64::from(socket.kind)),
            state: self.named(&values::TCP_STATE, u64::from(socket.state)),
            local: socket.local.clone(),
            remote: socket.remote.clone(),
            peer: socket.peer,
            queued: socket.queues.iter().map(bytes).collect(),
        }
    }

    /// Credentials.
    pub fn credentials(&self, object: ObjRef, cred: &model::Cred) -> Credentials {
        Credentials {
            object,
            uids: cred.uids,
            gids: cred.gids,
            groups: self
                .image
                .groups
                .get(&cred.groups)
                .cloned()
                .unwrap_or_default(),
            capabilities: cred.caps.map(Hex::new),
            label: self
                .image
                .labels
                .get(&cred.label)
                .map(|label| escape(&label.text)),
        }
    }

    fn namespaces(&self, object: ObjRef, ns: &model::Namespaces) -> Namespaces {
        let names = |uts: &model::Uts| uts.names.each_ref().map(|name| escape(name));
        Namespaces {
            object,
            uts: self.image.uts.get(&ns.uts).map(names),
            ipc: ns.ipc,
            net: ns.net,
        }
    }
}

/// Whether a coprocessor's register of this name has 64 bits.
pub fn is_wide(name: &str) -> bool {
    let number = |prefix: &str| {
        name.strip_prefix(prefix)
            .is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit()))
    };
    number("d")
        || number("wr")
        || number("mvdx")
        || number("bytes")
        || matches!(name, "dspsc" | "acc0")
}

fn register_list(list: Vec<(String, u64)>, hex: impl Fn(&str, u64) -> Hex) -> Vec<Register> {
    list.into_iter()
        .map(|(name, value)| Register {
            value: hex(&name, value),
            name,
            symbol: None,
            place: None,
            text: None,
        })
        .collect()
}

/// Names and values of a register file.
pub fn register_file_list(regs: &FpRegs) -> (String, Vec<(String, u64)>) {
    let mut list = Vec::new();
    let mut add = |name: String, value: u64| list.push((name, value));
    let unit = match regs {
        FpRegs::Vfp(vfp) => {
            let count = if vfp.d32 { 32 } else { 16 };
            for (i, value) in vfp.d.iter().enumerate().take(count) {
                add(format!("d{i}"), *value);
            }
            add("fpscr".to_owned(), u64::from(vfp.fpscr));
            for (name, value) in ["fpexc", "fpinst", "fpinst2"]
                .iter()
                .zip(vfp.exc.iter().flatten())
            {
                add((*name).to_owned(), u64::from(*value));
            }
            "VFP".to_owned()
        }
        FpRegs::Fpa(fpa) => {
            for (i, words) in fpa.f.iter().enumerate() {
                for (part, word) in words.iter().enumerate() {
                    add(format!("f{i}.{part}"), u64::from(*word));
                }
            }
            add("fpsr".to_owned(), u64::from(fpa.fpsr));
            add("fpcr".to_owned(), u64::from(fpa.fpcr));
            "FPA".to_owned()
        }
        FpRegs::Iwmmxt(wmmx) => {
            for (i, value) in wmmx.wr.iter().enumerate() {
                add(format!("wr{i}"), *value);
            }
            add("wcssf".to_owned(), u64::from(wmmx.wcssf));
            add("wcasf".to_owned(), u64::from(wmmx.wcasf));
            for (i, value) in wmmx.wcgr.iter().enumerate() {
                add(format!("wcgr{i}"), u64::from(*value));
            }
            "IWMMXT".to_owned()
        }
        FpRegs::Crunch(crunch) => {
            for (i, value) in crunch.mvdx.iter().enumerate() {
                add(format!("mvdx{i}"), *value);
            }
            for (i, words) in crunch.mvax.iter().enumerate() {
                for (part, word) in words.iter().enumerate() {
                    add(format!("mvax{i}.{part}"), u64::from(*word));
                }
            }
            add("dspsc".to_owned(), crunch.dspsc);
            "CRUNCH".to_owned()
        }
        FpRegs::XscaleDsp([low, high]) => {
            add(
                "acc0".to_owned(),
                u64::from(*low) | u64::from(*high).wrapping_shl(32),
            );
            "XSCALE_DSP".to_owned()
        }
        FpRegs::Other(unit, bytes) => {
            for (i, chunk) in bytes.chunks(8).enumerate() {
                add(
                    format!("bytes{}", i.saturating_mul(8)),
                    crate::view::read_uint(chunk, ckpt_format::Order::Little),
                );
            }
            unit.to_string()
        }
    };
    (unit, list)
}

fn register_file(file: &model::FpFile) -> RegisterFile {
    let (unit, list) = register_file_list(&file.regs);
    let own = |name: &str, value| {
        if is_wide(name) {
            Hex::wide(value)
        } else {
            Hex::new(value)
        }
    };
    RegisterFile {
        unit,
        used: file.is_used(),
        registers: register_list(list, own),
    }
}

fn abi(abi: &model::ArmAbi) -> Abi {
    let hex = |value: Option<u32>| value.map(|value| Hex::new(u64::from(value)));
    Abi {
        personality: hex(abi.personality),
        e_flags: hex(abi.e_flags),
        hwcap: hex(abi.hwcap),
        hwcap2: hex(abi.hwcap2),
        page_size: abi.page_size,
        endian: abi.endian,
        calling: abi.calling,
    }
}

fn segment_of(object: ObjRef, segment: &model::Segment) -> Segment {
    let runs = segment
        .pages
        .iter()
        .map(|run| (run.addr, run.offset, run.len))
        .collect();
    Segment {
        object,
        size: segment.size,
        runs,
    }
}

fn file_table(object: ObjRef, table: &model::FileTable) -> FileTable {
    let descriptor = |fd: model::Fd| Descriptor {
        fd: fd.fd,
        file: fd.file,
        close_on_exec: fd.close_on_exec,
    };
    FileTable {
        object,
        descriptors: table.fds.iter().map(descriptor).collect(),
    }
}

/// A pipe or fifo.
pub fn pipe_of(object: ObjRef, pipe: &model::Pipe) -> Pipe {
    Pipe {
        object,
        len: pipe.data.len,
        offset: pipe.data.offset,
    }
}

/// A terminal.
pub fn terminal(object: ObjRef, tty: &model::Terminal) -> Terminal {
    Terminal {
        object,
        index: tty.index,
        subtype: tty.subtype,
        link: tty.link,
        rows: tty.size.0,
        columns: tty.size.1,
        unread: tty.input.map_or(0, |input| input.len),
    }
}

fn ipc_of(object: ObjRef, ipc: &model::Ipc) -> Ipc {
    let key = |perms: &model::IpcPerms| (perms.id, Hex::new(u64::from(perms.key)));
    let queue = |queue: &model::IpcQueue| {
        let (id, key) = key(&queue.perms);
        (
            id,
            key,
            queue.messages.iter().map(|message| message.len).collect(),
        )
    };
    let semaphores = |set: &model::IpcSemaphores| {
        let (id, key) = key(&set.perms);
        (
            id,
            key,
            set.values.iter().map(|(value, _)| *value).collect(),
        )
    };
    let segment = |segment: &model::IpcSegment| {
        let (id, key) = key(&segment.perms);
        (id, key, segment.size)
    };
    Ipc {
        object,
        segments: ipc.segments.iter().map(segment).collect(),
        queues: ipc.queues.iter().map(queue).collect(),
        semaphores: ipc.semaphores.iter().map(semaphores).collect(),
    }
}

fn signal_of(object: ObjRef, signal: &model::Signal) -> Signal {
    let limit = |(name, (soft, hard)): (&&str, &(u64, u64))| {
        ((*name).to_owned(), Hex::new(*soft), Hex::new(*hard))
    };
    Signal {
        object,
        rlimits: values::RLIMIT_NAMES
            .iter()
            .zip(&signal.rlimits)
            .map(limit)
            .collect(),
        pending: Hex::new(signal.pending.mask),
    }
}
