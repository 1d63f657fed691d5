//! What gdb shows of the cores that we write, by every way to one, against what is known of the processes.

mod common;
mod foreign;

use std::{
    collections::BTreeMap,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use ckpt_bridge::{
    bytes::{Blob, Order},
    core::{self, Core, Machine, Status, Thread},
    from_core, open_stream, to_core, to_stream,
};
use ckpt_parser::decoder::Options;
use common::{REGS, expected, folders, number, set, varying};
use foreign::{cores_by_every_way, pids, run};
use serde_json::Value;

/// What gdb says of one core.
struct Seen {
    /// By thread and name, registers.
    registers: BTreeMap<(u64, String), u64>,
    /// By thread, the frames, innermost first.
    frames: BTreeMap<u64, Vec<String>>,
    /// By address, the bytes there.
    memory: BTreeMap<u64, Vec<u8>>,
}

/// What is asked of each thread. Registers that a machine does not have are an error, which ends a list.
const LISTS: [&str; 3] = [
    "r0 r1 r2 r3 r4 r5 r6 r7 r8 r9 r10 r11 r12 sp lr pc cpsr fpscr",
    "d0 d1 d2 d3 d4 d5 d6 d7 d8 d9 d10 d11 d12 d13 d14 d15",
    "d16 d17 d18 d19 d20 d21 d22 d23 d24 d25 d26 d27 d28 d29 d30 d31",
];

/// Asks gdb, once for everything.
fn gdb(core: &str, program: Option<&Path>, memory: &[(u64, usize)]) -> Option<Seen> {
    let mut commands = vec!["set architecture arm".to_owned(), format!("core {core}")];
    for list in LISTS {
        commands.push(format!("thread apply all -s info registers {list}"));
    }
    commands.push("thread apply all backtrace".to_owned());
    for (at, len) in memory {
        commands.push(format!("x/{len}xb {at:#x}"));
    }
    let mut args = vec!["-q", "-batch", "-nx"];
    for command in &commands {
        args.extend(["-ex", command]);
    }
    if let Some(program) = program {
        args.push(program.to_str().unwrap());
    }
    Some(parse(&run("gdb-multiarch", &args)?.0))
}

fn parse(out: &str) -> Seen {
    let hex = |word: &str| u64::from_str_radix(word.trim_start_matches("0x"), 16).unwrap();
    let (mut registers, mut frames) = (BTreeMap::new(), BTreeMap::<_, Vec<_>>::new());
    let mut bytes = BTreeMap::new();
    let mut thread = 0;
    for line in out.lines() {
        let lwp = line
            .split_once("(LWP ")
            .filter(|_| line.starts_with("Thread "));
        // "r0  0x101b0  65968", or "d0  1.5  (raw 0x3ff8000000000000)".
        let mut words = line.split_whitespace();
        let name = words.next().unwrap_or_default();
        let raw = line
            .split_once("(raw ")
            .map(|(_, raw)| raw.trim_end_matches(')'));
        let value = raw
            .or_else(|| words.next())
            .filter(|word| word.starts_with("0x"));
        if let Some((_, rest)) = lwp {
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            thread = digits.parse().unwrap();
        } else if line.starts_with('#') {
            frames.entry(thread).or_default().push(line.to_owned());
        } else if let (true, Some((at, rest))) = (line.starts_with("0x"), line.split_once(':')) {
            let at = hex(at.split_whitespace().next().unwrap());
            for (at, byte) in (at..).zip(rest.split_whitespace().map(hex)) {
                bytes.insert(at, u8::try_from(byte).unwrap());
            }
        } else if let Some(value) = value {
            registers.insert((thread, name.to_owned()), hex(value));
        }
    }
    let mut memory = BTreeMap::<u64, Vec<u8>>::new();
    for (at, byte) in bytes {
        match memory.iter_mut().next_back() {
            Some((start, all)) if start + all.len() as u64 == at => all.push(byte),
            _ => {
                memory.insert(at, vec![byte]);
            }
        }
    }
    Seen {
        registers,
        frames,
        memory,
    }
}

impl Seen {
    /// `len` bytes at an address.
    fn bytes(&self, at: u64, len: usize) -> Option<&[u8]> {
        let (start, all) = self.memory.range(..=at).next_back()?;
        let skip = usize::try_from(at - start).ok()?;
        all.get(skip..skip + len)
    }
}

/// The word that counts on in the programs without a C library, between the looks and the dump.
const COUNTER: std::ops::Range<u64> = 0x0002_0004..0x0002_0008;

/// What is known of a process whose number in the set is `pid`.
fn process(known: &Value, pid: i32) -> Option<&Value> {
    let mut all = known["processes"].as_array()?.iter();
    all.find(|p| {
        let own = |t: &Value| t["tid"] == pid || t["ns_tid"] == pid;
        p["threads"]
            .as_array()
            .is_some_and(|threads| threads.iter().any(own))
    })
}

/// The number of a thread in the set.
fn tid(thread: &Value) -> u64 {
    let inside = thread["ns_tid"].as_u64();
    inside.unwrap_or_else(|| thread["tid"].as_u64().unwrap())
}

/// Global variables of the first process: address and bytes.
fn globals(known: &Value) -> Vec<(u64, Vec<u8>)> {
    let all = known["globals"].as_object().into_iter().flatten();
    let all = all.filter_map(|(_, global)| {
        let digits = global["bytes"].as_str()?;
        let bytes = (0..digits.len()).step_by(2);
        let bytes = bytes.map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap());
        Some((number(&global["address"]), bytes.collect()))
    });
    all.collect()
}

/// Whether the machine has d16 to d31: bit 19 of AT_HWCAP. gdb goes by it as well.
fn has_d32(process: &Value) -> bool {
    let hwcap = &process["auxv"]["HWCAP"];
    hwcap.is_null() || number(hwcap) & 1 << 19 != 0
}

/// Compares what gdb shows with what ptrace saw, and gives how many numbers.
fn check_registers(seen: &Seen, known: &Value, process: &Value, said: &str) -> usize {
    let mut compared = 0;
    for thread in process["threads"].as_array().unwrap() {
        let tid = tid(thread);
        let varying = varying(known, thread, false);
        let fixed = REGS
            .iter()
            .take(17)
            .filter(|reg| !varying.iter().any(|v| v == *reg));
        let names = fixed.map(|reg| match *reg {
            "fp" => ("r11".to_owned(), &thread["gpregs"]["fp"]),
            "ip" => ("r12".to_owned(), &thread["gpregs"]["ip"]),
            reg => (reg.to_owned(), &thread["gpregs"][reg]),
        });
        let count = if has_d32(process) { 32 } else { 16 };
        let d = thread["vfp"]["d"]
            .as_array()
            .into_iter()
            .flatten()
            .take(count);
        let d = d.enumerate().map(|(i, want)| (format!("d{i}"), want));
        let fpscr = thread["vfp"]
            .get("fpscr")
            .map(|want| ("fpscr".to_owned(), want));
        for (name, want) in names.chain(d).chain(fpscr) {
            let found = seen.registers.get(&(tid, name.clone()));
            let found = found.unwrap_or_else(|| panic!("no {name} of {tid} in {said}"));
            assert_eq!(*found, number(want), "{name} of {tid} in {said}");
            compared += 1;
        }
    }
    compared
}

fn check_memory(seen: &Seen, globals: &[(u64, Vec<u8>)], said: &str) {
    for (address, want) in globals {
        let found = seen.bytes(*address, want.len());
        let found = found.unwrap_or_else(|| panic!("nothing at {address:#x} in {said}"));
        for (at, (byte, want)) in (*address..).zip(found.iter().zip(want)) {
            assert!(
                COUNTER.contains(&at) || byte == want,
                "{at:#x} in {said}: {byte:02x}, not {want:02x}"
            );
        }
    }
}

/// Frames stand where the threads stood; those of a thread that did not run are all that gdb saw in the process itself.
fn check_frames(seen: &Seen, known: &Value, process: &Value, live: Option<&[String]>, said: &str) {
    for thread in process["threads"].as_array().unwrap() {
        let frames = &seen.frames[&tid(thread)];
        if varying(known, thread, false)
            .iter()
            .any(|name| name == "pc")
        {
            continue;
        }
        let pc = format!("{:#010x}", number(&thread["gpregs"]["pc"]));
        assert!(
            frames[0].contains(&pc),
            "{pc} of {} in {said}: {frames:?}",
            tid(thread)
        );
        if let Some(live) = live {
            assert_eq!(frames, live, "frames of {} in {said}", tid(thread));
        }
    }
}

/// The program of a folder of real images, and what gdb printed of the live process: its frames, if it had one thread.
fn live(folder: &Path, known: &Value, process: &Value) -> Option<(PathBuf, Vec<String>)> {
    let name = known["program"].as_str()?;
    let own = folder.join("bin").join(name);
    let program = if own.exists() {
        own
    } else {
        folder.join("../_bin").join(name)
    };
    let text = fs::read_to_string(folder.join("gdb.txt")).ok()?;
    let head = format!("==== pid {}\n", process["pid"]);
    let (_, rest) = text.split_once(&head)?;
    let own = rest.split("==== pid ").next()?;
    let frames = own.lines().filter(|line| line.starts_with('#'));
    let single = process["threads"].as_array()?.len() == 1;
    (program.exists() && single).then(|| (program, frames.map(str::to_owned).collect()))
}

/// Registers, floating point, memory and frames of every thread, straight from a set, through a stream, and from the
/// core through another.
#[test]
fn gdb_sees_what_is_known_of_every_thread_by_every_way_to_a_core() {
    let (mut compared, mut said) = (0, String::new());
    for folder in folders() {
        let Some(set) = set(&folder) else { continue };
        let known = expected(&folder);
        for pid in pids(&set) {
            let process = process(&known, pid).unwrap();
            let root = process["pid"] == known["root_pid"];
            let globals = if root { globals(&known) } else { Vec::new() };
            let memory: Vec<_> = globals.iter().map(|(at, b)| (*at, b.len())).collect();
            let live = live(&folder, &known, process);
            let (program, frames) = live.unzip();
            let dir = tempfile::tempdir().unwrap();
            let mut first = None;
            for core in cores_by_every_way(&set, pid, dir.path()) {
                let Some(seen) = gdb(&core, program.as_deref(), &memory) else {
                    return;
                };
                said.clear();
                write!(said, "{core} of {}", folder.display()).unwrap();
                compared += check_registers(&seen, &known, process, &said);
                check_memory(&seen, &globals, &said);
                check_frames(&seen, &known, process, frames.as_deref(), &said);
                let first = first.get_or_insert_with(|| seen.frames.clone());
                assert_eq!(&seen.frames, first, "{said}");
            }
        }
    }
    // Eight processes of the small images in the tree, 17 + 33 numbers each, three ways.
    assert!(compared > 1000, "{compared}");
}

/// No memory.
struct Nothing;
impl core::Content for Nothing {
    fn copy(&mut self, _: &core::Mapping, _: &mut dyn core::Sink) -> ckpt_bridge::Result<()> {
        Ok(())
    }
}

/// An x86 stream with numbers in all kinds of registers, as a core.
fn x86_core(machine: Machine, dir: &Path) -> PathBuf {
    let mut area = vec![0; 832];
    area[..6].copy_from_slice(&[0x7f, 3, 0, 0x38, 0x80, 0]);
    area[24..28].copy_from_slice(&0x1f80_u32.to_le_bytes());
    // 1.5 on top of the stack.
    area[32..42].copy_from_slice(&[0, 0, 0, 0, 0, 0, 0, 0xc0, 0xff, 0x3f]);
    let halves = [160, 832 - 256].map(|at| at..at + 16);
    for (half, byte) in halves.into_iter().zip([0x21, 0x43]) {
        area[half].fill(byte);
    }
    // The header names the parts that are there.
    area[512] = 7;
    if machine == Machine::X86 {
        area.truncate(512);
    }
    let regs = vec![0; machine.num_regs()];
    let status = Status {
        signal: [0; 3],
        cursig: 0,
        pending: 0,
        blocked: 0,
        tid: 10,
        ppid: 1,
        pgrp: 10,
        sid: 10,
        times: core::Times::default(),
        regs,
        fp_valid: true,
    };
    let thread = Thread {
        xfpregs: (machine == Machine::X86).then(|| area.clone()),
        xstate: (machine == Machine::X86_64).then_some(area),
        ..Thread::new(status)
    };
    let first = Core {
        machine,
        order: Order::Little,
        e_flags: 0,
        process: None,
        threads: vec![thread],
        auxv: Vec::new(),
        files: Vec::new(),
        file_unit: 4096,
        segments: Vec::new(),
        other: Vec::new(),
    };
    let mut bytes = Vec::new();
    core::write(&first, &[], &mut Nothing, &mut bytes).unwrap();
    let blob = Blob::new("core", Arc::new(bytes));
    let (tree, _) = from_core(&blob, &core::read(&blob).unwrap()).unwrap();
    let stream = Blob::new("stream", Arc::new(to_stream(&tree)));
    let back = open_stream(&stream, Options::default()).unwrap();
    let mut again = Vec::new();
    to_core(&back.tree, 10, &mut again).unwrap();
    let path = dir.join(format!("{machine:?}"));
    fs::write(&path, again).unwrap();
    path
}

#[test]
fn gdb_shows_the_floating_point_registers_of_x86() {
    let dir = tempfile::tempdir().unwrap();
    for (machine, arch) in [(Machine::X86, "i386"), (Machine::X86_64, "i386:x86-64")] {
        let core = x86_core(machine, dir.path());
        let arch = format!("set architecture {arch}");
        let core = format!("core {}", core.display());
        let shown = [
            ("output $st0", "1.5"),
            (
                "output/x $xmm0.v4_int32",
                "{0x21212121, 0x21212121, 0x21212121, 0x21212121}",
            ),
            ("output/x $mxcsr", "0x1f80"),
            ("output/x $fctrl", "0x37f"),
            ("output/x $ftag", "0x3fff"),
            ("output/x $ymm0.v4_int64[3]", "0x4343434343434343"),
        ];
        // Without XSAVE there are no upper halves.
        let count = if machine == Machine::X86 { 5 } else { 6 };
        let mut args = vec!["-q", "-batch", "-nx", "-ex", &arch, "-ex", &core];
        for (command, _) in &shown[..count] {
            args.extend(["-ex", "echo \\n:", "-ex", command]);
        }
        let Some((out, _)) = run("gdb-multiarch", &args) else {
            return;
        };
        let values: Vec<&str> = out
            .lines()
            .filter_map(|line| line.strip_prefix(':'))
            .collect();
        let wanted: Vec<&str> = shown[..count].iter().map(|(_, value)| *value).collect();
        assert_eq!(values, wanted, "{machine:?}: {out}");
    }
}
