//! Lists of millions of small items, in the few bytes by which each differs from the one before.
//!
//! An image may hold a mapping, or a run of pages, for every few kilobytes of memory. Neighbours are
//! much alike: the next one starts where the last one ends, its contents follow in the file. So an
//! item is kept as its differences from what the one before leads to expect, and every
//! [`Pack::BLOCK`]th stands alone, so that any item is found by looking at a few.

use std::fmt;

/// An item of a [`Packed`] list.
pub trait Pack: Copy + Default {
    /// Items from one that stands alone to the next. Fewer are found faster and take more bytes.
    const BLOCK: usize = 32;
    /// Writes how the item differs from what `before` leads to expect.
    fn pack(&self, before: &Self, to: &mut Writer);
    /// Reads what [`Pack::pack`] wrote.
    fn unpack(before: &Self, from: &mut Reader) -> Self;
}

/// How to get a field of an item as a number, and how to set it.
pub type Field<T> = (fn(&T) -> u64, fn(&mut T, u64));

/// Takes numbers; small ones need few bytes.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// A number: seven bits a byte, the low ones first.
    pub fn number(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.0.push((value & 0x7f) as u8);
    }
    /// How far `value` is from what was expected, in either direction.
    pub fn change(&mut self, value: u64, expected: u64) {
        let by = value.wrapping_sub(expected).cast_signed();
        self.number((by << 1 ^ by >> 63).cast_unsigned());
    }
    /// The same for what mostly moves by whole pages.
    pub fn pages(&mut self, value: u64, expected: u64) {
        self.change(value.wrapping_sub(expected).rotate_right(PAGE_BITS), 0);
    }
    /// Those of the `fields`, at most 64, that differ from what is `likely`. Few bytes are needed if
    /// the more changing ones come first.
    pub fn changes<T>(&mut self, item: &T, likely: &T, fields: &[Field<T>]) {
        let changed = || {
            let fields = (0u32..).zip(fields);
            fields.filter(|(_, (get, _))| get(item) != get(likely))
        };
        self.number(changed().fold(0, |bits, (bit, _)| bits | 1u64.wrapping_shl(bit)));
        changed().for_each(|(_, (get, _))| self.change(get(item), get(likely)));
    }
}

/// Gives the numbers back, in the same order.
#[derive(Clone, Copy)]
pub struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    /// See [`Writer::number`].
    pub fn number(&mut self) -> u64 {
        let mut value = 0;
        let mut shift = 0;
        while let [byte, rest @ ..] = self.0 {
            self.0 = rest;
            value |= u64::from(byte & 0x7f).unbounded_shl(shift);
            if *byte < 0x80 {
                break;
            }
            shift = shift.saturating_add(7);
        }
        value
    }
    /// See [`Writer::change`].
    pub fn change(&mut self, expected: u64) -> u64 {
        let zigzag = self.number();
        let by = zigzag >> 1 ^ (zigzag & 1).wrapping_neg();
        expected.wrapping_add(by)
    }
    /// See [`Writer::pages`].
    pub fn pages(&mut self, expected: u64) -> u64 {
        expected.wrapping_add(self.change(0).rotate_left(PAGE_BITS))
    }
    /// See [`Writer::changes`].
    pub fn changes<T: Copy>(&mut self, likely: T, fields: &[Field<T>]) -> T {
        let mut item = likely;
        let mut changed = self.number();
        while changed != 0 {
            if let Some((get, set)) = fields.get(changed.trailing_zeros() as usize) {
                set(&mut item, self.change(get(&likely)));
            }
            changed &= changed.wrapping_sub(1);
        }
        item
    }
}

/// Pages have this many bits of offset at least.
const PAGE_BITS: u32 = 12;

/// A list of items that are kept packed. Items are given out by value.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Packed<T> {
    bytes: Writer,
    /// Where each block starts.
    blocks: Vec<usize>,
    /// Items in the blocks.
    stored: usize,
    /// The last of them.
    before: T,
    /// The last item of the list, which may still change.
    last: Option<T>,
}

impl<T: Pack> Packed<T> {
    /// Adds an item.
    pub fn push(&mut self, item: T) {
        let Some(done) = self.last.replace(item) else {
            return;
        };
        if self.stored.is_multiple_of(T::BLOCK) {
            self.blocks.push(self.bytes.0.len());
            self.before = T::default();
        }
        done.pack(&self.before, &mut self.bytes);
        self.before = done;
        self.stored = self.stored.saturating_add(1);
    }
    /// Gives back what was held for items to come.
    pub fn shrink(&mut self) {
        self.bytes.0.shrink_to_fit();
        self.blocks.shrink_to_fit();
    }
    /// Number of items.
    pub fn len(&self) -> usize {
        self.stored.saturating_add(usize::from(self.last.is_some()))
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.last.is_none()
    }
    /// Bytes that the list takes.
    pub fn bytes(&self) -> usize {
        let blocks = self.blocks.len().saturating_mul(size_of::<usize>());
        self.bytes.0.len().saturating_add(blocks)
    }
    /// The last item, to change.
    pub fn last_mut(&mut self) -> Option<&mut T> {
        self.last.as_mut()
    }
    /// The first item.
    pub fn first(&self) -> Option<T> {
        self.get(0)
    }
    /// The last item.
    pub fn last(&self) -> Option<T> {
        self.last
    }
    /// An item.
    pub fn get(&self, at: usize) -> Option<T> {
        self.slice(at, at.saturating_add(1)).iter().next()
    }
    /// All items in order.
    pub fn iter(&self) -> Iter<'_, T> {
        self.all().iter()
    }
    /// All of it.
    pub fn all(&self) -> Slice<'_, T> {
        self.slice(0, self.len())
    }
    /// Items `from` to `to`, exclusive, as far as they exist.
    pub fn slice(&self, from: usize, to: usize) -> Slice<'_, T> {
        let to = to.min(self.len());
        Slice {
            list: Some(self),
            from: from.min(to),
            to,
        }
    }
    /// Number of items at the start for which `holds`, in a list that has all of those first.
    pub fn partition_point(&self, holds: impl Fn(&T) -> bool) -> usize {
        self.all().partition_point(holds)
    }

    /// An item that stands alone.
    fn head(&self, block: usize) -> Option<T> {
        let bytes = self.bytes.0.get(*self.blocks.get(block)?..)?;
        Some(T::unpack(&T::default(), &mut Reader(bytes)))
    }
}

impl<T: fmt::Debug + Pack> fmt::Debug for Packed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

impl<T: Pack> Extend<T> for Packed<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        items.into_iter().for_each(|item| self.push(item));
    }
}

impl<T: Pack> FromIterator<T> for Packed<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut list = Packed::default();
        list.extend(items);
        list
    }
}

impl<'a, T: Pack> IntoIterator for &'a Packed<T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;
    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

/// Some of the items of a [`Packed`] list.
#[derive(Clone, Copy)]
pub struct Slice<'a, T> {
    list: Option<&'a Packed<T>>,
    from: usize,
    to: usize,
}

impl<T> Default for Slice<'_, T> {
    fn default() -> Self {
        Slice {
            list: None,
            from: 0,
            to: 0,
        }
    }
}

impl<'a, T: Pack> Slice<'a, T> {
    /// The same without the first few.
    pub fn after(&self, count: usize) -> Slice<'a, T> {
        Slice {
            from: self.from.saturating_add(count).min(self.to),
            ..*self
        }
    }
    /// Number of items.
    pub fn len(&self) -> usize {
        self.to.saturating_sub(self.from)
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The items in order.
    pub fn iter(&self) -> Iter<'a, T> {
        let mut items = Iter {
            slice: *self,
            before: T::default(),
            bytes: Reader(&[]),
        };
        items.go_to(self.from);
        items
    }
    /// Number of items at the start for which `holds`, in a list that has all of those first.
    pub fn partition_point(&self, holds: impl Fn(&T) -> bool) -> usize {
        let Some(list) = self.list else {
            return 0;
        };
        // Blocks that start in the slice.
        let (mut low, mut high) = (self.from.div_ceil(T::BLOCK), self.to.div_ceil(T::BLOCK));
        let first = low;
        while low < high {
            let middle = low.midpoint(high);
            if list.head(middle).is_some_and(|head| holds(&head)) {
                low = middle.saturating_add(1);
            } else {
                high = middle;
            }
        }
        let start = if low == first {
            0
        } else {
            let block = low.saturating_sub(1).saturating_mul(T::BLOCK);
            block.saturating_sub(self.from)
        };
        let more = self.after(start).iter().take_while(holds).count();
        start.saturating_add(more)
    }
}

impl<'a, T: Pack> IntoIterator for &Slice<'a, T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;
    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

impl<'a, T: Pack> IntoIterator for Slice<'a, T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;
    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

/// The items of a list, in order.
#[derive(Clone)]
pub struct Iter<'a, T> {
    /// What is left.
    slice: Slice<'a, T>,
    before: T,
    bytes: Reader<'a>,
}

impl<'a, T: Pack> Iter<'a, T> {
    /// Goes on with other items. Takes no time if those are the next ones of the same list.
    pub fn go_on(&mut self, next: Slice<'a, T>) -> &mut Self {
        let same = match (self.slice.list, next.list) {
            (Some(list), Some(other)) => std::ptr::eq(list, other),
            _ => false,
        };
        let ahead = next.from.checked_sub(self.slice.from);
        let ahead = ahead.filter(|ahead| same && *ahead < T::BLOCK);
        self.slice = Slice {
            from: self.slice.from,
            ..next
        };
        match ahead {
            Some(few) => {
                for _ in 0..few {
                    self.step();
                }
            }
            None => self.go_to(next.from),
        }
        self
    }

    fn go_to(&mut self, at: usize) {
        let at = at.min(self.slice.to);
        let block = at.checked_div(T::BLOCK).unwrap_or(0);
        self.slice.from = block.saturating_mul(T::BLOCK);
        if let Some(list) = self.slice.list
            && let Some(start) = list.blocks.get(block)
        {
            self.bytes = Reader(list.bytes.0.get(*start..).unwrap_or_default());
        }
        while self.slice.from < at {
            self.step();
        }
    }

    fn step(&mut self) -> Option<T> {
        let list = self.slice.list?;
        let at = self.slice.from;
        self.slice.from = at.saturating_add(1);
        if at >= list.stored {
            return list.last;
        }
        if at.is_multiple_of(T::BLOCK) {
            self.before = T::default();
        }
        self.before = T::unpack(&self.before, &mut self.bytes);
        Some(self.before)
    }
}

impl<T: Pack> Iterator for Iter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        if self.slice.is_empty() {
            return None;
        }
        self.step()
    }
    fn nth(&mut self, count: usize) -> Option<T> {
        if count >= T::BLOCK {
            self.go_to(self.slice.from.saturating_add(count));
        } else {
            for _ in 0..count {
                self.next()?;
            }
        }
        self.next()
    }
    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.slice.len();
        (left, Some(left))
    }
}

impl<T: Pack> ExactSizeIterator for Iter<'_, T> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Fd, PageRun, RecordAt, Vma, VmaKind};
    use proptest::prelude::*;

    #[test]
    fn numbers_of_every_size_come_back() {
        let numbers =
            (0..64).flat_map(|bit| [0, 1, u64::MAX].map(|by| (1u64 << bit).wrapping_add(by)));
        let numbers: Vec<u64> = numbers.chain([u64::MAX]).collect();
        let mut to = Writer::default();
        for number in &numbers {
            to.number(*number);
            to.change(*number, 77);
            to.pages(*number, 0x5000);
        }
        let mut from = Reader(&to.0);
        for number in &numbers {
            assert_eq!(from.number(), *number);
            assert_eq!(from.change(77), *number);
            assert_eq!(from.pages(0x5000), *number);
        }
    }

    fn any_vma() -> impl Strategy<Value = Vma> {
        let places = (any::<u64>(), any::<u64>(), any::<u64>(), any::<u64>());
        let numbers = (
            any::<u32>(),
            any::<i32>(),
            any::<i32>(),
            any::<u32>(),
            any::<u32>(),
        );
        let more = (any::<u64>(), any::<u64>(), any::<u64>());
        (places, numbers, more).prop_map(|((offset, index, start, end), numbers, more)| Vma {
            record: RecordAt { offset, index },
            start,
            end,
            flags: more.0,
            pgoff: more.1,
            ino_size: more.2,
            kind: VmaKind::from_number(numbers.0 % 12),
            file: numbers.1,
            inode: numbers.2,
            first_run: numbers.3,
            num_runs: numbers.4,
            stored: more.2,
        })
    }

    /// An image may have millions.
    #[test]
    fn mappings_that_touch_take_a_few_bytes_each() {
        const LEN: u64 = 0x100_0000;
        let one = |n: u64| Vma {
            record: RecordAt {
                offset: n * 5000,
                index: n * 4,
            },
            start: 0x1000_0000 + n * LEN,
            end: 0x1000_0000 + (n + 1) * LEN,
            pgoff: n * (LEN >> 12),
            first_run: u32::try_from(n).unwrap(),
            num_runs: 1,
            ..Vma::default()
        };
        let packed: Packed<Vma> = (0..1000).map(one).collect();
        assert!(packed.bytes() < 7000, "{}", packed.bytes());
        assert!(one(0).len() == LEN && !one(0).is_empty() && Vma::default().is_empty());
    }

    fn any_run() -> impl Strategy<Value = PageRun> {
        let page = (0u64..9).prop_map(|n| n << 12);
        prop_oneof![
            (page, 0u64..99_999).prop_map(|(addr, offset)| PageRun {
                addr,
                offset,
                len: 4096
            }),
            any::<[u64; 3]>().prop_map(|[addr, offset, len]| PageRun { addr, offset, len }),
        ]
    }

    proptest! {
        #[test]
        fn any_mappings_come_back(items in prop::collection::vec(any_vma(), 0..80)) {
            let packed: Packed<Vma> = items.iter().copied().collect();
            prop_assert_eq!(packed.iter().collect::<Vec<_>>(), items);
        }

        #[test]
        fn any_descriptors_come_back(
            items in prop::collection::vec(any::<(u64, u64, i32, i32, bool)>(), 0..80),
        ) {
            let fds = items.into_iter().map(|(offset, index, fd, file, close_on_exec)| Fd {
                record: RecordAt { offset, index },
                fd,
                file,
                close_on_exec,
            });
            let fds: Vec<Fd> = fds.collect();
            let packed: Packed<Fd> = fds.iter().copied().collect();
            prop_assert_eq!(packed.iter().collect::<Vec<_>>(), fds);
        }

        #[test]
        fn a_slice_is_that_of_a_vector(
            items in prop::collection::vec(any_run(), 0..150),
            (from, to) in (0usize..160, 0usize..160),
            skip in 0usize..160,
        ) {
            let packed: Packed<PageRun> = items.iter().copied().collect();
            prop_assert_eq!(packed.len(), items.len());
            prop_assert_eq!((packed.first(), packed.last()), (items.first().copied(), items.last().copied()));
            let plain = &items[from.min(to).min(items.len())..to.min(items.len())];
            let slice = packed.slice(from, to);
            prop_assert_eq!(slice.len(), plain.len());
            prop_assert_eq!(slice.iter().collect::<Vec<_>>(), plain);
            prop_assert_eq!(slice.iter().nth(skip), plain.get(skip).copied());
            prop_assert_eq!(slice.after(skip).iter().next(), plain.get(skip).copied());
            let mut moved = packed.iter();
            moved.nth(skip);
            prop_assert_eq!(moved.go_on(slice).collect::<Vec<_>>(), plain);
            prop_assert_eq!(packed.get(skip), items.get(skip).copied());
        }

        #[test]
        fn a_slice_is_divided_where_a_vector_is(
            mut starts in prop::collection::vec(0u64..2000, 0..150),
            (from, to) in (0usize..160, 0usize..160),
            at in 0u64..2010,
        ) {
            starts.sort_unstable();
            let items: Vec<PageRun> =
                starts.iter().map(|n| PageRun { addr: n << 12, offset: n * 3, len: 4096 }).collect();
            let packed: Packed<PageRun> = items.iter().copied().collect();
            let plain = &items[from.min(to).min(items.len())..to.min(items.len())];
            let below = |run: &PageRun| run.addr < at << 12;
            prop_assert_eq!(packed.slice(from, to).partition_point(below), plain.partition_point(below));
            prop_assert_eq!(packed.partition_point(below), items.partition_point(below));
        }
    }

    fn runs(count: u64) -> Packed<PageRun> {
        let run = |n| PageRun {
            addr: n << 13,
            offset: n * 4196,
            len: 4096,
        };
        (0..count).map(run).collect()
    }

    #[test]
    fn a_list_is_divided_without_looking_at_every_item() {
        let list = runs(10_000);
        for (from, to, at) in [(0, 10_000, 7000), (40, 10_000, 41), (1000, 9000, 8990)] {
            let looked = std::cell::Cell::new(0);
            let below = |run: &PageRun| {
                looked.set(looked.get() + 1);
                run.addr < at << 13
            };
            let found = list.slice(from, to).partition_point(below);
            assert_eq!(from + found, usize::try_from(at).unwrap());
            assert!(looked.get() < 60, "{} of {at}", looked.get());
        }
    }

    /// A number that counts how often one is unpacked.
    #[derive(Clone, Copy, Default, PartialEq, Debug)]
    struct Counted(u64);

    thread_local! {
        static UNPACKED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
    }

    impl Pack for Counted {
        fn pack(&self, before: &Self, to: &mut Writer) {
            to.change(self.0, before.0);
        }
        fn unpack(before: &Self, from: &mut Reader) -> Self {
            UNPACKED.set(UNPACKED.get() + 1);
            Counted(from.change(before.0))
        }
    }

    #[test]
    fn going_on_or_far_ahead_unpacks_few() {
        let list: Packed<Counted> = (0..10_000).map(Counted).collect();
        let mut items = list.iter();
        assert_eq!(items.nth(5020), Some(Counted(5020)));
        assert!(UNPACKED.take() <= Counted::BLOCK);
        // The 31st of its block, and no block from its start.
        assert_eq!(
            items.go_on(list.slice(5022, 6000)).next(),
            Some(Counted(5022))
        );
        assert_eq!(UNPACKED.take(), 2);
    }

    #[test]
    fn a_list_says_how_many_it_holds() {
        for count in [0, 1, 70] {
            let list = runs(count);
            let mut items = list.iter();
            let count = usize::try_from(count).unwrap();
            assert_eq!((list.len(), list.is_empty()), (count, count == 0));
            assert_eq!(items.len(), count);
            if items.next().is_some() {
                assert_eq!(items.len(), count - 1);
            }
            let plain: Vec<PageRun> = list.iter().collect();
            assert_eq!(format!("{list:?}"), format!("{plain:?}"));
        }
        assert!(runs(1000).bytes() > 1000);
    }

    #[test]
    fn the_last_item_may_still_change() {
        let mut packed = Packed::default();
        for n in 0..70 {
            packed.push(PageRun {
                addr: n << 13,
                offset: n * 4100,
                len: 0,
            });
            packed.last_mut().unwrap().len = 4096 + n;
        }
        assert!(packed.iter().zip(4096..).all(|(run, len)| run.len == len));
    }

    #[test]
    #[cfg_attr(miri, ignore = "millions of bytes take an interpreter too long")]
    fn alike_neighbours_need_few_bytes() {
        let runs = runs(10_000);
        assert!(runs.bytes() < 10_000 * 5, "{} bytes", runs.bytes());
        let vma = |n: u64| Vma {
            record: RecordAt {
                offset: n * 4300,
                index: n * 4,
            },
            start: n << 12,
            end: (n + 1) << 12,
            flags: 0x0010_0073 | (n & 1),
            pgoff: n,
            kind: VmaKind::Anon,
            first_run: u32::try_from(n).unwrap(),
            num_runs: 1,
            ..Vma::default()
        };
        let vmas: Packed<Vma> = (0..10_000).map(vma).collect();
        assert!(vmas.bytes() < 10_000 * 10, "{} bytes", vmas.bytes());
    }
}
