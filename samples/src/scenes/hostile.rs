//! Text that must not reach a terminal as it is.

use crate::dialect::Dialect;
use crate::file::{File, open};
use crate::head::{Machine, Member};
use crate::net::{Socket, Unix};
use crate::scenes::{Family, process, spin_memory};
use crate::stream::Stream;
use crate::task::Task;
use crate::thread::Thread;

/// Paths: control characters, escape sequences, bidirectional marks, broken UTF-8.
const PATHS: [&[u8]; 14] = [
    b"/tmp/\x1b[2J\x1b[1;1Hcleared",
    b"/tmp/\x1b]0;owned\x07title",
    b"/tmp/\x1b]8;;http://example.org/\x1b\\link\x1b]8;;\x1b\\",
    b"/tmp/\x1bP0;1|17/ab\x1b\\device-control",
    b"/tmp/line\nbreak\rreturn\ttab",
    b"/tmp/back\x08\x08\x08\x08space\x7f",
    b"/tmp/c1\x9b31mcontrol",
    "/tmp/\u{202e}txt.exe\u{202c}".as_bytes(),
    "/tmp/\u{2066}isolate\u{2069}\u{200b}zero\u{feff}width".as_bytes(),
    "/tmp/combining e\u{301}\u{301}\u{301}\u{301}".as_bytes(),
    b"/tmp/broken\xff\xfe\xc3\x28utf-8",
    "/tmp/wide \u{6f22}\u{5b57} \u{1f600}".as_bytes(),
    b"",
    b"/tmp/\"quotes\" 'and' \\back\\slashes | $(pipes) <tags> {json: null}",
];

/// One process whose every name is an attack.
pub(crate) fn hostile(d: Dialect) -> Vec<u8> {
    let mut s = Stream::new(d);
    let machine = Machine {
        build: "\x1b[31m#1 \u{202e}PREEMPT\x07\r\n",
        ..Machine::of(&s)
    };
    s.head(&machine);
    s.tree(&[Member::process(-5, i32::MAX, i32::MIN)]);
    process(
        &mut s,
        &machine,
        &mut Family::default(),
        // All sixteen bytes: no room for the NUL.
        (
            &Task::new(b"\x1b[31;5mred\x07\r\n\xe2\x80\xae"),
            &Thread::default(),
        ),
        |s| {
            for (number, path) in (0..).zip(PATHS) {
                s.open_file(number, path, File::new(open::READ));
            }
            let long = [b"/".as_slice(), &b"long/".repeat(818)].concat();
            s.open_file(i32::MAX, &long, File::new(open::READ));
            let socket = s.socket_file(|s| {
                s.unix(&Unix::new(
                    Socket::UNIX_LISTENING,
                    b"\0\x1b[?1049habstract\x00name",
                ))
            });
            s.descriptor(100, socket, false);
            let (reader, _) = s.pipe(open::READ, b"\x1b[6n\x1b[c\x05\x00\xff\r\nrm -rf /\n");
            s.descriptor(101, reader, false);
        },
        |s| spin_memory(s, |_| ()),
    );
    s.tail()
}
