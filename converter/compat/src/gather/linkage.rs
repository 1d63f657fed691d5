//! What can be called through memory: slots that the dynamic loader binds, and where pointers to code can lie.

use std::collections::{BTreeMap, BTreeSet};

use super::files::{Files, SysrootFile};
use super::image::word_at;
use crate::elf::ElfFile;
use crate::scan::Memory;

const KIND_SHARED: u16 = 3;
const SEGMENT_RELRO: u32 = 0x6474_e552;
const WRITE: u32 = 2;

/// The linkage tables of all files of a process.
#[derive(Default)]
pub(super) struct Linked {
    /// Slots that are not bound yet, and the function that each will be bound to.
    pub(super) slots: BTreeMap<u32, u32>,
    /// All slots: what lies there is called from where the table is used, and from nowhere else.
    pub(super) all: BTreeSet<u32>,
    /// Functions that the loader calls by itself.
    pub(super) called: BTreeSet<u32>,
}

/// Reads the linkage tables; `None` if functions may be called that no table names.
pub(super) fn link(files: &Files, memory: &dyn Memory) -> Option<Linked> {
    let mut loaded = files
        .iter()
        .map(|file| Some((file.elf.as_ref()?, file.bias?)))
        .collect::<Option<Vec<_>>>()?;
    let exe = files.iter().position(|file| file.is_exe)?;
    if loaded.iter().any(|(elf, _)| elf.linkage.looks_up) {
        return None;
    }
    // Names are looked up in the executable first.
    loaded.swap(0, exe);
    let mut linked = Linked::default();
    for (elf, bias) in &loaded {
        let called = elf.linkage.called.iter();
        linked
            .called
            .extend(called.map(|addr| addr.wrapping_add(*bias)));
        for (slot, name) in &elf.linkage.slots {
            let slot = slot.wrapping_add(*bias);
            linked.all.insert(slot);
            if !is_bound(elf, *bias, word_at(memory, slot)) {
                linked.bind(slot, name, &loaded);
            }
        }
    }
    Some(linked)
}

/// Until a function is called for the first time, its slot points to the linkage table's own code.
fn is_bound(elf: &ElfFile, bias: u32, word: Option<u32>) -> bool {
    word.is_some_and(|word| {
        let addr = word.wrapping_sub(bias);
        let mut exports = elf.linkage.exports.iter();
        !elf.holds_code(addr & !1) || exports.any(|(_, function)| *function == addr)
    })
}

impl Linked {
    /// Binds a slot to the function of a name; all versions of it may be meant.
    fn bind(&mut self, slot: u32, name: &[u8], loaded: &[(&ElfFile, u32)]) {
        let mut found = loaded.iter().filter_map(|(elf, bias)| {
            let functions: Vec<u32> = elf.linkage.named(name).collect();
            (!functions.is_empty()).then_some((*elf, *bias, functions))
        });
        let Some((elf, bias, functions)) = found.next() else {
            return;
        };
        for function in functions {
            let pointer = function.wrapping_add(bias);
            // Which function a resolver will choose is not known.
            if elf.linkage.resolvers.binary_search(&function).is_ok()
                || *self.slots.entry(slot).or_insert(pointer) != pointer
            {
                self.called.insert(pointer);
            }
        }
    }
}

/// Where pointers into code can lie.
pub(super) struct Places {
    /// In data.
    pub(super) data: Vec<(u32, u32)>,
    /// Where what starts a process leaves pointers: on its stack, and in tables that the loader fills.
    pub(super) starts: Vec<(u32, u32)>,
}

/// Sorts out the mappings of a process; `stack` is that which it began on, and the stack pointer.
pub(super) fn places(
    mappings: Vec<(u32, u32)>,
    stack: Option<((u32, u32), u32)>,
    files: &Files,
) -> Places {
    let barren: Vec<(u32, u32)> = files.iter().flat_map(barren).collect();
    let tables: Vec<(u32, u32)> = files.iter().flat_map(filled).collect();
    let data = without(without(mappings, &barren), &tables);
    // Below the stack pointer lies what calls left that are over.
    let used = stack.map(|((_, end), pointer)| (pointer, end));
    Places {
        data: without(data, &Vec::from_iter(stack.map(|(all, _)| all))),
        starts: tables.into_iter().chain(used).collect(),
    }
}

/// Sections with instructions, whose literals the scan of the code reads, and what relocation never touches in a file
/// that lies anywhere.
fn barren(file: &SysrootFile) -> Vec<(u32, u32)> {
    let Some((elf, bias)) = file.elf.as_ref().zip(file.bias) else {
        return Vec::new();
    };
    let fixed = elf.segments.iter().filter(|segment| {
        segment.is_load() && elf.header.kind == KIND_SHARED && segment.flags & WRITE == 0
    });
    let fixed = fixed.map(|segment| (segment.addr, segment.addr.saturating_add(segment.file_len)));
    let ranges = fixed.chain(elf.code.iter().copied());
    ranges
        .map(|(from, to)| (from.wrapping_add(bias), to.wrapping_add(bias)))
        .collect()
}

/// What is written by the loader alone.
fn filled(file: &SysrootFile) -> Vec<(u32, u32)> {
    let Some((elf, bias)) = file.elf.as_ref().zip(file.bias) else {
        return Vec::new();
    };
    let filled = elf
        .segments
        .iter()
        .filter(|segment| segment.kind == SEGMENT_RELRO);
    filled
        .map(|segment| (segment.addr, segment.addr.saturating_add(segment.mem_len)))
        .chain(elf.linkage.tables.iter().copied())
        .map(|(from, to)| (from.wrapping_add(bias), to.wrapping_add(bias)))
        .collect()
}

/// Ranges without holes in them, in words.
fn without(mut ranges: Vec<(u32, u32)>, holes: &[(u32, u32)]) -> Vec<(u32, u32)> {
    for (from, to) in holes.iter().map(|(from, to)| (from & !3, to & !3)) {
        let cut = |(start, end): (u32, u32)| [(start, end.min(from)), (start.max(to), end)];
        ranges = ranges.into_iter().flat_map(cut).collect();
        ranges.retain(|(start, end)| start < end);
        ranges.dedup();
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_cut_out() {
        let ranges = vec![(0x1000, 0x3000), (0x4000, 0x5000)];
        let holes = [(0x1800, 0x2000), (0x0, 0x1004), (0x4000, 0x5000)];
        assert_eq!(
            without(ranges.clone(), &holes),
            [(0x1004, 0x1800), (0x2000, 0x3000)]
        );
        assert_eq!(without(ranges.clone(), &[(0x6000, 0x7000)]), ranges);
    }
}
