//! The classifier against GNU objdump: over all words of Debian's armhf and armel libraries, the features that
//! the mnemonic implies are the features that the classifier reports.
//!
//! Needs `arm-linux-gnueabi-objdump` and, once, `apt-get download`; without them the test fails and says so.

#![expect(clippy::match_same_arms, reason = "grouped by architecture")]

mod debian;
#[path = "../../../tests/src/tools.rs"]
#[expect(unreachable_pub, reason = "a module of a library elsewhere")]
mod tools;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use ckpt_compat::Feature::{self, *};
use ckpt_compat::FeatureSet;
use ckpt_compat::arm::{Insn, Isa, classify_arm, classify_thumb};

/// What is compared: the features that a mnemonic tells.
const COMPARED: FeatureSet = FeatureSet::of(&[
    V5t,
    V5te,
    V6,
    V6k,
    V6t2,
    V7,
    V7mp,
    IdivA,
    IdivT,
    Feature::V8,
    Crc32,
    Aes,
    Pmull,
    Sha1,
    Sha2,
    Vfp,
    VfpV3,
    VfpHalf,
    VfpV4,
    VfpV8,
    Neon,
    NeonHalf,
    NeonFma,
    NeonV8,
    Swp,
    Setend,
    TlsRegister,
    Cp15Barrier,
    Iwmmxt,
    Crunch,
]);

/// One line of the listing.
struct Line<'a> {
    addr: u32,
    isa: Isa,
    word: u32,
    mnemonic: &'a str,
    operands: &'a str,
}

fn parse(line: &str) -> Option<Line<'_>> {
    let mut parts = line.split('\t');
    let addr = u32::from_str_radix(parts.next()?.trim().strip_suffix(':')?, 16).ok()?;
    let hex = parts.next()?.trim();
    let mnemonic = parts.next()?.trim();
    let operands = parts.next().unwrap_or("");
    let (isa, word) = match hex.split_once(' ') {
        Some((first, second)) => (
            Isa::Thumb,
            u32::from_str_radix(first, 16).ok()? << 16 | u32::from_str_radix(second, 16).ok()?,
        ),
        None if hex.len() == 4 => (Isa::Thumb, u32::from_str_radix(hex, 16).ok()? << 16),
        None => (Isa::Arm, u32::from_str_radix(hex, 16).ok()?),
    };
    Some(Line {
        addr,
        isa,
        word,
        mnemonic,
        operands,
    })
}

/// Does an instruction read memory into registers of the core?
fn loads(line: &Line<'_>) -> bool {
    let name = stem(line.mnemonic);
    let pops = name == "pop" || name.starts_with("ldm") || name.starts_with("swp");
    let coprocessor = name.starts_with("ldc") || name.starts_with("ldf");
    (name.starts_with("ldr") || name.starts_with("lda") || pops) && !coprocessor
}

const CONDITIONS: [&str; 16] = [
    "eq", "ne", "cs", "cc", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le", "hs", "lo",
];
/// Mnemonics that end like a condition.
const KEEP: [&str; 16] = [
    "teq", "vceq", "mls", "vmls", "smmls", "vnmls", "vfnms", "bics", "muls", "vcls", "vacge",
    "vcge", "smulls", "umulls", "vcle", "vcgt",
];

/// Mnemonic without width suffix and condition.
fn stem(mnemonic: &str) -> &str {
    let base = mnemonic.split('.').next().unwrap_or(mnemonic);
    if KEEP.contains(&base) {
        return base;
    }
    match base.len().checked_sub(2).map(|at| base.split_at(at)) {
        Some((head, tail)) if CONDITIONS.contains(&tail) && head.len() > 1 => head,
        _ => base,
    }
}

fn expected(line: &Line<'_>) -> Option<FeatureSet> {
    let name = stem(line.mnemonic);
    let mut set = match name {
        "clz" | "bkpt" => FeatureSet::one(V5t),
        "blx" => FeatureSet::one(V5t),
        "qadd" | "qsub" | "qdadd" | "qdsub" | "pld" | "ldrd" | "strd" | "smulbb" | "smulbt"
        | "smultb" | "smultt" | "smlabb" | "smlabt" | "smlatb" | "smlatt" | "smlawb" | "smlawt"
        | "smulwb" | "smulwt" | "smlalbb" | "smlalbt" | "smlaltb" | "smlaltt" => {
            FeatureSet::one(V5te)
        }
        "rev" | "rev16" | "revsh" | "uxtb" | "uxth" | "sxtb" | "sxth" | "uxtab" | "uxtah"
        | "sxtab" | "sxtah" | "uxtb16" | "sxtb16" | "uxtab16" | "sxtab16" | "ssat" | "usat"
        | "ssat16" | "usat16" | "pkhbt" | "pkhtb" | "sel" | "umaal" | "ldrex" | "strex"
        | "usad8" | "usada8" | "uadd8" | "usub8" | "uqadd8" | "uqsub8" | "uhadd8" | "uhsub8"
        | "sadd8" | "ssub8" | "sadd16" | "ssub16" | "uadd16" | "usub16" | "qadd16" | "qsub16"
        | "uqadd16" | "uqsub16" | "shadd16" | "shsub16" | "uhadd16" | "uhsub16" | "qadd8"
        | "qsub8" | "shadd8" | "shsub8" | "smuad" | "smuadx" | "smusd" | "smusdx" | "smlad"
        | "smladx" | "smlsd" | "smlsdx" | "smlald" | "smlaldx" | "smlsld" | "smlsldx" | "smmul"
        | "smmulr" | "smmla" | "smmlar" | "smmls" | "smmlsr" => FeatureSet::one(V6),
        "setend" => FeatureSet::of(&[V6, Setend]),
        "ldrexb" | "ldrexh" | "ldrexd" | "strexb" | "strexh" | "strexd" | "clrex" => {
            FeatureSet::one(V6k)
        }
        "movw" | "movt" | "bfi" | "bfc" | "sbfx" | "ubfx" | "rbit" | "mls" | "ldrht" | "strht"
        | "ldrsbt" | "ldrsht" => FeatureSet::one(V6t2),
        "dmb" | "dsb" | "isb" | "pli" => FeatureSet::one(V7),
        "pldw" => FeatureSet::one(V7mp),
        "sdiv" | "udiv" => FeatureSet::one(if line.isa == Isa::Arm { IdivA } else { IdivT }),
        "lda" | "ldab" | "ldah" | "stl" | "stlb" | "stlh" | "ldaex" | "ldaexb" | "ldaexh"
        | "ldaexd" | "stlex" | "stlexb" | "stlexh" | "stlexd" | "hlt" => {
            FeatureSet::one(Feature::V8)
        }
        "crc32b" | "crc32h" | "crc32w" | "crc32cb" | "crc32ch" | "crc32cw" => {
            FeatureSet::one(Crc32)
        }
        "swp" | "swpb" => FeatureSet::one(Swp),
        _ if name.starts_with('v') => vector(line, name),
        _ if name.starts_with("aes") => FeatureSet::of(&[Neon, Aes]),
        _ if name.starts_with("sha1") => FeatureSet::of(&[Neon, Sha1]),
        _ if name.starts_with("sha256") => FeatureSet::of(&[Neon, Sha2]),
        "mrc"
            if line.operands.starts_with("15, 0,") && line.operands.ends_with("cr13, cr0, {3}") =>
        {
            FeatureSet::one(TlsRegister)
        }
        "mcr"
            if line.operands.ends_with("cr7, cr10, {5}")
                || line.operands.ends_with("cr7, cr10, {4}") =>
        {
            FeatureSet::one(Cp15Barrier)
        }
        "b" | "bl" | "bx" | "add" | "adds" | "sub" | "subs" | "mov" | "movs" | "mvn" | "mvns"
        | "cmp" | "cmn" | "tst" | "teq" | "and" | "ands" | "orr" | "orrs" | "eor" | "eors"
        | "bic" | "bics" | "rsb" | "rsbs" | "adc" | "adcs" | "sbc" | "sbcs" | "rsc" | "rscs"
        | "ldr" | "ldrb" | "ldrh" | "ldrsb" | "ldrsh" | "str" | "strb" | "strh" | "ldm" | "stm"
        | "ldmia" | "stmia" | "ldmdb" | "stmdb" | "push" | "pop" | "mul" | "mla" | "muls"
        | "umull" | "smull" | "umlal" | "smlal" | "svc" | "lsl" | "lsls" | "lsr" | "lsrs"
        | "asr" | "asrs" | "ror" | "rors" | "rrx" | "cbz" | "cbnz" | "it" | "ite" | "itt"
        | "itte" | "itet" | "ittt" | "itee" | "iteet" | "itttt" | "ittte" | "tbb" | "tbh"
        | "mrs" | "msr" | "addw" | "subw" | "orn" | "orns" | "neg" | "negs" => FeatureSet::EMPTY,
        _ => return None,
    };
    if line.isa == Isa::Thumb {
        set = thumb(line, name, set);
    }
    Some(set)
}

/// In Thumb, everything of 32 bits but bl and blx came with v6T2, which has the v5TE and v6 ones in it.
fn thumb(line: &Line<'_>, name: &str, set: FeatureSet) -> FeatureSet {
    let wide = line.word >= 0xe800_0000;
    if !wide {
        let v6t2 = name.starts_with("it") || name == "cbz" || name == "cbnz";
        return set.with_if(v6t2, V6t2);
    }
    let old = name == "bl" || name == "blx";
    let set = set.minus(FeatureSet::of(&[V5te, V6]));
    let set = if name == "clz" {
        set.minus(FeatureSet::one(V5t))
    } else {
        set
    };
    // Whether a call needs the longer range of v6T2 is in its bits, not in its mnemonic.
    set.with_if(!old || line.word & 0x2800 != 0x2800, V6t2)
}

fn vector(line: &Line<'_>, name: &str) -> FeatureSet {
    let (full, ops) = (line.mnemonic, line.operands);
    let registers: Vec<&str> = ops
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| word.len() > 1 && word[1..].bytes().all(|b| b.is_ascii_digit()))
        .collect();
    let first = |letter: char| registers.iter().any(|word| word.starts_with(letter));
    let suffix = full.split_once('.').map(|(_, suffix)| suffix);
    let vfp = FeatureSet::one(Vfp);
    let neon = FeatureSet::one(Neon);
    let double = full.contains(".f64");
    let scalar = first('s') || double;
    let immediate = ops.contains('#');
    match name {
        "vpush" | "vpop" | "vldr" | "vstr" | "vldmia" | "vldmdb" | "vstmia" | "vstmdb" | "vmrs"
        | "vmsr" => vfp,
        "vsel" | "vselge" | "vselgt" | "vseleq" | "vselvs" => vfp.with(VfpV8),
        "vcvtb" | "vcvtt" => vfp.with(VfpHalf).with_if(double, VfpV8),
        "vcvta" | "vcvtn" | "vcvtp" | "vcvtm" | "vmaxnm" | "vminnm" | "vrinta" | "vrintn"
        | "vrintp" | "vrintm" | "vrintx" | "vrintz" | "vrintr" => {
            if scalar {
                vfp.with(VfpV8)
            } else {
                neon.with(NeonV8)
            }
        }
        "vfma" | "vfms" if scalar => vfp.with(VfpV4),
        "vfma" | "vfms" => neon.with(NeonFma),
        "vfnma" | "vfnms" => vfp.with(VfpV4),
        "vcvt" | "vcvtr" if full.contains(".f16") => neon.with(NeonHalf),
        "vcvt" | "vcvtr" if scalar => vfp.with_if(immediate, VfpV3),
        "vmull" if full == "vmull.p64" => neon.with(Pmull),
        "vmov" if suffix == Some("f32") && first('s') => vfp.with_if(immediate, VfpV3),
        "vmov" if suffix == Some("f16") && immediate => vfp.with(VfpV3),
        "vmov" if double => vfp.with_if(immediate, VfpV3),
        "vmov"
            if suffix == Some("32")
                || full.starts_with("vmov")
                    && !full.contains('.')
                    && (first('r')
                        || first('s')
                        || ops.contains("sp")
                        || ops.contains("lr")
                        || ops.contains("ip")
                        || ops.contains("fp")
                        || ops.contains("sl")) =>
        {
            vfp
        }
        _ if scalar => vfp,
        _ => neon,
    }
}

fn classify(line: &Line<'_>) -> Insn {
    match line.isa {
        Isa::Arm => classify_arm(line.word, line.addr),
        Isa::Thumb => classify_thumb(
            (line.word >> 16) as u16,
            (line.word & 0xffff) as u16,
            line.addr,
        ),
    }
}

/// What the classifier reports, in the terms of the mnemonic: a unit's needs once, VFP registers by themselves.
fn reported(insn: &Insn, line: &Line<'_>) -> FeatureSet {
    let mut set = insn.needs.meet(COMPARED);
    if line.isa == Isa::Thumb && line.word >= 0xe800_0000 {
        set = set.minus(FeatureSet::of(&[V5te, V6]));
    }
    // A transfer of a 16- or 8-bit lane is Advanced SIMD in the VFP space.
    if set.has(Neon) {
        set.minus(FeatureSet::one(Vfp))
    } else {
        set
    }
}

/// Words that objdump prints as an instruction though the architecture has none there: it ignores bits that must
/// be zero or one. They are data (literal pools, tables, text); the classifier is right to be strict.
fn is_loose(line: &Line<'_>, text: &str) -> bool {
    let says_so = [
        "UNPREDICTABLE",
        "overflow",
        "UNDEF",
        "undefined",
        "illegal",
        "<unde",
    ]
    .iter()
    .any(|word| text.contains(word));
    let name = stem(line.mnemonic);
    let arm = line.isa == Isa::Arm;
    let flagless_comparison =
        arm && matches!(name, "tst" | "teq" | "cmp" | "cmn") && line.word & 1 << 20 == 0;
    let odd_pair = arm && matches!(name, "ldrd" | "strd") && line.word & 1 << 12 != 0;
    let bx_with_low_bits = !arm && name == "bx" && line.word & 7 << 16 != 0;
    let msr_with_operand =
        arm && name == "msr" && line.word & 1 << 25 == 0 && line.word & 0xf0 != 0;
    let unsigned_word_lane = line.mnemonic == "vmov.32" && line.word & 1 << 23 != 0;
    let half_by_fraction = line.mnemonic.starts_with("vcvt")
        && text.contains("f16")
        && line.word & 0x0f00_0000 == 0x0f00_0000;
    let literal_pldw = !arm && name == "pldw" && line.word & 0xf << 16 == 0xf << 16;
    says_so
        || flagless_comparison
        || odd_pair
        || bx_with_low_bits
        || msr_with_operand
        || unsigned_word_lane
        || half_by_fraction
        || literal_pldw
}

/// The same for words that the classifier calls undefined: register lists that are empty or run past the last
/// register, index registers where zeros must be. Only these mnemonics may differ so.
const LAX: [&str; 17] = [
    "ldmdb", "stmdb", "stmia", "ldmia", "strb", "ldrb", "strh", "ldrh", "ldrsh", "ldrsb", "str",
    "ldr", "pldw", "pli", "vldmia", "vstmia", "vldmdb",
];

fn is_lax(name: &str) -> bool {
    LAX.contains(&name) || name == "vstmdb" || name == "pld"
}

fn compare(path: &Path, differences: &mut BTreeMap<String, (u64, String)>) -> u64 {
    let mut child = Command::new("arm-linux-gnueabi-objdump")
        .args(["-d", "--show-raw-insn"])
        .arg(path)
        .stdout(Stdio::piped())
        .spawn()
        .expect("arm-linux-gnueabi-objdump is needed: apt-get install binutils-arm-linux-gnueabi");
    let mut compared = 0;
    for text in BufReader::new(child.stdout.take().unwrap()).split(b'\n') {
        let text = text.unwrap();
        let text = String::from_utf8_lossy(&text);
        let Some(line) = parse(&text) else { continue };
        if is_loose(&line, &text) {
            continue;
        }
        let Some(expected) = expected(&line) else {
            continue;
        };
        let insn = classify(&line);
        compared += 1;
        if insn.is_defined() && insn.writes != 0 && insn.loads != loads(&line) {
            let key = format!("{} {:?}: loads is {}", line.mnemonic, line.isa, insn.loads);
            let entry = differences
                .entry(key)
                .or_insert_with(|| (0, text.trim().to_owned()));
            entry.0 += 1;
        }
        let reported = reported(&insn, &line);
        if !insn.is_defined() && is_lax(stem(line.mnemonic)) {
            continue;
        }
        if !insn.is_defined() || reported != expected {
            let key = format!(
                "{} {:?}: objdump {expected:?}, here {reported:?}{}",
                line.mnemonic,
                line.isa,
                if insn.is_defined() { "" } else { " undefined" }
            );
            let entry = differences
                .entry(key)
                .or_insert_with(|| (0, text.trim().to_owned()));
            entry.0 += 1;
        }
    }
    assert!(child.wait().unwrap().success());
    compared
}

#[test]
fn mnemonics_and_features_agree_over_debian_libraries() {
    if !tools::have(&["arm-linux-gnueabi-objdump"]) {
        return;
    }
    let libraries = debian::libraries();
    if libraries.is_empty() {
        return;
    }
    let mut differences = BTreeMap::new();
    let mut compared = 0;
    for path in libraries {
        compared += compare(&path, &mut differences);
    }
    let mut list: Vec<_> = differences.iter().collect();
    list.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
    for (what, (count, example)) in list.iter().take(60) {
        eprintln!("{count:8} {what}   e.g. {example}");
    }
    eprintln!("{compared} instructions compared");
    assert!(
        compared > 1_000_000,
        "only {compared} instructions were compared"
    );
    assert!(
        differences.is_empty(),
        "{} kinds of difference",
        differences.len()
    );
}

/// What objdump shows of code of a file, from and to.
fn listing(path: &Path, from: u32, to: u32) -> String {
    let output = Command::new("arm-linux-gnueabi-objdump")
        .args([
            "-d",
            &format!("--start-address={from:#x}"),
            &format!("--stop-address={to:#x}"),
        ])
        .arg(path)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", path.display());
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_stripped_c_library_tells_what_prints_floats_and_what_unwinds_threads() {
    if !tools::have(&["arm-linux-gnueabi-objdump"]) {
        return;
    }
    let libraries = debian::libraries();
    let is_soft_libc =
        |path: &&std::path::PathBuf| path.ends_with("lib/arm-linux-gnueabi/libc.so.6");
    let Some(path) = libraries.iter().find(is_soft_libc) else {
        assert!(libraries.is_empty());
        return;
    };
    let file = ckpt_compat::elf::read(std::fs::read(path).unwrap().as_slice()).unwrap();
    assert!(file.map.is_empty(), "it has mapping symbols");
    // __printf_fp_l and __printf_fphex ask for the rounding mode once each.
    assert_eq!(file.printers.len(), 2, "{:x?}", file.printers);
    for (from, to) in &file.printers {
        let code = listing(path, *from, *to);
        assert_eq!(code.matches("\tvmrs\t").count(), 1, "{code}");
        assert!(code.matches("\tbl\t").count() > 10, "{code}");
    }
    // __pthread_unwind is the only function that __pthread_unwind_next calls, and never returns.
    let next = file.linkage.named(b"__pthread_unwind_next").next().unwrap();
    let code = listing(path, next, next + 64);
    let call = code
        .lines()
        .find_map(|line| line.split_once("\tbl\t"))
        .unwrap()
        .1;
    let target = u32::from_str_radix(call.split_whitespace().next().unwrap(), 16).unwrap();
    assert!(
        file.on_demand.contains(&target),
        "{:x?} {code}",
        file.on_demand
    );
}
