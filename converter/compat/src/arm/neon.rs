//! Advanced SIMD, and the second coprocessor space of v8 (DDI0406C A7.4 and A7.7, DDI0487 F4.1).
//!
//! Words are in the A32 form; T32 moves bit 28 of the data-processing words to bit 24.

use super::{Insn, bit, bits};
use crate::feature::{Feature, FeatureSet};

/// Advanced SIMD has all 32 registers, so needing it implies d16 to d31; naming one is reported too.
fn insn(word: u32, len: u8, needs: FeatureSet) -> Insn {
    let high = bit(word, 22) || bit(word, 7) || bit(word, 5);
    Insn::new(
        len,
        needs.with(Feature::Neon).with_if(high, Feature::VfpD32),
    )
}

/// Words 1111 001U …: arithmetic on vectors.
pub(super) fn data_processing(word: u32, len: u8) -> Insn {
    let needs = match (bit(word, 23), bit(word, 4)) {
        (false, _) => three_same(word),
        (true, false) if bits(word, 21, 20) == 3 => extract_or_two(word),
        (true, false) => long_or_scalar(word),
        (true, true) if bits(word, 21, 19) == 0 && !bit(word, 7) => {
            return immediate(word, len);
        }
        (true, true) => shift(word),
    };
    match needs {
        Some(needs) => insn_by_shape(word, len, needs),
        None => Insn::undefined(len),
    }
}

/// Bit 7 is not a register bit where there is no second operand.
fn insn_by_shape(word: u32, len: u8, needs: FeatureSet) -> Insn {
    let two_or_shift = bit(word, 23) && (bits(word, 21, 20) == 3 && bit(word, 24) || bit(word, 4));
    insn(
        if two_or_shift && !is_table(word) {
            word & !(1 << 7)
        } else {
            word
        },
        len,
        needs,
    )
}

const fn is_table(word: u32) -> bool {
    !bit(word, 4) && bits(word, 11, 10) == 2
}

fn immediate(word: u32, len: u8) -> Insn {
    // Only bit 22 is a register bit here; bits 5 and 7 are opcode.
    let cmode_undefined = bits(word, 11, 8) == 15 && bit(word, 5);
    if cmode_undefined {
        Insn::undefined(len)
    } else {
        insn(word & !0xa0, len, FeatureSet::EMPTY)
    }
}

fn three_same(word: u32) -> Option<FeatureSet> {
    let (opcode, size, last, unsigned) = (
        bits(word, 11, 8),
        bits(word, 21, 20),
        bit(word, 4),
        bit(word, 24),
    );
    let none = FeatureSet::EMPTY;
    let half = none.with_if(bit(word, 20), Feature::NeonFp16);
    Some(match (opcode, last, unsigned) {
        (11, true, true) => FeatureSet::one(Feature::Rdm),
        (12, true, true) => FeatureSet::one(Feature::Rdm),
        (12, true, false) => half.with(Feature::NeonFma),
        (12, false, false) => FeatureSet::one(Feature::Sha1),
        (12, false, true) if size < 3 => FeatureSet::one(Feature::Sha2),
        (12, false, true) => return None,
        (14, true, false) => return None,
        (14, false, false) if size & 2 != 0 => return None,
        (15, true, true) => half.with(Feature::NeonV8),
        (13..=15, ..) => half,
        // Bitwise operations: the size is part of the opcode.
        (1, true, _) => none,
        (0 | 1 | 2 | 8, ..) if size == 3 && last == (opcode == 8) => return None,
        (3 | 6 | 7 | 9..=11, ..) if size == 3 => return None,
        _ => none,
    })
}

fn extract_or_two(word: u32) -> Option<FeatureSet> {
    if !bit(word, 24) || bits(word, 11, 10) == 2 {
        return Some(FeatureSet::EMPTY);
    }
    if !bit(word, 11) {
        return two_misc(word);
    }
    (bits(word, 11, 7) == 0x18).then_some(FeatureSet::EMPTY)
}

fn two_misc(word: u32) -> Option<FeatureSet> {
    let (group, op, quad, size) = (
        bits(word, 17, 16),
        bits(word, 10, 7),
        bit(word, 6),
        bits(word, 19, 18),
    );
    let none = FeatureSet::EMPTY;
    let half = none.with_if(size == 1, Feature::NeonFp16);
    let v8 = half.with(Feature::NeonV8);
    Some(match (group, op) {
        (0, 3) => return None,
        (0, 6 | 7) if size == 0 => FeatureSet::one(Feature::Aes),
        (0, 6 | 7) => return None,
        (1, 5) if quad && size == 2 => FeatureSet::one(Feature::Sha1),
        (1, 5 | 13) => return None,
        (1, 8..=15) => half,
        (2, 7) if quad && size == 2 => FeatureSet::one(Feature::Sha2),
        (2, 7) if size == 2 => FeatureSet::one(Feature::Sha1),
        (2, 7) => return None,
        (2, 8..=11 | 13 | 15) => v8,
        (2, 12) if quad && size == 1 => FeatureSet::one(Feature::Bf16),
        (2, 12 | 14) if !quad && size == 1 => FeatureSet::one(Feature::NeonHalf),
        (2, 12 | 14) => return None,
        (3, 0..=7) => v8,
        // Estimates of integers (bit 8 clear) exist for 32-bit elements only.
        (3, 8 | 9) if size != 2 => return None,
        (3, _) => half,
        _ => none,
    })
}

fn long_or_scalar(word: u32) -> Option<FeatureSet> {
    let (opcode, size, unsigned) = (bits(word, 11, 8), bits(word, 21, 20), bit(word, 24));
    let none = FeatureSet::EMPTY;
    if !bit(word, 6) {
        return match (opcode, unsigned, size) {
            (14, false, 2) => Some(FeatureSet::one(Feature::Pmull)),
            (14, true, _) | (15, ..) | (9 | 11 | 13, true, _) => None,
            _ => Some(none),
        };
    }
    Some(match opcode {
        1 | 5 | 9 => none.with_if(size == 1, Feature::NeonFp16),
        14 | 15 => FeatureSet::one(Feature::Rdm),
        _ if size == 0 => return None,
        _ => none,
    })
}

fn shift(word: u32) -> Option<FeatureSet> {
    match bits(word, 11, 8) {
        12 | 13 => Some(FeatureSet::one(Feature::NeonFp16)),
        11 => None,
        _ => Some(FeatureSet::EMPTY),
    }
}

/// Words 1111 0100 …0: element and structure loads and stores.
pub(super) fn load_store(word: u32, len: u8) -> Insn {
    let kind = bits(word, 11, 8);
    let exists = if bit(word, 23) {
        kind < 12 || bit(word, 21)
    } else {
        kind <= 10
    };
    if !exists {
        return Insn::undefined(len);
    }
    let rm = bits(word, 3, 0);
    insn(word & !0xa0, len, FeatureSet::EMPTY).write_if(rm != 15, bits(word, 19, 16))
}

/// Coprocessors 8 to 11 and 13 of the second space: what v8 and its extensions put there.
pub(super) fn second_space(word: u32, len: u8) -> Insn {
    let coprocessor = bits(word, 11, 8);
    let scalar = bits(word, 27, 24) == 14 && matches!(coprocessor, 9..=11) && !bit(word, 4);
    if let Some(insn) = scalar.then(|| vfp_v8(word, len)).flatten() {
        return insn;
    }
    let needs = if bits(word, 27, 24) == 14 {
        by_scalar(word)
    } else {
        by_vector(word)
    };
    needs.map_or_else(
        || Insn::undefined(len),
        |feature| insn(word, len, FeatureSet::one(feature)),
    )
}

/// vsel, vmaxnm, vminnm, vrint, directed vcvt, vmovx and vins.
fn vfp_v8(word: u32, len: u8) -> Option<Insn> {
    let (op, double, half) = (
        bits(word, 23, 20) & 0xb,
        bits(word, 11, 8) == 11,
        bits(word, 11, 8) == 9,
    );
    let base = FeatureSet::of(&[Feature::Vfp, Feature::VfpV8]).with_if(half, Feature::Fp16);
    let (dest, first, second) = (bit(word, 22), bit(word, 7), bit(word, 5));
    let (needs, high) = match op {
        0..=3 if !bit(word, 6) => (base, dest || first || second),
        8 => (base, dest || first || second),
        11 if bit(word, 6) => match bits(word, 19, 16) {
            0 if bits(word, 11, 8) == 10 => (base.with(Feature::Fp16), false),
            8..=11 if !bit(word, 7) => (base, dest || second),
            12..=15 => (base, second),
            _ => return None,
        },
        _ => return None,
    };
    Some(Insn::new(
        len,
        needs.with_if(double && high, Feature::VfpD32),
    ))
}

/// Words 1111 110x …: complex numbers, dot products, long fused multiply, matrices.
fn by_vector(word: u32) -> Option<Feature> {
    let (op, size, group) = (bits(word, 24, 23), bits(word, 21, 20), bits(word, 11, 8));
    let last = bit(word, 4);
    Some(match (group, op, size, last) {
        // vfmal and vfmsl, and the bfloat16 form with both size bits set.
        (8, 0, 3, true) => Feature::Bf16,
        (8, 0 | 1, 2, true) => Feature::Fhm,
        (8, _, 2 | 3, false) => Feature::Fcma,
        (8, 1 | 3, 0 | 1, false) => Feature::Fcma,
        (12, 0 | 1, 2, _) if bit(word, 6) => Feature::I8mm,
        (12, 0, 0, false) if bit(word, 6) => Feature::Bf16,
        (13, 0, 2, _) => Feature::DotProd,
        (13, 1, 2, false) => Feature::I8mm,
        (13, 0, 0, false) => Feature::Bf16,
        _ => return None,
    })
}

/// Words 1111 1110 …: the same by one element.
fn by_scalar(word: u32) -> Option<Feature> {
    let (wide, size, group, last) = (
        bit(word, 23),
        bits(word, 21, 20),
        bits(word, 11, 8),
        bit(word, 4),
    );
    Some(match (group, wide, size, last) {
        (8, false, 3, true) => Feature::Bf16,
        (8, false, 0 | 1, true) => Feature::Fhm,
        (8, _, _, false) => Feature::Fcma,
        (13, false, 2, _) => Feature::DotProd,
        (13, true, 0, _) => Feature::I8mm,
        (13, false, 0, false) => Feature::Bf16,
        _ => return None,
    })
}
