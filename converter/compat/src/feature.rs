//! What code can need of a processor, and what a processor can have: one enumeration for both.

use std::fmt;

/// Declares [`Feature`] with its names, so that each feature is described in one place.
macro_rules! features {
    ($($variant:ident $name:literal $what:literal;)*) => {
        /// One ability of a processor that an instruction can need.
        ///
        /// Sources: ARM ARM DDI0100 (v4 to v6), DDI0406 (v7-A), DDI0487 part F (v8 AArch32),
        /// the Intel XScale and iwMMXt developer manuals, the Cirrus EP93xx user guide.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Feature {
            $(#[doc = $what] $variant,)*
        }

        impl Feature {
            /// Every feature, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Stable short name, as target files and reports spell it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it is, in a few words.
            pub const fn what(self) -> &'static str {
                match self { $(Self::$variant => $what,)* }
            }
        }
    };
}

features! {
    Bx "bx" "branch with exchange (v4T)";
    Thumb "thumb" "16-bit Thumb instructions (v4T)";
    V5t "v5t" "v5T instructions: clz, blx, bkpt, coprocessor instructions of the second space";
    V5te "dsp" "v5TE instructions: saturating and halfword arithmetic, ldrd, strd, pld, mcrr";
    Bxj "bxj" "the instruction bxj (v5TEJ and later)";
    V6 "v6" "v6 instructions: ldrex, rev, extend, packed arithmetic, cps";
    V6k "v6k" "v6K instructions: ldrexb, ldrexh, ldrexd, clrex";
    V6t2 "v6t2" "v6T2 instructions: 32-bit Thumb, IT, movw, movt, bit fields, rbit, mls";
    V7 "v7" "v7 instructions: dmb, dsb, isb, pli, mov pc to Thumb code";
    V7mp "v7mp" "multiprocessing extension: pldw";
    IdivA "idiva" "sdiv and udiv in ARM state";
    IdivT "idivt" "sdiv and udiv in Thumb state";
    Virt "virt" "virtualization extension: hvc, eret, banked registers";
    Smc "smc" "security extension: smc";
    V8 "v8" "v8 AArch32 instructions: lda, stl, ldaex, stlex, hlt";
    Crc32 "crc32" "v8 crc32 instructions";
    Aes "aes" "v8 AES instructions";
    Pmull "pmull" "v8 64-bit polynomial multiply";
    Sha1 "sha1" "v8 SHA-1 instructions";
    Sha2 "sha2" "v8 SHA-256 instructions";
    Sb "sb" "speculation barrier instruction sb";
    Vfp "vfp" "VFPv2 floating point";
    VfpV3 "vfpv3" "VFPv3: immediate moves, fixed-point conversions";
    VfpD32 "vfpd32" "the registers d16 to d31";
    VfpHalf "vfp-half" "half-precision conversions in VFP";
    VfpV4 "vfpv4" "VFPv4: fused multiply-add";
    VfpV8 "vfpv8" "v8 floating point: vsel, vmaxnm, vrint, directed vcvt, double to half";
    Fp16 "fp16" "half-precision arithmetic in VFP (v8.2)";
    Jscvt "jscvt" "vjcvt (v8.3)";
    Neon "neon" "Advanced SIMD";
    NeonHalf "neon-half" "half-precision conversions in Advanced SIMD";
    NeonFma "neon-fma" "fused multiply-add in Advanced SIMD";
    NeonV8 "neonv8" "v8 Advanced SIMD: vrint, vmaxnm, directed vcvt";
    NeonFp16 "neon-fp16" "half-precision arithmetic in Advanced SIMD (v8.2)";
    Rdm "rdm" "vqrdmlah and vqrdmlsh (v8.1)";
    Fcma "fcma" "vcadd and vcmla (v8.3)";
    DotProd "dotprod" "vsdot and vudot (v8.2)";
    Fhm "fhm" "vfmal and vfmsl (v8.2)";
    Bf16 "bf16" "bfloat16 instructions (v8.6)";
    I8mm "i8mm" "8-bit integer matrix multiply (v8.6)";
    Fpa "fpa" "FPA floating point (coprocessors 1 and 2), in hardware";
    Iwmmxt "iwmmxt" "iwMMXt (coprocessors 0 and 1)";
    Iwmmxt2 "iwmmxt2" "iwMMXt2";
    FpaOrIwmmxt "fpa-or-iwmmxt" "a coprocessor 1 instruction that means one thing to FPA and another to iwMMXt";
    Crunch "crunch" "MaverickCrunch (coprocessors 4, 5 and 6)";
    XscaleDsp "xscale" "XScale DSP: mia, mar, mra and the accumulator acc0";
    Jazelle "jazelle" "execution of Java bytecode in hardware";
    ThumbEe "thumbee" "ThumbEE state and its handler base register";
    Swp "swp" "swp and swpb";
    Setend "setend" "setend, data access of either byte order";
    TlsRegister "tls" "thread register TPIDRURO (mrc p15,0,rX,c13,c0,3)";
    TlsUser "tls-user" "thread register TPIDRURW (mrc or mcr p15,0,rX,c13,c0,2)";
    Cp15Barrier "cp15-barrier" "barriers by mcr p15 (v6)";
    Pmu "pmu" "performance counters (p15, c9), readable from user mode";
    Timer "timer" "generic timer (mrrc p15, c14)";
    Cp14 "cp14" "debug registers (p14) from user mode";
    Cp15Other "cp15-other" "another system register, not open to user mode";
    CoprocOther "coproc-other" "a coprocessor that no ARM machine under Linux has";
    Privileged "privileged" "an instruction that user mode may not use";
    Mode26 "26bit" "26-bit processor modes";
    ShortVectors "short-vectors" "VFP short vectors (FPSCR.LEN, STRIDE)";
    FpTraps "fp-traps" "trapped floating-point exceptions";
    Undefined "undefined" "an instruction that no architecture defines, or udf";
    Unaligned "unaligned" "v6-style unaligned word and halfword access";
    FpaEmulated "nwfpe" "FPA by emulation in the kernel (nwfpe or fastfpe)";
    SwpEmulated "swp-emulate" "swp by emulation in the kernel";
    BarrierEmulated "cp15-barrier-emulate" "CP15 barriers by emulation in the kernel";
    SetendEmulated "setend-emulate" "setend by emulation in the kernel";
}

/// A set of [`Feature`]s.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct FeatureSet(u128);

impl FeatureSet {
    /// The empty set.
    pub const EMPTY: Self = Self(0);

    /// The set of the listed features.
    pub const fn of(features: &[Feature]) -> Self {
        let mut bits = 0;
        let mut rest = features;
        while let [first, tail @ ..] = rest {
            bits |= 1 << (*first as u8);
            rest = tail;
        }
        Self(bits)
    }

    /// Extensions of the base architecture since v6T2, and what v8 brought to its units: build attributes declare
    /// them, and an older machine has none.
    pub(crate) const SINCE_V6T2: Self = Self::of(&[
        Feature::V6t2,
        Feature::V7,
        Feature::V7mp,
        Feature::V8,
        Feature::Crc32,
        Feature::Aes,
        Feature::Pmull,
        Feature::Sha1,
        Feature::Sha2,
        Feature::Sb,
        Feature::VfpV8,
        Feature::Fp16,
        Feature::Jscvt,
        Feature::NeonV8,
        Feature::NeonFp16,
        Feature::Rdm,
        Feature::Fcma,
        Feature::DotProd,
        Feature::Fhm,
        Feature::Bf16,
        Feature::I8mm,
    ]);

    /// What compilers and people hardly ever write for user mode: a sign of data.
    pub(crate) const ODD: Self = Self::of(&[
        Feature::CoprocOther,
        Feature::Cp15Other,
        Feature::Cp14,
        Feature::Privileged,
        Feature::Virt,
        Feature::Smc,
        Feature::ThumbEe,
    ]);

    /// The set of one feature.
    pub const fn one(feature: Feature) -> Self {
        Self(1 << (feature as u8))
    }

    /// Both sets together.
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What both sets have.
    pub const fn meet(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What this set has and the other has not.
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// This set and one more feature.
    pub const fn with(self, feature: Feature) -> Self {
        self.union(Self::one(feature))
    }

    /// This set and one more feature if the condition holds.
    pub const fn with_if(self, condition: bool, feature: Feature) -> Self {
        if condition { self.with(feature) } else { self }
    }

    /// Is the feature in the set?
    pub const fn has(self, feature: Feature) -> bool {
        self.0 & (1 << (feature as u8)) != 0
    }

    /// Is every member also in the other set?
    pub const fn within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// Is it empty?
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The members in the order of declaration.
    pub fn iter(self) -> impl Iterator<Item = Feature> {
        let mut bits = self.0;
        std::iter::from_fn(move || {
            let feature = Feature::ALL.get(bits.trailing_zeros() as usize)?;
            bits &= bits - 1;
            Some(*feature)
        })
    }
}

impl FromIterator<Feature> for FeatureSet {
    fn from_iter<I: IntoIterator<Item = Feature>>(features: I) -> Self {
        features.into_iter().fold(Self::EMPTY, Self::with)
    }
}

impl fmt::Debug for FeatureSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(self.iter().map(Feature::name))
            .finish()
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Feature {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL
            .iter()
            .copied()
            .find(|f| f.name() == name)
            .ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_resolve_both_ways() {
        for feature in Feature::ALL {
            assert_eq!(feature.name().parse(), Ok(*feature));
        }
        assert!(Feature::ALL.len() <= 128);
    }

    #[test]
    fn sets_follow_set_algebra() {
        let a = FeatureSet::of(&[Feature::Vfp, Feature::Neon]);
        let b = FeatureSet::one(Feature::Neon);
        assert!(b.within(a) && !a.within(b));
        assert_eq!(a.minus(b).iter().collect::<Vec<_>>(), [Feature::Vfp]);
        assert_eq!(a.meet(b), b);
    }
}
