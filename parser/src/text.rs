//! Bytes of an image as text that is safe to show.

use std::fmt::Write;

/// Text with everything escaped that a terminal might obey or a reader might not see: control
/// characters, bidirectional and zero-width marks, line separators, bytes that are not UTF-8.
pub fn escape(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            push_escaped(&mut out, c);
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out
}

fn push_escaped(out: &mut String, c: char) {
    match c {
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\0'..='\x7f' if c.is_control() => {
            let _ = write!(out, "\\x{:02x}", u32::from(c));
        }
        _ if c.is_control() || is_invisible(c) => {
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
        }
        _ => out.push(c),
    }
}

/// Marks that change the direction of text, take no room, or break lines (Unicode general
/// categories Cf, Zl, Zp and the variation selectors and fillers used to hide text).
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{115f}'..='\u{1160}'
        | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// A number of things that have a regular plural: "1 page", "2 pages", "2 processes".
pub fn count(number: impl std::fmt::Display, thing: &str) -> String {
    let number = number.to_string();
    let plural = match (&*number, thing.ends_with('s')) {
        ("1", _) => "",
        (_, true) => "es",
        (_, false) => "s",
    };
    format!("{number} {thing}{plural}")
}

/// A time in seconds since the epoch as UTC, by the civil calendar (days from 1970-01-01).
pub fn utc(seconds: u64) -> String {
    let (days, rest) = (seconds / 86400, seconds % 86400);
    let z = days + 719_468;
    let era = z / 146_097;
    let doe = z % 146_097;
    let yoe = (doe - doe / 1460 + doe / 36524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + u64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02} UTC",
        rest / 3600,
        rest / 60 % 60,
        rest % 60
    )
}

#[cfg(test)]
mod tests {
    use super::{escape, utc};

    #[test]
    fn times_are_those_of_the_calendar() {
        for (seconds, time) in [
            (0, "1970-01-01 00:00:00"),
            (86_399, "1970-01-01 23:59:59"),
            (951_782_399, "2000-02-28 23:59:59"),
            (951_782_400, "2000-02-29 00:00:00"),
            (951_868_800, "2000-03-01 00:00:00"),
            (1_078_012_800, "2004-02-29 00:00:00"),
            (1_267_401_600, "2010-03-01 00:00:00"),
            (1_609_459_199, "2020-12-31 23:59:59"),
            (4_107_542_399, "2100-02-28 23:59:59"),
            (4_107_542_400, "2100-03-01 00:00:00"),
            (13_569_465_600, "2400-01-01 00:00:00"),
            (253_402_300_799, "9999-12-31 23:59:59"),
        ] {
            assert_eq!(utc(seconds), format!("{time} UTC"), "{seconds}");
        }
    }

    #[test]
    fn nothing_that_a_terminal_obeys_passes() {
        assert_eq!(escape(b"a\x1b[2J\x07\0"), "a\\x1b[2J\\x07\\x00");
        assert_eq!(
            escape("\u{202e}x\u{200b}\u{9b}".as_bytes()),
            "\\u{202e}x\\u{200b}\\u{9b}"
        );
        assert_eq!(escape(b"\xff\\"), "\\xff\\\\");
        assert_eq!(escape(b"\n\r\t"), "\\n\\r\\t");
        assert_eq!(escape("häuser 日本".as_bytes()), "häuser 日本");
    }

    /// The bytes of an escaped text.
    fn unescape(text: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut rest = text;
        while let Some((plain, escaped)) = rest.split_once('\\') {
            bytes.extend(plain.bytes());
            let number = |digits: &str| u32::from_str_radix(digits, 16).unwrap();
            let (kind, behind) = escaped.split_at(1);
            rest = behind;
            match kind {
                "\\" => bytes.push(b'\\'),
                "n" => bytes.push(b'\n'),
                "r" => bytes.push(b'\r'),
                "t" => bytes.push(b'\t'),
                "x" => {
                    bytes.push(u8::try_from(number(&behind[..2])).unwrap());
                    rest = &behind[2..];
                }
                _ => {
                    let (digits, behind) = behind[1..].split_once('}').unwrap();
                    let c = char::from_u32(number(digits)).unwrap();
                    bytes.extend(c.to_string().bytes());
                    rest = behind;
                }
            }
        }
        bytes.extend(rest.bytes());
        bytes
    }

    #[test]
    fn escaped_text_can_be_turned_back() {
        let check = |bytes: &[u8]| assert_eq!(unescape(&escape(bytes)), bytes);
        check(b"\\n");
        check(b"\n");
        check(b"\\x41\\\\u{41}\xff\xc3");
        check("\u{202e}\u{9b}\r\t\0häuser".as_bytes());
        for first in 0..=255 {
            for second in [b'\\', b'n', b'x', 0x80, 0xbf, b'\n'] {
                check(&[first, second, b'4', b'1']);
            }
        }
    }
}
