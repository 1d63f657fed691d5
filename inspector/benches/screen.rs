//! How soon the interface shows something, how soon a key press shows, and what is held meanwhile:
//! `cargo bench -p ckpt-inspect --bench screen`.
//!
//! Each measurement is a process of its own, so that its memory is its own, too.

use anyhow::{Context, Result, ensure};
use ckpt_inspect::tui::full_look;
use ckpt_inspect::tui::screen::Screen;
use ckpt_samples::big::{Sparse, page_groups, records};
use std::env;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// Bytes of page contents and pages in a group: from a small process to a large machine.
const SIZES: [(&str, u64, u32); 4] = [
    ("1 MiB", 1 << 20, 1),
    ("64 MiB", 64 << 20, 1),
    ("1 GiB", 1 << 30, 32),
    ("16 GiB", 16 << 30, 32),
];
/// Starts of each size.
const STARTS: usize = 15;
/// Pressed in turn, in an outline that is open down to its leaves.
const KEYS: &str = "j PgDn G k PgUp g l h Space Space 4 PgDn G g 1 C-d C-d w j w l l w Tab 1 ] [";
const PRESSES: usize = 2000;

fn main() -> Result<()> {
    let args: Vec<String> = env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["first", path] => first(Path::new(path)),
        ["keys", path] => keys(Path::new(path)),
        _ => table(),
    }
}

fn table() -> Result<()> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    println!("| Interface | Bar | Median | 99 % | Worst | Memory |");
    println!("| --- | --- | --- | --- | --- | --- |");
    for (name, bytes, group) in SIZES {
        let path = image(&folder.join(format!("{bytes}-{group}.ckpt")), |out| {
            page_groups(out, 17, bytes, group)
        })?;
        let runs = (0..STARTS).map(|_| child("first", &path));
        let runs = runs.collect::<Result<Vec<_>>>()?;
        let times = runs.iter().map(|run| run.times[0]).collect();
        let memory = runs.iter().map(|run| run.kib).max().unwrap_or(0);
        line(
            &format!("first screen, {name}"),
            "10 ms, 8 MiB",
            times,
            memory,
        );
    }
    let million: [(&str, Write4Million); 2] = [
        ("records", |out| records(out, 17, 4_000_000)),
        ("pages", |out| page_groups(out, 17, 4 << 30, 1)),
    ];
    for (name, write) in million {
        let path = image(&folder.join(format!("4-million-{name}.ckpt")), write)?;
        let run = child("keys", &path)?;
        let what = format!("key to screen, 4 million records, {name}");
        line(&what, "8 ms at 99 %, 128 MiB", run.times, run.kib);
    }
    Ok(())
}

type Write4Million = fn(&mut Out) -> std::io::Result<()>;
type Out = Sparse<BufWriter<File>>;

/// Makes an image once.
fn image(path: &Path, write: impl FnOnce(&mut Out) -> std::io::Result<()>) -> Result<PathBuf> {
    if !path.exists() {
        let part = path.with_extension("part");
        let mut out = Sparse(BufWriter::with_capacity(1 << 20, File::create(&part)?));
        write(&mut out)?;
        out.0.flush()?;
        fs::rename(part, path)?;
    }
    Ok(path.to_owned())
}

/// What a child measured.
struct Run {
    times: Vec<Duration>,
    /// Memory that became resident.
    kib: u64,
}

fn child(what: &str, path: &Path) -> Result<Run> {
    let out = Command::new(env::current_exe()?)
        .arg(what)
        .arg(path)
        .output()?;
    ensure!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    let text = String::from_utf8(out.stdout)?;
    let mut numbers = text.split_whitespace().map(str::parse::<u64>);
    let kib = numbers.next().context("nothing measured")??;
    let times = numbers.map(|n| Ok(Duration::from_nanos(n?)));
    Ok(Run {
        times: times.collect::<Result<_>>()?,
        kib,
    })
}

fn line(what: &str, bar: &str, mut times: Vec<Duration>, kib: u64) {
    times.sort();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_secs_f64() * 1e3;
    let mib = f64::from(u32::try_from(kib).unwrap_or(u32::MAX)) / 1024.0;
    println!(
        "| {what} | {bar} | {:.2} ms | {:.2} ms | {:.2} ms | {mib:.1} MiB |",
        at(50),
        at(99),
        at(100),
    );
}

/// Resident memory of this process in KiB.
fn resident() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    Ok(kib.context("no VmRSS")?.parse()?)
}

fn tell(before: u64, times: &[Duration]) -> Result<()> {
    println!("{}", resident()?.saturating_sub(before));
    for time in times {
        println!("{}", time.as_nanos());
    }
    Ok(())
}

/// From nothing to the first screen that shows records and their fields.
fn first(path: &Path) -> Result<()> {
    let before = resident()?;
    let start = Instant::now();
    let mut screen = Screen::start(Some(path), full_look(), (120, 40));
    screen.until(|model| !model.index.is_empty() && !model.cache.is_empty() && !model.waiting());
    let shown = screen.shown();
    let time = start.elapsed();
    ensure!(shown.contains("arch_id"), "{shown}");
    tell(before, &[time])
}

/// From a key press to the screen that answers it.
fn keys(path: &Path) -> Result<()> {
    let before = resident()?;
    let mut screen = Screen::open(Some(path), full_look(), (120, 40));
    screen.keys("*");
    let mut times = Vec::new();
    for key in KEYS.split(' ').cycle().take(PRESSES) {
        let start = Instant::now();
        screen.press(key);
        let _ = screen.buffer();
        times.push(start.elapsed());
        if env::var_os("SLOW").is_some() && start.elapsed() > Duration::from_millis(4) {
            eprintln!("{key}: {:?}", start.elapsed());
        }
    }
    tell(before, &times)
}
