//! Old-ABI programs on an old-ABI kernel.

use crate::dialect::Dialect;
use crate::file::{File, open};
use crate::head::{Machine, Member};
use crate::net::{Skb, Socket, Unix};
use crate::scenes::{Family, process, spin_memory};
use crate::stream::Stream;
use crate::task::Task;
use crate::thread::{Abi, Thread};

/// A program of the 26-bit world and one of the 32-bit old ABI that talks over a unix socket.
pub(crate) fn oabi(d: Dialect) -> Vec<u8> {
    let mut s = Stream::new(d);
    let machine = Machine {
        kernel: [2, 6, 33],
        name: "armv4l",
        cpu_architecture: 2,
        options: [1, 0, 0],
        ..Machine::of(&s)
    };
    s.head(&machine);
    s.tree(&[Member::process(60, 0, 60), Member::process(61, 60, 60)]);
    let mut family = Family::default();
    let abi = Abi {
        personality: 0x0080_0000,
        e_flags: 2,
        // swp half 26bit fpa
        hwcap: 0x2b,
        calling: 1,
        // hwcap2 was not known to that kernel
        valid: 0b11_0111,
        ..Abi::EABI_SOFT
    };
    let mut regs = Thread::default().regs;
    // swi 0x900003: the call number is in the instruction; r7 is an ordinary register.
    (regs[0], regs[7], regs[15], regs[17]) = ((-512_i32).cast_unsigned(), 0x77, 0x8060, 0);
    let reader = Thread {
        regs,
        syscall: 3,
        abi,
        ..Thread::default()
    };
    process(
        &mut s,
        &machine,
        &mut family,
        (&Task::asleep(b"oabi32"), &reader),
        |s| {
            let pair = s.socket_file(|s| {
                let near = Unix {
                    received: vec![Skb::from_peer(b"old words")],
                    ..Unix::new(Socket::UNIX_CONNECTED, b"/tmp/.X11-unix/X0")
                };
                s.unix_pair(&near, &Unix::new(Socket::UNIX_CONNECTED, b""))
                    .0
            });
            s.descriptor(0, pair, false);
        },
        |s| spin_memory(s, |_| ()),
    );
    // 26-bit user mode is mode 0; addresses stay below 64 MiB.
    (regs[0], regs[13], regs[15], regs[16]) = (1, 0x03ff_ef00, 0x8054, 0x6000_0000);
    // The personality of a 26-bit program lacks ADDR_LIMIT_32BIT; APCS-26 in e_flags.
    let old = Abi {
        personality: 0,
        e_flags: 0x0a,
        ..abi
    };
    process(
        &mut s,
        &machine,
        &mut family,
        (
            &Task::new(b"apcs26"),
            &Thread {
                regs,
                abi: old,
                ..Thread::default()
            },
        ),
        |s| {
            s.open_file(0, b"/dev/null", File::new(open::READ_WRITE));
        },
        low_memory,
    );
    s.tail()
}

/// Text and stack of the 26-bit program.
fn low_memory(s: &mut Stream) -> i32 {
    use crate::memory::{Layout, Vma, flag};
    let layout = Layout {
        stack: 0x03ff_ef50,
        args: [0x03ff_efd0, 0x03ff_efdc],
        env: [0x03ff_efdc, 0x03ff_efe3],
        ..Layout::PLAIN
    };
    s.memory(
        &layout,
        |s| s.file(b"/bin/apcs26", File::exec()),
        |s, exe| {
            s.mapped(&Vma::file(exe, 0x8000, 0x9000, flag::TEXT, 0), &[]);
            let page = s.stack_page(0x03ff_e000, b"/bin/apcs26\0HOME=/\0");
            s.mapped(
                &Vma::anon(0x03fd_e000, 0x03ff_f000, flag::STACK),
                &[(0x03ff_e000, page)],
            );
        },
    )
}
