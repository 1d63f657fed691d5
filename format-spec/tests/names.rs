//! Names: of fields, as typed code asks for them; of bits, calls and machines, as reports tell them.

use ckpt_format::dialect::{ArchSet, R18};
use ckpt_format::layout::{Tables, usual_page_size};
use ckpt_format::records::{CPU_FPU, IPC_SHM, VMA};
use ckpt_format::schema::{Field, FieldList};
use ckpt_format::{Abi, Arch, Dialect, Order, Revision, syscalls, values};
use std::panic::catch_unwind;

/// Every dialect, with both byte orders and both ABIs of the kernel.
fn dialects() -> impl Iterator<Item = Dialect> {
    let orders = [Order::Little, Order::Big].into_iter();
    let machines = orders.flat_map(|order| [false, true].map(|old_abi| (order, old_abi)));
    let abis = machines.flat_map(|(order, old_abi)| {
        Arch::ALL.map(|arch| Abi {
            arch,
            order,
            old_abi,
        })
    });
    abis.flat_map(|abi| Revision::all().map(move |revision| Dialect { revision, abi }))
}

#[test]
fn tables_that_are_shared_are_those_of_their_dialect() {
    for dialect in dialects() {
        assert_eq!(Tables::shared(dialect).dialect, dialect);
    }
}

#[test]
fn typed_code_finds_each_field_by_its_name() {
    for dialect in dialects().filter(|dialect| !dialect.abi.old_abi) {
        for record in Tables::shared(dialect).records() {
            for (_, layout) in record.variants() {
                for slot in layout.slots.iter().filter(|slot| !slot.is_padding()) {
                    let found = layout.slot(record.record.id(&slot.name)).unwrap();
                    assert_eq!(found.name, slot.name, "{} {dialect}", layout.c_name);
                }
            }
        }
    }
}

/// In a constant it stops the build.
#[test]
fn a_name_that_no_field_has_is_refused() {
    for name in [
        "",
        "vm_star",
        "vm_starts",
        "vm_stop_",
        "vm_start.x",
        ".vm_start",
    ] {
        assert!(catch_unwind(|| VMA.id(name)).is_err(), "{name}");
    }
    for name in [
        "perms",
        "perms.",
        "perms.idx",
        "permsxid",
        "perm.id",
        "shm_segsz.id",
    ] {
        assert!(catch_unwind(|| IPC_SHM.id(name)).is_err(), "{name}");
    }
}

#[test]
fn fields_of_a_structure_have_a_name_each() {
    const fn field(name: &'static str) -> Field {
        Field::u32(name).doc("what it is")
    }
    static DIFFERENT: [Field; 3] = [field("ab"), field("ac"), field("abc")];
    static SAME: [Field; 3] = [field("ab"), field("ac"), field("ab")];
    assert_eq!(FieldList::new("different", &DIFFERENT).fields.len(), 3);
    assert!(catch_unwind(|| FieldList::new("same", &SAME)).is_err());
}

/// The register files of ARM: each unit has a structure of its own.
#[test]
fn the_unit_selects_the_structure() {
    for unit in 1..=5 {
        let list = CPU_FPU.body.list(R18, Arch::Arm, unit).unwrap();
        assert_eq!(list.variant, Some(unit));
    }
    let list = VMA.body.list(R18, Arch::Arm, 3).unwrap();
    assert_eq!(list.variant, None);
}

#[test]
fn bits_have_the_names_of_their_machine() {
    let names = |value, arch| values::OPEN_FLAGS.names(value, arch);
    assert_eq!(names(0x4002, Arch::Arm), (vec!["O_DIRECTORY", "O_RDWR"], 0));
    assert_eq!(names(0x4002, Arch::X86_32), (vec!["O_RDWR", "O_DIRECT"], 0));
    assert_eq!(
        names(0x4000_1001, Arch::Arm),
        (vec!["O_WRONLY", "O_DSYNC"], 0x4000_0000)
    );
}

#[test]
fn numbers_have_the_names_of_the_kernel() {
    for number in [4, 0x0090_0004] {
        assert_eq!(syscalls::name(number), Some("write"), "{number:#x}");
    }
    for number in [0x0010_0004, 0x00f0_0004, 0x0090_ffff] {
        assert_eq!(syscalls::name(number), None, "{number:#x}");
    }
    assert_eq!(values::auxv_name(6), Some("AT_PAGESZ"));
    assert_eq!(values::auxv_name(51), Some("AT_MINSIGSTKSZ"));
    assert_eq!(values::auxv_name(22), None);
    for (number, name) in [
        (-512, "ERESTARTSYS"),
        (-513, "ERESTARTNOINTR"),
        (-514, "ERESTARTNOHAND"),
        (-515, "ENOIOCTLCMD"),
        (-516, "ERESTART_RESTARTBLOCK"),
    ] {
        assert_eq!(values::erestart_name(number), Some(name), "{number}");
    }
    assert_eq!(values::erestart_name(512), None);
}

#[test]
fn a_dialect_says_all_that_decides_it() {
    let plain = Dialect::new(Revision::LAST, Arch::Ppc32);
    assert_eq!(plain.to_string(), "R18 PPC32 big-endian");
    let old = Abi {
        old_abi: true,
        ..Abi::usual(Arch::Arm)
    };
    let old = Dialect { abi: old, ..plain };
    assert_eq!(old.to_string(), "R18 ARM little-endian old-abi");
    let sizes = [Arch::Ppc64, Arch::Ppc32, Arch::Arm].map(usual_page_size);
    assert_eq!(sizes, [65536, 4096, 4096]);
}

#[test]
fn sets_of_machines_are_sets() {
    let members = |set: ArchSet| Arch::ALL.map(|arch| set.contains(arch));
    let both = ArchSet::of(&[Arch::X86_32, Arch::X86_64]);
    let is_x86 = Arch::ALL.map(|arch| matches!(arch, Arch::X86_32 | Arch::X86_64));
    assert_eq!(members(both), is_x86);
    let all = ArchSet::of(&Arch::ALL);
    assert_eq!(members(all.without(both)), is_x86.map(|is_it| !is_it));
    let one = ArchSet::of(&[Arch::X86_32]);
    assert_eq!(members(one.with(both)), is_x86);
    assert_eq!(members(one.with(ArchSet::of(&[Arch::X86_64]))), is_x86);
    assert_eq!(members(ArchSet::of(&[]).without(all)), [false; 6]);
}
