//! The tree of processes and threads.

use ckpt_parser::model::{Image, Task};
use std::collections::HashMap;

/// Tasks depth first, with their depth: threads under their leader, then its child processes.
pub(crate) fn tree(image: &Image) -> Vec<(&Task, u16)> {
    let leaders = image.tasks.iter().filter(|task| task.is_leader());
    let leaders: HashMap<i32, u32> = leaders.map(|task| (task.pid, task.index)).collect();
    let mut below: HashMap<i32, Vec<&Task>> = HashMap::new();
    let mut roots = Vec::new();
    for task in &image.tasks {
        let above = if task.is_leader() {
            task.ppid
        } else {
            task.tgid
        };
        if above != task.pid && leaders.contains_key(&above) {
            below.entry(above).or_default().push(task);
        } else {
            roots.push(task);
        }
    }
    let mut order = Vec::with_capacity(image.tasks.len());
    let mut stack: Vec<(&Task, u16)> = roots.into_iter().rev().map(|task| (task, 0)).collect();
    // Parents in a circle hang below no root; they are listed all the same.
    let mut rest = image.tasks.iter();
    let mut seen = vec![false; image.tasks.len()];
    let mut first_time = |task: &Task| {
        let seen = seen.get_mut(task.index as usize);
        seen.is_some_and(|seen| !std::mem::replace(seen, true))
    };
    while let Some((task, depth)) = stack.pop().or_else(|| rest.next().map(|task| (task, 0))) {
        if !first_time(task) {
            continue;
        }
        order.push((task, depth));
        if task.is_leader() {
            let mut children = below.remove(&task.pid).unwrap_or_default();
            children.sort_by_key(|child| (child.is_leader(), child.index));
            let deeper = depth.saturating_add(1);
            stack.extend(children.into_iter().rev().map(|child| (child, deeper)));
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::tree;
    use ckpt_parser::decoder::{Decoder, Options};
    use ckpt_parser::model::{Image, Task};
    use ckpt_parser::source::SliceSource;

    fn lines(tasks: &[(i32, i32, i32)]) -> Vec<(i32, u16)> {
        let source = SliceSource(ckpt_samples::EMBEDDED);
        let mut decoder = Decoder::new(source, Options::default()).unwrap();
        let mut image = Image::read(&mut decoder, |_| true).unwrap();
        let made = (0..).zip(tasks).map(|(index, (pid, tgid, ppid))| Task {
            index,
            pid: *pid,
            tgid: *tgid,
            ppid: *ppid,
            ..Task::default()
        });
        image.tasks = made.collect();
        tree(&image)
            .iter()
            .map(|(task, depth)| (task.pid, *depth))
            .collect()
    }

    #[test]
    fn threads_stand_below_their_leader_and_before_its_children() {
        let tasks = [(1, 1, 0), (2, 2, 1), (4, 4, 2), (3, 1, 0), (5, 5, 1)];
        assert_eq!(lines(&tasks), [(1, 0), (3, 1), (2, 1), (4, 2), (5, 1)]);
    }

    #[test]
    fn parents_in_a_circle_and_pids_held_twice_lose_no_task() {
        assert_eq!(lines(&[(1, 1, 2), (2, 2, 1)]), [(1, 0), (2, 1)]);
        assert_eq!(lines(&[(7, 7, 7), (7, 7, 0)]).len(), 2);
    }
}
