//! Build attributes of the vendor "aeabi" (IHI0045, chapter 3).

use std::collections::BTreeMap;

use crate::feature::Feature::{self, *};
use crate::feature::FeatureSet;

/// A value: a number, a text, or both (`Tag_compatibility`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttributeValue {
    /// ULEB128 number.
    Number(u32),
    /// Text.
    Text(String),
    /// Number and text.
    Both(u32, String),
}

/// The attributes of a whole file, by tag.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    values: BTreeMap<u32, AttributeValue>,
}

const CPU_NAME: u32 = 5;
const CPU_ARCH: u32 = 6;
const THUMB_USE: u32 = 9;
const FP_ARCH: u32 = 10;
const WMMX_ARCH: u32 = 11;
const SIMD_ARCH: u32 = 12;
const VFP_ARGS: u32 = 28;
const UNALIGNED: u32 = 34;
const FP_HP: u32 = 36;
const MP_USE: u32 = 42;
const DIV_USE: u32 = 44;
const T2EE_USE: u32 = 66;
const VIRT_USE: u32 = 68;

/// The base instruction set; everything else is declared by other tags, or by none.
const BASE: FeatureSet = FeatureSet::of(&[
    Feature::V5t,
    V5te,
    Feature::V6,
    Feature::V6k,
    Feature::V6t2,
    Feature::V7,
    Feature::V8,
]);

/// Extensions that raise a tag of the file that uses them.
const DECLARED: FeatureSet = FeatureSet::SINCE_V6T2.union(FeatureSet::of(&[
    VfpD32, VfpHalf, VfpV4, Neon, NeonHalf, NeonFma, Iwmmxt, Iwmmxt2,
]));

impl Attributes {
    /// Reads the contents of a section `.ARM.attributes`; `None` if they are of another format.
    /// What follows damage is left out.
    pub fn parse(section: &[u8], big_endian: bool) -> Option<Self> {
        let (b'A', mut rest) = section.split_first().map(|(first, rest)| (*first, rest))? else {
            return None;
        };
        let mut attributes = Self::default();
        while let Some((vendor, body, after)) = vendor_section(rest, big_endian) {
            if vendor == b"aeabi" {
                attributes.file_scope(body, big_endian);
            }
            rest = after;
        }
        Some(attributes)
    }

    /// Scopes: 1 is the whole file; 2 (sections) and 3 (symbols) nobody writes, and readers may skip them.
    fn file_scope(&mut self, mut rest: &[u8], big_endian: bool) {
        while let Some((scope, after_tag)) = uleb(rest) {
            let Some(len) = after_tag.get(..4).and_then(|bytes| word(bytes, big_endian)) else {
                return;
            };
            let Some(part) = usize::try_from(len).ok().and_then(|len| rest.get(..len)) else {
                return;
            };
            let head = rest.len() - after_tag.len() + 4;
            if scope == 1 {
                self.tags(part.get(head..).unwrap_or_default());
            }
            if part.len() < head {
                return;
            }
            rest = rest.get(part.len()..).unwrap_or_default();
        }
    }

    fn tags(&mut self, mut rest: &[u8]) {
        while let Some((tag, after)) = uleb(rest) {
            let is_text = matches!(tag, 4 | CPU_NAME | 65 | 67) || tag > 32 && tag % 2 == 1;
            let read = if tag == 32 {
                uleb(after).and_then(|(number, after)| {
                    let (text, after) = text(after)?;
                    Some((AttributeValue::Both(number, text), after))
                })
            } else if is_text {
                text(after).map(|(text, after)| (AttributeValue::Text(text), after))
            } else {
                uleb(after).map(|(number, after)| (AttributeValue::Number(number), after))
            };
            let Some((value, after)) = read else { return };
            self.values.insert(tag, value);
            rest = after;
        }
    }

    /// A number by tag; an absent tag means 0 (IHI0045 3.1.1).
    pub fn number(&self, tag: u32) -> u32 {
        match self.values.get(&tag) {
            Some(AttributeValue::Number(number) | AttributeValue::Both(number, _)) => *number,
            _ => 0,
        }
    }

    /// All tags that are there.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &AttributeValue)> {
        self.values.iter().map(|(tag, value)| (*tag, value))
    }

    /// `Tag_ABI_VFP_args` is 1: floating-point arguments travel in VFP registers.
    pub fn hard_float(&self) -> bool {
        self.number(VFP_ARGS) == 1
    }

    /// `Tag_CPU_unaligned_access`: the code relies on v6-style unaligned access.
    pub fn unaligned(&self) -> bool {
        self.number(UNALIGNED) == 1
    }

    /// Name of the architecture that `Tag_CPU_arch` declares.
    pub fn arch_name(&self) -> &'static str {
        name_of(&CPU_ARCHES, self.number(CPU_ARCH)).unwrap_or("unknown")
    }

    /// What the code may use of the base architecture, by what the file declares.
    pub fn base_features(&self) -> FeatureSet {
        let isa = match self.number(CPU_ARCH) {
            0 | 1 => "v4",
            2 => "v4t",
            3 => "v5t",
            4 => "v5te",
            5 => "v5tej",
            6 => "v6",
            7 | 9 => "v6k",
            8 => "v6t2",
            10 => "v7",
            14 | 15 | 18..=20 | 22 => "v8",
            _ => return FeatureSet::EMPTY,
        };
        let base = crate::target::features_of_isa_name(isa)
            .unwrap_or_default()
            .meet(BASE);
        let thumb = self.number(THUMB_USE);
        base.with_if(matches!(thumb, 1..=3), Thumb)
            .with_if(thumb == 2, Feature::V6t2)
    }

    /// What a compiler or an assembler would have had to declare, and did not: a word of the file that looks like such
    /// an instruction is data, or code that its author keeps from machines without it.
    pub fn undeclared(&self) -> FeatureSet {
        const V8: u32 = 14;
        let arch = self.number(CPU_ARCH);
        let extensions = if arch >= V8 {
            FeatureSet::EMPTY
        } else {
            DECLARED
        };
        extensions
            .union(FeatureSet::ODD)
            .minus(self.base_features())
            .minus(self.unit_features())
    }

    /// What the code may use of units beside the base architecture, by what the file declares.
    pub fn unit_features(&self) -> FeatureSet {
        let fp: &[Feature] = match self.number(FP_ARCH) {
            1 | 2 => &[Vfp],
            3 => &[Vfp, VfpV3, VfpD32],
            4 => &[Vfp, VfpV3],
            5 => &[Vfp, VfpV3, VfpHalf, VfpV4, VfpD32],
            6 => &[Vfp, VfpV3, VfpHalf, VfpV4],
            7 => &[Vfp, VfpV3, VfpHalf, VfpV4, VfpV8, VfpD32],
            8 => &[Vfp, VfpV3, VfpHalf, VfpV4, VfpV8],
            _ => &[],
        };
        let simd: &[Feature] = match self.number(SIMD_ARCH) {
            1 => &[Neon],
            2 => &[Neon, NeonHalf, NeonFma],
            3 => &[Neon, NeonHalf, NeonFma, NeonV8],
            4 => &[Neon, NeonHalf, NeonFma, NeonV8, Rdm],
            _ => &[],
        };
        let wmmx: &[Feature] = match self.number(WMMX_ARCH) {
            1 => &[Iwmmxt],
            2 => &[Iwmmxt, Iwmmxt2],
            _ => &[],
        };
        let virt = self.number(VIRT_USE);
        FeatureSet::of(fp)
            .union(FeatureSet::of(simd))
            .union(FeatureSet::of(wmmx))
            .with_if(self.number(FP_HP) == 1, VfpHalf)
            .with_if(self.number(DIV_USE) == 2, IdivA)
            .with_if(self.number(DIV_USE) == 2, IdivT)
            .with_if(self.number(MP_USE) == 1, V7mp)
            .with_if(self.number(T2EE_USE) == 1, ThumbEe)
            .with_if(virt & 2 != 0, Virt)
    }
}

fn vendor_section(rest: &[u8], big_endian: bool) -> Option<(&[u8], &[u8], &[u8])> {
    let len = usize::try_from(word(rest.get(..4)?, big_endian)?).ok()?;
    let (section, after) = rest.split_at_checked(len)?;
    let named = section.get(4..)?;
    let end = named.iter().position(|byte| *byte == 0)?;
    Some((named.get(..end)?, named.get(end + 1..)?, after))
}

fn word(bytes: &[u8], big_endian: bool) -> Option<u32> {
    let bytes = bytes.try_into().ok()?;
    Some(if big_endian {
        u32::from_be_bytes(bytes)
    } else {
        u32::from_le_bytes(bytes)
    })
}

/// An unsigned LEB128 number of at most five bytes.
fn uleb(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let mut value = 0u32;
    for (index, byte) in bytes.iter().enumerate().take(5) {
        let shift = u32::try_from(7 * index).ok()?;
        value |= u32::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        if byte & 0x80 == 0 {
            return Some((value, bytes.get(index + 1..)?));
        }
    }
    None
}

fn text(bytes: &[u8]) -> Option<(String, &[u8])> {
    let end = bytes.iter().position(|byte| *byte == 0)?;
    Some((
        String::from_utf8_lossy(bytes.get(..end)?).into_owned(),
        bytes.get(end + 1..)?,
    ))
}

/// Names of values in the order of their numbers, as IHI0045 and the GNU tools spell them.
type Names = [&'static str];

static CPU_ARCHES: [&str; 23] = [
    "Pre-v4",
    "v4",
    "v4T",
    "v5T",
    "v5TE",
    "v5TEJ",
    "v6",
    "v6KZ",
    "v6T2",
    "v6K",
    "v7",
    "v6-M",
    "v6S-M",
    "v7E-M",
    "v8",
    "v8-R",
    "v8-M.baseline",
    "v8-M.mainline",
    "v8.1-A",
    "v8.2-A",
    "v8.3-A",
    "v8.1-M.mainline",
    "v9",
];

/// Tag, its name, and the names of its values.
static TAGS: &[(u32, &str, &Names)] = &[
    (CPU_ARCH, "Tag_CPU_arch", &CPU_ARCHES),
    (8, "Tag_ARM_ISA_use", &["No", "Yes"]),
    (
        THUMB_USE,
        "Tag_THUMB_ISA_use",
        &["No", "Thumb-1", "Thumb-2", "Yes"],
    ),
    (
        FP_ARCH,
        "Tag_FP_arch",
        &[
            "No",
            "VFPv1",
            "VFPv2",
            "VFPv3",
            "VFPv3-D16",
            "VFPv4",
            "VFPv4-D16",
            "FP for ARMv8",
            "FPv5/FP-D16 for ARMv8",
        ],
    ),
    (WMMX_ARCH, "Tag_WMMX_arch", &["No", "WMMXv1", "WMMXv2"]),
    (
        SIMD_ARCH,
        "Tag_Advanced_SIMD_arch",
        &[
            "No",
            "NEONv1",
            "NEONv1 with Fused-MAC",
            "NEON for ARMv8",
            "NEON for ARMv8.1",
        ],
    ),
    (
        23,
        "Tag_ABI_FP_number_model",
        &["Unused", "Finite", "RTABI", "IEEE 754"],
    ),
    (
        VFP_ARGS,
        "Tag_ABI_VFP_args",
        &["AAPCS", "VFP registers", "custom", "compatible"],
    ),
    (UNALIGNED, "Tag_CPU_unaligned_access", &["None", "v6"]),
    (FP_HP, "Tag_FP_HP_extension", &["Not Allowed", "Allowed"]),
    (MP_USE, "Tag_MPextension_use", &["Not Allowed", "Allowed"]),
    (
        DIV_USE,
        "Tag_DIV_use",
        &[
            "Allowed in Thumb-ISA, v7-R or v7-M",
            "Not allowed",
            "Allowed in v7-A with integer division extension",
        ],
    ),
    (T2EE_USE, "Tag_T2EE_use", &["Not Allowed", "Allowed"]),
    (
        VIRT_USE,
        "Tag_Virtualization_use",
        &[
            "Not Allowed",
            "TrustZone",
            "Virtualization Extensions",
            "TrustZone and Virtualization Extensions",
        ],
    ),
];

fn name_of(names: &'static Names, number: u32) -> Option<&'static str> {
    usize::try_from(number)
        .ok()
        .and_then(|number| names.get(number))
        .copied()
}

/// The tags that decide compatibility, with their values in words, as the GNU tools print them.
pub fn attribute_names(attributes: &Attributes) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    for (tag, value) in attributes.iter() {
        if tag == 7 {
            if let AttributeValue::Number(profile) = value {
                lines.push(("Tag_CPU_arch_profile", profile_name(*profile)));
            }
            continue;
        }
        let Some((_, name, names)) = TAGS.iter().find(|(known, ..)| *known == tag) else {
            continue;
        };
        if let AttributeValue::Number(number) = value {
            lines.push((
                *name,
                name_of(names, *number).map_or_else(|| number.to_string(), str::to_owned),
            ));
        }
    }
    lines
}

fn profile_name(profile: u32) -> String {
    match u8::try_from(profile) {
        Ok(0) => "None",
        Ok(b'A') => "Application",
        Ok(b'R') => "Realtime",
        Ok(b'M') => "Microcontroller",
        Ok(b'S') => "Application or Realtime",
        _ => return profile.to_string(),
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// aeabi, file scope: CPU_arch v7, THUMB Thumb-2, FP VFPv3-D16, VFP_args registers.
    const SECTION: &[u8] =
        b"A\x1b\0\0\0aeabi\0\x01\x11\0\0\0\x05A9\0\x06\x0a\x09\x02\x0a\x04\x1c\x01";

    #[test]
    fn a_section_reads() {
        let attributes = Attributes::parse(SECTION, false).unwrap();
        assert_eq!(attributes.arch_name(), "v7");
        assert!(attributes.hard_float());
        assert!(attributes.base_features().has(Feature::V6t2));
        assert_eq!(attributes.unit_features(), FeatureSet::of(&[Vfp, VfpV3]));
        assert!(attribute_names(&attributes).contains(&("Tag_FP_arch", "VFPv3-D16".to_owned())));
    }

    #[test]
    fn every_cut_and_every_changed_byte_ends_without_harm() {
        for len in 0..SECTION.len() {
            let _ = Attributes::parse(&SECTION[..len], false);
            for byte in 0..=255 {
                let mut damaged = SECTION.to_vec();
                damaged[len] = byte;
                let _ = Attributes::parse(&damaged, len % 2 == 0);
            }
        }
        assert_eq!(Attributes::parse(b"B", false), None);
    }
}
