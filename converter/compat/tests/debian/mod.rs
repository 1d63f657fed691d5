//! Debian's armhf and armel libraries, downloaded once: code and attributes that nobody here made.

use crate::tools;
use std::path::{Path, PathBuf};
use std::process::Command;

const PACKAGES: [&str; 7] = [
    "libc6",
    "libssl3",
    "libavcodec59",
    "libavutil57",
    "libavformat59",
    "libswscale6",
    "libswresample4",
];

/// Shared objects of all packages for both architectures (without the many character converters of libc6).
///
/// None if they cannot be had and tools are not required. They are taken from `CKPT_ARM_LIBS`, or from a directory below the build directory that is filled by
/// `apt-get download` (after `dpkg --add-architecture armhf armel` and `apt-get update`).
pub(crate) fn libraries() -> Vec<PathBuf> {
    let root = std::env::var_os("CKPT_ARM_LIBS").map_or_else(
        || PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("arm-debian"),
        PathBuf::from,
    );
    for arch in ["armhf", "armel"] {
        let directory = root.join(arch);
        if !directory.join("complete").exists() && !download(&directory, arch) {
            return Vec::new();
        }
    }
    let mut found = Vec::new();
    collect(&root, &mut found);
    found.sort();
    assert!(
        found.len() > 20,
        "only {} libraries below {}",
        found.len(),
        root.display()
    );
    found
}

fn download(directory: &Path, arch: &str) -> bool {
    std::fs::create_dir_all(directory).unwrap();
    for package in PACKAGES {
        let status = Command::new("apt-get")
            .current_dir(directory)
            .args(["download", &format!("{package}:{arch}")])
            .status();
        if !status.is_ok_and(|status| status.success()) {
            return tools::missing(&format!(
                "{package}:{arch} of Debian: run `dpkg --add-architecture {arch}; apt-get update` first, or point \
                 CKPT_ARM_LIBS to a directory with {arch}/ unpacked and a file {arch}/complete"
            ));
        }
    }
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "deb") {
            let status = Command::new("dpkg")
                .arg("-x")
                .arg(&path)
                .arg(directory)
                .status()
                .unwrap();
            assert!(status.success(), "dpkg -x {}", path.display());
        }
    }
    std::fs::write(directory.join("complete"), "").unwrap();
    true
}

fn collect(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        if kind.is_dir() && !path.ends_with("gconv") {
            collect(&path, found);
        } else if kind.is_file()
            && path
                .file_name()
                .is_some_and(|name| name.to_string_lossy().contains(".so"))
        {
            found.push(path);
        }
    }
}
