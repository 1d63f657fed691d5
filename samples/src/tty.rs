//! Pseudo terminals.

use crate::dialect::{obj, rec};
use crate::file::{File, kind, open};
use crate::stream::{Stream, len32};

/// intr quit erase kill eof ...
const CONTROL: &[u8; 19] =
    b"\x03\x1c\x7f\x15\x04\x00\x01\x00\x11\x13\x1a\x00\x12\x0f\x17\x16\x00\x00\x00";

impl Stream {
    /// The master's file of a new terminal, with what the program on the slave has not read yet.
    /// Returns the file and both TTY objects.
    pub(crate) fn terminal(&mut self, index: u32, unread: &[u8]) -> (i32, i32, i32) {
        let (mut master, mut slave) = (0, 0);
        let file = self.object(obj::FILE, |s, file| {
            master = s.tty(index, 0, file, Some(b""));
            slave = s.tty(index, master, 0, Some(unread));
            s.tty_file(master);
        });
        (file, master, slave)
    }

    /// A terminal that was hung up and that no descriptor names; returns the slave.
    pub(crate) fn hung_up_terminal(&mut self, index: u32) -> i32 {
        let file = self.take_ref();
        let master = self.tty(index, 0, file, None);
        self.tty(index, master, 0, None)
    }

    /// A file on an end of a terminal that is written already.
    pub(crate) fn terminal_file(&mut self, tty: i32) -> i32 {
        self.object(obj::FILE, |s, _| s.tty_file(tty))
    }

    fn tty_file(&mut self, tty: i32) {
        self.file_record(kind::TTY, File::new(open::READ_WRITE).stream(), |r| {
            r.i32(tty);
        });
    }

    /// A TTY object: TTY, and unless it was hung up TTY_LDISC and the unread bytes. The master's
    /// record has no link and reserves the number of its file; the slave's links to the master.
    fn tty(&mut self, index: u32, link: i32, file: i32, unread: Option<&[u8]>) -> i32 {
        self.object(obj::TTY, |s, _| {
            s.tty_record(index, link, file);
            if let Some(unread) = unread {
                s.line_discipline(unread);
            }
        })
    }

    fn tty_record(&mut self, index: u32, link: i32, file: i32) {
        let (rev, chars) = (self.d.rev, usize::from(self.d.termios_chars()));
        self.rec(rec::TTY, |r| {
            r.u16(4)
                .u16(if link == 0 { 1 } else { 2 })
                .i32s(&[link, file, 0]);
            r.u32(index).u32(0).u64(0x1800);
            // icrnl ixon; opost onlcr; b38400 cs8 cread; isig icanon echo ...
            if rev < 14 {
                for mode in [0x500_u16, 5, 0xbf, 0x8a3b] {
                    r.u16(mode);
                }
                r.u8(0).raw(&CONTROL[..chars]).to(64);
            } else {
                r.u32s(&[0x500, 5, 0xbf, 0x8a3b, 38400, 38400]);
                r.u8(0).raw(CONTROL).to(88);
            }
            for size in [24, 80, 0, 0] {
                r.u16(size);
            }
        });
    }

    fn line_discipline(&mut self, unread: &[u8]) {
        self.rec(rec::TTY_LDISC, |r| {
            r.u32s(&[
                0,
                len32(unread.len()),
                0,
                u32::from(unread.contains(&b'\n')),
                0,
            ]);
            // minimum_to_wake, then icanon among twelve switches
            r.u16(1).to(39).u8(1).to(44);
            let mut flags = [0_u8; 512];
            for (at, _) in unread
                .iter()
                .enumerate()
                .filter(|(_, byte)| **byte == b'\n')
            {
                flags[at / 8] |= 1 << (at % 8);
            }
            r.raw(&flags);
        });
        if !unread.is_empty() {
            self.payload(rec::BUFFER, unread);
        }
    }
}
