//! What a reader has to say about an image: where, what, and what was expected.

use std::fmt;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Suspicious, but every byte could be read.
    Warning,
    /// Damage: something could not be read, or a rule of the format is broken.
    Error,
}

impl Severity {
    /// `note`, `warning` or `error`.
    pub const fn name(self) -> &'static str {
        match self {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable code; codes are never given to another finding.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// Which file of a foreign image the offset counts in; empty for the image itself.
    pub file: String,
    /// First byte concerned, an offset in the image, or in that file.
    pub offset: u64,
    /// Number of bytes concerned.
    pub len: u64,
    /// Number of the record, counted from 0.
    pub frame: u64,
    /// Name of the record, if known.
    pub record: &'static str,
    /// Field or object concerned, empty if the whole record is.
    pub path: String,
    /// What the image has.
    pub found: String,
    /// What it should have; empty if that goes without saying.
    pub expected: String,
}

impl Diagnostic {
    /// A finding about a record.
    pub fn new(
        code: Code,
        offset: u64,
        frame: u64,
        record: &'static str,
        found: impl Into<String>,
    ) -> Self {
        Diagnostic {
            code,
            severity: code.info().severity,
            file: String::new(),
            offset,
            len: 0,
            frame,
            record,
            path: String::new(),
            found: found.into(),
            expected: String::new(),
        }
    }
    /// A finding about a file of a foreign image.
    pub fn in_file(
        code: Code,
        file: impl Into<String>,
        offset: u64,
        found: impl Into<String>,
    ) -> Self {
        Diagnostic {
            file: file.into(),
            ..Diagnostic::new(code, offset, 0, "", found)
        }
    }
    /// Where it is, in words.
    pub fn place(&self) -> String {
        let Self {
            file,
            offset,
            frame,
            record,
            ..
        } = self;
        match (file.is_empty(), record.is_empty()) {
            (false, _) if self.code == Code::ForeignMissing => file.clone(),
            (false, _) => format!("{file} at {offset:#x}"),
            (true, false) => format!("{offset:#x} ({record}, record {frame})"),
            (true, true) => format!("{offset:#x} (record {frame})"),
        }
    }
    /// What was expected.
    #[must_use]
    pub fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = expected.into();
        self
    }
    /// The field or object concerned.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }
    /// The number of bytes concerned.
    #[must_use]
    pub fn len(mut self, len: u64) -> Self {
        self.len = len;
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.file.is_empty() { "at" } else { "in" };
        write!(f, "{} {word} {}: ", self.code, self.place())?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.found)?;
        if !self.expected.is_empty() {
            write!(f, ", expected {}", self.expected)?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostic {}

/// What is known about a code.
#[derive(Clone, Copy, Debug)]
pub struct CodeInfo {
    /// `P` for parsing, `V` for validation, and a number.
    pub code: &'static str,
    /// How bad the finding is.
    pub severity: Severity,
    /// One line.
    pub title: &'static str,
    /// What it means and what to do.
    pub help: &'static str,
}

macro_rules! codes {
    ($($variant:ident = $code:literal $severity:ident $title:literal, $help:literal;)*) => {
        /// Stable code of a finding.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $(#[doc = concat!("`", $code, "`: ", $title, ".")] $variant,)* }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)*];
            /// Severity and explanation.
            pub const fn info(self) -> CodeInfo {
                match self {
                    $(Code::$variant => CodeInfo {
                        code: $code, severity: Severity::$severity, title: $title, help: $help,
                    },)*
                }
            }
        }
    };
}

codes! {
    NotAnImage = "P001" Error "not a checkpoint image",
        "The file does not begin with a HEADER record and its magic number in either byte order (§1.5). Is it a CRIU directory, an ELF core, or compressed twice?";
    BadLength = "P002" Error "impossible record length",
        "A record header says a length below 8 or beyond the end of the image (§1.1). The bytes up to the next plausible record are kept as a gap.";
    Truncated = "P003" Error "image ends inside a record",
        "The image is cut short. What is there of the last record is kept.";
    UnknownType = "P004" Error "unknown record type",
        "The number stands for no record of this revision (§3.1). The record is kept as it is. If there are many, the revision was guessed wrong: try --revision.";
    WrongLength = "P005" Error "record length does not fit its structure",
        "A struct record is shorter or longer than its table says for this revision (§3). Fields that fit are decoded. If there are many, the revision was guessed wrong: try --revision.";
    NoTail = "P006" Error "no TAIL record",
        "The image ends at a record boundary but before TAIL (§1.9): it is cut short, or the checkpoint failed.";
    AfterTail = "P007" Warning "bytes behind TAIL",
        "TAIL is the last record (§1.9); what follows belongs to nobody and is kept as it is.";
    Unexpected = "P008" Error "record out of place",
        "The grammar (§2) does not allow this record here. It is decoded, but what it belongs to is not known.";
    Missing = "P009" Error "record missing",
        "The grammar (§2) wants a record that is not there.";
    TooDeep = "P010" Error "objects nested too deeply",
        "Shared objects nest deeper than any kernel can write. Raise the limit with --limit depth=NUMBER if the image is genuine.";
    TooMany = "P011" Error "limit reached",
        "The image holds more of something than the limits allow; the rest is not modelled. Raise the limit (--limit NAME=NUMBER, see --help) if the image is genuine.";
    BadMagic = "P012" Error "wrong magic number",
        "HEADER or TAIL does not have its magic number (§1.5).";
    CheckpointFailed = "P013" Error "the checkpoint failed",
        "The kernel wrote an ERROR record with the reason and stopped (§1.7). The image cannot be restored.";
    Ambiguous = "P014" Warning "more than one revision fits",
        "The image does not hold the records that would tell the remaining revisions apart and they decode differently. Name the right one with --revision.";
    NoDialect = "P015" Error "no revision fits",
        "No known revision has the architecture id, version number and record lengths of this image. Name the nearest with --revision and --arch to read on.";
    BadCount = "P016" Error "count does not fit the record",
        "A count says more elements than the record has room for; those that are there are decoded.";
    BadPageGroup = "P017" Error "page group does not fit its buffer",
        "The length of a page buffer is not 8 + n * (word + page size) (§4.1).";
    // P018 was never given.
    BadPids = "P019" Error "process id table is damaged",
        "The buffer of pids does not hold what its count says (§2.4).";
    ForeignDamage = "P020" Error "file of a CRIU set, or core, is damaged",
        "The file breaks a rule of its format at this offset, or it is cut off there. What is intact is shown, as the R18 stream that it amounts to; what lies behind the damage is not. ckpt-convert --salvage makes an image of what is intact.";
    ForeignMissing = "P021" Error "part of a CRIU set, or of a core, is missing",
        "The file, or what is said of it, is not there, or was lost with a damaged one, and what needs it is left out or replaced as told. Copy the set again from where it was made; ckpt-convert --salvage makes an image of what is intact.";
    // V001 was never given: what a conversion says of padding is a note of its own.
    DuplicateObject = "V002" Error "object number used twice",
        "Two OBJREF records give the same number (§1.4). The first one is kept.";
    BadObjectNumber = "V003" Error "object number not positive",
        "OBJREF numbers are above zero (§1.4).";
    UnknownObjectType = "V004" Error "unknown object type",
        "The object type stands for nothing in this revision (§3.2).";
    DanglingReference = "V005" Error "reference to an object that is not there",
        "A field refers to an object number that no record defines (§1.4).";
    WrongReference = "V006" Error "reference to an object of another type",
        "A field refers to an object of a type that it cannot hold (§1.4).";
    BadRange = "V007" Error "mapping is empty or turned around",
        "A mapping ends at or before its start.";
    Overlap = "V008" Error "mappings overlap or are out of order",
        "Mappings are written in ascending order and never overlap (§4.2).";
    PageOutside = "V009" Error "page outside its mapping",
        "A page group holds an address outside of the mapping it belongs to, or one that is not page aligned (§4.1).";
    PageOrder = "V010" Error "pages out of order or twice",
        "Addresses ascend within a mapping and each page occurs once (§4.1).";
    BadEnum = "V011" Warning "value without a name",
        "An enumeration holds a number that this revision does not define.";
    CountMismatch = "V012" Error "count differs from what follows",
        "A count in a record and the number of records behind it differ.";
    BadTask = "V013" Warning "task state makes no sense",
        "A live task has an exit code, a zombie a wrong state, or an exit signal is out of range (§3.14).";
    BadPid = "V014" Error "process id does not resolve",
        "A task names a pid object, parent or group leader that is not in the image (§2.4).";
    BadFileFlags = "V015" Warning "open flags that are never saved",
        "O_CREAT, O_EXCL, O_NOCTTY and O_TRUNC are removed before saving (§3.9).";
    BadSignal = "V016" Warning "signal number out of range",
        "Signals are 1 to 64 (§3.14).";
    BadConstants = "V017" Warning "constants differ from those of Linux",
        "The constants block (§1.8) does not hold the usual sizes; a restart on a stock kernel refuses it.";
    Incomplete = "V018" Warning "set is not complete",
        "A part that a restart needs is not in the image.";
    BadSocket = "V019" Warning "socket state makes no sense",
        "A socket breaks a rule that the original restart checks (§3.14).";
    BadIpc = "V020" Warning "IPC object makes no sense",
        "A System V object breaks a rule that the original restart checks (§3.14).";
    BadExtension = "V021" Error "record of R18 breaks a rule",
        "A CPU_FPU, ARM_ABI or FOREIGN record contradicts itself or its neighbours (§10.4, §10.6). It cannot be trusted.";
}

impl Code {
    /// By text, in any case.
    pub fn parse(text: &str) -> Option<Code> {
        Code::ALL
            .iter()
            .copied()
            .find(|code| code.info().code.eq_ignore_ascii_case(text))
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.info().code)
    }
}

/// Collects findings up to a limit and counts the rest.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    kept: Vec<Diagnostic>,
    limit: usize,
    dropped: u64,
    worst: Option<Severity>,
}

impl Findings {
    /// Keeps at most `limit` findings.
    pub fn new(limit: u32) -> Self {
        Findings {
            limit: limit as usize,
            ..Findings::default()
        }
    }
    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.worst = self.worst.max(Some(diagnostic.severity));
        if self.kept.len() < self.limit {
            self.kept.push(diagnostic);
        } else {
            self.dropped = self.dropped.saturating_add(1);
        }
    }
    /// Adds all of another collection.
    pub fn extend(&mut self, other: Findings) {
        self.dropped = self.dropped.saturating_add(other.dropped);
        self.worst = self.worst.max(other.worst);
        for diagnostic in other.kept {
            self.push(diagnostic);
        }
    }
    /// Those that were kept, in order of discovery.
    pub fn kept(&self) -> &[Diagnostic] {
        &self.kept
    }
    /// How many were only counted.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }
    /// The worst severity.
    pub fn worst(&self) -> Option<Severity> {
        self.worst
    }
    /// Whether there is an error among them.
    pub fn has_errors(&self) -> bool {
        self.worst == Some(Severity::Error)
    }
    /// Sorts by place; files of a foreign image come first, since their damage explains the rest.
    pub fn sort(&mut self) {
        let key = |d: &Diagnostic| (d.file.is_empty(), d.file.clone(), d.offset, d.code);
        self.kept.sort_by_cached_key(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_known_by_its_text_in_any_case() {
        assert_eq!(Code::parse("p003"), Some(Code::Truncated));
        assert_eq!(Code::parse("V014"), Some(Code::BadPid));
        assert_eq!(Code::parse("P999"), None);
    }

    #[test]
    fn what_is_not_kept_still_counts_when_collections_join() {
        let mut other = Findings::new(0);
        other.push(Diagnostic::new(Code::BadPid, 0, 0, "", "pid -5"));
        let mut all = Findings::new(9);
        all.extend(other);
        assert!(all.has_errors());
        assert_eq!((all.kept().len(), all.dropped()), (0, 1));
        all.push(Diagnostic::new(Code::BadPid, 0, 0, "", "pid -6"));
        assert_eq!((all.kept().len(), all.dropped()), (1, 1));
        assert_eq!(Findings::new(9).dropped(), 0);
    }
}
