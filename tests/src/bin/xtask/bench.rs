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

/// Commands on the same work.
struct Case {
    name: &'static str,
    /// What has to come out: what is measured, and the bar.
    bar: &'static str,
    /// Shell commands that make the inputs in `$DIR`, by the file that each makes.
    inputs: &'static [(&'static str, &'static str)],
    /// Program and shell command; the first is ours, the others the limit of the machine or a peer. Those that are
    /// not installed are left out.
    commands: &'static [(&'static str, &'static str)],
}

/// Inputs that several cases share.
mod input {
    type Input = (&'static str, &'static str);

    pub(super) const SPARSE_64M: Input = ("4g-64m", "$BIG pages 4294967296 16384 $DIR/4g-64m");
    pub(super) const SPARSE_128K: Input = ("4g-128k", "$BIG pages 4294967296 32 $DIR/4g-128k");
    pub(super) const SPARSE_4K: Input = ("4g-4k", "$BIG pages 4294967296 1 $DIR/4g-4k");
    pub(super) const RECORDS: Input = ("1m-records", "$BIG records 1000000 $DIR/1m-records");
    pub(super) const FULL_64M: Input = ("1g-64m", "$BIG pages 1073741824 16384 $DIR/1g-64m filled");
    pub(super) const FULL_128K: Input = ("1g-128k", "$BIG pages 1073741824 32 $DIR/1g-128k filled");
    pub(super) const FULL_4K: Input = ("1g-4k", "$BIG pages 1073741824 1 $DIR/1g-4k filled");
    pub(super) const CODE: Input = (
        "128m-code",
        "$BIG pages 134217728 16384 $DIR/128m-code filled",
    );
    pub(super) const SET: Input = (
        "1g-set",
        "$BIN/ckpt-convert -q $DIR/1g-128k --to criu --allow all -o $DIR/1g-set",
    );
    pub(super) const RUNS: Input = ("256k-runs", "$BIG runs 262144 $DIR/256k-runs");
    pub(super) const SET_OF_RUNS: Input = (
        "256k-runs-set",
        "$BIN/ckpt-convert -q $DIR/256k-runs --to criu --allow all -o $DIR/256k-runs-set",
    );
    pub(super) const CORE: Input = (
        "1g-core",
        "$BIN/ckpt-convert -q $DIR/1g-64m --to core --allow all -o $DIR/1g-core",
    );
    pub(super) const RAW: Input = ("100m-raw", "head -c 104857600 $DIR/1g-64m > $DIR/100m-raw");
}

const CASES: &[Case] = &[
    Case {
        name: "index 4 GiB, 64 MiB records",
        bar: "1 ms and the start of the program",
        inputs: &[input::SPARSE_64M],
        commands: &[
            ("ckpt-inspect", "$BIN/ckpt-inspect --stats $DIR/4g-64m"),
            ("start alone", "$BIN/ckpt-inspect --version"),
        ],
    },
    Case {
        name: "index 4 GiB, 128 KiB records",
        bar: "60 ms",
        inputs: &[input::SPARSE_128K],
        commands: &[("ckpt-inspect", "$BIN/ckpt-inspect --stats $DIR/4g-128k")],
    },
    Case {
        name: "index 4 GiB, 4.2 million records",
        bar: "600 ms",
        inputs: &[input::SPARSE_4K],
        commands: &[("ckpt-inspect", "$BIN/ckpt-inspect --stats $DIR/4g-4k")],
    },
    Case {
        name: "pipe 1 GiB, 128 KiB records",
        bar: "1.05 x cat",
        inputs: &[input::FULL_128K],
        commands: &[
            (
                "ckpt-inspect",
                "cat $DIR/1g-128k | $BIN/ckpt-inspect --stats -",
            ),
            ("cat", "cat $DIR/1g-128k | cat"),
        ],
    },
    Case {
        name: "pipe 1 GiB, one-page records",
        bar: "1.05 x cat",
        inputs: &[input::FULL_4K],
        commands: &[
            (
                "ckpt-inspect",
                "cat $DIR/1g-4k | $BIN/ckpt-inspect --stats -",
            ),
            ("cat", "cat $DIR/1g-4k | cat"),
        ],
    },
    Case {
        name: "a million records to JSON Lines",
        bar: "300 ms",
        inputs: &[input::RECORDS],
        commands: &[(
            "ckpt-inspect",
            "$BIN/ckpt-inspect --json-lines $DIR/1m-records",
        )],
    },
    Case {
        name: "262 144 page runs of a CRIU set, all records to JSON Lines",
        bar: "50 x crit (its page map alone)",
        inputs: &[input::RUNS, input::SET_OF_RUNS],
        commands: &[
            (
                "ckpt-inspect",
                "$BIN/ckpt-inspect --json-lines $DIR/256k-runs-set",
            ),
            ("crit", "crit decode -i $DIR/256k-runs-set/pagemap-1.img"),
        ],
    },
    Case {
        name: "search 1 GiB, 64 MiB records",
        bar: "150 ms",
        inputs: &[input::FULL_64M],
        commands: &[
            (
                "ckpt-inspect",
                "$BIN/ckpt-inspect --find no-such-text-here $DIR/1g-64m || true",
            ),
            (
                "grep",
                "grep -c -a -F no-such-text-here $DIR/1g-64m || true",
            ),
            ("cat", "cat $DIR/1g-64m | head -c 0; cat $DIR/1g-64m"),
        ],
    },
    Case {
        name: "search 1 GiB, 262 144 records",
        bar: "150 ms",
        inputs: &[input::FULL_4K],
        commands: &[
            (
                "ckpt-inspect",
                "$BIN/ckpt-inspect --find no-such-text-here $DIR/1g-4k || true",
            ),
            ("grep", "grep -c -a -F no-such-text-here $DIR/1g-4k || true"),
        ],
    },
    Case {
        name: "CRIU to core, 1 GiB",
        bar: "1.3 x cp",
        inputs: &[input::FULL_128K, input::SET],
        commands: &[
            (
                "ckpt-convert",
                "$BIN/ckpt-convert -q -f $DIR/1g-set --to core --allow all -o $DIR/out",
            ),
            (
                "cp",
                "rm -f $DIR/out; cp $DIR/1g-set/pages-1.img $DIR/out; sync $DIR/out",
            ),
        ],
    },
    Case {
        name: "upgrade 1 GiB, 64 MiB records",
        bar: "1.0 x cp",
        inputs: &[input::FULL_64M],
        commands: &[
            (
                "ckpt-convert",
                "$BIN/ckpt-convert -q -f $DIR/1g-64m --to r18 --allow all -o $DIR/out",
            ),
            (
                "cp",
                "rm -f $DIR/out; cp $DIR/1g-64m $DIR/out; sync $DIR/out",
            ),
        ],
    },
    Case {
        name: "upgrade 1 GiB, 128 KiB records",
        bar: "1.25 x cp",
        inputs: &[input::FULL_128K],
        commands: &[
            (
                "ckpt-convert",
                "$BIN/ckpt-convert -q -f $DIR/1g-128k --to r18 --allow all -o $DIR/out",
            ),
            (
                "cp",
                "rm -f $DIR/out; cp $DIR/1g-128k $DIR/out; sync $DIR/out",
            ),
        ],
    },
    Case {
        name: "upgrade 1 GiB, one-page records",
        bar: "1.25 x cp",
        inputs: &[input::FULL_4K],
        commands: &[
            (
                "ckpt-convert",
                "$BIN/ckpt-convert -q -f $DIR/1g-4k --to r18 --allow all -o $DIR/out",
            ),
            (
                "cp",
                "rm -f $DIR/out; cp $DIR/1g-4k $DIR/out; sync $DIR/out",
            ),
        ],
    },
    Case {
        name: "upgrade 1 GiB in a pipe, 128 KiB records",
        bar: "1.1 x cat, cat, cat",
        inputs: &[input::FULL_128K],
        commands: &[
            (
                "ckpt-convert",
                "cat $DIR/1g-128k | $BIN/ckpt-convert -q --to r18 --allow all | cat",
            ),
            ("cat", "cat $DIR/1g-128k | cat | cat"),
        ],
    },
    Case {
        name: "registers from a core of 1 GiB",
        bar: "5 ms",
        inputs: &[input::FULL_64M, input::CORE],
        commands: &[
            ("ckpt-inspect", "$BIN/ckpt-inspect --regs $DIR/1g-core"),
            (
                "gdb-multiarch",
                "gdb-multiarch -q -batch -nx -ex 'set architecture arm' -ex 'info registers' -c $DIR/1g-core",
            ),
            ("eu-readelf", "eu-readelf -n $DIR/1g-core"),
        ],
    },
    Case {
        name: "hex dump of 64 MiB",
        bar: "1 s for 100 MiB",
        inputs: &[input::FULL_64M, input::RAW],
        commands: &[
            (
                "ckpt-inspect",
                "$BIN/ckpt-inspect --memory 1:0x10000000+67108864 $DIR/1g-64m",
            ),
            ("xxd", "head -c 67108864 $DIR/100m-raw | xxd"),
            (
                "hexyl",
                "head -c 67108864 $DIR/100m-raw | hexyl --color=never",
            ),
        ],
    },
    Case {
        name: "verdict with a scan of 64 MiB of code",
        bar: "",
        inputs: &[input::CODE],
        commands: &[
            (
                "ckpt-check",
                "$BIN/ckpt-check --target v7-neon -q $DIR/128m-code || true",
            ),
            (
                "objdump",
                "arm-linux-gnueabi-objdump -D -b binary -m arm $DIR/128m-code --start-address=0 --stop-address=67108864",
            ),
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
            "| Work | Bar | Program | Time | Memory | Times ours |\n| --- | --- | --- | --- | --- | --- |\n",
        );
        let wanted = |case: &&Case| {
            self.filter
                .as_ref()
                .is_none_or(|f| case.name.contains(f.as_str()))
        };
        for case in CASES.iter().filter(wanted) {
            table += &self.case(case)?;
        }
        let interface = self
            .filter
            .as_ref()
            .is_none_or(|f| "interface".contains(f.as_str()));
        if interface && !self.dry_run {
            table = format!("{table}\n{}", interface_table()?);
        }
        println!("\n{table}");
        if self.filter.is_none() && !self.dry_run {
            fs::write(PAGE, format!("{HEAD}{table}"))?;
            eprintln!("wrote {PAGE}");
        }
        Ok(())
    }

    fn case(&self, case: &Case) -> Result<String> {
        for (name, command) in case.inputs {
            if !self.dir.join(name).exists() {
                run("sh", &["-c", &self.fill(command)])?;
            }
        }
        let installed = |(name, _): &&(&str, &str)| {
            name.starts_with("ckpt-") || *name == "start alone" || is_installed(name)
        };
        let commands: Vec<(&str, String)> = case
            .commands
            .iter()
            .filter(installed)
            .map(|(name, command)| (*name, self.fill(command)))
            .collect();
        if self.dry_run {
            let line = |(name, command): &(&str, String)| {
                format!(
                    "| {} | {} | {name} | `{command}` | | |\n",
                    case.name, case.bar
                )
            };
            return Ok(commands.iter().map(line).collect::<Vec<_>>().concat());
        }
        let report = self.dir.join("report.json");
        let report_text = report.to_string_lossy().into_owned();
        let mut args = vec!["--warmup", "1", "--min-runs", "5", "--style", "basic"];
        args.extend(["--output", "null", "--export-json", &report_text]);
        args.extend(commands.iter().map(|(_, command)| command.as_str()));
        run("hyperfine", &args)?;
        let results: serde_json::Value = serde_json::from_slice(&fs::read(&report)?)?;
        rows(case, &commands, &results)
    }

    fn fill(&self, command: &str) -> String {
        command
            .replace("$BIN", "target/release")
            .replace("$BIG", "target/release/examples/big")
            .replace("$DIR", &self.dir.to_string_lossy())
    }
}

/// What the bench of the interface measures of itself: screens are no commands for hyperfine.
fn interface_table() -> Result<String> {
    let output = Command::new("cargo")
        .args(["bench", "-p", "ckpt-inspect", "--bench", "screen"])
        .stderr(std::process::Stdio::inherit())
        .output()?;
    ensure!(output.status.success(), "the bench of the interface failed");
    Ok(String::from_utf8(output.stdout)?)
}

/// Where the table is kept.
const PAGE: &str = "tests/reports/bench.md";
const HEAD: &str = "# Side by side\n\n\
    Written by `cargo xtask bench`: optimised programs, files in the page cache, the median of five runs or more of\n\
    one session on a virtual machine with two cores. Ratios say more than times.\n\n";

fn is_installed(name: &str) -> bool {
    let program = if name == "objdump" {
        "arm-linux-gnueabi-objdump"
    } else {
        name
    };
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|folder| folder.join(program).exists())
}

/// One line a command: median time, peak memory, ratio to ours.
fn rows(case: &Case, commands: &[(&str, String)], results: &serde_json::Value) -> Result<String> {
    let median = |i: usize| {
        results["results"][i]["median"]
            .as_f64()
            .context("no time in the report")
    };
    let ours = median(0)?;
    let mut table = Vec::new();
    for (i, (name, command)) in commands.iter().enumerate() {
        let time = median(i)?;
        let ratio = if i > 0 {
            format!("{:.2}", time / ours)
        } else {
            String::new()
        };
        let memory = peak_memory(command).map_or(String::new(), |mib| format!("{mib:.0} MiB"));
        let (work, bar) = if i == 0 {
            (case.name, case.bar)
        } else {
            ("", "")
        };
        table.push(format!(
            "| {work} | {bar} | {name} | {:.1} ms | {memory} | {ratio} |\n",
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
        .stdout(std::process::Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stderr).ok()?;
    let kib: f64 = text.lines().last()?.trim().parse().ok()?;
    Some(kib / 1024.0)
}
