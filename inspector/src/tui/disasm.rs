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

/// The instructions in `bytes`, the first of them at `addr`.
pub fn disassemble(bytes: &[u8], addr: u64, thumb: bool, order: Order) -> Vec<Instruction> {
    let code = Stretch {
        bytes,
        addr,
        thumb,
        order,
    };
    let starts = code.starts(addr);
    starts
        .into_iter()
        .filter_map(|at| code.instruction(at))
        .collect()
}

/// A stretch of code.
#[derive(Clone, Copy, Debug)]
pub struct Stretch<'a> {
    /// The bytes.
    pub bytes: &'a [u8],
    /// Address of the first.
    pub addr: u64,
    /// Thumb, not ARM.
    pub thumb: bool,
    /// Byte order of the code: BE8 processes have little-endian code.
    pub order: Order,
}

impl Stretch<'_> {
    /// The least that an instruction of a state takes.
    pub const fn unit(thumb: bool) -> u64 {
        if thumb { 2 } else { 4 }
    }

    /// The state that runs it.
    pub const fn isa(&self) -> Isa {
        if self.thumb { Isa::Thumb } else { Isa::Arm }
    }

    /// Addresses of the instructions, of which one is `certain`: those before it are found by decoding towards it.
    pub fn starts(&self, certain: u64) -> Vec<u64> {
        let unit = Self::unit(self.thumb);
        let lead = self.addr + certain.saturating_sub(self.addr) % unit;
        // Decoding that began in the middle of an instruction falls into step, mostly.
        let before = [lead, lead + unit]
            .into_iter()
            .map(|first| self.walk(first, certain))
            .find(|starts| {
                let last = starts.last();
                last.is_none_or(|last| Some(certain) == self.next(*last))
            });
        let mut starts = before.unwrap_or_else(|| self.walk(lead, certain));
        starts.extend(self.walk(certain.max(self.addr), u64::MAX));
        starts
    }

    /// Addresses of instructions from one on, as far as they end before `limit`.
    fn walk(&self, first: u64, limit: u64) -> Vec<u64> {
        let mut starts = Vec::new();
        let mut at = first;
        while let Some(next) = self.next(at).filter(|next| *next <= limit) {
            starts.push(at);
            at = next;
        }
        starts
    }

    /// Address behind an instruction.
    fn next(&self, at: u64) -> Option<u64> {
        let (_, len) = self.word(at)?;
        Some(at + len as u64)
    }

    /// The bits of an instruction as the processor sees them, and its length.
    fn word(&self, at: u64) -> Option<(u32, usize)> {
        let rest = usize::try_from(at.checked_sub(self.addr)?).ok()?;
        let rest = self.bytes.get(rest..)?;
        let half = |i: usize| -> Option<u32> {
            let pair = rest.get(2 * i..2 * i + 2)?.try_into().ok()?;
            Some(u32::from(match self.order {
                Order::Little => u16::from_le_bytes(pair),
                Order::Big => u16::from_be_bytes(pair),
            }))
        };
        let first = half(0)?;
        Some(match (self.thumb, self.order) {
            (true, _) if first < 0xe800 => (first, 2),
            (true, _) | (false, Order::Big) => (first << 16 | half(1)?, 4),
            (false, Order::Little) => (half(1)? << 16 | first, 4),
        })
    }

    /// The instruction at an address.
    pub fn instruction(&self, at: u64) -> Option<Instruction> {
        let (word, len) = self.word(at)?;
        let (thumb, wide) = (self.thumb, len == 4);
        let insn = u32::try_from(at)
            .ok()
            .map(|addr| classify(word, addr, thumb, wide));
        let leads = insn.as_ref().and_then(leads).map(|leads| match leads {
            Leads::Reads(literal, _) => {
                let at = usize::try_from(literal.wrapping_sub(self.addr)).ok();
                let value = at.and_then(|at| word_at(self.bytes, at, self.order));
                Leads::Reads(literal, value)
            }
            to @ Leads::To(..) => to,
        });
        let own = wide.then(|| {
            hint(word, thumb)
                .or_else(|| vfp::text(word))
                .or_else(|| neon::text(word, thumb))
        });
        let text = own.flatten().or_else(|| text(word, thumb, len));
        Some(Instruction {
            addr: at,
            len: len as u64,
            word,
            needs: insn
                .filter(|_| text.is_none())
                .map_or_else(String::new, |insn| needs(&insn)),
            text: text.map(|text| absolute(named(text), leads)),
            leads,
        })
    }
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

/// Hints, which the decoder does not know by their names.
fn hint(word: u32, thumb: bool) -> Option<String> {
    // In ARM under any condition.
    let hint = match thumb {
        false if word >> 28 != 0xf && word & 0x0fff_ff00 == 0x0320_f000 => word & 0xff,
        true if word & 0xffff_ff00 == 0xf3af_8000 => word & 0xff,
        _ => return None,
    };
    let names = ["nop", "yield", "wfe", "wfi", "sev", "sevl"];
    let condition = if thumb { 14 } else { word >> 28 };
    let condition = vfp::CONDITIONS.get(condition as usize)?;
    Some(match (names.get(hint as usize), hint) {
        (Some(name), _) => format!("{name}{condition}"),
        (None, 0x14) => format!("csdb{condition}"),
        (None, 0xf0..) => format!("dbg{condition} {:#x}", hint & 0xf),
        (None, _) => format!("nop{condition} {{{hint:#x}}}"),
    })
}

fn text(word: u32, thumb: bool, len: usize) -> Option<String> {
    let decoder = if thumb {
        InstDecoder::default_thumb()
    } else {
        InstDecoder::default()
    };
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
    .filter(|text| text != "invalid")
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

    /// What is above the cursor is found backwards, and an instruction of four bytes must not be cut in two.
    #[test]
    fn code_before_a_certain_place_is_decoded_towards_it() {
        // add.w r3, r3, 1; ldr r0, [r1]; cbnz r0; ldr.w r0, [r2]; b.
        let halves = [0xf103_u16, 0x0301, 0x6808, 0xb900, 0xf8d2, 0x0000, 0xe7fa];
        let bytes: Vec<u8> = halves.iter().flat_map(|half| half.to_le_bytes()).collect();
        let all = [0x8000, 0x8004, 0x8006, 0x8008, 0x800c];
        for (from, certain) in [
            (0, 0x8000),
            (0, 0x800c),
            (0, 0x8006),
            (2, 0x8008),
            (10, 0x800c),
        ] {
            let code = Stretch {
                bytes: &bytes[from..],
                addr: 0x8000 + from as u64,
                thumb: true,
                order: Order::Little,
            };
            let starts = code.starts(certain);
            let at = all.iter().position(|at| *at == certain).unwrap();
            assert!(
                starts.ends_with(&all[at..]),
                "{from} {certain:x} {starts:x?}"
            );
            assert!(starts.len() > at.min(1), "{from} {certain:x} {starts:x?}");
        }
    }

    #[test]
    fn hints_have_names() {
        let words = [0xe320_f000_u32, 0x1320_f003, 0xe320_f014, 0xe320_f0f4];
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let all = texts(&bytes, false, Order::Little);
        assert_eq!(all, ["nop", "wfine", "csdb", "dbg 0x4"]);
        let wide = [0xaf, 0xf3, 0x02, 0x80];
        assert_eq!(texts(&wide, true, Order::Little), ["wfe"]);
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
