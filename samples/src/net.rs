//! Sockets, their queues, network namespaces and devices.

use crate::dialect::{obj, rec};
use crate::file::{File, kind, open};
use crate::stream::{Stream, Struct, len32};

/// The generic half of a socket.
#[derive(Clone, Copy)]
pub(crate) struct Socket {
    /// 1 unix, 2 inet
    pub(crate) family: u16,
    /// 1 stream, 2 datagram
    pub(crate) kind: u16,
    pub(crate) protocol: u8,
    /// 1 unconnected, 3 connected
    pub(crate) phase: u8,
    /// TCP_ESTABLISHED 1, CLOSE 7, LISTEN 10
    pub(crate) state: u8,
    pub(crate) backlog: i16,
    /// Its descriptor was closed; only a buffer in a queue still refers to it.
    pub(crate) dead: bool,
}

impl Socket {
    pub(crate) const UNIX_CONNECTED: Self = Self {
        family: 1,
        kind: 1,
        protocol: 0,
        phase: 3,
        state: 1,
        backlog: 10,
        dead: false,
    };
    pub(crate) const UNIX_DATAGRAM: Self = Self {
        kind: 2,
        phase: 1,
        state: 7,
        ..Self::UNIX_CONNECTED
    };
    pub(crate) const UNIX_LISTENING: Self = Self {
        phase: 1,
        state: 10,
        backlog: 5,
        ..Self::UNIX_CONNECTED
    };
    pub(crate) const TCP_CONNECTED: Self = Self {
        family: 2,
        protocol: 6,
        ..Self::UNIX_CONNECTED
    };
    pub(crate) const TCP_LISTENING: Self = Self {
        family: 2,
        protocol: 6,
        ..Self::UNIX_LISTENING
    };
    pub(crate) const UDP: Self = Self {
        family: 2,
        protocol: 17,
        ..Self::UNIX_DATAGRAM
    };

    /// Listening and dead sockets have no queues of their own.
    fn has_queues(&self) -> bool {
        self.state != 10 && !self.dead
    }
}

/// Who sent a queued buffer.
#[derive(Clone, Copy)]
pub(crate) enum Owner {
    Peer,
    Itself,
    /// A living socket that no descriptor of the image names.
    Elsewhere,
    /// A socket that its owner has closed since.
    Dead,
}

/// One queued buffer: linear data, then fragments of (bytes used, offset in the page, filler).
#[derive(Clone)]
pub(crate) struct Skb {
    pub(crate) owner: Owner,
    /// The linear part begins with Ethernet, IP and TCP headers, 66 bytes.
    pub(crate) packet: bool,
    pub(crate) data: &'static [u8],
    pub(crate) frags: &'static [(u32, u32, u8)],
}

impl Skb {
    pub(crate) const fn from(owner: Owner, data: &'static [u8]) -> Self {
        Self {
            owner,
            packet: false,
            data,
            frags: &[],
        }
    }

    pub(crate) const fn from_peer(data: &'static [u8]) -> Self {
        Self::from(Owner::Peer, data)
    }

    /// A TCP segment as it came in. Until R03 only its data was kept.
    pub(crate) const fn packet(data: &'static [u8], frags: &'static [(u32, u32, u8)]) -> Self {
        Self {
            packet: true,
            frags,
            ..Self::from(Owner::Itself, data)
        }
    }
}

/// A unix socket: its address, the directory of a relative one, and its receive queue.
#[derive(Clone)]
pub(crate) struct Unix {
    pub(crate) socket: Socket,
    /// Path as in sun_path; abstract names begin with NUL.
    pub(crate) path: &'static [u8],
    pub(crate) directory: &'static [u8],
    pub(crate) received: Vec<Skb>,
}

impl Unix {
    pub(crate) const fn new(socket: Socket, path: &'static [u8]) -> Self {
        Self {
            socket,
            path,
            directory: b"/",
            received: Vec::new(),
        }
    }
}

impl Skb {
    /// Bytes in fragments, which revisions until R03 did not know.
    fn paged(&self, rev: u8) -> u32 {
        let kept = self.frags.iter().filter(|_| rev >= 4);
        kept.map(|frag| frag.0).sum()
    }
}

/// An inet socket: addresses as (a.b.c.d, port), where port 0 means none, and its queues.
#[derive(Clone)]
pub(crate) struct Inet {
    pub(crate) socket: Socket,
    pub(crate) local: ([u8; 4], u16),
    pub(crate) remote: ([u8; 4], u16),
    pub(crate) received: Vec<Skb>,
    pub(crate) unsent: Vec<Skb>,
}

impl Inet {
    pub(crate) const fn new(socket: Socket, local: ([u8; 4], u16), remote: ([u8; 4], u16)) -> Self {
        Self {
            socket,
            local,
            remote,
            received: Vec::new(),
            unsent: Vec::new(),
        }
    }
}

impl Stream {
    /// A file on a socket, which `socket` writes.
    pub(crate) fn socket_file(&mut self, socket: impl FnOnce(&mut Self) -> i32) -> i32 {
        self.object(obj::FILE, |s, _| {
            let id = socket(s);
            s.socket_file_record(id);
        })
    }

    fn socket_file_record(&mut self, id: i32) {
        self.file_record(kind::SOCKET, File::new(open::READ_WRITE).stream(), |r| {
            r.i32(id);
        });
    }

    /// A unix socket without a peer.
    pub(crate) fn unix(&mut self, u: &Unix) -> i32 {
        self.object(obj::SOCK, |s, id| {
            s.socket(&u.socket);
            s.socket_unix(id, 0, u, b"");
            if u.socket.has_queues() {
                s.queues_later(id, 0, u.received.clone(), Vec::new());
            }
        })
    }

    /// Two connected unix sockets; the second is written inside the first, so it is complete, and
    /// its queues are due, before the first. Returns both.
    pub(crate) fn unix_pair(&mut self, u: &Unix, peer: &Unix) -> (i32, i32) {
        let mut second = 0;
        let first = self.object(obj::SOCK, |s, id| {
            s.socket(&u.socket);
            second = s.object(obj::SOCK, |s, peer_id| {
                s.socket(&peer.socket);
                s.socket_unix(peer_id, id, peer, u.path);
                s.queues_later(peer_id, id, peer.received.clone(), Vec::new());
            });
            s.socket_unix(id, second, u, peer.path);
            s.queues_later(id, second, u.received.clone(), Vec::new());
        });
        (first, second)
    }

    /// SOCKET.
    fn socket(&mut self, k: &Socket) {
        let rev = self.d.rev;
        self.rec(rec::SOCKET, |r| {
            if rev >= 13 {
                r.u8(u8::from(k.has_queues())).align(8);
            }
            r.u64(0).u8(k.phase).align(8);
            r.u32(0)
                .u32(u32::from(k.state == 10))
                .u16(k.family)
                .u8(0)
                .align(8);
            // SOCK_DEAD is bit 0.
            r.u64(1)
                .u64(0x100 | u64::from(k.dead))
                .u64s(&[5_000_000_000, u64::MAX >> 1]);
            r.u32s(&[0, 0, 0]).i32s(&[55_296, 55_296]).u16(k.kind);
            r.u16(k.backlog.cast_unsigned())
                .raw(&[k.protocol, k.state, 0, 0, 0]);
            r.align(8).i32(0).i32(0);
        });
    }

    fn socket_unix(&mut self, this: i32, peer: i32, u: &Unix, remote: &[u8]) {
        let rev = self.d.rev;
        // An old-ABI kernel rounds every struct up to words.
        let unit = if self.oabi { 4 } else { 2 };
        let len = |path: &[u8]| match path {
            [] => 2,
            [0, ..] => len32(path.len()) + 2,
            _ => len32(path.len()) + 3,
        };
        let peercred = self.cred;
        self.rec(rec::SOCKET_UNIX, |r| {
            r.i32(this).i32(peer);
            if rev >= 13 {
                r.i32(if peer == 0 { 0 } else { peercred });
            } else {
                r.u32(0).u32(0);
            }
            let bound = matches!(u.path.first(), Some(&first) if first != 0);
            let remote_len = if peer == 0 { 0 } else { len(remote) };
            r.u32s(&[u32::from(bound), len(u.path), remote_len]);
            r.u16(1).text(u.path, 108).align(unit);
            r.u16(u16::from(peer != 0)).text(remote, 108).align(unit);
        });
        if u.path
            .first()
            .is_some_and(|&first| first != 0 && first != b'/')
        {
            self.c_string(rec::STRING, u.directory);
        }
    }

    /// The two queues of a socket are written after its table.
    fn queues_later(&mut self, id: i32, peer: i32, received: Vec<Skb>, unsent: Vec<Skb>) {
        self.deferred.push_back(Box::new(move |s| {
            s.queue(id, peer, &received);
            s.queue(id, peer, &unsent);
        }));
    }

    fn queue(&mut self, id: i32, peer: i32, buffers: &[Skb]) {
        let rev = self.d.rev;
        let bytes = buffers
            .iter()
            .map(|skb| len32(skb.data.len()) + skb.paged(rev));
        self.rec(rec::SOCKET_QUEUE, |r| {
            r.u32(len32(buffers.len())).u32(bytes.sum());
        });
        for skb in buffers {
            let unnamed = |dead| {
                let socket = Socket {
                    dead,
                    ..Socket::UNIX_DATAGRAM
                };
                Unix::new(socket, b"")
            };
            let owner = match skb.owner {
                Owner::Peer => peer,
                Owner::Itself => id,
                Owner::Elsewhere => self.unix(&unnamed(false)),
                Owner::Dead => self.unix(&unnamed(true)),
            };
            self.buffer_record(id, owner, skb);
        }
    }

    fn buffer_record(&mut self, queue: i32, owner: i32, skb: &Skb) {
        let (rev, page) = (self.d.rev, self.d.page);
        let headers = if skb.packet && rev >= 4 { 66 } else { 0 };
        let [transport, network, mac] = if headers == 0 { [0; 3] } else { [34, 14, 14] };
        let linear = [&[0x45; 66][..headers], skb.data].concat();
        let (data, paged) = (len32(skb.data.len()), skb.paged(rev));
        let headers = len32(headers);
        self.rec(rec::SOCKET_BUFFER, |r| {
            if rev >= 4 {
                r.u32s(&[transport, network, 0, headers + data, paged]);
                r.u32s(&[data + paged, headers, mac, headers]);
            }
            r.i32(owner).i32(queue);
            if rev >= 4 {
                // The control block begins with the sender's pid, uid and gid.
                r.u16(0)
                    .u16(u16::try_from(skb.frags.len()).unwrap_or_default());
                r.u32s(&[421, 0, 0]).to(104);
            }
        });
        self.payload(rec::BUFFER, &linear);
        for &(used, offset, filler) in skb.frags.iter().filter(|_| rev >= 4) {
            self.rec(rec::SOCKET_FRAG, |r| {
                r.u32(used).u32(offset);
            });
            // One raw page without a header.
            let content = |at| {
                if at >= offset && at < offset + used {
                    filler
                } else {
                    0
                }
            };
            self.out.extend((0..len32(page)).map(content));
        }
    }

    /// An inet socket.
    pub(crate) fn inet(&mut self, i: &Inet) -> i32 {
        self.object(obj::SOCK, |s, id| {
            s.socket(&i.socket);
            let rev = s.d.rev;
            s.rec(rec::SOCKET_INET, |r| {
                if rev >= 4 {
                    inet_state(r, i);
                }
                r.u32(16).u32(if i.remote.1 == 0 { 0 } else { 16 });
                for (address, port) in [i.local, i.remote] {
                    r.u16(2).raw(&port.to_be_bytes()).raw(&address).raw(&[0; 8]);
                }
            });
            if i.socket.has_queues() {
                s.queues_later(id, 0, i.received.clone(), i.unsent.clone());
            }
        })
    }

    /// A NET_NS object with a loopback and a veth whose other end is in the parent.
    pub(crate) fn network(&mut self) -> i32 {
        self.object(obj::NET_NS, |s, id| {
            s.rec(rec::NET_NS, |r| {
                r.i32(id);
            });
            s.object(obj::NETDEV, |s, _| {
                s.device(id, 0, [0, 0], b"lo", &[[127, 0, 0, 1]]);
            });
            s.object(obj::NETDEV, |s, this| {
                let peer = s.object(obj::NETDEV, |s, peer| {
                    s.device(0, 1, [peer, this], b"veth0", &[]);
                });
                s.device(
                    id,
                    1,
                    [this, peer],
                    b"eth0",
                    &[[10, 0, 3, 2], [10, 0, 3, 3]],
                );
            });
            s.object(obj::NETDEV, |s, _| {
                s.device(id, 2, [0, 0], b"sit0", &[]);
            });
            s.object(obj::NETDEV, |s, _| {
                s.device(id, 3, [4, 0], b"macvlan0", &[]);
            });
        })
    }

    /// NETDEV, its name, its addresses.
    fn device(&mut self, ns: i32, kind: u16, link: [i32; 2], name: &[u8], addresses: &[[u8; 4]]) {
        self.rec(rec::NETDEV, |r| {
            r.i32(ns)
                .i32s(&link)
                .u32(len32(addresses.len()))
                .u16(kind)
                .u16(0x1043);
            r.raw(&[0x02, 0, 0, 0, 0, kind.to_le_bytes()[0]]);
        });
        self.payload(rec::STRING, &[name, &[0; 16][name.len()..]].concat());
        if addresses.is_empty() {
            return;
        }
        let mut list = Struct::new(self.d);
        for address in addresses {
            list.u16(0)
                .align(8)
                .raw(address)
                .raw(address)
                .raw(&[255, 0, 0, 0])
                .raw(&[0; 4]);
        }
        self.payload(rec::NETDEV_ADDR, &list.bytes);
    }
}

/// The members of SOCKET_INET in front of the addresses, since R04.
fn inet_state(r: &mut Struct, i: &Inet) {
    let (local, remote) = (i.local, i.remote);
    r.raw(&remote.0).raw(&local.0).raw(&local.0);
    r.raw(&remote.1.to_be_bytes()).u16(local.1);
    r.raw(&local.1.to_be_bytes()).u16(64).u16(0);
    // icsk_ack
    r.align(8).u64(0).u32s(&[40, 0]).u16(0).u16(536).u32(0);
    if i.socket.protocol == 6 {
        // rcv_nxt to keepalive_intvl, recognisable values
        for n in 0..43 {
            r.u32(0x1000 + n);
        }
        r.u16(0).u16(1460).raw(&[0, 0, 0, 3, 9]);
    }
    r.to(240);
    if i.socket.family == 10 {
        // ::ffff:a.b.c.d
        for address in [local.0, local.0, remote.0] {
            r.raw(&[0; 10]).raw(&[0xff, 0xff]).raw(&address);
        }
    }
    r.to(288);
}
