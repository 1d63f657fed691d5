//! Where converted bytes go: one fixed buffer, copies inside the kernel for long stretches, and
//! files that appear complete or not at all.

use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use rustix::io::Errno;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Takes the bytes of a converted image in order.
pub trait Sink {
    /// Appends bytes.
    ///
    /// # Errors
    /// Those of the output.
    fn bytes(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Appends a stretch of the input file; false if the input is not a plain file, so that the
    /// bytes have to be given.
    ///
    /// # Errors
    /// Those of the output.
    fn extent(&mut self, offset: u64, len: u64) -> io::Result<bool>;
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
/// From this length on copying inside the kernel is faster than a buffer: at 128 KiB it takes 1.6
/// times as long, at 1 MiB less.
const KERNEL_COPY: u64 = 1 << 20;
/// Up to this length a stretch is read into the buffer rather than written on its own.
const SHORT_COPY: u64 = 64 << 10;
/// A stretch is copied when it has this length, so that progress shows and the pages that were just
/// looked at are still in the processor's cache.
const LONG_COPY: u64 = 8 << 20;

/// An output file or stream with a buffer.
pub struct Output {
    file: File,
    buffer: Vec<u8>,
    input: Option<File>,
    kernel_copy: bool,
    muted: bool,
    written: u64,
    /// A stretch of the input that is still to be copied: neighbours are joined, so that small
    /// records between pages do not cut a long copy into short ones.
    pending: (u64, u64),
}

impl Output {
    /// Writes to a file. `input` is what stretches are copied from, if it is a plain file.
    pub fn new(file: File, input: Option<File>) -> Self {
        Output {
            file,
            buffer: Vec::with_capacity(BUFFER),
            input,
            kernel_copy: true,
            muted: false,
            written: 0,
            pending: (0, 0),
        }
    }
    /// Bytes taken so far.
    pub fn written(&self) -> u64 {
        self.written
    }
    /// Writes what is buffered and gives the file back.
    ///
    /// # Errors
    /// Those of the output.
    pub fn finish(mut self) -> io::Result<File> {
        self.copy_pending()?;
        self.flush()?;
        Ok(self.file)
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.muted {
            self.file.write_all(&self.buffer)?;
        }
        self.buffer.clear();
        Ok(())
    }

    /// Copies what waits to be copied.
    fn copy_pending(&mut self) -> io::Result<()> {
        let (offset, len) = std::mem::take(&mut self.pending);
        if len == 0 || self.muted {
            return Ok(());
        }
        if len < SHORT_COPY && self.buffer.len().saturating_add(SHORT_COPY as usize) <= BUFFER {
            return self.buffer_input(offset, len);
        }
        self.flush()?;
        let done = if len >= KERNEL_COPY {
            self.copy_in_kernel(offset, len)?
        } else {
            0
        };
        self.copy_buffered(offset.saturating_add(done), len.saturating_sub(done))
    }

    /// Reads a short stretch into the buffer.
    fn buffer_input(&mut self, offset: u64, len: u64) -> io::Result<()> {
        let start = self.buffer.len();
        let len = usize::try_from(len).unwrap_or(0);
        self.buffer.resize(start.saturating_add(len), 0);
        match (self.input.as_ref(), self.buffer.get_mut(start..)) {
            (Some(input), Some(room)) => input.read_exact_at(room, offset),
            _ => Ok(()),
        }
    }

    /// Copies inside the kernel as far as it can; the number of bytes it did.
    fn copy_in_kernel(&mut self, offset: u64, len: u64) -> io::Result<u64> {
        let Some(input) = self.input.as_ref().filter(|_| self.kernel_copy) else {
            return Ok(0);
        };
        let mut at = offset;
        let end = offset.saturating_add(len);
        while at < end {
            let want = usize::try_from(end.saturating_sub(at)).unwrap_or(usize::MAX);
            let step = want.min(1 << 30);
            match rustix::fs::copy_file_range(input, Some(&mut at), &self.file, None, step) {
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
        Ok(at.saturating_sub(offset))
    }

    fn copy_buffered(&mut self, mut offset: u64, mut len: u64) -> io::Result<()> {
        let Some(input) = self.input.as_ref() else {
            return Ok(());
        };
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.resize(BUFFER, 0);
        while len > 0 {
            let step = usize::try_from(len).unwrap_or(BUFFER).min(BUFFER);
            let room = buffer.get_mut(..step).unwrap_or_default();
            input.read_exact_at(room, offset)?;
            self.file.write_all(room)?;
            offset = offset.saturating_add(step as u64);
            len = len.saturating_sub(step as u64);
        }
        buffer.clear();
        self.buffer = buffer;
        Ok(())
    }
}

impl Sink for Output {
    fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.written = self.written.saturating_add(bytes.len() as u64);
        if self.muted {
            return Ok(());
        }
        self.copy_pending()?;
        if self.buffer.len().saturating_add(bytes.len()) > BUFFER {
            self.flush()?;
        }
        if bytes.len() >= BUFFER {
            return self.file.write_all(bytes);
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    fn extent(&mut self, offset: u64, len: u64) -> io::Result<bool> {
        if self.input.is_none() {
            return Ok(false);
        }
        self.written = self.written.saturating_add(len);
        let (start, pending) = self.pending;
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

/// A file that replaces its target only when it is complete.
///
/// Where the file system allows, it has no name until then, so that even a killed conversion
/// leaves nothing behind.
#[derive(Debug)]
pub struct Atomic {
    target: PathBuf,
    force: bool,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Without a name (`O_TMPFILE`).
    Unnamed(File),
    /// Beside its target.
    Named(tempfile::NamedTempFile),
    /// A device or a fifo: written as it is.
    Direct(File),
}

impl Atomic {
    /// Begins a file. An existing one is an error unless `force`.
    ///
    /// # Errors
    /// `AlreadyExists`, and those of the operating system.
    pub fn create(target: &Path, force: bool) -> io::Result<Self> {
        let state = match std::fs::symlink_metadata(target) {
            Ok(meta) if meta.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            Ok(_) if is_special(target) => State::Direct(File::options().write(true).open(target)?),
            Ok(_) if !force => return Err(io::ErrorKind::AlreadyExists.into()),
            _ => temporary(directory(target))?,
        };
        Ok(Atomic {
            target: target.to_owned(),
            force,
            state,
        })
    }
    /// A handle to write to.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn file(&self) -> io::Result<File> {
        match &self.state {
            State::Unnamed(file) | State::Direct(file) => file.try_clone(),
            State::Named(file) => file.as_file().try_clone(),
        }
    }
    /// Makes the file durable and gives it its name.
    ///
    /// # Errors
    /// `AlreadyExists` if somebody else was faster, and those of the operating system.
    pub fn commit(self) -> io::Result<()> {
        match self.state {
            State::Direct(_) => return Ok(()),
            State::Named(file) => {
                file.as_file().sync_all()?;
                if self.force {
                    file.persist(&self.target)?;
                } else {
                    file.persist_noclobber(&self.target)?;
                }
            }
            State::Unnamed(ref file) => {
                file.sync_all()?;
                match link(file, &self.target) {
                    Err(error) if self.force && error.kind() == io::ErrorKind::AlreadyExists => {
                        replace(file, &self.target)?;
                    }
                    done => done?,
                }
            }
        }
        File::open(directory(&self.target))?.sync_all()
    }
}

/// Whether a path leads to something that cannot be replaced by renaming.
fn is_special(target: &Path) -> bool {
    std::fs::metadata(target).is_ok_and(|meta| !meta.is_file() && !meta.is_dir())
}

fn directory(target: &Path) -> &Path {
    match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn temporary(directory: &Path) -> io::Result<State> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    match rustix::fs::open(directory, flags, Mode::from_raw_mode(0o666)) {
        Ok(file) => Ok(State::Unnamed(file.into())),
        Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL | Errno::NOSYS) => {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::Permissions::from_mode(0o666);
            let mut builder = tempfile::Builder::new();
            builder.prefix(".ckpt-").suffix(".tmp").permissions(mode);
            Ok(State::Named(builder.tempfile_in(directory)?))
        }
        Err(error) => Err(error.into()),
    }
}

fn link(file: &File, target: &Path) -> io::Result<()> {
    let own = format!("/proc/self/fd/{}", file.as_fd().as_raw_fd());
    Ok(rustix::fs::linkat(
        CWD,
        own,
        CWD,
        target,
        AtFlags::SYMLINK_FOLLOW,
    )?)
}

/// A link cannot replace a file, but a name beside it can be renamed onto it.
fn replace(file: &File, target: &Path) -> io::Result<()> {
    let taken = |error: &io::Error| error.kind() == io::ErrorKind::AlreadyExists;
    for attempt in 0..1000u32 {
        let name = format!(".ckpt-{}-{attempt}.tmp", std::process::id());
        let beside = directory(target).join(name);
        match link(file, &beside) {
            Err(error) if taken(&error) => {}
            Err(error) => return Err(error),
            Ok(()) => {
                let renamed = std::fs::rename(&beside, target);
                if renamed.is_err() {
                    std::fs::remove_file(&beside)?;
                }
                return renamed;
            }
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}
