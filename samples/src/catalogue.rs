//! The list of samples.

use crate::Sample;
use crate::dialect::{Arch, Dialect};
use crate::scenes;

/// All samples, in the order of the provenance table.
pub fn all() -> &'static [Sample] {
    SAMPLES
}

/// The sample of that name.
pub fn get(name: &str) -> Option<&'static Sample> {
    SAMPLES.iter().find(|sample| sample.name == name)
}

const fn arm(rev: u8) -> Dialect {
    Dialect::new(rev, Arch::Arm)
}

/// One row; name, file, revision, architecture and byte order come from a few words.
macro_rules! sample {
    ($name:literal, $revision:literal, $arch:literal, $bytes:expr, $about:literal) => {
        sample!($name, $revision, $arch, false, None, $bytes, $about)
    };
    ($name:literal, $revision:literal, $arch:literal, $big:literal, $damage:expr, $bytes:expr,
     $about:literal) => {
        Sample {
            name: $name,
            file: concat!($name, ".ckpt"),
            bytes: $bytes,
            revision: $revision,
            arch: $arch,
            big_endian: $big,
            damage: $damage,
            about: $about,
        }
    };
}

static SAMPLES: &[Sample] = &[
    sample!(
        "minimal-r17-arm",
        "R17",
        "arm",
        || scenes::minimal(arm(17)),
        "one task, one file, one stack page; the smallest image of v23"
    ),
    sample!(
        "minimal-r12-arm",
        "R12",
        "arm",
        || scenes::minimal(arm(12)),
        "the same task in v21, when ARM was architecture 6"
    ),
    sample!(
        "sensor-r18-arm",
        "R18",
        "arm",
        || scenes::sensor(arm(18)),
        "a sensor daemon with two threads, a shell on a terminal, a logger and a zombie; \
         VFP state, pipes with data, sockets, epoll, memory with text and code"
    ),
];
