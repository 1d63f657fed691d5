//! One invented task: a file, a text mapping, a stack with one page.

use crate::dialect::Dialect;
use crate::file::{File, open};
use crate::head::{Machine, Member};
use crate::memory::{Layout, Vma, flag};
use crate::stream::Stream;
use crate::task::{Cred, Objects, Signals, Task};
use crate::thread::Thread;

/// The smallest valid image of a dialect.
pub(crate) fn minimal(d: Dialect) -> Vec<u8> {
    let mut s = Stream::new(d);
    let machine = Machine::of(&s);
    s.head(&machine);
    s.tree(&[Member {
        pid: 1234,
        parent: 1,
        group: 1234,
        pgid: 1234,
        sid: 1234,
        inner: &[],
    }]);
    s.task(&Task::new(b"spin"));
    s.thread(&Thread::default());
    let cred = s.credentials(&Cred::ROOT);
    s.task_creds(cred, cred);
    let ns = s.namespaces(&machine, Stream::ipc_empty, |_| 0);
    s.task_ns(ns);
    let mut objects = Objects {
        files: s.file_table(|s| {
            s.open_file(0, b"/dev/null", File::new(open::READ_WRITE | open::LARGE));
        }),
        mm: spin_memory(&mut s),
        fs: s.directories(b"/", 0o22),
        sem_undo: 0,
        sighand: s.handlers(&[]),
        signal: 0,
    };
    s.task_objs(&mut objects);
    s.signal(&Signals::default());
    s.pending(0, &[]);
    s.pending(0, &[]);
    s.blocked(0);
    s.tail()
}

/// Text without modified pages, and a stack with one.
fn spin_memory(s: &mut Stream) -> i32 {
    s.memory(
        &Layout::PLAIN,
        |s| s.file(b"/bin/spin", File::exec()),
        |s, exe| {
            s.mapped(&Vma::file(exe, 0x8000, 0x9000, flag::TEXT, 0), &[]);
            let base = 0xbeff_f000 - s.d.page as u64;
            let page = s.stack_page(base, b"/bin/spin\0HOME=/\0PATH=/bin:/sbin\0");
            s.mapped(
                &Vma::anon(0xbefd_e000, 0xbeff_f000, flag::STACK),
                &[(base, page)],
            );
        },
    )
}
