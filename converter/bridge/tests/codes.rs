//! Every code of a loss is met: by images of the tree as they are, or by one that is changed for it.

mod common;

use std::{collections::BTreeSet, fs, path::Path, sync::Arc};

use ckpt_bridge::{
    CODES, Loss,
    bytes::{Blob, ReadAt},
    criu::{
        Mapping, Msg, Set, fd_type,
        image::{self, Entry},
        pagemap::{LAZY, Pagemap, Writer},
        schema::Kind,
    },
    edit, open_core, open_criu, open_stream, processes, read_core, salvage_core_stream,
    salvage_criu, to_core, to_criu,
    tree::Tree,
};
use ckpt_format::Tag;
use ckpt_parser::{
    decoder::{Decoder, Options},
    limits::Limits,
    source::SliceSource,
};

use common::{cores, folders, sets, unpacked};

/// Codes that have been met.
#[derive(Default)]
struct Met(BTreeSet<&'static str>);

impl Met {
    fn add(&mut self, losses: &[Loss]) {
        self.0.extend(losses.iter().map(|loss| loss.code));
    }

    /// What it costs to write a tree as everything.
    fn written(&mut self, tree: &Tree) {
        let dir = tempfile::tempdir().unwrap();
        self.add(&to_criu(tree, dir.path()).unwrap_or_default());
        for pid in processes(tree) {
            let mut core = ckpt_bridge::core::Plain(Vec::new());
            self.add(&to_core(tree, pid, &mut core).unwrap_or_default());
        }
    }

    /// A set, what is kept of it, and what is not.
    fn set(&mut self, path: &Path) {
        let mut foreign = open_criu(path, &Limits::default()).unwrap();
        self.add(&std::mem::take(&mut foreign.losses));
        self.stream(foreign.stream());
        self.written(&foreign.tree);
        foreign.tree.foreign.clear();
        self.written(&foreign.tree);
    }

    fn stream(&mut self, bytes: impl ReadAt + 'static) {
        let stream = Blob::new("stream", Arc::new(bytes));
        if let Ok(mut foreign) = open_stream(&stream, Options::default()) {
            self.add(&std::mem::take(&mut foreign.losses));
            self.written(&foreign.tree);
        }
    }
}

#[test]
fn every_code_is_met() {
    let mut met = Met::default();
    for path in sets() {
        met.set(&path);
    }
    for core in folders().iter().flat_map(|folder| cores(folder)) {
        let mut foreign = open_core(&core, &Limits::default()).unwrap();
        met.add(&std::mem::take(&mut foreign.losses));
        met.written(&foreign.tree);
    }
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples/images");
    for sample in fs::read_dir(samples).unwrap() {
        met.stream(fs::read(sample.unwrap().path()).unwrap());
    }
    changed_messages(&mut met);
    changed_mappings(&mut met);
    other_sets(&mut met);
    changed_cores(&mut met);
    changed_streams(&mut met);
    let all: BTreeSet<&str> = CODES.iter().map(|(code, _)| *code).collect();
    let missing: Vec<&&str> = all.difference(&met.0).collect();
    assert_eq!(missing, Vec::<&&str>::new());
}

fn data(name: &str) -> tempfile::TempDir {
    unpacked(
        &Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/data")
            .join(name),
    )
}

/// Changes the messages of a file in place.
fn change(dir: &Path, name: &str, kind: &str, with: &dyn Fn(&mut Msg)) {
    let file = fs::read(dir.join(name)).unwrap();
    let mut entries = image::read(&Blob::new(name, Arc::new(file)), kind).unwrap();
    for entry in &mut entries {
        with(&mut entry.message);
    }
    write(dir, name, kind, &entries);
}

fn write(dir: &Path, name: &str, kind: &str, entries: &[Entry]) {
    let mut out = Vec::new();
    image::write(Kind::by_name(kind).unwrap(), entries, &mut out).unwrap();
    fs::write(dir.join(name), out).unwrap();
}

/// A change of a message inside another one.
fn inside(field: &'static str, with: impl Fn(&mut Msg)) -> impl Fn(&mut Msg) {
    move |m| {
        if let Some(mut own) = m.sub(field) {
            with(&mut own);
            m.set_sub(field, own);
        }
    }
}

/// Values that have no home in a stream.
fn changed_messages(met: &mut Met) {
    let numbers: [(&str, &str, &'static str, &'static str, &[u64]); 13] = [
        ("core-7000.img", "CORE", "tc", "cg_set", &[3]),
        ("core-7000.img", "CORE", "tc", "loginuid", &[1000]),
        (
            "core-7000.img",
            "CORE",
            "tc",
            "membarrier_registration_mask",
            &[1],
        ),
        ("core-7000.img", "CORE", "tc", "stop_signo", &[20]),
        ("core-7000.img", "CORE", "tc", "flags", &[4]),
        ("mm-7000.img", "MM", "", "thp_disabled", &[1]),
        ("inventory.img", "INVENTORY", "", "dump_uptime", &[5]),
        ("inventory.img", "INVENTORY", "", "compress", &[1]),
        ("inventory.img", "INVENTORY", "root_ids", "mnt_ns_id", &[77]),
        ("files.img", "FILES", "reg", "ext", &[1]),
        ("files.img", "FILES", "reg", "mnt_id", &[5]),
        ("fs-7000.img", "FS", "", "umask", &[2]),
        ("core-7000.img", "CORE", "thread_core", "sched_nice", &[2]),
    ];
    for (file, kind, inner, field, values) in numbers {
        let dir = data("real/naked/criu");
        let set = move |m: &mut Msg| {
            m.set(field, values[0]);
        };
        if inner.is_empty() {
            change(dir.path(), file, kind, &set);
        } else {
            change(dir.path(), file, kind, &inside(inner, set));
        }
        met.set(dir.path());
    }
    let dir = data("real/naked/criu");
    let creds = |m: &mut Msg| {
        m.set_numbers("cap_amb", [1, 0])
            .set_bytes("lsm_profile", b"unconfined");
    };
    let thread = inside("creds", creds);
    change(
        dir.path(),
        "core-7000.img",
        "CORE",
        &inside("thread_core", thread),
    );
    let mut ring = Msg::new("aio_ring_entry").unwrap();
    ring.set("id", 0x1000)
        .set("nr_req", 1)
        .set("ring_len", 0x1000);
    change(dir.path(), "mm-7000.img", "MM", &|m| {
        m.set_subs("aios", vec![ring.clone()]);
    });
    met.set(dir.path());
    let dir = data("sets/descriptors.tar.xz");
    change(dir.path(), "tty-info.img", "TTY_INFO", &|m| {
        m.set("exclusive", 1);
    });
    change(dir.path(), "pipes-data.img", "PIPES_DATA", &|m| {
        m.set("size", 1 << 20);
    });
    met.set(dir.path());
    let dir = data("sets/sysv_ns.tar.xz");
    let set = Set::open(dir.path(), &Limits::default()).unwrap();
    let name = set.members().find(|f| f.name.starts_with("ipcns-var-"));
    change(dir.path(), &name.unwrap().name, "IPC_VAR", &|m| {
        m.set("mq_msg_max", 11);
    });
    met.set(dir.path());
}

/// Mappings and pages that are not what they should be.
fn changed_mappings(met: &mut Met) {
    let with = |met: &mut Met, change_one: &dyn Fn(usize, &mut Msg)| {
        let dir = data("real/naked/criu");
        change(dir.path(), "mm-7000.img", "MM", &|m| {
            let all: Vec<_> = Mapping::take(m, "mm").map(Result::unwrap).collect();
            let changed = all.iter().enumerate().map(|(i, vma)| {
                let mut vma = vma.message("mm").unwrap();
                change_one(i, &mut vma);
                vma.encode().into()
            });
            m.set_parts("vmas", changed);
        });
        met.set(dir.path());
    };
    with(met, &|i, m| {
        m.set("flags", m.u64("flags") | 1 << 20)
            .set("madv", 1 << 14);
        if i == 1 {
            m.set("start", 0x1_0000);
        }
    });
    // Pages that no mapping has, and pages that stayed with the process.
    let dir = data("real/naked/criu");
    let old = Blob::new(
        "pagemap-7000.img",
        Arc::new(fs::read(dir.path().join("pagemap-7000.img")).unwrap()),
    );
    let map = Pagemap::open(&old).unwrap();
    let mut new = Writer::new(map.pages_id);
    new.run(0x1000, 1, 4);
    new.run(0x7000_0000, 1, LAZY);
    fs::write(dir.path().join("pagemap-7000.img"), new.finish()).unwrap();
    met.set(dir.path());
    // A mapping of a file that streams have nothing like.
    let dir = data("real/naked/criu");
    change(dir.path(), "files.img", "FILES", &|m| {
        if m.u64("id") == 1 {
            m.set("type", fd_type::NETLINKSK);
        }
    });
    met.set(dir.path());
}

/// Sets in another form, and edits of one.
fn other_sets(met: &mut Met) {
    // An increment.
    let dir = data("real/naked/criu");
    let parent = dir.path().join("parent");
    fs::create_dir(&parent).unwrap();
    for name in ["inventory.img", "pagemap-7000.img", "pages-1.img"] {
        fs::copy(dir.path().join(name), parent.join(name)).unwrap();
    }
    met.set(dir.path());
    // Files of each kind in an image of their own, as before 3.2.
    let dir = data("real/naked/criu");
    let set = Set::open(dir.path(), &Limits::default()).unwrap();
    let mut files = image::read(set.get("files.img").unwrap(), "FILES").unwrap();
    for file in &mut files {
        file.message = file.message.sub("reg").unwrap();
    }
    write(dir.path(), "reg-files.img", "REG_FILES", &files);
    fs::remove_file(dir.path().join("files.img")).unwrap();
    met.set(dir.path());
    // Damage.
    let dir = data("real/naked/criu");
    fs::write(dir.path().join("ids-7000.img"), b"?").unwrap();
    fs::remove_file(dir.path().join("pagemap-7000.img")).unwrap();
    met.add(&salvage_criu(dir.path(), &Limits::default()).unwrap().losses);
    // A task of a family, and an epoll file that loses what it watches.
    let dir = data("real/tree/criu.tar.xz");
    let mut tree = open_criu(dir.path(), &Limits::default()).unwrap().tree;
    met.add(&edit::only_task(&mut tree, 8002, false).unwrap());
    met.written(&tree);
    for path in sets() {
        let mut tree = open_criu(&path, &Limits::default()).unwrap().tree;
        for table in &mut tree.tables {
            table.retain(|fd| fd.fd % 2 == 0);
        }
        met.written(&tree);
        tree.foreign.clear();
        for mm in &mut tree.mms {
            mm.exe = None;
        }
        met.written(&tree);
    }
}

/// Cores that lack something.
fn changed_cores(met: &mut Met) {
    let dir = data("real/naked/criu");
    let tree = open_criu(dir.path(), &Limits::default()).unwrap().tree;
    let mut core = ckpt_bridge::core::Plain(Vec::new());
    to_core(&tree, 7000, &mut core).unwrap();
    let whole = core.0;
    let mut try_core = |bytes: &[u8]| {
        if let Ok(foreign) = read_core("core", bytes, &Limits::default()) {
            met.add(&foreign.losses);
        }
    };
    try_core(&whole[..whole.len() - 5000]);
    // The program headers: what a segment holds, and where.
    let word = |at: usize| u32::from_le_bytes(whole[at..at + 4].try_into().unwrap());
    let (table, count) = (
        word(28) as usize,
        usize::from(u16::from_le_bytes([whole[44], whole[45]])),
    );
    for i in 0..count {
        let head = table + i * 32;
        for (field, value) in [
            (8, 0x8000_u32),
            (20, word(head + 20).wrapping_sub(100)),
            (16, 100),
        ] {
            let mut bytes = whole.clone();
            bytes[head + field..head + field + 4].copy_from_slice(&value.to_le_bytes());
            try_core(&bytes);
        }
    }
    // A note of another name: the first of mapped files.
    let notes = whole.windows(4).enumerate();
    for (at, _) in notes.filter(|(_, w)| *w == b"ELIF") {
        let mut bytes = whole.clone();
        bytes[at..at + 4].copy_from_slice(b"ELIX");
        try_core(&bytes);
    }
    // A segment beyond the address space.
    let mut beyond = whole.clone();
    let table = u32::from_le_bytes(whole[28..32].try_into().unwrap()) as usize;
    beyond[table + 32 + 8..table + 32 + 12].fill(0xff);
    let salvaged = salvage_core_stream("core", beyond.as_slice(), &Limits::default());
    met.add(&salvaged.unwrap().losses);
}

/// Streams with a value that breaks a rule, or that says less than the others.
fn changed_streams(met: &mut Met) {
    for (name, tag, nth, field, value) in [
        ("minimal-r18-arm", Tag::Vma, 1, "vm_start", 0x1000),
        // The mapping of the stack, which ends before its page then.
        ("minimal-r18-arm", Tag::Vma, 1, "vm_end", 0xbeff_8000),
        ("minimal-r18-arm", Tag::File, 0, "f_type", 99),
        ("foreign-r18-arm", Tag::Foreign, 0, "format", 9),
        ("tour-r01-i386", Tag::Cpu, 0, "debugreg0", 9),
    ] {
        met.stream(with_value(name, tag, nth, field, value));
    }
    // An epoll file that watches what is not there: the first item, in the record behind the head of the list.
    let (mut bytes, at, head) = record("tour-r18-arm", Tag::EpollItems, 0);
    let file = at + head.size as usize + 8 + 12;
    bytes[file..file + 4].copy_from_slice(&9999_u32.to_le_bytes());
    met.stream(bytes);
    // A stream that ends before the queues of its sockets.
    let (mut bytes, at, _) = record("tour-r18-arm", Tag::SocketUnix, 1);
    bytes.truncate(at);
    met.stream(bytes);
}

/// What names nothing is not left out in silence.
#[test]
fn what_names_nothing_is_told() {
    for (tag, field, what) in [
        (Tag::FileDesc, "fd_objref", "descriptor 0.fd_objref = 9999"),
        (
            Tag::TaskObjs,
            "files_objref",
            "task 100.files_objref = 9999",
        ),
        (Tag::TaskObjs, "mm_objref", "task 100.mm_objref = 9999"),
    ] {
        let bytes = with_value("tour-r18-arm", tag, 0, field, 9999);
        let stream = Blob::new("stream", Arc::new(bytes));
        let losses = open_stream(&stream, Options::default()).unwrap().losses;
        let mut told = losses.iter().filter(|l| l.code == "stream.missing");
        let told = told.next().map(ToString::to_string).unwrap_or_default();
        assert!(told.contains(what), "{told}");
    }
}

/// What only x86 has: told, or kept.
#[test]
fn nothing_of_x86_is_left_out_in_silence() {
    let open = |bytes: Vec<u8>| {
        let stream = Blob::new("stream", Arc::new(bytes));
        open_stream(&stream, Options::default()).unwrap()
    };
    for (name, tag, field, what) in [
        ("tour-r01-i386", Tag::Cpu, "debugreg0", "debugreg0 = 0x9"),
        ("tour-r16-i386", Tag::MmContext, "nldt", "nldt = 9"),
    ] {
        let losses = open(with_value(name, tag, 0, field, 9)).losses;
        let told: Vec<String> = losses.iter().map(ToString::to_string).collect();
        assert!(told.iter().any(|loss| loss.contains(what)), "{told:?}");
    }
    let address = 0x7700_1234;
    let foreign = open(with_value(
        "tour-r16-i386",
        Tag::Thread,
        0,
        "sysenter_return",
        address,
    ));
    let again = Blob::new("again", Arc::new(foreign.stream()));
    let again = open_stream(&again, Options::default()).unwrap();
    let kept = |tree: &Tree| tree.tasks[0].live.as_ref().unwrap().x86_sysenter;
    assert_eq!((kept(&foreign.tree), kept(&again.tree)), (address, address));
}

/// A sample, the offset of one of its records, and the layout of that.
fn record(name: &str, tag: Tag, nth: usize) -> (Vec<u8>, usize, ckpt_format::layout::Layout) {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples/images");
    let bytes = fs::read(samples.join(format!("{name}.ckpt"))).unwrap();
    let mut decoder = Decoder::new(SliceSource(bytes.clone()), Options::default()).unwrap();
    let mut count = 0;
    while let Some(event) = decoder.next() {
        let (event_tag, offset) = event.map(|e| (e.tag, e.frame.offset)).unwrap();
        if event_tag != Some(tag) {
            continue;
        }
        if count == nth {
            let layout = decoder.view().unwrap().layout.clone();
            return (bytes, usize::try_from(offset).unwrap(), layout);
        }
        count += 1;
    }
    panic!("no {tag:?} in {name}");
}

fn with_value(name: &str, tag: Tag, nth: usize, field: &str, value: u64) -> Vec<u8> {
    let (mut bytes, at, layout) = record(name, tag, nth);
    let slot = layout
        .named(field)
        .unwrap_or_else(|| panic!("no {field} in {tag:?}"));
    let (start, len) = (at + slot.offset as usize, slot.element as usize);
    bytes[start..start + len].copy_from_slice(&value.to_le_bytes()[..len]);
    bytes
}
