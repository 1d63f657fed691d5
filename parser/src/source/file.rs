//! A regular file, read at positions. No mapping: a file that shrinks must not kill its reader.

use super::Source;
use super::ahead::{Ahead, ReadAhead, Watch};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// Large reads in a row before the next ones are made beforehand.
const STEADY: u32 = 3;
/// How far behind the last one a large read still is in a row, in bytes.
const STRIDE: u64 = 2 << 20;

/// A regular file.
pub struct FileSource {
    file: Arc<File>,
    len: u64,
    /// Where the last large read was, and how many were in a row.
    last: u64,
    steady: u32,
    ahead: Option<ReadAhead>,
    watch: Option<Arc<dyn Watch>>,
}

impl FileSource {
    /// Takes the length as it is now.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn new(file: File) -> io::Result<Self> {
        let len = file.metadata()?.len();
        Ok(FileSource::over(Arc::new(file), len))
    }
    fn over(file: Arc<File>, len: u64) -> Self {
        FileSource {
            file,
            len,
            last: 0,
            steady: 0,
            ahead: None,
            watch: None,
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
    fn ahead(&mut self, at: u64, spare: &mut Vec<u8>) -> io::Result<Option<Ahead>> {
        let in_row = at.checked_sub(self.last).is_some_and(|by| by <= STRIDE);
        self.last = at;
        self.steady = if in_row {
            self.steady.saturating_add(1)
        } else {
            0
        };
        if self.steady < STEADY {
            self.ahead = None;
            return Ok(None);
        }
        if self.ahead.is_none() && at < self.len {
            self.ahead = ReadAhead::start(&self.file, at, self.len, self.watch.clone());
        }
        match &mut self.ahead {
            Some(ahead) => ahead.take(at, spare),
            None => Ok(None),
        }
    }
    fn watch(&mut self, watch: Arc<dyn Watch>) {
        self.watch = Some(watch);
    }
    fn another(&self) -> Option<Box<dyn Source>> {
        Some(Box::new(FileSource::over(Arc::clone(&self.file), self.len)))
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
