//! A plain executable or library: what would a process of it need?

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::linkage::without;
use super::readable::{Faults, Readable};
use super::space::{
    Piece, PieceMemory, Plan, coprocessor_one, instructions, places, pointers, run,
};
use super::{Options, below_sysroot};
use crate::elf::{self, Attributes, ElfError, ElfFile, ReadAt};
use crate::evidence::{AbiSign, Evidence, FileFacts, MappingFacts, Origin, SpaceFacts};
use crate::feature::FeatureSet;
use crate::parallel;
use crate::scan::{CodeRegion, EntryKind, Offsets};
use crate::target::Endian;
use crate::verdict::Cite;

/// Position-independent files are looked at as if loaded here, so that small numbers are no addresses.
const LOAD_BIAS: u32 = 0x0040_0000;
const KIND_EXECUTABLE: u16 = 2;
const KIND_SHARED: u16 = 3;

/// Gathers from an executable or library; with a sysroot from the libraries that it needs, too.
///
/// # Errors
/// The file is no ELF file of 32-bit ARM, or its headers are cut short.
pub fn from_elf(
    source: &(dyn ReadAt + Sync),
    name: &str,
    options: &Options,
) -> Result<Evidence, ElfError> {
    let file = elf::read(source)?;
    let endian = byte_order(&file.header);
    let mut evidence = Evidence {
        origin: Origin::Elf,
        endian: Some(endian),
        sysroot: options.sysroot.is_some(),
        ..Evidence::default()
    };
    let faults = Faults::default();
    let libraries = match &options.sysroot {
        Some(sysroot) => libraries(
            &file,
            Path::new(name),
            sysroot,
            &mut evidence.missing_files,
            &faults,
        ),
        None => Vec::new(),
    };
    let main: (&(dyn ReadAt + Sync), _, _, _) = (source, &file, name, true);
    let mut loaded = vec![main];
    for (source, library, name) in &libraries {
        loaded.push((source, library, name, false));
    }
    let each = options.shared_by(loaded.len());
    evidence.spaces = parallel::map(&loaded, options.jobs, |(source, file, name, main)| {
        space_of(*source, file, name, *main, &each)
    });
    if let Some(program) = evidence.spaces.first_mut() {
        program.unseen_code.clone_from(&evidence.missing_files);
    }
    evidence.unreadable_files = faults.all();
    Ok(evidence)
}

pub(super) fn byte_order(header: &elf::Header) -> Endian {
    match (header.big_endian, header.is_be8()) {
        (false, _) => Endian::Little,
        (true, true) => Endian::Be8,
        (true, false) => Endian::Be32,
    }
}

/// The loader and the libraries by name, each an address space of its own; libraries of libraries too.
fn libraries(
    file: &ElfFile,
    path: &Path,
    sysroot: &Path,
    missing: &mut Vec<String>,
    faults: &Faults,
) -> Vec<(Readable, ElfFile, String)> {
    let mut found = Vec::new();
    let mut wanted = wanted_by(file, path, sysroot);
    let mut done = BTreeSet::new();
    while let Some(Wanted { name, beside }) = wanted.pop() {
        let short = name.rsplit('/').next().unwrap_or(&name).to_owned();
        if !done.insert(short) {
            continue;
        }
        let path = beside
            .iter()
            .find_map(|directory| directory.find(sysroot, &name))
            .or_else(|| find_library(sysroot, &name));
        let opened = path.and_then(|path| {
            let source = faults.open(&path)?;
            let library = elf::read(&source).ok()?;
            Some((source, library, path))
        });
        let Some((source, library, path)) = opened else {
            missing.push(name);
            continue;
        };
        wanted.extend(wanted_by(&library, &path, sysroot));
        found.push((source, library, name));
    }
    found
}

/// A library that a file asks for, and the directories that it names for it.
struct Wanted {
    name: String,
    beside: Vec<Directory>,
}

enum Directory {
    /// On the machine that the files are of.
    Source(String),
    /// On this machine: near the file that is asked about, which its user named.
    Here(PathBuf),
}

impl Directory {
    fn find(&self, sysroot: &Path, name: &str) -> Option<PathBuf> {
        if name.contains('/') {
            return None;
        }
        match self {
            Self::Source(directory) => below_sysroot(sysroot, &format!("{directory}/{name}")),
            Self::Here(directory) => Some(directory.join(name)).filter(|path| path.is_file()),
        }
    }
}

/// What a file at a path needs; the directory of one below the sysroot is of the machine that the files are of.
fn wanted_by(file: &ElfFile, path: &Path, sysroot: &Path) -> Vec<Wanted> {
    let names = file.interpreter.iter().chain(&file.needed);
    let beside = |text: &String| {
        let near = ["$ORIGIN", "${ORIGIN}"];
        match near.iter().find_map(|origin| text.strip_prefix(origin)) {
            Some(rest) => {
                let own = path.parent().unwrap_or(Path::new(""));
                let near = own.join(rest.trim_start_matches('/'));
                match near.strip_prefix(sysroot) {
                    Ok(inside) => Directory::Source(inside.to_string_lossy().into_owned()),
                    Err(_) => Directory::Here(near),
                }
            }
            None => Directory::Source(text.clone()),
        }
    };
    names
        .map(|name| Wanted {
            name: name.clone(),
            beside: file.run_path.iter().map(beside).collect(),
        })
        .collect()
}

/// Directories that dynamic loaders search, with Debian's multiarch ones.
const LIBRARY_DIRS: [&str; 8] = [
    "/lib",
    "/usr/lib",
    "/lib/arm-linux-gnueabihf",
    "/usr/lib/arm-linux-gnueabihf",
    "/lib/arm-linux-gnueabi",
    "/usr/lib/arm-linux-gnueabi",
    "/usr/local/lib",
    "/opt/lib",
];

pub(super) fn find_library(sysroot: &Path, name: &str) -> Option<PathBuf> {
    if name.starts_with('/') {
        return below_sysroot(sysroot, name);
    }
    LIBRARY_DIRS
        .iter()
        .find_map(|directory| below_sysroot(sysroot, &format!("{directory}/{name}")))
}

pub(super) fn facts_of(file: &ElfFile, name: &str, is_executable: bool) -> FileFacts {
    FileFacts {
        name: name.to_owned(),
        e_flags: file.header.flags,
        attributes: file.attributes.clone(),
        is_executable,
        min_align: file
            .segments
            .iter()
            .filter(|segment| segment.is_load())
            .map(|segment| segment.align)
            .min(),
    }
}

/// `e_flags` of a file as a sign of the ABI.
pub(super) fn flags_of(file: &ElfFile, name: &str) -> (AbiSign, Cite) {
    let at = Cite {
        file: Some(name.to_owned()),
        ..Cite::default()
    };
    (AbiSign::ElfFlags(file.header.flags), at.field("e_flags"))
}

fn space_of(
    source: &(dyn ReadAt + Sync),
    file: &ElfFile,
    name: &str,
    main: bool,
    options: &Options,
) -> SpaceFacts {
    let position_independent = file.header.kind == KIND_SHARED;
    let bias = if position_independent { LOAD_BIAS } else { 0 };
    let runs = main
        && file.header.entry != 0
        && (file.header.kind == KIND_EXECUTABLE
            || file.interpreter.is_some()
            || file.main.is_some());
    let (memory, mut plan) = plan_of(source, file, name, bias, runs);
    let mut space = SpaceFacts {
        label: name.to_owned(),
        mappings: if position_independent {
            Vec::new()
        } else {
            mappings_of(file, name)
        },
        interpreter: file.interpreter.clone(),
        abi_signs: vec![flags_of(file, name)],
        files: vec![facts_of(file, name, main)],
        moved_by: bias,
        loads: main && file.linkage.loads,
        code: run(&memory, &mut plan, FeatureSet::EMPTY, options.jobs),
        ..SpaceFacts::default()
    };
    space.coprocessor_one = coprocessor_one(&space);
    space.instructions = instructions(&memory, &space.code);
    space.functions = function_names(source, bias, places(&space.code));
    space
}

/// The names of the functions of a file in which places lie that it was loaded to.
pub(super) fn function_names(
    source: &(dyn ReadAt + Sync),
    bias: u32,
    places: impl IntoIterator<Item = u32>,
) -> BTreeMap<u32, String> {
    let inside: BTreeSet<u32> = places
        .into_iter()
        .map(|addr| addr.wrapping_sub(bias))
        .collect();
    if inside.is_empty() {
        return BTreeMap::new();
    }
    let names = elf::names(source, &Vec::from_iter(inside));
    let moved = names.into_iter();
    moved
        .map(|(addr, name)| (addr.wrapping_add(bias), name))
        .collect()
}

fn plan_of<'a>(
    source: &'a (dyn ReadAt + Sync),
    file: &ElfFile,
    name: &str,
    bias: u32,
    runs: bool,
) -> (PieceMemory<'a>, Plan) {
    let position_independent = file.header.kind == KIND_SHARED;
    let mut memory = PieceMemory::new(byte_order(&file.header));
    let mut plan = Plan {
        regions: Vec::new(),
        entries: Vec::new(),
        slots: BTreeMap::new(),
        main: None,
        starts: Vec::new(),
        resolvers: moved(&file.linkage.resolvers, bias),
        kernel_pages: Vec::new(),
        writable: Vec::new(),
        handlers: None,
        demands: true,
        from_start: true,
        is_cut: false,
    };
    let mut ranges = Vec::new();
    for segment in file.segments.iter().filter(|segment| segment.is_load()) {
        let start = segment.addr.wrapping_add(bias);
        memory.add(Piece {
            start: u64::from(start),
            len: u64::from(segment.mem_len.max(segment.file_len)),
            source,
            offset: u64::from(segment.offset),
            file_len: u64::from(segment.file_len),
        });
        let end = start.saturating_add(segment.file_len);
        if segment.is_executable() {
            let mut region = region_of(file, name, bias, start, end);
            // They will ask the machine that the file is started on.
            region.guarded.extend(moved_pairs(&file.printers, bias));
            plan.regions.push(region);
        }
        if !position_independent || segment.is_writable() || file.linkage.moves_code {
            ranges.push((start, end));
        }
    }
    plan.regions.sort_by_key(|region| region.start);
    // The scan of the code reads its literals.
    let ranges = without(ranges, &moved_pairs(&file.code, bias));
    enter(&mut plan, &memory, file, bias, runs, &ranges);
    (memory, plan)
}

pub(super) fn region_of(file: &ElfFile, name: &str, bias: u32, start: u32, end: u32) -> CodeRegion {
    let map = file
        .map
        .iter()
        .map(|(addr, kind)| (addr.wrapping_add(bias), *kind));
    // Between any two names, entries of the unwind table and edges of sections lie whole functions.
    let edges = file.code.iter().flat_map(|(from, to)| [*from, *to]);
    let named = file.functions.iter().chain(&file.unwound);
    let mut bounds: Vec<u32> = named.map(|pointer| pointer & !1).chain(edges).collect();
    bounds.sort_unstable();
    bounds.dedup();
    CodeRegion {
        start,
        end,
        name: name.to_owned(),
        map: map
            .filter(|(addr, _)| (start..end).contains(addr))
            .collect(),
        sections: moved_pairs(&file.code, bias),
        is_all_arm: is_all_arm(file),
        declared: (file.attributes.as_ref()).map_or(FeatureSet::EMPTY, Attributes::unit_features),
        undeclared: FeatureSet::EMPTY,
        functions: moved(&file.functions, bias),
        aborts: moved(&file.aborts, bias),
        leaps: moved(&file.leaps, bias),
        loads: moved(&file.loads, bias),
        maps: moved(&file.maps, bias),
        translators: moved(&file.translators, bias),
        formats: (file.formats.iter())
            .map(|(pointer, arg)| (pointer.wrapping_add(bias), *arg))
            .collect(),
        is_libc: file.exports_printers(),
        throws: moved(&file.throws, bias),
        on_demand: moved(&file.on_demand, bias),
        // In what a loader binds, the names that it asks for tell.
        demands: if file.is_static() {
            moved(&file.demands, bias)
        } else {
            Vec::new()
        },
        offsets: offsets_of(file, bias),
        bounds: moved(&bounds, bias),
        guarded: moved_pairs(&file.unwinder, bias),
    }
}

/// The slots that constants in the code of a file lead to: ARM code that does not lie at a fixed address has no other way
/// to them.
pub(super) fn offsets_of(file: &ElfFile, bias: u32) -> Option<Offsets> {
    let base = file.linkage.offsets_from.filter(|_| is_all_arm(file))?;
    let mut slots = moved_pairs(&file.linkage.tables, bias);
    slots.sort_unstable();
    Some(Offsets {
        base: base.wrapping_add(bias),
        slots,
    })
}

/// Do names and the unwind table tell of many functions, and none of Thumb code?
fn is_all_arm(file: &ElfFile) -> bool {
    let (names, unwound) = (file.functions.len(), file.unwound.len());
    file.functions.iter().all(|pointer| pointer & 1 == 0)
        && (names >= MANY || file.unwinds_arm_only && names + unwound >= MANY)
}

/// So many names of functions that they say something of the rest.
const MANY: usize = 32;

fn moved(addrs: &[u32], bias: u32) -> Vec<u32> {
    addrs.iter().map(|addr| addr.wrapping_add(bias)).collect()
}

pub(super) fn moved_pairs(pairs: &[(u32, u32)], bias: u32) -> Vec<(u32, u32)> {
    pairs
        .iter()
        .map(|(from, to)| (from.wrapping_add(bias), to.wrapping_add(bias)))
        .collect()
}

fn enter(
    plan: &mut Plan,
    memory: &PieceMemory<'_>,
    file: &ElfFile,
    bias: u32,
    runs: bool,
    ranges: &[(u32, u32)],
) {
    if file.header.entry != 0 {
        let kind = if runs {
            EntryKind::Pc
        } else {
            EntryKind::Known
        };
        plan.enter(file.header.entry.wrapping_add(bias), kind);
    }
    if let Some(main) = file.main.filter(|_| runs) {
        plan.enter(main.wrapping_add(bias), EntryKind::Pc);
    }
    for function in &file.functions {
        plan.enter(function.wrapping_add(bias), EntryKind::Known);
    }
    let (pointers, all) = pointers(memory, ranges, &plan.regions, bias, &BTreeSet::new());
    plan.is_cut |= !all;
    for pointer in pointers {
        plan.enter(pointer, EntryKind::Pointer);
    }
}

/// Where the segments of a position-dependent file will lie, in pages of its own alignment.
fn mappings_of(file: &ElfFile, name: &str) -> Vec<MappingFacts> {
    let loads = file.segments.iter().filter(|segment| segment.is_load());
    loads
        .map(|segment| {
            let page = u64::from(segment.align.max(1)).clamp(4096, 65536);
            let (start, end) = (
                u64::from(segment.addr),
                u64::from(segment.addr) + u64::from(segment.mem_len),
            );
            MappingFacts {
                start: start - start % page,
                end: end.next_multiple_of(4096),
                read: segment.flags & 4 != 0,
                write: segment.flags & 2 != 0,
                exec: segment.is_executable(),
                shared: false,
                file_offset: u64::from(segment.offset) - u64::from(segment.offset) % page,
                name: name.to_owned(),
                place: None,
            }
        })
        .collect()
}
