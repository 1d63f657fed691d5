//! Sockets and network devices (§3.13).

use super::*;

/// `ckpt_netdev_addr` (§3.13).
pub static NETDEV_ADDR_ENTRY: Struct = Struct::aligned(list![
    FieldList::new(
        "ckpt_netdev_addr",
        list![
            Field::u16("type").of(&NETDEV_ADDR_TYPE).doc("0 = IPv4"),
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
        Field::be16("sin_port").doc("port"),
        Field::be32("sin_addr").doc("IPv4 address"),
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
        Field::u64("flags").doc("struct socket flags"),
        Field::u8("state")
            .of(&SOCKET_STATE)
            .doc("SS_FREE 0, UNCONNECTED 1, CONNECTING 2, CONNECTED 3, DISCONNECTING 4"),
    ]
),]);

/// `sock_common` of `ckpt_hdr_socket`.
pub static SOCKET_SOCK_COMMON: Struct = Struct::natural(list![FieldList::new(
    "sock_common",
    list![
        Field::u32("bound_dev_if").doc("bound dev if"),
        Field::u32("reuse").doc("SO_REUSEADDR"),
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
        Field::i64("rcvtimeo").unit("ns").doc("nanoseconds"),
        Field::i64("sndtimeo").unit("ns").doc("nanoseconds"),
        Field::u32("err").doc("pending error"),
        Field::u32("err_soft").doc("err_soft of the kernel's struct sock"),
        Field::u32("priority").doc("SO_PRIORITY"),
        Field::i32("rcvbuf").doc("SO_RCVBUF halved, unless it is the kernel's minimum"),
        Field::i32("sndbuf").doc("same for SO_SNDBUF"),
        Field::u16("type")
            .of(&SOCK_TYPE)
            .doc("1 stream, 2 dgram, 5 seqpacket; extra flag bits are dropped by readers"),
        Field::i16("backlog").doc("sk_max_ack_backlog"),
        Field::u8("protocol")
            .of(&IP_PROTOCOL)
            .doc("6 TCP, 17 UDP, 0 unix"),
        Field::u8("state")
            .of(&TCP_STATE)
            .doc("TCP_ESTABLISHED 1 … CLOSE 7 … LISTEN 10, < 12"),
        Field::u8("shutdown").doc("0–3"),
        Field::u8("userlocks").doc("userlocks of the kernel's struct sock"),
        Field::u8("no_check").doc("no_check of the kernel's struct sock"),
        Field::nested("linger", &LINGER).doc("struct linger, two s32: onoff, seconds"),
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
            Field::u32("total_bytes").doc("sum of their lengths"),
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
                Field::u32("size").doc("bytes used in the page"),
                Field::u32("offset").doc("where they start"),
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
                .doc("own SOCK object"),
            Field::i32("peer")
                .refers(Object::Sock)
                .doc("SOCK object or 0"),
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
            Field::nested("laddr", &SOCKADDR_UN).doc("u16 family + 108 path bytes"),
            Field::nested("raddr", &SOCKADDR_UN).doc("raddr"),
        ]
    ),]),
);

/// `icsk_ack` of `ckpt_hdr_socket_inet`.
pub static SOCKET_INET_ICSK_ACK: Struct = Struct::natural(list![
    FieldList::new(
        "icsk_ack",
        list![
            Field::u64("timeout").doc("timeout of the kernel's delayed-ack state"),
            Field::u32("ato").doc("ato of the kernel's delayed-ack state"),
            Field::u32("lrcvtime").doc("lrcvtime of the kernel's delayed-ack state"),
            Field::u16("last_seg_size").doc("last_seg_size of the kernel's delayed-ack state"),
            Field::u16("rcv_mss").doc("rcv_mss of the kernel's delayed-ack state"),
            Field::u8("pending").doc("pending of the kernel's delayed-ack state"),
            Field::u8("quick").doc("quick of the kernel's delayed-ack state"),
            Field::u8("pingpong").doc("pingpong of the kernel's delayed-ack state"),
            Field::u8("blocked").doc("blocked of the kernel's delayed-ack state"),
        ]
    )
    .since(R04),
]);

/// `tcp` of `ckpt_hdr_socket_inet`.
pub static SOCKET_INET_TCP: Struct = Struct::natural(list![
    FieldList::new(
        "tcp",
        list![
            Field::u32("rcv_nxt").doc("rcv_nxt of the kernel's tcp_sock"),
            Field::u32("copied_seq").doc("copied_seq of the kernel's tcp_sock"),
            Field::u32("rcv_wup").doc("rcv_wup of the kernel's tcp_sock"),
            Field::u32("snd_nxt").doc("snd_nxt of the kernel's tcp_sock"),
            Field::u32("snd_una").doc("snd_una of the kernel's tcp_sock"),
            Field::u32("snd_sml").doc("snd_sml of the kernel's tcp_sock"),
            Field::u32("rcv_tstamp").doc("rcv_tstamp of the kernel's tcp_sock"),
            Field::u32("lsndtime").doc("lsndtime of the kernel's tcp_sock"),
            Field::u32("snd_wl1").doc("snd_wl1 of the kernel's tcp_sock"),
            Field::u32("snd_wnd").doc("snd_wnd of the kernel's tcp_sock"),
            Field::u32("max_window").doc("max_window of the kernel's tcp_sock"),
            Field::u32("mss_cache").doc("mss_cache of the kernel's tcp_sock"),
            Field::u32("window_clamp").doc("window_clamp of the kernel's tcp_sock"),
            Field::u32("rcv_ssthresh").doc("rcv_ssthresh of the kernel's tcp_sock"),
            Field::u32("frto_highmark").doc("frto_highmark of the kernel's tcp_sock"),
            Field::u32("srtt").doc("srtt of the kernel's tcp_sock"),
            Field::u32("mdev").doc("mdev of the kernel's tcp_sock"),
            Field::u32("mdev_max").doc("mdev_max of the kernel's tcp_sock"),
            Field::u32("rttvar").doc("rttvar of the kernel's tcp_sock"),
            Field::u32("rtt_seq").doc("rtt_seq of the kernel's tcp_sock"),
            Field::u32("packets_out").doc("packets_out of the kernel's tcp_sock"),
            Field::u32("retrans_out").doc("retrans_out of the kernel's tcp_sock"),
            Field::u32("snd_up").doc("snd_up of the kernel's tcp_sock"),
            Field::u32("rcv_wnd").doc("rcv_wnd of the kernel's tcp_sock"),
            Field::u32("write_seq").doc("write_seq of the kernel's tcp_sock"),
            Field::u32("pushed_seq").doc("pushed_seq of the kernel's tcp_sock"),
            Field::u32("lost_out").doc("lost_out of the kernel's tcp_sock"),
            Field::u32("sacked_out").doc("sacked_out of the kernel's tcp_sock"),
            Field::u32("fackets_out").doc("fackets_out of the kernel's tcp_sock"),
            Field::u32("tso_deferred").doc("tso_deferred of the kernel's tcp_sock"),
            Field::u32("bytes_acked").doc("bytes_acked of the kernel's tcp_sock"),
            Field::i32("lost_cnt_hint").doc("lost_cnt_hint of the kernel's tcp_sock"),
            Field::u32("retransmit_high").doc("retransmit_high of the kernel's tcp_sock"),
            Field::u32("lost_retrans_low").doc("lost_retrans_low of the kernel's tcp_sock"),
            Field::u32("prior_ssthresh").doc("prior_ssthresh of the kernel's tcp_sock"),
            Field::u32("high_seq").doc("high_seq of the kernel's tcp_sock"),
            Field::u32("retrans_stamp").doc("retrans_stamp of the kernel's tcp_sock"),
            Field::u32("undo_marker").doc("undo_marker of the kernel's tcp_sock"),
            Field::i32("undo_retrans").doc("undo_retrans of the kernel's tcp_sock"),
            Field::u32("total_retrans").doc("total_retrans of the kernel's tcp_sock"),
            Field::u32("urg_seq").doc("urg_seq of the kernel's tcp_sock"),
            Field::u32("keepalive_time").doc("keepalive_time of the kernel's tcp_sock"),
            Field::u32("keepalive_intvl").doc("keepalive_intvl of the kernel's tcp_sock"),
            Field::u16("urg_data").doc("urg_data of the kernel's tcp_sock"),
            Field::u16("advmss").doc("advmss of the kernel's tcp_sock"),
            Field::u8("frto_counter").doc("frto_counter of the kernel's tcp_sock"),
            Field::u8("nonagle").doc("nonagle of the kernel's tcp_sock"),
            Field::u8("ecn_flags").doc("ecn_flags of the kernel's tcp_sock"),
            Field::u8("reordering").doc("reordering of the kernel's tcp_sock"),
            Field::u8("keepalive_probes").doc("keepalive_probes of the kernel's tcp_sock"),
        ]
    )
    .since(R04),
]);

/// `inet6` of `ckpt_hdr_socket_inet`.
pub static SOCKET_INET_INET6: Struct = Struct::natural(list![
    FieldList::new(
        "inet6",
        list![
            Field::nested("saddr", &IN6_ADDR).doc("saddr"),
            Field::nested("rcv_saddr", &IN6_ADDR).doc("rcv saddr"),
            Field::nested("daddr", &IN6_ADDR).doc("network order"),
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
            Field::u32("daddr").doc("network order").since(R04),
            Field::u32("rcv_saddr").doc("rcv saddr").since(R04),
            Field::u32("saddr").doc("saddr").since(R04),
            Field::u16("dport").doc("network order").since(R04),
            Field::u16("num").doc("host order port").since(R04),
            Field::u16("sport").doc("network order").since(R04),
            Field::i16("uc_ttl").doc("uc ttl").since(R04),
            Field::u16("cmsg_flags").doc("cmsg flags").since(R04),
            Field::nested("icsk_ack", &SOCKET_INET_ICSK_ACK)
                .doc("delayed acknowledgement state")
                .since(R04),
            Field::nested("tcp", &SOCKET_INET_TCP)
                .doc("TCP state")
                .since(R04),
            Field::nested("inet6", &SOCKET_INET_INET6)
                .doc("IPv6 addresses")
                .since(R04),
            Field::u32("laddr_len").doc("16"),
            Field::u32("raddr_len").doc("16, or 0 when not connected"),
            Field::nested("laddr", &SOCKADDR_IN).doc("struct sockaddr_in"),
            Field::nested("raddr", &SOCKADDR_IN).doc("struct sockaddr_in"),
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
                    .doc("own object number"),
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
                .refers(Object::NetNs)
                .doc("NETDEV object of this end"),
            Field::i32("peer_ref").doc("NETDEV object of the other end"),
        ]
    )
    .since(R09),
]);

/// `macvlan` of `ckpt_hdr_netdev`.
pub static NETDEV_MACVLAN: Struct = Struct::natural(list![
    FieldList::new("macvlan", list![Field::u32("mode").doc("macvlan mode"),]).since(R09),
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
