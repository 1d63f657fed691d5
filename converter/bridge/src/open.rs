//! Opening foreign images by what they are.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::Path,
    sync::Arc,
};

use ckpt_parser::{
    decoder::{Decoder, Options},
    model::Image,
};

use crate::{
    Error, Loss, Result,
    bytes::{Blob, FileAt},
    core,
    criu::{self, Set},
    from_core, from_criu, from_image,
    packing::{self, Packing},
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
}

impl Foreign {
    /// The image as a stream of revision R18 that reads like a file.
    pub fn stream(&self) -> Stream {
        to_stream(&self.tree)
    }
}

/// Looks at the first bytes of a file, or into a directory.
pub fn detect(path: &Path) -> Result<Kind> {
    let fail = |e| Error::io(path.display().to_string(), e);
    let meta = fs::metadata(path).map_err(fail)?;
    if meta.is_dir() {
        return Ok(if path.join("inventory.img").exists() {
            Kind::Criu
        } else {
            Kind::Other
        });
    }
    if !meta.is_file() {
        return Ok(Kind::Other);
    }
    let file = File::open(path).map_err(fail)?;
    let mut head = Vec::new();
    // A file that only looks compressed is something else.
    let unpacked = packing::unpacked(file).and_then(|r| r.take(512).read_to_end(&mut head));
    match unpacked {
        Ok(_) if core::is_core(&head) => Ok(Kind::Core),
        Ok(_) if criu::is_tar(&head) => Ok(Kind::Criu),
        Err(e) if e.raw_os_error().is_some() => Err(fail(e)),
        _ => Ok(Kind::Other),
    }
}

/// Opens a core file; a compressed one is unpacked into an unnamed temporary file.
pub fn open_core(path: &Path) -> Result<Foreign> {
    let name = path.display().to_string();
    let fail = |e| Error::io(&name, e);
    let mut file = File::open(path).map_err(fail)?;
    let packed = Packing::of_file(&mut file).map_err(fail)? != Packing::None;
    if packed || !file.metadata().map_err(fail)?.is_file() {
        return read_core(&name, file);
    }
    core_tree(&Blob::new(
        name.clone(),
        Arc::new(FileAt::new(file).map_err(fail)?),
    ))
}

/// Reads a core from a stream that cannot be revisited, such as standard input.
pub fn read_core(name: &str, stream: impl Read) -> Result<Foreign> {
    let fail = |e| Error::io(name, e);
    let mut spool = tempfile::tempfile().map_err(fail)?;
    io::copy(&mut packing::unpacked(stream).map_err(fail)?, &mut spool).map_err(fail)?;
    core_tree(&Blob::new(
        name,
        Arc::new(FileAt::new(spool).map_err(fail)?),
    ))
}

fn core_tree(file: &Blob) -> Result<Foreign> {
    let core = core::read(file)?;
    let (tree, losses) = from_core(file, &core)?;
    Ok(Foreign { tree, losses })
}

/// Opens a CRIU image set.
pub fn open_criu(path: &Path) -> Result<Foreign> {
    criu_tree(&Set::open(path)?)
}

/// Reads a CRIU image set from a tar stream that cannot be revisited.
pub fn read_criu(name: &str, stream: impl Read) -> Result<Foreign> {
    criu_tree(&Set::open_stream(name, stream)?)
}

fn criu_tree(set: &Set) -> Result<Foreign> {
    let (tree, losses) = from_criu(set)?;
    Ok(Foreign { tree, losses })
}

/// Reads a checkpoint stream of any revision into a tree, for the writers of foreign formats.
pub fn open_stream(stream: &Blob, options: Options) -> Result<Foreign> {
    let fail = |e| Error::io(&stream.name, e);
    let mut decoder = Decoder::new(stream.clone(), options).map_err(fail)?;
    let image = Image::read(&mut decoder, |_| true).map_err(fail)?;
    let (tree, losses) = from_image(&image, stream)?;
    Ok(Foreign { tree, losses })
}
