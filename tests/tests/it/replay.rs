//! The fuzz targets without a fuzzer: on every sample, on every file that once broke something, and
//! on mutations that are the same in every run.

use ckpt_tests::fuzz::{TARGETS, Target, mutate};
use ckpt_tests::on_all_cores;
use ckpt_tests::triggers::TRIGGERS;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

#[test]
fn every_target_has_its_file_and_its_line() {
    let manifest = fs::read_to_string(root().join("fuzz/Cargo.toml")).unwrap();
    for (name, _) in TARGETS {
        let file = root().join(format!("fuzz/fuzz_targets/{name}.rs"));
        assert!(file.exists(), "{} is missing", file.display());
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
    }
    let files = fs::read_dir(root().join("fuzz/fuzz_targets")).unwrap();
    assert_eq!(files.count(), TARGETS.len());
}

#[test]
fn samples_pass_every_target() {
    on_all_cores(ckpt_samples::all(), |sample| all_targets(&(sample.bytes)()));
}

/// What the reader finds fault with is written, converted and judged, too.
#[test]
fn images_of_each_code_pass_every_target() {
    on_all_cores(TRIGGERS, |trigger| all_targets(&trigger.image()));
}

fn all_targets(bytes: &[u8]) {
    for (_, target) in TARGETS {
        target(bytes);
    }
}

#[test]
fn regressions_stay_mended_and_the_corpus_passes() {
    let mut files = 0;
    let folders = ["data/fuzz", "fuzz/corpus"].map(|folder| root().join(folder));
    for (folder, (name, target)) in folders
        .iter()
        .flat_map(|folder| TARGETS.iter().map(move |target| (folder, target)))
    {
        let Ok(entries) = fs::read_dir(folder.join(name)) else {
            continue;
        };
        for entry in entries {
            let path = entry.unwrap().path();
            println!("{}", path.display());
            target(&fs::read(&path).unwrap());
            files += 1;
        }
    }
    println!("{files} files");
}

#[test]
fn mutated_samples_pass_every_target() {
    // Without optimisation each round takes ten times as long.
    const ROUNDS: u64 = if cfg!(debug_assertions) { 3 } else { 40 };
    let work: Vec<(&ckpt_samples::Sample, u64)> = ckpt_samples::all()
        .iter()
        .flat_map(|sample| (0..ROUNDS).map(move |round| (sample, round)))
        .collect();
    on_all_cores(&work, |(sample, round)| {
        let mut bytes = (sample.bytes)();
        mutate(&mut bytes, seed(sample.name, *round));
        for (name, target) in TARGETS {
            run(&(name, *target), sample.name, *round, &bytes);
        }
    });
}

fn seed(name: &str, round: u64) -> u64 {
    name.bytes().fold(round, |seed, byte| {
        seed.wrapping_mul(31).wrapping_add(u64::from(byte))
    })
}

/// Names the case that breaks a target; the bytes can be had again from the seed.
fn run((name, target): &Target, sample: &str, round: u64, bytes: &[u8]) {
    let outcome = std::panic::catch_unwind(|| target(bytes));
    if outcome.is_err() {
        let file = root().join(format!("../target/{name}-{sample}-{round}.bin"));
        fs::write(&file, bytes).unwrap();
        panic!(
            "target {name}, sample {sample}, round {round}: see {}",
            file.display()
        );
    }
}
