//! Hex dumps, laid out by hexyl.
//!
//! hexyl prints byte by byte; over hundreds of megabytes that is the time of the whole job. So most
//! rows are filled into a row that hexyl has printed. Rows that it may squeeze are left to it.

use hexyl::{BorderStyle, CharacterTable, PrinterBuilder};
use std::io::{self, Write};
use std::ops::Range;
use std::sync::LazyLock;

/// Bytes in a row.
const ROW: usize = 16;

/// Writes a hex dump of bytes that start at `offset`.
///
/// # Errors
/// Those of `out`.
pub(super) fn dump(bytes: &[u8], offset: u64, colour: bool, out: &mut dyn Write) -> io::Result<()> {
    let end = offset.saturating_add(bytes.len() as u64);
    let Some(mut row) = Row::from_hexyl(offset, end).filter(|_| !colour) else {
        return print(bytes, offset, colour, true, out);
    };
    let (mut rest, mut at) = (bytes, offset);
    while !rest.is_empty() {
        let plain = rest
            .chunks_exact(ROW)
            .take_while(|row| !is_uniform(row))
            .count();
        let (fill, left) = rest.split_at(plain * ROW);
        for bytes in fill.chunks_exact(ROW) {
            row.fill(bytes, at, out)?;
            at += ROW as u64;
        }
        // Up to the row behind those of one value: it shows hexyl that they have an end.
        let uniform = left.chunks(ROW).take_while(|row| is_uniform(row)).count();
        let (squeezed, left) = left.split_at(left.len().min((uniform + 1) * ROW));
        if !squeezed.is_empty() {
            print(squeezed, at, colour, true, out)?;
        }
        at += squeezed.len() as u64;
        rest = left;
    }
    Ok(())
}

/// Whether all bytes of a row have one value.
fn is_uniform(row: &[u8]) -> bool {
    row.iter().all(|byte| Some(byte) == row.first())
}

/// Lets hexyl print.
fn print(
    bytes: &[u8],
    offset: u64,
    colour: bool,
    squeeze: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut out = out;
    let mut printer = PrinterBuilder::new(&mut out)
        .show_color(colour)
        .show_char_panel(true)
        .show_position_panel(true)
        .with_border_style(BorderStyle::None)
        .enable_squeezing(squeeze)
        .num_panels(2)
        .character_table(CharacterTable::Default)
        .build();
    printer.display_offset(offset);
    printer.print_all(bytes).map_err(io::Error::other)
}

/// A row as hexyl prints it, to fill in other bytes.
struct Row {
    line: Vec<u8>,
    /// Where the digits of the address are.
    address: Range<usize>,
    /// Where the two digits of each byte are.
    digits: Vec<usize>,
    /// Where the characters begin.
    characters: usize,
}

/// A byte whose digits and character occur in no address, and its characters in a row.
const SAMPLE: (u8, &str) = (b'G', "GGGGGGGG GGGGGGGG ");
const DIGITS: &[u8; 16] = b"0123456789abcdef";

impl Row {
    /// None if addresses between `start` and `end` differ in width.
    fn from_hexyl(start: u64, end: u64) -> Option<Self> {
        let text = printed(SAMPLE.0, start)?;
        let same_width = printed(SAMPLE.0, end)?.len() == text.len();
        let characters = text.find(SAMPLE.1)?;
        let from = text.find(|c| c != ' ')?;
        let address = from..from + text.get(from..)?.find(' ')?;
        let is_byte = |at: &usize| text.get(*at..at + 2) == Some("47");
        let digits: Vec<usize> = (address.end..characters).filter(is_byte).collect();
        (same_width && digits.len() == ROW).then(|| Row {
            line: text.into_bytes(),
            address,
            digits,
            characters,
        })
    }

    fn fill(&mut self, bytes: &[u8], address: u64, out: &mut dyn Write) -> io::Result<()> {
        let mut rest = address;
        let digits = self.line.get_mut(self.address.clone()).unwrap_or_default();
        for digit in digits.iter_mut().rev() {
            *digit = DIGITS[(rest & 15) as usize];
            rest >>= 4;
        }
        for (byte, at) in bytes.iter().zip(&self.digits) {
            if let Some([high, low]) = self.line.get_mut(*at..at + 2) {
                *high = DIGITS[usize::from(byte >> 4)];
                *low = DIGITS[usize::from(byte & 15)];
            }
        }
        self.line.truncate(self.characters);
        let characters = &*CHARACTERS;
        for panel in bytes.chunks(ROW / 2) {
            for byte in panel {
                let (utf8, len) = characters[usize::from(*byte)];
                // A copy of fixed length is one move.
                let end = self.line.len() + len;
                self.line.extend_from_slice(&utf8);
                self.line.truncate(end);
            }
            self.line.push(b' ');
        }
        self.line.push(b'\n');
        out.write_all(&self.line)
    }
}

/// The character that hexyl prints for each byte, in UTF-8, and its length.
static CHARACTERS: LazyLock<[([u8; 4], usize); 256]> = LazyLock::new(|| {
    std::array::from_fn(|byte| {
        let byte = byte.to_le_bytes()[0];
        let row = printed(byte, 0).unwrap_or_default();
        let last = row.trim_end_matches([' ', '\n']).chars().last();
        let character = last.filter(|_| byte != b' ').unwrap_or(' ');
        let mut utf8 = [0; 4];
        let len = character.encode_utf8(&mut utf8).len();
        (utf8, len)
    })
});

/// A row of one value.
fn printed(byte: u8, offset: u64) -> Option<String> {
    let mut out = Vec::new();
    print(&[byte; ROW], offset, false, false, &mut out).ok()?;
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    /// Bytes in which rows of one value are as likely as others.
    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let uniform = (any::<u8>(), 1usize..5).prop_map(|(byte, rows)| vec![byte; rows * ROW]);
        let pieces = vec(prop_oneof![uniform, vec(any::<u8>(), ROW..5 * ROW)], 1..8);
        (pieces, vec(any::<u8>(), 0..ROW)).prop_map(|(pieces, end)| [pieces.concat(), end].concat())
    }

    proptest! {
        #[test]
        fn rows_are_those_of_hexyl(
            bytes in bytes(),
            offset in prop_oneof![0..0x1000u64, 0xffff_ff80..0x1_0000_0100u64, any::<u64>()],
        ) {
            let (mut ours, mut theirs) = (Vec::new(), Vec::new());
            dump(&bytes, offset, false, &mut ours).unwrap();
            print(&bytes, offset, false, true, &mut theirs).unwrap();
            prop_assert_eq!(String::from_utf8(ours).unwrap(), String::from_utf8(theirs).unwrap());
        }
    }
}
