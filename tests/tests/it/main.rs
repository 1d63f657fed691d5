//! Tests across the crates.

mod ahead;
mod contract;
mod counted;
mod damaged_sets;
mod exhaustive;
mod faults;
mod fleet;
mod guide;
mod hostile;
mod killed;
mod lazy;
mod machine_reports;
mod payload;
mod properties;
mod replay;
mod search;
mod surface;
mod validated;
mod verdicts;

/// Python with packages of `requirements.txt`, if they are there or must be: that of `CKPT_PYTHON`, or `python3`.
fn python(packages: &[&str]) -> Option<String> {
    let python = std::env::var("CKPT_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let packages = packages.join(", ");
    let found = std::process::Command::new(&python)
        .args(["-c", &format!("import {packages}")])
        .output()
        .is_ok_and(|output| output.status.success());
    let ready = found
        || ckpt_tests::tools::missing(&format!(
            "{packages} from PyPI (CKPT_PYTHON names the python)"
        ));
    ready.then_some(python)
}
