//! The generated Kaitai Struct specification, read by Kaitai's own compiler and runtime, against
//! our tables: every field of every record, its name, offset, size and value.
//!
//! Images: every sample, and for each dialect and byte order a made-up one that holds every record
//! in every variant. Needs Node.js; the packages come from `tests/kaitai/package-lock.json`.

use ckpt_format::dialect::{Abi, Arch, Dialect, Order, Revision};
use ckpt_format::layout::{Layout, RecordLayout, Slot, Tables};
use ckpt_format::schema::{Count, Type};
use ckpt_format::{Tag, enums};
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// An image with what Kaitai must be told about it.
struct Case {
    name: String,
    dialect: Dialect,
    page_size: usize,
    damaged: bool,
    bytes: Vec<u8>,
}

#[test]
fn kaitai_reads_the_same_fields_as_our_tables() {
    let mut cases = samples();
    assert!(cases.len() >= 18, "samples are missing");
    cases.extend(made_up_images());
    let answers = parse_with_kaitai(&cases);
    assert_eq!(answers.len(), cases.len());
    let mut records = 0;
    for (case, answer) in cases.iter().zip(&answers) {
        records += compare(case, answer);
    }
    println!("{} images, {records} records agree", cases.len());
    assert!(records > 20_000, "only {records} records were compared");
}

// --- images ----------------------------------------------------------------------------------

fn samples() -> Vec<Case> {
    let case = |sample: &ckpt_samples::Sample| {
        let bytes = (sample.bytes)();
        let abi = Abi {
            arch: Arch::parse(sample.arch).unwrap(),
            order: if sample.big_endian {
                Order::Big
            } else {
                Order::Little
            },
            old_abi: sample.name.starts_with("oabi"),
        };
        let revision = Revision::parse(sample.revision).unwrap();
        Case {
            name: sample.name.into(),
            dialect: Dialect { revision, abi },
            page_size: if sample.about.contains("64 KiB pages") {
                65536
            } else {
                4096
            },
            damaged: sample.damage.is_some(),
            bytes,
        }
    };
    ckpt_samples::all().iter().map(case).collect()
}

/// Revisions × machines × byte orders.
fn made_up_images() -> Vec<Case> {
    let mut cases = Vec::new();
    for revision in Revision::all() {
        for arch in Arch::ALL {
            for order in [Order::Little, Order::Big] {
                for old_abi in [false, true] {
                    if old_abi && arch != Arch::Arm {
                        continue;
                    }
                    let abi = Abi {
                        arch,
                        order,
                        old_abi,
                    };
                    cases.push(made_up(Dialect { revision, abi }));
                }
            }
        }
    }
    assert_eq!(cases.len(), 18 * 7 * 2);
    cases
}

/// Page size of the made-up images: small, for there are many.
const TINY_PAGE: usize = 24;

fn made_up(dialect: Dialect) -> Case {
    let tables = Tables::new(dialect);
    let mut image = Image {
        dialect,
        bytes: Vec::new(),
        noise: 0x9e37_79b9,
    };
    let header = tables.by_tag(Tag::Header).unwrap();
    let order: Vec<_> = std::iter::once(header)
        .chain(
            tables
                .records()
                .filter(|r| !matches!(r.tag(), Tag::Header | Tag::Tail)),
        )
        .collect();
    for record in order {
        let word = |variant: Option<u32>| (record.record.selector, variant.unwrap_or(0x0001_2345));
        for (variant, layout) in record.variants() {
            image.record(record.number, layout, word(variant));
            if record.tag() == Tag::SocketFrag {
                image.noise(TINY_PAGE);
            }
        }
        if record.variants().next().is_none() {
            image.unknown(record.number);
        }
    }
    for number in [0, 8, 111, 118, 201, 203, 308, 404, 405, 451, 706, 5555] {
        if tables.by_number(number).is_none() {
            image.unknown(number);
        }
    }
    let tail = tables.by_tag(Tag::Tail).unwrap();
    image.record(tail.number, tail.single().unwrap(), (None, 0));
    Case {
        name: format!("made-up {dialect}"),
        dialect,
        page_size: TINY_PAGE,
        damaged: false,
        bytes: image.bytes,
    }
}

/// An image of noise in which only lengths, counters and selecting words make sense.
struct Image {
    dialect: Dialect,
    bytes: Vec<u8>,
    noise: u32,
}

impl Image {
    fn noise(&mut self, len: usize) {
        for _ in 0..len {
            self.noise = self
                .noise
                .wrapping_mul(1_664_525)
                .wrapping_add(1_013_904_223);
            self.bytes.push(self.noise.to_be_bytes()[0]);
        }
    }
    fn put(&mut self, at: usize, value: u32) {
        let four = match self.dialect.abi.order {
            Order::Little => value.to_le_bytes(),
            Order::Big => value.to_be_bytes(),
        };
        self.bytes[at..at + 4].copy_from_slice(&four);
    }
    fn start(&mut self, number: u32, len: usize) -> usize {
        let start = self.bytes.len();
        self.noise(len);
        self.put(start, number);
        self.put(start + 4, u32::try_from(len).unwrap());
        start
    }
    fn unknown(&mut self, number: u32) {
        self.start(number, 29);
    }
    fn record(&mut self, number: u32, layout: &Layout, selector: (Option<u8>, u32)) {
        const ELEMENTS: u32 = 3;
        let more = layout.tail().map_or(0, |tail| tail.element * ELEMENTS);
        let len = (layout.size + more) as usize;
        let start = self.start(number, len);
        if let (Some(at), value) = selector
            && len >= usize::from(at) + 4
        {
            self.put(start + usize::from(at), value);
        }
        if let Some(Count::By(counter)) =
            layout.tail().and_then(|t| t.field).map(|field| field.count)
        {
            let at = layout.named(counter).unwrap().offset as usize;
            self.put(start + at, ELEMENTS);
        }
        if start == 0 {
            // The magic number tells the byte order.
            let (low, high) = (0xc0a2_d200, 0x00fe_ed0c);
            let [first, second] = match self.dialect.abi.order {
                Order::Little => [low, high],
                Order::Big => [high, low],
            };
            self.put(8, first);
            self.put(12, second);
        }
    }
}

// --- Kaitai ----------------------------------------------------------------------------------

fn kaitai_directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("kaitai")
}

/// Installs the locked packages unless they are there.
fn install(directory: &Path) {
    if directory
        .join("node_modules/kaitai-struct-compiler")
        .is_dir()
    {
        return;
    }
    let status = Command::new("npm")
        .args(["ci", "--no-audit", "--no-fund", "--loglevel=error"])
        .current_dir(directory)
        .status();
    let done = status.as_ref().is_ok_and(std::process::ExitStatus::success);
    assert!(
        done,
        "this test needs Node.js with npm, and the packages of tests/kaitai: {status:?}"
    );
}

/// The lines of each image.
fn parse_with_kaitai(cases: &[Case]) -> Vec<Vec<Value>> {
    let directory = kaitai_directory();
    install(&directory);
    let images = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kaitai");
    fs::create_dir_all(&images).unwrap();
    let mut jobs = String::new();
    for (i, case) in cases.iter().enumerate() {
        let file = images.join(format!("{i}.ckpt"));
        fs::write(&file, &case.bytes).unwrap();
        let Abi { arch, old_abi, .. } = case.dialect.abi;
        let job = json!({
            "file": file,
            "revision": case.dialect.revision.number(),
            "arch": enums::ARCH_ID.number_of(arch.name(), Revision::LAST, arch),
            "old_abi": old_abi,
            "page_size": case.page_size,
        });
        jobs += &job.to_string();
        jobs.push('\n');
    }
    let jobs_file = images.join("jobs");
    fs::File::create(&jobs_file)
        .unwrap()
        .write_all(jobs.as_bytes())
        .unwrap();
    let output = Command::new("node")
        .arg(directory.join("dump.mjs"))
        .arg(directory.join("../../format-spec/linux_cr.ksy"))
        .stdin(fs::File::open(&jobs_file).unwrap())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .output()
        .expect("this test needs Node.js");
    assert!(output.status.success(), "the Kaitai parser failed");
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    lines
        .split_inclusive(|line| line.get("end").is_some())
        .map(<[Value]>::to_vec)
        .collect()
}

// --- comparison ------------------------------------------------------------------------------

/// Compares an image with what Kaitai saw; returns the number of records.
fn compare(case: &Case, answer: &[Value]) -> usize {
    let (end, records) = answer.split_last().unwrap();
    let tables = Tables::new(case.dialect);
    let mut offset = 0;
    for record in records {
        offset = compare_record(case, &tables, offset, record);
    }
    if !case.damaged {
        let rest = case.bytes.len() - offset;
        assert_eq!(
            end,
            &json!({"end": records.len(), "error": null, "trailing": rest}),
            "{}",
            case.name
        );
        assert_eq!(rest, 0, "{}: stopped at {offset:#x}", case.name);
    }
    records.len()
}

fn compare_record(case: &Case, tables: &Tables, offset: usize, record: &Value) -> usize {
    let reader = Reader {
        order: case.dialect.abi.order,
        bytes: &case.bytes[offset..],
    };
    let (number, len) = (reader.unsigned(0, 4), reader.unsigned(4, 4));
    let (number, len) = (
        u32::try_from(number).unwrap(),
        usize::try_from(len).unwrap(),
    );
    let reader = Reader {
        bytes: &reader.bytes[..len],
        ..reader
    };
    let tag = tables.by_number(number).map(RecordLayout::tag);
    let frag = tag == Some(Tag::SocketFrag);
    let raw_page = if frag { case.page_size } else { 0 };
    let layout = tables.layout_of(number, reader.bytes);
    let fields = match layout {
        Some(layout) => reader.fields(layout, 8, true),
        None => json!(hex(&reader.bytes[8..])),
    };
    let whole = json!({"offset": offset, "type": number, "len": len, "raw_page": raw_page, "fields": fields});
    for (key, ours) in whole.as_object().unwrap() {
        assert_eq!(
            &record[key],
            ours,
            "{} at {offset:#x}, {}: {key}",
            case.name,
            tag.map_or("unknown", Tag::name)
        );
    }
    if let (Some(tag), Some(_)) = (tag, layout) {
        assert_eq!(record["tag"], tag.name(), "{} at {offset:#x}", case.name);
    }
    offset + len + raw_page
}

fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap();
    let pair = |byte: &u8| [digit(byte >> 4), digit(byte & 15)];
    bytes.iter().flat_map(pair).collect()
}

/// Reads values where a layout says they are.
struct Reader<'a> {
    order: Order,
    bytes: &'a [u8],
}

impl Reader<'_> {
    fn unsigned(&self, at: usize, size: usize) -> u64 {
        self.ordered(at, size, self.order)
    }
    fn ordered(&self, at: usize, size: usize, order: Order) -> u64 {
        let fold = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        let bytes = &self.bytes[at..at + size];
        match order {
            Order::Big => bytes.iter().fold(0, fold),
            Order::Little => bytes.iter().rev().fold(0, fold),
        }
    }
    /// The fields of a structure at the start of the bytes: holes too, then overlays.
    fn fields(&self, layout: &Layout, base: usize, record: bool) -> Value {
        let mut list = Vec::new();
        let mut end = base;
        for slot in layout.slots.iter().filter(|slot| !slot.overlay) {
            let field = self.field(slot, layout, base);
            end = slot.offset as usize + usize::try_from(field[2].as_u64().unwrap()).unwrap();
            list.push(field);
        }
        let open = layout.slots.last().is_some_and(|slot| {
            let kind = slot.field.map(|field| field.ty);
            slot.is_flexible() && matches!(kind, Some(Type::U8 | Type::Char))
        });
        if record && !open {
            let rest = &self.bytes[end..];
            list.push(json!(["trailing", end - base, rest.len(), hex(rest)]));
        }
        let overlays = layout.slots.iter().filter(|slot| slot.overlay);
        list.extend(overlays.map(|slot| self.field(slot, layout, base)));
        list.into()
    }
    fn field(&self, slot: &Slot, layout: &Layout, base: usize) -> Value {
        let at = slot.offset as usize;
        let Some(field) = slot.field else {
            let hole = &self.bytes[at..at + slot.size as usize];
            return json!(["", at - base, hole.len(), hex(hole)]);
        };
        let counter = match field.count {
            Count::By(name) => {
                let counter = layout.named(name).unwrap();
                Some(self.unsigned(counter.offset as usize, counter.size as usize))
            }
            _ => None,
        };
        let len = u32::try_from(self.bytes.len()).unwrap();
        let elements = slot.elements(len, counter) as usize;
        let element = slot.element as usize;
        let size = elements * element;
        let bytes = matches!(field.ty, Type::U8 | Type::Char) && field.count != Count::One;
        let value = if bytes {
            json!(hex(&self.bytes[at..at + size]))
        } else if field.count == Count::One {
            self.value(slot, at)
        } else {
            (0..elements)
                .map(|i| self.value(slot, at + i * element))
                .collect()
        };
        json!([*slot.name, at - base, size, value])
    }
    fn value(&self, slot: &Slot, at: usize) -> Value {
        if let Some(inner) = &slot.inner {
            let here = Reader {
                order: self.order,
                bytes: &self.bytes[at..at + inner.size as usize],
            };
            return here.fields(inner, 0, false);
        }
        let size = slot.element as usize;
        let text = match slot.field.unwrap().ty {
            Type::I16 | Type::I32 | Type::I64 => {
                let unused = 64 - 8 * slot.element;
                ((self.unsigned(at, size) << unused).cast_signed() >> unused).to_string()
            }
            Type::Le16 => self.ordered(at, size, Order::Little).to_string(),
            Type::Be16 | Type::Be32 => self.ordered(at, size, Order::Big).to_string(),
            _ => self.unsigned(at, size).to_string(),
        };
        json!(text)
    }
}
