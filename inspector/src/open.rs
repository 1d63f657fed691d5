//! One place that opens whatever holds a checkpoint: a linux-cr stream (plain or compressed), the
//! embedded sample, a CRIU image set, an ELF core.

use ckpt_bridge::{Foreign, Kind, Loss};
use ckpt_parser::limits::Limits;
use ckpt_parser::source::{self, SliceSource, Source};
use std::io;
use std::path::Path;

/// What an image was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A linux-cr stream.
    Stream,
    /// The embedded sample.
    Sample,
    /// A CRIU image directory or tar archive, shown as the R18 stream that it amounts to.
    Criu,
    /// An ELF core, shown likewise.
    Core,
}

/// An opened image.
pub struct Input {
    /// Its bytes; for foreign formats those of the R18 stream they amount to.
    pub source: Box<dyn Source>,
    /// What it was.
    pub origin: Origin,
    /// What a stream cannot hold of a foreign image.
    pub losses: Vec<Loss>,
    /// How to call it in messages.
    pub name: String,
}

/// Opens an image; no path means the embedded sample, `-` standard input.
///
/// # Errors
/// Those of the operating system and of the bridges.
pub fn open(path: Option<&Path>, limits: &Limits) -> io::Result<Input> {
    let Some(path) = path else {
        let source = Box::new(SliceSource(ckpt_samples::EMBEDDED));
        let name = "(embedded sample)".to_owned();
        return Ok(Input {
            source,
            origin: Origin::Sample,
            losses: Vec::new(),
            name,
        });
    };
    let name = path.display().to_string();
    if path != Path::new("-")
        && let Some((foreign, origin)) = open_foreign(path, limits)?
    {
        return Ok(Input {
            source: Box::new(foreign.stream()),
            origin,
            losses: foreign.losses,
            name,
        });
    }
    let source = source::open(path, limits.expansion)?;
    Ok(Input {
        source,
        origin: Origin::Stream,
        losses: Vec::new(),
        name,
    })
}

pub(crate) fn open_foreign(path: &Path, limits: &Limits) -> io::Result<Option<(Foreign, Origin)>> {
    let opened = match ckpt_bridge::detect(path) {
        Ok(Kind::Core) => {
            ckpt_bridge::open_core(path, limits).map(|foreign| Some((foreign, Origin::Core)))
        }
        Ok(Kind::Criu) => {
            ckpt_bridge::open_criu(path, limits).map(|foreign| Some((foreign, Origin::Criu)))
        }
        Ok(Kind::Other) if path.is_dir() => {
            let why = "a directory without inventory.img is no CRIU image set";
            return Err(io::Error::new(io::ErrorKind::IsADirectory, why));
        }
        Ok(Kind::Other) => Ok(None),
        Err(error) => Err(error),
    };
    opened.map_err(io::Error::other)
}
