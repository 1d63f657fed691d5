//! What the user is told about losses.

use crate::args::Args;
use ckpt_convert::loss::{Code, Gravity};
use ckpt_convert::{Error, Losses};
use serde_json::json;
use std::collections::BTreeMap;

/// How many losses of a kind are printed; all kept ones are in the report.
const SHOWN: usize = 10;

/// Prints losses and notes to standard error.
pub(crate) fn print(args: &Args, losses: &Losses) {
    if args.quiet {
        return;
    }
    let mut shown: BTreeMap<&str, usize> = BTreeMap::new();
    for loss in losses.kept() {
        let count = shown.entry(loss.code).or_insert(0);
        *count += 1;
        if *count <= SHOWN {
            eprintln!("ckpt-convert: {loss}");
        }
    }
    for (code, count) in losses.counts() {
        let more = count.saturating_sub(SHOWN as u64);
        if more > 0 {
            eprintln!("ckpt-convert: {more} more of {code}");
        }
    }
    if losses.refused() {
        eprintln!("ckpt-convert: refused; --allow CODE accepts a loss, --explain CODE tells more");
    }
}

/// Writes the report file, if one is wanted.
pub(crate) fn write(args: &Args, losses: &Losses, error: Option<&Error>) -> Result<(), Error> {
    let Some(path) = &args.report else {
        return Ok(());
    };
    let report = json!({
        "schema": 1,
        "input": args.input.display().to_string(),
        "refused": losses.refused(),
        "error": error.map(ToString::to_string),
        "counts": losses.counts(),
        "losses": losses.kept(),
    });
    let mut text = serde_json::to_vec_pretty(&report).map_err(std::io::Error::from)?;
    text.push(b'\n');
    std::fs::write(path, text)?;
    Ok(())
}

/// In words.
pub(crate) fn gravity(code: Code) -> &'static str {
    match code.gravity() {
        Gravity::Note => "note, always allowed",
        Gravity::Loss => "loss",
        Gravity::Fatal => "cannot be allowed",
    }
}
