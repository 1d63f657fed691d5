//! Credentials, namespaces and System V objects.

use super::{Emitter, Thing};
use crate::bytes::push_uint;
use crate::stream::Fill;
use crate::tree::{Creds, Ipc, IpcOwner, IpcQueue, IpcSegment, PAGE};
use ckpt_format::{Object, Tag};

/// Longest text of a System V message, in bytes.
const MAX_TEXT: u64 = 1 << 20;

impl<'a> Emitter<'a> {
    pub(super) fn cred(&mut self, creds: &'a Creds) -> i32 {
        if let Some(&number) = self.creds.get(creds) {
            return number;
        }
        let number = self.fresh();
        self.creds.insert(creds, number);
        self.out.objref(Object::Cred, number);
        let group_info = self.fresh();
        self.out.objref(Object::GroupInfo, group_info);
        let mut groups = Vec::new();
        for &g in &creds.groups {
            push_uint(&mut groups, self.tree.order, g.into(), 4);
        }
        self.out.record(Tag::GroupInfo, None, |r| {
            r.set("ngroups", creds.groups.len() as u64)
                .resize(16 + groups.len())
                .tail(12, &groups);
        });
        let user = self.fresh();
        self.out.objref(Object::User, user);
        if self.user_ns == 0 {
            self.user_ns = self.fresh();
            self.out.objref(Object::UserNs, self.user_ns);
            self.out.record(Tag::UserNs, None, |_| {});
        }
        let user_ns = self.user_ns;
        let uid = creds.uid[0];
        self.out.record(Tag::User, None, |r| {
            r.set("uid", uid.into()).set_i32("userns_ref", user_ns);
        });
        self.out.record(Tag::Cred, None, |r| {
            for (names, values) in [
                (["uid", "euid", "suid", "fsuid"], creds.uid),
                (["gid", "egid", "sgid", "fsgid"], creds.gid),
            ] {
                for (name, value) in names.into_iter().zip(values) {
                    r.set(name, value.into());
                }
            }
            r.set_i32("user_ref", user)
                .set_i32("groupinfo_ref", group_info);
            for (letter, caps) in ["i", "p", "e", "b"].into_iter().zip(creds.caps) {
                r.set(&format!("cap_s.cap_{letter}_0"), caps)
                    .set(&format!("cap_s.cap_{letter}_1"), caps >> 32);
            }
            r.set("cap_s.securebits", creds.securebits.into());
        });
        number
    }

    pub(super) fn namespaces(&mut self) -> i32 {
        if self.ns != 0 {
            return self.ns;
        }
        self.ns = self.fresh();
        self.out.objref(Object::Ns, self.ns);
        let (tree, mut uts, mut ipc) = (self.tree, 0, 0);
        if let Some((node, domain)) = &tree.host {
            uts = self.fresh();
            self.out.objref(Object::UtsNs, uts);
            let [release, version, machine] = &tree.kernel;
            let texts = [
                ("sysname", b"Linux".as_slice()),
                ("nodename", node),
                ("release", release.as_bytes()),
                ("version", version.as_bytes()),
                ("machine", machine.as_bytes()),
                ("domainname", domain),
            ];
            self.out.record(Tag::UtsNs, None, |r| {
                for (field, text) in texts {
                    r.set_bytes(field, text.get(..64).unwrap_or(text));
                }
            });
        }
        if let Some(namespace) = &tree.ipc {
            ipc = self.ipc(namespace);
        }
        self.out.record(Tag::Ns, None, |r| {
            r.set_i32("uts_objref", uts).set_i32("ipc_objref", ipc);
        });
        self.ns
    }

    fn ipc(&mut self, ipc: &'a Ipc) -> i32 {
        let number = self.fresh();
        self.out.objref(Object::IpcNs, number);
        let limits = ipc.limits;
        self.out.record(Tag::IpcNs, None, |r| {
            r.set("shm_ctlmax", limits.shm.0)
                .set("shm_ctlall", limits.shm.1)
                .set("shm_ctlmni", limits.shm.2.into());
            for (name, value) in ["max", "mnb", "mni"].into_iter().zip(limits.msg) {
                r.set(&format!("msg_ctl{name}"), value.into());
            }
            for (name, value) in ["msl", "mns", "opm", "mni"].into_iter().zip(limits.sem) {
                r.set(&format!("sem_ctl_{name}"), value.into());
            }
        });
        let objects = &ipc.objects;
        self.ipc_list(Tag::IpcShm, objects.segments.len());
        for segment in &objects.segments {
            self.ipc_segment(segment);
        }
        self.ipc_list(Tag::IpcMsg, objects.queues.len());
        for queue in &objects.queues {
            self.ipc_queue(queue);
        }
        self.ipc_list(Tag::IpcSem, objects.semaphores.len());
        for set in &objects.semaphores {
            self.out.record(Tag::IpcSem, None, |r| {
                ipc_owner(r, &set.owner);
                r.set("sem_nsems", set.values.len() as u64);
            });
            if !set.values.is_empty() {
                let words = set.values.iter().flat_map(|&v| [i32::from(v), 0]);
                let values = self.words(words);
                self.out.payload(Tag::Buffer, &values);
            }
        }
        number
    }

    fn ipc_list(&mut self, members: Tag, count: usize) {
        let dialect = self.out.dialect();
        let kind = members
            .number(dialect.revision, dialect.abi.arch)
            .unwrap_or(0);
        self.out.record(Tag::Ipc, None, |r| {
            r.set("ipc_type", kind.into())
                .set("ipc_count", count as u64);
        });
    }

    fn ipc_segment(&mut self, segment: &'a IpcSegment) {
        let (inode, _) = self.number(Thing::Segment(segment.memory));
        let memory = self.tree.segments.get(segment.memory);
        self.out.record(Tag::IpcShm, None, |r| {
            ipc_owner(r, &segment.owner);
            r.set("shm_segsz", memory.map_or(0, |m| m.size))
                .set("mlock_uid", u32::MAX.into())
                .set_i32("objref", inode);
        });
        self.pages(memory.map_or(&[], |m| &m.pages), PAGE);
    }

    /// A queue. The text of a message stands in pieces, as the kernel keeps it (§3.12).
    fn ipc_queue(&mut self, queue: &IpcQueue) {
        let total: u64 = queue.messages.iter().map(|(_, text)| text.len()).sum();
        self.out.record(Tag::IpcMsg, None, |r| {
            ipc_owner(r, &queue.owner);
            r.set("q_cbytes", total)
                .set("q_qnum", queue.messages.len() as u64)
                .set("q_qbytes", queue.max_bytes.into());
        });
        let narrow = self.tree.machine.word() == 4;
        let (first, further) = if narrow { (4072, 4092) } else { (4048, 4088) };
        for (kind, text) in &queue.messages {
            self.out.record(Tag::IpcMsgMsg, None, |r| {
                r.set("m_type", *kind).set("m_ts", text.len());
            });
            let bytes = text.read_all(MAX_TEXT).unwrap_or_default();
            let (head, rest) = bytes.split_at(bytes.len().min(first));
            self.out.payload(Tag::Buffer, head);
            for piece in rest.chunks(further) {
                self.out.payload(Tag::Buffer, piece);
            }
        }
    }
}

/// Who may use a System V object.
fn ipc_owner(r: &mut Fill, owner: &IpcOwner) {
    r.set("perms.id", owner.id.into())
        .set("perms.key", owner.key.into())
        .set("perms.uid", owner.owner.0.into())
        .set("perms.gid", owner.owner.1.into())
        .set("perms.cuid", owner.creator.0.into())
        .set("perms.cgid", owner.creator.1.into())
        .set("perms.mode", owner.mode.into());
}
