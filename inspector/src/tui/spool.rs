//! Opens an image for the threads of the interface, which read at the same time.
//!
//! What cannot be read twice (pipes, compressed files) is unpacked once: into memory, or if it is
//! large into a file without a name, of which nothing stays however the program ends. Going back in
//! a packed file would mean unpacking it from the start.

use crate::open::{Found, Opened, find};
use ckpt_parser::frame::byte_order_salvaged;
use ckpt_parser::limits::Limits;
use ckpt_parser::source::Source;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

/// Opens an image; `None` is the sample that comes with the program. `unpacked` is told now and then
/// how much of a pipe or compressed file has come.
///
/// # Errors
/// Those of the operating system, in words. If `stop` is set while unpacking, what there is until
/// then is the image.
pub fn open(
    path: Option<&Path>,
    limits: &Limits,
    stop: &AtomicBool,
    unpacked: impl FnMut(u64),
) -> io::Result<Spooled> {
    match find(path, limits)? {
        Found::Again(opened) => Ok(Spooled {
            opened,
            copied: None,
        }),
        Found::Once(source) => spool(&pieces_of(source), stop, unpacked),
    }
}

/// An opened image.
pub struct Spooled {
    /// To read from.
    pub opened: Opened,
    /// Bytes that were copied to a temporary file for that.
    pub copied: Option<u64>,
}

/// How much is waited for at once: what a slow pipe has brought is not to be lost when it is stopped.
const PIECE: usize = 4 << 10;
/// Pieces that may wait to be kept.
const WAITING: usize = 64;
/// How long a stop may go unseen.
const STOP: Duration = Duration::from_millis(50);
/// Bytes between two reports.
const REPORT: u64 = 256 << 10;
/// Bytes of a pipe that are kept in memory.
const IN_MEMORY: usize = 32 << 20;

/// Reads on a thread of its own: a pipe may keep its reader waiting for ever.
fn pieces_of(mut from: Box<dyn Source>) -> Receiver<io::Result<Vec<u8>>> {
    let (give, pieces) = sync_channel(WAITING);
    std::thread::spawn(move || {
        let mut at = 0;
        loop {
            let mut piece = vec![0; PIECE];
            let read = from.read_at(at, &mut piece);
            let n = *read.as_ref().unwrap_or(&0);
            piece.truncate(n);
            at += n as u64;
            if give.send(read.map(|_| piece)).is_err() || n < PIECE {
                return;
            }
        }
    });
    pieces
}

fn spool(
    pieces: &Receiver<io::Result<Vec<u8>>>,
    stop: &AtomicBool,
    mut unpacked: impl FnMut(u64),
) -> io::Result<Spooled> {
    let mut store = Store::Memory(Vec::new());
    let (mut at, mut told) = (0, 0);
    loop {
        match pieces.recv_timeout(STOP) {
            Ok(piece) => {
                let piece = piece?;
                if at == 0 && byte_order_salvaged(&piece).is_none() {
                    let why = if piece.is_empty() {
                        EMPTY
                    } else {
                        NOT_AN_IMAGE
                    };
                    return Err(io::Error::new(io::ErrorKind::InvalidData, why));
                }
                store = store.add(&piece).map_err(|error| no_room(at, &error))?;
                at += piece.len() as u64;
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        // Whoever stops an endless pipe wants to see what came: the flag is not for the readers.
        if stop.swap(false, Ordering::Relaxed) {
            break;
        }
        if at >= told + REPORT || told == 0 {
            told = at;
            unpacked(at);
        }
    }
    store.done(at).map_err(|error| no_room(at, &error))
}

/// Where the bytes of a pipe are kept.
enum Store {
    Memory(Vec<u8>),
    File(BufWriter<File>),
}

impl Store {
    fn add(self, piece: &[u8]) -> io::Result<Store> {
        Ok(match self {
            Store::Memory(mut kept) if kept.len() + piece.len() <= IN_MEMORY => {
                kept.extend_from_slice(piece);
                Store::Memory(kept)
            }
            Store::Memory(kept) => {
                let mut file = BufWriter::with_capacity(REPORT as usize, tempfile::tempfile()?);
                file.write_all(&kept)?;
                file.write_all(piece)?;
                Store::File(file)
            }
            Store::File(mut file) => {
                file.write_all(piece)?;
                Store::File(file)
            }
        })
    }
    fn done(self, len: u64) -> io::Result<Spooled> {
        Ok(match self {
            Store::Memory(kept) => Spooled {
                opened: Opened::memory(kept),
                copied: None,
            },
            Store::File(file) => Spooled {
                opened: Opened::file(file.into_inner()?),
                copied: Some(len),
            },
        })
    }
}

/// The temporary file cannot be written.
fn no_room(at: u64, error: &io::Error) -> io::Error {
    let folder = std::env::temp_dir();
    let why = format!(
        "unpacking into a temporary file in {} (set TMPDIR for another place), {at} bytes so far: {error}",
        folder.display()
    );
    io::Error::new(error.kind(), why)
}

const EMPTY: &str = "the file is empty: a checkpoint begins with a HEADER record of 72 bytes";
const NOT_AN_IMAGE: &str = "not a checkpoint stream, a CRIU image set, or an ELF core \
     (a stream begins with record type 1 and the magic number 0xfeed0cc0a2d200)";
