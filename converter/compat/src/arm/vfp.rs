//! VFP: coprocessors 9 (half precision), 10 (single) and 11 (double) of the first space
//! (DDI0406C A7.5 to A7.9, DDI0487 F4.1).

use super::{Insn, bit, bits};
use crate::feature::{Feature, FeatureSet};

const LEN: u8 = 4;

fn insn(needs: FeatureSet) -> Insn {
    Insn::new(LEN, needs.with(Feature::Vfp))
}

/// The precision, by coprocessor number.
#[derive(Clone, Copy, PartialEq)]
enum Size {
    Half,
    Single,
    Double,
}

impl Size {
    fn of(word: u32) -> Option<Self> {
        match bits(word, 11, 8) {
            9 => Some(Self::Half),
            10 => Some(Self::Single),
            11 => Some(Self::Double),
            _ => None,
        }
    }

    fn needs(self) -> FeatureSet {
        FeatureSet::EMPTY.with_if(self == Self::Half, Feature::Fp16)
    }
}

/// Loads, stores and transfers of two core registers (bits 27:25 are 110).
pub(super) fn transfer(word: u32) -> Insn {
    let Some(size) = Size::of(word) else {
        return Insn::undefined(LEN);
    };
    let rn = bits(word, 19, 16);
    let (pre, up, writeback) = (bit(word, 24), bit(word, 23), bit(word, 21));
    if !pre && !up && !writeback {
        return transfer_pair(word, size);
    }
    let high = size == Size::Double && bit(word, 22);
    if pre && !writeback {
        return insn(size.needs().with_if(high, Feature::VfpD32));
    }
    if size == Size::Half || pre == up && writeback {
        return Insn::undefined(LEN);
    }
    let count = bits(word, 7, 0) / 2;
    let first = bits(word, 15, 12) + if bit(word, 22) { 16 } else { 0 };
    if bits(word, 7, 0) == 0 || size == Size::Double && (count > 16 || first + count > 32) {
        return Insn::undefined(LEN);
    }
    let high = size == Size::Double && first + count > 16;
    insn(FeatureSet::EMPTY.with_if(high, Feature::VfpD32)).write_if(writeback, rn)
}

fn transfer_pair(word: u32, size: Size) -> Insn {
    if !bit(word, 22) || bits(word, 7, 6) != 0 || !bit(word, 4) || size == Size::Half {
        return Insn::undefined(LEN);
    }
    let high = size == Size::Double && bit(word, 5);
    let to_core = bit(word, 20);
    insn(FeatureSet::EMPTY.with_if(high, Feature::VfpD32))
        .write_if(to_core, bits(word, 15, 12))
        .write_if(to_core, bits(word, 19, 16))
}

/// Arithmetic and transfers of one core register (bits 27:24 are 1110).
pub(super) fn operation(word: u32) -> Insn {
    let Some(size) = Size::of(word) else {
        return Insn::undefined(LEN);
    };
    if bit(word, 4) {
        transfer_one(word, size)
    } else {
        arithmetic(word, size)
    }
}

fn transfer_one(word: u32, size: Size) -> Insn {
    let (op, to_core, rt) = (bits(word, 23, 21), bit(word, 20), bits(word, 15, 12));
    let needs = match (size, op) {
        (Size::Half | Size::Single, 0) if bits(word, 6, 5) == 0 => size.needs(),
        (Size::Single, 7) => return special_register(word),
        (Size::Double, _) => {
            let high = FeatureSet::EMPTY.with_if(bit(word, 7), Feature::VfpD32);
            let word_lane = op & !1 == 0 && bits(word, 6, 5) == 0;
            let duplicate = !to_core && bit(word, 23);
            if duplicate && bit(word, 6) {
                return Insn::undefined(LEN);
            }
            high.with_if(!word_lane, Feature::Neon)
        }
        _ => return Insn::undefined(LEN),
    };
    insn(needs).write_if(to_core, rt)
}

/// vmrs and vmsr: user mode has FPSCR only.
fn special_register(word: u32) -> Insn {
    let needs = FeatureSet::EMPTY.with_if(bits(word, 19, 16) != 1, Feature::Privileged);
    let rt = bits(word, 15, 12);
    let mut insn = insn(needs).write_if(bit(word, 20) && rt != 15, rt);
    if !bit(word, 20) && needs.is_empty() {
        insn.fpscr_from = Some((rt & 15) as u8);
    }
    insn
}

fn arithmetic(word: u32, size: Size) -> Insn {
    let opcode = bits(word, 23, 20) & 0xb;
    let double = size == Size::Double;
    let three = double && (bit(word, 22) || bit(word, 7) || bit(word, 5));
    let base = size.needs();
    match opcode {
        0..=3 => insn(base.with_if(three, Feature::VfpD32)),
        8 if !bit(word, 6) => insn(base.with_if(three, Feature::VfpD32)),
        9 | 10 => insn(base.with_if(three, Feature::VfpD32).with(Feature::VfpV4)),
        11 if !bit(word, 6) && !bit(word, 7) && !bit(word, 5) => insn(
            base.with(Feature::VfpV3)
                .with_if(double && bit(word, 22), Feature::VfpD32),
        ),
        11 if bit(word, 6) => two_registers(word, size),
        _ => Insn::undefined(LEN),
    }
}

/// Operations on one source (opcode 1x11): bits 19:16 choose, bit 7 is a second choice.
fn two_registers(word: u32, size: Size) -> Insn {
    let double = size == Size::Double;
    let (dest_high, source_high) = (double && bit(word, 22), double && bit(word, 5));
    let both = dest_high || source_high;
    let (needs, high) = match (bits(word, 19, 16), bit(word, 7)) {
        (0, false) if size == Size::Half => return Insn::undefined(LEN),
        (0 | 1, _) | (4, _) => (size.needs(), both),
        (2, _) => (half_conversion(size), dest_high),
        (3, _) if size == Size::Half => (FeatureSet::one(Feature::Bf16), false),
        (3, _) => (half_conversion(size), source_high),
        (5, _) => (size.needs(), dest_high),
        (6, _) | (7, false) => (size.needs().with(Feature::VfpV8), both),
        // Between single and double: the other side is a single register.
        (7, true) if double => (FeatureSet::EMPTY, source_high),
        (7, true) if size == Size::Single => (FeatureSet::EMPTY, bit(word, 22)),
        (8, _) => (size.needs(), dest_high),
        (9, true) if double => (FeatureSet::one(Feature::Jscvt), source_high),
        (10 | 11 | 14 | 15, _) => (size.needs().with(Feature::VfpV3), dest_high),
        (12 | 13, _) => (size.needs(), source_high),
        _ => return Insn::undefined(LEN),
    };
    insn(needs.with_if(high, Feature::VfpD32))
}

/// vcvtb and vcvtt: with single precision an option of VFPv3, with double precision v8.
fn half_conversion(size: Size) -> FeatureSet {
    match size {
        Size::Double => FeatureSet::of(&[Feature::VfpHalf, Feature::VfpV8]),
        _ => FeatureSet::one(Feature::VfpHalf),
    }
}
