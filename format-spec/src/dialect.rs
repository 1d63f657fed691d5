//! Revisions, architectures, and the dialect that the two make.

use std::fmt;

/// A generation of the stream layout, R01 to R18 (§6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(u8);

macro_rules! revisions {
    ($($id:ident = $n:literal),*) => { $(
        #[doc = concat!("Revision ", stringify!($id), " (§6.1).")]
        pub const $id: Revision = Revision($n);
    )* };
}
revisions!(
    R01 = 1,
    R02 = 2,
    R03 = 3,
    R04 = 4,
    R05 = 5,
    R06 = 6,
    R07 = 7,
    R08 = 8,
    R09 = 9,
    R10 = 10,
    R11 = 11,
    R12 = 12,
    R13 = 13,
    R14 = 14,
    R15 = 15,
    R16 = 16,
    R17 = 17,
    R18 = 18
);

/// What a revision was.
#[derive(Clone, Copy, Debug)]
pub struct RevisionInfo {
    /// Date of the header export, ISO 8601.
    pub date: &'static str,
    /// What it is.
    pub label: &'static str,
    /// `HEADER.rev`.
    pub checkpoint_version: u16,
}

const fn info(date: &'static str, checkpoint_version: u16, label: &'static str) -> RevisionInfo {
    RevisionInfo {
        date,
        label,
        checkpoint_version,
    }
}

static REVISIONS: [RevisionInfo; 18] = [
    info("2009-10-03", 3, "v18 tree, start of v19 development"),
    info("2009-11-04", 3, "v19 development: epoll, eventfd"),
    info("2009-11-11", 4, "v19 development: LSM labels"),
    info("2009-12-01", 4, "v19-rc2"),
    info("2009-12-06", 4, "v19-rc2 plus x86-64"),
    info("2010-02-05", 5, "v19-rc3, kernel 2.6.33"),
    info("2010-02-22", 5, "v19 and v20, kernel 2.6.33"),
    info(
        "2010-03-23",
        6,
        "v21 development: nested pid namespaces, first form",
    ),
    info("2010-03-30", 6, "v21 development: network namespaces"),
    info(
        "2010-03-30",
        6,
        "v21 development: vpid count record dropped",
    ),
    info("2010-04-25", 6, "v21"),
    info("2010-06-17", 6, "v21 plus ARM"),
    info("2011-01-05", 6, "v23-rc1"),
    info("2011-01-10", 6, "v23-rc1, second header export"),
    info("2011-01-25", 6, "v23 development: pid objects"),
    info("2011-04-16", 6, "v23-rc2"),
    info("2012-03-17", 6, "v23 on the samsung-3.0 kernel, final"),
    info(
        "2026-11-23",
        7,
        "ARM floating point and ABI extension of this project",
    ),
];

/// Names by which people call revisions.
static ALIASES: [(&str, Revision); 7] = [
    ("v18", R01),
    ("v19", R07),
    ("v20", R07),
    ("v21", R12),
    ("v23", R17),
    ("newest", R18),
    ("latest", R18),
];

impl Revision {
    /// The oldest revision.
    pub const FIRST: Revision = R01;
    /// The newest revision.
    pub const LAST: Revision = R18;

    /// All revisions, oldest first.
    pub fn all() -> impl DoubleEndedIterator<Item = Revision> + ExactSizeIterator {
        (0..18).map(|i| Revision(i + 1))
    }
    /// Whether the revision lies in `since ..= until`.
    pub const fn within(self, since: Revision, until: Revision) -> bool {
        since.0 <= self.0 && self.0 <= until.0
    }
    /// 1 to 18.
    pub const fn number(self) -> u8 {
        self.0
    }
    /// Date, version number and label.
    pub fn info(self) -> &'static RevisionInfo {
        &REVISIONS[usize::from(self.0 - 1)]
    }
    /// Reads `R12`, `r12`, `12` or an alias such as `v21` or `newest`.
    pub fn parse(text: &str) -> Option<Revision> {
        let lower = text.to_ascii_lowercase();
        if let Some((_, revision)) = ALIASES.iter().find(|(name, _)| *name == lower) {
            return Some(*revision);
        }
        let digits = lower.strip_prefix('r').unwrap_or(&lower);
        let number: u8 = digits.parse().ok()?;
        (1..=18).contains(&number).then_some(Revision(number))
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "R{:02}", self.0)
    }
}

/// An architecture that wrote images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Arch {
    /// 32-bit ARM.
    Arm,
    /// 32-bit x86.
    X86_32,
    /// 64-bit x86.
    X86_64,
    /// 64-bit s390.
    S390x,
    /// 32-bit PowerPC.
    Ppc32,
    /// 64-bit PowerPC.
    Ppc64,
}

impl Arch {
    /// All of them.
    pub const ALL: [Arch; 6] = [
        Arch::Arm,
        Arch::X86_32,
        Arch::X86_64,
        Arch::S390x,
        Arch::Ppc32,
        Arch::Ppc64,
    ];

    /// Bytes of an `unsigned long`.
    pub const fn word_size(self) -> u8 {
        match self {
            Arch::Arm | Arch::X86_32 | Arch::Ppc32 => 4,
            Arch::X86_64 | Arch::S390x | Arch::Ppc64 => 8,
        }
    }
    /// Alignment of a 64-bit member in a C structure.
    pub const fn align_u64(self) -> u8 {
        match self {
            Arch::X86_32 => 4,
            _ => 8,
        }
    }
    /// Byte order of the machines that ran the kernel.
    pub const fn usual_order(self) -> Order {
        match self {
            Arch::Arm | Arch::X86_32 | Arch::X86_64 => Order::Little,
            Arch::S390x | Arch::Ppc32 | Arch::Ppc64 => Order::Big,
        }
    }
    /// Name in `arch_ids` of the headers.
    pub const fn name(self) -> &'static str {
        match self {
            Arch::Arm => "ARM",
            Arch::X86_32 => "X86_32",
            Arch::X86_64 => "X86_64",
            Arch::S390x => "S390X",
            Arch::Ppc32 => "PPC32",
            Arch::Ppc64 => "PPC64",
        }
    }
    /// Reads a name, in any case; common synonyms too.
    pub fn parse(text: &str) -> Option<Arch> {
        Some(match text.to_ascii_lowercase().as_str() {
            "arm" | "armv7l" => Arch::Arm,
            "x86_32" | "x86-32" | "i386" | "i686" | "x86" => Arch::X86_32,
            "x86_64" | "x86-64" | "amd64" => Arch::X86_64,
            "s390x" | "s390" => Arch::S390x,
            "ppc32" | "ppc" | "powerpc" => Arch::Ppc32,
            "ppc64" | "powerpc64" => Arch::Ppc64,
            _ => return None,
        })
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of architectures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArchSet(u8);

impl ArchSet {
    /// Every architecture.
    pub const ALL: ArchSet = ArchSet(0x3f);
    /// ARM alone.
    pub const ARM: ArchSet = ArchSet::of(&[Arch::Arm]);
    /// Both x86.
    pub const X86: ArchSet = ArchSet::of(&[Arch::X86_32, Arch::X86_64]);
    /// x86-32 alone.
    pub const X86_32: ArchSet = ArchSet::of(&[Arch::X86_32]);
    /// s390x alone.
    pub const S390: ArchSet = ArchSet::of(&[Arch::S390x]);
    /// Both PowerPC.
    pub const PPC: ArchSet = ArchSet::of(&[Arch::Ppc32, Arch::Ppc64]);

    /// The set of these.
    pub const fn of(archs: &[Arch]) -> ArchSet {
        let mut set = 0;
        let mut i = 0;
        while i < archs.len() {
            set |= 1 << archs[i] as u8;
            i += 1;
        }
        ArchSet(set)
    }
    /// Every architecture that is not in this set.
    pub const fn without(self, other: ArchSet) -> ArchSet {
        ArchSet(self.0 & !other.0)
    }
    /// Both sets together.
    pub const fn with(self, other: ArchSet) -> ArchSet {
        ArchSet(self.0 | other.0)
    }
    /// Whether `arch` is in the set.
    pub const fn contains(self, arch: Arch) -> bool {
        self.0 & (1 << arch as u8) != 0
    }
}

/// Byte order of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Order {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Order::Little => "little-endian",
            Order::Big => "big-endian",
        })
    }
}

/// What a compiler and a machine decide about the layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Abi {
    /// Architecture.
    pub arch: Arch,
    /// Byte order.
    pub order: Order,
    /// ARM kernel built for the old ABI (32-bit structure boundary): pads `sockaddr_un` (§3.13).
    pub old_abi: bool,
}

impl Abi {
    /// The ABI of the kernels that the architecture usually ran.
    pub const fn usual(arch: Arch) -> Abi {
        Abi {
            arch,
            order: arch.usual_order(),
            old_abi: false,
        }
    }
}

/// Revision and ABI: all that decides the layout of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Dialect {
    /// Generation of the format.
    pub revision: Revision,
    /// Machine and compiler.
    pub abi: Abi,
}

impl Dialect {
    /// A revision with the usual ABI of an architecture.
    pub const fn new(revision: Revision, arch: Arch) -> Dialect {
        Dialect {
            revision,
            abi: Abi::usual(arch),
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.revision, self.abi.arch, self.abi.order)?;
        if self.abi.old_abi {
            f.write_str(" old-abi")?;
        }
        Ok(())
    }
}
