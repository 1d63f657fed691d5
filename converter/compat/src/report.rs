//! Reports: what [`check`](crate::check) found, as plain data that serialises. Other types of this crate do not.
//!
//! The JSON is a contract: `schema` numbers it, any field may be null, addresses are hexadecimal strings, offsets
//! and counts are numbers, verdicts are the four words of [`Verdict`]. Texts that name something of the image are safe to
//! show; only the name of the image itself is as it was given.

use ckpt_parser::text::escape;
use schemars::JsonSchema;
use serde::Serialize;

use crate::check::{Assessment, Finding};
use crate::evidence::{Evidence, Origin};
use crate::verdict::{Cite, Layer, Verdict};

/// Number of the JSON form.
pub const SCHEMA: u32 = 1;

/// The report on one image.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Report {
    /// Number of the form, [`SCHEMA`].
    pub schema: u32,
    /// Name of the image, as the user gave it.
    pub image: String,
    /// Kind of image: `linux-cr`, `criu`, `core`, `elf`.
    pub kind: &'static str,
    /// Revision of a linux-cr stream, like `R17`.
    pub revision: Option<String>,
    /// What was looked at.
    pub seen: Seen,
    /// One answer for each target.
    pub targets: Vec<TargetReport>,
    /// The least target that restores it, if that was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nearest: Option<NearestReport>,
    /// The image could not be judged: why.
    pub error: Option<String>,
}

/// How much of the image was evidence.
#[derive(Clone, Debug, Default, JsonSchema, Serialize)]
pub struct Seen {
    /// Threads that are alive.
    pub threads: usize,
    /// Address spaces.
    pub address_spaces: usize,
    /// Bytes of code mapped.
    pub code_bytes: u64,
    /// Bytes of code that could be read.
    pub code_bytes_seen: u64,
    /// Bytes of code under mapping symbols.
    pub code_bytes_exact: u64,
    /// Instructions classified.
    pub instructions: u64,
    /// Files that the image names and that were not found.
    pub missing_files: Vec<String>,
}

/// The answer for one target.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct TargetReport {
    /// Name of the target.
    pub target: String,
    /// What it is.
    pub title: String,
    /// The worst of the layers.
    pub verdict: &'static str,
    /// The verdict of each layer.
    pub layers: Layers,
    /// The rules, in their order.
    pub findings: Vec<FindingReport>,
}

/// The verdict of each layer.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Layers {
    /// Would the linux-cr restart code accept the header?
    pub kernel: &'static str,
    /// Will each thread run?
    pub run: &'static str,
    /// What is lost?
    pub loss: &'static str,
}

/// The answer of one rule.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct FindingReport {
    /// Rule id.
    pub rule: &'static str,
    /// Layer.
    pub layer: &'static str,
    /// What the rule is about.
    pub title: &'static str,
    /// The answer.
    pub verdict: &'static str,
    /// The answer before the policy changed it.
    pub changed_from: Option<&'static str>,
    /// What the image requires; null if nothing.
    pub requirement: Option<String>,
    /// What the target has.
    pub target_has: Option<String>,
    /// The condition of a conditional answer, or what would supply missing evidence.
    pub condition: Option<String>,
    /// What one can do.
    pub remedy: Option<&'static str>,
    /// The facts.
    pub evidence: Vec<CiteReport>,
}

/// One fact.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct CiteReport {
    /// In words.
    pub what: String,
    /// Record number.
    pub record: Option<u64>,
    /// Offset of the record, bytes.
    pub offset: Option<u64>,
    /// Field of the record.
    pub field: Option<&'static str>,
    /// Address in the process, hexadecimal.
    pub address: Option<String>,
    /// The instruction at that address, hexadecimal: four digits for a Thumb instruction of 16 bits, else eight.
    #[schemars(default)]
    pub instruction: Option<String>,
    /// The function that the address is in, if the image's files (`--sysroot`) tell.
    #[schemars(default)]
    pub function: Option<String>,
    /// Path of the file that says it, or that is missing.
    #[schemars(default)]
    pub file: Option<String>,
    /// The process that it is about.
    #[schemars(default)]
    pub process: Option<i32>,
}

/// The least target.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct NearestReport {
    /// Its name.
    pub target: String,
    /// In words: architecture and units, ABI, byte order.
    pub needs: String,
    /// System call ABIs that the kernel must have: `oabi`, `eabi`; none if the image does not say.
    #[schemars(default)]
    pub abis: Vec<&'static str>,
    /// Byte order: `little`, `be8`, `be32`; null if the image does not say.
    pub byte_order: Option<String>,
    /// The verdict there.
    pub verdict: &'static str,
    /// Parts of the catalogue that do as well.
    pub parts: Vec<String>,
}

/// Reports on several images in one document: what `--format json` prints.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Document<'a> {
    /// Number of the form, [`SCHEMA`].
    pub schema: u32,
    /// One report for each image.
    pub images: &'a [Report],
}

/// The JSON Schema of [`Document`].
pub fn document_schema() -> String {
    let schema = schemars::schema_for!(Document<'_>);
    serde_json::to_string_pretty(&schema).unwrap_or_default()
}

/// The JSON Schema of [`Report`].
pub fn schema() -> String {
    let schema = schemars::schema_for!(Report);
    serde_json::to_string_pretty(&schema).unwrap_or_default()
}

/// Names from an image may hold what a terminal obeys.
fn shown(text: &str) -> String {
    escape(text.as_bytes())
}

impl Report {
    /// A report without answers yet.
    pub fn new(image: &str, evidence: &Evidence) -> Self {
        let (kind, revision) = match evidence.origin {
            Origin::LinuxCr { revision } => ("linux-cr", Some(format!("R{revision:02}"))),
            Origin::Criu => ("criu", None),
            Origin::Core => ("core", None),
            Origin::Elf => ("elf", None),
        };
        let code = |of: fn(&crate::scan::Found) -> u64| {
            evidence.spaces.iter().map(|space| of(&space.code)).sum()
        };
        Self {
            schema: SCHEMA,
            image: image.to_owned(),
            kind,
            revision,
            seen: Seen {
                threads: evidence.threads.len(),
                address_spaces: evidence.spaces.len(),
                code_bytes: code(|found| found.code_len),
                code_bytes_seen: code(|found| found.seen_len),
                code_bytes_exact: code(|found| found.mapped_len),
                instructions: code(|found| found.num_insns),
                missing_files: evidence
                    .missing_files
                    .iter()
                    .map(|name| shown(name))
                    .collect(),
            },
            targets: Vec::new(),
            nearest: None,
            error: None,
        }
    }

    /// A report on an image that could not be judged.
    pub fn failed(image: &str, error: &str) -> Self {
        let mut report = Self::new(image, &Evidence::default());
        report.kind = "unknown";
        report.error = Some(shown(error));
        report
    }

    /// The name of the image, safe to show.
    pub fn shown_name(&self) -> String {
        shown(&self.image)
    }

    /// Adds the answer for a target.
    pub fn add(&mut self, assessment: &Assessment) {
        self.targets.push(TargetReport::of(assessment));
    }

    /// Adds the least target.
    pub fn set_nearest(&mut self, nearest: &crate::check::Nearest) {
        self.nearest = Some(NearestReport {
            target: nearest.target.name.clone(),
            needs: nearest.needs(),
            abis: nearest.abis.iter().map(|abi| abi.name()).collect(),
            byte_order: nearest.endian.map(|endian| endian.to_string()),
            verdict: nearest.verdict.name(),
            parts: nearest.parts.clone(),
        });
    }
}

impl TargetReport {
    fn of(assessment: &Assessment) -> Self {
        Self {
            target: assessment.target.clone(),
            title: assessment.title.clone(),
            verdict: assessment.verdict().name(),
            layers: Layers {
                kernel: assessment.layer(Layer::Kernel).name(),
                run: assessment.layer(Layer::Run).name(),
                loss: assessment.layer(Layer::Loss).name(),
            },
            findings: assessment.findings.iter().map(FindingReport::of).collect(),
        }
    }

    /// The overall verdict.
    pub fn verdict(&self) -> Verdict {
        self.verdict.parse().unwrap_or(Verdict::NotRestorable)
    }

    /// The overall verdict before the policy changed it; `None` if it did not.
    pub fn changed_from(&self) -> Option<Verdict> {
        let before = |finding: &FindingReport| finding.changed_from().unwrap_or(finding.verdict());
        let worst = self.findings.iter().map(before).max()?;
        (worst != self.verdict()).then_some(worst)
    }
}

impl NearestReport {
    /// The verdict there.
    pub fn verdict(&self) -> Verdict {
        self.verdict.parse().unwrap_or(Verdict::NotRestorable)
    }
}

impl FindingReport {
    /// What its condition is: `if` it holds the image can be restored, or evidence that is `missing`.
    pub fn condition_is(&self) -> &'static str {
        match self.changed_from().unwrap_or(self.verdict()) {
            Verdict::Conditional => "if",
            _ => "missing",
        }
    }

    fn of(finding: &Finding) -> Self {
        let outcome = &finding.outcome;
        let text = |text: &String| (!text.is_empty()).then(|| text.clone());
        Self {
            rule: finding.rule.id,
            layer: finding.rule.layer.name(),
            title: finding.rule.title,
            verdict: outcome.verdict.name(),
            changed_from: finding.changed_from.map(Verdict::name),
            requirement: text(&outcome.requirement),
            target_has: text(&outcome.target_has),
            condition: outcome.condition.clone(),
            remedy: (outcome.verdict != Verdict::Restorable).then_some(finding.rule.remedy),
            evidence: outcome.facts().map(CiteReport::of).collect(),
        }
    }

    /// The answer.
    pub fn verdict(&self) -> Verdict {
        self.verdict.parse().unwrap_or(Verdict::NotRestorable)
    }

    /// The answer before the policy changed it.
    pub fn changed_from(&self) -> Option<Verdict> {
        self.changed_from?.parse().ok()
    }

    /// Whether a reader must see it: it is not fine, or only because the policy says so.
    pub fn matters(&self) -> bool {
        self.verdict() != Verdict::Restorable || self.changed_from.is_some()
    }
}

impl CiteReport {
    fn of(cite: &Cite) -> Self {
        Self {
            what: cite.what.clone(),
            record: cite.record,
            offset: cite.offset,
            field: cite.field,
            address: cite.addr.map(|addr| format!("{addr:#010x}")),
            instruction: cite.instruction.clone(),
            function: cite.function.as_deref().map(shown),
            file: cite.file.as_deref().map(shown),
            process: cite.pid,
        }
    }
}

#[cfg(test)]
mod tests {
    fn assert_published(name: &str, schema: &str) {
        let path = format!("{}/json-schema/{name}", env!("CARGO_MANIFEST_DIR"));
        let schema = format!("{schema}\n");
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&path, &schema).unwrap();
        }
        let published = std::fs::read_to_string(&path).unwrap();
        assert_eq!(published, schema, "run the test once with BLESS=1");
    }

    #[test]
    fn the_published_schemas_are_those_of_the_code() {
        assert_published("report-1.json", &super::schema());
        assert_published("document-1.json", &super::document_schema());
    }
}
