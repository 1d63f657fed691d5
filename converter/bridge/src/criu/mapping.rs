//! Mappings of an address space. There can be very many, so that only the fields that are read are decoded; the message
//! stays as the bytes that it was.

use prost::bytes::Bytes;

use super::{Msg, pagemap::PAGE, wire::numbers};
use crate::{Error, Result};

/// A `vma_entry`.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapping {
    /// First address.
    pub start: u64,
    /// Address behind the last.
    pub end: u64,
    /// Where in the file or segment it begins, in bytes.
    pub pgoff: u64,
    /// Number of the file or segment.
    pub shmid: u64,
    /// `PROT_` bits.
    pub prot: u64,
    /// `MAP_` bits.
    pub flags: u64,
    /// What kind of mapping it is.
    pub status: u64,
    /// Numbers of `madvise`, as bits.
    pub madv: u64,
    bytes: Bytes,
}

const NAME: &str = "vma_entry";
/// The fields that every mapping has, in the order of their numbers.
const REQUIRED: [&str; 8] = [
    "start", "end", "pgoff", "shmid", "prot", "flags", "status", "fd",
];

impl Mapping {
    /// Takes the mappings out of a space (`mm_entry`); `file` is where it stands, for messages.
    pub fn take(space: &mut Msg, file: &str) -> impl Iterator<Item = Result<Self>> {
        let bytes = space.take_parts("vmas");
        bytes.map(move |bytes| Self::of(bytes, file))
    }

    /// Reads a message; `file` is where it stands, for messages.
    pub fn of(bytes: Bytes, file: &str) -> Result<Self> {
        Self::decode(bytes).map_err(|why| Error::damaged(file, 8, "mapping", why, NAME))
    }

    /// The same, if its addresses are those of pages; `file` is where it stands, for messages.
    pub fn checked(self, file: &str) -> Result<Self> {
        let pages = [self.start, self.end]
            .iter()
            .all(|at| at.is_multiple_of(PAGE));
        if self.start < self.end && pages {
            return Ok(self);
        }
        let found = format!("{:#x} to {:#x}", self.start, self.end);
        Err(Error::damaged(file, 8, "mapping", found, "pages"))
    }

    fn decode(bytes: Bytes) -> std::result::Result<Self, String> {
        let numbers: [_; 10] = numbers(&bytes).map_err(|()| "a field that does not end")?;
        let [
            _,
            Some(start),
            Some(end),
            Some(pgoff),
            Some(shmid),
            Some(prot),
            Some(flags),
            Some(status),
            Some(_),
            madv,
        ] = numbers
        else {
            let there = numbers.iter().skip(1);
            let missing = REQUIRED.iter().zip(there).find(|(_, n)| n.is_none());
            let missing = missing.map_or("", |(name, _)| name);
            return Err(format!("no field {missing}"));
        };
        Ok(Self {
            start,
            end,
            pgoff,
            shmid,
            prot,
            flags,
            status,
            madv: madv.unwrap_or(0),
            bytes,
        })
    }

    /// The whole message, to which only what differs is set.
    pub fn message(&self, file: &str) -> Result<Msg> {
        let message = Msg::decode(NAME, &self.bytes)?;
        let message = message.map_err(|why| Error::damaged(file, 8, "mapping", why, NAME))?;
        Ok(message.kept())
    }

    /// The message as it was.
    pub fn into_bytes(self) -> Bytes {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_to_read_a_mapping_agree() {
        let mut m = Msg::new(NAME).unwrap();
        for (i, f) in REQUIRED.into_iter().enumerate() {
            let error = Mapping::of(m.encode().into(), "mm-1.img").unwrap_err();
            assert!(error.to_string().contains(f), "{error}");
            m.set(f, 0x1000 + i as u64);
        }
        m.set("madv", 1 << 10);
        let mut bytes = m.encode();
        bytes.extend([0xf8, 0x07, 0x2a]); // field 127, varint 42
        let v = Mapping::of(bytes.clone().into(), "mm-1.img").unwrap();
        let whole = v.message("mm-1.img").unwrap();
        assert_eq!(
            [
                v.start, v.end, v.pgoff, v.shmid, v.prot, v.flags, v.status, v.madv
            ],
            [
                "start", "end", "pgoff", "shmid", "prot", "flags", "status", "madv"
            ]
            .map(|f| whole.u64(f))
        );
        assert_eq!(whole.encode(), bytes);
        assert_eq!(v.into_bytes(), bytes);
    }
}
