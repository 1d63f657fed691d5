//! What leaves the interface: copies and exports.

use super::{MOST_LINES, panes, records, row_at, say};
use crate::tui::export::{Export, Form, What};
use crate::tui::layout::View;
use crate::tui::look::{Glyph, Ink};
use crate::tui::model::{Model, Row};
use ckpt_parser::model::{ObjRef, Vma};
use std::ops::Range;

pub(super) fn copy(model: &mut Model) {
    let pane = model.pane();
    let text = if panes::is_hex(model, pane) {
        let field = if model.view == View::Records {
            records::current_field(model).map(|f| (f.offset, f.len))
        } else {
            None
        };
        panes::hex(model, pane).and_then(|hex| {
            let skip = hex.cursor - hex.cursor % model.word() as u64;
            let (from, n) = field.map_or((skip, model.word() as u64), |(offset, len)| {
                (
                    offset.saturating_sub(model.byte_top * (hex.panels * 8) as u64),
                    len,
                )
            });
            let touches = |range: &Range<u64>| range.start < from + n && from < range.end;
            if hex.unknown.iter().any(touches) {
                say(
                    model,
                    "Not copied: these bytes are not in the image",
                    Ink::Warn,
                );
                return None;
            }
            let bytes = hex.bytes.iter().skip(from as usize).take(n as usize);
            let digits: Vec<String> = bytes.map(|byte| format!("{byte:02x}")).collect();
            Some(digits.join(" "))
        })
    } else {
        row_at(model, pane).map(|row| said(model, &row))
    };
    if let Some(text) = text.filter(|text| !text.is_empty()) {
        say(
            model,
            format!("Copied: {}", text.chars().take(60).collect::<String>()),
            Ink::Good,
        );
        model.clipboard = Some(text);
    }
}

/// The command that exports the selection, to be edited.
pub(super) fn export_line(model: &Model) -> String {
    match (model.view, model.pane()) {
        (View::Records, _) => format!("export raw record-{}.bin", model.record().unwrap_or(0)),
        (View::Memory, _) => match exported_vma(model) {
            Some((_, vma)) => format!("export raw memory-{:x}-{:x}.bin", vma.start, vma.end),
            None => "export raw memory.bin".to_owned(),
        },
        (view, _) => format!("export json {}.json", view.name().to_lowercase()),
    }
}

/// The mapping that an export of memory holds: all of it.
fn exported_vma(model: &Model) -> Option<(ObjRef, Vma)> {
    let (mm, space) = model.current_mm()?;
    Some((mm, space.vma_at(model.addr)?))
}

/// What an export of the present view holds.
pub fn export(model: &Model, form: Form, to: &str) -> Option<Export> {
    let what = match (model.view, model.pane()) {
        (View::Records, _) if form != Form::Json => {
            let at = model.at(model.record()?)?;
            What::Image {
                offset: at.offset,
                len: at.len,
            }
        }
        (View::Memory, _) => {
            let (mm, vma) = exported_vma(model)?;
            What::Memory {
                mm,
                addr: vma.start,
                len: vma.len(),
            }
        }
        (View::Records, _) => What::Text(record_json(model)),
        (_, pane) => {
            let (_, rows) = panes::list(model, pane, 0..MOST_LINES);
            What::Text(rows_text(model, &rows, form))
        }
    };
    Some(Export {
        what,
        form,
        to: to.into(),
    })
}

fn record_json(model: &Model) -> String {
    let fields = records::detail(model)
        .map(|detail| &detail.fields[..])
        .unwrap_or_default();
    let fields: Vec<_> = fields
        .iter()
        .map(|f| serde_json::json!({"name": f.name, "offset": f.offset, "len": f.len, "value": f.value, "meaning": f.meaning}))
        .collect();
    let record = model.record().unwrap_or(0);
    let at = model.at(record);
    let title = model.index.get(record).map(crate::tui::index::Entry::title);
    let whole = serde_json::json!({"record": record, "name": title, "offset": at.map(|at| at.offset), "len": at.map(|at| at.len), "fields": fields});
    format!("{whole:#}\n")
}

/// What a line says, without the sign that a node is open or the thread is there.
fn said(model: &Model, row: &Row) -> String {
    let signs = [Glyph::Open, Glyph::Closed].map(|glyph| model.look.glyph(glyph));
    let text = row.text();
    let text = text.trim();
    let plain = signs.iter().find_map(|sign| text.strip_prefix(sign));
    plain.unwrap_or(text).to_owned()
}

fn rows_text(model: &Model, rows: &[Row], form: Form) -> String {
    let lines: Vec<String> = rows.iter().map(|row| said(model, row)).collect();
    match form {
        Form::Json => format!("{:#}\n", serde_json::Value::from(lines)),
        _ => lines.join("\n") + "\n",
    }
}
