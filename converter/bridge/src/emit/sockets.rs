//! Sockets and what waits in them.

use super::{Deferred, Emitter, Thing};
use ckpt_format::{Object, Tag};

impl Emitter<'_> {
    pub(super) fn socket(&mut self, index: usize) -> i32 {
        let (number, first) = self.announce(Object::Sock, Thing::Socket(index));
        let Some(s) = self.tree.sockets.get(index).filter(|_| first) else {
            return number;
        };
        let listening = s.state == 10;
        self.out.record(Tag::Socket, None, |r| {
            r.set("has_buffers", (!listening).into());
            r.set("socket.state", if s.state == 1 { 3 } else { 1 });
            r.set("sock_common.reuse", s.reuse.into())
                .set("sock_common.family", s.family.into());
            r.set("sock.rcvlowat", 1)
                .set("sock.rcvtimeo", i64::MAX.cast_unsigned())
                .set("sock.sndtimeo", i64::MAX.cast_unsigned());
            r.set("sock.sndbuf", (s.buffers[0] / 2).into())
                .set("sock.rcvbuf", (s.buffers[1] / 2).into());
            r.set("sock.type", s.kind.into())
                .set("sock.backlog", s.backlog.into());
            r.set("sock.protocol", s.protocol.into())
                .set("sock.state", s.state.into())
                .set("sock.shutdown", s.shutdown.into());
        });
        let [local, remote] = &s.addrs;
        if s.family == 1 {
            let peer = s.peer.map_or(0, |peer| self.socket(peer));
            let part = |a: &[u8], from: usize, to: usize| {
                a.get(from..a.len().min(to)).unwrap_or_default().to_vec()
            };
            self.out.record(Tag::SocketUnix, None, |r| {
                r.set_i32("this", number).set_i32("peer", peer);
                for (name, addr) in [("laddr", local), ("raddr", remote)] {
                    r.set(&format!("{name}_len"), addr.len().max(2) as u64);
                    r.set(&format!("{name}.sun_family"), 1)
                        .set_bytes(&format!("{name}.sun_path"), &part(addr, 2, 110));
                }
            });
            if local.len() > 2 && !matches!(local.get(2), Some(0 | b'/')) {
                let end: &[u8] = if s.dir.is_empty() { b"\0" } else { b"/\0" };
                self.out.payload(Tag::String, &[&s.dir, end].concat());
            }
        } else {
            self.out.record(Tag::SocketInet, None, |r| {
                for (name, addr) in [("laddr", local), ("raddr", remote)] {
                    r.set(&format!("{name}_len"), addr.len() as u64);
                    r.set(&format!("{name}.sin_family"), 2).set_bytes(
                        &format!("{name}.sin_port"),
                        addr.get(2..4).unwrap_or_default(),
                    );
                    r.set_bytes(
                        &format!("{name}.sin_addr"),
                        addr.get(4..8).unwrap_or_default(),
                    );
                }
                let port = |a: &[u8]| {
                    a.get(2..4)
                        .map_or(0, |b| b.iter().fold(0, |n, &x| n << 8 | u64::from(x)))
                };
                r.set("num", port(local))
                    .set_bytes("sport", local.get(2..4).unwrap_or_default());
                r.set_bytes("dport", remote.get(2..4).unwrap_or_default());
                for field in ["saddr", "rcv_saddr"] {
                    r.set_bytes(field, local.get(4..8).unwrap_or_default());
                }
                r.set_bytes("daddr", remote.get(4..8).unwrap_or_default());
            });
        }
        if !listening {
            self.deferred.push(Deferred::Socket(index));
        }
        number
    }

    /// What waits to be read, then what waits to be sent, which foreign formats do not tell apart from it.
    pub(super) fn queues(&mut self, index: usize) {
        let (number, _) = self.number(Thing::Socket(index));
        let Some(s) = self.tree.sockets.get(index) else {
            return;
        };
        let owner = s.peer.map_or(number, |p| self.number(Thing::Socket(p)).0);
        let packets: Vec<Vec<u8>> = s
            .queue
            .iter()
            .filter_map(|b| b.read_all(1 << 20).ok())
            .collect();
        let total: usize = packets.iter().map(Vec::len).sum();
        self.out.record(Tag::SocketQueue, None, |r| {
            r.set("skb_count", packets.len() as u64)
                .set("total_bytes", total as u64);
        });
        for packet in &packets {
            self.out.record(Tag::SocketBuffer, None, |r| {
                r.set("lin_len", packet.len() as u64)
                    .set("skb_len", packet.len() as u64);
                r.set_i32("sk_objref", owner).set_i32("pr_objref", number);
            });
            self.out.payload(Tag::Buffer, packet);
        }
        self.out.record(Tag::SocketQueue, None, |_| {});
    }
}
