//! Reports in the forms that other programs read.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use ckpt_cli::output::{Atomic, no_input};
use ckpt_compat::Verdict;
use ckpt_compat::report::{Document, FindingReport, Report, SCHEMA, TargetReport};
use ckpt_compat::rules::rules;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::table::{self, Style};
use super::{Arguments, Format, done, images};

/// Where the report goes: standard output, or a file.
pub(super) struct Place {
    out: BufWriter<File>,
    /// A file that appears when it is complete.
    whole: Option<Atomic>,
}

impl Place {
    /// NDJSON is written line by line, so that a run which was stopped can go on with `--skip-done`; a file of
    /// another form appears when it is complete.
    pub(super) fn open(arguments: &Arguments) -> Result<Self> {
        let mut whole = None;
        let mut file = match &arguments.output {
            Some(path) if path.as_os_str() != "-" => {
                refuse_input(path, arguments)?;
                let fail = || path.display().to_string();
                if arguments.format == Format::Ndjson {
                    let goes_on = arguments.skip_done.as_ref() == Some(path);
                    if goes_on {
                        done::keep_answers(path).with_context(fail)?;
                    }
                    let mut options = File::options();
                    options.create(true).write(true);
                    options.append(goes_on).truncate(!goes_on);
                    options.open(path).with_context(fail)?
                } else {
                    let atomic = Atomic::create(path, true).with_context(fail)?;
                    let file = atomic.file()?;
                    whole = Some(atomic);
                    file
                }
            }
            _ => File::from(io::stdout().as_fd().try_clone_to_owned()?),
        };
        if let Some(done) = &arguments.skip_done {
            done::mend(&mut file, done)?;
        }
        let out = BufWriter::with_capacity(64 << 10, file);
        Ok(Self { out, whole })
    }

    /// Everything is written.
    pub(super) fn finish(mut self) -> Result<()> {
        self.out.flush()?;
        if let Some(whole) = self.whole {
            whole.commit()?;
        }
        Ok(())
    }
}

/// A report must not take the place of what it is about. Images that only a list names are known by what they are.
fn refuse_input(output: &Path, arguments: &Arguments) -> Result<()> {
    let inputs = arguments
        .images
        .iter()
        .chain(&arguments.files_from)
        .chain(&arguments.target_file)
        .chain(&arguments.target_cpuinfo)
        .chain(&arguments.target_config)
        .chain(&arguments.target_auxv)
        .chain(&arguments.policy)
        .chain(&arguments.baseline);
    no_input(output, inputs.map(PathBuf::as_path))
        .map_err(|why| anyhow!("--output {why}; name another file"))?;
    if images::is_image(output) {
        bail!(
            "--output {}: that is an image, and no report; name another file, or remove it first",
            output.display()
        );
    }
    Ok(())
}

impl Write for Place {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Takes reports one by one; forms that are one document are written at the end.
pub(super) struct Printer {
    format: Format,
    annotations: bool,
    style: Style,
    /// The first verdict that refuses.
    bar: Verdict,
    reports: Vec<Report>,
}

impl Printer {
    pub(super) fn new(arguments: &Arguments) -> Self {
        let terminal = io::stdout().is_terminal() && arguments.output.is_none();
        let colour = arguments.shared.color.wanted(terminal);
        Self {
            format: arguments.format,
            annotations: arguments.annotations,
            style: Style {
                verbose: arguments.verbose,
                quiet: arguments.quiet,
                colour,
                matrix: arguments.all_targets,
            },
            bar: arguments.bar(),
            reports: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, out: &mut impl Write, report: Report) -> io::Result<()> {
        match self.format {
            _ if self.annotations => self.reports.push(report),
            Format::Text => {
                if report.error.is_some() {
                    table::print(&mut io::stderr(), &report, self.style)?;
                } else {
                    table::print(out, &report, self.style)?;
                }
            }
            Format::Ndjson => {
                serde_json::to_writer(&mut *out, &report)?;
                writeln!(out)?;
                // What is written is done, whatever happens to this run.
                out.flush()?;
            }
            _ => self.reports.push(report),
        }
        Ok(())
    }

    pub(super) fn finish(self, out: &mut impl Write) -> io::Result<()> {
        let reports = &self.reports;
        match self.format {
            _ if self.annotations => json_line(out, &annotations(reports)),
            Format::Text | Format::Ndjson => Ok(()),
            Format::Json => {
                let document = Document {
                    schema: SCHEMA,
                    images: reports,
                };
                json_line(out, &document)
            }
            Format::Sarif => json_line(out, &sarif(reports, self.bar)),
            Format::Junit => write!(out, "{}", junit(reports, self.bar)),
            Format::Markdown => write!(out, "{}", markdown(reports)),
        }
    }
}

fn json_line(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)
}

/// Every image, target and finding that is not fine, or only by policy.
fn open_findings(
    reports: &[Report],
) -> impl Iterator<Item = (&Report, &TargetReport, &FindingReport)> {
    reports.iter().flat_map(|report| {
        report.targets.iter().flat_map(move |target| {
            let open = target.findings.iter().filter(|finding| finding.matters());
            open.map(move |finding| (report, target, finding))
        })
    })
}

fn sentence(target: &TargetReport, finding: &FindingReport) -> String {
    let mut text = finding.verdict.to_owned();
    if let Some(from) = finding.changed_from {
        let _ = write!(text, " by policy (was {from})");
    }
    let _ = write!(text, " on {}: ", target.target);
    let requirement = finding.requirement.as_deref().unwrap_or(finding.title);
    let _ = write!(
        text,
        "requires {requirement}; target: {}",
        finding.target_has.as_deref().unwrap_or("unknown")
    );
    if let Some(condition) = &finding.condition {
        let _ = write!(text, "; {}: {condition}", finding.condition_is());
    }
    text
}

/// SARIF 2.1.0 (OASIS): a run, its rules, and a result for each finding that is not fine, or only by policy.
fn sarif(reports: &[Report], bar: Verdict) -> Value {
    let rule = |rule: &ckpt_compat::rules::Rule| {
        json!({
            "id": rule.id,
            "shortDescription": { "text": rule.title },
            "fullDescription": { "text": rule.rationale },
            "help": { "text": rule.remedy },
        })
    };
    let result = |(report, target, finding): (&Report, &TargetReport, &FindingReport)| {
        let level = match finding.verdict() {
            Verdict::Restorable => "none",
            verdict if verdict >= bar => "error",
            _ => "warning",
        };
        let mut region = Map::new();
        if let Some(offset) = finding.evidence.iter().find_map(|cite| cite.offset) {
            region.insert("byteOffset".to_owned(), json!(offset));
        }
        let mut place = json!({ "artifactLocation": { "uri": uri(&report.image) } });
        if let Some(object) = place.as_object_mut().filter(|_| !region.is_empty()) {
            object.insert("region".to_owned(), Value::Object(region));
        }
        json!({
            "ruleId": finding.rule,
            "level": level,
            "message": { "text": sentence(target, finding) },
            "locations": [{ "physicalLocation": place }],
            "properties": { "target": target.target, "layer": finding.layer, "verdict": finding.verdict },
        })
    };
    let failures: Vec<Value> = reports
        .iter()
        .filter_map(|report| {
            let error = report.error.as_ref()?;
            Some(json!({ "level": "error", "message": { "text": format!("{}: {error}", report.image) } }))
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "ckpt-check",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules().map(rule).collect::<Vec<_>>(),
            } },
            "invocations": [{ "executionSuccessful": failures.is_empty(), "toolExecutionNotifications": failures }],
            "results": open_findings(reports).map(result).collect::<Vec<_>>(),
        }],
    })
}

/// What a path may hold unescaped in a URI (RFC 3986).
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// The name of an image as a reference: an absolute path, one from where the program runs, or an object in a store.
fn uri(image: &str) -> String {
    if image.contains("://") {
        return image.to_owned();
    }
    let host = if image.starts_with('/') {
        "file://"
    } else {
        ""
    };
    format!("{host}{}", utf8_percent_encode(image, IN_PATH))
}

fn xml(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // Control characters have no place in XML 1.0.
            c if c.is_control() && c != '\n' && c != '\t' => escaped.push('\u{fffd}'),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

/// JUnit: a suite for each image, a case for each target; what is refused fails, unknown is skipped, a fault is an error.
fn junit(reports: &[Report], bar: Verdict) -> String {
    let mut text = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"ckpt-check\">\n",
    );
    for report in reports {
        let verdicts = || report.targets.iter().map(TargetReport::verdict);
        let failures = verdicts().filter(|verdict| *verdict >= bar).count();
        let skipped = verdicts()
            .filter(|verdict| is_skipped(*verdict, bar))
            .count();
        let error = usize::from(report.error.is_some());
        let _ = writeln!(
            text,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failures}\" skipped=\"{skipped}\" errors=\"{error}\">",
            xml(&report.image),
            report.targets.len() + error,
        );
        if let Some(error) = &report.error {
            let _ = writeln!(
                text,
                "    <testcase name=\"open\"><error message=\"{}\"/></testcase>",
                xml(error)
            );
        }
        for target in &report.targets {
            junit_case(&mut text, report, target, bar);
        }
        text.push_str("  </testsuite>\n");
    }
    text.push_str("</testsuites>\n");
    text
}

fn is_skipped(verdict: Verdict, bar: Verdict) -> bool {
    verdict == Verdict::Unknown && verdict < bar
}

fn junit_case(text: &mut String, report: &Report, target: &TargetReport, bar: Verdict) {
    let worst = target
        .findings
        .iter()
        .filter(|finding| finding.matters() && finding.verdict() == target.verdict());
    let why: Vec<String> = worst
        .map(|finding| format!("{}: {}", finding.rule, sentence(target, finding)))
        .collect();
    let (name, why) = (xml(&target.target), xml(&why.join("\n")));
    let _ = write!(
        text,
        "    <testcase name=\"{name}\" classname=\"{}\">",
        xml(&report.image)
    );
    let _ = match target.verdict() {
        Verdict::Restorable if why.is_empty() => Ok(()),
        Verdict::NotRestorable => {
            write!(text, "<failure message=\"not restorable\">{why}</failure>")
        }
        verdict if verdict >= bar => {
            write!(text, "<failure message=\"{verdict}\">{why}</failure>")
        }
        verdict if is_skipped(verdict, bar) => write!(text, "<skipped message=\"{why}\"/>"),
        _ => write!(text, "<system-out>{why}</system-out>"),
    };
    text.push_str("</testcase>\n");
}

/// Text for a table cell: bars and line ends would break it.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

fn markdown(reports: &[Report]) -> String {
    let mut text = String::from(
        "| image | target | verdict | kernel | run | loss |\n| --- | --- | --- | --- | --- | --- |\n",
    );
    for report in reports {
        if let Some(error) = &report.error {
            let _ = writeln!(
                text,
                "| {} | | cannot be judged: {} | | | |",
                cell(&report.shown_name()),
                cell(error)
            );
        }
        for target in &report.targets {
            let layers = &target.layers;
            let symbol = target.verdict().symbol();
            let _ = writeln!(
                text,
                "| {} | {} | {symbol} {}{} | {} | {} | {} |",
                cell(&report.shown_name()),
                cell(&target.target),
                target.verdict,
                table::by_policy(target.changed_from()),
                layers.kernel,
                layers.run,
                layers.loss
            );
        }
    }
    for (report, target, finding) in open_findings(reports) {
        let _ = write!(
            text,
            "\n- **{}** {}: {}",
            finding.rule,
            cell(&report.shown_name()),
            sentence(target, finding)
        );
        for cite in finding.evidence.iter().take(3) {
            let _ = write!(text, "\n  - {}", cite.what);
        }
    }
    text.push('\n');
    text
}

/// OCI annotations: reverse-domain keys, string values.
fn annotations(reports: &[Report]) -> Value {
    let mut map = Map::new();
    let mut set = |key: String, value: String| map.insert(key, Value::String(value));
    for (index, report) in reports.iter().enumerate() {
        let prefix = if reports.len() == 1 {
            "org.ckpt.check".to_owned()
        } else {
            format!("org.ckpt.check.{index}")
        };
        set(format!("{prefix}.schema"), SCHEMA.to_string());
        set(format!("{prefix}.image"), report.image.clone());
        if let Some(error) = &report.error {
            set(format!("{prefix}.error"), error.clone());
        }
        if let Some(nearest) = &report.nearest {
            set(format!("{prefix}.nearest"), nearest.target.clone());
            set(format!("{prefix}.needs"), nearest.needs.clone());
            set(format!("{prefix}.needs.abi"), nearest.abis.join(","));
            set(
                format!("{prefix}.needs.byte-order"),
                nearest.byte_order.clone().unwrap_or_default(),
            );
            set(
                format!("{prefix}.nearest.verdict"),
                nearest.verdict.to_owned(),
            );
        }
        for target in &report.targets {
            set(
                format!("{prefix}.verdict.{}", target.target),
                target.verdict.to_owned(),
            );
            let open = target
                .findings
                .iter()
                .filter(|finding| finding.verdict() != Verdict::Restorable);
            let rules: Vec<String> = open
                .map(|finding| format!("{}={}", finding.rule, finding.verdict))
                .collect();
            set(format!("{prefix}.rules.{}", target.target), rules.join(","));
            let changed = |finding: &FindingReport| {
                let from = finding.changed_from?;
                Some(format!("{}={from}", finding.rule))
            };
            let changed: Vec<String> = target.findings.iter().filter_map(changed).collect();
            if !changed.is_empty() {
                set(
                    format!("{prefix}.policy.{}", target.target),
                    changed.join(","),
                );
            }
        }
    }
    Value::Object(map)
}
