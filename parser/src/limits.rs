//! Bounds on what a reader accepts, so that memory and time do not depend on what an image says.

use std::str::FromStr;

/// Limits of a reader. [`Limits::default`] suits every image that a kernel can have written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest record that is not a payload, in bytes; its bytes are held in memory.
    pub record_len: u32,
    /// Longest payload record (buffers, pipe contents), in bytes; only its start is held.
    pub payload_len: u32,
    /// Bytes of a payload that are held in memory at once.
    pub held_len: u32,
    /// Nesting of shared objects.
    pub depth: u32,
    /// Records in an image.
    pub frames: u64,
    /// Shared objects that a model holds.
    pub objects: u32,
    /// Tasks that a model holds.
    pub tasks: u32,
    /// Mappings of one address space.
    pub vmas: u32,
    /// Page runs of a whole image.
    pub page_runs: u32,
    /// Descriptors of one table.
    pub descriptors: u32,
    /// How far to look for the next record behind damage, in bytes.
    pub resync: u64,
    /// Diagnostics that are kept; further ones are only counted.
    pub diagnostics: u32,
    /// Records that detection looks at before it settles for what it has.
    pub detection_frames: u32,
    /// Bytes of a pipe that detection may hold back.
    pub detection_bytes: u32,
    /// Bytes that a compressed image may unpack to for each byte of its own, beyond the first
    /// 64 MiB.
    pub expansion: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            record_len: 1 << 20,
            payload_len: u32::MAX,
            held_len: 1 << 20,
            depth: 512,
            frames: 1 << 32,
            objects: 1 << 21,
            tasks: 1 << 20,
            vmas: 1 << 22,
            page_runs: 1 << 24,
            descriptors: 1 << 20,
            resync: 16 << 20,
            diagnostics: 1000,
            detection_frames: 1 << 16,
            detection_bytes: 4 << 20,
            expansion: 4096,
        }
    }
}

/// A limit by name and its new value, as the programs take it: `depth=1000`.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    field: fn(&mut Limits) -> Field<'_>,
    value: u64,
}

/// Where a limit stands.
enum Field<'a> {
    Narrow(&'a mut u32),
    Wide(&'a mut u64),
}

type Place = fn(&mut Limits) -> Field<'_>;

/// Names of limits that users may want to change. Those that are missing shape memory, not what an
/// image may hold.
const NAMES: &[(&str, Place)] = &[
    ("record-len", |l| Field::Narrow(&mut l.record_len)),
    ("payload-len", |l| Field::Narrow(&mut l.payload_len)),
    ("depth", |l| Field::Narrow(&mut l.depth)),
    ("records", |l| Field::Wide(&mut l.frames)),
    ("objects", |l| Field::Narrow(&mut l.objects)),
    ("tasks", |l| Field::Narrow(&mut l.tasks)),
    ("vmas", |l| Field::Narrow(&mut l.vmas)),
    ("page-runs", |l| Field::Narrow(&mut l.page_runs)),
    ("descriptors", |l| Field::Narrow(&mut l.descriptors)),
    ("resync", |l| Field::Wide(&mut l.resync)),
    ("findings", |l| Field::Narrow(&mut l.diagnostics)),
    ("expansion", |l| Field::Wide(&mut l.expansion)),
];

impl Limits {
    /// The defaults with some of them changed.
    pub fn with(changes: &[Limit]) -> Limits {
        let mut limits = Limits::default();
        for change in changes {
            match (change.field)(&mut limits) {
                Field::Narrow(field) => *field = u32::try_from(change.value).unwrap_or(u32::MAX),
                Field::Wide(field) => *field = change.value,
            }
        }
        limits
    }
    /// What the option that changes limits does, for help texts.
    pub fn help() -> String {
        let known = Limits::listed();
        format!("Change what is accepted before an image counts as hostile: {known}")
    }
    fn listed() -> String {
        let mut limits = Limits::default();
        let one = |(name, field): &(&str, fn(&mut Limits) -> Field<'_>)| {
            let value = match field(&mut limits) {
                Field::Narrow(value) => u64::from(*value),
                Field::Wide(value) => *value,
            };
            format!("{name}={value}")
        };
        NAMES.iter().map(one).collect::<Vec<_>>().join(", ")
    }
}

impl FromStr for Limit {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text
            .split_once('=')
            .ok_or("expected NAME=NUMBER, such as depth=1000")?;
        let (_, field) = NAMES
            .iter()
            .find(|(known, _)| *known == name)
            .ok_or_else(|| format!("no limit {name}; there are {}", Limits::listed()))?;
        let value = value
            .parse()
            .map_err(|_| format!("{value} is no number of things or bytes"))?;
        Ok(Limit {
            field: *field,
            value,
        })
    }
}

/// What to do about damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Stop at the first error-level diagnostic.
    Strict,
    /// Keep what can be read and go on at the next record.
    Salvage,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_changed_by_name() {
        let changes: Vec<Limit> = ["depth=7", "records=99", "vmas=99999999999"]
            .iter()
            .map(|text| text.parse().unwrap())
            .collect();
        let limits = Limits::with(&changes);
        assert_eq!((limits.depth, limits.frames), (7, 99));
        assert_eq!(limits.vmas, u32::MAX);
        assert_eq!(limits.objects, Limits::default().objects);
        for wrong in ["depth", "deep=1", "depth=-1", "depth=many"] {
            assert!(wrong.parse::<Limit>().is_err(), "{wrong}");
        }
        let help = Limits::help();
        let (what, names) = help.split_once(": ").unwrap();
        assert_eq!(
            what,
            "Change what is accepted before an image counts as hostile"
        );
        assert!(names.starts_with("record-len=1048576, "));
    }
}
