//! Attacks are answered, in bounded memory, and write nothing that was not asked for.

use ckpt_tests::hostile::{Case, below, cases};
use std::fs;

/// How many things a flood has here; the page in the documents has a million.
const MANY: u64 = 20_000;

fn answers(case: &Case) -> Vec<String> {
    let outside = tempfile::tempdir().unwrap();
    let folder = outside.path().join("a/b/c");
    fs::create_dir_all(&folder).unwrap();
    (case.make)(&folder.join("IN"), MANY).unwrap();
    let mut wrong = Vec::new();
    for run in case.runs {
        let before = below(outside.path()).unwrap();
        let outcome = run.outcome(&folder).unwrap();
        if !outcome.is(run) {
            let (exit, err) = (outcome.exit, &outcome.stderr);
            let head: String = outcome.stdout.chars().take(1000).collect();
            let err: String = err.chars().take(1000).collect();
            wrong.push(format!(
                "{}: {}: wanted {} and {:?}, got {exit:?}\n--- stdout\n{head}\n--- stderr\n{err}",
                case.what, run.command, run.exit, run.says
            ));
        }
        let hostile = |text: &str| text.contains('\x1b');
        if hostile(&outcome.stdout) || hostile(&outcome.stderr) {
            wrong.push(format!("{}: an escape sequence came through", run.command));
        }
        let strange = below(outside.path()).unwrap().into_iter().filter(|path| {
            let name = path.strip_prefix(&folder).unwrap_or(path);
            let asked = name.to_string_lossy().starts_with("OUT");
            !(before.contains(path) || asked && outcome.exit == Some(0))
        });
        for path in strange {
            wrong.push(format!("{}: wrote {}", run.command, path.display()));
        }
        let _ = fs::remove_dir_all(folder.join("OUT"));
        let _ = fs::remove_file(folder.join("OUT"));
    }
    wrong
}

#[test]
fn every_attack_has_its_answer() {
    let wrong: Vec<String> = cases().flat_map(answers).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
