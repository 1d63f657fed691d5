//! One place that opens whatever holds a checkpoint: a linux-cr stream (plain or compressed), the
//! embedded sample, a CRIU image set, an ELF core.

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
    /// How to call it in messages.
    pub name: String,
}

/// Opens an image; no path means the embedded sample, `-` standard input.
///
/// # Errors
/// Those of the operating system and of the bridges.
pub fn open(path: Option<&Path>, expansion: u64) -> io::Result<Input> {
    let Some(path) = path else {
        let source = Box::new(SliceSource(ckpt_samples::EMBEDDED));
        return Ok(Input {
            source,
            origin: Origin::Sample,
            name: "(embedded sample)".to_owned(),
        });
    };
    let name = path.display().to_string();
    let source = source::open(path, expansion)?;
    Ok(Input {
        source,
        origin: Origin::Stream,
        name,
    })
}
