//! Words that go between core registers and memory at a base register: what following a stack takes.

use super::{bit, bits};

/// A load or store of whole words, or the movement of a base register alone (stores of other register files).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Base register.
    pub base: u8,
    /// Registers, bit n for rn; the lowest has the lowest address.
    pub list: u16,
    /// Where the first word lies, from the base.
    pub first: i32,
    /// How far the base moves.
    pub moves: i32,
    /// From memory to registers.
    pub load: bool,
}

impl Transfer {
    /// Offset of a register's word from the base.
    pub fn offset_of(&self, register: u8) -> Option<i32> {
        let below = self.list & ((1 << register) - 1);
        let words = below.count_ones().cast_signed();
        (self.list >> register & 1 == 1).then(|| self.first.wrapping_add(words * 4))
    }
}

fn transfer(base: u32, list: u32, first: i32, moves: i32, load: bool) -> Transfer {
    Transfer {
        base: (base & 15) as u8,
        list: (list & 0xffff) as u16,
        first,
        moves,
        load,
    }
}

/// Signs an offset by its U bit.
const fn signed(offset: u32, up: bool) -> i32 {
    if up {
        offset.cast_signed()
    } else {
        offset.cast_signed().wrapping_neg()
    }
}

/// Address of the first word and movement by P, U and W of a single transfer.
const fn indexed(offset: i32, pre: bool, writeback: bool) -> (i32, i32) {
    match (pre, writeback) {
        (true, true) => (offset, offset),
        (true, false) => (offset, 0),
        (false, _) => (0, offset),
    }
}

/// Does an A32 instruction read memory, so that the registers which it writes hold what lay there?
pub(super) fn arm_loads(word: u32) -> bool {
    let load = bit(word, 20);
    match bits(word, 27, 25) {
        _ if bits(word, 31, 28) == 15 => false,
        // Halfwords, signed bytes and pairs; swp and ldrex.
        0 if bit(word, 7) && bit(word, 4) => match bits(word, 6, 5) {
            0 => bit(word, 24) && (load || !bit(word, 23)),
            2 => true,
            _ => load,
        },
        2 => load,
        3 => load && !bit(word, 4),
        4 => load,
        _ => false,
    }
}

/// The same of T32.
pub(super) fn thumb_loads(first: u16, second: u16) -> bool {
    let (first, second) = (u32::from(first), u32::from(second));
    match bits(first, 15, 11) {
        0b01001 | 0b01101 | 0b01111 | 0b10001 | 0b10011 | 0b11001 => true,
        0b01010 | 0b01011 => bits(first, 11, 9) > 2,
        0b10111 => bits(first, 10, 9) == 2,
        // Multiple, pairs and exclusive; single.
        0b11101 | 0b11111 => bits(first, 10, 9) == 0 && bit(first << 16 | second, 20),
        _ => false,
    }
}

/// A32.
pub(super) fn arm(word: u32) -> Option<Transfer> {
    let (rn, rt) = (bits(word, 19, 16), bits(word, 15, 12));
    let (pre, up, writeback, load) = (bit(word, 24), bit(word, 23), bit(word, 21), bit(word, 20));
    match bits(word, 27, 25) {
        _ if bits(word, 31, 28) == 15 => None,
        0 if bit(word, 22) && !load && matches!(bits(word, 7, 4), 13 | 15) => {
            let offset = signed(bits(word, 11, 8) << 4 | bits(word, 3, 0), up);
            let (first, moves) = indexed(offset, pre, writeback);
            Some(transfer(rn, 3 << rt, first, moves, !bit(word, 5)))
        }
        2 if !bit(word, 22) => {
            let (first, moves) = indexed(signed(bits(word, 11, 0), up), pre, writeback);
            Some(transfer(rn, 1 << rt, first, moves, load))
        }
        4 => Some(multiple(rn, bits(word, 15, 0), word)),
        6 => coprocessor(word),
        _ => None,
    }
}

fn multiple(rn: u32, list: u32, word: u32) -> Transfer {
    let (pre, up, writeback, load) = (bit(word, 24), bit(word, 23), bit(word, 21), bit(word, 20));
    let len = (list.count_ones() * 4).cast_signed();
    let first = match (pre, up) {
        (false, true) => 0,
        (true, true) => 4,
        (false, false) => 4 - len,
        (true, false) => -len,
    };
    let moves = match (writeback, up) {
        (true, true) => len,
        (true, false) => -len,
        _ => 0,
    };
    transfer(rn, list, first, moves, load)
}

/// Loads and stores of coprocessors, VFP's and iwMMXt's among them: only the base matters here.
fn coprocessor(word: u32) -> Option<Transfer> {
    bit(word, 21).then(|| {
        let moves = signed(bits(word, 7, 0) << 2, bit(word, 23));
        transfer(bits(word, 19, 16), 0, 0, moves, bit(word, 20))
    })
}

/// T32.
pub(super) fn thumb(first: u16, second: u16) -> Option<Transfer> {
    let (first, second) = (u32::from(first), u32::from(second));
    if first < 0xe800 {
        return narrow(first);
    }
    let word = first << 16 | second;
    let (rn, rt) = (bits(word, 19, 16), bits(word, 15, 12));
    let (pre, up, writeback, load) = (bit(word, 24), bit(word, 23), bit(word, 21), bit(word, 20));
    match bits(first, 15, 9) {
        0b111_0100 if bit(word, 22) && (pre || writeback) => {
            let (at, moves) = indexed(signed(bits(word, 7, 0) << 2, up), pre, writeback);
            let list = 1 << rt | 1 << bits(word, 11, 8);
            // Registers out of order would lie the other way round.
            (rt < bits(word, 11, 8)).then(|| transfer(rn, list, at, moves, load))
        }
        0b111_0100 if !bit(word, 22) && pre != up => Some(multiple(rn, bits(word, 15, 0), word)),
        0b111_0110 => coprocessor(word),
        0b111_1100 if bits(word, 22, 21) == 2 && !bit(word, 24) && rn != 15 => {
            if bit(word, 23) {
                return Some(transfer(
                    rn,
                    1 << rt,
                    bits(word, 11, 0).cast_signed(),
                    0,
                    load,
                ));
            }
            let offset = signed(bits(word, 7, 0), bit(word, 9));
            let (at, moves) = indexed(offset, bit(word, 10), bit(word, 8));
            bit(word, 11).then(|| transfer(rn, 1 << rt, at, moves, load))
        }
        _ => None,
    }
}

fn narrow(word: u32) -> Option<Transfer> {
    let load = bit(word, 11);
    let low = bits(word, 7, 0);
    let len = |list: u32| (list.count_ones() * 4).cast_signed();
    match bits(word, 15, 11) {
        0x0c | 0x0d => {
            let offset = (bits(word, 10, 6) << 2).cast_signed();
            Some(transfer(
                bits(word, 5, 3),
                1 << bits(word, 2, 0),
                offset,
                0,
                load,
            ))
        }
        0x12 | 0x13 => {
            let list = 1 << bits(word, 10, 8);
            Some(transfer(13, list, (low << 2).cast_signed(), 0, load))
        }
        0x16 if bits(word, 10, 9) == 2 => {
            let list = low | u32::from(bit(word, 8)) << 14;
            Some(transfer(13, list, -len(list), -len(list), false))
        }
        0x17 if bits(word, 10, 9) == 2 => {
            let list = low | u32::from(bit(word, 8)) << 15;
            Some(transfer(13, list, 0, len(list), true))
        }
        0x18 | 0x19 => {
            let rn = bits(word, 10, 8);
            let moves = if load && low >> rn & 1 == 1 {
                0
            } else {
                len(low)
            };
            Some(transfer(rn, low, 0, moves, load))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_built_and_taken_down() {
        // push {r4, lr}; pop {r4, pc} in both instruction sets.
        for push in [arm(0xe92d_4010), thumb(0xb510, 0)] {
            let push = push.unwrap();
            assert_eq!(
                (push.base, push.list, push.first, push.moves, push.load),
                (13, 0x4010, -8, -8, false)
            );
            assert_eq!(push.offset_of(14), Some(-4));
        }
        for pop in [arm(0xe8bd_8010), thumb(0xbd10, 0)] {
            let pop = pop.unwrap();
            assert_eq!(
                (pop.list, pop.first, pop.moves, pop.load),
                (0x8010, 0, 8, true)
            );
            assert_eq!(pop.offset_of(15), Some(4));
        }
        // ldr pc, [sp], #4; str lr, [sp, #-4]!; vpush {d8}; strd r4, r5, [sp, #-16]!
        assert_eq!(
            arm(0xe49d_f004).map(|t| (t.list, t.first, t.moves)),
            Some((0x8000, 0, 4))
        );
        assert_eq!(
            arm(0xe52d_e004).map(|t| (t.list, t.first, t.moves)),
            Some((0x4000, -4, -4))
        );
        assert_eq!(arm(0xed2d_8b02).map(|t| (t.list, t.moves)), Some((0, -8)));
        assert_eq!(
            thumb(0xe96d, 0x4504).map(|t| (t.list, t.first, t.moves)),
            Some((0x30, -16, -16))
        );
        // ldmdb fp, {r4, fp, sp, pc}: frames with a pointer of their own.
        assert_eq!(
            arm(0xe91b_a810).map(|t| (t.base, t.first, t.moves)),
            Some((11, -16, 0))
        );
    }
}
