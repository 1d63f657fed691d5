//! What to change in an image on the way, whatever it is written as.

use crate::args::{Args, Strip};
use crate::target;
use ckpt_bridge::edit;
use ckpt_convert::input::Input;
use ckpt_convert::loss::{Code, Loss};
use ckpt_convert::native::Edits;
use ckpt_convert::{Error, Losses};
use std::collections::{HashMap, HashSet};

/// Changes that need to know what processes share: they are made to the tree of processes.
pub(crate) fn processes(args: &Args, input: Input, losses: &mut Losses) -> Result<Input, Error> {
    let parts: Vec<_> = args.strip.iter().filter_map(|strip| strip.part()).collect();
    if parts.is_empty() && args.only_task.is_none() && !args.dedup {
        return Ok(input);
    }
    let mut foreign = target::tree(args, input, losses)?;
    if let Some(task) = args.only_task {
        let cut = edit::only_task(&mut foreign.tree, task.pid, task.descendants)?;
        losses.push_foreign(cut, false);
    }
    for part in parts {
        edit::strip(&mut foreign.tree, part)?;
    }
    if args.dedup {
        let pages = edit::without_zeros(&mut foreign.tree)?;
        if pages > 0 {
            losses.push(Loss {
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
