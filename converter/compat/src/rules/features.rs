//! What all rules about instructions share: from findings in code to a verdict.

use crate::evidence::{Evidence, SpaceFacts, Strength};
use crate::feature::{Feature, FeatureSet};
use crate::target::{Has, Target};
use crate::verdict::{Cite, Outcome, Verdict};

/// A family of features, and what stands in for one that is missing.
pub(super) struct Family {
    pub(super) features: FeatureSet,
    /// An emulation by the kernel that will do, and the option that builds it.
    pub(super) instead: Option<(Feature, &'static str)>,
    /// What to call a feature that some machines of the description have.
    pub(super) option: &'static str,
}

impl Family {
    pub(super) const fn of(features: &[Feature]) -> Self {
        Self {
            features: FeatureSet::of(features),
            instead: None,
            option: "this machine has it",
        }
    }
}

/// A library's declaration counts by itself only where that much of the code bears it out: one instruction in 200
/// is what code *built for* an extension shows, far more than code that dispatches at run time.
const DENSE: u64 = 200;
/// Below this many instructions the share says nothing.
const ENOUGH: u64 = 2000;

/// Judges a family over all address spaces.
pub(super) fn judge(evidence: &Evidence, target: &Target, family: &Family) -> Outcome {
    evidence
        .spaces
        .iter()
        .fold(Outcome::nothing(), |outcome, space| {
            outcome.and(judge_space(evidence, target, family, space))
        })
}

/// How the target has a feature, by itself or by emulation.
pub(super) fn has(target: &Target, family: &Family, feature: Feature) -> Has {
    let direct = target.has(feature);
    match family.instead {
        Some((emulation, _)) => direct.min(target.has(emulation)),
        None => direct,
    }
}

fn judge_space(
    evidence: &Evidence,
    target: &Target,
    family: &Family,
    space: &SpaceFacts,
) -> Outcome {
    let mut outcome = Outcome::nothing();
    for feature in family.features.iter() {
        let found = by_code(evidence, target, family, space, feature);
        outcome = outcome.and(found);
    }
    outcome.and(unseen(evidence, target, family, space))
}

/// What user mode may do on no machine, the one that the process came from included: off the ways that a thread surely
/// takes it is data that looks like code, or code that the process never ran.
const NOWHERE: FeatureSet = FeatureSet::of(&[
    Feature::Privileged,
    Feature::Virt,
    Feature::Smc,
    Feature::CoprocOther,
    Feature::Cp14,
]);

/// Units that HWCAP has had bits for since the kernel lets programs use them.
const UNITS: FeatureSet = FeatureSet::of(&[
    Feature::Iwmmxt,
    Feature::Iwmmxt2,
    Feature::Crunch,
    Feature::Vfp,
    Feature::Neon,
]);

/// Those of them that few programs were ever written for.
const RARE_UNITS: FeatureSet =
    FeatureSet::of(&[Feature::Iwmmxt, Feature::Iwmmxt2, Feature::Crunch]);

/// Extensions of the base architecture: a machine that is older has none of them.
const BY_ISA: FeatureSet =
    FeatureSet::SINCE_V6T2.union(FeatureSet::of(&[Feature::V6, Feature::V6k]));

/// Words that look like an instruction here and there in much code that nothing leads to, without mapping symbols that
/// would tell code from data.
fn is_noise(space: &SpaceFacts, strength: Strength, hit: &crate::scan::Hit) -> bool {
    const RARE: u64 = 20_000;
    let code = &space.code;
    strength == Strength::Swept
        && code.mapped_len * 2 < code.code_len
        && hit.count * RARE < code.num_insns
}

/// Is a finding in code no sign that the process uses the feature?
fn says_nothing(
    evidence: &Evidence,
    space: &SpaceFacts,
    feature: Feature,
    strength: Strength,
    hit: &crate::scan::Hit,
) -> bool {
    let dead = strength == Strength::Swept && space.is_closed();
    let everywhere = strength != Strength::Inevitable && NOWHERE.has(feature);
    // Units that the kernel advertises wherever programs may use them: without the bit, the source machine had none.
    // That says what ran so far, not what will: a handler that was never called may need what its machine lacks. So it
    // speaks against what looks like code only, and against the units that hardly any code is for, which data behind a
    // guessed pointer looks like most often.
    let unadvertised =
        UNITS.has(feature) && space.hwcap.is_some() && !space.advertised().has(feature);
    let guessed = if RARE_UNITS.has(feature) {
        Strength::FromEntries
    } else {
        Strength::Swept
    };
    let elsewhere = strength >= guessed
        && (unadvertised || BY_ISA.has(feature) && impossible(evidence, space, feature));
    dead || everywhere || elsewhere || is_noise(space, strength, hit)
}

/// One feature by what the code of one address space shows.
fn by_code(
    evidence: &Evidence,
    target: &Target,
    family: &Family,
    space: &SpaceFacts,
    feature: Feature,
) -> Outcome {
    let declared = declared_by(space, feature);
    let hit = space.strongest(feature);
    let Some((strength, hit)) =
        hit.filter(|(strength, hit)| !says_nothing(evidence, space, feature, *strength, hit))
    else {
        return advertised(evidence, target, family, space, feature);
    };
    let has = has(target, family, feature);
    let outcome =
        Outcome::of(feature.what(), words(has)).cite(cite_hit(space, feature, strength, hit));
    let total = space.code.num_insns;
    // Where a program starts, the ways from there say more than a share.
    let is_library = space.code.from_pc.is_empty() && space.code.inevitable.is_empty();
    let dense = is_library && total >= ENOUGH && space.count(feature) * DENSE >= total;
    match (has, strength) {
        (Has::Yes, _) => outcome,
        (Has::No, Strength::Inevitable) => outcome.worst(Verdict::NotRestorable),
        (Has::No, _) if declared.is_some() && dense => {
            outcome.cites(declared).worst(Verdict::NotRestorable)
        }
        (Has::No, _) => outcome
            .cites(declared)
            .if_only(not_executed(evidence, feature)),
        (Has::Maybe, _) => outcome.if_only(condition(target, family, feature)),
    }
}

/// The machine that the process ran on had no such feature, so no state of it can be in use.
pub(super) fn impossible(evidence: &Evidence, space: &SpaceFacts, feature: Feature) -> bool {
    space
        .source_bound(evidence.header.as_ref())
        .is_some_and(|bound| !bound.has(feature))
}

fn not_executed(evidence: &Evidence, feature: Feature) -> String {
    let chooses = crate::target::features_of_hwcap(u32::MAX, u32::MAX).has(feature);
    let dispatch = if chooses && evidence.origin == crate::evidence::Origin::Elf {
        " (programs that choose code by AT_HWCAP at start do not execute it there)"
    } else {
        ""
    };
    format!("the code that needs it ({feature}) is not executed{dispatch}")
}

fn condition(target: &Target, family: &Family, feature: Feature) -> String {
    match family.instead {
        Some((_, option)) if option == family.option || target.has(feature) == Has::No => {
            option.to_owned()
        }
        Some((_, option)) => format!("{} or {option}", family.option),
        None => format!("{} ({feature})", family.option),
    }
}

pub(super) fn words(has: Has) -> &'static str {
    match has {
        Has::Yes => "has it",
        Has::Maybe => "may have it",
        Has::No => "has it not",
    }
}

fn cite_hit(
    space: &SpaceFacts,
    feature: Feature,
    strength: Strength,
    hit: &crate::scan::Hit,
) -> Cite {
    let how = match strength {
        Strength::Inevitable => "on every path from the program counter",
        Strength::FromPc => "reached from the program counter",
        Strength::FromEntries => "reached from known entries",
        Strength::Swept => "in code that is not known to run",
    };
    let what = format!(
        "{} × {feature} {how}, first at {}",
        hit.count,
        space.places(hit)
    );
    space.cite_code(what, hit)
}

/// The file that declares to need the feature in its base architecture.
fn declared_by(space: &SpaceFacts, feature: Feature) -> Option<Cite> {
    let declares = |file: &&crate::evidence::FileFacts| {
        file.attributes
            .as_ref()
            .is_some_and(|attributes| attributes.base_features().has(feature))
    };
    let file = space.files.iter().find(declares)?;
    let arch = file
        .attributes
        .as_ref()
        .map_or("", |attributes| attributes.arch_name());
    Some(file.cite(format!("Tag_CPU_arch is {arch}")))
}

/// AT_HWCAP told the process of the feature, or may have, and code behind a test of it, or code that was not seen, may
/// use it.
fn advertised(
    evidence: &Evidence,
    target: &Target,
    family: &Family,
    space: &SpaceFacts,
    feature: Feature,
) -> Outcome {
    let has = has(target, family, feature);
    let guarded = space.code.guarded.get(feature);
    let used = guarded.is_some() || !space.code_is_complete();
    // A program that has not started will ask the machine that it is started on.
    let silent = space.hwcap.is_none() && evidence.origin != crate::evidence::Origin::Elf;
    let what = match () {
        () if has == Has::Yes => return Outcome::nothing(),
        () if used && space.advertised().has(feature) => {
            format!("AT_HWCAP advertised {feature}; code that was chosen by it goes on being used")
        }
        () if guarded.is_some() && silent => {
            format!("AT_HWCAP is not in the image; code that asks it for {feature} may be used")
        }
        () => return Outcome::nothing(),
    };
    let first = guarded.map_or_else(String::new, |hit| {
        format!(", first at {}", space.places(hit))
    });
    Outcome::of(feature.what(), words(has))
        .cite(space.cite_at(format!("{what}{first}"), &space.hwcap_at))
        .if_only(format!("the process does not use {feature}"))
}

/// Code that is not in view may need anything that its machine can have had.
fn unseen(evidence: &Evidence, target: &Target, family: &Family, space: &SpaceFacts) -> Outcome {
    if space.code_is_complete() {
        return Outcome::nothing();
    }
    let bound = space.source_bound(evidence.header.as_ref());
    let possible = bound.map_or(family.features, |bound| bound.meet(family.features));
    let lacking: Vec<&str> = possible
        .iter()
        .filter(|feature| has(target, family, *feature) != Has::Yes)
        .map(Feature::name)
        .collect();
    if lacking.is_empty() {
        return Outcome::nothing();
    }
    let files = if space.unseen_code.is_empty() {
        "the code".to_owned()
    } else {
        shortened(&space.unseen_code)
    };
    let (are, need, them) = match space.unseen_code.len() {
        0 | 1 => ("is", "needs", "it"),
        _ => ("are", "need", "them"),
    };
    let supply = if evidence.sysroot {
        format!("{are} not in the image and not below the --sysroot either")
    } else {
        format!("{are} not in the image: --sysroot DIR supplies {them}")
    };
    let cite = Cite {
        file: space.unseen_code.first().cloned(),
        ..space.cite(format!("{files} {supply}"))
    };
    let mut outcome = Outcome::of(
        format!("whatever {files} {need}"),
        format!("lacks {}", lacking.join(", ")),
    )
    .cite(cite)
    .worst(Verdict::Unknown);
    outcome.condition = Some(format!("{files} {supply}"));
    outcome
}

fn shortened(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [one, two] => format!("{one} and {two}"),
        [one, two, rest @ ..] => format!("{one}, {two} and {} more", rest.len()),
    }
}
