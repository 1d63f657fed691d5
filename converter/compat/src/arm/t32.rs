//! The T32 instruction set (DDI0406C chapter A6, DDI0487 F3.1).

use super::{Flow, Insn, Isa, Table, Trap, Value, bit, bits, coproc, neon, sign_extend};
use crate::feature::{Feature, FeatureSet};

const PC: u32 = 15;
const LR: u32 = 14;
const SP: u32 = 13;
const THUMB: FeatureSet = FeatureSet::one(Feature::Thumb);

pub(super) fn classify(first: u16, second: u16, addr: u32) -> Insn {
    let (first, second) = (u32::from(first), u32::from(second));
    let mut insn = if first >= 0xe800 {
        wide(first, second, addr)
    } else {
        narrow(first, addr)
    };
    insn.needs = insn.needs.union(THUMB);
    insn
}

const fn reg(number: u32) -> u8 {
    (number & 15) as u8
}

/// The program counter as an operand, rounded down to a word as literal loads see it.
const fn aligned_pc(addr: u32) -> u32 {
    addr.wrapping_add(4) & !3
}

fn narrow(word: u32, addr: u32) -> Insn {
    let (low, next) = (bits(word, 2, 0), bits(word, 5, 3));
    match bits(word, 15, 11) {
        0x00 if bits(word, 10, 6) == 0 => Insn::plain(2).set(low, Value::Offset(reg(next), 0)),
        0x00..=0x03 => Insn::plain(2).write(low),
        0x04 => Insn::plain(2).set(bits(word, 10, 8), Value::Const(bits(word, 7, 0))),
        0x05 => Insn::plain(2).compare(bits(word, 10, 8), bits(word, 7, 0)),
        0x06 => {
            let rd = bits(word, 10, 8);
            Insn::plain(2).set(rd, Value::Offset(reg(rd), bits(word, 7, 0).cast_signed()))
        }
        0x07 => {
            let rd = bits(word, 10, 8);
            let offset = bits(word, 7, 0).cast_signed();
            Insn::plain(2).set(rd, Value::Offset(reg(rd), -offset))
        }
        0x08 if bits(word, 10, 6) == 1 => Insn::plain(2).set(low, Value::Xor(reg(low), reg(next))),
        // Data processing: tst, cmp and cmn write no register.
        0x08 if !bit(word, 10) => {
            Insn::plain(2).write_if(!matches!(bits(word, 9, 6), 8 | 10 | 11), low)
        }
        0x08 => high_registers(word, addr),
        0x09 => {
            let literal = aligned_pc(addr).wrapping_add(bits(word, 7, 0) << 2);
            Insn::plain(2)
                .set(bits(word, 10, 8), Value::Literal(literal))
                .reads_literal(literal)
        }
        0x0b if bits(word, 11, 9) == 4 => {
            Insn::plain(2).set(low, Value::WordAt(reg(next), reg(bits(word, 8, 6))))
        }
        0x0a | 0x0b => Insn::plain(2).write_if(bits(word, 11, 9) > 2, low),
        0x0d | 0x0f | 0x11 => Insn::plain(2).write(low),
        0x13 => Insn::plain(2).write(bits(word, 10, 8)),
        0x0c | 0x0e | 0x10 | 0x12 => Insn::plain(2),
        0x14 => {
            let target = aligned_pc(addr).wrapping_add(bits(word, 7, 0) << 2);
            Insn::plain(2).set(bits(word, 10, 8), Value::Const(target))
        }
        0x15 => Insn::plain(2).set(
            bits(word, 10, 8),
            Value::Offset(13, (bits(word, 7, 0) << 2).cast_signed()),
        ),
        0x16 | 0x17 => miscellaneous(word, addr),
        0x18 => Insn::plain(2).write(bits(word, 10, 8)),
        0x19 => {
            let mut insn = Insn::plain(2).write(bits(word, 10, 8));
            insn.writes |= (word & 0xff) as u16;
            insn
        }
        0x1a | 0x1b => conditional_branch(word, addr),
        _ => {
            let offset = sign_extend(bits(word, 10, 0) << 1, 12);
            Insn::plain(2).flow(Flow::Jump(
                addr.wrapping_add(4).wrapping_add(offset),
                Isa::Thumb,
            ))
        }
    }
}

fn high_registers(word: u32, addr: u32) -> Insn {
    let rd = bits(word, 2, 0) | (bits(word, 7, 7) << 3);
    let rm = bits(word, 6, 3);
    let pc = addr.wrapping_add(4);
    match (bits(word, 9, 8), rd) {
        (0 | 2, PC) if bits(word, 9, 8) == 2 && rm == LR => Insn::plain(2).flow(Flow::Return),
        (2, PC) => Insn::plain(2).flow(Flow::JumpRegister(reg(rm))),
        (0, PC) => Insn::plain(2).flow(Flow::JumpUnknown),
        (0, _) if rm == PC => Insn::plain(2).set(rd, Value::Offset(reg(rd), pc.cast_signed())),
        (0, _) => Insn::plain(2).set(rd, Value::Sum(reg(rd), reg(rm))),
        (1, _) => Insn::plain(2),
        (2, _) if rm == PC => Insn::plain(2).set(rd, Value::Const(pc)),
        (2, _) => Insn::plain(2).set(rd, Value::Offset(reg(rm), 0)),
        _ if bits(word, 2, 0) != 0 => Insn::undefined(2),
        _ if bit(word, 7) => Insn::plain(2)
            .need(Feature::V5t)
            .flow(Flow::CallRegister(reg(rm)))
            .write(LR),
        _ if rm == LR => Insn::plain(2).flow(Flow::Return),
        // `bx pc` goes to the next word in ARM state: the head of a linker's veneer.
        _ if rm == PC => Insn::plain(2).flow(Flow::Jump(aligned_pc(addr), Isa::Arm)),
        _ => Insn::plain(2).flow(Flow::JumpRegister(reg(rm))),
    }
}

fn conditional_branch(word: u32, addr: u32) -> Insn {
    match bits(word, 11, 8) {
        14 => Insn::plain(2).flow(Flow::Trap(Trap::Udf)),
        15 => {
            let number = bits(word, 7, 0);
            Insn::plain(2)
                .flow(Flow::Syscall((number != 0).then_some(number)))
                .write(0)
        }
        _ => {
            let offset = sign_extend(bits(word, 7, 0) << 1, 9);
            let mut insn = Insn::plain(2).flow(Flow::Jump(
                addr.wrapping_add(4).wrapping_add(offset),
                Isa::Thumb,
            ));
            insn.conditional = true;
            insn.condition = reg(bits(word, 11, 8));
            insn
        }
    }
}

fn miscellaneous(word: u32, addr: u32) -> Insn {
    let low = bits(word, 2, 0);
    match bits(word, 11, 8) {
        0 => {
            let offset = (bits(word, 6, 0) << 2).cast_signed();
            let moves = if bit(word, 7) { -offset } else { offset };
            Insn::plain(2).set(SP, Value::Offset(13, moves))
        }
        1 | 3 | 9 | 11 => {
            let offset = (bits(word, 9, 9) << 6) | (bits(word, 7, 3) << 1);
            let mut insn = Insn::plain(2).need(Feature::V6t2).flow(Flow::Jump(
                addr.wrapping_add(4).wrapping_add(offset),
                Isa::Thumb,
            ));
            insn.conditional = true;
            insn
        }
        2 => Insn::plain(2).need(Feature::V6).write(low),
        4 | 5 => Insn::plain(2),
        6 if bits(word, 7, 5) == 2 => Insn::new(2, FeatureSet::of(&[Feature::V6, Feature::Setend])),
        6 if bits(word, 7, 5) == 3 => Insn::plain(2).need(Feature::V6),
        10 if bits(word, 7, 6) == 2 => Insn::plain(2)
            .need(Feature::V8)
            .flow(Flow::Trap(Trap::Breakpoint)),
        10 => Insn::plain(2).need(Feature::V6).write(low),
        12 | 13 => {
            let mut insn = Insn::plain(2);
            insn.writes |= (word & 0xff) as u16;
            if bit(word, 8) {
                insn.flow(Flow::Return)
            } else {
                insn
            }
        }
        14 => Insn::plain(2)
            .need(Feature::V5t)
            .flow(Flow::Trap(Trap::Breakpoint)),
        15 => {
            let mut insn = Insn::plain(2).need(Feature::V6t2);
            let mask = bits(word, 3, 0);
            if mask != 0 {
                insn.it_len = 4 - u8::try_from(mask.trailing_zeros()).unwrap_or(0);
            }
            insn
        }
        _ => Insn::undefined(2),
    }
}

fn wide(first: u32, second: u32, addr: u32) -> Insn {
    let word = (first << 16) | second;
    let mut insn = match bits(first, 12, 11) {
        1 if bit(first, 10) => coprocessor(word),
        1 if bit(first, 9) => shifted_register(word),
        1 if bit(first, 6) => dual_exclusive_table(word, addr),
        1 => load_store_multiple(word),
        2 if bit(second, 15) => return branch_or_control(first, second, addr),
        2 if bit(first, 9) => plain_immediate(word, addr),
        2 => modified_immediate(word),
        3 if bit(first, 10) => coprocessor(word),
        3 if bit(first, 9) => arithmetic(word),
        3 => load_store_single(word, addr),
        _ => Insn::undefined(4),
    };
    insn.needs = insn.needs.with(Feature::V6t2);
    insn
}

fn coprocessor(word: u32) -> Insn {
    let second = bit(word, 28);
    match bits(word, 27, 24) {
        15 => {
            // Advanced SIMD keeps its U bit in bit 28.
            let a32 = 0xf200_0000 | (bits(word, 28, 28) << 24) | bits(word, 23, 0);
            neon::data_processing(a32, 4)
        }
        14 => coproc::operation(word, second),
        _ => coproc::transfer(word, second),
    }
}

fn shifted_register(word: u32) -> Insn {
    let (opcode, set_flags, rd) = (bits(word, 24, 21), bit(word, 20), bits(word, 11, 8));
    let exists = match opcode {
        0..=4 | 8 | 10 | 11 | 13 | 14 => true,
        6 => !set_flags && !bit(word, 4),
        _ => false,
    };
    if !exists {
        return Insn::undefined(4);
    }
    let (rn, rm) = (bits(word, 19, 16), reg(bits(word, 3, 0)));
    let plain = bits(word, 14, 12) == 0 && bits(word, 7, 4) == 0;
    let value = match (opcode, plain) {
        (2, true) if rn == PC => return Insn::plain(4).set(rd, Value::Offset(rm, 0)),
        (4, true) => Value::Xor(reg(rn), rm),
        (8, true) => Value::Sum(reg(rn), rm),
        (8, false) => Value::Indexed(reg(rn)),
        _ => return Insn::plain(4).write_if(rd != PC, rd),
    };
    Insn::plain(4).set(rd, value).without_pc()
}

impl Insn {
    /// `cmp rN, #constant`.
    const fn compare(mut self, rn: u32, constant: u32) -> Self {
        self.compares = Some((reg(rn), constant));
        self
    }

    /// Comparisons have the program counter as their destination and write nothing.
    const fn without_pc(mut self) -> Self {
        if self.writes & (1 << PC) != 0 {
            self.writes &= !(1 << PC);
            self.value = None;
        }
        self
    }
}

fn load_store_multiple(word: u32) -> Insn {
    let (op, load, rn) = (bits(word, 24, 23), bit(word, 20), bits(word, 19, 16));
    let list = bits(word, 15, 0);
    if op == 0 || op == 3 {
        // srs and rfe.
        return Insn::plain(4).need(Feature::Privileged).flow(if load {
            Flow::JumpUnknown
        } else {
            Flow::Next
        });
    }
    if rn == PC || list.count_ones() < 1 || bit(list, SP) {
        return Insn::undefined(4);
    }
    let mut insn = Insn::plain(4).write_if(bit(word, 21), rn);
    if load {
        insn.writes |= (list & 0x7fff) as u16;
        if bit(list, PC) {
            insn = insn.flow(Flow::Return);
        }
    }
    insn
}

fn dual_exclusive_table(word: u32, addr: u32) -> Insn {
    let (load, rn) = (bit(word, 20), bits(word, 19, 16));
    let (rt, rt2, rd) = (bits(word, 15, 12), bits(word, 11, 8), bits(word, 3, 0));
    if bit(word, 24) || bit(word, 21) {
        let insn = Insn::plain(4).write_if(bit(word, 21) && rn != PC, rn);
        return insn.write_if(load, rt).write_if(load, rt2);
    }
    if !bit(word, 23) {
        return Insn::plain(4).write(if load { rt } else { rt2 });
    }
    let op = bits(word, 7, 4);
    match op {
        0 if load && rn == PC => {
            Insn::plain(4).flow(Flow::JumpTable(Table::Bytes(addr.wrapping_add(4)), reg(rd)))
        }
        1 if load && rn == PC => Insn::plain(4).flow(Flow::JumpTable(
            Table::Halfwords(addr.wrapping_add(4)),
            reg(rd),
        )),
        0 | 1 if load => Insn::plain(4).flow(Flow::JumpUnknown),
        // Byte, halfword and doubleword exclusives came to Thumb with v7 (DDI0406C A8.8.76).
        4 | 5 | 7 => exclusive(
            Insn::plain(4).need(Feature::V6k),
            load,
            op == 7,
            rt,
            rt2,
            rd,
        ),
        8..=10 => Insn::plain(4).need(Feature::V8).write_if(load, rt),
        12..=15 => exclusive(
            Insn::plain(4).need(Feature::V8),
            load,
            op == 15,
            rt,
            rt2,
            rd,
        ),
        _ => Insn::undefined(4),
    }
}

fn exclusive(insn: Insn, load: bool, double: bool, rt: u32, rt2: u32, rd: u32) -> Insn {
    if load {
        insn.write(rt).write_if(double, rt2)
    } else {
        insn.write(rd)
    }
}

fn plain_immediate(word: u32, addr: u32) -> Insn {
    let (rn, rd) = (bits(word, 19, 16), bits(word, 11, 8));
    let imm12 = (bits(word, 26, 26) << 11) | (bits(word, 14, 12) << 8) | bits(word, 7, 0);
    match bits(word, 24, 20) {
        0 if rn == PC => Insn::plain(4).set(rd, Value::Const(aligned_pc(addr).wrapping_add(imm12))),
        0 => Insn::plain(4).set(rd, Value::Offset(reg(rn), imm12.cast_signed())),
        10 if rn == PC => {
            Insn::plain(4).set(rd, Value::Const(aligned_pc(addr).wrapping_sub(imm12)))
        }
        10 => Insn::plain(4).set(
            rd,
            Value::Offset(reg(rn), imm12.cast_signed().wrapping_neg()),
        ),
        4 => Insn::plain(4).set(rd, Value::Const((rn << 12) | imm12)),
        12 => Insn::plain(4).set(rd, Value::Upper((((rn << 12) | imm12) & 0xffff) as u16)),
        16 | 18 | 20 | 22 | 24 | 26 | 28 => Insn::plain(4).write(rd),
        _ => Insn::undefined(4),
    }
}

fn modified_immediate(word: u32) -> Insn {
    let (opcode, rn, rd) = (bits(word, 24, 21), bits(word, 19, 16), bits(word, 11, 8));
    let constant = expand(word);
    match opcode {
        0 if rd == PC && bit(word, 20) => {
            let mut insn = Insn::plain(4);
            insn.tests = Some(constant);
            insn
        }
        2 if rn == PC => Insn::plain(4).set(rd, Value::Const(constant)),
        2 => Insn::plain(4).set(rd, Value::Or(reg(rn), constant)),
        3 if rn == PC => Insn::plain(4).set(rd, Value::Const(!constant)),
        8 => Insn::plain(4)
            .set(rd, Value::Offset(reg(rn), constant.cast_signed()))
            .without_pc(),
        13 if rd == PC && bit(word, 20) => Insn::plain(4).compare(rn, constant),
        13 => Insn::plain(4)
            .set(
                rd,
                Value::Offset(reg(rn), constant.cast_signed().wrapping_neg()),
            )
            .without_pc(),
        0..=4 | 10 | 11 | 14 => Insn::plain(4).write_if(rd != PC, rd),
        _ => Insn::undefined(4),
    }
}

/// ThumbExpandImm (DDI0406C A6.3.2).
const fn expand(word: u32) -> u32 {
    let (kind, byte) = (
        (bits(word, 26, 26) << 3) | bits(word, 14, 12),
        bits(word, 7, 0),
    );
    match kind {
        0 => byte,
        1 => byte | (byte << 16),
        2 => (byte << 8) | (byte << 24),
        3 => byte * 0x0101_0101,
        _ => (byte | 0x80).rotate_right((kind << 1) | bits(word, 7, 7)),
    }
}

/// Branches and miscellaneous control (DDI0406C A6.3.4).
fn branch_or_control(first: u32, second: u32, addr: u32) -> Insn {
    let pc = addr.wrapping_add(4);
    let sign = bits(first, 10, 10);
    let j1 = 1 ^ bits(second, 13, 13) ^ sign;
    let j2 = 1 ^ bits(second, 11, 11) ^ sign;
    let high = (sign << 24) | (j1 << 23) | (j2 << 22) | (bits(first, 9, 0) << 12);
    let offset = sign_extend(high | (bits(second, 10, 0) << 1), 25);
    // Before v6T2 both bits are ones, and the pair of halfwords is two instructions that act as one.
    let old = bit(second, 13) && bit(second, 11);
    let range = FeatureSet::EMPTY.with_if(!old, Feature::V6t2);
    match (bit(second, 14), bit(second, 12)) {
        (true, true) => Insn::new(4, range)
            .flow(Flow::Call(pc.wrapping_add(offset), Isa::Thumb))
            .write(LR),
        (true, false) if bit(second, 0) => Insn::undefined(4),
        (true, false) => Insn::new(4, range.with(Feature::V5t))
            .flow(Flow::Call(aligned_pc(addr).wrapping_add(offset), Isa::Arm))
            .write(LR),
        (false, true) => Insn::plain(4)
            .need(Feature::V6t2)
            .flow(Flow::Jump(pc.wrapping_add(offset), Isa::Thumb)),
        (false, false) if bits(first, 9, 7) != 7 => {
            let near = (bits(first, 5, 0) << 12) | (bits(second, 10, 0) << 1);
            let high = (sign << 20) | (bits(second, 11, 11) << 19) | (bits(second, 13, 13) << 18);
            let target = pc.wrapping_add(sign_extend(high | near, 21));
            let mut insn = Insn::plain(4)
                .need(Feature::V6t2)
                .flow(Flow::Jump(target, Isa::Thumb));
            insn.conditional = true;
            insn.condition = reg(bits(first, 9, 6));
            insn
        }
        (false, false) => control(first, second),
    }
}

fn control(first: u32, second: u32) -> Insn {
    let v6t2 = Insn::plain(4).need(Feature::V6t2);
    let (op, rd) = (bits(first, 10, 4), bits(second, 11, 8));
    match op {
        0x38 | 0x39 if bit(second, 5) => v6t2.need(Feature::Virt),
        // Status register writes; hints and cps.
        0x38..=0x3a => v6t2,
        0x3b => match bits(second, 7, 4) {
            0 | 1 => v6t2.need(Feature::ThumbEe),
            2 => v6t2.need(Feature::V6k),
            4..=6 => v6t2.need(Feature::V7),
            7 => v6t2.need(Feature::Sb),
            _ => Insn::undefined(4),
        },
        0x3c => v6t2
            .need(Feature::Bxj)
            .flow(Flow::JumpRegister(reg(bits(first, 3, 0)))),
        0x3d => v6t2.need(Feature::Privileged).flow(Flow::JumpUnknown),
        0x3e | 0x3f if bit(second, 5) => v6t2.need(Feature::Virt).write(rd),
        0x3e | 0x3f => v6t2.write(rd),
        0x7e => v6t2.need(Feature::Virt),
        0x7f if !bit(second, 13) => v6t2.need(Feature::Smc),
        0x7f => v6t2.flow(Flow::Trap(Trap::Udf)),
        0x78 => v6t2.need(Feature::V8).flow(Flow::Trap(Trap::Breakpoint)),
        _ => Insn::undefined(4),
    }
}

fn load_store_single(word: u32, addr: u32) -> Insn {
    let (rn, rt) = (bits(word, 19, 16), bits(word, 15, 12));
    let (load, size, signed) = (bit(word, 20), bits(word, 22, 21), bit(word, 24));
    if signed && !load {
        return neon_load_store(word);
    }
    if size == 3 || signed && size == 2 {
        return Insn::undefined(4);
    }
    if load && rt == PC && size != 2 {
        return preload(word, signed, size);
    }
    let register_form = !bit(word, 23) && !bit(word, 11);
    let indexed = !bit(word, 23) && bit(word, 11);
    if register_form && rn != PC && bits(word, 10, 6) != 0 {
        return Insn::undefined(4);
    }
    let insn = Insn::plain(4).write_if(indexed && bit(word, 8) && rn != PC, rn);
    if !load {
        return if rn == PC { Insn::undefined(4) } else { insn };
    }
    load_word(word, insn, addr, indexed)
}

fn load_word(word: u32, insn: Insn, addr: u32, indexed: bool) -> Insn {
    let (rn, rt) = (bits(word, 19, 16), bits(word, 15, 12));
    let is_word = bits(word, 22, 21) == 2;
    if rn == PC {
        let offset = bits(word, 11, 0);
        let base = aligned_pc(addr);
        let literal = if bit(word, 23) {
            base.wrapping_add(offset)
        } else {
            base.wrapping_sub(offset)
        };
        let insn = insn.reads_literal(literal);
        return match (is_word, rt) {
            (true, PC) => insn.flow(Flow::JumpLiteral(literal)),
            (true, _) => insn.set(rt, Value::Literal(literal)),
            _ => insn.write(rt),
        };
    }
    let offset = bits(word, 11, 0).cast_signed();
    match (rt, bit(word, 23)) {
        (PC, _) if rn == SP && indexed => insn.flow(Flow::Return),
        (PC, true) => insn.flow(Flow::JumpMemory(reg(rn), offset)),
        (PC, _) if indexed => insn.flow(Flow::JumpMemory(reg(rn), indexed_offset(word))),
        // ldr.w pc, [rN, rM, lsl #2]
        (PC, _) if bits(word, 11, 4) == 2 => insn.flow(Flow::JumpTable(
            Table::WordsAt(reg(rn)),
            reg(bits(word, 3, 0)),
        )),
        (PC, _) => insn.flow(Flow::JumpUnknown),
        (_, false) if is_word && bits(word, 11, 4) == 0 => {
            insn.set(rt, Value::WordAt(reg(rn), reg(bits(word, 3, 0))))
        }
        _ => insn.write(rt),
    }
}

fn indexed_offset(word: u32) -> i32 {
    let offset = bits(word, 7, 0).cast_signed();
    match (bit(word, 10), bit(word, 9)) {
        (false, _) => 0,
        (true, true) => offset,
        (true, false) => -offset,
    }
}

/// Loads of a byte or halfword to the program counter are preload hints.
fn preload(word: u32, signed: bool, size: u32) -> Insn {
    let indexed = !bit(word, 23) && bit(word, 11);
    if indexed && bits(word, 11, 8) != 12 && bits(word, 19, 16) != PC {
        return Insn::undefined(4);
    }
    match (signed, size) {
        (false, 0) => Insn::plain(4),
        (false, _) if bits(word, 19, 16) != PC => Insn::plain(4).need(Feature::V7mp),
        (true, 0) => Insn::plain(4).need(Feature::V7),
        // Unallocated hints.
        _ => Insn::plain(4),
    }
}

fn neon_load_store(word: u32) -> Insn {
    neon::load_store(0xf400_0000 | bits(word, 23, 0), 4)
}

/// Data processing by register, multiplication and division (DDI0406C A6.3.12 to A6.3.17).
fn arithmetic(word: u32) -> Insn {
    let (op1, op2, rd) = (bits(word, 23, 20), bits(word, 7, 4), bits(word, 11, 8));
    let insn = Insn::plain(4).write(rd);
    if bit(word, 24) {
        return multiply(word);
    }
    if bits(word, 15, 12) != 15 {
        return Insn::undefined(4);
    }
    match (op1, op2) {
        (0..=7, 0) => insn,
        (0..=5, 8..=15) => insn,
        (8 | 9 | 10 | 12 | 13 | 14, 0..=2 | 4..=6) => insn,
        (8, 8..=11) | (9, 8..=11) | (10, 8) | (11, 8) => insn,
        (12 | 13, 8..=10) => insn.need(Feature::Crc32),
        _ => Insn::undefined(4),
    }
}

fn multiply(word: u32) -> Insn {
    let (op1, op2, rd) = (bits(word, 22, 20), bits(word, 7, 4), bits(word, 11, 8));
    let insn = Insn::plain(4).write(rd);
    if !bit(word, 23) {
        return match (op1, op2) {
            (0, 0 | 1) | (1, 0..=3) | (2..=6, 0 | 1) | (7, 0) => insn,
            _ => Insn::undefined(4),
        };
    }
    let long = insn.write(bits(word, 15, 12));
    match (op1, op2) {
        (1 | 3, 15) => insn.need(Feature::IdivT),
        (0 | 2, 0) => long,
        (4, 0 | 8..=13) | (5, 12 | 13) | (6, 0 | 6) => long,
        _ => Insn::undefined(4),
    }
}
