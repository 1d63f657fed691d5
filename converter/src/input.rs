//! Opening whatever holds a process: a stream, a core, a CRIU set, a JSON document. Which one it
//! is, its first bytes say.

use crate::error::Error;
use crate::output;
use ckpt_bridge::bytes::{Blob, FileAt};
use ckpt_bridge::{Foreign, Kind};
use ckpt_parser::limits::{Limits, Policy};
use ckpt_parser::source::{self, Compression, InOrder, Prefixed, Source};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::Arc;

/// An opened input.
pub enum Input {
    /// A checkpoint stream, and the file if it is a plain one that can be copied from.
    Stream(Box<dyn Source>, Option<File>),
    /// A core or a CRIU set.
    Foreign(Box<Foreign>),
    /// The JSON form of a stream.
    Json(Box<dyn Read + Send>),
}

/// Bytes that are looked at to tell what an input is.
const HEAD: usize = 512;

/// Opens a path; `-` is standard input. `policy` says whether the intact part of a damaged CRIU set will do; how a
/// stream is read is for its decoder.
///
/// # Errors
/// Those of the operating system and of the readers of foreign formats.
pub fn open(path: &Path, limits: &Limits, policy: Policy) -> Result<Input, Error> {
    let fail = |error| Error::Read(named(path, &error));
    let told = |error| match error {
        Error::Read(error) => fail(error),
        other => other,
    };
    if path == Path::new("-") {
        output::widen(io::stdin());
        let source = source::open(path, limits.expansion).map_err(fail)?;
        let file = File::from(io::stdin().as_fd().try_clone_to_owned()?);
        return sniff(source, plain(file).map_err(fail)?, limits, policy).map_err(told);
    }
    let kind = match ckpt_bridge::detect(path)? {
        // Nothing else is a directory; what is missing in this one is said better by who looks for it.
        Kind::Other if path.is_dir() => Kind::Criu,
        kind => kind,
    };
    match kind {
        Kind::Core => {
            return Ok(Input::Foreign(Box::new(ckpt_bridge::open_core(
                path, limits,
            )?)));
        }
        Kind::Criu => {
            let set = match policy {
                Policy::Strict => ckpt_bridge::open_criu(path, limits)?,
                Policy::Salvage => ckpt_bridge::salvage_criu(path, limits)?,
            };
            return Ok(Input::Foreign(Box::new(set)));
        }
        Kind::Other => {}
    }
    let source = source::open(path, limits.expansion).map_err(fail)?;
    let file = File::open(path).map_err(fail)?;
    sniff(source, plain(file).map_err(fail)?, limits, policy).map_err(told)
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
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
    source: Box<dyn Source>,
    file: Option<File>,
    limits: &Limits,
    policy: Policy,
) -> Result<Input, Error> {
    let mut source = Prefixed::new(source);
    source.extend(HEAD).map_err(Error::Read)?;
    let head = source.head();
    let json = head.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    let core = ckpt_bridge::core::is_core(head);
    let tar = ckpt_bridge::criu::is_tar(head);
    if !(json || core || tar) {
        return Ok(Input::Stream(Box::new(source), file));
    }
    let whole: Box<dyn Read + Send> = Box::new(InOrder::new(source));
    Ok(if json {
        Input::Json(whole)
    } else if core {
        Input::Foreign(Box::new(ckpt_bridge::read_core("-", whole, limits)?))
    } else {
        Input::Foreign(Box::new(match policy {
            Policy::Strict => ckpt_bridge::read_criu("-", whole, limits)?,
            Policy::Salvage => ckpt_bridge::salvage_criu_stream("-", whole, limits)?,
        }))
    })
}

/// A stream that can be visited in any order, for the writers of foreign formats: a plain file as
/// it is, anything else in an unnamed temporary file.
///
/// # Errors
/// Those of the operating system.
pub fn seekable(source: Box<dyn Source>, file: Option<File>) -> Result<Blob, Error> {
    let file = if let Some(file) = file {
        file
    } else {
        let mut spool = tempfile::tempfile()?;
        io::copy(&mut InOrder::new(source), &mut spool).map_err(Error::Read)?;
        spool
    };
    let file = FileAt::new(file).map_err(Error::Read)?;
    Ok(Blob::new("input", Arc::new(file)))
}
