//! Whether an input is still what it was when it was opened.

use ckpt_convert::Error;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What tells that the files of an input are the same, with the same contents.
///
/// A copy of what is written while it is copied is neither the old image nor the new one. And a document that was
/// replaced after it was opened lies beside the contents of another one's memory.
pub(crate) struct Stamp<'a> {
    path: &'a Path,
    files: Vec<(PathBuf, Identity)>,
}

/// Device, inode, length, and seconds and nanoseconds of the last change.
type Identity = (u64, u64, u64, i64, i64);

impl<'a> Stamp<'a> {
    /// Looks at an input before it is opened.
    pub(crate) fn of(path: &'a Path) -> Self {
        Stamp {
            path,
            files: identities(path),
        }
    }

    /// Whether it is the same still, before what was made of it is kept.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if identities(self.path) == self.files {
            return Ok(());
        }
        let text = format!("{}: it changed while it was read", self.path.display());
        Err(Error::Read(io::Error::other(text)))
    }
}

/// A file, or the images of a set. A pipe changes all the time, and what else lies in the directory of a set may.
fn identities(path: &Path) -> Vec<(PathBuf, Identity)> {
    let one = |path: PathBuf| {
        let meta = fs::metadata(&path).ok().filter(Metadata::is_file)?;
        let changed = (meta.mtime(), meta.mtime_nsec());
        let identity = (meta.dev(), meta.ino(), meta.len(), changed.0, changed.1);
        Some((path, identity))
    };
    if !path.is_dir() {
        return one(path.to_owned()).into_iter().collect();
    }
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    let images = paths.filter(|path| path.extension().is_some_and(|end| end == "img"));
    let mut found: Vec<_> = images.filter_map(one).collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_replaced_or_written_on_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let image = folder.path().join("a.img");
        fs::write(&image, "old").unwrap();
        for path in [image.as_path(), folder.path()] {
            let stamp = Stamp::of(path);
            fs::write(folder.path().join("log"), "more").unwrap();
            assert!(stamp.check().is_ok(), "a log is no image");

            let new = folder.path().join("new");
            fs::write(&new, "old").unwrap();
            fs::rename(&new, &image).unwrap();
            assert!(stamp.check().is_err(), "another file by its name");

            let stamp = Stamp::of(path);
            fs::write(&image, "older").unwrap();
            let told = stamp.check().unwrap_err().to_string();
            assert!(told.contains("changed while it was read"), "{told}");
            fs::write(&image, "old").unwrap();
        }
        assert!(Stamp::of(Path::new("-")).check().is_ok());
    }
}
