//! Streams.

use super::{Case, Run};
use ckpt_format::Tag;
use ckpt_parser::decoder::{Decoder, Options};
use ckpt_parser::encode::put_element;
use ckpt_parser::source::SliceSource;
use ckpt_samples::big::{Filled, records, tasks, vmas};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

pub(super) const CASES: &[Case] = &[
    Case {
        what: "a length of nearly 4 GiB in a small file",
        make: |path, _| sample(path, "huge-length-r17-arm"),
        runs: &[Run {
            command: "ckpt-inspect IN --integrity",
            exit: 1,
            says: "4294967280",
        }],
    },
    Case {
        what: "a length shorter than the record's own header",
        make: |path, _| sample(path, "short-length-r17-arm"),
        runs: &[Run {
            command: "ckpt-inspect IN --integrity",
            exit: 1,
            says: "length",
        }],
    },
    Case {
        what: "object numbers twice, of no known type, never defined; counts that promise more",
        make: |path, _| sample(path, "references-r17-arm"),
        runs: &[Run {
            command: "ckpt-inspect IN --integrity",
            exit: 1,
            says: "4711",
        }],
    },
    Case {
        what: "references in a circle: every object of a task is its address space",
        make: |path, _| {
            edited(path, "tour-r18-arm", &|tag, field| {
                (tag == Tag::TaskObjs || field.ends_with("objref") && tag == Tag::Vma)
                    .then_some(Value::SameAs(Tag::Objref, "objref"))
            })
        },
        runs: &[
            Run {
                command: "ckpt-inspect IN --integrity",
                exit: 1,
                says: "objref",
            },
            Run {
                command: "ckpt-convert IN --to criu --allow all -o OUT",
                exit: 1,
                says: "",
            },
        ],
    },
    Case {
        what: "parents in a circle",
        make: |path, _| {
            edited(path, "tour-r12-arm", &|tag, field| {
                (tag == Tag::Pids && field.contains("ppid")).then_some(Value::Number(100))
            })
        },
        runs: &[Run {
            command: "ckpt-inspect IN --tasks",
            exit: 0,
            says: "100",
        }],
    },
    Case {
        what: "a flood of shared objects",
        make: |path, many| records(&mut Filled::new(create(path)?), 17, many * 5),
        runs: &[Run {
            command: "ckpt-inspect IN --integrity",
            exit: 0,
            says: "",
        }],
    },
    Case {
        what: "a flood of records of eight bytes that nobody knows",
        make: flood,
        runs: &[Run {
            command: "ckpt-inspect IN --integrity",
            exit: 1,
            says: "P004",
        }],
    },
    Case {
        what: "a flood of mappings",
        make: |path, many| vmas(&mut Filled::new(create(path)?), 17, many * 7 / 10),
        runs: &[Run {
            command: "ckpt-inspect IN --integrity",
            exit: 0,
            says: "",
        }],
    },
    Case {
        what: "a flood of tasks",
        make: |path, many| tasks(&mut Filled::new(create(path)?), 17, many / 10),
        runs: &[Run {
            command: "ckpt-inspect IN --integrity",
            exit: 0,
            says: "",
        }],
    },
    Case {
        what: "objects within objects, far deeper than any kernel writes",
        make: |path, _| nested(path, 100_000),
        runs: &[
            Run {
                command: "ckpt-inspect IN --integrity",
                exit: 1,
                says: "P010",
            },
            Run {
                command: "ckpt-inspect IN --json",
                exit: 1,
                says: "P010",
            },
        ],
    },
    Case {
        what: "zstd: 512 MiB of zeros in 16 KiB",
        make: |path, _| packed(path, 512 << 20, &mut |file| zstd_of(file)),
        runs: &[
            Run {
                command: "ckpt-inspect IN --integrity",
                exit: 2,
                says: "--limit expansion",
            },
            Run {
                command: "ckpt-check IN --target v7-neon",
                exit: 2,
                says: "--limit expansion",
            },
            Run {
                command: "ckpt-convert IN --to r18 -o OUT",
                exit: 1,
                says: "P002",
            },
        ],
    },
    Case {
        what: "xz: 512 MiB of zeros in 75 KiB",
        make: |path, _| packed(path, 512 << 20, &mut |file| xz_of(file)),
        runs: &[Run {
            command: "ckpt-inspect IN --integrity",
            exit: 2,
            says: "--limit expansion",
        }],
    },
    Case {
        what: "gzip: 128 MiB of zeros in 500 KiB",
        make: |path, _| packed(path, 128 << 20, &mut |file| gzip_of(file)),
        runs: &[Run {
            command: "ckpt-inspect IN --integrity",
            exit: 1,
            says: "",
        }],
    },
    Case {
        what: "LZ4: 128 MiB of zeros in 516 KiB",
        make: |path, _| packed(path, 128 << 20, &mut |file| lz4_of(file)),
        runs: &[Run {
            command: "ckpt-inspect IN --integrity",
            exit: 1,
            says: "",
        }],
    },
    Case {
        what: "names with escape sequences, controls, reversed text, broken UTF-8",
        make: |path, _| sample(path, "hostile-r17-arm"),
        runs: &[
            Run {
                command: "ckpt-inspect IN --files",
                exit: 0,
                says: "\\x1b[2J",
            },
            Run {
                command: "ckpt-inspect IN --tree",
                exit: 0,
                says: "\\x1b[2J",
            },
        ],
    },
    Case {
        what: "addresses and sizes of 2^63",
        make: |path, _| {
            edited(path, "tour-r18-x86_64", &|tag, field| {
                let wide = matches!(field, "vm_end" | "f_pos" | "brk" | "shm_segsz" | "vm_pgoff");
                (wide && matches!(tag, Tag::Vma | Tag::File | Tag::Mm | Tag::IpcShm))
                    .then_some(Value::Number(1 << 63))
            })
        },
        runs: &[
            Run {
                command: "ckpt-inspect IN --integrity",
                exit: 1,
                says: "V008",
            },
            Run {
                command: "ckpt-convert IN --to criu --allow all -o OUT",
                exit: 2,
                says: "stream.bad-mapping",
            },
            Run {
                command: "ckpt-convert IN --to core --allow all -o OUT.%p",
                exit: 2,
                says: "stream.bad-mapping",
            },
        ],
    },
    Case {
        what: "mappings that lie over each other",
        make: |path, _| {
            edited(path, "tour-r18-arm", &|tag, field| {
                (tag == Tag::Vma && field == "vm_start").then_some(Value::Number(0x8000))
            })
        },
        runs: &[
            Run {
                command: "ckpt-inspect IN --integrity",
                exit: 1,
                says: "V008",
            },
            Run {
                command: "ckpt-check IN --target v7-neon",
                exit: 2,
                says: "cannot be judged",
            },
        ],
    },
    Case {
        what: "pages at addresses that no mapping has",
        make: |path, _| {
            edited(path, "tour-r18-arm", &|tag, field| {
                (tag == Tag::Vma && (field == "vm_start" || field == "vm_end"))
                    .then_some(Value::Plus(0x4000_0000))
            })
        },
        runs: &[Run {
            command: "ckpt-inspect IN --integrity",
            exit: 1,
            says: "page",
        }],
    },
];

fn create(path: &Path) -> io::Result<BufWriter<File>> {
    Ok(BufWriter::new(File::create(path)?))
}

fn image(name: &str) -> io::Result<Vec<u8>> {
    let sample = ckpt_samples::get(name).ok_or(io::ErrorKind::NotFound)?;
    Ok((sample.bytes)())
}

fn sample(path: &Path, name: &str) -> io::Result<()> {
    fs::write(path, image(name)?)
}

/// What a field becomes.
enum Value {
    Number(u64),
    Plus(u64),
    /// What the first record of a type has in a field.
    SameAs(Tag, &'static str),
}

/// A sample with some fields changed.
fn edited(path: &Path, name: &str, change: &dyn Fn(Tag, &str) -> Option<Value>) -> io::Result<()> {
    let bytes = image(name)?;
    let mut out = bytes.clone();
    let mut decoder = Decoder::new(SliceSource(bytes.as_slice()), Options::default())?;
    let mut first = std::collections::HashMap::new();
    while let Some(event) = decoder.next() {
        let event = event?;
        let (Some(tag), Some(view)) = (event.tag, decoder.view()) else {
            continue;
        };
        let start = usize::try_from(event.frame.offset).unwrap_or(usize::MAX);
        let end = start + view.bytes.len();
        for slot in &view.layout.slots {
            let Some(field) = slot.field.map(|field| field.name) else {
                continue;
            };
            for index in 0..view.elements(slot).min(1000) {
                let Some(old) = view.element(slot, index) else {
                    continue;
                };
                first.entry((tag, field)).or_insert(old);
                let new = match change(tag, field) {
                    None => continue,
                    Some(Value::Number(new)) => new,
                    Some(Value::Plus(add)) => old.wrapping_add(add),
                    Some(Value::SameAs(tag, field)) => {
                        first.get(&(tag, field)).copied().unwrap_or(1)
                    }
                };
                if let Some(record) = out.get_mut(start..end) {
                    put_element(record, slot, index, new, view.dialect);
                }
            }
        }
    }
    fs::write(path, out)
}

/// A sample cut in two before the first record of a type.
fn halves(name: &str, tag: Tag) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let bytes = image(name)?;
    let mut decoder = Decoder::new(SliceSource(bytes.as_slice()), Options::default())?;
    while let Some(event) = decoder.next() {
        let event = event?;
        if event.tag == Some(tag) {
            let at = usize::try_from(event.frame.offset).unwrap_or(0);
            return Ok((bytes[..at].to_vec(), bytes[at..].to_vec()));
        }
    }
    Err(io::ErrorKind::NotFound.into())
}

fn flood(path: &Path, many: u64) -> io::Result<()> {
    let (head, tail) = halves("minimal-r17-arm", Tag::Mm)?;
    let mut out = create(path)?;
    out.write_all(&head)?;
    for _ in 0..many {
        out.write_all(&[0x92, 0x10, 0, 0, 8, 0, 0, 0])?;
    }
    out.write_all(&tail)
}

/// A file that is announced within a file that is announced within a file …
fn nested(path: &Path, depth: u32) -> io::Result<()> {
    let (mut head, tail) = halves("minimal-r17-arm", Tag::File)?;
    // The record before the first FILE is its OBJREF: header, type, number.
    let objref = head.split_off(head.len() - 16);
    let mut out = create(path)?;
    out.write_all(&head)?;
    for number in 0..depth {
        out.write_all(&objref[..12])?;
        out.write_all(&(0x1000 + number).to_le_bytes())?;
    }
    out.write_all(&objref)?;
    out.write_all(&tail)
}

/// An image, then zeros, through something that packs.
fn packed(
    path: &Path,
    zeros: u64,
    packer: &mut dyn FnMut(File) -> io::Result<Box<dyn Write>>,
) -> io::Result<()> {
    let mut out = packer(File::create(path)?)?;
    // A pipe's contents that never end: the record is as long as a record may be.
    let (head, _) = halves("minimal-r17-arm", Tag::Mm)?;
    out.write_all(&head)?;
    let block = vec![0; 1 << 20];
    for _ in 0..zeros >> 20 {
        out.write_all(&block)?;
    }
    out.flush()
}

fn zstd_of(file: File) -> io::Result<Box<dyn Write>> {
    Ok(Box::new(zstd::Encoder::new(file, 1)?.auto_finish()))
}

#[expect(clippy::unnecessary_wraps, reason = "the packers have one form")]
fn xz_of(file: File) -> io::Result<Box<dyn Write>> {
    Ok(Box::new(liblzma::write::XzEncoder::new(file, 0)))
}

#[expect(clippy::unnecessary_wraps, reason = "the packers have one form")]
fn lz4_of(file: File) -> io::Result<Box<dyn Write>> {
    let packer = lz4_flex::frame::FrameEncoder::new(file);
    Ok(Box::new(packer.auto_finish()))
}

#[expect(clippy::unnecessary_wraps, reason = "the packers have one form")]
fn gzip_of(file: File) -> io::Result<Box<dyn Write>> {
    let level = flate2::Compression::fast();
    Ok(Box::new(flate2::write::GzEncoder::new(file, level)))
}
