//! The mouse: clicks, the wheel, dragged dividers.

use super::{View, enter, height, len, move_cursor, open_view, panes, select_field, set_cursor};
use crate::tui::hex;
use crate::tui::keys::Action;
use crate::tui::layout::Splits;
use crate::tui::model::{Model, Scroll};
use crate::tui::view;
use crate::tui::worker::Request;
use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

pub(super) fn clicked(model: &mut Model, mouse: MouseEvent) -> Option<Request> {
    let at = Position::new(mouse.column, mouse.row);
    let areas = model.areas();
    match mouse.kind {
        MouseEventKind::Down(MouseButton::Left) => {
            model.message = None;
            if model.overlay.take().is_some() {
                return None;
            }
            if areas.tabs.contains(at) {
                if let Some(view) = view::tab_at(model, mouse.column) {
                    open_view(model, view);
                }
                return None;
            }
            model.drag = areas
                .dividers
                .iter()
                .position(|divider| divider.is_some_and(|line| line.contains(at)));
            let pane = areas.panes.iter().position(|pane| pane.contains(at));
            return pane.and_then(|pane| click_pane(model, pane, at));
        }
        MouseEventKind::Drag(MouseButton::Left) => drag(model, at),
        MouseEventKind::Up(MouseButton::Left) => model.drag = None,
        MouseEventKind::ScrollUp | MouseEventKind::ScrollDown => {
            if let Some(pane) = areas.panes.iter().position(|pane| pane.contains(at)) {
                wheel(model, pane, mouse.kind == MouseEventKind::ScrollUp);
            }
        }
        _ => {}
    }
    None
}

/// Lines of a step of the wheel.
const STEP: usize = 3;

/// The wheel moves what is shown; the cursor goes along where it would leave the pane, or where all is shown.
fn wheel(model: &mut Model, pane: usize, up: bool) {
    let view = model.view;
    let focus = std::mem::replace(&mut model.focus[view as usize], pane);
    let Scroll { cursor, top } = model.scroll(pane);
    let (page, most) = (
        height(model, pane),
        len(model, pane).saturating_sub(height(model, pane)),
    );
    let to = if up {
        top.saturating_sub(STEP)
    } else {
        (top + STEP).min(most)
    };
    if to == top || panes::is_bytes(model, pane) {
        for _ in 0..STEP {
            move_cursor(model, if up { Action::Up } else { Action::Down });
        }
    } else {
        let stays = cursor.clamp(to, to + page - 1);
        if stays != cursor {
            set_cursor(model, pane, stays);
        }
        model.scroll_mut(view, pane).top = to;
    }
    model.focus[view as usize] = focus;
}

/// A click selects; one on what is selected follows.
fn click_pane(model: &mut Model, pane: usize, at: Position) -> Option<Request> {
    let inside = model.inside(pane);
    let before = (model.pane(), model.scroll(pane).cursor);
    model.focus[model.view as usize] = pane;
    if at.y < inside.y {
        return None;
    }
    let line = usize::from(at.y - inside.y);
    if panes::is_hex(model, pane) {
        click_byte(model, line, usize::from(at.x - inside.x));
        return None;
    }
    let line = line + view::top_of(model, pane);
    if line >= len(model, pane) {
        return None;
    }
    if before == (pane, line) {
        return enter(model);
    }
    set_cursor(model, pane, line);
    None
}

fn click_byte(model: &mut Model, line: usize, column: usize) {
    let pane = model.pane();
    let Some(hex) = panes::hex(model, pane) else {
        return;
    };
    let lines = hex::lines(&hex.bytes, hex.start, hex.panels, model.look.ascii);
    let Some(byte) = lines.get(line).and_then(|line| line.byte_at(column + 1)) else {
        return;
    };
    let byte = (line * hex.panels * hex::PANEL + byte) as u64;
    if model.view == View::Memory {
        model.addr = model.addr_top + byte;
    } else {
        model.byte = model.byte_top * (hex.panels * hex::PANEL) as u64 + byte;
        select_field(model);
    }
}

fn drag(model: &mut Model, at: Position) {
    let Some(divider) = model.drag else { return };
    let view = model.view;
    let Splits { mut x, mut y } =
        model.splits[view as usize].unwrap_or(view.splits(model.screen.width));
    let body = (
        model.screen.width.max(1),
        model.screen.height.saturating_sub(2).max(1),
    );
    let columns = model.areas().dividers[1].is_some_and(|line| line.width == 1 && line.height > 1);
    match divider {
        0 => x = at.x * 100 / body.0,
        _ if columns => {
            let left = model.areas().panes.get(1).map_or(0, |pane| pane.x);
            y = at.x.saturating_sub(left) * 100 / body.0.saturating_sub(left).max(1);
        }
        _ => y = at.y.saturating_sub(1) * 100 / body.1,
    }
    model.splits[view as usize] = Some(Splits {
        x: x.clamp(10, 90),
        y: y.clamp(10, 90),
    });
}
