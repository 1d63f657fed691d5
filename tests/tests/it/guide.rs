//! The pages of the guide do what they say: every command in a `console` block is run and its output compared; links
//! lead somewhere; generated pages are fresh.
//!
//! In a block a line that begins with `$` is a command for `sh` (continued by `\`), what follows is what it prints,
//! errors too. A line `…` stands for any number of lines, `…` at the end of a line for its rest. Where the exit status
//! is not 0, `[exit status N]` follows. `CKPT_BLESS=1` writes what is printed now.

use ckpt_tests::{programs, reference, tools};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

fn book() -> PathBuf {
    Path::new(ROOT).join("format-spec")
}

fn blessing() -> bool {
    std::env::var_os("CKPT_BLESS").is_some()
}

/// A directory as the pages assume it: the samples, and dumps of real processes.
fn directory() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let link = |from: &str, to: &str| {
        let from = fs::canonicalize(Path::new(ROOT).join(from)).unwrap();
        std::os::unix::fs::symlink(from, directory.path().join(to)).unwrap();
    };
    link("samples/images", "images");
    link("converter/bridge/tests/data/real/naked/criu", "naked");
    directory
}

/// Runs a command as a reader would type it, on a terminal of 80 columns that shows no colours.
fn run(command: &str, directory: &Path, programs: &Path) -> String {
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let output = Command::new("sh")
        .args(["-c", &format!("exec 2>&1\n{command}")])
        .current_dir(directory)
        .env("PATH", path)
        .env("LC_ALL", "C.UTF-8")
        .env("COLUMNS", "80")
        .env("CKPT_SOURCE", fs::canonicalize(ROOT).unwrap())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env_remove("NO_COLOR")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let mut text = String::from_utf8(output.stdout).unwrap();
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    match output.status.code() {
        Some(0) => {}
        Some(code) => writeln!(text, "[exit status {code}]").unwrap(),
        None => text.push_str("[ended by a signal]\n"),
    }
    text
}

/// Whether output is as a page shows it.
fn matches(shown: &[&str], printed: &[&str]) -> bool {
    match (shown.split_first(), printed.split_first()) {
        (None, None) => true,
        (Some((&"…", rest)), _) => {
            (0..=printed.len()).any(|skipped| matches(rest, &printed[skipped..]))
        }
        (Some((line, shown)), Some((printed_line, printed))) => {
            let same = match line.strip_suffix('…') {
                Some(start) => printed_line.starts_with(start),
                None => line.trim_end() == printed_line.trim_end(),
            };
            same && matches(shown, printed)
        }
        _ => false,
    }
}

/// Runs the blocks of a page; its text with what was printed, and what differs.
fn replay(page: &str, directory: &Path, programs: &Path) -> (String, Vec<String>) {
    let mut text = String::new();
    let mut faults = Vec::new();
    let mut lines = page.lines().peekable();
    let mut in_console = false;
    while let Some(line) = lines.next() {
        writeln!(text, "{line}").unwrap();
        if line.starts_with("```") {
            in_console = !in_console && line == "```console";
        }
        let Some(command) = line.strip_prefix("$ ").filter(|_| in_console) else {
            continue;
        };
        let mut command = command.to_owned();
        while command.ends_with('\\') {
            let more = lines.next().unwrap();
            writeln!(text, "{more}").unwrap();
            write!(command, "\n{more}").unwrap();
        }
        let mut shown = Vec::new();
        while let Some(line) =
            lines.next_if(|line| !line.starts_with("$ ") && !line.starts_with("```"))
        {
            shown.push(line);
        }
        let printed = run(&command, directory, programs);
        let printed_lines: Vec<&str> = printed.lines().collect();
        let blank = shown.last().is_some_and(|line| line.is_empty());
        let compared = if blank {
            &shown[..shown.len() - 1]
        } else {
            &shown[..]
        };
        if matches(compared, &printed_lines) {
            for line in &shown {
                writeln!(text, "{line}").unwrap();
            }
        } else {
            faults.push(format!(
                "$ {command}\nshown:\n{}\nprinted:\n{printed}",
                compared.join("\n")
            ));
            text.push_str(&printed);
            if blank {
                text.push('\n');
            }
        }
    }
    (text, faults)
}

fn pages() -> Vec<PathBuf> {
    let mut pages: Vec<PathBuf> = fs::read_dir(book().join("guide"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "md"))
        .collect();
    pages.sort();
    pages
}

#[test]
fn every_command_of_the_guide_prints_what_the_page_shows() {
    if !tools::have(&["jq", "file", "python3"]) {
        return;
    }
    let mut faults = Vec::new();
    for path in pages() {
        let page = fs::read_to_string(&path).unwrap();
        let (text, wrong) = replay(&page, directory().path(), programs::folder());
        if blessing() {
            fs::write(&path, text).unwrap();
        }
        faults.extend(
            wrong
                .iter()
                .map(|wrong| format!("{}: {wrong}", path.display())),
        );
    }
    assert!(
        faults.is_empty() || blessing(),
        "CKPT_BLESS=1 accepts it:\n{}",
        faults.join("\n")
    );
}

#[test]
fn a_page_that_shows_something_else_is_found() {
    let directory = tempfile::tempdir().unwrap();
    let page = "```console\n$ echo one; echo two\none\ntwo\n$ echo long line\nlong…\n$ seq 9\n1\n…\n9\n$ false\n[exit status 1]\n```\n";
    let (text, faults) = replay(page, directory.path(), Path::new("/"));
    assert_eq!((text.as_str(), faults.len()), (page, 0), "{faults:?}");
    let wrong = page.replace("two\n$", "three\n$");
    let (text, faults) = replay(&wrong, directory.path(), Path::new("/"));
    assert_eq!((text.as_str(), faults.len()), (page, 1));
    let text_block = "```text\n$ false\n```\n";
    assert_eq!(
        replay(text_block, directory.path(), Path::new("/")),
        (text_block.to_owned(), Vec::new())
    );
}

/// Targets of the links in Markdown, without those into the web.
fn links(page: &str) -> Vec<&str> {
    let inline = page.split("](").skip(1);
    inline
        .filter_map(|rest| rest.split(')').next())
        .filter(|target| !target.contains("://") && !target.starts_with('#'))
        .collect()
}

#[test]
fn links_of_the_documents_lead_somewhere() {
    let root = Path::new(ROOT);
    let mut documents = pages();
    documents.extend(["SUMMARY.md", "SPEC.md"].map(|name| book().join(name)));
    documents.extend(
        [
            "README.md",
            "ARCHITECTURE.md",
            "CONTRIBUTING.md",
            "SECURITY.md",
        ]
        .map(|name| root.join(name)),
    );
    for path in documents {
        let text = fs::read_to_string(&path).unwrap();
        for link in links(&text) {
            let (file, _) = link.split_once('#').unwrap_or((link, ""));
            let target = path.parent().unwrap().join(file);
            assert!(target.exists(), "{}: {link} leads nowhere", path.display());
        }
    }
}

#[test]
fn generated_pages_are_fresh() {
    for (name, text) in reference::pages() {
        let path = book().join(name);
        if blessing() {
            fs::write(&path, &text).unwrap();
        }
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == text,
            "{}: cargo xtask docs writes it anew",
            path.display()
        );
    }
}

#[test]
fn every_page_is_in_the_table_of_contents() {
    let summary = fs::read_to_string(book().join("SUMMARY.md")).unwrap();
    for path in pages() {
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(summary.contains(&format!("(guide/{name})")), "{name}");
    }
}
