//! Page maps: which runs of pages a pages file holds, in its order. Decoded by hand, since there can be very many.

use std::io::{self, Write};

use super::{
    image::{self, MAX_FILE},
    schema::{COMMON_MAGIC, Kind},
    wire::{Field, fields, numbers, push_varint, varint},
};
use crate::{
    Error, Result,
    bytes::{Blob, Fields, Order},
};

/// Bytes in a page on every machine that the bridge understands.
pub const PAGE: u64 = 4096;
/// The pages are in the parent set.
pub const PARENT: u32 = 1;
/// The pages may be restored on demand.
pub const LAZY: u32 = 2;
/// The pages are in the pages file. Without it a run takes no space there.
pub const PRESENT: u32 = 4;
/// Largest block of compressed pages, in pages (4 MiB).
const MAX_BLOCK_PAGES: u64 = 1024;

/// A run of pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// First address; the index of the first page times the page size in shared segments.
    pub addr: u64,
    /// Number of pages.
    pub pages: u64,
    /// [`PARENT`], [`LAZY`], [`PRESENT`].
    pub flags: u32,
    /// Sizes of the compressed blocks, if the pages are compressed.
    pub blocks: Option<Box<Blocks>>,
}

/// Compressed pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocks {
    /// Stored bytes of each block: 0 for zeros, the full size for bytes as they are, else LZ4.
    pub sizes: Vec<u32>,
    /// Pages in each block; the last may have fewer.
    pub pages: u64,
}

impl Run {
    /// Bytes of memory.
    pub fn len(&self) -> u64 {
        self.pages.saturating_mul(PAGE)
    }

    /// Whether the run has no page.
    pub fn is_empty(&self) -> bool {
        self.pages == 0
    }

    /// Whether its pages, if they are compressed, can be unpacked from the pages file, where they begin at `at`.
    fn unpacks(&self, pages: Option<&Blob>, at: u64) -> Result<()> {
        match (&self.blocks, pages) {
            (Some(blocks), Some(file)) => blocks.unpack(file, at, self.pages, |_| Ok(())),
            _ => Ok(()),
        }
    }

    /// Bytes that the run takes in the pages file.
    pub fn stored(&self) -> u64 {
        match &self.blocks {
            _ if self.flags & PRESENT == 0 => 0,
            Some(blocks) => blocks.sizes.iter().map(|&s| u64::from(s)).sum(),
            None => self.len(),
        }
    }
}

/// The entries of one page map, decoded as they are asked for.
pub struct Pagemap {
    /// Number of the pages file.
    pub pages_id: u32,
    name: String,
    data: Vec<u8>,
    at: usize,
    end: u64,
}

impl Pagemap {
    /// Opens a page map.
    pub fn open(file: &Blob) -> Result<Self> {
        let head = image::head(file)?.filter(|h| h.kind.name == "PAGEMAP");
        let start = head
            .ok_or_else(|| Error::damaged(&file.name, 0, "magic number", "another", "PAGEMAP"))?
            .len;
        let data = file.read_all(MAX_FILE)?;
        let at = usize::try_from(start).unwrap_or(8);
        let mut map = Self {
            pages_id: 0,
            name: file.name.clone(),
            data,
            at,
            end: 0,
        };
        let head = next_message(&map.name, &map.data, &mut map.at)?;
        let head =
            head.ok_or_else(|| Error::damaged(&file.name, start, "page map", "no head", "a head"))?;
        let id = fields(head)
            .flatten()
            .find_map(|f| (f.number == 1).then_some(f.value));
        map.pages_id = id.and_then(|v| u32::try_from(v).ok()).ok_or_else(|| {
            Error::damaged(&file.name, start, "page map", "no pages_id", "a head")
        })?;
        Ok(map)
    }

    fn run(&mut self) -> Result<Option<Run>> {
        let at = self.at as u64;
        let Some(bytes) = next_message(&self.name, &self.data, &mut self.at)? else {
            return Ok(None);
        };
        let cut = |()| {
            Error::damaged(
                &self.name,
                at,
                "page map entry",
                "a field that does not end",
                "a message",
            )
        };
        let [_, addr, old, in_parent, flags, new, _, _, region] = numbers(bytes).map_err(cut)?;
        let compressed = fields(bytes).flatten().any(|field| field.number == 6);
        let bad = |what: &str, found: u64, expected: &str| {
            Error::damaged(&self.name, at, what, found, expected)
        };
        let addr = addr.ok_or_else(|| bad("page map entry", 0, "an address"))?;
        // 4.2 moved the count: field 2 is 0 when field 5 is there, unless the writer wants to be read by everybody.
        let pages = new
            .or(old)
            .ok_or_else(|| bad("page map entry", 0, "a number of pages"))?;
        if old.is_some_and(|old| old != 0 && old != pages & 0xffff_ffff) {
            return Err(bad(
                "number of pages in field 5",
                pages,
                "the one in field 2, or 0 there",
            ));
        }
        let flags = match (in_parent, flags) {
            (Some(1), _) => PARENT,
            (_, Some(flags)) => u32::try_from(flags).unwrap_or(u32::MAX),
            _ => PRESENT,
        };
        if flags & !(PARENT | LAZY | PRESENT) != 0 {
            return Err(Error::Unsupported(format!(
                "{}, at {at:#x}: pages with flags {flags:#x} are not understood",
                self.name
            )));
        }
        let end = pages
            .checked_mul(PAGE)
            .and_then(|len| addr.checked_add(len));
        if addr % PAGE != 0 || addr < self.end || end.is_none() {
            return Err(bad(
                "first address of a run",
                addr,
                "a page behind the run before",
            ));
        }
        let blocks = compressed
            .then(|| Blocks::of(bytes, region, pages))
            .transpose()
            .map_err(|why| {
                Error::damaged(&self.name, at, "compressed pages", why, "their blocks")
            })?;
        self.end = end.unwrap_or(addr);
        Ok(Some(Run {
            addr,
            pages,
            flags,
            blocks: blocks.map(Box::new),
        }))
    }
}

impl Iterator for Pagemap {
    type Item = Result<Run>;

    fn next(&mut self) -> Option<Self::Item> {
        let run = self.run().transpose();
        if matches!(run, Some(Err(_))) {
            self.at = self.data.len();
        }
        run
    }
}

/// What of a page map is intact.
pub struct Intact {
    /// The page map, without what is not.
    pub map: Vec<u8>,
    /// The parts of the pages file that it still tells of.
    pub pages: Vec<Blob>,
    /// What is wrong with the rest.
    pub errors: Vec<Error>,
}

/// Reads what of a page map is intact, where `pages` is its pages file and `parent` says whether there is a set to
/// inherit from.
pub fn intact(file: &Blob, pages: Option<&Blob>, parent: bool) -> Result<Intact> {
    let mut map = Pagemap::open(file)?;
    let mut out = map.data.get(..map.at).unwrap_or_default().to_vec();
    let (mut errors, mut stored, mut parts) = (Vec::new(), 0, Vec::new());
    let part = |at, len| pages.map(|pages| pages.part(at, len));
    let there = pages.map_or(0, Blob::len);
    loop {
        let start = map.at;
        let run = match map.run() {
            Ok(Some(run)) => run,
            Ok(None) => break,
            // How many pages the entry has is unknown, so nobody knows where those of the next ones lie.
            Err(error) => {
                errors.push(error);
                break;
            }
        };
        let end = stored + run.stored();
        let what = format!("pages of {:#x}", run.addr);
        let name = format!("pages-{}.img", map.pages_id);
        if run.flags & PARENT != 0 && !parent {
            let found = "no parent";
            errors.push(Error::damaged(&map.name, start as u64, what, found, "one"));
        } else if end > there {
            let found = format!("end of file at {there:#x}");
            let expected = format!("{} bytes", run.stored());
            errors.push(Error::damaged(name, stored, what, found, expected));
            let whole = there.saturating_sub(stored) / PAGE;
            if run.blocks.is_none() && whole > 0 {
                let mut last = Writer { out };
                last.run(run.addr, whole, run.flags);
                out = last.finish();
                parts.extend(part(stored, whole * PAGE));
            }
            break;
        } else if let Err(error) = run.unpacks(pages, stored) {
            errors.push(error);
        } else {
            out.extend(map.data.get(start..map.at).unwrap_or_default());
            parts.extend(part(stored, run.stored()));
        }
        stored = end;
    }
    Ok(Intact {
        map: out,
        pages: parts,
        errors,
    })
}

/// The versions of CRIU that write a page map like this one: 4.2 moved the count of an entry. `None` if it does not
/// tell.
pub fn versions(file: &Blob) -> Result<Option<&'static str>> {
    let mut map = Pagemap::open(file)?;
    let Some(entry) = next_message(&map.name, &map.data, &mut map.at)? else {
        return Ok(None);
    };
    let counts = |number: u64| {
        let mut fields = fields(entry).flatten();
        fields.any(|field| field.number == number && field.value != 0)
    };
    Ok(match (counts(2), counts(5)) {
        (true, false) => Some("before 4.2"),
        (false, true) => Some("4.2 or later"),
        _ => None,
    })
}

/// A page map without its entries: what is left to say which pages file it has.
pub fn head_alone(file: &Blob) -> Result<Vec<u8>> {
    let head = image::head(file)?.map_or(8, |head| head.len);
    let (_, end) = image::message(file, head, "pagemap_head")?;
    file.read(0, end, end)
}

impl Blocks {
    /// The blocks of an entry in either of the two encodings (see `pagemap_blocks` in `memory.proto`).
    fn of(entry: &[u8], region: Option<u64>, pages: u64) -> Result<Self, String> {
        let mut blocks = Self {
            sizes: Vec::new(),
            pages: 1,
        };
        for field in fields(entry).flatten().filter(|f| f.number == 6) {
            match field.bytes {
                None => blocks
                    .sizes
                    .push(u32::try_from(field.value).map_err(|_| "a size above 4 GiB")?),
                Some(bytes) => blocks.message(bytes)?,
            }
        }
        blocks.pages = region.filter(|&r| r > 0).unwrap_or(blocks.pages);
        if blocks.pages == 0 || blocks.pages > MAX_BLOCK_PAGES {
            return Err(format!("{} pages in a block", blocks.pages));
        }
        if blocks.sizes.len() as u64 != pages.div_ceil(blocks.pages) {
            return Err(format!(
                "{} blocks of {} pages for {pages} pages",
                blocks.sizes.len(),
                blocks.pages
            ));
        }
        Ok(blocks)
    }

    fn message(&mut self, mut bytes: &[u8]) -> Result<(), String> {
        while !bytes.is_empty() {
            let field = Field::take(&mut bytes).ok_or("a field that does not end")?;
            match (field.number, field.bytes) {
                (1, Some(mut packed)) => {
                    while !packed.is_empty() {
                        let size = varint(&mut packed).and_then(|v| u32::try_from(v).ok());
                        self.sizes.push(size.ok_or("a size above 4 GiB")?);
                    }
                }
                (1, None) => self
                    .sizes
                    .push(u32::try_from(field.value).map_err(|_| "a size above 4 GiB")?),
                (2, _) => {}
                (3, _) => self.pages = field.value,
                (number, _) => return Err(format!("field {number}, which is not understood")),
            }
        }
        Ok(())
    }

    /// Decompresses all blocks, which hold so many pages and begin at `at` of a pages file, one after the other.
    pub fn unpack(
        &self,
        file: &Blob,
        mut at: u64,
        mut pages: u64,
        mut done: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        for &size in &self.sizes {
            let count = pages.min(self.pages);
            pages -= count;
            let mut block = vec![0; usize::try_from(count * PAGE).unwrap_or(0)];
            let stored = file.read(at, size.into(), block.len() as u64)?;
            Self::decompress(&stored, &mut block).map_err(|why| {
                let expected = format!("{count} pages");
                Error::damaged(&file.name, at, "compressed pages", why, expected)
            })?;
            done(&block)?;
            at += u64::from(size);
        }
        Ok(())
    }

    /// Decompresses the block `stored` into `out`, whose length is the block's.
    fn decompress(stored: &[u8], out: &mut [u8]) -> Result<(), String> {
        if stored.is_empty() {
            out.fill(0);
        } else if stored.len() == out.len() {
            out.copy_from_slice(stored);
        } else {
            let n = lz4_flex::block::decompress_into(stored, out).map_err(|e| e.to_string())?;
            if n != out.len() {
                return Err(format!("{n} bytes"));
            }
        }
        Ok(())
    }
}

/// The bytes of the message at `at`, which moves behind it; `None` at the end.
fn next_message<'a>(name: &str, data: &'a [u8], at: &mut usize) -> Result<Option<&'a [u8]>> {
    if *at >= data.len() {
        return Ok(None);
    }
    let start = *at;
    let bad = |why: &str| Error::damaged(name, start as u64, "page map entry", why, "a message");
    let whole = Fields {
        data,
        order: Order::Little,
    };
    let size = whole.u32(start).ok_or_else(|| bad("end of file"))? as usize;
    let bytes = whole
        .bytes(start + 4, size)
        .ok_or_else(|| bad("a length beyond the file"))?;
    *at = start + 4 + size;
    Ok(Some(bytes))
}

/// Writes page maps. The count goes into both of its fields, so that every version reads it.
pub struct Writer {
    out: Vec<u8>,
}

impl Writer {
    /// A page map for the pages file with this number.
    pub fn new(pages_id: u32) -> Self {
        let magic = Kind::by_name("PAGEMAP").map_or(0, |k| k.magic);
        let mut writer = Self { out: Vec::new() };
        writer.out.extend(COMMON_MAGIC.to_le_bytes());
        writer.out.extend(magic.to_le_bytes());
        writer.message(&[(1, pages_id.into())]);
        writer
    }

    /// Adds a run of pages.
    pub fn run(&mut self, addr: u64, pages: u64, flags: u32) {
        self.message(&[
            (1, addr),
            (2, pages & 0xffff_ffff),
            (4, flags.into()),
            (5, pages),
        ]);
    }

    /// The file.
    pub fn finish(self) -> Vec<u8> {
        self.out
    }

    fn message(&mut self, fields: &[(u64, u64)]) {
        let start = self.out.len();
        self.out.extend([0; 4]);
        for &(number, value) in fields {
            push_varint(&mut self.out, number << 3);
            push_varint(&mut self.out, value);
        }
        let len = u32::try_from(self.out.len() - start - 4).unwrap_or(0);
        if let Some(head) = self.out.get_mut(start..start + 4) {
            head.copy_from_slice(&len.to_le_bytes());
        }
    }
}

/// Writes a page map as JSON in the manner of `crit`, one entry a line.
pub fn write_json(map: Pagemap, out: &mut dyn Write) -> Result<()> {
    const FLAGS: [&str; 8] = [
        "",
        "PE_PARENT",
        "PE_LAZY",
        "PE_PARENT | PE_LAZY",
        "PE_PRESENT",
        "PE_PARENT | PE_PRESENT",
        "PE_LAZY | PE_PRESENT",
        "PE_PARENT | PE_LAZY | PE_PRESENT",
    ];
    let fail = |e: io::Error| Error::io("writing JSON", e);
    let mut line = format!(
        "{{\"magic\": \"PAGEMAP\", \"entries\": [\n{{\"pages_id\": {}}}",
        map.pages_id
    )
    .into_bytes();
    let mut decimal = itoa::Buffer::new();
    for run in map {
        let run = run?;
        line.extend_from_slice(b",\n{\"vaddr\": \"0x");
        push_hex(&mut line, run.addr);
        line.extend_from_slice(b"\", \"nr_pages\": ");
        line.extend_from_slice(decimal.format(run.pages).as_bytes());
        line.extend_from_slice(b", \"flags\": \"");
        line.extend_from_slice(FLAGS.get(run.flags as usize).unwrap_or(&"").as_bytes());
        line.extend_from_slice(b"\"}");
        if line.len() > 1 << 16 {
            out.write_all(&line).map_err(fail)?;
            line.clear();
        }
    }
    line.extend_from_slice(b"\n]}\n");
    out.write_all(&line).map_err(fail)
}

fn push_hex(out: &mut Vec<u8>, value: u64) {
    let digits = (u64::BITS - value.leading_zeros()).div_ceil(4).max(1);
    for i in (0..digits).rev() {
        let nibble = u8::try_from(value >> (4 * i) & 0xf).unwrap_or(0);
        out.push(if nibble < 10 {
            b'0' + nibble
        } else {
            b'a' - 10 + nibble
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::criu::Msg;

    fn file(entries: &[Vec<u8>]) -> Blob {
        let mut out = Writer::new(7).finish();
        for e in entries {
            out.extend(u32::try_from(e.len()).unwrap().to_le_bytes());
            out.extend(e);
        }
        Blob::new("pagemap-1.img", Arc::new(out))
    }

    fn entry(fields: &[(&str, u64)]) -> Vec<u8> {
        let mut m = Msg::new("pagemap_entry").unwrap();
        for (name, value) in fields {
            m.set(name, *value);
        }
        m.encode()
    }

    fn runs(file: &Blob) -> Vec<Run> {
        Pagemap::open(file).unwrap().collect::<Result<_>>().unwrap()
    }

    #[test]
    fn the_count_is_in_either_field() {
        let f = file(&[
            entry(&[("vaddr", 0x1000), ("compat_nr_pages", 2), ("flags", 4)]),
            entry(&[
                ("vaddr", 0x8000),
                ("compat_nr_pages", 0),
                ("flags", 6),
                ("nr_pages", 3),
            ]),
            entry(&[
                ("vaddr", 0x1_0000),
                ("compat_nr_pages", 1),
                ("in_parent", 1),
            ]),
            entry(&[("vaddr", 0x2_0000), ("compat_nr_pages", 5), ("flags", 2)]),
            entry(&[("vaddr", 0x3_0000), ("compat_nr_pages", 1)]),
        ]);
        let runs = runs(&f);
        let got: Vec<_> = runs
            .iter()
            .map(|r| (r.addr, r.pages, r.flags, r.stored()))
            .collect();
        assert_eq!(
            got,
            [
                (0x1000, 2, 4, 8192),
                (0x8000, 3, 6, 12288),
                (0x1_0000, 1, 1, 0),
                (0x2_0000, 5, 2, 0),
                (0x3_0000, 1, 4, 4096)
            ]
        );
    }

    #[test]
    fn what_is_written_is_read_by_everybody() {
        let mut w = Writer::new(7);
        w.run(0xffff_0000, 1, PRESENT | LAZY);
        let f = Blob::new("p", Arc::new(w.finish()));
        assert_eq!(
            runs(&f)[0],
            Run {
                addr: 0xffff_0000,
                pages: 1,
                flags: 6,
                blocks: None
            }
        );
        let bytes = f.read_all(1000).unwrap();
        let m = Msg::decode("pagemap_entry", &bytes[18..]).unwrap().unwrap();
        assert_eq!((m.u64("compat_nr_pages"), m.u64("nr_pages")), (1, 1));
        let mut json = Vec::new();
        write_json(Pagemap::open(&f).unwrap(), &mut json).unwrap();
        let v: serde_json::Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(v["entries"][1]["vaddr"], "0xffff0000");
        assert_eq!(v["entries"][1]["flags"], "PE_LAZY | PE_PRESENT");
    }

    #[test]
    fn both_encodings_of_compressed_blocks() {
        let mut old = entry(&[
            ("vaddr", 0x1000),
            ("compat_nr_pages", 0),
            ("flags", 4),
            ("nr_pages", 3),
        ]);
        for size in [0, 4096, 100] {
            push_varint(&mut old, 6 << 3);
            push_varint(&mut old, size);
        }
        let mut m = Msg::new("pagemap_entry").unwrap();
        m.set("vaddr", 0x9000)
            .set("compat_nr_pages", 0)
            .set("flags", 4)
            .set("nr_pages", 5);
        let mut b = Msg::new("pagemap_blocks").unwrap();
        b.set_numbers("block_sizes", [20, 30])
            .set("total_payload_size", 50)
            .set("pages_per_block", 4);
        m.set_sub("blocks", b);
        let runs = runs(&file(&[old, m.encode()]));
        assert_eq!(
            runs[0].blocks.as_deref(),
            Some(&Blocks {
                sizes: vec![0, 4096, 100],
                pages: 1
            })
        );
        assert_eq!(
            (runs[1].blocks.as_deref().unwrap().pages, runs[1].stored()),
            (4, 50)
        );
    }

    #[test]
    fn blocks_come_back() {
        let page: Vec<u8> = (0..8192_u32)
            .map(|i| u8::try_from(i % 7).unwrap())
            .collect();
        let packed = lz4_flex::block::compress(&page);
        let mut out = vec![0; page.len()];
        Blocks::decompress(&packed, &mut out).unwrap();
        assert_eq!(out, page);
        Blocks::decompress(&page, &mut out).unwrap();
        assert_eq!(out, page);
        Blocks::decompress(&[], &mut out).unwrap();
        assert!(out.iter().all(|&b| b == 0));
        assert!(Blocks::decompress(&packed[..10], &mut out).is_err());
        assert!(Blocks::decompress(&packed, &mut vec![0; 4096]).is_err());
    }

    #[test]
    fn nonsense_is_refused_with_its_place() {
        for (bad, word) in [
            (
                entry(&[("vaddr", 0x1001), ("compat_nr_pages", 1)]),
                "first address",
            ),
            (
                entry(&[("vaddr", 0x1000), ("compat_nr_pages", 3), ("nr_pages", 2)]),
                "field 5",
            ),
            (
                entry(&[("vaddr", 0xffff_ffff_ffff_f000), ("nr_pages", 2)]),
                "first address",
            ),
            (
                entry(&[("vaddr", 0x1000), ("nr_pages", 1), ("flags", 8)]),
                "flags 0x8",
            ),
            (entry(&[("vaddr", 0x1000)]), "number of pages"),
            (vec![0x08], "does not end"),
        ] {
            let text = Pagemap::open(&file(&[bad]))
                .unwrap()
                .next()
                .unwrap()
                .unwrap_err()
                .to_string();
            assert!(text.contains(word) && text.contains("at 0xe"), "{text}");
        }
    }
}
