//! Times in one run, by hyperfine: a program, the limit that the machine sets, and a peer.

use crate::run;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Times the programs next to `cat`, `cp` and their peers.
#[derive(clap::Args)]
pub(crate) struct Bench {
    /// Where large images are made and kept; needs about 8 GiB, most of it holes.
    #[arg(long, default_value = "target/bench")]
    dir: PathBuf,
    /// Only cases whose name contains this.
    filter: Option<String>,
    /// Makes the images and lists the commands without timing them.
    #[arg(long)]
    dry_run: bool,
}

/// Commands on the same work. `{}` stands for the image.
struct Case {
    name: &'static str,
    /// Arguments of the generator of `ckpt-samples`: kind and sizes; the file goes third or fourth.
    image: &'static [&'static str],
    /// Name and shell command; the first is ours, the second the limit or peer it is measured by.
    commands: &'static [(&'static str, &'static str)],
}

const CASES: &[Case] = &[
    Case {
        name: "index-4g-64m",
        image: &["pages", "4294967296", "16384", "{}"],
        commands: &[("integrity", "$BIN/ckpt-inspect --summary {} >/dev/null")],
    },
    Case {
        name: "index-4g-128k",
        image: &["pages", "4294967296", "32", "{}"],
        commands: &[("integrity", "$BIN/ckpt-inspect --summary {} >/dev/null")],
    },
    Case {
        name: "index-4g-4k",
        image: &["pages", "4294967296", "1", "{}"],
        commands: &[("integrity", "$BIN/ckpt-inspect --summary {} >/dev/null")],
    },
    Case {
        name: "pipe-1g-128k",
        image: &["pages", "1073741824", "32", "{}", "filled"],
        commands: &[
            (
                "json-lines",
                "cat {} | $BIN/ckpt-inspect --json-lines - >/dev/null",
            ),
            ("cat", "cat {} | cat >/dev/null"),
        ],
    },
    Case {
        name: "json-lines-1m-records",
        image: &["records", "1000000", "{}"],
        commands: &[
            ("json-lines", "$BIN/ckpt-inspect --json-lines {} >/dev/null"),
            ("cat", "cat {} >/dev/null"),
        ],
    },
    Case {
        name: "tree-100k-vmas",
        image: &["vmas", "100000", "{}"],
        commands: &[
            ("tree", "$BIN/ckpt-inspect --tree {} >/dev/null"),
            ("cat", "cat {} >/dev/null"),
        ],
    },
    Case {
        name: "search-1g-64m",
        image: &["pages", "1073741824", "16384", "{}", "filled"],
        commands: &[
            (
                "find",
                "$BIN/ckpt-inspect --find no-such-text-here {} >/dev/null || true",
            ),
            (
                "grep",
                "grep -c -a -F no-such-text-here {} >/dev/null || true",
            ),
            ("cat", "cat {} >/dev/null"),
        ],
    },
    Case {
        name: "search-1g-4k",
        image: &["pages", "1073741824", "1", "{}", "filled"],
        commands: &[
            (
                "find",
                "$BIN/ckpt-inspect --find no-such-text-here {} >/dev/null || true",
            ),
            (
                "grep",
                "grep -c -a -F no-such-text-here {} >/dev/null || true",
            ),
        ],
    },
    Case {
        name: "upgrade-1g-128k",
        image: &["pages", "1073741824", "32", "{}", "filled"],
        commands: &[
            (
                "r17-to-r18",
                "$BIN/ckpt-convert --to r18 --allow all --force {} -o {}.out",
            ),
            ("cp", "cp --reflink=never {} {}.out"),
        ],
    },
    Case {
        name: "upgrade-1g-64m",
        image: &["pages", "1073741824", "16384", "{}", "filled"],
        commands: &[
            (
                "r17-to-r18",
                "$BIN/ckpt-convert --to r18 --allow all --force {} -o {}.out",
            ),
            ("cp", "cp --reflink=never {} {}.out"),
        ],
    },
];

impl Bench {
    pub(crate) fn run(&self) -> Result<()> {
        fs::create_dir_all(&self.dir)?;
        run("cargo", &["build", "--release", "--workspace", "--bins"])?;
        run(
            "cargo",
            &[
                "build",
                "--release",
                "-p",
                "ckpt-samples",
                "--example",
                "big",
            ],
        )?;
        let mut table = String::from(
            "| Case | Command | Time | Memory | Ratio |\n| --- | --- | --- | --- | --- |\n",
        );
        let wanted = |case: &&Case| {
            self.filter
                .as_ref()
                .is_none_or(|f| case.name.contains(f.as_str()))
        };
        for case in CASES.iter().filter(wanted) {
            table += &self.case(case)?;
        }
        println!("\n{table}");
        Ok(())
    }

    fn case(&self, case: &Case) -> Result<String> {
        let image = self.image(case)?;
        let commands: Vec<(&str, String)> = case
            .commands
            .iter()
            .map(|(name, command)| (*name, fill(command, &image)))
            .collect();
        if self.dry_run {
            let line = |(name, command): &(&str, String)| {
                format!("| {} | {name} | `{command}` | | |\n", case.name)
            };
            return Ok(commands.iter().map(line).collect::<Vec<_>>().concat());
        }
        let report = self.dir.join(format!("{}.json", case.name));
        let mut args = vec![
            "--warmup",
            "1",
            "--min-runs",
            "5",
            "--style",
            "basic",
            "--export-json",
        ];
        let report_text = report.to_string_lossy().into_owned();
        args.push(&report_text);
        args.extend(commands.iter().map(|(_, command)| command.as_str()));
        run("hyperfine", &args)?;
        let results: serde_json::Value = serde_json::from_slice(&fs::read(&report)?)?;
        rows(case.name, &commands, &results)
    }

    /// Makes the image of a case unless an earlier run has; cases with the same image share it.
    fn image(&self, case: &Case) -> Result<String> {
        let words: Vec<&str> = case
            .image
            .iter()
            .copied()
            .filter(|word| *word != "{}")
            .collect();
        let path = self.dir.join(format!("{}.ckpt", words.join("-")));
        let text = path.to_string_lossy().into_owned();
        if !path.exists() {
            let args: Vec<String> = case
                .image
                .iter()
                .map(|word| word.replace("{}", &text))
                .collect();
            let status = Command::new("target/release/examples/big")
                .args(&args)
                .status()?;
            ensure!(status.success(), "big {} failed", args.join(" "));
        }
        Ok(text)
    }
}

fn fill(command: &str, image: &str) -> String {
    command
        .replace("$BIN", "target/release")
        .replace("{}", image)
}

/// One line a command: mean time, peak memory, ratio to the last command, the limit.
fn rows(case: &str, commands: &[(&str, String)], results: &serde_json::Value) -> Result<String> {
    let mean = |i: usize| {
        results["results"][i]["mean"]
            .as_f64()
            .context("no time in the report")
    };
    let limit = mean(commands.len().saturating_sub(1))?;
    let mut table = Vec::new();
    for (i, (name, command)) in commands.iter().enumerate() {
        let time = mean(i)?;
        let ratio = if commands.len() > 1 {
            format!("{:.2}", time / limit)
        } else {
            String::new()
        };
        let memory = peak_memory(command).map_or(String::new(), |mib| format!("{mib:.1} MiB"));
        table.push(format!(
            "| {case} | {name} | {:.1} ms | {memory} | {ratio} |\n",
            time * 1e3
        ));
    }
    Ok(table.concat())
}

/// Peak resident memory of a command in MiB, as GNU time reports it; `None` without GNU time.
fn peak_memory(command: &str) -> Option<f64> {
    if !Path::new("/usr/bin/time").exists() {
        return None;
    }
    let output = Command::new("/usr/bin/time")
        .args(["-f", "%M", "sh", "-c", command])
        .output()
        .ok()?;
    let text = String::from_utf8(output.stderr).ok()?;
    let kib: f64 = text.lines().last()?.trim().parse().ok()?;
    Some(kib / 1024.0)
}
