//! Programs that each use one feature and end with status 0.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ckpt_compat::Target;

/// QEMU's models and the targets that describe them. User emulation comes with FPA emulation, calls of both ABIs
/// and swp on every model.
pub(crate) const MODELS: [(&str, &str); 13] = [
    ("sa1110", "sa1110"),
    ("ti925t", "arm925t"),
    ("pxa255", "pxa255"),
    ("pxa270", "pxa270"),
    ("arm926", "qemu-arm926"),
    ("arm1026", "qemu-arm1026"),
    ("arm1136-r2", "arm1136-r2"),
    ("arm1136", "arm1136"),
    ("arm1176", "arm1176"),
    ("arm11mpcore", "arm11mpcore"),
    ("cortex-a8", "cortex-a8"),
    ("cortex-a9", "cortex-a9"),
    ("cortex-a15", "cortex-a15"),
];

/// Model and target.
pub(crate) fn targets() -> Vec<(&'static str, Target)> {
    let with = |name: &str| Target::named(&format!("{name}+nwfpe+oabi-compat+swp")).unwrap();
    let mut all: Vec<_> = MODELS
        .iter()
        .map(|(model, target)| (*model, with(target)))
        .collect();
    all.push(("cortex-a7", with("cortex-a7")));
    all.push(("max", with("qemu-max")));
    all
}

/// Assembles and links a source.
pub(crate) fn build(directory: &Path, name: &str, text: &str) -> PathBuf {
    let (source, object, program) = (
        directory.join(format!("{name}.s")),
        directory.join(format!("{name}.o")),
        directory.join(name),
    );
    std::fs::write(&source, text).unwrap();
    for (command, arguments) in [
        (
            "arm-linux-gnueabi-as",
            vec![
                "-mfpu=crypto-neon-fp-armv8",
                "-o",
                object.to_str().unwrap(),
                source.to_str().unwrap(),
            ],
        ),
        (
            "arm-linux-gnueabi-ld",
            vec!["-o", program.to_str().unwrap(), object.to_str().unwrap()],
        ),
    ] {
        let status = Command::new(command)
            .args(&arguments)
            .stderr(Stdio::inherit())
            .status()
            .unwrap_or_else(|error| {
                panic!("{command} is needed (apt-get install binutils-arm-linux-gnueabi): {error}")
            });
        assert!(status.success(), "{command} on {name}");
    }
    program
}

/// Does the program die of SIGILL (or SIGSEGV) on the model?
pub(crate) fn dies(program: &Path, model: &str) -> bool {
    use std::os::unix::process::ExitStatusExt as _;
    let status = Command::new("qemu-arm")
        .args(["-cpu", model])
        .arg(program)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap_or_else(|error| panic!("qemu-arm is needed (apt-get install qemu-user): {error}"));
    match (status.signal(), status.code()) {
        // Before v6T2 the halves of a 32-bit Thumb instruction act as parts of a long call: into nowhere.
        (Some(4 | 11), _) | (_, Some(132 | 139)) => true,
        (None, Some(0)) => false,
        other => panic!("{} on {model} ended with {other:?}", program.display()),
    }
}

/// Where the emulator is more generous than the silicon that it is named after: (program, models, why).
const GENEROUS: &[(&str, &[&str], &str)] = &[
    (
        "ldrht",
        BEFORE_V6T2,
        "the emulator decodes ldrht on every model; it came with v6T2 (DDI0406C A8.8.83)",
    ),
    (
        "midr",
        &["max"],
        "user emulation shows identification registers on v8 models; 32-bit kernels do not",
    ),
    (
        "neon-fma",
        &["cortex-a8", "cortex-a9"],
        "fused Advanced SIMD came with VFPv4 (DDI0406C A7.4.1)",
    ),
    (
        "short-vectors",
        &["max"],
        "the model max keeps short vectors, which v8 has not (DDI0487 G8.2)",
    ),
];

const BEFORE_V6T2: &[&str] = &[
    "sa1110",
    "ti925t",
    "pxa255",
    "pxa270",
    "arm926",
    "arm1026",
    "arm1136-r2",
    "arm1136",
    "arm1176",
    "arm11mpcore",
];

/// The emulator's translator itself crashes here ("tcg fatal error"), so it says nothing of the processor.
pub(crate) const CRASHES: [(&str, &str); 1] = [("xscale-mia", "pxa255")];

pub(crate) fn is_generous(program: &str, model: &str) -> bool {
    GENEROUS
        .iter()
        .any(|(name, models, _)| *name == program && models.contains(&model))
}

/// A whole source: entry, body, exit.
pub(crate) fn source(body: &str) -> String {
    format!(
        ".syntax unified\n.arm\n.text\n.global _start\n.type _start, %function\n_start:\n{body}\n\
         finish:\n mov r0, #0\n mov r7, #1\n svc #0\n .ltorg\n.data\n.align 4\nscratch: .space 64\n"
    )
}

/// Name and body. `.inst` where the assembler would refuse the mixture of architectures.
pub(crate) const PROGRAMS: &[(&str, &str)] = &[
    (
        "v4-base",
        " mov r1, #3\n umull r2, r3, r1, r1\n ldr r4, =scratch\n ldrh r5, [r4]\n strh r5, [r4]\n ldrsb r5, [r4]",
    ),
    ("v4-loop", " mov r1, #5\n1: subs r1, r1, #1\n bne 1b"),
    ("v4-call", " bl f\n b finish\nf: mov r0, #1\n mov pc, lr"),
    ("mrs-msr", " mrs r0, cpsr\n msr cpsr_f, r0"),
    ("bx", " adr r0, finish\n bx r0"),
    (
        "thumb",
        " adr r0, t + 1\n bx r0\n .thumb\nt: movs r1, #1\n adds r1, r1, #2\n movs r0, #0\n movs r7, #1\n svc #0\n .align 2\n .arm",
    ),
    ("clz", " clz r0, r1"),
    ("blx-reg", " adr r0, f\n blx r0\n b finish\nf: bx lr"),
    (
        "blx-thumb",
        " blx t\n b finish\n .thumb\n .thumb_func\nt: bx lr\n .align 2\n .arm",
    ),
    (
        "ldrd",
        " ldr r4, =scratch\n ldrd r2, r3, [r4]\n strd r2, r3, [r4]",
    ),
    ("pld", " ldr r4, =scratch\n pld [r4]"),
    ("qadd", " qadd r0, r1, r2"),
    ("smulbb", " smulbb r0, r1, r2"),
    ("smlalbb", " smlalbb r0, r1, r2, r3"),
    ("bxj", " adr r0, finish\n bxj r0"),
    ("rev", " rev r0, r1"),
    ("sxtb", " sxtb r0, r1\n uxtah r2, r3, r1"),
    ("uadd8", " uadd8 r0, r1, r2\n sel r3, r1, r2"),
    ("umaal", " umaal r0, r1, r2, r3"),
    ("ssat", " ssat r0, #8, r1"),
    ("pkhbt", " pkhbt r0, r1, r2"),
    ("smlad", " smlad r0, r1, r2, r3\n usad8 r0, r1, r2"),
    (
        "ldrex",
        " ldr r4, =scratch\n ldrex r0, [r4]\n strex r1, r0, [r4]",
    ),
    (
        "thumb-v6",
        " adr r0, t + 1\n bx r0\n .thumb\nt: rev r0, r1\n sxtb r2, r3\n movs r0, #0\n movs r7, #1\n svc #0\n .align 2\n .arm",
    ),
    (
        "ldrexb",
        " ldr r4, =scratch\n ldrexb r0, [r4]\n strexb r1, r0, [r4]",
    ),
    (
        "ldrexd",
        " ldr r4, =scratch\n ldrexd r0, r1, [r4]\n strexd r2, r0, r1, [r4]",
    ),
    ("clrex", " clrex"),
    ("hints", " nop\n yield\n sev"),
    ("movw", " movw r0, #1234\n movt r0, #1"),
    ("bfi", " bfi r0, r1, #2, #3\n ubfx r2, r0, #1, #4"),
    ("rbit", " rbit r0, r1"),
    ("mls", " mls r0, r1, r2, r3"),
    ("ldrht", " ldr r4, =scratch\n ldrht r0, [r4]"),
    (
        "thumb2",
        " adr r0, t + 1\n bx r0\n .thumb\nt: add.w r8, r9, r10\n movw r1, #4321\n movs r0, #0\n movs r7, #1\n svc #0\n .align 2\n .arm",
    ),
    (
        "thumb2-it",
        " adr r0, t + 1\n bx r0\n .thumb\nt: cmp r0, #0\n it eq\n moveq r1, #1\n ubfx r0, r1, #1, #2\n movs r0, #0\n movs r7, #1\n svc #0\n .align 2\n .arm",
    ),
    (
        "thumb2-tbb",
        " adr r0, t + 1\n bx r0\n .thumb\nt: movs r0, #0\n tbb [pc, r0]\n .byte 1, 1\n movs r0, #0\n movs r7, #1\n svc #0\n .align 2\n .arm",
    ),
    ("dmb", " dmb\n dsb\n isb"),
    ("pli", " ldr r4, =scratch\n pli [r4]"),
    ("pldw", " ldr r4, =scratch\n .inst 0xf5940000 | 0xf000"),
    ("sdiv-arm", " mov r1, #6\n mov r2, #2\n sdiv r0, r1, r2"),
    (
        "udiv-thumb",
        " adr r0, t + 1\n bx r0\n .thumb\nt: movs r1, #6\n movs r2, #2\n udiv r0, r1, r2\n movs r0, #0\n movs r7, #1\n svc #0\n .align 2\n .arm",
    ),
    ("tls-read", " mrc p15, 0, r0, c13, c0, 3"),
    (
        "tls-user",
        " mov r0, #0\n mcr p15, 0, r0, c13, c0, 2\n mrc p15, 0, r0, c13, c0, 2",
    ),
    (
        "cp15-barrier",
        " mov r0, #0\n mcr p15, 0, r0, c7, c10, 5\n mcr p15, 0, r0, c7, c10, 4\n mcr p15, 0, r0, c7, c5, 4",
    ),
    ("midr", " mrc p15, 0, r0, c0, c0, 0"),
    ("udf", " .inst 0xe7f000f0"),
    ("swp", " ldr r4, =scratch\n swp r0, r1, [r4]"),
    ("swpb", " ldr r4, =scratch\n swpb r0, r1, [r4]"),
    ("setend", " setend be\n setend le"),
    (
        "vadd",
        " vadd.f32 s0, s1, s2\n vadd.f64 d0, d1, d2\n vmrs r0, fpscr",
    ),
    ("vmov-pair", " vmov d0, r0, r1\n vmov r0, r1, d0"),
    (
        "vldm",
        " ldr r4, =scratch\n vldmia r4, {d0-d3}\n vstmia r4, {d0-d3}",
    ),
    (
        "vcmp",
        " vcmp.f64 d0, #0\n vmrs apsr_nzcv, fpscr\n vcvt.s32.f64 s0, d0\n vsqrt.f32 s0, s0",
    ),
    ("vmov-imm", " vmov.f32 s0, #1.0\n vmov.f64 d0, #1.0"),
    ("vcvt-fixed", " vcvt.f32.s16 s0, s0, #4"),
    ("d16", " vadd.f64 d16, d17, d18"),
    ("vldr-d31", " ldr r4, =scratch\n vldr d31, [r4]"),
    ("vcvtb", " vcvtb.f32.f16 s0, s1"),
    ("vfma", " vfma.f32 s0, s1, s2\n vfma.f64 d0, d1, d2"),
    ("vsel", " vseleq.f32 s0, s1, s2"),
    ("vrinta", " vrinta.f64 d0, d1\n vrintx.f32 s0, s1"),
    ("vmaxnm", " vmaxnm.f32 s0, s1, s2"),
    ("vcvta", " vcvta.s32.f32 s0, s1"),
    ("vcvtb-f64", " vcvtb.f64.f16 d0, s1"),
    ("neon-add", " vadd.i32 q0, q1, q2\n vmul.i16 d0, d1, d2"),
    ("neon-f32", " vadd.f32 q0, q1, q2\n vrecpe.f32 d0, d1"),
    (
        "neon-load",
        " ldr r4, =scratch\n vld1.8 {d0, d1}, [r4]\n vst1.8 {d0, d1}, [r4]",
    ),
    ("neon-lane", " vmov.u8 r0, d0[1]\n vdup.32 d0, r0"),
    ("neon-tbl", " vtbl.8 d0, {d1}, d2\n vext.8 q0, q1, q2, #3"),
    ("neon-imm", " vmov.i32 q0, #5\n vshl.i32 q0, q0, #3"),
    ("neon-fma", " vfma.f32 q0, q1, q2"),
    ("neon-half", " vcvt.f32.f16 q0, d2"),
    ("neon-rint", " vrinta.f32 q0, q1"),
    ("neon-maxnm", " vmaxnm.f32 d0, d1, d2"),
    (
        "lda",
        " ldr r4, =scratch\n .inst 0xe1940c9f\n .inst 0xe184fc90",
    ),
    (
        "stlexd",
        " ldr r4, =scratch\n .inst 0xe1b40e9f\n .inst 0xe1a42e90",
    ),
    ("sevl", " .inst 0xe320f005"),
    ("crc32", " .inst 0xe1010042\n .inst 0xe1410242"),
    ("aes", " aese.8 q0, q1\n aesmc.8 q0, q0"),
    ("pmull", " vmull.p64 q0, d2, d3"),
    ("sha1", " sha1h.32 q0, q1\n sha1c.32 q0, q1, q2"),
    ("sha256", " sha256h.32 q0, q1, q2\n sha256su0.32 q0, q1"),
    ("sb", " .inst 0xf57ff070"),
    ("vjcvt", " .inst 0xeeb90bc1"),
    ("fp16", " .inst 0xee300981"),
    ("neon-fp16", " .inst 0xf2120d44"),
    ("dotprod", " .inst 0xfc220d44"),
    ("fcma", " .inst 0xfc920844"),
    ("rdm", " .inst 0xf3220b54"),
    ("fhm", " .inst 0xfc210853"),
    ("bf16", " .inst 0xfc020d44"),
    ("i8mm", " .inst 0xfc220c44"),
    ("iwmmxt-or", " .inst 0xee000000"),
    ("iwmmxt-add", " .inst 0xee010182\n .inst 0xee000000"),
    ("iwmmxt-tmcrr", " .inst 0xec410001"),
    (
        "iwmmxt-wldr",
        " ldr r4, =scratch\n .inst 0xedd40100\n .inst 0xee000000",
    ),
    ("xscale-mar", " .inst 0xec410000\n .inst 0xec510000"),
    ("xscale-mia", " .inst 0xee201012"),
    ("fpa-mvf", " .inst 0xee008109"),
    (
        "fpa-adf",
        " .inst 0xee009109\n .inst 0xee00a109\n .inst 0xee010102\n .inst 0xed2d4203\n .inst 0xecbd4203",
    ),
    (
        "fpa-ldf",
        " ldr r4, =scratch\n .inst 0xed948100\n .inst 0xed848100\n .inst 0xed2d4203\n .inst 0xecbd4203",
    ),
    ("fpa-rfs", " .inst 0xee300110"),
    ("crunch", " .inst 0xed940400"),
    ("oabi", " swi 0x900014"),
    ("oabi-exit", " mov r0, #0\n swi 0x900001"),
    (
        "kuser-tls",
        " ldr r3, =0xffff0fe0\n mov lr, pc\n mov pc, r3",
    ),
    (
        "kuser-cmpxchg",
        " mov r0, #0\n mov r1, #0\n ldr r2, =scratch\n ldr r3, =0xffff0fc0\n mov lr, pc\n mov pc, r3",
    ),
    (
        "short-vectors",
        " mov r0, #0x10000\n vmsr fpscr, r0\n vadd.f32 s8, s16, s24\n mov r0, #0\n vmsr fpscr, r0",
    ),
    (
        "skipped",
        " mov r0, #1\n cmp r0, #1\n beq 1f\n .inst 0xf57ff05f\n1:",
    ),
    ("dead-code", " b finish\n vadd.i32 q0, q1, q2"),
    (
        "pointer",
        " ldr r3, =f\n mov lr, pc\n mov pc, r3\n b finish\nf: clz r0, r0\n mov pc, lr",
    ),
    (
        "thumbee",
        " adr r0, t + 1\n bx r0\n .thumb\nt: .inst.w 0xf3bf8f1f\n .inst.w 0xf3bf8f0f\n movs r0, #0\n movs r7, #1\n svc #0\n .align 2\n .arm",
    ),
];
