//! Sockets and network devices (§3.13).

use super::*;

ids! {
    net {
        STATE = SOCKET "socket.state"; FAMILY = SOCKET "sock_common.family"; TYPE = SOCKET "sock.type"; PROTOCOL = SOCKET "sock.protocol"; SK_STATE = SOCKET "sock.state"; SK_FLAGS = SOCKET "sock.flags";
        SHUTDOWN = SOCKET "sock.shutdown"; BACKLOG = SOCKET "sock.backlog"; PEER = SOCKET_UNIX "peer"; LADDR_LEN = SOCKET_UNIX "laddr_len"; RADDR_LEN = SOCKET_UNIX "raddr_len";
        LPATH = SOCKET_UNIX "laddr.sun_path"; RPATH = SOCKET_UNIX "raddr.sun_path"; LPORT = SOCKET_INET "laddr.sin_port"; LADDR = SOCKET_INET "laddr.sin_addr";
        RPORT = SOCKET_INET "raddr.sin_port"; RADDR = SOCKET_INET "raddr.sin_addr"; RADDR_USED = SOCKET_INET "raddr_len"; TOTAL = SOCKET_QUEUE "total_bytes";
        HDR_LEN = SOCKET_BUFFER "hdr_len"; TRANSPORT = SOCKET_BUFFER "transport_header"; PR = SOCKET_BUFFER "pr_objref"; FRAG_SIZE = SOCKET_FRAG "size"; FRAG_OFFSET = SOCKET_FRAG "offset";
        DEV_TYPE = NETDEV "type"; DEV_FLAGS = NETDEV "flags"; DEV_NS = NETDEV "netns_ref"; VETH_PEER = NETDEV "veth.peer_ref"; HWADDR = NETDEV "hwaddr";
        ADDRS = NETDEV_ADDR "addresses"; INET4 = NETDEV_ADDR_ENTRY "inet4_address"; INET4_MASK = NETDEV_ADDR_ENTRY "inet4_mask";
    }
}

impl Builder {
    pub(super) fn socket(&mut self, event: &Event, tag: Tag, view: &View) {
        let at = object_of(event);
        match tag {
            Tag::Socket => {
                let byte = |id| u8::try_from(get(view, id)).unwrap_or(0);
                let socket = Socket {
                    record: record(event),
                    family: u16::try_from(get(view, net::FAMILY)).unwrap_or(0),
                    kind: u16::try_from(get(view, net::TYPE)).unwrap_or(0),
                    protocol: byte(net::PROTOCOL),
                    socket_state: byte(net::STATE),
                    state: byte(net::SK_STATE),
                    shutdown: byte(net::SHUTDOWN),
                    dead: get(view, net::SK_FLAGS) & SOCK_DEAD != 0,
                    backlog: view.i32(net::BACKLOG).unwrap_or(0) as i16,
                    ..Socket::default()
                };
                self.image.sockets.insert(at, socket);
            }
            Tag::SocketUnix => {
                self.defer_queues(at);
                let Some(socket) = self.image.sockets.get_mut(&at) else {
                    return;
                };
                socket.peer = objref(view, net::PEER);
                socket.local = unix_name(view, net::LPATH, get(view, net::LADDR_LEN));
                socket.remote = unix_name(view, net::RPATH, get(view, net::RADDR_LEN));
            }
            Tag::SocketInet => {
                self.defer_queues(at);
                let Some(socket) = self.image.sockets.get_mut(&at) else {
                    return;
                };
                socket.local = inet_name(view, net::LADDR, net::LPORT);
                if get(view, net::RADDR_USED) > 0 {
                    socket.remote = inet_name(view, net::RADDR, net::RPORT);
                }
            }
            Tag::SocketQueue => self.queue(event, view),
            Tag::SocketBuffer => self.buffer(event, view),
            _ => self.fragment(event, view),
        }
    }

    /// The queues of a socket are written after the file table, in the order in which the bodies
    /// of the sockets were completed; listening and dead sockets have none (§2.3).
    fn defer_queues(&mut self, at: ObjRef) {
        let has_queues = self
            .image
            .sockets
            .get(&at)
            .is_some_and(|socket| !socket.dead && socket.state != TCP_LISTEN);
        if has_queues {
            self.queue_owners.push_back(at);
        }
    }

    /// The queue belongs to the oldest socket that has not had its two (§2.3).
    fn queue(&mut self, event: &Event, view: &View) {
        while let Some(at) = self.queue_owners.front().copied() {
            let socket = self.image.sockets.entry(at).or_default();
            if socket.queues.len() < 2 {
                socket.queues.push(SocketQueue {
                    record: record(event),
                    total_bytes: get32(view, net::TOTAL),
                    buffers: Vec::new(),
                });
                self.current_queue = Some(at);
                return;
            }
            self.queue_owners.pop_front();
        }
        self.current_queue = None;
        let found = "a queue of no socket: each has its two".to_string();
        self.finding(Code::Unexpected, event, found);
    }

    fn buffer(&mut self, event: &Event, view: &View) {
        let claimed = objref(view, net::PR);
        let Some(mut at) = self.current_queue else {
            return;
        };
        if claimed != at && self.image.sockets.contains_key(&claimed) {
            self.move_queue(at, claimed);
            at = claimed;
        }
        let Some(socket) = self.image.sockets.get_mut(&at) else {
            return;
        };
        let (headers, transport) = (get32(view, net::HDR_LEN), get32(view, net::TRANSPORT));
        // Of what was received, the kernels of the time cut off TCP's header at once, UDP's only when it was read.
        let is_udp = socket.protocol == IPPROTO_UDP && socket.queues.len() == 1;
        let uncut = is_udp && headers == transport && headers > 0;
        let hdr_len = headers.saturating_add(if uncut { UDP_HEADER } else { 0 });
        if let Some(queue) = socket.queues.last_mut() {
            queue.buffers.push(SocketBuffer {
                record: record(event),
                hdr_len,
                data: Vec::new(),
            });
        }
    }

    /// The buffer says on whose queue it sits; that beats the order of records.
    fn move_queue(&mut self, from: ObjRef, to: ObjRef) {
        let Some(queue) = self
            .image
            .sockets
            .get_mut(&from)
            .and_then(|socket| socket.queues.pop())
        else {
            return;
        };
        if let Some(socket) = self.image.sockets.get_mut(&to) {
            socket.queues.push(queue);
        }
        self.current_queue = Some(to);
        if let Some(place) = self.queue_owners.iter().position(|owner| *owner == to) {
            self.queue_owners.remove(place);
            self.queue_owners.push_front(to);
        }
    }

    /// The linear part begins with the headers of protocols, which nobody reads.
    pub(super) fn skb_linear(&mut self, extent: Extent) {
        self.skb_data(|buffer| {
            let skip = u64::from(buffer.hdr_len).min(extent.len);
            Extent {
                offset: extent.offset.saturating_add(skip),
                len: extent.len.saturating_sub(skip),
            }
        });
    }

    fn skb_data(&mut self, extent: impl FnOnce(&SocketBuffer) -> Extent) {
        let Some(at) = self.current_queue else { return };
        let socket = self.image.sockets.get_mut(&at);
        let buffer = socket.and_then(|socket| socket.queues.last_mut()?.buffers.last_mut());
        if let Some(buffer) = buffer {
            let extent = extent(buffer);
            buffer.data.push(extent);
        }
    }

    fn fragment(&mut self, event: &Event, view: &View) {
        let page = event
            .frame
            .offset
            .saturating_add(u64::from(event.frame.len));
        let offset = page.saturating_add(get(view, net::FRAG_OFFSET));
        let len = get(view, net::FRAG_SIZE).min(event.frame.end().saturating_sub(offset));
        self.skb_data(|_| Extent { offset, len });
    }

    pub(super) fn device(&mut self, event: &Event, tag: Tag, view: &View) {
        let at = object_of(event);
        if tag == Tag::NetdevAddr {
            let address = |view: View| (get32(&view, net::INET4), get32(&view, net::INET4_MASK));
            self.image.devices.entry(at).or_default().addresses =
                view.structs(net::ADDRS).map(address).collect();
            return;
        }
        let small = |id| u16::try_from(get(view, id)).unwrap_or(0);
        let mut hwaddr = [0; 6];
        for (to, from) in hwaddr
            .iter_mut()
            .zip(view.raw(net::HWADDR).unwrap_or_default())
        {
            *to = *from;
        }
        let kind = small(net::DEV_TYPE);
        let device = NetDevice {
            record: record(event),
            name: Vec::new(),
            kind,
            flags: small(net::DEV_FLAGS),
            net_ns: objref(view, net::DEV_NS),
            peer: if kind == 1 {
                objref(view, net::VETH_PEER)
            } else {
                0
            },
            hwaddr,
            addresses: Vec::new(),
        };
        self.image.devices.insert(at, device);
    }
}

/// Protocol number of UDP, and the length of its header.
const IPPROTO_UDP: u8 = 17;
const UDP_HEADER: u32 = 8;

/// Bit of `sock.flags` of a socket that no file holds any more.
const SOCK_DEAD: u64 = 1;

/// `sock.state` of a listening socket.
const TCP_LISTEN: u8 = 10;

fn unix_name(view: &View, id: FieldId, used: u64) -> String {
    let len = usize::try_from(used.saturating_sub(2)).unwrap_or(0);
    let path = view.raw(id).unwrap_or_default();
    let path = path.get(..len.min(path.len())).unwrap_or_default();
    match path.split_first() {
        Some((0, name)) => format!("@{}", escape(name)),
        _ => escape(until_nul(path)),
    }
}

fn inet_name(view: &View, addr: FieldId, port: FieldId) -> String {
    let address = std::net::Ipv4Addr::from(get32(view, addr));
    format!("{address}:{}", get(view, port))
}
