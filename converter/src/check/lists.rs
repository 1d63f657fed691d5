//! What can be asked without an image: lists, explanations, fingerprints.

use std::io::Write;

use anyhow::{Result, bail};
use ckpt_compat::Feature;
use ckpt_compat::rules::{rule, rules};
use ckpt_compat::target::{GRAMMAR_FEATURES, GRAMMAR_ISAS, parts};

use super::{Arguments, machines};

/// Prints what was asked; false if nothing of the kind was.
pub(super) fn print(arguments: &Arguments, out: &mut impl Write) -> Result<bool> {
    if let Some(id) = &arguments.explain {
        explain(id, out)?;
    } else if arguments.list_rules {
        for rule in rules() {
            writeln!(out, "{:16} {:6} {}", rule.id, rule.layer, rule.title)?;
        }
    } else if arguments.list_targets {
        list_targets(out)?;
    } else if arguments.fingerprint {
        write!(out, "{}", machines::fingerprint(arguments)?)?;
    } else if !arguments.baseline.is_empty() {
        write!(out, "{}", machines::baseline(arguments)?)?;
    } else {
        return Ok(false);
    }
    Ok(true)
}

fn explain(id: &str, out: &mut impl Write) -> Result<()> {
    let Some(rule) = rule(id) else {
        let near: Vec<&str> = rules()
            .map(|rule| rule.id)
            .filter(|known| known.contains(id) || id.contains(known))
            .collect();
        let hint = if near.is_empty() {
            String::new()
        } else {
            format!(" (did you mean {}?)", near.join(", "))
        };
        bail!("no rule \"{id}\"{hint}; --list-rules prints them all");
    };
    writeln!(out, "{} — {} (layer {})\n", rule.id, rule.title, rule.layer)?;
    writeln!(out, "Why: {}\n", rule.rationale)?;
    writeln!(out, "What to do: {}", rule.remedy)?;
    Ok(())
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
