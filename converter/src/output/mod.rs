//! Where converted bytes go: one fixed buffer, and copies inside the kernel for long stretches.

mod writer;

use ckpt_parser::source::Source;
use rustix::io::Errno;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileExt, FileTypeExt};
use writer::Writer;

/// Takes the bytes of a converted image in order.
pub trait Sink {
    /// Appends bytes.
    ///
    /// # Errors
    /// Those of the output.
    fn bytes(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Appends a stretch of the input file; false if the bytes have to be given, because the input
    /// is not a plain file or that is cheaper.
    ///
    /// # Errors
    /// Those of the output.
    fn extent(&mut self, offset: u64, len: u64) -> io::Result<bool>;
    /// Lets bytes of a pipe flow past this program; how many did. None if they have to be given.
    ///
    /// # Errors
    /// Those of source and output.
    fn pour(&mut self, _source: &mut dyn Source, _offset: u64, _len: u64) -> io::Result<u64> {
        Ok(0)
    }
    /// Nothing that follows is wanted: the conversion goes on only to find out what else is lost.
    fn mute(&mut self);
}

impl Sink for Vec<u8> {
    fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.extend_from_slice(bytes);
        Ok(())
    }
    fn extent(&mut self, _offset: u64, _len: u64) -> io::Result<bool> {
        Ok(false)
    }
    fn mute(&mut self) {}
}

/// Bytes of the buffer.
const BUFFER: usize = 1 << 20;
/// Writes end at multiples of this many bytes: a page of the output is then touched once.
const PAGE: u64 = 4096;
/// From this length on copying inside the kernel is faster than a buffer: at 128 KiB it takes 1.6
/// times as long, at 1 MiB less.
const KERNEL_COPY: u64 = 1 << 20;
/// A stretch is copied when it has this length, so that progress shows and the pages that were just
/// looked at are still in the processor's cache.
const LONG_COPY: u64 = 8 << 20;

/// Records shorter than this are in the reader's window already, so that reading them again would
/// cost more than a copy in memory.
const SHORT_RECORD: u64 = 16 << 10;

/// Lets a pipe hold as much as the buffer, so that neighbours need not wait for each other every
/// 64 KiB: the waiting costs more than the copies. Where it may not, or is no pipe, it stays as it
/// is.
pub fn widen(pipe: impl AsFd) {
    rustix::pipe::fcntl_setpipe_size(pipe, BUFFER).ok();
}

/// An output file or stream with a buffer.
pub struct Output {
    writer: Writer,
    buffer: Vec<u8>,
    input: Option<File>,
    kernel_copy: bool,
    is_pipe: bool,
    muted: bool,
    /// Where the next byte goes.
    end: u64,
    /// A stretch of the input that is still to be copied: neighbours are joined, so that small
    /// records between pages do not cut a long copy into short ones.
    pending: (u64, u64),
}

impl Output {
    /// Writes to a file. `input` is what stretches are copied from, if it is a plain file.
    pub fn new(file: File, input: Option<File>) -> Self {
        let is_pipe = file.metadata().is_ok_and(|meta| meta.file_type().is_fifo());
        if is_pipe {
            widen(&file);
        }
        Output {
            writer: Writer::new(file),
            is_pipe,
            buffer: Vec::with_capacity(BUFFER),
            input,
            kernel_copy: true,
            muted: false,
            end: 0,
            pending: (0, 0),
        }
    }
    /// Writes what is left and gives the file back.
    ///
    /// # Errors
    /// Those of the output.
    pub fn finish(mut self) -> io::Result<File> {
        self.copy_pending()?;
        self.flush()?;
        self.writer.into_file()
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.muted {
            self.buffer.clear();
            return Ok(());
        }
        self.writer.write(&mut self.buffer)
    }

    /// How many more bytes the buffer takes until it ends at the end of a page.
    fn room(&self) -> usize {
        let start = self.end.saturating_sub(self.buffer.len() as u64);
        let over = usize::try_from(start.checked_rem(PAGE).unwrap_or(0)).unwrap_or(0);
        let limit = BUFFER.saturating_sub(over);
        limit.saturating_sub(self.buffer.len())
    }

    /// Copies what waits to be copied.
    fn copy_pending(&mut self) -> io::Result<()> {
        let (offset, len) = std::mem::take(&mut self.pending);
        if self.muted {
            return Ok(());
        }
        // Where pages of the input do not fall on pages of the output, the kernel's copy loses.
        let aligned = offset.checked_rem(PAGE) == self.end.checked_rem(PAGE);
        let done = if len >= KERNEL_COPY && aligned {
            self.flush()?;
            self.copy_in_kernel(offset, len)?
        } else {
            0
        };
        self.copy_buffered(offset.saturating_add(done), len.saturating_sub(done))
    }

    /// Copies inside the kernel as far as it can; the number of bytes it did.
    fn copy_in_kernel(&mut self, offset: u64, len: u64) -> io::Result<u64> {
        let Some(input) = self.input.as_ref().filter(|_| self.kernel_copy) else {
            return Ok(0);
        };
        let file = self.writer.file()?;
        let mut at = offset;
        let end = offset.saturating_add(len);
        while at < end {
            let step = usize::try_from(end.saturating_sub(at)).unwrap_or(usize::MAX);
            match rustix::fs::copy_file_range(input, Some(&mut at), &*file, None, step) {
                Ok(0) => break,
                Ok(_) | Err(Errno::INTR) => {}
                Err(
                    Errno::XDEV
                    | Errno::NOSYS
                    | Errno::INVAL
                    | Errno::OPNOTSUPP
                    | Errno::BADF
                    | Errno::PERM,
                ) => {
                    self.kernel_copy = false;
                    break;
                }
                Err(error) => return Err(error.into()),
            }
        }
        let done = at.saturating_sub(offset);
        self.end = self.end.saturating_add(done);
        Ok(done)
    }

    fn copy_buffered(&mut self, mut offset: u64, mut len: u64) -> io::Result<()> {
        while len > 0 {
            let room = self.room();
            let step = usize::try_from(len).unwrap_or(usize::MAX).min(room);
            let start = self.buffer.len();
            self.buffer.resize(start.saturating_add(step), 0);
            if let (Some(input), Some(to)) = (self.input.as_ref(), self.buffer.get_mut(start..)) {
                input.read_exact_at(to, offset)?;
            }
            self.end = self.end.saturating_add(step as u64);
            offset = offset.saturating_add(step as u64);
            len = len.saturating_sub(step as u64);
            if step == room {
                self.flush()?;
            }
        }
        Ok(())
    }
}

impl Sink for Output {
    fn bytes(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        self.copy_pending()?;
        if self.muted {
            return Ok(());
        }
        while !bytes.is_empty() {
            let room = self.room();
            let (now, later) = bytes.split_at(bytes.len().min(room));
            self.end = self.end.saturating_add(now.len() as u64);
            self.buffer.extend_from_slice(now);
            if now.len() == room {
                self.flush()?;
            }
            bytes = later;
        }
        Ok(())
    }

    fn extent(&mut self, offset: u64, len: u64) -> io::Result<bool> {
        if self.input.is_none() {
            return Ok(false);
        }
        let (start, pending) = self.pending;
        let target = self.end.saturating_add(pending);
        let aligned = offset.checked_rem(PAGE) == target.checked_rem(PAGE);
        if len < SHORT_RECORD && !aligned {
            return Ok(false);
        }
        if pending > 0 && start.saturating_add(pending) == offset {
            self.pending.1 = pending.saturating_add(len);
        } else {
            self.copy_pending()?;
            self.pending = (offset, len);
        }
        if self.pending.1 >= LONG_COPY {
            self.copy_pending()?;
        }
        Ok(true)
    }

    fn pour(&mut self, source: &mut dyn Source, offset: u64, len: u64) -> io::Result<u64> {
        if self.muted || !self.is_pipe {
            return Ok(0);
        }
        self.copy_pending()?;
        self.flush()?;
        let n = source.pour(offset, len, self.writer.file()?)?;
        self.end = self.end.saturating_add(n);
        Ok(n)
    }

    fn mute(&mut self) {
        self.muted = true;
        self.pending = (0, 0);
        self.buffer.clear();
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes(bytes)?;
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        self.copy_pending()?;
        Output::flush(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    /// Bytes that differ from their neighbours, as a file.
    fn input(len: usize) -> (Vec<u8>, File) {
        let bytes: Vec<u8> = (0..len)
            .map(|i| (i * 31 + i / 251).to_le_bytes()[0])
            .collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        (bytes, file)
    }

    fn check(parts: &[(bool, usize, usize)]) {
        let (bytes, file) = input(12 << 20);
        let path = tempfile::NamedTempFile::new().unwrap();
        let mut output = Output::new(path.reopen().unwrap(), Some(file));
        let mut expected = Vec::new();
        for &(extent, at, len) in parts {
            let part = &bytes[at..at + len];
            expected.extend_from_slice(part);
            if extent {
                if !output.extent(at as u64, len as u64).unwrap() {
                    output.bytes(part).unwrap();
                }
            } else {
                output.bytes(part).unwrap();
            }
        }
        output.finish().unwrap();
        let mut found = Vec::new();
        path.reopen().unwrap().read_to_end(&mut found).unwrap();
        assert!(found == expected, "{parts:?}");
    }

    #[test]
    fn pieces_of_any_length_arrive_in_order() {
        const MIB: usize = 1 << 20;
        check(&[]);
        check(&[(false, 0, 100), (true, 100, 10 * MIB), (false, 7, 5)]);
        check(&[
            (false, 0, 101),
            (true, 100, 10 * MIB),
            (true, 9, 3 * MIB),
            (false, 7, 5),
        ]);
        check(&[(true, 0, 11 * MIB), (true, 11 * MIB, MIB), (true, 0, 1)]);
        check(&[
            (false, 0, 3 * MIB + 1),
            (false, 5, MIB),
            (true, 3, 4095),
            (false, 0, 1),
        ]);
        let small: Vec<_> = (0..3000).map(|i| (i % 3 > 0, i * 4000, 4000)).collect();
        check(&small);
    }
}
