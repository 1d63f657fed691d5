//! Tasks and what belongs to one of them alone.

use super::{ObjRef, RecordAt};
use ckpt_format::Arch;

/// A pid object (§2.4).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PidObject {
    /// Levels of pid namespaces below the root's.
    pub depth: u32,
    /// The number in each namespace, outermost first.
    pub numbers: Vec<i32>,
}

/// A task: a process or a thread (§2.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Task {
    /// Its place in the stream, counted from 0.
    pub index: u32,
    /// The TASK record.
    pub record: RecordAt,
    /// Pid in the root task's namespace.
    pub pid: i32,
    /// Pid of the leader of its thread group.
    pub tgid: i32,
    /// Pid of its parent; 0 if that is outside.
    pub ppid: i32,
    /// Process group; 0 if outside.
    pub pgid: i32,
    /// Session; 0 if outside.
    pub sid: i32,
    /// Numbers in nested namespaces, outermost first, without the root namespace's.
    pub nested_pids: Vec<i32>,
    /// Name, without padding.
    pub comm: Vec<u8>,
    /// Task state.
    pub state: u32,
    /// 0, or 16 for a zombie.
    pub exit_state: u32,
    /// Wait status of a zombie.
    pub exit_code: u32,
    /// Signal sent to the parent; `u32::MAX` for a thread that does not lead.
    pub exit_signal: u32,
    /// Parent-death signal.
    pub pdeath_signal: u32,
    /// Task flags; `None` before R16.
    pub flags: Option<u32>,
    /// `set_child_tid` address.
    pub set_child_tid: u64,
    /// `clear_child_tid` address.
    pub clear_child_tid: u64,
    /// Base of the alternate signal stack; `None` before R13.
    pub sas_ss_sp: Option<u64>,
    /// Its size in bytes.
    pub sas_ss_size: Option<u32>,
    /// Address of the robust futex list.
    pub robust_list: u64,
    /// Length of the robust futex list head.
    pub robust_list_len: u32,
    /// What only a live task has.
    pub live: Option<Live>,
}

impl Task {
    /// Whether the task leads its thread group.
    pub fn is_leader(&self) -> bool {
        self.pid == self.tgid
    }
    /// Whether the task is dead and waits for its parent.
    pub fn is_zombie(&self) -> bool {
        self.exit_state != 0
    }
    /// ARM registers of a live task.
    pub fn arm(&self) -> Option<&ArmRegs> {
        match &self.live.as_ref()?.regs {
            Regs::Arm(regs) => Some(regs),
            _ => None,
        }
    }
    /// The VFP register file, if it was saved.
    pub fn vfp(&self) -> Option<&Vfp> {
        self.live
            .as_ref()?
            .fpu
            .iter()
            .find_map(|file| match &file.regs {
                FpRegs::Vfp(vfp) => Some(&**vfp),
                _ => None,
            })
    }
}

/// State of a live task.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Live {
    /// General registers.
    pub regs: Regs,
    /// The CPU record.
    pub cpu_record: RecordAt,
    /// Thread state of the architecture.
    pub thread: Thread,
    /// Register files beside the general one.
    pub fpu: Vec<FpFile>,
    /// ABI of the process (R18, ARM).
    pub abi: Option<ArmAbi>,
    /// System call to resume.
    pub restart: RestartBlock,
    /// Objective credentials.
    pub cred: ObjRef,
    /// Subjective credentials.
    pub ecred: ObjRef,
    /// Set of namespaces.
    pub ns: ObjRef,
    /// Descriptor table.
    pub files: ObjRef,
    /// Address space.
    pub mm: ObjRef,
    /// Root and current directory; 0 before R06.
    pub fs: ObjRef,
    /// Semaphore adjustments.
    pub sem_undo: ObjRef,
    /// Signal actions.
    pub sighand: ObjRef,
    /// State shared by the process.
    pub signal: ObjRef,
    /// The TASK_OBJS record.
    pub objs_record: RecordAt,
    /// Signals pending for this thread.
    pub pending: Pending,
    /// Blocked signals, bit n - 1 is signal n.
    pub blocked: u64,
}

/// THREAD (§5.1, §7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Thread {
    /// The record; zero if the architecture has none.
    pub record: RecordAt,
    /// ARM: system call number.
    pub syscall: Option<u32>,
    /// ARM: thread pointer.
    pub tp_value: Option<u32>,
    /// ARM: ThumbEE handler base.
    pub thumbee_state: Option<u32>,
}

/// RESTART_BLOCK (§3.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RestartBlock {
    /// The record.
    pub record: RecordAt,
    /// Type, 1 for none (§3.4).
    pub kind: u64,
    /// Arguments by type.
    pub args: [u64; 5],
}

/// General registers by architecture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Regs {
    /// None were read.
    #[default]
    Missing,
    /// ARM.
    Arm(ArmRegs),
    /// Another architecture: names and values in the order of the record.
    Named(Arch, Vec<(String, u64)>),
}

impl Regs {
    /// A register by name.
    pub fn get(&self, name: &str) -> Option<u64> {
        match self {
            Regs::Missing => None,
            Regs::Arm(regs) => regs.get(name).map(u64::from),
            Regs::Named(_, all) => all.iter().find(|(n, _)| n == name).map(|(_, value)| *value),
        }
    }
    /// Names and values.
    pub fn list(&self) -> Vec<(String, u64)> {
        match self {
            Regs::Missing => Vec::new(),
            Regs::Arm(regs) => {
                let names = ckpt_format::values::ARM_REGISTERS.iter();
                names
                    .zip(regs.0)
                    .map(|(name, value)| ((*name).to_owned(), u64::from(value)))
                    .collect()
            }
            Regs::Named(_, all) => all.clone(),
        }
    }
}

/// `pt_regs` of ARM: r0 to r10, fp, ip, sp, lr, pc, cpsr, ORIG_r0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ArmRegs(pub [u32; 18]);

impl ArmRegs {
    /// A register by name (`r11`, `fp`, `r13`, `sp` … too).
    pub fn get(&self, name: &str) -> Option<u32> {
        let names = ckpt_format::values::ARM_REGISTERS;
        let plain = name
            .strip_prefix('r')
            .and_then(|n| n.parse::<usize>().ok())
            .filter(|n| *n < 16);
        let at = names.iter().position(|known| *known == name).or(plain)?;
        self.0.get(at).copied()
    }
    /// General register `n`, 0 to 15.
    pub fn r(&self, n: usize) -> u32 {
        self.0.get(n).copied().unwrap_or(0)
    }
    /// Stack pointer.
    pub fn sp(&self) -> u32 {
        self.r(13)
    }
    /// Link register.
    pub fn lr(&self) -> u32 {
        self.r(14)
    }
    /// Program counter.
    pub fn pc(&self) -> u32 {
        self.r(15)
    }
    /// Program status.
    pub fn cpsr(&self) -> u32 {
        self.r(16)
    }
    /// First argument of the system call.
    pub fn orig_r0(&self) -> u32 {
        self.r(17)
    }
    /// Whether the processor was in Thumb state (CPSR.T).
    pub fn is_thumb(&self) -> bool {
        self.cpsr() & 0x20 != 0
    }
    /// Bits of CPSR in words, from the condition flags to the mode (ARM ARM B1.3.3).
    pub fn cpsr_words(&self) -> Vec<String> {
        let cpsr = self.cpsr();
        let mut words = Vec::new();
        for (bit, name) in [
            (31, "N"),
            (30, "Z"),
            (29, "C"),
            (28, "V"),
            (27, "Q"),
            (24, "J"),
            (9, "E"),
            (8, "A"),
            (7, "I"),
            (6, "F"),
            (5, "T"),
        ] {
            if cpsr & (1 << bit) != 0 {
                words.push(name.to_owned());
            }
        }
        let ge = (cpsr >> 16) & 0xf;
        if ge != 0 {
            words.push(format!("GE={ge:04b}"));
        }
        let it = self.it_state();
        if it != 0 {
            words.push(format!("IT={it:#04x}"));
        }
        words.push(match cpsr & 0x1f {
            0x10 => "usr".to_owned(),
            0x00 => "usr26".to_owned(),
            mode => format!("mode={mode:#04x}"),
        });
        words
    }
    /// If-Then state, CPSR bits 15 to 10 and 26 to 25.
    pub fn it_state(&self) -> u32 {
        let cpsr = self.cpsr();
        ((cpsr >> 8) & 0xfc) | ((cpsr >> 25) & 3)
    }
}

/// A register file beside the general one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FpFile {
    /// The CPU_FPU record.
    pub record: RecordAt,
    /// `flags` of the record (R18).
    pub flags: u32,
    /// FPSID, if known.
    pub fpsid: Option<u32>,
    /// MVFR0 and MVFR1, if known.
    pub mvfr: Option<(u32, u32)>,
    /// Bytes of registers that the record claims to hold (ARM).
    pub regset_len: u32,
    /// The registers.
    pub regs: FpRegs,
}

impl FpFile {
    /// Number of the unit and the bytes that its registers take (§10.2); `None` for a unit that is
    /// not known.
    pub fn unit(&self) -> Option<(u32, u32)> {
        Some(match self.regs {
            FpRegs::Vfp(_) => (1, 272),
            FpRegs::Fpa(_) => (2, 116),
            FpRegs::Iwmmxt(_) => (3, 152),
            FpRegs::Crunch(_) => (4, 184),
            FpRegs::XscaleDsp(_) => (5, 8),
            FpRegs::Other(..) => return None,
        })
    }
    /// The thread had used the unit.
    pub fn is_used(&self) -> bool {
        self.flags & 1 != 0
    }
}

/// Register files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FpRegs {
    /// VFP and Advanced SIMD.
    Vfp(Box<Vfp>),
    /// FPA.
    Fpa(Box<Fpa>),
    /// iwMMXt.
    Iwmmxt(Box<Iwmmxt>),
    /// Crunch.
    Crunch(Box<Crunch>),
    /// XScale accumulator: low and high word.
    XscaleDsp([u32; 2]),
    /// Another architecture's, or one that is not known: unit number and bytes.
    Other(u32, Vec<u8>),
}

/// VFP register file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vfp {
    /// d0 to d31.
    pub d: [u64; 32],
    /// FPSCR.
    pub fpscr: u32,
    /// FPEXC, FPINST, FPINST2; `None` if not known.
    pub exc: Option<[u32; 3]>,
    /// d16 to d31 exist.
    pub d32: bool,
}

/// FPA register file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fpa {
    /// f0 to f7, three words each.
    pub f: [[u32; 3]; 8],
    /// FPSR.
    pub fpsr: u32,
    /// FPCR.
    pub fpcr: u32,
    /// Precision of each register.
    pub ftype: [u8; 8],
    /// Non-zero once used.
    pub init_flag: u32,
}

/// iwMMXt register file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Iwmmxt {
    /// wR0 to wR15.
    pub wr: [u64; 16],
    /// wCSSF.
    pub wcssf: u32,
    /// wCASF.
    pub wcasf: u32,
    /// wCGR0 to wCGR3.
    pub wcgr: [u32; 4],
}

/// Crunch register file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crunch {
    /// mvdx0 to mvdx15.
    pub mvdx: [u64; 16],
    /// Accumulators.
    pub mvax: [[u32; 3]; 4],
    /// Status and control.
    pub dspsc: u64,
}

/// ABI of an ARM process (R18); unknown fields are `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ArmAbi {
    /// The record.
    pub record: RecordAt,
    /// Personality word.
    pub personality: Option<u32>,
    /// ELF header flags of the executable.
    pub e_flags: Option<u32>,
    /// AT_HWCAP.
    pub hwcap: Option<u32>,
    /// AT_HWCAP2.
    pub hwcap2: Option<u32>,
    /// Page size in bytes.
    pub page_size: Option<u32>,
    /// Byte order of data: 0 little, 1 BE8, 2 BE32.
    pub endian: Option<u8>,
    /// 0 unknown, 1 OABI, 2 EABI soft-float arguments, 3 EABI hard-float arguments.
    pub calling: u8,
}

/// Pending signals (§3.11).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pending {
    /// The record.
    pub record: RecordAt,
    /// Mask, bit n - 1 is signal n.
    pub mask: u64,
    /// Queued signals.
    pub queue: Vec<SigInfo>,
}

/// A queued signal in the terms of R13 and later; fields that older revisions do not separate are
/// zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SigInfo {
    /// Signal number.
    pub signo: u32,
    /// Error number.
    pub errno: i32,
    /// Code of the kernel.
    pub code: i32,
    /// Sender.
    pub pid: u32,
    /// Sender's user.
    pub uid: u32,
    /// Integer that came with it.
    pub int: i32,
    /// Pointer that came with it.
    pub ptr: u64,
    /// Fault address.
    pub addr: u64,
    /// Exit status of a child.
    pub status: i32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_have_the_names_that_people_use() {
        let mut regs = ArmRegs::default();
        for (register, value) in regs.0.iter_mut().zip(100..) {
            *register = value;
        }
        for (names, value) in [
            (&["r0"][..], 100),
            (&["fp", "r11"], 111),
            (&["ip", "r12"], 112),
            (&["sp", "r13"], 113),
            (&["lr", "r14"], 114),
            (&["pc", "r15"], 115),
            (&["cpsr"], 116),
            (&["orig_r0"], 117),
        ] {
            for name in names {
                assert_eq!(regs.get(name), Some(value), "{name}");
            }
        }
        assert_eq!((regs.get("r16"), regs.get("d0")), (None, None));
        let named = (regs.sp(), regs.lr(), regs.pc(), regs.cpsr(), regs.orig_r0());
        assert_eq!(named, (113, 114, 115, 116, 117));
    }

    #[test]
    fn the_bits_of_cpsr_in_words() {
        let words = |cpsr| {
            let mut regs = ArmRegs([0; 18]);
            regs.0[16] = cpsr;
            regs.cpsr_words().join(" ")
        };
        assert_eq!(words(0x10), "usr");
        assert_eq!(words(0x6000_0030), "Z C T usr");
        assert_eq!(words(0x900f_0010), "N V GE=1111 usr");
        assert_eq!(words(0x0009_0210), "E GE=1001 usr");
        // IT[7:2] are bits 15 to 10, IT[1:0] bits 26 and 25.
        assert_eq!(words(0x0600_a030), "T IT=0xa3 usr");
        assert_eq!(words(0x0900_01d3), "Q J A I F mode=0x13");
        assert_eq!(words(0), "usr26");
    }
}
