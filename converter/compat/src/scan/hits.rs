//! Findings: for each feature, how often and where first.

use std::collections::BTreeMap;

use crate::arm::Isa;
use crate::feature::{Feature, FeatureSet};

/// Where a feature was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hit {
    /// How many instructions.
    pub count: u64,
    /// The first three of them, by address, in ascending order.
    pub first: Vec<(u32, Isa)>,
}

impl Hit {
    pub(super) fn add(&mut self, addr: u32, isa: Isa) {
        self.count += 1;
        self.place(addr, isa);
    }

    fn place(&mut self, addr: u32, isa: Isa) {
        if self
            .first
            .last()
            .is_some_and(|(last, _)| self.first.len() >= MAX_PLACES && *last <= addr)
        {
            return;
        }
        if let Err(at) = self.first.binary_search(&(addr, isa)) {
            self.first.insert(at, (addr, isa));
            self.first.truncate(MAX_PLACES);
        }
    }
}

const MAX_PLACES: usize = 3;

/// Hits by feature, and system calls and helper calls beside them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeatureHits {
    /// Instructions by what they need.
    pub features: BTreeMap<Feature, Hit>,
    /// `swi 0x9xxxxx`: calls of the old ABI.
    pub oabi_calls: Hit,
    /// `svc #0`.
    pub eabi_calls: Hit,
    /// Calls of the helpers in the vectors page.
    pub kuser_calls: Hit,
    /// Calls of `cacheflush`: the process writes code.
    pub cache_flushes: Hit,
    /// `dlopen`: the process loads code.
    pub loads: Hit,
    /// `mmap` or `mprotect` with PROT_EXEC: the process makes memory executable.
    pub exec_maps: Hit,
    /// Places outside of what is known to be code: memory that may be written.
    pub outside: Hit,
}

impl FeatureHits {
    /// Nothing at all?
    pub fn is_empty(&self) -> bool {
        self.features.is_empty()
            && [
                &self.oabi_calls,
                &self.eabi_calls,
                &self.kuser_calls,
                &self.cache_flushes,
                &self.loads,
                &self.exec_maps,
                &self.outside,
            ]
            .iter()
            .all(|hit| hit.count == 0)
    }

    /// The features that were seen.
    pub fn set(&self) -> FeatureSet {
        self.features.keys().copied().collect()
    }

    /// The hit of one feature.
    pub fn get(&self, feature: Feature) -> Option<&Hit> {
        self.features.get(&feature)
    }

    pub(super) fn add(&mut self, needs: FeatureSet, addr: u32, isa: Isa) {
        for feature in needs.iter() {
            self.features.entry(feature).or_default().add(addr, isa);
        }
    }

    pub(super) fn syscall(&mut self, oabi: Option<u32>, addr: u32, isa: Isa) {
        match oabi {
            Some(number) if number >= 0x90_0000 => self.oabi_calls.add(addr, isa),
            Some(_) => {}
            None => self.eabi_calls.add(addr, isa),
        }
    }

    pub(super) fn kuser(&mut self, addr: u32, isa: Isa) {
        self.kuser_calls.add(addr, isa);
    }

    /// Takes over the hits of another part of the code.
    pub fn merge(&mut self, other: &Self) {
        for (feature, hit) in &other.features {
            merge_hit(self.features.entry(*feature).or_default(), hit);
        }
        merge_hit(&mut self.oabi_calls, &other.oabi_calls);
        merge_hit(&mut self.eabi_calls, &other.eabi_calls);
        merge_hit(&mut self.kuser_calls, &other.kuser_calls);
        merge_hit(&mut self.cache_flushes, &other.cache_flushes);
        merge_hit(&mut self.loads, &other.loads);
        merge_hit(&mut self.exec_maps, &other.exec_maps);
        merge_hit(&mut self.outside, &other.outside);
    }
}

fn merge_hit(to: &mut Hit, from: &Hit) {
    to.count += from.count;
    for (addr, isa) in &from.first {
        to.place(*addr, *isa);
    }
}
