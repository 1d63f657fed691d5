//! Changes of a tree before it is written: one process of many, parts left out, pages of zeros left out.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use crate::{
    Error, Loss, Result,
    bytes::Blob,
    criu::{fd_type, image, schema::Kind},
    tree::{FileKind, PAGE, Pages, Task, Tree, VmaKind},
};

/// Bytes that are looked at together when pages of zeros are sought.
const WINDOW: u64 = 256 * PAGE;

/// What can be left out of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// All descriptors.
    Files,
    /// Descriptors of sockets.
    Sockets,
    /// System V objects.
    Ipc,
    /// Floating-point and coprocessor registers.
    Fp,
    /// Signals that wait to be delivered.
    Signals,
    /// What was kept of a foreign image set.
    Foreign,
}

/// Leaves out all processes but one, and its descendants if they are wanted. What the process shared with the others
/// stays with it; what points to them is named.
pub fn only_task(tree: &mut Tree, pid: i32, descendants: bool) -> Result<Vec<Loss>> {
    let Some(root) = tree.tasks.iter().find(|t| t.tid == pid).map(|t| t.tgid) else {
        let all = tree.tasks.iter().filter(|t| t.tid == t.tgid);
        let all: Vec<String> = all.take(32).map(|t| t.tid.to_string()).collect();
        return Err(Error::Unsupported(format!(
            "no task {pid} in the image; its processes are {}",
            all.join(", ")
        )));
    };
    let mut chosen = HashSet::from([root]);
    if descendants {
        // A parent stands before its children.
        for task in &tree.tasks {
            if chosen.contains(&task.ppid) {
                chosen.insert(task.tgid);
            }
        }
    }
    let tasks = std::mem::take(&mut tree.tasks);
    let (tasks, others) = tasks.into_iter().partition(|t| chosen.contains(&t.tgid));
    tree.tasks = tasks;
    let mut losses = Vec::new();
    relatives(tree, &others, &mut losses);
    shared(tree, &others, &mut losses);
    Ok(losses)
}

fn cut(task: &Task, field: &str, value: i32, why: &'static str) -> Loss {
    let record = format!("task {}", task.tid);
    Loss::new("edit.only-task", record, field, value, why)
}

/// Relations of tasks to those that are left out.
fn relatives(tree: &Tree, others: &[Task], losses: &mut Vec<Loss>) {
    let gone: HashSet<i32> = others.iter().map(|t| t.tid).collect();
    let leaders = tree.tasks.iter().filter(|t| t.tid == t.tgid);
    for task in leaders {
        for (field, pid, why) in [
            ("parent", task.ppid, "the parent is left out"),
            (
                "session",
                task.sid,
                "the leader of the session is left out; a restore needs a session that is there (CRIU: --shell-job)",
            ),
            (
                "process group",
                task.pgid,
                "the leader of the process group is left out",
            ),
        ] {
            if gone.contains(&pid) {
                losses.push(cut(task, field, pid, why));
            }
        }
        for child in others.iter().filter(|t| t.tid == t.tgid) {
            if child.ppid == task.tid {
                let why = "a child is left out; waiting for it fails";
                losses.push(cut(task, "child", child.tid, why));
            }
        }
    }
}

/// Things whose other users, or other ends, are left out.
fn shared(tree: &Tree, others: &[Task], losses: &mut Vec<Loss>) {
    let mine = uses(tree, &tree.tasks);
    let theirs = uses(tree, others);
    let mut both: Vec<_> = mine.keys().filter(|t| theirs.contains_key(t)).collect();
    both.sort();
    for thing in both {
        let (field, index, why) = match thing {
            Thing::Pipe(i) => (
                "pipe",
                i,
                "a task that holds an end of the pipe is left out",
            ),
            Thing::Socket(i) => (
                "socket",
                i,
                "a task that holds a socket or its peer is left out",
            ),
            Thing::Segment(i) => (
                "segment",
                i,
                "a task that shares the memory is left out; its contents stay",
            ),
        };
        let task = mine.get(thing).and_then(|&at| tree.tasks.get(at));
        if let Some(task) = task {
            let index = i32::try_from(*index).unwrap_or(i32::MAX);
            losses.push(cut(task, field, index, why));
        }
    }
}

/// What tasks talk over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Thing {
    Pipe(usize),
    Socket(usize),
    Segment(usize),
}

/// Things that tasks use, and the first task that does. Both ends of a pair of sockets count as the first of them.
fn uses(tree: &Tree, tasks: &[Task]) -> HashMap<Thing, usize> {
    let mut out = HashMap::new();
    let mut seen = HashSet::new();
    for (at, task) in tasks.iter().enumerate() {
        let Some(live) = &task.live else { continue };
        if !seen.insert((live.table, live.mm)) {
            continue;
        }
        for fd in tree.tables.get(live.table).into_iter().flatten() {
            let thing = match tree.files.get(fd.file).map(|f| &f.kind) {
                Some(FileKind::Pipe(pipe) | FileKind::Fifo(_, pipe)) => Thing::Pipe(*pipe),
                Some(FileKind::Socket(socket)) => {
                    let peer = tree.sockets.get(*socket).and_then(|s| s.peer);
                    Thing::Socket(peer.unwrap_or(*socket).min(*socket))
                }
                _ => continue,
            };
            out.entry(thing).or_insert(at);
        }
        let mm = tree.mms.get(live.mm);
        for vma in mm.into_iter().flat_map(|mm| &mm.vmas) {
            if let VmaKind::Shared(segment) = vma.kind {
                out.entry(Thing::Segment(segment)).or_insert(at);
            }
        }
    }
    out
}

/// Leaves a part out.
///
/// # Errors
/// A kept file of a foreign set is damaged.
pub fn strip(tree: &mut Tree, part: Part) -> Result<()> {
    match part {
        Part::Files => {
            tree.tables.iter_mut().for_each(Vec::clear);
            tree.processes.iter_mut().for_each(|p| p.tty = None);
            // Kinds of files that a tree does not have would come back from there.
            tree.foreign
                .retain(|file| !file.name.starts_with("fdinfo-"));
        }
        Part::Sockets => strip_sockets(tree)?,
        Part::Ipc => {
            if let Some(ipc) = &mut tree.ipc {
                ipc.objects = crate::tree::IpcObjects::default();
            }
            tree.foreign.retain(|file| {
                let name = file.name.as_str();
                !name.starts_with("ipcns-") || name.starts_with("ipcns-var-")
            });
        }
        Part::Fp => {
            for live in tree.tasks.iter_mut().filter_map(|t| t.live.as_mut()) {
                live.units.clear();
                live.x86_fp = None;
            }
        }
        Part::Signals => {
            for live in tree.tasks.iter_mut().filter_map(|t| t.live.as_mut()) {
                live.pending.clear();
            }
            tree.processes.iter_mut().for_each(|p| p.pending.clear());
        }
        Part::Foreign => tree.foreign.clear(),
    }
    Ok(())
}

fn strip_sockets(tree: &mut Tree) -> Result<()> {
    let files = &tree.files;
    let is_socket = |file: usize| {
        let kind = files.get(file).map(|f| &f.kind);
        matches!(kind, Some(FileKind::Socket(_)))
    };
    for table in &mut tree.tables {
        table.retain(|fd| !is_socket(fd.file));
    }
    let watched: Vec<bool> = (0..files.len()).map(is_socket).collect();
    for file in &mut tree.files {
        if let FileKind::Epoll(items) = &mut file.kind {
            items.retain(|item| !watched.get(item.file).copied().unwrap_or(false));
        }
    }
    let lists = tree.foreign.iter_mut();
    for list in lists.filter(|file| file.name.starts_with("fdinfo-")) {
        *list = without_sockets(list)?;
    }
    Ok(())
}

/// Sockets of families that a tree does not have are in the kept lists of descriptors alone, beside other kinds.
fn without_sockets(list: &Blob) -> Result<Blob> {
    let mut entries = image::read(list, "FDINFO")?;
    entries.retain(|entry| !fd_type::SOCKETS.contains(&entry.message.u64("type")));
    let kind = Kind::by_name("FDINFO").ok_or_else(|| Error::Unsupported("FDINFO".into()))?;
    let mut out = Vec::new();
    image::write(kind, &entries, &mut out)?;
    Ok(Blob::new(&list.name, Arc::new(out)))
}

/// Leaves out pages of zeros of memory that is not a file's: it comes back as zeros without them. Returns how many.
pub fn without_zeros(tree: &mut Tree) -> Result<u64> {
    let mut left_out = 0;
    let mut runs: Vec<&mut Vec<Pages>> = Vec::new();
    for vma in tree.mms.iter_mut().flat_map(|mm| &mut mm.vmas) {
        if vma.kind == VmaKind::Anon {
            runs.push(&mut vma.pages);
        }
    }
    runs.extend(tree.segments.iter_mut().map(|s| &mut s.pages));
    for list in runs {
        let mut kept: Vec<Pages> = Vec::new();
        for run in std::mem::take(list) {
            let blob = tree
                .blobs
                .get(run.blob)
                .ok_or_else(|| Error::Unsupported("pages of nowhere".into()))?;
            let mut done = 0;
            while done < run.len {
                let len = WINDOW.min(run.len - done);
                let bytes = blob.read(run.at + done, len, WINDOW)?;
                for (i, page) in (0..).zip(bytes.chunks(ZEROS.len())) {
                    if page == ZEROS {
                        left_out += 1;
                        continue;
                    }
                    let at = done + i * PAGE;
                    append(
                        &mut kept,
                        Pages {
                            addr: run.addr + at,
                            at: run.at + at,
                            len: PAGE,
                            ..run
                        },
                    );
                }
                done += len;
            }
        }
        *list = kept;
    }
    Ok(left_out)
}

/// A page of zeros.
static ZEROS: [u8; 4096] = [0; 4096];

fn append(runs: &mut Vec<Pages>, page: Pages) {
    match runs.last_mut() {
        Some(last)
            if last.addr + last.len == page.addr
                && last.blob == page.blob
                && last.at + last.len == page.at =>
        {
            last.len += page.len;
        }
        _ => runs.push(page),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        bytes::Order,
        core::Machine,
        tree::{Mm, Vma},
    };

    #[test]
    fn pages_of_zeros_are_left_out_and_the_others_stay_where_they_are() {
        let mut bytes = vec![0; 5 * 4096];
        bytes[4096] = 1;
        bytes[2 * 4096 + 4095] = 1;
        bytes[4 * 4096] = 1;
        let mut tree = Tree::new(Machine::Arm, Order::Little);
        tree.blobs.push(Blob::new("pages", Arc::new(bytes)));
        let vma = |kind| Vma {
            start: 0x1000,
            end: 0x6000,
            flags: 3,
            kind,
            offset: 0,
            pages: vec![Pages {
                addr: 0x1000,
                len: 5 * PAGE,
                blob: 0,
                at: 0,
            }],
        };
        tree.mms.push(Mm {
            vmas: vec![vma(VmaKind::Anon), vma(VmaKind::File(0))],
            ..Mm::default()
        });
        assert_eq!(without_zeros(&mut tree).unwrap(), 2);
        let runs = |i: usize| {
            let runs = tree.mms[0].vmas[i].pages.iter();
            runs.map(|p| (p.addr, p.len, p.at)).collect::<Vec<_>>()
        };
        assert_eq!(
            runs(0),
            [(0x2000, 0x2000, 0x1000), (0x5000, 0x1000, 0x4000)]
        );
        assert_eq!(
            runs(1),
            [(0x1000, 0x5000, 0)],
            "a file has contents of its own"
        );
    }
}
