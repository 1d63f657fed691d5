//! An address space put together from pieces of files and images, and the scan of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::arm::Isa;
use crate::elf::ReadAt;
use crate::evidence::{CoprocessorOne, SpaceFacts};
use crate::feature::{Feature, FeatureSet};
use crate::scan::{CodeRegion, Entry, EntryKind, Found, Hit, Job, Memory, returning_aborts, scan};
use crate::target::Endian;

/// Bytes of an address range: from a source at an offset, zero from `file_len` on.
pub(super) struct Piece<'a> {
    pub(super) start: u64,
    pub(super) len: u64,
    pub(super) source: &'a (dyn ReadAt + Sync),
    pub(super) offset: u64,
    /// Bytes that the source has; the rest reads as zero.
    pub(super) file_len: u64,
}

/// Pieces at addresses, without overlap; of overlapping ones the one that starts last counts.
#[derive(Default)]
pub(super) struct PieceMemory<'a> {
    pieces: Vec<Piece<'a>>,
    endian: Endian,
}

impl<'a> PieceMemory<'a> {
    pub(super) fn new(endian: Endian) -> Self {
        Self {
            endian,
            ..Self::default()
        }
    }

    pub(super) fn add(&mut self, piece: Piece<'a>) {
        let at = self
            .pieces
            .partition_point(|known| known.start <= piece.start);
        self.pieces.insert(at, piece);
    }

    /// The piece at an address, and how far it reaches before another one begins.
    fn piece_at(&self, addr: u64) -> Option<(&Piece<'a>, u64)> {
        let after = self.pieces.partition_point(|piece| piece.start <= addr);
        let piece = self.pieces.get(after.checked_sub(1)?)?;
        let end = self
            .pieces
            .get(after)
            .map_or(u64::MAX, |next| next.start)
            .min(piece.start + piece.len);
        (addr < end).then_some((piece, end))
    }
}

impl Memory for PieceMemory<'_> {
    fn read(&self, addr: u32, out: &mut [u8]) -> usize {
        let mut done = 0;
        while done < out.len() {
            let at = u64::from(addr) + done as u64;
            let Some((piece, end)) = self.piece_at(at) else {
                break;
            };
            let inside = at - piece.start;
            let rest = out.get_mut(done..).unwrap_or_default();
            let want = rest
                .len()
                .min(usize::try_from(end - at).unwrap_or(usize::MAX));
            let stored = usize::try_from(piece.file_len.saturating_sub(inside))
                .unwrap_or(usize::MAX)
                .min(want);
            let (from_file, zero) = match rest.get_mut(..want) {
                Some(wanted) => wanted.split_at_mut(stored),
                None => break,
            };
            let got = piece.source.read_at(piece.offset + inside, from_file);
            if got < stored {
                return done + got;
            }
            zero.fill(0);
            done += want;
        }
        done
    }

    fn endian(&self) -> Endian {
        self.endian
    }
}

/// Words that are looked at for pointers into code, in all of an address space.
const MAX_POINTER_WORDS: u64 = 64 << 20;
/// Pointers that are followed.
const MAX_POINTERS: usize = 1 << 20;

/// Aligned words in ranges that may point into code. `bias` is added as a second reading, for files whose
/// relocations are not applied. What lies in slots of linkage tables is left out. Tells, too, whether these are all.
pub(super) fn pointers(
    memory: &dyn Memory,
    ranges: &[(u32, u32)],
    regions: &[CodeRegion],
    bias: u32,
    slots: &BTreeSet<u32>,
) -> (BTreeSet<u32>, bool) {
    let mut found = BTreeSet::new();
    let mut budget = MAX_POINTER_WORDS;
    let into_code = |value: u32| {
        let at = regions.partition_point(|region| region.end <= value);
        (value & 1 == 1 || value.is_multiple_of(4))
            && regions.get(at).is_some_and(|region| region.start <= value)
    };
    let endian = memory.endian();
    let mut page = vec![0; 4096];
    for (start, end) in ranges {
        for at in (*start..*end).step_by(4096) {
            if budget == 0 || found.len() >= MAX_POINTERS {
                return (found, false);
            }
            budget = budget.saturating_sub(1024);
            let want = usize::try_from((end - at).min(4096)).unwrap_or(0);
            let got = memory.read(at, page.get_mut(..want).unwrap_or_default());
            let bytes = page.get(..got).unwrap_or_default();
            // Most of a stack or a heap was never written.
            if bytes.iter().all(|byte| *byte == 0) {
                continue;
            }
            for (place, word) in (at..).step_by(4).zip(bytes.chunks_exact(4)) {
                let Ok(word) = word.try_into().map(|word| endian.word(word)) else {
                    continue;
                };
                // Few words are pointers: only those are looked up among the slots.
                let mut note = |pointer| {
                    if word != 0 && into_code(pointer) && !slots.contains(&place) {
                        found.insert(pointer);
                    }
                };
                note(word);
                if bias != 0 {
                    note(word.wrapping_add(bias));
                }
            }
        }
    }
    (found, true)
}

/// What to scan, and where to begin.
pub(super) struct Plan {
    pub(super) regions: Vec<CodeRegion>,
    pub(super) entries: Vec<Entry>,
    pub(super) slots: BTreeMap<u32, u32>,
    pub(super) main: Option<u32>,
    pub(super) starts: Vec<u32>,
    /// Functions that choose another one, ascending.
    pub(super) resolvers: Vec<u32>,
    /// Pages that the kernel filled, from and to.
    pub(super) kernel_pages: Vec<(u32, u32)>,
    /// Memory that may be written, from and to, ascending.
    pub(super) writable: Vec<(u32, u32)>,
    /// Handlers of signals, if the image says.
    pub(super) handlers: Option<Vec<u32>>,
    /// Files of the process ask for functions that demand what a C library does on demand only.
    pub(super) demands: bool,
    pub(super) from_start: bool,
    /// Memory was not looked through to its end for pointers.
    pub(super) is_cut: bool,
}

impl Plan {
    pub(super) fn enter(&mut self, pointer: u32, kind: EntryKind) {
        self.entries.push(Entry {
            pointer,
            kind,
            regs: None,
        });
    }
}

/// Scans for a process to which AT_HWCAP advertised these features.
pub(super) fn run(
    memory: &dyn Memory,
    plan: &mut Plan,
    advertised: FeatureSet,
    jobs: usize,
) -> Found {
    let returning = returning_aborts(&job_of(memory, plan, advertised, jobs));
    for region in &mut plan.regions {
        region.aborts.retain(|abort| !returning.contains(abort));
    }
    let mut found = scan(&job_of(memory, plan, advertised, jobs));
    if plan.is_cut {
        found.open = true;
        found.sealed = false;
    }
    found
}

fn job_of<'a>(
    memory: &'a dyn Memory,
    plan: &'a Plan,
    advertised: FeatureSet,
    jobs: usize,
) -> Job<'a> {
    Job {
        memory,
        regions: &plan.regions,
        entries: &plan.entries,
        slots: &plan.slots,
        main: plan.main,
        starts: &plan.starts,
        resolvers: &plan.resolvers,
        kernel_pages: &plan.kernel_pages,
        writable: &plan.writable,
        handlers: plan.handlers.as_deref(),
        advertised,
        demands: plan.demands,
        from_start: plan.from_start,
        jobs,
    }
}

/// Decides whose coprocessor 1 the process uses: by code that only one of the two has, by what the kernel
/// advertised, by what its files declare, by its ABI (an old-ABI program without soft-float flags uses FPA).
pub(super) fn coprocessor_one(space: &SpaceFacts) -> Option<CoprocessorOne> {
    // What nothing leads to is no evidence of a unit.
    let seen = [
        &space.code.inevitable,
        &space.code.from_pc,
        &space.code.from_entries,
    ]
    .into_iter()
    .fold(FeatureSet::EMPTY, |set, hits| set.union(hits.set()));
    let hwcap = space.advertised();
    let declared = space.files.iter().any(|file| {
        file.attributes
            .as_ref()
            .is_some_and(|attributes| attributes.unit_features().has(Feature::Iwmmxt))
    });
    let old_fpa = space
        .files
        .iter()
        .any(|file| file.is_executable && file.e_flags >> 24 == 0 && file.e_flags & 0x600 == 0);
    let iwmmxt = seen.has(Feature::Iwmmxt)
        || seen.has(Feature::Iwmmxt2)
        || hwcap.has(Feature::Iwmmxt)
        || declared;
    let fpa = seen.has(Feature::Fpa) || hwcap.has(Feature::Fpa) || old_fpa;
    match (fpa, iwmmxt) {
        (true, false) => Some(CoprocessorOne::Fpa),
        (false, true) => Some(CoprocessorOne::Iwmmxt),
        // The kernel advertises iwMMXt wherever programs may use it, FPA's emulation nowhere.
        _ if space.hwcap.is_some() && !hwcap.has(Feature::Iwmmxt) => Some(CoprocessorOne::Fpa),
        _ => None,
    }
}

/// The instructions that findings name first, to be shown as evidence.
pub(super) fn instructions(memory: &dyn Memory, found: &Found) -> BTreeMap<u32, String> {
    let number = |addr, len| {
        let mut bytes = vec![0; len];
        if memory.read(addr, &mut bytes) < len {
            return None;
        }
        if memory.endian().of_code() == Endian::Little {
            bytes.reverse();
        }
        let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
        Some(digits.collect::<String>())
    };
    let read = |addr: u32, isa| {
        let first = number(addr, if isa == Isa::Arm { 4 } else { 2 })?;
        let wide = isa == Isa::Thumb && first.as_str() >= THUMB_32_BITS;
        let second = wide.then(|| number(addr.checked_add(2)?, 2));
        Some(format!("0x{first}{}", second.flatten().unwrap_or_default()))
    };
    let hits = hits(found).filter_map(|hit| hit.first.first());
    hits.filter_map(|(addr, isa)| Some((*addr, read(*addr, *isa)?)))
        .collect()
}

/// The places that findings name, ascending.
pub(super) fn places(found: &Found) -> BTreeSet<u32> {
    let places = hits(found).flat_map(|hit| &hit.first);
    places.map(|(addr, _)| *addr).collect()
}

fn hits(found: &Found) -> impl Iterator<Item = &Hit> {
    let hits = [
        &found.inevitable,
        &found.from_pc,
        &found.from_entries,
        &found.guarded,
        &found.swept,
    ];
    hits.into_iter().flat_map(|hits| {
        let others = [
            &hits.oabi_calls,
            &hits.kuser_calls,
            &hits.cache_flushes,
            &hits.loads,
            &hits.exec_maps,
            &hits.outside,
        ];
        hits.features.values().chain(others)
    })
}

/// The least first half of a Thumb instruction of 32 bits (DDI0406C A6.1).
const THUMB_32_BITS: &str = "e800";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_join_and_zeros_follow() {
        let (low, high): (&[u8], &[u8]) = (&[1; 4], &[2; 4]);
        let mut memory = PieceMemory::default();
        memory.add(Piece {
            start: 0x1004,
            len: 28,
            source: &high,
            offset: 0,
            file_len: 4,
        });
        memory.add(Piece {
            start: 0x1000,
            len: 4,
            source: &low,
            offset: 0,
            file_len: 4,
        });
        let mut out = [9; 40];
        assert_eq!(memory.read(0x1000, &mut out), 32);
        assert_eq!(out[..9], [1, 1, 1, 1, 2, 2, 2, 2, 0]);
        assert_eq!((out[31], out[32]), (0, 9));
        assert_eq!(memory.read(0x900, &mut out), 0);
    }

    #[test]
    fn more_memory_than_is_looked_through_leaves_the_scan_open() {
        let word = 0x1000_u32.to_le_bytes();
        let bytes: &[u8] = &word.repeat(1024);
        let mut memory = PieceMemory::default();
        memory.add(Piece {
            start: 0x8000,
            len: 4096,
            source: &bytes,
            offset: 0,
            file_len: 4096,
        });
        let code = CodeRegion {
            start: 0x1000,
            end: 0x2000,
            ..CodeRegion::default()
        };
        let all = |end| {
            pointers(
                &memory,
                &[(0x8000, end)],
                std::slice::from_ref(&code),
                0,
                &BTreeSet::new(),
            )
        };
        assert_eq!(all(0x9000), (BTreeSet::from([0x1000]), true));
        let beyond = 0x9000 + u32::try_from(4 * MAX_POINTER_WORDS).unwrap();
        assert_eq!(all(beyond), (BTreeSet::from([0x1000]), false));
    }
}
