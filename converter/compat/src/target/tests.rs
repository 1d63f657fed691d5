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
        assert_eq!(again.features, part.target.features, "{}", part.target.name);
        assert_eq!(again.kernel, part.target.kernel, "{}", part.target.name);
    }
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
