//! The example of the guide: a fleet judged under Spark on a local cluster, and its reports queried by DuckDB.

use ckpt_format::Tag;
use ckpt_tests::triggers::Editor;
use ckpt_tests::{Random, programs, tools};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const IMAGES: usize = 2100;
const TARGETS: [&str; 3] = ["sa1110", "v7", "v8"];

/// Target and verdict, and how many images have it.
type Table = BTreeMap<(String, String), u64>;

/// Images of ARM, each of another second; one in fifty is cut short.
fn generate(directory: &Path) -> PathBuf {
    let base: Vec<Vec<u8>> = ckpt_samples::all()
        .iter()
        .filter(|sample| sample.name.contains("-arm"))
        // The sensor's code takes long to scan without optimisation.
        .filter(|sample| !["sensor-r18-arm", "overwritten-r18-arm"].contains(&sample.name))
        .map(|sample| (sample.bytes)())
        .collect();
    let mut random = Random::new(6);
    let mut names = String::new();
    for index in 0..IMAGES {
        let mut editor = Editor::new(base[index % base.len()].clone());
        editor.set(Tag::Header, 0, "time", index as u64);
        let mut image = editor.into_bytes();
        if random.one_in(50) {
            let len = random.below(image.len() as u64);
            image.truncate(usize::try_from(len).unwrap());
        }
        let path = directory.join(format!("image-{index:04}.ckpt"));
        fs::write(&path, image).unwrap();
        names.push_str(&path.display().to_string());
        names.push('\n');
    }
    let list = directory.join("list");
    fs::write(&list, names).unwrap();
    list
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

/// Cells of a Markdown table whose first row names the verdicts.
fn printed(text: &str) -> Table {
    let cells = |line: &str| -> Vec<String> {
        let inner = line.trim_matches('|').split('|');
        inner.map(|cell| cell.trim().to_owned()).collect()
    };
    let mut rows = text.lines().filter(|line| line.starts_with('|')).map(cells);
    let head = rows.next().unwrap();
    let mut table = Table::new();
    for row in rows.skip(1) {
        for (verdict, count) in head.iter().zip(&row).skip(1) {
            table.insert((row[0].clone(), verdict.clone()), count.parse().unwrap());
        }
    }
    table.retain(|_, count| *count > 0);
    table
}

/// The same from one process on this machine.
fn alone(program: &Path, list: &Path) -> Table {
    let mut command = Command::new(program);
    command
        .args(["--format", "ndjson", "--files-from"])
        .arg(list);
    command.args(TARGETS.iter().flat_map(|target| ["-t", target]));
    let lines = String::from_utf8(command.output().unwrap().stdout).unwrap();
    let mut table = Table::new();
    for line in lines.lines() {
        let report: serde_json::Value = serde_json::from_str(line).unwrap();
        for (index, target) in TARGETS.iter().enumerate() {
            let verdict = report["targets"][index]["verdict"].as_str();
            let verdict = verdict.unwrap_or("cannot be judged").to_owned();
            *table.entry(((*target).to_owned(), verdict)).or_default() += 1;
        }
    }
    table
}

#[test]
fn spark_and_duckdb_count_the_same_verdicts_as_one_process() {
    let Some(python) = crate::python(&["pyspark", "duckdb"]) else {
        return;
    };
    if !tools::have(&["java"]) {
        return;
    }
    let program = programs::path("ckpt-check");
    let directory = tempfile::tempdir().unwrap();
    let list = generate(directory.path());
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../format-spec/guide/fleet");

    let expected = alone(&program, &list);
    for target in TARGETS {
        let of_target = expected.iter().filter(|((name, _), _)| name == target);
        assert_eq!(
            of_target.map(|(_, count)| count).sum::<u64>(),
            IMAGES as u64
        );
    }
    assert!(expected.len() > 2 * TARGETS.len(), "{expected:?}");

    let mut spark = Command::new(&python);
    spark
        .current_dir(directory.path())
        .arg(guide.join("check_fleet.py"))
        .args(["--master", "local-cluster[2,1,1024]", "--partitions", "4"])
        .args(["--reports", "reports", "--ckpt-check"])
        .arg(&program)
        .args(TARGETS.iter().flat_map(|target| ["--target", target]))
        .arg(&list)
        .env("SPARK_LOCAL_IP", "127.0.0.1")
        .env("SPARK_LOCAL_HOSTNAME", "localhost")
        .env("PYSPARK_PYTHON", &python);
    assert_eq!(printed(&run(&mut spark)), expected);

    let query = "import duckdb, json, sys; print(json.dumps(duckdb.sql(open(sys.argv[1]).read()).fetchall()))";
    let rows = |file: &str| -> Vec<(String, String, u64)> {
        let mut duckdb = Command::new(&python);
        duckdb
            .current_dir(directory.path())
            .args(["-c", query])
            .arg(guide.join(file));
        serde_json::from_str(&run(&mut duckdb)).unwrap()
    };
    let queried: Table = rows("verdicts.sql")
        .into_iter()
        .map(|(target, verdict, count)| ((target, verdict), count))
        .collect();
    let mut judged = expected;
    judged.retain(|(_, verdict), _| verdict != "cannot be judged");
    assert_eq!(queried, judged);
    let reasons = rows("reasons.sql");
    let refused = |(_, _, images): &(String, String, u64)| *images <= IMAGES as u64;
    assert!(
        !reasons.is_empty() && reasons.iter().all(refused),
        "{reasons:?}"
    );
}
