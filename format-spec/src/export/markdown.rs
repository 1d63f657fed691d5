//! The tables as reference pages in Markdown.

use super::Page;
use super::forms::{self, Form, MACHINES, Machine};
use crate::dialect::{Arch, ArchSet, Revision};
use crate::enums::{ARCH_ID, OBJECT_TYPE, RECORD_TYPE, Tag};
use crate::layout::Slot;
use crate::records::{
    CKPT_CAPABILITIES, CKPT_PIDS, CONST, EVENTPOLL_ITEM, HDR, IPC_PERMS, NETDEV_ADDR_ENTRY,
    RECORDS, RLIMIT, SIGACTION, SIGINFO, SIGSET, TASK_PIDS, arch,
};
use crate::schema::{Bit, Count, Enum, Field, Flags, Meaning, Record, Struct, Type};
use crate::syscalls::SYSCALLS;
use crate::values::{AUXV, ERESTART, RLIMIT_NAMES};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::ptr;

/// A page of records.
struct Family {
    file: &'static str,
    title: &'static str,
    structs: &'static [&'static Struct],
}

/// The pages, in the order of the numbers of their records.
static FAMILIES: [Family; 8] = [
    Family {
        file: "core",
        title: "Head, tail, and records of any section",
        structs: &[&HDR, &CONST],
    },
    Family {
        file: "task",
        title: "Tasks, credentials, namespaces",
        structs: &[&CKPT_PIDS, &TASK_PIDS, &CKPT_CAPABILITIES],
    },
    Family {
        file: "arch",
        title: "Records of one architecture",
        structs: &[&arch::arm::FPA_REGISTER],
    },
    Family {
        file: "file",
        title: "Files and terminals",
        structs: &[&EVENTPOLL_ITEM],
    },
    Family {
        file: "memory",
        title: "Address spaces",
        structs: &[],
    },
    Family {
        file: "ipc",
        title: "System V IPC",
        structs: &[&IPC_PERMS],
    },
    Family {
        file: "signal",
        title: "Signals and what threads share",
        structs: &[&SIGSET, &SIGACTION, &SIGINFO, &RLIMIT],
    },
    Family {
        file: "net",
        title: "Sockets and network devices",
        structs: &[&NETDEV_ADDR_ENTRY],
    },
];

/// File name of the page that a record stands on.
fn family(tag: Tag) -> &'static str {
    let number = [Arch::Arm, Arch::X86_64]
        .iter()
        .find_map(|arch| tag.number(Revision::LAST, *arch));
    match (tag, number.unwrap_or(100)) {
        (Tag::HeaderArch | Tag::Thread | Tag::Cpu | Tag::MmContext, _) | (_, 201..=299) => "arch",
        (_, 1..=99 | 9001..) => "core",
        (_, 301..=399 | 451..=499) => "file",
        (_, 401..=450) => "memory",
        (_, 501..=599) => "ipc",
        (_, 601..=699) => "signal",
        (_, 701..=799) => "net",
        _ => "task",
    }
}

/// All reference pages.
pub fn pages() -> Vec<Page> {
    let mut vocabulary = Vocabulary::default();
    let mut pages: Vec<Page> = FAMILIES
        .iter()
        .map(|family| page(family.file, records_page(family, &mut vocabulary)))
        .collect();
    pages.push(page("enumerations", enumerations(&vocabulary)));
    pages.push(page("flags", flags(&vocabulary)));
    pages.push(page("syscalls", syscalls()));
    pages.push(page("README", index()));
    pages
}

fn page(file: &str, text: String) -> Page {
    Page {
        path: format!("reference/{file}.md"),
        text,
    }
}

const NOTICE: &str = "<!-- Generated from the tables of ckpt-format; do not edit. -->\n";

/// Enumerations and flag sets that fields use, by name.
#[derive(Default)]
struct Vocabulary {
    enums: BTreeMap<&'static str, &'static Enum>,
    flags: BTreeMap<&'static str, &'static Flags>,
}

impl Vocabulary {
    /// The pages have one section for a name, so no two sets may share one.
    fn learn(&mut self, slot: &Slot) {
        let first = match slot.field.map(|field| field.meaning) {
            Some(Meaning::Enum(of)) => ptr::eq(*self.enums.entry(of.name).or_insert(of), of),
            Some(Meaning::Flags(of)) => ptr::eq(*self.flags.entry(of.name).or_insert(of), of),
            _ => true,
        };
        debug_assert!(first, "two sets of one name: {:?}", slot.field);
    }
}

fn index() -> String {
    let mut text = format!(
        "{NOTICE}# Reference\n\nGenerated from the tables; the prose is in [SPEC.md](../SPEC.md), to whose sections § refers.\n\n\
         | page | contents |\n|---|---|\n"
    );
    for Family { file, title, .. } in &FAMILIES {
        let tags = RECORDS
            .iter()
            .filter(|record| family(record.tag) == *file)
            .map(|record| record.tag.name());
        let _ = writeln!(
            text,
            "| [{file}]({file}.md) | {title}: {} |",
            tags.collect::<Vec<_>>().join(", ")
        );
    }
    text.push_str(
        "| [enumerations](enumerations.md) | record numbers, object types and all other counted names |\n\
         | [flags](flags.md) | sets of bits |\n\
         | [syscalls](syscalls.md) | system calls of ARM |\n\n\
         How to read the tables: one row per field, one column per layout that ever existed, headed by the\n\
         revisions (and machines) that have it. A cell is the offset in bytes from the start of the record,\n\
         whose 8-byte header is not listed; – means that the layout lacks the field. `name.member` is a member\n\
         of a structure inside the record. Bytes that no field covers are holes that a compiler left: zero when\n\
         written, ignored when read. Two rows with the same offset are a C union.\n\n\
         Types: uN, sN: unsigned and signed N-bit integers in the byte order of the image; ulong: 4 or 8 bytes by\n\
         architecture; le16: always little-endian; be16, be32: network order; char: text, NUL-padded. `[n]` is an\n\
         array, `[name]` one as long as that field says, `[…]` one that fills the record.\n\n\
         The same tables as a Kaitai Struct specification: [linux_cr.ksy](../linux_cr.ksy).\n\
         Its parser takes the revision (1 to 18), the architecture by its number in R18, whether an ARM kernel\n\
         had the old ABI, and the page size; it finds the byte order itself. In Python, after\n\
         `kaitai-struct-compiler -t python linux_cr.ksy`:\n\n\
         ```python\n\
         image = LinuxCr(17, LinuxCr.Arch.arm, False, 4096, KaitaiStream(open(\"image.ckpt\", \"rb\")))\n\
         for record in image.stream.records:\n\
         \x20   if record.tag == LinuxCr.Tag.vma:\n\
         \x20       print(hex(record.body.vm_start), hex(record.body.vm_end))\n\
         ```\n",
    );
    text
}

// --- records ---------------------------------------------------------------------------------

fn records_page(family_of: &Family, vocabulary: &mut Vocabulary) -> String {
    let mut text = format!(
        "{NOTICE}# {}\n\n[How to read the tables](README.md)\n",
        family_of.title
    );
    for record in RECORDS
        .iter()
        .filter(|record| family(record.tag) == family_of.file)
    {
        let tag = record.tag;
        let doc = RECORD_TYPE
            .runs
            .iter()
            .flat_map(|run| run.names)
            .find(|name| name.name == tag.name())
            .map_or("", |name| name.doc);
        let _ = write!(
            text,
            "\n## {}\n\nNumber {}. {}. §{}.\n",
            tag.name(),
            numbers(&RECORD_TYPE, tag.name()),
            capital(doc),
            record.spec
        );
        let forms = forms::of_record(record);
        for group in groups(record, &forms) {
            let heading = group
                .first()
                .map_or(String::new(), |form| heading(record, form));
            table(
                &mut text,
                &heading,
                &group,
                &forms::machines_of(&forms),
                vocabulary,
            );
        }
    }
    if !family_of.structs.is_empty() {
        text.push_str("\n## Structures\n");
    }
    for of in family_of.structs {
        let forms = forms::of_struct(of);
        let group: Vec<&Form> = forms.iter().collect();
        let heading = group.last().map_or(String::new(), |form| {
            format!("`{}`, offsets from its own start", form.layout.c_name)
        });
        table(&mut text, &heading, &group, &MACHINES, vocabulary);
    }
    text
}

/// The structure, and for which values of which field it holds.
fn heading(record: &Record, form: &Form) -> String {
    let variants = form.variant_names(record);
    let c_name = form.layout.c_name;
    if variants.is_empty() {
        return format!("`{c_name}`");
    }
    let field = selecting_field(record, form);
    format!("`{c_name}`, {field} {}", variants.join(" or "))
}

fn selecting_field(record: &Record, form: &Form) -> String {
    let at = record.selector.map(u32::from);
    let slot = form
        .layout
        .slots
        .iter()
        .find(|slot| Some(slot.offset) == at);
    slot.map_or(String::new(), |slot| format!("`{}`", slot.name))
}

/// Layouts that belong into one table: the same structure, on machines that overlap.
fn groups<'a>(record: &Record, forms: &'a [Form]) -> Vec<Vec<&'a Form>> {
    let mut groups: Vec<Vec<&Form>> = Vec::new();
    for form in forms {
        let machines = form.machines();
        let related = |other: &&Form| {
            other.layout.c_name == form.layout.c_name
                && other.variant_names(record) == form.variant_names(record)
                && other
                    .machines()
                    .iter()
                    .any(|machine| machines.contains(machine))
        };
        match groups.iter_mut().find(|group| group.iter().any(related)) {
            Some(group) => group.push(form),
            None => groups.push(vec![form]),
        }
    }
    groups
}

/// One row: a field under its name and type.
type Row = (String, String);

fn table(
    text: &mut String,
    heading: &str,
    group: &[&Form],
    everywhere: &[Machine],
    vocabulary: &mut Vocabulary,
) {
    let _ = write!(text, "\n{heading}:\n\n| field | type |");
    for form in group {
        let _ = write!(text, " {} |", form.dialects(everywhere));
    }
    let _ = write!(
        text,
        " meaning |\n|---|---|{}---|\n| *size* | |",
        "---|".repeat(group.len())
    );
    for form in group {
        let more = if form.layout.tail.is_some() {
            " + array"
        } else {
            ""
        };
        let _ = write!(text, " {}{more} |", form.layout.size);
    }
    text.push_str(" |\n");
    for row in rows(group) {
        let (name, kind) = &row;
        let _ = write!(text, "| `{name}` | {kind} |");
        let mut meaning = String::new();
        for form in group {
            let slot = form
                .layout
                .slots
                .iter()
                .find(|slot| !slot.is_padding() && key(slot) == row);
            let Some(slot) = slot else {
                text.push_str(" – |");
                continue;
            };
            let _ = write!(text, " {} |", slot.offset);
            meaning = describe(slot);
            let inner = slot.inner.iter().flat_map(|inner| &inner.slots);
            for slot in inner.chain([slot]) {
                vocabulary.learn(slot);
            }
        }
        let _ = writeln!(text, " {meaning} |");
    }
}

fn key(slot: &Slot) -> Row {
    (
        slot.name.to_string(),
        slot.field
            .map(|field| kind(field, slot))
            .unwrap_or_default(),
    )
}

/// Rows of a table: those of the newest layout, and the older ones' where they stood.
fn rows(group: &[&Form]) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for form in group.iter().rev() {
        let mut after = 0;
        for row in form
            .layout
            .slots
            .iter()
            .filter(|slot| !slot.is_padding())
            .map(key)
        {
            let known = rows.iter().position(|known| *known == row);
            if known.is_none() {
                rows.insert(after, row);
            }
            after = known.unwrap_or(after) + 1;
        }
    }
    rows
}

fn kind(field: &Field, slot: &Slot) -> String {
    let element = match (&slot.inner, field.ty) {
        (Some(inner), _) => format!("struct {}", inner.c_name),
        (None, Type::Struct(_)) => String::new(),
        (None, ty) => forms::type_name(ty).into(),
    };
    match field.count {
        Count::One => element,
        Count::Fixed(count) => format!("{element}[{count}]"),
        Count::By(counter) => format!("{element}[{counter}]"),
        Count::Rest => format!("{element}[…]"),
    }
}

fn describe(slot: &Slot) -> String {
    let Some(field) = slot.field else {
        return String::new();
    };
    let extra = match field.meaning {
        Meaning::Enum(of) => format!("[{}](enumerations.md#{})", of.name, anchor(of.name)),
        Meaning::Flags(of) => format!("[{}](flags.md#{})", of.name, anchor(of.name)),
        Meaning::Ref(object) if field.doc.contains(object.name()) => String::new(),
        Meaning::Ref(object) => format!("{} object", object.name()),
        Meaning::Address => "address".into(),
        Meaning::Time => "s since the epoch".into(),
        Meaning::Unit(unit) => unit.into(),
        Meaning::Syscall => "[system call](syscalls.md)".into(),
        Meaning::Opaque => "opaque".into(),
        Meaning::Plain | Meaning::Word | Meaning::Magic => String::new(),
    };
    match (field.doc.is_empty(), extra.is_empty()) {
        (true, _) => extra,
        (_, true) => escape(field.doc),
        _ => format!("{} ({extra})", escape(field.doc)),
    }
}

fn escape(text: &str) -> String {
    text.replace('|', "\\|")
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

/// The anchor that a heading of words gets.
fn anchor(heading: &str) -> String {
    heading.to_lowercase().replace(' ', "-")
}

// --- vocabulary ------------------------------------------------------------------------------

/// Numbers of a name: one, or one for each range of revisions.
fn numbers(of: &Enum, name: &str) -> String {
    let mut found: Vec<(u32, Vec<Revision>)> = Vec::new();
    for revision in Revision::all() {
        let number = Arch::ALL
            .iter()
            .find_map(|arch| of.number_of(name, revision, *arch));
        match (
            number,
            found.iter_mut().find(|(known, _)| Some(*known) == number),
        ) {
            (Some(_), Some((_, revisions))) => revisions.push(revision),
            (Some(number), None) => found.push((number, vec![revision])),
            (None, _) => {}
        }
    }
    let describe = |(number, revisions): &(u32, Vec<Revision>)| {
        if revisions.len() == Revision::all().len() {
            number.to_string()
        } else {
            format!("{number} ({})", forms::ranges(revisions))
        }
    };
    found.iter().map(describe).collect::<Vec<_>>().join(", ")
}

fn enumerations(vocabulary: &Vocabulary) -> String {
    let mut text =
        format!("{NOTICE}# Enumerations\n\nA number without revisions holds in all of them.\n");
    let first = [&RECORD_TYPE, &OBJECT_TYPE, &ARCH_ID];
    let others = vocabulary
        .enums
        .values()
        .copied()
        .filter(|of| first.iter().all(|known| known.name != of.name));
    for of in first.into_iter().chain(others) {
        let _ = write!(
            text,
            "\n## {}\n\n| number | name | meaning |\n|---|---|---|\n",
            capital(of.name)
        );
        let mut seen = Vec::new();
        for name in of.runs.iter().flat_map(|run| run.names) {
            if !seen.contains(&name.name) {
                seen.push(name.name);
                let _ = writeln!(
                    text,
                    "| {}{} | {} | {} |",
                    numbers(of, name.name),
                    restriction(name.archs),
                    name.name,
                    escape(name.doc)
                );
            }
        }
    }
    text.push_str("\n## Resource limits\n\nIndices of `rlim` in SIGNAL (§3.11).\n\n| index | name |\n|---|---|\n");
    for (index, name) in RLIMIT_NAMES.iter().enumerate() {
        let _ = writeln!(text, "| {index} | RLIMIT_{name} |");
    }
    text.push_str("\n## Auxiliary vector\n\nTypes in the BUFFER after MM (§3.8).\n\n| type | name |\n|---|---|\n");
    for (number, name) in AUXV {
        let _ = writeln!(text, "| {number} | {name} |");
    }
    text.push_str("\n## System call restart\n\nResults in r0 of a thread that was stopped in a call (§5.5).\n\n| value | name |\n|---|---|\n");
    for (number, name) in ERESTART {
        let _ = writeln!(text, "| {number} | {name} |");
    }
    text
}

fn flags(vocabulary: &Vocabulary) -> String {
    let mut text = format!(
        "{NOTICE}# Flags\n\nA name with a mask stands for a value of several bits. Where an architecture numbers bits\n\
         otherwise its own table comes first and the general one holds for the rest.\n"
    );
    for of in vocabulary.flags.values() {
        let _ = write!(text, "\n## {}\n", capital(of.name));
        for (archs, bits) in of.special {
            bit_table(&mut text, &format!("\nOn {}:\n", arch_names(*archs)), bits);
        }
        bit_table(&mut text, "", of.bits);
    }
    text
}

/// In which architectures' headers a name is, unless in all.
fn restriction(archs: ArchSet) -> String {
    if archs == ArchSet::ALL {
        return String::new();
    }
    format!(", {}", arch_names(archs))
}

fn arch_names(archs: ArchSet) -> String {
    let machines: Vec<Machine> = MACHINES
        .into_iter()
        .filter(|machine| archs.contains(machine.0))
        .collect();
    forms::machine_names(&machines)
}

fn bit_table(text: &mut String, heading: &str, bits: &[Bit]) {
    let _ = write!(text, "{heading}\n| value | name |\n|---|---|\n");
    for Bit { mask, value, name } in bits {
        let _ = if mask == value {
            writeln!(text, "| {value:#x} | {name} |")
        } else {
            writeln!(text, "| {value:#x} of {mask:#x} | {name} |")
        };
    }
}

fn syscalls() -> String {
    let mut text = format!(
        "{NOTICE}# System calls of ARM\n\n`THREAD.syscall` (§5.1) and r7 of an EABI thread in a call. A program of the old ABI adds 0x900000 in\n\
         the instruction.\n\n| number | name | |\n|---|---|---|\n"
    );
    for call in SYSCALLS {
        let note = if call.oabi_only { "old ABI only" } else { "" };
        let _ = writeln!(text, "| {} | {} | {note} |", call.number, call.name);
    }
    text
}
