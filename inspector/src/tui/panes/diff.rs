//! Diff: what two images do not have in common, side by side.

use super::{cut, cut_wrapped};
use crate::diff::{Change, Diff, LINE, Line, Where};
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

/// Columns of the group and of what has changed.
const GROUP: usize = 9;
const WHAT: usize = 24;

fn row(model: &Model, change: &Change) -> Row {
    let room = usize::from(model.inside(0).width).saturating_sub(GROUP + WHAT + 5) / 2;
    let dots = if model.look.ascii { "." } else { "…" };
    let side = |text: &str| {
        let text = if text.is_empty() { "-" } else { text };
        let mut cut: String = text.chars().take(room).collect();
        if cut.len() < text.len() && cut.pop().is_some() {
            cut.push_str(dots);
        }
        cut
    };
    let mut row = Row::new(format!("{:<GROUP$}", change.group.name()), Ink::Dim)
        .and(format!("{:<WHAT$} ", change.what), Ink::Name)
        .and(format!("{:<room$} ", side(&change.left)), Ink::Bad)
        .and(format!("{} ", model.look.glyph(Glyph::Vertical)), Ink::Dim)
        .and(side(&change.right), Ink::Good);
    row.link = link(change);
    row
}

fn about(model: &Model) -> Vec<Row> {
    let Some(Ok(diff)) = &model.diff.diff else {
        return Vec::new();
    };
    let line = model.line(View::Diff, 0);
    let Some(change) = line.and_then(|line| diff.changes.get(line)) else {
        return Vec::new();
    };
    let mut rows = vec![
        Row::pair(change.group.name(), change.what.clone(), Ink::Name),
        Row::pair("first", change.left.clone(), Ink::Bad),
        Row::pair("second", change.right.clone(), Ink::Good),
        Row::pair("compared", crate::words::size(diff.compared), Ink::Dim),
    ];
    rows.extend(
        change
            .lines
            .iter()
            .flat_map(|line| memory(model, change, line)),
    );
    if let Some(link) = link(change) {
        rows.push(Row::new("Enter shows the place in the first image", Ink::Link).link(link));
    }
    rows
}

/// Bytes of both sides, those that differ in colour: side by side where there is room, else one above the other.
fn memory(model: &Model, change: &Change, line: &Line) -> Vec<Row> {
    let side = |bytes: &[u8; LINE], other: &[u8; LINE], ink: Ink, mut row: Row| {
        let inks = || {
            bytes
                .iter()
                .zip(other)
                .map(|(own, other)| if own == other { Ink::Dim } else { ink })
        };
        for (byte, ink) in bytes.iter().zip(inks()) {
            row = row.and(format!("{byte:02x} "), ink);
        }
        row = row.and(" ", Ink::Dim);
        for (byte, ink) in bytes.iter().zip(inks()) {
            let letter = if (0x20..0x7f).contains(byte) {
                char::from(*byte)
            } else {
                '.'
            };
            row = row.and(letter.to_string(), ink);
        }
        row
    };
    let wide = usize::from(model.inside(1).width) > 2 * (LINE * 4 + 2) + 10;
    let address = Row::new(format!("{:08x} ", line.addr), Ink::Address);
    let left = side(&line.left, &line.right, Ink::Bad, address);
    let mut rows = if wide {
        let between = left.and(format!(" {} ", model.look.glyph(Glyph::Vertical)), Ink::Dim);
        vec![side(&line.right, &line.left, Ink::Good, between)]
    } else {
        let below = Row::new(" ".repeat(9), Ink::Dim);
        vec![left, side(&line.right, &line.left, Ink::Good, below)]
    };
    if let Some(Where::Address(mm, _)) = change.place {
        for row in &mut rows {
            row.link = Some(Link::Address(mm, line.addr));
        }
    }
    rows
}
