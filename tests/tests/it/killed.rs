//! Programs that are killed. What they were to write is as it was before, or all there, never a part of it.

use crate::faults::{contents, large, line, program, traced};
use ckpt_tests::{Random, tools};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A command that writes from `IN` to names in its folder.
struct Work {
    command: &'static str,
    outputs: &'static [&'static str],
}

impl Work {
    const fn new(command: &'static str, outputs: &'static [&'static str]) -> Self {
        Work { command, outputs }
    }
    /// Whether it makes no directory, not even for a while: only a file can be without a name.
    fn is_of_files(&self) -> bool {
        !self.command.contains("--to criu")
    }
}

const STREAM: Work = Work::new(
    "ckpt-convert IN --to r18 --allow all -q -f -o OUT",
    &["OUT"],
);
const PACKED: Work = Work::new(
    "ckpt-convert IN --to r18 --allow all -q -f --compress zstd -o OUT",
    &["OUT"],
);
const SET: Work = Work::new(
    "ckpt-convert IN --to criu --allow all -q -f -o OUT",
    &["OUT"],
);
const ARCHIVE: Work = Work::new(
    "ckpt-convert IN --to criu --allow all -q -f -o OUT.tar",
    &["OUT.tar"],
);
const CORE: Work = Work::new(
    "ckpt-convert IN --to core --allow all -q -f -o OUT",
    &["OUT"],
);
/// A document and the contents of its memory are two files, and no file system replaces two in one step. So there may be
/// no document for a moment, but never one beside the contents of another.
const PAIR: Work = Work::new(
    "ckpt-convert IN --to json -q -f -o OUT",
    &["OUT", "OUT.mem"],
);
const REPORTS: [Work; 4] = [
    Work::new("ckpt-inspect IN --json -o OUT", &["OUT"]),
    Work::new("ckpt-inspect IN --tree -o OUT", &["OUT"]),
    Work::new("ckpt-check IN --all-targets --format json -o OUT", &["OUT"]),
    Work::new(
        "ckpt-convert IN --to r12 --allow all -q -f -o copy --report OUT",
        &["OUT"],
    ),
];

type State = Vec<Vec<(PathBuf, Vec<u8>)>>;

/// A folder in which a work is done over and over, each time in the place of the same about another image.
struct Place<'a> {
    folder: &'a Path,
    work: &'a Work,
    old: State,
    new: State,
    /// How long the work takes.
    whole: Duration,
    /// Names in the folder when nothing is under way.
    names: usize,
}

impl<'a> Place<'a> {
    fn new(folder: &'a Path, work: &'a Work) -> Self {
        large(folder, 2 << 20);
        fs::rename(folder.join("IN"), folder.join("OTHER")).unwrap();
        large(folder, 4 << 20);
        let mut place = Place {
            folder,
            work,
            old: State::new(),
            new: State::new(),
            whole: Duration::ZERO,
            names: 0,
        };
        place.restore();
        place.old = place.state();
        let started = Instant::now();
        place.all_of_it(work.command);
        place.whole = started.elapsed();
        place.new = place.state();
        place.names = place.count();
        for (old, new) in place.old.iter().zip(&place.new) {
            assert!(old != new && !new.is_empty(), "{}", work.command);
        }
        place.restore();
        place
    }

    fn all_of_it(&self, command: &str) {
        let done = line(self.folder, command);
        assert!(matches!(done.status.code(), Some(0 | 1)), "{done:?}");
    }

    /// The old state: what is made of the other image.
    fn restore(&self) {
        self.all_of_it(&self.work.command.replace("IN", "OTHER"));
    }

    fn state(&self) -> State {
        let outputs = self.work.outputs.iter();
        outputs
            .map(|name| contents(&self.folder.join(name)))
            .collect()
    }

    fn count(&self) -> usize {
        fs::read_dir(self.folder).unwrap().count()
    }

    /// Takes away what a kill left beside the outputs.
    fn sweep(&self) {
        for entry in fs::read_dir(self.folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if name.starts_with('.') && path.is_dir() {
                fs::remove_dir_all(path).unwrap();
            } else if name.starts_with('.') {
                fs::remove_file(path).unwrap();
            }
        }
    }

    /// Looks at what a kill left, and makes it the old state. Whether it was the new one.
    fn check(&self, moment: &str) -> bool {
        let command = self.work.command;
        self.sweep();
        let found = self.state();
        let alone = found.len() == 2
            && found[0].is_empty()
            && (found[1] == self.old[1] || found[1] == self.new[1]);
        let is_new = found == self.new;
        assert!(
            found == self.old || is_new || alone,
            "{command}: half after a kill at {moment}"
        );
        if found != self.old {
            self.restore();
        }
        is_new
    }
}

/// Kills a work at moments spread over its whole time.
fn killed(work: &Work) {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path();
    let mut place = Place::new(folder, work);
    let mut random = Random::new(7);
    let (mut made, mut left) = (0, 0);
    for moment in 1..=moments() {
        let mut words = work.command.split(' ');
        let mut child = program(words.next().unwrap(), folder);
        let mut child = child.args(words).spawn().unwrap();
        let share = 1 + u32::try_from(random.below(100)).unwrap();
        std::thread::sleep(place.whole * share / 90);
        child.kill().unwrap();
        child.wait().unwrap();
        left += u32::from(place.count() > place.names);
        let is_new = place.check(&format!("moment {moment}"));
        made += u32::from(is_new);
        // A busy machine takes longer now than it did.
        if is_new {
            place.whole = place.whole * 19 / 20;
        } else if share > 80 {
            place.whole = place.whole * 21 / 20;
        }
    }
    let kept = moments() - made;
    println!(
        "{}: {kept} old, {made} new, {left} left a name",
        work.command
    );
    // A file has no name until it takes the place of another: one for a moment, then that of the other.
    assert!(
        !work.is_of_files() || left <= 2 + moments() / 50,
        "{}: {left} kills left something",
        work.command
    );
}

/// All 200 moments only on demand: each takes a whole conversion.
fn moments() -> u32 {
    if std::env::var_os("CKPT_EXHAUSTIVE").is_some() {
        200
    } else {
        12
    }
}

#[test]
fn a_killed_conversion_to_a_stream_leaves_the_old_or_the_new() {
    killed(&STREAM);
    killed(&PACKED);
}

#[test]
fn a_killed_conversion_to_a_set_leaves_the_old_or_the_new() {
    killed(&SET);
    killed(&ARCHIVE);
}

#[test]
fn a_killed_conversion_to_a_core_leaves_the_old_or_the_new() {
    killed(&CORE);
}

#[test]
fn a_killed_conversion_to_a_document_leaves_a_pair_that_belongs_together() {
    killed(&PAIR);
}

#[test]
fn a_killed_report_or_view_leaves_the_old_or_the_new() {
    REPORTS.iter().for_each(killed);
}

/// Names change in a few system calls: a kill before each of them shows all states that there are, which moments seldom
/// hit.
#[test]
fn a_kill_at_any_change_of_a_name_leaves_the_old_or_the_new() {
    if !tools::have(&["strace"]) {
        return;
    }
    for work in [&STREAM, &SET, &ARCHIVE, &CORE, &PAIR, &REPORTS[0]] {
        let scratch = tempfile::tempdir().unwrap();
        let place = Place::new(scratch.path(), work);
        let calls = [
            "linkat",
            "rename",
            "renameat2",
            "unlink",
            "unlinkat",
            "mkdir",
            "rmdir",
        ];
        let kills: u32 = calls.iter().map(|call| killed_at_each(call, &place)).sum();
        println!("{}: {kills} kills", work.command);
        assert!(
            kills >= 3 || tools::missing("the right to trace"),
            "{}: {kills} kills",
            work.command
        );
    }
}

/// Kills a work before each call of a kind; how many there were.
fn killed_at_each(call: &str, place: &Place<'_>) -> u32 {
    for nth in 1.. {
        let options = format!("-e trace={call} -e inject={call}:signal=KILL:when={nth}");
        let done = traced(place.folder, &options, place.work.command);
        let is_over = done.status.code().is_some();
        let is_new = place.check(&format!("{call} {nth}"));
        if is_over {
            assert!(is_new, "{}: {done:?}", place.work.command);
            return nth - 1;
        }
    }
    unreachable!("a work ends")
}
