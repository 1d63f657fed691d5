//! The calls that a thread is in: by the unwind tables of its files, through signal frames, and where
//! those end by what looks like return addresses on its stack.
//!
//! Tables are those of the exception handling ABI for the Arm architecture (`.ARM.exidx`, `.ARM.extab`),
//! which every C library on ARM has. They are read from the memory of the process, or from the files
//! of its machine (`--sysroot`).

use crate::process::Process;
use crate::symbols::Symbols;
use crate::sysroot::Sysroot;
use crate::words;
use ckpt_compat::arm::{Flow, classify_arm, classify_thumb};
use ckpt_parser::memory::Memory;
use ckpt_parser::model::{ArmAbi, ArmRegs, Image, Mm, Vma};
use ckpt_parser::source::Source;
use ckpt_parser::view::read_uint;

/// A call that has not returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Where it goes on, without the Thumb bit.
    pub pc: u32,
    /// The stack pointer there.
    pub sp: u32,
    /// How it was found.
    pub how: How,
}

/// How a frame was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// It is where the thread is.
    Registers,
    /// By the unwind table of the frame below.
    Table,
    /// The link register holds it, and no table says otherwise.
    Link,
    /// A signal interrupted it.
    Signal,
    /// A word on the stack points behind a call: perhaps left over.
    Stack,
}

impl How {
    /// A word for it.
    pub const fn name(self) -> &'static str {
        match self {
            How::Registers => "pc",
            How::Table => "unwound",
            How::Link => "lr",
            How::Signal => "signal",
            How::Stack => "stack?",
        }
    }
}

impl Frame {
    /// The symbol that the frame is in, and the mapping. A return address is behind a call, which
    /// may be the last instruction of its function.
    pub fn place(&self, image: &Image, mm: &Mm, symbols: Option<&Symbols>) -> String {
        let addr = u64::from(self.pc);
        let back = u64::from(matches!(self.how, How::Table | How::Link | How::Stack));
        let inside = addr.saturating_sub(back);
        match symbols.and_then(|symbols| symbols.at(inside)) {
            Some((name, by)) => {
                let place = words::address(image, mm, None, addr).unwrap_or_default();
                let file = place.split('+').next().unwrap_or_default();
                format!("{name}+{:#x} in {file}", by + back)
            }
            None => words::address(image, mm, None, addr).unwrap_or_default(),
        }
    }
}

/// Frames that are shown at most.
const MOST: usize = 64;
/// Bytes of the stack in which return addresses are looked for.
const SCANNED: usize = 4096;
/// Guesses that are shown at most.
const GUESSES: usize = 16;

/// The calls that a thread is in, the innermost first.
pub fn of<S: Source>(
    regs: &ArmRegs,
    abi: Option<&ArmAbi>,
    mm: &Mm,
    memory: &mut Memory<S>,
    sysroot: &mut Sysroot,
) -> Vec<Frame> {
    let mut process = Process::new(abi, mm, memory, sysroot);
    let mut state = State {
        r: std::array::from_fn(|n| regs.r(n)),
        thumb: regs.is_thumb(),
    };
    let mut frames = vec![state.frame(How::Registers)];
    while frames.len() < MOST {
        let innermost = frames.len() == 1;
        let Some((next, how)) = process.caller(&state, innermost) else {
            break;
        };
        let stays = next.r[13] == state.r[13] && next.r[15] == state.r[15];
        if stays || next.r[13] < state.r[13] && how != How::Signal {
            break;
        }
        state = next;
        frames.push(state.frame(how));
    }
    // A table that says "nobody called this" is the end of the stack; anything else is a loss.
    if frames.len() == 1 || !process.is_outermost(&state) {
        frames.extend(process.guesses(&state, MOST - frames.len()));
    }
    frames
}

/// Registers of a frame, as far as they are known.
#[derive(Clone, Copy)]
struct State {
    r: [u32; 16],
    thumb: bool,
}

impl State {
    fn frame(&self, how: How) -> Frame {
        Frame {
            pc: self.r[15],
            sp: self.r[13],
            how,
        }
    }
    /// Goes on at an address whose lowest bit tells the instruction set.
    fn go_to(&mut self, addr: u32) {
        self.r[15] = addr & !1;
        self.thumb = addr & 1 != 0;
    }
}

/// What a table says about a function.
enum Unwind {
    /// Nobody called it.
    Outermost,
    /// The bytes of its unwind instructions.
    Instructions(Vec<u8>),
}

impl<S: Source> Process<'_, '_, S> {
    /// A word that is an offset of 31 bits from where it stands.
    fn near(&mut self, addr: u32) -> Option<u32> {
        let word = self.word(addr)?;
        Some(addr.wrapping_add((word << 1).cast_signed().wrapping_shr(1).cast_unsigned()))
    }
    fn is_code(&self, addr: u32) -> bool {
        let vma = self.mm.vma_at(addr.into());
        vma.is_some_and(|vma| vma.is_executable())
    }

    fn caller(&mut self, state: &State, innermost: bool) -> Option<(State, How)> {
        if let Some(next) = self.interrupted(state) {
            return Some((next, How::Signal));
        }
        // The call is before the address that it returns to, perhaps in another function.
        let at = state.r[15].wrapping_sub(u32::from(!innermost));
        match self.unwind(at) {
            Some(Unwind::Instructions(bytes)) => {
                let next = self.execute(state, &bytes)?;
                self.returns_to(&next).then_some((next, How::Table))
            }
            // Linkers say "nobody called it" of code in assembly, too.
            _ if innermost => {
                let mut next = *state;
                next.go_to(state.r[14]);
                self.returns_to(&next).then_some((next, How::Link))
            }
            _ => None,
        }
    }

    /// Whether a frame is one that a call can return to.
    fn returns_to(&mut self, frame: &State) -> bool {
        let addr = frame.r[15];
        self.is_code(addr) && self.follows_call(addr | u32::from(frame.thumb))
    }

    /// Whether a table says that nobody called the function that is returned to here.
    fn is_outermost(&mut self, frame: &State) -> bool {
        let call = frame.r[15].wrapping_sub(1);
        matches!(self.unwind(call), Some(Unwind::Outermost))
    }

    /// What a signal interrupted, if the frame is the code that returns from its handler
    /// (arch/arm/kernel/signal.c): `mov r7, #119` or `#173` before `svc 0`.
    fn interrupted(&mut self, state: &State) -> Option<State> {
        const RT: [u32; 2] = [0xe3a0_70ad, 0x27ad];
        const OLD: [u32; 2] = [0xe3a0_7077, 0x2777];
        /// siginfo before, and within it the registers behind five words and three more.
        const SIGINFO: u32 = 128;
        const REGISTERS: u32 = 32;
        let width = if state.thumb { 2 } else { 4 };
        let word = self.instruction(state.r[15], width)?;
        let context = if RT.contains(&word) {
            state.r[13].checked_add(SIGINFO)?
        } else if OLD.contains(&word) {
            state.r[13]
        } else {
            return None;
        };
        let saved = self.bytes(context.checked_add(REGISTERS)?, 17 * 4)?;
        let mut words = saved
            .chunks_exact(4)
            .map(|word| u32::try_from(read_uint(word, self.data)).unwrap_or(0));
        let r = std::array::from_fn(|_| words.next().unwrap_or(0));
        let cpsr = words.next()?;
        let next = State {
            r,
            thumb: cpsr & 0x20 != 0,
        };
        self.is_code(next.r[15]).then_some(next)
    }

    /// The entry of the table for an address (EHABI 5).
    fn unwind(&mut self, pc: u32) -> Option<Unwind> {
        let (table, len) = self.table(pc)?;
        let (mut low, mut high) = (0, len / 8);
        while low < high {
            let middle = low.midpoint(high);
            if self.near(table.checked_add(middle * 8)?)? <= pc {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let entry = table.checked_add(low.checked_sub(1)? * 8)?;
        let word = self.word(entry + 4)?;
        match word {
            1 => Some(Unwind::Outermost),
            _ if word & 0x8000_0000 != 0 => {
                let compact = word >> 24 == 0x80;
                compact.then(|| Unwind::Instructions(word.to_be_bytes()[1..].to_vec()))
            }
            _ => {
                let at = self.near(entry + 4)?;
                self.instructions(at).map(Unwind::Instructions)
            }
        }
    }

    /// The instructions of an entry in `.ARM.extab` (EHABI 7).
    fn instructions(&mut self, at: u32) -> Option<Vec<u8>> {
        let word = self.word(at)?;
        let (first, skip, more, from) = match word >> 24 {
            0x80 => (word, 1, 0, at + 4),
            0x81 | 0x82 => (word, 2, word >> 16 & 0xff, at + 4),
            // A personality of its own; those of C++ and of GCC's C keep the same bytes behind it.
            high if high & 0x80 == 0 => {
                let word = self.word(at.checked_add(4)?)?;
                (word, 1, word >> 24, at.checked_add(8)?)
            }
            _ => return None,
        };
        let mut bytes = first.to_be_bytes()[skip..].to_vec();
        for i in 0..more {
            bytes.extend(self.word(from.checked_add(4 * i)?)?.to_be_bytes());
        }
        Some(bytes)
    }

    /// Where the table of the file is that holds an address, and its length.
    fn table(&mut self, pc: u32) -> Option<(u32, u32)> {
        const EXIDX: u32 = 0x7000_0001;
        const MOST_SEGMENTS: u16 = 64;
        let start = self.file_of(pc)?;
        let header = self.bytes(start, 52)?;
        let half = |at: usize| u16::try_from(read_uint(&header[at..at + 2], self.data)).ok();
        let offset = u32::try_from(read_uint(&header[28..32], self.data)).ok()?;
        let (size, count) = (half(42)?.max(32), half(44)?.min(MOST_SEGMENTS));
        let segments = self.bytes(
            start.checked_add(offset)?,
            usize::from(size) * usize::from(count),
        )?;
        let (mut first, mut table) = (None, None);
        for segment in segments.chunks_exact(size.into()) {
            let word = |at: usize| u32::try_from(read_uint(&segment[at..at + 4], self.data)).ok();
            match word(0)? {
                1 if word(4)? == 0 => first = word(8),
                EXIDX => table = Some((word(8)?, word(20)?)),
                _ => {}
            }
        }
        let bias = start.wrapping_sub(first?);
        let (addr, len) = table?;
        Some((addr.wrapping_add(bias), len))
    }

    /// Where the file that holds an address begins in memory.
    fn file_of(&mut self, pc: u32) -> Option<u32> {
        const MOST_MAPPINGS: usize = 8;
        let at = self.mm.vmas.partition_point(|vma| vma.end <= pc.into());
        let from = (at + 1).saturating_sub(MOST_MAPPINGS);
        let near: Vec<Vma> = self.mm.vmas.slice(from, at + 1).iter().collect();
        for vma in near.iter().rev() {
            let start = u32::try_from(vma.start).ok()?;
            if self.bytes(start, 5).as_deref() == Some(b"\x7fELF\x01") {
                return Some(start);
            }
        }
        None
    }

    /// Undoes what a function did to the registers (EHABI 10.3). `None` if it cannot be undone.
    fn execute(&mut self, state: &State, bytes: &[u8]) -> Option<State> {
        let mut next = *state;
        let mut sp = state.r[13];
        let mut returned = false;
        let mut bytes = bytes.iter().copied();
        while let Some(op) = bytes.next() {
            let mut popped = 0u32;
            match op {
                0x00..=0x3f => sp = sp.checked_add((u32::from(op) << 2) + 4)?,
                0x40..=0x7f => sp = sp.checked_sub((u32::from(op & 0x3f) << 2) + 4)?,
                0x80..=0x8f => {
                    let mask = u32::from(op & 15) << 8 | u32::from(bytes.next()?);
                    if mask == 0 {
                        return None;
                    }
                    popped = mask << 4;
                }
                0x9d | 0x9f => return None,
                0x90..=0x9f => sp = next.r[usize::from(op & 15)],
                0xa0..=0xaf => {
                    let count = u32::from(op & 7) + 1;
                    popped = ((1 << count) - 1) << 4 | u32::from(op & 8) << 11;
                }
                0xb0 => break,
                0xb1 => popped = u32::from(bytes.next()? & 15),
                0xb2 => {
                    let (mut by, mut shift) = (0u32, 0);
                    loop {
                        let byte = bytes.next()?;
                        by |= u32::from(byte & 0x7f).checked_shl(shift)?;
                        shift += 7;
                        if byte < 0x80 {
                            break;
                        }
                    }
                    sp = sp.checked_add(by.checked_mul(4)?.checked_add(0x204)?)?;
                }
                // Double registers, with the extra word of FSTMX.
                0xb3 => sp = sp.checked_add(doubles(bytes.next()?) + 4)?,
                // The authentication code of the return address.
                0xb4 => sp = sp.checked_add(4)?,
                0xb8..=0xbf => sp = sp.checked_add(u32::from(op & 7) * 8 + 12)?,
                0xc6 | 0xc8 | 0xc9 => sp = sp.checked_add(doubles(bytes.next()?))?,
                0xc7 => sp = sp.checked_add(bytes.next()?.count_ones() * 4)?,
                0xc0..=0xc5 | 0xd0..=0xd7 => sp = sp.checked_add(u32::from(op & 7) * 8 + 8)?,
                _ => return None,
            }
            let keeps_sp = popped & 1 << 13 != 0;
            for n in (0..16).filter(|n| popped & 1 << n != 0) {
                let value = self.word(sp)?;
                sp = sp.checked_add(4)?;
                match n {
                    15 => {
                        next.go_to(value);
                        returned = true;
                    }
                    n => next.r[n] = value,
                }
            }
            if keeps_sp {
                sp = next.r[13];
            }
        }
        next.r[13] = sp;
        if !returned {
            next.go_to(next.r[14]);
        }
        Some(next)
    }

    /// Words on the stack that point behind calls.
    fn guesses(&mut self, state: &State, most: usize) -> Vec<Frame> {
        let sp = state.r[13] & !3;
        let end = self.mm.vma_at(sp.into()).map_or(0, |vma| vma.end);
        let len = usize::try_from(end.saturating_sub(sp.into())).unwrap_or(0);
        let Some(stack) = self.bytes(sp, len.min(SCANNED)) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for (at, word) in (0u32..).zip(stack.chunks_exact(4)) {
            let value = u32::try_from(read_uint(word, self.data)).unwrap_or(0);
            if found.len() >= most.min(GUESSES) {
                break;
            }
            // What the link register holds is often on the stack, too.
            let seen = value & !1 == state.r[15];
            if !seen && self.is_code(value) && self.follows_call(value) {
                found.push(Frame {
                    pc: value & !1,
                    sp: sp + 4 * at,
                    how: How::Stack,
                });
            }
        }
        found
    }

    /// Whether the instruction before an address calls.
    fn follows_call(&mut self, addr: u32) -> bool {
        let (thumb, addr) = (addr & 1 != 0, addr & !1);
        let Some(code) = addr.checked_sub(4).and_then(|at| self.bytes(at, 4)) else {
            return false;
        };
        let calls = |flow| matches!(flow, Flow::Call(..) | Flow::CallRegister(_));
        if !thumb {
            let word = u32::try_from(read_uint(&code, self.code)).unwrap_or(0);
            return addr & 2 == 0 && calls(classify_arm(word, addr - 4).flow);
        }
        let half = |at: usize| {
            let bytes = code.get(at..at + 2).unwrap_or_default();
            u16::try_from(read_uint(bytes, self.code)).unwrap_or(0)
        };
        let wide = classify_thumb(half(0), half(2), addr - 4);
        let narrow = classify_thumb(half(2), 0, addr - 2);
        wide.len == 4 && calls(wide.flow) || narrow.len == 2 && calls(narrow.flow)
    }
}

/// Bytes of double registers, by the first of them and how many more.
fn doubles(which: u8) -> u32 {
    (u32::from(which & 15) + 1) * 8
}

#[cfg(test)]
mod tests {
    use super::*;
    use ckpt_parser::decoder::{Decoder, Options};
    use ckpt_parser::model::PageRun;
    use ckpt_parser::source::SliceSource;

    const CODE: u32 = 0x1_0000;
    const STACK: u32 = 0x8_0000;

    /// A process of one page of code, with its ELF header and tables, and a page of stack.
    struct Machine {
        image: Image,
        mm: Mm,
        file: Vec<u8>,
    }

    impl Machine {
        fn new() -> Machine {
            let options = Options::default();
            let source = SliceSource(ckpt_samples::EMBEDDED);
            let mut decoder = Decoder::new(source, options).unwrap();
            let image = Image::read(&mut decoder, |_| true).unwrap();
            let mut mm = Mm::default();
            for (n, (start, flags)) in (0u32..).zip([(CODE, 5), (STACK, 3)]) {
                mm.vmas.push(Vma {
                    start: start.into(),
                    end: u64::from(start) + 4096,
                    flags,
                    first_run: n,
                    num_runs: 1,
                    stored: 4096,
                    ..Vma::default()
                });
                mm.pages.push(PageRun {
                    addr: start.into(),
                    offset: u64::from(n) * 4096,
                    len: 4096,
                });
            }
            let mut machine = Machine {
                image,
                mm,
                file: vec![0; 8192],
            };
            // ELF header: two program headers of 32 bytes at 52: PT_LOAD and PT_ARM_EXIDX.
            machine.put(CODE, &[0x464c_457f, 1]);
            machine.put(CODE + 28, &[52]);
            machine.put(CODE + 40, &[0x0020_0000, 2]);
            machine.put(CODE + 52, &[1, 0, CODE, CODE, 4096, 4096, 5, 4096]);
            machine.put(CODE + 84, &[0x7000_0001, 0x100, TABLE, TABLE, 32, 32, 4, 4]);
            // At 0x400, 0x500, 0x600 and 0x700 of the page: a function each.
            for (n, (function, what)) in (0u32..).zip([
                (0x400, 1),
                // pop {r4, lr}; finish
                (0x500, 0x80a8_b0b0),
                // The same behind a personality routine in .ARM.extab.
                (0x600, (CODE + 0x300).wrapping_sub(TABLE + 20) & 0x7fff_ffff),
                (0x700, 1),
            ]) {
                let at = TABLE + 8 * n;
                machine.put(
                    at,
                    &[(CODE + function).wrapping_sub(at) & 0x7fff_ffff, what],
                );
            }
            // sp += 8; pop {r11, lr}: a personality, no more words, three bytes.
            machine.put(CODE + 0x300, &[0x7fff_f000, 0x0001_8480]);
            for caller in [0x500, 0x600, 0x700] {
                // bl somewhere, at the eighth word of each.
                machine.put(CODE + caller + 28, &[0xeb00_0000]);
            }
            machine
        }
        fn put(&mut self, addr: u32, words: &[u32]) {
            let base = if addr < STACK { CODE } else { STACK - 4096 };
            for (i, word) in words.iter().enumerate() {
                let at = (addr - base) as usize + 4 * i;
                self.file[at..at + 4].copy_from_slice(&word.to_le_bytes());
            }
        }
        fn calls(&self, pc: u32, lr: u32) -> Vec<(u32, How)> {
            let mut regs = [0; 18];
            (regs[13], regs[14], regs[15]) = (STACK + 0x100, lr, pc);
            let mut memory = Memory::new(&self.image, SliceSource(&self.file));
            let mut sysroot = Sysroot::default();
            let frames = of(&ArmRegs(regs), None, &self.mm, &mut memory, &mut sysroot);
            frames.iter().map(|frame| (frame.pc, frame.how)).collect()
        }
    }

    const TABLE: u32 = CODE + 0x200;

    #[test]
    fn tables_lead_to_the_outermost_function() {
        let mut machine = Machine::new();
        machine.put(STACK + 0x100, &[4, CODE + 0x620]);
        // Eight bytes of its own, r11, and the return address.
        machine.put(STACK + 0x108, &[0, 0, 11, CODE + 0x720]);
        let found = machine.calls(CODE + 0x510, 0);
        let wanted = [
            (CODE + 0x510, How::Registers),
            (CODE + 0x620, How::Table),
            (CODE + 0x720, How::Table),
        ];
        assert_eq!(found, wanted);
    }

    #[test]
    fn code_without_a_table_goes_back_by_lr_and_then_by_its_table() {
        let mut machine = Machine::new();
        machine.put(STACK + 0x100, &[4, CODE + 0x720]);
        let found = machine.calls(CODE + 0x410, CODE + 0x520);
        let wanted = [
            (CODE + 0x410, How::Registers),
            (CODE + 0x520, How::Link),
            (CODE + 0x720, How::Table),
        ];
        assert_eq!(found, wanted);
    }

    #[test]
    fn what_a_signal_interrupted_goes_on() {
        let mut machine = Machine::new();
        // mov r7, #173; svc 0, and the context above siginfo.
        machine.put(CODE + 0x440, &[0xe3a0_70ad, 0xef00_0000]);
        let context = STACK + 0x100 + 128 + 32;
        machine.put(context + 13 * 4, &[STACK + 0x800, 0, CODE + 0x730, 0x10]);
        let found = machine.calls(CODE + 0x440, 0);
        assert_eq!(found[1], (CODE + 0x730, How::Signal));
    }

    #[test]
    fn a_broken_stack_gives_guesses_that_say_so() {
        let mut machine = Machine::new();
        machine.put(STACK + 0x100, &[4, 0xdead_beef]);
        machine.put(STACK + 0x180, &[CODE + 0x620, CODE + 0x624, 0x1234]);
        let found = machine.calls(CODE + 0x510, 0);
        let wanted = [(CODE + 0x510, How::Registers), (CODE + 0x620, How::Stack)];
        assert_eq!(found, wanted);
    }

    #[test]
    fn any_unwind_instructions_end() {
        let machine = Machine::new();
        let state = State {
            r: [STACK; 16],
            thumb: false,
        };
        let mut memory = Memory::new(&machine.image, SliceSource(&machine.file));
        let mut sysroot = Sysroot::default();
        let mut process = Process::new(None, &machine.mm, &mut memory, &mut sysroot);
        for op in 0..=u8::MAX {
            for rest in [[0; 6], [0xff; 6], [0x81, 1, op, 0, 0xb0, 0]] {
                let _ = process.execute(&state, &[&[op][..], &rest].concat());
            }
        }
    }
}
