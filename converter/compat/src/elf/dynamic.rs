//! The dynamic section: libraries that a file needs, and what is bound by name.

use super::versions::Versions;
use super::{ElfFile, MAX_NAME_LEN, ReadAt, Reader, Segment, offset_of};

const SEGMENT_DYNAMIC: u32 = 2;
const DT_NEEDED: u32 = 1;
const DT_PLTRELSZ: u32 = 2;
const DT_PLTGOT: u32 = 3;
const DT_STRTAB: u32 = 5;
const DT_SYMTAB: u32 = 6;
const DT_INIT: u32 = 12;
const DT_FINI: u32 = 13;
const DT_RPATH: u32 = 15;
const DT_TEXTREL: u32 = 22;
const DT_JMPREL: u32 = 23;
const DT_RUNPATH: u32 = 29;
const DT_FLAGS: u32 = 30;
/// `DF_TEXTREL`
const TEXTREL: u32 = 4;
const R_ARM_JUMP_SLOT: u32 = 22;
/// Slots of one file that are looked at.
const MAX_SLOTS: usize = 1 << 16;

/// Functions that other files see, and slots of the linkage table that the loader binds when they are first used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Linkage {
    /// Functions by name, and by name with version (`hypot@GLIBC_2.4`), with the Thumb bit, ascending.
    pub exports: Vec<(Box<[u8]>, u32)>,
    /// Those of them that choose the function that is meant, ascending.
    pub resolvers: Vec<u32>,
    /// Address of a slot, and the name of the function that belongs there, with its version if there is one.
    pub slots: Vec<(u32, Box<[u8]>)>,
    /// Sections that linker and loader fill with addresses, from and to.
    pub tables: Vec<(u32, u32)>,
    /// The file asks for `longjmp`.
    pub leaps: bool,
    /// Functions that the loader calls when the file comes and goes (`DT_INIT`, `DT_FINI`).
    pub called: Vec<u32>,
    /// The file loads others at run time.
    pub loads: bool,
    /// The file looks functions up by name at run time.
    pub looks_up: bool,
    /// The file asks for a function that demands what a C library does on demand only.
    pub demands: bool,
    /// The loader changes segments that are not writable, too (`DT_TEXTREL`).
    pub moves_code: bool,
    /// Where offsets of slots with addresses count from (`DT_PLTGOT`, the global offset table).
    pub offsets_from: Option<u32>,
    /// The file prints floating-point numbers with other functions than those that take a format.
    pub prints: bool,
}

impl Linkage {
    /// All functions of a name: there is one for each version.
    pub fn named(&self, name: &[u8]) -> impl Iterator<Item = u32> {
        let from = self.exports_from(name).iter();
        from.take_while(move |(known, _)| **known == *name)
            .map(|(_, addr)| *addr)
    }

    /// The functions that a name with or without a version means in this file: a version that it has, or a name that has
    /// none here.
    pub(crate) fn meant_by(&self, full_name: &[u8]) -> Vec<u32> {
        let name = plain_name(full_name);
        let versioned = [name, b"@"].concat();
        let has_versions = self.exports_from(&versioned).first();
        let has_versions = has_versions.is_some_and(|(known, _)| known.starts_with(&versioned));
        let wanted = if has_versions { full_name } else { name };
        self.named(wanted).collect()
    }

    fn exports_from(&self, name: &[u8]) -> &[(Box<[u8]>, u32)] {
        let first = self.exports.partition_point(|(known, _)| **known < *name);
        self.exports.get(first..).unwrap_or_default()
    }
}

/// A name without its version.
pub(crate) fn plain_name(full_name: &[u8]) -> &[u8] {
    let end = full_name.iter().position(|byte| *byte == b'@');
    full_name
        .get(..end.unwrap_or(full_name.len()))
        .unwrap_or(full_name)
}

impl<R: ReadAt + ?Sized> Reader<'_, R> {
    /// Entries of the dynamic section: tag and value.
    fn dynamic(&self, segments: &[Segment]) -> Vec<(u32, u32)> {
        let dynamic = segments
            .iter()
            .find(|segment| segment.kind == SEGMENT_DYNAMIC);
        let Some(dynamic) = dynamic else {
            return Vec::new();
        };
        (0..u64::from(dynamic.file_len.min(1 << 16) / 8))
            .map_while(|index| {
                let at = u64::from(dynamic.offset) + 8 * index;
                Some((self.u32(at).ok()?, self.u32(at + 4).ok()?)).filter(|(tag, _)| *tag != 0)
            })
            .collect()
    }

    /// Names of the libraries that the file needs.
    pub(super) fn needed(&self, segments: &[Segment]) -> Vec<String> {
        self.dynamic_texts(segments, &[DT_NEEDED])
    }

    /// Directories where those are looked for first: `DT_RUNPATH`, or without it `DT_RPATH` (ld.so(8)).
    pub(super) fn run_path(&self, segments: &[Segment]) -> Vec<String> {
        let mut paths = self.dynamic_texts(segments, &[DT_RUNPATH]);
        if paths.is_empty() {
            paths = self.dynamic_texts(segments, &[DT_RPATH]);
        }
        let directories = paths.iter().flat_map(|path| path.split(':'));
        directories
            .filter(|directory| !directory.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// Strings that entries of the dynamic section name.
    fn dynamic_texts(&self, segments: &[Segment], tags: &[u32]) -> Vec<String> {
        const MAX_LEN: usize = 4096;
        let entries = self.dynamic(segments);
        let Some(strings) =
            value_of(&entries, DT_STRTAB).and_then(|addr| offset_of(segments, addr))
        else {
            return Vec::new();
        };
        let texts = entries.iter().filter(|(tag, _)| tags.contains(tag));
        texts
            .filter_map(|(_, text)| self.text(strings + u64::from(*text), MAX_LEN))
            .collect()
    }

    /// Slots that are bound when they are first used (`DT_JMPREL`), and functions that the loader calls.
    pub(super) fn bind(&self, file: &mut ElfFile, versions: &Versions) {
        let entries = self.dynamic(&file.segments);
        let value = |tag| value_of(&entries, tag);
        let offset = |tag| offset_of(&file.segments, value(tag)?);
        file.linkage.offsets_from = value(DT_PLTGOT);
        file.linkage.moves_code = value(DT_TEXTREL).is_some()
            || value(DT_FLAGS).is_some_and(|flags| flags & TEXTREL != 0);
        file.linkage.called = [DT_INIT, DT_FINI].into_iter().filter_map(value).collect();
        if let (Some(relocations), Some(symbols), Some(strings)) =
            (offset(DT_JMPREL), offset(DT_SYMTAB), offset(DT_STRTAB))
        {
            let count = value(DT_PLTRELSZ).unwrap_or(0) / 8;
            file.linkage.slots = (0..u64::from(count))
                .take(MAX_SLOTS)
                .filter_map(|number| {
                    let at = relocations + number * 8;
                    let (slot, info) = (self.u32(at).ok()?, self.u32(at + 4).ok()?);
                    let symbol = info >> 8;
                    let name = self.u32(symbols + u64::from(symbol) * 16).ok()?;
                    let name = self.text(strings + u64::from(name), MAX_NAME_LEN + 1)?;
                    let name = name.into_bytes();
                    let symbol = usize::try_from(symbol).ok()?;
                    let full_name = versions.full_name(symbol, &name);
                    Some((slot, full_name.unwrap_or(name.into()), info & 0xff))
                })
                .filter(|(.., kind)| *kind == R_ARM_JUMP_SLOT)
                .map(|(slot, name, _)| (slot, name))
                .collect();
        }
        file.linkage.exports.sort_unstable();
        file.linkage.exports.dedup();
        file.linkage.resolvers.sort_unstable();
    }
}

fn value_of(entries: &[(u32, u32)], wanted: u32) -> Option<u32> {
    let entry = entries.iter().find(|(tag, _)| *tag == wanted);
    entry.map(|(_, value)| *value)
}
