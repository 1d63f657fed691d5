//! Reports for machines, read by others: SARIF by a model made of the OASIS schema, JUnit by a reader of CI servers.

use std::path::Path;
use std::process::Command;

use ckpt_tests::programs;

/// Reads a SARIF and a JUnit report; prints the number of results of the first, and cases, failures and errors that the
/// other has, which must be those that it claims.
const READ: &str = "
import sys
from pydantic_sarif.model import StaticAnalysisResultsFormatSarifVersion210JsonSchema as Sarif
from junitparser import JUnitXml
sarif = Sarif.model_validate_json(open(sys.argv[1]).read())
print(sum(len(run.results or []) for run in sarif.runs))
suites = JUnitXml.fromfile(sys.argv[2])
claimed = [sum(getattr(suite, what) for suite in suites) for what in ('tests', 'failures', 'errors')]
kinds = [{type(result).__name__ for result in case.result} for suite in suites for case in suite]
found = [len(kinds)] + [sum(kind in of for of in kinds) for kind in ('Failure', 'Error')]
assert claimed == found, (claimed, found)
print(*found)
";

fn report(directory: &Path, format: &str, arguments: &[&str]) -> String {
    let path = directory.join(format);
    let path = path.to_str().unwrap();
    let output = Command::new(programs::path("ckpt-check"))
        .args(["--format", format, "-o", path])
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.code().is_some_and(|code| code <= 2));
    path.to_owned()
}

#[test]
fn others_read_sarif_and_junit_reports() {
    let Some(python) = crate::python(&["pydantic_sarif", "junitparser"]) else {
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let images = Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples/images");
    let image = |name: &str| images.join(name).to_str().unwrap().to_owned();
    let (minimal, tour) = (image("minimal-r17-arm.ckpt"), image("tour-r17-arm.ckpt"));
    let cut = directory.path().join("cut <&> \u{e9}.ckpt");
    let bytes = std::fs::read(&tour).unwrap();
    std::fs::write(&cut, &bytes[..700]).unwrap();
    let cut = cut.to_str().unwrap();
    // Images and targets; cases, failures and errors, as JUnit counts them.
    let runs: [(&[&str], &str); 3] = [
        (&[&minimal, "-t", "v7"], "1 0 0"),
        (
            &[&minimal, &tour, "-t", "v7", "-t", "apple-m1", "-v"],
            "4 2 0",
        ),
        (&[&minimal, cut, "-t", "v7"], "2 0 1"),
    ];
    for (arguments, wanted) in runs {
        let sarif = report(directory.path(), "sarif", arguments);
        let junit = report(directory.path(), "junit", arguments);
        let output = Command::new(&python)
            .args(["-c", READ, &sarif, &junit])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let [findings, counts] = said.lines().collect::<Vec<_>>()[..] else {
            panic!("{said}");
        };
        assert_ne!(findings, "0", "{arguments:?}");
        assert_eq!(counts, wanted, "{arguments:?}");
    }
}
