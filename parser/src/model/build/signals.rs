//! Signals (§3.11).

use super::*;

ids! {
    signal {
        ACTION = SIGHAND "action"; HANDLER = SIGACTION "_sa_handler"; SA_FLAGS = SIGACTION "sa_flags"; RESTORER = SIGACTION "sa_restorer"; MASK = SIGACTION "sa_mask.sigset";
        RLIM = SIGNAL "rlim"; CUR = RLIMIT "rlim_cur"; MAX = RLIMIT "rlim_max"; TTY = SIGNAL "tty_objref"; PGRP = SIGNAL "tty_pgrp"; OLD_PGRP = SIGNAL "tty_old_pgrp";
        REAL = SIGNAL "it_real_value"; REAL_INCR = SIGNAL "it_real_incr"; VIRT = SIGNAL "it_virt_value"; VIRT_INCR = SIGNAL "it_virt_incr";
        PROF = SIGNAL "it_prof_value"; PROF_INCR = SIGNAL "it_prof_incr"; PENDING = SIGPENDING "signal.sigset"; INFO = SIGPENDING "siginfo";
        SIGNO = SIGINFO "csi_signo"; ERRNO = SIGINFO "csi_errno"; CODE = SIGINFO "csi_code"; PID = SIGINFO "csi_pid"; UID = SIGINFO "csi_uid"; INT = SIGINFO "csi_int";
        PTR = SIGINFO "csi_ptr"; ADDR = SIGINFO "csi_addr"; STATUS = SIGINFO "csi_status";
        OLD_SIGNO = SIGINFO "signo"; OLD_ERRNO = SIGINFO "_errno"; OLD_CODE = SIGINFO "code"; OLD_PID = SIGINFO "pid"; OLD_UID = SIGINFO "uid"; OLD_INT = SIGINFO "sigval_int"; OLD_PTR = SIGINFO "sigval_ptr";
    }
}

impl Builder {
    pub(super) fn sighand(&mut self, event: &Event, view: &View) {
        let action = |view: View| SigAction {
            handler: get(&view, signal::HANDLER),
            flags: get(&view, signal::SA_FLAGS),
            restorer: get(&view, signal::RESTORER),
            mask: mask(&view, signal::MASK),
        };
        let actions = view.structs(signal::ACTION).map(action).collect();
        self.image.sighands.insert(
            object_of(event),
            Sighand {
                record: record(event),
                actions,
            },
        );
    }

    pub(super) fn signal(&mut self, event: &Event, view: &View) {
        let Some(at) = self.live().map(|live| live.signal) else {
            return;
        };
        let pair = |a, b| (get(view, a), get(view, b));
        let limit = |view: View| (get(&view, signal::CUR), get(&view, signal::MAX));
        let shared = Signal {
            record: record(event),
            rlimits: view.structs(signal::RLIM).map(limit).collect(),
            it_real: pair(signal::REAL, signal::REAL_INCR),
            it_virt: pair(signal::VIRT, signal::VIRT_INCR),
            it_prof: pair(signal::PROF, signal::PROF_INCR),
            tty: objref(view, signal::TTY),
            tty_pgrp: objref(view, signal::PGRP),
            tty_old_pgrp: objref(view, signal::OLD_PGRP),
            pending: Pending::default(),
        };
        self.image.signals.insert(at, shared);
    }

    pub(super) fn pending(&mut self, event: &Event, role: Role, view: &View) {
        let info = |view: View| siginfo(&view);
        let pending = Pending {
            record: record(event),
            mask: mask(view, signal::PENDING),
            queue: view.structs(signal::INFO).map(info).collect(),
        };
        let Some(live) = self.live() else { return };
        if role == Role::PrivatePending {
            live.pending = pending;
            return;
        }
        let at = live.signal;
        self.image.signals.entry(at).or_default().pending = pending;
    }
}

/// R13 and later have a field for each fact; before, they overlay each other (§3.11).
fn siginfo(view: &View) -> SigInfo {
    let signed = |id| view.i32(id).unwrap_or(0);
    if view.layout.slot(signal::SIGNO).is_some() {
        return SigInfo {
            signo: get32(view, signal::SIGNO),
            errno: signed(signal::ERRNO),
            code: signed(signal::CODE),
            pid: get32(view, signal::PID),
            uid: get32(view, signal::UID),
            int: signed(signal::INT),
            ptr: get(view, signal::PTR),
            addr: get(view, signal::ADDR),
            status: signed(signal::STATUS),
        };
    }
    SigInfo {
        signo: get32(view, signal::OLD_SIGNO),
        errno: signed(signal::OLD_ERRNO),
        code: signed(signal::OLD_CODE),
        pid: get32(view, signal::OLD_PID),
        uid: get32(view, signal::OLD_UID),
        int: signed(signal::OLD_INT),
        ptr: get(view, signal::OLD_PTR),
        ..SigInfo::default()
    }
}
