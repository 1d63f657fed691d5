//! Checkpoint images for tests and demonstrations.
//!
//! The bytes are laid out by hand from the facts of the original C headers. This crate does not
//! use the format tables of the toolkit, so a wrong table cannot agree with itself. Every sample
//! lies in `images/` as well; `cargo run -p ckpt-samples --bin build-samples` writes the files
//! and the provenance table in `README.md`.

pub mod big;
mod catalogue;
mod dialect;
mod file;
mod head;
mod ipc;
mod memory;
mod net;
mod scenes;
mod stream;
mod task;
mod thread;
mod tty;

pub use catalogue::{all, get};

/// One image of the collection.
#[derive(Clone, Copy)]
pub struct Sample {
    /// Short name, unique.
    pub name: &'static str,
    /// File name below `images/`.
    pub file: &'static str,
    /// Builds the image.
    pub bytes: fn() -> Vec<u8>,
    /// Revision of the stream, "R01" to "R18".
    pub revision: &'static str,
    /// "arm", "i386", "x86_64", "s390x", "ppc32" or "ppc64".
    pub arch: &'static str,
    /// Byte order of the image.
    pub big_endian: bool,
    /// What is broken, if the image is broken on purpose.
    pub damage: Option<&'static str>,
    /// What the sample shows.
    pub about: &'static str,
}

/// The sample `sensor-r18-arm`: what the inspector shows when no file is given.
pub const EMBEDDED: &[u8] = include_bytes!("../images/sensor-r18-arm.ckpt");

/// The provenance table as Markdown: the contents of this crate's `README.md`.
pub fn provenance() -> String {
    let rows = all().iter().map(|sample| {
        let Sample {
            file,
            revision,
            arch,
            about,
            ..
        } = sample;
        let order = if sample.big_endian { "big" } else { "little" };
        let damage = sample
            .damage
            .map_or(String::new(), |what| format!(" **Damaged:** {what}."));
        format!("| `{file}` | {revision} {arch} {order} endian | {about}.{damage} |\n")
    });
    std::iter::once(include_str!("provenance.md").to_owned())
        .chain(rows)
        .collect()
}
