//! Why a conversion stopped.

use indicatif::BinaryBytes;
use std::path::{Path, PathBuf};
use std::{env, fmt, io};

/// Why a conversion stopped. Losses are not errors; see [`crate::loss`].
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The input cannot be read, or is no image: then the cause is a diagnostic.
    #[error("{0}")]
    Read(io::Error),
    /// An output cannot be written; which one, [`Error::of_output`] adds.
    #[error("writing: {0}")]
    Write(#[from] io::Error),
    /// An output cannot be written.
    #[error("{}: {source}{}", .path.display(), Wanted(*.wanted, .source))]
    Output {
        /// Its path.
        path: PathBuf,
        /// About how many bytes it was to have.
        wanted: Option<u64>,
        /// The system's answer.
        source: io::Error,
    },
    /// What has to be put aside cannot be.
    #[error("a temporary file in {dir}: {0}; TMPDIR=DIRECTORY puts it elsewhere", dir = env::temp_dir().display())]
    Temporary(io::Error),
    /// The input does not hold together.
    #[error("at {offset:#x}: {what}")]
    Damaged {
        /// Where, in bytes from the start of the input.
        offset: u64,
        /// What is wrong.
        what: String,
    },
    /// A bridge to a foreign format gave up.
    #[error("{0}")]
    Bridge(#[from] ckpt_bridge::Error),
    /// What was asked for makes no sense.
    #[error("{0}")]
    Request(String),
}

impl Error {
    /// An error of the input.
    pub fn reading(error: io::Error) -> Self {
        Error::Read(error)
    }
    /// Says which input is damaged.
    #[must_use]
    pub fn of_input(self, name: &str) -> Self {
        let (kind, text) = match &self {
            Error::Read(error) if self.is_damage() => (error.kind(), format!(": {error}")),
            Error::Damaged { offset, what } => {
                let text = format!(", at {offset:#x}: {what}");
                (io::ErrorKind::InvalidData, text)
            }
            _ => return self,
        };
        Error::Read(io::Error::new(kind, format!("{name}{text}")))
    }
    /// Says which output could not be written, and about how many bytes it was to have.
    #[must_use]
    pub fn of_output(self, path: &Path, wanted: Option<u64>) -> Self {
        let (path, source) = match self {
            Error::Write(source) => (path.to_owned(), source),
            Error::Bridge(ckpt_bridge::Error::Write { file, source }) if file.is_empty() => {
                (path.to_owned(), source)
            }
            Error::Bridge(ckpt_bridge::Error::Write { file, source }) => (path.join(file), source),
            Error::Output {
                path: known,
                source,
                ..
            } if known == path => (known, source),
            other => return other.plain(),
        };
        Error::Output {
            path,
            wanted,
            source,
        }
    }
    /// Says that what could not be written was put aside.
    #[must_use]
    pub fn of_temporary(self) -> Self {
        match self {
            Error::Write(source) | Error::Bridge(ckpt_bridge::Error::Write { source, .. }) => {
                Error::Temporary(source)
            }
            other => other.plain(),
        }
    }
    /// A temporary file is one, whoever made it.
    fn plain(self) -> Self {
        match self {
            Error::Bridge(ckpt_bridge::Error::Temporary(source)) => Error::Temporary(source),
            other => other,
        }
    }
    /// Damage at an offset of the input.
    pub fn damaged(offset: u64, what: impl Into<String>) -> Self {
        Error::Damaged {
            offset,
            what: what.into(),
        }
    }
    /// The input ended before its time.
    pub fn ended(offset: u64) -> Self {
        Error::damaged(offset, "the input ends inside a record")
    }
    /// A record is longer than any that makes sense.
    pub fn too_long(record: &str, offset: u64, len: u64, limit: u64) -> Self {
        Error::damaged(
            offset,
            format!("{record} has {len} bytes, more than the {limit} that make sense"),
        )
    }
    /// Whether the input is to blame, rather than the system or the user.
    pub fn is_damage(&self) -> bool {
        match self {
            Error::Read(source) | Error::Bridge(ckpt_bridge::Error::Io { source, .. }) => {
                ckpt_parser::source::is_damage(source)
            }
            Error::Damaged { .. } | Error::Bridge(ckpt_bridge::Error::Damaged(_)) => true,
            _ => false,
        }
    }
    /// Whether the reader of the output went away.
    pub fn is_broken_pipe(&self) -> bool {
        let (Error::Write(source) | Error::Output { source, .. }) = self else {
            return false;
        };
        source.kind() == io::ErrorKind::BrokenPipe
    }
}

/// How much space would have been enough, behind the error that says that there is none.
struct Wanted<'a>(Option<u64>, &'a io::Error);

impl fmt::Display for Wanted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Wanted(wanted, error) = self;
        let full = [
            io::ErrorKind::StorageFull,
            io::ErrorKind::QuotaExceeded,
            io::ErrorKind::FileTooLarge,
        ];
        match wanted.filter(|_| full.contains(&error.kind())) {
            Some(bytes) => write!(f, "; about {} were to be written", BinaryBytes(bytes)),
            None => Ok(()),
        }
    }
}
