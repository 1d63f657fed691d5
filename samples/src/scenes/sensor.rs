//! A small measuring device: a daemon with a worker thread, a shell, a logger, a zombie.

use crate::dialect::Dialect;
use crate::file::{File, open};
use crate::head::{Machine, Member};
use crate::memory::{Layout, Vma, flag, kind};
use crate::net::{Inet, Owner, Skb, Socket, Unix};
use crate::stream::Stream;
use crate::task::{Cred, Objects, Queued, Signals, Task};
use crate::thread::{Abi, Thread, Unit};

const DAEMON: Member = Member::process(412, 0, 412);
const SHELL: Member = Member {
    pgid: 420,
    ..Member::process(420, 412, 420)
};
const LOGGER: Member = Member {
    pgid: 412,
    ..Member::process(421, 412, 412)
};
const ZOMBIE: Member = Member {
    pgid: 430,
    ..Member::process(430, 420, 420)
};

/// Numbers that more than one process needs.
#[derive(Default)]
struct World {
    cred: i32,
    ns: i32,
    shm: i32,
    pipe: i32,
    tty: i32,
    logger_socket: i32,
    shared: i32,
    null: i32,
}

/// The whole device.
pub(crate) fn sensor(d: Dialect) -> Vec<u8> {
    let mut s = Stream::new(d);
    let machine = Machine {
        kernel: [3, 0, 15],
        uflags: 1,
        ..Machine::of(&s)
    };
    s.head(&machine);
    s.tree(&[DAEMON, SHELL, ZOMBIE, LOGGER, Member::thread(413, DAEMON)]);
    let mut world = World::default();
    let daemon = daemon(&mut s, &machine, &mut world);
    shell(&mut s, &world);
    s.task(&Task::zombie(b"rotate", 0x0100));
    logger(&mut s, &world);
    s.follow(
        &Task {
            clear_child_tid: 0x4060_04c8,
            ..Task::new(b"sampler")
        },
        &worker_thread(),
        (world.cred, world.ns),
        daemon,
    );
    s.tail()
}

/// A thread in user space, in the middle of a vector sum.
fn worker_thread() -> Thread {
    Thread {
        regs: [
            0x4060_0010,
            0x0000_0200,
            0x4080_0000,
            0x0000_01c0,
            0,
            0x4060_0478,
            0x0001_1480,
            0x78,
            0,
            0,
            0x4060_0900,
            0x405f_fd84,
            0x4006_5f30,
            0x405f_fd70,
            0x4080_0028,
            0x4080_0010,
            0x8000_0010,
            0xffff_ffff,
        ],
        tp: 0x4060_0478,
        units: vec![Unit::vfp_d32(
            |n| 21.5 + f64::from(u32::try_from(n).unwrap_or_default()) / 8.0,
            0x6000_0010,
        )],
        abi: Abi::EABI_HARD,
        ..Thread::default()
    }
}

/// poll(fds, 5, 30 s), stopped with ERESTART_RESTARTBLOCK.
fn daemon_thread() -> Thread {
    Thread {
        regs: [
            (-516_i32).cast_unsigned(),
            5,
            30_000,
            0,
            0x0001_1008,
            5,
            0x0001_10f0,
            168,
            0x8054,
            0,
            0xbeff_fd94,
            0xbeff_fd6c,
            0x4009_1d74,
            0xbeff_fd50,
            0x0000_8120,
            0x4009_1d80,
            0x2000_0010,
            0x0001_1008,
        ],
        syscall: 168,
        tp: 0x4002_04c0,
        restart: [6, 0x0001_1008, 5, 1, 0, 17_250_000_000],
        units: vec![Unit::vfp_d32(|n| if n == 8 { 98.6 } else { 0.0 }, 0)],
        abi: Abi::EABI_HARD,
        ..Thread::default()
    }
}

/// A thread in a system call that will be made again: number, first argument.
fn sleeping_thread(syscall: u32, first: u32) -> Thread {
    Thread {
        regs: [
            (-512_i32).cast_unsigned(),
            0x0001_2000,
            4096,
            0,
            0,
            0,
            0,
            syscall,
            0,
            0,
            0,
            0xbeff_fe0c,
            0x4009_2000,
            0xbeff_fdf8,
            0x0000_8200,
            0x4009_2010,
            0x6000_0010,
            first,
        ],
        syscall,
        abi: Abi::EABI_HARD,
        ..Thread::default()
    }
}

fn daemon(s: &mut Stream, machine: &Machine, world: &mut World) -> Objects {
    s.task(&Task {
        clear_child_tid: 0x4002_0068,
        robust_list: 0x4002_0070,
        ..Task::asleep(b"sensord")
    });
    s.thread(&daemon_thread());
    world.cred = s.credentials(&Cred {
        groups: &[5, 20, 44],
        ..Cred::ROOT
    });
    s.task_creds(world.cred, world.cred);
    world.ns = s.namespaces(machine, |s| world.shm = ipc(s), |_| 0);
    s.task_ns(world.ns);
    let mut objects = Objects {
        files: s.file_table(|s| daemon_files(s, world)),
        mm: daemon_memory(s, world),
        fs: s.directories(b"/var/lib/sensord", 0o27),
        sem_undo: s.sem_undo(&[(32769, &[1, -1])]),
        sighand: s.handlers(&[
            (1, 0x8f10, 0x1400_0000, 0),
            (13, 1, 0, 0),
            (15, 0x8f40, 0x0400_0004, 0x4001),
        ]),
        signal: 0,
    };
    s.task_objs(&mut objects);
    s.signal(&Signals {
        timers: [850_000_000, 1_000_000_000, 0, 0, 0, 0],
        ..Signals::default()
    });
    s.pending(1 << 16, &[Queued::Child(421, 0, 5, 12_000_000, 4_000_000)]);
    s.pending(0, &[]);
    s.blocked(1 << 16);
    objects
}

/// One shared segment, one message queue, one semaphore set; returns the segment.
fn ipc(s: &mut Stream) -> i32 {
    use crate::dialect::rec::{IPC_MSG, IPC_SEM, IPC_SHM};
    use crate::ipc::Perms;
    let perms = Perms {
        id: 32769,
        key: 0x5e45_0000,
        mode: 0o640,
        label: None,
    };
    s.ipc_list(IPC_SHM, 1);
    let page = s.page(|p| {
        p.raw(b"ring buffer v1\0")
            .to(64)
            .u32s(&[3, 7, 11, 0x7fff_ffff]);
    });
    let segment = s.ipc_shm(perms, 8192, &[(0, page)]);
    s.ipc_list(IPC_MSG, 1);
    s.ipc_msg(perms, &[(1, b"calibrate", None), (2, b"", None)]);
    s.ipc_list(IPC_SEM, 1);
    s.ipc_sem(perms, &[(1, 412), (0, 421)]);
    segment
}

fn daemon_files(s: &mut Stream, world: &mut World) {
    let append = File::new(open::WRITE | open::APPEND | open::LARGE);
    world.null = s.open_file(0, b"/dev/null", File::new(open::READ_WRITE | open::LARGE));
    let log = s.open_file(1, b"/var/log/sensord.log", append.at(18_340));
    s.descriptor(2, log, false);
    let (reader, pipe) = s.pipe(open::READ | open::NONBLOCK, b"flush\nrotate\n");
    s.descriptor(3, reader, true);
    let writer = s.pipe_again(pipe, open::WRITE);
    s.descriptor(4, writer, true);
    let epoll = s.epoll(&[
        (3, 1, 3),
        (6, 1, 6),
        (7, 0x8000_0001, 7),
        (9, 5, 0x0001_1100),
    ]);
    s.descriptor(5, epoll, true);
    let event = s.eventfd(2, open::NONBLOCK);
    s.descriptor(6, event, false);
    let control = Unix::new(Socket::UNIX_LISTENING, b"/run/sensord.sock");
    let listening = s.socket_file(|s| s.unix(&control));
    s.descriptor(7, listening, true);
    let web = s.socket_file(|s| {
        s.inet(&Inet::new(
            Socket::TCP_LISTENING,
            ([0; 4], 8080),
            ([0; 4], 0),
        ))
    });
    s.descriptor(8, web, true);
    let mut ends = (0, 0);
    let to_logger = s.socket_file(|s| {
        let near = Unix {
            received: vec![Skb::from_peer(b"ack 17\n"), Skb::from_peer(b"ack 18\n")],
            ..Unix::new(Socket::UNIX_CONNECTED, b"")
        };
        ends = s.unix_pair(&near, &Unix::new(Socket::UNIX_CONNECTED, b""));
        ends.0
    });
    s.descriptor(9, to_logger, false);
    world.logger_socket = ends.1;
    s.open_file(10, b"/dev/i2c-1", File::new(open::READ_WRITE | open::LARGE));
    let (here, there) = (([10, 0, 3, 2], 40112), ([93, 184, 216, 34], 80));
    let upload = Inet {
        received: vec![Skb::packet(b"HTTP/1.1 100 Continue\r\n\r\n", &[])],
        unsent: vec![Skb::from(Owner::Itself, b"t=21.5&h=48\r\n")],
        ..Inet::new(Socket::TCP_CONNECTED, here, there)
    };
    let upload = s.socket_file(|s| s.inet(&upload));
    s.descriptor(12, upload, true);
    let (control, _, slave) = s.terminal(0, b"cat /proc/uptime\n");
    s.descriptor(13, control, true);
    world.tty = slave;
    let (shell_out, pipe) = s.pipe(open::WRITE, b"42 1321.77 96.3%\n");
    s.descriptor(14, shell_out, true);
    world.pipe = pipe;
}

const LAYOUT: Layout = Layout {
    code: [0x8000, 0x9a3c],
    data: [0x11000, 0x112a4],
    brk: [0x12000, 0x33000],
    stack: 0xbeff_fe90,
    args: [0xbeff_ff20, 0xbeff_ff4e],
    env: [0xbeff_ff4e, 0xbeff_ff80],
    auxv: &[
        [16, 0xb0d7],
        [6, 4096],
        [17, 100],
        [3, 0x8034],
        [4, 32],
        [5, 7],
        [7, 0x4000_0000],
        [8, 0],
        [9, 0x8120],
        [11, 0],
        [12, 0],
        [13, 0],
        [14, 0],
        [23, 0],
        [25, 0xbeff_ff10],
        [15, 0xbeff_ff18],
    ],
};

/// A sum over doubles, as a compiler would write it, then a call of write(2).
const CODE: [u32; 12] = [
    0xe92d_4800, // push {fp, lr}
    0xe28d_b004, // add fp, sp, #4
    0xee30_0b01, // vadd.f64 d0, d0, d1
    0xecb0_1b02, // vldmia r0!, {d1}
    0xe251_1001, // subs r1, r1, #1
    0x1aff_fffb, // bne back to vadd
    0xed82_0b00, // vstr d0, [r2]
    0xe3a0_7004, // mov r7, #4
    0xef00_0000, // svc 0
    0xe3e0_0000, // mvn r0, #0
    0xe8bd_8800, // pop {fp, pc}
    0xe320_f000, // nop
];

fn daemon_memory(s: &mut Stream, world: &mut World) -> i32 {
    s.memory(
        &LAYOUT,
        |s| s.file(b"/usr/sbin/sensord", File::exec()),
        |s, exe| {
            s.mapped(&Vma::file(exe, 0x8000, 0xa000, flag::TEXT, 0), &[]);
            let data = s.page(|p| {
                p.u32s(&[0x12008, 0x12100, 0x4060_0010, 5])
                    .to(0x40)
                    .raw(b"sensord 2.4.1\0");
                p.to(0x80)
                    .raw(b"/etc/sensord.conf\0")
                    .to(0x100)
                    .u64(20.0_f64.to_bits());
            });
            let writable = Vma::file(exe, 0x11000, 0x12000, flag::DATA, 1);
            s.mapped(&writable, &[(0x11000, data)]);
            s.mapped(&Vma::anon(0x12000, 0x33000, flag::DATA), &heap(s));
            world.shared = libraries(s, world.shm);
            threads_memory(s);
            s.mapped(&Vma::anon(0xbefe_0000, 0xbf00_0000, flag::STACK), &stack(s));
        },
    )
}

/// Three pages of allocations, the third away from the others.
fn heap(s: &Stream) -> Vec<(u64, Vec<u8>)> {
    let first = s.page(|p| {
        p.u32s(&[0, 0x21])
            .raw(b"temperature=21.5\0")
            .to(0x28)
            .u32(0x39);
        p.raw(b"humidity=48% pressure=1013.25 hPa\0").to(0x100);
        p.raw(b"GET /upload?id=412&t=21.5 HTTP/1.1\r\nHost: example.org\r\n\r\n\0");
        p.to(0xff8).raw(b"crossing");
    });
    let second = s.page(|p| {
        p.raw(b" the page border\0").to(0x40);
        for n in 0_u32..64 {
            p.u32(0x12000 + 8 * n);
        }
    });
    let third = s.page(|p| {
        p.raw("größe=3,2 µm\0".as_bytes()).to(0x80);
        for n in 0_u8..100 {
            p.u64((20.0 + f64::from(n) / 16.0).to_bits());
        }
    });
    vec![(0x12000, first), (0x13000, second), (0x20000, third)]
}

/// The loader, thread-local storage, the C library, shared memory of each kind; returns the
/// shared anonymous segment.
fn libraries(s: &mut Stream, shm: i32) -> i32 {
    let loader = s.file(b"/lib/ld-2.13.so", File::new(open::READ | open::LARGE));
    let loader = Vma::file(loader, 0x4000_0000, 0x4001_d000, flag::TEXT, 0);
    s.mapped(&loader, &[]);
    let locals = s.page(|p| {
        // Thread id, then the robust list: empty, so it points to itself.
        p.to(0x68).u32s(&[412, 0, 0x4002_0070, 0xffff_ffec, 0]);
        p.to(0x4c0).u32s(&[0x4002_0900, 0]).raw(b"C.UTF-8\0");
    });
    let locals = [(0x4002_0000, locals)];
    s.mapped(&Vma::anon(0x4002_0000, 0x4002_1000, flag::DATA), &locals);
    let libc = libc(s);
    let got = s.page(|p| {
        p.u32s(&[0x4002_8000, 0x4009_1d74, 0x4006_5f30, 0x8120]);
    });
    let relocated = Vma::file(libc, 0x4015_a000, 0x4015_c000, flag::DATA, 0x132);
    s.mapped(&relocated, &[(0x4015_a000, got)]);
    let segment = s.take_ref();
    let page = s.page(|p| {
        p.raw(b"shared counters\0").u32s(&[412, 420, 421]);
    });
    s.mapped(
        &Vma::shared(kind::SHM_ANON, segment, 0x4020_0000, 0x4000),
        &[(1, page)],
    );
    let table = s.file(
        b"/var/lib/sensord/table.bin",
        File::new(open::READ_WRITE | open::LARGE),
    );
    let inode = s.take_ref();
    s.vma(&Vma {
        file: table,
        ..Vma::shared(kind::SHM_FILE, inode, 0x4021_0000, 0x2000)
    });
    s.vma(&Vma::shared(kind::SHM_IPC_SKIP, shm, 0x4022_0000, 0x2000));
    segment
}

/// The text of the C library; returns its file.
fn libc(s: &mut Stream) -> i32 {
    let libc = s.file(b"/lib/libc-2.13.so", File::new(open::READ | open::LARGE));
    let text = Vma::file(libc, 0x4002_8000, 0x4015_a000, flag::TEXT, 0);
    s.mapped(&text, &[]);
    libc
}

/// The worker's stack, its samples, and code that was generated at run time.
fn threads_memory(s: &mut Stream) {
    let worker = s.page(|p| {
        p.to(0xd70)
            .u32s(&[0, 0x4060_0010, 0x200, 0x4080_0028, 0x8f10]);
    });
    s.mapped(
        &Vma::anon(0x405c_0000, 0x4060_0000, flag::DATA),
        &[(0x405f_f000, worker)],
    );
    let samples = s.page(|p| {
        p.u64(0x1480).u64(0);
        for n in 0_u8..128 {
            p.u64((21.0 + f64::from(n % 16) / 32.0).to_bits());
        }
    });
    s.mapped(
        &Vma::anon(0x4060_0000, 0x4062_0000, flag::DATA),
        &[(0x4060_0000, samples)],
    );
    let code = s.page(|p| {
        p.u32s(&CODE);
    });
    s.mapped(
        &Vma::anon(0x4080_0000, 0x4080_2000, flag::CODE),
        &[(0x4080_0000, code)],
    );
}

/// The top of the stack: frames, arguments, environment.
fn stack(s: &Stream) -> Vec<(u64, Vec<u8>)> {
    let top = s.page(|p| {
        p.to(0xd50)
            .u32s(&[0x0001_1008, 5, 30_000, 0x8f40, 0x8120, 0x4003_f1b4, 0]);
        p.to(0xe90)
            .u32s(&[3, 0xbeff_ff20, 0xbeff_ff32, 0xbeff_ff35, 0]);
        p.u32s(&[0xbeff_ff4e, 0xbeff_ff55, 0])
            .to(0xf10)
            .raw(b"v7l\0\0\0\0\0v7l\0")
            .to(0xf20);
        p.raw(b"/usr/sbin/sensord\0-c\0/etc/sensord.conf\0")
            .to(0xf4e);
        p.raw(b"HOME=/\0PATH=/bin:/usr/bin:/usr/sbin\0TZ=UTC\0");
    });
    vec![(0xbeff_f000, top)]
}

/// A child that shares namespaces and credentials, with memory of its own.
fn child(
    s: &mut Stream,
    task: &Task,
    thread: &Thread,
    world: &World,
    exe: &'static [u8],
    files: impl FnOnce(&mut Stream),
) -> Objects {
    s.task(task);
    s.thread(thread);
    s.task_creds(world.cred, world.cred);
    s.task_ns(world.ns);
    Objects {
        files: s.file_table(files),
        mm: s.memory(
            &LAYOUT,
            |s| s.file(exe, File::exec()),
            |s, exe| {
                s.mapped(&Vma::file(exe, 0x8000, 0xa000, flag::TEXT, 0), &[]);
                libc(s);
                s.vma(&Vma::shared(
                    kind::SHM_ANON_SKIP,
                    world.shared,
                    0x4020_0000,
                    0x4000,
                ));
                let page = s.page(|p| {
                    p.to(0xf20)
                        .raw(task.name)
                        .to(0xf4e)
                        .raw(b"PS1=# \0PWD=/root\0");
                });
                let stack = Vma::anon(0xbefe_0000, 0xbf00_0000, flag::STACK);
                s.mapped(&stack, &[(0xbeff_f000, page)]);
            },
        ),
        fs: s.directories(b"/root", 0o22),
        sem_undo: 0,
        sighand: s.handlers(&[(2, 0x8f10, 0x0400_0000, 0), (17, 0x8f40, 0x1400_0000, 0)]),
        signal: 0,
    }
}

fn shell(s: &mut Stream, world: &World) {
    // wait4(-1)
    let thread = sleeping_thread(114, u32::MAX);
    let mut objects = child(
        s,
        &Task::asleep(b"sh"),
        &thread,
        world,
        b"/bin/busybox",
        |s| {
            let tty = s.terminal_file(world.tty);
            for number in 0..3 {
                s.descriptor(number, tty, false);
            }
            s.descriptor(10, tty, true);
        },
    );
    s.task_objs(&mut objects);
    s.signal(&Signals {
        tty: (world.tty, 430, 0),
        ..Signals::default()
    });
    s.pending(0, &[]);
    s.pending(1 << 1, &[Queued::Kill(2, 412, 0)]);
    s.blocked(1 << 16);
}

fn logger(s: &mut Stream, world: &World) {
    // read(0)
    let thread = sleeping_thread(3, 0);
    let task = Task {
        pdeath_signal: 15,
        ..Task::asleep(b"logger")
    };
    let mut objects = child(s, &task, &thread, world, b"/usr/bin/logger", |s| {
        let input = s.pipe_again(world.pipe, open::READ);
        s.descriptor(0, input, false);
        s.descriptor(1, world.null, false);
        let socket = s.socket_file(|_| world.logger_socket);
        s.descriptor(3, socket, false);
    });
    s.task_objs(&mut objects);
    s.signal(&Signals::default());
    s.pending(1 << 33, &[Queued::Value(34, 412, 0, 0x0001_1008)]);
    s.pending(0, &[]);
    s.blocked(0);
}
