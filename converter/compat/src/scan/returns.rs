//! Functions that never return: behind a call of one lies no code that runs, but literals or another function.

use hashbrown::{HashMap, HashSet};

use super::inevitable::Place;
use super::memory::Window;
use super::{CallEffect, Job, Known, VECTORS, call_effect, call_number, fetch, resolve};
use crate::arm::{Flow, Trap};

/// Instructions of a function that are looked at; one that returns does so much sooner.
const MAX_INSNS: usize = 1024;
/// Instructions that are looked at for the functions which one part of the code calls: four times what it holds, so that
/// functions which call each other without end cost no more.
pub(super) const BUDGET: usize = 4 << 20;
/// Functions within functions.
const MAX_DEPTH: usize = 24;

/// Which functions may return, as far as that was found out.
pub(super) type Answers = HashMap<Place, bool>;

/// What is found out about functions.
pub(super) struct Returns<'w> {
    /// What was known before.
    known: &'w Answers,
    pub(super) new: Answers,
    /// Instructions that may still be looked at.
    pub(super) budget: usize,
}

impl<'w> Returns<'w> {
    pub(super) fn new(known: &'w Answers, budget: usize) -> Self {
        Self {
            known,
            new: Answers::new(),
            budget,
        }
    }

    /// May a function return to its caller? What cannot be told may.
    pub(super) fn may(&mut self, job: &Job<'_>, window: &mut Window<'_>, function: Place) -> bool {
        self.look(job, window, function, 0)
    }

    fn look(
        &mut self,
        job: &Job<'_>,
        window: &mut Window<'_>,
        function: Place,
        depth: usize,
    ) -> bool {
        let known = self.known.get(&function);
        if let Some(answer) = known.or_else(|| self.new.get(&function)) {
            return *answer;
        }
        if depth > MAX_DEPTH || function.0 >= VECTORS || self.budget == 0 {
            return true;
        }
        // Until it is known, for calls of itself.
        self.new.insert(function, true);
        let may = self.explore(job, window, function, depth);
        self.new.insert(function, may);
        may
    }

    fn explore(
        &mut self,
        job: &Job<'_>,
        window: &mut Window<'_>,
        function: Place,
        depth: usize,
    ) -> bool {
        let mut seen = HashSet::new();
        let mut work = vec![function];
        while let Some((start, isa)) = work.pop() {
            let (mut at, mut known, mut it_left) = (start, Known::default(), 0);
            while seen.insert((at, isa)) {
                let region = super::region_at(job.regions, at);
                let insn = region
                    .filter(|region| region.may_hold_code(at))
                    .and_then(|_| fetch(window, at, isa))
                    .map(|insn| super::under_it(insn, &mut it_left));
                let Some(insn) = insn.filter(|_| seen.len() < MAX_INSNS && self.budget > 0) else {
                    return true;
                };
                self.budget -= 1;
                let calls = known.calls(&insn, at);
                let goes_on = match insn.flow {
                    Flow::Next | Flow::CallRegister(_) | Flow::Trap(Trap::Breakpoint) => true,
                    Flow::Trap(Trap::Udf) => false,
                    Flow::Syscall(oabi) => {
                        call_effect(call_number(oabi, &known)) != CallEffect::NoReturn
                    }
                    Flow::Call(to, to_isa) => {
                        let aborts = super::region_at(job.regions, to)
                            .is_some_and(|region| region.aborts_at(to, to_isa));
                        !aborts && self.look(job, window, (to, to_isa), depth + 1)
                    }
                    Flow::Return | Flow::Trap(_) => return true,
                    _ if calls => true,
                    Flow::JumpUnknown | Flow::JumpTable(..) => return true,
                    flow => match resolve(flow, &known, window) {
                        Some(to) if to.0 < VECTORS => {
                            work.push(to);
                            false
                        }
                        _ => return true,
                    },
                };
                if !goes_on && !insn.conditional {
                    break;
                }
                known.step(&insn, window, None);
                if calls {
                    known.call();
                }
                at = at.wrapping_add(u32::from(insn.len));
            }
        }
        false
    }
}
