//! `--compat`: on which targets it could be restored; with `--target` every rule for that one.

use super::args::{Args, Form};
use super::part::List;
use super::{all_findings, has_task, opened, report};
use crate::judge;
use crate::tui::panes::compat::{sign, text_of};
use anyhow::{Error, Result};
use ckpt_compat::report::Report;
use ckpt_compat::{Assessment, Layer, Target};
use std::io::Write;

pub(super) fn compat(args: &Args, form: Form, out: &mut dyn Write) -> Result<u8> {
    let target = args.target.as_deref().map(Target::named).transpose();
    let target = target.map_err(|why| Error::msg(why.to_string()))?;
    let mut opened = opened(args, args.image.as_deref())?;
    let image = opened.image()?;
    has_task(args, &image)?;
    let source = opened.decoder.into_source();
    let evidence = judge::evidence(&image, source, opened.origin, args.sysroot.clone())?;
    let judged = match &target {
        Some(target) => vec![ckpt_compat::check(&evidence, target, None)],
        None => judge::assess(&evidence, None),
    };
    if form == Form::Text {
        for assessment in &judged {
            line(assessment, out)?;
        }
        if let (Some(_), [only]) = (&target, judged.as_slice()) {
            rules(only, out)?;
        }
    } else {
        let mut document = Report::new(&opened.name, &evidence);
        for assessment in &judged {
            document.add(assessment);
        }
        List::lines(std::iter::once(document), out)?;
    }
    // A verdict on what contradicts itself must not look like one on a sound image.
    Ok(report(&all_findings(&image), args))
}

/// The verdict of each layer, and of all.
fn line(assessment: &Assessment, out: &mut dyn Write) -> Result<()> {
    for layer in Layer::ALL {
        write!(out, "{} ", sign(false, assessment.layer(layer)))?;
    }
    let verdict = assessment.verdict().name();
    writeln!(
        out,
        "{:<18} {verdict:<15} {}",
        assessment.target, assessment.title
    )?;
    Ok(())
}

/// The rules, those that refuse first.
fn rules(assessment: &Assessment, out: &mut dyn Write) -> Result<()> {
    let mut findings: Vec<_> = assessment.findings.iter().collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.outcome.verdict));
    for finding in findings {
        for line in text_of(finding) {
            writeln!(out, "{line}")?;
        }
    }
    Ok(())
}
