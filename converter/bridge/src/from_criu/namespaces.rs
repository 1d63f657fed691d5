//! Namespaces of hosts and System V objects: `utsns-*.img`, `ipcns-*.img`.

use super::{Reader, only};
use crate::{
    Loss, Result,
    criu::{Msg, image},
    tree::{
        Ipc, IpcLimits, IpcObjects, IpcOwner, IpcQueue, IpcSegment, IpcSemaphores, Segment, Tree,
    },
};

/// Longest list of semaphores of one set, in bytes.
const MAX_SEMAPHORES: u64 = 1 << 20;

impl Reader<'_> {
    /// System V objects. A segment may be mapped by tasks, under its own number, or by nobody.
    fn ipc_objects(&mut self) -> Result<IpcObjects> {
        let mut objects = IpcObjects::default();
        for entry in self.first("ipcns-shm-", "IPCNS_SHM")? {
            let (owner, size) = (ipc_owner(&entry.message), entry.message.u64("size"));
            let shmid = u64::from(owner.id);
            let pages = match entry.payload {
                Some(bytes) if !entry.message.flag("in_pagemaps") => {
                    self.memory.plain(bytes.part(0, size))
                }
                _ => self.memory.pages(
                    self.set,
                    &format!("pagemap-shmem-{shmid}.img"),
                    &mut self.losses,
                )?,
            };
            let memory = *self
                .segments
                .entry(shmid)
                .or_insert_with(|| Tree::add(&mut self.tree.segments, Segment::default()));
            if let Some(segment) = self.tree.segments.get_mut(memory) {
                *segment = Segment { size, pages };
            }
            objects.segments.push(IpcSegment { owner, memory });
        }
        for entry in self.first("ipcns-msg-", "IPCNS_MSG")? {
            objects.queues.push(IpcQueue {
                owner: ipc_owner(&entry.message),
                max_bytes: entry.message.u32("qbytes"),
                messages: image::ipc_messages(&entry)?,
            });
        }
        for entry in self.first("ipcns-sem-", "IPCNS_SEM")? {
            let count = usize::try_from(entry.message.u64("nsems")).unwrap_or(0);
            let bytes = match &entry.payload {
                Some(payload) => payload.read_all(MAX_SEMAPHORES)?,
                None => Vec::new(),
            };
            let values = bytes.chunks_exact(2).take(count);
            objects.semaphores.push(IpcSemaphores {
                owner: ipc_owner(&entry.message),
                values: values
                    .map(|v| v.iter().rev().fold(0, |n, &b| n << 8 | u16::from(b)))
                    .collect(),
            });
        }
        Ok(objects)
    }

    pub(super) fn namespaces(&mut self, inventory: &Msg) -> Result<()> {
        let first = self.set.members().find(|b| b.name.starts_with("utsns-"));
        if let Some(file) = first {
            let m = only(file, "UTSNS")?;
            self.tree.host = Some((m.bytes("nodename"), m.bytes("domainname")));
        }
        if let Some(file) = self
            .set
            .members()
            .find(|b| b.name.starts_with("ipcns-var-"))
        {
            let m = only(file, "IPC_VAR")?;
            self.check_defaults(&file.name.clone(), &m);
            let sem = m.numbers("sem_ctls");
            let mut limits = IpcLimits {
                shm: (
                    m.u64("shm_ctlmax"),
                    m.u64("shm_ctlall"),
                    m.u32("shm_ctlmni"),
                ),
                msg: ["msg_ctlmax", "msg_ctlmnb", "msg_ctlmni"].map(|f| m.u32(f)),
                ..IpcLimits::default()
            };
            for (to, from) in limits.sem.iter_mut().zip(sem) {
                *to = u32::try_from(from).unwrap_or(u32::MAX);
            }
            let objects = self.ipc_objects()?;
            self.tree.ipc = Some(Ipc { limits, objects });
        }
        let root = inventory.sub("root_ids");
        let own = self
            .set
            .members()
            .find(|b| b.name.starts_with("ids-"))
            .map(|b| only(b, "IDS"))
            .transpose()?;
        if let (Some(root), Some(own)) = (root, own) {
            for field in [
                "pid_ns_id",
                "net_ns_id",
                "mnt_ns_id",
                "user_ns_id",
                "cgroup_ns_id",
                "time_ns_id",
            ] {
                // A pid namespace of its own is there again when it is needed: where there is a process 1.
                let known = field == "pid_ns_id" && self.tree.tasks.iter().any(|t| t.tid == 1);
                if own.u64(field) != root.u64(field) && !known {
                    self.losses.push(Loss::new(
                        "criu.namespace",
                        "ids",
                        field,
                        own.u64(field),
                        "streams of a subtree do not make namespaces of this kind",
                    ));
                }
            }
        }
        Ok(())
    }
}

/// Who may use a System V object.
fn ipc_owner(m: &Msg) -> IpcOwner {
    let desc = m.sub("desc");
    let value = |field: &str| desc.as_ref().map_or(0, |d| d.u32(field));
    IpcOwner {
        id: value("id"),
        key: value("key"),
        owner: (value("uid"), value("gid")),
        creator: (value("cuid"), value("cgid")),
        mode: value("mode"),
    }
}
