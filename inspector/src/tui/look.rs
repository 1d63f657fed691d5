//! How things look: colours by meaning, and glyphs for terminals without Unicode.

use ratatui::style::{Color, Modifier, Style};
use std::collections::BTreeMap;

/// What a piece of text is; the look decides how it is drawn. Nothing is told by colour alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ink {
    /// Plain text.
    Normal,
    /// Less important.
    Dim,
    /// Headings of panes.
    Title,
    /// The heading of the pane that has the keys.
    Active,
    /// A view's name in the top line.
    Tab,
    /// The name of the view that is shown.
    TabOn,
    /// Names of records and fields.
    Name,
    /// Numbers.
    Number,
    /// Text from the image.
    Text,
    /// Addresses and offsets.
    Address,
    /// Something that Enter follows.
    Link,
    /// Good news.
    Good,
    /// Be careful.
    Warn,
    /// Bad news.
    Bad,
    /// The line with the cursor, in the pane that has the keys.
    Cursor,
    /// The line with the cursor elsewhere.
    Rest,
    /// Bytes of the field under the cursor.
    Mark,
    /// Padding.
    Padding,
    /// Gaps and damage.
    Gap,
    /// What a search has found.
    Match,
    /// A key in hints.
    Key,
    /// The bottom line.
    Status,
}

/// Every ink and its name in the configuration file.
pub const INKS: [(&str, Ink); 22] = [
    ("normal", Ink::Normal),
    ("dim", Ink::Dim),
    ("title", Ink::Title),
    ("active", Ink::Active),
    ("tab", Ink::Tab),
    ("tab_on", Ink::TabOn),
    ("name", Ink::Name),
    ("number", Ink::Number),
    ("text", Ink::Text),
    ("address", Ink::Address),
    ("link", Ink::Link),
    ("good", Ink::Good),
    ("warn", Ink::Warn),
    ("bad", Ink::Bad),
    ("cursor", Ink::Cursor),
    ("rest", Ink::Rest),
    ("mark", Ink::Mark),
    ("padding", Ink::Padding),
    ("gap", Ink::Gap),
    ("match", Ink::Match),
    ("key", Ink::Key),
    ("status", Ink::Status),
];

/// Colours that the terminal has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Depth {
    /// None, or NO_COLOR.
    Mono,
    /// The sixteen of ANSI.
    #[default]
    Ansi,
    /// The palette of 256.
    Indexed,
    /// 24 bits.
    True,
}

/// The look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// Colours of the terminal.
    pub depth: Depth,
    /// The background is light.
    pub light: bool,
    /// Only ASCII characters.
    pub ascii: bool,
    /// Foreground colours from the configuration file.
    pub own: BTreeMap<Ink, Color>,
}

/// A colour in all depths: ANSI, 24 bits on dark, 24 bits on light.
type Tint = (Color, u32, u32);

const BLUE: Tint = (Color::Blue, 0x7aa2f7, 0x1e40af);
const CYAN: Tint = (Color::Cyan, 0x7dcfff, 0x155e75);
const GREEN: Tint = (Color::Green, 0x9ece6a, 0x3f6212);
const YELLOW: Tint = (Color::Yellow, 0xe0af68, 0x78350f);
const RED: Tint = (Color::Red, 0xf7768e, 0x991b1b);
const PURPLE: Tint = (Color::Magenta, 0xbb9af7, 0x6b21a8);
const GREY: Tint = (Color::DarkGray, 0x8990b3, 0x475569);

impl Look {
    /// The style of an ink.
    pub fn style(&self, ink: Ink) -> Style {
        let plain = Style::new();
        let style = match ink {
            Ink::Normal => plain,
            Ink::Dim | Ink::Padding => self.tint(GREY, Modifier::DIM),
            Ink::Title => self.tint(GREY, Modifier::empty()),
            Ink::Active => self
                .tint(BLUE, Modifier::empty())
                .add_modifier(Modifier::BOLD),
            Ink::Tab | Ink::Status => self.on_bar(plain),
            Ink::Name => self.tint(BLUE, Modifier::empty()),
            Ink::Number => self.tint(PURPLE, Modifier::empty()),
            Ink::Text | Ink::Good => self.tint(GREEN, Modifier::empty()),
            Ink::Address => self.tint(CYAN, Modifier::empty()),
            Ink::Link => self
                .tint(CYAN, Modifier::empty())
                .add_modifier(Modifier::UNDERLINED),
            Ink::Warn => self.tint(YELLOW, Modifier::empty()),
            Ink::Bad => self
                .tint(RED, Modifier::empty())
                .add_modifier(Modifier::BOLD),
            Ink::Cursor | Ink::TabOn => self.selected(),
            Ink::Rest => self.resting(),
            Ink::Mark => self
                .tint(YELLOW, Modifier::REVERSED)
                .add_modifier(Modifier::REVERSED),
            Ink::Gap => self
                .tint(RED, Modifier::REVERSED)
                .add_modifier(Modifier::UNDERLINED),
            Ink::Match => self
                .tint(YELLOW, Modifier::BOLD)
                .add_modifier(Modifier::REVERSED | Modifier::BOLD),
            Ink::Key => self
                .tint(YELLOW, Modifier::BOLD)
                .add_modifier(Modifier::BOLD),
        };
        match self.own.get(&ink) {
            Some(color) if self.depth != Depth::Mono => style.fg(*color),
            _ => style,
        }
    }

    /// A foreground colour; without colours the modifiers stand for it.
    fn tint(&self, (ansi, dark, light): Tint, instead: Modifier) -> Style {
        let full = if self.light { light } else { dark };
        match self.depth {
            Depth::Mono => Style::new().add_modifier(instead),
            Depth::Ansi => Style::new().fg(ansi),
            Depth::Indexed => Style::new().fg(Color::Indexed(nearest(full))),
            Depth::True => Style::new().fg(rgb(full)),
        }
    }
    fn selected(&self) -> Style {
        match self.depth {
            Depth::Mono | Depth::Ansi => Style::new().add_modifier(Modifier::REVERSED),
            _ => self.back(0x283457, 0xbfd3fe).add_modifier(Modifier::BOLD),
        }
    }
    fn resting(&self) -> Style {
        match self.depth {
            Depth::Mono | Depth::Ansi => Style::new().add_modifier(Modifier::UNDERLINED),
            _ => self.back(0x262b3d, 0xe2e8f0),
        }
    }
    fn on_bar(&self, style: Style) -> Style {
        match self.depth {
            Depth::Mono | Depth::Ansi => style,
            _ => style.patch(self.back(0x1f2335, 0xe2e8f0)),
        }
    }
    fn back(&self, dark: u32, light: u32) -> Style {
        let full = if self.light { light } else { dark };
        match self.depth {
            Depth::True => Style::new().bg(rgb(full)),
            _ => Style::new().bg(Color::Indexed(nearest(full))),
        }
    }

    /// A glyph, or what stands for it in ASCII.
    pub fn glyph(&self, glyph: Glyph) -> &'static str {
        let (unicode, ascii) = match glyph {
            Glyph::Open => ("▾", "v"),
            Glyph::Closed => ("▸", ">"),
            Glyph::Vertical => ("│", "|"),
            Glyph::Horizontal => ("─", "-"),
            Glyph::Dots => ("…", "~"),
            Glyph::Full => ("█", "#"),
            Glyph::Most => ("▓", "="),
            Glyph::Half => ("▒", "+"),
            Glyph::Few => ("░", "."),
            Glyph::None => ("·", "_"),
            Glyph::Arrow => ("→", "->"),
            Glyph::Child => ("└", "`"),
            Glyph::Branch => ("├", "|"),
        };
        if self.ascii { ascii } else { unicode }
    }
}

/// Characters beyond ASCII that the panes use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Glyph {
    Open,
    Closed,
    Vertical,
    Horizontal,
    Dots,
    Full,
    Most,
    Half,
    Few,
    None,
    Arrow,
    Child,
    Branch,
}

fn parts(full: u32) -> [u8; 3] {
    [16, 8, 0].map(|shift| ((full >> shift) & 0xff) as u8)
}

fn rgb(full: u32) -> Color {
    let [r, g, b] = parts(full);
    Color::Rgb(r, g, b)
}

/// The nearest entry of the 256-colour palette, without the first sixteen, which terminals change: of the cube or of
/// the ramp of greys.
fn nearest(full: u32) -> u8 {
    let step = |part: u8| match part {
        0..=47 => 0,
        48..=114 => 1,
        _ => (part - 35) / 40,
    };
    let [r, g, b] = parts(full).map(step);
    let cube = 16 + 36 * r + 6 * g + b;
    let sum: u16 = parts(full).map(u16::from).iter().sum();
    let grey = 232 + ((sum / 3).saturating_sub(3) / 10).min(23) as u8;
    let away = |entry: u8| {
        let pairs = parts(full).into_iter().zip(parts(entry_of(entry)));
        pairs
            .map(|(a, b)| u32::from(a.abs_diff(b)).pow(2))
            .sum::<u32>()
    };
    if away(grey) < away(cube) { grey } else { cube }
}

/// The colour of an entry: the 6 × 6 × 6 cube, then the ramp of greys.
fn entry_of(entry: u8) -> u32 {
    const STEPS: [u32; 6] = [0, 95, 135, 175, 215, 255];
    let entry = u32::from(entry);
    if entry >= 232 {
        return (8 + 10 * (entry - 232)) * 0x01_0101;
    }
    let step = |by: u32| STEPS[((entry - 16) / by % 6) as usize];
    step(36) << 16 | step(6) << 8 | step(1)
}

/// What the environment says about colours.
pub fn depth_from(no_color: bool, colorterm: Option<&str>, term: Option<&str>) -> Depth {
    let term = term.unwrap_or_default();
    if no_color || term == "dumb" {
        Depth::Mono
    } else if matches!(colorterm, Some("truecolor" | "24bit")) || term.ends_with("-direct") {
        Depth::True
    } else if term.contains("256color") {
        Depth::Indexed
    } else {
        Depth::Ansi
    }
}

/// Whether `COLORFGBG` (set by rxvt, konsole and others: "foreground;background") says that the
/// background is light.
pub fn is_light(colorfgbg: Option<&str>) -> bool {
    let last = colorfgbg.and_then(|text| text.rsplit(';').next());
    matches!(
        last.and_then(|text| text.parse::<u8>().ok()),
        Some(7 | 9..=15)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_decides_the_depth() {
        assert_eq!(depth_from(true, Some("truecolor"), None), Depth::Mono);
        assert_eq!(depth_from(false, Some("truecolor"), None), Depth::True);
        assert_eq!(
            depth_from(false, None, Some("xterm-256color")),
            Depth::Indexed
        );
        assert_eq!(depth_from(false, None, Some("linux")), Depth::Ansi);
        assert_eq!(depth_from(false, None, Some("dumb")), Depth::Mono);
        assert!(is_light(Some("0;default;15")) && !is_light(Some("15;0")) && !is_light(None));
    }

    /// Relative luminance (WCAG 2.1).
    fn luminance(full: u32) -> f64 {
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.03928 {
                part / 12.92
            } else {
                ((part + 0.055) / 1.055).powf(2.4)
            }
        };
        let [r, g, b] = parts(full).map(linear);
        0.2126 * r + 0.7152 * g + 0.0722 * b
    }

    fn full(color: Option<Color>, otherwise: u32) -> u32 {
        match color {
            Some(Color::Rgb(r, g, b)) => u32::from(r) << 16 | u32::from(g) << 8 | u32::from(b),
            Some(Color::Indexed(entry)) => entry_of(entry),
            _ => otherwise,
        }
    }

    #[test]
    fn letters_can_be_read_on_every_background() {
        for (light, depth) in [false, true]
            .into_iter()
            .flat_map(|light| [(light, Depth::Indexed), (light, Depth::True)])
        {
            let look = Look {
                depth,
                light,
                ..Look::default()
            };
            let (paper, letters) = if light {
                (0xff_ffff, 0)
            } else {
                (0, 0xff_ffff)
            };
            for (name, ink) in INKS {
                let color = full(look.style(ink).fg, letters);
                for (on, least) in [
                    (None, 4.5),
                    (Some(Ink::Cursor), 3.2),
                    (Some(Ink::Rest), 3.2),
                    (Some(Ink::Status), 3.2),
                ] {
                    let back = on.map_or(paper, |on| full(look.style(on).bg, paper));
                    let (a, b) = (luminance(color), luminance(back));
                    let contrast = (a.max(b) + 0.05) / (a.min(b) + 0.05);
                    assert!(
                        contrast >= least,
                        "{name} on {on:?}, {depth:?}, light {light}: {contrast:.1}"
                    );
                }
            }
        }
    }

    #[test]
    fn no_colour_without_colours() {
        let look = Look {
            depth: Depth::Mono,
            ..Look::default()
        };
        for (name, ink) in INKS {
            let style = look.style(ink);
            assert_eq!((style.fg, style.bg), (None, None), "{name}");
        }
    }
}
