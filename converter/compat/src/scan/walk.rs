//! Following control flow from known entries.

use std::collections::BTreeSet;
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};

use super::inevitable::Ahead;
use super::known::{UNIT_BITS, features_behind};
use super::memory::Window;
use super::returns::Returns;
use super::tested::Tested;
use super::{
    CallEffect, CodeRegion, Entry, EntryKind, FeatureHits, Found, Job, Known, MapKind, VECTORS,
};
use super::{
    call_effect, call_number, fetch, flushes_cache, follows_call, installs_handler, resolve,
};
use crate::arm::{Flow, Insn, Isa, Value};
use crate::feature::{Feature, FeatureSet};

/// Instructions in which a system call's number is looked for from a place that several ways lead to, and the addition of
/// a distance that was loaded.
const MAX_AHEAD: usize = 16;

/// What is known of one page: a bit per halfword.
#[derive(Clone, Default)]
struct Marks {
    arm: Bits,
    thumb: Bits,
    data: Bits,
}

/// Pages by number; copies share what stays as it is.
type Pages = HashMap<u32, Arc<Marks>>;

#[derive(Clone, Default)]
struct Bits([u64; 32]);

impl Bits {
    fn place(addr: u32) -> (usize, u32) {
        let half = (addr & 4095) >> 1;
        ((half >> 6) as usize, half & 63)
    }

    fn get(&self, addr: u32) -> bool {
        let (word, bit) = Self::place(addr);
        self.0.get(word).is_some_and(|bits| bits >> bit & 1 == 1)
    }

    fn is_empty(&self) -> bool {
        self.0.iter().all(|bits| *bits == 0)
    }

    fn set(&mut self, addr: u32) {
        let (word, bit) = Self::place(addr);
        if let Some(bits) = self.0.get_mut(word) {
            *bits |= 1 << bit;
        }
    }
}

/// Pages that are marked at most, 256 MiB of code and of what it reads: with what is known before the first guess and
/// [`Literals`] fewer than 128 MiB, whatever the size of the image. Code beyond is not followed, and the scan stays open.
const MAX_PAGES: usize = 1 << 16;

/// Addresses that control flow reached, and the words that reached code reads as data.
#[derive(Default)]
pub(super) struct Reached {
    pages: Pages,
    /// Pages were left out.
    is_full: bool,
    /// Instructions that were only reached behind a test of their capability.
    guarded: HashMap<u32, Isa>,
}

impl Reached {
    /// Instruction set of the instruction that was reached at this address.
    pub(super) fn isa_at(&self, addr: u32) -> Option<Isa> {
        let marks = self.pages.get(&(addr >> 12));
        match marks.map(|marks| (marks.arm.get(addr), marks.thumb.get(addr))) {
            Some((true, _)) => Some(Isa::Arm),
            Some((_, true)) => Some(Isa::Thumb),
            _ => self.guarded.get(&addr).copied(),
        }
    }

    pub(super) fn is_data(&self, addr: u32) -> bool {
        self.pages
            .get(&(addr >> 12))
            .is_some_and(|marks| marks.data.get(addr))
    }

    /// The marks of a page, if there is room for them.
    fn marks(&mut self, addr: u32) -> Option<&mut Marks> {
        let page = addr >> 12;
        if self.pages.len() >= MAX_PAGES && !self.pages.contains_key(&page) {
            self.is_full = true;
            return None;
        }
        Some(Arc::make_mut(self.pages.entry(page).or_default()))
    }

    /// Marks an instruction; false if it was marked before or cannot be.
    fn visit(&mut self, addr: u32, isa: Isa) -> bool {
        let Some(marks) = self.marks(addr) else {
            return false;
        };
        let bits = match isa {
            Isa::Arm => &mut marks.arm,
            Isa::Thumb => &mut marks.thumb,
        };
        let new = !bits.get(addr);
        bits.set(addr);
        new
    }

    fn mark_data(&mut self, addr: u32) {
        for half in [addr, addr.wrapping_add(2)] {
            if let Some(marks) = self.marks(half) {
                marks.data.set(half);
            }
        }
    }
}

/// Words that code reads as data, of all code there is.
#[derive(Default)]
struct Literals(HashMap<u32, Box<Bits>>);

impl Literals {
    fn of(reached: Reached) -> Self {
        let data = |marks: Arc<Marks>| Box::new(Arc::unwrap_or_clone(marks).data);
        let pages = reached.pages.into_iter();
        let read = pages.filter(|(_, marks)| !marks.data.is_empty());
        Self(read.map(|(page, marks)| (page, data(marks))).collect())
    }

    fn is_data(&self, addr: u32) -> bool {
        self.0.get(&(addr >> 12)).is_some_and(|data| data.get(addr))
    }
}

/// Follows every entry, the strongest first, and files what it meets under the entry's strength.
pub(super) fn walk(job: &Job<'_>, stacks: Stacks, found: &mut Found) -> Reached {
    // Behind calls that do not return lie literal pools; which words are literals is known once all code was seen.
    // So are the functions whose addresses the process may have given away on its way from where it began: to the
    // kernel as handlers of signals, or to its C library, which keeps them enciphered.
    let began = Learnt {
        starts: job.starts,
        ..Learnt::default()
    };
    let all = round(job, &mut Found::default(), began);
    let learnt = Learnt {
        can_be_sealed: stacks.are_known() && (job.from_start || job.handlers.is_some()),
        is_full: all.reached.is_full,
        literals: Literals::of(all.reached),
        taken: all.taken,
        stacks,
        starts: &[],
    };
    round(job, found, learnt).reached
}

/// What a walk over everything tells the next one, which follows only what can still run.
#[derive(Default)]
struct Learnt<'a> {
    literals: Literals,
    /// Constants that point into code, of all that may have run.
    taken: BTreeSet<u32>,
    stacks: Stacks,
    /// Where every thread returns to is known, and which handlers of signals there are.
    can_be_sealed: bool,
    /// Code was left out.
    is_full: bool,
    /// Where the walk begins beside the entries.
    starts: &'a [u32],
}

/// What was told by following the stacks of all threads.
#[derive(Default)]
pub(super) struct Stacks {
    /// Where the functions return to that threads are in.
    returns: Vec<(u32, Isa)>,
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
        self.returns.extend(&ahead.returns);
    }

    /// Are all return addresses known, so that none need be guessed?
    fn are_known(&self) -> bool {
        self.num_threads > 0 && self.num_followed == self.num_threads
    }
}

/// One walk.
fn round<'a, 'j>(job: &'j Job<'a>, found: &mut Found, learnt: Learnt<'_>) -> Walker<'a, 'j> {
    let mut walker = Walker {
        job,
        window: Window::new(job),
        reached: Reached::default(),
        sure: None,
        literals: learnt.literals,
        taken: BTreeSet::new(),
        knows_returns: learnt.stacks.are_known(),
        work: Vec::new(),
        pointers: HashSet::new(),
        computed: BTreeSet::new(),
        swept: BTreeSet::new(),
        returns: Returns::default(),
        num_insns: 0,
        lost: false,
        watches: learnt.can_be_sealed,
        installs: false,
        unnumbered: BTreeSet::new(),
        numbered: BTreeSet::new(),
        calls_from_thumb: false,
        stays_in_arm: FeatureHits::default(),
        guarded: FeatureHits::default(),
        units: features_behind(UNIT_BITS).minus(job.advertised),
        tested: Tested::default(),
        resolver: None,
        chosen: BTreeSet::new(),
        only_if_advertised: FeatureSet::EMPTY,
        leaps: false,
        open: false,
    };
    let is_over = |pointer| {
        learnt.stacks.in_main && (job.main == Some(pointer) || job.starts.contains(&pointer))
    };
    let mut entries: Vec<_> = job.entries.to_vec();
    entries.retain(|entry| {
        let guessed = entry.kind == EntryKind::Return && learnt.stacks.are_known();
        let sure = matches!(entry.kind, EntryKind::Pc | EntryKind::Symbol);
        !guessed && (sure || !is_over(entry.pointer))
    });
    entries.extend(learnt.stacks.returns.iter().map(|(addr, isa)| Entry {
        pointer: isa.pointer(*addr),
        kind: EntryKind::Pc,
        regs: None,
    }));
    entries.extend(learnt.starts.iter().map(|start| Entry {
        pointer: *start,
        kind: EntryKind::Known,
        regs: None,
    }));
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.kind));
    let others = entries.split_off(entries.partition_point(|entry| entry.kind == EntryKind::Pc));
    for entry in &entries {
        walker.enter(entry, &mut found.from_pc);
    }
    if learnt.can_be_sealed && walker.is_sealed(found) {
        return walker;
    }
    walker.watches = false;
    let mut entries = others;
    let symbols =
        entries.split_off(entries.partition_point(|entry| entry.kind > EntryKind::Symbol));
    for entry in entries {
        if entry.kind < EntryKind::Known && walker.sure.is_none() {
            walker.sure = Some(walker.reached.pages.clone());
        }
        walker.enter(&entry, &mut found.from_entries);
    }
    let taken = learnt.taken.into_iter();
    walker
        .pointers
        .extend(taken.filter(|pointer| !is_over(*pointer)));
    walker.follow_pointers(&mut found.from_entries);
    walker.follow_computed(&mut found.from_entries);
    if walker.leaps {
        // Back to a place behind `setjmp` in a function that is not left yet: ways from the start lead there.
        walker.pointers.extend(job.main);
        walker.follow_pointers(&mut found.from_entries);
        walker.follow_computed(&mut found.from_entries);
    }
    walker.follow_chosen(&mut found.from_entries);
    let taken = walker.taken.clone();
    found.guarded = std::mem::take(&mut walker.guarded);
    walker.open |= learnt.is_full || walker.reached.is_full;
    found.open = walker.open;
    if walker.calls_from_thumb {
        found.from_entries.merge(&walker.stays_in_arm);
    }
    // What only a symbol leads to is code for sure, but nothing says that it runs.
    for entry in symbols {
        walker.enter(&entry, &mut found.swept);
    }
    walker.follow_pointers(&mut found.swept);
    if !found.open {
        walker.taken = taken;
    }
    found.num_insns += walker.num_insns;
    walker
}

struct Walker<'a, 'j> {
    job: &'j Job<'a>,
    window: Window<'a>,
    reached: Reached,
    /// ARM and Thumb code by page that program counters and functions of files led to, before any guess.
    sure: Option<Pages>,
    literals: Literals,
    work: Vec<(u32, Isa)>,
    /// No word is a return address but those that were followed.
    knows_returns: bool,
    /// Constants in reached code that point into code.
    pointers: HashSet<u32>,
    /// All of them, of whatever was walked.
    taken: BTreeSet<u32>,
    /// Functions with a jump through a register, from and to, and its instruction set.
    computed: BTreeSet<(u32, u32, Isa)>,
    /// Those of them that were followed at every instruction.
    swept: BTreeSet<(u32, u32, Isa)>,
    returns: Returns,
    num_insns: u64,
    /// Control went on where it cannot be told.
    lost: bool,
    /// It matters whether handlers of signals are installed.
    watches: bool,
    /// One may be.
    installs: bool,
    /// System calls whose numbers their callers pass, and those of them whose callers are all known.
    unnumbered: BTreeSet<u32>,
    numbered: BTreeSet<u32>,
    /// Thumb code calls what may be ARM code.
    calls_from_thumb: bool,
    /// ARM code that returns by `mov pc, lr`: to a caller in Thumb state only on v7.
    stays_in_arm: FeatureHits,
    guarded: FeatureHits,
    /// Units that AT_HWCAP has bits for, but those that the process was told to have.
    units: FeatureSet,
    tested: Tested,
    /// The resolver that is being followed, from and to.
    resolver: Option<(u32, u32)>,
    /// Functions that only resolvers name.
    chosen: BTreeSet<u32>,
    /// Features that the code which is being followed uses only where they are advertised.
    only_if_advertised: FeatureSet,
    /// `longjmp` was reached.
    leaps: bool,
    open: bool,
}

impl Walker<'_, '_> {
    fn region(&self, addr: u32) -> Option<&CodeRegion> {
        super::region_at(self.job.regions, addr)
    }

    /// Sections and mapping symbols overrule every guess.
    fn is_code(&self, addr: u32, isa: Isa) -> bool {
        self.region(addr).is_some_and(|region| {
            region.may_hold_code(addr)
                && match super::sweep::kind_at(region, addr) {
                    Some(MapKind::Arm) => isa == Isa::Arm,
                    Some(MapKind::Thumb) => isa == Isa::Thumb,
                    _ => true,
                }
        })
    }

    /// Is the place sure to be code of the other instruction set, or the inside of an instruction? Then a guess that
    /// leads here was wrong.
    fn is_others(&self, addr: u32, isa: Isa) -> bool {
        let sure = self.sure.as_ref().and_then(|sure| sure.get(&(addr >> 12)));
        sure.is_some_and(|marks| match isa {
            Isa::Arm => marks.thumb.get(addr) || marks.thumb.get(addr.wrapping_add(2)),
            Isa::Thumb => marks.arm.get(addr & !3),
        })
    }

    /// Can nothing run but what was followed: no jump or call was left that leads who knows where, and handlers of
    /// signals are known? Adds those.
    fn is_sealed(&mut self, found: &mut Found) -> bool {
        for handler in self.job.handlers.unwrap_or_default() {
            let (addr, isa) = Isa::of_pointer(*handler);
            self.block(addr, isa, Known::default(), &mut found.from_entries);
            self.drain(&mut found.from_entries);
        }
        found.sealed =
            !(self.lost || self.leaps || self.open || self.reached.is_full || self.installs());
        if found.sealed {
            found.guarded = std::mem::take(&mut self.guarded);
            found.num_insns += self.num_insns;
        }
        found.sealed
    }

    /// Does code that was followed tell the kernel of a handler?
    fn installs(&self) -> bool {
        self.installs || !self.unnumbered.is_subset(&self.numbered)
    }

    fn aborts(&self, addr: u32, isa: Isa) -> bool {
        self.region(addr)
            .is_some_and(|region| region.aborts_at(addr, isa))
    }

    /// A jump that was not resolved may go to any label of its function (computed goto), or leave it (a call in tail
    /// position). Where the function's bounds are not known, the scan stays open.
    fn computed(&mut self, addr: u32, isa: Isa) {
        self.lost = true;
        // Without mapping symbols, Thumb code among literals cannot be read instruction by instruction.
        let region = self
            .region(addr)
            .filter(|region| !region.map.is_empty() || region.is_all_arm);
        let function = region.and_then(|region| region.function_at(addr));
        match function {
            Some((from, to)) => {
                self.computed.insert((from, to, isa));
            }
            None => self.open = true,
        }
    }

    /// All of the functions that jump through registers.
    fn follow_computed(&mut self, hits: &mut FeatureHits) {
        while let Some(function) = self.computed.difference(&self.swept).next().copied() {
            self.swept.insert(function);
            let (mut at, end, jumps_in) = function;
            while at < end {
                let Some(isa) = self.isa_by_map(at, jumps_in) else {
                    at = at.saturating_add(2);
                    continue;
                };
                let Some(insn) = fetch(&mut self.window, at, isa) else {
                    break;
                };
                let is_code = insn.is_defined() && !super::sweep::is_unlikely(&insn, isa);
                if is_code && self.reached.isa_at(at).is_none() {
                    self.follow(at, isa, hits);
                }
                at = at.saturating_add(u32::from(insn.len));
            }
            self.follow_pointers(hits);
        }
    }

    /// The instruction set at an address of a function by mapping symbols, without any that of its jump; none for data.
    fn isa_by_map(&self, addr: u32, jumps_in: Isa) -> Option<Isa> {
        let region = self.region(addr)?;
        match super::sweep::kind_at(region, addr) {
            Some(MapKind::Arm) => Some(Isa::Arm),
            Some(MapKind::Thumb) => Some(Isa::Thumb),
            Some(MapKind::Data) => None,
            None if !region.map.is_empty() || self.literals.is_data(addr) => None,
            None => Some(jumps_in).filter(|isa| addr.is_multiple_of(isa.alignment())),
        }
    }

    /// Can a function begin at a pointer? Mapping symbols come with the names of all functions; without, one begins
    /// behind code that ends, or padding. What is turned down although it decodes leaves the scan open.
    fn begins_function(&mut self, pointer: u32) -> bool {
        let (addr, isa) = Isa::of_pointer(pointer);
        let Some(region) = self.region(addr) else {
            return false;
        };
        if region.names_function(pointer) {
            return true;
        }
        if self.literals.is_data(addr) {
            return false;
        }
        // Code that was written at run time, for one.
        let first = addr == region.start;
        let excluded = !region.map.is_empty() || isa == Isa::Thumb && region.is_all_arm;
        if excluded || !self.looks_like_code(addr, isa) {
            return false;
        }
        let zeros = self.window.half(addr.wrapping_sub(2)) == Some(0);
        let before = zeros
            || first
            || [2, 4].into_iter().any(|len| {
                let insn = fetch(&mut self.window, addr.wrapping_sub(len), isa);
                insn.is_some_and(|insn| {
                    u32::from(insn.len) == len && (insn.ends_block() || insn.is_padding())
                }) || self.reached.is_data(addr.wrapping_sub(len))
            });
        if !before && self.knows_returns && follows_call(&mut self.window, addr, isa) {
            return false;
        }
        if !before && self.in_function_of_other(addr, isa) {
            return false;
        }
        // A label of a computed jump, perhaps, or a place behind a call; almost anything decodes as Thumb code.
        let inside = before || self.is_arm_code(addr, isa);
        self.open |= !inside;
        inside
    }

    /// Is the function around a place, which does not begin there, in the other instruction set?
    fn in_function_of_other(&self, addr: u32, isa: Isa) -> bool {
        let region = self.region(addr);
        let Some((start, _)) = region.and_then(|region| region.function_at(addr)) else {
            return false;
        };
        let other = match isa {
            Isa::Arm => Isa::Thumb,
            Isa::Thumb => Isa::Arm,
        };
        let named =
            |isa: Isa| region.is_some_and(|region| region.names_function(isa.pointer(start)));
        self.reached.isa_at(start) == Some(other) || named(other) && !named(isa)
    }

    /// Is it code in ARM state for sure: in a file of nothing else, or where most instructions are unconditional? Hardly
    /// any are of what Thumb code or data look like in ARM state.
    fn is_arm_code(&mut self, addr: u32, isa: Isa) -> bool {
        const LEN: u32 = 16;
        let all = self.region(addr).is_some_and(|region| region.is_all_arm);
        let words =
            (0..LEN).map_while(|number| self.window.code_word(addr.wrapping_add(number * 4)));
        isa == Isa::Arm && (all || words.filter(|word| word >> 28 == 14).count() >= 10)
    }

    /// A word that points into code is taken for a function pointer if eight instructions from there decode.
    fn looks_like_code(&mut self, addr: u32, isa: Isa) -> bool {
        let mut at = addr;
        for _ in 0..8 {
            // Zeros decode, but nobody writes them: memory that was never written lies among data in mappings of
            // processes that may execute whatever they may read.
            let zero = match isa {
                Isa::Arm => self.window.code_word(at) == Some(0),
                Isa::Thumb => self.window.half(at) == Some(0),
            };
            if zero || !self.is_code(at, isa) || self.is_others(at, isa) {
                return false;
            }
            match fetch(&mut self.window, at, isa) {
                Some(insn) if insn.is_defined() && !super::sweep::is_unlikely(&insn, isa) => {
                    if insn.ends_block() {
                        return true;
                    }
                    at = at.wrapping_add(u32::from(insn.len));
                }
                _ => return false,
            }
        }
        true
    }

    fn enter(&mut self, entry: &Entry, hits: &mut FeatureHits) {
        let (addr, isa) = Isa::of_pointer(entry.pointer);
        let plausible = match entry.kind {
            EntryKind::Pointer => self.begins_function(entry.pointer),
            EntryKind::Return => {
                self.begins_function(entry.pointer)
                    || self.looks_like_code(addr, isa) && follows_call(&mut self.window, addr, isa)
            }
            _ => true,
        };
        if plausible {
            let chooses = self.job.resolvers.binary_search(&entry.pointer).is_ok();
            self.resolver = chooses.then(|| self.resolver_at(addr));
            self.block(addr, isa, Known::of(entry.regs), hits);
            self.drain(hits);
            self.resolver = None;
        }
    }

    /// The bounds of a resolver, which is short where nothing tells.
    fn resolver_at(&self, addr: u32) -> (u32, u32) {
        const MAX_LEN: u32 = 256;
        let bounds = self
            .region(addr)
            .and_then(|region| region.function_at(addr));
        (
            addr,
            bounds
                .map_or(u32::MAX, |(_, end)| end)
                .min(addr.saturating_add(MAX_LEN)),
        )
    }

    /// What resolvers choose from: which function it will be they tell by AT_HWCAP, which the image holds, so that what
    /// was not advertised is not needed there.
    fn follow_chosen(&mut self, hits: &mut FeatureHits) {
        self.only_if_advertised = crate::target::features_of_hwcap(UNIT_BITS, u32::MAX);
        self.pointers.extend(std::mem::take(&mut self.chosen));
        self.follow_pointers(hits);
        self.follow_computed(hits);
        self.only_if_advertised = FeatureSet::EMPTY;
    }

    fn follow(&mut self, addr: u32, isa: Isa, hits: &mut FeatureHits) {
        self.work.push((addr, isa));
        self.drain(hits);
    }

    fn drain(&mut self, hits: &mut FeatureHits) {
        while let Some((addr, isa)) = self.work.pop() {
            self.block(addr, isa, Known::default(), hits);
        }
    }

    fn follow_pointers(&mut self, hits: &mut FeatureHits) {
        while !self.pointers.is_empty() {
            let mut batch: Vec<u32> = self.pointers.drain().collect();
            batch.sort_unstable();
            for pointer in batch {
                let (addr, isa) = Isa::of_pointer(pointer);
                if self.reached.isa_at(addr).is_none() && self.begins_function(pointer) {
                    self.follow(addr, isa, hits);
                }
            }
        }
    }

    /// Straight code from an address to where it ends or has been before.
    fn block(&mut self, mut addr: u32, isa: Isa, mut known: Known, hits: &mut FeatureHits) {
        if let Some(region) = self.region(addr) {
            let pointer = isa.pointer(addr);
            let (leaps, throws) = (region.leaps_to(pointer), region.throws_at(pointer));
            self.leaps |= leaps;
            self.open |= throws;
        }
        let (start, mut it_left) = (addr, 0);
        // Straight code does not run into its own literals: a branch in front of them is always taken.
        let mut pool = u32::MAX;
        while addr < pool && self.is_code(addr, isa) && !self.is_others(addr, isa) {
            let Some(insn) = fetch(&mut self.window, addr, isa) else {
                break;
            };
            let insn = super::under_it(insn, &mut it_left);
            let needs = self.needs_of(&insn, addr, &known);
            let guarded = self.guarded_at(needs, (addr, isa), &known);
            if guarded.is_empty() {
                if !self.reached.visit(addr, isa) {
                    // Who queued the first instruction has looked ahead already.
                    if addr != start {
                        self.call_ahead((addr, isa), &known);
                    }
                    return;
                }
                hits.add(needs, addr, isa);
            } else {
                // Not marked as reached: another way may lead here without the test.
                if self.reached.guarded.insert(addr, isa).is_some() {
                    return;
                }
                self.guarded.add(guarded, addr, isa);
                hits.add(needs.minus(guarded), addr, isa);
            }
            self.num_insns += 1;
            self.note_state(&insn, addr, isa);
            if let Some(literal) = insn.literal {
                if literal > addr {
                    pool = pool.min(literal);
                }
                for word in 0..u32::from(insn.literal_len) {
                    self.reached.mark_data(literal.wrapping_add(word * 4));
                }
            }
            let goes_on = self.flow(&insn, addr, isa, &known, hits);
            known.step(&insn, &mut self.window, None);
            self.note_pointers(&insn, &known, (addr, isa));
            if matches!(insn.flow, Flow::Call(..) | Flow::CallRegister(_)) {
                known.call();
            }
            if !goes_on && !insn.conditional {
                return;
            }
            addr = addr.wrapping_add(u32::from(insn.len));
            let called = matches!(insn.flow, Flow::Call(..) | Flow::CallRegister(_));
            if called && !insn.conditional && self.is_pool(addr) {
                return;
            }
        }
        self.lost |= addr < pool;
    }

    /// What an instruction needs, without what only a process does that was told of more than the file declares.
    fn needs_of(&self, insn: &Insn, addr: u32, known: &Known) -> FeatureSet {
        let needs = known.needs(insn);
        self.region(addr).map_or(needs, |region| {
            let needs = needs.minus(region.guarded(needs, addr));
            // Without mapping symbols data behind calls that do not return is taken for code.
            if self.sure.is_some() || region.map.is_empty() {
                needs.minus(region.undeclared)
            } else {
                needs
            }
        })
    }

    /// Of these features, those that the process uses at a place only if they were advertised to it.
    fn guarded_at(&mut self, needs: FeatureSet, place: (u32, Isa), known: &Known) -> FeatureSet {
        let guarded = known
            .guarded(needs, place.0)
            .union(needs.meet(self.only_if_advertised));
        let rest = needs.meet(self.units).minus(guarded);
        guarded.union(self.tested.covers(rest, self.job, &mut self.window, place))
    }

    /// Calls and returns that change between the instruction sets, or fail to.
    fn note_state(&mut self, insn: &Insn, addr: u32, isa: Isa) {
        let calls = matches!(insn.flow, Flow::CallRegister(_) | Flow::Call(_, Isa::Arm));
        self.calls_from_thumb |= isa == Isa::Thumb && calls;
        if insn.keeps_state {
            self.stays_in_arm
                .add(FeatureSet::one(Feature::V7), addr, isa);
        }
    }

    /// Do literals begin here, behind at most one halfword of padding?
    fn is_pool(&self, addr: u32) -> bool {
        self.literals.is_data(addr) || self.literals.is_data(addr.wrapping_add(2))
    }

    /// Constants that point into code, and words that were loaded from places that are known, may be called; the
    /// program counter itself is where a call returns to, or what a distance is added to.
    fn note_pointers(&mut self, insn: &Insn, known: &Known, (addr, isa): (u32, Isa)) {
        let pc = isa.pc_bias().wrapping_add(addr);
        let next = addr.wrapping_add(u32::from(insn.len));
        let loaded = insn.transfer.as_ref().filter(|transfer| transfer.load);
        let loaded = loaded.map_or(0, |transfer| transfer.list);
        let computed = insn.value.map_or(0, |(reg, _)| 1 << (reg & 15));
        for reg in (0..15).filter(|reg| (loaded | computed) >> reg & 1 == 1) {
            let value = known
                .get(reg)
                .filter(|value| *value != pc && self.is_pointer(*value));
            if let Some(value) = value.filter(|_| !self.is_distance(reg, next, isa)) {
                self.note_pointer(value, addr);
            }
        }
    }

    /// Is what a register holds here a distance that is added to the program counter a little later?
    fn is_distance(&mut self, reg: u8, mut addr: u32, isa: Isa) -> bool {
        for _ in 0..MAX_AHEAD {
            let Some(insn) = fetch(&mut self.window, addr, isa) else {
                return false;
            };
            let pc = isa.pc_bias().wrapping_add(addr).cast_signed();
            if insn.value == Some((reg, Value::Offset(reg, pc))) {
                return true;
            }
            if insn.writes >> (reg & 15) & 1 == 1 || insn.flow != Flow::Next {
                return false;
            }
            addr = addr.wrapping_add(u32::from(insn.len));
        }
        false
    }

    fn is_pointer(&self, value: u32) -> bool {
        let (addr, _) = Isa::of_pointer(value);
        (value.is_multiple_of(4) || value & 1 == 1) && self.region(addr).is_some()
    }

    /// A pointer into code that the instruction at an address gets hold of.
    fn note_pointer(&mut self, value: u32, at: u32) {
        if self
            .resolver
            .is_some_and(|(start, end)| (start..end).contains(&at))
        {
            self.chosen.insert(value);
            return;
        }
        self.taken.insert(value);
        let (addr, _) = Isa::of_pointer(value);
        if self.reached.isa_at(addr).is_none() {
            self.pointers.insert(value);
        }
    }

    /// A system call close behind a place that several ways lead to, or in a stub that makes the call which its caller
    /// names: the number on this way. Where it is not followed, [`Self::installs`] takes it for anything.
    fn call_ahead(&mut self, (mut addr, isa): (u32, Isa), known: &Known) {
        if !self.watches {
            return;
        }
        let mut known = *known;
        for _ in 0..MAX_AHEAD {
            let insn = fetch(&mut self.window, addr, isa);
            let Some(insn) = insn.filter(|insn| !insn.conditional) else {
                return;
            };
            match insn.flow {
                Flow::Next => known.step(&insn, &mut self.window, None),
                Flow::Syscall(oabi) => {
                    self.installs |= call_number(oabi, &known).is_none_or(installs_handler);
                    self.numbered.insert(addr);
                    return;
                }
                _ => return,
            }
            addr = addr.wrapping_add(u32::from(insn.len));
        }
    }

    /// Queues where an instruction leads; tells whether the next one is executed too.
    fn flow(
        &mut self,
        insn: &Insn,
        addr: u32,
        isa: Isa,
        known: &Known,
        hits: &mut FeatureHits,
    ) -> bool {
        match insn.flow {
            Flow::Next => true,
            Flow::Syscall(oabi) => {
                let number = call_number(oabi, known);
                hits.syscall(oabi, addr, isa);
                self.installs |= number.is_some_and(installs_handler);
                if self.watches && number.is_none() {
                    self.unnumbered.insert(addr);
                }
                if number.is_some_and(flushes_cache) {
                    hits.cache_flushes.add(addr, isa);
                }
                call_effect(number) != CallEffect::NoReturn
            }
            Flow::Trap(trap) => trap == crate::arm::Trap::Breakpoint,
            Flow::Return => false,
            Flow::JumpUnknown => {
                self.computed(addr, isa);
                false
            }
            Flow::JumpTable(table, index) => {
                let targets = super::tables::targets(
                    table,
                    known.entries(index, insn),
                    isa,
                    self.job.regions,
                    known,
                    &mut self.window,
                );
                match targets {
                    Some(targets) => self.work.extend(targets),
                    None => self.computed(addr, isa),
                }
                false
            }
            flow => {
                let target = resolve(flow, known, &mut self.window);
                let calls = matches!(flow, Flow::Call(..) | Flow::CallRegister(_))
                    || known.get(14) == Some(addr.wrapping_add(u32::from(insn.len)));
                match target {
                    Some((to, _)) if to >= VECTORS => {
                        hits.kuser(addr, isa);
                        return calls;
                    }
                    // Whoever comes here dies by his own hand.
                    Some((to, to_isa)) if self.aborts(to, to_isa) => return false,
                    Some(to) => {
                        self.call_ahead(to, known);
                        self.work.push(to);
                        return calls && self.returns.may(self.job, &mut self.window, to);
                    }
                    None if !calls => self.computed(addr, isa),
                    None => self.lost = true,
                }
                calls
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_take_a_bounded_number_of_pages() {
        let mut reached = Reached::default();
        let pages = u32::try_from(MAX_PAGES).unwrap();
        assert!((0..pages).all(|page| reached.visit(page << 12, Isa::Arm)));
        assert!(!reached.is_full && reached.visit(8, Isa::Thumb));
        assert!(!reached.visit(pages << 12, Isa::Arm) && reached.is_full);
        reached.mark_data(pages << 12);
        assert_eq!(reached.pages.len(), MAX_PAGES);
    }

    #[test]
    fn what_was_reached_before_a_guess_stays_as_it_was() {
        let mut reached = Reached::default();
        reached.visit(0x1000, Isa::Arm);
        let sure = reached.pages.clone();
        reached.visit(0x1008, Isa::Arm);
        let marks = sure.get(&1).unwrap();
        assert!(marks.arm.get(0x1000) && !marks.arm.get(0x1008));
        assert_eq!(reached.isa_at(0x1008), Some(Isa::Arm));
    }
}
