//! The terminal interface.
//!
//! One thread draws and never reads the image; it waits on one channel for keys, signals and
//! answers ([`worker`]). [`update`] turns a message into a changed [`model`] and perhaps a request;
//! [`view`] draws the model. [`keys`] is the one table of keys, [`panes`] holds a file per view.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_possible_wrap,
    reason = "counts of rows, cells and records that are in memory; amounts for the eye"
)]

pub mod command;
pub mod config;
pub mod disasm;
pub mod export;
pub mod guard;
pub mod hex;
pub mod index;
pub mod keys;
pub mod layout;
pub mod look;
pub mod model;
pub mod neon;
pub mod panes;
pub mod prompt;
pub mod screen;
pub mod search;
pub mod spool;
pub mod svg;
pub mod terminal;
pub mod tour;
pub mod update;
pub mod vfp;
pub mod view;
pub mod worker;

pub use screen::{Screen, screenshot};

use anyhow::{Context, Result, anyhow};
use ckpt_parser::text::escape;
use look::{Depth, Look};
use model::{Model, Overlay, Quit};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};
use worker::{How, Message, Worker};

/// How the interface starts.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// How to read records: limits, revision, policy.
    pub read: ckpt_parser::decoder::Options,
    /// Only ASCII characters.
    pub ascii: bool,
    /// No colours, whatever the terminal can do.
    pub mono: bool,
    /// The background is light; `None` to find out.
    pub light: Option<bool>,
    /// Files of the image's machine.
    pub sysroot: Option<PathBuf>,
    /// The target that Compat shows first.
    pub target: Option<String>,
    /// The image to compare with.
    pub diff: Option<PathBuf>,
    /// No mouse.
    pub no_mouse: bool,
}

/// Shows an image; without a path the sample that comes with the program, and a short tour.
///
/// # Errors
/// If the terminal or the configuration file cannot be used. An image that cannot be read is
/// explained on the screen.
pub fn run(path: Option<&Path>, options: Options) -> Result<ExitCode> {
    let config = config::Config::load(config::path()).map_err(|why| anyhow!(why))?;
    let keys = config.keymap().map_err(|why| anyhow!(why))?;
    let mut look = look_of(&options);
    config.apply(&mut look).map_err(|why| anyhow!(why))?;
    let name = path.map_or("sample".to_owned(), |path| {
        escape(path.as_os_str().as_encoded_bytes())
    });
    let mut model = Model::new(name, look, keys);
    let (tell, messages) = channel();
    let how = How {
        path: path.map(Path::to_owned),
        options: options.read,
        sysroot: options.sysroot,
    };
    let worker = Worker::start(how, tell.clone());
    if path.is_none() {
        model.overlay = Some(Overlay::Tour(0));
    }
    model.compat.wanted = options.target;
    if let Some(other) = options.diff {
        model.diff.other = Some(escape(other.as_os_str().as_encoded_bytes()));
        model.view = layout::View::Diff;
        worker.ask(worker::Request::Compare(other));
    }
    let hold = terminal::Hold::take(config.mouse() && !options.no_mouse)
        .context("cannot use the terminal")?;
    terminal::listen_to_signals(tell.clone())?;
    terminal::listen(tell);
    let kept = show(&mut model, &worker, &messages, &hold);
    drop(hold);
    if let Some(screen) = kept? {
        print_screen(&screen)?;
    }
    Ok(ExitCode::from(u8::from(differs(&model))))
}

/// A comparison that found something is told by the exit code, as diff does.
fn differs(model: &Model) -> bool {
    matches!(&model.diff.diff, Some(Ok(diff)) if !diff.changes.is_empty())
}

fn look_of(options: &Options) -> Look {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let no_color = options.mono || variable("NO_COLOR").is_some();
    let locale = variable("LC_ALL")
        .or_else(|| variable("LC_CTYPE"))
        .or_else(|| variable("LANG"));
    let utf8 = locale.is_none_or(|locale| locale.to_lowercase().replace('-', "").contains("utf8"));
    Look {
        depth: look::depth_from(
            no_color,
            variable("COLORTERM").as_deref(),
            variable("TERM").as_deref(),
        ),
        light: options
            .light
            .unwrap_or_else(|| look::is_light(variable("COLORFGBG").as_deref())),
        ascii: options.ascii || !utf8,
        own: std::collections::BTreeMap::new(),
    }
}

/// How long a change may wait for the answer that belongs to it, so that it is drawn once.
const PATIENCE: Duration = Duration::from_millis(4);
/// Progress is drawn this often at most.
const PROGRESS: Duration = Duration::from_millis(80);

/// Draws and waits, until the user leaves. Returns the last screen if it is to be kept.
fn show(
    model: &mut Model,
    worker: &Worker,
    messages: &Receiver<Message>,
    hold: &terminal::Hold,
) -> Result<Option<ratatui::buffer::Buffer>> {
    let (width, height) = crossterm::terminal::size()?;
    model.screen = Rect::new(0, 0, width, height);
    let mut terminal = canvas(model.screen)?;
    let mut progress = Instant::now();
    loop {
        for request in model.requests() {
            worker.ask(request);
        }
        // An answer that comes within a moment belongs on the same screen.
        let deadline = Instant::now() + PATIENCE;
        while model.waiting() && !model.redraw {
            match messages.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(message) => take(model, worker, message),
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
            }
            for request in model.requests() {
                worker.ask(request);
            }
        }
        if std::mem::take(&mut model.redraw) {
            terminal = canvas(model.screen)?;
        }
        terminal.draw(|frame| view::draw(model, frame.buffer_mut()))?;
        if let Some(quit) = model.quit {
            return Ok((quit == Quit::Keep).then(|| picture_of(model)));
        }
        if let Some(text) = model.clipboard.take() {
            terminal::copy(&text)?;
        }
        if std::mem::take(&mut model.suspend) {
            hold.suspend()?;
            model.redraw = true;
            continue;
        }
        // Progress alone is no reason to draw at once; anything else is.
        let mut only_progress = true;
        loop {
            let message = if only_progress && progress.elapsed() < PROGRESS {
                messages.recv_timeout(PROGRESS.saturating_sub(progress.elapsed()))
            } else {
                messages.recv().map_err(|_| RecvTimeoutError::Disconnected)
            };
            match message {
                Ok(message) => {
                    let quiet = matches!(
                        message,
                        Message::Chunk { .. } | Message::Modelling(_) | Message::Unpacked(_)
                    );
                    let first = model.index.is_empty();
                    take(model, worker, message);
                    only_progress &= quiet && !first;
                    if !only_progress || progress.elapsed() >= PROGRESS {
                        break;
                    }
                }
                Err(RecvTimeoutError::Timeout) => only_progress = false,
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
            }
        }
        progress = Instant::now();
    }
}

/// An empty screen of this size. The size is fixed, because finding it out would read from the
/// terminal, which another thread does; a change of it arrives as an event.
fn canvas(area: Rect) -> io::Result<Terminal<CrosstermBackend<io::Stdout>>> {
    use crossterm::terminal::{Clear, ClearType};
    crossterm::execute!(io::stdout(), Clear(ClearType::All))?;
    let viewport = ratatui::Viewport::Fixed(area);
    Terminal::with_options(
        CrosstermBackend::new(io::stdout()),
        ratatui::TerminalOptions { viewport },
    )
}

fn take(model: &mut Model, worker: &Worker, message: Message) {
    use signal_hook::consts::{SIGCONT, SIGTSTP};
    match message {
        Message::Signal(SIGTSTP) => model.suspend = true,
        Message::Signal(SIGCONT) => model.redraw = true,
        Message::Signal(_) => model.quit = Some(Quit::Clean),
        message => {
            if let Some(request) = update::told(model, message) {
                worker.ask(request);
            }
        }
    }
}

fn picture_of(model: &Model) -> ratatui::buffer::Buffer {
    let mut buffer = ratatui::buffer::Buffer::empty(model.screen);
    view::draw(model, &mut buffer);
    buffer
}

/// Prints a screen as plain text, for those who leave it standing.
fn print_screen(buffer: &ratatui::buffer::Buffer) -> io::Result<()> {
    use io::Write;
    let mut out = io::stdout().lock();
    writeln!(out, "{}", screen::text_of(buffer))
}

/// What the look does without a terminal: pictures and tests.
pub fn full_look() -> Look {
    Look {
        depth: Depth::True,
        ..Look::default()
    }
}
