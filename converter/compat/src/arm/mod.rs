//! Classification of A32 and T32 instructions: what each needs of the processor, where control goes
//! after it, and the little of its effect on registers that following control flow takes.
//!
//! Encodings: ARM ARM DDI0100I (v4 to v6, coprocessor space), DDI0406C chapters A5 to A7 and A8,
//! DDI0487 chapter F4 (v8 AArch32), the iwMMXt developer guide, the EP93xx user guide, the FPA11 data sheet.

#![expect(
    clippy::match_same_arms,
    clippy::unnested_or_patterns,
    reason = "the arms follow the encoding tables of the ARM ARM row by row"
)]

mod a32;
mod coproc;
mod neon;
mod t32;
mod transfer;
mod vfp;

pub use transfer::Transfer;

use crate::feature::{Feature, FeatureSet};

/// Instruction set of a piece of code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Isa {
    /// 32-bit ARM instructions.
    Arm,
    /// Thumb instructions, 16 or 32 bits.
    Thumb,
}

impl Isa {
    /// A pointer to code at an address: the Thumb bit is set for Thumb code.
    pub const fn pointer(self, addr: u32) -> u32 {
        match self {
            Self::Arm => addr,
            Self::Thumb => addr | 1,
        }
    }

    /// The instruction set that an address with the Thumb bit selects, and the address without it.
    pub const fn of_pointer(pointer: u32) -> (u32, Self) {
        if pointer & 1 == 1 {
            (pointer & !1, Self::Thumb)
        } else {
            (pointer & !3, Self::Arm)
        }
    }

    /// Bytes that every instruction address is a multiple of.
    pub const fn alignment(self) -> u32 {
        match self {
            Self::Arm => 4,
            Self::Thumb => 2,
        }
    }

    /// What the program counter reads as, relative to the instruction.
    pub(crate) const fn pc_bias(self) -> u32 {
        match self {
            Self::Arm => 8,
            Self::Thumb => 4,
        }
    }
}

/// Where control can go after an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// To the next instruction.
    Next,
    /// To an address; the next instruction too if [`Insn::conditional`].
    Jump(u32, Isa),
    /// To an address, and back to the next instruction after it returns.
    Call(u32, Isa),
    /// To the address that a register holds.
    JumpRegister(u8),
    /// To a register plus constant (`sub pc, r3, #63`: a helper in the vectors page).
    JumpOffset(u8, i32),
    /// To the address in a register, and back.
    CallRegister(u8),
    /// To the address in the memory word at this address (`ldr pc, [pc, #…]`).
    JumpLiteral(u32),
    /// To the word at register plus offset (procedure linkage tables).
    JumpMemory(u8, i32),
    /// To its caller (pop, ldm, bx lr, mov pc, lr).
    Return,
    /// Through a table of the program's own, to the entry of the number in a register.
    JumpTable(Table, u8),
    /// Somewhere that is only known when it runs.
    JumpUnknown,
    /// A system call; the number in the instruction of OABI, `None` for `svc #0`.
    Syscall(Option<u32>),
    /// It traps on every processor.
    Trap(Trap),
}

/// Where a jump table lies, and what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// Bytes: half the distances from the table (`tbb`).
    Bytes(u32),
    /// The same with a sign (libgcc's `__gnu_thumb1_case_sqi`).
    SignedBytes(u32),
    /// Halfwords: half the distances from the table (`tbh`).
    Halfwords(u32),
    /// The same with a sign (libgcc's `__gnu_thumb1_case_shi`).
    SignedHalfwords(u32),
    /// Words: the distances from the table (libgcc's `__gnu_thumb1_case_si`).
    Distances(u32),
    /// Addresses (`ldr pc, [pc, rN, lsl #2]`).
    Words(u32),
    /// Addresses, from the address in a register (`ldr pc, [rM, rN, lsl #2]`).
    WordsAt(u8),
    /// Branches, one of which is executed (`add pc, pc, rN, lsl #2`).
    Branches(u32),
}

/// Why an instruction traps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trap {
    /// `bkpt`.
    Breakpoint,
    /// `udf` and the encodings that Linux uses for it.
    Udf,
    /// No architecture defines it.
    Undefined,
}

/// The value that an instruction leaves in one register, as far as it can be told without running it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// A constant (immediate or pc-relative address).
    Const(u32),
    /// The 32-bit word at this address.
    Literal(u32),
    /// Upper half replaced (`movt`).
    Upper(u16),
    /// Register plus constant.
    Offset(u8, i32),
    /// Sum of two registers.
    Sum(u8, u8),
    /// A register and another one that is shifted.
    Indexed(u8),
    /// The word at the sum of two registers (slots of a global offset table).
    WordAt(u8, u8),
    /// The word at a place, found by pc, plus a register.
    WordFrom(u32, u8),
    /// A register with bits set (`orr`).
    Or(u8, u32),
    /// The bits in which two registers differ (`eor`).
    Xor(u8, u8),
}

/// What one instruction is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Insn {
    /// Bytes: 2 or 4.
    pub len: u8,
    /// Everything that the processor must have to execute it.
    pub needs: FeatureSet,
    /// Where control goes.
    pub flow: Flow,
    /// Executed only if the flags say so.
    pub conditional: bool,
    /// Registers that it may write, bit n for rn.
    pub writes: u16,
    /// The register whose new value is known, and that value.
    pub value: Option<(u8, Value)>,
    /// Words that it moves between registers and memory.
    pub transfer: Option<Transfer>,
    /// It reads memory, and what it writes lay there.
    pub loads: bool,
    /// A word of the literal pool that it reads: data, not code.
    pub literal: Option<u32>,
    /// Words that lie there.
    pub literal_len: u8,
    /// The register that it writes to FPSCR (`vmsr fpscr, rN`).
    pub fpscr_from: Option<u8>,
    /// `tst rN, #constant` or `ands`: the constant.
    pub tests: Option<u32>,
    /// The register that is compared with zero (`cmp rN, #0`, `orrs rD, rN, #0`).
    pub tests_register: Option<u8>,
    /// `and rD, rN, #constant`: register and constant.
    pub masks: Option<(u8, u32)>,
    /// `mov pc, rN`: before v7 it stays in ARM state.
    pub keeps_state: bool,
    /// `cmp rN, #constant`: register and constant.
    pub compares: Option<(u8, u32)>,
    /// Condition code of the encoding (DDI0406C A8.3); `IT` makes other instructions conditional, too.
    pub condition: u8,
    /// `IT`: the number of following instructions that it makes conditional.
    pub it_len: u8,
}

/// The condition codes that matter here: equal, not equal, unsigned higher or same, lower, higher, lower or same, always.
pub(crate) const EQ: u8 = 0;
pub(crate) const NE: u8 = 1;
pub(crate) const CS: u8 = 2;
pub(crate) const CC: u8 = 3;
pub(crate) const HI: u8 = 8;
pub(crate) const LS: u8 = 9;
const ALWAYS: u8 = 14;

impl Insn {
    const fn new(len: u8, needs: FeatureSet) -> Self {
        Self {
            len,
            needs,
            flow: Flow::Next,
            conditional: false,
            writes: 0,
            value: None,
            transfer: None,
            loads: false,
            literal: None,
            literal_len: 1,
            fpscr_from: None,
            tests: None,
            tests_register: None,
            masks: None,
            keeps_state: false,
            compares: None,
            condition: ALWAYS,
            it_len: 0,
        }
    }

    const fn plain(len: u8) -> Self {
        Self::new(len, FeatureSet::EMPTY)
    }

    const fn undefined(len: u8) -> Self {
        Self::plain(len).flow(Flow::Trap(Trap::Undefined))
    }

    const fn flow(mut self, flow: Flow) -> Self {
        self.flow = flow;
        self
    }

    const fn need(mut self, feature: Feature) -> Self {
        self.needs = self.needs.with(feature);
        self
    }

    const fn write(mut self, reg: u32) -> Self {
        self.writes |= 1 << (reg & 15);
        self
    }

    const fn write_if(self, condition: bool, reg: u32) -> Self {
        if condition { self.write(reg) } else { self }
    }

    const fn set(self, reg: u32, value: Value) -> Self {
        let mut new = self.write(reg);
        new.value = Some(((reg & 15) as u8, value));
        new
    }

    const fn reads_literal(mut self, addr: u32) -> Self {
        self.literal = Some(addr);
        self
    }

    /// Adds the literal of a pair or of a floating-point register, whose encodings both instruction sets share.
    fn with_pool(mut self, word: u32, pc: u32) -> Self {
        let relative = bits(word, 19, 16) == 15 && bit(word, 24) && !bit(word, 21);
        let offset = |offset: u32| {
            if bit(word, 23) {
                pc.wrapping_add(offset)
            } else {
                pc.wrapping_sub(offset)
            }
        };
        let (arm_pair, thumb_pair) = (
            self.len == 4 && bits(word, 31, 28) != 15,
            bits(word, 31, 25) == 0b111_0100,
        );
        let literal = match bits(word, 27, 25) {
            _ if !relative || self.len != 4 || !self.is_defined() => None,
            6 if bit(word, 20) && matches!(bits(word, 11, 8), 9..=11) => {
                let len = if bits(word, 11, 8) == 11 { 2 } else { 1 };
                Some((offset(bits(word, 7, 0) << 2), len))
            }
            4 if thumb_pair && bit(word, 22) && bit(word, 20) => {
                Some((offset(bits(word, 7, 0) << 2), 2))
            }
            0 if arm_pair && bit(word, 22) && bits(word, 7, 4) == 13 && !bit(word, 20) => {
                Some((offset(bits(word, 11, 8) << 4 | bits(word, 3, 0)), 2))
            }
            _ => None,
        };
        if let Some((addr, len)) = literal {
            self.literal = Some(addr);
            self.literal_len = len;
        }
        self
    }

    /// Is it an instruction of some architecture (`udf` and `bkpt` are)?
    pub fn is_defined(&self) -> bool {
        self.flow != Flow::Trap(Trap::Undefined)
    }

    /// Does it do nothing, as what fills the space between functions?
    pub(crate) fn is_padding(&self) -> bool {
        self.flow == Flow::Next
            && self.transfer.is_none()
            && match self.value {
                Some((reg, Value::Offset(base, 0))) => reg == base,
                value => {
                    value.is_none()
                        && self.writes == 0
                        && self
                            .needs
                            .within(FeatureSet::one(Feature::Thumb).with(Feature::V6t2))
                }
            }
    }

    /// The register whose new value is told, as a list: bit n for rn.
    pub fn computes(&self) -> u16 {
        self.value.map_or(0, |(reg, _)| 1 << (reg & 15))
    }

    /// Does execution never reach the next instruction by itself?
    pub fn ends_block(&self) -> bool {
        !self.conditional
            && !matches!(
                self.flow,
                Flow::Next
                    | Flow::Call(..)
                    | Flow::CallRegister(_)
                    | Flow::Syscall(_)
                    | Flow::Trap(Trap::Breakpoint)
            )
    }
}

/// Classifies one A32 instruction word that lies at `addr`.
///
/// ```
/// use ckpt_compat::arm::{classify_arm, Flow};
/// use ckpt_compat::Feature;
/// // clz r0, r1
/// let insn = classify_arm(0xe16f_0f11, 0x8000);
/// assert!(insn.needs.has(Feature::V5t));
/// assert_eq!(insn.flow, Flow::Next);
/// ```
pub fn classify_arm(word: u32, addr: u32) -> Insn {
    Insn {
        transfer: transfer::arm(word),
        loads: transfer::arm_loads(word),
        ..a32::classify(word, addr)
    }
    .with_pool(word, addr.wrapping_add(Isa::Arm.pc_bias()))
}

/// Classifies one Thumb instruction at `addr`: `first` is the halfword there, `second` the one after it.
pub fn classify_thumb(first: u16, second: u16, addr: u32) -> Insn {
    let word = u32::from(first) << 16 | u32::from(second);
    Insn {
        transfer: transfer::thumb(first, second),
        loads: transfer::thumb_loads(first, second),
        ..t32::classify(first, second, addr)
    }
    .with_pool(word, addr.wrapping_add(Isa::Thumb.pc_bias()) & !3)
}

/// Bits `high..=low` of a word.
const fn bits(word: u32, high: u32, low: u32) -> u32 {
    (word >> low) & (u32::MAX >> (31 - (high - low)))
}

/// One bit of a word.
const fn bit(word: u32, position: u32) -> bool {
    (word >> position) & 1 == 1
}

/// Sign-extends the low `width` bits.
const fn sign_extend(value: u32, width: u32) -> u32 {
    let shift = 32 - width;
    (((value << shift).cast_signed()) >> shift).cast_unsigned()
}

#[cfg(test)]
mod tests;
