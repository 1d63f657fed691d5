//! Does it make sense? Validation stands above parsing: every check here is of an image whose
//! bytes could all be read.

mod files;
mod identity;
mod ipc;
mod memory;
mod tasks;

use super::{Findings, Image, ObjRef, Object, RecordAt, VmaKind};
use crate::diagnostic::{Code, Diagnostic};
use crate::text::escape;

/// Checks references, counts, ranges and what the original restart verifies (§3.14).
pub fn validate(image: &Image, limit: u32) -> Findings {
    let mut check = Check {
        image,
        findings: Findings::new(limit),
    };
    check.header();
    check.tasks();
    check.descriptors();
    check.files();
    check.polled();
    check.terminals();
    check.sockets();
    check.memory();
    check.credentials();
    check.signals();
    check.namespaces();
    check.devices();
    check.ipc();
    check.foreign();
    check.completeness();
    check.findings.sort();
    check.findings
}

struct Check<'a> {
    image: &'a Image,
    findings: Findings,
}

/// A record under check, and the path of what it describes. The path is made only for a finding.
struct On<'c, 'a, P> {
    check: &'c mut Check<'a>,
    at: RecordAt,
    record: &'static str,
    path: P,
}

impl<'a> Check<'a> {
    fn on<P: Fn() -> String>(
        &mut self,
        at: RecordAt,
        record: &'static str,
        path: P,
    ) -> On<'_, 'a, P> {
        On {
            check: self,
            at,
            record,
            path,
        }
    }
}

impl<P: Fn() -> String> On<'_, '_, P> {
    /// A field (empty: the whole) is not what it should be.
    fn wrong(
        &mut self,
        code: Code,
        field: &str,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) {
        let mut path = (self.path)();
        if !path.is_empty() && !field.is_empty() {
            path.push('.');
        }
        path.push_str(field);
        let diagnostic = Diagnostic::new(code, self.at.offset, self.at.index, self.record, found);
        let diagnostic = diagnostic.path(path).expected(expected);
        self.check.findings.push(diagnostic);
    }

    /// A reference, unless it is 0, resolves to an object of the right type.
    fn refers(&mut self, field: &str, objref: ObjRef, kind: Object) {
        if objref == 0 {
            return;
        }
        match self.check.image.objects.get(objref) {
            None => {
                let found = format!("object {objref} is not in the image");
                self.wrong(Code::DanglingReference, field, found, kind.name());
            }
            Some(defined) if defined.kind != kind => {
                let found = format!("object {objref} is {}", defined.kind.name());
                self.wrong(Code::WrongReference, field, found, kind.name());
            }
            Some(_) => {}
        }
    }
}

impl Check<'_> {
    fn header(&mut self) {
        let header = &self.image.header;
        let usual = [
            ("task_comm_len", 16),
            ("signal_nsig", 64),
            ("uts_sysname_len", 65),
            ("uts_machine_len", 65),
            ("rlimit_nlimits", 16),
            ("n_tty_buf_size", 4096),
        ];
        let mut on = self.on(header.record, "HEADER", || "constants".to_owned());
        for (name, value) in &header.constants {
            let known = usual.iter().find(|(known, _)| known == name);
            if let Some((_, expected)) = known.filter(|(_, expected)| expected != value) {
                let (found, expected) = (value.to_string(), expected.to_string());
                on.wrong(Code::BadConstants, name, found, expected);
            }
        }
    }

    /// Parts that a restart of the image needs.
    fn completeness(&mut self) {
        let image = self.image;
        if image.tasks.is_empty() && image.error.is_none() {
            self.on(image.header.record, "HEADER", String::new).wrong(
                Code::Incomplete,
                "",
                "no task",
                "at least one",
            );
        }
        for (at, segment) in &image.segments {
            if *at > 0 && segment.pages.is_empty() && segment.size == 0 {
                self.on(segment.record, "VMA", || format!("segment[{at}]"))
                    .wrong(Code::Incomplete, "", "no contents", "pages");
            }
        }
        for (at, mm) in &image.mms {
            let elsewhere = |kind| matches!(kind, VmaKind::ShmAnonSkip | VmaKind::ShmIpcSkip);
            let missing = |inode: ObjRef| !image.segments.contains_key(&inode);
            for vma in &mm.vmas {
                if elsewhere(vma.kind) && missing(vma.inode) {
                    let exe = || escape(image.exe_of(mm).unwrap_or_default());
                    let path = || format!("mm[{at}] {:#x} {}", vma.start, exe());
                    let found = format!("contents of segment {} are not in the image", vma.inode);
                    self.on(vma.record, "VMA", path)
                        .wrong(Code::Incomplete, "", found, "");
                }
            }
        }
    }
}
