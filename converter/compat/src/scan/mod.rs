//! Code scan: which features the code in executable mappings uses, and how surely that code runs.
//!
//! Three strengths of a finding, strongest first:
//! * *inevitable*: every path from a thread's program counter executes it (`inevitable`);
//! * *reached*: control flow from a known entry leads to it (from a program counter, or from another entry);
//! * *swept*: it lies in a region that decodes cleanly, or that mapping symbols mark as code.

mod hits;
mod inevitable;
mod known;
mod memory;
mod paths;
mod returns;
mod sweep;
mod tables;
mod tested;
mod walk;

pub use hits::{FeatureHits, Hit};
pub use memory::{Memory, SliceMemory};
pub(crate) use memory::{bytes_at, word_at};

use std::collections::BTreeMap;

use crate::arm::{Flow, Insn, Isa, classify_arm, classify_thumb};
use crate::feature::{Feature, FeatureSet};
use known::{Known, Stack};
use memory::Window;

/// A stretch of an address space that can be executed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CodeRegion {
    /// First address.
    pub start: u32,
    /// First address behind it.
    pub end: u32,
    /// What it is: a file's name or a label like `[anonymous]`.
    pub name: String,
    /// What mapping symbols say, if there are any: address where a kind begins, ascending.
    pub map: Vec<(u32, MapKind)>,
    /// Stretches with instructions, from and to, if the file says; everything else in the region is data.
    pub sections: Vec<(u32, u32)>,
    /// The file names many functions, and none of Thumb code.
    pub is_all_arm: bool,
    /// Units that the file declares to use: it does so without asking AT_HWCAP.
    pub declared: FeatureSet,
    /// What neither the file declares nor the process was told of: where only a guess leads to it, it is data.
    pub undeclared: FeatureSet,
    /// Where functions begin, with the Thumb bit, ascending: all that there are if there are mapping symbols.
    pub functions: Vec<u32>,
    /// Those of them that end the process with an error.
    pub aborts: Vec<u32>,
    /// Those of them that go on where a function further up called `setjmp`.
    pub leaps: Vec<u32>,
    /// Those of them that load files with code (`dlopen`).
    pub loads: Vec<u32>,
    /// Those of them that map memory (`mmap`).
    pub maps: Vec<u32>,
    /// Those of them that print by a format, and which argument that is.
    pub formats: Vec<(u32, FormatArg)>,
    /// Those of them that translate messages (`gettext`).
    pub translators: Vec<u32>,
    /// Those of them that go on where the unwind table of a function further up says.
    pub throws: Vec<u32>,
    /// Those of them that a C library comes to on demand only.
    pub on_demand: Vec<u32>,
    /// Those of them that demand it.
    pub demands: Vec<u32>,
    /// It is the C library, which prints by its own formats and those that it is given.
    pub is_libc: bool,
    /// Slots with addresses that the file's code finds by constants; if they are known, nothing else leads to what lies there.
    pub offsets: Option<Offsets>,
    /// Where functions begin by their names and the unwind table, ascending: each stretch holds one or more.
    pub bounds: Vec<u32>,
    /// Stretches that use a unit only in a process that it was advertised to, and that needs them: libgcc saves and restores
    /// registers in them, glibc prints floating-point numbers.
    pub guarded: Vec<(u32, u32)>,
}

/// The argument of a function that is a format of `printf`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FormatArg {
    /// Which, from 0: the first four are in r0 to r3, the next one lies at the stack pointer.
    pub number: u8,
    /// Who calls the function was given the format himself (`vprintf`).
    pub is_passed_on: bool,
}

/// A global offset table: slots that code finds by their distance from a place, which it has in literals.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offsets {
    /// That place (`_GLOBAL_OFFSET_TABLE_`).
    pub base: u32,
    /// The slots, from and to, ascending without overlap.
    pub slots: Vec<(u32, u32)>,
}

impl Offsets {
    /// The slot that a literal leads to: a distance, or in code at a fixed address the address itself.
    fn slot(&self, literal: u32) -> Option<u32> {
        let slots = [self.base.wrapping_add(literal), literal];
        let is_slot = |slot: &u32| range_at(&self.slots, *slot).is_some();
        slots.into_iter().find(is_slot)
    }
}

impl CodeRegion {
    fn contains(&self, addr: u32) -> bool {
        (self.start..self.end).contains(&addr)
    }

    /// Can instructions lie here, by the sections and mapping symbols of the file?
    fn may_hold_code(&self, addr: u32) -> bool {
        self.in_section(addr)
            && match sweep::kind_at(self, addr) {
                // Before the first mapping symbol lie headers and notes.
                None => self.map.is_empty(),
                kind => kind != Some(MapKind::Data),
            }
    }

    /// Does the file put instructions here, as far as its sections say?
    fn in_section(&self, addr: u32) -> bool {
        self.sections.is_empty() || range_at(&self.sections, addr).is_some()
    }

    /// Does a function begin at this pointer? Files without mapping symbols name only some.
    fn names_function(&self, pointer: u32) -> bool {
        self.functions.binary_search(&pointer).is_ok()
    }

    /// The function that holds an address, from and to, or the few functions that lie together there; mapping symbols
    /// come with the names of all functions.
    fn function_at(&self, addr: u32) -> Option<(u32, u32)> {
        let after = self.bounds.partition_point(|start| *start <= addr);
        let start = *self.bounds.get(after.checked_sub(1)?)?;
        let end = self.bounds.get(after).map_or(self.end, |next| *next);
        (!self.map.is_empty() || end - start <= MAX_STRETCH_LEN).then_some((start, end))
    }

    /// Is this `longjmp`?
    fn leaps_to(&self, pointer: u32) -> bool {
        self.leaps.binary_search(&pointer).is_ok()
    }

    /// Is this `dlopen`?
    fn loads_at(&self, pointer: u32) -> bool {
        self.loads.binary_search(&pointer).is_ok()
    }

    /// The format that a function is given which begins here.
    fn format_at(&self, pointer: u32) -> Option<FormatArg> {
        let at = self.formats.partition_point(|(start, _)| *start < pointer);
        let (start, arg) = self.formats.get(at)?;
        (*start == pointer).then_some(*arg)
    }

    /// Is this `gettext`?
    fn translates_at(&self, pointer: u32) -> bool {
        self.translators.binary_search(&pointer).is_ok()
    }

    /// Is this `mmap`?
    fn maps_at(&self, pointer: u32) -> bool {
        self.maps.binary_search(&pointer).is_ok()
    }

    /// Does a function begin here that is come to on demand only?
    fn is_on_demand(&self, pointer: u32) -> bool {
        self.on_demand.binary_search(&pointer).is_ok()
    }

    /// Does what begins here demand that?
    fn demands_at(&self, pointer: u32) -> bool {
        self.demands.binary_search(&pointer).is_ok()
    }

    /// Does the unwinder of exceptions begin here?
    fn throws_at(&self, pointer: u32) -> bool {
        self.throws.binary_search(&pointer).is_ok()
    }

    /// Does the process end with an error in the function that begins here?
    fn aborts_at(&self, addr: u32, isa: Isa) -> bool {
        self.aborts.binary_search(&isa.pointer(addr)).is_ok()
    }

    /// Of these features, those that only a process to which they were advertised uses at this address.
    fn guarded(&self, needs: FeatureSet, addr: u32) -> FeatureSet {
        let inside = self
            .guarded
            .iter()
            .any(|(start, end)| (*start..*end).contains(&addr));
        if inside {
            needs.meet(UNITS)
        } else {
            FeatureSet::EMPTY
        }
    }
}

/// Longest stretch between two names that is taken for the bounds of a function, bytes.
const MAX_STRETCH_LEN: u32 = 64 << 10;

/// What a mapping symbol declares (ELF for the ARM Architecture, 5.5.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MapKind {
    /// `$a`
    Arm,
    /// `$t`
    Thumb,
    /// `$d`
    Data,
}

/// A place where execution is known to begin or go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Address, with the Thumb bit.
    pub pointer: u32,
    /// How it is known.
    pub kind: EntryKind,
    /// r0 to r15 there, if they are known.
    pub regs: Option<[u32; 16]>,
}

/// How surely an entry is executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntryKind {
    /// A symbol of a file: code that exists, whoever calls it.
    Symbol,
    /// A word that points into code: a function pointer, perhaps.
    Pointer,
    /// A word on a stack that points behind a call: a return address, perhaps.
    Return,
    /// A function of a file that may be called.
    Known,
    /// A thread's program counter, or the entry of a program that is not started yet.
    Pc,
}

/// Everything to scan.
pub struct Job<'a> {
    /// The address space.
    pub memory: &'a dyn Memory,
    /// Executable mappings, ascending, without overlap.
    pub regions: &'a [CodeRegion],
    /// Where to follow control flow from.
    pub entries: &'a [Entry],
    /// Slots of linkage tables that are not bound yet, and the function that each will be bound to.
    pub slots: &'a BTreeMap<u32, u32>,
    /// `main` of a process that has begun and keeps no pointer to it: once it was called, nothing else will call it.
    pub main: Option<u32>,
    /// Where that process began: the entry of the program, which calls `main`, and that of its loader.
    pub starts: &'a [u32],
    /// Functions that choose another one by AT_HWCAP (`STT_GNU_IFUNC`), ascending.
    pub resolvers: &'a [u32],
    /// Pages that the kernel filled, from and to, ascending: it has the like on every machine.
    pub kernel_pages: &'a [(u32, u32)],
    /// Memory that may be written, from and to, ascending.
    pub writable: &'a [(u32, u32)],
    /// Handlers of signals, if the image says which there are.
    pub handlers: Option<&'a [u32]>,
    /// What AT_HWCAP told the process of its machine.
    pub advertised: FeatureSet,
    /// Files of the process ask for functions that demand what a C library does on demand only.
    pub demands: bool,
    /// The process has not started: its entry will call `main` through the C library.
    pub from_start: bool,
    /// Threads to use.
    pub jobs: usize,
}

impl Job<'_> {
    /// Is an address one of memory that may hold something else later?
    fn is_writable(&self, addr: u32) -> bool {
        range_at(self.writable, addr).is_some()
    }
}

/// What the scan found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// On every path from a program counter.
    pub inevitable: FeatureHits,
    /// Reached from a program counter.
    pub from_pc: FeatureHits,
    /// Reached from another known entry.
    pub from_entries: FeatureHits,
    /// Reached, but behind a test of the AT_HWCAP bit that advertises it (`tst rN, #bit; beq …`).
    pub guarded: FeatureHits,
    /// Not reached, in code by its looks, by symbols or by mapping symbols.
    pub swept: FeatureHits,
    /// Code was reached that goes on somewhere that cannot be told: what was not reached may run, too.
    pub open: bool,
    /// Nothing can run but what was reached from the program counters, and handlers of signals.
    pub sealed: bool,
    /// Code may print by a format that memory does not hold yet: one that it makes, or reads.
    pub makes_formats: bool,
    /// What is left of the functions that each thread is in, by its program counter.
    pub frames: Vec<Frames>,
    /// Bytes of executable mappings.
    pub code_len: u64,
    /// Bytes of them that could be read.
    pub seen_len: u64,
    /// Bytes of them under mapping symbols, so that nothing is guessed.
    pub mapped_len: u64,
    /// Instructions that were classified.
    pub num_insns: u64,
}

/// What a thread has left to execute of the functions that it is in, without those that they call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frames {
    /// The thread's program counter, with the Thumb bit.
    pub pointer: u32,
    /// What that code needs.
    pub needs: FeatureSet,
}

impl Found {
    /// Every byte of executable mappings was read.
    pub fn is_complete(&self) -> bool {
        self.seen_len == self.code_len
    }
}

/// Runs the scan.
pub fn scan(job: &Job<'_>) -> Found {
    scan_in_parts(job, walk::PART_LEN)
}

/// Functions with a name that ends the process, of a program's own, which return all the same.
pub(crate) fn returning_aborts(job: &Job<'_>) -> Vec<u32> {
    let known = returns::Answers::new();
    let mut returns = returns::Returns::new(&known, returns::BUDGET);
    let mut window = Window::new(job);
    let aborts = job.regions.iter().flat_map(|region| &region.aborts);
    let mut returning: Vec<u32> = aborts.copied().collect();
    returning.retain(|pointer| returns.may(job, &mut window, Isa::of_pointer(*pointer)));
    returning
}

/// The same with code cut into parts of another length, in bytes.
fn scan_in_parts(job: &Job<'_>, part_len: u32) -> Found {
    let mut found = Found::default();
    let mut stacks = walk::Stacks::default();
    for entry in job
        .entries
        .iter()
        .filter(|entry| entry.kind == EntryKind::Pc)
    {
        let ahead = inevitable::from(job, entry);
        found.inevitable.merge(&ahead.hits);
        stacks.add(&ahead);
        found.frames.extend(ahead.frames);
    }
    let reached = walk::walk(job, stacks, part_len, &mut found);
    sweep::sweep(job, &reached, &mut found);
    found
}

/// Units that are advertised by AT_HWCAP and were never optional in code for them.
const UNITS: FeatureSet = FeatureSet::of(&[
    Feature::Vfp,
    Feature::VfpD32,
    Feature::Iwmmxt,
    Feature::FpaOrIwmmxt,
]);

/// The instruction at an address; `None` if its bytes are not there.
fn fetch(window: &mut Window<'_>, addr: u32, isa: Isa) -> Option<Insn> {
    match isa {
        Isa::Arm => window.code_word(addr).map(|word| classify_arm(word, addr)),
        Isa::Thumb => {
            let first = window.half(addr)?;
            let second = if first >= 0xe800 {
                window.half(addr.wrapping_add(2))?
            } else {
                0
            };
            Some(tables::by_helper(
                classify_thumb(first, second, addr),
                addr,
                window,
            ))
        }
    }
}

/// An instruction behind `IT` is conditional; `left` counts those that are.
fn under_it(mut insn: Insn, left: &mut u8) -> Insn {
    insn.conditional |= *left > 0;
    *left = if insn.it_len > 0 {
        insn.it_len
    } else {
        left.saturating_sub(1)
    };
    insn
}

/// The range that holds an address, of ranges from and to, which ascend without overlap.
pub(crate) fn range_at(ranges: &[(u32, u32)], addr: u32) -> Option<(u32, u32)> {
    let after = ranges.partition_point(|(start, _)| *start <= addr);
    let range = ranges.get(after.checked_sub(1)?)?;
    Some(*range).filter(|(_, end)| addr < *end)
}

/// The region that holds an address.
fn region_at(regions: &[CodeRegion], addr: u32) -> Option<&CodeRegion> {
    let at = regions.partition_point(|region| region.end <= addr);
    regions.get(at).filter(|region| region.contains(addr))
}

/// Does an instruction before this place call, so that a return may lead here?
fn follows_call(window: &mut Window<'_>, addr: u32, isa: Isa) -> bool {
    [4, 2].into_iter().any(|len| {
        let insn = fetch(window, addr.wrapping_sub(len), isa);
        insn.is_some_and(|insn| {
            let calls = matches!(insn.flow, Flow::Call(..) | Flow::CallRegister(_));
            // `mov lr, pc; bx r3` of processors without blx.
            let links = isa == Isa::Arm
                && matches!(
                    insn.flow,
                    Flow::JumpRegister(_)
                        | Flow::JumpOffset(..)
                        | Flow::JumpMemory(..)
                        | Flow::JumpTable(..)
                        | Flow::JumpUnknown
                );
            u32::from(insn.len) == len && (calls || links)
        })
    })
}

/// Pages from here on are the kernel's helpers, not code of the process.
const VECTORS: u32 = 0xffff_0000;

/// Where a jump through a register or memory goes, if that can be told.
fn resolve(flow: Flow, known: &Known, window: &mut Window<'_>) -> Option<(u32, Isa)> {
    let pointer = match flow {
        Flow::Jump(addr, isa) | Flow::Call(addr, isa) => return Some((addr, isa)),
        Flow::JumpRegister(reg) | Flow::CallRegister(reg) => known.get(reg),
        Flow::JumpOffset(reg, offset) => {
            known.get(reg).map(|base| base.wrapping_add_signed(offset))
        }
        Flow::JumpLiteral(addr) => window.word(addr),
        Flow::JumpMemory(reg, offset) => known
            .get(reg)
            .and_then(|base| window.word(base.wrapping_add_signed(offset))),
        _ => None,
    }?;
    Some(Isa::of_pointer(pointer))
}

/// What a system call by number does to control flow (EABI numbers; OABI's are these plus 0x900000).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CallEffect {
    /// exit, exit_group, sigreturn: the next instruction is not executed.
    NoReturn,
    /// execve, kill: the next instruction may or may not be executed.
    Perhaps,
    /// Everything else.
    Returns,
}

fn call_effect(number: Option<u32>) -> CallEffect {
    match number.map(|n| if n >= 0x90_0000 { n - 0x90_0000 } else { n }) {
        Some(1 | 248 | 119 | 173) => CallEffect::NoReturn,
        None | Some(11 | 37 | 238 | 268 | 387) => CallEffect::Perhaps,
        Some(_) => CallEffect::Returns,
    }
}

/// `cacheflush`, which whoever writes code must call before it runs (0xf0002; with OABI's base 0x9f0002).
const fn flushes_cache(number: u32) -> bool {
    number & 0xf_ffff == 0xf_0002
}

/// mprotect, mmap2 (with OABI's base, too): their third argument says what may be done with the memory.
const fn maps_memory(number: u32) -> bool {
    matches!(number & 0xffff, 125 | 192)
}

/// signal, sigaction, rt_sigaction (with OABI's base, too).
const fn installs_handler(number: u32) -> bool {
    matches!(number & 0xffff, 48 | 67 | 174)
}

/// Number of the system call that an instruction makes: OABI's in the instruction, EABI's in r7.
fn call_number(oabi: Option<u32>, known: &Known) -> Option<u32> {
    oabi.or_else(|| known.get(7))
}

#[cfg(test)]
mod tests;
