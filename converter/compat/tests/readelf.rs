//! Build attributes and versions of functions against GNU readelf, on every library of Debian's armhf and armel packages.

mod debian;
#[path = "../../../tests/src/tools.rs"]
#[expect(unreachable_pub, reason = "a module of a library elsewhere")]
mod tools;

use std::process::Command;

use ckpt_compat::elf::{self, attribute_names};

/// `Tag_name: value` lines of `readelf -A`, of the tags that we name.
fn readelf(path: &std::path::Path) -> Vec<(String, String)> {
    let output = Command::new("arm-linux-gnueabi-readelf")
        .arg("-A")
        .arg(path)
        .output()
        .expect("arm-linux-gnueabi-readelf is needed: apt-get install binutils-arm-linux-gnueabi");
    assert!(output.status.success(), "readelf -A {}", path.display());
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| line.trim().split_once(": "))
        .filter(|(tag, _)| NAMED.contains(tag))
        .map(|(tag, value)| (tag.to_owned(), value.to_owned()))
        .collect()
}

const NAMED: [&str; 15] = [
    "Tag_CPU_arch",
    "Tag_CPU_arch_profile",
    "Tag_ARM_ISA_use",
    "Tag_THUMB_ISA_use",
    "Tag_FP_arch",
    "Tag_WMMX_arch",
    "Tag_Advanced_SIMD_arch",
    "Tag_ABI_FP_number_model",
    "Tag_ABI_VFP_args",
    "Tag_CPU_unaligned_access",
    "Tag_FP_HP_extension",
    "Tag_MPextension_use",
    "Tag_DIV_use",
    "Tag_T2EE_use",
    "Tag_Virtualization_use",
];

#[test]
fn attributes_agree_with_readelf_on_debian_libraries() {
    if !tools::have(&["arm-linux-gnueabi-readelf"]) {
        return;
    }
    let libraries = debian::libraries();
    if libraries.is_empty() {
        return;
    }
    let mut compared = 0;
    for path in libraries {
        let file = std::fs::File::open(&path).unwrap();
        let read = elf::read(&file).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let attributes = read
            .attributes
            .unwrap_or_else(|| panic!("{} has no attributes", path.display()));
        let mut ours: Vec<_> = attribute_names(&attributes)
            .into_iter()
            .map(|(tag, value)| (tag.to_owned(), value))
            .collect();
        let mut theirs = readelf(&path);
        ours.sort();
        theirs.sort();
        assert_eq!(ours, theirs, "{}", path.display());
        compared += ours.len();
    }
    println!("{compared} attributes compared");
    assert!(compared > 200);
}

/// Functions that a library defines, with their versions: `hypot@GLIBC_2.4`, 0x1234.
fn versioned_functions(path: &std::path::Path) -> Vec<(String, u32)> {
    let output = Command::new("arm-linux-gnueabi-readelf")
        .args(["-W", "--dyn-syms"])
        .arg(path)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let function = |line: &str| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let [_, value, _, "FUNC" | "IFUNC", _, _, section, name] = columns[..] else {
            return None;
        };
        let name = name.replace("@@", "@");
        let value = u32::from_str_radix(value, 16).unwrap();
        (section != "UND" && name.contains('@')).then_some((name, value))
    };
    text.lines().filter_map(function).collect()
}

#[test]
fn versions_agree_with_readelf_on_debian_libraries() {
    if !tools::have(&["arm-linux-gnueabi-readelf"]) {
        return;
    }
    let libraries = debian::libraries();
    let mut compared = 0;
    for path in &libraries {
        let read = elf::read(&std::fs::File::open(path).unwrap()).unwrap();
        for (name, value) in versioned_functions(path) {
            let mut found = read.linkage.named(name.as_bytes());
            let is_same = found.any(|addr| addr & !1 == value & !1);
            assert!(is_same, "{}: {name} at {value:#x}", path.display());
            compared += 1;
        }
    }
    assert!(libraries.is_empty() || compared > 5000, "{compared}");
}
