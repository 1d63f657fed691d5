//! VFP instructions as text (ARM ARM A7.5 to A7.9): the decoder of other instructions has none.

use std::fmt::Write;

/// Assembly of a VFP instruction; in Thumb code it has the same bits with the condition "always".
/// `None` for anything else.
pub fn text(word: u32) -> Option<String> {
    let cond = CONDITIONS.get((word >> 28) as usize)?;
    if word >> 9 & 7 != 0b101 {
        return None;
    }
    match word >> 24 & 15 {
        0b1100 | 0b1101 if word >> 21 & 0x7f == 0b110_0010 => pair(word, cond),
        0b1100 | 0b1101 => memory(word, cond),
        0b1110 if word & 0x10 != 0 => transfer(word, cond),
        0b1110 => arithmetic(word, cond),
        _ => None,
    }
}

/// Conditions as suffixes, by number.
pub const CONDITIONS: [&str; 15] = [
    "eq", "ne", "hs", "lo", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le", "",
];
const CORE: [&str; 16] = [
    "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "fp", "ip", "sp", "lr", "pc",
];

pub(super) fn core(word: u32, at: u32) -> &'static str {
    CORE[(word >> at & 15) as usize]
}

/// Whether registers are double ones.
fn is_double(word: u32) -> bool {
    word & 0x100 != 0
}

/// A register whose number has four bits at `at` and one at `extra`.
fn register(word: u32, double: bool, at: u32, extra: u32) -> String {
    let (four, one) = (word >> at & 15, word >> extra & 1);
    if double {
        format!("d{}", one << 4 | four)
    } else {
        format!("s{}", four << 1 | one)
    }
}

fn destination(word: u32, double: bool) -> String {
    register(word, double, 12, 22)
}
fn first(word: u32, double: bool) -> String {
    register(word, double, 16, 7)
}
fn second(word: u32, double: bool) -> String {
    register(word, double, 0, 5)
}

/// Two core registers and a double register, or two single ones.
fn pair(word: u32, cond: &str) -> Option<String> {
    if word & 0xd0 != 0x10 {
        return None;
    }
    let cores = format!("{}, {}", core(word, 12), core(word, 16));
    let double = is_double(word);
    let mut own = second(word, double);
    if !double {
        let number: u32 = own[1..].parse().ok()?;
        let _ = write!(own, ", s{}", number + 1);
    }
    Some(if word & 1 << 20 == 0 {
        format!("vmov{cond} {own}, {cores}")
    } else {
        format!("vmov{cond} {cores}, {own}")
    })
}

fn memory(word: u32, cond: &str) -> Option<String> {
    let bit = |at: u32| word >> at & 1 == 1;
    let (before, up, back, load) = (bit(24), bit(23), bit(21), bit(20));
    let double = is_double(word);
    let (base, count) = (core(word, 16), word & 0xff);
    if before && !back {
        let name = if load { "vldr" } else { "vstr" };
        let sign = if up { "" } else { "-" };
        let offset = match count {
            0 => String::new(),
            _ => format!(", {sign}{:#x}", count * 4),
        };
        return Some(format!(
            "{name}{cond} {}, [{base}{offset}]",
            destination(word, double)
        ));
    }
    let mode = match (before, up, back) {
        (false, true, _) => "ia",
        (true, false, true) => "db",
        _ => return None,
    };
    let count = if double { count / 2 } else { count };
    if count == 0 {
        return None;
    }
    let start = destination(word, double);
    let number: u32 = start[1..].parse().ok()?;
    let list = match count {
        1 => format!("{{{start}}}"),
        _ => format!("{{{start}-{}{}}}", &start[..1], number + count - 1),
    };
    // The form for registers of unknown contents has an odd number of words.
    let odd = double && word & 1 == 1;
    Some(match (base, mode, load, odd) {
        ("sp", "ia", true, false) if back => format!("vpop{cond} {list}"),
        ("sp", "db", false, false) => format!("vpush{cond} {list}"),
        _ => {
            let name = match (load, odd) {
                (true, false) => "vldm",
                (false, false) => "vstm",
                (true, true) => "fldm",
                (false, true) => "fstm",
            };
            let (x, sign) = (if odd { "x" } else { "" }, if back { "!" } else { "" });
            format!("{name}{mode}{x}{cond} {base}{sign}, {list}")
        }
    })
}

/// Between a core register and a register, a lane of one, or one of the system.
fn transfer(word: u32, cond: &str) -> Option<String> {
    let to_core = word & 1 << 20 != 0;
    let rt = core(word, 12);
    let moved = |name: &str, own: &str| {
        if to_core {
            format!("{name} {rt}, {own}")
        } else {
            format!("{name} {own}, {rt}")
        }
    };
    if is_double(word) {
        let high = word >> 21 & 7;
        let low = word >> 5 & 3;
        if high & 4 != 0 && !to_core {
            let size = match (high >> 1 & 1, low & 1) {
                (1, 0) => 8,
                (0, 1) => 16,
                (0, 0) => 32,
                _ => return None,
            };
            let lane = first(word, true);
            let quad: u32 = lane[1..].parse().ok()?;
            let own = if high & 1 == 1 {
                format!("q{}", quad / 2)
            } else {
                lane
            };
            return Some(format!("vdup{cond}.{size} {own}, {rt}"));
        }
        let sign = if high & 4 == 0 { "s" } else { "u" };
        let (size, lane) = match (high >> 1 & 1, low & 1, low) {
            (1, _, _) => (8, (high & 1) << 2 | low),
            (0, 1, _) => (16, (high & 1) << 1 | low >> 1),
            (0, 0, 0) if high & 4 == 0 => (32, high & 1),
            _ => return None,
        };
        let sign = if size == 32 || !to_core { "" } else { sign };
        let own = format!("{}[{lane}]", first(word, true));
        return Some(moved(&format!("vmov{cond}.{sign}{size}"), &own));
    }
    match word >> 21 & 7 {
        0 => Some(moved(&format!("vmov{cond}"), &first(word, false))),
        7 => {
            let system = match word >> 16 & 15 {
                0 => "fpsid",
                1 => "fpscr",
                5 => "mvfr2",
                6 => "mvfr1",
                7 => "mvfr0",
                8 => "fpexc",
                9 => "fpinst",
                10 => "fpinst2",
                _ => return None,
            };
            Some(match (to_core, rt, system) {
                (true, "pc", "fpscr") => format!("vmrs{cond} apsr_nzcv, fpscr"),
                (true, ..) => format!("vmrs{cond} {rt}, {system}"),
                (false, ..) => format!("vmsr{cond} {system}, {rt}"),
            })
        }
        _ => None,
    }
}

fn arithmetic(word: u32, cond: &str) -> Option<String> {
    let double = is_double(word);
    let kind = if double { "f64" } else { "f32" };
    let minus = word & 0x40 != 0;
    let which = word >> 21 & 4 | word >> 20 & 3;
    let name = match (which, minus) {
        (0, false) => "vmla",
        (0, true) => "vmls",
        (1, false) => "vnmls",
        (1, true) => "vnmla",
        (2, false) => "vmul",
        (2, true) => "vnmul",
        (3, false) => "vadd",
        (3, true) => "vsub",
        (4, false) => "vdiv",
        (5, false) => "vfnms",
        (5, true) => "vfnma",
        (6, false) => "vfma",
        (6, true) => "vfms",
        (7, false) => {
            let bits = word >> 12 & 0xf0 | word & 15;
            let to = destination(word, double);
            let value = constant(bits);
            return (word & 0xa0 == 0).then(|| format!("vmov{cond}.{kind} {to}, {value}"));
        }
        (7, true) => return of_one(word, cond, kind, double),
        _ => return None,
    };
    Some(format!(
        "{name}{cond}.{kind} {}, {}, {}",
        destination(word, double),
        first(word, double),
        second(word, double)
    ))
}

/// The number that eight bits stand for: a sign, three bits of exponent, four of fraction.
pub(super) fn constant(bits: u32) -> f64 {
    let exponent = ((bits >> 4 & 7) ^ 4).cast_signed() - 3;
    let value = f64::from(16 + (bits & 15)) / 16.0 * 2f64.powi(exponent);
    if bits & 0x80 == 0 { value } else { -value }
}

fn of_one(word: u32, cond: &str, kind: &str, double: bool) -> Option<String> {
    let second_half = word & 0x80 != 0;
    let pick = |no: &'static str, yes: &'static str| if second_half { yes } else { no };
    let (to, from) = (destination(word, double), second(word, double));
    Some(match word >> 16 & 15 {
        0 => format!("{}{cond}.{kind} {to}, {from}", pick("vmov", "vabs")),
        1 => format!("{}{cond}.{kind} {to}, {from}", pick("vneg", "vsqrt")),
        // Half of a single register, to or from single precision.
        2 if !double => format!("{}{cond}.f32.f16 {to}, {from}", pick("vcvtb", "vcvtt")),
        3 if !double => format!("{}{cond}.f16.f32 {to}, {from}", pick("vcvtb", "vcvtt")),
        4 => format!("{}{cond}.{kind} {to}, {from}", pick("vcmp", "vcmpe")),
        5 if word & 0x2f == 0 => format!("{}{cond}.{kind} {to}, 0.0", pick("vcmp", "vcmpe")),
        7 if second_half => {
            let other = if double { "f32" } else { "f64" };
            format!(
                "vcvt{cond}.{other}.{kind} {}, {from}",
                destination(word, !double)
            )
        }
        8 => {
            let int = pick("u32", "s32");
            format!("vcvt{cond}.{kind}.{int} {to}, {}", second(word, false))
        }
        whole @ (12 | 13) => {
            let int = if whole == 12 { "u32" } else { "s32" };
            let name = pick("vcvtr", "vcvt");
            format!(
                "{name}{cond}.{int}.{kind} {}, {from}",
                destination(word, false)
            )
        }
        fixed @ (10 | 11 | 14 | 15) => {
            let size = if second_half { 32 } else { 16 };
            let bits = size - ((word & 15) << 1 | word >> 5 & 1).min(size);
            let int = format!("{}{size}", if fixed & 1 == 0 { "s" } else { "u" });
            let kinds = if fixed < 12 {
                format!("{kind}.{int}")
            } else {
                format!("{int}.{kind}")
            };
            format!("vcvt{cond}.{kinds} {to}, {to}, {bits}")
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn instructions_read_as_binutils_writes_them() {
        for (word, wanted) in [
            (0xed2d_8b10, "vpush {d8-d15}"),
            (0xecbd_8b02, "vpop {d8}"),
            (0xed93_0b02, "vldr d0, [r3, 0x8]"),
            (0x0d1f_fa01, "vldreq s30, [pc, -0x4]"),
            (0xedcd_7a00, "vstr s15, [sp]"),
            (0xecb0_0b20, "vldmia r0!, {d0-d15}"),
            (0xecf0_0b20, "vldmia r0!, {d16-d31}"),
            (0xec80_0b21, "fstmiax r0, {d0-d15}"),
            (0xee31_0b02, "vadd.f64 d0, d1, d2"),
            (0xee71_7ae7, "vsub.f32 s15, s3, s15"),
            (0xee87_0a27, "vdiv.f32 s0, s14, s15"),
            (0xeeb4_0bc1, "vcmpe.f64 d0, d1"),
            (0xeeb5_0b40, "vcmp.f64 d0, 0.0"),
            (0xeef1_fa10, "vmrs apsr_nzcv, fpscr"),
            (0xeee1_3a10, "vmsr fpscr, r3"),
            (0xeef1_3a10, "vmrs r3, fpscr"),
            (0xee07_3a90, "vmov s15, r3"),
            (0xee17_3a90, "vmov r3, s15"),
            (0xec41_0b30, "vmov d16, r0, r1"),
            (0xec51_0b10, "vmov r0, r1, d0"),
            (0xee20_0b90, "vmov.32 d16[1], r0"),
            (0xeea0_0b90, "vdup.32 q8, r0"),
            (0xeeb7_0b00, "vmov.f64 d0, 1"),
            (0xeeb8_7a00, "vmov.f32 s14, -2"),
            (0xeeb8_0be7, "vcvt.f64.s32 d0, s15"),
            (0xeefd_7bc0, "vcvt.s32.f64 s15, d0"),
            (0xeeb7_0ae7, "vcvt.f64.f32 d0, s15"),
            (0xeeb7_7bc0, "vcvt.f32.f64 s14, d0"),
            (0xeeba_0bef, "vcvt.f64.s32 d0, d0, 1"),
            (0xeeb1_0bc1, "vsqrt.f64 d0, d1"),
            (0xeeb0_0b41, "vmov.f64 d0, d1"),
            (0xeea1_0b02, "vfma.f64 d0, d1, d2"),
        ] {
            assert_eq!(text(word).as_deref(), Some(wanted), "{word:#x}");
        }
        for word in [0xe3a0_0001, 0xee07_0f15, 0xf2000d40, 0xeeb6_0b40] {
            assert_eq!(text(word), None, "{word:#x}");
        }
    }
}
