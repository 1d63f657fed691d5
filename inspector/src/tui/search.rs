//! Searching the image's bytes and the memory of its processes.

use ckpt_format::Order;
use ckpt_parser::memory::Memory;
use ckpt_parser::model::{Image, ObjRef};
use ckpt_parser::source::{Source, Window};
use memchr::memmem::Finder;

/// Where to search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// The bytes of the image.
    Image,
    /// Memory of an address space.
    Memory(ObjRef),
}

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
    /// pointer to an address.
    ///
    /// # Errors
    /// In words.
    pub fn parse(text: &str, order: Order, word: usize) -> Result<Pattern, String> {
        let bytes = match text.split_once(':') {
            Some(("x", hex)) => hex_bytes(hex)?,
            Some(("u", wide)) => wide
                .encode_utf16()
                .flat_map(|unit| word_bytes(unit.into(), order, 2))
                .collect(),
            Some(("p", addr)) => {
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
    let wrong = || format!("{hex}: give pairs of hexadecimal digits");
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

/// Places that a search may find; further ones are of no use to anybody.
const MOST: usize = 100_000;
/// Places that are told at once, but for the first, which is told when it is found.
const BATCH: usize = 256;
/// Bytes looked at in one go.
const PIECE: usize = 1 << 20;

/// Searches; tells `report` what was found and whether that is all. Ends early when `current` says
/// that nobody waits any more.
pub fn run(
    source: Box<dyn Source>,
    image: Option<&Image>,
    domain: Domain,
    pattern: &Pattern,
    current: impl Fn() -> bool,
    mut report: impl FnMut(Vec<u64>, bool),
) {
    let mut batch = Vec::new();
    let mut count = 0;
    let mut take = |at: u64| {
        batch.push(at);
        count += 1;
        if count == 1 || batch.len() >= BATCH {
            if !current() {
                return false;
            }
            report(std::mem::take(&mut batch), false);
        }
        count < MOST
    };
    // A read error ends the search where it occurs; the panes show the error themselves.
    let _ = match (domain, image) {
        (Domain::Image, _) => in_image(source, &pattern.bytes, &current, &mut take),
        (Domain::Memory(mm), Some(image)) => match image.mms.get(&mm) {
            Some(mm) => Memory::new(image, source).search(mm, &pattern.bytes, &mut take),
            None => Ok(()),
        },
        (Domain::Memory(_), None) => Ok(()),
    };
    if current() {
        report(batch, true);
    }
}

fn in_image(
    source: Box<dyn Source>,
    pattern: &[u8],
    current: &impl Fn() -> bool,
    take: &mut impl FnMut(u64) -> bool,
) -> std::io::Result<()> {
    let finder = Finder::new(pattern);
    let mut window = Window::new(source);
    let mut at = 0;
    loop {
        let bytes = window.bytes(at, PIECE)?;
        for found in finder.find_iter(bytes) {
            if !take(at + found as u64) {
                return Ok(());
            }
        }
        if bytes.len() < PIECE || !current() {
            return Ok(());
        }
        at += (PIECE - (pattern.len() - 1).min(PIECE - 1)) as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ckpt_parser::source::SliceSource;

    #[test]
    fn patterns_of_every_kind() {
        let bytes = |text| Pattern::parse(text, Order::Little, 4).map(|p| p.bytes);
        assert_eq!(bytes("ab").unwrap(), b"ab");
        assert_eq!(bytes("x:0a ff").unwrap(), [0x0a, 0xff]);
        assert_eq!(bytes("u:ab").unwrap(), b"a\0b\0");
        assert_eq!(bytes("p:0x8004").unwrap(), [4, 0x80, 0, 0]);
        assert_eq!(
            Pattern::parse("p:1", Order::Big, 4).unwrap().bytes,
            [0, 0, 0, 1]
        );
        assert!(bytes("x:0").is_err());
        assert!(bytes("").is_err());
    }

    #[test]
    fn finds_across_pieces() {
        let mut bytes = vec![0; 3 * PIECE];
        for at in [5, PIECE - 2, 2 * PIECE - 3, 3 * PIECE - 4] {
            bytes[at..at + 4].copy_from_slice(b"here");
        }
        let pattern = Pattern::parse("here", Order::Little, 4).unwrap();
        let mut found = Vec::new();
        let mut done = false;
        run(
            Box::new(SliceSource(bytes)),
            None,
            Domain::Image,
            &pattern,
            || true,
            |more, over| {
                found.extend(more);
                done = over;
            },
        );
        assert!(done);
        assert_eq!(
            found,
            [
                5,
                PIECE as u64 - 2,
                2 * PIECE as u64 - 3,
                3 * PIECE as u64 - 4
            ]
        );
    }
}
