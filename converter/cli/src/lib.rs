//! What the programs share on the command line, so that a user who knows one knows them all: `--color`, `--explain`,
//! `--completions` and `--man`, and that what they write is there as a whole or not at all.

#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::print_stdout,
        clippy::print_stderr
    )
)]

mod explain;
mod man;
pub mod output;

pub use clap_complete::Shell;
pub use explain::{Explanation, diagnostics, did_you_mean, near};
pub use man::man;

use clap::{Args, Command, ValueEnum};
use std::fmt::Display;
use std::io::{self, Write};

/// Prints a line to standard error. Whoever has stopped reading it (`2>&1 | head`) wants no more of them, and is no
/// reason to fail.
pub fn say(line: impl Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Columns of help texts and explanations.
pub const WIDTH: usize = 80;

/// Options that every program has, beside its own `-q` and `-v`.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "About the program")]
pub struct Shared {
    /// When to colour: auto is on a terminal, unless NO_COLOR is set
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = Colour::Auto, hide_possible_values = true)]
    pub color: Colour,
    /// Say what a code in a message means and what to do, for instance P003; all lists every code
    #[arg(long, value_name = "CODE")]
    pub explain: Option<String>,
    /// Print what makes a shell complete the options: bash, elvish, fish, powershell, zsh
    #[arg(long, value_name = "SHELL", hide_possible_values = true)]
    pub completions: Option<Shell>,
    /// Print the manual page (to read it: --man | man -l -)
    #[arg(long)]
    pub man: bool,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Colour {
    /// Whether to colour what goes to a terminal or not.
    pub fn wanted(self, is_terminal: bool) -> bool {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        match self {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => is_terminal && !refused,
        }
    }
}

impl Shared {
    /// What was asked about the program itself; `None` if it has work to do.
    ///
    /// # Errors
    /// A code that does not exist, with those that are like it.
    pub fn answer(
        &self,
        mut command: Command,
        explanations: impl FnOnce() -> Vec<Explanation>,
    ) -> Option<Result<Vec<u8>, String>> {
        if self.man {
            return Some(Ok(man(&command)));
        }
        if let Some(shell) = self.completions {
            let name = command.get_name().to_owned();
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut command, name, &mut script);
            return Some(Ok(script));
        }
        let code = self.explain.as_deref()?;
        Some(explain::explain(code, &explanations()).map(String::into_bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory as _, Parser};

    /// A program for tests.
    ///
    /// It has a long description.
    #[derive(Parser)]
    #[command(
        name = "program",
        version,
        after_help = "Examples:\n  program .hidden\n\nExit status: 0 fine."
    )]
    struct Program {
        #[command(flatten)]
        shared: Shared,
    }

    fn answer(words: &[&str]) -> Option<Result<String, String>> {
        let program = Program::try_parse_from([&["program"], words].concat()).unwrap();
        let answer = program.shared.answer(Program::command(), diagnostics)?;
        Some(answer.map(|bytes| String::from_utf8(bytes).unwrap()))
    }

    #[test]
    fn without_a_question_there_is_work() {
        assert_eq!(answer(&[]), None);
        assert_eq!(answer(&["--color", "never"]), None);
    }

    #[test]
    fn every_shell_gets_a_script_with_the_options() {
        for shell in Shell::value_variants() {
            let script = answer(&["--completions", &shell.to_string()]);
            assert!(script.unwrap().unwrap().contains("explain"), "{shell}");
        }
    }

    #[test]
    fn the_manual_has_sections_for_examples_and_exit_status() {
        let page = answer(&["--man"]).unwrap().unwrap();
        for section in [
            ".SH NAME",
            ".SH SYNOPSIS",
            ".SH DESCRIPTION",
            ".SH OPTIONS",
            ".SH EXAMPLES",
            ".SH \"EXIT STATUS\"",
        ] {
            assert!(page.contains(section), "{section}: {page}");
        }
        assert!(page.contains("program .hidden"), "{page}");
        assert!(!page.contains("\n.hidden"), "{page}");
    }

    #[test]
    fn codes_are_explained_and_misspelt_ones_suggested() {
        let text = answer(&["--explain", "p003"]).unwrap().unwrap();
        assert!(
            text.starts_with("P003 (error): image ends inside a record\n\n"),
            "{text}"
        );
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH));
        let all = answer(&["--explain", "all"]).unwrap().unwrap();
        assert_eq!(
            all.lines().count(),
            ckpt_parser::diagnostic::Code::ALL.len()
        );
        let unknown = answer(&["--explain", "P0O3"]).unwrap().unwrap_err();
        assert!(
            unknown.contains("P003") && unknown.contains("--explain all"),
            "{unknown}"
        );
    }
}
