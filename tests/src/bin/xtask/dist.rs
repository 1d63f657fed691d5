//! What is installed with the programs: manual pages, completions, a Debian package.

use crate::run;
use anyhow::{Context as _, Result, ensure};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Builds the programs, their manual pages and completions, and with `--deb` a Debian package.
#[derive(clap::Args)]
pub(crate) struct Dist {
    /// Also make target/debian/ckpt-tools_*.deb (needs cargo-deb).
    #[arg(long)]
    deb: bool,
    /// The build to take, which must be there already; without it a release build is made.
    #[arg(long, value_name = "DIR")]
    built: Option<String>,
}

const PROGRAMS: [&str; 3] = ["ckpt-inspect", "ckpt-check", "ckpt-convert"];

/// Shell, and how its files are called; `*` stands for the program.
const SHELLS: [(&str, &str); 4] = [
    ("bash", "bash/*"),
    ("zsh", "zsh/_*"),
    ("fish", "fish/*.fish"),
    ("elvish", "elvish/*.elv"),
];

impl Dist {
    pub(crate) fn run(&self) -> Result<()> {
        let built = self.built.as_deref().unwrap_or("target/release");
        if self.built.is_none() {
            run(
                "cargo",
                &[
                    "build",
                    "--release",
                    "--locked",
                    "-p",
                    "ckpt-inspect",
                    "-p",
                    "ckpt-convert",
                ],
            )?;
        }
        let dist = Path::new("target/dist");
        for program in PROGRAMS {
            let binary = Path::new(built).join(program);
            write(&dist.join(format!("man/{program}.1")), &binary, &["--man"])?;
            for (shell, file) in SHELLS {
                let file = dist.join("completions").join(file.replace('*', program));
                write(&file, &binary, &["--completions", shell])?;
            }
        }
        println!("manual pages and completions are in {}", dist.display());
        if self.deb {
            run(
                "cargo",
                &["deb", "-p", "ckpt-convert", "--no-build", "--locked"],
            )?;
        }
        Ok(())
    }
}

/// Keeps what a program prints.
fn write(file: &Path, program: &Path, args: &[&str]) -> Result<()> {
    let output = Command::new(program)
        .args(args)
        .output()
        .with_context(|| format!("cannot run {}", program.display()))?;
    ensure!(
        output.status.success(),
        "{} {args:?} failed",
        program.display()
    );
    if let Some(parent) = file.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(file, output.stdout).with_context(|| file.display().to_string())
}
