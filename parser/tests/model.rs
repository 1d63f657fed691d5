//! What the model holds of an image: each thing with its values and the record that it came from.

mod common;

use ckpt_parser::decoder::{Decoder, Options};
use ckpt_parser::limits::Limits;
use ckpt_parser::model::{Image, Progress, RecordAt, SigInfo, Socket, validate};
use ckpt_parser::report::document::Document;
use ckpt_parser::source::SliceSource;
use common::{Changed, bytes, decoder, image};
use serde_json::{Value, json};
use std::io::ErrorKind;

fn document(bytes: &[u8]) -> Value {
    let image = image(bytes);
    let mut findings = image.findings.clone();
    findings.extend(validate(&image, 100));
    serde_json::to_value(Document::new(&image, &findings)).unwrap()
}

/// Samples, places in their document, and what stands there.
fn facts() -> Vec<(&'static str, Vec<(&'static str, Value)>)> {
    let tour = vec![
        ("/header/kernel", json!("3.0.15")),
        ("/header/release", json!("3.0.15")),
        (
            "/header/version",
            json!("#1 PREEMPT Sat Mar 17 12:00:00 EDT 2012"),
        ),
        ("/header/machine", json!("armv7l")),
        ("/header/rev", json!(6)),
        ("/header/time", json!(1_332_000_240)),
        (
            "/header/uflags",
            json!({"value": "0x00000003", "names": ["SUBTREE", "NETNS"]}),
        ),
        ("/header/lsm", json!("smack")),
        (
            "/header/cpu_architecture",
            json!({"value": 9, "name": "ARMv7"}),
        ),
        ("/header/oabi_compat", json!(false)),
        ("/tasks/1/nested_pids", json!([1])),
        ("/tasks/2/nested_pids", json!([2, 1])),
        ("/tasks/0/objects/ns", json!(12)),
        (
            "/tasks/0/registers/13",
            json!({"name": "sp", "value": "0xbeffef00"}),
        ),
        ("/address_spaces/0/exe", json!("/bin/tour")),
        ("/address_spaces/0/record", json!(235)),
        ("/address_spaces/0/mappings/1/file_offset", json!(32768)),
        ("/address_spaces/0/mappings/2/file_offset", json!(0)),
        (
            "/address_spaces/0/mappings/2/runs",
            json!([["0x00012000", 30668, 8192], ["0x00018000", 38888, 4096]]),
        ),
        (
            "/address_spaces/0/mappings/6/runs",
            json!([["0x40044000", 47585, 16384]]),
        ),
        ("/segments/0/runs", json!([[4096, 1836, 4096]])),
        ("/files/5/count", json!(null)),
        ("/files/6/count", json!(3)),
        ("/sockets/0/remote", json!("@tour")),
        ("/sockets/2/local", json!("/home/tour/run/listen")),
        ("/sockets/3/local", json!("/run/tour.dgram")),
        ("/sockets/5/local", json!("192.168.7.2:80")),
        ("/sockets/5/remote", json!("192.168.7.9:51515")),
        ("/sockets/6/remote", json!("")),
        ("/sockets/2/queued", json!([])),
        ("/sockets/3/queued", json!([29, 0])),
        ("/sockets/5/queued", json!([105, 14])),
        ("/sockets/9/queued", json!([])),
        ("/credentials/0/groups", json!([4, 20, 100])),
        ("/credentials/0/label", json!("Sensor")),
        ("/credentials/2/capabilities/1", json!("0x00002c00")),
        (
            "/namespaces/0/uts",
            json!(["Linux", "board", "3.0.15", "#1", "armv7l", "(none)"]),
        ),
        ("/namespaces/0/net", json!(21)),
        (
            "/ipc/0/semaphores",
            json!([[0, "0x70750000", [1, 0, 7]], [32768, "0x70758000", [1]]]),
        ),
    ];
    let units = vec![
        ("/tasks/1/register_files/0/unit", json!("VFP")),
        (
            "/tasks/1/register_files/0/registers/3",
            json!({"name": "d3", "value": "0x7ff0000000000000"}),
        ),
        (
            "/tasks/1/register_files/0/registers/19",
            json!({"name": "fpinst2", "value": "0x00000000"}),
        ),
        ("/tasks/3/register_files/0/unit", json!("IWMMXT")),
        (
            "/tasks/3/register_files/0/registers/0",
            json!({"name": "wr0", "value": "0x0000000000000000"}),
        ),
        (
            "/tasks/3/register_files/0/registers/21",
            json!({"name": "wcgr3", "value": "0x00000004"}),
        ),
        (
            "/tasks/3/register_files/1/registers",
            json!([{"name": "acc0", "value": "0x0000006789abcdef"}]),
        ),
        ("/tasks/4/register_files/0/unit", json!("CRUNCH")),
        (
            "/tasks/4/register_files/0/registers/0",
            json!({"name": "mvdx0", "value": "0x0000000000000000"}),
        ),
        (
            "/tasks/4/register_files/0/registers/28",
            json!({"name": "dspsc", "value": "0x0000000100000800"}),
        ),
        ("/tasks/0/abi/hwcap", json!("0x0000b0d7")),
    ];
    vec![
        (TOUR, tour),
        ("units-r18-arm", units),
        (
            "tour-r08-x86_64",
            vec![("/tasks/2/nested_pids", json!([2, 1]))],
        ),
        (
            "tour-r18-x86_64",
            vec![
                (
                    "/tasks/0/registers/0",
                    json!({"name": "r15", "value": "0x000000bb00000f00"}),
                ),
                (
                    "/tasks/0/register_files/0/registers/0",
                    json!({"name": "bytes0", "value": "0x000000000000037f"}),
                ),
            ],
        ),
        (
            "hugepages-r17-arm",
            vec![
                ("/segments/0/runs", json!([[0, 1595, 16384]])),
                (
                    "/address_spaces/0/mappings/2/runs",
                    json!([["0xbf000000", 23073, 16384], ["0xbf008000", 39489, 16384]]),
                ),
            ],
        ),
        (
            "hostile-r17-arm",
            vec![("/sockets/0/local", json!("@\\x1b[?1049habstract\\x00name"))],
        ),
        ("container-r17-arm", vec![("/tasks/2/ppid", json!(2))]),
    ]
}

const TOUR: &str = "tour-r17-arm";

#[test]
fn the_document_says_what_the_samples_were_made_with() {
    for (sample, facts) in facts() {
        let document = document(&bytes(sample));
        for (place, expected) in facts {
            assert_eq!(document.pointer(place), Some(&expected), "{sample} {place}");
        }
    }
}

/// What the document leaves out and conversions need.
#[test]
fn the_model_holds_more_than_the_document() {
    let image = image(&bytes(TOUR));
    assert_eq!(image.header.arch_id, 4);
    assert_eq!(image.header.lsm_info, b"1.0\0");
    assert_eq!(image.mms[&68].end_brk, Some(0));
    assert_eq!(image.fs[&74].umask, Some(0o22));
    assert_eq!(image.fs[&74].cwd, b"/home/tour");
    assert_eq!((image.users[&80].uid, image.users[&80].user_ns), (1000, 81));
    assert_eq!(image.user_namespaces[&81], 82);
    let undo = &image.sem_undos[&75];
    assert_eq!(
        (undo.len(), undo[0].adjustments.as_slice()),
        (2, &[1, 0, -2][..])
    );
    assert!(image.net.contains_key(&21));
    let device = &image.devices[&23];
    let shown = (device.name.as_slice(), device.peer, device.addresses[0]);
    assert_eq!(shown, (&b"eth0"[..], 24, (0x0a00_0302, 0xff00_0000)));
    assert_eq!(image.devices[&26].peer, 0);
    let socket = &image.sockets[&52];
    assert_eq!((socket.socket_state, socket.dead), (3, false));
    assert_eq!(
        image.ipc[&14].limits[0],
        ("shm_ctlmax".to_owned(), 33_554_432)
    );
    let threads: Vec<i32> = image.threads_of(100).map(|task| task.pid).collect();
    assert_eq!(threads, [100, 104], "the leader first");
    let changed = Changed::new(TOUR)
        .set("MM", 0, "def_flags", 0x2000)
        .set("SOCKET", 5, "sock.flags", 1)
        .set("SOCKET_UNIX", 3, "laddr_len", 3)
        .set("SOCKET_UNIX", 3, "laddr.sun_path", 0);
    let image = common::image(&changed.bytes());
    assert_eq!(image.mms[&68].def_flags, 0x2000);
    assert!(image.sockets[&52].dead);
    assert_eq!(
        image.sockets[&48].local, "@",
        "an abstract name of no letters"
    );
}

/// Before R13 the fields of a queued signal overlay each other (§3.11).
#[test]
fn queued_signals_are_told_in_the_terms_of_today() {
    let image = |sample| {
        let changed = Changed::new(sample);
        let field = if sample == TOUR {
            "siginfo.csi_errno"
        } else {
            "siginfo._errno"
        };
        common::image(&changed.set("SIGPENDING (shared)", 0, field, 11).bytes())
    };
    let old = image("tour-r12-arm");
    let now = image(TOUR);
    let child = SigInfo {
        signo: 17,
        errno: 11,
        code: 0x4_0001,
        pid: 103,
        status: 11,
        ..SigInfo::default()
    };
    let queued = SigInfo {
        signo: 64,
        code: 0x5_ffff,
        pid: 101,
        uid: 1000,
        int: 0x1234_5678,
        ptr: 0x1234_5678,
        ..SigInfo::default()
    };
    assert_eq!(now.signals[&77].pending.queue, [child, queued]);
    let child = SigInfo {
        status: 0,
        int: 11,
        ..child
    };
    let queued = SigInfo { int: 0, ..queued };
    let pending = old.signals.values().next().unwrap();
    assert_eq!(pending.pending.queue, [child, queued]);
}

/// What waits in a socket begins behind the headers of protocols; of UDP's own, what was received still has it, where the
/// header that is cut off ends with it.
#[test]
fn what_waits_in_a_socket_begins_behind_its_headers() {
    const SOCKET: usize = 5;
    const RECEIVED: usize = 6;
    const SENT: usize = 7;
    let (tcp, udp) = (6, 17);
    for (protocol, buffer, headers, transport, skipped) in [
        (tcp, RECEIVED, 66, 34, 66),
        (tcp, RECEIVED, 34, 34, 34),
        (udp, RECEIVED, 34, 34, 42),
        (udp, RECEIVED, 42, 34, 42),
        (udp, RECEIVED, 0, 0, 0),
        (udp, SENT, 8, 8, 8),
    ] {
        let changed = Changed::new(TOUR)
            .set("SOCKET", SOCKET, "sock.protocol", protocol)
            .set("SOCKET_BUFFER", buffer, "hdr_len", headers)
            .set("SOCKET_BUFFER", buffer, "transport_header", transport);
        let image = common::image(&changed.bytes());
        let queue = &image.sockets[&52].queues[buffer - RECEIVED];
        let what = (protocol, buffer, headers);
        assert_eq!(u64::from(queue.buffers[0].hdr_len), skipped, "{what:?}");
    }
    let image = image(&bytes(TOUR));
    let data = &image.sockets[&52].queues[0].buffers[0].data;
    let data: Vec<_> = data.iter().map(|part| (part.offset, part.len)).collect();
    assert_eq!(
        data,
        [(21339, 5), (21376, 100)],
        "5 linear bytes, and a fragment"
    );
}

/// A buffer says on whose queue it sits; that beats the order in which queues are written.
#[test]
fn queues_are_those_of_the_sockets_that_their_buffers_name() {
    let queued = |image: Changed| {
        let image = common::image(&image.bytes());
        let queues = |socket: &Socket| -> Vec<u32> {
            socket
                .queues
                .iter()
                .map(|queue| queue.total_bytes)
                .collect()
        };
        let sockets = image.sockets.iter();
        sockets
            .map(|(number, socket)| (*number, queues(socket)))
            .collect::<Vec<_>>()
    };
    let tour = Changed::new(TOUR);
    let expected = queued(tour.clone());
    assert_eq!(expected[..2], [(42, vec![11, 0]), (43, vec![5, 0])]);
    let mut first = tour.record("SOCKET_QUEUE", 0);
    first.extend(tour.record("SOCKET_BUFFER", 0));
    first.extend(tour.record("BUFFER (socket data)", 0));
    first.extend(tour.record("SOCKET_QUEUE", 1));
    let turned = tour
        .clone()
        .without("SOCKET_QUEUE", 0, 4)
        .with("SOCKET_QUEUE", 3, &first);
    assert_eq!(queued(turned), expected);
    let nobody = tour.set("SOCKET_BUFFER", 0, "pr_objref", 4711);
    assert_eq!(queued(nobody), expected);
}

/// The records of an image, each by its number.
fn records(bytes: &[u8]) -> Vec<(u64, &'static str)> {
    let mut decoder = decoder(bytes);
    let mut records = Vec::new();
    while let Some(event) = decoder.next() {
        let event = event.unwrap();
        records.push((event.frame.offset, event.name()));
    }
    records
}

/// Things of an image with their records, by the type that these have.
fn places(image: &Image) -> Vec<(&'static str, RecordAt)> {
    let mut all = vec![
        ("HEADER", image.header.record),
        ("HEADER_ARCH", image.header.arch_record),
    ];
    let mut add = |name, at| all.push((name, at));
    for task in &image.tasks {
        add("TASK", task.record);
        let Some(live) = &task.live else { continue };
        add("CPU", live.cpu_record);
        add("RESTART_BLOCK", live.restart.record);
        add("TASK_OBJS", live.objs_record);
        add("SIGPENDING", live.pending.record);
        live.fpu.iter().for_each(|file| add("CPU_FPU", file.record));
        live.abi.iter().for_each(|abi| add("ARM_ABI", abi.record));
    }
    for table in image.file_tables.values() {
        add("FILE_TABLE", table.record);
        table.fds.iter().for_each(|fd| add("FILE_DESC", fd.record));
    }
    image
        .files
        .iter()
        .for_each(|(_, file)| add("FILE", file.record));
    for mm in image.mms.values() {
        add("MM", mm.record);
        mm.vmas.iter().for_each(|vma| add("VMA", vma.record));
    }
    image.fs.values().for_each(|fs| add("FS", fs.record));
    image
        .sighands
        .values()
        .for_each(|actions| add("SIGHAND", actions.record));
    for signal in image.signals.values() {
        add("SIGNAL", signal.record);
        add("SIGPENDING", signal.pending.record);
    }
    image
        .creds
        .values()
        .for_each(|cred| add("CRED", cred.record));
    image
        .users
        .values()
        .for_each(|user| add("USER", user.record));
    image
        .namespaces
        .values()
        .for_each(|ns| add("NS", ns.record));
    image.uts.values().for_each(|uts| add("UTS_NS", uts.record));
    for ipc in image.ipc.values() {
        add("IPC_NS", ipc.record);
        ipc.segments
            .iter()
            .for_each(|segment| add("IPC_SHM", segment.record));
        for queue in &ipc.queues {
            add("IPC_MSG", queue.record);
            queue
                .messages
                .iter()
                .for_each(|message| add("IPC_MSG_MSG", message.record));
        }
        ipc.semaphores
            .iter()
            .for_each(|set| add("IPC_SEM", set.record));
    }
    image.net.values().for_each(|at| add("NET_NS", *at));
    image
        .devices
        .values()
        .for_each(|device| add("NETDEV", device.record));
    for socket in image.sockets.values() {
        add("SOCKET", socket.record);
        for queue in &socket.queues {
            add("SOCKET_QUEUE", queue.record);
            queue
                .buffers
                .iter()
                .for_each(|buffer| add("SOCKET_BUFFER", buffer.record));
        }
    }
    let epolls = image.epolls.values();
    epolls.for_each(|epoll| add("EPOLL_ITEMS", epoll.record));
    image
        .terminals
        .values()
        .for_each(|tty| add("TTY", tty.record));
    let undos = image.sem_undos.values().flatten();
    undos.for_each(|undo| add("TASK_SEM_UNDO", undo.record));
    image
        .labels
        .values()
        .for_each(|label| add("SECURITY", label.record));
    image
        .foreign
        .iter()
        .for_each(|file| add("FOREIGN", file.record));
    all
}

/// A view leads from each thing to its record.
#[test]
fn everything_knows_the_record_that_it_came_from() {
    let intact = |sample: &&ckpt_samples::Sample| {
        sample.damage.is_none() && !sample.name.starts_with("error-")
    };
    for sample in ckpt_samples::all().iter().filter(intact) {
        let bytes = (sample.bytes)();
        let records = records(&bytes);
        let image = image(&bytes);
        for (name, at) in places(&image) {
            let record = records.get(usize::try_from(at.index).unwrap());
            assert_eq!(record, Some(&(at.offset, name)), "{}", sample.name);
        }
        let numbers = image.objects.numbers();
        assert!(numbers.iter().all(|number| *number > 0), "{}", sample.name);
    }
}

#[test]
fn progress_is_told_and_stops_the_reading() {
    let bytes = bytes(TOUR);
    let mut told = Vec::new();
    let read = Image::read(&mut decoder(&bytes), |progress| {
        told.push(progress);
        true
    });
    read.unwrap();
    let at_the_start = Progress {
        offset: 72,
        records: 0,
    };
    assert_eq!(told, [at_the_start]);
    let stopped = Image::read(&mut decoder(&bytes), |_| false).unwrap_err();
    assert_eq!(stopped.kind(), ErrorKind::Interrupted);
}

/// Words of the auxiliary vector have 32 bits on 32-bit machines up to R06, else 64; that the constants block gives the
/// length of the vector in words, or in bytes, settles it (§3.8).
#[test]
fn the_constants_block_settles_the_width_of_the_auxiliary_vector() {
    let first = |sample: &str, constant: Option<(&str, u64)>| {
        let image = Changed::new(sample);
        let changed = match constant {
            Some((name, value)) => image.set("HEADER", 0, &format!("constants.{name}"), value),
            None => image,
        };
        let image = common::image(&changed.bytes());
        image.mms.values().next().unwrap().auxv[0]
    };
    let (narrow, wide) = ((16, 0), (16, 0x8197));
    assert_eq!(first(TOUR, None), wide);
    assert_eq!(first(TOUR, Some(("at_vector_size", 7))), wide);
    assert_eq!(first(TOUR, Some(("at_vector_size", 320))), narrow);
    let (narrow, wide) = ((16, 0x8197), (0x8197_0000_0010, 0x1000_0000_0006));
    let old = "tour-r01-i386";
    assert_eq!(first(old, None), narrow);
    assert_eq!(first(old, Some(("mm_saved_auxv_len", 7))), narrow);
    assert_eq!(first(old, Some(("mm_saved_auxv_len", 22))), wide);
}

/// What an image holds beyond a limit is told, and as much as the limit allows is kept.
#[test]
fn limits_are_kept_to_the_last_one_and_told() {
    let bytes = bytes(TOUR);
    let read = |change: fn(&mut Limits)| {
        let mut options = Options::default();
        change(&mut options.limits);
        let mut decoder = Decoder::new(SliceSource(&*bytes), options).unwrap();
        let image = Image::read(&mut decoder, |_| true).unwrap();
        let told = image.findings.kept().iter();
        let told = told.map(|d| format!("{} {}: {}", d.code, d.record, d.found));
        (told.collect::<Vec<_>>(), image)
    };
    let (told, image) = read(|limits| limits.descriptors = 18);
    assert_eq!(told, ["P011 FILE_DESC: more than 18 descriptors"]);
    assert_eq!(image.file_tables[&27].fds.len(), 18);
    let (told, image) = read(|limits| limits.page_runs = 2);
    assert_eq!(told, ["P011 BUFFER: more than 2 page runs"; 2]);
    let runs: Vec<u64> = image.mms[&68].pages.iter().map(|run| run.addr).collect();
    assert_eq!(runs, [0x10000, 0x12000, 0x4004_4000]);
    let vma = image.mms[&68].vmas.get(2).unwrap();
    assert_eq!((vma.num_runs, vma.stored), (1, 8192));
    // Tables of pids are needed whole, however little of a record is held.
    let (_, image) = read(|limits| limits.held_len = 16);
    assert_eq!(image.pids.len(), 5);
}

/// Pages of a group that do not follow each other are runs of their own, also from number 0 on.
#[test]
fn page_runs_end_where_the_next_page_is_not_the_next() {
    let apart = [0x12000_u32, 0x14000].map(u32::to_le_bytes).concat();
    let changed = Changed::new(TOUR)
        .write("BUFFER (pages)", 0, 8, &[0; 4])
        .write("BUFFER (pages)", 2, 8, &apart);
    let document = document(&changed.bytes());
    let runs = |place: &str| document.pointer(place).unwrap().clone();
    assert_eq!(runs("/segments/0/runs"), json!([[0, 1836, 4096]]));
    let expected = json!([
        ["0x00012000", 30668, 4096],
        ["0x00014000", 34764, 4096],
        ["0x00018000", 38888, 4096]
    ]);
    assert_eq!(runs("/address_spaces/0/mappings/2/runs"), expected);
}

/// The flags of R18 say which words are known and what was used (§10.2, §10.3).
#[test]
fn what_the_flags_of_the_extension_leave_out_is_not_known() {
    let changed = Changed::new("units-r18-arm")
        .set("CPU_FPU", 0, "flags", 8)
        .set("ARM_ABI", 0, "valid", 4)
        .bytes();
    let document = document(&changed);
    assert_eq!(document["tasks"][1]["register_files"][0]["used"], false);
    let image = image(&changed);
    let file = &image.tasks[1].live.as_ref().unwrap().fpu[0];
    assert_eq!((file.fpsid.is_some(), file.mvfr), (true, None));
    let vfp = image.tasks[1].vfp().unwrap();
    assert_eq!(
        (vfp.d[3], vfp.exc, vfp.d32),
        (0x7ff0_0000_0000_0000, None, false)
    );
    let abi = image.tasks[0].live.as_ref().unwrap().abi.unwrap();
    assert_eq!(
        (abi.hwcap, abi.e_flags, abi.hwcap2),
        (Some(0xb0d7), None, None)
    );
}
