//! The options.

use crate::tui;
use ckpt_cli::Shared;
use ckpt_format::{Arch, Revision};
use ckpt_parser::decoder::Options;
use ckpt_parser::detect::Override;
use ckpt_parser::limits::{Limit, Limits, Policy};
use clap::{ArgGroup, CommandFactory, Parser, ValueEnum};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  ckpt-inspect                             the embedded sample
  ckpt-inspect image.ckpt --tasks          processes and threads
  ckpt-inspect image.ckpt --regs --task 3000
  ckpt-inspect image.ckpt --record VMA     every field of the first VMA record
  ckpt-inspect image.ckpt --record @0x1a40 the record that holds this offset
  ckpt-inspect image.ckpt --memory 3000:0x8000+256
  ckpt-inspect image.ckpt --find 'password'
  ckpt-inspect image.ckpt --find p:0x10a28  pointers to an address (x:00ff bytes, u:text UTF-16)
  ckpt-inspect image.ckpt --tasks --json   any view as JSON, or --json-lines
  zstdcat image.zst | ckpt-inspect - --json-lines

Exit status: 0 fine, 1 damage or findings (or nothing found), 2 could not do the job.";

/// Look into a checkpointed process tree.
#[derive(Debug, Parser)]
#[command(name = "ckpt-inspect", version, about, after_help = EXAMPLES, max_term_width = ckpt_cli::WIDTH)]
#[command(group = ArgGroup::new("mode").multiple(false))]
#[command(group = ArgGroup::new("form").multiple(false))]
pub(super) struct Args {
    /// A linux-cr stream, a CRIU set (directory or tar) or an ELF core, packed or not (zstd, gzip, xz, lz4); `-` for standard
    /// input; none: the embedded sample
    pub(super) image: Option<PathBuf>,

    /// The whole image as an outline, a record a line (default without a terminal)
    #[arg(long, group = "mode")]
    pub(super) tree: bool,
    /// One record with every field and a hex dump: a number, a type such as VMA, or @OFFSET
    #[arg(long, group = "mode", value_name = "N|TYPE|@OFFSET")]
    pub(super) record: Option<String>,
    /// Number and bytes of the records of each type
    #[arg(long, group = "mode")]
    pub(super) stats: bool,
    /// Processes and threads
    #[arg(long, group = "mode")]
    pub(super) tasks: bool,
    /// Memory maps
    #[arg(long, group = "mode")]
    pub(super) maps: bool,
    /// Registers of every thread
    #[arg(long, group = "mode")]
    pub(super) regs: bool,
    /// Descriptors, sockets, pipes, terminals
    #[arg(long, group = "mode")]
    pub(super) files: bool,
    /// Memory of a task, for instance 3000:0x8000+256
    #[arg(long, group = "mode", value_name = "PID:ADDR[+LEN]")]
    pub(super) memory: Option<String>,
    /// Printable strings in memory, of at least MIN characters
    #[arg(long, group = "mode", value_name = "MIN", num_args = 0..=1, default_missing_value = "6", require_equals = true)]
    pub(super) strings: Option<usize>,
    /// Where memory, pipes and sockets hold a text, x:00ff12 bytes, u:text in UTF-16, p:ADDRESS a pointer (t:x: is
    /// the text x:)
    #[arg(long, group = "mode", value_name = "TEXT|x:…|u:…|p:ADDR")]
    pub(super) find: Option<String>,
    /// Where the image comes from, what is in it and what is missing
    #[arg(long, group = "mode")]
    pub(super) summary: bool,
    /// What is wrong: references, counts and completeness
    #[arg(long, group = "mode", visible_alias = "problems")]
    pub(super) integrity: bool,
    /// Where it could be restored; with --target every rule for that target and its evidence
    #[arg(long, group = "mode")]
    pub(super) compat: bool,
    /// The view that is asked for, or the whole image, as one JSON document
    #[arg(long, group = "form")]
    pub(super) json: bool,
    /// The same as lines of JSON, an item a line; of the whole image every record, in constant memory
    #[arg(long, group = "form")]
    pub(super) json_lines: bool,
    /// Compare with another image, side by side; with --text or without a terminal as text, with --json as JSON
    #[arg(long, value_names = ["A", "B"], num_args = 2, conflicts_with = "image")]
    pub(super) diff: Option<Vec<PathBuf>>,
    /// Print a configuration file for the interface, with every key and colour
    #[arg(long)]
    pub(super) print_config_template: bool,

    /// Write to a file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// The form of the output: text, json (as --json), ndjson (as --json-lines)
    #[arg(
        long,
        value_enum,
        value_name = "FORM",
        hide_possible_values = true,
        group = "form"
    )]
    pub(super) format: Option<Form>,
    /// Text even on a terminal (what --tree shows unless another view is asked for)
    #[arg(long, group = "form")]
    pub(super) text: bool,
    /// In the interface: only ASCII characters
    #[arg(long)]
    pub(super) ascii: bool,
    /// In the interface: colours for a light or a dark background
    #[arg(long, value_enum, value_name = "WHICH")]
    pub(super) background: Option<Background>,
    /// In the interface: leave the mouse to the terminal
    #[arg(long)]
    pub(super) no_mouse: bool,
    /// Folder with the files of the image's machine: symbols for --regs and the interface
    #[arg(long, value_name = "DIR")]
    pub(super) sysroot: Option<PathBuf>,
    /// The target of --compat, and that the compatibility view shows first
    #[arg(long, value_name = "TARGET")]
    pub(super) target: Option<String>,
    /// Only this task (pid)
    #[arg(long, value_name = "PID")]
    pub(super) task: Option<i32>,
    /// Raw bytes instead of a hex dump
    #[arg(long)]
    pub(super) raw: bool,
    /// The revision, if it is known better: R01 to R18, v19, v20, v21, v23
    #[arg(long, value_parser = revision, value_name = "REV")]
    pub(super) revision: Option<Revision>,
    /// The architecture, if it is known better: arm, x86_32, x86_64, s390x, ppc32, ppc64
    #[arg(long, value_parser = arch, value_name = "ARCH")]
    pub(super) arch: Option<Arch>,
    /// Stop at the first error instead of going on behind it
    #[arg(long)]
    pub(super) strict: bool,
    #[arg(long, value_name = "NAME=NUMBER", value_delimiter = ',', help = Limits::help())]
    pub(super) limit: Vec<Limit>,
    /// Say nothing about damage, only set the exit status
    #[arg(short, long)]
    pub(super) quiet: bool,
    /// Also show notes
    #[arg(short, long)]
    pub(super) verbose: bool,
    #[command(flatten)]
    pub(super) shared: Shared,
}

/// How a view is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// For people.
    Text,
    /// One document, as --json.
    Json,
    /// An item a line, as --json-lines.
    #[value(name = "ndjson")]
    Lines,
}

/// Background of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Background {
    /// Dark letters on light.
    Light,
    /// Light letters on dark.
    Dark,
}

/// What to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Outline.
    Tree,
    /// One record.
    Record(String),
    /// Counts.
    Stats,
    /// Tasks.
    Tasks,
    /// Memory maps.
    Maps,
    /// Registers.
    Regs,
    /// Files.
    Files,
    /// Memory.
    Memory(String),
    /// Strings.
    Strings(usize),
    /// Search.
    Find(String),
    /// Provenance card.
    Summary,
    /// Validation.
    Integrity,
    /// Compatibility.
    Compat,
}

fn revision(text: &str) -> Result<Revision, String> {
    Revision::parse(text)
        .ok_or_else(|| "expected R01 to R18, v18, v19, v20, v21, v23 or newest".to_owned())
}

fn arch(text: &str) -> Result<Arch, String> {
    Arch::parse(text)
        .ok_or_else(|| "expected arm, x86_32, x86_64, s390x, ppc32 or ppc64".to_owned())
}

/// The definition, for man pages and completions.
pub fn command() -> clap::Command {
    Args::command()
}

impl Args {
    /// What was asked for; `None` for the default.
    pub(super) fn mode(&self) -> Option<Mode> {
        let flags = [
            (self.tree, Mode::Tree),
            (self.stats, Mode::Stats),
            (self.tasks, Mode::Tasks),
            (self.maps, Mode::Maps),
            (self.regs, Mode::Regs),
            (self.files, Mode::Files),
            (self.summary, Mode::Summary),
            (self.integrity, Mode::Integrity),
            (self.compat, Mode::Compat),
        ];
        let flag = flags
            .into_iter()
            .find(|(set, _)| *set)
            .map(|(_, mode)| mode);
        flag.or_else(|| self.record.clone().map(Mode::Record))
            .or_else(|| self.memory.clone().map(Mode::Memory))
            .or_else(|| self.strings.map(Mode::Strings))
            .or_else(|| self.find.clone().map(Mode::Find))
    }
    /// The form of the output; `None` for the default.
    pub(super) fn form(&self) -> Option<Form> {
        let flags = [
            (self.json, Form::Json),
            (self.json_lines, Form::Lines),
            (self.text, Form::Text),
        ];
        let flag = flags.into_iter().find(|(set, _)| *set);
        self.format.or(flag.map(|(_, form)| form))
    }
    /// How the interface starts.
    pub(super) fn interface(&self) -> tui::Options {
        tui::Options {
            read: self.options(),
            ascii: self.ascii,
            mono: !self.shared.color.wanted(true),
            light: self
                .background
                .map(|background| background == Background::Light),
            sysroot: self.sysroot.clone(),
            target: self.target.clone(),
            diff: self.diff.as_ref().and_then(|pair| pair.get(1)).cloned(),
            no_mouse: self.no_mouse,
        }
    }
    /// How to read it.
    pub(super) fn options(&self) -> Options {
        Options {
            limits: Limits::with(&self.limit),
            policy: if self.strict {
                Policy::Strict
            } else {
                Policy::Salvage
            },
            dialect: Override {
                revision: self.revision,
                arch: self.arch,
            },
        }
    }
    /// Whether a task is among those asked for.
    pub(super) fn wants_task(&self, pid: i32, tgid: i32) -> bool {
        self.task
            .is_none_or(|wanted| wanted == pid || wanted == tgid)
    }
}
