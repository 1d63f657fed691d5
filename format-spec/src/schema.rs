//! The words in which the tables are written: types, fields, structures, enumerations.
//!
//! Everything here is `const`: a table is a `static`, mistakes in it (a name used twice, an
//! overlay of a field that does not exist, a name that no list has) stop the build. Offsets are
//! never written down; [`crate::layout`] computes them as a C compiler would.

use crate::dialect::{Arch, ArchSet, Revision};
use crate::enums::{Object, Tag};

/// Type of a field, or of one element of an array.
#[derive(Clone, Copy, Debug)]
pub enum Type {
    /// Unsigned 8-bit integer.
    U8,
    /// Unsigned 16-bit integer.
    U16,
    /// Unsigned 32-bit integer.
    U32,
    /// Unsigned 64-bit integer.
    U64,
    /// Signed 16-bit integer.
    I16,
    /// Signed 32-bit integer.
    I32,
    /// Signed 64-bit integer.
    I64,
    /// `unsigned long` of the architecture: 4 or 8 bytes.
    Ulong,
    /// Unsigned 16-bit integer that is little endian whatever the image is (`HEADER.arch_id`).
    Le16,
    /// Unsigned 16-bit integer in network byte order.
    Be16,
    /// Unsigned 32-bit integer in network byte order.
    Be32,
    /// One byte of text; arrays of it are NUL-padded strings.
    Char,
    /// A structure, itself described by a table.
    Struct(&'static Struct),
}

/// How many elements a field has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// A single value.
    One,
    /// A fixed array.
    Fixed(u16),
    /// A C flexible array at the end; as many elements as the named field says.
    By(&'static str),
    /// A C flexible array at the end; as many elements as fit into the record.
    Rest,
}

/// What the value of a field means.
#[derive(Clone, Copy, Debug)]
pub enum Meaning {
    /// A plain number; the documentation says of what.
    Plain,
    /// One of the names of an enumeration.
    Enum(&'static Enum),
    /// A set of named bits.
    Flags(&'static Flags),
    /// Number of a shared object of this type, 0 for none (§1.4).
    Ref(Object),
    /// An address in the process.
    Address,
    /// A register, or another word of bits: only hexadecimal says something.
    Word,
    /// Seconds since 1970-01-01 00:00 UTC.
    Time,
    /// A quantity; the unit.
    Unit(&'static str),
    /// Bytes that the format itself gives no meaning (padding with a name, opaque blocks).
    Opaque,
    /// A magic number.
    Magic,
    /// The number of a system call of the architecture.
    Syscall,
}

/// One field of a structure.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Name in the C header.
    pub name: &'static str,
    /// Type of the value or of one element.
    pub ty: Type,
    /// Number of elements.
    pub count: Count,
    /// What the value means.
    pub meaning: Meaning,
    /// Names of the elements of an array; empty if they are only numbered.
    pub elements: &'static [&'static str],
    /// One line of documentation, without a final full stop.
    pub doc: &'static str,
    /// First revision that has the field.
    pub since: Revision,
    /// Last revision that has the field.
    pub until: Revision,
    /// Architectures that have the field.
    pub archs: ArchSet,
    /// Name of the field that this one shares its bytes with (a C union).
    pub over: Option<&'static str>,
    /// The members of the structure stand for themselves, without the name of this field.
    pub flat: bool,
    /// Alignment that an attribute of the member asks for, in bytes; 1 for none.
    pub align: u8,
}

impl Field {
    const fn new(name: &'static str, ty: Type) -> Self {
        assert!(!name.is_empty(), "a field needs a name");
        Field {
            name,
            ty,
            count: Count::One,
            meaning: Meaning::Plain,
            elements: &[],
            doc: "",
            since: Revision::FIRST,
            until: Revision::LAST,
            archs: ArchSet::ALL,
            over: None,
            flat: false,
            align: 1,
        }
    }
    /// Unsigned 8-bit integer.
    pub const fn u8(name: &'static str) -> Self {
        Self::new(name, Type::U8)
    }
    /// Unsigned 16-bit integer.
    pub const fn u16(name: &'static str) -> Self {
        Self::new(name, Type::U16)
    }
    /// Unsigned 32-bit integer.
    pub const fn u32(name: &'static str) -> Self {
        Self::new(name, Type::U32)
    }
    /// Unsigned 64-bit integer.
    pub const fn u64(name: &'static str) -> Self {
        Self::new(name, Type::U64)
    }
    /// Signed 16-bit integer.
    pub const fn i16(name: &'static str) -> Self {
        Self::new(name, Type::I16)
    }
    /// Signed 32-bit integer.
    pub const fn i32(name: &'static str) -> Self {
        Self::new(name, Type::I32)
    }
    /// Signed 64-bit integer.
    pub const fn i64(name: &'static str) -> Self {
        Self::new(name, Type::I64)
    }
    /// `unsigned long` of the architecture.
    pub const fn ulong(name: &'static str) -> Self {
        Self::new(name, Type::Ulong)
    }
    /// 16-bit integer, always little endian.
    pub const fn le16(name: &'static str) -> Self {
        Self::new(name, Type::Le16)
    }
    /// 16-bit integer in network order.
    pub const fn be16(name: &'static str) -> Self {
        Self::new(name, Type::Be16)
    }
    /// 32-bit integer in network order.
    pub const fn be32(name: &'static str) -> Self {
        Self::new(name, Type::Be32)
    }
    /// NUL-padded text of `len` bytes.
    pub const fn text(name: &'static str, len: u16) -> Self {
        Self::new(name, Type::Char).times(len)
    }
    /// Text that fills the record.
    pub const fn chars(name: &'static str) -> Self {
        Self::new(name, Type::Char).rest()
    }
    /// A nested structure.
    pub const fn nested(name: &'static str, of: &'static Struct) -> Self {
        Self::new(name, Type::Struct(of))
    }
    /// A nested structure whose members are named as if they stood here.
    pub const fn flat(name: &'static str, of: &'static Struct) -> Self {
        let mut field = Self::new(name, Type::Struct(of));
        field.flat = true;
        field
    }
    /// Documents the field.
    pub const fn doc(mut self, doc: &'static str) -> Self {
        self.doc = doc;
        self
    }
    /// Makes the field an array.
    pub const fn times(mut self, count: u16) -> Self {
        assert!(count > 0, "an array has at least one element");
        self.count = Count::Fixed(count);
        self
    }
    /// Names the elements of an array.
    pub const fn named(mut self, elements: &'static [&'static str]) -> Self {
        let fits = matches!(self.count, Count::Fixed(count) if count as usize == elements.len());
        assert!(fits, "every element has a name");
        self.elements = elements;
        self
    }
    /// Makes the field a flexible array whose length another field holds.
    pub const fn counted_by(mut self, name: &'static str) -> Self {
        self.count = Count::By(name);
        self
    }
    /// Makes the field a flexible array that fills the record.
    pub const fn rest(mut self) -> Self {
        self.count = Count::Rest;
        self
    }
    /// First revision with the field.
    pub const fn since(mut self, revision: Revision) -> Self {
        self.since = revision;
        self
    }
    /// Last revision with the field.
    pub const fn until(mut self, revision: Revision) -> Self {
        self.until = revision;
        self
    }
    /// Only on these architectures.
    pub const fn on(mut self, archs: ArchSet) -> Self {
        self.archs = archs;
        self
    }
    /// Aligned by an attribute of the member.
    pub const fn aligned(mut self, align: u8) -> Self {
        self.align = align;
        self
    }
    /// Shares its bytes with an earlier field.
    pub const fn over(mut self, name: &'static str) -> Self {
        self.over = Some(name);
        self
    }
    /// A value of an enumeration.
    pub const fn of(mut self, of: &'static Enum) -> Self {
        self.meaning = Meaning::Enum(of);
        self
    }
    /// A set of bits.
    pub const fn flags(mut self, of: &'static Flags) -> Self {
        self.meaning = Meaning::Flags(of);
        self
    }
    /// A reference to a shared object.
    pub const fn refers(mut self, object: Object) -> Self {
        self.meaning = Meaning::Ref(object);
        self
    }
    /// An address in the process.
    pub const fn address(mut self) -> Self {
        self.meaning = Meaning::Address;
        self
    }
    /// A register, or another word of bits.
    pub const fn word(mut self) -> Self {
        self.meaning = Meaning::Word;
        self
    }
    /// A time, in seconds since the epoch.
    pub const fn time(mut self) -> Self {
        self.meaning = Meaning::Time;
        self
    }
    /// A quantity in this unit.
    pub const fn unit(mut self, unit: &'static str) -> Self {
        self.meaning = Meaning::Unit(unit);
        self
    }
    /// Bytes without meaning of their own.
    pub const fn opaque(mut self) -> Self {
        self.meaning = Meaning::Opaque;
        self
    }
    /// The number of a system call.
    pub const fn syscall(mut self) -> Self {
        self.meaning = Meaning::Syscall;
        self
    }
    /// A magic number.
    pub const fn magic(mut self) -> Self {
        self.meaning = Meaning::Magic;
        self
    }
    /// Whether the field exists in `revision` on `arch`.
    pub const fn applies(&self, revision: Revision, arch: Arch) -> bool {
        revision.within(self.since, self.until) && self.archs.contains(arch)
    }
}

/// One field list of a structure: the whole declaration as some revisions, architectures or
/// variants have it.
#[derive(Clone, Copy, Debug)]
pub struct FieldList {
    /// Name of the C structure.
    pub c_name: &'static str,
    /// First revision.
    pub since: Revision,
    /// Last revision.
    pub until: Revision,
    /// Architectures.
    pub archs: ArchSet,
    /// Value of the selecting word for which this list holds; `None` for any.
    pub variant: Option<u32>,
    /// The fields in C order.
    pub fields: &'static [Field],
}

impl FieldList {
    /// A list that holds everywhere.
    pub const fn new(c_name: &'static str, fields: &'static [Field]) -> Self {
        let mut i = 0;
        while i < fields.len() {
            let mut j = i + 1;
            while j < fields.len() {
                assert!(
                    !same(fields[i].name, fields[j].name),
                    "a name is used twice"
                );
                j += 1;
            }
            assert!(
                !fields[i].doc.is_empty() || !matches!(fields[i].meaning, Meaning::Plain),
                "a field needs a meaning: documentation, enumeration, reference or unit"
            );
            i += 1;
        }
        FieldList {
            c_name,
            since: Revision::FIRST,
            until: Revision::LAST,
            archs: ArchSet::ALL,
            variant: None,
            fields,
        }
    }
    /// First revision with this list.
    pub const fn since(mut self, revision: Revision) -> Self {
        self.since = revision;
        self
    }
    /// Last revision with this list.
    pub const fn until(mut self, revision: Revision) -> Self {
        self.until = revision;
        self
    }
    /// Only on these architectures.
    pub const fn on(mut self, archs: ArchSet) -> Self {
        self.archs = archs;
        self
    }
    /// Only when the selecting word has this value.
    pub const fn variant(mut self, value: u32) -> Self {
        self.variant = Some(value);
        self
    }
    /// Whether the list holds in `revision` on `arch`, whatever the variant.
    pub const fn applies(&self, revision: Revision, arch: Arch) -> bool {
        revision.within(self.since, self.until) && self.archs.contains(arch)
    }
}

/// A structure with all its field lists.
#[derive(Debug)]
pub struct Struct {
    /// Alignment that an attribute gives it, in bytes; 1 leaves the natural one.
    pub align: u8,
    /// Whether an old-ABI ARM compiler rounds its size up to 4 bytes (no attribute of its own).
    pub oabi_rounds: bool,
    /// The declarations.
    pub lists: &'static [FieldList],
}

impl Struct {
    /// A structure with the attribute `aligned(8)`, as every record has.
    pub const fn aligned(lists: &'static [FieldList]) -> Self {
        Struct {
            align: 8,
            oabi_rounds: false,
            lists,
        }
    }
    /// A structure with the natural alignment of its members.
    pub const fn natural(lists: &'static [FieldList]) -> Self {
        Struct {
            align: 1,
            oabi_rounds: false,
            lists,
        }
    }
    /// As [`Struct::natural`], for C structures of 16-bit members that the old ARM ABI pads.
    pub const fn natural_oabi(lists: &'static [FieldList]) -> Self {
        Struct {
            align: 1,
            oabi_rounds: true,
            lists,
        }
    }
    /// The name by which typed code asks for a field: `"vm_start"`, `"perms.mode"`.
    ///
    /// Meant for `const` items, where a name that no list has stops the build.
    pub const fn id(&self, path: &str) -> FieldId {
        match self.find(path.as_bytes()) {
            Some(id) => id,
            None => panic!("no field of this name"),
        }
    }
    const fn find(&self, path: &[u8]) -> Option<FieldId> {
        let mut ordinal = 0;
        let mut l = 0;
        while l < self.lists.len() {
            let fields = self.lists[l].fields;
            let mut f = 0;
            while f < fields.len() {
                let field = &fields[f];
                let name = field.name.as_bytes();
                // A single nested structure is spliced: its members are what can be asked for.
                let spliced = matches!((field.ty, field.count), (Type::Struct(_), Count::One));
                if equal(name, path) && !spliced {
                    return Some(FieldId {
                        outer: ordinal,
                        inner: FieldId::WHOLE,
                        deep: FieldId::WHOLE,
                    });
                }
                if let Type::Struct(inner) = field.ty {
                    let rest = if field.flat {
                        Some(path)
                    } else {
                        strip(path, name)
                    };
                    if let Some(rest) = rest
                        && let Some(id) = inner.find(rest)
                    {
                        return Some(id.inside(ordinal));
                    }
                }
                ordinal += 1;
                f += 1;
            }
            l += 1;
        }
        None
    }
    /// Ordinal of the first field with this name over all lists; the outer part of its id.
    pub(crate) fn ordinal(&self, name: &str) -> u8 {
        let all = self.lists.iter().flat_map(|list| list.fields);
        (0u8..)
            .zip(all)
            .find(|(_, field)| field.name == name)
            .map_or(u8::MAX, |(i, _)| i)
    }
    /// The list for a revision, architecture and value of the selecting word.
    pub fn list(&self, revision: Revision, arch: Arch, variant: u32) -> Option<&'static FieldList> {
        let here = || {
            self.lists
                .iter()
                .filter(|list| list.applies(revision, arch))
        };
        here()
            .find(|list| list.variant == Some(variant))
            .or_else(|| here().find(|list| list.variant.is_none()))
    }
}

/// A record: its table, and how its structure is chosen where there are several.
#[derive(Debug)]
pub struct Record {
    /// What it is.
    pub tag: Tag,
    /// Section of the specification.
    pub spec: &'static str,
    /// Its structure, without the header.
    pub body: Struct,
    /// Offset of the 32-bit word whose value selects among the variants.
    pub selector: Option<u8>,
    /// The record is a header and free-form bytes, not a C structure (§1.3).
    pub payload: bool,
}

impl Record {
    /// A record with one structure per revision and architecture.
    pub const fn new(tag: Tag, spec: &'static str, body: Struct) -> Self {
        Record {
            tag,
            spec,
            body,
            selector: None,
            payload: false,
        }
    }
    /// A record whose structure depends on a word of it.
    pub const fn selected_at(mut self, offset: u8) -> Self {
        self.selector = Some(offset);
        self
    }
    /// A payload record.
    pub const fn payload(mut self) -> Self {
        self.payload = true;
        self
    }
    /// See [`Struct::id`].
    pub const fn id(&self, path: &str) -> FieldId {
        self.body.id(path)
    }
}

/// Names a field of a structure for typed access; made by [`Struct::id`] at compile time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldId {
    pub(crate) outer: u8,
    pub(crate) inner: u8,
    pub(crate) deep: u8,
}

impl FieldId {
    /// `inner` of a field that is not a member of a nested structure, `deep` of one that is not a
    /// member of a member.
    pub(crate) const WHOLE: u8 = u8::MAX;

    /// The id of this field as a member of the field `outer`.
    pub(crate) const fn inside(self, outer: u8) -> FieldId {
        assert!(
            self.deep == FieldId::WHOLE,
            "structures nest three deep at most"
        );
        FieldId {
            outer,
            inner: self.outer,
            deep: self.inner,
        }
    }
}

/// A name of an enumeration, present in a range of revisions.
#[derive(Clone, Copy, Debug)]
pub struct Name {
    /// The name, without the common C prefix.
    pub name: &'static str,
    /// One line of documentation.
    pub doc: &'static str,
    /// First revision.
    pub since: Revision,
    /// Last revision.
    pub until: Revision,
    /// Architectures whose header has it.
    pub archs: ArchSet,
}

impl Name {
    /// A name that every revision has.
    pub const fn new(name: &'static str, doc: &'static str) -> Self {
        Name {
            name,
            doc,
            since: Revision::FIRST,
            until: Revision::LAST,
            archs: ArchSet::ALL,
        }
    }
    /// First revision with the name.
    pub const fn since(mut self, revision: Revision) -> Self {
        self.since = revision;
        self
    }
    /// Last revision with the name.
    pub const fn until(mut self, revision: Revision) -> Self {
        self.until = revision;
        self
    }
    /// Only on these architectures.
    pub const fn on(mut self, archs: ArchSet) -> Self {
        self.archs = archs;
        self
    }
}

/// A run of an enumeration: C counts on from `start`.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// Number of the first name that is present.
    pub start: u32,
    /// First revision with this run.
    pub since: Revision,
    /// Last revision with this run.
    pub until: Revision,
    /// The names in C order; absent ones take no number.
    pub names: &'static [Name],
}

impl Run {
    /// A run that every revision has.
    pub const fn new(start: u32, names: &'static [Name]) -> Self {
        Run {
            start,
            since: Revision::FIRST,
            until: Revision::LAST,
            names,
        }
    }
    /// First revision with the run.
    pub const fn since(mut self, revision: Revision) -> Self {
        self.since = revision;
        self
    }
    /// Last revision with the run.
    pub const fn until(mut self, revision: Revision) -> Self {
        self.until = revision;
        self
    }
}

/// A counted enumeration: numbers follow from the order of the names, as in C.
#[derive(Debug)]
pub struct Enum {
    /// What the enumeration is called in reports.
    pub name: &'static str,
    /// The runs.
    pub runs: &'static [Run],
}

impl Enum {
    /// Numbers and names in a revision on an architecture.
    pub fn entries(
        &self,
        revision: Revision,
        arch: Arch,
    ) -> impl Iterator<Item = (u32, &'static Name)> {
        let runs = self
            .runs
            .iter()
            .filter(move |run| revision.within(run.since, run.until));
        runs.flat_map(move |run| {
            let present = move |name: &&Name| {
                revision.within(name.since, name.until) && name.archs.contains(arch)
            };
            (run.start..=u32::MAX).zip(run.names.iter().filter(present))
        })
    }
    /// The name of a number.
    pub fn name_of(&self, number: u32, revision: Revision, arch: Arch) -> Option<&'static Name> {
        self.entries(revision, arch)
            .find(|(n, _)| *n == number)
            .map(|(_, name)| name)
    }
    /// The number of a name.
    pub fn number_of(&self, name: &str, revision: Revision, arch: Arch) -> Option<u32> {
        self.entries(revision, arch)
            .find(|(_, n)| n.name == name)
            .map(|(number, _)| number)
    }
}

/// One named bit, or a named value of a group of bits.
#[derive(Clone, Copy, Debug)]
pub struct Bit {
    /// The bits that are looked at.
    pub mask: u64,
    /// The value they must have.
    pub value: u64,
    /// The name.
    pub name: &'static str,
}

impl Bit {
    /// A single bit, or a group that counts when all of it is set.
    pub const fn new(mask: u64, name: &'static str) -> Self {
        Bit {
            mask,
            value: mask,
            name,
        }
    }
    /// A value of a group of bits.
    pub const fn field(mask: u64, value: u64, name: &'static str) -> Self {
        Bit { mask, value, name }
    }
}

/// A set of named bits.
#[derive(Debug)]
pub struct Flags {
    /// What the set is called in reports.
    pub name: &'static str,
    /// The bits as most architectures have them.
    pub bits: &'static [Bit],
    /// Architectures that number some bits otherwise; these entries come first.
    pub special: &'static [(ArchSet, &'static [Bit])],
}

impl Flags {
    /// A set that is the same on every architecture.
    pub const fn new(name: &'static str, bits: &'static [Bit]) -> Self {
        Flags {
            name,
            bits,
            special: &[],
        }
    }
    /// Names of the bits of `value`, and what is left without a name.
    pub fn names(&self, value: u64, arch: Arch) -> (Vec<&'static str>, u64) {
        let special = self
            .special
            .iter()
            .filter(|(archs, _)| archs.contains(arch));
        let mut rest = value;
        let mut names = Vec::with_capacity(16);
        let mut seen = 0u64;
        for bit in special.flat_map(|(_, bits)| bits.iter()).chain(self.bits) {
            if seen & bit.mask == 0 && value & bit.mask == bit.value {
                names.push(bit.name);
                seen |= bit.mask;
                rest &= !bit.mask;
            }
        }
        (names, rest)
    }
}

/// Compares two names in constant evaluation.
pub(crate) const fn same(a: &str, b: &str) -> bool {
    equal(a.as_bytes(), b.as_bytes())
}

const fn equal(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}

/// `path` without `head.` in front.
const fn strip<'a>(path: &'a [u8], head: &[u8]) -> Option<&'a [u8]> {
    if path.len() <= head.len() || path[head.len()] != b'.' {
        return None;
    }
    let (front, rest) = path.split_at(head.len());
    if !equal(front, head) {
        return None;
    }
    Some(rest.split_at(1).1)
}
