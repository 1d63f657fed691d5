//! From a [`Tree`] to a checkpoint stream of revision R18.
//!
//! The order of records is that of §2 of the specification; each function writes one production of its grammar.

use std::collections::{HashMap, HashSet};

use ckpt_format::{Object, Tag, enums::ARCH_ID};

use crate::{
    bytes::{Order, push_uint},
    core::Machine,
    siginfo::SigInfo,
    stream::{Fill, Recorder, Stream},
    tree::{
        Creds, File, FileKind, Ipc, IpcOwner, IpcQueue, IpcSegment, Live, Mm, PAGE, Pages, State,
        Task, Tree, Tty, Unit, Vma, VmaKind,
    },
    x86,
};

/// Pages in one group at most (§4.1), on 32-bit and 64-bit machines.
const GROUP: [u64; 2] = [16384, 8192];
/// Longest text of a System V message, in bytes.
const MAX_TEXT: u64 = 1 << 20;
/// `FOREIGN.format` of a CRIU set.
const FOREIGN_CRIU: u64 = 1;
/// Bytes of a foreign file in one record at most.
const FOREIGN_PART: u64 = 64 << 20;
/// Value of a pid field that means "none" (§2.4).
const NO_PID: i32 = -4096;
/// `VM_ALWAYSDUMP`: what the kernels of the time set on the vdso.
const ALWAYSDUMP: u64 = 0x0400_0000;
/// Words in the saved auxiliary vector (`AT_VECTOR_SIZE`) at least.
const AUXV_WORDS: usize = 40;

/// Makes the stream. It holds all that the tree does; a tree cannot hold what a stream has no place for.
pub fn to_stream(tree: &Tree) -> Stream {
    let blobs = tree.blobs.iter().chain(&tree.foreign).cloned().collect();
    let system_v = tree.ipc.iter().flat_map(|ipc| &ipc.objects.segments);
    let mut e = Emitter {
        tree,
        out: Recorder::new(tree.machine, tree.order, blobs),
        next: 1,
        objects: HashMap::new(),
        creds: HashMap::new(),
        user_ns: 0,
        ns: 0,
        deferred: Vec::new(),
        system_v: system_v.map(|s| s.memory).collect(),
    };
    e.image();
    e.out.stream
}

/// What a number was given to: a list of the tree and an index in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Thing {
    Table(usize),
    File(usize),
    Mm(usize),
    Dirs(usize),
    Actions(usize),
    Process(usize),
    Pipe(usize),
    Socket(usize),
    Tty(usize),
    Segment(usize),
    Inode(usize),
}

/// Work that waits for the end of a descriptor table (§2.3).
enum Deferred {
    Epoll(usize),
    Socket(usize),
}

struct Emitter<'a> {
    tree: &'a Tree,
    out: Recorder,
    next: i32,
    objects: HashMap<Thing, i32>,
    creds: HashMap<&'a Creds, i32>,
    user_ns: i32,
    ns: i32,
    deferred: Vec<Deferred>,
    /// Shared memory that is a System V segment.
    system_v: HashSet<usize>,
}

impl<'a> Emitter<'a> {
    fn image(&mut self) {
        self.head();
        let tags = self.pids();
        self.next = i32::try_from(tags.len()).unwrap_or(i32::MAX - 1) + 1;
        self.tasks_of(&tags);
        for task in &self.tree.tasks {
            self.task(task);
        }
        self.foreign();
        self.out.record(Tag::Tail, None, |r| {
            r.set("magic", 0x002d_2a0c_c0de_ef00);
        });
    }

    /// Files of a foreign set, for what records have no field for (§10.6).
    fn foreign(&mut self) {
        for (i, file) in self.tree.foreign.iter().enumerate() {
            let parts = file.len().div_ceil(FOREIGN_PART);
            self.out.record(Tag::Foreign, None, |r| {
                r.set("format", FOREIGN_CRIU)
                    .set("parts", parts)
                    .set("size", file.len());
            });
            self.out
                .payload(Tag::String, &[file.name.as_bytes(), b"\0"].concat());
            for part in 0..parts {
                let at = part * FOREIGN_PART;
                let len = FOREIGN_PART.min(file.len() - at);
                self.out.head(Tag::Buffer, len);
                self.out
                    .stream
                    .push_extent(self.tree.blobs.len() + i, at, len);
            }
        }
    }

    fn head(&mut self) {
        let dialect = self.out.dialect();
        let arch = ARCH_ID
            .number_of(dialect.abi.arch.name(), dialect.revision, dialect.abi.arch)
            .unwrap_or(0);
        let [release, version, machine] = &self.tree.kernel;
        let mut numbers = release
            .split(|c: char| !c.is_ascii_digit())
            .map(|n| n.parse::<u16>().unwrap_or(0));
        let words = self.auxv_words() as u64;
        let time = self.tree.time;
        self.out.record(Tag::Header, None, |r| {
            r.set("magic", 0x00fe_ed0c_c0a2_d200)
                .set("arch_id", arch.into());
            for field in ["major", "minor", "patch"] {
                r.set(field, numbers.next().unwrap_or(0).into());
            }
            r.set("rev", dialect.revision.info().checkpoint_version.into());
            r.set("constants.task_comm_len", 16)
                .set("constants.at_vector_size", words);
            r.set("constants.signal_nsig", 64)
                .set("constants.rlimit_nlimits", 16);
            for name in [
                "sysname",
                "nodename",
                "release",
                "version",
                "machine",
                "domainname",
            ] {
                r.set(&format!("constants.uts_{name}_len"), 65);
            }
            r.set("constants.n_tty_buf_size", 4096)
                .set("constants.tty_termios_nccs", 19);
            r.set("time", time).set("uflags", 1);
        });
        for text in [release, version, machine] {
            self.out.payload(Tag::Buffer, &padded(text.as_bytes(), 65));
        }
        self.head_arch();
        self.out.record(Tag::Container, None, |_| {});
        self.out.payload(Tag::Buffer, &padded(b"lsm_none", 11));
        self.out.payload(Tag::LsmInfo, b"dummy");
    }

    fn head_arch(&mut self) {
        let arm = self.tree.machine == Machine::Arm;
        let architecture = cpu_architecture(&self.tree.kernel[2]);
        self.out.record(Tag::HeaderArch, None, |r| {
            if arm {
                r.set("cpu_architecture", architecture)
                    .set("mmu", 1)
                    .set("aeabi", 1);
            } else {
                r.set("has_fxsr", 1).set("xstate_size", 512);
            }
        });
    }

    fn auxv_words(&self) -> usize {
        let longest = self.tree.mms.iter().map(|mm| 2 * mm.auxv.len() + 2).max();
        longest
            .unwrap_or(0)
            .max(if self.tree.machine == Machine::Arm {
                AUXV_WORDS
            } else {
                44
            })
    }

    /// Writes one pid object for each number that any task mentions; its tag is its place, from 1 on.
    fn pids(&mut self) -> HashMap<i32, i32> {
        let mut tags = HashMap::new();
        let mut numbers = Vec::new();
        let tasks = &self.tree.tasks;
        let own = tasks.iter().map(|t| t.tid);
        let others = tasks.iter().flat_map(|t| [t.tgid, t.pgid, t.sid, t.ppid]);
        for number in own.chain(others).filter(|&n| n > 0) {
            tags.entry(number).or_insert_with(|| {
                numbers.push(number);
                i32::try_from(numbers.len()).unwrap_or(i32::MAX)
            });
        }
        self.out.record(Tag::Pids, None, |r| {
            r.set("nr_pids", numbers.len() as u64).set("offset", 1);
        });
        let words = numbers.iter().flat_map(|&n| [0, n]);
        let buffer = self.words(words);
        self.out.payload(Tag::Buffer, &buffer);
        tags
    }

    fn tasks_of(&mut self, tags: &HashMap<i32, i32>) {
        let tag = |number| tags.get(&number).copied().unwrap_or(0);
        let tasks = &self.tree.tasks;
        self.out.record(Tag::Tree, None, |r| {
            r.set("nr_tasks", tasks.len() as u64);
        });
        let words = tasks.iter().flat_map(|t| {
            [
                tag(t.tid),
                tag(t.ppid),
                tag(t.tgid),
                tag(t.pgid),
                tag(t.sid),
                0,
            ]
        });
        let buffer = self.words(words);
        self.out.payload(Tag::Buffer, &buffer);
    }

    fn words(&self, words: impl Iterator<Item = i32>) -> Vec<u8> {
        let mut out = Vec::new();
        for word in words {
            push_uint(&mut out, self.tree.order, word.cast_unsigned().into(), 4);
        }
        out
    }

    fn task(&mut self, task: &'a Task) {
        let leader = task.tid == task.tgid;
        self.out.record(Tag::Task, None, |r| {
            match task.state {
                State::Running => r.set("state", 0),
                State::Sleeping => r.set("state", 1),
                State::Stopped(_) => r.set("state", 4),
                State::Zombie(code) => r
                    .set("state", 64)
                    .set("exit_state", 16)
                    .set("exit_code", code.into()),
            };
            r.set("exit_signal", if leader { 17 } else { 0xffff_ffff });
            if let Some(live) = &task.live {
                r.set(
                    "flags",
                    u64::from(live.forked) | u64::from(live.super_user) << 1,
                );
                r.set("pdeath_signal", live.pdeath.into())
                    .set("clear_child_tid", live.clear_tid);
                r.set("sas_ss_sp", live.sigaltstack.0)
                    .set("sas_ss_size", live.sigaltstack.1);
                r.set("robust_futex_list", live.robust.0)
                    .set("robust_futex_head_len", live.robust.1.into());
            }
        });
        self.out.payload(
            Tag::String,
            &padded(
                task.comm.get(..task.comm.len().min(15)).unwrap_or_default(),
                16,
            ),
        );
        if let Some(live) = &task.live {
            self.live(live);
        }
    }

    fn live(&mut self, live: &'a Live) {
        self.cpu(live);
        let cred = self.cred(&live.creds);
        self.out.record(Tag::TaskCreds, None, |r| {
            r.set_i32("cred_ref", cred).set_i32("ecred_ref", cred);
        });
        let ns = self.namespaces();
        self.out.record(Tag::TaskNs, None, |r| {
            r.set_i32("ns_objref", ns);
        });
        let files = self.table(live.table, cred);
        let mm = self.mm(live.mm, cred);
        let fs = self.dirs(live.dirs);
        let sighand = self.actions(live.actions);
        let (signal, first) = self.number(Thing::Process(live.process));
        self.out.record(Tag::TaskObjs, None, |r| {
            r.set_i32("files_objref", files)
                .set_i32("mm_objref", mm)
                .set_i32("fs_objref", fs);
            r.set_i32("sighand_objref", sighand)
                .set_i32("signal_objref", signal);
        });
        if first {
            self.process(live.process);
        }
        self.pending(&live.pending);
        let blocked = self.sigset(live.blocked);
        self.out.record(Tag::SignalTask, None, |r| {
            r.set_bytes("blocked.sigset", &blocked);
        });
    }

    fn cpu(&mut self, live: &'a Live) {
        let machine = self.tree.machine;
        self.out.record(Tag::Thread, None, |r| {
            if machine == Machine::Arm {
                r.set("syscall", live.syscall.into())
                    .set("tp_value", live.tls.into())
                    .set("thumbee_state", live.thumbee.into());
            } else {
                r.set("gdt_entry_tls_entries", 3)
                    .set("sizeof_tls_array", 24)
                    .resize(48);
            }
        });
        self.out.record(Tag::RestartBlock, None, |r| {
            let (kind, args) = live.restart;
            r.set("function_type", kind);
            for (i, arg) in args.into_iter().enumerate() {
                r.set(&format!("arg_{i}"), arg);
            }
        });
        self.out.record(Tag::Cpu, None, |r| {
            if machine == Machine::Arm {
                for (i, &reg) in live.regs.iter().take(18).enumerate() {
                    r.set_at("uregs", i, reg);
                }
            } else {
                for (&name, &reg) in x86::registers(machine).iter().zip(&live.regs) {
                    r.set(
                        name,
                        if x86::is_segment(name) {
                            x86::segment_code(machine, reg)
                        } else {
                            reg
                        },
                    );
                }
                r.set("used_math", live.x86_fp.is_some().into());
            }
        });
        if let Some(area) = &live.x86_fp {
            self.out.payload(Tag::CpuFpu, area);
        }
        if machine == Machine::Arm {
            self.arm(live);
        }
    }

    /// The extension of R18: register files by number, then the binary interface.
    fn arm(&mut self, live: &'a Live) {
        let mut units: Vec<&Unit> = live.units.iter().collect();
        units.sort_by_key(|u| u.kind);
        for unit in units {
            self.out.record(Tag::CpuFpu, None, |r| {
                r.set("unit", unit.kind.into())
                    .set("flags", unit.flags.into());
                r.set("regset_len", unit.data.len() as u64);
                r.tail(32, &unit.data)
                    .resize((32 + unit.data.len()).next_multiple_of(8));
            });
        }
        let aux = |kind| {
            self.tree
                .mms
                .get(live.mm)?
                .auxv
                .iter()
                .find(|&&(k, _)| k == kind)
                .map(|&(_, v)| v)
        };
        let e_flags = live.abi.e_flags;
        let endian = match (self.tree.order, e_flags) {
            (Order::Little, _) => Some(0),
            (Order::Big, Some(f)) => Some(if f & 0x0080_0000 != 0 { 1 } else { 2 }),
            (Order::Big, None) => None,
        };
        let calling = match e_flags {
            Some(f) if f >> 24 == 0 => 1,
            Some(f) if f & 0x400 != 0 => 3,
            Some(f) if f & 0x200 != 0 => 2,
            _ => 0,
        };
        let fields = [
            ("personality", live.abi.personality.map(u64::from)),
            ("e_flags", e_flags.map(u64::from)),
            ("hwcap", aux(16)),
            ("hwcap2", aux(26)),
            ("page_size", aux(6)),
            ("endian", endian),
        ];
        self.out.record(Tag::ArmAbi, None, |r| {
            let mut valid = 0;
            for (bit, (name, value)) in fields.into_iter().enumerate() {
                if let Some(value) = value {
                    valid |= 1 << bit;
                    r.set(name, value);
                }
            }
            r.set("calling", calling).set("valid", valid);
        });
    }

    /// The number of a thing, and whether this is its first use.
    fn number(&mut self, thing: Thing) -> (i32, bool) {
        if let Some(&number) = self.objects.get(&thing) {
            return (number, false);
        }
        let number = self.fresh();
        self.objects.insert(thing, number);
        (number, true)
    }

    fn fresh(&mut self) -> i32 {
        let number = self.next;
        self.next = self.next.saturating_add(1);
        number
    }

    /// Announces a thing on its first use; says its number and whether its records must follow.
    fn announce(&mut self, object: Object, thing: Thing) -> (i32, bool) {
        let (number, first) = self.number(thing);
        if first {
            self.out.objref(object, number);
        }
        (number, first)
    }

    fn cred(&mut self, creds: &'a Creds) -> i32 {
        if let Some(&number) = self.creds.get(creds) {
            return number;
        }
        let number = self.fresh();
        self.creds.insert(creds, number);
        self.out.objref(Object::Cred, number);
        let group_info = self.fresh();
        self.out.objref(Object::GroupInfo, group_info);
        let mut groups = Vec::new();
        for &g in &creds.groups {
            push_uint(&mut groups, self.tree.order, g.into(), 4);
        }
        self.out.record(Tag::GroupInfo, None, |r| {
            r.set("ngroups", creds.groups.len() as u64)
                .resize(16 + groups.len())
                .tail(12, &groups);
        });
        let user = self.fresh();
        self.out.objref(Object::User, user);
        if self.user_ns == 0 {
            self.user_ns = self.fresh();
            self.out.objref(Object::UserNs, self.user_ns);
            self.out.record(Tag::UserNs, None, |_| {});
        }
        let user_ns = self.user_ns;
        let uid = creds.uid[0];
        self.out.record(Tag::User, None, |r| {
            r.set("uid", uid.into()).set_i32("userns_ref", user_ns);
        });
        self.out.record(Tag::Cred, None, |r| {
            for (names, values) in [
                (["uid", "euid", "suid", "fsuid"], creds.uid),
                (["gid", "egid", "sgid", "fsgid"], creds.gid),
            ] {
                for (name, value) in names.into_iter().zip(values) {
                    r.set(name, value.into());
                }
            }
            r.set_i32("user_ref", user)
                .set_i32("groupinfo_ref", group_info);
            for (letter, caps) in ["i", "p", "e", "b"].into_iter().zip(creds.caps) {
                r.set(&format!("cap_s.cap_{letter}_0"), caps)
                    .set(&format!("cap_s.cap_{letter}_1"), caps >> 32);
            }
            r.set("cap_s.securebits", creds.securebits.into());
        });
        number
    }

    fn namespaces(&mut self) -> i32 {
        if self.ns != 0 {
            return self.ns;
        }
        self.ns = self.fresh();
        self.out.objref(Object::Ns, self.ns);
        let (tree, mut uts, mut ipc) = (self.tree, 0, 0);
        if let Some((node, domain)) = &tree.host {
            uts = self.fresh();
            self.out.objref(Object::UtsNs, uts);
            let [release, version, machine] = &tree.kernel;
            let texts = [
                ("sysname", "Linux"),
                ("nodename", node),
                ("release", release),
                ("version", version),
                ("machine", machine),
                ("domainname", domain),
            ];
            self.out.record(Tag::UtsNs, None, |r| {
                for (field, text) in texts {
                    r.set_bytes(
                        field,
                        text.as_bytes()
                            .get(..text.len().min(64))
                            .unwrap_or_default(),
                    );
                }
            });
        }
        if let Some(namespace) = &tree.ipc {
            ipc = self.ipc(namespace);
        }
        self.out.record(Tag::Ns, None, |r| {
            r.set_i32("uts_objref", uts).set_i32("ipc_objref", ipc);
        });
        self.ns
    }

    fn ipc(&mut self, ipc: &'a Ipc) -> i32 {
        let number = self.fresh();
        self.out.objref(Object::IpcNs, number);
        let limits = ipc.limits;
        self.out.record(Tag::IpcNs, None, |r| {
            r.set("shm_ctlmax", limits.shm.0)
                .set("shm_ctlall", limits.shm.1)
                .set("shm_ctlmni", limits.shm.2.into());
            for (name, value) in ["max", "mnb", "mni"].into_iter().zip(limits.msg) {
                r.set(&format!("msg_ctl{name}"), value.into());
            }
            for (name, value) in ["msl", "mns", "opm", "mni"].into_iter().zip(limits.sem) {
                r.set(&format!("sem_ctl_{name}"), value.into());
            }
        });
        let objects = &ipc.objects;
        self.ipc_list(Tag::IpcShm, objects.segments.len());
        for segment in &objects.segments {
            self.ipc_segment(segment);
        }
        self.ipc_list(Tag::IpcMsg, objects.queues.len());
        for queue in &objects.queues {
            self.ipc_queue(queue);
        }
        self.ipc_list(Tag::IpcSem, objects.semaphores.len());
        for set in &objects.semaphores {
            self.out.record(Tag::IpcSem, None, |r| {
                ipc_owner(r, &set.owner);
                r.set("sem_nsems", set.values.len() as u64);
            });
            if !set.values.is_empty() {
                let words = set.values.iter().flat_map(|&v| [i32::from(v), 0]);
                let values = self.words(words);
                self.out.payload(Tag::Buffer, &values);
            }
        }
        number
    }

    fn ipc_list(&mut self, members: Tag, count: usize) {
        let dialect = self.out.dialect();
        let kind = members
            .number(dialect.revision, dialect.abi.arch)
            .unwrap_or(0);
        self.out.record(Tag::Ipc, None, |r| {
            r.set("ipc_type", kind.into())
                .set("ipc_count", count as u64);
        });
    }

    fn ipc_segment(&mut self, segment: &'a IpcSegment) {
        let (inode, _) = self.number(Thing::Segment(segment.memory));
        let memory = self.tree.segments.get(segment.memory);
        self.out.record(Tag::IpcShm, None, |r| {
            ipc_owner(r, &segment.owner);
            r.set("shm_segsz", memory.map_or(0, |m| m.size))
                .set("mlock_uid", u32::MAX.into())
                .set_i32("objref", inode);
        });
        self.pages(memory.map_or(&[], |m| &m.pages), PAGE);
    }

    /// A queue. The text of a message stands in pieces, as the kernel keeps it (§3.12).
    fn ipc_queue(&mut self, queue: &IpcQueue) {
        let total: u64 = queue.messages.iter().map(|(_, text)| text.len()).sum();
        self.out.record(Tag::IpcMsg, None, |r| {
            ipc_owner(r, &queue.owner);
            r.set("q_cbytes", total)
                .set("q_qnum", queue.messages.len() as u64)
                .set("q_qbytes", queue.max_bytes.into());
        });
        let narrow = self.tree.machine.word() == 4;
        let (first, further) = if narrow { (4072, 4092) } else { (4048, 4088) };
        for (kind, text) in &queue.messages {
            self.out.record(Tag::IpcMsgMsg, None, |r| {
                r.set("m_type", *kind).set("m_ts", text.len());
            });
            let bytes = text.read_all(MAX_TEXT).unwrap_or_default();
            let (head, rest) = bytes.split_at(bytes.len().min(first));
            self.out.payload(Tag::Buffer, head);
            for piece in rest.chunks(further) {
                self.out.payload(Tag::Buffer, piece);
            }
        }
    }

    fn table(&mut self, index: usize, cred: i32) -> i32 {
        let (number, first) = self.announce(Object::FileTable, Thing::Table(index));
        let Some(fds) = self.tree.tables.get(index).filter(|_| first) else {
            return number;
        };
        self.out.record(Tag::FileTable, None, |r| {
            r.set("fdt_nfds", fds.len() as u64);
        });
        for fd in fds {
            let file = self.file(fd.file, cred);
            self.out.record(Tag::FileDesc, None, |r| {
                r.set_i32("fd_objref", file)
                    .set("fd_descriptor", fd.fd.into());
                r.set("fd_close_on_exec", fd.cloexec.into());
            });
        }
        let mut done = 0;
        while done < self.deferred.len() {
            match self.deferred.get(done) {
                Some(&Deferred::Epoll(file)) => self.epoll(file),
                Some(&Deferred::Socket(socket)) => self.queues(socket),
                None => break,
            }
            done += 1;
        }
        self.deferred.clear();
        number
    }

    fn file(&mut self, index: usize, cred: i32) -> i32 {
        let (number, first) = self.announce(Object::File, Thing::File(index));
        let Some(file) = self.tree.files.get(index).filter(|_| first) else {
            return number;
        };
        match &file.kind {
            FileKind::Path(path) => {
                self.file_record(file, cred, 1, |_| {});
                self.path(path);
            }
            FileKind::Pipe(pipe) => self.pipe(file, cred, 2, None, *pipe),
            FileKind::Fifo(path, pipe) => self.pipe(file, cred, 3, Some(path), *pipe),
            FileKind::Socket(socket) => {
                let sock = self.socket(*socket);
                self.file_record(file, cred, 4, |r| {
                    r.set_i32("sock_objref", sock);
                });
            }
            FileKind::Tty(tty) => {
                let tty = self.tty(*tty, Some(number));
                self.file_record(file, cred, 5, |r| {
                    r.set_i32("tty_objref", tty);
                });
            }
            FileKind::Epoll(_) => {
                self.file_record(file, cred, 6, |_| {});
                self.deferred.push(Deferred::Epoll(index));
            }
            FileKind::Eventfd(count, flags) => self.file_record(file, cred, 7, |r| {
                r.set("count", *count).set("flags", (*flags).into());
            }),
        }
        number
    }

    fn file_record(&mut self, file: &File, cred: i32, kind: u32, more: impl FnOnce(&mut Fill)) {
        const SEEKABLE: u64 = 4 | 8 | 16;
        let access = match file.flags & 3 {
            0 => 1,
            1 => 2,
            _ => 3,
        };
        let mode = if kind == 1 { access | SEEKABLE } else { access };
        self.out.record(Tag::File, Some(kind), |r| {
            r.set("f_type", kind.into())
                .set("f_mode", mode)
                .set("f_flags", file.flags.into());
            r.set_i32("f_credref", cred).set("f_pos", file.pos);
            more(r);
        });
    }

    fn path(&mut self, path: &str) {
        let mut bytes = path.as_bytes().to_vec();
        bytes.push(0);
        self.out.payload(Tag::FileName, &bytes);
    }

    fn pipe(&mut self, file: &File, cred: i32, kind: u32, path: Option<&str>, pipe: usize) {
        let (inode, first) = self.number(Thing::Pipe(pipe));
        self.file_record(file, cred, kind, |r| {
            r.set_i32("pipe_objref", inode);
        });
        if let Some(path) = path {
            self.path(path);
        }
        if first {
            let data = self.tree.pipes.get(pipe).and_then(|p| p.data.as_ref());
            let bytes = data
                .and_then(|d| d.read_all(1 << 20).ok())
                .unwrap_or_default();
            self.out.payload(Tag::PipeBuf, &bytes);
        }
    }

    fn epoll(&mut self, index: usize) {
        let (number, _) = self.number(Thing::File(index));
        let Some(FileKind::Epoll(items)) = self.tree.files.get(index).map(|f| &f.kind) else {
            return;
        };
        let mut bytes = Vec::new();
        for item in items {
            let (file, _) = self.number(Thing::File(item.file));
            push_uint(&mut bytes, self.tree.order, item.data, 8);
            for word in [item.fd, file.cast_unsigned(), item.events, 0] {
                push_uint(&mut bytes, self.tree.order, word.into(), 4);
            }
        }
        self.out.record(Tag::EpollItems, None, |r| {
            r.set_i32("epfile_objref", number)
                .set("num_items", items.len() as u64);
        });
        if !items.is_empty() {
            self.out.payload(Tag::Buffer, &bytes);
        }
    }

    fn socket(&mut self, index: usize) -> i32 {
        let (number, first) = self.announce(Object::Sock, Thing::Socket(index));
        let Some(s) = self.tree.sockets.get(index).filter(|_| first) else {
            return number;
        };
        let listening = s.state == 10;
        self.out.record(Tag::Socket, None, |r| {
            r.set("has_buffers", (!listening).into());
            r.set("socket.state", if s.state == 1 { 3 } else { 1 });
            r.set("sock_common.reuse", s.reuse.into())
                .set("sock_common.family", s.family.into());
            r.set("sock.rcvlowat", 1)
                .set("sock.rcvtimeo", i64::MAX.cast_unsigned())
                .set("sock.sndtimeo", i64::MAX.cast_unsigned());
            r.set("sock.sndbuf", (s.buffers[0] / 2).into())
                .set("sock.rcvbuf", (s.buffers[1] / 2).into());
            r.set("sock.type", s.kind.into())
                .set("sock.backlog", s.backlog.into());
            r.set("sock.protocol", s.protocol.into())
                .set("sock.state", s.state.into())
                .set("sock.shutdown", s.shutdown.into());
        });
        let [local, remote] = &s.addrs;
        if s.family == 1 {
            let peer = s.peer.map_or(0, |peer| self.socket(peer));
            let part = |a: &[u8], from: usize, to: usize| {
                a.get(from..a.len().min(to)).unwrap_or_default().to_vec()
            };
            self.out.record(Tag::SocketUnix, None, |r| {
                r.set_i32("this", number).set_i32("peer", peer);
                for (name, addr) in [("laddr", local), ("raddr", remote)] {
                    r.set(&format!("{name}_len"), addr.len().max(2) as u64);
                    r.set(&format!("{name}.sun_family"), 1)
                        .set_bytes(&format!("{name}.sun_path"), &part(addr, 2, 110));
                }
            });
            if local.len() > 2 && !matches!(local.get(2), Some(0 | b'/')) {
                let dir = if s.dir.is_empty() {
                    "\0".to_owned()
                } else {
                    format!("{}/\0", s.dir)
                };
                self.out.payload(Tag::String, dir.as_bytes());
            }
        } else {
            self.out.record(Tag::SocketInet, None, |r| {
                for (name, addr) in [("laddr", local), ("raddr", remote)] {
                    r.set(&format!("{name}_len"), addr.len() as u64);
                    r.set(&format!("{name}.sin_family"), 2).set_bytes(
                        &format!("{name}.sin_port"),
                        addr.get(2..4).unwrap_or_default(),
                    );
                    r.set_bytes(
                        &format!("{name}.sin_addr"),
                        addr.get(4..8).unwrap_or_default(),
                    );
                }
                let port = |a: &[u8]| {
                    a.get(2..4)
                        .map_or(0, |b| b.iter().fold(0, |n, &x| n << 8 | u64::from(x)))
                };
                r.set("num", port(local))
                    .set_bytes("sport", local.get(2..4).unwrap_or_default());
                r.set_bytes("dport", remote.get(2..4).unwrap_or_default());
                for field in ["saddr", "rcv_saddr"] {
                    r.set_bytes(field, local.get(4..8).unwrap_or_default());
                }
                r.set_bytes("daddr", remote.get(4..8).unwrap_or_default());
            });
        }
        if !listening {
            self.deferred.push(Deferred::Socket(index));
        }
        number
    }

    /// What waits to be read, then what waits to be sent, which foreign formats do not tell apart from it.
    fn queues(&mut self, index: usize) {
        let (number, _) = self.number(Thing::Socket(index));
        let Some(s) = self.tree.sockets.get(index) else {
            return;
        };
        let owner = s.peer.map_or(number, |p| self.number(Thing::Socket(p)).0);
        let packets: Vec<Vec<u8>> = s
            .queue
            .iter()
            .filter_map(|b| b.read_all(1 << 20).ok())
            .collect();
        let total: usize = packets.iter().map(Vec::len).sum();
        self.out.record(Tag::SocketQueue, None, |r| {
            r.set("skb_count", packets.len() as u64)
                .set("total_bytes", total as u64);
        });
        for packet in &packets {
            self.out.record(Tag::SocketBuffer, None, |r| {
                r.set("lin_len", packet.len() as u64)
                    .set("skb_len", packet.len() as u64);
                r.set_i32("sk_objref", owner).set_i32("pr_objref", number);
            });
            self.out.payload(Tag::Buffer, packet);
        }
        self.out.record(Tag::SocketQueue, None, |_| {});
    }

    /// A terminal. Its controlling side comes first, with a number for the file that a restart must make for it.
    fn tty(&mut self, index: usize, file: Option<i32>) -> i32 {
        let Some(tty) = self.tree.ttys.get(index) else {
            return 0;
        };
        let end = |master: bool| {
            self.tree
                .ttys
                .iter()
                .position(|t| t.index == tty.index && t.master == master)
        };
        let (master, slave) = (end(true), end(false));
        // Where the controlling side is not held by anybody, it is made up from the other.
        let thing = Thing::Tty(master.unwrap_or(self.tree.ttys.len() + index));
        let made_up = Tty {
            master: true,
            data: Vec::new(),
            ..tty.clone()
        };
        let controlling = master
            .and_then(|m| self.tree.ttys.get(m))
            .unwrap_or(&made_up);
        let link = self.one_tty(controlling, thing, 0, file.filter(|_| tty.master));
        let other = slave.and_then(|s| Some((s, self.tree.ttys.get(s)?)));
        let slave = other.map_or(0, |(s, tty)| self.one_tty(tty, Thing::Tty(s), link, None));
        if tty.master { link } else { slave }
    }

    fn one_tty(&mut self, tty: &Tty, thing: Thing, link: i32, file: Option<i32>) -> i32 {
        let (number, first) = self.announce(Object::Tty, thing);
        if !first {
            return number;
        }
        let reserved = if tty.master {
            file.unwrap_or_else(|| self.fresh())
        } else {
            0
        };
        self.out.record(Tag::Tty, None, |r| {
            r.set("driver_type", 4)
                .set("driver_subtype", if tty.master { 1 } else { 2 });
            r.set_i32("link_objref", link)
                .set_i32("file_objref", reserved)
                .set("index", tty.index.into());
            for (name, value) in ["iflag", "oflag", "cflag", "lflag", "ispeed", "ospeed"]
                .into_iter()
                .zip(tty.modes)
            {
                r.set(&format!("termios.c_{name}"), value.into());
            }
            r.set("termios.c_line", tty.line.into())
                .set_bytes("termios.c_cc", &tty.cc);
            for (name, value) in ["row", "col", "xpixel", "ypixel"]
                .into_iter()
                .zip(tty.winsize)
            {
                r.set(&format!("winsize.ws_{name}"), value.into());
            }
        });
        self.out.record(Tag::TtyLdisc, None, |r| {
            r.set("datalen", tty.data.len() as u64)
                .set("icanon", (tty.modes[3] >> 1 & 1).into());
        });
        if !tty.data.is_empty() {
            self.out.payload(Tag::Buffer, &tty.data);
        }
        number
    }

    fn mm(&mut self, index: usize, cred: i32) -> i32 {
        let (number, first) = self.announce(Object::Mm, Thing::Mm(index));
        let Some(mm) = self.tree.mms.get(index).filter(|_| first) else {
            return number;
        };
        let exe = mm.exe.map_or(0, |exe| self.file(exe, cred));
        self.out.record(Tag::Mm, None, |r| {
            r.set("map_count", mm.vmas.len() as u64)
                .set_i32("exe_objref", exe)
                .set("flags", mm.dumpable.into());
            let pairs = [("code", mm.code), ("data", mm.data)];
            for (name, (start, end)) in pairs {
                r.set(&format!("start_{name}"), start)
                    .set(&format!("end_{name}"), end);
            }
            r.set("start_brk", mm.brk.0)
                .set("brk", mm.brk.1)
                .set("start_stack", mm.start_stack);
            r.set("arg_start", mm.args.0)
                .set("arg_end", mm.args.1)
                .set("env_start", mm.env.0)
                .set("env_end", mm.env.1);
        });
        let mut auxv = Vec::new();
        for value in mm.auxv.iter().flat_map(|&(kind, value)| [kind, value]) {
            push_uint(&mut auxv, self.tree.order, value, 8);
        }
        auxv.resize(8 * self.auxv_words(), 0);
        self.out.payload(Tag::Buffer, &auxv);
        for vma in &mm.vmas {
            self.vma(vma, cred);
        }
        self.mm_context(mm);
        number
    }

    fn mm_context(&mut self, mm: &Mm) {
        let arm = self.tree.machine == Machine::Arm;
        let vdso = mm
            .vmas
            .iter()
            .find(|v| v.kind == VmaKind::Vdso)
            .map_or(0, |v| v.start);
        self.out.record(Tag::MmContext, None, |r| {
            if !arm {
                r.set("vdso", vdso).set("ldt_entry_size", 8);
            }
        });
        if !arm {
            self.out.payload(Tag::MmContextLdt, &[]);
        }
    }

    fn vma(&mut self, vma: &Vma, cred: i32) {
        let shared = vma.flags & 8 != 0;
        let (mut file, mut inode, mut size, mut flags) = (0, 0, 0, vma.flags);
        let mut segment = None;
        let kind = match vma.kind {
            VmaKind::Special => 1,
            VmaKind::Anon => 2,
            VmaKind::Vdso => {
                flags |= ALWAYSDUMP;
                2
            }
            VmaKind::File(index) => {
                file = self.file(index, cred);
                if shared {
                    inode = self.number(Thing::Inode(index)).0;
                }
                if shared { 6 } else { 3 }
            }
            VmaKind::Shared(index) => {
                let (number, first) = self.number(Thing::Segment(index));
                inode = number;
                let found = self.tree.segments.get(index);
                size = found.map_or(0, |s| s.size);
                segment = found.filter(|_| first);
                match (self.system_v.contains(&index), first) {
                    (true, _) => 8,
                    (false, true) => 4,
                    (false, false) => 5,
                }
            }
        };
        let anonymous = matches!(vma.kind, VmaKind::Anon | VmaKind::Vdso | VmaKind::Special);
        let pgoff = if anonymous { vma.start } else { vma.offset } / PAGE;
        self.out.record(Tag::Vma, None, |r| {
            r.set("vma_type", kind)
                .set_i32("vma_objref", file)
                .set_i32("ino_objref", inode)
                .set("ino_size", size);
            r.set("vm_start", vma.start)
                .set("vm_end", vma.end)
                .set("vm_flags", flags)
                .set("vm_pgoff", pgoff);
        });
        match kind {
            2 | 3 => self.pages(&vma.pages, 1),
            4 => self.pages(segment.map_or(&[], |s| &s.pages), PAGE),
            _ => {}
        }
    }

    /// Page groups. `unit` divides addresses: 1 in private memory, the page size in segments, which count pages.
    fn pages(&mut self, pages: &[Pages], unit: u64) {
        let word = self.tree.machine.word();
        for group in groups(pages, if word == 8 { GROUP[1] } else { GROUP[0] }) {
            let count = group.iter().map(|p| p.len / PAGE).sum::<u64>();
            self.out.record(Tag::Pgarr, None, |r| {
                r.set("nr_pages", count);
            });
            let mut addresses = Vec::new();
            for addr in group
                .iter()
                .flat_map(|p| (0..p.len / PAGE).map(|i| p.addr + i * PAGE))
            {
                push_uint(&mut addresses, self.tree.order, addr / unit, word);
            }
            self.out
                .head(Tag::Buffer, addresses.len() as u64 + count * PAGE);
            self.out.stream.push(&addresses);
            for run in group {
                self.out.stream.push_extent(run.blob, run.at, run.len);
            }
        }
        self.out.record(Tag::Pgarr, None, |_| {});
    }

    fn dirs(&mut self, index: usize) -> i32 {
        let (number, first) = self.announce(Object::Fs, Thing::Dirs(index));
        let Some(dirs) = self.tree.dirs.get(index).filter(|_| first) else {
            return number;
        };
        self.out.record(Tag::Fs, None, |r| {
            r.set("umask", dirs.umask.into());
        });
        self.path(&dirs.cwd);
        self.path(&dirs.root);
        number
    }

    fn actions(&mut self, index: usize) -> i32 {
        let (number, first) = self.announce(Object::Sighand, Thing::Actions(index));
        let Some(actions) = self.tree.actions.get(index).filter(|_| first) else {
            return number;
        };
        let mut bytes = Vec::new();
        for a in actions.iter().take(64) {
            for value in [a.handler, a.flags, a.restorer] {
                push_uint(&mut bytes, self.tree.order, value, 8);
            }
            bytes.extend(self.sigset(a.mask));
        }
        bytes.resize(64 * 32, 0);
        self.out.record(Tag::Sighand, None, |r| {
            r.tail(8, &bytes);
        });
        number
    }

    fn process(&mut self, index: usize) {
        let Some(process) = self.tree.processes.get(index) else {
            return;
        };
        let tty = process.tty.map_or(0, |tty| self.tty(tty, None));
        let group = process
            .tty
            .and_then(|t| self.tree.ttys.get(t))
            .map_or(0, |t| t.session.1.cast_signed());
        let narrow = self.tree.machine.word() == 4;
        let mut limits = Vec::new();
        for i in 0..16 {
            let (cur, max) = process
                .limits
                .get(i)
                .copied()
                .unwrap_or((u64::MAX, u64::MAX));
            for value in [cur, max] {
                let value = if narrow {
                    value.min(0xffff_ffff)
                } else {
                    value
                };
                push_uint(&mut limits, self.tree.order, value, 8);
            }
        }
        self.out.record(Tag::Signal, None, |r| {
            r.set_bytes("rlim", &limits);
            for (name, (value, period)) in ["real", "virt", "prof"].into_iter().zip(process.timers)
            {
                r.set(&format!("it_{name}_value"), value)
                    .set(&format!("it_{name}_incr"), period);
            }
            r.set_i32("tty_objref", tty)
                .set_i32("tty_pgrp", group)
                .set_i32("tty_old_pgrp", NO_PID);
        });
        self.pending(&process.pending);
    }

    /// A set of signals as the kernel keeps it: words of the machine, the first signals in the first word.
    fn sigset(&self, mask: u64) -> Vec<u8> {
        let mut out = Vec::new();
        if self.tree.machine.word() == 8 {
            push_uint(&mut out, self.tree.order, mask, 8);
        } else {
            push_uint(&mut out, self.tree.order, mask, 4);
            push_uint(&mut out, self.tree.order, mask >> 32, 4);
        }
        out
    }

    fn pending(&mut self, queue: &[Vec<u8>]) {
        let order = self.tree.order;
        let mut mask = 0;
        let mut bytes = Vec::new();
        for info in queue {
            let info = SigInfo::from_kernel(info, order, self.tree.machine);
            mask |= 1_u64.checked_shl(info.signo.wrapping_sub(1)).unwrap_or(0);
            bytes.extend(info.to_record(order));
        }
        let mask = self.sigset(mask);
        self.out.record(Tag::Sigpending, None, |r| {
            r.set("nr_pending", queue.len() as u64)
                .set_bytes("signal.sigset", &mask)
                .tail(24, &bytes);
        });
    }
}

/// Who may use a System V object.
fn ipc_owner(r: &mut Fill, owner: &IpcOwner) {
    r.set("perms.id", owner.id.into())
        .set("perms.key", owner.key.into())
        .set("perms.uid", owner.owner.0.into())
        .set("perms.gid", owner.owner.1.into())
        .set("perms.cuid", owner.creator.0.into())
        .set("perms.cgid", owner.creator.1.into())
        .set("perms.mode", owner.mode.into());
}

/// Splits runs into groups of at most `most` pages.
fn groups(pages: &[Pages], most: u64) -> Vec<Vec<Pages>> {
    let mut out = Vec::new();
    let mut group = Vec::new();
    let mut room = most;
    for run in pages {
        let mut done = 0;
        while run.len - done >= PAGE {
            let take = ((run.len - done) / PAGE).min(room);
            group.push(Pages {
                addr: run.addr + done,
                at: run.at + done,
                len: take * PAGE,
                ..*run
            });
            done += take * PAGE;
            room -= take;
            if room == 0 {
                out.push(std::mem::take(&mut group));
                room = most;
            }
        }
    }
    if !group.is_empty() {
        out.push(group);
    }
    out
}

/// `cpu_architecture()` of a kernel by the `machine` of its utsname, such as `armv7l`; 0 is unknown (§5.2).
fn cpu_architecture(machine: &str) -> u64 {
    match machine
        .strip_prefix("armv")
        .and_then(|m| m.get(..m.len() - 1))
    {
        Some("4") => 2,
        Some("4t") => 3,
        Some("5") => 4,
        Some("5t") => 5,
        Some("5te") => 6,
        Some("5tej") => 7,
        Some("6") => 8,
        Some("7" | "8") => 9,
        _ => 0,
    }
}

fn padded(text: &[u8], len: usize) -> Vec<u8> {
    let mut out = text.get(..text.len().min(len)).unwrap_or_default().to_vec();
    out.resize(len, 0);
    out
}
