//! Where one has been, and bookmarks.

use super::{memory, say, select_record, set_line};
use crate::tui::layout::View;
use crate::tui::look::Ink;
use crate::tui::model::{Model, Place};
use ckpt_parser::text::escape;

/// Remembers where we are, before going elsewhere.
pub fn remember(model: &mut Model) {
    let place = model.place();
    leave(model, place);
}

/// The same for a place that was left already.
pub fn leave(model: &mut Model, place: Place) {
    let (places, at) = &mut model.history;
    places.truncate(*at);
    if places.last() != Some(&place) {
        places.push(place);
    }
    if places.len() > MOST_PLACES {
        places.remove(0);
    }
    *at = places.len();
}

/// Places that are remembered.
const MOST_PLACES: usize = 500;

pub(super) fn step_history(model: &mut Model, forward: bool) {
    let here = model.place();
    let (places, at) = &mut model.history;
    if *at == places.len() && !forward {
        places.push(here);
    }
    let next = if forward { *at + 1 } else { at.wrapping_sub(1) };
    let Some(place) = places.get(next).cloned() else {
        return say(model, "That is all of the history", Ink::Dim);
    };
    *at = next;
    restore(model, &place);
}

pub(super) fn restore(model: &mut Model, place: &Place) {
    model.view = place.view;
    model.focus[place.view as usize] = place.pane;
    model.task = place.task;
    model.mm = place.mm;
    match place.view {
        View::Records => select_record(model, place.record, place.byte),
        View::Memory => memory::show(model, place.addr),
        view => set_line(model, view, place.line),
    }
}

pub(super) fn bookmark(model: &mut Model) {
    let place = model.place();
    if let Some(at) = model.bookmarks.iter().position(|mark| *mark == place) {
        model.bookmarks.remove(at);
        say(model, "Bookmark taken away", Ink::Normal);
    } else {
        model.bookmarks.push(place);
        let text = format!("Bookmark {}; ' lists them", model.bookmarks.len());
        say(model, text, Ink::Normal);
    }
}

/// Words for a place.
pub fn describe(model: &Model, place: &Place) -> String {
    let task = model
        .image
        .as_ref()
        .and_then(|image| image.tasks.get(place.task as usize));
    let task = task.map_or(String::new(), |task| {
        format!("{} {}", task.pid, escape(&task.comm))
    });
    match place.view {
        View::Records => {
            let title = model
                .index
                .get(place.record)
                .map_or(String::new(), crate::tui::index::Entry::title);
            format!("record {} {title} +{:#x}", place.record, place.byte)
        }
        View::Memory => format!("{task} memory {:#x}", place.addr),
        View::Registers => format!("{task} registers"),
        view => format!("{} line {}", view.name(), place.line + 1),
    }
}
