//! Writes every sample to `images/` and the provenance table to `README.md`.

use std::path::Path;
use std::{fs, io};

fn main() -> io::Result<()> {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    fs::create_dir_all(home.join("images"))?;
    for sample in ckpt_samples::all() {
        fs::write(home.join("images").join(sample.file), (sample.bytes)())?;
    }
    fs::write(home.join("README.md"), ckpt_samples::provenance())
}
