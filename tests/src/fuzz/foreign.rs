//! Image sets of CRIU (in tar files) and ELF cores: read, and carried to each other format.

use ckpt_bridge::bytes::Blob;
use ckpt_bridge::tree::Tree;
use ckpt_bridge::{
    from_core, open_criu, open_stream, processes, read_criu, to_core, to_criu, to_stream,
};
use ckpt_parser::decoder::Options;
use ckpt_parser::limits::{Limits, Policy};
use std::sync::Arc;

/// Memory that a tree may map: more is honest work for a disk.
const MOST_MAPPED: u64 = 4 << 20;

/// A tar file with an image set.
pub fn criu(bytes: &[u8]) {
    if !ckpt_bridge::criu::is_tar(bytes) {
        return;
    }
    if let Ok(foreign) = read_criu("fuzz", bytes, &Limits::default()) {
        all_the_way(&foreign.tree);
    }
}

/// An ELF core.
pub fn core(bytes: &[u8]) {
    let blob = Blob::new("fuzz", Arc::new(bytes.to_vec()));
    if let Ok(core) = ckpt_bridge::core::read(&blob)
        && let Ok((tree, _)) = from_core(&blob, &core)
    {
        all_the_way(&tree);
    }
}

/// To a stream, which has no fault, and from there to a core and a set, which can be read again.
fn all_the_way(tree: &Tree) {
    let vmas = tree.mms.iter().flat_map(|mm| &mm.vmas);
    let mapped = vmas.fold(0u64, |sum, vma| {
        sum.saturating_add(vma.end.saturating_sub(vma.start))
    });
    let shared = tree
        .segments
        .iter()
        .fold(0u64, |sum, s| sum.saturating_add(s.size));
    if mapped.saturating_add(shared) > MOST_MAPPED {
        return;
    }
    let stream = Blob::new("stream", Arc::new(to_stream(tree)));
    let strict = Options {
        policy: Policy::Strict,
        ..Options::default()
    };
    let back = match open_stream(&stream, strict) {
        Ok(back) => back.tree,
        Err(error) => panic!("our own stream has a fault: {error}"),
    };
    for pid in processes(&back).into_iter().take(2) {
        let mut out = Vec::new();
        if to_core(&back, pid, &mut out).is_ok() {
            let read = ckpt_bridge::core::read(&Blob::new("core", Arc::new(out)));
            assert!(read.is_ok(), "our own core has a fault: {:?}", read.err());
        }
    }
    let dir = tempfile::tempdir().expect("a directory");
    if to_criu(&back, dir.path()).is_ok() {
        let read = open_criu(dir.path(), &Limits::default());
        assert!(read.is_ok(), "our own set has a fault: {:?}", read.err());
    }
}
