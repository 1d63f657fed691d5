//! Where output goes.

use ckpt_cli::output::{Atomic, Staged};
use ckpt_convert::Error;
use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

/// A file that appears when it is complete, or standard output.
pub(crate) struct Place {
    /// For messages.
    path: PathBuf,
    /// About how many bytes are to be written.
    wanted: Option<u64>,
    /// None for standard output.
    file: Option<Atomic>,
}

impl Place {
    pub(crate) fn new(path: &Path, force: bool, wanted: Option<u64>) -> Result<Self, Error> {
        if path == Path::new("-") {
            if io::stdout().is_terminal() {
                let why = "standard output is a terminal; name a file with -o";
                return Err(Error::Request(why.into()));
            }
            return Ok(Place {
                path: "standard output".into(),
                wanted,
                file: None,
            });
        }
        let file = Atomic::create(path, force).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => exists(path, "--force replaces it"),
            _ => Error::Write(error).of_output(path, wanted),
        })?;
        Ok(Place {
            path: path.to_owned(),
            wanted,
            file: Some(file),
        })
    }

    pub(crate) fn is_file(&self) -> bool {
        self.file.is_some()
    }

    /// Writes; an error of the output gets its name.
    pub(crate) fn write<T>(
        &self,
        write: impl FnOnce(File) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let file = match &self.file {
            Some(atomic) => atomic.file(),
            None => io::stdout().as_fd().try_clone_to_owned().map(File::from),
        };
        let written = file.map_err(Error::Write).and_then(write);
        written.map_err(|error| error.of_output(&self.path, self.wanted))
    }

    /// Makes the output durable; it appears later. None for standard output.
    pub(crate) fn staged(self) -> Result<Option<Ready>, Error> {
        let Some(atomic) = self.file else {
            return Ok(None);
        };
        let staged = atomic.stage();
        let staged = staged.map_err(|e| Error::Write(e).of_output(&self.path, self.wanted))?;
        Ok(Some(Ready {
            path: self.path,
            staged,
        }))
    }
}

/// An output that is complete, but for its name.
pub(crate) struct Ready {
    path: PathBuf,
    staged: Staged,
}

impl Ready {
    pub(crate) fn appear(self) -> Result<(), Error> {
        let done = self.staged.appear();
        done.map_err(|error| Error::Write(error).of_output(&self.path, None))
    }

    /// Takes away what has the name now.
    pub(crate) fn clear(&self) -> Result<(), Error> {
        let done = self.staged.clear();
        done.map_err(|error| Error::Write(error).of_output(&self.path, None))
    }
}

/// The answer to whoever would overwrite something.
pub(crate) fn exists(path: &Path, hint: &str) -> Error {
    let text = format!("{}: exists; {hint}", path.display());
    Error::Request(text)
}
