//! Verdicts, layers, and what a rule answers.

use crate::arm::Isa;
use ckpt_parser::text::escape;
use std::collections::BTreeSet;
use std::fmt;

/// The answer of a rule, or of all rules together; later is worse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// It will run.
    #[default]
    Restorable,
    /// It will run if a named condition holds.
    Conditional,
    /// The evidence that would decide is missing.
    Unknown,
    /// It will not run.
    NotRestorable,
}

impl Verdict {
    /// All of them, from best to worst.
    pub const ALL: [Self; 4] = [
        Self::Restorable,
        Self::Conditional,
        Self::Unknown,
        Self::NotRestorable,
    ];

    /// Stable name, as reports spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Restorable => "restorable",
            Self::Conditional => "conditional",
            Self::Unknown => "unknown",
            Self::NotRestorable => "not-restorable",
        }
    }

    /// A symbol that stands beside colour, never instead of the word.
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Restorable => "✔",
            Self::Conditional => "◐",
            Self::Unknown => "?",
            Self::NotRestorable => "✘",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl std::str::FromStr for Verdict {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL
            .into_iter()
            .find(|verdict| verdict.name() == name)
            .ok_or(())
    }
}

/// Which of three questions a rule answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// Would the linux-cr restart code accept this header?
    Kernel,
    /// Once accepted, will each thread run with its state whole?
    Run,
    /// What did the image never hold, or what does the target drop?
    Loss,
}

impl Layer {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Kernel, Self::Run, Self::Loss];

    /// Stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kernel => "kernel",
            Self::Run => "run",
            Self::Loss => "loss",
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Where a fact comes from: a record of the image, or an address of the process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cite {
    /// The fact, in words.
    pub what: String,
    /// Number of the record that holds it.
    pub record: Option<u64>,
    /// Offset of that record in the image, bytes.
    pub offset: Option<u64>,
    /// Field of the record.
    pub field: Option<&'static str>,
    /// Process whose address space it is about.
    pub pid: Option<i32>,
    /// Address in the process.
    pub addr: Option<u32>,
    /// The instruction set of the code that stands there.
    pub isa: Option<Isa>,
    /// The instruction there, hexadecimal.
    pub instruction: Option<String>,
    /// The function that it is in, if a file tells.
    pub function: Option<String>,
    /// Path of the file that says it.
    pub file: Option<String>,
}

impl Cite {
    /// A fact without a place.
    pub fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            ..Self::default()
        }
    }

    /// The same fact with its field.
    pub fn field(mut self, field: &'static str) -> Self {
        self.field = Some(field);
        self
    }
}

/// What a rule answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The answer.
    pub verdict: Verdict,
    /// What the image requires; empty if nothing.
    pub requirement: String,
    /// What the target has of it.
    pub target_has: String,
    /// The condition of a conditional verdict, or what would supply missing evidence.
    pub condition: Option<String>,
    /// Conditions that must hold as well; the answer names the first of them beside `condition`.
    pub(crate) further: BTreeSet<String>,
    /// Facts that led there.
    pub evidence: Vec<Cite>,
    /// Facts of what was looked at, too, and decides less.
    pub aside: Vec<Cite>,
}

impl Outcome {
    /// The image requires nothing of this kind.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// A requirement and what the target has of it, fulfilled until [`Outcome::worst`] says otherwise.
    pub fn of(requirement: impl Into<String>, target_has: impl Into<String>) -> Self {
        Self {
            requirement: requirement.into(),
            target_has: target_has.into(),
            ..Self::default()
        }
    }

    /// The same with texts that are safe to show: they name tasks and files of the image, which may be called what a
    /// terminal obeys.
    pub(crate) fn safe_to_show(mut self) -> Self {
        self.condition = self.conditions();
        self.further.clear();
        let cites = self.evidence.iter_mut().chain(&mut self.aside);
        let cites = cites.map(|cite| &mut cite.what);
        let own = [&mut self.requirement, &mut self.target_has];
        for text in own.into_iter().chain(&mut self.condition).chain(cites) {
            *text = escape(text.as_bytes());
        }
        self
    }

    /// The conditions in one text: a person who meets them all has met every one that is left, unless there are too
    /// many to say.
    fn conditions(&self) -> Option<String> {
        const NAMED: usize = 4;
        let first = self.condition.as_ref()?;
        let others = self.further.iter().take(NAMED - 1).map(String::as_str);
        let mut text: Vec<&str> = std::iter::once(first.as_str()).chain(others).collect();
        let rest = (self.further.len() + 1)
            .checked_sub(NAMED)
            .filter(|rest| *rest > 0);
        let more = rest.map(|rest| format!("and {rest} more"));
        text.extend(more.as_deref());
        Some(text.join(BETWEEN))
    }

    /// Adds a condition to those that must hold already.
    fn add_condition(&mut self, condition: String) {
        match &self.condition {
            None => self.condition = Some(condition),
            Some(first) if *first == condition => {}
            Some(_) => {
                self.further.insert(condition);
            }
        }
    }

    /// Sets the verdict if it is worse than the present one.
    pub fn worst(mut self, verdict: Verdict) -> Self {
        self.verdict = self.verdict.max(verdict);
        self
    }

    /// Worsens to conditional under a condition, which says nothing about what is worse already.
    pub fn if_only(mut self, condition: impl Into<String>) -> Self {
        if self.verdict <= Verdict::Conditional {
            self.add_condition(condition.into());
        }
        self.worst(Verdict::Conditional)
    }

    /// The condition in place of all others.
    pub(crate) fn set_condition(&mut self, condition: impl Into<String>) {
        self.condition = Some(condition.into());
        self.further.clear();
    }

    /// Adds a fact.
    pub fn cite(mut self, cite: Cite) -> Self {
        self.evidence.push(cite);
        self
    }

    /// Adds facts.
    pub fn cites(mut self, cites: impl IntoIterator<Item = Cite>) -> Self {
        self.evidence.extend(cites);
        self
    }

    /// All facts, those that decide first.
    pub fn facts(&self) -> impl Iterator<Item = &Cite> {
        self.evidence.iter().chain(&self.aside)
    }

    /// Both together: the worse one leads, the other's facts are added; aside, if they decide less.
    pub fn and(self, other: Self) -> Self {
        let (mut lead, mut rest) = if other.verdict > self.verdict {
            (other, self)
        } else {
            (self, other)
        };
        if lead.requirement.is_empty() {
            lead.requirement = rest.requirement;
            lead.target_has = rest.target_has;
        } else if !rest.requirement.is_empty()
            && rest.verdict == lead.verdict
            && rest.requirement != lead.requirement
        {
            add_parts(&mut lead.requirement, &rest.requirement);
            add_parts(&mut lead.target_has, &rest.target_has);
        }
        if rest.verdict == lead.verdict {
            let conditions = rest.condition.take().into_iter().chain(rest.further);
            conditions.for_each(|condition| lead.add_condition(condition));
        }
        let beside = if rest.verdict == lead.verdict {
            &mut lead.evidence
        } else {
            &mut lead.aside
        };
        beside.append(&mut rest.evidence);
        lead.aside.append(&mut rest.aside);
        lead
    }
}

/// Between the parts of an enumeration.
const BETWEEN: &str = "; ";

/// Adds those parts of an enumeration that it does not have yet.
fn add_parts(to: &mut String, from: &str) {
    for part in from.split(BETWEEN) {
        if !to.split(BETWEEN).any(|known| known == part) {
            to.push_str(BETWEEN);
            to.push_str(part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_outcomes_share_is_said_once() {
        let no = |what| Outcome::of(what, "has it not").worst(Verdict::Unknown);
        let both = no("VFP").and(no("NEON")).and(no("VFP"));
        assert_eq!(both.requirement, "VFP; NEON");
        assert_eq!(both.target_has, "has it not");
    }

    #[test]
    fn every_condition_is_named_once_and_very_many_are_counted() {
        let needs = |what: &str| Outcome::of("a kernel", "not known").if_only(what);
        let shown = |outcome: Outcome| outcome.safe_to_show().condition.unwrap();
        let both = needs("one").and(needs("two")).and(needs("one"));
        assert_eq!(shown(both.clone()), "one; two");
        assert_eq!(shown(needs("two").if_only("one").and(both)), "two; one");
        let many = (0..9).map(|number| needs(&format!("c{number}")));
        let many = many.fold(Outcome::nothing(), Outcome::and);
        assert_eq!(shown(many.clone().and(many)), "c0; c1; c2; c3; and 5 more");
        // What would have to hold for the rest does not help where something refuses.
        let refused = Outcome::of("VFP", "none").worst(Verdict::NotRestorable);
        let refused = refused.if_only("one").and(needs("two"));
        assert_eq!(refused.safe_to_show().condition, None);
    }

    #[test]
    fn worse_wins_and_facts_add_up() {
        let a = Outcome::of("VFP", "VFP").cite(Cite::new("a"));
        let b = Outcome::of("NEON", "none")
            .worst(Verdict::NotRestorable)
            .cite(Cite::new("b"));
        let both = a.clone().and(b.clone());
        assert_eq!(both.verdict, Verdict::NotRestorable);
        assert_eq!(both.requirement, "NEON");
        let said = |cites: &[Cite]| cites.iter().map(|c| c.what.clone()).collect::<Vec<_>>();
        assert_eq!(
            (said(&both.evidence), said(&both.aside)),
            (vec!["b".to_owned()], vec!["a".to_owned()])
        );
        assert_eq!(said(&both.and(b.clone()).evidence), ["b", "b"]);
        assert_eq!(Outcome::nothing().and(b.clone()).requirement, b.requirement);
        assert!(
            Verdict::Conditional < Verdict::Unknown && Verdict::Unknown < Verdict::NotRestorable
        );
    }
}
