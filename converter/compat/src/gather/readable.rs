//! Files below the sysroot, and what goes wrong with reading them.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::elf::{ReadAt, read_from};

/// Files that are there and could not be read, and why. A verdict without what is in them would look like any other.
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
            faults.insert(format!("{}: {error}", path.display()));
        }
    }

    /// What there was so far.
    pub(super) fn all(&self) -> Vec<String> {
        let faults = self.0.lock().map(|faults| faults.iter().cloned().collect());
        faults.unwrap_or_default()
    }
}

/// A file below the sysroot. To who reads it what cannot be read is not there; it is remembered.
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
