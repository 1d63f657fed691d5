//! Images: finding, opening and telling them apart.

use std::fs::File;
use std::io::{self, BufRead as _, Seek as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use ckpt_bridge::bytes::{Blob, FileAt};
use ckpt_bridge::{Foreign, Kind};
use ckpt_compat::elf::ReadAt;
use ckpt_compat::evidence::{Evidence, Origin};
use ckpt_compat::gather::{Options, from_elf, from_image};
use ckpt_parser::decoder::{self, Decoder};
use ckpt_parser::diagnostic::Severity;
use ckpt_parser::limits::Limits;
use ckpt_parser::model::Image;
use ckpt_parser::source::Compression;

use super::Arguments;

/// All images that the arguments name, directories opened.
pub(super) fn names(arguments: &Arguments) -> Result<Vec<PathBuf>> {
    let mut named = arguments.images.clone();
    if let Some(list) = &arguments.files_from {
        let lines: Vec<String> = if list.as_os_str() == "-" {
            io::stdin().lock().lines().collect::<io::Result<_>>()?
        } else {
            let text = std::fs::read_to_string(list).with_context(|| list.display().to_string())?;
            text.lines().map(str::to_owned).collect()
        };
        named.extend(
            lines
                .into_iter()
                .filter(|line| !line.is_empty())
                .map(PathBuf::from),
        );
    }
    let mut found = Vec::new();
    for path in named {
        if path.is_dir() && ckpt_bridge::detect(&path)? != Kind::Criu {
            let before = found.len();
            below(&path, &mut found, 0)?;
            if found.len() == before {
                bail!("{}: a directory without any image", path.display());
            }
        } else {
            found.push(path);
        }
    }
    Ok(found)
}

/// Directories within directories.
const MAX_DEPTH: u32 = 16;

/// Images in a directory and its directories, by what they are; other files are not images and are passed over.
fn below(directory: &Path, found: &mut Vec<PathBuf>, depth: u32) -> Result<()> {
    let fail = || directory.display().to_string();
    let mut entries: Vec<PathBuf> = std::fs::read_dir(directory)
        .with_context(fail)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<_>>()
        .with_context(fail)?;
    entries.sort();
    for path in entries {
        if path.is_dir() {
            if ckpt_bridge::detect(&path)? == Kind::Criu {
                found.push(path);
            } else if depth < MAX_DEPTH && !path.is_symlink() {
                below(&path, found, depth + 1)?;
            }
        } else if path.is_file() && looks_like_image(&path) {
            found.push(path);
        }
    }
    Ok(())
}

fn looks_like_image(path: &Path) -> bool {
    if matches!(ckpt_bridge::detect(path), Ok(Kind::Core | Kind::Criu)) {
        return true;
    }
    let Ok(file) = File::open(path) else {
        return false;
    };
    if is_elf(&file) {
        return ckpt_compat::elf::read_headers(&file).is_ok();
    }
    ckpt_parser::source::FileSource::new(file)
        .is_ok_and(|source| Decoder::new(source, decoder::Options::default()).is_ok())
}

fn is_elf(file: &File) -> bool {
    let mut magic = [0; 4];
    ReadAt::read_at(file, 0, &mut magic) == 4 && magic == *b"\x7fELF"
}

/// How to read an image and what to gather from it.
pub(super) struct How {
    pub(super) gather: Options,
    pub(super) limits: Limits,
}

/// Gathers the evidence of an image of any kind.
pub(super) fn gather(path: &Path, how: &How) -> Result<Evidence> {
    let name = path.display().to_string();
    if path.as_os_str() == "-" {
        return gather_file(&spooled(io::stdin().lock())?, "standard input", how);
    }
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_dir() && !metadata.is_file() {
        return gather_file(&spooled(File::open(path)?)?, &name, how);
    }
    match ckpt_bridge::detect(path)? {
        Kind::Core => from_foreign(
            &ckpt_bridge::open_core(path, &how.limits)?,
            Origin::Core,
            how,
        ),
        Kind::Criu => from_foreign(
            &ckpt_bridge::open_criu(path, &how.limits)?,
            Origin::Criu,
            how,
        ),
        Kind::Other if metadata.is_dir() => {
            bail!("a directory, but no CRIU image set (no inventory.img)")
        }
        Kind::Other => gather_other(path, &name, how),
    }
}

/// A plain ELF file, or a stream; compressed streams are unpacked into an unnamed file first.
fn gather_other(path: &Path, name: &str, how: &How) -> Result<Evidence> {
    let file = File::open(path)?;
    if is_elf(&file) {
        return Ok(from_elf(&file, name, &how.gather)?);
    }
    if Compression::of_file(&file)?.is_none() {
        return from_stream(file, how);
    }
    let source = ckpt_parser::source::open(path, how.limits.expansion)?;
    let unpacked = spooled(Reader { source, at: 0 })?;
    if is_elf(&unpacked) {
        Ok(from_elf(&unpacked, name, &how.gather)?)
    } else {
        from_stream(unpacked, how)
    }
}

/// What came through a pipe: the same kinds, told by their first bytes.
fn gather_file(file: &File, name: &str, how: &How) -> Result<Evidence> {
    let mut head = [0; 512];
    let len = ReadAt::read_at(file, 0, &mut head);
    let head = head.get(..len).unwrap_or_default();
    let mut again = file.try_clone()?;
    again.rewind()?;
    if ckpt_bridge::core::is_core(head) {
        return from_foreign(
            &ckpt_bridge::read_core(name, again, &how.limits)?,
            Origin::Core,
            how,
        );
    }
    if ckpt_bridge::criu::is_tar(head) {
        return from_foreign(
            &ckpt_bridge::read_criu(name, again, &how.limits)?,
            Origin::Criu,
            how,
        );
    }
    if is_elf(file) {
        return Ok(from_elf(file, name, &how.gather)?);
    }
    from_stream(again, how)
}

/// A parser's source as a reader.
struct Reader<S> {
    source: S,
    at: u64,
}

impl<S: ckpt_parser::source::Source> io::Read for Reader<S> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let len = self.source.read_at(self.at, out)?;
        self.at += len as u64;
        Ok(len)
    }
}

fn spooled(mut from: impl io::Read) -> Result<File> {
    let mut spool = tempfile::tempfile()?;
    io::copy(&mut from, &mut spool)?;
    spool.rewind()?;
    Ok(spool)
}

/// The bytes of a stream, for the gatherer.
struct BlobAt(Blob);

impl ReadAt for BlobAt {
    fn read_at(&self, offset: u64, out: &mut [u8]) -> usize {
        let left = usize::try_from(self.0.len().saturating_sub(offset)).unwrap_or(usize::MAX);
        let len = left.min(out.len());
        let read = out
            .get_mut(..len)
            .map(|out| self.0.read_exact_at(offset, out));
        if matches!(read, Some(Ok(()))) { len } else { 0 }
    }
}

fn from_stream(file: File, how: &How) -> Result<Evidence> {
    let blob = Blob::new("image", Arc::new(FileAt::new(file)?));
    judged(blob, how, |image| Origin::LinuxCr {
        revision: u16::from(image.detection.dialect.revision.number()),
    })
}

fn from_foreign(foreign: &Foreign, origin: Origin, how: &How) -> Result<Evidence> {
    judged(Blob::new("image", Arc::new(foreign.stream())), how, |_| {
        origin
    })
}

/// Reads the model and gathers from it. A damaged image is an error: no verdict would be worth anything.
fn judged(blob: Blob, how: &How, origin: impl FnOnce(&Image) -> Origin) -> Result<Evidence> {
    let options = decoder::Options {
        limits: how.limits.clone(),
        ..decoder::Options::default()
    };
    let mut decoder = Decoder::new(blob.clone(), options)?;
    let image = Image::read(&mut decoder, |_| true)?;
    let faults = image
        .findings
        .kept()
        .iter()
        .filter(|finding| finding.severity >= Severity::Error);
    let faults: Vec<String> = faults.map(ToString::to_string).take(3).collect();
    if !faults.is_empty() {
        bail!("damaged image: {}", faults.join("; "));
    }
    if !image.complete {
        bail!("damaged image: it ends before its last record");
    }
    let origin = origin(&image);
    Ok(from_image(&image, &BlobAt(blob), origin, &how.gather))
}
