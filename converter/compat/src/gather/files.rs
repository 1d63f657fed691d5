//! The files of the source machine that lie in an address space: by the names that the image gives its mappings,
//! and where it gives none (cores of emulators and of small systems) by what the process itself knows: AT_EXECFN,
//! AT_PHDR and the dynamic loader's list of libraries.

use std::path::{Path, PathBuf};

use ckpt_parser::model::{Image, Mm, ObjRef, Vma};

use super::below_sysroot;
use super::elf_image::find_library;
use super::readable::{Faults, Readable};
use crate::elf::{self, ElfFile, ReadAt as _, Segment};
use crate::scan::Memory;

const AT_PHDR: u64 = 3;
const AT_PHNUM: u64 = 5;
const AT_BASE: u64 = 7;
const AT_ENTRY: u64 = 9;
const AT_EXECFN: u64 = 31;
const DT_NULL: u32 = 0;
const DT_DEBUG: u32 = 21;
const SEGMENT_DYNAMIC: u32 = 2;
const PAGE_MASK: u32 = 4095;
/// Libraries in the loader's list, and entries of a dynamic section, that are looked at.
const MAX_LIST: usize = 1024;
/// Directory entries that are looked at in search of the executable.
const MAX_ENTRIES: usize = 20_000;

/// A file that was found below the sysroot.
pub(super) struct SysrootFile {
    pub(super) name: String,
    pub(super) file: Readable,
    pub(super) elf: Option<ElfFile>,
    pub(super) is_exe: bool,
    /// Its object, if the image names it.
    object: Option<ObjRef>,
    /// How far it was moved, if that can be told.
    pub(super) bias: Option<u32>,
}

impl SysrootFile {
    /// The segment of the file that covers an address, in whole pages.
    fn segment_at(&self, addr: u32) -> Option<&Segment> {
        let at = addr.wrapping_sub(self.bias?);
        self.elf.as_ref()?.segments.iter().find(|segment| {
            let start = segment.addr & !PAGE_MASK;
            let end = u64::from(segment.addr) + u64::from(segment.file_len);
            segment.is_load() && start <= at && u64::from(at) < end
        })
    }

    /// Offset in the file of an address.
    pub(super) fn offset_of(&self, addr: u32) -> Option<u64> {
        let segment = self.segment_at(addr)?;
        let at = addr.wrapping_sub(self.bias?);
        (u64::from(segment.offset) + u64::from(at)).checked_sub(u64::from(segment.addr))
    }
}

/// All files of one address space.
#[derive(Default)]
pub(super) struct Files(Vec<SysrootFile>);

impl Files {
    pub(super) fn iter(&self) -> impl Iterator<Item = &SysrootFile> {
        self.0.iter()
    }

    pub(super) fn object(&self, number: ObjRef) -> Option<&SysrootFile> {
        self.0.iter().find(|file| file.object == Some(number))
    }

    /// The file behind a mapping.
    pub(super) fn of(&self, vma: &Vma) -> Option<&SysrootFile> {
        if vma.file != 0 {
            return self.object(vma.file);
        }
        self.at(u32::try_from(vma.start).ok()?)
    }

    /// The file that the image does not name but that lies at an address.
    pub(super) fn at(&self, addr: u32) -> Option<&SysrootFile> {
        let unnamed = self.0.iter().filter(|file| file.object.is_none());
        unnamed
            .into_iter()
            .find(|file| file.segment_at(addr).is_some())
    }
}

/// Looks for the files of an address space.
pub(super) struct Finder<'a> {
    pub(super) image: &'a Image,
    pub(super) mm: &'a Mm,
    pub(super) sysroot: &'a Path,
    /// What the image itself stores.
    pub(super) memory: &'a dyn Memory,
    /// Names that the sysroot lacks.
    pub(super) missing: &'a mut Vec<String>,
    pub(super) faults: &'a Faults,
}

impl Finder<'_> {
    pub(super) fn find(mut self) -> Files {
        let mut files = Files::default();
        self.named(&mut files);
        if !files.0.iter().any(|file| file.is_exe) && self.has_unnamed_code() {
            self.unnamed(&mut files);
        }
        files
    }

    fn aux(&self, key: u64) -> Option<u32> {
        self.mm
            .auxv(key)
            .and_then(|value| u32::try_from(value).ok())
    }

    fn miss(&mut self, name: String) {
        if !self.missing.contains(&name) {
            self.missing.push(name);
        }
    }

    /// Files that the image names for executable mappings.
    fn named(&mut self, files: &mut Files) {
        for vma in &self.mm.vmas {
            if vma.file == 0 || !vma.is_executable() || files.object(vma.file).is_some() {
                continue;
            }
            let Some(name) = path_of(self.image, vma.file) else {
                continue;
            };
            match self.open(&name, vma.file) {
                Some(file) => files.0.push(file),
                None => self.miss(name),
            }
        }
    }

    /// The executable must have the entry point that the process began at.
    fn open(&self, name: &str, object: ObjRef) -> Option<SysrootFile> {
        let base = name.rsplit('/').next().unwrap_or(name);
        let path =
            below_sysroot(self.sysroot, name).or_else(|| below_sysroot(self.sysroot, base))?;
        let mut found = load(&path, name, self.faults)?;
        found.is_exe = object == self.mm.exe;
        found.object = Some(object);
        found.bias = found
            .elf
            .as_ref()
            .and_then(|elf| self.bias_by_mapping(object, elf));
        if let (true, Some(entry), Some(elf)) = (found.is_exe, self.aux(AT_ENTRY), &found.elf) {
            // Position-independent programs are moved by whole pages.
            let same = if elf.header.kind == 2 {
                elf.header.entry == entry
            } else {
                (elf.header.entry ^ entry).trailing_zeros() >= 12
            };
            if !same {
                return None;
            }
        }
        Some(found)
    }

    /// How far a file was moved: the place of a mapping of it, less the address of the segment at that offset.
    fn bias_by_mapping(&self, object: ObjRef, elf: &ElfFile) -> Option<u32> {
        let vma = self
            .mm
            .vmas
            .iter()
            .find(|vma| vma.file == object && vma.is_executable())?;
        let offset = vma.pgoff.saturating_mul(self.image.page_size());
        let segment = elf.segments.iter().find(|segment| {
            let from = u64::from(segment.offset & !PAGE_MASK);
            segment.is_load()
                && segment.is_executable()
                && (from..from + u64::from(segment.file_len.max(1)) + 4096).contains(&offset)
        })?;
        let page_offset = u64::from(segment.offset & !PAGE_MASK);
        let inside = u32::try_from(offset - page_offset).ok()?;
        Some(
            u32::try_from(vma.start)
                .ok()?
                .wrapping_sub(segment.addr & !PAGE_MASK)
                .wrapping_sub(inside),
        )
    }

    fn has_unnamed_code(&self) -> bool {
        self.mm
            .vmas
            .iter()
            .any(|vma| vma.file == 0 && vma.is_executable())
    }

    /// The executable by AT_EXECFN, and through its dynamic section what the loader loaded.
    fn unnamed(&mut self, files: &mut Files) {
        let Some(name) = self.aux(AT_EXECFN).and_then(|addr| self.text(addr)) else {
            return;
        };
        let Some(exe) = self.executable(&name) else {
            self.miss(name);
            return;
        };
        let libraries = self.libraries(&exe);
        files.0.push(exe);
        files.0.extend(libraries);
    }

    fn executable(&self, name: &str) -> Option<SysrootFile> {
        let base = name.rsplit('/').next().unwrap_or(name);
        let near = [name, base]
            .into_iter()
            .filter_map(|name| below_sysroot(self.sysroot, name));
        let candidates = near.chain(named_below(self.sysroot, base));
        candidates
            .into_iter()
            .find_map(|path| self.fits(load(&path, name, self.faults)?))
    }

    /// Is this the file that the process began in: entry, place and number of the program headers?
    fn fits(&self, mut found: SysrootFile) -> Option<SysrootFile> {
        let elf = found.elf.as_ref()?;
        let headers = elf.headers_addr()?;
        let bias = self.aux(AT_PHDR)?.wrapping_sub(headers);
        let same = self.aux(AT_ENTRY) == Some(elf.header.entry.wrapping_add(bias))
            && self
                .aux(AT_PHNUM)
                .is_none_or(|number| usize::try_from(number) == Ok(elf.segments.len()));
        found.bias = Some(bias);
        found.is_exe = true;
        same.then_some(found)
    }

    /// The loader's list (`struct link_map`), or before it is written the loader alone.
    fn libraries(&mut self, exe: &SysrootFile) -> Vec<SysrootFile> {
        let (Some(elf), Some(bias)) = (&exe.elf, exe.bias) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        let mut wanted = self.loaded(exe, elf, bias);
        if let (true, Some(name), Some(base)) =
            (wanted.is_empty(), &elf.interpreter, self.aux(AT_BASE))
        {
            wanted.push((name.clone(), base, None));
        }
        for (name, bias, dynamic) in wanted {
            let file =
                find_library(self.sysroot, &name).and_then(|path| load(&path, &name, self.faults));
            let fits = |file: &SysrootFile| {
                let own = file.elf.as_ref().and_then(dynamic_of);
                dynamic.is_none_or(|dynamic| own == Some(dynamic.wrapping_sub(bias)))
            };
            match file.filter(fits) {
                Some(file) => found.push(SysrootFile {
                    bias: Some(bias),
                    ..file
                }),
                None => self.miss(name),
            }
        }
        found
    }

    /// Name, bias and dynamic section of each library in the loader's list.
    fn loaded(
        &self,
        exe: &SysrootFile,
        elf: &ElfFile,
        bias: u32,
    ) -> Vec<(String, u32, Option<u32>)> {
        let mut libraries = Vec::new();
        let mut at = self.link_map(elf, bias).unwrap_or(0);
        for _ in 0..MAX_LIST {
            let field = |number: u32| self.word(at.wrapping_add(number * 4));
            let (Some(moved), Some(name), Some(dynamic), Some(next)) =
                (field(0), field(1), field(2), field(3))
            else {
                break;
            };
            // The executable has an empty name, the kernel's vdso no file. The loader's own name is the executable's
            // word for it, in a page that cores leave out.
            if let Some(name) = self
                .text(name)
                .or_else(|| text_in(exe, name))
                .filter(|name| name.starts_with('/') || name.contains(".so"))
                .filter(|_| at != 0 && moved != bias)
            {
                libraries.push((name, moved, Some(dynamic)));
            }
            at = next;
        }
        libraries
    }

    fn link_map(&self, exe: &ElfFile, bias: u32) -> Option<u32> {
        let dynamic = dynamic_of(exe)?.wrapping_add(bias);
        for entry in (0..MAX_LIST).filter_map(|number| u32::try_from(number * 8).ok()) {
            let at = dynamic.wrapping_add(entry);
            match self.word(at)? {
                DT_NULL => return None,
                // struct r_debug: version, list.
                DT_DEBUG => {
                    return self.word(self.word(at.wrapping_add(4))?.wrapping_add(4));
                }
                _ => {}
            }
        }
        None
    }

    fn word(&self, addr: u32) -> Option<u32> {
        crate::scan::word_at(self.memory, addr)
    }

    fn text(&self, addr: u32) -> Option<String> {
        super::image::text_at(self.memory, addr)
    }
}

fn load(path: &Path, name: &str, faults: &Faults) -> Option<SysrootFile> {
    let file = faults.open(path)?;
    let elf = elf::read(&file).ok();
    Some(SysrootFile {
        name: name.to_owned(),
        file,
        elf,
        is_exe: false,
        object: None,
        bias: None,
    })
}

fn text_in(exe: &SysrootFile, addr: u32) -> Option<String> {
    let offset = exe.offset_of(addr)?;
    let mut bytes = [0; 256];
    let len = exe.file.read_at(offset, &mut bytes);
    let text = bytes.get(..len)?.split(|byte| *byte == 0).next()?;
    Some(std::str::from_utf8(text).ok()?.to_owned())
}

fn dynamic_of(elf: &ElfFile) -> Option<u32> {
    let dynamic = elf
        .segments
        .iter()
        .find(|segment| segment.kind == SEGMENT_DYNAMIC)?;
    Some(dynamic.addr)
}

/// The path of an object, as the kernel spelt it when the file was still there.
pub(super) fn path_of(image: &Image, file: ObjRef) -> Option<String> {
    let path = image.path_of(file)?;
    let text = String::from_utf8_lossy(path);
    Some(text.strip_suffix(" (deleted)").unwrap_or(&text).to_owned())
}

/// Files of a name anywhere below a directory; links are not followed.
fn named_below(sysroot: &Path, name: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut left = MAX_ENTRIES;
    let mut work = std::collections::VecDeque::from([sysroot.to_path_buf()]);
    while let Some(directory) = work.pop_front() {
        let Ok(entries) = std::fs::read_dir(directory) else {
            continue;
        };
        for entry in entries.flatten() {
            let Some(rest) = left.checked_sub(1) else {
                return found;
            };
            left = rest;
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => work.push_back(entry.path()),
                Ok(kind) if kind.is_file() && entry.file_name() == name => {
                    found.push(entry.path());
                }
                _ => {}
            }
        }
    }
    found.sort();
    found
}
