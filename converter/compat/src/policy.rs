//! Site policy: a pipeline's own bar, by rule id.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::rules::rule;
use crate::verdict::Verdict;

/// What a policy file says.
///
/// ```
/// use ckpt_compat::{Policy, Verdict};
/// let policy = Policy::from_toml(r#"
///     targets = ["v7-neon"]
///     deny = ["fp.lost"]            # conditional or unknown there is a refusal
///     allow = ["mem.vdso"]          # conditional or unknown there is fine
///     [severity]
///     "isa.swp" = "not-restorable"  # whatever the rule says, unless it is fine
/// "#)?;
/// assert_eq!(policy.apply("fp.lost", Verdict::Conditional), Verdict::NotRestorable);
/// assert_eq!(policy.apply("mem.vdso", Verdict::Conditional), Verdict::Restorable);
/// assert_eq!(policy.apply("mem.vdso", Verdict::NotRestorable), Verdict::NotRestorable);
/// # Ok::<(), ckpt_compat::PolicyError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Targets that every image must be restorable on.
    pub targets: Vec<String>,
    deny: Vec<String>,
    allow: Vec<String>,
    severity: BTreeMap<String, Verdict>,
}

/// A policy file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// Not TOML, or not the fields of a policy.
    #[error("no policy")]
    Toml(#[from] toml::de::Error),
    /// A rule id that does not exist.
    #[error("policy: no rule \"{0}\"; `ckpt-check --list-rules` prints them all")]
    Rule(String),
    /// A severity that is no verdict.
    #[error("policy: severity \"{0}\" is none of restorable, conditional, unknown, not-restorable")]
    Severity(String),
    /// A rule in two lists.
    #[error("policy: rule \"{0}\" is named twice")]
    Twice(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    targets: Vec<String>,
    #[serde(default)]
    deny: Vec<String>,
    #[serde(default)]
    allow: Vec<String>,
    #[serde(default)]
    severity: BTreeMap<String, String>,
}

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    /// Not TOML, or a rule or a severity that does not exist.
    pub fn from_toml(text: &str) -> Result<Self, PolicyError> {
        let file: File = toml::from_str(text)?;
        let mut named: Vec<&String> = file
            .deny
            .iter()
            .chain(&file.allow)
            .chain(file.severity.keys())
            .collect();
        if let Some(unknown) = named.iter().find(|id| rule(id).is_none()) {
            return Err(PolicyError::Rule((*unknown).clone()));
        }
        named.sort();
        if let Some([twice, _]) = named
            .windows(2)
            .find(|pair| matches!(pair, [a, b] if a == b))
        {
            return Err(PolicyError::Twice((*twice).clone()));
        }
        let severity = file
            .severity
            .into_iter()
            .map(|(id, name)| {
                name.parse()
                    .map(|verdict| (id, verdict))
                    .map_err(|()| PolicyError::Severity(name))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            targets: file.targets,
            deny: file.deny,
            allow: file.allow,
            severity,
        })
    }

    /// The verdict of a rule under this policy. Nothing turns a refusal into anything else but a severity that says so,
    /// and nothing worsens a rule that found no fault.
    pub fn apply(&self, id: &str, verdict: Verdict) -> Verdict {
        let open = matches!(verdict, Verdict::Conditional | Verdict::Unknown);
        if let Some(severity) = self
            .severity
            .get(id)
            .filter(|_| verdict != Verdict::Restorable)
        {
            return *severity;
        }
        if open && self.deny.iter().any(|denied| denied == id) {
            return Verdict::NotRestorable;
        }
        if open && self.allow.iter().any(|allowed| allowed == id) {
            return Verdict::Restorable;
        }
        verdict
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_told() {
        assert!(matches!(
            Policy::from_toml("deny = [\"isa.nothing\"]"),
            Err(PolicyError::Rule(_))
        ));
        assert!(matches!(
            Policy::from_toml("severity = { \"isa.swp\" = \"bad\" }"),
            Err(PolicyError::Severity(_))
        ));
        assert!(matches!(
            Policy::from_toml("dney = []"),
            Err(PolicyError::Toml(_))
        ));
        assert!(matches!(
            Policy::from_toml("deny = [\"isa.swp\"]\nallow = [\"isa.swp\"]"),
            Err(PolicyError::Twice(_))
        ));
    }
}
