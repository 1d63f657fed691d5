//! What a walk marks: instructions that were reached, and words that they read.

use std::sync::Arc;

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;

use crate::arm::Isa;

/// What is known of one page: a bit per halfword.
#[derive(Clone, Default)]
pub(super) struct Marks {
    pub(super) arm: Bits,
    pub(super) thumb: Bits,
    data: Bits,
}

/// Pages by number; copies share what stays as it is.
pub(super) type Pages = HashMap<u32, Arc<Marks>>;

#[derive(Clone, Default)]
pub(super) struct Bits([u64; 32]);

impl Bits {
    fn place(addr: u32) -> (usize, u32) {
        let half = (addr & 4095) >> 1;
        ((half >> 6) as usize, half & 63)
    }

    pub(super) fn get(&self, addr: u32) -> bool {
        let (word, bit) = Self::place(addr);
        self.0.get(word).is_some_and(|bits| bits >> bit & 1 == 1)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|bits| *bits == 0)
    }

    fn set(&mut self, addr: u32) {
        let (word, bit) = Self::place(addr);
        if let Some(bits) = self.0.get_mut(word) {
            *bits |= 1 << bit;
        }
    }

    fn join(&mut self, other: &Self) {
        for (bits, more) in self.0.iter_mut().zip(other.0) {
            *bits |= more;
        }
    }
}

/// Addresses that control flow reached, and the words that reached code reads as data.
#[derive(Default)]
pub(in crate::scan) struct Reached {
    pub(super) pages: Pages,
    /// Instructions that were only reached behind a test of their capability.
    pub(super) guarded: HashMap<u32, Isa>,
    /// Places that jumps lead to, by page.
    labels: HashMap<u32, Box<Bits>>,
}

impl Reached {
    /// Instruction set of the instruction that was reached at this address.
    pub(in crate::scan) fn isa_at(&self, addr: u32) -> Option<Isa> {
        let marks = self.pages.get(&(addr >> 12));
        match marks.map(|marks| (marks.arm.get(addr), marks.thumb.get(addr))) {
            Some((true, _)) => Some(Isa::Arm),
            Some((_, true)) => Some(Isa::Thumb),
            _ => self.guarded.get(&addr).copied(),
        }
    }

    pub(in crate::scan) fn is_data(&self, addr: u32) -> bool {
        self.pages
            .get(&(addr >> 12))
            .is_some_and(|marks| marks.data.get(addr))
    }

    fn marks(&mut self, addr: u32) -> &mut Marks {
        Arc::make_mut(self.pages.entry(addr >> 12).or_default())
    }

    /// Marks an instruction; false if it was marked before.
    pub(super) fn visit(&mut self, addr: u32, isa: Isa) -> bool {
        let marks = self.marks(addr);
        let bits = match isa {
            Isa::Arm => &mut marks.arm,
            Isa::Thumb => &mut marks.thumb,
        };
        let new = !bits.get(addr);
        bits.set(addr);
        new
    }

    pub(super) fn mark_label(&mut self, addr: u32) {
        self.labels.entry(addr >> 12).or_default().set(addr);
    }

    pub(super) fn mark_data(&mut self, half: u32) {
        self.marks(half).data.set(half);
    }

    /// Takes over what was reached in another part of the code; a page may lie in both.
    pub(super) fn join(&mut self, other: Self) {
        for (page, marks) in other.pages {
            match self.pages.entry(page) {
                Entry::Vacant(entry) => {
                    entry.insert(marks);
                }
                Entry::Occupied(mut entry) => {
                    let both = Arc::make_mut(entry.get_mut());
                    both.arm.join(&marks.arm);
                    both.thumb.join(&marks.thumb);
                    both.data.join(&marks.data);
                }
            }
        }
        self.guarded.extend(other.guarded);
        for (page, labels) in other.labels {
            self.labels.entry(page).or_default().join(&labels);
        }
    }
}

/// What a walk over all code tells of each halfword.
#[derive(Clone, Default)]
struct Kinds {
    /// Code reads it as data.
    data: Bits,
    /// Jumps lead to it.
    labels: Bits,
}

/// Words that code reads as data and places that jumps lead to, of all code there is.
#[derive(Default)]
pub(super) struct Layout(HashMap<u32, Box<Kinds>>);

impl Layout {
    pub(super) fn of(reached: Reached) -> Self {
        let mut layout = Self::default();
        for (page, marks) in reached.pages {
            if !marks.data.is_empty() {
                layout.0.entry(page).or_default().data = marks.data.clone();
            }
        }
        for (page, labels) in reached.labels {
            layout.0.entry(page).or_default().labels = *labels;
        }
        layout
    }

    pub(super) fn is_data(&self, addr: u32) -> bool {
        let kinds = self.0.get(&(addr >> 12));
        kinds.is_some_and(|kinds| kinds.data.get(addr))
    }

    pub(super) fn is_label(&self, addr: u32) -> bool {
        let kinds = self.0.get(&(addr >> 12));
        kinds.is_some_and(|kinds| kinds.labels.get(addr))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_reached_before_a_guess_stays_as_it_was() {
        let mut reached = Reached::default();
        reached.visit(0x1000, Isa::Arm);
        let sure = reached.pages.clone();
        reached.visit(0x1008, Isa::Arm);
        let marks = sure.get(&1).unwrap();
        assert!(marks.arm.get(0x1000) && !marks.arm.get(0x1008));
        assert_eq!(reached.isa_at(0x1008), Some(Isa::Arm));
    }

    #[test]
    fn parts_of_a_page_are_joined() {
        let [mut one, mut two] = [Reached::default(), Reached::default()];
        one.visit(0x1000, Isa::Arm);
        two.visit(0x1800, Isa::Thumb);
        two.mark_data(0x1804);
        one.join(two);
        assert_eq!(one.isa_at(0x1000), Some(Isa::Arm));
        assert_eq!(one.isa_at(0x1800), Some(Isa::Thumb));
        assert!(one.is_data(0x1804) && !one.is_data(0x1000));
    }
}
