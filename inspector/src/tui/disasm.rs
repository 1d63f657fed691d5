//! ARM and Thumb code as text.

use super::{neon, vfp};
use ckpt_compat::Feature;
use ckpt_compat::arm::{Flow, Insn, Isa, classify_arm, classify_thumb};
use ckpt_format::Order;
use yaxpeax_arch::{AddressBase, Decoder, LengthedInstruction, U8Reader};
use yaxpeax_arm::armv7::InstDecoder;

/// An instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// Address.
    pub addr: u64,
    /// Length in bytes.
    pub len: u64,
    /// The bits as the processor sees them.
    pub word: u32,
    /// Assembly, or nothing if the bits are no instruction that is known by name.
    pub text: Option<String>,
    /// What a processor must have for an instruction without a name, such as `neon`.
    pub needs: String,
    /// The address that it names, if it names one.
    pub leads: Option<Leads>,
}

/// An address that an instruction names relative to itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leads {
    /// It jumps there, to code of this state.
    To(u64, Isa),
    /// It reads the word there, which is this if it is among the bytes at hand.
    Reads(u64, Option<u32>),
}

/// The instructions in `bytes`, the first of them at `addr`. `order` is that of the code: BE8
/// processes have little-endian code.
pub fn disassemble(bytes: &[u8], addr: u64, thumb: bool, order: Order) -> Vec<Instruction> {
    let decoder = if thumb {
        InstDecoder::default_thumb()
    } else {
        InstDecoder::default()
    };
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = bytes
        .get(at..)
        .filter(|rest| rest.len() >= if thumb { 2 } else { 4 })
    {
        let unit = |i: usize| -> u32 {
            let pair = [
                rest.get(2 * i).copied().unwrap_or(0),
                rest.get(2 * i + 1).copied().unwrap_or(0),
            ];
            u32::from(if order == Order::Little {
                u16::from_le_bytes(pair)
            } else {
                u16::from_be_bytes(pair)
            })
        };
        let wide = !thumb || unit(0) >= 0xe800;
        let len = if wide { 4 } else { 2 };
        if rest.len() < len {
            break;
        }
        let word = match (thumb, wide, order) {
            (true, false, _) => unit(0),
            (true, true, _) | (false, _, Order::Big) => unit(0) << 16 | unit(1),
            (false, _, Order::Little) => unit(1) << 16 | unit(0),
        };
        let here = addr + at as u64;
        let insn = u32::try_from(here)
            .ok()
            .map(|addr| classify(word, addr, thumb, wide));
        let leads = insn.as_ref().and_then(leads).map(|leads| match leads {
            Leads::Reads(literal, _) => {
                let at = usize::try_from(literal.wrapping_sub(addr)).ok();
                Leads::Reads(literal, at.and_then(|at| word_at(bytes, at, order)))
            }
            to @ Leads::To(..) => to,
        });
        let own = wide.then(|| vfp::text(word).or_else(|| neon::text(word, thumb)));
        let text = own.flatten().or_else(|| text(&decoder, word, thumb, len));
        found.push(Instruction {
            addr: here,
            len: len as u64,
            word,
            needs: insn
                .filter(|_| text.is_none())
                .map_or_else(String::new, |insn| needs(&insn)),
            text: text.map(|text| absolute(named(text), leads)),
            leads,
        });
        at += len;
    }
    found
}

fn classify(word: u32, addr: u32, thumb: bool, wide: bool) -> Insn {
    if !thumb {
        classify_arm(word, addr)
    } else if wide {
        classify_thumb((word >> 16) as u16, (word & 0xffff) as u16, addr)
    } else {
        classify_thumb((word & 0xffff) as u16, 0, addr)
    }
}

/// Names of what an instruction needs, unless it is none.
fn needs(insn: &Insn) -> String {
    if !insn.is_defined() {
        return String::new();
    }
    let names: Vec<&str> = insn.needs.iter().map(Feature::name).collect();
    names.join(" ")
}

/// What an instruction jumps to or reads.
fn leads(insn: &Insn) -> Option<Leads> {
    match insn.flow {
        Flow::Jump(to, isa) | Flow::Call(to, isa) => Some(Leads::To(to.into(), isa)),
        _ => insn.literal.map(|addr| Leads::Reads(addr.into(), None)),
    }
}

fn word_at(bytes: &[u8], at: usize, order: Order) -> Option<u32> {
    let word = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
    Some(match order {
        Order::Little => u32::from_le_bytes(word),
        Order::Big => u32::from_be_bytes(word),
    })
}

/// The disassembler counts branches from the instruction, `$+0x10`; people look for the address.
fn absolute(text: String, leads: Option<Leads>) -> String {
    match (text.find('$'), leads) {
        (Some(at), Some(Leads::To(addr, _))) => format!("{}{addr:#x}", &text[..at]),
        _ => text,
    }
}

/// The decoder calls r9 `sb`; the panes of registers do not.
fn named(mut text: String) -> String {
    let letter = |c: char| c.is_ascii_alphanumeric();
    let places: Vec<usize> = text.match_indices("sb").map(|(at, _)| at).collect();
    for at in places {
        let (before, behind) = (&text[..at], &text[at + 2..]);
        // Not the end of ldrsb.
        if !before.ends_with(letter) && !behind.starts_with(letter) {
            text.replace_range(at..at + 2, "r9");
        }
    }
    text
}

fn text(decoder: &InstDecoder, word: u32, thumb: bool, len: usize) -> Option<String> {
    let bytes = if thumb && len == 4 {
        word.rotate_left(16).to_le_bytes()
    } else {
        word.to_le_bytes()
    };
    let bytes = bytes.get(..len)?;
    // The decoder panics on some coprocessor and undefined encodings (yaxpeax-arm 0.5, register
    // numbers above 15); memory is full of them.
    super::guard::quietly(|| {
        let instruction = decoder.decode(&mut U8Reader::new(bytes)).ok()?;
        // A shorter one than the first unit says is not what the processor would run.
        let decoded = 0u32.wrapping_offset(instruction.len()).to_linear();
        (decoded == len).then(|| instruction.to_string())
    })?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(bytes: &[u8], thumb: bool, order: Order) -> Vec<String> {
        let found = disassemble(bytes, 0x8000, thumb, order);
        found
            .into_iter()
            .map(|i| i.text.unwrap_or_else(|| "?".into()))
            .collect()
    }

    #[test]
    fn branches_and_literals_lead_somewhere() {
        // b . ; ldr r0, [pc, #-4] reads the word behind it.
        let words = [0xeaff_fffeu32, 0xe51f_0004, 0xdead_beef];
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let found = disassemble(&bytes, 0x8000, false, Order::Little);
        assert_eq!(found[0].leads, Some(Leads::To(0x8000, Isa::Arm)));
        assert_eq!(found[0].text.as_deref(), Some("b 0x8000"));
        let read = Leads::Reads(0x8008, Some(0xdead_beef));
        assert_eq!(found[1].leads, Some(read));
    }

    /// Any bytes may be looked at as code.
    #[test]
    fn no_word_is_too_odd() {
        for high in 0..=0xfff_u32 {
            for low in [0, 0x1f, 0x10, 0xb10, 0xa10, 0xf_ffff, 0x8_8888, 0x7_0f90] {
                let bytes = (high << 20 | low).to_le_bytes();
                let halves = (high << 4 | low << 20 | low >> 16).to_le_bytes();
                assert_eq!(disassemble(&bytes, 0x8000, false, Order::Little).len(), 1);
                assert!(!disassemble(&halves, 0x8000, true, Order::Little).is_empty());
            }
        }
    }

    #[test]
    fn floating_point_and_vectors_are_told() {
        // vadd.f64 d0, d1, d2; vadd.i32 q0, q0, q0: the second in Thumb, too.
        assert_eq!(
            texts(&0xee31_0b02u32.to_le_bytes(), false, Order::Little),
            ["vadd.f64 d0, d1, d2"]
        );
        assert_eq!(
            texts(&[0x31, 0xee, 0x02, 0x0b], true, Order::Little),
            ["vadd.f64 d0, d1, d2"]
        );
        let neon = disassemble(&0xf220_0840u32.to_le_bytes(), 0, false, Order::Little);
        assert_eq!(neon[0].text.as_deref(), Some("vadd.i32 q0, q0, q0"));
        assert_eq!(
            texts(&[0x20, 0xef, 0x40, 0x08], true, Order::Little),
            ["vadd.i32 q0, q0, q0"]
        );
    }

    #[test]
    fn registers_are_called_what_their_pane_calls_them() {
        // push {r4-r11, lr}; ldrsb r9, [r9, r10]; vld1.8 {d0}, [r9], r10.
        let words = [0xe92d_4ff0_u32, 0xe199_90da, 0xf429_070a];
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        assert_eq!(
            texts(&bytes, false, Order::Little),
            [
                "push {r4, r5, r6, r7, r8, r9, r10, fp, lr}",
                "ldrsb r9, [r9, r10]",
                "vld1.8 {d0}, [r9], r10"
            ]
        );
    }

    #[test]
    fn both_states_and_orders() {
        assert_eq!(
            texts(&0xe3a0_0001u32.to_le_bytes(), false, Order::Little),
            ["mov r0, 0x1"]
        );
        assert_eq!(
            texts(&0xe3a0_0001u32.to_be_bytes(), false, Order::Big),
            ["mov r0, 0x1"]
        );
        let thumb = texts(&[0x01, 0x20, 0x00, 0xf0, 0x00, 0xf8], true, Order::Little);
        // A branch says where it leads: four behind the instruction, as the processor counts.
        assert!(thumb[1].ends_with("0x8006"), "{thumb:?}");
        assert_eq!(thumb.len(), 2);
        assert!(
            thumb[0].starts_with("mov") && thumb[1].starts_with("bl"),
            "{thumb:?}"
        );
    }
}
