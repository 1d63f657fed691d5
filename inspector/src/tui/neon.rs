//! Advanced SIMD instructions as text (ARM ARM A7.4 and A7.7): the decoder of other instructions has none.

use super::vfp;
use std::fmt::Write;

/// Assembly of an Advanced SIMD instruction; `None` for anything else.
pub fn text(word: u32, thumb: bool) -> Option<String> {
    // These are the same in both instruction sets.
    if matches!(word >> 24, 0xfc..=0xfe) {
        return products(word);
    }
    let word = if thumb { as_arm(word)? } else { word };
    match word >> 24 {
        0xf2 | 0xf3 => data(word),
        0xf4 if !bit(word, 20) => structures(word),
        _ => None,
    }
}

/// Thumb code has the same words with other bits above; U moves from bit 28 to bit 24.
fn as_arm(word: u32) -> Option<u32> {
    let rest = word & 0x00ff_ffff;
    match word >> 24 {
        0xef => Some(0xf200_0000 | rest),
        0xff => Some(0xf300_0000 | rest),
        0xf9 => Some(0xf400_0000 | rest),
        _ => None,
    }
}

fn bit(word: u32, at: u32) -> bool {
    word >> at & 1 == 1
}

fn bits(word: u32, from: u32, len: u32) -> u32 {
    word >> from & ((1 << len) - 1)
}

/// The number of a register: four bits at `at`, the highest at `high`.
fn number(word: u32, at: u32, high: u32) -> u32 {
    bits(word, high, 1) << 4 | bits(word, at, 4)
}

/// A register of 64 or 128 bits; those of 128 have even numbers.
fn vector(number: u32, quad: bool) -> Option<String> {
    match (quad, number % 2) {
        (false, _) => Some(format!("d{number}")),
        (true, 0) => Some(format!("q{}", number / 2)),
        _ => None,
    }
}

fn d(word: u32, quad: bool) -> Option<String> {
    vector(number(word, 12, 22), quad)
}
fn n(word: u32, quad: bool) -> Option<String> {
    vector(number(word, 16, 7), quad)
}
fn m(word: u32, quad: bool) -> Option<String> {
    vector(number(word, 0, 5), quad)
}

/// `s` or `u`, by U.
fn sign(word: u32) -> &'static str {
    if bit(word, 24) { "u" } else { "s" }
}

fn quad(word: u32) -> bool {
    bit(word, 6)
}

/// Complex numbers (Armv8.3), dot products and products of matrices (Armv8.2 to 8.6).
fn products(word: u32) -> Option<String> {
    let element = word >> 24 == 0xfe;
    match (bits(word, 8, 4), bit(word, 4)) {
        (8, false) if element => complex_by_element(word),
        (8, false) => complex(word),
        (12, u) if word >> 24 == 0xfc && quad(word) => {
            let name = match (bit(word, 23), bits(word, 20, 2), u) {
                (false, 0, false) => "vmmla.bf16",
                (false, 2, false) => "vsmmla.s8",
                (false, 2, true) => "vummla.u8",
                (true, 2, false) => "vusmmla.s8",
                _ => return None,
            };
            three(name, word, true)
        }
        (13, u) if word >> 24 != 0xfd => {
            let name = match (element, bit(word, 23), bits(word, 20, 2), u) {
                (_, false, 0, false) => "vdot.bf16",
                (_, false, 2, false) => "vsdot.s8",
                (_, false, 2, true) => "vudot.u8",
                (false, true, 2, false) | (true, true, 0, false) => "vusdot.s8",
                (true, true, 0, true) => "vsudot.u8",
                _ => return None,
            };
            if !element {
                return three(name, word, quad(word));
            }
            let (q, to) = (quad(word), bits(word, 0, 4));
            let index = u8::from(bit(word, 5));
            Some(format!(
                "{name} {}, {}, d{to}[{index}]",
                d(word, q)?,
                n(word, q)?
            ))
        }
        _ => None,
    }
}

/// Complex addition, and multiplication with what is turned.
fn complex(word: u32) -> Option<String> {
    let size = if bit(word, 20) { 32 } else { 16 };
    let (name, turn) = match (bit(word, 21), bit(word, 23)) {
        (true, _) => ("vcmla", bits(word, 23, 2) * 90),
        (false, true) => ("vcadd", if bit(word, 24) { 270 } else { 90 }),
        _ => return None,
    };
    let three = three(&format!("{name}.f{size}"), word, quad(word))?;
    Some(format!("{three}, #{turn}"))
}

fn complex_by_element(word: u32) -> Option<String> {
    let (q, turn) = (quad(word), bits(word, 20, 2) * 90);
    let (size, to, index) = if bit(word, 23) {
        (32, number(word, 0, 5), 0)
    } else {
        (16, bits(word, 0, 4), bits(word, 5, 1))
    };
    let (d, n) = (d(word, q)?, n(word, q)?);
    Some(format!("vcmla.f{size} {d}, {n}, d{to}[{index}], #{turn}"))
}

fn data(word: u32) -> Option<String> {
    match (bit(word, 23), bit(word, 4)) {
        (false, _) => same_length(word),
        (true, true) if bits(word, 19, 3) == 0 && !bit(word, 7) => immediate(word),
        (true, true) => shift(word),
        (true, false) if bits(word, 20, 2) != 3 && quad(word) => by_scalar(word),
        (true, false) if bits(word, 20, 2) != 3 => long(word),
        (true, false) if !bit(word, 24) => extract(word),
        (true, false) if !bit(word, 11) => of_one(word),
        (true, false) if !bit(word, 10) => table(word),
        (true, false) if bits(word, 7, 3) == 0 => duplicate(word),
        _ => None,
    }
}

/// What the elements are, which stands before their size.
#[derive(Clone, Copy)]
enum Kind {
    /// Bits alone.
    Plain,
    /// Integers without a sign.
    Int,
    /// Integers with the sign that U gives.
    Signed,
}

fn kind(word: u32, kind: Kind, size: u32) -> String {
    match kind {
        Kind::Plain => format!(".{size}"),
        Kind::Int => format!(".i{size}"),
        Kind::Signed => format!(".{}{size}", sign(word)),
    }
}

/// Three registers of the same length.
fn same_length(word: u32) -> Option<String> {
    use Kind::{Int, Plain, Signed};
    let (u, size, second) = (bit(word, 24), bits(word, 20, 2), bit(word, 4));
    let pick = |no: &'static str, yes: &'static str| if u { yes } else { no };
    // Name, type, the sizes that there are (a bit each), and whether quad registers may be used.
    let (name, of, sizes, wide) = match (bits(word, 8, 4), second) {
        (0, false) => ("vhadd", Signed, 0b0111, true),
        (0, true) => ("vqadd", Signed, 0b1111, true),
        (1, false) => ("vrhadd", Signed, 0b0111, true),
        (1, true) => return bitwise(word),
        (2, false) => ("vhsub", Signed, 0b0111, true),
        (2, true) => ("vqsub", Signed, 0b1111, true),
        (3, false) => ("vcgt", Signed, 0b0111, true),
        (3, true) => ("vcge", Signed, 0b0111, true),
        (4, false) => ("vshl", Signed, 0b1111, true),
        (4, true) => ("vqshl", Signed, 0b1111, true),
        (5, false) => ("vrshl", Signed, 0b1111, true),
        (5, true) => ("vqrshl", Signed, 0b1111, true),
        (6, false) => ("vmax", Signed, 0b0111, true),
        (6, true) => ("vmin", Signed, 0b0111, true),
        (7, false) => ("vabd", Signed, 0b0111, true),
        (7, true) => ("vaba", Signed, 0b0111, true),
        (8, false) => (pick("vadd", "vsub"), Int, 0b1111, true),
        (8, true) if u => ("vceq", Int, 0b0111, true),
        (8, true) => ("vtst", Plain, 0b0111, true),
        (9, false) => (pick("vmla", "vmls"), Int, 0b0111, true),
        (9, true) if u && size == 0 => {
            return three("vmul.p8", word, quad(word));
        }
        (9, true) if !u => ("vmul", Int, 0b0111, true),
        (10, false) => ("vpmax", Signed, 0b0111, false),
        (10, true) => ("vpmin", Signed, 0b0111, false),
        (11, false) => {
            return signed_three(pick("vqdmulh", "vqrdmulh"), word, 0b0110);
        }
        (11, true) if !u => ("vpadd", Int, 0b0111, false),
        (11, true) => return signed_three("vqrdmlah", word, 0b0110),
        (12, false) => return digest(word),
        (12, true) if u => return signed_three("vqrdmlsh", word, 0b0110),
        _ => return float(word),
    };
    if sizes >> size & 1 == 0 || (quad(word) && !wide) {
        return None;
    }
    let name = format!("{name}{}", kind(word, of, 8 << size));
    if matches!(bits(word, 8, 4), 4 | 5) {
        let q = quad(word);
        return Some(format!(
            "{name} {}, {}, {}",
            d(word, q)?,
            m(word, q)?,
            n(word, q)?
        ));
    }
    three(&name, word, quad(word))
}

fn three(name: &str, word: u32, q: bool) -> Option<String> {
    Some(format!(
        "{name} {}, {}, {}",
        d(word, q)?,
        n(word, q)?,
        m(word, q)?
    ))
}

fn signed_three(name: &str, word: u32, sizes: u32) -> Option<String> {
    let size = bits(word, 20, 2);
    let there = sizes >> size & 1 == 1;
    there.then(|| three(&format!("{name}.s{}", 8 << size), word, quad(word)))?
}

fn bitwise(word: u32) -> Option<String> {
    let names = [
        "vand", "vbic", "vorr", "vorn", "veor", "vbsl", "vbit", "vbif",
    ];
    let which = bits(word, 24, 1) << 2 | bits(word, 20, 2);
    let same = number(word, 16, 7) == number(word, 0, 5);
    if which == 2 && same {
        return two("vmov", word, quad(word), quad(word));
    }
    three(names[which as usize], word, quad(word))
}

/// SHA-1 and SHA-256.
fn digest(word: u32) -> Option<String> {
    let names = [
        "sha1c",
        "sha1p",
        "sha1m",
        "sha1su0",
        "sha256h",
        "sha256h2",
        "sha256su1",
    ];
    let which = bits(word, 24, 1) << 2 | bits(word, 20, 2);
    let name = names.get(which as usize).filter(|_| quad(word))?;
    three(&format!("{name}.32"), word, true)
}

/// Arithmetic on numbers with a fraction.
fn float(word: u32) -> Option<String> {
    let (u, q, high) = (bit(word, 24), quad(word), bit(word, 21));
    let name = match (bits(word, 8, 4), bit(word, 4), u, high) {
        (12, true, false, false) => "vfma",
        (12, true, false, true) => "vfms",
        (13, false, false, false) => "vadd",
        (13, false, false, true) => "vsub",
        (13, false, true, false) if !q => "vpadd",
        (13, false, true, true) => "vabd",
        (13, true, false, false) => "vmla",
        (13, true, false, true) => "vmls",
        (13, true, true, false) => "vmul",
        (14, false, false, false) => "vceq",
        (14, false, true, false) => "vcge",
        (14, false, true, true) => "vcgt",
        (14, true, true, false) => "vacge",
        (14, true, true, true) => "vacgt",
        (15, false, false, false) => "vmax",
        (15, false, false, true) => "vmin",
        (15, false, true, false) if !q => "vpmax",
        (15, false, true, true) if !q => "vpmin",
        (15, true, false, false) => "vrecps",
        (15, true, false, true) => "vrsqrts",
        (15, true, true, false) => "vmaxnm",
        (15, true, true, true) => "vminnm",
        _ => return None,
    };
    let size = if bit(word, 20) { 16 } else { 32 };
    three(&format!("{name}.f{size}"), word, q)
}

/// A register and a constant that is made of eight bits.
fn immediate(word: u32) -> Option<String> {
    let (cmode, op) = (bits(word, 8, 4), bit(word, 5));
    let byte = bits(word, 24, 1) << 7 | bits(word, 16, 3) << 4 | bits(word, 0, 4);
    let whole = if op { "vmvn" } else { "vmov" };
    let part = if op { "vbic" } else { "vorr" };
    let (name, value) = match cmode {
        0..8 if cmode % 2 == 0 => (format!("{whole}.i32"), u64::from(byte) << (cmode / 2 * 8)),
        0..8 => (format!("{part}.i32"), u64::from(byte) << (cmode / 2 * 8)),
        8 | 10 => (
            format!("{whole}.i16"),
            u64::from(byte) << ((cmode - 8) / 2 * 8),
        ),
        9 | 11 => (
            format!("{part}.i16"),
            u64::from(byte) << ((cmode - 8) / 2 * 8),
        ),
        12 => (format!("{whole}.i32"), u64::from(byte) << 8 | 0xff),
        13 => (format!("{whole}.i32"), u64::from(byte) << 16 | 0xffff),
        14 if !op => ("vmov.i8".to_owned(), u64::from(byte)),
        14 => {
            let bytes = (0..8).filter(|at| byte >> at & 1 == 1);
            (
                "vmov.i64".to_owned(),
                bytes.fold(0, |value, at| value | 0xff << (8 * at)),
            )
        }
        15 if !op => {
            let value = vfp::constant(byte);
            return Some(format!("vmov.f32 {}, {value}", d(word, quad(word))?));
        }
        _ => return None,
    };
    Some(format!("{name} {}, {value:#x}", d(word, quad(word))?))
}

/// A register, shifted by a constant.
fn shift(word: u32) -> Option<String> {
    let (u, q, wide) = (bit(word, 24), quad(word), bit(word, 7));
    let value = bits(word, 16, 6);
    let size = match (wide, value) {
        (true, _) => 64,
        (false, 32..) => 32,
        (false, 16..) => 16,
        (false, _) => 8,
    };
    let base = if wide { 0 } else { size };
    let (left, right) = (value - base, if wide { 64 } else { 2 * size } - value);
    let signed = sign(word);
    let same =
        |name: String, by: u32| Some(format!("{name} {}, {}, {by:#x}", d(word, q)?, m(word, q)?));
    let narrow = |name: String| {
        (!wide).then(|| {
            Some(format!(
                "{name} {}, {}, {right:#x}",
                d(word, false)?,
                m(word, true)?
            ))
        })?
    };
    let double = 2 * size;
    match bits(word, 8, 4) {
        0 => same(format!("vshr.{signed}{size}"), right),
        1 => same(format!("vsra.{signed}{size}"), right),
        2 => same(format!("vrshr.{signed}{size}"), right),
        3 => same(format!("vrsra.{signed}{size}"), right),
        4 if u => same(format!("vsri.{size}"), right),
        5 if u => same(format!("vsli.{size}"), left),
        5 => same(format!("vshl.i{size}"), left),
        6 if u => same(format!("vqshlu.s{size}"), left),
        7 => same(format!("vqshl.{signed}{size}"), left),
        8 => narrow(match (u, q) {
            (false, false) => format!("vshrn.i{double}"),
            (false, true) => format!("vrshrn.i{double}"),
            (true, false) => format!("vqshrun.s{double}"),
            (true, true) => format!("vqrshrun.s{double}"),
        }),
        9 => narrow(format!(
            "{}.{signed}{double}",
            if q { "vqrshrn" } else { "vqshrn" }
        )),
        10 if !wide && !q => {
            let (to, from) = (d(word, true)?, m(word, false)?);
            Some(if left == 0 {
                format!("vmovl.{signed}{size} {to}, {from}")
            } else {
                format!("vshll.{signed}{size} {to}, {from}, {left:#x}")
            })
        }
        which @ 12..=15 if !wide && value >= 32 => {
            let (float, int) = if which < 14 { ("f16", 16) } else { ("f32", 32) };
            let int = format!("{signed}{int}");
            let kinds = if which % 2 == 0 {
                format!("{float}.{int}")
            } else {
                format!("{int}.{float}")
            };
            same(format!("vcvt.{kinds}"), 64 - value)
        }
        _ => None,
    }
}

/// Two registers that make a longer one, or the other way round.
fn long(word: u32) -> Option<String> {
    let (u, size) = (bit(word, 24), bits(word, 20, 2));
    let (own, double) = (8 << size, 16 << size);
    let signed = sign(word);
    let lengthen = |name: &str, of: String| {
        Some(format!(
            "{name}.{of} {}, {}, {}",
            d(word, true)?,
            n(word, false)?,
            m(word, false)?
        ))
    };
    let widen = |name: &str| {
        Some(format!(
            "{name}.{signed}{own} {}, {}, {}",
            d(word, true)?,
            n(word, true)?,
            m(word, false)?
        ))
    };
    let narrow = |name: &str| {
        Some(format!(
            "{name}.i{double} {}, {}, {}",
            d(word, false)?,
            n(word, true)?,
            m(word, true)?
        ))
    };
    let usual = format!("{signed}{own}");
    match bits(word, 8, 4) {
        0 => lengthen("vaddl", usual),
        1 => widen("vaddw"),
        2 => lengthen("vsubl", usual),
        3 => widen("vsubw"),
        4 => narrow(if u { "vraddhn" } else { "vaddhn" }),
        5 => lengthen("vabal", usual),
        6 => narrow(if u { "vrsubhn" } else { "vsubhn" }),
        7 => lengthen("vabdl", usual),
        8 => lengthen("vmlal", usual),
        9 if !u && size != 0 => lengthen("vqdmlal", usual),
        10 => lengthen("vmlsl", usual),
        11 if !u && size != 0 => lengthen("vqdmlsl", usual),
        12 => lengthen("vmull", usual),
        13 if !u && size != 0 => lengthen("vqdmull", usual),
        14 if !u && size == 0 => lengthen("vmull", "p8".to_owned()),
        14 if !u && size == 2 => lengthen("vmull", "p64".to_owned()),
        _ => None,
    }
}

/// A register, and one element of another.
fn by_scalar(word: u32) -> Option<String> {
    let (u, size) = (bit(word, 24), bits(word, 20, 2));
    let scalar = match size {
        1 => format!(
            "d{}[{}]",
            bits(word, 0, 3),
            bits(word, 5, 1) << 1 | bits(word, 3, 1)
        ),
        2 => format!("d{}[{}]", bits(word, 0, 4), bits(word, 5, 1)),
        _ => return None,
    };
    let own = 8 << size;
    let same = |name: &str, letter: &str| {
        Some(format!(
            "{name}.{letter}{own} {}, {}, {scalar}",
            d(word, u)?,
            n(word, u)?
        ))
    };
    let long = |name: &str, letter: &str| {
        Some(format!(
            "{name}.{letter}{own} {}, {}, {scalar}",
            d(word, true)?,
            n(word, false)?
        ))
    };
    match bits(word, 8, 4) {
        0 => same("vmla", "i"),
        1 => same("vmla", "f"),
        2 => long("vmlal", sign(word)),
        3 if !u => long("vqdmlal", "s"),
        4 => same("vmls", "i"),
        5 => same("vmls", "f"),
        6 => long("vmlsl", sign(word)),
        7 if !u => long("vqdmlsl", "s"),
        8 => same("vmul", "i"),
        9 => same("vmul", "f"),
        10 => long("vmull", sign(word)),
        11 if !u => long("vqdmull", "s"),
        12 => same("vqdmulh", "s"),
        13 => same("vqrdmulh", "s"),
        14 => same("vqrdmlah", "s"),
        15 => same("vqrdmlsh", "s"),
        _ => None,
    }
}

fn extract(word: u32) -> Option<String> {
    let (q, at) = (quad(word), bits(word, 8, 4));
    let there = q || at < 8;
    there.then(|| Some(format!("{}, {at:#x}", three("vext.8", word, q)?)))?
}

fn table(word: u32) -> Option<String> {
    let (first, len) = (number(word, 16, 7), bits(word, 8, 2) + 1);
    let name = if quad(word) { "vtbx.8" } else { "vtbl.8" };
    let list = list(first, len, 1, "")?;
    Some(format!(
        "{name} {}, {list}, {}",
        d(word, false)?,
        m(word, false)?
    ))
}

fn duplicate(word: u32) -> Option<String> {
    let which = bits(word, 16, 4);
    let size = which.trailing_zeros();
    let lane = which >> (size + 1).min(4);
    let from = m(word, false)?;
    (size < 3).then(|| {
        Some(format!(
            "vdup.{} {}, {from}[{lane}]",
            8 << size,
            d(word, quad(word))?
        ))
    })?
}

fn two(name: &str, word: u32, to: bool, from: bool) -> Option<String> {
    Some(format!("{name} {}, {}", d(word, to)?, m(word, from)?))
}

/// One register makes another.
fn of_one(word: u32) -> Option<String> {
    let (size, which, q) = (bits(word, 18, 2), bits(word, 7, 4), quad(word));
    match bits(word, 16, 2) {
        0 => rearranged(word, size, which, q),
        1 => with_zero(word, size, which, q),
        2 => exchanged(word, size, which, q),
        _ => converted(word, size, which, q),
    }
}

fn rearranged(word: u32, size: u32, which: u32, q: bool) -> Option<String> {
    let own = 8 << size;
    let sign = if which & 1 == 0 { "s" } else { "u" };
    let (name, there) = match which {
        0 => (format!("vrev64.{own}"), size < 3),
        1 => (format!("vrev32.{own}"), size < 2),
        2 => (format!("vrev16.{own}"), size < 1),
        4 | 5 => (format!("vpaddl.{sign}{own}"), size < 3),
        6 if size == 0 => {
            let name = if q { "aesd.8" } else { "aese.8" };
            return two(name, word, true, true);
        }
        7 if size == 0 => {
            let name = if q { "aesimc.8" } else { "aesmc.8" };
            return two(name, word, true, true);
        }
        8 => (format!("vcls.s{own}"), size < 3),
        9 => (format!("vclz.i{own}"), size < 3),
        10 => ("vcnt.8".to_owned(), size == 0),
        11 => ("vmvn".to_owned(), size == 0),
        12 | 13 => (format!("vpadal.{sign}{own}"), size < 3),
        14 => (format!("vqabs.s{own}"), size < 3),
        15 => (format!("vqneg.s{own}"), size < 3),
        _ => return None,
    };
    there.then(|| two(&name, word, q, q))?
}

fn with_zero(word: u32, size: u32, which: u32, q: bool) -> Option<String> {
    let (float, own) = (which >= 8, 8 << size);
    if which == 5 && size == 2 && q {
        return two("sha1h.32", word, true, true);
    }
    let there = if float {
        size == 1 || size == 2
    } else {
        size < 3
    };
    let letter = match (float, which & 7) {
        (true, _) => "f",
        (false, 2) => "i",
        (false, _) => "s",
    };
    let name = match which & 7 {
        0 => "vcgt",
        1 => "vcge",
        2 => "vceq",
        3 => "vcle",
        4 => "vclt",
        6 => "vabs",
        7 => "vneg",
        _ => return None,
    };
    let text = there.then(|| two(&format!("{name}.{letter}{own}"), word, q, q))??;
    Some(if which & 7 < 5 {
        format!("{text}, 0x0")
    } else {
        text
    })
}

fn exchanged(word: u32, size: u32, which: u32, q: bool) -> Option<String> {
    let (own, double) = (8 << size, 16 << size);
    let round = |letter: &str| {
        let there = size == 1 || size == 2;
        there.then(|| two(&format!("vrint{letter}.f{own}"), word, q, q))?
    };
    match which {
        0 if size == 0 => two("vswp", word, q, q),
        1 if size < 3 => two(&format!("vtrn.{own}"), word, q, q),
        2 if size < 3 && (q || size < 2) => two(&format!("vuzp.{own}"), word, q, q),
        3 if size < 3 && (q || size < 2) => two(&format!("vzip.{own}"), word, q, q),
        4 | 5 if size < 3 => {
            let name = match (which, q) {
                (4, false) => format!("vmovn.i{double}"),
                (4, true) => format!("vqmovun.s{double}"),
                (_, false) => format!("vqmovn.s{double}"),
                (_, true) => format!("vqmovn.u{double}"),
            };
            two(&name, word, false, true)
        }
        6 if size < 3 && !q => {
            let text = two(&format!("vshll.i{own}"), word, true, false)?;
            Some(format!("{text}, {own:#x}"))
        }
        7 if size == 2 => {
            let name = if q { "sha256su0.32" } else { "sha1su1.32" };
            two(name, word, true, true)
        }
        8 => round("n"),
        9 => round("x"),
        10 => round("a"),
        11 => round("z"),
        12 if size == 1 && !q => two("vcvt.f16.f32", word, false, true),
        13 => round("m"),
        14 if size == 1 && !q => two("vcvt.f32.f16", word, true, false),
        15 => round("p"),
        _ => None,
    }
}

fn converted(word: u32, size: u32, which: u32, q: bool) -> Option<String> {
    let own = 8 << size;
    if size != 1 && size != 2 {
        return None;
    }
    let int = if which & 1 == 0 { "s" } else { "u" };
    let name = match which {
        0..8 => format!(
            "vcvt{}.{int}{own}.f{own}",
            ["a", "n", "p", "m"][(which >> 1) as usize]
        ),
        8..12 => {
            let name = if which & 1 == 0 { "vrecpe" } else { "vrsqrte" };
            let letter = if which & 2 == 0 { "u" } else { "f" };
            if letter == "u" && size != 2 {
                return None;
            }
            format!("{name}.{letter}{own}")
        }
        12 | 13 => format!("vcvt.f{own}.{int}{own}"),
        _ => format!("vcvt.{int}{own}.f{own}"),
    };
    two(&name, word, q, q)
}

/// Registers in braces, `step` apart; `lane` stands behind each.
fn list(first: u32, len: u32, step: u32, lane: &str) -> Option<String> {
    let last = first + (len - 1) * step;
    if last > 31 {
        return None;
    }
    // An element by its number is named for each register.
    if step == 1 && len > 1 && matches!(lane, "" | "[]") {
        return Some(format!("{{d{first}{lane}-d{last}{lane}}}"));
    }
    let mut text = String::new();
    for i in 0..len {
        let comma = if i == 0 { "" } else { ", " };
        let _ = write!(text, "{comma}d{}{lane}", first + i * step);
    }
    Some(format!("{{{text}}}"))
}

/// Loads and stores of elements and structures.
fn structures(word: u32) -> Option<String> {
    let parts = match (bit(word, 23), bits(word, 10, 2)) {
        (false, _) => whole_structures(word),
        (true, 3) => to_all_lanes(word),
        (true, size) => one_lane(word, size),
    }?;
    let Structures {
        count,
        size,
        list,
        align,
    } = parts;
    let name = if bit(word, 21) { "vld" } else { "vst" };
    let base = vfp::core(word, 16);
    let align = if align == 0 {
        String::new()
    } else {
        format!(":{align}")
    };
    let after = match bits(word, 0, 4) {
        15 => String::new(),
        13 => "!".to_owned(),
        _ => format!(", {}", vfp::core(word, 0)),
    };
    Some(format!(
        "{name}{count}.{size} {list}, [{base}{align}]{after}"
    ))
}

/// What a load or store of structures moves.
struct Structures {
    /// Elements of a structure.
    count: u32,
    /// Bits of an element.
    size: u32,
    list: String,
    /// Bits that the address is a multiple of; 0 for no promise.
    align: u32,
}

fn whole_structures(word: u32) -> Option<Structures> {
    let (align, size) = (bits(word, 4, 2), bits(word, 6, 2));
    // Elements, registers, and how far they are apart.
    let (count, len, step) = match bits(word, 8, 4) {
        0 => (4, 4, 1),
        1 => (4, 4, 2),
        2 => (1, 4, 1),
        3 => (2, 4, 1),
        4 => (3, 3, 1),
        5 => (3, 3, 2),
        6 => (1, 3, 1),
        7 => (1, 1, 1),
        8 => (2, 2, 1),
        9 => (2, 2, 2),
        10 => (1, 2, 1),
        _ => return None,
    };
    let most = match len {
        1 | 3 => 1,
        2 => 2,
        _ => 3,
    };
    if align > most || (count > 1 && size == 3) {
        return None;
    }
    Some(Structures {
        count,
        size: 8 << size,
        list: list(number(word, 12, 22), len, step, "")?,
        align: if align == 0 { 0 } else { 32 << align },
    })
}

fn one_lane(word: u32, size: u32) -> Option<Structures> {
    let (count, how) = (bits(word, 8, 2) + 1, bits(word, 4, 4));
    let lane = how >> (size + 1);
    let apart = size > 0 && how >> size & 1 == 1;
    // What is left of the four bits speaks of alignment.
    let (left, bytes) = (how & ((1 << size.max(1)) - 1), 1 << size);
    let align = match (count, size, left) {
        (_, _, 0) => 0,
        (1, 1, 1) => 16,
        (1, 2, 3) => 32,
        (2, _, 1) => 16 * bytes,
        (4, 0 | 1, 1) => 32 * bytes,
        (4, 2, 1 | 2) => 32 << left,
        _ => return None,
    };
    if count == 1 && apart {
        return None;
    }
    let step = if apart { 2 } else { 1 };
    Some(Structures {
        count,
        size: 8 << size,
        list: list(number(word, 12, 22), count, step, &format!("[{lane}]"))?,
        align,
    })
}

fn to_all_lanes(word: u32) -> Option<Structures> {
    let (count, size) = (bits(word, 8, 2) + 1, bits(word, 6, 2));
    let (second, aligned) = (bit(word, 5), bit(word, 4));
    let align = match (count, size, aligned) {
        (_, 0..3, false) => 0,
        (1, 1 | 2, true) => 8 << size,
        (2, 0..3, true) => 16 << size,
        (4, 0 | 1, true) => 32 << size,
        (4, 2, true) => 64,
        (4, 3, true) => 128,
        _ => return None,
    };
    if !bit(word, 21) {
        return None;
    }
    let (len, step) = match (count, second) {
        (1, false) => (1, 1),
        (1, true) => (2, 1),
        (count, apart) => (count, if apart { 2 } else { 1 }),
    };
    Some(Structures {
        count,
        size: if size == 3 { 32 } else { 8 << size },
        list: list(number(word, 12, 22), len, step, "[]")?,
        align,
    })
}
