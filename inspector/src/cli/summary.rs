//! `--summary`: where the image comes from, on one screen.

use super::args::Args;
use super::{all_findings, image, report};
use anyhow::Result;
use ckpt_format::values;
use ckpt_parser::memory::Memory;
use ckpt_parser::model::{Header, Image, Mm};
use ckpt_parser::source::Source;
use ckpt_parser::text::escape;
use std::io::Write;

/// AT_HWCAP.
const AT_HWCAP: u64 = 16;
/// AT_HWCAP2.
const AT_HWCAP2: u64 = 26;
/// AT_PLATFORM.
const AT_PLATFORM: u64 = 15;

pub(super) fn summary(args: &Args, out: &mut dyn Write) -> Result<u8> {
    let (image, source) = image(args)?;
    let mut memory = Memory::new(&image, source);
    let lines = card(&image, &mut memory);
    for (name, value) in lines {
        writeln!(out, "{name:<14} {value}")?;
    }
    let findings = all_findings(&image);
    Ok(report(&findings, args))
}

/// The kernel's release, with the version of its sources where the name does not begin with it.
fn release(header: &Header) -> String {
    let (major, minor, patch) = header.kernel;
    let sources = format!("{major}.{minor}.{patch}");
    let release = escape(&header.release);
    if release.starts_with(&sources) {
        release
    } else {
        format!("{sources}  {release}")
    }
}

fn card<S: Source>(image: &Image, memory: &mut Memory<S>) -> Vec<(&'static str, String)> {
    let header = &image.header;
    let mut card = vec![
        (
            "format",
            format!(
                "linux-cr stream, {} ({})",
                image.detection.dialect,
                image.detection.dialect.revision.info().label
            ),
        ),
        ("taken", utc(header.time)),
        (
            "kernel",
            format!("{}  {}", release(header), escape(&header.version)),
        ),
        ("machine", machine(image)),
        ("page size", format!("{} bytes", image.page_size())),
    ];
    if let Some(uts) = image.uts.values().next() {
        card.push(("host", escape(&uts.names[1])));
    }
    let (live, zombies) = (
        image.tasks.iter().filter(|task| !task.is_zombie()).count(),
        image.tasks.iter().filter(|task| task.is_zombie()).count(),
    );
    card.push((
        "tasks",
        format!(
            "{} processes, {live} live threads, {zombies} zombies",
            image.processes().count()
        ),
    ));
    for mm in image.mms.values().take(MAX_SPACES) {
        card.push(("process", process(image, memory, mm)));
    }
    if image.mms.len() > MAX_SPACES {
        card.push((
            "",
            format!("… and {} more address spaces", image.mms.len() - MAX_SPACES),
        ));
    }
    card.push((
        "memory",
        format!(
            "{} pages stored ({} KiB) in {} mappings",
            image.num_pages,
            image.num_pages * image.page_size() / 1024,
            image.mms.values().map(|mm| mm.vmas.len()).sum::<usize>()
        ),
    ));
    card.push((
        "files",
        format!(
            "{} open files, {} sockets, {} pipes, {} terminals",
            image.files.len(),
            image.sockets.len(),
            image.pipes.len(),
            image.terminals.len()
        ),
    ));
    card.push((
        "image",
        format!(
            "{} records, {} bytes, {}",
            image.num_records,
            image.len,
            if image.complete {
                "complete"
            } else {
                "NOT complete"
            }
        ),
    ));
    card.extend(missing(image).into_iter().map(|text| ("missing", text)));
    card
}

/// Address spaces that the card shows.
const MAX_SPACES: usize = 16;

fn machine(image: &Image) -> String {
    let mut words = vec![
        image.arch().name().to_owned(),
        escape(&image.header.machine),
    ];
    if let Some(arm) = image.header.arm {
        let dialect = image.detection.dialect;
        let isa = values::CPU_ARCHITECTURE.name_of(
            arm.cpu_architecture,
            dialect.revision,
            dialect.abi.arch,
        );
        words.push(isa.map_or_else(
            || arm.cpu_architecture.to_string(),
            |name| name.name.to_owned(),
        ));
        words.push(
            if arm.aeabi {
                "EABI kernel"
            } else {
                "old-ABI kernel"
            }
            .to_owned(),
        );
        if arm.oabi_compat {
            words.push("with old-ABI compatibility".to_owned());
        }
        if !arm.mmu {
            words.push("without MMU".to_owned());
        }
    }
    words.join(" ")
}

fn process<S: Source>(image: &Image, memory: &mut Memory<S>, mm: &Mm) -> String {
    let exe = image.exe_of(mm).map(escape).unwrap_or_default();
    let mut words = vec![exe];
    if let Some(text) = mm.auxv(AT_PLATFORM).and_then(|at| cstring(memory, mm, at)) {
        words.push(format!("platform {text}"));
    }
    for (kind, flags) in [
        (AT_HWCAP, &values::ARM_HWCAP),
        (AT_HWCAP2, &values::ARM_HWCAP2),
    ] {
        let Some(value) = mm.auxv(kind).filter(|value| *value != 0) else {
            continue;
        };
        let is_arm = image.arch() == ckpt_format::Arch::Arm;
        let names = if is_arm {
            flags.names(value, image.arch()).0.join(" ")
        } else {
            String::new()
        };
        words.push(format!("{} {value:#x} {names}", flags.name));
    }
    words.extend(libc(image, mm).map(|libc| format!("libc {libc}")));
    words.join("; ")
}

/// The C library, by the name of a mapped file; a static program names none.
fn libc(image: &Image, mm: &Mm) -> Option<String> {
    let names = mm.vmas.iter().filter_map(|vma| image.path_of(vma.file));
    let is_libc = |path: &&[u8]| {
        let name = path.rsplit(|b| *b == b'/').next().unwrap_or_default();
        [
            &b"libc.so"[..],
            b"libc-",
            b"ld-linux",
            b"ld-musl",
            b"libuClibc",
            b"ld-uClibc",
        ]
        .iter()
        .any(|start| name.starts_with(start))
    };
    let mut found: Vec<&[u8]> = names.filter(is_libc).collect();
    found.dedup();
    found.first().map(|path| escape(path))
}

fn cstring<S: Source>(memory: &mut Memory<S>, mm: &Mm, addr: u64) -> Option<String> {
    let bytes = memory.read_known(mm, addr, 16).ok()??;
    let text = ckpt_parser::view::until_nul(&bytes);
    (!text.is_empty()).then(|| escape(text))
}

fn missing(image: &Image) -> Vec<String> {
    let mut missing = Vec::new();
    if !image.complete {
        missing.push("the end of the image".to_owned());
    }
    let live: Vec<_> = image
        .tasks
        .iter()
        .filter_map(|task| task.live.as_ref())
        .collect();
    let is_arm = image.arch() == ckpt_format::Arch::Arm;
    if is_arm && !live.is_empty() && live.iter().all(|live| live.fpu.is_empty()) {
        missing.push(
            "floating-point state of every thread (the format had none before R18)".to_owned(),
        );
    }
    if is_arm && live.iter().any(|live| live.abi.is_none()) {
        missing.push(
            "the ABI personality of the processes (the format had none before R18)".to_owned(),
        );
    }
    let from_files: usize = image
        .mms
        .values()
        .flat_map(|mm| &mm.vmas)
        .filter(|vma| vma.file > 0)
        .map(|vma| vma.file)
        .collect::<std::collections::BTreeSet<_>>()
        .len();
    if from_files > 0 {
        missing.push(format!(
            "unmodified pages of {from_files} mapped files, by design: a restart needs the files"
        ));
    }
    missing
}

/// A time as UTC, by the civil calendar (days from 1970-01-01).
fn utc(seconds: u64) -> String {
    let (days, rest) = (seconds / 86400, seconds % 86400);
    let z = days + 719_468;
    let era = z / 146_097;
    let doe = z % 146_097;
    let yoe = (doe - doe / 1460 + doe / 36524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + u64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02} UTC",
        rest / 3600,
        rest / 60 % 60,
        rest % 60
    )
}
