//! The programs of this project, for tests of other packages than theirs.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The folder with the three programs, built like the caller: in the same folder, optimised or not.
///
/// # Panics
/// If they do not build.
pub fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let own = std::env::current_exe().expect("the path of this program");
        let folder = own
            .ancestors()
            .find(|path| path.ends_with("debug") || path.ends_with("release"))
            .expect("this program lies below the folder of a profile");
        build(folder.ends_with("release"), folder.parent());
        folder.to_owned()
    })
}

/// Where a program lies.
pub fn path(name: &str) -> PathBuf {
    folder().join(name)
}

fn build(optimised: bool, target: Option<&Path>) {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
        .args(["build", "--quiet", "--locked", "--bins"])
        .args(["-p", "ckpt-inspect", "-p", "ckpt-convert"]);
    if optimised {
        cargo.arg("--release");
    }
    if let Some(target) = target {
        cargo.arg("--target-dir").arg(target);
    }
    let status = cargo.status().expect("cargo");
    assert!(status.success(), "the programs do not build");
}
