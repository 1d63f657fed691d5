//! Linear sweep over what control flow did not reach: exact under mapping symbols, by the looks elsewhere.

use super::memory::Window;
use super::walk::Reached;
use super::{CodeRegion, Found, Job, MapKind, fetch};
use crate::arm::{Flow, Insn, Isa, Trap};
use crate::feature::{Feature, FeatureSet};
use crate::parallel;

/// Work is cut into pieces of this many bytes, one page cache each.
const PIECE_LEN: u32 = 1 << 20;
/// Bytes before a piece of Thumb code from which decoding is back in step when the piece begins.
const RESYNC_LEN: u32 = 256;

/// Sweeps all regions with several threads and adds what it finds.
pub(super) fn sweep(job: &Job<'_>, reached: &Reached, found: &mut Found) {
    let pieces: Vec<(&CodeRegion, u32, u32)> = job.regions.iter().flat_map(pieces_of).collect();
    let parts = parallel::map(&pieces, job.jobs, |(region, start, end)| {
        let mut part = Found::default();
        let mut sweeper = Sweeper {
            window: Window::new(job),
            reached,
            region,
            found: &mut part,
        };
        sweeper.piece(*start, *end);
        part
    });
    found.code_len = job
        .regions
        .iter()
        .map(|region| u64::from(region.end - region.start))
        .sum();
    for part in parts {
        found.swept.merge(&part.swept);
        found.seen_len += part.seen_len;
        found.mapped_len += part.mapped_len;
        found.num_insns += part.num_insns;
    }
}

fn pieces_of(region: &CodeRegion) -> impl Iterator<Item = (&CodeRegion, u32, u32)> {
    (region.start..region.end)
        .step_by(PIECE_LEN as usize)
        .map(move |start| {
            (
                region,
                start,
                start.saturating_add(PIECE_LEN).min(region.end),
            )
        })
}

/// What mapping symbols say of an address; `None` without symbols before it.
pub(super) fn kind_at(region: &CodeRegion, addr: u32) -> Option<MapKind> {
    let after = region.map.partition_point(|(start, _)| *start <= addr);
    region.map.get(after.checked_sub(1)?).map(|(_, kind)| *kind)
}

/// Instructions that compilers and people hardly ever write for user mode: signs of data.
pub(super) fn is_unlikely(insn: &Insn, isa: Isa) -> bool {
    // No processor that executes 32-bit Thumb has these units, but for one that has iwMMXt.
    const NEVER_IN_THUMB: FeatureSet = FeatureSet::of(&[
        Feature::Fpa,
        Feature::FpaOrIwmmxt,
        Feature::Crunch,
        Feature::XscaleDsp,
        Feature::Iwmmxt,
        Feature::Iwmmxt2,
    ]);
    !insn.needs.meet(FeatureSet::ODD).is_empty()
        || isa == Isa::Thumb && !insn.needs.meet(NEVER_IN_THUMB).is_empty()
        || matches!(insn.flow, Flow::Syscall(Some(number)) if !(0x90_0000..0x90_0400).contains(&number) && number > 0xff)
}

struct Sweeper<'a> {
    window: Window<'a>,
    reached: &'a Reached,
    region: &'a CodeRegion,
    found: &'a mut Found,
}

impl Sweeper<'_> {
    fn piece(&mut self, start: u32, end: u32) {
        for page in (start & !4095..end)
            .step_by(4096)
            .filter(|page| self.window.has_page(*page))
            .collect::<Vec<_>>()
        {
            self.found.seen_len +=
                u64::from((page | 4095).saturating_add(1).min(end) - page.max(start));
        }
        let mut at = start;
        while at < end {
            at = match kind_at(self.region, at) {
                _ if !self.region.in_section(at) => self.next_section(at, end),
                Some(kind) => self.mapped(at, end, kind),
                None => match self.region.map.first() {
                    Some((first, _)) => (*first).min(end),
                    None => self.gap(at, end),
                },
            }
            .max(at + 2);
        }
    }

    fn next_section(&self, addr: u32, end: u32) -> u32 {
        let sections = &self.region.sections;
        let after = sections.partition_point(|(start, _)| *start <= addr);
        sections
            .get(after)
            .map_or(end, |(start, _)| (*start).min(end))
    }

    /// Up to the next mapping symbol: exact.
    fn mapped(&mut self, start: u32, end: u32, kind: MapKind) -> u32 {
        let after = self.region.map.partition_point(|(addr, _)| *addr <= start);
        let stop = self
            .region
            .map
            .get(after)
            .map_or(end, |(addr, _)| (*addr).min(end));
        self.found.mapped_len += u64::from(stop - start);
        let isa = match kind {
            MapKind::Arm => Isa::Arm,
            MapKind::Thumb => Isa::Thumb,
            MapKind::Data => return stop,
        };
        // Pieces cut Thumb code anywhere: begin a little earlier, decoding finds the boundaries again.
        let symbol = after
            .checked_sub(1)
            .and_then(|at| self.region.map.get(at))
            .map_or(start, |(addr, _)| *addr);
        let mut at = symbol
            .max(start.saturating_sub(RESYNC_LEN))
            .next_multiple_of(isa.alignment());
        while at < stop {
            let Some(insn) = fetch(&mut self.window, at, isa) else {
                at = (at | 4095).saturating_add(1);
                continue;
            };
            if at >= start && self.reached.isa_at(at).is_none() {
                self.file(&insn, at, isa);
            }
            at += u32::from(insn.len);
        }
        stop
    }

    fn file(&mut self, insn: &Insn, addr: u32, isa: Isa) {
        self.found.num_insns += 1;
        let guarded = self.region.guarded(insn.needs, addr);
        self.found.swept.add(insn.needs.minus(guarded), addr, isa);
        if let Flow::Syscall(oabi) = insn.flow {
            self.found.swept.syscall(oabi, addr, isa);
        }
    }

    /// A stretch without mapping symbols: skips what was reached and pages where nothing lies, judges the rest as a whole.
    fn gap(&mut self, start: u32, end: u32) -> u32 {
        if self.window.is_blank(start) {
            return (start | 4095).saturating_add(1).min(end);
        }
        if let Some(isa) = self.reached.isa_at(start) {
            return match fetch(&mut self.window, start, isa) {
                Some(insn) => start + u32::from(insn.len),
                None => start + 2,
            };
        }
        if self.reached.is_data(start) {
            return start + 2;
        }
        let mut stop = start;
        while stop < end
            && stop - start < MAX_GAP
            && self.reached.isa_at(stop).is_none()
            && !self.reached.is_data(stop)
            && kind_at(self.region, stop).is_none()
            && self.region.in_section(stop)
            && !(stop.is_multiple_of(4096) && self.window.is_blank(stop))
        {
            stop += 2;
        }
        self.judge(start, stop);
        stop
    }

    /// Takes a gap for code of the instruction set in which it decodes cleanly; both if neither is clear. Almost
    /// everything decodes as Thumb, hardly anything but ARM code as ARM.
    fn judge(&mut self, start: u32, stop: u32) {
        let arm = self.clean_runs(start, stop, Isa::Arm);
        let covered: u32 = arm.iter().map(|(from, to)| to - from).sum();
        self.file_runs(&arm, Isa::Arm);
        let clear = u64::from(covered) * 4 >= u64::from(stop - start) * 3;
        if !clear && !self.region.is_all_arm {
            let thumb = self.clean_runs(start, stop, Isa::Thumb);
            self.file_runs(&thumb, Isa::Thumb);
        }
    }

    fn file_runs(&mut self, runs: &[(u32, u32)], isa: Isa) {
        for (from, to) in runs {
            let mut at = *from;
            while at < *to {
                let Some(insn) = fetch(&mut self.window, at, isa) else {
                    break;
                };
                let insn = Insn {
                    needs: insn.needs.minus(self.region.undeclared),
                    ..insn
                };
                self.file(&insn, at, isa);
                at += u32::from(insn.len);
            }
        }
    }

    /// Runs between instructions that do not decode, if what they hold looks written by a compiler or a person.
    fn clean_runs(&mut self, start: u32, stop: u32, isa: Isa) -> Vec<(u32, u32)> {
        let mut runs = Vec::new();
        let mut at = start.next_multiple_of(isa.alignment());
        while at < stop {
            let (end, looks) = self.run(at, stop, isa);
            if looks.like_code(isa) {
                runs.push((at, end));
            }
            at = end + isa.alignment();
        }
        runs
    }

    /// The longest run from an address in which everything decodes.
    fn run(&mut self, start: u32, stop: u32, isa: Isa) -> (u32, Looks) {
        let mut looks = Looks::default();
        let mut at = start;
        while at < stop {
            let Some(insn) = fetch(&mut self.window, at, isa) else {
                break;
            };
            if !insn.is_defined() || is_unlikely(&insn, isa) {
                break;
            }
            looks.add(&insn, self.window.half(at).unwrap_or(0));
            at += u32::from(insn.len);
        }
        (at.min(stop), looks)
    }
}

/// Longest stretch that is judged as a whole, bytes.
const MAX_GAP: u32 = 64 << 10;

/// What a run of instructions looks like.
#[derive(Default)]
struct Looks {
    total: u32,
    unconditional: u32,
    /// All bits zero: padding, or small numbers in a table.
    zero: u32,
    ends: bool,
}

impl Looks {
    fn add(&mut self, insn: &Insn, half: u16) {
        self.total += 1;
        self.unconditional += u32::from(!insn.conditional);
        self.zero += u32::from(half == 0);
        self.ends |=
            insn.ends_block() || matches!(insn.flow, Flow::Syscall(_) | Flow::Trap(Trap::Udf));
    }

    /// Real code is mostly unconditional, holds few zeros, and ends somewhere.
    fn like_code(&self, isa: Isa) -> bool {
        let mostly = match isa {
            Isa::Arm => self.unconditional * 10 >= self.total * 6,
            Isa::Thumb => true,
        };
        self.total > 0 && mostly && self.zero * 4 <= self.total && self.ends
    }
}
