//! The catalogue of real parts: one TOML file each in `targets/`, compiled in.

use super::{Target, file};

/// A part of the catalogue.
#[derive(Clone, Debug)]
pub struct Part {
    /// What it offers.
    pub target: Target,
    /// Other names for it.
    pub aliases: Vec<String>,
    /// `implementer:part`, or `implementer:part:variant`, of its main ID register, as `/proc/cpuinfo` prints them.
    pub midr: Vec<String>,
}

macro_rules! files {
    ($($name:literal)*) => {
        &[$(($name, include_str!(concat!("../../targets/", $name, ".toml"))),)*]
    };
}

/// Name and text of every file in `targets/`.
static FILES: &[(&str, &str)] = files! {
    "apple-m1"
    "arm1020e"
    "arm1022e"
    "arm1026ej-s"
    "arm1136-r2"
    "arm1136j-s"
    "arm1136jf-s"
    "arm1176jzf-s"
    "arm11mpcore"
    "arm720t"
    "arm920t"
    "arm922t"
    "arm925t"
    "arm926ej-s"
    "arm940t"
    "arm946e-s"
    "armada-370"
    "armada-xp"
    "at91sam9"
    "bcm2711"
    "cortex-a12"
    "cortex-a15"
    "cortex-a17"
    "cortex-a32"
    "cortex-a35"
    "cortex-a5"
    "cortex-a53"
    "cortex-a53-arm"
    "cortex-a55"
    "cortex-a57"
    "cortex-a7"
    "cortex-a72"
    "cortex-a72-arm"
    "cortex-a73"
    "cortex-a75"
    "cortex-a76"
    "cortex-a8"
    "cortex-a9"
    "cortex-a9-nofpu"
    "cortex-a9-vfpv3-d16"
    "cortex-x2"
    "dove"
    "ep93xx"
    "fa526"
    "iop321"
    "kirkwood"
    "krait"
    "lpc32xx"
    "neoverse-n1"
    "orion5x"
    "pxa168"
    "pxa255"
    "pxa270"
    "pxa3xx"
    "qemu-arm1026"
    "qemu-arm926"
    "qemu-max"
    "sa110"
    "sa1100"
    "sa1110"
    "sama5d3"
    "scorpion"
    "tegra2"
    "tegra3"
};

/// Every part, in the order of names. A file that does not read is left out, and a test sees to it that none is.
pub fn parts() -> impl Iterator<Item = Part> {
    FILES.iter().filter_map(|(_, text)| file::parse(text).ok())
}

pub(super) fn names() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|(name, _)| *name)
}

pub(super) fn by_name(name: &str) -> Option<Target> {
    if let Some((_, text)) = FILES.iter().find(|(file, _)| *file == name) {
        return file::parse(text).ok().map(|part| part.target);
    }
    parts()
        .find(|part| part.aliases.iter().any(|alias| alias == name))
        .map(|part| part.target)
}

/// The parts with this implementer and part number: those of the variant, if there are any. Different parts may bear the
/// same number.
pub(super) fn by_midr(implementer: u32, number: u32, variant: Option<u32>) -> Vec<Target> {
    let any = format!("{implementer:#04x}:{number:#05x}");
    let exact = variant.map(|variant| format!("{any}:{variant:#x}"));
    let find = |wanted: &String| -> Vec<Target> {
        let same = parts().filter(|part| part.midr.contains(wanted));
        same.map(|part| part.target).collect()
    };
    exact
        .as_ref()
        .map(find)
        .filter(|found| !found.is_empty())
        .unwrap_or_else(|| find(&any))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_listed_reads_and_cites_a_source() {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/targets");
        let mut on_disk: Vec<String> = std::fs::read_dir(directory)
            .unwrap()
            .map(|entry| {
                entry
                    .unwrap()
                    .path()
                    .file_stem()
                    .unwrap()
                    .to_string_lossy()
                    .into_owned()
            })
            .collect();
        on_disk.sort();
        assert_eq!(on_disk, names().collect::<Vec<_>>());
        assert!(on_disk.len() >= 40);
        for (name, text) in FILES {
            let part = file::parse(text).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(part.target.name, *name);
            assert!(!part.target.sources.is_empty(), "{name} cites no source");
        }
    }

    #[test]
    fn names_and_aliases_are_unique() {
        let mut all: Vec<String> = parts()
            .flat_map(|p| [vec![p.target.name], p.aliases].concat())
            .collect();
        all.sort();
        let count = all.len();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
