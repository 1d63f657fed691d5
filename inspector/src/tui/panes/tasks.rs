//! Tasks: the tree of processes and threads, and all about one of them.

use super::registers::system_call;
use super::{bytes_of, cut_pending, cut_wrapped};
use crate::call::SystemCall;
use crate::tui::layout::View;
use crate::tui::look::{Glyph, Ink};
use crate::tui::model::{Link, Model, Row};
use crate::tui::worker::Want;
use crate::words;
use ckpt_parser::model::{Image, Live, Pending, Task};
use ckpt_parser::text::{count, escape};
use std::ops::Range;

/// Lines of a pane.
pub fn list(model: &Model, pane: usize, range: Range<usize>) -> (usize, Vec<Row>) {
    let Some(image) = &model.image else {
        return cut_pending(model, pane, range);
    };
    if pane == 0 {
        let rows = model
            .derived
            .order
            .iter()
            .skip(range.start)
            .take(range.len());
        let rows = rows.filter_map(|(task, depth)| {
            Some(task_row(
                model,
                image,
                image.tasks.get(*task as usize)?,
                *depth,
            ))
        });
        return (model.derived.order.len(), rows.collect());
    }
    cut_wrapped(
        model,
        pane,
        under_cursor(model)
            .map(|task| about(model, image, task))
            .unwrap_or_default(),
        range,
    )
}

/// Title of a pane.
pub fn title(model: &Model, pane: usize) -> String {
    match (pane, &model.image) {
        (0, Some(image)) => {
            let processes = image.processes().count();
            let threads = image.tasks.len() - processes;
            let processes = if processes == 1 {
                "1 process".to_owned()
            } else {
                format!("{processes} processes")
            };
            match threads {
                0 => format!("Tasks · {processes}"),
                more => format!("Tasks · {processes}, {}", count(more, "more thread")),
            }
        }
        (0, None) => "Tasks".to_owned(),
        _ => under_cursor(model).map_or(String::new(), |task| {
            format!("{} {}", task.pid, escape(&task.comm))
        }),
    }
}

/// The task under the cursor.
pub fn under_cursor(model: &Model) -> Option<&Task> {
    let line = model.line(View::Tasks, 0)?;
    model
        .image
        .as_ref()?
        .tasks
        .get(model.derived.order.get(line)?.0 as usize)
}

fn task_row(model: &Model, image: &Image, task: &Task, depth: u16) -> Row {
    let indent = usize::from(depth.saturating_sub(1).min(20)) * 2;
    let branch = if depth == 0 {
        String::new()
    } else {
        format!("{:indent$}{} ", "", model.look.glyph(Glyph::Child))
    };
    let state = words::state(task);
    let ink = if task.is_zombie() {
        Ink::Warn
    } else {
        Ink::Good
    };
    let kind = if task.is_leader() {
        Ink::Name
    } else {
        Ink::Normal
    };
    let mut row = Row::new(format!("{:>7} ", task.pid), Ink::Number)
        .and(branch, Ink::Dim)
        .and(format!("{} ", escape(&task.comm)), kind)
        .and(format!("{state} "), ink);
    if let Some(call) = SystemCall::recorded(image, task) {
        row = row.and(format!("in {} ", call.name()), Ink::Text);
    }
    if let Some(live) = &task.live
        && live.pending.mask != 0
    {
        row = row.and(
            format!("pending {}", words::signals(live.pending.mask)),
            Ink::Warn,
        );
    }
    row.link(Link::Task(task.index, View::Registers))
}

fn about(model: &Model, image: &Image, task: &Task) -> Vec<Row> {
    const PARENT: usize = 2;
    let mut rows = vec![
        Row::pair("state", words::state(task), Ink::Normal),
        Row::pair("pid", task.pid.to_string(), Ink::Number),
        Row::pair("parent", task.ppid.to_string(), Ink::Number),
        Row::pair("group", task.pgid.to_string(), Ink::Number),
        Row::pair("session", task.sid.to_string(), Ink::Number),
        Row::pair("record", task.record.index.to_string(), Ink::Link)
            .link(Link::Record(task.record.index, 0)),
    ];
    if let Some(parent) = image.task_by_pid(task.ppid)
        && let Some(row) = rows.get_mut(PARENT)
    {
        row.cells
            .push((format!(" {}", escape(&parent.comm)), Ink::Link));
        row.link = Some(Link::Task(parent.index, View::Tasks));
    }
    if !task.is_leader() {
        let row = Row::pair("thread of", task.tgid.to_string(), Ink::Number);
        rows.insert(PARENT, row);
    }
    if task.is_zombie() {
        rows.push(Row::pair(
            "exit",
            words::wait_status(task.exit_code),
            Ink::Warn,
        ));
    }
    if !task.nested_pids.is_empty() {
        rows.push(Row::pair(
            "nested pids",
            format!("{:?}", task.nested_pids),
            Ink::Number,
        ));
    }
    if let Some(live) = &task.live {
        program(model, image, task, live, &mut rows);
        signals(image, task, live, &mut rows);
        rights(image, live, &mut rows);
    }
    rows
}

fn program(model: &Model, image: &Image, task: &Task, live: &Live, rows: &mut Vec<Row>) {
    if let Some(mm) = image.mms.get(&live.mm) {
        if let Some(path) = image.exe_of(mm) {
            rows.push(Row::pair("executable", escape(path), Ink::Text).link(Link::File(mm.exe)));
        }
        if let Some(bytes) = bytes_of(model, &args_want(live.mm, mm.args)) {
            let args: Vec<String> = bytes
                .split(|byte| *byte == 0)
                .filter(|a| !a.is_empty())
                .map(escape)
                .collect();
            if !args.is_empty() {
                rows.push(
                    Row::pair("arguments", args.join(" "), Ink::Text)
                        .link(Link::Address(live.mm, mm.args.0)),
                );
            }
        }
        let size = model.derived.sizes.get(&live.mm).map_or(0, |size| *size);
        let text = format!("{}, {}", count(mm.vmas.len(), "mapping"), words::size(size));
        rows.push(Row::pair("memory", text, Ink::Link).link(Link::Address(live.mm, mm.code.0)));
    }
    if let Some(call) = system_call(model, image, task) {
        rows.push(Row::pair("system call", call.to_string(), Ink::Text));
    }
    if let Some(regs) = task.arm() {
        let text = format!("{:#010x}", regs.pc());
        rows.push(
            Row::pair("pc", text, Ink::Link).link(Link::Address(live.mm, u64::from(regs.pc()))),
        );
    }
    if let Some(fs) = image.fs.get(&live.fs) {
        rows.push(
            Row::pair("directory", escape(&fs.cwd), Ink::Text)
                .link(Link::Record(fs.record.index, 0)),
        );
        rows.push(Row::pair("root", escape(&fs.root), Ink::Text));
        if let Some(umask) = fs.umask {
            rows.push(Row::pair("umask", format!("{umask:04o}"), Ink::Number));
        }
    }
    if let Some(table) = image.file_tables.get(&live.files) {
        let text = format!(
            "{} (table {})",
            count(table.fds.len(), "descriptor"),
            live.files
        );
        let link = table.fds.first().map(|fd| Link::File(fd.file));
        rows.push(Row {
            link,
            ..Row::pair("files", text, Ink::Link)
        });
    }
    if let Some(abi) = &live.abi {
        rows.push(
            Row::pair("abi", words::abi(abi), Ink::Normal).link(Link::Record(abi.record.index, 0)),
        );
    }
}

fn pending_rows(name: &str, pending: &Pending, rows: &mut Vec<Row>) {
    if pending.mask == 0 && pending.queue.is_empty() {
        return;
    }
    let link = Link::Record(pending.record.index, 0);
    rows.push(Row::pair(name, words::signals(pending.mask), Ink::Warn).link(link));
    for info in &pending.queue {
        let text = format!(
            "{} from pid {} uid {}",
            words::signal(info.signo),
            info.pid,
            info.uid
        );
        rows.push(Row::pair("", text, Ink::Normal).link(link));
    }
}

fn signals(image: &Image, task: &Task, live: &Live, rows: &mut Vec<Row>) {
    pending_rows("pending", &live.pending, rows);
    if live.blocked != 0 {
        rows.push(Row::pair(
            "blocked",
            words::signals(live.blocked),
            Ink::Normal,
        ));
    }
    if let Some(signal) = image.signals.get(&live.signal) {
        pending_rows("shared pending", &signal.pending, rows);
        for (name, (rest, _)) in [
            ("real", signal.it_real),
            ("virtual", signal.it_virt),
            ("prof", signal.it_prof),
        ] {
            if rest != 0 {
                rows.push(Row::pair(
                    &format!("{name} timer"),
                    words::time_ns(rest),
                    Ink::Normal,
                ));
            }
        }
        let limited = (0u32..)
            .zip(&signal.rlimits)
            .filter(|(_, (soft, _))| *soft < u64::from(u32::MAX >> 1));
        for (number, (soft, hard)) in limited {
            let name = words::rlimit(number);
            let most = if soft == hard {
                String::new()
            } else {
                format!(" of {}", words::unlimited(*hard))
            };
            rows.push(Row::pair(
                "limit",
                format!("{name} {soft}{most}"),
                Ink::Number,
            ));
        }
    }
    if let Some(sighand) = image.sighands.get(&live.sighand) {
        for (number, action) in (1u32..)
            .zip(&sighand.actions)
            .filter(|(_, action)| action.handler != 0)
        {
            let name = format!("on {}", words::signal(number));
            rows.push(match action.handler {
                1 => Row::pair(&name, "ignored", Ink::Normal),
                handler => {
                    let link = Link::Address(live.mm, handler & !1);
                    Row::pair(&name, format!("{handler:#010x}"), Ink::Link).link(link)
                }
            });
        }
    }
    if task.pdeath_signal != 0 {
        rows.push(Row::pair(
            "parent death",
            words::signal(task.pdeath_signal),
            Ink::Normal,
        ));
    }
}

fn rights(image: &Image, live: &Live, rows: &mut Vec<Row>) {
    if let Some(cred) = image.creds.get(&live.cred) {
        let [uid, _, euid, _] = cred.uids;
        let [gid, _, egid, _] = cred.gids;
        let text = format!("uid {uid} gid {gid}, effective {euid} {egid}");
        rows.push(
            Row::pair("credentials", text, Ink::Number).link(Link::Record(cred.record.index, 0)),
        );
        rows.push(Row::pair(
            "capabilities",
            format!("{:#x}", cred.caps[2]),
            Ink::Number,
        ));
        if let Some(label) = image.labels.get(&cred.label) {
            rows.push(Row::pair("label", escape(&label.text), Ink::Text));
        }
    }
    if let Some(ns) = image.namespaces.get(&live.ns)
        && let Some(uts) = image.uts.get(&ns.uts)
    {
        rows.push(
            Row::pair("host name", escape(&uts.names[1]), Ink::Text)
                .link(Link::Record(uts.record.index, 0)),
        );
    }
}

fn args_want(mm: i32, (start, end): (u64, u64)) -> Want {
    Want::Memory {
        mm,
        addr: start,
        len: u32::try_from(end.saturating_sub(start).min(4096)).unwrap_or(0),
    }
}

/// What the view needs.
pub fn wants(model: &Model, wants: &mut Vec<Want>) {
    let (Some(image), Some(task)) = (&model.image, under_cursor(model)) else {
        return;
    };
    if let Some(live) = &task.live
        && let Some(mm) = image.mms.get(&live.mm)
        && mm.args.1 > mm.args.0
    {
        wants.push(args_want(live.mm, mm.args));
    }
    wants.push(Want::Calls(task.index));
}
