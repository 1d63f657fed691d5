//! One thread: THREAD, RESTART_BLOCK, CPU and the floating-point records of each architecture.

use crate::dialect::{Arch, rec};
use crate::stream::{Stream, Struct, len32};

/// Why a thread is stopped in the kernel, and with which parameters it goes on.
pub(crate) const NO_RESTART: [u64; 6] = [1, 0, 0, 0, 0, 0];

/// State of one thread. The general registers are ARM's; on other architectures pc, sp, the
/// first argument and the result go where they belong and the rest is a pattern.
#[derive(Clone)]
pub(crate) struct Thread {
    /// r0 to r10, fp, ip, sp, lr, pc, cpsr, ORIG_r0.
    pub(crate) regs: [u32; 18],
    pub(crate) syscall: u32,
    pub(crate) tp: u32,
    pub(crate) thumbee: u32,
    /// Function type and five arguments.
    pub(crate) restart: [u64; 6],
    /// R18 ARM: register files in use, by ascending unit.
    pub(crate) units: Vec<Unit>,
    /// R18 ARM.
    pub(crate) abi: Abi,
    /// powerpc: floating-point registers are the halves of wider ones.
    pub(crate) vsx: bool,
}

impl Default for Thread {
    fn default() -> Self {
        Self {
            regs: [
                0x11,
                0x22,
                0x33,
                0x44,
                0x55,
                0x66,
                0x77,
                0x88,
                0x99,
                0xaa,
                0xbb,
                0xbeff_ef00,
                0xcc,
                0xbeff_ef00,
                0x8054,
                0x8060,
                0x6000_0010,
                0x11,
            ],
            syscall: 0,
            tp: 0x0001_1480,
            thumbee: 0,
            restart: NO_RESTART,
            units: Vec::new(),
            abi: Abi::EABI_SOFT,
            vsx: false,
        }
    }
}

/// R18: the ABI of a process, record ARM_ABI.
#[derive(Clone, Copy)]
pub(crate) struct Abi {
    pub(crate) personality: u32,
    pub(crate) e_flags: u32,
    pub(crate) hwcap: u32,
    pub(crate) hwcap2: u32,
    pub(crate) page_size: u32,
    /// 0 little, 1 BE8, 2 BE32.
    pub(crate) endian: u8,
    /// 1 OABI, 2 EABI with arguments in core registers, 3 in VFP registers.
    pub(crate) calling: u8,
    /// Which of the fields are known.
    pub(crate) valid: u16,
}

impl Abi {
    pub(crate) const EABI_SOFT: Self = Self {
        personality: 0x0080_0000,
        e_flags: 0x0500_0002,
        // swp half thumb fast-mult vfp edsp neon vfpv3 tls
        hwcap: 0x0000_b0d7,
        hwcap2: 0,
        page_size: 4096,
        endian: 0,
        calling: 2,
        valid: 0x3f,
    };

    pub(crate) const EABI_HARD: Self = Self {
        e_flags: 0x0500_0400,
        calling: 3,
        ..Self::EABI_SOFT
    };
}

/// R18: one coprocessor register file, record CPU_FPU on ARM.
#[derive(Clone)]
pub(crate) struct Unit {
    pub(crate) kind: u32,
    pub(crate) flags: u32,
    pub(crate) fpsid: u32,
    pub(crate) mvfr: [u32; 2],
    pub(crate) regset: Regset,
}

/// Payload of a [`Unit`], in the layout of the kernel's regset.
#[derive(Clone)]
pub(crate) enum Regset {
    Vfp {
        d: [u64; 32],
        fpscr: u32,
        exc: [u32; 3],
    },
    Fpa {
        registers: [[u32; 3]; 8],
        fpsr: u32,
        fpcr: u32,
        kinds: [u8; 8],
        init: u32,
    },
    Iwmmxt {
        wr: [u64; 16],
        control: [u32; 6],
    },
    Crunch {
        mvdx: [u64; 16],
        mvax: [[u32; 3]; 4],
        dspsc: u64,
    },
    XscaleDsp {
        acc0: [u32; 2],
    },
}

impl Regset {
    fn write(&self, b: &mut Struct) {
        match self {
            Self::Vfp { d, fpscr, exc } => b.u64s(d).u32(*fpscr).u32s(exc),
            Self::Fpa {
                registers,
                fpsr,
                fpcr,
                kinds,
                init,
            } => b
                .u32s(registers.as_flattened())
                .u32(*fpsr)
                .u32(*fpcr)
                .raw(kinds)
                .u32(*init),
            Self::Iwmmxt { wr, control } => b.u64s(wr).u32s(control),
            Self::Crunch { mvdx, mvax, dspsc } => {
                b.u64s(mvdx).u32s(mvax.as_flattened()).u64(*dspsc)
            }
            Self::XscaleDsp { acc0 } => b.u32s(acc0),
        };
    }
}

impl Unit {
    /// VFPv3 with 32 double registers; `value(n)` is the content of dN.
    pub(crate) fn vfp_d32(value: impl Fn(u64) -> f64, fpscr: u32) -> Self {
        let mut d = [0; 32];
        for (n, slot) in (0..).zip(d.iter_mut()) {
            *slot = value(n).to_bits();
        }
        Self {
            kind: 1,
            // used, D32, EXC, FPSID and MVFR valid
            flags: 0x1f,
            fpsid: 0x4103_3090,
            mvfr: [0x1011_0222, 0x0001_1111],
            regset: Regset::Vfp {
                d,
                fpscr,
                exc: [0x4000_0000, 0, 0],
            },
        }
    }
}

impl Stream {
    /// THREAD RESTART_BLOCK CPU, then what the architecture adds.
    pub(crate) fn thread(&mut self, t: &Thread) {
        self.thread_record(t);
        self.rec(rec::RESTART_BLOCK, |r| {
            r.u64s(&t.restart);
        });
        match self.d.arch {
            Arch::Arm => self.cpu_arm(t),
            Arch::I386 | Arch::X86_64 => self.cpu_x86(t),
            Arch::S390x => self.cpu_s390x(t),
            Arch::Ppc32 | Arch::Ppc64 => self.cpu_ppc(t),
        }
    }

    fn thread_record(&mut self, t: &Thread) {
        let rev = self.d.rev;
        match self.d.arch {
            Arch::Arm => self.rec(rec::THREAD, |r| {
                r.u32s(&[t.syscall, t.tp, t.thumbee]);
            }),
            Arch::I386 | Arch::X86_64 => self.rec(rec::THREAD, |r| {
                if rev >= 13 {
                    r.u64(0xffff_e420);
                }
                r.u32(0).u16(3).u16(24).align(8);
                // Three segment descriptors; the first is the thread's.
                r.raw(&[0xff, 0xff, 0xc0, 0xe6, 0x5d, 0xf2, 0xdf, 0xb7])
                    .raw(&[0; 16]);
            }),
            Arch::S390x if rev >= 7 => self.rec(rec::THREAD, |r| {
                r.u64(0x0001_0000);
            }),
            Arch::S390x | Arch::Ppc32 | Arch::Ppc64 => {}
        }
    }

    fn cpu_arm(&mut self, t: &Thread) {
        self.rec(rec::CPU, |r| {
            r.u32s(&t.regs);
        });
        if self.d.rev < 18 {
            return;
        }
        for unit in &t.units {
            let mut payload = Struct::new(self.d);
            unit.regset.write(&mut payload);
            self.rec(rec::CPU_FPU, |r| {
                r.u32s(&[unit.kind, unit.flags, unit.fpsid])
                    .u32s(&unit.mvfr);
                r.u32(len32(payload.bytes.len())).raw(&payload.bytes);
            });
        }
        let mut abi = t.abi;
        if self.d.big && abi.endian == 0 {
            // BE8: data big endian, code little endian; EF_ARM_BE8.
            (abi.endian, abi.e_flags) = (1, abi.e_flags | 0x0080_0000);
        }
        self.rec(rec::ARM_ABI, |r| {
            r.u32s(&[
                abi.personality,
                abi.e_flags,
                abi.hwcap,
                abi.hwcap2,
                abi.page_size,
            ]);
            r.u8(abi.endian).u8(abi.calling).u16(abi.valid);
        });
    }

    fn cpu_x86(&mut self, t: &Thread) {
        let (rev, wide) = (self.d.rev, self.d.word() == 8);
        let reg = |n: usize| u64::from(t.regs[n]);
        self.rec(rec::CPU, |r| {
            // r15 to r12, bp, bx, r11 to r8, ax, cx, dx, si, di, orig_ax, ip, sp, flags
            let high = |n| if wide { reg(n) << 32 | 0xf00 } else { 0 };
            r.u64s(&[high(10), high(9), high(8), high(7), reg(11), reg(4)]);
            r.u64s(&[high(3), high(2), high(1), high(0), reg(0), reg(1), reg(2)]);
            r.u64s(&[reg(5), reg(6), reg(17), reg(15), reg(13), 0x246]);
            r.u64(if wide { u64::from(t.tp) } else { 0 }).u64(0);
            // fs is the first TLS entry; cs, ss, ds, es are codes for the kernel's own selectors.
            r.u16(0x4000).u16(0);
            for selector in if wide { [3, 4, 0, 0] } else { [1, 2, 2, 2] } {
                r.u16(selector);
            }
            r.u32(1);
            if rev < 6 {
                r.u64s(&[0, 0, 0, 0, 0xffff_0ff0, 0x400]);
            }
        });
        let mut state = Struct::new(self.d);
        // FXSAVE image: fcw, fsw, ..., mxcsr at 24, xmm0 at 160.
        state.u16(0x37f).to(24).u32(0x1f80).u32(0xffff);
        state
            .to(160)
            .u64(1.5_f64.to_bits())
            .u64(2.5_f64.to_bits())
            .to(512);
        self.payload(rec::CPU_FPU, &state.bytes);
    }

    fn cpu_s390x(&mut self, t: &Thread) {
        self.rec(rec::CPU, |r| {
            r.u64(u64::from(t.regs[17]));
            for n in 0..15 {
                r.u64(u64::from(t.regs[n]));
            }
            // r15 is the stack pointer; then orig_gpr2, svcnr, ilc.
            r.u64(u64::from(t.regs[13]))
                .u64(u64::from(t.regs[17]))
                .u16(4)
                .u16(2);
            r.u32(t.tp).to(220);
            r.u64(0)
                .u64(0x0705_0001_8000_0000)
                .u64(u64::from(t.regs[15]))
                .u32(0);
            for n in 0_u8..16 {
                r.u64((f64::from(n) / 4.0).to_bits());
            }
            r.to(440);
        });
    }

    fn cpu_ppc(&mut self, t: &Thread) {
        let word = self.d.word();
        self.rec(rec::CPU, |r| {
            // FP and Altivec are in use, and perhaps VSX.
            let (vsx, doubles) = if t.vsx { (0b1_0000, 2) } else { (0, 1) };
            r.u32(0b101 | vsx)
                .u32(len32(44 * word))
                .u32(32 * 8 * doubles)
                .u64(u64::from(t.regs[17]));
            for n in 0..32 {
                r.word(u64::from(match n {
                    1 => t.regs[13],
                    3..=12 => t.regs[n - 3],
                    _ => len32(n) << 16,
                }));
            }
            // nip, msr, orig_gpr3, ctr, link; the others are zero.
            for value in [t.regs[15], 0xd032, t.regs[17], 0, t.regs[14]] {
                r.word(u64::from(value));
            }
            r.to(32 + 44 * word);
            for n in 0_u8..32 {
                r.u64((f64::from(n) / 8.0).to_bits());
                if t.vsx {
                    r.u64(u64::from(n));
                }
            }
            r.u32(0).i32(0).u64(0).align(16);
            for n in 0..32 {
                r.u32s(&[n; 4]);
            }
            r.u32s(&[0, 0, 0, 0x0001_0000]).u64(0xffff_ffff);
            r.to(r.bytes.len() + 32 * 4).u64(0).u32(0).align(16);
        });
    }
}
