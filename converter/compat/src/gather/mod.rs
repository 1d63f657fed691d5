//! Gathering evidence: the only part of this crate that reads files, and only those it is given or that lie below
//! the `sysroot` of [`Options`].

mod elf_image;
mod files;
mod formats;
mod image;
mod linkage;
mod readable;
mod space;

use std::path::{Path, PathBuf};

pub use elf_image::from_elf;
pub use image::from_image;
pub use readable::Watched;

/// How to gather.
#[derive(Clone, Debug)]
pub struct Options {
    /// Directory with the files that the image names, as they were on its machine.
    pub sysroot: Option<PathBuf>,
    /// Threads for the code scan.
    pub jobs: usize,
}

impl Options {
    /// The same for each of so many address spaces at a time.
    fn shared_by(&self, spaces: usize) -> Self {
        Self {
            jobs: self.jobs.div_ceil(spaces.max(1)),
            ..self.clone()
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            sysroot: None,
            jobs: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        }
    }
}

/// Looks up a path of the image below the sysroot; links there are followed as long as they stay below it.
pub fn below_sysroot(sysroot: &Path, path: &str) -> Option<PathBuf> {
    let mut wanted = PathBuf::from(path);
    for _ in 0..16 {
        let mut real = sysroot.to_path_buf();
        let mut parts: Vec<_> = normal_parts(&wanted);
        parts.reverse();
        let mut restart = None;
        while let Some(part) = parts.pop() {
            real.push(&part);
            if let Ok(link) = std::fs::read_link(&real) {
                let mut rest: PathBuf = parts.iter().rev().collect();
                real.pop();
                let inside = real.strip_prefix(sysroot).unwrap_or(Path::new(""));
                let base = if link.is_absolute() {
                    PathBuf::new()
                } else {
                    inside.to_path_buf()
                };
                rest = base
                    .join(link.strip_prefix("/").unwrap_or(&link))
                    .join(rest);
                restart = Some(rest);
                break;
            }
        }
        match restart {
            Some(next) => wanted = next,
            None => return real.is_file().then_some(real),
        }
    }
    None
}

/// Components of a path with `..` resolved, never above its root.
fn normal_parts(path: &Path) -> Vec<std::ffi::OsString> {
    let mut parts = Vec::new();
    for part in path.components() {
        match part {
            std::path::Component::Normal(part) => parts.push(part.to_owned()),
            std::path::Component::ParentDir => {
                parts.pop();
            }
            _ => {}
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_stay_below_the_sysroot() {
        let root = std::env::temp_dir().join(format!("sysroot-test-{}", std::process::id()));
        std::fs::create_dir_all(root.join("usr/lib")).unwrap();
        std::fs::write(root.join("usr/lib/libc.so.6"), "x").unwrap();
        let _ = std::os::unix::fs::symlink("usr/lib", root.join("lib"));
        let _ =
            std::os::unix::fs::symlink("/../../usr/lib/libc.so.6", root.join("usr/lib/libc.so"));
        let _ = std::os::unix::fs::symlink("loop", root.join("loop"));
        assert_eq!(
            below_sysroot(&root, "/lib/libc.so.6"),
            Some(root.join("usr/lib/libc.so.6"))
        );
        assert_eq!(
            below_sysroot(&root, "/lib/libc.so"),
            Some(root.join("usr/lib/libc.so.6"))
        );
        assert_eq!(below_sysroot(&root, "/../../../etc/passwd"), None);
        assert_eq!(below_sysroot(&root, "/loop"), None);
        std::fs::remove_dir_all(&root).unwrap();
    }
}
