//! What a conversion could not carry over: each value without a home is named, counted and, unless
//! the user allows it, refused.

use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, BufWriter, Seek as _, Write};

/// What becomes of a conversion that meets a loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gravity {
    /// Nothing is missing, but converting back will not give the same bytes.
    Note,
    /// Something is missing; refused unless allowed.
    Loss,
    /// The target cannot hold the image at all; cannot be allowed.
    Fatal,
}

macro_rules! codes {
    ($($variant:ident = $code:literal $gravity:ident $why:literal, $help:literal;)*) => {
        /// Stable name of a kind of loss.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $(#[doc = concat!("`", $code, "`: ", $why, ".")] $variant,)* }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)*];
            /// The name that `--allow` takes.
            pub const fn name(self) -> &'static str {
                match self { $(Code::$variant => $code,)* }
            }
            /// What becomes of the conversion.
            pub const fn gravity(self) -> Gravity {
                match self { $(Code::$variant => Gravity::$gravity,)* }
            }
            /// Why the value has no home, in a few words.
            pub const fn why(self) -> &'static str {
                match self { $(Code::$variant => $why,)* }
            }
            /// What it means and what can be done.
            pub const fn help(self) -> &'static str {
                match self { $(Code::$variant => $help,)* }
            }
        }
    };
}

codes! {
    Arch = "arch" Fatal "the revision has no records for this architecture",
        "Headers of ARM exist from R12 on, of x86-64 from R05 on; those of powerpc are missing in R14 to R17 (§6.1). Big-endian ARM images exist in R18 alone. No reader of the target revision could tell what the image is, so this cannot be allowed: choose another revision.";
    Lsm = "lsm" Loss "the revision does not name a security module",
        "Before R03 an image did not say which security module was active (§2.1).";
    Label = "label" Loss "the revision has no security labels",
        "SECURITY objects exist from R03 on (§3.6). Restored objects get the label that the restarting process gives them.";
    NestedPids = "nested-pids" Loss "the revision has one pid namespace only",
        "Numbers in nested pid namespaces exist from R08 on (§2.4). Tasks keep the number they have in the root namespace.";
    RootSession = "root-session" Loss "only R08 keeps the session in the root namespace",
        "R08 alone stores a second session number per task (§2.4).";
    PidObjects = "pid-objects" Loss "a pid of this kind cannot be expressed",
        "Until R14 pids are plain numbers, since R15 tags of pid objects (§2.4). Parents that are no task of the image, and pid objects that no task uses, exist in one of the two forms only.";
    ParentOutside = "parent-outside" Note "the parent of the root task is outside of the image",
        "Until R14 its number may be stored, since R15 there is no pid object for it (§2.4). The restarting process becomes the parent.";
    PidNull = "pid-null" Loss "the special pid has no number in the revision",
        "CKPT_PID_ROOT (-4097) exists from R15 on, and CKPT_PID_NULL is -1 before R15 and -4096 since (§2.4).";
    FpState = "fp-state" Loss "the revision has no floating-point or coprocessor state for ARM",
        "No revision of the original stores VFP, FPA, iwMMXt or Crunch registers; R18 does (§10.2). A program restarted without them computes with whatever the kernel gives a fresh thread. Keep R18, or convert to a core or to CRIU.";
    ArmAbi = "arm-abi" Loss "the revision does not store the personality of a task",
        "ARM_ABI exists in R18 alone (§10.3). A restart of an older revision takes the personality of the restarting process.";
    Foreign = "foreign" Loss "the revision keeps no files of foreign images",
        "FOREIGN exists in R18 alone (§10.6). What a CRIU image set holds and a stream has no field for is gone; what the stream itself says is not.";
    KeptForeign = "kept-foreign" Note "no record has a field for it, so it is kept in FOREIGN for the way back",
        "A CRIU image set holds more than a stream has fields for. R18 keeps those files whole (§10.6): converting to CRIU again loses nothing. An older revision has no such record, and names each value as a loss.";
    Zeros = "zeros" Note "pages of zeros are left out, as --dedup asks",
        "Anonymous and shared memory comes back as zeros where the image has no page.";
    Epoll = "epoll" Loss "the revision has no epoll files",
        "Epoll exists from R02 on (§2.5). The descriptor is kept and opened on /dev/null.";
    Eventfd = "eventfd" Loss "the revision has no event counters",
        "Eventfd exists from R02 on (§2.5). The descriptor is kept and opened on /dev/null.";
    SocketFrag = "socket-frag" Loss "the revision has no fragments of socket buffers",
        "SOCKET_FRAG exists from R04 on (§3.13). The bytes in fragments are left out of the queue.";
    SocketBuffer = "socket-buffer" Loss "the revision does not describe socket buffers so closely",
        "Header offsets and the control block of a queued buffer exist from R04 on (§3.13).";
    TcpState = "tcp-state" Loss "the revision has no TCP state",
        "SOCKET_INET holds addresses alone until R03 (§3.13). A connection cannot be resumed from them.";
    Peercred = "peercred" Loss "no credentials match those of the peer",
        "Until R12 a unix socket stores the user and group of its peer, since R13 the number of a CRED object (§3.13). The conversion looks for credentials seen earlier in the image with the same effective ids.";
    HasBuffers = "has-buffers" Note "the number of socket queues is not what the socket's state says",
        "SOCKET.has_buffers exists from R13 on (§3.13). The conversion sets it for every socket that neither listens nor is dead; here the queues that follow, or the value before, say otherwise.";
    Termios = "termios" Loss "terminal modes are narrower in the revision",
        "Until R13 terminals have 16-bit modes, no speeds and 8 (powerpc: 10) control characters (§3.10).";
    Siginfo = "siginfo" Loss "queued signals have no such member in the revision",
        "Until R12 the members of a queued signal overlay each other by the class of its code (§3.11).";
    Directories = "directories" Loss "the revision does not keep root and current directory",
        "FS objects exist from R06 on (§3.9). A restart of an older revision uses its own directories.";
    Umask = "umask" Loss "the revision has no file mode creation mask",
        "FS.umask exists from R13 on (§3.9); an upgrade sets 022.";
    SemUndo = "sem-undo" Loss "the revision has no semaphore adjustments",
        "SEM_UNDO objects exist from R13 on (§3.12). Adjustments are not made when the task ends.";
    NetNs = "net-ns" Loss "the revision has no network namespaces",
        "NET_NS and NETDEV objects exist from R09 on (§3.13).";
    HugePages = "huge-pages" Loss "the revision has no huge pages",
        "HPAGE and its mappings exist from R16 on (§4.1). The contents are kept in ordinary pages.";
    DebugRegisters = "debug-registers" Loss "the revision has no debug registers",
        "x86 images hold them until R05 (§7.1). Hardware breakpoints are gone.";
    ThreadFlags = "thread-flags" Loss "the revision has no THREAD record for this architecture",
        "s390x has THREAD from R07 on (§7.2).";
    AltStack = "alt-stack" Loss "the revision has no alternate signal stack",
        "TASK.sas_ss_sp and sas_ss_size exist from R13 on (§3.5).";
    TaskFlags = "task-flags" Loss "the revision has no flags of a task",
        "TASK.flags exists from R16 on (§3.5).";
    Sysenter = "sysenter" Loss "the revision does not store where sysenter returns to",
        "THREAD.sysenter_return of x86 exists from R13 on (§7.1).";
    Auxv = "auxv" Loss "the auxiliary vector does not fit native words",
        "Until R06 the saved vector consists of native words, later of 64-bit ones (§3.8).";
    Field = "field" Loss "the revision has no such field, or a narrower one",
        "The field exists in other revisions only (§6.2), or its value does not fit.";
    ObjectNumber = "object-number" Loss "the object number is one of a pid object",
        "Pid objects have the numbers from PIDS.offset on (§2.4); another object uses one of them.";
    UnknownRecord = "unknown-record" Loss "nobody knows what the record means",
        "Its number may mean something else in the target revision, so the record is left out.";
    Container = "container" Note "the revision demands a CONTAINER record",
        "The kernel of v18 wrote none; the tools of its time and all later revisions expect one (§2.1). Converting back keeps it.";
    Hwcap = "hwcap" Note "the revision has the processor's features in the saved auxiliary vector only",
        "ARM_ABI.hwcap and hwcap2 exist from R18 on (§10.3). AT_HWCAP and AT_HWCAP2 of the process say the same, and converting back fills the fields from them.";
    Renumbered = "renumbered" Note "numbers of objects are given anew",
        "Object numbers have no meaning of their own, but converting back gives other ones.";
    Padding = "padding" Note "padding is not zero",
        "The record changes its layout, so what lies between its fields is not copied (§1.1).";
    Ambiguous = "ambiguous" Note "more than one revision fits the image",
        "R10 and R11/R12 have the same layouts, but the opposite sense of bit 1 of uflags (§6.4). Name the right one with --from.";
    Damage = "damage" Loss "the record is damaged and left out",
        "With --salvage what is intact is written, the rest is named, and the exit status is 1.";
}

impl Code {
    /// By name.
    pub fn parse(text: &str) -> Option<Code> {
        Code::ALL.iter().copied().find(|code| code.name() == text)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One value that has no home in the target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Loss {
    /// Stable name of the kind: one of [`Code`], or one of a bridge to a foreign format.
    pub code: &'static str,
    /// Record type.
    pub record: String,
    /// Offset of the record in the input, in bytes; `None` where the input is no stream.
    pub offset: Option<u64>,
    /// Field inside the record; empty if all of it is lost.
    pub field: String,
    /// The value, as text.
    pub value: String,
    /// Why there is no home for it.
    pub why: &'static str,
    /// Nothing is missing; only the way back gives other bytes.
    pub note: bool,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.note { "note" } else { "loss" };
        write!(f, "{kind} {}: {}", self.code, self.record)?;
        if !self.field.is_empty() {
            write!(f, ".{}", self.field)?;
        }
        if let Some(offset) = self.offset {
            write!(f, " at {offset:#x}")?;
        }
        if !self.value.is_empty() {
            write!(f, " = {}", self.value)?;
        }
        write!(f, ": {}", self.why)
    }
}

impl Loss {
    /// The same as a note: the user asked for a format that is less by its nature.
    pub fn as_note(self) -> Self {
        Loss { note: true, ..self }
    }
}

impl From<ckpt_bridge::Loss> for Loss {
    fn from(loss: ckpt_bridge::Loss) -> Self {
        let damage = OF_DAMAGE.contains(&loss.code);
        // What a core never held is not lost by reading it.
        let note = (loss.code.starts_with("core.") && loss.record != "CPU_FPU" && !damage)
            // The user asked for it, or everything is there in another form.
            || ["edit.only-task", "criu.compression", "criu.merged-files", "criu.flattened", "criu.page-count"]
                .contains(&loss.code);
        Loss {
            code: loss.code,
            record: loss.record,
            offset: None,
            field: loss.field,
            value: loss.value,
            why: loss.why,
            note,
        }
    }
}

/// Which losses the user accepts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allow {
    all: bool,
    codes: Vec<String>,
}

impl Allow {
    /// Everything.
    pub fn all() -> Self {
        Allow {
            all: true,
            codes: Vec::new(),
        }
    }
    /// These codes; `all` stands for every one.
    pub fn of(codes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let codes: Vec<String> = codes.into_iter().map(Into::into).collect();
        let all = codes.iter().any(|code| code == "all");
        Allow { all, codes }
    }
    fn allows(&self, code: &str) -> bool {
        self.all || self.codes.iter().any(|allowed| allowed == code)
    }
}

impl Further {
    fn push(&mut self, loss: &Loss) {
        let line = serde_json::to_string(loss).map_err(io::Error::from);
        let done = line.and_then(|line| writeln!(self.lines, "{line}"));
        self.failed = self.failed.take().or(done.err());
    }
    /// The lines from the first on.
    fn read(&mut self) -> io::Result<BufReader<&File>> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        self.lines.flush()?;
        let file = self.lines.get_mut();
        file.rewind()?;
        Ok(BufReader::new(file))
    }
}

/// Whether a loss of this code cannot be allowed.
fn is_fatal(code: &str) -> bool {
    Code::parse(code).is_some_and(|code| code.gravity() == Gravity::Fatal)
}

/// How many losses of a kind are kept one by one; further ones are counted.
const KEPT_PER_CODE: u64 = 200;

/// Collects losses.
#[derive(Debug, Default)]
pub struct Losses {
    allow: Allow,
    kept: Vec<Loss>,
    counts: BTreeMap<&'static str, u64>,
    refused: BTreeSet<&'static str>,
    further: Option<Further>,
    as_notes: bool,
}

/// Losses beyond those that are kept, one a line: an image may cost millions.
#[derive(Debug)]
struct Further {
    lines: BufWriter<File>,
    failed: Option<io::Error>,
}

/// Codes that say that the input is damaged. `--salvage` accepts them.
pub const OF_DAMAGE: [&str; 13] = [
    Code::Damage.name(),
    Code::UnknownRecord.name(),
    "core.bad-mapping",
    "core.damage",
    "core.truncated",
    "criu.absent",
    "criu.bad-mapping",
    "criu.damage",
    "criu.stray-pages",
    "stream.bad-mapping",
    "stream.bad-page",
    "stream.foreign",
    "stream.missing",
];

impl Losses {
    /// None so far.
    pub fn new(allow: Allow) -> Self {
        Losses {
            allow,
            ..Losses::default()
        }
    }
    /// From now on everything but damage is a note, or is what it is again.
    pub fn set_notes_only(&mut self, notes_only: bool) {
        self.as_notes = notes_only;
    }
    /// Adds one.
    pub fn push(&mut self, loss: Loss) {
        let as_note = self.as_notes && !OF_DAMAGE.contains(&loss.code);
        let loss = if as_note { loss.as_note() } else { loss };
        if is_fatal(loss.code) || (!loss.note && !self.allow.allows(loss.code)) {
            self.refused.insert(loss.code);
        }
        let count = self.counts.entry(loss.code).or_insert(0);
        *count = count.saturating_add(1);
        if *count <= KEPT_PER_CODE {
            self.kept.push(loss);
        } else if let Some(further) = &mut self.further {
            further.push(&loss);
        }
    }
    /// From now on all losses go into the report, those that are not kept by way of an unnamed temporary file.
    ///
    /// # Errors
    /// Those of making the file.
    pub fn keep_all(&mut self) -> io::Result<()> {
        self.further = Some(Further {
            lines: BufWriter::new(tempfile::tempfile()?),
            failed: None,
        });
        Ok(())
    }
    /// Writes all losses as a JSON array, one a line: the kept ones first.
    ///
    /// # Errors
    /// Those of the output and of the temporary file.
    pub fn write_all(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let mut before = "[\n";
        for loss in &self.kept {
            write!(out, "{before}    ")?;
            serde_json::to_writer(&mut *out, loss)?;
            before = ",\n";
        }
        if let Some(further) = &mut self.further {
            for line in further.read()?.lines() {
                write!(out, "{before}    {}", line?)?;
                before = ",\n";
            }
        }
        let end = if self.kept.is_empty() { "[]" } else { "\n  ]" };
        out.write_all(end.as_bytes())
    }
    /// Adds what a bridge to a foreign format lost; `kept` says that files of that format go along,
    /// so that the way back loses nothing.
    pub fn push_foreign(&mut self, lost: Vec<ckpt_bridge::Loss>, kept: bool) {
        let mut codes = BTreeSet::new();
        for loss in lost {
            if kept && Self::is_kept_foreign(&loss) {
                codes.insert(loss.code);
            } else {
                self.push(loss.into());
            }
        }
        if !codes.is_empty() {
            let codes: Vec<&str> = codes.into_iter().collect();
            self.push(Loss {
                code: Code::KeptForeign.name(),
                record: "FOREIGN".to_owned(),
                offset: None,
                field: String::new(),
                value: codes.join(", "),
                why: Code::KeptForeign.why(),
                note: true,
            });
        }
    }
    /// Whether files of a CRIU set that go along hold what is lost.
    pub fn is_kept_foreign(loss: &ckpt_bridge::Loss) -> bool {
        const NOT_THERE: [&str; 6] = [
            "criu.absent",
            "criu.damage",
            "criu.lazy-pages",
            "criu.flattened",
            "criu.stray-pages",
            "criu.bad-mapping",
        ];
        loss.code.starts_with("criu.") && !NOT_THERE.contains(&loss.code)
    }
    /// Those that were kept, in order.
    pub fn kept(&self) -> &[Loss] {
        &self.kept
    }
    /// Whether something was damaged, and is left out or mended.
    pub fn tell_of_damage(&self) -> bool {
        OF_DAMAGE.iter().any(|code| self.counts.contains_key(code))
    }
    /// How many there were of each kind.
    pub fn counts(&self) -> &BTreeMap<&'static str, u64> {
        &self.counts
    }
    /// Whether there was none at all.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }
    /// Whether one was not allowed.
    pub fn refused(&self) -> bool {
        !self.refused.is_empty()
    }
    /// What to do about a refusal, in a sentence; `None` if nothing was refused.
    pub fn advice(&self) -> Option<String> {
        let (fatal, others): (Vec<&str>, Vec<&str>) =
            self.refused.iter().partition(|code| is_fatal(code));
        match (fatal.as_slice(), others.as_slice()) {
            ([], []) => None,
            ([], [code]) => Some(format!(
                "refused; --allow {code} accepts it, --explain {code} tells more"
            )),
            ([], codes) => Some(format!(
                "refused; --allow {} accepts them, --explain CODE tells more",
                codes.join(",")
            )),
            ([code, ..], _) => Some(format!(
                "refused, and {code} cannot be allowed; --explain {code} tells more"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loss(code: Code) -> Loss {
        Loss {
            code: code.name(),
            record: "TASK".into(),
            offset: Some(16),
            field: "flags".into(),
            value: "1".into(),
            why: code.why(),
            note: code.gravity() == Gravity::Note,
        }
    }

    #[test]
    fn names_are_unique_and_parse() {
        for code in Code::ALL {
            assert_eq!(Code::parse(code.name()), Some(*code));
        }
    }

    #[test]
    fn only_allowed_losses_pass() {
        let refused = |allow: Allow, code| {
            let mut losses = Losses::new(allow);
            losses.push(loss(code));
            losses.refused()
        };
        assert!(refused(Allow::default(), Code::TaskFlags));
        assert!(refused(Allow::of(["umask"]), Code::TaskFlags));
        assert!(!refused(
            Allow::of(["umask", "task-flags"]),
            Code::TaskFlags
        ));
        assert!(!refused(Allow::of(["all"]), Code::TaskFlags));
        assert!(!refused(Allow::default(), Code::Padding));
        assert!(refused(Allow::all(), Code::Arch));
    }

    #[test]
    fn a_refusal_names_what_would_be_allowed() {
        let mut losses = Losses::new(Allow::of(["umask"]));
        losses.push(loss(Code::Umask));
        losses.push(loss(Code::Padding));
        assert_eq!(losses.advice(), None);
        losses.push(loss(Code::TaskFlags));
        let advice = losses.advice().unwrap();
        assert!(advice.contains("--allow task-flags accepts"), "{advice}");
        losses.push(loss(Code::Epoll));
        let advice = losses.advice().unwrap();
        assert!(
            advice.contains("--allow epoll,task-flags accepts"),
            "{advice}"
        );
        losses.push(loss(Code::Arch));
        let advice = losses.advice().unwrap();
        assert!(advice.contains("arch cannot be allowed"), "{advice}");
    }

    #[test]
    fn a_million_losses_take_little_memory() {
        let mut losses = Losses::new(Allow::all());
        for _ in 0..1_000_000 {
            losses.push(loss(Code::TaskFlags));
        }
        assert_eq!(losses.counts()["task-flags"], 1_000_000);
        assert_eq!(losses.kept().len() as u64, KEPT_PER_CODE);
    }

    #[test]
    fn the_report_names_every_loss() {
        for count in [0, 1, 200, 201, 3000] {
            let mut losses = Losses::new(Allow::all());
            losses.keep_all().unwrap();
            for i in 0..count {
                let value = i.to_string();
                losses.push(Loss {
                    value,
                    ..loss(Code::TaskFlags)
                });
            }
            let mut out = Vec::new();
            losses.write_all(&mut out).unwrap();
            let all: Vec<serde_json::Value> = serde_json::from_slice(&out).unwrap();
            assert_eq!(all.len(), count);
            let values = all.iter().map(|loss| loss["value"].as_str().unwrap());
            let values: Vec<usize> = values.map(|value| value.parse().unwrap()).collect();
            assert_eq!(values, (0..count).collect::<Vec<_>>());
        }
    }

    #[test]
    fn text_says_where_what_and_why() {
        assert_eq!(
            loss(Code::TaskFlags).to_string(),
            "loss task-flags: TASK.flags at 0x10 = 1: the revision has no flags of a task"
        );
    }
}
