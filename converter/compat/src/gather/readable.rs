//! Files and images that are read, and what goes wrong with it: to who gathers what cannot be read is not there, but a
//! verdict without what is in it would look like any other.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use ckpt_parser::text::escape;

use crate::elf::{ReadAt, read_from};

/// Files below the sysroot that are there and could not be read, and why.
#[derive(Clone, Default)]
pub(super) struct Faults(Arc<Mutex<BTreeSet<String>>>);

impl Faults {
    /// Opens a file; one that is not there is no fault.
    pub(super) fn open(&self, path: &Path) -> Option<Readable> {
        match File::open(path) {
            Ok(file) => Some(Readable {
                file,
                path: path.to_path_buf(),
                faults: self.clone(),
            }),
            Err(error) => {
                if error.kind() != ErrorKind::NotFound {
                    self.add(path, &error);
                }
                None
            }
        }
    }

    fn add(&self, path: &Path, error: &std::io::Error) {
        if let Ok(mut faults) = self.0.lock() {
            // A name may come from the image.
            let name = escape(path.as_os_str().as_encoded_bytes());
            faults.insert(format!("{name}: {error}"));
        }
    }

    /// What there was so far.
    pub(super) fn all(&self) -> Vec<String> {
        let faults = self.0.lock().map(|faults| faults.iter().cloned().collect());
        faults.unwrap_or_default()
    }
}

/// A file below the sysroot.
pub(super) struct Readable {
    file: File,
    path: PathBuf,
    faults: Faults,
}

impl ReadAt for Readable {
    fn read_at(&self, offset: u64, out: &mut [u8]) -> usize {
        let (done, error) = read_from(&self.file, offset, out);
        if let Some(error) = error {
            self.faults.add(&self.path, &error);
        }
        done
    }
}

/// An image by a function that reads from an offset, with errors: [`super::from_image`] sees nothing there, and
/// [`Self::all_read`] tells of them.
///
/// ```
/// use ckpt_compat::elf::ReadAt as _;
/// use ckpt_compat::gather::Watched;
/// let image = Watched::new(|offset, out: &mut [u8]| match offset {
///     0 => Ok(out.len()),
///     _ => Err("the disk is broken"),
/// });
/// assert_eq!(image.read_at(0, &mut [0; 8]), 8);
/// assert_eq!(image.read_at(8, &mut [0; 8]), 0);
/// assert_eq!(image.all_read(), Err("the disk is broken"));
/// ```
#[derive(Debug)]
pub struct Watched<F, E> {
    read: F,
    failure: Mutex<Option<E>>,
}

impl<F: Fn(u64, &mut [u8]) -> Result<usize, E>, E> Watched<F, E> {
    /// Reads by this function; what it returns as no error, like bytes behind the end of a damaged image, is none.
    pub fn new(read: F) -> Self {
        let failure = Mutex::default();
        Self { read, failure }
    }

    /// Was all read that was asked for?
    ///
    /// # Errors
    /// The last that a read met.
    pub fn all_read(self) -> Result<(), E> {
        let failure = self.failure.into_inner().ok().flatten();
        failure.map_or(Ok(()), Err)
    }
}

impl<F: Fn(u64, &mut [u8]) -> Result<usize, E>, E> ReadAt for Watched<F, E> {
    fn read_at(&self, offset: u64, out: &mut [u8]) -> usize {
        (self.read)(offset, out).unwrap_or_else(|error| {
            if let Ok(mut failure) = self.failure.lock() {
                *failure = Some(error);
            }
            0
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_the_image_is_safe_to_show() {
        let folder = std::env::temp_dir().join(format!("readable-\x1b[2J-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let faults = Faults::default();
        // A directory opens, and cannot be read.
        let file = faults.open(&folder).unwrap();
        assert_eq!(file.read_at(0, &mut [0; 8]), 0);
        std::fs::remove_dir(&folder).unwrap();
        assert!(faults.open(&folder).is_none(), "missing is no fault");
        let [fault] = faults.all().try_into().unwrap();
        assert!(fault.contains("readable-\\x1b[2J-"), "{fault}");
    }
}
