//! Packed items that are found by a number.

use super::ObjRef;
use crate::packed::{Pack, Packed};
use std::collections::BTreeMap;
use std::fmt;

/// Items by their number. Images give numbers in ascending order, so most items are packed as they
/// come; those that come late wait for the end of the image to get their places.
#[derive(Clone, Default)]
pub struct Numbered<T> {
    /// Numbers of the items, in ascending order.
    numbers: Vec<ObjRef>,
    items: Packed<T>,
    /// What comes behind an item with a higher number, or is changed then.
    late: BTreeMap<ObjRef, T>,
    /// Those of `late` that are not among the items.
    added: usize,
}

impl<T: Pack> Numbered<T> {
    /// Number of items.
    pub fn len(&self) -> usize {
        self.numbers.len().saturating_add(self.added)
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Numbers of the items, in ascending order.
    pub fn numbers(&self) -> &[ObjRef] {
        &self.numbers
    }
    /// Whether there is an item of that number.
    pub fn contains(&self, number: ObjRef) -> bool {
        self.late.contains_key(&number) || self.place(number).is_some()
    }
    /// The item of a number.
    pub fn get(&self, number: ObjRef) -> Option<T> {
        if let Some(item) = self.late.get(&number) {
            return Some(*item);
        }
        self.items.get(self.place(number)?)
    }
    /// Numbers and items, in ascending order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (ObjRef, T)> + '_ {
        self.numbers.iter().copied().zip(&self.items)
    }
    /// Bytes that the items take.
    pub fn bytes(&self) -> usize {
        let numbers = self.numbers.len().saturating_mul(size_of::<ObjRef>());
        self.items.bytes().saturating_add(numbers)
    }

    /// Sets the item of a number.
    pub(super) fn insert(&mut self, number: ObjRef, item: T) {
        match self.numbers.last() {
            Some(last) if number == *last => {
                if let Some(last) = self.items.last_mut() {
                    *last = item;
                }
            }
            Some(last) if number < *last => {
                let first = self.late.insert(number, item).is_none();
                let new = first && self.place(number).is_none();
                self.added = self.added.saturating_add(usize::from(new));
            }
            _ => {
                self.numbers.push(number);
                self.items.push(item);
            }
        }
    }
    /// Changes the item of a number, if there is one.
    pub(super) fn change(&mut self, number: ObjRef, change: impl FnOnce(&mut T)) {
        if let Some(mut item) = self.get(number) {
            change(&mut item);
            self.insert(number, item);
        }
    }
    /// Puts all items in their places and gives back what was held for more.
    pub(super) fn settle(&mut self) {
        let mut late = std::mem::take(&mut self.late).into_iter().peekable();
        if late.peek().is_some() {
            let old = std::mem::take(self);
            for (number, item) in old.iter() {
                while let Some((number, item)) = late.next_if(|next| next.0 < number) {
                    self.insert(number, item);
                }
                let changed = late.next_if(|next| next.0 == number);
                self.insert(number, changed.map_or(item, |changed| changed.1));
            }
            late.for_each(|(number, item)| self.insert(number, item));
        }
        self.numbers.shrink_to_fit();
        self.items.shrink();
    }

    fn place(&self, number: ObjRef) -> Option<usize> {
        // What is looked for while an image is read is mostly the last item or not there yet.
        match self.numbers.last() {
            Some(last) if number < *last => self.numbers.binary_search(&number).ok(),
            Some(last) if number == *last => self.numbers.len().checked_sub(1),
            _ => None,
        }
    }
}

impl<T: fmt::Debug + Pack> fmt::Debug for Numbered<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Defined, RecordAt};
    use ckpt_format::Object;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn items_in_any_order_are_those_of_a_map(
            items in prop::collection::vec((0i32..60, prop::sample::select(Object::ALL), any::<u64>(), any::<bool>()), 0..120),
        ) {
            let (mut map, mut numbered) = (BTreeMap::new(), Numbered::default());
            for (number, kind, offset, change) in items {
                let item = Defined {
                    kind,
                    record: RecordAt { offset, index: offset / 3 },
                    implicit: offset % 2 == 0,
                };
                if change {
                    map.entry(number).and_modify(|old| *old = item);
                    numbered.change(number, |old| *old = item);
                } else {
                    map.insert(number, item);
                    numbered.insert(number, item);
                }
                prop_assert_eq!((numbered.len(), numbered.is_empty()), (map.len(), map.is_empty()));
                prop_assert_eq!(numbered.get(number), map.get(&number).copied());
            }
            numbered.settle();
            prop_assert!(numbered.bytes() >= map.len() * size_of::<ObjRef>());
            prop_assert_eq!(format!("{numbered:?}"), format!("{map:?}"));
            prop_assert_eq!(numbered.iter().collect::<BTreeMap<_, _>>(), map.clone());
            for number in -1..61 {
                prop_assert_eq!(numbered.get(number), map.get(&number).copied());
                prop_assert_eq!(numbered.contains(number), map.contains_key(&number));
            }
        }
    }
}
