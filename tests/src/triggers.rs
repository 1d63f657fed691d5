//! For each code of the reader an image that triggers it: a sample, or a sample with one thing changed.

use ckpt_format::Tag;
use ckpt_parser::decoder::{Decoder, Options};
use ckpt_parser::diagnostic::{Code, Diagnostic};
use ckpt_parser::encode::put_element;
use ckpt_parser::frame::Frame;
use ckpt_parser::limits::Limits;
use ckpt_parser::source::SliceSource;
use std::fs;
use std::path::Path;

/// What makes a reader say a code.
pub struct Trigger {
    /// The code.
    pub code: Code,
    /// The sample, and what was done to it; in words for the reference.
    pub what: &'static str,
    /// Name of the sample.
    sample: &'static str,
    change: fn(&mut Editor),
    /// How to read it.
    pub options: fn() -> Options,
}

impl Trigger {
    /// The image.
    ///
    /// # Panics
    /// If the sample has no longer what is to be changed.
    pub fn image(&self) -> Vec<u8> {
        let sample =
            ckpt_samples::get(self.sample).unwrap_or_else(|| panic!("no sample {}", self.sample));
        let mut editor = Editor::new((sample.bytes)());
        (self.change)(&mut editor);
        editor.bytes
    }

    /// Sample and change in words.
    pub fn describe(&self) -> String {
        if self.what.is_empty() {
            format!("`images/{}.ckpt`", self.sample)
        } else {
            format!("`images/{}.ckpt`, {}", self.sample, self.what)
        }
    }
}

/// An image whose fields can be changed by their names.
pub struct Editor {
    bytes: Vec<u8>,
    records: Vec<(Tag, Frame)>,
}

impl Editor {
    /// Takes an intact image.
    ///
    /// # Panics
    /// If it is none.
    pub fn new(bytes: Vec<u8>) -> Self {
        let mut decoder = decoder(&bytes);
        let mut records = Vec::new();
        while let Some(event) = decoder.next() {
            let event = event.unwrap_or_else(|error| panic!("{error}"));
            records.extend(event.tag.map(|tag| (tag, event.frame)));
        }
        Self { bytes, records }
    }

    /// Where the n-th record of a type is.
    fn find(&self, tag: Tag, n: usize) -> std::ops::Range<usize> {
        let mut found = self.records.iter().filter(|(known, _)| *known == tag);
        let (_, frame) = found
            .nth(n)
            .unwrap_or_else(|| panic!("no {} {n}", tag.name()));
        let at = |offset| usize::try_from(offset).unwrap_or(usize::MAX);
        at(frame.offset)..at(frame.end())
    }

    /// Gives a field of the n-th record of a type another value.
    ///
    /// # Panics
    /// If there is no such record or field.
    pub fn set(&mut self, tag: Tag, n: usize, field: &str, value: u64) {
        let range = self.find(tag, n);
        let mut decoder = decoder(&self.bytes);
        while let Some(event) = decoder.next() {
            let event = event.unwrap_or_else(|error| panic!("{error}"));
            if event.frame.offset != range.start as u64 {
                continue;
            }
            let dialect = decoder.tables().dialect;
            let layout = decoder
                .layout()
                .unwrap_or_else(|| panic!("no layout of {}", tag.name()));
            let slot = layout
                .named(field)
                .unwrap_or_else(|| panic!("no {field} in {}", tag.name()));
            let slot = slot.clone();
            put_element(&mut self.bytes[range], &slot, 0, value, dialect);
            return;
        }
    }

    /// The image with all changes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    fn remove(&mut self, tag: Tag, n: usize) {
        let range = self.find(tag, n);
        self.bytes.drain(range);
    }

    fn repeat(&mut self, tag: Tag, n: usize) {
        let range = self.find(tag, n);
        let copy = self.bytes[range.clone()].to_vec();
        self.bytes.splice(range.end..range.end, copy);
    }

    /// Writes bytes over a record, counted from its start.
    fn overwrite(&mut self, tag: Tag, n: usize, at: usize, bytes: &[u8]) {
        let start = self.find(tag, n).start + at;
        self.bytes[start..start + bytes.len()].copy_from_slice(bytes);
    }
}

fn decoder(bytes: &[u8]) -> Decoder<SliceSource<Vec<u8>>> {
    Decoder::new(SliceSource(bytes.to_vec()), Options::default())
        .unwrap_or_else(|error| panic!("{error}"))
}

const fn trigger(
    code: Code,
    sample: &'static str,
    what: &'static str,
    change: fn(&mut Editor),
) -> Trigger {
    Trigger {
        code,
        what,
        sample,
        change,
        options: Options::default,
    }
}

fn as_it_is(_: &mut Editor) {}

/// One trigger for each code, in the order of the codes.
pub const TRIGGERS: &[Trigger] = &[
    trigger(
        Code::NotAnImage,
        "minimal-r17-arm",
        "overwritten from its first byte on",
        |e| e.bytes[..16].fill(0),
    ),
    trigger(Code::BadLength, "short-length-r17-arm", "", as_it_is),
    trigger(Code::Truncated, "truncated-r17-arm", "", as_it_is),
    trigger(Code::UnknownType, "unknown-record-r17-arm", "", as_it_is),
    trigger(
        Code::WrongLength,
        "minimal-r17-arm",
        "with four bytes more in a VMA record",
        |e| {
            let range = e.find(Tag::Vma, 0);
            let len = u32::try_from(range.len()).unwrap_or(0) + 4;
            e.bytes.splice(range.end..range.end, [0; 4]);
            e.bytes[range.start + 4..range.start + 8].copy_from_slice(&len.to_le_bytes());
        },
    ),
    trigger(
        Code::NoTail,
        "minimal-r17-arm",
        "without its TAIL record",
        |e| e.remove(Tag::Tail, 0),
    ),
    trigger(
        Code::AfterTail,
        "minimal-r17-arm",
        "with eight bytes more at its end",
        |e| e.bytes.extend([0; 8]),
    ),
    trigger(
        Code::Unexpected,
        "minimal-r17-arm",
        "with its TASK record twice",
        |e| e.repeat(Tag::Task, 0),
    ),
    trigger(
        Code::Missing,
        "minimal-r17-arm",
        "without its CPU record",
        |e| e.remove(Tag::Cpu, 0),
    ),
    Trigger {
        options: || Options {
            limits: Limits {
                depth: 1,
                ..Limits::default()
            },
            ..Options::default()
        },
        ..trigger(
            Code::TooDeep,
            "tour-r17-arm",
            "read with `--limit depth=1`",
            as_it_is,
        )
    },
    Trigger {
        options: || Options {
            limits: Limits {
                objects: 3,
                ..Limits::default()
            },
            ..Options::default()
        },
        ..trigger(
            Code::TooMany,
            "tour-r17-arm",
            "read with `--limit objects=3`",
            as_it_is,
        )
    },
    trigger(
        Code::BadMagic,
        "minimal-r17-arm",
        "with another magic number in TAIL",
        |e| e.set(Tag::Tail, 0, "magic", 0),
    ),
    trigger(Code::CheckpointFailed, "error-r17-arm", "", as_it_is),
    trigger(
        Code::Ambiguous,
        "minimal-r12-arm",
        "cut behind its HEADER",
        |e| {
            let end = e.find(Tag::Header, 0).end;
            e.bytes.truncate(end);
        },
    ),
    trigger(
        Code::NoDialect,
        "minimal-r17-arm",
        "with architecture 77",
        |e| e.set(Tag::Header, 0, "arch_id", 77),
    ),
    trigger(
        Code::BadCount,
        "tour-r17-arm",
        "with more groups than a CRED record has room for",
        |e| {
            e.set(Tag::GroupInfo, 0, "ngroups", 9999);
        },
    ),
    trigger(Code::BadPageGroup, "truncated-r17-arm", "", as_it_is),
    trigger(
        Code::BadPids,
        "minimal-r17-arm",
        "with a depth in the table of pids that has no numbers behind it",
        |e| {
            e.overwrite(Tag::Buffer, 4, 8, &9_u32.to_le_bytes());
        },
    ),
    trigger(Code::DuplicateObject, "references-r17-arm", "", as_it_is),
    trigger(
        Code::BadObjectNumber,
        "minimal-r17-arm",
        "with object number 0",
        |e| e.set(Tag::Objref, 0, "objref", 0),
    ),
    trigger(Code::UnknownObjectType, "references-r17-arm", "", as_it_is),
    trigger(Code::DanglingReference, "references-r17-arm", "", as_it_is),
    trigger(
        Code::WrongReference,
        "minimal-r17-arm",
        "with a mapping whose file is an address space",
        |e| {
            let number = objref(e, Tag::Objref, 0);
            e.set(Tag::Vma, 0, "vma_objref", number);
        },
    ),
    trigger(
        Code::BadRange,
        "minimal-r17-arm",
        "with a mapping that ends at 0",
        |e| e.set(Tag::Vma, 0, "vm_end", 0),
    ),
    trigger(
        Code::Overlap,
        "tour-r17-arm",
        "with a mapping that begins at 0",
        |e| e.set(Tag::Vma, 1, "vm_start", 0),
    ),
    trigger(
        Code::PageOutside,
        "minimal-r17-arm",
        "with a page that lies nowhere",
        |e| {
            let pages = e.find(Tag::Pgarr, 1).end;
            e.bytes[pages + 8..pages + 12].copy_from_slice(&0xffff_f000_u32.to_le_bytes());
        },
    ),
    trigger(
        Code::PageOrder,
        "tour-r17-arm",
        "with its pages twice",
        |e| {
            let (head, pages) = (e.find(Tag::Pgarr, 0), e.find(Tag::Pgarr, 0).end);
            let end = e
                .records
                .iter()
                .find(|(_, frame)| frame.offset == pages as u64);
            let end = end.map_or(pages, |(_, frame)| {
                usize::try_from(frame.end()).unwrap_or(pages)
            });
            let copy = e.bytes[head.start..end].to_vec();
            e.bytes.splice(end..end, copy);
        },
    ),
    trigger(
        Code::BadEnum,
        "minimal-r17-arm",
        "with a mapping of type 99",
        |e| e.set(Tag::Vma, 0, "vma_type", 99),
    ),
    trigger(Code::CountMismatch, "references-r17-arm", "", as_it_is),
    trigger(
        Code::BadTask,
        "minimal-r18-arm",
        "with a live task that has an exit code",
        |e| e.set(Tag::Task, 0, "exit_code", 5),
    ),
    trigger(Code::BadPid, "hostile-r17-arm", "", as_it_is),
    trigger(
        Code::BadFileFlags,
        "tour-r17-arm",
        "with a file opened by O_CREAT",
        |e| e.set(Tag::File, 0, "f_flags", 0o100),
    ),
    trigger(
        Code::BadSignal,
        "minimal-r17-arm",
        "with exit signal 99",
        |e| e.set(Tag::Task, 0, "exit_signal", 99),
    ),
    trigger(
        Code::BadConstants,
        "minimal-r17-arm",
        "with names of tasks 17 bytes long",
        |e| {
            e.set(Tag::Header, 0, "constants.task_comm_len", 17);
        },
    ),
    trigger(Code::Incomplete, "truncated-r17-arm", "", as_it_is),
    trigger(
        Code::BadSocket,
        "tour-r17-arm",
        "with a socket in state 99",
        |e| e.set(Tag::Socket, 0, "sock.state", 99),
    ),
    trigger(
        Code::BadIpc,
        "tour-r17-arm",
        "with a shared memory segment whose id is -1",
        |e| e.set(Tag::IpcShm, 0, "perms.id", u64::from(u32::MAX)),
    ),
    trigger(
        Code::BadExtension,
        "sensor-r18-arm",
        "with an unknown unit in CPU_FPU",
        |e| e.set(Tag::CpuFpu, 0, "unit", 99),
    ),
];

/// What makes the reader of foreign images say a code.
pub struct ForeignTrigger {
    /// The code.
    pub code: Code,
    /// What was done to the set; in words for the reference.
    pub what: &'static str,
    change: fn(&Path),
}

impl ForeignTrigger {
    /// What is said of the set then.
    ///
    /// # Panics
    /// If there is no such set, or nothing is said.
    pub fn finding(&self) -> Diagnostic {
        let set = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(SET);
        let dir = tempfile::tempdir().expect("a directory");
        for file in fs::read_dir(set).expect("the set of the bridge's tests") {
            let file = file.expect("a file");
            fs::copy(file.path(), dir.path().join(file.file_name())).expect("a copy");
        }
        (self.change)(dir.path());
        let limits = Limits::default();
        let foreign = ckpt_bridge::salvage_criu(dir.path(), &limits).expect("a process");
        let mut findings = foreign.findings();
        let found = findings.find(|finding| finding.code == self.code);
        found.expect("a finding").clone()
    }
}

/// A small set of a real process.
pub const SET: &str = "converter/bridge/tests/data/real/naked/criu";

/// One for each code of foreign images.
pub static FOREIGN_TRIGGERS: &[ForeignTrigger] = &[
    ForeignTrigger {
        code: Code::ForeignDamage,
        what: "with the last 5 bytes of files.img cut off",
        change: |set| {
            let path = set.join("files.img");
            let bytes = fs::read(&path).expect("a file");
            let (kept, _) = bytes.split_at(bytes.len().saturating_sub(5));
            fs::write(path, kept).expect("a file");
        },
    },
    ForeignTrigger {
        code: Code::ForeignMissing,
        what: "without fs-7000.img",
        change: |set| fs::remove_file(set.join("fs-7000.img")).expect("a file"),
    },
];

/// The object number that an OBJREF record gives.
fn objref(e: &Editor, tag: Tag, n: usize) -> u64 {
    let range = e.find(tag, n);
    let mut decoder = decoder(&e.bytes);
    while let Some(event) = decoder.next() {
        let Ok(event) = event else { break };
        if event.frame.offset == range.start as u64 {
            let layout = decoder.layout();
            let slot = layout.and_then(|layout| layout.named("objref"));
            let value = slot.and_then(|slot| decoder.view()?.element(slot, 0));
            return value.unwrap_or(0);
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Answer, read};

    #[test]
    fn every_code_has_an_image_that_triggers_it() {
        let mut silent = Vec::new();
        for trigger in TRIGGERS {
            let answer = read(SliceSource(trigger.image()), (trigger.options)()).unwrap();
            let codes: Vec<Code> = answer.findings().iter().map(|found| found.code).collect();
            if !codes.contains(&trigger.code) {
                silent.push(format!(
                    "{} {}: {codes:?}",
                    trigger.code,
                    trigger.describe()
                ));
            }
            let _: &Answer = &answer;
        }
        assert!(silent.is_empty(), "{}", silent.join("\n"));
        let foreign = FOREIGN_TRIGGERS.iter().map(|trigger| trigger.code);
        for trigger in FOREIGN_TRIGGERS {
            assert_eq!(trigger.finding().code, trigger.code);
        }
        let is_foreign = |code: &&Code| foreign.clone().any(|own| own == **code);
        let others: Vec<Code> = Code::ALL
            .iter()
            .filter(|c| !is_foreign(c))
            .copied()
            .collect();
        let codes: Vec<Code> = TRIGGERS.iter().map(|trigger| trigger.code).collect();
        assert_eq!(codes, others, "one for each code, in their order");
    }
}
