//! Floating point, SIMD and their state.

use super::Rule;
use super::abi::abi_of;
use super::features::{self, Family, words};
use crate::evidence::{
    CoprocessorOne, Evidence, Origin, ProcessAbi, SpaceFacts, ThreadFacts, VfpFacts,
};
use crate::feature::Feature::{self, *};
use crate::feature::FeatureSet;
use crate::target::{Has, Target};
use crate::verdict::{Layer, Outcome, Verdict};

const RUN: Layer = Layer::Run;

pub(super) static RULES: &[Rule] = &[
    Rule {
        id: "fp.kind",
        layer: RUN,
        title: "the unit that state and code are of",
        rationale: "VFP, FPA, iwMMXt and Crunch are different units; values of one cannot live in another. FPA alone can be emulated by the kernel (nwfpe in full precision, fastfpe with less).",
        remedy: "Choose a target with the unit; for FPA a kernel with CONFIG_FPE_NWFPE.",
        judge: kind,
    },
    Rule {
        id: "fp.exclusive",
        layer: RUN,
        title: "iwMMXt and FPA at once",
        rationale: "iwMMXt occupies coprocessors 0 and 1, FPA 1 and 2: no thread can have used both. Such an image is damaged or forged.",
        remedy: "Find out where the image was changed; do not restore it.",
        judge: exclusive,
    },
    Rule {
        id: "fp.bank",
        layer: RUN,
        title: "d16 to d31",
        rationale: "VFPv2 and VFPv3-D16 have 16 double registers. Values in the upper sixteen are lost there, and instructions that name them are undefined.",
        remedy: "Choose a target with VFPv3-D32 or NEON.",
        judge: bank,
    },
    Rule {
        id: "fp.neon",
        layer: RUN,
        title: "Advanced SIMD",
        rationale: "NEON is optional in v7-A (Tegra 2 and PJ4 have none), and its extensions come one by one (half, fused, crypto, dot product …).",
        remedy: "Choose a target with NEON and the named extension.",
        judge: |e, t| {
            features::judge(
                e,
                t,
                &Family::of(&[
                    Neon, NeonHalf, NeonFma, NeonV8, NeonFp16, Rdm, Fcma, DotProd, Fhm, Bf16, I8mm,
                    Aes, Pmull, Sha1, Sha2,
                ]),
            )
        },
    },
    Rule {
        id: "fp.version",
        layer: RUN,
        title: "version of VFP",
        rationale: "VFPv3 added immediates and fixed point, VFPv4 fused multiply-add and half precision, v8 directed rounding and vsel.",
        remedy: "Choose a target with that version.",
        judge: |e, t| {
            features::judge(
                e,
                t,
                &Family::of(&[VfpV3, VfpHalf, VfpV4, VfpV8, Fp16, Jscvt]),
            )
        },
    },
    Rule {
        id: "fp.vector",
        layer: RUN,
        title: "VFP short vectors",
        rationale: "FPSCR.LEN or STRIDE make VFPv2 instructions work on several registers. v8 has no short vectors; many v7 cores leave them to support code.",
        remedy: "Choose a target with VFPv2, or a program that sets LEN to 0.",
        judge: vector,
    },
    Rule {
        id: "fp.trap",
        layer: RUN,
        title: "trapped floating-point exceptions",
        rationale: "Trap enables in FPSCR work on VFPv2 and VFPv3U only; elsewhere they read as zero. An exception in flight (FPEXC.EX, FPINST) belongs to one subarchitecture.",
        remedy: "Let the thread finish the exception before the checkpoint.",
        judge: trap,
    },
    Rule {
        id: "fp.mode",
        layer: RUN,
        title: "floating-point modes",
        rationale: "Flush to zero, default NaN and rounding exist in every VFP; alternative half precision (AHP) comes with the half-precision extension.",
        remedy: "Choose a target with half-precision conversions.",
        judge: mode,
    },
    Rule {
        id: "fp.abi",
        layer: RUN,
        title: "hard-float calling convention",
        rationale: "With Tag_ABI_VFP_args or EF_ARM_ABI_FLOAT_HARD every call passes floating-point values in VFP registers.",
        remedy: "Choose a target with VFP.",
        judge: abi,
    },
    Rule {
        id: "fp.lost",
        layer: Layer::Loss,
        title: "floating-point state that the image never held",
        rationale: "Streams before revision 18 have no record for floating point: a restored thread sees the values of a fresh one.",
        remedy: "Take the state from a core file: ckpt-convert --set fp-state=CORE; or restart the computation.",
        judge: lost,
    },
];

fn by_state(
    evidence: &Evidence,
    family: &Family,
    feature: Feature,
    target: &Target,
    uses: impl Fn(&ThreadFacts) -> Option<String>,
) -> Outcome {
    let has = features::has(target, family, feature);
    let unit = if feature == VfpD32 { Vfp } else { feature };
    evidence
        .threads
        .iter()
        .fold(Outcome::nothing(), |outcome, thread| {
            let Some(what) = uses(thread) else {
                return outcome;
            };
            let found =
                Outcome::of(feature.what(), words(has)).cite(thread.cite_fp(what, unit, "regset"));
            let option = family.instead.map_or_else(
                || format!("this machine has it ({feature})"),
                |(_, option)| option.to_owned(),
            );
            outcome.and(match has {
                Has::Yes => found,
                Has::Maybe => found.if_only(option),
                Has::No => found.worst(Verdict::NotRestorable),
            })
        })
}

const FPA: Family = Family {
    features: FeatureSet::of(&[Fpa]),
    instead: Some((
        FpaEmulated,
        "the kernel emulates FPA (CONFIG_FPE_NWFPE; fastfpe computes with less precision)",
    )),
    option: "this machine has an FPA",
};

fn kind(evidence: &Evidence, target: &Target) -> Outcome {
    let units = Family::of(&[Vfp, Iwmmxt, Iwmmxt2, Crunch]);
    let state = [
        by_state(evidence, &units, Vfp, target, |t| {
            t.vfp.as_ref().filter(|vfp| vfp.in_use()).map(describe_vfp)
        }),
        by_state(evidence, &units, Iwmmxt, target, |t| {
            t.iwmmxt_used.then(|| "iwMMXt registers in use".to_owned())
        }),
        by_state(evidence, &units, Crunch, target, |t| {
            t.crunch_used.then(|| "Crunch registers in use".to_owned())
        }),
        by_state(evidence, &FPA, Fpa, target, |t| {
            t.fpa_used.then(|| "FPA registers in use".to_owned())
        }),
    ];
    let code =
        features::judge(evidence, target, &units).and(features::judge(evidence, target, &FPA));
    let shared = evidence
        .spaces
        .iter()
        .map(|space| coprocessor_one(evidence, target, space));
    state.into_iter().chain(shared).fold(code, Outcome::and)
}

/// Coprocessor 1 instructions that FPA and iwMMXt read differently: the rest of the code and the state tell whose
/// they are; if nothing tells, both must be there.
fn coprocessor_one(evidence: &Evidence, target: &Target, space: &SpaceFacts) -> Outcome {
    let as_feature = |feature: Feature| {
        let mut named = space.clone();
        for hits in [
            &mut named.code.inevitable,
            &mut named.code.from_pc,
            &mut named.code.from_entries,
            &mut named.code.swept,
        ] {
            let shared = hits.features.remove(&FpaOrIwmmxt);
            hits.features.clear();
            hits.features.extend(shared.map(|hit| (feature, hit)));
        }
        named.unseen_code.clear();
        named.code.seen_len = named.code.code_len;
        named
    };
    if space.strongest(FpaOrIwmmxt).is_none() {
        return Outcome::nothing();
    }
    let judge = |feature: Feature, family: &Family| {
        let one = Evidence {
            spaces: vec![as_feature(feature)],
            origin: evidence.origin.clone(),
            ..Evidence::default()
        };
        features::judge(&one, target, family)
    };
    let iwmmxt = Family::of(&[Iwmmxt]);
    match space.coprocessor_one {
        Some(CoprocessorOne::Fpa) => judge(Fpa, &FPA),
        Some(CoprocessorOne::Iwmmxt) => judge(Iwmmxt, &iwmmxt),
        None => {
            let (fpa, wireless) = (judge(Fpa, &FPA), judge(Iwmmxt, &iwmmxt));
            let (best, worst) = (
                fpa.verdict.min(wireless.verdict),
                fpa.verdict.max(wireless.verdict),
            );
            let mut both = fpa.and(wireless);
            if best != worst {
                both.verdict = Verdict::Conditional;
                both.set_condition("the coprocessor 1 instructions are of the unit that the target has (FPA or iwMMXt)");
            }
            both
        }
    }
}

fn describe_vfp(vfp: &VfpFacts) -> String {
    let used = vfp.d.iter().filter(|d| **d != 0).count();
    format!(
        "{used} double registers not zero, FPSCR {:#010x}",
        vfp.fpscr
    )
}

fn exclusive(evidence: &Evidence, _: &Target) -> Outcome {
    evidence
        .threads
        .iter()
        .filter(|thread| thread.fpa_used && thread.iwmmxt_used)
        .fold(Outcome::nothing(), |outcome, thread| {
            outcome.and(
                Outcome::of("FPA and iwMMXt at once", "no machine has both")
                    .cite(thread.cite_fp("register files of both in use", Fpa, "unit"))
                    .worst(Verdict::NotRestorable),
            )
        })
}

fn bank(evidence: &Evidence, target: &Target) -> Outcome {
    let family = Family::of(&[VfpD32]);
    by_state(evidence, &family, VfpD32, target, |thread| {
        let high = thread.vfp.as_ref()?.high_in_use();
        let (first, last) = (high.first()?, high.last()?);
        Some(format!(
            "{} of d16 to d31 not zero (d{first} … d{last})",
            high.len()
        ))
    })
    .and(features::judge(evidence, target, &family))
}

/// Judges threads whose VFP state fulfils a test.
fn by_vfp(
    evidence: &Evidence,
    judge: impl Fn(&ThreadFacts, &VfpFacts) -> Option<Outcome>,
) -> Outcome {
    evidence
        .threads
        .iter()
        .filter_map(|thread| judge(thread, thread.vfp.as_ref()?))
        .fold(Outcome::nothing(), Outcome::and)
}

const LEN_AND_STRIDE: u32 = 0x0037_0000;
const TRAP_ENABLES: u32 = 0x0000_9f00;
const AHP: u32 = 1 << 26;
const MODES: u32 = 0x07c0_0000;
const EXCEPTION: u32 = 1 << 31;

fn vector(evidence: &Evidence, target: &Target) -> Outcome {
    let has = target.has(ShortVectors);
    let seen = evidence
        .spaces
        .iter()
        .any(|space| space.strongest(ShortVectors).is_some());
    let family = Family {
        option: "the unit or the kernel's support code does short vectors",
        ..Family::of(&[ShortVectors])
    };
    let code = if seen {
        features::judge(evidence, target, &family)
    } else {
        Outcome::nothing()
    };
    code.and(by_vfp(evidence, |thread, vfp| {
        (vfp.fpscr & LEN_AND_STRIDE != 0).then(|| {
            let found = Outcome::of("VFP short vectors", words(has)).cite(thread.cite_fp(
                format!(
                    "FPSCR {:#010x}: LEN {}, STRIDE {}",
                    vfp.fpscr,
                    vfp.fpscr >> 16 & 7,
                    vfp.fpscr >> 20 & 3
                ),
                Vfp,
                "fpscr",
            ));
            match has {
                Has::Yes => found,
                Has::Maybe => {
                    found.if_only("the unit or the kernel's support code does short vectors")
                }
                Has::No => found.worst(Verdict::NotRestorable),
            }
        })
    }))
}

fn trap(evidence: &Evidence, target: &Target) -> Outcome {
    let has = target.has(FpTraps);
    by_vfp(evidence, |thread, vfp| {
        let enables = vfp.fpscr & TRAP_ENABLES;
        let pending = vfp.exc.is_some_and(|[fpexc, ..]| fpexc & EXCEPTION != 0);
        if pending {
            let what = format!(
                "FPEXC.EX is set, FPINST {:#010x}",
                vfp.exc.map_or(0, |[_, fpinst, _]| fpinst)
            );
            let found = Outcome::of(
                "the same VFP subarchitecture, to finish an exception in flight",
                words(has),
            )
            .cite(thread.cite_fp(what, Vfp, "fpexc"));
            // Only VFPv2 support code takes such a state; which one wrote it is not in the image.
            return Some(match has {
                Has::No => found.worst(Verdict::NotRestorable),
                _ => found.if_only("the target's VFP is of the same subarchitecture (FPSID)"),
            });
        }
        (enables != 0).then(|| {
            let found =
                Outcome::of("trapped floating-point exceptions", words(has)).cite(thread.cite_fp(
                    format!("FPSCR {:#010x}: trap enables {enables:#x}", vfp.fpscr),
                    Vfp,
                    "fpscr",
                ));
            if has == Has::Yes {
                found
            } else {
                found.if_only("the program does not rely on the traps that it enabled")
            }
        })
    })
}

fn mode(evidence: &Evidence, target: &Target) -> Outcome {
    by_vfp(evidence, |thread, vfp| {
        let modes = vfp.fpscr & MODES;
        let half = vfp.fpscr & AHP != 0;
        (modes != 0).then(|| {
            let needed = if half { VfpHalf } else { Vfp };
            let has = target.has(needed);
            let found = Outcome::of("floating-point modes (FZ, DN, rounding, AHP)", words(has))
                .cite(thread.cite_fp(format!("FPSCR {:#010x}", vfp.fpscr), Vfp, "fpscr"));
            if has == Has::Yes {
                found
            } else {
                found.if_only(format!("the modes make no difference without {needed}"))
            }
        })
    })
}

fn abi(evidence: &Evidence, target: &Target) -> Outcome {
    let has = if target.kernel.vfp == Some(false) {
        Has::No
    } else {
        target.has(Vfp)
    };
    evidence
        .spaces
        .iter()
        .filter_map(SpaceFacts::hard_float)
        .fold(Outcome::nothing(), |outcome, sign| {
            let found =
                Outcome::of("VFP for the hard-float calling convention", words(has)).cite(sign);
            outcome.and(match has {
                Has::Yes => found,
                Has::Maybe => found.if_only("this machine has VFP"),
                Has::No => found.worst(Verdict::NotRestorable),
            })
        })
}

fn lost(evidence: &Evidence, _: &Target) -> Outcome {
    if evidence.origin == Origin::Elf {
        return Outcome::nothing();
    }
    evidence
        .threads
        .iter()
        .filter(|thread| !thread.fp_recorded)
        .fold(Outcome::nothing(), |outcome, thread| {
            let Some(space) = evidence.spaces.get(thread.space) else {
                return outcome;
            };
            let signs = signs_of_fp(evidence, space);
            let found = Outcome::of("floating-point registers", "fresh ones");
            if holds_no_values(space, thread) {
                let what = "no floating-point record, but no function that the thread is in goes on to use one";
                return outcome.and(found.cite(thread.cite(what, "regs")));
            }
            outcome.and(match signs.first() {
                Some(sign) => found
                    .cite(thread.cite(format!("no floating-point record, but {sign}"), "regs"))
                    .if_only("the values that these threads had in floating-point registers do not matter"),
                None if space.code_is_complete() || had_no_unit(evidence, space) => {
                    found.cite(thread.cite("no floating-point record, and no sign of use", "regs"))
                }
                None => {
                    let mut found = found
                        .cite(thread.cite(
                            "no floating-point record; whether it was used cannot be told",
                            "regs",
                        ))
                        .worst(Verdict::Unknown);
                    found.condition = Some(
                        "code of the process is not in the image: --sysroot DIR supplies it"
                            .to_owned(),
                    );
                    found
                }
            })
        })
}

/// The functions that a thread is in do not touch floating point any more. What it calls next expects no values but
/// arguments, and what those functions' callers keep in d8 to d15 they use themselves (AAPCS 5.1.2.1).
fn holds_no_values(space: &SpaceFacts, thread: &ThreadFacts) -> bool {
    const FLOATING: FeatureSet =
        FeatureSet::of(&[Vfp, Neon, Fpa, FpaOrIwmmxt, Iwmmxt, Iwmmxt2, Crunch]);
    let mut frames = space.code.frames.iter();
    frames
        .any(|frames| frames.pointer & !1 == thread.pc() && frames.needs.meet(FLOATING).is_empty())
}

/// Did the source machine offer no unit at all to an EABI process? One of the old ABI has FPA by the kernel's emulator,
/// which no bit advertises.
fn had_no_unit(evidence: &Evidence, space: &SpaceFacts) -> bool {
    /// FPA, VFP, IWMMXT, CRUNCH, NEON.
    const HWCAP_FP: u32 = 0x1660;
    let advertised_none = space.hwcap.is_some_and(|(one, _)| one & HWCAP_FP == 0);
    let abi = abi_of(evidence, space).map(|(abi, _)| abi);
    advertised_none && abi == Some(ProcessAbi::Eabi)
}

/// Signs that a process uses floating point at all.
fn signs_of_fp(evidence: &Evidence, space: &SpaceFacts) -> Vec<String> {
    let mut signs = Vec::new();
    signs.extend(space.hard_float().map(|sign| sign.what));
    let units = [Vfp, Neon, Fpa, Iwmmxt, FpaOrIwmmxt, Crunch];
    for unit in units
        .into_iter()
        .filter(|unit| !features::impossible(evidence, space, *unit))
    {
        if let Some((_, hit)) = space.strongest(unit) {
            let addr = hit.first.first().map_or(0, |(addr, _)| *addr);
            signs.push(format!(
                "{} × {unit} in its code, first at {addr:#x}",
                hit.count
            ));
        }
    }
    signs
}
