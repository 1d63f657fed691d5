//! The tables as a Kaitai Struct specification.
//!
//! Kaitai has no notion of a dialect, so the image's revision and machine are parameters, and
//! two instances of `record` choose: `tag` undoes the renumbering of record types, `layout`
//! picks among the layouts of a record. Every layout is one Kaitai type.

use super::forms::{self, Cell, Form, MACHINES, Machine};
use crate::dialect::{Arch, Revision};
use crate::enums::Tag;
use crate::layout::{HEADER_LEN, Layout, Slot};
use crate::records::RECORDS;
use crate::schema::{Count, Enum, Meaning, Record, Type};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// Lines with indentation.
#[derive(Default)]
struct Text {
    out: String,
    depth: usize,
}

impl Text {
    fn line(&mut self, line: &str) {
        let _ = writeln!(self.out, "{:1$}{line}", "", self.depth * 2);
    }
    fn block(&mut self, head: &str, body: impl FnOnce(&mut Text)) {
        self.line(head);
        self.depth += 1;
        body(self);
        self.depth -= 1;
    }
}

/// One Kaitai type made of a layout.
struct Named {
    name: String,
    record: &'static Record,
    form: Form,
}

/// The Kaitai Struct specification of all dialects.
pub fn ksy() -> String {
    let layouts: Vec<Vec<Named>> = RECORDS.iter().map(|record| name_forms(record)).collect();
    let inner = inner_types(&layouts);
    let enums = stable_enums(&layouts);
    let mut text = Text::default();
    text.out.push_str(HEAD);
    text.depth = 3;
    record_type(&mut text, &layouts);
    for named in layouts.iter().flatten() {
        let doc = describe(named);
        struct_type(
            &mut text,
            &named.name,
            &doc,
            &named.form.layout,
            HEADER_LEN,
            &enums,
        );
    }
    for (name, layout) in inner.values() {
        let doc = format!("struct {} ({} bytes)", layout.c_name, layout.size);
        struct_type(&mut text, name, &doc, layout, 0, &enums);
    }
    text.depth = 0;
    write_enums(&mut text, &layouts, &enums);
    text.out
}

const HEAD: &str = include_str!("head.ksy");

fn describe(named: &Named) -> String {
    let where_ = named.form.dialects(&MACHINES);
    let tag = named.record.tag.name();
    format!("{tag} ({where_}). SPEC.md §{}", named.record.spec)
}

/// Names for the layouts of a record: the C structure, and what tells them apart.
fn name_forms(record: &'static Record) -> Vec<Named> {
    let forms = forms::of_record(record);
    let everywhere = forms::machines_of(&forms);
    let stems: Vec<String> = forms
        .iter()
        .map(|form| stem(record, &forms, form))
        .collect();
    // From short to long; what tells all layouts with the same stem apart will do.
    let choices: Vec<[String; 3]> = forms
        .iter()
        .map(|form| {
            let arch = match form.machines() {
                here if here == everywhere || here.len() > 3 => String::new(),
                here => format!("_{}", snake(&forms::machine_names(&here))),
            };
            let since = form.first_revision().to_string().to_lowercase();
            [String::new(), arch.clone(), format!("{arch}_{since}")]
        })
        .collect();
    let name = |stem: &String, [none, arch, since]: &[String; 3]| {
        let peers = || stems.iter().zip(&choices).filter(|(s, _)| *s == stem);
        let apart = |suffix: fn(&[String; 3]) -> &String| {
            let distinct: BTreeSet<&String> = peers().map(|(_, own)| suffix(own)).collect();
            distinct.len() == peers().count()
        };
        let suffix = if apart(|own| &own[0]) {
            none
        } else if apart(|own| &own[1]) {
            arch
        } else {
            since
        };
        format!("{stem}{suffix}")
    };
    let names: Vec<String> = stems
        .iter()
        .zip(&choices)
        .map(|(stem, own)| name(stem, own))
        .collect();
    let named = forms.into_iter().zip(names);
    named
        .map(|(form, name)| Named { name, record, form })
        .collect()
}

/// C name of the structure, made unique among the variants of the record.
fn stem(record: &Record, forms: &[Form], form: &Form) -> String {
    let c_name = form.layout.c_name;
    if c_name == "ckpt_hdr" {
        return format!("ckpt_{}", snake(record.tag.name()));
    }
    let shared = forms.iter().any(|other| {
        other.layout.c_name == c_name && other.variant_names(record) != form.variant_names(record)
    });
    let variants = form.variant_names(record);
    if shared && !variants.is_empty() {
        return format!("{c_name}_{}", snake(&variants.join("_")));
    }
    c_name.into()
}

/// Structures that occur as elements of arrays, by signature.
fn inner_types(layouts: &[Vec<Named>]) -> BTreeMap<String, (String, &Layout)> {
    let mut found = BTreeMap::new();
    let slots = layouts
        .iter()
        .flatten()
        .flat_map(|named| &named.form.layout.slots);
    for layout in slots.filter_map(|slot| slot.inner.as_deref()) {
        found.insert(forms::signature(layout), (inner_name(layout), layout));
    }
    found
}

/// Size tells the layouts of these structures apart.
fn inner_name(layout: &Layout) -> String {
    format!("{}_{}", layout.c_name, layout.size)
}

/// The Kaitai id of a field: its C name in the form that Kaitai allows.
fn field_id(name: &str) -> String {
    match name {
        "this" => "this_objref".into(),
        _ => snake(name),
    }
}

/// Lower case, other characters than letters and digits as single underscores between words.
fn snake(name: &str) -> String {
    let lower = name.to_lowercase();
    let words = lower
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty());
    let id = words.collect::<Vec<_>>().join("_");
    if id.starts_with(|c: char| c.is_ascii_digit()) {
        format!("n_{id}")
    } else {
        id
    }
}

/// A string for YAML, in double quotes.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

// --- types -----------------------------------------------------------------------------------

/// Enumerations that never renumber, by the id they get.
type Enums = BTreeMap<String, &'static Enum>;

fn struct_type(text: &mut Text, name: &str, doc: &str, layout: &Layout, start: u32, enums: &Enums) {
    text.block(&format!("{name}:"), |text| {
        text.line(&format!("doc: {}", quoted(doc)));
        let own: Vec<&Slot> = layout.slots.iter().filter(|slot| !slot.overlay).collect();
        let open = own
            .last()
            .is_some_and(|slot| slot.is_flexible() && is_bytes(slot));
        text.block("seq:", |text| {
            for slot in own {
                text.line(&format!("- {{{}}}", attribute(slot, enums)));
            }
            if !open && start > 0 {
                text.line("- {id: trailing, size-eos: true}");
            } else if layout.slots.is_empty() {
                text.line("[]");
            }
        });
        let instances = instances(layout, start, enums);
        if !instances.is_empty() {
            text.block("instances:", |text| {
                for line in &instances {
                    text.line(line);
                }
            });
        }
    });
}

/// Fields that share their bytes with others, and the lengths of arrays that fill a record.
fn instances(layout: &Layout, start: u32, enums: &Enums) -> Vec<String> {
    let overlays = layout.slots.iter().filter(|slot| slot.overlay).map(|slot| {
        let (id, rest) = (field_id(&slot.name), properties(slot, enums));
        format!("{id}: {{pos: {}, {rest}}}", slot.offset - start)
    });
    let fills = |slot: &&Slot| {
        slot.field.is_some_and(|field| field.count == Count::Rest) && !is_bytes(slot)
    };
    let counts = layout.slots.iter().filter(fills).map(|slot| {
        let id = field_id(&slot.name);
        format!(
            "nr_{id}: {{value: (_io.size - _io.pos) / {}, doc: as many as fit}}",
            slot.element
        )
    });
    overlays.chain(counts).collect()
}

fn is_bytes(slot: &Slot) -> bool {
    matches!(
        slot.field.map(|field| field.ty),
        Some(Type::U8 | Type::Char)
    )
}

fn attribute(slot: &Slot, enums: &Enums) -> String {
    if slot.is_padding() {
        return format!("id: pad_{}, size: {}", slot.offset, slot.size);
    }
    format!("id: {}, {}", field_id(&slot.name), properties(slot, enums))
}

/// Type, repetition, original name and documentation of a field.
fn properties(slot: &Slot, enums: &Enums) -> String {
    let Some(field) = slot.field else {
        return String::new();
    };
    let bytes = is_bytes(slot) && field.count != Count::One;
    let mut text = match (bytes, slot.is_flexible()) {
        (true, true) => "size-eos: true".into(),
        (true, false) => format!("size: {}", slot.size),
        (false, _) => format!("type: {}", element_type(slot, field.ty)),
    };
    match field.count {
        _ if bytes => {}
        Count::One => {}
        Count::Fixed(count) => {
            let _ = write!(text, ", repeat: expr, repeat-expr: {count}");
        }
        Count::By(counter) => {
            let _ = write!(text, ", repeat: expr, repeat-expr: {}", field_id(counter));
        }
        Count::Rest => {
            let _ = write!(
                text,
                ", repeat: expr, repeat-expr: nr_{}",
                field_id(&slot.name)
            );
        }
    }
    if let Meaning::Enum(of) = field.meaning
        && enums.contains_key(&snake(of.name))
    {
        let _ = write!(text, ", enum: {}", snake(of.name));
    }
    let _ = write!(text, ", -orig-id: {}", quoted(&slot.name));
    if !field.doc.is_empty() {
        let _ = write!(text, ", doc: {}", quoted(field.doc));
    }
    text
}

fn element_type(slot: &Slot, ty: Type) -> String {
    match ty {
        Type::U8 | Type::Char => "u1".into(),
        Type::U16 => "u2".into(),
        Type::U32 => "u4".into(),
        Type::U64 => "u8".into(),
        Type::I16 => "s2".into(),
        Type::I32 => "s4".into(),
        Type::I64 => "s8".into(),
        Type::Ulong => format!("u{}", slot.element),
        Type::Le16 => "u2le".into(),
        Type::Be16 => "u2be".into(),
        Type::Be32 => "u4be".into(),
        Type::Struct(_) => slot.inner.as_deref().map(inner_name).unwrap_or_default(),
    }
}

// --- choosing --------------------------------------------------------------------------------

fn record_type(text: &mut Text, layouts: &[Vec<Named>]) {
    text.block("record:", |text| {
        text.line("doc: \"header, body, and the raw page after SOCKET_FRAG; SPEC.md §1.1, §1.3\"");
        text.block("seq:", |text| {
            text.line("- {id: type, type: u4, doc: record number of the revision}");
            text.line("- {id: len, type: u4, doc: \"bytes of the record, this header included\"}");
            text.block("- id: body", |text| {
                text.line("size: len - 8");
                text.block("type:", |text| {
                    text.line("switch-on: layout");
                    text.block("cases:", |text| {
                        for named in layouts.iter().flatten() {
                            let name = &named.name;
                            text.line(&format!("'layout::{name}': {name}"));
                        }
                    });
                });
            });
            text.line("- {id: raw_page, size: _root.page_size, if: 'tag == tag::socket_frag'}");
        });
        text.block("instances:", |text| {
            text.block("body_start:", |text| {
                text.line("value: _io.pos");
                text.line("doc: evaluated while the type of the body is chosen");
            });
            for offset in selectors() {
                text.block(&format!("word_at_{offset}:"), |text| {
                    text.line(&format!(
                        "pos: body_start + {}",
                        u32::from(offset) - HEADER_LEN
                    ));
                    text.line("type: u4");
                    text.line(&format!("if: len >= {}", offset + 4));
                    text.line("doc: selects among the structures of one record");
                });
            }
            chain(
                text,
                "tag",
                "the record type whatever its number",
                &renumbering(),
            );
            let by_tag = layouts.iter().map(|named| one_layout(named)).collect();
            let fallback = "layout::opaque".into();
            chain(
                text,
                "layout",
                "the structure of the body",
                &Chain {
                    cases: by_tag,
                    fallback,
                },
            );
        });
    });
}

/// Offsets at which a word selects a structure.
fn selectors() -> Vec<u8> {
    let mut offsets: Vec<u8> = RECORDS
        .iter()
        .filter_map(|record| record.selector)
        .collect();
    offsets.sort_unstable();
    offsets.dedup();
    offsets
}

/// Conditions with their values, and the value if none holds.
struct Chain {
    cases: Vec<(String, String)>,
    fallback: String,
}

/// A value instance, one case per line.
fn chain(text: &mut Text, name: &str, doc: &str, chain: &Chain) {
    text.block(&format!("{name}:"), |text| {
        text.line(&format!("doc: {doc}"));
        text.line(&format!("enum: {name}"));
        text.block("value: >-", |text| {
            for (condition, value) in &chain.cases {
                text.line(&format!("{condition} ? {value} :"));
            }
            text.line(&chain.fallback);
        });
    });
}

/// The number by which `tag` knows a record type: that of R18, or for VPIDS one of its own.
fn canonical(tag: Tag) -> u32 {
    let newest = [Arch::Arm, Arch::X86_64]
        .iter()
        .find_map(|arch| tag.number(Revision::LAST, *arch));
    newest.unwrap_or_else(|| {
        1000 + Revision::all()
            .find_map(|revision| tag.number(revision, Arch::Arm))
            .unwrap_or(0)
    })
}

/// From numbers of a revision to canonical ones; 0 for numbers that the revision does not have.
fn renumbering() -> Chain {
    let mut numbers = BTreeMap::<u32, Vec<(Revision, i64)>>::new();
    let arch = |tag: Tag, revision| {
        [Arch::Arm, Arch::X86_64]
            .into_iter()
            .find_map(|arch| tag.number(revision, arch))
    };
    for revision in Revision::all() {
        for &tag in Tag::ALL {
            numbers.entry(canonical(tag)).or_default();
            if let Some(number) = arch(tag, revision) {
                numbers.entry(number).or_default();
            }
        }
    }
    for revision in Revision::all() {
        let meanings: BTreeMap<u32, u32> = Tag::ALL
            .iter()
            .filter_map(|tag| Some((arch(*tag, revision)?, canonical(*tag))))
            .collect();
        for (number, deltas) in &mut numbers {
            let meaning = meanings.get(number).copied().unwrap_or(0);
            if meaning != *number {
                let delta = if meaning == 0 {
                    i64::MIN
                } else {
                    i64::from(meaning) - i64::from(*number)
                };
                deltas.push((revision, delta));
            }
        }
    }
    let mut runs: Vec<Run> = Vec::new();
    for (number, deltas) in numbers {
        for group in deltas.chunk_by(|a, b| a.1 == b.1 && a.0.number() + 1 == b.0.number()) {
            let (Some(first), Some(last)) = (group.first(), group.last()) else {
                continue;
            };
            let run = Run {
                first: number,
                last: number,
                since: first.0,
                until: last.0,
                delta: first.1,
            };
            match runs.iter_mut().find(|other| other.continues_to(&run)) {
                Some(other) => other.last = number,
                None => runs.push(run),
            }
        }
    }
    Chain {
        cases: runs.iter().map(Run::case).collect(),
        fallback: "type".into(),
    }
}

/// Numbers that shift together in a range of revisions.
struct Run {
    first: u32,
    last: u32,
    since: Revision,
    until: Revision,
    /// `i64::MIN`: the numbers mean nothing.
    delta: i64,
}

impl Run {
    fn continues_to(&self, next: &Run) -> bool {
        (self.since, self.until, self.delta) == (next.since, next.until, next.delta)
            && self.last + 1 == next.first
    }
    fn case(&self) -> (String, String) {
        let numbers = if self.first == self.last {
            format!("type == {}", self.first)
        } else {
            format!("type >= {} and type <= {}", self.first, self.last)
        };
        let value = match self.delta {
            i64::MIN => "0".into(),
            delta => format!("type + {delta}"),
        };
        let revisions = revision_range(self.since, self.until);
        (
            format!(
                "({numbers}{})",
                revisions.map(|r| format!(" and {r}")).unwrap_or_default()
            ),
            value,
        )
    }
}

/// A condition for a range of revisions; `None` if it is all of them.
fn revision_range(since: Revision, until: Revision) -> Option<String> {
    let low = (since > Revision::FIRST).then(|| format!("_root.revision >= {}", since.number()));
    let high = (until < Revision::LAST).then(|| format!("_root.revision <= {}", until.number()));
    match (low, high) {
        (Some(low), Some(high)) => Some(format!("{low} and {high}")),
        (low, high) => low.or(high),
    }
}

/// The case of one record in the choice of layouts.
fn one_layout(forms: &[Named]) -> (String, String) {
    let Some(first) = forms.first() else {
        return ("false".into(), "layout::opaque".into());
    };
    let record = first.record;
    let mut variants: Vec<Option<u32>> = forms
        .iter()
        .flat_map(|named| named.form.cells.iter().map(|cell| cell.0))
        .collect();
    variants.sort_unstable_by_key(|variant| (variant.is_none(), *variant));
    variants.dedup();
    let choice = Choice {
        forms,
        variants,
        selector: record.selector,
    };
    (
        format!("tag == tag::{}", snake(record.tag.name())),
        choice.by_machine(),
    )
}

/// Works out which layout holds where, one question at a time.
struct Choice<'a> {
    forms: &'a [Named],
    /// Values of the selecting word, "any other" last.
    variants: Vec<Option<u32>>,
    selector: Option<u8>,
}

impl Choice<'_> {
    fn at(&self, variant: Option<u32>, machine: Machine, revision: Revision) -> &str {
        let find = |variant| {
            let cell: Cell = (variant, machine, revision);
            self.forms
                .iter()
                .find(|named| named.form.cells.contains(&cell))
        };
        find(variant)
            .or_else(|| find(None))
            .map_or("opaque", |named| &named.name)
    }
    fn by_machine(&self) -> String {
        let mut groups: Vec<(String, Vec<Machine>)> = Vec::new();
        for machine in MACHINES {
            let value = self.by_variant(machine);
            match groups.iter_mut().find(|group| group.0 == value) {
                Some(group) => group.1.push(machine),
                None => groups.push((value, vec![machine])),
            }
        }
        // The largest group needs no condition.
        groups.sort_by_key(|group| group.1.len());
        nest(
            groups
                .into_iter()
                .map(|(value, machines)| (machine_condition(&machines), value))
                .collect(),
        )
    }
    fn by_variant(&self, machine: Machine) -> String {
        let mut cases: Vec<(String, String)> = Vec::new();
        let offset = self.selector.unwrap_or_default();
        let fallback = self.by_revision(None, machine);
        for variant in self.variants.iter().flatten() {
            let value = self.by_revision(Some(*variant), machine);
            if value == fallback {
                continue;
            }
            let condition = format!("word_at_{offset} == {variant}");
            match cases.iter_mut().find(|case| case.1 == value) {
                Some(case) => case.0 = format!("{} or {condition}", case.0),
                None => cases.push((condition, value)),
            }
        }
        for case in &mut cases {
            case.0 = format!("({})", case.0);
        }
        cases.push((String::new(), fallback));
        nest(cases)
    }
    fn by_revision(&self, variant: Option<u32>, machine: Machine) -> String {
        let all: Vec<Revision> = Revision::all().collect();
        let same = |a: &Revision, b: &Revision| {
            self.at(variant, machine, *a) == self.at(variant, machine, *b)
        };
        let cases = all.chunk_by(same).filter_map(|run| {
            let (first, last) = (run.first()?, run.last()?);
            let value = format!("layout::{}", self.at(variant, machine, *first));
            Some((format!("_root.revision <= {}", last.number()), value))
        });
        nest(cases.collect())
    }
}

/// Nested conditionals; the last case holds if no other does.
fn nest(mut cases: Vec<(String, String)>) -> String {
    let last = cases.pop().map(|case| case.1).unwrap_or_default();
    cases
        .into_iter()
        .rev()
        .fold(last, |rest, (condition, value)| {
            format!("({condition} ? {value} : {rest})")
        })
}

fn machine_condition(machines: &[Machine]) -> String {
    let one = |machine: &Machine| {
        let arch = format!("_root.arch == arch::{}", snake(machine.0.name()));
        let twin = machines.contains(&(machine.0, !machine.1));
        match (machine.0, machine.1) {
            (Arch::Arm, true) if twin => None,
            (Arch::Arm, true) => Some(format!("({arch} and _root.old_abi)")),
            (Arch::Arm, false) if !twin => Some(format!("({arch} and not _root.old_abi)")),
            _ => Some(arch),
        }
    };
    format!(
        "({})",
        machines
            .iter()
            .filter_map(one)
            .collect::<Vec<_>>()
            .join(" or ")
    )
}

// --- enumerations ----------------------------------------------------------------------------

/// Numbers and names of an enumeration over all dialects; `None` if a number changed its name.
fn merged(of: &Enum) -> Option<BTreeMap<u32, &'static crate::schema::Name>> {
    let mut all: BTreeMap<u32, &'static crate::schema::Name> = BTreeMap::new();
    for revision in Revision::all() {
        for arch in Arch::ALL {
            for (number, name) in of.entries(revision, arch) {
                if all
                    .insert(number, name)
                    .is_some_and(|before| before.name != name.name)
                {
                    return None;
                }
            }
        }
    }
    Some(all)
}

fn stable_enums(layouts: &[Vec<Named>]) -> Enums {
    let inner = |slot: &Slot| {
        slot.inner
            .as_ref()
            .map(|l| l.slots.clone())
            .unwrap_or_default()
    };
    let slots = layouts
        .iter()
        .flatten()
        .flat_map(|named| &named.form.layout.slots);
    let all = slots.flat_map(|slot| inner(slot).into_iter().chain([slot.clone()]));
    let used = all.filter_map(|slot| match slot.field?.meaning {
        Meaning::Enum(of) => Some(of),
        _ => None,
    });
    used.filter(|of| merged(of).is_some())
        .map(|of| (snake(of.name), of))
        .collect()
}

fn write_enums(text: &mut Text, layouts: &[Vec<Named>], enums: &Enums) {
    text.block("enums:", |text| {
        text.block("arch:", |text| {
            for arch in Arch::ALL {
                if let Some(id) = crate::enums::ARCH_ID.number_of(arch.name(), Revision::LAST, arch)
                {
                    text.line(&format!("{id}: {}", snake(arch.name())));
                }
            }
        });
        text.block("tag:", |text| {
            let mut tags: Vec<Tag> = Tag::ALL.to_vec();
            tags.sort_by_key(|tag| canonical(*tag));
            for tag in tags {
                text.line(&format!("{}: {}", canonical(tag), snake(tag.name())));
            }
        });
        text.block("layout:", |text| {
            text.line("0: opaque");
            for (number, named) in (1..).zip(layouts.iter().flatten()) {
                text.line(&format!("{number}: {}", named.name));
            }
        });
        for (id, of) in enums {
            text.block(&format!("{id}:"), |text| {
                for (number, name) in merged(of).unwrap_or_default() {
                    text.line(&format!("{number}: {}", snake(name.name)));
                }
            });
        }
    });
}
