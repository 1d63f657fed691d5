//! A frame walker that knows nothing but `type`, `len` and the raw page after SOCKET_FRAG.

use ckpt_samples::Sample;

/// One record of an image.
pub(crate) struct Frame<'a> {
    pub(crate) offset: usize,
    pub(crate) number: u32,
    /// The record with its header.
    pub(crate) bytes: &'a [u8],
}

impl Frame<'_> {
    /// A 32-bit field.
    pub(crate) fn u32(&self, sample: &Sample, at: usize) -> u32 {
        u32_at(self.bytes, at, sample.big_endian)
    }
}

/// R17 as 17.
pub(crate) fn revision(sample: &Sample) -> u8 {
    sample.revision[1..].parse().unwrap()
}

fn u32_at(bytes: &[u8], at: usize, big: bool) -> u32 {
    let four = bytes[at..at + 4].try_into().unwrap();
    if big {
        u32::from_be_bytes(four)
    } else {
        u32::from_le_bytes(four)
    }
}

/// Bytes of a page; one sample comes from a kernel with larger ones and says so.
fn page_size(sample: &Sample) -> usize {
    if sample.name.ends_with("-64k") {
        65536
    } else {
        4096
    }
}

/// All frames of an image, or the offset and reason of the first that does not fit.
pub(crate) fn frames<'a>(sample: &Sample, image: &'a [u8]) -> Result<Vec<Frame<'a>>, String> {
    let (mut offset, mut found) = (0, Vec::new());
    while offset < image.len() {
        let rest = &image[offset..];
        if rest.len() < 8 {
            return Err(format!("{offset:#x}: {} bytes left over", rest.len()));
        }
        let number = u32_at(rest, 0, sample.big_endian);
        let len = u32_at(rest, 4, sample.big_endian) as usize;
        if len < 8 || len > rest.len() {
            return Err(format!("{offset:#x}: type {number}, len {len}"));
        }
        found.push(Frame {
            offset,
            number,
            bytes: &rest[..len],
        });
        offset += len;
        if number == 704 && revision(sample) >= 4 {
            offset += page_size(sample);
        }
    }
    if offset == image.len() {
        Ok(found)
    } else {
        Err("raw page cut off".into())
    }
}
