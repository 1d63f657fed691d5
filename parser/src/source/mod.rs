//! Where bytes come from. The only part of the crate that does I/O.

mod ahead;
mod composite;
mod compressed;
mod file;
mod prefixed;
mod stream;
mod window;

pub use ahead::{Ahead, Watch};
pub use composite::{Composite, Piece};
pub use compressed::{Compression, open_compressed, unpacked};
pub use file::FileSource;
pub use prefixed::{InOrder, Prefixed};
pub use stream::{StreamSource, copy};
pub use window::Window;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

/// Bytes by position. Reading does not move anything; a stream may refuse to go back.
#[expect(
    clippy::len_without_is_empty,
    reason = "the length of a stream is not known"
)]
pub trait Source: Send {
    /// Reads up to `buf.len()` bytes at `offset`; fewer only at the end. 0 means end.
    ///
    /// # Errors
    /// Those of the operating system; `Unsupported` when a pipe is asked to go back.
    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> io::Result<usize>;

    /// Length in bytes, if it is known without reading.
    fn len(&self) -> Option<u64>;

    /// Whether positions may be visited in any order at no great cost.
    fn is_seekable(&self) -> bool;

    /// How many bytes from `offset` on can be had without the operating system, for sources of which some are in memory
    /// and some in files: what is beyond is read only when it is asked for. `None` where all are alike.
    fn at_hand(&self, _offset: u64) -> Option<u64> {
        None
    }

    /// Bytes from `at` or a little before it on that were read beforehand, exchanged for the
    /// buffer `spare`; `None` where they are still to be read. For readers that go on in order in
    /// large steps.
    ///
    /// # Errors
    /// Those of the operating system.
    fn ahead(&mut self, _at: u64, _spare: &mut Vec<u8>) -> io::Result<Option<Ahead>> {
        Ok(None)
    }

    /// Shows `watch` the bytes that are read beforehand; what it is not shown it must read itself.
    fn watch(&mut self, _watch: Arc<dyn Watch>) {}

    /// Another reader of the same bytes, for another thread; `None` if they can be read once only.
    fn another(&self) -> Option<Box<dyn Source>> {
        None
    }

    /// Where a pipe stands whose bytes from there on can be poured; `None` for everything else.
    fn pours_from(&self) -> Option<u64> {
        None
    }

    /// Moves up to `len` bytes of a pipe from `offset` on into a file without showing them, as the
    /// operating system can; how many it were. Fewer at the end, and none from before
    /// [`Source::pours_from`].
    ///
    /// # Errors
    /// Those of the operating system.
    fn pour(&mut self, _offset: u64, _len: u64, _into: &File) -> io::Result<u64> {
        Ok(0)
    }
}

/// What owns or borrows a source is one.
macro_rules! forward {
    ($($owner:ty)*) => {$(
        impl<S: Source + ?Sized> Source for $owner {
            fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
                (**self).read_at(offset, buf)
            }
            fn len(&self) -> Option<u64> {
                (**self).len()
            }
            fn is_seekable(&self) -> bool {
                (**self).is_seekable()
            }
            fn at_hand(&self, offset: u64) -> Option<u64> {
                (**self).at_hand(offset)
            }
            fn ahead(&mut self, at: u64, spare: &mut Vec<u8>) -> io::Result<Option<Ahead>> {
                (**self).ahead(at, spare)
            }
            fn watch(&mut self, watch: Arc<dyn Watch>) {
                (**self).watch(watch);
            }
            fn another(&self) -> Option<Box<dyn Source>> {
                (**self).another()
            }
            fn pours_from(&self) -> Option<u64> {
                (**self).pours_from()
            }
            fn pour(&mut self, offset: u64, len: u64, into: &File) -> io::Result<u64> {
                (**self).pour(offset, len, into)
            }
        }
    )*};
}

forward! { Box<S> &mut S }

/// A byte slice or vector.
#[derive(Clone, Debug)]
pub struct SliceSource<T>(pub T);

impl<T: AsRef<[u8]> + Send> Source for SliceSource<T> {
    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let all = self.0.as_ref();
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(all.len());
        let rest = all.get(start..).unwrap_or_default();
        let n = rest.len().min(buf.len());
        if let (Some(to), Some(from)) = (buf.get_mut(..n), rest.get(..n)) {
            to.copy_from_slice(from);
        }
        Ok(n)
    }
    fn len(&self) -> Option<u64> {
        Some(self.0.as_ref().len() as u64)
    }
    fn is_seekable(&self) -> bool {
        true
    }
}

/// Whether the bytes are to blame for an error of reading, rather than the system: what is packed cannot be unpacked, or
/// ends before its time.
pub fn is_damage(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
    )
}

/// Opens a file, a pipe or `-` (standard input); unpacks zstd, gzip, xz and LZ4 by their magic bytes.
///
/// # Errors
/// Those of the operating system; a directory is `IsADirectory`.
pub fn open(path: &Path, expansion: u64) -> io::Result<Box<dyn Source>> {
    if path == Path::new("-") {
        return open_stdin(expansion);
    }
    let file = File::open(path)?;
    let meta = file.metadata()?;
    if meta.is_dir() {
        return Err(io::Error::new(
            io::ErrorKind::IsADirectory,
            "is a directory",
        ));
    }
    if !meta.is_file() {
        return stream(file, expansion);
    }
    match Compression::of_file(&file)? {
        None => Ok(Box::new(FileSource::new(file)?)),
        Some(kind) => Ok(Box::new(open_compressed(path, kind, expansion)?)),
    }
}

fn open_stdin(expansion: u64) -> io::Result<Box<dyn Source>> {
    use std::os::fd::AsFd;
    let file = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    if !file.metadata()?.is_file() {
        return stream(file, expansion);
    }
    let packed = Compression::of_file(&file)?.is_some();
    let source = FileSource::new(file)?;
    if packed {
        let reader = unpacked(Box::new(InOrder::new(source)), expansion)?;
        Ok(Box::new(StreamSource::new(reader)))
    } else {
        Ok(Box::new(source))
    }
}

/// What is no plain file, and may be compressed.
fn stream(mut file: File, expansion: u64) -> io::Result<Box<dyn Source>> {
    let (head, kind) = Compression::peek(&mut file)?;
    let start = io::Cursor::new(head);
    Ok(Box::new(match kind {
        None => StreamSource::with_pipe(start, file)?,
        Some(kind) => StreamSource::new(kind.unpack(Box::new(start.chain(file)), expansion)?),
    }))
}
