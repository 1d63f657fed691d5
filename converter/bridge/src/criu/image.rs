//! One image file: magic numbers, then messages with their length in front, some with raw bytes behind.

use std::io::Write;

use super::{
    Msg,
    schema::{COMMON_MAGIC, Kind, Payload, SERVICE_MAGIC},
};
use crate::{
    Error, Result,
    bytes::{Blob, Fields, Order},
};

/// Longest message that is read; 65 536 mappings need about 3 MiB.
const MAX_MESSAGE: u64 = 64 << 20;
/// Longest file that is read whole; pages are never read this way.
pub(super) const MAX_FILE: u64 = 256 << 20;

/// A message and the raw bytes behind it.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The message.
    pub message: Msg,
    /// Raw bytes, padding included.
    pub payload: Option<Blob>,
}

/// What the first words of a file say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The kind of file.
    pub kind: &'static Kind,
    /// Where the first message starts, in bytes.
    pub len: u64,
    /// First word: common, service, or none (0).
    pub outer: u32,
}

/// Looks at the first 8 bytes; `None` if the kind is not known.
pub fn head(file: &Blob) -> Result<Option<Head>> {
    let data = file.read(0, file.len().min(8), 8)?;
    let f = Fields {
        data: &data,
        order: Order::Little,
    };
    let (first, second) = (f.u32(0).unwrap_or(0), f.u32(4));
    let outer = if first == COMMON_MAGIC || first == SERVICE_MAGIC {
        first
    } else {
        0
    };
    let (magic, len) = if outer == 0 {
        (Some(first), 4)
    } else {
        (second, 8)
    };
    Ok(magic
        .and_then(Kind::by_magic)
        .map(|kind| Head { kind, len, outer }))
}

/// Reads all messages of a file that must be of the kind `name`.
pub fn read(file: &Blob, name: &str) -> Result<Vec<Entry>> {
    match head(file)? {
        Some(h) if h.kind.name == name => entries(file, &h),
        other => {
            let found = other.map_or("an unknown magic number".to_owned(), |h| {
                h.kind.name.to_owned()
            });
            Err(Error::damaged(&file.name, 0, "magic number", found, name))
        }
    }
}

/// Reads all messages behind a head.
pub fn entries(file: &Blob, head: &Head) -> Result<Vec<Entry>> {
    match intact(file, head) {
        (entries, None) => Ok(entries),
        (_, Some(error)) => Err(error),
    }
}

/// Reads the messages behind a head up to the first that is damaged, and says what is wrong with that.
pub fn intact(file: &Blob, head: &Head) -> (Vec<Entry>, Option<Error>) {
    let mut out = Vec::new();
    let mut at = head.len;
    while at < file.len() {
        match entry(file, at, head.kind) {
            Ok((entry, next)) => {
                out.push(entry);
                at = next;
            }
            Err(error) => return (out, Some(error)),
        }
    }
    (out, None)
}

/// The message at `at` with what follows it, and where that ends.
fn entry(file: &Blob, at: u64, kind: &Kind) -> Result<(Entry, u64)> {
    let (message, next) = message(file, at, kind.message)?;
    let len = payload_len(file, next, kind.payload, &message)?;
    let end = next.checked_add(len).filter(|&end| end <= file.len());
    let end = end.ok_or_else(|| {
        let found = format!("{} bytes", file.len() - next);
        Error::damaged(&file.name, next, "data behind a message", found, len)
    })?;
    let payload = (len > 0).then(|| file.part(next, len));
    Ok((Entry { message, payload }, end))
}

/// Reads the message of type `name` at `at`; also returns where it ends.
pub fn message(file: &Blob, at: u64, name: &str) -> Result<(Msg, u64)> {
    let size = file.read(at, 4, 4)?;
    let size = u64::from(
        Fields {
            data: &size,
            order: Order::Little,
        }
        .u32(0)
        .unwrap_or(0),
    );
    let bytes = file.read(at + 4, size, MAX_MESSAGE)?;
    let decoded = Msg::decode(name, &bytes)?;
    let message = decoded.map_err(|why| Error::damaged(&file.name, at, "message", why, name))?;
    Ok((message, at + 4 + size))
}

/// Bytes behind a message that ends at `at`.
fn payload_len(file: &Blob, at: u64, payload: Payload, message: &Msg) -> Result<u64> {
    Ok(match payload {
        Payload::None => 0,
        Payload::Field(field) => message.u64(field),
        Payload::TcpQueues => message
            .u64("inq_len")
            .saturating_add(message.u64("outq_len")),
        Payload::Ghost => file.len() - at,
        Payload::IpcSemaphores => (message.u64("nsems") * 2).next_multiple_of(8),
        Payload::IpcSegment if message.flag("in_pagemaps") => 0,
        Payload::IpcSegment => message
            .u64("size")
            .checked_next_multiple_of(4)
            .unwrap_or(u64::MAX),
        Payload::IpcMessages => {
            let mut end = at;
            for _ in 0..message.u64("qnum") {
                let (head, next) = self::message(file, end, "ipc_msg")?;
                end = next + head.u64("msize").next_multiple_of(8);
            }
            end - at
        }
    })
}

/// Types and texts of the messages behind the message of a queue.
pub fn ipc_messages(queue: &Entry) -> Result<Vec<(u64, Blob)>> {
    let mut out = Vec::new();
    let Some(bytes) = &queue.payload else {
        return Ok(out);
    };
    let mut at = 0;
    while at < bytes.len() {
        let (head, next) = message(bytes, at, "ipc_msg")?;
        let len = head.u64("msize");
        out.push((head.u64("mtype"), bytes.part(next, len)));
        at = next + len.next_multiple_of(8);
    }
    Ok(out)
}

/// Messages as they stand behind the message of a queue.
pub fn ipc_payload(messages: &[(u64, Blob)]) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    for (kind, text) in messages {
        let mut head = Msg::new("ipc_msg")?;
        head.set("mtype", *kind).set("msize", text.len());
        let head = head.encode();
        out.extend(u32::try_from(head.len()).unwrap_or(0).to_le_bytes());
        out.extend(head);
        let start = out.len();
        out.extend(text.read_all(MAX_MESSAGE)?);
        out.resize(start + (out.len() - start).next_multiple_of(8), 0);
    }
    Ok(out)
}

/// Writes a whole file: magic numbers, messages, raw bytes.
pub fn write(kind: &Kind, entries: &[Entry], out: &mut dyn Write) -> Result<()> {
    let mut bytes = Vec::new();
    match kind.name {
        "INVENTORY" => {}
        "STATS" => bytes.extend(SERVICE_MAGIC.to_le_bytes()),
        _ => bytes.extend(COMMON_MAGIC.to_le_bytes()),
    }
    bytes.extend(kind.magic.to_le_bytes());
    for entry in entries {
        let message = entry.message.encode();
        let len = u32::try_from(message.len())
            .map_err(|_| Error::Unsupported(format!("a message of {} bytes", message.len())))?;
        bytes.extend(len.to_le_bytes());
        bytes.extend(message);
        if let Some(payload) = &entry.payload {
            out.write_all(&bytes).map_err(Error::writing)?;
            bytes.clear();
            payload.copy_to(out)?;
        }
    }
    out.write_all(&bytes).map_err(Error::writing)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn pipe_data(len: u64) -> Msg {
        let mut m = Msg::new("pipe_data_entry").unwrap();
        m.set("pipe_id", 1).set("bytes", len);
        m
    }

    fn blob(bytes: Vec<u8>) -> Blob {
        Blob::new("x.img", Arc::new(bytes))
    }

    #[test]
    fn raw_bytes_stay_between_their_messages() {
        let kind = Kind::by_name("PIPES_DATA").unwrap();
        let entry = |data: &[u8]| Entry {
            message: pipe_data(data.len() as u64),
            payload: Some(blob(data.to_vec())),
        };
        let mut out = Vec::new();
        write(kind, &[entry(b"hello"), entry(b"ab")], &mut out).unwrap();
        let back = read(&blob(out.clone()), "PIPES_DATA").unwrap();
        assert_eq!(
            back[0].payload.as_ref().unwrap().read_all(9).unwrap(),
            b"hello"
        );
        assert_eq!(
            back[1].payload.as_ref().unwrap().read_all(9).unwrap(),
            b"ab"
        );
        let mut again = Vec::new();
        write(kind, &back, &mut again).unwrap();
        assert_eq!(again, out);
        assert!(
            read(&blob(out), "PIPES")
                .unwrap_err()
                .to_string()
                .contains("PIPES_DATA")
        );
    }

    #[test]
    fn impossible_lengths_are_errors_with_an_offset() {
        let mut out = Vec::new();
        write(
            Kind::by_name("PIPES_DATA").unwrap(),
            &[Entry {
                message: pipe_data(1000),
                payload: None,
            }],
            &mut out,
        )
        .unwrap();
        assert!(
            read(&blob(out.clone()), "PIPES_DATA")
                .unwrap_err()
                .to_string()
                .contains("at 0x11")
        );
        for len in [0x7fff_ffff_u32, u32::MAX] {
            out[8..12].copy_from_slice(&len.to_le_bytes());
            assert!(
                read(&blob(out.clone()), "PIPES_DATA")
                    .unwrap_err()
                    .to_string()
                    .contains("at 0xc")
            );
        }
    }
}
