//! The inspector and the checker read an image by code of their own each; what they say of it is the same.

use ckpt_tests::{on_all_cores, programs};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The JSON document that a program writes about an image, and its exit status.
fn document(program: &str, args: &[&str], image: &Path) -> (Value, Option<i32>) {
    let mut command = Command::new(programs::path(program));
    let output = command.args(args).arg(image).output().unwrap();
    let document = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{program} {args:?}: {error}: {output:?}"));
    (document, output.status.code())
}

/// Small dumps and cores of real processes, and more where `CKPT_REAL_IMAGES` says.
fn real_images() -> Vec<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../converter/bridge/tests/data/real");
    let more = std::env::var_os("CKPT_REAL_IMAGES").map(PathBuf::from);
    let inside = |folder: PathBuf| {
        let entries = fs::read_dir(folder).into_iter().flatten();
        entries.map(|entry| entry.unwrap().path())
    };
    let folders = std::iter::once(own).chain(more).flat_map(inside);
    let known = folders.filter(|folder| folder.join("expected.json").exists());
    let files = known.flat_map(|folder| inside(folder.join("core")).chain(inside(folder)));
    let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    let is_image = |path: &PathBuf| {
        let name = name(path);
        name.starts_with("criu") || name.contains("core.") || name.starts_with("kernel.")
    };
    files.filter(is_image).collect()
}

/// The whole findings for the targets that the interface lists. Of a damaged image the inspector shows what is intact
/// and says so by its status, where the checker gives no verdict.
#[test]
fn both_programs_say_the_same_of_every_image() {
    let dir = tempfile::tempdir().unwrap();
    let mut images = real_images();
    for sample in ckpt_samples::all() {
        let path = dir.path().join(sample.name);
        fs::write(&path, (sample.bytes)()).unwrap();
        images.push(path);
    }
    assert!(images.len() > 50, "{images:?}");
    on_all_cores(&images, |image| {
        let (shown, status) = document("ckpt-inspect", &["--compat", "--json"], image);
        let targets = shown["targets"].as_array().unwrap().iter();
        let named = |target: &Value| format!("--target={}", target["target"].as_str().unwrap());
        let mut args: Vec<String> = targets.map(named).collect();
        args.push("--format=json".to_owned());
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let (checked, _) = document("ckpt-check", &args, image);
        let checked = &checked["images"][0];
        if checked["error"].is_null() {
            assert_eq!(shown["targets"], checked["targets"], "{image:?}");
        } else {
            assert_eq!(status, Some(1), "{image:?}");
        }
    });
}
