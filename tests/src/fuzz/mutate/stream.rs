//! Records of a stream.

use super::{flip, index, interesting, put};
use crate::Random;
use crate::fuzz::walk;
use ckpt_parser::frame::{Framer, byte_order_salvaged};
use ckpt_parser::limits::Limits;

/// Changes one thing.
pub(super) fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    let Some(order) = byte_order_salvaged(bytes) else {
        return flip(bytes, random);
    };
    let mut framer = Framer::new(order, Some(bytes.len() as u64), Limits::default());
    let frames = walk(&mut framer, bytes);
    let (Some(frame), Some(other)) = (random.pick(&frames), random.pick(&frames)) else {
        return;
    };
    let at = usize::try_from(frame.offset).unwrap_or(0);
    let end = usize::try_from(frame.end()).unwrap_or(0).min(bytes.len());
    let word = |value: u32| match order {
        ckpt_format::Order::Little => value.to_le_bytes(),
        ckpt_format::Order::Big => value.to_be_bytes(),
    };
    match random.below(10) {
        0 => put(bytes, at, &word(other.number)),
        1 => put(bytes, at + 4, &word(interesting(random, frame.len))),
        2..=4 => {
            let field = any_field(random, at, end);
            put(bytes, field, &word(interesting(random, frame.len)));
        }
        5 => drop(bytes.drain(at.min(end)..end)),
        6 => {
            let copy = bytes[at.min(end)..end].to_vec();
            let to = usize::try_from(other.offset).unwrap_or(0).min(bytes.len());
            drop(bytes.splice(to..to, copy));
        }
        7 => bytes.truncate(at + usize::try_from(random.below(40)).unwrap_or(0)),
        8 => {
            // What another record has there: an equal address, the same object.
            let field = any_field(random, at, end) - at;
            let from = usize::try_from(other.offset).unwrap_or(0) + field;
            if let Some(value) = bytes.get(from..from + 4).map(<[u8]>::to_vec) {
                put(bytes, at + field, &value);
            }
        }
        _ => flip(bytes, random),
    }
}

/// Where some word of a record stands, behind its header.
fn any_field(random: &mut Random, at: usize, end: usize) -> usize {
    let words = (end.saturating_sub(at) / 4).max(3);
    at + 4 * (2 + index(random, words - 2))
}
