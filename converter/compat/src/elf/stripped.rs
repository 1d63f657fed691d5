//! Functions of glibc that a stripped library does not name, told by who calls whom.

use std::collections::BTreeSet;

use super::{ElfFile, ReadAt, Reader, offset_of};

/// The printer of decimal numbers, which glibc exports.
const PRINTER: &[u8] = b"__printf_fp";
/// What goes on with the unwinding of a thread, which glibc exports; it calls what begins it.
const UNWINDS_ON: &[u8] = b"__pthread_unwind_next";
/// Instructions of a file without symbols that are looked through, bytes.
const MAX_CODE_LEN: u32 = 8 << 20;

impl ElfFile {
    /// Is this the C library whose printers these are, and not a program that has them in it?
    pub(crate) fn exports_printers(&self) -> bool {
        self.linkage.named(PRINTER).next().is_some()
    }
}

impl<R: ReadAt + ?Sized> Reader<'_, R> {
    /// Finds them in a library of ARM code without symbols.
    pub(super) fn name_stripped(&self, file: &mut ElfFile) {
        let is_arm = |addr: &u32| addr & 1 == 0 && !self.big_endian;
        if let Some(printer) = file.linkage.named(PRINTER).next().filter(is_arm) {
            let calls = self.calls(file);
            file.printers = calls.printers(printer);
            let unwinds = file
                .linkage
                .named(UNWINDS_ON)
                .flat_map(|on| calls.callees(on));
            file.on_demand.extend(unwinds.collect::<Vec<_>>());
        }
    }

    /// Who calls whom in ARM code.
    fn calls(&self, file: &ElfFile) -> Calls {
        let mut calls = Calls::default();
        let exports = file.linkage.exports.iter();
        calls.starts = exports.map(|(_, addr)| addr & !1).collect();
        let (mut branches, mut vfp) = (Vec::new(), Vec::new());
        let mut left = MAX_CODE_LEN;
        for (from, to) in &file.code {
            let len = to.saturating_sub(*from).min(left);
            left -= len;
            let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
            let offset = offset_of(&file.segments, *from);
            let got = offset.map_or(0, |offset| self.source.read_at(offset, &mut bytes));
            let words = bytes.get(..got).unwrap_or_default().chunks_exact(4);
            let words = words.filter_map(|word| Some(u32::from_le_bytes(word.try_into().ok()?)));
            for (addr, word) in (*from..).step_by(4).zip(words) {
                if let Some((target, links)) = branch(word, addr) {
                    branches.push((addr, target));
                    calls.starts.extend(links.then_some(target));
                }
                if uses_vfp(word) {
                    vfp.push(addr);
                }
            }
        }
        for (addr, target) in branches {
            let caller = calls.function_at(addr);
            if let Some(caller) = caller.filter(|caller| *caller != target) {
                calls.edges.insert((target, caller));
            }
        }
        calls.use_vfp = vfp
            .into_iter()
            .filter_map(|addr| calls.function_at(addr))
            .collect();
        calls
    }
}

/// Functions, by where they begin, and their direct calls.
#[derive(Default)]
struct Calls {
    /// What is called or exported.
    starts: BTreeSet<u32>,
    /// A function and one that calls it, or jumps to it.
    edges: BTreeSet<(u32, u32)>,
    use_vfp: BTreeSet<u32>,
}

impl Calls {
    fn function_at(&self, addr: u32) -> Option<u32> {
        self.starts.range(..=addr).next_back().copied()
    }

    fn end_of(&self, start: u32) -> Option<u32> {
        self.starts.range(start.checked_add(1)?..).next().copied()
    }

    /// The printers, from and to: what the one that is exported calls and uses VFP, and what uses VFP and is called only
    /// by those who call that, too.
    fn printers(&self, exported: u32) -> Vec<(u32, u32)> {
        let of_exported = |function: &&u32| self.callers(**function).contains(&exported);
        let decimal: Vec<u32> = self.use_vfp.iter().filter(of_exported).copied().collect();
        let print: BTreeSet<u32> = decimal
            .iter()
            .chain([&exported])
            .flat_map(|function| self.callers(*function))
            .collect();
        let beside = |function: &&u32| {
            let callers = self.callers(**function);
            !decimal.is_empty() && !callers.is_empty() && callers.is_subset(&print)
        };
        let printers = self.use_vfp.iter().filter(beside);
        printers
            .filter_map(|start| Some((*start, self.end_of(*start)?)))
            .collect()
    }

    fn callees(&self, function: u32) -> Vec<u32> {
        let edges = self.edges.iter().filter(|(_, caller)| *caller == function);
        edges.map(|(callee, _)| *callee).collect()
    }

    fn callers(&self, function: u32) -> BTreeSet<u32> {
        let edges = self.edges.range((function, 0)..=(function, u32::MAX));
        edges.map(|(_, caller)| *caller).collect()
    }
}

/// Where `B` or `BL` leads, and whether it links (DDI0406C A5.5).
fn branch(word: u32, addr: u32) -> Option<(u32, bool)> {
    let is_branch = word >> 25 & 7 == 0b101 && word >> 28 != 15;
    let offset = (word << 8).cast_signed() >> 6;
    let target = addr.wrapping_add(8).wrapping_add_signed(offset);
    is_branch.then_some((target, word >> 24 & 1 == 1))
}

/// Does an instruction go to coprocessor 10 or 11 (DDI0406C A5.6)?
const fn uses_vfp(word: u32) -> bool {
    word >> 28 != 15 && word >> 26 & 3 == 3 && word >> 24 & 3 != 3 && word >> 9 & 7 == 5
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_and_vfp_are_told_apart_from_the_rest() {
        assert_eq!(branch(0xeb00_0001, 0x1000), Some((0x100c, true)));
        assert_eq!(branch(0x0aff_fffe, 0x1000), Some((0x1000, false)));
        assert_eq!(branch(0xfa00_0000, 0x1000), None);
        assert_eq!(branch(0xe3a0_0001, 0x1000), None);
        // vmrs r2, fpscr; vstmia ip!, {d8-d15}; mrc p15; svc 0; a literal.
        assert!(uses_vfp(0xeef1_2a10) && uses_vfp(0xecac_8b10));
        assert!(!uses_vfp(0xee1d_0f70) && !uses_vfp(0xef00_0000) && !uses_vfp(0xfef1_2a10));
    }
}
