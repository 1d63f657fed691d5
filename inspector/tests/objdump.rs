//! Advanced SIMD as text against GNU objdump, over words drawn by a fixed rule.
//!
//! Needs `arm-linux-gnueabi-objdump`; without it the test says so.

#[path = "../../tests/src/tools.rs"]
#[expect(unreachable_pub, reason = "a module of a library elsewhere")]
mod tools;

use ckpt_format::Order;
use ckpt_inspect::tui::disasm::disassemble;
use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

const OBJDUMP: &str = "arm-linux-gnueabi-objdump";
const WORDS: usize = 120_000;

/// Words with these high bytes, all other bits by a linear congruence.
fn words(high: &[u8]) -> Vec<u32> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        u32::try_from(state >> 40).unwrap()
    };
    let all = high.iter().cycle().take(WORDS);
    all.map(|high| u32::from(*high) << 24 | next() & 0x00ff_ffff)
        .collect()
}

/// What the words are in memory.
fn bytes(words: &[u32], thumb: bool) -> Vec<u8> {
    let halves = |word: &u32| if thumb { word.rotate_left(16) } else { *word };
    words
        .iter()
        .flat_map(|word| halves(word).to_le_bytes())
        .collect()
}

fn by_objdump(bytes: &[u8], thumb: bool) -> Vec<String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), bytes).unwrap();
    let mut command = Command::new(OBJDUMP);
    command.args(["-D", "-z", "-b", "binary", "-m", "arm"]);
    if thumb {
        command.args(["-M", "force-thumb"]);
    }
    let output = command.arg(file.path()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().filter_map(|line| {
        let (_, rest) = line.trim_start().split_once(":\t")?;
        Some(rest.split_once('\t')?.1.replace('\t', " "))
    });
    lines.collect()
}

/// Without what is a matter of taste: spaces, comments, the sign before numbers and their base.
fn plain(text: &str) -> String {
    let code = text.split(['@', ';']).next().unwrap_or_default();
    // Shifts to the left know no sign; the manual writes `i`, objdump `s`.
    let code = code.replace("vshl.i", "vshl.s").replace(['#', ' '], "");
    // objdump's name for r10, which no other word here ends in.
    let code = code.replace("[sl", "[r10").replace(",sl", ",r10");
    let ints = code.contains(".i32");
    let mut words = Vec::new();
    for word in code.split(',') {
        let whole = word
            .strip_prefix("0x")
            .map(|hex| u64::from_str_radix(hex, 16));
        let number = match whole {
            Some(Ok(number)) => Some(number.to_string()),
            // A constant of 32 bits has no sign, but objdump gives it one.
            _ if ints => word
                .parse::<i32>()
                .ok()
                .map(|number| number.cast_unsigned().to_string()),
            _ => word.parse::<f64>().ok().map(|number| number.to_string()),
        };
        words.push(number.unwrap_or_else(|| word.to_owned()));
    }
    // A register or-ed with itself is a move, as the manual writes it.
    if let [first, second, third] = &words[..]
        && let Some(to) = first.strip_prefix("vorr")
        && second == third
    {
        return format!("vmov{to},{second}");
    }
    words.join(",")
}

#[test]
fn advanced_simd_reads_as_objdump_writes_it() {
    if !tools::have(&[OBJDUMP]) {
        return;
    }
    for (high, thumb) in [([0xf2, 0xf3, 0xf4], false), ([0xef, 0xff, 0xf9], true)] {
        let words = words(&high);
        let bytes = bytes(&words, thumb);
        let theirs = by_objdump(&bytes, thumb);
        let ours = disassemble(&bytes, 0, thumb, Order::Little);
        assert_eq!((theirs.len(), ours.len()), (WORDS, WORDS));
        let (mut wrong, mut lacking) = (Vec::new(), Vec::new());
        // How often we say the same, by mnemonic without the type.
        let mut same: BTreeMap<&str, usize> = BTreeMap::new();
        for (theirs, ours) in theirs.iter().zip(&ours) {
            let odd = ["UNPREDICTABLE", "UNDEFINED", "illegal", "vrint?"];
            if !theirs.starts_with(['v', 's', 'a']) || odd.iter().any(|word| theirs.contains(word))
            {
                continue;
            }
            let name = theirs.split(['.', ' ']).next().unwrap_or_default();
            let count = same.entry(name).or_default();
            match &ours.text {
                Some(text) if plain(text) == plain(theirs) => *count += 1,
                Some(text) => wrong.push(format!("{:08x}: {text} | {theirs}", ours.word)),
                None => lacking.push(format!("{:08x}: {theirs}", ours.word)),
            }
        }
        let few = |list: &[String]| list.iter().take(20).cloned().collect::<Vec<_>>().join("\n");
        assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), few(&wrong));
        // objdump names some words that the manual calls undefined: registers above d31, alignments that there are
        // not, vpadd of quad registers, vmul.p32, vrev16.16.
        assert!(
            lacking.len() < WORDS / 40,
            "{} lacking:\n{}",
            lacking.len(),
            few(&lacking)
        );
        let never: Vec<_> = same.iter().filter(|(_, count)| **count == 0).collect();
        assert!(never.is_empty(), "{never:?}");
        assert!(same.len() > 90, "{same:?}");
    }
}

/// What stands in the space of coprocessors: dot products, matrices, complex numbers.
#[test]
fn products_read_as_objdump_writes_them() {
    const NAMES: [&str; 11] = [
        "vmmla", "vsmmla", "vummla", "vusmmla", "vdot", "vsdot", "vudot", "vusdot", "vsudot",
        "vcadd", "vcmla",
    ];
    if !tools::have(&[OBJDUMP]) {
        return;
    }
    for thumb in [false, true] {
        let words = words(&[0xfc, 0xfd, 0xfe]);
        // Most words of this space are of coprocessors: half of them get the bits of products.
        let words: Vec<u32> = words
            .iter()
            .enumerate()
            .map(|(i, word)| match i % 4 {
                0 => word & !0xf00 | 0x800,
                1 => word & !0xf00 | 0xd00,
                2 => word & !0xf00 | 0xc00,
                _ => *word,
            })
            .collect();
        let bytes = bytes(&words, thumb);
        let theirs = by_objdump(&bytes, thumb);
        let ours = disassemble(&bytes, 0, thumb, Order::Little);
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        for (theirs, ours) in theirs.iter().zip(&ours) {
            let name = |text: &str| text.split(['.', ' ']).next().unwrap_or_default().to_owned();
            let text = ours.text.clone().unwrap_or_default();
            let of_us = NAMES.contains(&name(&text).as_str());
            let of_them = NAMES.contains(&name(theirs).as_str());
            let odd = theirs.contains("UNPREDICTABLE") || theirs.contains("illegal");
            if !of_us && !of_them || odd {
                continue;
            }
            // objdump takes more words for dot products by element than the manual, whose bits 20 and 23 are 0.
            if !of_us && ours.word >> 24 == 0xfe && ours.word & 0x0090_0000 != 0 {
                continue;
            }
            assert_eq!(plain(&text), plain(theirs), "{:08x}", ours.word);
            *seen.entry(name(theirs)).or_default() += 1;
        }
        assert_eq!(seen.len(), 11, "{seen:?}");
    }
}
