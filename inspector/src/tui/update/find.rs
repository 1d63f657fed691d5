//! Search and filter.

use super::{MOST_LINES, files, memory, panes, remember, say, select_record, set_cursor};
use crate::pattern::Pattern;
use crate::tui::layout::View;
use crate::tui::look::Ink;
use crate::tui::model::{Filter, Model, Passing, Row, Search};
use crate::tui::prompt::{For, Prompt};
use crate::tui::search::Domain;
use crate::tui::worker::Request;

/// The pane of the view that is filtered or would be: the first, which is the list, but in Compat whichever has the keys.
fn filter_pane(model: &Model) -> usize {
    if model.view == View::Compat {
        model.pane()
    } else {
        0
    }
}

/// Types a filter, or changes that of the pane.
pub(super) fn ask_filter(model: &mut Model) {
    let pane = filter_pane(model);
    let now = model.filter(pane).unwrap_or_default().to_owned();
    model.unfiltered = selected(model, pane);
    model.prompt = Some(Prompt::new(For::Filter, &now));
}

/// The line that is selected in a pane, counted without the filter; in Records the record.
fn selected(model: &Model, pane: usize) -> usize {
    match (model.view, pane) {
        (View::Records, _) => usize::try_from(model.record().unwrap_or(0)).unwrap_or(0),
        // There the chosen target is what is looked at, wherever the cursor is among those that pass.
        (View::Compat, 0) => model.compat.chosen,
        (view, pane) => model.line(view, pane).unwrap_or(0),
    }
}

/// Whether a pane of the view is filtered.
pub(super) fn is_filtered(model: &Model) -> bool {
    (0..model.view.panes()).any(|pane| model.filter(pane).is_some())
}

/// Shows only lines with a word; those of all other panes of the view, and without a word those of all.
pub fn set_filter(model: &mut Model, word: &str) {
    let view = model.view;
    let old = model.filters[view as usize].as_ref();
    let old = old.map(|filter| filter.pane);
    let mut pane = filter_pane(model);
    match old {
        Some(old) if word.is_empty() => pane = old,
        Some(old) if old != pane => set_filter(model, ""),
        _ => {}
    }
    let typing = model.prompt.as_ref();
    let line = match typing.filter(|prompt| prompt.kind == For::Filter) {
        Some(_) => model.unfiltered,
        None => selected(model, pane),
    };
    if view == View::Records {
        let record = line as u64;
        model.index.set_filter(Some(word.to_owned()));
        if word.is_empty() {
            model.index.reveal(record);
        }
        let row = usize::try_from(model.index.row_of(record)).unwrap_or(0);
        model.scroll_mut(View::Records, 0).cursor = row;
        return;
    }
    let word = word.to_lowercase();
    model.filters[view as usize] = (!word.is_empty()).then_some(Filter { word, pane });
    refilter(model);
    let row = model.row_of(view, pane, line).unwrap_or(0);
    model.scroll_mut(view, pane).cursor = row;
}

/// Finds the lines that the filter of the view lets pass.
pub(super) fn refilter(model: &mut Model) {
    model.passing = None;
    let view = model.view;
    let Some(Filter { word, pane }) = model.filters[view as usize].clone() else {
        return;
    };
    let (_, rows) = panes::all(model, pane, 0..MOST_LINES);
    let rows = rows.iter().enumerate();
    let passes = rows.filter(|(_, row)| has_text(row, &word));
    let lines = passes.map(|(line, _)| line).collect();
    model.passing = Some(Passing { view, pane, lines });
}

/// Starts a search: in the bytes of the image, in memory, or in the lines of a list.
pub fn search(model: &mut Model, text: &str) -> Option<Request> {
    let text = if text.is_empty() {
        model.search.text.clone()
    } else {
        text.to_owned()
    };
    let domain = match model.view {
        View::Records => Some(Domain::Image),
        View::Memory => model.current_mm().map(|(number, _)| Domain::Memory(number)),
        View::Files => Some(Domain::Buffers),
        _ => None,
    };
    if let (View::Memory, None, Some(task)) = (model.view, domain, model.current_task()) {
        let text = format!(
            "{}: a zombie has no memory; t goes to the next task",
            task.pid
        );
        say(model, text, Ink::Warn);
        return None;
    }
    let mut found = Search {
        text: text.clone(),
        domain,
        ..Search::default()
    };
    let Some(domain) = domain else {
        found.over = true;
        model.search = found;
        next_match(model, false);
        return None;
    };
    match Pattern::parse(&text, model.order(), model.word()) {
        Ok(pattern) => {
            found.len = pattern.bytes.len() as u64;
            model.search = found;
            // What the lines say needs no search of what waits behind them.
            model.search.shown = domain == Domain::Buffers && next_line(model, false);
            Some(Request::Search(domain, pattern))
        }
        Err(why) => {
            say(model, why, Ink::Bad);
            None
        }
    }
}

/// The next match; in the memory of another process than the one that was searched, its first.
pub(super) fn again(model: &mut Model, back: bool) -> Option<Request> {
    let here = model.current_mm().map(|(number, _)| Domain::Memory(number));
    let in_memory = model.view == View::Memory && !model.search.text.is_empty();
    if in_memory && model.search.domain != here {
        return search(model, "");
    }
    next_match(model, back);
    None
}

pub(super) fn next_match(model: &mut Model, back: bool) {
    if model.search.text.is_empty() {
        return say(model, "/ searches", Ink::Dim);
    }
    if matches!(model.search.domain, None | Some(Domain::Buffers)) {
        if !next_line(model, back) {
            not_found(model);
        }
        return;
    }
    let here = position(model);
    let hits = &model.search.hits;
    let at = if back {
        let before = hits.partition_point(|hit| *hit < here);
        before.checked_sub(1).or_else(|| hits.len().checked_sub(1))
    } else {
        let after = hits.partition_point(|hit| *hit <= here);
        if after < hits.len() {
            Some(after)
        } else {
            Some(0).filter(|_| !hits.is_empty())
        }
    };
    show_match(model, at);
}

/// Offset or address of the cursor, in the domain of the search.
fn position(model: &Model) -> u64 {
    match model.search.domain {
        Some(Domain::Image) => {
            let start = model
                .record()
                .and_then(|record| model.at(record))
                .map_or(0, |at| at.offset);
            start + model.byte
        }
        _ => model.addr,
    }
}

/// A search of memory looks at one process: it says so where there are others.
fn not_here(model: &Model) -> String {
    let others = model
        .image
        .as_ref()
        .is_some_and(|image| image.mms.len() > 1);
    let next = if others {
        " (only it was searched; t n: the next)"
    } else {
        ""
    };
    format!("Not found in this process: {}{next}", model.search.text)
}

fn not_found(model: &mut Model) {
    let text = if model.search.over {
        let place = match model.search.domain {
            Some(Domain::Memory(_)) => return say(model, not_here(model), Ink::Warn),
            None | Some(Domain::Buffers) if model.phase.is_reading() => {
                "Not found yet, the image is still being read"
            }
            None => "Not found in this pane",
            _ => "Not found",
        };
        format!("{place}: {}", model.search.text)
    } else {
        "Searching…".to_owned()
    };
    say(model, text, Ink::Warn);
}

fn show_match(model: &mut Model, at: Option<usize>) {
    let Some((at, hit)) = at.and_then(|at| Some((at, *model.search.hits.get(at)?))) else {
        return not_found(model);
    };
    remember(model);
    if let Some(Domain::Memory(mm)) = model.search.domain {
        model.view = View::Memory;
        model.focus[View::Memory as usize] = 2;
        model.mm = mm;
        memory::show(model, hit);
    } else {
        model.view = View::Records;
        if let Some(record) = model.index.record_at(hit) {
            let start = model
                .index
                .get(record)
                .map_or(0, crate::tui::index::Entry::offset);
            select_record(model, record, hit - start);
        }
    }
    model.search.told = at + 1;
    tell_match(model, model.search.hits.len(), "");
}

/// Says which of how many matches is shown, and more about it.
fn tell_match(model: &mut Model, count: usize, more: &str) {
    let Search {
        told, over, text, ..
    } = &model.search;
    let open = if *over { "" } else { "+" };
    let message = format!("{MATCH}{told} of {count}{open} for {text}{more}");
    say(model, message, Ink::Normal);
}

/// How the number of a match begins.
const MATCH: &str = "Match ";

/// The search is over: the number of matches that was told is not the last word.
pub(super) fn recount(model: &mut Model) {
    let message = model.message.as_ref();
    if !message.is_some_and(|(text, _)| text.starts_with(MATCH)) {
        return;
    }
    if matches!(model.search.domain, None | Some(Domain::Buffers)) {
        let lines = lines_found(model);
        tell_line(model, &lines);
    } else {
        tell_match(model, model.search.hits.len(), "");
    }
}

/// Lines of the pane that have the text, or behind which it waits.
fn lines_found(model: &Model) -> Vec<usize> {
    let pane = model.pane();
    let (count, rows) = panes::list(model, pane, 0..MOST_LINES);
    let waits = |line| model.view == View::Files && pane == 0 && files::holds_match(model, line);
    let word = model.search.text.to_lowercase();
    let says = |line| rows.get(line).is_some_and(|row| has_text(row, &word));
    let lines = 0..count.min(MOST_LINES);
    lines.filter(|line| says(*line) || waits(*line)).collect()
}

fn has_text(row: &Row, word: &str) -> bool {
    row.text().to_lowercase().contains(word)
}

/// Goes to the next line that has the text, or behind which it waits; false if there is none.
fn next_line(model: &mut Model, back: bool) -> bool {
    let pane = model.pane();
    let cursor = model.scroll(pane).cursor;
    let lines = lines_found(model);
    let next = if back {
        let before = lines.iter().rfind(|line| **line < cursor);
        before.or(lines.last())
    } else {
        let after = lines.iter().find(|line| **line > cursor);
        after.or(lines.first())
    };
    let Some(line) = next.copied() else {
        return false;
    };
    set_cursor(model, pane, line);
    tell_line(model, &lines);
    true
}

/// Says which of the matching lines has the cursor.
fn tell_line(model: &mut Model, lines: &[usize]) {
    let pane = model.pane();
    let cursor = model.scroll(pane).cursor;
    let (_, rows) = panes::list(model, pane, cursor..cursor + 1);
    let word = model.search.text.to_lowercase();
    let said = rows.first().is_some_and(|row| has_text(row, &word));
    model.search.told = lines.partition_point(|line| *line <= cursor);
    let more = if said { "" } else { ", in what waits here" };
    tell_match(model, lines.len(), more);
}
