//! Document to stream, record by record: the document is never held as a whole.

use super::payload;
use super::value::{Problem, set_fields};
use crate::error::Error;
use crate::input::Begin;
use crate::output::Sink;
use ckpt_bridge::bytes::Watch;
use ckpt_format::{Abi, Arch, Dialect, Order, Revision, Tables, Tag};
use ckpt_parser::frame::HEADER_LEN;
use ckpt_parser::grammar::Role;
use ckpt_parser::view::write_uint;
use serde::de::{self, DeserializeSeed, Deserializer as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Component, Path};

/// What a document says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The dialect of the image.
    pub dialect: Dialect,
    /// Records written.
    pub records: u64,
}

/// Longest record, in bytes: what a 32-bit length can say.
const LONGEST: u64 = u32::MAX as u64;
/// Bytes copied at a time.
const STEP: u64 = 1 << 20;

/// Writes the image that a document describes. Contents in a side file are looked for in
/// `directory`; `begin` hears of them.
///
/// # Errors
/// What is wrong with the document, by record, and errors of the files.
pub fn read(
    document: impl Read,
    directory: &Path,
    out: &mut dyn Sink,
    begin: Begin<'_>,
) -> Result<Document, Error> {
    let mut reader = Reader {
        directory,
        out,
        begin,
        head: Head::default(),
        records: 0,
        failure: None,
    };
    let buffered = io::BufReader::with_capacity(1 << 18, document);
    let mut json = serde_json::Deserializer::from_reader(buffered);
    let parsed = json.deserialize_map(&mut reader);
    let failure = reader.failure.take();
    match (parsed, failure) {
        (_, Some(failure)) => Err(failure),
        (Err(error), None) if error.is_io() => Err(Error::Read(error.into())),
        (Err(error), None) => Err(problem(format!("JSON: {error}"))),
        (Ok(dialect), None) => Ok(Document {
            dialect,
            records: reader.records,
        }),
    }
}

fn problem(text: String) -> Error {
    Error::Read(io::Error::new(io::ErrorKind::InvalidData, text))
}

#[derive(Default)]
struct Head {
    revision: Option<Revision>,
    arch: Option<Arch>,
    order: Option<Order>,
    old_abi: bool,
    memory: Option<String>,
}

impl Head {
    fn dialect(&self) -> Result<Dialect, Problem> {
        let missing = |what: &str| format!("{what} has to stand before records");
        let arch = self.arch.ok_or_else(|| missing("arch"))?;
        Ok(Dialect {
            revision: self.revision.ok_or_else(|| missing("revision"))?,
            abi: Abi {
                arch,
                order: self.order.unwrap_or(arch.usual_order()),
                old_abi: self.old_abi,
            },
        })
    }
    fn set(&mut self, key: &str, value: &Value) -> Result<(), Problem> {
        let text = value.as_str().unwrap_or_default();
        let unknown = || format!("{key}: {value} is unknown");
        match key {
            "schema" if value.as_u64() != Some(super::SCHEMA) => return Err(unknown()),
            "revision" => self.revision = Some(Revision::parse(text).ok_or_else(unknown)?),
            "arch" => self.arch = Some(Arch::parse(text).ok_or_else(unknown)?),
            "order" => {
                let orders = [Order::Little, Order::Big];
                let order = orders.into_iter().find(|order| order.to_string() == text);
                self.order = Some(order.ok_or_else(unknown)?);
            }
            "old_abi" => self.old_abi = value.as_bool().ok_or_else(unknown)?,
            "memory" => self.memory = value.as_str().map(str::to_owned),
            _ => {}
        }
        Ok(())
    }
}

struct Reader<'a> {
    directory: &'a Path,
    out: &'a mut dyn Sink,
    begin: Begin<'a>,
    head: Head,
    records: u64,
    failure: Option<Error>,
}

impl<'de> Visitor<'de> for &mut Reader<'_> {
    type Value = Dialect;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with revision, arch and records")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Dialect, A::Error> {
        let mut dialect = None;
        while let Some(key) = map.next_key::<String>()? {
            if key == "records" {
                let found = self.head.dialect().map_err(de::Error::custom)?;
                dialect = Some(found);
                let side = self.side_file().map_err(de::Error::custom)?;
                map.next_value_seed(Records {
                    reader: self,
                    tables: Tables::new(found),
                    side,
                })?;
            } else {
                let value = map.next_value::<Value>()?;
                self.head.set(&key, &value).map_err(de::Error::custom)?;
            }
        }
        dialect.ok_or_else(|| de::Error::missing_field("records"))
    }
}

impl Reader<'_> {
    /// The side file. A document from elsewhere must not reach into other directories.
    fn side_file(&self) -> Result<Option<Side>, Problem> {
        let Some(name) = &self.head.memory else {
            return Ok(None);
        };
        let mut parts = Path::new(name).components();
        let plain = matches!(
            (parts.next(), parts.next()),
            (Some(Component::Normal(_)), None)
        );
        if !plain {
            return Err(format!(
                "memory: {name} is not the name of a file beside the document"
            ));
        }
        let path = self.directory.join(name);
        let open = || {
            let file = File::open(&path)?;
            let watch = (self.begin)(Some(file.metadata()?.len()));
            Ok(Side { file, watch })
        };
        let side = open().map_err(|error: io::Error| format!("{}: {error}", path.display()))?;
        Ok(Some(side))
    }
}

/// Contents of memory beside the document.
struct Side {
    file: File,
    watch: Watch,
}

impl Side {
    fn read(&self, offset: u64, room: &mut [u8]) -> Result<(), Error> {
        let read = self.file.read_exact_at(room, offset);
        read.map_err(Error::Read)?;
        (self.watch)(room.len() as u64);
        Ok(())
    }
}

struct Records<'r, 'a> {
    reader: &'r mut Reader<'a>,
    tables: Tables,
    side: Option<Side>,
}

impl<'de> DeserializeSeed<'de> for Records<'_, '_> {
    type Value = ();
    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Records<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of records")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
        while let Some(record) = seq.next_element::<Map<String, Value>>()? {
            if let Err(error) = self.record(&record) {
                self.reader.failure = Some(error);
                return Err(de::Error::custom("stopped"));
            }
            self.reader.records = self.reader.records.saturating_add(1);
        }
        Ok(())
    }
}

impl Records<'_, '_> {
    fn record(&mut self, record: &Map<String, Value>) -> Result<(), Error> {
        let index = self.reader.records;
        let name = record
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or("(unnamed)");
        let explain = |why: Problem| problem(format!("record {index} ({name}): {why}"));
        let memory = Contents::of(record.get("memory")).map_err(explain)?;
        let tag = record
            .get("type")
            .and_then(Value::as_str)
            .map(Tag::from_name);
        let bytes = match tag {
            Some(None) => return Err(explain("there is no such record type".into())),
            Some(Some(tag)) if !self.is_payload(tag) => {
                structure(record, &self.tables, Some(tag)).map_err(explain)?
            }
            tag => self
                .payload_head(record, tag.flatten(), memory.len())
                .map_err(explain)?,
        };
        self.reader.out.bytes(&bytes)?;
        self.contents(&memory)
    }

    fn is_payload(&self, tag: Tag) -> bool {
        let record = self.tables.by_tag(tag);
        record.is_some_and(|record| record.record.payload)
    }

    /// Header and the part of a payload that stands in the document.
    fn payload_head(
        &self,
        record: &Map<String, Value>,
        tag: Option<Tag>,
        contents: u64,
    ) -> Result<Vec<u8>, Problem> {
        let dialect = self.tables.dialect;
        let mut inline = match record.get("payload") {
            Some(shown) => payload::parse(shown, dialect, tag, role(record))?,
            None => Vec::new(),
        };
        if let Some(addresses) = record.get("addresses").and_then(Value::as_array) {
            let word = usize::from(dialect.abi.arch.word_size());
            for address in addresses {
                let value = super::value::parse_number(address)
                    .ok_or_else(|| format!("address {address} is no number"))?;
                let mut bytes = [0; 8];
                let room = bytes.get_mut(..word).unwrap_or_default();
                write_uint(room, value, dialect.abi.order);
                inline.extend_from_slice(room);
            }
        }
        if record.contains_key("gap") {
            return Ok(inline);
        }
        let number = match tag {
            Some(tag) => self.tables.by_tag(tag).map(|record| record.number),
            None => record
                .get("number")
                .and_then(Value::as_u64)
                .and_then(|n| u32::try_from(n).ok()),
        };
        let number = number.ok_or("the revision has no such record, or a record has no type")?;
        let len = (inline.len() as u64)
            .saturating_add(contents)
            .saturating_add(8);
        if len > LONGEST {
            return Err(format!("{len} bytes, more than a record can have"));
        }
        let said = record.get("len").and_then(Value::as_u64).unwrap_or(len);
        let mut bytes = header(number, said, dialect.abi.order);
        bytes.append(&mut inline);
        Ok(bytes)
    }

    fn contents(&mut self, contents: &Contents) -> Result<(), Error> {
        match contents {
            Contents::None => Ok(()),
            Contents::Bytes(bytes) => Ok(self.reader.out.bytes(bytes)?),
            Contents::Absent(len) => self.pieces(*len, |_, _| Ok(())),
            Contents::Side(offset, len) => {
                let side = self.side.take();
                let missing = || problem("the document names no memory file".into());
                let from = side.as_ref().ok_or_else(missing)?;
                let done = self.pieces(*len, |at, room| from.read(offset.saturating_add(at), room));
                self.side = side;
                done
            }
        }
    }

    fn pieces(
        &mut self,
        len: u64,
        fill: impl Fn(u64, &mut [u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut done = 0;
        let mut buffer = vec![0; usize::try_from(len.min(STEP)).unwrap_or(0)];
        while done < len {
            let step = usize::try_from(len.saturating_sub(done).min(STEP)).unwrap_or(0);
            let room = buffer.get_mut(..step).unwrap_or_default();
            fill(done, room)?;
            self.reader.out.bytes(room)?;
            done = done.saturating_add(step as u64);
        }
        Ok(())
    }
}

/// Contents of memory.
enum Contents {
    None,
    Bytes(Vec<u8>),
    Side(u64, u64),
    Absent(u64),
}

impl Contents {
    fn of(value: Option<&Value>) -> Result<Self, Problem> {
        let Some(value) = value else {
            return Ok(Contents::None);
        };
        let number = |key: &str| value.get(key).and_then(Value::as_u64);
        if let Some(text) = value.get("base64").and_then(Value::as_str) {
            let bytes = super::decode_base64(text).ok_or("memory: not base64")?;
            return Ok(Contents::Bytes(bytes));
        }
        let contents = match (number("offset"), number("len"), number("absent")) {
            (Some(offset), Some(len), None) => Contents::Side(offset, len),
            (None, None, Some(len)) => Contents::Absent(len),
            _ => return Err("memory: expected offset and len, base64, or absent".into()),
        };
        if contents.len() > LONGEST {
            return Err("memory: longer than a record can be".into());
        }
        Ok(contents)
    }
    fn len(&self) -> u64 {
        match self {
            Contents::None => 0,
            Contents::Bytes(bytes) => bytes.len() as u64,
            Contents::Side(_, len) | Contents::Absent(len) => *len,
        }
    }
}

/// Roles whose payloads are lists of structures; nothing else depends on them here.
fn role(record: &Map<String, Value>) -> Role {
    let known = [Role::TaskPids, Role::EpollItems];
    let name = record
        .get("role")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let role = known.into_iter().find(|role| role.name() == name);
    role.unwrap_or(Role::Plain)
}

fn header(number: u32, len: u64, order: Order) -> Vec<u8> {
    let mut bytes = vec![0; 8];
    let (kind, length) = bytes.split_at_mut(4);
    write_uint(kind, u64::from(number), order);
    write_uint(length, len, order);
    bytes
}

/// The bytes of a struct record.
///
/// # Errors
/// What is wrong with its fields.
pub(super) fn structure(
    record: &Map<String, Value>,
    tables: &Tables,
    tag: Option<Tag>,
) -> Result<Vec<u8>, Problem> {
    let none = Map::new();
    let fields = record
        .get("fields")
        .and_then(Value::as_object)
        .unwrap_or(&none);
    let dialect = tables.dialect;
    let layouts = tag.and_then(|tag| tables.by_tag(tag));
    let layouts = layouts.ok_or_else(|| format!("{} has no such record", dialect.revision))?;
    let selector = layouts.record.selector.and_then(|offset| {
        let (_, any) = layouts.variants().next()?;
        let slot = any
            .slots
            .iter()
            .find(|slot| slot.offset == u32::from(offset))?;
        let value = super::value::parse_number(fields.get(&*slot.name)?)?;
        u32::try_from(value).ok()
    });
    let layout = layouts.variant(selector);
    let size = layout.map_or(HEADER_LEN, |layout| layout.size.into());
    let mut bytes = vec![0; usize::try_from(size).unwrap_or(0)];
    match layout {
        Some(layout) => set_fields(fields, layout, &mut bytes, dialect)?,
        None if fields.is_empty() => {}
        None => return Err("no such variant of the record".into()),
    }
    if let Some(len) = record.get("len").and_then(Value::as_u64) {
        let len = usize::try_from(len)
            .ok()
            .filter(|len| (8..=1 << 24).contains(len));
        bytes.resize(len.ok_or("len: expected 8 to 16777216")?, 0);
    }
    let head = header(layouts.number, bytes.len() as u64, dialect.abi.order);
    for (to, from) in bytes.iter_mut().zip(head) {
        *to = from;
    }
    let patches = record.get("patch").and_then(Value::as_array);
    for patch in patches.into_iter().flatten() {
        apply(patch, &mut bytes)?;
    }
    Ok(bytes)
}

fn apply(patch: &Value, bytes: &mut [u8]) -> Result<(), Problem> {
    let at = patch
        .get("at")
        .and_then(Value::as_u64)
        .and_then(|at| usize::try_from(at).ok());
    let hex = patch
        .get("hex")
        .and_then(Value::as_str)
        .and_then(super::decode_hex);
    let (Some(at), Some(hex)) = (at, hex) else {
        return Err("patch: expected at and hex".into());
    };
    let end = at.checked_add(hex.len()).ok_or("patch: too long")?;
    let room = bytes
        .get_mut(at..end)
        .ok_or("patch: outside of the record")?;
    room.copy_from_slice(&hex);
    Ok(())
}
