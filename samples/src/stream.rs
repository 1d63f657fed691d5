//! The byte writer: C structs, records, shared objects.

use std::collections::VecDeque;

use crate::dialect::{Dialect, obj, rec};

/// Bytes laid out as a C compiler would: each push aligns itself.
pub(crate) struct Struct {
    pub(crate) bytes: Vec<u8>,
    dialect: Dialect,
}

impl Struct {
    pub(crate) fn new(dialect: Dialect) -> Self {
        Self {
            bytes: Vec::new(),
            dialect,
        }
    }

    /// Zeros up to the next multiple of `unit`.
    pub(crate) fn align(&mut self, unit: usize) -> &mut Self {
        self.to(self.bytes.len().next_multiple_of(unit))
    }

    /// Zeros up to an offset, which must not lie behind.
    pub(crate) fn to(&mut self, offset: usize) -> &mut Self {
        assert!(offset >= self.bytes.len(), "{offset} is already written");
        self.bytes.resize(offset, 0);
        self
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// Text in a field of fixed length, padded with NULs.
    pub(crate) fn text(&mut self, text: &[u8], field: usize) -> &mut Self {
        let end = self.bytes.len() + field;
        self.raw(text).to(end)
    }

    pub(crate) fn u8(&mut self, value: u8) -> &mut Self {
        self.raw(&[value])
    }

    pub(crate) fn u16(&mut self, value: u16) -> &mut Self {
        let bytes = if self.dialect.big {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        };
        self.align(2).raw(&bytes)
    }

    pub(crate) fn u32(&mut self, value: u32) -> &mut Self {
        let bytes = if self.dialect.big {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        };
        self.align(4).raw(&bytes)
    }

    pub(crate) fn i32(&mut self, value: i32) -> &mut Self {
        self.u32(value.cast_unsigned())
    }

    pub(crate) fn u64(&mut self, value: u64) -> &mut Self {
        let bytes = if self.dialect.big {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        };
        self.align(self.dialect.align64()).raw(&bytes)
    }

    /// `unsigned long`.
    pub(crate) fn word(&mut self, value: u64) -> &mut Self {
        match u32::try_from(value) {
            Ok(short) if self.dialect.word() == 4 => self.u32(short),
            _ => self.u64(value),
        }
    }

    pub(crate) fn u32s(&mut self, values: &[u32]) -> &mut Self {
        values.iter().fold(self, |to, &value| to.u32(value))
    }

    pub(crate) fn i32s(&mut self, values: &[i32]) -> &mut Self {
        values.iter().fold(self, |to, &value| to.i32(value))
    }

    pub(crate) fn u64s(&mut self, values: &[u64]) -> &mut Self {
        values.iter().fold(self, |to, &value| to.u64(value))
    }

    /// The kernel's signal set: an array of words, low signals first.
    pub(crate) fn sigset(&mut self, mask: u64) -> &mut Self {
        self.align(8);
        if self.dialect.word() == 8 {
            return self.u64(mask);
        }
        self.u32(low(mask)).u32(low(mask >> 32))
    }
}

/// The low half of a value.
pub(crate) fn low(value: u64) -> u32 {
    u32::try_from(value & 0xffff_ffff).unwrap_or_default()
}

/// A length of something built here, which is small.
pub(crate) fn len32(len: usize) -> u32 {
    u32::try_from(len).expect("samples are small")
}

type Deferred = Box<dyn FnOnce(&mut Stream)>;

/// An image under construction.
pub(crate) struct Stream {
    pub(crate) d: Dialect,
    pub(crate) out: Vec<u8>,
    /// Records written so far.
    pub(crate) records: u64,
    /// Objects numbered so far, and the rule that makes object numbers of them.
    numbered: i32,
    renumber: fn(i32) -> i32,
    /// Credentials of whoever opens files now.
    pub(crate) cred: i32,
    /// Descriptors of the table being written: (descriptor, FILE object).
    pub(crate) open: Vec<(i32, i32)>,
    /// Work that runs after the last descriptor of the table being written.
    pub(crate) deferred: VecDeque<Deferred>,
    /// Mappings of the address space being written.
    pub(crate) vmas: u32,
    /// Labels written so far: (type, text, object).
    labels: Vec<(u8, String, i32)>,
    /// An ARM kernel built for the old ABI wrote this.
    pub(crate) oabi: bool,
}

impl Stream {
    pub(crate) fn new(d: Dialect) -> Self {
        Self::numbered_by(d, |n| n)
    }

    /// A stream whose n-th object gets the number `renumber(n)`, as in a container checkpoint,
    /// where objects were numbered before the first byte was written.
    pub(crate) fn numbered_by(d: Dialect, renumber: fn(i32) -> i32) -> Self {
        Self {
            d,
            out: Vec::new(),
            records: 0,
            numbered: 0,
            renumber,
            cred: 0,
            open: Vec::new(),
            deferred: VecDeque::new(),
            vmas: 0,
            labels: Vec::new(),
            oabi: false,
        }
    }

    /// A number for a new object.
    pub(crate) fn take_ref(&mut self) -> i32 {
        self.numbered += 1;
        (self.renumber)(self.numbered)
    }

    /// A record whose number never moved or is not translated, without tail padding.
    pub(crate) fn exact(&mut self, number: u32, fill: impl FnOnce(&mut Struct)) {
        let mut body = Struct::new(self.d);
        fill(body.to(8));
        let mut head = Struct::new(self.d);
        head.u32(number).u32(len32(body.bytes.len()));
        self.out.extend_from_slice(&head.bytes);
        self.out.extend_from_slice(&body.bytes[8..]);
        self.records += 1;
    }

    /// A struct record: `aligned(8)`, so padded at its end.
    pub(crate) fn rec(&mut self, r17: u32, fill: impl FnOnce(&mut Struct)) {
        self.exact(self.d.record(r17), |body| {
            fill(body);
            body.align(8);
        });
    }

    /// A payload record: header and bytes.
    pub(crate) fn payload(&mut self, r17: u32, bytes: &[u8]) {
        self.exact(self.d.record(r17), |body| {
            body.raw(bytes);
        });
    }

    /// A BUFFER of structs.
    pub(crate) fn buffer(&mut self, fill: impl FnOnce(&mut Struct)) {
        let mut body = Struct::new(self.d);
        fill(&mut body);
        self.payload(rec::BUFFER, &body.bytes);
    }

    /// FILE_NAME or STRING with its terminating NUL.
    pub(crate) fn c_string(&mut self, r17: u32, text: &[u8]) {
        self.payload(r17, &[text, b"\0"].concat());
    }

    /// A new shared object: its OBJREF, then its body.
    pub(crate) fn object(&mut self, kind: u32, body: impl FnOnce(&mut Self, i32)) -> i32 {
        let id = self.take_ref();
        self.objref(kind, id);
        body(self, id);
        id
    }

    pub(crate) fn objref(&mut self, kind: u32, id: i32) {
        let kind = self.d.object(kind);
        self.rec(rec::OBJREF, |r| {
            r.u32(kind).i32(id);
        });
    }

    /// Overwrites a count that was not known when its record was written.
    pub(crate) fn patch_u32(&mut self, offset: usize, value: u32) {
        let mut bytes = Struct::new(self.d);
        bytes.u32(value);
        self.out[offset..offset + 4].copy_from_slice(&bytes.bytes);
    }

    /// A label on what follows, written at its first use; 0 where the revision has none.
    pub(crate) fn label(&mut self, sectype: u8, text: Option<&str>) -> i32 {
        let Some(text) = text.filter(|_| self.d.rev >= 3) else {
            return 0;
        };
        let known = self
            .labels
            .iter()
            .find(|known| known.0 == sectype && known.1 == text);
        if let Some(&(_, _, id)) = known {
            return id;
        }
        let id = self.object(obj::SECURITY, |s, _| {
            let blob = s.take_ref();
            s.rec(rec::SECURITY, |r| {
                r.i32(blob).u8(sectype);
            });
            s.c_string(rec::STRING, text.as_bytes());
        });
        self.labels.push((sectype, text.to_owned(), id));
        id
    }

    pub(crate) fn tail(mut self) -> Vec<u8> {
        self.rec(rec::TAIL, |r| {
            r.u64(0x002d_2a0c_c0de_ef00);
        });
        self.out
    }
}
