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
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ckpt_compat::gather::{Options, from_elf};
use ckpt_compat::{Target, Verdict, check};
use programs::PROGRAMS;

/// QEMU's models and the targets that describe them. User emulation comes with FPA emulation, calls of both ABIs
/// and swp on every model.
const MODELS: [(&str, &str); 13] = [
    ("sa1110", "sa1110"),
    ("ti925t", "arm925t"),
    ("pxa255", "pxa255"),
    ("pxa270", "pxa270"),
    ("arm926", "qemu-arm926"),
    ("arm1026", "qemu-arm1026"),
    ("arm1136-r2", "arm1136-r2"),
    ("arm1136", "arm1136"),
    ("arm1176", "arm1176"),
    ("arm11mpcore", "arm11mpcore"),
    ("cortex-a8", "cortex-a8"),
    ("cortex-a9", "cortex-a9"),
    ("cortex-a15", "cortex-a15"),
];

fn targets() -> Vec<(&'static str, Target)> {
    let with = |name: &str| Target::named(&format!("{name}+nwfpe+oabi-compat+swp")).unwrap();
    let mut all: Vec<_> = MODELS
        .iter()
        .map(|(model, target)| (*model, with(target)))
        .collect();
    all.push(("cortex-a7", with("cortex-a7")));
    all.push(("max", with("qemu-max")));
    all
}

fn build(directory: &Path, name: &str, body: &str) -> PathBuf {
    let (source, object, program) = (
        directory.join(format!("{name}.s")),
        directory.join(format!("{name}.o")),
        directory.join(name),
    );
    std::fs::write(&source, programs::source(body)).unwrap();
    for (command, arguments) in [
        (
            "arm-linux-gnueabi-as",
            vec![
                "-mfpu=crypto-neon-fp-armv8",
                "-o",
                object.to_str().unwrap(),
                source.to_str().unwrap(),
            ],
        ),
        (
            "arm-linux-gnueabi-ld",
            vec!["-o", program.to_str().unwrap(), object.to_str().unwrap()],
        ),
    ] {
        let status = Command::new(command)
            .args(&arguments)
            .stderr(Stdio::inherit())
            .status()
            .unwrap_or_else(|error| {
                panic!("{command} is needed (apt-get install binutils-arm-linux-gnueabi): {error}")
            });
        assert!(status.success(), "{command} on {name}");
    }
    program
}

/// Does the program die of SIGILL (or SIGSEGV) on the model?
fn dies(program: &Path, model: &str) -> bool {
    use std::os::unix::process::ExitStatusExt as _;
    let status = Command::new("qemu-arm")
        .args(["-cpu", model])
        .arg(program)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap_or_else(|error| panic!("qemu-arm is needed (apt-get install qemu-user): {error}"));
    match (status.signal(), status.code()) {
        // Before v6T2 the halves of a 32-bit Thumb instruction act as parts of a long call: into nowhere.
        (Some(4 | 11), _) | (_, Some(132 | 139)) => true,
        (None, Some(0)) => false,
        other => panic!("{} on {model} ended with {other:?}", program.display()),
    }
}

/// Where the emulator is more generous than the silicon that it is named after: (program, models, why).
const GENEROUS: &[(&str, &[&str], &str)] = &[
    (
        "ldrht",
        BEFORE_V6T2,
        "the emulator decodes ldrht on every model; it came with v6T2 (DDI0406C A8.8.83)",
    ),
    (
        "midr",
        &["max"],
        "user emulation shows identification registers on v8 models; 32-bit kernels do not",
    ),
    (
        "neon-fma",
        &["cortex-a8", "cortex-a9"],
        "fused Advanced SIMD came with VFPv4 (DDI0406C A7.4.1)",
    ),
    (
        "short-vectors",
        &["max"],
        "the model max keeps short vectors, which v8 has not (DDI0487 G8.2)",
    ),
];

const BEFORE_V6T2: &[&str] = &[
    "sa1110",
    "ti925t",
    "pxa255",
    "pxa270",
    "arm926",
    "arm1026",
    "arm1136-r2",
    "arm1136",
    "arm1176",
    "arm11mpcore",
];

/// The emulator's translator itself crashes here ("tcg fatal error"), so it says nothing of the processor.
const CRASHES: [(&str, &str); 1] = [("xscale-mia", "pxa255")];

fn is_generous(program: &str, model: &str) -> bool {
    GENEROUS
        .iter()
        .any(|(name, models, _)| *name == program && models.contains(&model))
}

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
        let program = build(&directory, name, body);
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
