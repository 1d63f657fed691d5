//! ELF cores and executables.

use super::{Case, Run};
use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;

/// Offsets in the header of a 32-bit file.
const E_PHOFF: usize = 28;
const E_SHOFF: usize = 32;
const E_PHNUM: usize = 44;
const E_SHNUM: usize = 48;
/// Length of a program header, and offsets of fields in it.
const PHDR: usize = 32;
const P_OFFSET: usize = 4;
const P_VADDR: usize = 8;
const P_FILESZ: usize = 16;
const P_MEMSZ: usize = 20;

pub(super) const CASES: &[Case] = &[
    Case {
        what: "core: segments that lie over each other",
        make: |path, _| {
            core(path, |bytes| {
                let second = get(bytes, segment(bytes, 1) + P_VADDR);
                put(bytes, segment(bytes, 2) + P_VADDR, second);
            })
        },
        runs: &[
            Run {
                command: "ckpt-inspect IN --integrity",
                exit: 0,
                says: "",
            },
            Run {
                command: "ckpt-convert IN --to criu -o OUT",
                exit: 1,
                says: "core.bad-mapping",
            },
        ],
    },
    Case {
        what: "core: 2^32 program headers in a section that is not there",
        make: |path, _| {
            core(path, |bytes| {
                put16(bytes, E_PHNUM, 0xffff);
                let at = u32::try_from(bytes.len() - 40).unwrap_or(0);
                put(bytes, E_SHOFF, at);
                put16(bytes, E_SHNUM, 1);
                let end = bytes.len();
                bytes[end - 40..].fill(0xff);
            })
        },
        runs: &[Run {
            command: "ckpt-inspect IN --integrity",
            exit: 1,
            says: "expected 137438953440 bytes",
        }],
    },
    Case {
        what: "core: a table of program headers behind the end of the file",
        make: |path, _| core(path, |bytes| put(bytes, E_PHOFF, 0xffff_fff0)),
        runs: &[Run {
            command: "ckpt-inspect IN --integrity",
            exit: 2,
            says: "at 0xfffffff0",
        }],
    },
    Case {
        what: "core: 65 535 sections at the end of the address space",
        make: |path, _| {
            core(path, |bytes| {
                put(bytes, E_SHOFF, 0xffff_fff0);
                put16(bytes, E_SHNUM, 0xffff);
            })
        },
        runs: &[Run {
            command: "ckpt-inspect IN --integrity",
            exit: 0,
            says: "",
        }],
    },
    Case {
        what: "core: segments of 4 GiB in a file of 160 KiB",
        make: |path, _| {
            core(path, |bytes| {
                for n in 1..4 {
                    put(bytes, segment(bytes, n) + P_FILESZ, u32::MAX);
                    put(bytes, segment(bytes, n) + P_MEMSZ, u32::MAX);
                }
            })
        },
        runs: &[Run {
            command: "ckpt-convert IN --to criu --allow all -o OUT",
            exit: 1,
            says: "segment",
        }],
    },
    Case {
        what: "core: notes that say they are longer than their segment",
        make: |path, _| {
            core(path, |bytes| {
                let notes = get(bytes, segment(bytes, 0) + P_OFFSET) as usize;
                put(bytes, notes, 0xffff_fff0);
                put(bytes, notes + 4, 0xffff_fff0);
            })
        },
        runs: &[Run {
            command: "ckpt-inspect IN --integrity",
            exit: 2,
            says: "note",
        }],
    },
    Case {
        what: "core, zstd: 512 MiB of zeros in 16 KiB",
        make: |path, _| {
            let mut bytes = kernel_core()?;
            bytes.truncate(0x1000);
            let mut out = zstd::Encoder::new(fs::File::create(path)?, 1)?;
            out.write_all(&bytes)?;
            io::copy(&mut io::repeat(0).take(512 << 20), &mut out)?;
            out.finish()?;
            Ok(())
        },
        runs: &[
            Run {
                command: "ckpt-inspect IN --integrity",
                exit: 1,
                says: "--limit expansion",
            },
            Run {
                command: "ckpt-convert IN --to r18 -o OUT",
                exit: 1,
                says: "--limit expansion",
            },
            Run {
                command: "ckpt-check IN --target v7-neon",
                exit: 2,
                says: "--limit expansion",
            },
        ],
    },
];

fn kernel_core() -> io::Result<Vec<u8>> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../converter/bridge/tests/data/real");
    let packed = fs::File::open(data.join("naked/core/kernel.7500.xz"))?;
    let mut bytes = Vec::new();
    liblzma::read::XzDecoder::new(packed).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A real core of a small program, changed.
fn core(path: &Path, change: impl FnOnce(&mut [u8])) -> io::Result<()> {
    let mut bytes = kernel_core()?;
    change(&mut bytes);
    fs::write(path, bytes)
}

fn get(bytes: &[u8], at: usize) -> u32 {
    let word = bytes.get(at..at + 4).and_then(|word| word.try_into().ok());
    u32::from_le_bytes(word.unwrap_or_default())
}

fn put(bytes: &mut [u8], at: usize, value: u32) {
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

fn put16(bytes: &mut [u8], at: usize, value: u16) {
    bytes[at..at + 2].copy_from_slice(&value.to_le_bytes());
}

fn segment(bytes: &[u8], n: usize) -> usize {
    get(bytes, E_PHOFF) as usize + n * PHDR
}
