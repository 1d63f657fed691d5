//! Positioned reads and integers of either byte order.

use std::{
    fs::File,
    io::{self, Write},
    os::unix::fs::FileExt,
    sync::Arc,
};

use crate::{Error, Result};

/// Buffer for copying, in bytes.
const COPY_BUFFER: u64 = 1 << 20;
/// Bytes that the kernel copies before whoever watches hears of it.
const KERNEL_STEP: u64 = 8 << 20;

/// Is told how many more bytes have been read.
pub type Watch = Arc<dyn Fn(u64) + Send + Sync>;

/// Something that is read in order, and watched.
pub struct Watched<R> {
    inner: R,
    watch: Watch,
}

impl<R> Watched<R> {
    /// Tells `watch` of all that is read.
    pub fn new(inner: R, watch: Watch) -> Self {
        Self { inner, watch }
    }
}

impl<R: io::Read> io::Read for Watched<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        (self.watch)(n as u64);
        Ok(n)
    }
}

/// Something that can be read at any offset: a file, a slice, a decompressed copy.
pub trait ReadAt: Send + Sync {
    /// Reads at most `buf.len()` bytes at `offset` (bytes); 0 means the end.
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize>;

    /// Length in bytes.
    fn len(&self) -> u64;

    /// Whether there is no byte at all.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes from `offset` on are at hand without the operating system, where that differs from place to place:
    /// see [`ckpt_parser::source::Source::at_hand`].
    fn at_hand(&self, _offset: u64) -> Option<u64> {
        None
    }

    /// The file that this is, if it is one: the kernel can copy from it.
    fn file(&self) -> Option<&File> {
        None
    }
}

/// An open file and its length when it was opened; a file that shrinks later gives short reads, not a crash.
#[derive(Debug)]
pub struct FileAt {
    file: File,
    len: u64,
}

impl FileAt {
    /// Takes over an open, seekable file.
    pub fn new(file: File) -> io::Result<Self> {
        let len = file.metadata()?.len();
        Ok(Self { file, len })
    }
}

impl ReadAt for FileAt {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.file.read_at(buf, offset)
    }

    fn len(&self) -> u64 {
        self.len
    }

    fn file(&self) -> Option<&File> {
        Some(&self.file)
    }
}

impl ReadAt for Vec<u8> {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let rest = usize::try_from(offset)
            .ok()
            .and_then(|o| self.get(o..))
            .unwrap_or_default();
        let n = rest.len().min(buf.len());
        if let (Some(to), Some(from)) = (buf.get_mut(..n), rest.get(..n)) {
            to.copy_from_slice(from);
        }
        Ok(n)
    }

    fn len(&self) -> u64 {
        Vec::len(self) as u64
    }
}

/// Several blobs, one behind the other, each with the offset of its end.
struct Joined(Vec<(u64, Blob)>);

impl Joined {
    fn new(parts: Vec<Blob>) -> Self {
        let mut end = 0;
        let with_end = parts.into_iter().map(|part| {
            end += part.len;
            (end, part)
        });
        Self(with_end.collect())
    }
}

impl ReadAt for Joined {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let at = self.0.partition_point(|&(end, _)| end <= offset);
        let Some((end, part)) = self.0.get(at) else {
            return Ok(0);
        };
        let n = usize::try_from(end - offset).unwrap_or(usize::MAX);
        let n = n.min(buf.len());
        let buf = buf.get_mut(..n).unwrap_or_default();
        part.read_exact_at(offset - (end - part.len), buf)?;
        Ok(n)
    }

    fn len(&self) -> u64 {
        self.0.last().map_or(0, |&(end, _)| end)
    }
}

/// A named range of something readable: one member of an image set, wherever it lies.
#[derive(Clone)]
pub struct Blob {
    /// Name for messages.
    pub name: String,
    source: Arc<dyn ReadAt>,
    start: u64,
    len: u64,
    watch: Option<Watch>,
}

impl Blob {
    /// All of `source`.
    pub fn new(name: impl Into<String>, source: Arc<dyn ReadAt>) -> Self {
        let len = source.len();
        Self {
            name: name.into(),
            source,
            start: 0,
            len,
            watch: None,
        }
    }

    /// `len` bytes of `source` from `start` on, cut to what exists.
    pub fn range(name: impl Into<String>, source: Arc<dyn ReadAt>, start: u64, len: u64) -> Self {
        let end = start.saturating_add(len).min(source.len());
        Self {
            name: name.into(),
            start: start.min(end),
            len: end.saturating_sub(start),
            source,
            watch: None,
        }
    }

    /// Tells `watch` of all that is read from now on.
    pub fn watch(&mut self, watch: &Watch) {
        self.watch = Some(Arc::clone(watch));
    }

    fn tell(&self, bytes: u64) {
        if let Some(watch) = &self.watch {
            watch(bytes);
        }
    }

    /// The bytes of several, one behind the other.
    pub fn joined(name: impl Into<String>, parts: Vec<Self>) -> Self {
        match <[Self; 1]>::try_from(parts) {
            Ok([one]) => Self {
                name: name.into(),
                ..one
            },
            Err(parts) => Self::new(name, Arc::new(Joined::new(parts))),
        }
    }

    /// Length in bytes.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there is no byte.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Reads exactly `buf.len()` bytes at `offset`, or says how far the file goes.
    pub fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> Result<()> {
        let mut done = 0;
        let wanted = buf.len() as u64;
        if offset.checked_add(wanted).is_none_or(|end| end > self.len) {
            return Err(self.ends_early(offset, wanted));
        }
        while let Some(rest) = buf.get_mut(done..).filter(|r| !r.is_empty()) {
            match self.source.read_at(self.start + offset + done as u64, rest) {
                Ok(0) => return Err(self.ends_early(offset, wanted)),
                Ok(n) => done += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(Error::io(&self.name, e)),
            }
        }
        self.tell(wanted);
        Ok(())
    }

    /// Reads what there is at `offset`, up to `buf.len()` bytes; how many. None at the end and behind it.
    pub fn read_up_to(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        let left = usize::try_from(self.len.saturating_sub(offset)).unwrap_or(usize::MAX);
        let n = left.min(buf.len());
        if let Some(buf) = buf.get_mut(..n).filter(|buf| !buf.is_empty()) {
            self.read_exact_at(offset, buf)?;
        }
        Ok(n)
    }

    /// Reads `len` bytes at `offset`; `limit` bounds what is ever allocated.
    pub fn read(&self, offset: u64, len: u64, limit: u64) -> Result<Vec<u8>> {
        if offset.checked_add(len).is_none_or(|end| end > self.len) {
            return Err(self.ends_early(offset, len));
        }
        if len > limit {
            return Err(Error::damaged(
                &self.name,
                offset,
                "length",
                len,
                format!("at most {limit}"),
            ));
        }
        let mut buf = vec![0; usize::try_from(len).unwrap_or(0)];
        self.read_exact_at(offset, &mut buf)?;
        Ok(buf)
    }

    /// The whole content, if not above `limit` bytes.
    pub fn read_all(&self, limit: u64) -> Result<Vec<u8>> {
        self.read(0, self.len, limit)
    }

    /// `len` bytes from `offset` on, cut to what exists, under the same name.
    pub fn part(&self, offset: u64, len: u64) -> Self {
        let start = offset.min(self.len);
        Self {
            start: self.start + start,
            len: len.min(self.len - start),
            ..self.clone()
        }
    }

    /// The content in order, for those that read so.
    pub fn reader(&self) -> Reader {
        Reader {
            blob: self.clone(),
            at: 0,
        }
    }

    /// See [`ReadAt::at_hand`].
    pub(crate) fn at_hand(&self, offset: u64) -> Option<u64> {
        let here = self.source.at_hand(self.start.saturating_add(offset))?;
        Some(here.min(self.len.saturating_sub(offset)))
    }

    /// Copies the content to where a file stands: large contents in the kernel, if both ends are files that it can copy
    /// between, else through one fixed buffer.
    pub fn copy_to_file(&self, out: &mut File) -> Result<()> {
        let mut at = 0;
        if let Some(source) = self.source.file().filter(|_| self.len >= COPY_BUFFER) {
            while at < self.len {
                let mut from = self.start + at;
                let len = usize::try_from((self.len - at).min(KERNEL_STEP)).unwrap_or(usize::MAX);
                match rustix::fs::copy_file_range(source, Some(&mut from), &mut *out, None, len) {
                    Ok(n) if n > 0 => {
                        at += n as u64;
                        self.tell(n as u64);
                    }
                    // Another file system, an old kernel, or the end: the buffer copies, or says what is wrong.
                    _ => break,
                }
            }
        }
        self.part(at, self.len - at).copy_to(out)
    }

    /// Copies the content through one fixed buffer.
    pub fn copy_to(&self, out: &mut dyn Write) -> Result<()> {
        let mut buf = vec![0; usize::try_from(self.len.min(COPY_BUFFER)).unwrap_or(0)];
        let mut at = 0;
        while at < self.len {
            let n = usize::try_from(self.len - at)
                .unwrap_or(usize::MAX)
                .min(buf.len());
            let Some(chunk) = buf.get_mut(..n) else { break };
            self.read_exact_at(at, chunk)?;
            out.write_all(chunk).map_err(Error::writing)?;
            at += n as u64;
        }
        Ok(())
    }

    pub(crate) fn ends_early(&self, offset: u64, wanted: u64) -> Error {
        Error::damaged(
            &self.name,
            offset,
            "data",
            format!("end of file at {:#x}", self.len),
            format!("{wanted} bytes"),
        )
    }
}

/// Reads a [`Blob`] from a position on.
#[derive(Debug)]
pub struct Reader {
    blob: Blob,
    at: u64,
}

impl io::Read for Reader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.blob.read_up_to(self.at, buf)?;
        self.at += n as u64;
        Ok(n)
    }
}

impl io::Seek for Reader {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        let place = match to {
            io::SeekFrom::Start(offset) => Some(offset),
            io::SeekFrom::End(by) => self.blob.len.checked_add_signed(by),
            io::SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = place.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

impl std::fmt::Debug for Blob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}[{:#x}; {:#x}]", self.name, self.start, self.len)
    }
}

/// Byte order of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
}

/// Integers at an offset of a slice; `None` beyond its end.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a> {
    /// The bytes.
    pub data: &'a [u8],
    /// Their order.
    pub order: Order,
}

impl<'a> Fields<'a> {
    /// `len` bytes at `offset`.
    pub fn bytes(&self, offset: usize, len: usize) -> Option<&'a [u8]> {
        self.data.get(offset..offset.checked_add(len)?)
    }

    /// An unsigned integer of `size` (1 to 8) bytes at `offset`.
    pub fn uint(&self, offset: usize, size: usize) -> Option<u64> {
        let b = self.bytes(offset, size)?;
        let fold = |acc: u64, &x: &u8| (acc << 8) | u64::from(x);
        Some(match self.order {
            Order::Little => b.iter().rev().fold(0, fold),
            Order::Big => b.iter().fold(0, fold),
        })
    }

    /// A 16-bit integer at `offset`.
    pub fn u16(&self, offset: usize) -> Option<u16> {
        self.uint(offset, 2).and_then(|v| u16::try_from(v).ok())
    }

    /// A 32-bit integer at `offset`.
    pub fn u32(&self, offset: usize) -> Option<u32> {
        self.uint(offset, 4).and_then(|v| u32::try_from(v).ok())
    }

    /// A signed 32-bit integer at `offset`.
    pub fn i32(&self, offset: usize) -> Option<i32> {
        self.u32(offset).map(u32::cast_signed)
    }
}

/// Appends the low `size` bytes of `value` in the given order.
pub fn push_uint(out: &mut Vec<u8>, order: Order, value: u64, size: usize) {
    let start = out.len();
    out.resize(start + size, 0);
    put_uint(out.get_mut(start..).unwrap_or_default(), order, value);
}

/// Fills `out`, at most 8 bytes, with the low bytes of `value` in the given order.
pub fn put_uint(out: &mut [u8], order: Order, value: u64) {
    for (to, from) in out.iter_mut().zip(value.to_le_bytes()) {
        *to = from;
    }
    if order == Order::Big {
        out.reverse();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_of_both_orders_survive() {
        for order in [Order::Little, Order::Big] {
            for (size, value) in [
                (1, 0xfe),
                (2, 0x1234),
                (4, 0x1234_5678),
                (8, 0x1234_5678_9abc_def0_u64),
            ] {
                let mut out = vec![0xaa];
                push_uint(&mut out, order, value, size);
                let f = Fields { data: &out, order };
                assert_eq!(f.uint(1, size), Some(value));
                assert_eq!(f.uint(2, size), None);
            }
        }
    }

    #[test]
    fn a_range_is_cut_to_what_exists() {
        let blob = Blob::range("x", Arc::new(vec![1_u8, 2, 3]), 1, 10);
        assert_eq!(blob.len(), 2);
        assert_eq!(blob.read_all(10).unwrap(), [2, 3]);
        assert!(blob.read(1, 2, 10).is_err());
        assert!(blob.read(u64::MAX, 2, 10).is_err());
        assert!(blob.read(0, 2, 1).is_err());
    }
}
