//! `--summary`: where the image comes from, on one screen.

use super::args::{Args, Form};
use super::part::{self, Program, Summary};
use super::{all_findings, has_task, opened, report};
use crate::open::Origin;
use anyhow::Result;
use ckpt_format::values;
use ckpt_parser::memory::Memory;
use ckpt_parser::model::{Header, Image, Mm};
use ckpt_parser::report::document::{Bits, Hex};
use ckpt_parser::source::Source;
use ckpt_parser::text::{count, escape, utc};
use std::io::Write;
use std::sync::Arc;

/// AT_HWCAP.
const AT_HWCAP: u64 = 16;
/// AT_HWCAP2.
const AT_HWCAP2: u64 = 26;
/// AT_PLATFORM.
const AT_PLATFORM: u64 = 15;

pub(super) fn summary(args: &Args, form: Form, out: &mut dyn Write) -> Result<u8> {
    let mut opened = opened(args, args.image.as_deref())?;
    let image = opened.image()?;
    has_task(args, &image)?;
    let what = (opened.origin, opened.form);
    let mut memory = Memory::new(&image, opened.decoder.into_source());
    let card = card(&image, &mut memory, &what);
    if form == Form::Text {
        for (name, value) in lines(&card) {
            writeln!(out, "{name:<14} {value}")?;
        }
    } else {
        part::whole(&card, out)?;
    }
    let findings = all_findings(&image);
    Ok(report(&findings, args))
}

/// What an image is, in words, and its kind.
fn format(image: &Image, (origin, form): &(Origin, Arc<str>)) -> (String, &'static str) {
    let dialect = image.detection.dialect;
    let form = if form.is_empty() {
        String::new()
    } else {
        format!(", {form}")
    };
    match origin {
        Origin::Criu => (format!("CRIU image set{form}"), "criu"),
        Origin::Core => (format!("ELF core{form}"), "core"),
        Origin::Stream | Origin::Sample => {
            let made = if image.foreign.iter().any(|file| file.format == CRIU) {
                "; made of a CRIU image set, which it carries along"
            } else {
                ""
            };
            let label = dialect.revision.info().label;
            let also: Vec<String> = image
                .detection
                .also
                .iter()
                .map(ToString::to_string)
                .collect();
            let also = if also.is_empty() {
                String::new()
            } else {
                format!(", or {}: what it holds is laid out alike", also.join(", "))
            };
            (
                format!("linux-cr stream, {dialect} ({label}){also}{made}"),
                "linux-cr",
            )
        }
    }
}

/// The number of CRIU image sets in FOREIGN records (§10.6).
const CRIU: u32 = 1;

/// The kernel's release, with the version of its sources where the name does not begin with it; nothing if the image
/// does not say.
fn kernel(header: &Header) -> Option<String> {
    let (major, minor, patch) = header.kernel;
    let sources = format!("{major}.{minor}.{patch}");
    let (release, version) = (escape(&header.release), escape(&header.version));
    let words = match (header.kernel, release.starts_with(&sources)) {
        ((0, 0, 0), _) | (_, true) => [String::new(), release, version],
        _ => [sources, release, version],
    };
    let words: Vec<String> = words.into_iter().filter(|word| !word.is_empty()).collect();
    (!words.is_empty()).then(|| words.join("  "))
}

fn card<S: Source>(image: &Image, memory: &mut Memory<S>, what: &(Origin, Arc<str>)) -> Summary {
    let header = &image.header;
    let (format, kind) = format(image, what);
    let host = image.uts.values().next().map(|uts| escape(&uts.names[1]));
    let zombies = image.tasks.iter().filter(|task| task.is_zombie()).count();
    let spaces = image.mms.values().take(MAX_SPACES);
    Summary {
        format,
        kind,
        revision: image.detection.dialect.revision.to_string(),
        taken: Some(header.time).filter(|time| *time != 0),
        kernel: kernel(header),
        machine: machine(image),
        page_size: image.page_size(),
        host: host.filter(|host| !host.is_empty()),
        processes: image.processes().count() as u64,
        threads: (image.tasks.len() - zombies) as u64,
        zombies: zombies as u64,
        programs: spaces.map(|mm| program(image, memory, mm)).collect(),
        programs_dropped: image.mms.len().saturating_sub(MAX_SPACES) as u64,
        pages: image.num_pages,
        mappings: image.mms.values().map(|mm| mm.vmas.len() as u64).sum(),
        files: image.files.len() as u64,
        sockets: image.sockets.len() as u64,
        pipes: image.pipes.len() as u64,
        terminals: image.terminals.len() as u64,
        records: image.num_records,
        bytes: image.len,
        complete: image.complete,
        missing: missing(image),
    }
}

/// The card as lines. What the image does not say has none.
fn lines(card: &Summary) -> Vec<(&'static str, String)> {
    let mut lines = vec![("format", card.format.clone())];
    lines.extend(card.taken.map(|taken| ("taken", utc(taken))));
    lines.extend(card.kernel.clone().map(|kernel| ("kernel", kernel)));
    lines.push(("machine", card.machine.clone()));
    lines.push(("page size", format!("{} bytes", card.page_size)));
    lines.extend(card.host.clone().map(|host| ("host", host)));
    lines.push((
        "tasks",
        format!(
            "{}, {}, {}",
            count(card.processes, "process"),
            count(card.threads, "live thread"),
            count(card.zombies, "zombie")
        ),
    ));
    lines.extend(
        card.programs
            .iter()
            .map(|program| ("process", words(program))),
    );
    if card.programs_dropped > 0 {
        let more = format!("… and {} more address spaces", card.programs_dropped);
        lines.push(("", more));
    }
    lines.push((
        "memory",
        format!(
            "{} stored ({} KiB) in {}",
            count(card.pages, "page"),
            card.pages * card.page_size / 1024,
            count(card.mappings, "mapping")
        ),
    ));
    lines.push((
        "files",
        format!(
            "{}, {}, {}, {}",
            count(card.files, "open file"),
            count(card.sockets, "socket"),
            count(card.pipes, "pipe"),
            count(card.terminals, "terminal")
        ),
    ));
    let shown_as = if card.kind == "linux-cr" {
        String::new()
    } else {
        format!("shown as a stream of {}: ", card.revision)
    };
    let complete = if card.complete {
        "complete"
    } else {
        "NOT complete"
    };
    lines.push((
        "image",
        format!(
            "{shown_as}{} records, {} bytes, {complete}",
            card.records, card.bytes
        ),
    ));
    lines.extend(card.missing.iter().map(|text| ("missing", text.clone())));
    lines
}

/// Address spaces that the card shows.
const MAX_SPACES: usize = 16;

fn machine(image: &Image) -> String {
    let mut words = vec![image.arch().name().to_owned()];
    // A foreign image says nothing of the kernel that it was taken under.
    let says = !image.header.machine.is_empty();
    words.extend(says.then(|| escape(&image.header.machine)));
    if let Some(arm) = image.header.arm.filter(|_| says) {
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

fn program<S: Source>(image: &Image, memory: &mut Memory<S>, mm: &Mm) -> Program {
    let bits = |kind, flags: &ckpt_format::schema::Flags| {
        let value = mm.auxv(kind).filter(|value| *value != 0)?;
        let is_arm = image.arch() == ckpt_format::Arch::Arm;
        let (names, _) = flags.names(value, image.arch());
        let names = names.into_iter().filter(|_| is_arm).map(str::to_owned);
        Some(Bits {
            value: Hex::new(value),
            names: names.collect(),
        })
    };
    let platform = mm.auxv(AT_PLATFORM);
    Program {
        exe: image.exe_of(mm).map(escape),
        hwcap: bits(AT_HWCAP, &values::ARM_HWCAP),
        hwcap2: bits(AT_HWCAP2, &values::ARM_HWCAP2),
        platform: platform.and_then(|at| cstring(memory, mm, at)),
        libc: libc(image, mm),
    }
}

fn words(program: &Program) -> String {
    let mut words = vec![
        program
            .exe
            .clone()
            .unwrap_or_else(|| "(no executable)".to_owned()),
    ];
    words.extend(
        program
            .platform
            .as_ref()
            .map(|text| format!("platform {text}")),
    );
    for (flags, bits) in [
        (&values::ARM_HWCAP, &program.hwcap),
        (&values::ARM_HWCAP2, &program.hwcap2),
    ] {
        let Some(bits) = bits else { continue };
        let value = format!("{} {:#x}", flags.name, bits.value.get());
        let names = bits.names.iter().map(String::as_str);
        let parts: Vec<&str> = std::iter::once(&*value).chain(names).collect();
        words.push(parts.join(" "));
    }
    words.extend(program.libc.as_ref().map(|libc| format!("libc {libc}")));
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
