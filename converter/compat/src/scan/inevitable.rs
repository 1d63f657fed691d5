//! What is executed on *every* path from a place, so that a processor without it kills the thread.
//!
//! A graph of instructions from the place is built: calls are summed up, not inlined, and from where a thread
//! stopped its callers are followed through the return addresses on its stack. A feature is inevitable if no exit of
//! the graph and no endless loop can be reached without an instruction that needs it. Loops that have a way out are
//! taken to end, and functions that are called through a pointer to return; whatever else cannot be told counts as
//! an exit, so that errors make this set smaller, never larger.

use std::collections::BTreeMap;

use hashbrown::HashMap;

use super::memory::Window;
use super::{
    CallEffect, Entry, FeatureHits, Frames, Job, Known, Stack, VECTORS, call_effect, call_number,
    fetch, follows_call, resolve,
};
use crate::arm::{Flow, Insn, Isa, Trap};
use crate::feature::FeatureSet;

pub(super) type Place = (u32, Isa);

/// Instructions in all graphs together.
const MAX_INSNS: usize = 400_000;
/// Instructions of a stub that makes the system call that its caller names (glibc's `__libc_do_syscall`).
const MAX_STUB_LEN: usize = 32;
/// Functions within functions.
const MAX_DEPTH: usize = 48;

/// What lies ahead of a thread.
pub(super) struct Ahead {
    /// Everything inevitable.
    pub(super) hits: FeatureHits,
    /// What is left of the functions that it is in, if all of it could be followed.
    pub(super) frames: Option<Frames>,
    /// One of those is `main`.
    pub(super) in_main: bool,
    /// Where it goes on when they return, or when a signal handler does, and with what in registers.
    pub(super) returns: Vec<(Place, Known)>,
}

/// What lies ahead from an entry.
pub(super) fn from(job: &Job<'_>, entry: &Entry) -> Ahead {
    let known = Known::of(entry.regs);
    let start = Isa::of_pointer(entry.pointer);
    let mut analysis = Analysis {
        job,
        window: Window::new(job),
        summaries: HashMap::new(),
        budget: MAX_INSNS,
        start,
        known,
        stack: known.get(13).map(Stack::new),
        frames: None,
        in_main: false,
        returns: BTreeMap::new(),
    };
    let summary = analysis.function(start, 0);
    let mut hits = FeatureHits::default();
    for (addr, isa, needs) in summary.inevitable {
        hits.add(needs, addr, isa);
    }
    let frames = analysis.frames.map(|needs| Frames {
        pointer: entry.pointer,
        needs,
    });
    Ahead {
        hits,
        frames,
        in_main: analysis.in_main,
        returns: analysis.returns.into_iter().collect(),
    }
}

/// What a caller has to know of a function.
#[derive(Clone, Default)]
struct Summary {
    may_return: bool,
    /// Part of it is not in view.
    uncertain: bool,
    /// It makes a system call whose number is its caller's.
    unnumbered: bool,
    /// Instructions.
    len: usize,
    inevitable: Vec<(u32, Isa, FeatureSet)>,
}

struct Analysis<'a, 'j> {
    job: &'j Job<'a>,
    window: Window<'a>,
    /// `None` while a function is being looked at: recursion.
    summaries: HashMap<Place, Option<Summary>>,
    budget: usize,
    start: Place,
    /// Registers there.
    known: Known,
    /// The stack of the thread, if its pointer is known.
    stack: Option<Stack>,
    /// What the rest of the functions that the thread is in needs, if all of it could be followed.
    frames: Option<FeatureSet>,
    /// All of it could be followed, and one of the functions is `main`.
    in_main: bool,
    /// Where returns from those functions lead, and what registers hold there.
    returns: BTreeMap<Place, Known>,
}

/// One instruction in the graph.
#[derive(Clone, Default)]
pub(super) struct Node {
    pub(super) next: Vec<Place>,
    /// Control may leave the function here, or go where we cannot follow.
    pub(super) exit: bool,
    returns: bool,
    uncertain: bool,
    unnumbered: bool,
    pub(super) inevitable: Vec<(u32, Isa, FeatureSet)>,
    /// What the instruction itself needs.
    needs: FeatureSet,
    /// Control goes on in a way that is not known.
    lost: bool,
    /// Registers where it goes, if they are not those that the instruction leaves.
    replaced: Option<Box<Known>>,
}

impl Node {
    /// Control goes to a place, or who knows where.
    fn go_on(&mut self, place: Option<Place>) {
        self.exit |= place.is_none();
        self.lost |= place.is_none();
        self.next.extend(place);
    }
}

/// What is known on the way to a place.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct State {
    pub(super) known: Known,
    /// Instructions that an `IT` still makes conditional.
    pub(super) it_left: u8,
}

impl State {
    pub(super) fn meet(&self, other: &Self) -> Self {
        Self {
            known: self.known.meet(&other.known),
            it_left: self.it_left.max(other.it_left),
        }
    }
}

impl Analysis<'_, '_> {
    fn function(&mut self, start: Place, depth: usize) -> Summary {
        if let Some(known) = self.summaries.get(&start) {
            return known.clone().unwrap_or(Summary {
                may_return: true,
                ..Summary::default()
            });
        }
        if depth > MAX_DEPTH || self.budget == 0 {
            return Summary {
                may_return: true,
                uncertain: true,
                ..Summary::default()
            };
        }
        self.summaries.insert(start, None);
        let known = if depth == 0 {
            self.known
        } else {
            Known::default()
        };
        let summary = self.summarize(start, depth, known);
        self.summaries.insert(start, Some(summary.clone()));
        summary
    }

    fn summarize(&mut self, start: Place, depth: usize, known: Known) -> Summary {
        let graph = self.graph(start, depth, known);
        if depth == 0 && graph.values().all(|node| !node.lost) {
            self.in_main = self.is_in_main(&graph);
            let needs = graph.values().map(|node| node.needs);
            self.frames = Some(needs.fold(FeatureSet::EMPTY, FeatureSet::union));
        }
        Summary {
            may_return: graph.values().any(|node| node.returns),
            uncertain: graph.values().any(|node| node.uncertain),
            unnumbered: graph.values().any(|node| node.unnumbered),
            len: graph.len(),
            inevitable: super::paths::inevitable_in(&graph, start),
        }
    }

    /// Is one of these places in `main`?
    fn is_in_main(&self, graph: &HashMap<Place, Node>) -> bool {
        let bounds = self
            .job
            .main
            .and_then(|main| super::region_at(self.job.regions, main)?.function_at(main & !1));
        let mut places = graph.keys();
        bounds.is_some_and(|(from, to)| places.any(|(addr, _)| (from..to).contains(addr)))
    }

    fn is_code(&self, addr: u32) -> bool {
        super::region_at(self.job.regions, addr).is_some_and(|region| region.may_hold_code(addr))
    }

    /// Does the process end with an error in this function?
    fn aborts(&self, (addr, isa): Place) -> bool {
        super::region_at(self.job.regions, addr).is_some_and(|region| region.aborts_at(addr, isa))
    }

    /// Instructions and where they lead, with what is known on all ways to each.
    fn graph(&mut self, start: Place, depth: usize, known: Known) -> HashMap<Place, Node> {
        let mut graph = HashMap::new();
        let mut states: HashMap<Place, State> =
            HashMap::from([(start, State { known, it_left: 0 })]);
        let mut work = vec![start];
        while let Some(place) = work.pop() {
            let Some(mut state) = states.get(&place).copied() else {
                continue;
            };
            let Some(insn) = self.insn(place, &mut state.it_left) else {
                let blind = Node {
                    exit: true,
                    uncertain: true,
                    lost: true,
                    ..Node::default()
                };
                graph.insert(place, blind);
                continue;
            };
            let node = self.node(place, &insn, &state.known, depth);
            let calls = state.known.calls(&insn, place.0);
            if depth == 0 {
                let stack = self.stack.as_mut();
                state.known.step(&insn, &mut self.window, stack);
            } else {
                state.known.step(&insn, &mut self.window, None);
            }
            if calls {
                state.known.call();
            }
            let left = State {
                known: node.replaced.as_deref().copied().unwrap_or(state.known),
                it_left: if node.replaced.is_some() {
                    0
                } else {
                    state.it_left
                },
            };
            for next in &node.next {
                let merged = match states.get(next) {
                    None => left,
                    Some(known) => known.meet(&left),
                };
                if states.insert(*next, merged) != Some(merged) {
                    work.push(*next);
                }
            }
            match taken_apart(place, &insn, &node) {
                Some([taken, rest]) => {
                    graph.extend([((place.0 | 1, place.1), taken), (place, rest)]);
                }
                None => {
                    graph.insert(place, node);
                }
            }
        }
        if depth == 0 {
            for (place, known) in &mut self.returns {
                *known = states.get(place).map_or(*known, |state| state.known);
            }
        }
        graph
    }

    /// The instruction at a place, within the budget; instructions under `IT` become conditional.
    fn insn(&mut self, place: Place, it_left: &mut u8) -> Option<Insn> {
        self.budget = self.budget.checked_sub(1)?;
        if !self.is_code(place.0) {
            return None;
        }
        let insn = fetch(&mut self.window, place.0, place.1)?;
        Some(super::under_it(insn, it_left))
    }

    fn node(&mut self, place: Place, insn: &Insn, known: &Known, depth: usize) -> Node {
        let next = after(place, insn);
        let mut node = Node::default();
        let needs = known.needs(insn);
        node.needs = needs;
        if !insn.conditional && !needs.is_empty() {
            node.inevitable.push((place.0, place.1, needs));
        }
        let falls = match insn.flow {
            Flow::Next | Flow::Trap(Trap::Breakpoint) => true,
            Flow::Trap(_) => {
                node.exit = true;
                false
            }
            Flow::Return if depth == 0 => {
                let caller = self.caller(insn, known);
                node.go_on(caller);
                false
            }
            Flow::JumpTable(table, index) => {
                let targets = super::tables::targets(
                    table,
                    known.entries(index, insn),
                    place.1,
                    self.job.regions,
                    known,
                    &mut self.window,
                );
                node.lost = targets.is_none();
                node.exit = node.lost;
                node.returns = node.lost;
                node.next.extend(targets.into_iter().flatten());
                false
            }
            Flow::Return | Flow::JumpUnknown => {
                node.exit = true;
                node.returns = true;
                node.lost = insn.flow == Flow::JumpUnknown;
                false
            }
            Flow::Syscall(oabi) => {
                let number = call_number(oabi, known);
                let effect = call_effect(number);
                node.exit = effect != CallEffect::Returns;
                node.unnumbered = number.is_none();
                if depth == 0 && effect == CallEffect::NoReturn {
                    self.sigreturn(&mut node, number, known);
                }
                effect != CallEffect::NoReturn
            }
            flow => self.branch(&mut node, place, insn, flow, known, depth),
        };
        if falls || insn.conditional {
            node.next.push(next);
        }
        node
    }

    /// Where the thread goes on when the function that it is in returns: the word that the return takes, if a call
    /// lies before the address in it, or the thread itself put it there.
    fn caller(&mut self, insn: &Insn, known: &Known) -> Option<Place> {
        let (pointer, is_own) = match &insn.transfer {
            Some(transfer) => {
                let base = known.get(transfer.base)?;
                let addr = base.wrapping_add_signed(transfer.offset_of(15)?);
                let stack = self.stack.as_ref()?;
                (stack.load(addr, &mut self.window)?, stack.wrote(addr))
            }
            None => (known.get(14)?, false),
        };
        let place = Isa::of_pointer(pointer);
        let returns =
            self.is_code(place.0) && (is_own || follows_call(&mut self.window, place.0, place.1));
        let place = returns.then_some(place);
        self.note_return(place);
        place
    }

    fn note_return(&mut self, place: Option<Place>) {
        let nothing_known = place.map(|place| (place, Known::default()));
        self.returns.extend(nothing_known);
    }

    /// A signal handler's return: the thread goes on with the registers that lie in the frame on its stack.
    fn sigreturn(&mut self, node: &mut Node, number: Option<u32>, known: &Known) {
        let context = match number.map(|number| number & 0xffff) {
            Some(119) => CONTEXT_IN_FRAME,
            Some(173) => SIGINFO_LEN + CONTEXT_IN_FRAME,
            _ => return,
        };
        let Some(sp) = known.get(13) else { return };
        let mut word = |number: u32| {
            self.window
                .word(sp.wrapping_add(context).wrapping_add(number * 4))
        };
        let mut regs = [0; 16];
        for (number, reg) in (0..).zip(regs.iter_mut()) {
            match word(number) {
                Some(value) => *reg = value,
                None => return,
            }
        }
        let (Some(cpsr), Some(pc)) = (word(16), regs.last().copied()) else {
            return;
        };
        let place = Isa::of_pointer(pc | cpsr >> 5 & 1);
        // User mode, and a place that is code: else it is no frame.
        if cpsr & 0x1f == 0x10 && self.is_code(place.0) {
            node.exit = false;
            node.next.push(place);
            self.note_return(Some(place));
            node.replaced = Some(Box::new(Known::of(Some(regs))));
        }
    }

    /// Jumps and calls; tells whether control comes to the next instruction too.
    fn branch(
        &mut self,
        node: &mut Node,
        place: Place,
        insn: &Insn,
        flow: Flow,
        known: &Known,
        depth: usize,
    ) -> bool {
        // The head of a linkage table: which function the loader would bind here is not followed.
        let target = match flow {
            Flow::JumpMemory(14, _) => None,
            flow => resolve(flow, known, &mut self.window),
        };
        let calls = known.calls(insn, place.0);
        match target {
            Some((addr, _)) if addr >= VECTORS && !calls && depth == 0 => {
                let back = known.get(14).map(Isa::of_pointer);
                let back = back.filter(|back| self.is_code(back.0));
                self.note_return(back);
                node.go_on(back);
                false
            }
            Some((addr, _)) if addr >= VECTORS => {
                node.exit |= !calls;
                node.returns |= !calls;
                calls
            }
            // Whoever comes here dies by his own hand: no way on, with the feature or without.
            Some(to) if self.aborts(to) => false,
            Some(callee) if calls => self.call(node, place, callee, insn, known, depth),
            Some(to) => {
                node.next.push(to);
                false
            }
            None if calls => {
                self.main(node, place, insn, known, depth);
                true
            }
            None => {
                node.exit = true;
                node.returns = true;
                node.lost = true;
                node.uncertain = matches!(flow, Flow::JumpMemory(..) | Flow::JumpLiteral(_));
                false
            }
        }
    }

    fn call(
        &mut self,
        node: &mut Node,
        place: Place,
        callee: Place,
        insn: &Insn,
        known: &Known,
        depth: usize,
    ) -> bool {
        let mut summary = self.function(callee, depth + 1);
        if summary.unnumbered && summary.len <= MAX_STUB_LEN && depth < MAX_DEPTH {
            summary = self.summarize(callee, depth + 1, *known);
        }
        if !insn.conditional {
            node.inevitable.extend(summary.inevitable);
        }
        node.exit |= summary.uncertain || summary.unnumbered || !summary.may_return;
        node.uncertain |= summary.uncertain;
        node.unnumbered |= summary.unnumbered;
        self.main(node, place, insn, known, depth);
        summary.may_return
    }

    /// The entry of a program calls the C library's start function with `main` in r0.
    fn main(&mut self, node: &mut Node, place: Place, insn: &Insn, known: &Known, depth: usize) {
        let at_start = self.job.from_start && depth == 0 && place.0.abs_diff(self.start.0) < 256;
        let Some(main) = known
            .get(0)
            .filter(|_| at_start && !insn.conditional)
            .map(Isa::of_pointer)
        else {
            return;
        };
        if self.is_code(main.0) && main != self.start {
            node.inevitable
                .extend(self.function(main, depth + 1).inevitable);
        }
    }
}

/// A conditional jump or return needs its features only where it is taken: a node for that way, at an address that no
/// instruction has, and one for both.
fn taken_apart(place: Place, insn: &Insn, node: &Node) -> Option<[Node; 2]> {
    let jumps = !matches!(
        insn.flow,
        Flow::Next | Flow::Call(..) | Flow::CallRegister(_) | Flow::Syscall(_) | Flow::Trap(_)
    );
    if !(jumps && insn.conditional) || node.needs.is_empty() {
        return None;
    }
    let (falls, leads) = node.next.split_last()?;
    let taken = Node {
        next: leads.to_vec(),
        inevitable: vec![(place.0, place.1, node.needs)],
        ..node.clone()
    };
    let rest = Node {
        next: vec![(place.0 | 1, place.1), *falls],
        needs: node.needs,
        ..Node::default()
    };
    Some([taken, rest])
}

/// From the start of a frame to r0 in its `struct sigcontext`: flags, link, stack, three words.
const CONTEXT_IN_FRAME: u32 = 32;
/// `siginfo_t` before the context in a real-time frame.
const SIGINFO_LEN: u32 = 128;

fn after(place: Place, insn: &Insn) -> Place {
    (place.0.wrapping_add(u32::from(insn.len)), place.1)
}
