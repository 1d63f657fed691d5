//! Opening foreign images by what they are.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::Path,
    sync::Arc,
};

use ckpt_parser::{
    decoder::{Decoder, Options},
    diagnostic::Diagnostic,
    limits::Limits,
    model::Image,
    source::{self, Compression},
};

use crate::{
    Error, Loss, Result,
    bytes::{Blob, FileAt},
    core,
    criu::{self, Archive, Set},
    from_core, from_criu, from_image, salvage,
    stream::Stream,
    to_stream,
    tree::Tree,
};

/// What a file or directory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An ELF core, perhaps compressed.
    Core,
    /// A CRIU image set: a directory, or a tar file, perhaps compressed.
    Criu,
    /// Neither; a checkpoint stream, or nothing that is known.
    Other,
}

/// A foreign image, read into a tree. The losses are what a checkpoint stream, or the image itself, lacks.
#[derive(Debug)]
pub struct Foreign {
    /// The processes.
    pub tree: Tree,
    /// What could not be carried over, or was not there.
    pub losses: Vec<Loss>,
    /// What the image says of its own form and of the program that wrote it; empty if it says nothing.
    pub form: String,
}

impl Foreign {
    /// The image as a stream of revision R18 that reads like a file.
    pub fn stream(&self) -> Stream {
        to_stream(&self.tree)
    }

    /// What a reader says of an image that is damaged or not complete; nothing if it is neither.
    pub fn findings(&self) -> impl Iterator<Item = &Diagnostic> {
        self.losses
            .iter()
            .filter_map(|loss| loss.finding.as_deref())
    }
}

/// Looks at the first bytes of a file, or into a directory.
pub fn detect(path: &Path) -> Result<Kind> {
    let fail = |e| Error::io(path.display().to_string(), e);
    let meta = fs::metadata(path).map_err(fail)?;
    if meta.is_dir() {
        // An unpacked checkpoint of a container has the set in a directory of its own.
        let is_set = criu::is_set(path) || criu::is_set(&path.join("checkpoint"));
        return Ok(if is_set { Kind::Criu } else { Kind::Other });
    }
    if !meta.is_file() {
        return Ok(Kind::Other);
    }
    let file = File::open(path).map_err(fail)?;
    let mut head = Vec::new();
    // A file that only looks compressed is something else.
    let unpacked = source::unpacked(Box::new(file), Limits::default().expansion)
        .and_then(|r| r.take(512).read_to_end(&mut head));
    match unpacked {
        Ok(_) if core::is_core(&head) => Ok(Kind::Core),
        Ok(_) if criu::is_tar(&head) => Ok(Kind::Criu),
        Err(e) if e.raw_os_error().is_some() => Err(fail(e)),
        _ => Ok(Kind::Other),
    }
}

/// Opens a core file; a compressed one is unpacked into an unnamed temporary file, within the limits.
pub fn open_core(path: &Path, limits: &Limits) -> Result<Foreign> {
    strict(core_file(path, limits)?)
}

/// Opens what is intact of a core. What is not is among the losses, as `core.damage`.
pub fn salvage_core(path: &Path, limits: &Limits) -> Result<Foreign> {
    salvaged_core(core_file(path, limits)?)
}

/// Reads a core from a stream that cannot be revisited, such as standard input.
pub fn read_core(name: &str, stream: impl Read + Send, limits: &Limits) -> Result<Foreign> {
    strict(spooled_core(name, stream, limits)?)
}

/// The intact part of a core in a stream that cannot be revisited.
pub fn salvage_core_stream(
    name: &str,
    stream: impl Read + Send,
    limits: &Limits,
) -> Result<Foreign> {
    salvaged_core(spooled_core(name, stream, limits)?)
}

/// A core, and what ended its unpacking before its time.
type Unpacked = (Blob, Option<Error>);

fn core_file(path: &Path, limits: &Limits) -> Result<Unpacked> {
    let name = path.display().to_string();
    let fail = |e| Error::io(&name, e);
    let file = File::open(path).map_err(fail)?;
    let packed = Compression::of_file(&file).map_err(fail)?.is_some();
    if packed || !file.metadata().map_err(fail)?.is_file() {
        return spooled_core(&name, file, limits);
    }
    let file = FileAt::new(file).map_err(fail)?;
    Ok((Blob::new(name, Arc::new(file)), None))
}

fn spooled_core(name: &str, stream: impl Read + Send, limits: &Limits) -> Result<Unpacked> {
    let (spool, damage) = spooled_until(name, stream, limits)?;
    Ok((Blob::new(name, Arc::new(spool)), damage))
}

fn strict((file, damage): Unpacked) -> Result<Foreign> {
    damage.map_or_else(|| core_in(&file), Err)
}

fn salvaged_core((file, cut): Unpacked) -> Result<Foreign> {
    let (core, damage) = core::intact(&file)?;
    let told = |error| Loss::damage("core.damage", &file.name, &error);
    let damage: Vec<Loss> = cut.into_iter().chain(damage).map(told).collect();
    let mut foreign = core_tree(&file, &core)?;
    foreign.losses.splice(0..0, damage);
    Ok(foreign)
}

/// A stream in an unnamed temporary file, without its compression, up to where it is damaged; and what is wrong there.
/// What unpacks to far more than it was counts as damaged.
pub(crate) fn spooled_until(
    name: &str,
    stream: impl Read + Send,
    limits: &Limits,
) -> Result<(FileAt, Option<Error>)> {
    let fail = |e| Error::io(name, e);
    let mut spool = tempfile::tempfile().map_err(Error::Temporary)?;
    let mut from = source::unpacked(Box::new(stream), limits.expansion).map_err(fail)?;
    let mut buffer = vec![0; 1 << 16];
    let damage = loop {
        match from.read(&mut buffer) {
            Ok(0) => break None,
            Ok(n) => {
                let bytes = buffer.get(..n).unwrap_or_default();
                spool.write_all(bytes).map_err(Error::Temporary)?;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) if e.raw_os_error().is_none() => break Some(fail(e)),
            Err(e) => return Err(fail(e)),
        }
    };
    let spool = FileAt::new(spool).map_err(Error::Temporary)?;
    Ok((spool, damage))
}

/// Reads a core that can be visited in any order and is not compressed.
pub fn core_in(file: &Blob) -> Result<Foreign> {
    core_tree(file, &core::read(file)?)
}

fn core_tree(file: &Blob, core: &core::Core) -> Result<Foreign> {
    let (tree, losses) = from_core(file, core)?;
    let form = String::new();
    Ok(Foreign { tree, losses, form })
}

/// Reads the CRIU image set in a directory of an archive.
pub fn criu_in(archive: &Archive, dir: &Path) -> Result<Foreign> {
    criu_tree(&archive.set(dir)?)
}

/// Opens a CRIU image set.
pub fn open_criu(path: &Path, limits: &Limits) -> Result<Foreign> {
    criu_tree(&Set::open(path, limits)?)
}

/// Reads a CRIU image set from a tar stream that cannot be revisited.
pub fn read_criu(name: &str, stream: impl Read + Send, limits: &Limits) -> Result<Foreign> {
    criu_tree(&Set::open_stream(name, stream, limits)?)
}

/// Opens what is intact of a CRIU image set. What is not is among the losses, as `criu.damage`.
pub fn salvage_criu(path: &Path, limits: &Limits) -> Result<Foreign> {
    salvaged_tree(Set::open_damaged(path, limits)?)
}

/// The same of a tar stream that cannot be revisited.
pub fn salvage_criu_stream(
    name: &str,
    stream: impl Read + Send,
    limits: &Limits,
) -> Result<Foreign> {
    salvaged_tree(Set::open_damaged_stream(name, stream, limits)?)
}

fn salvaged_tree(set: Set) -> Result<Foreign> {
    // Most sets are intact, and need be read once only.
    if set.check().is_ok()
        && let Ok(foreign) = criu_tree(&set)
        && salvage::rest_is_sound(&set)
    {
        return Ok(foreign);
    }
    let (set, damage) = salvage::salvaged(set)?;
    let mut foreign = criu_tree(&set)?;
    foreign.losses.splice(0..0, damage);
    Ok(foreign)
}

fn criu_tree(set: &Set) -> Result<Foreign> {
    let (tree, losses) = from_criu(set)?;
    let form = form_of(set)?;
    Ok(Foreign { tree, losses, form })
}

/// The image version of a set, and the versions of CRIU that its first page map is of.
fn form_of(set: &Set) -> Result<String> {
    let inventory = criu::image::read(set.need("inventory.img")?, "INVENTORY")?;
    let version = inventory
        .first()
        .map_or(0, |entry| entry.message.u64("img_version"));
    let map = set.members().find(|file| file.name.starts_with("pagemap-"));
    let criu = map.map(criu::pagemap::versions).transpose()?.flatten();
    Ok(match criu {
        Some(criu) => format!("image version {version}, of CRIU {criu}"),
        None => format!("image version {version}"),
    })
}

/// Reads a checkpoint stream of any revision into a tree, for the writers of foreign formats.
pub fn open_stream(stream: &Blob, options: Options) -> Result<Foreign> {
    let fail = |e| Error::io(&stream.name, e);
    let mut decoder = Decoder::new(stream.clone(), options).map_err(fail)?;
    let image = Image::read(&mut decoder, |_| true).map_err(fail)?;
    let (tree, losses) = from_image(&image, stream)?;
    let form = String::new();
    Ok(Foreign { tree, losses, form })
}
