//! Where the panes of each view are.
//!
//! ```text
//! views                                     image
//! ┌ pane 0 ─────────┬ pane 1 ────────────────────┐
//! │                 │                            │
//! │                 ├ pane 2 ────────────────────┤   (or below both, or a third column)
//! └─────────────────┴────────────────────────────┘
//! what is going on                           keys
//! ```

use ratatui::layout::Rect;

/// The views, in the order of their number keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum View {
    #[default]
    Records,
    Tasks,
    Registers,
    Memory,
    Files,
    Compat,
    Problems,
    Diff,
}

impl View {
    /// Every view.
    pub const ALL: [View; 8] = [
        View::Records,
        View::Tasks,
        View::Registers,
        View::Memory,
        View::Files,
        View::Compat,
        View::Problems,
        View::Diff,
    ];
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            View::Records => "Records",
            View::Tasks => "Tasks",
            View::Registers => "Registers",
            View::Memory => "Memory",
            View::Files => "Files",
            View::Compat => "Compat",
            View::Problems => "Problems",
            View::Diff => "Diff",
        }
    }
    /// Number of its panes.
    pub const fn panes(self) -> usize {
        match self {
            View::Records | View::Registers | View::Memory => 3,
            _ => 2,
        }
    }
}

/// Places of the dividing lines, in percent; changed by dragging.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Splits {
    /// Between left and right.
    pub x: u16,
    /// Between top and bottom, or second and third column.
    pub y: u16,
}

/// Where things are on a screen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Areas {
    /// The line of views.
    pub tabs: Rect,
    /// The panes; the first line of each is its title.
    pub panes: Vec<Rect>,
    /// The bottom line.
    pub status: Rect,
    /// The column or line that is dragged for each of the splits: `x` first.
    pub dividers: [Option<Rect>; 2],
}

/// Width from which three columns are better than two.
const WIDE: u16 = 150;
/// Width below which a list of long lines stands above what is known of one of them, not beside it.
const NARROW: u16 = 100;
/// The same for lists of short lines.
const TINY: u16 = 60;

impl View {
    /// The usual places of the dividing lines.
    pub const fn splits(self, width: u16) -> Splits {
        let (x, y) = match self {
            View::Records if width >= WIDE => (28, 40),
            View::Records => (45, 55),
            View::Registers if width >= WIDE => (33, 40),
            // The narrowest right side that has room for a register of 16 bytes.
            View::Registers if width < NARROW => (50, 52),
            View::Registers => (58, 52),
            View::Memory if width >= WIDE => (38, 35),
            // The narrowest right side that has room for sixteen bytes in a row.
            View::Memory if width >= 116 => (31, 30),
            View::Memory => (42, 30),
            View::Tasks => (58, 50),
            View::Files => (50, 50),
            View::Compat if width < NARROW => (49, 50),
            View::Compat if width >= WIDE => (26, 45),
            View::Diff => (40, 55),
            View::Problems | View::Compat => (40, 45),
        };
        Splits { x, y }
    }
}

/// Lays out a view.
pub fn areas(view: View, screen: Rect, splits: Splits) -> Areas {
    let line = |y: u16| Rect::new(screen.x, screen.y + y, screen.width, 1.min(screen.height));
    let body = Rect::new(
        screen.x,
        screen.y + 1,
        screen.width,
        screen.height.saturating_sub(2),
    );
    let mut areas = Areas {
        tabs: line(0),
        status: line(screen.height.saturating_sub(1)),
        ..Areas::default()
    };
    let wide = screen.width >= WIDE;
    match view {
        View::Records | View::Registers if wide => columns(&mut areas, body, splits),
        View::Records => {
            let (top, divider, bottom) = rows(body, splits.y);
            let (left, middle, right) = halves(top, splits.x);
            areas.panes = vec![left, right, bottom];
            areas.dividers = [Some(middle), Some(divider)];
        }
        View::Registers | View::Memory => {
            let (left, middle, right) = halves(body, splits.x);
            let (top, divider, bottom) = rows(right, splits.y);
            areas.panes = vec![left, top, bottom];
            areas.dividers = [Some(middle), Some(divider)];
        }
        View::Tasks | View::Compat if screen.width < TINY => stacked(&mut areas, body, splits),
        View::Files if screen.width < NARROW => stacked(&mut areas, body, splits),
        View::Problems | View::Diff => stacked(&mut areas, body, splits),
        View::Tasks | View::Files | View::Compat => {
            let (left, middle, right) = halves(body, splits.x);
            areas.panes = vec![left, right];
            areas.dividers = [Some(middle), None];
        }
    }
    for pane in &mut areas.panes {
        let inside = pane.intersects(screen);
        *pane = if inside {
            pane.intersection(screen)
        } else {
            Rect::default()
        };
    }
    areas
}

fn stacked(areas: &mut Areas, body: Rect, splits: Splits) {
    let (top, divider, bottom) = rows(body, splits.y);
    areas.panes = vec![top, bottom];
    areas.dividers = [None, Some(divider)];
}

fn columns(areas: &mut Areas, body: Rect, splits: Splits) {
    let (left, first, rest) = halves(body, splits.x);
    let (middle, second, right) = halves(rest, splits.y);
    areas.panes = vec![left, middle, right];
    areas.dividers = [Some(first), Some(second)];
}

/// Left, dividing column, right.
fn halves(area: Rect, percent: u16) -> (Rect, Rect, Rect) {
    let left = portion(area.width, percent);
    let x = area.x + left;
    let right = area.width.saturating_sub(left + 1);
    (
        Rect::new(area.x, area.y, left, area.height),
        Rect::new(x, area.y, 1.min(area.width), area.height),
        Rect::new(x + 1, area.y, right, area.height),
    )
}

/// Top, title line of the bottom (which is what one drags), bottom.
fn rows(area: Rect, percent: u16) -> (Rect, Rect, Rect) {
    let top = portion(area.height, percent);
    let y = area.y + top;
    let bottom = Rect::new(area.x, y, area.width, area.height.saturating_sub(top));
    (
        Rect::new(area.x, area.y, area.width, top),
        Rect::new(area.x, y, area.width, 1.min(area.height)),
        bottom,
    )
}

fn portion(whole: u16, percent: u16) -> u16 {
    let part = u32::from(whole) * u32::from(percent.clamp(5, 95)) / 100;
    u16::try_from(part)
        .unwrap_or(whole)
        .clamp(whole.min(2), whole.saturating_sub(2).max(whole.min(2)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panes_stay_on_the_screen_and_apart() {
        for view in View::ALL {
            for (w, h) in [(80, 24), (120, 40), (200, 60), (20, 6), (1, 1), (0, 0)] {
                let screen = Rect::new(0, 0, w, h);
                let areas = areas(view, screen, view.splits(w));
                assert_eq!(areas.panes.len(), view.panes());
                for (i, pane) in areas.panes.iter().enumerate() {
                    assert!(
                        pane.right() <= w && pane.bottom() <= h,
                        "{view:?} {w}x{h} {pane:?}"
                    );
                    for other in areas.panes.iter().skip(i + 1) {
                        assert!(
                            !pane.intersects(*other),
                            "{view:?} {w}x{h} {pane:?} {other:?}"
                        );
                    }
                }
            }
        }
    }
}
