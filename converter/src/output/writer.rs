//! Writing on a thread of its own, while the next bytes are read: copying a file then takes as long
//! as writing it.

use std::fs::File;
use std::io::{self, Write};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread::{self, JoinHandle};

/// Buffers that wait to be written.
const WAITING: usize = 2;
/// Below this many bytes a thread costs more than it saves.
const WORTH: usize = 128 << 10;

/// Writes buffers to a file, in order.
pub(super) struct Writer {
    state: State,
    may_thread: bool,
}

enum State {
    Here(File),
    Beside(Beside),
    /// An error was told: nothing can be written any more.
    Failed,
}

struct Beside {
    full: SyncSender<Vec<u8>>,
    empty: Receiver<Vec<u8>>,
    thread: JoinHandle<io::Result<File>>,
}

impl Writer {
    /// Plain files are written beside, where there is a second processor: what is written to a pipe
    /// waits for its reader anyway.
    pub(super) fn new(file: File) -> Self {
        let is_plain = file.metadata().is_ok_and(|meta| meta.is_file());
        Writer {
            state: State::Here(file),
            may_thread: is_plain && thread::available_parallelism().is_ok_and(|n| n.get() > 1),
        }
    }

    /// Writes what is in `buffer`, and leaves an empty one.
    pub(super) fn write(&mut self, buffer: &mut Vec<u8>) -> io::Result<()> {
        if self.may_thread && buffer.len() >= WORTH {
            self.start();
        }
        match &mut self.state {
            State::Here(file) => {
                file.write_all(buffer)?;
                buffer.clear();
            }
            State::Beside(beside) => {
                let next = beside.empty.try_recv();
                let next = next.unwrap_or_else(|_| Vec::with_capacity(buffer.capacity()));
                let full = std::mem::replace(buffer, next);
                if beside.full.send(full).is_err() {
                    // The thread has ended: by the error that it tells, and never without one.
                    self.file()?;
                    return Err(failed());
                }
            }
            State::Failed => return Err(failed()),
        }
        Ok(())
    }

    /// The file, with everything in it.
    pub(super) fn file(&mut self) -> io::Result<&mut File> {
        let state = std::mem::replace(&mut self.state, State::Failed);
        self.state = State::Here(state.settle()?);
        match &mut self.state {
            State::Here(file) => Ok(file),
            _ => Err(failed()),
        }
    }

    /// The same, when nothing more is to be written.
    pub(super) fn into_file(self) -> io::Result<File> {
        self.state.settle()
    }

    fn start(&mut self) {
        if let State::Here(file) = &self.state
            && let Ok(file) = file.try_clone()
            && let Ok(beside) = Beside::start(file)
        {
            self.state = State::Beside(beside);
        }
    }
}

impl State {
    fn settle(self) -> io::Result<File> {
        match self {
            State::Here(file) => Ok(file),
            State::Beside(beside) => {
                drop(beside.full);
                beside.thread.join().unwrap_or_else(|_| Err(failed()))
            }
            State::Failed => Err(failed()),
        }
    }
}

impl Beside {
    fn start(mut file: File) -> io::Result<Self> {
        let (full, to_write) = mpsc::sync_channel::<Vec<u8>>(WAITING);
        let (written, empty) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("write".to_owned())
            .spawn(move || {
                for mut buffer in to_write {
                    file.write_all(&buffer)?;
                    buffer.clear();
                    // Nobody wants it back at the end.
                    written.send(buffer).ok();
                }
                Ok(file)
            })?;
        Ok(Beside {
            full,
            empty,
            thread,
        })
    }
}

fn failed() -> io::Error {
    io::Error::other("nothing can be written after an error")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_beside_is_told() {
        let path = tempfile::NamedTempFile::new().unwrap();
        let mut writer = Writer::new(File::open(path.path()).unwrap());
        let mut told = Vec::new();
        for _ in 0..8 {
            told.extend(writer.write(&mut vec![7; WORTH]).err());
        }
        told.extend(writer.into_file().err());
        assert_eq!(told[0].raw_os_error(), Some(9), "EBADF: {told:?}");
    }
}
