//! What the panes hold: one file per view. Panes are lists of [`Row`]s, but for two that show bytes.

pub mod compat;
pub mod diff;
pub mod files;
pub mod memory;
pub mod problems;
pub mod records;
pub mod registers;
pub mod tasks;

use super::layout::View;
use super::look::Ink;
use super::model::{Model, Row};
use super::worker::{Data, Want};
use ckpt_parser::text::escape;
use std::ops::Range;
use unicode_width::UnicodeWidthStr;

/// The number of lines of a pane, and those in `range`.
pub fn list(model: &Model, pane: usize, range: Range<usize>) -> (usize, Vec<Row>) {
    if let Some(passing) = model.passing(model.view, pane) {
        let lines = passing.get(range.start.min(passing.len())..range.end.min(passing.len()));
        let row = |line: &usize| all(model, pane, *line..*line + 1).1.into_iter().next();
        return (
            passing.len(),
            lines.unwrap_or_default().iter().filter_map(row).collect(),
        );
    }
    all(model, pane, range)
}

/// The same, whatever the filter says.
pub fn all(model: &Model, pane: usize, range: Range<usize>) -> (usize, Vec<Row>) {
    match model.view {
        View::Records => records::list(model, pane, range),
        View::Tasks => tasks::list(model, pane, range),
        View::Registers => registers::list(model, pane, range),
        View::Memory => memory::list(model, pane, range),
        View::Files => files::list(model, pane, range),
        View::Compat => compat::list(model, pane, range),
        View::Problems => problems::list(model, pane, range),
        View::Diff => diff::list(model, pane, range),
    }
}

/// The title of a pane: first the filter, so that nobody takes what is left for all.
pub fn title(model: &Model, pane: usize) -> String {
    let title = name(model, pane);
    match model.filter(pane) {
        Some(word) => format!("filter: {} · {title}", escape(word.as_bytes())),
        None => title,
    }
}

fn name(model: &Model, pane: usize) -> String {
    match model.view {
        View::Records => records::title(model, pane),
        View::Tasks => tasks::title(model, pane),
        View::Registers => registers::title(model, pane),
        View::Memory => memory::title(model, pane),
        View::Files => files::title(model, pane),
        View::Compat => compat::title(model, pane),
        View::Problems => problems::title(model, pane),
        View::Diff => diff::title(model, pane),
    }
}

/// What the screen needs from the image.
pub fn wants(model: &Model, wants: &mut Vec<Want>) {
    match model.view {
        View::Records => records::wants(model, wants),
        View::Tasks => tasks::wants(model, wants),
        View::Registers => registers::wants(model, wants),
        View::Memory => memory::wants(model, wants),
        View::Files => files::wants(model, wants),
        View::Compat | View::Problems | View::Diff => {}
    }
}

/// Why a pane has nothing to show, if that could not be read.
pub fn failed(model: &Model, pane: usize) -> Option<&str> {
    let want = match (model.view, pane) {
        (View::Records, 1) => Want::Fields(model.at(model.record()?)?),
        (View::Records, 2) => records::hex_want(model)?.0,
        (View::Memory, 2) => memory::bytes_want(model)?,
        _ => return None,
    };
    match model.data(&want)? {
        Data::Failed(why) => Some(why),
        _ => None,
    }
}

/// Bytes that a pane shows as such.
pub struct Hex {
    /// The bytes; fewer than wanted while they are not there yet.
    pub bytes: Vec<u8>,
    /// Offset or address of the first.
    pub start: u64,
    /// The byte under the cursor, from `start`.
    pub cursor: u64,
    /// Panels of a row.
    pub panels: usize,
    /// Stretches that are painted, from `start`; later ones lie on top.
    pub marks: Vec<(Range<u64>, Ink)>,
    /// Stretches whose bytes nobody knows.
    pub unknown: Vec<Range<u64>>,
}

/// The bytes of a pane, if it shows bytes.
pub fn hex(model: &Model, pane: usize) -> Option<Hex> {
    match (model.view, pane) {
        (View::Records, 2) => records::hex(model),
        (View::Memory, 2) => memory::hex(model),
        _ => None,
    }
}

/// Whether a pane shows bytes.
pub fn is_hex(model: &Model, pane: usize) -> bool {
    match (model.view, pane) {
        (View::Records, 2) => true,
        (View::Memory, 2) => model.code == super::model::Code::Bytes,
        _ => false,
    }
}

/// Whether the cursor of a pane is an address: it shows bytes, or code.
pub fn is_bytes(model: &Model, pane: usize) -> bool {
    is_hex(model, pane) || (model.view == View::Memory && pane == 2)
}

/// The lines in a range of those that are at hand.
pub fn cut(rows: Vec<Row>, range: Range<usize>) -> (usize, Vec<Row>) {
    let len = rows.len();
    let rows = rows
        .into_iter()
        .skip(range.start)
        .take(range.len())
        .collect();
    (len, rows)
}

/// The same for lines that are broken where the pane ends.
pub fn cut_wrapped(
    model: &Model,
    pane: usize,
    rows: Vec<Row>,
    range: Range<usize>,
) -> (usize, Vec<Row>) {
    let width = usize::from(model.inside(pane).width).saturating_sub(1);
    cut(
        rows.into_iter()
            .flat_map(|row| wrapped(row, width))
            .collect(),
        range,
    )
}

/// Spaces before the second and further lines of a broken one; a sentence has none.
const INDENT: usize = 7;

/// Breaks a line between words; every piece follows the same link.
fn wrapped(row: Row, width: usize) -> Vec<Row> {
    let long: usize = row.cells.iter().map(|(text, _)| text.width()).sum();
    if long <= width || width < 2 * INDENT {
        return vec![row];
    }
    let sentence = matches!(&row.cells[..], [(text, _)] if !text.starts_with(' '));
    let indent = if sentence { 0 } else { INDENT };
    let mut lines = vec![Row {
        cells: Vec::new(),
        link: row.link,
    }];
    let mut used = 0;
    for (text, ink) in row.cells {
        for word in text.split_inclusive(' ') {
            if used > indent && used + word.trim_end().width() > width {
                let broken = lines.last_mut().and_then(|line| line.cells.last_mut());
                if let Some((text, _)) = broken {
                    text.truncate(text.trim_end().len());
                }
                lines.push(Row::new(" ".repeat(indent), Ink::Dim));
                used = indent;
            }
            used += word.width();
            if let Some(last) = lines.last_mut() {
                last.cells.push((word.to_owned(), ink));
                last.link = row.link;
            }
        }
    }
    lines
}

/// A line that says why there is nothing yet.
pub fn pending(model: &Model) -> Vec<Row> {
    use super::model::Phase;
    let text = match &model.phase {
        Phase::Failed(why) => return vec![Row::new(why.clone(), Ink::Bad)],
        Phase::Stopped => "Stopped. What was read until then is in Records.",
        Phase::Ready => "Nothing.",
        _ => "Reading the image; this view comes when all records are read.",
    };
    vec![Row::new(text, Ink::Dim)]
}

/// The same in the first pane of a view; the others are empty.
pub fn cut_pending(model: &Model, pane: usize, range: Range<usize>) -> (usize, Vec<Row>) {
    if pane == 0 {
        cut(pending(model), range)
    } else {
        (0, Vec::new())
    }
}

/// Bytes of an answer.
pub fn bytes_of<'a>(model: &'a Model, want: &Want) -> Option<&'a [u8]> {
    match model.data(want)? {
        Data::Bytes(bytes) | Data::Memory(bytes, ..) => Some(bytes),
        _ => None,
    }
}
