//! The ABI of system calls.

use super::Rule;
use crate::evidence::{Evidence, HeaderFacts, ProcessAbi, SpaceFacts, Strength, place};
use crate::target::{Kernel, Target};
use crate::verdict::{Cite, Layer, Outcome, Verdict};

pub(super) static RULES: &[Rule] = &[Rule {
    id: "abi.personality",
    layer: Layer::Run,
    title: "old or new system call ABI",
    rationale: "OABI and EABI pass system call numbers and 64-bit arguments differently. A kernel without AEABI runs OABI only, one with AEABI needs OABI_COMPAT for OABI processes; arm64 kernels run EABI only.",
    remedy: "Use a kernel with CONFIG_AEABI for EABI processes, with CONFIG_OABI_COMPAT for OABI ones.",
    judge: personality,
}];

fn personality(evidence: &Evidence, target: &Target) -> Outcome {
    evidence
        .spaces
        .iter()
        .fold(Outcome::nothing(), |outcome, space| {
            outcome
                .and(of_process(evidence, target, space))
                .and(old_calls(target, space))
        })
}

/// Does the kernel take calls of an ABI? `None`: it is not known.
fn takes(kernel: &Kernel, abi: ProcessAbi) -> Option<bool> {
    match (abi, kernel.aeabi) {
        (ProcessAbi::Eabi, aeabi) => aeabi,
        (ProcessAbi::Oabi, Some(false)) => Some(true),
        (ProcessAbi::Oabi, aeabi) => match kernel.oabi_compat {
            Some(true) => Some(true),
            Some(false) if aeabi == Some(true) => Some(false),
            _ => None,
        },
    }
}

fn describe(kernel: &Kernel) -> String {
    let word = |value: Option<bool>| match value {
        Some(true) => "y",
        Some(false) => "n",
        None => "?",
    };
    format!(
        "AEABI={}, OABI_COMPAT={}",
        word(kernel.aeabi),
        word(kernel.oabi_compat)
    )
}

/// The saved kernel settings bound the ABI where they leave no choice.
fn bounded(header: Option<&HeaderFacts>, space: &SpaceFacts) -> Option<(ProcessAbi, Cite)> {
    let header = header?;
    let cite = |what| place(space.cite(what).field("aeabi"), header.arch_place);
    match (header.aeabi?, header.oabi_compat) {
        (false, _) => Some((ProcessAbi::Oabi, cite("the source kernel had no AEABI"))),
        (true, Some(false)) => Some((
            ProcessAbi::Eabi,
            cite("the source kernel had AEABI without OABI_COMPAT"),
        )),
        _ => None,
    }
}

/// The ABI of a process, with what says so.
pub(super) fn abi_of(evidence: &Evidence, space: &SpaceFacts) -> Option<(ProcessAbi, Cite)> {
    space
        .abi()
        .or_else(|| bounded(evidence.header.as_ref(), space))
}

fn of_process(evidence: &Evidence, target: &Target, space: &SpaceFacts) -> Outcome {
    let Some((abi, sign)) = abi_of(evidence, space) else {
        let both = takes(&target.kernel, ProcessAbi::Oabi) == Some(true)
            && takes(&target.kernel, ProcessAbi::Eabi) == Some(true);
        let mut outcome = Outcome::of(
            "the system call ABI of the process, which nothing in the image tells",
            describe(&target.kernel),
        )
        .cite(space.cite("no ELF header, no system call, no loader in view"));
        if !both {
            outcome = outcome.worst(Verdict::Unknown);
            outcome.condition =
                Some("the executable is not in the image: --sysroot DIR supplies it".to_owned());
        }
        return outcome;
    };
    let name = match abi {
        ProcessAbi::Oabi => "OABI",
        ProcessAbi::Eabi => "EABI",
    };
    let found = Outcome::of(format!("{name} system calls"), describe(&target.kernel)).cite(sign);
    judged(found, takes(&target.kernel, abi), abi)
}

fn judged(found: Outcome, taken: Option<bool>, abi: ProcessAbi) -> Outcome {
    match (taken, abi) {
        (Some(true), _) => found,
        (Some(false), _) => found.worst(Verdict::NotRestorable),
        (None, ProcessAbi::Eabi) => found.if_only("the kernel is built with CONFIG_AEABI"),
        (None, ProcessAbi::Oabi) => {
            found.if_only("the kernel is built without CONFIG_AEABI, or with CONFIG_OABI_COMPAT")
        }
    }
}

/// An EABI program can still make calls of the old ABI.
fn old_calls(target: &Target, space: &SpaceFacts) -> Outcome {
    let code = &space.code;
    let found = [
        (Strength::Inevitable, &code.inevitable),
        (Strength::FromPc, &code.from_pc),
        (Strength::FromEntries, &code.from_entries),
        (Strength::Swept, &code.swept),
    ]
    .into_iter()
    // Without mapping symbols a word that no thread leads to may be data that only looks like a call.
    .filter(|(strength, _)| *strength <= Strength::FromPc || code.mapped_len > 0)
    .find(|(_, hits)| hits.oabi_calls.count > 0);
    let Some((strength, hits)) = found else {
        return Outcome::nothing();
    };
    let calls = &hits.oabi_calls;
    let cite = space.cite_code(format!("{} × swi 0x9…", calls.count), calls);
    let outcome = Outcome::of("OABI system calls in code", describe(&target.kernel)).cite(cite);
    let taken = takes(&target.kernel, ProcessAbi::Oabi);
    if taken == Some(false) && strength != Strength::Inevitable {
        return outcome.if_only("the OABI calls are not executed");
    }
    judged(outcome, taken, ProcessAbi::Oabi)
}
