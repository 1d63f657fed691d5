//! Cores by every way that leads to one, and other people's programs that read them.
//!
//! A program that is not installed is named on standard error; where tools are required it is a failure.

#![allow(dead_code, reason = "each test program uses some of it")]

#[path = "../../../../tests/src/tools.rs"]
#[expect(unreachable_pub, dead_code, reason = "a module of a library elsewhere")]
mod tools;

use std::{fs, path::Path, process::Command, sync::Arc};

use ckpt_bridge::{
    Foreign, bytes::Blob, core, open_core, open_criu, open_stream, processes, to_core, tree::Tree,
};
use ckpt_parser::{decoder::Options, limits::Limits};

/// Output of a program: standard output and error. `None` if it is not installed.
pub(crate) fn run(program: &str, args: &[&str]) -> Option<(String, String)> {
    match Command::new(program).args(args).output() {
        Ok(out) => {
            let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
            assert!(
                out.status.success(),
                "{program} {args:?}: {}",
                text(&out.stderr)
            );
            Some((text(&out.stdout), text(&out.stderr)))
        }
        Err(e) => {
            tools::missing(&format!("{program}: {e}"));
            None
        }
    }
}

/// What comes back from the stream of something foreign.
pub(crate) fn as_stream(foreign: &Foreign) -> Tree {
    let stream = Blob::new("stream", Arc::new(foreign.stream()));
    open_stream(&stream, Options::default()).unwrap().tree
}

/// Writes the core of a process, and says where.
pub(crate) fn write_core(tree: &Tree, pid: i32, dir: &Path) -> String {
    let path = dir.join(format!("core.{pid}"));
    let mut out = core::Sparse(fs::File::create(&path).unwrap());
    to_core(tree, pid, &mut out).unwrap();
    path.to_str().unwrap().to_owned()
}

/// The processes of a set, by the numbers that they have in it.
pub(crate) fn pids(set: &Path) -> Vec<i32> {
    processes(&open_criu(set, &Limits::default()).unwrap().tree)
}

/// The cores of a process: straight from the set, through a stream, and from there through another.
pub(crate) fn cores_by_every_way(set: &Path, pid: i32, dir: &Path) -> Vec<String> {
    let foreign = open_criu(set, &Limits::default()).unwrap();
    let sub = |name: &str| {
        let sub = dir.join(name);
        fs::create_dir(&sub).unwrap();
        sub
    };
    let straight = write_core(&foreign.tree, pid, &sub("straight"));
    let by_stream = write_core(&as_stream(&foreign), pid, &sub("stream"));
    let core = open_core(Path::new(&by_stream), &Limits::default()).unwrap();
    let again = write_core(&as_stream(&core), pid, &sub("again"));
    vec![straight, by_stream, again]
}
