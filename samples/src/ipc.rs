//! System V IPC.

use crate::dialect::{obj, rec};
use crate::stream::{Stream, Struct, len32};

/// What the three kinds share.
#[derive(Clone, Copy)]
pub(crate) struct Perms {
    pub(crate) id: i32,
    pub(crate) key: u32,
    pub(crate) mode: u32,
    pub(crate) label: Option<&'static str>,
}

impl Perms {
    fn write(self, r: &mut Struct, rev: u8, label: i32) {
        // The struct begins with a record header of its own that nobody fills.
        r.u64(0)
            .i32(self.id)
            .u32s(&[self.key, 0, 0, 0, 0, self.mode, 0])
            .u64(1);
        if rev >= 3 {
            r.i32(label).align(8);
        }
    }
}

/// Messages as (type, text, label).
pub(crate) type Message<'a> = (i64, &'a [u8], Option<&'static str>);

impl Stream {
    /// One of the three lists of an IPC namespace; its members follow.
    pub(crate) fn ipc_list(&mut self, member: u32, count: u32) {
        self.rec(rec::IPC, |r| {
            r.u32(member).u32(count);
        });
    }

    /// The three lists of a namespace without objects.
    pub(crate) fn ipc_empty(&mut self) {
        for member in [rec::IPC_SHM, rec::IPC_MSG, rec::IPC_SEM] {
            self.ipc_list(member, 0);
        }
    }

    /// A segment and its pages by index; returns the number of its inode.
    pub(crate) fn ipc_shm(&mut self, perms: Perms, size: u64, pages: &[(u64, Vec<u8>)]) -> i32 {
        let inode = self.shm_record(perms, size, 0);
        self.pages(pages, pages.len().max(1));
        inode
    }

    /// A segment of huge pages, the first of which is present.
    pub(crate) fn ipc_shm_huge(&mut self, perms: Perms, size: u64, shift: u16) -> i32 {
        let inode = self.shm_record(perms, size, shift);
        self.huge_page(0, shift, b'S');
        self.page_count(0);
        inode
    }

    fn shm_record(&mut self, perms: Perms, size: u64, shift: u16) -> i32 {
        let label = self.label(2, perms.label);
        let inode = self.take_ref();
        let rev = self.d.rev;
        self.rec(rec::IPC_SHM, |r| {
            perms.write(r, rev, label);
            r.u64s(&[size, 0x4f64_b500, 0, 0x4f64_b400])
                .i32s(&[412, 420]);
            // NORESERVE, HUGETLB
            let flags = 0x1000 | if shift == 0 { 0 } else { 0x800 };
            r.u32(u32::MAX).u32(flags).i32(inode);
            if rev >= 16 {
                r.u16(shift);
            }
        });
        inode
    }

    pub(crate) fn ipc_msg(&mut self, perms: Perms, messages: &[Message]) {
        let label = self.label(2, perms.label);
        let rev = self.d.rev;
        let bytes: usize = messages.iter().map(|message| message.1.len()).sum();
        self.rec(rec::IPC_MSG, |r| {
            perms.write(r, rev, label);
            r.u64s(&[0x4f64_b510, 0, 0x4f64_b400, u64::from(len32(bytes))]);
            r.u64s(&[u64::from(len32(messages.len())), 16384])
                .i32s(&[412, 0]);
        });
        for message in messages {
            self.message(message);
        }
    }

    fn message(&mut self, &(kind, text, label): &Message) {
        let label = self.label(1, label);
        let rev = self.d.rev;
        self.rec(rec::IPC_MSG_MSG, |r| {
            if rev < 6 {
                r.i32(i32::try_from(kind).unwrap_or(i32::MAX));
            } else {
                r.u64(kind.cast_unsigned());
            }
            r.u32(len32(text.len()));
            if rev >= 3 {
                r.i32(label);
            }
        });
        // The text as the kernel keeps it: pages, each with a header that differs by word size.
        let (first, next) = if self.d.word() == 4 { (24, 4) } else { (48, 8) };
        let (head, rest) = text.split_at(text.len().min(self.d.page - first));
        self.payload(rec::BUFFER, head);
        for segment in rest.chunks(self.d.page - next) {
            self.payload(rec::BUFFER, segment);
        }
    }

    /// A set of semaphores as (value, pid of the last operation).
    pub(crate) fn ipc_sem(&mut self, perms: Perms, semaphores: &[(i32, i32)]) {
        let label = self.label(2, perms.label);
        let rev = self.d.rev;
        self.rec(rec::IPC_SEM, |r| {
            perms.write(r, rev, label);
            r.u64s(&[0x4f64_b520, 0x4f64_b400])
                .u32(len32(semaphores.len()));
        });
        if !semaphores.is_empty() {
            self.buffer(|b| {
                for &(value, pid) in semaphores {
                    b.i32(value).i32(pid);
                }
            });
        }
    }

    /// What a task would undo on exit: (semaphore set, adjustments); nothing before R13.
    pub(crate) fn sem_undo(&mut self, undo: &[(u32, &[i16])]) -> i32 {
        if self.d.rev < 13 {
            return 0;
        }
        self.object(obj::SEM_UNDO, |s, _| {
            s.rec(rec::TASK_SEM_UNDO_LIST, |r| {
                r.u32(len32(undo.len()));
            });
            for (set, adjustments) in undo {
                s.rec(rec::TASK_SEM_UNDO, |r| {
                    r.u32(*set).u32(len32(adjustments.len()));
                });
                s.buffer(|b| {
                    for adjustment in *adjustments {
                        b.u16(adjustment.cast_unsigned());
                    }
                });
            }
        })
    }
}
