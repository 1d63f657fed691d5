//! Damages images the way that hurts: types, lengths, counts, references and whole parts rather
//! than random bytes. The same seed does the same.

mod elf;
mod set;
mod stream;

use crate::Random;

/// Damages an image of any kind in one to three places.
pub fn mutate(bytes: &mut Vec<u8>, seed: u64) {
    let mut random = Random::new(seed);
    for _ in 0..=random.below(3) {
        if random.one_in(8) {
            flip(bytes, &mut random);
        } else if ckpt_bridge::criu::is_tar(bytes) {
            set::mutate(bytes, &mut random);
        } else if bytes.starts_with(b"\x7fELF") {
            elf::mutate(bytes, &mut random);
        } else {
            stream::mutate(bytes, &mut random);
        }
    }
}

/// Values at which code breaks: bounds, small numbers (which are object numbers), near lengths.
fn interesting(random: &mut Random, near: u32) -> u32 {
    const EDGES: [u32; 10] = [
        0,
        1,
        7,
        8,
        0x7fff_ffff,
        0x8000_0000,
        u32::MAX,
        0xffff_fff0,
        4096,
        16,
    ];
    match random.below(4) {
        0 => u32::try_from(random.below(80)).unwrap_or(0),
        1 => near
            .wrapping_add(u32::try_from(random.below(17)).unwrap_or(0))
            .wrapping_sub(8),
        2 => random.pick(&EDGES).copied().unwrap_or(0),
        _ => u32::try_from(random.next() >> 32).unwrap_or(0),
    }
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    for (to, from) in bytes.iter_mut().skip(at).zip(value) {
        *to = *from;
    }
}

fn flip(bytes: &mut [u8], random: &mut Random) {
    let at = usize::try_from(random.below(bytes.len() as u64)).unwrap_or(0);
    let bit = random.below(8);
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1 << bit;
    }
}

/// A number below `end` as an index.
fn index(random: &mut Random, end: usize) -> usize {
    usize::try_from(random.below(end as u64)).unwrap_or(0)
}
