//! Running all rules: one image, one target, verdicts with their reasons.

use std::collections::{BTreeMap, BTreeSet};

use crate::evidence::{Evidence, ProcessAbi};
use crate::feature::FeatureSet;
use crate::policy::Policy;
use crate::rules::{Rule, rules};
use crate::target::{Endian, Has, Target, parts};
use crate::verdict::{Layer, Outcome, Verdict};

/// The answer of one rule.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The rule.
    pub rule: &'static Rule,
    /// Its answer, after the policy.
    pub outcome: Outcome,
    /// The policy changed the verdict from this one.
    pub changed_from: Option<Verdict>,
}

/// The answer for one target.
#[derive(Clone, Debug)]
pub struct Assessment {
    /// Name of the target.
    pub target: String,
    /// What the target is.
    pub title: String,
    /// All rules, in their order.
    pub findings: Vec<Finding>,
}

impl Assessment {
    /// The verdict of one layer: its worst.
    pub fn layer(&self, layer: Layer) -> Verdict {
        self.findings
            .iter()
            .filter(|finding| finding.rule.layer == layer)
            .map(|finding| finding.outcome.verdict)
            .max()
            .unwrap_or_default()
    }

    /// The overall verdict: the worst of the layers.
    pub fn verdict(&self) -> Verdict {
        Layer::ALL
            .into_iter()
            .map(|layer| self.layer(layer))
            .max()
            .unwrap_or_default()
    }

    /// The answer of one rule.
    pub fn finding(&self, id: &str) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.rule.id == id)
    }
}

/// Rules that are unknown for want of the same evidence as one before them, each with the first of those. What is
/// missing stops several rules as a rule, and needs to be told once.
pub fn same_want<'a>(
    findings: impl IntoIterator<Item = (&'a str, Verdict, Option<&'a str>)>,
) -> BTreeMap<&'a str, &'a str> {
    let mut first: BTreeMap<&str, &str> = BTreeMap::new();
    let mut same = BTreeMap::new();
    for (rule, verdict, condition) in findings {
        let Some(want) = condition.filter(|_| verdict == Verdict::Unknown) else {
            continue;
        };
        match first.get(want) {
            Some(known) => {
                same.insert(rule, *known);
            }
            None => {
                first.insert(want, rule);
            }
        }
    }
    same
}

/// Judges an image for a target. The texts of the answer are safe to show, whatever names the image has.
///
/// ```
/// use ckpt_compat::evidence::{Evidence, ThreadFacts, VfpFacts};
/// use ckpt_compat::target::{Endian, Target};
/// use ckpt_compat::{Verdict, check};
///
/// let mut d = [0; 32];
/// d[20] = 1;
/// let vfp = VfpFacts { d, fpscr: 0, exc: None };
/// let thread = ThreadFacts { label: "thread 1".into(), cpsr: 0x10, fp_recorded: true, vfp: Some(vfp), ..Default::default() };
/// let evidence = Evidence { endian: Some(Endian::Little), threads: vec![thread], ..Default::default() };
/// // d20 holds a value, and Tegra 2 has no such register.
/// let assessment = check(&evidence, &Target::named("tegra2")?, None);
/// assert_eq!(assessment.finding("fp.bank").unwrap().outcome.verdict, Verdict::NotRestorable);
/// # Ok::<(), ckpt_compat::target::UnknownTarget>(())
/// ```
pub fn check(evidence: &Evidence, target: &Target, policy: Option<&Policy>) -> Assessment {
    let findings = rules()
        .map(|rule| {
            let mut outcome = (rule.judge)(evidence, target).safe_to_show();
            let before = outcome.verdict;
            if let Some(policy) = policy {
                outcome.verdict = policy.apply(rule.id, before);
            }
            Finding {
                rule,
                changed_from: (outcome.verdict != before).then_some(before),
                outcome,
            }
        })
        .collect();
    Assessment {
        target: target.name.clone(),
        title: target.title.clone(),
        findings,
    }
}

/// Architecture names and units from least to most, of which the least that fits is sought.
const LADDER: &[&str] = &[
    "v4",
    "v4t",
    "v5t",
    "v5te",
    "v5te-xscale",
    "v5te-iwmmxt",
    "v4t-crunch",
    "v5tej",
    "v5te-vfp",
    "v5tej-vfp",
    "v6",
    "v6-vfp",
    "v6k",
    "v6k-vfp",
    "v6t2",
    "v7",
    "v7-vfp",
    "v7-vfpv3",
    "v7-neon",
    "v7ve",
    "v7ve-vfp",
    "v7ve-vfpv4-d16",
    "v7ve-vfpv4",
    "v7-neon-thumbee",
    "v7ve-neon-vfpv4",
    "v8",
    "v8-crc32",
    "v8-crypto",
    "v8-crc32-crypto",
    "v8-aarch64",
    "v8-aarch64-crc32-crypto",
];

/// The least target that an image can be restored on.
#[derive(Clone, Debug)]
pub struct Nearest {
    /// The target.
    pub target: Target,
    /// The verdict there.
    pub verdict: Verdict,
    /// Parts of the catalogue with a verdict as good.
    pub parts: Vec<String>,
    /// System call ABIs of its processes, as far as the image tells; a kernel must have them.
    pub abis: Vec<ProcessAbi>,
    /// Byte order of the image.
    pub endian: Option<Endian>,
}

impl Nearest {
    /// In words: architecture and units, the ABI of system calls, the byte order.
    pub fn needs(&self) -> String {
        let mut words = vec![self.target.describe()];
        words.extend(self.abis.iter().map(|abi| match abi {
            ProcessAbi::Oabi => "OABI system calls".to_owned(),
            ProcessAbi::Eabi => "EABI system calls".to_owned(),
        }));
        words.extend(self.endian.map(|endian| match endian {
            Endian::Little => "little-endian".to_owned(),
            Endian::Be8 => "big-endian (BE8)".to_owned(),
            Endian::Be32 => "big-endian (BE32)".to_owned(),
        }));
        words.join(", ")
    }
}

/// Finds the least target by grammar with the best verdict, and the parts that are as good.
pub fn nearest(evidence: &Evidence, policy: Option<&Policy>) -> Option<Nearest> {
    let endian = evidence.endian.map_or("", |endian| match endian {
        crate::target::Endian::Little => "",
        crate::target::Endian::Be8 => "-be8",
        crate::target::Endian::Be32 => "-be32",
    });
    let abi = ["", "-oabi-compat"];
    let candidates = LADDER
        .iter()
        .flat_map(|name| abi.iter().map(move |abi| format!("{name}{abi}{endian}")))
        .filter_map(|name| Target::named(&name).ok());
    let judged = candidates.map(|target| (check(evidence, &target, policy).verdict(), target));
    // The first of equals in the ladder is the least; fewer features break ties that the ladder leaves.
    let (verdict, target) =
        judged.reduce(|best, next| if next.0 < best.0 { next } else { best })?;
    if verdict == Verdict::NotRestorable {
        return None;
    }
    let parts = parts()
        .filter(|part| check(evidence, &part.target, policy).verdict() <= verdict)
        .map(|part| part.target.name)
        .collect();
    Some(Nearest {
        target,
        verdict,
        parts,
        abis: abis(evidence),
        endian: evidence.endian,
    })
}

/// The ABIs of all processes, each once.
fn abis(evidence: &Evidence) -> Vec<ProcessAbi> {
    let spaces = evidence.spaces.iter();
    let all: BTreeSet<ProcessAbi> = spaces
        .filter_map(|space| space.abi().map(|(abi, _)| abi))
        .collect();
    all.into_iter().collect()
}

/// Features of the image that a target lacks, for a summary.
pub fn lacking(evidence: &Evidence, target: &Target) -> FeatureSet {
    let used = evidence
        .spaces
        .iter()
        .fold(FeatureSet::EMPTY, |set, space| {
            set.union(space.code.inevitable.set())
        });
    used.iter()
        .filter(|feature| target.has(*feature) == Has::No)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{ThreadFacts, VfpFacts};

    #[test]
    fn what_is_wanted_is_told_by_the_first_rule_that_wants_it() {
        let same = same_want([
            ("a", Verdict::Unknown, Some("libc")),
            ("b", Verdict::Conditional, Some("libc")),
            ("c", Verdict::Unknown, Some("libm")),
            ("d", Verdict::Unknown, Some("libc")),
            ("e", Verdict::Unknown, None),
            ("f", Verdict::Unknown, Some("libc")),
        ]);
        assert_eq!(same, BTreeMap::from([("d", "a"), ("f", "a")]));
    }

    #[test]
    fn answers_are_safe_to_show() {
        let vfp = VfpFacts {
            d: [1; 32],
            fpscr: 0,
            exc: None,
        };
        let thread = ThreadFacts {
            label: "thread 1 (\x1b[2J\u{202e}red)".into(),
            cpsr: 0x10,
            fp_recorded: true,
            vfp: Some(vfp),
            ..ThreadFacts::default()
        };
        let evidence = Evidence {
            threads: vec![thread],
            ..Evidence::default()
        };
        let answer = check(&evidence, &Target::named("v7-vfp").unwrap(), None);
        let texts = format!("{:?}", answer.finding("fp.bank").unwrap().outcome.evidence);
        assert!(
            texts.contains(r"thread 1 (\\x1b[2J\\u{202e}red)"),
            "{texts}"
        );
    }
}
