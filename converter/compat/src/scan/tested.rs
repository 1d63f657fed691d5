//! Capabilities of AT_HWCAP that a function has tested on every way to an instruction, however the ways join.

use hashbrown::HashMap;

use super::inevitable::{Place, State};
use super::memory::Window;
use super::{
    CallEffect, Job, MAX_STRETCH_LEN, call_effect, call_number, fetch, region_at, resolve,
};
use crate::arm::{EQ, Flow, Insn, Isa, NE, Trap};
use crate::feature::FeatureSet;

/// Instructions that are followed in all functions together, each as often as its state changes.
const MAX_STEPS: usize = 1 << 22;

/// Functions that were looked at, from where to where, and the bits that were tested at their instructions, where any were.
pub(super) struct Tested {
    functions: HashMap<(u32, u32), HashMap<Place, u32>>,
    budget: usize,
}

impl Default for Tested {
    fn default() -> Self {
        Self {
            functions: HashMap::new(),
            budget: MAX_STEPS,
        }
    }
}

/// What holds on all ways to an instruction.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Held {
    state: State,
    /// Bits of AT_HWCAP that were seen to be set.
    bits: u32,
}

impl Held {
    fn meet(&self, other: &Self) -> Self {
        Self {
            state: self.state.meet(&other.state),
            bits: self.bits & other.bits,
        }
    }
}

impl Tested {
    /// Of these features, those that are advertised wherever the instruction is executed. None, if its function is not
    /// known from its first instruction to its last (mapping symbols come with the names of all functions) or is too
    /// long.
    pub(super) fn covers(
        &mut self,
        needs: FeatureSet,
        job: &Job<'_>,
        window: &mut Window<'_>,
        place: Place,
    ) -> FeatureSet {
        if needs.is_empty() {
            return FeatureSet::EMPTY;
        }
        let Some(region) = region_at(job.regions, place.0).filter(|region| !region.map.is_empty())
        else {
            return FeatureSet::EMPTY;
        };
        let needs = needs.minus(region.declared);
        let bounds = region.function_at(place.0);
        let short = bounds.filter(|(from, to)| to - from <= MAX_STRETCH_LEN);
        let Some(bounds) = short.filter(|_| !needs.is_empty()) else {
            return FeatureSet::EMPTY;
        };
        let budget = &mut self.budget;
        let function = self
            .functions
            .entry(bounds)
            .or_insert_with(|| bits(job, window, bounds, place.1, budget).unwrap_or_default());
        let bits = function.get(&place).copied().unwrap_or(0);
        needs.meet(super::known::features_behind(bits))
    }
}

/// The bits that were tested at each instruction of a function, where any were; `None` if a jump leads to a place in it
/// that cannot be told, or the budget does not last.
fn bits(
    job: &Job<'_>,
    window: &mut Window<'_>,
    (from, to): (u32, u32),
    isa: Isa,
    budget: &mut usize,
) -> Option<HashMap<Place, u32>> {
    let start = (from, isa);
    let mut states: HashMap<Place, Held> = HashMap::from([(start, Held::default())]);
    let mut work = vec![start];
    while let Some(place) = work.pop() {
        let Some(mut held) = states.get(&place).copied() else {
            continue;
        };
        let Some(insn) = fetch(window, place.0, place.1) else {
            continue;
        };
        let insn = super::under_it(insn, &mut held.state.it_left);
        let ways = ways(job, window, place, &insn, &held)?;
        *budget = budget.checked_sub(ways.len().max(1))?;
        for (next, left) in ways {
            if !(from..to).contains(&next.0) {
                continue;
            }
            let merged = states.get(&next).map_or(left, |known| known.meet(&left));
            if states.insert(next, merged) != Some(merged) {
                work.push(next);
            }
        }
    }
    let tested = states.into_iter().filter(|(_, held)| held.bits != 0);
    Some(tested.map(|(place, held)| (place, held.bits)).collect())
}

/// Where control goes from an instruction, and what holds there.
fn ways(
    job: &Job<'_>,
    window: &mut Window<'_>,
    (addr, isa): Place,
    insn: &Insn,
    held: &Held,
) -> Option<Vec<(Place, Held)>> {
    let known = &held.state.known;
    let mut left = *held;
    left.state.known.step(insn, window, None);
    let calls = known.calls(insn, addr);
    if calls {
        left.state.known.call();
    }
    let next = (addr.wrapping_add(u32::from(insn.len)), isa);
    let ends = match insn.flow {
        Flow::Syscall(oabi) => call_effect(call_number(oabi, known)) == CallEffect::NoReturn,
        Flow::Call(to, isa) => {
            region_at(job.regions, to).is_some_and(|region| region.aborts_at(to, isa))
        }
        _ => false,
    };
    if ends && !insn.conditional {
        return Some(Vec::new());
    }
    let comes_back = match insn.flow {
        Flow::Next | Flow::Syscall(_) | Flow::Trap(Trap::Breakpoint) => true,
        _ => calls,
    };
    if comes_back {
        return Some(vec![(next, left)]);
    }
    // Where a jump on zero is not taken, or one on non-zero is, the bit that was tested is set.
    let set = Held {
        bits: held.bits | known.tested_bit(),
        ..left
    };
    let (taken, falls) = match insn.condition {
        EQ => (left, set),
        NE => (set, left),
        _ => (left, left),
    };
    let targets = match insn.flow {
        Flow::Return | Flow::Trap(_) => Vec::new(),
        Flow::JumpTable(table, index) => {
            let count = known.entries(index, insn);
            super::tables::targets(table, count, isa, job.regions, known, window)?
        }
        flow => vec![resolve(flow, known, window)?],
    };
    let ways = targets.into_iter().map(|target| (target, taken));
    Some(
        ways.chain(insn.conditional.then_some((next, falls)))
            .collect(),
    )
}
