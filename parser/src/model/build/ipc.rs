//! System V IPC (§3.12).

use super::*;

ids! {
    ipc {
        SHM_SIZE = IPC_SHM "shm_segsz"; SHM_INODE = IPC_SHM "objref"; QBYTES = IPC_MSG "q_qbytes"; MTYPE = IPC_MSG_MSG "m_type"; MTS = IPC_MSG_MSG "m_ts";
        SEMID = TASK_SEM_UNDO "semid";
        ID = IPC_PERMS "id"; KEY = IPC_PERMS "key"; UID = IPC_PERMS "uid"; GID = IPC_PERMS "gid"; CUID = IPC_PERMS "cuid"; CGID = IPC_PERMS "cgid"; MODE = IPC_PERMS "mode"; SEQ = IPC_PERMS "seq";
    }
}

impl Builder {
    pub(super) fn ipc(&mut self, event: &Event, tag: Tag, view: &View) {
        let at = object_of(event);
        if tag == Tag::IpcNs {
            let limit =
                |slot: &ckpt_format::Slot| Some((slot.name.to_string(), view.element(slot, 0)?));
            let limits = view
                .layout
                .slots
                .iter()
                .filter(|slot| !slot.is_padding())
                .filter_map(limit)
                .collect();
            self.image.ipc.insert(
                at,
                Ipc {
                    record: record(event),
                    limits,
                    ..Ipc::default()
                },
            );
            self.ipc_kind = Some(at);
            return;
        }
        let Some(space) = self.ipc_kind.and_then(|at| self.image.ipc.get_mut(&at)) else {
            return;
        };
        let perms = perms(view);
        match tag {
            Tag::IpcShm => {
                let inode = objref(view, ipc::SHM_INODE);
                let size = get(view, ipc::SHM_SIZE);
                space.segments.push(IpcSegment {
                    record: record(event),
                    perms,
                    size,
                    inode,
                });
                self.owner = PageOwner::Segment(inode);
                self.image.segments.entry(inode).or_insert(Segment {
                    record: record(event),
                    size,
                    pages: Packed::default(),
                });
                self.implicit(event, inode, Object::Inode);
            }
            Tag::IpcMsg => space.queues.push(IpcQueue {
                record: record(event),
                perms,
                max_bytes: get(view, ipc::QBYTES),
                messages: Vec::new(),
            }),
            Tag::IpcMsgMsg => {
                let message = IpcMessage {
                    record: record(event),
                    kind: get(view, ipc::MTYPE).cast_signed(),
                    len: get32(view, ipc::MTS),
                    text: Vec::new(),
                };
                if let Some(queue) = space.queues.last_mut() {
                    queue.messages.push(message);
                }
            }
            Tag::IpcSem => space.semaphores.push(IpcSemaphores {
                record: record(event),
                perms,
                values: Vec::new(),
            }),
            _ => {}
        }
    }

    pub(super) fn sem_undo(&mut self, event: &Event, tag: Tag, view: &View) {
        let undos = self.image.sem_undos.entry(object_of(event)).or_default();
        if tag == Tag::TaskSemUndo {
            undos.push(SemUndo {
                record: record(event),
                semid: get32(view, ipc::SEMID),
                adjustments: Vec::new(),
            });
        }
    }

    pub(super) fn message_text(&mut self, extent: Extent) {
        let space = self.ipc_kind.and_then(|at| self.image.ipc.get_mut(&at));
        let message = space.and_then(|space| space.queues.last_mut()?.messages.last_mut());
        if let Some(message) = message {
            message.text.push(extent);
        }
    }
}

fn perms(view: &View) -> IpcPerms {
    const PERMS: FieldId = table::IPC_SHM.id("perms.id");
    let offset = view
        .layout
        .slot(PERMS)
        .map(|slot| slot.offset.saturating_sub(8) as usize);
    let layout = Layout::of(&table::IPC_PERMS, view.dialect);
    let (Some(offset), Some(layout)) = (offset.or(Some(8)), layout) else {
        return IpcPerms::default();
    };
    let Some(bytes) = view.bytes.get(offset..) else {
        return IpcPerms::default();
    };
    let inner = View {
        layout: &layout,
        bytes,
        dialect: view.dialect,
    };
    IpcPerms {
        id: objref(&inner, ipc::ID),
        key: get32(&inner, ipc::KEY),
        uid: get32(&inner, ipc::UID),
        gid: get32(&inner, ipc::GID),
        cuid: get32(&inner, ipc::CUID),
        cgid: get32(&inner, ipc::CGID),
        mode: get32(&inner, ipc::MODE),
        seq: get(&inner, ipc::SEQ),
    }
}
