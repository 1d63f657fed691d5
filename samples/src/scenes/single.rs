//! One invented task: a file, a text mapping, a stack with one page. Other samples vary it.

use crate::dialect::Dialect;
use crate::file::{File, open};
use crate::head::{Machine, Member};
use crate::memory::{Layout, Vma, flag};
use crate::stream::Stream;
use crate::task::{Cred, Objects, Signals, Task};
use crate::thread::Thread;

/// Credentials and namespaces that all processes of a sample share once one has written them.
#[derive(Default)]
pub(crate) struct Family {
    pub(crate) cred: i32,
    pub(crate) ns: i32,
}

/// A process that shares its family's credentials and namespaces and nothing else.
pub(crate) fn process(
    s: &mut Stream,
    machine: &Machine,
    family: &mut Family,
    (task, thread): (&Task, &Thread),
    files: impl FnOnce(&mut Stream),
    memory: impl FnOnce(&mut Stream) -> i32,
) -> Objects {
    begin(s, machine, family, (task, thread));
    let files = s.file_table(files);
    let mm = memory(s);
    end(s, files, mm)
}

/// The part of a process before its objects.
pub(crate) fn begin(
    s: &mut Stream,
    machine: &Machine,
    family: &mut Family,
    (task, thread): (&Task, &Thread),
) {
    s.task(task);
    s.thread(thread);
    if family.cred == 0 {
        family.cred = s.credentials(&Cred::ROOT);
    }
    s.task_creds(family.cred, family.cred);
    if family.ns == 0 {
        family.ns = s.namespaces(machine, Stream::ipc_empty, |_| 0);
    }
    s.task_ns(family.ns);
}

/// The part of a process after its files and memory.
pub(crate) fn end(s: &mut Stream, files: i32, mm: i32) -> Objects {
    let fs = s.directories(b"/", 0o22);
    let sighand = s.handlers(&[]);
    let mut objects = Objects {
        files,
        mm,
        fs,
        sem_undo: 0,
        sighand,
        signal: 0,
    };
    s.task_objs(&mut objects);
    quiet_signals(s);
    objects
}

/// The signal records of a new process that nobody has signalled.
pub(crate) fn quiet_signals(s: &mut Stream) {
    s.signal(&Signals::default());
    s.pending(0, &[]);
    s.pending(0, &[]);
    s.blocked(0);
}

/// The smallest valid image of a dialect.
pub(crate) fn minimal(d: Dialect) -> Vec<u8> {
    let mut s = Stream::new(d);
    minimal_task(&mut s);
    s.tail()
}

/// Everything of [`minimal`] but the tail.
pub(crate) fn minimal_task(s: &mut Stream) {
    let machine = Machine::of(s);
    s.head(&machine);
    s.tree(&[Member::process(1234, 1, 1234)]);
    process(
        s,
        &machine,
        &mut Family::default(),
        (&Task::new(b"spin"), &Thread::default()),
        |s| {
            s.open_file(0, b"/dev/null", File::new(open::READ_WRITE | open::LARGE));
        },
        |s| spin_memory(s, |_| ()),
    );
}

/// Text without modified pages, a stack with one, and what `above` maps over it.
pub(crate) fn spin_memory(s: &mut Stream, above: impl FnOnce(&mut Stream)) -> i32 {
    s.memory(
        &Layout::PLAIN,
        |s| s.file(b"/bin/spin", File::exec()),
        |s, exe| {
            s.mapped(&Vma::file(exe, 0x8000, 0x9000, flag::TEXT, 0), &[]);
            let page_size = s.d.page as u64;
            let start = 0xbefd_e000 / page_size * page_size;
            let end = 0xbeff_f000_u64.next_multiple_of(page_size);
            let base = end - page_size;
            let page = s.stack_page(base, b"/bin/spin\0HOME=/\0PATH=/bin:/sbin\0");
            s.mapped(&Vma::anon(start, end, flag::STACK), &[(base, page)]);
            above(s);
        },
    )
}
