//! Target files: TOML in the form of the catalogue, for people to copy and edit.

use serde::Deserialize;

use super::{Endian, Kernel, Part, Target, grammar};
use crate::feature::{Feature, FeatureSet};

/// A target file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Not TOML, or not the fields of a target file.
    #[error("no target file")]
    Toml(#[from] toml::de::Error),
    /// The architecture that it builds on does not exist.
    #[error(
        "target file: base \"{0}\" is not a target name by grammar (v4 … v8, v8-aarch64, with features)"
    )]
    Base(String),
    /// It names a feature that does not exist.
    #[error(
        "target file: unknown feature \"{0}\"; `ckpt-check --list-targets` prints the features"
    )]
    Feature(String),
    /// It names a byte order that does not exist.
    #[error("target file: endian \"{0}\" is none of little, be8, be32")]
    Endian(String),
    /// It calls a property of the kernel unknown that does not exist, or that always is known.
    #[error("target file: unknown = [\"{0}\"]: that is none of {names}", names = Kernel::OPEN.join(", "))]
    Unknown(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    title: String,
    base: String,
    /// What the kernel on it calls the architecture, if not what the base is called.
    cpu_architecture: Option<u16>,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    features: Vec<String>,
    /// All features by their own names; what the base has does not count.
    exactly: Option<Vec<String>>,
    #[serde(default)]
    without: Vec<String>,
    #[serde(default)]
    optional: Vec<String>,
    #[serde(default)]
    midr: Vec<String>,
    #[serde(default)]
    kernel: FileKernel,
    #[serde(default)]
    sources: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileKernel {
    aarch32: Option<bool>,
    arm64: Option<bool>,
    aeabi: Option<bool>,
    oabi_compat: Option<bool>,
    mmu: Option<bool>,
    endian: Option<String>,
    task_size: Option<u64>,
    page_size: Option<u32>,
    mmap_min_addr: Option<u32>,
    kuser_helpers: Option<bool>,
    thumbee: Option<bool>,
    vfp: Option<bool>,
    aliasing: Option<bool>,
    release: Option<String>,
    /// Properties that nobody knows; without this, what is not said is as on the base.
    #[serde(default)]
    unknown: Vec<String>,
}

pub(super) fn parse(text: &str) -> Result<Part, FileError> {
    let file: File = toml::from_str(text)?;
    let mut target =
        grammar::by_grammar(&file.base).ok_or_else(|| FileError::Base(file.base.clone()))?;
    for word in &file.features {
        if !grammar::apply(&mut target, word) {
            return Err(FileError::Feature(word.clone()));
        }
    }
    if let Some(exactly) = &file.exactly {
        target.features = features(exactly)?;
    }
    let without = features(&file.without)?;
    target.features = target.features.minus(without);
    target.optional = target
        .optional
        .minus(without)
        .union(features(&file.optional)?)
        .minus(target.features);
    apply_kernel(&mut target, file.kernel)?;
    target.cpu_architecture = file.cpu_architecture.unwrap_or(target.cpu_architecture);
    target.name = file.name;
    target.title = file.title;
    target.sources = file.sources;
    Ok(Part {
        target,
        aliases: file.aliases,
        midr: file.midr,
    })
}

fn features(words: &[String]) -> Result<FeatureSet, FileError> {
    words
        .iter()
        .map(|word| {
            word.parse::<Feature>()
                .map_err(|()| FileError::Feature(word.clone()))
        })
        .collect()
}

fn apply_kernel(target: &mut Target, file: FileKernel) -> Result<(), FileError> {
    if file.arm64 == Some(true) && !target.kernel.arm64 {
        grammar::under_arm64(target);
    }
    let kernel = &mut target.kernel;
    if let Some(endian) = file.endian {
        kernel.endian = match endian.as_str() {
            "little" => Endian::Little,
            "be8" => Endian::Be8,
            "be32" => Endian::Be32,
            _ => return Err(FileError::Endian(endian)),
        };
    }
    for name in file.unknown {
        if !kernel.forget(&name) {
            return Err(FileError::Unknown(name));
        }
    }
    kernel.aarch32 = file.aarch32.unwrap_or(kernel.aarch32);
    kernel.mmu = file.mmu.unwrap_or(kernel.mmu);
    kernel.aeabi = file.aeabi.or(kernel.aeabi);
    kernel.oabi_compat = file.oabi_compat.or(kernel.oabi_compat);
    kernel.task_size = file.task_size.or(kernel.task_size);
    kernel.page_size = file.page_size.or(kernel.page_size);
    kernel.mmap_min_addr = file.mmap_min_addr.or(kernel.mmap_min_addr);
    kernel.kuser_helpers = file.kuser_helpers.or(kernel.kuser_helpers);
    kernel.thumbee = file.thumbee.or(kernel.thumbee);
    kernel.vfp = file.vfp.or(kernel.vfp);
    kernel.aliasing = file.aliasing.or(kernel.aliasing);
    kernel.release = file.release.or(kernel.release.take());
    Ok(())
}

impl Kernel {
    /// Names of the properties that may be unknown.
    const OPEN: [&str; 10] = [
        "aeabi",
        "oabi_compat",
        "kuser_helpers",
        "thumbee",
        "vfp",
        "aliasing",
        "task_size",
        "page_size",
        "mmap_min_addr",
        "release",
    ];

    /// Makes a property unknown; false if there is none of this name.
    fn forget(&mut self, name: &str) -> bool {
        match name {
            "aeabi" => self.aeabi = None,
            "oabi_compat" => self.oabi_compat = None,
            "kuser_helpers" => self.kuser_helpers = None,
            "thumbee" => self.thumbee = None,
            "vfp" => self.vfp = None,
            "aliasing" => self.aliasing = None,
            "task_size" => self.task_size = None,
            "page_size" => self.page_size = None,
            "mmap_min_addr" => self.mmap_min_addr = None,
            "release" => self.release = None,
            _ => return false,
        }
        true
    }

    /// The value of a property in a file; `None` if it is unknown.
    fn written(&self, name: &str) -> Option<String> {
        let word = |value: Option<bool>| value.map(|value| value.to_string());
        let size = |value: Option<u64>| value.map(|value| format!("{value:#x}"));
        match name {
            "aeabi" => word(self.aeabi),
            "oabi_compat" => word(self.oabi_compat),
            "kuser_helpers" => word(self.kuser_helpers),
            "thumbee" => word(self.thumbee),
            "vfp" => word(self.vfp),
            "aliasing" => word(self.aliasing),
            "task_size" => size(self.task_size),
            "page_size" => size(self.page_size.map(u64::from)),
            "mmap_min_addr" => size(self.mmap_min_addr.map(u64::from)),
            "release" => self.release.as_deref().map(quoted),
            _ => None,
        }
    }
}

/// A string as TOML writes it.
fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

fn array<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> String {
    let texts: Vec<String> = texts.into_iter().map(|t| quoted(t.as_ref())).collect();
    format!("[{}]", texts.join(", "))
}

/// The architecture that a target builds on, by name.
fn base(target: &Target) -> &'static str {
    match (target.v8, target.kernel.arm64, target.cpu_architecture) {
        (true, true, _) => "v8-aarch64",
        (true, false, _) => "v8",
        (_, _, 9) if target.features.has(Feature::V7) => "v7",
        (_, _, 8 | 9) => "v6",
        (_, _, 7) => "v5tej",
        (_, _, 6) => "v5te",
        (_, _, 5) => "v5t",
        (_, _, 4) => "v5",
        (_, _, 3) => "v4t",
        _ => "v4",
    }
}

/// Writes a target in the form that [`parse`] reads: features are spelled out, the base gives the architecture.
pub(crate) fn to_toml(target: &Target) -> String {
    use std::fmt::Write as _;
    let base = base(target);
    let known: FeatureSet = Feature::ALL.iter().copied().collect();
    let list = |set: FeatureSet| array(set.iter().map(Feature::name));
    let mut text = format!(
        "name = {}\ntitle = {}\nbase = {base:?}\n",
        quoted(&target.name),
        quoted(&target.title)
    );
    if grammar::by_grammar(base).is_none_or(|b| b.cpu_architecture != target.cpu_architecture) {
        let _ = writeln!(text, "cpu_architecture = {}", target.cpu_architecture);
    }
    let _ = writeln!(text, "exactly = {}", list(target.features));
    let without = known.minus(target.optional).minus(target.features);
    let _ = writeln!(text, "without = {}", list(without));
    let _ = writeln!(text, "optional = {}", list(target.optional));
    if !target.sources.is_empty() {
        let _ = writeln!(text, "sources = {}", array(&target.sources));
    }
    let kernel = &target.kernel;
    let _ = writeln!(
        text,
        "\n[kernel]\naarch32 = {}\narm64 = {}\nmmu = {}\nendian = \"{}\"",
        kernel.aarch32, kernel.arm64, kernel.mmu, kernel.endian
    );
    let mut unknown = Vec::new();
    for name in Kernel::OPEN {
        if let Some(value) = kernel.written(name) {
            let _ = writeln!(text, "{name} = {value}");
        } else {
            unknown.push(name);
        }
    }
    if !unknown.is_empty() {
        let _ = writeln!(text, "unknown = {}", array(unknown));
    }
    text
}

impl Target {
    /// Writes the target in the form of the catalogue's files; [`Target::from_toml`] reads it back.
    ///
    /// ```
    /// use ckpt_compat::Target;
    /// let target = Target::named("cortex-a9")?;
    /// let again = Target::from_toml(&target.to_toml())?;
    /// assert_eq!(again, target);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_toml(&self) -> String {
        to_toml(self)
    }
}
