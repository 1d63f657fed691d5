//! The program in a real terminal: tmux presses the keys and shows what came of it.

use ckpt_inspect::tui::full_look;
use ckpt_inspect::tui::screen::Screen;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(30);

/// A terminal with a shell in it.
struct Terminal {
    socket: String,
}

impl Terminal {
    fn open(name: &str, (width, height): (u16, u16)) -> Terminal {
        let terminal = Terminal {
            socket: format!("ckpt-inspect-{name}-{}", std::process::id()),
        };
        let size = [width.to_string(), height.to_string()];
        let shell = "env -i PATH=$PATH HOME=/nonexistent TERM=screen-256color LANG=C.UTF-8 PS1='ready ' bash --norc --noprofile -i";
        terminal.tmux(&[
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            "-x",
            &size[0],
            "-y",
            &size[1],
            shell,
        ]);
        terminal.wait("ready");
        terminal
    }
    fn tmux(&self, args: &[&str]) -> String {
        let out = Command::new("tmux")
            .arg("-L")
            .arg(&self.socket)
            .args(args)
            .output();
        let out = out.expect("these tests need tmux");
        assert!(
            out.status.success(),
            "tmux {args:?}: {}",
            String::from_utf8_lossy(&out.stderr)
        );
        String::from_utf8(out.stdout).unwrap()
    }
    fn shown(&self) -> String {
        let text = self.tmux(&["capture-pane", "-p"]);
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        lines.join("\n")
    }
    fn wait(&self, words: &str) {
        self.until(words, |shown| shown.contains(words));
    }
    fn until(&self, what: &str, good: impl Fn(&str) -> bool) {
        let end = Instant::now() + PATIENCE;
        loop {
            let shown = self.shown();
            if good(&shown) {
                return;
            }
            assert!(Instant::now() < end, "waited for {what}:\n{shown}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    /// Types a line into the shell.
    fn line(&self, text: &str) {
        self.tmux(&["send-keys", "-l", text]);
        self.tmux(&["send-keys", "Enter"]);
    }
    fn key(&self, name: &str) {
        let name = match name {
            "Backspace" => "BSpace",
            "Esc" => "Escape",
            "S-Tab" => "BTab",
            "PgDn" => "NPage",
            "PgUp" => "PPage",
            other => other,
        };
        self.tmux(&["send-keys", name]);
    }
    fn alternate(&self) -> bool {
        self.tmux(&["display-message", "-p", "#{alternate_on}"])
            .trim()
            == "1"
    }
    /// The process id of the program that the shell runs.
    fn program(&self) -> u32 {
        let shell = self.tmux(&["display-message", "-p", "#{pane_pid}"]);
        let out = Command::new("ps")
            .args(["-o", "pid=,comm=", "--ppid", shell.trim()])
            .output()
            .unwrap();
        let text = String::from_utf8(out.stdout).unwrap();
        let line = text.lines().find(|line| line.contains("ckpt-inspect"));
        line.unwrap()
            .split_whitespace()
            .next()
            .unwrap()
            .parse()
            .unwrap()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = Command::new("tmux")
            .args(["-L", &self.socket, "kill-server"])
            .status();
    }
}

/// A real dump of a process tree by CRIU.
fn image() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../converter/bridge/tests/data/real/tree/criu.tar.xz")
}

fn start(terminal: &Terminal, image: &Path) {
    terminal.line(&format!(
        "{} {}",
        env!("CARGO_BIN_EXE_ckpt-inspect"),
        image.display()
    ));
    // The bottom line names the revision when everything is read.
    terminal.until("the whole image", |shown| {
        shown
            .lines()
            .last()
            .is_some_and(|line| line.contains(" R1"))
    });
}

/// Thirty steps through all views; after each the terminal shows what the screen in memory shows.
#[test]
fn a_tour_of_thirty_steps() {
    const STEPS: [&str; 30] = [
        "G",
        "g",
        "j",
        "PgDn",
        "Space",
        "w",
        "j",
        "j",
        "w",
        "l",
        "j",
        "Esc",
        "2",
        "j",
        "Enter",
        "p",
        "t",
        "w",
        "4",
        "j",
        "d",
        "d",
        "d",
        "Enter",
        "Backspace",
        "5",
        "j",
        "7",
        "?",
        "Esc",
    ];
    for size in [(80, 24), (200, 60)] {
        let terminal = Terminal::open(&format!("tour{}", size.0), size);
        start(&terminal, &image());
        let mut memory = Screen::open(Some(&image()), full_look(), size);
        for (step, key) in STEPS.iter().enumerate() {
            memory.keys(key);
            terminal.key(key);
            let wanted = memory.shown();
            terminal.until(
                &format!("step {step}, {key}:\n{wanted}\n--- but saw"),
                |shown| shown.trim_end() == wanted.trim_end(),
            );
        }
        terminal.key("q");
        terminal.until("the shell", |shown| shown.trim_end().ends_with("ready"));
    }
}

/// The terminal is as before after q, SIGTERM, and C-z; Q keeps the last screen.
#[test]
fn the_terminal_is_given_back() {
    let terminal = Terminal::open("back", (80, 24));
    start(&terminal, &image());
    assert!(terminal.alternate());
    terminal.key("q");
    terminal.until("the shell", |shown| shown.trim_end().ends_with("ready"));
    assert!(!terminal.alternate());

    start(&terminal, &image());
    let pid = terminal.program().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .unwrap()
            .success()
    );
    terminal.until("the shell", |_| !terminal.alternate());
    for signal in ["-HUP", "-INT", "-QUIT"] {
        start(&terminal, &image());
        let pid = terminal.program().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status();
        assert!(sent.unwrap().success());
        terminal.until("the shell", |_| !terminal.alternate());
        terminal.line("clear");
    }
    terminal.line("stty -a | grep -c -- ' icanon'; echo back");
    terminal.until("a sane line discipline", |shown| shown.contains("1\nback"));

    terminal.line("clear");
    start(&terminal, &image());
    terminal.key("C-z");
    terminal.wait("Stopped");
    assert!(!terminal.alternate());
    terminal.line("fg");
    terminal.wait("q quit");
    terminal.key("2");
    terminal.wait("Tasks ·");
    terminal.key("Q");
    terminal.until("the shell", |shown| shown.trim_end().ends_with("ready"));
    assert!(terminal.shown().contains("Tasks ·"), "{}", terminal.shown());
}

/// What [`a_panic_gives_the_terminal_back`] runs in a terminal: the interface, and a thread of the
/// same process that panics once it is shown.
#[test]
#[ignore = "a part of another test, and of no use by itself"]
fn panics_beside_the_interface() {
    std::thread::spawn(|| {
        std::thread::sleep(Duration::from_millis(700));
        panic!("a thread fell over");
    });
    let options = ckpt_inspect::tui::Options::default();
    let _ = ckpt_inspect::tui::run(None, options);
}

/// The same, for a panic in the thread that draws.
#[test]
#[ignore = "a part of another test, and of no use by itself"]
fn panics_while_drawing() {
    let _hold = ckpt_inspect::tui::terminal::Hold::take(true).unwrap();
    std::thread::sleep(Duration::from_millis(700));
    panic!("the picture fell down");
}

/// A panic in any thread ends the program; its words can be read, and the shell can be used.
#[test]
fn a_panic_gives_the_terminal_back() {
    let own = std::env::current_exe().unwrap();
    for (part, words) in [
        ("panics_beside_the_interface", "a thread fell over"),
        ("panics_while_drawing", "the picture fell down"),
    ] {
        let terminal = Terminal::open(part, (80, 24));
        terminal.line(&format!(
            "clear; {} --ignored --exact --nocapture {part}; echo status $?",
            own.display()
        ));
        terminal.until("the alternate screen", |_| terminal.alternate());
        terminal.wait("status 101");
        let shown = terminal.shown();
        assert!(shown.contains(words), "{shown}");
        assert!(!terminal.alternate(), "{shown}");
        terminal.line("clear; stty -a | grep -c -- ' icanon'; echo back");
        terminal.until("a sane line discipline", |shown| shown.contains("1\nback"));
        let mouse = terminal.tmux(&["display-message", "-p", "#{mouse_any_flag}"]);
        assert_eq!(mouse.trim(), "0", "the mouse is free");
    }
}

/// Nothing to do, nothing done.
#[test]
fn idle_takes_no_time() {
    let terminal = Terminal::open("idle", (80, 24));
    start(&terminal, &image());
    std::thread::sleep(Duration::from_millis(1500));
    let pid = terminal.program();
    let ticks = || {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        let fields: Vec<&str> = stat
            .rsplit(')')
            .next()
            .unwrap()
            .split_whitespace()
            .collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    };
    let before = ticks();
    std::thread::sleep(Duration::from_secs(10));
    assert_eq!(
        ticks() - before,
        0,
        "ticks of processor time in ten idle seconds"
    );
    terminal.key("q");
}

/// Names from an image reach the terminal as text.
#[test]
fn an_image_cannot_steer_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hostile.ckpt");
    std::fs::write(
        &path,
        (ckpt_samples::get("hostile-r17-arm").unwrap().bytes)(),
    )
    .unwrap();
    let terminal = Terminal::open("hostile", (120, 40));
    start(&terminal, &path);
    let mut memory = Screen::open(Some(&path), full_look(), (120, 40));
    for key in [
        "2", "j", "w", "3", "4", "5", "j", "j", "j", "j", "1", "*", "PgDn", "PgDn",
    ] {
        memory.keys(key);
        terminal.key(key);
        let wanted = memory.shown();
        terminal.until(&format!("{key}:\n{wanted}\n--- but saw"), |shown| {
            shown.trim_end() == wanted.trim_end()
        });
    }
    let title = terminal.tmux(&["display-message", "-p", "#{pane_title}"]);
    assert!(!title.contains("owned"), "{title}");
    terminal.key("q");
}
