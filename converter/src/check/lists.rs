//! What can be asked without an image: lists, fingerprints.

use std::io::Write;

use anyhow::Result;
use ckpt_cli::Explanation;
use ckpt_compat::Feature;
use ckpt_compat::rules::{Rule, rules};
use ckpt_compat::target::{GRAMMAR_FEATURES, GRAMMAR_ISAS, parts};

use super::{Arguments, machines};

/// What was asked; none if nothing of the kind was.
pub(super) fn text(arguments: &Arguments) -> Result<Option<Vec<u8>>> {
    let mut out = Vec::new();
    if arguments.list_rules {
        for rule in rules() {
            writeln!(out, "{:16} {:6} {}", rule.id, rule.layer, rule.title)?;
        }
    } else if arguments.list_targets {
        list_targets(&mut out)?;
    } else if arguments.fingerprint {
        write!(out, "{}", machines::fingerprint(arguments)?)?;
    } else if !arguments.baseline.is_empty() {
        write!(out, "{}", machines::baseline(arguments)?)?;
    } else {
        return Ok(None);
    }
    Ok(Some(out))
}

/// Codes that a report shows: rules, and what the reader says of damaged images.
pub(super) fn explanations() -> Vec<Explanation> {
    let rule = |rule: &Rule| Explanation {
        code: rule.id.to_owned(),
        kind: format!("layer {}", rule.layer),
        title: rule.title.to_owned(),
        text: format!("Why: {}\n\nWhat to do: {}", rule.rationale, rule.remedy),
    };
    let mut all: Vec<Explanation> = rules().map(rule).collect();
    all.extend(ckpt_cli::diagnostics());
    all
}

fn list_targets(out: &mut impl Write) -> Result<()> {
    writeln!(
        out,
        "A name is v<isa>[-feature…], or a part; +feature adds to either (pxa270+nwfpe).\n"
    )?;
    writeln!(out, "Architectures")?;
    for (name, title) in GRAMMAR_ISAS {
        writeln!(out, "  {name:20} {title}")?;
    }
    writeln!(out, "\nFeatures")?;
    for (name, title, _) in GRAMMAR_FEATURES {
        writeln!(out, "  {name:20} {title}")?;
    }
    let plain = Feature::ALL.iter().filter(|feature| {
        !GRAMMAR_FEATURES
            .iter()
            .any(|(name, ..)| *name == feature.name())
    });
    for feature in plain {
        writeln!(out, "  {:20} {}", feature.name(), feature.what())?;
    }
    writeln!(out, "\nParts")?;
    for part in parts() {
        writeln!(out, "  {:20} {}", part.target.name, part.target.title)?;
        if !part.aliases.is_empty() {
            writeln!(out, "  {:20}   also {}", "", part.aliases.join(", "))?;
        }
    }
    Ok(())
}
