//! One struct record from one dialect to another: values by field name, enumerations by name, and
//! the few fields that changed their meaning.
//!
//! The same function goes both ways. What a conversion loses is found by converting its result
//! back and comparing: a field that does not come back is lost, and no list of fields has to be
//! kept in step with the tables.

use crate::loss::Code;
use ckpt_format::dialect::{R09, R10, R15};
use ckpt_format::layout::Layout;
use ckpt_format::records as table;
use ckpt_format::schema::Meaning;
use ckpt_format::{Arch, Dialect, FieldId, Order, Revision, Slot, Tables, Tag};
use ckpt_parser::detect;
use ckpt_parser::encode::put_element;
use ckpt_parser::view::{View, number, write_uint};
use std::collections::{HashMap, HashSet};

macro_rules! ids {
    ($($name:ident = $table:ident $path:literal;)*) => {
        $(pub(super) const $name: ckpt_format::FieldId = table::$table.id($path);)*
    };
}
pub(super) use ids;

ids! {
    REV = HEADER "rev";
    ARCH_ID = HEADER "arch_id";
    UFLAGS = HEADER "uflags";
    AUXV_BYTES = HEADER "constants.mm_saved_auxv_len";
    AUXV_WORDS = HEADER "constants.at_vector_size";
    NCC = HEADER "constants.tty_termios_ncc";
    NCCS = HEADER "constants.tty_termios_nccs";
    UMASK = FS "umask";
    TTY_PGRP = SIGNAL "tty_pgrp";
    TTY_OLD_PGRP = SIGNAL "tty_old_pgrp";
    C_CFLAG = TTY "termios.c_cflag";
    C_ISPEED = TTY "termios.c_ispeed";
    C_OSPEED = TTY "termios.c_ospeed";
    HAS_BUFFERS = SOCKET "has_buffers";
    SK_FLAGS = SOCKET "sock.flags";
    SK_STATE = SOCKET "sock.state";
    PEERCRED_UID = SOCKET_UNIX "peercred_uid";
    PEERCRED_GID = SOCKET_UNIX "peercred_gid";
    PEERCRED = SOCKET_UNIX "peercred";
    LIN_LEN = SOCKET_BUFFER "lin_len";
    SKB_LEN = SOCKET_BUFFER "skb_len";
    SIGINFO = SIGPENDING "siginfo";
    VMA_TYPE = VMA "vma_type";
    INO_OBJREF = VMA "ino_objref";
    VM_FLAGS = VMA "vm_flags";
    CRED_EUID = CRED "euid";
    CRED_EGID = CRED "egid";
    NETDEV_TYPE = NETDEV "type";
    VETH_THIS = NETDEV "veth.this_ref";
    VETH_PEER = NETDEV "veth.peer_ref";
}

/// No pid, until R14 and since R15 (§2.4).
pub(super) const PID_NULL_OLD: i32 = -1;
/// See [`PID_NULL_OLD`].
pub(super) const PID_NULL_NEW: i32 = -4096;
/// The pid of the root task, since R15.
const PID_ROOT: i32 = -4097;
/// TCP_LISTEN (include/net/tcp_states.h).
const LISTEN: u64 = 10;
/// SOCK_DEAD is bit 0 of sk_flags (include/net/sock.h).
const DEAD: u64 = 1;
/// VM_HUGETLB (§4.5).
const VM_HUGETLB: u64 = 0x40_0000;
/// What a task gets that has no mask of its own (§6.5).
const USUAL_UMASK: u64 = 0o22;

/// What earlier records said and later ones need.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Effective user and group of each CRED object.
    ids_of_cred: HashMap<i32, (u32, u32)>,
    /// The first CRED object with these ids.
    cred_of_ids: HashMap<(u32, u32), i32>,
    /// INODE numbers of System V segments.
    pub(super) segments: HashSet<i32>,
    /// Payload bytes of the record behind this one.
    pub(super) next_payload: u64,
}

impl Known {
    /// Remembers credentials.
    pub(super) fn cred(&mut self, objref: i32, view: &View) {
        let ids = (view.u32(CRED_EUID), view.u32(CRED_EGID));
        if let (Some(uid), Some(gid)) = ids {
            self.ids_of_cred.insert(objref, (uid, gid));
            self.cred_of_ids.entry((uid, gid)).or_insert(objref);
        }
    }
}

/// A record in the making.
struct Built<'t> {
    layout: &'t Layout,
    bytes: Vec<u8>,
    dialect: Dialect,
}

impl Built<'_> {
    fn has(&self, id: FieldId) -> bool {
        self.layout.slot(id).is_some()
    }
    fn set(&mut self, id: FieldId, value: u64) {
        if let Some(slot) = self.layout.slot(id) {
            put_element(&mut self.bytes, slot, 0, value, self.dialect);
        }
    }
    fn set_signed(&mut self, id: FieldId, value: i32) {
        self.set(id, i64::from(value).cast_unsigned());
    }
}

/// Converts a struct record; `None` where the target has none of this type.
pub(super) fn convert(known: &Known, tag: Tag, view: &View, to: &Tables) -> Option<Vec<u8>> {
    let record = to.by_tag(tag)?;
    let word = record.record.selector.and_then(|at| {
        let at = usize::from(at);
        let raw = view.bytes.get(at..at.checked_add(4)?)?;
        u32::try_from(ckpt_parser::view::read_uint(raw, view.dialect.abi.order)).ok()
    });
    let layout = record.variant(word)?;
    let mut built = Built {
        layout,
        bytes: vec![0; layout.size as usize],
        dialect: to.dialect,
    };
    relay(view, &mut built);
    fix(known, tag, view, &mut built);
    let order = to.dialect.abi.order;
    let len = built.bytes.len() as u64;
    for (at, value) in [(0usize, u64::from(record.number)), (4, len)] {
        if let Some(room) = built.bytes.get_mut(at..at.saturating_add(4)) {
            write_uint(room, value, order);
        }
    }
    Some(built.bytes)
}

/// Moves every value that both layouts have.
fn relay(view: &View, built: &mut Built) {
    let layout = built.layout;
    let slots = layout.slots.iter();
    for slot in slots.filter(|slot| !slot.is_padding() && !slot.overlay) {
        let Some(from) = view.layout.named(&slot.name) else {
            continue;
        };
        if slot.is_flexible() && from.is_flexible() {
            if slot.element == from.element {
                let rest = view.bytes.get(from.offset as usize..).unwrap_or_default();
                built.bytes.truncate(slot.offset as usize);
                built.bytes.extend_from_slice(rest);
            }
        } else if slot.inner.is_some() {
            copy_bytes(view, from, slot, &mut built.bytes);
        } else {
            for index in 0..slot.count.min(from.count) {
                if let Some(value) = view.element(from, index) {
                    let value = renumber(slot, value, view.dialect, built.dialect);
                    put_element(&mut built.bytes, slot, index, value, built.dialect);
                }
            }
        }
    }
}

fn copy_bytes(view: &View, from: &Slot, to: &Slot, bytes: &mut [u8]) {
    let start = to.offset as usize;
    let room = bytes.get_mut(start..start.saturating_add(to.size as usize));
    if let (Some(room), Some(from)) = (room, view.slot_bytes(from))
        && room.len() == from.len()
    {
        room.copy_from_slice(from);
    }
}

/// The number that the name of an enumeration value has in the target.
fn renumber(slot: &Slot, value: u64, from: Dialect, to: Dialect) -> u64 {
    let Some(Meaning::Enum(names)) = slot.field.map(|field| field.meaning) else {
        return value;
    };
    let renumbered = u32::try_from(value).ok().and_then(|value| {
        let name = names.name_of(value, from.revision, from.abi.arch)?;
        names.number_of(name.name, to.revision, to.abi.arch)
    });
    renumbered.map_or(value, u64::from)
}

/// Fields that are more than their value.
fn fix(known: &Known, tag: Tag, view: &View, built: &mut Built) {
    match tag {
        Tag::Header => fix_header(view, built),
        Tag::Fs if view.uint(UMASK).is_none() => built.set(UMASK, USUAL_UMASK),
        Tag::Signal => fix_groups(view, built),
        Tag::Tty if view.uint(C_OSPEED).is_none() => fix_speed(view, built),
        Tag::Socket if view.uint(HAS_BUFFERS).is_none() => {
            built.set(HAS_BUFFERS, u64::from(queues_expected(view)));
        }
        Tag::SocketUnix => fix_peer(known, view, built),
        Tag::SocketBuffer if view.uint(LIN_LEN).is_none() => {
            built.set(LIN_LEN, known.next_payload);
            built.set(SKB_LEN, known.next_payload);
        }
        Tag::Sigpending => fix_siginfo(view, built),
        Tag::Vma => fix_mapping(known, view, built),
        _ => {}
    }
}

fn fix_header(view: &View, built: &mut Built) {
    let (from, to) = (view.dialect, built.dialect);
    built.set(REV, u64::from(to.revision.info().checkpoint_version));
    let word = u64::from(to.abi.arch.word_size());
    match (view.uint(AUXV_BYTES), view.uint(AUXV_WORDS)) {
        (Some(bytes), None) => built.set(AUXV_WORDS, bytes.checked_div(word).unwrap_or(0)),
        (None, Some(words)) => built.set(AUXV_BYTES, words.saturating_mul(word)),
        _ => {}
    }
    let ncc = if matches!(to.abi.arch, Arch::Ppc32 | Arch::Ppc64) {
        10
    } else {
        8
    };
    if view.uint(NCC).is_none() {
        built.set(NCC, ncc);
    }
    if view.uint(NCCS).is_none() {
        built.set(NCCS, 19);
    }
    let id_of = |d: Dialect| detect::arch_id(d.revision, d.abi.arch);
    if let (true, Some(id)) = (id_of(from) != id_of(to), id_of(to)) {
        built.set(ARCH_ID, u64::from(id));
    }
    let flags = view.uint(UFLAGS).unwrap_or(0);
    built.set(UFLAGS, net_flag(flags, from.revision, to.revision));
}

/// Bit 1 says "network namespaces are not saved" in R09 and R10, "are saved" later (§1.6).
fn net_flag(flags: u64, from: Revision, to: Revision) -> u64 {
    const NET: u64 = 2;
    let saved = match from {
        _ if from < R09 => {
            return if to.within(R09, R10) {
                flags | NET
            } else {
                flags
            };
        }
        _ if from <= R10 => flags & NET == 0,
        _ => flags & NET != 0,
    };
    let set = match to {
        _ if to < R09 => false,
        _ if to <= R10 => !saved,
        _ => saved,
    };
    if set { flags | NET } else { flags & !NET }
}

/// "No pid" changed its number (§2.4).
fn fix_groups(view: &View, built: &mut Built) {
    for id in [TTY_PGRP, TTY_OLD_PGRP] {
        let value = view.i32(id).unwrap_or(0);
        built.set_signed(
            id,
            pid_null(value, view.dialect.revision, built.dialect.revision),
        );
    }
}

/// A pid, "no pid" translated.
pub(super) fn pid_null(value: i32, from: Revision, to: Revision) -> i32 {
    match (value, from >= R15, to >= R15) {
        (PID_NULL_OLD, false, true) => PID_NULL_NEW,
        (PID_NULL_NEW, true, false) => PID_NULL_OLD,
        // Without a number in the target, where it would be taken for another sentinel or a pid.
        (PID_NULL_OLD | PID_ROOT, true, false) | (PID_NULL_NEW | PID_ROOT, false, true) => 0,
        _ => value,
    }
}

/// Speeds follow from the baud bits (§6.5).
fn fix_speed(view: &View, built: &mut Built) {
    let bits = view.u32(C_CFLAG).unwrap_or(0);
    let speed = u64::from(baud(bits, built.dialect.abi.arch));
    built.set(C_ISPEED, speed);
    built.set(C_OSPEED, speed);
}

/// Baud rate of c_cflag: asm-generic/termbits.h, and that of powerpc, which counts on where the
/// others set CBAUDEX.
fn baud(cflag: u32, arch: Arch) -> u32 {
    const LOW: [u32; 16] = [
        0, 50, 75, 110, 134, 150, 200, 300, 600, 1200, 1800, 2400, 4800, 9600, 19200, 38400,
    ];
    const HIGH: [u32; 15] = [
        57600, 115_200, 230_400, 460_800, 500_000, 576_000, 921_600, 1_000_000, 1_152_000,
        1_500_000, 2_000_000, 2_500_000, 3_000_000, 3_500_000, 4_000_000,
    ];
    let (low, high) = if matches!(arch, Arch::Ppc32 | Arch::Ppc64) {
        (cflag & 0xff, (cflag & 0xff).checked_sub(16))
    } else if cflag & 0x1000 == 0 {
        (cflag & 0xf, None)
    } else {
        (16, (cflag & 0xf).checked_sub(1))
    };
    let of = |table: &[u32], at: u32| table.get(at as usize).copied();
    high.and_then(|at| of(&HIGH, at))
        .or_else(|| of(&LOW, low))
        .unwrap_or(0)
}

/// Whether the kernel writes queues for a socket: it neither listens nor is dead (§2.3).
pub(super) fn queues_expected(view: &View) -> bool {
    view.uint(SK_STATE) != Some(LISTEN) && view.uint(SK_FLAGS).unwrap_or(0) & DEAD == 0
}

/// User and group until R12, a CRED object since R13. The kernel of v20 holds -1 where there is no
/// peer (net/core/sock.c, sock_init_data).
fn fix_peer(known: &Known, view: &View, built: &mut Built) {
    const NOBODY: (u32, u32) = (u32::MAX, u32::MAX);
    let ids = view.u32(PEERCRED_UID).zip(view.u32(PEERCRED_GID));
    if let (Some(ids), true) = (ids, built.has(PEERCRED)) {
        let cred = known.cred_of_ids.get(&ids).copied().unwrap_or(0);
        built.set_signed(PEERCRED, cred);
    }
    if let (Some(cred), true) = (view.i32(PEERCRED), built.has(PEERCRED_UID)) {
        let (uid, gid) = known.ids_of_cred.get(&cred).copied().unwrap_or(NOBODY);
        built.set(PEERCRED_UID, u64::from(uid));
        built.set(PEERCRED_GID, u64::from(gid));
    }
}

macro_rules! siginfo_ids {
    ($($name:ident = $path:literal;)*) => {
        $(const $name: FieldId = table::SIGINFO.id($path);)*
    };
}

siginfo_ids! {
    SIGNO = "signo";
    ERRNO = "_errno";
    CODE = "code";
    PID = "pid";
    UID = "uid";
    SIGVAL_INT = "sigval_int";
    SIGVAL_PTR = "sigval_ptr";
    UTIME = "utime";
    STIME = "stime";
    CSI_SIGNO = "csi_signo";
    CSI_ERRNO = "csi_errno";
    CSI_CODE = "csi_code";
    CSI_PID = "csi_pid";
    CSI_UID = "csi_uid";
    CSI_FD = "csi_fd";
    CSI_TID = "csi_tid";
    CSI_BAND = "csi_band";
    CSI_OVERRUN = "csi_overrun";
    CSI_TRAPNO = "csi_trapno";
    CSI_STATUS = "csi_status";
    CSI_INT = "csi_int";
    CSI_PTR = "csi_ptr";
    CSI_UTIME = "csi_utime";
    CSI_STIME = "csi_stime";
    CSI_ADDR = "csi_addr";
    CSI_SYS_PRIVATE = "csi_sys_private";
}

/// Members that mean the same in both forms, whatever the class.
const ALWAYS: &[(FieldId, FieldId)] = &[(SIGNO, CSI_SIGNO), (ERRNO, CSI_ERRNO), (CODE, CSI_CODE)];

/// Which members of the overlaid form are which of the split form, by the class in the upper half
/// of the kernel's code (§3.11).
fn members(code: u64) -> &'static [(FieldId, FieldId)] {
    match (code >> 16) & 0xffff {
        // __SI_TIMER
        1 => &[
            (PID, CSI_TID),
            (UID, CSI_OVERRUN),
            (SIGVAL_INT, CSI_INT),
            (UTIME, CSI_SYS_PRIVATE),
        ],
        // __SI_POLL
        2 => &[(PID, CSI_BAND), (SIGVAL_INT, CSI_FD)],
        // __SI_FAULT
        3 => &[(SIGVAL_PTR, CSI_ADDR), (SIGVAL_INT, CSI_TRAPNO)],
        // __SI_CHLD
        4 => &[
            (PID, CSI_PID),
            (UID, CSI_UID),
            (SIGVAL_INT, CSI_STATUS),
            (UTIME, CSI_UTIME),
            (STIME, CSI_STIME),
        ],
        // __SI_KILL, __SI_RT, __SI_MESGQ and what a later kernel may add
        _ => &[(PID, CSI_PID), (UID, CSI_UID), (SIGVAL_PTR, CSI_PTR)],
    }
}

fn fix_siginfo(view: &View, built: &mut Built) {
    let (Some(from), Some(to)) = (view.layout.slot(SIGINFO), built.layout.slot(SIGINFO)) else {
        return;
    };
    let Some(inner) = to.inner.as_deref().filter(|_| to.element != from.element) else {
        return;
    };
    for index in 0..view.elements(from) {
        if let Some(old) = view.nested(from, index) {
            let mut new = Built {
                layout: inner,
                bytes: vec![0; inner.size as usize],
                dialect: built.dialect,
            };
            convert_siginfo(&old, &mut new);
            built.bytes.extend_from_slice(&new.bytes);
        }
    }
}

fn convert_siginfo(view: &View, built: &mut Built) {
    let code = view.uint(CODE).or_else(|| view.uint(CSI_CODE)).unwrap_or(0);
    for &(overlaid, split) in ALWAYS.iter().chain(members(code)) {
        match (view.uint(overlaid), view.uint(split)) {
            (Some(value), None) => built.set(split, value),
            (None, Some(value)) => built.set(overlaid, value),
            _ => {}
        }
    }
    // sigval is a union: its integer is the low half of its pointer.
    let sent = matches!((code >> 16) & 0xffff, 0 | 5 | 6);
    if let (true, Some(pointer)) = (sent, view.uint(SIGVAL_PTR)) {
        built.set(CSI_INT, pointer & 0xffff_ffff);
    }
}

/// Mappings of huge pages become ordinary ones before R16.
fn fix_mapping(known: &Known, view: &View, built: &mut Built) {
    if built.dialect.revision >= ckpt_format::dialect::R16 {
        return;
    }
    let inode = view.i32(INO_OBJREF).unwrap_or(0);
    let kind = match (view.uint(VMA_TYPE), inode) {
        (Some(9), 0) => 2,
        (Some(9), _) => 4,
        (Some(10), inode) if known.segments.contains(&inode) => 8,
        (Some(10), _) => 5,
        _ => return,
    };
    built.set(VMA_TYPE, kind);
    built.set(VM_FLAGS, view.uint(VM_FLAGS).unwrap_or(0) & !VM_HUGETLB);
}

/// A value that does not come back.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Difference {
    /// Dotted name with indices; empty for padding.
    pub(super) field: String,
    /// What the source holds.
    pub(super) value: String,
    /// What the target makes of it.
    pub(super) code: Code,
}

/// Compares a record with what came back from the target.
///
/// References to objects of a kind that the target lacks are not compared: the object itself is
/// reported.
pub(super) fn differences(tag: Tag, view: &View, back: &[u8], to: Dialect) -> Vec<Difference> {
    let mut found = Vec::new();
    let back = View {
        bytes: back,
        ..*view
    };
    compare(tag, "", view, &back, to, &mut found);
    found
}

fn compare(tag: Tag, prefix: &str, a: &View, b: &View, to: Dialect, found: &mut Vec<Difference>) {
    for slot in a.layout.slots.iter().filter(|slot| !slot.overlay) {
        if slot.is_padding() {
            let (x, y) = (a.slot_bytes(slot), b.slot_bytes(slot));
            if x != y && x.is_some_and(|x| x.iter().any(|byte| *byte != 0)) {
                found.push(Difference {
                    field: String::new(),
                    value: x.map(hex).unwrap_or_default(),
                    code: Code::Padding,
                });
            }
            continue;
        }
        if let Some(Meaning::Ref(kind)) = slot.field.map(|field| field.meaning)
            && kind.number(to.revision, to.abi.arch).is_none()
        {
            continue;
        }
        for index in 0..a.elements(slot) {
            let name = match slot.count {
                1 => format!("{prefix}{}", slot.name),
                _ => format!("{prefix}{}[{index}]", slot.name),
            };
            match (a.nested(slot, index), b.nested(slot, index)) {
                (Some(x), Some(y)) => compare(tag, &format!("{name}."), &x, &y, to, found),
                _ => compare_value(tag, name, slot, index, (a, b), found),
            }
        }
    }
}

fn compare_value(
    tag: Tag,
    name: String,
    slot: &Slot,
    index: u32,
    (a, b): (&View, &View),
    found: &mut Vec<Difference>,
) {
    let value = a.element(slot, index);
    if value != b.element(slot, index) {
        let value = value.map(|value| number(slot, value)).unwrap_or_default();
        let code = code_of(tag, &name);
        found.push(Difference {
            field: name,
            value,
            code,
        });
    }
}

/// Bytes in hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().take(32).map(|byte| format!("{byte:02x}"));
    digits.collect::<Vec<_>>().join(" ")
}

fn code_of(tag: Tag, field: &str) -> Code {
    match (tag, field) {
        (Tag::Header, "arch_id") => Code::Renumbered,
        (Tag::Task, "flags") => Code::TaskFlags,
        (Tag::Task, "sas_ss_sp" | "sas_ss_size") => Code::AltStack,
        (Tag::Fs, _) => Code::Umask,
        (Tag::Signal, "tty_pgrp" | "tty_old_pgrp") => Code::PidNull,
        (Tag::Tty, _) => Code::Termios,
        (Tag::Socket, "has_buffers") => Code::HasBuffers,
        (Tag::SocketUnix, "peercred" | "peercred_uid" | "peercred_gid") => Code::Peercred,
        (Tag::SocketBuffer, _) => Code::SocketBuffer,
        (Tag::SocketInet, _) => Code::TcpState,
        (Tag::Sigpending, _) => Code::Siginfo,
        (Tag::Vma, _) | (Tag::IpcShm, "shift") => Code::HugePages,
        (Tag::Cpu, field) if field.starts_with("debugreg") => Code::DebugRegisters,
        (Tag::Thread, "sysenter_return") => Code::Sysenter,
        _ => Code::Field,
    }
}

/// Whether two dialects write a record in the same bytes, but for its number.
pub(super) fn same_bytes(tag: Tag, from: &Tables, to: &Tables) -> bool {
    let (Some(a), Some(b)) = (from.by_tag(tag), to.by_tag(tag)) else {
        return false;
    };
    let pairs = a.variants().zip(b.variants());
    a.variants().count() == b.variants().count()
        && pairs.into_iter().all(|((word, x), (other, y))| {
            word == other && same_layout(x, y) && same_numbers(x, from.dialect, to.dialect)
        })
        && !is_fixed(tag, from.dialect.revision, to.dialect.revision)
}

fn same_layout(a: &Layout, b: &Layout) -> bool {
    a.size == b.size
        && a.slots.len() == b.slots.len()
        && a.slots.iter().zip(&b.slots).all(|(x, y)| {
            (x.offset, x.size, x.element, x.count, &x.name)
                == (y.offset, y.size, y.element, y.count, &y.name)
        })
}

fn same_numbers(layout: &Layout, from: Dialect, to: Dialect) -> bool {
    layout.slots.iter().all(|slot| {
        let Some(Meaning::Enum(names)) = slot.field.map(|field| field.meaning) else {
            return true;
        };
        let mut entries = names.entries(from.revision, from.abi.arch);
        entries.all(|(number, name)| {
            let there = names.number_of(name.name, to.revision, to.abi.arch);
            there == Some(number)
        })
    })
}

/// Records whose values change although their layout may not.
fn is_fixed(tag: Tag, from: Revision, to: Revision) -> bool {
    match tag {
        Tag::Header => true,
        Tag::Signal => (from >= R15) != (to >= R15),
        _ => false,
    }
}

/// Adds a number to every reference of a record.
///
/// Returns the name of a reference that would fall below 1.
pub(super) fn shift(tag: Tag, bytes: &mut [u8], tables: &Tables, by: i64) -> Option<String> {
    let number = ckpt_parser::view::read_uint(bytes.get(..4)?, tables.dialect.abi.order);
    let layout = tables.layout_of(u32::try_from(number).ok()?, bytes)?;
    let copy = bytes.to_vec();
    let view = View {
        layout,
        bytes: &copy,
        dialect: tables.dialect,
    };
    let plain_device = tag == Tag::Netdev && view.uint(NETDEV_TYPE) != Some(1);
    let mut conflict = None;
    for slot in layout.slots.iter().filter(|slot| !slot.overlay) {
        let own = tag == Tag::Objref && &*slot.name == "objref";
        let refers = matches!(slot.field.map(|field| field.meaning), Some(Meaning::Ref(_)));
        if !(own || refers) || (plain_device && [VETH_THIS, VETH_PEER].contains(&slot.id)) {
            continue;
        }
        let value = view.element(slot, 0).unwrap_or(0) & 0xffff_ffff;
        if value == 0 || value > i32::MAX as u64 {
            continue;
        }
        match shifted(value, by) {
            Some(value) => put_element(bytes, slot, 0, value, tables.dialect),
            None => conflict = Some(slot.name.to_string()),
        }
    }
    conflict
}

/// A shifted object number, if it still is one.
pub(super) fn shifted(value: u64, by: i64) -> Option<u64> {
    let moved = u64::try_from(i64::try_from(value).ok()?.checked_add(by)?).ok()?;
    (1..=i32::MAX as u64).contains(&moved).then_some(moved)
}

/// Whether a record holds references or its own object number.
pub(super) fn has_references(tag: Tag, tables: &Tables) -> bool {
    let refers =
        |slot: &Slot| matches!(slot.field.map(|field| field.meaning), Some(Meaning::Ref(_)));
    tag == Tag::Objref
        || tables.by_tag(tag).is_some_and(|record| {
            record
                .variants()
                .any(|(_, layout)| layout.slots.iter().any(refers))
        })
}

/// An auxiliary vector in the words of the target; `None` if nothing changes.
pub(super) fn auxv(payload: &[u8], order: Order, from: usize, to: usize) -> Option<Vec<u8>> {
    if from == to {
        return None;
    }
    let mut out = vec![0; payload.len().checked_div(from)?.checked_mul(to)?];
    for (word, room) in payload.chunks_exact(from).zip(out.chunks_exact_mut(to)) {
        write_uint(room, ckpt_parser::view::read_uint(word, order), order);
    }
    Some(out)
}
