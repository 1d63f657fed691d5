//! Writes the reference pages and `linux_cr.ksy` into the directory of this crate.

use std::path::Path;

fn main() -> std::io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for page in ckpt_format::export::all() {
        let path = root.join(page.path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(path, page.text)?;
    }
    Ok(())
}
