//! The terminal interface on a screen in memory: what every view shows, and what it does.

use ckpt_inspect::tui::index::Entry;
use ckpt_inspect::tui::layout::View;
use ckpt_inspect::tui::look::{Depth, Look};
use ckpt_inspect::tui::model::{Code, Phase, Quit, Row};
use ckpt_inspect::tui::screen::{Screen, text_of};
use ckpt_inspect::tui::{full_look, keys, panes, screenshot};
use ckpt_parser::model::Image;
use crossterm::event::{Event, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::buffer::Buffer;
use std::fmt::Write as _;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

const SMALL: (u16, u16) = (80, 24);
const SIZES: [(u16, u16); 3] = [SMALL, (120, 40), (200, 60)];

fn sample(size: (u16, u16)) -> Screen {
    Screen::open(None, full_look(), size)
}

/// A file with these bytes, and the folder that keeps it alive.
fn file(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image.ckpt");
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn named(name: &str) -> (tempfile::TempDir, PathBuf) {
    file(&(ckpt_samples::get(name).unwrap().bytes)())
}

/// The screen as text, and below it the runs of style of each line.
fn snapshot(buffer: &Buffer) -> String {
    let mut out = text_of(buffer);
    out.push_str("\n-- styles --\n");
    for y in 0..buffer.area.height {
        let mut runs = String::new();
        let mut last = None;
        for x in 0..buffer.area.width {
            let cell = &buffer[(x, y)];
            let style = (cell.fg, cell.bg, cell.modifier);
            if last != Some(style) {
                let (fg, bg, modifier) = style;
                let _ = write!(runs, " {x}:{fg}/{bg}");
                if !modifier.is_empty() {
                    let _ = write!(runs, "/{modifier:?}");
                }
                last = Some(style);
            }
        }
        let _ = writeln!(out, "{y:2}{}", runs.replace("Reset", "-"));
    }
    out
}

/// Keys that bring each view to a state worth seeing.
const TOUR: [(View, &str); 8] = [
    (View::Records, "1 g j j j j j j j j j j j j Enter j j j j"),
    (View::Tasks, "2 g j j"),
    (View::Registers, "3 p p"),
    (View::Memory, "4 g j j Enter"),
    (View::Files, "5 g j j j j"),
    (View::Compat, "6 g j j j"),
    (View::Problems, "7"),
    (View::Diff, "8"),
];

#[test]
fn every_view_at_every_size() {
    for (width, height) in SIZES {
        let mut screen = sample((width, height));
        for (view, keys) in TOUR {
            screen.keys(keys);
            assert_eq!(screen.model.view, view);
            let name = format!("{}-{width}x{height}", view.name().to_lowercase());
            insta::assert_snapshot!(name, snapshot(&screen.buffer()));
        }
    }
}

#[test]
fn without_colours_and_without_unicode() {
    let look = Look {
        depth: Depth::Mono,
        ascii: true,
        ..Look::default()
    };
    let mut screen = Screen::open(None, look, SMALL);
    for (_, keys) in TOUR {
        screen.keys(keys);
        let buffer = screen.buffer();
        for cell in buffer.content() {
            assert!(
                cell.symbol().is_ascii(),
                "{:?} in {}",
                cell.symbol(),
                text_of(&buffer)
            );
            let none = ratatui::style::Color::Reset;
            assert_eq!((cell.fg, cell.bg), (none, none));
        }
    }
    screen.keys("?");
    assert!(screen.shown().is_ascii());
}

#[test]
fn references_are_followed_and_history_goes_back() {
    let mut screen = sample(SMALL);
    screen.keys(":");
    screen.text("record task_objs");
    screen.keys("Enter w");
    let before = screen.model.record();
    let is_link = |screen: &Screen| {
        ckpt_inspect::tui::panes::records::current_field(&screen.model)
            .is_some_and(|f| f.target.is_some())
    };
    while !is_link(&screen) {
        screen.keys("j");
    }
    screen.keys("Enter");
    let there = screen.model.record();
    assert_ne!(there, before, "{}", screen.shown());
    screen.keys("Backspace");
    assert_eq!(screen.model.record(), before);
    screen.keys("]");
    assert_eq!(screen.model.record(), there);
}

#[test]
fn moving_in_the_bytes_selects_the_field() {
    let mut screen = sample(SMALL);
    screen.keys(": r e c o r d Space 1 2 Enter w w");
    assert_eq!(screen.model.pane(), 2);
    screen.keys("l l l l l l l l l l l l");
    assert_eq!(screen.model.byte, 12);
    assert!(
        screen.shown().contains("Bytes · state"),
        "{}",
        screen.shown()
    );
    screen.keys("j");
    assert!(
        screen.shown().contains("Bytes · pdeath_signal"),
        "{}",
        screen.shown()
    );
}

/// The line under the cursor of the pane that has the keys.
fn line_at_cursor(screen: &Screen) -> String {
    let pane = screen.model.pane();
    let line = screen.model.scroll(pane).cursor;
    let (_, rows) = panes::list(&screen.model, pane, line..line + 1);
    rows.first().map_or(String::new(), Row::text)
}

/// Puts the cursor on the first line of the rules that has these words, and presses Enter.
fn follow_evidence(screen: &mut Screen, words: &str) {
    screen.prompt(":", "target v5te");
    screen.model.focus[View::Compat as usize] = 1;
    let (_, rows) = panes::list(&screen.model, 1, 0..1000);
    let line = rows.iter().position(|row| row.text().contains(words));
    let line = line.unwrap_or_else(|| panic!("{words}: {}", screen.shown()));
    screen.model.scroll_mut(View::Compat, 1).cursor = line;
    screen.keys("Enter");
}

#[test]
fn evidence_leads_to_what_it_is_about() {
    let mut screen = sample((120, 40));
    follow_evidence(&mut screen, "2 × vfp on every path");
    assert_eq!(
        (screen.model.view, screen.model.code),
        (View::Memory, Code::Arm)
    );
    assert_eq!(screen.model.addr, 0x4080_0008);
    let shown = screen.shown();
    assert!(
        shown.contains("ARM code at 0x40800008") && shown.contains("vadd.f64"),
        "{shown}"
    );
    screen.keys("Backspace");
    assert_eq!(screen.model.view, View::Compat);
    follow_evidence(&mut screen, "cpu_architecture is");
    let (_, fields) = panes::list(&screen.model, 1, 0..100);
    let field = &fields[screen.model.scroll(1).cursor];
    assert!(
        field.text().contains("cpu_architecture"),
        "{}",
        screen.shown()
    );
    follow_evidence(&mut screen, "AT_HWCAP advertised");
    assert!(line_at_cursor(&screen).contains("MM"), "{}", screen.shown());
}

#[test]
fn the_cursor_is_on_the_rule_that_decides() {
    for (target, sign) in [("v5te", " ✘ "), ("v7-neon", " ? ")] {
        let mut screen = sample((120, 40));
        screen.prompt(":", &format!("target {target}"));
        screen.keys("w");
        let line = line_at_cursor(&screen);
        assert!(
            line.starts_with(sign),
            "{target}: {line}\n{}",
            screen.shown()
        );
    }
}

#[test]
fn what_waits_is_searched_in_files() {
    let mut screen = sample((120, 40));
    screen.prompt("5 /", "nobody says this");
    assert!(screen.shown().contains("Not found"), "{}", screen.shown());
    // "flush" stands in a pipe, and in no line.
    screen.prompt("/", "x:666c757368");
    let shown = screen.shown();
    assert!(line_at_cursor(&screen).contains("pipe"), "{shown}");
    let told = "Match 1 of 2 for x:666c757368, in what waits here";
    assert!(shown.contains(told), "{shown}");
    let first = screen.model.scroll(0).cursor;
    screen.keys("n");
    assert!(
        line_at_cursor(&screen).contains("pipe"),
        "{}",
        screen.shown()
    );
    assert_ne!(screen.model.scroll(0).cursor, first, "its other end");
    // A socket's queues hold headers of protocols; what waits is what its program would read or has written.
    screen.prompt("/", "13 bytes to send");
    assert!(
        line_at_cursor(&screen).contains("12x socket"),
        "{}",
        screen.shown()
    );
    // Who reads it is said, too.
    screen.prompt("/", "peer 421 logger as 3");
    assert!(
        screen.shown().contains("peer           421 logger as 3"),
        "{}",
        screen.shown()
    );
    // Lines are found as before.
    screen.prompt("/", "i2c");
    assert!(
        line_at_cursor(&screen).contains("/dev/i2c-1"),
        "{}",
        screen.shown()
    );
}

#[test]
fn a_prompt_says_what_to_type() {
    for (keys, hint) in [
        ("@", "WHERE · 0x8000, pc, lr+8, main"),
        (":", "goto record object task"),
        ("/", "text, x:00ff bytes"),
        ("f", "a word"),
    ] {
        let mut screen = sample(SMALL);
        screen.keys(keys);
        assert!(screen.shown().contains(hint), "{keys}\n{}", screen.shown());
        screen.text("z");
        assert!(!screen.shown().contains(hint), "{}", screen.shown());
    }
}

#[test]
fn every_list_counts_what_a_search_finds() {
    for (keys, word) in [
        ("2 g", "sens"),
        ("3 g", "sp"),
        ("5 g", "null"),
        ("6 g", "v7"),
        ("6 w g", "vfp"),
        ("7 g", "problem"),
        ("8 g", "second"),
    ] {
        let mut screen = sample((120, 40));
        screen.prompt(&format!("{keys} /"), word);
        let pane = screen.model.pane();
        let (_, rows) = panes::list(&screen.model, pane, 0..1000);
        let has = |row: &Row| row.text().to_lowercase().contains(word);
        let count = rows.iter().filter(|row| has(row)).count();
        for _ in 0..=count {
            let shown = screen.shown();
            let cursor = screen.model.scroll(pane).cursor;
            let number = rows[..=cursor].iter().filter(|row| has(row)).count();
            let told = format!("Match {number} of {count} for {word}");
            assert!(
                has(&rows[cursor]) && shown.contains(&told),
                "{told}\n{shown}"
            );
            screen.keys("n");
        }
    }
}

#[test]
fn a_missing_file_leads_to_its_mapping() {
    let mut screen = sample((120, 40));
    screen.prompt(":", "target v7-neon");
    screen.prompt("w /", "(sh): /bin/busybox");
    screen.keys("Enter");
    let shown = screen.shown();
    assert_eq!(screen.model.view, View::Memory, "{shown}");
    assert!(shown.contains("busybox+0x0 · not in the image"), "{shown}");
}

#[test]
fn five_questions_of_a_newcomer() {
    let mut screen = sample((120, 40));
    // Why can this image not be restored on v7-vfp?
    screen.keys(":");
    screen.text("target v7-vfp");
    screen.keys("Enter w");
    let shown = screen.shown();
    assert!(
        shown.contains("not-restorable") && shown.contains("fp."),
        "{shown}"
    );
    // The cursor is on the reason; Enter shows the register that is the evidence.
    screen.keys("Enter");
    let shown = screen.shown();
    assert!(
        screen.model.view == View::Registers && shown.contains("Task 413 sampler"),
        "{shown}"
    );
    assert_eq!(screen.model.pane(), 2);
    assert!(line_at_cursor(&screen).starts_with("d16 "), "{shown}");
    // d17 of the second thread.
    screen.prompt("Backspace 3 t @", "d17");
    let shown = screen.shown();
    assert!(shown.contains("Task 413 sampler · 2 of 5"), "{shown}");
    assert!(shown.contains("d17   "), "{shown}");
    assert_eq!(screen.model.pane(), 2);
    screen.keys("T");
    // A floating-point register of the first thread.
    screen.keys("p p");
    let shown = screen.shown();
    let d8 = shown.lines().find(|line| line.contains("│d8 "));
    assert!(d8.is_some_and(|line| line.contains(" 98.6")), "{shown}");
    // The text in a pipe.
    screen.prompt("5 g /", "bytes wait");
    assert!(
        screen.shown().contains("\"flush\\nrotate\\n\""),
        "{}",
        screen.shown()
    );
    // Which process holds a file open.
    screen.prompt("/", "i2c");
    assert!(
        screen.shown().contains("412 sensord as 10"),
        "{}",
        screen.shown()
    );
    // Where a string lies in memory.
    screen.prompt("4 /", "/usr/sbin/sensord");
    let shown = screen.shown();
    assert!(
        shown.contains("Match 1 of") && !shown.contains("+ for"),
        "{shown}"
    );
    assert_eq!(screen.model.addr, screen.model.search.hits[0]);
}

#[test]
fn a_search_goes_on_in_the_next_process() {
    let (_dir, path) = named("tour-r17-arm");
    let mut screen = Screen::open(Some(&path), full_look(), SMALL);
    screen.prompt("4 /", "inner init");
    let shown = screen.shown();
    let told = "Not found in this process: inner init (only it was searched; t n: the next)";
    assert!(shown.contains(told), "{shown}");
    let mut seen = Vec::new();
    while !screen.shown().contains("Match 1 of 1") {
        let mm = screen.model.current_mm().map(|(number, _)| number);
        assert!(!seen.contains(&mm) || seen.len() < 12, "{}", screen.shown());
        seen.push(mm);
        screen.keys("t n");
    }
    assert_eq!(screen.model.current_task().map(|task| task.pid), Some(101));
}

/// A zombie has neither registers nor memory: nothing is found there, and nobody is sent there.
#[test]
fn zombies_are_passed_over_where_they_have_nothing_to_show() {
    let (_dir, path) = named("tour-r17-arm");
    let mut screen = Screen::open(Some(&path), full_look(), SMALL);
    let image = screen.model.image.clone().unwrap();
    let zombie = image.tasks.iter().find(|task| task.is_zombie()).unwrap();
    for keys in ["3", "4"] {
        screen.keys(keys);
        for _ in 0..2 * image.tasks.len() {
            screen.keys("t");
            assert!(screen.model.current_task().unwrap().live.is_some());
        }
        screen.keys("T T T T T T T");
        assert!(screen.model.current_task().unwrap().live.is_some());
    }
    screen.prompt("2 :", &format!("task {}", zombie.pid));
    assert!(
        !screen.model.waiting(),
        "{:?} is asked for ever",
        screen.model.asked
    );
    screen.prompt("4 /", "x");
    let told = format!("{}: a zombie has no memory", zombie.pid);
    assert!(screen.shown().contains(&told), "{}", screen.shown());
}

/// The verdict is not what a narrow screen cuts off, and Enter is no dead end while there is none.
#[test]
fn compat_says_the_verdict_first() {
    let mut screen = sample(SMALL);
    screen.press("6");
    assert!(screen.model.compat.judged.is_empty());
    screen.press("Enter");
    assert!(
        screen.shown().contains("Still looking"),
        "{}",
        screen.shown()
    );
    assert_eq!(screen.model.pane(), 0);
    screen.settle();
    let verdict = screen.model.compat.judged[0].verdict();
    let shown = screen.shown();
    let target = &screen.model.compat.judged[0].target;
    assert!(
        shown.contains(&format!(" {verdict} on {target}")),
        "{shown}"
    );
}

#[test]
fn a_register_that_the_thread_has_not_is_no_address() {
    let (_dir, path) = named("units-r18-arm");
    let mut screen = Screen::open(Some(&path), full_look(), SMALL);
    screen.prompt("3 t @", "d17");
    assert!(
        screen.shown().contains("This thread has no d17"),
        "{}",
        screen.shown()
    );
    assert_eq!(screen.model.view, View::Registers);
    // A slip is no address either; a number that says so is.
    screen.prompt("@", "d99");
    assert!(
        screen.shown().contains("d99 is no register: d0 to d31"),
        "{}",
        screen.shown()
    );
    assert_eq!(screen.model.view, View::Registers);
    screen.prompt("@", "0xd99");
    assert_eq!(
        (screen.model.view, screen.model.addr),
        (View::Memory, 0xd99)
    );
}

#[test]
fn lanes_stand_in_the_order_of_their_names() {
    let mut screen = sample((120, 40));
    screen.prompt("3 t @", "s19");
    let shown = screen.shown();
    let row = shown.lines().find(|line| line.contains("d9 ")).unwrap();
    assert!(row.contains("d9 s19:s18"), "{row}");
}

#[test]
fn the_next_task_is_named_in_memory_too() {
    let mut screen = sample(SMALL);
    screen.keys("4");
    assert!(
        screen.shown().contains("Mappings of 412 sensord"),
        "{}",
        screen.shown()
    );
    screen.keys("t");
    let shown = screen.shown();
    assert!(shown.contains("Mappings of 413 sampler"), "{shown}");
    assert_eq!(screen.model.addr, 0x4080_0010, "its pc");
    screen.keys("t");
    assert!(
        screen.shown().contains("Mappings of 420 sh"),
        "{}",
        screen.shown()
    );
}

#[test]
fn addresses_registers_and_pointers() {
    let mut screen = sample((120, 40));
    screen.prompt("@", "sp+4");
    assert_eq!(screen.model.view, View::Memory);
    assert_eq!(screen.model.addr, 0xbeff_fd54);
    screen.keys("@");
    screen.text("0x4015a000");
    screen.keys("Enter Enter");
    // The word there is 0x40028000, the start of a mapping.
    assert_eq!(screen.model.addr, 0x4002_8000);
    screen.keys("d");
    assert_eq!(screen.model.code, Code::Arm);
    screen.keys("d d");
    assert_eq!(screen.model.code, Code::Bytes);
}

/// In code, a line is an instruction: the cursor is on one, goes up to what is above the screen, and Enter follows the
/// one that it is on.
#[test]
fn code_is_first_that_of_the_thread() {
    let mut sets = Vec::new();
    let real = Path::new(env!("CARGO_MANIFEST_DIR")).join("../converter/bridge/tests/data/real");
    for path in [None, Some(real.join("tree/criu.tar.xz"))] {
        let mut screen = Screen::open(path.as_deref(), full_look(), SMALL);
        screen.keys("4");
        for _ in 0..screen.model.image.clone().unwrap().tasks.len() {
            screen.keys("t");
            let Some(regs) = screen.model.current_task().and_then(|task| task.arm()) else {
                continue;
            };
            let own = if regs.is_thumb() {
                Code::Thumb
            } else {
                Code::Arm
            };
            for goto in ["pc", "sp"] {
                screen.model.code = Code::Bytes;
                screen.prompt("@", goto);
                screen.keys("d");
                assert_eq!(screen.model.code, own, "{}", screen.shown());
            }
            sets.push(own);
        }
    }
    assert!(
        sets.contains(&Code::Thumb) && sets.contains(&Code::Arm),
        "{sets:?}"
    );
}

#[test]
fn code_is_walked_by_instructions() {
    let mut screen = sample(SMALL);
    let under_cursor = |screen: &Screen| {
        let line = screen.model.scroll(2).cursor;
        panes::list(&screen.model, 2, line..line + 1).1[0].text()
    };
    let is_there =
        |screen: &Screen| under_cursor(screen).contains(&format!("{:08x} ", screen.model.addr));
    // The code is ARM; read as Thumb it has instructions of both lengths.
    screen.prompt("@", "0x40800000");
    screen.keys("P");
    assert_eq!(screen.model.code, Code::Thumb);
    let mut walked = Vec::new();
    for _ in 0..30 {
        assert!(is_there(&screen), "{}", screen.shown());
        walked.push(screen.model.addr);
        screen.keys("j");
    }
    let lengths: Vec<u64> = walked.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(lengths.contains(&2) && lengths.contains(&4), "{lengths:?}");
    for addr in walked.into_iter().rev() {
        screen.keys("k");
        assert_eq!(screen.model.addr, addr);
        assert!(is_there(&screen), "{}", screen.shown());
    }
    screen.keys("P j j j j j");
    assert!(
        under_cursor(&screen).contains("bne 0x40800008"),
        "{}",
        screen.shown()
    );
    screen.keys("Enter");
    assert_eq!(screen.model.addr, 0x4080_0008);
    screen.keys("j j j Enter");
    assert_eq!(screen.model.addr, 0x4080_0008);
    assert!(is_there(&screen), "{}", screen.shown());
    // What is not in the image is no code.
    screen.prompt("@", "pc");
    assert!(
        screen.shown().contains("not in the image"),
        "{}",
        screen.shown()
    );
    assert!(!screen.shown().contains("andeq"), "{}", screen.shown());
}

#[test]
fn filters_folds_and_bookmarks() {
    let mut screen = sample(SMALL);
    let all = screen.model.index.rows();
    screen.keys("*");
    assert!(screen.model.index.rows() > all);
    assert_eq!(screen.model.index.rows(), screen.model.index.len());
    screen.keys("*");
    screen.keys("f v m a Enter");
    let vmas = screen.model.index.rows();
    assert!(vmas > 5 && vmas < 60, "{vmas}");
    assert!(
        screen.shown().contains("▶ filter: vma · Stream · "),
        "{}",
        screen.shown()
    );
    screen.keys("j j m");
    let chosen = screen.model.record();
    screen.keys("Esc");
    // The record that was chosen is there among all others.
    assert_eq!(screen.model.record(), chosen);
    assert!(screen.model.index.rows() >= all);
    assert_eq!(screen.model.index.filter(), None);
    assert_eq!(screen.model.bookmarks.len(), 1);
    screen.keys("g '");
    assert!(screen.shown().contains("VMA"), "{}", screen.shown());
    screen.keys("Enter");
    let record = screen.model.record().unwrap();
    assert_eq!(screen.model.index.get(record).unwrap().title(), "VMA");
    screen.keys("2 f 4 2 0 Enter");
    assert!(
        screen.shown().contains("420 ") && !screen.shown().contains("421 "),
        "{}",
        screen.shown()
    );
    assert!(
        screen.shown().contains("▶ filter: 420 · Tasks"),
        "{}",
        screen.shown()
    );
    // What a filter that is given up has hidden is selected again.
    screen.keys("Esc G");
    let last = screen.model.scroll(0).cursor;
    screen.keys("f 4 1 Esc");
    assert_eq!(screen.model.scroll(0).cursor, last);
}

#[test]
fn a_filter_in_compat_is_of_the_pane_and_chooses_nothing() {
    let mut screen = sample((120, 40));
    screen.keys("6 j j");
    let chosen = screen.model.compat.chosen;
    assert_eq!(chosen, 2);
    let rules = |screen: &Screen| panes::title(&screen.model, 1);
    let before = rules(&screen);
    screen.keys("f v 5 Enter");
    assert_eq!(
        (screen.model.compat.chosen, rules(&screen)),
        (chosen, before.clone())
    );
    assert!(panes::title(&screen.model, 0).starts_with("filter: v5 · Targets"));
    screen.keys("Esc");
    assert_eq!(screen.model.scroll(0).cursor, chosen);
    assert_eq!(rules(&screen), before);
    // The rules have a filter of their own.
    screen.keys("w f n e o n Enter");
    assert_eq!(screen.model.filter(0), None);
    assert_eq!(rules(&screen), format!("filter: neon · {before}"));
    let (len, rows) = panes::list(&screen.model, 1, 0..100);
    assert!(
        len > 0
            && rows
                .iter()
                .all(|row| row.text().to_lowercase().contains("neon"))
    );
    screen.keys("W j");
    assert_ne!(screen.model.compat.chosen, chosen);
    let (_, rows) = panes::list(&screen.model, 1, 0..100);
    assert!(
        rows.iter()
            .all(|row| row.text().to_lowercase().contains("neon"))
    );
}

#[test]
fn exports_and_copies() {
    let folder = tempfile::tempdir().unwrap();
    let mut screen = sample(SMALL);
    for (form, file) in [("raw", "a.bin"), ("hex", "a.txt"), ("json", "a.json")] {
        screen.keys(":");
        screen.text(&format!(
            "export {form} {}",
            folder.path().join(file).display()
        ));
        screen.keys("Enter");
    }
    let read = |name: &str| {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let bytes = std::fs::read(folder.path().join(name)).unwrap_or_default();
            if !bytes.is_empty() || Instant::now() > end {
                return bytes;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    let json: serde_json::Value = serde_json::from_slice(&read("a.json")).unwrap();
    assert_eq!(
        (json["name"].as_str(), json["len"].as_u64()),
        (Some("HEADER"), Some(72))
    );
    assert_eq!(read("a.bin"), &ckpt_samples::EMBEDDED[..72]);
    assert!(
        String::from_utf8(read("a.txt"))
            .unwrap()
            .starts_with(" 00000000")
    );
    screen.keys("y");
    assert!(
        screen
            .model
            .clipboard
            .as_deref()
            .unwrap()
            .contains("HEADER")
    );
    // The sign of an open node is no part of what the line says.
    screen.prompt(":", "record task");
    screen.keys("y");
    let copied = screen.model.clipboard.as_deref().unwrap();
    assert!(copied.starts_with("TASK "), "{copied}");
    assert!(screen.shown().contains("▾TASK"), "{}", screen.shown());
}

/// Zeros stand for what is not in the image, which must be said; the name says what is exported.
#[test]
fn an_export_of_memory_says_what_is_in_the_image() {
    let folder = tempfile::tempdir().unwrap();
    let mut screen = sample((120, 40));
    screen.prompt("4 @", "pc");
    let vma = screen
        .model
        .current_mm()
        .and_then(|(_, mm)| mm.vma_at(screen.model.addr))
        .unwrap();
    screen.keys("e");
    let named = format!("export raw memory-{:x}-{:x}.bin", vma.start, vma.end);
    assert!(screen.shown().contains(&named), "{}", screen.shown());
    let to = folder.path().join("m");
    screen.prompt("Esc :", &format!("export raw {}", to.display()));
    screen.until(|model| model.message.is_some());
    let told = screen.model.message.clone().unwrap().0;
    let part = format!(
        "of {} bytes are in the image; the rest are zeros",
        vma.len()
    );
    assert!(told.contains(&part), "{told}");
    assert_eq!(std::fs::metadata(to).unwrap().len(), vma.len());
    // Nobody knows the word at the cursor either.
    screen.keys("y");
    let told = screen.model.message.clone().unwrap().0;
    assert!(told.contains("not in the image"), "{told}");
    assert_eq!(screen.model.clipboard, None);
}

/// An image that is no stream is shown as one: both are said, and whose offsets those are that are shown.
#[test]
fn what_is_no_stream_says_so() {
    let real =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../converter/bridge/tests/data/real/naked");
    let core = std::fs::read_dir(real.join("core"))
        .unwrap()
        .next()
        .unwrap();
    for (path, name) in [(real.join("criu"), "CRIU"), (core.unwrap().path(), "core")] {
        let mut screen = Screen::open(Some(&path), full_look(), SMALL);
        let shown = screen.shown();
        assert!(shown.contains(&format!(" {name} as R18 ARM · ")), "{shown}");
        assert!(
            shown.contains("Bytes and offsets of the stream · "),
            "{shown}"
        );
        screen.keys("7");
        let shown = screen.shown();
        assert!(
            shown.contains(&format!("image          {name}, shown as the R18 stream")),
            "{shown}"
        );
        let status = shown.lines().last().unwrap();
        assert!(
            status.starts_with(&format!(" {name} as R18 ARM")),
            "{shown}"
        );
    }
    assert!(!sample(SMALL).shown().contains(" as R18"));
}

fn mouse(kind: MouseEventKind, column: u16, row: u16) -> Event {
    Event::Mouse(MouseEvent {
        kind,
        column,
        row,
        modifiers: KeyModifiers::NONE,
    })
}

#[test]
fn the_mouse_clicks_scrolls_and_drags() {
    let left = MouseButton::Left;
    let mut screen = sample(SMALL);
    screen.event(mouse(MouseEventKind::Down(left), 14, 0));
    assert_eq!(screen.model.view, View::Tasks);
    screen.event(mouse(MouseEventKind::Down(left), 5, 4));
    assert_eq!(screen.model.lists[View::Tasks as usize][0].cursor, 2);
    screen.event(mouse(MouseEventKind::Down(left), 5, 4));
    assert_eq!(
        screen.model.view,
        View::Registers,
        "a click on the selected line follows it"
    );
    screen.keys("1");
    screen.event(mouse(MouseEventKind::ScrollDown, 5, 5));
    assert_eq!(
        (
            screen.model.lists[0][0].cursor,
            screen.model.lists[0][0].top
        ),
        (3, 3)
    );
    screen.keys("j j");
    screen.event(mouse(MouseEventKind::ScrollUp, 5, 5));
    assert_eq!(
        (
            screen.model.lists[0][0].cursor,
            screen.model.lists[0][0].top
        ),
        (5, 0)
    );
    let before = screen.model.areas().panes[0].width;
    screen.event(mouse(MouseEventKind::Down(left), before, 5));
    screen.event(mouse(MouseEventKind::Drag(left), before + 10, 5));
    screen.event(mouse(MouseEventKind::Up(left), before + 10, 5));
    assert!(screen.model.areas().panes[0].width > before + 7);
    // The second byte of the first line of bytes.
    let bytes = screen.model.inside(2);
    screen.event(mouse(MouseEventKind::Down(left), bytes.x + 13, bytes.y));
    assert_eq!((screen.model.pane(), screen.model.byte), (2, 1));
}

#[test]
fn resizing_keeps_the_cursor_on_the_screen() {
    let mut screen = sample((200, 60));
    screen.keys("G");
    for (width, height) in [(80, 24), (20, 5), (1, 1), (0, 0), (300, 100), (80, 24)] {
        screen.event(Event::Resize(width, height));
        for (_, keys) in TOUR {
            screen.keys(keys);
            let buffer = screen.buffer();
            assert_eq!((buffer.area.width, buffer.area.height), (width, height));
        }
        screen.keys("1 Esc G ? Esc '");
        let _ = screen.buffer();
        screen.keys("Esc");
    }
    assert!(screen.shown().contains("TAIL"), "{}", screen.shown());
}

/// Nothing on the screen can move the cursor, change colours, hide or turn text.
#[test]
fn hostile_names_stay_text() {
    let hostile = [
        "hostile-r17-arm",
        "overwritten-r18-arm",
        "references-r17-arm",
        "unknown-record-r17-arm",
    ];
    for name in hostile {
        let (_folder, path) = named(name);
        let mut screen = Screen::open(Some(&path), full_look(), SMALL);
        for (_, keys) in TOUR {
            screen.keys(keys);
            for _ in 0..30 {
                screen.keys("j");
                for cell in screen.buffer().content() {
                    let bad = |c: char| {
                        c.is_control()
                            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
                    };
                    assert!(
                        !cell.symbol().chars().any(bad),
                        "{name}: {:?}",
                        cell.symbol()
                    );
                }
            }
        }
    }
}

/// A mark without a width of its own stays on its letter, a few of them at most.
#[test]
fn combining_marks_are_shown() {
    let (_folder, path) = named("hostile-r17-arm");
    let mut screen = Screen::open(Some(&path), full_look(), (120, 40));
    screen.keys("5");
    assert!(
        screen.shown().contains("combining e\u{301}"),
        "{}",
        screen.shown()
    );
    let longest = screen
        .buffer()
        .content()
        .iter()
        .map(|cell| cell.symbol().len())
        .max();
    assert!(longest <= Some(20), "{longest:?}");
}

/// Files that are no image, or less than one, are explained.
#[test]
fn what_is_no_image_is_explained() {
    let (_keep, empty) = file(b"");
    let (_keep2, text) = file(b"hello, world\n");
    let folder = tempfile::tempdir().unwrap();
    for (path, words) in [
        (empty.as_path(), "empty"),
        (text.as_path(), "not a checkpoint"),
        (folder.path(), "directory"),
        (Path::new("/dev/zero"), "not a checkpoint"),
        (Path::new("/no/such/file"), "No such file"),
    ] {
        let mut screen = Screen::open(Some(path), full_look(), SMALL);
        assert!(matches!(screen.model.phase, Phase::Failed(_)), "{path:?}");
        let shown = screen.shown();
        let pane = shown
            .lines()
            .map(|line| line.split('│').next().unwrap_or(line).trim());
        let said = pane.collect::<Vec<_>>().join(" ");
        assert!(said.contains(words), "{path:?}: {shown}");
        for (_, keys) in TOUR {
            screen.keys(keys);
        }
        screen.keys("q");
        assert_eq!(screen.model.quit, Some(Quit::Clean));
    }
}

/// A cut image shows what there is; Problems leads to the cut.
#[test]
fn truncated_images_show_what_there_is() {
    let whole = ckpt_samples::EMBEDDED;
    for cut in [100, 1000, 5000, whole.len() / 2, whole.len() - 3] {
        let (_folder, path) = file(&whole[..cut]);
        let mut screen = Screen::open(Some(&path), full_look(), SMALL);
        assert!(!screen.model.index.is_empty(), "{cut}");
        screen.keys("7");
        assert!(
            screen.shown().contains("error"),
            "{cut}: {}",
            screen.shown()
        );
        screen.keys("Enter");
        assert_eq!(screen.model.view, View::Records, "{cut}");
    }
    // What is missing is said of the record it is missing in.
    let (_folder, path) = named("truncated-r17-arm");
    let mut screen = Screen::open(Some(&path), full_look(), SMALL);
    screen.keys("7 /");
    screen.text("TASK_OBJS");
    screen.keys("Enter g");
    assert!(screen.shown().contains("V018"), "{}", screen.shown());
    screen.keys("Enter");
    let record = screen
        .model
        .record()
        .and_then(|record| screen.model.index.get(record));
    assert_eq!(record.map(Entry::title).as_deref(), Some("TASK"));
}

/// The file changes while it is open: reads fail or come short, the screen stays.
#[test]
fn files_that_shrink_or_grow() {
    let (_folder, path) = named("tour-r18-arm");
    let mut screen = Screen::open(Some(&path), full_look(), SMALL);
    let handle = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    handle.set_len(3000).unwrap();
    screen.keys("1 G");
    assert!(
        screen.shown().contains("the file has become"),
        "{}",
        screen.shown()
    );
    screen.keys("g");
    for (_, keys) in TOUR {
        screen.keys(keys);
        screen.keys("G g PgDn");
        assert!(screen.shown().contains("Records"));
    }
    handle.set_len(10 << 20).unwrap();
    screen.keys("1 Esc G");
    assert!(screen.shown().contains("Stream"), "{}", screen.shown());
    assert!(
        screen.shown().contains("the file has become"),
        "{}",
        screen.shown()
    );
    screen.keys("C-l");
    assert!(
        !screen.shown().contains("the file has become"),
        "{}",
        screen.shown()
    );
}

type Out = ckpt_samples::big::Sparse<BufWriter<std::fs::File>>;

fn big(write: impl FnOnce(&mut Out) -> std::io::Result<()>) -> (tempfile::TempDir, PathBuf) {
    let (folder, path) = file(b"");
    let out = std::fs::File::create(&path).unwrap();
    let mut out = ckpt_samples::big::Sparse(BufWriter::new(out));
    write(&mut out).unwrap();
    out.0.flush().unwrap();
    (folder, path)
}

#[test]
fn one_task_and_ten_thousand() {
    let (_folder, path) = named("minimal-r18-arm");
    let mut screen = Screen::open(Some(&path), full_look(), SMALL);
    screen.keys("2");
    assert!(screen.shown().contains("1 process ─"), "{}", screen.shown());
    let (_folder, path) = big(|out| ckpt_samples::big::tasks(out, 17, 10_000));
    let mut screen = Screen::open(Some(&path), full_look(), SMALL);
    screen.keys("2 G");
    assert_eq!(screen.model.derived.order.len(), 10_000);
    assert_eq!(screen.model.lists[View::Tasks as usize][0].cursor, 9_999);
    screen.keys("3 t T 5 G 1 G");
    assert!(screen.shown().contains("TAIL"), "{}", screen.shown());
}

/// Symbols of the files of the image's machine name addresses, and lead to them.
#[test]
fn symbols_name_addresses() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let image = here.join("../converter/bridge/tests/data/real/naked/criu");
    let sysroot = here.join("tests/data/sysroot");
    let mut screen = Screen::open_with(&image, &sysroot, full_look(), (120, 40));
    screen.keys("3");
    let shown = screen.shown();
    assert!(shown.contains("→ loop+0x1c in naked"), "{shown}");
    assert!(shown.contains("bne 0x10054 <loop>"), "{shown}");
    screen.keys("@");
    screen.text("fini");
    screen.keys("Tab");
    assert!(
        screen.shown().contains(":goto finish"),
        "{}",
        screen.shown()
    );
    screen.keys("Enter");
    assert_eq!(screen.model.addr, 0x1008c);
    assert!(
        screen.shown().contains("finish in naked"),
        "{}",
        screen.shown()
    );
    screen.prompt("@", "finish+4");
    assert_eq!(screen.model.addr, 0x10090);
    // A constant of the assembler is no address.
    screen.prompt("@", "NR_nanosleep");
    assert!(screen.shown().contains("no symbol"), "{}", screen.shown());
}

/// What came through a pipe can be looked at like a file, whether it fits into memory or not.
#[test]
fn what_comes_through_a_pipe_is_an_image() {
    let folder = tempfile::tempdir().unwrap();
    let fifo = folder.path().join("fifo");
    assert!(
        Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap()
            .success()
    );
    let (_big, large) = big(|out| ckpt_samples::big::page_groups(out, 17, 40 << 20, 512));
    for bytes in [
        ckpt_samples::EMBEDDED.to_vec(),
        std::fs::read(large).unwrap(),
    ] {
        let (to, len) = (fifo.clone(), bytes.len() as u64);
        let writer = std::thread::spawn(move || std::fs::write(to, bytes));
        let mut screen = Screen::open(Some(&fifo), full_look(), SMALL);
        writer.join().unwrap().unwrap();
        screen.keys("G");
        assert!(screen.shown().contains("TAIL"), "{}", screen.shown());
        let last = screen.model.at(screen.model.record().unwrap()).unwrap();
        assert_eq!(last.offset + last.len, len);
    }
}

/// Esc ends the reading of a pipe that never ends; what came until then is shown.
#[test]
fn an_endless_pipe_can_be_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let fifo = folder.path().join("fifo");
    assert!(
        Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap()
            .success()
    );
    let to = fifo.clone();
    let writer = std::thread::spawn(move || {
        let mut to = std::fs::OpenOptions::new().write(true).open(to).unwrap();
        let (_folder, large) = big(|out| ckpt_samples::big::page_groups(out, 17, 4 << 20, 64));
        let whole = std::fs::read(large).unwrap();
        // Without its end, and then pages for ever.
        let mut piece = &whole[..whole.len() - 100];
        while to.write_all(piece).is_ok() {
            piece = &whole[1 << 20..2 << 20];
        }
    });
    let mut screen = Screen::start(Some(&fifo), full_look(), SMALL);
    screen.until(|model| matches!(model.phase, Phase::Unpacking(bytes) if bytes > 8 << 20));
    assert!(screen.shown().contains("Esc stops"), "{}", screen.shown());
    screen.keys("Esc");
    screen.until(|model| model.image.is_some());
    writer.join().unwrap();
    assert!(screen.model.index.len() > 100);
    screen.keys("7");
    assert!(screen.shown().contains("error"), "{}", screen.shown());
}

/// A pipe that brings little and then nothing can be stopped; what it brought is shown.
#[test]
fn a_slow_pipe_can_be_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let fifo = folder.path().join("fifo");
    let made = Command::new("mkfifo").arg(&fifo).status();
    assert!(made.unwrap().success());
    let to = fifo.clone();
    let (done, wait) = std::sync::mpsc::channel::<()>();
    let writer = std::thread::spawn(move || {
        let mut to = std::fs::OpenOptions::new().write(true).open(to).unwrap();
        to.write_all(&ckpt_samples::EMBEDDED[..20_000]).unwrap();
        let _ = wait.recv();
    });
    let mut screen = Screen::start(Some(&fifo), full_look(), SMALL);
    screen.until(|model| matches!(model.phase, Phase::Unpacking(bytes) if bytes > 0));
    screen.keys("Esc");
    screen.until(|model| model.image.is_some());
    assert!(screen.model.index.len() > 20, "{}", screen.shown());
    drop(done);
    writer.join().unwrap();
}

/// Two images side by side, from the command line of the interface.
#[test]
fn registers_and_details_differ_by_name_and_in_order() {
    let ((_a, left), (_b, right)) = (named("tour-r17-arm"), named("tour-r18-arm"));
    let mut screen = Screen::open(Some(&left), full_look(), SMALL);
    screen.prompt(":", &format!("diff {}", right.display()));
    let diff = screen.model.diff.diff.clone().unwrap().unwrap();
    let of = |begin: &str| {
        let changes = diff
            .changes
            .iter()
            .filter(|change| change.what.starts_with(begin));
        changes
            .map(|change| change.what.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(of("100 d")[..3], ["100 d0", "100 d1", "100 d2"]);
    assert!(
        of("100 abi").contains(&"100 abi.hwcap".to_owned()),
        "{diff}"
    );
    // Nothing runs over the edge, and nothing is cut without a sign.
    for line in screen.shown().lines().skip(2).take(9) {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn differences_are_listed_and_followed() {
    let whole = ckpt_samples::EMBEDDED;
    let (_a, left) = file(whole);
    let mut changed = whole.to_vec();
    // Text in a page.
    let at = memchr::memmem::rfind(&changed, b"LOGLEVEL")
        .or(memchr::memmem::rfind(&changed, b"PATH="))
        .unwrap();
    changed[at] ^= 0x20;
    let (_b, right) = file(&changed);
    let mut screen = Screen::open(Some(&left), full_look(), (120, 40));
    screen.keys(":");
    screen.text(&format!("diff {}", right.display()));
    screen.keys("Enter");
    assert_eq!(screen.model.view, View::Diff);
    let changes = screen.model.diff.diff.clone().unwrap().unwrap();
    assert!(changes.compared > 4096);
    assert_eq!(changes.changes.len(), 1, "{changes}");
    // Both sides of the line are shown, in one row or one above the other.
    let line = &changes.changes[0].lines[0];
    assert_eq!(
        line.left
            .iter()
            .zip(&line.right)
            .filter(|(a, b)| a != b)
            .count(),
        1
    );
    let shown = screen.shown();
    let text = |bytes: &[u8]| {
        let letter = |byte: &u8| {
            if (0x20..0x7f).contains(byte) {
                char::from(*byte)
            } else {
                '.'
            }
        };
        bytes.iter().map(letter).collect::<String>()
    };
    assert!(shown.contains(&format!("{:08x} ", line.addr)), "{shown}");
    for side in [line.left, line.right] {
        assert!(shown.contains(&text(&side)), "{shown}");
    }
    screen.keys("Enter");
    assert_eq!(screen.model.view, View::Memory);
    screen.keys(":");
    screen.text(&format!("diff {}", left.display()));
    screen.keys("Enter");
    assert!(
        screen.shown().contains("The images are equal"),
        "{}",
        screen.shown()
    );
}

/// The pictures of README; `BLESS=1` writes them.
#[test]
fn pictures_are_fresh() {
    for view in [View::Records, View::Registers, View::Memory, View::Compat] {
        let picture = screenshot(view, 120, 36);
        let file = format!("screenshots/{}.svg", view.name().to_lowercase());
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        if std::env::var_os("BLESS").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &picture).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            kept == picture,
            "{} is old; run this test with BLESS=1",
            path.display()
        );
    }
}

/// The list of keys in README is that of the key table; `BLESS=1` writes it.
#[test]
fn the_keys_in_readme_are_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = std::fs::read_to_string(&path).unwrap();
    let begin = "<!-- keys: made from the table in inspector/src/tui/keys.rs -->\n";
    let (before, rest) = readme.split_once(begin).unwrap();
    let (kept, after) = rest.split_once("<!-- end of keys -->").unwrap();
    let wanted = keys::markdown();
    if std::env::var_os("BLESS").is_some() {
        let whole = format!("{before}{begin}{wanted}<!-- end of keys -->{after}");
        std::fs::write(&path, whole).unwrap();
    }
    let kept = if std::env::var_os("BLESS").is_some() {
        &wanted
    } else {
        kept
    };
    assert!(
        kept == wanted,
        "README.md is old; run this test with BLESS=1"
    );
}

/// A key that means something below a page that lies over the view closes it and does that.
#[test]
fn pages_over_the_view_are_in_nobodys_way() {
    use ckpt_inspect::tui::model::Overlay;
    let mut screen = sample(SMALL);
    screen.model.overlay = Some(Overlay::Tour(0));
    screen.keys("Enter Enter 3");
    assert_eq!(
        (screen.model.overlay, screen.model.view),
        (None, View::Registers)
    );
    // The help is scrolled to its ends and no further; only its own keys close it.
    screen.keys("?");
    let shown = screen.shown();
    let (_, of) = shown
        .lines()
        .next()
        .unwrap()
        .split_once("1-22 of ")
        .unwrap();
    let len: usize = of.split(' ').next().unwrap().parse().unwrap();
    for (key, top) in [
        ("End", len - 22),
        ("j", len - 22),
        ("k", len - 23),
        ("g", 0),
        ("G", len - 22),
        ("Home", 0),
        ("Space", 22),
        ("PgDn", 44.min(len - 22)),
        ("C-b", 44.min(len - 22) - 22),
        ("4", 44.min(len - 22) - 22),
        ("Home", 0),
        ("C-f", 22),
        ("C-u", 11),
    ] {
        screen.keys(key);
        assert_eq!(screen.model.overlay, Some(Overlay::Help(top)), "{key}");
    }
    assert_eq!(screen.model.view, View::Registers);
    screen.keys("q 4 ? q");
    assert_eq!((screen.model.overlay, screen.model.quit), (None, None));
    screen.keys("? ?");
    assert_eq!(screen.model.overlay, None);
    screen.keys("? Esc");
    assert_eq!(
        (screen.model.overlay, screen.model.view),
        (None, View::Memory)
    );
}

#[test]
fn the_help_names_every_key() {
    let mut screen = sample((100, 90));
    screen.keys("?");
    let shown = screen.shown();
    for binding in keys::TABLE {
        assert!(shown.contains(binding.keys[0]), "{}", binding.name);
    }
    // Whole, also where there is little room.
    let mut screen = sample(SMALL);
    screen.keys("?");
    let mut seen = String::new();
    for _ in 0..200 {
        let shown = screen.shown();
        assert!(
            !shown.lines().skip(1).any(|line| line.contains('…')),
            "{shown}"
        );
        seen += &shown.lines().nth(1).unwrap().replace(['│', '▐'], " ");
        screen.keys("j");
    }
    seen += &screen.shown().replace(['│', '▐'], " ");
    let seen: Vec<&str> = seen.split_whitespace().collect();
    let seen = seen.join(" ");
    for binding in keys::TABLE {
        assert!(seen.contains(binding.help), "{} in {seen}", binding.help);
    }
}

/// No way of showing registers cuts or breaks them, however small the screen.
#[test]
fn lanes_fit_a_small_screen() {
    for size in [SMALL, (100, 30), (120, 40)] {
        let mut screen = sample(size);
        screen.keys("3 t p");
        for _ in 0..8 {
            let title = panes::title(&screen.model, 2);
            let (_, rows) = panes::list(&screen.model, 2, 0..100);
            let rows = rows.iter().map(Row::text).filter(|row| {
                let name = row.split_whitespace().next().unwrap_or_default();
                name.starts_with(['d', 'q', 's']) && name.ends_with(|c: char| c.is_ascii_digit())
            });
            let rows: Vec<String> = rows.collect();
            let registers = if title.contains(" q ") { 16 } else { 32 };
            assert_eq!(rows.len(), registers, "{size:?} {title} {rows:#?}");
            let room = usize::from(screen.model.inside(2).width) - 1;
            for row in rows {
                assert!(
                    row.split_whitespace().count() > 1 && row.len() <= room,
                    "{title} {row}"
                );
            }
            screen.keys("p");
        }
        // A register is found by its name, whatever stands for it.
        screen.prompt("@", "s17");
        assert!(
            line_at_cursor(&screen).contains("s17:s16"),
            "{}",
            screen.shown()
        );
    }
}

/// What is held of an image is bounded by the number of its records, whatever stands in them: a
/// mapping and a page each, or open files.
#[test]
fn an_image_is_held_in_sixteen_bytes_a_record() {
    let pages = held(|out| ckpt_samples::big::page_groups(out, 17, 16 << 20, 1));
    assert!(pages.num_pages >= 4096 && pages.num_records > 3 * pages.num_pages);
    let files = held(|out| ckpt_samples::big::records(out, 17, 20_000));
    assert!(files.files.len() >= 2400 && files.num_records == 20_000);
}

/// Opens an image; what is held of it, without the text of paths, fits.
fn held(write: impl FnOnce(&mut Out) -> std::io::Result<()>) -> Arc<Image> {
    let (_folder, path) = big(write);
    let screen = Screen::open(Some(&path), full_look(), (120, 40));
    let image = screen.model.image.clone().unwrap();
    let spaces = image.mms.values();
    let spaces: usize = spaces.map(|mm| mm.vmas.bytes() + mm.pages.bytes()).sum();
    let tables: usize = image
        .file_tables
        .values()
        .map(|table| table.fds.bytes())
        .sum();
    let files = image.files.bytes() + tables + image.objects.bytes();
    let held = (screen.model.index.bytes() + spaces + files) as u64;
    assert!(held <= 16 * image.num_records, "{held} bytes");
    image
}
