//! Files that appear complete or not at all, and never in the place of what they are made from.

use rustix::fs::{AtFlags, CWD, Mode, OFlags, RenameFlags};
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Refuses an output that would take the place of an input: what was read would be gone. `-` is standard input.
///
/// # Errors
/// Which input it is, for the user.
pub fn no_input<'a>(
    output: &Path,
    inputs: impl IntoIterator<Item = &'a Path>,
) -> Result<(), String> {
    let real = |input: &'a Path| match input {
        input if input == Path::new("-") => Path::new("/dev/stdin"),
        input => input,
    };
    let mut inputs = inputs.into_iter().map(real);
    match inputs.find(|input| is_same(input, output)) {
        None => Ok(()),
        Some(input) => Err(format!(
            "{} would take the place of {}, which is read",
            output.display(),
            input.display()
        )),
    }
}

/// Whether two names are of one file, whether it is there already or not. A device or fifo takes nothing's place.
pub fn is_same(left: &Path, right: &Path) -> bool {
    let id = |path: &Path| {
        let file = std::fs::metadata(path).ok()?;
        Some((file.is_file(), file.dev(), file.ino()))
    };
    match (id(left), id(right)) {
        (Some(left), Some(right)) => left.0 && left == right,
        (None, None) => {
            let whole = |path| std::fs::canonicalize(directory(path)).ok();
            left.file_name() == right.file_name()
                && whole(left).is_some_and(|place| Some(place) == whole(right))
        }
        _ => false,
    }
}

/// A file that replaces its target only when it is complete.
///
/// Where the file system allows, it has no name until then, so that even a killed program
/// leaves nothing behind.
#[derive(Debug)]
pub struct Atomic {
    target: PathBuf,
    force: bool,
    state: State,
    write_back: Option<WriteBack>,
}

#[derive(Debug)]
enum State {
    /// Without a name (`O_TMPFILE`).
    Unnamed(File),
    /// Beside its target.
    Named(tempfile::NamedTempFile),
    /// A device or a fifo: written as it is.
    Direct(File),
}

impl Atomic {
    /// Begins a file. An existing one is an error unless `force`.
    ///
    /// # Errors
    /// `AlreadyExists`, and those of the operating system.
    pub fn create(target: &Path, force: bool) -> io::Result<Self> {
        let state = match std::fs::symlink_metadata(target) {
            Ok(meta) if meta.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            Ok(_) if is_special(target) => State::Direct(File::options().write(true).open(target)?),
            Ok(_) if !force => return Err(io::ErrorKind::AlreadyExists.into()),
            _ => temporary(directory(target))?,
        };
        let mut atomic = Atomic {
            target: target.to_owned(),
            force,
            state,
            write_back: None,
        };
        if !matches!(atomic.state, State::Direct(_)) {
            atomic.write_back = WriteBack::start(atomic.file()?);
        }
        Ok(atomic)
    }
    /// A handle to write to.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn file(&self) -> io::Result<File> {
        match &self.state {
            State::Unnamed(file) | State::Direct(file) => file.try_clone(),
            State::Named(file) => file.as_file().try_clone(),
        }
    }
    /// Makes the file durable and gives it its name.
    ///
    /// # Errors
    /// `AlreadyExists` if somebody else was faster, and those of the operating system.
    pub fn commit(self) -> io::Result<()> {
        self.stage()?.appear()
    }
    /// Makes the file durable; its name it gets later.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn stage(mut self) -> io::Result<Staged> {
        if let Some(write_back) = self.write_back.take() {
            write_back.finish()?;
        }
        match &self.state {
            State::Direct(_) => {}
            State::Named(file) => file.as_file().sync_all()?,
            State::Unnamed(file) => file.sync_all()?,
        }
        Ok(Staged(self))
    }
}

/// A file that is complete and durable, and has no name yet.
#[derive(Debug)]
pub struct Staged(Atomic);

impl Staged {
    /// Gives the file its name.
    ///
    /// # Errors
    /// `AlreadyExists` if somebody else was faster, and those of the operating system.
    pub fn appear(self) -> io::Result<()> {
        let Atomic {
            target,
            force,
            state,
            ..
        } = self.0;
        match state {
            State::Direct(_) => return Ok(()),
            State::Named(file) if force => drop(file.persist(&target)?),
            State::Named(file) => drop(file.persist_noclobber(&target)?),
            State::Unnamed(file) => match link(&file, &target) {
                Err(error) if force && error.kind() == io::ErrorKind::AlreadyExists => {
                    replace(&file, &target)?;
                }
                done => done?,
            },
        }
        sync_names(&target)
    }
    /// Takes away the file that has the name now, if one has.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn clear(&self) -> io::Result<()> {
        if matches!(self.0.state, State::Direct(_)) {
            return Ok(());
        }
        match std::fs::remove_file(&self.0.target) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
            Ok(()) => sync_names(&self.0.target),
        }
    }
}

/// Makes durable which names there are beside a file.
fn sync_names(target: &Path) -> io::Result<()> {
    File::open(directory(target))?.sync_all()
}

/// Has a file written to its disk while it grows: to begin with that when it is complete would take
/// as long again as to write it.
#[derive(Debug)]
struct WriteBack {
    stop: Sender<()>,
    thread: JoinHandle<io::Result<()>>,
}

impl WriteBack {
    /// Bytes that are worth a write to the disk.
    const STRETCH: u64 = 32 << 20;
    /// Time between two looks at the length of the file.
    const PAUSE: Duration = Duration::from_millis(10);

    /// None where no thread is to be had.
    fn start(file: File) -> Option<Self> {
        let (stop, stopped) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("write-back".to_owned())
            .spawn(move || Self::run(&file, &stopped))
            .ok()?;
        Some(WriteBack { stop, thread })
    }

    fn run(file: &File, stopped: &Receiver<()>) -> io::Result<()> {
        let mut durable = 0;
        while stopped.recv_timeout(Self::PAUSE) == Err(RecvTimeoutError::Timeout) {
            let len = file.metadata()?.len();
            if len.saturating_sub(durable) >= Self::STRETCH {
                file.sync_data()?;
                durable = len;
            }
        }
        Ok(())
    }

    /// Ends it. The kernel tells an error of the disk once: one that was told here is not told to
    /// who makes the file durable at the end.
    fn finish(self) -> io::Result<()> {
        drop(self.stop);
        let stopped = |_| {
            Err(io::Error::other(
                "the thread that writes to the disk stopped",
            ))
        };
        self.thread.join().unwrap_or_else(stopped)
    }
}

/// Whether a path leads to something that cannot be replaced by renaming.
fn is_special(target: &Path) -> bool {
    std::fs::metadata(target).is_ok_and(|meta| !meta.is_file() && !meta.is_dir())
}

fn directory(target: &Path) -> &Path {
    match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn temporary(directory: &Path) -> io::Result<State> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    match rustix::fs::open(directory, flags, Mode::from_raw_mode(0o666)) {
        Ok(file) => Ok(State::Unnamed(file.into())),
        Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL | Errno::NOSYS) => {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::Permissions::from_mode(0o666);
            let mut builder = tempfile::Builder::new();
            builder.prefix(".ckpt-").suffix(".tmp").permissions(mode);
            Ok(State::Named(builder.tempfile_in(directory)?))
        }
        Err(error) => Err(error.into()),
    }
}

fn link(file: &File, target: &Path) -> io::Result<()> {
    let own = format!("/proc/self/fd/{}", file.as_fd().as_raw_fd());
    Ok(rustix::fs::linkat(
        CWD,
        own,
        CWD,
        target,
        AtFlags::SYMLINK_FOLLOW,
    )?)
}

/// Makes a directory and all that is in it durable.
///
/// # Errors
/// Those of the operating system.
pub fn sync_directory(made: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(made)? {
        let path = entry?.path();
        if path.is_dir() {
            sync_directory(&path)?;
        } else {
            File::open(path)?.sync_all()?;
        }
    }
    File::open(made)?.sync_all()
}

/// Gives a complete directory its name. One that has the name already takes the other's place, in
/// one step where the file system can, so that a kill leaves the old one or the new one.
///
/// # Errors
/// Those of the operating system.
pub fn put_directory(made: &Path, target: &Path) -> io::Result<()> {
    if !target.exists() {
        return std::fs::rename(made, target);
    }
    match rustix::fs::renameat_with(CWD, made, CWD, target, RenameFlags::EXCHANGE) {
        Err(Errno::INVAL | Errno::NOSYS) => {
            std::fs::rename(target, made.with_extension("old"))?;
            std::fs::rename(made, target)
        }
        done => Ok(done?),
    }
}

/// A link cannot replace a file, but a name beside it can be renamed onto it.
fn replace(file: &File, target: &Path) -> io::Result<()> {
    let taken = |error: &io::Error| error.kind() == io::ErrorKind::AlreadyExists;
    for attempt in 0..1000u32 {
        let name = format!(".ckpt-{}-{attempt}.tmp", std::process::id());
        let beside = directory(target).join(name);
        match link(file, &beside) {
            Err(error) if taken(&error) => {}
            Err(error) => return Err(error),
            Ok(()) => {
                let renamed = std::fs::rename(&beside, target);
                if renamed.is_err() {
                    std::fs::remove_file(&beside)?;
                }
                return renamed;
            }
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};

    #[test]
    fn one_file_is_known_by_all_its_names() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("file"), "image").unwrap();
        std::fs::write(at("other"), "image").unwrap();
        std::fs::hard_link(at("file"), at("hard")).unwrap();
        std::os::unix::fs::symlink("file", at("soft")).unwrap();
        for name in ["file", "hard", "soft", "./file"] {
            assert!(is_same(&at("file"), &at(name)), "{name}");
            let refused = no_input(&at(name), [at("other").as_path(), &at("file")]);
            assert!(refused.unwrap_err().contains("file, which is read"));
        }
        for name in ["other", "new"] {
            assert_eq!(no_input(&at(name), [at("file").as_path()]), Ok(()));
        }
        assert!(is_same(&at("new"), &at("./new")) && !is_same(&at("new"), &at("newer")));
        let null = Path::new("/dev/null");
        assert!(!is_same(null, null), "nothing is lost there");
    }

    #[test]
    fn a_fifo_is_written_to_and_stays_one() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("fifo");
        rustix::fs::mknodat(
            CWD,
            &fifo,
            rustix::fs::FileType::Fifo,
            Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
        let reader = {
            let fifo = fifo.clone();
            thread::spawn(move || {
                let mut text = String::new();
                File::open(fifo).unwrap().read_to_string(&mut text).unwrap();
                text
            })
        };
        let atomic = Atomic::create(&fifo, true).unwrap();
        atomic.file().unwrap().write_all(b"report").unwrap();
        atomic.commit().unwrap();
        assert_eq!(reader.join().unwrap(), "report");
        assert!(is_special(&fifo));
    }
}
