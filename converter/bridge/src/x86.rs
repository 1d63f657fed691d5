//! Registers of x86: the order of the core's register set, and how streams encode selectors (§7.1).

use crate::core::Machine;

/// Fields of the CPU record in the order of the core's register set.
pub(crate) fn registers(machine: Machine) -> &'static [&'static str] {
    match machine {
        Machine::X86 => &[
            "bx", "cx", "dx", "si", "di", "bp", "ax", "ds", "es", "fsindex", "gsindex", "orig_ax",
            "ip", "cs", "flags", "sp", "ss",
        ],
        _ => &[
            "r15", "r14", "r13", "r12", "bp", "bx", "r11", "r10", "r9", "r8", "ax", "cx", "dx",
            "si", "di", "orig_ax", "ip", "cs", "flags", "sp", "ss", "fs", "gs", "ds", "es",
            "fsindex", "gsindex",
        ],
    }
}

/// Whether a register is a selector.
pub(crate) fn is_segment(name: &str) -> bool {
    matches!(name, "cs" | "ss" | "ds" | "es" | "fsindex" | "gsindex")
}

/// Selectors that have a code of their own, on each machine, and the first slot of the GDT for TLS.
fn selectors(machine: Machine) -> (&'static [(u64, u64)], u64) {
    match machine {
        Machine::X86 => (&[(0x73, 1), (0x7b, 2)], 6),
        _ => (&[(0x23, 1), (0x2b, 4), (0x2b, 2), (0x33, 3)], 12),
    }
}

/// The code of a selector: 0 null, 1 to 4 the flat ones, 0x4000 and up TLS, 0x8000 and up LDT.
pub(crate) fn segment_code(machine: Machine, selector: u64) -> u64 {
    let (flat, tls) = selectors(machine);
    let slot = selector >> 3;
    match flat.iter().find(|&&(s, _)| s == selector) {
        Some(&(_, code)) => code,
        None if selector < 4 => 0,
        None if selector & 4 != 0 => 0x8000 | slot,
        None => 0x4000 | slot.wrapping_sub(tls) & 0xfff,
    }
}

/// The selector of a code.
pub(crate) fn selector(machine: Machine, code: u64) -> u64 {
    let (flat, tls) = selectors(machine);
    match flat.iter().find(|&&(_, c)| c == code) {
        Some(&(selector, _)) => selector,
        None if code & 0x8000 != 0 => (code & 0x7fff) << 3 | 7,
        None if code & 0x4000 != 0 => ((code & 0xfff) + tls) << 3 | 3,
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_come_back() {
        for (machine, all) in [
            (Machine::X86, [0, 0x73, 0x7b, 0x33, 0x3b, 0x0f]),
            (Machine::X86_64, [0, 0x23, 0x2b, 0x33, 0x63, 0x17]),
        ] {
            for s in all {
                assert_eq!(selector(machine, segment_code(machine, s)), s, "{s:#x}");
            }
        }
        assert_eq!(registers(Machine::X86_64).len(), Machine::X86_64.num_regs());
        assert_eq!(registers(Machine::X86).len(), Machine::X86.num_regs());
    }
}
