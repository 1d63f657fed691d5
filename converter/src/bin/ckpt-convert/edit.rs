//! What to change in an image on the way, whatever it is written as.

use crate::args::{Args, Strip};
use crate::target::Job;
use ckpt_bridge::edit;
use ckpt_convert::Error;
use ckpt_convert::input::Input;
use ckpt_convert::loss::{Code, Loss};
use ckpt_convert::native::Edits;
use std::collections::{HashMap, HashSet};

/// Whether there are changes that need to know what processes share.
pub(crate) fn changes_processes(args: &Args) -> bool {
    let parts = args.strip.iter().any(|strip| strip.part().is_some());
    parts || args.only_task.is_some() || args.dedup
}

/// Makes them, to the tree of processes.
pub(crate) fn processes(job: &mut Job<'_>, input: Input) -> Result<Input, Error> {
    let args = job.args;
    if !changes_processes(args) {
        return Ok(input);
    }
    let mut foreign = job.tree(input)?;
    if let Some(task) = args.only_task {
        let cut = edit::only_task(&mut foreign.tree, task.pid, task.descendants)?;
        job.losses.push_foreign(cut, false);
    }
    for part in args.strip.iter().filter_map(|strip| strip.part()) {
        edit::strip(&mut foreign.tree, part)?;
    }
    if args.dedup {
        let total = foreign.tree.page_bytes();
        let watch = job.progress.watch("searching", Some(total));
        foreign.tree.watch(&watch);
        let pages = edit::without_zeros(&mut foreign.tree)?;
        if pages > 0 {
            job.losses.push(Loss {
                code: Code::Zeros.name(),
                record: "PGARR".to_owned(),
                offset: None,
                field: "nr_pages".to_owned(),
                value: pages.to_string(),
                why: Code::Zeros.why(),
                note: true,
            });
        }
    }
    Ok(Input::Foreign(Box::new(foreign)))
}

/// Changes that are made as the records of a stream pass.
pub(crate) fn edits(args: &Args) -> Result<Edits, Error> {
    let descriptors: HashMap<i32, i32> = args.relocate_fd.iter().copied().collect();
    let targets: HashSet<i32> = descriptors.values().copied().collect();
    if targets.len() < args.relocate_fd.len() {
        let why = "--relocate-fd: two descriptors would get the same number";
        return Err(Error::Request(why.into()));
    }
    Ok(Edits {
        redact: args.redact,
        strip_memory: args.strip.contains(&Strip::Memory),
        descriptors,
    })
}
