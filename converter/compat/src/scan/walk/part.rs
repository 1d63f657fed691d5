//! Following control flow in one part of the code.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::marks::{Layout, Pages, Reached};
use crate::arm::{Flow, Insn, Isa, Transfer, Value};
use crate::feature::{Feature, FeatureSet};
use crate::scan::known::{Made, registers};
use crate::scan::memory::Window;
use crate::scan::returns::{Answers, BUDGET, Returns};
use crate::scan::tested::Tested;
use crate::scan::{
    CallEffect, CodeRegion, Entry, EntryKind, FeatureHits, Job, Known, MapKind, VECTORS,
};
use crate::scan::{
    call_effect, call_number, fetch, flushes_cache, follows_call, installs_handler, maps_memory,
    range_at, region_at, resolve, sweep, tables, under_it,
};

/// Instructions in which a system call's number is looked for from a place that several ways lead to, and the addition of
/// a distance that was loaded.
const MAX_AHEAD: usize = 16;

/// pc in a list of registers.
const PC: u16 = 1 << 15;

/// A function, from and to, and the instruction set of a jump in it.
pub(super) type Function = (u32, u32, Isa);

/// What holds in all parts while something is followed.
pub(super) struct Pass<'a, 'j> {
    pub(super) job: &'j Job<'a>,
    pub(super) layout: Layout,
    /// There is no layout yet: this walk finds it out.
    pub(super) is_first: bool,
    /// What earlier rounds found out about functions.
    pub(super) answers: Answers,
    /// No word is a return address but those that were followed.
    pub(super) knows_returns: bool,
    /// It matters whether handlers of signals are installed.
    pub(super) watches: bool,
    /// Units that AT_HWCAP has bits for, but those that the process was told to have.
    pub(super) units: FeatureSet,
    /// The resolvers that are being followed, from and to, ascending without overlap.
    pub(super) resolvers: Vec<(u32, u32)>,
    /// Features that the code which is being followed uses only where they are advertised.
    pub(super) only_if_advertised: FeatureSet,
    /// Nothing was met yet that demands what comes on demand only: that is put off.
    pub(super) puts_off: bool,
}

/// A part of the code, with what is known of it.
pub(super) struct Part {
    /// Number of its region.
    region: usize,
    addrs: Range<u32>,
    pub(super) reached: Reached,
    /// What program counters and functions of files led to, before any guess.
    pub(super) sure: Pages,
    /// All of that is code in ARM state.
    is_arm_only: bool,
    tested: Tested,
    /// What is left for finding out which functions return.
    budget: usize,
    /// Where a jump was told by a thread's registers, from its program counter to the last: so they go the first time
    /// only.
    first_turns: BTreeMap<u32, u32>,
}

impl Part {
    pub(super) fn new(region: usize, addrs: Range<u32>) -> Self {
        Self {
            region,
            addrs,
            reached: Reached::default(),
            sure: Pages::new(),
            is_arm_only: false,
            tested: Tested::default(),
            budget: BUDGET,
            first_turns: BTreeMap::new(),
        }
    }

    /// From here on entries are guesses, which what was reached before overrules.
    pub(super) fn guess(&mut self) {
        self.sure = self.reached.pages.clone();
        let in_thumb = self.sure.values().any(|marks| !marks.thumb.is_empty());
        self.is_arm_only = !in_thumb && !self.sure.is_empty();
    }
}

/// What comes to be followed in a part.
pub(super) enum Arrival {
    Enter(Box<Entry>),
    Jump(Target),
    /// Straight code from the part before.
    Way(Box<Way>),
    /// A halfword that code of another part reads.
    Data(u32),
    /// A constant that may be a function pointer.
    Pointer(u32),
    /// A jump in it may go to any of its instructions.
    Function(Function),
}

impl Arrival {
    /// A function that a thread is in returns to a place.
    pub(super) fn of_return((addr, isa): (u32, Isa), known: Known) -> Self {
        Self::Way(Box::new(Way {
            entered: Some(addr),
            ..Way::from(addr, isa, known)
        }))
    }

    /// Where.
    pub(super) fn addr(&self) -> u32 {
        match self {
            Self::Enter(entry) => Isa::of_pointer(entry.pointer).0,
            Self::Pointer(pointer) => Isa::of_pointer(*pointer).0,
            Self::Jump(target) => target.addr,
            Self::Data(addr) | Self::Function((addr, ..)) => *addr,
            Self::Way(way) => way.addr,
        }
    }
}

/// Where control goes by a jump or call.
#[derive(Clone, Copy)]
pub(super) struct Target {
    addr: u32,
    isa: Isa,
    /// By a call or a pointer, so that a function begins there.
    called: bool,
    /// What the code made that comes here, if it does not begin a function.
    made: Made,
}

impl Target {
    /// A function.
    pub(super) fn of_pointer(pointer: u32) -> Self {
        let (addr, isa) = Isa::of_pointer(pointer);
        Self {
            addr,
            isa,
            called: true,
            made: Made::default(),
        }
    }
}

/// A place on the way through straight code.
#[derive(Clone, Copy)]
pub(super) struct Way {
    addr: u32,
    isa: Isa,
    known: Known,
    it_left: u8,
    /// Straight code does not run into its own literals: a branch in front of them is always taken.
    pool: u32,
    /// Control came here by a jump.
    begins: bool,
    /// Where it began with the registers of a thread.
    entered: Option<u32>,
    /// Nothing says that it comes to where this began.
    guessed: bool,
    /// It goes on here for sure: not behind a call or system call, which may not return.
    goes_on: bool,
}

impl Way {
    fn from(addr: u32, isa: Isa, known: Known) -> Self {
        Self {
            addr,
            isa,
            known,
            it_left: 0,
            pool: u32::MAX,
            begins: true,
            entered: None,
            guessed: false,
            goes_on: true,
        }
    }
}

/// What following met.
pub(super) struct Outcome {
    pub(super) hits: FeatureHits,
    pub(super) met: Met,
    /// What was found out about functions.
    pub(super) answers: Answers,
    /// What leads into other parts.
    pub(super) sent: Vec<Arrival>,
}

/// What was met beside features.
#[derive(Default)]
pub(super) struct Met {
    /// Constants that point into code.
    pub(super) taken: BTreeSet<u32>,
    /// Functions on demand, which were not followed.
    pub(super) put_off: BTreeSet<u32>,
    /// A function was met that demands them.
    pub(super) demands: bool,
    /// Functions that only resolvers name.
    pub(super) chosen: BTreeSet<u32>,
    /// Functions with a jump through a register.
    pub(super) computed: BTreeSet<Function>,
    pub(super) guarded: FeatureHits,
    /// ARM code that returns by `mov pc, lr`: to a caller in Thumb state only on v7.
    stays_in_arm: FeatureHits,
    /// Code that returns by `pop {pc}` and the like: to a caller in the other state only from v5 on.
    stays_on_load: FeatureHits,
    /// Code in ARM state was followed, and code in Thumb state.
    in_arm: bool,
    in_thumb: bool,
    pub(super) num_insns: u64,
    /// System calls whose numbers their callers pass, and those of them whose callers are all known.
    unnumbered: BTreeSet<u32>,
    numbered: BTreeSet<u32>,
    /// A handler of signals may be installed.
    installs: bool,
    /// Code may print by a format that memory does not hold yet.
    pub(super) makes_formats: bool,
    /// Control went on where it cannot be told.
    pub(super) lost: bool,
    /// Thumb code calls what may be ARM code.
    calls_from_thumb: bool,
    /// `longjmp` was reached.
    pub(super) leaps: bool,
    /// What was not reached may run, too.
    pub(super) open: bool,
}

impl Met {
    /// What returns need that may lead into the other state.
    pub(super) fn add_returns(&self, hits: &mut FeatureHits) {
        if self.calls_from_thumb {
            hits.merge(&self.stays_in_arm);
        }
        if self.in_arm && self.in_thumb {
            hits.merge(&self.stays_on_load);
        }
    }

    /// Does code that was followed tell the kernel of a handler?
    pub(super) fn installs(&self) -> bool {
        self.installs || !self.unnumbered.is_subset(&self.numbered)
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.taken.extend(other.taken);
        self.chosen.extend(other.chosen);
        self.put_off.extend(other.put_off);
        self.demands |= other.demands;
        self.computed.extend(other.computed);
        self.guarded.merge(&other.guarded);
        self.stays_in_arm.merge(&other.stays_in_arm);
        self.stays_on_load.merge(&other.stays_on_load);
        self.in_arm |= other.in_arm;
        self.in_thumb |= other.in_thumb;
        self.num_insns += other.num_insns;
        self.unnumbered.extend(other.unnumbered);
        self.numbered.extend(other.numbered);
        self.installs |= other.installs;
        self.makes_formats |= other.makes_formats;
        self.lost |= other.lost;
        self.calls_from_thumb |= other.calls_from_thumb;
        self.leaps |= other.leaps;
        self.open |= other.open;
    }
}

/// Follows what arrived, in its order.
pub(super) fn follow<'a>(
    pass: &Pass<'a, '_>,
    part: &mut Part,
    window: &mut Window<'a>,
    arrivals: &[Arrival],
) -> Outcome {
    let budget = part.budget;
    let mut walker = Walker {
        pass,
        part,
        window,
        work: Vec::new(),
        hits: FeatureHits::default(),
        met: Met::default(),
        returns: Returns::new(&pass.answers, budget),
        sent: Vec::new(),
    };
    for arrival in arrivals {
        walker.arrive(arrival);
    }
    walker.part.budget = walker.returns.budget;
    Outcome {
        hits: walker.hits,
        met: walker.met,
        answers: walker.returns.new,
        sent: walker.sent,
    }
}

/// Follows control flow in a part.
struct Walker<'w, 'a> {
    pass: &'w Pass<'a, 'w>,
    part: &'w mut Part,
    window: &'w mut Window<'a>,
    work: Vec<Target>,
    hits: FeatureHits,
    met: Met,
    returns: Returns<'w>,
    sent: Vec<Arrival>,
}

impl<'w> Walker<'w, '_> {
    fn arrive(&mut self, arrival: &Arrival) {
        match arrival {
            Arrival::Enter(entry) => self.enter(entry),
            Arrival::Jump(target) => self.queue(*target),
            Arrival::Way(way) => self.way(**way),
            Arrival::Data(half) => self.mark_data(*half),
            Arrival::Pointer(pointer) => {
                let (addr, _) = Isa::of_pointer(*pointer);
                if self.part.reached.isa_at(addr).is_none() && self.begins_function(*pointer, true)
                {
                    self.queue(Target::of_pointer(*pointer));
                }
            }
            Arrival::Function(function) => self.function(*function),
        }
        self.drain();
    }

    /// Control goes to an address by a jump or call.
    fn queue(&mut self, target: Target) {
        let Target { addr, isa, .. } = target;
        if self.part.addrs.contains(&addr) {
            if self.pass.is_first {
                self.part.reached.mark_label(addr);
            }
            self.work.push(target);
        } else if self.region(addr).is_some() {
            self.sent.push(Arrival::Jump(target));
        } else {
            self.leave(addr, isa);
        }
    }

    /// Control goes to what is not known to be code. If there is anything, it runs unseen.
    fn leave(&mut self, addr: u32, isa: Isa) {
        self.met.lost = true;
        let is_kernels = range_at(self.pass.job.kernel_pages, addr).is_some();
        if !is_kernels && self.window.half(addr).is_some() {
            self.met.open = true;
            self.hits.outside.add(addr, isa);
        }
    }

    fn drain(&mut self) {
        while let Some(target) = self.work.pop() {
            let known = if target.called {
                Known::at_call()
            } else {
                Known::default().with(target.made)
            };
            self.way(Way::from(target.addr, target.isa, known));
        }
    }

    fn mark_data(&mut self, half: u32) {
        if self.part.addrs.contains(&half) {
            self.part.reached.mark_data(half);
        } else if self.region(half).is_some() {
            self.sent.push(Arrival::Data(half));
        }
    }

    fn region(&self, addr: u32) -> Option<&'w CodeRegion> {
        if self.part.addrs.contains(&addr) {
            return self.pass.job.regions.get(self.part.region);
        }
        region_at(self.pass.job.regions, addr)
    }

    /// Sections and mapping symbols overrule every guess.
    fn is_code(&self, addr: u32, isa: Isa) -> bool {
        self.region(addr).is_some_and(|region| {
            region.may_hold_code(addr)
                && match sweep::kind_at(region, addr) {
                    Some(MapKind::Arm) => isa == Isa::Arm,
                    Some(MapKind::Thumb) => isa == Isa::Thumb,
                    _ => true,
                }
        })
    }

    /// Can control be here? What the assembler took for data is code where it is executed (`.word` of an instruction that
    /// it does not know).
    fn may_execute(&self, way: &Way) -> bool {
        let executes_data = || {
            let sure = !way.guessed && way.goes_on;
            let region = self.region(way.addr).filter(|_| sure);
            region.is_some_and(|region| {
                region.in_section(way.addr)
                    && sweep::kind_at(region, way.addr) == Some(MapKind::Data)
            })
        };
        (self.is_code(way.addr, way.isa) || executes_data()) && !self.is_others(way.addr, way.isa)
    }

    /// Is the place sure to be code of the other instruction set, or the inside of an instruction? Then a guess that
    /// leads here was wrong.
    fn is_others(&self, addr: u32, isa: Isa) -> bool {
        let sure = self.part.sure.get(&(addr >> 12));
        sure.is_some_and(|marks| match isa {
            Isa::Arm => marks.thumb.get(addr) || marks.thumb.get(addr.wrapping_add(2)),
            Isa::Thumb => marks.arm.get(addr & !3),
        })
    }

    fn aborts(&self, addr: u32, isa: Isa) -> bool {
        self.region(addr)
            .is_some_and(|region| region.aborts_at(addr, isa))
    }

    /// A jump that was not resolved may go to any label of its function (computed goto), or leave it (a call in tail
    /// position). Where the function's bounds are not known, the scan stays open.
    fn computed(&mut self, addr: u32, isa: Isa) {
        self.met.lost = true;
        // Without mapping symbols, Thumb code among literals cannot be read instruction by instruction.
        let region = self
            .region(addr)
            .filter(|region| !region.map.is_empty() || region.is_all_arm);
        let function = region.and_then(|region| region.function_at(addr));
        match function {
            Some((from, to)) => {
                self.met.computed.insert((from, to, isa));
            }
            None => self.met.open = true,
        }
    }

    /// A jump or call that leads who knows where.
    fn follow_unknown(&mut self, flow: Flow, (addr, isa): (u32, Isa), known: &Known, calls: bool) {
        self.met.lost = true;
        if let Flow::JumpRegister(reg) | Flow::CallRegister(reg) = flow {
            // To no place that a word in memory names.
            self.met.open |= known.is_computed(reg) && (calls || !known.is_indexed(reg));
        }
        if !(calls || self.is_pointer_jump(flow, addr, known)) {
            self.computed(addr, isa);
        }
    }

    /// Is there an addition to a register behind a call through it, so that it calls something else the next time?
    fn is_moved_on(&mut self, reg: u8, call: &Insn, (addr, isa): (u32, Isa)) -> bool {
        let mut addr = addr.wrapping_add(u32::from(call.len));
        for _ in 0..MAX_AHEAD {
            let insn = fetch(self.window, addr, isa).filter(|insn| !insn.ends_block());
            let Some(insn) = insn else {
                return false;
            };
            match insn.value {
                Some((to, Value::Offset(from, distance))) if to == reg && from == reg => {
                    return distance != 0;
                }
                Some((to, Value::Sum(a, b))) if to == reg => return a == reg || b == reg,
                _ if insn.writes >> (reg & 15) & 1 == 1 => return false,
                _ => {}
            }
            addr = addr.wrapping_add(u32::from(insn.len));
        }
        false
    }

    /// Does a jump go to a word of memory, or leave its function? Either way not to an address that was computed, and
    /// pointers in memory are followed wherever they lead in a file of nothing but ARM code.
    fn is_pointer_jump(&self, flow: Flow, addr: u32, known: &Known) -> bool {
        let by_pointer = match flow {
            Flow::JumpRegister(reg) => known.is_leaving() || known.is_word(reg),
            Flow::JumpMemory(..) => true,
            _ => false,
        };
        let region = self.region(addr);
        by_pointer && region.is_some_and(|region| region.map.is_empty() && region.is_all_arm)
    }

    /// Is what would write pc here (`andeq pc, …`) rather a distance in a literal pool?
    fn is_small_number(&mut self, addr: u32, isa: Isa) -> bool {
        const SMALL: u32 = 1 << 22;
        isa == Isa::Arm && self.window.code_word(addr).is_some_and(|word| word < SMALL)
    }

    /// All instructions of a function that jumps through a register.
    fn function(&mut self, (mut at, end, jumps_in): Function) {
        while at < end {
            let Some(isa) = self.isa_by_map(at, jumps_in) else {
                at = at.saturating_add(2);
                continue;
            };
            let Some(insn) = fetch(self.window, at, isa) else {
                break;
            };
            let is_code = insn.is_defined() && !sweep::is_unlikely(&insn, isa);
            if is_code && !self.is_thumb_stub(at, isa) && self.part.reached.isa_at(at).is_none() {
                self.way(Way {
                    guessed: true,
                    ..Way::from(at, isa, Known::default())
                });
                self.drain();
            }
            at = at.saturating_add(u32::from(insn.len));
        }
    }

    /// Does `bx rN; nop` in Thumb state lie here, as in libgcc behind functions in ARM state?
    fn is_thumb_stub(&mut self, addr: u32, isa: Isa) -> bool {
        let word = self.window.code_word(addr).filter(|_| isa == Isa::Arm);
        word.is_some_and(|word| word & 0xffff_ff87 == 0x46c0_4700)
    }

    /// The instruction set at an address of a function by mapping symbols, without any that of its jump; none for data.
    fn isa_by_map(&self, addr: u32, jumps_in: Isa) -> Option<Isa> {
        let region = self.region(addr)?;
        match sweep::kind_at(region, addr) {
            Some(MapKind::Arm) => Some(Isa::Arm),
            Some(MapKind::Thumb) => Some(Isa::Thumb),
            Some(MapKind::Data) => None,
            None if !region.map.is_empty() || self.pass.layout.is_data(addr) => None,
            None => Some(jumps_in).filter(|isa| addr.is_multiple_of(isa.alignment())),
        }
    }

    /// Can a function begin at a pointer? One that has no name begins behind code that ends, data or padding, or where an
    /// instruction computed its address. Compilers name all functions: with mapping symbols no other word is a pointer.
    /// Without, what is turned down although it decodes leaves the scan open.
    fn begins_function(&mut self, pointer: u32, computed: bool) -> bool {
        let (addr, isa) = Isa::of_pointer(pointer);
        let Some(region) = self.region(addr) else {
            return false;
        };
        if region.names_function(pointer) {
            return true;
        }
        if self.pass.layout.is_data(addr) {
            return false;
        }
        // What an instruction computes with the Thumb bit is a function where the file says which part of it is code.
        let by_code = computed && isa == Isa::Thumb && !region.sections.is_empty();
        if isa == Isa::Thumb && region.is_all_arm && !by_code || !self.looks_like_code(addr, isa) {
            return false;
        }
        if by_code {
            return true;
        }
        if !computed && isa == Isa::Thumb && self.is_amid_arm(addr) {
            return false;
        }
        // Code that was written at run time, for one.
        let first = addr == region.start;
        let zeros = self.window.half(addr.wrapping_sub(2)) == Some(0);
        let before = zeros
            || first
            || sweep::kind_at(region, addr.wrapping_sub(2)) == Some(MapKind::Data)
            || [2, 4].into_iter().any(|len| {
                let insn = fetch(self.window, addr.wrapping_sub(len), isa);
                insn.is_some_and(|insn| {
                    u32::from(insn.len) == len && (insn.ends_block() || insn.is_padding())
                }) || self.part.reached.is_data(addr.wrapping_sub(len))
            });
        if !region.map.is_empty() {
            return before || computed;
        }
        if !before && self.pass.knows_returns && follows_call(self.window, addr, isa) {
            return false;
        }
        if !before && self.in_function_of_other(addr, isa) {
            return false;
        }
        // A label of a computed jump, perhaps, or a place behind a call; almost anything decodes as Thumb code.
        let inside = before || self.is_arm_code(addr, isa);
        self.met.open |= !inside;
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
        self.part.reached.isa_at(start) == Some(other) || named(other) && !named(isa)
    }

    /// Is it code in ARM state for sure: in a file of nothing else, or where most instructions are unconditional? Hardly
    /// any are of what Thumb code or data look like in ARM state.
    fn is_arm_code(&mut self, addr: u32, isa: Isa) -> bool {
        let all = self.region(addr).is_some_and(|region| region.is_all_arm);
        isa == Isa::Arm && (all || self.is_mostly_unconditional(addr))
    }

    /// Does a number that would be a pointer to Thumb code lead among ARM instructions, in a part where nothing that surely
    /// runs is Thumb code?
    fn is_amid_arm(&mut self, addr: u32) -> bool {
        self.part.is_arm_only && self.is_mostly_unconditional(addr & !3)
    }

    /// Are most of sixteen words unconditional ARM instructions, if they are code?
    fn is_mostly_unconditional(&mut self, addr: u32) -> bool {
        const LEN: u32 = 16;
        let words =
            (0..LEN).map_while(|number| self.window.code_word(addr.wrapping_add(number * 4)));
        words.filter(|word| word >> 28 == 14).count() >= 10
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
            match fetch(self.window, at, isa) {
                Some(insn) if insn.is_defined() && !sweep::is_unlikely(&insn, isa) => {
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

    fn enter(&mut self, entry: &Entry) {
        let (addr, isa) = Isa::of_pointer(entry.pointer);
        let plausible = match entry.kind {
            EntryKind::Pointer => self.begins_function(entry.pointer, false),
            EntryKind::Return => {
                self.begins_function(entry.pointer, false)
                    || self.looks_like_code(addr, isa) && follows_call(self.window, addr, isa)
            }
            _ => true,
        };
        if plausible {
            let known = match entry.kind {
                EntryKind::Pc | EntryKind::Return => Known::of(entry.regs),
                _ => Known::at_call(),
            };
            self.way(Way {
                entered: entry.regs.map(|_| addr),
                ..Way::from(addr, isa, known)
            });
        }
    }

    /// Straight code from a place to where it ends or has been before.
    fn way(&mut self, mut way: Way) {
        if let Some(region) = self.region(way.addr).filter(|_| way.begins) {
            let pointer = way.isa.pointer(way.addr);
            self.met.leaps |= region.leaps_to(pointer);
            if region.loads_at(pointer) {
                self.hits.loads.add(way.addr, way.isa);
            }
            self.met.open |= region.throws_at(pointer);
            if self.pass.puts_off && region.is_on_demand(pointer) {
                self.met.put_off.insert(pointer);
                return;
            }
        }
        if way.entered.is_some() {
            self.note_made(u16::MAX, &mut way.known);
        }
        let isa = way.isa;
        while way.addr < way.pool && self.may_execute(&way) {
            let addr = way.addr;
            if !self.part.addrs.contains(&addr) {
                self.sent.push(Arrival::Way(Box::new(way)));
                return;
            }
            let Some(insn) = fetch(self.window, addr, isa) else {
                break;
            };
            if self.pass.layout.is_label(addr) {
                // What holds on this way need not hold on the others.
                way.known.join();
                way.entered = None;
            }
            let insn = under_it(insn, &mut way.it_left);
            if !self.visit(&insn, &way) {
                return;
            }
            way.begins = false;
            self.met.num_insns += 1;
            self.note_state(&insn, addr, isa);
            if let Some(literal) = insn.literal {
                if literal > addr {
                    way.pool = way.pool.min(literal);
                }
                for half in 0..u32::from(insn.literal_len) * 2 {
                    self.mark_data(literal.wrapping_add(half * 2));
                }
                self.note_slot(literal, addr);
            }
            if let Some(start) = way.entered.filter(|_| by_register(insn.flow)) {
                self.part.first_turns.insert(start, addr);
            }
            let goes_on = self.flow(&insn, addr, isa, &way.known);
            let calls = way.known.calls(&insn, addr);
            let translates = calls && self.translates(&insn, addr, &way.known);
            way.known.step(&insn, self.window, None);
            self.note_made(insn.computes(), &mut way.known);
            self.note_pointers(&insn, &way.known, (addr, isa));
            if calls {
                way.known.call();
                way.known.note_made(0, !translates);
            }
            if !goes_on && !insn.conditional {
                return;
            }
            way.addr = addr.wrapping_add(u32::from(insn.len));
            way.goes_on = !calls && !matches!(insn.flow, Flow::Syscall(_) | Flow::Trap(_));
            if calls && !insn.conditional && self.is_pool(way.addr) {
                return;
            }
        }
        if way.begins && !way.guessed {
            self.leave(way.addr, isa);
        }
        self.met.lost |= way.addr < way.pool;
    }

    /// Marks and files an instruction; false if it was reached before.
    fn visit(&mut self, insn: &Insn, way: &Way) -> bool {
        let Way { addr, isa, .. } = *way;
        let needs = self.needs_of(insn, addr, &way.known);
        let guarded = self.guarded_at(needs, (addr, isa), &way.known);
        if !guarded.is_empty() {
            // Not marked as reached: another way may lead here without the test.
            let new = self.part.reached.guarded.insert(addr, isa).is_none();
            if new {
                self.met.guarded.add(guarded, addr, isa);
                self.hits.add(needs.minus(guarded), addr, isa);
            }
            return new;
        }
        let new = self.part.reached.visit(addr, isa);
        if new {
            self.hits.add(needs, addr, isa);
        } else if !way.begins {
            // Who jumps has looked ahead already.
            self.call_ahead((addr, isa), &way.known);
        }
        let turn = self.part.first_turns.range(..=addr).next_back();
        self.met.lost |= !new && turn.is_some_and(|(_, last)| addr <= *last);
        new
    }

    /// What an instruction needs, without what only a process does that was told of more than the file declares.
    fn needs_of(&self, insn: &Insn, addr: u32, known: &Known) -> FeatureSet {
        let needs = known.needs(insn);
        self.region(addr).map_or(needs, |region| {
            let needs = needs.minus(region.guarded(needs, addr));
            // Without mapping symbols data behind calls that do not return is taken for code. With them what leads here is
            // the start of a function, and its author may have known more than the assembler (`.inst`).
            if region.map.is_empty() {
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
            .union(needs.meet(self.pass.only_if_advertised));
        let rest = needs.meet(self.pass.units).minus(guarded);
        guarded.union(
            self.part
                .tested
                .covers(rest, self.pass.job, self.window, place),
        )
    }

    /// Calls and returns that change between the instruction sets, or fail to.
    fn note_state(&mut self, insn: &Insn, addr: u32, isa: Isa) {
        let calls = matches!(insn.flow, Flow::CallRegister(_) | Flow::Call(_, Isa::Arm));
        self.met.calls_from_thumb |= isa == Isa::Thumb && calls;
        self.met.in_arm |= isa == Isa::Arm;
        self.met.in_thumb |= isa == Isa::Thumb;
        if insn.flow != Flow::Return {
            return;
        }
        if insn.keeps_state {
            let needs = FeatureSet::one(Feature::V7);
            self.met.stays_in_arm.add(needs, addr, isa);
        } else if insn.transfer.is_some() {
            let needs = FeatureSet::one(Feature::V5t);
            self.met.stays_on_load.add(needs, addr, isa);
        }
    }

    /// Do literals begin here, behind at most one halfword of padding?
    fn is_pool(&self, addr: u32) -> bool {
        self.pass.layout.is_data(addr) || self.pass.layout.is_data(addr.wrapping_add(2))
    }

    /// Constants that point into code, and words that were loaded from places that are known, may be called; the
    /// program counter itself is where a call returns to, or what a distance is added to.
    fn note_pointers(&mut self, insn: &Insn, known: &Known, (addr, isa): (u32, Isa)) {
        let pc = isa.pc_bias().wrapping_add(addr);
        let next = addr.wrapping_add(u32::from(insn.len));
        let loaded = insn.transfer.as_ref().filter(|transfer| transfer.load);
        let loaded = loaded.map_or(0, |transfer| transfer.list);
        for reg in registers((loaded | insn.computes()) & !PC) {
            let value = known
                .guess(reg)
                .filter(|value| *value != pc && self.is_pointer(*value))
                .filter(|value| self.is_likely(*value, insn.value));
            let is_number = loaded >> reg & 1 == 1 || insn.literal.is_some();
            if let Some(value) = value
                && !(is_number && self.is_inside(value))
                && !self.is_of_data(reg, next, isa)
            {
                self.note_pointer(value, addr);
            }
        }
    }

    /// What lies in the slot of the global offset table that a literal leads to.
    fn note_slot(&mut self, literal: u32, at: u32) {
        let region = self.region(at);
        let Some(offsets) = region.and_then(|region| region.offsets.as_ref()) else {
            return;
        };
        let distance = self.window.word(literal);
        let slot = distance.and_then(|distance| offsets.slot(distance));
        let value = slot.and_then(|slot| self.window.word(slot));
        if let Some(value) = value.filter(|value| self.is_pointer(*value)) {
            self.note_pointer(value, at);
        }
    }

    /// Is what a register holds here a distance that is added to the program counter a little later, or the address of
    /// data that is loaded from there?
    fn is_of_data(&mut self, reg: u8, mut addr: u32, isa: Isa) -> bool {
        for _ in 0..MAX_AHEAD {
            let Some(insn) = fetch(self.window, addr, isa) else {
                return false;
            };
            let pc = isa.pc_bias().wrapping_add(addr).cast_signed();
            let loads = |transfer: &Transfer| transfer.load && transfer.base == reg;
            let is_distance = match insn.value {
                Some((to, Value::Offset(from, distance))) => (to, from, distance) == (reg, reg, pc),
                Some((_, Value::WordAt(a, b))) => a == reg || b == reg,
                Some((_, Value::WordFrom(_, index))) => index == reg,
                _ => false,
            };
            if is_distance || insn.transfer.as_ref().is_some_and(loads) {
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

    /// Does a number lead into a function of a file that names all of them, not to its start? It is a size, or a distance.
    fn is_inside(&mut self, value: u32) -> bool {
        let region = self.region(Isa::of_pointer(value).0);
        region.is_some_and(|region| !region.map.is_empty()) && !self.begins_function(value, false)
    }

    /// In a file of ARM code, all but for a function or two, a pointer with the Thumb bit is one if it was computed from
    /// pc or lies in the global offset table; as a number it would be anything, the half of a `double` for one.
    fn is_likely(&self, value: u32, from: Option<(u8, Value)>) -> bool {
        let (addr, isa) = Isa::of_pointer(value);
        let is_relative = match from {
            Some((_, Value::Offset(_, distance))) => distance != 0,
            Some((_, Value::Sum(..) | Value::WordAt(..) | Value::WordFrom(..))) => true,
            _ => false,
        };
        let region = self.region(addr);
        is_relative || isa == Isa::Arm || !region.is_some_and(|region| region.is_all_arm)
    }

    /// A pointer into code that the instruction at an address gets hold of.
    fn note_pointer(&mut self, value: u32, at: u32) {
        if range_at(&self.pass.resolvers, at).is_some() {
            self.met.chosen.insert(value);
        } else {
            self.met.taken.insert(value);
        }
    }

    /// A system call close behind a place that several ways lead to, or in a stub that makes the call which its caller
    /// names: the number on this way. Where it is not followed, [`Self::installs`] takes it for anything.
    fn call_ahead(&mut self, (mut addr, isa): (u32, Isa), known: &Known) {
        if !self.pass.watches {
            return;
        }
        let mut known = *known;
        for _ in 0..MAX_AHEAD {
            let insn = fetch(self.window, addr, isa);
            let Some(insn) = insn.filter(|insn| !insn.conditional) else {
                return;
            };
            match insn.flow {
                Flow::Next => known.step(&insn, self.window, None),
                Flow::Syscall(oabi) => {
                    self.met.installs |= call_number(oabi, &known).is_none_or(installs_handler);
                    self.met.numbered.insert(addr);
                    return;
                }
                _ => return,
            }
            addr = addr.wrapping_add(u32::from(insn.len));
        }
    }

    /// Is control given to what demands what comes on demand only?
    fn demands(&self, (addr, isa): (u32, Isa)) -> bool {
        let region = self.region(addr);
        region.is_some_and(|region| region.demands_at(isa.pointer(addr)))
    }

    /// Does a call lead to `mmap`?
    fn maps(&mut self, to: (u32, Isa)) -> bool {
        let maps = self.told_of(to, |region, pointer| region.maps_at(pointer).then_some(()));
        maps.is_some()
    }

    /// Does a call translate a message? In the C library it does not matter.
    fn translates(&mut self, call: &Insn, at: u32, known: &Known) -> bool {
        let tell = |region: &CodeRegion, pointer| region.translates_at(pointer).then_some(());
        let to = resolve(call.flow, known, self.window);
        !self.is_of_libc(at) && to.is_some_and(|to| self.told_of(to, tell).is_some())
    }

    fn is_of_libc(&self, addr: u32) -> bool {
        self.region(addr).is_some_and(|region| region.is_libc)
    }

    /// May what is printed at an address, by a function that control goes to, have a format that the code makes, or reads?
    fn makes_format(&mut self, at: u32, to: (u32, Isa), known: &Known) -> bool {
        if self.is_of_libc(at) {
            return false;
        }
        let format = self.told_of(to, CodeRegion::format_at);
        format.is_some_and(|format| match format.number {
            reg @ 0..4 => known.is_made(reg) || known.is_kept(reg) && !format.is_passed_on,
            _ => known.passes_made(),
        })
    }

    /// Registers with addresses of memory that may be written.
    fn note_made(&self, regs: u16, known: &mut Known) {
        for reg in registers(regs & !PC) {
            let value = known.get(reg);
            known.note_made(
                reg,
                value.is_some_and(|value| self.pass.job.is_writable(value)),
            );
        }
    }

    /// What is told of a function, perhaps behind a stub of the linkage table.
    fn told_of<T>(
        &mut self,
        mut to: (u32, Isa),
        tell: impl Fn(&CodeRegion, u32) -> Option<T>,
    ) -> Option<T> {
        const MAX_STUB_LEN: usize = 6;
        let mut known = Known::default();
        for _ in 0..MAX_STUB_LEN {
            let told = self
                .region(to.0)
                .and_then(|region| tell(region, to.1.pointer(to.0)));
            if told.is_some() {
                return told;
            }
            let insn = fetch(self.window, to.0, to.1).filter(is_of_stub)?;
            let target = resolve(insn.flow, &known, self.window);
            known.step(&insn, self.window, None);
            to = match (insn.flow, target) {
                (Flow::Next, _) => (to.0.wrapping_add(u32::from(insn.len)), to.1),
                (_, target) => target?,
            };
        }
        None
    }

    /// Queues where an instruction leads; tells whether the next one is executed too.
    fn flow(&mut self, insn: &Insn, addr: u32, isa: Isa, known: &Known) -> bool {
        match insn.flow {
            Flow::Next => true,
            Flow::Syscall(oabi) => {
                let number = call_number(oabi, known);
                self.hits.syscall(oabi, addr, isa);
                self.met.installs |= number.is_some_and(installs_handler);
                if self.pass.watches && number.is_none() {
                    self.met.unnumbered.insert(addr);
                }
                if number.is_some_and(maps_memory) && makes_executable(known) {
                    self.hits.exec_maps.add(addr, isa);
                }
                if number.is_some_and(flushes_cache) {
                    self.hits.cache_flushes.add(addr, isa);
                }
                call_effect(number) != CallEffect::NoReturn
            }
            Flow::Trap(trap) => trap == crate::arm::Trap::Breakpoint,
            Flow::Return => false,
            Flow::JumpUnknown => {
                if self.is_small_number(addr, isa) {
                    self.met.lost = true;
                } else {
                    self.computed(addr, isa);
                }
                false
            }
            Flow::JumpTable(table, index) => {
                let count = known.entries(index, insn);
                let targets =
                    tables::targets(table, count, isa, self.pass.job.regions, known, self.window);
                match targets {
                    Some(targets) => {
                        for (addr, isa) in targets {
                            self.queue(Target {
                                addr,
                                isa,
                                called: false,
                                made: known.made(),
                            });
                        }
                    }
                    None => self.computed(addr, isa),
                }
                false
            }
            flow => {
                let target = resolve(flow, known, self.window);
                // A pointer in memory may be another one the next time.
                self.met.lost |= match flow {
                    Flow::JumpRegister(reg)
                    | Flow::CallRegister(reg)
                    | Flow::JumpOffset(reg, _) => known.may_change(reg),
                    Flow::JumpMemory(..) => true,
                    _ => false,
                };
                let calls = known.calls(insn, addr);
                if let Flow::JumpRegister(reg) | Flow::CallRegister(reg) = flow {
                    self.met.open |= calls && self.is_moved_on(reg, insn, (addr, isa));
                }
                match target {
                    Some((to, _)) if to >= VECTORS => {
                        self.hits.kuser(addr, isa);
                        return calls;
                    }
                    // Whoever comes here dies by his own hand.
                    Some((to, to_isa)) if self.aborts(to, to_isa) => return false,
                    Some(to) => {
                        if to.1 != isa {
                            self.hits.add(changes_state(insn), addr, isa);
                        }
                        self.met.demands |= self.demands(to);
                        self.met.makes_formats |= self.makes_format(addr, to, known);
                        if calls && makes_executable(known) && self.maps(to) {
                            self.hits.exec_maps.add(addr, isa);
                        }
                        self.call_ahead(to, known);
                        self.queue(Target {
                            addr: to.0,
                            isa: to.1,
                            called: calls,
                            made: known.made(),
                        });
                        return calls && self.returns.may(self.pass.job, self.window, to);
                    }
                    None => self.follow_unknown(flow, (addr, isa), known, calls),
                }
                calls
            }
        }
    }
}

/// What an instruction needs to go on in the other instruction set.
fn changes_state(insn: &Insn) -> FeatureSet {
    match insn.flow {
        Flow::JumpMemory(..) | Flow::JumpLiteral(_) => FeatureSet::one(Feature::V5t),
        _ if insn.keeps_state => FeatureSet::one(Feature::V7),
        _ => FeatureSet::EMPTY,
    }
}

/// Does the third argument of a call have PROT_EXEC?
fn makes_executable(known: &Known) -> bool {
    const PROT_EXEC: u32 = 4;
    const MAX_PROT: u32 = 0x0300_000f;
    let prot = known.get(2).filter(|prot| prot & !MAX_PROT == 0);
    prot.is_some_and(|prot| prot & PROT_EXEC != 0)
}

/// Can an instruction belong to a stub: does it change no register but ip and pc?
const fn is_of_stub(insn: &Insn) -> bool {
    const IP: u16 = 1 << 12;
    insn.writes & !(IP | PC) == 0 && !insn.conditional
}

/// Does a jump go where a register says?
const fn by_register(flow: Flow) -> bool {
    matches!(
        flow,
        Flow::JumpRegister(_)
            | Flow::CallRegister(_)
            | Flow::JumpOffset(..)
            | Flow::JumpMemory(..)
            | Flow::JumpTable(..)
    )
}
