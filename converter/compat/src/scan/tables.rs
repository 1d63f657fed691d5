//! Jump tables: where the cases of a `switch` begin.

use super::memory::Window;
use super::{CodeRegion, Known, MapKind, fetch, region_at};
use crate::arm::{Flow, Insn, Isa, Table};

/// Entries that are looked at.
const MAX_ENTRIES: u32 = 1024;
/// How far from its table a case can lie, bytes.
const REACH: u32 = 1 << 20;

/// Where the data at an address ends, if mapping symbols say so.
fn data_end(region: &CodeRegion, addr: u32) -> u32 {
    let after = region.map.partition_point(|(start, _)| *start <= addr);
    let is_data = after
        .checked_sub(1)
        .and_then(|at| region.map.get(at))
        .is_some_and(|(_, kind)| *kind == MapKind::Data);
    match region.map.get(after) {
        Some((next, _)) if is_data => *next,
        _ => u32::MAX,
    }
}

/// A call of one of libgcc's functions that jump through the table behind their call is such a jump: code for
/// processors without `tbb`. Their instructions are the same in every build (libgcc's `lib1funcs.S`), by which they are
/// known where names are stripped.
pub(super) fn by_helper(insn: Insn, addr: u32, window: &mut Window<'_>) -> Insn {
    const PUSH_R1: u16 = 0xb402;
    const PUSH_R0_R1: u16 = 0xb403;
    const MOV_R1_LR: u16 = 0x4671;
    let Flow::Call(helper, Isa::Thumb) = insn.flow else {
        return insn;
    };
    let table = addr.wrapping_add(u32::from(insn.len));
    let mut half = |number: u32| window.half(helper.wrapping_add(2 * number));
    // Hardly any function begins like this.
    let Some(first @ (PUSH_R1 | PUSH_R0_R1)) = half(0) else {
        return insn;
    };
    let table = match (first, half(1)) {
        (PUSH_R1, Some(MOV_R1_LR)) => match half(4) {
            Some(0x5609) => Some(Table::SignedBytes(table)),
            Some(0x5c09) => Some(Table::Bytes(table)),
            _ => None,
        },
        (PUSH_R0_R1, Some(MOV_R1_LR)) => match (half(2), half(5)) {
            (Some(0x3102), Some(0x0089)) => Some(Table::Distances(table.wrapping_add(2) & !3)),
            (_, Some(0x5e09)) => Some(Table::SignedHalfwords(table)),
            (_, Some(0x5a09)) => Some(Table::Halfwords(table)),
            _ => None,
        },
        _ => None,
    };
    Insn {
        flow: table.map_or(insn.flow, |table| Flow::JumpTable(table, 0)),
        ..insn
    }
}

/// The places that a table leads to; the jump was seen to take one of the first `count` entries, if that is known. If not,
/// nothing in the table says where it ends: entries count up to the lowest of the cases behind it, as compilers lay them
/// out, or up to the first that cannot be one. `None` if the table is not in view.
pub(super) fn targets(
    table: Table,
    count: Option<u32>,
    isa: Isa,
    regions: &[CodeRegion],
    known: &Known,
    window: &mut Window<'_>,
) -> Option<Vec<(u32, Isa)>> {
    let (start, len) = match table {
        Table::Bytes(start) | Table::SignedBytes(start) => (start, 1),
        Table::Halfwords(start) | Table::SignedHalfwords(start) => (start, 2),
        Table::Words(start) | Table::Branches(start) | Table::Distances(start) => (start, 4),
        Table::WordsAt(reg) => (known.get(reg)?, 4),
    };
    let mut found: Vec<(u32, Isa)> = Vec::new();
    let mut end = region_at(regions, start).map_or(u32::MAX, |region| data_end(region, start));
    for number in 0..count.unwrap_or(u32::MAX) {
        if number >= MAX_ENTRIES {
            return None;
        }
        let at = start.wrapping_add(number * len);
        if at >= end {
            break;
        }
        let distance = |half: i32| (start.wrapping_add_signed(half * 2), isa);
        let target = match table {
            Table::Bytes(_) => window.byte(at).map(|byte| distance(i32::from(byte))),
            Table::SignedBytes(_) => window
                .byte(at)
                .map(|byte| distance(i32::from(byte.cast_signed()))),
            Table::Halfwords(_) => window.data_half(at).map(|half| distance(i32::from(half))),
            Table::SignedHalfwords(_) => window
                .data_half(at)
                .map(|half| distance(i32::from(half.cast_signed()))),
            Table::Distances(_) => window
                .word(at)
                .map(|distance| (start.wrapping_add(distance) & !1, isa))
                .filter(|(addr, _)| addr.abs_diff(at) < REACH),
            Table::Words(_) | Table::WordsAt(_) => window
                .word(at)
                .map(Isa::of_pointer)
                .filter(|(addr, to)| *to == isa && addr.abs_diff(at) < REACH),
            // Each is an instruction of its own, which is looked at in its turn.
            Table::Branches(_) => match fetch(window, at, isa)?.flow {
                Flow::Jump(..) => Some((at, isa)),
                _ => None,
            },
        };
        let Some(target) = target else { break };
        if !matches!(table, Table::Branches(_)) {
            // No case begins within the table: what follows it was read.
            if (start..at.wrapping_add(len)).contains(&target.0) {
                break;
            }
            if target.0 > start {
                end = end.min(target.0);
            }
        }
        found.push(target);
    }
    (!found.is_empty()).then(|| {
        found.sort_unstable();
        found.dedup();
        found
    })
}
