//! The process tree, which is collected and written in the form of the target.

use super::{
    MAX_TREE, NR_PIDS, NR_TASKS, NR_VPIDS, Native, PID_OFFSET, VPIDS_COUNT, pids, tree_form,
};
use crate::error::Error;
use crate::loss::Code;
use ckpt_format::Tag;
use ckpt_format::dialect::{R03, R15};
use ckpt_parser::decoder::Event;
use ckpt_parser::grammar::Role;
use ckpt_parser::source::Source;

impl<S: Source> Native<'_, S> {
    /// Takes the records of the process tree, if its form changes or somebody asks for pids.
    pub(super) fn collects_tree(&mut self, event: &Event, tag: Tag) -> Result<bool, Error> {
        let role = event.role();
        let part = matches!(tag, Tag::Pids | Tag::Tree | Tag::Vpids)
            || matches!(role, Role::Pids | Role::TaskPids | Role::Vpids);
        if !part {
            return Ok(false);
        }
        if self.tree.is_none() && self.gains(R03) && !self.container {
            self.container = true;
            self.lose(event, Code::Container, "", "");
            self.emit_payload(Tag::Container, &[])?;
            self.lsm()?;
        }
        let mut raw = self.tree.take().unwrap_or_default();
        let get = |id| {
            self.decoder
                .view()
                .and_then(|view| view.u32(id))
                .unwrap_or(0)
        };
        match (tag, role) {
            (Tag::Pids, _) => raw.pids = Some([get(NR_PIDS), get(NR_VPIDS), get(PID_OFFSET)]),
            (Tag::Tree, _) => raw.nr_tasks = get(NR_TASKS),
            (Tag::Vpids, _) => raw.vpids = Some(get(VPIDS_COUNT)),
            (_, Role::Pids) => raw.objects = self.payload(event, MAX_TREE)?,
            (_, Role::TaskPids) => raw.tasks = self.payload(event, MAX_TREE)?,
            _ => raw.inner = Some(self.payload(event, MAX_TREE)?),
        }
        self.tree = Some(raw);
        Ok(true)
    }

    pub(super) fn flush_tree(&mut self, offset: u64) -> Result<(), Error> {
        let Some(raw) = self.tree.take() else {
            return Ok(());
        };
        let (from, to) = self.revisions();
        let order = self.order();
        let mut tree = match raw.read(from, order) {
            Ok(tree) => tree,
            Err(why) => return Err(Error::damaged(offset, why)),
        };
        self.pids = tree.pids();
        if tree_form(from) == tree_form(to) {
            return self.emit_tree(&raw);
        }
        for (code, field, value) in tree.losses(to) {
            self.report(code, "TREE", offset, field, value);
        }
        if self.gains(R15) {
            tree.make_objects();
            self.shift = tree.room();
        } else if self.drops(R15) && tree.starts_at_one() {
            self.shift = tree.room().saturating_neg();
        }
        let written = tree.write(to, order);
        self.emit_tree(&written)
    }

    fn emit_tree(&mut self, raw: &pids::Raw) -> Result<(), Error> {
        let shift = std::mem::take(&mut self.shift);
        if let Some([nr_pids, nr_vpids, offset]) = raw.pids {
            self.build(Tag::Pids, None, |r| {
                r.set(NR_PIDS, nr_pids)
                    .set(NR_VPIDS, nr_vpids)
                    .set(PID_OFFSET, offset)
            })?;
            self.emit_payload(Tag::Buffer, &raw.objects)?;
        }
        self.build(Tag::Tree, None, |r| r.set(NR_TASKS, raw.nr_tasks))?;
        self.emit_payload(Tag::Buffer, &raw.tasks)?;
        if let Some(count) = raw.vpids {
            self.build(Tag::Vpids, None, |r| r.set(VPIDS_COUNT, count))?;
        }
        if let Some(inner) = &raw.inner {
            self.emit_payload(Tag::Buffer, inner)?;
        }
        self.shift = shift;
        Ok(())
    }
}
