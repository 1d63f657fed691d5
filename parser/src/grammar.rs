//! The order of records (§2): what a record is in its place, and what it belongs to.
//!
//! A stack of expectations, no recursion. A record is matched against the top; what it announces
//! is pushed. OBJREF groups may stand before any record, so they are pushed on top of whatever is
//! expected and fall off when their object is complete.

use crate::diagnostic::{Code, Diagnostic};
use crate::frame::Frame;
use crate::view::View;
use ckpt_format::dialect::{R03, R08, R09, R15, R18};
use ckpt_format::records as table;
use ckpt_format::{Arch, Dialect, FieldId, Object, Tables, Tag};
use std::collections::HashSet;

/// What a record is in its place; payload records get their meaning from it (§1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// What its type says.
    Plain,
    /// Bytes of no record.
    Gap,
    /// A record where the grammar has none.
    Stray,
    /// The kernel's release, version or machine text.
    Release,
    /// See [`Role::Release`].
    Version,
    /// See [`Role::Release`].
    Machine,
    /// Name of the security module.
    LsmName,
    /// Pid objects of R15 and later: entries of variable size.
    Pids,
    /// One `ckpt_pids` or `ckpt_task_pids` per task.
    TaskPids,
    /// Pids in nested namespaces, R08 to R14.
    Vpids,
    /// Name of a task.
    Comm,
    /// Saved auxiliary vector.
    Auxv,
    /// Addresses and contents of pages.
    Pages {
        /// How many.
        count: u64,
    },
    /// Contents of one huge page.
    HugePage,
    /// Path of a file.
    Path,
    /// Current directory.
    Cwd,
    /// Root directory.
    Root,
    /// Unread input of a terminal.
    TtyInput,
    /// Watched files of an epoll file.
    EpollItems,
    /// A piece of a System V message.
    MsgText,
    /// Values of a semaphore set.
    SemValues,
    /// Semaphore adjustments.
    SemAdjust,
    /// Linear data of a socket buffer.
    SkbData,
    /// A security label.
    Label,
    /// Directory of a relative socket path.
    SocketDirectory,
    /// Name of a network device.
    DeviceName,
    /// Name of a file of a foreign image.
    ForeignName,
    /// A piece of such a file.
    ForeignData,
    /// Reason of a failed checkpoint.
    ErrorText,
    /// Pending signals of a process.
    SharedPending,
    /// Pending signals of a thread.
    PrivatePending,
}

impl Role {
    /// Whether it is text, a name or a message.
    pub const fn is_text(self) -> bool {
        matches!(
            self,
            Role::Release
                | Role::Version
                | Role::Machine
                | Role::LsmName
                | Role::Comm
                | Role::Path
                | Role::Cwd
                | Role::Root
                | Role::Label
                | Role::SocketDirectory
                | Role::DeviceName
                | Role::ErrorText
        )
    }
    /// A short name, empty for [`Role::Plain`].
    pub const fn name(self) -> &'static str {
        match self {
            Role::Plain => "",
            Role::Gap => "gap",
            Role::Stray => "stray",
            Role::Release => "release",
            Role::Version => "version",
            Role::Machine => "machine",
            Role::LsmName => "lsm name",
            Role::Pids => "pids",
            Role::TaskPids => "task pids",
            Role::Vpids => "vpids",
            Role::Comm => "comm",
            Role::Auxv => "auxv",
            Role::Pages { .. } => "pages",
            Role::HugePage => "huge page",
            Role::Path => "path",
            Role::Cwd => "cwd",
            Role::Root => "root",
            Role::TtyInput => "tty input",
            Role::EpollItems => "epoll items",
            Role::MsgText => "message text",
            Role::SemValues => "semaphore values",
            Role::SemAdjust => "semaphore adjustments",
            Role::SkbData => "socket data",
            Role::Label => "label",
            Role::SocketDirectory => "socket directory",
            Role::DeviceName => "device name",
            Role::ForeignName => "foreign name",
            Role::ForeignData => "foreign data",
            Role::ErrorText => "error text",
            Role::SharedPending => "shared",
            Role::PrivatePending => "private",
        }
    }
}

/// A shared object that is being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ObjectId {
    /// Its type; `None` if the number stands for nothing.
    pub kind: Option<Object>,
    /// Its number.
    pub objref: i32,
}

/// Where a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// What it is there.
    pub role: Role,
    /// Nesting, for outlines.
    pub depth: u32,
    /// The task it belongs to, counted from 0.
    pub task: Option<u32>,
    /// The innermost object that it belongs to.
    pub object: Option<ObjectId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Item {
    /// Exactly this record.
    One(Tag, Role),
    /// This record or nothing; only directly behind the record that announced it.
    Maybe(Tag, Role),
    /// As many of these as announced. Others may be in between if they are objects.
    Many(Tag, u64),
    /// Any number of these directly behind each other.
    Run(Tag),
    /// Page groups up to the terminator (§4.1).
    Pages,
    /// Epoll items and socket queues behind a file table.
    Deferred,
    /// Message text until so many bytes are read.
    Text(u64),
    /// As many pieces of a foreign file.
    Parts(u64),
    /// The part of a socket that depends on its family.
    SocketBody,
    /// Devices of a network namespace.
    Netdevs,
    /// End of a nesting.
    Leave,
    /// End of an object.
    Close,
    /// End of a task.
    EndTask,
}

/// The automaton.
#[derive(Debug)]
pub struct Grammar {
    dialect: Dialect,
    /// Those of the records that not every machine has.
    machine: Vec<Tag>,
    stack: Vec<Item>,
    objects: Vec<ObjectId>,
    depth: u32,
    task: Option<u32>,
    tasks: u32,
    signals: HashSet<i32>,
    pipes: HashSet<i32>,
    failed: bool,
    complete: bool,
    max_depth: u32,
    found: Vec<Diagnostic>,
}

macro_rules! ids {
    ($($name:ident = $table:ident $path:literal;)*) => {
        $(const $name: FieldId = table::$table.id($path);)*
    };
}

ids! {
    OBJTYPE = OBJREF "objtype";
    OBJREF = OBJREF "objref";
    NR_TASKS = TREE "nr_tasks";
    EXIT_STATE = TASK "exit_state";
    USED_MATH = CPU "used_math";
    SIGNAL_OBJREF = TASK_OBJS "signal_objref";
    FDT_NFDS = FILE_TABLE "fdt_nfds";
    F_TYPE = FILE "f_type";
    PIPE_OBJREF = FILE "pipe_objref";
    NUM_ITEMS = EPOLL_ITEMS "num_items";
    DATALEN = TTY_LDISC "datalen";
    MAP_COUNT = MM "map_count";
    VMA_TYPE = VMA "vma_type";
    NR_PAGES = PGARR "nr_pages";
    IPC_TYPE = IPC "ipc_type";
    IPC_COUNT = IPC "ipc_count";
    Q_QNUM = IPC_MSG "q_qnum";
    M_TS = IPC_MSG_MSG "m_ts";
    FOREIGN_PARTS = FOREIGN "parts";
    SEM_NSEMS = IPC_SEM "sem_nsems";
    UNDO_COUNT = TASK_SEM_UNDO_LIST "count";
    SEMADJ_COUNT = TASK_SEM_UNDO "semadj_count";
    SKB_COUNT = SOCKET_QUEUE "skb_count";
    NR_FRAGS = SOCKET_BUFFER "nr_frags";
    LADDR_LEN = SOCKET_UNIX "laddr_len";
    LADDR_PATH = SOCKET_UNIX "laddr.sun_path";
}

impl Grammar {
    /// Ready for the first record of an image.
    pub fn new(tables: &Tables, max_depth: u32) -> Self {
        let mut grammar = Grammar {
            dialect: tables.dialect,
            machine: machine_records(tables),
            stack: Vec::new(),
            objects: Vec::new(),
            depth: 0,
            task: None,
            tasks: 0,
            signals: HashSet::new(),
            pipes: HashSet::new(),
            failed: false,
            complete: false,
            max_depth,
            found: Vec::new(),
        };
        grammar.expect_image();
        grammar
    }
    /// Findings since the last call.
    pub fn take_found(&mut self) -> Vec<Diagnostic> {
        std::mem::take(&mut self.found)
    }
    /// Whether TAIL was seen in its place.
    pub fn complete(&self) -> bool {
        self.complete
    }

    fn expect(&mut self, items: &[Item]) {
        self.stack.extend(items.iter().rev());
    }

    /// Expects items one level deeper.
    fn expect_inside(&mut self, items: &[Item]) {
        self.depth = self.depth.saturating_add(1);
        self.stack.push(Item::Leave);
        self.expect(items);
    }

    fn expect_image(&mut self) {
        use Item::{Maybe, One};
        let revision = self.dialect.revision;
        let mut items = vec![
            One(Tag::Header, Role::Plain),
            One(Tag::Buffer, Role::Release),
            One(Tag::Buffer, Role::Version),
            One(Tag::Buffer, Role::Machine),
            One(Tag::HeaderArch, Role::Plain),
        ];
        if revision >= R03 {
            items.extend([
                One(Tag::Container, Role::Plain),
                One(Tag::Buffer, Role::LsmName),
                One(Tag::LsmInfo, Role::Plain),
            ]);
        } else {
            // The kernel of v18 wrote no CONTAINER; the tools of R01 expect one (§2.1).
            items.push(Maybe(Tag::Container, Role::Plain));
        }
        if revision >= R15 {
            items.extend([One(Tag::Pids, Role::Plain), One(Tag::Buffer, Role::Pids)]);
        }
        items.extend([
            One(Tag::Tree, Role::Plain),
            One(Tag::Buffer, Role::TaskPids),
        ]);
        if revision.within(R08, R09) {
            items.push(One(Tag::Vpids, Role::Plain));
        }
        if revision >= R08 && revision < R15 {
            items.push(Maybe(Tag::Buffer, Role::Vpids));
        }
        items.push(Item::Many(Tag::Task, 0));
        if revision >= R18 {
            items.push(Item::Run(Tag::Foreign));
        }
        items.push(One(Tag::Tail, Role::Plain));
        self.expect(&items);
    }

    /// Places the next record.
    pub fn place(
        &mut self,
        frame: &Frame,
        index: u64,
        tag: Option<Tag>,
        view: Option<&View>,
    ) -> Place {
        let Some(tag) = tag else {
            let role = if frame.is_gap() {
                Role::Gap
            } else {
                Role::Plain
            };
            return self.here(role);
        };
        match tag {
            Tag::Objref => return self.open_object(frame, index, view),
            Tag::Error => {
                self.failed = true;
                let place = self.here(Role::Plain);
                self.stack.push(Item::One(Tag::String, Role::ErrorText));
                return place;
            }
            _ => {}
        }
        let role = self.match_top(frame, index, tag);
        let place = self.enter(tag, role);
        if let Some(view) = view
            && role != Role::Stray
        {
            self.announce(tag, view);
        }
        self.settle();
        place
    }

    fn here(&self, role: Role) -> Place {
        Place {
            role,
            depth: self.depth,
            task: self.task,
            object: self.objects.last().copied(),
        }
    }

    fn enter(&mut self, tag: Tag, role: Role) -> Place {
        if tag == Tag::Task && role != Role::Stray {
            self.task = Some(self.tasks);
            self.tasks = self.tasks.saturating_add(1);
        }
        if tag == Tag::Tail {
            self.task = None;
            self.complete = true;
        }
        self.here(role)
    }

    /// Finds what the record is, dropping expectations that it shows to be over.
    fn match_top(&mut self, frame: &Frame, index: u64, tag: Tag) -> Role {
        loop {
            let Some(top) = self.stack.last().copied() else {
                return self.stray(frame, index, tag);
            };
            if let Some(role) = self.take_top(top, tag) {
                return role;
            }
            if let Item::One(wanted, _) = top {
                if !self.skip_to(frame, index, wanted, tag) {
                    return self.stray(frame, index, tag);
                }
                continue;
            }
            if let Some((code, found)) = unfinished(top) {
                if !self.stack.iter().any(|item| accepts(*item, tag)) {
                    return self.stray(frame, index, tag);
                }
                let told = Diagnostic::new(code, frame.offset, index, tag.name(), found);
                self.found.push(told);
            }
            self.pop();
        }
    }

    /// Uses up the top if it accepts the record.
    fn take_top(&mut self, top: Item, tag: Tag) -> Option<Role> {
        if !accepts(top, tag) {
            return None;
        }
        let role = match top {
            Item::One(_, role) | Item::Maybe(_, role) => {
                self.stack.pop();
                role
            }
            Item::Many(wanted, left) => {
                self.stack.pop();
                self.stack.push(Item::Many(wanted, left.checked_sub(1)?));
                Role::Plain
            }
            Item::SocketBody => {
                self.stack.pop();
                Role::Plain
            }
            Item::Text(_) => Role::MsgText,
            Item::Parts(left) => {
                self.stack.pop();
                self.stack.push(Item::Parts(left.checked_sub(1)?));
                Role::ForeignData
            }
            _ => Role::Plain,
        };
        Some(role)
    }

    /// A required record is missing: goes on at the nearest expectation that the record meets.
    fn skip_to(&mut self, frame: &Frame, index: u64, wanted: Tag, tag: Tag) -> bool {
        let Some(back) = self.stack.iter().rev().position(|item| accepts(*item, tag)) else {
            return false;
        };
        let found = format!("{} in its place", tag.name());
        let missing = Diagnostic::new(Code::Missing, frame.offset, index, tag.name(), found);
        self.found.push(missing.expected(wanted.name()));
        for _ in 0..back {
            self.pop();
        }
        true
    }

    fn stray(&mut self, frame: &Frame, index: u64, tag: Tag) -> Role {
        let diagnostic = Diagnostic::new(
            Code::Unexpected,
            frame.offset,
            index,
            tag.name(),
            tag.name(),
        );
        self.found.push(
            diagnostic
                .len(u64::from(frame.len))
                .expected(self.required().unwrap_or("end of image")),
        );
        Role::Stray
    }

    /// The record that has to come next.
    fn required(&self) -> Option<&'static str> {
        self.stack.iter().rev().find_map(|item| match item {
            Item::One(tag, _) | Item::Many(tag, 1..) => Some(tag.name()),
            Item::Pages => Some("PGARR"),
            Item::SocketBody => Some("SOCKET_UNIX or SOCKET_INET"),
            Item::Text(1..) | Item::Parts(1..) => Some("BUFFER"),
            _ => None,
        })
    }

    fn pop(&mut self) {
        match self.stack.pop() {
            Some(Item::Leave) => self.depth = self.depth.saturating_sub(1),
            Some(Item::Close) => {
                self.objects.pop();
                self.depth = self.depth.saturating_sub(1);
            }
            Some(Item::EndTask) => {
                self.task = None;
                self.depth = self.depth.saturating_sub(1);
            }
            _ => {}
        }
    }

    /// Ends what is complete, so that the next record stands at the right depth.
    fn settle(&mut self) {
        while let Some(
            Item::Leave
            | Item::Close
            | Item::EndTask
            | Item::Text(0)
            | Item::Parts(0)
            | Item::Many(_, 0),
        ) = self.stack.last()
        {
            self.pop();
        }
    }

    fn open_object(&mut self, frame: &Frame, index: u64, view: Option<&View>) -> Place {
        let number = view.and_then(|v| v.u32(OBJTYPE)).unwrap_or(0);
        let objref = view.and_then(|v| v.i32(OBJREF)).unwrap_or(0);
        let kind = Object::from_number(number, self.dialect.revision, self.dialect.abi.arch);
        self.end_optional(kind);
        let place = self.here(Role::Plain);
        if self.objects.len() as u64 >= u64::from(self.max_depth) {
            let found = format!(
                "{} inside each other",
                crate::text::count(self.objects.len(), "object")
            );
            self.found.push(Diagnostic::new(
                Code::TooDeep,
                frame.offset,
                index,
                "OBJREF",
                found,
            ));
            return place;
        }
        self.objects.push(ObjectId { kind, objref });
        self.depth = self.depth.saturating_add(1);
        self.stack.push(Item::Close);
        if let Some(kind) = kind {
            self.expect_body(kind);
        }
        self.settle();
        place
    }

    /// What may only stand directly behind its record is over when an object begins.
    fn end_optional(&mut self, kind: Option<Object>) {
        loop {
            match self.stack.last() {
                Some(Item::Netdevs) if kind == Some(Object::Netdev) => return,
                Some(
                    Item::Maybe(..)
                    | Item::Run(..)
                    | Item::Deferred
                    | Item::Netdevs
                    | Item::Leave
                    | Item::Close
                    | Item::EndTask
                    | Item::Text(0)
                    | Item::Parts(0)
                    | Item::Many(_, 0),
                ) => self.pop(),
                _ => return,
            }
        }
    }

    fn expect_body(&mut self, kind: Object) {
        use Item::One;
        let plain = |tag| One(tag, Role::Plain);
        let items: &[Item] = match kind {
            Object::FileTable => &[plain(Tag::FileTable)],
            Object::File => &[plain(Tag::File)],
            Object::Mm => &[plain(Tag::Mm)],
            Object::Fs => &[
                plain(Tag::Fs),
                One(Tag::FileName, Role::Cwd),
                One(Tag::FileName, Role::Root),
            ],
            Object::Sighand => &[plain(Tag::Sighand)],
            Object::Ns => &[plain(Tag::Ns)],
            Object::UtsNs => &[plain(Tag::UtsNs)],
            Object::IpcNs => &[plain(Tag::IpcNs)],
            Object::UserNs => &[plain(Tag::UserNs)],
            Object::Cred => &[plain(Tag::Cred)],
            Object::User => &[plain(Tag::User)],
            Object::GroupInfo => &[plain(Tag::GroupInfo)],
            Object::Sock => &[plain(Tag::Socket)],
            Object::Tty => &[plain(Tag::Tty)],
            Object::Security => &[plain(Tag::Security), One(Tag::String, Role::Label)],
            Object::NetNs => &[plain(Tag::NetNs)],
            Object::Netdev => &[plain(Tag::Netdev)],
            Object::SemUndo => &[plain(Tag::TaskSemUndoList)],
            Object::Ignore
            | Object::Pid
            | Object::Inode
            | Object::Signal
            | Object::MntNs
            | Object::SecurityPtr => &[],
        };
        self.expect(items);
    }

    /// Expects what a record says will follow it.
    fn announce(&mut self, tag: Tag, view: &View) {
        use Item::{Many, Maybe, One};
        let get = |id| view.uint(id).unwrap_or(0);
        match tag {
            Tag::Tree => self.set_tasks(get(NR_TASKS)),
            Tag::Task => self.expect_task(get(EXIT_STATE) != 0),
            Tag::Cpu if get(USED_MATH) != 0 => self.expect(&[One(Tag::CpuFpu, Role::Plain)]),
            Tag::TaskObjs => self.expect_signal(view.i32(SIGNAL_OBJREF).unwrap_or(0)),
            Tag::FileTable => self.expect(&[Many(Tag::FileDesc, get(FDT_NFDS)), Item::Deferred]),
            Tag::File => self.expect_file(view),
            Tag::EpollItems if get(NUM_ITEMS) > 0 => {
                self.expect_inside(&[One(Tag::Buffer, Role::EpollItems)]);
            }
            Tag::Tty => self.expect(&[Maybe(Tag::TtyLdisc, Role::Plain)]),
            Tag::TtyLdisc if get(DATALEN) > 0 => self.expect(&[One(Tag::Buffer, Role::TtyInput)]),
            Tag::Mm => self.expect_memory(get(MAP_COUNT)),
            Tag::Vma if matches!(get(VMA_TYPE), 2 | 3 | 4 | 9) => {
                self.expect_inside(&[Item::Pages]);
            }
            Tag::Pgarr => match get(NR_PAGES) {
                0 => self.end_pages(),
                count => self.stack.push(One(Tag::Buffer, Role::Pages { count })),
            },
            Tag::Hpage => self.stack.push(One(Tag::Buffer, Role::HugePage)),
            Tag::IpcNs => self.expect(&[Many(Tag::Ipc, 3)]),
            Tag::Ipc => self.expect_members(get(IPC_TYPE), get(IPC_COUNT)),
            Tag::IpcShm => self.expect_inside(&[Item::Pages]),
            Tag::IpcMsg => self.expect_inside(&[Many(Tag::IpcMsgMsg, get(Q_QNUM))]),
            Tag::IpcMsgMsg => {
                self.expect_inside(&[One(Tag::Buffer, Role::MsgText), Item::Text(get(M_TS))]);
            }
            Tag::IpcSem if get(SEM_NSEMS) > 0 => {
                self.expect_inside(&[One(Tag::Buffer, Role::SemValues)]);
            }
            Tag::TaskSemUndoList => self.expect(&[Many(Tag::TaskSemUndo, get(UNDO_COUNT))]),
            Tag::TaskSemUndo if get(SEMADJ_COUNT) > 0 => {
                self.expect_inside(&[Maybe(Tag::Buffer, Role::SemAdjust)]);
            }
            Tag::Socket => self.expect(&[Item::SocketBody]),
            Tag::SocketUnix => self.expect_directory(view),
            Tag::SocketQueue => {
                self.expect_inside(&[Many(Tag::SocketBuffer, get(SKB_COUNT))]);
            }
            Tag::SocketBuffer => self.expect_inside(&[
                One(Tag::Buffer, Role::SkbData),
                Many(Tag::SocketFrag, get(NR_FRAGS)),
            ]),
            Tag::NetNs => self.expect(&[Item::Netdevs]),
            Tag::Netdev => {
                self.expect(&[
                    Maybe(Tag::String, Role::DeviceName),
                    Maybe(Tag::NetdevAddr, Role::Plain),
                ]);
            }
            Tag::Foreign => self.expect_inside(&[
                One(Tag::String, Role::ForeignName),
                Item::Parts(get(FOREIGN_PARTS)),
            ]),
            Tag::Buffer => self.count_text(view),
            _ => {}
        }
    }

    fn set_tasks(&mut self, count: u64) {
        if let Some(item) = self
            .stack
            .iter_mut()
            .find(|item| matches!(item, Item::Many(Tag::Task, _)))
        {
            *item = Item::Many(Tag::Task, count);
        }
    }

    fn expect_task(&mut self, dead: bool) {
        use Item::One;
        let plain = |tag| One(tag, Role::Plain);
        self.depth = self.depth.saturating_add(1);
        self.stack.push(Item::EndTask);
        let mut items = vec![One(Tag::String, Role::Comm)];
        if !dead {
            if self.machine.contains(&Tag::Thread) {
                items.push(plain(Tag::Thread));
            }
            items.extend([plain(Tag::RestartBlock), plain(Tag::Cpu)]);
            if self.dialect.revision >= R18 && self.dialect.abi.arch == Arch::Arm {
                items.extend([Item::Run(Tag::CpuFpu), plain(Tag::ArmAbi)]);
            }
            items.extend([
                plain(Tag::TaskCreds),
                plain(Tag::TaskNs),
                plain(Tag::TaskObjs),
                One(Tag::Sigpending, Role::PrivatePending),
                plain(Tag::SignalTask),
            ]);
        }
        self.expect(&items);
    }

    /// SIGNAL and the shared SIGPENDING follow where their object is first named (§2.2).
    fn expect_signal(&mut self, objref: i32) {
        if self.signals.insert(objref) {
            self.expect(&[
                Item::One(Tag::Signal, Role::Plain),
                Item::One(Tag::Sigpending, Role::SharedPending),
            ]);
        }
    }

    /// Of a pipe, the end that is met first has the contents, also when it is empty (§2.3).
    fn expect_file(&mut self, view: &View) {
        let kind = view.uint(F_TYPE);
        let pipe = view.i32(PIPE_OBJREF);
        if matches!(kind, Some(2 | 3)) && pipe.is_some_and(|pipe| self.pipes.insert(pipe)) {
            self.expect(&[Item::One(Tag::PipeBuf, Role::Plain)]);
        }
        if matches!(kind, Some(1 | 3)) {
            self.expect(&[Item::One(Tag::FileName, Role::Path)]);
        }
    }

    /// Behind the mappings stands what the machine adds; on x86 an LDT, which may be empty (§2.3).
    fn expect_memory(&mut self, mappings: u64) {
        let context = [Tag::MmContext, Tag::MmContextLdt];
        let context = context.into_iter().filter(|tag| self.machine.contains(tag));
        let mut items = vec![
            Item::One(Tag::Buffer, Role::Auxv),
            Item::Many(Tag::Vma, mappings),
        ];
        items.extend(context.map(|tag| Item::One(tag, Role::Plain)));
        self.expect(&items);
    }

    fn expect_members(&mut self, kind: u64, count: u64) {
        let tag = match kind {
            502 => Tag::IpcShm,
            503 => Tag::IpcMsg,
            505 => Tag::IpcSem,
            _ => return,
        };
        self.expect_inside(&[Item::Many(tag, count)]);
    }

    fn expect_directory(&mut self, view: &View) {
        let used = view.uint(LADDR_LEN).unwrap_or(0);
        let path = view.raw(LADDR_PATH).and_then(|path| path.first()).copied();
        if used > 2 && !matches!(path, Some(0 | b'/') | None) {
            self.expect(&[Item::One(Tag::String, Role::SocketDirectory)]);
        }
    }

    fn end_pages(&mut self) {
        if self.stack.last() == Some(&Item::Pages) {
            self.stack.pop();
        }
    }

    /// A message may be split over several buffers (§3.12). Behind any other buffer something else is on top.
    fn count_text(&mut self, view: &View) {
        let read = (view.bytes.len() as u64).saturating_sub(8);
        if let Some(Item::Text(left)) = self.stack.last_mut() {
            *left = left.saturating_sub(read);
        }
    }

    /// What the end of the image leaves open.
    pub fn finish(&mut self, offset: u64, index: u64) {
        let reason = Item::One(Tag::String, Role::ErrorText);
        let cut_before_reason = self.stack.last() == Some(&reason);
        if !self.complete && (!self.failed || cut_before_reason) {
            let found = Diagnostic::new(Code::NoTail, offset, index, "", "end of image");
            self.found
                .push(found.expected(self.required().unwrap_or("TAIL")));
        }
    }
}

/// Those of the records that not every machine has (§2.2, §2.3).
fn machine_records(tables: &Tables) -> Vec<Tag> {
    let mut tags = vec![Tag::Thread, Tag::MmContext];
    tags.retain(|tag| {
        tables
            .by_tag(*tag)
            .is_some_and(|record| record.single().is_some())
    });
    if matches!(tables.dialect.abi.arch, Arch::X86_32 | Arch::X86_64) {
        tags.push(Tag::MmContextLdt);
    }
    tags
}

/// What an expectation other than [`Item::One`] still lacks.
fn unfinished(item: Item) -> Option<(Code, String)> {
    match item {
        Item::Many(tag, left @ 1..) => Some((
            Code::CountMismatch,
            format!("{left} {} fewer than announced", tag.name()),
        )),
        Item::Parts(left @ 1..) => Some((
            Code::Missing,
            format!("{} of a file missing", crate::text::count(left, "part")),
        )),
        Item::Text(left @ 1..) => Some((
            Code::Missing,
            format!(
                "{} of message text missing",
                crate::text::count(left, "byte")
            ),
        )),
        Item::Pages => Some((
            Code::Missing,
            "the PGARR that ends the pages is missing".into(),
        )),
        Item::SocketBody => Some((
            Code::Missing,
            "SOCKET_UNIX or SOCKET_INET is missing".into(),
        )),
        _ => None,
    }
}

fn accepts(item: Item, tag: Tag) -> bool {
    match item {
        Item::One(wanted, _) | Item::Maybe(wanted, _) | Item::Run(wanted) => wanted == tag,
        Item::Many(wanted, left) => wanted == tag && left > 0,
        Item::Pages => matches!(tag, Tag::Pgarr | Tag::Hpage),
        Item::SocketBody => matches!(tag, Tag::SocketUnix | Tag::SocketInet),
        Item::Deferred => matches!(tag, Tag::EpollItems | Tag::SocketQueue),
        Item::Text(left) | Item::Parts(left) => tag == Tag::Buffer && left > 0,
        Item::Netdevs | Item::Leave | Item::Close | Item::EndTask => false,
    }
}
