//! Draws the model. Changes nothing.

use super::command;
use super::hex;
use super::keys::Action;
use super::layout::View;
use super::look::{Glyph, Ink};
use super::model::{Model, Overlay, Phase, Row};
use super::panes;
use super::tour;
use super::update::describe;
use crate::words;
use ckpt_parser::diagnostic::{Diagnostic, Severity};
use ckpt_parser::text::{count, escape};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Draws everything.
pub fn draw(model: &Model, buffer: &mut Buffer) {
    let areas = model.areas();
    tabs(model, buffer, areas.tabs);
    for (pane, area) in areas.panes.iter().enumerate() {
        draw_pane(model, buffer, pane, *area);
    }
    if let Some(divider) = areas.dividers[0] {
        column(model, buffer, divider);
    }
    if let Some(divider) = areas.dividers[1].filter(|area| area.width == 1 && area.height > 1) {
        column(model, buffer, divider);
    }
    status(model, buffer, areas.status);
    match model.overlay {
        Some(Overlay::Help(top)) => help(model, buffer, top),
        Some(Overlay::Bookmarks(at)) => bookmarks(model, buffer, at),
        Some(Overlay::Tour(page)) => tour_page(model, buffer, page),
        None => {}
    }
    if model.look.ascii {
        only_ascii(buffer);
    }
}

/// Replaces what a terminal without Unicode cannot show.
fn only_ascii(buffer: &mut Buffer) {
    for cell in &mut buffer.content {
        let plain = match cell.symbol() {
            symbol if symbol.is_ascii() => continue,
            "·" => "-",
            "…" => "~",
            "→" => ">",
            "§" => "s",
            _ => "?",
        };
        cell.set_symbol(plain);
    }
}

/// Writes pieces of text into a line, cut at its end; the rest of the line keeps its style.
fn put(buffer: &mut Buffer, area: Rect, y: u16, cells: &[(String, Style)], dots: &str) {
    if y >= area.bottom() || area.width == 0 {
        return;
    }
    let end = area.right();
    let mut x = area.x;
    let mut last = None;
    for (text, style) in cells {
        for c in text.chars() {
            // Control characters never come so far, but a terminal must not get one by mistake.
            let c = if c.is_control() { ' ' } else { c };
            let width = u16::try_from(c.width().unwrap_or(0)).unwrap_or(0);
            if width == 0 {
                combine(buffer, last, c);
                continue;
            }
            if x + width > end {
                if let Some(cell) = buffer.cell_mut((end - 1, y)) {
                    cell.set_symbol(dots);
                }
                return;
            }
            if let Some(cell) = buffer.cell_mut((x, y)) {
                cell.set_char(c).set_style(*style);
            }
            last = Some((x, y));
            x += width;
        }
    }
}

/// Bytes of a letter with its marks; a name may pile up thousands.
const MOST_MARKS: usize = 16;

/// A mark stands on the letter before it: names that differ in it must not look the same.
fn combine(buffer: &mut Buffer, last: Option<(u16, u16)>, mark: char) {
    let cell = last.and_then(|at| buffer.cell_mut(at));
    if let Some(cell) = cell.filter(|cell| cell.symbol().len() < MOST_MARKS) {
        let letter = format!("{}{mark}", cell.symbol());
        cell.set_symbol(&letter);
    }
}

fn style_line(buffer: &mut Buffer, area: Rect, y: u16, style: Style) {
    if y < area.bottom() {
        buffer.set_style(Rect::new(area.x, y, area.width, 1), style);
    }
}

fn styled(model: &Model, row: &Row) -> Vec<(String, Style)> {
    row.cells
        .iter()
        .map(|(text, ink)| (text.clone(), model.look.style(*ink)))
        .collect()
}

fn dots(model: &Model) -> &'static str {
    model.look.glyph(Glyph::Dots)
}

/// A view, its name, where that begins and ends.
type Span = (View, String, u16, u16);

/// Names of the views with their keys, and where each begins and ends: whole ones, short ones, or that of the view
/// that is shown, whatever there is room for.
fn tab_spans(model: &Model) -> Vec<Span> {
    let short = |view: View| match view {
        View::Registers => "Regs",
        view => view.name(),
    };
    let one = |view: View| if view == model.view { view.name() } else { "" };
    let names: [&dyn Fn(View) -> &'static str; 3] = [&View::name, &short, &one];
    let spans = names.map(spans);
    let room = model.screen.width;
    let fits = |spans: &&Vec<Span>| spans.last().is_none_or(|(.., end)| *end <= room);
    let chosen = spans.iter().find(fits).or(spans.last());
    chosen.cloned().unwrap_or_default()
}

/// Where the views stand with these names.
fn spans(name: &dyn Fn(View) -> &'static str) -> Vec<Span> {
    let mut x = 0;
    View::ALL
        .into_iter()
        .enumerate()
        .map(|(i, view)| {
            let text = format!(" {} ", format!("{} {}", i + 1, name(view)).trim_end());
            let from = x;
            x += u16::try_from(text.width()).unwrap_or(0);
            (view, text, from, x)
        })
        .collect()
}

/// The view whose name is at a column.
pub fn tab_at(model: &Model, column: u16) -> Option<View> {
    tab_spans(model)
        .into_iter()
        .find(|(.., from, to)| (*from..*to).contains(&column))
        .map(|(view, ..)| view)
}

fn tabs(model: &Model, buffer: &mut Buffer, area: Rect) {
    style_line(buffer, area, area.y, model.look.style(Ink::Tab));
    let mut cells = Vec::new();
    for (view, text, ..) in tab_spans(model) {
        let ink = if view == model.view {
            Ink::TabOn
        } else {
            Ink::Tab
        };
        cells.push((text, model.look.style(ink)));
    }
    put(buffer, area, area.y, &cells, dots(model));
    let used = tab_spans(model).last().map_or(0, |(.., to)| *to);
    let room = usize::from(area.width.saturating_sub(used + 1));
    let name = model.name.rsplit('/').next().unwrap_or(&model.name);
    let tail: String = if name.width() > room {
        String::new()
    } else {
        name.to_owned()
    };
    let at = area
        .right()
        .saturating_sub(u16::try_from(tail.width() + 1).unwrap_or(0));
    let right = Rect::new(
        at.max(area.x),
        area.y,
        area.right().saturating_sub(at.max(area.x)),
        area.height,
    );
    put(
        buffer,
        right,
        area.y,
        &[(tail, model.look.style(Ink::Tab))],
        dots(model),
    );
}

fn column(model: &Model, buffer: &mut Buffer, area: Rect) {
    let style = model.look.style(Ink::Dim);
    for y in area.top()..area.bottom() {
        put(
            buffer,
            area,
            y,
            &[(model.look.glyph(Glyph::Vertical).to_owned(), style)],
            "",
        );
    }
}

/// The first line of a list that is shown.
pub fn top_of(model: &Model, pane: usize) -> usize {
    let inside = model.inside(pane);
    let mut scroll = model.scroll(pane);
    let (len, _) = panes::list(model, pane, 0..0);
    scroll.fit(len, usize::from(inside.height));
    scroll.top
}

fn draw_pane(model: &Model, buffer: &mut Buffer, pane: usize, area: Rect) {
    if area.height == 0 || area.width == 0 {
        return;
    }
    let active = model.pane() == pane && model.overlay.is_none();
    let ink = if active { Ink::Active } else { Ink::Title };
    let line = model.look.glyph(Glyph::Horizontal);
    let title = panes::title(model, pane);
    let title = if title.is_empty() {
        String::new()
    } else {
        format!(" {title} ")
    };
    let fill = usize::from(area.width).saturating_sub(title.width() + 1);
    let lead = if active {
        if model.look.ascii { ">" } else { "▶" }
    } else {
        line
    };
    let cells = [
        (lead.to_owned(), model.look.style(ink)),
        (title, model.look.style(ink)),
        (line.repeat(fill), model.look.style(Ink::Dim)),
    ];
    put(buffer, area, area.y, &cells, dots(model));
    if let Some(why) = panes::failed(model, pane) {
        let why = [Row::new(escape(why.as_bytes()), Ink::Bad)];
        wrap_only(model, buffer, model.inside(pane), &why);
    } else if panes::is_hex(model, pane) {
        draw_hex(model, buffer, pane, active);
    } else {
        draw_list(model, buffer, pane, active);
    }
}

fn draw_list(model: &Model, buffer: &mut Buffer, pane: usize, active: bool) {
    let inside = model.inside(pane);
    let height = usize::from(inside.height);
    let top = top_of(model, pane);
    let (len, rows) = panes::list(model, pane, top..top + height);
    let cursor = model.scroll(pane).cursor.min(len.saturating_sub(1));
    // The bar lies over the last column; what is cut says so before it.
    let text = Rect {
        width: inside.width.saturating_sub(u16::from(len > height)),
        ..inside
    };
    for (i, row) in rows.iter().take(height).enumerate() {
        let y = inside.y + u16::try_from(i).unwrap_or(0);
        put(buffer, text, y, &styled(model, row), dots(model));
        if top + i == cursor && len > 0 {
            let ink = if active { Ink::Cursor } else { Ink::Rest };
            if active || pane == 0 || model.view == View::Records {
                style_line(buffer, inside, y, model.look.style(ink));
            }
        }
    }
    if rows.iter().len() == 1 && len == 1 {
        wrap_only(model, buffer, inside, &rows);
    }
    scrollbar(model, buffer, inside, top, len);
}

/// A message that does not fit is broken into lines when nothing else is in the pane.
fn wrap_only(model: &Model, buffer: &mut Buffer, inside: Rect, rows: &[Row]) {
    let Some([(text, ink)]) = rows.first().map(|row| &row.cells[..]) else {
        return;
    };
    for (i, line) in wrapped(text, usize::from(inside.width))
        .into_iter()
        .enumerate()
    {
        let y = inside.y + u16::try_from(i).unwrap_or(u16::MAX);
        let width = usize::from(inside.width);
        put(
            buffer,
            inside,
            y,
            &[(format!("{line:<width$}"), model.look.style(*ink))],
            dots(model),
        );
    }
}

/// Text in lines of at most `width` columns.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let mut line = String::new();
        for word in paragraph.split(' ') {
            if !line.is_empty() && line.width() + 1 + word.width() > width {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}

fn scrollbar(model: &Model, buffer: &mut Buffer, area: Rect, top: usize, len: usize) {
    let height = usize::from(area.height);
    if len <= height || height < 3 || area.width < 2 {
        return;
    }
    let size = (height * height / len).max(1);
    let at = top * (height - size) / (len - height).max(1);
    for i in at..(at + size).min(height) {
        let y = area.y + u16::try_from(i).unwrap_or(0);
        if let Some(cell) = buffer.cell_mut((area.right() - 1, y)) {
            cell.set_symbol(if model.look.ascii { "#" } else { "▐" })
                .set_style(model.look.style(Ink::Dim));
        }
    }
}

fn draw_hex(model: &Model, buffer: &mut Buffer, pane: usize, active: bool) {
    let inside = model.inside(pane);
    let Some(shown) = panes::hex(model, pane) else {
        return;
    };
    let lines = hex::lines(&shown.bytes, shown.start, shown.panels, model.look.ascii);
    let row = shown.panels * hex::PANEL;
    for (i, line) in lines.iter().enumerate() {
        let y = inside.y + u16::try_from(i).unwrap_or(u16::MAX);
        // hexyl's first column is its border; we have our own.
        let text: String = line.text.chars().skip(1).collect();
        put(buffer, inside, y, &[(text, Style::new())], dots(model));
        let address = Rect::new(inside.x, y, 9.min(inside.width), 1);
        if y < inside.bottom() {
            buffer.set_style(address, model.look.style(Ink::Address));
        }
    }
    let mut paint = |byte: u64, style: Style, symbol: Option<&str>| {
        let byte = usize::try_from(byte).unwrap_or(usize::MAX);
        let (Some(line), column) = (lines.get(byte / row), byte % row) else {
            return;
        };
        if column >= line.bytes {
            return;
        }
        let y = inside.y + u16::try_from(byte / row).unwrap_or(u16::MAX);
        let hex = line.hex_column(column);
        for x in [hex, hex + 1, line.char_column(column)] {
            let x = inside.x + u16::try_from(x - 1).unwrap_or(u16::MAX);
            if x < inside.right()
                && y < inside.bottom()
                && let Some(cell) = buffer.cell_mut((x, y))
            {
                cell.set_style(style);
                if let Some(symbol) = symbol {
                    cell.set_symbol(symbol);
                }
            }
        }
    };
    let all = shown.bytes.len() as u64;
    for (range, ink) in &shown.marks {
        let style = model.look.style(*ink);
        for byte in range.start..range.end.min(all) {
            paint(byte, style, None);
        }
    }
    // What nobody knows must not look like zeros.
    for byte in shown
        .unknown
        .iter()
        .flat_map(|range| range.start..range.end.min(all))
    {
        paint(
            byte,
            model.look.style(Ink::Dim),
            Some(model.look.glyph(Glyph::None)),
        );
    }
    if shown.cursor < all {
        let style = model
            .look
            .style(if active { Ink::Cursor } else { Ink::Mark });
        paint(
            shown.cursor,
            style.add_modifier(
                ratatui::style::Modifier::BOLD | ratatui::style::Modifier::UNDERLINED,
            ),
            None,
        );
    }
}

fn phase(model: &Model) -> (String, Ink) {
    match &model.phase {
        Phase::Opening => ("opening".to_owned(), Ink::Warn),
        Phase::Unpacking(bytes) => (
            format!("unpacking, {}; Esc stops", words::size(*bytes)),
            Ink::Warn,
        ),
        Phase::Indexing(at, Some(len)) if *len > 0 => {
            let percent = (u128::from(*at) * 100 / u128::from(*len)).min(100);
            (
                format!(
                    "indexing {percent} %, {} records; Esc stops",
                    model.index.len()
                ),
                Ink::Warn,
            )
        }
        Phase::Indexing(at, _) => (
            format!("indexing, {}; Esc stops", words::size(*at)),
            Ink::Warn,
        ),
        Phase::Modelling(records) => {
            let all = model.index.len().max(1);
            (
                format!(
                    "reading tasks {} %; Esc stops",
                    (records * 100 / all).min(100)
                ),
                Ink::Warn,
            )
        }
        Phase::Stopped => ("stopped; only what was read is shown".to_owned(), Ink::Warn),
        Phase::Failed(_) => ("cannot be read".to_owned(), Ink::Bad),
        Phase::Ready => (model.shown_as(), Ink::Status),
    }
}

/// Further completions that are shown behind the line.
const MOST_SHOWN: usize = 12;

fn status(model: &Model, buffer: &mut Buffer, area: Rect) {
    if area.height == 0 {
        return;
    }
    let bar = model.look.style(Ink::Status);
    style_line(buffer, area, area.y, bar);
    if let Some(prompt) = &model.prompt {
        let cells = [
            (prompt.sign().to_owned(), model.look.style(Ink::Key)),
            (prompt.text.clone(), bar),
        ];
        put(buffer, area, area.y, &cells, dots(model));
        let before: String = prompt.text.chars().take(prompt.cursor).collect();
        let x = area.x + u16::try_from(prompt.sign().width() + before.width()).unwrap_or(0);
        if let Some(cell) = buffer.cell_mut((x.min(area.right().saturating_sub(1)), area.y)) {
            cell.set_style(Style::new().add_modifier(ratatui::style::Modifier::REVERSED));
        }
        let choices = &prompt.choices.0;
        let rest = Rect::new(x + 1, area.y, area.right().saturating_sub(x + 1), 1);
        let dim = model.look.style(Ink::Dim);
        if let Some(hint) = prompt.hint().filter(|_| choices.len() < 2) {
            put(
                buffer,
                rest,
                area.y,
                &[(format!(" {hint}"), dim)],
                dots(model),
            );
        }
        if choices.len() > 1 {
            let others = choices.iter().cycle().skip(prompt.choices.1 + 1);
            let others: Vec<&str> = others
                .take((choices.len() - 1).min(MOST_SHOWN))
                .map(|choice| {
                    choice
                        .rsplit(' ')
                        .find(|word| !word.is_empty())
                        .unwrap_or(choice)
                })
                .collect();
            let text = format!(
                "  {} of {} · Tab: {}",
                prompt.choices.1 + 1,
                choices.len(),
                others.join(" ")
            );
            put(buffer, rest, area.y, &[(text, dim)], dots(model));
        }
        return;
    }
    let left = if let Some((text, ink)) = &model.message {
        (format!(" {text}"), *ink)
    } else {
        let (text, ink) = phase(model);
        let is_error = |f: &&Diagnostic| f.severity == Severity::Error;
        let errors = model.findings.iter().filter(is_error).count();
        if errors > 0 && ink == Ink::Status {
            (format!(" {text} · {}: 7", count(errors, "error")), Ink::Bad)
        } else {
            (format!(" {text}"), ink)
        }
    };
    let style = model.look.style(left.1);
    let style = if model.look.style(Ink::Status).bg.is_some() && style.bg.is_none() {
        bar.patch(style)
    } else {
        style
    };
    put(
        buffer,
        area,
        area.y,
        &[(left.0.clone(), style)],
        dots(model),
    );
    let room = usize::from(area.width).saturating_sub(left.0.width() + 2);
    let (hints, width) = hints(model, room);
    let x = area.right() - u16::try_from(width).unwrap_or(0);
    let rest = Rect::new(x, area.y, area.right() - x, 1);
    put(buffer, rest, area.y, &hints, dots(model));
}

/// Keys that are of use in the view, as many as there is room for, and the room they take; help and quit are the last
/// to go.
fn hints(model: &Model, room: usize) -> (Vec<(String, Style)>, usize) {
    let (key, text) = (model.look.style(Ink::Key), model.look.style(Ink::Status));
    let key = if text.bg.is_some() {
        text.patch(key)
    } else {
        key
    };
    let here: &[(Action, &str)] = match model.view {
        View::Records => &[
            (Action::Fold, "fold"),
            (Action::Enter, "follow"),
            (Action::Filter, "filter"),
        ],
        View::Registers => &[
            (Action::NextTask, "next task"),
            (Action::Represent, "lanes"),
            (Action::Enter, "follow"),
        ],
        View::Memory => &[
            (Action::Goto, "go to"),
            (Action::Search, "search"),
            (Action::Disassemble, "code"),
        ],
        View::Tasks | View::Files => &[(Action::Enter, "follow"), (Action::Filter, "filter")],
        View::Compat => &[
            (Action::Enter, "evidence"),
            (Action::Command, "target NAME"),
        ],
        View::Problems => &[(Action::Enter, "to the bytes")],
        View::Diff => &[(Action::Enter, "to the place")],
    };
    let everywhere = [
        (Action::NextPane, "pane"),
        (Action::Help, "help"),
        (Action::Quit, "quit"),
    ];
    let mut cells = Vec::new();
    let mut used = 0;
    for (action, what) in here.iter().chain(&everywhere).rev() {
        let keys = model.keys.keys_of(*action);
        let Some(name) = keys.first() else { continue };
        let what = format!(" {what}  ");
        used += name.width() + what.width();
        if used > room {
            used -= name.width() + what.width();
            break;
        }
        cells.push((what, text));
        cells.push(((*name).to_owned(), key));
    }
    cells.reverse();
    (cells, used)
}

/// A box in the middle of the screen; returns its inside.
fn boxed(model: &Model, buffer: &mut Buffer, title: &str, width: u16, height: u16) -> Rect {
    let screen = model.screen;
    let (width, height) = (width.min(screen.width), height.min(screen.height));
    let area = Rect::new(
        (screen.width - width) / 2,
        (screen.height - height) / 2,
        width,
        height,
    );
    if width < 4 || height < 3 {
        return Rect::default();
    }
    let style = model.look.style(Ink::Active);
    let (corners, across, down) = if model.look.ascii {
        ("++++", "-", "|")
    } else {
        ("╭╮╰╯", "─", "│")
    };
    let corner = |i: usize| corners.chars().nth(i).map(String::from).unwrap_or_default();
    let inner = usize::from(width) - 2;
    for y in area.top()..area.bottom() {
        let text = if y == area.top() {
            let title = format!(" {title} ");
            format!(
                "{}{title}{}{}",
                corner(0),
                across.repeat(inner.saturating_sub(title.width())),
                corner(1)
            )
        } else if y + 1 == area.bottom() {
            format!("{}{}{}", corner(2), across.repeat(inner), corner(3))
        } else {
            format!("{down}{}{down}", " ".repeat(inner))
        };
        style_line(buffer, area, y, Style::reset());
        put(buffer, area, y, &[(text, style)], "");
    }
    Rect::new(area.x + 2, area.y + 1, width - 4, height - 2)
}

/// Columns of the help, if there is room for them, and of the keys in it.
const HELP: u16 = 96;
const KEYS: usize = 26;

/// Keys and what they do, in lines that fit; what goes on in a further line has blank keys, a heading has none.
fn help_lines(model: &Model) -> Vec<(String, String)> {
    let inside = usize::from(HELP.min(model.screen.width).saturating_sub(4));
    // A blank behind the keys, and the scrollbar.
    let room = inside.saturating_sub(KEYS + 2).max(1);
    let lines = command::help(model).into_iter().flat_map(|(keys, text)| {
        let lines = wrapped(&text, room).into_iter().enumerate();
        lines.map(move |(i, line)| {
            let further = i > 0 && !keys.is_empty();
            let keys = if further { " " } else { &keys };
            (keys.to_owned(), line)
        })
    });
    lines.collect()
}

/// How many lines the help has, and how many of them are shown at once.
pub fn help_extent(model: &Model) -> (usize, usize) {
    let room = usize::from(model.screen.height.saturating_sub(2)).max(1);
    (help_lines(model).len(), room)
}

fn help(model: &Model, buffer: &mut Buffer, top: usize) {
    let lines = help_lines(model);
    let (len, room) = (lines.len(), help_extent(model).1);
    let top = top.min(len.saturating_sub(room));
    let title = format!(
        "Keys · {}-{} of {len} · Esc, q or ? closes",
        (top + 1).min(len),
        (top + room).min(len)
    );
    let height = u16::try_from(len + 2).unwrap_or(u16::MAX);
    let inside = boxed(model, buffer, &title, HELP, height);
    let shown = usize::from(inside.height);
    scrollbar(model, buffer, inside, top, len);
    for (i, (keys, text)) in lines.iter().skip(top).take(shown).enumerate() {
        let y = inside.y + u16::try_from(i).unwrap_or(0);
        let cells = if keys.is_empty() {
            vec![(text.clone(), model.look.style(Ink::Title))]
        } else {
            vec![
                (format!("{keys:<KEYS$} "), model.look.style(Ink::Key)),
                (text.clone(), Style::new()),
            ]
        };
        put(buffer, inside, y, &cells, dots(model));
    }
}

fn bookmarks(model: &Model, buffer: &mut Buffer, at: usize) {
    let height = u16::try_from(model.bookmarks.len().max(1) + 2).unwrap_or(u16::MAX);
    let inside = boxed(model, buffer, "Bookmarks · Enter goes there", 70, height);
    if model.bookmarks.is_empty() {
        put(
            buffer,
            inside,
            inside.y,
            &[("None yet; m puts one.".to_owned(), Style::new())],
            "",
        );
    }
    let top = (at + 1).saturating_sub(usize::from(inside.height));
    for (i, place) in model
        .bookmarks
        .iter()
        .enumerate()
        .skip(top)
        .take(usize::from(inside.height))
    {
        let y = inside.y + u16::try_from(i - top).unwrap_or(0);
        put(
            buffer,
            inside,
            y,
            &[(describe(model, place), Style::new())],
            dots(model),
        );
        if i == at {
            style_line(buffer, inside, y, model.look.style(Ink::Cursor));
        }
    }
}

fn tour_page(model: &Model, buffer: &mut Buffer, page: usize) {
    let Some((title, text)) = tour::PAGES.get(page) else {
        return;
    };
    let title = format!(
        "{title} · {} of {} · Enter: next · Esc: end",
        page + 1,
        tour::PAGES.len()
    );
    let lines = wrapped(text, 60);
    let inside = boxed(
        model,
        buffer,
        &title,
        66,
        u16::try_from(lines.len() + 2).unwrap_or(20),
    );
    for (i, line) in lines.into_iter().enumerate() {
        let y = inside.y + u16::try_from(i).unwrap_or(0);
        put(buffer, inside, y, &[(line, Style::new())], dots(model));
    }
}
