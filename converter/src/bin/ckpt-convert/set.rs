//! `--set`: what the user adds to an image that never held it.

use ckpt_bridge::bytes::{Blob, FileAt};
use ckpt_convert::Error;
use ckpt_convert::native::Additions;
use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// Lengths of a raw VFP register set: as in a core, and with the exception registers.
const VFP_LENS: [usize; 2] = [260, 272];

/// Bytes by which a core is known.
const HEAD: u64 = 64;

/// Reads all additions.
pub(crate) fn additions(settings: &[String]) -> Result<Additions, Error> {
    let mut all = Additions::default();
    for setting in settings {
        let wrong = |why: &str| Error::Request(format!("--set {setting}: {why}"));
        let (what, value) = setting
            .split_once('=')
            .ok_or_else(|| wrong("expected WHAT=VALUE"))?;
        let (what, pid) = match what.split_once('@') {
            Some((what, pid)) => (
                what,
                pid.parse().map_err(|_| wrong("the pid is no number"))?,
            ),
            None => (what, 0),
        };
        match what {
            "personality" => {
                let number = number(value).ok_or_else(|| wrong("the personality is no number"))?;
                all.personality = Some(number);
            }
            "fp-state" => add_registers(&mut all.vfp, Path::new(value), pid)
                .map_err(|error| wrong(&error.to_string()))?,
            _ => return Err(wrong("expected fp-state or personality")),
        }
    }
    Ok(all)
}

fn number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

/// A raw register set belongs to one task; a core holds those of all its threads.
fn add_registers(all: &mut HashMap<i32, Vec<u8>>, path: &Path, pid: i32) -> Result<(), Error> {
    let file = File::open(path).map_err(Error::Read)?;
    let len = file.metadata().map_err(Error::Read)?.len();
    if VFP_LENS.iter().any(|known| *known as u64 == len) {
        all.insert(pid, std::fs::read(path).map_err(Error::Read)?);
        return Ok(());
    }
    let blob = Blob::new(
        path.display().to_string(),
        Arc::new(FileAt::new(file).map_err(Error::Read)?),
    );
    let head = blob.part(0, HEAD).read_all(HEAD)?;
    if !ckpt_bridge::core::is_core(&head) {
        let why = format!(
            "{len} bytes are neither an ELF core nor a VFP register set (260 or 272 bytes)"
        );
        return Err(Error::Request(why));
    }
    let core = ckpt_bridge::core::read(&blob)?;
    let before = all.len();
    for (index, thread) in core.threads.into_iter().enumerate() {
        let Some(vfp) = thread.vfp else {
            continue;
        };
        if pid == 0 {
            all.insert(thread.status.tid, vfp);
        } else if index == 0 {
            all.insert(pid, vfp);
        }
    }
    if all.len() == before {
        let why = "the core holds no VFP registers (NT_ARM_VFP)";
        return Err(Error::Read(io::Error::new(io::ErrorKind::InvalidData, why)));
    }
    Ok(())
}
