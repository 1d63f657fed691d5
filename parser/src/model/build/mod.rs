//! Events into a model.

#![expect(
    clippy::cast_possible_truncation,
    reason = "fields are read as 64 bits and hold what their own type holds"
)]
#![cfg_attr(
    not(test),
    expect(
        clippy::wildcard_imports,
        reason = "the files of this module are one builder and share its imports"
    )
)]

/// Fields that a part of the builder reads; a name that no table has stops the build.
macro_rules! ids {
    ($($module:ident { $($name:ident = $table:ident $path:literal;)* })*) => {
        $(mod $module { use super::*; $(pub(super) const $name: FieldId = table::$table.id($path);)* })*
    };
}

mod files;
mod head;
mod identity;
mod ipc;
mod memory;
mod net;
mod signals;
mod tasks;

use super::*;
use crate::decoder::{Decoder, Event};
use crate::diagnostic::{Code, Diagnostic};
use crate::frame::{HEADER_LEN, HEADER_SIZE};
use crate::grammar::Role;
use crate::packed::Packed;
use crate::source::Source;
use crate::text::{self, escape};
use crate::view::{View, read_uint, until_nul};
use ckpt_format::dialect::{R07, R08, R15};
use ckpt_format::layout::Layout;
use ckpt_format::records as table;
use ckpt_format::schema::Count;
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

ids! {
    object {
        TYPE = OBJREF "objtype"; REF = OBJREF "objref";
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
        let limits = &decoder.options().limits;
        let Some(view) = decoder.view() else {
            return Ok(());
        };
        let Some(tag) = event.tag else { return Ok(()) };
        self.count(event, &view);
        self.structure(limits, event, tag, &view);
        Ok(())
    }

    /// A count may promise more elements than the record has room for.
    fn count(&mut self, event: &Event, view: &View) {
        let Some(slot) = view.layout.tail() else {
            return;
        };
        let Some(Count::By(name)) = slot.field.map(|field| field.count) else {
            return;
        };
        let counter = view.layout.named(name);
        let promised = counter.and_then(|counter| view.element(counter, 0));
        let (promised, room) = (promised.unwrap_or(0), view.elements(slot));
        if promised > u64::from(room) {
            let found = format!("{name} {promised}, expected at most {room}");
            self.finding(Code::BadCount, event, found);
        }
    }

    fn structure(&mut self, limits: &crate::limits::Limits, event: &Event, tag: Tag, view: &View) {
        match tag {
            Tag::Header => self.header(event, view),
            Tag::Tail => self.magic(event, view),
            Tag::HeaderArch | Tag::LsmInfo | Tag::Pids => self.head_part(event, tag, view),
            Tag::Objref => self.define(limits, event, view),
            Tag::Task => self.task(limits, event, view),
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
                    fds: Packed::default(),
                };
                self.image.file_tables.insert(object_of(event), table);
                self.queue_owners.clear();
            }
            Tag::FileDesc => self.descriptor(limits, event, view),
            Tag::File => self.file(event, view),
            Tag::Fs => self.fs(event, view),
            Tag::EpollItems => self.epoll_file(event, view),
            Tag::Tty | Tag::TtyLdisc => self.terminal(event, tag, view),
            Tag::Sighand => self.sighand(event, view),
            Tag::Signal => self.signal(event, view),
            Tag::Ipc | Tag::IpcNs | Tag::IpcShm | Tag::IpcMsg | Tag::IpcMsgMsg | Tag::IpcSem => {
                self.ipc(event, tag, view);
            }
            Tag::TaskSemUndoList | Tag::TaskSemUndo => self.sem_undo(event, tag, view),
            Tag::Socket
            | Tag::SocketUnix
            | Tag::SocketInet
            | Tag::SocketQueue
            | Tag::SocketBuffer
            | Tag::SocketFrag => {
                self.socket(event, tag, view);
            }
            Tag::Netdev | Tag::NetdevAddr => self.device(event, tag, view),
            Tag::Foreign => self.foreign(limits, event, view),
            Tag::Error => self.image.error = Some((record(event), Vec::new())),
            _ => self.identity(event, tag, view),
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
        if self.image.objects.len() >= limits.objects as usize {
            let found = format!("more than {} objects", limits.objects);
            return self.finding(Code::TooMany, event, found);
        }
        if let Some(first) = self.image.objects.get(at) {
            let found = format!("object {at}, first defined at {:#x}", first.record.offset);
            return self.finding(Code::DuplicateObject, event, found);
        }
        self.insert_object(event, at, kind, false);
    }

    /// An object that no OBJREF announces: defined by the first field that names it.
    fn implicit(&mut self, event: &Event, at: ObjRef, kind: Object) {
        if at > 0 && !self.image.objects.contains(at) {
            self.insert_object(event, at, kind, true);
        }
    }

    fn insert_object(&mut self, event: &Event, at: ObjRef, kind: Object, implicit: bool) {
        let defined = Defined {
            kind,
            record: record(event),
            implicit,
        };
        self.image.objects.insert(at, defined);
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
            Role::SkbData => self.skb_linear(extent),
            Role::MsgText => self.message_text(extent),
            Role::TtyInput => {
                if let Some(terminal) = self.image.terminals.get_mut(&at) {
                    terminal.input = Some(extent);
                }
            }
            Role::ForeignData => {
                if let Some(file) = self.image.foreign.last_mut() {
                    file.parts.push(extent);
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
            Role::Path => self.image.files.set_path(at, &text),
            Role::Cwd => self.image.fs.entry(at).or_default().cwd = text,
            Role::Root => self.image.fs.entry(at).or_default().root = text,
            Role::Label => self.image.labels.entry(at).or_default().text = text,
            Role::DeviceName => self.image.devices.entry(at).or_default().name = text,
            Role::SocketDirectory => {
                if let Some(socket) = self.image.sockets.get_mut(&at) {
                    socket.local = format!("{}{}", escape(&text), socket.local);
                }
            }
            Role::ForeignName => {
                if let Some(file) = self.image.foreign.last_mut() {
                    file.name = text;
                }
            }
            Role::ErrorText => {
                let message = bytes.strip_prefix(&[0]).unwrap_or(bytes);
                let message = message.strip_suffix(&[0]).unwrap_or(message).to_vec();
                if let Some((_, text)) = &mut self.image.error {
                    text.clone_from(&message);
                }
                let reason = escape(&message);
                let found = match reason.trim_end() {
                    "" => "no reason is given",
                    reason => reason,
                };
                self.finding(Code::CheckpointFailed, event, found.to_owned());
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

    fn finish<S: Source>(mut self, decoder: &mut Decoder<S>) -> Image {
        let read = std::mem::take(decoder.findings_mut());
        self.image.findings.extend(read);
        self.image.complete = decoder.is_complete();
        self.image.findings.sort();
        let image = &mut self.image;
        image.objects.settle();
        image.files.settle();
        let tables = image.file_tables.values_mut();
        tables.for_each(|table| table.fds.shrink());
        image.mms.values_mut().for_each(Mm::shrink);
        let segments = image.segments.values_mut();
        segments.for_each(|segment| segment.pages.shrink());
        self.image
    }
}

/// Longest text or table that is held for the model, in bytes.
const MAX_TEXT: usize = 1 << 20;

fn empty(detection: Detection, diagnostics: u32) -> Image {
    Image {
        detection,
        header: Header::default(),
        pids: Vec::new(),
        pid_offset: 0,
        tasks: Vec::new(),
        objects: Numbered::default(),
        file_tables: BTreeMap::new(),
        files: Files::default(),
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
        foreign: Vec::new(),
        error: None,
        num_records: 0,
        len: 0,
        num_pages: 0,
        complete: false,
        findings: Findings::new(diagnostics),
    }
}
