//! One function per format that can be written.

use crate::args::{Args, Compress, Format, MemoryPlace};
use crate::edit::{self, edits};
use crate::place::{Place, Ready, exists};
use crate::progress::Progress;
use crate::stamp::Stamp;
use ckpt_bridge::bytes::Watched;
use ckpt_bridge::core::{Plain, Sparse};
use ckpt_bridge::tree::Tree;
use ckpt_bridge::{Foreign, criu};
use ckpt_cli::output::{put_directory, sync_directory};
use ckpt_convert::input::{self, Input};
use ckpt_convert::json::{self, Memory};
use ckpt_convert::loss::{Code, Loss};
use ckpt_convert::native::{Additions, Edits, Native, Request};
use ckpt_convert::output::{Output, Sink};
use ckpt_convert::{Error, Losses, survey};
use ckpt_format::Revision;
use ckpt_format::dialect::R18;
use ckpt_parser::decoder::{Decoder, Options};
use ckpt_parser::detect::Override;
use ckpt_parser::diagnostic::{Findings, Severity};
use ckpt_parser::limits::Policy;
use ckpt_parser::source::{FileSource, Source};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// What a conversion is asked for, and what becomes of it on the way.
pub(crate) struct Job<'a> {
    pub(crate) args: &'a Args,
    pub(crate) progress: &'a Progress,
    pub(crate) losses: &'a mut Losses,
    /// What is still to be added.
    pub(crate) additions: Additions,
    /// What the input was when it was opened.
    pub(crate) stamp: Stamp<'a>,
}

/// An input as a stream.
struct AsStream {
    /// The stream, and the plain file that it is.
    stream: (Box<dyn Source>, Option<File>),
    /// The revision that a document names.
    revision: Option<Revision>,
}

/// What becomes of damaged input.
pub(crate) fn policy(args: &Args) -> Policy {
    if args.salvage {
        Policy::Salvage
    } else {
        Policy::Strict
    }
}

fn options(args: &Args) -> Options {
    Options {
        policy: policy(args),
        dialect: Override {
            revision: args.from,
            arch: None,
        },
        limits: args.limits(),
    }
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

impl Job<'_> {
    /// An input as the stream that it amounts to, for a revision; losses of a foreign format are added.
    fn as_stream(&mut self, to: Revision, input: Input) -> Result<AsStream, Error> {
        match input {
            Input::Stream(source, file) => Ok(AsStream {
                stream: (source, file),
                revision: None,
            }),
            Input::Foreign(mut foreign) => {
                let lost = std::mem::take(&mut foreign.losses);
                let keeps = to >= R18 && !self.args.redact;
                if !keeps {
                    foreign.tree.foreign.clear();
                }
                let kept = keeps && !foreign.tree.foreign.is_empty();
                self.losses.push_foreign(lost, kept);
                Ok(AsStream {
                    stream: (Box::new(foreign.stream()), None),
                    revision: None,
                })
            }
            Input::Json(document) => {
                let directory = self.args.input.parent().unwrap_or(Path::new("."));
                let spool = tempfile::tempfile().map_err(Error::Temporary)?;
                let mut spool = Output::new(spool, None);
                let begin = |total| self.progress.watch("reading", total);
                let document = Watched::new(document, begin(None));
                let document = json::read(document, directory, &mut spool, &begin)?;
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

    /// Writes a checkpoint stream.
    pub(crate) fn stream(&mut self, to: Option<Revision>, input: Input) -> Result<(), Error> {
        let args = self.args;
        let wanted = to.unwrap_or(Revision::LAST);
        let AsStream {
            stream: (mut source, file),
            revision,
        } = self.as_stream(wanted, input)?;
        let to = to.or(revision).unwrap_or(Revision::LAST);
        let request = Request {
            to,
            additions: std::mem::take(&mut self.additions),
            salvage: args.salvage,
            edits: edits(args)?,
        };
        let mut options = options(args);
        options.dialect.revision = args.from.or(revision);
        let known = survey::abi(&mut source, options.clone(), to)?;
        let total = source.len();
        let place = Place::new(&args.output, args.force, total)?;
        let bar = self.progress.step("writing", total);
        let losses = &mut *self.losses;
        let run = |sink: &mut dyn Sink| {
            let mut native = Native::new(source, options, &request, sink, losses)?;
            native.set_known_abi(known);
            native.run(&mut |at| bar.set_position(at))
        };
        place.write(|to| {
            match args.compress {
                None => {
                    let mut output = Output::new(to, file);
                    run(&mut output)?;
                    output.finish()?;
                }
                Some(Compress::Zstd) => {
                    let mut output = Compressed(zstd::Encoder::new(to, 0)?);
                    run(&mut output)?;
                    output.0.finish()?;
                }
            }
            Ok(())
        })?;
        self.commit(place)
    }

    /// An input with what has to be done to a stream before its processes are looked at: what is added, and what is
    /// damaged left out. A stream gets both as it is written; a document holds damage as it is.
    pub(crate) fn prepared(&mut self, input: Input) -> Result<Option<Input>, Error> {
        let args = self.args;
        let by_record = !edit::changes_processes(args);
        let as_stream = matches!(args.to, None | Some(Format::Stream(_)));
        if by_record && as_stream {
            return Ok(Some(input));
        }
        let is_document = by_record && args.to == Some(Format::Json);
        let is_salvaged = !args.salvage || is_document || matches!(input, Input::Foreign(_));
        if is_salvaged && self.additions.is_empty() {
            return Ok(Some(input));
        }
        self.passed(input, Edits::default())
    }

    /// A stream in a file, or any other input as one, changed as its records pass.
    pub(crate) fn changed(&mut self, input: Input) -> Result<Option<Input>, Error> {
        let edits = edits(self.args)?;
        if edits.is_empty() {
            return Ok(Some(input));
        }
        self.passed(input, edits)
    }

    /// An input as a stream, put aside: of its own revision, or of one that has room for what is added. `None` where a
    /// loss was refused.
    fn passed(&mut self, input: Input, edits: Edits) -> Result<Option<Input>, Error> {
        let args = self.args;
        let AsStream {
            stream: (mut source, file),
            revision,
        } = self.as_stream(Revision::LAST, input)?;
        let mut options = options(args);
        options.dialect.revision = args.from.or(revision);
        let additions = std::mem::take(&mut self.additions);
        let to = if additions.is_empty() {
            let own = Decoder::new(&mut source, options.clone()).map_err(Error::Read)?;
            own.detection().dialect.revision
        } else {
            Revision::LAST
        };
        let request = Request {
            to,
            additions,
            salvage: args.salvage,
            edits,
        };
        let known = survey::abi(&mut source, options.clone(), to)?;
        let bar = self.progress.step("editing", source.len());
        let spool = tempfile::tempfile().map_err(Error::Temporary)?;
        let mut output = Output::new(spool, file);
        let mut native = Native::new(source, options, &request, &mut output, self.losses)?;
        native.set_known_abi(known);
        native.run(&mut |at| bar.set_position(at))?;
        let file = output.finish()?;
        let source = FileSource::new(file.try_clone()?).map_err(Error::Read)?;
        let input = Input::Stream(Box::new(source), Some(file));
        Ok((!self.losses.refused()).then_some(input))
    }

    /// The processes of any input.
    pub(crate) fn tree(&mut self, input: Input) -> Result<Foreign, Error> {
        let mut foreign = match input {
            Input::Foreign(foreign) => *foreign,
            other => {
                let (source, file) = self.as_stream(Revision::LAST, other)?.stream;
                let begin = |total| self.progress.watch("reading", total);
                let blob = input::seekable(&input::name(&self.args.input), source, file, &begin)?;
                ckpt_bridge::open_stream(&blob, options(self.args))?
            }
        };
        let lost = std::mem::take(&mut foreign.losses);
        if foreign.tree.foreign.is_empty() {
            self.losses.push_foreign(lost, false);
        } else {
            // What was kept comes along with the tree.
            let gone = lost
                .into_iter()
                .filter(|loss| !Losses::is_kept_foreign(loss));
            self.losses.push_foreign(gone.collect(), false);
        }
        Ok(foreign)
    }

    fn lose(&mut self, lost: Vec<ckpt_bridge::Loss>) {
        for loss in lost {
            self.losses.push(loss.into());
        }
    }

    /// Writes one core per process.
    pub(crate) fn core(&mut self, input: Input) -> Result<(), Error> {
        let args = self.args;
        // A core is a dump for a debugger: that it holds no descriptors surprises nobody.
        self.losses.set_notes_only(true);
        let mut tree = self.tree(input)?.tree;
        self.losses.set_notes_only(false);
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
        let pages = pids.iter().map(|pid| ckpt_bridge::core_pages(&tree, *pid));
        let pages: Vec<u64> = pages.collect();
        tree.watch(&self.progress.watch("writing", Some(pages.iter().sum())));
        let mut places = Vec::new();
        for (pid, pages) in pids.into_iter().zip(pages) {
            let path = PathBuf::from(pattern.replace("%p", &pid.to_string()));
            let place = Place::new(&path, args.force, Some(pages))?;
            let lost = place.write(|file| {
                Ok(if place.is_file() {
                    let mut out = Sparse(file);
                    ckpt_bridge::to_core(&tree, pid, &mut out)?
                } else {
                    let mut out = Plain(BufWriter::new(file));
                    ckpt_bridge::to_core(&tree, pid, &mut out)?
                })
            })?;
            self.lose(lost);
            places.push(place);
        }
        let staged: Result<Vec<_>, Error> =
            places.into_iter().map(|place| self.staged(place)).collect();
        staged?.into_iter().flatten().try_for_each(Ready::appear)
    }

    /// Writes a CRIU image set: a directory, or a tar file by the name of the output.
    pub(crate) fn criu(&mut self, input: Input) -> Result<(), Error> {
        let args = self.args;
        let mut tree = self.tree(input)?.tree;
        let total = tree.page_bytes();
        tree.watch(&self.progress.watch("writing", Some(total)));
        let packing = packing(&args.output);
        if packing == Packing::Directory {
            return self.criu_directory(&tree, total);
        }
        let place = Place::new(&args.output, args.force, Some(total))?;
        let scratch = tempfile::tempdir().map_err(Error::Temporary)?;
        let made = ckpt_bridge::to_criu(&tree, scratch.path());
        self.lose(made.map_err(|error| Error::from(error).of_temporary())?);
        if self.losses.refused() {
            return Ok(());
        }
        let bar = self.progress.step("packing", Some(total));
        place.write(|file| {
            if packing == Packing::TarZstd {
                let mut packed = zstd::Encoder::new(file, 0)?;
                criu::pack(scratch.path(), &mut bar.wrap_write(&mut packed))?;
                packed.finish()?;
            } else {
                let mut out = BufWriter::new(file);
                criu::pack(scratch.path(), &mut bar.wrap_write(&mut out))?;
                out.flush()?;
            }
            Ok(())
        })?;
        self.commit(place)
    }

    /// A directory is written beside its place and renamed when it is complete.
    fn criu_directory(&mut self, tree: &Tree, total: u64) -> Result<(), Error> {
        let target = &self.args.output;
        if target.exists() && !target.is_dir() {
            return Err(exists(target, "an image set is a directory, or NAME.tar"));
        }
        if target.exists() && !self.args.force {
            return Err(exists(target, "--force replaces the directory"));
        }
        if target.exists() && !is_replaceable(target) {
            let why =
                "it is no image set, and what else it holds would be gone; name another directory";
            return Err(exists(target, why));
        }
        let parent = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let fail = |error: Error| error.of_output(target, Some(total));
        let written = |error: io::Error| fail(Error::Write(error));
        let mut scratch = tempfile::Builder::new();
        let scratch = scratch.prefix(".ckpt-").tempdir_in(parent);
        let scratch = scratch.map_err(written)?;
        let made = scratch.path().join("new");
        std::fs::create_dir(&made).map_err(written)?;
        let lost = ckpt_bridge::to_criu(tree, &made);
        self.lose(lost.map_err(|error| fail(error.into()))?);
        if self.losses.refused() {
            return Ok(());
        }
        self.stamp.check()?;
        sync_directory(&made)
            .and_then(|()| put_directory(&made, target))
            .and_then(|()| File::open(parent)?.sync_all())
            .map_err(written)
    }

    /// Writes the image as a document.
    pub(crate) fn json(&mut self, input: Input) -> Result<(), Error> {
        let args = self.args;
        let to_stdout = args.output == Path::new("-");
        let default = if to_stdout {
            MemoryPlace::Base64
        } else {
            MemoryPlace::Side
        };
        let memory = args.memory.unwrap_or(default);
        if to_stdout && memory == MemoryPlace::Side {
            let why =
                "a side file is named after the output; name one with -o, or say --memory base64";
            return Err(Error::Request(why.into()));
        }
        let (source, _) = self.as_stream(Revision::LAST, input)?.stream;
        let total = source.len();
        let mut decoder = Decoder::new(source, options(args)).map_err(Error::Read)?;
        let own = total.filter(|_| memory == MemoryPlace::Base64);
        let place = Place::new(&args.output, args.force, own)?;
        let bar = self.progress.step("writing", total);
        let mut tick = |at| bar.set_position(at);
        let mut document = |memory: Memory<'_>| {
            place.write(|file| {
                let mut out = BufWriter::with_capacity(1 << 18, file);
                json::write(&mut decoder, &mut out, memory, &mut tick)
            })
        };
        let mut side = None;
        match memory {
            MemoryPlace::Side => {
                let path = side_file(&args.output);
                let contents = Place::new(&path, args.force, total)?;
                contents.write(|file| {
                    let mut out = Output::new(file, None);
                    document(Memory::Side(&path, &mut out))?;
                    Ok(out.finish()?)
                })?;
                side = Some(contents);
            }
            MemoryPlace::Base64 => document(Memory::Base64)?,
            MemoryPlace::None => document(Memory::None)?,
        }
        self.tell_of_damage(decoder.findings());
        self.pair(place, side)
    }

    /// A document holds damaged records as they are.
    fn tell_of_damage(&mut self, findings: &Findings) {
        let errors = findings.kept().iter();
        for found in errors.filter(|found| found.severity == Severity::Error) {
            self.losses.push(Loss {
                code: Code::Damage.name(),
                record: found.record.to_owned(),
                offset: Some(found.offset),
                field: String::new(),
                value: found.found.clone(),
                why: "the record is damaged; the document has its bytes as they are",
                note: false,
            });
        }
    }

    /// Keeps an output, unless a loss was refused or the input is no longer what was read.
    fn commit(&self, place: Place) -> Result<(), Error> {
        self.staged(place)?.map_or(Ok(()), Ready::appear)
    }

    /// Makes an output durable; it appears later.
    fn staged(&self, place: Place) -> Result<Option<Ready>, Error> {
        if self.losses.refused() {
            return Ok(None);
        }
        let staged = place.staged()?;
        self.stamp.check()?;
        Ok(staged)
    }

    /// A document and its side file appear together. No file system takes two names in one step, so the old document
    /// goes first: whenever this is killed, no document stands beside the contents of another. Who reads the old one
    /// meanwhile finds at the end that it is gone ([`Stamp`]).
    fn pair(&self, document: Place, side: Option<Place>) -> Result<(), Error> {
        let document = self.staged(document)?;
        let side = match side {
            Some(side) => self.staged(side)?,
            None => None,
        };
        if let (Some(document), Some(side)) = (&document, side) {
            document.clear()?;
            side.appear()?;
        }
        document.map_or(Ok(()), Ready::appear)
    }
}

/// Whether a directory holds nothing, or a CRIU set: a slip in a name must not cost a user what no program can bring back.
fn is_replaceable(directory: &Path) -> bool {
    let is_empty = std::fs::read_dir(directory).is_ok_and(|mut entries| entries.next().is_none());
    is_empty || criu::is_set(directory)
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

/// Where contents of memory go beside a document.
pub(crate) fn side_file(output: &Path) -> PathBuf {
    let mut name = output.as_os_str().to_owned();
    name.push(".mem");
    PathBuf::from(name)
}
