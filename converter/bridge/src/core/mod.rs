//! ELF core files of 32-bit ARM (both byte orders), x86-32 and x86-64 processes.
//!
//! [`read`] turns headers and notes of a core into a [`Core`]; memory stays in the file as segments.
//! [`write()`] is the way back. Facts: `include/uapi/linux/elfcore.h`, `fs/binfmt_elf.c`, gdb's `corelow.c`.

mod notes;
mod read;
mod whole_pages;
mod write;

pub use notes::{Status, Times, note_type};
pub use read::{intact, is_core, read};
pub(crate) use whole_pages::{WholePages, whole_pages};
pub use write::{Content, Mapping, Plain, Sink, Sparse, write};

use crate::bytes::Order;

/// The processors whose cores are understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Machine {
    /// 32-bit ARM.
    Arm,
    /// 32-bit x86.
    X86,
    /// 64-bit x86.
    X86_64,
}

impl Machine {
    /// Size of a word (`unsigned long`) in bytes.
    pub fn word(self) -> usize {
        if self == Self::X86_64 { 8 } else { 4 }
    }

    /// Words in the general register set (`elf_gregset_t`).
    pub fn num_regs(self) -> usize {
        match self {
            Self::Arm => 18,
            Self::X86 => 17,
            Self::X86_64 => 27,
        }
    }

    /// `e_machine`.
    pub fn elf(self) -> u16 {
        match self {
            Self::Arm => 40,
            Self::X86 => 3,
            Self::X86_64 => 62,
        }
    }
}

/// A core file: everything but the contents of memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Core {
    /// Processor.
    pub machine: Machine,
    /// Byte order.
    pub order: Order,
    /// `e_flags` of the core; the kernel writes 0 on ARM, some debuggers the flags of the program.
    pub e_flags: u32,
    /// The process, if the core says (`NT_PRPSINFO`).
    pub process: Option<Process>,
    /// Threads in file order; the first is the one that died or was looked at.
    pub threads: Vec<Thread>,
    /// Auxiliary vector without the closing pair.
    pub auxv: Vec<(u64, u64)>,
    /// File mappings (`NT_FILE`).
    pub files: Vec<MappedFile>,
    /// Unit of the offsets in `NT_FILE`, in bytes: the page size in kernel cores, 1 in gdb's.
    pub file_unit: u64,
    /// Memory, in file order.
    pub segments: Vec<Segment>,
    /// Notes of the process that have no place above.
    pub other: Vec<Note>,
}

/// `NT_PRPSINFO`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Process {
    /// Index of the state letter, as in "RSDTZW".
    pub state: u8,
    /// State letter.
    pub state_char: u8,
    /// 1 for a zombie.
    pub zombie: u8,
    /// Nice value.
    pub nice: i8,
    /// Kernel flags (`PF_`).
    pub flags: u64,
    /// User; 16 bits on 32-bit machines.
    pub uid: u32,
    /// Group; 16 bits on 32-bit machines.
    pub gid: u32,
    /// Process.
    pub pid: i32,
    /// Parent.
    pub ppid: i32,
    /// Process group.
    pub pgrp: i32,
    /// Session.
    pub sid: i32,
    /// Name of the program, at most 15 bytes and a NUL.
    pub name: Vec<u8>,
    /// Start of the command line, at most 79 bytes and a NUL, arguments separated by spaces.
    pub args: Vec<u8>,
}

/// One thread.
#[derive(Debug, Clone, PartialEq)]
pub struct Thread {
    /// `NT_PRSTATUS`.
    pub status: Status,
    /// `NT_SIGINFO`: the signal that made the core, 128 bytes.
    pub siginfo: Option<Vec<u8>>,
    /// `NT_FPREGSET`: on ARM the registers of the FPA emulator (116 bytes), on x86-64 the FXSAVE area (512), on x86-32
    /// the FSAVE area (108).
    pub fpregs: Option<Vec<u8>>,
    /// `NT_ARM_VFP`: d0 to d31, FPSCR (260 bytes).
    pub vfp: Option<Vec<u8>>,
    /// `NT_ARM_TLS`: the thread pointer.
    pub tls: Option<u32>,
    /// `NT_ARM_SYSTEM_CALL`: number of the system call the thread is in, all ones for none.
    pub syscall: Option<u32>,
    /// `NT_PRXFPREG`: FXSAVE area of an x86-32 thread.
    pub xfpregs: Option<Vec<u8>>,
    /// `NT_X86_XSTATE`: XSAVE area.
    pub xstate: Option<Vec<u8>>,
    /// `NT_386_TLS`: descriptors of thread-local segments of an x86-32 thread, as `user_desc`.
    pub x86_tls: Option<Vec<u8>>,
    /// Other notes between this thread's status and the next.
    pub other: Vec<Note>,
}

/// A file mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappedFile {
    /// First address.
    pub start: u64,
    /// Address behind the last.
    pub end: u64,
    /// Offset in the file, in bytes.
    pub offset: u64,
    /// Path as the kernel prints it.
    pub path: Vec<u8>,
}

/// A `PT_LOAD` segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// First address.
    pub addr: u64,
    /// Length in memory, in bytes.
    pub mem_size: u64,
    /// Where the contents start in the core file.
    pub offset: u64,
    /// Bytes that the file holds; the rest of the segment was not dumped.
    pub file_size: u64,
    /// `PF_X` 1, `PF_W` 2, `PF_R` 4.
    pub flags: u32,
}

/// A note as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Owner, without the NUL.
    pub owner: Vec<u8>,
    /// Type; its meaning depends on the owner.
    pub kind: u32,
    /// Contents.
    pub data: Vec<u8>,
}

#[cfg(test)]
mod tests;
