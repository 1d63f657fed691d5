//! What the linux-cr restart code would say to the header. It speaks of kernels, not of what would run.

use super::Rule;
use crate::evidence::{Evidence, HeaderFacts, Origin, place};
use crate::target::Target;
use crate::verdict::{Cite, Layer, Outcome, Verdict};

const KERNEL: Layer = Layer::Kernel;

pub(super) static RULES: &[Rule] = &[
    Rule {
        id: "kernel.isa",
        layer: KERNEL,
        title: "architecture version in the header",
        rationale: "The restart code refuses an image whose cpu_architecture is higher than its own. That is an upper bound of what the code needs, no requirement: the layer `run` looks at the code.",
        remedy: "Use a kernel for that architecture or a later one; if the layer `run` finds nothing, ckpt-convert --to criu makes a set of it, and criu does not compare versions.",
        judge: isa,
    },
    Rule {
        id: "abi.kernel",
        layer: KERNEL,
        title: "ABI settings in the header",
        rationale: "The restart code compares the saved CONFIG_AEABI with its own, or accepts one that OABI_COMPAT covers.",
        remedy: "Use a kernel with the same setting of CONFIG_AEABI.",
        judge: abi,
    },
    Rule {
        id: "kernel.mmu",
        layer: KERNEL,
        title: "MMU flag in the header",
        rationale: "The restart code requires the same kind of kernel.",
        remedy: "Use a kernel of the same kind.",
        judge: mmu,
    },
    Rule {
        id: "kernel.thumbee",
        layer: KERNEL,
        title: "ThumbEE handler base of a thread",
        rationale: "The restart code refuses a thread whose thumbee_state is not 0 on a kernel that does not switch the ThumbEE registers.",
        remedy: "Use a kernel before 4.16 with CONFIG_ARM_THUMBEE.",
        judge: thumbee,
    },
    Rule {
        id: "const.block",
        layer: KERNEL,
        title: "constants block",
        rationale: "The restart code compares the sizes that the source kernel was built with (task_comm_len, signals, uts names, limits, terminals) with its own.",
        remedy: "Use a kernel of the same revision, or ckpt-convert to the revision of the target.",
        judge: constants,
    },
    Rule {
        id: "kernel.version",
        layer: KERNEL,
        title: "revision of the stream",
        rationale: "linux-cr kernels read their own revision only; the number in the header tells some of them apart (6 means R08 to R17).",
        remedy: "ckpt-convert --to rNN rewrites the stream for the revision of the target's kernel.",
        judge: version,
    },
];

/// Only linux-cr streams meet the restart code.
fn header(evidence: &Evidence) -> Option<&HeaderFacts> {
    match evidence.origin {
        Origin::LinuxCr { .. } => evidence.header.as_ref(),
        _ => None,
    }
}

fn isa(evidence: &Evidence, target: &Target) -> Outcome {
    let Some((header, saved)) =
        header(evidence).and_then(|header| Some((header, header.cpu_architecture?)))
    else {
        return Outcome::nothing();
    };
    let outcome = Outcome::of(
        format!("cpu_architecture at least {saved}"),
        target.cpu_architecture.to_string(),
    )
    .cite(place(
        Cite::new(format!("cpu_architecture is {saved}")).field("cpu_architecture"),
        header.arch_place,
    ));
    if saved > u32::from(target.cpu_architecture) {
        outcome.worst(Verdict::NotRestorable)
    } else {
        outcome
    }
}

fn abi(evidence: &Evidence, target: &Target) -> Outcome {
    let Some((header, saved)) = header(evidence).and_then(|header| Some((header, header.aeabi?)))
    else {
        return Outcome::nothing();
    };
    let word = |aeabi: bool| if aeabi { "AEABI=y" } else { "AEABI=n" };
    let kernel = &target.kernel;
    let cite = place(
        Cite::new(format!("the source kernel had {}", word(saved))).field("aeabi"),
        header.arch_place,
    );
    let outcome = Outcome::of(word(saved), kernel.aeabi.map_or("not known", word)).cite(cite);
    match (saved, kernel.aeabi, kernel.oabi_compat) {
        (saved, Some(own), _) if saved == own => outcome,
        (false, Some(true), Some(true)) => outcome,
        (false, Some(true), None) => outcome.if_only("the kernel is built with CONFIG_OABI_COMPAT"),
        (_, None, _) => outcome.if_only(format!("the kernel is built with {}", word(saved))),
        _ => outcome.worst(Verdict::NotRestorable),
    }
}

fn mmu(evidence: &Evidence, target: &Target) -> Outcome {
    let Some((header, saved)) = header(evidence).and_then(|header| Some((header, header.mmu?)))
    else {
        return Outcome::nothing();
    };
    let word = |mmu: bool| if mmu { "an MMU" } else { "no MMU" };
    let outcome = Outcome::of(word(saved), word(target.kernel.mmu)).cite(place(
        Cite::new(format!("mmu is {}", u8::from(saved))).field("mmu"),
        header.arch_place,
    ));
    if saved == target.kernel.mmu {
        outcome
    } else {
        outcome.worst(Verdict::NotRestorable)
    }
}

fn thumbee(evidence: &Evidence, target: &Target) -> Outcome {
    if header(evidence).is_none() {
        return Outcome::nothing();
    }
    let threads = evidence.threads.iter();
    threads.fold(Outcome::nothing(), |outcome, thread| {
        let Some(base) = thread.thumbee_state.filter(|base| *base != 0) else {
            return outcome;
        };
        let what = format!("thumbee_state is {base:#x}");
        let cite = thread.cite(what, "thumbee_state");
        let of = |has| Outcome::of("a kernel that switches ThumbEE registers", has).cite(cite);
        outcome.and(match target.kernel.thumbee {
            Some(true) => of("does"),
            Some(false) => of("does not").worst(Verdict::NotRestorable),
            None => of("not known").if_only("the kernel is built with CONFIG_ARM_THUMBEE"),
        })
    })
}

/// What every ARM kernel of the series is built with; the last member is n_tty_buf_size's companion, the number of
/// tty flags, which grew at R14.
const EXPECTED: &[(&str, &[u32])] = &[
    ("task_comm_len", &[16]),
    ("at_vector_size", &[40]),
    ("signal_nsig", &[64]),
    ("uts_sysname_len", &[65]),
    ("uts_nodename_len", &[65]),
    ("uts_release_len", &[65]),
    ("uts_version_len", &[65]),
    ("uts_machine_len", &[65]),
    ("uts_domainname_len", &[65]),
    ("rlimit_nlimits", &[16]),
    ("n_tty_buf_size", &[4096]),
    ("tty_termios_nccs", &[8, 19]),
];

fn constants(evidence: &Evidence, _: &Target) -> Outcome {
    let Some(header) = header(evidence).filter(|header| !header.constants.is_empty()) else {
        return Outcome::nothing();
    };
    let expected = |name: &str| {
        let mut known = EXPECTED.iter().filter(|(known, _)| *known == name);
        known.next().map(|(_, values)| *values)
    };
    let wrong = header.constants.iter().filter_map(|(name, value)| {
        let values = expected(name).filter(|values| !values.contains(value))?;
        let usual = values.first()?;
        Some(format!("{name} is {value}, ARM kernels have {usual}"))
    });
    let at = |what| place(Cite::new(what).field("constants"), header.place);
    let wrong: Vec<Cite> = wrong.map(at).collect();
    let outcome = Outcome::of("the sizes of the constants block", "those of an ARM kernel");
    if wrong.is_empty() {
        let all = format!("{} sizes, as ARM kernels have them", header.constants.len());
        return outcome.cite(at(all));
    }
    outcome.cites(wrong).worst(Verdict::NotRestorable)
}

fn version(evidence: &Evidence, target: &Target) -> Outcome {
    let (Some(header), Origin::LinuxCr { revision }) = (header(evidence), &evidence.origin) else {
        return Outcome::nothing();
    };
    let own = target.kernel.release.clone();
    let outcome = Outcome::of(
        format!(
            "a linux-cr kernel of revision R{revision:02} (source: {})",
            if header.release.is_empty() {
                "not known"
            } else {
                &header.release
            }
        ),
        own.clone()
            .unwrap_or_else(|| "release not known".to_owned()),
    )
    .cite(place(
        Cite::new(format!("rev is {}, detected as R{revision:02}", header.rev)).field("rev"),
        header.place,
    ));
    match own {
        _ if *revision > 17 => outcome.if_only("a restorer that knows revision 18 restores it; for a linux-cr kernel use ckpt-convert --to r17 --allow fp-state,arm-abi"),
        Some(own) if own != header.release => {
            outcome.if_only(format!("the kernel {own} reads revision R{revision:02}; otherwise use ckpt-convert --to its revision"))
        }
        _ => outcome,
    }
}
