//! Registers of x86: the order of the core's register set, how streams encode selectors (§7.1), the areas that the
//! processor keeps floating-point registers in, and thread-local segments.

use crate::bytes::{Fields, Order, push_uint};
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

/// Bytes of the area of FSAVE, and of that of FXSAVE with which one of XSAVE begins.
const FSAVE: usize = 108;
pub(crate) const FXSAVE: usize = 512;
/// Where the area of XSAVE has its header, and the registers behind it.
const XSAVE_REST: usize = FXSAVE + 64;
/// Where Linux keeps the features that are switched on, in bytes that FXSAVE leaves to software.
const XCR0: usize = 464;
/// Bytes of an area with the upper halves of AVX registers.
const AVX_AREA: usize = 832;

/// `NT_PRFPREG` of x86-64, `NT_PRXFPREG` of x86-32.
pub(crate) fn fxsave(area: &[u8]) -> Option<Vec<u8>> {
    area.get(..FXSAVE).map(<[u8]>::to_vec)
}

/// `NT_X86_XSTATE`. Debuggers go by the features that are switched on, which a stream need not say.
pub(crate) fn xsave(area: &[u8]) -> Option<Vec<u8>> {
    let mut area = area.get(..area.len().max(XSAVE_REST))?.to_vec();
    let avx = area.len() >= AVX_AREA;
    if let Some(xcr0) = area.get_mut(XCR0..XCR0 + 8)
        && xcr0.iter().all(|&b| b == 0)
        && let Some(features) = xcr0.first_mut()
    {
        *features = if avx { 7 } else { 3 };
    }
    Some(area)
}

/// `NT_PRFPREG` of x86-32: the area of FSAVE, which says the same in another order.
pub(crate) fn fsave(area: &[u8]) -> Option<Vec<u8>> {
    if area.len() < FXSAVE {
        return area.get(..FSAVE).map(<[u8]>::to_vec);
    }
    let f = Fields {
        data: area,
        order: Order::Little,
    };
    let word = |at| f.u16(at).map(u32::from);
    let (status, opcode) = (word(2)?, word(6)?);
    let tags = tags(&f, status >> 11 & 7)?;
    let words = [
        0xffff_0000 | word(0)?,
        0xffff_0000 | status,
        0xffff_0000 | tags,
        f.u32(8)?,
        word(12)? | opcode << 16,
        f.u32(16)?,
        0xffff_0000 | word(20)?,
    ];
    let mut out: Vec<u8> = words.into_iter().flat_map(u32::to_le_bytes).collect();
    for register in 0..8 {
        out.extend(f.bytes(32 + 16 * register, 10)?);
    }
    Some(out)
}

/// Two bits for each register: 0 a number, 1 zero, 2 special, 3 empty. FXSAVE keeps only whether one is empty.
fn tags(f: &Fields<'_>, top: u32) -> Option<u32> {
    let full = f.uint(4, 1)?;
    let mut tags = 0;
    for register in 0..8_u32 {
        // Tags go by register, contents by place on the stack.
        let place = register.wrapping_sub(top) & 7;
        let at = 32 + 16 * place as usize;
        let (significand, exponent) = (f.uint(at, 8)?, f.u16(at + 8)? & 0x7fff);
        let tag = match exponent {
            _ if full >> register & 1 == 0 => 3,
            0 if significand == 0 => 1,
            0x7fff | 0 => 2,
            _ if significand >> 63 == 1 => 0,
            _ => 2,
        };
        tags |= tag << (2 * register);
    }
    Some(tags)
}

/// The first entry of the GDT for thread-local segments: of a 32-bit kernel, and of a 64-bit one.
const FIRST_TLS: u64 = 6;
const FIRST_TLS_64: u64 = 12;
/// Bytes of a `user_desc`.
const USER_DESC: usize = 16;

/// `NT_386_TLS`: descriptors in the form of `user_desc`; `None` if there is none.
pub(crate) fn user_descriptors(all: &[u64; 3]) -> Option<Vec<u8>> {
    let count = all.iter().rposition(|&d| d != 0)? + 1;
    let mut out = Vec::new();
    for (entry, &d) in (FIRST_TLS..).zip(all.iter().take(count)) {
        let bits = |at: u32, len: u32| d >> at & ((1 << len) - 1);
        let base = bits(16, 24) | bits(56, 8) << 24;
        let limit = bits(0, 16) | bits(48, 4) << 16;
        let flags = bits(54, 1)
            | bits(42, 2) << 1
            | (bits(41, 1) ^ 1) << 3
            | bits(55, 1) << 4
            | (bits(47, 1) ^ 1) << 5
            | bits(52, 1) << 6;
        for word in [entry, base, limit, flags] {
            push_uint(&mut out, Order::Little, word, 4);
        }
    }
    Some(out)
}

/// The way back.
pub(crate) fn descriptors(users: &[u8]) -> [u64; 3] {
    let mut all = [0; 3];
    for user in users.chunks_exact(USER_DESC) {
        let f = Fields {
            data: user,
            order: Order::Little,
        };
        let word = |i: usize| f.uint(4 * i, 4).unwrap_or(0);
        let (entry, base, limit, flags) = (word(0), word(1), word(2), word(3));
        let flag = |n: u32| flags >> n & 1;
        // One that was never set reads as "not present, read-only", without base and limit.
        let is_empty = base == 0 && limit == 0 && flag(5) == 1;
        let first = if entry < FIRST_TLS_64 {
            FIRST_TLS
        } else {
            FIRST_TLS_64
        };
        let index = usize::try_from(entry.wrapping_sub(first));
        if let Some(to) = index
            .ok()
            .and_then(|i| all.get_mut(i))
            .filter(|_| !is_empty)
        {
            // An accessed segment of data, for programs.
            let kind = 0x71 | (flags >> 1 & 3) << 2 | (flag(3) ^ 1) << 1 | (flag(5) ^ 1) << 7;
            let modes = flag(6) | flag(0) << 2 | flag(4) << 3;
            *to = limit & 0xffff
                | (base & 0xff_ffff) << 16
                | kind << 40
                | (limit >> 16 & 0xf) << 48
                | modes << 52
                | base >> 24 << 56;
        }
    }
    all
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

    /// What Linux shows of an area with two numbers on the stack.
    #[test]
    fn the_older_area_says_the_same() {
        let mut area = vec![0; FXSAVE];
        area[..8].copy_from_slice(&[0x7f, 3, 0, 0x30, 0xc0, 0, 0xd9, 1]);
        area[8..12].copy_from_slice(&0x0804_8123_u32.to_le_bytes());
        area[12] = 0x73;
        area[20] = 0x7b;
        // 1.0 and 0.0
        area[32 + 7] = 0x80;
        area[32 + 8..32 + 10].copy_from_slice(&[0xff, 0x3f]);
        let old = fsave(&area).unwrap();
        assert_eq!(old.len(), FSAVE);
        let words: Vec<u32> = old[..28]
            .chunks_exact(4)
            .map(|w| u32::from_le_bytes(w.try_into().unwrap()))
            .collect();
        let wanted = [
            0xffff_037f,
            0xffff_3000,
            0xffff_4fff,
            0x0804_8123,
            0x01d9_0073,
            0,
            0xffff_007b,
        ];
        assert_eq!(words, wanted);
        assert_eq!(old[28..38], area[32..42]);
        assert_eq!(fsave(&old).as_deref(), Some(&*old));
    }

    #[test]
    fn thread_local_segments_come_back() {
        // Base 0xb7e4_c6c0, 4 GiB of pages, for reading and writing.
        let tls = [0xb7df_f3e4_c6c0_ffff, 0, 0x00cf_f300_0000_ffff];
        let users = user_descriptors(&tls).unwrap();
        assert_eq!(
            users[..16],
            [
                6, 0, 0, 0, 0xc0, 0xc6, 0xe4, 0xb7, 0xff, 0xff, 0xf, 0, 0x51, 0, 0, 0
            ]
        );
        assert_eq!(descriptors(&users), tls);
        assert_eq!(user_descriptors(&[0; 3]), None);
    }
}
