//! Images: telling them apart, and gathering their evidence.

use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Result, bail};
use ckpt_bridge::bytes::{Blob, FileAt};
use ckpt_bridge::criu::{self, Archive};
use ckpt_bridge::{Foreign, core};
use ckpt_compat::elf::ReadAt as _;
use ckpt_compat::evidence::{Evidence, Origin};
use ckpt_compat::gather::{Options, Watched, from_elf, from_image};
use ckpt_format::Arch;
use ckpt_parser::decoder::{self, Decoder};
use ckpt_parser::diagnostic::{Diagnostic, Findings, Severity};
use ckpt_parser::limits::Limits;
use ckpt_parser::model;
use ckpt_parser::source::{Compression, copy};

use crate::Error;

/// Something that can be judged, wherever it lies.
pub(super) enum Image {
    /// A directory with a CRIU set.
    Directory(PathBuf),
    /// A CRIU set in a directory of an archive.
    Set(Arc<Archive>, PathBuf),
    /// Bytes that can be visited in any order: a stream, a core, an executable.
    Bytes(Blob),
}

/// What a file is, by its first bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Packed(Compression),
    Core,
    Tar,
    Elf,
    Other,
}

impl Kind {
    fn of(blob: &Blob) -> Result<Self, Error> {
        let mut head = [0; 512];
        let bytes = bytes_of(blob);
        let len = bytes.read_at(0, &mut head);
        bytes.all_read()?;
        Ok(Self::of_head(head.get(..len).unwrap_or_default()))
    }

    fn of_head(head: &[u8]) -> Self {
        if let Some(packed) = Compression::of(head) {
            Self::Packed(packed)
        } else if core::is_core(head) {
            Self::Core
        } else if criu::is_tar(head) {
            Self::Tar
        } else if head.starts_with(b"\x7fELF") {
            Self::Elf
        } else {
            Self::Other
        }
    }
}

/// How to read an image and what to gather from it.
pub(super) struct How {
    pub(super) gather: Options,
    pub(super) limits: Limits,
}

/// A file, or what comes through a pipe, as bytes that can be visited in any order and are not compressed.
pub(super) fn blob(path: &Path, limits: &Limits) -> Result<Blob> {
    if path.as_os_str() == "-" {
        return unpacked(spooled("standard input", io::stdin().lock())?, limits);
    }
    let name = path.display().to_string();
    let file = File::open(path)?;
    if file.metadata()?.is_file() {
        unpacked(Blob::new(name, Arc::new(FileAt::new(file)?)), limits)
    } else {
        unpacked(spooled(&name, file)?, limits)
    }
}

/// Unpacks into an unnamed temporary file what is compressed; refuses absurd expansion.
pub(super) fn unpacked(blob: Blob, limits: &Limits) -> Result<Blob> {
    let Kind::Packed(packed) = Kind::of(&blob)? else {
        return Ok(blob);
    };
    let reader = packed.unpack(Box::new(blob.reader()), limits.expansion)?;
    spooled(&blob.name, reader)
}

/// What is looked at before the rest is kept, bytes.
const HEAD_LEN: u64 = 1 << 20;

/// Keeps what can be read only once in an unnamed temporary file; of what does not begin like an image, which may have
/// no end, no more than the beginning.
fn spooled(name: &str, mut from: impl io::Read) -> Result<Blob> {
    let mut spool = tempfile::tempfile()?;
    copy(&mut from.by_ref().take(HEAD_LEN), &mut spool)?;
    let head = Blob::new(name, Arc::new(FileAt::new(spool.try_clone()?)?));
    if Kind::of(&head)? == Kind::Other && !looks_like_image(&head) {
        return Ok(head);
    }
    copy(&mut from, &mut spool)?;
    spool.rewind()?;
    Ok(Blob::new(name, Arc::new(FileAt::new(spool)?)))
}

/// Whether it is a tar file, of one image or of many.
pub(super) fn is_tar(blob: &Blob) -> Result<bool> {
    Ok(Kind::of(blob)? == Kind::Tar)
}

/// Whether it begins like an image, packed or not. A tar file is only looked at by its name.
pub(super) fn looks_like_image(blob: &Blob) -> bool {
    match Kind::of(blob) {
        Ok(Kind::Packed(packed)) => {
            unpacked_head(blob, packed).is_ok_and(|head| begins_like_image(&head))
        }
        _ => begins_like_image(blob),
    }
}

fn begins_like_image(blob: &Blob) -> bool {
    match Kind::of(blob) {
        Ok(Kind::Core) => true,
        Ok(Kind::Elf) => ckpt_compat::elf::read_headers(&bytes_of(blob)).is_ok(),
        Ok(Kind::Tar | Kind::Packed(_)) | Err(_) => false,
        Ok(Kind::Other) => Decoder::new(blob.clone(), decoder::Options::default()).is_ok(),
    }
}

/// What is unpacked of a file to see what it is, bytes.
const PACKED_HEAD_LEN: u64 = 64 << 10;

fn unpacked_head(blob: &Blob, packed: Compression) -> Result<Blob> {
    let reader = packed.unpack(Box::new(blob.reader()), Limits::default().expansion)?;
    let mut head = tempfile::tempfile()?;
    // A packed file that is damaged later on is an image, too, and gets an answer.
    let _ = io::copy(&mut reader.take(PACKED_HEAD_LEN), &mut head);
    Ok(Blob::new("", Arc::new(FileAt::new(head)?)))
}

/// Whether a file holds an image, or may hold one when it is unpacked.
pub(super) fn is_image(path: &Path) -> bool {
    let open = || Ok::<_, io::Error>(Blob::new("", Arc::new(FileAt::new(File::open(path)?)?)));
    path.is_file()
        && open().is_ok_and(|blob| {
            matches!(Kind::of(&blob), Ok(Kind::Tar | Kind::Packed(_))) || looks_like_image(&blob)
        })
}

/// Gathers the evidence of an image of any kind.
pub(super) fn gather(image: &Image, how: &How) -> Result<Evidence> {
    match image {
        Image::Directory(path) => {
            // What is damaged is refused below, all of it, not only the first.
            let set = ckpt_bridge::salvage_criu(path, &how.limits)?;
            from_foreign(&set, Origin::Criu, how)
        }
        Image::Set(archive, dir) => {
            from_foreign(&ckpt_bridge::criu_in(archive, dir)?, Origin::Criu, how)
        }
        Image::Bytes(blob) => {
            let blob = unpacked(blob.clone(), &how.limits)?;
            match Kind::of(&blob)? {
                Kind::Core => from_foreign(&ckpt_bridge::core_in(&blob)?, Origin::Core, how),
                Kind::Elf => {
                    let bytes = bytes_of(&blob);
                    let evidence = from_elf(&bytes, &blob.name, &how.gather)?;
                    bytes.all_read()?;
                    Ok(evidence)
                }
                Kind::Tar => bail!("a tar file within another: unpack the outer one"),
                Kind::Packed(_) => bail!("compressed twice"),
                Kind::Other => from_stream(&blob, how),
            }
        }
    }
}

/// Bytes for the gatherer: what is damaged, or not in an image that ends early, is not there.
fn bytes_of(blob: &Blob) -> Watched<impl Fn(u64, &mut [u8]) -> Result<usize, Error>, Error> {
    Watched::new(
        |offset, out: &mut [u8]| match blob.read_up_to(offset, out).map_err(Error::from) {
            Err(error) if error.is_damage() => Ok(0),
            read => read,
        },
    )
}

fn from_stream(blob: &Blob, how: &How) -> Result<Evidence> {
    judged(blob, how, |image| Origin::LinuxCr {
        revision: u16::from(image.detection.dialect.revision.number()),
    })
}

fn from_foreign(foreign: &Foreign, origin: Origin, how: &How) -> Result<Evidence> {
    refuse_damage(foreign.findings())?;
    let stream = Blob::new("image", Arc::new(foreign.stream()));
    judged(&stream, how, |_| origin)
}

/// Reads the model and gathers from it. A damaged image is an error: no verdict would be worth anything.
fn judged(
    blob: &Blob,
    how: &How,
    origin: impl FnOnce(&model::Image) -> Origin,
) -> Result<Evidence> {
    let options = decoder::Options {
        limits: how.limits.clone(),
        ..decoder::Options::default()
    };
    let mut decoder = Decoder::new(blob.clone(), options)?;
    let image = model::Image::read(&mut decoder, |_| true)?;
    refuse_errors(&image.findings)?;
    if !image.complete {
        bail!("damaged image: it ends before its last record");
    }
    refuse_errors(&model::validate(&image, KEPT_FINDINGS))?;
    let origin = origin(&image);
    let bytes = bytes_of(blob);
    let evidence = from_image(&image, &bytes, origin, &how.gather);
    bytes.all_read()?;
    if evidence.threads.is_empty() && image.detection.dialect.abi.arch == Arch::Arm {
        bail!("no thread in it is alive: there is nothing to run, and nothing to judge");
    }
    Ok(evidence)
}

/// Findings of validation that are kept.
const KEPT_FINDINGS: u32 = 1000;

/// Errors among what was found, whether they were kept or only counted.
fn refuse_errors(findings: &Findings) -> Result<()> {
    refuse_damage(findings.kept())?;
    if findings.has_errors() {
        let count = findings.dropped();
        bail!(
            "damaged image: {count} findings, errors among them; --limit findings=NUMBER keeps more"
        );
    }
    Ok(())
}

/// Errors among findings, the first few of them, as one error.
fn refuse_damage<'a>(findings: impl IntoIterator<Item = &'a Diagnostic>) -> Result<()> {
    let is_error = |finding: &&Diagnostic| finding.severity >= Severity::Error;
    let faults = findings.into_iter().filter(is_error);
    let faults: Vec<String> = faults.map(ToString::to_string).take(3).collect();
    if !faults.is_empty() {
        bail!("damaged image: {}", faults.join("; "));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_like_no_image_is_not_kept_to_its_end() {
        let zeros = io::repeat(0).take(HEAD_LEN * 4);
        assert_eq!(spooled("zeros", zeros).unwrap().len(), HEAD_LEN);
        let archive = [[0; 257].as_slice(), b"ustar\x0000", &[0; 248]].concat();
        let archive = archive.chain(io::repeat(0).take(HEAD_LEN * 4));
        assert_eq!(
            spooled("archive", archive).unwrap().len(),
            HEAD_LEN * 4 + 513
        );
    }
}
