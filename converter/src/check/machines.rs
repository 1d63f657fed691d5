//! Targets by name, from files, from the running system.

use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow, bail};
use ckpt_compat::target::machine::{self, Facts, MachineError};
use ckpt_compat::target::{meet, parts};
use ckpt_compat::{Policy, Target};

use super::Arguments;

/// The machines to judge for.
pub(super) struct Targets {
    /// Those that are named first, each once.
    pub(super) all: Vec<Target>,
    /// How many the arguments and the policy name; the rest is the catalogue, which only shows.
    pub(super) named: usize,
}

/// All targets that the arguments and the policy name, and the catalogue if it is asked for.
pub(super) fn targets(arguments: &Arguments, policy: Option<&Policy>) -> Result<Targets> {
    let mut targets = Vec::new();
    let of_policy = policy
        .map(|policy| policy.targets.as_slice())
        .unwrap_or_default();
    for name in arguments.target.iter().chain(of_policy) {
        targets.push(if name == "host" {
            host()?
        } else {
            Target::named(name)?
        });
    }
    for path in &arguments.target_file {
        targets.push(from_file(path)?);
    }
    if let Some(cpuinfo) = &arguments.target_cpuinfo {
        targets.push(from_cpuinfo(arguments, cpuinfo)?);
    }
    let named = targets.len();
    if arguments.all_targets {
        let others = parts().map(|part| part.target);
        let is_new = |part: &Target| targets.iter().all(|target| target.name != part.name);
        let others: Vec<Target> = others.filter(is_new).collect();
        targets.extend(others);
    }
    Ok(Targets {
        all: targets,
        named,
    })
}

fn from_file(path: &Path) -> Result<Target> {
    let name = || path.display().to_string();
    let text = std::fs::read_to_string(path).with_context(name)?;
    Target::from_toml(&text).with_context(name)
}

/// Configurations are text of at most this many bytes.
const MAX_CONFIG_LEN: u64 = 16 << 20;

/// A kernel configuration, plain or gzip.
fn config(path: &Path) -> Result<String> {
    let name = || path.display().to_string();
    let bytes = std::fs::read(path).with_context(name)?;
    let mut text = String::new();
    if bytes.starts_with(&[0x1f, 0x8b]) {
        flate2::read::GzDecoder::new(bytes.as_slice())
            .take(MAX_CONFIG_LEN)
            .read_to_string(&mut text)
            .with_context(name)?;
    } else {
        text = String::from_utf8(bytes).with_context(name)?;
    }
    Ok(text)
}

fn from_cpuinfo(arguments: &Arguments, path: &Path) -> Result<Target> {
    let name = path.display().to_string();
    let cpuinfo = std::fs::read_to_string(path).with_context(|| name.clone())?;
    let config = arguments.target_config.as_deref().map(config).transpose()?;
    let auxv = arguments
        .target_auxv
        .as_deref()
        .map(|path| std::fs::read(path).with_context(|| path.display().to_string()))
        .transpose()?;
    let facts = Facts {
        name: &name,
        cpuinfo: &cpuinfo,
        config: config.as_deref(),
        auxv: auxv.as_deref(),
        ..Facts::default()
    };
    let file =
        |path: &Option<std::path::PathBuf>| path.as_ref().map(|path| path.display().to_string());
    machine::target(&facts).map_err(|error| match error {
        MachineError::Config => {
            anyhow!(error).context(file(&arguments.target_config).unwrap_or_default())
        }
        MachineError::Auxv { .. } => {
            anyhow!(error).context(file(&arguments.target_auxv).unwrap_or_default())
        }
        MachineError::NotArm(_) | MachineError::Architecture(_) => anyhow!(error),
    })
}

/// The machine that we run on, by its /proc files.
fn host() -> Result<Target> {
    let read = |path: &str| std::fs::read_to_string(path).with_context(|| path.to_owned());
    let cpuinfo = read("/proc/cpuinfo")?;
    let release = read("/proc/sys/kernel/osrelease").unwrap_or_default();
    let arch = read("/proc/sys/kernel/arch").unwrap_or_default();
    let config = [
        Path::new("/proc/config.gz"),
        Path::new(&format!("/boot/config-{}", release.trim())),
    ]
    .into_iter()
    .find(|path| path.is_file())
    .map(config)
    .transpose()?;
    let auxv = std::fs::read("/proc/self/auxv").ok();
    let facts = Facts {
        name: "host",
        cpuinfo: &cpuinfo,
        config: config.as_deref(),
        auxv: auxv.as_deref(),
        machine: Some(arch.trim()).filter(|arch| !arch.is_empty()),
        release: Some(release.trim()),
        mmap_min_addr: read("/proc/sys/vm/mmap_min_addr")
            .ok()
            .and_then(|text| text.trim().parse().ok()),
        page_size: None,
    };
    machine::target(&facts).context("--target host")
}

/// What `--fingerprint` writes: the machine as a target file.
pub(super) fn fingerprint(arguments: &Arguments) -> Result<String> {
    let targets = targets(arguments, None)?;
    match targets.all.as_slice() {
        [] => Ok(host()?.to_toml()),
        [one] => Ok(one.to_toml()),
        _ => bail!(
            "--fingerprint describes one machine, {} are named",
            targets.all.len()
        ),
    }
}

/// What `--baseline` writes: the greatest common target.
pub(super) fn baseline(arguments: &Arguments) -> Result<String> {
    let machines = arguments
        .baseline
        .iter()
        .map(|path| from_file(path))
        .collect::<Result<Vec<_>>>()?;
    match meet(&machines) {
        Some(target) => Ok(target.to_toml()),
        None => bail!(
            "these machines have no common target: they differ in byte order, in the system call ABI or in having an MMU"
        ),
    }
}
