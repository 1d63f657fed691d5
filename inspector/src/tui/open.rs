//! Opens whatever may hold a process: a stream, a compressed one, a pipe, a foreign image.
//!
//! The threads of the interface read at the same time, so an opened image is a recipe for
//! independent sources over the same bytes. What cannot be read twice (pipes, compressed files) is
//! unpacked once: into memory, or if it is large into a file without a name, of which nothing stays
//! however the program ends. Going back in a packed file would mean unpacking it from the start.

use crate::open::Origin;
use ckpt_bridge::bytes::Blob;
use ckpt_parser::frame::byte_order_salvaged;
use ckpt_parser::limits::Limits;
use ckpt_parser::source::{self, FileSource, SliceSource, Source};
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

type Make = dyn Fn() -> io::Result<Box<dyn Source>> + Send + Sync;

/// An image that can be read by several threads.
#[derive(Clone)]
pub struct Opened {
    /// What kind of image: "checkpoint stream", "ELF core" …
    pub kind: &'static str,
    /// The same for the machine.
    pub origin: Origin,
    make: Arc<Make>,
}

impl Opened {
    /// Another source over the same bytes.
    pub fn source(&self) -> io::Result<Box<dyn Source>> {
        (self.make)()
    }
    pub(super) fn memory(kind: &'static str, bytes: Vec<u8>) -> Opened {
        let bytes: Arc<[u8]> = bytes.into();
        Opened {
            kind,
            origin: Origin::Stream,
            make: Arc::new(move || Ok(Box::new(SliceSource(bytes.clone())))),
        }
    }
    fn file(kind: &'static str, file: File) -> Opened {
        Opened {
            kind,
            origin: Origin::Stream,
            make: Arc::new(move || Ok(Box::new(FileSource::new(file.try_clone()?)?))),
        }
    }
}

/// Opens an image; `None` is the sample that comes with the program. `unpacked` is told the bytes
/// of a pipe or compressed file as they arrive.
///
/// # Errors
/// Those of the operating system, in words. If `stop` is set while unpacking, what there is until
/// then is the image.
pub fn open(
    path: Option<&Path>,
    limits: &Limits,
    stop: &AtomicBool,
    unpacked: impl FnMut(u64),
) -> io::Result<Opened> {
    let Some(path) = path else {
        return Ok(Opened {
            kind: "sample",
            origin: Origin::Sample,
            make: Arc::new(|| Ok(Box::new(SliceSource(ckpt_samples::EMBEDDED)))),
        });
    };
    if path != Path::new("-") && path.is_file() {
        let file = File::open(path)?;
        let mut head = [0; 64];
        let n = FileSource::new(file.try_clone()?)?.read_at(0, &mut head)?;
        let head = head.get(..n).unwrap_or_default();
        if head.is_empty() {
            let why = "the file is empty: a checkpoint begins with a HEADER record of 72 bytes";
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        if byte_order_salvaged(head).is_some() {
            return Ok(Opened::file("checkpoint stream", file));
        }
    }
    if path != Path::new("-")
        && let Some((foreign, origin)) = crate::open::open_foreign(path, limits)?
    {
        let kind = if origin == Origin::Core {
            "ELF core"
        } else {
            "CRIU image set"
        };
        let stream = Blob::new("image", Arc::new(foreign.stream()));
        return Ok(Opened {
            kind,
            origin,
            make: Arc::new(move || Ok(Box::new(stream.clone()))),
        });
    }
    spool(source::open(path, limits.expansion)?, stop, unpacked)
}

/// How much of a pipe is moved at once.
const PIECE: usize = 256 << 10;
/// Bytes of a pipe that are kept in memory.
const IN_MEMORY: usize = 32 << 20;
const UNPACKED: &str = "checkpoint stream, unpacked";

fn spool(
    mut from: Box<dyn Source>,
    stop: &AtomicBool,
    mut unpacked: impl FnMut(u64),
) -> io::Result<Opened> {
    let mut buf = vec![0; PIECE];
    let mut at = 0;
    let mut kept = Vec::new();
    let mut file: Option<File> = None;
    loop {
        let n = from.read_at(at, &mut buf)?;
        let bytes = buf.get(..n).unwrap_or_default();
        if at == 0 && byte_order_salvaged(bytes).is_none() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, NOT_AN_IMAGE));
        }
        match &mut file {
            Some(file) => file.write_all(bytes)?,
            None if kept.len() + n <= IN_MEMORY => kept.extend_from_slice(bytes),
            None => {
                let mut new = tempfile::tempfile()?;
                new.write_all(&std::mem::take(&mut kept))?;
                new.write_all(bytes)?;
                file = Some(new);
            }
        }
        at += n as u64;
        // Whoever stops an endless pipe wants to see what came: the flag is not for the readers.
        if n < PIECE || stop.swap(false, Ordering::Relaxed) {
            return Ok(match file {
                Some(file) => Opened::file(UNPACKED, file),
                None => Opened::memory(UNPACKED, kept),
            });
        }
        unpacked(at);
    }
}

const NOT_AN_IMAGE: &str = "not a checkpoint stream, a CRIU image set, or an ELF core \
     (a stream begins with record type 1 and the magic number 0xfeed0cc0a2d200)";
