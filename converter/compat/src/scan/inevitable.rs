//! What is executed on *every* path from a place, so that a processor without it kills the thread.
//!
//! A graph of instructions from the place is built (calls are summed up, not inlined). An instruction is
//! inevitable if without it no exit of the graph and no endless loop can be reached. Loops that a conditional
//! backward branch closes are taken to end; everything that cannot be told counts as an exit, so that errors
//! make this set smaller, never larger.

use std::collections::{HashMap, HashSet};

use super::memory::Window;
use super::{
    CallEffect, Entry, FeatureHits, Job, Known, VECTORS, call_effect, call_number, fetch, resolve,
};
use crate::arm::{Flow, Insn, Isa, Trap};
use crate::feature::FeatureSet;

type Place = (u32, Isa);

/// Instructions in all graphs together.
const MAX_INSNS: usize = 100_000;
/// Functions within functions.
const MAX_DEPTH: usize = 48;
/// Candidates that are tried for each function.
const MAX_CANDIDATES: usize = 256;

/// Everything inevitable from an entry.
pub(super) fn from(job: &Job<'_>, entry: &Entry) -> FeatureHits {
    let pointer = entry.pointer;
    let mut analysis = Analysis {
        job,
        window: Window::new(job.memory, job.big_endian_code),
        summaries: HashMap::new(),
        budget: MAX_INSNS,
        start: Isa::of_pointer(pointer),
        known: Known::of(entry.regs),
    };
    let summary = analysis.function(Isa::of_pointer(pointer), 0);
    let mut hits = FeatureHits::default();
    for (addr, isa, needs) in summary.inevitable {
        hits.add(needs, addr, isa);
    }
    hits
}

/// What a caller has to know of a function.
#[derive(Clone, Default)]
struct Summary {
    may_return: bool,
    /// Some path ends in a way that is not known.
    uncertain: bool,
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
}

/// One instruction in the graph.
#[derive(Clone, Default)]
struct Node {
    next: Vec<Place>,
    /// Control may leave the function here, or go where we cannot follow.
    exit: bool,
    returns: bool,
    uncertain: bool,
    inevitable: Vec<(u32, Isa, FeatureSet)>,
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
        let targets = self.jump_targets(start);
        let graph = self.graph(start, &targets, depth);
        let summary = Summary {
            may_return: graph.values().any(|node| node.returns),
            uncertain: graph.values().any(|node| node.uncertain),
            inevitable: inevitable_in(&graph, start),
        };
        self.summaries.insert(start, Some(summary.clone()));
        summary
    }

    fn is_code(&self, addr: u32) -> bool {
        let at = self
            .job
            .regions
            .partition_point(|region| region.end <= addr);
        self.job.regions.get(at).is_some_and(|region| {
            region.contains(addr)
                && match super::sweep::kind_at(region, addr) {
                    None => region.map.is_empty(),
                    kind => kind != Some(super::MapKind::Data),
                }
        })
    }

    /// First pass: every address that some branch goes to. There, nothing is known of registers.
    fn jump_targets(&mut self, start: Place) -> HashSet<Place> {
        let mut targets = HashSet::new();
        let mut seen = HashSet::new();
        let mut work = vec![start];
        while let Some(place) = work.pop() {
            if !self.is_code(place.0) || seen.len() > MAX_INSNS || !seen.insert(place) {
                continue;
            }
            let Some(insn) = fetch(&mut self.window, place.0, place.1) else {
                continue;
            };
            if let Flow::Jump(addr, isa) = insn.flow {
                targets.insert((addr, isa));
                work.push((addr, isa));
            }
            if !insn.ends_block() {
                work.push(after(place, &insn));
            }
        }
        targets
    }

    fn graph(
        &mut self,
        start: Place,
        targets: &HashSet<Place>,
        depth: usize,
    ) -> HashMap<Place, Node> {
        let mut graph = HashMap::new();
        let first = if depth == 0 {
            self.known
        } else {
            Known::default()
        };
        let mut work = vec![(start, first, 0)];
        while let Some((place, mut known, mut it_left)) = work.pop() {
            if graph.contains_key(&place) {
                continue;
            }
            if targets.contains(&place) && !(depth == 0 && place == start && graph.is_empty()) {
                known = Known::default();
                it_left = 0;
            }
            let insn = self.insn(place, &mut it_left);
            let node = match &insn {
                Some(insn) => self.node(place, insn, &known, depth),
                None => Node {
                    exit: true,
                    uncertain: true,
                    ..Node::default()
                },
            };
            if let Some(insn) = &insn {
                known.step(insn, &mut self.window);
                if matches!(insn.flow, Flow::Call(..) | Flow::CallRegister(_)) {
                    known.call();
                }
                for next in &node.next {
                    let straight = *next == after(place, insn);
                    work.push((
                        *next,
                        if straight { known } else { Known::default() },
                        if straight { it_left } else { 0 },
                    ));
                }
            }
            graph.insert(place, node);
        }
        graph
    }

    /// The instruction at a place, within the budget; instructions under `IT` become conditional.
    fn insn(&mut self, place: Place, it_left: &mut u8) -> Option<Insn> {
        self.budget = self.budget.checked_sub(1)?;
        if !self.is_code(place.0) {
            return None;
        }
        let mut insn = fetch(&mut self.window, place.0, place.1)?;
        if *it_left > 0 {
            insn.conditional = true;
            *it_left -= 1;
        }
        if insn.it_len > 0 {
            *it_left = insn.it_len;
        }
        Some(insn)
    }

    fn node(&mut self, place: Place, insn: &Insn, known: &Known, depth: usize) -> Node {
        let next = after(place, insn);
        let mut node = Node::default();
        let needs = known.needs(insn);
        if !insn.conditional && !needs.is_empty() {
            node.inevitable.push((place.0, place.1, needs));
        }
        let falls = match insn.flow {
            Flow::Next | Flow::Trap(Trap::Breakpoint) => true,
            Flow::Trap(_) => {
                node.exit = true;
                false
            }
            Flow::Return => {
                node.exit = true;
                node.returns = true;
                false
            }
            Flow::JumpUnknown => {
                node.exit = true;
                node.uncertain = true;
                node.returns = true;
                false
            }
            Flow::Syscall(oabi) => {
                let effect = call_effect(call_number(oabi, known));
                node.exit = effect != CallEffect::Returns;
                effect != CallEffect::NoReturn
            }
            flow => self.branch(&mut node, place, insn, flow, known, depth),
        };
        if falls || insn.conditional {
            node.next.push(next);
        }
        node
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
        let target = resolve(flow, known, &mut self.window);
        let next = after(place, insn);
        let links = known
            .get(14)
            .is_some_and(|lr| Isa::of_pointer(lr).0 == next.0);
        let calls = matches!(flow, Flow::Call(..) | Flow::CallRegister(_)) || links;
        match target {
            Some((addr, _)) if addr >= VECTORS => {
                node.exit |= !calls;
                node.returns |= !calls;
                calls
            }
            Some(callee) if calls => self.call(node, place, callee, insn, known, depth),
            Some(to) => {
                let closes_loop = insn.conditional && to.0 <= place.0;
                if !closes_loop {
                    node.next.push(to);
                }
                false
            }
            None if calls => {
                node.exit = true;
                node.uncertain = true;
                self.main(node, place, insn, known, depth);
                true
            }
            None => {
                node.exit = true;
                node.returns = true;
                node.uncertain = true;
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
        let summary = self.function(callee, depth + 1);
        if !insn.conditional {
            node.inevitable.extend(summary.inevitable);
        }
        node.exit |= summary.uncertain || !summary.may_return;
        node.uncertain |= summary.uncertain;
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

fn after(place: Place, insn: &Insn) -> Place {
    (place.0.wrapping_add(u32::from(insn.len)), place.1)
}

/// Nodes that every way through the graph takes.
fn inevitable_in(graph: &HashMap<Place, Node>, start: Place) -> Vec<(u32, Isa, FeatureSet)> {
    let mut candidates: Vec<&Place> = graph
        .iter()
        .filter(|(_, node)| !node.inevitable.is_empty())
        .map(|(place, _)| place)
        .collect();
    candidates.sort_unstable();
    let mut found = Vec::new();
    let mut have = FeatureSet::EMPTY;
    for place in candidates.into_iter().take(MAX_CANDIDATES) {
        let Some(node) = graph.get(place) else {
            continue;
        };
        let new = node
            .inevitable
            .iter()
            .any(|(.., needs)| !needs.within(have));
        if new && !avoidable(graph, start, *place) {
            for hit in &node.inevitable {
                have = have.union(hit.2);
                found.push(*hit);
            }
        }
    }
    found
}

/// Can an exit or an endless loop be reached without passing `without`?
fn avoidable(graph: &HashMap<Place, Node>, start: Place, without: Place) -> bool {
    if start == without {
        return false;
    }
    // Depth first with an explicit stack: a place on the current path that is met again closes a loop.
    let mut on_path = HashSet::new();
    let mut done = HashSet::new();
    let mut stack = vec![(start, 0)];
    on_path.insert(start);
    while let Some((place, child)) = stack.pop() {
        let Some(node) = graph.get(&place) else {
            return true;
        };
        if node.exit {
            return true;
        }
        if let Some(next) = node.next.get(child) {
            stack.push((place, child + 1));
            if *next == without || done.contains(next) {
                continue;
            }
            if !on_path.insert(*next) {
                return true;
            }
            stack.push((*next, 0));
        } else {
            on_path.remove(&place);
            done.insert(place);
        }
    }
    false
}
