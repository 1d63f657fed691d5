//! Formats in memory with which `printf` would print floating-point numbers.
//!
//! A process that holds none never comes to what prints them, but for formats that its code makes: those the scan tells
//! (`Found::makes_formats`). What is found here may be no format: the answer errs to `true`.

use super::elf_image::moved_pairs;
use super::files::{Files, SysrootFile};
use super::linkage::without;
use crate::scan::Memory;

/// Memory that is looked through, bytes.
const MAX_LEN: u64 = 256 << 20;
const BLOCK_LEN: u32 = 64 << 10;
/// So much of a block is looked at with the next one again: the length of a format, bytes.
const OVERLAP: u32 = 2 << 10;

/// Where in readable mappings the formats of a process may lie: not among instructions, nor in the C library, which prints
/// no floating-point numbers of its own.
pub(super) fn places(mappings: Vec<(u32, u32)>, files: &Files) -> Vec<(u32, u32)> {
    let holes: Vec<(u32, u32)> = files.iter().flat_map(without_formats).collect();
    without(mappings, &holes)
}

fn without_formats(file: &SysrootFile) -> Vec<(u32, u32)> {
    let Some((elf, bias)) = file.elf.as_ref().zip(file.bias) else {
        return Vec::new();
    };
    let ranges = if elf.exports_printers() {
        let segments = elf.segments.iter().filter(|segment| segment.is_load());
        segments
            .map(|segment| (segment.addr, segment.addr.saturating_add(segment.mem_len)))
            .collect()
    } else {
        elf.code.clone()
    };
    moved_pairs(&ranges, bias)
}

/// Do ranges of memory hold such a format, or more than can be looked through, or bytes that cannot be read?
pub(super) fn may_print_floats(memory: &dyn Memory, ranges: &[(u32, u32)]) -> bool {
    let lens = ranges.iter().map(|(from, to)| u64::from(to - from));
    lens.sum::<u64>() > MAX_LEN
        || ranges
            .iter()
            .any(|(from, to)| range_may_print(memory, *from, *to))
}

fn range_may_print(memory: &dyn Memory, from: u32, to: u32) -> bool {
    let mut block = vec![0; usize::try_from(BLOCK_LEN).unwrap_or(0)];
    let step = usize::try_from(BLOCK_LEN - OVERLAP).unwrap_or(1);
    (from..to).step_by(step).any(|at| {
        let want = usize::try_from((to - at).min(BLOCK_LEN)).unwrap_or(0);
        let bytes = block.get_mut(..want).unwrap_or_default();
        memory.read(at, bytes) < want || bytes_may_print(bytes)
    })
}

fn bytes_may_print(bytes: &[u8]) -> bool {
    if !bytes.contains(&b'%') {
        return false;
    }
    let wide: Vec<u8> = bytes.chunks_exact(4).map(narrow).collect();
    let texts = bytes.split(|byte| *byte == 0);
    let wide_texts = wide.split(|byte| *byte == 0);
    texts.chain(wide_texts).any(is_format)
}

/// A character of a wide string in either byte order; what is none ends no text, but begins one.
fn narrow(unit: &[u8]) -> u8 {
    const NO_CHARACTER: u8 = 1;
    match unit {
        [byte, 0, 0, 0] | [0, 0, 0, byte] => *byte,
        _ => NO_CHARACTER,
    }
}

/// Texts with `%` in glibc that are never given to `printf` (locale/C-name.c, C-address.c, C-telephone.c; malloc/malloc.c).
const KNOWN: [&str; 4] = [
    "%p%t%g%t%m%t%f",
    "%a%N%f%N%d%N%b%N%s %h %e %r%N%C-%z %T%N%c%N",
    "+%c %a %l",
    "newsize >= nb && (((unsigned long) (chunk2mem (p))) % alignment) == 0",
];

/// Would `printf` print a floating-point number with the text that these bytes end with?
fn is_format(bytes: &[u8]) -> bool {
    bytes.contains(&b'%')
        && text_at_end(bytes).is_some_and(|text| !KNOWN.contains(&text) && takes_floats(text))
}

/// What of bytes is text, from behind the last that is none.
fn text_at_end(bytes: &[u8]) -> Option<&str> {
    let is_text = |byte: &u8| !byte.is_ascii_control() || (7..14).contains(byte) || *byte == 27;
    let from = bytes
        .iter()
        .rposition(|byte| !is_text(byte))
        .map_or(0, |at| at + 1);
    let mut rest = bytes.get(from..)?;
    loop {
        match std::str::from_utf8(rest) {
            Ok(text) => return Some(text),
            Err(error) => rest = rest.get(error.valid_up_to() + 1..)?,
        }
    }
}

/// Letters that end conversions of floating-point numbers.
const FLOATS: &str = "aAeEfFgG";
/// Letters that only conversions of dates end with.
const DATES: &str = "BDHMRTUVWYkrwy";

/// Has a text a conversion of `printf` that ends in such a letter, or that another text may end?
fn takes_floats(text: &str) -> bool {
    let mut floats = false;
    let mut rest = text;
    while let Some((_, behind)) = rest.split_once('%') {
        let specified = behind.trim_start_matches(|c| "-+ #0'I*.123456789$".contains(c));
        let flags = behind.strip_suffix(specified).unwrap_or("");
        if specified.starts_with(|c| DATES.contains(c)) {
            return false;
        }
        let last = specified.trim_start_matches(|c| "hlLqjzZt".contains(c));
        let mut letters = last.chars();
        floats |= match letters.next() {
            // A format that makes a format: the conversion in that has no spaces.
            Some('%') if flags.is_empty() => {
                let made = letters.as_str().split(char::is_whitespace).next();
                made.is_some_and(|made| made.contains(|c| FLOATS.contains(c)))
            }
            Some(letter) => FLOATS.contains(letter),
            // Half a conversion, unless it is a text like "100 % ".
            None => !flags.trim().is_empty() || !specified.is_empty(),
        };
        rest = letters.as_str();
    }
    floats
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::SliceMemory;

    #[test]
    fn formats_of_floats_are_told_from_other_texts() {
        for text in [
            "%g",
            "%08x %g %d\n",
            "%.1f\u{b0}C",
            "% 8.3f",
            "%*.*Lf",
            "%1$a",
            "%'.2F",
            "a%%%d.%dE",
            "%.",
            "%-08",
            "%l",
        ] {
            assert!(takes_floats(text), "{text}");
        }
        for text in [
            "",
            "%d",
            "%s: %s\n",
            "100 %",
            "100 % ",
            "%%",
            "%a %b %e %H:%M:%S %Y",
            "%llx%c%5u",
            "%ld of %zu files",
            "%\u{e9}f",
            "%lu%% packet loss\n",
            "%4u%% usr%4u%% idle",
            "a % 1% of memory",
        ] {
            assert!(!takes_floats(text), "{text}");
        }
    }

    #[test]
    fn bytes_before_a_text_are_no_part_of_it() {
        for bytes in [
            &b"\0\x01\xff%g\0\x02"[..],
            b"\xe2%.*f",
            b"\0\0\0\0%\0\0\0f\0\0\0",
            b"\0\0\0%\0\0\0e",
        ] {
            assert!(bytes_may_print(bytes), "{bytes:?}");
        }
        for bytes in [
            &b"%g\xff\x01\0"[..],
            b"%\0f\0",
            b"%\0\0\0",
            b"\0+%c %a %l\0",
        ] {
            assert!(!bytes_may_print(bytes), "{bytes:?}");
        }
    }

    #[test]
    fn a_format_between_two_blocks_is_found_and_what_cannot_be_read_may_hold_one() {
        let len = usize::try_from(BLOCK_LEN).unwrap();
        let overlap = usize::try_from(OVERLAP).unwrap();
        let may = |bytes: &[u8], to| {
            let mut memory = SliceMemory::default();
            memory.add(0x1000, bytes);
            may_print_floats(&memory, &[(0x1000, to)])
        };
        let (blocks, end) = (vec![0; 2 * len], 0x1000 + 2 * BLOCK_LEN);
        for at in [0, len - overlap - 2, len - 2, len - 1, 2 * len - 4] {
            let mut bytes = blocks.clone();
            bytes[at..at + 4].copy_from_slice(b"%8.f");
            assert!(may(&bytes, end), "{at}");
        }
        assert!(!may(&blocks, end));
        assert!(may(&blocks, end + 1));
    }
}
