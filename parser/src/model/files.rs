//! The open files of an image (§3.4): millions of small rows, and the text of their paths.

use super::objects::{narrow, widen};
use super::{FileKind, Numbered, ObjRef, RecordAt};
use crate::packed::{Field, Pack, Reader, Writer};
use std::fmt;

/// An open file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct File<'a> {
    /// The FILE record.
    pub record: RecordAt,
    /// What it is.
    pub kind: FileKind,
    /// FMODE bits.
    pub mode: u32,
    /// Open flags.
    pub flags: u32,
    /// Position in bytes.
    pub pos: u64,
    /// Credentials of the opener.
    pub cred: ObjRef,
    /// Label.
    pub label: ObjRef,
    /// Path seen from the root of the root task.
    pub path: Option<&'a [u8]>,
}

/// FMODE bits: open for reading, for writing.
pub(super) const READS: u32 = 1;
pub(super) const WRITES: u32 = 2;

impl File<'_> {
    /// Open for reading.
    pub fn reads(&self) -> bool {
        self.mode & READS != 0
    }
    /// Open for writing.
    pub fn writes(&self) -> bool {
        self.mode & WRITES != 0
    }
}

/// Open files by their number.
#[derive(Clone, Default)]
pub struct Files {
    rows: Numbered<Row>,
    /// Text of all paths.
    paths: Vec<u8>,
}

impl Files {
    /// Number of files.
    pub fn len(&self) -> usize {
        self.rows.len()
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
    /// Numbers of the files, in ascending order.
    pub fn numbers(&self) -> &[ObjRef] {
        self.rows.numbers()
    }
    /// The file of a number.
    pub fn get(&self, number: ObjRef) -> Option<File<'_>> {
        self.rows.get(number).map(|row| self.file(row))
    }
    /// Numbers and files, in ascending order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (ObjRef, File<'_>)> {
        let rows = self.rows.iter();
        rows.map(|(number, row)| (number, self.file(row)))
    }
    /// Bytes that the files take, without the text of their paths.
    pub fn bytes(&self) -> usize {
        self.rows.bytes()
    }

    pub(super) fn insert(&mut self, number: ObjRef, file: File<'static>) {
        // The row is packed when the next one comes; a path that is yet to be read starts here.
        let (path_at, path_len) = (self.paths.len() as u64, None);
        let row = Row {
            file,
            path_at,
            path_len,
        };
        self.rows.insert(number, row);
    }
    pub(super) fn set_path(&mut self, number: ObjRef, path: &[u8]) {
        let (at, paths) = (self.paths.len() as u64, &mut self.paths);
        self.rows.change(number, |row| {
            paths.extend_from_slice(path);
            row.path_at = at;
            row.path_len = u32::try_from(path.len()).ok();
        });
    }
    pub(super) fn settle(&mut self) {
        self.rows.settle();
        self.paths.shrink_to_fit();
    }

    fn file(&self, row: Row) -> File<'_> {
        File {
            path: row.path_len.and_then(|len| {
                let at = usize::try_from(row.path_at).ok()?;
                self.paths.get(at..)?.get(..len as usize)
            }),
            ..row.file
        }
    }
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// A file and where its path is among the paths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Row {
    file: File<'static>,
    path_at: u64,
    path_len: Option<u32>,
}

impl Row {
    /// Changes the kind by its number, object, count and flags.
    fn kind(&mut self, change: impl FnOnce(&mut (u32, ObjRef, u64, u32))) {
        let kind = self.file.kind;
        let (count, flags) = kind.counter();
        let mut parts = (kind.number(), kind.object(), count, flags);
        change(&mut parts);
        self.file.kind = FileKind::from_number(parts.0, parts.1, parts.2, parts.3);
    }
    /// What the row behind this one is likely to be: the same, with the next path.
    fn next(&self, record: RecordAt) -> Row {
        let len = self.path_len.unwrap_or(0);
        let path_at = self.path_at.wrapping_add(len.into());
        let file = File {
            record,
            ..self.file
        };
        Row {
            file,
            path_at,
            ..*self
        }
    }
}

/// Files are opened alike, and their paths stand one behind the other.
impl Pack for Row {
    const BLOCK: usize = 16;

    fn pack(&self, before: &Self, to: &mut Writer) {
        self.file.record.pack(&before.file.record, to);
        to.changes(self, &before.next(self.file.record), &FIELDS);
    }
    fn unpack(before: &Self, from: &mut Reader) -> Self {
        let record = RecordAt::unpack(&before.file.record, from);
        from.changes(before.next(record), &FIELDS)
    }
}

/// Fields of which only those are packed that are not what is likely; the more changing ones first.
const FIELDS: [Field<Row>; 11] = [
    (
        |row| row.path_len.map_or(0, |len| u64::from(len).wrapping_add(1)),
        |row, value| row.path_len = value.checked_sub(1).map(narrow),
    ),
    (|row| row.file.pos, |row, value| row.file.pos = value),
    (
        |row| row.file.flags.into(),
        |row, value| row.file.flags = narrow(value),
    ),
    (
        |row| row.file.mode.into(),
        |row, value| row.file.mode = narrow(value),
    ),
    (
        |row| row.file.kind.number().into(),
        |row, value| row.kind(|parts| parts.0 = narrow(value)),
    ),
    (
        |row| widen(row.file.kind.object()),
        |row, value| row.kind(|parts| parts.1 = narrow(value).cast_signed()),
    ),
    (
        |row| widen(row.file.cred),
        |row, value| row.file.cred = narrow(value).cast_signed(),
    ),
    (
        |row| widen(row.file.label),
        |row, value| row.file.label = narrow(value).cast_signed(),
    ),
    (
        |row| row.file.kind.counter().0,
        |row, value| row.kind(|parts| parts.2 = value),
    ),
    (
        |row| row.file.kind.counter().1.into(),
        |row, value| row.kind(|parts| parts.3 = narrow(value)),
    ),
    (|row| row.path_at, |row, value| row.path_at = value),
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn any_file() -> impl Strategy<Value = File<'static>> {
        let small = (any::<u32>(), any::<u32>(), any::<i32>(), any::<i32>());
        let kind = (0u32..12, any::<i32>(), any::<u64>(), any::<u32>());
        let places = (any::<[u64; 2]>(), any::<u64>());
        (small, kind, places).prop_map(|((mode, flags, cred, label), kind, places)| {
            let ([offset, index], pos) = places;
            File {
                record: RecordAt { offset, index },
                kind: FileKind::from_number(kind.0, kind.1, kind.2, kind.3),
                mode,
                flags,
                pos,
                cred,
                label,
                path: None,
            }
        })
    }

    proptest! {
        #[test]
        fn files_in_any_order_come_back_with_their_paths(
            files in prop::collection::vec((0i32..99, any_file(), prop::option::of(".{0,9}")), 0..90),
        ) {
            let (mut map, mut packed) = (BTreeMap::new(), Files::default());
            for (number, file, path) in &files {
                let path = path.as_ref().map(String::as_bytes);
                map.insert(*number, File { path, ..*file });
                packed.insert(*number, *file);
                if let Some(path) = path {
                    packed.set_path(*number, path);
                }
                prop_assert_eq!(packed.get(*number), map.get(number).copied());
            }
            packed.settle();
            prop_assert_eq!((packed.len(), packed.is_empty()), (map.len(), map.is_empty()));
            prop_assert_eq!(format!("{packed:?}"), format!("{map:?}"));
            prop_assert_eq!(packed.iter().collect::<BTreeMap<_, _>>(), map);
        }
    }

    /// An image may have millions.
    #[test]
    fn files_with_paths_take_a_few_bytes_each() {
        let mut files = Files::default();
        for number in 1..=1000u32 {
            let record = RecordAt {
                offset: u64::from(number) * 100,
                index: u64::from(number) * 4,
            };
            let number = number.cast_signed();
            files.insert(
                number,
                File {
                    record,
                    ..File::default()
                },
            );
            files.set_path(number, b"/one/of/many");
        }
        files.settle();
        assert!((4000..8500).contains(&files.bytes()), "{}", files.bytes());
    }
}
