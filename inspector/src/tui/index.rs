//! Where every record is, in seven bytes each, and which of them an outline with folds shows.
//!
//! Records come in chunks that never change once they are full, so the thread that reads the image
//! and the one that draws share them without locks. Scanning four million depths to find a row
//! would take too long for a key press; each chunk therefore remembers how many rows lie before it
//! and whether it starts inside a closed node.

use ckpt_format::Tag;
use ckpt_parser::decoder::Event;
use ckpt_parser::grammar::Role;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Records in a full chunk.
pub const CHUNK: usize = 4096;

/// What roles a record can have, by the number that an [`Entry`] keeps.
const ROLES: [Role; 31] = [
    Role::Plain,
    Role::Gap,
    Role::Stray,
    Role::Release,
    Role::Version,
    Role::Machine,
    Role::LsmName,
    Role::Pids,
    Role::TaskPids,
    Role::Vpids,
    Role::Comm,
    Role::Auxv,
    Role::Pages { count: 0 },
    Role::HugePage,
    Role::Path,
    Role::Cwd,
    Role::Root,
    Role::TtyInput,
    Role::EpollItems,
    Role::MsgText,
    Role::SemValues,
    Role::SemAdjust,
    Role::SkbData,
    Role::Label,
    Role::SocketDirectory,
    Role::DeviceName,
    Role::ErrorText,
    Role::SharedPending,
    Role::PrivatePending,
    Role::ForeignName,
    Role::ForeignData,
];

/// One record of the index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    offset: u64,
    kind: Kind,
    /// Nesting in the outline.
    pub depth: u8,
}

/// What a record is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Kind {
    /// Position in [`Tag::ALL`] plus one; 0 for none.
    tag: u8,
    /// Position in [`ROLES`].
    role: u8,
}

/// Up to [`CHUNK`] records, by column: the outline scans depths alone.
#[derive(Debug, Default)]
pub struct Chunk {
    offsets: Offsets,
    kinds: Box<[Kind]>,
    depths: Box<[u8]>,
    /// The least and the greatest of them.
    range: (u8, u8),
}

/// Offsets of the records of a chunk.
#[derive(Debug)]
enum Offsets {
    /// From that of the first one on.
    Near(u64, Box<[u32]>),
    /// The chunk covers more than 4 GiB.
    Far(Box<[u64]>),
}

impl Default for Offsets {
    fn default() -> Self {
        Offsets::Near(0, Box::default())
    }
}

impl Offsets {
    fn of(entries: &[Entry]) -> Offsets {
        let base = entries.first().map_or(0, |entry| entry.offset);
        let near = |entry: &Entry| u32::try_from(entry.offset.checked_sub(base)?).ok();
        match entries.iter().map(near).collect() {
            Some(near) => Offsets::Near(base, near),
            None => Offsets::Far(entries.iter().map(|entry| entry.offset).collect()),
        }
    }
    fn get(&self, at: usize) -> Option<u64> {
        match self {
            Offsets::Near(base, near) => Some(base + u64::from(*near.get(at)?)),
            Offsets::Far(far) => far.get(at).copied(),
        }
    }
    /// How many are not above an offset.
    fn up_to(&self, offset: u64) -> usize {
        match self {
            Offsets::Near(base, near) => near.partition_point(|n| base + u64::from(*n) <= offset),
            Offsets::Far(far) => far.partition_point(|n| *n <= offset),
        }
    }
    fn bytes(&self) -> usize {
        match self {
            Offsets::Near(_, near) => size_of_val(&**near),
            Offsets::Far(far) => size_of_val(&**far),
        }
    }
}

impl Chunk {
    /// The columns of these records.
    pub fn of(entries: &[Entry]) -> Chunk {
        Chunk {
            offsets: Offsets::of(entries),
            kinds: entries.iter().map(|entry| entry.kind).collect(),
            depths: entries.iter().map(|entry| entry.depth).collect(),
            range: entries.iter().fold((u8::MAX, 0), |(least, most), entry| {
                (least.min(entry.depth), most.max(entry.depth))
            }),
        }
    }
    fn len(&self) -> usize {
        self.depths.len()
    }
    fn get(&self, at: usize) -> Option<Entry> {
        Some(Entry {
            offset: self.offsets.get(at)?,
            kind: *self.kinds.get(at)?,
            depth: *self.depths.get(at)?,
        })
    }
    fn bytes(&self) -> usize {
        self.offsets.bytes() + size_of_val(&*self.kinds) + size_of_val(&*self.depths)
    }
}

impl Entry {
    /// The entry of a record.
    pub fn of(event: &Event) -> Entry {
        let role = ROLES
            .iter()
            .position(|role| role.name() == event.role().name());
        Entry {
            offset: event.frame.offset,
            kind: Kind {
                tag: event.tag.map_or(0, |tag| tag as u8 + 1),
                role: role.and_then(|at| u8::try_from(at).ok()).unwrap_or(0),
            },
            depth: u8::try_from(event.place.depth)
                .unwrap_or(DEEPEST)
                .min(DEEPEST),
        }
    }
    /// Offset of the record in the image.
    pub fn offset(self) -> u64 {
        self.offset
    }
    /// Type of the record; `None` for gaps and unknown types.
    pub fn tag(self) -> Option<Tag> {
        self.kind.tag()
    }
    /// What the record is in its place; page counts are zero.
    pub fn role(self) -> Role {
        self.kind.role()
    }
    /// Name of the record, and its role if it has one.
    pub fn title(self) -> String {
        self.kind.title()
    }
}

impl Kind {
    fn tag(self) -> Option<Tag> {
        Tag::ALL.get(usize::from(self.tag).checked_sub(1)?).copied()
    }
    fn role(self) -> Role {
        ROLES
            .get(usize::from(self.role))
            .copied()
            .unwrap_or(Role::Plain)
    }
    fn title(self) -> String {
        let name = match (self.tag(), self.role()) {
            (_, Role::Gap) => return "gap".to_owned(),
            (Some(tag), _) => tag.name(),
            (None, _) => "unknown",
        };
        match self.role().name() {
            "" => name.to_owned(),
            role => format!("{name} {role}"),
        }
    }
}

/// Deepest nesting that is told apart; one less than "nothing is hidden".
const DEEPEST: u8 = u8::MAX - 1;
/// Depth below which nothing is hidden.
const NOTHING: u8 = u8::MAX;

/// State of the outline before the first record of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Before {
    rows: u64,
    /// Depth of the closed node that the chunk starts in.
    hidden: u8,
}

/// The index and the folds of its outline.
#[derive(Clone, Debug, Default)]
pub struct Index {
    chunks: Vec<Arc<Chunk>>,
    before: Vec<Before>,
    end: u64,
    rows: u64,
    level: u8,
    toggled: BTreeSet<u64>,
    filter: Option<String>,
    /// For each tag and role whether the filter lets it pass; empty without one.
    wanted: Vec<bool>,
}

impl Index {
    /// Nothing yet; nodes above `level` are open.
    pub fn new(level: u8) -> Index {
        Index {
            level,
            ..Index::default()
        }
    }
    /// Number of records.
    pub fn len(&self) -> u64 {
        let last = self.chunks.last().map_or(0, |chunk| chunk.len());
        (self.chunks.len().saturating_sub(1) * CHUNK + last) as u64
    }
    /// Whether there is no record yet.
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }
    /// Number of rows of the outline.
    pub fn rows(&self) -> u64 {
        self.rows
    }
    /// Bytes that the index holds.
    pub fn bytes(&self) -> usize {
        let chunks: usize = self.chunks.iter().map(|chunk| chunk.bytes()).sum();
        chunks + self.before.len() * size_of::<Before>()
    }
    /// Puts a chunk in its place: the next one, or a fuller version of the last one. `end` is the
    /// offset behind its last record.
    pub fn put(&mut self, number: usize, chunk: Arc<Chunk>, end: u64) {
        if number > self.chunks.len() {
            return;
        }
        self.chunks.truncate(number);
        self.chunks.push(chunk);
        self.end = end;
        self.recount(number);
    }
    /// A record.
    pub fn get(&self, record: u64) -> Option<Entry> {
        let at = usize::try_from(record).ok()?;
        self.chunks.get(at / CHUNK)?.get(at % CHUNK)
    }
    /// Offset behind a record.
    pub fn end_of(&self, record: u64) -> u64 {
        self.get(record + 1).map_or(self.end, Entry::offset)
    }
    /// The record that holds an offset.
    pub fn record_at(&self, offset: u64) -> Option<u64> {
        if offset >= self.end {
            return None;
        }
        let before = |chunk: &Arc<Chunk>| chunk.offsets.get(0).is_some_and(|at| at <= offset);
        let chunk = self.chunks.partition_point(before).checked_sub(1)?;
        let inside = self.chunks.get(chunk)?.offsets.up_to(offset);
        Some((chunk * CHUNK + inside.checked_sub(1)?) as u64)
    }
    /// The node that a record is in.
    pub fn parent(&self, record: u64) -> Option<u64> {
        let depth = self.get(record)?.depth;
        let last = usize::try_from(record).ok()? / CHUNK;
        for number in (0..=last).rev() {
            let chunk = self.chunks.get(number)?;
            if chunk.range.0 >= depth {
                continue;
            }
            let first = (number * CHUNK) as u64;
            let before = &chunk.depths[..chunk.len().min((record - first) as usize)];
            if let Some(at) = before.iter().rposition(|above| *above < depth) {
                return Some(first + at as u64);
            }
        }
        None
    }
    /// Whether a record has records below it.
    pub fn is_node(&self, record: u64) -> bool {
        match (self.get(record), self.get(record + 1)) {
            (Some(this), Some(next)) => next.depth > this.depth,
            _ => false,
        }
    }
    /// Whether the records below a node are shown.
    pub fn is_open(&self, record: u64) -> bool {
        let depth = self.get(record).map_or(0, |e| e.depth);
        (depth < self.level) != self.toggled.contains(&record)
    }
    /// Opens or closes a node.
    pub fn set_open(&mut self, record: u64, open: bool) {
        if self.is_open(record) == open {
            return;
        }
        if !self.toggled.remove(&record) {
            self.toggled.insert(record);
        }
        self.recount(record as usize / CHUNK);
    }
    /// Opens all nodes, or closes those at `level` and below.
    pub fn set_level(&mut self, level: u8) {
        self.level = level;
        self.toggled.clear();
        self.before.clear();
        self.recount(0);
    }
    /// The level from which nodes are closed.
    pub fn level(&self) -> u8 {
        self.level
    }
    /// Opens everything above a record, so that it is shown.
    pub fn reveal(&mut self, record: u64) {
        let mut at = record;
        while let Some(parent) = self.parent(at) {
            self.set_open(parent, true);
            at = parent;
        }
    }
    /// Shows only records whose title contains a word, as a flat list.
    pub fn set_filter(&mut self, filter: Option<String>) {
        self.filter = filter
            .map(|text| text.to_lowercase())
            .filter(|text| !text.is_empty());
        self.wanted = self.wanted_by_filter();
        self.before.clear();
        self.recount(0);
    }
    /// The word that titles have to contain.
    pub fn filter(&self) -> Option<&str> {
        self.filter.as_deref()
    }

    /// Counts rows again from a chunk on, in which a node was opened or closed. Chunks behind it
    /// only shift, unless what is hidden at their start has changed.
    fn recount(&mut self, from: usize) {
        let mut at = match from.checked_sub(1).and_then(|i| self.before.get(i)) {
            Some(before) if from > 0 => self.scan(from - 1, *before, |_, _| true),
            _ => Before {
                rows: 0,
                hidden: NOTHING,
            },
        };
        let same_len = self.before.len() == self.chunks.len();
        for chunk in from..self.chunks.len() {
            let old = self.before.get(chunk).copied();
            if let (true, Some(old), true) = (same_len, old, chunk > from)
                && old.hidden == at.hidden
            {
                self.shift(chunk, at.rows.wrapping_sub(old.rows));
                return;
            }
            self.before.truncate(self.before.len().max(chunk));
            match self.before.get_mut(chunk) {
                Some(place) => *place = at,
                None => self.before.push(at),
            }
            at = self.scan(chunk, at, |_, _| true);
        }
        self.before.truncate(self.chunks.len());
        self.rows = at.rows;
    }

    fn shift(&mut self, from: usize, by: u64) {
        for before in self.before.iter_mut().skip(from) {
            before.rows = before.rows.wrapping_add(by);
        }
        self.rows = self.rows.wrapping_add(by);
    }

    fn wanted_by_filter(&self) -> Vec<bool> {
        let Some(filter) = &self.filter else {
            return Vec::new();
        };
        let mut table = Vec::with_capacity(256 * 32);
        for tag in 0..=u8::MAX {
            for role in 0..32 {
                let title = Kind { tag, role }.title();
                table.push(title.to_lowercase().contains(filter));
            }
        }
        table
    }

    /// Walks a chunk. `visit` is told each shown record and its row; it says whether to go on.
    fn scan(
        &self,
        number: usize,
        mut at: Before,
        mut visit: impl FnMut(u64, u64) -> bool,
    ) -> Before {
        let first = (number * CHUNK) as u64;
        let Some(chunk) = self.chunks.get(number) else {
            return at;
        };
        let mut toggled = self.toggled.range(first..first + CHUNK as u64).peekable();
        if at.hidden < chunk.range.0 && self.wanted.is_empty() {
            return at;
        }
        for ((record, depth), kind) in (first..).zip(&chunk.depths).zip(&chunk.kinds) {
            let depth = *depth;
            let flipped = toggled.next_if(|i| **i == record).is_some();
            let shown = if self.wanted.is_empty() {
                let shown = depth <= at.hidden;
                if shown {
                    let open = (depth < self.level) != flipped;
                    at.hidden = if open { NOTHING } else { depth };
                }
                shown
            } else {
                self.wanted
                    .get(usize::from(kind.tag) * 32 + usize::from(kind.role))
                    .is_some_and(|yes| *yes)
            };
            if shown {
                if !visit(record, at.rows) {
                    return at;
                }
                at.rows += 1;
            }
        }
        at
    }

    /// The record in a row.
    pub fn at_row(&self, row: u64) -> Option<u64> {
        self.window(row, 1).first().copied()
    }
    /// The records in up to `count` rows from `row` on.
    pub fn window(&self, row: u64, count: usize) -> Vec<u64> {
        let mut found = Vec::with_capacity(count);
        let after = self.before.partition_point(|before| before.rows <= row);
        let mut number = after.saturating_sub(1);
        while let (true, Some(before)) = (found.len() < count, self.before.get(number)) {
            self.scan(number, *before, |record, at| {
                if at >= row {
                    found.push(record);
                }
                found.len() < count
            });
            number += 1;
        }
        found
    }
    /// The row of a record, or of the last shown record before it.
    pub fn row_of(&self, record: u64) -> u64 {
        let number = record as usize / CHUNK;
        let Some(before) = self.before.get(number) else {
            return self.rows.saturating_sub(1);
        };
        let mut row = before.rows.saturating_sub(1);
        self.scan(number, *before, |at, here| {
            if at <= record {
                row = here;
            }
            at < record
        });
        row
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(depths: &[u8]) -> Index {
        let mut index = Index::new(NOTHING);
        let entries: Vec<Entry> = (0..)
            .zip(depths)
            .map(|(i, depth)| Entry {
                offset: i * 10,
                depth: *depth,
                ..Entry::default()
            })
            .collect();
        for (number, chunk) in entries.chunks(CHUNK).enumerate() {
            index.put(
                number,
                Arc::new(Chunk::of(chunk)),
                ((number * CHUNK + chunk.len()) * 10) as u64,
            );
        }
        index
    }

    #[test]
    fn folding_hides_what_is_below() {
        let mut index = index(&[0, 1, 2, 2, 1, 0]);
        assert_eq!(index.rows(), 6);
        index.set_open(1, false);
        assert_eq!(index.window(0, 9), [0, 1, 4, 5]);
        assert_eq!(index.row_of(3), 1);
        index.set_open(0, false);
        assert_eq!(index.window(0, 9), [0, 5]);
        index.reveal(3);
        assert_eq!(index.window(0, 9), [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn a_parent_is_found_over_many_chunks() {
        let mut depths = vec![2; 3 * CHUNK];
        (depths[0], depths[1], depths[CHUNK + 5]) = (0, 1, 1);
        let index = index(&depths);
        let last = depths.len() as u64 - 1;
        assert_eq!(index.parent(last), Some(CHUNK as u64 + 5));
        assert_eq!(index.parent(CHUNK as u64 + 5), Some(0));
        assert_eq!(index.parent(CHUNK as u64), Some(1));
        assert_eq!(index.parent(0), None);
    }

    #[test]
    fn counts_agree_with_a_walk_over_many_chunks() {
        let depths: Vec<u8> = (0..3 * CHUNK + 77).map(|i| (i % 7 % 4) as u8).collect();
        let mut index = index(&depths);
        for record in [0, 5, 4097, 8000, 4097, 12_000] {
            index.set_open(record, !index.is_open(record));
            let all = index.window(0, usize::MAX >> 40);
            assert_eq!(all.len() as u64, index.rows(), "after {record}");
            for row in [0, 1, 4000, 9000] {
                let at = index.at_row(row).unwrap();
                assert_eq!(at, all[row as usize]);
                assert_eq!(index.row_of(at), row);
            }
        }
        index.set_level(1);
        assert!(
            index
                .window(0, 50_000)
                .iter()
                .all(|i| depths[*i as usize] < 2)
        );
    }

    #[test]
    fn a_chunk_may_cover_more_than_four_gibibytes() {
        let entries = [5, 1 << 31, 1 << 33, (1 << 33) + 9].map(|offset| Entry {
            offset,
            ..Entry::default()
        });
        let mut index = Index::new(NOTHING);
        index.put(0, Arc::new(Chunk::of(&entries)), 1 << 40);
        assert_eq!(
            (0..4).map(|i| index.get(i).unwrap()).collect::<Vec<_>>(),
            entries
        );
        assert_eq!(index.record_at(4), None);
        assert_eq!(index.record_at((1 << 33) - 1), Some(1));
        assert_eq!(index.record_at(1 << 39), Some(3));
    }

    #[test]
    fn offsets_lead_to_records() {
        let index = index(&[0; 5000]);
        assert_eq!(index.record_at(0), Some(0));
        assert_eq!(index.record_at(49_999), Some(4999));
        assert_eq!(index.record_at(50_000), None);
        assert_eq!(index.end_of(4999), 50_000);
    }
}
