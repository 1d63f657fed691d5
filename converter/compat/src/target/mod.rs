//! What a machine offers: processor features and the properties of its kernel that restoring depends on.
//!
//! A target comes from a name by grammar (`v7-neon+oabi-compat`), from the catalogue of real parts,
//! from a file in the same form, or from what a machine says of itself ([`machine`]).

mod catalogue;
mod file;
mod grammar;
mod isa;
pub mod machine;
mod order;

use std::fmt;

pub use catalogue::{Part, parts};
pub use file::FileError;
pub use grammar::{GRAMMAR_FEATURES, GRAMMAR_ISAS, UnknownTarget};
pub use isa::{features_of_hwcap, features_of_isa_name, hwcap_names, hwcap2_names};
pub use order::meet;

use crate::feature::{Feature, FeatureSet};

/// Byte order of data and code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Endian {
    /// Little-endian data and code.
    #[default]
    Little,
    /// Big-endian data, little-endian code (v6 and later).
    Be8,
    /// Big-endian data and code (before v7).
    Be32,
}

impl Endian {
    /// A word of data.
    pub(crate) fn word(self, bytes: [u8; 4]) -> u32 {
        match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Be8 | Self::Be32 => u32::from_be_bytes(bytes),
        }
    }

    /// A halfword of data.
    pub(crate) fn half(self, bytes: [u8; 2]) -> u16 {
        match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Be8 | Self::Be32 => u16::from_be_bytes(bytes),
        }
    }

    /// The byte order of instructions.
    pub(crate) const fn of_code(self) -> Self {
        match self {
            Self::Be32 => Self::Be32,
            Self::Little | Self::Be8 => Self::Little,
        }
    }
}

impl fmt::Display for Endian {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Little => "little",
            Self::Be8 => "be8",
            Self::Be32 => "be32",
        })
    }
}

/// Properties of the kernel that runs on the machine; `None` means not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kernel {
    /// It can run 32-bit ARM processes at all.
    pub aarch32: bool,
    /// An arm64 kernel that runs 32-bit processes (compat), rather than a 32-bit kernel.
    pub arm64: bool,
    /// `CONFIG_AEABI`: EABI system calls.
    pub aeabi: Option<bool>,
    /// `CONFIG_OABI_COMPAT`: OABI system calls beside EABI ones.
    pub oabi_compat: Option<bool>,
    /// Has a memory management unit in use.
    pub mmu: bool,
    /// Byte order.
    pub endian: Endian,
    /// First address above user space, in bytes.
    pub task_size: Option<u64>,
    /// Page size in bytes.
    pub page_size: Option<u32>,
    /// `vm.mmap_min_addr` in bytes.
    pub mmap_min_addr: Option<u32>,
    /// `CONFIG_KUSER_HELPERS`: the vectors page has the helper functions.
    pub kuser_helpers: Option<bool>,
    /// `CONFIG_ARM_THUMBEE`: the kernel switches the ThumbEE registers.
    pub thumbee: Option<bool>,
    /// `CONFIG_VFP`: false if the kernel cannot use a floating-point unit that is there.
    pub vfp: Option<bool>,
    /// Caches are indexed by virtual address with aliases, so shared mappings must be coloured.
    pub aliasing: Option<bool>,
    /// Release, as `uname -r` prints it.
    pub release: Option<String>,
}

/// A machine that an image is to be restored on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Name that selects it.
    pub name: String,
    /// What it is, for people.
    pub title: String,
    /// `cpu_architecture()` of the kernel on it: 2 v4, 3 v4T, 4 v5, 5 v5T, 6 v5TE, 7 v5TEJ, 8 v6, 9 v7 (and v8).
    pub cpu_architecture: u16,
    /// It implements v8 (AArch32 of it).
    pub v8: bool,
    /// What it certainly has.
    pub features: FeatureSet,
    /// What such machines may have: it depends on the part, its configuration or the kernel's.
    pub optional: FeatureSet,
    /// The kernel on it.
    pub kernel: Kernel,
    /// Documents that say so.
    pub sources: Vec<String>,
}

/// How a target meets a need.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Has {
    /// Certainly.
    Yes,
    /// Some machines that fit the description have it.
    Maybe,
    /// No.
    No,
}

impl Target {
    /// Finds a target by name: the catalogue first, then the grammar; `+feature` adds to either.
    /// Capitals are as good as small letters.
    ///
    /// ```
    /// use ckpt_compat::{Feature, Target};
    /// let target = Target::named("v7-neon")?;
    /// assert!(target.features.has(Feature::VfpD32));
    /// assert_eq!(Target::named("V7-NEON")?.name, "v7-neon");
    /// assert!(Target::named("v7-noen").unwrap_err().near.contains(&"v7-neon".to_string()));
    /// # Ok::<(), ckpt_compat::target::UnknownTarget>(())
    /// ```
    ///
    /// # Errors
    /// An unknown name, with the names near to it.
    pub fn named(name: &str) -> Result<Self, UnknownTarget> {
        grammar::parse(&name.to_lowercase())
    }

    /// Reads a target file (TOML, the form of the catalogue's files).
    ///
    /// # Errors
    /// The text is not TOML, or names what does not exist.
    pub fn from_toml(text: &str) -> Result<Self, FileError> {
        file::parse(text).map(|part| part.target)
    }

    /// Does the target have a feature?
    pub fn has(&self, feature: Feature) -> Has {
        if self.features.has(feature) {
            Has::Yes
        } else if self.optional.has(feature) {
            Has::Maybe
        } else {
            Has::No
        }
    }

    /// Does it have all of them? The worst answer counts.
    pub fn has_all(&self, features: FeatureSet) -> Has {
        if features.within(self.features) {
            Has::Yes
        } else if features.within(self.features.union(self.optional)) {
            Has::Maybe
        } else {
            Has::No
        }
    }

    /// Its instruction set in words: architecture and the units that programs ask about.
    pub fn describe(&self) -> String {
        isa::describe(self)
    }

    /// Can everything that runs on `other` run here too?
    pub fn covers(&self, other: &Self) -> bool {
        order::covers(self, other)
    }
}

#[cfg(test)]
mod tests;
