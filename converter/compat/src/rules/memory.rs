//! Address space layout, pages, and the pages that the kernel maps.

use super::Rule;
use crate::evidence::{Evidence, MappingFacts, Origin, SpaceFacts, Strength, ThreadFacts, place};
use crate::feature::Feature::TlsRegister;
use crate::target::{Has, Target};
use crate::verdict::{Cite, Layer, Outcome, Verdict};
use std::ops::Range;

const RUN: Layer = Layer::Run;

pub(super) static RULES: &[Rule] = &[
    Rule {
        id: "mmu",
        layer: RUN,
        title: "memory management unit",
        rationale: "With and without an MMU address spaces differ in everything: fork, mappings, addresses.",
        remedy: "Restore on a kernel of the same kind.",
        judge: mmu,
    },
    Rule {
        id: "mem.tasksize",
        layer: RUN,
        title: "highest mapped address",
        rationale: "User space ends at TASK_SIZE: 0xbf000000 with a 3G/1G split, 0x7f000000 with 2G/2G, 0x3f000000 with 1G/3G, about 4 GiB under arm64.",
        remedy: "Use a kernel with a split as large as the source's (CONFIG_VMSPLIT_*).",
        judge: task_size,
    },
    Rule {
        id: "mem.pagesize",
        layer: RUN,
        title: "page size",
        rationale: "Mappings begin, end and lie in files at multiples of the source's page size; a kernel with larger pages (arm64 with 16 or 64 KiB) cannot place them.",
        remedy: "Use a kernel with 4 KiB pages.",
        judge: page_size,
    },
    Rule {
        id: "mem.aliasing",
        layer: RUN,
        title: "shared mappings and aliasing caches",
        rationale: "On VIVT caches and aliasing VIPT caches a shared mapping must lie at its offset modulo SHMLBA (16 KiB), or stores are lost between aliases.",
        remedy: "Choose a target without aliasing caches (v7 and later).",
        judge: aliasing,
    },
    Rule {
        id: "mem.mmap_min",
        layer: RUN,
        title: "lowest mapped address",
        rationale: "Mappings below vm.mmap_min_addr need CAP_SYS_RAWIO.",
        remedy: "Lower /proc/sys/vm/mmap_min_addr, or restore with CAP_SYS_RAWIO.",
        judge: mmap_min,
    },
    Rule {
        id: "mem.exec",
        layer: RUN,
        title: "execution from mappings without the permission",
        rationale: "With READ_IMPLIES_EXEC, and on processors before v6, readable memory can be executed; a kernel that honours the bit kills such a thread.",
        remedy: "Keep the personality, or make the mapping executable when restoring.",
        judge: exec,
    },
    Rule {
        id: "mem.vectors",
        layer: RUN,
        title: "kernel helper page",
        rationale: "Helpers at 0xffff0f60 to 0xffff0fff exist if the kernel has CONFIG_KUSER_HELPERS. A pc inside cmpxchg must be wound back to its start. Before Linux 3.11 signal handlers return to code at 0xffff0500.",
        remedy: "Use a kernel with CONFIG_KUSER_HELPERS.",
        judge: vectors,
    },
    Rule {
        id: "mem.vdso",
        layer: RUN,
        title: "signal page and vdso",
        rationale: "Return addresses into [sigpage] or [vdso] are good only if the restorer maps these pages with the same contents at the same place, or relocates them.",
        remedy: "Use a restorer that maps or relocates them (criu does).",
        judge: vdso,
    },
    Rule {
        id: "tls",
        layer: RUN,
        title: "thread pointer",
        rationale: "The thread pointer lives in a register from v6K on, and in the kernel's helper page before.",
        remedy: "Choose a v6K target or a kernel with CONFIG_KUSER_HELPERS.",
        judge: tls,
    },
];

/// Addresses from here on are the vectors page, on every machine with high vectors.
const VECTORS: u64 = 0xffff_0000;
const SHMLBA: u64 = 16 << 10;
const HIGH_VECTORS: u32 = 0xffff_0000;
/// The helpers in the vectors page and what programs may know of them (`arch/arm/kernel/entry-armv.S`).
const HELPERS: Range<u32> = 0xffff_0f60..0xffff_1000;
const MEMORY_BARRIER: u32 = 0xffff_0fa0;
const CMPXCHG: u32 = 0xffff_0fc0;
const GET_TLS: u32 = 0xffff_0fe0;
/// Where the helpers begin: kuser_cmpxchg64 first.
const ENTRIES: [u32; 4] = [HELPERS.start, MEMORY_BARRIER, CMPXCHG, GET_TLS];
/// Where kernels before 3.11 keep the code that signal handlers return to (`KERN_SIGRETURN_CODE`).
const OLD_SIGRETURN: Range<u32> = 0xffff_0500..0xffff_0520;
/// Kernel and user pages of vectors that threads can be in: what else lies there is not for them.
pub(super) fn is_kernel_code(pc: u32) -> bool {
    HELPERS.contains(&pc) || OLD_SIGRETURN.contains(&pc)
}

/// Is it between the load and the store of an exchange?
pub(super) fn mid_exchange(pc: u32) -> bool {
    let in_one = (HELPERS.start..MEMORY_BARRIER).contains(&pc) || (CMPXCHG..GET_TLS).contains(&pc);
    in_one && !ENTRIES.contains(&pc)
}
const READ_IMPLIES_EXEC: u32 = 0x0040_0000;

fn mappings(evidence: &Evidence) -> impl Iterator<Item = (&SpaceFacts, &MappingFacts)> {
    evidence
        .spaces
        .iter()
        .flat_map(|space| space.mappings.iter().map(move |mapping| (space, mapping)))
        .filter(|(_, mapping)| mapping.start < VECTORS)
}

fn cite(space: &SpaceFacts, mapping: &MappingFacts, field: &'static str) -> Cite {
    let what = format!(
        "mapping {:#x}-{:#x} {}",
        mapping.start, mapping.end, mapping.name
    );
    place(space.cite(what.trim_end()).field(field), mapping.place)
}

fn mmu(evidence: &Evidence, target: &Target) -> Outcome {
    let word = |mmu: bool| if mmu { "an MMU" } else { "no MMU" };
    let saved = evidence.header.as_ref().and_then(|header| header.mmu);
    match saved {
        Some(saved) => {
            let cite = evidence.cite(format!("mmu is {}", u8::from(saved)));
            let outcome = Outcome::of(word(saved), word(target.kernel.mmu)).cite(cite.field("mmu"));
            if saved == target.kernel.mmu {
                outcome
            } else {
                outcome.worst(Verdict::NotRestorable)
            }
        }
        None if target.kernel.mmu => Outcome::nothing(),
        None => {
            let mut outcome = Outcome::of("the kind of address space of the source", "no MMU")
                .cite(evidence.cite("no record says whether there was an MMU"))
                .worst(Verdict::Unknown);
            outcome.condition =
                Some("the image does not say whether its machine had an MMU".to_owned());
            outcome
        }
    }
}

fn task_size(evidence: &Evidence, target: &Target) -> Outcome {
    let Some((space, top)) = mappings(evidence).max_by_key(|(_, mapping)| mapping.end) else {
        return Outcome::nothing();
    };
    let requirement = format!("addresses up to {:#x}", top.end);
    let Some(limit) = target.kernel.task_size else {
        let usual = top.end <= 0x3f00_0000;
        let outcome =
            Outcome::of(requirement, "TASK_SIZE not known").cite(cite(space, top, "vm_end"));
        return if usual {
            outcome
        } else {
            outcome.if_only(format!("the kernel's TASK_SIZE is at least {:#x}", top.end))
        };
    };
    let outcome =
        Outcome::of(requirement, format!("TASK_SIZE {limit:#x}")).cite(cite(space, top, "vm_end"));
    if top.end > limit {
        outcome.worst(Verdict::NotRestorable)
    } else {
        outcome
    }
}

/// What says how large the pages are that mappings or segments lie in.
fn known_page_size(evidence: &Evidence) -> Option<Cite> {
    let space = evidence.spaces.first()?;
    if let Some(size) = evidence.page_size {
        let what = format!("pages of {size} bytes");
        return Some(space.cite_at(what, &space.page_size_at));
    }
    let file = space.files.iter().find(|file| file.min_align.is_some())?;
    let align = file.min_align.unwrap_or(0);
    Some(file.cite(format!("segments are aligned to {align} bytes")))
}

fn page_size(evidence: &Evidence, target: &Target) -> Outcome {
    let saved = evidence.page_size.unwrap_or(4096);
    let known = known_page_size(evidence);
    let Some(page) = target.kernel.page_size else {
        return Outcome::of(format!("pages of {saved} bytes"), "not known")
            .cites(known)
            .if_only(format!("the kernel's pages are {saved} bytes or less"));
    };
    let outcome = Outcome::of(
        format!("mappings at multiples of {saved}"),
        format!("pages of {page} bytes"),
    );
    if page <= saved {
        return outcome.cites(known);
    }
    let page = u64::from(page);
    let misplaced = mappings(evidence).find(|(_, mapping)| {
        let end = if evidence.origin == Origin::Elf {
            0
        } else {
            mapping.end
        };
        [mapping.start, end, mapping.file_offset]
            .iter()
            .any(|place| !place.is_multiple_of(page))
    });
    let coarse = evidence
        .spaces
        .iter()
        .flat_map(|space| &space.files)
        .find(|file| {
            evidence.origin == Origin::Elf
                && file.min_align.is_some_and(|align| u64::from(align) < page)
        });
    if let Some(file) = coarse {
        return outcome
            .cite(file.cite(format!(
                "segments are aligned to {} bytes only",
                file.min_align.unwrap_or(0)
            )))
            .worst(Verdict::NotRestorable);
    }
    match misplaced {
        Some((space, mapping)) => outcome
            .cite(cite(space, mapping, "vm_start"))
            .worst(Verdict::NotRestorable),
        None => outcome.cites(known),
    }
}

fn aliasing(evidence: &Evidence, target: &Target) -> Outcome {
    if target.kernel.aliasing == Some(false) {
        return Outcome::nothing();
    }
    let off_colour = mappings(evidence).filter(|(_, mapping)| {
        mapping.shared && mapping.start.wrapping_sub(mapping.file_offset) % SHMLBA != 0
    });
    off_colour.fold(Outcome::nothing(), |outcome, (space, mapping)| {
        outcome.and(
            Outcome::of(
                "shared mappings off their cache colour",
                if target.kernel.aliasing.is_some() {
                    "aliasing caches"
                } else {
                    "caches that may alias"
                },
            )
            .cite(cite(space, mapping, "vm_start"))
            .if_only("the page is mapped once, or the target's caches do not alias"),
        )
    })
}

/// What distributions for ARM set (`CONFIG_DEFAULT_MMAP_MIN_ADDR`: not more than 32768 on ARM).
const USUAL_MMAP_MIN: u32 = 32768;

fn mmap_min(evidence: &Evidence, target: &Target) -> Outcome {
    let Some((space, lowest)) = mappings(evidence).min_by_key(|(_, mapping)| mapping.start) else {
        return Outcome::nothing();
    };
    let limit = target.kernel.mmap_min_addr;
    let has = limit.map_or_else(
        || format!("not known, usually {USUAL_MMAP_MIN:#x}"),
        |limit| format!("{limit:#x}"),
    );
    let outcome = Outcome::of(
        format!("mappings from {:#x} on", lowest.start),
        format!("mmap_min_addr {has}"),
    )
    .cite(cite(space, lowest, "vm_start"));
    if lowest.start < u64::from(limit.unwrap_or(USUAL_MMAP_MIN)) {
        outcome.if_only(format!(
            "vm.mmap_min_addr is at most {:#x}, or the restorer has CAP_SYS_RAWIO",
            lowest.start
        ))
    } else {
        outcome
    }
}

fn exec(evidence: &Evidence, _: &Target) -> Outcome {
    evidence
        .threads
        .iter()
        .fold(Outcome::nothing(), |outcome, thread| {
            let implied = thread
                .personality
                .filter(|personality| personality & READ_IMPLIES_EXEC != 0);
            let pc = u64::from(thread.pc());
            let space = evidence.spaces.get(thread.space);
            let mapping = space.and_then(|space| space.mapping_at(pc));
            let unpermitted = mapping.filter(|mapping| !mapping.exec && pc < VECTORS);
            let found = match (unpermitted, implied) {
                (Some(mapping), _) => Outcome::of(
                    "execution without permission",
                    "depends on personality and mapping",
                )
                .cite(thread.cite(
                    format!(
                        "pc {pc:#x} lies in {:#x}-{:#x}, which is not executable",
                        mapping.start, mapping.end
                    ),
                    "pc",
                ))
                .if_only("the personality is kept, or the mapping is made executable"),
                (None, Some(personality)) => {
                    Outcome::of("READ_IMPLIES_EXEC", "a restorer that keeps it")
                        .cite(
                            thread.cite(format!("personality {personality:#010x}"), "personality"),
                        )
                        .if_only("the personality is kept")
                }
                (None, None) => Outcome::nothing(),
            };
            outcome.and(found)
        })
}

fn kuser(helpers: Option<bool>) -> &'static str {
    match helpers {
        Some(true) => "KUSER_HELPERS",
        Some(false) => "no KUSER_HELPERS",
        None => "KUSER_HELPERS not known",
    }
}

fn vectors(evidence: &Evidence, target: &Target) -> Outcome {
    let helpers = target.kernel.kuser_helpers;
    let has = kuser(helpers);
    let needs = |found: Outcome| match helpers {
        Some(true) => found,
        Some(false) => found.worst(Verdict::NotRestorable),
        None => found.if_only("the kernel is built with CONFIG_KUSER_HELPERS"),
    };
    let threads = evidence
        .threads
        .iter()
        .fold(Outcome::nothing(), |outcome, thread| {
            let mut outcome = outcome.and(old_sigreturn(thread));
            let helper = pointers(thread).find(|(addr, field)| {
                ENTRIES.contains(addr) || *field == "pc" && HELPERS.contains(addr)
            });
            if let Some((addr, field)) = helper {
                outcome = outcome
                    .and(needs(Outcome::of("the kernel helper page", has).cite(
                        thread.cite(format!("{field} {addr:#x} is a kernel helper"), field),
                    )));
            }
            if mid_exchange(thread.pc()) {
                let what = format!("pc {:#x} is inside an exchange", thread.pc());
                outcome = outcome.and(
                    Outcome::of("the kernel helper page", has)
                        .cite(thread.cite(what, "pc"))
                        .if_only("the restorer winds pc back to the start of the exchange"),
                );
            }
            outcome
        });
    evidence.spaces.iter().fold(threads, |outcome, space| {
        outcome.and(helper_calls(space, has, helpers))
    })
}

/// What a thread goes to next or returns to, with the register that holds it or leads to it.
fn pointers(thread: &ThreadFacts) -> impl Iterator<Item = (u32, &'static str)> {
    let stacked = thread.returns_to_kernel_page.iter();
    [(thread.pc(), "pc"), (thread.lr(), "lr")]
        .into_iter()
        .chain(stacked.map(|addr| (*addr, "sp")))
}

/// A signal handler of a process that began on an old kernel returns to the vectors page.
fn old_sigreturn(thread: &ThreadFacts) -> Outcome {
    let Some((addr, field)) =
        pointers(thread).find(|(addr, _)| OLD_SIGRETURN.contains(&(addr & !1)))
    else {
        return Outcome::nothing();
    };
    let what = format!("{field} leads to {addr:#x}, where old kernels keep their sigreturn code");
    Outcome::of(
        "sigreturn code in the vectors page",
        "depends on the kernel",
    )
    .cite(thread.cite(what, field))
    .if_only("the target's kernel keeps its sigreturn code at 0xffff0500 (Linux before 3.11)")
}

fn helper_calls(space: &SpaceFacts, has: &str, helpers: Option<bool>) -> Outcome {
    let code = &space.code;
    let found = [
        (Strength::Inevitable, &code.inevitable),
        (Strength::FromPc, &code.from_pc),
        (Strength::FromEntries, &code.from_entries),
        (Strength::Swept, &code.swept),
    ]
    .into_iter()
    .find(|(_, hits)| hits.kuser_calls.count > 0);
    let Some((strength, hits)) = found else {
        return Outcome::nothing();
    };
    let calls = &hits.kuser_calls;
    let what = format!("{} calls of kernel helpers in its code", calls.count);
    let outcome = Outcome::of("the kernel helper page", has).cite(space.cite_code(what, calls));
    match helpers {
        Some(true) => outcome,
        Some(false) if strength == Strength::Inevitable => outcome.worst(Verdict::NotRestorable),
        Some(false) => outcome.if_only("the helpers are not called"),
        None => outcome.if_only("the kernel is built with CONFIG_KUSER_HELPERS"),
    }
}

fn vdso(evidence: &Evidence, _: &Target) -> Outcome {
    evidence.threads.iter().fold(Outcome::nothing(), |outcome, thread| {
        let Some(addr) = thread.returns_to_kernel_page.iter().find(|addr| **addr < HIGH_VECTORS) else { return outcome };
        outcome.and(
            Outcome::of("[sigpage] or [vdso] as it was", "depends on the restorer")
                .cite(thread.cite(format!("a return address {addr:#x} lies in it"), "sp"))
                .if_only("the restorer maps the page at the same place with the same contents, or relocates it"),
        )
    })
}

fn tls(evidence: &Evidence, target: &Target) -> Outcome {
    let (has, helpers) = (target.has(TlsRegister), target.kernel.kuser_helpers);
    let register = match has {
        Has::Yes => "the thread register",
        Has::Maybe => "perhaps the thread register",
        Has::No => "no thread register",
    };
    let page = kuser(helpers);
    evidence
        .threads
        .iter()
        .fold(Outcome::nothing(), |outcome, thread| {
            let Some(value) = thread.tp_value.filter(|value| *value != 0) else {
                return outcome;
            };
            let found = Outcome::of("a thread pointer", format!("{register}, {page}"))
                .cite(thread.cite(format!("tp_value is {value:#x}"), "tp_value"));
            outcome.and(match (has, helpers) {
                (Has::Yes, _) | (_, Some(true)) => found,
                (Has::No, Some(false)) => found.worst(Verdict::NotRestorable),
                _ => found.if_only(
                    "the machine has the thread register, or the kernel has CONFIG_KUSER_HELPERS",
                ),
            })
        })
}
