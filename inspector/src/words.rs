//! Facts about tasks and memory in words.

use crate::symbols::{self, Symbols};
use ckpt_format::schema::Enum;
use ckpt_format::{Arch, values};
use ckpt_parser::model::{ArmAbi, Image, Mm, ObjRef, Socket, Task, Vma, VmaKind};
use ckpt_parser::text::escape;

fn name_of(of: &'static Enum, number: u32, image: Option<&Image>) -> String {
    let dialect = image.map(|image| image.detection.dialect);
    let revision = dialect.map_or(ckpt_format::Revision::LAST, |d| d.revision);
    let arch = dialect.map_or(Arch::Arm, |d| d.abi.arch);
    of.name_of(number, revision, arch)
        .map_or_else(|| number.to_string(), |name| name.name.to_owned())
}

/// A signal by name.
pub fn signal(number: u32) -> String {
    name_of(&values::SIGNAL_NUMBER, number, None)
}

/// The signals of a mask.
pub fn signals(mask: u64) -> String {
    let names: Vec<String> = (1..=64)
        .filter(|n| mask >> (n - 1) & 1 == 1)
        .map(signal)
        .collect();
    names.join(" ")
}

/// What a task was doing.
pub fn state(task: &Task) -> String {
    if task.is_zombie() {
        return "zombie".to_owned();
    }
    match task.state {
        0 => "runnable".to_owned(),
        1 => "sleeping".to_owned(),
        2 => "uninterruptible".to_owned(),
        4 => "stopped".to_owned(),
        8 => "traced".to_owned(),
        other => format!("state {other:#x}"),
    }
}

/// How a process ended, from its wait status.
pub fn wait_status(status: u32) -> String {
    match status & 0x7f {
        0 => format!("exited with {}", (status >> 8) & 0xff),
        number => {
            let core = if status & 0x80 == 0 {
                ""
            } else {
                ", core dumped"
            };
            format!("killed by {}{core}", signal(number))
        }
    }
}

/// A resource limit by name.
pub fn rlimit(number: u32) -> String {
    let name = values::RLIMIT_NAMES.get(number as usize);
    name.map_or_else(|| number.to_string(), |name| (*name).to_lowercase())
}

/// A limit, or "unlimited".
pub fn unlimited(value: u64) -> String {
    if value >= u64::from(u32::MAX) {
        "unlimited".to_owned()
    } else {
        value.to_string()
    }
}

/// A size with a unit.
#[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{} KiB", bytes / 1024),
        1_048_576..1_073_741_824 => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
        _ => format!("{:.1} GiB", bytes as f64 / 1_073_741_824.0),
    }
}

/// A duration.
pub fn time_ns(ns: u64) -> String {
    format!("{}.{:09} s", ns / 1_000_000_000, ns % 1_000_000_000)
}

/// The ABI of a process.
pub fn abi(abi: &ArmAbi) -> String {
    let calling = name_of(&values::ARM_CALLING, u32::from(abi.calling), None);
    let mut text = calling;
    if let Some(hwcap) = abi.hwcap {
        let (names, _) = values::ARM_HWCAP.names(u64::from(hwcap), Arch::Arm);
        text.push_str(" hwcap ");
        text.push_str(&names.join(" "));
    }
    text
}

/// Where the kernel shows the exception vectors and its helpers.
const VECTORS: u64 = 0xffff_0000;

/// What stands behind a mapping: its file, or what the address space says of its place.
pub fn mapping(image: &Image, mm: &Mm, vma: &Vma) -> String {
    if let Some(path) = image.path_of(vma.file) {
        return escape(path);
    }
    let holds = |addr: u64| vma.start <= addr && addr < vma.end;
    match vma.kind {
        _ if vma.start == VECTORS => "[vectors]".to_owned(),
        VmaKind::Vdso => "[vdso]".to_owned(),
        VmaKind::ShmIpcSkip => format!("[shm {}]", vma.inode),
        VmaKind::ShmAnon | VmaKind::ShmAnonSkip => format!("[shared {}]", vma.inode),
        VmaKind::HugeTlb | VmaKind::HugeTlbSkip => "[huge]".to_owned(),
        _ if holds(mm.start_stack) => "[stack]".to_owned(),
        _ if vma.start < mm.brk.1 && vma.end > mm.brk.0 && mm.brk.1 > mm.brk.0 => {
            "[heap]".to_owned()
        }
        _ => "[anon]".to_owned(),
    }
}

/// Where an address is: the symbol and the mapping, or the mapping and the distance from its start.
pub fn address(image: &Image, mm: &Mm, symbols: Option<&Symbols>, addr: u64) -> Option<String> {
    let vma = mm.vma_at(addr)?;
    let name = mapping(image, mm, &vma);
    let short = name.rsplit('/').next().unwrap_or(&name);
    Some(match symbols::place(symbols, addr) {
        Some(symbol) => format!("{symbol} in {short}"),
        None => format!("{short}+{:#x}", addr - vma.start),
    })
}

/// Text that an address points to, in quotes: at least four printable characters.
pub fn text_at(bytes: &[u8]) -> Option<String> {
    let text = text_in(bytes)?;
    Some(crate::detail::quoted(text.as_bytes()))
}

/// The same without quotes.
pub fn text_in(bytes: &[u8]) -> Option<String> {
    let text = bytes.iter().take_while(|byte| (0x20..0x7f).contains(*byte));
    let text: String = text.map(|byte| char::from(*byte)).collect();
    (text.len() >= 4).then_some(text)
}

/// The tasks that use an address space.
pub fn users(image: &Image, mm: ObjRef) -> Vec<&Task> {
    let uses =
        |task: &&Task| task.live.as_ref().is_some_and(|live| live.mm == mm) && task.is_leader();
    image.tasks.iter().filter(uses).collect()
}

/// FPSCR bit by bit (ARM ARM B4.1.58).
pub fn fpscr(value: u32) -> String {
    let mut words: Vec<String> = Vec::new();
    for (bit, name) in [
        (31, "N"),
        (30, "Z"),
        (29, "C"),
        (28, "V"),
        (27, "QC"),
        (26, "AHP"),
        (25, "DN"),
        (24, "FZ"),
    ] {
        if value >> bit & 1 == 1 {
            words.push(name.to_owned());
        }
    }
    let rounding = ["nearest", "+inf", "-inf", "zero"];
    words.push(format!("round {}", rounding[(value >> 22 & 3) as usize]));
    let (len, stride) = (value >> 16 & 7, value >> 20 & 3);
    if len != 0 || stride != 0 {
        words.push(format!("vectors of {} stride {stride}", len + 1));
    }
    let named = |bits: [(u32, &str); 6]| {
        let names: Vec<&str> = bits
            .iter()
            .filter(|(bit, _)| value >> bit & 1 == 1)
            .map(|(_, name)| *name)
            .collect();
        names.join(" ")
    };
    let enabled = named([
        (8, "IOE"),
        (9, "DZE"),
        (10, "OFE"),
        (11, "UFE"),
        (12, "IXE"),
        (15, "IDE"),
    ]);
    let raised = named([
        (0, "IOC"),
        (1, "DZC"),
        (2, "OFC"),
        (3, "UFC"),
        (4, "IXC"),
        (7, "IDC"),
    ]);
    words.extend(
        [enabled, raised]
            .into_iter()
            .filter(|text| !text.is_empty()),
    );
    words.join(" ")
}

/// A socket: family, type, state, and its ends with an arrow between them.
pub fn socket(socket: &Socket, arrow: &str) -> String {
    let name = |of, number| enum_name(of, number).to_lowercase();
    let family = name(&values::ADDRESS_FAMILY, socket.family.into());
    let kind = name(&values::SOCK_TYPE, socket.kind.into());
    let state = name(&values::TCP_STATE, socket.state.into());
    let ends = match (socket.local.is_empty(), socket.remote.is_empty()) {
        (true, true) => String::new(),
        (_, true) => escape(socket.local.as_bytes()),
        _ => format!(
            "{} {arrow} {}",
            escape(socket.local.as_bytes()),
            escape(socket.remote.as_bytes())
        ),
    };
    format!("{family} {kind} {state} {ends}")
        .trim_end()
        .to_owned()
}

/// Bytes that wait somewhere: as text if most of them are text, or in hexadecimal digits.
pub fn contents(bytes: &[u8]) -> String {
    if is_text(bytes) {
        return format!("\"{}\"", escape(bytes));
    }
    let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
    format!("x:{}", digits.collect::<String>())
}

/// Whether most of some bytes are text.
pub fn is_text(bytes: &[u8]) -> bool {
    let readable = |byte: &&u8| matches!(byte, b' '..=b'~' | b'\n' | b'\t');
    let count = bytes.iter().filter(readable).count();
    count > 0 && count * 4 >= bytes.len() * 3
}

/// The name of a number, or the number.
pub fn enum_name(of: &'static Enum, number: u32) -> String {
    let name = of.name_of(number, ckpt_format::Revision::LAST, ckpt_format::Arch::Arm);
    name.map_or_else(|| number.to_string(), |name| name.name.to_owned())
}
