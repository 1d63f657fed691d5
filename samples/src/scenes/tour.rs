//! The same process tree in every dialect, with all that the dialect can say.
//!
//! Two processes, a task in nested pid namespaces, a zombie and a thread; every file type,
//! mapping type and IPC kind; labels, queued signals, namespaces.

use crate::dialect::{Dialect, rec};
use crate::file::{File, open};
use crate::head::{Machine, Member};
use crate::ipc::Perms;
use crate::memory::{Layout, Vma, flag, kind};
use crate::net::{Inet, Owner, Skb, Socket, Unix};
use crate::scenes::quiet_signals;
use crate::stream::Stream;
use crate::task::{Cred, Objects, Queued, Signals, Task};
use crate::thread::{Thread, Unit};

const ROOT: Member = Member {
    pgid: 100,
    ..Member::process(100, 0, 0)
};
const INNER_INIT: Member = Member::process(101, 100, 0).nested(&[1]);
const INNERMOST: Member = Member::process(102, 101, 0).nested(&[2, 1]);
const ZOMBIE: Member = Member::process(103, 100, 0);

/// Labels of one security module: of credentials, files, IPC objects and messages.
struct Labels {
    lsm: &'static str,
    info: &'static [u8],
    root: &'static str,
    user: &'static str,
    file: &'static str,
    ipc: &'static str,
    message: &'static str,
}

const SMACK: Labels = Labels {
    lsm: "smack",
    info: b"1.0\0",
    root: "Sensor",
    user: "User",
    file: "Sensor",
    ipc: "Sensor",
    message: "Sensor",
};

/// Credentials have six contexts (previous, current, exec, create, keycreate, sockcreate), files
/// two (file, opener).
const SELINUX: Labels = Labels {
    lsm: "selinux",
    info: b"dummy",
    root: concat!(
        "system_u:system_r:kernel_t:s0",
        ":::system_u:system_r:init_t:s0",
        ":::",
        ":::",
        ":::",
        ":::"
    ),
    user: concat!(
        "user_u:user_r:user_t:s0",
        ":::user_u:user_r:user_t:s0:c1,c2",
        ":::user_u:user_r:exec_t:s0",
        ":::",
        ":::",
        ":::"
    ),
    file: "user_u:object_r:user_home_t:s0:::system_u:system_r:init_t:s0",
    ipc: "system_u:object_r:tmpfs_t:s0",
    message: "system_u:object_r:init_msg_t:s0",
};

/// The tours take turns.
fn labels(d: Dialect) -> &'static Labels {
    if d.rev.is_multiple_of(2) {
        &SELINUX
    } else {
        &SMACK
    }
}

/// Numbers that later tasks refer to.
#[derive(Default)]
struct World {
    cred: i32,
    ns: i32,
    shm: i32,
    pipe: i32,
    tty: i32,
    shared: i32,
    huge: i32,
    fs: i32,
}

/// The tree in the dialect `d`.
pub(crate) fn tour(d: Dialect) -> Vec<u8> {
    let mut s = Stream::new(d);
    let nested = d.rev >= 8;
    let plain = |member: Member| if nested { member } else { member.nested(&[]) };
    // Bit 1 says that network namespaces are left out in R09 and R10, and saved since R11.
    let uflags = if d.rev >= 11 { 3 } else { 1 };
    let machine = Machine {
        uflags,
        lsm: labels(d).lsm,
        lsm_info: labels(d).info,
        ..Machine::of(&s)
    };
    s.head(&machine);
    s.tree(&[
        ROOT,
        plain(INNER_INIT),
        plain(INNERMOST),
        ZOMBIE,
        Member::thread(104, ROOT),
    ]);
    let mut world = World::default();
    let root = root(&mut s, &machine, &mut world);
    inner_init(&mut s, &machine, &mut world);
    innermost(&mut s, &world);
    s.task(&Task::zombie(b"done", 0x0b));
    let worker = Thread {
        restart: [7, 0x0001_2340, 2, 1, 0xffff_ffff, 1_500_000],
        syscall: 240,
        ..Thread::default()
    };
    s.follow(
        &Task::asleep(b"worker"),
        &worker,
        (world.cred, world.ns),
        root,
    );
    s.tail()
}

fn root(s: &mut Stream, machine: &Machine, world: &mut World) -> Objects {
    s.task(&Task {
        flags: 2,
        clear_child_tid: 0x4002_0068,
        altstack: (0x4003_0000, 8192),
        robust_list: 0x4002_0070,
        ..Task::new(b"tour")
    });
    s.thread(&Thread {
        vsx: s.d.rev >= 10,
        units: vec![Unit::vfp_d32(
            |n| f64::from(u32::try_from(n).unwrap_or_default()),
            0,
        )],
        ..Thread::default()
    });
    let label = Some(labels(s.d).root);
    world.cred = s.credentials(&Cred {
        groups: &[4, 20, 100],
        label,
        ..Cred::ROOT
    });
    s.task_creds(world.cred, world.cred);
    world.ns = s.namespaces(machine, |s| world.shm = ipc(s), Stream::network);
    s.task_ns(world.ns);
    let mut objects = Objects {
        files: s.file_table(|s| files(s, world)),
        mm: memory(s, world),
        fs: s.directories(b"/home/tour", 0o22),
        sem_undo: s.sem_undo(&[(0, &[1, 0, -2]), (32768, &[-1])]),
        sighand: s.handlers(&[
            (10, 0x8100, 0x0400_0004, 0x8000_0000_0000_0200),
            (13, 1, 0, 0),
        ]),
        signal: 0,
    };
    world.fs = objects.fs;
    s.task_objs(&mut objects);
    s.signal(&Signals {
        timers: [1_000_000, 2_000_000, 3, 4, 5, 6],
        tty: (world.tty, 100, 101),
    });
    s.pending(
        1 << 16 | 1 << 63,
        &[
            Queued::Child(103, 0, 11, 20_000_000, 10_000_000),
            Queued::Value(64, 101, 1000, 0x1234_5678),
        ],
    );
    s.pending(
        1 << 10 | 1 << 11 | 1 << 28,
        &[
            Queued::Fault(11, 0xdead_0000),
            Queued::Poll(1, 14),
            Queued::Kill(12, 100, 0),
        ],
    );
    s.blocked(1 << 10 | 1 << 11 | 1 << 16 | 1 << 28 | 1 << 63);
    objects
}

/// Two segments, two queues, two sets; returns the first segment's inode.
fn ipc(s: &mut Stream) -> i32 {
    let label = Some(labels(s.d).ipc);
    let perms = |id, label| Perms {
        id,
        key: 0x7075_0000 + id.cast_unsigned(),
        mode: 0o600,
        label,
    };
    s.ipc_list(rec::IPC_SHM, 2);
    let page = s.page(|p| {
        p.raw(b"System V segment, page 1\0");
    });
    let segment = s.ipc_shm(perms(0, label), 3 * s.d.page as u64, &[(1, page)]);
    s.ipc_shm(perms(32768, None), s.d.page as u64, &[]);
    s.ipc_list(rec::IPC_MSG, 2);
    // Longer than a page: it is kept, and written, in two segments.
    let long = b"0123456789abcdef".repeat(320);
    let messages = [
        (1, &b"hello"[..], Some(labels(s.d).message)),
        (7, b"", None),
        (2, &long, None),
    ];
    s.ipc_msg(perms(0, label), &messages);
    s.ipc_msg(perms(1, None), &[]);
    s.ipc_list(rec::IPC_SEM, 2);
    s.ipc_sem(perms(0, label), &[(1, 100), (0, 0), (7, 101)]);
    s.ipc_sem(perms(32768, None), &[(1, 101)]);
    segment
}

fn files(s: &mut Stream, world: &mut World) {
    let file = File::new(open::READ_WRITE);
    s.open_file(
        0,
        b"/home/tour/notes.txt",
        file.at(17).labelled(labels(s.d).file),
    );
    let fifo = s.fifo(b"/run/tour.fifo", b"through the fifo");
    s.descriptor(1, fifo, false);
    let (reader, pipe) = s.pipe(open::READ, b"unread pipe data");
    s.descriptor(2, reader, false);
    let writer = s.pipe_again(pipe, open::WRITE);
    s.descriptor(3, writer, true);
    let (empty, pipe) = s.pipe(open::READ | open::NONBLOCK, b"");
    s.descriptor(4, empty, false);
    world.pipe = pipe;
    if s.d.rev >= 2 {
        let epoll = s.epoll(&[
            (2, 1, 0xfeed_0002),
            (6, 5, 6),
            (8, 1, 0xffff_ffff_0000_0008),
        ]);
        s.descriptor(5, epoll, true);
        let event = s.eventfd(3, open::NONBLOCK);
        s.descriptor(6, event, false);
        let idle = s.epoll(&[]);
        s.descriptor(7, idle, false);
    }
    sockets(s);
    let helper = Cred {
        uid: 8,
        gid: 8,
        caps: [0; 4],
        ..Cred::ROOT
    };
    let inherited = s.file_opened_by(&helper, b"/var/mail/tour", File::new(open::WRITE));
    s.descriptor(19, inherited, false);
    let (master, _, slave) = s.terminal(3, b"ls\nexi");
    s.descriptor(20, master, false);
    let end = s.terminal_file(slave);
    s.descriptor(21, end, false);
    world.tty = slave;
}

/// Descriptors 8 to 16: unix sockets in all states, then inet ones.
fn sockets(s: &mut Stream) {
    let connected = |path, received| Unix {
        received,
        ..Unix::new(Socket::UNIX_CONNECTED, path)
    };
    let mut ends = (0, 0);
    let near = s.socket_file(|s| {
        let two = vec![Skb::from_peer(b"first"), Skb::from_peer(b"second")];
        let far = connected(b"\0tour", vec![Skb::from_peer(b"reply")]);
        ends = s.unix_pair(&connected(b"", two), &far);
        ends.0
    });
    s.descriptor(8, near, false);
    let far = s.socket_file(|_| ends.1);
    s.descriptor(9, far, false);
    let relative = Unix {
        directory: b"/home/tour/",
        ..Unix::new(Socket::UNIX_LISTENING, b"run/listen")
    };
    let listening = s.socket_file(|s| s.unix(&relative));
    s.descriptor(10, listening, false);
    let datagram = Unix {
        received: vec![
            Skb::from(Owner::Itself, b"to myself"),
            Skb::from(Owner::Elsewhere, b"from afar"),
            Skb::from(Owner::Dead, b"from nobody"),
        ],
        ..Unix::new(Socket::UNIX_DATAGRAM, b"/run/tour.dgram")
    };
    let datagram = s.socket_file(|s| s.unix(&datagram));
    s.descriptor(11, datagram, false);
    inet_sockets(s);
}

/// Descriptors 12 to 16.
fn inet_sockets(s: &mut Stream) {
    let none = ([0; 4], 0);
    let (here, there) = (([192, 168, 7, 2], 80), ([192, 168, 7, 9], 51515));
    let v6 = Socket {
        family: 10,
        ..Socket::TCP_CONNECTED
    };
    let busy = Inet {
        received: vec![Skb::packet(b"head ", &[(100, 16, b'f')])],
        unsent: vec![Skb::from(Owner::Itself, b"unacknowledged")],
        ..Inet::new(Socket::TCP_CONNECTED, here, there)
    };
    for (number, socket) in [
        (12, Inet::new(Socket::TCP_LISTENING, ([0; 4], 80), none)),
        (13, busy),
        (14, Inet::new(Socket::UDP, ([127, 0, 0, 1], 53), none)),
        (
            16,
            Inet::new(v6, ([10, 1, 2, 3], 443), ([10, 3, 2, 1], 40000)),
        ),
    ] {
        let file = s.socket_file(|s| s.inet(&socket));
        s.descriptor(number, file, false);
    }
}

fn memory(s: &mut Stream, world: &mut World) -> i32 {
    s.memory(
        &Layout::PLAIN,
        |s| s.file(b"/bin/tour", File::exec().labelled(labels(s.d).file)),
        |s, exe| {
            s.mapped(&Vma::file(exe, 0x8000, 0xa000, flag::TEXT, 0), &[]);
            let data = s.page(|p| {
                p.raw(b"initialised data\0");
            });
            s.mapped(
                &Vma::file(exe, 0x10000, 0x12000, flag::DATA, 8),
                &[(0x10000, data)],
            );
            // Three pages in two groups, with a hole between the second and the third.
            let heap = [0x12000, 0x13000, 0x18000].map(|at| {
                let page = s.page(|p| {
                    p.raw(format!("heap page at {at:#x}\0").as_bytes());
                });
                (at, page)
            });
            s.vma(&Vma::anon(0x12000, 0x20000, flag::DATA));
            s.pages(&heap, 2);
            shared_mappings(s, world);
            if s.d.is_x86() {
                let vdso = Vma::anon(0xffff_e000, 0xffff_f000, 0x0404_0075);
                let vdso = Vma {
                    kind: kind::VDSO,
                    ..vdso
                };
                stack(s);
                s.vma(&vdso);
            } else {
                stack(s);
            }
        },
    )
}

fn stack(s: &mut Stream) {
    let top = s.stack_page(0xbeff_e000, b"/bin/tour\0HOME=/\0PATH=/bin\0");
    s.mapped(
        &Vma::anon(0xbefd_e000, 0xbeff_f000, flag::STACK),
        &[(0xbeff_e000, top)],
    );
}

/// Every kind of shared mapping, below the stack.
fn shared_mappings(s: &mut Stream, world: &mut World) {
    let base = shared_base(s);
    world.shared = s.take_ref();
    let page = s.page(|p| {
        p.raw(b"shared anonymous, index 2\0");
    });
    let anonymous = Vma::shared(kind::SHM_ANON, world.shared, base, 0x4000);
    s.mapped(&anonymous, &[(2, page)]);
    let file = s.file(b"/home/tour/shared.db", File::new(open::READ_WRITE));
    let inode = s.take_ref();
    s.vma(&Vma {
        file,
        ..Vma::shared(kind::SHM_FILE, inode, base + 0x10000, 0x2000)
    });
    s.vma(&Vma::shared(
        kind::SHM_IPC_SKIP,
        world.shm,
        base + 0x20000,
        0x3000,
    ));
    if s.d.rev >= 16 {
        world.huge = s.take_ref();
        s.vma(&Vma {
            flags: flag::SHARED | 0x40_0000,
            huge_shift: 14,
            ..Vma::shared(kind::HUGETLB, world.huge, base + 0x40000, 0x8000)
        });
        s.huge_page(1, 14, b'H');
        s.page_count(0);
    }
}

/// The first task of a pid namespace, in a user namespace of its own.
fn inner_init(s: &mut Stream, machine: &Machine, world: &mut World) {
    s.task(&Task {
        pdeath_signal: 9,
        ..Task::asleep(b"inner-init")
    });
    s.thread(&Thread {
        restart: [2, 1, 0xbeff_e800, 0, 0, 2_000_000_000],
        syscall: 162,
        ..Thread::default()
    });
    let real = s.credentials(&Cred {
        uid: 1000,
        gid: 1000,
        groups: &[1000],
        label: Some(labels(s.d).user),
        caps: [0, 0x2c00, 0x2000, 0xffff_fffe_ffff_ffff],
        securebits: 0x2f,
        ns_creator: Some(0),
    });
    // Opened files keep the real credentials; the task acts with the root's.
    s.task_creds(real, world.cred);
    let ns = s.namespaces(machine, Stream::ipc_empty, |_| 0);
    s.task_ns(ns);
    let objects = &mut Objects {
        files: s.file_table(|s| {
            let writer = s.pipe_again(world.pipe, open::WRITE | open::NONBLOCK);
            s.descriptor(1, writer, false);
        }),
        mm: inner_memory(s, world),
        fs: s.directories(b"/", 0o77),
        sem_undo: 0,
        sighand: s.handlers(&[]),
        signal: 0,
    };
    s.task_objs(objects);
    quiet_signals(s);
}

/// What the inner init maps: the segments of the root, and memory of its own.
fn inner_memory(s: &mut Stream, world: &World) -> i32 {
    s.memory(
        &Layout::PLAIN,
        |s| s.file(b"/sbin/init", File::exec()),
        |s, exe| {
            s.mapped(&Vma::file(exe, 0x8000, 0x9000, flag::TEXT, 0), &[]);
            let base = shared_base(s);
            let skip = |kind, segment, at, size| Vma::shared(kind, segment, base + at, size);
            s.vma(&skip(kind::SHM_ANON_SKIP, world.shared, 0, 0x4000));
            if world.huge != 0 {
                s.vma(&Vma {
                    flags: flag::SHARED | 0x40_0000,
                    huge_shift: 14,
                    ..skip(kind::HUGETLB_SKIP, world.huge, 0x40000, 0x8000)
                });
            }
            // Above 4 GiB if there is such a place.
            let wide = s.d.word() == 8;
            let upper = if wide { 0x03f0_4000_0000 } else { 0x5000_0000 };
            let content = s.page(|p| {
                p.raw(b"mapping of the inner init\0");
            });
            let own = Vma::anon(upper, upper + 0x20000, flag::DATA);
            s.mapped(&own, &[(upper, content)]);
        },
    )
}

/// Where shared mappings begin.
fn shared_base(s: &Stream) -> u64 {
    if s.d.word() == 8 {
        0x8000_0000
    } else {
        0x4000_0000
    }
}

/// A task two pid namespaces down that shares its directories with the root and has no memory
/// map of its own to speak of.
fn innermost(s: &mut Stream, world: &World) {
    s.task(&Task::asleep(b"innermost"));
    s.thread(&Thread {
        restart: [6, 0x0001_2000, 1, 1, 0, 750_000_000],
        syscall: 168,
        ..Thread::default()
    });
    s.task_creds(world.cred, world.cred);
    s.task_ns(world.ns);
    let objects = &mut Objects {
        files: s.file_table(|_| ()),
        mm: s.memory(&Layout::PLAIN, |_| 0, |s, _| stack(s)),
        fs: world.fs,
        sem_undo: 0,
        sighand: s.handlers(&[]),
        signal: 0,
    };
    s.task_objs(objects);
    // Its terminal is met here for the first time.
    let tty = s.hung_up_terminal(4);
    s.signal(&Signals {
        tty: (tty, 0, 0),
        ..Signals::default()
    });
    s.pending(0, &[]);
    s.pending(0, &[]);
    s.blocked(0);
}
