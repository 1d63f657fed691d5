//! A regular file, read at positions. No mapping: a file that shrinks must not kill its reader.

use super::Source;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// A regular file.
#[derive(Debug)]
pub struct FileSource {
    file: File,
    len: u64,
}

impl FileSource {
    /// Takes the length as it is now.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn new(file: File) -> io::Result<Self> {
        let len = file.metadata()?.len();
        Ok(FileSource { file, len })
    }
    /// Reads the file from its start, in order.
    pub(super) fn into_reader(self) -> impl io::Read + Send {
        InOrder {
            source: self,
            at: 0,
        }
    }
    /// The file itself, for copying in the kernel.
    pub fn file(&self) -> &File {
        &self.file
    }
}

impl Source for FileSource {
    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        read_up_to(&self.file, offset, buf)
    }
    fn len(&self) -> Option<u64> {
        Some(self.len)
    }
    fn is_seekable(&self) -> bool {
        true
    }
}

/// Reads until the buffer is full or the file ends.
pub(super) fn read_up_to(file: &File, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
    let mut done = 0usize;
    while let Some(rest) = buf.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset.saturating_add(done as u64)) {
            Ok(0) => break,
            Ok(n) => done = done.saturating_add(n),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(done)
}

struct InOrder {
    source: FileSource,
    at: u64,
}

impl io::Read for InOrder {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.source.read_at(self.at, buf)?;
        self.at = self.at.saturating_add(n as u64);
        Ok(n)
    }
}
