//! Reading a file before its bytes are asked for.
//!
//! A decoder of many small records spends as long on copying the file out of the page cache as on
//! the records. Two threads that copy the next pieces meanwhile halve the time, and a piece is
//! handed over by exchanging buffers, without another copy.

use super::file::read_up_to;
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// Bytes of a piece.
const PIECE: usize = 1 << 19;
/// Room before the bytes of a piece, for the end of the one before it.
pub(super) const ROOM: usize = 64 << 10;
/// Pieces that are read before the first of them is asked for.
const DEPTH: u64 = 3;
/// Threads that read.
const READERS: usize = 2;

/// Bytes that were read beforehand, in the buffer that was exchanged for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ahead {
    /// Where in the source the first of them is.
    pub offset: u64,
    /// Where in the buffer it is; what is before that is free.
    pub begin: usize,
    /// How many there are.
    pub len: usize,
}

/// Sees the bytes of a source while they are in the cache of a processor anyway.
pub trait Watch: Send + Sync {
    /// Is told a stretch of the source. Called by several threads, in any order.
    fn saw(&self, offset: u64, bytes: &[u8]);
}

/// Threads that read a file from some place on.
pub(super) struct ReadAhead {
    shared: Arc<Shared>,
}

struct Shared {
    file: Arc<File>,
    base: u64,
    end: u64,
    watch: Option<Arc<dyn Watch>>,
    state: Mutex<State>,
    /// A piece is ready, or a reader has ended: the one who takes pieces waits for it.
    ready: Condvar,
    /// A piece is wanted: readers wait for it.
    room: Condvar,
}

#[derive(Default)]
struct State {
    /// The piece that is read next.
    next: u64,
    /// The first piece that may still be asked for.
    wanted: u64,
    ready: BTreeMap<u64, io::Result<(Vec<u8>, usize)>>,
    spare: Vec<Vec<u8>>,
    /// Threads that have not ended.
    readers: usize,
    stopped: bool,
}

impl ReadAhead {
    /// Starts to read `file` from `base` to `end`; `None` where no thread is to be had or one
    /// processor would do all of it anyway.
    pub(super) fn start(
        file: &Arc<File>,
        base: u64,
        end: u64,
        watch: Option<Arc<dyn Watch>>,
    ) -> Option<Self> {
        if thread::available_parallelism().map_or(1, usize::from) < 2 {
            return None;
        }
        let shared = Arc::new(Shared {
            file: Arc::clone(file),
            base,
            end,
            watch,
            state: Mutex::default(),
            ready: Condvar::new(),
            room: Condvar::new(),
        });
        let ahead = ReadAhead { shared };
        for _ in 0..READERS {
            let reader = Reader::new(&ahead.shared);
            let name = "read-ahead".to_owned();
            thread::Builder::new()
                .name(name)
                .spawn(move || reader.run())
                .ok()?;
        }
        Some(ahead)
    }

    /// The piece that holds `at`, exchanged for `spare`; `None` if `at` lies outside of what is
    /// being read.
    pub(super) fn take(&mut self, at: u64, spare: &mut Vec<u8>) -> io::Result<Option<Ahead>> {
        let Some(inside) = at
            .checked_sub(self.shared.base)
            .filter(|_| at < self.shared.end)
        else {
            return Ok(None);
        };
        let piece = inside.checked_div(PIECE as u64).unwrap_or(0);
        let mut state = self.shared.lock();
        // A jump over pieces that nobody has begun to read is no sequence any more.
        if piece < state.wanted || piece > state.next.saturating_add(DEPTH) {
            return Ok(None);
        }
        if piece > state.wanted {
            state.skip_to(piece);
            self.shared.room.notify_all();
        }
        loop {
            if let Some(read) = state.ready.remove(&piece) {
                state.wanted = piece.saturating_add(1);
                let (buf, len) = read?;
                state.spare.push(std::mem::replace(spare, buf));
                drop(state);
                self.shared.room.notify_one();
                return Ok(Some(Ahead {
                    offset: self.shared.offset(piece),
                    begin: ROOM,
                    len,
                }));
            }
            if state.readers == 0 {
                return Ok(None);
            }
            state = self
                .shared
                .ready
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for ReadAhead {
    fn drop(&mut self) {
        self.shared.lock().stopped = true;
        self.shared.room.notify_all();
    }
}

impl State {
    /// Gives up pieces before one.
    fn skip_to(&mut self, piece: u64) {
        self.wanted = piece;
        self.next = self.next.max(piece);
        while let Some(entry) = self
            .ready
            .first_entry()
            .filter(|entry| *entry.key() < piece)
        {
            if let Ok((buf, _)) = entry.remove() {
                self.spare.push(buf);
            }
        }
    }
}

/// A thread that reads, counted as long as it lives.
struct Reader(Arc<Shared>);

impl Reader {
    fn new(shared: &Arc<Shared>) -> Self {
        let mut state = shared.lock();
        state.readers = state.readers.saturating_add(1);
        Reader(Arc::clone(shared))
    }

    /// The next piece, until there is none or nobody wants more.
    fn run(&self) {
        while let Some((piece, mut buf)) = self.0.claim() {
            buf.resize(ROOM.saturating_add(PIECE), 0);
            let read = self.0.read(piece, &mut buf);
            self.0.give(piece, read.map(|len| (buf, len)));
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.readers = state.readers.saturating_sub(1);
        drop(state);
        self.0.ready.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn claim(&self) -> Option<(u64, Vec<u8>)> {
        let mut state = self.lock();
        loop {
            if state.stopped || self.offset(state.next) >= self.end {
                return None;
            }
            if state.next < state.wanted.saturating_add(DEPTH) {
                let piece = state.next;
                state.next = piece.saturating_add(1);
                return Some((piece, state.spare.pop().unwrap_or_default()));
            }
            state = self
                .room
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn read(&self, piece: u64, buf: &mut [u8]) -> io::Result<usize> {
        let offset = self.offset(piece);
        let len = read_up_to(&self.file, offset, buf.get_mut(ROOM..).unwrap_or_default())?;
        if let Some(watch) = &self.watch {
            let bytes = buf.get(ROOM..ROOM.saturating_add(len));
            watch.saw(offset, bytes.unwrap_or_default());
        }
        Ok(len)
    }

    fn give(&self, piece: u64, read: io::Result<(Vec<u8>, usize)>) {
        let mut state = self.lock();
        if piece >= state.wanted {
            let awaited = piece == state.wanted;
            state.ready.insert(piece, read);
            drop(state);
            if awaited {
                self.ready.notify_one();
            }
        }
    }

    fn offset(&self, piece: u64) -> u64 {
        self.base.saturating_add(piece.saturating_mul(PIECE as u64))
    }
}
