//! The two codecs on images that the kernel, gdb and CRIU wrote.

mod common;

use std::{fs, io::Read, sync::Arc};

use ckpt_bridge::{
    bytes::Blob,
    core,
    criu::{Set, image, pagemap::Pagemap},
};
use ckpt_parser::limits::Limits;
use common::{REGS, cores, expected, folders, number, set, thread, varying};

#[test]
fn every_known_file_of_a_set_comes_back_byte_for_byte() {
    let mut files = 0;
    for folder in folders() {
        let Some(set) = set(&folder) else { continue };
        for file in Set::open(&set, &Limits::default()).unwrap().members() {
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
        let Some(path) = set(&folder) else { continue };
        let set = Set::open(&path, &Limits::default()).unwrap();
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

#[test]
fn cores_hold_the_registers_that_ptrace_saw() {
    let mut compared = 0;
    for folder in folders() {
        let known = expected(&folder);
        for path in cores(&folder) {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let mut bytes = Vec::new();
            liblzma::read::XzDecoder::new(fs::File::open(&path).unwrap())
                .read_to_end(&mut bytes)
                .unwrap();
            let core = core::read(&Blob::new(name.clone(), Arc::new(bytes))).unwrap();
            let by_kernel = name.starts_with("kernel");
            for t in &core.threads {
                let want = thread(&known, t.status.tid, by_kernel);
                let varying = varying(&known, &want, by_kernel);
                for (reg, value) in REGS.iter().zip(&t.status.regs) {
                    let skip = varying.iter().any(|v| v == reg) || want["gpregs"][*reg].is_null();
                    // gdb does not write the last one.
                    if !skip && (by_kernel || *reg != "orig_r0") {
                        assert_eq!(
                            *value,
                            number(&want["gpregs"][*reg]),
                            "{reg} of {} in {name}",
                            t.status.tid
                        );
                        compared += 1;
                    }
                }
                if let Some(vfp) = t.vfp.as_ref().filter(|_| want["vfp"].is_object()) {
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
                    assert_eq!(d, want, "{} in {name}", t.status.tid);
                }
            }
        }
    }
    assert!(compared > 30, "{compared} registers");
}
