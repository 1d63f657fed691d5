//! Real images and what is known of them.
//!
//! Small copies lie in `data/real`. When `CKPT_REAL_IMAGES` names a folder of more of them, all are read.

#![allow(dead_code, reason = "each test program uses some of it")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use ckpt_bridge::criu::{Set, pagemap::Pagemap};
use ckpt_parser::limits::Limits;
use serde_json::Value;

/// General registers of ARM in the order of the kernel.
pub(crate) const REGS: [&str; 18] = [
    "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "fp", "ip", "sp", "lr",
    "pc", "cpsr", "orig_r0",
];

/// Folders with an `expected.json`.
pub(crate) fn folders() -> Vec<PathBuf> {
    let mut roots = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/real")];
    roots.extend(std::env::var_os("CKPT_REAL_IMAGES").map(PathBuf::from));
    let mut out = Vec::new();
    for root in roots {
        for entry in fs::read_dir(&root).unwrap_or_else(|e| panic!("{}: {e}", root.display())) {
            let path = entry.unwrap().path();
            if path.join("expected.json").exists() {
                out.push(path);
            }
        }
    }
    out.sort();
    out
}

/// The image set of a folder: a directory or a tar file of one of the kinds that containers are shipped in.
pub(crate) fn set(folder: &Path) -> Option<PathBuf> {
    let names = ["criu", "criu.tar.gz", "criu.tar.zst", "criu.tar.xz"];
    names.iter().map(|n| folder.join(n)).find(|p| p.exists())
}

/// All image sets: those of the folders, and those that nothing but the set is known of.
pub(crate) fn sets() -> Vec<PathBuf> {
    let more = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sets");
    let more = fs::read_dir(more).unwrap().map(|e| e.unwrap().path());
    let more = more.filter(|p| p.extension().is_some_and(|e| e == "xz"));
    let known = folders().into_iter().filter_map(|folder| set(&folder));
    let mut all: Vec<_> = known.chain(more).collect();
    all.sort();
    all
}

/// The page maps of processes, and the files with their pages.
pub(crate) fn private_pages(set: &Set) -> Vec<String> {
    let maps = set.members().filter(|file| {
        let own = file.name.strip_prefix("pagemap-");
        own.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    });
    let names = maps.flat_map(|map| {
        let id = Pagemap::open(map).unwrap().pages_id;
        [map.name.clone(), format!("pages-{id}.img")]
    });
    names.collect()
}

/// A set as the directory that it once was.
pub(crate) fn unpacked(path: &Path) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for file in Set::open(path, &Limits::default()).unwrap().members() {
        let bytes = file.read_all(1 << 30).unwrap();
        fs::write(dir.path().join(&file.name), bytes).unwrap();
    }
    dir
}

/// The cores of a folder.
pub(crate) fn cores(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder.join("core")) else {
        return Vec::new();
    };
    let mut out: Vec<_> = entries.map(|e| e.unwrap().path()).collect();
    out.sort();
    out
}

/// What is known of a folder's images.
pub(crate) fn expected(folder: &Path) -> Value {
    serde_json::from_slice(&fs::read(folder.join("expected.json")).unwrap()).unwrap()
}

/// A number, or a hexadecimal text.
pub(crate) fn number(v: &Value) -> u64 {
    match v {
        Value::String(s) => u64::from_str_radix(s.trim_start_matches("0x"), 16).unwrap(),
        v => v.as_u64().unwrap(),
    }
}

/// What is known of one thread; `second_life` is the one that the kernel made a core of.
pub(crate) fn thread(expected: &Value, tid: i32, second_life: bool) -> Value {
    let processes = match (&expected["kernel_core"], &expected["processes"]) {
        (life @ Value::Object(_), _) if second_life => vec![life.clone()],
        (_, Value::Array(all)) => all.clone(),
        _ => vec![
            serde_json::json!({"threads": [{"tid": expected["pid"], "gpregs": expected["gpregs"]}]}),
        ],
    };
    let threads = processes
        .iter()
        .filter_map(|p| p["threads"].as_array())
        .flatten();
    let found = threads
        .into_iter()
        .find(|t| t["tid"] == tid || t["ns_tid"] == tid);
    found
        .unwrap_or_else(|| panic!("thread {tid} of {}", expected["name"]))
        .clone()
}

/// Registers that were not the same at each look. The second life of a program was looked at once: it varies as the
/// first did.
pub(crate) fn varying(expected: &Value, thread: &Value, second_life: bool) -> Vec<String> {
    let list = if second_life {
        &expected["processes"][0]["threads"][0]["varying"]
    } else {
        &thread["varying"]
    };
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(|v| v.as_str().map(str::to_owned))
        .collect()
}
