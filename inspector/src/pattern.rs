//! What to search for: one syntax for the command line and for the interface.

use ckpt_format::Order;

/// What to search for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// As it was typed.
    pub text: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl Pattern {
    /// `text`, `x:00ff1c` bytes, `u:text` UTF-16 in the byte order of the process, `p:0x8000` a
    /// pointer to an address, `t:x:00` the text `x:00`. The long names of the first version, `HEX:`,
    /// `UTF16:` and `PTR:`, go on to mean the same.
    ///
    /// # Errors
    /// In words.
    pub fn parse(text: &str, order: Order, word: usize) -> Result<Pattern, String> {
        let bytes = match text.split_once(':') {
            Some(("x" | "HEX", hex)) => hex_bytes(hex)?,
            Some(("u" | "UTF16", wide)) => wide
                .encode_utf16()
                .flat_map(|unit| word_bytes(unit.into(), order, 2))
                .collect(),
            Some(("p" | "PTR", addr)) => {
                let value = parse_number(addr).ok_or_else(|| format!("{addr}: not an address"))?;
                word_bytes(value, order, word)
            }
            Some(("t", plain)) => plain.as_bytes().to_vec(),
            _ => text.as_bytes().to_vec(),
        };
        if bytes.is_empty() {
            return Err("nothing to search for".to_owned());
        }
        Ok(Pattern {
            text: text.to_owned(),
            bytes,
        })
    }
}

fn word_bytes(value: u64, order: Order, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    ckpt_parser::view::write_uint(&mut bytes, value, order);
    bytes
}

fn hex_bytes(hex: &str) -> Result<Vec<u8>, String> {
    let digits: Vec<u8> = hex.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    let wrong =
        || format!("{hex}: give pairs of hexadecimal digits (t:x: searches for the text x:)");
    if !digits.len().is_multiple_of(2) {
        return Err(wrong());
    }
    let pair = |pair: &[u8]| {
        let text = std::str::from_utf8(pair).ok()?;
        u8::from_str_radix(text, 16).ok()
    };
    digits
        .chunks(2)
        .map(|p| pair(p).ok_or_else(wrong))
        .collect()
}

/// A number: `0x` and hexadecimal digits, or decimal ones.
pub fn parse_number(text: &str) -> Option<u64> {
    let text = text.trim().replace('_', "");
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_every_kind() {
        let bytes = |text| Pattern::parse(text, Order::Little, 4).map(|p| p.bytes);
        assert_eq!(bytes("ab").unwrap(), b"ab");
        assert_eq!(bytes("x:0a ff").unwrap(), [0x0a, 0xff]);
        assert_eq!(bytes("u:ab").unwrap(), b"a\0b\0");
        assert_eq!(bytes("p:0x8004").unwrap(), [4, 0x80, 0, 0]);
        assert_eq!(bytes("t:p:0x8004").unwrap(), b"p:0x8004");
        for (long, short) in [
            ("HEX:0aff", "x:0aff"),
            ("UTF16:ab", "u:ab"),
            ("PTR:32772", "p:0x8004"),
        ] {
            assert_eq!(bytes(long), bytes(short));
        }
        assert_eq!(
            Pattern::parse("p:1", Order::Big, 4).unwrap().bytes,
            [0, 0, 0, 1]
        );
        assert_eq!(
            Pattern::parse("UTF16:a", Order::Big, 4).unwrap().bytes,
            [0, b'a']
        );
        for wrong in ["x:0", "x:", "u:", "p:here", ""] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
    }
}
