//! Every offset, size and number against `records.json`, which was compiled from the original
//! headers and shares nothing with our tables.

use ckpt_format::enums::*;
use ckpt_format::layout::Layout;
use ckpt_format::records::*;
use ckpt_format::schema::{Enum, Struct};
use ckpt_format::{Abi, Arch, Dialect, Revision, Tables, Tag};
use serde_json::Value;
use std::collections::BTreeMap;

fn oracle() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/records.json");
    serde_json::from_str(&std::fs::read_to_string(path).expect(path)).expect("valid JSON")
}

fn arch(name: &str) -> Arch {
    Arch::parse(name).unwrap_or_else(|| panic!("architecture {name}"))
}

/// Auxiliary structures, by C name.
fn auxiliary(c_name: &str) -> Option<&'static Struct> {
    Some(match c_name {
        "ckpt_hdr" => &HDR,
        "ckpt_const" => &CONST,
        "ckpt_capabilities" => &CKPT_CAPABILITIES,
        "ckpt_eventpoll_item" => &EVENTPOLL_ITEM,
        "ckpt_netdev_addr" => &NETDEV_ADDR_ENTRY,
        "ckpt_pids" => &CKPT_PIDS,
        "ckpt_task_pids" => &TASK_PIDS,
        "ckpt_rlimit" => &RLIMIT,
        "ckpt_sigaction" => &SIGACTION,
        "ckpt_siginfo" => &SIGINFO,
        "ckpt_sigset" => &SIGSET,
        "ckpt_hdr_ipc_perms" => &IPC_PERMS,
        _ => return None,
    })
}

/// Layouts of ours that go by a C name in a dialect, with the bytes of header in front.
fn ours(c_name: &str, dialect: Dialect) -> Vec<Layout> {
    if let Some(of) = auxiliary(c_name) {
        return Layout::of(of, dialect).into_iter().collect();
    }
    let tables = Tables::new(dialect);
    let all = tables
        .records()
        .flat_map(|r| r.variants().map(|(_, layout)| layout));
    all.filter(|layout| layout.c_name == c_name)
        .cloned()
        .collect()
}

#[test]
fn every_layout_has_the_offsets_and_sizes_of_the_headers() {
    let oracle = oracle();
    let mut layouts = 0;
    for (c_name, variants) in oracle["structs"].as_object().unwrap() {
        for variant in variants.as_array().unwrap() {
            layouts += 1;
            for (revision, archs) in variant["applies"].as_object().unwrap() {
                for name in archs.as_array().unwrap() {
                    let abi = Abi::usual(arch(name.as_str().unwrap()));
                    let dialect = Dialect {
                        revision: Revision::parse(revision).unwrap(),
                        abi,
                    };
                    compare(c_name, variant, dialect);
                }
            }
        }
    }
    assert_eq!(layouts, 122);
}

fn compare(c_name: &str, variant: &Value, dialect: Dialect) {
    let found = ours(c_name, dialect);
    assert!(!found.is_empty(), "{c_name} is unknown in {dialect}");
    for layout in found {
        assert_eq!(
            u64::from(layout.size),
            variant["size"].as_u64().unwrap(),
            "size of {c_name} in {dialect}"
        );
        for field in variant["fields"].as_array().unwrap() {
            compare_field(c_name, field, &layout, dialect);
        }
        let names = layout
            .slots
            .iter()
            .filter(|s| !s.is_padding())
            .map(|s| &*s.name);
        for name in names {
            assert!(
                in_oracle(name, variant),
                "{c_name}.{name} in {dialect} is not in the headers"
            );
        }
    }
}

fn compare_field(c_name: &str, field: &Value, layout: &Layout, dialect: Dialect) {
    let name = field["name"].as_str().unwrap();
    let kind = field["type"].as_str().unwrap();
    let is_group = kind == "struct" || (kind == "union" && name == "(anonymous)");
    let is_header = name == "h" && !c_name.ends_with("perms") || name == "common";
    if is_group || is_header {
        return;
    }
    let offset = field["offset"].as_u64().unwrap();
    let size = field["size"].as_u64().unwrap();
    let starts =
        |s: &&ckpt_format::Slot| *s.name == *name || s.name.starts_with(&format!("{name}."));
    let members: Vec<_> = layout.slots.iter().filter(starts).collect();
    assert!(
        !members.is_empty(),
        "{c_name}.{name} is missing in {dialect}"
    );
    let start = members.iter().map(|s| u64::from(s.offset)).min().unwrap();
    let end = members
        .iter()
        .map(|s| u64::from(s.offset + s.size))
        .max()
        .unwrap();
    assert_eq!(start, offset, "offset of {c_name}.{name} in {dialect}");
    if members.len() == 1 && members[0].inner.is_none() {
        assert_eq!(end - start, size, "size of {c_name}.{name} in {dialect}");
    } else {
        assert!(end - start <= size, "size of {c_name}.{name} in {dialect}");
    }
}

fn in_oracle(name: &str, variant: &Value) -> bool {
    // Ours names the members of opaque C structures and the descriptors behind x86 THREAD.
    let fields = variant["fields"].as_array().unwrap();
    let known = |f: &Value| {
        let other = f["name"].as_str().unwrap();
        name == other || name.starts_with(&format!("{other}.")) || other == "common"
    };
    name == "tls_array" || fields.iter().any(known)
}

fn numbers_of(of: &Enum, revision: Revision, arch: Arch) -> BTreeMap<String, u64> {
    of.entries(revision, arch)
        .map(|(n, name)| (name.name.to_owned(), u64::from(n)))
        .collect()
}

#[test]
fn every_number_is_that_of_the_headers() {
    for info in oracle()["revisions"].as_array().unwrap() {
        let revision = Revision::parse(info["id"].as_str().unwrap()).unwrap();
        assert_eq!(
            u64::from(revision.info().checkpoint_version),
            info["checkpoint_version"].as_u64().unwrap()
        );
        assert_eq!(revision.info().date, info["date"].as_str().unwrap());
        let tables: [(&str, &Enum); 6] = [
            ("object_types", &OBJECT_TYPE),
            ("arch_ids", &ARCH_ID),
            ("file_types", &FILE_TYPE),
            ("vma_types", &VMA_TYPE),
            ("restart_block_types", &RESTART_BLOCK_TYPE),
            ("netdev_types", &NETDEV_TYPE),
        ];
        for (key, table) in tables {
            let mut ours = numbers_of(table, revision, Arch::X86_32);
            let mut theirs: BTreeMap<String, u64> =
                serde_json::from_value(info[key].clone()).unwrap();
            if let Some(max) = theirs.remove("MAX") {
                let next = ours.values().max().map_or(0, |n| n + 1);
                assert_eq!(next, max, "{key} MAX in {revision}");
            }
            if key == "netdev_types" {
                ours.extend(numbers_of(&NETDEV_ADDR_TYPE, revision, Arch::X86_32));
            }
            assert_eq!(ours, theirs, "{key} in {revision}");
        }
        header_types(info, revision);
    }
}

fn header_types(info: &Value, revision: Revision) {
    let generic: BTreeMap<String, u64> =
        serde_json::from_value(info["header_types"].clone()).unwrap();
    let x86: BTreeMap<String, u64> =
        serde_json::from_value(info["header_types_x86_only"].clone()).unwrap();
    for arch in Arch::ALL {
        let is_x86 = matches!(arch, Arch::X86_32 | Arch::X86_64);
        let mut theirs = generic.clone();
        if is_x86 {
            theirs.extend(x86.clone());
        }
        let exists = |tag: &&Tag| tag.exists(revision, arch);
        let number = |tag: &Tag| {
            (
                tag.name().to_owned(),
                u64::from(tag.number(revision, arch).unwrap()),
            )
        };
        let ours: BTreeMap<String, u64> = Tag::ALL.iter().filter(exists).map(number).collect();
        assert_eq!(ours, theirs, "record numbers in {revision} on {arch}");
    }
}

#[test]
fn slots_tile_every_record_of_every_dialect() {
    for revision in Revision::all() {
        for arch in Arch::ALL {
            let dialect = Dialect::new(revision, arch);
            for record in Tables::new(dialect).records() {
                for (_, layout) in record.variants() {
                    let mut at = ckpt_format::layout::HEADER_LEN;
                    for slot in layout.slots.iter().filter(|s| !s.overlay) {
                        assert_eq!(
                            slot.offset, at,
                            "{} {} in {dialect}",
                            layout.c_name, slot.name
                        );
                        at += slot.size;
                    }
                    assert!(
                        at == layout.size || layout.tail.is_some(),
                        "{} in {dialect}",
                        layout.c_name
                    );
                }
            }
        }
    }
}

#[test]
fn every_number_resolves_both_ways() {
    for revision in Revision::all() {
        for arch in Arch::ALL {
            for tag in Tag::ALL {
                if let Some(number) = tag.number(revision, arch) {
                    assert_eq!(Tag::from_number(number, revision, arch), Some(*tag));
                }
            }
            for object in ckpt_format::Object::ALL {
                if let Some(number) = object.number(revision, arch) {
                    assert_eq!(
                        ckpt_format::Object::from_number(number, revision, arch),
                        Some(*object)
                    );
                }
            }
        }
    }
}

#[test]
fn powerpc_registers_have_the_sizes_of_their_table() {
    for (arch, variant, size) in [
        (Arch::Ppc32, 256, 1168),
        (Arch::Ppc32, 512, 1424),
        (Arch::Ppc64, 256, 1344),
        (Arch::Ppc64, 512, 1600),
    ] {
        let tables = Tables::new(Dialect::new(Revision::parse("R13").unwrap(), arch));
        let cpu = tables
            .by_tag(Tag::Cpu)
            .unwrap()
            .variant(Some(variant))
            .unwrap();
        assert_eq!(cpu.size, size);
    }
}

#[test]
fn the_old_arm_abi_pads_socket_addresses() {
    for (revision, laddr, raddr, size) in [("R12", 36, 148, 264), ("R17", 32, 144, 256)] {
        let abi = Abi {
            old_abi: true,
            ..Abi::usual(Arch::Arm)
        };
        let tables = Tables::new(Dialect {
            revision: Revision::parse(revision).unwrap(),
            abi,
        });
        let layout = tables.by_tag(Tag::SocketUnix).unwrap().single().unwrap();
        assert_eq!(layout.named("laddr.sun_family").unwrap().offset, laddr);
        assert_eq!(layout.named("raddr.sun_family").unwrap().offset, raddr);
        assert_eq!(layout.size, size);
    }
}

#[test]
fn extension_records_have_the_sizes_of_their_section() {
    let tables = Tables::new(Dialect::new(Revision::LAST, Arch::Arm));
    let fpu = tables.by_tag(Tag::CpuFpu).unwrap();
    let sizes = [304, 152, 184, 216, 40];
    for (unit, size) in (1..).zip(sizes) {
        assert_eq!(fpu.variant(Some(unit)).unwrap().size, size, "unit {unit}");
    }
    assert_eq!(
        tables.by_tag(Tag::ArmAbi).unwrap().single().unwrap().size,
        32
    );
}
