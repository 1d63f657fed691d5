//! On which targets an image could go on.

use crate::open::Origin;
use ckpt_compat::evidence::{self, Evidence};
use ckpt_compat::gather::Watched;
use ckpt_compat::{Assessment, Target, gather};
use ckpt_parser::model::Image;
use ckpt_parser::source::{Source, is_damage};
use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::Mutex;

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
    let options = gather::Options {
        sysroot,
        ..gather::Options::default()
    };
    // Several threads read it.
    let source = Mutex::new(source);
    let bytes = Watched::new(|offset, out: &mut [u8]| {
        let mut source = source.lock().map_err(|_| io::ErrorKind::Other)?;
        match source.read_at(offset, out) {
            Err(error) if is_damage(&error) => Ok(0),
            read => read,
        }
    });
    let evidence = gather::from_image(image, &bytes, origin, &options);
    bytes.all_read()?;
    evidence.all_read()?;
    Ok(evidence)
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
