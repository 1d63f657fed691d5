use super::machine::{self, Facts};
use super::{Endian, Has, Target, meet, parts};
use crate::feature::Feature::*;

fn named(name: &str) -> Target {
    Target::named(name).unwrap()
}

#[test]
fn grammar_composes() {
    let target = named("v7-vfp");
    assert_eq!(target.has(VfpV3), Has::Yes);
    assert_eq!(target.has(VfpD32), Has::No);
    assert_eq!(named("v7-neon").has(VfpD32), Has::Yes);
    assert_eq!(named("v7").has(Swp), Has::Maybe);
    assert_eq!(named("v6-vfp").has(VfpV3), Has::No);
    assert_eq!(named("v5te-vmsplit-2g").kernel.task_size, Some(0x7f00_0000));
    assert!(named("v8-aarch64").kernel.arm64);
    assert_eq!(named("v8").has(Swp), Has::No);
    assert_eq!(named("v8-aarch64-page64k").kernel.page_size, Some(65536));
    assert_eq!(named("v7-vfpv3-d16-be8").kernel.endian, Endian::Be8);
    assert_eq!(named("pxa270+nwfpe").has(FpaEmulated), Has::Yes);
    assert_eq!(named("v5te-oabi").kernel.aeabi, Some(false));
    assert_eq!(named("v7-vfpv4-neon").has(NeonFma), Has::Yes);
}

#[test]
fn typos_find_what_was_meant() {
    for (typo, meant) in [
        ("v7-noen", "v7-neon"),
        ("cortx-a9", "cortex-a9"),
        ("pxa27", "pxa270"),
        ("v6-crnch", "v6-crunch"),
    ] {
        let error = Target::named(typo).unwrap_err();
        assert!(
            error.near.iter().any(|near| near == meant),
            "{typo}: {:?}",
            error.near
        );
    }
    assert!(
        Target::named("v9").is_err() && Target::named("").is_err() && Target::named("v7-").is_err()
    );
}

#[test]
fn order_is_partial_and_meet_is_below_both() {
    assert!(named("v7-neon").covers(&named("v7-vfp")));
    assert!(!named("v7-vfp").covers(&named("v7-neon")));
    assert!(!named("v8").covers(&named("v6")), "v8 has no swp");
    let all: Vec<Target> = parts().map(|part| part.target).collect();
    for a in &all {
        assert!(a.covers(a), "{}", a.name);
        for b in &all {
            if let Some(common) = meet(&[a.clone(), b.clone()]) {
                assert!(
                    a.covers(&common) && b.covers(&common),
                    "{} and {}",
                    a.name,
                    b.name
                );
            }
        }
    }
    assert!(meet(&[named("v5te-oabi"), named("v7")]).is_none());
}

#[test]
fn a_part_written_out_reads_back() {
    for part in parts() {
        let again = Target::from_toml(&part.target.to_toml()).unwrap();
        assert_eq!(again, part.target);
    }
}

#[test]
fn what_a_machine_leaves_open_stays_open_in_its_file() {
    let facts = Facts {
        name: "a \"board\" \u{7f}",
        cpuinfo: CPUINFO,
        ..Facts::default()
    };
    let target = machine::target(&facts).unwrap();
    assert_eq!((target.kernel.aeabi, target.kernel.task_size), (None, None));
    assert_eq!(Target::from_toml(&target.to_toml()).unwrap(), target);
    let wrong = target.to_toml().replace("\"aeabi\"", "\"abi\"");
    let error = Target::from_toml(&wrong).unwrap_err().to_string();
    assert!(
        error.contains("\"abi\"") && error.contains("aeabi"),
        "{error}"
    );
}

/// A Raspberry Pi Zero: "CPU architecture" is the form of the page tables, the core is v6K.
const ARM1176: &str = "processor\t: 0\nmodel name\t: ARMv6-compatible processor rev 7 (v6l)\nFeatures\t: half thumb fastmult vfp edsp java tls \nCPU implementer\t: 0x41\nCPU architecture: 7\nCPU variant\t: 0x0\nCPU part\t: 0xb76\nCPU revision\t: 7\n";

#[test]
fn a_v6_core_whose_kernel_says_7_has_nothing_of_v7() {
    let strange_part = ARM1176.replace("0xb76", "0xb7f");
    let nameless = strange_part.replace("ARMv6-compatible processor rev 7 (v6l)", "x");
    for (cpuinfo, machine) in [
        (ARM1176, None),
        (&strange_part, None),
        (&nameless, Some("armv6l")),
    ] {
        let facts = Facts {
            name: "zero",
            cpuinfo,
            machine,
            ..Facts::default()
        };
        let target = machine::target(&facts).unwrap();
        for lacks in [V6t2, V7, V7mp, VfpV3, Neon] {
            assert_eq!(target.has(lacks), Has::No, "{lacks:?}");
        }
        for has in [V6k, Vfp, TlsRegister, Cp15Barrier] {
            assert_eq!(target.has(has), Has::Yes, "{has:?}");
        }
        assert_eq!(
            target.cpu_architecture, 9,
            "as its kernel writes in headers"
        );
        assert_eq!(Target::from_toml(&target.to_toml()).unwrap(), target);
    }
    assert_eq!(named("arm1176").cpu_architecture, 9);
    assert_eq!(named("arm11mpcore").cpu_architecture, 9);
}

#[test]
fn of_parts_with_one_number_only_what_all_have_is_certain() {
    let cpuinfo = |features: &str| {
        let features = format!("half thumb fastmult vfp edsp vfpv3 vfpv3d16 tls {features}");
        format!(
            "Features\t: {features}\nCPU implementer\t: 0x56\nCPU architecture: 7\nCPU variant\t: 0x1\nCPU part\t: 0x581\n"
        )
    };
    for (features, iwmmxt) in [("idivt", Has::No), ("iwmmxt", Has::Yes)] {
        let facts = Facts {
            cpuinfo: &cpuinfo(features),
            ..Facts::default()
        };
        let target = machine::target(&facts).unwrap();
        assert_eq!(target.has(Iwmmxt), iwmmxt);
        assert_eq!(target.has(IdivT) == Has::Yes, features == "idivt");
        // Neither is known to have it, also where iwMMXt is.
        assert_eq!(target.has(XscaleDsp), Has::Maybe);
    }
}

#[test]
fn the_variant_tells_the_arm1136_without_v6k() {
    let r0 = ARM1176
        .replace("0xb76", "0xb36")
        .replace("architecture: 7", "architecture: 6TEJ")
        .replace(" tls", "");
    let r1 = r0.replace("variant\t: 0x0", "variant\t: 0x1");
    for (cpuinfo, v6k) in [(r0, Has::No), (r1, Has::Yes)] {
        let facts = Facts {
            cpuinfo: &cpuinfo,
            ..Facts::default()
        };
        assert_eq!(machine::target(&facts).unwrap().has(V6k), v6k);
    }
}

#[test]
fn a_part_of_a_configuration_switches_off_nothing_else() {
    let kernel = |config: &str| {
        let facts = Facts {
            cpuinfo: CPUINFO,
            config: Some(config),
            ..Facts::default()
        };
        machine::target(&facts).unwrap()
    };
    // What `make savedefconfig` writes: what is as by default is left out.
    let part = kernel("CONFIG_AEABI=y\n# CONFIG_VFP is not set\n");
    assert_eq!(
        (part.kernel.aeabi, part.kernel.vfp),
        (Some(true), Some(false))
    );
    assert_eq!((part.kernel.mmu, part.kernel.oabi_compat), (true, None));
    assert_eq!(
        (part.kernel.task_size, part.kernel.kuser_helpers),
        (None, None)
    );
    assert_eq!(
        part.has(FpaEmulated),
        kernel("CONFIG_AEABI=y\n").has(FpaEmulated)
    );
    assert_ne!(part.has(FpaEmulated), Has::Yes);
    // A whole one names what kernels always ask, and what it does not name is off.
    let whole = kernel("CONFIG_AEABI=y\nCONFIG_MMU=y\n");
    assert_eq!(
        (whole.kernel.mmu, whole.kernel.oabi_compat),
        (true, Some(false))
    );
    assert_eq!(
        (whole.kernel.vfp, whole.has(FpaEmulated)),
        (Some(false), Has::No)
    );
    assert_eq!(
        whole.kernel.kuser_helpers,
        Some(true),
        "before 3.11 nobody was asked"
    );
    assert!(!kernel("# CONFIG_MMU is not set\n").kernel.mmu);
}

#[test]
fn what_is_no_configuration_or_auxiliary_vector_is_an_error() {
    let facts = Facts {
        cpuinfo: CPUINFO,
        ..Facts::default()
    };
    for text in ["", "CONFIG_\nhello = world\n# CONFIG_MMU\n"] {
        let wrong = Facts {
            config: Some(text),
            ..facts.clone()
        };
        assert_eq!(machine::target(&wrong), Err(machine::MachineError::Config));
    }
    for bytes in [&[][..], &[6, 0, 0, 0, 0, 16, 0, 0], b"AT_HWCAP: 8"] {
        let wrong = Facts {
            auxv: Some(bytes),
            ..facts.clone()
        };
        let len = bytes.len();
        assert_eq!(
            machine::target(&wrong),
            Err(machine::MachineError::Auxv { len })
        );
    }
    let wide: Vec<u8> = [33, 4096, 16, 255, 6, 4096, 0, 0]
        .iter()
        .flat_map(|word: &u64| word.to_le_bytes())
        .collect();
    let host = Facts {
        auxv: Some(&wide),
        ..facts
    };
    assert!(machine::target(&host).is_ok(), "a 64-bit one tells nothing");
}

const CPUINFO: &str = "processor\t: 0\nmodel name\t: ARMv7 Processor rev 4 (v7l)\nFeatures\t: half thumb fastmult vfp edsp thumbee vfpv3 vfpv3d16 tls \nCPU implementer\t: 0x41\nCPU architecture: 7\nCPU variant\t: 0x1\nCPU part\t: 0xc09\n";

#[test]
fn cpuinfo_decides_what_the_part_leaves_open() {
    let facts = Facts {
        name: "board",
        cpuinfo: CPUINFO,
        ..Facts::default()
    };
    let target = machine::target(&facts).unwrap();
    assert_eq!(target.has(VfpV3), Has::Yes);
    assert_eq!((target.has(Neon), target.has(VfpD32)), (Has::No, Has::No));
    assert_eq!(
        target.has(V7mp),
        Has::Yes,
        "a Cortex-A9 has the multiprocessing extension"
    );
    assert_eq!(target.kernel.aeabi, None);
    let config = "CONFIG_AEABI=y\n# CONFIG_OABI_COMPAT is not set\nCONFIG_MMU=y\nCONFIG_PAGE_OFFSET=0x80000000\nCONFIG_KUSER_HELPERS=y\nCONFIG_VFP=y\nCONFIG_SWP_EMULATE=y\n";
    let target = machine::target(&Facts {
        config: Some(config),
        ..facts
    })
    .unwrap();
    assert_eq!(target.kernel.aeabi, Some(true));
    assert_eq!(target.kernel.oabi_compat, Some(false));
    assert_eq!(target.kernel.task_size, Some(0x7f00_0000));
    assert_eq!(target.has(SwpEmulated), Has::Yes);
    assert!(
        machine::target(&Facts {
            name: "pc",
            cpuinfo: "vendor_id : x\n",
            ..Facts::default()
        })
        .is_err()
    );
}
