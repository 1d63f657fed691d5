//! `--integrity`: is the set complete, does every reference resolve, do counts agree?

use super::args::{Args, Form};
use super::part::{self, Integrity, List};
use super::{FINDINGS, FINE, all_findings, image};
use anyhow::Result;
use ckpt_parser::diagnostic::{Diagnostic, Severity};
use ckpt_parser::report::document::Finding;
use ckpt_parser::text::count;
use std::io::Write;

pub(super) fn integrity(args: &Args, form: Form, out: &mut dyn Write) -> Result<u8> {
    let (image, _) = image(args)?;
    let findings = all_findings(&image);
    let found = |severity| {
        let of_it = |finding: &&Diagnostic| finding.severity == severity;
        findings.kept().iter().filter(of_it).count() as u64
    };
    let (errors, warnings) = (found(Severity::Error), found(Severity::Warning));
    let sound = errors + warnings == 0;
    let all = findings.kept().iter();
    match form {
        Form::Text => {
            for finding in all.filter(|finding| args.verbose || finding.severity > Severity::Note) {
                writeln!(out, "{:<7} {finding}", finding.severity.name())?;
            }
            writeln!(
                out,
                "{}: {}, {}, {}, {}; {}, {}{}",
                if sound { "sound" } else { "not sound" },
                count(image.num_records, "record"),
                count(image.tasks.len(), "task"),
                count(image.objects.len(), "object"),
                count(image.num_pages, "page"),
                count(errors, "error"),
                count(warnings, "warning"),
                if findings.dropped() > 0 {
                    format!(", {} more not counted", findings.dropped())
                } else {
                    String::new()
                },
            )?;
        }
        Form::Json => part::whole(
            &Integrity {
                sound,
                records: image.num_records,
                tasks: image.tasks.len() as u64,
                objects: image.objects.len() as u64,
                pages: image.num_pages,
                errors,
                warnings,
                diagnostics: all.map(Finding::from).collect(),
                diagnostics_dropped: findings.dropped(),
            },
            out,
        )?,
        Form::Lines => List::lines(all.map(Finding::from), out)?,
    }
    Ok(if sound { FINE } else { FINDINGS })
}
