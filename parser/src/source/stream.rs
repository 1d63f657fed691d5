//! A pipe: positions ahead are reached by draining, positions behind not at all, unless the
//! stream can be opened again.

use super::Source;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileTypeExt;

/// What drains a pipe; pipes rarely give more at once.
const DRAIN_LEN: usize = 256 << 10;

type Reopen = Box<dyn FnMut() -> io::Result<Box<dyn Read + Send>> + Send>;

/// Bytes in order.
pub struct StreamSource {
    reader: Box<dyn Read + Send>,
    at: u64,
    drain: Vec<u8>,
    reopen: Option<Reopen>,
    /// The pipe itself, and how many bytes were taken from it before they were asked for.
    pipe: Option<(File, u64)>,
    ended: bool,
}

impl StreamSource {
    /// A stream that is read once.
    pub fn new(reader: Box<dyn Read + Send>) -> Self {
        StreamSource {
            reader,
            at: 0,
            drain: Vec::new(),
            reopen: None,
            pipe: None,
            ended: false,
        }
    }
    /// A pipe, or what is read like one, from which `head` has been taken already.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn with_pipe(head: io::Cursor<Vec<u8>>, file: File) -> io::Result<Self> {
        let taken = head.get_ref().len() as u64;
        let pipe = file.metadata()?.file_type().is_fifo();
        let mut source = StreamSource::new(Box::new(head.chain(file.try_clone()?)));
        source.pipe = pipe.then_some((file, taken));
        Ok(source)
    }
    /// A stream that starts over when it is asked to go back, as for compressed files.
    ///
    /// # Errors
    /// Those of the first opening.
    pub fn reopening(mut reopen: Reopen) -> io::Result<Self> {
        let reader = reopen()?;
        Ok(StreamSource {
            reader,
            at: 0,
            drain: Vec::new(),
            reopen: Some(reopen),
            pipe: None,
            ended: false,
        })
    }

    fn seek(&mut self, offset: u64) -> io::Result<bool> {
        if offset < self.at {
            let Some(reopen) = &mut self.reopen else {
                return Err(io::Error::new(
                    io::ErrorKind::Unsupported,
                    "a pipe cannot be read twice; give the image as a file",
                ));
            };
            self.reader = reopen()?;
            self.at = 0;
            self.ended = false;
        }
        while self.at < offset {
            self.drain.resize(DRAIN_LEN, 0);
            let want = offset.saturating_sub(self.at).min(DRAIN_LEN as u64);
            let want = usize::try_from(want).unwrap_or(DRAIN_LEN);
            let Some(room) = self.drain.get_mut(..want) else {
                return Ok(false);
            };
            match self.reader.read(room) {
                Ok(0) => {
                    self.ended = true;
                    return Ok(false);
                }
                Ok(n) => self.at = self.at.saturating_add(n as u64),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(true)
    }
}

impl Source for StreamSource {
    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        if !self.seek(offset)? {
            return Ok(0);
        }
        let n = read_full(&mut self.reader, buf)?;
        self.at = self.at.saturating_add(n as u64);
        self.ended = n < buf.len();
        Ok(n)
    }
    fn len(&self) -> Option<u64> {
        self.ended.then_some(self.at)
    }
    fn is_seekable(&self) -> bool {
        self.reopen.is_some()
    }
    fn pours_from(&self) -> Option<u64> {
        self.pipe.as_ref().map(|(_, taken)| self.at.max(*taken))
    }
    fn pour(&mut self, offset: u64, len: u64, into: &File) -> io::Result<u64> {
        let early = self.pours_from().is_none_or(|from| offset < from);
        if early || !self.seek(offset)? {
            return Ok(0);
        }
        let Some((pipe, _)) = &self.pipe else {
            return Ok(0);
        };
        // From pipe to pipe this moves the pages themselves.
        let mut wanted = pipe.take(len);
        copy(&mut wanted, &mut &*into)?;
        let n = len.saturating_sub(wanted.limit());
        self.at = self.at.saturating_add(n);
        self.ended = n < len;
        Ok(n)
    }
}

/// [`io::copy`], which gives up where a signal interrupts the kernel's own copying.
///
/// # Errors
/// Those of both ends, but for that.
pub fn copy(from: &mut impl Read, to: &mut impl Write) -> io::Result<()> {
    while let Err(error) = io::copy(from, to) {
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    Ok(())
}

/// Reads until the buffer is full or the stream ends.
pub(super) fn read_full(reader: &mut dyn Read, buf: &mut [u8]) -> io::Result<usize> {
    let mut done = 0usize;
    while let Some(rest) = buf.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest) {
            Ok(0) => break,
            Ok(n) => done = done.saturating_add(n),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(done)
}
