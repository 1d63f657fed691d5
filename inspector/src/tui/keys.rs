//! The one table of keys: it steers the interface and makes the help and the list in README.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use std::collections::BTreeMap;
use std::fmt::Write;

/// What a key or the mouse asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the key table explains each")]
pub enum Action {
    Up,
    Down,
    Left,
    Right,
    PageUp,
    PageDown,
    HalfUp,
    HalfDown,
    Top,
    Bottom,
    Enter,
    Out,
    Back,
    Forward,
    View(u8),
    NextView,
    PrevView,
    NextPane,
    PrevPane,
    Fold,
    Open,
    Close,
    FoldAll,
    Search,
    Next,
    Previous,
    Filter,
    Command,
    Goto,
    Represent,
    RepresentBack,
    Disassemble,
    NextTask,
    PrevTask,
    Bookmark,
    Bookmarks,
    Copy,
    Export,
    Help,
    Quit,
    QuitKeep,
    Redraw,
    Suspend,
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    /// Name in the configuration file.
    pub name: &'static str,
    /// What it does.
    pub action: Action,
    /// Keys that do it, unless the configuration says otherwise. A space separates the keys of a
    /// sequence.
    pub keys: &'static [&'static str],
    /// Heading in the help.
    pub group: &'static str,
    /// What it does, in words.
    pub help: &'static str,
}

macro_rules! table {
    ($($group:literal { $($name:literal $action:expr, [$($key:literal),*], $help:literal;)* })*) => {
        /// Every key.
        pub const TABLE: &[Binding] = &[$($(Binding {
            name: $name, action: $action, keys: &[$($key),*], group: $group, help: $help,
        },)*)*];
    };
}

table! {
    "Move" {
        "up" Action::Up, ["k", "Up"], "up";
        "down" Action::Down, ["j", "Down"], "down";
        "left" Action::Left, ["h", "Left"], "left; close the node, or go to the one above";
        "right" Action::Right, ["l", "Right"], "right; open the node";
        "page-up" Action::PageUp, ["PgUp", "C-b"], "a page up";
        "page-down" Action::PageDown, ["PgDn", "C-f"], "a page down";
        "half-up" Action::HalfUp, ["C-u"], "half a page up";
        "half-down" Action::HalfDown, ["C-d"], "half a page down";
        "top" Action::Top, ["g", "Home"], "to the start";
        "bottom" Action::Bottom, ["G", "End"], "to the end";
    }
    "Go" {
        "enter" Action::Enter, ["Enter"], "into; follow the reference, pointer or evidence";
        "out" Action::Out, ["Esc"], "out; close what is on top; stop a search";
        "back" Action::Back, ["Backspace", "C-o", "M-Left", "["], "back to where you came from";
        "forward" Action::Forward, ["M-Right", "]"], "forward again";
        "goto" Action::Goto, ["@"], "go to an address, register (sp, d17), symbol or record (:goto)";
        "next-task" Action::NextTask, ["t"], "the next task, here";
        "prev-task" Action::PrevTask, ["T"], "the previous task, here";
        "bookmark" Action::Bookmark, ["m"], "put a bookmark here, or take it away";
        "bookmarks" Action::Bookmarks, ["'"], "list the bookmarks";
    }
    "Views and panes" {
        "view-1" Action::View(0), ["1"], "Records";
        "view-2" Action::View(1), ["2"], "Tasks";
        "view-3" Action::View(2), ["3"], "Registers";
        "view-4" Action::View(3), ["4"], "Memory";
        "view-5" Action::View(4), ["5"], "Files and sockets";
        "view-6" Action::View(5), ["6"], "Compat";
        "view-7" Action::View(6), ["7"], "Problems";
        "view-8" Action::View(7), ["8"], "Diff";
        "next-view" Action::NextView, ["Tab"], "the next view";
        "prev-view" Action::PrevView, ["S-Tab"], "the previous view";
        "next-pane" Action::NextPane, ["w"], "the next pane of the view";
        "prev-pane" Action::PrevPane, ["W"], "the previous pane";
    }
    "Show" {
        "fold" Action::Fold, ["Space", "z a"], "open or close the node";
        "open" Action::Open, ["z o"], "open the node";
        "close" Action::Close, ["z c"], "close the node";
        "fold-all" Action::FoldAll, ["*"], "open or close all nodes";
        "represent" Action::Represent, ["p"], "registers in d, s, q lanes, each as hex, integer, float; memory as d does";
        "represent-back" Action::RepresentBack, ["P"], "the same, backwards";
        "disassemble" Action::Disassemble, ["d"], "bytes, code of the thread's instruction set, code of the other";
    }
    "Find" {
        "search" Action::Search, ["/"], "search: text, x:00ff bytes, u:text UTF-16, p:0x8000 pointers";
        "next" Action::Next, ["n"], "next match";
        "previous" Action::Previous, ["N"], "previous match";
        "filter" Action::Filter, ["f", "&"], "show only lines that contain a word; Esc shows all again";
    }
    "Do" {
        "command" Action::Command, [":"], "command line; Tab completes";
        "copy" Action::Copy, ["y"], "copy the line or the bytes to the clipboard (OSC 52)";
        "export" Action::Export, ["e"], "export the selection: json, raw, hex";
        "help" Action::Help, ["?", "F1"], "this help";
        "redraw" Action::Redraw, ["C-l"], "draw again; read again what could not be read";
        "suspend" Action::Suspend, ["C-z"], "suspend; fg comes back";
        "quit" Action::Quit, ["q", "C-c"], "quit";
        "quit-keep" Action::QuitKeep, ["Q"], "quit and leave the screen as it is";
    }
}

/// What a key press means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pressed {
    /// This.
    Action(Action),
    /// The first key of a sequence.
    Begun,
    /// Nothing.
    Nothing,
}

/// Keys to actions, from the table and the configuration.
#[derive(Clone, Debug)]
pub struct Keymap {
    map: BTreeMap<String, Action>,
    pending: String,
}

impl Default for Keymap {
    fn default() -> Self {
        Keymap::new(&BTreeMap::new()).unwrap_or(Keymap {
            map: BTreeMap::new(),
            pending: String::new(),
        })
    }
}

impl Keymap {
    /// The table, with the keys of the named actions replaced; a key that the table has for something else is taken
    /// from there.
    ///
    /// # Errors
    /// If a name or a key is not known, or a key is to do two things.
    pub fn new(own: &BTreeMap<String, Vec<String>>) -> Result<Keymap, String> {
        let defaults = TABLE.iter().filter(|b| !own.contains_key(b.name));
        let mut map: BTreeMap<String, Action> = defaults
            .flat_map(|b| b.keys.iter().map(|key| ((*key).to_owned(), b.action)))
            .collect();
        let mut taken: Vec<(&String, &String)> = Vec::new();
        for (name, keys) in own {
            let binding = TABLE.iter().find(|b| b.name == name).ok_or_else(|| {
                format!("keys: no action is called {name}; --print-config-template lists all")
            })?;
            for key in keys {
                if !key.split(' ').all(|key| key_of(key).is_some()) {
                    return Err(format!(
                        "keys: {name}: no key is called {key}; keys are written x, X, C-x, M-x, F1, Space, PgUp"
                    ));
                }
                if let Some((other, _)) = taken.iter().find(|(_, taken)| collide(key, taken)) {
                    return Err(format!("keys: {key} cannot be both {other} and {name}"));
                }
                map.retain(|default, _| {
                    taken.iter().any(|(_, own)| *own == default) || !collide(key, default)
                });
                map.insert(key.clone(), binding.action);
                taken.push((name, key));
            }
        }
        Ok(Keymap {
            map,
            pending: String::new(),
        })
    }
    /// A key is pressed.
    pub fn press(&mut self, key: KeyEvent) -> Pressed {
        let name = key_name(key);
        let whole = if self.pending.is_empty() {
            name
        } else {
            format!("{} {name}", std::mem::take(&mut self.pending))
        };
        if let Some(action) = self.map.get(&whole) {
            return Pressed::Action(*action);
        }
        let prefix = format!("{whole} ");
        if self.map.keys().any(|keys| keys.starts_with(&prefix)) {
            self.pending = whole;
            return Pressed::Begun;
        }
        Pressed::Nothing
    }
    /// Keys of an action, for hints and the help.
    pub fn keys_of(&self, action: Action) -> Vec<&str> {
        let mut keys: Vec<&str> = self
            .map
            .iter()
            .filter(|(_, a)| **a == action)
            .map(|(key, _)| key.as_str())
            .collect();
        // The table's order is the order of preference.
        let table = TABLE
            .iter()
            .find(|b| b.action == action)
            .map_or(&[][..], |b| b.keys);
        keys.sort_by_key(|key| table.iter().position(|k| k == key).unwrap_or(usize::MAX));
        keys
    }
}

/// Whether two keys or sequences cannot be told apart when the first of them is pressed.
fn collide(a: &str, b: &str) -> bool {
    let begins = |long: &str, short: &str| {
        long.strip_prefix(short)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    };
    begins(a, b) || begins(b, a)
}

/// Keys that have a name; letters and signs stand for themselves.
const NAMED: [(KeyCode, &str); 16] = [
    (KeyCode::Char(' '), "Space"),
    (KeyCode::BackTab, "S-Tab"),
    (KeyCode::Tab, "Tab"),
    (KeyCode::Enter, "Enter"),
    (KeyCode::Esc, "Esc"),
    (KeyCode::Backspace, "Backspace"),
    (KeyCode::Delete, "Delete"),
    (KeyCode::Insert, "Insert"),
    (KeyCode::Home, "Home"),
    (KeyCode::End, "End"),
    (KeyCode::PageUp, "PgUp"),
    (KeyCode::PageDown, "PgDn"),
    (KeyCode::Up, "Up"),
    (KeyCode::Down, "Down"),
    (KeyCode::Left, "Left"),
    (KeyCode::Right, "Right"),
];

/// The key of a name, as [`key_name`] gives it; `None` if no key is called so.
pub fn key_of(name: &str) -> Option<KeyEvent> {
    let (mut modifiers, mut plain) = (KeyModifiers::NONE, name);
    for (sign, modifier) in [("C-", KeyModifiers::CONTROL), ("M-", KeyModifiers::ALT)] {
        if let Some(rest) = plain.strip_prefix(sign).filter(|rest| !rest.is_empty()) {
            plain = rest;
            modifiers |= modifier;
        }
    }
    let named = NAMED.iter().find(|(_, name)| *name == plain);
    let function = || {
        let number = plain.strip_prefix('F')?.parse::<u8>().ok()?;
        (1..=24).contains(&number).then_some(KeyCode::F(number))
    };
    let mut letters = plain.chars();
    let letter = match (letters.next(), letters.next()) {
        (Some(c), None) => Some(KeyCode::Char(c)),
        _ => None,
    };
    let code = named.map(|(code, _)| *code).or_else(function).or(letter)?;
    Some(KeyEvent::new(code, modifiers))
}

/// The name of a key as the table spells it.
pub fn key_name(key: KeyEvent) -> String {
    let named = NAMED.iter().find(|(code, _)| *code == key.code);
    let mut name = match (named, key.code) {
        (Some((_, name)), _) => (*name).to_owned(),
        (None, KeyCode::Char(c)) => c.to_string(),
        (None, KeyCode::F(n)) => format!("F{n}"),
        (None, other) => format!("{other:?}"),
    };
    if key.modifiers.contains(KeyModifiers::ALT) {
        name.insert_str(0, "M-");
    }
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        name.insert_str(0, "C-");
    }
    name
}

/// The table as Markdown, for README.
pub fn markdown() -> String {
    let mut text = String::from("| keys | what they do |\n|---|---|\n");
    let mut group = "";
    for binding in TABLE {
        if binding.group != group {
            group = binding.group;
            let _ = writeln!(text, "| | **{group}** |");
        }
        let keys: Vec<String> = binding
            .keys
            .iter()
            .map(|key| format!("`{}`", key.replace('|', "\\|")))
            .collect();
        let _ = writeln!(text, "| {} | {} |", keys.join(" "), binding.help);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(code: KeyCode, modifiers: KeyModifiers) -> KeyEvent {
        KeyEvent::new(code, modifiers)
    }

    #[test]
    fn no_key_does_two_things() {
        let mut seen = BTreeMap::new();
        for binding in TABLE {
            for name in binding.keys {
                assert_eq!(seen.insert(*name, binding.name), None, "{name}");
                let prefix = format!("{name} ");
                assert!(
                    !TABLE
                        .iter()
                        .any(|b| b.keys.iter().any(|k| k.starts_with(&prefix))),
                    "{name}"
                );
            }
        }
    }

    #[test]
    fn sequences_and_modifiers() {
        let none = KeyModifiers::NONE;
        let mut keys = Keymap::default();
        assert_eq!(keys.press(key(KeyCode::Char('z'), none)), Pressed::Begun);
        assert_eq!(
            keys.press(key(KeyCode::Char('c'), none)),
            Pressed::Action(Action::Close)
        );
        assert_eq!(
            keys.press(key(KeyCode::Char('d'), KeyModifiers::CONTROL)),
            Pressed::Action(Action::HalfDown)
        );
        assert_eq!(
            keys.press(key(KeyCode::BackTab, KeyModifiers::SHIFT)),
            Pressed::Action(Action::PrevView)
        );
        assert_eq!(
            keys.press(key(KeyCode::Char('G'), KeyModifiers::SHIFT)),
            Pressed::Action(Action::Bottom)
        );
        assert_eq!(keys.press(key(KeyCode::Char('~'), none)), Pressed::Nothing);
    }

    #[test]
    fn own_keys_replace_those_of_the_table() {
        let own = BTreeMap::from([("quit".to_owned(), vec!["x".to_owned()])]);
        let mut keys = Keymap::new(&own).unwrap();
        assert_eq!(
            keys.press(key(KeyCode::Char('x'), KeyModifiers::NONE)),
            Pressed::Action(Action::Quit)
        );
        assert_eq!(
            keys.press(key(KeyCode::Char('q'), KeyModifiers::NONE)),
            Pressed::Nothing
        );
        let told = |name: &str, keys: &[&str]| {
            let keys = keys.iter().map(|key| (*key).to_owned()).collect();
            Keymap::new(&BTreeMap::from([(name.to_owned(), keys)])).err()
        };
        assert!(
            told("quiet", &[])
                .unwrap()
                .contains("no action is called quiet")
        );
        assert!(
            told("quit", &["Ctrl-x"])
                .unwrap()
                .contains("no key is called Ctrl-x")
        );
        assert!(
            told("quit", &["z", "z q"])
                .unwrap()
                .contains("cannot be both")
        );
        for binding in TABLE {
            assert_eq!(told(binding.name, binding.keys), None);
        }
        // What the user wants goes before the table, and what begins with it is out of reach.
        let own = BTreeMap::from([("up".to_owned(), vec!["q".to_owned(), "z".to_owned()])]);
        let mut keys = Keymap::new(&own).unwrap();
        for key in ['q', 'z'] {
            let pressed = keys.press(KeyEvent::new(KeyCode::Char(key), KeyModifiers::NONE));
            assert_eq!(pressed, Pressed::Action(Action::Up));
        }
    }
}
