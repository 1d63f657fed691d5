//! Every ARM register file that R18 can hold.

use crate::dialect::Dialect;
use crate::file::{File, open};
use crate::head::{Machine, Member};
use crate::scenes::{Family, process, spin_memory};
use crate::stream::Stream;
use crate::task::Task;
use crate::thread::{Abi, Regset, Thread, Unit};

const LEADER: Member = Member::process(700, 0, 700);

/// One process, seven threads: none, each unit alone, and units side by side. No processor has
/// all of them; the records do not mind.
pub(crate) fn coprocessors(d: Dialect) -> Vec<u8> {
    let mut s = Stream::new(d);
    let machine = Machine::of(&s);
    s.head(&machine);
    let threads = [
        (&b"vfpv2"[..], vec![vfp_d16()]),
        (b"fpa", vec![fpa()]),
        (b"iwmmxt", vec![iwmmxt(), xscale()]),
        (b"crunch", vec![crunch()]),
        (b"xscale", vec![xscale()]),
        (
            b"many",
            vec![Unit::vfp_d32(|_| -0.0, 0x0370_0000), fpa(), crunch()],
        ),
    ];
    let mut members = vec![LEADER];
    members.extend(
        (701..)
            .zip(&threads)
            .map(|(pid, _)| Member::thread(pid, LEADER)),
    );
    s.tree(&members);
    let abi = Abi::EABI_HARD;
    let mut family = Family::default();
    let leader = Thread {
        abi,
        ..Thread::default()
    };
    let objects = process(
        &mut s,
        &machine,
        &mut family,
        (&Task::new(b"units"), &leader),
        |s| {
            s.open_file(0, b"/dev/null", File::new(open::READ_WRITE | open::LARGE));
        },
        |s| spin_memory(s, |_| ()),
    );
    for (name, units) in threads {
        let thread = Thread {
            units,
            abi,
            ..Thread::default()
        };
        s.follow(&Task::new(name), &thread, (family.cred, family.ns), objects);
    }
    s.tail()
}

/// VFPv2 with 16 registers, stopped by an exceptional instruction; no MVFR registers.
fn vfp_d16() -> Unit {
    let mut d = [0; 32];
    d[..16].copy_from_slice(&[
        0x3ff0_0000_0000_0000,
        0x4000_0000_0000_0000,
        0x4008_0000_0000_0000,
        0x7ff0_0000_0000_0000,
        0xfff0_0000_0000_0000,
        0x7ff8_0000_0000_0001,
        0x7ff4_0000_0000_0000,
        0x0000_0000_0000_0001,
        0x8000_0000_0000_0000,
        0x3fb9_9999_9999_999a,
        0x4009_21fb_5444_2d18,
        0x3f80_0000_4049_0fdb,
        0x7fc0_0000_ff80_0000,
        0,
        0,
        0x0123_4567_89ab_cdef,
    ]);
    Unit {
        kind: 1,
        // used, EXC, FPSID
        flags: 0b01101,
        fpsid: 0x4101_20b4,
        mvfr: [0, 0],
        // EX EN, and the instruction that bounced: fdivd d0, d0, d1
        regset: Regset::Vfp {
            d,
            fpscr: 0x0100_1f04,
            exc: [0xc000_0104, 0xee80_0b01, 0],
        },
    }
}

/// Single, double, extended and packed registers of the FPA emulator.
fn fpa() -> Unit {
    Unit {
        kind: 2,
        flags: 1,
        fpsid: 0,
        mvfr: [0, 0],
        regset: Regset::Fpa {
            registers: [
                [0x3f80_0000, 0, 0],
                [0x4009_21fb, 0x5444_2d18, 0],
                [0x0000_4000, 0xc90f_daa2, 0x2168_c235],
                [0, 0, 0],
                [0x8000_3fff, 0x8000_0000, 0],
                [0, 0, 0],
                [0, 0, 0],
                [0x0000_7fff, 0x8000_0000, 0],
            ],
            fpsr: 0x0110_0000,
            fpcr: 0,
            // 1 single, 2 double, 3 extended
            kinds: [1, 2, 3, 0, 3, 0, 0, 3],
            init: 1,
        },
    }
}

fn iwmmxt() -> Unit {
    let mut wr = [0; 16];
    for (n, slot) in (0_u64..).zip(wr.iter_mut()) {
        *slot = 0x0101_0101_0101_0101 * n;
    }
    Unit {
        kind: 3,
        flags: 1,
        fpsid: 0,
        mvfr: [0, 0],
        regset: Regset::Iwmmxt {
            wr,
            control: [0x2, 0x8000_0000, 1, 2, 3, 4],
        },
    }
}

fn crunch() -> Unit {
    let mut mvdx = [0; 16];
    for (n, slot) in (0_u8..).zip(mvdx.iter_mut()) {
        *slot = (f64::from(n) * 1.5).to_bits();
    }
    Unit {
        kind: 4,
        flags: 1,
        fpsid: 0,
        mvfr: [0, 0],
        regset: Regset::Crunch {
            mvdx,
            mvax: [[1, 2, 3], [4, 5, 6], [7, 8, 9], [10, 11, 12]],
            dspsc: 0x0000_0001_0000_0800,
        },
    }
}

fn xscale() -> Unit {
    Unit {
        kind: 5,
        flags: 1,
        fpsid: 0,
        mvfr: [0, 0],
        regset: Regset::XscaleDsp {
            acc0: [0x89ab_cdef, 0x67],
        },
    }
}
