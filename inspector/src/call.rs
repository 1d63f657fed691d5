//! The system call that an ARM thread is stopped at.
//!
//! Streams and cores of the kernel may tell its number. CRIU sets and other cores do not: there the
//! instruction at pc, or the one before it, shows that the thread makes a call, and r7 which. Where
//! that code is not in the image, r7 alone is left to tell.

use crate::process::Process;
use crate::sysroot::Sysroot;
use ckpt_compat::arm::{Flow, classify_arm, classify_thumb};
use ckpt_format::{Arch, syscalls, values};
use ckpt_parser::memory::Memory;
use ckpt_parser::model::{ArmRegs, Image, Task};
use ckpt_parser::source::Source;

/// State of a task that does not wait.
const TASK_RUNNING: u32 = 0;

/// A system call, and why it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SystemCall {
    /// Its number in the EABI.
    pub number: u32,
    /// How it was found.
    pub how: How,
    /// What the kernel left in r0 for a call that is to go on.
    pub interrupted: Option<&'static str>,
}

/// How a system call was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// The image tells.
    Recorded,
    /// `svc` stands at pc: the call is made when the thread goes on, perhaps once more, for a call
    /// that a stop interrupted is left like that.
    AtPc,
    /// `svc` stands before pc: the call was made.
    BeforePc,
    /// The code at pc is not there; this is what r7 would say.
    R7Alone,
}

impl SystemCall {
    fn new(number: u32, how: How, regs: &ArmRegs) -> SystemCall {
        SystemCall {
            number,
            how,
            interrupted: values::erestart_name(regs.r(0).cast_signed()),
        }
    }

    /// What the image tells.
    pub fn recorded(image: &Image, task: &Task) -> Option<SystemCall> {
        let number = task.live.as_ref()?.thread.syscall?;
        let call = SystemCall::new(number, How::Recorded, task.arm()?);
        // Call 0 is restart_syscall; the field is also zero when no call was made.
        let is_one = number != u32::MAX && (number != 0 || call.interrupted.is_some());
        (is_one && image.arch() == Arch::Arm).then_some(call)
    }

    /// What the image tells, or else the code shows.
    pub fn of<S: Source>(
        image: &Image,
        task: &Task,
        memory: &mut Memory<S>,
        sysroot: &mut Sysroot,
    ) -> Option<SystemCall> {
        SystemCall::recorded(image, task).or_else(|| {
            let abi = task.live.as_ref()?.abi.as_ref();
            let mut process = Process::new(abi, image.mm_of(task)?, memory, sysroot);
            let regs = task.arm()?;
            SystemCall::in_code(regs, &mut process).or_else(|| {
                let is_waiting = task.state != TASK_RUNNING;
                is_waiting.then(|| SystemCall::by_r7(regs, &mut process))?
            })
        })
    }

    fn in_code<S: Source>(regs: &ArmRegs, process: &mut Process<S>) -> Option<SystemCall> {
        let (width, pc) = (if regs.is_thumb() { 2 } else { 4 }, regs.pc());
        let mut at = |addr, how| {
            let code = process.instruction(addr, width as usize)?;
            Some(SystemCall::new(call_of(code, regs)?, how, regs))
        };
        at(pc.checked_sub(width)?, How::BeforePc).or_else(|| at(pc, How::AtPc))
    }

    /// A guess for a thread that waits in code that is not there.
    fn by_r7<S: Source>(regs: &ArmRegs, process: &mut Process<S>) -> Option<SystemCall> {
        let is_unseen = process.mm.vma_at(regs.pc().into()).is_some()
            && process.instruction(regs.pc(), 2).is_none();
        let is_call = syscalls::name(regs.r(7)).is_some();
        (is_unseen && is_call).then(|| SystemCall::new(regs.r(7), How::R7Alone, regs))
    }

    /// Its name, or number.
    pub fn name(&self) -> String {
        let name = syscalls::name(self.number);
        name.map_or_else(|| format!("call {}", self.number), str::to_owned)
    }
}

impl std::fmt::Display for SystemCall {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        if self.how == How::R7Alone {
            let name = self.name();
            return write!(f, "perhaps {name} (r7; the code at pc is not in the image)");
        }
        f.write_str(&self.name())?;
        match self.how {
            How::Recorded | How::R7Alone => {}
            How::AtPc => f.write_str(", svc at pc")?,
            How::BeforePc => f.write_str(", svc before pc")?,
        }
        match self.interrupted {
            Some(why) => write!(f, ", interrupted ({why})"),
            None => Ok(()),
        }
    }
}

/// The number of the call that an instruction makes: of r7 in the EABI, of itself in the OABI.
fn call_of(code: u32, regs: &ArmRegs) -> Option<u32> {
    const OABI: u32 = 0x90_0000;
    let instruction = match u16::try_from(code) {
        Ok(half) if regs.is_thumb() => classify_thumb(half, 0, regs.pc()),
        _ => classify_arm(code, regs.pc()),
    };
    match instruction.flow {
        Flow::Syscall(None) => Some(regs.r(7)),
        Flow::Syscall(Some(number)) => number.checked_sub(OABI),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn regs(r7: u32, thumb: bool) -> ArmRegs {
        let mut uregs = [0; 18];
        uregs[7] = r7;
        uregs[16] = if thumb { 0x30 } else { 0x10 };
        ArmRegs(uregs)
    }

    #[test]
    fn calls_of_both_abis_are_known_by_their_instruction() {
        let arm = regs(162, false);
        assert_eq!(call_of(0xef00_0000, &arm), Some(162));
        assert_eq!(call_of(0x0f00_0000, &arm), Some(162), "conditional");
        assert_eq!(call_of(0xef90_0004, &arm), Some(4), "OABI write");
        assert_eq!(call_of(0xef12_3456, &arm), None, "semihosting");
        assert_eq!(call_of(0xff00_0000, &arm), None, "Advanced SIMD");
        assert_eq!(call_of(0xdf00, &regs(5, true)), Some(5));
        assert_eq!(call_of(0xdfab, &regs(5, true)), None, "semihosting");
    }
}
