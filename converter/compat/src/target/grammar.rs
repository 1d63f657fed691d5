//! Names of targets: `v<isa>[-feature…]`, a part of the catalogue, and `+feature` on either.

use super::isa::{ISAS, TASK_SIZE_1G, TASK_SIZE_2G, TASK_SIZE_COMPAT, bare};
use super::{Endian, Target, catalogue};
use crate::feature::Feature::{self, *};
use crate::feature::FeatureSet;

/// No target has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown target \"{name}\"{}; `ckpt-check --list-targets` prints them all",
    near_text(near)
)]
pub struct UnknownTarget {
    /// The name that was asked for.
    pub name: String,
    /// Names that resemble it.
    pub near: Vec<String>,
}

fn near_text(near: &[String]) -> String {
    if near.is_empty() {
        String::new()
    } else {
        format!(" (did you mean {}?)", near.join(", "))
    }
}

/// Architecture names that a target name can begin with.
pub static GRAMMAR_ISAS: &[(&str, &str)] = &[
    ("v4", "ARMv4 (StrongARM, no Thumb)"),
    ("v4t", "ARMv4T (ARM7TDMI, ARM9TDMI)"),
    ("v5", "ARMv5 without Thumb"),
    ("v5t", "ARMv5T"),
    ("v5te", "ARMv5TE (DSP instructions)"),
    ("v5tej", "ARMv5TEJ"),
    ("v6", "ARMv6 (ARM1136 r0)"),
    ("v6k", "ARMv6K (thread register, ldrexd)"),
    ("v6t2", "ARMv6T2 (32-bit Thumb)"),
    ("v7", "ARMv7-A, nothing optional"),
    (
        "v7ve",
        "ARMv7-A with multiprocessing, divide and virtualization",
    ),
    ("v8", "ARMv8-A, 32-bit kernel"),
    (
        "v8-aarch64",
        "ARMv8-A, 32-bit processes under an arm64 kernel",
    ),
];

type Change = fn(&mut Target);

/// What can follow in a target name.
pub static GRAMMAR_FEATURES: &[(&str, &str, Change)] = &[
    ("fpa", "FPA unit in hardware", |t| add(t, &[Fpa])),
    ("nwfpe", "FPA by the kernel's emulation", |t| {
        add(t, &[FpaEmulated]);
    }),
    ("vfp", "VFPv2; on v7 VFPv3-D16", |t| {
        add(t, &[Vfp, ShortVectors, FpTraps]);
        if t.features.has(V7) {
            add(t, &[VfpV3]);
            t.features = t.features.minus(FeatureSet::of(&[ShortVectors, FpTraps]));
            t.optional = t
                .optional
                .union(FeatureSet::of(&[ShortVectors, FpTraps, VfpHalf]));
        }
    }),
    ("vfpv2", "VFPv2", |t| add(t, &[Vfp, ShortVectors, FpTraps])),
    ("vfpv3", "VFPv3 with 32 registers", |t| {
        add_v7_fp(t, &[Vfp, VfpV3, VfpD32]);
    }),
    ("vfpv3-d16", "VFPv3 with 16 registers", |t| {
        add_v7_fp(t, &[Vfp, VfpV3]);
    }),
    ("vfpv4", "VFPv4 with 32 registers", |t| {
        add_v7_fp(t, &[Vfp, VfpV3, VfpHalf, VfpV4, VfpD32]);
    }),
    ("vfpv4-d16", "VFPv4 with 16 registers", |t| {
        add_v7_fp(t, &[Vfp, VfpV3, VfpHalf, VfpV4]);
    }),
    ("neon", "Advanced SIMD with VFPv3-D32", |t| {
        add_v7_fp(t, &[Vfp, VfpV3, VfpD32, Neon]);
    }),
    ("xscale", "XScale DSP coprocessor", |t| add(t, &[XscaleDsp])),
    ("iwmmxt", "iwMMXt", |t| add(t, &[Iwmmxt, XscaleDsp])),
    ("iwmmxt2", "iwMMXt2", |t| {
        add(t, &[Iwmmxt, Iwmmxt2, XscaleDsp]);
    }),
    ("crunch", "MaverickCrunch", |t| add(t, &[Crunch])),
    ("thumbee", "ThumbEE, and a kernel with it", |t| {
        add(t, &[ThumbEe]);
        t.kernel.thumbee = Some(true);
    }),
    ("jazelle", "full Jazelle", |t| add(t, &[Jazelle])),
    ("idiv", "divide in both states", |t| add(t, &[IdivA, IdivT])),
    ("mp", "multiprocessing extension", |t| add(t, &[V7mp])),
    ("crypto", "v8 AES, PMULL, SHA-1, SHA-256", |t| {
        add(t, &[Aes, Pmull, Sha1, Sha2]);
    }),
    ("oabi", "a kernel without AEABI", |t| {
        t.kernel.aeabi = Some(false);
        t.kernel.oabi_compat = Some(false);
    }),
    ("oabi-compat", "an AEABI kernel with OABI_COMPAT", |t| {
        t.kernel.oabi_compat = Some(true);
    }),
    ("nommu", "no memory management unit", |t| {
        t.kernel.mmu = false;
    }),
    ("be8", "big-endian data, little-endian code", |t| {
        t.kernel.endian = Endian::Be8;
    }),
    ("be32", "big-endian data and code", |t| {
        t.kernel.endian = Endian::Be32;
    }),
    ("vmsplit-2g", "2G/2G split", |t| {
        t.kernel.task_size = Some(TASK_SIZE_2G);
    }),
    ("vmsplit-1g", "1G/3G split", |t| {
        t.kernel.task_size = Some(TASK_SIZE_1G);
    }),
    ("page16k", "16 KiB pages", |t| {
        t.kernel.page_size = Some(16384);
    }),
    ("page64k", "64 KiB pages", |t| {
        t.kernel.page_size = Some(65536);
    }),
    ("nokuser", "a kernel without the helper page", |t| {
        t.kernel.kuser_helpers = Some(false);
    }),
    ("swp-emulate", "swp emulated by the kernel", |t| {
        add(t, &[SwpEmulated]);
    }),
    ("nothumb", "no Thumb", |t| {
        t.features = t.features.minus(FeatureSet::one(Thumb));
    }),
];

fn add(target: &mut Target, features: &[Feature]) {
    let added = FeatureSet::of(features);
    target.features = target.features.union(added).complete();
    target.optional = target.optional.minus(added);
}

/// Floating point of v7 cores may or may not keep short vectors and trapping, and half precision is an option.
fn add_v7_fp(target: &mut Target, features: &[Feature]) {
    add(target, features);
    let doubtful = FeatureSet::of(&[ShortVectors, FpTraps, VfpHalf])
        .with_if(target.features.has(Neon), NeonHalf);
    target.optional = target.optional.union(doubtful.minus(target.features));
}

/// One word of a name: of the grammar, or any feature by its own name.
pub(super) fn apply(target: &mut Target, word: &str) -> bool {
    if let Some((.., change)) = GRAMMAR_FEATURES.iter().find(|(name, ..)| *name == word) {
        change(target);
        return true;
    }
    word.parse().map(|feature| add(target, &[feature])).is_ok()
}

pub(super) fn parse(name: &str) -> Result<Target, UnknownTarget> {
    let mut words = name.split('+');
    let head = words.next().unwrap_or_default();
    let unknown = || UnknownTarget {
        name: name.to_owned(),
        near: near(head),
    };
    let mut target = catalogue::by_name(head)
        .or_else(|| by_grammar(head))
        .ok_or_else(unknown)?;
    for word in words {
        if !apply(&mut target, word) {
            return Err(UnknownTarget {
                name: name.to_owned(),
                near: near_words(word, feature_names()),
            });
        }
    }
    if name.contains('+') {
        name.clone_into(&mut target.name);
    }
    Ok(target)
}

/// `v<isa>[-feature…]`; features may hold hyphens, so the longest match wins.
pub(super) fn by_grammar(name: &str) -> Option<Target> {
    let mut rest: Vec<&str> = name.split('-').collect();
    let isa = ISAS.iter().find(|isa| rest.first() == Some(&isa.name))?;
    rest.remove(0);
    let mut target = bare(isa);
    if isa.name == "v8" && rest.first() == Some(&"aarch64") {
        rest.remove(0);
        under_arm64(&mut target);
    }
    while !rest.is_empty() {
        let taken = (1..=rest.len().min(3)).rev().find(|n| {
            let word = rest
                .get(..*n)
                .map(|parts| parts.join("-"))
                .unwrap_or_default();
            apply(&mut target, &word)
        })?;
        rest.drain(..taken);
    }
    name.clone_into(&mut target.name);
    target.title = target.describe();
    Some(target)
}

/// What an arm64 kernel changes for 32-bit processes.
pub(super) fn under_arm64(target: &mut Target) {
    target.kernel.arm64 = true;
    target.kernel.task_size = Some(TASK_SIZE_COMPAT);
    target.kernel.oabi_compat = Some(false);
    // SCTLR_EL1.CP15BEN and SED belong to the emulation code there.
    target.optional = target
        .optional
        .minus(FeatureSet::of(&[Cp15Barrier, Setend, FpaEmulated]));
}

fn feature_names() -> impl Iterator<Item = &'static str> {
    GRAMMAR_FEATURES
        .iter()
        .map(|(name, ..)| *name)
        .chain(Feature::ALL.iter().map(|f| f.name()))
}

/// Common compositions, so that a typo in one of them finds it.
const COMMON: &[&str] = &[
    "v6-vfp",
    "v6k-vfp",
    "v7-vfp",
    "v7-vfpv3",
    "v7-vfpv4",
    "v7-neon",
    "v5te-xscale",
    "v5te-iwmmxt",
    "v8-aarch64",
];

fn near(name: &str) -> Vec<String> {
    let grammar = GRAMMAR_ISAS
        .iter()
        .map(|(name, _)| *name)
        .chain(COMMON.iter().copied());
    let mut found = near_words(name, grammar.chain(catalogue::names()));
    // A known architecture with one misspelt feature: correct the feature.
    if let Some((head, last)) = name.rsplit_once('-')
        && by_grammar(head).is_some()
    {
        found.extend(
            near_words(last, feature_names())
                .into_iter()
                .map(|word| format!("{head}-{word}")),
        );
    }
    found.dedup();
    found.truncate(5);
    found
}

fn near_words<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Vec<String> {
    let word = word.to_lowercase();
    let mut ranked: Vec<(usize, &str)> = known
        .map(|name| (distance(&word, name), name))
        .filter(|(distance, name)| {
            *distance <= 2.max(name.len() / 4) || name.starts_with(&word) && word.len() > 2
        })
        .collect();
    ranked.sort_unstable();
    ranked.dedup();
    ranked
        .into_iter()
        .take(5)
        .map(|(_, name)| name.to_owned())
        .collect()
}

/// Edits (insert, delete, replace, swap of neighbours counts two) between two short names.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, left) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut before = i + 1;
        for (right, cell) in b.chars().zip(row.iter_mut().skip(1)) {
            let replace = diagonal + usize::from(left != right);
            diagonal = *cell;
            *cell = replace.min(diagonal + 1).min(before + 1);
            before = *cell;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}
