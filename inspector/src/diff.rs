//! What two images do not have in common: head, tasks, registers, mappings, files, pages.

#![expect(
    clippy::cast_possible_truncation,
    reason = "lengths of pieces and pages, far below 4 GiB"
)]

mod waiting;

use crate::words;
use ckpt_format::layout::Tables;
use ckpt_parser::diagnostic::Findings;
use ckpt_parser::frame::Frame;
use ckpt_parser::index::Index;
use ckpt_parser::limits::Limits;
use ckpt_parser::memory::{Backing, Memory, spans};
use ckpt_parser::model::{Fd, File, FileKind, FpRegs, Image, Mm, ObjRef, Task};
use ckpt_parser::report::document::Parts;
use ckpt_parser::source::{Source, Window};
use ckpt_parser::text::{count, escape};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::{self, Write};
use std::io;

/// What a difference is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// Revision, kernel, time, counts.
    Head,
    /// Numbers of records of a type.
    Records,
    /// Tasks that come, go, or change their state.
    Tasks,
    /// Registers.
    Registers,
    /// Mappings.
    Mappings,
    /// Descriptors, and what waits behind them.
    Files,
    /// Contents of pages.
    Pages,
}

impl Group {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Group::Head => "head",
            Group::Records => "records",
            Group::Tasks => "task",
            Group::Registers => "register",
            Group::Mappings => "mapping",
            Group::Files => "file",
            Group::Pages => "pages",
        }
    }
}

/// Where a difference can be looked at in the first image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Where {
    /// A record, by number.
    Record(u64),
    /// An address space and an address.
    Address(ObjRef, u64),
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What it is about.
    pub group: Group,
    /// Which one.
    pub what: String,
    /// What the first image has; empty for nothing.
    pub left: String,
    /// What the second image has.
    pub right: String,
    /// Where to look.
    pub place: Option<Where>,
    /// The first lines of memory that differ.
    pub lines: Vec<Line>,
}

/// Bytes of a line of a hex dump.
pub const LINE: usize = 16;

/// Memory that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Where it begins.
    pub addr: u64,
    /// What the first image has there.
    pub left: [u8; LINE],
    /// What the second image has there.
    pub right: [u8; LINE],
}

/// Lines of memory that a difference keeps.
const MOST_LINES: usize = 64;
/// Lines that all of them keep.
const MOST_LINES_IN_ALL: usize = 16 << 10;

/// All differences.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    /// In the order of [`Group`].
    pub changes: Vec<Change>,
    /// Bytes of memory that were compared.
    pub compared: u64,
}

impl fmt::Display for Diff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for change in &self.changes {
            let Change {
                group,
                what,
                left,
                right,
                ..
            } = change;
            let none = |text: &str| {
                if text.is_empty() {
                    "-".to_owned()
                } else {
                    text.to_owned()
                }
            };
            writeln!(
                f,
                "{:<8} {what}: {} | {}",
                group.name(),
                none(left),
                none(right)
            )?;
        }
        Ok(())
    }
}

struct Comparison<'a> {
    left: &'a Image,
    right: &'a Image,
    diff: Diff,
    /// Lines of memory that are kept so far.
    kept: usize,
}

/// Records by the name of their type: numbers mean something else in another revision.
fn tallies(image: &Image, source: &mut dyn Source) -> io::Result<BTreeMap<String, u64>> {
    let tables = Tables::shared(image.detection.dialect);
    let mut unheard = Findings::new(0);
    let (window, limits) = (&mut Window::new(source), &Limits::default());
    let index = Index::build(window, &image.detection, limits, &mut unheard)?;
    let name = |number| match tables.by_number(number) {
        Some(record) => record.tag().name().to_owned(),
        None if number == Frame::GAP => "(gap)".to_owned(),
        None => format!("type {number}"),
    };
    let tallies = index.tallies();
    Ok(tallies
        .map(|(number, tally)| (name(number), tally.records))
        .collect())
}

/// Pages in a row that differ.
#[derive(Default)]
struct Run {
    start: u64,
    end: u64,
    bytes: u64,
    lines: Vec<Line>,
}

/// Compares two images. Tasks are matched by pid, mappings by start, descriptors by number.
///
/// # Errors
/// Those of the sources.
pub fn compare(
    (left, mut left_source): (&Image, Box<dyn Source>),
    (right, mut right_source): (&Image, Box<dyn Source>),
) -> io::Result<Diff> {
    let mut comparison = Comparison {
        left,
        right,
        diff: Diff::default(),
        kept: 0,
    };
    comparison.head();
    comparison.records(&mut *left_source, &mut *right_source)?;
    comparison.tasks();
    comparison.waiting(&mut *left_source, &mut *right_source)?;
    let mut memories = (
        Memory::new(left, left_source),
        Memory::new(right, right_source),
    );
    comparison.pages(&mut memories.0, &mut memories.1)?;
    let mut diff = comparison.diff;
    diff.changes.sort_by_key(|change| change.group);
    Ok(diff)
}

impl Comparison<'_> {
    fn change(&mut self, group: Group, what: &str, left: &str, right: &str, place: Option<Where>) {
        if left != right {
            self.diff.changes.push(Change {
                group,
                what: what.to_owned(),
                left: left.to_owned(),
                right: right.to_owned(),
                place,
                lines: Vec::new(),
            });
        }
    }

    fn head(&mut self) {
        let facts = |image: &Image| {
            let head = &image.header;
            let dialect = image.detection.dialect;
            [
                (
                    "revision",
                    format!("{} {}", dialect.revision, dialect.abi.arch.name()),
                ),
                ("kernel", escape(&head.release)),
                ("time", head.time.to_string()),
                ("records", image.num_records.to_string()),
                ("pages", image.num_pages.to_string()),
                ("objects", image.objects.len().to_string()),
            ]
        };
        let place = Some(Where::Record(0));
        for ((name, left), (_, right)) in facts(self.left).into_iter().zip(facts(self.right)) {
            self.change(Group::Head, name, &left, &right, place);
        }
    }

    /// How many records of each type there are.
    fn records(&mut self, left: &mut dyn Source, right: &mut dyn Source) -> io::Result<()> {
        let (ours, theirs) = (tallies(self.left, left)?, tallies(self.right, right)?);
        for name in ours.keys().chain(theirs.keys()).collect::<BTreeSet<_>>() {
            let number =
                |of: &BTreeMap<String, u64>| of.get(name).map_or(String::new(), u64::to_string);
            self.change(Group::Records, name, &number(&ours), &number(&theirs), None);
        }
        Ok(())
    }

    fn tasks(&mut self) {
        let by_pid = |image: &Image| {
            image
                .tasks
                .iter()
                .map(|task| (task.pid, task.index))
                .collect::<BTreeMap<_, _>>()
        };
        let (left, right) = (by_pid(self.left), by_pid(self.right));
        let pids: BTreeSet<i32> = left.keys().chain(right.keys()).copied().collect();
        for pid in pids {
            let of = |image: &'_ Image, at: Option<&u32>| {
                at.and_then(|at| image.tasks.get(*at as usize)).cloned()
            };
            let (a, b) = (
                of(self.left, left.get(&pid)),
                of(self.right, right.get(&pid)),
            );
            let place = a.as_ref().map(|task| Where::Record(task.record.index));
            self.change(
                Group::Tasks,
                &pid.to_string(),
                &task_words(a.as_ref()),
                &task_words(b.as_ref()),
                place,
            );
            if let (Some(a), Some(b)) = (a, b) {
                self.details(&a, &b);
                self.registers(&a, &b);
                self.mappings(&a, &b);
                self.files(&a, &b);
            }
        }
    }

    /// What else the records of a task say: signals, identity, limits, ABI.
    fn details(&mut self, a: &Task, b: &Task) {
        let (left, right) = (details_of(self.left, a), details_of(self.right, b));
        self.by_name(
            Group::Tasks,
            a.pid,
            &left,
            &right,
            Some(Where::Record(a.record.index)),
        );
    }

    fn registers(&mut self, a: &Task, b: &Task) {
        let place = a
            .live
            .as_ref()
            .map(|live| Where::Record(live.cpu_record.index));
        let (left, right) = (registers_of(a), registers_of(b));
        self.by_name(Group::Registers, a.pid, &left, &right, place);
    }

    /// Compares values by their names, in the order in which they stand.
    fn by_name(
        &mut self,
        group: Group,
        pid: i32,
        left: &[Value],
        right: &[Value],
        place: Option<Where>,
    ) {
        let by_name = |values: &[Value]| values.iter().cloned().collect::<HashMap<_, _>>();
        let (in_left, in_right) = (by_name(left), by_name(right));
        let only_right = right.iter().filter(|(name, _)| !in_left.contains_key(name));
        for (name, _) in left.iter().chain(only_right) {
            let get = |of: &HashMap<String, String>| of.get(name).cloned().unwrap_or_default();
            let what = format!("{pid} {name}");
            self.change(group, &what, &get(&in_left), &get(&in_right), place);
        }
    }

    fn mappings(&mut self, a: &Task, b: &Task) {
        if !a.is_leader() {
            return;
        }
        let number = a.live.as_ref().map_or(0, |live| live.mm);
        let (left, right) = (mappings_of(self.left, a), mappings_of(self.right, b));
        for start in left.keys().chain(right.keys()).collect::<BTreeSet<_>>() {
            let get = |of: &BTreeMap<u64, String>| of.get(start).cloned().unwrap_or_default();
            let place = left
                .contains_key(start)
                .then_some(Where::Address(number, *start));
            self.change(
                Group::Mappings,
                &format!("{} {start:08x}", a.pid),
                &get(&left),
                &get(&right),
                place,
            );
        }
    }

    fn files(&mut self, a: &Task, b: &Task) {
        if !a.is_leader() {
            return;
        }
        let (left, right) = (files_of(self.left, a), files_of(self.right, b));
        for fd in left.keys().chain(right.keys()).collect::<BTreeSet<_>>() {
            let get = |of: &BTreeMap<i32, (u64, String)>| {
                of.get(fd).map(|(_, text)| text.clone()).unwrap_or_default()
            };
            let place = left.get(fd).map(|(record, _)| Where::Record(*record));
            self.change(
                Group::Files,
                &format!("{} fd {fd}", a.pid),
                &get(&left),
                &get(&right),
                place,
            );
        }
    }

    fn pages(
        &mut self,
        left: &mut Memory<'_, Box<dyn Source>>,
        right: &mut Memory<'_, Box<dyn Source>>,
    ) -> io::Result<()> {
        let (images, mut done) = ((self.left, self.right), BTreeSet::new());
        for task in &images.0.tasks {
            let Some(other) = images.1.task_by_pid(task.pid) else {
                continue;
            };
            let (Some(live), Some(a), Some(b)) =
                (&task.live, images.0.mm_of(task), images.1.mm_of(other))
            else {
                continue;
            };
            if done.insert(live.mm) {
                self.space(task.pid, live.mm, (left, a), (right, b))?;
            }
        }
        Ok(())
    }

    fn space(
        &mut self,
        pid: i32,
        number: ObjRef,
        (left, a): (&mut Memory<'_, Box<dyn Source>>, &Mm),
        (right, b): (&mut Memory<'_, Box<dyn Source>>, &Mm),
    ) -> io::Result<()> {
        let page = self.left.page_size().max(1);
        let mut run = Run::default();
        for vma in &a.vmas {
            for span in spans(self.left, a, vma.start, vma.end) {
                let both = spans(self.right, b, span.addr, span.end());
                let both: Vec<_> = both
                    .filter(|other| span.is_known() && other.is_known() && !zero(&span, other))
                    .collect();
                for part in both {
                    self.diff.compared += part.len;
                    compare_span(
                        left,
                        a,
                        right,
                        b,
                        part.addr..part.end(),
                        page,
                        |addr, one, two| {
                            if run.end != addr {
                                self.pages_changed(pid, number, std::mem::take(&mut run), page);
                                run.start = addr;
                            }
                            run.end = addr + page;
                            run.bytes += one.iter().zip(two).filter(|(a, b)| a != b).count() as u64;
                            let room = MOST_LINES.saturating_sub(run.lines.len());
                            let room = room.min(MOST_LINES_IN_ALL.saturating_sub(self.kept));
                            let before = run.lines.len();
                            run.lines.extend(lines_of(addr, one, two).take(room));
                            self.kept += run.lines.len() - before;
                        },
                    )?;
                }
            }
        }
        self.pages_changed(pid, number, run, page);
        Ok(())
    }

    fn pages_changed(&mut self, pid: i32, number: ObjRef, run: Run, page: u64) {
        let Run {
            start,
            end,
            bytes,
            lines,
        } = run;
        if bytes == 0 {
            return;
        }
        self.diff.changes.push(Change {
            group: Group::Pages,
            what: format!("{pid} {start:08x}-{end:08x}"),
            left: count((end - start) / page, "page"),
            right: format!(
                "{} differ{}",
                count(bytes, "byte"),
                if bytes == 1 { "s" } else { "" }
            ),
            place: Some(Where::Address(
                number,
                lines.first().map_or(start, |line| line.addr),
            )),
            lines,
        });
    }
}

fn zero(a: &ckpt_parser::memory::Span, b: &ckpt_parser::memory::Span) -> bool {
    a.backing == Backing::Zero && b.backing == Backing::Zero
}

/// Bytes compared at once.
const PIECE: u64 = 1 << 20;

fn compare_span(
    left: &mut Memory<'_, Box<dyn Source>>,
    a: &Mm,
    right: &mut Memory<'_, Box<dyn Source>>,
    b: &Mm,
    range: std::ops::Range<u64>,
    page: u64,
    mut differs: impl FnMut(u64, &[u8], &[u8]),
) -> io::Result<()> {
    let mut at = range.start;
    let (mut one, mut two) = (Vec::new(), Vec::new());
    while at < range.end {
        let len = PIECE.min(range.end - at) as usize;
        one.resize(len, 0);
        two.resize(len, 0);
        left.read(a, at, &mut one)?;
        right.read(b, at, &mut two)?;
        if one != two {
            let pages = one.chunks(page as usize).zip(two.chunks(page as usize));
            for (addr, (one, two)) in (at..).step_by(page as usize).zip(pages) {
                if one != two {
                    differs(addr, one, two);
                }
            }
        }
        at += len as u64;
    }
    Ok(())
}

/// The lines of two pages that differ.
fn lines_of<'a>(addr: u64, one: &'a [u8], two: &'a [u8]) -> impl Iterator<Item = Line> + 'a {
    let pairs = one
        .as_chunks::<LINE>()
        .0
        .iter()
        .zip(two.as_chunks::<LINE>().0);
    let placed = (addr..).step_by(LINE).zip(pairs);
    placed
        .filter(|(_, (left, right))| left != right)
        .map(|(addr, (left, right))| Line {
            addr,
            left: *left,
            right: *right,
        })
}

/// What the JSON document has of a task beside its name and registers, by name.
fn details_of(image: &Image, task: &Task) -> Vec<Value> {
    let parts = Parts::of(image);
    let live = task.live.as_ref();
    let mut details = Vec::new();
    let own = serde_json::to_value(parts.task(task)).unwrap_or_default();
    flatten("", &own, &mut details);
    let elsewhere = [
        "index",
        "record",
        "offset",
        "pid",
        "ppid",
        "comm",
        "state",
        "registers",
        "register_files",
        "objects",
        "cpsr",
        "tp_value",
    ];
    details.retain(|(name, _)| {
        let first = name.split(['.', '[']).next().unwrap_or_default();
        !elsewhere.contains(&first)
    });
    let cred = live.and_then(|live| Some((live.cred, image.creds.get(&live.cred)?)));
    let cred = cred.map(|(number, cred)| parts.credentials(number, cred));
    flatten(
        "cred",
        &serde_json::to_value(cred).unwrap_or_default(),
        &mut details,
    );
    details.retain(|(name, _)| name != "cred.object");
    let signal = live.and_then(|live| image.signals.get(&live.signal));
    for (number, (soft, hard)) in (0..).zip(signal.iter().flat_map(|signal| &signal.rlimits)) {
        let limit = |value| words::unlimited(value);
        let text = format!("{} of {}", limit(*soft), limit(*hard));
        details.push((format!("limit {}", words::rlimit(number)), text));
    }
    let pending = live.map(|live| live.pending.mask).into_iter();
    let shared = signal.map(|signal| signal.pending.mask);
    for mask in pending.chain(shared).filter(|mask| *mask != 0) {
        details.push(("pending".to_owned(), words::signals(mask)));
    }
    details
}

/// A name and what it stands for.
type Value = (String, String);

/// The values of a JSON document by their paths; named numbers and bits by their names.
fn flatten(path: &str, value: &serde_json::Value, into: &mut Vec<Value>) {
    use serde_json::Value as Json;
    match value {
        Json::Null => {}
        Json::Object(of) if of.contains_key("value") => {
            let named = of
                .get("name")
                .or(of.get("names"))
                .filter(|name| !name.is_null());
            flatten(path, named.unwrap_or(&of["value"]), into);
        }
        Json::Object(of) => {
            for (name, value) in of {
                let dot = if path.is_empty() { "" } else { "." };
                flatten(&format!("{path}{dot}{name}"), value, into);
            }
        }
        Json::Array(of) => {
            let words: Vec<String> = of.iter().map(plain).collect();
            into.push((path.to_owned(), words.join(" ")));
        }
        single => into.push((path.to_owned(), plain(single))),
    }
}

fn plain(value: &serde_json::Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn task_words(task: Option<&Task>) -> String {
    task.map_or(String::new(), |task| {
        format!(
            "{} {} parent {}",
            escape(&task.comm),
            words::state(task),
            task.ppid
        )
    })
}

fn registers_of(task: &Task) -> Vec<Value> {
    let mut all = Vec::new();
    let Some(live) = &task.live else {
        return all;
    };
    all.extend(
        live.regs
            .list()
            .into_iter()
            .map(|(name, value)| (name, format!("{value:#x}"))),
    );
    for file in &live.fpu {
        match &file.regs {
            FpRegs::Vfp(vfp) => {
                all.extend(
                    vfp.d
                        .iter()
                        .enumerate()
                        .map(|(i, value)| (format!("d{i}"), format!("{value:#018x}"))),
                );
                all.push(("fpscr".to_owned(), format!("{:#x}", vfp.fpscr)));
            }
            other => {
                let name = match other {
                    FpRegs::Fpa(_) => "fpa",
                    FpRegs::Iwmmxt(_) => "iwmmxt",
                    FpRegs::Crunch(_) => "crunch",
                    FpRegs::XscaleDsp(_) => "acc0",
                    _ => "other",
                };
                let mut text = String::new();
                let _ = write!(text, "{other:x?}");
                all.push((name.to_owned(), text));
            }
        }
    }
    if let Some(tp) = live.thread.tp_value {
        all.push(("tls".to_owned(), format!("{tp:#x}")));
    }
    all
}

fn mappings_of(image: &Image, task: &Task) -> BTreeMap<u64, String> {
    let mm = image.mm_of(task);
    let describe = |mm: &Mm, vma: &ckpt_parser::model::Vma| {
        format!(
            "to {:08x} {} {}",
            vma.end,
            vma.permissions(),
            words::mapping(image, mm, vma)
        )
    };
    mm.into_iter()
        .flat_map(|mm| {
            mm.vmas
                .iter()
                .map(move |vma| (vma.start, describe(mm, &vma)))
        })
        .collect()
}

fn files_of(image: &Image, task: &Task) -> BTreeMap<i32, (u64, String)> {
    let fds = image
        .files_of(task)
        .into_iter()
        .flat_map(|table| &table.fds);
    let describe = |fd: Fd| {
        let file = image.files.get(fd.file);
        let mut text = file.map_or(String::new(), |file| file_words(image, &file));
        if fd.close_on_exec {
            text.push_str(" closed by exec");
        }
        (fd.fd, (fd.record.index, text))
    };
    fds.map(describe).collect()
}

/// An open file, without the numbers that only its image knows.
fn file_words(image: &Image, file: &File<'_>) -> String {
    let path = file.path.map(escape).unwrap_or_default();
    let own = match file.kind {
        FileKind::EventFd(value, _) => format!("value {value}"),
        FileKind::Socket(number) => {
            let socket = image.sockets.get(&number);
            socket.map_or(String::new(), |socket| words::socket(socket, "to"))
        }
        _ => String::new(),
    };
    let (kind, at, flags) = (file.kind.name(), file.pos, file.flags);
    let named: Vec<&str> = [kind, &path, &own]
        .into_iter()
        .map(str::trim)
        .filter(|word| !word.is_empty())
        .collect();
    format!("{} at {at} flags {flags:#x}", named.join(" "))
}
