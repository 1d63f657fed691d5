//! Jump tables: where the cases of a `switch` begin.

use super::memory::Window;
use super::{CodeRegion, Known, MapKind, fetch, region_at};
use crate::arm::{Flow, Isa, Table};

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

/// The places that a table leads to. Nothing in it says where it ends: entries count up to the lowest of the cases
/// behind it, as compilers lay them out, or up to the first that cannot be one. `None` if the table is not in view.
pub(super) fn targets(
    table: Table,
    isa: Isa,
    regions: &[CodeRegion],
    known: &Known,
    window: &mut Window<'_>,
) -> Option<Vec<(u32, Isa)>> {
    let (start, len) = match table {
        Table::Bytes(start) => (start, 1),
        Table::Halfwords(start) => (start, 2),
        Table::Words(start) | Table::Branches(start) => (start, 4),
        Table::WordsAt(reg) => (known.get(reg)?, 4),
    };
    let mut found: Vec<(u32, Isa)> = Vec::new();
    let mut end = region_at(regions, start).map_or(u32::MAX, |region| data_end(region, start));
    for number in 0..MAX_ENTRIES {
        let at = start.wrapping_add(number * len);
        if at >= end {
            break;
        }
        let distance = |half: u32| Some((start.wrapping_add(half * 2), isa));
        let target = match table {
            Table::Bytes(_) => window.byte(at).and_then(|byte| distance(u32::from(byte))),
            Table::Halfwords(_) => window.half(at).and_then(|half| distance(u32::from(half))),
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
        if target.0 > start && !matches!(table, Table::Branches(_)) {
            end = end.min(target.0);
        }
        found.push(target);
    }
    (!found.is_empty()).then(|| {
        found.sort_unstable();
        found.dedup();
        found
    })
}
