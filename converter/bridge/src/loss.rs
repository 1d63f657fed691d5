//! What a conversion could not carry over.

use std::fmt;

use ckpt_parser::{
    diagnostic::{Code, Diagnostic},
    text::escape,
};

use crate::{Damage, Error};

/// One value that has no home in the target format. Losses are shown to the user, never swallowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// Stable name of the kind of loss, such as `criu.posix-timer`; `--allow` takes it.
    pub code: &'static str,
    /// Record or message that held the value, in the words of its format.
    pub record: String,
    /// Field inside the record; empty when all of the record is lost.
    pub field: String,
    /// The value, as text.
    pub value: String,
    /// Why there is no home for it.
    pub why: &'static str,
    /// If the image that was read is to blame, being damaged or not complete: what a reader says of that.
    pub finding: Option<Box<Diagnostic>>,
}

impl Loss {
    /// A loss of a value that is shown as text.
    pub(crate) fn new(
        code: &'static str,
        record: impl Into<String>,
        field: &str,
        value: impl fmt::Display,
        why: &'static str,
    ) -> Self {
        Self {
            code,
            record: record.into(),
            field: field.into(),
            value: value.to_string(),
            why,
            finding: None,
        }
    }

    /// The loss of what cannot be read of `file`, from the place of the error on.
    pub(crate) fn damage(code: &'static str, file: &str, error: &Error) -> Self {
        let text = error.to_string();
        let own = text.strip_prefix(file).unwrap_or(&text);
        let value = own.trim_start_matches([',', ':', ' ']);
        let why = "it is damaged, and left out from there on";
        let finding = match error {
            Error::Damaged(damage) => finding_of(damage),
            _ => found_in(Code::ForeignDamage, file, 0, value),
        };
        Self::new(code, file, "", value, why).with(finding)
    }

    /// The loss of what is not there, or cannot do without what is not there.
    pub(crate) fn missing(
        code: &'static str,
        record: impl Into<String>,
        value: impl fmt::Display,
        why: &'static str,
    ) -> Self {
        let loss = Self::new(code, record, "", value, why);
        let finding = found_in(Code::ForeignMissing, &loss.record, 0, &loss.value);
        loss.with(finding)
    }

    fn with(self, finding: Diagnostic) -> Self {
        Self {
            finding: Some(Box::new(finding)),
            ..self
        }
    }
}

/// Texts of an image are made safe to show here: findings are printed as they are.
fn found_in(code: Code, file: &str, offset: u64, found: &str) -> Diagnostic {
    let safe = |text: &str| escape(text.as_bytes());
    Diagnostic::in_file(code, safe(file), offset, safe(found))
}

fn finding_of(damage: &Damage) -> Diagnostic {
    found_in(
        Code::ForeignDamage,
        &damage.file,
        damage.offset,
        &damage.found,
    )
    .path(escape(damage.what.as_bytes()))
    .expected(escape(damage.expected.as_bytes()))
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            code,
            record,
            field,
            value,
            why,
            finding: _,
        } = self;
        let dot = if field.is_empty() { "" } else { "." };
        write!(f, "{code}: {record}{dot}{field} = {value}: {why}")
    }
}

/// Every code of a loss, and what it means to somebody who meets it.
pub static CODES: &[(&str, &str)] = &[
    (
        "core.absent",
        "Cores hold registers and memory. Descriptors, credentials beyond the real ids, signal actions and timers are not in them; a stream made of one says none.",
    ),
    (
        "core.absent-pages",
        "Pages that the core's writer left out, usually those of unchanged files. They are taken for untouched.",
    ),
    (
        "core.bad-mapping",
        "A mapping of the core that is empty or overlaps another one. It is left out.",
    ),
    (
        "core.damage",
        "What of a core cannot be read: program headers behind the end of the file, notes that are cut or too short, segments beyond the address space. With --salvage, and in ckpt-inspect, the core is read without them.",
    ),
    (
        "core.kernel-page",
        "The kernel's own pages ([vectors], [vvar]) are not memory of the process; a kernel makes them anew.",
    ),
    (
        "core.no-place",
        "The state has no note in a core of this machine.",
    ),
    (
        "core.no-program",
        "No NT_FILE note and no AT_EXECFN say which file the program is.",
    ),
    (
        "core.no-thread-pointer",
        "Cores of 32-bit ARM hold no thread pointer. gdb cannot find thread-local variables without it.",
    ),
    (
        "core.parts-of-pages",
        "Segments begin or end inside of pages, as gdb writes them when the stub that it talks to has no memory map. Pages are put together from them; bytes that are in no segment are zero, and where two segments hold an address the first counts.",
    ),
    (
        "core.truncated",
        "The core ends before its segments do: it is cut, and what is missing is taken for untouched.",
    ),
    (
        "criu.absent",
        "A file that every dump has is missing from the set: a page map, or the descriptors of a process. What it held is gone.",
    ),
    ("criu.aio", "Rings of asynchronous I/O."),
    ("criu.ambient-caps", "The ambient set of capabilities."),
    (
        "criu.bad-mapping",
        "A mapping of the set that overlaps another one. It is left out.",
    ),
    (
        "criu.cgroup",
        "Which control groups a task belongs to. The restored task stays in those of the restorer.",
    ),
    (
        "criu.compression",
        "The set that is written holds its pages as they are, whatever the one that was read did.",
    ),
    (
        "criu.damage",
        "With --salvage, and in ckpt-inspect: what of a set cannot be read, or names something that is gone. A file is kept up to its damage, a process is left out without its registers, and has no memory without its mappings, a descriptor without its file; a mapping without its file becomes memory, and unknown directories the root.",
    ),
    (
        "criu.deleted-file",
        "An open file that no name leads to any more, and whose contents the image does not hold.",
    ),
    (
        "criu.deleted-mapping",
        "A mapped file that no name leads to any more, and whose contents the image does not hold. The mapping becomes private memory: pages that were written to are there, the others are zero.",
    ),
    (
        "criu.descriptor",
        "A descriptor of a kind of file that streams do not have (signalfd, timerfd, inotify, netlink and others). It is closed.",
    ),
    (
        "criu.epoll-item",
        "An epoll file watches a descriptor that is closed, because its file had no place. It is no longer watched.",
    ),
    (
        "criu.external",
        "A file that the restorer must be given from outside.",
    ),
    (
        "criu.file",
        "An image file of the set that nothing in a stream corresponds to.",
    ),
    (
        "criu.file-check",
        "Size, mode, build id and checksum of a file, by which CRIU makes sure that it is still the same.",
    ),
    (
        "criu.file-kind",
        "A kind of open file that streams do not have.",
    ),
    (
        "criu.flattened",
        "The set is an increment of another one. Its pages and those of its parents are written together.",
    ),
    (
        "criu.ghost-file",
        "An open file whose name was removed; CRIU keeps its contents in an image. A stream keeps its last name.",
    ),
    (
        "criu.in-flight",
        "A file that waits in the queue of a socket for somebody to take it. It is closed.",
    ),
    (
        "criu.ipc",
        "A limit of the IPC namespace that the kernel got after linux-cr.",
    ),
    (
        "criu.lazy-pages",
        "Pages that were to be fetched from the source while the process already runs. They are not in the set.",
    ),
    ("criu.loginuid", "The login uid of the audit system."),
    ("criu.lsm", "Labels of a security module."),
    (
        "criu.madvise",
        "Advice on a mapping that the kernel got after linux-cr.",
    ),
    (
        "criu.map-flags",
        "Flags of a mapping that streams do not have.",
    ),
    (
        "criu.mapping",
        "A mapping of a kind of file that streams do not have. It is left out.",
    ),
    ("criu.membarrier", "Registration for membarrier."),
    (
        "criu.memfd",
        "The name and the seals of a file made by memfd_create. Its memory comes back as shared anonymous memory.",
    ),
    (
        "criu.merged-files",
        "Images of open files by kind, as versions before 3.2 wrote them, become one files.img.",
    ),
    ("criu.mount", "Which mount a file was opened through."),
    (
        "criu.namespace",
        "The processes had a namespace of their own that streams of a subtree do not make.",
    ),
    ("criu.no-new-privs", "The no_new_privs bit."),
    (
        "criu.no-personality",
        "The stream does not say the personality; that of EABI programs is written. --set personality=NUMBER gives another one.",
    ),
    (
        "criu.no-program",
        "Nothing in the image names the file that the program came from. CRIU restores no process without it.",
    ),
    (
        "criu.oom-score",
        "The adjustment for the out-of-memory killer.",
    ),
    (
        "criu.page-count",
        "CRIU 4.2 moved the number of pages of a page map's entry to another field. Both are written, so that every version reads the set.",
    ),
    (
        "criu.pipe-size",
        "A pipe's buffer has another size than usual. It gets the usual one.",
    ),
    (
        "criu.posix-timer",
        "Timers of timer_create. They do not fire after a restart.",
    ),
    (
        "criu.private-memfd",
        "A private mapping of a file made by memfd_create. It gets copies of the pages that it showed, and no longer sees what is written to the file.",
    ),
    (
        "criu.register-file",
        "FPA, iWMMXt, Crunch and XScale registers. CRIU holds VFP registers only.",
    ),
    (
        "criu.restart-block",
        "The thread sleeps with a time limit. CRIU's images have no place for what is left of it, so the call starts over.",
    ),
    (
        "criu.rseq",
        "The area for restartable sequences that the C library registered. It is not registered again, and the C library does without.",
    ),
    ("criu.run-id", "The id of the dump."),
    (
        "criu.scheduling",
        "Nice value, scheduling policy and priority.",
    ),
    (
        "criu.seccomp",
        "System call filters. The restored process runs without them!",
    ),
    (
        "criu.signal-owner",
        "The process that a file sends a signal to when it can be read, and which signal (F_SETOWN, F_SETSIG).",
    ),
    (
        "criu.socket",
        "Permissions and state of the file of a unix socket.",
    ),
    ("criu.socket-option", "An option of a socket."),
    (
        "criu.stop-signal",
        "Which signal stopped the task. SIGSTOP is written.",
    ),
    (
        "criu.stray-pages",
        "Pages in a page map that lie in no mapping. They are left out.",
    ),
    (
        "criu.subreaper",
        "Whether orphans become children of this process.",
    ),
    (
        "criu.task-flags",
        "Flags of the kernel's task, two of which streams have.",
    ),
    (
        "criu.tcp-connection",
        "An established TCP connection: sequence numbers and unacknowledged data cannot be made up.",
    ),
    ("criu.thp", "Whether transparent huge pages are off."),
    (
        "criu.thumbee",
        "The base of ThumbEE handlers. No processor of today runs such code.",
    ),
    (
        "criu.tty",
        "Lock, exclusive mode or packet mode of a terminal.",
    ),
    ("criu.uptime", "The machine's uptime at the dump."),
    (
        "edit.only-task",
        "--only-task leaves out what the process was related to. Waiting for a child that is left out fails, the other end of a pipe is closed, memory that was shared is its own.",
    ),
    (
        "stream.bad-mapping",
        "A mapping that is empty or overlaps another one. It is left out.",
    ),
    (
        "stream.bad-page",
        "A page outside of its mapping, or listed twice. It is left out.",
    ),
    (
        "stream.breakpoint",
        "A hardware breakpoint of an x86 thread, which streams up to R05 hold.",
    ),
    (
        "stream.file-kind",
        "A number for a kind of file that nobody knows. The file becomes one with a path.",
    ),
    (
        "stream.foreign",
        "A FOREIGN record that breaks a rule of §10.6. Its file is left out.",
    ),
    ("stream.label", "Labels of a security module."),
    (
        "stream.local-segments",
        "Segments of a process of its own, in a local descriptor table of x86.",
    ),
    (
        "stream.mapping",
        "A mapping of huge pages, or of a kind that nobody knows. It becomes plain memory.",
    ),
    (
        "stream.missing",
        "Something names an object that the image does not hold. A task goes without it, a descriptor is closed, an epoll file no longer watches, a mapping becomes memory of its own.",
    ),
    (
        "stream.nested-pids",
        "Numbers in nested pid namespaces. Processes keep those of the outermost one.",
    ),
    ("stream.network", "Network namespaces and their devices."),
    (
        "stream.no-directories",
        "Streams before R06 hold no directories. The root stands in.",
    ),
    (
        "stream.no-fp-state",
        "The stream holds no floating-point registers (§10). They start at zero. --set fp-state=FILE gives them on the way to R18.",
    ),
    (
        "stream.no-umask",
        "Streams before R13 hold no file mode creation mask; 022 stands in.",
    ),
    (
        "stream.second-credentials",
        "Effective credentials that differ from the real ones as a set. Other formats have one set.",
    ),
    (
        "stream.sem-undo",
        "Adjustments of System V semaphores at exit.",
    ),
    ("stream.send-queue", "Data that a socket was still to send."),
    (
        "stream.socket-queue",
        "Data in a socket's queue that could not be told from another's.",
    ),
];

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    /// Codes that stand in the sources of a folder, this file left out.
    fn used(folder: &Path, codes: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                used(&path, codes);
            } else if !path.ends_with("loss.rs") {
                let text = fs::read_to_string(&path).unwrap();
                let quoted = text.split('"').skip(1).step_by(2);
                let begins = |word: &&str| {
                    let (head, tail) = word.split_once('.').unwrap_or_default();
                    matches!(head, "criu" | "core" | "stream" | "edit")
                        && !tail.is_empty()
                        && tail.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
                };
                codes.extend(quoted.filter(begins).map(str::to_owned));
            }
        }
    }

    #[test]
    fn every_code_is_explained_and_used() {
        let mut codes = BTreeSet::new();
        used(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
            &mut codes,
        );
        let explained: BTreeSet<String> =
            CODES.iter().map(|(code, _)| (*code).to_owned()).collect();
        assert_eq!(codes, explained);
        assert_eq!(explained.len(), CODES.len());
    }
}
