//! A live machine as a target: what `/proc/cpuinfo`, the kernel's configuration, the auxiliary vector and
//! a few numbers say, each as text or bytes that the caller read from the system or from files.

use super::isa::{self, TASK_SIZE_1G, TASK_SIZE_2G, TASK_SIZE_3G, TASK_SIZE_COMPAT};
use super::{Endian, Target, catalogue, grammar};
use crate::feature::Feature::{self, *};
use crate::feature::FeatureSet;

/// What a machine says of itself; everything but `cpuinfo` may be missing.
#[derive(Clone, Debug, Default)]
pub struct Facts<'a> {
    /// Name for the target.
    pub name: &'a str,
    /// `/proc/cpuinfo`.
    pub cpuinfo: &'a str,
    /// Kernel configuration (`/proc/config.gz` unpacked, or `/boot/config-*`).
    pub config: Option<&'a str>,
    /// Auxiliary vector of a process on it, as `/proc/self/auxv` holds it (32- or 64-bit words, little-endian).
    pub auxv: Option<&'a [u8]>,
    /// Machine name of `uname -m`.
    pub machine: Option<&'a str>,
    /// Release of `uname -r`.
    pub release: Option<&'a str>,
    /// `/proc/sys/vm/mmap_min_addr`, bytes.
    pub mmap_min_addr: Option<u32>,
    /// Page size, bytes.
    pub page_size: Option<u32>,
}

/// The machine's description does not make a target.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MachineError {
    /// It is no ARM machine.
    #[error("cpuinfo of \"{0}\" has no line \"CPU architecture\": this is no ARM machine")]
    NotArm(String),
    /// The architecture version is none that Linux supports.
    #[error("cpuinfo says \"CPU architecture: {0}\", which is no version that Linux runs on")]
    Architecture(String),
    /// The text that should be a kernel configuration has no option in it.
    #[error(
        "no kernel configuration: it has neither a line \"CONFIG_…=\" nor \"# CONFIG_… is not set\""
    )]
    Config,
    /// The bytes that should be an auxiliary vector tell of no capabilities.
    #[error(
        "no auxiliary vector of an ARM process: {len} bytes without AT_HWCAP (16) among 32-bit little-endian words"
    )]
    Auxv {
        /// How many bytes there are.
        len: usize,
    },
}

/// Makes a target of what a machine says.
///
/// # Errors
/// The texts and bytes describe no ARM machine, or are not what they should be.
pub fn target(facts: &Facts<'_>) -> Result<Target, MachineError> {
    let cpu = Cpuinfo::read(facts)?;
    let mut target = cpu.target;
    facts.name.clone_into(&mut target.name);
    target.sources = vec!["what the machine says of itself".to_owned()];
    if let Some(auxv) = facts.auxv {
        apply_auxv(&mut target, auxv)?;
    }
    if let Some(config) = facts.config {
        let config = Config(config);
        if !config.has_options() {
            return Err(MachineError::Config);
        }
        apply_config(&mut target, &config);
    } else {
        unknown_config(&mut target);
    }
    target.kernel.release = facts.release.map(str::to_owned);
    target.kernel.mmap_min_addr = facts.mmap_min_addr.or(target.kernel.mmap_min_addr);
    target.kernel.page_size = facts.page_size.or(target.kernel.page_size);
    target.title = target.describe();
    Ok(target)
}

struct Cpuinfo {
    target: Target,
}

fn line<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        (name.trim() == key).then(|| value.trim())
    })
}

fn number(text: &str) -> Option<u32> {
    text.strip_prefix("0x").map_or_else(
        || text.parse().ok(),
        |hex| u32::from_str_radix(hex, 16).ok(),
    )
}

impl Cpuinfo {
    /// All processors must offer a feature: the lists of "Features" lines are intersected.
    fn read(facts: &Facts<'_>) -> Result<Self, MachineError> {
        let text = facts.cpuinfo;
        let architecture = line(text, "CPU architecture")
            .ok_or_else(|| MachineError::NotArm(facts.name.to_owned()))?;
        let arm64 = facts.machine == Some("aarch64")
            || architecture == "AArch64"
            || has_word(text, "asimd");
        let base = base_name(architecture, arm64)?;
        let mut target = grammar::parse(base)
            .map_err(|_| MachineError::Architecture(architecture.to_owned()))?;
        let said = features_said(text);
        let known = part(text);
        if arm64 {
            // The list is that of AArch64; what 32-bit processes get is in the auxiliary vector of one.
            target.features = target.features.union(said.meet(ARM64_SHARED));
            add_unsaid(&mut target, known.as_ref());
            return Ok(Self { target });
        }
        let core = match &known {
            // Its entry in the catalogue may stand for an arm64 kernel.
            Some(part) if part.v8 => named("v8"),
            Some(part) => Some(part.clone()),
            None if is_v6(facts) && target.features.has(V7) => named("v6k"),
            None => None,
        };
        if let Some(core) = core {
            target.features = core.features;
            target.optional = core.optional;
            target.v8 = core.v8;
            target.kernel.aliasing = core.kernel.aliasing;
        }
        set_said(&mut target, said);
        add_unsaid(&mut target, known.as_ref());
        Ok(Self { target })
    }
}

fn named(name: &str) -> Option<Target> {
    grammar::parse(name).ok()
}

/// The part of the catalogue that the ID register says it is. Of several parts with one number only what all of them have
/// is certain.
fn part(cpuinfo: &str) -> Option<Target> {
    let of = |key| line(cpuinfo, key).and_then(number);
    catalogue::by_midr(of("CPU implementer")?, of("CPU part")?, of("CPU variant"))
        .into_iter()
        .reduce(|one, other| {
            let some = |part: &Target| part.features.union(part.optional);
            let features = one.features.meet(other.features);
            Target {
                features,
                optional: some(&one).union(some(&other)).minus(features),
                ..one
            }
        })
}

/// Whether it is a v6 core, whatever "CPU architecture" says: that tells the form of its page tables, and an ARM1176
/// has those of v7.
fn is_v6(facts: &Facts<'_>) -> bool {
    let says_so = |name: &str| ["ARMv6", "(v6"].iter().any(|mark| name.contains(mark));
    ["model name", "Processor"]
        .iter()
        .filter_map(|key| line(facts.cpuinfo, key))
        .any(says_so)
        || facts.machine.is_some_and(|name| name.starts_with("armv6"))
}

/// Adds what the part has and the kernel does not tell of.
fn add_unsaid(target: &mut Target, part: Option<&Target>) {
    let Some(part) = part else { return };
    target.features = target.features.union(part.features.minus(SAID));
    target.optional = target
        .optional
        .union(part.optional.minus(SAID))
        .minus(target.features);
}

/// Names that mean the same in the lists of both kernels.
const ARM64_SHARED: FeatureSet =
    FeatureSet::of(&[Aes, Pmull, Sha1, Sha2, Crc32, DotProd, Fp16, NeonFp16, Sb]);

/// Features that the kernel tells of by a HWCAP bit, so that silence means absence.
const SAID: FeatureSet = FeatureSet::of(&[
    Swp,
    Thumb,
    Mode26,
    Fpa,
    Vfp,
    V5te,
    Iwmmxt,
    Crunch,
    ThumbEe,
    Neon,
    VfpV3,
    VfpV4,
    VfpD32,
    IdivA,
    IdivT,
    Fp16,
    NeonFp16,
    DotProd,
    Fhm,
    Bf16,
    I8mm,
    Aes,
    Pmull,
    Sha1,
    Sha2,
    Crc32,
    Sb,
    NeonFma,
    NeonHalf,
    TlsRegister,
    TlsUser,
    VfpHalf,
]);

fn has_word(text: &str, word: &str) -> bool {
    line(text, "Features").is_some_and(|list| list.split_whitespace().any(|w| w == word))
}

fn base_name(architecture: &str, arm64: bool) -> Result<&'static str, MachineError> {
    if arm64 {
        return Ok("v8-aarch64");
    }
    match architecture {
        "4" => Ok("v4"),
        "4T" => Ok("v4t"),
        "5" => Ok("v5"),
        "5T" => Ok("v5t"),
        "5TE" => Ok("v5te"),
        "5TEJ" => Ok("v5tej"),
        "6TEJ" | "6" => Ok("v6"),
        "7" => Ok("v7"),
        "8" => Ok("v8"),
        _ => Err(MachineError::Architecture(architecture.to_owned())),
    }
}

fn features_said(text: &str) -> FeatureSet {
    let lists = text.lines().filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        (name.trim() == "Features").then_some(value)
    });
    let sets = lists.map(|list| {
        list.split_whitespace()
            .fold(FeatureSet::EMPTY, |set, word| {
                set.union(isa::features_of_capability(word))
            })
    });
    sets.reduce(FeatureSet::meet).unwrap_or_default().complete()
}

/// Replaces what the base assumed by what the kernel said. Kernels before 2.6.36 did not tell of everything,
/// so what v6K and v7 always have is kept.
fn set_said(target: &mut Target, said: FeatureSet) {
    let always = target
        .features
        .meet(FeatureSet::of(&[TlsRegister, TlsUser]));
    let told = if said.has(VfpV3) && !said.has(VfpD32) && said.has(Neon) {
        said.with(VfpD32)
    } else {
        said
    };
    // The accumulator of XScale comes with iwMMXt, but of a part of which that is not known (PJ4).
    let told = told.minus(target.optional.meet(FeatureSet::one(XscaleDsp)));
    target.features = target.features.minus(SAID).union(told).union(always);
    if told.has(TlsRegister) {
        // A v6 core with the thread register is v6K.
        target.features = target.features.with_if(target.features.has(V6), V6k);
    }
    if told.has(Vfp) {
        let old = !told.has(VfpV3);
        target.features = target
            .features
            .with_if(old, ShortVectors)
            .with_if(old, FpTraps);
        target.optional = target.optional.with(ShortVectors).with(FpTraps);
    }
    target.optional = target
        .optional
        .minus(SAID.minus(FeatureSet::one(Swp)))
        .minus(target.features);
}

/// AT_HWCAP is 16, AT_HWCAP2 26, AT_PAGESZ 6. A 64-bit vector's HWCAP is that of AArch64 and tells other things.
fn apply_auxv(target: &mut Target, bytes: &[u8]) -> Result<(), MachineError> {
    let Some(pairs) = pairs32(bytes) else {
        return Ok(());
    };
    let find = |key: u32| {
        pairs
            .iter()
            .find(|(k, _)| *k == key)
            .map(|(_, value)| *value)
    };
    let hwcap = find(16).ok_or(MachineError::Auxv { len: bytes.len() })?;
    let said = isa::features_of_hwcap(hwcap, find(26).unwrap_or(0));
    set_said(target, said);
    target.kernel.page_size = find(6).or(target.kernel.page_size);
    Ok(())
}

/// Entries of a 32-bit vector; `None` if the bytes look like a 64-bit one.
fn pairs32(bytes: &[u8]) -> Option<Vec<(u32, u32)>> {
    let word = |chunk: &[u8]| chunk.try_into().map(u32::from_le_bytes).ok();
    let pairs: Vec<(u32, u32)> = bytes
        .chunks_exact(8)
        .map_while(|pair| {
            let (key, value) = pair.split_at_checked(4)?;
            Some((word(key)?, word(value)?))
        })
        .collect();
    let is_64 = pairs
        .iter()
        .skip(1)
        .step_by(2)
        .take(4)
        .filter(|(key, _)| *key == 0)
        .count()
        > 2;
    (!is_64).then_some(pairs)
}

struct Config<'a>(&'a str);

impl Config<'_> {
    /// Whether any line is one of a configuration.
    fn has_options(&self) -> bool {
        self.0.lines().map(str::trim).any(|line| {
            let set = line.strip_prefix("CONFIG_");
            let unset = line.strip_prefix("# CONFIG_");
            set.is_some_and(|rest| rest.contains('='))
                || unset.is_some_and(|rest| rest.ends_with(" is not set"))
        })
    }

    fn value(&self, option: &str) -> Option<&str> {
        self.0.lines().find_map(|line| {
            line.trim()
                .strip_prefix("CONFIG_")?
                .strip_prefix(option)?
                .strip_prefix('=')
        })
    }

    fn on(&self, option: &str) -> bool {
        matches!(self.value(option), Some("y" | "m"))
    }

    fn is_unset(&self, option: &str) -> bool {
        let mut unset = self.0.lines().filter_map(|line| {
            let rest = line.trim().strip_prefix("# CONFIG_")?;
            rest.strip_suffix(" is not set")
        });
        unset.any(|name| name == option)
    }

    /// What kernels ask and what does not depend on anything is in every whole configuration; a default configuration or a
    /// fragment leaves out what is as it would be anyway.
    fn is_whole(&self) -> bool {
        self.value("MMU").is_some() || self.is_unset("MMU")
    }

    /// Is an option on? In a whole configuration what is not named is off, as what it depends on is.
    fn state(&self, option: &str) -> Option<bool> {
        let known = self.on(option) || self.is_unset(option) || self.is_whole();
        known.then(|| self.on(option))
    }

    fn number(&self, option: &str) -> Option<u64> {
        let text = self.value(option)?;
        text.strip_prefix("0x").map_or_else(
            || text.parse().ok(),
            |hex| u64::from_str_radix(hex, 16).ok(),
        )
    }
}

fn apply_config(target: &mut Target, config: &Config<'_>) {
    let kernel = &mut target.kernel;
    if config.on("ARM64") {
        kernel.arm64 = true;
        kernel.aarch32 = config.on("COMPAT");
        kernel.task_size = Some(TASK_SIZE_COMPAT);
        kernel.page_size = Some(if config.on("ARM64_64K_PAGES") {
            65536
        } else if config.on("ARM64_16K_PAGES") {
            16384
        } else {
            4096
        });
    } else {
        kernel.aeabi = config.state("AEABI");
        kernel.oabi_compat = config.state("OABI_COMPAT");
        kernel.mmu = config.state("MMU").unwrap_or(kernel.mmu);
        kernel.thumbee = config.state("ARM_THUMBEE");
        kernel.vfp = config.state("VFP");
        kernel.task_size = match config.number("PAGE_OFFSET") {
            Some(offset) => Some(offset.saturating_sub(0x0100_0000)),
            None if config.on("VMSPLIT_2G") => Some(TASK_SIZE_2G),
            None if config.on("VMSPLIT_1G") => Some(TASK_SIZE_1G),
            None if config.on("VMSPLIT_3G") || config.is_whole() => Some(TASK_SIZE_3G),
            None => None,
        };
    }
    // The option appeared in 3.11; before it the helpers were always there, and no configuration names it.
    let before_option = config.is_whole() && !config.0.contains("CONFIG_KUSER_HELPERS");
    let helpers = config.state("KUSER_HELPERS");
    kernel.kuser_helpers = helpers.map(|on| on || before_option);
    kernel.mmap_min_addr = config
        .number("DEFAULT_MMAP_MIN_ADDR")
        .and_then(|n| u32::try_from(n).ok())
        .or(kernel.mmap_min_addr);
    if config.on("CPU_BIG_ENDIAN") {
        kernel.endian = if config.on("CPU_ENDIAN_BE32") {
            Endian::Be32
        } else {
            Endian::Be8
        };
    }
    apply_options(target, config);
}

/// Emulations and units that the kernel was built with, or without.
fn apply_options(target: &mut Target, config: &Config<'_>) {
    let arm64 = target.kernel.arm64;
    // On if one of the options is, off if all are.
    let any = |options: &[&str]| {
        let on = options.iter().any(|option| config.on(option));
        let known = options.iter().all(|option| config.state(option).is_some());
        (on || known).then_some(on)
    };
    let emulations: [(Feature, &[&str]); 4] = if arm64 {
        [
            (FpaEmulated, &["FPE_NWFPE", "FPE_FASTFPE"]),
            (SwpEmulated, &["SWP_EMULATION"]),
            (BarrierEmulated, &["CP15_BARRIER_EMULATION"]),
            (SetendEmulated, &["SETEND_EMULATION"]),
        ]
    } else {
        [
            (FpaEmulated, &["FPE_NWFPE", "FPE_FASTFPE"]),
            (SwpEmulated, &["SWP_EMULATE"]),
            (BarrierEmulated, &[]),
            (SetendEmulated, &[]),
        ]
    };
    for (feature, options) in emulations {
        let Some(on) = any(options) else { continue };
        // The arm64 emulations can also be switched off at run time (/proc/sys/abi).
        let sure = on && !arm64;
        target.features = target.features.with_if(sure, feature);
        target.optional = target
            .optional
            .minus(FeatureSet::one(feature))
            .with_if(on && !sure, feature);
    }
    if arm64 {
        return;
    }
    let units: [(&str, &[Feature]); 4] = [
        ("IWMMXT", &[Iwmmxt, Iwmmxt2]),
        ("CRUNCH", &[Crunch]),
        ("ARM_THUMBEE", &[ThumbEe]),
        ("ARM_THUMB", &[Thumb]),
    ];
    for (option, features) in units {
        if !config.on(option) && config.0.contains(&format!("CONFIG_{option}")) {
            let off = FeatureSet::of(features);
            target.features = target.features.minus(off);
            target.optional = target.optional.minus(off);
        }
    }
    if !config.on("VFP") && config.0.contains("CONFIG_VFP") {
        let off = isa::NEON_V8;
        target.features = target.features.minus(off);
        target.optional = target.optional.minus(off);
    }
}

/// Without a configuration, what only it could tell is not known.
fn unknown_config(target: &mut Target) {
    let kernel = &mut target.kernel;
    if !kernel.arm64 {
        kernel.aeabi = None;
        kernel.oabi_compat = None;
        kernel.task_size = None;
    }
    kernel.kuser_helpers = None;
}
