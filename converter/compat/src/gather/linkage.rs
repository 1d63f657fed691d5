//! What can be called through memory: slots that the dynamic loader binds, and where pointers to code can lie.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::elf_image::{moved_pairs, offsets_of};
use super::files::{Files, SysrootFile};
use crate::elf::{ElfFile, Linkage, plain_name};
use crate::scan::{Memory, word_at};

const KIND_SHARED: u16 = 3;
const SEGMENT_RELRO: u32 = 0x6474_e552;

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
        let exports = elf.linkage.exports.iter();
        let own: HashSet<u32> = exports.map(|(_, function)| *function).collect();
        for (slot, name) in &elf.linkage.slots {
            let slot = slot.wrapping_add(*bias);
            linked.all.insert(slot);
            let addr = word_at(memory, slot).map(|word| word.wrapping_sub(*bias));
            if !addr.is_some_and(|addr| is_bound(elf, &own, addr)) {
                linked.bind(slot, name, &loaded);
            }
        }
    }
    Some(linked)
}

/// Until a function is called for the first time, its slot points to the linkage table's own code: into the file, but
/// to none of its functions.
fn is_bound(elf: &ElfFile, own: &HashSet<u32>, addr: u32) -> bool {
    !elf.holds_code(addr & !1) || own.contains(&addr)
}

impl Linked {
    /// Binds a slot to the function of a name; all versions of it may be meant where no file has the one in the name.
    fn bind(&mut self, slot: u32, full_name: &[u8], loaded: &[(&ElfFile, u32)]) {
        let offers = |offered: &dyn Fn(&Linkage) -> Vec<u32>| {
            let mut files = loaded.iter().map(|(elf, bias)| (*elf, *bias));
            files.find_map(|(elf, bias)| {
                let functions = offered(&elf.linkage);
                (!functions.is_empty()).then_some((elf, bias, functions))
            })
        };
        let exact = offers(&|linkage| linkage.meant_by(full_name));
        let any = || offers(&|linkage| linkage.named(plain_name(full_name)).collect());
        let Some((elf, bias, functions)) = exact.or_else(any) else {
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

/// Functions that choose another one, with the Thumb bit, ascending.
pub(super) fn resolvers(files: &Files) -> Vec<u32> {
    let loaded = files
        .iter()
        .filter_map(|file| file.elf.as_ref().zip(file.bias));
    let moved = loaded.flat_map(|(elf, bias)| {
        let resolvers = elf.linkage.resolvers.iter();
        resolvers.map(move |resolver| resolver.wrapping_add(bias))
    });
    let mut resolvers: Vec<u32> = moved.collect();
    resolvers.sort_unstable();
    resolvers
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
    let named: Vec<(u32, u32)> = files.iter().flat_map(named_slots).collect();
    let filled = without(tables, &named);
    // Below the stack pointer lies what calls left that are over.
    let used = stack.map(|((_, end), pointer)| (pointer, end));
    Places {
        data: without(data, &Vec::from_iter(stack.map(|(all, _)| all))),
        starts: filled.into_iter().chain(used).collect(),
    }
}

/// Sections with instructions, whose literals the scan of the code reads, and what relocation never touches in a file
/// that lies anywhere.
fn barren(file: &SysrootFile) -> Vec<(u32, u32)> {
    let Some((elf, bias)) = file.elf.as_ref().zip(file.bias) else {
        return Vec::new();
    };
    let fixed = elf.segments.iter().filter(|segment| {
        segment.is_load() && elf.header.kind == KIND_SHARED && !segment.is_writable()
    });
    let fixed = fixed.map(|segment| (segment.addr, segment.addr.saturating_add(segment.file_len)));
    let ranges: Vec<_> = fixed.chain(elf.code.iter().copied()).collect();
    moved_pairs(&ranges, bias)
}

/// Slots that are followed where code names them.
fn named_slots(file: &SysrootFile) -> Vec<(u32, u32)> {
    let offsets = file.elf.as_ref().zip(file.bias);
    let offsets = offsets.and_then(|(elf, bias)| offsets_of(elf, bias));
    offsets.map_or_else(Vec::new, |offsets| offsets.slots)
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
    let filled = filled.map(|segment| (segment.addr, segment.addr.saturating_add(segment.mem_len)));
    let ranges: Vec<_> = filled.chain(elf.linkage.tables.iter().copied()).collect();
    moved_pairs(&ranges, bias)
}

/// Ranges without holes in them, in words; ascending.
pub(super) fn without(mut ranges: Vec<(u32, u32)>, holes: &[(u32, u32)]) -> Vec<(u32, u32)> {
    let holes = united(holes.iter().map(|(from, to)| (from & !3, to & !3)));
    ranges.sort_unstable();
    let (mut left, mut first) = (Vec::new(), 0);
    for (mut start, end) in ranges {
        let over = holes.get(first..).unwrap_or_default();
        first += over.iter().take_while(|(_, to)| *to <= start).count();
        let ahead = holes.get(first..).unwrap_or_default();
        for (from, to) in ahead.iter().take_while(|(from, _)| *from < end) {
            if start < *from {
                left.push((start, *from));
            }
            start = *to;
        }
        if start < end {
            left.push((start, end));
        }
    }
    left
}

/// Ascending ranges that do not touch, which cover what these do.
fn united(ranges: impl Iterator<Item = (u32, u32)>) -> Vec<(u32, u32)> {
    let mut ranges: Vec<(u32, u32)> = ranges.filter(|(from, to)| from < to).collect();
    ranges.sort_unstable();
    ranges.dedup_by(|next, last| {
        let touch = next.0 <= last.1;
        last.1 = if touch { last.1.max(next.1) } else { last.1 };
        touch
    });
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A library with code at 0x100 to 0x200 that exports functions, two of which have one name.
    fn library() -> ElfFile {
        let mut bytes = vec![0; 84];
        bytes[..7].copy_from_slice(b"\x7fELF\x01\x01\x01");
        bytes[16..20].copy_from_slice(&[3, 0, 40, 0]);
        (bytes[28], bytes[42], bytes[44], bytes[52]) = (52, 32, 1, 1);
        let mut file = crate::elf::read(bytes.as_slice()).unwrap();
        file.code = vec![(0x100, 0x200)];
        let exports: [(&[u8], u32); 4] = [
            (b"chosen", 0x140),
            (b"once", 0x120),
            (b"twice", 0x160),
            (b"twice", 0x180),
        ];
        file.linkage.exports = exports.map(|(name, addr)| (name.into(), addr)).to_vec();
        file.linkage.resolvers = vec![0x140];
        file
    }

    #[test]
    fn slots_are_bound_by_name() {
        let (first, second) = (library(), library());
        let loaded = [(&first, 0x1000), (&second, 0x8000)];
        let mut linked = Linked::default();
        linked.bind(0x10, b"once", &loaded);
        linked.bind(0x14, b"nowhere", &loaded);
        assert_eq!(linked.slots, BTreeMap::from([(0x10, 0x1120)]));
        assert!(linked.called.is_empty());
        // What a resolver chooses, and which version is meant, is not known: all of them may be called.
        linked.bind(0x18, b"chosen", &loaded);
        linked.bind(0x1c, b"twice", &loaded);
        assert_eq!(linked.called, BTreeSet::from([0x1140, 0x1180]));
        assert_eq!(linked.slots.get(&0x1c), Some(&0x1160));
    }

    #[test]
    fn a_slot_is_bound_to_the_version_that_it_names() {
        let (mut program, mut library) = (library(), library());
        program.linkage.exports.clear();
        let exports: [(&[u8], u32); 4] = [
            (b"twice", 0x160),
            (b"twice", 0x180),
            (b"twice@NEW", 0x180),
            (b"twice@OLD", 0x160),
        ];
        library.linkage.exports = exports.map(|(name, addr)| (name.into(), addr)).to_vec();
        let bound = |program: &ElfFile, name: &[u8]| {
            let mut linked = Linked::default();
            linked.bind(0x10, name, &[(program, 0x1000), (&library, 0x8000)]);
            (linked.slots.get(&0x10).copied(), linked.called.len())
        };
        assert_eq!(bound(&program, b"twice@NEW"), (Some(0x8180), 0));
        assert_eq!(bound(&program, b"twice@OLD"), (Some(0x8160), 0));
        // Without its version, and where no file has that version: any.
        assert_eq!(bound(&program, b"twice"), (Some(0x8160), 1));
        assert_eq!(bound(&program, b"twice@OTHER"), (Some(0x8160), 1));
        // A program's own function without versions goes before all.
        program.linkage.exports = vec![(b"twice".as_slice().into(), 0x120)];
        assert_eq!(bound(&program, b"twice@OLD").0, Some(0x1120));
    }

    #[test]
    fn a_slot_into_the_files_own_table_is_not_bound() {
        let file = library();
        let own = HashSet::from([0x120]);
        assert!(!is_bound(&file, &own, 0x104));
        assert!(is_bound(&file, &own, 0x120) && is_bound(&file, &own, 0x7000));
    }

    #[test]
    fn holes_are_cut_out() {
        let ranges = vec![(0x1000, 0x3000), (0x4000, 0x5000)];
        let holes = [(0x1800, 0x2000), (0x0, 0x1004), (0x4000, 0x5000)];
        assert_eq!(
            without(ranges.clone(), &holes),
            [(0x1004, 0x1800), (0x2000, 0x3000)]
        );
        assert_eq!(without(ranges.clone(), &[(0x6000, 0x7000)]), ranges);
        let nested = [
            (0x2800, 0x4800),
            (0x1400, 0x1500),
            (0x1000, 0x1600),
            (0x9, 0x8),
        ];
        assert_eq!(
            without(ranges, &nested),
            [(0x1600, 0x2800), (0x4800, 0x5000)]
        );
    }
}
