//! The committed files are what the builder makes, and the builder makes what the headers say.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use ckpt_samples::{EMBEDDED, Sample, all, get, provenance};
use serde_json::Value;

use crate::walk::{Frame, frames, revision};

fn home(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

#[test]
fn files_and_table_are_fresh() {
    let hint = "run: cargo run -p ckpt-samples --bin build-samples";
    let mut names = BTreeSet::new();
    for sample in all() {
        assert!(
            names.insert(sample.file.to_owned()),
            "{} twice",
            sample.file
        );
        let file = fs::read(home("images").join(sample.file)).expect(hint);
        assert!(file == (sample.bytes)(), "{} is old; {hint}", sample.file);
        assert!(
            file.len() < 100_000,
            "{} has {} bytes",
            sample.file,
            file.len()
        );
    }
    let listed = fs::read_dir(home("images")).unwrap();
    let listed = listed.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(
        listed.collect::<BTreeSet<_>>(),
        names,
        "stray files in images/"
    );
    assert!(
        fs::read_to_string(home("README.md")).unwrap() == provenance(),
        "README.md; {hint}"
    );
    assert!(EMBEDDED == (get("sensor-r18-arm").unwrap().bytes)());
}

/// The two minimal images were first written by another program; this is the FNV-1a hash of
/// its output.
#[test]
fn minimal_images_equal_the_first_ones() {
    for (name, len, hash) in [
        ("minimal-r17-arm", 9095, 0xc3e2_e6cf_63a1_c54b),
        ("minimal-r12-arm", 9015, 0x9a44_34c1_07d8_9db3),
    ] {
        let bytes = (get(name).unwrap().bytes)();
        assert_eq!(bytes.len(), len);
        let fnv = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
        assert_eq!(fnv, hash, "{name} {fnv:#x}");
    }
}

#[test]
fn sound_images_are_whole_records_up_to_the_tail() {
    for sample in all().iter().filter(|sample| sample.damage.is_none()) {
        let image = (sample.bytes)();
        let frames = frames(sample, &image).unwrap_or_else(|why| panic!("{}: {why}", sample.name));
        let last = frames
            .iter()
            .rev()
            .map(|frame| frame.number)
            .take(2)
            .collect::<Vec<_>>();
        assert!(
            last[0] == 9001 || last == [5, 9999],
            "{} ends with {last:?}",
            sample.name
        );
        assert_eq!(frames[0].bytes.len(), 72, "{}", sample.name);
    }
}

/// What the compiled headers say about one revision.
struct Oracle {
    table: Value,
}

impl Oracle {
    fn load() -> Self {
        let text = fs::read_to_string(home("../tests/records.json")).unwrap();
        Self {
            table: serde_json::from_str(&text).unwrap(),
        }
    }

    /// R18 is R17 with additions.
    fn id(sample: &Sample) -> &str {
        if sample.revision == "R18" {
            "R17"
        } else {
            sample.revision
        }
    }

    fn revision(&self, sample: &Sample) -> &Value {
        let revisions = self.table["revisions"].as_array().unwrap();
        revisions
            .iter()
            .find(|revision| revision["id"] == Self::id(sample))
            .unwrap()
    }

    /// Name and struct of a record number.
    fn record(&self, sample: &Sample, number: u32) -> Option<(&str, &Value)> {
        let names = self.revision(sample)["header_types"].as_object().unwrap();
        let name = names.iter().find(|(_, value)| **value == number)?.0;
        let records = self.table["records"].as_array().unwrap();
        let record = records.iter().find(|record| record["name"] == *name)?;
        Some((name, &record["struct"]))
    }

    fn layout(&self, sample: &Sample, name: &str) -> Option<&Value> {
        self.table["structs"][name]
            .as_array()?
            .iter()
            .find(|layout| {
                let arches = layout["applies"][Self::id(sample)].as_array();
                arches.is_some_and(|arches| arches.iter().any(|arch| arch == sample.arch))
            })
    }

    fn size(&self, sample: &Sample, name: &str) -> Option<usize> {
        // The powerpc layout is in no header export; its patch describes it.
        match (name, sample.arch) {
            ("ckpt_hdr_cpu", "ppc32") => Some(1168),
            ("ckpt_hdr_cpu", "ppc64") => Some(1344),
            _ => self
                .layout(sample, name)
                .map(|layout| number(layout, "size")),
        }
    }

    /// Fields of a struct and of the structs in it: (struct, field, offset).
    fn fields(&self, sample: &Sample, name: &str, base: usize) -> Vec<(String, String, usize)> {
        let Some(layout) = self.layout(sample, name) else {
            return Vec::new();
        };
        let own = layout["fields"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|field| {
                let at = base + number(field, "offset");
                let inner = field["type"].as_str().unwrap().strip_prefix("struct ");
                let inner = inner.map_or(Vec::new(), |inner| self.fields(sample, inner, at));
                let label = field["name"].as_str().unwrap().to_owned();
                std::iter::once((name.to_owned(), label, at)).chain(inner)
            });
        own.collect()
    }

    /// Name and struct of a frame; `None` for payload records and those of R18.
    fn of_frame(&self, sample: &Sample, frame: &Frame) -> Option<(&str, String)> {
        let (name, layout) = self.record(sample, frame.number)?;
        match name {
            "FILE" => {
                let suffix = [
                    "", "_generic", "_pipe", "_pipe", "_socket", "_tty", "", "_eventfd",
                ][frame.u32(sample, 8) as usize];
                Some((name, format!("ckpt_hdr_file{suffix}")))
            }
            _ => layout.as_str().map(|layout| (name, layout.to_owned())),
        }
    }
}

fn number(value: &Value, key: &str) -> usize {
    usize::try_from(value[key].as_u64().unwrap()).unwrap()
}

/// Bytes that follow a struct inside its record.
fn appended(sample: &Sample, oracle: &Oracle, name: &str, frame: &Frame) -> usize {
    match name {
        "GROUPINFO" => 4 * frame.u32(sample, 8) as usize,
        "THREAD" if matches!(sample.arch, "i386" | "x86_64") => 24,
        "SIGHAND" => 64 * 32,
        "SIGPENDING" => {
            let one = if revision(sample) < 13 { 48 } else { 88 };
            assert_eq!(oracle.size(sample, "ckpt_siginfo"), Some(one));
            one * frame.u32(sample, 8) as usize
        }
        // VSX doubles the 32 floating-point registers.
        "CPU" if sample.arch.starts_with("ppc") && frame.u32(sample, 16) == 512 => 256,
        // Old-ABI kernels round each of the two addresses up to words.
        "SOCKET_UNIX" if sample.name == "oabi-r12-arm" => 8,
        _ => 0,
    }
}

#[test]
fn every_record_has_the_number_and_length_of_the_headers() {
    let oracle = Oracle::load();
    for sample in all().iter().filter(|sample| sample.damage.is_none()) {
        let image = (sample.bytes)();
        for frame in frames(sample, &image).unwrap() {
            let place = format!(
                "{} at {:#x}, type {}",
                sample.name, frame.offset, frame.number
            );
            if matches!(frame.number, 201..=203 | 801) {
                continue;
            }
            oracle.record(sample, frame.number).expect(&place);
            let Some((name, layout)) = oracle.of_frame(sample, &frame) else {
                continue;
            };
            let size = oracle
                .size(sample, &layout)
                .unwrap_or_else(|| panic!("{place}: {layout}"));
            let expected = size + appended(sample, &oracle, name, &frame);
            assert_eq!(frame.bytes.len(), expected, "{place} {name}");
        }
    }
}

/// What must be found where the headers say that a field lies, in the tours: equal lengths do
/// not prove equal layouts.
const VALUES: &[(&str, &str, &[u64])] = &[
    ("ckpt_const", "rlimit_nlimits", &[16]),
    ("ckpt_const", "n_tty_buf_size", &[4096]),
    ("ckpt_const", "tty_termios_ncc", &[8, 10]),
    ("ckpt_const", "tty_termios_nccs", &[19]),
    ("ckpt_hdr_header", "time", &[0x4f64_b5f0]),
    ("ckpt_hdr_tree", "nr_tasks", &[5]),
    ("ckpt_hdr_pids", "offset", &[1]),
    ("ckpt_hdr_vpids", "nr_vpids", &[3]),
    ("ckpt_hdr_task", "state", &[0, 1, 64]),
    ("ckpt_hdr_task", "exit_state", &[0, 16]),
    ("ckpt_hdr_task", "exit_code", &[0, 11]),
    ("ckpt_hdr_task", "exit_signal", &[17, 0xffff_ffff]),
    ("ckpt_hdr_task", "pdeath_signal", &[0, 9]),
    ("ckpt_hdr_task", "clear_child_tid", &[0, 0x4002_0068]),
    ("ckpt_hdr_task", "robust_futex_head_len", &[0, 12, 24]),
    ("ckpt_hdr_task", "robust_futex_list", &[0, 0x4002_0070]),
    ("ckpt_hdr_task", "sas_ss_size", &[0, 8192]),
    ("ckpt_hdr_restart_block", "function_type", &[1, 2, 6, 7]),
    (
        "ckpt_hdr_restart_block",
        "arg_4",
        &[0, 1_500_000, 2_000_000_000, 750_000_000],
    ),
    ("ckpt_hdr_thread", "tp_value", &[0x0001_1480]),
    ("ckpt_hdr_thread", "sizeof_tls_array", &[24]),
    ("ckpt_hdr_cpu", "ip", &[0x8060]),
    ("ckpt_hdr_cpu", "psw_t_addr", &[0x8060]),
    ("ckpt_hdr_cpu", "used_math", &[1]),
    ("ckpt_hdr_cred", "uid", &[0, 8, 1000]),
    ("ckpt_hdr_cred", "fsgid", &[0, 8, 1000]),
    (
        "ckpt_capabilities",
        "cap_b_1",
        &[0, 0xffff_ffff, 0xffff_fffe],
    ),
    ("ckpt_capabilities", "securebits", &[0, 0x2f]),
    ("ckpt_hdr_lsm", "sectype", &[1, 2, 3, 4]),
    ("ckpt_hdr_ipcns", "sem_ctl_mni", &[128]),
    ("ckpt_hdr_mm", "start_code", &[0x8000]),
    ("ckpt_hdr_mm", "env_end", &[0xbeff_eff1]),
    ("ckpt_hdr_vma", "vma_type", &[1, 2, 3, 4, 5, 6, 8, 9, 10]),
    ("ckpt_hdr_vma", "hugetlb_shift", &[0, 14]),
    ("ckpt_hdr_hpage", "shift", &[14]),
    ("ckpt_hdr_file", "f_pos", &[0, 17]),
    ("ckpt_hdr_file_eventfd", "count", &[3]),
    ("ckpt_hdr_file_eventfd", "flags", &[0o4000]),
    ("ckpt_hdr_file_desc", "fd_close_on_exec", &[0, 1]),
    ("ckpt_hdr_fs", "umask", &[0o22, 0o77]),
    ("ckpt_hdr_tty", "driver_type", &[4]),
    ("ckpt_hdr_tty", "index", &[3, 4]),
    ("ckpt_hdr_tty", "termios.c_lflag", &[0x8a3b]),
    ("ckpt_hdr_tty", "termios.c_ospeed", &[38400]),
    ("ckpt_hdr_tty", "winsize.ws_col", &[80]),
    ("ckpt_hdr_ldisc_n_tty", "datalen", &[0, 6]),
    ("ckpt_hdr_ldisc_n_tty", "icanon", &[1]),
    ("ckpt_hdr_signal", "it_real_incr", &[0, 2_000_000]),
    ("ckpt_hdr_signal", "tty_pgrp", &[0, 100]),
    ("ckpt_hdr_ipc_perms", "mode", &[0o600]),
    ("ckpt_hdr_ipc_perms", "seq", &[1]),
    ("ckpt_hdr_ipc_shm", "mlock_uid", &[0xffff_ffff]),
    ("ckpt_hdr_ipc_shm", "flags", &[0x1000]),
    ("ckpt_hdr_ipc_msg", "q_cbytes", &[0, 5125]),
    ("ckpt_hdr_ipc_msg", "q_qnum", &[0, 3]),
    ("ckpt_hdr_ipc_msg_msg", "m_type", &[1, 2, 7]),
    ("ckpt_hdr_ipc_msg_msg", "m_ts", &[0, 5, 5120]),
    ("ckpt_hdr_ipc_sem", "sem_nsems", &[1, 3]),
    ("ckpt_hdr_task_sem_undo", "semadj_count", &[1, 3]),
    ("ckpt_hdr_socket", "socket.state", &[1, 3]),
    ("ckpt_hdr_socket", "sock_common.family", &[1, 2, 10]),
    ("ckpt_hdr_socket", "sock.flags", &[0x100, 0x101]),
    ("ckpt_hdr_socket", "sock.rcvbuf", &[55_296]),
    ("ckpt_hdr_socket", "sock.type", &[1, 2]),
    ("ckpt_hdr_socket", "sock.protocol", &[0, 6, 17]),
    ("ckpt_hdr_socket", "sock.state", &[1, 7, 10]),
    ("ckpt_hdr_socket_unix", "laddr_len", &[2, 7, 13, 18]),
    ("ckpt_hdr_socket_inet", "num", &[53, 80, 443]),
    ("ckpt_hdr_socket_inet", "uc_ttl", &[64]),
    ("ckpt_hdr_socket_inet", "icsk_ack.rcv_mss", &[536]),
    ("ckpt_hdr_socket_inet", "tcp.rcv_nxt", &[0, 0x1000]),
    (
        "ckpt_hdr_socket_inet",
        "tcp.keepalive_intvl",
        &[0, 0x1000 + 42],
    ),
    ("ckpt_hdr_socket_inet", "tcp.advmss", &[0, 1460]),
    ("ckpt_hdr_socket_inet", "tcp.keepalive_probes", &[0, 9]),
    ("ckpt_hdr_socket_inet", "laddr_len", &[16]),
    (
        "ckpt_hdr_socket_queue",
        "total_bytes",
        &[0, 5, 11, 14, 29, 105],
    ),
    ("ckpt_hdr_socket_buffer", "lin_len", &[5, 6, 9, 11, 14, 71]),
    ("ckpt_hdr_socket_buffer", "data_offset", &[0, 66]),
    ("ckpt_hdr_socket_buffer", "nr_frags", &[0, 1]),
    ("ckpt_hdr_socket_buffer_frag", "offset", &[16]),
    ("ckpt_hdr_netdev", "inet_addrs", &[0, 1, 2]),
    ("ckpt_hdr_netdev", "flags", &[0x1043]),
];

/// Checks a struct and those inside it: known values, and nothing between the fields.
fn inspect(
    sample: &Sample,
    oracle: &Oracle,
    name: &str,
    bytes: &[u8],
    seen: &mut BTreeSet<(String, String)>,
) {
    let Some(layout) = oracle.layout(sample, name) else {
        return;
    };
    let mut padding = vec![true; number(layout, "size")];
    for field in layout["fields"].as_array().unwrap() {
        let (at, size) = (number(field, "offset"), number(field, "size"));
        let key = (name.to_owned(), field["name"].as_str().unwrap().to_owned());
        if field["group"] == true || size == 0 {
            continue;
        }
        padding[at..at + size].fill(false);
        if let Some(inner) = field["type"].as_str().unwrap().strip_prefix("struct ") {
            let unit = field["element_size"]
                .as_u64()
                .map_or(size, |_| number(field, "element_size"));
            for element in bytes[at..at + size].chunks(unit) {
                inspect(sample, oracle, inner, element, seen);
            }
        }
        let wanted = VALUES
            .iter()
            .find(|row| (row.0, row.1) == (key.0.as_str(), key.1.as_str()));
        if let Some((_, _, values)) = wanted {
            let value = unsigned(sample, &bytes[at..at + size]);
            assert!(
                values.contains(&value),
                "{} {key:?} = {value:#x}",
                sample.name
            );
            seen.insert(key);
        }
    }
    let stray = padding
        .iter()
        .zip(bytes)
        .position(|(padding, byte)| *padding && *byte != 0);
    assert_eq!(stray, None, "{} {name}", sample.name);
}

fn unsigned(sample: &Sample, bytes: &[u8]) -> u64 {
    let join = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
    if sample.big_endian {
        bytes.iter().fold(0, join)
    } else {
        bytes.iter().rev().fold(0, join)
    }
}

#[test]
fn fields_lie_where_the_headers_put_them() {
    let oracle = Oracle::load();
    let mut seen = BTreeSet::new();
    for sample in all()
        .iter()
        .filter(|sample| sample.name.starts_with("tour-"))
    {
        let image = (sample.bytes)();
        for frame in frames(sample, &image).unwrap() {
            match oracle.of_frame(sample, &frame) {
                // Its array begins before the end of the struct.
                Some(("GROUPINFO", _)) | None => {}
                Some((_, layout)) => inspect(sample, &oracle, &layout, frame.bytes, &mut seen),
            }
        }
    }
    assert_eq!(seen.len(), VALUES.len(), "a row of VALUES was never met");
}

/// Every OBJREF number is new, and its type is one of the revision.
#[test]
fn object_numbers_are_unique_and_typed() {
    let oracle = Oracle::load();
    for sample in all().iter().filter(|sample| sample.damage.is_none()) {
        let kinds = oracle.revision(sample)["object_types"].as_object().unwrap();
        let image = (sample.bytes)();
        let mut seen = BTreeSet::new();
        for frame in frames(sample, &image)
            .unwrap()
            .iter()
            .filter(|frame| frame.number == 6)
        {
            let (kind, id) = (frame.u32(sample, 8), frame.u32(sample, 12));
            assert!(seen.insert(id), "{}: object {id} twice", sample.name);
            assert!(
                kinds
                    .iter()
                    .any(|(name, value)| name != "MAX" && *value == kind)
            );
        }
    }
}

/// Fields that refer to an object of a known type.
const REFERENCES: &[(&str, &str, &str)] = &[
    ("ckpt_hdr_task_creds", "cred_ref", "CRED"),
    ("ckpt_hdr_task_creds", "ecred_ref", "CRED"),
    ("ckpt_hdr_cred", "user_ref", "USER"),
    ("ckpt_hdr_cred", "groupinfo_ref", "GROUPINFO"),
    ("ckpt_hdr_cred", "sec_ref", "SECURITY"),
    ("ckpt_hdr_user_struct", "userns_ref", "USER_NS"),
    ("ckpt_hdr_user_ns", "creator_ref", "USER"),
    ("ckpt_hdr_task_ns", "ns_objref", "NS"),
    ("ckpt_hdr_ns", "uts_objref", "UTS_NS"),
    ("ckpt_hdr_ns", "ipc_objref", "IPC_NS"),
    ("ckpt_hdr_ns", "net_objref", "NET_NS"),
    ("ckpt_hdr_task_objs", "files_objref", "FILE_TABLE"),
    ("ckpt_hdr_task_objs", "mm_objref", "MM"),
    ("ckpt_hdr_task_objs", "fs_objref", "FS"),
    ("ckpt_hdr_task_objs", "sem_undo_objref", "SEM_UNDO"),
    ("ckpt_hdr_task_objs", "sighand_objref", "SIGHAND"),
    ("ckpt_hdr_mm", "exe_objref", "FILE"),
    ("ckpt_hdr_vma", "vma_objref", "FILE"),
    ("ckpt_hdr_file", "f_credref", "CRED"),
    ("ckpt_hdr_file", "f_secref", "SECURITY"),
    ("ckpt_hdr_file_socket", "sock_objref", "SOCK"),
    ("ckpt_hdr_file_tty", "tty_objref", "TTY"),
    ("ckpt_hdr_file_desc", "fd_objref", "FILE"),
    ("ckpt_hdr_eventpoll_items", "epfile_objref", "FILE"),
    ("ckpt_hdr_tty", "link_objref", "TTY"),
    ("ckpt_hdr_signal", "tty_objref", "TTY"),
    ("ckpt_hdr_ipc_perms", "sec_ref", "SECURITY"),
    ("ckpt_hdr_ipc_msg_msg", "sec_ref", "SECURITY"),
    ("ckpt_hdr_socket_unix", "this", "SOCK"),
    ("ckpt_hdr_socket_unix", "peer", "SOCK"),
    ("ckpt_hdr_socket_unix", "peercred", "CRED"),
    ("ckpt_hdr_socket_buffer", "sk_objref", "SOCK"),
    ("ckpt_hdr_socket_buffer", "pr_objref", "SOCK"),
    ("ckpt_hdr_netns", "this_ref", "NET_NS"),
    ("ckpt_hdr_netdev", "netns_ref", "NET_NS"),
];

/// Every reference names an object of the right type that an earlier record announced.
#[test]
fn references_resolve() {
    let oracle = Oracle::load();
    let mut met = BTreeSet::new();
    for sample in all().iter().filter(|sample| sample.damage.is_none()) {
        let kinds = oracle.revision(sample)["object_types"].as_object().unwrap();
        let image = (sample.bytes)();
        let mut announced = BTreeMap::new();
        for frame in frames(sample, &image).unwrap() {
            if frame.number == 6 {
                let kind = kinds
                    .iter()
                    .find(|(_, value)| **value == frame.u32(sample, 8));
                announced.insert(frame.u32(sample, 12), kind.unwrap().0.as_str());
            }
            let Some((_, layout)) = oracle.of_frame(sample, &frame) else {
                continue;
            };
            for (part, field, at) in oracle.fields(sample, &layout, 0) {
                let row = REFERENCES
                    .iter()
                    .find(|row| (row.0, row.1) == (&part, &field));
                let Some(&(_, _, kind)) = row else { continue };
                let value = frame.u32(sample, at);
                if value != 0 {
                    let place = format!("{} at {:#x}, {field} {value}", sample.name, frame.offset);
                    assert_eq!(announced.get(&value), Some(&kind), "{place}");
                    met.insert((part, field));
                }
            }
        }
    }
    assert_eq!(met.len(), REFERENCES.len(), "{met:?}");
}

/// The records that R18 adds: (type, unit) and length.
#[test]
fn records_of_r18_have_the_lengths_of_their_register_files() {
    let mut lengths = BTreeSet::new();
    for sample in all() {
        if sample.revision != "R18" || sample.arch != "arm" || sample.damage.is_some() {
            continue;
        }
        let image = (sample.bytes)();
        let mut last = (0, 0);
        for frame in frames(sample, &image).unwrap() {
            let unit = if frame.number == 201 {
                frame.u32(sample, 8)
            } else {
                0
            };
            if frame.number == 201 {
                // After CPU or a lower unit; the payload and its padding fill the record.
                assert!(
                    last.0 == 108 || (last.0 == 201 && last.1 < unit),
                    "{}",
                    sample.name
                );
                let payload = frame.u32(sample, 28) as usize;
                assert_eq!(frame.bytes.len(), (32 + payload).next_multiple_of(8));
            }
            if frame.number == 203 {
                assert!(matches!(last.0, 108 | 201), "{}", sample.name);
                assert_eq!(
                    u32::from(frame.bytes[28] != 0),
                    u32::from(sample.big_endian)
                );
            }
            assert!(
                last.0 != 108 || matches!(frame.number, 201 | 203),
                "{}",
                sample.name
            );
            if matches!(frame.number, 201 | 203) {
                lengths.insert((frame.number, unit, frame.bytes.len()));
            }
            last = (frame.number, unit);
        }
    }
    let expected = [
        (201, 1, 304),
        (201, 2, 152),
        (201, 3, 184),
        (201, 4, 216),
        (201, 5, 40),
        (203, 0, 32),
    ];
    assert_eq!(lengths, expected.into());
}

/// The rows of the table say what the bytes say.
#[test]
fn rows_agree_with_headers() {
    let oracle = Oracle::load();
    let arch_names = [
        ("arm", "ARM", 4),
        ("i386", "X86_32", 1),
        ("x86_64", "X86_64", 2),
        ("s390x", "S390X", 3),
        ("ppc32", "PPC32", 7),
        ("ppc64", "PPC64", 8),
    ];
    for sample in all() {
        let image = (sample.bytes)();
        let magic = &image[8..16];
        let little = 0x00fe_ed0c_c0a2_d200_u64.to_le_bytes();
        assert_eq!(magic == little, !sample.big_endian, "{}", sample.name);
        let id = u64::from(u16::from_le_bytes([image[16], image[17]]));
        let rev = u64::from(if sample.big_endian {
            image[25]
        } else {
            image[24]
        });
        let (_, name, r18) = arch_names.iter().find(|row| row.0 == sample.arch).unwrap();
        let revision = oracle.revision(sample);
        if sample.revision == "R18" {
            assert_eq!((id, rev), (*r18, 7), "{}", sample.name);
        } else {
            assert_eq!(
                Some(id),
                revision["arch_ids"][name].as_u64(),
                "{}",
                sample.name
            );
            assert_eq!(
                Some(rev),
                revision["checkpoint_version"].as_u64(),
                "{}",
                sample.name
            );
        }
    }
}

/// Together the sound samples hold everything that was ever written.
#[test]
fn nothing_is_left_out() {
    let oracle = Oracle::load();
    let mut seen: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut see = |what, value: String| seen.entry(what).or_default().insert(value);
    for sample in all().iter().filter(|sample| sample.damage.is_none()) {
        see("revision", sample.revision.into());
        see("arch", format!("{} {}", sample.arch, sample.big_endian));
        let objects = oracle.revision(sample)["object_types"].as_object().unwrap();
        let image = (sample.bytes)();
        for frame in frames(sample, &image).unwrap() {
            let name = oracle
                .record(sample, frame.number)
                .map_or("", |(name, _)| name);
            let first = || frame.u32(sample, 8);
            see(
                "record",
                if name.is_empty() {
                    frame.number.to_string()
                } else {
                    name.into()
                },
            );
            match name {
                "FILE" => drop(see("file", first().to_string())),
                "VMA" => drop(see("vma", first().to_string())),
                "OBJREF" => {
                    let kind = objects.iter().find(|(_, value)| **value == first());
                    see("object", kind.unwrap().0.clone());
                }
                _ if frame.number == 201 && sample.arch == "arm" => {
                    see("unit", first().to_string());
                }
                _ => {}
            }
        }
    }
    let list = |what: &str| seen[what].iter().cloned().collect::<Vec<_>>().join(" ");
    let names = oracle.table["records"].as_array().unwrap().iter();
    let mut records: BTreeSet<_> = names
        .map(|record| record["name"].as_str().unwrap().to_owned())
        .collect();
    records.extend(["203".to_owned(), "801".to_owned()]);
    // Numbers that no kernel ever wrote a record for; x86 adds two of its own.
    for never in ["MNT_NS", "CAPABILITIES", "CPU_FPU", "MM_CONTEXT_LDT"] {
        records.remove(never);
    }
    records.extend(["201".to_owned(), "202".to_owned()]);
    assert_eq!(seen["record"], records);
    assert_eq!(seen["revision"].len(), 18);
    assert_eq!(
        list("arch"),
        "arm false arm true i386 false ppc32 true ppc64 true s390x true x86_64 false"
    );
    assert_eq!(list("file"), "1 2 3 4 5 6 7");
    // 0 and 7 were never written.
    assert_eq!(list("vma"), "1 10 2 3 4 5 6 8 9");
    assert_eq!(list("unit"), "1 2 3 4 5");
    // INODE, SIGNAL, SECURITY_PTR and PID have numbers but no OBJREF; MNT_NS has neither.
    assert_eq!(
        list("object"),
        "CRED FILE FILE_TABLE FS GROUPINFO IPC_NS MM NETDEV NET_NS NS SECURITY SEM_UNDO SIGHAND \
         SOCK TTY USER USER_NS UTS_NS"
    );
}
