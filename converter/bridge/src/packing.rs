//! Compressed input.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
};

/// How a stream is compressed, by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packing {
    /// Not at all.
    None,
    /// gzip.
    Gzip,
    /// xz.
    Xz,
    /// Zstandard.
    Zstd,
}

impl Packing {
    /// By the first bytes.
    pub(crate) fn of(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            _ => Self::None,
        }
    }

    /// By the first bytes of a file, which is left at its start; a pipe counts as not compressed.
    pub(crate) fn of_file(file: &mut File) -> io::Result<Self> {
        if !file.metadata()?.is_file() {
            return Ok(Self::None);
        }
        let mut head = [0; 6];
        let n = read_up_to(file, &mut head)?;
        file.seek(SeekFrom::Start(0))?;
        Ok(Self::of(head.get(..n).unwrap_or_default()))
    }
}

/// A stream without its compression.
pub(crate) fn unpacked<'a>(mut stream: impl Read + 'a) -> io::Result<Box<dyn Read + 'a>> {
    let mut head = vec![0; 6];
    let n = read_up_to(&mut stream, &mut head)?;
    head.truncate(n);
    let packing = Packing::of(&head);
    let stream = io::Cursor::new(head).chain(stream);
    Ok(match packing {
        Packing::None => Box::new(stream),
        Packing::Gzip => Box::new(flate2::read::MultiGzDecoder::new(stream)),
        Packing::Xz => Box::new(liblzma::read::XzDecoder::new_multi_decoder(stream)),
        Packing::Zstd => Box::new(zstd::Decoder::new(stream)?),
    })
}

fn read_up_to(stream: &mut impl Read, buf: &mut [u8]) -> io::Result<usize> {
    let mut done = 0;
    while let Some(rest) = buf.get_mut(done..).filter(|r| !r.is_empty()) {
        match stream.read(rest) {
            Ok(0) => break,
            Ok(n) => done += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(done)
}
