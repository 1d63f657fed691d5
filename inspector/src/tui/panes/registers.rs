//! Registers of a task: general ones and what they point to, code around pc, other register files.

use super::memory::{code_row, is_unknown, known_from, unknown_of};
use super::{cut, cut_pending, cut_wrapped};
use crate::backtrace::How;
use crate::call::SystemCall;
use crate::symbols;
use crate::tui::disasm::{Instruction, Leads, Stretch};
use crate::tui::layout::View;
use crate::tui::look::{Glyph, Ink};
use crate::tui::model::{Format, Lanes, Link, Model, Row};
use crate::tui::worker::{Data, Want};
use crate::words;
use ckpt_format::Order;
use ckpt_parser::memory::Span;
use ckpt_parser::model::{
    ArmRegs, Crunch, FpFile, FpRegs, Fpa, Image, Iwmmxt, Live, Regs, Task, Vfp,
};
use ckpt_parser::text::escape;
use std::fmt::Write;
use std::ops::Range;

/// Lines of a pane.
pub fn list(model: &Model, pane: usize, range: Range<usize>) -> (usize, Vec<Row>) {
    let (Some(image), Some(task)) = (&model.image, model.current_task()) else {
        return cut_pending(model, pane, range);
    };
    let Some(live) = &task.live else {
        let text = format!(
            "{} is a zombie ({}): it has no registers. t goes to the next task.",
            task.pid,
            words::wait_status(task.exit_code)
        );
        return if pane == 0 {
            cut_wrapped(model, pane, vec![Row::new(text, Ink::Warn)], range)
        } else {
            (0, Vec::new())
        };
    };
    let rows = match pane {
        0 => general(model, image, task, live),
        1 => code(model, image, task, live),
        _ => units(model, live, image.detection.dialect.abi.order),
    };
    if pane == 2 {
        return cut_wrapped(model, pane, rows, range);
    }
    cut(rows, range)
}

/// Puts the cursor on a register by its name, whichever pane shows it. False if none does; the other register files,
/// if a whole one is meant, have the keys then.
pub fn select(model: &mut Model, name: &str) -> bool {
    let name = match name {
        "tp_value" => "tls",
        "thumbee_state" => "teehbr",
        "syscall" => "call",
        name => name,
    };
    // Where there is little room, the halves of a register stand for it.
    let number: Option<usize> = name.strip_prefix('d').and_then(|n| n.parse().ok());
    let halves = number.map_or(String::new(), halves);
    let is = |row: &Row| {
        let text = row.text();
        let first = text.split_whitespace().next().unwrap_or_default();
        first == name || (!first.is_empty() && first == halves)
    };
    for pane in [0, 2] {
        let (_, rows) = list(model, pane, 0..usize::from(u8::MAX));
        if let Some(line) = rows.iter().position(is) {
            model.focus[View::Registers as usize] = pane;
            model.scroll_mut(View::Registers, pane).cursor = line;
            return true;
        }
    }
    if matches!(name, "regset" | "unit" | "fpexc") {
        model.focus[View::Registers as usize] = 2;
    }
    false
}

/// Title of a pane.
pub fn title(model: &Model, pane: usize) -> String {
    let Some(task) = model.current_task() else {
        return ["Registers", "Code", "Other registers"][pane.min(2)].to_owned();
    };
    match pane {
        0 => {
            let order = &model.derived.order;
            let at = order.iter().position(|(index, _)| *index == task.index);
            format!(
                "Task {} {} · {} of {}",
                task.pid,
                escape(&task.comm),
                at.map_or(0, |at| at + 1),
                order.len()
            )
        }
        1 => task.arm().map_or("Code at pc".to_owned(), |regs| {
            let set = if regs.is_thumb() { "Thumb" } else { "ARM" };
            let mm = task.live.as_ref().map_or(0, |live| live.mm);
            let place = symbols::place(model.symbols_of(mm), regs.pc().into());
            let place = place.map_or(String::new(), |place| format!(" · {place}"));
            format!("Code at pc · {set}{place}")
        }),
        _ => {
            let Lanes { size, format } = model.lanes;
            let lane = match size {
                16 => "q",
                8 => "d",
                _ => "s",
            };
            let format = format!("{format:?}").to_lowercase();
            format!("Floating point · {lane} {format}")
        }
    }
}

/// Bytes looked at behind a pointer.
const PREVIEW: u32 = 48;

fn pointer_want(mm: i32, addr: u64) -> Want {
    Want::Memory {
        mm,
        addr,
        len: PREVIEW,
    }
}

/// What a value points to: mapping, text or the word there.
fn points_to(model: &Model, image: &Image, mm: i32, value: u64) -> Vec<(String, Ink)> {
    let Some(space) = image.mms.get(&mm) else {
        return Vec::new();
    };
    let Some(place) = words::address(image, space, model.symbols_of(mm), value) else {
        return Vec::new();
    };
    let mut cells = vec![(
        format!(" {} {place}", model.look.glyph(Glyph::Arrow)),
        Ink::Address,
    )];
    let bytes = known_from(model, &pointer_want(mm, value), 0).unwrap_or_default();
    if let Some(text) = words::text_at(bytes) {
        cells.push((format!(" {text}"), Ink::Text));
    } else if let Some(word) = bytes
        .get(..model.word())
        .filter(|word| word.iter().any(|b| *b != 0))
    {
        let value = ckpt_parser::view::read_uint(word, model.order());
        cells.push((format!(" [{value:#x}]"), Ink::Number));
    }
    cells
}

fn general(model: &Model, image: &Image, task: &Task, live: &Live) -> Vec<Row> {
    let width = model.word() * 2;
    let mut rows = Vec::new();
    for (name, value) in live.regs.list() {
        let mut row = Row::new(format!("{name:>7} "), Ink::Name)
            .and(format!("{value:0width$x}"), Ink::Number);
        if let (Regs::Arm(regs), "cpsr") = (&live.regs, name.as_str()) {
            row = row.and(format!("  {}", regs.cpsr_words().join(" ")), Ink::Normal);
        } else {
            row.cells.extend(points_to(model, image, live.mm, value));
            if row.cells.len() > 2 {
                row.link = Some(Link::Address(live.mm, value));
            }
        }
        rows.push(row);
    }
    if let Some(tp) = live.thread.tp_value {
        let mut row = Row::new("    tls ", Ink::Name).and(format!("{tp:0width$x}"), Ink::Number);
        row.cells
            .extend(points_to(model, image, live.mm, u64::from(tp)));
        rows.push(row.link(Link::Address(live.mm, u64::from(tp))));
    }
    if let Some(base) = live.thread.thumbee_state.filter(|base| *base != 0) {
        rows.push(Row::new(" teehbr ", Ink::Name).and(
            format!("{base:0width$x}  ThumbEE handler base"),
            Ink::Number,
        ));
    }
    if let Some(call) = system_call(model, image, task) {
        rows.push(Row::new("   call ", Ink::Name).and(call.to_string(), Ink::Text));
    }
    rows.extend(calls(model, image, task, live));
    let record = Link::Record(live.cpu_record.index, 0);
    rows.push(Row::new(format!("  CPU record {}", live.cpu_record.index), Ink::Dim).link(record));
    rows
}

/// The system call that the thread is stopped in: what the image tells, until the code was looked at.
pub fn system_call(model: &Model, image: &Image, task: &Task) -> Option<SystemCall> {
    match model.data(&Want::Calls(task.index)) {
        Some(Data::Calls(_, call)) => *call,
        _ => SystemCall::recorded(image, task),
    }
}

/// The calls that the thread is in; Enter goes to the code.
fn calls(model: &Model, image: &Image, task: &Task, live: &Live) -> Vec<Row> {
    let (Some(Data::Calls(frames, _)), Some(mm)) = (
        model.data(&Want::Calls(task.index)),
        image.mms.get(&live.mm),
    ) else {
        return Vec::new();
    };
    let mut rows = vec![Row::new("  Calls, the innermost first", Ink::Dim)];
    rows.extend(frames.iter().enumerate().map(|(number, frame)| {
        let place = frame.place(image, mm, model.symbols_of(live.mm));
        let ink = if frame.how == How::Stack {
            Ink::Dim
        } else {
            Ink::Address
        };
        Row::new(format!("{:>7} ", format!("#{number}")), Ink::Name)
            .and(format!("{:08x}", frame.pc), Ink::Number)
            .and(format!(" {:<7} ", frame.how.name()), Ink::Dim)
            .and(place, ink)
            .link(Link::Address(live.mm, frame.pc.into()))
    }));
    rows
}

/// Instructions shown before pc.
const BEFORE: usize = 8;
/// Bytes of code that are looked at.
const CODE: u32 = 256;

fn code_want(live: &Live, regs: &ArmRegs) -> Want {
    Want::Memory {
        mm: live.mm,
        addr: u64::from(regs.pc()).saturating_sub(4 * BEFORE as u64) & !1,
        len: CODE,
    }
}

fn code(model: &Model, image: &Image, task: &Task, live: &Live) -> Vec<Row> {
    let Some(regs) = task.arm() else {
        let text = format!("No disassembler for {}.", image.arch().name());
        return vec![Row::new(text, Ink::Dim)];
    };
    let want = code_want(live, regs);
    let (Want::Memory { addr, .. }, Some(Data::Memory(bytes, found, files))) =
        (&want, model.data(&want))
    else {
        return Vec::new();
    };
    let pc = u64::from(regs.pc());
    if image
        .mms
        .get(&live.mm)
        .is_none_or(|mm| mm.vma_at(pc).is_none())
    {
        return vec![Row::new("pc is in no mapping", Ink::Warn)];
    }
    let at_pc = |span: &&Span| (span.addr..span.end()).contains(&pc);
    if found
        .iter()
        .find(at_pc)
        .is_none_or(|span| is_unknown(span, files))
    {
        return vec![Row::new(
            "The code at pc is not in the image; --sysroot DIR takes it from its file.",
            Ink::Dim,
        )];
    }
    let code = Stretch {
        bytes,
        addr: *addr,
        thumb: regs.is_thumb(),
        order: code_order(model, live),
    };
    let starts = code.starts(pc);
    // The same number of lines before pc, whatever their length: the cursor waits there.
    let before = starts.partition_point(|at| *at < pc);
    let shown = starts.get(before.saturating_sub(BEFORE)..);
    let unknown = unknown_of(found, files);
    let row = |at: &u64| {
        let mut row = code_row(model, &code, &unknown, *at, (live.mm, pc))?;
        row.link.get_or_insert(Link::Code(live.mm, *at, code.isa()));
        Some(row)
    };
    shown.unwrap_or_default().iter().filter_map(row).collect()
}

/// Byte order of code: BE8 keeps it little-endian, BE32 does not.
pub fn code_order(model: &Model, live: &Live) -> Order {
    match live.abi.and_then(|abi| abi.endian) {
        Some(2) => Order::Big,
        Some(_) => Order::Little,
        None => model.order(),
    }
}

/// A line of disassembly; Enter goes where the instruction leads.
pub fn instruction_row(model: &Model, i: &Instruction, mm: i32, pc: u64) -> Row {
    let here = i.addr == pc;
    let sign = if here {
        model.look.glyph(Glyph::Closed)
    } else {
        " "
    };
    let bits = if i.len == 2 {
        format!("{:04x}    ", i.word)
    } else {
        format!("{:08x}", i.word)
    };
    let text = i.text.clone().unwrap_or_else(|| match i.needs.as_str() {
        "" => ".word".to_owned(),
        needs => format!(".word  ; {needs}"),
    });
    let ink = if here { Ink::Warn } else { Ink::Normal };
    let mut row = Row::new(sign, Ink::Warn)
        .and(format!("{:08x} ", i.addr), Ink::Address)
        .and(format!("{bits} "), Ink::Dim)
        .and(text, ink);
    let symbol = |addr| symbols::place(model.symbols_of(mm), addr);
    match i.leads {
        Some(Leads::To(addr, isa)) => {
            if let Some(name) = symbol(addr) {
                row = row.and(format!(" <{name}>"), Ink::Text);
            }
            row.link(Link::Code(mm, addr, isa))
        }
        Some(Leads::Reads(addr, value)) => {
            let value = value.map_or(String::new(), |value| {
                let name = symbol(value.into()).map_or(String::new(), |name| format!(" <{name}>"));
                format!(" = {value:#x}{name}")
            });
            row.and(format!(" ; [{addr:#x}]{value}"), Ink::Dim)
                .link(Link::Address(mm, addr))
        }
        None => row,
    }
}

fn units(model: &Model, live: &Live, order: Order) -> Vec<Row> {
    let mut rows = Vec::new();
    if live.fpu.is_empty() {
        rows.push(Row::new(
            "This image holds no floating-point or coprocessor registers.",
            Ink::Dim,
        ));
        if order == model.order()
            && model
                .tables
                .as_ref()
                .is_some_and(|t| t.dialect.revision < ckpt_format::Revision::LAST)
        {
            rows.push(Row::new(
                "The stream of this revision has no record for them on ARM.",
                Ink::Dim,
            ));
        }
    }
    for file in &live.fpu {
        match &file.regs {
            FpRegs::Vfp(vfp) => vfp_rows(model, file, vfp, &mut rows),
            FpRegs::Fpa(fpa) => fpa_rows(fpa, &mut rows),
            FpRegs::Iwmmxt(wmmx) => iwmmxt_rows(model.lanes, wmmx, &mut rows),
            FpRegs::Crunch(crunch) => crunch_rows(model.lanes, crunch, &mut rows),
            FpRegs::XscaleDsp([low, high]) => {
                rows.push(Row::pair(
                    "acc0",
                    format!("{:#012x}", u64::from(*high) << 32 | u64::from(*low)),
                    Ink::Number,
                ));
            }
            FpRegs::Other(unit, bytes) => {
                rows.push(Row::pair(
                    &format!("unit {unit}"),
                    format!("{} bytes", bytes.len()),
                    Ink::Normal,
                ));
            }
        }
        let link = Link::Record(file.record.index, 0);
        rows.push(Row::new(format!("CPU_FPU record {}", file.record.index), Ink::Dim).link(link));
    }
    rows
}

/// A register in lanes: the highest first, as in the manuals.
fn lanes(value: u128, bytes: usize, lanes: Lanes) -> String {
    let size = lanes.size.min(bytes);
    let mut text = String::new();
    for i in (0..bytes / size).rev() {
        let lane = value >> (i * size * 8);
        if !text.is_empty() {
            text.push_str("  ");
        }
        let (low32, low64) = (
            (lane & 0xffff_ffff) as u32,
            (lane & u128::from(u64::MAX)) as u64,
        );
        let _ = match (lanes.format, size) {
            (Format::Hex, 4) => write!(text, "{low32:08x}"),
            (Format::Hex, 8) => write!(text, "{low64:016x}"),
            (Format::Int, 4) => write!(text, "{:>11}", low32.cast_signed()),
            (Format::Int, 8) => write!(text, "{:>20}", low64.cast_signed()),
            (Format::Int, _) => write!(text, "{:>39}", lane.cast_signed()),
            (Format::Float, 4) => write!(text, "{:>14?}", f32::from_bits(low32)),
            (Format::Float, 8) => write!(text, "{:>24?}", f64::from_bits(low64)),
            // There is no 128-bit float.
            (Format::Hex | Format::Float, _) => write!(text, "{lane:032x}"),
        };
    }
    text
}

/// The names of the halves of a `d` register, in the order of its lanes.
fn halves(number: usize) -> String {
    format!("s{}:s{}", 2 * number + 1, 2 * number)
}

/// Columns of the pane.
fn room(model: &Model) -> usize {
    usize::from(model.inside(2).width).saturating_sub(1)
}

/// Columns of the names of `s` lanes, of `d` registers and of their halves, and of the longest numbers in them.
const NAMES: usize = 11;
const HALVES: usize = 7;
const SINGLES: usize = 30;
/// Columns of other names, and of the longest integer of 16 bytes.
const NAME: usize = 5;
const LONGEST: usize = 39;

fn vfp_rows(model: &Model, file: &FpFile, vfp: &Vfp, rows: &mut Vec<Row>) {
    let shown = model.lanes;
    let used = if file.is_used() { "in use" } else { "at reset" };
    let count = if vfp.d32 { 32 } else { 16 };
    rows.push(Row::new(
        format!("VFP, d0 to d{}, {used}", count - 1),
        Ink::Title,
    ));
    rows.push(
        Row::new("fpscr ", Ink::Name)
            .and(format!("{:08x} ", vfp.fpscr), Ink::Number)
            .and(words::fpscr(vfp.fpscr), Ink::Normal),
    );
    if let Some([fpexc, fpinst, fpinst2]) = vfp.exc {
        rows.push(Row::new("fpexc ", Ink::Name).and(format!("{fpexc:08x}"), Ink::Number));
        let inst = format!("{fpinst:08x} {fpinst2:08x}");
        rows.push(Row::new("fpinst ", Ink::Name).and(inst, Ink::Number));
    }
    if let Some(id) = file.fpsid {
        rows.push(Row::new("fpsid ", Ink::Name).and(format!("{id:08x}"), Ink::Number));
    }
    if let Some((a, b)) = file.mvfr {
        rows.push(Row::new("mvfr ", Ink::Name).and(format!("{a:08x} {b:08x}"), Ink::Number));
    }
    let d: Vec<u64> = vfp.d.iter().copied().take(count).collect();
    if shown.size == 16 {
        for (i, pair) in d.chunks(2).enumerate() {
            let value = u128::from(pair.first().copied().unwrap_or(0))
                | u128::from(pair.get(1).copied().unwrap_or(0)) << 64;
            rows.push(register((&format!("q{i}"), NAME), value, 16, shown));
        }
        return;
    }
    let short = room(model) < NAMES + 1 + SINGLES;
    let width = match (shown.size, short) {
        (4, true) => HALVES,
        (4, false) => NAMES,
        _ => NAME,
    };
    for (i, value) in d.iter().enumerate() {
        let name = match (shown.size, short) {
            (4, true) if i < 16 => halves(i),
            (4, false) if i < 16 => format!("d{i} {}", halves(i)),
            _ => format!("d{i}"),
        };
        rows.push(register((&name, width), u128::from(*value), 8, shown));
    }
}

/// A register by its name, which has so many columns.
fn register((name, width): (&str, usize), value: u128, bytes: usize, shown: Lanes) -> Row {
    let ink = if value == 0 { Ink::Dim } else { Ink::Number };
    Row::new(format!("{name:<width$} "), Ink::Name).and(lanes(value, bytes, shown), ink)
}

fn fpa_rows(fpa: &Fpa, rows: &mut Vec<Row>) {
    rows.push(Row::new("FPA", Ink::Title));
    rows.push(Row::new(
        format!("fpsr {:08x} fpcr {:08x}", fpa.fpsr, fpa.fpcr),
        Ink::Number,
    ));
    for (i, ([a, b, c], kind)) in fpa.f.iter().zip(fpa.ftype).enumerate() {
        let kind = match kind {
            1 => "single",
            2 => "double",
            3 => "extended",
            _ => "unused",
        };
        rows.push(
            Row::new(format!("f{i}    "), Ink::Name)
                .and(format!("{a:08x} {b:08x} {c:08x} "), Ink::Number)
                .and(kind, Ink::Dim),
        );
    }
}

fn iwmmxt_rows(shown: Lanes, wmmx: &Iwmmxt, rows: &mut Vec<Row>) {
    rows.push(Row::new("iwMMXt", Ink::Title));
    let [a, b, c, d] = wmmx.wcgr;
    rows.push(Row::new(
        format!("wcssf {:08x} wcasf {:08x}", wmmx.wcssf, wmmx.wcasf),
        Ink::Number,
    ));
    rows.push(Row::new(
        format!("wcgr {a:08x} {b:08x} {c:08x} {d:08x}"),
        Ink::Number,
    ));
    rows.extend(
        wmmx.wr
            .iter()
            .enumerate()
            .map(|(i, value)| register((&format!("wR{i}"), NAME), u128::from(*value), 8, shown)),
    );
}

fn crunch_rows(shown: Lanes, crunch: &Crunch, rows: &mut Vec<Row>) {
    rows.push(Row::new("Crunch", Ink::Title));
    rows.push(Row::new(
        format!("dspsc {:016x}", crunch.dspsc),
        Ink::Number,
    ));
    for (i, [a, b, c]) in crunch.mvax.iter().enumerate() {
        rows.push(
            Row::new(format!("mvax{i} "), Ink::Name)
                .and(format!("{a:08x} {b:08x} {c:08x}"), Ink::Number),
        );
    }
    rows.extend(
        crunch
            .mvdx
            .iter()
            .enumerate()
            .map(|(i, value)| register((&format!("mvdx{i}"), NAME), u128::from(*value), 8, shown)),
    );
}

/// What the view needs.
pub fn wants(model: &Model, wants: &mut Vec<Want>) {
    let (Some(image), Some(task)) = (&model.image, model.current_task()) else {
        return;
    };
    let Some(live) = &task.live else { return };
    let Some(mm) = image.mms.get(&live.mm) else {
        return;
    };
    let tls = live.thread.tp_value.map(u64::from);
    for value in live
        .regs
        .list()
        .into_iter()
        .map(|(_, value)| value)
        .chain(tls)
    {
        if mm.vma_at(value).is_some() {
            wants.push(pointer_want(live.mm, value));
        }
    }
    if let Some(regs) = task.arm() {
        wants.push(code_want(live, regs));
        wants.push(Want::Calls(task.index));
    }
}

/// The next way of cutting registers.
pub fn represent(model: &mut Model, back: bool) {
    const WAYS: [(usize, Format); 8] = [
        (8, Format::Hex),
        (8, Format::Int),
        (8, Format::Float),
        (4, Format::Hex),
        (4, Format::Int),
        (4, Format::Float),
        (16, Format::Hex),
        (16, Format::Int),
    ];
    let Lanes { size, format } = model.lanes;
    let now = WAYS
        .iter()
        .position(|way| *way == (size, format))
        .unwrap_or(0);
    let step = if back { WAYS.len() - 1 } else { 1 };
    let mut ways = (1..=WAYS.len()).map(|times| WAYS[(now + times * step) % WAYS.len()]);
    // Numbers that would be cut say nothing.
    let fits = room(model) >= NAME + 1 + LONGEST;
    let next = ways.find(|way| fits || *way != (16, Format::Int));
    if let Some((size, format)) = next {
        model.lanes = Lanes { size, format };
    }
}

/// Puts the cursor of the code pane on pc.
pub fn show_pc(model: &mut Model) {
    let scroll = model.scroll_mut(View::Registers, 1);
    scroll.cursor = BEFORE;
    scroll.top = scroll.cursor.saturating_sub(4);
}
