//! From foreign images to streams and on to the other foreign format, on images that the kernel, gdb and CRIU wrote.

mod common;

use std::{fmt::Write as _, fs, path::Path, sync::Arc};

use ckpt_bridge::{
    Foreign, Kind, Stream,
    bytes::Blob,
    core,
    criu::{
        Msg, Set, fd_type,
        image::{self, Entry},
        pagemap::{self, PARENT, Pagemap},
        schema::Kind as CriuKind,
    },
    detect,
    edit::{self, Part},
    from_core, from_image, open_core, open_criu, open_stream, processes, to_core, to_criu,
    tree::{Fd, FileKind, Tree, VmaKind},
};
use ckpt_parser::{
    decoder::{Decoder, Options},
    limits::Limits,
    model::{FpRegs, Image, Task, validate},
};
use common::{
    REGS, cores, expected, folders, number, private_pages, set, sets, thread, unpacked, varying,
};
use serde_json::Value;

fn open(path: &Path) -> Foreign {
    match detect(path).unwrap() {
        Kind::Core => open_core(path, &Limits::default()).unwrap(),
        Kind::Criu => open_criu(path, &Limits::default()).unwrap(),
        Kind::Other => panic!("{} is nothing", path.display()),
    }
}

fn model(stream: Stream, name: &str) -> (Image, Blob) {
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
    let cores = inputs().into_iter().map(|(_, path)| path);
    for path in cores
        .filter(|path| detect(path).unwrap() == Kind::Core)
        .chain(sets())
    {
        let (image, _) = model(open(&path).stream(), "stream");
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
    assert!(count >= 17, "{count} images");
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
        let (image, _) = model(open(&path).stream(), name);
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
        let (image, blob) = model(open(&path).stream(), "stream");
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
        let (image, blob) = model(foreign.stream(), "stream");
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

/// A set that went through a stream and was written again.
fn through_a_stream(first: &Foreign, edit: impl FnOnce(&mut Tree)) -> tempfile::TempDir {
    let stream = Blob::new("stream", Arc::new(first.stream()));
    let mut through = open_stream(&stream, Options::default()).unwrap();
    edit(&mut through.tree);
    let dir = tempfile::tempdir().unwrap();
    to_criu(&through.tree, dir.path()).unwrap();
    dir
}

/// Messages and raw bytes of a file; of a page map its runs, of what is unknown all bytes.
fn entries(file: &Blob) -> Vec<String> {
    match image::head(file).unwrap() {
        Some(head) if head.kind.name == "PAGEMAP" => {
            let map = Pagemap::open(file).unwrap();
            let id = map.pages_id.to_string();
            let runs = map.map(|run| format!("{:?}", run.unwrap()));
            [id].into_iter().chain(runs).collect()
        }
        Some(head) => {
            let all = image::entries(file, &head).unwrap().into_iter();
            all.map(|e| {
                let raw = e.payload.map(|p| p.read_all(1 << 20).unwrap());
                format!("{:?} {raw:?}", e.message.encode())
            })
            .collect()
        }
        None => vec![format!("{:?}", file.read_all(1 << 24).unwrap())],
    }
}

/// File by file, entry by entry: what differs would be a loss that nobody has named.
fn assert_same_sets(before: &Set, after: &Set, but: &[&str]) {
    let names = |set: &Set| set.members().map(|b| b.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(before), names(after), "{}", before.name);
    for file in before.members().filter(|f| !but.contains(&f.name.as_str())) {
        let other = after.get(&file.name).unwrap();
        assert_eq!(
            entries(file),
            entries(other),
            "{} of {}",
            file.name,
            before.name
        );
    }
}

#[test]
fn sets_come_back_from_a_stream_as_they_were() {
    let mut count = 0;
    for path in sets() {
        let first = open(&path);
        let dir = through_a_stream(&first, |_| ());
        let before = Set::open(&path, &Limits::default()).unwrap();
        let after = Set::open(dir.path(), &Limits::default()).unwrap();
        // Pages that a private mapping showed of a memfd become its own, which is said.
        let shown = first.losses.iter().any(|l| l.code == "criu.private-memfd");
        let changed = if shown {
            private_pages(&before)
        } else {
            Vec::new()
        };
        let changed: Vec<&str> = changed.iter().map(String::as_str).collect();
        assert_same_sets(&before, &after, &changed);
        count += 1;
    }
    assert!(count >= 8, "{count} sets");
}

/// CRIU makes no page lazy where the stack of a thread ends at the end of a page.
#[test]
fn pages_are_as_lazy_as_they_were() {
    let real = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/real/naked/criu");
    let set = Set::open(&real, &Limits::default()).unwrap();
    let dir = unpacked(&real);
    let mut core = image::read(set.get("core-7000.img").unwrap(), "CORE").unwrap();
    let mut info = core[0].message.sub("ti_arm").unwrap();
    let mut regs = info.sub("gpregs").unwrap();
    let sp = regs.u64("sp") & !0xfff;
    regs.set("sp", sp);
    info.set_sub("gpregs", regs);
    core[0].message.set_sub("ti_arm", info);
    let mut out = Vec::new();
    image::write(CriuKind::by_name("CORE").unwrap(), &core, &mut out).unwrap();
    fs::write(dir.path().join("core-7000.img"), out).unwrap();
    let map = Pagemap::open(set.get("pagemap-7000.img").unwrap()).unwrap();
    let mut eager = pagemap::Writer::new(map.pages_id);
    for run in map.map(Result::unwrap) {
        eager.run(run.addr, run.pages, pagemap::PRESENT);
    }
    fs::write(dir.path().join("pagemap-7000.img"), eager.finish()).unwrap();
    let back = through_a_stream(&open(dir.path()), |_| ());
    let [before, after] = [dir.path(), back.path()].map(|d| Set::open(d, &Limits::default()));
    assert_same_sets(&before.unwrap(), &after.unwrap(), &[]);
}

/// The memory of the set `memory`: a memfd of 64 pages, mapped shared, and its pages 4 to 19 mapped privately. A private
/// page was written to (6), others were not (9, 10).
#[test]
fn a_private_mapping_of_a_memfd_shows_what_it_did() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sets/memory.tar.xz");
    let first = open(&path);
    let dir = through_a_stream(&first, |_| ());
    let through = open_criu(dir.path(), &Limits::default()).unwrap();
    let without = through_a_stream(&first, |tree| tree.foreign.clear());
    let bare = open_criu(without.path(), &Limits::default()).unwrap();
    for tree in [&first.tree, &through.tree, &bare.tree] {
        let vmas = tree.mms[0].vmas.iter();
        let private = vmas.filter(|v| v.kind == VmaKind::Anon && v.end - v.start == 16 * 4096);
        let first_bytes = private.map(|v| {
            let byte = |page: u64| tree.memory(0, v.start + page * 4096, 1).unwrap_or_default();
            [byte(0), byte(2), byte(5), byte(6)]
        });
        let wanted = [vec![0], vec![46], vec![44], vec![47]];
        assert!(
            first_bytes.clone().any(|b| b == wanted),
            "{:?}",
            first_bytes.collect::<Vec<_>>()
        );
    }
}

/// A file that waits in the queue of a socket has no descriptor, and is wanted all the same.
#[test]
fn files_in_flight_come_along_with_the_socket() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sets/descriptors.tar.xz");
    let first = open(&path);
    let waiting = |dir: &Path| {
        let set = Set::open(dir, &Limits::default()).unwrap();
        let queues = image::read(set.get("sk-queues.img").unwrap(), "SK_QUEUES").unwrap();
        let scm = queues.iter().flat_map(|e| e.message.subs("scm"));
        let ids: Vec<u64> = scm.flat_map(|scm| scm.numbers("rights")).collect();
        let files = image::read(set.get("files.img").unwrap(), "FILES").unwrap();
        let there = |id: &u64| files.iter().any(|e| e.message.u64("id") == *id);
        (ids.len(), ids.iter().filter(|id| there(id)).count())
    };
    assert_eq!(waiting(unpacked(&path).path()), (1, 1));
    let named = first.losses.iter().map(|l| l.code);
    let named = named.filter(|c| matches!(*c, "criu.in-flight" | "criu.signal-owner"));
    assert_eq!(
        named.count(),
        3,
        "the file; the pipe's owner and its signal"
    );
    assert_eq!(waiting(through_a_stream(&first, |_| ()).path()), (1, 1));
    // Without the socket nobody is there to take it.
    let without = through_a_stream(&first, |tree| edit::strip(tree, Part::Sockets).unwrap());
    assert_eq!(waiting(without.path()), (0, 0));
}

/// Terminals without anything kept: CRIU wants the two sides of one under neighbouring numbers, and their session.
#[test]
fn terminals_go_by_the_numbers_that_criu_gives() {
    for (name, session, group) in [("descriptors", 0, 0), ("family", 261, 265)] {
        let path = format!("tests/data/sets/{name}.tar.xz");
        let first = open(&Path::new(env!("CARGO_MANIFEST_DIR")).join(path));
        let dir = through_a_stream(&first, |tree| tree.foreign.clear());
        let set = Set::open(dir.path(), &Limits::default()).unwrap();
        let infos = image::read(set.get("tty-info.img").unwrap(), "TTY_INFO").unwrap();
        let mut found: Vec<_> = infos
            .iter()
            .map(|e| ["id", "rdev", "sid", "pgrp"].map(|field| e.message.u64(field)))
            .collect();
        found.sort_unstable();
        let (slave, master) = ([0, 136 << 8], [1, 5 << 8 | 2]);
        let both = [slave, master].map(|[id, rdev]| [id, rdev, session, group]);
        assert_eq!(found, both, "{name}");
    }
}

/// A pipe gets room for what waits in it: CRIU cannot put 160 KiB into one of 64.
#[test]
fn a_pipe_is_as_large_as_what_waits_in_it() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sets/descriptors.tar.xz");
    let dir = through_a_stream(&open(&path), |tree| tree.foreign.clear());
    let set = Set::open(dir.path(), &Limits::default()).unwrap();
    let pipes = image::read(set.get("pipes-data.img").unwrap(), "PIPES_DATA").unwrap();
    let sizes = pipes
        .iter()
        .map(|e| (e.message.u64("bytes"), e.message.u64("size")));
    let mut sizes: Vec<_> = sizes.collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [(0, 0x10000), (7, 0x10000), (163_840, 0x40000)]);
}

/// Nobody watches what is closed: CRIU cannot restore an epoll file that does.
#[test]
fn epoll_files_watch_open_descriptors_only() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sets/descriptors.tar.xz");
    let first = open(&path);
    let dir = through_a_stream(&first, |tree| tree.foreign.clear());
    let cut = first.losses.iter().filter(|l| l.code == "criu.epoll-item");
    let mut cut: Vec<&str> = cut.map(|l| l.value.as_str()).collect();
    cut.sort_unstable();
    assert_eq!(cut, ["73", "74", "76"], "a signalfd, a timerfd, an inotify");
    let set = Set::open(dir.path(), &Limits::default()).unwrap();
    let files = image::read(set.get("files.img").unwrap(), "FILES").unwrap();
    let items = files.iter().filter_map(|e| e.message.sub("epfd"));
    let mut items: Vec<_> = items
        .flat_map(|own| own.subs("tfd"))
        .map(|item| item.u64("tfd"))
        .collect();
    items.sort_unstable();
    assert_eq!(items, [30, 44, 70, 71]);
}

/// Files of most kinds as versions before 3.2 wrote them: an image for each kind, and one for what epoll files watch.
/// A memfd is younger.
#[test]
fn files_in_images_by_kind_become_one_image() {
    const KINDS: [(&str, &str, &str); 14] = [
        ("reg", "reg-files", "REG_FILES"),
        ("pipe", "pipes", "PIPES"),
        ("fifo", "fifo", "FIFO"),
        ("isk", "inetsk", "INETSK"),
        ("usk", "unixsk", "UNIXSK"),
        ("efd", "eventfd", "EVENTFD_FILE"),
        ("epfd", "eventpoll", "EVENTPOLL_FILE"),
        ("sgfd", "signalfd", "SIGNALFD"),
        ("tfd", "timerfd", "TIMERFD"),
        ("tty", "tty", "TTY_FILES"),
        ("ify", "inotify", "INOTIFY_FILE"),
        ("ffy", "fanotify", "FANOTIFY_FILE"),
        ("nlsk", "netlinksk", "NETLINK_SK"),
        ("psk", "packetsk", "PACKETSK"),
    ];
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sets/descriptors.tar.xz");
    let dir = unpacked(&path);
    let before = Set::open(dir.path(), &Limits::default()).unwrap();
    let mut files = image::read(before.get("files.img").unwrap(), "FILES").unwrap();
    // Where it stands alone, each item says whose it is.
    for entry in &mut files {
        let Some(mut own) = entry.message.sub("epfd") else {
            continue;
        };
        let mut items = own.subs("tfd");
        for item in &mut items {
            item.set("id", own.u64("id"));
        }
        own.set_subs("tfd", items);
        entry.message.set_sub("epfd", own);
    }
    let write = |name: &str, kind: &str, messages: Vec<Msg>| {
        let plain = |message| Entry {
            message,
            payload: None,
        };
        let entries: Vec<_> = messages.into_iter().map(plain).collect();
        let mut out = Vec::new();
        image::write(CriuKind::by_name(kind).unwrap(), &entries, &mut out).unwrap();
        fs::write(dir.path().join(format!("{name}.img")), out).unwrap();
    };
    let mut watched = Vec::new();
    for (field, name, kind) in KINDS {
        let own = files.iter().filter_map(|e| e.message.sub(field));
        let mut own: Vec<Msg> = own.collect();
        assert!(!own.is_empty(), "{name}");
        for m in own.iter_mut().filter(|_| field == "epfd") {
            watched.extend(m.subs("tfd"));
            m.set_subs("tfd", Vec::new());
        }
        write(name, kind, own);
    }
    write("eventpoll-tfd", "EVENTPOLL_TFD", watched);
    let memfd = files.iter().filter(|e| e.message.sub("memfd").is_some());
    write("files", "FILES", memfd.map(|e| e.message.clone()).collect());
    let stream = Blob::new("stream", Arc::new(open(dir.path()).stream()));
    let through = open_stream(&stream, Options::default()).unwrap();
    let out = tempfile::tempdir().unwrap();
    let losses = to_criu(&through.tree, out.path()).unwrap();
    let merged = losses.iter().filter(|l| l.code == "criu.merged-files");
    assert_eq!(merged.count(), KINDS.len() + 1, "{losses:?}");
    let after = Set::open(out.path(), &Limits::default()).unwrap();
    let names = |set: &Set| set.members().map(|b| b.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&after), names(&before));
    let sorted = |entries: &[Entry]| {
        let mut all: Vec<_> = entries.iter().map(|e| e.message.encode()).collect();
        all.sort();
        all
    };
    let written = image::read(after.get("files.img").unwrap(), "FILES").unwrap();
    for (is, was) in sorted(&written).iter().zip(&sorted(&files)) {
        assert_eq!(is, was);
    }
    assert_eq!(written.len(), files.len());
}

/// What is taken out of the stream stays out, though files of the set were kept: a terminal is nothing that only the
/// set could know.
#[test]
fn terminals_that_are_taken_out_stay_out() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sets/descriptors.tar.xz");
    let first = open(&path);
    let dir = through_a_stream(&first, |tree| {
        let files = &tree.files;
        let is_tty = |fd: &Fd| matches!(files[fd.file].kind, FileKind::Tty(_));
        tree.tables[0].retain(|fd| !is_tty(fd));
    });
    let set = Set::open(dir.path(), &Limits::default()).unwrap();
    let fds = image::read(set.get("fdinfo-2.img").unwrap(), "FDINFO").unwrap();
    let fds: Vec<u64> = fds.iter().map(|e| e.message.u64("fd")).collect();
    assert!([80, 81, 82].iter().all(|fd| !fds.contains(fd)), "{fds:?}");
    assert!(
        fds.contains(&78),
        "the memfd is nothing that a tree has: {fds:?}"
    );
}

/// An increment of a dump: all pages of one page map are in the parent set.
#[test]
fn pages_of_a_memfd_that_nobody_maps_come_from_the_parent() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sets/descriptors.tar.xz");
    let (whole, increment) = (unpacked(&path), unpacked(&path));
    let set = Set::open(whole.path(), &Limits::default()).unwrap();
    let shared = set
        .members()
        .find(|file| file.name.starts_with("pagemap-shmem-"));
    let map = Pagemap::open(shared.unwrap()).unwrap();
    let (name, pages) = (&shared.unwrap().name, format!("pages-{}.img", map.pages_id));
    let mut inherited = pagemap::Writer::new(map.pages_id);
    for run in map {
        let run = run.unwrap();
        inherited.run(run.addr, run.pages, PARENT);
    }
    fs::write(increment.path().join(name), inherited.finish()).unwrap();
    fs::remove_file(increment.path().join(&pages)).unwrap();
    std::os::unix::fs::symlink(whole.path(), increment.path().join("parent")).unwrap();
    let back = through_a_stream(&open(increment.path()), |_| ());
    let back = Set::open(back.path(), &Limits::default()).unwrap();
    assert_same_sets(&set, &back, &[]);
}

/// A file without a name is mapped, and nothing was kept that could bring it back.
#[test]
fn a_mapping_of_a_file_that_is_gone_becomes_memory() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sets/memory.tar.xz");
    let mut tree = open(&path).tree;
    tree.foreign.clear();
    let dir = tempfile::tempdir().unwrap();
    let losses = to_criu(&tree, dir.path()).unwrap();
    let gone = losses.iter().filter(|l| l.code == "criu.deleted-mapping");
    assert_eq!(gone.count(), 2, "one in each process: {losses:?}");
    let again = open_criu(dir.path(), &Limits::default()).unwrap().tree;
    let spans = |tree: &Tree| {
        let vmas = tree.mms.iter().flat_map(|mm| &mm.vmas);
        vmas.map(|v| (v.start, v.end)).collect::<Vec<_>>()
    };
    assert_eq!(spans(&again), spans(&tree));
}

#[test]
fn sets_without_kept_files_hold_only_what_has_a_home() {
    for path in sets() {
        let first = open(&path);
        let dir = through_a_stream(&first, |tree| tree.foreign.clear());
        let again = open_criu(dir.path(), &Limits::default()).unwrap();
        let codes: std::collections::BTreeSet<_> = again.losses.iter().map(|l| l.code).collect();
        assert_eq!(codes, [""; 0].into(), "{}", path.display());
        // A file that has no name cannot be opened by it, so it is not written.
        if first.losses.iter().any(|l| l.code == "criu.ghost-file") {
            continue;
        }
        let lines = |tree: &Tree| describe(tree).lines().count();
        let mut once = open_stream(
            &Blob::new("stream", Arc::new(first.stream())),
            Options::default(),
        )
        .unwrap()
        .tree;
        once.foreign.clear();
        let stream = Blob::new("s", Arc::new(again.stream()));
        let mut third = open_stream(&stream, Options::default()).unwrap().tree;
        third.foreign.clear();
        assert_eq!(lines(&once), lines(&third), "{}", path.display());
    }
}

/// Changes the entries of a file in place.
fn changed(dir: &Path, name: &str, kind: &str, change: &dyn Fn(&mut Vec<Entry>)) {
    let set = Set::open(dir, &Limits::default()).unwrap();
    let mut entries = image::read(set.get(name).unwrap(), kind).unwrap();
    change(&mut entries);
    let mut out = Vec::new();
    image::write(CriuKind::by_name(kind).unwrap(), &entries, &mut out).unwrap();
    fs::write(dir.join(name), out).unwrap();
}

/// The kernel knows no encoding: names of files are bytes, and those of tasks are cut in the middle of a letter.
#[test]
fn names_in_no_encoding_survive() {
    const PATH: &[u8] = b"/srv/caf\xe9\xff/log";
    const COMM: &[u8] = b"fifteen bytes \xc3";
    let dir = unpacked(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/real/naked/criu"));
    changed(dir.path(), "files.img", "FILES", &|entries| {
        let is_null = |own: &Msg| own.bytes("name") == b"/dev/null";
        for m in entries.iter_mut().map(|entry| &mut entry.message) {
            let mut own = m.sub("reg").unwrap();
            if is_null(&own) {
                own.set_bytes("name", PATH);
                m.set_sub("reg", own);
            }
        }
    });
    changed(dir.path(), "core-7000.img", "CORE", &|entries| {
        for field in ["tc", "thread_core"] {
            let mut own = entries[0].message.sub(field).unwrap();
            own.set_bytes("comm", COMM);
            entries[0].message.set_sub(field, own);
        }
    });
    let first = open_criu(dir.path(), &Limits::default()).unwrap();
    let path = FileKind::Path(PATH.to_vec());
    assert!(first.tree.files.iter().any(|f| f.kind == path));
    let before = Set::open(dir.path(), &Limits::default()).unwrap();
    let through = through_a_stream(&first, |_| ());
    let after = Set::open(through.path(), &Limits::default()).unwrap();
    assert_same_sets(&before, &after, &[]);
    // Without what was kept of the set, the stream alone has them.
    let bare = through_a_stream(&first, |tree| tree.foreign.clear());
    let bare = open_criu(bare.path(), &Limits::default()).unwrap().tree;
    assert!(bare.files.iter().any(|f| f.kind == path));
    assert_eq!(bare.tasks[0].comm, COMM);
}

/// A copy of the smallest set with a field, a file and a kind of descriptor that nobody here knows.
fn set_of_the_future() -> tempfile::TempDir {
    let dir = unpacked(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/real/naked/criu"));
    let append = |name: &str, kind: &str, change: &dyn Fn(&mut Vec<Entry>)| {
        changed(dir.path(), name, kind, change);
    };
    let message = |name: &str, bytes: &[u8]| Entry {
        message: Msg::decode(name, bytes).unwrap().unwrap(),
        payload: None,
    };
    append("core-7000.img", "CORE", &|entries| {
        let mut bytes = entries[0].message.encode();
        bytes.extend([0xf8, 0x07, 0x2a]); // field 127, varint 42
        entries[0] = message("core_entry", &bytes);
    });
    // Kind 200, number 99, and a message of its own in field 100.
    append("files.img", "FILES", &|entries| {
        entries.push(message(
            "file_entry",
            &[8, 200, 1, 16, 99, 0xa2, 0x06, 2, 8, 99],
        ));
    });
    append("fdinfo-2.img", "FDINFO", &|entries| {
        let mut fd = Msg::new("fdinfo_entry").unwrap();
        fd.set("id", 99)
            .set("flags", 0)
            .set("type", 200)
            .set("fd", 77);
        entries.push(Entry {
            message: fd.clone(),
            payload: None,
        });
        fd.set("type", fd_type::NETLINKSK).set("fd", 78);
        entries.push(Entry {
            message: fd,
            payload: None,
        });
    });
    fs::write(dir.path().join("weather.img"), b"rain").unwrap();
    dir
}

#[test]
fn what_nobody_knows_survives() {
    let dir = set_of_the_future();
    let before = Set::open(dir.path(), &Limits::default()).unwrap();
    let first = open_criu(dir.path(), &Limits::default()).unwrap();
    let through = through_a_stream(&first, |_| ());
    assert_same_sets(
        &before,
        &Set::open(through.path(), &Limits::default()).unwrap(),
        &[],
    );
    // From set to set, too.
    let direct = tempfile::tempdir().unwrap();
    to_criu(&first.tree, direct.path()).unwrap();
    assert_same_sets(
        &before,
        &Set::open(direct.path(), &Limits::default()).unwrap(),
        &[],
    );
}

#[test]
fn an_edited_stream_rules_over_what_was_kept() {
    let dir = set_of_the_future();
    let before = Set::open(dir.path(), &Limits::default()).unwrap();
    let first = open_criu(dir.path(), &Limits::default()).unwrap();
    let after = through_a_stream(&first, |tree| {
        let live = tree.tasks[0].live.as_mut().unwrap();
        live.regs[3] = 0x1234_5678;
        live.creds.uid[1] = 55;
        tree.tables[0][0].fd = 40;
        tree.mms[0].vmas[0].flags |= 2;
    });
    let after = Set::open(after.path(), &Limits::default()).unwrap();
    assert_same_sets(
        &before,
        &after,
        &["core-7000.img", "fdinfo-2.img", "mm-7000.img"],
    );
    let one = |set: &Set, name: &str, kind: &str| {
        image::read(set.get(name).unwrap(), kind)
            .unwrap()
            .remove(0)
            .message
    };
    let (old, mut new) = (
        one(&before, "core-7000.img", "CORE"),
        one(&after, "core-7000.img", "CORE"),
    );
    let mut info = new.sub("ti_arm").unwrap();
    let mut regs = info.sub("gpregs").unwrap();
    assert_eq!(regs.u64("r3"), 0x1234_5678);
    regs.set(
        "r3",
        old.sub("ti_arm").unwrap().sub("gpregs").unwrap().u64("r3"),
    );
    info.set_sub("gpregs", regs);
    let mut own = new.sub("thread_core").unwrap();
    let mut creds = own.sub("creds").unwrap();
    assert_eq!(creds.u64("euid"), 55);
    creds.set("euid", 0);
    own.set_sub("creds", creds);
    new.set_sub("ti_arm", info).set_sub("thread_core", own);
    assert_eq!(new.encode(), old.encode(), "nothing else changed");
    let fds = image::read(after.get("fdinfo-2.img").unwrap(), "FDINFO").unwrap();
    let mut fds: Vec<_> = fds
        .iter()
        .map(|e| (e.message.u64("fd"), e.message.u64("id")))
        .collect();
    let was = image::read(before.get("fdinfo-2.img").unwrap(), "FDINFO").unwrap();
    let mut was: Vec<_> = was
        .iter()
        .map(|e| (e.message.u64("fd"), e.message.u64("id")))
        .collect();
    was[0].0 = 40;
    was.sort_unstable();
    fds.sort_unstable();
    assert_eq!(fds, was, "the moved descriptor is still the same file");
}

/// What a stream cannot open again is closed and named, and comes back where its contents were kept.
#[test]
fn a_file_without_a_name_is_closed_unless_its_contents_were_kept() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sets/files.tar.xz");
    let first = open(&path);
    let stream = Blob::new("stream", Arc::new(first.stream()));
    let mut tree = open_stream(&stream, Options::default()).unwrap().tree;
    let written = |tree: &Tree| {
        let dir = tempfile::tempdir().unwrap();
        let losses = to_criu(tree, dir.path()).unwrap();
        let set = Set::open(dir.path(), &Limits::default()).unwrap();
        let fds = image::read(set.get("fdinfo-2.img").unwrap(), "FDINFO").unwrap();
        let fds: Vec<u64> = fds.iter().map(|e| e.message.u64("fd")).collect();
        let codes: Vec<_> = losses.iter().map(|l| l.code).collect();
        (codes, fds, set.get("ghost-file-1.img").is_some())
    };
    // 15 has no name; 30 to 32 are a signalfd, a timerfd and an inotify.
    let (codes, fds, ghost) = written(&tree);
    assert_eq!(codes, ["criu.page-count"]);
    assert!(
        ghost && [15, 30, 31, 32].iter().all(|fd| fds.contains(fd)),
        "{fds:?}"
    );
    tree.foreign.clear();
    let (codes, fds, ghost) = written(&tree);
    assert_eq!(codes, ["criu.deleted-file"]);
    assert!(
        !ghost && [15, 30, 31, 32].iter().all(|fd| !fds.contains(fd)),
        "{fds:?}"
    );
    assert!(fds.contains(&14) && fds.contains(&29), "{fds:?}");
}

#[test]
fn one_process_is_taken_out_of_a_tree() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/real/tree/criu.tar.xz");
    let tids = |tree: &Tree| tree.tasks.iter().map(|t| t.tid).collect::<Vec<_>>();
    let all = open_criu(&path, &Limits::default()).unwrap().tree;
    let mut one = all.clone();
    let losses = edit::only_task(&mut one, 8002, false).unwrap();
    assert_eq!(tids(&one), [8002]);
    let said = |losses: &[ckpt_bridge::Loss]| {
        losses
            .iter()
            .map(|l| (l.field.clone(), l.value.clone()))
            .collect::<Vec<_>>()
    };
    let said = said(&losses);
    for cut in [("parent", "8000"), ("session", "8000"), ("child", "8006")] {
        assert!(said.contains(&(cut.0.into(), cut.1.into())), "{said:?}");
    }
    let mut family = all.clone();
    edit::only_task(&mut family, 8002, true).unwrap();
    assert_eq!(tids(&family), [8002, 8006]);
    // What is written holds all that the process needs, and nothing of the others.
    let (image, _) = model(ckpt_bridge::to_stream(&one), "one");
    assert_eq!(validate(&image, 10).kept(), []);
    let dir = tempfile::tempdir().unwrap();
    to_criu(&one, dir.path()).unwrap();
    let set = Set::open(dir.path(), &Limits::default()).unwrap();
    let of_tasks = |b: &&Blob| b.name.starts_with("core-") || b.name.starts_with("mm-");
    let names: Vec<_> = set
        .members()
        .filter(of_tasks)
        .map(|b| b.name.as_str())
        .collect();
    assert_eq!(names, ["core-8002.img", "mm-8002.img"]);
    let again = open_criu(dir.path(), &Limits::default()).unwrap().tree;
    assert_eq!(
        again.mms[0].vmas.len(),
        image.mms.values().next().unwrap().vmas.len()
    );
    let error = edit::only_task(&mut one, 9999, false)
        .unwrap_err()
        .to_string();
    assert!(error.contains("8002"), "{error}");
}

#[test]
fn parts_are_left_out_of_a_tree() {
    let future = set_of_the_future();
    let all = open_criu(future.path(), &Limits::default()).unwrap().tree;
    let written = |part| {
        let mut tree = all.clone();
        edit::strip(&mut tree, part).unwrap();
        let dir = tempfile::tempdir().unwrap();
        to_criu(&tree, dir.path()).unwrap();
        (
            tree,
            Set::open(dir.path(), &Limits::default()).unwrap(),
            dir,
        )
    };
    let (_, set, _dir) = written(Part::Files);
    let fds = image::read(set.get("fdinfo-2.img").unwrap(), "FDINFO").unwrap();
    assert!(fds.is_empty(), "not even those of unknown kinds");
    let (_, set, _dir) = written(Part::Sockets);
    let fds = image::read(set.get("fdinfo-2.img").unwrap(), "FDINFO").unwrap();
    let fds: Vec<u32> = fds.iter().map(|e| e.message.u32("fd")).collect();
    assert!(fds.contains(&77) && !fds.contains(&78), "{fds:?}");
    let (_, set, _dir) = written(Part::Foreign);
    assert!(set.get("weather.img").is_none());
    let (tree, set, _dir) = written(Part::Fp);
    assert!(tree.tasks[0].live.as_ref().unwrap().units.is_empty());
    let core = image::read(set.get("core-7000.img").unwrap(), "CORE").unwrap();
    let info = core[0].message.sub("ti_arm").unwrap();
    assert_eq!(info.sub("fpstate").unwrap().numbers("vfp_regs"), [0; 32]);
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
            let (image, _) = model(ckpt_bridge::to_stream(&again), "again");
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
