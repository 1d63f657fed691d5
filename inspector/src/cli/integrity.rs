//! `--integrity`: is the set complete, does every reference resolve, do counts agree?

use super::args::Args;
use super::{FINDINGS, FINE, all_findings, image};
use anyhow::Result;
use ckpt_parser::diagnostic::Severity;
use std::io::Write;

pub(super) fn integrity(args: &Args, out: &mut dyn Write) -> Result<u8> {
    let (image, _) = image(args)?;
    let findings = all_findings(&image);
    let shown = findings
        .kept()
        .iter()
        .filter(|finding| args.verbose || finding.severity > Severity::Note);
    for finding in shown {
        writeln!(out, "{:<7} {finding}", finding.severity.name())?;
    }
    let count = |severity| {
        findings
            .kept()
            .iter()
            .filter(|finding| finding.severity == severity)
            .count()
    };
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    writeln!(
        out,
        "{}: {} records, {} tasks, {} objects, {} pages; {errors} errors, {warnings} warnings{}",
        if errors + warnings == 0 {
            "sound"
        } else {
            "not sound"
        },
        image.num_records,
        image.tasks.len(),
        image.objects.len(),
        image.num_pages,
        if findings.dropped() > 0 {
            format!(", {} more not counted", findings.dropped())
        } else {
            String::new()
        },
    )?;
    Ok(if errors + warnings == 0 {
        FINE
    } else {
        FINDINGS
    })
}
