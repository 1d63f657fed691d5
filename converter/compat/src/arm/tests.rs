use super::{Flow, Insn, Isa, Trap, Value, classify_arm, classify_thumb};
use crate::feature::Feature::{self, *};
use crate::feature::FeatureSet;

fn arm(word: u32) -> Insn {
    classify_arm(word, 0x8000)
}

fn check(insn: Insn, expected: &[Feature]) {
    assert_eq!(insn.needs, FeatureSet::of(expected), "{insn:?}");
}

#[test]
fn base_instructions_need_nothing() {
    for word in [
        0xe3a0_0001,
        0xe080_0001,
        0xe591_0000,
        0xe8bd_000f,
        0xe129_f000,
        0xe320_f000,
        0xe000_0291,
    ] {
        let insn = arm(word);
        assert!(
            insn.is_defined() && insn.needs.is_empty(),
            "{word:#x}: {insn:?}"
        );
    }
}

#[test]
fn each_architecture_is_recognised_in_arm_state() {
    check(arm(0xe12f_ff1e), &[Bx]);
    check(arm(0xe16f_0f11), &[V5t]);
    check(arm(0xe120_0070), &[V5t]);
    check(arm(0xe100_0050), &[V5te]);
    check(arm(0xe1c0_00d0), &[V5te]);
    check(arm(0xf5d0_f000), &[V5te]);
    check(arm(0xe12f_ff20), &[Bxj]);
    check(arm(0xe6bf_0f31), &[V6]);
    check(arm(0xe191_0f9f), &[V6]);
    check(arm(0xe1b2_0f9f), &[V6k]);
    check(arm(0xf57f_f01f), &[V6k]);
    check(arm(0xe300_0001), &[V6t2]);
    check(arm(0xf57f_f05f), &[V7]);
    check(arm(0xf590_f000), &[V7mp]);
    check(arm(0xe711_f110), &[IdivA]);
    check(arm(0xe190_0c9f), &[V8]);
    check(arm(0xe100_0041), &[Crc32]);
    check(arm(0xe100_0090), &[Swp]);
    check(arm(0xf101_0200), &[V6, Setend]);
    check(arm(0xee1d_0f70), &[TlsRegister]);
    check(arm(0xee07_0fba), &[Cp15Barrier]);
}

#[test]
fn floating_point_units_are_told_apart() {
    check(arm(0xee30_0a00), &[Vfp]);
    check(arm(0xee70_0ba0), &[Vfp, VfpD32]);
    check(arm(0xeeb7_0a00), &[Vfp, VfpV3]);
    check(arm(0xeea0_0a00), &[Vfp, VfpV4]);
    check(arm(0xeeb2_0a40), &[Vfp, VfpHalf]);
    check(arm(0xfe00_0a00), &[Vfp, VfpV8]);
    check(arm(0xee30_0900), &[Vfp, Fp16]);
    check(arm(0xf200_0d00), &[Neon]);
    check(arm(0xf240_0d00), &[Neon, VfpD32]);
    check(arm(0xf200_0c10), &[Neon, NeonFma]);
    check(arm(0xf3b0_0300), &[Neon, Aes]);
    check(arm(0xf2a0_0e00), &[Neon, Pmull]);
    check(arm(0xfc20_0d00), &[Neon, DotProd]);
    check(arm(0xee01_0102), &[FpaOrIwmmxt]);
    check(arm(0xee00_8101), &[FpaOrIwmmxt]);
    check(arm(0xed2d_0203), &[Fpa]);
    check(arm(0xee00_0000), &[Iwmmxt]);
    check(arm(0xec41_0000), &[V5te, XscaleDsp]);
    check(arm(0xec41_0001), &[V5te, Iwmmxt]);
    check(arm(0xed9d_0400), &[Crunch]);
}

#[test]
fn thumb_widths_and_needs() {
    check(classify_thumb(0x2001, 0, 0x8000), &[Thumb]);
    check(classify_thumb(0xb240, 0, 0x8000), &[Thumb, V6]);
    check(classify_thumb(0xbf08, 0, 0x8000), &[Thumb, V6t2]);
    check(
        classify_thumb(0xfb91, 0xf0f0, 0x8000),
        &[Thumb, V6t2, IdivT],
    );
    check(classify_thumb(0xef00, 0x0d00, 0x8000), &[Thumb, V6t2, Neon]);
    check(classify_thumb(0xf3bf, 0x8f5f, 0x8000), &[Thumb, V6t2, V7]);
    let call = classify_thumb(0xf000, 0xf802, 0x8000);
    check(call, &[Thumb]);
    assert_eq!(call.flow, Flow::Call(0x8008, Isa::Thumb));
    assert_eq!(classify_thumb(0xbf14, 0, 0).it_len, 2);
    assert_eq!(classify_thumb(0x4770, 0, 0).flow, Flow::Return);
}

#[test]
fn flow_and_values_follow_the_pseudocode() {
    assert_eq!(arm(0xeaff_fffe).flow, Flow::Jump(0x8000, Isa::Arm));
    assert_eq!(arm(0xeb00_0000).flow, Flow::Call(0x8008, Isa::Arm));
    assert_eq!(arm(0xfa00_0000).flow, Flow::Call(0x8008, Isa::Thumb));
    assert_eq!(arm(0xe51f_f004).flow, Flow::JumpLiteral(0x8004));
    assert_eq!(arm(0xef00_0000).flow, Flow::Syscall(None));
    assert_eq!(arm(0xef90_0001).flow, Flow::Syscall(Some(0x90_0001)));
    assert_eq!(arm(0xe7f0_00f0).flow, Flow::Trap(Trap::Udf));
    assert_eq!(arm(0xe3a0_7001).value, Some((7, Value::Const(1))));
    assert_eq!(arm(0xe59f_3000).value, Some((3, Value::Literal(0x8008))));
    assert!(arm(0x0a00_0000).conditional && !arm(0xea00_0000).conditional);
}

#[test]
fn whatever_lies_in_memory_can_be_classified() {
    // Every operation, with registers and constants at the ends of their ranges (0x102 is 0x8000_0000).
    const OPERANDS: [u32; 12] = [
        0x000, 0x001, 0x010, 0x090, 0x0d0, 0x102, 0x110, 0x480, 0x8ff, 0xb00, 0xf10, 0xfff,
    ];
    for operation in 0..0x1000 {
        for registers in [0x00, 0x0f, 0xf0, 0xff, 0xdd, 0xdf, 0xfd, 0x0d, 0xd0] {
            for operand in OPERANDS {
                for addr in [0, 0x8000, 0xffff_fffc] {
                    let word = operation << 20 | registers << 12 | operand;
                    assert_eq!(classify_arm(word, addr).len, 4);
                }
            }
        }
    }
    for first in 0..=u16::MAX {
        for second in [0, 0x0f00, 0x7fff, 0x8000, 0xd000, 0xf8ff, 0xffff] {
            let insn = classify_thumb(first, second, 0xffff_fffe);
            assert!(insn.len == 2 || insn.len == 4);
        }
    }
    let insn = arm(0xe243_f102);
    assert_eq!(insn.flow, Flow::JumpOffset(3, i32::MIN));
}
