//! Compat: on which targets the process could go on, and for one of them every rule with its
//! evidence.

use super::{cut, cut_wrapped, pending};
use crate::tui::layout::View;
use crate::tui::look::Ink;
use crate::tui::model::{Link, Model, Row};
use crate::tui::update::say;
use crate::tui::worker::Request;
use ckpt_compat::{Assessment, Cite, Finding, Layer, Verdict};
use std::ops::Range;

/// What the rules say for each target.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// One for each target; empty until they are judged.
    pub judged: Vec<Assessment>,
    /// The target whose rules are shown.
    pub chosen: usize,
    /// A target that was asked for before there were answers.
    pub wanted: Option<String>,
    /// It has been asked for.
    pub asked: bool,
}

/// Asks for the verdicts, once the image is read and somebody wants to see them.
pub fn begin(model: &mut Model) -> Option<Request> {
    if model.view != View::Compat || model.compat.asked || model.image.is_none() {
        return None;
    }
    model.compat.asked = true;
    Some(Request::Judge(model.compat.wanted.clone()))
}

/// The verdicts are there.
pub fn judged(model: &mut Model, judged: Vec<Assessment>) {
    model.compat.judged = judged;
    let wanted = model.compat.wanted.clone();
    if let Some(wanted) = wanted {
        choose_named(model, &wanted);
    }
}

/// Shows the rules for a target by name. One that is not in the list has to be judged first.
pub fn choose_named(model: &mut Model, name: &str) -> Option<Request> {
    let known = model
        .compat
        .judged
        .iter()
        .position(|a| a.target.eq_ignore_ascii_case(name));
    if let Some(at) = known {
        model.scroll_mut(View::Compat, 0).cursor = at;
        model.compat.chosen = at;
        show_refusal(model);
        return None;
    }
    if let Err(why) = ckpt_compat::Target::named(name) {
        say(model, why.to_string(), Ink::Bad);
        return None;
    }
    model.compat.wanted = Some(name.to_owned());
    model.image.as_ref()?;
    model.compat.asked = true;
    Some(Request::Judge(Some(name.to_owned())))
}

/// Enter on a target: its rules.
pub fn choose(model: &mut Model, target: usize) -> Option<Request> {
    model.compat.chosen = target;
    model.focus[View::Compat as usize] = 1;
    show_refusal(model);
    None
}

/// Puts the cursor on the first rule that refuses, so that Enter leads to its evidence.
fn show_refusal(model: &mut Model) {
    let refused = format!(" {} ", sign(model, Verdict::NotRestorable));
    let (_, rows) = list(model, 1, 0..MOST_ROWS);
    let line = rows.iter().position(|row| row.text().starts_with(&refused));
    model.scroll_mut(View::Compat, 1).cursor = line.unwrap_or(0);
}

/// Rows of rules that are looked at; there are fewer than a hundred rules.
const MOST_ROWS: usize = 4096;

/// The target under the cursor; without a filter the cursor chooses.
fn chosen(model: &Model) -> Option<&Assessment> {
    let cursor = model.lists[View::Compat as usize][0].cursor;
    let at = match &model.passing {
        Some((View::Compat, lines)) => lines.get(cursor).copied().unwrap_or(model.compat.chosen),
        _ => cursor,
    };
    model.compat.judged.get(at)
}

/// Lines of a pane.
pub fn list(model: &Model, pane: usize, range: Range<usize>) -> (usize, Vec<Row>) {
    if model.compat.judged.is_empty() {
        let rows = if model.image.is_some() {
            vec![Row::new("Looking at registers, memory and code…", Ink::Dim)]
        } else {
            pending(model)
        };
        return if pane == 0 {
            cut(rows, range)
        } else {
            (0, Vec::new())
        };
    }
    if pane == 0 {
        let all = &model.compat.judged;
        let rows = all.iter().enumerate().skip(range.start).take(range.len());
        return (
            all.len(),
            rows.map(|(i, assessment)| target_row(model, i, assessment))
                .collect(),
        );
    }
    cut_wrapped(
        model,
        pane,
        chosen(model)
            .map(|assessment| rules(model, assessment))
            .unwrap_or_default(),
        range,
    )
}

/// Title of a pane.
pub fn title(model: &Model, pane: usize) -> String {
    match pane {
        0 => format!(
            "Targets · {} · kernel, run, loss",
            model.compat.judged.len()
        ),
        _ => chosen(model).map_or("Rules".to_owned(), |a| {
            format!("{} · {} · {}", a.target, a.title, a.verdict())
        }),
    }
}

fn ink(verdict: Verdict) -> Ink {
    match verdict {
        Verdict::Restorable => Ink::Good,
        Verdict::Conditional | Verdict::Unknown => Ink::Warn,
        Verdict::NotRestorable => Ink::Bad,
    }
}

/// The verdict's sign; letters where there is no Unicode.
fn sign(model: &Model, verdict: Verdict) -> &'static str {
    match (model.look.ascii, verdict) {
        (false, verdict) => verdict.symbol(),
        (true, Verdict::Restorable) => "+",
        (true, Verdict::Conditional) => "~",
        (true, Verdict::Unknown) => "?",
        (true, Verdict::NotRestorable) => "x",
    }
}

fn target_row(model: &Model, i: usize, assessment: &Assessment) -> Row {
    let mut row = Row::default();
    for layer in Layer::ALL {
        let verdict = assessment.layer(layer);
        row = row.and(format!("{} ", sign(model, verdict)), ink(verdict));
    }
    let verdict = assessment.verdict();
    row.and(format!("{:<18} ", assessment.target), Ink::Name)
        .and(verdict.name(), ink(verdict))
        .link(Link::Target(i))
}

fn rules(model: &Model, assessment: &Assessment) -> Vec<Row> {
    let mut rows = Vec::new();
    for layer in Layer::ALL {
        let verdict = assessment.layer(layer);
        rows.push(
            Row::new(format!("{} layer: ", layer.name()), Ink::Title)
                .and(verdict.name(), ink(verdict)),
        );
        let mut findings: Vec<&Finding> = assessment
            .findings
            .iter()
            .filter(|f| f.rule.layer == layer)
            .collect();
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.outcome.verdict));
        for finding in findings {
            rule(model, finding, &mut rows);
        }
    }
    rows
}

fn rule(model: &Model, finding: &Finding, rows: &mut Vec<Row>) {
    let outcome = &finding.outcome;
    let verdict = outcome.verdict;
    let head = Row::new(format!(" {} ", sign(model, verdict)), ink(verdict))
        .and(format!("{:<16} ", finding.rule.id), Ink::Name)
        .and(finding.rule.title, Ink::Normal);
    rows.push(Row {
        link: outcome.evidence.first().and_then(|cite| place(model, cite)),
        ..head
    });
    if verdict == Verdict::Restorable {
        return;
    }
    if !outcome.requirement.is_empty() {
        rows.push(Row::new(
            format!(
                "     needs {}; the target: {}",
                outcome.requirement, outcome.target_has
            ),
            Ink::Normal,
        ));
    }
    if let Some(condition) = &outcome.condition {
        rows.push(Row::new(format!("     if {condition}"), Ink::Warn));
    }
    for cite in outcome.evidence.iter().take(SHOWN) {
        let mut row = Row::new("     ", Ink::Dim)
            .and(ckpt_parser::text::escape(cite.what.as_bytes()), Ink::Link);
        if let Some(addr) = cite.addr {
            row = row.and(format!(" at {addr:#010x}"), Ink::Address);
        }
        row.link = place(model, cite);
        rows.push(row);
    }
    if verdict == Verdict::NotRestorable {
        rows.push(Row::new(format!("     {}", finding.rule.remedy), Ink::Dim));
    }
}

/// Pieces of evidence shown for a rule.
const SHOWN: usize = 8;

/// Where a piece of evidence can be looked at.
fn place(model: &Model, cite: &Cite) -> Option<Link> {
    if let Some(record) = cite.record {
        return Some(Link::Record(record, 0));
    }
    if let Some(offset) = cite.offset {
        return Some(Link::Offset(offset));
    }
    let addr = u64::from(cite.addr?);
    let image = model.image.as_ref()?;
    let holds = image.mms.iter().find(|(_, mm)| mm.vma_at(addr).is_some());
    holds.map(|(mm, _)| Link::Address(*mm, addr))
}
