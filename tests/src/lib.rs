//! What the tests across the crates share: sources that count or fail, a small generator of
//! numbers, and work spread over the cores.

pub mod counts;
pub mod fuzz;
pub mod generate;
pub mod growth;
pub mod hostile;
pub mod programs;
pub mod reference;
pub mod source;
pub mod tools;
pub mod triggers;
pub mod work;

use ckpt_parser::decoder::{Decoder, Options};
use ckpt_parser::diagnostic::{Diagnostic, Findings};
use ckpt_parser::model::{Image, validate};
use ckpt_parser::source::{SliceSource, Source};
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a reader made of some bytes.
#[derive(Debug)]
pub enum Answer {
    /// A model, perhaps with findings (those of the validation are among them).
    Image(Box<Image>),
    /// Not an image, or no revision fits; with code and offset.
    Refused(Diagnostic),
}

impl Answer {
    /// Everything that was found wrong.
    pub fn findings(&self) -> &[Diagnostic] {
        match self {
            Answer::Image(image) => image.findings.kept(),
            Answer::Refused(diagnostic) => std::slice::from_ref(diagnostic),
        }
    }
}

/// Reads and validates an image as the tools do.
///
/// # Errors
/// Those of the source, and those that carry no diagnostic: a reader must not give any.
pub fn read(source: impl Source, options: Options) -> io::Result<Answer> {
    let read =
        Decoder::new(source, options).and_then(|mut decoder| Image::read(&mut decoder, |_| true));
    match read {
        Ok(mut image) => {
            let found: Findings = validate(&image, 1000);
            image.findings.extend(found);
            Ok(Answer::Image(Box::new(image)))
        }
        Err(error) => match error.get_ref().and_then(|e| e.downcast_ref::<Diagnostic>()) {
            Some(diagnostic) => Ok(Answer::Refused(diagnostic.clone())),
            None => Err(error),
        },
    }
}

/// [`read`] of bytes in memory with the options that the tools have by default.
///
/// # Panics
/// If the reader gives an error without a diagnostic.
pub fn read_bytes(bytes: &[u8]) -> Answer {
    read(SliceSource(bytes), Options::default())
        .unwrap_or_else(|error| panic!("an error without a diagnostic: {error}"))
}

/// Does `work` on every item, spread over the cores; panics reach the caller.
pub fn on_all_cores<T: Sync>(items: &[T], work: impl Fn(&T) + Sync) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    work(item);
                }
            });
        }
    });
}

/// Numbers that look random and are the same in every run (xorshift64*).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A series of its own for every seed.
    pub fn new(seed: u64) -> Self {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }
    /// The next 64 bits.
    #[expect(clippy::should_implement_trait, reason = "the series never ends")]
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
    /// A number below `end`, or 0 if that is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next().checked_rem(end).unwrap_or(0)
    }
    /// True once in `n` times.
    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
    /// One of these.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        let at = self.below(items.len() as u64);
        items.get(usize::try_from(at).unwrap_or(0))
    }
}
