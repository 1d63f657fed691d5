//! Code scan: which features the code in executable mappings uses, and how surely that code runs.
//!
//! Three strengths of a finding, strongest first:
//! * *inevitable*: every path from a thread's program counter executes it (`inevitable`);
//! * *reached*: control flow from a known entry leads to it (from a program counter, or from another entry);
//! * *swept*: it lies in a region that decodes cleanly, or that mapping symbols mark as code.

mod hits;
mod inevitable;
mod memory;
mod sweep;
mod walk;

pub use hits::{FeatureHits, Hit};
pub use memory::{Memory, SliceMemory};

use crate::arm::{Flow, Insn, Isa, Trap, Value, classify_arm, classify_thumb};
use crate::feature::{Feature, FeatureSet};
use memory::Window;

/// A stretch of an address space that can be executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeRegion {
    /// First address.
    pub start: u32,
    /// First address behind it.
    pub end: u32,
    /// What it is: a file's name or a label like `[anonymous]`.
    pub name: String,
    /// What mapping symbols say, if there are any: address where a kind begins, ascending.
    pub map: Vec<(u32, MapKind)>,
    /// Stretches that save or restore a unit for frames that used it: they run only where the unit is advertised.
    pub guarded: Vec<(u32, u32)>,
}

impl CodeRegion {
    fn contains(&self, addr: u32) -> bool {
        (self.start..self.end).contains(&addr)
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
    /// A word that points into code: a function pointer, perhaps.
    Pointer,
    /// ELF entry, symbol, return address.
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
    /// The process has not started: its entry will call `main` through the C library.
    pub from_start: bool,
    /// Big-endian code (BE32).
    pub big_endian_code: bool,
    /// Threads to use for the sweep.
    pub jobs: usize,
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
    /// Not reached, in code by its looks or by mapping symbols.
    pub swept: FeatureHits,
    /// Bytes of executable mappings.
    pub code_len: u64,
    /// Bytes of them that could be read.
    pub seen_len: u64,
    /// Bytes of them under mapping symbols, so that nothing is guessed.
    pub mapped_len: u64,
    /// Instructions that were classified.
    pub num_insns: u64,
}

impl Found {
    /// Every byte of executable mappings was read.
    pub fn is_complete(&self) -> bool {
        self.seen_len == self.code_len
    }
}

/// Runs the scan.
pub fn scan(job: &Job<'_>) -> Found {
    let mut found = Found::default();
    let reached = walk::walk(job, &mut found);
    sweep::sweep(job, &reached, &mut found);
    for entry in job
        .entries
        .iter()
        .filter(|entry| entry.kind == EntryKind::Pc)
    {
        found.inevitable.merge(&inevitable::from(job, entry));
    }
    found
}

/// Registers whose values are known on the way through straight code.
#[derive(Clone, Copy, Default)]
struct Known {
    values: [Option<u32>; 16],
    /// Registers that had the bits of FPSCR.LEN or STRIDE set, whatever else is in them: bit n for rn.
    vector_bits: u16,
    /// The constant of the last `tst`.
    tested: u32,
    /// Constant of the `tst` whose branch on zero was not taken: that bit is set here.
    guards: u32,
    /// Where those branches go: from there on nothing is guarded.
    guard_end: u32,
}

/// Units that are advertised by AT_HWCAP and were never optional in code for them.
const UNITS: FeatureSet = FeatureSet::of(&[
    Feature::Vfp,
    Feature::VfpD32,
    Feature::Iwmmxt,
    Feature::FpaOrIwmmxt,
]);

/// FPSCR.LEN and STRIDE.
const VECTOR_BITS: u32 = 0x0037_0000;

impl Known {
    /// All registers but pc, which instructions take from their own address.
    fn of(regs: Option<[u32; 16]>) -> Self {
        let mut known = Self::default();
        if let Some(regs) = regs {
            known.values = regs.map(Some);
            if let Some(pc) = known.values.last_mut() {
                *pc = None;
            }
        }
        known
    }

    fn get(&self, reg: u8) -> Option<u32> {
        self.values.get(usize::from(reg)).copied().flatten()
    }

    /// Takes over the effect of an instruction.
    fn step(&mut self, insn: &Insn, window: &mut Window<'_>) {
        let value = insn
            .value
            .filter(|_| !insn.conditional)
            .and_then(|(reg, value)| {
                let result = match value {
                    Value::Const(value) => Some(value),
                    Value::Literal(addr) => window.word(addr),
                    Value::Upper(high) => self
                        .get(reg)
                        .map(|low| low & 0xffff | u32::from(high) << 16),
                    Value::Offset(base, offset) => {
                        self.get(base).map(|base| base.wrapping_add_signed(offset))
                    }
                    Value::Or(base, bits) => self.get(base).map(|base| base | bits),
                    Value::Sum(a, b) => {
                        self.get(a).zip(self.get(b)).map(|(a, b)| a.wrapping_add(b))
                    }
                    Value::Memory(base, offset) => self
                        .get(base)
                        .and_then(|base| window.word(base.wrapping_add_signed(offset))),
                };
                Some((reg, result?))
            });
        if let (true, Flow::Jump(to, _)) = (insn.if_zero, insn.flow) {
            self.guards = self.tested;
            self.guard_end = to;
        }
        self.tested = insn.tests.unwrap_or(0);
        let vector = matches!(insn.value, Some((_, Value::Or(_, bits))) if bits & VECTOR_BITS != 0);
        self.vector_bits &= !insn.writes;
        if let Some((reg, _)) = insn.value.filter(|_| vector) {
            self.vector_bits |= 1 << (reg & 15);
        }
        for (number, slot) in self.values.iter_mut().enumerate() {
            if insn.writes >> number & 1 == 1 {
                *slot = None;
            }
        }
        if let Some((reg, value)) = value
            && let Some(slot) = self.values.get_mut(usize::from(reg))
        {
            *slot = Some(value);
        }
    }

    /// What an instruction needs with these registers: writing LEN or STRIDE to FPSCR needs short vectors.
    fn needs(&self, insn: &Insn) -> FeatureSet {
        let vectors = insn.fpscr_from.is_some_and(|reg| {
            self.vector_bits >> (reg & 15) & 1 == 1
                || self.get(reg).is_some_and(|value| value & VECTOR_BITS != 0)
        });
        let undefined = matches!(insn.flow, Flow::Trap(Trap::Udf | Trap::Undefined));
        insn.needs
            .with_if(vectors, Feature::ShortVectors)
            .with_if(undefined, Feature::Undefined)
    }

    /// Of these features, those that a test of AT_HWCAP in front of the code covers.
    fn guarded(&self, needs: FeatureSet, addr: u32) -> FeatureSet {
        // A mask with other bits than one is not a test of a capability.
        if !self.guards.is_power_of_two() || addr >= self.guard_end {
            return FeatureSet::EMPTY;
        }
        let advertised = crate::target::features_of_hwcap(self.guards, 0);
        let shared = advertised.has(Feature::Iwmmxt) || advertised.has(Feature::Fpa);
        needs.meet(advertised.with_if(shared, Feature::FpaOrIwmmxt))
    }

    /// A called function keeps r4 to r11 (AAPCS).
    fn call(&mut self) {
        for number in [0, 1, 2, 3, 12, 14] {
            if let Some(slot) = self.values.get_mut(number) {
                *slot = None;
            }
        }
    }
}

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
            Some(classify_thumb(first, second, addr))
        }
    }
}

/// Pages from here on are the kernel's helpers, not code of the process.
const VECTORS: u32 = 0xffff_0000;

/// Where a jump through a register or memory goes, if that can be told.
fn resolve(flow: Flow, known: &Known, window: &mut Window<'_>) -> Option<(u32, Isa)> {
    let pointer = match flow {
        Flow::Jump(addr, isa) | Flow::Call(addr, isa) => return Some((addr, isa)),
        Flow::JumpRegister(reg) | Flow::CallRegister(reg) => known.get(reg),
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

/// Number of the system call that an instruction makes: OABI's in the instruction, EABI's in r7.
fn call_number(oabi: Option<u32>, known: &Known) -> Option<u32> {
    oabi.or_else(|| known.get(7))
}

#[cfg(test)]
mod tests;
