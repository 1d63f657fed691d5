//! Evidence of a whole image: threads, registers, memory, code.

use std::collections::{BTreeMap, BTreeSet};

use ckpt_format::Arch;
use ckpt_format::Order;
use ckpt_parser::memory::{Backing, Span, spans};
use ckpt_parser::model::{FpRegs, Image, Mm, ObjRef, RecordAt, Sighand, Task, Vma, VmaKind};

use super::Options;
use super::elf_image::{facts_of, flags_of, function_names, moved_pairs, region_of};
use super::files::{Files, Finder, SysrootFile, path_of};
use super::formats::{self, may_print_floats};
use super::linkage::{self, Linked};
use super::readable::Faults;
use super::space::{
    Piece, PieceMemory, Plan, coprocessor_one, instructions, places, pointers, run,
};
use crate::arm::{Flow, classify_arm, classify_thumb};
use crate::elf::{self, Attributes, ReadAt};
use crate::evidence::{
    AbiSign, Evidence, HeaderFacts, MappingFacts, Origin, Place, SpaceFacts, ThreadFacts,
    ThreadPlaces, VfpFacts, place,
};
use crate::feature::{Feature, FeatureSet};
use crate::parallel;
use crate::scan::{CodeRegion, Entry, EntryKind, Memory, bytes_at, range_at};
use crate::target::Endian;
use crate::verdict::Cite;

/// Addresses from here on belong to the kernel: vectors and helpers.
const VECTORS: u32 = 0xffff_0000;
/// How far up from the stack pointer return addresses are looked for, in bytes.
const STACK_LEN: u32 = 64 << 10;
/// How far up a signal frame's return address is looked for, in bytes.
const FRAME_LEN: u32 = 2 << 10;
const AT_PLATFORM: u64 = 15;
const AT_HWCAP: u64 = 16;
const AT_HWCAP2: u64 = 26;
const AT_PAGESZ: u64 = 6;
const AT_BASE: u64 = 7;
const AT_ENTRY: u64 = 9;
const AT_RANDOM: u64 = 25;
const AT_SYSINFO_EHDR: u64 = 33;
const READ_IMPLIES_EXEC: u32 = 0x0040_0000;
const VM_READ: u64 = 1;
const VM_WRITE: u64 = 2;
const VM_SHARED: u64 = 8;

/// Gathers from an image and the bytes that it was read from.
pub fn from_image(
    image: &Image,
    source: &(dyn ReadAt + Sync),
    origin: Origin,
    options: &Options,
) -> Evidence {
    let mut evidence = Evidence {
        endian: Some(byte_order(image)),
        page_size: u32::try_from(image.page_size()).ok(),
        sysroot: options.sysroot.is_some(),
        ..Evidence::default()
    };
    if image.arch() != Arch::Arm {
        evidence.other_arch = Some(image.arch().name().to_owned());
        evidence.origin = origin;
        return evidence;
    }
    if let Origin::LinuxCr { .. } = origin {
        evidence.header = Some(header_facts(image));
    }
    evidence.origin = origin;
    let mut spaces: BTreeMap<ObjRef, Vec<&Task>> = BTreeMap::new();
    for task in &image.tasks {
        if let Some(live) = &task.live {
            spaces.entry(live.mm).or_default().push(task);
        }
    }
    let spaces = Vec::from_iter(spaces);
    let threads = options.jobs;
    let options = &options.shared_by(spaces.len());
    let parts = parallel::map(&spaces, threads, |(number, tasks)| {
        let empty = Mm::default();
        let mut part = Evidence {
            page_size: None,
            ..evidence.clone()
        };
        Gatherer {
            image,
            source,
            options,
            mm: image.mms.get(number).unwrap_or(&empty),
            evidence: &mut part,
            faults: Faults::default(),
        }
        .space(tasks);
        part
    });
    for part in parts {
        evidence.add_spaces(part);
    }
    evidence
}

fn place_of(record: impl Into<Option<RecordAt>>) -> Place {
    record.into().map(|record| (record.index, record.offset))
}

/// A field of a record, as the place of a fact.
fn at(record: RecordAt, field: &'static str) -> Cite {
    place(Cite::default().field(field), place_of(record))
}

fn byte_order(image: &Image) -> Endian {
    if image.detection.dialect.abi.order == Order::Little {
        return Endian::Little;
    }
    let abi = image
        .tasks
        .iter()
        .find_map(|task| task.live.as_ref()?.abi?.endian);
    big_endian(abi, image.header.arm.map(|arm| arm.cpu_architecture))
}

/// Which of the big-endian orders: what the ABI record says, or else the `cpu_architecture` of the source.
fn big_endian(abi: Option<u8>, cpu_architecture: Option<u32>) -> Endian {
    // Big-endian kernels for v6 and later are BE8 (CONFIG_CPU_ENDIAN_BE8 has no prompt).
    const V6: u32 = 8;
    match abi {
        Some(2) => Endian::Be32,
        Some(1) => Endian::Be8,
        _ if cpu_architecture >= Some(V6) => Endian::Be8,
        _ => Endian::Be32,
    }
}

fn header_facts(image: &Image) -> HeaderFacts {
    let header = &image.header;
    HeaderFacts {
        cpu_architecture: header
            .arm
            .map(|arm| arm.cpu_architecture)
            .filter(|number| *number != 0),
        mmu: header.arm.map(|arm| arm.mmu),
        aeabi: header.arm.map(|arm| arm.aeabi),
        oabi_compat: header.arm.map(|arm| arm.oabi_compat),
        constants: header
            .constants
            .iter()
            .map(|(name, value)| (name.clone(), u32::from(*value)))
            .collect(),
        release: String::from_utf8_lossy(&header.release).into_owned(),
        rev: header.rev,
        place: place_of(header.record),
        arch_place: place_of(header.arch_record),
    }
}

struct Gatherer<'a> {
    image: &'a Image,
    source: &'a (dyn ReadAt + Sync),
    options: &'a Options,
    mm: &'a Mm,
    evidence: &'a mut Evidence,
    faults: Faults,
}

impl Gatherer<'_> {
    fn space(&mut self, tasks: &[&Task]) {
        let files = self.sysroot_files();
        let memory = memory_of(self.image, self.mm, self.source, &files);
        let mut space = SpaceFacts {
            label: label("process", tasks.first()),
            pid: tasks.first().map(|task| task.tgid),
            mappings: self.mappings(&files),
            ..SpaceFacts::default()
        };
        self.auxiliary(&mut space, tasks, &memory);
        self.loader_and_abi(&mut space, &memory, &files);
        let kernel_pages = self.kernel_pages(&memory);
        let threads: Vec<ThreadFacts> = tasks
            .iter()
            .filter_map(|task| thread_facts(task, &memory, &kernel_pages))
            .collect();
        for thread in &threads {
            let at = place(Cite::default().field("pc"), thread.places.cpu);
            let call = thread.call_before_pc.map(AbiSign::CallInstruction);
            space.abi_signs.extend(call.map(|call| (call, at)));
        }
        let linked = self.linked(&files, &memory);
        space.is_linked = linked.is_some();
        let exe = files.iter().find(|file| file.is_exe);
        let elf = exe.and_then(|exe| exe.elf.as_ref());
        space.loads = elf.is_some_and(|elf| elf.linkage.loads);
        let mut regions = self.regions(&threads, &files, &kernel_pages, space.advertised());
        let printers = if self.prints_floats(&space, &memory, &files, &kernel_pages) {
            Vec::new()
        } else {
            printers(&files)
        };
        leave_out(&printers, &mut regions);
        let handlers = handlers(&self.evidence.origin, &self.image.sighands, tasks);
        let mut plan = Plan {
            kernel_pages,
            ..self.plan(&threads, &memory, &files, linked, regions, handlers)
        };
        space.code = run(&memory, &mut plan, space.advertised(), self.options.jobs);
        if space.code.makes_formats && !printers.is_empty() {
            take_in(&printers, &mut plan.regions);
            space.code = run(&memory, &mut plan, space.advertised(), self.options.jobs);
        }
        space.unseen_code = unseen(&plan.regions, &memory);
        space.coprocessor_one = coprocessor_one(&space);
        space.instructions = instructions(&memory, &space.code);
        let places = places(&space.code);
        for file in files.iter() {
            let inside = places.iter().copied();
            let inside = inside.filter(|addr| file.offset_of(*addr).is_some());
            let bias = file.bias.unwrap_or(0);
            let names = function_names(&file.file, bias, inside);
            space.functions.extend(names);
        }
        self.evidence.threads.extend(threads);
        self.evidence.spaces.push(space);
        self.evidence.unreadable_files = self.faults.all();
    }

    /// The files that the sysroot has of this address space.
    fn sysroot_files(&mut self) -> Files {
        let Some(sysroot) = &self.options.sysroot else {
            return Files::default();
        };
        let none = Files::default();
        let stored = memory_of(self.image, self.mm, self.source, &none);
        Finder {
            image: self.image,
            mm: self.mm,
            sysroot,
            memory: &stored,
            missing: &mut self.evidence.missing_files,
            faults: &self.faults,
        }
        .find()
    }

    fn path(&self, file: ObjRef) -> Option<String> {
        path_of(self.image, file)
    }

    /// The path behind a mapping, as the image or the process names it.
    fn name_of(&self, vma: &Vma, files: &Files) -> Option<String> {
        self.path(vma.file)
            .or_else(|| Some(files.of(vma)?.name.clone()))
    }

    fn mappings(&self, files: &Files) -> Vec<MappingFacts> {
        let page = self.image.page_size();
        self.mm
            .vmas
            .iter()
            .map(|vma| MappingFacts {
                start: vma.start,
                end: vma.end,
                read: vma.flags & VM_READ != 0,
                write: vma.flags & VM_WRITE != 0,
                exec: vma.is_executable(),
                shared: vma.flags & VM_SHARED != 0,
                file_offset: if vma.file == 0 && vma.inode == 0 {
                    0
                } else {
                    vma.pgoff.saturating_mul(page)
                },
                name: self.name_of(&vma, files).unwrap_or_default(),
                place: place_of(vma.record),
            })
            .collect()
    }

    /// AT_HWCAP and its companions: the saved vector, or the ABI record of revision 18.
    fn auxiliary(&mut self, space: &mut SpaceFacts, tasks: &[&Task], memory: &dyn Memory) {
        let word = |key| {
            self.mm
                .auxv(key)
                .and_then(|value| u32::try_from(value).ok())
        };
        let abi = tasks.iter().find_map(|task| task.live.as_ref()?.abi);
        let hwcap = word(AT_HWCAP).or_else(|| abi?.hwcap);
        let hwcap2 = word(AT_HWCAP2).or_else(|| abi?.hwcap2);
        space.hwcap = hwcap.map(|hwcap| (hwcap, hwcap2.unwrap_or(0)));
        space.hwcap_at = match abi {
            Some(abi) if self.mm.auxv(AT_HWCAP).is_none() => at(abi.record, "hwcap"),
            _ => at(self.mm.record, "auxv"),
        };
        space.platform = word(AT_PLATFORM).and_then(|addr| text_at(memory, addr));
        if let Some(size) = word(AT_PAGESZ) {
            self.evidence.page_size = Some(size);
            space.page_size_at = at(self.mm.record, "auxv");
        } else if let Some((abi, size)) = abi.and_then(|abi| Some((abi, abi.page_size?))) {
            self.evidence.page_size = Some(size);
            space.page_size_at = at(abi.record, "page_size");
        }
        if let Some(abi) = abi {
            let e_flags = abi.e_flags.map(AbiSign::ElfFlags);
            let calling = (abi.calling != 0).then_some(AbiSign::Record(abi.calling));
            let signs = [(e_flags, "e_flags"), (calling, "calling")];
            space.abi_signs.extend(
                signs
                    .into_iter()
                    .filter_map(|(sign, field)| Some((sign?, at(abi.record, field)))),
            );
        }
    }

    /// The loader's name, and the ELF header of the executable: from its file, or its first page in the image.
    fn loader_and_abi(&self, space: &mut SpaceFacts, memory: &dyn Memory, files: &Files) {
        let is_loader = |name: &str| {
            let base = name.rsplit('/').next().unwrap_or(name);
            base.starts_with("ld-linux")
                || base.starts_with("ld-musl")
                || base.starts_with("ld-uClibc")
                || base.starts_with("ld-2.")
        };
        let mut names = self.mm.vmas.iter().filter_map(|vma| self.path(vma.file));
        space.interpreter = names.find(|name| is_loader(name));
        for file in files.iter() {
            let Some(elf) = &file.elf else { continue };
            space.files.push(facts_of(elf, &file.name, file.is_exe));
            if file.is_exe {
                space.abi_signs.push(flags_of(elf, &file.name));
                space.interpreter = space.interpreter.take().or_else(|| elf.interpreter.clone());
            }
        }
        let head = self.mm.vmas.iter().find(|vma| {
            vma.pgoff == 0
                && (vma.file == self.mm.exe && vma.file != 0
                    || vma.start <= self.mm.code.0 && self.mm.code.0 < vma.end)
        });
        if let Some(start) = head.and_then(|vma| u32::try_from(vma.start).ok())
            && let Ok((header, _)) = elf::read_headers(&At { memory, start })
        {
            let at = Cite {
                addr: Some(start),
                ..Cite::default()
            };
            space.abi_signs.push((AbiSign::ElfFlags(header.flags), at));
        }
    }

    /// Pages that the kernel filled: vdso, signal page; without the vectors page.
    fn kernel_pages(&self, memory: &dyn Memory) -> Vec<(u32, u32)> {
        let vdso = self.mm.auxv(AT_SYSINFO_EHDR);
        let is_kernels = |vma: &Vma| {
            let holds_vdso = vdso.is_some_and(|addr| (vma.start..vma.end).contains(&addr));
            let start = u32::try_from(vma.start).unwrap_or(u32::MAX);
            let code_page = vma.is_executable()
                && vma.flags & VM_WRITE == 0
                && vma.file == 0
                && vma.len() == 4096;
            vma.kind == VmaKind::Vdso || holds_vdso || code_page && has_sigreturn(memory, start)
        };
        let pages = self.mm.vmas.iter().filter(is_kernels);
        let mut pages: Vec<_> = pages
            .filter_map(|vma| Some((u32::try_from(vma.start).ok()?, u32::try_from(vma.end).ok()?)))
            .collect();
        pages.sort_unstable();
        pages
    }

    fn plan(
        &self,
        threads: &[ThreadFacts],
        memory: &dyn Memory,
        files: &Files,
        linked: Option<Linked>,
        regions: Vec<CodeRegion>,
        handlers: Option<Vec<u32>>,
    ) -> Plan {
        // Where nothing says what is called, all that has a name may be.
        let is_linked = linked.is_some();
        let kind = if is_linked {
            EntryKind::Symbol
        } else {
            EntryKind::Known
        };
        let linked = linked.unwrap_or_default();
        let mut plan = Plan {
            regions,
            entries: Vec::new(),
            slots: linked.slots,
            main: None,
            starts: self.starts(files),
            writable: self.writable(),
            resolvers: linkage::resolvers(files),
            kernel_pages: Vec::new(),
            handlers,
            demands: Self::demands(files, is_linked),
            from_start: false,
            is_cut: false,
        };
        for thread in threads {
            enter_thread(&mut plan, thread, memory);
        }
        for start in plan.starts.clone() {
            plan.enter(start, EntryKind::Symbol);
        }
        for file in files.iter() {
            let Some((elf, bias)) = file.elf.as_ref().zip(file.bias) else {
                continue;
            };
            for function in &elf.functions {
                plan.enter(function.wrapping_add(bias), kind);
            }
        }
        for function in linked.called {
            plan.enter(function, EntryKind::Known);
        }
        self.enter_pointers(&mut plan, threads, memory, files, &linked.all);
        plan
    }

    /// Memory that the process may write, from and to.
    fn writable(&self) -> Vec<(u32, u32)> {
        let vmas = self.mm.vmas.iter();
        let mut ranges: Vec<_> = vmas
            .filter(|vma| vma.flags & VM_WRITE != 0)
            .filter_map(|vma| Some((u32::try_from(vma.start).ok()?, u32::try_from(vma.end).ok()?)))
            .collect();
        ranges.sort_unstable();
        ranges
    }

    /// Words in memory that point into code.
    fn enter_pointers(
        &self,
        plan: &mut Plan,
        threads: &[ThreadFacts],
        memory: &dyn Memory,
        files: &Files,
        slots: &BTreeSet<u32>,
    ) {
        let ranges =
            self.mm.vmas.iter().filter_map(|vma| {
                Some((u32::try_from(vma.start).ok()?, u32::try_from(vma.end).ok()?))
            });
        let places = linkage::places(ranges.collect(), self.main_stack(threads), files);
        let (in_data, in_all_data) = pointers(memory, &places.data, &plan.regions, 0, slots);
        let exe = files.iter().find(|file| file.is_exe);
        let main = exe.and_then(|file| Some(file.elf.as_ref()?.main?.wrapping_add(file.bias?)));
        // `longjmp` may lead back behind any `setjmp` in functions that `main` called.
        let elfs = files.iter().filter_map(|file| file.elf.as_ref());
        let leaps = elfs.into_iter().any(|elf| elf.linkage.leaps);
        plan.main = main.filter(|main| !leaps && !in_data.contains(main));
        let (at_start, at_all_starts) = pointers(memory, &places.starts, &plan.regions, 0, slots);
        plan.is_cut = !(in_all_data && at_all_starts);
        for pointer in in_data.union(&at_start) {
            plan.enter(*pointer, EntryKind::Pointer);
        }
    }

    /// The stack that the process began on, and the stack pointer of the thread that is on it.
    fn main_stack(&self, threads: &[ThreadFacts]) -> Option<((u32, u32), u32)> {
        let inside = self.mm.auxv(AT_RANDOM).unwrap_or(self.mm.start_stack);
        let vma = self.mm.vma_at(inside)?;
        let (start, end) = (u32::try_from(vma.start).ok()?, u32::try_from(vma.end).ok()?);
        // A handler may run on a piece of this stack that lies above what it interrupted.
        let in_handler = threads
            .iter()
            .any(|thread| !thread.returns_to_kernel_page.is_empty());
        let pointers = threads.iter().filter_map(|thread| thread.regs.get(13));
        let inside = pointers.copied().filter(|sp| (start..end).contains(sp));
        let lowest = inside.min().filter(|_| !in_handler);
        Some(((start, end), lowest.unwrap_or(start)))
    }

    /// The entry of the program, and that of its loader.
    fn starts(&self, files: &Files) -> Vec<u32> {
        let base = self.aux(AT_BASE).filter(|base| *base != 0);
        let loader = files
            .iter()
            .find(|file| base.is_some() && file.bias == base);
        let entry = loader.and_then(|loader| Some(loader.elf.as_ref()?.header.entry));
        let loader = entry
            .zip(base)
            .map(|(entry, base)| entry.wrapping_add(base));
        self.aux(AT_ENTRY).into_iter().chain(loader).collect()
    }

    fn aux(&self, key: u64) -> Option<u32> {
        self.mm
            .auxv(key)
            .and_then(|value| u32::try_from(value).ok())
    }

    /// How code is bound together; `None` if that cannot be told.
    fn linked(&self, files: &Files, memory: &dyn Memory) -> Option<Linked> {
        if self.is_static(files) {
            return Some(Linked::default());
        }
        let complete = self.options.sysroot.is_some() && self.evidence.missing_files.is_empty();
        linkage::link(files, memory).filter(|_| complete)
    }

    /// May a C library have to do what it does on demand only? In a program without a loader the calls tell.
    fn demands(files: &Files, is_linked: bool) -> bool {
        let mut elfs = files.iter().filter_map(|file| file.elf.as_ref());
        !is_linked || elfs.any(|elf| elf.linkage.demands)
    }

    /// Does no loader take part? AT_BASE is its address, and 0 without one.
    fn is_static(&self, files: &Files) -> bool {
        let by_file = files
            .iter()
            .find(|file| file.is_exe)
            .and_then(|file| Some(file.elf.as_ref()?.is_static()));
        by_file.unwrap_or_else(|| self.mm.auxv(AT_BASE) == Some(0))
    }

    /// Stacks are executable in programs that do not declare otherwise, and under READ_IMPLIES_EXEC everything
    /// readable is: such memory counts as code only where a thread executes it.
    fn is_data(&self, vma: &Vma, threads: &[ThreadFacts]) -> bool {
        let holds = |addr: u32| (vma.start..vma.end).contains(&u64::from(addr));
        let executed = threads.iter().any(|thread| holds(thread.pc()));
        let stack = (vma.start..vma.end).contains(&self.mm.start_stack)
            || threads
                .iter()
                .any(|thread| thread.regs.get(13).is_some_and(|sp| holds(*sp)));
        let implied = threads.iter().any(|thread| {
            thread
                .personality
                .is_some_and(|word| word & READ_IMPLIES_EXEC != 0)
        });
        vma.flags & VM_WRITE != 0 && !executed && (stack || implied && vma.file == 0)
    }

    /// May the process use VFP where its C library prints floating-point numbers: was it told of the unit, and may it ask
    /// for such a number?
    fn prints_floats(
        &self,
        space: &SpaceFacts,
        memory: &dyn Memory,
        files: &Files,
        kernel_pages: &[(u32, u32)],
    ) -> bool {
        let told = space.hwcap.is_none() || space.advertised().has(Feature::Vfp);
        let elfs = || files.iter().filter_map(|file| file.elf.as_ref());
        if !told || elfs().all(|elf| elf.printers.is_empty()) {
            return false;
        }
        let asks = elfs().any(|elf| elf.linkage.prints || elf.linkage.looks_up);
        let mappings = self.mm.vmas.iter().filter_map(|vma| {
            let (start, end) = (u32::try_from(vma.start).ok()?, u32::try_from(vma.end).ok()?);
            let holds_texts = vma.flags & VM_READ != 0
                && start < end.min(VECTORS)
                && range_at(kernel_pages, start).is_none()
                && !self
                    .name_of(&vma, files)
                    .is_some_and(|name| is_locale(&name));
            holds_texts.then_some((start, end))
        });
        let places = formats::places(mappings.collect(), files);
        asks || !self.evidence.missing_files.is_empty() || may_print_floats(memory, &places)
    }

    fn regions(
        &self,
        threads: &[ThreadFacts],
        files: &Files,
        kernel_pages: &[(u32, u32)],
        advertised: FeatureSet,
    ) -> Vec<CodeRegion> {
        let mut regions = Vec::new();
        for vma in self.mm.vmas.iter().filter(Vma::is_executable) {
            let (Ok(start), Ok(end)) = (u32::try_from(vma.start), u32::try_from(vma.end)) else {
                continue;
            };
            // A mapping that ends before it begins holds nothing.
            if end <= start
                || self.is_data(&vma, threads)
                || start >= VECTORS
                || range_at(kernel_pages, start).is_some()
            {
                continue;
            }
            let name = self
                .name_of(&vma, files)
                .unwrap_or_else(|| format!("[anonymous {start:#x}]"));
            let known = files
                .of(&vma)
                .and_then(|file| file.elf.as_ref().zip(file.bias));
            regions.push(match known {
                Some((elf, bias)) => CodeRegion {
                    undeclared: elf
                        .attributes
                        .as_ref()
                        .map_or(FeatureSet::EMPTY, Attributes::undeclared)
                        .minus(advertised),
                    ..region_of(elf, &name, bias, start, end)
                },
                None => CodeRegion {
                    start,
                    end,
                    name,
                    ..CodeRegion::default()
                },
            });
        }
        regions.sort_by_key(|region| region.start);
        regions.dedup_by_key(|region| region.start);
        regions
    }
}

/// Data of locales and character sets: formats of dates and money, but none for `printf`.
fn is_locale(name: &str) -> bool {
    name.contains("/locale/") || name.contains("/gconv/")
}

/// The functions that print floating-point numbers, from and to.
fn printers(files: &Files) -> Vec<(u32, u32)> {
    let elfs = files
        .iter()
        .filter_map(|file| file.elf.as_ref().zip(file.bias));
    elfs.flat_map(|(elf, bias)| moved_pairs(&elf.printers, bias))
        .collect()
}

/// Takes functions for such that use no unit.
fn leave_out(functions: &[(u32, u32)], regions: &mut [CodeRegion]) {
    for region in regions {
        let code = region.start..region.end;
        let inside = functions.iter().filter(|(start, _)| code.contains(start));
        region.guarded.extend(inside);
    }
}

/// Takes them for what they are.
fn take_in(functions: &[(u32, u32)], regions: &mut [CodeRegion]) {
    for region in regions {
        region.guarded.retain(|range| !functions.contains(range));
    }
}

/// Handlers of signals; `None` if the image does not say. Cores hold none, whatever stands in for them once they are
/// read as a stream.
fn handlers(
    origin: &Origin,
    sighands: &BTreeMap<ObjRef, Sighand>,
    tasks: &[&Task],
) -> Option<Vec<u32>> {
    const SIG_IGN: u32 = 1;
    if *origin == Origin::Core {
        return None;
    }
    let mut handlers = BTreeSet::new();
    for live in tasks.iter().filter_map(|task| task.live.as_ref()) {
        let actions = &sighands.get(&live.sighand)?.actions;
        if actions.is_empty() {
            return None;
        }
        let addresses = actions.iter().map(|action| u32::try_from(action.handler));
        handlers.extend(addresses.flatten().filter(|handler| *handler > SIG_IGN));
    }
    Some(handlers.into_iter().collect())
}

fn thread_facts(
    task: &Task,
    memory: &dyn Memory,
    kernel_pages: &[(u32, u32)],
) -> Option<ThreadFacts> {
    let live = task.live.as_ref()?;
    let regs = task.arm()?;
    let mut numbers = [0; 16];
    for (to, from) in numbers.iter_mut().zip(regs.0) {
        *to = from;
    }
    let mut thread = ThreadFacts {
        label: label("thread", Some(&task)),
        places: ThreadPlaces {
            task: place_of(task.record),
            cpu: place_of(live.cpu_record),
            thread: place_of(live.thread.record),
            abi: place_of(live.abi.map(|abi| abi.record)),
            pending: place_of(live.pending.record),
            units: BTreeMap::new(),
        },
        regs: numbers,
        cpsr: regs.cpsr(),
        orig_r0: regs.orig_r0(),
        tp_value: live.thread.tp_value,
        thumbee_state: live.thread.thumbee_state,
        fp_recorded: !live.fpu.is_empty(),
        personality: live.abi.and_then(|abi| abi.personality),
        syscall: live.thread.syscall,
        restart_block: Some(live.restart.kind),
        deliverable: live.pending.mask & !live.blocked,
        state: task.state,
        ..ThreadFacts::default()
    };
    thread.call_before_pc = call_at(memory, &thread);
    thread.returns_to_kernel_page = kernel_returns(memory, &thread, kernel_pages);
    for file in &live.fpu {
        let unit = unit_of(&file.regs).zip(place_of(file.record));
        thread.places.units.extend(unit);
        match &file.regs {
            FpRegs::Vfp(vfp) => {
                thread.vfp = Some(VfpFacts {
                    d: vfp.d,
                    fpscr: vfp.fpscr,
                    exc: vfp.exc,
                });
            }
            FpRegs::Fpa(_) => thread.fpa_used |= file.is_used(),
            FpRegs::Iwmmxt(_) => thread.iwmmxt_used |= file.is_used(),
            FpRegs::Crunch(_) => thread.crunch_used |= file.is_used(),
            FpRegs::XscaleDsp([low, high]) => {
                thread.acc0 = Some(u64::from(*low) | u64::from(*high) << 32);
            }
            FpRegs::Other(..) => {}
        }
    }
    Some(thread)
}

fn label(kind: &str, task: Option<&&Task>) -> String {
    task.map_or_else(
        || kind.to_owned(),
        |task| {
            format!(
                "{kind} {} ({})",
                task.pid,
                String::from_utf8_lossy(&task.comm)
            )
        },
    )
}

/// The unit that a register file belongs to.
fn unit_of(regs: &FpRegs) -> Option<Feature> {
    match regs {
        FpRegs::Vfp(_) => Some(Feature::Vfp),
        FpRegs::Fpa(_) => Some(Feature::Fpa),
        FpRegs::Iwmmxt(_) => Some(Feature::Iwmmxt),
        FpRegs::Crunch(_) => Some(Feature::Crunch),
        FpRegs::XscaleDsp(_) => Some(Feature::XscaleDsp),
        FpRegs::Other(..) => None,
    }
}

/// All that is known of an address space: what the image stores, zeros, and files of the sysroot.
fn memory_of<'a>(
    image: &'a Image,
    mm: &'a Mm,
    source: &'a (dyn ReadAt + Sync),
    files: &'a Files,
) -> PieceMemory<'a> {
    let mut memory = PieceMemory::new(byte_order(image));
    for Span { addr, len, backing } in spans(image, mm, 0, 1 << 32) {
        let piece = |source: &'a (dyn ReadAt + Sync), offset, file_len| Piece {
            start: addr,
            len,
            source,
            offset,
            file_len,
        };
        match backing {
            Backing::Stored(offset) => memory.add(piece(source, offset, len)),
            // Code that cannot be written and is not stored was left out by whoever dumped it; it is not zero.
            Backing::Zero if is_left_out(mm, addr) => {
                if let Some((file, from)) = left_in_file(files, addr) {
                    memory.add(piece(&file.file, from, len));
                }
            }
            Backing::Zero => memory.add(piece(source, 0, 0)),
            Backing::File(number, offset) => {
                if let Some(file) = files.object(number) {
                    memory.add(piece(&file.file, offset, len));
                }
            }
            Backing::Special | Backing::Unmapped => {}
        }
    }
    memory
}

/// The bytes of a mapping that has no name are those of the file that lies there.
fn left_in_file(files: &Files, addr: u64) -> Option<(&SysrootFile, u64)> {
    let start = u32::try_from(addr).ok()?;
    let file = files.at(start)?;
    Some((file, file.offset_of(start)?))
}

fn is_left_out(mm: &Mm, addr: u64) -> bool {
    mm.vma_at(addr)
        .is_some_and(|vma| vma.is_executable() && vma.flags & VM_WRITE == 0)
}

/// An address space from an address on, as a file.
struct At<'a> {
    memory: &'a dyn Memory,
    start: u32,
}

impl ReadAt for At<'_> {
    fn read_at(&self, offset: u64, out: &mut [u8]) -> usize {
        u32::try_from(offset)
            .ok()
            .and_then(|offset| self.start.checked_add(offset))
            .map_or(0, |addr| self.memory.read(addr, out))
    }
}

/// A string of at most PATH_MAX bytes.
pub(super) fn text_at(memory: &dyn Memory, addr: u32) -> Option<String> {
    let mut bytes = vec![0; 4096];
    let len = memory.read(addr, &mut bytes);
    let text = bytes.get(..len)?.split(|byte| *byte == 0).next()?;
    std::str::from_utf8(text)
        .ok()
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

/// `mov r7, #__NR_sigreturn`, with which the stubs of the signal page begin.
const MOV_R7_SIGRETURN: u32 = 0xe3a0_7077;

fn has_sigreturn(memory: &dyn Memory, page: u32) -> bool {
    let mut bytes = vec![0; 4096];
    let len = memory.read(page, &mut bytes);
    let code = memory.endian().of_code();
    let words = bytes.get(..len).unwrap_or_default().chunks_exact(4);
    words
        .filter_map(|word| word.try_into().ok())
        .any(|word| code.word(word) == MOV_R7_SIGRETURN)
}

/// The system call that a thread is in: its instruction lies before pc, or at pc once it was wound back.
fn call_at(memory: &dyn Memory, thread: &ThreadFacts) -> Option<u32> {
    let (pc, width) = (thread.pc(), if thread.thumb() { 2 } else { 4 });
    let code = memory.endian().of_code();
    [pc.wrapping_sub(width), pc].into_iter().find_map(|addr| {
        let instruction = if thread.thumb() {
            classify_thumb(code.half(bytes_at(memory, addr)?), 0, addr)
        } else {
            classify_arm(code.word(bytes_at(memory, addr)?), addr)
        };
        match instruction.flow {
            // Thumb code that is read as ARM looks like a conditional one.
            Flow::Syscall(number) if !instruction.conditional => Some(number.unwrap_or(0)),
            _ => None,
        }
    })
}

/// Where pc and lr point into pages of the kernel, and the words of a possible signal frame into its return stubs
/// (pointers into the vdso lie on every stack: the auxiliary vector has one).
fn kernel_returns(memory: &dyn Memory, thread: &ThreadFacts, pages: &[(u32, u32)]) -> Vec<u32> {
    let page_of = |addr: u32| range_at(pages, addr & !1);
    let into_stubs =
        |addr: &u32| page_of(*addr).is_some_and(|(start, _)| has_sigreturn(memory, start));
    let sp = thread.regs.get(13).copied().unwrap_or(0);
    let stack = words(memory, sp, FRAME_LEN).into_iter().filter(into_stubs);
    let registers = [thread.pc(), thread.lr()]
        .into_iter()
        .filter(|addr| page_of(*addr).is_some());
    registers.chain(stack).collect()
}

/// Words from an address on, as many as there are.
fn words(memory: &dyn Memory, start: u32, len: u32) -> Vec<u32> {
    let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
    let got = memory.read(start & !3, &mut bytes);
    let words = bytes.get(..got).unwrap_or_default().chunks_exact(4);
    words
        .filter_map(|word| Some(memory.endian().word(word.try_into().ok()?)))
        .collect()
}

/// A thread goes on at its pc; if that is in a helper of the kernel, where it will return to.
fn enter_thread(plan: &mut Plan, thread: &ThreadFacts, memory: &dyn Memory) {
    let in_helper = thread.pc() >= VECTORS;
    let state = u32::from(thread.thumb());
    let pointer = if in_helper {
        thread.lr()
    } else {
        thread.pc() | state
    };
    let regs = (!in_helper).then_some(thread.regs);
    plan.entries.push(Entry {
        pointer,
        kind: EntryKind::Pc,
        regs,
    });
    plan.enter(thread.lr(), EntryKind::Return);
    let sp = thread.regs.get(13).copied().unwrap_or(0);
    for word in words(memory, sp, STACK_LEN) {
        let inside = plan
            .regions
            .iter()
            .any(|region| (region.start..region.end).contains(&word));
        if inside && (word & 1 == 1 || word.is_multiple_of(4)) {
            plan.enter(word, EntryKind::Return);
        }
    }
}

/// Names of regions with a page that could not be read.
fn unseen(regions: &[CodeRegion], memory: &dyn Memory) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for region in regions {
        let mut byte = [0];
        let missing = (region.start..region.end)
            .step_by(4096)
            .any(|page| memory.read(page, &mut byte) == 0);
        if missing && !names.contains(&region.name) {
            names.push(region.name.clone());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use ckpt_parser::model::{Live, SigAction};

    use super::*;

    #[test]
    fn big_endian_is_be8_from_v6_on() {
        for (abi, cpu_architecture, expected) in [
            (None, Some(7), Endian::Be32),
            (None, Some(8), Endian::Be8),
            (None, Some(9), Endian::Be8),
            (None, None, Endian::Be32),
            // The record knows better than the machine.
            (Some(1), Some(7), Endian::Be8),
            (Some(2), Some(8), Endian::Be32),
        ] {
            let found = big_endian(abi, cpu_architecture);
            assert_eq!(found, expected, "{abi:?}, {cpu_architecture:?}");
        }
    }

    #[test]
    fn handlers_are_known_only_where_the_image_holds_them() {
        let action = |handler| SigAction {
            handler,
            ..SigAction::default()
        };
        let actions = vec![action(0), action(1), action(0x1_0401)];
        let sighand = Sighand {
            actions,
            ..Sighand::default()
        };
        let sighands = BTreeMap::from([(7, sighand), (8, Sighand::default())]);
        let task = |sighand| Task {
            live: Some(Live {
                sighand,
                ..Live::default()
            }),
            ..Task::default()
        };
        let (held, empty, gone) = (task(7), task(8), task(9));
        let of = |origin: &Origin, tasks: &[&Task]| handlers(origin, &sighands, tasks);
        assert_eq!(of(&Origin::Criu, &[&held]), Some(vec![0x1_0401]));
        assert_eq!(of(&Origin::Core, &[&held]), None);
        assert_eq!(of(&Origin::Criu, &[&held, &gone]), None);
        assert_eq!(of(&Origin::Criu, &[&empty]), None);
    }

    #[test]
    fn thumb_code_before_arm_code_is_no_system_call() {
        use crate::scan::SliceMemory;
        const NOP: u32 = 0xe1a0_0000;
        let call = |words: [u32; 2], cpsr| {
            let bytes: Vec<u8> = words.into_iter().flat_map(u32::to_le_bytes).collect();
            let mut memory = SliceMemory::default();
            memory.add(0x8000, &bytes);
            let mut thread = ThreadFacts {
                cpsr,
                ..ThreadFacts::default()
            };
            thread.regs[15] = 0x8004;
            call_at(&memory, &thread)
        };
        assert_eq!(call([0xef00_0000, NOP], 0x10), Some(0));
        assert_eq!(call([0xef90_0004, NOP], 0x10), Some(0x90_0004));
        // b .+…; nop, as Thumb code: svclt in ARM state
        assert_eq!(call([0xbf00_e7be, NOP], 0x10), None);
        assert_eq!(call([0xdf00_bf00, NOP], 0x30), Some(0));
    }
}
