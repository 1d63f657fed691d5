//! Old-ABI programs on an old-ABI kernel.

use crate::dialect::Dialect;
use crate::file::{File, open};
use crate::head::{Machine, Member};
use crate::memory::{Layout, Vma, flag};
use crate::net::{Skb, Socket, Unix};
use crate::scenes::{Family, process};
use crate::stream::{Stream, len32};
use crate::task::Task;
use crate::thread::{Abi, Thread};

/// A program of the 32-bit old ABI that talks over a unix socket, and one of the 26-bit world.
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
    process(
        &mut s,
        &machine,
        &mut family,
        (&Task::asleep(b"oabi32"), &old_thread()),
        |s| {
            let near = Unix {
                received: vec![Skb::from_peer(b"old words")],
                ..Unix::new(Socket::UNIX_CONNECTED, b"/tmp/.X11-unix/X0")
            };
            let far = Unix::new(Socket::UNIX_CONNECTED, b"");
            let pair = s.socket_file(|s| s.unix_pair(&near, &far).0);
            s.descriptor(0, pair, false);
        },
        |s| memory(s, b"/bin/oabi32\0HOME=/\0", 0xbeff_f000),
    );
    process(
        &mut s,
        &machine,
        &mut family,
        (&Task::new(b"apcs26"), &thread_26()),
        |s| {
            s.open_file(0, b"/dev/null", File::new(open::READ_WRITE));
        },
        |s| memory(s, b"/bin/apcs26\0HOME=/\0", 0x03ff_f000),
    );
    s.tail()
}

/// In read(0), to be made again: the call number is in the instruction; r7 is an ordinary
/// register.
fn old_thread() -> Thread {
    let mut regs = Thread::default().regs;
    (regs[0], regs[7], regs[15], regs[17]) = ((-512_i32).cast_unsigned(), 0x77, 0x8060, 0);
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
    Thread {
        regs,
        syscall: 3,
        abi,
        ..Thread::default()
    }
}

/// 26-bit user mode is mode 0, addresses stay below 64 MiB, the personality lacks
/// ADDR_LIMIT_32BIT, and e_flags has APCS-26.
fn thread_26() -> Thread {
    let old = old_thread();
    let mut regs = old.regs;
    (regs[0], regs[13], regs[15], regs[16]) = (1, 0x03ff_ef00, 0x8054, 0x6000_0000);
    let abi = Abi {
        personality: 0,
        e_flags: 0x0a,
        ..old.abi
    };
    Thread {
        regs,
        syscall: 0,
        abi,
        ..old
    }
}

/// A text page with an old system call in it (so that it shows, as if a debugger had touched
/// it), and a stack below `top`.
fn memory(s: &mut Stream, strings: &[u8], top: u64) -> i32 {
    let args = top - 0x30;
    let (env, end) = (args + 12, args + u64::from(len32(strings.len())));
    let layout = Layout {
        stack: top - 0xb0,
        args: [args, env],
        env: [env, end],
        ..Layout::PLAIN
    };
    s.memory(
        &layout,
        |s| s.file(&strings[..11], File::exec()),
        |s, exe| {
            let text = s.page(|p| {
                // mov r0, #0; swi 0x900003; movs pc, lr
                p.to(0x58).u32s(&[0xe3a0_0000, 0xef90_0003, 0xe1b0_f00e]);
            });
            let mapping = Vma::file(exe, 0x8000, 0x9000, flag::TEXT, 0);
            s.mapped(&mapping, &[(0x8000, text)]);
            let page = s.stack_page(top - 0x1000, strings);
            let stack = Vma::anon(top - 0x21000, top, flag::STACK);
            s.mapped(&stack, &[(top - 0x1000, page)]);
        },
    )
}
