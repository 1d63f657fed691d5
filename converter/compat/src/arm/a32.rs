//! The A32 instruction set (DDI0406C chapter A5, DDI0487 F4.1).

use super::{Flow, Insn, Isa, Table, Trap, Value, bit, bits, coproc, neon, sign_extend};
use crate::feature::{Feature, FeatureSet};

const LEN: u8 = 4;
const PC: u32 = 15;
const LR: u32 = 14;
const SP: u32 = 13;

pub(super) fn classify(word: u32, addr: u32) -> Insn {
    let cond = bits(word, 31, 28);
    if cond == 15 {
        return unconditional(word, addr);
    }
    let mut insn = match bits(word, 27, 25) {
        0 => data_processing_register(word, addr),
        1 => data_processing_immediate(word, addr),
        2 => load_store_word(word, addr),
        3 if bit(word, 4) => media(word),
        3 => load_store_word(word, addr),
        4 => load_store_multiple(word),
        5 => branch(word, addr),
        6 => coproc::transfer(word, false),
        _ if bit(word, 24) => supervisor_call(word),
        _ => coproc::operation(word, false),
    };
    insn.conditional = cond != 14;
    insn.condition = (cond & 15) as u8;
    insn
}

fn supervisor_call(word: u32) -> Insn {
    let number = bits(word, 23, 0);
    Insn::plain(LEN)
        .flow(Flow::Syscall((number != 0).then_some(number)))
        .write(0)
}

fn branch(word: u32, addr: u32) -> Insn {
    let offset = sign_extend(bits(word, 23, 0) << 2, 26);
    let target = addr.wrapping_add(Isa::Arm.pc_bias()).wrapping_add(offset);
    if bit(word, 24) {
        Insn::plain(LEN)
            .flow(Flow::Call(target, Isa::Arm))
            .write(LR)
    } else {
        Insn::plain(LEN).flow(Flow::Jump(target, Isa::Arm))
    }
}

fn data_processing_register(word: u32, addr: u32) -> Insn {
    if bit(word, 7) && bit(word, 4) {
        return if bits(word, 6, 5) == 0 {
            multiply_or_sync(word)
        } else {
            extra_load_store(word)
        };
    }
    if bits(word, 24, 23) == 2 && !bit(word, 20) {
        return if bit(word, 7) {
            halfword_multiply(word)
        } else {
            miscellaneous(word)
        };
    }
    arithmetic(word, addr)
}

/// Shared end of data processing: destination, writes to the program counter, known values.
fn arithmetic(word: u32, addr: u32) -> Insn {
    let (opcode, rn, rd, rm) = (
        bits(word, 24, 21),
        bits(word, 19, 16),
        bits(word, 15, 12),
        bits(word, 3, 0),
    );
    if matches!(opcode, 8..=11) {
        let mut insn = Insn::plain(LEN);
        let immediate = bit(word, 25).then(|| modified_immediate(word));
        insn.tests = immediate.filter(|_| opcode == 8);
        let compared = immediate.filter(|_| opcode == 10);
        insn.compares = compared.map(|constant| (reg(rn), constant));
        insn.tests_register = compared.filter(|constant| *constant == 0).map(|_| reg(rn));
        return insn;
    }
    let immediate = bit(word, 25);
    let plain_register = !immediate && bits(word, 11, 4) == 0;
    if rd == PC {
        return match opcode {
            13 if plain_register => {
                let flow = if rm == LR {
                    Flow::Return
                } else {
                    Flow::JumpRegister(reg(rm))
                };
                let mut insn = Insn::plain(LEN).flow(flow);
                insn.keeps_state = true;
                insn
            }
            2 | 4 if immediate && rn != PC => {
                let offset = modified_immediate(word).cast_signed();
                let offset = if opcode == 4 {
                    offset
                } else {
                    offset.wrapping_neg()
                };
                Insn::plain(LEN).flow(Flow::JumpOffset(reg(rn), offset))
            }
            4 if !immediate && rn == PC && bits(word, 11, 4) == 0x10 => {
                Insn::plain(LEN).flow(Flow::JumpTable(
                    Table::Branches(addr.wrapping_add(Isa::Arm.pc_bias())),
                    reg(rm),
                ))
            }
            _ => Insn::plain(LEN).flow(Flow::JumpUnknown),
        };
    }
    let mut insn = Insn::plain(LEN).write(rd);
    let constant = modified_immediate(word);
    let sets_flags = bit(word, 20);
    if immediate && opcode == 0 {
        insn.masks = Some((reg(rd), constant));
        insn.tests = sets_flags.then_some(constant);
    }
    // Compilers test 64-bit masks by `orrs` of both halves; the upper one is zero.
    insn.tests_register =
        (immediate && opcode == 12 && constant == 0 && sets_flags).then(|| reg(rn));
    let pc = addr.wrapping_add(Isa::Arm.pc_bias());
    match (opcode, immediate) {
        (13, true) => insn.set(rd, Value::Const(constant)),
        (15, true) => insn.set(rd, Value::Const(!constant)),
        (4, true) if rn == PC => insn.set(rd, Value::Const(pc.wrapping_add(constant))),
        (12, true) => insn.set(rd, Value::Or(reg(rn), constant)),
        (2, true) if rn == PC => insn.set(rd, Value::Const(pc.wrapping_sub(constant))),
        (4, true) => insn.set(rd, Value::Offset(reg(rn), constant.cast_signed())),
        (2, true) => insn.set(
            rd,
            Value::Offset(reg(rn), constant.cast_signed().wrapping_neg()),
        ),
        (13, false) if plain_register && rm != PC => insn.set(rd, Value::Offset(reg(rm), 0)),
        (13, false) if plain_register => insn.set(rd, Value::Const(pc)),
        (4, false) if plain_register && rn == PC => {
            insn.set(rd, Value::Offset(reg(rm), pc.cast_signed()))
        }
        (4, false) if plain_register && rm == PC => {
            insn.set(rd, Value::Offset(reg(rn), pc.cast_signed()))
        }
        (4, false) if plain_register => insn.set(rd, Value::Sum(reg(rn), reg(rm))),
        (4, false) if rn != PC => insn.set(rd, Value::Indexed(reg(rn))),
        (1, false) if plain_register && rn != PC && rm != PC => {
            insn.set(rd, Value::Xor(reg(rn), reg(rm)))
        }
        _ => insn,
    }
}

const fn modified_immediate(word: u32) -> u32 {
    bits(word, 7, 0).rotate_right(2 * bits(word, 11, 8))
}

const fn reg(number: u32) -> u8 {
    (number & 15) as u8
}

fn multiply_or_sync(word: u32) -> Insn {
    if bit(word, 24) {
        return synchronization(word);
    }
    let (high, low) = (bits(word, 19, 16), bits(word, 15, 12));
    match bits(word, 23, 20) {
        0..=3 => Insn::plain(LEN).write(high),
        4 => Insn::plain(LEN).need(Feature::V6).write(high).write(low),
        6 => Insn::plain(LEN).need(Feature::V6t2).write(high),
        8..=15 => Insn::plain(LEN).write(high).write(low),
        _ => Insn::undefined(LEN),
    }
}

fn synchronization(word: u32) -> Insn {
    let rt = bits(word, 15, 12);
    if !bit(word, 23) {
        return if bits(word, 21, 20) == 0 && bits(word, 11, 8) == 0 {
            Insn::plain(LEN).need(Feature::Swp).write(rt)
        } else {
            Insn::undefined(LEN)
        };
    }
    let size = bits(word, 22, 21);
    let needs = match bits(word, 9, 8) {
        3 if size == 0 => Feature::V6,
        3 => Feature::V6k,
        2 => Feature::V8,
        0 if size != 1 => Feature::V8,
        _ => return Insn::undefined(LEN),
    };
    let insn = Insn::plain(LEN).need(needs);
    match (bit(word, 20), bits(word, 9, 8)) {
        (true, _) => insn.write(rt).write_if(size == 1, rt + 1),
        (false, 0) => insn,
        (false, _) => insn.write(rt),
    }
}

fn extra_load_store(word: u32) -> Insn {
    let (load, op) = (bit(word, 20), bits(word, 6, 5));
    let (rn, rt) = (bits(word, 19, 16), bits(word, 15, 12));
    let unprivileged = !bit(word, 24) && bit(word, 21);
    let double = !load && op != 1;
    let writeback = !bit(word, 24) || bit(word, 21);
    let mut needs = FeatureSet::EMPTY.with_if(double, Feature::V5te);
    if unprivileged {
        if double {
            return Insn::undefined(LEN);
        }
        needs = needs.with(Feature::V6t2);
    }
    if double && rt & 1 == 1 || load && rt == PC {
        return Insn::undefined(LEN);
    }
    let loads_pair = double && op == 2;
    Insn::new(LEN, needs)
        .write_if(load || loads_pair, rt)
        .write_if(loads_pair, rt + 1)
        .write_if(writeback, rn)
}

fn halfword_multiply(word: u32) -> Insn {
    if bit(word, 4) {
        return Insn::undefined(LEN);
    }
    let long = bits(word, 22, 21) == 2;
    Insn::plain(LEN)
        .need(Feature::V5te)
        .write(bits(word, 19, 16))
        .write_if(long, bits(word, 15, 12))
}

fn miscellaneous(word: u32) -> Insn {
    let (op, rd, rm) = (bits(word, 22, 21), bits(word, 15, 12), bits(word, 3, 0));
    match (bits(word, 6, 4), op) {
        (0, _) if bit(word, 9) => Insn::plain(LEN)
            .need(Feature::Virt)
            .write_if(op & 1 == 0, rd),
        (0, 0 | 2) if bits(word, 11, 0) == 0 => Insn::plain(LEN).write(rd),
        (0, 1 | 3) if rd == PC => Insn::plain(LEN),
        (1, 1) if rm == LR => Insn::plain(LEN).need(Feature::Bx).flow(Flow::Return),
        (1, 1) => Insn::plain(LEN)
            .need(Feature::Bx)
            .flow(Flow::JumpRegister(reg(rm))),
        (1, 3) => Insn::plain(LEN).need(Feature::V5t).write(rd),
        (2, 1) => Insn::plain(LEN)
            .need(Feature::Bxj)
            .flow(Flow::JumpRegister(reg(rm))),
        (3, 1) => Insn::plain(LEN)
            .need(Feature::V5t)
            .flow(Flow::CallRegister(reg(rm)))
            .write(LR),
        (4, 0..=2) if bits(word, 11, 10) == 0 => Insn::plain(LEN).need(Feature::Crc32).write(rd),
        (5, _) => Insn::plain(LEN).need(Feature::V5te).write(rd),
        (6, 3) => Insn::plain(LEN).need(Feature::Virt).flow(Flow::JumpUnknown),
        (7, 0) => Insn::plain(LEN)
            .need(Feature::V8)
            .flow(Flow::Trap(Trap::Breakpoint)),
        (7, 1) => Insn::plain(LEN)
            .need(Feature::V5t)
            .flow(Flow::Trap(Trap::Breakpoint)),
        (7, 2) => Insn::plain(LEN).need(Feature::Virt),
        (7, 3) => Insn::plain(LEN).need(Feature::Smc),
        _ => Insn::undefined(LEN),
    }
}

fn data_processing_immediate(word: u32, addr: u32) -> Insn {
    if bits(word, 24, 23) != 2 || bit(word, 20) {
        return arithmetic(word, addr);
    }
    let rd = bits(word, 15, 12);
    let half = (bits(word, 19, 16) << 12) | bits(word, 11, 0);
    match bits(word, 22, 21) {
        0 => Insn::plain(LEN)
            .need(Feature::V6t2)
            .set(rd, Value::Const(half)),
        2 => Insn::plain(LEN)
            .need(Feature::V6t2)
            .set(rd, Value::Upper((half & 0xffff) as u16)),
        // Hints and writes of the status register: hints are writes of no field before v6K, so they run everywhere.
        _ if rd == PC => Insn::plain(LEN),
        _ => Insn::undefined(LEN),
    }
}

fn load_store_word(word: u32, addr: u32) -> Insn {
    let (rn, rt) = (bits(word, 19, 16), bits(word, 15, 12));
    let (load, byte, pre, writeback) = (bit(word, 20), bit(word, 22), bit(word, 24), bit(word, 21));
    let insn = Insn::plain(LEN).write_if((!pre || writeback) && rn != PC, rn);
    if !load {
        return insn;
    }
    let offset = if bit(word, 23) {
        bits(word, 11, 0)
    } else {
        bits(word, 11, 0).wrapping_neg()
    };
    let immediate = !bit(word, 25);
    let literal = addr.wrapping_add(Isa::Arm.pc_bias()).wrapping_add(offset);
    if rt == PC {
        return match (byte, immediate, pre, rn) {
            (true, ..) => Insn::undefined(LEN),
            (_, true, true, PC) => insn.flow(Flow::JumpLiteral(literal)).reads_literal(literal),
            (_, true, _, SP) => insn.flow(Flow::Return),
            (_, true, true, _) => insn.flow(Flow::JumpMemory(reg(rn), offset.cast_signed())),
            (_, false, true, _) if !writeback && bits(word, 11, 4) == 0x10 && bit(word, 23) => {
                let table = match rn {
                    PC => Table::Words(addr.wrapping_add(Isa::Arm.pc_bias())),
                    _ => Table::WordsAt(reg(rn)),
                };
                insn.flow(Flow::JumpTable(table, reg(bits(word, 3, 0))))
            }
            _ => insn.flow(Flow::JumpUnknown),
        };
    }
    match (byte, immediate, pre && !writeback, rn) {
        (false, true, true, PC) => insn.set(rt, Value::Literal(literal)).reads_literal(literal),
        (true, true, true, PC) => insn.write(rt).reads_literal(literal),
        (false, false, true, _) if bit(word, 23) && bits(word, 11, 4) == 0 => {
            let index = reg(bits(word, 3, 0));
            let value = match rn {
                PC => Value::WordFrom(addr.wrapping_add(Isa::Arm.pc_bias()), index),
                _ => Value::WordAt(reg(rn), index),
            };
            insn.set(rt, value)
        }
        _ => insn.write(rt),
    }
}

fn load_store_multiple(word: u32) -> Insn {
    let (rn, load) = (bits(word, 19, 16), bit(word, 20));
    let list = bits(word, 15, 0);
    if rn == PC || list == 0 {
        return Insn::undefined(LEN);
    }
    let mut insn = Insn::plain(LEN).write_if(bit(word, 21), rn);
    if bit(word, 22) {
        insn = insn.need(Feature::Privileged);
    }
    if load {
        insn.writes |= (list & 0x7fff) as u16;
        if bit(list, PC) {
            insn = insn.flow(Flow::Return);
        }
    }
    insn
}

/// Media instructions (DDI0406C A5.4), v6 and later; before v6 all of this space is undefined.
fn media(word: u32) -> Insn {
    let (op1, op2, rd) = (bits(word, 24, 20), bits(word, 7, 5), bits(word, 15, 12));
    let v6 = Insn::plain(LEN).need(Feature::V6).write(rd);
    let v6t2 = Insn::plain(LEN).need(Feature::V6t2).write(rd);
    let multiply = Insn::plain(LEN).need(Feature::V6).write(bits(word, 19, 16));
    match (op1, op2) {
        (1..=3 | 5..=7, 0..=4 | 7) => v6,
        (8, 0 | 2 | 3 | 4 | 5 | 6) => v6,
        (10 | 11 | 14 | 15, 0 | 2 | 4 | 6) => v6,
        (10, 1 | 3) | (14, 1 | 3) | (12, 3) => v6,
        (11, 1 | 3 | 5) | (15, 3 | 5) => v6,
        (15, 1) => v6t2,
        (16, 0..=3) => multiply,
        (17, 0) => Insn::plain(LEN)
            .need(Feature::IdivA)
            .write(bits(word, 19, 16)),
        (19, 0) => Insn::plain(LEN)
            .need(Feature::IdivA)
            .write(bits(word, 19, 16)),
        (20, 0..=3) => multiply.write(rd),
        (21, 0 | 1 | 6 | 7) => multiply,
        (24, 0) => multiply,
        (26 | 27 | 30 | 31, 2 | 6) | (28 | 29, 0 | 4) => v6t2,
        (31, 7) => Insn::plain(LEN).flow(Flow::Trap(Trap::Udf)),
        _ => Insn::undefined(LEN),
    }
}

/// The space of condition 1111 (DDI0406C A5.7). Before v5 it means "never" and is unpredictable.
fn unconditional(word: u32, addr: u32) -> Insn {
    match bits(word, 27, 25) {
        0 if bits(word, 24, 20) == 0x10 => status_change(word),
        1 => neon::data_processing(word, LEN),
        2 | 3 => hints_and_neon(word),
        4 => exception_frames(word),
        5 => {
            let offset = sign_extend(bits(word, 23, 0) << 2, 26).wrapping_add(if bit(word, 24) {
                2
            } else {
                0
            });
            let target = addr.wrapping_add(Isa::Arm.pc_bias()).wrapping_add(offset);
            Insn::new(LEN, FeatureSet::of(&[Feature::V5t, Feature::Thumb]))
                .flow(Flow::Call(target, Isa::Thumb))
                .write(LR)
        }
        6 => coproc::transfer(word, true),
        7 if !bit(word, 24) => coproc::operation(word, true),
        _ => Insn::undefined(LEN),
    }
}

fn status_change(word: u32) -> Insn {
    if !bit(word, 16) && !bit(word, 5) {
        // cps: in user mode it does nothing.
        Insn::plain(LEN).need(Feature::V6)
    } else if bits(word, 19, 16) == 1 && bits(word, 7, 4) == 0 {
        Insn::new(LEN, FeatureSet::of(&[Feature::V6, Feature::Setend]))
    } else {
        Insn::undefined(LEN)
    }
}

fn exception_frames(word: u32) -> Insn {
    let (store, load) = (
        bit(word, 22) && !bit(word, 20),
        !bit(word, 22) && bit(word, 20),
    );
    if store || load {
        Insn::new(LEN, FeatureSet::of(&[Feature::V6, Feature::Privileged]))
    } else {
        Insn::undefined(LEN)
    }
}

fn hints_and_neon(word: u32) -> Insn {
    let (op, register) = (bits(word, 26, 20), bit(word, 25));
    if !bit(word, 26) {
        return Insn::undefined(LEN);
    }
    if !register && !bit(word, 24) && !bit(word, 20) {
        return neon::load_store(word, LEN);
    }
    if op == 0x57 {
        return barrier(word);
    }
    if register && bit(word, 4) {
        return Insn::undefined(LEN);
    }
    match (bit(word, 24), bits(word, 22, 20)) {
        (false, 5) => Insn::plain(LEN).need(Feature::V7),
        (true, 1) => Insn::plain(LEN).need(Feature::V7mp),
        (true, 5) => Insn::plain(LEN).need(Feature::V5te),
        // Unallocated memory hint: a no-operation with the multiprocessing extension.
        (false, 1) if !register => Insn::plain(LEN).need(Feature::V7mp),
        _ => Insn::undefined(LEN),
    }
}

fn barrier(word: u32) -> Insn {
    let needs = match bits(word, 7, 4) {
        1 => Feature::V6k,
        4..=6 => Feature::V7,
        7 => Feature::Sb,
        _ => return Insn::undefined(LEN),
    };
    Insn::plain(LEN).need(needs)
}
