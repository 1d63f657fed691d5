//! Compressed images, unpacked as they are read.

use super::{FileSource, Source, StreamSource};
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

/// How an image is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Zstandard (RFC 8878).
    Zstd,
    /// gzip (RFC 1952).
    Gzip,
    /// xz.
    Xz,
}

impl Compression {
    /// By the magic bytes at the start.
    pub fn of(head: &[u8]) -> Option<Self> {
        let starts = |magic: &[u8]| head.starts_with(magic);
        if starts(&[0x28, 0xb5, 0x2f, 0xfd]) {
            Some(Compression::Zstd)
        } else if starts(&[0x1f, 0x8b]) {
            Some(Compression::Gzip)
        } else if starts(&[0xfd, b'7', b'z', b'X', b'Z', 0]) {
            Some(Compression::Xz)
        } else {
            None
        }
    }
    pub(super) fn detect(source: &mut FileSource) -> io::Result<Option<Self>> {
        let mut head = [0; 6];
        let n = source.read_at(0, &mut head)?;
        Ok(Self::of(head.get(..n).unwrap_or_default()))
    }
    /// A reader of the unpacked bytes that refuses absurd expansion.
    pub fn unpack(
        self,
        packed: Box<dyn Read + Send>,
        expansion: u64,
    ) -> io::Result<Box<dyn Read + Send>> {
        let counted = Counted {
            inner: packed,
            taken: std::sync::Arc::default(),
        };
        let taken = counted.taken.clone();
        let reader = BufReader::with_capacity(128 << 10, counted);
        let unpacked: Box<dyn Read + Send> = match self {
            Compression::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(reader)?),
            Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(reader)),
            Compression::Xz => Box::new(liblzma::bufread::XzDecoder::new_multi_decoder(reader)),
        };
        Ok(Box::new(Guarded {
            inner: unpacked,
            taken,
            given: 0,
            expansion,
        }))
    }
}

/// Opens a compressed file; going back means unpacking again from the start.
///
/// # Errors
/// Those of the operating system and of the decoder's start.
pub fn open_compressed(path: &Path, kind: Compression, expansion: u64) -> io::Result<StreamSource> {
    let path = path.to_owned();
    StreamSource::reopening(Box::new(move || {
        kind.unpack(Box::new(File::open(&path)?), expansion)
    }))
}

type Counter = std::sync::Arc<std::sync::atomic::AtomicU64>;

/// Counts the packed bytes.
struct Counted {
    inner: Box<dyn Read + Send>,
    taken: Counter,
}

impl Read for Counted {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.taken
            .fetch_add(n as u64, std::sync::atomic::Ordering::Relaxed);
        Ok(n)
    }
}

/// Stops a decoder that gives far more than it takes (a "zip bomb").
struct Guarded {
    inner: Box<dyn Read + Send>,
    taken: Counter,
    given: u64,
    expansion: u64,
}

impl Read for Guarded {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.given = self.given.saturating_add(n as u64);
        let taken = self.taken.load(std::sync::atomic::Ordering::Relaxed);
        let allowed = (64u64 << 20).saturating_add(taken.saturating_mul(self.expansion));
        if self.given > allowed {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!(
                    "{taken} compressed bytes unpack to more than {allowed}; raise --max-expansion if that is right"
                ),
            ));
        }
        Ok(n)
    }
}
