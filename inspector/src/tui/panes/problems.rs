//! Problems: what is wrong with the image, where, and what it means.

use super::{cut, cut_wrapped};
use crate::tui::layout::View;
use crate::tui::look::Ink;
use crate::tui::model::{Link, Model, Phase, Row};
use ckpt_parser::diagnostic::{Diagnostic, Severity};
use ckpt_parser::text::{count, escape};
use std::ops::Range;

/// Lines of a pane.
pub fn list(model: &Model, pane: usize, range: Range<usize>) -> (usize, Vec<Row>) {
    if pane == 1 {
        return cut_wrapped(model, 1, about(model), range);
    }
    if model.findings.is_empty() {
        let ink = match &model.phase {
            Phase::Failed(_) => Ink::Bad,
            Phase::Ready => Ink::Good,
            _ => Ink::Dim,
        };
        return cut(vec![Row::new(nothing(model), ink)], range);
    }
    let shown = model.findings.iter().skip(range.start).take(range.len());
    (model.findings.len(), shown.map(finding).collect())
}

fn nothing(model: &Model) -> String {
    match &model.phase {
        Phase::Ready => "No problems: every record was read, every reference resolves.".to_owned(),
        Phase::Failed(why) => why.clone(),
        _ => "Nothing so far.".to_owned(),
    }
}

/// Title of a pane.
pub fn title(model: &Model, pane: usize) -> String {
    if pane == 1 {
        return under_cursor(model).map_or("How the image was recognised".to_owned(), |finding| {
            format!("{} {}", finding.code, finding.code.info().title)
        });
    }
    if matches!(model.phase, Phase::Failed(_)) && model.findings.is_empty() {
        return "The image cannot be read".to_owned();
    }
    let of = |severity, name| {
        let findings = model.findings.iter();
        let found = findings.filter(|finding| finding.severity == severity);
        count(found.count(), name)
    };
    format!(
        "{}, {}, {}",
        of(Severity::Error, "error"),
        of(Severity::Warning, "warning"),
        of(Severity::Note, "note")
    )
}

fn under_cursor(model: &Model) -> Option<&Diagnostic> {
    model.findings.get(model.line(View::Problems, 0)?)
}

fn finding(finding: &Diagnostic) -> Row {
    let ink = match finding.severity {
        Severity::Error => Ink::Bad,
        Severity::Warning => Ink::Warn,
        Severity::Note => Ink::Dim,
    };
    let row = Row::new(format!("{:<7} ", finding.severity.name()), ink)
        .and(format!("{} ", finding.code), Ink::Name);
    if !finding.file.is_empty() {
        return row
            .and(format!("{} ", place(finding)), Ink::Address)
            .and(format!("{} ", escape(finding.path.as_bytes())), Ink::Normal)
            .and(escape(finding.found.as_bytes()), Ink::Text);
    }
    row.and(format!("{:#010x} ", finding.offset), Ink::Address)
        .and(format!("{} ", finding.record), Ink::Normal)
        .and(format!("{} ", finding.code.info().title), Ink::Normal)
        .and(escape(finding.found.as_bytes()), Ink::Text)
        .link(Link::Offset(finding.offset))
}

fn place(finding: &Diagnostic) -> String {
    escape(finding.place().as_bytes())
}

fn about(model: &Model) -> Vec<Row> {
    let mut rows = Vec::new();
    if let Some(finding) = under_cursor(model) {
        rows.push(Row::new(finding.code.info().help, Ink::Normal));
        rows.push(if finding.file.is_empty() {
            let text = format!(
                "{:#x}, record {} {}",
                finding.offset, finding.frame, finding.record
            );
            Row::pair("at", text, Ink::Address).link(Link::Offset(finding.offset))
        } else {
            // The file is not what the other views show.
            Row::pair("in", place(finding), Ink::Address)
        });
        for (name, text) in [
            ("what", &finding.path),
            ("found", &finding.found),
            ("expected", &finding.expected),
        ] {
            if !text.is_empty() {
                rows.push(Row::pair(name, escape(text.as_bytes()), Ink::Text));
            }
        }
        rows.push(Row::default());
    }
    if let Some(detection) = &model.detection {
        let dialect = detection.dialect;
        let text = format!(
            "{} {} ({})",
            dialect.revision,
            dialect.abi.arch.name(),
            dialect.revision.info().label
        );
        if let Some(name) = model.foreign() {
            let text = format!(
                "{name}, shown as the {} stream that it amounts to; offsets are those of that stream",
                dialect.revision
            );
            rows.push(Row::pair("image", text, Ink::Name));
        }
        rows.push(Row::pair("revision", text, Ink::Name));
        for evidence in &detection.evidence {
            let text = format!("{}: {}", escape(evidence.fact.as_bytes()), evidence.leaves);
            rows.push(Row::pair("because", text, Ink::Normal).link(Link::Offset(evidence.offset)));
        }
    }
    rows
}
