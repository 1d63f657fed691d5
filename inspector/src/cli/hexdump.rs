//! Hex dumps, laid out by hexyl.

use hexyl::{BorderStyle, CharacterTable, PrinterBuilder};
use std::io::{self, Write};

/// Writes a hex dump of bytes that start at `offset`.
///
/// # Errors
/// Those of `out`.
pub(super) fn dump(bytes: &[u8], offset: u64, colour: bool, out: &mut dyn Write) -> io::Result<()> {
    let mut out = out;
    let mut printer = PrinterBuilder::new(&mut out)
        .show_color(colour)
        .show_char_panel(true)
        .show_position_panel(true)
        .with_border_style(BorderStyle::None)
        .enable_squeezing(true)
        .num_panels(2)
        .character_table(CharacterTable::Default)
        .build();
    printer.display_offset(offset);
    printer.print_all(bytes).map_err(io::Error::other)
}
