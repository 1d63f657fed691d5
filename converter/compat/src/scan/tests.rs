use std::collections::BTreeMap;

use super::{
    CodeRegion, Entry, EntryKind, FormatArg, Found, Job, MapKind, Offsets, SliceMemory,
    scan_in_parts, walk,
};
use crate::arm::Isa;
use crate::feature::Feature::{self, *};
use crate::feature::FeatureSet;
use crate::target::Endian;

const BASE: u32 = 0x1_0000;
const VADD: u32 = 0xee30_0a00;
const CLZ: u32 = 0xe16f_0f11;
const EXIT: [u32; 2] = [0xe3a0_7001, 0xef00_0000];
const BX_LR: u32 = 0xe12f_ff1e;

/// However the code is cut into parts, the same is found.
fn scan(job: &Job<'_>) -> Found {
    let found = scan_in_parts(job, walk::PART_LEN);
    for part_len in [16, 64, 4096] {
        assert_eq!(scan_in_parts(job, part_len), found, "{part_len}");
    }
    found
}

fn run_with(words: &[u32], map: &[(u32, MapKind)], kind: EntryKind) -> Found {
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    run_bytes(&bytes, map, BASE, kind)
}

/// Code from one entry on.
fn run_bytes(bytes: &[u8], map: &[(u32, MapKind)], pointer: u32, kind: EntryKind) -> Found {
    let mut memory = SliceMemory::default();
    memory.add(BASE, bytes);
    run_memory(&memory, bytes.len(), map, pointer, kind)
}

fn run_memory(
    memory: &SliceMemory<'_>,
    len: usize,
    map: &[(u32, MapKind)],
    pointer: u32,
    kind: EntryKind,
) -> Found {
    let region = CodeRegion {
        start: BASE,
        end: BASE + u32::try_from(len).unwrap(),
        name: "test".to_owned(),
        map: map.to_vec(),
        // Mapping symbols come with the names of all functions.
        bounds: if map.is_empty() { vec![] } else { vec![BASE] },
        ..CodeRegion::default()
    };
    scan(&Job {
        memory,
        regions: &[region],
        entries: &[Entry {
            pointer,
            kind,
            regs: None,
        }],
        slots: &BTreeMap::new(),
        main: None,
        starts: &[],
        resolvers: &[],
        kernel_pages: &[],
        writable: &[],
        handlers: None,
        advertised: FeatureSet::EMPTY,
        demands: false,
        from_start: true,
        jobs: 2,
    })
}

fn run(words: &[u32]) -> Found {
    run_with(words, &[], EntryKind::Pc)
}

fn has(found: &super::FeatureHits, feature: Feature) -> bool {
    found.set().has(feature)
}

#[test]
fn straight_code_is_inevitable_up_to_the_exit() {
    let found = run(&[CLZ, EXIT[0], EXIT[1], VADD]);
    assert!(has(&found.inevitable, V5t));
    assert!(!has(&found.inevitable, Vfp) && !has(&found.from_pc, Vfp));
    assert!(found.is_complete());
}

#[test]
fn a_branch_around_makes_it_avoidable_and_still_reached() {
    // cmp; beq +8; clz; exit
    let found = run(&[0xe350_0000, 0x0a00_0000, CLZ, EXIT[0], EXIT[1]]);
    assert!(!has(&found.inevitable, V5t) && has(&found.from_pc, V5t));
}

#[test]
fn a_counting_loop_ends_and_an_endless_loop_does_not() {
    // 1: subs; bne 1b; clz; exit
    let counted = run(&[0xe250_0001, 0x1aff_fffd, CLZ, EXIT[0], EXIT[1]]);
    assert!(has(&counted.inevitable, V5t));
    // 1: cmp; beq 2f; clz; 2: b 1b
    let dispatch = run(&[0xe350_0000, 0x0a00_0000, CLZ, 0xeaff_fffb]);
    assert!(!has(&dispatch.inevitable, V5t) && has(&dispatch.from_pc, V5t));
}

#[test]
fn calls_that_do_not_return_end_the_path() {
    // bl 2f; clz; 2: exit
    let found = run(&[0xeb00_0000, CLZ, EXIT[0], EXIT[1]]);
    assert!(!has(&found.inevitable, V5t));
    // bl 2f; vadd; exit;  2: clz; bx lr
    let found = run(&[0xeb00_0002, VADD, EXIT[0], EXIT[1], CLZ, BX_LR]);
    assert!(has(&found.inevitable, V5t) && has(&found.inevitable, Vfp));
}

#[test]
fn pointers_in_registers_are_followed() {
    // ldr r3, [pc, #4]; blx r3; b .; .word BASE + 16; clz; bx lr
    let found = run(&[
        0xe59f_3004,
        0xe12f_ff33,
        0xeaff_fffe,
        BASE + 16,
        0xee30_0a00,
        BX_LR,
    ]);
    assert!(has(&found.inevitable, Vfp), "{found:?}");
}

#[test]
fn literal_pools_are_not_code() {
    // ldr r0, [pc, #0]; bx lr; .word vadd
    let found = run(&[0xe59f_0000, BX_LR, VADD]);
    assert!(
        !has(&found.from_pc, Vfp) && !has(&found.swept, Vfp),
        "{found:?}"
    );
}

#[test]
fn mapping_symbols_decide() {
    let words = [EXIT[0], EXIT[1], VADD, BX_LR, CLZ, BX_LR];
    let map = [
        (BASE, MapKind::Arm),
        (BASE + 8, MapKind::Data),
        (BASE + 16, MapKind::Arm),
    ];
    let found = run_with(&words, &map, EntryKind::Known);
    assert!(!has(&found.swept, Vfp) && has(&found.swept, V5t));
    assert_eq!(found.mapped_len, 24);
}

#[test]
fn kuser_helpers_and_old_calls_are_counted() {
    // ldr r3, [pc, #8]; mov lr, pc; bx r3; swi 0x900001; .word 0xffff0fe0
    let found = run(&[
        0xe59f_3008,
        0xe1a0_e00f,
        0xe12f_ff13,
        0xef90_0001,
        0xffff_0fe0,
    ]);
    assert_eq!(found.from_pc.kuser_calls.count, 1);
    assert_eq!(found.from_pc.oabi_calls.count, 1);
}

#[test]
fn memory_that_is_missing_is_not_seen() {
    let memory = SliceMemory::default();
    let region = CodeRegion {
        start: BASE,
        end: BASE + 8192,
        name: String::new(),
        map: Vec::new(),
        ..CodeRegion::default()
    };
    let found = scan(&Job {
        memory: &memory,
        regions: &[region],
        entries: &[],
        slots: &BTreeMap::new(),
        main: None,
        starts: &[],
        resolvers: &[],
        kernel_pages: &[],
        writable: &[],
        handlers: None,
        advertised: FeatureSet::EMPTY,
        demands: false,
        from_start: false,
        jobs: 1,
    });
    assert_eq!((found.code_len, found.seen_len), (8192, 0));
    assert!(!found.is_complete());
}

#[test]
fn a_test_of_the_capability_guards_the_code_behind_it() {
    // tst r0, #64 (VFP); beq 1f; vadd; 1: exit
    let found = run(&[0xe310_0040, 0x0a00_0000, VADD, EXIT[0], EXIT[1]]);
    assert!(has(&found.guarded, Vfp) && !has(&found.from_pc, Vfp));
    // The guard ends where its branch goes.
    let found = run(&[0xe310_0040, 0x0a00_0000, CLZ, VADD, EXIT[0], EXIT[1]]);
    assert!(has(&found.from_pc, Vfp));
    // Another way to the same code is not guarded: b 2f; 1: tst; beq 3f; 2: vadd; 3: b 1b
    let found = run(&[0xea00_0001, 0xe310_0040, 0x0a00_0000, VADD, 0xeaff_fffb]);
    assert!(has(&found.from_pc, Vfp), "{found:?}");
    // Another bit guards nothing.
    let found = run(&[0xe310_0080, 0x0a00_0000, VADD, EXIT[0], EXIT[1]]);
    assert!(!has(&found.guarded, Vfp) && has(&found.from_pc, Vfp));
}

#[test]
fn a_test_on_each_way_guards_where_the_ways_join() {
    const TEST: [u32; 2] = [0xe392_2000, 0x0a00_0000];
    const NOP: u32 = 0xe1a0_0000;
    // and r2, r0, #64 (VFP); cmp r1, #5; bhi 1f; orrs r2, #0; beq 3f; b 2f; 1: orrs r2, #0; beq 3f; 2: vadd; 3: exit
    let with = |other: [u32; 2]| {
        let ways = [0xe200_2040, 0xe351_0005, 0x8a00_0002, TEST[0], 0x0a00_0003];
        let joined = [0xea00_0001, other[0], other[1], VADD, EXIT[0], EXIT[1]];
        let words = [ways.as_slice(), joined.as_slice()].concat();
        run_with(&words, &[(BASE, MapKind::Arm)], EntryKind::Pc)
    };
    let found = with(TEST);
    assert!(has(&found.guarded, Vfp) && !has(&found.from_pc, Vfp));
    let found = with([NOP, NOP]);
    assert!(has(&found.from_pc, Vfp));
    // bne to the instruction: guarded; what follows the branch is not.
    let bne = [
        0xe310_0040,
        0x1a00_0001,
        EXIT[0],
        EXIT[1],
        VADD,
        EXIT[0],
        EXIT[1],
    ];
    let found = run_with(&bne, &[(BASE, MapKind::Arm)], EntryKind::Pc);
    assert!(has(&found.guarded, Vfp) && !has(&found.from_pc, Vfp));
    let bne = [0xe310_0040, 0x1a00_0000, VADD, EXIT[0], EXIT[1]];
    let found = run_with(&bne, &[(BASE, MapKind::Arm)], EntryKind::Pc);
    assert!(has(&found.from_pc, Vfp));
    // The condition of an instruction that is no branch tells nothing behind it: tst; moveq; b 1f; 1: vadd
    let moveq = [
        0xe310_0040,
        0x03a0_0000,
        0xeaff_ffff,
        VADD,
        EXIT[0],
        EXIT[1],
    ];
    let found = run_with(&moveq, &[(BASE, MapKind::Arm)], EntryKind::Pc);
    assert!(has(&found.from_pc, Vfp));
}

#[test]
fn a_function_that_is_too_long_is_not_followed() {
    // The same with a table of zeros behind it, as part of the function.
    let ways = [
        0xe200_2040,
        0xe351_0005,
        0x8a00_0002,
        0xe392_2000,
        0x0a00_0003,
    ];
    let joined = [
        0xea00_0001,
        0xe392_2000,
        0x0a00_0000,
        VADD,
        EXIT[0],
        EXIT[1],
    ];
    for (len, is_followed) in [(64 << 10, true), ((64 << 10) + 4, false)] {
        let mut words = [ways.as_slice(), joined.as_slice()].concat();
        words.resize(len / 4, 0);
        let map = [(BASE, MapKind::Arm), (BASE + 44, MapKind::Data)];
        let found = run_with(&words, &map, EntryKind::Pc);
        assert_eq!(has(&found.from_pc, Vfp), !is_followed, "{len}");
    }
}

#[test]
fn memory_that_was_never_written_is_no_code() {
    // clz; bx lr; zeros, then vmov.i32 as data would have it; a pointer with the Thumb bit leads into the zeros.
    let mut words = [0; 32];
    words[..2].copy_from_slice(&[CLZ, BX_LR]);
    words[16] = 0x0010_ef80;
    words[17] = 0x4770;
    let found = run_with_guess(&words, BASE + 0x21, CodeRegion::default());
    assert!(!has(&found.from_entries, Neon), "{found:?}");
}

const STACK: u32 = 0x2_0000;
/// bl to the fifth word; vadd; exit; ldr pc, [sp], #4
const CALLER: [u32; 5] = [0xeb00_0002, VADD, EXIT[0], EXIT[1], 0xe49d_f004];

/// A thread that stopped at the fifth word, with a word on its stack.
fn stopped(words: &[u32], on_stack: u32) -> Found {
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let stack = on_stack.to_le_bytes();
    let mut memory = SliceMemory::default();
    memory.add(BASE, &bytes);
    memory.add(STACK, &stack);
    let region = CodeRegion {
        start: BASE,
        end: BASE + u32::try_from(bytes.len()).unwrap(),
        ..CodeRegion::default()
    };
    let mut regs = [0; 16];
    regs[13] = STACK;
    scan(&Job {
        memory: &memory,
        regions: &[region],
        entries: &[Entry {
            pointer: BASE + 16,
            kind: EntryKind::Pc,
            regs: Some(regs),
        }],
        slots: &BTreeMap::new(),
        main: None,
        starts: &[],
        resolvers: &[],
        kernel_pages: &[],
        writable: &[],
        handlers: None,
        advertised: FeatureSet::EMPTY,
        demands: false,
        from_start: false,
        jobs: 1,
    })
}

#[test]
fn a_stopped_thread_goes_on_in_its_caller() {
    let found = stopped(&CALLER, BASE + 4);
    assert!(has(&found.inevitable, Vfp));
    assert!(found.frames[0].needs.has(Vfp));
    // A word that no call precedes is no return address: where the thread goes is not known.
    let found = stopped(&CALLER, BASE + 8);
    assert!(!has(&found.inevitable, Vfp) && found.frames.is_empty());
}

#[test]
fn jump_tables_lead_to_their_cases() {
    // add pc, pc, r0, lsl #2; nop; b 1f; b 2f; 1: vadd; exit; 2: clz; exit
    let words = [
        0xe08f_f100,
        0xe1a0_0000,
        0xea00_0000,
        0xea00_0002,
        VADD,
        EXIT[0],
        EXIT[1],
        CLZ,
        EXIT[0],
        EXIT[1],
    ];
    let found = run(&words);
    assert!(has(&found.from_pc, Vfp) && has(&found.from_pc, V5t));
    assert!(!has(&found.inevitable, Vfp) && !found.open, "{found:?}");
}

/// Thumb code from its first instruction.
fn run_thumb(halves: &[u16]) -> Found {
    let bytes: Vec<u8> = halves.iter().flat_map(|half| half.to_le_bytes()).collect();
    run_bytes(&bytes, &[], BASE | 1, EntryKind::Pc)
}

#[test]
fn a_jump_table_ends_where_its_index_does() {
    // cmp r0, #1; bhi 1f; tbb [pc, r0]; .byte 5, 5; movs r0, #8; bx lr; nop; nop; 1: exit; bx lr; vadd; bx lr
    let mut halves = [
        0x2801, 0xd806, 0xe8df, 0xf000, 0x0505, 0x2008, 0x4770, 0xbf00, 0xbf00, 0x2701, 0xdf00,
        0x4770, 0xee30, 0x0a00, 0x4770,
    ];
    assert!(!has(&run_thumb(&halves).from_pc, Vfp));
    // Without the comparison the code behind the table is read as entries of it, one of which leads to vadd.
    halves[0] = 0xbf00;
    assert!(has(&run_thumb(&halves).from_pc, Vfp));
}

#[test]
fn a_case_lies_outside_of_its_table() {
    // tbb [pc, r0]; .byte 5, 0; movs r0, #8; bx lr; nop; nop; exit; bx lr; vadd; bx lr: the second byte is padding.
    let halves = [
        0xe8df, 0xf000, 0x0005, 0x2008, 0x4770, 0xbf00, 0xbf00, 0x2701, 0xdf00, 0x4770, 0xee30,
        0x0a00, 0x4770,
    ];
    assert!(!has(&run_thumb(&halves).from_pc, Vfp));
}

#[test]
fn libgcc_jumps_through_the_table_behind_its_call() {
    // cmp r0, #1; bhi 2f; bl helper; .byte 4, 4; vadd; bx lr; rev r0, r0; 2: exit; helper: __gnu_thumb1_case_uqi
    let mut halves = vec![
        0x2801, 0xd806, 0xf000, 0xf80a, 0x0404, 0xee30, 0x0a00, 0x4770, 0xba00, 0x2701, 0xdf00,
        0xbf00, 0xbf00, 0xbf00,
    ];
    halves.extend([
        0xb402, 0x4671, 0x0849, 0x0049, 0x5c09, 0x0049, 0x448e, 0xbc02, 0x4770,
    ]);
    let found = run_thumb(&halves);
    assert!(
        has(&found.from_pc, V6) && !has(&found.from_pc, Vfp),
        "{found:?}"
    );
    // A function that is not libgcc's returns behind its call.
    halves[14] = 0xb400;
    assert!(has(&run_thumb(&halves).from_pc, Vfp));
}

#[test]
fn code_does_not_run_into_its_own_literals() {
    // ldr r0, [pc, #4]; bxeq lr; nop; .word vadd
    let words = [0xe59f_0004, 0x012f_ff1e, NOP, VADD];
    assert!(!has(&run(&words).from_pc, Vfp));
}

#[test]
fn a_distance_from_the_program_counter_is_no_pointer() {
    // ldr r0, [pc, #8]; add r0, pc, r0; exit; .word 1f; 1: vadd; bx lr
    let mut words = [
        0xe59f_0008,
        0xe08f_0000,
        EXIT[0],
        EXIT[1],
        BASE + 20,
        VADD,
        BX_LR,
    ];
    assert!(!has(
        &run_with(&words, &[], EntryKind::Known).from_entries,
        Vfp
    ));
    words[1] = NOP;
    assert!(has(
        &run_with(&words, &[], EntryKind::Known).from_entries,
        Vfp
    ));
}

#[test]
fn a_mask_that_is_tested_later_guards_too() {
    // and r2, r2, #64; cmp ip, #5; orrs r2, r2, #0; beq 1f; vmrs r3, fpscr; 1: exit
    let mut words = [
        0xe202_2040,
        0xe35c_0005,
        0xe392_2000,
        0x0a00_0000,
        0xeef1_3a10,
        EXIT[0],
        EXIT[1],
    ];
    let found = run(&words);
    assert!(has(&found.guarded, Vfp) && !has(&found.from_pc, Vfp));
    // With another bit, or another register, it is no test of VFP.
    words[0] = 0xe202_2080;
    assert!(has(&run(&words).from_pc, Vfp));
    words[0] = 0xe202_4040;
    assert!(has(&run(&words).from_pc, Vfp));
}

fn entry(pointer: u32, kind: EntryKind) -> Entry {
    Entry {
        pointer,
        kind,
        regs: None,
    }
}

/// A process whose memory is one region, and what its image says of handlers.
fn scan_words(
    words: &[u32],
    region: CodeRegion,
    entries: &[Entry],
    handlers: Option<&[u32]>,
) -> Found {
    with_job(words, words.len(), region, entries, |job| {
        scan(&Job {
            handlers,
            from_start: false,
            ..*job
        })
    })
}

/// A process whose memory is one region, of which the first words are code.
fn with_job<T>(
    words: &[u32],
    num_code: usize,
    region: CodeRegion,
    entries: &[Entry],
    look: impl FnOnce(&Job<'_>) -> T,
) -> T {
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let mut memory = SliceMemory::default();
    memory.add(BASE, &bytes);
    let regions = [CodeRegion {
        start: BASE,
        end: BASE + 4 * u32::try_from(num_code).unwrap(),
        ..region
    }];
    look(&job_of(&memory, &regions, entries, &BTreeMap::new(), 1))
}

/// Two entries: a function of the file at the start, and a guess of a pointer.
fn run_with_guess(words: &[u32], guess: u32, region: CodeRegion) -> Found {
    let entries = [
        entry(BASE | 1, EntryKind::Known),
        entry(guess, EntryKind::Pointer),
    ];
    scan_words(words, region, &entries, None)
}

#[test]
fn a_guess_into_code_of_the_other_state_is_none() {
    // movs r1, #9; bl .+0x280e (out of view); bx lr; in ARM state the middle is vcadd.
    let words = [0x2109_2109, 0xfe09_f7ff, 0x4770_4770, 0];
    let found = run_with_guess(&words, BASE + 4, CodeRegion::default());
    assert!(!has(&found.from_entries, Fcma) && !has(&found.swept, Fcma));
}

#[test]
fn a_guess_into_a_function_of_the_other_state_hides_nothing() {
    // movs r1, #9; bx lr; push {r4, lr}; movw r4, #…; bx lr; in ARM state the middle is vqrshl.
    let words = [0x4770_2109, 0xf249_b510, 0x4770_34e8, BX_LR];
    let region = CodeRegion {
        bounds: vec![BASE],
        ..CodeRegion::default()
    };
    assert!(!run_with_guess(&words, BASE + 4, region).open);
    assert!(run_with_guess(&words, BASE + 4, CodeRegion::default()).open);
}

#[test]
fn what_a_file_would_have_declared_is_data_where_only_a_guess_leads() {
    let words = [
        0x4770_4770,
        0x4770_4770,
        0xe12f_ff1e,
        0xe320_f000,
        CLZ,
        0xf200_0840,
        BX_LR,
    ];
    let guess = BASE + 12;
    let open = run_with_guess(&words, guess, CodeRegion::default());
    assert!(has(&open.from_entries, Neon) && has(&open.from_entries, V5t));
    let region = CodeRegion {
        undeclared: crate::feature::FeatureSet::one(Neon),
        ..CodeRegion::default()
    };
    let found = run_with_guess(&words, guess, region);
    assert!(!has(&found.from_entries, Neon) && !has(&found.swept, Neon));
    assert!(has(&found.from_entries, V5t));
}

#[test]
fn arm_code_that_returns_to_thumb_by_mov_needs_v7() {
    // Thumb: blx r3; bx lr.  ARM: clz; mov pc, lr
    let words = [0x4770_4798, 0xe12f_ff1e, CLZ, 0xe1a0_f00e];
    let found = run_with_guess(&words, BASE + 8, CodeRegion::default());
    assert!(has(&found.from_entries, V7));
    // Thumb: bx lr only: nobody there calls it.
    let found = run_with_guess(
        &[0x4770_4770, words[1], CLZ, words[3]],
        BASE + 8,
        CodeRegion::default(),
    );
    assert!(has(&found.from_entries, V5t) && !has(&found.from_entries, V7));
}

#[test]
fn a_conditional_return_is_needed_where_it_is_taken() {
    // bl f; exit; f: cmn r0, #4096; bxcc lr; bx lr
    let both = run(&[
        0xeb00_0001,
        EXIT[0],
        EXIT[1],
        0xe370_0a01,
        0x312f_ff1e,
        BX_LR,
    ]);
    assert!(has(&both.inevitable, Bx));
    // The same, but the other way ends the process.
    let one = run(&[
        0xeb00_0001,
        EXIT[0],
        EXIT[1],
        0xe370_0a01,
        0x312f_ff1e,
        EXIT[0],
        EXIT[1],
    ]);
    assert!(!has(&one.inevitable, Bx) && has(&one.from_pc, Bx));
}

#[test]
fn code_behind_a_return_under_it_is_reached() {
    // adr r0, t + 1; bx r0; t: cmp r0, #0; it eq; bxeq lr; vadd; bx lr
    let found = run(&[
        0xe28f_0001,
        0xe12f_ff10,
        0xbf08_2800,
        0xee30_4770,
        0x4770_0a00,
    ]);
    assert!(has(&found.from_pc, Vfp));
}

#[test]
fn behind_a_call_of_what_never_returns_lies_no_code() {
    // bl f; data; f: exit
    let found = run(&[0xeb00_0000, VADD, EXIT[0], EXIT[1]]);
    assert!(!has(&found.from_pc, Vfp));
}

/// A function of [`process`] that has the address of the next.
const HOLDER: u32 = BASE + 16;
/// A function that needs VFP.
const FLOATING: u32 = BASE + 32;

/// A thread that stopped at an instruction, behind which it exits, and two functions.
fn process(stopped_at: u32, setup: impl FnOnce(&mut CodeRegion, &mut Setting)) -> Found {
    // exit; holder: ldr r0, [pc, #4]; bx lr; nop; .word floating; floating: vadd; bx lr
    let words = [
        stopped_at,
        EXIT[0],
        EXIT[1],
        BX_LR,
        0xe59f_0004,
        BX_LR,
        0xe1a0_0000,
        FLOATING,
        VADD,
        BX_LR,
    ];
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let mut memory = SliceMemory::default();
    memory.add(BASE, &bytes);
    let mut region = CodeRegion {
        start: BASE,
        end: BASE + 40,
        map: vec![
            (BASE, MapKind::Arm),
            (BASE + 28, MapKind::Data),
            (FLOATING, MapKind::Arm),
        ],
        functions: vec![BASE, HOLDER, FLOATING],
        bounds: vec![BASE, HOLDER, FLOATING],
        ..CodeRegion::default()
    };
    let mut setting = Setting::default();
    setup(&mut region, &mut setting);
    let mut regs = [0; 16];
    regs[12] = HOLDER;
    setting.entries.push(Entry {
        pointer: BASE,
        kind: EntryKind::Pc,
        regs: Some(regs),
    });
    scan(&Job {
        memory: &memory,
        regions: &[region],
        entries: &setting.entries,
        slots: &setting.slots,
        main: setting.main,
        starts: &setting.starts,
        resolvers: &setting.resolvers,
        kernel_pages: &[],
        writable: &[],
        handlers: None,
        advertised: FeatureSet::EMPTY,
        demands: false,
        from_start: false,
        jobs: 1,
    })
}

#[derive(Default)]
struct Setting {
    entries: Vec<Entry>,
    slots: BTreeMap<u32, u32>,
    main: Option<u32>,
    starts: Vec<u32>,
    resolvers: Vec<u32>,
}

impl Setting {
    fn enter(&mut self, pointer: u32, kind: EntryKind) {
        self.entries.push(Entry {
            pointer,
            kind,
            regs: None,
        });
    }
}

const NOP: u32 = 0xe1a0_0000;

#[test]
fn what_only_a_resolver_names_needs_what_was_advertised() {
    let enter = |setting: &mut Setting| setting.enter(HOLDER, EntryKind::Known);
    let named = process(NOP, |_, setting| enter(setting));
    assert!(has(&named.from_entries, Vfp) && !has(&named.guarded, Vfp));
    let chosen = process(NOP, |_, setting| {
        enter(setting);
        setting.resolvers = vec![HOLDER];
    });
    assert!(has(&chosen.guarded, Vfp) && !has(&chosen.from_entries, Vfp));
    let both = process(NOP, |_, setting| {
        enter(setting);
        setting.resolvers = vec![HOLDER];
        setting.enter(FLOATING, EntryKind::Pointer);
    });
    assert!(has(&both.from_entries, Vfp));
}

#[test]
fn a_function_was_given_away_by_code_that_can_have_run() {
    // Nothing that ever ran has the address.
    let found = process(NOP, |_, setting| setting.enter(HOLDER, EntryKind::Symbol));
    assert!(!has(&found.from_entries, Vfp) && has(&found.swept, Vfp));
    // The process began there: the kernel may call what was given to it since.
    let found = process(NOP, |_, setting| {
        setting.enter(HOLDER, EntryKind::Symbol);
        setting.starts.push(HOLDER);
    });
    assert!(has(&found.from_entries, Vfp));
}

#[test]
fn main_is_called_once() {
    // What began the process leads to `main`, and nothing else does.
    let in_main = |main| {
        process(NOP, |_, setting| {
            setting.enter(FLOATING, EntryKind::Pointer);
            (setting.main, setting.starts) = (Some(main), vec![FLOATING]);
        })
    };
    assert!(!has(&in_main(BASE).from_entries, Vfp));
    // A thread that is in another function may come there yet.
    assert!(has(&in_main(HOLDER).from_entries, Vfp));
}

#[test]
fn longjmp_leads_back_into_main() {
    // bl to the return that is the fourth word
    let call = 0xeb00_0001;
    let leap = |leaps: &[u32]| {
        process(call, |region, setting| {
            region.leaps = leaps.to_vec();
            setting.main = Some(FLOATING);
        })
    };
    assert!(has(&leap(&[BASE + 12]).from_entries, Vfp));
    assert!(!has(&leap(&[]).from_entries, Vfp));
}

#[test]
fn a_slot_that_is_not_bound_yet_leads_to_its_function() {
    // ldr pc, [r12]: the word there is an instruction of the linkage table, which the loader will replace.
    let jump = 0xe59c_f000;
    let found = process(jump, |_, setting| {
        setting.slots.insert(HOLDER, FLOATING);
    });
    assert!(has(&found.from_pc, Vfp));
    assert!(!has(&process(jump, |_, _| {}).from_pc, Vfp));
}

/// Code that a thread is in, a function that only a pointer leads to, and what the image says of handlers.
fn with_pointer(words: &[u32], function: usize, handlers: Option<&[u32]>) -> Found {
    let pc = Entry {
        regs: Some([0; 16]),
        ..entry(BASE, EntryKind::Pc)
    };
    let function = BASE + u32::try_from(function * 4).unwrap();
    let entries = [pc, entry(function, EntryKind::Pointer)];
    scan_words(words, CodeRegion::default(), &entries, handlers)
}

#[test]
fn pointers_that_no_code_calls_lead_nowhere() {
    let words = [EXIT[0], EXIT[1], BX_LR, VADD, BX_LR];
    let known = with_pointer(&words, 3, Some(&[]));
    assert!(known.sealed && !has(&known.from_entries, Vfp), "{known:?}");
    // Cores do not say which handlers there are: the function may be one.
    let unknown = with_pointer(&words, 3, None);
    assert!(!unknown.sealed && has(&unknown.from_entries, Vfp));
    let handled = with_pointer(&words, 3, Some(&[BASE + 12]));
    assert!(handled.sealed && has(&handled.from_entries, Vfp));
}

#[test]
fn calls_that_cannot_be_told_leave_pointers_alive() {
    // ldr r3, [r0, r1]; blx r3: through memory that nobody knows
    let words = [
        0xe790_3001,
        0xe12f_ff33,
        EXIT[0],
        EXIT[1],
        BX_LR,
        VADD,
        BX_LR,
    ];
    let found = with_pointer(&words, 5, Some(&[]));
    assert!(!found.sealed && has(&found.from_entries, Vfp), "{found:?}");
}

#[test]
fn who_may_install_a_handler_keeps_pointers_alive() {
    const SVC: u32 = 0xef00_0000;
    let sealed = |first: &[u32]| {
        let words = [first, &[EXIT[0], EXIT[1], BX_LR, VADD, BX_LR]].concat();
        with_pointer(&words, first.len() + 3, Some(&[])).sealed
    };
    // mov r7, #4 (write); mov r7, #174 (rt_sigaction); ldr r7, [r8, r9]
    assert!(sealed(&[0xe3a0_7004, SVC]));
    assert!(!sealed(&[0xe3a0_70ae, SVC]));
    assert!(!sealed(&[0xe798_7009, SVC]));
    // One call for two numbers: cmp; moveq r7, #174; beq 1f; mov r7, #4; 1: svc
    assert!(!sealed(&[
        0xe350_0000,
        0xe3a0_70ae,
        0x0a00_0000,
        0xe3a0_7004,
        SVC
    ]));
}

#[test]
fn literals_are_data_and_instructions_are_code_in_every_byte_order() {
    // ldr r3, [pc, #4]; blx r3; b .; .word 1f; 1: vadd; bx lr
    let (before, literal) = ([0xe59f_3004, 0xe12f_ff33, 0xeaff_fffe], BASE + 16);
    for endian in [Endian::Little, Endian::Be8, Endian::Be32] {
        let code = |word: u32| match endian {
            Endian::Be32 => word.to_be_bytes(),
            Endian::Little | Endian::Be8 => word.to_le_bytes(),
        };
        let data = |word: u32| match endian {
            Endian::Little => word.to_le_bytes(),
            Endian::Be8 | Endian::Be32 => word.to_be_bytes(),
        };
        let behind = [code(VADD), code(BX_LR)];
        let bytes = [&before.map(code)[..], &[data(literal)], &behind].concat();
        let bytes = bytes.concat();
        let mut memory = SliceMemory::default();
        memory.endian = endian;
        memory.add(BASE, &bytes);
        let found = run_memory(&memory, bytes.len(), &[], BASE, EntryKind::Pc);
        assert!(has(&found.from_pc, Vfp), "{endian}: {found:?}");
    }
}

/// A program that was not started yet.
fn job_of<'a>(
    memory: &'a SliceMemory<'a>,
    regions: &'a [CodeRegion],
    entries: &'a [Entry],
    slots: &'a BTreeMap<u32, u32>,
    jobs: usize,
) -> Job<'a> {
    Job {
        memory,
        regions,
        entries,
        slots,
        main: None,
        starts: &[],
        resolvers: &[],
        kernel_pages: &[],
        writable: &[],
        handlers: None,
        advertised: FeatureSet::EMPTY,
        demands: false,
        from_start: true,
        jobs,
    }
}

#[test]
fn threads_change_nothing() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        u32::try_from(state >> 32).unwrap()
    };
    // Half of the words branch, so that much leads from part to part.
    let words: Vec<u32> = (0..4096_u32)
        .map(|_| match random() & 1 {
            0 => random(),
            _ => random() & 0xf000_0fff | 0x0b00_0000,
        })
        .collect();
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let mut memory = SliceMemory::default();
    memory.add(BASE, &bytes);
    let end = BASE + u32::try_from(bytes.len()).unwrap();
    let regions = [CodeRegion {
        start: BASE,
        end,
        ..CodeRegion::default()
    }];
    let entries: Vec<Entry> = (BASE..end)
        .step_by(64)
        .map(|start| entry(start, EntryKind::Known))
        .collect();
    let slots = BTreeMap::new();
    let found = |jobs| scan_in_parts(&job_of(&memory, &regions, &entries, &slots, jobs), 2048);
    let one = found(1);
    assert!(one.from_entries.features.len() > 10, "{one:?}");
    for jobs in [2, 3, 8] {
        assert_eq!(found(jobs), one, "{jobs}");
    }
}

#[test]
fn more_code_than_is_marked_leaves_the_scan_open() {
    const STEP: u32 = walk::PART_LEN;
    let bytes: Vec<u8> = [VADD, BX_LR]
        .into_iter()
        .flat_map(u32::to_le_bytes)
        .collect();
    let mut memory = SliceMemory::default();
    let starts: Vec<u32> = (0..65).map(|part| BASE + part * STEP).collect();
    for start in &starts {
        memory.add(*start, &bytes);
    }
    let regions = [CodeRegion {
        start: BASE,
        end: BASE + 65 * STEP,
        ..CodeRegion::default()
    }];
    let slots = BTreeMap::new();
    let reached = |num: usize| {
        let entries: Vec<Entry> = starts
            .iter()
            .take(num)
            .map(|start| entry(*start, EntryKind::Known))
            .collect();
        let job = job_of(&memory, &regions, &entries, &slots, 1);
        let mut found = Found::default();
        walk::walk(&job, walk::Stacks::default(), STEP, &mut found);
        let hit = found.from_entries.get(Vfp).unwrap();
        (hit.count, found.open)
    };
    assert_eq!(reached(64), (64, false));
    assert_eq!(reached(65), (64, true));
}

/// A file that declares ARM code from its start on, and data where it says.
fn mapped(words: &[u32], data: std::ops::Range<u32>, functions: &[u32]) -> CodeRegion {
    let end = BASE + u32::try_from(words.len() * 4).unwrap();
    CodeRegion {
        map: vec![
            (BASE, MapKind::Arm),
            (BASE + data.start * 4, MapKind::Data),
            (BASE + data.end * 4, MapKind::Arm),
        ],
        sections: vec![(BASE, end)],
        functions: functions.iter().map(|word| BASE + word * 4).collect(),
        bounds: functions.iter().map(|word| BASE + word * 4).collect(),
        ..CodeRegion::default()
    }
}

fn scan_region(words: &[u32], region: CodeRegion, entries: &[(u32, EntryKind)]) -> Found {
    let entries = entries.iter();
    let entries: Vec<Entry> = entries
        .map(|(word, kind)| entry(BASE + word * 4, *kind))
        .collect();
    scan_words(words, region, &entries, None)
}

#[test]
fn what_the_assembler_was_given_as_words_is_code_where_it_is_executed() {
    let from_pc = |words: &[u32], data| {
        let region = mapped(words, data, &[0]);
        scan_region(words, region, &[(0, EntryKind::Pc)]).from_pc
    };
    // nop; .word vadd; exit
    let straight = [0xe1a0_0000, VADD, EXIT[0], EXIT[1]];
    assert!(has(&from_pc(&straight, 1..2), Vfp));
    // b 1f; exit; 1: .word vadd; bx lr
    let jump = [0xea00_0001, EXIT[0], EXIT[1], VADD, BX_LR];
    assert!(has(&from_pc(&jump, 3..4), Vfp));
    // Literals behind a call that does not return, or a system call: bl 1f; .word; 1: exit
    let pool = [0xeb00_0000, VADD, EXIT[0], EXIT[1]];
    assert!(!has(&from_pc(&pool, 1..2), Vfp));
    let pool = [0xef00_0000, VADD, EXIT[0], EXIT[1]];
    assert!(!has(&from_pc(&pool, 1..2), Vfp));
}

#[test]
fn a_label_without_a_name_may_be_called() {
    // adr r2, 1f; exit; 0: mov r1, r1; 1: vadd; bx lr
    let computed = [0xe28f_2008, EXIT[0], EXIT[1], 0xe1a0_1001, VADD, BX_LR];
    let region = mapped(&computed, 6..6, &[0]);
    let found = scan_region(&computed, region, &[(0, EntryKind::Known)]);
    assert!(has(&found.from_entries, Vfp), "{found:?}");
    // A word that points behind code that ends, and one that points into it.
    let words = [EXIT[0], EXIT[1], BX_LR, VADD, CLZ, BX_LR];
    let region = mapped(&words, 6..6, &[0]);
    let found = |word| {
        let entries = [(0, EntryKind::Known), (word, EntryKind::Pointer)];
        scan_region(&words, region.clone(), &entries).from_entries
    };
    assert!(has(&found(3), Vfp));
    assert!(!has(&found(4), V5t));
}

#[test]
fn a_function_that_a_pointer_names_needs_what_its_file_does_not_declare() {
    // exit; f: .inst vadd; bx lr
    let words = [EXIT[0], EXIT[1], VADD, BX_LR];
    let region = CodeRegion {
        undeclared: FeatureSet::one(Vfp),
        ..mapped(&words, 4..4, &[0, 2])
    };
    let entries = [(0, EntryKind::Known), (2, EntryKind::Pointer)];
    assert!(has(
        &scan_region(&words, region, &entries).from_entries,
        Vfp
    ));
}

#[test]
fn a_loop_calls_more_than_its_first_turn_does() {
    // ldr r4, =0f; 1: ldr r3, [r4], #4; mov lr, pc; mov pc, r3; subs r5, #1; bne 1b; exit; .ltorg; 0: .word f, g;
    // f: bx lr; g: vadd; bx lr
    let words = [
        0xe59f_4018,
        0xe494_3004,
        0xe1a0_e00f,
        0xe1a0_f003,
        0xe255_5001,
        0x1aff_fffa,
        EXIT[0],
        EXIT[1],
        BASE + 36,
        BASE + 44,
        BASE + 48,
        BX_LR,
        VADD,
        BX_LR,
    ];
    let found = with_pointer(&words, 12, Some(&[]));
    assert!(!found.sealed && has(&found.from_entries, Vfp), "{found:?}");
}

#[test]
fn a_table_that_is_longer_than_is_looked_at_leaves_pointers_alive() {
    // ldr r2, =table; ldr pc, [r2, r5, lsl #2]; g: exit; bx lr; f: vadd; bx lr; .ltorg; b .
    let code = [
        0xe59f_2014,
        0xe792_f105,
        EXIT[0],
        EXIT[1],
        BX_LR,
        VADD,
        BX_LR,
        BASE + 36,
        0xeaff_fffe,
    ];
    let table = |len| [&code[..], &vec![BASE + 8; len]].concat();
    assert!(with_pointer(&table(8), 5, Some(&[])).sealed);
    assert!(!with_pointer(&table(2000), 5, Some(&[])).sealed);
}

#[test]
fn processors_that_keep_the_state_do_not_go_on_in_the_other_one() {
    // ldr r3, [pc, #4]; mov pc, r3; nop; .word 1f + 1; 1: (Thumb) movs r7, #1; svc #0
    let thumb = BASE + 16;
    let by_mov = [
        0xe59f_3004,
        0xe1a0_f003,
        0xe1a0_0000,
        thumb | 1,
        0xdf00_2701,
    ];
    let found = run(&by_mov);
    assert!(has(&found.from_pc, V7) && has(&found.from_pc, Thumb));
    // ldr pc, [pc, #4]
    let by_load = [
        0xe59f_f004,
        0xe1a0_0000,
        0xe1a0_0000,
        thumb | 1,
        0xdf00_2701,
    ];
    let found = run(&by_load);
    assert!(has(&found.from_pc, V5t) && !has(&found.from_pc, V7));
    let in_arm = [
        0xe59f_f004,
        0xe1a0_0000,
        0xe1a0_0000,
        thumb,
        EXIT[0],
        EXIT[1],
    ];
    assert!(!has(&run(&in_arm).from_pc, V5t));
}

#[test]
fn a_number_that_was_set_before_a_call_is_none() {
    // mov r7, #1; bl f; svc #0; vadd; b .; f: mov r7, #20; bx lr
    let words = [
        EXIT[0],
        0xeb00_0002,
        EXIT[1],
        VADD,
        0xeaff_fffe,
        0xe3a0_7014,
        BX_LR,
    ];
    assert!(has(&run(&words).from_pc, Vfp));
}

#[test]
fn a_jump_to_memory_that_is_no_code_leaves_the_scan_open() {
    // ldr pc, [pc, #-4]; .word behind the region
    let bytes: Vec<u8> = [0xe51f_f004, BASE + 8, VADD]
        .into_iter()
        .flat_map(u32::to_le_bytes)
        .collect();
    let open = |seen: usize| {
        let mut memory = SliceMemory::default();
        memory.add(BASE, &bytes[..seen]);
        let found = run_memory(&memory, 8, &[], BASE, EntryKind::Pc);
        (found.open, found.from_pc.outside.first)
    };
    assert_eq!(open(12), (true, vec![(BASE + 8, Isa::Arm)]));
    // Nothing is there: it dies on every machine.
    assert_eq!(open(8), (false, vec![]));
}

#[test]
fn what_loads_code_is_told() {
    let words = [0xea00_0000, BX_LR, BX_LR];
    let region = |loads| CodeRegion {
        loads,
        ..CodeRegion::default()
    };
    let count = |loads| {
        let found = scan_region(&words, region(loads), &[(0, EntryKind::Pc)]);
        found.from_pc.loads.count
    };
    assert_eq!((count(vec![BASE + 8]), count(vec![BASE + 4])), (1, 0));
}

#[test]
fn registers_of_a_thread_tell_of_the_first_turn_only() {
    // 1: svc #0; pc: ldr r3, [r4], #4; mov lr, pc; mov pc, r3; b 1b; f: bx lr; g: vadd; bx lr; .word f, g
    let words = [
        0xef00_0000,
        0xe494_3004,
        0xe1a0_e00f,
        0xe1a0_f003,
        0xeaff_fffa,
        BX_LR,
        VADD,
        BX_LR,
        BASE + 20,
        BASE + 24,
    ];
    let mut regs = [0; 16];
    (regs[4], regs[7]) = (BASE + 32, 4);
    let pc = Entry {
        regs: Some(regs),
        ..entry(BASE + 4, EntryKind::Pc)
    };
    let entries = [pc, entry(BASE + 24, EntryKind::Pointer)];
    let found = with_job(&words, 8, CodeRegion::default(), &entries, |job| {
        scan(&Job {
            handlers: Some(&[]),
            from_start: false,
            ..*job
        })
    });
    assert!(!found.sealed && has(&found.from_entries, Vfp), "{found:?}");
}

#[test]
fn a_pointer_in_memory_may_be_another_one_later() {
    // ldr r2, =cell; ldr r3, [r2]; mov lr, pc; mov pc, r3; exit; f: bx lr; g: vadd; bx lr; .ltorg; cell: .word f
    let by = |load: u32| {
        let words = [
            0xe59f_201c,
            load,
            0xe1a0_e00f,
            0xe1a0_f003,
            EXIT[0],
            EXIT[1],
            BX_LR,
            VADD,
            BX_LR,
            BASE + 44,
            BASE + 24,
            BASE + 24,
        ];
        with_pointer(&words, 7, Some(&[]))
    };
    let found = by(0xe592_3000);
    assert!(!found.sealed && has(&found.from_entries, Vfp), "{found:?}");
    // ldr r3, =f: a literal stays what it is.
    assert!(by(0xe59f_301c).sealed);
}

#[test]
fn what_comes_on_demand_only_is_reached_where_something_demands_it() {
    // bl f; bl g; exit; f: vadd; bx lr; g: bx lr
    let words = [
        0xeb00_0002,
        0xeb00_0003,
        EXIT[0],
        EXIT[1],
        VADD,
        BX_LR,
        BX_LR,
    ];
    let reaches = |demands: Vec<u32>| {
        let region = CodeRegion {
            on_demand: vec![BASE + 16],
            demands,
            ..CodeRegion::default()
        };
        let found = scan_words(&words, region, &[entry(BASE, EntryKind::Pc)], None);
        has(&found.from_pc, Vfp) || has(&found.from_entries, Vfp)
    };
    assert!(!reaches(vec![]));
    assert!(reaches(vec![BASE + 24]));
}

#[test]
fn a_slot_of_the_offset_table_is_followed_where_a_literal_names_it() {
    // ldr r3, =distance; ldr r3, [r4, r3]; bx lr; .ltorg; f: vadd; bx lr; slots: 0, f
    let reaches = |distance| {
        let words = [
            0xe59f_3004,
            0xe794_3003,
            BX_LR,
            distance,
            VADD,
            BX_LR,
            0,
            BASE + 16,
        ];
        let region = CodeRegion {
            is_all_arm: true,
            offsets: Some(Offsets {
                base: BASE + 24,
                slots: vec![(BASE + 24, BASE + 32)],
            }),
            ..CodeRegion::default()
        };
        let entries = [entry(BASE, EntryKind::Known)];
        let found = with_job(&words, 6, region, &entries, scan);
        has(&found.from_entries, Vfp)
    };
    assert!(reaches(4) && reaches(BASE + 28));
    assert!(!reaches(0) && !reaches(8));
}

/// Is what lies behind a function of a file without names reached from it?
fn reaches_behind(words: &[u32]) -> bool {
    let words = [words, &[VADD, BX_LR]].concat();
    let region = CodeRegion {
        bounds: vec![BASE],
        is_all_arm: true,
        ..CodeRegion::default()
    };
    let found = scan_words(&words, region, &[entry(BASE, EntryKind::Known)], None);
    has(&found.from_entries, Vfp)
}

#[test]
fn jumps_by_a_pointer_lead_to_no_label() {
    // pop {r4, lr}; bx r3
    assert!(!reaches_behind(&[0xe8bd_4010, 0xe12f_ff13]));
    // ldr r3, [r0]; bx r3
    assert!(!reaches_behind(&[0xe590_3000, 0xe12f_ff13]));
    // mov r3, r1; bx r3
    assert!(!reaches_behind(&[0xe1a0_3001, 0xe12f_ff13]));
    // ldr pc, [r0, #8]
    assert!(!reaches_behind(&[0xe590_f008]));
    // ldr r3, [r0]; add r3, r3, r1; mov pc, r3
    assert!(reaches_behind(&[0xe590_3000, 0xe083_3001, 0xe1a0_f003]));
    // mov r3, r5; bx r3: it may have been computed before.
    assert!(reaches_behind(&[0xe1a0_3005, 0xe12f_ff13]));
}

#[test]
fn a_distance_in_a_literal_pool_is_no_jump() {
    // blx r3; .word 0xdf020 (andeq pc, sp, r0, lsr #32); b .
    assert!(!reaches_behind(&[0xe12f_ff33, 0x000d_f020, 0xeaff_fffe]));
    // blx r3; addne pc, pc, ip; b .
    assert!(reaches_behind(&[0xe12f_ff33, 0x108f_f00c, 0xeaff_fffe]));
}

#[test]
fn an_address_that_is_loaded_from_is_no_pointer() {
    // add r3, pc, #8; ldrd r2, [r3]; bx lr; nop; vadd; bx lr
    let reaches = |load| {
        let words = [0xe28f_3008, load, BX_LR, NOP, VADD, BX_LR];
        has(&run_with(&words, &[], EntryKind::Known).from_entries, Vfp)
    };
    assert!(!reaches(0xe1c3_20d0) && !reaches(0xe593_2000));
    // str r3, [r2]; ldr r2, [r0]
    assert!(reaches(0xe582_3000) && reaches(0xe590_2000));
}

#[test]
fn what_has_not_started_left_no_return_addresses() {
    // blx r3; exit; bl 1b; f: vadd; bx lr
    let words = [0xe12f_ff33, EXIT[0], EXIT[1], 0xebff_fffc, VADD, BX_LR];
    let entries = [
        entry(BASE, EntryKind::Pc),
        entry(BASE + 16, EntryKind::Pointer),
    ];
    let reaches = |from_start| {
        let region = CodeRegion {
            is_all_arm: true,
            ..CodeRegion::default()
        };
        let found = with_job(&words, words.len(), region, &entries, |job| {
            scan(&Job { from_start, ..*job })
        });
        has(&found.from_entries, Vfp)
    };
    assert_eq!((reaches(true), reaches(false)), (true, false));
}

/// What is found of a process whose program counter is at the first of these words.
fn run_process(words: &[u32], region: CodeRegion) -> Found {
    scan_words(words, region, &[entry(BASE, EntryKind::Pc)], Some(&[]))
}

#[test]
fn a_call_of_an_address_that_was_computed_leaves_everything_alive() {
    let is_open = |compute: [u32; 2]| {
        let words = [
            &compute[..],
            // mov lr, pc; mov pc, r3; exit
            &[0xe1a0_e00f, 0xe1a0_f003, EXIT[0], EXIT[1]],
        ];
        run_process(&words.concat(), CodeRegion::default()).open
    };
    // ldr r3, [r0]; add r3, r3, #16, mul r3, r4, r5, orr r3, r3, r4, lsl #16, add r3, r3, r4, lsl #4
    for computed in [0xe283_3010, 0xe003_0594, 0xe183_3804, 0xe083_3204] {
        assert!(is_open([0xe590_3000, computed]), "{computed:x}");
    }
    // ldr r3, [r0, r1, lsl #2], ldm r0, {r3}, add r3, r3, r4, eor r3, r3, r4, orr r3, r3, #1, mov r3, r5, vmov r3, s0
    for pointer in [
        0xe790_3101,
        0xe890_0008,
        0xe083_3004,
        0xe023_3004,
        0xe383_3001,
        0xe1a0_3005,
        0xee10_3a10,
    ] {
        assert!(!is_open([0xe590_3000, pointer]), "{pointer:x}");
    }
}

#[test]
fn a_call_by_a_jump_may_change_what_calls_may() {
    // mov r7, #1; ldr r3, [r0]; mov lr, pc; mov pc, r3; svc #0; vadd; exit
    let mut words = [
        0xe3a0_7001,
        0xe590_3000,
        0xe1a0_e00f,
        0xe1a0_f003,
        0xef00_0000,
        VADD,
        EXIT[0],
        EXIT[1],
    ];
    let reaches = |words: &[u32]| has(&run_process(words, CodeRegion::default()).from_pc, Vfp);
    assert!(reaches(&words));
    // Without the call the number is exit's.
    (words[2], words[3]) = (NOP, NOP);
    assert!(!reaches(&words));
}

#[test]
fn a_function_that_returns_is_no_abort_whatever_its_name() {
    // bl f; vadd; exit; f: …
    let aborts = |last: u32| {
        let words = [0xeb00_0002, VADD, EXIT[0], EXIT[1], last];
        let region = CodeRegion {
            aborts: vec![BASE + 16],
            ..CodeRegion::default()
        };
        let entries = [entry(BASE, EntryKind::Pc)];
        with_job(
            &words,
            words.len(),
            region,
            &entries,
            super::returning_aborts,
        )
    };
    // bx lr; b .; udf
    assert_eq!(aborts(BX_LR), [BASE + 16]);
    assert!(aborts(0xeaff_fffe).is_empty() && aborts(0xe7f0_00f0).is_empty());
}

#[test]
fn memory_that_is_made_executable_is_told() {
    // mov r2, #prot; bl stub; mov r7, #192; svc #0; exit; stub: ldr pc, [pc, #-4]; .word mmap; mmap: bx lr
    let count = |prot: u32, maps: Vec<u32>| {
        let words = [
            0xe3a0_2000 | prot,
            0xeb00_0003,
            0xe3a0_70c0,
            0xef00_0000,
            EXIT[0],
            EXIT[1],
            0xe51f_f004,
            BASE + 32,
            BX_LR,
        ];
        let region = CodeRegion {
            maps,
            ..CodeRegion::default()
        };
        run_process(&words, region).from_pc.exec_maps.count
    };
    // The call changes r2, so that it says nothing of the system call.
    assert_eq!(count(5, vec![BASE + 32]), 1);
    assert_eq!((count(3, vec![BASE + 32]), count(5, vec![])), (0, 0));
    // mov r2, #7; mov r7, #125; svc #0; exit
    let found = run_process(
        &[0xe3a0_2007, 0xe3a0_707d, 0xef00_0000, EXIT[0], EXIT[1]],
        CodeRegion::default(),
    );
    assert_eq!(found.from_pc.exec_maps.count, 1);
}

#[test]
fn a_distance_that_was_loaded_before_a_call_makes_a_pointer_behind_it() {
    // ldr r0, =distance; bl f; add r0, pc, r0; bx lr; f: bx lr; .ltorg; g: vadd; bx lr
    let words = [
        0xe59f_000c,
        0xeb00_0001,
        0xe08f_0000,
        BX_LR,
        BX_LR,
        8,
        VADD,
        BX_LR,
    ];
    let found = run_with(&words, &[], EntryKind::Known);
    assert!(has(&found.from_entries, Vfp));
}

#[test]
fn a_thumb_function_that_arm_code_computes_is_followed_in_a_file_of_arm_code() {
    // ldr r0, =…; add r0, pc, r0 or nop; bx lr; .word 9 or the address; g: clz r0, r0; bx lr
    let reaches = |add, word| {
        let words = [0xe59f_0004, add, BX_LR, word, 0xf080_fab0, 0x4770_4770];
        let region = CodeRegion {
            is_all_arm: true,
            sections: vec![(BASE, BASE + 24)],
            ..CodeRegion::default()
        };
        let found = scan_words(&words, region, &[entry(BASE, EntryKind::Known)], None);
        has(&found.from_entries, V6t2)
    };
    assert!(reaches(0xe08f_0000, 5));
    assert!(!reaches(NOP, BASE + 17));
}

/// Does code print by a format that it makes, if `printf` is called at its end and the image begins at its first word?
fn makes_format(words: &[u32], number: u8, is_passed_on: bool, regs: Option<[u32; 16]>) -> bool {
    // bl printf; exit; printf: bx lr; a text
    let call = [0xeb00_0001, EXIT[0], EXIT[1], BX_LR, 0x0000_6625];
    let printf = BASE + 4 * u32::try_from(words.len() + 3).unwrap();
    let words = [words, &call].concat();
    let region = CodeRegion {
        formats: vec![(
            printf,
            FormatArg {
                number,
                is_passed_on,
            },
        )],
        ..CodeRegion::default()
    };
    let entries = [Entry {
        regs,
        ..entry(BASE, EntryKind::Pc)
    }];
    with_job(&words, words.len(), region, &entries, |job| {
        let writable = &[(0x2_0000, 0x2_1000)];
        let found = super::scan(&Job { writable, ..*job });
        found.makes_formats
    })
}

#[test]
fn formats_that_code_makes_are_told_from_those_in_memory() {
    let made = |words: &[u32]| makes_format(words, 0, false, None);
    // add r0, pc, #8; mov r0, #0x20000; mov r0, sp; add r4, sp, #8, mov r0, r4
    assert!(!made(&[0xe28f_0008]));
    assert!(made(&[0xe3a0_0802]));
    assert!(made(&[0xe1a0_000d]));
    assert!(made(&[0xe28d_4008, 0xe1a0_0004]));
    // add r4, sp, #8; cmp r0, #0; beq 1f; nop; 1: mov r0, r4
    assert!(made(&[
        0xe28d_4008,
        0xe350_0000,
        0x0a00_0000,
        NOP,
        0xe1a0_0004
    ]));
    // What a function returned: bl 1f; b 2f; 1: bx lr; 2:
    assert!(made(&[0xeb00_0000, 0xea00_0000, BX_LR]));
    // An argument; what was taken back from the stack; add fp, sp, #4; ldr r0, [fp, #-8]
    assert!(!made(&[NOP]) && !made(&[0xe59d_0004]));
    let variable = [0xe28d_b004, 0xe51b_0008];
    assert!(made(&variable) && !makes_format(&variable, 0, true, None));
    // add r3, sp, #8 or add r3, pc, #8; str r3, [sp]
    assert!(makes_format(&[0xe28d_3008, 0xe58d_3000], 4, false, None));
    assert!(!makes_format(&[0xe28f_3008, 0xe58d_3000], 4, false, None));
}

#[test]
fn a_thread_may_have_made_a_format_before_it_stopped() {
    // mov r0, r4
    let made = |r4: u32| {
        let mut regs = [0; 16];
        regs[4] = r4;
        makes_format(&[0xe1a0_0004], 0, false, Some(regs))
    };
    assert!(made(0x2_0010) && !made(BASE));
}

#[test]
fn registers_are_known_where_the_function_of_a_thread_returns() {
    // f: bx lr; bl f; add r0, pc, r0; bx lr; .ltorg; g: vadd; bx lr
    let words = [
        BX_LR,
        0xebff_fffd,
        0xe08f_0000,
        0xeaff_fffe,
        0xe7f0_00f0,
        VADD,
        BX_LR,
    ];
    let reaches = |r0: u32| {
        let mut regs = [0; 16];
        regs[0] = r0;
        regs[14] = BASE + 8;
        let entries = [Entry {
            regs: Some(regs),
            ..entry(BASE, EntryKind::Pc)
        }];
        let found = scan_words(&words, CodeRegion::default(), &entries, None);
        [&found.from_pc, &found.from_entries]
            .iter()
            .any(|hits| has(hits, Vfp))
    };
    assert!(reaches(4) && !reaches(0x100));
}

#[test]
fn a_pointer_that_a_loop_moves_on_leads_to_more_than_one_place() {
    // ldr r5, =f; 1: blx r5; subs; add r5, r5, #16 or add r6, …; bne 1b; exit; .ltorg; f: bx lr
    let is_open = |add| {
        let words = [
            0xe59f_5014,
            0xe12f_ff35,
            0xe254_4001,
            add,
            0x1aff_fffb,
            EXIT[0],
            EXIT[1],
            BASE + 32,
            BX_LR,
        ];
        let entries = [entry(BASE, EntryKind::Pc)];
        let found = with_job(
            &words,
            words.len(),
            CodeRegion::default(),
            &entries,
            super::scan,
        );
        found.open
    };
    assert!(is_open(0xe285_5010) && !is_open(0xe286_6010));
}

#[test]
fn loads_of_pc_go_on_in_the_other_state_from_v5_on() {
    // adr r0, t + 1 or t; push {r0}; pop {pc}; nop; t: movs r7, #1; svc #0 or mov r7, #1; svc #0
    let needs = |adr, [first, last]: [u32; 2]| {
        let words = [adr, 0xe52d_0004, 0xe49d_f004, NOP, first, last];
        let mut regs = [0; 16];
        regs[13] = 0x8000;
        let entries = [Entry {
            regs: Some(regs),
            ..entry(BASE, EntryKind::Pc)
        }];
        let found = scan_words(&words, CodeRegion::default(), &entries, Some(&[]));
        has(&found.from_pc, V5t)
    };
    assert!(needs(0xe28f_0009, [0xdf00_2701, 0xdf00_2701]));
    assert!(!needs(0xe28f_0008, EXIT));
}

#[test]
fn a_number_that_leads_into_a_function_is_no_pointer() {
    // ldr r0, =…; bx lr; .ltorg; g: add r1, r1, #1; vadd; bx lr
    let reaches = |word| {
        let words = [0xe59f_0000, BX_LR, word, 0xe281_1001, VADD, BX_LR];
        let region = CodeRegion {
            map: vec![
                (BASE, MapKind::Arm),
                (BASE + 8, MapKind::Data),
                (BASE + 12, MapKind::Arm),
            ],
            functions: vec![BASE, BASE + 12],
            bounds: vec![BASE, BASE + 12],
            ..CodeRegion::default()
        };
        let found = scan_words(&words, region, &[entry(BASE, EntryKind::Known)], None);
        has(&found.from_entries, Vfp)
    };
    assert!(reaches(BASE + 12) && !reaches(BASE + 16));
}

#[test]
fn a_distance_from_pc_to_what_is_loaded_is_no_pointer() {
    // ldr r3, =…; ldr r3, [pc, r3] or [r5, r6]; bx lr; .ltorg; vadd; bx lr
    let reaches = |load| {
        let words = [0xe59f_3004, load, BX_LR, BASE + 16, VADD, BX_LR];
        let entries = [entry(BASE, EntryKind::Known)];
        let region = CodeRegion::default();
        let found = with_job(&words, words.len(), region, &entries, super::scan);
        has(&found.from_entries, Vfp)
    };
    assert!(reaches(0xe795_3006));
    assert!(!reaches(0xe79f_3003));
}

#[test]
fn a_number_among_arm_instructions_is_no_pointer_to_thumb_code() {
    // bx lr; additions; the code; additions
    let reaches = |code: &[u32]| {
        let mut words = vec![BX_LR];
        words.extend([0xe281_1001; 12]);
        words.extend(code);
        words.extend([0xe281_1001; 8]);
        let entries = [
            entry(BASE, EntryKind::Known),
            entry(BASE + 53, EntryKind::Pointer),
        ];
        let region = CodeRegion::default();
        let found = with_job(&words, words.len(), region, &entries, super::scan);
        has(&found.from_entries, Thumb) || found.open
    };
    // Any halves decode in Thumb state: 0xe281 is a branch.
    assert!(!reaches(&[0xe281_1001; 14]));
    // A function in Thumb state has other words: adds r0, r0, r1; nop …; bx lr.
    let mut thumb = vec![0x46c0_1840];
    thumb.extend([0x46c0_46c0; 12]);
    thumb.push(0x4770_46c0);
    assert!(reaches(&thumb));
}

#[test]
fn code_between_blank_pages_is_swept() {
    // A page of additions with clz; bx lr at its end, and three of zeros.
    let mut words = vec![0; 4 * 1024];
    words[..1024].fill(0xe281_1001);
    (words[1022], words[1023]) = (CLZ, BX_LR);
    let found = scan_words(&words, CodeRegion::default(), &[], None);
    assert!(has(&found.swept, V5t));
    assert_eq!((found.seen_len, found.code_len), (16384, 16384));
}

#[test]
fn thumb_stubs_behind_a_computed_jump_are_no_arm_code() {
    // add pc, pc, r0, lsl #2; nop; bx lr; (Thumb) bx lr, nop; or clz
    let reaches = |last: u32, feature| {
        let words = [0xe08f_f100, NOP, BX_LR, last];
        let region = CodeRegion {
            is_all_arm: true,
            functions: vec![BASE],
            bounds: vec![BASE],
            ..CodeRegion::default()
        };
        let entries = [entry(BASE, EntryKind::Known)];
        let found = with_job(&words, words.len(), region, &entries, super::scan);
        has(&found.from_entries, feature)
    };
    assert!(reaches(CLZ, V5t));
    assert!(!reaches(0x46c0_4770, V6));
}
