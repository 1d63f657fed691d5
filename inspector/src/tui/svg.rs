//! A screen as a picture.

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};
use std::fmt::Write;

/// Size of a character cell in the picture's units.
const CELL: (f64, f64) = (8.4, 18.0);
/// Background and text of the picture.
const PAPER: &str = "#1a1b26";
const INK: &str = "#c0caf5";

/// Draws a screen as SVG: a rectangle for each run of background, a text for each run of style.
pub fn picture(buffer: &Buffer) -> String {
    let area = buffer.area;
    let (width, height) = (
        f64::from(area.width) * CELL.0,
        f64::from(area.height) * CELL.1,
    );
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.1} {height:.1}\" font-family=\"ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace\" font-size=\"14\">\n<rect width=\"100%\" height=\"100%\" fill=\"{PAPER}\"/>\n"
    );
    for y in area.top()..area.bottom() {
        let mut x = area.left();
        while x < area.right() {
            let run = run(buffer, x, y);
            draw(&mut out, buffer, x, y, run);
            x += run;
        }
    }
    out.push_str("</svg>\n");
    out
}

/// Number of cells from here on that look alike.
fn run(buffer: &Buffer, x: u16, y: u16) -> u16 {
    let Some(first) = buffer.cell((x, y)) else {
        return 1;
    };
    let alike = |x: &u16| {
        buffer
            .cell((*x, y))
            .is_some_and(|cell| cell.style() == first.style())
    };
    u16::try_from((x..buffer.area.right()).take_while(alike).count().max(1)).unwrap_or(1)
}

fn draw(out: &mut String, buffer: &Buffer, x: u16, y: u16, run: u16) {
    let Some(cell) = buffer.cell((x, y)) else {
        return;
    };
    let text: String = (x..x + run)
        .filter_map(|x| buffer.cell((x, y)))
        .map(ratatui::buffer::Cell::symbol)
        .collect();
    let mut colors = (hex(cell.fg).unwrap_or_else(|| INK.to_owned()), hex(cell.bg));
    if cell.modifier.contains(Modifier::REVERSED) {
        colors = (colors.1.unwrap_or_else(|| PAPER.to_owned()), Some(colors.0));
    }
    let (left, top) = (f64::from(x) * CELL.0, f64::from(y) * CELL.1);
    let width = f64::from(run) * CELL.0;
    if let Some(back) = colors.1 {
        let _ = writeln!(
            out,
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{:.1}\" fill=\"{back}\"/>",
            CELL.1
        );
    }
    if text.trim().is_empty() {
        return;
    }
    let mut extra = String::new();
    if cell.modifier.contains(Modifier::BOLD) {
        extra.push_str(" font-weight=\"bold\"");
    }
    if cell.modifier.contains(Modifier::UNDERLINED) {
        extra.push_str(" text-decoration=\"underline\"");
    }
    let _ = writeln!(
        out,
        "<text x=\"{left:.1}\" y=\"{:.1}\" fill=\"{}\" textLength=\"{width:.1}\" xml:space=\"preserve\"{extra}>{}</text>",
        top + 13.5,
        colors.0,
        escaped(&text)
    );
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn hex(color: Color) -> Option<String> {
    match color {
        Color::Rgb(r, g, b) => Some(format!("#{r:02x}{g:02x}{b:02x}")),
        _ => None,
    }
}
