//! Does it make sense? Validation stands above parsing: every check here is of an image whose
//! bytes could all be read.

use super::{
    ArmAbi, FileKind, Findings, FpFile, FpRegs, Image, Live, Mm, ObjRef, Object, PageRun, Pending,
    RecordAt, Regs, Task, VmaKind,
};
use crate::diagnostic::{Code, Diagnostic};
use crate::packed::Iter;
use crate::text::escape;

/// Checks references, counts, ranges and what the original restart verifies (§3.14).
pub fn validate(image: &Image, limit: u32) -> Findings {
    let mut check = Check {
        image,
        findings: Findings::new(limit),
    };
    check.header();
    check.tasks();
    check.files();
    for (at, mm) in &image.mms {
        check.mm(*at, mm);
    }
    check.segments();
    check.credentials();
    check.namespaces();
    check.sockets();
    check.ipc();
    check.foreign();
    check.completeness();
    check.findings.sort();
    check.findings
}

struct Check<'a> {
    image: &'a Image,
    findings: Findings,
}

impl Check<'_> {
    fn say(
        &mut self,
        code: Code,
        at: RecordAt,
        record: &'static str,
        path: String,
        found: impl Into<String>,
        expected: &str,
    ) {
        let diagnostic = Diagnostic::new(code, at.offset, at.index, record, found);
        self.findings.push(diagnostic.path(path).expected(expected));
    }

    /// A reference resolves to an object of the right type.
    fn refers(
        &mut self,
        at: RecordAt,
        record: &'static str,
        path: impl FnOnce() -> String,
        objref: ObjRef,
        kind: Object,
    ) {
        if objref == 0 {
            return;
        }
        match self.image.objects.get(objref) {
            None => {
                let found = format!("object {objref} is not in the image");
                self.say(
                    Code::DanglingReference,
                    at,
                    record,
                    path(),
                    found,
                    kind.name(),
                );
            }
            Some(defined) if defined.kind != kind => {
                let found = format!("object {objref} is {}", defined.kind.name());
                self.say(Code::WrongReference, at, record, path(), found, kind.name());
            }
            Some(_) => {}
        }
    }

    fn header(&mut self) {
        let header = &self.image.header;
        let usual = [
            ("task_comm_len", 16),
            ("signal_nsig", 64),
            ("uts_sysname_len", 65),
            ("uts_machine_len", 65),
            ("rlimit_nlimits", 16),
            ("n_tty_buf_size", 4096),
        ];
        for (name, value) in &header.constants {
            if let Some((_, expected)) = usual.iter().find(|(known, _)| known == name)
                && expected != value
            {
                self.say(
                    Code::BadConstants,
                    header.record,
                    "HEADER",
                    format!("constants.{name}"),
                    value.to_string(),
                    &expected.to_string(),
                );
            }
        }
    }

    fn tasks(&mut self) {
        let image = self.image;
        let pids: std::collections::HashSet<i32> =
            image.tasks.iter().map(|task| task.pid).collect();
        for task in &image.tasks {
            let path = |field: &str| format!("task[{}].{field}", task.index);
            if task.pid <= 0 {
                self.say(
                    Code::BadPid,
                    task.record,
                    "TASK",
                    path("pid"),
                    task.pid.to_string(),
                    "a pid above 0",
                );
            }
            if !pids.contains(&task.tgid) && task.tgid != 0 {
                self.say(
                    Code::BadPid,
                    task.record,
                    "TASK",
                    path("tgid"),
                    format!("no task {}", task.tgid),
                    "the leader of the thread group",
                );
            }
            if !task.is_zombie() && task.exit_code != 0 {
                self.say(
                    Code::BadTask,
                    task.record,
                    "TASK",
                    path("exit_code"),
                    task.exit_code.to_string(),
                    "0 for a live task",
                );
            }
            if task.is_zombie() && task.exit_state != 16 {
                self.say(
                    Code::BadTask,
                    task.record,
                    "TASK",
                    path("exit_state"),
                    task.exit_state.to_string(),
                    "0 or 16",
                );
            }
            if task.exit_signal > 64 && task.exit_signal != u32::MAX {
                self.say(
                    Code::BadSignal,
                    task.record,
                    "TASK",
                    path("exit_signal"),
                    task.exit_signal.to_string(),
                    "1 to 64",
                );
            }
            if let Some(live) = &task.live {
                self.live(task, live);
            }
        }
    }

    fn live(&mut self, task: &Task, live: &Live) {
        let at = live.objs_record;
        let path = |field: &'static str| move || format!("task[{}].{field}", task.index);
        self.refers(
            at,
            "TASK_OBJS",
            path("files_objref"),
            live.files,
            Object::FileTable,
        );
        self.refers(at, "TASK_OBJS", path("mm_objref"), live.mm, Object::Mm);
        self.refers(at, "TASK_OBJS", path("fs_objref"), live.fs, Object::Fs);
        self.refers(
            at,
            "TASK_OBJS",
            path("sem_undo_objref"),
            live.sem_undo,
            Object::SemUndo,
        );
        self.refers(
            at,
            "TASK_OBJS",
            path("sighand_objref"),
            live.sighand,
            Object::Sighand,
        );
        self.refers(
            at,
            "TASK_OBJS",
            path("signal_objref"),
            live.signal,
            Object::Signal,
        );
        self.refers(at, "TASK_CREDS", path("cred_ref"), live.cred, Object::Cred);
        self.refers(
            at,
            "TASK_CREDS",
            path("ecred_ref"),
            live.ecred,
            Object::Cred,
        );
        self.refers(at, "TASK_NS", path("ns_objref"), live.ns, Object::Ns);
        for (field, value) in [
            ("mm_objref", live.mm),
            ("files_objref", live.files),
            ("sighand_objref", live.sighand),
        ] {
            if value == 0 {
                self.say(
                    Code::Incomplete,
                    at,
                    "TASK_OBJS",
                    format!("task[{}].{field}", task.index),
                    "no object",
                    "an object number",
                );
            }
        }
        if live.regs == Regs::Missing {
            self.say(
                Code::Incomplete,
                task.record,
                "TASK",
                format!("task[{}]", task.index),
                "no registers",
                "a CPU record",
            );
        }
        self.pending(task.index, &live.pending);
        if self.image.arch() == ckpt_format::Arch::Arm {
            self.register_files(task.index, &live.fpu);
            if let Some(abi) = &live.abi {
                self.abi(task.index, abi);
            }
        }
    }

    /// §10.4: order, flags and lengths of the register files of a thread.
    fn register_files(&mut self, index: u32, files: &[FpFile]) {
        const FLAGS: u32 = 0x1f;
        const VFP_ONLY: u32 = 6;
        let mut before = 0;
        for file in files {
            let mut say = |field: &str, found: String, expected: &str| {
                let path = format!("task[{index}].fpu.{field}");
                self.say(
                    Code::BadExtension,
                    file.record,
                    "CPU_FPU",
                    path,
                    found,
                    expected,
                );
            };
            let (number, len) = match (file.unit(), &file.regs) {
                (Some((number, len)), _) => (number, Some(len)),
                (None, FpRegs::Other(number, _)) => (*number, None),
                (None, _) => continue,
            };
            if number <= before {
                say(
                    "unit",
                    format!("{number} after {before}"),
                    "ascending units",
                );
            }
            before = number;
            if len.is_some_and(|len| len != file.regset_len) {
                let expected = len.unwrap_or_default().to_string();
                say("regset_len", file.regset_len.to_string(), &expected);
            }
            let allowed = if number == 1 {
                FLAGS
            } else {
                FLAGS & !VFP_ONLY
            };
            if file.flags & !allowed != 0 {
                say("flags", format!("{:#x}", file.flags), "flags of the unit");
            }
        }
        let used = |wanted: u32| {
            let is = |file: &&FpFile| {
                file.is_used() && file.unit().is_some_and(|(unit, _)| unit == wanted)
            };
            files.iter().find(is)
        };
        if let (Some(_), Some(file)) = (used(2), used(3)) {
            let path = format!("task[{index}].fpu.unit");
            let (found, expected) = ("FPA and iWMMXt in use", "one of them");
            self.say(
                Code::BadExtension,
                file.record,
                "CPU_FPU",
                path,
                found,
                expected,
            );
        }
    }

    /// §10.4: the ABI of a process does not contradict itself.
    fn abi(&mut self, index: u32, abi: &ArmAbi) {
        let mut say = |field: &str, found: String, expected: &str| {
            let path = format!("task[{index}].abi.{field}");
            self.say(
                Code::BadExtension,
                abi.record,
                "ARM_ABI",
                path,
                found,
                expected,
            );
        };
        if let Some(size) = abi.page_size.filter(|size| !size.is_power_of_two()) {
            say("page_size", size.to_string(), "a power of two");
        }
        if let Some(endian) = abi.endian.filter(|endian| *endian > 2) {
            say("endian", endian.to_string(), "0 to 2");
        }
        let version = abi.e_flags.map(|flags| flags >> 24);
        let fits = match (version, abi.calling) {
            (Some(0), calling) => calling <= 1,
            (Some(_), calling) => matches!(calling, 0 | 2 | 3),
            (None, calling) => calling <= 3,
        };
        if !fits {
            let e_flags = abi.e_flags.unwrap_or_default();
            let expected = format!("what fits e_flags {e_flags:#010x}");
            say("calling", abi.calling.to_string(), &expected);
        }
    }

    /// §10.6: files of foreign images have the length that they say, and a name that is one.
    fn foreign(&mut self) {
        let image = self.image;
        let mut names = std::collections::HashSet::new();
        for (i, file) in image.foreign.iter().enumerate() {
            let mut say = |field: &str, found: String, expected: &str| {
                let path = format!("foreign[{i}].{field}");
                self.say(
                    Code::BadExtension,
                    file.record,
                    "FOREIGN",
                    path,
                    found,
                    expected,
                );
            };
            let len = file
                .parts
                .iter()
                .map(|part| part.len)
                .fold(0, u64::saturating_add);
            if len != file.size {
                say("size", file.size.to_string(), &len.to_string());
            }
            if file.format != 1 {
                say("format", file.format.to_string(), "1");
            }
            if file.name.is_empty() {
                say("name", "no name".to_owned(), "a file name");
            } else if !file.has_plain_name() {
                say(
                    "name",
                    escape(&file.name),
                    "a file name without a directory",
                );
            } else if !names.insert(&file.name) {
                say("name", escape(&file.name), "a name of its own");
            }
        }
    }

    fn pending(&mut self, index: u32, pending: &Pending) {
        for info in pending
            .queue
            .iter()
            .filter(|info| info.signo == 0 || info.signo > 64)
        {
            self.say(
                Code::BadSignal,
                pending.record,
                "SIGPENDING",
                format!("task[{index}].siginfo"),
                info.signo.to_string(),
                "1 to 64",
            );
        }
    }

    fn files(&mut self) {
        let image = self.image;
        for (at, table) in &image.file_tables {
            for fd in &table.fds {
                let path = || format!("file_table[{at}].fd[{}]", fd.fd);
                if fd.file <= 0 {
                    self.say(
                        Code::DanglingReference,
                        fd.record,
                        "FILE_DESC",
                        path(),
                        fd.file.to_string(),
                        "a FILE object",
                    );
                }
                self.refers(fd.record, "FILE_DESC", path, fd.file, Object::File);
            }
        }
        for (at, file) in image.files.iter() {
            let path = |field: &'static str| move || format!("file[{at}].{field}");
            self.refers(
                file.record,
                "FILE",
                path("f_credref"),
                file.cred,
                Object::Cred,
            );
            self.refers(
                file.record,
                "FILE",
                path("f_secref"),
                file.label,
                Object::Security,
            );
            match file.kind {
                FileKind::Socket(sock) => {
                    self.refers(file.record, "FILE", path("sock_objref"), sock, Object::Sock);
                }
                FileKind::Tty(tty) => {
                    self.refers(file.record, "FILE", path("tty_objref"), tty, Object::Tty);
                }
                FileKind::Pipe(inode) | FileKind::Fifo(inode) if inode <= 0 => {
                    self.say(
                        Code::DanglingReference,
                        file.record,
                        "FILE",
                        path("pipe_objref")(),
                        inode.to_string(),
                        "an INODE number",
                    );
                }
                FileKind::Other(number) => {
                    self.say(
                        Code::BadEnum,
                        file.record,
                        "FILE",
                        path("f_type")(),
                        number.to_string(),
                        "1 to 7",
                    );
                }
                _ => {}
            }
            if file.flags & 0o1700 != 0 {
                self.say(
                    Code::BadFileFlags,
                    file.record,
                    "FILE",
                    path("f_flags")(),
                    format!("{:#x}", file.flags),
                    "no O_CREAT, O_EXCL, O_NOCTTY, O_TRUNC",
                );
            }
        }
        for (epoll, items) in &image.epolls {
            let record = image
                .files
                .get(*epoll)
                .map_or(RecordAt::default(), |file| file.record);
            self.refers(
                record,
                "EPOLL_ITEMS",
                || "epfile_objref".to_owned(),
                *epoll,
                Object::File,
            );
            for item in items {
                self.refers(
                    record,
                    "EPOLL_ITEMS",
                    || format!("epoll[{epoll}].fd[{}]", item.fd),
                    item.file,
                    Object::File,
                );
            }
        }
        for (at, tty) in &image.terminals {
            self.refers(
                tty.record,
                "TTY",
                || format!("tty[{at}].link_objref"),
                tty.link,
                Object::Tty,
            );
        }
    }

    fn mm(&mut self, at: ObjRef, mm: &Mm) {
        let page = self.image.page_size();
        self.refers(
            mm.record,
            "MM",
            || format!("mm[{at}].exe_objref"),
            mm.exe,
            Object::File,
        );
        for (name, (start, end)) in [("code", mm.code), ("data", mm.data)] {
            if start > end {
                self.say(
                    Code::BadRange,
                    mm.record,
                    "MM",
                    format!("mm[{at}].end_{name}"),
                    format!("{end:#x}"),
                    &format!("at least {start:#x}"),
                );
            }
        }
        let mut last_end = 0;
        let mut runs = mm.pages.iter();
        for (i, vma) in mm.vmas.iter().enumerate() {
            let path = |field: &str| format!("mm[{at}].vma[{i}].{field}");
            if vma.end <= vma.start {
                self.say(
                    Code::BadRange,
                    vma.record,
                    "VMA",
                    path("vm_end"),
                    format!("{:#x}", vma.end),
                    &format!("above {:#x}", vma.start),
                );
            }
            if vma.start < last_end {
                self.say(
                    Code::Overlap,
                    vma.record,
                    "VMA",
                    path("vm_start"),
                    format!("{:#x}", vma.start),
                    &format!("at least {last_end:#x}"),
                );
            }
            last_end = last_end.max(vma.end);
            if let VmaKind::Other(number) = vma.kind {
                self.say(
                    Code::BadEnum,
                    vma.record,
                    "VMA",
                    path("vma_type"),
                    number.to_string(),
                    "1 to 10",
                );
            }
            self.refers(
                vma.record,
                "VMA",
                || path("vma_objref"),
                vma.file,
                Object::File,
            );
            self.refers(
                vma.record,
                "VMA",
                || path("ino_objref"),
                vma.inode,
                Object::Inode,
            );
            let file_wanted = matches!(vma.kind, VmaKind::File | VmaKind::ShmFile);
            if file_wanted && vma.file == 0 {
                self.say(
                    Code::DanglingReference,
                    vma.record,
                    "VMA",
                    path("vma_objref"),
                    "no file",
                    "a FILE object",
                );
            }
            if vma.kind == VmaKind::Anon && vma.file != 0 {
                self.say(
                    Code::WrongReference,
                    vma.record,
                    "VMA",
                    path("vma_objref"),
                    format!("file {}", vma.file),
                    "none for an anonymous mapping",
                );
            }
            self.runs(
                runs.go_on(mm.pages_of(&vma)),
                (vma.start, vma.end),
                page,
                vma.record,
                || path("pages"),
            );
        }
    }

    fn runs(
        &mut self,
        runs: &mut Iter<PageRun>,
        (start, end): (u64, u64),
        page: u64,
        at: RecordAt,
        path: impl Fn() -> String,
    ) {
        let mut last = start;
        for run in runs {
            let run_end = run.end();
            if run.addr < start || run_end > end || run.addr.checked_rem(page) != Some(0) {
                let found = format!("{:#x} to {run_end:#x}", run.addr);
                self.say(
                    Code::PageOutside,
                    at,
                    "VMA",
                    path(),
                    found,
                    &format!("whole pages in {start:#x} to {end:#x}"),
                );
            } else if run.addr < last {
                self.say(
                    Code::PageOrder,
                    at,
                    "VMA",
                    path(),
                    format!("{:#x}", run.addr),
                    &format!("at least {last:#x}"),
                );
            }
            last = last.max(run_end);
        }
    }

    fn segments(&mut self) {
        let image = self.image;
        let page = image.page_size();
        for (at, segment) in &image.segments {
            let end = segment
                .size
                .checked_next_multiple_of(page.max(1))
                .unwrap_or(u64::MAX);
            self.runs(
                &mut segment.pages.iter(),
                (0, end),
                page,
                segment.record,
                || format!("segment[{at}].pages"),
            );
        }
    }

    fn credentials(&mut self) {
        let image = self.image;
        for (at, cred) in &image.creds {
            let path = |field: &'static str| move || format!("cred[{at}].{field}");
            self.refers(
                cred.record,
                "CRED",
                path("user_ref"),
                cred.user,
                Object::User,
            );
            self.refers(
                cred.record,
                "CRED",
                path("groupinfo_ref"),
                cred.groups,
                Object::GroupInfo,
            );
            self.refers(
                cred.record,
                "CRED",
                path("sec_ref"),
                cred.label,
                Object::Security,
            );
        }
        for (at, user) in &image.users {
            self.refers(
                user.record,
                "USER",
                || format!("user[{at}].userns_ref"),
                user.user_ns,
                Object::UserNs,
            );
        }
        for (at, signal) in &image.signals {
            self.refers(
                signal.record,
                "SIGNAL",
                || format!("signal[{at}].tty_objref"),
                signal.tty,
                Object::Tty,
            );
            self.pending(0, &signal.pending);
        }
    }

    fn namespaces(&mut self) {
        let image = self.image;
        for (at, ns) in &image.namespaces {
            let path = |field: &'static str| move || format!("ns[{at}].{field}");
            self.refers(ns.record, "NS", path("uts_objref"), ns.uts, Object::UtsNs);
            self.refers(ns.record, "NS", path("ipc_objref"), ns.ipc, Object::IpcNs);
            self.refers(ns.record, "NS", path("net_objref"), ns.net, Object::NetNs);
        }
        for (at, device) in &image.devices {
            self.refers(
                device.record,
                "NETDEV",
                || format!("netdev[{at}].veth.peer_ref"),
                device.peer,
                Object::Netdev,
            );
            self.refers(
                device.record,
                "NETDEV",
                || format!("netdev[{at}].netns_ref"),
                device.net_ns,
                Object::NetNs,
            );
        }
    }

    fn sockets(&mut self) {
        let image = self.image;
        for (at, socket) in &image.sockets {
            let path = |field: &'static str| move || format!("socket[{at}].{field}");
            self.refers(
                socket.record,
                "SOCKET_UNIX",
                path("peer"),
                socket.peer,
                Object::Sock,
            );
            if socket.shutdown > 3 {
                self.say(
                    Code::BadSocket,
                    socket.record,
                    "SOCKET",
                    path("sock.shutdown")(),
                    socket.shutdown.to_string(),
                    "0 to 3",
                );
            }
            if socket.state == 0 || socket.state > 11 {
                self.say(
                    Code::BadSocket,
                    socket.record,
                    "SOCKET",
                    path("sock.state")(),
                    socket.state.to_string(),
                    "1 to 11",
                );
            }
            if socket.socket_state == 3 && socket.state != 1 {
                self.say(
                    Code::BadSocket,
                    socket.record,
                    "SOCKET",
                    path("sock.state")(),
                    socket.state.to_string(),
                    "1 (ESTABLISHED) of a connected socket",
                );
            }
        }
    }

    fn ipc(&mut self) {
        let image = self.image;
        for space in image.ipc.values() {
            for segment in &space.segments {
                if segment.perms.id < 0 {
                    self.say(
                        Code::BadIpc,
                        segment.record,
                        "IPC_SHM",
                        "perms.id".to_owned(),
                        segment.perms.id.to_string(),
                        "0 or more",
                    );
                }
            }
            for queue in &space.queues {
                for message in &queue.messages {
                    if message.kind < 1 {
                        self.say(
                            Code::BadIpc,
                            message.record,
                            "IPC_MSG_MSG",
                            "m_type".to_owned(),
                            message.kind.to_string(),
                            "1 or more",
                        );
                    }
                    let text: u64 = message
                        .text
                        .iter()
                        .map(|piece| piece.len)
                        .fold(0, u64::saturating_add);
                    if text != u64::from(message.len) {
                        self.say(
                            Code::BadIpc,
                            message.record,
                            "IPC_MSG_MSG",
                            "m_ts".to_owned(),
                            format!("{text} bytes of text"),
                            &message.len.to_string(),
                        );
                    }
                }
            }
        }
    }

    /// Parts that a restart of the image needs.
    fn completeness(&mut self) {
        let image = self.image;
        if image.tasks.is_empty() && image.error.is_none() {
            self.say(
                Code::Incomplete,
                image.header.record,
                "TREE",
                String::new(),
                "no task",
                "at least one",
            );
        }
        for (at, segment) in &image.segments {
            if *at > 0 && segment.pages.is_empty() && segment.size == 0 {
                self.say(
                    Code::Incomplete,
                    segment.record,
                    "VMA",
                    format!("segment[{at}]"),
                    "no contents",
                    "pages",
                );
            }
        }
        for (at, mm) in &image.mms {
            for vma in mm
                .vmas
                .iter()
                .filter(|vma| matches!(vma.kind, VmaKind::ShmAnonSkip | VmaKind::ShmIpcSkip))
            {
                if !image.segments.contains_key(&vma.inode) {
                    let found = format!("contents of segment {} are not in the image", vma.inode);
                    let path = format!(
                        "mm[{at}] {:#x} {}",
                        vma.start,
                        escape(image.exe_of(mm).unwrap_or_default())
                    );
                    self.say(Code::Incomplete, vma.record, "VMA", path, found, "");
                }
            }
        }
    }
}
