//! Damaged image sets: what is intact of them is a set that reads without an error, and what is not is told.

mod common;

use std::{collections::HashSet, fs, path::Path, sync::Arc};

use ckpt_bridge::{
    Foreign,
    bytes::Blob,
    criu::{Msg, Set, image, schema::Kind},
    open_criu, open_stream, salvage_criu, salvage_criu_stream, to_criu,
};
use ckpt_parser::{decoder::Options, limits::Limits};

use common::unpacked;

fn data(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

fn damage(foreign: &Foreign) -> Vec<String> {
    let told = |code: &str| matches!(code, "criu.damage" | "criu.absent");
    let losses = foreign.losses.iter().filter(|loss| told(loss.code));
    losses.map(ToString::to_string).collect()
}

/// What came out can be written as a stream and as a set, and both are read as strictly as any.
fn is_sound(foreign: &Foreign, what: &str) {
    let stream = Blob::new("stream", Arc::new(foreign.stream()));
    let tree = open_stream(&stream, Options::default()).unwrap_or_else(|e| panic!("{what}: {e}"));
    assert_eq!(tree.tree.tasks.len(), foreign.tree.tasks.len(), "{what}");
    let dir = tempfile::tempdir().unwrap();
    to_criu(&tree.tree, dir.path()).unwrap_or_else(|e| panic!("{what}: {e}"));
    let again = open_criu(dir.path(), &Limits::default());
    let again = again.unwrap_or_else(|e| panic!("{what}: {e}"));
    assert_eq!(damage(&again), [""; 0], "{what}");
    assert_eq!(again.tree.tasks.len(), foreign.tree.tasks.len(), "{what}");
}

/// A kind of damage, and how it is done to a file.
type Way = (&'static str, fn(&mut Vec<u8>));

/// Each file of sets of all kinds is taken out, cut, and overwritten in the middle.
#[test]
fn whatever_file_is_damaged_the_rest_is_sound() {
    let ways: [Way; 4] = [
        ("gone", Vec::clear),
        ("cut", |bytes| bytes.truncate(bytes.len() * 2 / 3)),
        ("overwritten", |bytes| {
            let middle = bytes.len() / 2;
            for byte in bytes.iter_mut().skip(middle).take(6) {
                *byte = 0xff;
            }
        }),
        ("another file", |bytes| {
            for byte in bytes.iter_mut().take(8) {
                *byte = 0x2a;
            }
        }),
    ];
    for set in [
        "real/tree/criu.tar.xz",
        "sets/memory.tar.xz",
        "sets/sysv_ns.tar.xz",
    ] {
        let dir = unpacked(&data(set));
        // One file of each kind.
        let mut stems = HashSet::new();
        let mut names: Vec<String> = Set::open(dir.path(), &Limits::default())
            .unwrap()
            .members()
            .map(|file| file.name.clone())
            .collect();
        names.retain(|name| {
            stems.insert(
                name.split(|c: char| c.is_ascii_digit())
                    .next()
                    .map(str::to_owned),
            )
        });
        for (i, name) in names.into_iter().enumerate() {
            let path = dir.path().join(&name);
            let whole = fs::read(&path).unwrap();
            // All ways for one set, each way for some files of the others.
            let all = set.starts_with("real");
            let some = ways
                .iter()
                .enumerate()
                .filter(|(k, _)| all || *k == i % ways.len());
            for (_, (way, change)) in some {
                let what = format!("{name} of {set}, {way}");
                let mut bytes = whole.clone();
                change(&mut bytes);
                if bytes.is_empty() {
                    fs::remove_file(&path).unwrap();
                } else {
                    fs::write(&path, bytes).unwrap();
                }
                let foreign = match salvage_criu(dir.path(), &Limits::default()) {
                    Ok(foreign) => foreign,
                    Err(error) => {
                        // There was one only, and its registers or mappings are gone.
                        assert!(
                            !all && error.to_string().contains("no whole process"),
                            "{what}: {error}"
                        );
                        continue;
                    }
                };
                let strict = open_criu(dir.path(), &Limits::default());
                if let Err(error) = strict {
                    assert!(!damage(&foreign).is_empty(), "{what}: {error}");
                }
                is_sound(&foreign, &what);
            }
            fs::write(&path, whole).unwrap();
        }
        let whole = salvage_criu(dir.path(), &Limits::default()).unwrap();
        assert_eq!(damage(&whole), [""; 0], "{set}");
    }
}

/// Of processes, memory and descriptors all is kept that does not need what is gone.
#[test]
fn what_does_not_need_the_damaged_part_is_kept() {
    let dir = unpacked(&data("real/tree/criu.tar.xz"));
    let tasks = |dir: &Path| {
        let foreign = salvage_criu(dir, &Limits::default()).unwrap();
        let tids: Vec<i32> = foreign.tree.tasks.iter().map(|t| t.tid).collect();
        (tids, foreign)
    };
    let (all, whole) = tasks(dir.path());
    let whole_pages: u64 = pages(&whole);
    // A process without its registers.
    let core = dir.path().join("core-8001.img");
    let bytes = fs::read(&core).unwrap();
    fs::remove_file(&core).unwrap();
    let (left, foreign) = tasks(dir.path());
    let others: Vec<i32> = all.iter().copied().filter(|&tid| tid != 8001).collect();
    assert_eq!(left, others);
    assert!(
        damage(&foreign)[0].contains("process 8001"),
        "{:?}",
        damage(&foreign)
    );
    fs::write(&core, bytes).unwrap();
    // A pages file that was cut in the middle of a run keeps the pages before.
    let path = dir.path().join("pages-2.img");
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 4097]).unwrap();
    let (left, foreign) = tasks(dir.path());
    assert_eq!(left, all);
    assert_eq!(pages(&foreign), whole_pages - 2);
    assert_eq!(damage(&foreign).len(), 1);
    fs::write(&path, bytes).unwrap();
    // A descriptor whose file is gone goes alone; the mapped program becomes memory.
    let set = Set::open(dir.path(), &Limits::default()).unwrap();
    let mut files = image::read(set.get("files.img").unwrap(), "FILES").unwrap();
    files.retain(|e| e.message.u64("id") != 1);
    let mut out = Vec::new();
    image::write(Kind::by_name("FILES").unwrap(), &files, &mut out).unwrap();
    fs::write(dir.path().join("files.img"), out).unwrap();
    let (left, foreign) = tasks(dir.path());
    assert_eq!(left, all);
    assert_eq!(pages(&foreign), whole_pages);
    assert_eq!(foreign.tree.mms[0].exe, None);
    assert_eq!(foreign.tree.mms[0].vmas.len(), whole.tree.mms[0].vmas.len());
    assert_eq!(foreign.tree.tables[0].len(), whole.tree.tables[0].len());
}

fn pages(foreign: &Foreign) -> u64 {
    let vmas = foreign.tree.mms.iter().flat_map(|mm| &mm.vmas);
    vmas.flat_map(|v| &v.pages).map(|p| p.len / 4096).sum()
}

/// A tar file that ends too early holds what came before.
#[test]
fn an_archive_that_is_cut_off_gives_what_it_has() {
    let dir = unpacked(&data("real/tree/criu.tar.xz"));
    let mut archive = tar::Builder::new(Vec::new());
    archive.append_dir_all("checkpoint", dir.path()).unwrap();
    let whole = archive.into_inner().unwrap();
    let mut most = 0;
    for cut in (0..whole.len()).step_by(16 * 512 + 7) {
        let part = &whole[..cut];
        let Ok(foreign) = salvage_criu_stream("tar", part, &Limits::default()) else {
            continue;
        };
        most = most.max(foreign.tree.tasks.len());
        is_sound(&foreign, &format!("cut at {cut}"));
    }
    assert!(most > 4, "{most} tasks at most");
    // Packed in frames, of which the last is cut: the others unpack.
    let frames = whole.chunks(whole.len() / 4);
    let mut frames: Vec<u8> = frames
        .flat_map(|part| zstd::encode_all(part, 0).unwrap())
        .collect();
    frames.truncate(frames.len() - 100);
    let foreign = salvage_criu_stream("tar", frames.as_slice(), &Limits::default()).unwrap();
    assert!(!damage(&foreign).is_empty());
    is_sound(&foreign, "the last frame is cut");
    // Of a packed one, the reader tells the damage where it stands.
    let packed = zstd::encode_all(whole.as_slice(), 0).unwrap();
    assert!(
        ckpt_bridge::read_criu("tar", &packed[..packed.len() / 2], &Limits::default()).is_err()
    );
}

/// A page map of compressed pages keeps the runs that can be unpacked.
#[test]
fn damaged_blocks_cost_their_run_only() {
    let dir = unpacked(&data("real/naked/criu"));
    let page = [7_u8; 4096];
    let packed = lz4_flex::block::compress(&page);
    let mut out = ckpt_bridge::criu::pagemap::Writer::new(1).finish();
    for addr in [0x6_a000_u64, 0x6_b000, 0x6_c000] {
        let mut m = Msg::new("pagemap_entry").unwrap();
        let mut blocks = Msg::new("pagemap_blocks").unwrap();
        blocks
            .set_numbers("block_sizes", [packed.len() as u64])
            .set("total_payload_size", packed.len() as u64)
            .set("pages_per_block", 1);
        m.set("vaddr", addr)
            .set("compat_nr_pages", 0)
            .set("flags", 4)
            .set("nr_pages", 1)
            .set_sub("blocks", blocks);
        let bytes = m.encode();
        out.extend(u32::try_from(bytes.len()).unwrap().to_le_bytes());
        out.extend(bytes);
    }
    fs::write(dir.path().join("pagemap-7000.img"), out).unwrap();
    let bad = vec![0xff; packed.len()];
    let stored = [packed.as_slice(), &bad, &packed].concat();
    fs::write(dir.path().join("pages-1.img"), stored).unwrap();
    assert!(open_criu(dir.path(), &Limits::default()).is_err());
    let foreign = salvage_criu(dir.path(), &Limits::default()).unwrap();
    assert_eq!(damage(&foreign).len(), 1, "{:?}", damage(&foreign));
    is_sound(&foreign, "compressed pages");
}
