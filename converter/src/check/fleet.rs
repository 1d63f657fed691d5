//! Many images: finding them in lists, directories, archives and stores, and judging them on all cores in order.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, mpsc};

use anyhow::{Context as _, Result, anyhow};
use ckpt_bridge::bytes::{Blob, FileAt};
use ckpt_bridge::criu::{Archive, is_set};
use ckpt_parser::limits::Limits;

use super::images::{self, Image};
use super::{Arguments, store};

/// What a name stands for.
pub(super) struct Subject {
    /// As the user gave it, or where it was found.
    pub(super) name: String,
    /// What to judge.
    pub(super) what: What,
}

/// What is known of a name before the image is opened.
pub(super) enum What {
    /// One image.
    Image(Image),
    /// A file, to be opened by who judges it: it may be an image, or an archive of many.
    File(PathBuf),
    /// It could not be found or opened: why.
    Fault(anyhow::Error),
}

impl Subject {
    fn fault(name: impl Into<String>, error: impl Into<anyhow::Error>) -> Self {
        Self {
            name: name.into(),
            what: What::Fault(error.into()),
        }
    }

    fn image(name: impl Into<String>, image: Image) -> Self {
        Self {
            name: name.into(),
            what: What::Image(image),
        }
    }
}

/// Everything that the arguments name, one by one: a list may be longer than memory, or a pipe that never ends.
/// What cannot be found is among it, so that every name gets an answer.
pub(super) fn subjects(arguments: &Arguments) -> Result<Box<dyn Iterator<Item = Subject>>> {
    let named = arguments.images.clone().into_iter().map(Ok);
    let named: Box<dyn Iterator<Item = io::Result<PathBuf>>> = match &arguments.files_from {
        Some(list) => Box::new(named.chain(listed(list)?)),
        None => Box::new(named),
    };
    let is_stdin = |path: &Path| path.as_os_str() == "-";
    let mut stdin_is_taken = arguments.files_from.as_deref().is_some_and(is_stdin);
    Ok(Box::new(named.flat_map(move |name| match name {
        Ok(path) if is_stdin(&path) && std::mem::replace(&mut stdin_is_taken, true) => {
            let why = anyhow!("standard input is named twice, and can be read once");
            vec![Subject::fault("-", why)]
        }
        Ok(path) => expanded(path),
        Err(error) => vec![Subject::fault("--files-from", error)],
    })))
}

/// The names in a list: one a line, or ended by NUL as `find -print0` writes them.
fn listed(list: &Path) -> Result<Box<dyn Iterator<Item = io::Result<PathBuf>>>> {
    let mut reader: Box<dyn BufRead> = if list.as_os_str() == "-" {
        Box::new(BufReader::new(io::stdin()))
    } else {
        let file = File::open(list).with_context(|| format!("--files-from {}", list.display()))?;
        Box::new(BufReader::new(file))
    };
    let nul = reader.fill_buf()?.contains(&0);
    let end = if nul { 0 } else { b'\n' };
    let names = reader.split(end).filter_map(move |name| match name {
        Ok(mut name) => {
            if !nul && name.last() == Some(&b'\r') {
                name.pop();
            }
            (!name.is_empty()).then(|| Ok(path_of(name)))
        }
        Err(error) => Some(Err(error)),
    });
    Ok(Box::new(names))
}

fn path_of(name: Vec<u8>) -> PathBuf {
    use std::os::unix::ffi::OsStringExt as _;
    std::ffi::OsString::from_vec(name).into()
}

/// Directories that are no CRIU set are opened; everything else is left to who judges it.
fn expanded(path: PathBuf) -> Vec<Subject> {
    let name = path.display().to_string();
    if store::is_url(&name) {
        return store::open(&name).map_or_else(
            |error| vec![Subject::fault(&name, error)],
            |archive| members(&Arc::new(archive)),
        );
    }
    if !path.is_dir() {
        return vec![Subject {
            name,
            what: What::File(path),
        }];
    }
    if is_set(&path) {
        return vec![Subject::image(name, Image::Directory(path))];
    }
    let mut found = Vec::new();
    below(&path, &mut found, 0);
    if found.is_empty() {
        let why = "a directory without any image: no inventory.img, stream, core or ARM executable";
        found.push(Subject::fault(name, anyhow!(why)));
    }
    found
}

/// Directories within directories.
const MAX_DEPTH: u32 = 16;

/// Images in a directory and its directories, by what they are; other files are not images and are passed over.
fn below(directory: &Path, found: &mut Vec<Subject>, depth: u32) {
    let entries = std::fs::read_dir(directory).and_then(|entries| {
        entries
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<io::Result<Vec<PathBuf>>>()
    });
    let mut entries = match entries {
        Ok(entries) => entries,
        Err(error) => {
            found.push(Subject::fault(directory.display().to_string(), error));
            return;
        }
    };
    entries.sort();
    for path in entries {
        let name = path.display().to_string();
        if path.is_dir() {
            if is_set(&path) {
                found.push(Subject::image(name, Image::Directory(path)));
            } else if depth < MAX_DEPTH && !path.is_symlink() {
                below(&path, found, depth + 1);
            }
        } else if path.is_file() && (is_named_like_image(&path) || file_looks_like_image(&path)) {
            let what = What::File(path);
            found.push(Subject { name, what });
        }
    }
}

/// Whether the name says that it is an image: then it gets an answer, however damaged it is.
fn is_named_like_image(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let packed = [".zst", ".gz", ".xz", ".lz4"]
        .iter()
        .find_map(|end| name.strip_suffix(end));
    match packed.unwrap_or(&name).rsplit_once('.') {
        Some(("core", _) | (_, "ckpt" | "tar")) => true,
        Some(_) => false,
        None => name == "core",
    }
}

fn file_looks_like_image(path: &Path) -> bool {
    let blob = File::open(path).and_then(FileAt::new);
    blob.is_ok_and(|file| images::looks_like_image(&Blob::new("", Arc::new(file))))
}

/// What a file turned out to be.
pub(super) enum Opened {
    /// An image.
    One(Image),
    /// An archive of others.
    Many(Vec<Subject>),
}

/// Opens a file: an image, or an archive, which counts as the one image in it if it has one only.
pub(super) fn open(path: &Path, limits: &Limits) -> Result<Opened> {
    let blob = images::blob(path, limits)?;
    if !images::is_tar(&blob)? {
        return Ok(Opened::One(Image::Bytes(blob)));
    }
    let archive = Arc::new(Archive::of_tar(&blob)?);
    let mut found = members(&archive);
    let single = match found.pop() {
        Some(Subject {
            what: What::Image(image),
            ..
        }) if found.is_empty() => return Ok(Opened::One(image)),
        other => other,
    };
    found.extend(single);
    if found.is_empty() {
        return Err(anyhow!(
            "a tar file without any image: no inventory.img, stream, core or ARM executable"
        ));
    }
    Ok(Opened::Many(found))
}

/// The images in an archive: its CRIU sets, and the files outside of them that look like images.
fn members(archive: &Arc<Archive>) -> Vec<Subject> {
    let sets = archive.sets();
    let at = |path: &Path| {
        let inner = path.display();
        let slash = if archive.name.ends_with('/') { "" } else { "/" };
        if path.as_os_str().is_empty() {
            archive.name.clone()
        } else {
            format!("{}{slash}{inner}", archive.name)
        }
    };
    let mut found: Vec<Subject> = archive
        .files()
        .filter(|(path, _)| !sets.iter().any(|set| path.starts_with(set)))
        .filter(|(path, blob)| is_named_like_image(path) || images::looks_like_image(blob))
        .map(|(path, blob)| Subject::image(at(path), Image::Bytes(blob.clone())))
        .collect();
    found.extend(
        sets.iter()
            .map(|set| Subject::image(at(set), Image::Set(Arc::clone(archive), set.clone()))),
    );
    found.sort_by(|a, b| a.name.cmp(&b.name));
    if let Some(damage) = archive.damage() {
        found.push(Subject::fault(&archive.name, anyhow!("{damage}")));
    }
    found
}

/// Jobs that may be finished before an earlier one is, for each thread.
const AHEAD: usize = 8;

/// Does `work` on every item on `threads` threads and gives the results to `each` in the order of the items. Items are
/// taken as they are needed; a bounded number of results waits for an earlier one.
pub(super) fn in_order<T: Send, R: Send, E>(
    threads: usize,
    mut items: impl Iterator<Item = T>,
    work: impl Fn(T) -> R + Sync,
    mut each: impl FnMut(R) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    let (jobs, queue) = mpsc::channel::<(T, mpsc::SyncSender<R>)>();
    let queue = Mutex::new(queue);
    std::thread::scope(|scope| {
        // Dropped at the end of this closure, which ends the threads.
        let jobs = jobs;
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let job = queue.lock().map(|queue| queue.recv());
                    let Ok(Ok((item, answer))) = job else { break };
                    // Nobody waits for the answer when `each` has failed.
                    let _ = answer.send(work(item));
                }
            });
        }
        let mut waiting = VecDeque::new();
        loop {
            while waiting.len() < threads * AHEAD
                && let Some(item) = items.next()
            {
                let (answer, result) = mpsc::sync_channel(1);
                let _ = jobs.send((item, answer));
                waiting.push_back(result);
            }
            let Some(Ok(result)) = waiting.pop_front().map(|result| result.recv()) else {
                return Ok(());
            };
            each(result)?;
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn results_come_in_order_and_a_slow_one_is_waited_for_within_bounds() {
        let taken = AtomicUsize::new(0);
        let done = AtomicUsize::new(0);
        let items = (0..1000).inspect(|_| {
            taken.fetch_add(1, Ordering::SeqCst);
        });
        let mut next = 0;
        let work = |item: usize| {
            if item.is_multiple_of(97) {
                std::thread::yield_now();
            }
            item
        };
        let result: std::result::Result<(), ()> = in_order(3, items, work, |item| {
            assert_eq!(item, next);
            next += 1;
            let ahead = taken.load(Ordering::SeqCst) - done.fetch_add(1, Ordering::SeqCst);
            assert!(ahead <= 3 * AHEAD, "{ahead} taken ahead");
            Ok(())
        });
        assert!(result.is_ok() && next == 1000);
    }

    #[test]
    fn the_first_failure_ends_it() {
        let mut given = 0;
        let result = in_order(
            2,
            0..,
            |item: usize| item,
            |item| {
                given += 1;
                if item == 5 { Err("full") } else { Ok(()) }
            },
        );
        assert_eq!((result, given), (Err("full"), 6));
    }

    #[test]
    fn names_are_lines_or_ended_by_nul() {
        let dir = tempfile::tempdir().unwrap();
        let read = |content: &[u8]| -> Vec<PathBuf> {
            let list = dir.path().join("list");
            std::fs::write(&list, content).unwrap();
            listed(&list).unwrap().map(Result::unwrap).collect()
        };
        let two = vec![PathBuf::from("a b"), PathBuf::from("c")];
        assert_eq!(read(b"a b\n\nc"), two);
        assert_eq!(read(b"a b\r\nc\r\n"), two);
        assert_eq!(read(b"a b\0c\0"), two);
        assert_eq!(read(b"a\nb\0"), vec![PathBuf::from("a\nb")]);
    }
}
