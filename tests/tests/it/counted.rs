//! Work by counted instructions, never by the clock.

use ckpt_tests::growth::{JOBS, measure, steepness};
use ckpt_tests::{counts, on_all_cores, programs, tools};
use serde_json::Value;
use std::fs;
use std::sync::Mutex;

/// Sizes five times each other. The plot in `tests/reports` goes further.
const SIZES: [u64; 3] = [300, 1_500, 7_500];

/// Whether counting makes sense: of optimised programs, and with valgrind.
fn countable() -> bool {
    if !programs::folder().ends_with("release") {
        eprintln!("NOT RUN: only optimised programs are counted");
        return false;
    }
    tools::have(&["valgrind"])
}

#[test]
fn work_grows_in_a_line() {
    if !countable() {
        return;
    }
    let folder = programs::folder();
    let wrong = Mutex::new(Vec::new());
    on_all_cores(JOBS, |job| {
        let scratch = tempfile::tempdir().unwrap();
        let point = |n| {
            let count = measure(job, scratch.path(), folder, n).unwrap();
            (
                n,
                count.unwrap_or_else(|| panic!("{} fails with {n}", job.name)),
            )
        };
        let [small, middle, large] = SIZES.map(point);
        let steep = steepness(small, middle, large);
        println!(
            "{}: {} {} {} {steep:.2}",
            job.name, small.1, middle.1, large.1
        );
        if steep > 1.2 {
            wrong.lock().unwrap().push((job.name, steep));
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "more than a line: {wrong:?}");
}

/// After a change that is meant to cost or save: `cargo xtask counts`.
#[test]
fn five_jobs_cost_what_they_did() {
    let kept: Value = serde_json::from_slice(&fs::read(counts::file()).unwrap()).unwrap();
    if kept["conditions"] != counts::conditions() {
        eprintln!("NOT RUN: the counts are of {}", kept["conditions"]);
        return;
    }
    if !countable() {
        return;
    }
    let now = counts::count(programs::folder());
    for job in counts::JOBS {
        let number = |value: &Value| value["instructions"][job].as_u64().unwrap_or(0);
        let (was, is) = (number(&kept), number(&now));
        println!("{job}: {was}, now {is}");
        let far = was.abs_diff(is) * 100 > was * counts::TOLERANCE;
        assert!(!far, "{job}: {is} instructions, {was} before");
    }
}
