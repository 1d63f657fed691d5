//! Image sets of every shape that a dump comes in, made from one real dump.

mod common;

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
};

use ckpt_bridge::{
    bytes::Blob,
    core,
    criu::{
        self, Msg, Set,
        image::{self, Entry},
        pagemap::{self, PARENT, PRESENT, Pagemap, Writer},
        schema::Kind,
    },
    from_core, from_criu, open_criu, open_stream, processes, read_core, read_criu, to_core,
    to_criu, to_stream,
    tree::Tree,
};
use ckpt_parser::{decoder::Options, limits::Limits};

const STACK: u64 = 0xbe9f_3000;

fn naked() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/real/naked/criu")
}

/// A copy of the dump in which files may be replaced.
fn copy() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(naked()).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, dir.path().join(path.file_name().unwrap())).unwrap();
    }
    dir
}

fn tree(dir: &Path) -> Tree {
    open_criu(dir, &Limits::default()).unwrap().tree
}

/// Contents of all pages of the only process, by address.
fn pages(tree: &Tree) -> Vec<(u64, Vec<u8>)> {
    let runs = tree.mms[0].vmas.iter().flat_map(|v| &v.pages);
    let each = runs
        .flat_map(|p| (0..p.len / 4096).map(move |i| (p.addr + i * 4096, p.blob, p.at + i * 4096)));
    each.map(|(addr, blob, at)| (addr, tree.blobs[blob].read(at, 4096, 4096).unwrap()))
        .collect()
}

fn runs(dir: &Path) -> Vec<pagemap::Run> {
    runs_of(dir, 7000)
}

fn runs_of(dir: &Path, pid: u32) -> Vec<pagemap::Run> {
    let set = Set::open(dir, &Limits::default()).unwrap();
    Pagemap::open(set.get(&format!("pagemap-{pid}.img")).unwrap())
        .unwrap()
        .map(Result::unwrap)
        .collect()
}

#[test]
fn directories_and_tar_files_of_all_kinds_are_the_same_set() {
    let want = pages(&tree(&naked()));
    let mut tar = tar::Builder::new(Vec::new());
    tar.append_dir_all("some/where/checkpoint", naked())
        .unwrap();
    let plain = tar.into_inner().unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&plain).unwrap();
    let packed = [
        plain.clone(),
        gzip.finish().unwrap(),
        zstd::encode_all(plain.as_slice(), 1).unwrap(),
    ];
    for bytes in packed {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("set.tar");
        fs::write(&path, &bytes).unwrap();
        assert_eq!(pages(&tree(&path)), want);
        assert_eq!(
            pages(
                &read_criu("pipe", bytes.as_slice(), &Limits::default())
                    .unwrap()
                    .tree
            ),
            want
        );
        assert_eq!(
            fs::read_dir(dir.path()).unwrap().count(),
            1,
            "nothing is unpacked"
        );
    }
}

#[test]
fn paths_in_tar_files_lead_nowhere() {
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    let name = b"../../escaped/inventory.img";
    header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name);
    header.set_size(0);
    header.set_cksum();
    tar.append(&header, std::io::empty()).unwrap();
    let bytes = tar.into_inner().unwrap();
    let set = Set::open_stream("evil", bytes.as_slice(), &Limits::default()).unwrap();
    assert_eq!(
        set.members().map(|m| m.name.as_str()).collect::<Vec<_>>(),
        ["inventory.img"]
    );
}

#[test]
fn pages_of_parents_are_found() {
    let all = runs(&naked());
    let want = pages(&tree(&naked()));
    let dir = copy();
    let parent = copy();
    // The increment has the first run only; the others are in the parent.
    let mut map = Writer::new(1);
    for (i, run) in all.iter().enumerate() {
        map.run(run.addr, run.pages, if i == 0 { PRESENT } else { PARENT });
    }
    fs::write(dir.path().join("pagemap-7000.img"), map.finish()).unwrap();
    let bytes = fs::read(naked().join("pages-1.img")).unwrap();
    fs::write(
        dir.path().join("pages-1.img"),
        &bytes[..usize::try_from(all[0].len()).unwrap()],
    )
    .unwrap();
    std::os::unix::fs::symlink(parent.path(), dir.path().join("parent")).unwrap();
    assert_eq!(pages(&tree(dir.path())), want);
    fs::remove_file(dir.path().join("parent")).unwrap();
    assert!(
        open_criu(dir.path(), &Limits::default())
            .unwrap_err()
            .to_string()
            .contains("parent")
    );
    std::os::unix::fs::symlink(".", dir.path().join("parent")).unwrap();
    assert!(
        open_criu(dir.path(), &Limits::default())
            .unwrap_err()
            .to_string()
            .contains("more than 32")
    );
}

/// The dump with its pages compressed in blocks of some pages, in one of the two encodings.
fn compressed(block: u64, old: bool) -> tempfile::TempDir {
    let dir = copy();
    let raw = fs::read(naked().join("pages-1.img")).unwrap();
    let (mut stored, mut entries, mut at) = (Vec::new(), Writer::new(1).finish(), 0);
    for run in runs(&naked()) {
        let mut sizes = Vec::new();
        let end = at + usize::try_from(run.len()).unwrap();
        for block in raw[at..end].chunks(usize::try_from(block * 4096).unwrap()) {
            let packed = lz4_flex::block::compress(block);
            let bytes = match block.iter().all(|&b| b == 0) {
                true => Vec::new(),
                false if packed.len() < block.len() => packed,
                false => block.to_vec(),
            };
            sizes.push(bytes.len() as u64);
            stored.extend(bytes);
        }
        at = end;
        let mut m = Msg::new("pagemap_entry").unwrap();
        m.set("vaddr", run.addr)
            .set("compat_nr_pages", 0)
            .set("flags", run.flags.into())
            .set("nr_pages", run.pages);
        let mut bytes = Vec::new();
        if old {
            bytes = m.encode();
            for size in sizes {
                bytes.push(6 << 3);
                bytes.extend(varint(size));
            }
            bytes.push(8 << 3);
            bytes.extend(varint(block));
        } else {
            let mut b = Msg::new("pagemap_blocks").unwrap();
            b.set("total_payload_size", sizes.iter().sum())
                .set("pages_per_block", block)
                .set_numbers("block_sizes", sizes);
            m.set_sub("blocks", b);
            bytes.extend(m.encode());
        }
        entries.extend(u32::try_from(bytes.len()).unwrap().to_le_bytes());
        entries.extend(bytes);
    }
    fs::write(dir.path().join("pagemap-7000.img"), entries).unwrap();
    fs::write(dir.path().join("pages-1.img"), stored).unwrap();
    dir
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while value > 0x7f {
        out.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
        value >>= 7;
    }
    out.push(u8::try_from(value).unwrap());
    out
}

#[test]
fn compressed_pages_come_back() {
    let want = pages(&tree(&naked()));
    for (block, old) in [(1, false), (1, true), (64, false), (64, true)] {
        let dir = compressed(block, old);
        assert_eq!(pages(&tree(dir.path())), want, "blocks of {block}");
        let path = dir.path().join("pages-1.img");
        let mut bytes = fs::read(&path).unwrap();
        bytes.truncate(bytes.len() - 1);
        fs::write(&path, &bytes).unwrap();
        assert!(
            open_criu(dir.path(), &Limits::default())
                .unwrap_err()
                .to_string()
                .contains("pages-1.img, at")
        );
    }
}

#[test]
fn encrypted_sets_are_refused_by_name() {
    let dir = copy();
    fs::write(dir.path().join("cipher.img"), b"x").unwrap();
    assert!(
        open_criu(dir.path(), &Limits::default())
            .unwrap_err()
            .to_string()
            .contains("encrypted")
    );
}

#[test]
fn files_of_old_versions_are_one_for_each_kind() {
    let dir = copy();
    let set = Set::open(dir.path(), &Limits::default()).unwrap();
    let files = image::read(set.get("files.img").unwrap(), "FILES").unwrap();
    let old: Vec<Entry> = files
        .iter()
        .map(|e| Entry {
            message: e.message.sub("reg").unwrap(),
            payload: None,
        })
        .collect();
    let mut out = Vec::new();
    image::write(Kind::by_name("REG_FILES").unwrap(), &old, &mut out).unwrap();
    fs::write(dir.path().join("reg-files.img"), out).unwrap();
    fs::remove_file(dir.path().join("files.img")).unwrap();
    let (new, old) = (tree(&naked()), tree(dir.path()));
    assert_eq!(format!("{:?}", old.files), format!("{:?}", new.files));
    assert_eq!(old.tables, new.tables);
    assert_eq!(old.dirs, new.dirs);
}

#[test]
fn what_has_no_home_is_reported() {
    let dir = copy();
    let set = Set::open(dir.path(), &Limits::default()).unwrap();
    let mut core = image::read(set.get("core-7000.img").unwrap(), "CORE")
        .unwrap()
        .remove(0)
        .message;
    let mut own = core.sub("thread_core").unwrap();
    own.set("sched_nice", 5);
    core.set_sub("thread_core", own);
    let mut out = Vec::new();
    image::write(
        Kind::by_name("CORE").unwrap(),
        &[Entry {
            message: core,
            payload: None,
        }],
        &mut out,
    )
    .unwrap();
    fs::write(dir.path().join("core-7000.img"), out).unwrap();
    fs::write(dir.path().join("filelocks.img"), [0; 8]).unwrap();
    let (_, losses) = from_criu(&Set::open(dir.path(), &Limits::default()).unwrap()).unwrap();
    let has = |code: &str, value: &str| losses.iter().any(|l| l.code == code && l.value == value);
    assert!(has("criu.scheduling", "5"), "{losses:?}");
    assert!(
        losses
            .iter()
            .any(|l| l.code == "criu.file" && l.record == "filelocks.img"),
        "{losses:?}"
    );
    assert!(has("criu.file-check", "8630"), "{losses:?}");
}

#[test]
fn a_process_whose_program_is_unknown_is_told_and_read_again() {
    let mut tree = tree(&naked());
    tree.mms[0].exe = None;
    let out = tempfile::tempdir().unwrap();
    let losses = to_criu(&tree, out.path()).unwrap();
    assert!(
        losses.iter().any(|loss| loss.code == "criu.no-program"),
        "{losses:?}"
    );
    assert_eq!(self::tree(out.path()).mms[0].exe, None);
}

#[test]
fn what_unpacks_to_far_more_than_it_was_is_refused() {
    let zeros = vec![0; 70 << 20];
    let bomb = zstd::encode_all(zeros.as_slice(), 1).unwrap();
    let small = Limits {
        expansion: 100,
        ..Limits::default()
    };
    for error in [
        read_core("bomb", bomb.as_slice(), &small).unwrap_err(),
        read_criu("bomb", bomb.as_slice(), &small).unwrap_err(),
    ] {
        let text = error.to_string();
        assert!(text.contains("--limit expansion"), "{text}");
    }
}

/// Every file of the dump, cut at every length and with every bit of it turned: an answer or an error.
#[test]
fn damage_is_an_answer_or_an_error() {
    let set = Set::open(&naked(), &Limits::default()).unwrap();
    for file in set.members().filter(|f| !f.name.starts_with("pages-")) {
        let whole = file.read_all(1 << 20).unwrap();
        let read = |bytes: Vec<u8>| {
            let blob = Blob::new("x.img", Arc::new(bytes));
            match image::head(&blob) {
                Ok(Some(h)) if h.kind.name == "PAGEMAP" => {
                    let _ = Pagemap::open(&blob).map(|map| map.take(10_000).count());
                }
                Ok(Some(h)) => {
                    if let Err(e) = image::entries(&blob, &h) {
                        assert!(e.to_string().starts_with("x.img, at 0x"), "{e}");
                    }
                }
                _ => {}
            }
        };
        for len in 0..whole.len() {
            read(whole[..len].to_vec());
        }
        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            read(bytes);
        }
    }
}

#[test]
fn the_stack_is_where_it_was() {
    let tree = tree(&naked());
    let found = pages(&tree)
        .into_iter()
        .find(|(addr, _)| *addr == STACK)
        .unwrap();
    assert_eq!(tree.memory(0, STACK, 4096).unwrap(), found.1);
    assert_eq!(tree.memory(0, STACK - 4096, 8), Some(vec![0; 8]));
    assert_eq!(tree.memory(0, 0x10, 8), None);
}

#[test]
fn sets_are_copied_with_all_that_is_in_them() {
    let dir = copy();
    fs::write(dir.path().join("from-the-future.img"), b"\x01\x02").unwrap();
    let parent = copy();
    std::os::unix::fs::symlink(parent.path(), dir.path().join("parent")).unwrap();
    let out = tempfile::tempdir().unwrap();
    criu::rewrite(
        &Set::open(dir.path(), &Limits::default()).unwrap(),
        out.path(),
    )
    .unwrap();
    for entry in fs::read_dir(dir.path()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_file() && !name.starts_with("pagemap-") {
            assert_eq!(
                fs::read(&path).unwrap(),
                fs::read(out.path().join(name)).unwrap(),
                "{name}"
            );
        }
    }
    assert!(out.path().join("parent/pages-1.img").exists());
    let set = Set::open(out.path(), &Limits::default()).unwrap();
    let map = set.get("pagemap-7000.img").unwrap();
    let (_, at) = image::message(map, 8, "pagemap_head").unwrap();
    let (entry, _) = image::message(map, at, "pagemap_entry").unwrap();
    assert_eq!(
        (entry.u64("compat_nr_pages"), entry.u64("nr_pages")),
        (1, 1)
    );
    assert_eq!(runs(out.path()), runs(dir.path()));
    let mut tar = Vec::new();
    criu::pack(out.path(), &mut tar).unwrap();
    let packed = Set::open_stream("tar", tar.as_slice(), &Limits::default()).unwrap();
    assert!(packed.parent.is_some());
    assert_eq!(packed.members().count(), set.members().count());
}

/// All the way from damaged images to the other format: an answer or an error.
#[test]
fn damage_never_gets_through_to_a_panic() {
    let all_the_way = |tree: &Tree| {
        let stream = Blob::new("stream", Arc::new(to_stream(tree)));
        let Ok(back) = open_stream(&stream, Options::default()) else {
            return;
        };
        for pid in processes(&back.tree).into_iter().take(2) {
            let _ = to_core(&back.tree, pid, &mut core::Plain(std::io::sink()));
        }
        let dir = tempfile::tempdir().unwrap();
        let _ = to_criu(&back.tree, dir.path());
    };
    // Core: headers and notes, a bit in every third byte.
    let path = naked().join("../core/kernel.7500.xz");
    let mut whole = Vec::new();
    std::io::Read::read_to_end(
        &mut liblzma::read::XzDecoder::new(fs::File::open(path).unwrap()),
        &mut whole,
    )
    .unwrap();
    for byte in (0..0x600).step_by(3) {
        let mut bytes = whole.clone();
        bytes[byte] ^= 1 << (byte % 8);
        // Sizes that say gigabytes are honest work for a disk, not for a test.
        let blob = Blob::new("core", Arc::new(bytes));
        if let Ok(found) = core::read(&blob)
            && found.segments.iter().all(|s| s.mem_size < 1 << 24)
            && let Ok((tree, _)) = from_core(&blob, &found)
        {
            all_the_way(&tree);
        }
    }
    // Set: the files that decide about everything else.
    for name in [
        "mm-7000.img",
        "pagemap-7000.img",
        "pstree.img",
        "core-7000.img",
        "files.img",
    ] {
        let dir = copy();
        let whole = fs::read(dir.path().join(name)).unwrap();
        for byte in (8..whole.len()).step_by(5) {
            let mut bytes = whole.clone();
            bytes[byte] ^= 1 << (byte % 7);
            fs::write(dir.path().join(name), &bytes).unwrap();
            let Ok(foreign) = open_criu(dir.path(), &Limits::default()) else {
                continue;
            };
            let small = |tree: &Tree| {
                tree.mms
                    .iter()
                    .flat_map(|mm| &mm.vmas)
                    .all(|v| v.end - v.start < 1 << 24)
            };
            if small(&foreign.tree) {
                all_the_way(&foreign.tree);
            }
        }
    }
}

/// A dump that was cut off is the most common damage of all.
#[test]
fn a_core_that_was_cut_off_tells_what_it_lacks() {
    let packed = fs::File::open(naked().join("../core/kernel.7500.xz")).unwrap();
    let mut whole = Vec::new();
    std::io::Read::read_to_end(&mut liblzma::read::XzDecoder::new(packed), &mut whole).unwrap();
    whole.truncate(100_000);
    let cut = read_core("cut", whole.as_slice(), &Limits::default()).unwrap();
    assert!(
        cut.losses.iter().any(|loss| loss.code == "core.truncated"),
        "{:?}",
        cut.losses
    );
    let out = tempfile::tempdir().unwrap();
    to_criu(&cut.tree, out.path()).unwrap();
    let told: u64 = runs_of(out.path(), 7500)
        .iter()
        .map(ckpt_bridge::criu::pagemap::Run::len)
        .sum();
    let held = fs::metadata(out.path().join("pages-1.img")).unwrap().len();
    assert_eq!(told, held, "the page map and the pages agree");
}
