//! The command line.

use ckpt_bridge::edit::Part;
use ckpt_cli::Shared;
use ckpt_format::Revision;
use ckpt_parser::limits::{Limit, Limits};
use clap::Parser;
use std::path::PathBuf;

/// What an image can be written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// A checkpoint stream.
    Stream(Revision),
    /// An ELF core per process.
    Core,
    /// A CRIU image set.
    Criu,
    /// An editable document.
    Json,
}

impl Format {
    fn parse(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "elf-core" | "core" => Ok(Format::Core),
            "criu" => Ok(Format::Criu),
            "json" => Ok(Format::Json),
            other => Revision::parse(other).map(Format::Stream).ok_or_else(|| {
                let names = ["elf-core", "criu", "json", "newest"];
                let hint = meant(other, names.into_iter());
                format!(
                    "expected r01 to r18, newest, v18, v19, v20, v21, v23, elf-core, criu or \
                     json{hint}"
                )
            }),
        }
    }
}

/// The known word that is most like a misspelt one, for a message; nothing if none is.
pub(crate) fn meant<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> String {
    let near = ckpt_cli::near(word, known);
    ckpt_cli::did_you_mean(near.get(..1).unwrap_or_default())
}

/// What can be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Strip {
    /// Contents of pages.
    Memory,
    /// All descriptors and the controlling terminal; mapped files stay.
    Files,
    /// Descriptors of sockets.
    Sockets,
    /// System V segments, queues and semaphores that nobody maps.
    Ipc,
    /// Floating-point and coprocessor registers.
    Fp,
    /// Signals that wait to be delivered.
    Signals,
    /// What was kept of a CRIU set for the way back.
    Foreign,
}

impl Strip {
    /// The part of a tree of processes; `None` for what is left out as the records pass.
    pub(crate) fn part(self) -> Option<Part> {
        Some(match self {
            Strip::Memory => return None,
            Strip::Files => Part::Files,
            Strip::Sockets => Part::Sockets,
            Strip::Ipc => Part::Ipc,
            Strip::Fp => Part::Fp,
            Strip::Signals => Part::Signals,
            Strip::Foreign => Part::Foreign,
        })
    }
}

/// One task of many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OnlyTask {
    /// Its pid, or that of one of its threads.
    pub(crate) pid: i32,
    /// Whether its descendants stay with it.
    pub(crate) descendants: bool,
}

fn parse_task(text: &str) -> Result<OnlyTask, String> {
    let digits = text.strip_suffix('+').unwrap_or(text);
    let pid = digits.parse().ok().filter(|pid| *pid > 0);
    pid.map(|pid| OnlyTask {
        pid,
        descendants: digits != text,
    })
    .ok_or_else(|| "expected a pid, with + behind it to keep the descendants too".to_owned())
}

/// How a stream can be compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Compress {
    /// Zstandard.
    Zstd,
}

fn parse_move(text: &str) -> Result<(i32, i32), String> {
    let numbers = text.split_once('=').and_then(|(old, new)| {
        let number = |text: &str| text.parse().ok().filter(|fd| *fd >= 0);
        Some((number(old)?, number(new)?))
    });
    numbers.ok_or_else(|| "expected OLD=NEW, two descriptor numbers".to_owned())
}

/// Where contents of memory go in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum MemoryPlace {
    /// A file beside the document.
    Side,
    /// The document.
    Base64,
    /// Nowhere.
    None,
}

const AFTER: &str = "\
Examples:
  ckpt-convert old.ckpt -o new.ckpt          to the newest revision
  ckpt-convert old.ckpt --to criu -o dump/   a set that CRIU restores
  ckpt-convert dump/ --to elf-core -o core.%p
                                             for gdb, a core for each process
  ckpt-convert image.ckpt --to json -o image.json
                                             to look at, edit, and convert back
  ckpt-convert new.ckpt --to r12 --allow fp-state,arm-abi -o old.ckpt
  ckpt-convert damaged.ckpt --salvage -o rest.ckpt
  ckpt-convert image.ckpt --redact --compress zstd -o show.ckpt.zst

Exit status: 0 fine; 1 losses refused, or damage in the input, also where
--salvage wrote the rest; 2 the job could not be done.";

/// Converts checkpoint images of Linux processes between the revisions of the linux-cr stream, ELF cores, CRIU image
/// sets and JSON.
///
/// What the target cannot hold is named on standard error and refused, unless --allow names its code.
#[derive(Debug, Parser)]
#[command(name = "ckpt-convert", version, after_help = AFTER, max_term_width = ckpt_cli::WIDTH)]
pub(crate) struct Args {
    /// Image to read: stream (also zstd, gzip, xz, lz4), ELF core, CRIU directory or tar, JSON; - is
    /// standard input
    #[arg(default_value = "-")]
    pub(crate) input: PathBuf,

    /// Where to write; - is standard output. %p stands for the pid where there is a core per process
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    pub(crate) output: PathBuf,

    /// Format to write: r01 to r18, newest, v18, v19, v20, v21, v23, elf-core, criu, json
    /// [default: newest; for JSON input the revision that it names]
    #[arg(long, visible_alias = "format", value_name = "FORMAT", value_parser = Format::parse)]
    pub(crate) to: Option<Format>,

    /// Where contents of memory go in JSON: a side file named after the output, the document
    /// itself, or nowhere [default: side, on standard output base64]
    #[arg(long, value_name = "PLACE")]
    pub(crate) memory: Option<MemoryPlace>,

    /// Revision to read, where the image does not tell
    #[arg(long, value_name = "REVISION", value_parser = |text: &str| Revision::parse(text).ok_or("expected r01 to r18"))]
    pub(crate) from: Option<Revision>,

    /// Losses to accept, by code; all accepts every one
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    pub(crate) allow: Vec<String>,

    /// Write losses and notes to this file as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,

    /// Add what the old image never held: fp-state=FILE or fp-state@PID=FILE (raw VFP register set
    /// of 260 or 272 bytes, or an ELF core), personality=NUMBER
    #[arg(long, value_name = "WHAT=VALUE")]
    pub(crate) set: Vec<String>,

    /// Write what is intact and name the rest; the exit status is 1 if something was left out
    #[arg(long)]
    pub(crate) salvage: bool,

    /// Replace page contents, data in flight and texts by zeros and x, keeping every length: for
    /// showing an image to strangers. Registers stay, floating-point ones too (--strip fp)
    #[arg(long)]
    pub(crate) redact: bool,

    /// Leave out what is named, several with commas
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    pub(crate) strip: Vec<Strip>,

    /// Keep one process with all its threads, and leave the others out. PID+ keeps its descendants
    /// too. What it shares with others stays with it; relations that are cut are named
    #[arg(long, value_name = "PID[+]", value_parser = parse_task)]
    pub(crate) only_task: Option<OnlyTask>,

    /// Leave out pages of zeros of anonymous and shared memory, which comes back as zeros without
    /// them, and make holes of them in cores. No format can name a page of another process, so pages
    /// that processes have in common stay double; incremental CRIU sets become one complete set
    #[arg(long)]
    pub(crate) dedup: bool,

    /// Give a descriptor another number, in every table
    #[arg(long, value_name = "OLD=NEW", value_parser = parse_move)]
    pub(crate) relocate_fd: Vec<(i32, i32)>,

    /// Compress the stream that is written
    #[arg(long, value_name = "METHOD")]
    pub(crate) compress: Option<Compress>,

    #[arg(long, value_name = "NAME=NUMBER", value_delimiter = ',', help = Limits::help())]
    pub(crate) limit: Vec<Limit>,

    /// Replace the output if it exists
    #[arg(short, long)]
    pub(crate) force: bool,

    /// No progress, no notes, no losses on standard error
    #[arg(short, long, conflicts_with = "verbose")]
    pub(crate) quiet: bool,

    /// Say what is read and written, and show every loss instead of the first of each kind
    #[arg(short, long)]
    pub(crate) verbose: bool,

    #[command(flatten)]
    pub(crate) shared: Shared,
}

impl Args {
    /// What is accepted of an image.
    pub(crate) fn limits(&self) -> Limits {
        Limits::with(&self.limit)
    }
}
