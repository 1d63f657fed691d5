//! For each rule a sample for each verdict that it can give.

use std::collections::{BTreeMap, BTreeSet};

use super::{rule, rules};
use crate::arm::Isa;
use crate::elf::Attributes;
use crate::evidence::{
    AbiSign, CoprocessorOne, Evidence, FileFacts, HeaderFacts, MappingFacts, Origin, SpaceFacts,
    ThreadFacts, VfpFacts,
};
use crate::feature::FeatureSet;
use crate::scan::{FeatureHits, Found, Frames, Hit};
use crate::target::{Endian, Target};
use crate::verdict::Cite;
use crate::verdict::Verdict::{self, *};
use crate::{Feature, Feature as F};

/// `e_flags` of an executable.
fn flags(flags: u32) -> (AbiSign, Cite) {
    (AbiSign::ElfFlags(flags), Cite::default())
}

/// A process of a little-endian EABI image with all of its code in view.
fn process() -> Evidence {
    let mut space = SpaceFacts {
        label: "process 1".to_owned(),
        abi_signs: vec![flags(0x0500_0200)],
        ..SpaceFacts::default()
    };
    space.code.code_len = 4096;
    space.code.seen_len = 4096;
    space.code.mapped_len = 4096;
    space.code.num_insns = 100;
    Evidence {
        origin: Origin::Criu,
        endian: Some(Endian::Little),
        spaces: vec![space],
        page_size: Some(4096),
        ..Evidence::default()
    }
}

fn hits(feature: Feature, isa: Isa) -> FeatureHits {
    let mut hits = FeatureHits::default();
    hits.features.insert(
        feature,
        Hit {
            count: 1,
            first: vec![(0x8000, isa)],
        },
    );
    hits
}

/// Code that uses a feature on every path.
fn inevitable(feature: Feature) -> Evidence {
    let mut evidence = swept(feature);
    evidence.spaces[0].code.inevitable = hits(feature, Isa::Thumb);
    evidence
}

/// Code that uses a feature, not known to run.
fn swept(feature: Feature) -> Evidence {
    let mut evidence = process();
    evidence.spaces[0].code.swept = hits(feature, Isa::Thumb);
    evidence
}

/// A thread of a v7 process on its way to cacheflush.
fn writes_code() -> Evidence {
    let mut evidence = process();
    let space = &mut evidence.spaces[0];
    space.platform = Some("v7l".to_owned());
    space.hwcap = Some((0xb097, 0));
    space.code.from_pc.cache_flushes = Hit {
        count: 1,
        first: vec![(0x8000, Isa::Arm)],
    };
    evidence
}

/// A process whose program calls dlopen.
fn loads_code() -> Evidence {
    let mut evidence = writes_code();
    let space = &mut evidence.spaces[0];
    space.loads = true;
    space.code.from_entries.loads = std::mem::take(&mut space.code.from_pc.cache_flushes);
    evidence
}

/// Code that is not in view.
fn unseen() -> Evidence {
    let mut evidence = process();
    evidence.spaces[0].code.seen_len = 0;
    evidence.spaces[0]
        .unseen_code
        .push("/bin/program".to_owned());
    evidence
}

fn thread(change: impl FnOnce(&mut ThreadFacts)) -> Evidence {
    let mut evidence = process();
    let mut thread = ThreadFacts {
        label: "thread 1".to_owned(),
        cpsr: 0x10,
        fp_recorded: true,
        ..ThreadFacts::default()
    };
    change(&mut thread);
    evidence.threads.push(thread);
    evidence
}

fn vfp(d: [u64; 32], fpscr: u32, exc: Option<[u32; 3]>) -> Evidence {
    thread(|thread| thread.vfp = Some(VfpFacts { d, fpscr, exc }))
}

fn mapping(start: u64, end: u64, change: impl FnOnce(&mut MappingFacts)) -> Evidence {
    let mut evidence = process();
    let mut mapping = MappingFacts {
        start,
        end,
        read: true,
        ..MappingFacts::default()
    };
    change(&mut mapping);
    evidence.spaces[0].mappings.push(mapping);
    evidence
}

fn header(change: impl FnOnce(&mut HeaderFacts)) -> Evidence {
    let mut evidence = process();
    evidence.origin = Origin::LinuxCr { revision: 17 };
    let mut header = HeaderFacts {
        cpu_architecture: Some(8),
        mmu: Some(true),
        aeabi: Some(true),
        oabi_compat: Some(true),
        release: "3.0.31".to_owned(),
        rev: 6,
        constants: vec![("task_comm_len".to_owned(), 16)],
        ..HeaderFacts::default()
    };
    change(&mut header);
    evidence.header = Some(header);
    evidence
}

fn with<T>(mut evidence: Evidence, change: impl FnOnce(&mut Evidence) -> T) -> Evidence {
    change(&mut evidence);
    evidence
}

/// `.ARM.attributes` with Tag_CPU_unaligned_access 1 and Tag_ABI_VFP_args 1.
fn attributes() -> Attributes {
    Attributes::parse(
        b"A\x14\0\0\0aeabi\0\x01\x0a\0\0\0\x22\x01\x1c\x01\x06",
        false,
    )
    .unwrap()
}

fn file(evidence: Evidence) -> Evidence {
    with(evidence, |e| {
        e.spaces[0].files.push(FileFacts {
            name: "program".to_owned(),
            attributes: Some(attributes()),
            ..FileFacts::default()
        });
    })
}

type Sample = (&'static str, Verdict, &'static str, Evidence);

/// Rules about instructions: fine with the feature, refused or conditional without it, unknown without the code.
fn of_feature(
    id: &'static str,
    feature: Feature,
    has: &'static str,
    lacks: &'static str,
) -> Vec<Sample> {
    vec![
        (id, Restorable, has, inevitable(feature)),
        (id, Conditional, lacks, swept(feature)),
        (id, Unknown, lacks, unseen()),
        (id, NotRestorable, lacks, inevitable(feature)),
    ]
}

/// Two threads of a program of no known ABI, the second under this personality.
fn apcs26(personality: u32) -> Evidence {
    let mut evidence = thread(|_| ());
    let second = ThreadFacts {
        personality: Some(personality),
        ..evidence.threads[0].clone()
    };
    evidence.threads[0].personality = Some(0x0080_0000);
    evidence.threads.push(second);
    evidence.spaces[0].abi_signs.clear();
    evidence
}

fn big_data() -> Evidence {
    thread(|t| t.cpsr = 0x210)
}

fn isa_samples() -> Vec<Sample> {
    let mut all = Vec::new();
    all.extend(of_feature("isa.version", F::V7, "v7", "v6"));
    all.extend(of_feature("isa.thumb", F::Thumb, "v4t", "v4"));
    all.extend(of_feature("isa.swp", F::Swp, "v6", "v4+nothumb"));
    all.retain(|(id, verdict, ..)| *id != "isa.swp" || *verdict == Restorable);
    all.extend(of_feature("isa.setend", F::Setend, "v6", "v5te"));
    all.extend(of_feature("isa.divide", F::IdivT, "v7ve", "v7"));
    all.extend(of_feature("isa.cp15tls", F::TlsRegister, "v6k", "v5te"));
    all.extend(of_feature("isa.barrier", F::Cp15Barrier, "v7", "v5te"));
    all.extend(of_feature("isa.xscale", F::XscaleDsp, "pxa255", "v7"));
    all.extend(of_feature(
        "isa.system",
        F::Cp15Other,
        "v7+cp15-other",
        "v7",
    ));
    all.extend([
        ("isa.aarch32", Restorable, "v7", process()),
        ("isa.aarch32", NotRestorable, "apple-m1", process()),
        ("isa.swp", Conditional, "v7", inevitable(F::Swp)),
        ("isa.swp", Unknown, "v7", unseen()),
        ("isa.thumb2", Restorable, "v7", inevitable(F::V6t2)),
        ("isa.thumb2", Conditional, "v6", swept(F::V6t2)),
        (
            "isa.thumb2",
            NotRestorable,
            "v6",
            thread(|t| t.cpsr = 0x10 | 0x20 | 0x0600_0000),
        ),
        (
            "isa.xscale",
            NotRestorable,
            "v7",
            thread(|t| t.acc0 = Some(1)),
        ),
        ("isa.xscale", Restorable, "v7", thread(|t| t.acc0 = Some(0))),
        (
            "isa.jazelle",
            Restorable,
            "v5tej-jazelle",
            thread(|t| t.cpsr = 0x10 | 1 << 24),
        ),
        (
            "isa.jazelle",
            Conditional,
            "arm926ej-s",
            thread(|t| t.cpsr = 0x10 | 1 << 24),
        ),
        (
            "isa.jazelle",
            NotRestorable,
            "v7",
            thread(|t| t.cpsr = 0x10 | 1 << 24),
        ),
        (
            "isa.thumbee",
            Restorable,
            "v7-thumbee",
            thread(|t| t.thumbee_state = Some(0x1000)),
        ),
        (
            "isa.thumbee",
            Conditional,
            "v7",
            thread(|t| t.thumbee_state = Some(0x1000)),
        ),
        ("isa.thumbee", Unknown, "v7", unseen()),
        (
            "isa.thumbee",
            NotRestorable,
            "v7",
            thread(|t| t.cpsr = 0x30 | 1 << 24),
        ),
        ("isa.26bit", Restorable, "sa1110", thread(|t| t.cpsr = 0)),
        (
            "isa.26bit",
            Conditional,
            "v7",
            thread(|t| t.personality = Some(0)),
        ),
        ("isa.26bit", NotRestorable, "v7", thread(|t| t.cpsr = 0)),
        // Built for nothing that is known, under PER_LINUX, with a flag or without, in any thread.
        ("isa.26bit", NotRestorable, "v7", apcs26(0)),
        ("isa.26bit", NotRestorable, "v7", apcs26(0x0004_0000)),
        ("isa.26bit", Restorable, "v7", apcs26(0x0080_0000)),
        ("isa.26bit", Restorable, "v7", apcs26(8)),
        ("isa.setend", NotRestorable, "v5te", big_data()),
        ("isa.setend", Conditional, "v8-aarch64", big_data()),
        ("isa.setend", Restorable, "v7", big_data()),
        ("isa.endian", Restorable, "v7", process()),
        (
            "isa.endian",
            Unknown,
            "v7",
            with(process(), |e| e.endian = None),
        ),
        ("isa.endian", NotRestorable, "v7-be8", process()),
        ("isa.unaligned", Restorable, "v6", file(process())),
        ("isa.unaligned", Conditional, "v5te", file(process())),
        ("isa.written", Restorable, "cortex-a15", writes_code()),
        ("isa.written", Conditional, "v5te", writes_code()),
        ("isa.written", Restorable, "cortex-a15", loads_code()),
        ("isa.written", Conditional, "v5te", loads_code()),
        ("isa.undefined", Restorable, "v7", process()),
        (
            "isa.undefined",
            NotRestorable,
            "v7",
            inevitable(F::Undefined),
        ),
    ]);
    all
}

/// A thread without a floating-point record, code out of view, and a capability word without any unit.
fn no_fp_advertised(e_flags: u32) -> Evidence {
    with(thread(|t| t.fp_recorded = false), |e| {
        let space = &mut e.spaces[0];
        space.code.seen_len = 0;
        space.hwcap = Some((0x97, 0));
        space.abi_signs = vec![flags(e_flags)];
    })
}

fn fp_samples() -> Vec<Sample> {
    let mut d = [0; 32];
    d[20] = 1;
    let mut all = Vec::new();
    all.extend(of_feature("fp.kind", F::Vfp, "v7-vfp", "v5te"));
    all.extend(of_feature("fp.bank", F::VfpD32, "v7-neon", "v7-vfp"));
    all.extend(of_feature("fp.neon", F::Neon, "v7-neon", "v7-vfp"));
    all.extend(of_feature("fp.version", F::VfpV4, "v7ve-vfpv4", "v7-vfp"));
    all.extend([
        ("fp.bank", NotRestorable, "v7-vfp", vfp(d, 0, None)),
        (
            "fp.kind",
            Conditional,
            "v5te",
            thread(|t| t.fpa_used = true),
        ),
        (
            "fp.kind",
            Restorable,
            "v5te-nwfpe",
            thread(|t| t.fpa_used = true),
        ),
        (
            "fp.kind",
            NotRestorable,
            "v8-aarch64",
            thread(|t| t.fpa_used = true),
        ),
        ("fp.exclusive", Restorable, "v7", process()),
        (
            "fp.exclusive",
            Restorable,
            "v7",
            thread(|t| t.fpa_used = true),
        ),
        (
            "fp.exclusive",
            Restorable,
            "v7",
            thread(|t| t.iwmmxt_used = true),
        ),
        (
            "fp.exclusive",
            NotRestorable,
            "v7",
            thread(|t| (t.fpa_used, t.iwmmxt_used) = (true, true)),
        ),
        (
            "fp.vector",
            Restorable,
            "v6-vfp",
            vfp([0; 32], 0x0003_0000, None),
        ),
        (
            "fp.vector",
            Conditional,
            "v7-vfp",
            vfp([0; 32], 0x0003_0000, None),
        ),
        (
            "fp.vector",
            NotRestorable,
            "v8",
            vfp([0; 32], 0x0003_0000, None),
        ),
        ("fp.trap", Restorable, "v6-vfp", vfp([0; 32], 0x100, None)),
        ("fp.trap", Conditional, "v8", vfp([0; 32], 0x100, None)),
        (
            "fp.trap",
            NotRestorable,
            "v8",
            vfp([0; 32], 0, Some([1 << 31, 0, 0])),
        ),
        ("fp.mode", Restorable, "v6-vfp", vfp([0; 32], 1 << 24, None)),
        (
            "fp.mode",
            Conditional,
            "v6-vfp",
            vfp([0; 32], 1 << 26, None),
        ),
        ("fp.abi", Restorable, "v7-vfp", file(process())),
        ("fp.abi", Conditional, "arm926ej-s", file(process())),
        ("fp.abi", NotRestorable, "v7", file(process())),
        ("fp.lost", Restorable, "v7", thread(|_| ())),
        (
            "fp.lost",
            Conditional,
            "v7",
            with(thread(|t| t.fp_recorded = false), |e| {
                e.spaces[0].code.from_pc = hits(F::Vfp, Isa::Arm);
            }),
        ),
        (
            "fp.lost",
            Unknown,
            "v7",
            with(thread(|t| t.fp_recorded = false), |e| {
                e.spaces[0].code.seen_len = 0;
            }),
        ),
        ("fp.lost", Restorable, "v7", no_fp_advertised(0x0500_0200)),
        // The kernel emulates FPA for the old ABI and advertises nothing.
        ("fp.lost", Unknown, "v7", no_fp_advertised(0)),
    ]);
    all
}

/// A thread at a pc, in a space with one page of code at 0x10000.
fn at(pc: u32, cpsr: u32) -> Evidence {
    let mut evidence = mapping(0x1_0000, 0x1_1000, |mapping| mapping.exec = true);
    evidence.threads = thread(|t| (t.regs[15], t.cpsr) = (pc, cpsr)).threads;
    evidence
}

fn abi_and_system_samples() -> Vec<Sample> {
    let oabi = || {
        with(process(), |e| {
            e.spaces[0].abi_signs = vec![flags(0)];
        })
    };
    let nameless = || with(process(), |e| e.spaces[0].abi_signs.clear());
    let calls = || {
        with(process(), |e| {
            e.spaces[0].code.swept.oabi_calls = Hit {
                count: 1,
                first: vec![(0x8000, Isa::Arm)],
            }
        })
    };
    let restarting = |r0: i32, r7: u32| {
        thread(move |t| {
            t.regs[0] = r0.cast_unsigned();
            t.regs[7] = r7;
            t.call_before_pc = Some(0);
        })
    };
    vec![
        ("abi.personality", Restorable, "v5te-oabi", oabi()),
        ("abi.personality", Restorable, "v5te-oabi-compat", oabi()),
        ("abi.personality", NotRestorable, "v5te", oabi()),
        ("abi.personality", NotRestorable, "v5te-oabi", process()),
        ("abi.personality", Restorable, "v5te", process()),
        ("abi.personality", Unknown, "v5te", nameless()),
        (
            "abi.personality",
            Restorable,
            "v5te-oabi-compat",
            nameless(),
        ),
        ("abi.personality", Conditional, "v5te", calls()),
        ("sys.restart", Restorable, "v7", thread(|_| ())),
        ("sys.restart", Conditional, "v7", restarting(-516, 162)),
        ("sys.number", Restorable, "v7", restarting(-512, 3)),
        ("sys.number", Conditional, "v7", restarting(-512, 435)),
        ("sys.number", Conditional, "v7", restarting(-512, 999)),
        ("sys.number", Restorable, "v7", restarting(-516, 0xf0002)),
        ("task.state", Restorable, "v7", at(0x1_0100, 0x10)),
        ("task.state", Restorable, "v7", at(0x1_0102, 0x30)),
        ("task.state", Restorable, "v7", at(0xffff_0fc8, 0x10)),
        ("task.state", Restorable, "sa1110", at(0x6c01_0100, 0)),
        ("task.state", Conditional, "v7", at(0x1_0101, 0x10)),
        ("task.state", Conditional, "v7", at(0x1_0100, 0x50)),
        (
            "task.state",
            NotRestorable,
            "v8-aarch64",
            at(0x1_0100, 0x50),
        ),
        ("task.state", NotRestorable, "v7", at(0x1_0100, 0x90)),
        ("task.state", NotRestorable, "v7", at(0x1_0100, 0x13)),
        ("task.state", NotRestorable, "v7", at(0, 0x10)),
        ("task.state", NotRestorable, "v7", at(0xffff_ffff, 0x30)),
        (
            "task.state",
            Conditional,
            "v7",
            with(at(0, 0x10), |e| e.origin = Origin::Core),
        ),
        (
            "task.state",
            Conditional,
            "v7",
            with(at(0, 0x10), |e| e.spaces[0].mappings[0].exec = false),
        ),
        (
            "task.frozen",
            Restorable,
            "v7",
            thread(|t| t.deliverable = 1),
        ),
        (
            "task.frozen",
            Conditional,
            "v7",
            thread(|t| t.regs[15] = 0xffff_0fc8),
        ),
    ]
}

fn memory_samples() -> Vec<Sample> {
    let shared = |start| mapping(start, start + 0x1000, |m| m.shared = true);
    let lr = |lr: u32| thread(move |t| t.regs[14] = lr);
    let helper = || lr(0xffff_0fe0);
    let unknown_kernel = "baseline of unknown kernels";
    vec![
        ("mmu", Restorable, "v7", process()),
        ("mmu", Unknown, "v4t-nommu", process()),
        ("mmu", NotRestorable, "v4t-nommu", header(|_| ())),
        (
            "mem.tasksize",
            Restorable,
            "v7",
            mapping(0xbe00_0000, 0xbf00_0000, |_| ()),
        ),
        (
            "mem.tasksize",
            Conditional,
            unknown_kernel,
            mapping(0xbe00_0000, 0xbf00_0000, |_| ()),
        ),
        (
            "mem.tasksize",
            NotRestorable,
            "v7-vmsplit-2g",
            mapping(0xbe00_0000, 0xbf00_0000, |_| ()),
        ),
        (
            "mem.pagesize",
            Restorable,
            "v7",
            mapping(0x1_1000, 0x1_2000, |_| ()),
        ),
        (
            "mem.pagesize",
            Conditional,
            unknown_kernel,
            mapping(0x1_1000, 0x1_2000, |_| ()),
        ),
        (
            "mem.pagesize",
            NotRestorable,
            "v8-aarch64-page64k",
            mapping(0x1_1000, 0x1_2000, |_| ()),
        ),
        ("mem.aliasing", Restorable, "v5te", shared(0x4000_0000)),
        ("mem.aliasing", Conditional, "v5te", shared(0x4000_1000)),
        (
            "mem.mmap_min",
            Restorable,
            "v7",
            mapping(0x1_0000, 0x1_1000, |_| ()),
        ),
        (
            "mem.mmap_min",
            Conditional,
            "v7",
            mapping(0x1000, 0x2000, |_| ()),
        ),
        ("mem.exec", Restorable, "v7", thread(|_| ())),
        (
            "mem.exec",
            Conditional,
            "v7",
            thread(|t| t.personality = Some(0x0040_0000)),
        ),
        ("mem.vectors", Restorable, "v7", helper()),
        (
            "mem.vectors",
            Conditional,
            "v7",
            thread(|t| t.regs[15] = 0xffff_0fc8),
        ),
        ("mem.vectors", NotRestorable, "v7-nokuser", helper()),
        ("mem.vectors", Restorable, "v7-nokuser", lr(0xffff_ffff)),
        ("mem.vectors", Restorable, "v7-nokuser", lr(0xffff_0fe4)),
        ("mem.vectors", Conditional, "v7-nokuser", lr(0xffff_0504)),
        ("mem.vectors", Restorable, "v7", at(0xffff_0fc0, 0x10)),
        ("mem.vectors", Conditional, "v7", at(0xffff_0f70, 0x10)),
        ("mem.vdso", Restorable, "v7", thread(|_| ())),
        (
            "mem.vdso",
            Conditional,
            "v7",
            thread(|t| t.returns_to_kernel_page = vec![0x7ff1_2000]),
        ),
        (
            "tls",
            Restorable,
            "v5te",
            thread(|t| t.tp_value = Some(0x1000)),
        ),
        (
            "tls",
            Conditional,
            unknown_kernel,
            thread(|t| t.tp_value = Some(0x1000)),
        ),
        (
            "tls",
            NotRestorable,
            "v5te-nokuser",
            thread(|t| t.tp_value = Some(0x1000)),
        ),
    ]
}

fn kernel_samples() -> Vec<Sample> {
    let thumbee = || {
        let threads = thread(|t| t.thumbee_state = Some(0x1000)).threads;
        with(header(|_| ()), move |e| e.threads = threads)
    };
    vec![
        ("kernel.isa", Restorable, "v7", header(|_| ())),
        ("kernel.isa", NotRestorable, "v5te", header(|_| ())),
        ("abi.kernel", Restorable, "v7", header(|_| ())),
        (
            "abi.kernel",
            Conditional,
            "baseline of unknown kernels",
            header(|_| ()),
        ),
        ("abi.kernel", NotRestorable, "v5te-oabi", header(|_| ())),
        ("kernel.mmu", Restorable, "v7", header(|_| ())),
        ("kernel.mmu", NotRestorable, "v4t-nommu", header(|_| ())),
        ("kernel.thumbee", Restorable, "v7-thumbee", thumbee()),
        ("kernel.thumbee", Conditional, "v7", thumbee()),
        ("kernel.thumbee", NotRestorable, "no ThumbEE", thumbee()),
        ("const.block", Restorable, "v7", header(|_| ())),
        (
            "const.block",
            NotRestorable,
            "v7",
            header(|h| h.constants[0].1 = 15),
        ),
        ("kernel.version", Restorable, "v7", header(|_| ())),
        (
            "kernel.version",
            Conditional,
            "v7",
            with(header(|h| h.rev = 7), |e| {
                e.origin = Origin::LinuxCr { revision: 18 }
            }),
        ),
    ]
}

/// A machine of which only the processor is known.
fn target(name: &str) -> Target {
    if name == "no ThumbEE" {
        let mut target = Target::named("v7").unwrap();
        target.kernel.thumbee = Some(false);
        return target;
    }
    if let Some(kernel) = name.strip_prefix("ThumbEE under ") {
        let mut target = Target::named("v7-thumbee").unwrap();
        target.kernel.thumbee = (kernel == "a kernel without").then_some(false);
        return target;
    }
    if name != "baseline of unknown kernels" {
        return Target::named(name).unwrap();
    }
    let mut target = Target::named("v5te").unwrap();
    target.kernel.aeabi = None;
    target.kernel.task_size = None;
    target.kernel.page_size = None;
    target.kernel.kuser_helpers = None;
    target
}

#[test]
fn each_rule_gives_each_of_its_verdicts_on_a_sample() {
    let samples = [
        isa_samples(),
        fp_samples(),
        abi_and_system_samples(),
        memory_samples(),
        kernel_samples(),
    ]
    .concat();
    let mut given: BTreeMap<&str, BTreeSet<Verdict>> = BTreeMap::new();
    for (id, expected, name, evidence) in &samples {
        let outcome =
            (rule(id).unwrap_or_else(|| panic!("no rule {id}")).judge)(evidence, &target(name));
        assert_eq!(outcome.verdict, *expected, "{id} on {name}: {outcome:?}");
        let explained = outcome.verdict == Restorable || !outcome.requirement.is_empty();
        assert!(explained, "{id} on {name} does not say why: {outcome:?}");
        given.entry(id).or_default().insert(*expected);
    }
    for rule in rules() {
        let verdicts = given
            .get(rule.id)
            .unwrap_or_else(|| panic!("{} has no sample", rule.id));
        assert!(
            verdicts.contains(&Restorable) && verdicts.len() >= 2,
            "{}: {verdicts:?}",
            rule.id
        );
    }
    // What a rule says of any sample on any target of these is a verdict that it has a sample of its own for.
    let names: BTreeSet<&str> = samples.iter().map(|(_, _, name, _)| *name).collect();
    let targets: Vec<Target> = names.into_iter().map(target).collect();
    let mut missing = BTreeSet::new();
    for rule in rules() {
        for (target, (.., evidence)) in targets
            .iter()
            .flat_map(|target| samples.iter().map(move |sample| (target, sample)))
        {
            let verdict = (rule.judge)(evidence, target).verdict;
            if !given[rule.id].contains(&verdict) {
                missing.insert((rule.id, verdict));
            }
        }
    }
    assert!(missing.is_empty(), "no sample for {missing:?}");
}

#[test]
fn ids_are_unique_and_texts_are_there() {
    let mut ids: Vec<&str> = rules().map(|rule| rule.id).collect();
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count);
    for rule in rules() {
        assert!(
            !rule.title.is_empty() && rule.rationale.len() > 20 && rule.remedy.len() > 10,
            "{}",
            rule.id
        );
    }
}

#[test]
fn code_behind_a_capability_counts_if_it_was_advertised() {
    let guarded = |hwcap| {
        with(process(), |e| {
            e.spaces[0].code.guarded = hits(F::Iwmmxt, Isa::Arm);
            e.spaces[0].hwcap = Some((hwcap, 0));
        })
    };
    let judge = |evidence: &Evidence| {
        (rule("fp.kind").unwrap().judge)(evidence, &Target::named("v7").unwrap()).verdict
    };
    assert_eq!(judge(&guarded(0x97)), Restorable);
    assert_eq!(judge(&guarded(0x97 | 1 << 9)), Conditional);
    // What the process was told is not in the image; a program that has not started will be told.
    let silent = with(guarded(0), |e| e.spaces[0].hwcap = None);
    assert_eq!(judge(&silent), Conditional);
    let program = with(silent, |e| e.origin = Origin::Elf);
    assert_eq!(judge(&program), Restorable);
    assert_eq!(judge(&swept(F::Iwmmxt)), Conditional);
}

#[test]
fn what_the_source_lacked_may_still_lie_ahead() {
    let target = Target::named("v7").unwrap();
    let verdict = |feature, reached: bool| {
        let mut evidence = swept(feature);
        let space = &mut evidence.spaces[0];
        // A v7 machine without VFP, NEON and iwMMXt.
        space.platform = Some("v7l".to_owned());
        space.hwcap = Some((0x8097, 0));
        if reached {
            space.code.from_entries = std::mem::take(&mut space.code.swept);
        }
        crate::check(&evidence, &target, None).verdict()
    };
    // A handler that was never called so far, against words that only look like code.
    assert_eq!(verdict(Feature::Neon, true), Verdict::Conditional);
    assert_eq!(verdict(Feature::Neon, false), Verdict::Restorable);
    assert_eq!(verdict(Feature::Crunch, true), Verdict::Restorable);
}

#[test]
fn a_word_in_much_code_without_a_map_is_noise_if_nothing_leads_there() {
    let verdict = |mapped_len, num_insns, count, reached: bool| {
        let mut evidence = swept(F::Neon);
        let code = &mut evidence.spaces[0].code;
        (code.mapped_len, code.num_insns) = (mapped_len, num_insns);
        code.swept.features.get_mut(&F::Neon).unwrap().count = count;
        if reached {
            code.from_entries = std::mem::take(&mut code.swept);
        }
        (rule("fp.neon").unwrap().judge)(&evidence, &target("v7-vfp")).verdict
    };
    assert_eq!(verdict(2047, 20_001, 1, false), Restorable);
    // Mapping symbols tell code from data in half of it; one word in 20 000; two words; a way that leads there.
    assert_eq!(verdict(2048, 20_001, 1, false), Conditional);
    assert_eq!(verdict(2047, 20_000, 1, false), Conditional);
    assert_eq!(verdict(2047, 20_001, 2, false), Conditional);
    assert_eq!(verdict(2047, 20_001, 1, true), Conditional);
}

/// Code that uses a feature and that known entries lead to.
fn reached(feature: Feature) -> Evidence {
    with(swept(feature), |e| {
        let code = &mut e.spaces[0].code;
        code.from_entries = std::mem::take(&mut code.swept);
    })
}

#[test]
fn code_that_cannot_run_needs_nothing() {
    let verdict = |id: &str, evidence: &Evidence| {
        (rule(id).unwrap().judge)(evidence, &target("v5te")).verdict
    };
    let linked = |evidence, open| {
        with(evidence, |e: &mut Evidence| {
            e.spaces[0].is_linked = true;
            e.spaces[0].code.open = open;
        })
    };
    assert_eq!(
        verdict("fp.kind", &linked(swept(F::Vfp), false)),
        Restorable
    );
    assert_eq!(
        verdict("fp.kind", &linked(swept(F::Vfp), true)),
        Conditional
    );
    assert_eq!(
        verdict("fp.kind", &linked(reached(F::Vfp), false)),
        Conditional
    );
    // No machine lets a process do this: it is data, unless every way leads there.
    for evidence in [swept(F::Privileged), reached(F::Privileged)] {
        assert_eq!(verdict("isa.system", &evidence), Restorable);
    }
    assert_eq!(
        verdict("isa.system", &inevitable(F::Privileged)),
        NotRestorable
    );
    // A v5 machine ran no v6 code: words that look like it are data.
    let old = |evidence| {
        with(evidence, |e: &mut Evidence| {
            e.spaces[0].platform = Some("v5l".to_owned());
            e.spaces[0].hwcap = Some((0x97, 0));
        })
    };
    assert_eq!(verdict("isa.version", &old(swept(F::V6))), Restorable);
    assert_eq!(verdict("isa.version", &old(reached(F::V6))), Conditional);
    assert_eq!(verdict("isa.version", &swept(F::V6)), Conditional);
}

#[test]
fn a_library_built_for_an_architecture_needs_it() {
    let v7 = Attributes::parse(b"A\x11\0\0\0aeabi\0\x01\x07\0\0\0\x06\x0a", false).unwrap();
    let library = |count, num_insns| {
        with(reached(F::V7), |e| {
            let space = &mut e.spaces[0];
            space.files.push(FileFacts {
                name: "library".to_owned(),
                attributes: Some(v7.clone()),
                ..FileFacts::default()
            });
            space.code.num_insns = num_insns;
            let hits = &mut space.code.from_entries.features;
            hits.get_mut(&F::V7).unwrap().count = count;
        })
    };
    let verdict =
        |evidence: &Evidence| (rule("isa.version").unwrap().judge)(evidence, &target("v6")).verdict;
    assert_eq!(verdict(&library(10, 2000)), NotRestorable);
    // Too small a share, too little code, no declaration, a program with ways of its own.
    assert_eq!(verdict(&library(9, 2000)), Conditional);
    assert_eq!(verdict(&library(10, 1999)), Conditional);
    let undeclared = with(library(10, 2000), |e| e.spaces[0].files.clear());
    assert_eq!(verdict(&undeclared), Conditional);
    let from_pc = with(library(10, 2000), |e| {
        e.spaces[0].code.from_pc = hits(F::Thumb, Isa::Arm);
    });
    assert_eq!(verdict(&from_pc), Conditional);
    let inevitable = with(library(10, 2000), |e| {
        e.spaces[0].code.inevitable = hits(F::Thumb, Isa::Arm);
    });
    assert_eq!(verdict(&inevitable), Conditional);
    let reached = "process 1: 10 × v7 reached from known entries, first at 0x8000";
    assert_eq!(
        told("isa.version", "v6", &library(10, 2000)),
        format!("{reached}\nlibrary: Tag_CPU_arch is v7\n-")
    );
}

#[test]
fn coprocessor_one_is_judged_as_whose_it_is() {
    let verdict = |whose, name| {
        let mut evidence = inevitable(F::FpaOrIwmmxt);
        evidence.spaces[0].coprocessor_one = whose;
        (rule("fp.kind").unwrap().judge)(&evidence, &target(name)).verdict
    };
    let (fpa, iwmmxt) = (Some(CoprocessorOne::Fpa), Some(CoprocessorOne::Iwmmxt));
    for (whose, name, expected) in [
        (fpa, "v5te-nwfpe", Restorable),
        (fpa, "v8-aarch64", NotRestorable),
        (iwmmxt, "pxa270", Restorable),
        (iwmmxt, "v5te-nwfpe", NotRestorable),
        // Nothing tells whose: good where both are, bad where neither is.
        (None, "v5te-nwfpe", Conditional),
        (None, "v8-aarch64", NotRestorable),
    ] {
        assert_eq!(verdict(whose, name), expected, "{whose:?} on {name}");
    }
    // Data that looks like coprocessor 1 code of nobody.
    let swept = swept(F::FpaOrIwmmxt);
    let outcome = (rule("fp.kind").unwrap().judge)(&swept, &target("v5te-nwfpe"));
    assert_eq!(outcome.verdict, Conditional);
    // A program that was never started may choose its code by AT_HWCAP; a process has chosen.
    for (origin, chooses) in [(Origin::Elf, true), (Origin::Criu, false)] {
        let evidence = with(swept.clone(), |e| {
            e.origin = origin;
            e.spaces[0].coprocessor_one = iwmmxt;
        });
        let told = told("fp.kind", "v5te", &evidence);
        assert_eq!(told.contains("choose code by AT_HWCAP"), chooses, "{told}");
    }
    // No bit of AT_HWCAP tells of v6T2.
    let elf = with(self::swept(F::V6t2), |e| e.origin = Origin::Elf);
    let told = told("isa.version", "v5te", &elf);
    assert!(told.contains("(v6t2) is not executed"), "{told}");
    assert!(!told.contains("choose code by AT_HWCAP"), "{told}");
}

/// The facts of an outcome, one in a line, and its condition.
fn told(id: &str, name: &str, evidence: &Evidence) -> String {
    let outcome = (rule(id).unwrap().judge)(evidence, &target(name));
    let facts = outcome.evidence.iter().map(|cite| cite.what.as_str());
    let condition = outcome.condition.as_deref().unwrap_or("-");
    facts.chain([condition]).collect::<Vec<_>>().join("\n")
}

#[test]
fn outcomes_say_what_was_seen_and_what_would_help() {
    let check = |id, name, evidence: &Evidence, expected: &[&str]| {
        assert_eq!(told(id, name, evidence), expected.join("\n"));
    };
    let not_run = "process 1: 1 × vfp in code that is not known to run, first at 0x8000";
    let dispatch = "(programs that choose code by AT_HWCAP at start do not execute it there)";
    check(
        "fp.kind",
        "v5te",
        &swept(F::Vfp),
        &[not_run, "the code that needs it (vfp) is not executed"],
    );
    check(
        "fp.kind",
        "v5te",
        &with(swept(F::Vfp), |e| e.origin = Origin::Elf),
        &[
            not_run,
            &format!("the code that needs it (vfp) is not executed {dispatch}"),
        ],
    );
    let files = |count: usize, sysroot| {
        with(unseen(), |e| {
            let names = (0..count).map(|n| format!("/lib/{n}.so"));
            e.spaces[0].unseen_code = names.collect();
            e.sysroot = sysroot;
        })
    };
    let supply = "are not in the image: --sysroot DIR supplies them";
    for (evidence, condition) in [
        (
            files(1, false),
            "/lib/0.so is not in the image: --sysroot DIR supplies it".to_owned(),
        ),
        (files(2, false), format!("/lib/0.so and /lib/1.so {supply}")),
        (
            files(4, false),
            format!("/lib/0.so, /lib/1.so and 2 more {supply}"),
        ),
        (
            files(1, true),
            "/lib/0.so is not in the image and not below the --sysroot either".to_owned(),
        ),
    ] {
        let fact = format!("process 1: {condition}");
        check("fp.neon", "v7-vfp", &evidence, &[&fact, &condition]);
        let outcome = (rule("fp.neon").unwrap().judge)(&evidence, &target("v7-vfp"));
        assert_eq!(outcome.evidence[0].file.as_deref(), Some("/lib/0.so"));
    }
    let vfp = vfp([1; 32], 0x0300_0000, None);
    let outcome = (rule("fp.kind").unwrap().judge)(&vfp, &target("v5te"));
    let what = &outcome.evidence[0].what;
    assert!(
        what.contains("32 double registers not zero, FPSCR 0x03000000"),
        "{what}"
    );
    assert_eq!(outcome.target_has, "has it not");
}

#[test]
fn a_condition_names_each_way_to_meet_it_once() {
    let setend = "setend is enabled or emulated (CONFIG_SETEND_EMULATION, abi.setend)";
    let barrier =
        "CP15 barriers are enabled or emulated (CONFIG_CP15_BARRIER_EMULATION, abi.cp15_barrier)";
    for (id, feature, name, condition) in [
        ("fp.kind", F::Vfp, "arm926ej-s", "this machine has it (vfp)"),
        (
            "isa.swp",
            F::Swp,
            "v7",
            "swp is enabled or the kernel is built with CONFIG_SWP_EMULATE",
        ),
        // No such instruction there, so only the kernel can help.
        (
            "isa.swp",
            F::Swp,
            "v8",
            "the kernel is built with CONFIG_SWP_EMULATE",
        ),
        ("isa.setend", F::Setend, "v8", setend),
        ("isa.barrier", F::Cp15Barrier, "v8", barrier),
        ("isa.barrier", F::Cp15Barrier, "v8-aarch64", barrier),
        (
            "isa.system",
            F::Pmu,
            "v7",
            "the kernel opens it to user mode (pmu)",
        ),
        ("isa.setend", F::Setend, "v8-aarch64", setend),
    ] {
        let told = told(id, name, &inevitable(feature));
        assert_eq!(told.lines().nth(1), Some(condition), "{id} on {name}");
    }
}

#[test]
fn floating_point_modes_are_their_own_bits_of_fpscr() {
    let verdict = |id: &str, name, fpscr, fpexc| {
        let evidence = vfp([0; 32], fpscr, Some([fpexc, 0, 0]));
        (rule(id).unwrap().judge)(&evidence, &target(name)).verdict
    };
    let (others, enabled) = (0xf800_60ff, 1 << 30);
    for (id, name, all, expected) in [
        ("fp.vector", "v8", 0x0037_0000, NotRestorable),
        ("fp.trap", "v8", 0x0000_9f00, Conditional),
        ("fp.mode", "v7", 0x07c0_0000, Conditional),
    ] {
        assert_eq!(verdict(id, name, others, enabled), Restorable, "{id}");
        assert_eq!(verdict(id, name, all, enabled), expected, "{id}");
    }
    let support = "the unit or the kernel's support code does short vectors";
    let told = told("fp.vector", "v7-vfp", &swept(F::ShortVectors));
    assert_eq!(
        told.lines().last().unwrap(),
        format!("{support} (short-vectors)")
    );
}

#[test]
fn a_thread_outside_of_floating_point_code_lost_no_values() {
    let verdict = |pointer, needs: &[Feature]| {
        let evidence = with(thread(|t| t.fp_recorded = false), |e| {
            e.threads[0].regs[15] = 0x8000;
            let code = &mut e.spaces[0].code;
            code.swept = hits(F::Vfp, Isa::Arm);
            code.frames.push(Frames {
                pointer,
                needs: FeatureSet::of(needs),
            });
        });
        (rule("fp.lost").unwrap().judge)(&evidence, &target("v7")).verdict
    };
    assert_eq!(verdict(0x8000, &[F::V7]), Restorable);
    assert_eq!(verdict(0x8001, &[F::V7]), Restorable);
    assert_eq!(verdict(0x8000, &[F::V7, F::Vfp]), Conditional);
    assert_eq!(verdict(0x9000, &[F::V7]), Conditional);
}

#[test]
fn each_state_of_a_thread_is_judged_by_its_own_rule() {
    const T: u32 = 0x20;
    const J: u32 = 1 << 24;
    const IT: u32 = 0x0600_0000;
    for (id, name, cpsr, expected) in [
        ("isa.thumb", "v4", 0, Restorable),
        ("isa.thumb", "v4", T, NotRestorable),
        ("isa.thumb", "v4", J, Restorable),
        ("isa.thumb", "v4", T | J, Restorable),
        ("isa.thumb2", "v6", T, Restorable),
        ("isa.thumb2", "v6", IT, Restorable),
        ("isa.thumb2", "v6", T | IT, NotRestorable),
        ("isa.jazelle", "v7", T, Restorable),
        ("isa.jazelle", "v7", J, NotRestorable),
        ("isa.jazelle", "v7", T | J, Restorable),
        ("isa.thumbee", "v7", T, Restorable),
        ("isa.thumbee", "v7", J, Restorable),
        ("isa.thumbee", "v7", T | J, NotRestorable),
        ("isa.thumbee", "v7-thumbee", T | J, Restorable),
        (
            "isa.thumbee",
            "ThumbEE under an unknown kernel",
            T | J,
            Conditional,
        ),
        (
            "isa.thumbee",
            "ThumbEE under an unknown kernel",
            T,
            Restorable,
        ),
        (
            "isa.thumbee",
            "ThumbEE under a kernel without",
            T | J,
            NotRestorable,
        ),
    ] {
        let evidence = thread(|thread| thread.cpsr = 0x10 | cpsr);
        let outcome = (rule(id).unwrap().judge)(&evidence, &target(name));
        assert_eq!(outcome.verdict, expected, "{id} on {name}, {cpsr:#x}");
    }
    let base = |name, base| {
        let evidence = thread(|thread| thread.thumbee_state = Some(base));
        (rule("isa.thumbee").unwrap().judge)(&evidence, &target(name)).verdict
    };
    assert_eq!(base("v7", 0), Restorable);
    assert_eq!(base("ThumbEE under an unknown kernel", 0x1000), Conditional);
    // BE32 swaps addresses, not bytes: CPSR.E has no say there.
    for (endian, cpsr, expected) in [
        (Endian::Little, 0x10, Restorable),
        (Endian::Little, 0x210, NotRestorable),
        (Endian::Be8, 0x210, Restorable),
        (Endian::Be8, 0x10, NotRestorable),
        (Endian::Be32, 0x10, Restorable),
    ] {
        let evidence = with(thread(|thread| thread.cpsr = cpsr), |e| {
            e.endian = Some(endian);
        });
        let outcome = (rule("isa.setend").unwrap().judge)(&evidence, &target("v5te"));
        assert_eq!(outcome.verdict, expected, "{endian:?}, {cpsr:#x}");
    }
    // A thread in a 26-bit mode is told so, not of a 32-bit mode under the personality of one.
    let old = thread(|thread| (thread.cpsr, thread.personality) = (0, Some(0)));
    let told = told("isa.26bit", "sa1110", &old);
    assert_eq!(told, "thread 1: CPSR 0x00000000 has a 26-bit mode\n-");
    // Instructions of v6T2 in ARM state are no Thumb-2.
    let arm = with(process(), |e| {
        e.spaces[0].code.swept = hits(F::V6t2, Isa::Arm);
    });
    let outcome = (rule("isa.thumb2").unwrap().judge)(&arm, &target("v6"));
    assert_eq!(outcome.verdict, Restorable);
}

#[test]
fn settings_of_the_source_kernel_bound_the_abi() {
    let nameless = |aeabi, oabi_compat| {
        let evidence = header(|h| (h.aeabi, h.oabi_compat) = (aeabi, oabi_compat));
        with(evidence, |e| e.spaces[0].abi_signs.clear())
    };
    let both = (Some(true), Some(true));
    for (source, kernel, expected) in [
        // No AEABI: calls of the old ABI only.
        (
            (Some(false), None),
            (Some(true), Some(false)),
            NotRestorable,
        ),
        ((Some(false), None), (Some(false), None), Restorable),
        ((Some(false), None), (Some(true), None), Conditional),
        ((Some(false), None), (None, Some(false)), Conditional),
        ((Some(false), None), both, Restorable),
        // AEABI without OABI_COMPAT: EABI only.
        (
            (Some(true), Some(false)),
            (Some(false), None),
            NotRestorable,
        ),
        (
            (Some(true), Some(false)),
            (Some(true), Some(false)),
            Restorable,
        ),
        // Both, or not known.
        (both, (Some(true), Some(false)), Unknown),
        (both, both, Restorable),
        ((Some(true), None), (Some(true), Some(false)), Unknown),
    ] {
        let mut target = target("v7");
        (target.kernel.aeabi, target.kernel.oabi_compat) = kernel;
        let evidence = nameless(source.0, source.1);
        let outcome = (rule("abi.personality").unwrap().judge)(&evidence, &target);
        assert_eq!(outcome.verdict, expected, "{source:?} on {kernel:?}");
        let word = |value| match value {
            Some(true) => "y",
            Some(false) => "n",
            None => "?",
        };
        let settings = format!("AEABI={}, OABI_COMPAT={}", word(kernel.0), word(kernel.1));
        assert_eq!(outcome.target_has, settings);
    }
}

#[test]
fn calls_of_the_old_abi_count_where_they_are_code() {
    let outcome = |place: fn(&mut Found) -> &mut FeatureHits, mapped_len, compat| {
        let mut evidence = process();
        let code = &mut evidence.spaces[0].code;
        code.mapped_len = mapped_len;
        place(code).oabi_calls = Hit {
            count: 1,
            first: vec![(0x8000, Isa::Arm)],
        };
        let mut target = target("v5te");
        target.kernel.oabi_compat = compat;
        (rule("abi.personality").unwrap().judge)(&evidence, &target)
    };
    let swept: fn(&mut Found) -> &mut FeatureHits = |code| &mut code.swept;
    let (no, not_known) = (Some(false), None);
    // Without mapping symbols a word that nothing leads to may be data.
    assert_eq!(outcome(swept, 0, no).verdict, Restorable);
    assert_eq!(outcome(swept, 4096, no).verdict, Conditional);
    assert_eq!(
        outcome(|code| &mut code.from_entries, 0, no).verdict,
        Restorable
    );
    assert_eq!(
        outcome(|code| &mut code.from_pc, 0, no).verdict,
        Conditional
    );
    let inevitable: fn(&mut Found) -> &mut FeatureHits = |code| &mut code.inevitable;
    assert_eq!(outcome(inevitable, 0, no).verdict, NotRestorable);
    assert_eq!(outcome(inevitable, 0, not_known).verdict, Conditional);
    let condition = |compat| outcome(swept, 4096, compat).condition.unwrap();
    assert_eq!(condition(no), "the OABI calls are not executed");
    assert!(condition(not_known).contains("CONFIG_OABI_COMPAT"));
}

#[test]
fn the_source_kernel_and_the_target_are_held_against_each_other() {
    let judge = |id: &str, evidence: &Evidence, change: &dyn Fn(&mut Target)| {
        let mut target = target("v7");
        change(&mut target);
        (rule(id).unwrap().judge)(evidence, &target)
    };
    // A processor as old as the target is not too new for it; one that is newer is.
    for (architecture, expected) in [(8, Restorable), (9, Restorable), (10, NotRestorable)] {
        let evidence = header(|h| h.cpu_architecture = Some(architecture));
        let outcome = judge("kernel.isa", &evidence, &|_| ());
        assert_eq!(outcome.verdict, expected, "{architecture}");
    }
    for (saved, aeabi, compat, expected) in [
        (false, Some(true), Some(true), Restorable),
        (false, Some(true), Some(false), NotRestorable),
        (false, Some(true), None, Conditional),
        (false, Some(false), None, Restorable),
        (true, Some(false), Some(true), NotRestorable),
        (true, Some(true), None, Restorable),
        (true, None, None, Conditional),
    ] {
        let evidence = header(|h| h.aeabi = Some(saved));
        let outcome = judge("abi.kernel", &evidence, &|target| {
            (target.kernel.aeabi, target.kernel.oabi_compat) = (aeabi, compat);
        });
        assert_eq!(
            outcome.verdict, expected,
            "{saved} on {aeabi:?}, {compat:?}"
        );
    }
    for (release, expected) in [
        (Some("3.0.31"), Restorable),
        (Some("3.0.32"), Conditional),
        (None, Restorable),
    ] {
        let outcome = judge("kernel.version", &header(|_| ()), &|target| {
            target.kernel.release = release.map(str::to_owned);
        });
        assert_eq!(outcome.verdict, expected, "{release:?}");
    }
}

#[test]
fn limits_of_memory_hold_to_the_byte() {
    let verdict = |id: &str, evidence: &Evidence, change: &dyn Fn(&mut Target)| {
        let mut target = target("v7");
        change(&mut target);
        (rule(id).unwrap().judge)(evidence, &target).verdict
    };
    let up_to = |end| mapping(0x1_0000, end, |_| ());
    for (limit, end, expected) in [
        (Some(0xbf00_0000), 0xbf00_0000, Restorable),
        (Some(0xbf00_0000), 0xbf00_1000, NotRestorable),
        (None, 0x3f00_0000, Restorable),
        (None, 0x3f00_1000, Conditional),
    ] {
        let found = verdict("mem.tasksize", &up_to(end), &|target| {
            target.kernel.task_size = limit;
        });
        assert_eq!(found, expected, "{end:#x} of {limit:#x?}");
    }
    // The vectors page is nobody's mapping.
    let vectors = mapping(0xffff_0000, 0xffff_1000, |_| ());
    for id in ["mem.tasksize", "mem.mmap_min", "mem.aliasing"] {
        assert_eq!(verdict(id, &vectors, &|_| ()), Restorable, "{id}");
    }
    for (limit, start, expected) in [
        (Some(0x1000), 0x1000, Restorable),
        (Some(0x2000), 0x1000, Conditional),
        (None, 0x8000, Restorable),
        (None, 0x7000, Conditional),
    ] {
        let lowest = mapping(start, 0x1_0000, |_| ());
        let found = verdict("mem.mmap_min", &lowest, &|target| {
            target.kernel.mmap_min_addr = limit;
        });
        assert_eq!(found, expected, "{start:#x} from {limit:#x?}");
    }
    let low = mapping(0x1000, 0x2000, |m| m.name = "/lib/low.so".to_owned());
    let fact = "process 1: mapping 0x1000-0x2000 /lib/low.so";
    assert_eq!(told("mem.mmap_min", "v7", &low).lines().next(), Some(fact));
    let shared = |start, file_offset, shared| {
        mapping(start, start + 0x1000, |m| {
            (m.file_offset, m.shared) = (file_offset, shared);
        })
    };
    for (evidence, aliasing, expected) in [
        (shared(0x4000_1000, 0x1000, true), None, Restorable),
        (shared(0x4000_4000, 0, true), None, Restorable),
        (shared(0x4000_1000, 0, true), None, Conditional),
        (shared(0x4000_1000, 0, false), None, Restorable),
        (shared(0x4000_1000, 0, true), Some(false), Restorable),
    ] {
        let found = verdict("mem.aliasing", &evidence, &|target| {
            target.kernel.aliasing = aliasing;
        });
        assert_eq!(found, expected, "{evidence:?}");
    }
}

#[test]
fn larger_pages_need_mappings_at_their_multiples() {
    let verdict = |evidence: &Evidence, page| {
        let mut target = target("v7");
        target.kernel.page_size = Some(page);
        (rule("mem.pagesize").unwrap().judge)(evidence, &target).verdict
    };
    let at = |start, end, file_offset| mapping(start, end, |m| m.file_offset = file_offset);
    let even = at(0x1_0000, 0x2_0000, 0x3_0000);
    assert_eq!(verdict(&even, 0x1_0000), Restorable);
    for odd in [
        at(0x1_1000, 0x2_0000, 0x3_0000),
        at(0x1_0000, 0x2_1000, 0x3_0000),
        at(0x1_0000, 0x2_0000, 0x3_1000),
    ] {
        assert_eq!(verdict(&odd, 0x1_0000), NotRestorable);
        assert_eq!(verdict(&odd, 0x1000), Restorable);
        let large = with(odd, |e| e.page_size = Some(0x1_0000));
        assert_eq!(verdict(&large, 0x1_0000), Restorable);
    }
    // The end of a segment of a file that was never mapped is where its bytes end.
    let program = |end, align| {
        with(at(0x1_0000, end, 0x3_0000), |e| {
            e.origin = Origin::Elf;
            e.spaces[0].files.push(FileFacts {
                name: "program".to_owned(),
                min_align: Some(align),
                ..FileFacts::default()
            });
        })
    };
    assert_eq!(verdict(&program(0x1_1234, 0x1_0000), 0x1_0000), Restorable);
    assert_eq!(verdict(&program(0x2_0000, 0x8000), 0x1_0000), NotRestorable);
    let mapped = with(program(0x2_0000, 0x8000), |e| e.origin = Origin::Criu);
    assert_eq!(verdict(&mapped, 0x1_0000), Restorable);
}

#[test]
fn calls_of_kernel_helpers_need_them_where_they_are_sure_to_happen() {
    let verdict = |place: fn(&mut Found) -> &mut FeatureHits, helpers| {
        let mut evidence = process();
        place(&mut evidence.spaces[0].code).kuser_calls = Hit {
            count: 1,
            first: vec![(0x8000, Isa::Arm)],
        };
        let mut target = target("v7");
        target.kernel.kuser_helpers = helpers;
        (rule("mem.vectors").unwrap().judge)(&evidence, &target).verdict
    };
    for (helpers, sure, perhaps) in [
        (Some(true), Restorable, Restorable),
        (Some(false), NotRestorable, Conditional),
        (None, Conditional, Conditional),
    ] {
        assert_eq!(verdict(|code| &mut code.inevitable, helpers), sure);
        assert_eq!(verdict(|code| &mut code.from_pc, helpers), perhaps);
        assert_eq!(verdict(|code| &mut code.from_entries, helpers), perhaps);
        assert_eq!(verdict(|code| &mut code.swept, helpers), perhaps);
    }
    let none = (rule("mem.vectors").unwrap().judge)(&process(), &target("v7-nokuser"));
    assert_eq!(none.verdict, Restorable);
}

#[test]
fn threads_in_pages_of_the_kernel_are_told_by_address() {
    let verdict = |id: &str, name, evidence: &Evidence| {
        (rule(id).unwrap().judge)(evidence, &target(name)).verdict
    };
    // Before the store of an exchange, at its start, in the helper that only reads.
    for (pc, expected) in [
        (0xffff_0f60, Restorable),
        (0xffff_0f64, Conditional),
        (0xffff_0fa0, Restorable),
        (0xffff_0fa4, Restorable),
        (0xffff_0fc0, Restorable),
        (0xffff_0fc4, Conditional),
        (0xffff_0fe0, Restorable),
        (0xffff_0fe4, Restorable),
    ] {
        let found = verdict("mem.vectors", "v7", &at(pc, 0x10));
        assert_eq!(found, expected, "{pc:#x}");
    }
    let returns = |addr| thread(|t| t.returns_to_kernel_page = vec![addr]);
    assert_eq!(
        verdict("mem.vdso", "v7", &returns(0xfffe_f000)),
        Conditional
    );
    assert_eq!(verdict("mem.vdso", "v7", &returns(0xffff_0500)), Restorable);
    for (addr, expected) in [
        (0xffff_04fc, Restorable),
        (0xffff_0501, Conditional),
        (0xffff_051c, Conditional),
        (0xffff_0520, Restorable),
    ] {
        let found = verdict("mem.vectors", "v7", &returns(addr));
        assert_eq!(found, expected, "{addr:#x}");
    }
    // A page without permission; the vectors page needs none.
    let unpermitted = with(at(0x1_0100, 0x10), |e| {
        e.spaces[0].mappings[0].exec = false;
    });
    assert_eq!(verdict("mem.exec", "v7", &unpermitted), Conditional);
    assert_eq!(verdict("mem.exec", "v7", &at(0x1_0100, 0x10)), Restorable);
    let other_flags = thread(|t| t.personality = Some(!0x0040_0000));
    assert_eq!(verdict("mem.exec", "v7", &other_flags), Restorable);
    // No pointer, nothing to keep.
    let pointer = thread(|t| t.tp_value = Some(0));
    assert_eq!(verdict("tls", "v5te-nokuser", &pointer), Restorable);
}

#[test]
fn a_call_is_restarted_by_its_own_number() {
    let restarting = |r0: i32, call: Option<u32>| {
        thread(move |t| {
            (t.regs[0], t.regs[7]) = (r0.cast_unsigned(), 3);
            (t.call_before_pc, t.syscall) = (call, Some(4));
        })
    };
    for (evidence, condition) in [
        // The number is in r7, in the instruction of the old ABI, or in the record.
        (
            restarting(-512, Some(0)),
            "the restorer makes read again with the original r0",
        ),
        (
            restarting(-514, Some(0x90_0005)),
            "the restorer makes open again with the original r0",
        ),
        (
            restarting(-513, None),
            "the restorer makes write again with the original r0",
        ),
        (
            restarting(-516, Some(0)),
            "the restorer continues read with restart_syscall",
        ),
        (
            restarting(-516, Some(0x90_0000 + 162)),
            "the restorer continues nanosleep with the stub of the old ABI (its number sits in the instruction)",
        ),
    ] {
        let outcome = (rule("sys.restart").unwrap().judge)(&evidence, &target("v7"));
        assert_eq!(outcome.condition.as_deref(), Some(condition));
    }
    let done = restarting(0, None);
    let outcome = (rule("sys.restart").unwrap().judge)(&done, &target("v7"));
    assert_eq!(outcome.verdict, Restorable);
}

#[test]
fn a_call_needs_a_kernel_that_has_it() {
    let verdict = |number, release: Option<&str>| {
        let evidence = thread(|t| (t.regs[7], t.call_before_pc) = (number, Some(0)));
        let mut target = target("v7");
        target.kernel.release = release.map(str::to_owned);
        (rule("sys.number").unwrap().judge)(&evidence, &target).verdict
    };
    for (number, release, expected) in [
        // Older than all of the table, restart_syscall, ARM's own.
        (365, None, Restorable),
        (0, None, Restorable),
        (0xf0001, None, Restorable),
        (0xf0006, None, Restorable),
        (0xf0000, None, Conditional),
        (0xf0007, None, Conditional),
        // The first release that has it, to the last number.
        (366, Some("2.6.36"), Restorable),
        (366, Some("2.6.35.14"), Conditional),
        (366, None, Conditional),
        (403, Some("5.1"), Restorable),
        (403, Some("5.0.21-rc1"), Conditional),
        (403, Some("v5"), Conditional),
        (469, Some("6.17.0"), Restorable),
        (470, Some("99.0"), Conditional),
    ] {
        assert_eq!(
            verdict(number, release),
            expected,
            "{number} on {release:?}"
        );
    }
}

#[test]
fn a_thread_is_in_user_mode_and_at_code() {
    let verdict = |name, evidence: &Evidence| {
        (rule("task.state").unwrap().judge)(evidence, &target(name)).verdict
    };
    let cpsr = |cpsr| at(0x1_0100, cpsr);
    for (word, expected) in [
        (0x10, Restorable),
        (0x1f, NotRestorable),
        (0x90, NotRestorable),
        (0xd0, NotRestorable),
        (0x50, Conditional),
        // Flags, IT bits, E and A say nothing.
        (0xf80f_0310, Restorable),
    ] {
        assert_eq!(verdict("v7", &cpsr(word)), expected, "{word:#x}");
    }
    for (pc, word, expected) in [
        (0x1_0102, 0x10, Conditional),
        (0x1_0102, 0x30, Restorable),
        (0x1_0101, 0x10 | 1 << 24, Restorable),
        // Flags and mode of a 26-bit mode are no part of its pc.
        (0xfc01_0103, 0, Restorable),
        (0xfc02_0100, 0, NotRestorable),
        (0x1_1000, 0x10, NotRestorable),
        (0xffff_0fe0, 0x10, Restorable),
        (0xffff_1000, 0x10, NotRestorable),
        (0xffff_0500, 0x10, Restorable),
        (0xffff_0520, 0x10, NotRestorable),
    ] {
        assert_eq!(verdict("sa1110", &at(pc, word)), expected, "{pc:#x}");
    }
    let nowhere = with(at(0x2_0000, 0x10), |e| e.spaces[0].mappings.clear());
    assert_eq!(verdict("v7", &nowhere), Restorable);
    let program = with(at(0, 0x1f), |e| e.origin = Origin::Elf);
    assert_eq!(verdict("v7", &program), Restorable);
}

#[test]
fn a_task_is_at_rest_outside_of_exchanges() {
    let outcome = |change: &dyn Fn(&mut ThreadFacts)| {
        (rule("task.frozen").unwrap().judge)(&thread(change), &target("v7"))
    };
    for (pc, expected) in [
        (0xffff_0f60, Restorable),
        (0xffff_0f64, Conditional),
        (0xffff_0fc0, Restorable),
        (0xffff_0fdc, Conditional),
        (0xffff_0fe0, Restorable),
    ] {
        assert_eq!(outcome(&|t| t.regs[15] = pc).verdict, expected, "{pc:#x}");
    }
    assert!(outcome(&|_| ()).requirement.is_empty());
    let pending = outcome(&|t| t.deliverable = 0x200);
    assert_eq!(pending.requirement, "pending signals are delivered first");
    let mut program = thread(|t| t.regs[15] = 0xffff_0f64);
    program.origin = Origin::Elf;
    let outcome = (rule("task.frozen").unwrap().judge)(&program, &target("v7"));
    assert_eq!(outcome.verdict, Restorable);
}
