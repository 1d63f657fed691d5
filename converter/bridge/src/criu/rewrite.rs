//! From an image set to an image set: everything survives, and every version reads the page maps.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

use super::{Msg, Set, image, schema::COMMON_MAGIC};
use crate::{
    Error, Result,
    bytes::Blob,
    criu::{image::MAX_FILE, schema::Kind},
};

/// Copies a set into an empty directory. Files come over byte for byte, known or not; of page maps only the number of
/// pages is written anew, into both of its fields. A parent becomes the directory `parent`.
pub fn rewrite(set: &Set, dir: &Path) -> Result<()> {
    for file in set.members() {
        let path = dir.join(&file.name);
        let mut out =
            File::create_new(&path).map_err(|e| Error::io(path.display().to_string(), e))?;
        match image::head(file)? {
            Some(head) if head.kind.name == "PAGEMAP" => page_map(file, head.len, &mut out)?,
            _ => file.copy_to(&mut out)?,
        }
    }
    if let Some(parent) = &set.parent {
        let path = dir.join("parent");
        fs::create_dir(&path).map_err(|e| Error::io(path.display().to_string(), e))?;
        rewrite(parent, &path)?;
    }
    Ok(())
}

fn page_map(file: &Blob, start: u64, out: &mut impl Write) -> Result<()> {
    let whole = Blob::new(
        file.name.clone(),
        std::sync::Arc::new(file.read_all(MAX_FILE)?),
    );
    let magic = Kind::by_name("PAGEMAP").map_or(0, |k| k.magic);
    let mut bytes = Vec::new();
    bytes.extend(COMMON_MAGIC.to_le_bytes());
    bytes.extend(magic.to_le_bytes());
    let (head, mut at) = image::message(&whole, start, "pagemap_head")?;
    push(&mut bytes, &head);
    while at < whole.len() {
        let (mut entry, next) = image::message(&whole, at, "pagemap_entry")?;
        let pages = entry
            .get("nr_pages")
            .unwrap_or(entry.u64("compat_nr_pages"));
        entry.set("compat_nr_pages", pages).set("nr_pages", pages);
        push(&mut bytes, &entry);
        at = next;
    }
    out.write_all(&bytes).map_err(|e| Error::io(&file.name, e))
}

fn push(out: &mut Vec<u8>, message: &Msg) {
    let bytes = message.encode();
    out.extend(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend(bytes);
}

/// Packs the files of a directory into a tar stream, in order of their names and without times or owners.
pub fn pack(dir: &Path, out: &mut dyn Write) -> Result<()> {
    let mut archive = tar::Builder::new(out);
    append(&mut archive, dir, Path::new(""))?;
    archive.finish().map_err(Error::writing)
}

fn append(archive: &mut tar::Builder<&mut dyn Write>, dir: &Path, inside: &Path) -> Result<()> {
    let fail = |e: io::Error| Error::io(dir.display().to_string(), e);
    let names = fs::read_dir(dir).map_err(fail)?;
    let names: io::Result<Vec<_>> = names.map(|e| e.map(|e| e.file_name())).collect();
    let mut names = names.map_err(fail)?;
    names.sort();
    for name in names {
        let path = dir.join(&name);
        let file = File::open(&path).map_err(fail)?;
        let meta = file.metadata().map_err(fail)?;
        if meta.is_dir() {
            append(archive, &path, &inside.join(&name))?;
            continue;
        }
        let mut header = tar::Header::new_gnu();
        header.set_size(meta.len());
        header.set_mode(0o644);
        let added = archive.append_data(&mut header, inside.join(&name), file);
        added.map_err(Error::writing)?;
    }
    Ok(())
}
