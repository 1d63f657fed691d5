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
mod vfp;

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
    const fn pc_bias(self) -> u32 {
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
    /// To the address in a register, and back.
    CallRegister(u8),
    /// To the address in the memory word at this address (`ldr pc, [pc, #…]`).
    JumpLiteral(u32),
    /// To the word at register plus offset (procedure linkage tables).
    JumpMemory(u8, i32),
    /// To its caller (pop, ldm, bx lr, mov pc, lr).
    Return,
    /// Somewhere that is only known when it runs: tables, computed jumps.
    JumpUnknown,
    /// A system call; the number in the instruction of OABI, `None` for `svc #0`.
    Syscall(Option<u32>),
    /// It traps on every processor.
    Trap(Trap),
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
    /// The word at register plus constant.
    Memory(u8, i32),
    /// A register with bits set (`orr`).
    Or(u8, u32),
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
    /// A word of the literal pool that it reads: data, not code.
    pub literal: Option<u32>,
    /// The register that it writes to FPSCR (`vmsr fpscr, rN`).
    pub fpscr_from: Option<u8>,
    /// `tst rN, #constant`: the constant.
    pub tests: Option<u32>,
    /// A branch that is taken if the result was zero (condition EQ).
    pub if_zero: bool,
    /// `IT`: the number of following instructions that it makes conditional.
    pub it_len: u8,
}

impl Insn {
    const fn new(len: u8, needs: FeatureSet) -> Self {
        Self {
            len,
            needs,
            flow: Flow::Next,
            conditional: false,
            writes: 0,
            value: None,
            literal: None,
            fpscr_from: None,
            tests: None,
            if_zero: false,
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

    /// Is it an instruction of some architecture (`udf` and `bkpt` are)?
    pub fn is_defined(&self) -> bool {
        self.flow != Flow::Trap(Trap::Undefined)
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
    a32::classify(word, addr)
}

/// Classifies one Thumb instruction at `addr`: `first` is the halfword there, `second` the one after it.
pub fn classify_thumb(first: u16, second: u16, addr: u32) -> Insn {
    t32::classify(first, second, addr)
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
