//! A line that is being typed: search, filter, command.

use super::command;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// What the line is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum For {
    /// `:`
    Command,
    /// `/`
    Search,
    /// `f`
    Filter,
}

/// The line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// What it is for.
    pub kind: For,
    /// What was typed.
    pub text: String,
    /// Characters before the cursor.
    pub cursor: usize,
    /// Completions that Tab goes through, and which of them is shown.
    pub choices: (Vec<String>, usize),
}

/// What became of a key press.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typed {
    /// The text may have changed.
    Edited,
    /// Tab: complete.
    Complete,
    /// Enter.
    Done,
    /// Esc.
    Cancelled,
}

impl Prompt {
    /// A line that begins with `text`.
    pub fn new(kind: For, text: &str) -> Prompt {
        Prompt {
            kind,
            text: text.to_owned(),
            cursor: text.chars().count(),
            choices: (Vec::new(), 0),
        }
    }
    /// The character that stands before it.
    pub fn sign(&self) -> &'static str {
        match self.kind {
            For::Command => ":",
            For::Search => "/",
            For::Filter => "filter: ",
        }
    }
    /// What to type, while nothing is typed yet.
    pub fn hint(&self) -> Option<String> {
        match self.kind {
            For::Command => command::usage(&self.text),
            For::Search if self.text.is_empty() => {
                Some("text, x:00ff bytes, u:text UTF-16, p:0x8000 pointers".to_owned())
            }
            For::Filter if self.text.is_empty() => Some("a word".to_owned()),
            _ => None,
        }
    }
    fn at(&self, chars: usize) -> usize {
        self.text
            .char_indices()
            .nth(chars)
            .map_or(self.text.len(), |(at, _)| at)
    }
    /// A key is pressed.
    pub fn press(&mut self, key: KeyEvent) -> Typed {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Enter => return Typed::Done,
            KeyCode::Esc => return Typed::Cancelled,
            KeyCode::Tab => return Typed::Complete,
            KeyCode::Char('c') if control => return Typed::Cancelled,
            KeyCode::Char('u') if control => {
                self.text.drain(..self.at(self.cursor));
                self.cursor = 0;
            }
            KeyCode::Char('a') if control => self.cursor = 0,
            KeyCode::Char('e') if control => self.cursor = self.text.chars().count(),
            KeyCode::Char(c) if !control => {
                self.text.insert(self.at(self.cursor), c);
                self.cursor += 1;
            }
            KeyCode::Backspace if self.text.is_empty() => return Typed::Cancelled,
            KeyCode::Backspace if self.cursor > 0 => {
                self.cursor -= 1;
                self.text.remove(self.at(self.cursor));
            }
            KeyCode::Delete if self.at(self.cursor) < self.text.len() => {
                self.text.remove(self.at(self.cursor));
            }
            KeyCode::Left => self.cursor = self.cursor.saturating_sub(1),
            KeyCode::Right => self.cursor = (self.cursor + 1).min(self.text.chars().count()),
            KeyCode::Home => self.cursor = 0,
            KeyCode::End => self.cursor = self.text.chars().count(),
            _ => return Typed::Edited,
        }
        self.choices.0.clear();
        Typed::Edited
    }
    /// Puts a completion in, or the next one.
    pub fn complete(&mut self, find: impl FnOnce(&str) -> Vec<String>) {
        if self.choices.0.is_empty() {
            self.choices = (find(&self.text), 0);
        } else {
            self.choices.1 = (self.choices.1 + 1) % self.choices.0.len();
        }
        if let Some(choice) = self.choices.0.get(self.choices.1) {
            self.text.clone_from(choice);
            self.cursor = self.text.chars().count();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn editing_in_the_middle() {
        let mut line = Prompt::new(For::Command, "gto");
        let key = |code| KeyEvent::new(code, KeyModifiers::NONE);
        line.press(key(KeyCode::Left));
        line.press(key(KeyCode::Left));
        line.press(key(KeyCode::Char('ö')));
        assert_eq!(line.text, "göto");
        line.press(key(KeyCode::Backspace));
        line.press(key(KeyCode::Delete));
        assert_eq!((line.text.as_str(), line.cursor), ("go", 1));
        line.complete(|text| vec![format!("{text}to "), "gone".into()]);
        assert_eq!(line.text, "goto ");
        line.complete(|_| Vec::new());
        assert_eq!(line.text, "gone");
        line.complete(|_| Vec::new());
        assert_eq!(line.text, "goto ");
        assert_eq!(line.press(key(KeyCode::Enter)), Typed::Done);
    }
}
