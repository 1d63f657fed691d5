//! Corners: the vectors page, container numbering, only zombies, huge pages.

use crate::dialect::{Dialect, rec};
use crate::file::{File, open};
use crate::head::{Machine, Member};
use crate::ipc::Perms;
use crate::memory::{Vma, flag, kind};
use crate::scenes::{Family, end, minimal_task, process, spin_memory};
use crate::stream::Stream;
use crate::task::{Cred, Task};
use crate::thread::Thread;

/// A Thumb program inside a helper of the vectors page, which this kernel maps as an area.
pub(crate) fn vectors(d: Dialect) -> Vec<u8> {
    let mut s = Stream::new(d);
    let machine = Machine {
        options: [1, 1, 1],
        ..Machine::of(&s)
    };
    s.head(&machine);
    let leader = Member::process(900, 0, 900);
    s.tree(&[leader, Member::thread(901, leader)]);
    let mut regs = Thread::default().regs;
    // In cmpxchg, called from Thumb code; flags N Z C V Q and GE set, ARM state.
    (regs[14], regs[15], regs[16]) = (0x8075, 0xffff_0fc4, 0xf80f_0010);
    let helper = Thread {
        regs,
        thumbee: 0x0001_3000,
        ..Thread::default()
    };
    let mut family = Family::default();
    let objects = process(
        &mut s,
        &machine,
        &mut family,
        (
            &Task {
                altstack: (0x4000_0000, 0x2000),
                ..Task::new(b"thumb")
            },
            &helper,
        ),
        |s| {
            s.open_file(0, b"/dev/null", File::new(open::READ_WRITE | open::LARGE));
        },
        |s| {
            spin_memory(s, |s| {
                // read exec mayread mayexec reserved alwaysdump
                let page = Vma::anon(0xffff_0000, 0xffff_1000, 0x0408_0055);
                s.vma(&Vma {
                    kind: kind::VDSO,
                    ..page
                });
            })
        },
    );
    // Thumb state inside an IT block, in a call that continues by restart_syscall.
    (regs[0], regs[7]) = ((-516_i32).cast_unsigned(), 162);
    (regs[15], regs[16], regs[17]) = (0x8052, 0x6200_0c30, 0x0001_2000);
    let sleeper = Thread {
        regs,
        syscall: 162,
        restart: [2, 0, 0x0001_2000, 0, 0, 999_000_000],
        ..Thread::default()
    };
    s.follow(
        &Task::asleep(b"sleeper"),
        &sleeper,
        (family.cred, family.ns),
        objects,
    );
    s.tail()
}

/// A whole container: objects were numbered before the first byte, so their numbers go up and
/// down and have gaps, and the first pid object is not number 1.
pub(crate) fn container(d: Dialect) -> Vec<u8> {
    let mut s = Stream::numbered_by(d, |n| 100 + (n ^ 0x15));
    let machine = Machine {
        uflags: 0,
        ..Machine::of(&s)
    };
    s.head(&machine);
    let members = [
        Member::process(1, 0, 1),
        Member::process(2, 1, 1),
        Member::process(7, 2, 7),
    ];
    if d.rev < 15 {
        s.tree(&members);
    } else {
        s.tree_by_tag(&members, 41);
    }
    let mut family = Family::default();
    for name in [&b"init"[..], b"getty", b"login"] {
        process(
            &mut s,
            &machine,
            &mut family,
            (&Task::asleep(name), &Thread::default()),
            |s| {
                let console = File::new(open::READ_WRITE | open::LARGE);
                let console = s.open_file(0, b"/dev/console", console);
                s.descriptor(1, console, false);
                s.descriptor(2, console, false);
            },
            |s| spin_memory(s, |_| ()),
        );
    }
    s.tail()
}

/// The smallest image, with two files of a foreign set behind its task: one in two parts, one empty.
pub(crate) fn foreign(d: Dialect) -> Vec<u8> {
    let mut s = Stream::new(d);
    minimal_task(&mut s);
    // A file of a kind that nobody knows: the common magic number, another one, some bytes.
    let file = [
        &0x5456_4319_u32.to_le_bytes()[..],
        b"\x11\x22\x33\x44",
        b"kept as it was",
    ];
    let (first, second) = (file[..2].concat(), file[2]);
    s.rec(rec::FOREIGN, |r| {
        r.u32s(&[1, 2]).u64((first.len() + second.len()) as u64);
    });
    s.c_string(rec::STRING, b"weather.img");
    s.payload(rec::BUFFER, &first);
    s.payload(rec::BUFFER, second);
    s.rec(rec::FOREIGN, |r| {
        r.u32s(&[1, 0]).u64(0);
    });
    s.c_string(rec::STRING, b"empty.img");
    s.tail()
}

/// A tree of zombies: no address space, so nothing but the task records tells the revision.
pub(crate) fn zombies(d: Dialect) -> Vec<u8> {
    let mut s = Stream::new(d);
    let machine = Machine::of(&s);
    s.head(&machine);
    s.tree(&[Member::process(33, 0, 33), Member::process(34, 33, 33)]);
    s.task(&Task::zombie(b"parent", 0));
    s.task(&Task::zombie(b"child", 0x0089));
    s.tail()
}

/// A private huge mapping and a System V segment of huge pages; 16 KiB ones, to stay small.
pub(crate) fn huge_pages(d: Dialect) -> Vec<u8> {
    let mut s = Stream::new(d);
    let machine = Machine::of(&s);
    s.head(&machine);
    s.tree(&[Member::process(500, 0, 500)]);
    s.task(&Task::new(b"huge"));
    s.thread(&Thread::default());
    let cred = s.credentials(&Cred::ROOT);
    s.task_creds(cred, cred);
    let mut segment = 0;
    let ipc = |s: &mut Stream| {
        let perms = Perms {
            id: 3,
            key: 0x6875,
            mode: 0o600,
            label: None,
        };
        s.ipc_list(rec::IPC_SHM, 1);
        segment = s.ipc_shm_huge(perms, 0x8000, 14);
        s.ipc_list(rec::IPC_MSG, 0);
        s.ipc_list(rec::IPC_SEM, 0);
    };
    let ns = s.namespaces(&machine, ipc, |_| 0);
    s.task_ns(ns);
    let files = s.file_table(|_| ());
    let mm = spin_memory(&mut s, |s| {
        let private = Vma::anon(0xbf00_0000, 0xbf00_c000, flag::DATA | 0x40_0000);
        s.vma(&Vma {
            kind: kind::HUGETLB,
            huge_shift: 14,
            ..private
        });
        for address in [0xbf00_0000, 0xbf00_8000] {
            s.huge_page(address, 14, b'P');
        }
        s.page_count(0);
        s.vma(&Vma {
            flags: flag::SHARED | 0x40_0000,
            huge_shift: 14,
            ..Vma::shared(kind::HUGETLB_SKIP, segment, 0xbf10_0000, 0x8000)
        });
    });
    end(&mut s, files, mm);
    s.tail()
}
