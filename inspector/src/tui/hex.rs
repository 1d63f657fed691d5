//! Rows of bytes: hexyl lays them out, we know which cell belongs to which byte.

use hexyl::{BorderStyle, CharacterTable, PrinterBuilder};

/// A row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What hexyl printed.
    pub text: String,
    /// Number of bytes in the row.
    pub bytes: usize,
    /// Columns of the address.
    address: usize,
    panels: usize,
}

/// Bytes in a panel of a row.
pub const PANEL: usize = 8;
/// Columns that a panel takes: separator, eight times a space and two digits, a space.
const HEX: usize = 26;
/// Columns of a panel's characters and the separator.
const CHARS: usize = 9;

impl Line {
    /// Column of the first of the two digits of a byte.
    pub fn hex_column(&self, byte: usize) -> usize {
        2 + self.address + (byte / PANEL) * HEX + (byte % PANEL) * 3 + 1
    }
    /// Column of the character of a byte.
    pub fn char_column(&self, byte: usize) -> usize {
        2 + self.address + self.panels * HEX + (byte / PANEL) * CHARS + byte % PANEL
    }
    /// The byte at a column.
    pub fn byte_at(&self, column: usize) -> Option<usize> {
        (0..self.bytes).find(|byte| {
            let hex = self.hex_column(*byte);
            (hex..hex + 2).contains(&column) || self.char_column(*byte) == column
        })
    }
}

/// Columns that a row of so many panels takes, with addresses below 4 GiB.
pub const fn width(panels: usize) -> usize {
    2 + 8 + panels * (HEX + CHARS)
}

/// Panels that fit into a width, at least one.
pub fn panels_for(columns: u16) -> usize {
    [4, 2, 1]
        .into_iter()
        .find(|panels| width(*panels) <= usize::from(columns) + 1)
        .unwrap_or(1)
}

/// Lays out bytes that begin at `start`.
pub fn lines(bytes: &[u8], start: u64, panels: usize, ascii: bool) -> Vec<Line> {
    let mut out = Vec::new();
    let table = if ascii {
        CharacterTable::Ascii
    } else {
        CharacterTable::Default
    };
    let mut printer = PrinterBuilder::new(&mut out)
        .show_color(false)
        .enable_squeezing(false)
        .with_border_style(BorderStyle::None)
        .num_panels(panels as u64)
        .character_table(table)
        .build();
    printer.display_offset(start);
    // Writing to memory does not fail, and a slice does not either.
    let _ = printer.print_all(bytes);
    let text = String::from_utf8_lossy(&out);
    let mut left = bytes.len();
    let row = |text: &str| {
        let n = left.min(panels * PANEL);
        left -= n;
        let columns = text.chars().count();
        Line {
            text: text.to_owned(),
            bytes: n,
            address: columns.saturating_sub(2 + panels * (HEX + CHARS)),
            panels,
        }
    };
    text.lines()
        .take(bytes.len().div_ceil(panels * PANEL))
        .map(row)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every byte's digits and character are where the line says, whatever the address is.
    #[test]
    fn columns_follow_the_layout() {
        let bytes: Vec<u8> = (0x41..0x41 + 50).collect();
        for (panels, start) in [
            (1, 0),
            (2, 0x1000),
            (4, 0xff_ffff_fff0),
            (2, u64::MAX - 999),
        ] {
            let lines = lines(&bytes, start, panels, true);
            let mut seen = 0;
            for line in &lines {
                let chars: Vec<char> = line.text.chars().collect();
                for i in 0..line.bytes {
                    let at = line.hex_column(i);
                    let digits: String = chars[at..at + 2].iter().collect();
                    assert_eq!(digits, format!("{:02x}", bytes[seen]), "{}", line.text);
                    assert_eq!(
                        chars[line.char_column(i)],
                        char::from(bytes[seen]),
                        "{}",
                        line.text
                    );
                    assert_eq!(line.byte_at(at + 1), Some(i));
                    seen += 1;
                }
            }
            assert_eq!(seen, bytes.len());
        }
    }
}
