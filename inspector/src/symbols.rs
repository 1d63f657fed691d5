//! Names for addresses: the symbols of the files that a process maps.
//!
//! They come from the files of the image's machine (`--sysroot`), which have all of them, else from
//! the memory of the process, where a loaded file keeps those that other files use.

use crate::sysroot;
use ckpt_format::{Arch, Order};
use ckpt_parser::memory::{Backing, Memory, spans};
use ckpt_parser::model::{Image, Mm, Vma, VmaKind};
use ckpt_parser::source::Source;
use ckpt_parser::text::escape;
use ckpt_parser::view::read_uint;
use object::{Object, ObjectSegment, ObjectSymbol, ReadCache, SymbolKind, SymbolSection};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// A symbol.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Symbol {
    addr: u64,
    /// Address behind its last byte.
    end: u64,
    /// Safe to show.
    name: Box<str>,
}

/// The symbols of an address space.
#[derive(Clone, Debug, Default)]
pub struct Symbols {
    /// By address; of those at the same address the most telling first.
    list: Vec<Symbol>,
}

/// Symbols of an address space that are kept.
const MOST: usize = 500_000;
/// Bytes of a table that are read from memory.
const MOST_TABLE: u64 = 8 << 20;
/// Characters of a name that are kept: C++ has long ones.
const LONGEST: usize = 200;

/// AT_ENTRY of the auxiliary vector.
const AT_ENTRY: u64 = 9;

impl Symbols {
    /// The symbols of an address space. What cannot be read has none.
    pub fn of<S: Source>(
        image: &Image,
        mm: &Mm,
        memory: &mut Memory<'_, S>,
        sysroot: Option<&Path>,
    ) -> Symbols {
        let mut found = Vec::new();
        let mut done = BTreeSet::new();
        for vma in &mm.vmas {
            if found.len() >= MOST || done.contains(&vma.file) {
                continue;
            }
            let symbols = sysroot
                .and_then(|root| of_file(image, mm, &vma, root))
                .or_else(|| in_memory(image, mm, &vma, memory));
            if let Some(symbols) = symbols {
                found.extend(symbols);
                if vma.file != 0 {
                    done.insert(vma.file);
                }
            }
        }
        if image.arch() == Arch::Arm && mm.vma_at(KUSER).is_some() {
            found.extend(kuser_helpers());
        }
        Symbols::new(found, mm)
    }

    fn new(mut list: Vec<Symbol>, mm: &Mm) -> Symbols {
        list.truncate(MOST);
        // Functions and objects have a size; labels that the assembler left have none.
        // Of several names of one function, people know the one without underscores.
        list.sort_by_cached_key(|symbol| {
            let private = symbol.name.starts_with('_');
            let len = std::cmp::Reverse(symbol.end);
            (symbol.addr, len, private, symbol.name.clone())
        });
        list.dedup();
        let mut next = u64::MAX;
        for i in (0..list.len()).rev() {
            let follows = list.get(i + 1).map_or(u64::MAX, |symbol| symbol.addr);
            let Some(symbol) = list.get_mut(i) else { break };
            if follows > symbol.addr {
                next = follows;
            }
            if symbol.end <= symbol.addr {
                let mapped = mm.vma_at(symbol.addr).map_or(symbol.addr, |vma| vma.end);
                symbol.end = next.min(mapped);
            }
        }
        Symbols { list }
    }

    /// The symbol that an address is in, and how far behind its start.
    pub fn at(&self, addr: u64) -> Option<(&str, u64)> {
        let after = self.list.partition_point(|symbol| symbol.addr <= addr);
        let start = self.list.get(after.checked_sub(1)?)?.addr;
        let first = self.list.partition_point(|symbol| symbol.addr < start);
        let symbol = self.list.get(first)?;
        (addr < symbol.end).then(|| (&*symbol.name, addr - symbol.addr))
    }
    /// The address of a name.
    pub fn find(&self, name: &str) -> Option<u64> {
        let is = |symbol: &&Symbol| &*symbol.name == name;
        self.list.iter().find(is).map(|symbol| symbol.addr)
    }
    /// Names that begin like this.
    pub fn starting<'a>(&'a self, begin: &'a str) -> impl Iterator<Item = &'a str> {
        let names = self.list.iter().map(|symbol| &*symbol.name);
        names.filter(move |name| name.starts_with(begin))
    }
    /// Number of symbols.
    pub fn len(&self) -> usize {
        self.list.len()
    }
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

/// Where the kernel puts its helpers for user space (Documentation/arch/arm/kernel_user_helpers.rst).
const KUSER: u64 = 0xffff_0f60;

fn kuser_helpers() -> impl Iterator<Item = Symbol> {
    [
        (KUSER, 0x40, "__kuser_cmpxchg64"),
        (0xffff_0fa0, 0x20, "__kuser_memory_barrier"),
        (0xffff_0fc0, 0x20, "__kuser_cmpxchg"),
        (0xffff_0fe0, 0x1c, "__kuser_get_tls"),
        (0xffff_0ffc, 4, "__kuser_helper_version"),
    ]
    .into_iter()
    .map(|(addr, len, name)| Symbol {
        addr,
        end: addr + len,
        name: name.into(),
    })
}

/// A name as it is shown: without its version, without control characters.
fn shown(name: &[u8]) -> Box<str> {
    let plain = name.split(|byte| *byte == b'@').next().unwrap_or(name);
    let cut = plain.get(..LONGEST).unwrap_or(plain);
    escape(cut).into()
}

/// Names that mark code and data for tools, `$a`, `$t.12`, `$d`, and empty ones.
fn is_mark(name: &[u8]) -> bool {
    name.is_empty() || (name.starts_with(b"$") && name.len() < 8)
}

/// A file whose reads are made again when a signal ends them: [`ReadCache`] takes that for the end of a name.
struct Uninterrupted(File);

impl Read for Uninterrupted {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.read(buf) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                done => return done,
            }
        }
    }
}

impl Seek for Uninterrupted {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

/// Symbols of the file of a mapping. None if the file is not there, or is not the one that ran.
fn of_file(image: &Image, mm: &Mm, vma: &Vma, sysroot: &Path) -> Option<Vec<Symbol>> {
    let file = File::open(sysroot::find(image, vma.file, sysroot)?).ok()?;
    let cache = ReadCache::new(Uninterrupted(file));
    let file = object::File::parse(&cache).ok()?;
    let page = image.page_size().max(1);
    let at = vma.pgoff.saturating_mul(page);
    let segment = file.segments().find(|segment| {
        let (offset, len) = segment.file_range();
        offset / page * page <= at && at < offset.saturating_add(len)
    })?;
    let loaded = segment
        .address()
        .wrapping_add(at)
        .wrapping_sub(segment.file_range().0);
    let bias = vma.start.wrapping_sub(loaded);
    let entry = mm.auxv(AT_ENTRY).filter(|_| vma.file == mm.exe);
    if entry.is_some_and(|entry| entry != bias.wrapping_add(file.entry())) {
        return None;
    }
    let useful = |kind| {
        !matches!(
            kind,
            SymbolKind::File | SymbolKind::Section | SymbolKind::Tls
        )
    };
    let symbols = file.symbols().chain(file.dynamic_symbols());
    let placed = |section| matches!(section, SymbolSection::Section(_));
    let symbols = symbols.filter(|symbol| placed(symbol.section()) && useful(symbol.kind()));
    let symbols = symbols.filter_map(|symbol| {
        let name = symbol.name_bytes().ok().filter(|name| !is_mark(name))?;
        let thumb = image.arch() == Arch::Arm && symbol.kind() == SymbolKind::Text;
        let addr = symbol.address() & !u64::from(thumb);
        Some(moved(addr, symbol.size(), name, bias))
    });
    Some(symbols.take(MOST).collect())
}

fn moved(addr: u64, len: u64, name: &[u8], bias: u64) -> Symbol {
    let addr = addr.wrapping_add(bias);
    Symbol {
        addr,
        end: addr.saturating_add(len),
        name: shown(name),
    }
}

/// Symbols that a loaded file keeps in memory, if the mapping begins with one.
fn in_memory<S: Source>(
    image: &Image,
    mm: &Mm,
    vma: &Vma,
    memory: &mut Memory<'_, S>,
) -> Option<Vec<Symbol>> {
    let may_be = vma.pgoff == 0 && (vma.file != 0 || vma.kind == VmaKind::Vdso);
    if !may_be || image.arch().word_size() != 4 {
        return None;
    }
    let first = spans(image, mm, vma.start, vma.end).next()?;
    if !matches!(first.backing, Backing::Stored(_)) {
        return None;
    }
    let order = image.detection.dialect.abi.order;
    let read = |addr: u64, len: u64| {
        let len = usize::try_from(len.min(MOST_TABLE)).ok()?;
        memory.read_known(mm, addr, len).ok()?
    };
    Loaded { read, order }.symbols(vma.start)
}

/// An ELF file of 32 bits in the memory of a process (System V ABI, chapter 5).
struct Loaded<F> {
    read: F,
    order: Order,
}

/// Entries of a program header, and of the dynamic section, that are looked at.
const MOST_ENTRIES: u64 = 256;

impl<F: FnMut(u64, u64) -> Option<Vec<u8>>> Loaded<F> {
    fn number(&self, bytes: &[u8], at: usize, len: usize) -> Option<u64> {
        Some(read_uint(bytes.get(at..at + len)?, self.order))
    }

    fn symbols(mut self, start: u64) -> Option<Vec<Symbol>> {
        let header = (self.read)(start, 52)?;
        if !header.starts_with(b"\x7fELF\x01") {
            return None;
        }
        let (bias, dynamic) = self.segments(start, &header)?;
        let of = |kind: u64| {
            let is = |(tag, _): &&(u64, u64)| *tag == kind;
            dynamic.iter().find(is).map(|(_, value)| *value)
        };
        // The loader writes addresses over the numbers of the file; the kernel's vdso has none.
        let here = |value: u64| {
            if value < bias {
                value.wrapping_add(bias) & 0xffff_ffff
            } else {
                value
            }
        };
        // DT_HASH, DT_STRTAB, DT_SYMTAB, DT_STRSZ.
        let [hash, strtab, symtab, strsz] = [4, 5, 6, 10].map(of);
        let (symtab, strtab) = (here(symtab?), here(strtab?));
        let count = hash
            .and_then(|hash| (self.read)(here(hash), 8))
            .and_then(|hash| self.number(&hash, 4, 4))
            .or_else(|| Some(strtab.checked_sub(symtab)? / 16))?;
        let table = (self.read)(symtab, count.saturating_mul(16))?;
        let names = (self.read)(strtab, strsz?)?;
        let symbols = table.chunks_exact(16);
        Some(
            symbols
                .filter_map(|entry| self.symbol(entry, &names, bias))
                .collect(),
        )
    }

    /// How far the file lies from where it was linked, and the pairs of its dynamic section.
    fn segments(&mut self, start: u64, header: &[u8]) -> Option<(u64, Vec<(u64, u64)>)> {
        let (phoff, size) = (self.number(header, 28, 4)?, self.number(header, 42, 2)?);
        let count = self.number(header, 44, 2)?.min(MOST_ENTRIES);
        let segments = (self.read)(start.checked_add(phoff)?, size.checked_mul(count)?)?;
        let (mut bias, mut dynamic) = (None, None);
        for segment in segments.chunks_exact(usize::try_from(size).ok()?.max(32)) {
            let word = |at: usize| self.number(segment, at, 4);
            match (word(0)?, word(4)?) {
                (1, 0) => bias = Some(start.wrapping_sub(word(8)?)),
                (2, _) => dynamic = Some((word(8)?, word(20)?)),
                _ => {}
            }
        }
        let (bias, (addr, len)) = (bias?, dynamic?);
        let bytes = (self.read)(bias.wrapping_add(addr), len.min(8 * MOST_ENTRIES))?;
        let pairs = bytes.chunks_exact(8);
        let pairs =
            pairs.filter_map(|pair| Some((self.number(pair, 0, 4)?, self.number(pair, 4, 4)?)));
        Some((bias, pairs.collect()))
    }

    fn symbol(&self, entry: &[u8], names: &[u8], bias: u64) -> Option<Symbol> {
        let word = |at| self.number(entry, at, 4);
        let name = names.get(usize::try_from(word(0)?).ok()?..)?;
        let name = name.split(|byte| *byte == 0).next()?;
        let (kind, section) = (entry.get(12)? & 15, self.number(entry, 14, 2)?);
        // Data, functions and labels that are defined here; from SHN_LORESERVE on it is no section.
        if kind > 2 || section == 0 || section >= 0xff00 || is_mark(name) {
            return None;
        }
        let addr = if kind == 2 { word(4)? & !1 } else { word(4)? };
        Some(moved(addr, word(8)?, name, bias))
    }
}

/// The symbol and the place of an address, for one line.
pub fn place(symbols: Option<&Symbols>, addr: u64) -> Option<String> {
    let (name, by) = symbols?.at(addr)?;
    Some(if by == 0 {
        name.to_owned()
    } else {
        format!("{name}+{by:#x}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A library at `start` that was linked at 0, as the loader leaves it.
    fn library(start: u32, relocated: bool) -> Vec<u8> {
        let mut bytes = vec![0; 0x400];
        let mut put = |at: usize, words: &[u32]| {
            for (i, word) in words.iter().enumerate() {
                bytes[at + 4 * i..at + 4 * i + 4].copy_from_slice(&word.to_le_bytes());
            }
        };
        let base = if relocated { start } else { 0 };
        put(0, &[0x464c_457f, 1]);
        put(28, &[52]);
        put(40, &[32 << 16, 2]);
        put(52, &[1, 0, 0, 0, 0x400, 0x400, 5, 0x1000]);
        put(84, &[2, 0x100, 0x100, 0x100, 40, 40, 6, 4]);
        put(
            0x100,
            &[
                4,
                base + 0x200,
                5,
                base + 0x280,
                6,
                base + 0x220,
                10,
                32,
                0,
                0,
            ],
        );
        put(0x200, &[1, 4]);
        let (function, data, undefined) = (0x0001_0012, 0x0002_0011, 0x12);
        put(0x230, &[1, 0x301, 0x10, function]);
        put(0x240, &[6, 0x320, 8, data]);
        put(0x250, &[13, 0, 0, undefined]);
        bytes[0x280..0x29a].copy_from_slice(b"\0open\0\x1b[2Jme\0gone\0\0\0\0\0\0\0\0\0");
        bytes
    }

    fn loaded(start: u32, bytes: &[u8]) -> Option<Vec<Symbol>> {
        let read = |addr: u64, len: u64| {
            let at = usize::try_from(addr.checked_sub(u64::from(start))?).ok()?;
            bytes
                .get(at..at + usize::try_from(len).ok()?)
                .map(<[u8]>::to_vec)
        };
        let order = Order::Little;
        Loaded { read, order }.symbols(u64::from(start))
    }

    #[test]
    fn a_loaded_library_names_its_functions() {
        for relocated in [true, false] {
            let found = loaded(0x4000_0000, &library(0x4000_0000, relocated)).unwrap();
            let names: Vec<_> = found.iter().map(|s| (s.addr, s.end, &*s.name)).collect();
            // The Thumb bit is no part of the address; escape sequences are text.
            let wanted = [
                (0x4000_0300, 0x4000_0310, "open"),
                (0x4000_0320, 0x4000_0328, "\\x1b[2Jme"),
            ];
            assert_eq!(names, wanted, "{relocated}");
        }
    }

    #[test]
    fn damaged_libraries_have_none() {
        let whole = library(0x4000_0000, true);
        for cut in 0..whole.len() {
            let _ = loaded(0x4000_0000, &whole[..cut]);
        }
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0xff;
            let _ = loaded(0x4000_0000, &bytes);
        }
    }

    #[test]
    fn addresses_belong_to_the_symbol_before_them() {
        let symbol = |addr, end, name: &str| Symbol {
            addr,
            end,
            name: name.into(),
        };
        let list = vec![
            symbol(0x30, 0x30, "label"),
            symbol(0x10, 0x10, "alias"),
            symbol(0x10, 0x20, "__main"),
            symbol(0x10, 0x20, "main"),
        ];
        let symbols = Symbols::new(list, &Mm::default());
        assert_eq!(symbols.at(0x10), Some(("main", 0)));
        assert_eq!(symbols.at(0x1f), Some(("main", 0xf)));
        assert_eq!(symbols.at(0x20), None);
        assert_eq!(symbols.at(0xf), None);
        assert_eq!(symbols.find("alias"), Some(0x10));
        assert_eq!(symbols.starting("ma").collect::<Vec<_>>(), ["main"]);
        assert_eq!(place(Some(&symbols), 0x14).unwrap(), "main+0x4");
    }
}
