//! Compat: on which targets the process could go on, and for one of them every rule with its
//! evidence.

use super::{cut, cut_wrapped, pending};
use crate::tui::layout::View;
use crate::tui::look::Ink;
use crate::tui::model::{Link, Model, Row};
use crate::tui::update::say;
use crate::tui::worker::Request;
use ckpt_compat::{Assessment, Cite, Finding, Layer, Verdict};
use ckpt_format::Tag;
use ckpt_parser::model::{Image, Mm, ObjRef, Task};
use std::cmp::Reverse;
use std::collections::BTreeSet;
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
    /// Why there is no answer: a file cannot be read.
    pub failure: Option<String>,
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
pub fn judged(model: &mut Model, judged: Result<Vec<Assessment>, String>) {
    model.passing = None;
    match judged {
        Ok(judged) => model.compat.judged = judged,
        Err(why) => model.compat.failure = Some(why),
    }
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
        let row = model.row_of(View::Compat, 0, at).unwrap_or(0);
        model.scroll_mut(View::Compat, 0).cursor = row;
        select(model, at);
        show_reason(model);
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
    select(model, target);
    model.focus[View::Compat as usize] = 1;
    show_reason(model);
    None
}

/// Puts the cursor on the rule that decides, so that Enter leads to its evidence.
fn show_reason(model: &mut Model) {
    let verdict = chosen(model).map_or(Verdict::Restorable, Assessment::verdict);
    let (_, rows) = list(model, 1, 0..MOST_ROWS);
    let decides = format!(" {} ", sign(model.look.ascii, verdict));
    let is_it = |row: &Row| {
        verdict != Verdict::Restorable
            && model.filter(1).is_none()
            && row.text().starts_with(&decides)
    };
    model.scroll_mut(View::Compat, 1).cursor = rows.iter().position(is_it).unwrap_or(0);
}

/// Rows of rules that are looked at; there are fewer than a hundred rules.
const MOST_ROWS: usize = 4096;

/// The cursor of the targets has moved: it chooses.
pub fn follow_cursor(model: &mut Model) {
    if let Some(line) = model.line(View::Compat, 0) {
        select(model, line);
    }
}

/// Shows the rules for a target; a filter of the rules has other lines to go through then.
fn select(model: &mut Model, target: usize) {
    if model.compat.chosen != target {
        model.compat.chosen = target;
        model.passing.take_if(|passing| passing.pane == 1);
    }
}

/// The target whose rules are shown.
fn chosen(model: &Model) -> Option<&Assessment> {
    model.compat.judged.get(model.compat.chosen)
}

/// Lines of a pane.
pub fn list(model: &Model, pane: usize, range: Range<usize>) -> (usize, Vec<Row>) {
    if model.compat.judged.is_empty() {
        let rows = if let Some(why) = &model.compat.failure {
            vec![Row::new(format!("No verdict: {why}"), Ink::Bad)]
        } else if model.image.is_some() {
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
        0 if model.compat.judged.is_empty() => "Targets".to_owned(),
        0 => format!(
            "Targets · {} · kernel, run, loss",
            model.compat.judged.len()
        ),
        _ => chosen(model).map_or("Rules".to_owned(), |a| {
            format!("{} on {} · {}", a.verdict(), a.target, a.title)
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
pub fn sign(ascii: bool, verdict: Verdict) -> &'static str {
    match (ascii, verdict) {
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
        row = row.and(
            format!("{} ", sign(model.look.ascii, verdict)),
            ink(verdict),
        );
    }
    let verdict = assessment.verdict();
    let names = if model.inside(0).width > 41 { 19 } else { 16 };
    row.and(format!("{:<names$} ", assessment.target), Ink::Name)
        .and(verdict.name(), ink(verdict))
        .link(Link::Target(i))
}

/// What decides stands first: the worst layer, and in it the worst rule.
fn rules(model: &Model, assessment: &Assessment) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut layers = Layer::ALL;
    layers.sort_by_key(|layer| Reverse(assessment.layer(*layer)));
    let sorted = layers.map(|layer| (layer, of_layer(assessment, layer)));
    let all = sorted.iter().flat_map(|(_, findings)| findings);
    let same = ckpt_compat::same_want(all.map(|finding| {
        let outcome = &finding.outcome;
        (
            finding.rule.id,
            outcome.verdict,
            outcome.condition.as_deref(),
        )
    }));
    for (layer, findings) in &sorted {
        let verdict = assessment.layer(*layer);
        rows.push(
            Row::new(format!("{} layer: ", layer.name()), Ink::Title)
                .and(verdict.name(), ink(verdict)),
        );
        for finding in findings {
            let (ascii, place) = (model.look.ascii, |cite: &Cite| place(model, cite));
            if let Some(first) = same.get(finding.rule.id) {
                rows.push(head(finding, ascii, &place));
                rows.push(Row::new(
                    format!("     misses what {first} misses"),
                    Ink::Dim,
                ));
                continue;
            }
            rule(finding, ascii, &place, &mut rows);
        }
    }
    rows
}

/// The answers of a layer's rules, the worst first.
fn of_layer(assessment: &Assessment, layer: Layer) -> Vec<&Finding> {
    let findings = assessment.findings.iter();
    let mut findings: Vec<&Finding> = findings.filter(|f| f.rule.layer == layer).collect();
    findings.sort_by_key(|finding| Reverse(finding.outcome.verdict));
    findings
}

/// The first line of a rule: its verdict, its id, what it is about.
fn head(finding: &Finding, ascii: bool, place: &dyn Fn(&Cite) -> Option<Link>) -> Row {
    let verdict = finding.outcome.verdict;
    let row = Row::new(format!(" {} ", sign(ascii, verdict)), ink(verdict))
        .and(format!("{:<16} ", finding.rule.id), Ink::Name)
        .and(finding.rule.title, Ink::Normal);
    Row {
        link: finding.outcome.facts().find_map(place),
        ..row
    }
}

fn rule(
    finding: &Finding,
    ascii: bool,
    place: &dyn Fn(&Cite) -> Option<Link>,
    rows: &mut Vec<Row>,
) {
    let outcome = &finding.outcome;
    let verdict = outcome.verdict;
    rows.push(head(finding, ascii, place));
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
    // What would supply missing evidence is said by the evidence, of every process.
    let said = |condition: &&String| {
        let mut facts = outcome.evidence.iter();
        !facts.any(|cite| cite.what.ends_with(condition.as_str()))
    };
    if let Some(condition) = outcome.condition.as_ref().filter(said) {
        rows.push(Row::new(format!("     if {condition}"), Ink::Warn));
    }
    let mut told = BTreeSet::new();
    let mut facts = |rows: &mut Vec<Row>, lead: &str, cites: &[Cite], ink| {
        let fresh = cites.iter().filter(|cite| told.insert(cite.what.clone()));
        for cite in fresh.take(SHOWN) {
            let mut row = Row::new(format!("     {lead}"), Ink::Dim).and(cite.what.clone(), ink);
            row.link = place(cite);
            rows.push(row);
        }
    };
    facts(rows, "", &outcome.evidence, Ink::Link);
    if verdict == Verdict::NotRestorable {
        rows.push(Row::new(
            format!("     {}", finding.rule.remedy),
            Ink::Normal,
        ));
    }
    facts(rows, "also: ", &outcome.aside, Ink::Dim);
}

/// Pieces of evidence shown for a rule.
const SHOWN: usize = 8;

/// Where a piece of evidence can be looked at: the instruction, the register, the mapping, the file, the record.
fn place(model: &Model, cite: &Cite) -> Option<Link> {
    let image = model.image.as_ref()?;
    let task = cite.pid.and_then(|pid| image.task_by_pid(pid));
    let own = task.and_then(|task| Some((task.live.as_ref()?.mm, image.mm_of(task)?)));
    if let Some(addr) = cite.addr.map(u64::from) {
        let mut spaces = image.mms.iter().map(|(number, mm)| (*number, mm));
        let (number, _) = own.or_else(|| spaces.find(|(_, mm)| mm.vma_at(addr).is_some()))?;
        return Some(match cite.isa {
            Some(isa) => Link::Code(number, addr, isa),
            None => Link::Address(number, addr),
        });
    }
    if let Some(record) = cite.record {
        return Some(
            register(image, record, cite)
                .or_else(|| mapping(model, own?, record))
                .unwrap_or_else(|| Link::Record(record, byte_of(model, record, cite.field))),
        );
    }
    if let Some(offset) = cite.offset {
        return Some(Link::Offset(offset));
    }
    if let Some(file) = &cite.file {
        return mapped(image, own, file.as_bytes());
    }
    own.map(|(_, mm)| Link::Record(mm.record.index, 0))
}

/// The register that a fact about a thread's registers names.
fn register(image: &Image, record: u64, cite: &Cite) -> Option<Link> {
    let holds = |task: &&Task| {
        task.live.as_ref().is_some_and(|live| {
            let mut records = live.fpu.iter().map(|file| file.record.index);
            live.cpu_record.index == record || records.any(|index| index == record)
        })
    };
    let task = image.tasks.iter().find(holds)?;
    let mut words = cite.what.split(|c: char| !c.is_ascii_alphanumeric());
    let high = words.find_map(|word| HIGH_BANK.into_iter().find(|name| *name == word));
    let name = high.or(cite.field).unwrap_or_default();
    Some(Link::Register(task.index, name))
}

/// Registers that rules name one by one; others have a field of their own.
const HIGH_BANK: [&str; 16] = [
    "d16", "d17", "d18", "d19", "d20", "d21", "d22", "d23", "d24", "d25", "d26", "d27", "d28",
    "d29", "d30", "d31",
];

/// The mapping that a record describes.
fn mapping(model: &Model, (number, mm): (ObjRef, &Mm), record: u64) -> Option<Link> {
    if model.index.get(record)?.tag() != Some(Tag::Vma) {
        return None;
    }
    let vma = mm.vmas.iter().find(|vma| vma.record.index == record)?;
    Some(Link::Address(number, vma.start))
}

/// Where a file is mapped first, in the address space that the fact is of, if it is of one.
fn mapped(image: &Image, own: Option<(ObjRef, &Mm)>, path: &[u8]) -> Option<Link> {
    let is_it = |file| {
        image
            .path_of(file)
            .is_some_and(|name| name == path || name.ends_with(&[b"/", path].concat()))
    };
    let spaces = image.mms.iter().map(|(number, mm)| (*number, mm));
    own.into_iter().chain(spaces).find_map(|(number, mm)| {
        let vma = mm.vmas.iter().find(|vma| vma.file > 0 && is_it(vma.file))?;
        Some(Link::Address(number, vma.start))
    })
}

/// The byte of a record that a field begins at.
fn byte_of(model: &Model, record: u64, field: Option<&str>) -> u64 {
    let slot = || {
        let tables = model.tables.as_ref()?;
        let layout = tables
            .by_tag(model.index.get(record)?.tag()?)?
            .variant(None)?;
        Some(u64::from(layout.named(field?)?.offset))
    };
    slot().unwrap_or(0)
}

/// A rule's answer and its evidence as lines of text.
pub fn text_of(finding: &Finding) -> Vec<String> {
    let mut rows = Vec::new();
    rule(finding, false, &|_| None, &mut rows);
    rows.iter()
        .map(|row| row.text().trim_end().to_owned())
        .collect()
}
