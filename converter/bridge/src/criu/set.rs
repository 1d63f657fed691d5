//! Where the files of a set lie: in a directory, or in a tar stream, compressed or not.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::Arc,
};

use ckpt_parser::{limits::Limits, source::Compression};

use crate::{
    Error, Result,
    bytes::{Blob, FileAt, ReadAt},
    open::spooled,
};

/// Most files in one set.
const MAX_MEMBERS: usize = 1 << 20;
/// Longest chain of incremental dumps; the kernel itself follows at most 40 links.
const MAX_PARENTS: u32 = 32;
/// Files up to this size are opened for each read: a set may have more of them than a process may have open.
const KEEP_OPEN: u64 = 1 << 20;

/// The files of a set by name, and the set it is an increment of.
#[derive(Debug)]
pub struct Set {
    /// Where it was found, for messages.
    pub name: String,
    /// Set with the pages that this one leaves out.
    pub parent: Option<Box<Set>>,
    members: BTreeMap<String, Blob>,
}

impl Set {
    /// Opens a directory or a tar file, compressed or not.
    pub fn open(path: &Path, limits: &Limits) -> Result<Self> {
        let fail = |e| Error::io(path.display().to_string(), e);
        if fs::metadata(path).map_err(fail)?.is_dir() {
            return Self::open_dir(path, 0)?.checked();
        }
        let file = File::open(path).map_err(fail)?;
        Self::open_tar(&path.display().to_string(), file, limits)
    }

    /// Reads a tar stream that cannot be revisited, such as standard input. It is kept in an unnamed temporary file.
    pub fn open_stream(name: &str, stream: impl Read + Send, limits: &Limits) -> Result<Self> {
        let file = spooled(stream, limits).map_err(|e| Error::io(name, e))?;
        Self::index_tar(name, file)
    }

    fn open_dir(path: &Path, depth: u32) -> Result<Self> {
        let name = path.display().to_string();
        let fail = |e| Error::io(&name, e);
        let mut members = BTreeMap::new();
        for entry in fs::read_dir(path).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let Ok(file) = entry.file_name().into_string() else {
                continue;
            };
            let meta =
                fs::metadata(entry.path()).map_err(|e| Error::io(format!("{name}/{file}"), e));
            if !meta?.is_file() {
                continue;
            }
            limit(&name, members.len())?;
            let source =
                PathAt::new(entry.path()).map_err(|e| Error::io(format!("{name}/{file}"), e))?;
            members.insert(file.clone(), Blob::new(file, Arc::new(source)));
        }
        let link = path.join("parent");
        let parent = if link.is_dir() {
            if depth >= MAX_PARENTS {
                return Err(Error::damaged(
                    &name,
                    0,
                    "parent sets",
                    format!("more than {MAX_PARENTS}"),
                    "an end",
                ));
            }
            Some(Box::new(Self::open_dir(&link, depth + 1)?))
        } else {
            None
        };
        Ok(Self {
            name,
            parent,
            members,
        })
    }

    fn open_tar(name: &str, file: File, limits: &Limits) -> Result<Self> {
        match Compression::of_file(&file).map_err(|e| Error::io(name, e))? {
            None => Self::index_tar(name, file),
            Some(_) => Self::open_stream(name, file, limits),
        }
    }

    /// Finds the members of a tar file. Nothing is unpacked, so no path in it can do harm.
    fn index_tar(name: &str, mut file: File) -> Result<Self> {
        let fail = |e| Error::io(name, e);
        file.seek(SeekFrom::Start(0)).map_err(fail)?;
        let source: Arc<dyn ReadAt> =
            Arc::new(FileAt::new(file.try_clone().map_err(fail)?).map_err(fail)?);
        let mut all: BTreeMap<PathBuf, (u64, u64)> = BTreeMap::new();
        let mut links = Vec::new();
        let mut archive = tar::Archive::new(file);
        for entry in archive.entries_with_seek().map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let path: PathBuf = entry
                .path()
                .map_err(fail)?
                .components()
                .filter(|c| matches!(c, std::path::Component::Normal(_)))
                .collect();
            let kind = entry.header().entry_type();
            if kind.is_symlink() {
                links.push((
                    path,
                    entry
                        .link_name()
                        .map_err(fail)?
                        .map(|l| l.to_path_buf())
                        .unwrap_or_default(),
                ));
            } else if kind.is_gnu_sparse() {
                return Err(Error::Unsupported(format!(
                    "{name}: sparse members of tar files are not understood"
                )));
            } else if kind.is_file() || kind.is_contiguous() {
                limit(name, all.len())?;
                all.insert(path, (entry.raw_file_position(), entry.size()));
            }
        }
        let root = all
            .keys()
            .filter(|p| p.ends_with("inventory.img"))
            .min_by_key(|p| p.components().count());
        let root = root.and_then(|p| p.parent()).map(Path::to_path_buf);
        let root = root.ok_or_else(|| {
            Error::Unsupported(format!("{name}: no inventory.img in this tar file"))
        })?;
        Self::from_tar(name, &source, &all, &links, &root, 0)?.checked()
    }

    fn from_tar(
        name: &str,
        source: &Arc<dyn ReadAt>,
        all: &BTreeMap<PathBuf, (u64, u64)>,
        links: &[(PathBuf, PathBuf)],
        dir: &Path,
        depth: u32,
    ) -> Result<Self> {
        let mut members = BTreeMap::new();
        for (path, &(at, len)) in all {
            if let (Some(file), true) = (
                path.file_name().and_then(|f| f.to_str()),
                path.parent() == Some(dir),
            ) {
                if at.checked_add(len).is_none_or(|end| end > source.len()) {
                    return Err(Error::damaged(
                        name,
                        at,
                        format!("member {file}"),
                        format!("end of file at {:#x}", source.len()),
                        format!("{len} bytes"),
                    ));
                }
                members.insert(
                    file.to_owned(),
                    Blob::range(file, Arc::clone(source), at, len),
                );
            }
        }
        let link = links
            .iter()
            .find(|(path, _)| path.parent() == Some(dir) && path.ends_with("parent"))
            .map(|(_, target)| normalized(&dir.join(target)));
        let inner = dir.join("parent");
        let inner = all
            .contains_key(&inner.join("inventory.img"))
            .then_some(inner);
        let parent = match link.or(inner) {
            Some(_) if depth >= MAX_PARENTS => {
                return Err(Error::damaged(
                    name,
                    0,
                    "parent sets",
                    format!("more than {MAX_PARENTS}"),
                    "an end",
                ));
            }
            Some(dir) => Some(Box::new(Self::from_tar(
                name,
                source,
                all,
                links,
                &dir,
                depth + 1,
            )?)),
            None => None,
        };
        Ok(Self {
            name: name.to_owned(),
            parent,
            members,
        })
    }

    /// A set must have an inventory, and must not be encrypted.
    fn checked(self) -> Result<Self> {
        if self.get("cipher.img").is_some() {
            return Err(Error::Unsupported(format!(
                "{}: the set is encrypted (it has a cipher.img)",
                self.name
            )));
        }
        if self.get("inventory.img").is_none() {
            return Err(Error::Unsupported(format!(
                "{}: no inventory.img, so this is no set of images",
                self.name
            )));
        }
        Ok(self)
    }

    /// The file of this name.
    pub fn get(&self, name: &str) -> Option<&Blob> {
        self.members.get(name)
    }

    /// The file of this name, which must be there.
    pub fn need(&self, name: &str) -> Result<&Blob> {
        self.get(name).ok_or_else(|| {
            Error::damaged(&self.name, 0, "set of images", format!("no {name}"), name)
        })
    }

    /// All files in order of their names.
    pub fn members(&self) -> impl Iterator<Item = &Blob> {
        self.members.values()
    }
}

/// Whether `head`, the first bytes of a file, opens a tar file.
pub fn is_tar(head: &[u8]) -> bool {
    head.get(257..262) == Some(b"ustar")
}

fn limit(name: &str, count: usize) -> Result<()> {
    if count < MAX_MEMBERS {
        return Ok(());
    }
    Err(Error::damaged(
        name,
        0,
        "number of files",
        count,
        format!("fewer than {MAX_MEMBERS}"),
    ))
}

/// A path without `.` and `..`; what climbs out of the root stays at it.
fn normalized(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::Normal(name) => out.push(name),
            std::path::Component::ParentDir => {
                out.pop();
            }
            _ => {}
        }
    }
    out
}

/// A file that is open only while it is read, unless it is large.
#[derive(Debug)]
struct PathAt {
    path: PathBuf,
    len: u64,
    open: Option<FileAt>,
}

impl PathAt {
    fn new(path: PathBuf) -> io::Result<Self> {
        let len = fs::metadata(&path)?.len();
        let open = if len > KEEP_OPEN {
            Some(FileAt::new(File::open(&path)?)?)
        } else {
            None
        };
        Ok(Self { path, len, open })
    }
}

impl ReadAt for PathAt {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        match &self.open {
            Some(file) => file.read_at(offset, buf),
            None => FileAt::new(File::open(&self.path)?)?.read_at(offset, buf),
        }
    }

    fn len(&self) -> u64 {
        self.len
    }

    fn file(&self) -> Option<&File> {
        self.open.as_ref()?.file()
    }
}
