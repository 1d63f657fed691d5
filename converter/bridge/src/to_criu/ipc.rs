//! System V objects: `ipcns-*.img`.

use std::{collections::HashMap, sync::Arc};

use super::{OWN_IPC_NS, Once, Writer, plain};
use crate::{
    Result,
    bytes::Blob,
    criu::{
        Msg,
        image::{self, Entry},
        pagemap::PRESENT,
    },
    criu_defaults,
    tree::{Ipc, IpcOwner},
};

impl Writer<'_> {
    pub(super) fn ipc(&mut self, ipc: &Ipc) -> Result<()> {
        let number = self.namespace("ipcns-var-", OWN_IPC_NS);
        let stem = format!("ipcns-var-{number}");
        let mut m = self.message(&format!("{stem}.img"), "IPC_VAR")?;
        if !m.is_kept() {
            criu_defaults::fill(&mut m);
            m.set("auto_msgmni", 0);
        }
        let limits = ipc.limits;
        m.set_numbers("sem_ctls", limits.sem.map(u64::from));
        for (field, value) in ["msg_ctlmax", "msg_ctlmnb", "msg_ctlmni"]
            .into_iter()
            .zip(limits.msg)
        {
            m.set(field, value.into());
        }
        m.set("shm_ctlmax", limits.shm.0)
            .set("shm_ctlall", limits.shm.1)
            .set("shm_ctlmni", limits.shm.2.into());
        self.image("IPC_VAR", &stem, &[plain(m)])?;
        self.ipc_segments(ipc, number)?;
        self.ipc_queues(ipc, number)?;
        self.ipc_semaphores(ipc, number)
    }

    fn ipc_segments(&mut self, ipc: &Ipc, number: u64) -> Result<()> {
        let stem = format!("ipcns-shm-{number}");
        let mut old = self.ipc_kept(&stem, "IPCNS_SHM")?;
        let mut entries = Vec::new();
        for segment in &ipc.objects.segments {
            let mut m = object("ipc_shm_entry", &mut old, &segment.owner)?;
            let Some(memory) = self.tree.segments.get(segment.memory) else {
                continue;
            };
            m.set("size", memory.size).set("in_pagemaps", 1);
            entries.push(plain(m));
            if self.written.insert(Once::Segment(segment.memory)) {
                let runs: Vec<_> = memory.pages.iter().map(|&p| (p, PRESENT)).collect();
                let id = segment.owner.id;
                self.pages(&format!("pagemap-shmem-{id}"), &runs)?;
            }
        }
        self.image_if_any("IPCNS_SHM", &stem, &entries)
    }

    fn ipc_queues(&mut self, ipc: &Ipc, number: u64) -> Result<()> {
        let stem = format!("ipcns-msg-{number}");
        let mut old = self.ipc_kept(&stem, "IPCNS_MSG")?;
        let mut entries = Vec::new();
        for queue in &ipc.objects.queues {
            let mut m = object("ipc_msg_entry", &mut old, &queue.owner)?;
            m.set("qbytes", queue.max_bytes.into())
                .set("qnum", queue.messages.len() as u64);
            let bytes = image::ipc_payload(&queue.messages)?;
            entries.push(behind(m, bytes));
        }
        self.image_if_any("IPCNS_MSG", &stem, &entries)
    }

    fn ipc_semaphores(&mut self, ipc: &Ipc, number: u64) -> Result<()> {
        let stem = format!("ipcns-sem-{number}");
        let mut old = self.ipc_kept(&stem, "IPCNS_SEM")?;
        let mut entries = Vec::new();
        for set in &ipc.objects.semaphores {
            let mut m = object("ipc_sem_entry", &mut old, &set.owner)?;
            m.set("nsems", set.values.len() as u64);
            let mut bytes: Vec<u8> = set.values.iter().flat_map(|v| v.to_le_bytes()).collect();
            bytes.resize(bytes.len().next_multiple_of(8), 0);
            entries.push(behind(m, bytes));
        }
        self.image_if_any("IPCNS_SEM", &stem, &entries)
    }

    /// Messages of a kept file by the numbers of their objects.
    fn ipc_kept(&self, stem: &str, kind: &str) -> Result<HashMap<u64, Msg>> {
        let entries = self.kept_entries(stem, kind)?.into_iter();
        let by_id = entries.filter_map(|e| Some((e.message.sub("desc")?.u64("id"), e.message)));
        Ok(by_id.map(|(id, m)| (id, m.kept())).collect())
    }
}

fn behind(message: Msg, bytes: Vec<u8>) -> Entry {
    let payload = (!bytes.is_empty()).then(|| Blob::new("System V object", Arc::new(bytes)));
    Entry { message, payload }
}

/// The message of an object: the kept one with its number, or a new one.
fn object(name: &str, old: &mut HashMap<u64, Msg>, owner: &IpcOwner) -> Result<Msg> {
    let old = old.remove(&owner.id.into());
    let mut m = old.map_or_else(|| Msg::new(name), Ok)?;
    let mut desc = m.sub_or_new("desc", "ipc_desc_entry")?;
    desc.set("id", owner.id.into())
        .set("key", owner.key.into())
        .set("uid", owner.owner.0.into())
        .set("gid", owner.owner.1.into())
        .set("cuid", owner.creator.0.into())
        .set("cgid", owner.creator.1.into())
        .set("mode", owner.mode.into());
    m.set_sub("desc", desc);
    Ok(m)
}
