//! The rules: small pure functions of the evidence and a target, one file for each family.

mod abi;
mod features;
mod fp;
mod isa;
mod kernel;
mod memory;
mod system;

use crate::evidence::Evidence;
use crate::target::Target;
use crate::verdict::{Layer, Outcome};

/// A rule. Its id is stable once released.
#[derive(Clone, Copy)]
pub struct Rule {
    /// Stable id, like `isa.thumb2`.
    pub id: &'static str,
    /// Which question it answers.
    pub layer: Layer,
    /// What it is about, in a few words.
    pub title: &'static str,
    /// Why it matters, with its sources.
    pub rationale: &'static str,
    /// What one can do about a refusal.
    pub remedy: &'static str,
    /// The judgement.
    pub judge: fn(&Evidence, &Target) -> Outcome,
}

impl std::fmt::Debug for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rule")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// All rules, in the order of reports.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    [
        isa::RULES,
        fp::RULES,
        abi::RULES,
        memory::RULES,
        system::RULES,
        kernel::RULES,
    ]
    .into_iter()
    .flatten()
}

/// The rule with this id.
pub fn rule(id: &str) -> Option<&'static Rule> {
    rules().find(|rule| rule.id == id)
}

#[cfg(test)]
pub(crate) mod tests;
