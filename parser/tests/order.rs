//! Records that are missing, too many or in a wrong place, and what is said of them (§2).

mod common;

use common::{Changed, findings, outline};

const TOUR: &str = "tour-r17-arm";

/// What is said of a sample with something changed.
fn check(sample: &str, change: impl FnOnce(Changed) -> Changed, expected: &[&str]) {
    let changed = change(Changed::new(sample)).bytes();
    assert_eq!(findings(&changed), expected, "{sample}");
}

/// What is said of a sample with a record once more behind one where it has no place.
fn check_again(sample: &str, record: &str, behind: &str, n: usize, expected: &str) {
    let change = |image: Changed| {
        let again = image.record(record, 0);
        image.with(behind, n, &again)
    };
    check(sample, change, &[expected]);
}

#[test]
fn what_is_missing_is_named() {
    check(
        TOUR,
        |tour| tour.without("CPU", 0, 1),
        &[
            "P009 at 0x401 (TASK_CREDS, record 27): TASK_CREDS in its place, expected CPU",
            "V018 at 0x23e (TASK, record 12): task[0]: no registers, expected a CPU record",
        ],
    );
    check(
        TOUR,
        |tour| tour.without("FILE_DESC", 0, 1),
        &["V012 at 0x4bd4 (EPOLL_ITEMS, record 190): 1 FILE_DESC fewer than announced"],
    );
    check(
        TOUR,
        |tour| tour.without("PGARR", 10, 1),
        &["P009 at 0xb8c1 (VMA, record 255): the PGARR that ends the pages is missing"],
    );
    check(
        TOUR,
        |tour| tour.without("SOCKET_INET", 0, 1),
        &["P009 at 0x3c77 (FILE, record 145): SOCKET_UNIX or SOCKET_INET is missing"],
    );
    check(
        TOUR,
        |tour| tour.without("BUFFER (message text)", 3, 1),
        &[
            "P009 at 0x28c8 (IPC_MSG, record 55): 1048 bytes of message text missing",
            "V020 at 0x18c0 (IPC_MSG_MSG, record 53): m_ts: 4072 bytes of text, expected 5120",
        ],
    );
    check(
        "foreign-r18-arm",
        |image| image.without("BUFFER (foreign data)", 1, 1),
        &[
            "P009 at 0x23d3 (FOREIGN, record 70): 1 part of a file missing",
            "V021 at 0x2397 (FOREIGN, record 67): foreign[0].size: 22, expected 8",
        ],
    );
}

#[test]
fn what_has_no_place_is_named_with_what_is_wanted_there() {
    for (behind, n, expected) in [
        (
            "TASK",
            0,
            "P008 at 0x28e (HEADER, record 13): HEADER, expected STRING",
        ),
        (
            "VMA",
            1,
            "P008 at 0x6730 (HEADER, record 240): HEADER, expected PGARR",
        ),
        (
            "SOCKET",
            0,
            "P008 at 0x34c3 (HEADER, record 120): HEADER, expected SOCKET_UNIX or SOCKET_INET",
        ),
        (
            "BUFFER (message text)",
            2,
            "P008 at 0x28c8 (HEADER, record 55): HEADER, expected BUFFER",
        ),
    ] {
        check_again(TOUR, "HEADER", behind, n, expected);
    }
    // A second buffer behind the pids of the tasks is what only R08 to R14 have.
    for (sample, expected) in [
        (
            "tour-r07-s390x",
            "P008 at 0x1e2 (BUFFER, record 10): BUFFER, expected TASK",
        ),
        (
            "tour-r15-x86_64",
            "P008 at 0x23e (BUFFER, record 12): BUFFER, expected TASK",
        ),
    ] {
        let pids = "BUFFER (task pids)";
        check_again(sample, pids, pids, 0, expected);
    }
}

#[test]
fn what_was_not_announced_has_no_place() {
    check(
        TOUR,
        |tour| tour.set("TASK_SEM_UNDO", 0, "semadj_count", 0),
        &["P008 at 0x10aea (BUFFER, record 274): BUFFER, expected TASK_SEM_UNDO"],
    );
    // The data of a file without parts, where its name should be.
    let change = |image: Changed| {
        let data = image.record("BUFFER (foreign data)", 0);
        image
            .without("STRING (foreign name)", 1, 1)
            .with("FOREIGN", 1, &data)
    };
    let expected = [
        "P008 at 0x2401 (BUFFER, record 72): BUFFER, expected STRING",
        "P009 at 0x2411 (TAIL, record 73): TAIL in its place, expected STRING",
        "V021 at 0x23e9 (FOREIGN, record 71): foreign[1].name: no name, expected a file name",
    ];
    check("foreign-r18-arm", change, &expected);
}

#[test]
fn what_was_not_announced_is_not_missed() {
    type Change = fn(Changed) -> Changed;
    let changes: [Change; 3] = [
        |tour| {
            tour.set("IPC_SEM", 1, "sem_nsems", 0)
                .without("BUFFER (semaphore values)", 1, 1)
        },
        |tour| {
            tour.set("TASK_SEM_UNDO", 0, "semadj_count", 0).without(
                "BUFFER (semaphore adjustments)",
                0,
                1,
            )
        },
        // An address without a path, though bytes of one are left.
        |tour| {
            tour.set("SOCKET_UNIX", 2, "laddr_len", 2)
                .without("STRING (socket directory)", 0, 1)
        },
    ];
    for change in changes {
        check(TOUR, change, &[]);
    }
}

/// Devices stand in their namespace, other objects behind it.
#[test]
fn what_follows_a_network_namespace_is_not_in_it() {
    let tour = Changed::new(TOUR).without("NS", 0, 2).bytes();
    let outline = outline(&tour);
    let depth = |text: &str| {
        let line = outline.lines().find(|line| line.contains(text)).unwrap();
        line.find("OBJREF").unwrap()
    };
    assert!(depth("objtype=NETDEV") > depth("objtype=NET_NS"));
    assert_eq!(depth("objtype=FILE_TABLE"), depth("objtype=NET_NS"));
}

#[test]
fn an_image_that_is_cut_lacks_the_next_record() {
    let lacks = |behind, n, expected: &str| {
        let found = findings(&Changed::new(TOUR).cut(behind, n).bytes());
        assert_eq!(found[0], expected);
    };
    lacks(
        "FS",
        0,
        "P006 at 0x10a9d (record 269): end of image, expected FILE_NAME",
    );
    lacks(
        "FILE_DESC",
        3,
        "P006 at 0x32ab (record 104): end of image, expected FILE_DESC",
    );
    lacks(
        "VMA",
        1,
        "P006 at 0x6730 (record 240): end of image, expected PGARR",
    );
    lacks(
        "SOCKET",
        0,
        "P006 at 0x34c3 (record 120): end of image, expected SOCKET_UNIX or SOCKET_INET",
    );
    lacks(
        "BUFFER (message text)",
        2,
        "P006 at 0x28c8 (record 55): end of image, expected BUFFER",
    );
    lacks(
        "SIGNAL_TASK",
        3,
        "P006 at 0x15972 (record 386): end of image, expected TAIL",
    );
}

#[test]
fn a_failed_checkpoint_lacks_its_reason_and_nothing_else() {
    let no_objects =
        "V018 at 0x1b3 (TASK, record 12): task[0]: no objects, expected a TASK_OBJS record";
    let reason = "P013 at 0x665 (STRING, record 42): [err -16][pos 1637][E @ checkpoint_one_file:371]file \
                  /var/run/lock [obj 10][ptr c0de1000][sym lease_ops][str flock][pid 1234 tsk spin]: file lock\\n";
    check("error-r17-arm", |image| image, &[reason, no_objects]);
    check(
        "error-r17-arm",
        |image| image.cut("ERROR", 0),
        &[
            "P006 at 0x665 (record 42): end of image, expected STRING",
            no_objects,
        ],
    );
}
