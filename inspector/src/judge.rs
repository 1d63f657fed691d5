//! On which targets an image could go on.

use crate::open::Origin;
use ckpt_compat::elf::ReadAt;
use ckpt_compat::evidence::{self, Evidence};
use ckpt_compat::{Assessment, Target, gather};
use ckpt_parser::model::Image;
use ckpt_parser::source::Source;
use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::Mutex;

/// A source that several threads read. To who gathers what cannot be read is not there, so a disk that fails is
/// remembered: a verdict without what it did not give would look like any other.
struct Shared {
    source: Mutex<Box<dyn Source>>,
    failure: Mutex<Option<io::Error>>,
}

impl ReadAt for Shared {
    fn read_at(&self, offset: u64, out: &mut [u8]) -> usize {
        let Ok(mut source) = self.source.lock() else {
            return 0;
        };
        source.read_at(offset, out).unwrap_or_else(|error| {
            let broken = [io::ErrorKind::InvalidData, io::ErrorKind::UnexpectedEof];
            if !broken.contains(&error.kind())
                && let Ok(mut failure) = self.failure.lock()
            {
                *failure = Some(error);
            }
            0
        })
    }
}

/// What an image shows of what its processes need.
///
/// # Errors
/// Those of the system that reading the image or a file below the sysroot met.
pub fn evidence(
    image: &Image,
    source: Box<dyn Source>,
    origin: Origin,
    sysroot: Option<PathBuf>,
) -> io::Result<Evidence> {
    let revision = u16::from(image.detection.dialect.revision.number());
    let origin = match origin {
        Origin::Criu => evidence::Origin::Criu,
        Origin::Core => evidence::Origin::Core,
        Origin::Stream | Origin::Sample => evidence::Origin::LinuxCr { revision },
    };
    let options = gather::Options { sysroot, jobs: 1 };
    let shared = Shared {
        source: Mutex::new(source),
        failure: Mutex::default(),
    };
    let evidence = gather::from_image(image, &shared, origin, &options);
    if let Some(error) = shared.failure.into_inner().ok().flatten() {
        return Err(error);
    }
    match evidence.unreadable_files.first() {
        Some(fault) => Err(io::Error::other(format!("below --sysroot: {fault}"))),
        None => Ok(evidence),
    }
}

/// What the rules say for every target that people ask for; the one by this name before all others.
pub fn assess(evidence: &Evidence, target: Option<&str>) -> Vec<Assessment> {
    let own = target.and_then(|name| Target::named(name).ok());
    let grammar = GENERIC.iter().filter_map(|name| Target::named(name).ok());
    let parts = ckpt_compat::target::parts().map(|part| part.target);
    let mut seen = BTreeSet::new();
    own.into_iter()
        .chain(grammar)
        .chain(parts)
        .filter(|target| seen.insert(target.name.clone()))
        .map(|target| ckpt_compat::check(evidence, &target, None))
        .collect()
}

/// Targets by grammar that stand before the parts.
const GENERIC: [&str; 8] = [
    "v4t",
    "v5te",
    "v6-vfp",
    "v7-vfp",
    "v7-neon",
    "v7ve-neon-vfpv4",
    "v8",
    "v8-aarch64",
];
