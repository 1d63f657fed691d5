//! One record in words: its row in the outline, and its fields with values, meanings and bytes.

use ckpt_format::schema::{Count, Meaning, Type};
use ckpt_format::{Layout, Slot, Tables, Tag};
use ckpt_parser::frame::{HEADER_LEN, HEADER_SIZE};
use ckpt_parser::grammar::Role;
use ckpt_parser::text::{count, escape};
use ckpt_parser::view::{View, meaning, number, read_uint, reference, until_nul};

/// What a stretch of a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Type and length.
    Header,
    /// A field of the structure.
    Field,
    /// Bytes that the compiler put between fields.
    Padding,
    /// Bytes behind the structure.
    Payload,
    /// Bytes that belong to nothing: gaps, or a structure that is too long.
    Gap,
}

/// Where Enter leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A shared object.
    Object(i32),
    /// An address in the process that the record belongs to.
    Address(u64),
}

/// A line of the field list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Name in the C header, or what the bytes are.
    pub name: String,
    /// First byte, from the start of the record.
    pub offset: u64,
    /// Number of bytes.
    pub len: u64,
    /// What kind of bytes.
    pub kind: Kind,
    /// The value as a number or text.
    pub value: String,
    /// What it means.
    pub meaning: String,
    /// One line about the field.
    pub doc: &'static str,
    /// What it refers to.
    pub target: Option<Target>,
}

/// A record in full.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Detail {
    /// C name of the structure.
    pub c_name: &'static str,
    /// Section of the specification.
    pub spec: &'static str,
    /// The fields, tiling the record.
    pub fields: Vec<Field>,
}

/// Bytes of a record as far as they were read, and where it stands.
#[derive(Clone, Copy)]
pub struct Record<'a> {
    /// Tables of the dialect.
    pub tables: &'a Tables,
    /// Page size in bytes.
    pub page_size: u32,
    /// First bytes of the record, its header included.
    pub bytes: &'a [u8],
    /// Length up to the next record.
    pub len: u64,
    /// What it is in its place.
    pub role: Role,
}

/// Elements of an array that get lines of their own.
const EXPANDED: u32 = 64;
/// Plain numbers from here on are shown in hexadecimal too.
const WORTH_HEX: u64 = 0x1_0000;
/// Bytes that are written out.
const BRIEF: usize = 8;
/// Characters of a value that are shown in a list.
const WIDEST: usize = 200;

impl<'a> Record<'a> {
    fn number(&self) -> u32 {
        let order = self.tables.dialect.abi.order;
        (read_uint(self.bytes.get(..4).unwrap_or_default(), order) & 0xffff_ffff) as u32
    }
    fn view(&self) -> Option<View<'a>> {
        if self.role == Role::Gap {
            return None;
        }
        let layout = self.tables.layout_of(self.number(), self.bytes)?;
        Some(View {
            layout,
            bytes: self.bytes,
            dialect: self.tables.dialect,
        })
    }
    fn tag(&self) -> Option<Tag> {
        Some(self.tables.by_number(self.number())?.tag())
    }
    fn payload(&self) -> &'a [u8] {
        self.bytes.get(HEADER_SIZE..).unwrap_or_default()
    }
    fn num_pages(&self) -> u64 {
        let word = u64::from(self.tables.dialect.abi.arch.word_size());
        self.len.saturating_sub(HEADER_LEN) / (word + u64::from(self.page_size))
    }

    /// What the outline shows behind the name.
    pub fn summary(&self) -> String {
        match self.role {
            Role::Gap => return format!("{} of no record", count(self.len, "byte")),
            Role::Pages { .. } => return count(self.num_pages(), "page"),
            role if is_text(role) => return quoted(self.payload()),
            Role::Plain | Role::Stray => {}
            _ => return count(self.len.saturating_sub(HEADER_LEN), "byte"),
        }
        let Some(view) = self.view() else {
            return format!("type {}, {} bytes", self.number(), self.len);
        };
        match self.tag() {
            Some(Tag::Cpu) if view.layout.named("uregs").is_some() => registers(&view),
            Some(Tag::Vma) => range(&view, "vm_start", "vm_end", "vm_flags"),
            Some(Tag::Objref) => object(&view),
            Some(Tag::String | Tag::FileName) => quoted(self.payload()),
            _ => brief(&view),
        }
    }

    /// Every stretch of the record.
    pub fn detail(&self) -> Detail {
        let mut list = List {
            record: self,
            fields: Vec::new(),
        };
        if self.role == Role::Gap {
            list.rest(0, Kind::Gap, "bytes of no record");
            return Detail {
                fields: list.fields,
                ..Detail::default()
            };
        }
        list.header();
        let view = self.view();
        let covered = view.map_or(HEADER_LEN, |view| list.structure(&view));
        if covered < self.len {
            list.payload(covered);
        }
        let table = self.tables.by_number(self.number());
        Detail {
            c_name: view.map_or("", |view| view.layout.c_name),
            spec: table.map_or("", |table| table.record.spec),
            fields: list.fields,
        }
    }
}

fn is_text(role: Role) -> bool {
    role.is_text() || matches!(role, Role::TtyInput | Role::MsgText)
}

/// Whether bytes look like text, NULs at the end aside.
fn is_texty(bytes: &[u8]) -> bool {
    let text = until_nul(bytes);
    let rest = bytes.get(text.len()..).unwrap_or_default();
    let printable = |byte: &u8| (0x20..0x7f).contains(byte) || *byte == b'\n';
    text.len() >= 4
        && text.iter().take(256).all(printable)
        && rest.iter().take(256).all(|byte| *byte == 0)
}

/// Few bytes as hex digits, of many the number.
fn brief_bytes(bytes: &[u8]) -> String {
    if bytes.len() > BRIEF {
        return count(bytes.len(), "byte");
    }
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.join(" ")
}

/// Text in quotes, safe to show, cut to what a list has room for.
pub fn quoted(bytes: &[u8]) -> String {
    let text = escape(until_nul(bytes.get(..4096).unwrap_or(bytes)));
    let mut cut: String = text.chars().take(WIDEST).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    format!("\"{cut}\"")
}

fn named(view: &View, name: &str) -> Option<u64> {
    view.element(view.layout.named(name)?, 0)
}

fn range(view: &View, start: &str, end: &str, flags: &str) -> String {
    let get = |name| named(view, name).unwrap_or(0);
    let bits = get(flags);
    let bit = |mask, yes| if bits & mask == 0 { '-' } else { yes };
    let kind = view.layout.named("vma_type").and_then(|slot| {
        let value = view.element(slot, 0)?;
        meaning(slot, value, view.dialect)
    });
    format!(
        "{:08x}-{:08x} {}{}{}{} {}",
        get(start),
        get(end),
        bit(1, 'r'),
        bit(2, 'w'),
        bit(4, 'x'),
        if bits & 8 == 0 { 'p' } else { 's' },
        kind.unwrap_or_default()
    )
}

fn registers(view: &View) -> String {
    let Some(slot) = view.layout.named("uregs") else {
        return String::new();
    };
    let get = |i| view.element(slot, i).unwrap_or(0);
    format!("pc={:#x}  sp={:#x}  lr={:#x}", get(15), get(13), get(14))
}

fn object(view: &View) -> String {
    let kind = view.layout.named("objtype").and_then(|slot| {
        let value = view.element(slot, 0)?;
        Some(meaning(slot, value, view.dialect).unwrap_or_else(|| format!("type {value}")))
    });
    let number = named(view, "objref").unwrap_or(0).cast_signed();
    format!("{} {number}", kind.unwrap_or_default())
}

/// The fields that say something, in one line.
fn brief(view: &View) -> String {
    let mut text = String::new();
    for slot in &view.layout.slots {
        let Some(field) = slot.field else { continue };
        if text.len() > 60 || matches!(field.meaning, Meaning::Opaque | Meaning::Magic) {
            continue;
        }
        let worded: Option<String> = if matches!(field.ty, Type::Char) {
            view.slot_bytes(slot).map(quoted)
        } else if matches!(field.count, Count::One) {
            view.element(slot, 0).filter(|v| *v != 0).map(|value| {
                let (number, words) = worded(slot, value, view);
                // A unit alone says nothing, and the name says of what.
                let plain = words.is_empty() || matches!(field.meaning, Meaning::Unit(_));
                if plain || reference(slot).is_some() {
                    number
                } else {
                    words
                }
            })
        } else {
            None
        };
        if let Some(worded) = worded.filter(|text| text != "\"\"") {
            if !text.is_empty() {
                text.push_str("  ");
            }
            text.push_str(&slot.name);
            text.push('=');
            text.push_str(&worded);
        }
    }
    text
}

/// A value as a number and in words.
fn worded(slot: &Slot, value: u64, view: &View) -> (String, String) {
    let Some(field) = slot.field else {
        return (String::new(), String::new());
    };
    let signed = matches!(field.ty, Type::I16 | Type::I32 | Type::I64);
    let digits = 2 * slot.element as usize;
    match field.meaning {
        Meaning::Address => (format!("{value:#010x}"), String::new()),
        Meaning::Word | Meaning::Magic => (format!("0x{value:0digits$x}"), String::new()),
        Meaning::Plain if value >= WORTH_HEX && !signed => {
            (value.to_string(), format!("{value:#x}"))
        }
        _ => (
            number(slot, value),
            meaning(slot, value, view.dialect).unwrap_or_default(),
        ),
    }
}

struct List<'a> {
    record: &'a Record<'a>,
    fields: Vec<Field>,
}

impl List<'_> {
    fn push(&mut self, name: impl Into<String>, offset: u64, len: u64, kind: Kind) -> &mut Field {
        self.fields.push(Field {
            name: name.into(),
            offset,
            len,
            kind,
            value: String::new(),
            meaning: String::new(),
            doc: "",
            target: None,
        });
        let last = self.fields.len() - 1;
        &mut self.fields[last]
    }

    fn header(&mut self) {
        let number = self.record.number();
        let order = self.record.tables.dialect.abi.order;
        let len = read_uint(self.record.bytes.get(4..8).unwrap_or_default(), order);
        let name = self.record.tag().map_or("unknown type", Tag::name);
        let field = self.push("h.type", 0, 4.min(self.record.len), Kind::Header);
        field.value = number.to_string();
        name.clone_into(&mut field.meaning);
        field.doc = "Type of the record";
        if self.record.len > 4 {
            let field = self.push("h.len", 4, 4.min(self.record.len - 4), Kind::Header);
            field.value = len.to_string();
            "bytes".clone_into(&mut field.meaning);
            field.doc = "Length of the record, this header included";
        }
    }

    /// Lists the slots of a structure; returns what they cover.
    fn structure(&mut self, view: &View) -> u64 {
        let mut covered = HEADER_LEN;
        for slot in &view.layout.slots {
            if u64::from(slot.offset) >= self.record.len {
                break;
            }
            self.slot(view, slot, 0, "");
            let len = if slot.is_flexible() {
                view.elements(slot).saturating_mul(slot.element)
            } else {
                slot.size
            };
            covered = covered.max(u64::from(slot.offset) + u64::from(len));
        }
        covered
    }

    fn slot(&mut self, view: &View, slot: &Slot, base: u64, prefix: &str) {
        let offset = base + u64::from(slot.offset);
        let Some(field) = slot.field else {
            let bytes = view.slot_bytes(slot).unwrap_or_default();
            let dirty = bytes.iter().any(|byte| *byte != 0);
            let line = self.push("padding", offset, u64::from(slot.size), Kind::Padding);
            if dirty {
                "not zero".clone_into(&mut line.value);
            }
            return;
        };
        let name = format!("{prefix}{}", slot.name);
        let count = view.elements(slot);
        if matches!(field.ty, Type::Char) {
            let bytes = view.slot_bytes(slot).unwrap_or_default();
            let line = self.push(name, offset, bytes.len() as u64, Kind::Field);
            line.value = quoted(bytes);
            line.doc = field.doc;
        } else if matches!(field.ty, Type::U8) && !matches!(field.count, Count::One) {
            let bytes = view.slot_bytes(slot).unwrap_or_default();
            let line = self.push(name, offset, bytes.len() as u64, Kind::Field);
            line.value = brief_bytes(bytes);
            if is_texty(bytes) {
                line.meaning = quoted(bytes);
            }
            line.doc = field.doc;
        } else if slot.inner.is_some() {
            self.nested(view, slot, offset, &name, count);
        } else if matches!(field.count, Count::One) {
            self.value(view, slot, 0, offset, name);
        } else if count <= EXPANDED {
            for i in 0..count {
                let name = match field.elements.get(i as usize) {
                    Some(element) => format!("{prefix}{element}"),
                    None => format!("{name}[{i}]"),
                };
                self.value(view, slot, i, offset + u64::from(i * slot.element), name);
            }
        } else {
            let line = self.push(name, offset, u64::from(count * slot.element), Kind::Field);
            line.value = format!("{count} values");
            line.doc = field.doc;
        }
    }

    fn nested(&mut self, view: &View, slot: &Slot, offset: u64, name: &str, count: u32) {
        for i in 0..count.min(EXPANDED) {
            let at = offset + u64::from(i) * u64::from(slot.element);
            if let (Some(inner), Some(Layout { slots, .. })) =
                (view.nested(slot, i), slot.inner.as_deref())
            {
                let prefix = format!("{name}[{i}].");
                for slot in slots {
                    self.slot(&inner, slot, at, &prefix);
                }
            }
        }
        if count > EXPANDED {
            let skip = u64::from(EXPANDED) * u64::from(slot.element);
            let all = u64::from(count) * u64::from(slot.element);
            let line = self.push(
                format!("{name}[{EXPANDED}..{count}]"),
                offset + skip,
                all - skip,
                Kind::Field,
            );
            line.value = format!("{} more", count - EXPANDED);
        }
    }

    fn value(&mut self, view: &View, slot: &Slot, index: u32, offset: u64, name: String) {
        let Some(field) = slot.field else { return };
        let value = view.element(slot, index);
        let (number, words) = value.map_or(("cut off".to_owned(), String::new()), |value| {
            worded(slot, value, view)
        });
        let target = value
            .filter(|value| *value != 0)
            .and_then(|value| match field.meaning {
                Meaning::Ref(_) => i32::try_from(value.cast_signed()).ok().map(Target::Object),
                Meaning::Address => Some(Target::Address(value)),
                _ if field.name == "uregs" && index < 16 => Some(Target::Address(value)),
                _ => None,
            });
        let line = self.push(name, offset, u64::from(slot.element), Kind::Field);
        line.value = number;
        line.meaning = words;
        line.doc = field.doc;
        line.target = target;
    }

    fn payload(&mut self, from: u64) {
        let record = self.record;
        let word = u64::from(record.tables.dialect.abi.arch.word_size());
        if let Role::Pages { .. } = record.role {
            let pages = record.num_pages();
            let addresses = (pages * word).min(record.len - from);
            let order = record.tables.dialect.abi.order;
            let at = |i: u64| {
                let start = usize::try_from(from + i * word).ok()?;
                let bytes = record
                    .bytes
                    .get(start..)?
                    .get(..usize::try_from(word).ok()?)?;
                Some(read_uint(bytes, order))
            };
            let line = self.push("addresses", from, addresses, Kind::Payload);
            line.value = format!("{pages} words");
            line.target = at(0).map(Target::Address);
            if let (Some(first), Some(last)) = (at(0), at(pages.saturating_sub(1))) {
                line.meaning = format!("{first:#010x} to {last:#010x}");
            }
            line.doc = "Addresses of the pages, ascending";
            self.rest(from + addresses, Kind::Payload, "contents");
            return;
        }
        let payload = record
            .tables
            .by_number(record.number())
            .is_some_and(|r| r.record.payload);
        let kind = if payload || record.tag() == Some(Tag::SocketFrag) {
            Kind::Payload
        } else {
            Kind::Gap
        };
        let name = match (kind, record.role.name()) {
            (Kind::Gap, _) => "beyond the structure",
            (_, "") => "contents",
            (_, role) => role,
        };
        self.rest(from, kind, name);
    }

    fn rest(&mut self, from: u64, kind: Kind, name: &str) {
        let bytes = self
            .record
            .bytes
            .get(usize::try_from(from).unwrap_or(usize::MAX)..);
        let bytes = bytes.unwrap_or_default();
        let len = self.record.len.saturating_sub(from);
        let texty = is_text(self.record.role) || is_texty(bytes);
        let line = self.push(name, from, len, kind);
        line.value = count(len, "byte");
        if texty {
            line.meaning = quoted(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ckpt_parser::decoder::{Decoder, Options};
    use ckpt_parser::source::SliceSource;

    /// Fields, padding and payload cover each record of the samples from end to end.
    #[test]
    fn fields_tile_every_record() {
        for sample in ckpt_samples::all()
            .iter()
            .filter(|sample| sample.damage.is_none())
        {
            let bytes = (sample.bytes)();
            let mut decoder =
                Decoder::new(SliceSource(bytes.as_slice()), Options::default()).unwrap();
            let (tables, page_size) = (decoder.tables().clone(), decoder.detection().page_size);
            while let Some(event) = decoder.next() {
                let event = event.unwrap();
                let [start, end] =
                    [event.frame.offset, event.frame.end()].map(|at| usize::try_from(at).unwrap());
                let record = Record {
                    tables: &tables,
                    page_size,
                    bytes: &bytes[start..end],
                    len: (end - start) as u64,
                    role: event.role(),
                };
                let mut at = 0;
                for field in record.detail().fields {
                    assert!(
                        field.offset <= at,
                        "{} record {} {}",
                        sample.name,
                        event.index,
                        field.name
                    );
                    at = at.max(field.offset + field.len);
                }
                assert_eq!(at, record.len, "{} record {}", sample.name, event.index);
                assert!(!record.summary().chars().any(char::is_control));
            }
        }
    }
}
