//! Verdicts against a processor emulator: small programs × processor models, SIGILL or not.
//!
//! Needs `qemu-arm` and `arm-linux-gnueabi-as` (Debian: qemu-user, binutils-arm-linux-gnueabi); without them the
//! test says so, and fails where tools are required. No `restorable` may be wrong, no `not-restorable` may be wrong, and fewer than one in
//! ten answers may be left open.

mod programs;
#[path = "../../../tests/src/tools.rs"]
#[expect(unreachable_pub, reason = "a module of a library elsewhere")]
mod tools;

use std::collections::BTreeMap;
use std::path::PathBuf;

use ckpt_compat::gather::{Options, from_elf};
use ckpt_compat::{Verdict, check};
use programs::{CRASHES, PROGRAMS, build, dies, is_generous, targets};

#[test]
fn verdicts_agree_with_the_emulator() {
    if !tools::have(&["qemu-arm", "arm-linux-gnueabi-as", "arm-linux-gnueabi-ld"]) {
        return;
    }
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("qemu-programs");
    std::fs::create_dir_all(&directory).unwrap();
    let targets = targets();
    let mut counts: BTreeMap<(Verdict, bool), u32> = BTreeMap::new();
    let mut wrong = Vec::new();
    let mut open = Vec::new();
    for (name, body) in PROGRAMS {
        let program = build(&directory, name, &programs::source(body));
        let file = std::fs::File::open(&program).unwrap();
        let evidence = from_elf(&file, name, &Options::default()).unwrap();
        let mut row = String::new();
        for (model, target) in &targets {
            if CRASHES.contains(&(name, model)) {
                continue;
            }
            let (dies, assessment) = (dies(&program, model), check(&evidence, target, None));
            let verdict = assessment.verdict();
            row.push_str(match (verdict, dies) {
                (Verdict::Restorable, false) => " +",
                (Verdict::NotRestorable, true) => " -",
                (Verdict::Conditional | Verdict::Unknown, _) => " ?",
                _ => " !",
            });
            let false_restorable = verdict == Verdict::Restorable && dies;
            let false_refusal =
                verdict == Verdict::NotRestorable && !dies && !is_generous(name, model);
            if false_restorable || false_refusal {
                let why: Vec<String> = assessment
                    .findings
                    .iter()
                    .filter(|finding| {
                        finding.outcome.verdict == verdict && verdict != Verdict::Restorable
                    })
                    .map(|finding| format!("{}: {}", finding.rule.id, finding.outcome.requirement))
                    .collect();
                wrong.push(format!(
                    "{name} on {model}: {verdict}, SIGILL {dies}; {}",
                    why.join(" | ")
                ));
            }
            if matches!(verdict, Verdict::Conditional | Verdict::Unknown) {
                let why = assessment
                    .findings
                    .iter()
                    .find(|finding| finding.outcome.verdict == verdict)
                    .unwrap();
                open.push(format!(
                    "{name} on {model}: {verdict} {} {:?}",
                    why.rule.id, why.outcome.condition
                ));
            }
            *counts.entry((verdict, dies)).or_default() += 1;
        }
        println!("{name:14}{row}");
    }
    for ((verdict, dies), count) in &counts {
        println!(
            "{verdict:15} {} {count}",
            if *dies { "SIGILL" } else { "runs  " }
        );
    }
    println!("{}", open.join("\n"));
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    let total: u32 = counts.values().sum();
    assert!(
        open.len() * 10 < usize::try_from(total).unwrap(),
        "{} of {total} left open",
        open.len()
    );
}
