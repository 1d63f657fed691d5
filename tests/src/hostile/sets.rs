//! CRIU image sets.

use super::{Case, Run};
use ckpt_bridge::bytes::Blob;
use ckpt_bridge::criu::image::{self, Entry};
use ckpt_bridge::criu::schema::Kind;
use ckpt_bridge::criu::{Mapping, Msg};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(super) const CASES: &[Case] = &[
    Case {
        what: "CRIU: a run of 2^40 pages in a file of five",
        make: |path, _| {
            changed(path, "pagemap-7000.img", "PAGEMAP", &|n, m| {
                if n == 1 {
                    m.set("nr_pages", 1 << 40);
                }
            })
        },
        runs: &[
            Run {
                command: "ckpt-inspect IN --integrity",
                exit: 1,
                says: "pages-1.img",
            },
            Run {
                command: "ckpt-convert IN --to core -o OUT",
                exit: 1,
                says: "pages-1.img",
            },
        ],
    },
    Case {
        what: "CRIU: pages at addresses that no mapping has",
        make: |path, _| {
            changed(path, "pagemap-7000.img", "PAGEMAP", &|n, m| {
                if n == 5 {
                    m.set("vaddr", 0xf777_0000);
                }
            })
        },
        runs: &[
            Run {
                command: "ckpt-convert IN --to r18 -o OUT",
                exit: 1,
                says: "criu.stray-pages",
            },
            Run {
                command: "ckpt-convert IN --to r18 --allow all -o OUT",
                exit: 0,
                says: "criu.stray-pages",
            },
        ],
    },
    Case {
        what: "CRIU: mappings that lie over each other, and of 2^63 bytes",
        make: |path, _| {
            changed(path, "mm-7000.img", "MM", &|_, m| {
                let vmas: Vec<_> = Mapping::take(m, "mm").flatten().collect();
                let vmas = vmas.iter().flat_map(|vma| vma.message("mm"));
                let vmas = vmas.map(|mut vma| {
                    vma.set("start", 0x8000).set("end", 1 << 63);
                    vma.encode().into()
                });
                m.set_parts("vmas", vmas);
            })
        },
        runs: &[
            Run {
                command: "ckpt-convert IN --to r18 -o OUT",
                exit: 1,
                says: "criu.bad-mapping",
            },
            Run {
                command: "ckpt-convert IN --to r18 --allow all -o OUT",
                exit: 0,
                says: "criu.bad-mapping",
            },
        ],
    },
    Case {
        what: "CRIU: compressed blocks that say they are longer than their file",
        make: |path, _| {
            changed(path, "pagemap-7000.img", "PAGEMAP", &|n, m| {
                if n == 1 {
                    let mut blocks = Msg::new("pagemap_blocks").expect("a message of CRIU");
                    blocks
                        .set("total_payload_size", 1 << 50)
                        .set("pages_per_block", 1 << 30)
                        .set_numbers("block_sizes", [1 << 50]);
                    m.set_sub("blocks", blocks);
                }
            })
        },
        runs: &[Run {
            command: "ckpt-inspect IN --integrity",
            exit: 1,
            says: "pagemap-7000.img",
        }],
    },
    Case {
        what: "CRIU: names of files that climb out, with NUL and escape sequences",
        make: |path, _| {
            changed(path, "files.img", "FILES", &|_, m| {
                if let Some(mut reg) = m.sub("reg") {
                    reg.set_bytes("name", b"/../../../etc/\x1b[2Jpass\0wd");
                    m.set_sub("reg", reg);
                }
            })
        },
        runs: &[
            Run {
                command: "ckpt-inspect IN --files",
                exit: 0,
                says: "\\x1b[2J",
            },
            Run {
                command: "ckpt-convert IN --to criu --allow all -o OUT",
                exit: 0,
                says: "",
            },
        ],
    },
    Case {
        what: "CRIU in tar: members that climb out, absolute ones, links out",
        make: climbing,
        runs: &[Run {
            command: "ckpt-convert IN --to criu --allow all -o OUT",
            exit: 0,
            says: "",
        }],
    },
    Case {
        what: "CRIU: a message within a message, 100 000 times",
        make: |path, _| {
            copy(path)?;
            let mut bytes = fs::read(naked().join("mm-7000.img"))?;
            bytes.truncate(8);
            let message = recursion(100_000);
            bytes.extend(u32::try_from(message.len()).unwrap_or(0).to_le_bytes());
            bytes.extend(message);
            fs::write(path.join("mm-7000.img"), bytes)
        },
        runs: &[Run {
            command: "ckpt-inspect IN --integrity",
            exit: 1,
            says: "mm-7000.img",
        }],
    },
    Case {
        what: "CRIU: a message of 4 GiB in a file of 90 bytes",
        make: |path, _| {
            copy(path)?;
            let mut bytes = fs::read(naked().join("mm-7000.img"))?;
            bytes[8..12].fill(0xff);
            fs::write(path.join("mm-7000.img"), bytes)
        },
        runs: &[Run {
            command: "ckpt-check IN --target v7-neon",
            exit: 2,
            says: "mm-7000.img at 0xc",
        }],
    },
    Case {
        what: "CRIU: a set that is its own parent",
        make: |path, _| {
            copy(path)?;
            std::os::unix::fs::symlink(".", path.join("parent"))
        },
        runs: &[Run {
            command: "ckpt-inspect IN --integrity",
            exit: 2,
            says: "parent sets",
        }],
    },
    Case {
        what: "CRIU: process numbers of 2^31 and 0, parents in a circle",
        make: |path, _| {
            changed(path, "pstree.img", "PSTREE", &|_, m| {
                m.set("ppid", 7000).set("pgid", 1 << 31).set("sid", 0);
            })
        },
        runs: &[Run {
            command: "ckpt-convert IN --to r18 --allow all -o OUT",
            exit: 0,
            says: "",
        }],
    },
];

/// A real dump of a small program.
fn naked() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../converter/bridge/tests/data/real/naked/criu")
}

fn copy(path: &Path) -> io::Result<()> {
    fs::create_dir(path)?;
    for entry in fs::read_dir(naked())? {
        let entry = entry?;
        fs::copy(entry.path(), path.join(entry.file_name()))?;
    }
    Ok(())
}

/// The dump with the messages of one file changed; they are numbered.
fn changed(
    path: &Path,
    file: &str,
    kind: &str,
    change: &dyn Fn(usize, &mut Msg),
) -> io::Result<()> {
    copy(path)?;
    let bytes = fs::read(naked().join(file))?;
    let mut entries = if kind == "PAGEMAP" {
        pagemap(&Blob::new(file, Arc::new(bytes)))
    } else {
        image::read(&Blob::new(file, Arc::new(bytes)), kind)
    }
    .map_err(io::Error::other)?;
    for (n, entry) in entries.iter_mut().enumerate() {
        change(n, &mut entry.message);
    }
    let mut out = Vec::new();
    let kind = Kind::by_name(kind).ok_or(io::ErrorKind::NotFound)?;
    image::write(kind, &entries, &mut out).map_err(io::Error::other)?;
    fs::write(path.join(file), out)
}

/// A page map begins with a message of another type.
fn pagemap(file: &Blob) -> ckpt_bridge::Result<Vec<Entry>> {
    let (head, mut at) = image::message(file, 8, "pagemap_head")?;
    let mut entries = vec![head];
    while at < file.len() {
        let (message, next) = image::message(file, at, "pagemap_entry")?;
        entries.push(message);
        at = next;
    }
    let plain = |message| Entry {
        message,
        payload: None,
    };
    Ok(entries.into_iter().map(plain).collect())
}

/// Field 1 of length, within itself.
fn recursion(depth: usize) -> Vec<u8> {
    let mut reversed = Vec::new();
    for _ in 0..depth {
        let mut len = Vec::new();
        let mut value = reversed.len();
        loop {
            let more = if value > 0x7f { 0x80 } else { 0 };
            len.push(u8::try_from(value & 0x7f).unwrap_or(0) | more);
            value >>= 7;
            if value == 0 {
                break;
            }
        }
        reversed.extend(len.iter().rev());
        reversed.push(0x72);
    }
    reversed.reverse();
    reversed
}

fn climbing(path: &Path, _: u64) -> io::Result<()> {
    let mut tar = tar::Builder::new(fs::File::create(path)?);
    let mut add = |name: &[u8], kind: tar::EntryType, link: &[u8], bytes: &[u8]| {
        let mut header = tar::Header::new_gnu();
        if let Some(header) = header.as_gnu_mut() {
            header.name[..name.len()].copy_from_slice(name);
            header.linkname[..link.len()].copy_from_slice(link);
        }
        header.set_entry_type(kind);
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        tar.append(&header, bytes)
    };
    for entry in fs::read_dir(naked())? {
        let entry = entry?;
        let name = [b"../../set/", entry.file_name().as_encoded_bytes()].concat();
        add(
            &name,
            tar::EntryType::Regular,
            b"",
            &fs::read(entry.path())?,
        )?;
    }
    add(
        b"/tmp/ckpt-absolute.img",
        tar::EntryType::Regular,
        b"",
        b"x",
    )?;
    add(b"set/out", tar::EntryType::Symlink, b"/tmp", b"")?;
    add(b"set/out/through.img", tar::EntryType::Regular, b"", b"x")?;
    add(b"set/nul\0inside.img", tar::EntryType::Regular, b"", b"x")?;
    tar.into_inner()?;
    Ok(())
}
