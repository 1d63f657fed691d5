//! The two codecs on images that the kernel, gdb and CRIU wrote.
//!
//! Small copies lie in `data/real`. When `CKPT_REAL_IMAGES` names a folder of more of them, all are read.

use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
};

use ckpt_bridge::{
    bytes::Blob,
    core::{self, Core},
    criu::{Set, image, pagemap::Pagemap},
};
use serde_json::Value;

fn folders() -> Vec<PathBuf> {
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
fn set(folder: &Path) -> Option<Set> {
    let names = ["criu", "criu.tar.gz", "criu.tar.zst", "criu.tar.xz"];
    let path = names.iter().map(|n| folder.join(n)).find(|p| p.exists())?;
    Some(Set::open(&path).unwrap_or_else(|e| panic!("{e}")))
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn number(v: &Value) -> u64 {
    match v {
        Value::String(s) => u64::from_str_radix(s.trim_start_matches("0x"), 16).unwrap(),
        v => v.as_u64().unwrap(),
    }
}

#[test]
fn every_known_file_of_a_set_comes_back_byte_for_byte() {
    let mut files = 0;
    for folder in folders() {
        let Some(set) = set(&folder) else { continue };
        for file in set.members() {
            let Some(head) = image::head(file)
                .unwrap()
                .filter(|h| !h.kind.message.is_empty())
            else {
                continue;
            };
            let entries = image::entries(file, &head).unwrap();
            let mut out = Vec::new();
            image::write(head.kind, &entries, &mut out).unwrap();
            assert_eq!(
                out,
                file.read_all(1 << 30).unwrap(),
                "{} of {}",
                file.name,
                folder.display()
            );
            files += 1;
        }
    }
    assert!(files > 20, "{files} files");
}

#[test]
fn page_maps_account_for_every_byte_of_their_pages_files() {
    for folder in folders() {
        let Some(set) = set(&folder) else { continue };
        let mut stored = std::collections::BTreeMap::<u32, u64>::new();
        for file in set.members().filter(|f| f.name.starts_with("pagemap-")) {
            let map = Pagemap::open(file).unwrap();
            let id = map.pages_id;
            *stored.entry(id).or_default() += map.map(|run| run.unwrap().stored()).sum::<u64>();
        }
        assert!(!stored.is_empty(), "{}", folder.display());
        for (id, len) in stored {
            assert_eq!(
                set.get(&format!("pages-{id}.img")).unwrap().len(),
                len,
                "{}",
                folder.display()
            );
        }
    }
}

fn cores(folder: &Path) -> Vec<(String, Core)> {
    let Ok(entries) = fs::read_dir(folder.join("core")) else {
        return Vec::new();
    };
    entries
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let mut bytes = Vec::new();
            liblzma::read::XzDecoder::new(fs::File::open(&path).unwrap())
                .read_to_end(&mut bytes)
                .unwrap();
            let core = core::read(&Blob::new(name.clone(), Arc::new(bytes))).unwrap();
            (name, core)
        })
        .collect()
}

#[test]
fn cores_hold_the_registers_that_ptrace_saw() {
    const NAMES: [&str; 18] = [
        "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "fp", "ip", "sp", "lr",
        "pc", "cpsr", "orig_r0",
    ];
    let mut compared = 0;
    for folder in folders() {
        let expected = json(&folder.join("expected.json"));
        for (name, core) in &cores(&folder) {
            let by_kernel = name.starts_with("kernel");
            let processes = match (&expected["kernel_core"], &expected["processes"]) {
                (life @ Value::Object(_), _) if by_kernel => vec![life.clone()],
                (_, Value::Array(all)) => all.clone(),
                _ => vec![
                    serde_json::json!({"threads": [{"tid": expected["pid"], "gpregs": expected["gpregs"]}]}),
                ],
            };
            for thread in &core.threads {
                let want = processes
                    .iter()
                    .filter_map(|p| p["threads"].as_array())
                    .flatten()
                    .find(|t| t["tid"] == thread.status.tid)
                    .unwrap_or_else(|| panic!("{} of {name}", thread.status.tid));
                // The second life of a program that loops was never looked at twice: it varies as the first did.
                let twin = &expected["processes"][0]["threads"][0];
                let varying = if by_kernel {
                    &twin["varying"]
                } else {
                    &want["varying"]
                };
                let varying: Vec<_> = varying
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str)
                    .collect();
                for (reg, value) in NAMES.iter().zip(&thread.status.regs) {
                    if !varying.contains(reg)
                        && !want["gpregs"][*reg].is_null()
                        && (by_kernel || *reg != "orig_r0")
                    {
                        assert_eq!(
                            *value,
                            number(&want["gpregs"][*reg]),
                            "{reg} of {} in {name}",
                            thread.status.tid
                        );
                        compared += 1;
                    }
                }
                if let Some(vfp) = thread.vfp.as_ref().filter(|_| want["vfp"].is_object()) {
                    let d: Vec<_> = vfp[..256]
                        .chunks(8)
                        .map(|b| u64::from_le_bytes(b.try_into().unwrap()))
                        .collect();
                    let want: Vec<_> = want["vfp"]["d"]
                        .as_array()
                        .unwrap()
                        .iter()
                        .map(number)
                        .collect();
                    assert_eq!(d, want, "{} in {name}", thread.status.tid);
                }
            }
        }
    }
    assert!(compared > 30, "{compared} registers");
}
