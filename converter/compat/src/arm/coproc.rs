//! Coprocessor space, common to A32 and T32: `word` is in the A32 form, the flag tells the second space
//! (condition 1111: ldc2, cdp2, …). VFP and Advanced SIMD own coprocessors 8 to 11 of it.

use super::{Insn, bit, bits, neon, vfp};
use crate::feature::{Feature, FeatureSet};

const LEN: u8 = 4;

/// ldc, stc, mcrr, mrrc (bits 27:25 are 110).
pub(super) fn transfer(word: u32, second: bool) -> Insn {
    let coprocessor = bits(word, 11, 8);
    let pair = bits(word, 24, 21) == 2;
    if bits(word, 24, 21) == 0 && !matches!(coprocessor, 8..=13) {
        return Insn::undefined(LEN);
    }
    let insn = match (coprocessor, second) {
        (8..=13, true) => return neon::second_space(word, LEN),
        (8..=11, false) => return vfp::transfer(word),
        (0, false) if pair => Insn::plain(LEN).need(accumulator(bits(word, 3, 0))),
        (0, false) => Insn::plain(LEN).need(Feature::Iwmmxt),
        (1, true) if !pair => Insn::plain(LEN).need(Feature::Iwmmxt),
        (1, false) if !pair => Insn::plain(LEN).need(Feature::FpaOrIwmmxt),
        (2, false) if !pair => Insn::plain(LEN).need(Feature::Fpa),
        (4 | 5, false) if !pair => Insn::plain(LEN).need(Feature::Crunch),
        (14, false) => Insn::plain(LEN).need(Feature::Cp14),
        (15, false) if pair => Insn::plain(LEN).need(system_pair(word)),
        _ => Insn::plain(LEN).need(Feature::CoprocOther),
    };
    let to_core = pair && bit(word, 20);
    let writeback = !pair && bit(word, 21);
    let space = space_feature(pair, second);
    let mut insn = insn.write_if(writeback, bits(word, 19, 16));
    insn.needs = insn.needs.union(space);
    insn.write_if(to_core, bits(word, 15, 12))
        .write_if(to_core, bits(word, 19, 16))
}

/// The architecture that has the encoding itself: mcrr came with v5TE, mcrr2 with v6, the second space with v5T.
const fn space_feature(pair: bool, second: bool) -> FeatureSet {
    match (pair, second) {
        (true, true) => FeatureSet::one(Feature::V6),
        (true, false) => FeatureSet::one(Feature::V5te),
        (false, true) => FeatureSet::one(Feature::V5t),
        (false, false) => FeatureSet::EMPTY,
    }
}

/// mcrr p0: the XScale accumulator 0 is the same encoding as the iwMMXt register wR0, and iwMMXt parts run both.
const fn accumulator(number: u32) -> Feature {
    if number == 0 {
        Feature::XscaleDsp
    } else {
        Feature::Iwmmxt
    }
}

fn system_pair(word: u32) -> Feature {
    match bits(word, 3, 0) {
        14 => Feature::Timer,
        9 => Feature::Pmu,
        _ => Feature::Cp15Other,
    }
}

/// cdp, mcr, mrc (bits 27:24 are 1110).
pub(super) fn operation(word: u32, second: bool) -> Insn {
    let coprocessor = bits(word, 11, 8);
    let moves = bit(word, 4);
    let mut insn = match (coprocessor, second) {
        (8..=11 | 13, true) => return neon::second_space(word, LEN),
        (8..=11, false) => return vfp::operation(word),
        (0 | 1, true) => iwmmxt_second(word),
        (0, false) => iwmmxt_zero(word),
        (1, false) => coprocessor_one(word),
        (4..=6, false) => Insn::plain(LEN).need(Feature::Crunch),
        (14, false) => debug_register(word),
        (15, _) if moves => system_register(word, second),
        _ => Insn::plain(LEN).need(Feature::CoprocOther),
    };
    if !insn.is_defined() {
        return insn;
    }
    insn.needs = insn.needs.union(space_feature(false, second));
    let to_core = moves && bit(word, 20);
    insn.write_if(to_core && bits(word, 15, 12) != 15, bits(word, 15, 12))
}

/// Shifts by an immediate are the only iwMMXt2 instructions of the second space (condition 1111).
fn iwmmxt_second(word: u32) -> Insn {
    if !bit(word, 4) && bits(word, 7, 5) == 2 {
        Insn::plain(LEN).need(Feature::Iwmmxt2)
    } else {
        Insn::plain(LEN).need(Feature::CoprocOther)
    }
}

/// Coprocessor 0: iwMMXt, or the multiply-accumulate of XScale.
fn iwmmxt_zero(word: u32) -> Insn {
    let internal_multiply = word & 0x0ff0_0f10 == 0x0e20_0010;
    if internal_multiply {
        return Insn::plain(LEN).need(accumulator(bits(word, 7, 5)));
    }
    Insn::plain(LEN).need(if is_iwmmxt2(word) {
        Feature::Iwmmxt2
    } else {
        Feature::Iwmmxt
    })
}

/// Data operations that came with iwMMXt2 (Wireless MMX 2 developer guide), as value and mask.
const IWMMXT2: [(u32, u32); 18] = [
    (0x0e12_0190, 0x0f3f_0fff), // torvsc
    (0x0e20_01c0, 0x0f30_0fff), // wabs
    (0x0e20_01a0, 0x0fb0_0ff0), // waddbhus
    (0x0ea0_01a0, 0x0ff0_0ff0), // waddsubhx
    (0x0e40_0000, 0x0fe0_0ff0), // wavg4
    (0x0ec0_0100, 0x0fd0_0ff0), // wmadd, subtracting
    (0x0e00_0080, 0x0f10_0fe0), // wmerge
    (0x0e00_00a0, 0x0f80_0ff0), // wmia
    (0x0e80_0120, 0x0f80_0ff0), // wmiaw
    (0x0ed0_0100, 0x0fd0_0ff0), // wmul, rounding
    (0x0ee0_00c0, 0x0fe0_0ff0), // wmulwsm
    (0x0ec0_00c0, 0x0fe0_0ff0), // wmulwum
    (0x0eb0_00c0, 0x0ff0_0ff0), // wmulwl
    (0x0e80_00a0, 0x0f80_0ff0), // wqmia
    (0x0e10_0080, 0x0fd0_0ff0), // wqmulm
    (0x0ec0_00e0, 0x0fd0_0ff0), // wqmulwm
    (0x0ed0_01c0, 0x0ff0_0ff0), // wsubaddhx
    (0x0e10_01c0, 0x0f30_0ff0), // wabsdiff
];

fn is_iwmmxt2(word: u32) -> bool {
    IWMMXT2.iter().any(|(value, mask)| word & mask == *value)
}

/// Coprocessor 1 belongs to FPA or to iwMMXt; many words mean something to both, context decides.
fn coprocessor_one(word: u32) -> Insn {
    let needs = match (is_fpa(word), is_iwmmxt_one(word)) {
        (true, true) => Feature::FpaOrIwmmxt,
        (true, false) => Feature::Fpa,
        (false, _) if is_iwmmxt2(word) => Feature::Iwmmxt2,
        (false, true) => Feature::Iwmmxt,
        (false, false) => Feature::CoprocOther,
    };
    Insn::plain(LEN).need(needs)
}

/// FPA11 data sheet: arithmetic (bit 4 clear; destination and operands f0 to f7), transfers and comparisons.
fn is_fpa(word: u32) -> bool {
    let (opcode, unary) = (bits(word, 23, 20), bit(word, 15));
    // Precision is bits 19 and 7; both set means nothing.
    let precision_exists = !(bit(word, 19) && bit(word, 7));
    if !bit(word, 4) {
        return precision_exists
            && (if unary {
                bits(word, 18, 16) == 0
            } else {
                opcode <= 12
            });
    }
    match opcode {
        0 => precision_exists && bits(word, 3, 0) == 0,
        1 => bits(word, 19, 16) == 0 && bits(word, 7, 7) == 0 && !bit(word, 3),
        2..=5 => bits(word, 19, 16) == 0 && bits(word, 7, 5) == 0 && bits(word, 3, 0) == 0,
        9 | 11 | 13 | 15 => bits(word, 15, 12) == 15 && !bit(word, 19) && bits(word, 7, 5) == 0,
        _ => false,
    }
}

/// iwMMXt operations that carry coprocessor number 1 (bits 7:4 choose the operation), as in the developer guide.
fn is_iwmmxt_one(word: u32) -> bool {
    let (high, op) = (bits(word, 23, 20), bits(word, 7, 4));
    let rd_is_pc = bits(word, 15, 12) == 15;
    match op {
        // wmul, wmac, wmadd
        0x0 => true,
        // tmcr and tmrc: control registers 0 to 3 and 8 to 11
        0x1 => {
            matches!(high, 0 | 1)
                && bits(word, 3, 0) == 0
                && matches!(bits(word, 19, 16), 0..=3 | 8..=11)
        }
        // wsad, wmiaw
        0x2 => high & 0xa == 0 || high & 8 != 0,
        // tandc
        0x3 => high & 3 == 3 && bits(word, 19, 16) == 3 && rd_is_pc && bits(word, 3, 0) == 0,
        // shifts by a control register
        0x4 => matches!(bits(word, 3, 0), 8..=11),
        // torc
        0x5 => high & 3 == 1 && bits(word, 19, 16) == 3 && rd_is_pc && bits(word, 3, 0) == 0,
        0x6 => true,
        // textrc
        0x7 => high & 3 == 1 && bits(word, 19, 16) == 3 && rd_is_pc,
        0x8 | 0xa | 0xc | 0xe => true,
        0x9 => is_iwmmxt2(word),
        _ => false,
    }
}

/// p14: ThumbEE configuration is open to user mode; the rest are debug registers.
fn debug_register(word: u32) -> Insn {
    let thumbee = bit(word, 4) && bits(word, 23, 21) == 6;
    Insn::plain(LEN).need(if thumbee {
        Feature::ThumbEe
    } else {
        Feature::Cp14
    })
}

/// p15 accesses: which of them user mode may use (DDI0406C B3.17, DDI0100I part B).
fn system_register(word: u32, second: bool) -> Insn {
    let read = bit(word, 20);
    let key = (
        bits(word, 23, 21),
        bits(word, 19, 16),
        bits(word, 3, 0),
        bits(word, 7, 5),
    );
    let feature = match (second, key, read) {
        (false, (0, 13, 0, 3), true) => Feature::TlsRegister,
        (false, (0, 13, 0, 2), _) => Feature::TlsUser,
        (false, (0, 7, 10, 4 | 5) | (0, 7, 5, 4), false) => Feature::Cp15Barrier,
        (false, (0, 9, 12..=14, _), _) => Feature::Pmu,
        (false, (0, 14, ..), _) => Feature::Timer,
        _ => Feature::Cp15Other,
    };
    Insn::plain(LEN).need(feature)
}
