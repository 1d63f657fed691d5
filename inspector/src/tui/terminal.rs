//! The terminal: taken on start, given back on every way out.

use super::worker::Message;
use crossterm::event::{
    DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture,
};
use crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use crossterm::{cursor, execute};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
use signal_hook::iterator::Signals;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;

/// The terminal is in our hands; the panic hook needs to know.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Exit status of a program that panicked, as Rust gives it.
const PANICKED: i32 = 101;

/// Holds the terminal; dropping it gives it back.
pub struct Hold {
    mouse: bool,
}

impl Hold {
    /// Raw mode, alternate screen, mouse.
    ///
    /// # Errors
    /// Those of the terminal.
    pub fn take(mouse: bool) -> io::Result<Hold> {
        let before = std::panic::take_hook();
        let drawing = std::thread::current().id();
        std::panic::set_hook(Box::new(move |info| {
            if super::guard::is_quiet() {
                return;
            }
            // Nothing may be drawn any more; this thread alone can go on writing.
            let screen = io::stdout().lock();
            give_back();
            before(info);
            // The thread that draws ends by itself; it would wait for ever for another that panics.
            if std::thread::current().id() != drawing {
                std::process::exit(PANICKED);
            }
            drop(screen);
        }));
        let hold = Hold { mouse };
        hold.enter()?;
        Ok(hold)
    }
    /// Takes the terminal again, after it was given back for a while.
    ///
    /// # Errors
    /// Those of the terminal.
    pub fn enter(&self) -> io::Result<()> {
        enable_raw_mode()?;
        TAKEN.store(true, Ordering::SeqCst);
        let mut out = io::stdout();
        execute!(
            out,
            EnterAlternateScreen,
            EnableBracketedPaste,
            cursor::Hide
        )?;
        if self.mouse {
            execute!(out, EnableMouseCapture)?;
        }
        Ok(())
    }
    /// Stops the process as C-z does, and takes the terminal again when it goes on.
    ///
    /// # Errors
    /// Those of the terminal.
    pub fn suspend(&self) -> io::Result<()> {
        give_back();
        signal_hook::low_level::raise(signal_hook::consts::SIGSTOP)?;
        self.enter()
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        give_back();
    }
}

/// Gives the terminal back; does nothing the second time.
pub fn give_back() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    // There is nobody left to tell if this fails.
    let mut out = io::stdout();
    let _ = execute!(
        out,
        DisableMouseCapture,
        DisableBracketedPaste,
        LeaveAlternateScreen,
        cursor::Show
    );
    let _ = disable_raw_mode();
    let _ = out.flush();
}

/// Passes keys, clicks and sizes on.
pub fn listen(tell: Sender<Message>) {
    std::thread::spawn(move || {
        while let Ok(event) = crossterm::event::read() {
            if tell.send(Message::Input(event)).is_err() {
                return;
            }
        }
        // The terminal is gone; so are we.
        let _ = tell.send(Message::Signal(SIGHUP));
    });
}

/// Passes signals on.
///
/// # Errors
/// Those of the operating system.
pub fn listen_to_signals(tell: Sender<Message>) -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGTSTP, SIGCONT])?;
    std::thread::spawn(move || {
        for signal in signals.forever() {
            if tell.send(Message::Signal(signal)).is_err() {
                return;
            }
        }
    });
    Ok(())
}

/// Asks the terminal to put text on the clipboard (OSC 52).
///
/// # Errors
/// Those of the terminal.
pub fn copy(text: &str) -> io::Result<()> {
    let mut out = io::stdout();
    write!(out, "\x1b]52;c;{}\x07", base64(text.as_bytes()))?;
    out.flush()
}

/// RFC 4648, with padding.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let word = three
            .iter()
            .fold(0u32, |word, byte| word << 8 | u32::from(*byte))
            << (8 * (3 - three.len()));
        for i in 0..4 {
            let digit = DIGITS[(word >> (18 - 6 * i) & 63) as usize];
            text.push(if i <= three.len() {
                char::from(digit)
            } else {
                '='
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn base64_of_the_rfc() {
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(super::base64(plain.as_bytes()), coded);
        }
    }
}
