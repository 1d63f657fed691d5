//! Images that are not whole.

use crate::dialect::{Dialect, obj, rec};
use crate::file::{File, open};
use crate::scenes::single::minimal_task;
use crate::scenes::{minimal, sensor};
use crate::stream::Stream;

/// A checkpoint that failed while it wrote files: no tail, a message instead.
pub(crate) fn error(d: Dialect) -> Vec<u8> {
    let mut s = Stream::new(d);
    minimal_task(&mut s);
    // The descriptor table is where it broke off.
    let at = find(&s, d.record(rec::FILE_DESC));
    s.out.truncate(at);
    s.payload(rec::ERROR, b"");
    let text: &[u8] = if d.rev < 2 {
        b"\0[pid 1234 tsk spin err -9 obj 8]: file has an owner\0"
    } else {
        b"\0[err -16][pos 1637][E @ checkpoint_one_file:371]file /var/run/lock \
          [obj 10][ptr c0de1000][sym lease_ops][str flock][pid 1234 tsk spin]: file lock\n"
    };
    s.payload(rec::STRING, text);
    s.out
}

/// The stack page breaks off in its middle.
pub(crate) fn truncated(d: Dialect) -> Vec<u8> {
    let mut image = minimal(d);
    image.truncate(image.len() - 4600);
    image
}

/// A record in the middle of the image says that it is shorter than its own header.
pub(crate) fn short_length(d: Dialect) -> Vec<u8> {
    with(d, |s| {
        let at = find(s, rec::FILE_NAME);
        s.patch_u32(at + 4, 7);
    })
}

/// A BUFFER says that it is nearly 4 GiB long.
pub(crate) fn huge_length(d: Dialect) -> Vec<u8> {
    with(d, |s| {
        let at = find(s, rec::PGARR) + 16;
        let at = at + find_from(&s.out[at..], rec::PGARR, d) + 16;
        s.patch_u32(at + 4, 0xffff_fff0);
    })
}

/// An unknown record stands between two good ones.
pub(crate) fn unknown_record(d: Dialect) -> Vec<u8> {
    with(d, |s| {
        let at = find(s, rec::MM);
        let rest = s.out.split_off(at);
        s.exact(4242, |r| {
            r.raw(b"nobody knows what this record means").align(8);
        });
        s.out.extend(rest);
    })
}

/// Object numbers: one twice, one of an unknown type, one that no record defines, and counts
/// that promise more than there is.
pub(crate) fn wrong_references(d: Dialect) -> Vec<u8> {
    with(d, |s| {
        let desc = find(s, rec::FILE_DESC);
        let rest = s.out.split_off(desc);
        s.objref(obj::FILE, 3);
        s.file_record(1, File::new(open::READ), |_| ());
        s.c_string(rec::FILE_NAME, b"/same/number/twice");
        s.rec(rec::OBJREF, |r| {
            r.u32(99).i32(-1);
        });
        let desc = s.out.len();
        s.out.extend(rest);
        s.patch_u32(desc + 8, 4711);
        let table = find(s, rec::FILE_TABLE);
        s.patch_u32(table + 8, 1000);
        let memory = find(s, rec::MM);
        s.patch_u32(memory + 8, 7);
    })
}

/// 300 bytes in the middle of a larger image were overwritten.
pub(crate) fn overwritten(d: Dialect) -> Vec<u8> {
    let mut image = sensor(d);
    let middle = image.len() / 2;
    for (n, byte) in image[middle..middle + 300].iter_mut().enumerate() {
        *byte = n.to_le_bytes()[0].wrapping_mul(151) ^ 0x5a;
    }
    image
}

/// A minimal image that `damage` then changes.
fn with(d: Dialect, damage: impl FnOnce(&mut Stream)) -> Vec<u8> {
    let mut s = Stream::new(d);
    minimal_task(&mut s);
    damage(&mut s);
    s.tail()
}

/// Where the first record of that number begins.
fn find(s: &Stream, number: u32) -> usize {
    find_from(&s.out, s.d.record(number), s.d)
}

/// The same in bytes that begin with a record.
fn find_from(bytes: &[u8], number: u32, d: Dialect) -> usize {
    let word = |at: usize| {
        let four = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
        if d.big {
            u32::from_be_bytes(four)
        } else {
            u32::from_le_bytes(four)
        }
    };
    let mut at = 0;
    while word(at) != number {
        at += word(at + 4) as usize;
    }
    at
}
