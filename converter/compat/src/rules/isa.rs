//! Instruction sets and processor state.

use super::Rule;
use super::abi::abi_of;
use super::features::{self, Family, words};
use crate::evidence::{Evidence, Origin, ProcessAbi, ThreadFacts};
use crate::feature::Feature::{self, *};
use crate::feature::FeatureSet;
use crate::target::{Endian, Has, Target};
use crate::verdict::{Layer, Outcome, Verdict};

const RUN: Layer = Layer::Run;

pub(super) static RULES: &[Rule] = &[
    Rule {
        id: "isa.aarch32",
        layer: RUN,
        title: "the machine runs 32-bit ARM processes",
        rationale: "Some v8 cores have no AArch32, and an arm64 kernel can be built without CONFIG_COMPAT; images of other architectures never run on ARM.",
        remedy: "Choose a machine whose cores implement AArch32 at EL0, under a kernel with CONFIG_COMPAT.",
        judge: aarch32,
    },
    Rule {
        id: "isa.version",
        layer: RUN,
        title: "instructions of the base architecture",
        rationale: "An instruction that the processor does not have ends the thread with SIGILL. ISA versions are no total order: v6K, v6T2, MP and the v8 extensions come separately (DDI0100I, DDI0406C, DDI0487).",
        remedy: "Choose a target with the named extension (--nearest finds the least), or restore from a build for an older architecture.",
        judge: |e, t| {
            features::judge(
                e,
                t,
                &Family::of(&[Bx, V5t, V5te, Bxj, V6, V6k, V6t2, V7, V7mp, V8, Crc32, Sb]),
            )
        },
    },
    Rule {
        id: "isa.thumb",
        layer: RUN,
        title: "Thumb code",
        rationale: "A thread in Thumb state, or code that enters it, needs ARMv4T or later and a kernel with CONFIG_ARM_THUMB.",
        remedy: "Choose a target with Thumb (v4t or later).",
        judge: thumb,
    },
    Rule {
        id: "isa.thumb2",
        layer: RUN,
        title: "32-bit Thumb and IT",
        rationale: "32-bit Thumb instructions and If-Then blocks came with v6T2 and v7 (DDI0406C A4.1). Non-zero IT bits in CPSR mean that the thread stopped inside such a block.",
        remedy: "Choose a v6T2 or v7 target.",
        judge: thumb2,
    },
    Rule {
        id: "isa.jazelle",
        layer: RUN,
        title: "Java bytecode state",
        rationale: "CPSR.J without T: the thread stopped executing bytecode in hardware. Trivial Jazelle implementations, which all v7 and v8 cores are, cannot go on (DDI0406C A2.10).",
        remedy: "Let the thread leave bytecode execution before the checkpoint, or use a core with full Jazelle (ARM926EJ-S, ARM1136, ARM1176).",
        judge: jazelle,
    },
    Rule {
        id: "isa.thumbee",
        layer: RUN,
        title: "ThumbEE state or handler base",
        rationale: "CPSR.J and T, or a ThumbEE handler base: ThumbEE exists on some v7-A cores only, and the kernel must switch its registers (CONFIG_ARM_THUMBEE, removed in Linux 4.16).",
        remedy: "Use a Cortex-A8 or A9 under a kernel before 4.16 with CONFIG_ARM_THUMBEE.",
        judge: thumbee,
    },
    Rule {
        id: "isa.26bit",
        layer: RUN,
        title: "26-bit modes",
        rationale: "A thread in a 26-bit mode keeps flags and mode in its pc. Processors from v4T on have no such modes (DDI0100I A8).",
        remedy: "There is none but a machine with 26-bit modes (StrongARM).",
        judge: mode26,
    },
    Rule {
        id: "isa.swp",
        layer: RUN,
        title: "swp and swpb",
        rationale: "v7 has swp only if SCTLR.SW enables it or the kernel emulates it (CONFIG_SWP_EMULATE); v8 has none, arm64 kernels emulate it with armv8_deprecated (abi.swp).",
        remedy: "Build the kernel with CONFIG_SWP_EMULATE, or set /proc/sys/abi/swp on arm64.",
        judge: |e, t| {
            let option = if t.kernel.arm64 {
                "the kernel emulates it (armv8_deprecated, abi.swp)"
            } else {
                "the kernel is built with CONFIG_SWP_EMULATE"
            };
            features::judge(
                e,
                t,
                &Family {
                    instead: Some((SwpEmulated, option)),
                    option: "swp is enabled",
                    ..Family::of(&[Swp])
                },
            )
        },
    },
    Rule {
        id: "isa.setend",
        layer: RUN,
        title: "byte order of data access (CPSR.E)",
        rationale: "setend and a CPSR.E that differs from the image's byte order need mixed-endian support: v6 and v7 have it, v8 cores may, under SCTLR.SED or emulation.",
        remedy: "Choose a v6 or v7 target, or let threads set their byte order back first; for the instruction alone set /proc/sys/abi/setend on arm64.",
        judge: setend,
    },
    Rule {
        id: "isa.endian",
        layer: RUN,
        title: "byte order",
        rationale: "Memory and registers are in the byte order of the source. BE8 and BE32 keep code in different orders, so even two big-endian machines may differ.",
        remedy: "Use a kernel of the same byte order.",
        judge: endian,
    },
    Rule {
        id: "isa.divide",
        layer: RUN,
        title: "sdiv and udiv",
        rationale: "Integer division is optional in v7-A, separately for ARM and Thumb state (HWCAP_IDIVA, HWCAP_IDIVT).",
        remedy: "Choose a core with it (Cortex-A7, A15 and later), or code that was not built for it.",
        judge: |e, t| features::judge(e, t, &Family::of(&[IdivA, IdivT])),
    },
    Rule {
        id: "isa.unaligned",
        layer: RUN,
        title: "unaligned word and halfword access",
        rationale: "Before v6 an unaligned load rotates its result without a fault. Code with Tag_CPU_unaligned_access relies on the v6 behaviour.",
        remedy: "Set /proc/cpu/alignment to fix up (2), or choose a v6 target.",
        judge: unaligned,
    },
    Rule {
        id: "isa.cp15tls",
        layer: RUN,
        title: "thread register by mrc p15",
        rationale: "mrc p15,0,rX,c13,c0,3 exists from v6K on; before, it is undefined and the kernel's helper page holds the thread pointer.",
        remedy: "Choose a v6K target, or a C library that uses the kernel helper.",
        judge: |e, t| features::judge(e, t, &Family::of(&[TlsRegister, TlsUser])),
    },
    Rule {
        id: "isa.barrier",
        layer: RUN,
        title: "barriers by mcr p15",
        rationale: "The CP15 barriers of v6 are deprecated in v7 and may be disabled in v8 (SCTLR.CP15BEN); arm64 kernels emulate them with armv8_deprecated.",
        remedy: "Set /proc/sys/abi/cp15_barrier on arm64.",
        judge: |e, t| {
            let option = "CP15 barriers are enabled or emulated (CONFIG_CP15_BARRIER_EMULATION, abi.cp15_barrier)";
            features::judge(
                e,
                t,
                &Family {
                    instead: Some((BarrierEmulated, option)),
                    option,
                    ..Family::of(&[Cp15Barrier])
                },
            )
        },
    },
    Rule {
        id: "isa.xscale",
        layer: RUN,
        title: "XScale DSP coprocessor",
        rationale: "mia, mar, mra and the 40-bit accumulator acc0 exist on XScale and iwMMXt parts only (Intel 273473).",
        remedy: "Choose an XScale target.",
        judge: xscale,
    },
    Rule {
        id: "isa.undefined",
        layer: RUN,
        title: "undefined instructions",
        rationale: "A thread whose every path leads to udf, or to a word that no architecture defines, ends with SIGILL on every machine.",
        remedy: "The program ends there by its own doing; take the image earlier.",
        judge: undefined,
    },
    Rule {
        id: "isa.written",
        layer: RUN,
        title: "code that the process writes or loads",
        rationale: "A thread on its way to cacheflush (0xf0002) is about to execute code that is not in the image yet, and so is one on its way to dlopen; compilers that run in a process choose it by what the source machine had.",
        remedy: "Choose a target that has all that the source machine had, or restart the program there.",
        judge: written,
    },
    Rule {
        id: "isa.system",
        layer: RUN,
        title: "system registers and privileged instructions",
        rationale: "Counters and timers are open to user mode only if the kernel opened them (PMUSERENR, CNTKCTL); other p14 and p15 registers, smc, hvc and banked registers never are.",
        remedy: "Ask the program's authors; no kernel emulates these.",
        judge: |e, t| {
            features::judge(
                e,
                t,
                &Family {
                    option: "the kernel opens it to user mode",
                    ..Family::of(&[
                        Pmu,
                        Timer,
                        Cp14,
                        Cp15Other,
                        CoprocOther,
                        Privileged,
                        Virt,
                        Smc,
                    ])
                },
            )
        },
    },
];

fn aarch32(evidence: &Evidence, target: &Target) -> Outcome {
    if let Some(arch) = &evidence.other_arch {
        return Outcome::of(format!("a machine of architecture {arch}"), "ARM")
            .cite(evidence.cite(format!("the image is of architecture {arch}")))
            .worst(Verdict::NotRestorable);
    }
    let outcome = Outcome::of(
        "32-bit ARM user mode",
        if target.kernel.aarch32 {
            "has it"
        } else {
            "AArch64 only"
        },
    )
    .cite(evidence.cite("the image is of a 32-bit ARM machine"));
    if target.kernel.aarch32 {
        outcome
    } else {
        outcome.worst(Verdict::NotRestorable)
    }
}

/// State in use needs a feature: each thread of which `uses` tells what it uses.
fn by_state(
    evidence: &Evidence,
    target: &Target,
    feature: Feature,
    uses: impl Fn(&ThreadFacts) -> Option<(String, &'static str)>,
) -> Outcome {
    let option = format!("this machine has it ({feature})");
    by_state_of(evidence, (target.has(feature), &option), feature, uses)
}

/// The same, where it is known otherwise how the target has it, and on what that depends.
fn by_state_of(
    evidence: &Evidence,
    (has, option): (Has, &str),
    feature: Feature,
    uses: impl Fn(&ThreadFacts) -> Option<(String, &'static str)>,
) -> Outcome {
    evidence
        .threads
        .iter()
        .fold(Outcome::nothing(), |outcome, thread| {
            let Some((what, field)) = uses(thread) else {
                return outcome;
            };
            let found = Outcome::of(feature.what(), words(has)).cite(thread.cite(what, field));
            outcome.and(match has {
                Has::Yes => found,
                Has::Maybe => found.if_only(option),
                Has::No => found.worst(Verdict::NotRestorable),
            })
        })
}

fn thumb(evidence: &Evidence, target: &Target) -> Outcome {
    by_state(evidence, target, Thumb, |thread| {
        (thread.thumb() && !thread.jazelle())
            .then(|| (format!("CPSR {:#010x} has T set", thread.cpsr), "cpsr"))
    })
    .and(features::judge(evidence, target, &Family::of(&[Thumb])))
}

fn thumb2(evidence: &Evidence, target: &Target) -> Outcome {
    let state = by_state(evidence, target, V6t2, |thread| {
        let it = thread.it_state();
        (it != 0 && thread.thumb()).then(|| (format!("CPSR has IT bits {it:#04x}"), "cpsr"))
    });
    let wide = evidence.spaces.iter().any(|space| {
        space.strongest(V6t2).is_some_and(|(_, hit)| {
            hit.first
                .iter()
                .any(|(_, isa)| *isa == crate::arm::Isa::Thumb)
        })
    });
    if wide {
        state.and(features::judge(evidence, target, &Family::of(&[V6t2])))
    } else {
        state
    }
}

fn jazelle(evidence: &Evidence, target: &Target) -> Outcome {
    by_state(evidence, target, Jazelle, |thread| {
        (thread.jazelle() && !thread.thumb()).then(|| {
            (
                format!("CPSR {:#010x} has J set and T clear", thread.cpsr),
                "cpsr",
            )
        })
    })
}

fn thumbee(evidence: &Evidence, target: &Target) -> Outcome {
    let state = by_state(evidence, target, ThumbEe, |thread| {
        (thread.jazelle() && thread.thumb()).then(|| {
            (
                format!("CPSR {:#010x} has J and T set", thread.cpsr),
                "cpsr",
            )
        })
    });
    let in_state = !state.requirement.is_empty();
    let base = evidence
        .threads
        .iter()
        .filter(|thread| thread.thumbee_state.is_some_and(|base| base != 0));
    let missing = target.has(ThumbEe) != Has::Yes || target.kernel.thumbee != Some(true);
    let handler = base.fold(Outcome::nothing(), |outcome, thread| {
        let found = Outcome::of("ThumbEE handler base register", words(target.has(ThumbEe))).cite(
            thread.cite(
                format!("thumbee_state is {:#x}", thread.thumbee_state.unwrap_or(0)),
                "thumbee_state",
            ),
        );
        outcome.and(if missing {
            found.if_only("the process never enters ThumbEE state")
        } else {
            found
        })
    });
    let kernel = if in_state
        && state.verdict == Verdict::Restorable
        && target.kernel.thumbee != Some(true)
    {
        let found = Outcome::of("a kernel that switches ThumbEE registers", "not known")
            .cites(state.evidence.clone());
        match target.kernel.thumbee {
            Some(false) => found.worst(Verdict::NotRestorable),
            _ => found.if_only("the kernel is built with CONFIG_ARM_THUMBEE"),
        }
    } else {
        Outcome::nothing()
    };
    state
        .and(handler)
        .and(kernel)
        .and(features::judge(evidence, target, &Family::of(&[ThumbEe])))
}

fn mode26(evidence: &Evidence, target: &Target) -> Outcome {
    by_state(evidence, target, Mode26, |thread| {
        (thread.cpsr & 0x1c == 0).then(|| {
            (
                format!("CPSR {:#010x} has a 26-bit mode", thread.cpsr),
                "cpsr",
            )
        })
    })
    .and(personality26(evidence, target))
}

/// PER_LINUX without ADDR_LIMIT_32BIT is APCS-26. Nothing built for EABI is: there the word is what arm64 kernels give
/// to 32-bit processes.
fn personality26(evidence: &Evidence, target: &Target) -> Outcome {
    let has = target.has(Mode26);
    let mut threads = evidence.threads.iter();
    let in_32_bit_mode = threads.by_ref().filter(|thread| thread.cpsr & 0x1c != 0);
    in_32_bit_mode.fold(Outcome::nothing(), |outcome, thread| {
        let Some(word) = thread.personality.filter(|word| word & PER_MASK_26 == 0) else {
            return outcome;
        };
        let what = format!(
            "personality {word:#010x} is PER_LINUX (APCS-26), thread in a 32-bit mode"
        );
        let found = Outcome::of("APCS-26 personality", words(has))
            .cite(thread.cite(what, "personality"));
        let space = evidence.spaces.get(thread.space);
        let abi = space.and_then(|space| abi_of(evidence, space));
        outcome.and(match (has, abi) {
            (Has::Yes, _) => found,
            (_, Some((ProcessAbi::Eabi, _))) => found.if_only("the kernel starts handlers in 32-bit mode (all kernels since 2.6.0 without CONFIG_CPU_26)"),
            (Has::Maybe, _) => found.if_only(format!("this machine has it ({Mode26})")),
            (Has::No, _) => found.worst(Verdict::NotRestorable),
        })
    })
}

/// PER_MASK and ADDR_LIMIT_32BIT (`include/linux/personality.h`); other bits are flags that leave the mode alone.
const PER_MASK_26: u32 = 0x0080_00ff;

/// Data access of either byte order, and on what it depends. Under arm64 that is the processor: the switch there is about
/// the instruction, and the kernel clears a bit that the processor does not follow.
fn data_access(target: &Target) -> (Has, &'static str) {
    match target.has(Setend) {
        Has::No if target.kernel.arm64 && target.kernel.aarch32 => (
            Has::Maybe,
            "the processor has mixed-endian data access at EL0 (ID_AA64MMFR0_EL1)",
        ),
        has => (has, "this machine has it (setend)"),
    }
}

fn setend(evidence: &Evidence, target: &Target) -> Outcome {
    let big = evidence
        .endian
        .is_some_and(|endian| endian != Endian::Little);
    let access = data_access(target);
    let state = by_state_of(evidence, access, Setend, |thread| {
        (thread.big_endian_data() != big && evidence.endian != Some(Endian::Be32)).then(|| {
            (
                format!("CPSR.E is {}", u8::from(thread.big_endian_data())),
                "cpsr",
            )
        })
    });
    let option = "setend is enabled or emulated (CONFIG_SETEND_EMULATION, abi.setend)";
    let code = Family {
        instead: Some((SetendEmulated, option)),
        option,
        ..Family::of(&[Setend])
    };
    state.and(features::judge(evidence, target, &code))
}

fn endian(evidence: &Evidence, target: &Target) -> Outcome {
    let Some(endian) = evidence.endian else {
        return Outcome::of(
            "the byte order of the image",
            target.kernel.endian.to_string(),
        )
        .cite(evidence.cite("the image does not tell its byte order"))
        .worst(Verdict::Unknown);
    };
    let outcome = Outcome::of(
        format!("byte order {endian}"),
        target.kernel.endian.to_string(),
    )
    .cite(evidence.cite(format!("the image is {endian}-endian")));
    if endian == target.kernel.endian {
        outcome
    } else {
        outcome.worst(Verdict::NotRestorable)
    }
}

fn unaligned(evidence: &Evidence, target: &Target) -> Outcome {
    let has = target.has(Unaligned);
    let files = evidence.spaces.iter().flat_map(|space| &space.files);
    let declares = files.filter(|file| {
        file.attributes
            .as_ref()
            .is_some_and(crate::elf::Attributes::unaligned)
    });
    declares.fold(Outcome::nothing(), |outcome, file| {
        let found = Outcome::of("v6-style unaligned access", words(has))
            .cite(file.cite("Tag_CPU_unaligned_access is v6"));
        outcome.and(if has == Has::Yes {
            found
        } else {
            found.if_only(
                "no unaligned access happens, or the kernel fixes it up (/proc/cpu/alignment)",
            )
        })
    })
}

fn xscale(evidence: &Evidence, target: &Target) -> Outcome {
    by_state(evidence, target, XscaleDsp, |thread| {
        thread
            .acc0
            .filter(|acc0| *acc0 != 0)
            .map(|acc0| (format!("acc0 is {acc0:#x}"), "acc0"))
    })
    .and(features::judge(evidence, target, &Family::of(&[XscaleDsp])))
}

/// What the source machine had bounds what code uses that is not there yet.
fn written(evidence: &Evidence, target: &Target) -> Outcome {
    const IN_CODE: FeatureSet = FeatureSet::of(&[
        Bx, Thumb, V5t, V5te, V6, V6k, V6t2, V7, V7mp, IdivA, IdivT, V8, Vfp, VfpV3, VfpD32, VfpV4,
        Neon, NeonFma, NeonV8, Iwmmxt,
    ]);
    let mut outcome = Outcome::nothing();
    for space in &evidence.spaces {
        let code = &space.code;
        // A program that calls dlopen looks functions up by name, so that nothing says which are called at all.
        let loads = if space.loads {
            &code.from_entries.loads
        } else {
            &code.from_pc.loads
        };
        let calls = [
            (
                "cacheflush reached from the program counter",
                &code.from_pc.cache_flushes,
            ),
            ("dlopen reached", loads),
            (
                "mmap or mprotect of executable memory reached from the program counter",
                &code.from_pc.exec_maps,
            ),
            (
                "memory that is no code reached from the program counter",
                &code.from_pc.outside,
            ),
        ];
        let calls = calls.iter().filter(|(_, hit)| !hit.first.is_empty());
        let mut cites = calls.map(|(what, hit)| space.cite_code(what, hit));
        // Libraries are looked at by themselves: what the program calls there is not followed.
        let asks = space.loads && evidence.origin == Origin::Elf;
        let first = cites.next();
        let Some(first) = first.or_else(|| asks.then(|| space.cite("it asks for dlopen"))) else {
            continue;
        };
        let bound = space.source_bound(evidence.header.as_ref());
        let possible = bound.map_or(IN_CODE, |bound| bound.meet(IN_CODE));
        let lacking: Vec<&str> = possible
            .iter()
            .filter(|feature| target.has(*feature) != Has::Yes)
            .map(Feature::name)
            .collect();
        let found = Outcome::of(
            "what the process will write or load as code",
            if lacking.is_empty() {
                "has all that the source machine had".to_owned()
            } else {
                format!("lacks {}", lacking.join(", "))
            },
        )
        .cite(first);
        let found = cites.fold(found, Outcome::cite);
        outcome = outcome.and(if lacking.is_empty() {
            found
        } else {
            found.if_only("the code that it writes or loads does without them")
        });
    }
    outcome
}

/// Only what is inevitable counts: compilers put udf behind calls that do not return.
fn undefined(evidence: &Evidence, _: &Target) -> Outcome {
    evidence
        .spaces
        .iter()
        .fold(Outcome::nothing(), |outcome, space| {
            let Some(hit) = space.code.inevitable.get(Undefined) else {
                return outcome;
            };
            let cite = space.cite_code("every path leads to an undefined instruction", hit);
            let found = Outcome::of("a way on for every thread", "no machine has it").cite(cite);
            outcome.and(found.worst(Verdict::NotRestorable))
        })
}
