//! Following control flow from known entries.

use std::collections::{HashMap, HashSet};

use super::memory::Window;
use super::{CallEffect, CodeRegion, EntryKind, FeatureHits, Found, Job, Known, MapKind, VECTORS};
use super::{call_effect, call_number, fetch, resolve};
use crate::arm::{Flow, Insn, Isa};
use crate::feature::FeatureSet;

/// What is known of one page: a bit per halfword.
#[derive(Clone, Default)]
struct Marks {
    arm: Bits,
    thumb: Bits,
    data: Bits,
}

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

    fn set(&mut self, addr: u32) {
        let (word, bit) = Self::place(addr);
        if let Some(bits) = self.0.get_mut(word) {
            *bits |= 1 << bit;
        }
    }
}

/// Addresses that control flow reached, and the words that reached code reads as data.
#[derive(Default)]
pub(super) struct Reached {
    pages: HashMap<u32, Box<Marks>>,
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

    fn visit(&mut self, addr: u32, isa: Isa) -> bool {
        let marks = self.pages.entry(addr >> 12).or_default();
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
            self.pages.entry(half >> 12).or_default().data.set(half);
        }
    }
}

/// Follows every entry, the strongest first, and files what it meets under the entry's strength.
pub(super) fn walk(job: &Job<'_>, found: &mut Found) -> Reached {
    let mut walker = Walker {
        job,
        window: Window::new(job.memory, job.big_endian_code),
        reached: Reached::default(),
        work: Vec::new(),
        pointers: HashSet::new(),
        num_insns: 0,
        guarded: FeatureHits::default(),
    };
    let mut entries: Vec<_> = job.entries.to_vec();
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.kind));
    for entry in entries {
        let (addr, isa) = Isa::of_pointer(entry.pointer);
        if entry.kind == EntryKind::Pointer && !walker.looks_like_code(addr, isa) {
            continue;
        }
        let hits = if entry.kind == EntryKind::Pc {
            &mut found.from_pc
        } else {
            &mut found.from_entries
        };
        walker.block(addr, isa, Known::of(entry.regs), hits);
        walker.drain(hits);
    }
    walker.follow_pointers(&mut found.from_entries);
    found.num_insns += walker.num_insns;
    found.guarded = walker.guarded;
    walker.reached
}

struct Walker<'a, 'j> {
    job: &'j Job<'a>,
    window: Window<'a>,
    reached: Reached,
    work: Vec<(u32, Isa)>,
    /// Constants in reached code that point into code.
    pointers: HashSet<u32>,
    num_insns: u64,
    guarded: FeatureHits,
}

impl Walker<'_, '_> {
    fn region(&self, addr: u32) -> Option<&CodeRegion> {
        let at = self
            .job
            .regions
            .partition_point(|region| region.end <= addr);
        self.job
            .regions
            .get(at)
            .filter(|region| region.contains(addr))
    }

    /// Mapping symbols overrule every guess.
    fn is_code(&self, addr: u32, isa: Isa) -> bool {
        let Some(region) = self.region(addr) else {
            return false;
        };
        match super::sweep::kind_at(region, addr) {
            // Before the first mapping symbol lie headers and notes.
            None => region.map.is_empty(),
            Some(MapKind::Data) => false,
            Some(MapKind::Arm) => isa == Isa::Arm,
            Some(MapKind::Thumb) => isa == Isa::Thumb,
        }
    }

    /// A word that points into code is taken for a function pointer if eight instructions from there decode.
    fn looks_like_code(&mut self, addr: u32, isa: Isa) -> bool {
        let mut at = addr;
        for _ in 0..8 {
            if !self.is_code(at, isa) {
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
                if self.reached.isa_at(addr).is_none() && self.looks_like_code(addr, isa) {
                    self.follow(addr, isa, hits);
                }
            }
        }
    }

    /// Straight code from an address to where it ends or has been before.
    fn block(&mut self, mut addr: u32, isa: Isa, mut known: Known, hits: &mut FeatureHits) {
        while self.is_code(addr, isa) {
            let Some(insn) = fetch(&mut self.window, addr, isa) else {
                return;
            };
            let needs = known.needs(&insn);
            let by_place = self
                .region(addr)
                .map_or(FeatureSet::EMPTY, |region| region.guarded(needs, addr));
            let guarded = known.guarded(needs, addr).union(by_place);
            if guarded.is_empty() {
                if !self.reached.visit(addr, isa) {
                    return;
                }
                hits.add(needs, addr, isa);
            } else if self.reached.guarded.insert(addr, isa).is_none() {
                // Not marked as reached: another way may lead here without the test.
                self.guarded.add(guarded, addr, isa);
                hits.add(needs.minus(guarded), addr, isa);
            }
            self.num_insns += 1;
            if let Some(literal) = insn.literal {
                self.literal(literal);
            }
            let goes_on = self.flow(&insn, addr, isa, &known, hits);
            known.step(&insn, &mut self.window);
            self.note_pointer(&insn, &known);
            if matches!(insn.flow, Flow::Call(..) | Flow::CallRegister(_)) {
                known.call();
            }
            if !goes_on && !insn.conditional {
                return;
            }
            addr = addr.wrapping_add(u32::from(insn.len));
        }
    }

    fn literal(&mut self, addr: u32) {
        self.reached.mark_data(addr);
    }

    /// A constant that points into code may be called from somewhere.
    fn note_pointer(&mut self, insn: &Insn, known: &Known) {
        let Some(value) = insn.value.and_then(|(reg, _)| known.get(reg)) else {
            return;
        };
        let (addr, _) = Isa::of_pointer(value);
        let aligned = value.is_multiple_of(4) || value & 1 == 1;
        if aligned && self.region(addr).is_some() && self.reached.isa_at(addr).is_none() {
            self.pointers.insert(value);
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
                hits.syscall(oabi, addr, isa);
                call_effect(call_number(oabi, known)) != CallEffect::NoReturn
            }
            Flow::Trap(trap) => trap == crate::arm::Trap::Breakpoint,
            Flow::Return | Flow::JumpUnknown => false,
            flow => {
                let target = resolve(flow, known, &mut self.window);
                let calls = matches!(flow, Flow::Call(..) | Flow::CallRegister(_))
                    || known.get(14) == Some(addr.wrapping_add(u32::from(insn.len)));
                match target {
                    Some((to, _)) if to >= VECTORS => {
                        hits.kuser(addr, isa);
                        return calls;
                    }
                    Some((to, to_isa)) => self.work.push((to, to_isa)),
                    None => {}
                }
                calls
            }
        }
    }
}
