//! Sockets and network devices (§3.13).

use super::*;

/// `ckpt_netdev_addr` (§3.13).
pub static NETDEV_ADDR_ENTRY: Struct = Struct::aligned(list![
    FieldList::new(
        "ckpt_netdev_addr",
        list![
            Field::u16("type")
                .of(&NETDEV_ADDR_TYPE)
                .doc("family of the address: 0 is IPv4"),
            Field::be32("inet4_local").aligned(8).doc("local address"),
            Field::be32("inet4_address").doc("address, or that of the other end"),
            Field::be32("inet4_mask").doc("network mask"),
            Field::be32("inet4_broadcast").doc("broadcast address"),
        ]
    )
    .since(R09),
]);

/// `linger` (include/linux/socket.h).
pub static LINGER: Struct = Struct::natural(list![FieldList::new(
    "linger",
    list![
        Field::i32("l_onoff").doc("close waits for unsent data"),
        Field::i32("l_linger").unit("s").doc("how long"),
    ]
)]);

/// `sockaddr_un`; an old-ABI compiler pads it to 112 bytes (§3.13).
pub static SOCKADDR_UN: Struct = Struct::natural_oabi(list![FieldList::new(
    "sockaddr_un",
    list![
        Field::u16("sun_family").of(&ADDRESS_FAMILY),
        Field::text("sun_path", 108).doc("path, or abstract name behind a NUL"),
    ]
)]);

/// `sockaddr_in` (include/linux/in.h).
pub static SOCKADDR_IN: Struct = Struct::natural(list![FieldList::new(
    "sockaddr_in",
    list![
        Field::u16("sin_family").of(&ADDRESS_FAMILY),
        Field::be16("sin_port").doc("port, network order"),
        Field::be32("sin_addr").doc("IPv4 address, network order"),
        Field::u8("__pad").times(8).opaque(),
    ]
)]);

/// `in6_addr` (include/linux/in6.h); aligned like its 32-bit members.
pub static IN6_ADDR: Struct = Struct::natural(list![FieldList::new(
    "in6_addr",
    list![Field::be32("s6_addr32").times(4).doc("IPv6 address"),]
)]);

/// `socket` of `ckpt_hdr_socket`.
pub static SOCKET_SOCKET: Struct = Struct::natural(list![FieldList::new(
    "socket",
    list![
        Field::u64("flags").doc("flag bits of the kernel's struct socket"),
        Field::u8("state")
            .of(&SOCKET_STATE)
            .doc("SS_FREE 0, UNCONNECTED 1, CONNECTING 2, CONNECTED 3, DISCONNECTING 4"),
    ]
),]);

/// `sock_common` of `ckpt_hdr_socket`.
pub static SOCKET_SOCK_COMMON: Struct = Struct::natural(list![FieldList::new(
    "sock_common",
    list![
        Field::u32("bound_dev_if").doc("index of the device the socket is bound to, 0 for none"),
        Field::u32("reuse").doc("SO_REUSEADDR is set"),
        Field::u16("family")
            .of(&ADDRESS_FAMILY)
            .doc("1 AF_UNIX, 2 AF_INET, 10 AF_INET6"),
        Field::u8("state").doc("never filled (0)"),
    ]
),]);

/// `sock` of `ckpt_hdr_socket`.
pub static SOCKET_SOCK: Struct = Struct::natural(list![FieldList::new(
    "sock",
    list![
        Field::i64("rcvlowat").doc("SO_RCVLOWAT (low 4 bytes are written)"),
        Field::u64("flags").doc("sk_flags bit mask of the kernel"),
        Field::i64("rcvtimeo")
            .unit("ns")
            .doc("SO_RCVTIMEO, how long a receive waits"),
        Field::i64("sndtimeo")
            .unit("ns")
            .doc("SO_SNDTIMEO, how long a send waits"),
        Field::u32("err").doc("error that the next call reports"),
        Field::u32("err_soft").doc("error that does not end the connection"),
        Field::u32("priority").doc("SO_PRIORITY of sent packets"),
        Field::i32("rcvbuf").doc("SO_RCVBUF halved, unless it is the kernel's minimum"),
        Field::i32("sndbuf").doc("SO_SNDBUF halved, unless it is the kernel's minimum"),
        Field::u16("type")
            .of(&SOCK_TYPE)
            .doc("1 stream, 2 dgram, 5 seqpacket; extra flag bits are dropped by readers"),
        Field::i16("backlog").doc("connections that may wait for accept"),
        Field::u8("protocol")
            .of(&IP_PROTOCOL)
            .doc("6 TCP, 17 UDP, 0 unix"),
        Field::u8("state")
            .of(&TCP_STATE)
            .doc("TCP_ESTABLISHED 1 … CLOSE 7 … LISTEN 10, < 12"),
        Field::u8("shutdown").doc("bit 0: no more receiving, bit 1: no more sending"),
        Field::u8("userlocks").doc("settings that the program made and the kernel must not tune"),
        Field::u8("no_check").doc("checksums are off"),
        Field::nested("linger", &LINGER).doc("SO_LINGER"),
    ]
),]);

/// `SOCKET` (§3.13).
pub static SOCKET: Record = Record::new(
    Tag::Socket,
    "3.13",
    Struct::aligned(list![FieldList::new(
        "ckpt_hdr_socket",
        list![
            Field::u8("has_buffers")
                .doc("UNCONFIRMED: non-zero when two SOCKET_QUEUE groups follow later")
                .since(R13),
            Field::nested("socket", &SOCKET_SOCKET)
                .aligned(8)
                .doc("the VFS side"),
            Field::nested("sock_common", &SOCKET_SOCK_COMMON)
                .aligned(8)
                .doc("what sockets and their kin share"),
            Field::nested("sock", &SOCKET_SOCK)
                .aligned(8)
                .doc("the protocol side"),
        ]
    ),]),
);

/// `SOCKET_QUEUE` (§3.13).
pub static SOCKET_QUEUE: Record = Record::new(
    Tag::SocketQueue,
    "3.13",
    Struct::aligned(list![FieldList::new(
        "ckpt_hdr_socket_queue",
        list![
            Field::u32("skb_count").doc("number of buffers that follow"),
            Field::u32("total_bytes").doc("bytes in all buffers together"),
        ]
    ),]),
);

/// `SOCKET_BUFFER` (§3.13).
pub static SOCKET_BUFFER: Record = Record::new(
    Tag::SocketBuffer,
    "3.13",
    Struct::aligned(list![FieldList::new(
        "ckpt_hdr_socket_buffer",
        list![
            Field::u32("transport_header")
                .doc("offset from the start of the linear data")
                .since(R04),
            Field::u32("network_header")
                .doc("offset from the start of the linear data")
                .since(R04),
            Field::u32("mac_header")
                .doc("offset from the start of the linear data")
                .since(R04),
            Field::u32("lin_len")
                .doc("length of the BUFFER that follows")
                .since(R04),
            Field::u32("frg_len")
                .doc("bytes held in fragments")
                .since(R04),
            Field::u32("skb_len")
                .doc("bytes of the whole buffer")
                .since(R04),
            Field::u32("hdr_len")
                .doc("bytes in front of the payload")
                .since(R04),
            Field::u32("mac_len")
                .doc("bytes of the link-level header")
                .since(R04),
            Field::u32("data_offset").doc("same as hdr_len").since(R04),
            Field::i32("sk_objref")
                .refers(Object::Sock)
                .doc("SOCK object that owns the buffer"),
            Field::i32("pr_objref")
                .refers(Object::Sock)
                .doc("SOCK object on whose queue it sits"),
            Field::u16("protocol").doc("not filled (0)").since(R04),
            Field::u16("nr_frags")
                .doc("number of SOCKET_FRAG groups")
                .since(R04),
            Field::u8("cb")
                .times(48)
                .opaque()
                .doc("private control block, copied raw")
                .since(R04),
        ]
    ),]),
);

/// `SOCKET_FRAG` (§3.13).
pub static SOCKET_FRAG: Record = Record::new(
    Tag::SocketFrag,
    "3.13",
    Struct::aligned(list![
        FieldList::new(
            "ckpt_hdr_socket_buffer_frag",
            list![
                Field::u32("size").doc("bytes used of the raw page that follows"),
                Field::u32("offset").doc("where in the page the used bytes start"),
            ]
        )
        .since(R04),
    ]),
);

/// `SOCKET_UNIX` (§3.13).
pub static SOCKET_UNIX: Record = Record::new(
    Tag::SocketUnix,
    "3.13",
    Struct::aligned(list![FieldList::new(
        "ckpt_hdr_socket_unix",
        list![
            Field::i32("this")
                .refers(Object::Sock)
                .doc("this socket: a SOCK object"),
            Field::i32("peer")
                .refers(Object::Sock)
                .doc("the connected socket: a SOCK object, 0 for none"),
            Field::u32("peercred_uid")
                .doc("user id of the peer")
                .until(R12),
            Field::u32("peercred_gid")
                .doc("group id of the peer")
                .until(R12),
            Field::i32("peercred")
                .refers(Object::Cred)
                .doc("UNCONFIRMED: object number of a CRED")
                .since(R13),
            Field::u32("flags")
                .flags(&UNIX_FLAGS)
                .doc("bit 0: the bound path still exists"),
            Field::u32("laddr_len").doc("bytes of laddr in use"),
            Field::u32("raddr_len").doc("bytes of raddr in use"),
            Field::nested("laddr", &SOCKADDR_UN).doc("own address"),
            Field::nested("raddr", &SOCKADDR_UN).doc("address of the other end, as laddr"),
        ]
    ),]),
);

/// `icsk_ack` of `ckpt_hdr_socket_inet`.
pub static SOCKET_INET_ICSK_ACK: Struct = Struct::natural(list![
    FieldList::new(
        "icsk_ack",
        list![
            Field::u64("timeout").doc("when the delayed acknowledgement is due, in ticks"),
            Field::u32("ato").doc("current delay, in ticks"),
            Field::u32("lrcvtime").doc("when the last data segment came, in ticks"),
            Field::u16("last_seg_size").doc("size of the last segment received"),
            Field::u16("rcv_mss").doc("estimate of the segment size the peer uses"),
            Field::u8("pending").doc("whether an acknowledgement is due, and how"),
            Field::u8("quick").doc("acknowledgements to send without delay"),
            Field::u8("pingpong").doc("the session is interactive"),
            Field::u8("blocked").doc("an acknowledgement was held up while the socket was in use"),
        ]
    )
    .since(R04),
]);

/// `tcp` of `ckpt_hdr_socket_inet`.
pub static SOCKET_INET_TCP: Struct = Struct::natural(list![
    FieldList::new(
        "tcp",
        list![
            Field::u32("rcv_nxt").doc("next sequence number expected"),
            Field::u32("copied_seq").doc("first byte not yet read by the program"),
            Field::u32("rcv_wup").doc("rcv_nxt when the window was last advertised"),
            Field::u32("snd_nxt").doc("next sequence number to send"),
            Field::u32("snd_una").doc("first byte not yet acknowledged"),
            Field::u32("snd_sml").doc("last byte of the newest small segment sent"),
            Field::u32("rcv_tstamp").doc("when the last acknowledgement came, in ticks"),
            Field::u32("lsndtime").doc("when the last data segment was sent, in ticks"),
            Field::u32("snd_wl1").doc("sequence number of the last window update"),
            Field::u32("snd_wnd").doc("window that the peer offers"),
            Field::u32("max_window").doc("largest window that the peer has offered"),
            Field::u32("mss_cache").doc("segment size in use"),
            Field::u32("window_clamp").doc("largest window to advertise"),
            Field::u32("rcv_ssthresh").doc("window clamp as the socket buffer allows"),
            Field::u32("frto_highmark").doc("snd_nxt when the retransmission timer fired"),
            Field::u32("srtt").doc("smoothed round-trip time, 1/8 ticks"),
            Field::u32("mdev").doc("deviation of the round-trip time, 1/4 ticks"),
            Field::u32("mdev_max").doc("largest deviation in this round trip"),
            Field::u32("rttvar").doc("smoothed largest deviation"),
            Field::u32("rtt_seq").doc("sequence number that ends this round trip"),
            Field::u32("packets_out").doc("segments in flight"),
            Field::u32("retrans_out").doc("retransmitted segments in flight"),
            Field::u32("snd_up").doc("urgent pointer of sent data"),
            Field::u32("rcv_wnd").doc("window advertised to the peer"),
            Field::u32("write_seq").doc("byte behind the last one that the program wrote"),
            Field::u32("pushed_seq").doc("last sequence number sent with PSH"),
            Field::u32("lost_out").doc("segments taken for lost"),
            Field::u32("sacked_out").doc("segments acknowledged out of order"),
            Field::u32("fackets_out").doc("segments up to the highest one acknowledged"),
            Field::u32("tso_deferred").doc("since when a large send is deferred"),
            Field::u32("bytes_acked").doc("bytes acknowledged since the congestion window grew"),
            Field::i32("lost_cnt_hint").doc("segments counted up to the loss hint"),
            Field::u32("retransmit_high").doc("highest sequence number to retransmit"),
            Field::u32("lost_retrans_low").doc("where a retransmission may have been lost"),
            Field::u32("prior_ssthresh").doc("slow-start threshold before the recovery"),
            Field::u32("high_seq").doc("snd_nxt when the recovery began"),
            Field::u32("retrans_stamp").doc("when the first retransmission was sent, in ticks"),
            Field::u32("undo_marker").doc("where an unnecessary recovery could be undone"),
            Field::i32("undo_retrans").doc("retransmissions that could be undone"),
            Field::u32("total_retrans").doc("retransmissions of the whole connection"),
            Field::u32("urg_seq").doc("sequence number of the received urgent byte"),
            Field::u32("keepalive_time").doc("idle time before the first probe, in ticks"),
            Field::u32("keepalive_intvl").doc("time between probes, in ticks"),
            Field::u16("urg_data").doc("received urgent byte and its state"),
            Field::u16("advmss").doc("segment size advertised to the peer"),
            Field::u8("frto_counter").doc("acknowledgements since the retransmission timer fired"),
            Field::u8("nonagle").doc("state of the Nagle algorithm"),
            Field::u8("ecn_flags").doc("state of explicit congestion notification"),
            Field::u8("reordering").doc("how far segments may be out of order"),
            Field::u8("keepalive_probes").doc("number of probes before giving up"),
        ]
    )
    .since(R04),
]);

/// `inet6` of `ckpt_hdr_socket_inet`.
pub static SOCKET_INET_INET6: Struct = Struct::natural(list![
    FieldList::new(
        "inet6",
        list![
            Field::nested("saddr", &IN6_ADDR).doc("own address, network order"),
            Field::nested("rcv_saddr", &IN6_ADDR)
                .doc("address that the socket is bound to, network order"),
            Field::nested("daddr", &IN6_ADDR).doc("address of the peer, network order"),
        ]
    )
    .since(R04),
]);

/// `SOCKET_INET` (§3.13).
pub static SOCKET_INET: Record = Record::new(
    Tag::SocketInet,
    "3.13",
    Struct::aligned(list![FieldList::new(
        "ckpt_hdr_socket_inet",
        list![
            Field::u32("daddr")
                .doc("address of the peer, network order")
                .since(R04),
            Field::u32("rcv_saddr")
                .doc("address that the socket is bound to, network order")
                .since(R04),
            Field::u32("saddr")
                .doc("own address, network order")
                .since(R04),
            Field::u16("dport")
                .doc("port of the peer, network order")
                .since(R04),
            Field::u16("num").doc("own port, host order").since(R04),
            Field::u16("sport")
                .doc("own port, network order")
                .since(R04),
            Field::i16("uc_ttl")
                .doc("time to live of sent packets; -1 is the default")
                .since(R04),
            Field::u16("cmsg_flags")
                .doc("control messages that the program asked for")
                .since(R04),
            Field::nested("icsk_ack", &SOCKET_INET_ICSK_ACK)
                .doc("delayed acknowledgement state")
                .since(R04),
            Field::nested("tcp", &SOCKET_INET_TCP)
                .doc("TCP state")
                .since(R04),
            Field::nested("inet6", &SOCKET_INET_INET6)
                .doc("addresses of an IPv6 socket")
                .since(R04),
            Field::u32("laddr_len").doc("bytes of laddr in use: 16"),
            Field::u32("raddr_len").doc("bytes of raddr in use: 16, or 0 when not connected"),
            Field::nested("laddr", &SOCKADDR_IN).doc("own address"),
            Field::nested("raddr", &SOCKADDR_IN).doc("address of the other end"),
        ]
    ),]),
);

/// `NET_NS` (§3.13).
pub static NET_NS: Record = Record::new(
    Tag::NetNs,
    "3.13",
    Struct::aligned(list![
        FieldList::new(
            "ckpt_hdr_netns",
            list![
                Field::i32("this_ref")
                    .refers(Object::NetNs)
                    .doc("this namespace: a NET_NS object"),
            ]
        )
        .since(R09),
    ]),
);

/// `veth` of `ckpt_hdr_netdev`.
pub static NETDEV_VETH: Struct = Struct::natural(list![
    FieldList::new(
        "veth",
        list![
            Field::i32("this_ref")
                .refers(Object::Netdev)
                .doc("NETDEV object of this end"),
            Field::i32("peer_ref")
                .refers(Object::Netdev)
                .doc("NETDEV object of the other end"),
        ]
    )
    .since(R09),
]);

/// `macvlan` of `ckpt_hdr_netdev`.
pub static NETDEV_MACVLAN: Struct = Struct::natural(list![
    FieldList::new(
        "macvlan",
        list![Field::u32("mode").doc("how the device talks to its siblings"),]
    )
    .since(R09),
]);

/// `NETDEV` (§3.13).
pub static NETDEV: Record = Record::new(
    Tag::Netdev,
    "3.13",
    Struct::aligned(list![
        FieldList::new(
            "ckpt_hdr_netdev",
            list![
                Field::i32("netns_ref")
                    .refers(Object::NetNs)
                    .doc("NET_NS object, 0 = the restarting task's"),
                Field::nested("veth", &NETDEV_VETH).doc("virtual Ethernet pair"),
                Field::nested("macvlan", &NETDEV_MACVLAN)
                    .over("veth")
                    .doc("MAC-address based device"),
                Field::u32("inet_addrs").doc("number of addresses"),
                Field::u16("type")
                    .of(&NETDEV_TYPE)
                    .doc("0 lo, 1 veth, 2 sit, 3 macvlan"),
                Field::u16("flags").flags(&IFF_FLAGS).doc("IFF_ flags"),
                Field::u8("hwaddr").times(6).doc("MAC address"),
            ]
        )
        .since(R09),
    ]),
);

/// `NETDEV_ADDR`: address entries (§3.13).
pub static NETDEV_ADDR: Record = Record::new(
    Tag::NetdevAddr,
    "3.13",
    Struct::aligned(list![FieldList::new(
        "ckpt_hdr",
        list![
            Field::nested("addresses", &NETDEV_ADDR_ENTRY)
                .rest()
                .doc("address entries")
        ]
    ),]),
)
.payload();
