//! What the outline and the JSON Lines say of a record.

mod common;

use ckpt_parser::report::lines::write_lines;
use common::{Changed, bytes, decoder, lines, outline};
use std::io::{self, Write};

fn check(what: &str, text: &str, expected: &[&str]) {
    for line in expected {
        let common = |have: &&str| line.bytes().zip(have.bytes()).position(|(a, b)| a != b);
        // A whole line in common, or else the one that is the most alike.
        let nearest = text
            .lines()
            .max_by_key(|have| common(have).unwrap_or(have.len()));
        assert_eq!(nearest, Some(*line), "{what}");
    }
}

/// Samples and lines of their outline.
const OUTLINES: &[(&str, &[&str])] = &[
    (
        "tour-r17-arm",
        &[
            "       0x0       72  HEADER  arch_id=ARM rev=6 time=1332000240 uflags=SUBTREE|NETNS",
            "      0x48       73  BUFFER (release)  \"3.0.15\"",
            "     0x123       16  HEADER_ARCH  cpu_architecture=ARMv7 mmu=1 aeabi=1 oabi_compat=0",
            "     0x133        8  CONTAINER",
            "     0x13b       19  BUFFER (lsm name)  \"smack\"",
            "     0x14e       12  LSM_INFO  \"1.0\"",
            "     0x172       60  BUFFER (pids)  52 bytes",
            "     0x28e       24    STRING (comm)  \"tour\"",
            "     0x2a6       24    THREAD  syscall=restart_syscall tp_value=0x11480 thumbee_state=0x0",
            "     0x2f6       80    CPU  pc=0x8060 lr=0x8054 sp=0xbeffef00 cpsr=0x60000010 r0=0x11",
            "     0x392       16        OBJREF  objtype=USER_NS objref=9",
            "     0x3a2       16          USER_NS  creator_ref=0",
            "     0x481      400        UTS_NS  nodename=\"board\" release=\"3.0.15\" machine=\"armv7l\"",
            "     0x720     4108            BUFFER (pages)  1 page 0x1",
            "    0x1893       13              BUFFER (message text)  5 bytes \"hello\"",
            "    0x18d8     4080              BUFFER (message text)  4072 bytes \"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"…",
            "    0x2ee0       16        OBJREF  objtype=NETDEV objref=23",
            "    0x31a3       24        PIPE_BUF  16 bytes \"through the fifo\"",
            "    0x4c4c       16      EPOLL_ITEMS  epfile_objref=40 num_items=0",
            "    0x5311       79          BUFFER (socket data)  71 bytes \"EEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEE\"…",
            "    0x5360       16          SOCKET_FRAG  size=100 offset=16  + 4096 raw bytes",
            "    0x645e       16    OBJREF  objtype=MM objref=68",
            "    0x77bc     8208        BUFFER (pages)  2 pages 0x12000..0x13000",
            "    0xb9d9    16392        BUFFER (huge page)  16384 bytes",
            "   0x10b22     2056      SIGHAND",
            "   0x1167a       16    SIGNAL_TASK",
            "   0x1579a       80  TASK  state=DEAD exit_state=ZOMBIE exit_signal=SIGCHLD",
            "   0x15972       16  TAIL",
        ],
    ),
    (
        "tour-r14-s390x",
        &["     0x2a7      440    CPU  psw_t_addr=0x8060 orig_gpr2=0x11"],
    ),
    (
        "tour-r18-x86_64",
        &["     0x123       16  HEADER_ARCH  has_fxsr=1 has_xsave=0 xstate_size=512"],
    ),
    (
        "error-r01-i386",
        &[
            "     0x8ad       61      STRING (error text)  \"[pid 1234 tsk spin err -9 obj 8]: file has an owner\"",
        ],
    ),
    (
        "unknown-record-r17-arm",
        &["     0x6d7       48      (unknown) type 4242"],
    ),
    (
        "short-length-r17-arm",
        &["     0x64b       18        (gap)  bytes of no record"],
    ),
];

#[test]
fn the_outline_shows_of_each_record_what_one_looks_for() {
    for (sample, expected) in OUTLINES {
        check(sample, &outline(&bytes(sample)), expected);
    }
}

/// Samples and lines of their JSON.
const LINES: &[(&str, &[&str])] = &[
    (
        "tour-r17-arm",
        &[
            r#"{"schema":1,"kind":"image","revision":"R17","arch":"ARM","byte_order":"little-endian","page_size":4096}"#,
            r#"{"kind":"record","record":1,"offset":72,"type":"BUFFER","number":4,"len":73,"depth":0,"role":"release","text":"3.0.15"}"#,
            r#"{"kind":"record","record":4,"offset":291,"type":"HEADER_ARCH","number":2,"len":16,"depth":0,"fields":{"cpu_architecture":{"value":9,"name":"ARMv7"},"mmu":1,"aeabi":1,"oabi_compat":0}}"#,
            r#"{"kind":"record","record":7,"offset":334,"type":"LSM_INFO","number":7,"len":12,"depth":0,"hex":"312e3000"}"#,
            r#"{"kind":"record","record":14,"offset":678,"type":"THREAD","number":107,"len":24,"depth":1,"task":0,"fields":{"syscall":{"value":0,"name":"restart_syscall"},"tp_value":70784,"thumbee_state":0}}"#,
            r#"{"kind":"record","record":16,"offset":758,"type":"CPU","number":108,"len":80,"depth":1,"task":0,"fields":{"uregs":[17,34,51,68,85,102,119,136,153,170,187,3204443904,204,3204443904,32852,32864,1610612752,17]}}"#,
            r##"{"kind":"record","record":31,"offset":1153,"type":"UTS_NS","number":110,"len":400,"depth":3,"task":0,"object":13,"fields":{"sysname":"Linux","nodename":"board","release":"3.0.15","version":"#1","machine":"armv7l","domainname":"(none)"}}"##,
            r#"{"kind":"record","record":95,"offset":12707,"type":"PIPE_BUF","number":305,"len":24,"depth":3,"task":0,"object":31,"hex":"7468726f75676820746865206669666f"}"#,
            r#"{"kind":"record","record":221,"offset":21344,"type":"SOCKET_FRAG","number":704,"len":16,"raw_len":4096,"depth":4,"task":0,"object":27,"fields":{"size":100,"offset":16}}"#,
            r#"{"kind":"record","record":235,"offset":25792,"type":"MM","number":401,"len":120,"depth":2,"task":0,"object":68,"fields":{"map_count":8,"exe_objref":69,"def_flags":{"value":"0x0","names":[]},"flags":{"value":"0xcd","names":["DUMPABLE","DUMP_ANON_PRIVATE","DUMP_ANON_SHARED","DUMP_ELF_HEADERS","DUMP_HUGETLB_PRIVATE"]},"start_code":"0x00008000","end_code":"0x00008100","start_data":"0x00010100","end_data":"0x00010100","start_brk":"0x00011000","brk":"0x00011000","start_stack":"0xbeffef50","arg_start":"0xbeffefd0","arg_end":"0xbeffefda","env_start":"0xbeffefda","env_end":"0xbeffeff1"}}"#,
            r#"{"kind":"record","record":245,"offset":30652,"type":"BUFFER","number":4,"len":8208,"depth":3,"task":0,"object":68,"role":"pages","pages":2,"contents_offset":30668,"runs":[["0x00012000",2]]}"#,
            r#"{"kind":"record","record":386,"offset":88434,"type":"TAIL","number":9001,"len":16,"depth":0,"fields":{"magic":"0x002d2a0cc0deef00"}}"#,
            r#"{"kind":"end","offset":88450,"complete":true,"diagnostics":0}"#,
        ],
    ),
    (
        "tour-r05-x86_64",
        &[
            r#"{"kind":"record","record":12,"offset":586,"type":"THREAD","number":106,"len":40,"depth":1,"task":0,"fields":{"thread_info_flags":0,"gdt_entry_tls_entries":3,"sizeof_tls_array":24,"tls_array":["0xb7dff25de6c0ffff",0,0]}}"#,
        ],
    ),
    (
        "foreign-r18-arm",
        &[
            r#"{"kind":"record","record":68,"offset":9135,"type":"STRING","number":5,"len":20,"depth":1,"role":"foreign name","text":"weather.img"}"#,
        ],
    ),
    (
        "error-r01-i386",
        &[
            r#"{"kind":"record","record":39,"offset":2221,"type":"STRING","number":5,"len":61,"depth":2,"task":0,"object":8,"role":"error text","text":"[pid 1234 tsk spin err -9 obj 8]: file has an owner"}"#,
        ],
    ),
    (
        "unknown-record-r17-arm",
        &[
            r#"{"kind":"record","record":46,"offset":1751,"type":"(unknown)","number":4242,"len":48,"depth":2,"task":0,"object":11,"hex":"6e6f626f6479206b6e6f777320776861742074686973207265636f7264206d65616e730000000000"}"#,
            r#"{"kind":"diagnostic","code":"P004","severity":"error","record_type":"","offset":1751,"len":48,"record":46,"path":"","found":"type 4242","expected":""}"#,
            r#"{"kind":"end","offset":9143,"complete":true,"diagnostics":1}"#,
        ],
    ),
    (
        "short-length-r17-arm",
        &[
            r#"{"kind":"record","record":40,"offset":1611,"type":"(gap)","len":18,"depth":3,"task":0,"object":10,"role":"gap","hex":"2f6465762f6e756c6c00"}"#,
            r#"{"kind":"diagnostic","code":"P009","severity":"error","record_type":"FILE_DESC","offset":1629,"len":0,"record":41,"path":"","found":"FILE_DESC in its place","expected":"FILE_NAME"}"#,
        ],
    ),
];

#[test]
fn a_line_of_json_holds_all_of_a_record() {
    for (sample, expected) in LINES {
        check(sample, &lines(&bytes(sample)), expected);
    }
}

#[test]
fn numbers_without_a_name_and_below_0_are_told_as_they_are() {
    let image = Changed::new("tour-r17-arm")
        .set("THREAD", 0, "syscall", 4000)
        .set("FS", 0, "umask", 0x1_0012)
        .set("FILE_DESC", 0, "fd_descriptor", u64::MAX)
        .set("TAIL", 0, "magic", 0)
        .bytes();
    let expected = [
        r#"{"kind":"record","record":14,"offset":678,"type":"THREAD","number":107,"len":24,"depth":1,"task":0,"fields":{"syscall":{"value":4000,"name":null},"tp_value":70784,"thumbee_state":0}}"#,
        r#"{"kind":"record","record":91,"offset":12588,"type":"FILE_DESC","number":302,"len":24,"depth":2,"task":0,"object":27,"fields":{"fd_objref":28,"fd_descriptor":-1,"fd_close_on_exec":0}}"#,
        r#"{"kind":"record","record":268,"offset":68237,"type":"FS","number":451,"len":16,"depth":2,"task":0,"object":74,"fields":{"umask":{"value":"0x10012","names":["WGRP","WOTH","0x10000"]}}}"#,
        r#"{"kind":"record","record":386,"offset":88434,"type":"TAIL","number":9001,"len":16,"depth":0,"fields":{"magic":"0x0000000000000000"}}"#,
    ];
    check("changed", &lines(&image), &expected);
}

/// Pages of a segment are counted, those of a mapping addressed (§4.1).
#[test]
fn pages_that_follow_each_other_are_one_run_however_they_are_numbered() {
    let numbers = |numbers: [u32; 2]| numbers.map(u32::to_le_bytes).concat();
    let tour = Changed::new("tour-r17-arm");
    let mut pages = [tour.record("PGARR", 6), tour.record("BUFFER (pages)", 2)].concat();
    pages[24..32].copy_from_slice(&numbers([5, 6]));
    let counted = tour
        .set("VMA", 2, "vma_type", 4)
        .write("BUFFER (pages)", 2, 8, &numbers([0x12, 0x13]))
        .with("IPC_SHM", 1, &pages);
    let apart = Changed::new("tour-r17-arm");
    let apart = apart.write("BUFFER (pages)", 2, 8, &numbers([0x12000, 0x14000]));
    let runs = |image: Changed, n| {
        let lines = lines(&image.bytes());
        let mut runs = lines.lines().filter(|line| line.contains(r#""runs":"#));
        let (_, runs) = runs.nth(n).unwrap().split_once(r#""runs":"#).unwrap();
        runs.to_owned()
    };
    assert_eq!(runs(counted.clone(), 1), r#"[["0x00000005",2]]}"#);
    assert_eq!(runs(counted, 3), r#"[["0x00000012",2]]}"#);
    assert_eq!(runs(apart, 2), r#"[["0x00012000",1],["0x00014000",1]]}"#);
}

/// Takes what is written, in the pieces in which it comes.
#[derive(Default)]
struct Pieces(Vec<usize>);

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.push(bytes.len());
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn lines_are_written_in_large_pieces_and_not_held_until_the_end() {
    let mut pieces = Pieces::default();
    write_lines(&mut decoder(&bytes("tour-r17-arm")), &mut pieces).unwrap();
    let Pieces(mut lens) = pieces;
    let last = lens.pop().unwrap();
    assert!(!lens.is_empty() && last < 80 << 10, "{lens:?}, {last}");
    let range = 64 << 10..80 << 10;
    assert!(lens.iter().all(|len| range.contains(len)), "{lens:?}");
}
