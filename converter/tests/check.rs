//! The program `ckpt-check` from outside: exit status, forms of the report, targets, policies, real images.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use ckpt_convert::loss::Code;
use serde_json::Value;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

fn sample(name: &str) -> String {
    format!("{ROOT}/samples/images/{name}.ckpt")
}

fn check(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ckpt-check"))
        .args(arguments)
        .env_remove("NO_COLOR")
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn json(arguments: &[&str]) -> Value {
    serde_json::from_slice(&check(arguments).stdout).unwrap()
}

fn scratch(name: &str, content: &str) -> String {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn exit_status_tells_refusal_from_failure() {
    let oabi = sample("oabi-r12-arm");
    let truncated = sample("truncated-r17-arm");
    let unknown = sample("minimal-r17-arm");
    let status = |arguments: &[&str]| check(arguments).status.code();
    assert_eq!(status(&[&oabi, "-t", "v7"]), Some(1));
    assert_eq!(status(&[&unknown, "-t", "v7"]), Some(0));
    assert_eq!(status(&[&unknown, "-t", "v7", "--strict"]), Some(1));
    assert_eq!(status(&[&truncated, "-t", "v7"]), Some(2));
    assert_eq!(status(&["no-such-file", "-t", "v7"]), Some(2));
    assert_eq!(status(&[&oabi, "-t", "v7-noen"]), Some(2));
    assert_eq!(status(&[&oabi]), Some(2));
    assert_eq!(status(&["-t", "v7"]), Some(2));
    // One image that cannot be judged does not hide behind one that is refused.
    assert_eq!(status(&[&oabi, &truncated, "-t", "v7"]), Some(2));
}

#[test]
fn a_damaged_image_is_neither_pass_nor_refusal_in_any_form() {
    let truncated = sample("truncated-r17-arm");
    for form in ["text", "json", "ndjson", "sarif", "junit", "markdown"] {
        let output = check(&[&truncated, "-t", "v7", "--format", form]);
        assert_eq!(output.status.code(), Some(2), "{form}");
        let all = text(&output.stdout) + &text(&output.stderr);
        assert!(all.contains("damaged image"), "{form}: {all}");
        assert!(!all.contains("restorable on"), "{form}: {all}");
    }
}

#[test]
fn a_typo_names_what_was_meant() {
    let error = text(&check(&[&sample("minimal-r17-arm"), "-t", "cortx-a9"]).stderr);
    assert!(
        error.contains("cortex-a9") && error.contains("--list-targets"),
        "{error}"
    );
    let error = text(&check(&["--explain", "thumb2"]).stderr);
    assert!(error.contains("isa.thumb2"), "{error}");
}

#[test]
fn the_nearest_target_says_what_it_is_worth() {
    let nearest = |name: &str| text(&check(&["--nearest", &sample(name)]).stdout);
    let unknown = nearest("minimal-r17-arm");
    assert!(
        unknown.contains("nearest target v7: needs ARMv7-A"),
        "{unknown}"
    );
    assert!(
        unknown.contains("no target is known to restore it"),
        "{unknown}"
    );
    let old = nearest("oabi-r12-arm");
    assert!(old.contains("OABI system calls, little-endian"), "{old}");
    let annotations = json(&["--annotations", "--nearest", &sample("oabi-r12-arm")]);
    assert_eq!(annotations["org.ckpt.check.needs.abi"], "oabi");
    assert_eq!(annotations["org.ckpt.check.needs.byte-order"], "little");
    let nowhere = nearest("tour-r17-s390x");
    assert!(nowhere.contains("--target NAME says why"), "{nowhere}");
}

#[test]
fn lists_and_explanations_name_everything() {
    let rules = text(&check(&["--list-rules"]).stdout);
    for rule in ckpt_compat::rules::rules() {
        assert!(rules.contains(rule.id));
        let explained = check(&["--explain", rule.id]);
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let said = words(&text(&explained.stdout));
        assert!(explained.status.success() && said.contains(&words(rule.remedy)));
    }
    let targets = text(&check(&["--list-targets"]).stdout);
    assert!(ckpt_compat::target::parts().count() >= 40);
    for part in ckpt_compat::target::parts() {
        assert!(targets.contains(&part.target.name));
    }
}

#[test]
fn json_names_rule_requirement_evidence_and_remedy() {
    let report = json(&[
        &sample("oabi-r12-arm"),
        "-t",
        "v7",
        "-t",
        "v5te-oabi",
        "--format",
        "json",
    ]);
    assert_eq!(report["schema"], 1);
    let image = &report["images"][0];
    assert_eq!(image["kind"], "linux-cr");
    assert_eq!(image["revision"], "R12");
    let findings = image["targets"][0]["findings"].as_array().unwrap();
    let finding = findings
        .iter()
        .find(|finding| finding["rule"] == "abi.personality")
        .unwrap();
    assert_eq!(finding["verdict"], "not-restorable");
    assert!(finding["requirement"].as_str().unwrap().contains("OABI"));
    assert!(!finding["evidence"].as_array().unwrap().is_empty() && finding["remedy"].is_string());
    let other = image["targets"][1]["findings"].as_array().unwrap();
    let finding = other
        .iter()
        .find(|finding| finding["rule"] == "abi.personality")
        .unwrap();
    assert_eq!(finding["verdict"], "restorable");
}

/// The place of a fact: a field of a record, an instruction at an address, a mapping or a file.
fn has_place(fact: &Value) -> bool {
    let is = |key: &str| !fact[key].is_null();
    let record = is("record") && is("offset") && is("field");
    record || is("address") && (is("instruction") || is("field")) || is("file")
}

#[test]
fn every_verdict_says_where_it_is_from() {
    let machines = ["v4t-nommu-oabi", "v5te", "v7-be8", "v8-aarch64-page64k"];
    let targets: Vec<&str> = machines.iter().flat_map(|name| ["-t", name]).collect();
    let mut placed = 0;
    for name in [
        "sensor-r18-arm",
        "units-r18-arm",
        "oabi-r12-arm",
        "vectors-r17-arm",
    ] {
        let image = sample(name);
        let report = json(&[&targets[..], &["--format", "ndjson", &image]].concat());
        let targets = report["targets"].as_array().unwrap().iter();
        let findings = targets.flat_map(|target| target["findings"].as_array().unwrap());
        for finding in findings.filter(|finding| !finding["requirement"].is_null()) {
            let facts = finding["evidence"].as_array().unwrap();
            // What is true of all of an image stands in no field of it.
            let of_all = ["isa.aarch32", "isa.endian"].contains(&finding["rule"].as_str().unwrap());
            // What is missing stands nowhere; the condition says who has it.
            let missing = finding["verdict"] == "unknown" && finding["condition"].is_string();
            let fact = facts.first().unwrap_or_else(|| panic!("{name}: {finding}"));
            assert!(of_all || missing || has_place(fact), "{name}: {finding:#}");
            placed += 1;
        }
    }
    assert!(placed > 100, "{placed}");
}

#[test]
fn other_forms_hold_the_same_verdicts() {
    let oabi = sample("oabi-r12-arm");
    let sarif = json(&[&oabi, "-t", "v7", "--format", "sarif"]);
    assert_eq!(sarif["version"], "2.1.0");
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert!(
        results
            .iter()
            .any(|result| result["ruleId"] == "abi.personality" && result["level"] == "error")
    );
    let odd = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("an image #1.ckpt");
    std::fs::copy(&oabi, &odd).unwrap();
    let sarif = json(&[odd.to_str().unwrap(), "-t", "v7", "--format", "sarif"]);
    let place = &sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    let uri = place["artifactLocation"]["uri"].as_str().unwrap();
    assert!(
        uri.starts_with("file:///") && uri.ends_with("/an%20image%20%231.ckpt"),
        "{uri}"
    );
    let junit = text(&check(&[&oabi, "-t", "v7", "--format", "junit"]).stdout);
    assert!(
        junit.contains("<failure message=\"not restorable\">"),
        "{junit}"
    );
    // What the exit status refuses fails in the files that a pipeline reads, too.
    let unknown = sample("minimal-r17-arm");
    let open = ["-t", "v7", "--format", "junit", &unknown];
    let junit = text(&check(&open).stdout);
    assert!(junit.contains("failures=\"0\" skipped=\"1\"") && junit.contains("<skipped "));
    let strict = check(&[&open[..], &["--strict"]].concat());
    let junit = text(&strict.stdout);
    assert_eq!(strict.status.code(), Some(1));
    assert!(
        junit.contains("failures=\"1\" skipped=\"0\"")
            && junit.contains("<failure message=\"unknown\">"),
        "{junit}"
    );
    let sarif = json(&[&unknown, "-t", "v7", "--format", "sarif", "--strict"]);
    let mut results = sarif["runs"][0]["results"].as_array().unwrap().iter();
    assert!(results.all(|result| result["level"] == "error"), "{sarif}");
    let markdown = text(&check(&[&oabi, "-t", "v7", "--format", "markdown"]).stdout);
    assert!(markdown.contains("✘ not-restorable"));
    let lines = text(&check(&[&oabi, &oabi, "-t", "v7", "--format", "ndjson"]).stdout);
    assert_eq!(
        lines
            .lines()
            .filter(|line| serde_json::from_str::<Value>(line).is_ok())
            .count(),
        2
    );
    let annotations = json(&[&oabi, "-t", "v7", "--annotations"]);
    assert_eq!(annotations["org.ckpt.check.verdict.v7"], "not-restorable");
}

#[test]
fn policies_set_the_bar() {
    let unknown = sample("minimal-r17-arm");
    let deny = scratch(
        "deny.toml",
        "targets = [\"v7-neon\"]\ndeny = [\"isa.version\"]\n",
    );
    assert_eq!(check(&[&unknown, "--policy", &deny]).status.code(), Some(1));
    let words = scratch("words.toml", "these are words\n");
    for option in ["--policy", "--target-file"] {
        let said = text(&check(&[&unknown, option, &words]).stderr);
        assert_eq!(said.matches("TOML parse error").count(), 1, "{said}");
    }
    let broken = scratch("broken.toml", "deny = [\"no.such.rule\"]\n");
    assert_eq!(
        check(&[&unknown, "--policy", &broken]).status.code(),
        Some(2)
    );
}

#[test]
fn fingerprints_make_a_baseline_that_is_a_target() {
    let cpuinfo = scratch(
        "cpuinfo",
        "processor : 0\nFeatures : half thumb fastmult vfp edsp vfpv3 vfpv3d16 tls\nCPU implementer : 0x41\nCPU architecture: 7\nCPU part : 0xc09\n",
    );
    let one = scratch(
        "one.toml",
        &text(&check(&["--fingerprint", "--target-cpuinfo", &cpuinfo]).stdout),
    );
    let two = scratch(
        "two.toml",
        &text(&check(&["--fingerprint", "-t", "cortex-a15"]).stdout),
    );
    let output = check(&["--baseline", &one, &two]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let baseline = ckpt_compat::Target::from_toml(&text(&output.stdout)).unwrap();
    for path in [&one, &two] {
        let machine =
            ckpt_compat::Target::from_toml(&std::fs::read_to_string(path).unwrap()).unwrap();
        assert!(machine.covers(&baseline), "{path}");
    }
    let file = scratch("baseline.toml", &text(&output.stdout));
    assert_eq!(
        check(&[&sample("minimal-r17-arm"), "--target-file", &file])
            .status
            .code(),
        Some(0)
    );
}

#[test]
fn colour_never_stands_alone() {
    let oabi = sample("oabi-r12-arm");
    let plain = text(&check(&[&oabi, "-t", "v7", "--color", "never"]).stdout);
    let coloured = text(&check(&[&oabi, "-t", "v7", "--color", "always"]).stdout);
    assert!(!plain.contains('\x1b') && coloured.contains("\x1b[31m✘ not-restorable"));
    assert!(plain.contains("✘ not-restorable") && plain.contains("next: do not restore there"));
}

#[test]
fn pipes_lists_and_directories_are_images_too() {
    let oabi = sample("oabi-r12-arm");
    let list = scratch("list", &format!("{oabi}\n{}\n", sample("minimal-r17-arm")));
    let lines = text(&check(&["--files-from", &list, "-t", "v7", "-q"]).stdout);
    assert_eq!(lines.lines().count(), 2);
    let piped = Command::new(env!("CARGO_BIN_EXE_ckpt-check"))
        .args(["-", "-t", "v7", "-q"])
        .stdin(std::fs::File::open(&oabi).unwrap())
        .output()
        .unwrap();
    assert_eq!(piped.status.code(), Some(1));
    for twice in [&["-", "-"], &["--files-from=-", "-"]] {
        let piped = Command::new(env!("CARGO_BIN_EXE_ckpt-check"))
            .args(twice)
            .args(["-t", "v7", "-q"])
            .stdin(std::fs::File::open(scratch("list-of-one", &oabi)).unwrap())
            .output()
            .unwrap();
        assert_eq!(piped.status.code(), Some(2));
        assert!(text(&piped.stderr).contains("named twice"));
    }
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("directory-of-images");
    std::fs::create_dir_all(directory.join("deeper")).unwrap();
    std::fs::copy(&oabi, directory.join("deeper/a.ckpt")).unwrap();
    std::fs::write(directory.join("notes.txt"), "no image").unwrap();
    // As systemd-coredump names them: no name says that it is a core.
    let cores = Path::new(ROOT).join("converter/bridge/tests/data/real/naked/core");
    let packed = "core.naked.1000.4f2a.7000.1700000000.xz";
    std::fs::copy(cores.join("gcore.7000.xz"), directory.join(packed)).unwrap();
    std::fs::copy(
        cores.join("gcore.7000.xz"),
        directory.join("core.a.b.c.unknown"),
    )
    .unwrap();
    std::fs::copy(Path::new(ROOT).join("README.md"), directory.join("text")).unwrap();
    let lines = text(&check(&[directory.to_str().unwrap(), "-t", "v7", "-q"]).stdout);
    assert_eq!(lines.lines().count(), 3, "{lines}");
    assert!(lines.contains(packed), "{lines}");
}

#[test]
fn names_from_an_image_never_reach_the_terminal_unescaped() {
    let mut image = std::fs::read(sample("hostile-r17-arm")).unwrap();
    // With a pid that can be, so that it is judged.
    let pid = (-5_i32).to_le_bytes();
    for at in 0..image.len() - pid.len() {
        if image[at..].starts_with(&pid) {
            image[at..at + pid.len()].copy_from_slice(&5_i32.to_le_bytes());
        }
    }
    let place = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("names.ckpt");
    std::fs::write(&place, image).unwrap();
    let image = place;
    for format in [
        &[][..],
        &["-v"],
        &["--format", "markdown"],
        &["--format", "json"],
    ] {
        let args = [&[image.to_str().unwrap(), "-t", "v7"], format].concat();
        let told = text(&check(&args).stdout);
        let obeyed = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
        assert!(!told.contains(obeyed), "{format:?}: {told:?}");
        assert!(told.contains("[31;5mred") || format.is_empty(), "{told}");
    }
}

/// Folders of real images: the small ones of the repository, and more if CKPT_REAL_IMAGES names them.
fn real_folders() -> Vec<PathBuf> {
    let own = Path::new(ROOT).join("converter/bridge/tests/data/real");
    let more = std::env::var_os("CKPT_REAL_IMAGES").map(PathBuf::from);
    let mut folders: Vec<PathBuf> = std::iter::once(own)
        .chain(more)
        .flat_map(|root| {
            std::fs::read_dir(root)
                .unwrap()
                .map(|entry| entry.unwrap().path())
        })
        .filter(|path| path.join("expected.json").exists())
        .collect();
    folders.sort();
    folders
}

fn images_of(folder: &Path) -> Vec<PathBuf> {
    let sets = ["criu", "criu.tar.gz", "criu.tar.zst", "criu.tar.xz"].map(|name| folder.join(name));
    let cores = std::fs::read_dir(folder.join("core"))
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path());
    sets.into_iter()
        .filter(|path| path.exists())
        .chain(cores)
        .collect()
}

const TARGETS: [&str; 7] = [
    "v5te",
    "v6-vfp",
    "v7",
    "v7-vfp",
    "v7-neon",
    "v8",
    "v8-aarch64",
];

/// Processes of the reference; images of programs that died early have none.
fn processes(expected: &Value) -> &[Value] {
    expected["processes"].as_array().map_or(&[], Vec::as_slice)
}

/// Registers of the upper bank, and any at all, as the reference measured them.
fn vfp_in_use(expected: &Value) -> (bool, bool) {
    let mut used = (false, false);
    for thread in processes(expected)
        .iter()
        .flat_map(|process| process["threads"].as_array().into_iter().flatten())
    {
        let Some(registers) = thread["vfp"].as_object() else {
            continue;
        };
        for (name, value) in registers {
            let number: Option<usize> = name.strip_prefix('d').and_then(|n| n.parse().ok());
            let zero = value
                .as_str()
                .is_none_or(|text| text.trim_start_matches("0x").bytes().all(|b| b == b'0'));
            if let Some(number) = number.filter(|_| !zero) {
                used.0 = true;
                used.1 |= number >= 16;
            }
        }
    }
    used
}

/// The commands of README with `ckpt-check` and what it says that they print, without line breaks: README breaks long lines.
fn readme_examples() -> Vec<(String, String)> {
    let readme = std::fs::read_to_string(Path::new(ROOT).join("README.md")).unwrap();
    let blocks = readme.split("```console\n").skip(1);
    blocks
        .filter_map(|block| block.split_once("```")?.0.strip_prefix("$ ckpt-check "))
        .filter_map(|block| block.split_once('\n'))
        .filter(|(command, _)| command.contains("--sysroot root"))
        .map(|(command, printed)| (command.to_owned(), words(printed)))
        .collect()
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(unix)]
#[test]
fn readme_shows_what_is_printed() {
    use std::os::unix::fs::symlink;
    let directory = tempfile::tempdir().unwrap();
    let real = Path::new(ROOT).join("converter/bridge/tests/data/real");
    let programs = directory.path().join("root/opt/lab/bin");
    std::fs::create_dir_all(&programs).unwrap();
    symlink(real.join("naked/criu"), directory.path().join("naked")).unwrap();
    let packed = "vfp_d0_d15.tar.zst";
    symlink(
        real.join("vfp_d0_d15/criu.tar.zst"),
        directory.path().join(packed),
    )
    .unwrap();
    let naked = Path::new(ROOT).join("converter/tests/data/naked.elf");
    std::fs::copy(naked, programs.join("naked")).unwrap();
    // The other program is too large to be kept here.
    let more = std::env::var_os("CKPT_REAL_IMAGES").map(|root| PathBuf::from(root).join("_bin"));
    if let Some(more) = &more {
        std::fs::copy(more.join("vfp_d0_d15"), programs.join("vfp_d0_d15")).unwrap();
    }
    let examples = readme_examples();
    assert_eq!(examples.len(), 3);
    for (command, wanted) in examples {
        if command.contains(packed) && more.is_none() {
            continue;
        }
        let output = Command::new(env!("CARGO_BIN_EXE_ckpt-check"))
            .args(command.split_whitespace())
            .current_dir(directory.path())
            .output()
            .unwrap();
        assert_eq!(words(&text(&output.stdout)), wanted, "{command}");
    }
}

#[test]
fn verdicts_on_real_images_follow_from_what_is_known_of_them() {
    let mut judged = 0;
    for folder in real_folders() {
        let expected: Value =
            serde_json::from_slice(&std::fs::read(folder.join("expected.json")).unwrap()).unwrap();
        let (any, high) = vfp_in_use(&expected);
        for image in images_of(&folder) {
            let image = image.to_str().unwrap();
            let mut arguments = vec![image, "--format", "ndjson"];
            for target in TARGETS {
                arguments.extend(["-t", target]);
            }
            let report = json(&arguments);
            assert!(report["error"].is_null(), "{image}: {}", report["error"]);
            for (target, answer) in TARGETS.iter().zip(report["targets"].as_array().unwrap()) {
                let verdict = |rule: &str| {
                    let findings = answer["findings"].as_array().unwrap();
                    findings
                        .iter()
                        .find(|finding| finding["rule"] == rule)
                        .unwrap()["verdict"]
                        .as_str()
                        .unwrap()
                        .to_owned()
                };
                let no_vfp = matches!(*target, "v5te" | "v7");
                let is_tree = image.contains("gcore") || processes(&expected).len() > 1;
                let run = answer["layers"]["run"].as_str().unwrap();
                if expected["elf"]["float_abi"] == "hard" && no_vfp {
                    assert_eq!(run, "not-restorable", "{image} on {target}");
                }
                // Code that passes its values in core registers may use VFP all the same.
                if expected["elf"]["float_abi"] == "soft" {
                    assert_eq!(verdict("fp.abi"), "restorable", "{image} on {target}");
                }
                let d16 = no_vfp || matches!(*target, "v6-vfp" | "v7-vfp");
                if any && no_vfp && !is_tree {
                    assert_eq!(verdict("fp.kind"), "not-restorable", "{image} on {target}");
                }
                if high && d16 && !is_tree {
                    assert_eq!(verdict("fp.bank"), "not-restorable", "{image} on {target}");
                }
                if !any && !is_tree {
                    assert_ne!(verdict("fp.bank"), "not-restorable", "{image} on {target}");
                }
                assert_ne!(
                    verdict("isa.endian"),
                    "not-restorable",
                    "{image} on {target}"
                );
                assert_ne!(
                    verdict("abi.personality"),
                    "not-restorable",
                    "{image} on {target}"
                );
                judged += 1;
            }
        }
    }
    assert!(judged >= 7, "{judged} verdicts");
}

#[test]
fn what_inspect_calls_not_sound_is_not_judged() {
    let hostile = check(&[&sample("hostile-r17-arm"), "-t", "v7"]);
    let said = text(&hostile.stderr);
    assert_eq!(hostile.status.code(), Some(2), "{said}");
    assert!(said.contains("V014") && said.contains("pid: -5"), "{said}");
    assert!(said.contains("\n  next: "), "{said}");
}

#[test]
fn limits_hide_no_damage_and_no_tasks() {
    let judged = |name: &str, limit: &str| check(&[&sample(name), "-t", "v7", "--limit", limit]);
    for (name, limit, says) in [
        ("minimal-r17-arm", "tasks=0", "more than 0 tasks"),
        ("hostile-r17-arm", "findings=0", "V014"),
        ("truncated-r17-arm", "findings=0", "--limit findings=NUMBER"),
    ] {
        let output = judged(name, limit);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{name} {limit}: {said}");
        assert!(said.contains(says), "{name} {limit}: {said}");
    }
    let sound = judged("minimal-r17-arm", "findings=0");
    assert_eq!(sound.status.code(), Some(0), "{}", text(&sound.stderr));
}

#[test]
fn a_matrix_refuses_only_what_is_named() {
    let oabi = sample("oabi-r12-arm");
    let status = |arguments: &[&str]| check(arguments).status.code();
    assert_eq!(status(&[&oabi, "--all-targets"]), Some(0));
    assert_eq!(status(&[&oabi, "--all-targets", "-t", "v7"]), Some(1));
    let policy = scratch("matrix.toml", "targets = [\"v7\"]\n");
    let by_policy = [&oabi, "--all-targets", "--policy", &policy];
    assert_eq!(status(&by_policy), Some(1));
    let report = json(&[
        &oabi,
        "--all-targets",
        "-t",
        "cortex-a9",
        "--format",
        "json",
    ]);
    let targets = report["images"][0]["targets"].as_array().unwrap();
    let named = |target: &&serde_json::Value| target["target"] == "cortex-a9";
    assert_eq!(targets.iter().filter(named).count(), 1);

    let unknown = sample("minimal-r17-arm");
    assert_eq!(status(&[&unknown, "--nearest"]), Some(0));
    assert_eq!(status(&[&unknown, "--nearest", "--strict"]), Some(1));
    // The same from an earlier run.
    let done = scratch("nearest.ndjson", "");
    let again = |more: &[&str]| {
        let run = [
            &unknown,
            "--nearest",
            "--format",
            "ndjson",
            "--skip-done",
            &done,
            "-o",
            &done,
        ];
        status(&[&run[..], more].concat())
    };
    assert_eq!(again(&[]), Some(0));
    assert_eq!(again(&["--strict"]), Some(1));
}

#[test]
fn what_a_policy_lets_pass_is_shown() {
    let unknown = sample("minimal-r17-arm");
    let report = json(&[&unknown, "-t", "v7", "--format", "json"]);
    let findings = report["images"][0]["targets"][0]["findings"]
        .as_array()
        .unwrap();
    let open = findings
        .iter()
        .filter(|finding| finding["verdict"] != "restorable");
    let rules: Vec<&str> = open
        .map(|finding| finding["rule"].as_str().unwrap())
        .collect();
    assert!(!rules.is_empty());
    let policy = scratch("lenient.toml", &format!("allow = {rules:?}\n"));
    let run = |form: &str| {
        text(&check(&[&unknown, "-t", "v7", "--policy", &policy, "--format", form]).stdout)
    };
    let shown = run("text");
    assert!(
        shown.contains("restorable (by policy; was unknown)\n"),
        "{shown}"
    );
    for rule in &rules {
        assert!(shown.contains(&format!("{rule}: ")), "{rule}: {shown}");
    }
    assert!(shown.contains("next: the policy lets it pass"), "{shown}");
    // Those that stay open are not told to be the same as one that passes.
    let first = scratch("first.toml", &format!("allow = [{:?}]\n", rules[0]));
    let shown = text(&check(&[&unknown, "-t", "v7", "--policy", &first]).stdout);
    let same = shown.lines().find(|line| line.contains("the same:"));
    assert!(!same.unwrap().contains(rules[0]), "{shown}");
    for form in ["markdown", "junit", "sarif"] {
        let shown = run(form);
        assert!(
            shown.contains("by policy (was unknown) on v7"),
            "{form}: {shown}"
        );
    }
    let annotations = json(&[
        &unknown,
        "-t",
        "v7",
        "--policy",
        &policy,
        "--annotations",
        "--nearest",
    ]);
    let changed = annotations["org.ckpt.check.policy.v7"].as_str().unwrap();
    assert!(
        changed.contains(&format!("{}=unknown", rules[0])),
        "{changed}"
    );
    assert!(annotations["org.ckpt.check.nearest.verdict"].is_string());
}

#[test]
fn what_is_no_configuration_makes_no_target() {
    let cpuinfo = scratch(
        "cpuinfo",
        "model name\t: ARMv7 Processor rev 4 (v7l)\nCPU architecture: 7\n",
    );
    let empty = scratch("no-config", "");
    for option in ["--target-config", "--target-auxv"] {
        let image = sample("minimal-r17-arm");
        let output = check(&[&image, "--target-cpuinfo", &cpuinfo, option, &empty]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{option}: {said}");
        assert!(said.contains("no-config: no "), "{option}: {said}");
    }
}

/// What a rule's texts tell a person to type.
fn advised_commands() -> Vec<String> {
    let rules = format!("{ROOT}/converter/compat/src/rules");
    let mut commands = Vec::new();
    for file in std::fs::read_dir(rules).unwrap() {
        let source = std::fs::read_to_string(file.unwrap().path()).unwrap();
        for literal in source.split('"').filter(|text| text.contains("--")) {
            commands.extend(literal.split([';', ':']).map(str::to_owned));
        }
    }
    commands
}

#[test]
fn what_rules_advise_to_type_exists() {
    let help = |program: &str| text(&Command::new(program).arg("--help").output().unwrap().stdout);
    let help = help(env!("CARGO_BIN_EXE_ckpt-convert")) + &help(env!("CARGO_BIN_EXE_ckpt-check"));
    let mut seen = 0;
    for advice in advised_commands() {
        let mut words = advice.split([' ', ',', ')', '`']).peekable();
        while let Some(word) = words.next() {
            if word == "--allow" {
                let codes = words.by_ref().take_while(|code| !code.is_empty());
                for code in codes {
                    assert!(Code::parse(code).is_some(), "no loss {code}: {advice}");
                }
            } else if word.starts_with("--") && word.len() > 2 {
                let known = help
                    .split([' ', ',', '\n', '=', '['])
                    .any(|option| option == word);
                assert!(known, "no option {word}: {advice}");
                seen += 1;
            }
            if word == "--set" {
                let (what, _) = words.peek().and_then(|set| set.split_once('=')).unwrap();
                assert!(
                    help.contains(&format!("{what}=")),
                    "no --set {what}=: {advice}"
                );
            }
        }
    }
    assert!(seen > 3, "{seen} options in the texts of rules");
}
