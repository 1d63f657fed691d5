//! Compiles `proto/*.proto` to one descriptor set that the crate embeds; no external compiler is needed.

use std::{env, fs, io, path::Path};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut files = Vec::new();
    for entry in fs::read_dir("proto")? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "proto") {
            println!("cargo::rerun-if-changed={}", path.display());
            files.push(path);
        }
    }
    println!("cargo::rerun-if-changed=proto");
    files.sort();
    let mut compiler = protox::Compiler::new(["proto"])?;
    compiler.include_source_info(false).include_imports(true);
    compiler.open_files(files)?;
    let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("OUT_DIR is not set"))?;
    fs::write(
        Path::new(&out).join("criu.desc"),
        compiler.encode_file_descriptor_set(),
    )?;
    Ok(())
}
