//! A small JSON writer for streams of a million records, where building values costs too much.

use crate::text::escape;

/// Numbers above this lose digits in readers that use doubles.
const EXACT: u64 = 1 << 53;

/// Appends JSON to a buffer.
#[derive(Default)]
pub(super) struct Json {
    pub(super) out: Vec<u8>,
    /// A comma is due before the next member.
    comma: bool,
}

impl Json {
    fn separate(&mut self) {
        if self.comma {
            self.out.push(b',');
        }
        self.comma = true;
    }
    pub(super) fn open(&mut self, bracket: u8) {
        self.separate();
        self.out.push(bracket);
        self.comma = false;
    }
    pub(super) fn close(&mut self, bracket: u8) {
        self.out.push(bracket);
        self.comma = true;
    }
    /// A member's name, which needs no escapes; its value follows.
    pub(super) fn key(&mut self, name: &str) {
        self.out
            .extend_from_slice(if self.comma { b",\"" } else { b"\"" });
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.comma = false;
    }
    /// A name of our own, which needs no escapes.
    pub(super) fn word(&mut self, word: &str) {
        self.separate();
        self.out.push(b'"');
        self.out.extend_from_slice(word.as_bytes());
        self.out.push(b'"');
    }
    pub(super) fn raw(&mut self, text: &str) {
        self.separate();
        self.out.extend_from_slice(text.as_bytes());
    }
    pub(super) fn number(&mut self, value: u64) {
        if value > EXACT {
            return self.hex(value, 16);
        }
        self.separate();
        self.out
            .extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
    }
    pub(super) fn signed(&mut self, value: i64) {
        if value.unsigned_abs() > EXACT {
            return self.hex(value.cast_unsigned(), 16);
        }
        self.separate();
        self.out
            .extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
    }
    /// A hex string of at least `digits` digits.
    pub(super) fn hex(&mut self, value: u64, digits: u32) {
        self.separate();
        self.out.extend_from_slice(b"\"0x");
        let digits = usize::try_from(digits).unwrap_or(16);
        let used = (64u32.saturating_sub(value.leading_zeros()).div_ceil(4) as usize)
            .clamp(digits.min(16), 16);
        let mut text = [0u8; 16];
        let mut rest = value;
        for place in text.iter_mut().rev() {
            *place = hex_digit((rest & 0xf) as u8);
            rest >>= 4;
        }
        let start = text.len().saturating_sub(used);
        self.out
            .extend_from_slice(text.get(start..).unwrap_or_default());
        self.out.push(b'"');
    }
    pub(super) fn bool(&mut self, value: bool) {
        self.raw(if value { "true" } else { "false" });
    }
    pub(super) fn null(&mut self) {
        self.raw("null");
    }
    /// Text of an image: escaped for terminals first, so that what a person sees is safe and what
    /// a program sees can be turned back.
    pub(super) fn text(&mut self, bytes: &[u8]) {
        self.separate();
        let plain = bytes
            .iter()
            .all(|b| matches!(b, b' '..=b'~') && !matches!(b, b'"' | b'\\'));
        if plain {
            self.out.push(b'"');
            self.out.extend_from_slice(bytes);
            self.out.push(b'"');
        } else {
            self.quoted(&escape(bytes));
        }
    }
    pub(super) fn string(&mut self, text: &str) {
        self.separate();
        self.quoted(text);
    }
    pub(super) fn bytes_hex(&mut self, bytes: &[u8]) {
        self.separate();
        self.out.push(b'"');
        let digits = bytes
            .iter()
            .flat_map(|byte| [hex_digit(byte >> 4), hex_digit(byte & 0xf)]);
        self.out.extend(digits);
        self.out.push(b'"');
    }
    fn quoted(&mut self, text: &str) {
        self.out.push(b'"');
        for byte in text.bytes() {
            match byte {
                b'"' | b'\\' => self.out.extend_from_slice(&[b'\\', byte]),
                0..=0x1f => {
                    self.out.extend_from_slice(b"\\u00");
                    self.out
                        .extend_from_slice(&[hex_digit(byte >> 4), hex_digit(byte & 0xf)]);
                }
                _ => self.out.push(byte),
            }
        }
        self.out.push(b'"');
    }
    /// No comma is due: what was appended raw opened a member.
    pub(super) fn fresh(&mut self) {
        self.comma = false;
    }
    /// Ends a line.
    pub(super) fn line(&mut self) {
        self.out.push(b'\n');
        self.comma = false;
    }
}

const fn hex_digit(nibble: u8) -> u8 {
    match nibble {
        0..=9 => b'0' | nibble,
        _ => b'a'.wrapping_add(nibble.wrapping_sub(10)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(write: impl FnOnce(&mut Json), expected: &str) {
        let mut json = Json::default();
        write(&mut json);
        assert_eq!(String::from_utf8(json.out).unwrap(), expected);
    }

    #[test]
    fn numbers_that_a_double_cannot_hold_are_hex_strings() {
        let exact = 9_007_199_254_740_992;
        check(|json| json.number(0), "0");
        check(|json| json.number(exact), "9007199254740992");
        check(|json| json.number(exact + 1), r#""0x0020000000000001""#);
        check(
            |json| json.signed(-9_007_199_254_740_992),
            "-9007199254740992",
        );
        check(
            |json| json.signed(-9_007_199_254_740_993),
            r#""0xffdfffffffffffff""#,
        );
        check(
            |json| json.signed(9_007_199_254_740_993),
            r#""0x0020000000000001""#,
        );
    }

    #[test]
    fn hex_numbers_have_the_digits_of_their_size_or_more() {
        check(|json| json.hex(0, 1), r#""0x0""#);
        check(|json| json.hex(0xabc, 8), r#""0x00000abc""#);
        check(|json| json.hex(0x1_2345_6789, 8), r#""0x123456789""#);
        check(|json| json.hex(u64::MAX, 1), r#""0xffffffffffffffff""#);
    }

    #[test]
    fn text_never_ends_its_string_early() {
        check(|json| json.text(b"a b~"), r#""a b~""#);
        // What is escaped for a terminal is escaped once more.
        check(|json| json.text(br#""\"#), r#""\"\\\\""#);
        check(
            |json| json.string("\"\\\n\u{1f}é"),
            r#""\"\\\u000a\u001fé""#,
        );
    }
}
