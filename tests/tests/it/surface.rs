//! What a user meets first: help, manual pages and completions of the three programs, and that they are alike.

use ckpt_tests::{programs, tools};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const PROGRAMS: [&str; 3] = ["ckpt-inspect", "ckpt-check", "ckpt-convert"];

/// Columns of a terminal that everybody has.
const WIDTH: usize = 80;

fn run(program: &Path, args: &[&str]) -> Output {
    Command::new(program)
        .args(args)
        .env_remove("COLUMNS")
        .output()
        .unwrap()
}

fn text(program: &Path, args: &[&str]) -> String {
    let output = run(program, args);
    assert!(
        output.status.success(),
        "{} {args:?}: {}",
        program.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// All programs by name.
fn all() -> [(&'static str, PathBuf); 3] {
    PROGRAMS.map(|name| (name, programs::path(name)))
}

#[test]
fn help_manual_and_completions_are_as_reviewed() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/surface");
    for (name, program) in all() {
        for (args, end) in [
            (&["--help"][..], "help"),
            (&["--man"], "man"),
            (&["--completions", "fish"], "fish"),
        ] {
            let file = kept.join(format!("{name}.{end}"));
            let now = text(&program, args);
            if std::env::var_os("CKPT_BLESS").is_some() {
                fs::create_dir_all(&kept).unwrap();
                fs::write(&file, &now).unwrap();
            }
            let reviewed = fs::read_to_string(&file).unwrap_or_default();
            assert!(
                reviewed == now,
                "{}: CKPT_BLESS=1 accepts it",
                file.display()
            );
        }
    }
}

#[test]
fn help_fits_a_terminal_and_has_examples_and_exit_status() {
    for (name, program) in all() {
        for flag in ["-h", "--help"] {
            let help = text(&program, &[flag]);
            let wide: Vec<&str> = help
                .lines()
                .filter(|line| line.chars().count() > WIDTH)
                .collect();
            assert_eq!(wide, Vec::<&str>::new(), "{name} {flag}");
            for part in ["Usage:", "Examples:", "Exit status:"] {
                assert!(help.contains(part), "{name} {flag} has no {part}");
            }
        }
    }
}

#[test]
fn the_programs_share_their_flags() {
    for (name, program) in all() {
        let help = text(&program, &["--help"]);
        for flag in [
            "-o, --output",
            "--format",
            "-q, --quiet",
            "-v, --verbose",
            "--color",
            "--explain",
            "--limit",
            "--completions",
            "--man",
        ] {
            assert!(help.contains(flag), "{name} has no {flag}");
        }
        for code in ["P012", "p012"] {
            assert!(
                text(&program, &["--explain", code]).contains("magic number"),
                "{name}"
            );
        }
    }
}

#[test]
fn misspelt_words_are_answered_with_what_was_meant() {
    for (name, program) in all() {
        for (args, meant) in [
            (&["--quite"][..], "--quiet"),
            (&["--color", "alway"], "always"),
            (&["--explain", "P0O3"], "P003"),
        ] {
            let output = run(&program, args);
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(
                output.status.code() == Some(2) && said.contains(meant),
                "{name} {args:?}: {said}"
            );
        }
    }
}

#[test]
fn a_misspelt_format_is_answered_with_what_was_meant() {
    let output = run(&programs::path("ckpt-convert"), &["--to", "crui"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2));
    assert!(said.contains("did you mean criu?"), "{said}");
}

#[test]
fn completions_are_scripts_that_shells_read() {
    for (name, program) in all() {
        for shell in ["bash", "zsh", "fish"] {
            let there = Command::new(shell).arg("--version").output().is_ok();
            if !(there || (shell == "bash" && tools::missing("bash"))) {
                continue;
            }
            let directory = tempfile::tempdir().unwrap();
            let script = directory.path().join("script");
            fs::write(&script, text(&program, &["--completions", shell])).unwrap();
            let output = Command::new(shell).arg("-n").arg(&script).output().unwrap();
            assert!(output.status.success(), "{name} {shell}: {output:?}");
        }
        let script = text(&program, &["--completions", "bash"]);
        let ask = format!(
            "{script}\nCOMP_WORDS=({name} --expl); COMP_CWORD=1\n\
             $(complete -p {name} | sed 's/.*-F \\([^ ]*\\).*/\\1/') {name} --expl {name}\n\
             echo \"${{COMPREPLY[@]}}\""
        );
        let answer = Command::new("bash").args(["--norc", "-c", &ask]).output();
        if let Ok(answer) = answer {
            let said = String::from_utf8_lossy(&answer.stdout).into_owned();
            assert_eq!(
                said.trim(),
                "--explain",
                "{name}: {}",
                String::from_utf8_lossy(&answer.stderr)
            );
        }
    }
}

#[test]
fn manual_pages_are_read_without_a_warning() {
    if !Path::new("/usr/bin/man").exists() && !tools::missing("man") {
        return;
    }
    for (name, program) in all() {
        let directory = tempfile::tempdir().unwrap();
        let page = directory.path().join(format!("{name}.1"));
        fs::write(&page, text(&program, &["--man"])).unwrap();
        let output = Command::new("man")
            .args(["--warnings", "-l"])
            .arg(&page)
            .env("MANWIDTH", "80")
            .env("MANPAGER", "cat")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && said.is_empty(), "{name}: {said}");
        let shown = String::from_utf8_lossy(&output.stdout).into_owned();
        for section in [
            "NAME",
            "SYNOPSIS",
            "OPTIONS",
            "EXAMPLES",
            "EXIT STATUS",
            "SEE ALSO",
        ] {
            assert!(shown.contains(section), "{name} has no {section}");
        }
    }
}

/// What a shell offers for the last of some words.
fn offered(shell: &str, script: &Path, words: &[&str]) -> Vec<String> {
    // The function that the script names for a program gets the words, and says what it found in a variable.
    const BASH: &str = r#"
        . "$1"; shift
        function=$(complete -p "$1" | sed 's/.* -F \([^ ]*\) .*/\1/')
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
        "$function" "$1" "${COMP_WORDS[-1]}" "${COMP_WORDS[-2]}"
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    const FISH: &str = "source $argv[1]; complete -C \"$argv[2..]\"";
    let (script, words) = (script.to_str().unwrap(), words.iter());
    let output = match shell {
        "bash" => Command::new("bash")
            .args(["-c", BASH, "bash", script])
            .args(words)
            .output(),
        _ => Command::new("fish")
            .args(["--no-config", "-c", FISH, script])
            .args(words)
            .output(),
    };
    let lines = String::from_utf8(output.unwrap().stdout).unwrap();
    let offers = lines.lines().filter_map(|line| line.split('\t').next());
    offers.map(str::to_owned).collect()
}

#[test]
fn shells_complete_flags_and_their_values() {
    if !tools::have(&["bash", "fish"]) {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    for (name, program) in all() {
        for shell in ["bash", "fish"] {
            let script = directory.path().join(format!("{name}.{shell}"));
            fs::write(&script, text(&program, &["--completions", shell])).unwrap();
            let flags = offered(shell, &script, &[name, "--form"]);
            assert_eq!(flags, ["--format"], "{shell} {name}");
            let mut values = offered(shell, &script, &[name, "--color", ""]);
            values.sort();
            assert_eq!(values, ["always", "auto", "never"], "{shell} {name}");
        }
    }
}
