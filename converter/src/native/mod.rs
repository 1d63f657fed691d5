//! Dialect to dialect, record by record as they pass: no model, constant memory, page contents
//! copied from the source to the output.
//!
//! Most records move by the tables alone (`fields`). What else changed: records that a revision
//! added or dropped (`one_side`), the form of the process tree (`tree`, `pids`), and records that
//! are more than their fields (`single`).

mod edit;
mod fields;
mod one_side;
mod pids;
mod single;
mod tree;

pub use edit::Edits;

use crate::error::Error;
use crate::loss::{Code, Gravity, Loss, Losses};
use crate::output::Sink;
use ckpt_format::dialect::{R02, R06, R08, R09, R15, R16, R18};
use ckpt_format::records as table;
use ckpt_format::{Arch, Dialect, Object, Order, Revision, Tables, Tag};
use ckpt_parser::decoder::{Decoder, Event, Options};
use ckpt_parser::detect;
use ckpt_parser::diagnostic::Code as Damage;
use ckpt_parser::encode::RecordBuilder;
use ckpt_parser::grammar::Role;
use ckpt_parser::source::Source;
use ckpt_parser::view::{View, write_uint};
use fields::{Known, ids};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

ids! {
    OBJTYPE = OBJREF "objtype";
    OBJREF_NUMBER = OBJREF "objref";
    NR_PIDS = PIDS "nr_pids";
    NR_VPIDS = PIDS "nr_vpids";
    PID_OFFSET = PIDS "offset";
    NR_TASKS = TREE "nr_tasks";
    VPIDS_COUNT = VPIDS "nr_vpids";
    FS_OBJREF = TASK_OBJS "fs_objref";
    SIGNAL_OBJREF = TASK_OBJS "signal_objref";
    UMASK = FS "umask";
    F_TYPE = FILE "f_type";
    NR_PAGES = PGARR "nr_pages";
    HPAGE_VADDR = HPAGE "vaddr";
    HPAGE_SHIFT = HPAGE "shift";
    SHM_OBJREF = IPC_SHM "objref";
    INO_OBJREF = VMA "ino_objref";
    THREAD_FLAGS = THREAD "thread_info_flags";
    FPU_UNIT = CPU_FPU "unit";
    AUXV_BYTES = HEADER "constants.mm_saved_auxv_len";
    UFLAGS = HEADER "uflags";
    PERSONALITY = ARM_ABI "personality";
    ABI_E_FLAGS = ARM_ABI "e_flags";
    ABI_HWCAP = ARM_ABI "hwcap";
    ABI_HWCAP2 = ARM_ABI "hwcap2";
    ABI_PAGE_SIZE = ARM_ABI "page_size";
    ABI_CALLING = ARM_ABI "calling";
    ABI_VALID = ARM_ABI "valid";
}

/// Where numbers of objects begin that the source does not have: far above those that a kernel
/// counts up to.
const NEW_OBJECTS: i32 = 0x4000_0000;
/// Step in which contents of a source are copied that is no plain file.
const COPY_STEP: usize = 1 << 20;
/// From this length on bytes are poured from pipe to pipe instead of passing through memory.
const POUR: u64 = 32 << 10;
/// Records between two reports of progress.
const PROGRESS_EVERY: u64 = 1024;
/// Longest process tree, in bytes of one buffer: a million tasks.
const MAX_TREE: u64 = 32 << 20;
/// What `umask` and the directories of an FS object are that stands for nothing known.
const ROOT_DIRECTORY: &[u8] = b"/\0";
const USUAL_UMASK: u32 = 0o22;
/// What an image before R03 is taken to have been written under.
const LSM_NONE: &[u8; 11] = b"lsm_none\0\0\0";
/// Contents of LSM_INFO under it; no NUL (§2.1).
const LSM_DUMMY: &[u8] = b"dummy";

/// What of ARM_ABI is known about a task from elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KnownAbi {
    /// Linux persona value.
    pub personality: Option<u32>,
    /// AT_HWCAP.
    pub hwcap: Option<u32>,
    /// AT_HWCAP2.
    pub hwcap2: Option<u32>,
}

/// What the user adds that the old image never held.
#[derive(Clone, Debug, Default)]
pub struct Additions {
    /// Personality of every task.
    pub personality: Option<u32>,
    /// VFP register sets (272 bytes, or 260 without the exception registers) by pid; pid 0 stands
    /// for the root task.
    pub vfp: HashMap<i32, Vec<u8>>,
}

impl Additions {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.personality.is_none() && self.vfp.is_empty()
    }
}

/// What to make of an image.
#[derive(Clone, Debug)]
pub struct Request {
    /// The revision to write.
    pub to: Revision,
    /// What the user adds.
    pub additions: Additions,
    /// Drop damage instead of stopping at it.
    pub salvage: bool,
    /// What to change on the way.
    pub edits: Edits,
}

/// What came of a conversion.
#[derive(Clone, Debug)]
pub struct Summary {
    /// Dialect of the input.
    pub from: Dialect,
    /// Dialect of the output.
    pub to: Dialect,
    /// Records read.
    pub records: u64,
}

/// How a record type moves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Plan {
    /// As it is.
    Copy,
    /// With another number.
    Renumber,
    /// By its fields.
    Convert,
}

/// A conversion under way.
pub struct Native<'a, S> {
    decoder: Decoder<S>,
    from: Arc<Tables>,
    to: Tables,
    plans: Vec<(Plan, bool)>,
    /// Numbers of the descriptors in this table, where some are moved.
    descriptors: HashSet<i32>,
    /// Types of objects that the target does not have.
    homeless: Vec<Object>,
    request: &'a Request,
    out: &'a mut dyn Sink,
    losses: &'a mut Losses,
    known: Known,
    abi: HashMap<u32, KnownAbi>,
    /// Added to every object number.
    shift: i64,
    tree: Option<pids::Raw>,
    pids: Vec<i32>,
    container: bool,
    auxv_bytes: u64,
    new_objects: i32,
    /// FS objects made for each SIGNAL object.
    directories: HashMap<i32, i32>,
    /// A socket buffer whose record needs the length of what follows.
    held_buffer: Option<(Event, Vec<u8>)>,
    huge: Option<(u64, u32)>,
    shared_pages: bool,
    queues: (u64, u64),
}

/// How the process tree is written.
fn tree_form(revision: Revision) -> u8 {
    match revision {
        r if r < R08 => 0,
        R08 => 1,
        R09 => 2,
        r if r < R15 => 3,
        _ => 4,
    }
}

/// Whether a revision can hold images of an ABI.
fn can_hold(to: Dialect) -> bool {
    let Dialect { revision, abi } = to;
    let order = abi.order == abi.arch.usual_order() || (abi.arch == Arch::Arm && revision >= R18);
    order && detect::arch_id(revision, abi.arch).is_some()
}

impl<'a, S: Source> Native<'a, S> {
    /// Detects the dialect of a source and prepares the way to another one.
    ///
    /// # Errors
    /// Those of the source, and if it is no image.
    pub fn new(
        source: S,
        options: Options,
        request: &'a Request,
        out: &'a mut dyn Sink,
        losses: &'a mut Losses,
    ) -> Result<Self, Error> {
        let decoder = Decoder::new(source, options).map_err(Error::reading)?;
        let from = Arc::clone(decoder.tables());
        let dialect = Dialect {
            revision: request.to,
            abi: from.dialect.abi,
        };
        let to = Tables::new(dialect);
        let plan = |tag: &Tag| (plan_of(*tag, &from, &to), fields::has_references(*tag, &to));
        let plans = Tag::ALL.iter().map(plan).collect();
        let arch = dialect.abi.arch;
        let missing = |kind: &Object| kind.number(request.to, arch).is_none();
        Ok(Native {
            decoder,
            descriptors: HashSet::new(),
            homeless: Object::ALL.iter().copied().filter(missing).collect(),
            from,
            to,
            plans,
            request,
            out,
            losses,
            known: Known::default(),
            abi: HashMap::new(),
            shift: 0,
            tree: None,
            pids: Vec::new(),
            container: false,
            auxv_bytes: 0,
            new_objects: NEW_OBJECTS,
            directories: HashMap::new(),
            held_buffer: None,
            huge: None,
            shared_pages: false,
            queues: (0, 0),
        })
    }

    /// What is known of the tasks' ABI, by number of the task.
    pub fn set_known_abi(&mut self, abi: HashMap<u32, KnownAbi>) {
        self.abi = abi;
    }

    /// Converts the whole image.
    ///
    /// # Errors
    /// Those of source and output; damage, unless salvaging. Losses are no errors: see `losses`.
    pub fn run(mut self, progress: &mut dyn FnMut(u64)) -> Result<Summary, Error> {
        let (from, to) = (self.from.dialect, self.to.dialect);
        self.check_additions()?;
        self.check_dialects();
        let mut records = 0u64;
        if self.losses.refused() {
            return Ok(Summary { from, to, records });
        }
        while let Some(event) = self.decoder.next() {
            let event = event.map_err(Error::reading)?;
            records = records.saturating_add(1);
            self.event(&event)?;
            if self.losses.refused() {
                self.out.mute();
            }
            // Asking the clock for each of millions of records would cost more than the records.
            if records.checked_rem(PROGRESS_EVERY) == Some(0) {
                progress(event.frame.end());
            }
        }
        self.finish()?;
        self.check_registers()?;
        Ok(Summary { from, to, records })
    }

    fn same_revision(&self) -> bool {
        self.from.dialect.revision == self.to.dialect.revision
            && self.request.additions.is_empty()
            && self.request.edits.is_empty()
    }
    fn revisions(&self) -> (Revision, Revision) {
        (self.from.dialect.revision, self.to.dialect.revision)
    }
    /// Whether the target has something since `revision` that the source lacks.
    fn gains(&self, revision: Revision) -> bool {
        let (from, to) = self.revisions();
        from < revision && to >= revision
    }
    /// Whether the target lacks something that the source has since `revision`.
    fn drops(&self, revision: Revision) -> bool {
        let (from, to) = self.revisions();
        from >= revision && to < revision
    }
    fn order(&self) -> Order {
        self.to.dialect.abi.order
    }

    fn check_additions(&self) -> Result<(), Error> {
        let place = self.gains(R18) && self.from.dialect.abi.arch == Arch::Arm;
        if place || self.request.additions.is_empty() {
            return Ok(());
        }
        let (from, to) = self.revisions();
        let arch = self.from.dialect.abi.arch.name();
        let why = format!(
            "--set gives registers and a personality to ARM images older than R18 that become R18; this one is {from} of {arch}, and {to} is to be written"
        );
        Err(Error::Request(why))
    }

    /// Registers of a task that is not there were meant for another image.
    fn check_registers(&self) -> Result<(), Error> {
        let wanted = self.request.additions.vfp.keys();
        let missing = wanted
            .filter(|pid| **pid != 0 && !self.pids.contains(pid))
            .min();
        let Some(missing) = missing else {
            return Ok(());
        };
        let there: Vec<String> = self.pids.iter().map(ToString::to_string).collect();
        let why = format!(
            "--set fp-state: no task {missing} in the image; its tasks are {}",
            there.join(", ")
        );
        Err(Error::Request(why))
    }

    fn check_dialects(&mut self) {
        if !self.same_revision() && !can_hold(self.to.dialect) {
            let arch = self.from.dialect.abi;
            let value = format!("{} {}", arch.arch, arch.order);
            self.report(Code::Arch, "HEADER", 0, "arch_id", value);
            self.out.mute();
        }
    }

    fn report(
        &mut self,
        code: Code,
        record: &str,
        offset: u64,
        field: impl Into<String>,
        value: impl Into<String>,
    ) {
        self.losses.push(Loss {
            code: code.name(),
            record: record.to_owned(),
            offset: Some(offset),
            field: field.into(),
            value: value.into(),
            why: code.why(),
            note: code.gravity() == Gravity::Note,
        });
    }
    fn lose(&mut self, event: &Event, code: Code, field: &str, value: impl Into<String>) {
        self.report(code, event.name(), event.frame.offset, field, value);
    }

    fn event(&mut self, event: &Event) -> Result<(), Error> {
        let Some(tag) = event.tag else {
            return self.unnamed(event);
        };
        if self.request.salvage && self.is_damaged(event) {
            self.lose(
                event,
                Code::Damage,
                "",
                format!("{} bytes", event.frame.len),
            );
            return Ok(());
        }
        if self.same_revision() {
            return self.copy(event);
        }
        if self.collects_tree(event, tag)? {
            return Ok(());
        }
        self.flush_tree(event.frame.offset)?;
        self.flush_buffer(event)?;
        if self.is_dropped(event, tag)? {
            return Ok(());
        }
        if !self.request.edits.is_empty() && self.replaced(event, tag)? {
            return Ok(());
        }
        self.remember(event, tag);
        self.insert_before(event, tag)?;
        self.record(event, tag)?;
        self.insert_behind(event, tag)
    }

    /// Gaps, and records of unknown types.
    fn unnamed(&mut self, event: &Event) -> Result<(), Error> {
        let behind_tail = event.frame.is_gap() && self.decoder.is_complete();
        if behind_tail || (self.same_revision() && !self.request.salvage) {
            return self.copy(event);
        }
        let (code, value) = if event.frame.is_gap() {
            (Code::Damage, format!("{} bytes", event.frame.len))
        } else {
            (Code::UnknownRecord, format!("type {}", event.frame.number))
        };
        self.lose(event, code, "", value);
        Ok(())
    }

    /// Whether a record is not what its type says, or stands where nothing can belong to it.
    fn is_damaged(&self, event: &Event) -> bool {
        let cut = self.decoder.findings().kept().last().is_some_and(|found| {
            let code = found.code;
            let broken = matches!(code, Damage::Truncated | Damage::WrongLength);
            found.offset == event.frame.offset && broken
        });
        cut || event.role() == Role::Stray
    }

    // ---- copying ---------------------------------------------------------------------------

    /// Copies a record as it is, with the raw page behind it.
    fn copy(&mut self, event: &Event) -> Result<(), Error> {
        let len = u64::from(event.frame.len).saturating_add(u64::from(event.frame.raw));
        self.copy_part(event, 0, len)
    }

    /// Copies `len` bytes of a record from `skip` on.
    fn copy_part(&mut self, event: &Event, skip: u64, len: u64) -> Result<(), Error> {
        let start = event.frame.offset.saturating_add(skip);
        if self.out.extent(start, len)? {
            return Ok(());
        }
        let seen = self.seen(start, len);
        self.give(event, skip, seen)?;
        let mut done = seen;
        if done < len {
            let from = start.saturating_add(done);
            let rest = len.saturating_sub(done);
            let poured = self.out.pour(self.decoder.source(), from, rest)?;
            done = done.saturating_add(poured);
        }
        self.give(event, skip.saturating_add(done), len.saturating_sub(done))
    }

    /// How much of a stretch has left the pipe that it comes from; all of it, if it comes from
    /// elsewhere or pouring the rest does not pay.
    fn seen(&mut self, start: u64, len: u64) -> u64 {
        let end = start.saturating_add(len);
        match self.decoder.source().pours_from() {
            Some(at) if end.saturating_sub(at) >= POUR => at.saturating_sub(start),
            _ => len,
        }
    }

    /// Hands `len` bytes of a record from `skip` on to the output.
    fn give(&mut self, event: &Event, mut skip: u64, mut len: u64) -> Result<(), Error> {
        while len > 0 {
            let step = usize::try_from(len).unwrap_or(COPY_STEP).min(COPY_STEP);
            let bytes = self.decoder.payload(skip, step).map_err(Error::reading)?;
            if bytes.is_empty() {
                return Err(Error::ended(event.frame.offset.saturating_add(skip)));
            }
            skip = skip.saturating_add(bytes.len() as u64);
            len = len.saturating_sub(bytes.len() as u64);
            self.out.bytes(bytes)?;
        }
        Ok(())
    }

    /// The payload of a record that is small by nature.
    fn payload(&mut self, event: &Event, limit: u64) -> Result<Vec<u8>, Error> {
        let len = u64::from(event.frame.len).saturating_sub(8);
        if len > limit {
            return Err(Error::too_long(
                event.name(),
                event.frame.offset,
                len,
                limit,
            ));
        }
        let mut all = Vec::new();
        while (all.len() as u64) < len {
            let skip = (all.len() as u64).saturating_add(8);
            let bytes = self
                .decoder
                .payload(skip, COPY_STEP)
                .map_err(Error::reading)?;
            if bytes.is_empty() {
                return Err(Error::ended(event.frame.offset.saturating_add(skip)));
            }
            all.extend_from_slice(bytes);
        }
        all.truncate(usize::try_from(len).unwrap_or(usize::MAX));
        Ok(all)
    }

    fn emit_payload(&mut self, tag: Tag, payload: &[u8]) -> Result<(), Error> {
        self.emit_head(tag, payload.len() as u64)?;
        self.out.bytes(payload)?;
        Ok(())
    }

    fn emit_head(&mut self, tag: Tag, payload: u64) -> Result<(), Error> {
        let number = self.to.by_tag(tag).map_or(0, |record| record.number);
        let mut head = [0; 8];
        let order = self.order();
        let (kind, len) = head.split_at_mut(4);
        write_uint(kind, u64::from(number), order);
        write_uint(len, payload.saturating_add(8), order);
        self.out.bytes(&head)?;
        Ok(())
    }

    /// Writes a struct record whose references still are those of the source.
    fn emit(&mut self, offset: u64, tag: Tag, mut bytes: Vec<u8>) -> Result<(), Error> {
        if self.shift != 0
            && let Some(field) = fields::shift(tag, &mut bytes, &self.to, self.shift)
        {
            self.report(Code::ObjectNumber, tag.name(), offset, field, "");
        }
        self.out.bytes(&bytes)?;
        Ok(())
    }

    fn build(
        &mut self,
        tag: Tag,
        word: Option<u32>,
        fill: impl FnOnce(RecordBuilder<'_>) -> RecordBuilder<'_>,
    ) -> Result<(), Error> {
        let built = RecordBuilder::variant(&self.to, tag, word).map(|r| fill(r).finish());
        match built {
            Some(bytes) => self.emit(0, tag, bytes),
            None => Ok(()),
        }
    }

    // ---- records ---------------------------------------------------------------------------

    fn record(&mut self, event: &Event, tag: Tag) -> Result<(), Error> {
        match event.role() {
            Role::Auxv => return self.auxv(event),
            Role::EpollItems if self.shift != 0 => return self.epoll_items(event),
            Role::HugePage if self.drops(R16) => return self.huge_page(event),
            _ => {}
        }
        let (plan, refers) = self
            .plans
            .get(tag as usize)
            .copied()
            .unwrap_or((Plan::Convert, true));
        let payload = self
            .from
            .by_tag(tag)
            .is_some_and(|record| record.record.payload);
        let same = plan == Plan::Copy && (self.shift == 0 || !refers);
        if payload || (same && self.request.edits.is_empty()) {
            return self.copy(event);
        }
        let head = self.decoder.head();
        if head.len() < event.frame.len as usize {
            let limit = u64::from(self.decoder.options().limits.record_len);
            let len = u64::from(event.frame.len);
            return Err(Error::too_long(
                event.name(),
                event.frame.offset,
                len,
                limit,
            ));
        }
        let mut bytes = head.to_vec();
        let changed = self.request.edits.apply(tag, &mut bytes, &self.from);
        self.check_descriptor(event, tag, &bytes)?;
        if same && !changed {
            return self.copy(event);
        }
        match tag {
            Tag::File if self.drops(R02) => return self.file(event, bytes),
            Tag::SocketBuffer if plan == Plan::Convert => {
                self.held_buffer = Some((*event, bytes));
                return Ok(());
            }
            Tag::TaskObjs if self.gains(R06) => return self.task_objs(event, &bytes),
            Tag::Hpage if self.drops(R16) => {
                self.hpage(event, &bytes);
                return Ok(());
            }
            _ => {}
        }
        self.convert(event, tag, bytes, plan)
    }

    fn convert(
        &mut self,
        event: &Event,
        tag: Tag,
        mut bytes: Vec<u8>,
        plan: Plan,
    ) -> Result<(), Error> {
        if plan != Plan::Convert {
            let number = self.to.by_tag(tag).map_or(0, |record| record.number);
            let order = self.order();
            if let Some(room) = bytes.get_mut(..4) {
                write_uint(room, u64::from(number), order);
            }
            return self.emit(event.frame.offset, tag, bytes);
        }
        match self.converted(event, tag, &bytes) {
            Some(bytes) => self.emit(event.frame.offset, tag, bytes),
            None => Ok(()),
        }
    }

    /// A record by its fields; what does not come back is reported.
    fn converted(&mut self, event: &Event, tag: Tag, bytes: &[u8]) -> Option<Vec<u8>> {
        let from = Arc::clone(&self.from);
        let layout = from.layout_of(event.frame.number, bytes)?;
        let view = View {
            layout,
            bytes,
            dialect: from.dialect,
        };
        let there = fields::convert(&self.known, tag, &view, &self.to)?;
        let number = self.to.by_tag(tag)?.number;
        let layout = self.to.layout_of(number, &there)?;
        let dialect = self.to.dialect;
        let seen = View {
            layout,
            bytes: &there,
            dialect,
        };
        let back = fields::convert(&self.known, tag, &seen, &from)?;
        for lost in fields::differences(tag, &view, &back, dialect) {
            self.lose(event, lost.code, &lost.field, lost.value);
        }
        Some(there)
    }

    /// What later records need.
    fn remember(&mut self, event: &Event, tag: Tag) {
        let Some(view) = self.decoder.view() else {
            return;
        };
        match tag {
            Tag::Header => self.auxv_bytes = view.uint(AUXV_BYTES).unwrap_or(0),
            Tag::Cred => {
                if let Some(object) = event.object() {
                    self.known.cred(object.objref, &view);
                }
            }
            Tag::IpcShm => {
                self.known
                    .segments
                    .insert(view.i32(SHM_OBJREF).unwrap_or(0));
                self.shared_pages = true;
            }
            Tag::Vma => self.shared_pages = view.i32(INO_OBJREF).unwrap_or(0) != 0,
            Tag::Socket => {
                let expected = u64::from(fields::queues_expected(&view)).saturating_mul(2);
                self.queues.0 = self.queues.0.saturating_add(expected);
            }
            Tag::SocketQueue => self.queues.1 = self.queues.1.saturating_add(1),
            _ => {}
        }
    }

    /// What is left when the source ends.
    fn finish(&mut self) -> Result<(), Error> {
        if self.request.salvage && !self.decoder.is_complete() {
            const MAGIC: ckpt_format::FieldId = table::TAIL.id("magic");
            let offset = self.decoder.offset();
            self.report(Code::Damage, "TAIL", offset, "", "missing, written anew");
            self.build(Tag::Tail, None, |r| {
                r.set(MAGIC, ckpt_parser::frame::TAIL_MAGIC)
            })?;
        }
        Ok(())
    }
}

fn plan_of(tag: Tag, from: &Tables, to: &Tables) -> Plan {
    if !fields::same_bytes(tag, from, to) {
        return Plan::Convert;
    }
    let number = |tables: &Tables| tables.by_tag(tag).map(|record| record.number);
    if number(from) == number(to) {
        Plan::Copy
    } else {
        Plan::Renumber
    }
}

fn text(bytes: &[u8]) -> String {
    let bytes = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    ckpt_parser::text::escape(bytes)
}
