//! The program as a person or a script runs it, without a terminal.

use serde_json::Value;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

fn run(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ckpt-inspect"));
    command.args(args).stdin(Stdio::null()).env("NO_COLOR", "1");
    command.output().unwrap()
}

fn stdout(args: &[&str]) -> String {
    let output = run(args);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

fn sample(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../samples/images")
        .join(name);
    path.to_str().unwrap().to_owned()
}

#[test]
fn without_arguments_the_sample_is_shown_as_an_outline() {
    let text = stdout(&[]);
    assert!(
        text.lines()
            .next()
            .unwrap()
            .contains("HEADER  arch_id=ARM rev=7")
    );
    assert!(text.lines().last().unwrap().contains("TAIL"));
    assert_eq!(text.lines().count(), 317);
}

#[test]
fn who_forgets_to_name_an_image_or_names_no_task_of_it_is_told() {
    let stderr = |args: &[&str]| String::from_utf8(run(args).stderr).unwrap();
    assert!(stderr(&["--tasks"]).contains("this is the embedded sample (- reads standard input)"));
    assert_eq!(stderr(&["--tasks", "-q"]), "");
    for view in ["--tasks", "--maps", "--regs", "--files", "--find=sensor"] {
        let output = run(&[view, "--task", "999"]);
        assert_eq!(
            (output.status.code(), output.stdout.len()),
            (Some(2), 0),
            "{view}"
        );
        assert!(
            stderr(&[view, "--task", "999"]).contains("no task 999 in the image; there are 412")
        );
    }
}

#[test]
fn tasks_are_a_tree_with_calls_and_zombies() {
    let text = stdout(&["--tasks"]);
    let line = |word: &str| {
        text.lines()
            .find(|line| line.contains(word))
            .unwrap()
            .to_owned()
    };
    assert!(line(" sensord").contains("poll, interrupted (ERESTART_RESTARTBLOCK), restart POLL"));
    assert!(line(" sensord").contains(" sleeping "));
    assert!(line("rotate").contains(" zombie ") && line("rotate").ends_with("exited with 1"));
    assert!(line("sampler").contains("thread sampler"));
    assert!(line("sampler").starts_with("    413     412"));
    let column = |word: &str| line(word).find("  poll,").or(line(word).find("  wait4"));
    assert_eq!(column(" sensord"), column(" sh "), "{text}");
}

/// Each line says by itself who holds what, so that `grep` is enough.
#[test]
fn a_descriptor_is_a_line_that_says_all_of_it() {
    let text = stdout(&["--files"]);
    let line = |pid: i32, fd: i32| {
        let is_it = |line: &&str| {
            let words: Vec<&str> = line.split_whitespace().collect();
            words.first() == Some(&pid.to_string().as_str())
                && words.get(2) == Some(&fd.to_string().as_str())
        };
        text.lines()
            .find(is_it)
            .unwrap_or_else(|| panic!("{pid} {fd}\n{text}"))
    };
    let check = |pid, fd, parts: &[&str]| {
        for part in parts {
            assert!(line(pid, fd).contains(part), "{part}: {}", line(pid, fd));
        }
    };
    let text_and_writer = [
        r#"13 bytes wait: "flush\nrotate\n""#,
        "written by 412 sensord as 4",
    ];
    check(
        412,
        3,
        &[
            "read end of pipe 18",
            text_and_writer[0],
            text_and_writer[1],
        ],
    );
    check(
        421,
        0,
        &["read end of pipe 36", "written by 412 sensord as 14"],
    );
    check(
        412,
        9,
        &[
            r#"14 bytes to read: "ack 17\nack 18\n""#,
            "peer 421 logger as 3",
        ],
    );
    check(412, 12, &[r#"to send: "t=21.5&h=48\r\n""#]);
    check(
        412,
        13,
        &["master of terminal 0", "other end 420 sh as 0 1 2 10"],
    );
    check(
        421,
        1,
        &["/dev/null", "held by 412 sensord as 0, 421 logger as 1"],
    );
    let only = stdout(&["--files", "--task", "421"]);
    assert!(
        only.lines()
            .skip(1)
            .all(|line| line.starts_with("    421 logger")),
        "{only}"
    );
}

#[test]
fn who_names_a_target_as_an_image_is_told_the_option() {
    let tip = "tip: a target is named by --target: ckpt-inspect --compat --target v7-vfp IMAGE";
    for rest in [&["image.ckpt"][..], &[]] {
        let output = run(&[&["--compat", "v7-vfp"], rest].concat());
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(
            output.status.code() == Some(2) && stderr.contains(tip),
            "{stderr}"
        );
    }
    let output = run(&["--compat", "no-such-file"]);
    assert!(!String::from_utf8(output.stderr).unwrap().contains("tip:"));
}

#[test]
fn a_search_says_whose_memory_it_is_or_where_it_looked() {
    let text = stdout(&["--find", "p:0x40020900"]);
    assert!(
        text.contains("412:0x400204c0  sensord         rw-p [anon]"),
        "{text}"
    );
    let text = stdout(&["--find", "/usr/sbin/sensord"]);
    assert!(
        text.contains("412:0xbeffff20  sensord         rw-p [stack]"),
        "{text}"
    );
    let output = run(&["--find", "nobody says this"]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr.contains("not found: neither in the 64 KiB of memory of every process"),
        "{stderr}"
    );
}

#[test]
fn registers_come_with_their_files() {
    let text = stdout(&["--regs", "--task", "413"]);
    assert!(text.contains("pc 0x40800010"), "{text}");
    assert!(text.contains("VFP (in use)"));
    assert!(!text.contains("412 (sensord)"), "{text}");
    assert!(text.contains("r6 -> sensord+0x480"), "{text}");
}

#[test]
fn registers_point_to_symbols_of_the_files() {
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/sysroot");
    let image = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../converter/bridge/tests/data/real/naked/criu"
    );
    let text = stdout(&[image, "--regs", "--sysroot", data]);
    assert!(text.contains("pc -> loop+0x1c in naked"), "{text}");
}

#[test]
fn the_call_that_a_thread_of_a_criu_set_is_in_is_seen_in_its_code() {
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/sysroot");
    let image = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../converter/bridge/tests/data/real/naked/criu"
    );
    let with_files = stdout(&[image, "--tasks", "--sysroot", data]);
    assert!(with_files.contains("nanosleep, svc at pc"), "{with_files}");
    let without = stdout(&[image, "--tasks"]);
    let guess = "perhaps nanosleep (r7; the code at pc is not in the image)";
    assert!(without.contains(guess), "{without}");
    let regs = stdout(&[image, "--regs", "--sysroot", data]);
    assert!(regs.contains("syscall 162 nanosleep, svc at pc"), "{regs}");
}

/// Over the folder of `CKPT_REAL_IMAGES`, whose `expected.json` say what /proc showed before the dump.
#[test]
fn calls_of_real_sets_are_those_that_proc_showed() {
    let Some(root) = std::env::var_os("CKPT_REAL_IMAGES").map(PathBuf::from) else {
        return;
    };
    let mut compared = 0;
    for folder in std::fs::read_dir(&root).unwrap().flatten() {
        let [set, files] = [folder.path().join("criu"), root.join("_bin")];
        if !set.exists() {
            continue;
        }
        let expected = std::fs::read(folder.path().join("expected.json")).unwrap();
        let expected: Value = serde_json::from_slice(&expected).unwrap();
        let args = [
            &*set.to_string_lossy(),
            "--tasks",
            "--sysroot",
            &files.to_string_lossy(),
        ];
        let text = String::from_utf8(run(&args).stdout).unwrap();
        let items = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let of = |process: Value| items(&process["threads"]);
        let threads = items(&expected["processes"]).into_iter().flat_map(of);
        for thread in threads.filter(|thread| thread["tid"].is_u64()) {
            let is_it =
                |line: &&str| line.split_whitespace().next() == Some(&*thread["tid"].to_string());
            // A set of a pid namespace has other numbers than /proc outside of it.
            let Some(line) = text.lines().find(is_it) else {
                continue;
            };
            let call = thread["syscall_seen_before_stop"]["name"].as_str();
            let said = line
                .find(", svc ")
                .map(|end| line[..end].rsplit(' ').next().unwrap());
            assert_eq!(said, call, "{}: {line}", set.display());
            compared += usize::from(call.is_some());
        }
    }
    assert!(compared > 0, "no call was compared");
}

#[test]
fn a_record_is_shown_field_by_field_whatever_names_it() {
    let by_type = stdout(&["--record", "VMA"]);
    assert!(by_type.contains("ckpt_hdr_vma"));
    assert!(by_type.contains("vm_flags"));
    assert!(by_type.contains("READ|EXEC"));
    let offset = by_type
        .split(" at ")
        .nth(1)
        .unwrap()
        .split(',')
        .next()
        .unwrap();
    assert_eq!(stdout(&["--record", &format!("@{offset}")]), by_type);
    let number = by_type.split_whitespace().nth(1).unwrap();
    assert_eq!(stdout(&["--record", number]), by_type);
}

#[test]
fn registers_and_times_of_a_record_are_written_as_people_write_them() {
    let line = |record: &str, field: &str| {
        let text = stdout(&["--record", record]);
        let mut words = text.lines().map(|line| line.split_whitespace().skip(2));
        let words = words.find(|words| words.clone().next() == Some(field));
        words.unwrap().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(line("CPU", "pc"), "pc 0x40091d80");
    assert_eq!(line("CPU_FPU", "d8"), "d8 0x4058a66666666666");
    assert!(line("CPU_FPU", "fpsid").starts_with("fpsid 0x41033090 FPSID"));
    assert_eq!(line("HEADER", "h.type"), "h.type 1 HEADER");
    let taken = line("HEADER", "time");
    assert_eq!(taken, "time 1332000240 2012-03-17 16:04:00 UTC");
    assert!(line("BUFFER", "bytes").ends_with("\"3.0.15\""));
}

#[test]
fn nobody_has_to_listen_to_what_is_said() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ckpt-inspect"));
    command.args([&*sample("truncated-r17-arm.ckpt"), "--tree"]);
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stderr.take());
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn verdicts_name_nothing_that_a_terminal_obeys() {
    let image = sample("hostile-r17-arm.ckpt");
    let output = run(&[&image, "--compat", "--target", "v7"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("[31;5mred"), "{text}");
    assert!(
        !text.contains(|c: char| c.is_control() && c != '\n'),
        "{text:?}"
    );
}

#[test]
fn what_find_finds_is_there() {
    let text = stdout(&["--find", "/usr/sbin/sensord"]);
    let (pid, rest) = text.split_once(':').unwrap();
    let addr = rest.split_whitespace().next().unwrap();
    let raw = run(&["--memory", &format!("{pid}:{addr}+17"), "--raw"]);
    assert_eq!(raw.stdout, b"/usr/sbin/sensord");
    assert_eq!(run(&["--find", "this is nowhere"]).status.code(), Some(1));
}

#[test]
fn a_file_is_searched_like_the_sample() {
    let from_file = stdout(&[
        "--find",
        "/usr/sbin/sensord",
        &sample("sensor-r18-arm.ckpt"),
    ]);
    assert_eq!(from_file, stdout(&["--find", "/usr/sbin/sensord"]));
}

#[test]
fn memory_that_is_in_a_file_is_named_and_not_invented() {
    let output = run(&["--memory", "412:0x8000+16"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("an unmodified page of /usr/sbin/sensord")
    );
}

#[test]
fn damage_is_told_with_code_and_place_and_exit_1() {
    let output = run(&["--tree", &sample("truncated-r17-arm.ckpt")]);
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains("P003 at 0x957 (BUFFER, record 52)"),
        "{stderr}"
    );
    assert!(stderr.contains("P006"), "{stderr}");
    assert!(stdout(&["--explain", "P003"]).contains("cut short"));
    let quiet = run(&["--tree", "-q", &sample("truncated-r17-arm.ckpt")]);
    assert_eq!((quiet.status.code(), quiet.stderr.len()), (Some(1), 0));
}

#[test]
fn integrity_passes_intact_images_and_names_what_is_wrong_with_others() {
    assert!(stdout(&["--integrity"]).starts_with("sound: 317 records"));
    let output = run(&["--integrity", &sample("references-r17-arm.ckpt")]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stdout);
    for code in ["V002", "V005", "V012"] {
        assert!(text.contains(code), "{code}: {text}");
    }
}

#[test]
fn what_is_no_image_is_refused_by_name() {
    for (path, word) in [
        ("/dev/null", "P001"),
        ("/dev/zero", "P001"),
        ("/etc", "directory"),
        ("/no/such/file", "cannot open"),
    ] {
        let output = run(&["--tree", path]);
        assert_eq!(output.status.code(), Some(2), "{path}");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.contains(word), "{path}: {stderr}");
        assert!(output.stdout.is_empty(), "{path}");
    }
}

#[test]
fn an_image_comes_through_a_pipe() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_ckpt-inspect"))
        .args(["-", "--stats"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(ckpt_samples::EMBEDDED)
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        stdout(&["--stats"])
    );
}

#[test]
fn a_closed_pipe_ends_the_program_without_a_word() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_ckpt-inspect"))
        .args(["--json-lines", "-q"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(141));
    assert!(
        output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn hostile_names_are_escaped_everywhere() {
    let path = sample("hostile-r17-arm.ckpt");
    let views = [
        "--tree",
        "--tasks",
        "--maps",
        "--files",
        "--summary",
        "--json",
        "--json-lines",
        "--strings",
        "--integrity",
    ];
    let forms = ["--text", "--json", "--json-lines"];
    let alone = |view: &&str| view.starts_with("--json");
    for (view, form) in views.iter().flat_map(|view| forms.map(|form| (view, form))) {
        let form = if alone(view) { "-v" } else { form };
        let output = run(&[view, form, &path]);
        let control = |byte: &u8| *byte < 0x20 && *byte != b'\n';
        assert!(!output.stdout.iter().any(control), "{view}");
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(!text.contains(['\u{202e}', '\u{200b}', '\u{9b}']), "{view}");
    }
}

#[test]
fn usage_errors_are_exit_2_and_suggest() {
    let output = run(&["--task-list"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--task"));
    assert_eq!(run(&["--help"]).status.code(), Some(0));
}
