//! Memory: the mappings of a process, the pages of one, bytes or code at an address.

use super::registers::{code_order, instruction_row};
use super::{Hex, cut, pending};
use crate::tui::disasm::{Leads, Stretch};
use crate::tui::hex::{PANEL, panels_for};
use crate::tui::layout::View;
use crate::tui::look::{Glyph, Ink};
use crate::tui::model::{Code, Link, Model, Row, Scroll};
use crate::tui::search::Domain;
use crate::tui::worker::{Cell, Data, Want};
use crate::words;
use ckpt_parser::memory::{Backing, Span, spans, stored_len};
use ckpt_parser::model::{Image, Mm, ObjRef, Task, Vma};
use ckpt_parser::text::{count, escape};
use std::ops::Range;

/// Lines of a pane.
pub fn list(model: &Model, pane: usize, range: Range<usize>) -> (usize, Vec<Row>) {
    let (Some(image), Some((number, mm))) = (&model.image, model.current_mm()) else {
        return if pane == 0 {
            cut(without_memory(model), range)
        } else {
            (0, Vec::new())
        };
    };
    match pane {
        0 if mm.vmas.is_empty() => {
            let none = Row::new("No mapping is in the image.", Ink::Dim);
            cut(vec![none], range)
        }
        0 => {
            let vmas = mm.vmas.iter().skip(range.start).take(range.len());
            (
                mm.vmas.len(),
                vmas.map(|vma| vma_row(model, image, mm, number, &vma))
                    .collect(),
            )
        }
        1 => grid(model, image, number, mm, range),
        _ => cut(code_rows(model, number), range),
    }
}

fn without_memory(model: &Model) -> Vec<Row> {
    match model.current_task() {
        Some(task) => vec![Row::new(
            format!(
                "{} has no memory (zombie). t goes to the next task.",
                task.pid
            ),
            Ink::Warn,
        )],
        None => pending(model),
    }
}

/// Title of a pane.
pub fn title(model: &Model, pane: usize) -> String {
    let (Some(image), Some((number, mm))) = (&model.image, model.current_mm()) else {
        return ["Mappings", "Pages", "Bytes"][pane.min(2)].to_owned();
    };
    match pane {
        0 => {
            let users = words::users(image, number);
            let own = model.current_task().filter(|task| {
                task.live.as_ref().is_some_and(|live| live.mm == number) && !task.is_leader()
            });
            let name = match (own, users.first()) {
                (Some(task), _) => {
                    format!(
                        "{} {}, thread of {}",
                        task.pid,
                        escape(&task.comm),
                        task.tgid
                    )
                }
                (None, Some(task)) => format!("{} {}", task.pid, escape(&task.comm)),
                (None, None) => String::new(),
            };
            let more = if users.len() > 1 {
                format!(" and {} more", users.len() - 1)
            } else {
                String::new()
            };
            format!("Mappings of {name}{more} · {}", mm.vmas.len())
        }
        1 => match vma(model) {
            Some(vma) => format!(
                "Pages {:08x}-{:08x} {}",
                vma.start,
                vma.end,
                words::size(vma.len())
            ),
            None => "Pages".to_owned(),
        },
        _ => {
            let place = words::address(image, mm, model.symbols_of(number), model.addr)
                .unwrap_or_else(|| "not mapped".to_owned());
            let source = backing(model, image, mm);
            let how = match model.code {
                Code::Bytes => "Bytes",
                Code::Arm => "ARM code",
                Code::Thumb => "Thumb code",
            };
            format!("{how} at {:#x} · {place}{source}", model.addr)
        }
    }
}

fn backing(model: &Model, image: &Image, mm: &Mm) -> String {
    match spans(image, mm, model.addr, model.addr.saturating_add(1))
        .next()
        .map(|span| span.backing)
    {
        Some(Backing::Zero) => " · never written, zero".to_owned(),
        Some(Backing::File(file, offset)) => {
            let from = if is_at_hand(model, file) {
                "from the file, at"
            } else {
                "not in the image: file offset"
            };
            format!(" · {from} {offset:#x}")
        }
        Some(Backing::Special) => " · given by the kernel".to_owned(),
        _ => String::new(),
    }
}

/// Whether the bytes that are shown were read from a file of the image's machine.
fn is_at_hand(model: &Model, file: ObjRef) -> bool {
    let data = bytes_want(model).and_then(|want| model.data(&want));
    matches!(data, Some(Data::Memory(_, _, files)) if files.contains(&file))
}

/// The mapping that the address is in, or the one under the cursor.
fn vma(model: &Model) -> Option<Vma> {
    let (_, mm) = model.current_mm()?;
    mm.vma_at(model.addr)
        .or_else(|| mm.vmas.get(model.line(View::Memory, 0)?))
}

/// Eighths that the bar of present pages has.
const BAR: u64 = 4;

fn bar(model: &Model, stored: u64, len: u64) -> String {
    let full = if len == 0 {
        0
    } else {
        (stored.saturating_mul(BAR)).div_ceil(len).min(BAR)
    } as usize;
    let (on, off) = (model.look.glyph(Glyph::Full), model.look.glyph(Glyph::None));
    on.repeat(full) + &off.repeat(BAR as usize - full)
}

fn vma_row(model: &Model, image: &Image, mm: &Mm, number: ObjRef, vma: &Vma) -> Row {
    let stored = stored_len(image, mm, vma);
    let name = words::mapping(image, mm, vma);
    let ink = if name.starts_with('[') {
        Ink::Normal
    } else {
        Ink::Text
    };
    let wide = model.inside(0).width > 60;
    let mut row = Row::new(format!("{:08x}", vma.start), Ink::Address);
    if wide {
        row = row.and(format!("-{:08x}", vma.end), Ink::Address);
    }
    row = row
        .and(format!(" {} ", vma.permissions()), Ink::Name)
        .and(bar(model, stored, vma.len()), Ink::Good);
    if wide {
        row = row.and(format!(" {:>9}", words::size(vma.len())), Ink::Number);
        row = row.and(
            format!(" {:>11}", count(stored / image.page_size().max(1), "page")),
            Ink::Dim,
        );
    }
    let short = if wide {
        name.as_str()
    } else {
        name.rsplit('/').next().unwrap_or(&name)
    };
    row.and(format!(" {short}"), ink)
        .link(Link::Address(number, vma.start))
}

/// Pages in a row of the grid.
fn pages_in_row(model: &Model) -> u64 {
    let room = model.inside(1).width.saturating_sub(10);
    [128, 64, 32, 16, 8]
        .into_iter()
        .find(|n| *n <= room)
        .map_or(8, u64::from)
}

fn strip_want(model: &Model) -> Option<Want> {
    let (mm, _) = model.current_mm()?;
    let vma = vma(model)?;
    let cells = u16::try_from(pages_in_row(model)).unwrap_or(64);
    Some(Want::Strip {
        mm,
        start: vma.start,
        end: vma.end,
        cells,
    })
}

/// First line: where data is in the whole mapping, by entropy. Below: a cell for each page.
fn grid(
    model: &Model,
    image: &Image,
    number: ObjRef,
    mm: &Mm,
    range: Range<usize>,
) -> (usize, Vec<Row>) {
    let Some(vma) = vma(model) else {
        return (0, Vec::new());
    };
    let (page, columns) = (image.page_size().max(1), pages_in_row(model));
    let rows = vma.len().div_ceil(page * columns);
    let len = usize::try_from(rows)
        .unwrap_or(usize::MAX)
        .saturating_add(1);
    let mut found = Vec::new();
    for i in range.start..range.end.min(len) {
        if i == 0 {
            found.push(strip_row(model));
            continue;
        }
        let start = vma.start + (i as u64 - 1) * page * columns;
        let end = (start + page * columns).min(vma.end);
        let mut row =
            Row::new(format!("{start:08x} "), Ink::Address).link(Link::Address(number, start));
        for span in spans(image, mm, start, end) {
            let (glyph, ink) = match span.backing {
                Backing::Stored(_) => (Glyph::Full, Ink::Good),
                Backing::Zero => (Glyph::None, Ink::Dim),
                Backing::File(..) => (Glyph::Few, Ink::Text),
                Backing::Special => (Glyph::Half, Ink::Warn),
                Backing::Unmapped => continue,
            };
            let pages = usize::try_from(span.len.div_ceil(page)).unwrap_or(0);
            row = row.and(model.look.glyph(glyph).repeat(pages.min(128)), ink);
        }
        found.push(row);
    }
    (len, found)
}

fn strip_row(model: &Model) -> Row {
    let mut row = Row::new(" entropy ", Ink::Dim);
    let Some(Data::Strip(cells)) = strip_want(model).and_then(|want| model.data(&want).cloned())
    else {
        return row;
    };
    for cell in cells {
        let (glyph, ink) = match cell {
            Cell::Absent => (" ", Ink::Dim),
            Cell::Zero => (model.look.glyph(Glyph::None), Ink::Dim),
            Cell::Data(bits) if bits < 2.0 => (model.look.glyph(Glyph::Few), Ink::Name),
            Cell::Data(bits) if bits < 4.5 => (model.look.glyph(Glyph::Half), Ink::Text),
            Cell::Data(bits) if bits < 7.0 => (model.look.glyph(Glyph::Most), Ink::Warn),
            Cell::Data(_) => (model.look.glyph(Glyph::Full), Ink::Bad),
        };
        row = row.and(glyph, ink);
    }
    row
}

/// Panels of a row and rows in the pane of bytes.
pub fn shape(model: &Model) -> (usize, usize) {
    let inside = model.inside(2);
    (panels_for(inside.width), usize::from(inside.height))
}

/// The bytes that are shown, or decoded.
pub fn bytes_want(model: &Model) -> Option<Want> {
    let (mm, _) = model.current_mm()?;
    let (panels, height) = shape(model);
    let (addr, len) = match model.code {
        Code::Bytes => (model.addr_top, panels * PANEL * height),
        // The same bytes for many lines around: most steps wait for nothing.
        Code::Arm | Code::Thumb => (
            (model.addr_top & !(BLOCK - 1)).saturating_sub(BLOCK),
            BLOCK as usize * 3,
        ),
    };
    let len = u32::try_from(len).unwrap_or(0);
    Some(Want::Memory { mm, addr, len })
}

/// Code is looked at in blocks: the one with the first line, and those before and behind, which are longer than a
/// screen.
const BLOCK: u64 = 2048;

/// Whether the bytes of a stretch are neither in the image nor in a file at hand.
pub fn is_unknown(span: &Span, files: &[ObjRef]) -> bool {
    match span.backing {
        Backing::Stored(_) | Backing::Zero => false,
        Backing::File(file, _) => !files.contains(&file),
        Backing::Special | Backing::Unmapped => true,
    }
}

/// The stretches whose bytes are neither in the image nor in a file at hand.
pub fn unknown_of(found: &[Span], files: &[ObjRef]) -> Vec<Range<u64>> {
    let unknown = found.iter().filter(|span| is_unknown(span, files));
    unknown.map(|span| span.addr..span.end()).collect()
}

/// Bytes of an answer behind the first `skip`, up to those that nobody knows.
pub fn known_from<'a>(model: &'a Model, want: &Want, skip: usize) -> Option<&'a [u8]> {
    let (Want::Memory { addr, .. }, Data::Memory(bytes, found, files)) = (want, model.data(want)?)
    else {
        return None;
    };
    let from = addr.saturating_add(skip as u64);
    let unknown = unknown_of(found, files);
    let end = unknown
        .into_iter()
        .find(|range| range.end > from)
        .and_then(|range| usize::try_from(range.start.max(from) - addr).ok());
    bytes.get(skip..end.unwrap_or(bytes.len()).min(bytes.len()))
}

/// Bytes at the address.
pub fn hex(model: &Model) -> Option<Hex> {
    if model.code != Code::Bytes {
        return None;
    }
    let want = bytes_want(model)?;
    let Data::Memory(bytes, found, files) = model.data(&want)? else {
        return None;
    };
    let top = model.addr_top;
    let mut marks: Vec<(Range<u64>, Ink)> = Vec::new();
    let mut unknown = Vec::new();
    for span in found {
        let range = span.addr - top..span.end() - top;
        if is_unknown(span, files) {
            unknown.push(range.clone());
        }
        if !matches!(span.backing, Backing::Stored(_)) {
            marks.push((range, Ink::Dim));
        }
    }
    let (number, _) = model.current_mm()?;
    if model.search.domain == Some(Domain::Memory(number)) {
        let hits = model
            .search
            .hits
            .iter()
            .filter(|hit| **hit >= top && **hit - top < bytes.len() as u64);
        marks.extend(hits.map(|hit| (hit - top..hit - top + model.search.len, Ink::Match)));
    }
    Some(Hex {
        bytes: bytes.clone(),
        start: top,
        cursor: model.addr.saturating_sub(top),
        panels: shape(model).0,
        marks,
        unknown,
    })
}

/// Code around the address.
struct Listing<'a> {
    code: Stretch<'a>,
    /// Stretches whose bytes nobody knows.
    unknown: Vec<Range<u64>>,
    /// Where instructions begin.
    starts: Vec<u64>,
    /// Which of them is under the cursor.
    at: usize,
    /// Which of them is on the first line.
    top: usize,
    height: usize,
}

impl Listing<'_> {
    fn shown(&self) -> &[u64] {
        let end = (self.top + self.height).min(self.starts.len());
        self.starts.get(self.top..end).unwrap_or_default()
    }
}

/// The code that is shown, once its bytes are there; the cursor is among the lines.
fn listing(model: &Model) -> Option<Listing<'_>> {
    let want = bytes_want(model)?;
    let (Want::Memory { mm, addr, .. }, Some(Data::Memory(bytes, found, files))) =
        (&want, model.data(&want))
    else {
        return None;
    };
    let live = words::users(model.image.as_ref()?, *mm)
        .first()
        .and_then(|task| task.live.as_ref());
    let code = Stretch {
        bytes,
        addr: *addr,
        thumb: model.code == Code::Thumb,
        order: live.map_or(model.order(), |live| code_order(model, live)),
    };
    let starts = code.starts(model.addr);
    let at = starts.binary_search(&model.addr).ok()?;
    let height = shape(model).1.max(1);
    let top = starts.partition_point(|start| *start < model.addr_top);
    let top = top.min(at).max((at + 1).saturating_sub(height));
    Some(Listing {
        code,
        unknown: unknown_of(found, files),
        starts,
        at,
        top,
        height,
    })
}

fn code_rows(model: &Model, number: ObjRef) -> Vec<Row> {
    let Some(listing) = listing(model) else {
        return Vec::new();
    };
    let pc = model
        .current_task()
        .and_then(Task::arm)
        .map_or(u64::MAX, |regs| u64::from(regs.pc()));
    let code = &listing.code;
    listing
        .shown()
        .iter()
        .filter_map(|at| code_row(model, code, &listing.unknown, *at, (number, pc)))
        .collect()
}

/// A line of code of an address space whose thread is at `pc`. What nobody knows is neither an instruction nor what one
/// reads.
pub fn code_row(
    model: &Model,
    code: &Stretch,
    unknown: &[Range<u64>],
    at: u64,
    (mm, pc): (ObjRef, u64),
) -> Option<Row> {
    let is_unknown = |from: u64, len: u64| {
        let touches =
            |range: &Range<u64>| range.start < from.saturating_add(len) && from < range.end;
        unknown.iter().any(touches)
    };
    let mut instruction = code.instruction(at)?;
    if is_unknown(at, instruction.len) {
        return Some(unknown_row(model, at));
    }
    if let Some(Leads::Reads(literal, value)) = &mut instruction.leads
        && is_unknown(*literal, 4)
    {
        *value = None;
    }
    Some(instruction_row(model, &instruction, mm, pc))
}

fn unknown_row(model: &Model, addr: u64) -> Row {
    let none = model.look.glyph(Glyph::None).repeat(4);
    Row::new(format!(" {addr:08x} "), Ink::Address)
        .and(format!("{none}     not in the image"), Ink::Dim)
}

/// Keeps the line of the cursor where the address is.
pub fn fit(model: &mut Model) {
    if model.code == Code::Bytes {
        return;
    }
    let Some((top, line)) = listing(model).and_then(|listing| {
        let top = *listing.starts.get(listing.top)?;
        Some((top, listing.at - listing.top))
    }) else {
        return;
    };
    model.addr_top = top;
    *model.scroll_mut(View::Memory, 2) = Scroll {
        cursor: line,
        top: 0,
    };
}

/// The cursor goes to a line of the code that is shown.
pub fn choose_line(model: &mut Model, line: usize) {
    let chosen = listing(model).and_then(|listing| listing.shown().get(line).copied());
    model.addr = chosen.unwrap_or(model.addr);
}

/// What the view needs.
pub fn wants(model: &Model, wants: &mut Vec<Want>) {
    wants.extend(strip_want(model));
    wants.extend(bytes_want(model));
}

/// The pointer at the cursor, if it leads into a mapping.
pub fn pointer(model: &Model) -> Option<Link> {
    let (number, mm) = model.current_mm()?;
    let want = bytes_want(model)?;
    let word = model.word();
    let at = usize::try_from((model.addr - model.addr_top) / word as u64 * word as u64).ok()?;
    let bytes = known_from(model, &want, at)?.get(..word)?;
    let value = ckpt_parser::view::read_uint(bytes, model.order());
    mm.vma_at(value).map(|_| Link::Address(number, value))
}

/// Shows an address in the middle of the pane.
pub fn show(model: &mut Model, addr: u64) {
    let (panels, height) = shape(model);
    let row = row_len(model.code, panels);
    model.addr = aligned(model.code, addr);
    let visible = model.addr_top <= addr && addr < model.addr_top + row * height as u64;
    if !visible {
        model.addr_top = (addr / row * row).saturating_sub(row * (height as u64 / 3));
    }
    select_vma(model);
}

fn row_len(code: Code, panels: usize) -> u64 {
    match code {
        Code::Bytes => (panels * PANEL) as u64,
        Code::Arm | Code::Thumb => Stretch::unit(code == Code::Thumb),
    }
}

/// Where an instruction can begin.
fn aligned(code: Code, addr: u64) -> u64 {
    match code {
        Code::Bytes => addr,
        Code::Arm | Code::Thumb => addr & !(row_len(code, 0) - 1),
    }
}

/// Shows the same place as bytes, or as code.
pub fn represent(model: &mut Model, code: Code) {
    model.code = code;
    model.addr_top = model.addr;
    if code == Code::Bytes {
        let row = row_len(code, shape(model).0);
        model.addr_top = model.addr / row * row;
    }
    model.addr = aligned(code, model.addr);
    model.addr_top = model.addr_top.min(model.addr);
}

/// Puts the cursor of the mappings on the one that holds the address.
pub fn select_vma(model: &mut Model) {
    let addr = model.addr;
    let Some((_, mm)) = model.current_mm() else {
        return;
    };
    let at = mm.vmas.partition_point(|vma| vma.end <= addr);
    let holds = mm.vmas.get(at).is_some_and(|vma| vma.start <= addr);
    if holds && model.passing.is_none() {
        model.scroll_mut(View::Memory, 0).cursor = at;
    }
}

/// The cursor of the mappings has moved: the address follows.
pub fn follow_vma(model: &mut Model) {
    let Some(start) = model
        .current_mm()
        .and_then(|(_, mm)| mm.vmas.get(model.line(View::Memory, 0)?))
        .map(|vma| vma.start)
    else {
        return;
    };
    model.addr = start;
    model.addr_top = start;
    *model.scroll_mut(View::Memory, 1) = Scroll::default();
}

/// Moves the cursor by lines: rows of bytes, or instructions.
pub fn move_lines(model: &mut Model, lines: isize) {
    let to = listing(model).and_then(|listing| {
        let last = listing.starts.len().checked_sub(1)?;
        let to = listing.at.saturating_add_signed(lines).min(last);
        listing.starts.get(to).copied()
    });
    match to.filter(|_| model.code != Code::Bytes) {
        Some(to) => {
            model.addr = to;
            select_vma(model);
        }
        None => move_by(model, lines as i64 * row_bytes(model)),
    }
}

/// Moves the cursor of the bytes; keeps it on the screen.
pub fn move_by(model: &mut Model, bytes: i64) {
    let limit = if model.word() == 4 {
        u64::from(u32::MAX)
    } else {
        u64::MAX - 0xffff
    };
    model.addr = model.addr.saturating_add_signed(bytes).min(limit);
    let (panels, height) = shape(model);
    let row = row_len(model.code, panels);
    if model.addr < model.addr_top {
        let rows = (model.addr_top - model.addr).div_ceil(row);
        model.addr_top = model.addr_top.saturating_sub(rows * row);
    }
    let end = row * (height.max(1) as u64);
    if model.addr >= model.addr_top + end {
        let rows = (model.addr - model.addr_top - end) / row + 1;
        model.addr_top += rows * row;
    }
    select_vma(model);
}

/// Bytes in a row of the pane.
pub fn row_bytes(model: &Model) -> i64 {
    i64::try_from(row_len(model.code, shape(model).0)).unwrap_or(16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::keys::Keymap;
    use crate::tui::look::Look;
    use ckpt_format::Order;

    /// A page that is not stored comes as zeros, and `movs r0, r0` is what zeros say.
    #[test]
    fn what_nobody_knows_is_no_code() {
        // ldr r0, [pc, #0], then a literal that nobody knows.
        let bytes = [0x00, 0x48, 0xc0, 0x46, 0, 0, 0, 0];
        let code = Stretch {
            bytes: &bytes,
            addr: 0x10ffc,
            thumb: true,
            order: Order::Little,
        };
        let model = Model::new("x".into(), Look::default(), Keymap::default());
        let absent = 0x11000..0x12000;
        let text = |at| {
            let row = code_row(
                &model,
                &code,
                std::slice::from_ref(&absent),
                at,
                (1, 0x10ffc),
            );
            row.map(|row| row.text()).unwrap_or_default()
        };
        let reads = text(0x10ffc);
        assert!(
            reads.contains("ldr r0") && reads.ends_with("; [0x11000]"),
            "{reads}"
        );
        assert!(text(0x10ffe).contains("mov"));
        let absent = text(0x11000);
        assert!(
            absent.contains("not in the image") && !absent.contains("movs"),
            "{absent}"
        );
    }
}
