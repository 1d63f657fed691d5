//! Members of a tar file with a CRIU image set, and the protobuf messages in them.

use super::{flip, index};
use crate::Random;
use std::io::Read;

struct Member {
    name: Vec<u8>,
    bytes: Vec<u8>,
}

/// Changes one member, its name, or the number of members.
pub(super) fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    let Some(mut members) = members(bytes) else {
        return flip(bytes, random);
    };
    let at = index(random, members.len());
    match random.below(16) {
        0 => drop(members.remove(at)),
        1 => {
            let from = index(random, members.len());
            let bytes = members[from].bytes.clone();
            members[at].bytes = bytes;
        }
        2 => members[at].name = name(random),
        _ => image(&mut members[at].bytes, random),
    }
    *bytes = archive(&members);
}

fn members(bytes: &[u8]) -> Option<Vec<Member>> {
    let mut members = Vec::new();
    for entry in tar::Archive::new(bytes).entries().ok()? {
        let entry = entry.ok()?;
        let name = entry.path_bytes().into_owned();
        let mut bytes = Vec::new();
        entry.take(1 << 20).read_to_end(&mut bytes).ok()?;
        members.push(Member { name, bytes });
    }
    (!members.is_empty()).then_some(members)
}

fn archive(members: &[Member]) -> Vec<u8> {
    let mut out = tar::Builder::new(Vec::new());
    for member in members {
        let mut header = tar::Header::new_ustar();
        super::put(
            header.as_mut_bytes(),
            0,
            &member.name[..member.name.len().min(99)],
        );
        header.set_size(member.bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        out.append(&header, member.bytes.as_slice())
            .expect("a vector takes everything");
    }
    out.into_inner().expect("a vector takes everything")
}

fn name(random: &mut Random) -> Vec<u8> {
    const NAMES: [&[u8]; 6] = [
        b"../../pstree.img",
        b"/inventory.img",
        b"core-1.img",
        b"pagemap-7000.img",
        b"\x1b[2Jmm-7000.img",
        b"parent/inventory.img",
    ];
    random.pick(&NAMES).copied().unwrap_or_default().to_vec()
}

/// Bytes of the magic numbers at the start of an image: two words, or one of the inventory.
const MAGICS: [usize; 2] = [8, 4];

/// Changes one message of an image; contents of pages are left to luck.
fn image(bytes: &mut Vec<u8>, random: &mut Random) {
    let found = MAGICS
        .iter()
        .find_map(|magic| Some((*magic, entries(bytes.get(*magic..)?)?)));
    let Some((magic, mut entries)) = found else {
        return flip(bytes, random);
    };
    let at = index(random, entries.len());
    match random.below(12) {
        0 => drop(entries.remove(at)),
        1 => entries.insert(at, entries[at].clone()),
        2 => return lie(bytes, magic, random),
        _ => message(&mut entries[at], random, 0),
    }
    bytes.truncate(magic);
    for entry in entries {
        bytes.extend(u32::try_from(entry.len()).unwrap_or(0).to_le_bytes());
        bytes.extend(entry);
    }
}

/// The length of the first message.
fn lie(bytes: &mut [u8], magic: usize, random: &mut Random) {
    let len = u32::try_from(bytes.len()).unwrap_or(0);
    super::put(bytes, magic, &super::interesting(random, len).to_le_bytes());
}

/// Messages with their lengths before them, if the bytes are that.
fn entries(mut bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut out = Vec::new();
    while !bytes.is_empty() {
        let (len, rest) = bytes.split_first_chunk::<4>()?;
        let len = usize::try_from(u32::from_le_bytes(*len)).ok()?;
        out.push(rest.get(..len)?.to_vec());
        bytes = rest.get(len..)?;
    }
    (!out.is_empty()).then_some(out)
}

/// A field of a message: its key, and what follows.
#[derive(Clone)]
struct Field {
    key: u64,
    value: Value,
}

#[derive(Clone)]
enum Value {
    Number(u64),
    Fixed(Vec<u8>),
    Bytes(Vec<u8>),
}

/// Changes one field, here or in a message within.
fn message(bytes: &mut Vec<u8>, random: &mut Random, depth: u32) {
    let Some(mut fields) = fields(bytes).filter(|fields| !fields.is_empty()) else {
        return flip(bytes, random);
    };
    let at = index(random, fields.len());
    match random.below(12) {
        0 => drop(fields.remove(at)),
        1 => fields.insert(at, fields[at].clone()),
        2 => fields[at].key ^= 1 << random.below(6),
        3 => fields[at].value = Value::Bytes(nested(fields[at].key, index(random, 300))),
        _ => match &mut fields[at].value {
            Value::Number(value) => *value = number(random, *value),
            Value::Fixed(bytes) => flip(bytes, random),
            Value::Bytes(inner) if depth < 8 && !random.one_in(4) => {
                message(inner, random, depth + 1);
            }
            Value::Bytes(inner) => *inner = words(random, inner),
        },
    }
    *bytes = fields.iter().flat_map(encode).collect();
}

fn number(random: &mut Random, near: u64) -> u64 {
    match random.below(6) {
        0 => 1 << random.below(64),
        1 => (1u64 << random.below(64)).wrapping_sub(1),
        2 => near.wrapping_add(random.below(9)).wrapping_sub(4),
        3 => near ^ (1 << random.below(64)),
        4 => u64::MAX,
        _ => random.below(20),
    }
}

fn words(random: &mut Random, old: &[u8]) -> Vec<u8> {
    const WORDS: [&[u8]; 6] = [
        b"",
        b"../../../../tmp/out",
        b"/etc/passwd",
        b"a\0b",
        b"\x1b[31m\xff\xe2\x80\xae",
        b"socket:[1]",
    ];
    match random.below(4) {
        0 => old.repeat(2),
        1 => old.get(..old.len() / 2).unwrap_or_default().to_vec(),
        _ => random.pick(&WORDS).copied().unwrap_or_default().to_vec(),
    }
}

/// Messages within messages.
fn nested(key: u64, depth: usize) -> Vec<u8> {
    let key = (key & !7) | 2;
    (0..depth).fold(Vec::new(), |inner, _| {
        encode(&Field {
            key,
            value: Value::Bytes(inner),
        })
    })
}

fn fields(mut bytes: &[u8]) -> Option<Vec<Field>> {
    let mut out = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes)?;
        let value = match key & 7 {
            0 => Value::Number(varint(&mut bytes)?),
            1 => Value::Fixed(take(&mut bytes, 8)?),
            2 => {
                let len = usize::try_from(varint(&mut bytes)?).ok()?;
                Value::Bytes(take(&mut bytes, len)?)
            }
            5 => Value::Fixed(take(&mut bytes, 4)?),
            _ => return None,
        };
        out.push(Field { key, value });
    }
    Some(out)
}

fn take(bytes: &mut &[u8], len: usize) -> Option<Vec<u8>> {
    let (now, rest) = bytes.split_at_checked(len)?;
    *bytes = rest;
    Some(now.to_vec())
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn encode(field: &Field) -> Vec<u8> {
    let mut out = Vec::new();
    push_varint(&mut out, field.key);
    match &field.value {
        Value::Number(value) => push_varint(&mut out, *value),
        Value::Fixed(bytes) => out.extend(bytes),
        Value::Bytes(bytes) => {
            push_varint(&mut out, bytes.len() as u64);
            out.extend(bytes);
        }
    }
    out
}

fn push_varint(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        out.push(u8::try_from(value & 0x7f).unwrap_or(0) | 0x80);
        value >>= 7;
    }
    out.push(u8::try_from(value).unwrap_or(0));
}
