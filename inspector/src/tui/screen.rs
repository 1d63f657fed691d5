//! The interface without a terminal: for pictures, tests and measurements.

use super::keys::{self, Keymap};
use super::layout::View;
use super::look::Look;
use super::model::Model;
use super::update;
use super::worker::{How, Message, Worker};
use super::{full_look, svg, view};
use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use unicode_width::UnicodeWidthStr;

/// An interface that draws into memory.
pub struct Screen {
    /// What it knows.
    pub model: Model,
    worker: Worker,
    messages: Receiver<Message>,
}

/// How long a screen waits for its threads.
const PATIENCE: Duration = Duration::from_secs(20);

impl Screen {
    /// Opens an image (`None`: the sample) on a screen of this size and waits until it is read.
    pub fn open(path: Option<&Path>, look: Look, (width, height): (u16, u16)) -> Screen {
        let mut screen = Screen::start(path, look, (width, height));
        screen.settle();
        screen
    }
    /// The same with files of the image's machine.
    pub fn open_with(path: &Path, sysroot: &Path, look: Look, size: (u16, u16)) -> Screen {
        let how = How {
            path: Some(path.to_owned()),
            sysroot: Some(sysroot.to_owned()),
            ..How::default()
        };
        let mut screen = Screen::begin(how, look, size);
        screen.settle();
        screen
    }
    /// Opens without waiting.
    pub fn start(path: Option<&Path>, look: Look, size: (u16, u16)) -> Screen {
        let how = How {
            path: path.map(Path::to_owned),
            ..How::default()
        };
        Screen::begin(how, look, size)
    }
    fn begin(how: How, look: Look, (width, height): (u16, u16)) -> Screen {
        let (tell, messages) = channel();
        let path = how.path.as_deref();
        let name = path
            .and_then(Path::file_name)
            .map_or("sample".into(), |name| name.to_string_lossy());
        let name = ckpt_parser::text::escape(name.as_bytes());
        let mut model = Model::new(name, look, Keymap::default());
        model.screen = Rect::new(0, 0, width, height);
        Screen {
            model,
            worker: Worker::start(how, tell),
            messages,
        }
    }
    /// Takes what the threads have to say until nothing is under way.
    pub fn settle(&mut self) {
        let end = Instant::now() + PATIENCE;
        loop {
            self.ask();
            let busy = self.model.waiting() || self.model.awaits_symbols() || self.reading();
            let searching = self.model.search.domain.is_some() && !self.model.search.over;
            if !busy && !searching && !self.judging() {
                return;
            }
            let left = end.saturating_duration_since(Instant::now());
            match self.messages.recv_timeout(left) {
                Ok(message) => self.take(message),
                Err(_) => return,
            }
        }
    }
    /// Takes what the threads have to say until something is so.
    pub fn until(&mut self, done: impl Fn(&Model) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !done(&self.model) {
            self.ask();
            let left = end.saturating_duration_since(Instant::now());
            match self.messages.recv_timeout(left) {
                Ok(message) => self.take(message),
                Err(_) => return,
            }
        }
    }
    fn reading(&self) -> bool {
        self.model.phase.is_reading()
    }
    fn judging(&self) -> bool {
        let compat = &self.model.compat;
        let compat = compat.asked && compat.judged.is_empty() && compat.failure.is_none();
        compat || (self.model.diff.other.is_some() && self.model.diff.diff.is_none())
    }
    fn ask(&mut self) {
        for request in self.model.requests() {
            self.worker.ask(request);
        }
    }
    fn take(&mut self, message: Message) {
        if let Some(request) = update::told(&mut self.model, message) {
            self.worker.ask(request);
        }
    }
    /// Presses keys, by the names of the key table, separated by spaces; waits after each.
    pub fn keys(&mut self, keys: &str) {
        for name in keys.split(' ').filter(|name| !name.is_empty()) {
            self.event(Event::Key(named(name)));
        }
    }
    /// Presses a key and waits for no more than what the screen then shows.
    pub fn press(&mut self, name: &str) {
        self.take(Message::Input(Event::Key(named(name))));
        self.ask();
        self.until(|model| !model.waiting());
    }
    /// Presses keys, the last of which asks for something, and answers.
    pub fn prompt(&mut self, keys: &str, answer: &str) {
        self.keys(keys);
        self.text(answer);
        self.keys("Enter");
    }
    /// Types text as it is.
    pub fn text(&mut self, text: &str) {
        for c in text.chars() {
            self.event(Event::Key(KeyEvent::new(
                KeyCode::Char(c),
                KeyModifiers::NONE,
            )));
        }
    }
    /// Something happens at the terminal.
    pub fn event(&mut self, event: Event) {
        self.take(Message::Input(event));
        self.settle();
    }
    /// The screen.
    pub fn buffer(&self) -> Buffer {
        let mut buffer = Buffer::empty(self.model.screen);
        view::draw(&self.model, &mut buffer);
        buffer
    }
    /// The screen as text.
    pub fn shown(&self) -> String {
        text_of(&self.buffer())
    }
}

/// A key by its name in the key table.
fn named(name: &str) -> KeyEvent {
    keys::key_of(name).unwrap_or(KeyEvent::new(KeyCode::Null, KeyModifiers::NONE))
}

/// A screen as lines of text.
pub fn text_of(buffer: &Buffer) -> String {
    let area = buffer.area;
    let line = |y: u16| {
        let mut text = String::new();
        let mut x = area.left();
        while let Some(cell) = buffer.cell((x, y)) {
            text.push_str(cell.symbol());
            // A wide character hides the cell behind it.
            x += u16::try_from(cell.symbol().width()).unwrap_or(1).max(1);
        }
        text.trim_end().to_owned()
    };
    (area.top()..area.bottom())
        .map(line)
        .collect::<Vec<_>>()
        .join("\n")
}

/// The sample in a view, as SVG: what README shows.
pub fn screenshot(shown: View, width: u16, height: u16) -> String {
    let mut screen = Screen::open(None, full_look(), (width, height));
    let number = View::ALL
        .iter()
        .position(|view| *view == shown)
        .unwrap_or(0)
        + 1;
    screen.keys(&number.to_string());
    let more = match shown {
        View::Records => {
            "Down Down Down Down Down Down Down Down Down Down Down Down Enter Down Down Down Down Down"
        }
        View::Registers => "p p",
        View::Memory => "Enter",
        _ => "",
    };
    screen.keys(more);
    svg::picture(&screen.buffer())
}
