//! What can go wrong with a foreign image.

use std::{fmt, io};

/// Shorthand for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a foreign image cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system refused a read or a write.
    #[error("{what}: {source}")]
    Io {
        /// The file, or what was attempted.
        what: String,
        /// The system's answer.
        source: io::Error,
    },
    /// The output cannot be written.
    #[error("writing {file}: {source}")]
    Write {
        /// The file of a set; empty where there is one output only.
        file: String,
        /// The system's answer.
        source: io::Error,
    },
    /// What has to be put aside cannot be.
    #[error("a temporary file: {0}")]
    Temporary(io::Error),
    /// The bytes are not what the format prescribes.
    #[error("{0}")]
    Damaged(Box<Damage>),
    /// The image is well-formed, but holds something that no conversion exists for.
    #[error("{0}")]
    Unsupported(String),
}

/// One departure from a format: where it is, what stands there and what should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// Name of the file, or of the part of a file.
    pub file: String,
    /// Offset in that file, in bytes.
    pub offset: u64,
    /// What the bytes at the offset are, in words.
    pub what: String,
    /// What was found.
    pub found: String,
    /// What the format asks for.
    pub expected: String,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            offset,
            what,
            found,
            expected,
        } = self;
        write!(
            f,
            "{file}, at {offset:#x}: {what}: {found}, expected {expected}"
        )
    }
}

impl Error {
    /// An error of the operating system, with what was attempted.
    pub fn io(what: impl Into<String>, source: io::Error) -> Self {
        Self::Io {
            what: what.into(),
            source,
        }
    }

    /// An error of the only output.
    pub(crate) fn writing(source: io::Error) -> Self {
        Self::Write {
            file: String::new(),
            source,
        }
    }

    /// The same error of a file in a set.
    pub(crate) fn in_file(self, name: &str) -> Self {
        match self {
            Self::Write { source, .. } => Self::Write {
                file: name.to_owned(),
                source,
            },
            other => other,
        }
    }

    /// A departure from the format.
    pub fn damaged(
        file: impl Into<String>,
        offset: u64,
        what: impl Into<String>,
        found: impl fmt::Display,
        expected: impl fmt::Display,
    ) -> Self {
        Self::Damaged(Box::new(Damage {
            file: file.into(),
            offset,
            what: what.into(),
            found: found.to_string(),
            expected: expected.to_string(),
        }))
    }
}

/// For those who read foreign bytes through the traits of `std`: what the system met keeps its kind, damage is
/// [`InvalidData`](io::ErrorKind::InvalidData).
impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match &error {
            Error::Io { source, .. } | Error::Write { source, .. } | Error::Temporary(source) => {
                source.kind()
            }
            Error::Damaged(_) => io::ErrorKind::InvalidData,
            Error::Unsupported(_) => io::ErrorKind::Unsupported,
        };
        io::Error::new(kind, error)
    }
}
