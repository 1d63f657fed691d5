//! Files of the image's machine: bytes that a process has mapped and that its image does not hold.

use ckpt_compat::gather::below_sysroot;
use ckpt_parser::memory::{Backing, Span};
use ckpt_parser::model::{Image, ObjRef};
use ckpt_parser::source::{FileSource, Source as _};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

/// A file of the image below a folder: at its path, or by its bare name.
pub fn find(image: &Image, file: ObjRef, sysroot: &Path) -> Option<PathBuf> {
    let path = String::from_utf8_lossy(image.path_of(file)?).into_owned();
    let path = path.strip_suffix(" (deleted)").unwrap_or(&path);
    let base = path.rsplit('/').next().unwrap_or(path);
    below_sysroot(sysroot, path).or_else(|| below_sysroot(sysroot, base))
}

/// The folder, and its files that were opened.
#[derive(Default)]
pub struct Sysroot {
    folder: Option<PathBuf>,
    files: BTreeMap<ObjRef, Option<FileSource>>,
}

/// Files that are kept open.
const MOST_OPEN: usize = 64;

impl Sysroot {
    /// Nothing is opened yet.
    pub fn new(folder: Option<PathBuf>) -> Sysroot {
        Sysroot {
            folder,
            files: BTreeMap::new(),
        }
    }

    /// Fills the stretches of `bytes`, which begin at `addr`, that are in files. Returns the files
    /// that were there.
    pub fn fill(
        &mut self,
        image: &Image,
        spans: &[Span],
        addr: u64,
        bytes: &mut [u8],
    ) -> Vec<ObjRef> {
        let mut found = Vec::new();
        for span in spans {
            let Backing::File(number, offset) = span.backing else {
                continue;
            };
            let from = usize::try_from(span.addr.saturating_sub(addr)).unwrap_or(usize::MAX);
            let len = usize::try_from(span.len).unwrap_or(usize::MAX);
            let to = bytes.get_mut(from..from.saturating_add(len));
            if let (Some(file), Some(to)) = (self.open(image, number), to) {
                // What lies behind the end of a file reads as zero, as in the process.
                if file.read_at(offset, to).is_ok() {
                    found.push(number);
                }
            }
        }
        found
    }

    fn open(&mut self, image: &Image, number: ObjRef) -> Option<&mut FileSource> {
        let folder = self.folder.as_deref()?;
        if self.files.len() >= MOST_OPEN {
            self.files.clear();
        }
        let open = || FileSource::new(File::open(find(image, number, folder)?).ok()?).ok();
        self.files.entry(number).or_insert_with(open).as_mut()
    }
}
