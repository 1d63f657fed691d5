//! `--explain`: what a code means and what to do about it.

use crate::WIDTH;
use ckpt_parser::diagnostic::Code;
use std::fmt::Write as _;

/// What is to be said about a code.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// Stable code, as messages name it.
    pub code: String,
    /// How grave it is, or where it belongs, in a word or two.
    pub kind: String,
    /// One line.
    pub title: String,
    /// Paragraphs, separated by empty lines.
    pub text: String,
}

/// The codes of the reader, which every program shows.
pub fn diagnostics() -> Vec<Explanation> {
    let explanation = |code: &Code| {
        let info = code.info();
        Explanation {
            code: info.code.to_owned(),
            kind: info.severity.name().to_owned(),
            title: info.title.to_owned(),
            text: info.help.to_owned(),
        }
    };
    Code::ALL.iter().map(explanation).collect()
}

/// One code in full, or all of them by their titles.
pub(crate) fn explain(code: &str, known: &[Explanation]) -> Result<String, String> {
    if code.eq_ignore_ascii_case("all") {
        let width = known.iter().map(|one| one.code.len()).max().unwrap_or(0);
        return Ok(known.iter().fold(String::new(), |mut list, one| {
            let _ = writeln!(list, "{:width$}  {:14}  {}", one.code, one.kind, one.title);
            list
        }));
    }
    let Some(one) = known.iter().find(|one| one.code.eq_ignore_ascii_case(code)) else {
        let near = near(code, known.iter().map(|one| one.code.as_str()));
        let hint = did_you_mean(&near);
        return Err(format!(
            "--explain {code}: no such code{hint}; --explain all lists them"
        ));
    };
    let mut text = format!("{} ({}): {}\n", one.code, one.kind, one.title);
    for paragraph in one.text.split("\n\n") {
        let _ = write!(text, "\n{}\n", textwrap::fill(paragraph, WIDTH));
    }
    Ok(text)
}

/// The words that may have been meant, in brackets behind a blank; nothing if there are none.
pub fn did_you_mean(near: &[&str]) -> String {
    match near {
        [] => String::new(),
        near => format!(" (did you mean {}?)", near.join(", ")),
    }
}

/// Words that look like a misspelt one, or are part of it or it of them; the most similar first.
pub fn near<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let word = word.to_ascii_lowercase();
    let likeness = |other: &str| {
        let other = other.to_ascii_lowercase();
        let part = word.len() > 2 && (other.contains(&word) || word.contains(&other));
        strsim::jaro_winkler(&word, &other).max(if part { 0.95 } else { 0.0 })
    };
    let mut near: Vec<(f64, &str)> = known
        .map(|other| (likeness(other), other))
        .filter(|(likeness, _)| *likeness > 0.8)
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0));
    near.into_iter().take(3).map(|(_, other)| other).collect()
}
