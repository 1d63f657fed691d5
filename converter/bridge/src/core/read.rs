//! From a core file to a [`Core`].

use object::{
    Endianness, elf,
    read::elf::{FileHeader, ProgramHeader, SectionHeader},
};

use super::{Core, Machine, Segment, notes};
use crate::{
    Error, Result,
    bytes::{Blob, Order},
};

/// Longest note segment that is read; 4000 threads need about 4 MiB.
const MAX_NOTES: u64 = 61 << 20;
/// Damaged places that are told one by one.
pub(super) const MOST_DAMAGE: usize = 1000;
/// Most program headers that are read.
const MAX_SEGMENTS: u64 = 1 << 20;

/// Whether `head`, the first bytes of a file, opens an ELF core.
pub fn is_core(head: &[u8]) -> bool {
    let kind = head.get(16..18);
    head.starts_with(b"\x7fELF") && (kind == Some(&[4, 0]) || kind == Some(&[0, 4]))
}

/// Reads headers and notes; contents of memory stay in the file. Damage is an error.
pub fn read(file: &Blob) -> Result<Core> {
    let (core, damage) = intact(file)?;
    damage.into_iter().next().map_or(Ok(core), Err)
}

/// Reads what is intact of headers and notes, and says what is not. An error is what leaves no process at all.
pub fn intact(file: &Blob) -> Result<(Core, Vec<Error>)> {
    let head = file.read(0, file.len().min(64), 64)?;
    match head.get(4).copied() {
        Some(1) => read_class::<elf::FileHeader32<Endianness>>(file, &head),
        Some(2) => read_class::<elf::FileHeader64<Endianness>>(file, &head),
        class => Err(Error::damaged(
            &file.name,
            4,
            "ELF class",
            format!("{class:?}"),
            "1 or 2",
        )),
    }
}

fn read_class<H: FileHeader<Endian = Endianness>>(
    file: &Blob,
    head: &[u8],
) -> Result<(Core, Vec<Error>)> {
    let bad = |offset, what: &str, found: String, expected: &str| {
        Error::damaged(&file.name, offset, what, found, expected)
    };
    let header = H::parse(head).map_err(|e| bad(0, "ELF header", e.to_string(), "a core file"))?;
    let endian = header
        .endian()
        .map_err(|e| bad(5, "byte order", e.to_string(), "1 or 2"))?;
    let kind = header.e_type(endian);
    if kind != elf::ET_CORE {
        return Err(bad(16, "ELF type", kind.to_string(), "4, a core"));
    }
    let machine = match (header.e_machine(endian), header.is_class_64()) {
        (elf::EM_ARM, false) => Machine::Arm,
        (elf::EM_386, false) => Machine::X86,
        (elf::EM_X86_64, true) => Machine::X86_64,
        (m, _) => {
            return Err(Error::Unsupported(format!(
                "{}: cores of {} are not understood",
                file.name,
                machine_name(m)
            )));
        }
    };
    let mut damage = Vec::new();
    let headers = program_headers::<H>(file, header, endian, &mut damage)?;
    let mut core = Core {
        machine,
        order: if endian == Endianness::Little {
            Order::Little
        } else {
            Order::Big
        },
        e_flags: header.e_flags(endian).0,
        process: None,
        threads: Vec::new(),
        auxv: Vec::new(),
        files: Vec::new(),
        file_unit: 1,
        segments: Vec::new(),
        other: Vec::new(),
    };
    for p in &headers {
        let (offset, file_size) = (p.p_offset(endian).into(), p.p_filesz(endian).into());
        match p.p_type(endian) {
            elf::PT_NOTE => {
                let here = file.part(offset, file_size);
                if here.len() < file_size {
                    damage.push(file.ends_early(offset, file_size));
                }
                let data = here.read_all(MAX_NOTES)?;
                let found = notes::split(&data, core.order, &file.name, offset, &mut damage);
                notes::collect(&mut core, found, &file.name, &mut damage);
            }
            elf::PT_LOAD => core.segments.push(Segment {
                addr: p.p_vaddr(endian).into(),
                mem_size: p.p_memsz(endian).into(),
                offset,
                file_size,
                flags: p.p_flags(endian).0,
            }),
            _ => {}
        }
    }
    check(file, &mut core, &mut damage);
    if core.threads.is_empty() {
        let none = Error::damaged(
            &file.name,
            0,
            "notes",
            "no thread",
            "at least one NT_PRSTATUS",
        );
        // What hides them says more.
        return Err(damage.into_iter().next().unwrap_or(none));
    }
    Ok((core, damage))
}

/// All program headers that are there; their number moves to section 0 when it does not fit 16 bits.
fn program_headers<H: FileHeader<Endian = Endianness>>(
    file: &Blob,
    header: &H,
    endian: Endianness,
    damage: &mut Vec<Error>,
) -> Result<Vec<H::ProgramHeader>> {
    let size = u64::from(header.e_phentsize(endian));
    let expected = size_of::<H::ProgramHeader>() as u64;
    if size != expected {
        return Err(Error::damaged(
            &file.name,
            42,
            "size of a program header",
            size,
            expected,
        ));
    }
    let mut count = u64::from(header.e_phnum(endian));
    if count == u64::from(elf::PN_XNUM) {
        let at = header.e_shoff(endian).into();
        let data = file.read(at, size_of::<H::SectionHeader>() as u64, 64)?;
        let section = object::from_bytes::<H::SectionHeader>(&data)
            .map_err(|()| {
                Error::damaged(
                    &file.name,
                    at,
                    "section 0",
                    "misaligned",
                    "a section header",
                )
            })?
            .0;
        count = section.sh_info(endian).into();
    }
    let at = header.e_phoff(endian).into();
    let held = file.part(at, count.saturating_mul(size));
    let cut = held.len() < count.saturating_mul(size);
    if cut {
        damage.push(file.ends_early(at, count.saturating_mul(size)));
        count = held.len() / size;
    }
    let data = held
        .part(0, count * size)
        .read_all(MAX_SEGMENTS.saturating_mul(size))?;
    let (headers, _) =
        object::slice_from_bytes::<H::ProgramHeader>(&data, usize::try_from(count).unwrap_or(0))
            .map_err(|()| {
                Error::damaged(
                    &file.name,
                    at,
                    "program headers",
                    count,
                    "what the file holds",
                )
            })?;
    // A table that claims to go on to the end of the file does not go into what its entries describe.
    let mut end = u64::MAX;
    let place = |i: usize| at.saturating_add(size.saturating_mul(i as u64));
    let own = headers.iter().enumerate().take_while(|(i, header)| {
        let is_own = place(*i) < end;
        if header.p_filesz(endian).into() > 0 {
            end = end.min(header.p_offset(endian).into().max(1));
        }
        is_own
    });
    let own = own.count();
    Ok(headers
        .get(..if cut { own } else { headers.len() })
        .unwrap_or_default()
        .to_vec())
}

/// Takes out segments that go beyond the address space, or hold more than they are long.
fn check(file: &Blob, core: &mut Core, damage: &mut Vec<Error>) {
    let space = match core.machine.word() {
        4 => 1 << 32,
        _ => u64::MAX,
    };
    let mut number = 0_usize;
    core.segments.retain(|s| {
        let end = s.addr.checked_add(s.mem_size).filter(|end| *end <= space);
        let ends = end.is_some() && s.offset.checked_add(s.file_size).is_some();
        let sound = ends && s.file_size <= s.mem_size;
        // One of a million says enough.
        if !sound && damage.len() < MOST_DAMAGE {
            damage.push(Error::damaged(
                &file.name,
                s.offset,
                format!("segment {number}"),
                format!("{s:x?}"),
                "a range that ends",
            ));
        }
        number += 1;
        sound
    });
}

/// A machine that there is no reader for, for messages.
fn machine_name(machine: elf::Machine) -> String {
    let name = match machine {
        elf::EM_AARCH64 => "AArch64",
        elf::EM_RISCV => "RISC-V",
        elf::EM_PPC | elf::EM_PPC64 => "PowerPC",
        elf::EM_S390 => "s390",
        elf::EM_MIPS => "MIPS",
        elf::EM_LOONGARCH => "LoongArch",
        _ => return format!("ELF machine {machine}"),
    };
    name.to_owned()
}
