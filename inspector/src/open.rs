//! One place that opens whatever holds a checkpoint: a linux-cr stream (plain or compressed), the
//! embedded sample, a CRIU image set, an ELF core.

use ckpt_bridge::bytes::Blob;
use ckpt_bridge::{Foreign, Kind, Loss};
use ckpt_parser::decoder::{Decoder, Options};
use ckpt_parser::diagnostic::Diagnostic;
use ckpt_parser::frame::byte_order_salvaged;
use ckpt_parser::limits::Limits;
use ckpt_parser::source::{self, FileSource, InOrder, Prefixed, SliceSource, Source};
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

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

impl Origin {
    /// The short name of what is no stream, and is shown as the one that it amounts to.
    pub const fn foreign(self) -> Option<&'static str> {
        match self {
            Origin::Criu => Some("CRIU"),
            Origin::Core => Some("core"),
            Origin::Stream | Origin::Sample => None,
        }
    }
}

type Make = dyn Fn() -> io::Result<Box<dyn Source>> + Send + Sync;

/// An image that can be read again and again, by several threads at a time.
#[derive(Clone)]
pub struct Opened {
    /// What it was.
    pub origin: Origin,
    /// What a stream cannot hold of a foreign image.
    pub losses: Arc<[Loss]>,
    /// What a foreign image says of its form; empty for streams.
    pub form: Arc<str>,
    /// What is wrong with a foreign image, which the stream that it amounts to does not show.
    damage: Arc<[Diagnostic]>,
    make: Arc<Make>,
}

impl Opened {
    fn new(
        origin: Origin,
        make: impl Fn() -> io::Result<Box<dyn Source>> + Send + Sync + 'static,
    ) -> Opened {
        Opened {
            origin,
            losses: Arc::default(),
            form: Arc::default(),
            damage: Arc::default(),
            make: Arc::new(make),
        }
    }
    fn sample() -> Opened {
        Opened::new(Origin::Sample, || {
            Ok(Box::new(SliceSource(ckpt_samples::EMBEDDED)))
        })
    }
    fn foreign(foreign: Foreign, origin: Origin) -> Opened {
        let stream = Blob::new("image", Arc::new(foreign.stream()));
        Opened {
            damage: foreign.findings().cloned().collect(),
            losses: foreign.losses.into(),
            form: foreign.form.into(),
            ..Opened::new(origin, move || Ok(Box::new(stream.clone())))
        }
    }
    /// A stream in memory.
    pub fn memory(bytes: Vec<u8>) -> Opened {
        let bytes: Arc<[u8]> = bytes.into();
        Opened::new(Origin::Stream, move || {
            Ok(Box::new(SliceSource(bytes.clone())))
        })
    }
    /// A stream in a file.
    pub fn file(file: File) -> Opened {
        Opened::new(Origin::Stream, move || {
            Ok(Box::new(FileSource::new(file.try_clone()?)?))
        })
    }
    /// Another source of its bytes; for foreign formats those of the R18 stream they amount to.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn source(&self) -> io::Result<Box<dyn Source>> {
        (self.make)()
    }
    /// A reader of its records, that knows what is wrong with a foreign image.
    ///
    /// # Errors
    /// Those of the operating system, and of what is no image.
    pub fn decoder(&self, options: Options) -> io::Result<Decoder<Box<dyn Source>>> {
        decoder(self.source()?, options, &self.damage)
    }
}

fn decoder(
    source: Box<dyn Source>,
    options: Options,
    damage: &[Diagnostic],
) -> io::Result<Decoder<Box<dyn Source>>> {
    let mut decoder = Decoder::new(source, options)?;
    for finding in damage {
        decoder.findings_mut().push(finding.clone());
    }
    Ok(decoder)
}

/// What a path leads to.
pub enum Found {
    /// An image that can be read again and again.
    Again(Opened),
    /// What comes once, or in order: a pipe, a compressed file, or what is no image.
    Once(Box<dyn Source>),
}

/// An image that is read once.
pub struct Input {
    source: Box<dyn Source>,
    /// What it was.
    pub origin: Origin,
    /// What a stream cannot hold of a foreign image.
    pub losses: Arc<[Loss]>,
    /// What a foreign image says of its form; empty for streams.
    pub form: Arc<str>,
    damage: Arc<[Diagnostic]>,
}

impl Input {
    /// A reader of its records, that knows what is wrong with a foreign image.
    ///
    /// # Errors
    /// Those of the operating system, and of what is no image.
    pub fn decoder(self, options: Options) -> io::Result<Decoder<Box<dyn Source>>> {
        decoder(self.source, options, &self.damage)
    }
}

impl Found {
    /// To be read once.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn once(self) -> io::Result<Input> {
        Ok(match self {
            Found::Again(opened) => Input {
                source: opened.source()?,
                origin: opened.origin,
                losses: opened.losses,
                form: opened.form,
                damage: opened.damage,
            },
            Found::Once(source) => Input {
                source,
                origin: Origin::Stream,
                losses: Arc::default(),
                form: Arc::default(),
                damage: Arc::default(),
            },
        })
    }
}

/// Opens an image; no path means the embedded sample, `-` standard input.
///
/// # Errors
/// Those of the operating system and of the bridges.
pub fn find(path: Option<&Path>, limits: &Limits) -> io::Result<Found> {
    let Some(path) = path else {
        return Ok(Found::Again(Opened::sample()));
    };
    if path == Path::new("-") {
        return sniff(source::open(path, limits.expansion)?, limits);
    }
    let meta = path.metadata()?;
    if meta.is_file() {
        let file = File::open(path)?;
        let mut head = [0; HEAD];
        let n = FileSource::new(file.try_clone()?)?.read_at(0, &mut head)?;
        if byte_order_salvaged(head.get(..n).unwrap_or_default()).is_some() {
            return Ok(Found::Again(Opened::file(file)));
        }
    }
    if let Some((foreign, origin)) = open_foreign(path, limits)? {
        return Ok(Found::Again(Opened::foreign(foreign, origin)));
    }
    let source = source::open(path, limits.expansion)?;
    if meta.is_file() {
        return Ok(Found::Once(source));
    }
    sniff(source, limits)
}

/// Bytes that tell a stream.
const HEAD: usize = 64;
/// Bytes that tell the foreign formats.
const FOREIGN_HEAD: usize = 512;

/// Looks at the start of what comes once. A stream is let through at its first bytes: the next ones may be long in
/// coming.
fn sniff(source: Box<dyn Source>, limits: &Limits) -> io::Result<Found> {
    let mut source = Prefixed::new(source);
    source.extend(HEAD)?;
    if byte_order_salvaged(source.head()).is_some() {
        return Ok(Found::Once(Box::new(source)));
    }
    source.extend(FOREIGN_HEAD)?;
    let read = if ckpt_bridge::core::is_core(source.head()) {
        ckpt_bridge::salvage_core_stream("-", InOrder::new(source), limits)
            .map(|read| (read, Origin::Core))
    } else if ckpt_bridge::criu::is_tar(source.head()) {
        ckpt_bridge::salvage_criu_stream("-", InOrder::new(source), limits)
            .map(|read| (read, Origin::Criu))
    } else {
        return Ok(Found::Once(Box::new(source)));
    };
    let (foreign, origin) = read?;
    Ok(Found::Again(Opened::foreign(foreign, origin)))
}

fn open_foreign(path: &Path, limits: &Limits) -> io::Result<Option<(Foreign, Origin)>> {
    let opened = match ckpt_bridge::detect(path) {
        Ok(Kind::Core) => {
            ckpt_bridge::salvage_core(path, limits).map(|foreign| Some((foreign, Origin::Core)))
        }
        Ok(Kind::Criu) => {
            ckpt_bridge::salvage_criu(path, limits).map(|foreign| Some((foreign, Origin::Criu)))
        }
        Ok(Kind::Other) if path.is_dir() => {
            let why =
                "a directory without inventory.img, pstree.img or core-*.img is no CRIU image set";
            return Err(io::Error::new(io::ErrorKind::IsADirectory, why));
        }
        Ok(Kind::Other) => Ok(None),
        Err(error) => Err(error),
    };
    Ok(opened?)
}
