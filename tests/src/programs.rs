//! The programs of the workspace, for tests that use several of them.

use crate::tools;
use std::path::PathBuf;

/// A program that was built beside the running test, as `cargo test --workspace` does before any test starts; says
/// what is missing otherwise, as [`tools::missing`].
pub fn find(name: &str) -> Option<PathBuf> {
    let test = std::env::current_exe().ok()?;
    let built = test.parent()?.parent()?.join(name);
    if built.is_file() {
        return Some(built);
    }
    tools::missing(&format!("{name}: cargo build --workspace builds it"));
    None
}
