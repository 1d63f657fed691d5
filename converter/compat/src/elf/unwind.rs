//! The unwind table (`.ARM.exidx`, Exception Handling ABI for the ARM Architecture, IHI0038), and libgcc's functions that
//! save and restore registers for it.

use super::{ElfFile, ReadAt, Reader, Segment, offset_of};

const SEGMENT_EXIDX: u32 = 0x7000_0001;
/// Functions in an unwind table that are looked at.
const MAX_UNWOUND: usize = 1 << 18;

/// How libgcc's `__gnu_Unwind_Restore_VFP` and `__gnu_Unwind_Save_VFP` begin, in ARM and in Thumb state, and the bytes
/// from there to the end of the last of the ten functions, which lie in one piece.
const UNWINDERS: [[u8; 16]; 2] = [
    *b"\x21\x0b\x90\xec\x1e\xff\x2f\xe1\x21\x0b\x80\xec\x1e\xff\x2f\xe1",
    *b"\x90\xec\x21\x0b\x70\x47\x00\xbf\x80\xec\x21\x0b\x70\x47\x00\xbf",
];
const UNWINDERS_LEN: u32 = 0xe0;

pub(super) fn is_unwinder(name: &[u8]) -> bool {
    name.starts_with(b"__gnu_Unwind_Save_") || name.starts_with(b"__gnu_Unwind_Restore_")
}

/// Longest of these functions: sixteen registers, the return, padding. Bytes.
const MAX_UNWINDER_LEN: u32 = 72;

/// Their symbols have no size: each ends where the next function begins.
pub(super) fn end_unwinder(file: &mut ElfFile) {
    for (start, end) in file.unwinder.iter_mut().filter(|(start, end)| start == end) {
        let after = file
            .functions
            .partition_point(|function| function & !1 <= *start);
        let next = file
            .functions
            .get(after)
            .map_or(u32::MAX, |function| function & !1);
        *end = next.min(start.saturating_add(MAX_UNWINDER_LEN));
    }
}

impl<R: ReadAt + ?Sized> Reader<'_, R> {
    /// Where functions begin by the unwind table (`.ARM.exidx`), up to a limit.
    pub(super) fn unwound(&self, segments: &[Segment]) -> Vec<u32> {
        let table = segments
            .iter()
            .find(|segment| segment.kind == SEGMENT_EXIDX);
        let Some(table) = table else {
            return Vec::new();
        };
        let mut starts: Vec<u32> = (0..table.file_len / 8)
            .take(MAX_UNWOUND)
            .map_while(|number| {
                let offset = u64::from(table.offset) + u64::from(number) * 8;
                let distance = self.u32(offset).ok()? << 1;
                let place = table.addr.wrapping_add(number * 8);
                Some(place.wrapping_add_signed(distance.cast_signed() >> 1))
            })
            .collect();
        starts.sort_unstable();
        starts
    }

    /// Do all functions in the unwind table begin like ARM code does?
    pub(super) fn unwinds_arm_only(&self, file: &ElfFile) -> bool {
        let is_arm = |addr: &u32| {
            let word = offset_of(&file.segments, *addr).and_then(|offset| self.u32(offset).ok());
            // Padding belongs to no function.
            addr.is_multiple_of(4) && word.is_some_and(|word| word >> 29 == 7 || word == 0)
        };
        // The last entry of a table names where the code ends.
        let functions = file.unwound.split_last().map_or(&[][..], |(_, rest)| rest);
        functions.iter().all(is_arm)
    }

    /// The functions of [`ElfFile::unwinder`] in a file without symbols, by their instructions.
    pub(super) fn stripped_unwinder(&self, segments: &[Segment]) -> Vec<(u32, u32)> {
        const PIECE: usize = 1 << 16;
        let mut found = Vec::new();
        let mut bytes = vec![0; PIECE + 16];
        for segment in segments
            .iter()
            .filter(|segment| segment.is_load() && segment.is_executable())
        {
            for start in (0..segment.file_len).step_by(PIECE) {
                let offset = u64::from(segment.offset) + u64::from(start);
                let got = self.source.read_at(offset, &mut bytes);
                let read = bytes.get(..got).unwrap_or_default();
                let at = (0u32..)
                    .step_by(4)
                    .zip(read.windows(16).step_by(4))
                    .find(|(_, window)| UNWINDERS.iter().any(|known| known == window));
                if let Some((at, _)) = at {
                    let addr = segment.addr.wrapping_add(start).wrapping_add(at);
                    found.push((addr, addr.wrapping_add(UNWINDERS_LEN)));
                }
            }
        }
        found
    }
}
