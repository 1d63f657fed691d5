//! Actions and messages change the model; nothing else does.

mod find;
mod history;
mod mouse;
mod output;
mod told;

pub use find::{search, set_filter};
pub use history::{describe, leave, remember};
pub use output::export;
pub use told::told;

use crate::tui::keys::{Action, Pressed};
use crate::tui::layout::View;
use crate::tui::look::Ink;
use crate::tui::model::{Code, Link, Model, OPEN_LEVEL, Overlay, Phase, Quit, Row, Scroll};
use crate::tui::panes::{self, files, memory, records, registers, tasks};
use crate::tui::prompt::{For, Prompt, Typed};
use crate::tui::worker::{Data, Request};
use crate::tui::{command, hex, index, tour, view};
use ckpt_compat::arm::Isa;
use ckpt_parser::model::{ObjRef, Task};
use crossterm::event::{Event, KeyEvent, KeyEventKind};
use find::{again, ask_filter, is_filtered, next_match, refilter};
use history::{bookmark, restore, step_history};
use mouse::clicked;
use output::{copy, export_line};

/// What an event of the terminal leads to.
pub fn input(model: &mut Model, event: &Event) -> Option<Request> {
    let request = match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => pressed(model, *key),
        Event::Mouse(mouse) => clicked(model, *mouse),
        Event::Resize(width, height) => {
            model.screen.width = *width;
            model.screen.height = *height;
            model.redraw = true;
            // Where lines are broken depends on the width.
            model.passing = None;
            None
        }
        Event::Paste(text) => {
            if let Some(prompt) = &mut model.prompt {
                for c in text.chars().filter(|c| !c.is_control()) {
                    prompt.press(KeyEvent::new(
                        crossterm::event::KeyCode::Char(c),
                        crossterm::event::KeyModifiers::NONE,
                    ));
                }
            }
            None
        }
        _ => None,
    };
    fit(model);
    request.or_else(|| panes::compat::begin(model))
}

fn pressed(model: &mut Model, key: KeyEvent) -> Option<Request> {
    if model.prompt.is_some() {
        return typed(model, key);
    }
    model.message = None;
    match model.keys.press(key) {
        Pressed::Action(action) => update(model, action),
        Pressed::Begun => None,
        Pressed::Nothing => {
            if !matches!(key.code, crossterm::event::KeyCode::Modifier(_)) {
                say(model, "No such key; ? lists them", Ink::Dim);
            }
            None
        }
    }
}

/// Does what a key asks for.
pub fn update(model: &mut Model, action: Action) -> Option<Request> {
    if model.overlay.is_some() && on_overlay(model, action) {
        return None;
    }
    match action {
        Action::Up
        | Action::Down
        | Action::PageUp
        | Action::PageDown
        | Action::HalfUp
        | Action::HalfDown
        | Action::Top
        | Action::Bottom => {
            move_cursor(model, action);
        }
        Action::Left | Action::Right => sideways(model, action == Action::Right),
        Action::Enter => return enter(model),
        Action::Out => return out(model),
        Action::Back => step_history(model, false),
        Action::Forward => step_history(model, true),
        Action::View(number) => {
            if let Some(view) = View::ALL.get(usize::from(number)) {
                open_view(model, *view);
            }
        }
        Action::NextView | Action::PrevView => {
            let step = if action == Action::NextView {
                1
            } else {
                View::ALL.len() - 1
            };
            open_view(
                model,
                View::ALL[(model.view as usize + step) % View::ALL.len()],
            );
        }
        Action::NextPane | Action::PrevPane => {
            let panes = model.view.panes();
            let step = if action == Action::NextPane {
                1
            } else {
                panes - 1
            };
            model.focus[model.view as usize] = (model.pane() + step) % panes;
        }
        Action::Fold | Action::Open | Action::Close | Action::FoldAll => fold(model, action),
        Action::Search => model.prompt = Some(Prompt::new(For::Search, "")),
        Action::Filter => ask_filter(model),
        Action::Command => model.prompt = Some(Prompt::new(For::Command, "")),
        Action::Goto => model.prompt = Some(Prompt::new(For::Command, "goto ")),
        Action::Export => model.prompt = Some(Prompt::new(For::Command, &export_line(model))),
        Action::Next | Action::Previous => return again(model, action == Action::Previous),
        Action::Represent | Action::RepresentBack => {
            represent(model, action == Action::RepresentBack);
        }
        Action::Disassemble => disassemble(model),
        Action::NextTask | Action::PrevTask => step_task(model, action == Action::PrevTask),
        Action::Bookmark => bookmark(model),
        Action::Bookmarks => model.overlay = Some(Overlay::Bookmarks(0)),
        Action::Copy => copy(model),
        Action::Help => model.overlay = Some(Overlay::Help(0)),
        Action::Quit => model.quit = Some(Quit::Clean),
        Action::QuitKeep => model.quit = Some(Quit::Keep),
        Action::Redraw => {
            model.redraw = true;
            // What could not be read may be there by now.
            model
                .cache
                .retain(|_, data| !matches!(data, Data::Failed(_)));
        }
        Action::Suspend => model.suspend = true,
    }
    None
}

/// Says something in the bottom line.
pub fn say(model: &mut Model, text: impl Into<String>, ink: Ink) {
    model.message = Some((text.into(), ink));
}

/// Whether the action was for what lies over the view.
fn on_overlay(model: &mut Model, action: Action) -> bool {
    if let Some(Overlay::Help(top)) = model.overlay {
        return on_help(model, top, action);
    }
    let Some(overlay) = &mut model.overlay else {
        return false;
    };
    let tour = matches!(overlay, Overlay::Tour(_));
    let (Overlay::Help(at) | Overlay::Bookmarks(at) | Overlay::Tour(at)) = overlay;
    match action {
        Action::Down => *at += 1,
        Action::Up => *at = at.saturating_sub(1),
        Action::PageDown | Action::HalfDown => *at += 10,
        Action::PageUp | Action::HalfUp => *at = at.saturating_sub(10),
        Action::Top => *at = 0,
        Action::Enter | Action::Right | Action::NextView if tour => *at += 1,
        Action::Left if tour => *at = at.saturating_sub(1),
        Action::Enter => {
            let chosen = match *overlay {
                Overlay::Bookmarks(at) => model.bookmarks.get(at).cloned(),
                _ => None,
            };
            model.overlay = None;
            if let Some(place) = chosen {
                remember(model);
                restore(model, &place);
            }
        }
        // As in less: q leaves the page, not the program.
        Action::Quit if !tour => model.overlay = None,
        Action::Quit | Action::QuitKeep | Action::Suspend | Action::Redraw => return false,
        // What the key means below is done; whoever knows a key need not close the page first.
        _ => {
            let again = matches!(overlay, Overlay::Bookmarks(_)) && action == Action::Bookmarks;
            model.overlay = None;
            return again || matches!(action, Action::Out | Action::Back);
        }
    }
    if let Some(Overlay::Tour(at)) = model.overlay {
        if at >= tour::PAGES.len() {
            model.overlay = None;
        } else if let Some(view) = tour::view_of(at) {
            model.view = view;
        }
    }
    true
}

/// The help is read like a page of text: what moves scrolls, and nothing but its own keys closes it.
fn on_help(model: &mut Model, top: usize, action: Action) -> bool {
    let (len, page) = view::help_extent(model);
    let to = match action {
        Action::Up => top.saturating_sub(1),
        Action::Down => top + 1,
        Action::PageUp => top.saturating_sub(page),
        Action::PageDown | Action::Fold => top + page,
        Action::HalfUp => top.saturating_sub(page / 2),
        Action::HalfDown => top + page / 2,
        Action::Top => 0,
        Action::Bottom => len,
        Action::Out | Action::Quit | Action::Help => {
            model.overlay = None;
            return true;
        }
        Action::QuitKeep | Action::Suspend | Action::Redraw => return false,
        _ => top,
    };
    model.overlay = Some(Overlay::Help(to.min(len.saturating_sub(page))));
    true
}

fn height(model: &Model, pane: usize) -> usize {
    usize::from(model.inside(pane).height).max(1)
}

fn len(model: &Model, pane: usize) -> usize {
    panes::list(model, pane, 0..0).0
}

/// By how many lines an action moves; `None` for the ends.
fn distance(model: &Model, action: Action) -> Option<isize> {
    let page = isize::try_from(height(model, model.pane())).unwrap_or(20);
    Some(match action {
        Action::Up => -1,
        Action::Down => 1,
        Action::PageUp => -page,
        Action::PageDown => page,
        Action::HalfUp => -(page / 2).max(1),
        Action::HalfDown => (page / 2).max(1),
        _ => return None,
    })
}

fn move_cursor(model: &mut Model, action: Action) {
    let pane = model.pane();
    if panes::is_bytes(model, pane) {
        return move_bytes(model, action);
    }
    let last = len(model, pane).saturating_sub(1);
    let cursor = model.scroll(pane).cursor;
    let cursor = match (distance(model, action), action) {
        (Some(by), _) => cursor.saturating_add_signed(by).min(last),
        (None, Action::Top) => 0,
        (None, _) => last,
    };
    set_cursor(model, pane, cursor);
}

/// Puts the cursor of a list somewhere; what hangs on it follows.
fn set_cursor(model: &mut Model, pane: usize, cursor: usize) {
    let view = model.view;
    model.scroll_mut(view, pane).cursor = cursor;
    match (view, pane) {
        (View::Records, 0) => {
            model.byte = 0;
            model.byte_top = 0;
            *model.scroll_mut(view, 1) = Scroll::default();
        }
        (View::Records, 1) => {
            model.byte = records::current_field(model).map_or(0, |field| field.offset);
        }
        (View::Compat, 0) => {
            panes::compat::follow_cursor(model);
            *model.scroll_mut(view, 1) = Scroll::default();
        }
        (View::Memory, 0) => memory::follow_vma(model),
        (View::Memory, 2) => memory::choose_line(model, cursor),
        (View::Memory, 1) => {
            if let Some(Link::Address(_, addr)) = row_at(model, pane).and_then(|row| row.link) {
                model.addr = addr;
                model.addr_top = addr;
            }
        }
        (_, 0) => *model.scroll_mut(view, 1) = Scroll::default(),
        _ => {}
    }
}

fn row_at(model: &Model, pane: usize) -> Option<Row> {
    let cursor = model.scroll(pane).cursor;
    panes::list(model, pane, cursor..cursor + 1)
        .1
        .into_iter()
        .next()
}

fn move_bytes(model: &mut Model, action: Action) {
    if model.view == View::Memory {
        match (distance(model, action), action) {
            (Some(by), _) => memory::move_lines(model, by),
            (None, top) => {
                let ends = model
                    .current_mm()
                    .and_then(|(_, mm)| mm.vma_at(model.addr))
                    .map(|vma| (vma.start, vma.end));
                if let Some((start, end)) = ends {
                    let to = if top == Action::Top {
                        start
                    } else {
                        end.saturating_sub(memory::row_bytes(model).unsigned_abs())
                    };
                    memory::show(model, to);
                }
            }
        }
        return;
    }
    let row = (records::hex_shape(model).0 * hex::PANEL) as i64;
    let end = model
        .record()
        .and_then(|record| model.at(record))
        .map_or(0, |at| at.len.saturating_sub(1));
    model.byte = match (distance(model, action), action) {
        (Some(by), _) => model.byte.saturating_add_signed(by as i64 * row).min(end),
        (None, Action::Top) => 0,
        (None, _) => end,
    };
    select_field(model);
}

/// The byte under the cursor selects its field.
fn select_field(model: &mut Model) {
    if let Some(field) = records::field_of(model, model.byte) {
        model.scroll_mut(View::Records, 1).cursor = field;
    }
    records::fit(model);
}

fn sideways(model: &mut Model, right: bool) {
    let step = if right { 1 } else { -1 };
    match (model.view, model.pane()) {
        (View::Records, 0) => fold_or_leave(model, right),
        (View::Records, 2) => {
            let end = model
                .record()
                .and_then(|record| model.at(record))
                .map_or(0, |at| at.len.saturating_sub(1));
            model.byte = model.byte.saturating_add_signed(step).min(end);
            select_field(model);
        }
        (View::Memory, 2) if model.code == Code::Bytes => memory::move_by(model, step),
        (_, pane) => {
            let last = model.view.panes() - 1;
            model.focus[model.view as usize] = if right {
                (pane + 1).min(last)
            } else {
                pane.saturating_sub(1)
            };
        }
    }
}

/// Right opens a node or goes into it; left closes it or goes to the one above.
fn fold_or_leave(model: &mut Model, right: bool) {
    let Some(record) = model.record() else { return };
    let (node, open) = (model.index.is_node(record), model.index.is_open(record));
    match (right, node, open) {
        (true, true, false) => set_open(model, record, true),
        (true, true, true) => select_record(model, record + 1, 0),
        (true, false, _) => model.focus[View::Records as usize] = 1,
        (false, true, true) => set_open(model, record, false),
        (false, ..) => {
            if let Some(parent) = model.index.parent(record) {
                select_record(model, parent, 0);
            }
        }
    }
}

fn set_open(model: &mut Model, record: u64, open: bool) {
    model.index.set_open(record, open);
    let row = usize::try_from(model.index.row_of(record)).unwrap_or(0);
    model.scroll_mut(View::Records, 0).cursor = row;
}

fn fold(model: &mut Model, action: Action) {
    if model.view != View::Records {
        return;
    }
    let Some(record) = model.record() else { return };
    if action == Action::FoldAll {
        let level = if model.index.level() == u8::MAX {
            OPEN_LEVEL
        } else {
            u8::MAX
        };
        model.index.set_level(level);
        let row = usize::try_from(model.index.row_of(record)).unwrap_or(0);
        model.scroll_mut(View::Records, 0).cursor = row;
        return;
    }
    let record = if model.index.is_node(record) {
        record
    } else {
        model.index.parent(record).unwrap_or(record)
    };
    let open = match action {
        Action::Open => true,
        Action::Close => false,
        _ => !model.index.is_open(record),
    };
    set_open(model, record, open);
}

/// Shows a record and a byte in it.
pub fn select_record(model: &mut Model, record: u64, byte: u64) {
    let record = record.min(model.index.len().saturating_sub(1));
    if model.index.filter().is_none() {
        model.index.reveal(record);
    }
    let row = usize::try_from(model.index.row_of(record)).unwrap_or(0);
    if model.index.at_row(row as u64) != Some(record) && model.index.filter().is_some() {
        model.index.set_filter(None);
        return select_record(model, record, byte);
    }
    let page = height_of(model, View::Records, 0);
    let scroll = model.scroll_mut(View::Records, 0);
    if row < scroll.top || row >= scroll.top + page {
        scroll.top = row.saturating_sub(page / 3);
    }
    scroll.cursor = row;
    model.byte = byte;
    model.byte_top = 0;
    model.scroll_mut(View::Records, 1).cursor = 0;
    select_field(model);
}

fn height_of(model: &Model, view: View, pane: usize) -> usize {
    if view == model.view {
        height(model, pane)
    } else {
        usize::from(model.screen.height / 2).max(1)
    }
}

fn set_line(model: &mut Model, view: View, line: usize) {
    model.scroll_mut(view, 0).cursor = line;
    if view == View::Compat {
        panes::compat::follow_cursor(model);
    }
}

/// Shows a view.
pub fn open_view(model: &mut Model, view: View) {
    if view == model.view {
        return;
    }
    remember(model);
    if model.view == View::Tasks
        && let Some(task) = tasks::under_cursor(model)
    {
        choose_task(model, task.index);
    }
    model.view = view;
    if view == View::Memory && model.addr == 0 {
        start_of_memory(model);
    }
}

/// A first address that says something: the code, or the first mapping.
fn start_of_memory(model: &mut Model) {
    let pc = model
        .current_task()
        .and_then(|task| task.arm())
        .map(|regs| u64::from(regs.pc()));
    let Some((_, mm)) = model.current_mm() else {
        return;
    };
    let first = mm.vmas.first().map_or(0, |vma| vma.start);
    let addr = pc.filter(|pc| mm.vma_at(*pc).is_some()).unwrap_or(first);
    memory::show(model, addr);
}

fn choose_task(model: &mut Model, task: u32) {
    if model.task == task && model.mm == 0 {
        return;
    }
    model.task = task;
    model.mm = 0;
    model.addr = 0;
    model.addr_top = 0;
    registers::show_pc(model);
}

fn step_task(model: &mut Model, back: bool) {
    // In the order of the Tasks view: threads come behind their leader.
    let order = &model.derived.order;
    let now = order.iter().position(|(task, _)| *task == model.task);
    let len = order.len();
    // From the present one on around, or from the first if there is none.
    let mut lines = (1..=len).map(|step| match (now, back) {
        (Some(now), true) => (now + len - step) % len,
        (Some(now), false) => (now + step) % len,
        (None, _) => step - 1,
    });
    // A zombie has nothing that these views could show.
    let bare = matches!(model.view, View::Registers | View::Memory);
    let tasks = model.image.as_ref().map_or(&[][..], |image| &image.tasks);
    let shows = |line: &usize| {
        let task = order
            .get(*line)
            .and_then(|(task, _)| tasks.get(*task as usize));
        !bare || task.is_some_and(|task| task.live.is_some())
    };
    let Some(line) = lines.find(shows) else {
        return;
    };
    let Some((task, _)) = order.get(line).copied() else {
        return;
    };
    choose_task(model, task);
    set_line(model, View::Tasks, line);
    if model.view == View::Memory {
        start_of_memory(model);
    }
}

fn enter(model: &mut Model) -> Option<Request> {
    let pane = model.pane();
    if model.view == View::Memory && panes::is_hex(model, pane) {
        match memory::pointer(model) {
            Some(link) => follow(model, link),
            None => say(
                model,
                "The word at the cursor points into no mapping",
                Ink::Dim,
            ),
        }
        return None;
    }
    if model.view == View::Records && pane == 2 {
        if let Some(link) =
            panes::list(model, 1, model.scroll(1).cursor..model.scroll(1).cursor + 1)
                .1
                .first()
                .and_then(|row| row.link)
        {
            follow(model, link);
        }
        return None;
    }
    if model.view == View::Compat && model.compat.judged.is_empty() {
        say(
            model,
            "Still looking; the verdicts come in a moment",
            Ink::Dim,
        );
        return None;
    }
    match row_at(model, pane).and_then(|row| row.link) {
        Some(Link::Target(target)) => return panes::compat::choose(model, target),
        Some(link) => follow(model, link),
        None if pane + 1 < model.view.panes() => model.focus[model.view as usize] = pane + 1,
        None => say(model, "Nothing to follow here", Ink::Dim),
    }
    None
}

/// Goes to what a link leads to.
pub fn follow(model: &mut Model, link: Link) {
    remember(model);
    match link {
        Link::Record(record, byte) => {
            model.view = View::Records;
            select_record(model, record, byte);
        }
        Link::Offset(offset) => match model.index.record_at(offset) {
            Some(record) => {
                model.view = View::Records;
                let start = model.index.get(record).map_or(0, index::Entry::offset);
                select_record(model, record, offset - start);
            }
            None => say(
                model,
                format!("No record holds offset {offset:#x}"),
                Ink::Warn,
            ),
        },
        Link::Object(number) => {
            let defined = model
                .image
                .as_ref()
                .map(|image| image.objects.get(number).map(|object| object.record.index));
            match defined {
                Some(Some(record)) => {
                    model.view = View::Records;
                    select_record(model, record, 0);
                }
                Some(None) => say(
                    model,
                    format!("Object {number} is not in the image"),
                    Ink::Warn,
                ),
                None => say(
                    model,
                    "References can be followed when all records are read",
                    Ink::Dim,
                ),
            }
        }
        Link::Address(mm, addr) => show_address(model, mm, addr),
        Link::Code(mm, addr, isa) => {
            model.code = match isa {
                Isa::Arm => Code::Arm,
                Isa::Thumb => Code::Thumb,
            };
            show_address(model, mm, addr);
        }
        Link::Register(task, name) => {
            choose_task(model, task);
            model.view = View::Registers;
            registers::select(model, name);
        }
        Link::Task(task, view) => {
            choose_task(model, task);
            model.view = view;
            if let Some(line) = model.derived.order.iter().position(|(t, _)| *t == task) {
                set_line(model, View::Tasks, line);
            }
        }
        Link::File(number) => match files::line_of(model, number) {
            Some(line) => {
                model.view = View::Files;
                set_line(model, View::Files, line);
            }
            None => say(
                model,
                format!("File {number} is not in the image"),
                Ink::Warn,
            ),
        },
        Link::Target(_) => {}
    }
}

fn show_address(model: &mut Model, mm: ObjRef, addr: u64) {
    model.view = View::Memory;
    model.focus[View::Memory as usize] = 2;
    model.mm = mm;
    memory::show(model, addr);
}

fn out(model: &mut Model) -> Option<Request> {
    if model.search.domain.is_some() && !model.search.over {
        model.search.over = true;
        say(model, "Search stopped", Ink::Dim);
        return Some(Request::Cancel);
    }
    if is_filtered(model) {
        set_filter(model, "");
        return None;
    }
    if model.pane() > 0 {
        model.focus[model.view as usize] = 0;
        return None;
    }
    match model.phase {
        Phase::Unpacking(_) | Phase::Indexing(..) | Phase::Modelling(_) => {
            model.phase = Phase::Stopped;
            say(model, "Reading stopped", Ink::Warn);
            Some(Request::Stop)
        }
        _ => None,
    }
}

fn represent(model: &mut Model, back: bool) {
    match model.view {
        View::Registers => registers::represent(model, back),
        View::Memory => rotate_code(model, back),
        _ => say(
            model,
            "p changes how registers and memory are shown",
            Ink::Dim,
        ),
    }
}

fn disassemble(model: &mut Model) {
    if model.view != View::Memory {
        return say(model, "d disassembles in the Memory view", Ink::Dim);
    }
    rotate_code(model, false);
}

/// Bytes, code of the state the task is in, code of the other state.
fn rotate_code(model: &mut Model, back: bool) {
    // The thread that is shown, or one of the process whose memory is.
    let shown = model.current_mm().zip(model.image.as_ref());
    let thread = shown.and_then(|((mm, _), image)| {
        let lives_in = |task: &&Task| task.live.as_ref().is_some_and(|live| live.mm == mm);
        let own = model.current_task().filter(lives_in);
        own.or_else(|| image.tasks.iter().find(lives_in))
    });
    let thumb = thread
        .and_then(|task| task.arm())
        .is_some_and(ckpt_parser::model::ArmRegs::is_thumb);
    let mut order = [Code::Bytes, Code::Arm, Code::Thumb];
    if thumb != back {
        order.swap(1, 2);
    }
    let now = order.iter().position(|code| *code == model.code);
    memory::represent(model, order[now.map_or(0, |now| (now + 1) % order.len())]);
}

/// Lines that an export of a list holds at most.
const MOST_LINES: usize = 1_000_000;

fn typed(model: &mut Model, key: KeyEvent) -> Option<Request> {
    let prompt = model.prompt.as_mut()?;
    match prompt.press(key) {
        Typed::Cancelled => {
            if prompt.kind == For::Filter {
                set_filter(model, "");
            }
            model.prompt = None;
            None
        }
        Typed::Complete => {
            if prompt.kind == For::Command {
                let mut taken = model.prompt.take()?;
                taken.complete(|text| command::complete(model, text));
                model.prompt = Some(taken);
            }
            None
        }
        Typed::Edited => {
            if prompt.kind == For::Filter {
                let text = prompt.text.clone();
                set_filter(model, &text);
            }
            None
        }
        Typed::Done => {
            let done = model.prompt.take()?;
            match done.kind {
                For::Filter => None,
                For::Search => search(model, &done.text),
                For::Command => command::run(model, &done.text),
            }
        }
    }
}

/// Keeps every cursor of the view where there is something.
fn fit(model: &mut Model) {
    let view = model.view;
    if model.filters[view as usize].is_some()
        && model
            .passing
            .as_ref()
            .is_none_or(|passing| passing.view != view)
    {
        refilter(model);
    }
    for pane in 0..view.panes() {
        if panes::is_hex(model, pane) {
            continue;
        }
        let (len, page) = (len(model, pane), height(model, pane));
        if len > 0 {
            model.scroll_mut(view, pane).fit(len, page);
        }
    }
    match view {
        View::Records => records::fit(model),
        View::Memory => memory::fit(model),
        _ => {}
    }
    if let Some(Overlay::Bookmarks(at)) = &mut model.overlay {
        *at = (*at).min(model.bookmarks.len().saturating_sub(1));
    }
}
