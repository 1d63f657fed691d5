//! The JSON of single views. Each is a document with a part of what `--json` writes of the whole image, or the items
//! of that part a line each. The types are the contract; their schema is published and tested.

use super::args::Form;
use ckpt_parser::report::SCHEMA;
use ckpt_parser::report::document::{
    AddressSpace, Bits, File, Finding, Hex, Pipe, Socket, Task, Terminal,
};
use schemars::generate::SchemaGenerator;
use schemars::{JsonSchema, Schema, json_schema};
use serde::Serialize;
use std::io::{self, Write};

/// Something that a view lists, or all that it shows.
pub(super) trait Part: Serialize + JsonSchema {
    /// The name of the view.
    const VIEW: &'static str;
    /// The member of the document that holds it.
    const KEY: &'static str;
}

macro_rules! parts {
    ($($part:ty: $view:literal $key:literal;)*) => {
        $(impl Part for $part {
            const VIEW: &'static str = $view;
            const KEY: &'static str = $key;
        })*
    };
}

parts! {
    Task: "tasks" "tasks";
    Thread: "regs" "threads";
    Space: "maps" "address_spaces";
    OpenFile: "files" "files";
    Stretch: "memory" "memory";
    Match: "find" "matches";
    StringAt: "strings" "strings";
    Tally: "stats" "types";
    Change: "diff" "changes";
    Summary: "summary" "summary";
    Integrity: "integrity" "integrity";
    RecordLine: "record" "record";
}

/// Registers of a thread, what they point to, and the calls that it is in.
#[derive(Serialize, JsonSchema)]
#[serde(transparent)]
pub(super) struct Thread(pub(super) Task);

/// An address space and who lives in it.
#[derive(Serialize, JsonSchema)]
pub(super) struct Space {
    /// Tasks that use it.
    pub(super) pids: Vec<i32>,
    /// The address space.
    #[serde(flatten)]
    pub(super) space: AddressSpace,
}

/// An open file and what it leads to.
#[derive(Serialize, JsonSchema)]
pub(super) struct OpenFile {
    /// The file.
    #[serde(flatten)]
    pub(super) file: File,
    /// Descriptors that hold it.
    pub(super) held_by: Vec<Held>,
    /// Descriptors at the other end of a pipe, a connected socket, a terminal, at most 1000; null of what has no other
    /// end.
    pub(super) other_end: Option<Vec<Held>>,
    /// The pipe or fifo.
    pub(super) pipe: Option<Pipe>,
    /// The socket.
    pub(super) socket: Option<Socket>,
    /// The terminal.
    pub(super) terminal: Option<Terminal>,
}

/// A descriptor.
#[derive(Clone, Serialize, JsonSchema)]
pub(super) struct Held {
    /// Process.
    pub(super) pid: i32,
    /// Number.
    pub(super) fd: i32,
    /// Closed by exec.
    pub(super) close_on_exec: bool,
}

/// A stretch of memory.
#[derive(Serialize, JsonSchema)]
pub(super) struct Stretch {
    /// Process or thread.
    pub(super) pid: i32,
    /// Its first address.
    pub(super) start: Hex,
    /// Bytes.
    pub(super) len: u64,
    /// Where the bytes are: `stored`, `zero` (never written), `file`, `special` (given by the kernel), `unmapped`.
    pub(super) backing: &'static str,
    /// The file that holds them.
    pub(super) path: Option<String>,
    /// Where in that file.
    pub(super) file_offset: Option<u64>,
    /// The bytes in hexadecimal digits; null if they are not in the image.
    pub(super) bytes: Option<String>,
}

/// A place where something was found.
#[derive(Serialize, JsonSchema)]
pub(super) struct Match {
    /// Process; null if it is not in memory.
    pub(super) pid: Option<i32>,
    /// Address; null if it is not in memory.
    pub(super) address: Option<Hex>,
    /// Permissions of the mapping.
    pub(super) permissions: Option<String>,
    /// What the mapping is; `pipe`, `receive queue`, `send queue`, `terminal`, `message queue`.
    pub(super) place: String,
    /// Number of the pipe, socket, terminal or queue.
    pub(super) object: Option<i32>,
    /// Bytes that wait before it.
    pub(super) at: Option<u64>,
    /// Descriptors that lead there.
    pub(super) held_by: Vec<Held>,
}

/// A string in memory.
#[derive(Serialize, JsonSchema)]
pub(super) struct StringAt {
    /// Process.
    pub(super) pid: i32,
    /// Its first address.
    pub(super) address: Hex,
    /// The string.
    pub(super) text: String,
}

/// The records of a type.
#[derive(Serialize, JsonSchema)]
pub(super) struct Tally {
    /// Number of the type; null for gaps.
    pub(super) number: Option<u32>,
    /// Its name.
    #[serde(rename = "type")]
    pub(super) name: String,
    /// How many.
    pub(super) records: u64,
    /// Their bytes.
    pub(super) bytes: u64,
}

/// A difference of two images.
#[derive(Serialize, JsonSchema)]
pub(super) struct Change {
    /// `head`, `records`, `task`, `register`, `mapping`, `file`, `pages`.
    pub(super) group: &'static str,
    /// Which one.
    pub(super) what: String,
    /// What the first image has; null for nothing.
    pub(super) left: Option<String>,
    /// What the second image has; null for nothing.
    pub(super) right: Option<String>,
    /// The record of the first image that shows it.
    pub(super) record: Option<u64>,
    /// The address in the first image that shows it.
    pub(super) address: Option<Hex>,
}

/// Where an image comes from and what is in it. What it does not say is null.
#[derive(Serialize, JsonSchema)]
pub(super) struct Summary {
    /// What it is, in words.
    pub(super) format: String,
    /// `linux-cr`, `criu`, `core`.
    pub(super) kind: &'static str,
    /// Revision of the stream, or of the stream as which it is shown.
    pub(super) revision: String,
    /// When it was taken, seconds since the epoch.
    pub(super) taken: Option<u64>,
    /// Kernel, in words.
    pub(super) kernel: Option<String>,
    /// Machine, in words.
    pub(super) machine: String,
    /// Bytes.
    pub(super) page_size: u64,
    /// Name of the machine.
    pub(super) host: Option<String>,
    /// Processes.
    pub(super) processes: u64,
    /// Threads that live.
    pub(super) threads: u64,
    /// Zombies.
    pub(super) zombies: u64,
    /// Address spaces.
    pub(super) programs: Vec<Program>,
    /// Address spaces that are not among those.
    pub(super) programs_dropped: u64,
    /// Pages with contents.
    pub(super) pages: u64,
    /// Mappings.
    pub(super) mappings: u64,
    /// Open files.
    pub(super) files: u64,
    /// Sockets.
    pub(super) sockets: u64,
    /// Pipes.
    pub(super) pipes: u64,
    /// Terminals.
    pub(super) terminals: u64,
    /// Records.
    pub(super) records: u64,
    /// Bytes.
    pub(super) bytes: u64,
    /// Nothing is missing up to the end.
    pub(super) complete: bool,
    /// What is missing, in words.
    pub(super) missing: Vec<String>,
}

/// What runs in an address space.
#[derive(Serialize, JsonSchema)]
pub(super) struct Program {
    /// Executable.
    pub(super) exe: Option<String>,
    /// AT_PLATFORM.
    pub(super) platform: Option<String>,
    /// AT_HWCAP.
    pub(super) hwcap: Option<Bits>,
    /// AT_HWCAP2.
    pub(super) hwcap2: Option<Bits>,
    /// The C library's file.
    pub(super) libc: Option<String>,
}

/// What is wrong with an image.
#[derive(Serialize, JsonSchema)]
pub(super) struct Integrity {
    /// There is neither error nor warning.
    pub(super) sound: bool,
    /// Records.
    pub(super) records: u64,
    /// Tasks.
    pub(super) tasks: u64,
    /// Shared objects.
    pub(super) objects: u64,
    /// Pages.
    pub(super) pages: u64,
    /// Number of errors.
    pub(super) errors: u64,
    /// Number of warnings.
    pub(super) warnings: u64,
    /// What is wrong.
    pub(super) diagnostics: Vec<Finding>,
    /// Diagnostics beyond the limit.
    pub(super) diagnostics_dropped: u64,
}

/// A record, as `--json-lines` writes it.
#[derive(Serialize, JsonSchema)]
pub(super) struct RecordLine {
    /// `record`.
    pub(super) kind: String,
    /// Number.
    pub(super) record: u64,
    /// Offset in the image.
    pub(super) offset: u64,
    /// Type.
    #[serde(rename = "type")]
    pub(super) name: String,
    /// Length in bytes.
    pub(super) len: u64,
    /// Its fields, text, bytes or pages.
    #[serde(flatten)]
    pub(super) rest: serde_json::Map<String, serde_json::Value>,
}

/// Writes all that a view shows: a document, on one line.
pub(super) fn whole<T: Part>(part: &T, out: &mut dyn Write) -> io::Result<()> {
    document::<T>(&serde_json::to_vec(part)?, out)
}

/// The same of a part that is JSON already.
pub(super) fn document<T: Part>(json: &[u8], out: &mut dyn Write) -> io::Result<()> {
    begin::<T>(out)?;
    out.write_all(json)?;
    out.write_all(b"}\n")
}

fn begin<T: Part>(out: &mut dyn Write) -> io::Result<()> {
    let (view, key) = (T::VIEW, T::KEY);
    write!(out, r#"{{"schema":{SCHEMA},"view":"{view}","{key}":"#)
}

/// Writes items as they come: a document with a list of them, or each on a line.
pub(super) struct List<'a> {
    out: &'a mut dyn Write,
    form: Form,
    separator: &'static [u8],
}

impl<'a> List<'a> {
    /// Begins a list of items of type `T`.
    pub(super) fn begin<T: Part>(form: Form, out: &'a mut dyn Write) -> io::Result<List<'a>> {
        if form == Form::Json {
            begin::<T>(out)?;
        }
        Ok(List {
            out,
            form,
            separator: b"[",
        })
    }
    /// Writes items of something that is no list of its own, a line each.
    pub(super) fn lines<T: Serialize>(
        items: impl Iterator<Item = T>,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        for item in items {
            serde_json::to_writer(&mut *out, &item)?;
            out.write_all(b"\n")?;
        }
        Ok(())
    }
    /// Writes an item.
    pub(super) fn item<T: Part>(&mut self, item: &T) -> io::Result<()> {
        if self.form == Form::Json {
            self.out.write_all(self.separator)?;
            self.separator = b",";
        }
        serde_json::to_writer(&mut *self.out, item)?;
        if self.form == Form::Lines {
            self.out.write_all(b"\n")?;
        }
        Ok(())
    }
    /// Ends the list. `more` are further members of the document.
    pub(super) fn end(self, more: &[(&str, serde_json::Value)]) -> io::Result<()> {
        if self.form != Form::Json {
            return Ok(());
        }
        let empty: &[u8] = if self.separator == b"[" { b"[" } else { b"" };
        self.out.write_all(empty)?;
        self.out.write_all(b"]")?;
        for (key, value) in more {
            write!(self.out, r#","{key}":{value}"#)?;
        }
        self.out.write_all(b"}\n")
    }
}

/// The JSON Schema of the documents of single views.
pub fn schema() -> String {
    let mut generator = SchemaGenerator::default();
    let lists = [
        list::<Task>(&mut generator),
        list::<Thread>(&mut generator),
        list::<Space>(&mut generator),
        list::<OpenFile>(&mut generator),
        list::<Stretch>(&mut generator),
        list::<Match>(&mut generator),
        list::<StringAt>(&mut generator),
        list::<Tally>(&mut generator),
        list::<Change>(&mut generator),
        one::<Summary>(&mut generator),
        one::<Integrity>(&mut generator),
        one::<RecordLine>(&mut generator),
    ];
    let definitions = generator.take_definitions(true);
    let schema = json_schema!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A view of ckpt-inspect",
        "oneOf": lists,
        "$defs": definitions,
    });
    serde_json::to_string_pretty(&schema).unwrap_or_default()
}

fn list<T: Part>(generator: &mut SchemaGenerator) -> Schema {
    let items = generator.subschema_for::<T>();
    schema_of::<T>(&json_schema!({"type": "array", "items": items}))
}

fn one<T: Part>(generator: &mut SchemaGenerator) -> Schema {
    let part = generator.subschema_for::<T>();
    schema_of::<T>(&part)
}

fn schema_of<T: Part>(part: &Schema) -> Schema {
    let (view, key) = (T::VIEW, T::KEY);
    json_schema!({
        "type": "object",
        "properties": {
            "schema": {"const": SCHEMA},
            "view": {"const": view},
            key: part,
        },
        "required": ["schema", "view", key],
    })
}
