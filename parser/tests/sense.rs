//! Values that make no sense in an image whose records are all in their places, and what is said of them.

mod common;

use common::{Changed, findings};

/// A record, which one of its kind, a field, the value it gets, and what is said then.
type Case = (
    &'static str,
    usize,
    &'static str,
    u64,
    &'static [&'static str],
);

const TOUR: &str = "tour-r17-arm";

fn check(sample: &str, cases: &[Case]) {
    for (record, n, field, value, expected) in cases {
        let changed = Changed::new(sample).set(record, *n, field, *value);
        let found = findings(&changed.bytes());
        assert_eq!(found, *expected, "{record} {n} {field} = {value}");
    }
}

/// 28 is an open file.
#[test]
fn references_to_what_is_something_else_are_told() {
    check(
        TOUR,
        &[
            (
                "CRED",
                0,
                "user_ref",
                28,
                &[
                    "V006 at 0x3f1 (CRED, record 27): cred[6].user_ref: object 28 is FILE, expected USER",
                ],
            ),
            (
                "CRED",
                0,
                "sec_ref",
                4711,
                &[
                    "V005 at 0x3f1 (CRED, record 27): cred[6].sec_ref: object 4711 is not in the image, expected SECURITY",
                ],
            ),
            (
                "USER",
                0,
                "userns_ref",
                28,
                &[
                    "V006 at 0x3b2 (USER, record 23): user[8].userns_ref: object 28 is FILE, expected USER_NS",
                ],
            ),
            (
                "NS",
                0,
                "uts_objref",
                28,
                &[
                    "V006 at 0x3058 (NS, record 81): ns[12].uts_objref: object 28 is FILE, expected UTS_NS",
                ],
            ),
            (
                "NETDEV",
                0,
                "netns_ref",
                28,
                &[
                    "V006 at 0x2e80 (NETDEV, record 65): netdev[22].netns_ref: object 28 is FILE, expected NET_NS",
                ],
            ),
            (
                "NETDEV",
                1,
                "veth.peer_ref",
                28,
                &[
                    "V006 at 0x2f00 (NETDEV, record 70): netdev[24].veth.peer_ref: object 28 is FILE, expected NETDEV",
                ],
            ),
            (
                "FILE",
                1,
                "pipe_objref",
                28,
                &[
                    "V006 at 0x3154 (FILE, record 93): file[31].pipe_objref: object 28 is FILE, expected INODE",
                ],
            ),
            (
                "FILE",
                8,
                "sock_objref",
                28,
                &[
                    "V006 at 0x374b (FILE, record 124): file[41].sock_objref: object 28 is FILE, expected SOCK",
                ],
            ),
            (
                "FILE",
                17,
                "tty_objref",
                28,
                &[
                    "V006 at 0x4b3c (FILE, record 186): file[62].tty_objref: object 28 is FILE, expected TTY",
                ],
            ),
            (
                "TTY",
                1,
                "link_objref",
                28,
                &[
                    "V006 at 0x489e (TTY, record 183): tty[64].link_objref: object 28 is FILE, expected TTY",
                ],
            ),
            (
                "SIGNAL",
                0,
                "tty_objref",
                28,
                &[
                    "V006 at 0x1134a (SIGNAL, record 280): signal[77].tty_objref: object 28 is FILE, expected TTY",
                ],
            ),
            (
                "MM",
                0,
                "exe_objref",
                68,
                &[
                    "V006 at 0x64c0 (MM, record 235): mm[68].exe_objref: object 68 is MM, expected FILE",
                ],
            ),
            (
                "VMA",
                0,
                "vma_objref",
                0,
                &[
                    "V005 at 0x6680 (VMA, record 237): mm[68].vma[0].vma_objref: no file, expected a FILE object",
                ],
            ),
        ],
    );
}

/// What an epoll file watches is a list of descriptors and files.
#[test]
fn watched_files_are_files() {
    let tour = Changed::new(TOUR).write("BUFFER (epoll items)", 0, 20, &42_u32.to_le_bytes());
    assert_eq!(
        findings(&tour.bytes()),
        [
            "V006 at 0x4bec (EPOLL_ITEMS, record 191): epoll[38].fd[2]: object 42 is SOCK, expected FILE"
        ]
    );
}

/// 17 is a segment whose number no OBJREF announces.
#[test]
fn an_object_that_takes_the_number_of_another_is_told() {
    check(
        TOUR,
        &[(
            "OBJREF",
            30,
            "objref",
            17,
            &[
                "V002 at 0x37fb (OBJREF, record 129): object 17, first defined at 0x698",
                "V005 at 0x39df (FILE_DESC, record 135): file_table[27].fd[10]: object 45 is not in the image, expected FILE",
            ],
        )],
    );
}

#[test]
fn what_is_not_in_the_image_is_told() {
    check(
        TOUR,
        &[
            (
                "EPOLL_ITEMS",
                0,
                "epfile_objref",
                40,
                &[
                    "P008 at 0x4c4c (EPOLL_ITEMS, record 193): a second list of what file 40 watches",
                    "V018 at 0x3323 (FILE, record 109): file[38]: nothing says what it watches, expected an EPOLL_ITEMS record",
                ],
            ),
            (
                "EPOLL_ITEMS",
                0,
                "epfile_objref",
                4711,
                &[
                    "V018 at 0x3323 (FILE, record 109): file[38]: nothing says what it watches, expected an EPOLL_ITEMS record",
                    "V005 at 0x4bec (EPOLL_ITEMS, record 191): epfile_objref: object 4711 is not in the image, expected FILE",
                ],
            ),
            (
                "IPC_SHM",
                1,
                "shm_segsz",
                0,
                &["V018 at 0x173c (VMA, record 42): segment[18]: no contents, expected pages"],
            ),
            (
                "VMA",
                3,
                "ino_objref",
                0,
                &[
                    "V018 at 0x11e36 (VMA, record 328): mm[91] 0x40000000 /sbin/init: contents of segment 70 are not in the image",
                ],
            ),
        ],
    );
    let no_segment =
        Changed::new(TOUR)
            .set("IPC_SHM", 1, "objref", 0)
            .set("IPC_SHM", 1, "shm_segsz", 0);
    assert_eq!(findings(&no_segment.bytes()), [""; 0]);
    let no_task = Changed::new("tour-r17-arm").cut("BUFFER (task pids)", 0);
    assert_eq!(
        findings(&no_task.bytes()).last().unwrap(),
        "V018 at 0x0 (HEADER, record 0): no task, expected at least one"
    );
}

#[test]
fn numbers_out_of_their_range_are_told_and_the_last_in_it_is_not() {
    check(
        TOUR,
        &[
            (
                "FILE",
                0,
                "f_type",
                77,
                &[
                    "P008 at 0x310f (FILE_NAME, record 90): FILE_NAME, expected FILE_DESC",
                    "V011 at 0x30df (FILE, record 89): file[28].f_type: 77, expected 1 to 7",
                ],
            ),
            ("SOCKET", 0, "sock.shutdown", 3, &[]),
            (
                "SOCKET",
                0,
                "sock.shutdown",
                4,
                &[
                    "V019 at 0x344b (SOCKET, record 119): socket[42].sock.shutdown: 4, expected 0 to 3",
                ],
            ),
            ("SOCKET", 3, "sock.state", 11, &[]),
            (
                "SOCKET",
                3,
                "sock.state",
                12,
                &[
                    "V019 at 0x3a17 (SOCKET, record 138): socket[48].sock.state: 12, expected 1 to 11",
                ],
            ),
            (
                "MM",
                0,
                "end_code",
                1,
                &[
                    "V007 at 0x64c0 (MM, record 235): mm[68].end_code: 0x1, expected at least 0x8000",
                ],
            ),
            ("TASK", 0, "exit_signal", 64, &[]),
            (
                "TASK",
                0,
                "exit_signal",
                65,
                &["V016 at 0x23e (TASK, record 12): task[0].exit_signal: 65, expected 1 to 64"],
            ),
            (
                "SIGPENDING (shared)",
                0,
                "siginfo.csi_signo",
                65,
                &[
                    "V016 at 0x11492 (SIGPENDING, record 281): signal[77].siginfo: 65, expected 1 to 64",
                ],
            ),
            (
                "SIGPENDING (private)",
                0,
                "siginfo.csi_signo",
                0,
                &["V016 at 0x1155a (SIGPENDING, record 282): task[0].siginfo: 0, expected 1 to 64"],
            ),
        ],
    );
    check(
        "units-r18-arm",
        &[
            ("ARM_ABI", 0, "endian", 2, &[]),
            (
                "ARM_ABI",
                0,
                "endian",
                3,
                &["V021 at 0x37b (ARM_ABI, record 17): task[0].abi.endian: 3, expected 0 to 2"],
            ),
            ("ARM_ABI", 0, "valid", 0, &[]),
        ],
    );
    let unknown = Changed::new("units-r18-arm")
        .set("ARM_ABI", 0, "valid", 0)
        .set("ARM_ABI", 0, "calling", 4);
    assert_eq!(
        findings(&unknown.bytes()),
        ["V021 at 0x37b (ARM_ABI, record 17): task[0].abi.calling: 4, expected 0 to 3"]
    );
}

/// The leader of a thread group is a task of the image, or 0: outside of it.
#[test]
fn a_thread_without_its_leader_is_told() {
    let leader = |pid: u32| {
        let (second, tgid) = (8 + 24, 8);
        let changed = Changed::new("tour-r12-arm");
        let changed = changed.write("BUFFER (task pids)", 0, second + tgid, &pid.to_le_bytes());
        findings(&changed.bytes())
    };
    assert_eq!(leader(0), [""; 0]);
    assert_eq!(
        leader(4711),
        [
            "V014 at 0xd481 (TASK, record 273): task[1].tgid: no task 4711, expected the leader of the thread group"
        ]
    );
}
