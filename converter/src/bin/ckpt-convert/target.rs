//! One function per format that can be written.

use crate::args::{Args, Compress, MemoryPlace};
use crate::edit::edits;
use crate::set;
use ckpt_bridge::Foreign;
use ckpt_bridge::core::{Plain, Sparse};
use ckpt_convert::input::{self, Input};
use ckpt_convert::json::{self, Memory};
use ckpt_convert::native::{Additions, Native, Request};
use ckpt_convert::output::{self, Atomic, Output, Sink};
use ckpt_convert::{Error, Losses, survey};
use ckpt_format::Revision;
use ckpt_format::dialect::R18;
use ckpt_parser::decoder::{Decoder, Options};
use ckpt_parser::detect::Override;
use ckpt_parser::limits::Policy;
use ckpt_parser::source::{FileSource, Source};
use indicatif::{ProgressBar, ProgressStyle};
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

/// An input as a stream.
struct AsStream {
    /// The stream, and the plain file that it is.
    stream: (Box<dyn Source>, Option<File>),
    /// The revision that a document names.
    revision: Option<Revision>,
}

/// An input as the stream that it amounts to, for a revision; losses of a foreign format are added.
fn as_stream(
    args: &Args,
    to: Revision,
    input: Input,
    losses: &mut Losses,
) -> Result<AsStream, Error> {
    match input {
        Input::Stream(source, file) => Ok(AsStream {
            stream: (source, file),
            revision: None,
        }),
        Input::Foreign(mut foreign) => {
            let lost = std::mem::take(&mut foreign.losses);
            let keeps = to >= R18 && !args.redact;
            if !keeps {
                foreign.tree.foreign.clear();
            }
            losses.push_foreign(lost, keeps && !foreign.tree.foreign.is_empty());
            Ok(AsStream {
                stream: (Box::new(foreign.stream()), None),
                revision: None,
            })
        }
        Input::Json(document) => {
            let directory = args.input.parent().unwrap_or(Path::new("."));
            let mut spool = Output::new(tempfile::tempfile()?, None);
            let document = json::read(document, directory, &mut spool)?;
            let file = spool.finish()?;
            let source = FileSource::new(file.try_clone()?).map_err(Error::Read)?;
            let revision = Some(document.dialect.revision);
            Ok(AsStream {
                stream: (Box::new(source), Some(file)),
                revision,
            })
        }
    }
}

/// What becomes of damaged input.
pub(crate) fn policy(args: &Args) -> Policy {
    if args.salvage {
        Policy::Salvage
    } else {
        Policy::Strict
    }
}

pub(crate) fn options(args: &Args) -> Options {
    Options {
        policy: policy(args),
        dialect: Override {
            revision: args.from,
            arch: None,
        },
        limits: args.limits(),
    }
}

/// Where output goes: a file that appears when it is complete, or standard output.
enum Place {
    File(Atomic),
    Stdout,
}

impl Place {
    fn new(path: &Path, force: bool) -> Result<Self, Error> {
        if path != Path::new("-") {
            let failed = |error: io::Error| {
                let hint = match error.kind() {
                    io::ErrorKind::AlreadyExists => "exists; --force replaces it".to_owned(),
                    _ => error.to_string(),
                };
                let text = format!("{}: {hint}", path.display());
                Error::Write(io::Error::new(error.kind(), text))
            };
            return Atomic::create(path, force).map(Place::File).map_err(failed);
        }
        if io::stdout().is_terminal() {
            let why = "standard output is a terminal; name a file with -o";
            return Err(Error::Request(why.into()));
        }
        Ok(Place::Stdout)
    }
    fn file(&self) -> Result<File, Error> {
        Ok(match self {
            Place::File(atomic) => atomic.file()?,
            Place::Stdout => File::from(io::stdout().as_fd().try_clone_to_owned()?),
        })
    }
    /// Keeps the output, unless a loss was refused.
    fn commit(self, losses: &Losses) -> Result<(), Error> {
        match self {
            Place::File(atomic) if !losses.refused() => Ok(atomic.commit()?),
            _ => Ok(()),
        }
    }
}

/// Writes a checkpoint stream.
pub(crate) fn stream(
    args: &Args,
    to: Option<Revision>,
    input: Input,
    losses: &mut Losses,
) -> Result<(), Error> {
    let wanted = to.unwrap_or(Revision::LAST);
    let AsStream {
        stream: (mut source, file),
        revision,
    } = as_stream(args, wanted, input, losses)?;
    let to = to.or(revision).unwrap_or(Revision::LAST);
    let request = Request {
        to,
        additions: set::additions(&args.set)?,
        salvage: args.salvage,
        edits: edits(args)?,
    };
    let mut options = options(args);
    options.dialect.revision = args.from.or(revision);
    let known = survey::abi(&mut source, options.clone(), to)?;
    let place = Place::new(&args.output, args.force)?;
    let total = source.len();
    let bar = progress(args, total);
    let mut tick = |at| bar.set_position(at);
    let run = |sink: &mut dyn Sink, losses: &mut Losses| {
        let mut native = Native::new(source, options, &request, sink, losses)?;
        native.set_known_abi(known);
        native.run(&mut tick)
    };
    match args.compress {
        None => {
            let mut output = Output::new(place.file()?, file);
            run(&mut output, losses)?;
            output.finish()?;
        }
        Some(Compress::Zstd) => {
            let mut output = Compressed(zstd::Encoder::new(place.file()?, 0)?);
            run(&mut output, losses)?;
            output.0.finish()?;
        }
    }
    bar.finish_and_clear();
    place.commit(losses)
}

/// A stream that is compressed as it is written.
struct Compressed(zstd::Encoder<'static, File>);

impl Sink for Compressed {
    fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }
    fn extent(&mut self, _offset: u64, _len: u64) -> io::Result<bool> {
        Ok(false)
    }
    fn mute(&mut self) {}
}

fn progress(args: &Args, total: Option<u64>) -> ProgressBar {
    if args.quiet || !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let (bar, template) = match total {
        Some(total) => (
            ProgressBar::new(total),
            "{bar:30} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} {eta}",
        ),
        None => (
            ProgressBar::no_length(),
            "{spinner} {binary_bytes} {binary_bytes_per_sec}",
        ),
    };
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// A stream in a file, or any other input as one, changed as its records pass.
pub(crate) fn changed(args: &Args, input: Input, losses: &mut Losses) -> Result<Input, Error> {
    let edits = edits(args)?;
    if edits.is_empty() {
        return Ok(input);
    }
    let AsStream {
        stream: (mut source, file),
        revision,
    } = as_stream(args, Revision::LAST, input, losses)?;
    let mut options = options(args);
    options.dialect.revision = args.from.or(revision);
    let to = Decoder::new(&mut source, options.clone()).map_err(Error::Read)?;
    let request = Request {
        to: to.detection().dialect.revision,
        additions: Additions::default(),
        salvage: args.salvage,
        edits,
    };
    let mut output = Output::new(tempfile::tempfile()?, file);
    Native::new(source, options, &request, &mut output, losses)?.run(&mut |_| ())?;
    let file = output.finish()?;
    let source = FileSource::new(file.try_clone()?).map_err(Error::Read)?;
    Ok(Input::Stream(Box::new(source), Some(file)))
}

/// The processes of any input.
pub(crate) fn tree(args: &Args, input: Input, losses: &mut Losses) -> Result<Foreign, Error> {
    let mut foreign = match input {
        Input::Foreign(foreign) => *foreign,
        other => {
            let (source, file) = as_stream(args, Revision::LAST, other, losses)?.stream;
            let blob = input::seekable(source, file)?;
            ckpt_bridge::open_stream(&blob, options(args))?
        }
    };
    let lost = std::mem::take(&mut foreign.losses);
    if foreign.tree.foreign.is_empty() {
        losses.push_foreign(lost, false);
    } else {
        // What was kept comes along with the tree.
        let gone = lost
            .into_iter()
            .filter(|loss| !Losses::is_kept_foreign(loss));
        losses.push_foreign(gone.collect(), false);
    }
    Ok(foreign)
}

/// Writes one core per process.
pub(crate) fn core(args: &Args, input: Input, losses: &mut Losses) -> Result<(), Error> {
    // A core is a dump for a debugger: that it holds no descriptors surprises nobody.
    losses.set_notes_only(true);
    let tree = tree(args, input, losses)?.tree;
    losses.set_notes_only(false);
    let pids = ckpt_bridge::processes(&tree);
    let pattern = args.output.display().to_string();
    let several = pattern.contains("%p");
    match pids.as_slice() {
        [] => return Err(Error::Request("the image holds no live process".into())),
        [_, _, ..] if !several => {
            let why = format!(
                "{} processes need a core each: name them with %p, as in -o 'core.%p'",
                pids.len()
            );
            return Err(Error::Request(why));
        }
        _ => {}
    }
    let mut places = Vec::new();
    for pid in pids {
        let path = PathBuf::from(pattern.replace("%p", &pid.to_string()));
        let place = Place::new(&path, args.force)?;
        let file = place.file()?;
        let lost = match &place {
            Place::File(_) => {
                let mut out = Sparse(file);
                let lost = ckpt_bridge::to_core(&tree, pid, &mut out)?;
                out.flush()?;
                lost
            }
            Place::Stdout => {
                let mut out = Plain(BufWriter::new(file));
                let lost = ckpt_bridge::to_core(&tree, pid, &mut out)?;
                out.flush()?;
                lost
            }
        };
        for loss in lost {
            losses.push(loss.into());
        }
        places.push(place);
    }
    places
        .into_iter()
        .try_for_each(|place| place.commit(losses))
}

/// How a CRIU set is packed, by the name of the output.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Packing {
    Directory,
    Tar,
    TarZstd,
}

fn packing(output: &Path) -> Packing {
    let name = output.to_string_lossy();
    if name == "-" || name.ends_with(".tar") {
        Packing::Tar
    } else if name.ends_with(".tar.zst") || name.ends_with(".tzst") {
        Packing::TarZstd
    } else {
        Packing::Directory
    }
}

/// Writes a CRIU image set: a directory, or a tar file by the name of the output.
pub(crate) fn criu(args: &Args, input: Input, losses: &mut Losses) -> Result<(), Error> {
    let tree = tree(args, input, losses)?.tree;
    let packing = packing(&args.output);
    if packing == Packing::Directory {
        return criu_directory(args, &tree, losses);
    }
    let place = Place::new(&args.output, args.force)?;
    let scratch = tempfile::tempdir()?;
    for loss in ckpt_bridge::to_criu(&tree, scratch.path())? {
        losses.push(loss.into());
    }
    if losses.refused() {
        return Ok(());
    }
    let file = place.file()?;
    if packing == Packing::TarZstd {
        let mut packed = zstd::Encoder::new(file, 0)?;
        pack(scratch.path(), &mut packed)?;
        packed.finish()?;
    } else {
        let mut out = BufWriter::new(file);
        pack(scratch.path(), &mut out)?;
        out.flush()?;
    }
    place.commit(losses)
}

fn pack(directory: &Path, out: &mut dyn Write) -> io::Result<()> {
    let mut archive = tar::Builder::new(out);
    archive.sparse(false);
    archive.append_dir_all(".", directory)?;
    archive.into_inner()?;
    Ok(())
}

/// A directory is written beside its place and renamed when it is complete.
fn criu_directory(
    args: &Args,
    tree: &ckpt_bridge::tree::Tree,
    losses: &mut Losses,
) -> Result<(), Error> {
    let target = &args.output;
    let exists = target.exists();
    if exists && (!args.force || !target.is_dir()) {
        let text = format!("{}: exists; --force replaces a directory", target.display());
        return Err(Error::Write(io::Error::new(
            io::ErrorKind::AlreadyExists,
            text,
        )));
    }
    let parent = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let scratch = tempfile::Builder::new()
        .prefix(".ckpt-")
        .tempdir_in(parent)?;
    let made = scratch.path().join("new");
    std::fs::create_dir(&made)?;
    for loss in ckpt_bridge::to_criu(tree, &made)? {
        losses.push(loss.into());
    }
    if losses.refused() {
        return Ok(());
    }
    output::sync_directory(&made)?;
    output::put_directory(&made, target)?;
    Ok(File::open(parent)?.sync_all()?)
}

/// Writes the image as a document.
pub(crate) fn json(args: &Args, input: Input, losses: &mut Losses) -> Result<(), Error> {
    let to_stdout = args.output == Path::new("-");
    let default = if to_stdout {
        MemoryPlace::Base64
    } else {
        MemoryPlace::Side
    };
    let memory = args.memory.unwrap_or(default);
    if to_stdout && memory == MemoryPlace::Side {
        let why = "a side file is named after the output; name one with -o, or say --memory base64";
        return Err(Error::Request(why.into()));
    }
    let (source, file) = as_stream(args, Revision::LAST, input, losses)?.stream;
    let decoder = Decoder::new(source, options(args)).map_err(Error::Read)?;
    let total = file
        .as_ref()
        .and_then(|file| file.metadata().ok())
        .map(|meta| meta.len());
    let bar = progress(args, total);
    let mut tick = |at| bar.set_position(at);
    let place = Place::new(&args.output, args.force)?;
    let mut out = BufWriter::with_capacity(1 << 18, place.file()?);
    match memory {
        MemoryPlace::Side => {
            let side = side_file(&args.output);
            let name = side
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let side_place = Place::new(&side, args.force)?;
            let mut contents = Output::new(side_place.file()?, None);
            json::write(
                decoder,
                &mut out,
                Memory::Side(name, &mut contents),
                &mut tick,
            )?;
            contents.finish()?;
            side_place.commit(losses)?;
        }
        MemoryPlace::Base64 => json::write(decoder, &mut out, Memory::Base64, &mut tick)?,
        MemoryPlace::None => json::write(decoder, &mut out, Memory::None, &mut tick)?,
    }
    bar.finish_and_clear();
    place.commit(losses)
}

fn side_file(output: &Path) -> PathBuf {
    let mut name = output.as_os_str().to_owned();
    name.push(".mem");
    PathBuf::from(name)
}
