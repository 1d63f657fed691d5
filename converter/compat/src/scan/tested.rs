//! Capabilities of AT_HWCAP that a function has tested on every way to an instruction, however the ways join.

use hashbrown::HashMap;

use super::inevitable::{Place, State};
use super::memory::Window;
use super::{CallEffect, Job, call_effect, call_number, fetch, region_at, resolve};
use crate::arm::{EQ, Flow, Insn, Isa, NE, Trap};
use crate::feature::FeatureSet;

/// Functions that were looked at: from where to where, and the bits tested at each of their instructions.
#[derive(Default)]
pub(super) struct Tested {
    functions: HashMap<(u32, u32), HashMap<Place, Held>>,
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
    /// known from its first instruction to its last: mapping symbols come with the names of all functions.
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
        let region = region_at(job.regions, place.0).filter(|region| !region.map.is_empty());
        let Some(bounds) = region.and_then(|region| region.function_at(place.0)) else {
            return FeatureSet::EMPTY;
        };
        let states = self
            .functions
            .entry(bounds)
            .or_insert_with(|| states(job, window, bounds, place.1).unwrap_or_default());
        let bits = states.get(&place).map_or(0, |state| state.bits);
        needs.meet(super::known::features_behind(bits))
    }
}

/// The state at each instruction of a function; `None` if a jump leads to a place in it that cannot be told.
fn states(
    job: &Job<'_>,
    window: &mut Window<'_>,
    (from, to): (u32, u32),
    isa: Isa,
) -> Option<HashMap<Place, Held>> {
    let start = (from, isa);
    let mut states = HashMap::from([(start, Held::default())]);
    let mut work = vec![start];
    while let Some(place) = work.pop() {
        let Some(mut held) = states.get(&place).copied() else {
            continue;
        };
        let Some(insn) = fetch(window, place.0, place.1) else {
            continue;
        };
        let insn = super::under_it(insn, &mut held.state.it_left);
        for (next, left) in ways(job, window, place, &insn, &held)? {
            if !(from..to).contains(&next.0) {
                continue;
            }
            let merged = states.get(&next).map_or(left, |known| known.meet(&left));
            if states.insert(next, merged) != Some(merged) {
                work.push(next);
            }
        }
    }
    Some(states)
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
    if matches!(insn.flow, Flow::Call(..) | Flow::CallRegister(_)) {
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
        Flow::Next
        | Flow::Syscall(_)
        | Flow::Call(..)
        | Flow::CallRegister(_)
        | Flow::Trap(Trap::Breakpoint) => true,
        Flow::Return | Flow::Trap(_) => false,
        _ => known.get(14) == Some(next.0),
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
