//! The process tree: plain pid numbers until R14, tags of pid objects since R15 (§2.4).

use crate::loss::Code;
use ckpt_format::dialect::{R08, R09, R15};
use ckpt_format::{Order, Revision};
use ckpt_parser::view::{read_uint, write_uint};
use std::collections::HashMap;

/// One task in the numbers of the root pid namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct TaskPids {
    /// pid, parent, thread group, process group, session; 0 for outside of the namespace.
    numbers: [i32; 5],
    /// Session in the root namespace (R08 alone).
    root_session: Option<i32>,
    /// Numbers in nested namespaces, outermost first.
    inner: Vec<i32>,
}

/// A pid object.
#[derive(Clone, Debug, PartialEq, Eq)]
struct PidObject {
    /// Number in the root namespace, then in the nested ones.
    numbers: Vec<i32>,
}

/// The process tree of an image, whatever its form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tree {
    pub(super) tasks: Vec<TaskPids>,
    /// Pid objects and the number of the first, where the source has them.
    objects: Vec<PidObject>,
    offset: u32,
    /// Tags of the tasks, where the source has them.
    tags: Vec<[i32; 5]>,
}

/// The records of a tree as a stream holds them: payloads without headers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Raw {
    /// `PIDS`: number of objects, sum of depths, offset.
    pub(super) pids: Option<[u32; 3]>,
    /// BUFFER behind PIDS.
    pub(super) objects: Vec<u8>,
    /// `TREE.nr_tasks`.
    pub(super) nr_tasks: u32,
    /// BUFFER behind TREE.
    pub(super) tasks: Vec<u8>,
    /// `VPIDS.nr_vpids`, R08 and R09.
    pub(super) vpids: Option<u32>,
    /// BUFFER of nested pids, R08 to R14.
    pub(super) inner: Option<Vec<u8>>,
}

/// Why a tree cannot be read.
pub(super) type Damage = &'static str;

struct Words<'a> {
    bytes: &'a [u8],
    order: Order,
}

impl Words<'_> {
    fn next(&mut self) -> Option<i32> {
        let (word, rest) = self.bytes.split_at_checked(4)?;
        self.bytes = rest;
        let value = read_uint(word, self.order) & 0xffff_ffff;
        u32::try_from(value).ok().map(u32::cast_signed)
    }
}

fn push(out: &mut Vec<u8>, value: i32, order: Order) {
    let mut word = [0; 4];
    write_uint(&mut word, u64::from(value.cast_unsigned()), order);
    out.extend_from_slice(&word);
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// Bytes of an entry per task.
fn entry_len(revision: Revision) -> usize {
    if revision == R08 { 32 } else { 24 }
}

impl Raw {
    /// Reads the tree.
    ///
    /// # Errors
    /// What does not fit together.
    pub(super) fn read(&self, revision: Revision, order: Order) -> Result<Tree, Damage> {
        let len = entry_len(revision);
        if self.tasks.len() < (self.nr_tasks as usize).saturating_mul(len) {
            return Err("the buffer of pids is shorter than its count says");
        }
        let entries = self.tasks.chunks_exact(len).take(self.nr_tasks as usize);
        if revision >= R15 {
            self.read_tags(entries, order)
        } else {
            self.read_numbers(entries, revision, order)
        }
    }

    fn read_numbers<'a>(
        &self,
        entries: impl Iterator<Item = &'a [u8]>,
        revision: Revision,
        order: Order,
    ) -> Result<Tree, Damage> {
        let mut inner = Words {
            bytes: self.inner.as_deref().unwrap_or_default(),
            order,
        };
        let mut tree = Tree::default();
        for bytes in entries {
            let mut words = Words { bytes, order };
            let mut task = TaskPids::default();
            for number in &mut task.numbers {
                *number = words.next().unwrap_or(0);
            }
            if revision == R08 {
                task.root_session = words.next();
            }
            if revision >= R08 {
                for _ in 0..words.next().unwrap_or(0).max(0) {
                    let number = inner
                        .next()
                        .ok_or("fewer nested pids than the depths say")?;
                    task.inner.push(number);
                }
            }
            tree.tasks.push(task);
        }
        Ok(tree)
    }

    fn read_tags<'a>(
        &self,
        entries: impl Iterator<Item = &'a [u8]>,
        order: Order,
    ) -> Result<Tree, Damage> {
        let [nr_pids, _, offset] = self.pids.ok_or("no PIDS record before TREE")?;
        let mut tree = Tree {
            offset,
            ..Tree::default()
        };
        let mut words = Words {
            bytes: &self.objects,
            order,
        };
        for _ in 0..nr_pids {
            let damage = "the buffer of pid objects is shorter than its count says";
            let depth = words.next().ok_or(damage)?.max(0);
            let numbers: Option<Vec<i32>> = (0..=depth).map(|_| words.next()).collect();
            tree.objects.push(PidObject {
                numbers: numbers.ok_or(damage)?,
            });
        }
        for bytes in entries {
            let mut words = Words { bytes, order };
            let mut tags = [0; 5];
            for tag in &mut tags {
                *tag = words.next().unwrap_or(0);
            }
            tree.tags.push(tags);
            let task = tree.task_of(tags);
            tree.tasks.push(task);
        }
        Ok(tree)
    }
}

impl Tree {
    /// The object of a tag.
    fn object(&self, tag: i32) -> Option<&PidObject> {
        let index = i64::from(tag).checked_sub(i64::from(self.offset))?;
        self.objects.get(usize::try_from(index).ok()?)
    }
    /// A task in numbers. The tool that restarts does not shift the parent's tag, so an image may
    /// hold it either way (§2.4).
    fn task_of(&self, tags: [i32; 5]) -> TaskPids {
        let number = |tag: i32| match self.object(tag) {
            Some(object) => object.numbers.first().copied().unwrap_or(0),
            None => super::fields::pid_null(tag.min(0), R15, R09),
        };
        let mut numbers = tags.map(number);
        let [pid, parent, ..] = tags;
        if let (None, Some(relative)) = (self.object(parent), numbers.get_mut(1)) {
            let base = i32::try_from(self.offset).unwrap_or(0).saturating_sub(1);
            *relative = number(parent.saturating_add(if parent > 0 { base } else { 0 }));
        }
        let inner = self.object(pid).and_then(|object| object.numbers.get(1..));
        TaskPids {
            numbers,
            root_session: None,
            inner: inner.unwrap_or_default().to_vec(),
        }
    }

    /// Pids of the tasks in the root namespace, in order.
    pub(super) fn pids(&self) -> Vec<i32> {
        let pid = |task: &TaskPids| {
            let [pid, ..] = task.numbers;
            pid
        };
        self.tasks.iter().map(pid).collect()
    }
    /// How far other objects must move to make room for pid objects from 1 on.
    pub(super) fn room(&self) -> i64 {
        i64::try_from(self.objects.len()).unwrap_or(i64::MAX)
    }
    /// Whether the pid objects are numbered from 1 on.
    pub(super) fn starts_at_one(&self) -> bool {
        self.offset == 1
    }

    /// Gives every pid a number as an object: those of the tasks first, then groups and sessions
    /// that no task leads (§6.5).
    pub(super) fn make_objects(&mut self) {
        let mut tags: HashMap<i32, i32> = HashMap::new();
        self.objects.clear();
        self.offset = 1;
        for task in &self.tasks {
            let [pid, ..] = task.numbers;
            let numbers = std::iter::once(pid)
                .chain(task.inner.iter().copied())
                .collect();
            self.objects.push(PidObject { numbers });
            tags.entry(pid)
                .or_insert(count(self.objects.len()).cast_signed());
        }
        for task in &self.tasks {
            let [_, _, others @ ..] = task.numbers;
            for number in others.into_iter().filter(|number| *number > 0) {
                tags.entry(number).or_insert_with(|| {
                    self.objects.push(PidObject {
                        numbers: vec![number],
                    });
                    count(self.objects.len()).cast_signed()
                });
            }
        }
        let tag = |number: i32| match number {
            ..=0 => super::fields::pid_null(number, R09, R15),
            number => tags.get(&number).copied().unwrap_or(0),
        };
        self.tags = self
            .tasks
            .iter()
            .enumerate()
            .map(|(index, task)| {
                let mut own = task.numbers.map(tag);
                // Tasks of different namespaces may have the same number: each has its object.
                if let Some(first) = own.first_mut() {
                    *first = count(index).saturating_add(1).cast_signed();
                }
                own
            })
            .collect();
    }

    /// Writes the tree in the form of a revision.
    pub(super) fn write(&self, revision: Revision, order: Order) -> Raw {
        if revision >= R15 {
            return self.write_tags(order);
        }
        let mut raw = Raw {
            nr_tasks: count(self.tasks.len()),
            ..Raw::default()
        };
        let session = self.root_session();
        let mut inner = Vec::new();
        for task in &self.tasks {
            for number in task.numbers {
                push(&mut raw.tasks, number, order);
            }
            if revision == R08 {
                push(&mut raw.tasks, task.root_session.unwrap_or(session), order);
            }
            let depth = if revision >= R08 {
                count(task.inner.len())
            } else {
                0
            };
            push(&mut raw.tasks, depth.cast_signed(), order);
            if revision == R08 {
                push(&mut raw.tasks, 0, order);
            }
            for number in task.inner.iter().take(depth as usize) {
                push(&mut inner, *number, order);
            }
        }
        raw.vpids = revision.within(R08, R09).then(|| count(inner.len() / 4));
        raw.inner = (revision >= R08 && !inner.is_empty()).then_some(inner);
        raw
    }

    fn write_tags(&self, order: Order) -> Raw {
        let mut raw = Raw {
            nr_tasks: count(self.tasks.len()),
            ..Raw::default()
        };
        let mut depths = 0u32;
        for object in &self.objects {
            let depth = count(object.numbers.len()).saturating_sub(1);
            depths = depths.saturating_add(depth);
            push(&mut raw.objects, depth.cast_signed(), order);
            for number in &object.numbers {
                push(&mut raw.objects, *number, order);
            }
        }
        for (task, tags) in self.tasks.iter().zip(&self.tags) {
            for tag in tags {
                push(&mut raw.tasks, *tag, order);
            }
            push(&mut raw.tasks, count(task.inner.len()).cast_signed(), order);
        }
        raw.pids = Some([count(self.objects.len()), depths, self.offset]);
        raw
    }

    /// What R08 gets where the source keeps no session of the root namespace: that of the root
    /// task.
    fn root_session(&self) -> i32 {
        self.tasks.first().map_or(0, |task| {
            let [.., session] = task.numbers;
            session
        })
    }

    /// What a revision cannot say: a code, a field, a value.
    pub(super) fn losses(&self, to: Revision) -> Vec<(Code, &'static str, String)> {
        let mut found = Vec::new();
        if to < R08 {
            for task in self.tasks.iter().filter(|task| !task.inner.is_empty()) {
                found.push((Code::NestedPids, "vpids", format!("{:?}", task.inner)));
            }
        }
        let session = self.root_session();
        if to != R08 {
            let other = |task: &&TaskPids| task.root_session.is_some_and(|rsid| rsid != session);
            for task in self.tasks.iter().filter(other) {
                let value = task.root_session.unwrap_or(0).to_string();
                found.push((Code::RootSession, "rsid", value));
            }
        }
        if (to >= R15) != self.tags.is_empty() || self.tasks.is_empty() {
            return found;
        }
        self.form_losses(to, &mut found);
        found
    }

    /// What only one of the two forms can say: found by going there and back.
    fn form_losses(&self, to: Revision, found: &mut Vec<(Code, &'static str, String)>) {
        let order = Order::Little;
        let mut there = Tree {
            tasks: self.tasks.clone(),
            ..Tree::default()
        };
        there.make_objects();
        if to < R15 {
            self.object_losses(&there, found);
            return;
        }
        let Ok(back) = there.write(R15, order).read(R15, order) else {
            return;
        };
        for (index, (task, back)) in self.tasks.iter().zip(&back.tasks).enumerate() {
            let [pid, parent, others @ ..] = task.numbers;
            let [back_pid, back_parent, back_others @ ..] = back.numbers;
            if pid != back_pid || others != back_others || task.inner != back.inner {
                let value = format!("{:?} {:?}", task.numbers, task.inner);
                found.push((Code::PidObjects, "ckpt_pids", value));
            } else if parent != back_parent {
                let code = if index == 0 {
                    Code::ParentOutside
                } else {
                    Code::PidObjects
                };
                found.push((code, "vppid", parent.to_string()));
            }
        }
    }

    /// Pid objects that numbers cannot express, and whether those made anew are the same ones.
    fn object_losses(&self, again: &Tree, found: &mut Vec<(Code, &'static str, String)>) {
        if again.objects == self.objects && again.tags == self.tags && self.offset == 1 {
            return;
        }
        let before = found.len();
        let mut made: HashMap<&[i32], u32> = HashMap::new();
        for object in &again.objects {
            let n = made.entry(&object.numbers).or_insert(0);
            *n = n.saturating_add(1);
        }
        for object in &self.objects {
            match made.get_mut(&object.numbers[..]) {
                Some(n @ 1..) => *n = n.saturating_sub(1),
                _ => found.push((
                    Code::PidObjects,
                    "ckpt_pids",
                    format!("{:?}", object.numbers),
                )),
            }
        }
        if found.len() == before {
            found.push((Code::Renumbered, "offset", self.offset.to_string()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(numbers: [i32; 5], inner: &[i32]) -> TaskPids {
        TaskPids {
            numbers,
            root_session: None,
            inner: inner.to_vec(),
        }
    }

    fn tree() -> Tree {
        Tree {
            tasks: vec![
                task([300, 0, 300, 300, 42], &[]),
                task([301, 300, 301, 300, 42], &[1]),
                task([302, 300, 300, 300, 42], &[1, 1]),
            ],
            ..Tree::default()
        }
    }

    #[test]
    fn every_form_from_nested_namespaces_on_keeps_the_numbers() {
        for revision in Revision::all().filter(|r| *r >= R08) {
            let mut tree = tree();
            tree.make_objects();
            for order in [Order::Little, Order::Big] {
                let back = tree.write(revision, order).read(revision, order).unwrap();
                for (a, b) in tree.tasks.iter().zip(&back.tasks) {
                    assert_eq!((a.numbers, &a.inner), (b.numbers, &b.inner), "{revision}");
                }
            }
        }
    }

    #[test]
    fn the_root_task_gets_the_first_object() {
        let mut tree = tree();
        tree.make_objects();
        let raw = tree.write(R15, Order::Little);
        // Three tasks and session 42; one nested number and two.
        assert_eq!(raw.pids, Some([4, 3, 1]));
        assert_eq!(
            raw.tasks[..24],
            [1, 0, 1, 1, 4, 0].map(u32::to_le_bytes).concat()[..]
        );
    }

    #[test]
    fn the_parent_may_be_relative() {
        let mut tree = tree();
        tree.make_objects();
        let mut raw = tree.write(R15, Order::Little);
        raw.pids = Some([4, 3, 41]);
        for at in [0, 8, 12, 16] {
            for entry in raw.tasks.chunks_exact_mut(24) {
                let tag = u32::from_le_bytes(entry[at..at + 4].try_into().unwrap());
                entry[at..at + 4].copy_from_slice(&(tag + 40).to_le_bytes());
            }
        }
        let back = raw.read(R15, Order::Little).unwrap();
        assert_eq!(back.tasks, tree.tasks);
    }

    #[test]
    fn nested_numbers_are_lost_before_r08() {
        let codes = |to| {
            tree()
                .losses(to)
                .iter()
                .map(|loss| loss.0)
                .collect::<Vec<_>>()
        };
        assert_eq!(codes(ckpt_format::dialect::R07), [Code::NestedPids; 2]);
        assert_eq!(codes(R08), []);
        assert_eq!(codes(R15), []);
    }

    #[test]
    fn short_buffers_are_errors() {
        let mut raw = tree().write(R09, Order::Little);
        raw.inner = None;
        assert!(raw.read(R09, Order::Little).is_err());
        raw.nr_tasks = 4;
        assert!(raw.read(R09, Order::Little).is_err());
    }
}
