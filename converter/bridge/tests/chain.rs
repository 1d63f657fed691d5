//! From foreign images to streams and on to the other foreign format, on images that the kernel, gdb and CRIU wrote.

mod common;

use std::{fmt::Write as _, path::Path, sync::Arc};

use ckpt_bridge::{
    Foreign, Kind, Stream, bytes::Blob, core, detect, from_core, from_image, open_core, open_criu,
    open_stream, processes, to_core, to_criu, tree::Tree,
};
use ckpt_parser::{
    decoder::{Decoder, Options},
    limits::Limits,
    model::{FpRegs, Image, Task, validate},
};
use common::{REGS, cores, expected, folders, number, set, thread, varying};
use serde_json::Value;

fn open(path: &Path) -> Foreign {
    match detect(path).unwrap() {
        Kind::Core => open_core(path, &Limits::default()).unwrap(),
        Kind::Criu => open_criu(path, &Limits::default()).unwrap(),
        Kind::Other => panic!("{} is nothing", path.display()),
    }
}

fn image(stream: Stream, name: &str) -> (Image, Blob) {
    let blob = Blob::new(name, Arc::new(stream));
    let mut decoder = Decoder::new(blob.clone(), Options::default()).unwrap();
    let image = Image::read(&mut decoder, |_| true).unwrap();
    (image, blob)
}

fn inputs() -> Vec<(std::path::PathBuf, std::path::PathBuf)> {
    let of = |f: std::path::PathBuf| {
        set(&f)
            .into_iter()
            .chain(cores(&f))
            .map(|p| (f.clone(), p))
            .collect::<Vec<_>>()
    };
    folders().into_iter().flat_map(of).collect()
}

#[test]
fn streams_made_of_foreign_images_have_no_fault() {
    let mut count = 0;
    for (_, path) in inputs() {
        let (image, _) = image(open(&path).stream(), "stream");
        assert!(
            image.complete && image.error.is_none(),
            "{}",
            path.display()
        );
        let found: Vec<_> = image
            .findings
            .kept()
            .iter()
            .chain(validate(&image, 100).kept())
            .map(ToString::to_string)
            .collect();
        assert_eq!(found, [""; 0], "{}", path.display());
        count += 1;
    }
    assert!(count >= 9, "{count} images");
}

fn compare(task: &Task, known: &Value, second_life: bool, by_gdb: bool) {
    let want = thread(known, task.pid, second_life);
    let varying = varying(known, &want, second_life);
    let regs = task.arm().unwrap().0;
    for (reg, value) in REGS.iter().zip(regs) {
        let skip = varying.iter().any(|v| v == reg) || want["gpregs"][*reg].is_null();
        if !skip && (!by_gdb || *reg != "orig_r0") {
            assert_eq!(
                u64::from(value),
                number(&want["gpregs"][*reg]),
                "{reg} of {}",
                task.pid
            );
        }
    }
    if let Some(vfp) = task.vfp().filter(|_| want["vfp"].is_object()) {
        let d: Vec<_> = want["vfp"]["d"]
            .as_array()
            .unwrap()
            .iter()
            .map(number)
            .collect();
        assert_eq!(vfp.d.to_vec(), d, "d0 to d31 of {}", task.pid);
        assert_eq!(
            u64::from(vfp.fpscr),
            number(&want["vfp"]["fpscr"]),
            "fpscr of {}",
            task.pid
        );
    }
}

#[test]
fn streams_hold_the_registers_that_ptrace_saw() {
    let mut threads = 0;
    for (folder, path) in inputs() {
        let known = expected(&folder);
        let name = path.file_name().unwrap().to_str().unwrap();
        let (image, _) = image(open(&path).stream(), name);
        for task in image.tasks.iter().filter(|t| t.live.is_some()) {
            compare(
                task,
                &known,
                name.starts_with("kernel"),
                name.starts_with("gcore"),
            );
            threads += 1;
        }
    }
    assert!(threads >= 13, "{threads} threads");
}

#[test]
fn sets_carry_what_proc_said() {
    let mut processes = 0;
    for folder in folders() {
        let Some(path) = set(&folder) else { continue };
        let known = expected(&folder);
        let (image, blob) = image(open(&path).stream(), "stream");
        let (tree, _) = from_image(&image, &blob).unwrap();
        for want in known["processes"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|p| p["threads"].is_array())
        {
            for thread in want["threads"].as_array().unwrap() {
                let tid = thread["ns_tid"]
                    .as_i64()
                    .or(thread["tid"].as_i64())
                    .unwrap();
                let task = tree.tasks.iter().find(|t| i64::from(t.tid) == tid).unwrap();
                let blocked = task.live.as_ref().unwrap().blocked;
                assert_eq!(
                    blocked,
                    number(&thread["sigmask"]),
                    "signals that {tid} blocks"
                );
            }
        }
        for want in known["processes"].as_array().unwrap() {
            let id = |name: &str| want[name].as_i64().and_then(|n| i32::try_from(n).ok());
            let pid = id("ns_pid").or(id("pid")).unwrap();
            let task = image
                .task_by_pid(pid)
                .unwrap_or_else(|| panic!("{pid} of {}", folder.display()));
            assert_eq!(
                String::from_utf8_lossy(&task.comm),
                want["comm"].as_str().unwrap()
            );
            if want["exit_status"].is_null() {
                let live = task.live.as_ref().unwrap();
                let abi = live.abi.unwrap();
                assert_eq!(
                    abi.personality.map(u64::from),
                    want["personality"]
                        .as_str()
                        .map(|p| u64::from_str_radix(p, 16).unwrap())
                );
                assert_eq!(
                    u64::from(live.thread.tp_value.unwrap()),
                    number(&want["threads"][0]["tls"])
                );
                let mm = image.mm_of(task).unwrap();
                assert_eq!(mm.start_stack, number(&want["mm"]["start_stack"]));
                assert_eq!(mm.auxv(16), Some(number(&want["auxv"]["HWCAP"])));
                assert_eq!(
                    image.files_of(task).unwrap().fds.len(),
                    want["fds"].as_object().unwrap().len()
                );
                let cred = image.creds[&live.cred];
                assert_eq!(cred.caps[1], number(&want["caps"]["CapPrm"]));
            } else {
                assert!(task.is_zombie());
            }
            processes += 1;
        }
    }
    assert!(processes >= 9, "{processes} processes");
}

/// All that a tree says, but for where contents lie; those are read.
fn describe(tree: &Tree) -> String {
    let mut tree = tree.clone();
    let contents = |pages: &mut Vec<ckpt_bridge::tree::Pages>, blobs: &[Blob]| {
        let mut sums = String::new();
        for p in pages.drain(..) {
            for at in (0..p.len).step_by(4096) {
                let bytes = blobs[p.blob].read(p.at + at, 4096, 4096).unwrap();
                let sum = bytes
                    .iter()
                    .fold(7_u32, |h, &b| h.wrapping_mul(31) ^ u32::from(b));
                write!(sums, "{:x}:{sum:x} ", p.addr + at).unwrap();
            }
        }
        sums
    };
    let mut out = String::new();
    for mm in &mut tree.mms {
        for vma in &mut mm.vmas {
            out += &contents(&mut vma.pages, &tree.blobs);
        }
    }
    for segment in &mut tree.segments {
        out += &contents(&mut segment.pages, &tree.blobs);
    }
    for pipe in &mut tree.pipes {
        write!(
            out,
            "{:?}",
            pipe.data.take().map(|d| d.read_all(1 << 20).unwrap())
        )
        .unwrap();
    }
    tree.blobs.clear();
    out + &format!("{tree:#?}")
}

#[test]
fn trees_survive_the_stream() {
    for (_, path) in inputs() {
        let foreign = open(&path);
        let (image, blob) = image(foreign.stream(), "stream");
        let (back, losses) = from_image(&image, &blob).unwrap();
        // The model gives the queues of a socket whose peer nests in it to the peer; they are empty here.
        let known = ["stream.no-fp-state", "stream.socket-queue"];
        let about: Vec<_> = losses.iter().filter(|l| !known.contains(&l.code)).collect();
        assert!(about.is_empty(), "{}: {about:?}", path.display());
        // A stream that was read and written again is the same, byte for byte.
        let once = Blob::new("once", Arc::new(foreign.stream()))
            .read_all(1 << 30)
            .unwrap();
        let twice = Blob::new("twice", Arc::new(ckpt_bridge::to_stream(&back)))
            .read_all(1 << 30)
            .unwrap();
        assert!(
            once == twice,
            "{}: {} and {} bytes",
            path.display(),
            once.len(),
            twice.len()
        );
    }
}

#[test]
fn sets_survive_the_stream_and_being_written_again() {
    for folder in folders() {
        let Some(path) = set(&folder) else { continue };
        let first = open(&path);
        let stream = Blob::new("stream", Arc::new(first.stream()));
        let through = open_stream(&stream, Options::default()).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let losses = to_criu(&through.tree, dir.path()).unwrap();
        assert!(losses.is_empty(), "{}: {losses:?}", path.display());
        let again = open_criu(dir.path(), &Limits::default()).unwrap();
        let codes: std::collections::BTreeSet<_> = again.losses.iter().map(|l| l.code).collect();
        assert_eq!(
            codes,
            [""; 0].into(),
            "what is written has a home: {}",
            path.display()
        );
        let third = open_stream(
            &Blob::new("s", Arc::new(again.stream())),
            Options::default(),
        )
        .unwrap();
        assert_eq!(
            describe(&through.tree).lines().count(),
            describe(&third.tree).lines().count(),
            "{}",
            path.display()
        );
    }
}

#[test]
fn cores_written_from_sets_are_read_back() {
    let mut threads = 0;
    for folder in folders() {
        let Some(path) = set(&folder) else { continue };
        let known = expected(&folder);
        let stream = Blob::new("stream", Arc::new(open(&path).stream()));
        let tree = open_stream(&stream, Options::default()).unwrap().tree;
        for pid in processes(&tree) {
            let mut bytes = Vec::new();
            to_core(&tree, pid, &mut bytes).unwrap();
            let blob = Blob::new("core", Arc::new(bytes));
            let core = core::read(&blob).unwrap();
            let (again, _) = from_core(&blob, &core).unwrap();
            let (image, _) = image(ckpt_bridge::to_stream(&again), "again");
            for task in &image.tasks {
                compare(task, &known, false, false);
                let want = thread(&known, task.pid, false);
                assert_eq!(
                    u64::from(task.live.as_ref().unwrap().thread.tp_value.unwrap()),
                    number(&want["tls"])
                );
                assert!(
                    task.live
                        .as_ref()
                        .unwrap()
                        .fpu
                        .iter()
                        .any(|f| matches!(f.regs, FpRegs::Vfp(_)))
                );
                threads += 1;
            }
            let mm = &tree.mms[tree
                .tasks
                .iter()
                .find(|t| t.tid == pid)
                .unwrap()
                .live
                .as_ref()
                .unwrap()
                .mm];
            let vmas: Vec<_> = mm.vmas.iter().map(|v| (v.start, v.end)).collect();
            let found: Vec<_> = again.mms[0].vmas.iter().map(|v| (v.start, v.end)).collect();
            assert_eq!(found, vmas, "mappings of {pid} in {}", folder.display());
            assert_eq!(
                again.mms[0].start_stack,
                mm.start_stack,
                "{pid} of {}",
                folder.display()
            );
            assert_eq!(again.mms[0].args, mm.args);
        }
    }
    assert!(threads >= 8, "{threads} threads");
}

#[test]
fn cores_survive_the_stream() {
    let mut count = 0;
    for (_, path) in folders()
        .into_iter()
        .flat_map(|f| cores(&f).into_iter().map(move |p| (f.clone(), p)))
    {
        let first = open_core(&path, &Limits::default()).unwrap();
        let stream = Blob::new("stream", Arc::new(first.stream()));
        let through = open_stream(&stream, Options::default()).unwrap().tree;
        let pid = processes(&through)[0];
        let mut bytes = Vec::new();
        to_core(&through, pid, &mut bytes).unwrap();
        let blob = Blob::new("core", Arc::new(bytes));
        let (last, _) = from_core(&blob, &core::read(&blob).unwrap()).unwrap();
        let say = |tree: &Tree| {
            let state = |t: &ckpt_bridge::tree::Task| {
                let l = t.live.as_ref().unwrap();
                format!(
                    "{} {} {} {:?} {:?} {:?} {}",
                    t.tid, t.tgid, t.ppid, t.comm, l.regs, l.units, l.blocked
                )
            };
            tree.tasks.iter().map(state).collect::<Vec<_>>()
        };
        assert_eq!(say(&last), say(&first.tree), "{}", path.display());
        let map = |tree: &Tree| {
            tree.mms[0]
                .vmas
                .iter()
                .map(|v| (v.start, v.end, v.flags & 7))
                .collect::<Vec<_>>()
        };
        assert_eq!(map(&last), map(&first.tree), "{}", path.display());
        // Every page of the first is in the last; anonymous memory may have zeros besides.
        for vma in &first.tree.mms[0].vmas {
            for p in &vma.pages {
                let want = first.tree.memory(0, p.addr, p.len).unwrap();
                assert!(
                    last.memory(0, p.addr, p.len) == Some(want),
                    "{:#x} of {}",
                    p.addr,
                    path.display()
                );
            }
        }
        count += 1;
    }
    assert!(count >= 5, "{count} cores");
}
