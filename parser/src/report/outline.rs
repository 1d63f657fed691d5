//! The whole image as an indented outline, one line a record.

#![expect(
    clippy::cast_possible_truncation,
    reason = "fields are read as 64 bits and hold what their own type holds"
)]

use crate::decoder::{Decoder, Event};
use crate::frame::{HEADER_LEN, HEADER_SIZE};
use crate::grammar::Role;
use crate::source::Source;
use crate::text::escape;
use crate::view::{self, View, meaning, read_uint};
use ckpt_format::records as table;
use ckpt_format::schema::Meaning;
use ckpt_format::{FieldId, Tag};
use std::fmt::Write as _;
use std::io::{self, Write};

/// Writes the outline.
///
/// # Errors
/// Those of the source and of `out`.
pub fn write_outline<S: Source>(decoder: &mut Decoder<S>, out: &mut dyn Write) -> io::Result<()> {
    let mut line = String::new();
    while let Some(event) = decoder.next() {
        let event = event?;
        line.clear();
        push_line(&mut line, decoder, &event)?;
        line.push('\n');
        out.write_all(line.as_bytes())?;
    }
    out.flush()
}

fn push_line<S: Source>(
    line: &mut String,
    decoder: &mut Decoder<S>,
    event: &Event,
) -> io::Result<()> {
    let frame = event.frame;
    let _ = write!(line, "{:>#10x} {:>8}  ", frame.offset, frame.len);
    for _ in 0..event.place.depth.min(40) {
        line.push_str("  ");
    }
    line.push_str(event.name());
    if event.tag.is_none() && !frame.is_gap() {
        let _ = write!(line, " type {}", frame.number);
    }
    if !event.role().name().is_empty() && event.tag.is_some() {
        let _ = write!(line, " ({})", event.role().name());
    }
    let summary = summary(decoder, event)?;
    if !summary.is_empty() {
        line.push_str("  ");
        line.push_str(&summary);
    }
    Ok(())
}

/// Bytes of a text that a line shows.
const MAX_TEXT: usize = 256;

/// The key fields of a record in one line.
///
/// # Errors
/// Those of the source.
pub fn summary<S: Source>(decoder: &mut Decoder<S>, event: &Event) -> io::Result<String> {
    let dialect = decoder.tables().dialect;
    let word = dialect.abi.arch.word_size();
    Ok(match event.role() {
        Role::Pages { count } => {
            let head = decoder.head();
            let at = |i: usize| {
                let start = (HEADER_SIZE).saturating_add(i.saturating_mul(usize::from(word)));
                head.get(start..start.saturating_add(usize::from(word)))
                    .map(|bytes| read_uint(bytes, dialect.abi.order))
            };
            let first = at(0).unwrap_or(0);
            let last = at(usize::try_from(count.saturating_sub(1)).unwrap_or(usize::MAX));
            match last {
                Some(last) if count > 1 => format!("{count} pages {first:#x}..{last:#x}"),
                _ => format!(
                    "{count} page{} {first:#x}",
                    if count == 1 { "" } else { "s" }
                ),
            }
        }
        Role::Auxv
        | Role::Pids
        | Role::TaskPids
        | Role::Vpids
        | Role::EpollItems
        | Role::SemValues
        | Role::SemAdjust
        | Role::HugePage => {
            format!(
                "{} bytes",
                u64::from(event.frame.len).saturating_sub(HEADER_LEN)
            )
        }
        Role::Gap => "bytes of no record".to_owned(),
        _ if event.frame.raw > 0 => {
            format!("{}  + {} raw bytes", fields_of(decoder), event.frame.raw)
        }
        _ if is_text(event) => {
            let bytes = decoder.payload(HEADER_LEN, MAX_TEXT)?;
            let bytes = bytes.strip_prefix(&[0]).unwrap_or(bytes);
            format!("\"{}\"", escape(crate::view::until_nul(bytes)))
        }
        Role::SkbData | Role::MsgText | Role::TtyInput | Role::ForeignData => {
            preview(decoder.payload(HEADER_LEN, 64)?, event)
        }
        _ if event.tag == Some(Tag::PipeBuf) => preview(decoder.payload(HEADER_LEN, 64)?, event),
        _ => fields_of(decoder),
    })
}

fn is_text(event: &Event) -> bool {
    let text_role = matches!(
        event.role(),
        Role::Release | Role::Version | Role::Machine | Role::LsmName
    );
    text_role || matches!(event.tag, Some(Tag::String | Tag::FileName | Tag::LsmInfo))
}

fn preview(bytes: &[u8], event: &Event) -> String {
    let len = u64::from(event.frame.len).saturating_sub(HEADER_LEN);
    let dots = if len > bytes.len() as u64 { "…" } else { "" };
    format!("{len} bytes \"{}\"{dots}", escape(bytes))
}

/// Fields that a person looks for first, by record; records that are not here show all of theirs
/// up to a handful.
static KEY_FIELDS: &[(Tag, &[FieldId])] = &[
    (
        Tag::Header,
        &[
            table::HEADER.id("arch_id"),
            table::HEADER.id("rev"),
            table::HEADER.id("time"),
            table::HEADER.id("uflags"),
        ],
    ),
    (
        Tag::Task,
        &[
            table::TASK.id("state"),
            table::TASK.id("exit_state"),
            table::TASK.id("exit_signal"),
        ],
    ),
    (
        Tag::Cred,
        &[
            table::CRED.id("uid"),
            table::CRED.id("euid"),
            table::CRED.id("gid"),
            table::CRED.id("user_ref"),
        ],
    ),
    (
        Tag::Mm,
        &[
            table::MM.id("map_count"),
            table::MM.id("exe_objref"),
            table::MM.id("start_brk"),
            table::MM.id("brk"),
            table::MM.id("start_stack"),
        ],
    ),
    (
        Tag::Vma,
        &[
            table::VMA.id("vma_type"),
            table::VMA.id("vm_start"),
            table::VMA.id("vm_end"),
            table::VMA.id("vm_flags"),
            table::VMA.id("vma_objref"),
            table::VMA.id("ino_objref"),
        ],
    ),
    (
        Tag::File,
        &[
            table::FILE.id("f_type"),
            table::FILE.id("f_flags"),
            table::FILE.id("f_pos"),
            table::FILE.id("pipe_objref"),
            table::FILE.id("sock_objref"),
            table::FILE.id("tty_objref"),
            table::FILE.id("count"),
        ],
    ),
    (
        Tag::UtsNs,
        &[
            table::UTS_NS.id("nodename"),
            table::UTS_NS.id("release"),
            table::UTS_NS.id("machine"),
        ],
    ),
    (
        Tag::IpcNs,
        &[
            table::IPC_NS.id("shm_ctlmax"),
            table::IPC_NS.id("msg_ctlmax"),
        ],
    ),
    (
        Tag::IpcShm,
        &[
            table::IPC_SHM.id("perms.id"),
            table::IPC_SHM.id("perms.key"),
            table::IPC_SHM.id("shm_segsz"),
            table::IPC_SHM.id("objref"),
        ],
    ),
    (
        Tag::IpcMsg,
        &[
            table::IPC_MSG.id("perms.id"),
            table::IPC_MSG.id("perms.key"),
            table::IPC_MSG.id("q_qnum"),
            table::IPC_MSG.id("q_cbytes"),
        ],
    ),
    (
        Tag::IpcSem,
        &[
            table::IPC_SEM.id("perms.id"),
            table::IPC_SEM.id("perms.key"),
            table::IPC_SEM.id("sem_nsems"),
        ],
    ),
    (
        Tag::Socket,
        &[
            table::SOCKET.id("sock_common.family"),
            table::SOCKET.id("sock.type"),
            table::SOCKET.id("sock.state"),
            table::SOCKET.id("socket.state"),
        ],
    ),
    (
        Tag::SocketUnix,
        &[
            table::SOCKET_UNIX.id("this"),
            table::SOCKET_UNIX.id("peer"),
            table::SOCKET_UNIX.id("laddr.sun_path"),
        ],
    ),
    (
        Tag::SocketInet,
        &[
            table::SOCKET_INET.id("laddr.sin_addr"),
            table::SOCKET_INET.id("laddr.sin_port"),
            table::SOCKET_INET.id("raddr.sin_addr"),
            table::SOCKET_INET.id("raddr.sin_port"),
        ],
    ),
    (
        Tag::SocketBuffer,
        &[
            table::SOCKET_BUFFER.id("skb_len"),
            table::SOCKET_BUFFER.id("lin_len"),
            table::SOCKET_BUFFER.id("nr_frags"),
            table::SOCKET_BUFFER.id("pr_objref"),
        ],
    ),
    (
        Tag::Tty,
        &[
            table::TTY.id("driver_subtype"),
            table::TTY.id("index"),
            table::TTY.id("link_objref"),
        ],
    ),
    (
        Tag::TtyLdisc,
        &[
            table::TTY_LDISC.id("datalen"),
            table::TTY_LDISC.id("icanon"),
        ],
    ),
    (
        Tag::Signal,
        &[
            table::SIGNAL.id("tty_objref"),
            table::SIGNAL.id("it_real_value"),
        ],
    ),
    (Tag::Sighand, &[]),
    (
        Tag::CpuFpu,
        &[
            table::CPU_FPU.id("unit"),
            table::CPU_FPU.id("flags"),
            table::CPU_FPU.id("fpscr"),
        ],
    ),
    (
        Tag::Thread,
        &[
            table::THREAD.id("syscall"),
            table::THREAD.id("tp_value"),
            table::THREAD.id("thumbee_state"),
        ],
    ),
    (Tag::Tail, &[]),
];

/// Fields of a record without a list of its own.
const MAX_FIELDS: usize = 8;

fn fields_of<S: Source>(decoder: &Decoder<S>) -> String {
    let Some(view) = decoder.view() else {
        return String::new();
    };
    let Some(tag) = decoder
        .tables()
        .by_number(number_of(&view))
        .map(ckpt_format::layout::RecordLayout::tag)
    else {
        return String::new();
    };
    if tag == Tag::Cpu {
        return cpu(&view);
    }
    let mut out = String::new();
    if let Some((_, ids)) = KEY_FIELDS.iter().find(|(known, _)| *known == tag) {
        for slot in ids.iter().filter_map(|id| view.layout.slot(*id)) {
            push_field(&mut out, &view, slot);
        }
    } else {
        let plain = view
            .layout
            .slots
            .iter()
            .filter(|slot| !slot.is_padding() && !slot.name.contains("pad"));
        for slot in plain.take(MAX_FIELDS) {
            push_field(&mut out, &view, slot);
        }
    }
    out
}

fn number_of(view: &View) -> u32 {
    read_uint(
        view.bytes.get(..4).unwrap_or_default(),
        view.dialect.abi.order,
    ) as u32
}

fn cpu(view: &View) -> String {
    const UREGS: FieldId = table::CPU.id("uregs");
    if view.layout.slot(UREGS).is_none() {
        let named = ["ip", "sp", "ax", "psw_t_addr", "orig_gpr2", "orig_gpr3"];
        let mut out = String::new();
        for slot in named.iter().filter_map(|name| view.layout.named(name)) {
            push_field(&mut out, view, slot);
        }
        return out;
    }
    let regs: Vec<u64> = view.uints(UREGS).collect();
    let get = |i: usize| regs.get(i).copied().unwrap_or(0);
    format!(
        "pc={:#x} lr={:#x} sp={:#x} cpsr={:#x} r0={:#x}",
        get(15),
        get(14),
        get(13),
        get(16),
        get(0)
    )
}

fn push_field(out: &mut String, view: &View, slot: &ckpt_format::Slot) {
    let is_char = slot
        .field
        .is_some_and(|field| matches!(field.ty, ckpt_format::schema::Type::Char));
    let text = if is_char {
        let bytes = view.slot_bytes(slot).unwrap_or_default();
        format!("\"{}\"", escape(crate::view::until_nul(bytes)))
    } else {
        if slot.count != 1 || slot.inner.is_some() {
            return;
        }
        let Some(value) = view.element(slot, 0) else {
            return;
        };
        let plain = view::number(slot, value);
        match slot.field.map(|field| field.meaning) {
            Some(Meaning::Enum(_) | Meaning::Flags(_) | Meaning::Syscall) => {
                meaning(slot, value, view.dialect).unwrap_or(plain)
            }
            _ => plain,
        }
    };
    if !out.is_empty() {
        out.push(' ');
    }
    let _ = write!(out, "{}={text}", slot.name);
}
