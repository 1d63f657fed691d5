//! What waits in inet sockets is shown without the headers of protocols in front of it.

use ckpt_format::Tag;
use ckpt_parser::decoder::{Decoder, Options};
use ckpt_parser::model::{Image, Socket};
use ckpt_parser::source::SliceSource;
use ckpt_tests::triggers::Editor;

fn sample() -> Vec<u8> {
    (ckpt_samples::get("tour-r17-arm").unwrap().bytes)()
}

fn image(bytes: &[u8]) -> Image {
    let mut decoder = Decoder::new(SliceSource(bytes), Options::default()).unwrap();
    Image::read(&mut decoder, |_| true).unwrap()
}

/// Where the record at `index` stands among all of its kind.
fn rank(indices: impl Iterator<Item = u64>, index: u64) -> usize {
    indices.filter(|other| *other < index).count()
}

fn has_headers(socket: &Socket) -> bool {
    let received = socket.queues.first();
    received.is_some_and(|queue| queue.buffers.iter().any(|buffer| buffer.hdr_len > 0))
}

#[test]
fn queues_of_inet_sockets_begin_with_what_programs_read() {
    let bytes = sample();
    let whole = image(&bytes);
    let (number, socket) = whole.sockets.iter().find(|(_, s)| has_headers(s)).unwrap();
    let buffer = &socket.queues[0].buffers[0];
    let first = |image: &Image| image.sockets[number].queues[0].buffers[0].data[0];
    let at = first(&whole);
    let before = usize::try_from(at.offset).unwrap();
    // The sample fills headers with one value.
    assert!(bytes[before - 66..before].iter().all(|byte| *byte == 0x45));
    assert_ne!(bytes[before], 0x45);
    // A datagram of UDP was queued with its own header of 8 bytes, which reading cuts off.
    let sockets = whole.sockets.values().map(|socket| socket.record.index);
    let queues = whole.sockets.values().flat_map(|socket| &socket.queues);
    let buffers = queues.flat_map(|queue| &queue.buffers);
    let buffers = buffers.map(|buffer| buffer.record.index);
    let (socket, buffer) = (
        rank(sockets, socket.record.index),
        rank(buffers, buffer.record.index),
    );
    let mut editor = Editor::new(bytes);
    editor.set(Tag::Socket, socket, "sock.protocol", 17);
    editor.set(Tag::SocketBuffer, buffer, "transport_header", 66);
    let datagram = first(&image(&editor.into_bytes()));
    let header = at.len.min(8);
    assert_eq!(datagram.offset, at.offset + header);
    assert_eq!(datagram.len, at.len - header);
}
