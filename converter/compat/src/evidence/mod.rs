//! Everything that the rules look at, gathered once from an image; nothing here judges.

use std::collections::BTreeMap;

use crate::arm::Isa;
use crate::elf::Attributes;
use crate::feature::{Feature, FeatureSet};
use crate::scan::{Found, Hit};
use crate::target::{Endian, features_of_hwcap, features_of_isa_name};
use crate::verdict::Cite;

/// What kind of image the evidence is from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// A linux-cr stream of this revision (1 to 18).
    LinuxCr {
        /// 1 for R01 and so on.
        revision: u16,
    },
    /// A CRIU image directory.
    Criu,
    /// An ELF core file.
    Core,
    /// An executable or a library: a process of it has not begun.
    #[default]
    Elf,
}

/// All evidence of one image.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// Kind of image.
    pub origin: Origin,
    /// The image's header (linux-cr streams only).
    pub header: Option<HeaderFacts>,
    /// Byte order, if known.
    pub endian: Option<Endian>,
    /// It is an image of an ARM machine, 32-bit; the name of the other architecture if not.
    pub other_arch: Option<String>,
    /// Page size of the source, bytes.
    pub page_size: Option<u32>,
    /// Threads that are alive.
    pub threads: Vec<ThreadFacts>,
    /// Address spaces.
    pub spaces: Vec<SpaceFacts>,
    /// Names of files that the image needs and that could not be looked at.
    pub missing_files: Vec<String>,
    /// Files below the `--sysroot` that the system could not read, with its reason: to the rules they are missing, but
    /// what they would have shown is not known to be. Who needs a verdict asks [`Evidence::all_read`] first.
    pub unreadable_files: Vec<String>,
    /// Where the image was read from files by `--sysroot`.
    pub sysroot: bool,
}

/// What HEADER and HEADER_ARCH say, with the place of each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderFacts {
    /// `cpu_architecture()` of the source kernel.
    pub cpu_architecture: Option<u32>,
    /// The source kernel used a memory management unit.
    pub mmu: Option<bool>,
    /// CONFIG_AEABI of the source kernel.
    pub aeabi: Option<bool>,
    /// CONFIG_OABI_COMPAT of the source kernel.
    pub oabi_compat: Option<bool>,
    /// Constants block.
    pub constants: Vec<(String, u32)>,
    /// `uname -r`
    pub release: String,
    /// Number in the image header.
    pub rev: u16,
    /// Place of HEADER.
    pub place: Place,
    /// Place of HEADER_ARCH.
    pub arch_place: Place,
}

impl Evidence {
    /// Adds the address spaces of another part of the image, with their threads, and what was learnt on the way.
    pub(crate) fn add_spaces(&mut self, part: Self) {
        let first = self.spaces.len();
        self.page_size = part.page_size.or(self.page_size);
        self.threads.extend(part.threads.into_iter().map(|thread| {
            let space = first + thread.space;
            ThreadFacts { space, ..thread }
        }));
        self.spaces.extend(part.spaces);
        for name in part.missing_files {
            if !self.missing_files.contains(&name) {
                self.missing_files.push(name);
            }
        }
        self.unreadable_files.extend(part.unreadable_files);
    }

    /// Was every file read that is there below the sysroot?
    ///
    /// # Errors
    /// The first that was not, with the reason.
    pub fn all_read(&self) -> std::io::Result<()> {
        let fault = self.unreadable_files.first();
        fault.map_or(Ok(()), |fault| {
            Err(std::io::Error::other(format!("below --sysroot: {fault}")))
        })
    }

    /// A fact of the image as a whole, which its header says if it has one.
    pub fn cite(&self, what: impl Into<String>) -> Cite {
        let header = self.header.as_ref();
        place(Cite::new(what), header.and_then(|header| header.arch_place))
    }
}

/// A VFP register file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VfpFacts {
    /// d0 to d31.
    pub d: [u64; 32],
    /// FPSCR
    pub fpscr: u32,
    /// FPEXC, FPINST, FPINST2, where the image holds them.
    pub exc: Option<[u32; 3]>,
}

impl VfpFacts {
    /// Anything but the state of a fresh thread?
    pub fn in_use(&self) -> bool {
        self.fpscr != 0 || self.d.iter().any(|d| *d != 0)
    }

    /// Numbers of the registers from d16 on that are not zero.
    pub fn high_in_use(&self) -> Vec<usize> {
        self.d
            .iter()
            .enumerate()
            .skip(16)
            .filter(|(_, value)| **value != 0)
            .map(|(number, _)| number)
            .collect()
    }
}

/// One thread.
#[derive(Clone, Debug, Default)]
pub struct ThreadFacts {
    /// What reports call it: `thread 4000 (name)`.
    pub label: String,
    /// Its address space in [`Evidence::spaces`].
    pub space: usize,
    /// The records that hold its state.
    pub places: ThreadPlaces,
    /// r0 to r15.
    pub regs: [u32; 16],
    /// CPSR
    pub cpsr: u32,
    /// First argument of the system call that it is in.
    pub orig_r0: u32,
    /// Thread pointer, if the image holds it.
    pub tp_value: Option<u32>,
    /// ThumbEE handler base, if the image holds it.
    pub thumbee_state: Option<u32>,
    /// The image can hold floating-point state, and did for this thread.
    pub fp_recorded: bool,
    /// VFP state.
    pub vfp: Option<VfpFacts>,
    /// FPA state in use.
    pub fpa_used: bool,
    /// iwMMXt state in use.
    pub iwmmxt_used: bool,
    /// Crunch state in use.
    pub crunch_used: bool,
    /// XScale accumulator, if the image holds it.
    pub acc0: Option<u64>,
    /// Personality word, if known.
    pub personality: Option<u32>,
    /// System call number of the THREAD record.
    pub syscall: Option<u32>,
    /// The restart block's type, 1 for none.
    pub restart_block: Option<u64>,
    /// The instruction before pc is a system call: the number in it for OABI, 0 for EABI.
    pub call_before_pc: Option<u32>,
    /// r0 to r3 and stack words that point into code of the kernel's pages: vectors, sigpage, vdso.
    pub returns_to_kernel_page: Vec<u32>,
    /// Signals that are pending and not blocked, bit n - 1 for signal n.
    pub deliverable: u64,
    /// State of the TASK record, 0 for running.
    pub state: u32,
}

/// The records that hold the state of a thread.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ThreadPlaces {
    /// TASK.
    pub task: Place,
    /// General registers.
    pub cpu: Place,
    /// THREAD.
    pub thread: Place,
    /// The ABI record of revision 18.
    pub abi: Place,
    /// Pending signals.
    pub pending: Place,
    /// Register files beside the general one: VFP, FPA, iwMMXt, Crunch, the XScale accumulator.
    pub units: BTreeMap<Feature, (u64, u64)>,
}

impl ThreadPlaces {
    /// The record that a field stands in.
    fn of_field(&self, field: &str) -> Place {
        match field {
            "state" => self.task,
            "tp_value" | "thumbee_state" | "syscall" => self.thread,
            "personality" => self.abi,
            "pending" => self.pending,
            "acc0" => self.units.get(&Feature::XscaleDsp).copied(),
            _ => self.cpu,
        }
    }
}

impl ThreadFacts {
    /// pc
    pub fn pc(&self) -> u32 {
        self.regs.get(15).copied().unwrap_or(0)
    }

    /// lr
    pub fn lr(&self) -> u32 {
        self.regs.get(14).copied().unwrap_or(0)
    }

    /// CPSR.T
    pub fn thumb(&self) -> bool {
        self.cpsr & 1 << 5 != 0
    }

    /// CPSR.J
    pub fn jazelle(&self) -> bool {
        self.cpsr & 1 << 24 != 0
    }

    /// CPSR.E
    pub fn big_endian_data(&self) -> bool {
        self.cpsr & 1 << 9 != 0
    }

    /// If-Then bits of CPSR.
    pub fn it_state(&self) -> u32 {
        (self.cpsr >> 25 & 3) | (self.cpsr >> 10 & 0x3f) << 2
    }

    /// A fact that a field of this thread's records says.
    pub fn cite(&self, what: impl std::fmt::Display, field: &'static str) -> Cite {
        place(
            Cite::new(format!("{}: {what}", self.label)).field(field),
            self.places.of_field(field),
        )
    }

    /// A fact of this thread's registers of a unit.
    pub fn cite_fp(
        &self,
        what: impl std::fmt::Display,
        unit: Feature,
        field: &'static str,
    ) -> Cite {
        place(
            Cite::new(format!("{}: {what}", self.label)).field(field),
            self.places.units.get(&unit).copied(),
        )
    }
}

/// Number and offset of a record, if there is one.
pub type Place = Option<(u64, u64)>;

/// Adds the record that says it.
pub(crate) fn place(cite: Cite, place: Place) -> Cite {
    let (record, offset) = place.unzip();
    Cite {
        record,
        offset,
        ..cite
    }
}

/// One mapping of an address space.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MappingFacts {
    /// First address.
    pub start: u64,
    /// First address behind it.
    pub end: u64,
    /// Readable.
    pub read: bool,
    /// Writable.
    pub write: bool,
    /// Executable.
    pub exec: bool,
    /// Shared with other processes.
    pub shared: bool,
    /// Offset in its file, bytes.
    pub file_offset: u64,
    /// Path of its file or a name in brackets.
    pub name: String,
    /// The record that says so.
    pub place: Place,
}

/// Something that names the ABI of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AbiSign {
    /// `e_flags` of the executable.
    ElfFlags(u32),
    /// The instruction of the system call that a thread is in; 0 for `svc #0`.
    CallInstruction(u32),
    /// The ABI record: 1 OABI, 2 EABI soft, 3 EABI hard.
    Record(u8),
}

/// A file of a process: its executable or a library.
#[derive(Clone, Debug, Default)]
pub struct FileFacts {
    /// Path or name.
    pub name: String,
    /// `e_flags`
    pub e_flags: u32,
    /// Build attributes.
    pub attributes: Option<Attributes>,
    /// It is the executable rather than a library.
    pub is_executable: bool,
    /// Smallest alignment of a load segment, bytes.
    pub min_align: Option<u32>,
}

/// One address space.
#[derive(Clone, Debug, Default)]
pub struct SpaceFacts {
    /// What reports call it: `process 4000`.
    pub label: String,
    /// The process, if the image has one.
    pub pid: Option<i32>,
    /// Mappings, ascending.
    pub mappings: Vec<MappingFacts>,
    /// AT_HWCAP and AT_HWCAP2 (0 where the kernel gave none).
    pub hwcap: Option<(u32, u32)>,
    /// Where they stand.
    pub hwcap_at: Cite,
    /// Where the page size stands.
    pub page_size_at: Cite,
    /// AT_PLATFORM, like `v7l`.
    pub platform: Option<String>,
    /// Path of the dynamic loader.
    pub interpreter: Option<String>,
    /// Signs of the ABI, each with where it stands.
    pub abi_signs: Vec<(AbiSign, Cite)>,
    /// ELF files, as far as they were looked at.
    pub files: Vec<FileFacts>,
    /// Code scan.
    pub code: Found,
    /// Instructions that the scan's findings name first, by address.
    pub instructions: BTreeMap<u32, String>,
    /// Names of the functions that they and the next places lie in, as far as files tell.
    pub functions: BTreeMap<u32, String>,
    /// It is known how code is bound together: what neither code nor memory leads to is not called.
    pub is_linked: bool,
    /// How far a file that lies anywhere was moved for the scan: reports give addresses as they are in the file.
    pub moved_by: u32,
    /// The program calls `dlopen`.
    pub loads: bool,
    /// Names of executable mappings whose code could not be seen.
    pub unseen_code: Vec<String>,
    /// The code scan's findings in coprocessor 1 that FPA and iwMMXt share.
    pub coprocessor_one: Option<CoprocessorOne>,
}

/// Whose coprocessor 1 is in a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CoprocessorOne {
    /// FPA's.
    Fpa,
    /// iwMMXt's.
    Iwmmxt,
}

/// Which ABI a process uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProcessAbi {
    /// The old ABI.
    Oabi,
    /// EABI.
    Eabi,
}

impl ProcessAbi {
    /// Its name, as programs compare it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Oabi => "oabi",
            Self::Eabi => "eabi",
        }
    }
}

impl FileFacts {
    /// What this file says.
    pub fn cite(&self, what: impl std::fmt::Display) -> Cite {
        Cite {
            file: Some(self.name.clone()),
            ..Cite::new(format!("{}: {what}", self.name))
        }
    }
}

impl SpaceFacts {
    /// The mapping that holds an address.
    pub fn mapping_at(&self, addr: u64) -> Option<&MappingFacts> {
        let at = self.mappings.partition_point(|mapping| mapping.end <= addr);
        self.mappings
            .get(at)
            .filter(|mapping| mapping.start <= addr)
    }

    /// A fact of this address space.
    pub fn cite(&self, what: impl std::fmt::Display) -> Cite {
        Cite {
            pid: self.pid,
            ..Cite::new(format!("{}: {what}", self.label))
        }
    }

    /// A fact of this address space that stands at a place.
    pub fn cite_at(&self, what: impl std::fmt::Display, at: &Cite) -> Cite {
        Cite {
            what: format!("{}: {what}", self.label),
            pid: self.pid,
            ..at.clone()
        }
    }

    /// A fact of this address space with the first instruction that shows it.
    pub fn cite_code(&self, what: impl std::fmt::Display, hit: &Hit) -> Cite {
        let (addr, isa) = hit.first.first().copied().unzip();
        Cite {
            addr: addr.map(|addr| addr.wrapping_sub(self.moved_by)),
            isa,
            instruction: addr.and_then(|addr| self.instructions.get(&addr).cloned()),
            function: addr.and_then(|addr| self.functions.get(&addr).cloned()),
            ..self.cite(what)
        }
    }

    /// The first places of a hit, in words: `0x21460, 0x21470 in __memcpy_neon, 0x3f684900 in libc.so.6+0x3c900`.
    pub fn places(&self, hit: &Hit) -> String {
        let name = |at: usize| {
            let (addr, _) = hit.first.get(at)?;
            let function = self.functions.get(addr).cloned();
            function.or_else(|| self.place_in_library(*addr))
        };
        let place = |(at, (addr, _)): (usize, &(u32, Isa))| {
            let addr = addr.wrapping_sub(self.moved_by);
            match name(at) {
                Some(function) if name(at + 1).as_ref() != Some(&function) => {
                    format!("{addr:#x} in {function}")
                }
                _ => format!("{addr:#x}"),
            }
        };
        let places: Vec<String> = hit.first.iter().enumerate().map(place).collect();
        places.join(", ")
    }

    /// Where an address lies in a library: what `addr2line` and `objdump` of that file want.
    fn place_in_library(&self, addr: u32) -> Option<String> {
        let addr = u64::from(addr);
        let after = self
            .mappings
            .partition_point(|mapping| mapping.start <= addr);
        let mapping = self.mappings.get(after.checked_sub(1)?)?;
        let mapping = Some(mapping).filter(|mapping| addr < mapping.end)?;
        let (_, name) = mapping.name.rsplit_once('/')?;
        let offset = (addr - mapping.start).wrapping_add(mapping.file_offset);
        name.contains(".so").then(|| format!("{name}+{offset:#x}"))
    }

    /// Is every byte of code in view?
    pub fn code_is_complete(&self) -> bool {
        self.unseen_code.is_empty() && self.code.is_complete() && self.code.code_len > 0
    }

    /// Does all that can run lie on the ways that the scan followed? Then what it merely swept does not.
    pub fn is_closed(&self) -> bool {
        (self.code.sealed || self.is_linked && !self.code.open) && self.code_is_complete()
    }

    /// What AT_HWCAP advertised to the process.
    pub fn advertised(&self) -> FeatureSet {
        self.hwcap
            .map_or(FeatureSet::EMPTY, |(one, two)| features_of_hwcap(one, two))
    }

    /// Features seen in code, however weakly.
    pub fn seen(&self) -> FeatureSet {
        let code = &self.code;
        [
            &code.inevitable,
            &code.from_pc,
            &code.from_entries,
            &code.swept,
        ]
        .into_iter()
        .fold(FeatureSet::EMPTY, |set, hits| set.union(hits.set()))
    }

    /// The strongest hit of a feature and how strong it is.
    pub fn strongest(&self, feature: Feature) -> Option<(Strength, &Hit)> {
        let code = &self.code;
        [
            (Strength::Inevitable, &code.inevitable),
            (Strength::FromPc, &code.from_pc),
            (Strength::FromEntries, &code.from_entries),
            (Strength::Swept, &code.swept),
        ]
        .into_iter()
        .find_map(|(strength, hits)| Some((strength, hits.get(feature)?)))
    }

    /// How often a feature was seen, reached or not.
    pub fn count(&self, feature: Feature) -> u64 {
        let code = &self.code;
        [&code.from_pc, &code.from_entries, &code.swept]
            .into_iter()
            .filter_map(|hits| hits.get(feature))
            .map(|hit| hit.count)
            .sum()
    }

    /// The ABI of the process, with the sign that says so (table of ABI signs).
    pub fn abi(&self) -> Option<(ProcessAbi, Cite)> {
        let by_sign = |sign| match sign {
            AbiSign::Record(1) => Some((ProcessAbi::Oabi, "the ABI record says OABI".to_owned())),
            AbiSign::Record(2 | 3) => {
                Some((ProcessAbi::Eabi, "the ABI record says EABI".to_owned()))
            }
            AbiSign::ElfFlags(flags) if flags >> 24 >= 4 => Some((
                ProcessAbi::Eabi,
                format!("e_flags {flags:#010x}: EABI version {}", flags >> 24),
            )),
            AbiSign::CallInstruction(number) if number >= 0x90_0000 => {
                Some((ProcessAbi::Oabi, format!("stopped in swi {number:#x}")))
            }
            AbiSign::CallInstruction(0) => Some((ProcessAbi::Eabi, "stopped in svc #0".to_owned())),
            AbiSign::ElfFlags(flags) => Some((
                ProcessAbi::Oabi,
                format!("e_flags {flags:#010x}: no EABI version"),
            )),
            _ => None,
        };
        let mut signs = self.abi_signs.iter();
        signs
            .find_map(|(sign, at)| {
                let (abi, what) = by_sign(*sign)?;
                Some((abi, self.cite_at(what, at)))
            })
            .or_else(|| self.abi_by_loader())
    }

    fn abi_by_loader(&self) -> Option<(ProcessAbi, Cite)> {
        let path = self.interpreter.as_deref()?;
        let name = path.rsplit('/').next().unwrap_or(path);
        let abi = match name {
            "ld-linux.so.2" => ProcessAbi::Oabi,
            "ld-linux.so.3" | "ld-linux-armhf.so.3" => ProcessAbi::Eabi,
            _ if name.starts_with("ld-musl-arm") => ProcessAbi::Eabi,
            _ => return None,
        };
        Some((abi, self.cite_loader(path)))
    }

    fn cite_loader(&self, path: &str) -> Cite {
        let at = Cite {
            file: Some(path.to_owned()),
            ..Cite::default()
        };
        self.cite_at(format!("dynamic loader {path}"), &at)
    }

    /// What shows the hard-float calling convention.
    pub fn hard_float(&self) -> Option<Cite> {
        for (sign, at) in &self.abi_signs {
            match *sign {
                AbiSign::ElfFlags(flags) if flags >> 24 == 5 && flags & 0x400 != 0 => {
                    let what = format!("e_flags {flags:#010x}: EF_ARM_ABI_FLOAT_HARD");
                    return Some(self.cite_at(what, at));
                }
                AbiSign::Record(3) => {
                    return Some(self.cite_at("the ABI record says hard-float arguments", at));
                }
                _ => {}
            }
        }
        let by_file = self
            .files
            .iter()
            .find(|file| file.attributes.as_ref().is_some_and(Attributes::hard_float));
        let by_loader = self
            .interpreter
            .as_deref()
            .filter(|path| path.ends_with("ld-linux-armhf.so.3") || path.contains("ld-musl-armhf"));
        by_file
            .map(|file| Cite {
                pid: self.pid,
                ..file.cite("Tag_ABI_VFP_args is 1")
            })
            .or_else(|| by_loader.map(|path| self.cite_loader(path)))
    }

    /// What the machine that the process ran on can have had: no code of it can have used more.
    /// `None` if the image does not say.
    pub fn source_bound(&self, header: Option<&HeaderFacts>) -> Option<FeatureSet> {
        let isa = self
            .platform
            .as_deref()
            .and_then(isa_of_platform)
            .or_else(|| {
                header
                    .and_then(|header| header.cpu_architecture)
                    .and_then(isa_of_cpu_architecture)
            })?;
        let (hwcap, hwcap2) = self.hwcap?;
        let base = features_of_isa_name(isa)?;
        let advertised = features_of_hwcap(hwcap, hwcap2);
        let v7 = isa == "v7ve" || isa == "v8";
        // Every v7 has the thread register, and kernels from 2.6.36 on say so.
        let old_kernel = header.is_some_and(|header| before_2_6_36(&header.release))
            || v7 && !advertised.has(Feature::TlsRegister);
        let divide = FeatureSet::of(&[Feature::IdivA, Feature::IdivT]);
        let base = if old_kernel { base } else { base.minus(divide) };
        Some(
            base.union(advertised)
                .union(unsaid(isa, advertised, old_kernel)),
        )
    }
}

/// How surely code runs, strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// On every path from a program counter.
    Inevitable,
    /// Reached from a program counter.
    FromPc,
    /// Reached from another known entry.
    FromEntries,
    /// In code, not known to be reached.
    Swept,
}

fn isa_of_platform(platform: &str) -> Option<&'static str> {
    Some(match platform.trim_end_matches(['l', 'b']) {
        "v4" => "v4t",
        "v5" | "v5te" | "v5t" => "v5tej",
        "v6" => "v6k",
        "v7" => "v7ve",
        "v8" => "v8",
        _ => return None,
    })
}

/// The most that a machine of this number may have. 9 is said of v6 cores with page tables of v7, too (ARM1176, ARM11
/// MPCore); nothing else in a header tells them from v7, and a bound may be too high, never too low.
fn isa_of_cpu_architecture(number: u32) -> Option<&'static str> {
    Some(match number {
        1 | 2 => "v4",
        3 => "v4t",
        4 | 5 => "v5t",
        6 => "v5te",
        7 => "v5tej",
        8 => "v6k",
        9 => "v7ve",
        _ => return None,
    })
}

/// Features that no HWCAP bit tells, or that old kernels did not tell: the machine may have had them.
fn unsaid(isa: &str, advertised: FeatureSet, old_kernel: bool) -> FeatureSet {
    use crate::Feature::*;
    let v7 = isa == "v7ve" || isa == "v8";
    let mut set = FeatureSet::of(&[Swp, Bxj, Bx, FpaEmulated, Fpa])
        .with_if(isa == "v5tej", XscaleDsp)
        .with_if(v7, Pmu)
        .with_if(advertised.has(VfpV3), VfpHalf)
        .with_if(advertised.has(Neon), NeonHalf);
    if isa == "v8" {
        set = set.union(FeatureSet::of(&[
            Rdm,
            Fcma,
            Jscvt,
            VfpV8,
            NeonV8,
            Cp15Barrier,
            Setend,
        ]));
    }
    if old_kernel {
        set = set
            .with_if(advertised.has(VfpV3), VfpD32)
            .with_if(advertised.has(VfpV3), VfpV4)
            .with_if(advertised.has(Neon), NeonFma);
    }
    set
}

/// Does a release come before 2.6.36, when HWCAP told less?
fn before_2_6_36(release: &str) -> bool {
    let numbers: Vec<u32> = release
        .split(|c: char| !c.is_ascii_digit())
        .map_while(|part| part.parse().ok())
        .take(3)
        .collect();
    numbers.len() == 3 && numbers.as_slice() < [2, 6, 36].as_slice()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Feature::*;

    #[test]
    fn places_without_a_name_are_told_by_their_library() {
        let mapping = |start: u64, name: &str| MappingFacts {
            start,
            end: start + 0x1000,
            read: true,
            write: false,
            exec: true,
            shared: false,
            file_offset: 0x2000,
            name: name.to_owned(),
            place: None,
        };
        let mut space = SpaceFacts {
            mappings: vec![
                mapping(0x1000, "/bin/sh"),
                mapping(0x8000, "/lib/libc.so.6"),
            ],
            ..SpaceFacts::default()
        };
        let hit = |addr| Hit {
            count: 1,
            first: vec![(addr, Isa::Arm)],
        };
        assert_eq!(space.places(&hit(0x8010)), "0x8010 in libc.so.6+0x2010");
        assert_eq!(space.places(&hit(0x1010)), "0x1010");
        space.functions.insert(0x8010, "memcpy".to_owned());
        assert_eq!(space.places(&hit(0x8010)), "0x8010 in memcpy");
        // A file that lies anywhere is scanned somewhere; its own tools know other addresses.
        space.moved_by = 0x8000;
        assert_eq!(space.places(&hit(0x8010)), "0x10 in memcpy");
        assert_eq!(space.cite_code("", &hit(0x8010)).addr, Some(0x10));
    }

    #[test]
    fn signs_of_the_abi() {
        let mut space = SpaceFacts::default();
        assert_eq!(space.abi(), None);
        space.interpreter = Some("/lib/ld-linux.so.2".to_owned());
        assert_eq!(space.abi().map(|(abi, _)| abi), Some(ProcessAbi::Oabi));
        space
            .abi_signs
            .push((AbiSign::ElfFlags(0x0500_0400), Cite::default()));
        assert_eq!(space.abi().map(|(abi, _)| abi), Some(ProcessAbi::Eabi));
        assert!(space.hard_float().is_some());
    }

    #[test]
    fn places_of_one_function_name_it_once() {
        let hit = Hit {
            count: 9,
            first: [0x8000, 0x8004, 0x9000]
                .map(|addr| (addr, Isa::Arm))
                .to_vec(),
        };
        let mut space = SpaceFacts::default();
        assert_eq!(space.places(&hit), "0x8000, 0x8004, 0x9000");
        for addr in [0x8000, 0x8004] {
            space.functions.insert(addr, "memcpy".to_owned());
        }
        assert_eq!(space.places(&hit), "0x8000, 0x8004 in memcpy, 0x9000");
        space.functions.insert(0x9000, "memset".to_owned());
        assert_eq!(
            space.places(&hit),
            "0x8000, 0x8004 in memcpy, 0x9000 in memset"
        );
    }

    #[test]
    fn the_source_machine_bounds_what_code_uses() {
        let mut space = SpaceFacts {
            hwcap: Some((0x97, 0)),
            platform: Some("v5l".to_owned()),
            ..SpaceFacts::default()
        };
        let bound = space.source_bound(None).unwrap();
        assert!(bound.has(V5te) && !bound.has(Vfp) && !bound.has(V6));
        space.platform = None;
        assert_eq!(space.source_bound(None), None);
        assert!(
            before_2_6_36("2.6.33-ckpt") && !before_2_6_36("3.0.31") && !before_2_6_36("2.6.36")
        );
    }
}
