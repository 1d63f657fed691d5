//! Following control flow from known entries.
//!
//! Code is cut into parts of a fixed size, each of which is walked by one thread at a time; what leads from one into
//! another is handed over between rounds. So the result is the same whatever number of threads there are.

mod marks;
mod part;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use hashbrown::HashMap;

use super::inevitable::Ahead;
use super::known::{Known, UNIT_BITS, features_behind};
use super::memory::Window;
use super::returns::Answers;
use super::{Entry, EntryKind, FeatureHits, Found, Job, region_at};
use crate::arm::Isa;
use crate::feature::FeatureSet;
use crate::parallel;
use marks::Layout;
pub(super) use marks::Reached;
use part::{Arrival, Function, Met, Part, Pass, Target};

/// Length of a part, bytes.
pub(super) const PART_LEN: u32 = 4 << 20;

/// Code that is followed at most, in whole parts, bytes. What is marked of it takes, with what is known before the first
/// guess and [`Layout`], 128 MiB. Code beyond is not followed, and the scan stays open.
const MAX_LEN: u64 = 256 << 20;

/// Rounds with fewer arrivals are not worth another thread.
const MIN_PARALLEL: usize = 64;

/// Follows every entry, the strongest first, and files what it meets under the entry's strength.
pub(super) fn walk(job: &Job<'_>, stacks: Stacks, part_len: u32, found: &mut Found) -> Reached {
    // Behind calls that do not return lie literal pools; which words are literals is known once all code was seen.
    // So are the functions whose addresses the process may have given away on its way from where it began: to the
    // kernel as handlers of signals, or to its C library, which keeps them enciphered.
    let began = Learnt {
        starts: job.starts,
        is_first: true,
        ..Learnt::default()
    };
    let all = pass(job, &mut Found::default(), began, part_len);
    let learnt = Learnt {
        can_be_sealed: stacks.are_known() && (job.from_start || job.handlers.is_some()),
        is_full: all.is_full,
        taken: all.met.taken.clone(),
        layout: Layout::of(all.into_reached()),
        stacks,
        starts: &[],
        is_first: false,
    };
    pass(job, found, learnt, part_len).into_reached()
}

/// What a walk over everything tells the next one, which follows only what can still run.
#[derive(Default)]
struct Learnt<'a> {
    layout: Layout,
    /// Constants that point into code, of all that may have run.
    taken: BTreeSet<u32>,
    stacks: Stacks,
    /// Where every thread returns to is known, and which handlers of signals there are.
    can_be_sealed: bool,
    /// Code was left out.
    is_full: bool,
    /// Where the walk begins beside the entries.
    starts: &'a [u32],
    /// There was none before.
    is_first: bool,
}

/// What was told by following the stacks of all threads.
#[derive(Default)]
pub(super) struct Stacks {
    /// Where the functions return to that threads are in, and with what in registers.
    returns: Vec<((u32, Isa), Known)>,
    num_threads: usize,
    /// Threads whose functions could be followed to the last.
    num_followed: usize,
    /// One of them is in `main`, which will not be called again.
    in_main: bool,
}

impl Stacks {
    pub(super) fn add(&mut self, ahead: &Ahead) {
        self.num_threads += 1;
        self.num_followed += usize::from(ahead.frames.is_some());
        self.in_main |= ahead.in_main;
        self.returns.extend_from_slice(&ahead.returns);
    }

    /// Are all return addresses known, so that none need be guessed?
    fn are_known(&self) -> bool {
        self.num_threads > 0 && self.num_followed == self.num_threads
    }
}

/// One walk.
fn pass<'a, 'j>(
    job: &'j Job<'a>,
    found: &mut Found,
    learnt: Learnt<'_>,
    part_len: u32,
) -> Walk<'a, 'j> {
    let is_over = |pointer| {
        learnt.stacks.in_main && (job.main == Some(pointer) || job.starts.contains(&pointer))
    };
    let mut entries: Vec<_> = job.entries.to_vec();
    entries.retain(|entry| {
        let guessed = entry.kind == EntryKind::Return && learnt.stacks.are_known();
        let sure = matches!(entry.kind, EntryKind::Pc | EntryKind::Symbol);
        !guessed && (sure || !is_over(entry.pointer))
    });
    let entry = |pointer, kind| Entry {
        pointer,
        kind,
        regs: None,
    };
    let starts = learnt.starts.iter();
    entries.extend(starts.map(|start| entry(*start, EntryKind::Known)));
    let of_kind = |kind| entries.iter().filter(move |entry| entry.kind == kind);

    let mut walk = Walk::new(job, part_len);
    walk.pass.layout = learnt.layout;
    walk.pass.is_first = learnt.is_first;
    // A process that has not started left no return addresses in memory.
    walk.pass.knows_returns = learnt.stacks.are_known() && !job.from_start;
    walk.pass.watches = learnt.can_be_sealed;
    walk.pass.puts_off = !job.demands;
    walk.enter(of_kind(EntryKind::Pc), &mut found.from_pc);
    let returns = learnt.stacks.returns.iter();
    let ways = returns.map(|(place, known)| Arrival::of_return(*place, *known));
    walk.run(ways.collect(), &mut found.from_pc);
    if learnt.can_be_sealed && walk.is_sealed(found) {
        return walk;
    }
    walk.pass.watches = false;
    let hits = &mut found.from_entries;
    walk.enter(of_kind(EntryKind::Known), hits);
    walk.guess();
    walk.enter(of_kind(EntryKind::Return), hits);
    walk.enter(of_kind(EntryKind::Pointer), hits);
    let taken = learnt.taken.into_iter();
    walk.follow(taken.filter(|pointer| !is_over(*pointer)), hits);
    if walk.met.leaps {
        // Back to a place behind `setjmp` in a function that is not left yet: ways from the start lead there.
        walk.follow(job.main, hits);
    }
    walk.follow_chosen(hits);
    walk.follow_put_off(hits);
    let taken = walk.met.taken.clone();
    found.guarded = std::mem::take(&mut walk.met.guarded);
    found.makes_formats = walk.met.makes_formats;
    found.open = walk.met.open || walk.is_full || learnt.is_full;
    walk.met.add_returns(hits);
    // What only a symbol leads to is code for sure, but nothing says that it runs.
    walk.pass.puts_off = false;
    walk.enter(of_kind(EntryKind::Symbol), &mut found.swept);
    walk.follow_pointers(&mut found.swept);
    if !found.open {
        walk.met.taken = taken;
    }
    found.num_insns += walk.met.num_insns;
    walk
}

/// A walk over all parts.
struct Walk<'a, 'j> {
    pass: Pass<'a, 'j>,
    part_len: u32,
    parts: Vec<Mutex<Part>>,
    /// Numbers of parts by region and place in it.
    numbers: HashMap<(usize, u32), usize>,
    /// Bytes in all parts.
    len: u64,
    /// A part was left out.
    is_full: bool,
    /// Pages that were read, for as many threads as there were.
    windows: Mutex<Vec<Window<'a>>>,
    /// Constants in reached code that point into code, still to be followed.
    pointers: BTreeSet<u32>,
    /// Functions with computed jumps that were followed at every instruction.
    swept: BTreeSet<Function>,
    met: Met,
}

impl<'a, 'j> Walk<'a, 'j> {
    fn new(job: &'j Job<'a>, part_len: u32) -> Self {
        Self {
            pass: Pass {
                job,
                layout: Layout::default(),
                is_first: false,
                answers: Answers::new(),
                knows_returns: false,
                watches: false,
                units: features_behind(UNIT_BITS).minus(job.advertised),
                resolvers: Vec::new(),
                only_if_advertised: FeatureSet::EMPTY,
                puts_off: false,
            },
            part_len,
            parts: Vec::new(),
            numbers: HashMap::new(),
            len: 0,
            is_full: false,
            windows: Mutex::default(),
            pointers: BTreeSet::new(),
            swept: BTreeSet::new(),
            met: Met::default(),
        }
    }

    fn into_reached(self) -> Reached {
        let mut reached = Reached::default();
        for part in self.parts {
            reached.join(whatever(part.into_inner()).reached);
        }
        reached
    }

    /// Can nothing run but what was followed: no jump or call was left that leads who knows where, and handlers of
    /// signals are known? Adds those.
    fn is_sealed(&mut self, found: &mut Found) -> bool {
        let handlers = self.pass.job.handlers.unwrap_or_default().iter();
        let jumps = handlers.map(|handler| Arrival::Jump(Target::of_pointer(*handler)));
        self.run(jumps.collect(), &mut found.from_entries);
        self.follow_put_off(&mut found.from_pc);
        let met = &mut self.met;
        found.sealed = !(met.lost || met.leaps || met.open || self.is_full || met.installs());
        if found.sealed {
            found.makes_formats = met.makes_formats;
            met.add_returns(&mut found.from_pc);
            found.guarded = std::mem::take(&mut met.guarded);
            found.num_insns += met.num_insns;
        }
        found.sealed
    }

    /// From here on entries are guesses, which what was reached before overrules.
    fn guess(&mut self) {
        for part in &mut self.parts {
            whatever(part.get_mut()).guess();
        }
    }

    /// Entries of one kind; those that choose a function by AT_HWCAP first, for what they name they only choose from.
    fn enter<'e>(&mut self, entries: impl Iterator<Item = &'e Entry>, hits: &mut FeatureHits) {
        let job = self.pass.job;
        let (choose, others): (Vec<_>, Vec<_>) = entries
            .copied()
            .partition(|entry| job.resolvers.binary_search(&entry.pointer).is_ok());
        let arrivals = |entries: Vec<Entry>| -> Vec<_> {
            let entries = entries.into_iter().map(Box::new);
            entries.map(Arrival::Enter).collect()
        };
        let bounds = choose.iter().map(|entry| resolver_at(job, entry.pointer));
        self.pass.resolvers = joined(bounds.collect());
        self.run(arrivals(choose), hits);
        self.pass.resolvers.clear();
        self.run(arrivals(others), hits);
    }

    /// Pointers, and what code that is reached from them computes.
    fn follow(&mut self, pointers: impl IntoIterator<Item = u32>, hits: &mut FeatureHits) {
        self.pointers.extend(pointers);
        loop {
            self.follow_pointers(hits);
            let computed: Vec<_> = self.met.computed.difference(&self.swept).copied().collect();
            if computed.is_empty() {
                return;
            }
            self.swept.extend(&computed);
            self.run(computed.into_iter().map(Arrival::Function).collect(), hits);
        }
    }

    fn follow_pointers(&mut self, hits: &mut FeatureHits) {
        while !self.pointers.is_empty() {
            let batch = std::mem::take(&mut self.pointers).into_iter();
            self.run(batch.map(Arrival::Pointer).collect(), hits);
        }
    }

    /// What resolvers choose from: which function it will be they tell by AT_HWCAP, which the image holds, so that what
    /// was not advertised is not needed there.
    fn follow_chosen(&mut self, hits: &mut FeatureHits) {
        self.pass.only_if_advertised = crate::target::features_of_hwcap(UNIT_BITS, u32::MAX);
        let chosen = std::mem::take(&mut self.met.chosen);
        self.follow(chosen, hits);
        self.pass.only_if_advertised = FeatureSet::EMPTY;
    }

    /// What comes on demand only, if anything demands it.
    fn follow_put_off(&mut self, hits: &mut FeatureHits) {
        if !self.met.demands {
            return;
        }
        self.pass.puts_off = false;
        let put_off = std::mem::take(&mut self.met.put_off).into_iter();
        let jumps = put_off.map(|pointer| Arrival::Jump(Target::of_pointer(pointer)));
        self.run(jumps.collect(), hits);
        self.follow([], hits);
    }

    /// Follows what arrives at parts, and what that sends to others, until nothing arrives any more.
    fn run(&mut self, mut arrivals: Vec<Arrival>, hits: &mut FeatureHits) {
        while !arrivals.is_empty() {
            let count = arrivals.len();
            let inboxes = self.sort(arrivals);
            let threads = if count < MIN_PARALLEL {
                1
            } else {
                self.pass.job.jobs
            };
            let outcomes = parallel::map(&inboxes, threads, |(number, inbox)| {
                let mut part = whatever(self.parts.get(*number)?.lock());
                let window = whatever(self.windows.lock()).pop();
                let mut window = window.unwrap_or_else(|| Window::new(self.pass.job));
                let outcome = part::follow(&self.pass, &mut part, &mut window, inbox);
                whatever(self.windows.lock()).push(window);
                Some(outcome)
            });
            arrivals = Vec::new();
            for outcome in outcomes.into_iter().flatten() {
                arrivals.extend(outcome.sent);
                self.pointers.extend(&outcome.met.taken);
                self.met.merge(outcome.met);
                for (function, answer) in outcome.answers {
                    self.pass.answers.entry(function).or_insert(answer);
                }
                hits.merge(&outcome.hits);
            }
        }
    }

    /// By the part that each arrives at, in their order.
    fn sort(&mut self, arrivals: Vec<Arrival>) -> Vec<(usize, Vec<Arrival>)> {
        let mut inboxes: BTreeMap<usize, Vec<Arrival>> = BTreeMap::new();
        for arrival in arrivals {
            if let Some(number) = self.part_at(arrival.addr()) {
                inboxes.entry(number).or_default().push(arrival);
            }
        }
        inboxes.into_iter().collect()
    }

    /// The number of the part that holds an address, if there is room for it.
    fn part_at(&mut self, addr: u32) -> Option<usize> {
        let regions = self.pass.job.regions;
        let number = regions.partition_point(|region| region.end <= addr);
        let region = regions.get(number).filter(|region| region.contains(addr));
        let Some(region) = region else {
            self.met.lost = true;
            return None;
        };
        let piece = (addr - region.start) / self.part_len;
        if let Some(number) = self.numbers.get(&(number, piece)) {
            return Some(*number);
        }
        let start = region.start + piece * self.part_len;
        let end = start.saturating_add(self.part_len).min(region.end);
        if self.len + u64::from(end - start) > MAX_LEN {
            self.is_full = true;
            return None;
        }
        self.len += u64::from(end - start);
        let index = self.parts.len();
        self.numbers.insert((number, piece), index);
        self.parts.push(Mutex::new(Part::new(number, start..end)));
        Some(index)
    }
}

/// The bounds of a resolver, which is short where nothing tells.
fn resolver_at(job: &Job<'_>, pointer: u32) -> (u32, u32) {
    const MAX_LEN: u32 = 256;
    let (addr, _) = Isa::of_pointer(pointer);
    let bounds = region_at(job.regions, addr).and_then(|region| region.function_at(addr));
    let end = bounds.map_or(u32::MAX, |(_, end)| end);
    (addr, end.min(addr.saturating_add(MAX_LEN)))
}

/// The same ranges without overlap.
fn joined(mut ranges: Vec<(u32, u32)>) -> Vec<(u32, u32)> {
    ranges.sort_unstable();
    ranges.dedup_by(|next, last| {
        let overlaps = next.0 <= last.1;
        if overlaps {
            last.1 = last.1.max(next.1);
        }
        overlaps
    });
    ranges
}

/// What a lock holds: a thread that panicked ends the scan anyway.
fn whatever<T>(lock: Result<T, PoisonError<T>>) -> T {
    lock.unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::joined;

    #[test]
    fn ranges_that_overlap_or_touch_are_one() {
        let ranges = vec![(40, 50), (10, 20), (15, 18), (20, 25), (45, 60)];
        assert_eq!(joined(ranges), [(10, 25), (40, 60)]);
    }
}
