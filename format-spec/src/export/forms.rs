//! The distinct layouts of a structure over all dialects.

use crate::dialect::{Abi, Arch, Dialect, Revision};
use crate::layout::{Layout, RecordLayout, Slot};
use crate::schema::{Meaning, Record, Struct, Type};
use std::fmt::Write;

/// What decides a layout besides the revision: an architecture, and for ARM its kernel's ABI.
pub(super) type Machine = (Arch, bool);

/// All machines; the old ABI of ARM counts as one of its own.
pub(super) const MACHINES: [Machine; 7] = [
    (Arch::Arm, false),
    (Arch::Arm, true),
    (Arch::X86_32, false),
    (Arch::X86_64, false),
    (Arch::S390x, false),
    (Arch::Ppc32, false),
    (Arch::Ppc64, false),
];

/// A place where a layout holds: value of the selecting word (`None` for any other), machine,
/// revision.
pub(super) type Cell = (Option<u32>, Machine, Revision);

/// One layout and where it holds.
pub(super) struct Form {
    pub(super) layout: Layout,
    pub(super) cells: Vec<Cell>,
    signature: String,
}

/// The layouts of a record, in the order in which they appear.
pub(super) fn of_record(record: &'static Record) -> Vec<Form> {
    collect(|dialect| {
        let here = RecordLayout::new(record, dialect);
        let variants = here.iter().flat_map(RecordLayout::variants);
        variants
            .map(|(variant, layout)| (variant, layout.clone()))
            .collect()
    })
}

/// The layouts of an auxiliary structure.
pub(super) fn of_struct(of: &'static Struct) -> Vec<Form> {
    collect(|dialect| {
        Layout::of(of, dialect)
            .map(|layout| (None, layout))
            .into_iter()
            .collect()
    })
}

fn collect(layouts: impl Fn(Dialect) -> Vec<(Option<u32>, Layout)>) -> Vec<Form> {
    let mut forms: Vec<Form> = Vec::new();
    for revision in Revision::all() {
        for (arch, old_abi) in MACHINES {
            let abi = Abi {
                old_abi,
                ..Abi::usual(arch)
            };
            for (variant, layout) in layouts(Dialect { revision, abi }) {
                let cell = (variant, (arch, old_abi), revision);
                let signature = signature(&layout);
                match forms.iter_mut().find(|form| form.signature == signature) {
                    Some(form) => form.cells.push(cell),
                    None => forms.push(Form {
                        layout,
                        cells: vec![cell],
                        signature,
                    }),
                }
            }
        }
    }
    forms
}

/// Everything that makes two layouts different for a reader, as text.
pub(super) fn signature(layout: &Layout) -> String {
    let mut text = format!("{} {}", layout.c_name, layout.size);
    for slot in &layout.slots {
        let Slot {
            offset,
            size,
            element,
            overlay,
            ..
        } = slot;
        let kind = slot.field.map_or("hole", |field| type_name(field.ty));
        let _ = write!(
            text,
            " {}:{offset}+{size}/{element}:{kind}:{overlay}",
            slot.name
        );
        if let Some(inner) = &slot.inner {
            let _ = write!(text, "({})", signature(inner));
        }
    }
    text
}

/// The type of an element as the specification writes it; structures by their nature.
pub(super) fn type_name(ty: Type) -> &'static str {
    match ty {
        Type::U8 => "u8",
        Type::U16 => "u16",
        Type::U32 => "u32",
        Type::U64 => "u64",
        Type::I16 => "s16",
        Type::I32 => "s32",
        Type::I64 => "s64",
        Type::Ulong => "ulong",
        Type::Le16 => "le16",
        Type::Be16 => "be16",
        Type::Be32 => "be32",
        Type::Char => "char",
        Type::Struct(_) => "struct",
    }
}

impl Form {
    /// Machines of the form, in the order of [`MACHINES`].
    pub(super) fn machines(&self) -> Vec<Machine> {
        let here = |machine: &Machine| self.cells.iter().any(|cell| cell.1 == *machine);
        MACHINES.into_iter().filter(here).collect()
    }
    /// First revision of the form.
    pub(super) fn first_revision(&self) -> Revision {
        self.cells
            .iter()
            .map(|cell| cell.2)
            .min()
            .unwrap_or(Revision::LAST)
    }
    /// Names of the values of the selecting word, without the catch-all.
    pub(super) fn variant_names(&self, record: &Record) -> Vec<String> {
        let mut values: Vec<u32> = self.cells.iter().filter_map(|cell| cell.0).collect();
        values.sort_unstable();
        values.dedup();
        values
            .into_iter()
            .map(|value| self.variant_name(record, value))
            .collect()
    }
    fn variant_name(&self, record: &Record, value: u32) -> String {
        let at = record.selector.map(u32::from);
        let slot = self
            .layout
            .slots
            .iter()
            .find(|slot| Some(slot.offset) == at);
        if let Some(Meaning::Enum(of)) = slot.and_then(|slot| slot.field).map(|f| f.meaning)
            && let Some((_, machine, revision)) = self.cells.iter().find(|c| c.0 == Some(value))
            && let Some(name) = of.name_of(value, *revision, machine.0)
        {
            return name.name.into();
        }
        value.to_string()
    }
    /// Where the form holds, in words; `everywhere` is what the record as a whole covers.
    pub(super) fn dialects(&self, everywhere: &[Machine]) -> String {
        let mut groups: Vec<(String, Vec<Machine>)> = Vec::new();
        for machine in self.machines() {
            let mut revisions: Vec<Revision> = self
                .cells
                .iter()
                .filter(|c| c.1 == machine)
                .map(|c| c.2)
                .collect();
            revisions.sort_unstable();
            revisions.dedup();
            let text = ranges(&revisions);
            match groups.iter_mut().find(|group| group.0 == text) {
                Some(group) => group.1.push(machine),
                None => groups.push((text, vec![machine])),
            }
        }
        let describe = |(revisions, machines): &(String, Vec<Machine>)| {
            if machines == everywhere {
                revisions.clone()
            } else {
                format!("{revisions} {}", machine_names(machines))
            }
        };
        groups.iter().map(describe).collect::<Vec<_>>().join("; ")
    }
}

/// Machines of several forms together.
pub(super) fn machines_of(forms: &[Form]) -> Vec<Machine> {
    let here = |machine: &Machine| forms.iter().any(|form| form.machines().contains(machine));
    MACHINES.into_iter().filter(here).collect()
}

/// Revisions as ranges: `R01–R06, R09`. Sorted input without repetitions.
pub(super) fn ranges(revisions: &[Revision]) -> String {
    let mut text = String::new();
    let mut rest = revisions;
    while let Some(first) = rest.first() {
        let run = rest
            .iter()
            .zip(first.number()..)
            .take_while(|(revision, number)| revision.number() == *number)
            .count();
        let (here, tail) = rest.split_at(run);
        if !text.is_empty() {
            text.push_str(", ");
        }
        let _ = write!(text, "{first}");
        if let Some(last) = here.last().filter(|last| *last != first) {
            let _ = write!(text, "–{last}");
        }
        rest = tail;
    }
    text
}

/// Machines in words, pairs under one name.
pub(super) fn machine_names(machines: &[Machine]) -> String {
    let has = |machine: Machine| machines.contains(&machine);
    let pair = |names: &mut Vec<&'static str>, a, b, both, only_a, only_b| match (has(a), has(b)) {
        (true, true) => names.push(both),
        (true, false) => names.push(only_a),
        (false, true) => names.push(only_b),
        (false, false) => {}
    };
    let mut names = Vec::new();
    let [eabi, oabi, i386, amd64, s390x, ppc32, ppc64] = MACHINES;
    pair(&mut names, eabi, oabi, "ARM", "ARM EABI", "ARM old ABI");
    pair(&mut names, i386, amd64, "x86", "x86-32", "x86-64");
    if has(s390x) {
        names.push("s390x");
    }
    pair(&mut names, ppc32, ppc64, "powerpc", "ppc32", "ppc64");
    names.join(", ")
}
