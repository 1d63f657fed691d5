//! The report for people.

use std::collections::BTreeMap;
use std::io::{self, Write};

use ckpt_compat::Verdict;
use ckpt_compat::report::{CiteReport, FindingReport, Report, TargetReport};

/// How much, and how.
#[derive(Clone, Copy)]
pub(super) struct Style {
    pub(super) verbose: bool,
    pub(super) quiet: bool,
    pub(super) colour: bool,
    /// A matrix of many targets: one line each.
    pub(super) matrix: bool,
}

impl Style {
    /// Symbol and word, coloured where colours are; never colour alone.
    fn verdict(self, verdict: Verdict) -> String {
        let text = format!("{} {verdict}", verdict.symbol());
        let code = match verdict {
            Verdict::Restorable => 32,
            Verdict::Conditional => 33,
            Verdict::Unknown => 35,
            Verdict::NotRestorable => 31,
        };
        if self.colour {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text
        }
    }

    fn bold(self, text: &str) -> String {
        if self.colour {
            format!("\x1b[1m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

/// Facts that the short form shows of each finding.
const SHORT_FACTS: usize = 2;

pub(super) fn print(out: &mut impl Write, report: &Report, style: Style) -> io::Result<()> {
    if let Some(error) = &report.error {
        writeln!(
            out,
            "{}: cannot be judged: {error}",
            style.bold(&report.shown_name())
        )?;
        if !style.quiet {
            writeln!(out, "  next: {}", after_fault(error))?;
        }
        return Ok(());
    }
    if style.matrix {
        print_matrix(out, report, style)?;
    } else {
        for target in &report.targets {
            print_target(out, report, target, style)?;
        }
    }
    if let Some(nearest) = &report.nearest {
        let verdict = nearest.verdict();
        writeln!(
            out,
            "{}: nearest target {}: needs {} ({})",
            style.bold(&report.shown_name()),
            nearest.target,
            nearest.needs,
            style.verdict(verdict)
        )?;
        if !style.quiet {
            writeln!(
                out,
                "    parts that do as well: {}",
                list(&nearest.parts, 8)
            )?;
            let target = &nearest.target;
            match verdict {
                Verdict::Conditional => {
                    writeln!(out, "    --target {target} names the conditions")?;
                }
                Verdict::Unknown => writeln!(
                    out,
                    "    no target is known to restore it: evidence is missing. --target {target} says which; \
                     often --sysroot DIR gives it"
                )?,
                _ => {}
            }
        }
    } else if report.targets.is_empty() {
        writeln!(
            out,
            "{}: no known target restores it; --target NAME says why",
            style.bold(&report.shown_name())
        )?;
    }
    Ok(())
}

fn list(names: &[String], limit: usize) -> String {
    let shown = names
        .get(..limit.min(names.len()))
        .unwrap_or_default()
        .join(", ");
    match names.len().saturating_sub(limit) {
        0 if names.is_empty() => "none of the catalogue".to_owned(),
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn print_matrix(out: &mut impl Write, report: &Report, style: Style) -> io::Result<()> {
    writeln!(out, "{}", style.bold(&report.shown_name()))?;
    for target in &report.targets {
        let worst = target
            .findings
            .iter()
            .filter(|finding| finding.verdict() == target.verdict());
        let rules: Vec<&str> = worst.map(|finding| finding.rule).collect();
        let mut why = match target.verdict() {
            Verdict::Restorable => String::new(),
            _ => rules.join(", "),
        };
        why.push_str(&by_policy(target.changed_from()));
        // Padding counts characters, so the colour codes must not be in the padded text.
        let gap = " ".repeat(16usize.saturating_sub(target.verdict().name().len()));
        writeln!(
            out,
            "  {:22} {}{gap} {why}",
            target.target,
            style.verdict(target.verdict())
        )?;
    }
    Ok(())
}

fn print_target(
    out: &mut impl Write,
    report: &Report,
    target: &TargetReport,
    style: Style,
) -> io::Result<()> {
    let verdict = target.verdict();
    writeln!(
        out,
        "{} on {}: {}{}",
        style.bold(&report.shown_name()),
        style.bold(&target.target),
        style.verdict(verdict),
        by_policy(target.changed_from())
    )?;
    if style.quiet {
        return Ok(());
    }
    let layers = &target.layers;
    writeln!(
        out,
        "  layers: kernel {}, run {}, loss {}",
        layers.kernel, layers.run, layers.loss
    )?;
    let matters = |finding: &&FindingReport| style.verbose || finding.matters();
    let mut shown: Vec<&FindingReport> = target.findings.iter().filter(matters).collect();
    shown.sort_by_key(|finding| std::cmp::Reverse(finding.verdict()));
    let same = if style.verbose {
        BTreeMap::new()
    } else {
        let wants = shown.iter().map(|finding| {
            let condition = finding.condition.as_deref();
            (finding.rule, finding.verdict(), condition)
        });
        ckpt_compat::same_want(wants)
    };
    for finding in shown.iter().filter(|one| !same.contains_key(one.rule)) {
        print_finding(out, finding, style)?;
        let others = shown.iter().map(|other| other.rule);
        let others = others.filter(|rule| same.get(rule) == Some(&finding.rule));
        let others: Vec<&str> = others.collect();
        if !others.is_empty() {
            writeln!(out, "      the same:  {}", others.join(", "))?;
        }
    }
    writeln!(out, "  next: {}", next_step(report, target))
}

fn print_finding(out: &mut impl Write, finding: &FindingReport, style: Style) -> io::Result<()> {
    let changed = by_policy(finding.changed_from());
    writeln!(
        out,
        "  {} [{}] {}: {}{changed}",
        style.verdict(finding.verdict()),
        finding.layer,
        finding.rule,
        finding.title
    )?;
    if let (Some(requirement), has) = (
        &finding.requirement,
        finding.target_has.as_deref().unwrap_or(""),
    ) {
        writeln!(out, "      requires: {requirement}")?;
        writeln!(out, "      target:   {has}")?;
    }
    let limit = if style.verbose {
        usize::MAX
    } else {
        SHORT_FACTS
    };
    for cite in finding.evidence.iter().take(limit) {
        writeln!(out, "      evidence: {}", fact(cite, style))?;
    }
    let more = finding.evidence.len().saturating_sub(limit);
    if more > 0 {
        writeln!(out, "                and {more} more (-v shows them)")?;
    }
    if let Some(condition) = finding.condition.as_ref().filter(|_| finding.matters()) {
        let word = format!("{}:", finding.condition_is());
        writeln!(out, "      {word:<9} {condition}")?;
    }
    Ok(())
}

fn fact(cite: &CiteReport, style: Style) -> String {
    let mut places = Vec::new();
    places.extend(cite.record.map(|record| format!("record {record}")));
    places.extend(cite.offset.map(|offset| format!("offset {offset:#x}")));
    places.extend(cite.field.map(|field| format!("field {field}")));
    let address = cite.address.as_deref();
    places.extend(
        address
            .filter(|address| !names(&cite.what, address))
            .map(|address| format!("address {address}")),
    );
    let instruction = cite.instruction.as_ref().filter(|_| style.verbose);
    places.extend(instruction.map(|word| format!("instruction {word}")));
    if places.is_empty() {
        cite.what.clone()
    } else {
        format!("{} ({})", cite.what, places.join(", "))
    }
}

/// Whether a text has this number among its words, with or without leading zeros.
fn names(text: &str, address: &str) -> bool {
    let value = |word: &str| u64::from_str_radix(word.strip_prefix("0x")?, 16).ok();
    let mut words = text.split(|c: char| !c.is_ascii_alphanumeric());
    value(address).is_some_and(|wanted| words.any(|word| value(word) == Some(wanted)))
}

/// Says that a verdict is the policy's, and what it was.
pub(super) fn by_policy(changed_from: Option<Verdict>) -> String {
    changed_from.map_or_else(String::new, |from| format!(" (by policy; was {from})"))
}

/// What to do about an image that cannot be judged.
fn after_fault(error: &str) -> &'static str {
    if error.starts_with("damaged image") {
        "copy it again from where it was made; ckpt-inspect says what is damaged, and ckpt-convert --salvage makes an \
         image of what is intact."
    } else {
        "see that the name is right and that it is a stream, a CRIU set, a core or an ARM executable; ckpt-inspect says \
         what it makes of it."
    }
}

/// One sentence that tells what to do, for someone who has never seen the tool.
fn next_step(report: &Report, target: &TargetReport) -> String {
    let worst = target.verdict();
    let first = target
        .findings
        .iter()
        .find(|finding| finding.verdict() == worst);
    let remedy = first.and_then(|finding| finding.remedy).unwrap_or("");
    match worst {
        Verdict::Restorable if target.changed_from().is_some() => {
            "the policy lets it pass; nothing shows that it can be restored there.".to_owned()
        }
        Verdict::Restorable => "nothing; it can be restored there.".to_owned(),
        Verdict::Conditional => {
            let count = target
                .findings
                .iter()
                .filter(|finding| finding.verdict() == worst)
                .count();
            let conditions = if count == 1 {
                "the condition".to_owned()
            } else {
                format!("the {count} conditions")
            };
            let finding = first.into_iter().flat_map(|finding| &finding.evidence);
            let look = if finding.flat_map(|cite| &cite.address).next().is_some() {
                " (ckpt-inspect shows the code: 4, @ADDRESS, d)"
            } else {
                ""
            };
            format!("make sure of {conditions} above{look}, and restore. If you cannot: {remedy}")
        }
        Verdict::Unknown if report.seen.missing_files.is_empty() => {
            "give the files of the source machine with --sysroot DIR and check again.".to_owned()
        }
        Verdict::Unknown => format!(
            "add {} to the --sysroot and check again.",
            list(&report.seen.missing_files, 3)
        ),
        Verdict::NotRestorable => {
            // One remedy of several would be followed for nothing.
            let refusals = target.findings.iter();
            let refusals = refusals
                .filter(|finding| finding.verdict() == worst)
                .count();
            if refusals > 1 {
                return format!(
                    "do not restore there. --nearest names the least target that meets all {refusals} refusals above, \
                     if there is one; --explain RULE says what else helps."
                );
            }
            let nearest = if remedy.contains("--nearest") {
                ""
            } else {
                " --nearest names the least target that fits."
            };
            format!("do not restore there. {remedy}{nearest}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_said_once_and_not_taken_for_a_longer_one() {
        let text = "2 × vfpd32 in code, first at 0x1088c, 0x108cc";
        assert!(names(text, "0x0001088c"));
        assert!(!names(text, "0x000108"));
        assert!(!names(text, "0x00000000"));
    }
}
