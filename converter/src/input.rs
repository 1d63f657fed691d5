//! Opening whatever holds a process: a stream, a core, a CRIU set, a JSON document. Which one it
//! is, its first bytes say.

use crate::error::Error;
use crate::output;
use ckpt_bridge::bytes::{Blob, FileAt, Watch, Watched};
use ckpt_bridge::{Foreign, Kind};
use ckpt_parser::limits::{Limits, Policy};
use ckpt_parser::source::{self, Compression, InOrder, Prefixed, Source, StreamSource};
use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// An opened input.
pub enum Input {
    /// A checkpoint stream, and the file if it is a plain one that can be copied from.
    Stream(Box<dyn Source>, Option<File>),
    /// A core or a CRIU set.
    Foreign(Box<Foreign>),
    /// The JSON form of a stream.
    Json(Box<dyn Read + Send>),
}

/// What cut an input short that is packed and damaged; the bytes before are there.
#[derive(Clone, Debug, Default)]
pub struct Cut(Arc<Mutex<Option<io::Error>>>);

impl Cut {
    /// What it was, if anything.
    pub fn take(&self) -> Option<io::Error> {
        self.0.lock().ok()?.take()
    }
}

/// Ends where its bytes can no longer be unpacked.
struct Intact<R> {
    inner: R,
    cut: Cut,
}

impl<R: Read> Read for Intact<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self.inner.read(buf) {
            Err(error) if is_of_unpacking(&error) => {
                if let Ok(mut cut) = self.cut.0.lock() {
                    cut.get_or_insert(error);
                }
                Ok(0)
            }
            read => read,
        }
    }
}

/// Whether an error does not come from the operating system.
fn is_of_unpacking(error: &io::Error) -> bool {
    error.raw_os_error().is_none() && error.kind() != io::ErrorKind::Interrupted
}

/// Opens the intact part of a stream; one that is not packed is intact as far as it can be read.
fn open_intact(name: &Path, expansion: u64, cut: &Cut) -> io::Result<Box<dyn Source>> {
    let file = if name == Path::new("-") {
        io::stdin().as_fd().try_clone_to_owned().map(File::from)?
    } else {
        File::open(name)?
    };
    let is_plain = file.metadata()?.is_file();
    if is_plain && Compression::of_file(&file)?.is_none() {
        return source::open(name, expansion);
    }
    let (path, cut) = (name.to_owned(), cut.clone());
    let intact = move |file: File| -> io::Result<Box<dyn Read + Send>> {
        let inner = source::unpacked(Box::new(file), expansion)?;
        let cut = cut.clone();
        Ok(Box::new(Intact { inner, cut }))
    };
    if !is_plain || name == Path::new("-") {
        return Ok(Box::new(StreamSource::new(intact(file)?)));
    }
    let again = Box::new(move || intact(File::open(&path)?));
    Ok(Box::new(StreamSource::reopening(again)?))
}

/// Is told that something is going to be read, and its length; what it gives is told how far that is.
pub type Begin<'a> = &'a dyn Fn(Option<u64>) -> Watch;

/// Nobody watches.
pub fn unwatched(_: Option<u64>) -> Watch {
    Arc::new(|_| ())
}

/// Bytes that are looked at to tell what an input is.
const HEAD: usize = 512;

/// Opens a path; `-` is standard input. `policy` says whether the intact part of a damaged CRIU set or core will do; how a
/// stream is read is for its decoder. `begin` hears of what is read right here: what has to be unpacked, or comes from a
/// pipe; `cut` of what ends a packed stream before its time, where its intact part will do.
///
/// # Errors
/// Those of the operating system and of the readers of foreign formats.
pub fn open(
    path: &Path,
    limits: &Limits,
    policy: Policy,
    begin: Begin<'_>,
    cut: &Cut,
) -> Result<Input, Error> {
    let fail = |error| Error::Read(named(path, &error));
    let told = |error| match error {
        Error::Read(error) => fail(error),
        other => other,
    };
    let stream = || match policy {
        Policy::Strict => source::open(path, limits.expansion),
        Policy::Salvage => open_intact(path, limits.expansion, cut),
    };
    if path == Path::new("-") {
        if io::stdin().is_terminal() {
            let why = "standard input is a terminal; name an image, or see --help";
            return Err(Error::Request(why.to_owned()));
        }
        output::widen(io::stdin());
        let source = stream().map_err(fail)?;
        let file = File::from(io::stdin().as_fd().try_clone_to_owned()?);
        let file = plain(file).map_err(fail)?;
        return sniff(path, source, file, limits, policy, begin, cut).map_err(told);
    }
    let kind = match ckpt_bridge::detect(path)? {
        // Nothing else is a directory; what is missing in this one is said better by who looks for it.
        Kind::Other if path.is_dir() => Kind::Criu,
        kind => kind,
    };
    let name = name(path);
    let packed = || -> Result<_, Error> {
        let file = File::open(path).map_err(fail)?;
        let meta = file.metadata().map_err(fail)?;
        let packed = meta.is_file() && Compression::of_file(&file).map_err(fail)?.is_some();
        Ok(packed.then(|| Watched::new(file, begin(Some(meta.len())))))
    };
    let is_core = match kind {
        Kind::Core => true,
        Kind::Criu => false,
        Kind::Other => {
            let source = stream().map_err(fail)?;
            let file = File::open(path).map_err(fail)?;
            let file = plain(file).map_err(fail)?;
            return sniff(path, source, file, limits, policy, begin, cut).map_err(told);
        }
    };
    if let Some(file) = packed()? {
        return foreign(is_core, policy, &name, file, limits);
    }
    let foreign = match (is_core, policy) {
        (true, Policy::Strict) => ckpt_bridge::open_core(path, limits),
        (true, Policy::Salvage) => ckpt_bridge::salvage_core(path, limits),
        (false, Policy::Strict) => ckpt_bridge::open_criu(path, limits),
        (false, Policy::Salvage) => ckpt_bridge::salvage_criu(path, limits),
    };
    Ok(Input::Foreign(Box::new(foreign?)))
}

/// Reads a core or a set that comes only once.
fn foreign(
    is_core: bool,
    policy: Policy,
    name: &str,
    bytes: impl Read + Send,
    limits: &Limits,
) -> Result<Input, Error> {
    let foreign = match (is_core, policy) {
        (true, Policy::Strict) => ckpt_bridge::read_core(name, bytes, limits),
        (true, Policy::Salvage) => ckpt_bridge::salvage_core_stream(name, bytes, limits),
        (false, Policy::Strict) => ckpt_bridge::read_criu(name, bytes, limits),
        (false, Policy::Salvage) => ckpt_bridge::salvage_criu_stream(name, bytes, limits),
    };
    Ok(Input::Foreign(Box::new(foreign?)))
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", name(path)))
}

/// What an input is called in messages.
pub fn name(path: &Path) -> String {
    if path == Path::new("-") {
        return "standard input".to_owned();
    }
    path.display().to_string()
}

/// The file, if stretches of it can be copied as they are.
fn plain(file: File) -> io::Result<Option<File>> {
    if !file.metadata()?.is_file() {
        return Ok(None);
    }
    let packed = Compression::of_file(&file)?.is_some();
    Ok((!packed).then_some(file))
}

/// Looks at the first bytes, which a pipe gives only once.
fn sniff(
    path: &Path,
    source: Box<dyn Source>,
    file: Option<File>,
    limits: &Limits,
    policy: Policy,
    begin: Begin<'_>,
    cut: &Cut,
) -> Result<Input, Error> {
    let len = source.len();
    let mut source = Prefixed::new(source);
    source.extend(HEAD).map_err(Error::Read)?;
    let head = source.head();
    if let (true, Some(error)) = (head.is_empty(), cut.take()) {
        return Err(Error::Read(error));
    }
    let json = head.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    let core = ckpt_bridge::core::is_core(head);
    let tar = ckpt_bridge::criu::is_tar(head);
    if !(json || core || tar) {
        return Ok(Input::Stream(Box::new(source), file));
    }
    let whole = InOrder::new(source);
    if json {
        return Ok(Input::Json(Box::new(whole)));
    }
    let whole = Watched::new(whole, begin(len));
    foreign(core, policy, &name(path), whole, limits)
}

/// A stream that can be visited in any order, for the writers of foreign formats: a plain file as
/// it is, anything else in an unnamed temporary file.
///
/// # Errors
/// Those of the operating system.
pub fn seekable(
    name: &str,
    source: Box<dyn Source>,
    file: Option<File>,
    begin: Begin<'_>,
) -> Result<Blob, Error> {
    let file = if let Some(file) = file {
        file
    } else {
        let mut spool = tempfile::tempfile().map_err(Error::Temporary)?;
        let watch = begin(source.len());
        copy(&mut Watched::new(InOrder::new(source), watch), &mut spool)?;
        spool
    };
    let file = FileAt::new(file).map_err(Error::Read)?;
    Ok(Blob::new(name, Arc::new(file)))
}

/// Bytes copied at a time.
const STEP: usize = 1 << 18;

/// Puts an input aside.
fn copy(input: &mut impl Read, spool: &mut File) -> Result<(), Error> {
    let mut buffer = vec![0; STEP];
    loop {
        match input.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(n) => {
                let bytes = buffer.get(..n).unwrap_or_default();
                spool.write_all(bytes).map_err(Error::Temporary)?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Error::Read(error)),
        }
    }
}
