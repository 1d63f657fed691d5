//! System calls in flight, and whether the task stood still.

use super::Rule;
use super::memory::{is_kernel_code, mid_exchange};
use crate::evidence::{Evidence, Origin, SpaceFacts, ThreadFacts};
use crate::target::Target;
use crate::verdict::{Layer, Outcome, Verdict};
use std::ops::RangeInclusive;

pub(super) static RULES: &[Rule] = &[
    Rule {
        id: "sys.restart",
        layer: Layer::Run,
        title: "system call to be restarted",
        rationale: "A thread frozen in a system call has r0 = -ERESTART…: the restorer must wind pc back to the call with the original r0, or call restart_syscall for a restart block.",
        remedy: "Use a restorer that does (criu images hold threads already wound back).",
        judge: restart,
    },
    Rule {
        id: "sys.number",
        layer: Layer::Run,
        title: "system call exists",
        rationale: "A call that the thread is in, and will make again, must exist in the target's kernel.",
        remedy: "Use a kernel at least as new as the named version.",
        judge: number,
    },
    Rule {
        id: "task.state",
        layer: Layer::Run,
        title: "a state that user mode can be in",
        rationale: "Kernels let no thread go on whose CPSR is of another mode than user mode, or has interrupts masked (valid_user_regs). A pc where nothing is mapped ends the thread with SIGSEGV, and in ARM state processors do not take one that is no multiple of 4 as it stands.",
        remedy: "The image is forged or damaged, or the thread was about to die: take it again, earlier.",
        judge: state,
    },
    Rule {
        id: "task.frozen",
        layer: Layer::Run,
        title: "the task stood still",
        rationale: "A pc inside a kernel helper, or a deliverable signal without its frame, or a state that no frozen task has, shows that the task was not at rest when its image was taken.",
        remedy: "Take the image again with all tasks frozen.",
        judge: frozen,
    },
];

/// Error numbers that mean "call again" (`include/linux/errno.h`).
const RESTARTS: [(i32, &str); 4] = [
    (-512, "ERESTARTSYS"),
    (-513, "ERESTARTNOINTR"),
    (-514, "ERESTARTNOHAND"),
    (-516, "ERESTART_RESTARTBLOCK"),
];

/// `restart_syscall`.
const RESTART_SYSCALL: u32 = 0;
const OABI_BASE: u32 = 0x90_0000;

/// The reason to restart, if the thread is in a call that wants it.
fn restarting(thread: &ThreadFacts) -> Option<&'static str> {
    let r0 = thread.regs.first().copied().unwrap_or(0).cast_signed();
    RESTARTS
        .iter()
        .find(|(number, _)| *number == r0)
        .map(|(_, name)| *name)
}

/// The number of the call that a thread is in: the instruction's for OABI, r7 or the record's for EABI.
fn call_number(thread: &ThreadFacts) -> Option<u32> {
    match thread.call_before_pc {
        Some(number) if number >= OABI_BASE => Some(number - OABI_BASE),
        Some(_) => thread.regs.get(7).copied(),
        None => restarting(thread).and(thread.syscall),
    }
}

fn name_of(number: Option<u32>) -> String {
    let Some(number) = number else {
        return "a system call".to_owned();
    };
    ckpt_format::syscalls::name(number)
        .map_or_else(|| format!("system call {number}"), str::to_owned)
}

fn restart(evidence: &Evidence, _: &Target) -> Outcome {
    evidence.threads.iter().fold(Outcome::nothing(), |outcome, thread| {
        let Some(reason) = restarting(thread) else { return outcome };
        let oabi = thread.call_before_pc.is_some_and(|number| number >= OABI_BASE);
        let call = name_of(call_number(thread));
        let cite = thread.cite(format!("in {call}, r0 is -{reason}, restart block type {}", thread.restart_block.unwrap_or(1)), "regs");
        let how = match (reason, oabi) {
            ("ERESTART_RESTARTBLOCK", false) => format!("the restorer continues {call} with restart_syscall"),
            ("ERESTART_RESTARTBLOCK", true) => format!("the restorer continues {call} with the stub of the old ABI (its number sits in the instruction)"),
            _ => format!("the restorer makes {call} again with the original r0"),
        };
        outcome.and(Outcome::of(format!("restart of {call}"), "depends on the restorer").cite(cite).if_only(how))
    })
}

/// First kernel with a call of a number, for those that came after 2.6.33 (`arch/arm/tools/syscall.tbl` and its history).
const SINCE: &[(u32, (u32, u32, u32))] = &[
    (366, (2, 6, 36)),
    (367, (2, 6, 37)),
    (368, (2, 6, 37)),
    (369, (2, 6, 37)),
    (370, (2, 6, 39)),
    (371, (2, 6, 39)),
    (372, (2, 6, 39)),
    (373, (2, 6, 39)),
    (374, (3, 0, 0)),
    (375, (3, 0, 0)),
    (376, (3, 2, 0)),
    (377, (3, 2, 0)),
    (378, (3, 5, 0)),
    (379, (3, 8, 0)),
    (380, (3, 14, 0)),
    (381, (3, 14, 0)),
    (382, (3, 15, 0)),
    (383, (3, 17, 0)),
    (384, (3, 17, 0)),
    (385, (3, 17, 0)),
    (386, (3, 18, 0)),
    (387, (3, 19, 0)),
    (388, (4, 3, 0)),
    (389, (4, 3, 0)),
    (390, (4, 4, 0)),
    (391, (4, 5, 0)),
    (392, (4, 6, 0)),
    (393, (4, 6, 0)),
    (394, (4, 9, 0)),
    (395, (4, 9, 0)),
    (396, (4, 9, 0)),
    (397, (4, 11, 0)),
    (398, (4, 18, 0)),
    (399, (4, 18, 0)),
    (400, (5, 1, 0)),
    (401, (5, 1, 0)),
    (402, (4, 20, 0)),
    (403, (5, 1, 0)),
    (424, (5, 1, 0)),
    (428, (5, 2, 0)),
    (434, (5, 3, 0)),
    (436, (5, 9, 0)),
    (437, (5, 6, 0)),
    (439, (5, 8, 0)),
    (440, (5, 10, 0)),
    (441, (5, 11, 0)),
    (442, (5, 12, 0)),
    (443, (5, 14, 0)),
    (444, (5, 13, 0)),
    (448, (5, 15, 0)),
    (449, (5, 16, 0)),
    (450, (5, 17, 0)),
    (451, (6, 5, 0)),
    (452, (6, 6, 0)),
    (454, (6, 7, 0)),
    (457, (6, 8, 0)),
    (462, (6, 10, 0)),
    (463, (6, 13, 0)),
    (467, (6, 15, 0)),
    (468, (6, 17, 0)),
];

/// The last call of the table.
const LAST: u32 = 469;
/// Calls of ARM alone: breakpoint to get_tls (`arch/arm/include/uapi/asm/unistd.h`).
const PRIVATE: RangeInclusive<u32> = 0xf0001..=0xf0006;

/// Which kernels have a call.
enum Since {
    /// Every kernel here.
    Always,
    /// Those from a release on.
    Release((u32, u32, u32)),
    /// None that is known here.
    Unknown,
}

fn since(number: u32) -> Since {
    if PRIVATE.contains(&number) {
        return Since::Always;
    }
    if number > LAST {
        return Since::Unknown;
    }
    let mut later = SINCE.iter().rev();
    later
        .find(|(first, _)| *first <= number)
        .map_or(Since::Always, |(_, version)| Since::Release(*version))
}

fn release(text: &str) -> Option<(u32, u32, u32)> {
    let mut numbers = text
        .split(|c: char| !c.is_ascii_digit())
        .map_while(|part| part.parse().ok());
    Some((
        numbers.next()?,
        numbers.next()?,
        numbers.next().unwrap_or(0),
    ))
}

fn number(evidence: &Evidence, target: &Target) -> Outcome {
    evidence
        .threads
        .iter()
        .fold(Outcome::nothing(), |outcome, thread| {
            let Some(number) = call_number(thread).filter(|number| *number != RESTART_SYSCALL)
            else {
                return outcome;
            };
            let call = name_of(Some(number));
            let has = target
                .kernel
                .release
                .clone()
                .unwrap_or_else(|| "release not known".to_owned());
            let first = match since(number) {
                Since::Release(first) => Some(first),
                _ => None,
            };
            let requirement = match first {
                Some((a, b, c)) => format!("{call} ({number}), in Linux from {a}.{b}.{c} on"),
                None => format!("{call} ({number})"),
            };
            let found = Outcome::of(requirement, has)
                .cite(thread.cite(format!("stopped in {call}"), "syscall"));
            let known = target.kernel.release.as_deref().and_then(release);
            outcome.and(match since(number) {
                Since::Always => found,
                Since::Release(first) if known.is_some_and(|known| known >= first) => found,
                Since::Release((a, b, c)) => {
                    found.if_only(format!("the kernel is Linux {a}.{b}.{c} or later"))
                }
                Since::Unknown => found.if_only(format!(
                    "no kernel known here has call {number}: the target's has it"
                )),
            })
        })
}

const MODE: u32 = 0x1f;
const USER: u32 = 0x10;
const USER_26: u32 = 0;
const IRQS_MASKED: u32 = 1 << 7;
const FIQS_MASKED: u32 = 1 << 6;

fn state(evidence: &Evidence, target: &Target) -> Outcome {
    if evidence.origin == Origin::Elf {
        return Outcome::nothing();
    }
    let has_code = |space: &SpaceFacts| space.mappings.iter().any(|mapping| mapping.exec);
    let spaces = evidence.spaces.iter();
    let spaces: Vec<_> = spaces.map(|space| (space, has_code(space))).collect();
    let threads = evidence.threads.iter();
    threads.fold(Outcome::nothing(), |outcome, thread| {
        let space = spaces.get(thread.space).copied();
        outcome
            .and(user_mode(target, thread))
            .and(somewhere(&evidence.origin, thread, space))
            .and(aligned(thread))
    })
}

/// Would the kernel let the thread go on with this CPSR?
fn user_mode(target: &Target, thread: &ThreadFacts) -> Outcome {
    let cpsr = thread.cpsr;
    let found = |why: &str| {
        Outcome::of("a CPSR of user mode", "lets no other go on")
            .cite(thread.cite(format!("CPSR {cpsr:#010x} {why}"), "cpsr"))
    };
    if ![USER, USER_26].contains(&(cpsr & MODE)) {
        found("is not of user mode").worst(Verdict::NotRestorable)
    } else if cpsr & IRQS_MASKED != 0 {
        found("masks interrupts").worst(Verdict::NotRestorable)
    } else if cpsr & FIQS_MASKED == 0 {
        Outcome::nothing()
    } else if target.kernel.arm64 {
        found("masks fast interrupts").worst(Verdict::NotRestorable)
    } else {
        found("masks fast interrupts").if_only("the kernel or the restorer clears CPSR.F")
    }
}

/// Is there anything at pc? A core says that a thread was where it died, which it would only do again.
/// The space comes with whether it has any code.
fn somewhere(origin: &Origin, thread: &ThreadFacts, space: Option<(&SpaceFacts, bool)>) -> Outcome {
    /// The program counter of a 26-bit mode shares its register with flags and mode.
    const PC_26: u32 = 0x03ff_fffc;
    let pc = match thread.cpsr & MODE {
        USER_26 => thread.pc() & PC_26,
        _ => thread.pc(),
    };
    let Some((space, has_code)) = space.filter(|(space, _)| !space.mappings.is_empty()) else {
        return Outcome::nothing();
    };
    if space.mapping_at(pc.into()).is_some() || is_kernel_code(pc) {
        return Outcome::nothing();
    }
    let found = Outcome::of("code at pc", "restores what the image holds")
        .cite(thread.cite(format!("pc {pc:#x} is in no mapping"), "pc"));
    if *origin == Origin::Core {
        found.if_only("the program handles the fault that it meets there again")
    } else if !has_code {
        // Whoever made this image left all code out of it, not this thread alone.
        found.if_only(format!(
            "something maps code at {pc:#x} before the thread runs"
        ))
    } else {
        found.worst(Verdict::NotRestorable)
    }
}

fn aligned(thread: &ThreadFacts) -> Outcome {
    let arm = !thread.thumb() && !thread.jazelle() && thread.cpsr & MODE != USER_26;
    let pc = thread.pc();
    if !arm || pc.is_multiple_of(4) {
        return Outcome::nothing();
    }
    Outcome::of("a pc of ARM state", "takes multiples of 4")
        .cite(thread.cite(format!("pc {pc:#x} in ARM state"), "pc"))
        .if_only(format!(
            "ARM code goes on at {:#x}, and the processor takes pc for that",
            pc & !3
        ))
}

/// A task in the freezer is in an uninterruptible sleep; only one that takes its checkpoint itself runs.
const RUNNING: u32 = 0;

fn frozen(evidence: &Evidence, _: &Target) -> Outcome {
    let is_linux_cr = matches!(evidence.origin, Origin::LinuxCr { .. });
    if evidence.origin == Origin::Elf {
        return Outcome::nothing();
    }
    evidence
        .threads
        .iter()
        .fold(Outcome::nothing(), |outcome, thread| {
            let found = if mid_exchange(thread.pc()) {
                Outcome::of("a task at rest", "inconsistent snapshot")
                    .cite(thread.cite(
                        format!(
                            "pc {:#x} is inside an exchange of a kernel helper",
                            thread.pc()
                        ),
                        "pc",
                    ))
                    .if_only("the helper is wound back to its start before the thread runs")
            } else if thread.deliverable != 0 {
                Outcome::of(
                    "pending signals are delivered first",
                    "depends on the restorer",
                )
                .cite(thread.cite(
                    format!(
                        "signals {:#x} are pending and not blocked",
                        thread.deliverable
                    ),
                    "pending",
                ))
            } else if thread.state == RUNNING && is_linux_cr {
                Outcome::of("a task at rest", "restores what the image holds").cite(thread.cite(
                    "state is RUNNING: it took its checkpoint itself, or was not frozen",
                    "state",
                ))
            } else {
                Outcome::nothing()
            };
            outcome.and(found)
        })
}
