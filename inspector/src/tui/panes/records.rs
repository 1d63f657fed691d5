//! Records: outline of the stream, fields of a record, its bytes.

use super::{Hex, bytes_of, cut, pending};
use crate::detail::{Detail, Field, Kind, Target};
use crate::tui::hex::{PANEL, panels_for};
use crate::tui::layout::View;
use crate::tui::look::{Glyph, Ink};
use crate::tui::model::{Link, Model, Row};
use crate::tui::worker::{Data, Want};
use std::ops::Range;
use unicode_width::UnicodeWidthStr;

/// Lines of a pane.
pub fn list(model: &Model, pane: usize, range: Range<usize>) -> (usize, Vec<Row>) {
    match pane {
        0 if model.index.is_empty() => cut(pending(model), range),
        0 => {
            let window = model.index.window(range.start as u64, range.len());
            let rows = window
                .into_iter()
                .map(|record| outline(model, record))
                .collect();
            (model.index.rows() as usize, rows)
        }
        1 => match detail(model) {
            Some(detail) => {
                let len = detail.fields.len();
                let fields = detail.fields.iter().skip(range.start).take(range.len());
                let names = names_width(model, detail);
                let row = |field| field_row(model, field, names);
                (len, fields.map(row).collect())
            }
            None => (0, Vec::new()),
        },
        _ => (0, Vec::new()),
    }
}

/// Title of a pane.
pub fn title(model: &Model, pane: usize) -> String {
    match pane {
        0 => {
            let what = match model.foreign() {
                Some(_) => model.shown_as(),
                None => "Stream".to_owned(),
            };
            let all = model.index.len();
            match model.index.filter() {
                Some(_) => format!("{what} · {} of {all} records", model.index.rows()),
                None => format!("{what} · {all} records"),
            }
        }
        1 => match (model.record(), detail(model)) {
            (Some(record), Some(detail)) if !detail.c_name.is_empty() => {
                format!(
                    "Fields · record {record} · {} §{}",
                    detail.c_name,
                    detail.spec.trim_start_matches('§')
                )
            }
            (Some(record), _) => format!("Fields · record {record}"),
            _ => "Fields".to_owned(),
        },
        _ => {
            let field =
                current_field(model).map(|field| format!(" · {}: {}", field.name, field.doc));
            let of = model.foreign().map_or("", |_| " and offsets of the stream");
            format!("Bytes{of}{}", field.unwrap_or_default())
        }
    }
}

fn outline(model: &Model, record: u64) -> Row {
    let Some(entry) = model.index.get(record) else {
        return Row::default();
    };
    let flat = model.index.filter().is_some();
    let indent = if flat { 0 } else { usize::from(entry.depth) };
    let fold = match (model.index.is_node(record), model.index.is_open(record)) {
        (true, true) => model.look.glyph(Glyph::Open),
        (true, false) => model.look.glyph(Glyph::Closed),
        _ => " ",
    };
    let ink = match (entry.tag(), entry.role()) {
        (None, _) | (_, ckpt_parser::grammar::Role::Stray | ckpt_parser::grammar::Role::Gap) => {
            Ink::Gap
        }
        _ => Ink::Name,
    };
    let mut row =
        Row::new(format!("{:indent$}{fold}", ""), Ink::Dim).and(format!("{} ", entry.title()), ink);
    if let Some(Data::Row(text)) = model.at(record).and_then(|at| model.data(&Want::Row(at))) {
        row = row.and(text.clone(), Ink::Normal);
    }
    row
}

/// The fields of the record under the cursor.
pub fn detail(model: &Model) -> Option<&Detail> {
    let at = model.at(model.record()?)?;
    match model.data(&Want::Fields(at))? {
        Data::Fields(detail) => Some(detail),
        _ => None,
    }
}

/// The field under the cursor.
pub fn current_field(model: &Model) -> Option<&Field> {
    detail(model)?
        .fields
        .get(model.lists[View::Records as usize][1].cursor)
}

/// Columns for the names of a record's fields: all of the longest, if that leaves more than half of the pane.
fn names_width(model: &Model, detail: &Detail) -> usize {
    let longest = detail.fields.iter().map(|field| field.name.width()).max();
    let room = usize::from(model.inside(1).width) / 2;
    longest.unwrap_or(0).min(room).max(18)
}

fn field_row(model: &Model, field: &Field, names: usize) -> Row {
    let (name, value) = match field.kind {
        Kind::Header => (Ink::Dim, Ink::Dim),
        Kind::Field => (Ink::Name, Ink::Number),
        Kind::Padding => (Ink::Padding, Ink::Warn),
        Kind::Payload => (Ink::Name, Ink::Text),
        Kind::Gap => (Ink::Gap, Ink::Gap),
    };
    let value = match (&field.target, field.value.starts_with('"')) {
        (Some(_), _) => Ink::Link,
        (None, true) => Ink::Text,
        _ => value,
    };
    let mut row = Row::new(format!("{:4x} ", field.offset), Ink::Address)
        .and(format!("{:<names$} ", field.name), name)
        .and(field.value.clone(), value);
    if !field.meaning.is_empty() {
        row = row.and(format!(" {}", field.meaning), Ink::Normal);
    }
    row.link = field.target.and_then(|target| match target {
        Target::Object(number) => Some(Link::Object(number)),
        Target::Address(addr) => Some(Link::Address(mm_of_record(model)?, addr)),
    });
    row
}

/// The address space that a record speaks of: that of the address space it is in, or of its task.
fn mm_of_record(model: &Model) -> Option<i32> {
    let image = model.image.as_ref()?;
    let record = model.record()?;
    let inside = image.mms.iter().find(|(_, mm)| {
        let last = mm
            .vmas
            .last()
            .map_or(mm.record.index, |vma| vma.record.index);
        (mm.record.index..=last + 1).contains(&record)
    });
    if let Some((number, _)) = inside {
        return Some(*number);
    }
    let task = image
        .tasks
        .iter()
        .rev()
        .find(|task| task.record.index <= record)?;
    Some(task.live.as_ref()?.mm)
}

/// Bytes in a row and rows in the pane.
pub fn hex_shape(model: &Model) -> (usize, usize) {
    let inside = model.inside(2);
    (panels_for(inside.width), usize::from(inside.height))
}

/// The bytes that are shown, and how many of the record are skipped.
pub fn hex_want(model: &Model) -> Option<(Want, u64)> {
    let at = model.at(model.record()?)?;
    let (panels, height) = hex_shape(model);
    let skip = model.byte_top * (panels * PANEL) as u64;
    let len = ((panels * PANEL * height) as u64).min(at.len.saturating_sub(skip));
    let want = Want::Bytes {
        offset: at.offset + skip,
        len: u32::try_from(len).unwrap_or(0),
    };
    Some((want, skip))
}

/// The bytes of the record under the cursor.
pub fn hex(model: &Model) -> Option<Hex> {
    let (want, skip) = hex_want(model)?;
    let at = model.at(model.record()?)?;
    let bytes = bytes_of(model, &want)?.to_vec();
    let mut marks = Vec::new();
    let mut mark = |offset: u64, len: u64, ink| {
        let (from, to) = (offset.max(skip), (offset + len).max(skip));
        marks.push((from - skip..to - skip, ink));
    };
    for field in detail(model).into_iter().flat_map(|detail| &detail.fields) {
        match field.kind {
            Kind::Padding => mark(field.offset, field.len, Ink::Padding),
            Kind::Gap => mark(field.offset, field.len, Ink::Gap),
            Kind::Header => mark(field.offset, field.len, Ink::Dim),
            Kind::Field if field.value.starts_with('"') => mark(field.offset, field.len, Ink::Text),
            Kind::Field | Kind::Payload => {}
        }
    }
    for hit in model
        .search
        .hits
        .iter()
        .filter(|_| model.search.domain == Some(crate::tui::search::Domain::Image))
    {
        if *hit >= at.offset && *hit < at.offset + at.len {
            mark(hit - at.offset, model.search.len, Ink::Match);
        }
    }
    if let Some(field) = current_field(model) {
        mark(field.offset, field.len, Ink::Mark);
    }
    Some(Hex {
        bytes,
        start: at.offset + skip,
        cursor: model.byte.saturating_sub(skip),
        panels: hex_shape(model).0,
        marks,
        unknown: Vec::new(),
    })
}

/// What the view needs.
pub fn wants(model: &Model, wants: &mut Vec<Want>) {
    let scroll = model.lists[View::Records as usize][0];
    let height = usize::from(model.inside(0).height);
    for record in model.index.window(scroll.top as u64, height) {
        wants.extend(model.at(record).map(Want::Row));
    }
    if let Some(at) = model.record().and_then(|record| model.at(record)) {
        wants.push(Want::Fields(at));
    }
    wants.extend(hex_want(model).map(|(want, _)| want));
}

/// The line of the field that a byte belongs to.
pub fn field_of(model: &Model, byte: u64) -> Option<usize> {
    let covers = |field: &Field| field.offset <= byte && byte < field.offset + field.len;
    detail(model)?.fields.iter().position(covers)
}

/// Keeps the byte under the cursor on the screen.
pub fn fit(model: &mut Model) {
    let (panels, height) = hex_shape(model);
    let row = model.byte / (panels * PANEL) as u64;
    model.byte_top = model
        .byte_top
        .min(row)
        .max((row + 1).saturating_sub(height.max(1) as u64));
}
