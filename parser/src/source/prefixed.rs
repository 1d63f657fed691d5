//! A source whose start has been read and is kept, so that one may look ahead in a pipe.

use super::{Ahead, Source, Watch};
use std::fs::File;
use std::io;
use std::sync::Arc;

/// A source and the bytes that were read from its start.
pub struct Prefixed<S> {
    head: Vec<u8>,
    source: S,
}

impl<S: Source> Prefixed<S> {
    /// Nothing is read yet.
    pub fn new(source: S) -> Self {
        Prefixed {
            head: Vec::new(),
            source,
        }
    }
    /// Reads on until the head holds `len` bytes; false if the source ended before.
    ///
    /// # Errors
    /// Those of the source.
    pub fn extend(&mut self, len: usize) -> io::Result<bool> {
        let have = self.head.len();
        self.head.resize(len.max(have), 0);
        let room = self.head.get_mut(have..).unwrap_or_default();
        let n = self.source.read_at(have as u64, room)?;
        self.head.truncate(have.saturating_add(n));
        Ok(self.head.len() >= len)
    }
    /// What was read.
    pub fn head(&self) -> &[u8] {
        &self.head
    }
    /// The source.
    pub fn inner(&mut self) -> &mut S {
        &mut self.source
    }
    /// Gives the source back.
    pub fn into_inner(self) -> S {
        self.source
    }
}

/// Reads a source from its start to its end.
pub struct InOrder<S> {
    source: S,
    at: u64,
}

impl<S: Source> InOrder<S> {
    /// From its start.
    pub fn new(source: S) -> Self {
        InOrder { source, at: 0 }
    }
}

impl<S: Source> io::Read for InOrder<S> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.source.read_at(self.at, buf)?;
        self.at = self.at.saturating_add(n as u64);
        Ok(n)
    }
}

impl<S: Source> Source for Prefixed<S> {
    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let held = self.head.get(start..).unwrap_or_default();
        let n = held.len().min(buf.len());
        if n == 0 {
            return self.source.read_at(offset, buf);
        }
        if let (Some(to), Some(from)) = (buf.get_mut(..n), held.get(..n)) {
            to.copy_from_slice(from);
        }
        let rest = buf.get_mut(n..).unwrap_or_default();
        let more = if rest.is_empty() {
            0
        } else {
            self.source.read_at(self.head.len() as u64, rest)?
        };
        Ok(n.saturating_add(more))
    }
    fn len(&self) -> Option<u64> {
        self.source.len()
    }
    fn is_seekable(&self) -> bool {
        self.source.is_seekable()
    }
    fn at_hand(&self, offset: u64) -> Option<u64> {
        self.source.at_hand(offset)
    }
    fn ahead(&mut self, at: u64, spare: &mut Vec<u8>) -> io::Result<Option<Ahead>> {
        if at < self.head.len() as u64 {
            return Ok(None);
        }
        self.source.ahead(at, spare)
    }
    fn watch(&mut self, watch: Arc<dyn Watch>) {
        self.source.watch(watch);
    }
    fn another(&self) -> Option<Box<dyn Source>> {
        self.source.another()
    }
    fn pours_from(&self) -> Option<u64> {
        self.source.pours_from()
    }
    fn pour(&mut self, offset: u64, len: u64, into: &File) -> io::Result<u64> {
        self.source.pour(offset, len, into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    /// Can do all that a source can, and says what it was asked.
    struct Able(Arc<Mutex<Vec<&'static str>>>);

    impl Able {
        fn asked(&self, what: &'static str) {
            self.0.lock().unwrap().push(what);
        }
    }

    impl Source for Able {
        fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
            let left = usize::try_from(100u64.saturating_sub(offset)).unwrap();
            let n = left.min(buf.len());
            buf[..n].fill(7);
            Ok(n)
        }
        fn len(&self) -> Option<u64> {
            Some(100)
        }
        fn is_seekable(&self) -> bool {
            true
        }
        fn at_hand(&self, offset: u64) -> Option<u64> {
            Some(offset + 1)
        }
        fn ahead(&mut self, offset: u64, _: &mut Vec<u8>) -> io::Result<Option<Ahead>> {
            let (begin, len) = (3, 4);
            Ok(Some(Ahead { offset, begin, len }))
        }
        fn watch(&mut self, _: Arc<dyn Watch>) {
            self.asked("watch");
        }
        fn another(&self) -> Option<Box<dyn Source>> {
            self.asked("another");
            Some(Box::new(Able(Arc::clone(&self.0))))
        }
        fn pours_from(&self) -> Option<u64> {
            Some(42)
        }
        fn pour(&mut self, offset: u64, len: u64, _: &File) -> io::Result<u64> {
            Ok(offset + len)
        }
    }

    struct Blind;

    impl Watch for Blind {
        fn saw(&self, _: u64, _: &[u8]) {}
    }

    /// All that the source can, whatever it is in.
    fn check(source: &mut dyn Source, asked: &Mutex<Vec<&'static str>>) {
        let into = File::open("/dev/null").unwrap();
        let mut spare = Vec::new();
        assert_eq!((source.len(), source.is_seekable()), (Some(100), true));
        assert_eq!(source.at_hand(5), Some(6));
        let ahead = source.ahead(10, &mut spare).unwrap().unwrap();
        assert_eq!((ahead.offset, ahead.begin, ahead.len), (10, 3, 4));
        assert_eq!(source.pours_from(), Some(42));
        assert_eq!(source.pour(30, 8, &into).unwrap(), 38);
        assert!(source.another().is_some());
        source.watch(Arc::new(Blind));
        let asked = std::mem::take(&mut *asked.lock().unwrap());
        assert_eq!(asked, ["another", "watch"]);
    }

    #[test]
    fn what_holds_a_source_can_what_the_source_can() {
        let asked = Arc::default();
        let able = || Able(Arc::clone(&asked));
        check(&mut Prefixed::new(able()), &asked);
        check(&mut Box::new(able()), &asked);
        check(&mut &mut able(), &asked);
    }

    #[test]
    fn what_was_read_of_the_start_is_kept_and_not_read_ahead_again() {
        let mut source = Prefixed::new(Able(Arc::default()));
        assert!(source.extend(10).unwrap());
        assert_eq!(source.head(), [7; 10]);
        let mut spare = Vec::new();
        assert!(source.ahead(9, &mut spare).unwrap().is_none());
        assert!(source.ahead(10, &mut spare).unwrap().is_some());
        assert!(source.extend(100).unwrap());
        assert!(!source.extend(101).unwrap(), "it has ended");
        assert_eq!(source.head().len(), 100);
    }
}
