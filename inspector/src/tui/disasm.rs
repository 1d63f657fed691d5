//! ARM and Thumb code as text.

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
    /// Assembly, or nothing if the bits are no instruction.
    pub text: Option<String>,
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
        found.push(Instruction {
            addr: addr + at as u64,
            len: len as u64,
            word,
            text: text(&decoder, word, thumb, len),
        });
        at += len;
    }
    found
}

fn text(decoder: &InstDecoder, word: u32, thumb: bool, len: usize) -> Option<String> {
    let bytes = if thumb && len == 4 {
        word.rotate_left(16).to_le_bytes()
    } else {
        word.to_le_bytes()
    };
    let mut reader = U8Reader::new(bytes.get(..len)?);
    let instruction = decoder.decode(&mut reader).ok()?;
    // A shorter one than the first unit says is not what the processor would run.
    let decoded = 0u32.wrapping_offset(instruction.len()).to_linear();
    (decoded == len).then(|| instruction.to_string())
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
        assert_eq!(thumb.len(), 2);
        assert!(
            thumb[0].starts_with("mov") && thumb[1].starts_with("bl"),
            "{thumb:?}"
        );
    }
}
