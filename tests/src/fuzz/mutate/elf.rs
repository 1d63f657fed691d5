//! Headers and notes of an ELF file.

use super::{flip, index, interesting, put};
use crate::Random;

/// Type of a program header that holds notes.
const PT_NOTE: u32 = 4;

/// Where the tables of a class stand.
struct Shape {
    big: bool,
    header: usize,
    segment: usize,
    section: usize,
    /// Offsets of the word that tells a table's place, and of its 16-bit count.
    segments: (usize, usize),
    sections: (usize, usize),
    /// Offsets of a segment's place and length in the file.
    place: (usize, usize),
}

impl Shape {
    fn of(bytes: &[u8]) -> Self {
        let big = bytes.get(5) == Some(&2);
        if bytes.get(4) == Some(&2) {
            Shape {
                big,
                header: 64,
                segment: 56,
                section: 64,
                segments: (32, 56),
                sections: (40, 60),
                place: (8, 32),
            }
        } else {
            Shape {
                big,
                header: 52,
                segment: 32,
                section: 40,
                segments: (28, 44),
                sections: (32, 48),
                place: (4, 16),
            }
        }
    }
    fn word(&self, bytes: &[u8], at: usize, len: usize) -> usize {
        let raw = bytes.get(at..at + len).unwrap_or_default();
        let fold = |value: usize, byte: &u8| (value << 8) | usize::from(*byte);
        if self.big {
            raw.iter().fold(0, fold)
        } else {
            raw.iter().rev().fold(0, fold)
        }
    }
    /// The low half of a word: nothing here is longer than 4 GiB.
    fn short(&self, bytes: &[u8], at: usize) -> usize {
        let at = if self.big && self.header == 64 {
            at + 4
        } else {
            at
        };
        self.word(bytes, at, 4)
    }
    /// Where some entry of a table begins.
    fn entry(&self, bytes: &[u8], table: (usize, usize), len: usize, random: &mut Random) -> usize {
        let count = self.word(bytes, table.1, 2).max(1);
        self.short(bytes, table.0) + len * index(random, count)
    }
}

/// Changes one word of the header, of a segment, a section, or a note; or gives a segment what
/// another one has.
pub(super) fn mutate(bytes: &mut [u8], random: &mut Random) {
    let shape = Shape::of(bytes);
    let (start, len) = match random.below(8) {
        0 => (16, shape.header - 16),
        1 | 2 => (
            shape.entry(bytes, shape.segments, shape.segment, random),
            shape.segment,
        ),
        3 => (
            shape.entry(bytes, shape.sections, shape.section, random),
            shape.section,
        ),
        4 => return copy_segment(bytes, &shape, random),
        5 => return flip(bytes, random),
        _ => notes(bytes, &shape),
    };
    let at = start + 4 * index(random, len / 4);
    let value = interesting(random, u32::try_from(bytes.len()).unwrap_or(0));
    let value = if shape.big {
        value.to_be_bytes()
    } else {
        value.to_le_bytes()
    };
    put(bytes, at, &value);
}

/// Two segments in the same place, or nearly.
fn copy_segment(bytes: &mut [u8], shape: &Shape, random: &mut Random) {
    let from = shape.entry(bytes, shape.segments, shape.segment, random);
    let to = shape.entry(bytes, shape.segments, shape.segment, random);
    let len = 4 * (1 + index(random, shape.segment / 4));
    if let Some(part) = bytes.get(from..from + len).map(<[u8]>::to_vec) {
        put(bytes, to, &part);
    }
}

/// Place and length of the first segment with notes.
fn notes(bytes: &[u8], shape: &Shape) -> (usize, usize) {
    let table = shape.short(bytes, shape.segments.0);
    let count = shape.word(bytes, shape.segments.1, 2);
    let found = (0..count)
        .map(|n| table + n * shape.segment)
        .find(|at| shape.word(bytes, *at, 4) == PT_NOTE as usize);
    found.map_or((0, bytes.len()), |at| {
        let place = shape.short(bytes, at + shape.place.0);
        (place, shape.short(bytes, at + shape.place.1))
    })
}
