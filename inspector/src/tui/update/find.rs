//! Search and filter.

use super::{MOST_LINES, files, memory, panes, remember, say, select_record, set_cursor};
use crate::pattern::Pattern;
use crate::tui::layout::View;
use crate::tui::look::Ink;
use crate::tui::model::{Model, Row, Search};
use crate::tui::search::Domain;
use crate::tui::worker::Request;

pub(super) fn filter_of(model: &Model) -> Option<String> {
    if model.view == View::Records {
        return model.index.filter().map(str::to_owned);
    }
    model.filters[model.view as usize].clone()
}

/// Shows only lines with a word.
pub fn set_filter(model: &mut Model, word: &str) {
    if model.view == View::Records {
        let record = model.record().unwrap_or(0);
        model.index.set_filter(Some(word.to_owned()));
        let row = usize::try_from(model.index.row_of(record)).unwrap_or(0);
        model.scroll_mut(View::Records, 0).cursor = row;
        return;
    }
    let view = model.view;
    model.filters[view as usize] = Some(word.to_lowercase()).filter(|word| !word.is_empty());
    refilter(model);
    *model.scroll_mut(view, 0) = crate::tui::model::Scroll::default();
}

/// Finds the lines that the filter of the view lets pass.
pub(super) fn refilter(model: &mut Model) {
    model.passing = None;
    let view = model.view;
    let Some(word) = model.filters[view as usize].clone() else {
        return;
    };
    let (_, rows) = panes::all(model, 0, 0..MOST_LINES);
    let passes = |(_, row): &(usize, Row)| row.text().to_lowercase().contains(&word);
    model.passing = Some((
        view,
        rows.into_iter()
            .enumerate()
            .filter(passes)
            .map(|(i, _)| i)
            .collect(),
    ));
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

fn not_found(model: &mut Model) {
    let text = if model.search.over {
        let place = match model.search.domain {
            Some(Domain::Memory(_)) => "Not found in this process",
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
    let (count, more) = (
        model.search.hits.len(),
        if model.search.over { "" } else { "+" },
    );
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
    say(
        model,
        format!(
            "Match {} of {count}{more} for {}",
            at + 1,
            model.search.text
        ),
        Ink::Normal,
    );
}

/// Goes to the next line that has the text, or behind which it waits; false if there is none.
fn next_line(model: &mut Model, back: bool) -> bool {
    let pane = model.pane();
    let word = model.search.text.to_lowercase();
    let (count, rows) = panes::list(model, pane, 0..MOST_LINES);
    let cursor = model.scroll(pane).cursor;
    let says = |i: usize| {
        rows.get(i)
            .is_some_and(|row| row.text().to_lowercase().contains(&word))
    };
    let has = |i: &usize| {
        says(*i) || (model.view == View::Files && pane == 0 && files::holds_match(model, *i))
    };
    let found = if back {
        (0..cursor).rev().chain((cursor..count).rev()).find(has)
    } else {
        (cursor + 1..count)
            .chain(0..=cursor.min(count.saturating_sub(1)))
            .find(has)
    };
    let Some(line) = found else { return false };
    if !says(line) {
        let text = format!("{} is in what waits here", model.search.text);
        say(model, text, Ink::Normal);
    }
    set_cursor(model, pane, line);
    true
}
