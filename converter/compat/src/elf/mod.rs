//! ELF32 ARM files: header, segments, build attributes, symbols; of files and of first pages in memory.
//!
//! Sources: System V ABI chapter 4 and 5, ELF for the ARM Architecture (IHI0044), Addenda to the ABI for the
//! ARM Architecture (IHI0045) for the attributes.

mod attributes;
mod dynamic;
mod known;
mod names;
mod stripped;
mod unwind;
mod versions;

pub use attributes::{AttributeValue, Attributes, attribute_names};
pub use dynamic::Linkage;
pub(crate) use dynamic::plain_name;
pub(crate) use names::names;

use crate::scan::{FormatArg, MapKind};
use known::{
    demands, format_of, is_abort, is_leap, is_load, is_lookup, is_map, is_on_demand, is_printer,
    is_throw, prints, translates,
};
use unwind::{end_unwinder, is_unwinder};
use versions::Versions;

/// Bytes at offsets: a file, or a mapping of its first pages.
pub trait ReadAt {
    /// Copies bytes from `offset` on and returns how many were there.
    fn read_at(&self, offset: u64, out: &mut [u8]) -> usize;
}

impl ReadAt for [u8] {
    fn read_at(&self, offset: u64, out: &mut [u8]) -> usize {
        let rest = usize::try_from(offset)
            .ok()
            .and_then(|offset| self.get(offset..))
            .unwrap_or_default();
        let len = rest.len().min(out.len());
        if let (Some(to), Some(from)) = (out.get_mut(..len), rest.get(..len)) {
            to.copy_from_slice(from);
        }
        len
    }
}

impl ReadAt for &[u8] {
    fn read_at(&self, offset: u64, out: &mut [u8]) -> usize {
        (**self).read_at(offset, out)
    }
}

impl ReadAt for std::fs::File {
    fn read_at(&self, offset: u64, out: &mut [u8]) -> usize {
        read_from(self, offset, out).0
    }
}

/// Reads until the buffer is full or the file ends, or the system has an error.
pub(crate) fn read_from(
    file: &std::fs::File,
    offset: u64,
    out: &mut [u8],
) -> (usize, Option<std::io::Error>) {
    let mut done = 0;
    while let Some(rest) = out.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match std::os::unix::fs::FileExt::read_at(file, rest, offset + done as u64) {
            Ok(0) => break,
            Ok(len) => done += len,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return (done, Some(error)),
        }
    }
    (done, None)
}

/// The bytes are no ELF file of a 32-bit ARM process.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ElfError {
    /// The magic number is missing.
    #[error("no ELF file: it does not begin with 7f 45 4c 46")]
    NotElf,
    /// ELF, but of another machine or class.
    #[error(
        "ELF file of machine {machine}, class {class}; expected 32-bit ARM (machine 40, class 1)"
    )]
    NotArm {
        /// `e_machine`
        machine: u16,
        /// `EI_CLASS`: 1 for 32 bits, 2 for 64 bits.
        class: u8,
    },
    /// A table lies outside the file.
    #[error("ELF file cut short: {what} at offset {offset:#x}")]
    CutShort {
        /// What was to be read.
        what: &'static str,
        /// Where, in bytes from the start of the file.
        offset: u64,
    },
    /// A count or a size that no real file has.
    #[error("ELF file with {what} of {value}, more than {limit}")]
    TooLarge {
        /// What is counted.
        what: &'static str,
        /// Its value.
        value: u64,
        /// The limit.
        limit: u64,
    },
}

/// The file header (`Elf32_Ehdr`), as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Data is big-endian.
    pub big_endian: bool,
    /// `e_type`: 2 executable, 3 shared object or position-independent executable, 4 core.
    pub kind: u16,
    /// `e_entry`, with the Thumb bit.
    pub entry: u32,
    /// `e_flags`
    pub flags: u32,
    /// `EI_OSABI`: 97 is `ELFOSABI_ARM`, which OABI tools wrote.
    pub os_abi: u8,
    phoff: u32,
    shoff: u32,
    phentsize: u16,
    phnum: u16,
    shentsize: u16,
    shnum: u16,
    shstrndx: u16,
}

/// `EF_ARM_BE8`: code is little-endian though data is big-endian.
const EF_BE8: u32 = 0x0080_0000;
/// `EF_ARM_ABI_FLOAT_HARD`, with EABI version 5.
const EF_FLOAT_HARD: u32 = 0x400;
/// `EF_ARM_ABI_FLOAT_SOFT`, with EABI version 5.
const EF_FLOAT_SOFT: u32 = 0x200;

impl Header {
    /// EABI version of `e_flags` (0: OABI or unknown; Linux uses 4 and 5).
    pub fn eabi_version(&self) -> u32 {
        self.flags >> 24
    }

    /// Is this an EABI program?
    pub fn is_eabi(&self) -> bool {
        self.eabi_version() >= 4
    }

    /// Big-endian data with little-endian code.
    pub fn is_be8(&self) -> bool {
        self.big_endian && self.flags & EF_BE8 != 0
    }

    /// Hard-float calling convention by the flag of EABI version 5.
    pub fn float_hard(&self) -> bool {
        self.eabi_version() == 5 && self.flags & EF_FLOAT_HARD != 0
    }

    /// Soft-float calling convention by the flag of EABI version 5.
    pub fn float_soft(&self) -> bool {
        self.eabi_version() == 5 && self.flags & EF_FLOAT_SOFT != 0
    }
}

/// A program header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// `p_type`: 1 load, 2 dynamic, 3 interpreter.
    pub kind: u32,
    /// `p_offset`, bytes.
    pub offset: u32,
    /// `p_vaddr`
    pub addr: u32,
    /// `p_filesz`, bytes.
    pub file_len: u32,
    /// `p_memsz`, bytes.
    pub mem_len: u32,
    /// `p_flags`: 1 execute, 2 write, 4 read.
    pub flags: u32,
    /// `p_align`, bytes.
    pub align: u32,
}

/// What was read of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ElfFile {
    /// File header.
    pub header: Header,
    /// Program headers.
    pub segments: Vec<Segment>,
    /// Path of the dynamic loader.
    pub interpreter: Option<String>,
    /// Names of the libraries that it needs (`DT_NEEDED`).
    pub needed: Vec<String>,
    /// Directories where those are looked for first; `$ORIGIN` stands for the file's own.
    pub run_path: Vec<String>,
    /// Build attributes; `None` without such a section.
    pub attributes: Option<Attributes>,
    /// Mapping symbols, by address.
    pub map: Vec<(u32, MapKind)>,
    /// Values of function symbols, with the Thumb bit.
    pub functions: Vec<u32>,
    /// Functions that end the process with an error (`abort`, `__stack_chk_fail`), with the Thumb bit.
    pub aborts: Vec<u32>,
    /// Sections with instructions, from and to; none if the file has no section headers.
    pub code: Vec<(u32, u32)>,
    /// Every function of the unwind table begins with what is hardly anything but an ARM instruction.
    pub unwinds_arm_only: bool,
    /// Where functions begin by the unwind table, ascending; neighbours that unwind alike share an entry.
    pub unwound: Vec<u32>,
    /// `longjmp` and its kin.
    pub leaps: Vec<u32>,
    /// `dlopen` and its kin.
    pub loads: Vec<u32>,
    /// `mmap` and its kin.
    pub maps: Vec<u32>,
    /// Functions that print by a format, ascending, and which argument that is.
    pub formats: Vec<(u32, FormatArg)>,
    /// Functions that translate messages.
    pub translators: Vec<u32>,
    /// The unwinder of exceptions.
    pub throws: Vec<u32>,
    /// Functions that the C library comes to on demand only.
    pub on_demand: Vec<u32>,
    /// Functions that demand it.
    pub demands: Vec<u32>,
    /// How other files are bound to this one, and it to them.
    pub linkage: Linkage,
    /// Value of the symbol `main`.
    pub main: Option<u32>,
    /// Addresses of libgcc's `__gnu_Unwind_Save_…` and `__gnu_Unwind_Restore_…`: they run only for frames whose unwind
    /// table says that they saved the registers of a unit.
    pub unwinder: Vec<(u32, u32)>,
    /// Functions of the C library that print floating-point numbers, from and to: built for soft float, they use the unit
    /// only where AT_HWCAP advertised it.
    pub printers: Vec<(u32, u32)>,
}

impl ElfFile {
    /// Is it a program that no loader binds to libraries?
    pub fn is_static(&self) -> bool {
        self.interpreter.is_none() && self.needed.is_empty()
    }

    /// Do instructions lie at an address, by the sections, or without any by the segments?
    pub(crate) fn holds_code(&self, addr: u32) -> bool {
        let mut segments = self.segments.iter();
        if self.code.is_empty() {
            return segments.any(|segment| {
                segment.is_executable() && addr.wrapping_sub(segment.addr) < segment.file_len
            });
        }
        self.code
            .iter()
            .any(|(from, to)| (*from..*to).contains(&addr))
    }

    /// Where the program headers lie in memory of a file that was not moved.
    pub(crate) fn headers_addr(&self) -> Option<u32> {
        let phoff = self.header.phoff;
        let segment = self.segments.iter().find(|segment| {
            segment.is_load()
                && segment.offset <= phoff
                && phoff - segment.offset < segment.file_len
        })?;
        Some(segment.addr.wrapping_add(phoff - segment.offset))
    }
}

const STT_FUNC: u8 = 2;
/// glibc's function for its own tests that names all functions which its resolvers choose from.
const LISTS_CHOICES: &[u8] = b"__libc_ifunc_impl_list";
const STT_GNU_IFUNC: u8 = 10;
/// The section holds instructions.
const SHF_EXECINSTR: u32 = 4;
/// `SHT_PROGBITS`
const SHT_PROGBITS: u32 = 1;
const SHT_SYMTAB: u32 = 2;
const SHT_DYNSYM: u32 = 11;
/// `SHT_ARM_ATTRIBUTES`
const SHT_ARM_ATTRIBUTES: u32 = 0x7000_0003;
const SEGMENT_LOAD: u32 = 1;
const SEGMENT_INTERP: u32 = 3;
const MAX_SECTION_LEN: u32 = 256 << 20;
/// So much of the name of a symbol is looked at, bytes: many symbols may have one name.
const MAX_NAME_LEN: usize = 1024;
/// Names of functions that a file offers, with and without versions, at most.
const MAX_EXPORTS: usize = 1 << 18;

/// Reads all of a file that matters here.
pub fn read(source: &(impl ReadAt + ?Sized)) -> Result<ElfFile, ElfError> {
    let reader = Reader {
        source,
        big_endian: false,
    };
    let (header, reader) = reader.header()?;
    let segments = reader.segments(&header)?;
    segments
        .iter()
        .filter(|segment| segment.is_load())
        .try_for_each(|segment| reader.holds(segment))?;
    let mut file = ElfFile {
        header,
        interpreter: reader.interpreter(&segments),
        unwinds_arm_only: false,
        unwound: reader.unwound(&segments),
        leaps: Vec::new(),
        loads: Vec::new(),
        maps: Vec::new(),
        translators: Vec::new(),
        formats: Vec::new(),
        throws: Vec::new(),
        on_demand: Vec::new(),
        demands: Vec::new(),
        linkage: Linkage::default(),
        needed: reader.needed(&segments),
        run_path: reader.run_path(&segments),
        segments,
        attributes: None,
        map: Vec::new(),
        functions: Vec::new(),
        aborts: Vec::new(),
        code: Vec::new(),
        main: None,
        unwinder: Vec::new(),
        printers: Vec::new(),
    };
    file.unwinds_arm_only = reader.unwinds_arm_only(&file);
    let versions = reader.sections(&mut file);
    reader.bind(&mut file, &versions);
    if file.unwinder.is_empty() {
        file.unwinder = reader.stripped_unwinder(&file.segments);
    }
    if file.exports_printers() {
        // It offers what others print with.
        file.linkage.prints = false;
        if file.map.is_empty() {
            reader.name_stripped(&mut file);
        }
    }
    file.map.sort_unstable();
    file.map.dedup();
    file.functions.sort_unstable();
    file.functions.dedup();
    file.aborts.sort_unstable();
    file.leaps.sort_unstable();
    file.loads.sort_unstable();
    file.maps.sort_unstable();
    file.translators.sort_unstable();
    file.formats.sort_unstable();
    file.throws.sort_unstable();
    file.on_demand.sort_unstable();
    file.demands.sort_unstable();
    file.code.sort_unstable();
    end_unwinder(&mut file);
    Ok(file)
}

/// Reads the header and the segments only: what is in memory of a process.
pub fn read_headers(source: &(impl ReadAt + ?Sized)) -> Result<(Header, Vec<Segment>), ElfError> {
    let (header, reader) = Reader {
        source,
        big_endian: false,
    }
    .header()?;
    let segments = reader.segments(&header)?;
    Ok((header, segments))
}

struct Reader<'a, R: ReadAt + ?Sized> {
    source: &'a R,
    big_endian: bool,
}

impl<R: ReadAt + ?Sized> Reader<'_, R> {
    fn bytes<const N: usize>(&self, offset: u64, what: &'static str) -> Result<[u8; N], ElfError> {
        let mut bytes = [0; N];
        if self.source.read_at(offset, &mut bytes) == N {
            Ok(bytes)
        } else {
            Err(ElfError::CutShort { what, offset })
        }
    }

    fn u16(&self, offset: u64) -> Result<u16, ElfError> {
        let bytes = self.bytes(offset, "halfword")?;
        Ok(if self.big_endian {
            u16::from_be_bytes(bytes)
        } else {
            u16::from_le_bytes(bytes)
        })
    }

    fn u32(&self, offset: u64) -> Result<u32, ElfError> {
        let bytes = self.bytes(offset, "word")?;
        Ok(if self.big_endian {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        })
    }

    fn header(self) -> Result<(Header, Self), ElfError> {
        let [m0, m1, m2, m3, class, data, _, os_abi] =
            self.bytes(0, "file header").map_err(|_| ElfError::NotElf)?;
        if [m0, m1, m2, m3] != *b"\x7fELF" {
            return Err(ElfError::NotElf);
        }
        let reader = Self {
            source: self.source,
            big_endian: data == 2,
        };
        let machine = reader.u16(18)?;
        if machine != 40 || class != 1 {
            return Err(ElfError::NotArm { machine, class });
        }
        let header = Header {
            big_endian: reader.big_endian,
            kind: reader.u16(16)?,
            entry: reader.u32(24)?,
            flags: reader.u32(36)?,
            os_abi,
            phoff: reader.u32(28)?,
            shoff: reader.u32(32)?,
            phentsize: reader.u16(42)?,
            phnum: reader.u16(44)?,
            shentsize: reader.u16(46)?,
            shnum: reader.u16(48)?,
            shstrndx: reader.u16(50)?,
        };
        Ok((header, reader))
    }

    fn segments(&self, header: &Header) -> Result<Vec<Segment>, ElfError> {
        if header.phnum > 0 && header.phentsize < 32 {
            return Err(ElfError::CutShort {
                what: "program header size",
                offset: 42,
            });
        }
        (0..u64::from(header.phnum))
            .map(|index| {
                let at = u64::from(header.phoff) + index * u64::from(header.phentsize);
                Ok(Segment {
                    kind: self.u32(at)?,
                    offset: self.u32(at + 4)?,
                    addr: self.u32(at + 8)?,
                    file_len: self.u32(at + 16)?,
                    mem_len: self.u32(at + 20)?,
                    flags: self.u32(at + 24)?,
                    align: self.u32(at + 28)?,
                })
            })
            .collect()
    }

    /// A segment that claims bytes behind the end of its file would be scanned for ever.
    fn holds(&self, segment: &Segment) -> Result<(), ElfError> {
        let Some(last) = segment.file_len.checked_sub(1) else {
            return Ok(());
        };
        let last = u64::from(segment.offset).saturating_add(last.into());
        self.bytes::<1>(last, "end of a loaded segment").map(|_| ())
    }

    fn text(&self, offset: u64, limit: usize) -> Option<String> {
        let mut bytes = vec![0; limit];
        let len = self.source.read_at(offset, &mut bytes);
        bytes.truncate(len);
        let end = bytes.iter().position(|byte| *byte == 0)?;
        Some(String::from_utf8_lossy(bytes.get(..end)?).into_owned())
    }

    fn interpreter(&self, segments: &[Segment]) -> Option<String> {
        let segment = segments
            .iter()
            .find(|segment| segment.kind == SEGMENT_INTERP)?;
        self.text(
            u64::from(segment.offset),
            usize::try_from(segment.file_len.min(4096)).ok()?,
        )
    }

    /// Sections are optional: whatever of them cannot be read is left out. Tells the versions of symbols.
    fn sections(&self, file: &mut ElfFile) -> Versions {
        let header = file.header;
        let names =
            u64::from(header.shoff) + u64::from(header.shstrndx) * u64::from(header.shentsize);
        let names = self.section(names).map(|names| u64::from(names.offset));
        let sections = self.section_headers(&header);
        for section in &sections {
            if section.flags & SHF_EXECINSTR != 0 && section.kind == SHT_PROGBITS {
                let end = section.addr.saturating_add(section.len);
                file.code.push((section.addr, end));
            }
            let name = names.and_then(|names| self.text(names + u64::from(section.name), 16));
            if matches!(name.as_deref(), Some(".got" | ".got.plt")) {
                let end = section.addr.saturating_add(section.len);
                file.linkage.tables.push((section.addr, end));
            }
        }
        let attributes = first_of(&sections, SHT_ARM_ATTRIBUTES);
        let attributes = attributes.and_then(|section| self.section_bytes(section));
        file.attributes = attributes.and_then(|bytes| Attributes::parse(&bytes, self.big_endian));
        let versions = self.versions(&sections);
        self.symbols(&sections, |symbol| file.take(symbol, &versions));
        versions
    }

    /// The section headers, as far as they can be read.
    fn section_headers(&self, header: &Header) -> Vec<Section> {
        let num = if header.shentsize < 40 {
            0
        } else {
            u64::from(header.shnum)
        };
        let at = |index| u64::from(header.shoff) + index * u64::from(header.shentsize);
        let sections = (0..num).map_while(|index| self.section(at(index)));
        sections.collect()
    }

    fn section(&self, at: u64) -> Option<Section> {
        Some(Section {
            name: self.u32(at).ok()?,
            kind: self.u32(at + 4).ok()?,
            flags: self.u32(at + 8).ok()?,
            addr: self.u32(at + 12).ok()?,
            offset: self.u32(at + 16).ok()?,
            len: self.u32(at + 20).ok()?,
            link: self.u32(at + 24).ok()?,
        })
    }

    fn section_bytes(&self, section: &Section) -> Option<Vec<u8>> {
        if section.len > MAX_SECTION_LEN || section.kind == 8 {
            return None;
        }
        // Read piece by piece: the length is not to be trusted before the bytes are there.
        let mut bytes = Vec::new();
        let mut piece = vec![0; 1 << 16];
        let len = usize::try_from(section.len).ok()?;
        while bytes.len() < len {
            let want = (len - bytes.len()).min(piece.len());
            let got = self.source.read_at(
                u64::from(section.offset) + bytes.len() as u64,
                piece.get_mut(..want)?,
            );
            if got == 0 {
                return None;
            }
            bytes.extend_from_slice(piece.get(..got)?);
        }
        Some(bytes)
    }

    /// Every symbol of the loader's and the linker's tables. A file has one of each (System V ABI chapter 4), however
    /// many it claims.
    fn symbols(&self, sections: &[Section], mut take: impl FnMut(&Symbol<'_>)) {
        for kind in [SHT_DYNSYM, SHT_SYMTAB] {
            let Some(table) = first_of(sections, kind) else {
                continue;
            };
            let names = usize::try_from(table.link).ok();
            let names = names.and_then(|link| self.section_bytes(sections.get(link)?));
            let Some((entries, names)) = self.section_bytes(table).zip(names) else {
                continue;
            };
            for (number, entry) in entries.chunks_exact(16).enumerate() {
                let symbol = self.symbol(entry, number, &names, kind == SHT_DYNSYM);
                symbol.iter().for_each(&mut take);
            }
        }
    }

    /// `Elf32_Sym`.
    fn symbol<'n>(
        &self,
        entry: &[u8],
        number: usize,
        names: &'n [u8],
        dynamic: bool,
    ) -> Option<Symbol<'n>> {
        let word = |at: usize| {
            let bytes = entry.get(at..at + 4)?.try_into().ok()?;
            Some(if self.big_endian {
                u32::from_be_bytes(bytes)
            } else {
                u32::from_le_bytes(bytes)
            })
        };
        let name = usize::try_from(word(0)?).ok();
        let rest = name.and_then(|name| names.get(name..)).unwrap_or_default();
        let rest = rest.get(..MAX_NAME_LEN).unwrap_or(rest);
        let name = rest.split(|byte| *byte == 0).next();
        Some(Symbol {
            name: name.unwrap_or_default(),
            value: word(4)?,
            len: word(8)?,
            kind: entry.get(12)? & 15,
            defined: entry.get(14..16)? != [0, 0],
            dynamic,
            number,
        })
    }
}

fn first_of(sections: &[Section], kind: u32) -> Option<&Section> {
    sections.iter().find(|section| section.kind == kind)
}

/// A symbol of a file.
struct Symbol<'n> {
    name: &'n [u8],
    /// Its address; of a function with the Thumb bit.
    value: u32,
    len: u32,
    kind: u8,
    defined: bool,
    /// Of the table that the loader reads.
    dynamic: bool,
    /// In its table.
    number: usize,
}

impl Symbol<'_> {
    fn is_function(&self) -> bool {
        self.defined && matches!(self.kind, STT_FUNC | STT_GNU_IFUNC)
    }
}

impl ElfFile {
    /// Takes over what a symbol tells.
    fn take(&mut self, symbol: &Symbol<'_>, versions: &Versions) {
        let Symbol { name, value, .. } = *symbol;
        if !symbol.defined {
            self.linkage.loads |= symbol.dynamic && is_load(name);
            self.linkage.looks_up |= symbol.dynamic && is_lookup(name);
            self.linkage.leaps |= symbol.dynamic && is_leap(name);
            self.linkage.prints |= symbol.dynamic && prints(name);
            self.linkage.demands |= symbol.dynamic && demands(name);
            return;
        }
        match name {
            [b'$', b'a'] | [b'$', b'a', b'.', ..] => self.map.push((value, MapKind::Arm)),
            [b'$', b't'] | [b'$', b't', b'.', ..] => self.map.push((value, MapKind::Thumb)),
            [b'$', b'd'] | [b'$', b'd', b'.', ..] => self.map.push((value, MapKind::Data)),
            _ if symbol.is_function() => self.take_function(symbol, versions),
            _ => {}
        }
    }

    fn take_function(&mut self, symbol: &Symbol<'_>, versions: &Versions) {
        let Symbol { name, value, .. } = *symbol;
        if symbol.dynamic {
            let full_name = versions.full_name(symbol.number, name);
            let names = full_name.into_iter().chain([name.into()]);
            let exports = names.map(|name| (name, value));
            let room = MAX_EXPORTS.saturating_sub(self.linkage.exports.len());
            self.linkage.exports.extend(exports.take(room));
            if symbol.kind == STT_GNU_IFUNC || name == LISTS_CHOICES {
                self.linkage.resolvers.push(value);
            }
        }
        if is_abort(name) {
            self.aborts.push(value);
        }
        // The C library leaps by itself, too, where it cancels a thread.
        if is_leap(name) && !symbol.dynamic {
            self.leaps.push(value);
        }
        if is_load(name) {
            self.loads.push(value);
        }
        if is_map(name) {
            self.maps.push(value);
        }
        if let Some(arg) = format_of(name) {
            self.formats.push((value, arg));
        }
        if translates(name) {
            self.translators.push(value);
        }
        if is_throw(name) {
            self.throws.push(value);
        }
        if is_on_demand(name) {
            self.on_demand.push(value);
        }
        if demands(name) {
            self.demands.push(value);
        }
        if is_unwinder(name) {
            self.unwinder.push((value & !1, value & !1));
        }
        if is_printer(name) {
            let start = value & !1;
            self.printers
                .push((start, start.saturating_add(symbol.len)));
        }
        self.linkage.prints |= prints(name) && !is_printer(name);
        self.functions.push(value);
        if name == b"main" {
            self.main = Some(value);
        }
    }
}

struct Section {
    name: u32,
    kind: u32,
    flags: u32,
    addr: u32,
    offset: u32,
    len: u32,
    link: u32,
}

/// File offset of an address, by the load segments.
fn offset_of(segments: &[Segment], addr: u32) -> Option<u64> {
    segments
        .iter()
        .filter(|segment| segment.kind == SEGMENT_LOAD)
        .find_map(|segment| {
            let inside = addr
                .checked_sub(segment.addr)
                .filter(|inside| *inside < segment.file_len)?;
            Some(u64::from(segment.offset) + u64::from(inside))
        })
}

impl Segment {
    /// Is it loaded into memory?
    pub fn is_load(&self) -> bool {
        self.kind == SEGMENT_LOAD
    }

    /// Is it writable?
    pub fn is_writable(&self) -> bool {
        self.flags & 2 != 0
    }

    /// Is it executable?
    pub fn is_executable(&self) -> bool {
        self.flags & 1 != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_arm_elf_says_so() {
        assert_eq!(read(b"hello".as_slice()), Err(ElfError::NotElf));
        let mut bytes = vec![0; 64];
        bytes[..8].copy_from_slice(b"\x7fELF\x02\x01\x01\x00");
        bytes[18] = 62;
        assert_eq!(
            read(bytes.as_slice()),
            Err(ElfError::NotArm {
                machine: 62,
                class: 2
            })
        );
    }

    #[test]
    fn a_cut_program_header_is_an_error() {
        let mut bytes = vec![0; 52];
        bytes[..8].copy_from_slice(b"\x7fELF\x01\x01\x01\x00");
        bytes[18] = 40;
        bytes[28] = 52;
        bytes[42] = 32;
        bytes[44] = 1;
        assert!(matches!(
            read(bytes.as_slice()),
            Err(ElfError::CutShort { .. })
        ));
    }

    #[test]
    fn a_segment_that_its_file_does_not_hold_is_refused_before_a_scan() {
        let mut bytes = vec![0; 84];
        bytes[..7].copy_from_slice(b"\x7fELF\x01\x01\x01");
        bytes[16..20].copy_from_slice(&[3, 0, 40, 0]);
        (bytes[28], bytes[42], bytes[44], bytes[52]) = (52, 32, 1, 1);
        bytes[68..72].copy_from_slice(&84u32.to_le_bytes());
        assert!(read(bytes.as_slice()).is_ok());
        bytes[68..72].copy_from_slice(&0xffff_fff0u32.to_le_bytes());
        let end = ElfError::CutShort {
            what: "end of a loaded segment",
            offset: 0xffff_ffef,
        };
        assert_eq!(read(bytes.as_slice()), Err(end));
    }
}
