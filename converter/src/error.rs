//! Why a conversion stopped.

use std::io;

/// Why a conversion stopped. Losses are not errors; see [`crate::loss`].
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The input cannot be read, or is no image: then the cause is a diagnostic.
    #[error("{0}")]
    Read(io::Error),
    /// The output cannot be written.
    #[error("writing: {0}")]
    Write(#[from] io::Error),
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
            Error::Read(error) => error.kind() == io::ErrorKind::InvalidData,
            Error::Bridge(ckpt_bridge::Error::Io { source, .. }) => {
                source.kind() == io::ErrorKind::InvalidData
            }
            Error::Damaged { .. } | Error::Bridge(ckpt_bridge::Error::Damaged(_)) => true,
            _ => false,
        }
    }
    /// Whether the reader of the output went away.
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, Error::Write(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}
