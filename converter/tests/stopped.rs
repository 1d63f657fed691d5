//! Verdicts for images of stopped programs against a processor emulator: each program stops itself half way, the
//! emulator writes its core (without floating point, without names of files), and from there it would go on on other
//! models. Needs `qemu-arm` and `arm-linux-gnueabi-as`; without them the test says so.

#[path = "../compat/tests/programs/mod.rs"]
mod programs;
#[path = "../../tests/src/tools.rs"]
#[expect(unreachable_pub, reason = "a module of a library elsewhere")]
mod tools;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use programs::{CRASHES, PROGRAMS, build, dies, is_generous, targets};
use serde_json::Value;

/// With an argument the program ends by SIGABRT here and leaves its core; without, it goes on.
const STOP: &str = " ldr r4, [sp]\n cmp r4, #2\n bne 9f\n mov r7, #20\n svc #0\n mov r1, #6\n mov r7, #37\n svc #0\n9:\n";

/// Models on which the programs go on.
const GO_ON: [&str; 7] = [
    "sa1110",
    "pxa270",
    "arm926",
    "arm1176",
    "cortex-a8",
    "cortex-a15",
    "max",
];

/// The core that a program leaves on the model `max`.
fn core_of(directory: &Path, program: &Path, name: &str) -> PathBuf {
    let place = directory.join(format!("{name}.d"));
    let _ = std::fs::remove_dir_all(&place);
    std::fs::create_dir_all(&place).unwrap();
    Command::new("sh")
        .args([
            "-c",
            "ulimit -c unlimited; exec qemu-arm -cpu max \"$0\" stop",
        ])
        .arg(program)
        .current_dir(&place)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    // The machine below may write a core of the emulator itself beside it.
    let files = std::fs::read_dir(&place).unwrap();
    files
        .map(|entry| entry.unwrap().path())
        .find(|path| {
            path.extension()
                .is_some_and(|extension| extension == "core")
        })
        .expect("a core file")
}

fn judge(core: &Path, sysroot: &Path, names: &[String]) -> Vec<Value> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ckpt-check"));
    command.args(["--format", "json", "--sysroot"]).arg(sysroot);
    for name in names {
        command.args(["--target", name]);
    }
    let output = command.arg(core).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let targets = report["images"][0]["targets"].as_array().unwrap();
    targets.clone()
}

/// The verdict without what the image never held: whether the thread runs is what the emulator can tell.
fn run_verdict(target: &Value) -> &str {
    let findings = target["findings"].as_array().unwrap();
    let order = ["restorable", "conditional", "unknown", "not-restorable"];
    let verdicts = findings
        .iter()
        .filter(|finding| finding["layer"] != "loss")
        .map(|finding| finding["verdict"].as_str().unwrap());
    verdicts
        .max_by_key(|verdict| order.iter().position(|known| known == verdict))
        .unwrap()
}

#[test]
fn stopped_programs_go_on_where_the_verdict_says() {
    if !tools::have(&["qemu-arm", "arm-linux-gnueabi-as", "arm-linux-gnueabi-ld"]) {
        return;
    }
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("stopped-programs");
    std::fs::create_dir_all(&directory).unwrap();
    let targets: Vec<_> = targets()
        .into_iter()
        .filter(|(model, _)| GO_ON.contains(model))
        .collect();
    let names: Vec<String> = targets
        .iter()
        .map(|(_, target)| target.name.clone())
        .collect();
    let mut counts: BTreeMap<(String, bool), u32> = BTreeMap::new();
    let mut wrong = Vec::new();
    let mut open = Vec::new();
    for (name, body) in PROGRAMS {
        let text = programs::source(&format!("{STOP}{body}"));
        let program = build(&directory, name, &text);
        let core = core_of(&directory, &program, name);
        let judged = judge(&core, &directory, &names);
        std::fs::remove_dir_all(core.parent().unwrap()).unwrap();
        let mut row = String::new();
        for ((model, _), target) in targets.iter().zip(&judged) {
            if CRASHES.contains(&(name, model)) {
                continue;
            }
            let (dies, verdict) = (dies(&program, model), run_verdict(target));
            row.push_str(match (verdict, dies) {
                ("restorable", false) => " +",
                ("not-restorable", true) => " -",
                ("conditional" | "unknown", _) => " ?",
                _ => " !",
            });
            let refused = verdict == "not-restorable" && !dies && !is_generous(name, model);
            if verdict == "restorable" && dies || refused {
                wrong.push(format!("{name} on {model}: {verdict}, SIGILL {dies}"));
            }
            if matches!(verdict, "conditional" | "unknown") {
                open.push(format!("{name} on {model}: {verdict}"));
            }
            *counts.entry((verdict.to_owned(), dies)).or_default() += 1;
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

/// A program without floating-point instructions that stops and then prints; its C library asks for the rounding mode of a
/// unit that AT_HWCAP named where it prints floating-point numbers.
fn printing(directory: &Path, name: &str, prints: &str) -> PathBuf {
    let source = format!(
        "#include <signal.h>\n#include <stdio.h>\n#include <string.h>\nvolatile int i = 3; volatile double d = 2.5;\n\
         int main(int argc, char **argv) {{ if (argc > 1) raise(SIGABRT); {prints}; return 0; }}\n"
    );
    let (text, program) = (
        directory.join(format!("{name}.c")),
        directory.join(format!("printing-{name}")),
    );
    std::fs::write(&text, source).unwrap();
    let built = Command::new("arm-linux-gnueabi-gcc")
        .args(["-O2", "-w", "-static", "-o"])
        .args([&program, &text])
        .status()
        .unwrap();
    assert!(built.success(), "{name}");
    program
}

#[test]
fn a_soft_float_program_needs_a_unit_only_where_it_may_print_floating_point_numbers() {
    if !tools::have(&["qemu-arm", "arm-linux-gnueabi-gcc"]) {
        return;
    }
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("printing-programs");
    std::fs::create_dir_all(&directory).unwrap();
    for (name, prints, verdict) in [
        ("integer", "printf(\"%d\\n\", i)", "restorable"),
        ("floating", "printf(\"%8.2f\\n\", d)", "conditional"),
        (
            "made",
            "char f[8]; f[0] = '%'; f[1] = \"dxfge\"[i]; f[2] = 0; printf(f, d)",
            "conditional",
        ),
        (
            "read",
            "char f[64]; if (fgets(f, 64, stdin)) printf(f, d)",
            "conditional",
        ),
        (
            "joined",
            "static char f[32] = \"%\"; strcat(f, \"8.2\"); strcat(f, i > 2 ? \"f\" : \"d\"); printf(f, d)",
            "conditional",
        ),
    ] {
        let program = printing(&directory, name, prints);
        let core = core_of(&directory, &program, name);
        let judged = judge(&core, Path::new("/"), &["v6k".to_owned()]);
        std::fs::remove_dir_all(core.parent().unwrap()).unwrap();
        assert_eq!(run_verdict(&judged[0]), verdict, "{name}: {}", judged[0]);
    }
}
