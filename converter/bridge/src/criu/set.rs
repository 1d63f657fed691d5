//! Where the files of a set lie: in a directory, or in a tar stream, compressed or not.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use ckpt_parser::{limits::Limits, source::Compression};

use crate::{
    Error, Result,
    bytes::{Blob, FileAt, ReadAt, Reader},
    open::spooled_until,
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
    /// What ended the reading of a damaged archive; the files before it are there.
    pub damage: Option<Error>,
    members: BTreeMap<String, Blob>,
}

impl Set {
    /// Opens a directory or a tar file, compressed or not.
    pub fn open(path: &Path, limits: &Limits) -> Result<Self> {
        Self::open_damaged(path, limits)?.checked()
    }

    /// The same, whatever is missing.
    pub fn open_damaged(path: &Path, limits: &Limits) -> Result<Self> {
        let fail = |e| Error::io(path.display().to_string(), e);
        if fs::metadata(path).map_err(fail)?.is_dir() {
            // An unpacked checkpoint of a container.
            let inner = path.join("checkpoint");
            let outer = !is_set(path) && is_set(&inner);
            return Self::open_dir(if outer { &inner } else { path }, 0);
        }
        let file = File::open(path).map_err(fail)?;
        Archive::open(&path.display().to_string(), file, limits)?.into_set()
    }

    /// A set of files that lie elsewhere, by their names.
    pub fn of(name: &str, files: impl IntoIterator<Item = Blob>) -> Self {
        let members = files.into_iter().map(|file| (file.name.clone(), file));
        Self {
            name: name.to_owned(),
            parent: None,
            damage: None,
            members: members.collect(),
        }
    }

    /// Reads a tar stream that cannot be revisited, such as standard input. It is kept in an unnamed temporary file.
    pub fn open_stream(name: &str, stream: impl Read + Send, limits: &Limits) -> Result<Self> {
        Self::open_damaged_stream(name, stream, limits)?.checked()
    }

    /// The same, whatever is missing.
    pub fn open_damaged_stream(
        name: &str,
        stream: impl Read + Send,
        limits: &Limits,
    ) -> Result<Self> {
        Archive::read(name, stream, limits)?.into_set()
    }

    /// Puts a file into the set, or in place of the one of its name.
    pub fn put(&mut self, file: Blob) {
        self.members.insert(file.name.clone(), file);
    }

    /// Takes a file out.
    pub fn remove(&mut self, name: &str) {
        self.members.remove(name);
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
            damage: None,
            members,
        })
    }

    /// A set must not be encrypted.
    pub fn check_readable(&self) -> Result<()> {
        if self.get("cipher.img").is_none() {
            return Ok(());
        }
        Err(Error::Unsupported(format!(
            "{}: the set is encrypted (it has a cipher.img)",
            self.name
        )))
    }

    /// A set must be whole, and have an inventory.
    fn checked(mut self) -> Result<Self> {
        match self.damage.take() {
            Some(damage) => Err(damage),
            None => self.check().map(|()| self),
        }
    }

    /// Nothing is wrong with the archive that it came in, and there is an inventory.
    pub(crate) fn check(&self) -> Result<()> {
        self.check_readable()?;
        if self.damage.is_none() && self.get("inventory.img").is_some() {
            return Ok(());
        }
        Err(Error::Unsupported(format!(
            "{}: no inventory.img, so this is no set of images",
            self.name
        )))
    }

    /// The file of this name.
    pub fn get(&self, name: &str) -> Option<&Blob> {
        self.members.get(name)
    }

    /// The file of this name, which must be there.
    pub fn need(&self, name: &str) -> Result<&Blob> {
        self.get(name).ok_or_else(|| {
            Error::damaged(&self.name, 0, "set of images", format!("no {name}"), "one")
        })
    }

    /// All files in order of their names.
    pub fn members(&self) -> impl Iterator<Item = &Blob> {
        self.members.values()
    }
}

/// Many files under one name, each where it lies: the members of a tar file, the objects below a prefix of a store.
/// Nothing is unpacked by its path, so no path can do harm.
#[derive(Debug)]
pub struct Archive {
    /// Name for messages.
    pub name: String,
    members: BTreeMap<PathBuf, Blob>,
    links: Vec<(PathBuf, PathBuf)>,
    damage: Option<Error>,
    /// The file in which the archive ends before its time.
    cut: Option<(PathBuf, Blob)>,
}

impl Archive {
    /// Files that something else than a tar file holds.
    pub fn of_members(name: &str, members: BTreeMap<PathBuf, Blob>) -> Self {
        Self {
            name: name.to_owned(),
            members,
            links: Vec::new(),
            damage: None,
            cut: None,
        }
    }

    /// Finds the members of a tar file that is not compressed.
    pub fn of_tar(tar: &Blob) -> Result<Self> {
        let name = &tar.name;
        let fail = |e| Error::io(name, e);
        let mut archive = Self::of_members(name, BTreeMap::new());
        let mut entries = tar::Archive::new(tar.reader());
        for entry in entries.entries_with_seek().map_err(fail)? {
            let added = entry
                .map_err(fail)
                .and_then(|entry| archive.add(tar, &entry));
            if let Err(error) = added {
                archive.damage = Some(error);
                break;
            }
        }
        Ok(archive)
    }

    fn open(name: &str, file: File, limits: &Limits) -> Result<Self> {
        let fail = |e| Error::io(name, e);
        match Compression::of_file(&file).map_err(fail)? {
            None => {
                let file = FileAt::new(file).map_err(fail)?;
                Self::of_tar(&Blob::new(name, Arc::new(file)))
            }
            Some(_) => Self::read(name, file, limits),
        }
    }

    /// The same of a stream that may be compressed; it is kept in an unnamed temporary file.
    fn read(name: &str, stream: impl Read + Send, limits: &Limits) -> Result<Self> {
        let (file, damage) = spooled_until(name, stream, limits)?;
        let archive = Self::of_tar(&Blob::new(name, Arc::new(file)))?;
        let damage = damage.or(archive.damage);
        Ok(Self { damage, ..archive })
    }

    fn add(&mut self, tar: &Blob, entry: &tar::Entry<'_, Reader>) -> Result<()> {
        let fail = |e| Error::io(&self.name, e);
        let path = normalized(&entry.path().map_err(fail)?);
        let kind = entry.header().entry_type();
        if kind.is_symlink() {
            let target = entry.link_name().map_err(fail)?;
            self.links
                .push((path, target.map(|to| to.to_path_buf()).unwrap_or_default()));
        } else if kind.is_gnu_sparse() {
            return Err(Error::Unsupported(format!(
                "{}: sparse members of tar files are not understood",
                self.name
            )));
        } else if kind.is_file() || kind.is_contiguous() {
            limit(&self.name, self.members.len())?;
            let (at, len) = (entry.raw_file_position(), entry.size());
            let name = path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default();
            let there = tar.len().saturating_sub(at).min(len);
            let mut blob = tar.part(at, there);
            blob.name.clone_from(&name);
            if there < len {
                self.cut = Some((path, blob));
                return Err(Error::damaged(
                    &self.name,
                    at,
                    format!("member {name}"),
                    format!("end of file at {:#x}", tar.len()),
                    format!("{len} bytes"),
                ));
            }
            self.members.insert(path, blob);
        }
        Ok(())
    }

    /// All files by path.
    pub fn files(&self) -> impl Iterator<Item = (&Path, &Blob)> {
        self.members
            .iter()
            .map(|(path, blob)| (path.as_path(), blob))
    }

    /// What ended the reading of a damaged archive; the files before it are there.
    pub fn damage(&self) -> Option<&Error> {
        self.damage.as_ref()
    }

    /// Directories with a set of their own, but for those that only hold what another set is an increment of.
    pub fn sets(&self) -> Vec<PathBuf> {
        let of_set = |path: &&PathBuf| {
            let name = path.file_name().and_then(|name| name.to_str());
            name.is_some_and(is_of_set)
        };
        let mut all: Vec<&Path> = self
            .members
            .keys()
            .filter(of_set)
            .filter_map(|path| path.parent())
            .collect();
        all.sort_unstable();
        all.dedup();
        let parents: Vec<PathBuf> = all.iter().filter_map(|dir| self.parent_of(dir)).collect();
        all.into_iter()
            .filter(|dir| !parents.iter().any(|parent| parent == dir))
            .map(Path::to_path_buf)
            .collect()
    }

    /// The set in a directory.
    pub fn set(&self, dir: &Path) -> Result<Set> {
        self.set_at(dir, 0)?.checked()
    }

    /// The set that the archive as a whole is: the outermost one.
    fn into_set(mut self) -> Result<Set> {
        let damage = self.damage.take();
        self.members.extend(self.cut.take());
        let outermost = |start: &str| {
            let is_one = |path: &&PathBuf| {
                let stem = path.file_stem().and_then(|stem| stem.to_str());
                let is_image = path.extension().is_some_and(|end| end == "img");
                is_image && stem.is_some_and(|stem| stem.starts_with(start))
            };
            let all = self.members.keys().filter(is_one);
            let outermost = all.min_by_key(|path| path.components().count());
            outermost.and_then(|path| path.parent())
        };
        // An archive that is cut off may have lost its inventory.
        let found = outermost("inventory").or_else(|| outermost("core-"));
        match (found, damage) {
            (Some(dir), damage) => Ok(Set {
                damage,
                ..self.set_at(dir, 0)?
            }),
            (None, Some(damage)) => Err(damage),
            (None, None) => Err(Error::Unsupported(format!(
                "{}: no inventory.img in this tar file",
                self.name
            ))),
        }
    }

    /// The directory of the set that the one in `dir` is an increment of.
    fn parent_of(&self, dir: &Path) -> Option<PathBuf> {
        let link = self
            .links
            .iter()
            .find(|(path, _)| path.parent() == Some(dir) && path.ends_with("parent"))
            .map(|(_, target)| normalized(&dir.join(target)));
        let inner = dir.join("parent");
        let has_inner = self.members.contains_key(&inner.join("inventory.img"));
        link.or(has_inner.then_some(inner))
    }

    fn set_at(&self, dir: &Path, depth: u32) -> Result<Set> {
        let inside = |path: &PathBuf| path.parent() == Some(dir);
        let below = self.members.range(dir.to_path_buf()..);
        let members = below
            .take_while(|(path, _)| path.starts_with(dir))
            .filter(|(path, _)| inside(path))
            .map(|(_, blob)| (blob.name.clone(), blob.clone()))
            .collect();
        let parent = match self.parent_of(dir) {
            Some(_) if depth >= MAX_PARENTS => {
                return Err(Error::damaged(
                    &self.name,
                    0,
                    "parent sets",
                    format!("more than {MAX_PARENTS}"),
                    "an end",
                ));
            }
            Some(parent) => Some(Box::new(self.set_at(&parent, depth + 1)?)),
            None => None,
        };
        Ok(Set {
            name: self.name.clone(),
            parent,
            damage: None,
            members,
        })
    }
}

/// Whether a directory holds a set, perhaps one that has lost files.
pub fn is_set(dir: &Path) -> bool {
    let files = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut names = files.filter_map(|file| file.file_name().into_string().ok());
    names.any(|name| is_of_set(&name))
}

/// Whether only sets have a file of this name: one that every set has, or lost.
fn is_of_set(name: &str) -> bool {
    let core = name.strip_prefix("core-");
    core.is_some_and(|rest| rest.strip_suffix(".img").is_some())
        || matches!(name, "inventory.img" | "pstree.img")
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
