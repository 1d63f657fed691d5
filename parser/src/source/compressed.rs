//! Compressed images, unpacked as they are read.

use super::{StreamSource, file, stream};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// Bytes that tell how a stream is packed.
const HEAD: usize = 6;

/// How an image is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Zstandard (RFC 8878).
    Zstd,
    /// gzip (RFC 1952).
    Gzip,
    /// xz.
    Xz,
    /// LZ4 frames (LZ4 Frame Format 1.6.1), as older systemd packs cores.
    Lz4,
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
        } else if starts(&[0x04, 0x22, 0x4d, 0x18]) {
            Some(Compression::Lz4)
        } else {
            None
        }
    }
    /// By the start of a file, which stays where it stands. What is no regular file counts as not
    /// packed: its bytes come only once.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn of_file(file: &File) -> io::Result<Option<Self>> {
        if !file.metadata()?.is_file() {
            return Ok(None);
        }
        let mut head = [0; HEAD];
        let n = file::read_up_to(file, 0, &mut head)?;
        Ok(Self::of(head.get(..n).unwrap_or_default()))
    }
    /// Takes the first bytes of a stream, and what they say of its compression.
    pub(super) fn peek(reader: &mut dyn Read) -> io::Result<(Vec<u8>, Option<Self>)> {
        let mut head = vec![0; HEAD];
        let n = stream::read_full(reader, &mut head)?;
        head.truncate(n);
        let kind = Self::of(&head);
        Ok((head, kind))
    }
    /// A reader of the unpacked bytes that refuses absurd expansion.
    pub fn unpack<'a>(
        self,
        packed: Box<dyn Read + Send + 'a>,
        expansion: u64,
    ) -> io::Result<Box<dyn Read + Send + 'a>> {
        let counted = Counted {
            inner: packed,
            taken: std::sync::Arc::default(),
        };
        let taken = counted.taken.clone();
        let reader = BufReader::with_capacity(128 << 10, counted);
        let unpacked: Box<dyn Read + Send + 'a> = match self {
            Compression::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(reader)?),
            Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(reader)),
            Compression::Xz => Box::new(liblzma::bufread::XzDecoder::new_multi_decoder(reader)),
            Compression::Lz4 => Box::new(Lz4Frames(lz4_flex::frame::FrameDecoder::new(reader))),
        };
        Ok(Box::new(Guarded {
            inner: unpacked,
            taken,
            given: 0,
            expansion,
        }))
    }
}

/// A stream without its compression, if it has one that its first bytes name.
///
/// # Errors
/// Those of the stream and of the decoder's start.
pub fn unpacked<'a>(
    mut reader: Box<dyn Read + Send + 'a>,
    expansion: u64,
) -> io::Result<Box<dyn Read + Send + 'a>> {
    let (head, kind) = Compression::peek(&mut reader)?;
    let whole = Box::new(io::Cursor::new(head).chain(reader));
    match kind {
        None => Ok(whole),
        Some(kind) => kind.unpack(whole, expansion),
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

/// One LZ4 frame behind another.
struct Lz4Frames<R: BufRead>(lz4_flex::frame::FrameDecoder<R>);

impl<R: BufRead> Read for Lz4Frames<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            let n = self.0.read(buf).map_err(|error| match error.kind() {
                // The decoder tells of its buffer.
                io::ErrorKind::UnexpectedEof => {
                    io::Error::new(error.kind(), "incomplete LZ4 frame")
                }
                io::ErrorKind::InvalidData => io::Error::new(error.kind(), format!("LZ4: {error}")),
                _ => error,
            })?;
            if n > 0 || buf.is_empty() || self.0.get_mut().fill_buf()?.is_empty() {
                return Ok(n);
            }
        }
    }
}

type Counter = std::sync::Arc<std::sync::atomic::AtomicU64>;

/// Counts the packed bytes.
struct Counted<'a> {
    inner: Box<dyn Read + Send + 'a>,
    taken: Counter,
}

impl Read for Counted<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.taken
            .fetch_add(n as u64, std::sync::atomic::Ordering::Relaxed);
        Ok(n)
    }
}

/// Stops a decoder that gives far more than it takes (a "zip bomb").
struct Guarded<'a> {
    inner: Box<dyn Read + Send + 'a>,
    taken: Counter,
    given: u64,
    expansion: u64,
}

impl Read for Guarded<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.given = self.given.saturating_add(n as u64);
        let taken = self.taken.load(std::sync::atomic::Ordering::Relaxed);
        let allowed = (64u64 << 20).saturating_add(taken.saturating_mul(self.expansion));
        if self.given > allowed {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!(
                    "{taken} compressed bytes unpack to more than {allowed}; --limit expansion=NUMBER allows more"
                ),
            ));
        }
        Ok(n)
    }
}
