//! A stream as one editable document, and back to the same bytes.
//!
//! Records stand in their order with fields by name. Whatever the fields do not say (padding that
//! is not zero, lengths that no table explains) is kept as `patch`, found by building the record
//! from its own JSON and comparing, so that nothing has to be thought of twice. Contents of memory
//! go to a side file, into the document, or nowhere.

mod payload;
mod read;
mod value;
mod write;

pub use read::{Document, read};
pub use write::{Memory, write};

/// Version of the document's form; `json-schema/image.schema.json` describes it.
pub const SCHEMA: u64 = 1;

/// Three bytes are four characters.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Appends bytes in base64. All but the last piece of a text must be a multiple of three bytes.
fn encode_base64(bytes: &[u8], out: &mut Vec<u8>) {
    for group in bytes.chunks(3) {
        let word = (0..3).fold(0u32, |word, i| {
            (word << 8) | u32::from(group.get(i).copied().unwrap_or(0))
        });
        for i in 0..4usize {
            let index = (word >> (18 - 6 * i)) & 63;
            let digit = ALPHABET.get(index as usize).copied().unwrap_or(b'=');
            out.push(if i <= group.len() { digit } else { b'=' });
        }
    }
}

/// The bytes of a base64 text; `None` if it is none.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=');
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let (mut word, mut bits) = (0u32, 0u32);
    for byte in text.bytes() {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        word = (word << 6) | u32::from(digit);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push(((word >> bits) & 0xff) as u8);
        }
    }
    Some(out)
}

/// Bytes in hexadecimal.
fn encode_hex(bytes: &[u8]) -> String {
    let digits = b"0123456789abcdef";
    let digit = |nibble: u8| {
        digits
            .get(usize::from(nibble))
            .copied()
            .map_or('0', char::from)
    };
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

/// The bytes of a hexadecimal text; `None` if it is none.
fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    text.as_bytes()
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => u8::try_from(digit(*high)? * 16 + digit(*low)?).ok(),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_and_hex_come_back() {
        for len in 0..20usize {
            let bytes: Vec<u8> = (0..len)
                .map(|i| ((i * 37 + len) % 256).to_le_bytes()[0])
                .collect();
            let mut text = Vec::new();
            encode_base64(&bytes, &mut text);
            let text = String::from_utf8(text).unwrap();
            assert_eq!(text.len() % 4, 0);
            assert_eq!(decode_base64(&text).as_deref(), Some(&bytes[..]));
            assert_eq!(decode_hex(&encode_hex(&bytes)).as_deref(), Some(&bytes[..]));
        }
        assert_eq!(decode_base64("a b"), None);
        assert_eq!(decode_hex("abc"), None);
        assert_eq!(decode_hex("+1"), None);
    }
}
