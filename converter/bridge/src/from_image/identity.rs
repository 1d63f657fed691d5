//! Credentials, namespaces and System V objects.

use super::{Reader, text};
use crate::bytes::Blob;
use crate::tree::{
    Creds, Ipc, IpcLimits, IpcObjects, IpcOwner, IpcQueue, IpcSegment, IpcSemaphores,
};
use ckpt_parser::model;
use ckpt_parser::model::ObjRef;

impl Reader<'_> {
    pub(super) fn creds(&self, number: ObjRef) -> Creds {
        let Some(c) = self.image.creds.get(&number) else {
            return Creds::default();
        };
        // The stream lists real, saved, effective, file system; the tree real, effective, saved, file system.
        let order = |[real, saved, effective, fs]: [u32; 4]| [real, effective, saved, fs];
        Creds {
            uid: order(c.uids),
            gid: order(c.gids),
            caps: c.caps,
            securebits: c.securebits,
            groups: self
                .image
                .groups
                .get(&c.groups)
                .cloned()
                .unwrap_or_default(),
        }
    }

    pub(super) fn namespaces(&mut self) {
        let image = self.image;
        if let Some(uts) = image.uts.values().next() {
            let [_, node, _, _, _, domain] = &uts.names;
            self.tree.host = Some((text(node), text(domain)));
        }
        if let Some(ipc) = image.ipc.values().next() {
            let value = |name: &str| {
                ipc.limits
                    .iter()
                    .find(|(n, _)| n == name)
                    .map_or(0, |&(_, v)| v)
            };
            let small = |name: &str| u32::try_from(value(name) & 0xffff_ffff).unwrap_or(0);
            let limits = IpcLimits {
                shm: (
                    value("shm_ctlmax"),
                    value("shm_ctlall"),
                    small("shm_ctlmni"),
                ),
                msg: ["msg_ctlmax", "msg_ctlmnb", "msg_ctlmni"].map(small),
                sem: ["sem_ctl_msl", "sem_ctl_mns", "sem_ctl_opm", "sem_ctl_mni"].map(small),
            };
            let objects = self.ipc_objects(ipc);
            self.tree.ipc = Some(Ipc { limits, objects });
        }
    }

    fn ipc_objects(&self, ipc: &model::Ipc) -> IpcObjects {
        let segment = |s: &model::IpcSegment| {
            let memory = *self.index.segments.get(&s.inode)?;
            let owner = ipc_owner(&s.perms);
            Some(IpcSegment { owner, memory })
        };
        let text = |m: &model::IpcMessage| {
            let pieces = m.text.iter().map(|e| self.stream.part(e.offset, e.len));
            let text = Blob::joined("message", pieces.collect());
            (m.kind.cast_unsigned(), text)
        };
        let queue = |q: &model::IpcQueue| IpcQueue {
            owner: ipc_owner(&q.perms),
            max_bytes: u32::try_from(q.max_bytes).unwrap_or(u32::MAX),
            messages: q.messages.iter().map(text).collect(),
        };
        let set = |s: &model::IpcSemaphores| IpcSemaphores {
            owner: ipc_owner(&s.perms),
            values: s
                .values
                .iter()
                .map(|&(value, _)| u16::try_from(value).unwrap_or(0))
                .collect(),
        };
        IpcObjects {
            segments: ipc.segments.iter().filter_map(segment).collect(),
            queues: ipc.queues.iter().map(queue).collect(),
            semaphores: ipc.semaphores.iter().map(set).collect(),
        }
    }
}

fn ipc_owner(perms: &model::IpcPerms) -> IpcOwner {
    IpcOwner {
        id: perms.id.cast_unsigned(),
        key: perms.key,
        owner: (perms.uid, perms.gid),
        creator: (perms.cuid, perms.cgid),
        mode: perms.mode,
    }
}
