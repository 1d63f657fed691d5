//! Diff: what two images do not have in common, side by side.

use super::{cut, cut_wrapped};
use crate::diff::{Change, Diff, Where};
use crate::tui::layout::View;
use crate::tui::look::{Glyph, Ink};
use crate::tui::model::{Link, Model, Row};
use ckpt_parser::text::count;
use std::ops::Range;

/// The comparison.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// Name of the second image, safe to show.
    pub other: Option<String>,
    /// What was found; `None` while it is being compared.
    pub diff: Option<Result<Diff, String>>,
}

/// The comparison is done.
pub fn compared(model: &mut Model, diff: Result<Diff, String>) {
    model.diff.diff = Some(diff);
}

/// Lines of a pane.
pub fn list(model: &Model, pane: usize, range: Range<usize>) -> (usize, Vec<Row>) {
    if pane == 1 {
        return cut_wrapped(model, 1, about(model), range);
    }
    let text = match (&model.diff.other, &model.diff.diff) {
        (None, _) => "No second image. :diff FILE compares with one.".to_owned(),
        (Some(other), None) => format!("Comparing with {other}…"),
        (Some(_), Some(Err(why))) => why.clone(),
        (Some(_), Some(Ok(diff))) if diff.changes.is_empty() => "The images are equal.".to_owned(),
        (Some(_), Some(Ok(diff))) => {
            let rows = diff.changes.iter().skip(range.start).take(range.len());
            return (
                diff.changes.len(),
                rows.map(|change| row(model, change)).collect(),
            );
        }
    };
    cut(vec![Row::new(text, Ink::Dim)], range)
}

/// Title of a pane.
pub fn title(model: &Model, pane: usize) -> String {
    match (pane, &model.diff.other, &model.diff.diff) {
        (0, Some(other), Some(Ok(diff))) => {
            format!(
                "{} · {} | {other}",
                count(diff.changes.len(), "difference"),
                model.name
            )
        }
        (0, Some(other), _) => format!("{} | {other}", model.name),
        (0, None, _) => "Differences".to_owned(),
        _ => "Both sides".to_owned(),
    }
}

fn link(change: &Change) -> Option<Link> {
    change.place.map(|place| match place {
        Where::Record(record) => Link::Record(record, 0),
        Where::Address(mm, addr) => Link::Address(mm, addr),
    })
}

fn row(model: &Model, change: &Change) -> Row {
    let room = usize::from(model.inside(0).width).saturating_sub(36) / 2;
    let side = |text: &str| {
        let text = if text.is_empty() { "-" } else { text };
        let cut: String = text.chars().take(room).collect();
        format!("{cut:<room$} ")
    };
    let mut row = Row::new(format!("{:<9}", change.group.name()), Ink::Dim)
        .and(format!("{:<24} ", change.what), Ink::Name)
        .and(side(&change.left), Ink::Bad)
        .and(model.look.glyph(Glyph::Vertical), Ink::Dim)
        .and(side(&change.right), Ink::Good);
    row.link = link(change);
    row
}

fn about(model: &Model) -> Vec<Row> {
    let cursor = model.lists[View::Diff as usize][0].cursor;
    let Some(Ok(diff)) = &model.diff.diff else {
        return Vec::new();
    };
    let line = match &model.passing {
        Some((View::Diff, lines)) => lines.get(cursor).copied().unwrap_or(usize::MAX),
        _ => cursor,
    };
    let Some(change) = diff.changes.get(line) else {
        return Vec::new();
    };
    let mut rows = vec![
        Row::pair(change.group.name(), change.what.clone(), Ink::Name),
        Row::pair("first", change.left.clone(), Ink::Bad),
        Row::pair("second", change.right.clone(), Ink::Good),
        Row::pair("compared", crate::tui::words::size(diff.compared), Ink::Dim),
    ];
    if let Some(link) = link(change) {
        rows.push(Row::new("Enter shows the place in the first image", Ink::Link).link(link));
    }
    rows
}
