//! From the model of a checkpoint stream to a [`Tree`].
//!
//! The model leaves details out that few need; they are decoded again from the records it names.

use std::{
    collections::{HashMap, HashSet},
    io,
    sync::Arc,
};

use ckpt_format::{Arch, Order as Ends, Tables, Tag, layout::Layout};
use ckpt_parser::{
    model::{self, FpRegs, Image, ObjRef, RecordAt, Regs},
    packed::Slice,
    source::Source,
};

use crate::{
    Error, Loss, Result,
    bytes::{Blob, Fields, Order, ReadAt, push_uint},
    core::Machine,
    siginfo::{RECORD_LEN, SigInfo},
    stream::Stream,
    tree::{
        Abi, Action, Creds, Dirs, EpollItem, Fd, File, FileKind, Ipc, IpcLimits, IpcObjects,
        IpcOwner, IpcQueue, IpcSegment, IpcSemaphores, Live, Mm, Pages, Pipe, Process, Segment,
        Socket, State, Task, Tree, Tty, Unit, Vma, VmaKind,
    },
    x86,
};

/// Key of the address of the vdso in the auxiliary vector.
const AT_SYSINFO_EHDR: u64 = 33;
/// `VM_ALWAYSDUMP`, which marks the vdso in a stream.
const ALWAYSDUMP: u64 = 0x0400_0000;
/// Longest record that is decoded again, in bytes.
const MAX_RECORD: u64 = 1 << 20;
/// Records between a socket and its second part, at most: those of its peers.
const MAX_NESTED: usize = 64;
/// First revision whose queued signals have the long form.
const LONG_SIGINFO: u8 = 13;

/// Makes a tree of a model; `stream` holds the bytes that the model was read from.
pub fn from_image(image: &Image, stream: &Blob) -> Result<(Tree, Vec<Loss>)> {
    let dialect = image.detection.dialect;
    let machine = match dialect.abi.arch {
        Arch::Arm => Machine::Arm,
        Arch::X86_32 => Machine::X86,
        Arch::X86_64 => Machine::X86_64,
        other => {
            return Err(Error::Unsupported(format!(
                "{other}: processes are taken out of images of ARM and x86 only"
            )));
        }
    };
    let order = if dialect.abi.order == Ends::Little {
        Order::Little
    } else {
        Order::Big
    };
    let mut tree = Tree::new(machine, order);
    tree.blobs.push(stream.clone());
    tree.kernel = [
        &image.header.release,
        &image.header.version,
        &image.header.machine,
    ]
    .map(|t| text(t));
    tree.time = image.header.time;
    let mut r = Reader {
        image,
        stream,
        tables: Tables::new(dialect),
        tree,
        losses: Vec::new(),
        index: Indices::default(),
    };
    r.shared();
    for task in &image.tasks {
        r.task(task);
    }
    r.sessions();
    r.namespaces();
    r.foreign();
    r.homeless();
    Ok((r.tree, r.losses))
}

impl Source for Blob {
    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let left = Blob::len(self).saturating_sub(offset);
        let n = usize::try_from(left).unwrap_or(usize::MAX).min(buf.len());
        let Some(buf) = buf.get_mut(..n) else {
            return Ok(0);
        };
        self.read_exact_at(offset, buf).map_err(io::Error::other)?;
        Ok(n)
    }

    fn len(&self) -> Option<u64> {
        Some(Blob::len(self))
    }

    fn is_seekable(&self) -> bool {
        true
    }
}

impl Source for Stream {
    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let mut done = 0;
        while let Some(rest) = buf.get_mut(done..).filter(|r| !r.is_empty()) {
            match ReadAt::read_at(self, offset + done as u64, rest)? {
                0 => break,
                n => done += n,
            }
        }
        Ok(done)
    }

    fn len(&self) -> Option<u64> {
        Some(Stream::len(self))
    }

    fn is_seekable(&self) -> bool {
        true
    }
}

/// Indices in the lists of the tree, by object number.
#[derive(Default)]
struct Indices {
    tables: HashMap<ObjRef, usize>,
    files: HashMap<ObjRef, usize>,
    pipes: HashMap<ObjRef, usize>,
    sockets: HashMap<ObjRef, usize>,
    ttys: HashMap<ObjRef, usize>,
    segments: HashMap<ObjRef, usize>,
    mms: HashMap<ObjRef, usize>,
    dirs: HashMap<ObjRef, usize>,
    actions: HashMap<ObjRef, usize>,
    processes: HashMap<ObjRef, usize>,
}

struct Reader<'a> {
    image: &'a Image,
    stream: &'a Blob,
    tables: Tables,
    tree: Tree,
    losses: Vec<Loss>,
    index: Indices,
}

/// A record that is decoded again.
struct Record<'a> {
    layout: &'a Layout,
    bytes: Vec<u8>,
    order: Order,
}

/// What stands in the second record of a socket.
#[derive(Default)]
struct SecondPart {
    peer: ObjRef,
    addrs: [Vec<u8>; 2],
    dir: String,
}

impl Record<'_> {
    fn uint(&self, field: &str) -> u64 {
        let f = Fields {
            data: &self.bytes,
            order: self.order,
        };
        self.layout
            .named(field)
            .and_then(|s| f.uint(s.offset as usize, s.element as usize))
            .unwrap_or(0)
    }

    fn u32(&self, field: &str) -> u32 {
        u32::try_from(self.uint(field) & 0xffff_ffff).unwrap_or(0)
    }

    fn bytes(&self, field: &str) -> &[u8] {
        let slot = self.layout.named(field);
        slot.and_then(|s| {
            self.bytes
                .get(s.offset as usize..(s.offset + s.size) as usize)
        })
        .unwrap_or_default()
    }
}

impl Reader<'_> {
    fn loss(
        &mut self,
        code: &'static str,
        record: &str,
        field: &str,
        value: impl std::fmt::Display,
        why: &'static str,
    ) {
        self.losses.push(Loss {
            code,
            record: record.into(),
            field: field.into(),
            value: value.to_string(),
            why,
        });
    }

    /// The record at an offset: its number, and where the next one starts.
    fn record_at(&self, offset: u64) -> Option<(u32, Record<'_>, u64)> {
        let head = self.stream.read(offset, 8, 8).ok()?;
        let f = Fields {
            data: &head,
            order: self.tree.order,
        };
        let (number, len) = (f.u32(0)?, u64::from(f.u32(4)?));
        let bytes = self.stream.read(offset, len, MAX_RECORD).ok()?;
        let layout = self.tables.layout_of(number, &bytes)?;
        Some((
            number,
            Record {
                layout,
                bytes,
                order: self.tree.order,
            },
            offset + len,
        ))
    }

    fn again(&self, at: RecordAt) -> Option<Record<'_>> {
        self.record_at(at.offset).map(|(_, record, _)| record)
    }

    /// All shared objects, with indices that follow the object numbers.
    fn shared(&mut self) {
        let image = self.image;
        for (&number, pipe) in &image.pipes {
            let data =
                (pipe.data.len > 0).then(|| self.stream.part(pipe.data.offset, pipe.data.len));
            self.index
                .pipes
                .insert(number, Tree::add(&mut self.tree.pipes, Pipe { data }));
        }
        for (&number, segment) in &image.segments {
            let pages = self.runs(segment.pages.all(), 0, u64::MAX);
            let segment = Segment {
                size: segment.size,
                pages,
            };
            self.index
                .segments
                .insert(number, Tree::add(&mut self.tree.segments, segment));
        }
        for (i, &number) in image.sockets.keys().enumerate() {
            self.index.sockets.insert(number, i);
        }
        for (&number, socket) in &image.sockets {
            self.unread_queues(number, socket);
            let socket = self.socket(number, socket);
            self.tree.sockets.push(socket);
        }
        for (&number, terminal) in &image.terminals {
            let tty = self.tty(terminal);
            self.index
                .ttys
                .insert(number, Tree::add(&mut self.tree.ttys, tty));
        }
        for (i, &number) in image.files.numbers().iter().enumerate() {
            self.index.files.insert(number, i);
        }
        for (number, file) in image.files.iter() {
            let file = self.file(number, &file);
            self.tree.files.push(file);
        }
        for (&number, table) in &image.file_tables {
            let fds = table.fds.iter().filter_map(|fd| {
                let file = *self.index.files.get(&fd.file)?;
                Some(Fd {
                    fd: fd.fd.cast_unsigned(),
                    file,
                    cloexec: fd.close_on_exec,
                })
            });
            let fds = fds.collect();
            self.index
                .tables
                .insert(number, Tree::add(&mut self.tree.tables, fds));
        }
        for (&number, fs) in &image.fs {
            if fs.umask.is_none() {
                self.loss(
                    "stream.no-umask",
                    "FS",
                    "umask",
                    "022",
                    "the stream does not say it",
                );
            }
            let dirs = Dirs {
                cwd: text(&fs.cwd),
                root: text(&fs.root),
                umask: fs.umask.unwrap_or(0o22),
            };
            self.index
                .dirs
                .insert(number, Tree::add(&mut self.tree.dirs, dirs));
        }
        for (&number, sighand) in &image.sighands {
            let record = self.again(sighand.record);
            let mask = |i: usize, known: u64| {
                let raw = record
                    .as_ref()
                    .and_then(|r| r.bytes.get(32 + 32 * i..40 + 32 * i));
                raw.map_or(known, |raw| self.sigset(raw))
            };
            let action = |(i, a): (usize, &model::SigAction)| Action {
                handler: a.handler,
                flags: a.flags,
                restorer: a.restorer,
                mask: mask(i, a.mask),
            };
            let mut actions: Vec<Action> = sighand.actions.iter().enumerate().map(action).collect();
            actions.resize(64, Action::default());
            self.index
                .actions
                .insert(number, Tree::add(&mut self.tree.actions, actions));
        }
        for (&number, mm) in &image.mms {
            let mm = self.mm(mm);
            self.index
                .mms
                .insert(number, Tree::add(&mut self.tree.mms, mm));
        }
        for (&number, signal) in &image.signals {
            let process = self.process(signal);
            self.index
                .processes
                .insert(number, Tree::add(&mut self.tree.processes, process));
        }
    }

    /// Runs of pages that ascend and lie in a range; damaged streams may have others.
    fn runs(&mut self, runs: Slice<model::PageRun>, start: u64, end: u64) -> Vec<Pages> {
        let mut out: Vec<Pages> = Vec::new();
        let mut at = start;
        for r in runs {
            let inside = r
                .addr
                .checked_add(r.len)
                .filter(|&e| r.addr >= at && e <= end);
            let Some(next) = inside else {
                let why = "the page lies outside of its mapping, or before the one before";
                self.loss(
                    "stream.bad-page",
                    "PGARR",
                    "address",
                    format!("{:#x}", r.addr),
                    why,
                );
                continue;
            };
            at = next;
            out.push(Pages {
                addr: r.addr,
                len: r.len,
                blob: 0,
                at: r.offset,
            });
        }
        out
    }

    /// Both sides of a terminal.
    fn sides(&mut self, tty: Option<usize>) -> impl Iterator<Item = &mut Tty> {
        let index = tty
            .and_then(|tty| self.tree.ttys.get(tty))
            .map(|tty| tty.index);
        let all = self.tree.ttys.iter_mut();
        all.filter(move |tty| Some(tty.index) == index)
    }

    /// Terminals belong to the session whose leader has them.
    fn sessions(&mut self) {
        for at in 0..self.tree.tasks.len() {
            let Some(task) = self.tree.tasks.get(at).filter(|t| t.tid == t.sid) else {
                continue;
            };
            let session = task.sid.cast_unsigned();
            let process = task
                .live
                .as_ref()
                .and_then(|live| self.tree.processes.get(live.process));
            let tty = process.and_then(|process| process.tty);
            for tty in self.sides(tty) {
                tty.session.0 = session;
            }
        }
    }

    /// A process group by its number, or by the tag of its pid where no pid has that number (§3.11).
    fn group(&self, group: i32) -> i32 {
        let pids = &self.image.pids;
        let first = |tag: i32| pids.get(usize::try_from(tag - 1).ok()?)?.numbers.first();
        if pids.iter().any(|pid| pid.numbers.first() == Some(&group)) {
            return group;
        }
        first(group).copied().unwrap_or(group)
    }

    fn process(&mut self, signal: &model::Signal) -> Process {
        let narrow = self.tree.machine.word() == 4;
        // RLIM_INFINITY of a 32-bit kernel.
        let limit = |v: u64| {
            if narrow && v == 0xffff_ffff {
                u64::MAX
            } else {
                v
            }
        };
        let tty = self.index.ttys.get(&signal.tty).copied();
        let group = self.group(signal.tty_pgrp).max(0).cast_unsigned();
        for tty in self.sides(tty) {
            tty.session.1 = group;
        }
        Process {
            limits: signal
                .rlimits
                .iter()
                .map(|&(cur, max)| (limit(cur), limit(max)))
                .collect(),
            timers: [signal.it_real, signal.it_virt, signal.it_prof],
            pending: self.pending(&signal.pending),
            tty,
        }
    }

    /// Queued signals in the kernel's form, from the record itself where it has all fields.
    fn pending(&self, pending: &model::Pending) -> Vec<Vec<u8>> {
        let long = self.image.detection.dialect.revision.number() >= LONG_SIGINFO;
        let record = self.again(pending.record).filter(|_| long);
        let (order, machine) = (self.tree.order, self.tree.machine);
        let one = |(i, info): (usize, &model::SigInfo)| {
            let raw = record
                .as_ref()
                .and_then(|r| r.bytes.get(24 + i * RECORD_LEN..24 + (i + 1) * RECORD_LEN));
            let info = match raw {
                Some(raw) => SigInfo::from_record(raw, order),
                None => SigInfo::from_parts(
                    info.signo,
                    info.errno,
                    info.code,
                    info.pid,
                    info.uid,
                    info.ptr,
                    info.addr,
                    info.status,
                ),
            };
            info.to_kernel(order, machine)
        };
        pending.queue.iter().enumerate().map(one).collect()
    }

    fn file(&mut self, number: ObjRef, file: &model::File) -> File {
        let path = file.path.map(text).unwrap_or_default();
        let find = |map: &HashMap<ObjRef, usize>, key: ObjRef| {
            map.get(&key).copied().unwrap_or(usize::MAX)
        };
        let kind = match file.kind {
            model::FileKind::Generic => FileKind::Path(path),
            model::FileKind::Pipe(inode) => FileKind::Pipe(find(&self.index.pipes, inode)),
            model::FileKind::Fifo(inode) => FileKind::Fifo(path, find(&self.index.pipes, inode)),
            model::FileKind::Socket(sock) => FileKind::Socket(find(&self.index.sockets, sock)),
            model::FileKind::Tty(tty) => FileKind::Tty(find(&self.index.ttys, tty)),
            model::FileKind::EventFd(count, flags) => FileKind::Eventfd(count, flags),
            model::FileKind::Epoll => {
                let items = self.image.epolls.get(&number).into_iter().flatten();
                FileKind::Epoll(
                    items
                        .map(|i| EpollItem {
                            fd: i.fd,
                            file: find(&self.index.files, i.file),
                            events: i.events,
                            data: i.data,
                        })
                        .collect(),
                )
            }
            model::FileKind::Other(kind) => {
                self.loss(
                    "stream.file-kind",
                    "FILE",
                    "f_type",
                    kind,
                    "the number is not known",
                );
                FileKind::Path(path)
            }
        };
        File {
            flags: file.flags,
            pos: file.pos,
            kind,
        }
    }

    /// Other formats have one queue for each socket, that of what waits to be read.
    fn unread_queues(&mut self, number: ObjRef, s: &model::Socket) {
        let listening = s.state == 10;
        if s.queues.len() < 2 && !listening && !s.dead {
            let why =
                "the stream has no queues for the socket, or they could not be told from another's";
            self.loss(
                "stream.socket-queue",
                "SOCKET_QUEUE",
                "",
                format!("socket {number}"),
                why,
            );
        }
        if s.queues.get(1).is_some_and(|q| !q.buffers.is_empty()) {
            let why = "other formats have no queue of what is still to be sent";
            self.loss(
                "stream.send-queue",
                "SOCKET_QUEUE",
                "total_bytes",
                format!("socket {number}"),
                why,
            );
        }
    }

    fn socket(&self, number: ObjRef, s: &model::Socket) -> Socket {
        let own = self.again(s.record);
        let SecondPart { peer, addrs, dir } = self.second_part(number, s);
        let double = |field: &str| own.as_ref().map_or(0, |r| r.u32(field).saturating_mul(2));
        let packet = |b: &model::SocketBuffer| match b.data.as_slice() {
            [one] => self.stream.part(one.offset, one.len),
            many => {
                let bytes = many
                    .iter()
                    .filter_map(|e| self.stream.read(e.offset, e.len, MAX_RECORD).ok())
                    .flatten()
                    .collect::<Vec<u8>>();
                Blob::new("packet", Arc::new(bytes))
            }
        };
        Socket {
            family: s.family,
            kind: s.kind,
            protocol: s.protocol,
            state: s.state,
            peer: self.index.sockets.get(&peer).copied(),
            addrs,
            dir,
            backlog: u32::try_from(s.backlog.max(0)).unwrap_or(0),
            buffers: [double("sock.sndbuf"), double("sock.rcvbuf")],
            shutdown: s.shutdown,
            reuse: own
                .as_ref()
                .is_some_and(|r| r.u32("sock_common.reuse") != 0),
            queue: s
                .queues
                .first()
                .map(|q| q.buffers.iter().map(packet).collect())
                .unwrap_or_default(),
        }
    }

    /// Peer and addresses stand in a second record, behind those of the peers.
    fn second_part(&self, number: ObjRef, s: &model::Socket) -> SecondPart {
        let wanted = if s.family == 1 {
            Tag::SocketUnix
        } else {
            Tag::SocketInet
        };
        let wanted = self.tables.by_tag(wanted).map(|r| r.number);
        let mut at = s.record.offset;
        for _ in 0..MAX_NESTED {
            let Some((kind, record, next)) = self.record_at(at) else {
                break;
            };
            let own = s.family != 1 || record.u32("this") == number.cast_unsigned();
            if Some(kind) == wanted && own {
                let from = if s.family == 1 {
                    ["laddr.sun_family", "raddr.sun_family"]
                } else {
                    ["laddr.sin_family", "raddr.sin_family"]
                };
                let lens = ["laddr_len", "raddr_len"].map(|f| record.u32(f) as usize);
                let start = from.map(|f| {
                    record
                        .layout
                        .named(f)
                        .map_or(0, |slot| slot.offset as usize)
                });
                let addr = |i: usize| -> Vec<u8> {
                    let (at, len) = (
                        start.get(i).copied().unwrap_or(0),
                        lens.get(i).copied().unwrap_or(0),
                    );
                    record
                        .bytes
                        .get(at..at + len)
                        .filter(|_| len > 2)
                        .map(<[u8]>::to_vec)
                        .unwrap_or_default()
                };
                let peer = if s.family == 1 {
                    record.u32("peer").cast_signed()
                } else {
                    0
                };
                let addrs = [addr(0), addr(1)];
                let relative =
                    s.family == 1 && addrs[0].get(2).is_some_and(|&c| c != 0 && c != b'/');
                let dir = if relative {
                    self.string_at(next)
                } else {
                    String::new()
                };
                return SecondPart { peer, addrs, dir };
            }
            at = next;
        }
        SecondPart::default()
    }

    /// The text of a STRING record, without the slash at its end.
    fn string_at(&self, offset: u64) -> String {
        let wanted = self.tables.by_tag(Tag::String).map(|r| r.number);
        let record = self
            .record_at(offset)
            .filter(|(number, ..)| Some(*number) == wanted);
        let dir = record.map(|(_, record, _)| text(record.bytes.get(8..).unwrap_or_default()));
        dir.map(|d| d.trim_end_matches('/').to_owned())
            .unwrap_or_default()
    }

    fn tty(&self, t: &model::Terminal) -> Tty {
        let record = self.again(t.record);
        let value = |field: &str| record.as_ref().map_or(0, |r| r.u32(field));
        let mut tty = Tty {
            index: t.index,
            master: t.subtype == 1,
            modes: ["iflag", "oflag", "cflag", "lflag", "ispeed", "ospeed"]
                .map(|f| value(&format!("termios.c_{f}"))),
            line: u8::try_from(value("termios.c_line")).unwrap_or(0),
            winsize: ["row", "col", "xpixel", "ypixel"]
                .map(|f| u16::try_from(value(&format!("winsize.ws_{f}"))).unwrap_or(0)),
            ..Tty::default()
        };
        let cc = record
            .as_ref()
            .map(|r| r.bytes("termios.c_cc"))
            .unwrap_or_default();
        for (to, from) in tty.cc.iter_mut().zip(cc) {
            *to = *from;
        }
        tty.data = t
            .input
            .and_then(|e| self.stream.read(e.offset, e.len, MAX_RECORD).ok())
            .unwrap_or_default();
        tty
    }

    fn mm(&mut self, mm: &model::Mm) -> Mm {
        let vdso = mm.auxv(AT_SYSINFO_EHDR);
        let page = self.image.page_size();
        let mut vmas = Vec::new();
        let mut end = 0;
        for v in &mm.vmas {
            if v.start < end || v.end <= v.start {
                let why = "the mapping is empty, or overlaps the one before";
                self.loss(
                    "stream.bad-mapping",
                    "VMA",
                    "vm_start",
                    format!("{:#x}", v.start),
                    why,
                );
                continue;
            }
            end = v.end;
            let file = |r: &Self| r.index.files.get(&v.file).copied();
            let segment = |r: &Self| r.index.segments.get(&v.inode).copied();
            let anonymous = if vdso == Some(v.start) {
                VmaKind::Vdso
            } else {
                VmaKind::Anon
            };
            let kind = match v.kind {
                model::VmaKind::Vdso => VmaKind::Special,
                model::VmaKind::Anon => anonymous,
                model::VmaKind::File | model::VmaKind::ShmFile => {
                    file(self).map_or(VmaKind::Anon, VmaKind::File)
                }
                model::VmaKind::ShmAnon
                | model::VmaKind::ShmAnonSkip
                | model::VmaKind::ShmIpcSkip => {
                    segment(self).map_or(VmaKind::Anon, VmaKind::Shared)
                }
                other => {
                    let why = "the mapping becomes memory of its own; what was shared is not";
                    self.loss(
                        "stream.mapping",
                        "VMA",
                        "vma_type",
                        format!("{} at {:#x}", other.number(), v.start),
                        why,
                    );
                    segment(self).map_or(VmaKind::Anon, VmaKind::Shared)
                }
            };
            let pages = self.runs(mm.pages_of(&v), v.start, v.end);
            let anonymous = matches!(kind, VmaKind::Anon | VmaKind::Vdso | VmaKind::Special);
            let flags = if kind == VmaKind::Vdso {
                v.flags & !ALWAYSDUMP
            } else {
                v.flags
            };
            vmas.push(Vma {
                start: v.start,
                end: v.end,
                flags,
                kind,
                offset: if anonymous {
                    0
                } else {
                    v.pgoff.saturating_mul(page)
                },
                pages,
            });
        }
        Mm {
            exe: self.index.files.get(&mm.exe).copied(),
            auxv: mm.auxv.clone(),
            code: mm.code,
            data: mm.data,
            brk: mm.brk,
            start_stack: mm.start_stack,
            args: mm.args,
            env: mm.env,
            // Bits 0 and 1 say whether cores may be written; 3 is "by root only".
            dumpable: u32::try_from(mm.flags & 3).unwrap_or(1).min(2),
            vmas,
        }
    }

    fn task(&mut self, task: &model::Task) {
        let state = match (task.exit_state, task.state) {
            (0, 0) => State::Running,
            (0, 4) => State::Stopped(19),
            (0, _) => State::Sleeping,
            _ => State::Zombie(task.exit_code),
        };
        let live = task
            .live
            .as_ref()
            .filter(|_| task.exit_state == 0)
            .map(|live| self.live(task, live));
        self.tree.tasks.push(Task {
            tid: task.pid,
            tgid: task.tgid,
            ppid: task.ppid,
            pgid: task.pgid,
            sid: task.sid,
            comm: task.comm.clone(),
            state,
            live,
        });
    }

    fn live(&mut self, task: &model::Task, live: &model::Live) -> Live {
        let find = |map: &HashMap<ObjRef, usize>, key: ObjRef| {
            map.get(&key).copied().unwrap_or(usize::MAX)
        };
        let name = format!("task {}", task.pid);
        if live.sem_undo != 0 {
            self.loss(
                "stream.sem-undo",
                &name,
                "sem_undo_objref",
                live.sem_undo,
                "no other format has semaphore adjustments",
            );
        }
        if live.cred != live.ecred {
            self.loss(
                "stream.second-credentials",
                &name,
                "ecred_ref",
                live.ecred,
                "other formats have one set of credentials",
            );
        }
        if self.tree.machine == Machine::Arm && live.fpu.is_empty() {
            self.loss(
                "stream.no-fp-state",
                &name,
                "CPU_FPU",
                "none",
                "floating point registers start at zero",
            );
        }
        let flags = task.flags.unwrap_or(0);
        Live {
            regs: self.registers(&live.regs),
            tls: live.thread.tp_value.unwrap_or(0),
            syscall: live.thread.syscall.unwrap_or(u32::MAX),
            restart: (live.restart.kind, live.restart.args),
            thumbee: live.thread.thumbee_state.unwrap_or(0),
            units: live.fpu.iter().filter_map(|f| self.unit(f)).collect(),
            x86_fp: live.fpu.iter().find_map(|f| match &f.regs {
                FpRegs::Other(_, bytes) if self.tree.machine != Machine::Arm => Some(bytes.clone()),
                _ => None,
            }),
            abi: live.abi.map_or(Abi::default(), |a| Abi {
                personality: a.personality,
                e_flags: a.e_flags,
            }),
            forked: flags & 1 != 0,
            super_user: flags & 2 != 0,
            clear_tid: task.clear_child_tid,
            robust: (task.robust_list, task.robust_list_len),
            sigaltstack: (
                task.sas_ss_sp.unwrap_or(0),
                task.sas_ss_size.unwrap_or(0).into(),
            ),
            pdeath: task.pdeath_signal,
            blocked: self.blocked(live),
            pending: self.pending(&live.pending),
            creds: self.creds(live.cred),
            table: find(&self.index.tables, live.files),
            mm: find(&self.index.mms, live.mm),
            dirs: self.dirs(live.fs),
            actions: find(&self.index.actions, live.sighand),
            process: find(&self.index.processes, live.signal),
        }
    }

    /// Signals that a thread blocks: the record behind its own pending signals says it.
    fn blocked(&self, live: &model::Live) -> u64 {
        let wanted = self.tables.by_tag(Tag::SignalTask).map(|r| r.number);
        let next = self
            .record_at(live.pending.record.offset)
            .and_then(|(_, _, next)| self.record_at(next));
        let record = next.filter(|(number, ..)| Some(*number) == wanted);
        record.map_or(live.blocked, |(_, record, _)| {
            self.sigset(record.bytes("blocked.sigset"))
        })
    }

    /// A set of signals: words of the machine, the first signals in the first word.
    fn sigset(&self, bytes: &[u8]) -> u64 {
        let f = Fields {
            data: bytes,
            order: self.tree.order,
        };
        let word = self.tree.machine.word();
        let half = |at: usize| f.uint(at, word).unwrap_or(0);
        if word == 8 {
            half(0)
        } else {
            half(0) | half(4) << 32
        }
    }

    /// Streams before R06 have no directories; the root stands in.
    fn dirs(&mut self, fs: ObjRef) -> usize {
        if let Some(&index) = self.index.dirs.get(&fs) {
            return index;
        }
        let index = Tree::add(
            &mut self.tree.dirs,
            Dirs {
                cwd: "/".into(),
                root: "/".into(),
                umask: 0o22,
            },
        );
        self.index.dirs.insert(fs, index);
        self.loss(
            "stream.no-directories",
            "FS",
            "",
            "/",
            "the stream has none; the root stands in",
        );
        index
    }

    fn registers(&self, regs: &Regs) -> Vec<u64> {
        match regs {
            Regs::Arm(arm) => arm.0.iter().map(|&r| r.into()).collect(),
            Regs::Missing => vec![0; self.tree.machine.num_regs()],
            Regs::Named(..) => {
                let machine = self.tree.machine;
                let one = |name: &&str| {
                    let value = regs.get(name).unwrap_or(0);
                    if x86::is_segment(name) {
                        x86::selector(machine, value)
                    } else {
                        value
                    }
                };
                x86::registers(machine).iter().map(one).collect()
            }
        }
    }

    /// A register file in the kernel's layout.
    fn unit(&self, file: &model::FpFile) -> Option<Unit> {
        let order = self.tree.order;
        let mut data = Vec::new();
        let mut put = |values: &[u64], size: usize| {
            for &v in values {
                push_uint(&mut data, order, v, size);
            }
        };
        let wide = |words: &[u32]| words.iter().map(|&w| u64::from(w)).collect::<Vec<_>>();
        let kind = match &file.regs {
            FpRegs::Vfp(vfp) => {
                put(&vfp.d, 8);
                put(&[vfp.fpscr.into()], 4);
                put(&wide(&vfp.exc.unwrap_or_default()), 4);
                1
            }
            FpRegs::Fpa(fpa) => {
                put(&wide(fpa.f.as_flattened()), 4);
                put(&wide(&[fpa.fpsr, fpa.fpcr]), 4);
                put(&fpa.ftype.map(u64::from), 1);
                put(&[fpa.init_flag.into()], 4);
                2
            }
            FpRegs::Iwmmxt(wmmx) => {
                put(&wmmx.wr, 8);
                put(&wide(&[wmmx.wcssf, wmmx.wcasf]), 4);
                put(&wide(&wmmx.wcgr), 4);
                3
            }
            FpRegs::Crunch(crunch) => {
                put(&crunch.mvdx, 8);
                put(&wide(crunch.mvax.as_flattened()), 4);
                put(&[crunch.dspsc], 8);
                4
            }
            FpRegs::XscaleDsp(acc) => {
                put(&wide(acc), 4);
                5
            }
            FpRegs::Other(..) => return None,
        };
        Some(Unit {
            kind,
            flags: file.flags,
            data,
        })
    }

    fn creds(&self, number: ObjRef) -> Creds {
        let Some(c) = self.image.creds.get(&number) else {
            return Creds::default();
        };
        // The stream lists real, saved, effective, file system; the tree real, effective, saved, file system.
        let order = |[real, saved, effective, fs]: [u32; 4]| [real, effective, saved, fs];
        Creds {
            uid: order(c.uids),
            gid: order(c.gids),
            caps: c.caps,
            securebits: c.securebits,
            groups: self
                .image
                .groups
                .get(&c.groups)
                .cloned()
                .unwrap_or_default(),
        }
    }

    fn namespaces(&mut self) {
        let image = self.image;
        if let Some(uts) = image.uts.values().next() {
            let [_, node, _, _, _, domain] = &uts.names;
            self.tree.host = Some((text(node), text(domain)));
        }
        if let Some(ipc) = image.ipc.values().next() {
            let value = |name: &str| {
                ipc.limits
                    .iter()
                    .find(|(n, _)| n == name)
                    .map_or(0, |&(_, v)| v)
            };
            let small = |name: &str| u32::try_from(value(name) & 0xffff_ffff).unwrap_or(0);
            let limits = IpcLimits {
                shm: (
                    value("shm_ctlmax"),
                    value("shm_ctlall"),
                    small("shm_ctlmni"),
                ),
                msg: ["msg_ctlmax", "msg_ctlmnb", "msg_ctlmni"].map(small),
                sem: ["sem_ctl_msl", "sem_ctl_mns", "sem_ctl_opm", "sem_ctl_mni"].map(small),
            };
            let objects = self.ipc_objects(ipc);
            self.tree.ipc = Some(Ipc { limits, objects });
        }
    }

    /// Files of a CRIU set. Whoever edits an image may write anything there, so names and lengths are looked at.
    fn foreign(&mut self) {
        let image = self.image;
        let mut names = HashSet::new();
        for file in &image.foreign {
            let parts = file.parts.iter().map(|p| self.stream.part(p.offset, p.len));
            let bytes = Blob::joined(text(&file.name), parts.collect());
            let sound = file.format == 1 && file.has_plain_name() && bytes.len() == file.size;
            if sound && names.insert(&file.name) {
                self.tree.foreign.push(bytes);
                continue;
            }
            let why = "the record breaks a rule (§10.6), so the file is left out";
            let name = text(&file.name);
            self.loss("stream.foreign", "FOREIGN", "name", name, why);
        }
    }

    fn ipc_objects(&self, ipc: &model::Ipc) -> IpcObjects {
        let segment = |s: &model::IpcSegment| {
            let memory = *self.index.segments.get(&s.inode)?;
            let owner = ipc_owner(&s.perms);
            Some(IpcSegment { owner, memory })
        };
        let text = |m: &model::IpcMessage| {
            let pieces = m.text.iter().map(|e| self.stream.part(e.offset, e.len));
            let text = Blob::joined("message", pieces.collect());
            (m.kind.cast_unsigned(), text)
        };
        let queue = |q: &model::IpcQueue| IpcQueue {
            owner: ipc_owner(&q.perms),
            max_bytes: u32::try_from(q.max_bytes).unwrap_or(u32::MAX),
            messages: q.messages.iter().map(text).collect(),
        };
        let set = |s: &model::IpcSemaphores| IpcSemaphores {
            owner: ipc_owner(&s.perms),
            values: s
                .values
                .iter()
                .map(|&(value, _)| u16::try_from(value).unwrap_or(0))
                .collect(),
        };
        IpcObjects {
            segments: ipc.segments.iter().filter_map(segment).collect(),
            queues: ipc.queues.iter().map(queue).collect(),
            semaphores: ipc.semaphores.iter().map(set).collect(),
        }
    }

    /// Whole objects that no other format is given.
    fn homeless(&mut self) {
        let image = self.image;
        let counts = [
            ("stream.network", "NETDEV", image.devices.len()),
            ("stream.label", "SECURITY", image.labels.len()),
        ];
        for (code, record, count) in counts.into_iter().filter(|&(_, _, n)| n > 0) {
            self.loss(
                code,
                record,
                "",
                format!("{count} of them"),
                "they are not carried into other formats",
            );
        }
        if let Some(namespaces) = image
            .tasks
            .iter()
            .map(|t| t.nested_pids.len())
            .max()
            .filter(|&n| n > 0)
        {
            self.loss(
                "stream.nested-pids",
                "PIDS",
                "depth",
                namespaces,
                "numbers in nested pid namespaces are not carried",
            );
        }
    }
}

fn ipc_owner(perms: &model::IpcPerms) -> IpcOwner {
    IpcOwner {
        id: perms.id.cast_unsigned(),
        key: perms.key,
        owner: (perms.uid, perms.gid),
        creator: (perms.cuid, perms.cgid),
        mode: perms.mode,
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.split(|&c| c == 0).next().unwrap_or_default()).into_owned()
}
