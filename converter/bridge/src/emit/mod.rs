//! From a [`Tree`] to a checkpoint stream of revision R18.
//!
//! The order of records is that of §2 of the specification; each function writes one production of its grammar.

mod files;
mod identity;
mod memory;
mod signals;
mod sockets;
mod task;

use std::collections::{HashMap, HashSet};

use ckpt_format::{Object, Tag, enums::ARCH_ID};

use crate::{
    bytes::push_uint,
    core::Machine,
    stream::{Recorder, Stream},
    tree::{Creds, Tree},
    x86,
};
use task::cpu_architecture;

/// `FOREIGN.format` of a CRIU set.
const FOREIGN_CRIU: u64 = 1;
/// Bytes of a foreign file in one record at most.
const FOREIGN_PART: u64 = 64 << 20;
/// Value of a pid field that means "none" (§2.4).
const NO_PID: i32 = -4096;
/// Words in the saved auxiliary vector (`AT_VECTOR_SIZE`) at least.
const AUXV_WORDS: usize = 40;

/// [`Emitter::x86_area`].
fn x86_area(tree: &Tree) -> usize {
    let live = tree.tasks.iter().filter_map(|t| t.live.as_ref());
    let areas = live.filter_map(|live| live.x86_fp.as_ref());
    areas.map(Vec::len).max().unwrap_or(x86::FXSAVE)
}

/// Makes the stream. It holds all that the tree does; a tree cannot hold what a stream has no place for.
pub fn to_stream(tree: &Tree) -> Stream {
    let blobs = tree.blobs.iter().chain(&tree.foreign).cloned().collect();
    let system_v = tree.ipc.iter().flat_map(|ipc| &ipc.objects.segments);
    let mut e = Emitter {
        tree,
        out: Recorder::new(tree.machine, tree.order, blobs),
        next: 1,
        objects: HashMap::new(),
        creds: HashMap::new(),
        user_ns: 0,
        ns: 0,
        deferred: Vec::new(),
        x86_area: x86_area(tree),
        system_v: system_v.map(|s| s.memory).collect(),
    };
    e.image();
    e.out.stream
}

/// What a number was given to: a list of the tree and an index in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Thing {
    Table(usize),
    File(usize),
    Mm(usize),
    Dirs(usize),
    Actions(usize),
    Process(usize),
    Pipe(usize),
    Socket(usize),
    Tty(usize),
    Segment(usize),
    Inode(usize),
}

/// Work that waits for the end of a descriptor table (§2.3).
enum Deferred {
    Epoll(usize),
    Socket(usize),
}

struct Emitter<'a> {
    tree: &'a Tree,
    out: Recorder,
    next: i32,
    objects: HashMap<Thing, i32>,
    creds: HashMap<&'a Creds, i32>,
    user_ns: i32,
    ns: i32,
    deferred: Vec<Deferred>,
    /// Bytes of the area that an x86 processor keeps floating-point registers in: one size for all.
    x86_area: usize,
    /// Shared memory that is a System V segment.
    system_v: HashSet<usize>,
}

impl Emitter<'_> {
    fn image(&mut self) {
        self.head();
        let tags = self.pids();
        self.next = i32::try_from(tags.len()).unwrap_or(i32::MAX - 1) + 1;
        self.tasks_of(&tags);
        for task in &self.tree.tasks {
            self.task(task);
        }
        self.foreign();
        self.out.record(Tag::Tail, None, |r| {
            r.set("magic", 0x002d_2a0c_c0de_ef00);
        });
    }

    /// Files of a foreign set, for what records have no field for (§10.6).
    fn foreign(&mut self) {
        for (i, file) in self.tree.foreign.iter().enumerate() {
            let parts = file.len().div_ceil(FOREIGN_PART);
            self.out.record(Tag::Foreign, None, |r| {
                r.set("format", FOREIGN_CRIU)
                    .set("parts", parts)
                    .set("size", file.len());
            });
            self.out
                .payload(Tag::String, &[file.name.as_bytes(), b"\0"].concat());
            for part in 0..parts {
                let at = part * FOREIGN_PART;
                let len = FOREIGN_PART.min(file.len() - at);
                self.out.head(Tag::Buffer, len);
                self.out
                    .stream
                    .push_extent(self.tree.blobs.len() + i, at, len);
            }
        }
    }

    fn head(&mut self) {
        let dialect = self.out.dialect();
        let arch = ARCH_ID
            .number_of(dialect.abi.arch.name(), dialect.revision, dialect.abi.arch)
            .unwrap_or(0);
        let [release, version, machine] = &self.tree.kernel;
        let mut numbers = release
            .split(|c: char| !c.is_ascii_digit())
            .map(|n| n.parse::<u16>().unwrap_or(0));
        let words = self.auxv_words() as u64;
        let time = self.tree.time;
        self.out.record(Tag::Header, None, |r| {
            r.set("magic", 0x00fe_ed0c_c0a2_d200)
                .set("arch_id", arch.into());
            for field in ["major", "minor", "patch"] {
                r.set(field, numbers.next().unwrap_or(0).into());
            }
            r.set("rev", dialect.revision.info().checkpoint_version.into());
            r.set("constants.task_comm_len", 16)
                .set("constants.at_vector_size", words);
            r.set("constants.signal_nsig", 64)
                .set("constants.rlimit_nlimits", 16);
            for name in [
                "sysname",
                "nodename",
                "release",
                "version",
                "machine",
                "domainname",
            ] {
                r.set(&format!("constants.uts_{name}_len"), 65);
            }
            r.set("constants.n_tty_buf_size", 4096)
                .set("constants.tty_termios_nccs", 19);
            r.set("time", time).set("uflags", 1);
        });
        for text in [release, version, machine] {
            self.out.payload(Tag::Buffer, &padded(text.as_bytes(), 65));
        }
        self.head_arch();
        self.out.record(Tag::Container, None, |_| {});
        self.out.payload(Tag::Buffer, &padded(b"lsm_none", 11));
        self.out.payload(Tag::LsmInfo, b"dummy");
    }

    fn head_arch(&mut self) {
        let arm = self.tree.machine == Machine::Arm;
        let architecture = cpu_architecture(&self.tree.kernel[2]);
        let area = self.x86_area;
        self.out.record(Tag::HeaderArch, None, |r| {
            if arm {
                r.set("cpu_architecture", architecture)
                    .set("mmu", 1)
                    .set("aeabi", 1);
            } else {
                r.set("has_fxsr", (area >= x86::FXSAVE).into())
                    .set("has_xsave", (area > x86::FXSAVE).into())
                    .set("xstate_size", area as u64);
            }
        });
    }

    fn auxv_words(&self) -> usize {
        let longest = self.tree.mms.iter().map(|mm| 2 * mm.auxv.len() + 2).max();
        longest
            .unwrap_or(0)
            .max(if self.tree.machine == Machine::Arm {
                AUXV_WORDS
            } else {
                44
            })
    }

    /// Writes one pid object for each number that any task mentions; its tag is its place, from 1 on.
    fn pids(&mut self) -> HashMap<i32, i32> {
        let mut tags = HashMap::new();
        let mut numbers = Vec::new();
        let tasks = &self.tree.tasks;
        let own = tasks.iter().map(|t| t.tid);
        let others = tasks.iter().flat_map(|t| [t.tgid, t.pgid, t.sid, t.ppid]);
        for number in own.chain(others).filter(|&n| n > 0) {
            tags.entry(number).or_insert_with(|| {
                numbers.push(number);
                i32::try_from(numbers.len()).unwrap_or(i32::MAX)
            });
        }
        self.out.record(Tag::Pids, None, |r| {
            r.set("nr_pids", numbers.len() as u64).set("offset", 1);
        });
        let words = numbers.iter().flat_map(|&n| [0, n]);
        let buffer = self.words(words);
        self.out.payload(Tag::Buffer, &buffer);
        tags
    }

    fn tasks_of(&mut self, tags: &HashMap<i32, i32>) {
        let tag = |number| tags.get(&number).copied().unwrap_or(0);
        let tasks = &self.tree.tasks;
        self.out.record(Tag::Tree, None, |r| {
            r.set("nr_tasks", tasks.len() as u64);
        });
        let words = tasks.iter().flat_map(|t| {
            [
                tag(t.tid),
                tag(t.ppid),
                tag(t.tgid),
                tag(t.pgid),
                tag(t.sid),
                0,
            ]
        });
        let buffer = self.words(words);
        self.out.payload(Tag::Buffer, &buffer);
    }

    fn words(&self, words: impl Iterator<Item = i32>) -> Vec<u8> {
        let mut out = Vec::new();
        for word in words {
            push_uint(&mut out, self.tree.order, word.cast_unsigned().into(), 4);
        }
        out
    }

    /// The number of a thing, and whether this is its first use.
    fn number(&mut self, thing: Thing) -> (i32, bool) {
        if let Some(&number) = self.objects.get(&thing) {
            return (number, false);
        }
        let number = self.fresh();
        self.objects.insert(thing, number);
        (number, true)
    }

    fn fresh(&mut self) -> i32 {
        let number = self.next;
        self.next = self.next.saturating_add(1);
        number
    }

    /// Announces a thing on its first use; says its number and whether its records must follow.
    fn announce(&mut self, object: Object, thing: Thing) -> (i32, bool) {
        let (number, first) = self.number(thing);
        if first {
            self.out.objref(object, number);
        }
        (number, first)
    }
}

fn padded(text: &[u8], len: usize) -> Vec<u8> {
    let mut out = text.get(..text.len().min(len)).unwrap_or_default().to_vec();
    out.resize(len, 0);
    out
}
