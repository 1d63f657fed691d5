//! What belongs to a task besides its thread: credentials, namespaces, objects, signals.

use crate::dialect::{obj, rec};
use crate::head::Machine;
use crate::stream::{Stream, len32};
use crate::thread::Thread;

/// TASK and its name.
#[derive(Clone, Copy)]
pub(crate) struct Task<'a> {
    pub(crate) name: &'a [u8],
    /// Wait status of a zombie.
    pub(crate) zombie: Option<u32>,
    /// 17 = SIGCHLD; all ones in a thread that does not lead.
    pub(crate) exit_signal: u32,
    /// 0 running, 1 interruptible.
    pub(crate) state: u32,
    pub(crate) flags: u32,
    pub(crate) pdeath_signal: u32,
    pub(crate) clear_child_tid: u64,
    /// Alternate signal stack: base, size.
    pub(crate) altstack: (u64, u32),
    pub(crate) robust_list: u64,
}

impl<'a> Task<'a> {
    pub(crate) const fn new(name: &'a [u8]) -> Self {
        Self {
            name,
            zombie: None,
            exit_signal: 17,
            state: 0,
            flags: 0,
            pdeath_signal: 0,
            clear_child_tid: 0,
            altstack: (0, 0),
            robust_list: 0,
        }
    }

    /// A task that sleeps in a system call.
    pub(crate) const fn asleep(name: &'a [u8]) -> Self {
        Self {
            state: 1,
            ..Self::new(name)
        }
    }

    pub(crate) const fn zombie(name: &'a [u8], status: u32) -> Self {
        Self {
            zombie: Some(status),
            state: 64,
            ..Self::new(name)
        }
    }

    /// A thread that does not lead its group.
    pub(crate) const fn follower(self) -> Self {
        Self {
            exit_signal: u32::MAX,
            ..self
        }
    }
}

/// Credentials of a task.
#[derive(Clone, Copy)]
pub(crate) struct Cred<'a> {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) groups: &'a [u32],
    pub(crate) label: Option<&'a str>,
    /// Inheritable, permitted, effective and bounding capabilities.
    pub(crate) caps: [u64; 4],
    pub(crate) securebits: u32,
    /// The user who made the user namespace, if it is not the initial one.
    pub(crate) ns_creator: Option<u32>,
}

impl Cred<'_> {
    pub(crate) const ROOT: Self = Self {
        uid: 0,
        gid: 0,
        groups: &[],
        label: None,
        caps: [0, u64::MAX, u64::MAX, u64::MAX],
        securebits: 0,
        ns_creator: None,
    };
}

/// Objects of a task, by number; what stays 0 is absent.
#[derive(Clone, Copy, Default)]
pub(crate) struct Objects {
    pub(crate) files: i32,
    pub(crate) mm: i32,
    pub(crate) fs: i32,
    pub(crate) sem_undo: i32,
    pub(crate) sighand: i32,
    pub(crate) signal: i32,
}

/// The process-wide signal record.
#[derive(Clone, Copy, Default)]
pub(crate) struct Signals {
    /// real, virtual and profiling timer: value and increment, ns
    pub(crate) timers: [u64; 6],
    /// Controlling terminal: TTY object, foreground group, remembered group (0: none).
    pub(crate) tty: (i32, i32, i32),
}

/// One queued signal, by class.
#[derive(Clone, Copy)]
pub(crate) enum Queued {
    /// Sent by kill: signal, pid, uid.
    Kill(u32, u32, u32),
    /// Real-time signal with a value: signal, pid, uid, value.
    Value(u32, u32, u32, u64),
    /// SIGCHLD: pid, uid, status, user time, system time.
    Child(u32, u32, i32, u64, u64),
    /// Memory fault: signal, address.
    Fault(u32, u64),
    /// SIGIO: band, descriptor.
    Poll(u32, i32),
}

impl Stream {
    /// TASK and STRING, in the four arrangements history gave them.
    pub(crate) fn task(&mut self, t: &Task) {
        let (rev, word) = (self.d.rev, self.d.word());
        let exit_state = if t.zombie.is_some() { 16 } else { 0 };
        let status = t.zombie.unwrap_or_default();
        let head = [t.state, exit_state, status, t.exit_signal, t.pdeath_signal];
        let robust_len = match t.robust_list {
            0 => 0,
            _ if word == 4 => 12,
            _ => 24,
        };
        let robust = [0, 0, robust_len];
        let tids = [0, t.clear_child_tid];
        self.rec(rec::TASK, |r| match rev {
            ..=6 => {
                r.u32s(&head).u64s(&tids).u32s(&robust).u64(t.robust_list);
            }
            7..=15 => {
                r.u32s(&head).u32s(&robust).u64(t.robust_list).u64s(&tids);
                if rev >= 13 {
                    r.u64(t.altstack.0).u32(t.altstack.1);
                }
            }
            _ => {
                r.u32(t.flags).u32s(&head).u64s(&tids);
                r.u64(t.altstack.0)
                    .u32(t.altstack.1)
                    .u32s(&robust)
                    .u64(t.robust_list);
            }
        });
        self.payload(rec::STRING, &[t.name, &[0; 16][t.name.len()..]].concat());
    }

    /// A whole CRED object; files opened from here on belong to it.
    pub(crate) fn credentials(&mut self, c: &Cred) -> i32 {
        self.cred = self.object(obj::CRED, |s, _| {
            let groups = s.object(obj::GROUPINFO, |s, _| {
                s.exact(s.d.record(rec::GROUPINFO), |r| {
                    r.u32(len32(c.groups.len())).u32s(c.groups).u32(0);
                });
            });
            let user = s.object(obj::USER, |s, _| {
                let ns = s.user_ns(c.ns_creator);
                s.rec(rec::USER, |r| {
                    r.u32(c.uid).i32(ns);
                });
            });
            let label = s.label(4, c.label);
            let rev = s.d.rev;
            s.rec(rec::CRED, |r| {
                r.u32s(&[c.uid; 4]).u32s(&[c.gid; 4]).i32(user).i32(groups);
                if rev >= 3 {
                    r.i32(label).align(8);
                }
                for set in c.caps {
                    r.u32s(&[crate::stream::low(set), crate::stream::low(set >> 32)]);
                }
                r.u32(c.securebits).u32(0);
            });
        });
        self.cred
    }

    fn user_ns(&mut self, creator: Option<u32>) -> i32 {
        self.object(obj::USER_NS, |s, _| {
            let creator = creator.map_or(0, |uid| {
                s.object(obj::USER, |s, _| {
                    let initial = s.user_ns(None);
                    s.rec(rec::USER, |r| {
                        r.u32(uid).i32(initial);
                    });
                })
            });
            s.rec(rec::USER_NS, |r| {
                r.i32(creator);
            });
        })
    }

    pub(crate) fn task_creds(&mut self, real: i32, effective: i32) {
        self.rec(rec::TASK_CREDS, |r| {
            r.i32(real).i32(effective);
        });
    }

    /// An NS object; `ipc` writes the three lists of the IPC namespace, `net` the NET_NS object.
    pub(crate) fn namespaces(
        &mut self,
        machine: &Machine,
        ipc: impl FnOnce(&mut Self),
        net: impl FnOnce(&mut Self) -> i32,
    ) -> i32 {
        self.object(obj::NS, |s, _| {
            let uts = s.object(obj::UTS_NS, |s, _| {
                let release = machine.release();
                s.rec(rec::UTS_NS, |r| {
                    for text in ["Linux", "board", &release, "#1", machine.name, "(none)"] {
                        r.text(text.as_bytes(), 65);
                    }
                });
            });
            let ipc = s.object(obj::IPC_NS, |s, _| {
                s.rec(rec::IPC_NS, |r| {
                    r.u64(33_554_432).u64(2_097_152);
                    r.i32s(&[4096, 8192, 16384, 1000, 250, 32000, 32, 128]);
                });
                ipc(s);
            });
            let net = if s.d.rev >= 9 { net(s) } else { 0 };
            let rev = s.d.rev;
            s.rec(rec::NS, |r| {
                r.i32(uts).i32(ipc);
                if rev >= 9 {
                    r.i32(net);
                }
            });
        })
    }

    pub(crate) fn task_ns(&mut self, ns: i32) {
        self.rec(rec::TASK_NS, |r| {
            r.i32(ns);
        });
    }

    /// Current and root directory.
    pub(crate) fn directories(&mut self, cwd: &[u8], umask: u32) -> i32 {
        if self.d.rev < 6 {
            return 0;
        }
        self.object(obj::FS, |s, _| {
            let rev = s.d.rev;
            s.rec(rec::FS, |r| {
                if rev >= 13 {
                    r.u32(umask);
                }
            });
            s.c_string(rec::FILE_NAME, cwd);
            s.c_string(rec::FILE_NAME, b"/");
        })
    }

    /// Signal handlers: (signal, handler, flags, mask) for those that are not the default.
    pub(crate) fn handlers(&mut self, actions: &[(usize, u64, u64, u64)]) -> i32 {
        self.object(obj::SIGHAND, |s, _| {
            s.rec(rec::SIGHAND, |r| {
                for signal in 1..=64 {
                    let action = actions.iter().find(|action| action.0 == signal);
                    let &(_, handler, flags, mask) = action.unwrap_or(&(0, 0, 0, 0));
                    r.u64(handler).u64(flags).u64(0).sigset(mask);
                }
            });
        })
    }

    /// TASK_OBJS; a new signal object gets its number here and its records must follow.
    pub(crate) fn task_objs(&mut self, objects: &mut Objects) {
        if objects.signal == 0 {
            objects.signal = self.take_ref();
        }
        let (rev, o) = (self.d.rev, *objects);
        self.rec(rec::TASK_OBJS, |r| {
            r.i32(o.files).i32(o.mm);
            if rev >= 6 {
                r.i32(o.fs);
            }
            if rev >= 13 {
                r.i32(o.sem_undo);
            }
            r.i32(o.sighand).i32(o.signal);
        });
    }

    /// SIGNAL.
    pub(crate) fn signal(&mut self, signals: &Signals) {
        let inf = self.d.infinity();
        let none = self.d.pid_null();
        self.rec(rec::SIGNAL, |r| {
            // cpu fsize data stack core rss nproc nofile memlock as locks sigpending msgqueue ...
            let soft = [
                inf,
                inf,
                inf,
                8 << 20,
                0,
                inf,
                1024,
                1024,
                65536,
                inf,
                inf,
                1024,
                819_200,
                0,
                0,
                inf,
            ];
            for (limit, soft) in soft.into_iter().enumerate() {
                r.u64(soft)
                    .u64(if matches!(limit, 3 | 4) { inf } else { soft });
            }
            let (tty, foreground, old) = signals.tty;
            r.u64s(&signals.timers).i32(tty).i32(foreground);
            r.i32(if old == 0 { none } else { old });
        });
    }

    /// SIGPENDING, shared or private.
    pub(crate) fn pending(&mut self, mask: u64, queue: &[Queued]) {
        let rev = self.d.rev;
        self.rec(rec::SIGPENDING, |r| {
            r.u32(len32(queue.len())).sigset(mask);
            for signal in queue {
                signal.write(r, rev);
                r.align(8);
            }
        });
    }

    pub(crate) fn blocked(&mut self, mask: u64) {
        self.rec(rec::SIGNAL_TASK, |r| {
            r.sigset(mask);
        });
    }

    /// A thread that shares everything with one that was written before.
    pub(crate) fn follow(
        &mut self,
        task: &Task,
        thread: &Thread,
        (cred, ns): (i32, i32),
        mut objects: Objects,
    ) {
        self.task(&task.follower());
        self.thread(thread);
        self.task_creds(cred, cred);
        self.task_ns(ns);
        self.task_objs(&mut objects);
        self.pending(0, &[]);
        self.blocked(0);
    }
}

impl Queued {
    /// `ckpt_siginfo`: overlaid members until R12, one place each since R13.
    fn write(self, r: &mut crate::stream::Struct, rev: u8) {
        let (kill, value, child, fault, poll) = (0, 5 << 16, 4 << 16, 3 << 16, 2 << 16);
        // signo, code, pid, uid, int, ptr, utime, stime | fd, band, status, addr
        let (signo, code): (u32, i32) = match self {
            Self::Kill(signo, ..) => (signo, kill),
            // SI_QUEUE
            Self::Value(signo, ..) => (signo, value | 0xffff),
            // CLD_EXITED
            Self::Child(..) => (17, child | 1),
            // SEGV_MAPERR
            Self::Fault(signo, _) => (signo, fault | 1),
            // POLL_IN
            Self::Poll(..) => (29, poll | 1),
        };
        let (pid, uid) = match self {
            Self::Kill(_, pid, uid) | Self::Value(_, pid, uid, _) | Self::Child(pid, uid, ..) => {
                (pid, uid)
            }
            Self::Fault(..) | Self::Poll(..) => (0, 0),
        };
        let (status, times) = match self {
            Self::Child(_, _, status, user, system) => (status, [user, system]),
            _ => (0, [0; 2]),
        };
        let (band, fd) = if let Self::Poll(band, fd) = self {
            (band, fd)
        } else {
            (0, 0)
        };
        let sent = if let Self::Value(_, _, _, sent) = self {
            sent
        } else {
            0
        };
        let addr = if let Self::Fault(_, addr) = self {
            addr
        } else {
            0
        };
        r.u32(signo).i32(0).i32(code);
        if rev < 13 {
            r.u32(pid | band)
                .u32(uid)
                .i32(status | fd)
                .u64(sent | addr)
                .u64s(&times);
            return;
        }
        r.u32(pid)
            .u32(uid)
            .i32(fd)
            .u32s(&[0, band, 0, 0])
            .i32(status);
        r.u32(crate::stream::low(sent))
            .u64(sent)
            .u64s(&times)
            .u64(addr)
            .i32(0);
    }
}
