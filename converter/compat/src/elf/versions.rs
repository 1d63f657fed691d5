//! Versions of symbols (Linux Standard Base, Symbol Versioning): which of the functions of one name a file means.

use std::collections::BTreeMap;

use super::{ReadAt, Reader, Section, first_of};

/// `SHT_GNU_versym`
const SHT_VERSYM: u32 = 0x6fff_ffff;
/// `SHT_GNU_verneed`
const SHT_VERNEED: u32 = 0x6fff_fffe;
/// `SHT_GNU_verdef`
const SHT_VERDEF: u32 = 0x6fff_fffd;
/// Set for all versions of a name but the one that new programs get.
const HIDDEN: u16 = 0x8000;
/// Versions of one file that are looked at.
const MAX_VERSIONS: usize = 1 << 12;

/// Versions of the symbols that the loader reads.
#[derive(Default)]
pub(super) struct Versions {
    /// Names of versions by their number.
    names: BTreeMap<u16, Box<[u8]>>,
    /// Numbers of the symbols' versions, in the order of the symbols.
    numbers: Vec<u16>,
}

impl Versions {
    /// The name of a symbol with its version, as in `hypot@GLIBC_2.4`, if it has one.
    pub(super) fn full_name(&self, number: usize, name: &[u8]) -> Option<Box<[u8]>> {
        let version = self.names.get(&(self.numbers.get(number)? & !HIDDEN))?;
        Some([name, version].join(&b'@').into())
    }
}

/// The number of a version, and the place of its name.
type Entry = (u16, u32);

impl<R: ReadAt + ?Sized> Reader<'_, R> {
    pub(super) fn versions(&self, sections: &[Section]) -> Versions {
        let numbers = first_of(sections, SHT_VERSYM).and_then(|table| self.section_bytes(table));
        let Some(numbers) = numbers else {
            return Versions::default();
        };
        let number = |two: &[u8]| match (two, self.big_endian) {
            ([low, high], false) | ([high, low], true) => u16::from_le_bytes([*low, *high]),
            _ => 0,
        };
        let defined = self.entries(sections, SHT_VERDEF, |at| self.defined(at));
        let needed = self.entries(sections, SHT_VERNEED, |at| self.needed_of(at));
        Versions {
            names: defined.into_iter().chain(needed).collect(),
            numbers: numbers.chunks_exact(2).map(number).collect(),
        }
    }

    /// Goes through a chain of groups of names.
    fn entries(
        &self,
        sections: &[Section],
        kind: u32,
        group: impl Fn(u64) -> Option<(Vec<Entry>, u32)>,
    ) -> Vec<(u16, Box<[u8]>)> {
        let Some(table) = first_of(sections, kind) else {
            return Vec::new();
        };
        let link = usize::try_from(table.link).ok();
        let Some(strings) = link.and_then(|link| sections.get(link)) else {
            return Vec::new();
        };
        let mut names = Vec::new();
        let mut at = u64::from(table.offset);
        let mut left = MAX_VERSIONS;
        while let Some((entries, next)) = group(at) {
            names.extend(entries.iter().filter_map(|(number, name)| {
                let text = self.text(u64::from(strings.offset) + u64::from(*name), 64)?;
                Some((*number, text.into_bytes().into()))
            }));
            left = left.saturating_sub(entries.len().max(1));
            if next == 0 || left == 0 {
                break;
            }
            at += u64::from(next);
        }
        names
    }

    /// `Elf32_Verdef` with its first `Elf32_Verdaux`, and where the next one is.
    fn defined(&self, at: u64) -> Option<(Vec<Entry>, u32)> {
        let aux = at + u64::from(self.u32(at + 12).ok()?);
        let entry = (self.u16(at + 4).ok()?, self.u32(aux).ok()?);
        Some((vec![entry], self.u32(at + 16).ok()?))
    }

    /// `Elf32_Verneed` with its `Elf32_Vernaux`, and where the next one is.
    fn needed_of(&self, at: u64) -> Option<(Vec<Entry>, u32)> {
        let count = usize::from(self.u16(at + 2).ok()?).min(MAX_VERSIONS);
        let mut aux = at + u64::from(self.u32(at + 8).ok()?);
        let mut entries = Vec::new();
        for _ in 0..count {
            entries.push((self.u16(aux + 6).ok()?, self.u32(aux + 8).ok()?));
            aux += u64::from(self.u32(aux + 12).ok()?);
        }
        Some((entries, self.u32(at + 12).ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    const LEN: usize = 64;

    /// The same bytes again and again without end, and how often they were read.
    struct Endless([u8; LEN], Cell<usize>);

    impl ReadAt for Endless {
        fn read_at(&self, offset: u64, out: &mut [u8]) -> usize {
            self.1.set(self.1.get() + 1);
            let from = usize::try_from(offset).unwrap() % LEN;
            let bytes = self.0.iter().cycle().skip(from);
            out.iter_mut().zip(bytes).for_each(|(to, byte)| *to = *byte);
            out.len()
        }
    }

    #[test]
    fn chains_without_end_are_followed_within_a_bound() {
        let section = |kind| Section {
            name: 0,
            kind,
            flags: 0,
            addr: 0,
            offset: 0,
            len: 2,
            link: 0,
        };
        let sections = [SHT_VERSYM, SHT_VERNEED, SHT_VERDEF].map(section);
        // Groups of no name and of 65 535, one behind another.
        for count in [0, 0xff] {
            let mut bytes = [0; LEN];
            (bytes[2], bytes[3]) = (count, count);
            (bytes[12], bytes[16]) = (64, 64);
            let source = Endless(bytes, Cell::new(0));
            let reader = Reader {
                source: &source,
                big_endian: false,
            };
            reader.versions(&sections);
            let num_reads = source.1.get();
            assert!(
                (MAX_VERSIONS..MAX_VERSIONS * 16).contains(&num_reads),
                "{num_reads}"
            );
        }
    }
}
