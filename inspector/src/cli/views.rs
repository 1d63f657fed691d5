//! `--tasks`, `--maps`, `--regs`.

use super::args::{Args, Form};
use super::part::{List, Space, Thread};
use crate::backtrace;
use crate::call::SystemCall;
use crate::detail;
use crate::symbols::Symbols;
use crate::sysroot::Sysroot;
use crate::tree::tree;
use crate::words;
use anyhow::Result;
use ckpt_parser::memory::{Memory, stored_len};
use ckpt_parser::model::{Image, Live, Mm, ObjRef, Task, Vma};
use ckpt_parser::report::document::{
    self, Call, Document, Hex, Parts, is_wide, register_file_list,
};
use ckpt_parser::source::Source;
use ckpt_parser::text::escape;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;

/// The process tree; threads below their leader.
pub(super) fn tasks<S: Source>(
    image: &Image,
    source: S,
    args: &Args,
    out: &mut dyn Write,
) -> Result<()> {
    let mut memory = Memory::new(image, source);
    let mut sysroot = Sysroot::new(args.sysroot.clone());
    let tree = tree(image).into_iter();
    let tasks: Vec<_> = tree
        .filter(|(task, _)| args.wants_task(task.pid, task.tgid))
        .map(|(task, depth)| (task, command(task, depth)))
        .collect();
    let widths = tasks.iter().map(|(_, command)| command.chars().count());
    let width = widths.max().unwrap_or(0).max("command".len());
    writeln!(
        out,
        "{:>7} {:>7} {:>7} {:>7} {:>7}  {:<13}  {:<width$}  system call",
        "pid", "tgid", "ppid", "pgid", "sid", "state", "command"
    )?;
    for (task, command) in tasks {
        let line = format!(
            "{:>7} {:>7} {:>7} {:>7} {:>7}  {:<13}  {command:<width$}  {}",
            task.pid,
            task.tgid,
            task.ppid,
            task.pgid,
            task.sid,
            words::state(task),
            call(image, task, &mut memory, &mut sysroot),
        );
        writeln!(out, "{}", line.trim_end())?;
        if let Some(live) = &task.live
            && args.verbose
        {
            signals(image, live, out)?;
        }
    }
    Ok(())
}

/// The name of a task in its place in the tree, with its numbers in inner pid namespaces.
fn command(task: &Task, depth: u16) -> String {
    let indent = "  ".repeat(usize::from(depth).min(20));
    let thread = if task.is_leader() { "" } else { "thread " };
    let mut text = format!("{indent}{thread}{}", escape(&task.comm));
    for pid in &task.nested_pids {
        let _ = write!(text, " [{pid}]");
    }
    text
}

/// The tasks as JSON, as the whole document has them.
pub(super) fn tasks_json(
    image: &Image,
    args: &Args,
    form: Form,
    out: &mut dyn Write,
) -> Result<()> {
    let parts = Parts::of(image);
    let mut list = List::begin::<document::Task>(form, out)?;
    for task in wanted(image, args) {
        list.item(&parts.task(task))?;
    }
    Ok(list.end(&[])?)
}

fn wanted<'a>(image: &'a Image, args: &Args) -> impl Iterator<Item = &'a Task> {
    let tasks = image.tasks.iter();
    tasks.filter(|task| args.wants_task(task.pid, task.tgid))
}

/// The call that a thread is stopped in, and what goes on with it; of a zombie, how it ended.
fn call<S: Source>(
    image: &Image,
    task: &Task,
    memory: &mut Memory<S>,
    sysroot: &mut Sysroot,
) -> String {
    if task.is_zombie() {
        return words::wait_status(task.exit_code);
    }
    let Some(live) = &task.live else {
        return String::new();
    };
    let mut words = Vec::new();
    words.extend(SystemCall::of(image, task, memory, sysroot).map(|call| call.to_string()));
    if live.restart.kind > 1 {
        let dialect = image.detection.dialect;
        let kind = u32::try_from(live.restart.kind).unwrap_or(0);
        let of = &ckpt_format::enums::RESTART_BLOCK_TYPE;
        let name = of.name_of(kind, dialect.revision, dialect.abi.arch);
        words.push(format!("restart {}", name.map_or("?", |name| name.name)));
    }
    words.join(", ")
}

fn signals(image: &Image, live: &Live, out: &mut dyn Write) -> Result<()> {
    let shared = image.signals.get(&live.signal);
    let sets = [
        ("blocked", live.blocked),
        ("pending", live.pending.mask),
        (
            "pending for the process",
            shared.map_or(0, |shared| shared.pending.mask),
        ),
    ];
    for (what, mask) in sets.into_iter().filter(|(_, mask)| *mask != 0) {
        writeln!(out, "{:>48} {what}: {}", "", words::signals(mask))?;
    }
    Ok(())
}

/// Who uses an address space.
fn users(image: &Image, object: i32) -> String {
    let pids = image
        .tasks
        .iter()
        .filter(|task| task.live.as_ref().is_some_and(|live| live.mm == object));
    let pids: Vec<String> = pids.map(|task| task.pid.to_string()).collect();
    if pids.len() > 8 {
        format!("{} and {} more", pids[..8].join(" "), pids.len() - 8)
    } else {
        pids.join(" ")
    }
}

/// The address spaces of the tasks that are asked for.
fn wanted_spaces<'a>(image: &'a Image, args: &Args) -> impl Iterator<Item = (ObjRef, &'a Mm)> {
    let of = |task: &Task| Some(task.live.as_ref()?.mm);
    let own: Option<BTreeSet<ObjRef>> = args
        .task
        .map(|_| wanted(image, args).filter_map(of).collect());
    let spaces = image.mms.iter().map(|(object, mm)| (*object, mm));
    spaces.filter(move |(object, _)| own.as_ref().is_none_or(|own| own.contains(object)))
}

/// The same as JSON.
pub(super) fn maps_json(image: &Image, args: &Args, form: Form, out: &mut dyn Write) -> Result<()> {
    let parts = Parts::of(image);
    let mut pids: BTreeMap<ObjRef, Vec<i32>> = BTreeMap::new();
    for task in &image.tasks {
        let space = task.live.as_ref().map_or(0, |live| live.mm);
        pids.entry(space).or_default().push(task.pid);
    }
    let mut list = List::begin::<Space>(form, out)?;
    for (object, mm) in wanted_spaces(image, args) {
        list.item(&Space {
            pids: pids.remove(&object).unwrap_or_default(),
            space: parts.address_space(object, mm),
        })?;
    }
    Ok(list.end(&[])?)
}

pub(super) fn maps(image: &Image, args: &Args, out: &mut dyn Write) -> Result<()> {
    for (object, mm) in wanted_spaces(image, args) {
        let exe = image.exe_of(mm).map(escape).unwrap_or_default();
        writeln!(out, "mm {object}  pid {}  {exe}", users(image, object))?;
        writeln!(
            out,
            "  {:<23} {:<4} {:>10} {:>8} {:>8} {:<13} file",
            "address", "prot", "offset", "KiB", "stored", "kind"
        )?;
        for vma in &mm.vmas {
            map_line(image, mm, &vma, out)?;
        }
    }
    Ok(())
}

fn map_line(image: &Image, mm: &Mm, vma: &Vma, out: &mut dyn Write) -> Result<()> {
    let dialect = image.detection.dialect;
    let kind =
        ckpt_format::enums::VMA_TYPE.name_of(vma.kind.number(), dialect.revision, dialect.abi.arch);
    let offset = if vma.file > 0 {
        vma.pgoff.saturating_mul(image.page_size())
    } else {
        0
    };
    let range = format!("{:08x}-{:08x}", vma.start, vma.end);
    let line = format!(
        "  {range:<23} {} {offset:>10x} {:>8} {:>8} {:<13} {}",
        vma.permissions(),
        vma.len() / 1024,
        stored_len(image, mm, vma) / 1024,
        kind.map_or_else(
            || vma.kind.number().to_string(),
            |name| name.name.to_owned()
        ),
        words::mapping(image, mm, vma),
    );
    writeln!(out, "{}", line.trim_end())?;
    Ok(())
}

pub(super) fn regs<S: Source>(
    image: &Image,
    source: S,
    args: &Args,
    out: &mut dyn Write,
) -> Result<()> {
    let mut memory = Memory::new(image, source);
    let mut symbols = (0, Symbols::default());
    let mut sysroot = Sysroot::new(args.sysroot.clone());
    for task in wanted(image, args).filter(|task| task.live.is_some()) {
        writeln!(
            out,
            "{} {} ({})",
            if task.is_leader() {
                "process"
            } else {
                "thread"
            },
            task.pid,
            escape(&task.comm)
        )?;
        let call = SystemCall::of(image, task, &mut memory, &mut sysroot);
        general(task, image, call, out)?;
        if let Some((number, mm)) = space_of(image, task) {
            // Threads follow their leader, so the symbols of one space are enough.
            if args.sysroot.is_some() && symbols.0 != number {
                let found = Symbols::of(image, mm, &mut memory, args.sysroot.as_deref());
                symbols = (number, found);
            }
            pointers(task, mm, &mut memory, &symbols.1, out)?;
            calls(task, mm, &mut memory, (&mut sysroot, &symbols.1), out)?;
        }
        if let Some(live) = &task.live {
            files_of_registers(live, out)?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn space_of<'a>(image: &'a Image, task: &Task) -> Option<(ObjRef, &'a Mm)> {
    Some((task.live.as_ref()?.mm, image.mm_of(task)?))
}

/// Bytes looked at behind a pointer.
const PREVIEW: usize = 48;

/// The status register may look like an address; it is none.
fn is_status(name: &str) -> bool {
    name == "cpsr"
}

/// What the registers point to, a line for each that points somewhere.
fn pointers<S: Source>(
    task: &Task,
    mm: &Mm,
    memory: &mut Memory<'_, S>,
    symbols: &Symbols,
    out: &mut dyn Write,
) -> Result<()> {
    let list = task.live.as_ref().map(|live| live.regs.list());
    let list = list.into_iter().flatten();
    for (name, value) in list.filter(|(name, _)| !is_status(name)) {
        if let (Some(place), text) = pointed(value, mm, memory, symbols)? {
            let text = text.map_or(String::new(), |text| {
                format!(" {}", detail::quoted(text.as_bytes()))
            });
            writeln!(out, "  {name:>8} -> {place}{text}")?;
        }
    }
    Ok(())
}

/// Where a register points to, and the text that stands there.
fn pointed<S: Source>(
    value: u64,
    mm: &Mm,
    memory: &mut Memory<'_, S>,
    symbols: &Symbols,
) -> io::Result<(Option<String>, Option<String>)> {
    let Some(place) = words::address(memory.image(), mm, Some(symbols), value) else {
        return Ok((None, None));
    };
    let mut bytes = [0; PREVIEW];
    memory.read(mm, value, &mut bytes)?;
    Ok((Some(place), words::text_in(&bytes)))
}

/// The registers of every thread as JSON, with what they point to and the calls that the thread is in.
pub(super) fn regs_json<S: Source>(
    image: &Image,
    source: S,
    args: &Args,
    form: Form,
    out: &mut dyn Write,
) -> Result<()> {
    let mut namer = Namer::new(image, source, args.sysroot.as_deref());
    let parts = Parts::of(image);
    let mut list = List::begin::<Thread>(form, out)?;
    for task in wanted(image, args).filter(|task| task.live.is_some()) {
        let mut shown = parts.task(task);
        namer.name(task, &mut shown);
        if let Some((_, mm)) = space_of(image, task) {
            let registers = shown.registers.iter_mut().flatten();
            for register in registers.filter(|register| !is_status(&register.name)) {
                let value = register.value.get();
                (register.place, register.text) =
                    pointed(value, mm, &mut namer.memory, &namer.symbols.1)?;
            }
        }
        list.item(&Thread(shown))?;
    }
    Ok(list.end(&[])?)
}

/// Adds symbols and calls to a document.
pub(super) fn name_addresses<S: Source>(
    image: &Image,
    source: S,
    root: &Path,
    document: &mut Document,
) {
    let mut namer = Namer::new(image, source, Some(root));
    for (task, shown) in image.tasks.iter().zip(&mut document.tasks) {
        namer.name(task, shown);
    }
}

/// Adds symbols and calls to tasks.
struct Namer<'a, S> {
    image: &'a Image,
    memory: Memory<'a, S>,
    root: Option<&'a Path>,
    sysroot: Sysroot,
    /// Those of one address space, by its number: threads follow their leader.
    symbols: (ObjRef, Symbols),
}

impl<'a, S: Source> Namer<'a, S> {
    fn new(image: &'a Image, source: S, root: Option<&'a Path>) -> Namer<'a, S> {
        Namer {
            image,
            memory: Memory::new(image, source),
            root,
            sysroot: Sysroot::new(root.map(Path::to_owned)),
            symbols: (0, Symbols::default()),
        }
    }

    fn name(&mut self, task: &Task, shown: &mut document::Task) {
        let image = self.image;
        let (Some(live), Some((number, mm))) = (&task.live, space_of(image, task)) else {
            return;
        };
        if self.root.is_some() && self.symbols.0 != number {
            self.symbols = (number, Symbols::of(image, mm, &mut self.memory, self.root));
        }
        let symbols = &self.symbols.1;
        for register in shown.registers.iter_mut().flatten() {
            let value = register.value.get();
            if symbols.at(value).is_some() {
                register.symbol = words::address(image, mm, Some(symbols), value);
            }
        }
        let Some(regs) = task.arm() else { return };
        let frames = backtrace::of(
            regs,
            live.abi.as_ref(),
            mm,
            &mut self.memory,
            &mut self.sysroot,
        );
        let call = |frame: &backtrace::Frame| Call {
            pc: Hex::new(frame.pc.into()),
            sp: Hex::new(frame.sp.into()),
            how: frame.how.name().to_owned(),
            place: frame.place(image, mm, Some(symbols)),
        };
        shown.calls = Some(frames.iter().map(call).collect());
    }
}

/// The calls that a thread is in, the innermost first, and how each was found.
fn calls<S: Source>(
    task: &Task,
    mm: &Mm,
    memory: &mut Memory<'_, S>,
    (sysroot, symbols): (&mut Sysroot, &Symbols),
    out: &mut dyn Write,
) -> Result<()> {
    let (Some(regs), Some(live)) = (task.arm(), &task.live) else {
        return Ok(());
    };
    let frames = backtrace::of(regs, live.abi.as_ref(), mm, memory, sysroot);
    for (number, frame) in frames.iter().enumerate() {
        let place = frame.place(memory.image(), mm, Some(symbols));
        let line = format!(
            "  {:>8} 0x{:08x} {:<8} {place}",
            format!("#{number}"),
            frame.pc,
            frame.how.name()
        );
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

fn general(
    task: &Task,
    image: &Image,
    call: Option<SystemCall>,
    out: &mut dyn Write,
) -> Result<()> {
    let Some(live) = &task.live else {
        return Ok(());
    };
    let digits = usize::from(image.arch().word_size()) * 2;
    let list = live.regs.list();
    for row in list.chunks(4) {
        for (name, value) in row {
            write!(out, "  {name:>8} 0x{value:0digits$x}")?;
        }
        writeln!(out)?;
    }
    if let Some(regs) = task.arm() {
        let state = if regs.is_thumb() { "Thumb" } else { "ARM" };
        writeln!(
            out,
            "  cpsr: {}  ({state} state)",
            regs.cpsr_words().join(" ")
        )?;
    }
    let thread = live.thread;
    if let Some(tp) = thread.tp_value {
        write!(out, "  tp_value 0x{tp:08x}")?;
        write!(
            out,
            "  thumbee_state 0x{:08x}",
            thread.thumbee_state.unwrap_or(0)
        )?;
        if let Some(call) = call {
            write!(out, "  syscall {} {call}", call.number)?;
        }
        writeln!(out)?;
    }
    if let Some(abi) = &live.abi {
        let hex = |value: Option<u32>| {
            value.map_or_else(|| "unknown".to_owned(), |value| format!("{value:#x}"))
        };
        writeln!(
            out,
            "  personality {}  e_flags {}  hwcap {}  hwcap2 {}",
            hex(abi.personality),
            hex(abi.e_flags),
            hex(abi.hwcap),
            hex(abi.hwcap2)
        )?;
    }
    Ok(())
}

fn files_of_registers(live: &Live, out: &mut dyn Write) -> Result<()> {
    for file in &live.fpu {
        let (unit, list) = register_file_list(&file.regs);
        let used = if file.is_used() { "in use" } else { "not used" };
        writeln!(out, "  {unit} ({used})")?;
        let (wide, narrow): (Vec<_>, Vec<_>) = list.iter().partition(|(name, _)| is_wide(name));
        for row in wide.chunks(4) {
            for (name, value) in row {
                write!(out, "  {name:>8} 0x{value:016x}")?;
            }
            writeln!(out)?;
        }
        for row in narrow.chunks(6) {
            for (name, value) in row {
                write!(out, "  {name:>8} 0x{value:08x}")?;
            }
            writeln!(out)?;
        }
    }
    Ok(())
}
