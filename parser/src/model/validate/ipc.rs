//! System V IPC.

use super::Check;
use crate::diagnostic::Code;
use crate::model::IpcMessage;

impl Check<'_> {
    pub(super) fn ipc(&mut self) {
        for space in self.image.ipc.values() {
            for segment in space.segments.iter().filter(|segment| segment.perms.id < 0) {
                let found = segment.perms.id.to_string();
                self.on(segment.record, "IPC_SHM", String::new).wrong(
                    Code::BadIpc,
                    "perms.id",
                    found,
                    "0 or more",
                );
            }
            let messages = space.queues.iter().flat_map(|queue| &queue.messages);
            messages.for_each(|message| self.message(message));
        }
    }

    fn message(&mut self, message: &IpcMessage) {
        let mut on = self.on(message.record, "IPC_MSG_MSG", String::new);
        if message.kind < 1 {
            let found = message.kind.to_string();
            on.wrong(Code::BadIpc, "m_type", found, "1 or more");
        }
        let pieces = message.text.iter().map(|piece| piece.len);
        let text = pieces.fold(0, u64::saturating_add);
        if text != u64::from(message.len) {
            let found = format!("{text} bytes of text");
            on.wrong(Code::BadIpc, "m_ts", found, message.len.to_string());
        }
    }
}
