//! The libraries of a dynamic executable: where they are looked for, and what is said without them.
//!
//! Needs `arm-linux-gnueabi-as` and `-ld` (Debian: binutils-arm-linux-gnueabi).

#[path = "../../../tests/src/tools.rs"]
#[expect(unreachable_pub, reason = "a module of a library elsewhere")]
mod tools;

use std::path::{Path, PathBuf};
use std::process::Command;

use ckpt_compat::gather::{Options, from_elf};
use ckpt_compat::{Target, Verdict, check};

const PROGRAM: &str = ".arch armv4t\n.text\n.global _start\n_start: bl f\nmov r7, #1\nsvc #0\n";
const LIBRARY: &str =
    ".arch armv7-a\n.text\n.global f\n.type f, %function\nf: movw r0, #1\nbx lr\n";

fn run(program: &str, arguments: &[&str]) {
    let status = Command::new(program).args(arguments).status();
    assert!(status.unwrap().success(), "{program} {arguments:?}");
}

/// Links an object made of assembler source.
fn link(directory: &Path, name: &str, source: &str, options: &[&str]) -> PathBuf {
    std::fs::create_dir_all(directory).unwrap();
    let path = |ending: &str| format!("{}{ending}", directory.join(name).display());
    std::fs::write(path(".s"), source).unwrap();
    run("arm-linux-gnueabi-as", &["-o", &path(".o"), &path(".s")]);
    let out = path("");
    let (object, mut arguments) = (path(".o"), vec!["-o", &out]);
    arguments.push(&object);
    arguments.extend(options);
    run("arm-linux-gnueabi-ld", &arguments);
    directory.join(name)
}

#[test]
fn libraries_are_found_by_the_run_path_and_are_missed_if_they_are_not_there() {
    if !tools::have(&["arm-linux-gnueabi-as", "arm-linux-gnueabi-ld"]) {
        return;
    }
    let root = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("libraries");
    let _ = std::fs::remove_dir_all(&root);
    let made = link(
        &root.join("made"),
        "libf.so",
        LIBRARY,
        &["-shared", "-soname", "libf.so"],
    );
    let library = made.to_str().unwrap();
    let program = |name: &str, run_path: &str| {
        let path = ["--no-dynamic-linker", "-rpath", run_path];
        link(
            &root.join("bin"),
            name,
            PROGRAM,
            &[&[library][..], &path].concat(),
        )
    };
    let verdict = |program: &Path, target: &str| {
        let source = std::fs::read(program).unwrap();
        let options = Options {
            sysroot: Some(root.join("root")),
            ..Options::default()
        };
        let name = program.to_str().unwrap();
        let evidence = from_elf(&source.as_slice(), name, &options).unwrap();
        let verdict = check(&evidence, &Target::named(target).unwrap(), None).verdict();
        (verdict, evidence.missing_files)
    };
    let missing = program("missing", "/opt/none");
    let names = vec!["libf.so".to_owned()];
    assert_eq!(verdict(&missing, "v5te"), (Verdict::Unknown, names));

    let beside = program("beside", "$ORIGIN/../lib:/opt/none");
    std::fs::create_dir_all(root.join("lib")).unwrap();
    std::fs::copy(&made, root.join("lib/libf.so")).unwrap();
    let below = program("below", "/opt/app/lib");
    std::fs::create_dir_all(root.join("root/opt/app/lib")).unwrap();
    std::fs::copy(&made, root.join("root/opt/app/lib/libf.so")).unwrap();
    // A library of the sysroot names a directory of this machine for the other one: what lies there is none of its business.
    let inside = root.join("root/opt/app/lib");
    let outside = ["-rpath", "$ORIGIN/../../../../lib", "-soname", "libout.so"];
    let source = ".text\n.global g\n.type g, %function\ng: b f\n";
    let needs = [&["-shared", library][..], &outside].concat();
    let out = link(&inside, "libout.so", source, &needs);
    let path = ["--no-dynamic-linker", "-rpath", "/opt/app/lib"];
    let program = PROGRAM.replace("bl f", "bl g");
    let options = [
        &[out.to_str().unwrap(), "--allow-shlib-undefined"][..],
        &path,
    ]
    .concat();
    let escapes = link(&root.join("bin"), "escapes", &program, &options);
    let names = vec!["libf.so".to_owned()];
    assert_eq!(verdict(&escapes, "v5te"), (Verdict::Unknown, names));

    for program in [beside, below] {
        let none = Vec::<String>::new();
        assert_eq!(
            verdict(&program, "v5te"),
            (Verdict::Conditional, none.clone())
        );
        assert_eq!(verdict(&program, "v7"), (Verdict::Restorable, none));
    }
}
