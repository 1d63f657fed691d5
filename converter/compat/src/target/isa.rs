//! Architecture versions as sets of features, and the kernel's HWCAP bits
//! (DDI0100I, DDI0406C, DDI0487; `arch/arm/include/uapi/asm/hwcap.h`).

use super::{Endian, Kernel, Target};
use crate::feature::Feature::{self, *};
use crate::feature::FeatureSet;

/// User space of a 3G/1G split: TASK_SIZE is PAGE_OFFSET less 16 MiB (`arch/arm/include/asm/memory.h`).
pub(super) const TASK_SIZE_3G: u64 = 0xbf00_0000;
pub(super) const TASK_SIZE_2G: u64 = 0x7f00_0000;
pub(super) const TASK_SIZE_1G: u64 = 0x3f00_0000;
/// 32-bit processes under arm64 (`TASK_SIZE_32`).
pub(super) const TASK_SIZE_COMPAT: u64 = 0xffff_f000;

const V4: FeatureSet = FeatureSet::of(&[Swp, Mode26]);
const V4T: FeatureSet = FeatureSet::of(&[Swp, Bx, Thumb]);
const V5T: FeatureSet = FeatureSet::of(&[Swp, Bx, Thumb, Feature::V5t]);
const V5TE: FeatureSet = V5T.with(Feature::V5te);
const V5TEJ: FeatureSet = V5TE.with(Bxj);
const V6: FeatureSet = V5TEJ.union(FeatureSet::of(&[
    Feature::V6,
    Setend,
    Unaligned,
    Cp15Barrier,
]));
const V6K: FeatureSet = V6.union(FeatureSet::of(&[Feature::V6k, TlsRegister, TlsUser]));
const V6T2: FeatureSet = V6.with(Feature::V6t2);
const V7: FeatureSet = V6K
    .union(FeatureSet::of(&[Feature::V6t2, Feature::V7]))
    .minus(FeatureSet::one(Swp));
const V7VE: FeatureSet = V7.union(FeatureSet::of(&[V7mp, IdivA, IdivT, Timer]));
/// Floating point of v8 is complete wherever it is, and Linux machines have it.
pub(super) const VFP_V8: FeatureSet = FeatureSet::of(&[Vfp, VfpV3, VfpHalf, VfpV4, VfpV8, VfpD32]);
pub(super) const NEON_V8: FeatureSet =
    VFP_V8.union(FeatureSet::of(&[Neon, NeonHalf, NeonFma, NeonV8]));
const V8: FeatureSet = V7VE
    .union(NEON_V8)
    .with(Feature::V8)
    .minus(FeatureSet::of(&[Cp15Barrier, Setend]));
const V8_LATER: FeatureSet = FeatureSet::of(&[
    Crc32, Aes, Pmull, Sha1, Sha2, Sb, Fp16, Jscvt, NeonFp16, Rdm, Fcma, DotProd, Fhm, Bf16, I8mm,
]);

/// One architecture version.
pub(super) struct Isa {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) cpu_architecture: u16,
    pub(super) features: FeatureSet,
    pub(super) optional: FeatureSet,
}

const NONE: FeatureSet = FeatureSet::EMPTY;
/// swp on v7 needs SCTLR.SW or the kernel's emulation; the counters need PMUSERENR.
const V7_OPTIONAL: FeatureSet = FeatureSet::of(&[Swp, SwpEmulated, Pmu]);

pub(super) static ISAS: &[Isa] = &[
    Isa {
        name: "v4",
        title: "ARMv4",
        cpu_architecture: 2,
        features: V4,
        optional: NONE,
    },
    Isa {
        name: "v4t",
        title: "ARMv4T",
        cpu_architecture: 3,
        features: V4T,
        optional: NONE,
    },
    Isa {
        name: "v5",
        title: "ARMv5",
        cpu_architecture: 4,
        features: V5T.minus(FeatureSet::one(Thumb)),
        optional: NONE,
    },
    Isa {
        name: "v5t",
        title: "ARMv5T",
        cpu_architecture: 5,
        features: V5T,
        optional: NONE,
    },
    Isa {
        name: "v5te",
        title: "ARMv5TE",
        cpu_architecture: 6,
        features: V5TE,
        optional: NONE,
    },
    Isa {
        name: "v5tej",
        title: "ARMv5TEJ",
        cpu_architecture: 7,
        features: V5TEJ,
        optional: NONE,
    },
    Isa {
        name: "v6",
        title: "ARMv6",
        cpu_architecture: 8,
        features: V6,
        optional: NONE,
    },
    Isa {
        name: "v6k",
        title: "ARMv6K",
        cpu_architecture: 8,
        features: V6K,
        optional: NONE,
    },
    Isa {
        name: "v6t2",
        title: "ARMv6T2",
        cpu_architecture: 8,
        features: V6T2,
        optional: NONE,
    },
    Isa {
        name: "v7",
        title: "ARMv7-A",
        cpu_architecture: 9,
        features: V7,
        optional: V7_OPTIONAL.with(V7mp),
    },
    Isa {
        name: "v7ve",
        title: "ARMv7-A with virtualization",
        cpu_architecture: 9,
        features: V7VE,
        optional: V7_OPTIONAL,
    },
    Isa {
        name: "v8",
        title: "ARMv8-A in AArch32",
        cpu_architecture: 9,
        features: V8,
        optional: V8_LATER.union(FeatureSet::of(&[
            SwpEmulated,
            BarrierEmulated,
            SetendEmulated,
            Cp15Barrier,
            Setend,
            Pmu,
        ])),
    },
];

/// The features of an architecture named like `v5te`; `None` if there is no such name.
pub fn features_of_isa_name(name: &str) -> Option<FeatureSet> {
    ISAS.iter()
        .find(|isa| isa.name == name)
        .map(|isa| isa.features)
}

/// A target with nothing but an architecture, under the kernel that such machines usually run.
pub(super) fn bare(isa: &Isa) -> Target {
    Target {
        name: isa.name.to_owned(),
        title: isa.title.to_owned(),
        cpu_architecture: isa.cpu_architecture,
        v8: isa.name == "v8",
        features: isa.features,
        // FPE_NWFPE is a choice of every 32-bit kernel configuration.
        optional: isa.optional.with(FpaEmulated),
        kernel: Kernel {
            aarch32: true,
            arm64: false,
            aeabi: Some(true),
            oabi_compat: Some(false),
            mmu: true,
            endian: Endian::Little,
            task_size: Some(TASK_SIZE_3G),
            page_size: Some(4096),
            mmap_min_addr: None,
            kuser_helpers: Some(true),
            thumbee: None,
            vfp: None,
            aliasing: match isa.cpu_architecture {
                0..=7 => Some(true),
                8 => None,
                _ => Some(false),
            },
            release: None,
        },
        sources: Vec::new(),
    }
}

/// AT_HWCAP: bit, the kernel's name, and what it tells of the processor.
static HWCAP: [(&str, FeatureSet); 28] = [
    ("swp", FeatureSet::one(Swp)),
    ("half", NONE),
    ("thumb", FeatureSet::of(&[Thumb, Bx])),
    ("26bit", FeatureSet::one(Mode26)),
    ("fastmult", NONE),
    ("fpa", FeatureSet::one(Fpa)),
    ("vfp", FeatureSet::one(Vfp)),
    ("edsp", FeatureSet::one(Feature::V5te)),
    ("java", FeatureSet::one(Bxj)),
    ("iwmmxt", FeatureSet::of(&[Iwmmxt, XscaleDsp])),
    ("crunch", FeatureSet::one(Crunch)),
    ("thumbee", FeatureSet::one(ThumbEe)),
    ("neon", FeatureSet::of(&[Neon, Vfp, VfpV3, VfpD32])),
    ("vfpv3", FeatureSet::of(&[Vfp, VfpV3])),
    ("vfpv3d16", FeatureSet::of(&[Vfp, VfpV3])),
    ("tls", FeatureSet::of(&[TlsRegister, TlsUser])),
    ("vfpv4", FeatureSet::of(&[Vfp, VfpV3, VfpHalf, VfpV4])),
    ("idiva", FeatureSet::one(IdivA)),
    ("idivt", FeatureSet::one(IdivT)),
    ("vfpd32", FeatureSet::of(&[Vfp, VfpD32])),
    ("lpae", NONE),
    ("evtstrm", NONE),
    ("fphp", FeatureSet::one(Fp16)),
    ("asimdhp", FeatureSet::one(NeonFp16)),
    ("asimddp", FeatureSet::one(DotProd)),
    ("asimdfhm", FeatureSet::one(Fhm)),
    ("asimdbf16", FeatureSet::one(Bf16)),
    ("i8mm", FeatureSet::one(I8mm)),
];

/// AT_HWCAP2.
static HWCAP2: [(&str, FeatureSet); 7] = [
    ("aes", FeatureSet::one(Aes)),
    ("pmull", FeatureSet::one(Pmull)),
    ("sha1", FeatureSet::one(Sha1)),
    ("sha2", FeatureSet::one(Sha2)),
    ("crc32", FeatureSet::one(Crc32)),
    ("sb", FeatureSet::one(Sb)),
    ("ssbs", NONE),
];

fn names_of(table: &'static [(&'static str, FeatureSet)], word: u32) -> Vec<&'static str> {
    table
        .iter()
        .enumerate()
        .filter(|(bit, _)| word >> bit & 1 == 1)
        .map(|(_, (name, _))| *name)
        .collect()
}

/// Names of the bits that are set in AT_HWCAP.
pub fn hwcap_names(hwcap: u32) -> Vec<&'static str> {
    names_of(&HWCAP, hwcap)
}

/// Names of the bits that are set in AT_HWCAP2.
pub fn hwcap2_names(hwcap2: u32) -> Vec<&'static str> {
    names_of(&HWCAP2, hwcap2)
}

/// What the two words advertise. A unit implies what every such unit has; NEON with VFPv4 has both its extensions.
pub fn features_of_hwcap(hwcap: u32, hwcap2: u32) -> FeatureSet {
    let names = hwcap_names(hwcap).into_iter().chain(hwcap2_names(hwcap2));
    names
        .fold(NONE, |all, name| all.union(features_of_capability(name)))
        .complete()
}

/// What one capability name of `/proc/cpuinfo` tells.
pub(super) fn features_of_capability(name: &str) -> FeatureSet {
    HWCAP
        .iter()
        .chain(&HWCAP2)
        .find(|(known, _)| *known == name)
        .map_or(NONE, |(_, features)| *features)
}

impl FeatureSet {
    /// Adds what two features imply together.
    pub(super) const fn complete(self) -> Self {
        let fused = self.has(Neon) && self.has(VfpV4);
        self.with_if(fused, NeonFma).with_if(fused, NeonHalf)
    }
}

/// Architecture and units in words.
pub(super) fn describe(target: &Target) -> String {
    let have = |feature| target.features.has(feature);
    let isa = ISAS
        .iter()
        .rev()
        .find(|isa| {
            isa.features
                .minus(FeatureSet::of(&[Swp, Mode26, Thumb]))
                .within(target.features)
        })
        .map_or("ARM", |isa| isa.title);
    let unit = match () {
        () if have(VfpV8) => Some("VFPv8"),
        () if have(VfpV4) => Some("VFPv4"),
        () if have(VfpV3) => Some("VFPv3"),
        () if have(Vfp) => Some("VFPv2"),
        () => None,
    };
    let bank = match () {
        () if unit.is_none() || !have(VfpV3) => "",
        () if have(VfpD32) => "-D32",
        () => "-D16",
    };
    let mut words = vec![isa.to_owned()];
    words.extend(unit.map(|unit| format!("{unit}{bank}")));
    let more = [
        (Neon, "NEON"),
        (IdivA, "divide"),
        (Iwmmxt, "iwMMXt"),
        (Crunch, "Crunch"),
        (XscaleDsp, "XScale DSP"),
        (Fpa, "FPA"),
        (FpaEmulated, "FPA emulation"),
        (ThumbEe, "ThumbEE"),
        (Jazelle, "Jazelle"),
        (Crc32, "CRC32"),
        (Aes, "crypto"),
    ];
    words.extend(
        more.iter()
            .filter(|(feature, _)| have(*feature))
            .map(|(_, word)| (*word).to_owned()),
    );
    words.join(" + ")
}
