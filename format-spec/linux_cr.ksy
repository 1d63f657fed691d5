# Generated from the tables of ckpt-format; do not edit.
meta:
  id: linux_cr
  title: linux-cr checkpoint stream
  file-extension: ckpt
  license: MIT OR Apache-2.0
  ks-version: '0.10'
doc: |
  Image of the in-kernel checkpoint/restart of the linux-cr kernel tree, revisions R01 to R18,
  all architectures, both byte orders. The byte order is found in the image; revision and
  machine are parameters, because the image does not name them (SPEC.md §6.4).

  A record's body is the C structure of the revision, field by field; `-orig-id` is the C name.
  Bytes of records that the revision does not have stay raw.
params:
  - {id: revision, type: u1, doc: "1 to 18 for R01 to R18"}
  - {id: arch, type: u1, enum: arch, doc: architecture by its number in R18}
  - {id: old_abi, type: bool, doc: ARM kernel built for the old ABI (SPEC.md §3.13)}
  - {id: page_size, type: u4, doc: "bytes of the page after SOCKET_FRAG; 4096 except on some ppc64"}
seq:
  - {id: stream, type: stream}
instances:
  order_mark:
    pos: 9
    type: u1
    doc: second byte of the magic number in HEADER
types:
  stream:
    meta:
      endian:
        switch-on: _root.order_mark
        cases: {0xd2: le, 0xfe: be}
    seq:
      - id: records
        type: record
        repeat: until
        repeat-until: _.tag == tag::tail or _io.eof
      - {id: trailing, size-eos: true, doc: nothing in a valid image}
    types:
      record:
        doc: "header, body, and the raw page after SOCKET_FRAG; SPEC.md §1.1, §1.3"
        seq:
          - {id: type, type: u4, doc: record number of the revision}
          - {id: len, type: u4, doc: "bytes of the record, this header included"}
          - id: body
            size: len - 8
            type:
              switch-on: layout
              cases:
                'layout::ckpt_hdr_header_r01': ckpt_hdr_header_r01
                'layout::ckpt_hdr_header_r07': ckpt_hdr_header_r07
                'layout::ckpt_hdr_header_r14': ckpt_hdr_header_r14
                'layout::ckpt_hdr_header_arch_x86': ckpt_hdr_header_arch_x86
                'layout::ckpt_hdr_header_arch_s390x': ckpt_hdr_header_arch_s390x
                'layout::ckpt_hdr_header_arch_powerpc': ckpt_hdr_header_arch_powerpc
                'layout::ckpt_hdr_header_arch_arm': ckpt_hdr_header_arch_arm
                'layout::ckpt_hdr_container': ckpt_hdr_container
                'layout::ckpt_buffer': ckpt_buffer
                'layout::ckpt_string': ckpt_string
                'layout::ckpt_hdr_objref': ckpt_hdr_objref
                'layout::ckpt_lsm_info': ckpt_lsm_info
                'layout::ckpt_hdr_lsm': ckpt_hdr_lsm
                'layout::ckpt_hdr_foreign': ckpt_hdr_foreign
                'layout::ckpt_hdr_tail': ckpt_hdr_tail
                'layout::ckpt_error': ckpt_error
                'layout::ckpt_hdr_pids': ckpt_hdr_pids
                'layout::ckpt_hdr_tree_r01': ckpt_hdr_tree_r01
                'layout::ckpt_hdr_tree_r15': ckpt_hdr_tree_r15
                'layout::ckpt_hdr_vpids': ckpt_hdr_vpids
                'layout::ckpt_hdr_task_r01': ckpt_hdr_task_r01
                'layout::ckpt_hdr_task_x86_32_r01': ckpt_hdr_task_x86_32_r01
                'layout::ckpt_hdr_task_r07': ckpt_hdr_task_r07
                'layout::ckpt_hdr_task_r13': ckpt_hdr_task_r13
                'layout::ckpt_hdr_task_r16': ckpt_hdr_task_r16
                'layout::ckpt_hdr_task_ns': ckpt_hdr_task_ns
                'layout::ckpt_hdr_task_objs_r01': ckpt_hdr_task_objs_r01
                'layout::ckpt_hdr_task_objs_r06': ckpt_hdr_task_objs_r06
                'layout::ckpt_hdr_task_objs_r13': ckpt_hdr_task_objs_r13
                'layout::ckpt_hdr_restart_block': ckpt_hdr_restart_block
                'layout::ckpt_hdr_thread_x86_r01': ckpt_hdr_thread_x86_r01
                'layout::ckpt_hdr_thread_s390x_r07': ckpt_hdr_thread_s390x_r07
                'layout::ckpt_hdr_thread_arm_r12': ckpt_hdr_thread_arm_r12
                'layout::ckpt_hdr_thread_x86_r13': ckpt_hdr_thread_x86_r13
                'layout::ckpt_hdr_cpu_x86_r01': ckpt_hdr_cpu_x86_r01
                'layout::ckpt_hdr_cpu_s390x_r01': ckpt_hdr_cpu_s390x_r01
                'layout::ckpt_hdr_cpu_n_256_ppc32': ckpt_hdr_cpu_n_256_ppc32
                'layout::ckpt_hdr_cpu_n_512_ppc32': ckpt_hdr_cpu_n_512_ppc32
                'layout::ckpt_hdr_cpu_n_256_ppc64': ckpt_hdr_cpu_n_256_ppc64
                'layout::ckpt_hdr_cpu_n_512_ppc64': ckpt_hdr_cpu_n_512_ppc64
                'layout::ckpt_hdr_cpu_x86_r06': ckpt_hdr_cpu_x86_r06
                'layout::ckpt_hdr_cpu_arm_r12': ckpt_hdr_cpu_arm_r12
                'layout::ckpt_hdr_cpu_fpu_x86': ckpt_hdr_cpu_fpu_x86
                'layout::ckpt_hdr_cpu_fpu_vfp': ckpt_hdr_cpu_fpu_vfp
                'layout::ckpt_hdr_cpu_fpu_fpa': ckpt_hdr_cpu_fpu_fpa
                'layout::ckpt_hdr_cpu_fpu_iwmmxt': ckpt_hdr_cpu_fpu_iwmmxt
                'layout::ckpt_hdr_cpu_fpu_crunch': ckpt_hdr_cpu_fpu_crunch
                'layout::ckpt_hdr_cpu_fpu_xscale_dsp': ckpt_hdr_cpu_fpu_xscale_dsp
                'layout::ckpt_hdr_cpu_fpu_arm': ckpt_hdr_cpu_fpu_arm
                'layout::ckpt_hdr_arm_abi': ckpt_hdr_arm_abi
                'layout::ckpt_hdr_ns_r01': ckpt_hdr_ns_r01
                'layout::ckpt_hdr_ns_r06': ckpt_hdr_ns_r06
                'layout::ckpt_hdr_ns_r09': ckpt_hdr_ns_r09
                'layout::ckpt_hdr_utsns': ckpt_hdr_utsns
                'layout::ckpt_hdr_ipcns': ckpt_hdr_ipcns
                'layout::ckpt_mnt_ns': ckpt_mnt_ns
                'layout::ckpt_capabilities': ckpt_capabilities
                'layout::ckpt_hdr_user_ns': ckpt_hdr_user_ns
                'layout::ckpt_hdr_cred_r01': ckpt_hdr_cred_r01
                'layout::ckpt_hdr_cred_r03': ckpt_hdr_cred_r03
                'layout::ckpt_hdr_user_struct': ckpt_hdr_user_struct
                'layout::ckpt_hdr_groupinfo': ckpt_hdr_groupinfo
                'layout::ckpt_hdr_task_creds': ckpt_hdr_task_creds
                'layout::ckpt_hdr_mm': ckpt_hdr_mm
                'layout::ckpt_hdr_vma_r01': ckpt_hdr_vma_r01
                'layout::ckpt_hdr_vma_r16': ckpt_hdr_vma_r16
                'layout::ckpt_hdr_pgarr': ckpt_hdr_pgarr
                'layout::ckpt_hdr_hpage': ckpt_hdr_hpage
                'layout::ckpt_hdr_mm_context_x86': ckpt_hdr_mm_context_x86
                'layout::ckpt_hdr_mm_context_s390x': ckpt_hdr_mm_context_s390x
                'layout::ckpt_hdr_mm_context_arm': ckpt_hdr_mm_context_arm
                'layout::ckpt_mm_context_ldt': ckpt_mm_context_ldt
                'layout::ckpt_hdr_file_table': ckpt_hdr_file_table
                'layout::ckpt_hdr_file_desc': ckpt_hdr_file_desc
                'layout::ckpt_file_name': ckpt_file_name
                'layout::ckpt_hdr_file_generic_r01': ckpt_hdr_file_generic_r01
                'layout::ckpt_hdr_file_pipe_r01': ckpt_hdr_file_pipe_r01
                'layout::ckpt_hdr_file_socket_r01': ckpt_hdr_file_socket_r01
                'layout::ckpt_hdr_file_tty_r01': ckpt_hdr_file_tty_r01
                'layout::ckpt_hdr_file_r01': ckpt_hdr_file_r01
                'layout::ckpt_hdr_file_eventfd_r02': ckpt_hdr_file_eventfd_r02
                'layout::ckpt_hdr_file_generic_r03': ckpt_hdr_file_generic_r03
                'layout::ckpt_hdr_file_pipe_r03': ckpt_hdr_file_pipe_r03
                'layout::ckpt_hdr_file_socket_r03': ckpt_hdr_file_socket_r03
                'layout::ckpt_hdr_file_tty_r03': ckpt_hdr_file_tty_r03
                'layout::ckpt_hdr_file_eventfd_r03': ckpt_hdr_file_eventfd_r03
                'layout::ckpt_hdr_file_r03': ckpt_hdr_file_r03
                'layout::ckpt_pipe_buf': ckpt_pipe_buf
                'layout::ckpt_hdr_tty_r01': ckpt_hdr_tty_r01
                'layout::ckpt_hdr_tty_powerpc_r01': ckpt_hdr_tty_powerpc_r01
                'layout::ckpt_hdr_tty_r14': ckpt_hdr_tty_r14
                'layout::ckpt_hdr_ldisc_n_tty': ckpt_hdr_ldisc_n_tty
                'layout::ckpt_hdr_eventpoll_items': ckpt_hdr_eventpoll_items
                'layout::ckpt_hdr_fs_r06': ckpt_hdr_fs_r06
                'layout::ckpt_hdr_fs_r13': ckpt_hdr_fs_r13
                'layout::ckpt_hdr_ipc': ckpt_hdr_ipc
                'layout::ckpt_hdr_ipc_shm_r01': ckpt_hdr_ipc_shm_r01
                'layout::ckpt_hdr_ipc_shm_r03': ckpt_hdr_ipc_shm_r03
                'layout::ckpt_hdr_ipc_shm_r16': ckpt_hdr_ipc_shm_r16
                'layout::ckpt_hdr_ipc_msg_r01': ckpt_hdr_ipc_msg_r01
                'layout::ckpt_hdr_ipc_msg_r03': ckpt_hdr_ipc_msg_r03
                'layout::ckpt_hdr_ipc_msg_msg_r01': ckpt_hdr_ipc_msg_msg_r01
                'layout::ckpt_hdr_ipc_msg_msg_r03': ckpt_hdr_ipc_msg_msg_r03
                'layout::ckpt_hdr_ipc_msg_msg_r06': ckpt_hdr_ipc_msg_msg_r06
                'layout::ckpt_hdr_ipc_sem_r01': ckpt_hdr_ipc_sem_r01
                'layout::ckpt_hdr_ipc_sem_r03': ckpt_hdr_ipc_sem_r03
                'layout::ckpt_hdr_task_sem_undo_list': ckpt_hdr_task_sem_undo_list
                'layout::ckpt_hdr_task_sem_undo': ckpt_hdr_task_sem_undo
                'layout::ckpt_hdr_sighand': ckpt_hdr_sighand
                'layout::ckpt_hdr_signal': ckpt_hdr_signal
                'layout::ckpt_hdr_signal_task': ckpt_hdr_signal_task
                'layout::ckpt_hdr_sigpending_r01': ckpt_hdr_sigpending_r01
                'layout::ckpt_hdr_sigpending_r13': ckpt_hdr_sigpending_r13
                'layout::ckpt_hdr_socket_r01': ckpt_hdr_socket_r01
                'layout::ckpt_hdr_socket_x86_32_r01': ckpt_hdr_socket_x86_32_r01
                'layout::ckpt_hdr_socket_r13': ckpt_hdr_socket_r13
                'layout::ckpt_hdr_socket_x86_32_r13': ckpt_hdr_socket_x86_32_r13
                'layout::ckpt_hdr_socket_queue': ckpt_hdr_socket_queue
                'layout::ckpt_hdr_socket_buffer_r01': ckpt_hdr_socket_buffer_r01
                'layout::ckpt_hdr_socket_buffer_r04': ckpt_hdr_socket_buffer_r04
                'layout::ckpt_hdr_socket_buffer_frag': ckpt_hdr_socket_buffer_frag
                'layout::ckpt_hdr_socket_unix_r01': ckpt_hdr_socket_unix_r01
                'layout::ckpt_hdr_socket_unix_arm_old_abi_r01': ckpt_hdr_socket_unix_arm_old_abi_r01
                'layout::ckpt_hdr_socket_unix_r13': ckpt_hdr_socket_unix_r13
                'layout::ckpt_hdr_socket_unix_arm_old_abi_r13': ckpt_hdr_socket_unix_arm_old_abi_r13
                'layout::ckpt_hdr_socket_inet_r01': ckpt_hdr_socket_inet_r01
                'layout::ckpt_hdr_socket_inet_r04': ckpt_hdr_socket_inet_r04
                'layout::ckpt_hdr_netns': ckpt_hdr_netns
                'layout::ckpt_hdr_netdev': ckpt_hdr_netdev
                'layout::ckpt_netdev_addr': ckpt_netdev_addr
          - {id: raw_page, size: _root.page_size, if: 'tag == tag::socket_frag'}
        instances:
          body_start:
            value: _io.pos
            doc: evaluated while the type of the body is chosen
          word_at_8:
            pos: body_start + 0
            type: u4
            if: len >= 12
            doc: selects among the structures of one record
          word_at_16:
            pos: body_start + 8
            type: u4
            if: len >= 20
            doc: selects among the structures of one record
          tag:
            doc: the record type whatever its number
            enum: tag
            value: >-
              (type >= 7 and type <= 8 and _root.revision <= 2) ? 0 :
              (type >= 101 and type <= 110 and _root.revision <= 14) ? type + 1 :
              (type >= 111 and type <= 116 and _root.revision <= 5) ? type + 2 :
              (type >= 111 and type <= 117 and _root.revision >= 6 and _root.revision <= 14) ? type + 1 :
              (type == 117 and _root.revision <= 5) ? 0 :
              (type == 118 and _root.revision <= 7) ? 0 :
              (type == 118 and _root.revision >= 8 and _root.revision <= 9) ? type + 1000 :
              (type == 118 and _root.revision >= 10 and _root.revision <= 14) ? 0 :
              (type == 203 and _root.revision <= 17) ? 0 :
              (type == 308 and _root.revision <= 1) ? 0 :
              (type == 404 and _root.revision <= 15) ? type + 1 :
              (type == 405 and _root.revision <= 15) ? 0 :
              (type == 451 and _root.revision <= 5) ? 0 :
              (type >= 506 and type <= 507 and _root.revision <= 12) ? 0 :
              (type >= 704 and type <= 705 and _root.revision <= 3) ? type + 1 :
              (type == 706 and _root.revision <= 3) ? 0 :
              (type >= 707 and type <= 709 and _root.revision <= 8) ? 0 :
              (type == 801 and _root.revision <= 17) ? 0 :
              (type == 1118) ? 0 :
              type
          layout:
            doc: the structure of the body
            enum: layout
            value: >-
              tag == tag::header ? (_root.revision <= 6 ? layout::ckpt_hdr_header_r01 : (_root.revision <= 13 ? layout::ckpt_hdr_header_r07 : layout::ckpt_hdr_header_r14)) :
              tag == tag::header_arch ? ((_root.arch == arch::s390x) ? layout::ckpt_hdr_header_arch_s390x : ((_root.arch == arch::arm) ? (_root.revision <= 11 ? layout::opaque : layout::ckpt_hdr_header_arch_arm) : ((_root.arch == arch::x86_32 or _root.arch == arch::x86_64) ? layout::ckpt_hdr_header_arch_x86 : layout::ckpt_hdr_header_arch_powerpc))) :
              tag == tag::container ? layout::ckpt_hdr_container :
              tag == tag::buffer ? layout::ckpt_buffer :
              tag == tag::string ? layout::ckpt_string :
              tag == tag::objref ? layout::ckpt_hdr_objref :
              tag == tag::lsm_info ? (_root.revision <= 2 ? layout::opaque : layout::ckpt_lsm_info) :
              tag == tag::security ? (_root.revision <= 2 ? layout::opaque : layout::ckpt_hdr_lsm) :
              tag == tag::foreign ? (_root.revision <= 17 ? layout::opaque : layout::ckpt_hdr_foreign) :
              tag == tag::tail ? layout::ckpt_hdr_tail :
              tag == tag::error ? layout::ckpt_error :
              tag == tag::pids ? (_root.revision <= 14 ? layout::opaque : layout::ckpt_hdr_pids) :
              tag == tag::tree ? (_root.revision <= 14 ? layout::ckpt_hdr_tree_r01 : layout::ckpt_hdr_tree_r15) :
              tag == tag::vpids ? (_root.revision <= 7 ? layout::opaque : (_root.revision <= 9 ? layout::ckpt_hdr_vpids : layout::opaque)) :
              tag == tag::task ? ((_root.arch == arch::x86_32) ? (_root.revision <= 6 ? layout::ckpt_hdr_task_x86_32_r01 : (_root.revision <= 12 ? layout::ckpt_hdr_task_r07 : (_root.revision <= 15 ? layout::ckpt_hdr_task_r13 : layout::ckpt_hdr_task_r16))) : (_root.revision <= 6 ? layout::ckpt_hdr_task_r01 : (_root.revision <= 12 ? layout::ckpt_hdr_task_r07 : (_root.revision <= 15 ? layout::ckpt_hdr_task_r13 : layout::ckpt_hdr_task_r16)))) :
              tag == tag::task_ns ? layout::ckpt_hdr_task_ns :
              tag == tag::task_objs ? (_root.revision <= 5 ? layout::ckpt_hdr_task_objs_r01 : (_root.revision <= 12 ? layout::ckpt_hdr_task_objs_r06 : layout::ckpt_hdr_task_objs_r13)) :
              tag == tag::restart_block ? layout::ckpt_hdr_restart_block :
              tag == tag::thread ? ((_root.arch == arch::s390x) ? (_root.revision <= 6 ? layout::opaque : layout::ckpt_hdr_thread_s390x_r07) : ((_root.arch == arch::arm) ? (_root.revision <= 11 ? layout::opaque : layout::ckpt_hdr_thread_arm_r12) : ((_root.arch == arch::x86_32 or _root.arch == arch::x86_64) ? (_root.revision <= 12 ? layout::ckpt_hdr_thread_x86_r01 : layout::ckpt_hdr_thread_x86_r13) : layout::opaque))) :
              tag == tag::cpu ? ((_root.arch == arch::s390x) ? layout::ckpt_hdr_cpu_s390x_r01 : ((_root.arch == arch::ppc32) ? ((word_at_16 == 256) ? layout::ckpt_hdr_cpu_n_256_ppc32 : ((word_at_16 == 512) ? layout::ckpt_hdr_cpu_n_512_ppc32 : layout::opaque)) : ((_root.arch == arch::ppc64) ? ((word_at_16 == 256) ? layout::ckpt_hdr_cpu_n_256_ppc64 : ((word_at_16 == 512) ? layout::ckpt_hdr_cpu_n_512_ppc64 : layout::opaque)) : ((_root.arch == arch::arm) ? (_root.revision <= 11 ? layout::opaque : layout::ckpt_hdr_cpu_arm_r12) : (_root.revision <= 5 ? layout::ckpt_hdr_cpu_x86_r01 : layout::ckpt_hdr_cpu_x86_r06))))) :
              tag == tag::cpu_fpu ? ((_root.arch == arch::arm) ? ((word_at_8 == 1) ? (_root.revision <= 17 ? layout::opaque : layout::ckpt_hdr_cpu_fpu_vfp) : ((word_at_8 == 2) ? (_root.revision <= 17 ? layout::opaque : layout::ckpt_hdr_cpu_fpu_fpa) : ((word_at_8 == 3) ? (_root.revision <= 17 ? layout::opaque : layout::ckpt_hdr_cpu_fpu_iwmmxt) : ((word_at_8 == 4) ? (_root.revision <= 17 ? layout::opaque : layout::ckpt_hdr_cpu_fpu_crunch) : ((word_at_8 == 5) ? (_root.revision <= 17 ? layout::opaque : layout::ckpt_hdr_cpu_fpu_xscale_dsp) : (_root.revision <= 17 ? layout::opaque : layout::ckpt_hdr_cpu_fpu_arm)))))) : ((_root.arch == arch::x86_32 or _root.arch == arch::x86_64) ? layout::ckpt_hdr_cpu_fpu_x86 : layout::opaque)) :
              tag == tag::arm_abi ? ((_root.arch == arch::arm) ? (_root.revision <= 17 ? layout::opaque : layout::ckpt_hdr_arm_abi) : layout::opaque) :
              tag == tag::ns ? (_root.revision <= 5 ? layout::ckpt_hdr_ns_r01 : (_root.revision <= 8 ? layout::ckpt_hdr_ns_r06 : layout::ckpt_hdr_ns_r09)) :
              tag == tag::uts_ns ? layout::ckpt_hdr_utsns :
              tag == tag::ipc_ns ? layout::ckpt_hdr_ipcns :
              tag == tag::mnt_ns ? (_root.revision <= 5 ? layout::opaque : layout::ckpt_mnt_ns) :
              tag == tag::capabilities ? layout::ckpt_capabilities :
              tag == tag::user_ns ? layout::ckpt_hdr_user_ns :
              tag == tag::cred ? (_root.revision <= 2 ? layout::ckpt_hdr_cred_r01 : layout::ckpt_hdr_cred_r03) :
              tag == tag::user ? layout::ckpt_hdr_user_struct :
              tag == tag::groupinfo ? layout::ckpt_hdr_groupinfo :
              tag == tag::task_creds ? layout::ckpt_hdr_task_creds :
              tag == tag::mm ? layout::ckpt_hdr_mm :
              tag == tag::vma ? (_root.revision <= 15 ? layout::ckpt_hdr_vma_r01 : layout::ckpt_hdr_vma_r16) :
              tag == tag::pgarr ? layout::ckpt_hdr_pgarr :
              tag == tag::hpage ? (_root.revision <= 15 ? layout::opaque : layout::ckpt_hdr_hpage) :
              tag == tag::mm_context ? ((_root.arch == arch::s390x) ? layout::ckpt_hdr_mm_context_s390x : ((_root.arch == arch::arm) ? (_root.revision <= 11 ? layout::opaque : layout::ckpt_hdr_mm_context_arm) : ((_root.arch == arch::x86_32 or _root.arch == arch::x86_64) ? layout::ckpt_hdr_mm_context_x86 : layout::opaque))) :
              tag == tag::mm_context_ldt ? ((_root.arch == arch::x86_32 or _root.arch == arch::x86_64) ? layout::ckpt_mm_context_ldt : layout::opaque) :
              tag == tag::file_table ? layout::ckpt_hdr_file_table :
              tag == tag::file_desc ? layout::ckpt_hdr_file_desc :
              tag == tag::file_name ? layout::ckpt_file_name :
              tag == tag::file ? ((word_at_8 == 1) ? (_root.revision <= 2 ? layout::ckpt_hdr_file_generic_r01 : layout::ckpt_hdr_file_generic_r03) : ((word_at_8 == 2 or word_at_8 == 3) ? (_root.revision <= 2 ? layout::ckpt_hdr_file_pipe_r01 : layout::ckpt_hdr_file_pipe_r03) : ((word_at_8 == 4) ? (_root.revision <= 2 ? layout::ckpt_hdr_file_socket_r01 : layout::ckpt_hdr_file_socket_r03) : ((word_at_8 == 5) ? (_root.revision <= 2 ? layout::ckpt_hdr_file_tty_r01 : layout::ckpt_hdr_file_tty_r03) : ((word_at_8 == 7) ? (_root.revision <= 1 ? layout::ckpt_hdr_file_r01 : (_root.revision <= 2 ? layout::ckpt_hdr_file_eventfd_r02 : layout::ckpt_hdr_file_eventfd_r03)) : (_root.revision <= 2 ? layout::ckpt_hdr_file_r01 : layout::ckpt_hdr_file_r03)))))) :
              tag == tag::pipe_buf ? layout::ckpt_pipe_buf :
              tag == tag::tty ? ((_root.arch == arch::ppc32 or _root.arch == arch::ppc64) ? (_root.revision <= 13 ? layout::ckpt_hdr_tty_powerpc_r01 : layout::ckpt_hdr_tty_r14) : (_root.revision <= 13 ? layout::ckpt_hdr_tty_r01 : layout::ckpt_hdr_tty_r14)) :
              tag == tag::tty_ldisc ? layout::ckpt_hdr_ldisc_n_tty :
              tag == tag::epoll_items ? (_root.revision <= 1 ? layout::opaque : layout::ckpt_hdr_eventpoll_items) :
              tag == tag::fs ? (_root.revision <= 5 ? layout::opaque : (_root.revision <= 12 ? layout::ckpt_hdr_fs_r06 : layout::ckpt_hdr_fs_r13)) :
              tag == tag::ipc ? layout::ckpt_hdr_ipc :
              tag == tag::ipc_shm ? (_root.revision <= 2 ? layout::ckpt_hdr_ipc_shm_r01 : (_root.revision <= 15 ? layout::ckpt_hdr_ipc_shm_r03 : layout::ckpt_hdr_ipc_shm_r16)) :
              tag == tag::ipc_msg ? (_root.revision <= 2 ? layout::ckpt_hdr_ipc_msg_r01 : layout::ckpt_hdr_ipc_msg_r03) :
              tag == tag::ipc_msg_msg ? (_root.revision <= 2 ? layout::ckpt_hdr_ipc_msg_msg_r01 : (_root.revision <= 5 ? layout::ckpt_hdr_ipc_msg_msg_r03 : layout::ckpt_hdr_ipc_msg_msg_r06)) :
              tag == tag::ipc_sem ? (_root.revision <= 2 ? layout::ckpt_hdr_ipc_sem_r01 : layout::ckpt_hdr_ipc_sem_r03) :
              tag == tag::task_sem_undo_list ? (_root.revision <= 12 ? layout::opaque : layout::ckpt_hdr_task_sem_undo_list) :
              tag == tag::task_sem_undo ? (_root.revision <= 12 ? layout::opaque : layout::ckpt_hdr_task_sem_undo) :
              tag == tag::sighand ? layout::ckpt_hdr_sighand :
              tag == tag::signal ? layout::ckpt_hdr_signal :
              tag == tag::signal_task ? layout::ckpt_hdr_signal_task :
              tag == tag::sigpending ? (_root.revision <= 12 ? layout::ckpt_hdr_sigpending_r01 : layout::ckpt_hdr_sigpending_r13) :
              tag == tag::socket ? ((_root.arch == arch::x86_32) ? (_root.revision <= 12 ? layout::ckpt_hdr_socket_x86_32_r01 : layout::ckpt_hdr_socket_x86_32_r13) : (_root.revision <= 12 ? layout::ckpt_hdr_socket_r01 : layout::ckpt_hdr_socket_r13)) :
              tag == tag::socket_queue ? layout::ckpt_hdr_socket_queue :
              tag == tag::socket_buffer ? (_root.revision <= 3 ? layout::ckpt_hdr_socket_buffer_r01 : layout::ckpt_hdr_socket_buffer_r04) :
              tag == tag::socket_frag ? (_root.revision <= 3 ? layout::opaque : layout::ckpt_hdr_socket_buffer_frag) :
              tag == tag::socket_unix ? (((_root.arch == arch::arm and _root.old_abi)) ? (_root.revision <= 12 ? layout::ckpt_hdr_socket_unix_arm_old_abi_r01 : layout::ckpt_hdr_socket_unix_arm_old_abi_r13) : (_root.revision <= 12 ? layout::ckpt_hdr_socket_unix_r01 : layout::ckpt_hdr_socket_unix_r13)) :
              tag == tag::socket_inet ? (_root.revision <= 3 ? layout::ckpt_hdr_socket_inet_r01 : layout::ckpt_hdr_socket_inet_r04) :
              tag == tag::net_ns ? (_root.revision <= 8 ? layout::opaque : layout::ckpt_hdr_netns) :
              tag == tag::netdev ? (_root.revision <= 8 ? layout::opaque : layout::ckpt_hdr_netdev) :
              tag == tag::netdev_addr ? (_root.revision <= 8 ? layout::opaque : layout::ckpt_netdev_addr) :
              layout::opaque
      ckpt_hdr_header_r01:
        doc: "HEADER (R01–R06). SPEC.md §1.8"
        seq:
          - {id: magic, type: u8, -orig-id: "magic", doc: "begins an image: 0x00feed0cc0a2d200"}
          - {id: arch_id, type: u2le, -orig-id: "arch_id", doc: "architecture id, always little-endian"}
          - {id: major, type: u2, -orig-id: "major", doc: "first number of the kernel version, e.g. 3"}
          - {id: minor, type: u2, -orig-id: "minor", doc: "second number of the kernel version, e.g. 0"}
          - {id: patch, type: u2, -orig-id: "patch", doc: "third number of the kernel version, e.g. 15"}
          - {id: rev, type: u2, -orig-id: "rev", doc: "CHECKPOINT_VERSION: 3 to 6, in R18 7"}
          - {id: pad_26, size: 6}
          - {id: constants_task_comm_len, type: u2, -orig-id: "constants.task_comm_len", doc: "bytes of a task name: 16"}
          - {id: constants_mm_saved_auxv_len, type: u2, -orig-id: "constants.mm_saved_auxv_len", doc: "length of the saved auxiliary vector in bytes"}
          - {id: constants_signal_nsig, type: u2, -orig-id: "constants.signal_nsig", doc: "number of signals: 64"}
          - {id: constants_uts_sysname_len, type: u2, -orig-id: "constants.uts_sysname_len", doc: "bytes of the field in utsname: 65"}
          - {id: constants_uts_nodename_len, type: u2, -orig-id: "constants.uts_nodename_len", doc: "bytes of the field in utsname: 65"}
          - {id: constants_uts_release_len, type: u2, -orig-id: "constants.uts_release_len", doc: "bytes of the field in utsname and of the first BUFFER: 65"}
          - {id: constants_uts_version_len, type: u2, -orig-id: "constants.uts_version_len", doc: "bytes of the field in utsname and of the second BUFFER: 65"}
          - {id: constants_uts_machine_len, type: u2, -orig-id: "constants.uts_machine_len", doc: "bytes of the field in utsname and of the third BUFFER: 65"}
          - {id: constants_uts_domainname_len, type: u2, -orig-id: "constants.uts_domainname_len", doc: "bytes of the field in utsname: 65"}
          - {id: constants_rlimit_nlimits, type: u2, -orig-id: "constants.rlimit_nlimits", doc: "number of resource limits: 16"}
          - {id: constants_n_tty_buf_size, type: u2, -orig-id: "constants.n_tty_buf_size", doc: "bytes of a terminal input buffer: 4096"}
          - {id: constants_tty_termios_ncc, type: u2, -orig-id: "constants.tty_termios_ncc", doc: "NCC, number of control characters: 8, powerpc 10"}
          - {id: time, type: u8, -orig-id: "time", doc: "when the checkpoint was taken"}
          - {id: uflags, type: u8, -orig-id: "uflags", doc: "bit 0 subtree, bit 1 network namespaces"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_header_r07:
        doc: "HEADER (R07–R13). SPEC.md §1.8"
        seq:
          - {id: magic, type: u8, -orig-id: "magic", doc: "begins an image: 0x00feed0cc0a2d200"}
          - {id: arch_id, type: u2le, -orig-id: "arch_id", doc: "architecture id, always little-endian"}
          - {id: major, type: u2, -orig-id: "major", doc: "first number of the kernel version, e.g. 3"}
          - {id: minor, type: u2, -orig-id: "minor", doc: "second number of the kernel version, e.g. 0"}
          - {id: patch, type: u2, -orig-id: "patch", doc: "third number of the kernel version, e.g. 15"}
          - {id: rev, type: u2, -orig-id: "rev", doc: "CHECKPOINT_VERSION: 3 to 6, in R18 7"}
          - {id: pad_26, size: 6}
          - {id: constants_task_comm_len, type: u2, -orig-id: "constants.task_comm_len", doc: "bytes of a task name: 16"}
          - {id: constants_at_vector_size, type: u2, -orig-id: "constants.at_vector_size", doc: "number of auxv WORDS: 40 on ARM and s390x, 44 on x86-32, 42 or 44 on x86-64, 52 on powerpc (R01–R06: the field is named mm_saved_auxv_len and holds BYTES: x86-32 176)"}
          - {id: constants_signal_nsig, type: u2, -orig-id: "constants.signal_nsig", doc: "number of signals: 64"}
          - {id: constants_uts_sysname_len, type: u2, -orig-id: "constants.uts_sysname_len", doc: "bytes of the field in utsname: 65"}
          - {id: constants_uts_nodename_len, type: u2, -orig-id: "constants.uts_nodename_len", doc: "bytes of the field in utsname: 65"}
          - {id: constants_uts_release_len, type: u2, -orig-id: "constants.uts_release_len", doc: "bytes of the field in utsname and of the first BUFFER: 65"}
          - {id: constants_uts_version_len, type: u2, -orig-id: "constants.uts_version_len", doc: "bytes of the field in utsname and of the second BUFFER: 65"}
          - {id: constants_uts_machine_len, type: u2, -orig-id: "constants.uts_machine_len", doc: "bytes of the field in utsname and of the third BUFFER: 65"}
          - {id: constants_uts_domainname_len, type: u2, -orig-id: "constants.uts_domainname_len", doc: "bytes of the field in utsname: 65"}
          - {id: constants_rlimit_nlimits, type: u2, -orig-id: "constants.rlimit_nlimits", doc: "number of resource limits: 16"}
          - {id: constants_n_tty_buf_size, type: u2, -orig-id: "constants.n_tty_buf_size", doc: "bytes of a terminal input buffer: 4096"}
          - {id: constants_tty_termios_ncc, type: u2, -orig-id: "constants.tty_termios_ncc", doc: "NCC, number of control characters: 8, powerpc 10"}
          - {id: time, type: u8, -orig-id: "time", doc: "when the checkpoint was taken"}
          - {id: uflags, type: u8, -orig-id: "uflags", doc: "bit 0 subtree, bit 1 network namespaces"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_header_r14:
        doc: "HEADER (R14–R18). SPEC.md §1.8"
        seq:
          - {id: magic, type: u8, -orig-id: "magic", doc: "begins an image: 0x00feed0cc0a2d200"}
          - {id: arch_id, type: u2le, -orig-id: "arch_id", doc: "architecture id, always little-endian"}
          - {id: major, type: u2, -orig-id: "major", doc: "first number of the kernel version, e.g. 3"}
          - {id: minor, type: u2, -orig-id: "minor", doc: "second number of the kernel version, e.g. 0"}
          - {id: patch, type: u2, -orig-id: "patch", doc: "third number of the kernel version, e.g. 15"}
          - {id: rev, type: u2, -orig-id: "rev", doc: "CHECKPOINT_VERSION: 3 to 6, in R18 7"}
          - {id: pad_26, size: 6}
          - {id: constants_task_comm_len, type: u2, -orig-id: "constants.task_comm_len", doc: "bytes of a task name: 16"}
          - {id: constants_at_vector_size, type: u2, -orig-id: "constants.at_vector_size", doc: "number of auxv WORDS: 40 on ARM and s390x, 44 on x86-32, 42 or 44 on x86-64, 52 on powerpc (R01–R06: the field is named mm_saved_auxv_len and holds BYTES: x86-32 176)"}
          - {id: constants_signal_nsig, type: u2, -orig-id: "constants.signal_nsig", doc: "number of signals: 64"}
          - {id: constants_uts_sysname_len, type: u2, -orig-id: "constants.uts_sysname_len", doc: "bytes of the field in utsname: 65"}
          - {id: constants_uts_nodename_len, type: u2, -orig-id: "constants.uts_nodename_len", doc: "bytes of the field in utsname: 65"}
          - {id: constants_uts_release_len, type: u2, -orig-id: "constants.uts_release_len", doc: "bytes of the field in utsname and of the first BUFFER: 65"}
          - {id: constants_uts_version_len, type: u2, -orig-id: "constants.uts_version_len", doc: "bytes of the field in utsname and of the second BUFFER: 65"}
          - {id: constants_uts_machine_len, type: u2, -orig-id: "constants.uts_machine_len", doc: "bytes of the field in utsname and of the third BUFFER: 65"}
          - {id: constants_uts_domainname_len, type: u2, -orig-id: "constants.uts_domainname_len", doc: "bytes of the field in utsname: 65"}
          - {id: constants_rlimit_nlimits, type: u2, -orig-id: "constants.rlimit_nlimits", doc: "number of resource limits: 16"}
          - {id: constants_n_tty_buf_size, type: u2, -orig-id: "constants.n_tty_buf_size", doc: "bytes of a terminal input buffer: 4096"}
          - {id: constants_tty_termios_nccs, type: u2, -orig-id: "constants.tty_termios_nccs", doc: "NCCS, 19 (R01–R13: named tty_termios_ncc and holds NCC: 8, powerpc 10)"}
          - {id: time, type: u8, -orig-id: "time", doc: "when the checkpoint was taken"}
          - {id: uflags, type: u8, -orig-id: "uflags", doc: "bit 0 subtree, bit 1 network namespaces"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_header_arch_x86:
        doc: "HEADER_ARCH (R01–R18 x86). SPEC.md §5.1"
        seq:
          - {id: has_fxsr, type: u2, -orig-id: "has_fxsr", doc: "the processor has FXSAVE"}
          - {id: has_xsave, type: u2, -orig-id: "has_xsave", doc: "the processor has XSAVE"}
          - {id: xstate_size, type: u2, -orig-id: "xstate_size", doc: "bytes of FPU state per thread"}
          - {id: pading, type: u2, -orig-id: "_pading", doc: "unused, 0"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_header_arch_s390x:
        doc: "HEADER_ARCH (R01–R18 s390x). SPEC.md §5.1"
        seq:
          - {id: trailing, size-eos: true}
      ckpt_hdr_header_arch_powerpc:
        doc: "HEADER_ARCH (R01–R18 powerpc). SPEC.md §5.1"
        seq:
          - {id: what, type: u4, -orig-id: "what", doc: "0xdeadbeef; not checked"}
          - {id: pad_12, size: 4}
          - {id: trailing, size-eos: true}
      ckpt_hdr_header_arch_arm:
        doc: "HEADER_ARCH (R12–R18 ARM). SPEC.md §5.1"
        seq:
          - {id: cpu_architecture, type: u4, enum: arm_architecture, -orig-id: "cpu_architecture", doc: "value of the kernel's cpu_architecture()"}
          - {id: mmu, type: u1, -orig-id: "mmu", doc: "1 if the kernel runs with an MMU"}
          - {id: aeabi, type: u1, -orig-id: "aeabi", doc: "1 if the kernel is built for the EABI"}
          - {id: oabi_compat, type: u1, -orig-id: "oabi_compat", doc: "1 if it also runs old-ABI programs"}
          - {id: pad_15, size: 1}
          - {id: trailing, size-eos: true}
      ckpt_hdr_container:
        doc: "CONTAINER (R01–R18). SPEC.md §3"
        seq:
          - {id: trailing, size-eos: true}
      ckpt_buffer:
        doc: "BUFFER (R01–R18). SPEC.md §1.3"
        seq:
          - {id: bytes, size-eos: true, -orig-id: "bytes", doc: "bytes whose meaning the place in the stream gives"}
      ckpt_string:
        doc: "STRING (R01–R18). SPEC.md §1.3"
        seq:
          - {id: text, size-eos: true, -orig-id: "text", doc: "text with its terminating NUL"}
      ckpt_hdr_objref:
        doc: "OBJREF (R01–R18). SPEC.md §1.4"
        seq:
          - {id: objtype, type: u4, -orig-id: "objtype", doc: "what the object is, and so which records follow"}
          - {id: objref, type: s4, -orig-id: "objref", doc: "number by which later records refer to the object, > 0"}
          - {id: trailing, size-eos: true}
      ckpt_lsm_info:
        doc: "LSM_INFO (R03–R18). SPEC.md §2.1"
        seq:
          - {id: info, size-eos: true, -orig-id: "info", doc: "text of the security module"}
      ckpt_hdr_lsm:
        doc: "SECURITY (R03–R18). SPEC.md §3.6"
        seq:
          - {id: ptrref, type: s4, -orig-id: "ptrref", doc: "object number of the LSM blob (implicit SECURITY_PTR)"}
          - {id: sectype, type: u1, enum: label_type, -orig-id: "sectype", doc: "1 message, 2 ipc, 3 file, 4 credentials"}
          - {id: pad_13, size: 3}
          - {id: trailing, size-eos: true}
      ckpt_hdr_foreign:
        doc: "FOREIGN (R18). SPEC.md §10.6"
        seq:
          - {id: format, type: u4, enum: foreign_format, -orig-id: "format", doc: "format of the image set"}
          - {id: parts, type: u4, -orig-id: "parts", doc: "number of BUFFERs that follow the name"}
          - {id: size, type: u8, -orig-id: "size", doc: "length of the file, the sum of its parts"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_tail:
        doc: "TAIL (R01–R18). SPEC.md §1.9"
        seq:
          - {id: magic, type: u8, -orig-id: "magic", doc: "ends an image: 0x002d2a0cc0deef00"}
          - {id: trailing, size-eos: true}
      ckpt_error:
        doc: "ERROR (R01–R18). SPEC.md §1.7"
        seq:
          - {id: trailing, size-eos: true}
      ckpt_hdr_pids:
        doc: "PIDS (R15–R18). SPEC.md §2.4"
        seq:
          - {id: nr_pids, type: u4, -orig-id: "nr_pids", doc: "number of pid objects, > 0"}
          - {id: nr_vpids, type: u4, -orig-id: "nr_vpids", doc: "sum of depth over all pid objects"}
          - {id: offset, type: u4, -orig-id: "offset", doc: "object number of the first (root task) pid object; 1 in a subtree checkpoint"}
          - {id: pad_20, size: 4}
          - {id: trailing, size-eos: true}
      ckpt_hdr_tree_r01:
        doc: "TREE (R01–R14). SPEC.md §3"
        seq:
          - {id: nr_tasks, type: s4, -orig-id: "nr_tasks", doc: "number of tasks"}
          - {id: pad_12, size: 4}
          - {id: trailing, size-eos: true}
      ckpt_hdr_tree_r15:
        doc: "TREE (R15–R18). SPEC.md §3"
        seq:
          - {id: nr_tasks, type: u4, -orig-id: "nr_tasks", doc: "number of tasks"}
          - {id: pad_12, size: 4}
          - {id: trailing, size-eos: true}
      ckpt_hdr_vpids:
        doc: "VPIDS (R08–R09). SPEC.md §3"
        seq:
          - {id: nr_vpids, type: s4, -orig-id: "nr_vpids", doc: "number of nested pids in the buffer that follows"}
          - {id: pad_12, size: 4}
          - {id: trailing, size-eos: true}
      ckpt_hdr_task_r01:
        doc: "TASK (R01–R06 ARM, x86-64, s390x, powerpc). SPEC.md §3.5"
        seq:
          - {id: state, type: u4, enum: task_state, -orig-id: "state", doc: "task state: 0 running, 1 interruptible, 2 uninterruptible, 64 dead"}
          - {id: exit_state, type: u4, enum: exit_state, -orig-id: "exit_state", doc: "0, or 16 = zombie"}
          - {id: exit_code, type: u4, -orig-id: "exit_code", doc: "wait status of a zombie; must be 0 for a live task"}
          - {id: exit_signal, type: u4, enum: signal, -orig-id: "exit_signal", doc: "signal sent to the parent (17 = SIGCHLD); 0xffffffff for a thread that is not the leader"}
          - {id: pdeath_signal, type: u4, enum: signal, -orig-id: "pdeath_signal", doc: "signal to get when the parent dies; 0 for none"}
          - {id: pad_28, size: 4}
          - {id: set_child_tid, type: u8, -orig-id: "set_child_tid", doc: "address at which the thread stored its id when it started, or 0"}
          - {id: clear_child_tid, type: u8, -orig-id: "clear_child_tid", doc: "address to clear and wake as a futex when the thread ends, or 0"}
          - {id: compat_robust_futex_head_len, type: u4, -orig-id: "compat_robust_futex_head_len", doc: "as robust_futex_head_len, for a 32-bit task of a 64-bit kernel"}
          - {id: compat_robust_futex_list, type: u4, -orig-id: "compat_robust_futex_list", doc: "as robust_futex_list, for a 32-bit task of a 64-bit kernel"}
          - {id: robust_futex_head_len, type: u4, -orig-id: "robust_futex_head_len", doc: "0, or sizeof(robust_list_head): 12 on ARM"}
          - {id: pad_60, size: 4}
          - {id: robust_futex_list, type: u8, -orig-id: "robust_futex_list", doc: "user address of the robust list head, or 0"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_task_x86_32_r01:
        doc: "TASK (R01–R06 x86-32). SPEC.md §3.5"
        seq:
          - {id: state, type: u4, enum: task_state, -orig-id: "state", doc: "task state: 0 running, 1 interruptible, 2 uninterruptible, 64 dead"}
          - {id: exit_state, type: u4, enum: exit_state, -orig-id: "exit_state", doc: "0, or 16 = zombie"}
          - {id: exit_code, type: u4, -orig-id: "exit_code", doc: "wait status of a zombie; must be 0 for a live task"}
          - {id: exit_signal, type: u4, enum: signal, -orig-id: "exit_signal", doc: "signal sent to the parent (17 = SIGCHLD); 0xffffffff for a thread that is not the leader"}
          - {id: pdeath_signal, type: u4, enum: signal, -orig-id: "pdeath_signal", doc: "signal to get when the parent dies; 0 for none"}
          - {id: set_child_tid, type: u8, -orig-id: "set_child_tid", doc: "address at which the thread stored its id when it started, or 0"}
          - {id: clear_child_tid, type: u8, -orig-id: "clear_child_tid", doc: "address to clear and wake as a futex when the thread ends, or 0"}
          - {id: compat_robust_futex_head_len, type: u4, -orig-id: "compat_robust_futex_head_len", doc: "as robust_futex_head_len, for a 32-bit task of a 64-bit kernel"}
          - {id: compat_robust_futex_list, type: u4, -orig-id: "compat_robust_futex_list", doc: "as robust_futex_list, for a 32-bit task of a 64-bit kernel"}
          - {id: robust_futex_head_len, type: u4, -orig-id: "robust_futex_head_len", doc: "0, or sizeof(robust_list_head): 12 on ARM"}
          - {id: robust_futex_list, type: u8, -orig-id: "robust_futex_list", doc: "user address of the robust list head, or 0"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_task_r07:
        doc: "TASK (R07–R12). SPEC.md §3.5"
        seq:
          - {id: state, type: u4, enum: task_state, -orig-id: "state", doc: "task state: 0 running, 1 interruptible, 2 uninterruptible, 64 dead"}
          - {id: exit_state, type: u4, enum: exit_state, -orig-id: "exit_state", doc: "0, or 16 = zombie"}
          - {id: exit_code, type: u4, -orig-id: "exit_code", doc: "wait status of a zombie; must be 0 for a live task"}
          - {id: exit_signal, type: u4, enum: signal, -orig-id: "exit_signal", doc: "signal sent to the parent (17 = SIGCHLD); 0xffffffff for a thread that is not the leader"}
          - {id: pdeath_signal, type: u4, enum: signal, -orig-id: "pdeath_signal", doc: "signal to get when the parent dies; 0 for none"}
          - {id: compat_robust_futex_head_len, type: u4, -orig-id: "compat_robust_futex_head_len", doc: "as robust_futex_head_len, for a 32-bit task of a 64-bit kernel"}
          - {id: compat_robust_futex_list, type: u4, -orig-id: "compat_robust_futex_list", doc: "as robust_futex_list, for a 32-bit task of a 64-bit kernel"}
          - {id: robust_futex_head_len, type: u4, -orig-id: "robust_futex_head_len", doc: "0, or sizeof(robust_list_head): 12 on ARM"}
          - {id: robust_futex_list, type: u8, -orig-id: "robust_futex_list", doc: "user address of the robust list head, or 0"}
          - {id: set_child_tid, type: u8, -orig-id: "set_child_tid", doc: "address at which the thread stored its id when it started, or 0"}
          - {id: clear_child_tid, type: u8, -orig-id: "clear_child_tid", doc: "address to clear and wake as a futex when the thread ends, or 0"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_task_r13:
        doc: "TASK (R13–R15). SPEC.md §3.5"
        seq:
          - {id: state, type: u4, enum: task_state, -orig-id: "state", doc: "task state: 0 running, 1 interruptible, 2 uninterruptible, 64 dead"}
          - {id: exit_state, type: u4, enum: exit_state, -orig-id: "exit_state", doc: "0, or 16 = zombie"}
          - {id: exit_code, type: u4, -orig-id: "exit_code", doc: "wait status of a zombie; must be 0 for a live task"}
          - {id: exit_signal, type: u4, enum: signal, -orig-id: "exit_signal", doc: "signal sent to the parent (17 = SIGCHLD); 0xffffffff for a thread that is not the leader"}
          - {id: pdeath_signal, type: u4, enum: signal, -orig-id: "pdeath_signal", doc: "signal to get when the parent dies; 0 for none"}
          - {id: compat_robust_futex_head_len, type: u4, -orig-id: "compat_robust_futex_head_len", doc: "as robust_futex_head_len, for a 32-bit task of a 64-bit kernel"}
          - {id: compat_robust_futex_list, type: u4, -orig-id: "compat_robust_futex_list", doc: "as robust_futex_list, for a 32-bit task of a 64-bit kernel"}
          - {id: robust_futex_head_len, type: u4, -orig-id: "robust_futex_head_len", doc: "0, or sizeof(robust_list_head): 12 on ARM"}
          - {id: robust_futex_list, type: u8, -orig-id: "robust_futex_list", doc: "user address of the robust list head, or 0"}
          - {id: set_child_tid, type: u8, -orig-id: "set_child_tid", doc: "address at which the thread stored its id when it started, or 0"}
          - {id: clear_child_tid, type: u8, -orig-id: "clear_child_tid", doc: "address to clear and wake as a futex when the thread ends, or 0"}
          - {id: sas_ss_sp, type: u8, -orig-id: "sas_ss_sp", doc: "alternate signal stack base"}
          - {id: sas_ss_size, type: u4, -orig-id: "sas_ss_size", doc: "size of the alternate signal stack"}
          - {id: pad_76, size: 4}
          - {id: trailing, size-eos: true}
      ckpt_hdr_task_r16:
        doc: "TASK (R16–R18). SPEC.md §3.5"
        seq:
          - {id: flags, type: u4, -orig-id: "flags", doc: "bit 0 forked but not exec'd, bit 1 used super-user rights; other bits refused"}
          - {id: state, type: u4, enum: task_state, -orig-id: "state", doc: "task state: 0 running, 1 interruptible, 2 uninterruptible, 64 dead"}
          - {id: exit_state, type: u4, enum: exit_state, -orig-id: "exit_state", doc: "0, or 16 = zombie"}
          - {id: exit_code, type: u4, -orig-id: "exit_code", doc: "wait status of a zombie; must be 0 for a live task"}
          - {id: exit_signal, type: u4, enum: signal, -orig-id: "exit_signal", doc: "signal sent to the parent (17 = SIGCHLD); 0xffffffff for a thread that is not the leader"}
          - {id: pdeath_signal, type: u4, enum: signal, -orig-id: "pdeath_signal", doc: "signal to get when the parent dies; 0 for none"}
          - {id: set_child_tid, type: u8, -orig-id: "set_child_tid", doc: "address at which the thread stored its id when it started, or 0"}
          - {id: clear_child_tid, type: u8, -orig-id: "clear_child_tid", doc: "address to clear and wake as a futex when the thread ends, or 0"}
          - {id: sas_ss_sp, type: u8, -orig-id: "sas_ss_sp", doc: "alternate signal stack base"}
          - {id: sas_ss_size, type: u4, -orig-id: "sas_ss_size", doc: "size of the alternate signal stack"}
          - {id: compat_robust_futex_head_len, type: u4, -orig-id: "compat_robust_futex_head_len", doc: "as robust_futex_head_len, for a 32-bit task of a 64-bit kernel"}
          - {id: compat_robust_futex_list, type: u4, -orig-id: "compat_robust_futex_list", doc: "as robust_futex_list, for a 32-bit task of a 64-bit kernel"}
          - {id: robust_futex_head_len, type: u4, -orig-id: "robust_futex_head_len", doc: "0, or sizeof(robust_list_head): 12 on ARM"}
          - {id: robust_futex_list, type: u8, -orig-id: "robust_futex_list", doc: "user address of the robust list head, or 0"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_task_ns:
        doc: "TASK_NS (R01–R18). SPEC.md §3.7"
        seq:
          - {id: ns_objref, type: s4, -orig-id: "ns_objref", doc: "namespaces of the task: an NS object"}
          - {id: pad_12, size: 4}
          - {id: trailing, size-eos: true}
      ckpt_hdr_task_objs_r01:
        doc: "TASK_OBJS (R01–R05). SPEC.md §3.8"
        seq:
          - {id: files_objref, type: s4, -orig-id: "files_objref", doc: "descriptors: a FILE_TABLE object"}
          - {id: mm_objref, type: s4, -orig-id: "mm_objref", doc: "address space: an MM object"}
          - {id: sighand_objref, type: s4, -orig-id: "sighand_objref", doc: "signal actions: a SIGHAND object"}
          - {id: signal_objref, type: s4, -orig-id: "signal_objref", doc: "what the threads of the process share: an implicit SIGNAL object"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_task_objs_r06:
        doc: "TASK_OBJS (R06–R12). SPEC.md §3.8"
        seq:
          - {id: files_objref, type: s4, -orig-id: "files_objref", doc: "descriptors: a FILE_TABLE object"}
          - {id: mm_objref, type: s4, -orig-id: "mm_objref", doc: "address space: an MM object"}
          - {id: fs_objref, type: s4, -orig-id: "fs_objref", doc: "current and root directory: an FS object"}
          - {id: sighand_objref, type: s4, -orig-id: "sighand_objref", doc: "signal actions: a SIGHAND object"}
          - {id: signal_objref, type: s4, -orig-id: "signal_objref", doc: "what the threads of the process share: an implicit SIGNAL object"}
          - {id: pad_28, size: 4}
          - {id: trailing, size-eos: true}
      ckpt_hdr_task_objs_r13:
        doc: "TASK_OBJS (R13–R18). SPEC.md §3.8"
        seq:
          - {id: files_objref, type: s4, -orig-id: "files_objref", doc: "descriptors: a FILE_TABLE object"}
          - {id: mm_objref, type: s4, -orig-id: "mm_objref", doc: "address space: an MM object"}
          - {id: fs_objref, type: s4, -orig-id: "fs_objref", doc: "current and root directory: an FS object"}
          - {id: sem_undo_objref, type: s4, -orig-id: "sem_undo_objref", doc: "semaphore adjustments: a SEM_UNDO object, 0 for none"}
          - {id: sighand_objref, type: s4, -orig-id: "sighand_objref", doc: "signal actions: a SIGHAND object"}
          - {id: signal_objref, type: s4, -orig-id: "signal_objref", doc: "what the threads of the process share: an implicit SIGNAL object"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_restart_block:
        doc: "RESTART_BLOCK (R01–R18). SPEC.md §3.5"
        seq:
          - {id: function_type, type: u8, enum: restart_block_type, -orig-id: "function_type", doc: "which call waits, and so what the arguments mean"}
          - {id: arg_0, type: u8, -orig-id: "arg_0", doc: "clock id, pollfd array or futex address, by type"}
          - {id: arg_1, type: u8, -orig-id: "arg_1", doc: "user pointer, count or value, by type"}
          - {id: arg_2, type: u8, -orig-id: "arg_2", doc: "pointer, has_timeout or flags, by type"}
          - {id: arg_3, type: u8, -orig-id: "arg_3", doc: "futex bit set"}
          - {id: arg_4, type: u8, -orig-id: "arg_4", doc: "nanoseconds left at checkpoint time, 0 if none or expired"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_thread_x86_r01:
        doc: "THREAD (R01–R12 x86). SPEC.md §5.1"
        seq:
          - {id: thread_info_flags, type: u4, -orig-id: "thread_info_flags", doc: "flags of the kernel thread_info"}
          - {id: gdt_entry_tls_entries, type: u2, -orig-id: "gdt_entry_tls_entries", doc: "number of TLS descriptors: 3"}
          - {id: sizeof_tls_array, type: u2, -orig-id: "sizeof_tls_array", doc: "bytes of the TLS descriptors: 24"}
          - {id: tls_array, type: u8, repeat: expr, repeat-expr: nr_tls_array, -orig-id: "tls_array", doc: "TLS descriptors of the thread"}
          - {id: trailing, size-eos: true}
        instances:
          nr_tls_array: {value: (_io.size - _io.pos) / 8, doc: as many as fit}
      ckpt_hdr_thread_s390x_r07:
        doc: "THREAD (R07–R18 s390x). SPEC.md §5.1"
        seq:
          - {id: thread_info_flags, type: u8, -orig-id: "thread_info_flags", doc: "flags of the kernel thread_info"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_thread_arm_r12:
        doc: "THREAD (R12–R18 ARM). SPEC.md §5.1"
        seq:
          - {id: syscall, type: u4, -orig-id: "syscall", doc: "number of the system call the thread is in (UNCONFIRMED which value means none)"}
          - {id: tp_value, type: u4, -orig-id: "tp_value", doc: "thread pointer (TLS register value)"}
          - {id: thumbee_state, type: u4, -orig-id: "thumbee_state", doc: "ThumbEE handler base register, 0 if not configured"}
          - {id: pad_20, size: 4}
          - {id: trailing, size-eos: true}
      ckpt_hdr_thread_x86_r13:
        doc: "THREAD (R13–R18 x86). SPEC.md §5.1"
        seq:
          - {id: sysenter_return, type: u8, -orig-id: "sysenter_return", doc: "where sysenter returns to"}
          - {id: thread_info_flags, type: u4, -orig-id: "thread_info_flags", doc: "flags of the kernel thread_info"}
          - {id: gdt_entry_tls_entries, type: u2, -orig-id: "gdt_entry_tls_entries", doc: "number of TLS descriptors: 3"}
          - {id: sizeof_tls_array, type: u2, -orig-id: "sizeof_tls_array", doc: "bytes of the TLS descriptors: 24"}
          - {id: tls_array, type: u8, repeat: expr, repeat-expr: nr_tls_array, -orig-id: "tls_array", doc: "TLS descriptors of the thread"}
          - {id: trailing, size-eos: true}
        instances:
          nr_tls_array: {value: (_io.size - _io.pos) / 8, doc: as many as fit}
      ckpt_hdr_cpu_x86_r01:
        doc: "CPU (R01–R05 x86). SPEC.md §5.1"
        seq:
          - {id: r15, type: u8, -orig-id: "r15", doc: "general register, zero on x86-32"}
          - {id: r14, type: u8, -orig-id: "r14", doc: "general register, zero on x86-32"}
          - {id: r13, type: u8, -orig-id: "r13", doc: "general register, zero on x86-32"}
          - {id: r12, type: u8, -orig-id: "r12", doc: "general register, zero on x86-32"}
          - {id: bp, type: u8, -orig-id: "bp", doc: "frame pointer"}
          - {id: bx, type: u8, -orig-id: "bx", doc: "general register"}
          - {id: r11, type: u8, -orig-id: "r11", doc: "general register, zero on x86-32"}
          - {id: r10, type: u8, -orig-id: "r10", doc: "general register, zero on x86-32"}
          - {id: r9, type: u8, -orig-id: "r9", doc: "general register, zero on x86-32"}
          - {id: r8, type: u8, -orig-id: "r8", doc: "general register, zero on x86-32"}
          - {id: ax, type: u8, -orig-id: "ax", doc: "general register, result of a system call"}
          - {id: cx, type: u8, -orig-id: "cx", doc: "general register"}
          - {id: dx, type: u8, -orig-id: "dx", doc: "general register"}
          - {id: si, type: u8, -orig-id: "si", doc: "general register"}
          - {id: di, type: u8, -orig-id: "di", doc: "general register"}
          - {id: orig_ax, type: u8, -orig-id: "orig_ax", doc: "number of the system call, or -1"}
          - {id: ip, type: u8, -orig-id: "ip", doc: "instruction pointer"}
          - {id: sp, type: u8, -orig-id: "sp", doc: "stack pointer"}
          - {id: flags, type: u8, -orig-id: "flags", doc: "processor flags"}
          - {id: fs, type: u8, -orig-id: "fs", doc: "base of segment fs, on x86-64"}
          - {id: gs, type: u8, -orig-id: "gs", doc: "base of segment gs, on x86-64"}
          - {id: fsindex, type: u2, -orig-id: "fsindex", doc: "selector fs, encoded (§7.1)"}
          - {id: gsindex, type: u2, -orig-id: "gsindex", doc: "selector gs, encoded"}
          - {id: cs, type: u2, -orig-id: "cs", doc: "selector cs, encoded"}
          - {id: ss, type: u2, -orig-id: "ss", doc: "selector ss, encoded"}
          - {id: ds, type: u2, -orig-id: "ds", doc: "selector ds, encoded"}
          - {id: es, type: u2, -orig-id: "es", doc: "selector es, encoded"}
          - {id: used_math, type: u4, -orig-id: "used_math", doc: "non-zero if a CPU_FPU record follows"}
          - {id: debugreg0, type: u8, -orig-id: "debugreg0", doc: "address of a hardware breakpoint"}
          - {id: debugreg1, type: u8, -orig-id: "debugreg1", doc: "address of a hardware breakpoint"}
          - {id: debugreg2, type: u8, -orig-id: "debugreg2", doc: "address of a hardware breakpoint"}
          - {id: debugreg3, type: u8, -orig-id: "debugreg3", doc: "address of a hardware breakpoint"}
          - {id: debugreg6, type: u8, -orig-id: "debugreg6", doc: "status of the hardware breakpoints"}
          - {id: debugreg7, type: u8, -orig-id: "debugreg7", doc: "control of the hardware breakpoints"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_cpu_s390x_r01:
        doc: "CPU (R01–R18 s390x). SPEC.md §5.1"
        seq:
          - {id: args, type: u8, -orig-id: "args", doc: "first argument of the system call"}
          - {id: gprs, type: u8, repeat: expr, repeat-expr: 16, -orig-id: "gprs", doc: "general registers 0 to 15"}
          - {id: orig_gpr2, type: u8, -orig-id: "orig_gpr2", doc: "register 2 at the entry of the system call"}
          - {id: svcnr, type: u2, -orig-id: "svcnr", doc: "number of the supervisor call"}
          - {id: ilc, type: u2, -orig-id: "ilc", doc: "length of the interrupted instruction"}
          - {id: acrs, type: u4, repeat: expr, repeat-expr: 16, -orig-id: "acrs", doc: "access registers 0 to 15"}
          - {id: pad_220, size: 4}
          - {id: ieee_instruction_pointer, type: u8, -orig-id: "ieee_instruction_pointer", doc: "where the last IEEE exception was"}
          - {id: psw_t_mask, type: u8, -orig-id: "psw_t_mask", doc: "mask half of the program status word"}
          - {id: psw_t_addr, type: u8, -orig-id: "psw_t_addr", doc: "instruction address"}
          - {id: fpc, type: u4, -orig-id: "fpc", doc: "floating-point control"}
          - {id: pad_252, size: 4}
          - {id: fprs, type: u8, repeat: expr, repeat-expr: 16, -orig-id: "fprs", doc: "floating-point registers 0 to 15"}
          - {id: per_control_regs, type: u8, repeat: expr, repeat-expr: 3, -orig-id: "per_control_regs", doc: "control registers 9 to 11: program event recording"}
          - {id: starting_addr, type: u8, -orig-id: "starting_addr", doc: "start of the recorded range"}
          - {id: ending_addr, type: u8, -orig-id: "ending_addr", doc: "end of the recorded range"}
          - {id: address, type: u8, -orig-id: "address", doc: "where the last recorded event was"}
          - {id: perc_atmid, type: u2, -orig-id: "perc_atmid", doc: "kind of the last recorded event"}
          - {id: access_id, type: u1, -orig-id: "access_id", doc: "access register of the last recorded event"}
          - {id: single_step, type: u1, -orig-id: "single_step", doc: "the thread is single-stepped"}
          - {id: instruction_fetch, type: u1, -orig-id: "instruction_fetch", doc: "instruction fetches are recorded"}
          - {id: pad_437, size: 3}
          - {id: trailing, size-eos: true}
      ckpt_hdr_cpu_n_256_ppc32:
        doc: "CPU (R01–R18 ppc32). SPEC.md §5.1"
        seq:
          - {id: features_used, type: u4, -orig-id: "features_used", doc: "register files that hold state"}
          - {id: pt_regs_size, type: u4, -orig-id: "pt_regs_size", doc: "size of pt_regs"}
          - {id: fpr_size, type: u4, -orig-id: "fpr_size", doc: "size of the floating-point registers; tells whether they are 64 or 128 bits wide"}
          - {id: pad_20, size: 4}
          - {id: orig_gpr3, type: u8, -orig-id: "orig_gpr3", doc: "first argument of the system call"}
          - {id: pt_regs, type: u4, repeat: expr, repeat-expr: 44, -orig-id: "pt_regs", doc: "general registers as the kernel keeps them"}
          - {id: fpr, type: u8, repeat: expr, repeat-expr: 32, -orig-id: "fpr", doc: "floating-point registers"}
          - {id: fpscr, type: u4, -orig-id: "fpscr", doc: "floating-point status"}
          - {id: fpexc_mode, type: s4, -orig-id: "fpexc_mode", doc: "floating-point exception mode"}
          - {id: dabr, type: u8, -orig-id: "dabr", doc: "data address breakpoint"}
          - {id: vr, type: u8, repeat: expr, repeat-expr: 64, -orig-id: "vr", doc: "32 vector registers of 16 bytes"}
          - {id: vscr, type: u8, repeat: expr, repeat-expr: 2, -orig-id: "vscr", doc: "vector status"}
          - {id: vrsave, type: u8, -orig-id: "vrsave", doc: "which vector registers are in use"}
          - {id: evr, type: u4, repeat: expr, repeat-expr: 32, -orig-id: "evr", doc: "upper halves of the SPE registers"}
          - {id: acc, type: u8, -orig-id: "acc", doc: "SPE accumulator"}
          - {id: spefscr, type: u4, -orig-id: "spefscr", doc: "SPE status"}
          - {id: pad_1156, size: 12}
          - {id: trailing, size-eos: true}
      ckpt_hdr_cpu_n_512_ppc32:
        doc: "CPU (R01–R18 ppc32). SPEC.md §5.1"
        seq:
          - {id: features_used, type: u4, -orig-id: "features_used", doc: "register files that hold state"}
          - {id: pt_regs_size, type: u4, -orig-id: "pt_regs_size", doc: "size of pt_regs"}
          - {id: fpr_size, type: u4, -orig-id: "fpr_size", doc: "size of the floating-point registers; tells whether they are 64 or 128 bits wide"}
          - {id: pad_20, size: 4}
          - {id: orig_gpr3, type: u8, -orig-id: "orig_gpr3", doc: "first argument of the system call"}
          - {id: pt_regs, type: u4, repeat: expr, repeat-expr: 44, -orig-id: "pt_regs", doc: "general registers as the kernel keeps them"}
          - {id: fpr, type: u8, repeat: expr, repeat-expr: 64, -orig-id: "fpr", doc: "floating-point registers"}
          - {id: fpscr, type: u4, -orig-id: "fpscr", doc: "floating-point status"}
          - {id: fpexc_mode, type: s4, -orig-id: "fpexc_mode", doc: "floating-point exception mode"}
          - {id: dabr, type: u8, -orig-id: "dabr", doc: "data address breakpoint"}
          - {id: vr, type: u8, repeat: expr, repeat-expr: 64, -orig-id: "vr", doc: "32 vector registers of 16 bytes"}
          - {id: vscr, type: u8, repeat: expr, repeat-expr: 2, -orig-id: "vscr", doc: "vector status"}
          - {id: vrsave, type: u8, -orig-id: "vrsave", doc: "which vector registers are in use"}
          - {id: evr, type: u4, repeat: expr, repeat-expr: 32, -orig-id: "evr", doc: "upper halves of the SPE registers"}
          - {id: acc, type: u8, -orig-id: "acc", doc: "SPE accumulator"}
          - {id: spefscr, type: u4, -orig-id: "spefscr", doc: "SPE status"}
          - {id: pad_1412, size: 12}
          - {id: trailing, size-eos: true}
      ckpt_hdr_cpu_n_256_ppc64:
        doc: "CPU (R01–R18 ppc64). SPEC.md §5.1"
        seq:
          - {id: features_used, type: u4, -orig-id: "features_used", doc: "register files that hold state"}
          - {id: pt_regs_size, type: u4, -orig-id: "pt_regs_size", doc: "size of pt_regs"}
          - {id: fpr_size, type: u4, -orig-id: "fpr_size", doc: "size of the floating-point registers; tells whether they are 64 or 128 bits wide"}
          - {id: pad_20, size: 4}
          - {id: orig_gpr3, type: u8, -orig-id: "orig_gpr3", doc: "first argument of the system call"}
          - {id: pt_regs, type: u8, repeat: expr, repeat-expr: 44, -orig-id: "pt_regs", doc: "general registers as the kernel keeps them"}
          - {id: fpr, type: u8, repeat: expr, repeat-expr: 32, -orig-id: "fpr", doc: "floating-point registers"}
          - {id: fpscr, type: u4, -orig-id: "fpscr", doc: "floating-point status"}
          - {id: fpexc_mode, type: s4, -orig-id: "fpexc_mode", doc: "floating-point exception mode"}
          - {id: dabr, type: u8, -orig-id: "dabr", doc: "data address breakpoint"}
          - {id: vr, type: u8, repeat: expr, repeat-expr: 64, -orig-id: "vr", doc: "32 vector registers of 16 bytes"}
          - {id: vscr, type: u8, repeat: expr, repeat-expr: 2, -orig-id: "vscr", doc: "vector status"}
          - {id: vrsave, type: u8, -orig-id: "vrsave", doc: "which vector registers are in use"}
          - {id: evr, type: u4, repeat: expr, repeat-expr: 32, -orig-id: "evr", doc: "upper halves of the SPE registers"}
          - {id: acc, type: u8, -orig-id: "acc", doc: "SPE accumulator"}
          - {id: spefscr, type: u4, -orig-id: "spefscr", doc: "SPE status"}
          - {id: pad_1332, size: 12}
          - {id: trailing, size-eos: true}
      ckpt_hdr_cpu_n_512_ppc64:
        doc: "CPU (R01–R18 ppc64). SPEC.md §5.1"
        seq:
          - {id: features_used, type: u4, -orig-id: "features_used", doc: "register files that hold state"}
          - {id: pt_regs_size, type: u4, -orig-id: "pt_regs_size", doc: "size of pt_regs"}
          - {id: fpr_size, type: u4, -orig-id: "fpr_size", doc: "size of the floating-point registers; tells whether they are 64 or 128 bits wide"}
          - {id: pad_20, size: 4}
          - {id: orig_gpr3, type: u8, -orig-id: "orig_gpr3", doc: "first argument of the system call"}
          - {id: pt_regs, type: u8, repeat: expr, repeat-expr: 44, -orig-id: "pt_regs", doc: "general registers as the kernel keeps them"}
          - {id: fpr, type: u8, repeat: expr, repeat-expr: 64, -orig-id: "fpr", doc: "floating-point registers"}
          - {id: fpscr, type: u4, -orig-id: "fpscr", doc: "floating-point status"}
          - {id: fpexc_mode, type: s4, -orig-id: "fpexc_mode", doc: "floating-point exception mode"}
          - {id: dabr, type: u8, -orig-id: "dabr", doc: "data address breakpoint"}
          - {id: vr, type: u8, repeat: expr, repeat-expr: 64, -orig-id: "vr", doc: "32 vector registers of 16 bytes"}
          - {id: vscr, type: u8, repeat: expr, repeat-expr: 2, -orig-id: "vscr", doc: "vector status"}
          - {id: vrsave, type: u8, -orig-id: "vrsave", doc: "which vector registers are in use"}
          - {id: evr, type: u4, repeat: expr, repeat-expr: 32, -orig-id: "evr", doc: "upper halves of the SPE registers"}
          - {id: acc, type: u8, -orig-id: "acc", doc: "SPE accumulator"}
          - {id: spefscr, type: u4, -orig-id: "spefscr", doc: "SPE status"}
          - {id: pad_1588, size: 12}
          - {id: trailing, size-eos: true}
      ckpt_hdr_cpu_x86_r06:
        doc: "CPU (R06–R18 x86). SPEC.md §5.1"
        seq:
          - {id: r15, type: u8, -orig-id: "r15", doc: "general register, zero on x86-32"}
          - {id: r14, type: u8, -orig-id: "r14", doc: "general register, zero on x86-32"}
          - {id: r13, type: u8, -orig-id: "r13", doc: "general register, zero on x86-32"}
          - {id: r12, type: u8, -orig-id: "r12", doc: "general register, zero on x86-32"}
          - {id: bp, type: u8, -orig-id: "bp", doc: "frame pointer"}
          - {id: bx, type: u8, -orig-id: "bx", doc: "general register"}
          - {id: r11, type: u8, -orig-id: "r11", doc: "general register, zero on x86-32"}
          - {id: r10, type: u8, -orig-id: "r10", doc: "general register, zero on x86-32"}
          - {id: r9, type: u8, -orig-id: "r9", doc: "general register, zero on x86-32"}
          - {id: r8, type: u8, -orig-id: "r8", doc: "general register, zero on x86-32"}
          - {id: ax, type: u8, -orig-id: "ax", doc: "general register, result of a system call"}
          - {id: cx, type: u8, -orig-id: "cx", doc: "general register"}
          - {id: dx, type: u8, -orig-id: "dx", doc: "general register"}
          - {id: si, type: u8, -orig-id: "si", doc: "general register"}
          - {id: di, type: u8, -orig-id: "di", doc: "general register"}
          - {id: orig_ax, type: u8, -orig-id: "orig_ax", doc: "number of the system call, or -1"}
          - {id: ip, type: u8, -orig-id: "ip", doc: "instruction pointer"}
          - {id: sp, type: u8, -orig-id: "sp", doc: "stack pointer"}
          - {id: flags, type: u8, -orig-id: "flags", doc: "processor flags"}
          - {id: fs, type: u8, -orig-id: "fs", doc: "base of segment fs, on x86-64"}
          - {id: gs, type: u8, -orig-id: "gs", doc: "base of segment gs, on x86-64"}
          - {id: fsindex, type: u2, -orig-id: "fsindex", doc: "selector fs, encoded (§7.1)"}
          - {id: gsindex, type: u2, -orig-id: "gsindex", doc: "selector gs, encoded"}
          - {id: cs, type: u2, -orig-id: "cs", doc: "selector cs, encoded"}
          - {id: ss, type: u2, -orig-id: "ss", doc: "selector ss, encoded"}
          - {id: ds, type: u2, -orig-id: "ds", doc: "selector ds, encoded"}
          - {id: es, type: u2, -orig-id: "es", doc: "selector es, encoded"}
          - {id: used_math, type: u4, -orig-id: "used_math", doc: "non-zero if a CPU_FPU record follows"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_cpu_arm_r12:
        doc: "CPU (R12–R18 ARM). SPEC.md §5.1"
        seq:
          - {id: uregs, type: u4, repeat: expr, repeat-expr: 18, -orig-id: "uregs", doc: "18 words: r0–r10, fp, ip, sp, lr, pc, cpsr, ORIG_r0"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_cpu_fpu_x86:
        doc: "CPU_FPU (R01–R18 x86). SPEC.md §10.2"
        seq:
          - {id: fpu_state, size-eos: true, -orig-id: "fpu_state"}
      ckpt_hdr_cpu_fpu_vfp:
        doc: "CPU_FPU (R18 ARM). SPEC.md §10.2"
        seq:
          - {id: unit, type: u4, enum: register_file, -orig-id: "unit", doc: "which register file"}
          - {id: flags, type: u4, -orig-id: "flags", doc: "what is known of it"}
          - {id: fpsid, type: u4, -orig-id: "fpsid", doc: "FPSID of the processor, if flagged valid"}
          - {id: mvfr0, type: u4, -orig-id: "mvfr0", doc: "MVFR0 of the processor, if flagged valid"}
          - {id: mvfr1, type: u4, -orig-id: "mvfr1", doc: "MVFR1 of the processor, if flagged valid"}
          - {id: regset_len, type: u4, -orig-id: "regset_len", doc: "length of the register set that follows"}
          - {id: fpregs, type: u8, repeat: expr, repeat-expr: 32, -orig-id: "fpregs", doc: "d0 to d31"}
          - {id: fpscr, type: u4, -orig-id: "fpscr", doc: "FPSCR"}
          - {id: fpexc, type: u4, -orig-id: "fpexc", doc: "FPEXC, if flagged valid"}
          - {id: fpinst, type: u4, -orig-id: "fpinst", doc: "FPINST, if flagged valid"}
          - {id: fpinst2, type: u4, -orig-id: "fpinst2", doc: "FPINST2, if flagged valid"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_cpu_fpu_fpa:
        doc: "CPU_FPU (R18 ARM). SPEC.md §10.2"
        seq:
          - {id: unit, type: u4, enum: register_file, -orig-id: "unit", doc: "which register file"}
          - {id: flags, type: u4, -orig-id: "flags", doc: "what is known of it"}
          - {id: fpsid, type: u4, -orig-id: "fpsid", doc: "FPSID of the processor, if flagged valid"}
          - {id: mvfr0, type: u4, -orig-id: "mvfr0", doc: "MVFR0 of the processor, if flagged valid"}
          - {id: mvfr1, type: u4, -orig-id: "mvfr1", doc: "MVFR1 of the processor, if flagged valid"}
          - {id: regset_len, type: u4, -orig-id: "regset_len", doc: "length of the register set that follows"}
          - {id: fpa_regs, type: fp_reg_12, repeat: expr, repeat-expr: 8, -orig-id: "fpa_regs", doc: "f0 to f7 in extended format"}
          - {id: fpsr, type: u4, -orig-id: "fpsr", doc: "FPSR"}
          - {id: fpcr, type: u4, -orig-id: "fpcr", doc: "FPCR"}
          - {id: ftype, size: 8, -orig-id: "ftype", doc: "precision that each register holds"}
          - {id: init_flag, type: u4, -orig-id: "init_flag", doc: "non-zero once the unit was used"}
          - {id: pad_148, size: 4}
          - {id: trailing, size-eos: true}
      ckpt_hdr_cpu_fpu_iwmmxt:
        doc: "CPU_FPU (R18 ARM). SPEC.md §10.2"
        seq:
          - {id: unit, type: u4, enum: register_file, -orig-id: "unit", doc: "which register file"}
          - {id: flags, type: u4, -orig-id: "flags", doc: "what is known of it"}
          - {id: fpsid, type: u4, -orig-id: "fpsid", doc: "FPSID of the processor, if flagged valid"}
          - {id: mvfr0, type: u4, -orig-id: "mvfr0", doc: "MVFR0 of the processor, if flagged valid"}
          - {id: mvfr1, type: u4, -orig-id: "mvfr1", doc: "MVFR1 of the processor, if flagged valid"}
          - {id: regset_len, type: u4, -orig-id: "regset_len", doc: "length of the register set that follows"}
          - {id: wr, type: u8, repeat: expr, repeat-expr: 16, -orig-id: "wr", doc: "wR0 to wR15"}
          - {id: wcssf, type: u4, -orig-id: "wcssf", doc: "wCSSF, saturation flags"}
          - {id: wcasf, type: u4, -orig-id: "wcasf", doc: "wCASF, arithmetic flags"}
          - {id: wcgr, type: u4, repeat: expr, repeat-expr: 4, -orig-id: "wcgr", doc: "wCGR0 to wCGR3"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_cpu_fpu_crunch:
        doc: "CPU_FPU (R18 ARM). SPEC.md §10.2"
        seq:
          - {id: unit, type: u4, enum: register_file, -orig-id: "unit", doc: "which register file"}
          - {id: flags, type: u4, -orig-id: "flags", doc: "what is known of it"}
          - {id: fpsid, type: u4, -orig-id: "fpsid", doc: "FPSID of the processor, if flagged valid"}
          - {id: mvfr0, type: u4, -orig-id: "mvfr0", doc: "MVFR0 of the processor, if flagged valid"}
          - {id: mvfr1, type: u4, -orig-id: "mvfr1", doc: "MVFR1 of the processor, if flagged valid"}
          - {id: regset_len, type: u4, -orig-id: "regset_len", doc: "length of the register set that follows"}
          - {id: mvdx, type: u8, repeat: expr, repeat-expr: 16, -orig-id: "mvdx", doc: "mvdx0 to mvdx15"}
          - {id: mvax, type: u4, repeat: expr, repeat-expr: 12, -orig-id: "mvax", doc: "four 72-bit accumulators, three words each"}
          - {id: dspsc, type: u8, -orig-id: "dspsc", doc: "status and control"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_cpu_fpu_xscale_dsp:
        doc: "CPU_FPU (R18 ARM). SPEC.md §10.2"
        seq:
          - {id: unit, type: u4, enum: register_file, -orig-id: "unit", doc: "which register file"}
          - {id: flags, type: u4, -orig-id: "flags", doc: "what is known of it"}
          - {id: fpsid, type: u4, -orig-id: "fpsid", doc: "FPSID of the processor, if flagged valid"}
          - {id: mvfr0, type: u4, -orig-id: "mvfr0", doc: "MVFR0 of the processor, if flagged valid"}
          - {id: mvfr1, type: u4, -orig-id: "mvfr1", doc: "MVFR1 of the processor, if flagged valid"}
          - {id: regset_len, type: u4, -orig-id: "regset_len", doc: "length of the register set that follows"}
          - {id: acc0, type: u4, repeat: expr, repeat-expr: 2, -orig-id: "acc0", doc: "acc0, low word first"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_cpu_fpu_arm:
        doc: "CPU_FPU (R18 ARM). SPEC.md §10.2"
        seq:
          - {id: unit, type: u4, enum: register_file, -orig-id: "unit", doc: "which register file"}
          - {id: flags, type: u4, -orig-id: "flags", doc: "what is known of it"}
          - {id: fpsid, type: u4, -orig-id: "fpsid", doc: "FPSID of the processor, if flagged valid"}
          - {id: mvfr0, type: u4, -orig-id: "mvfr0", doc: "MVFR0 of the processor, if flagged valid"}
          - {id: mvfr1, type: u4, -orig-id: "mvfr1", doc: "MVFR1 of the processor, if flagged valid"}
          - {id: regset_len, type: u4, -orig-id: "regset_len", doc: "length of the register set that follows"}
          - {id: regset, size-eos: true, -orig-id: "regset"}
      ckpt_hdr_arm_abi:
        doc: "ARM_ABI (R18 ARM). SPEC.md §10.3"
        seq:
          - {id: personality, type: u4, -orig-id: "personality", doc: "personality word of the task"}
          - {id: e_flags, type: u4, -orig-id: "e_flags", doc: "ELF header flags of the executable"}
          - {id: hwcap, type: u4, -orig-id: "hwcap", doc: "AT_HWCAP that the program was started with"}
          - {id: hwcap2, type: u4, -orig-id: "hwcap2", doc: "AT_HWCAP2 that the program was started with"}
          - {id: page_size, type: u4, -orig-id: "page_size", doc: "page size of the kernel"}
          - {id: endian, type: u1, enum: byte_order, -orig-id: "endian", doc: "byte order of data"}
          - {id: calling, type: u1, enum: calling_convention, -orig-id: "calling", doc: "calling convention of the executable"}
          - {id: valid, type: u2, -orig-id: "valid", doc: "which fields are known"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_ns_r01:
        doc: "NS (R01–R05). SPEC.md §3.7"
        seq:
          - {id: uts_objref, type: s4, -orig-id: "uts_objref", doc: "UTS_NS object; readers accept 0 (none stored)"}
          - {id: ipc_objref, type: u4, -orig-id: "ipc_objref", doc: "IPC_NS object; readers accept 0"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_ns_r06:
        doc: "NS (R06–R08). SPEC.md §3.7"
        seq:
          - {id: uts_objref, type: s4, -orig-id: "uts_objref", doc: "UTS_NS object; readers accept 0 (none stored)"}
          - {id: ipc_objref, type: s4, -orig-id: "ipc_objref", doc: "IPC_NS object; readers accept 0"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_ns_r09:
        doc: "NS (R09–R18). SPEC.md §3.7"
        seq:
          - {id: uts_objref, type: s4, -orig-id: "uts_objref", doc: "UTS_NS object; readers accept 0 (none stored)"}
          - {id: ipc_objref, type: s4, -orig-id: "ipc_objref", doc: "IPC_NS object; readers accept 0"}
          - {id: net_objref, type: s4, -orig-id: "net_objref", doc: "NET_NS object, 0 unless uflags bit 1 (UNCONFIRMED)"}
          - {id: pad_20, size: 4}
          - {id: trailing, size-eos: true}
      ckpt_hdr_utsns:
        doc: "UTS_NS (R01–R18). SPEC.md §3.7"
        seq:
          - {id: sysname, size: 65, -orig-id: "sysname", doc: "operating system name, NUL-padded"}
          - {id: nodename, size: 65, -orig-id: "nodename", doc: "host name, NUL-padded"}
          - {id: release, size: 65, -orig-id: "release", doc: "kernel release, NUL-padded"}
          - {id: version, size: 65, -orig-id: "version", doc: "kernel version text, NUL-padded"}
          - {id: machine, size: 65, -orig-id: "machine", doc: "machine name, NUL-padded"}
          - {id: domainname, size: 65, -orig-id: "domainname", doc: "NIS domain name, NUL-padded"}
          - {id: pad_398, size: 2}
          - {id: trailing, size-eos: true}
      ckpt_hdr_ipcns:
        doc: "IPC_NS (R01–R18). SPEC.md §3.7"
        seq:
          - {id: shm_ctlmax, type: u8, -orig-id: "shm_ctlmax", doc: "largest segment in bytes"}
          - {id: shm_ctlall, type: u8, -orig-id: "shm_ctlall", doc: "all segments together, in pages"}
          - {id: shm_ctlmni, type: s4, -orig-id: "shm_ctlmni", doc: "number of segments allowed"}
          - {id: msg_ctlmax, type: s4, -orig-id: "msg_ctlmax", doc: "largest message in bytes"}
          - {id: msg_ctlmnb, type: s4, -orig-id: "msg_ctlmnb", doc: "bytes allowed on a queue"}
          - {id: msg_ctlmni, type: s4, -orig-id: "msg_ctlmni", doc: "number of queues allowed"}
          - {id: sem_ctl_msl, type: s4, -orig-id: "sem_ctl_msl", doc: "semaphores allowed in a set"}
          - {id: sem_ctl_mns, type: s4, -orig-id: "sem_ctl_mns", doc: "semaphores allowed in all"}
          - {id: sem_ctl_opm, type: s4, -orig-id: "sem_ctl_opm", doc: "operations allowed in a call"}
          - {id: sem_ctl_mni, type: s4, -orig-id: "sem_ctl_mni", doc: "number of sets allowed"}
          - {id: trailing, size-eos: true}
      ckpt_mnt_ns:
        doc: "MNT_NS (R06–R18). SPEC.md §3.1"
        seq:
          - {id: trailing, size-eos: true}
      ckpt_capabilities:
        doc: "CAPABILITIES (R01–R18). SPEC.md §3.1"
        seq:
          - {id: trailing, size-eos: true}
      ckpt_hdr_user_ns:
        doc: "USER_NS (R01–R18). SPEC.md §3.6"
        seq:
          - {id: creator_ref, type: s4, -orig-id: "creator_ref", doc: "USER object that created it; 0 for the initial namespace"}
          - {id: pad_12, size: 4}
          - {id: trailing, size-eos: true}
      ckpt_hdr_cred_r01:
        doc: "CRED (R01–R02). SPEC.md §3.6"
        seq:
          - {id: uid, type: u4, -orig-id: "uid", doc: "real user id"}
          - {id: suid, type: u4, -orig-id: "suid", doc: "saved user id"}
          - {id: euid, type: u4, -orig-id: "euid", doc: "effective user id"}
          - {id: fsuid, type: u4, -orig-id: "fsuid", doc: "file system user id"}
          - {id: gid, type: u4, -orig-id: "gid", doc: "real group id"}
          - {id: sgid, type: u4, -orig-id: "sgid", doc: "saved group id"}
          - {id: egid, type: u4, -orig-id: "egid", doc: "effective group id"}
          - {id: fsgid, type: u4, -orig-id: "fsgid", doc: "file system group id"}
          - {id: user_ref, type: s4, -orig-id: "user_ref", doc: "user it counts against: a USER object"}
          - {id: groupinfo_ref, type: s4, -orig-id: "groupinfo_ref", doc: "supplementary groups: a GROUPINFO object"}
          - {id: cap_s_cap_i_0, type: u4, -orig-id: "cap_s.cap_i_0", doc: "inheritable, caps 0–31"}
          - {id: cap_s_cap_i_1, type: u4, -orig-id: "cap_s.cap_i_1", doc: "caps 32–63"}
          - {id: cap_s_cap_p_0, type: u4, -orig-id: "cap_s.cap_p_0", doc: "permitted"}
          - {id: cap_s_cap_p_1, type: u4, -orig-id: "cap_s.cap_p_1", doc: "permitted, caps 32–63"}
          - {id: cap_s_cap_e_0, type: u4, -orig-id: "cap_s.cap_e_0", doc: "effective"}
          - {id: cap_s_cap_e_1, type: u4, -orig-id: "cap_s.cap_e_1", doc: "effective, caps 32–63"}
          - {id: cap_s_cap_b_0, type: u4, -orig-id: "cap_s.cap_b_0", doc: "bounding set"}
          - {id: cap_s_cap_b_1, type: u4, -orig-id: "cap_s.cap_b_1", doc: "bounding set, caps 32–63"}
          - {id: cap_s_securebits, type: u4, -orig-id: "cap_s.securebits", doc: "how the root user gains capabilities"}
          - {id: cap_s_padding, type: u4, -orig-id: "cap_s.padding", doc: "unused, 0"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_cred_r03:
        doc: "CRED (R03–R18). SPEC.md §3.6"
        seq:
          - {id: uid, type: u4, -orig-id: "uid", doc: "real user id"}
          - {id: suid, type: u4, -orig-id: "suid", doc: "saved user id"}
          - {id: euid, type: u4, -orig-id: "euid", doc: "effective user id"}
          - {id: fsuid, type: u4, -orig-id: "fsuid", doc: "file system user id"}
          - {id: gid, type: u4, -orig-id: "gid", doc: "real group id"}
          - {id: sgid, type: u4, -orig-id: "sgid", doc: "saved group id"}
          - {id: egid, type: u4, -orig-id: "egid", doc: "effective group id"}
          - {id: fsgid, type: u4, -orig-id: "fsgid", doc: "file system group id"}
          - {id: user_ref, type: s4, -orig-id: "user_ref", doc: "user it counts against: a USER object"}
          - {id: groupinfo_ref, type: s4, -orig-id: "groupinfo_ref", doc: "supplementary groups: a GROUPINFO object"}
          - {id: sec_ref, type: s4, -orig-id: "sec_ref", doc: "label: a SECURITY object, 0 for none"}
          - {id: pad_52, size: 4}
          - {id: cap_s_cap_i_0, type: u4, -orig-id: "cap_s.cap_i_0", doc: "inheritable, caps 0–31"}
          - {id: cap_s_cap_i_1, type: u4, -orig-id: "cap_s.cap_i_1", doc: "caps 32–63"}
          - {id: cap_s_cap_p_0, type: u4, -orig-id: "cap_s.cap_p_0", doc: "permitted"}
          - {id: cap_s_cap_p_1, type: u4, -orig-id: "cap_s.cap_p_1", doc: "permitted, caps 32–63"}
          - {id: cap_s_cap_e_0, type: u4, -orig-id: "cap_s.cap_e_0", doc: "effective"}
          - {id: cap_s_cap_e_1, type: u4, -orig-id: "cap_s.cap_e_1", doc: "effective, caps 32–63"}
          - {id: cap_s_cap_b_0, type: u4, -orig-id: "cap_s.cap_b_0", doc: "bounding set"}
          - {id: cap_s_cap_b_1, type: u4, -orig-id: "cap_s.cap_b_1", doc: "bounding set, caps 32–63"}
          - {id: cap_s_securebits, type: u4, -orig-id: "cap_s.securebits", doc: "how the root user gains capabilities"}
          - {id: cap_s_padding, type: u4, -orig-id: "cap_s.padding", doc: "unused, 0"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_user_struct:
        doc: "USER (R01–R18). SPEC.md §3.6"
        seq:
          - {id: uid, type: u4, -orig-id: "uid", doc: "number of the user"}
          - {id: userns_ref, type: s4, -orig-id: "userns_ref", doc: "namespace of the user: a USER_NS object"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_groupinfo:
        doc: "GROUPINFO (R01–R18). SPEC.md §3.6"
        seq:
          - {id: ngroups, type: u4, -orig-id: "ngroups", doc: "number of supplementary groups, up to 65536"}
          - {id: groups, type: u4, repeat: expr, repeat-expr: ngroups, -orig-id: "groups", doc: "group ids, strictly ascending"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_task_creds:
        doc: "TASK_CREDS (R01–R18). SPEC.md §3.6"
        seq:
          - {id: cred_ref, type: s4, -orig-id: "cred_ref", doc: "object number of the objective credentials"}
          - {id: ecred_ref, type: s4, -orig-id: "ecred_ref", doc: "object number of the subjective credentials (usually the same)"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_mm:
        doc: "MM (R01–R18). SPEC.md §3.8"
        seq:
          - {id: map_count, type: u4, -orig-id: "map_count", doc: "number of VMA groups that follow"}
          - {id: exe_objref, type: s4, -orig-id: "exe_objref", doc: "FILE object of the executable, or 0"}
          - {id: def_flags, type: u8, -orig-id: "def_flags", doc: "default vm_flags: only VM_LOCKED (0x2000) is accepted"}
          - {id: flags, type: u8, -orig-id: "flags", doc: "mm flags: dumpable and core-dump filter bits only"}
          - {id: start_code, type: u8, -orig-id: "start_code", doc: "start of the program text"}
          - {id: end_code, type: u8, -orig-id: "end_code", doc: "end of the program text"}
          - {id: start_data, type: u8, -orig-id: "start_data", doc: "start of the initialised data"}
          - {id: end_data, type: u8, -orig-id: "end_data", doc: "end of the initialised data"}
          - {id: start_brk, type: u8, -orig-id: "start_brk", doc: "start of the heap that brk manages"}
          - {id: brk, type: u8, -orig-id: "brk", doc: "current end of the heap"}
          - {id: start_stack, type: u8, -orig-id: "start_stack", doc: "stack pointer at the start of the program"}
          - {id: arg_start, type: u8, -orig-id: "arg_start", doc: "start of the argument strings"}
          - {id: arg_end, type: u8, -orig-id: "arg_end", doc: "end of the argument strings"}
          - {id: env_start, type: u8, -orig-id: "env_start", doc: "start of the environment strings"}
          - {id: env_end, type: u8, -orig-id: "env_end", doc: "end of the environment strings"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_vma_r01:
        doc: "VMA (R01–R15). SPEC.md §3.8"
        seq:
          - {id: vma_type, type: u4, enum: mapping_type, -orig-id: "vma_type", doc: "kind of mapping: what backs it, and whether contents follow"}
          - {id: vma_objref, type: s4, -orig-id: "vma_objref", doc: "FILE object that backs it, or 0"}
          - {id: ino_objref, type: s4, -orig-id: "ino_objref", doc: "implicit INODE object of a shared segment, or 0"}
          - {id: padding, type: u4, -orig-id: "_padding", doc: "unused, 0"}
          - {id: ino_size, type: u8, -orig-id: "ino_size", doc: "size of the shared segment"}
          - {id: vm_start, type: u8, -orig-id: "vm_start", doc: "first address"}
          - {id: vm_end, type: u8, -orig-id: "vm_end", doc: "address behind the last byte"}
          - {id: vm_page_prot, type: u8, -orig-id: "vm_page_prot", doc: "raw pgprot of the CPU; informational"}
          - {id: vm_flags, type: u8, -orig-id: "vm_flags", doc: "protection and behaviour, VM_ bits"}
          - {id: vm_pgoff, type: u8, -orig-id: "vm_pgoff", doc: "page offset; for anonymous memory vm_start / page size"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_vma_r16:
        doc: "VMA (R16–R18). SPEC.md §3.8"
        seq:
          - {id: vma_type, type: u4, enum: mapping_type, -orig-id: "vma_type", doc: "kind of mapping: what backs it, and whether contents follow"}
          - {id: vma_objref, type: s4, -orig-id: "vma_objref", doc: "FILE object that backs it, or 0"}
          - {id: ino_objref, type: s4, -orig-id: "ino_objref", doc: "implicit INODE object of a shared segment, or 0"}
          - {id: padding, type: u4, -orig-id: "_padding", doc: "unused, 0"}
          - {id: ino_size, type: u8, -orig-id: "ino_size", doc: "size of the shared segment"}
          - {id: vm_start, type: u8, -orig-id: "vm_start", doc: "first address"}
          - {id: vm_end, type: u8, -orig-id: "vm_end", doc: "address behind the last byte"}
          - {id: vm_page_prot, type: u8, -orig-id: "vm_page_prot", doc: "raw pgprot of the CPU; informational"}
          - {id: vm_flags, type: u8, -orig-id: "vm_flags", doc: "protection and behaviour, VM_ bits"}
          - {id: vm_pgoff, type: u8, -orig-id: "vm_pgoff", doc: "page offset; for anonymous memory vm_start / page size"}
          - {id: hugetlb_shift, type: u2, -orig-id: "hugetlb_shift", doc: "log2 of the huge page size, else 0 (UNCONFIRMED)"}
          - {id: pad_74, size: 6}
          - {id: trailing, size-eos: true}
      ckpt_hdr_pgarr:
        doc: "PGARR (R01–R18). SPEC.md §3.8"
        seq:
          - {id: nr_pages, type: u8, -orig-id: "nr_pages", doc: "pages in the BUFFER that follows; 0 = end"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_hpage:
        doc: "HPAGE (R16–R18). SPEC.md §3.8"
        seq:
          - {id: vaddr, type: u8, -orig-id: "vaddr", doc: "address (private) …"}
          - {id: shift, type: u2, -orig-id: "shift", doc: "log2 of the page size"}
          - {id: pad_18, size: 6}
          - {id: trailing, size-eos: true}
        instances:
          index: {pos: 0, type: u8, -orig-id: "index", doc: "… or index in the segment (same 8 bytes)"}
      ckpt_hdr_mm_context_x86:
        doc: "MM_CONTEXT (R01–R18 x86). SPEC.md §5.1"
        seq:
          - {id: vdso, type: u8, -orig-id: "vdso", doc: "address of the vdso"}
          - {id: ldt_entry_size, type: u4, -orig-id: "ldt_entry_size", doc: "bytes of an LDT entry: 8"}
          - {id: nldt, type: u4, -orig-id: "nldt", doc: "number of LDT entries"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_mm_context_s390x:
        doc: "MM_CONTEXT (R01–R18 s390x). SPEC.md §5.1"
        seq:
          - {id: vdso_base, type: u8, -orig-id: "vdso_base", doc: "address of the vdso"}
          - {id: noexec, type: s4, -orig-id: "noexec", doc: "execute protection is on"}
          - {id: has_pgste, type: s4, -orig-id: "has_pgste", doc: "page tables have the extension that guests need"}
          - {id: alloc_pgste, type: s4, -orig-id: "alloc_pgste", doc: "page tables of a new program shall have that extension"}
          - {id: pad_28, size: 4}
          - {id: asce_bits, type: u8, -orig-id: "asce_bits", doc: "type and length bits of the address-space control element"}
          - {id: asce_limit, type: u8, -orig-id: "asce_limit", doc: "end of the address space"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_mm_context_arm:
        doc: "MM_CONTEXT (R12–R18 ARM). SPEC.md §5.1"
        seq:
          - {id: end_brk, type: u4, -orig-id: "end_brk", doc: "no-MMU kernels only, else 0"}
          - {id: pad_12, size: 4}
          - {id: trailing, size-eos: true}
      ckpt_mm_context_ldt:
        doc: "MM_CONTEXT_LDT (R01–R18 x86). SPEC.md §7.1"
        seq:
          - {id: entries, type: u8, repeat: expr, repeat-expr: nr_entries, -orig-id: "entries", doc: "LDT entries, 8 bytes each"}
          - {id: trailing, size-eos: true}
        instances:
          nr_entries: {value: (_io.size - _io.pos) / 8, doc: as many as fit}
      ckpt_hdr_file_table:
        doc: "FILE_TABLE (R01–R18). SPEC.md §3.9"
        seq:
          - {id: fdt_nfds, type: s4, -orig-id: "fdt_nfds", doc: "number of FILE_DESC groups that follow"}
          - {id: pad_12, size: 4}
          - {id: trailing, size-eos: true}
      ckpt_hdr_file_desc:
        doc: "FILE_DESC (R01–R18). SPEC.md §3.9"
        seq:
          - {id: fd_objref, type: s4, -orig-id: "fd_objref", doc: "the open file: a FILE object, never 0"}
          - {id: fd_descriptor, type: s4, -orig-id: "fd_descriptor", doc: "number of the descriptor"}
          - {id: fd_close_on_exec, type: u4, -orig-id: "fd_close_on_exec", doc: "1 if exec closes it, else 0"}
          - {id: pad_20, size: 4}
          - {id: trailing, size-eos: true}
      ckpt_file_name:
        doc: "FILE_NAME (R01–R18). SPEC.md §1.3"
        seq:
          - {id: path, size-eos: true, -orig-id: "path", doc: "path as seen from the root of the first task, with one NUL"}
      ckpt_hdr_file_generic_r01:
        doc: "FILE (R01–R02). SPEC.md §3.9"
        seq:
          - {id: f_type, type: u4, enum: file_type, -orig-id: "f_type", doc: "file type, decides the struct that is used"}
          - {id: f_mode, type: u4, -orig-id: "f_mode", doc: "FMODE bits: 1 read, 2 write, 4 lseek, 8 pread, 16 pwrite, …"}
          - {id: f_flags, type: u4, -orig-id: "f_flags", doc: "open flags of that architecture (ARM: O_LARGEFILE 0x20000), without O_CREAT, O_EXCL, O_NOCTTY, O_TRUNC; an executable opened by exec also shows 0x20"}
          - {id: f_credref, type: s4, -orig-id: "f_credref", doc: "credentials it was opened with: a CRED object"}
          - {id: f_pos, type: u8, -orig-id: "f_pos", doc: "position at which the next read or write starts"}
          - {id: f_version, type: u8, -orig-id: "f_version", doc: "the kernel's change counter of the open file"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_file_pipe_r01:
        doc: "FILE (R01–R02). SPEC.md §3.9"
        seq:
          - {id: f_type, type: u4, enum: file_type, -orig-id: "f_type", doc: "file type, decides the struct that is used"}
          - {id: f_mode, type: u4, -orig-id: "f_mode", doc: "FMODE bits: 1 read, 2 write, 4 lseek, 8 pread, 16 pwrite, …"}
          - {id: f_flags, type: u4, -orig-id: "f_flags", doc: "open flags of that architecture (ARM: O_LARGEFILE 0x20000), without O_CREAT, O_EXCL, O_NOCTTY, O_TRUNC; an executable opened by exec also shows 0x20"}
          - {id: f_credref, type: s4, -orig-id: "f_credref", doc: "credentials it was opened with: a CRED object"}
          - {id: f_pos, type: u8, -orig-id: "f_pos", doc: "position at which the next read or write starts"}
          - {id: f_version, type: u8, -orig-id: "f_version", doc: "the kernel's change counter of the open file"}
          - {id: pipe_objref, type: s4, -orig-id: "pipe_objref", doc: "implicit INODE object that both ends name; the first to be met carries the contents"}
          - {id: pad_44, size: 4}
          - {id: trailing, size-eos: true}
      ckpt_hdr_file_socket_r01:
        doc: "FILE (R01–R02). SPEC.md §3.9"
        seq:
          - {id: f_type, type: u4, enum: file_type, -orig-id: "f_type", doc: "file type, decides the struct that is used"}
          - {id: f_mode, type: u4, -orig-id: "f_mode", doc: "FMODE bits: 1 read, 2 write, 4 lseek, 8 pread, 16 pwrite, …"}
          - {id: f_flags, type: u4, -orig-id: "f_flags", doc: "open flags of that architecture (ARM: O_LARGEFILE 0x20000), without O_CREAT, O_EXCL, O_NOCTTY, O_TRUNC; an executable opened by exec also shows 0x20"}
          - {id: f_credref, type: s4, -orig-id: "f_credref", doc: "credentials it was opened with: a CRED object"}
          - {id: f_pos, type: u8, -orig-id: "f_pos", doc: "position at which the next read or write starts"}
          - {id: f_version, type: u8, -orig-id: "f_version", doc: "the kernel's change counter of the open file"}
          - {id: sock_objref, type: s4, -orig-id: "sock_objref", doc: "the socket: a SOCK object"}
          - {id: pad_44, size: 4}
          - {id: trailing, size-eos: true}
      ckpt_hdr_file_tty_r01:
        doc: "FILE (R01–R02). SPEC.md §3.9"
        seq:
          - {id: f_type, type: u4, enum: file_type, -orig-id: "f_type", doc: "file type, decides the struct that is used"}
          - {id: f_mode, type: u4, -orig-id: "f_mode", doc: "FMODE bits: 1 read, 2 write, 4 lseek, 8 pread, 16 pwrite, …"}
          - {id: f_flags, type: u4, -orig-id: "f_flags", doc: "open flags of that architecture (ARM: O_LARGEFILE 0x20000), without O_CREAT, O_EXCL, O_NOCTTY, O_TRUNC; an executable opened by exec also shows 0x20"}
          - {id: f_credref, type: s4, -orig-id: "f_credref", doc: "credentials it was opened with: a CRED object"}
          - {id: f_pos, type: u8, -orig-id: "f_pos", doc: "position at which the next read or write starts"}
          - {id: f_version, type: u8, -orig-id: "f_version", doc: "the kernel's change counter of the open file"}
          - {id: tty_objref, type: s4, -orig-id: "tty_objref", doc: "this end of the terminal: a TTY object"}
          - {id: pad_44, size: 4}
          - {id: trailing, size-eos: true}
      ckpt_hdr_file_r01:
        doc: "FILE (R01–R02). SPEC.md §3.9"
        seq:
          - {id: f_type, type: u4, enum: file_type, -orig-id: "f_type", doc: "file type, decides the struct that is used"}
          - {id: f_mode, type: u4, -orig-id: "f_mode", doc: "FMODE bits: 1 read, 2 write, 4 lseek, 8 pread, 16 pwrite, …"}
          - {id: f_flags, type: u4, -orig-id: "f_flags", doc: "open flags of that architecture (ARM: O_LARGEFILE 0x20000), without O_CREAT, O_EXCL, O_NOCTTY, O_TRUNC; an executable opened by exec also shows 0x20"}
          - {id: f_credref, type: s4, -orig-id: "f_credref", doc: "credentials it was opened with: a CRED object"}
          - {id: f_pos, type: u8, -orig-id: "f_pos", doc: "position at which the next read or write starts"}
          - {id: f_version, type: u8, -orig-id: "f_version", doc: "the kernel's change counter of the open file"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_file_eventfd_r02:
        doc: "FILE (R02). SPEC.md §3.9"
        seq:
          - {id: f_type, type: u4, enum: file_type, -orig-id: "f_type", doc: "file type, decides the struct that is used"}
          - {id: f_mode, type: u4, -orig-id: "f_mode", doc: "FMODE bits: 1 read, 2 write, 4 lseek, 8 pread, 16 pwrite, …"}
          - {id: f_flags, type: u4, -orig-id: "f_flags", doc: "open flags of that architecture (ARM: O_LARGEFILE 0x20000), without O_CREAT, O_EXCL, O_NOCTTY, O_TRUNC; an executable opened by exec also shows 0x20"}
          - {id: f_credref, type: s4, -orig-id: "f_credref", doc: "credentials it was opened with: a CRED object"}
          - {id: f_pos, type: u8, -orig-id: "f_pos", doc: "position at which the next read or write starts"}
          - {id: f_version, type: u8, -orig-id: "f_version", doc: "the kernel's change counter of the open file"}
          - {id: count, type: u8, -orig-id: "count", doc: "value of the event counter"}
          - {id: flags, type: u4, -orig-id: "flags", doc: "semaphore mode and other EFD_ flags"}
          - {id: pad_52, size: 4}
          - {id: trailing, size-eos: true}
      ckpt_hdr_file_generic_r03:
        doc: "FILE (R03–R18). SPEC.md §3.9"
        seq:
          - {id: f_type, type: u4, enum: file_type, -orig-id: "f_type", doc: "file type, decides the struct that is used"}
          - {id: f_mode, type: u4, -orig-id: "f_mode", doc: "FMODE bits: 1 read, 2 write, 4 lseek, 8 pread, 16 pwrite, …"}
          - {id: f_flags, type: u4, -orig-id: "f_flags", doc: "open flags of that architecture (ARM: O_LARGEFILE 0x20000), without O_CREAT, O_EXCL, O_NOCTTY, O_TRUNC; an executable opened by exec also shows 0x20"}
          - {id: f_credref, type: s4, -orig-id: "f_credref", doc: "credentials it was opened with: a CRED object"}
          - {id: f_pos, type: u8, -orig-id: "f_pos", doc: "position at which the next read or write starts"}
          - {id: f_version, type: u8, -orig-id: "f_version", doc: "the kernel's change counter of the open file"}
          - {id: f_secref, type: s4, -orig-id: "f_secref", doc: "label of the file: a SECURITY object, 0 for none"}
          - {id: pad_44, size: 4}
          - {id: trailing, size-eos: true}
      ckpt_hdr_file_pipe_r03:
        doc: "FILE (R03–R18). SPEC.md §3.9"
        seq:
          - {id: f_type, type: u4, enum: file_type, -orig-id: "f_type", doc: "file type, decides the struct that is used"}
          - {id: f_mode, type: u4, -orig-id: "f_mode", doc: "FMODE bits: 1 read, 2 write, 4 lseek, 8 pread, 16 pwrite, …"}
          - {id: f_flags, type: u4, -orig-id: "f_flags", doc: "open flags of that architecture (ARM: O_LARGEFILE 0x20000), without O_CREAT, O_EXCL, O_NOCTTY, O_TRUNC; an executable opened by exec also shows 0x20"}
          - {id: f_credref, type: s4, -orig-id: "f_credref", doc: "credentials it was opened with: a CRED object"}
          - {id: f_pos, type: u8, -orig-id: "f_pos", doc: "position at which the next read or write starts"}
          - {id: f_version, type: u8, -orig-id: "f_version", doc: "the kernel's change counter of the open file"}
          - {id: f_secref, type: s4, -orig-id: "f_secref", doc: "label of the file: a SECURITY object, 0 for none"}
          - {id: pad_44, size: 4}
          - {id: pipe_objref, type: s4, -orig-id: "pipe_objref", doc: "implicit INODE object that both ends name; the first to be met carries the contents"}
          - {id: pad_52, size: 4}
          - {id: trailing, size-eos: true}
      ckpt_hdr_file_socket_r03:
        doc: "FILE (R03–R18). SPEC.md §3.9"
        seq:
          - {id: f_type, type: u4, enum: file_type, -orig-id: "f_type", doc: "file type, decides the struct that is used"}
          - {id: f_mode, type: u4, -orig-id: "f_mode", doc: "FMODE bits: 1 read, 2 write, 4 lseek, 8 pread, 16 pwrite, …"}
          - {id: f_flags, type: u4, -orig-id: "f_flags", doc: "open flags of that architecture (ARM: O_LARGEFILE 0x20000), without O_CREAT, O_EXCL, O_NOCTTY, O_TRUNC; an executable opened by exec also shows 0x20"}
          - {id: f_credref, type: s4, -orig-id: "f_credref", doc: "credentials it was opened with: a CRED object"}
          - {id: f_pos, type: u8, -orig-id: "f_pos", doc: "position at which the next read or write starts"}
          - {id: f_version, type: u8, -orig-id: "f_version", doc: "the kernel's change counter of the open file"}
          - {id: f_secref, type: s4, -orig-id: "f_secref", doc: "label of the file: a SECURITY object, 0 for none"}
          - {id: pad_44, size: 4}
          - {id: sock_objref, type: s4, -orig-id: "sock_objref", doc: "the socket: a SOCK object"}
          - {id: pad_52, size: 4}
          - {id: trailing, size-eos: true}
      ckpt_hdr_file_tty_r03:
        doc: "FILE (R03–R18). SPEC.md §3.9"
        seq:
          - {id: f_type, type: u4, enum: file_type, -orig-id: "f_type", doc: "file type, decides the struct that is used"}
          - {id: f_mode, type: u4, -orig-id: "f_mode", doc: "FMODE bits: 1 read, 2 write, 4 lseek, 8 pread, 16 pwrite, …"}
          - {id: f_flags, type: u4, -orig-id: "f_flags", doc: "open flags of that architecture (ARM: O_LARGEFILE 0x20000), without O_CREAT, O_EXCL, O_NOCTTY, O_TRUNC; an executable opened by exec also shows 0x20"}
          - {id: f_credref, type: s4, -orig-id: "f_credref", doc: "credentials it was opened with: a CRED object"}
          - {id: f_pos, type: u8, -orig-id: "f_pos", doc: "position at which the next read or write starts"}
          - {id: f_version, type: u8, -orig-id: "f_version", doc: "the kernel's change counter of the open file"}
          - {id: f_secref, type: s4, -orig-id: "f_secref", doc: "label of the file: a SECURITY object, 0 for none"}
          - {id: pad_44, size: 4}
          - {id: tty_objref, type: s4, -orig-id: "tty_objref", doc: "this end of the terminal: a TTY object"}
          - {id: pad_52, size: 4}
          - {id: trailing, size-eos: true}
      ckpt_hdr_file_eventfd_r03:
        doc: "FILE (R03–R18). SPEC.md §3.9"
        seq:
          - {id: f_type, type: u4, enum: file_type, -orig-id: "f_type", doc: "file type, decides the struct that is used"}
          - {id: f_mode, type: u4, -orig-id: "f_mode", doc: "FMODE bits: 1 read, 2 write, 4 lseek, 8 pread, 16 pwrite, …"}
          - {id: f_flags, type: u4, -orig-id: "f_flags", doc: "open flags of that architecture (ARM: O_LARGEFILE 0x20000), without O_CREAT, O_EXCL, O_NOCTTY, O_TRUNC; an executable opened by exec also shows 0x20"}
          - {id: f_credref, type: s4, -orig-id: "f_credref", doc: "credentials it was opened with: a CRED object"}
          - {id: f_pos, type: u8, -orig-id: "f_pos", doc: "position at which the next read or write starts"}
          - {id: f_version, type: u8, -orig-id: "f_version", doc: "the kernel's change counter of the open file"}
          - {id: f_secref, type: s4, -orig-id: "f_secref", doc: "label of the file: a SECURITY object, 0 for none"}
          - {id: pad_44, size: 4}
          - {id: count, type: u8, -orig-id: "count", doc: "value of the event counter"}
          - {id: flags, type: u4, -orig-id: "flags", doc: "semaphore mode and other EFD_ flags"}
          - {id: pad_60, size: 4}
          - {id: trailing, size-eos: true}
      ckpt_hdr_file_r03:
        doc: "FILE (R03–R18). SPEC.md §3.9"
        seq:
          - {id: f_type, type: u4, enum: file_type, -orig-id: "f_type", doc: "file type, decides the struct that is used"}
          - {id: f_mode, type: u4, -orig-id: "f_mode", doc: "FMODE bits: 1 read, 2 write, 4 lseek, 8 pread, 16 pwrite, …"}
          - {id: f_flags, type: u4, -orig-id: "f_flags", doc: "open flags of that architecture (ARM: O_LARGEFILE 0x20000), without O_CREAT, O_EXCL, O_NOCTTY, O_TRUNC; an executable opened by exec also shows 0x20"}
          - {id: f_credref, type: s4, -orig-id: "f_credref", doc: "credentials it was opened with: a CRED object"}
          - {id: f_pos, type: u8, -orig-id: "f_pos", doc: "position at which the next read or write starts"}
          - {id: f_version, type: u8, -orig-id: "f_version", doc: "the kernel's change counter of the open file"}
          - {id: f_secref, type: s4, -orig-id: "f_secref", doc: "label of the file: a SECURITY object, 0 for none"}
          - {id: pad_44, size: 4}
          - {id: trailing, size-eos: true}
      ckpt_pipe_buf:
        doc: "PIPE_BUF (R01–R18). SPEC.md §2.3"
        seq:
          - {id: data, size-eos: true, -orig-id: "data", doc: "bytes in the pipe"}
      ckpt_hdr_tty_r01:
        doc: "TTY (R01–R13 ARM, x86, s390x). SPEC.md §3.10"
        seq:
          - {id: driver_type, type: u2, enum: terminal_type, -orig-id: "driver_type", doc: "4 = pty (only one supported)"}
          - {id: driver_subtype, type: u2, enum: pty_end, -orig-id: "driver_subtype", doc: "1 master, 2 slave"}
          - {id: link_objref, type: s4, -orig-id: "link_objref", doc: "TTY object of the other end; 0 in the master's record"}
          - {id: file_objref, type: s4, -orig-id: "file_objref", doc: "reserved FILE object number (master), else 0"}
          - {id: padding, type: u4, -orig-id: "_padding", doc: "unused, 0"}
          - {id: index, type: u4, -orig-id: "index", doc: "number of the pty, as in /dev/pts"}
          - {id: ldisc, type: u4, -orig-id: "ldisc", doc: "line discipline: 0 is N_TTY, the only one supported"}
          - {id: flags, type: u8, -orig-id: "flags", doc: "flag bits of the kernel's tty_struct"}
          - {id: termios_c_iflag, type: u2, -orig-id: "termios.c_iflag", doc: "input modes"}
          - {id: termios_c_oflag, type: u2, -orig-id: "termios.c_oflag", doc: "output modes"}
          - {id: termios_c_cflag, type: u2, -orig-id: "termios.c_cflag", doc: "control modes"}
          - {id: termios_c_lflag, type: u2, -orig-id: "termios.c_lflag", doc: "local modes"}
          - {id: termios_c_line, type: u1, -orig-id: "termios.c_line", doc: "line discipline"}
          - {id: termios_c_cc, size: 8, -orig-id: "termios.c_cc", doc: "control characters"}
          - {id: pad_57, size: 7}
          - {id: winsize_ws_row, type: u2, -orig-id: "winsize.ws_row", doc: "rows"}
          - {id: winsize_ws_col, type: u2, -orig-id: "winsize.ws_col", doc: "columns"}
          - {id: winsize_ws_xpixel, type: u2, -orig-id: "winsize.ws_xpixel", doc: "width in pixels"}
          - {id: winsize_ws_ypixel, type: u2, -orig-id: "winsize.ws_ypixel", doc: "height in pixels"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_tty_powerpc_r01:
        doc: "TTY (R01–R13 powerpc). SPEC.md §3.10"
        seq:
          - {id: driver_type, type: u2, enum: terminal_type, -orig-id: "driver_type", doc: "4 = pty (only one supported)"}
          - {id: driver_subtype, type: u2, enum: pty_end, -orig-id: "driver_subtype", doc: "1 master, 2 slave"}
          - {id: link_objref, type: s4, -orig-id: "link_objref", doc: "TTY object of the other end; 0 in the master's record"}
          - {id: file_objref, type: s4, -orig-id: "file_objref", doc: "reserved FILE object number (master), else 0"}
          - {id: padding, type: u4, -orig-id: "_padding", doc: "unused, 0"}
          - {id: index, type: u4, -orig-id: "index", doc: "number of the pty, as in /dev/pts"}
          - {id: ldisc, type: u4, -orig-id: "ldisc", doc: "line discipline: 0 is N_TTY, the only one supported"}
          - {id: flags, type: u8, -orig-id: "flags", doc: "flag bits of the kernel's tty_struct"}
          - {id: termios_c_iflag, type: u2, -orig-id: "termios.c_iflag", doc: "input modes"}
          - {id: termios_c_oflag, type: u2, -orig-id: "termios.c_oflag", doc: "output modes"}
          - {id: termios_c_cflag, type: u2, -orig-id: "termios.c_cflag", doc: "control modes"}
          - {id: termios_c_lflag, type: u2, -orig-id: "termios.c_lflag", doc: "local modes"}
          - {id: termios_c_line, type: u1, -orig-id: "termios.c_line", doc: "line discipline"}
          - {id: termios_c_cc, size: 10, -orig-id: "termios.c_cc", doc: "control characters"}
          - {id: pad_59, size: 5}
          - {id: winsize_ws_row, type: u2, -orig-id: "winsize.ws_row", doc: "rows"}
          - {id: winsize_ws_col, type: u2, -orig-id: "winsize.ws_col", doc: "columns"}
          - {id: winsize_ws_xpixel, type: u2, -orig-id: "winsize.ws_xpixel", doc: "width in pixels"}
          - {id: winsize_ws_ypixel, type: u2, -orig-id: "winsize.ws_ypixel", doc: "height in pixels"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_tty_r14:
        doc: "TTY (R14–R18). SPEC.md §3.10"
        seq:
          - {id: driver_type, type: u2, enum: terminal_type, -orig-id: "driver_type", doc: "4 = pty (only one supported)"}
          - {id: driver_subtype, type: u2, enum: pty_end, -orig-id: "driver_subtype", doc: "1 master, 2 slave"}
          - {id: link_objref, type: s4, -orig-id: "link_objref", doc: "TTY object of the other end; 0 in the master's record"}
          - {id: file_objref, type: s4, -orig-id: "file_objref", doc: "reserved FILE object number (master), else 0"}
          - {id: padding, type: u4, -orig-id: "_padding", doc: "unused, 0"}
          - {id: index, type: u4, -orig-id: "index", doc: "number of the pty, as in /dev/pts"}
          - {id: ldisc, type: u4, -orig-id: "ldisc", doc: "line discipline: 0 is N_TTY, the only one supported"}
          - {id: flags, type: u8, -orig-id: "flags", doc: "flag bits of the kernel's tty_struct"}
          - {id: termios_c_iflag, type: u4, -orig-id: "termios.c_iflag", doc: "input modes"}
          - {id: termios_c_oflag, type: u4, -orig-id: "termios.c_oflag", doc: "output modes"}
          - {id: termios_c_cflag, type: u4, -orig-id: "termios.c_cflag", doc: "control modes"}
          - {id: termios_c_lflag, type: u4, -orig-id: "termios.c_lflag", doc: "local modes"}
          - {id: termios_c_ispeed, type: u4, -orig-id: "termios.c_ispeed", doc: "input speed in baud"}
          - {id: termios_c_ospeed, type: u4, -orig-id: "termios.c_ospeed", doc: "output speed in baud"}
          - {id: termios_c_line, type: u1, -orig-id: "termios.c_line", doc: "line discipline"}
          - {id: termios_c_cc, size: 19, -orig-id: "termios.c_cc", doc: "control characters"}
          - {id: pad_84, size: 4}
          - {id: winsize_ws_row, type: u2, -orig-id: "winsize.ws_row", doc: "rows"}
          - {id: winsize_ws_col, type: u2, -orig-id: "winsize.ws_col", doc: "columns"}
          - {id: winsize_ws_xpixel, type: u2, -orig-id: "winsize.ws_xpixel", doc: "width in pixels"}
          - {id: winsize_ws_ypixel, type: u2, -orig-id: "winsize.ws_ypixel", doc: "height in pixels"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_ldisc_n_tty:
        doc: "TTY_LDISC (R01–R18). SPEC.md §3.10"
        seq:
          - {id: column, type: u4, -orig-id: "column", doc: "output column"}
          - {id: datalen, type: u4, -orig-id: "datalen", doc: "unread bytes; a BUFFER of that size follows when > 0"}
          - {id: canon_column, type: u4, -orig-id: "canon_column", doc: "output column at the start of the edited line"}
          - {id: canon_datalen, type: u4, -orig-id: "canon_datalen", doc: "bytes of complete lines among the unread ones (INF)"}
          - {id: canon_data, type: u4, -orig-id: "canon_data", doc: "number of complete lines among the unread bytes"}
          - {id: minimum_to_wake, type: u2, -orig-id: "minimum_to_wake", doc: "unread bytes that wake a reader"}
          - {id: stopped, type: u1, -orig-id: "stopped", doc: "output is stopped"}
          - {id: hw_stopped, type: u1, -orig-id: "hw_stopped", doc: "output is stopped by the hardware"}
          - {id: flow_stopped, type: u1, -orig-id: "flow_stopped", doc: "output is stopped by flow control"}
          - {id: packet, type: u1, -orig-id: "packet", doc: "the master is in packet mode"}
          - {id: ctrl_status, type: u1, -orig-id: "ctrl_status", doc: "packet-mode status not yet read by the master"}
          - {id: lnext, type: u1, -orig-id: "lnext", doc: "the next character is taken literally"}
          - {id: erasing, type: u1, -orig-id: "erasing", doc: "an erase is being echoed"}
          - {id: raw, type: u1, -orig-id: "raw", doc: "no input character needs processing"}
          - {id: real_raw, type: u1, -orig-id: "real_raw", doc: "raw, and the driver may skip the line discipline"}
          - {id: icanon, type: u1, -orig-id: "icanon", doc: "line editing is on"}
          - {id: closing, type: u1, -orig-id: "closing", doc: "the last user is closing the terminal"}
          - {id: padding, size: 3, -orig-id: "padding", doc: "unused, 0"}
          - {id: read_flags, size: 512, -orig-id: "read_flags", doc: "bit per byte of the input buffer: set at the end of a line"}
          - {id: pad_556, size: 4}
          - {id: trailing, size-eos: true}
      ckpt_hdr_eventpoll_items:
        doc: "EPOLL_ITEMS (R02–R18). SPEC.md §3.9"
        seq:
          - {id: epfile_objref, type: s4, -orig-id: "epfile_objref", doc: "the epoll file: a FILE object"}
          - {id: num_items, type: u4, -orig-id: "num_items", doc: "number of items in the BUFFER that follows; without items there is none"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_fs_r06:
        doc: "FS (R06–R12). SPEC.md §3.9"
        seq:
          - {id: trailing, size-eos: true}
      ckpt_hdr_fs_r13:
        doc: "FS (R13–R18). SPEC.md §3.9"
        seq:
          - {id: umask, type: u4, -orig-id: "umask", doc: "file mode creation mask"}
          - {id: pad_12, size: 4}
          - {id: trailing, size-eos: true}
      ckpt_hdr_ipc:
        doc: "IPC (R01–R18). SPEC.md §3.12"
        seq:
          - {id: ipc_type, type: u4, -orig-id: "ipc_type", doc: "record number of the members: 502, 503 or 505"}
          - {id: ipc_count, type: u4, -orig-id: "ipc_count", doc: "number of members that follow"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_ipc_shm_r01:
        doc: "IPC_SHM (R01–R02). SPEC.md §3.12"
        seq:
          - {id: perms_h_type, type: u4, -orig-id: "perms.h.type", doc: "record number"}
          - {id: perms_h_len, type: u4, -orig-id: "perms.h.len", doc: "length of the record, these eight bytes included"}
          - {id: perms_id, type: s4, -orig-id: "perms.id", doc: "identifier that the calls use, ≥ 0"}
          - {id: perms_key, type: u4, -orig-id: "perms.key", doc: "key by which programs find the object, 0 for a private one"}
          - {id: perms_uid, type: u4, -orig-id: "perms.uid", doc: "user id of the owner"}
          - {id: perms_gid, type: u4, -orig-id: "perms.gid", doc: "group id of the owner"}
          - {id: perms_cuid, type: u4, -orig-id: "perms.cuid", doc: "user id of the creator"}
          - {id: perms_cgid, type: u4, -orig-id: "perms.cgid", doc: "group id of the creator"}
          - {id: perms_mode, type: u4, -orig-id: "perms.mode", doc: "permissions"}
          - {id: perms_padding, type: u4, -orig-id: "perms._padding", doc: "unused, 0"}
          - {id: perms_seq, type: u8, -orig-id: "perms.seq", doc: "sequence number of the id"}
          - {id: shm_segsz, type: u8, -orig-id: "shm_segsz", doc: "size of the segment"}
          - {id: shm_atim, type: u8, -orig-id: "shm_atim", doc: "last attach"}
          - {id: shm_dtim, type: u8, -orig-id: "shm_dtim", doc: "last detach"}
          - {id: shm_ctim, type: u8, -orig-id: "shm_ctim", doc: "last change"}
          - {id: shm_cprid, type: s4, -orig-id: "shm_cprid", doc: "pid of the creator"}
          - {id: shm_lprid, type: s4, -orig-id: "shm_lprid", doc: "pid of the last operator"}
          - {id: mlock_uid, type: u4, -orig-id: "mlock_uid", doc: "owner of the lock; 0xffffffff = not locked (others refused)"}
          - {id: flags, type: u4, -orig-id: "flags", doc: "SHM_NORESERVE 0x1000, SHM_HUGETLB 0x800; others are refused"}
          - {id: objref, type: u4, -orig-id: "objref", doc: "implicit INODE object of the segment; a VMA that maps it names the same"}
          - {id: pad_108, size: 4}
          - {id: trailing, size-eos: true}
      ckpt_hdr_ipc_shm_r03:
        doc: "IPC_SHM (R03–R15). SPEC.md §3.12"
        seq:
          - {id: perms_h_type, type: u4, -orig-id: "perms.h.type", doc: "record number"}
          - {id: perms_h_len, type: u4, -orig-id: "perms.h.len", doc: "length of the record, these eight bytes included"}
          - {id: perms_id, type: s4, -orig-id: "perms.id", doc: "identifier that the calls use, ≥ 0"}
          - {id: perms_key, type: u4, -orig-id: "perms.key", doc: "key by which programs find the object, 0 for a private one"}
          - {id: perms_uid, type: u4, -orig-id: "perms.uid", doc: "user id of the owner"}
          - {id: perms_gid, type: u4, -orig-id: "perms.gid", doc: "group id of the owner"}
          - {id: perms_cuid, type: u4, -orig-id: "perms.cuid", doc: "user id of the creator"}
          - {id: perms_cgid, type: u4, -orig-id: "perms.cgid", doc: "group id of the creator"}
          - {id: perms_mode, type: u4, -orig-id: "perms.mode", doc: "permissions"}
          - {id: perms_padding, type: u4, -orig-id: "perms._padding", doc: "unused, 0"}
          - {id: perms_seq, type: u8, -orig-id: "perms.seq", doc: "sequence number of the id"}
          - {id: perms_sec_ref, type: s4, -orig-id: "perms.sec_ref", doc: "label: a SECURITY object, 0 for none"}
          - {id: pad_60, size: 4}
          - {id: shm_segsz, type: u8, -orig-id: "shm_segsz", doc: "size of the segment"}
          - {id: shm_atim, type: u8, -orig-id: "shm_atim", doc: "last attach"}
          - {id: shm_dtim, type: u8, -orig-id: "shm_dtim", doc: "last detach"}
          - {id: shm_ctim, type: u8, -orig-id: "shm_ctim", doc: "last change"}
          - {id: shm_cprid, type: s4, -orig-id: "shm_cprid", doc: "pid of the creator"}
          - {id: shm_lprid, type: s4, -orig-id: "shm_lprid", doc: "pid of the last operator"}
          - {id: mlock_uid, type: u4, -orig-id: "mlock_uid", doc: "owner of the lock; 0xffffffff = not locked (others refused)"}
          - {id: flags, type: u4, -orig-id: "flags", doc: "SHM_NORESERVE 0x1000, SHM_HUGETLB 0x800; others are refused"}
          - {id: objref, type: u4, -orig-id: "objref", doc: "implicit INODE object of the segment; a VMA that maps it names the same"}
          - {id: pad_116, size: 4}
          - {id: trailing, size-eos: true}
      ckpt_hdr_ipc_shm_r16:
        doc: "IPC_SHM (R16–R18). SPEC.md §3.12"
        seq:
          - {id: perms_h_type, type: u4, -orig-id: "perms.h.type", doc: "record number"}
          - {id: perms_h_len, type: u4, -orig-id: "perms.h.len", doc: "length of the record, these eight bytes included"}
          - {id: perms_id, type: s4, -orig-id: "perms.id", doc: "identifier that the calls use, ≥ 0"}
          - {id: perms_key, type: u4, -orig-id: "perms.key", doc: "key by which programs find the object, 0 for a private one"}
          - {id: perms_uid, type: u4, -orig-id: "perms.uid", doc: "user id of the owner"}
          - {id: perms_gid, type: u4, -orig-id: "perms.gid", doc: "group id of the owner"}
          - {id: perms_cuid, type: u4, -orig-id: "perms.cuid", doc: "user id of the creator"}
          - {id: perms_cgid, type: u4, -orig-id: "perms.cgid", doc: "group id of the creator"}
          - {id: perms_mode, type: u4, -orig-id: "perms.mode", doc: "permissions"}
          - {id: perms_padding, type: u4, -orig-id: "perms._padding", doc: "unused, 0"}
          - {id: perms_seq, type: u8, -orig-id: "perms.seq", doc: "sequence number of the id"}
          - {id: perms_sec_ref, type: s4, -orig-id: "perms.sec_ref", doc: "label: a SECURITY object, 0 for none"}
          - {id: pad_60, size: 4}
          - {id: shm_segsz, type: u8, -orig-id: "shm_segsz", doc: "size of the segment"}
          - {id: shm_atim, type: u8, -orig-id: "shm_atim", doc: "last attach"}
          - {id: shm_dtim, type: u8, -orig-id: "shm_dtim", doc: "last detach"}
          - {id: shm_ctim, type: u8, -orig-id: "shm_ctim", doc: "last change"}
          - {id: shm_cprid, type: s4, -orig-id: "shm_cprid", doc: "pid of the creator"}
          - {id: shm_lprid, type: s4, -orig-id: "shm_lprid", doc: "pid of the last operator"}
          - {id: mlock_uid, type: u4, -orig-id: "mlock_uid", doc: "owner of the lock; 0xffffffff = not locked (others refused)"}
          - {id: flags, type: u4, -orig-id: "flags", doc: "SHM_NORESERVE 0x1000, SHM_HUGETLB 0x800; others are refused"}
          - {id: objref, type: u4, -orig-id: "objref", doc: "implicit INODE object of the segment; a VMA that maps it names the same"}
          - {id: shift, type: u2, -orig-id: "shift", doc: "log2 of the huge page size (UNCONFIRMED)"}
          - {id: pad_118, size: 2}
          - {id: trailing, size-eos: true}
      ckpt_hdr_ipc_msg_r01:
        doc: "IPC_MSG (R01–R02). SPEC.md §3.12"
        seq:
          - {id: perms_h_type, type: u4, -orig-id: "perms.h.type", doc: "record number"}
          - {id: perms_h_len, type: u4, -orig-id: "perms.h.len", doc: "length of the record, these eight bytes included"}
          - {id: perms_id, type: s4, -orig-id: "perms.id", doc: "identifier that the calls use, ≥ 0"}
          - {id: perms_key, type: u4, -orig-id: "perms.key", doc: "key by which programs find the object, 0 for a private one"}
          - {id: perms_uid, type: u4, -orig-id: "perms.uid", doc: "user id of the owner"}
          - {id: perms_gid, type: u4, -orig-id: "perms.gid", doc: "group id of the owner"}
          - {id: perms_cuid, type: u4, -orig-id: "perms.cuid", doc: "user id of the creator"}
          - {id: perms_cgid, type: u4, -orig-id: "perms.cgid", doc: "group id of the creator"}
          - {id: perms_mode, type: u4, -orig-id: "perms.mode", doc: "permissions"}
          - {id: perms_padding, type: u4, -orig-id: "perms._padding", doc: "unused, 0"}
          - {id: perms_seq, type: u8, -orig-id: "perms.seq", doc: "sequence number of the id"}
          - {id: q_stime, type: u8, -orig-id: "q_stime", doc: "last send"}
          - {id: q_rtime, type: u8, -orig-id: "q_rtime", doc: "last receive"}
          - {id: q_ctime, type: u8, -orig-id: "q_ctime", doc: "last change"}
          - {id: q_cbytes, type: u8, -orig-id: "q_cbytes", doc: "sum of the message sizes (verified)"}
          - {id: q_qnum, type: u8, -orig-id: "q_qnum", doc: "number of messages that follow"}
          - {id: q_qbytes, type: u8, -orig-id: "q_qbytes", doc: "bytes allowed on the queue"}
          - {id: q_lspid, type: s4, -orig-id: "q_lspid", doc: "pid of the last sender"}
          - {id: q_lrpid, type: s4, -orig-id: "q_lrpid", doc: "pid of the last receiver"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_ipc_msg_r03:
        doc: "IPC_MSG (R03–R18). SPEC.md §3.12"
        seq:
          - {id: perms_h_type, type: u4, -orig-id: "perms.h.type", doc: "record number"}
          - {id: perms_h_len, type: u4, -orig-id: "perms.h.len", doc: "length of the record, these eight bytes included"}
          - {id: perms_id, type: s4, -orig-id: "perms.id", doc: "identifier that the calls use, ≥ 0"}
          - {id: perms_key, type: u4, -orig-id: "perms.key", doc: "key by which programs find the object, 0 for a private one"}
          - {id: perms_uid, type: u4, -orig-id: "perms.uid", doc: "user id of the owner"}
          - {id: perms_gid, type: u4, -orig-id: "perms.gid", doc: "group id of the owner"}
          - {id: perms_cuid, type: u4, -orig-id: "perms.cuid", doc: "user id of the creator"}
          - {id: perms_cgid, type: u4, -orig-id: "perms.cgid", doc: "group id of the creator"}
          - {id: perms_mode, type: u4, -orig-id: "perms.mode", doc: "permissions"}
          - {id: perms_padding, type: u4, -orig-id: "perms._padding", doc: "unused, 0"}
          - {id: perms_seq, type: u8, -orig-id: "perms.seq", doc: "sequence number of the id"}
          - {id: perms_sec_ref, type: s4, -orig-id: "perms.sec_ref", doc: "label: a SECURITY object, 0 for none"}
          - {id: pad_60, size: 4}
          - {id: q_stime, type: u8, -orig-id: "q_stime", doc: "last send"}
          - {id: q_rtime, type: u8, -orig-id: "q_rtime", doc: "last receive"}
          - {id: q_ctime, type: u8, -orig-id: "q_ctime", doc: "last change"}
          - {id: q_cbytes, type: u8, -orig-id: "q_cbytes", doc: "sum of the message sizes (verified)"}
          - {id: q_qnum, type: u8, -orig-id: "q_qnum", doc: "number of messages that follow"}
          - {id: q_qbytes, type: u8, -orig-id: "q_qbytes", doc: "bytes allowed on the queue"}
          - {id: q_lspid, type: s4, -orig-id: "q_lspid", doc: "pid of the last sender"}
          - {id: q_lrpid, type: s4, -orig-id: "q_lrpid", doc: "pid of the last receiver"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_ipc_msg_msg_r01:
        doc: "IPC_MSG_MSG (R01–R02). SPEC.md §3.12"
        seq:
          - {id: m_type, type: s4, -orig-id: "m_type", doc: "message type that a receiver may select by, ≥ 1"}
          - {id: m_ts, type: u4, -orig-id: "m_ts", doc: "size of the text"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_ipc_msg_msg_r03:
        doc: "IPC_MSG_MSG (R03–R05). SPEC.md §3.12"
        seq:
          - {id: m_type, type: s4, -orig-id: "m_type", doc: "message type that a receiver may select by, ≥ 1"}
          - {id: m_ts, type: u4, -orig-id: "m_ts", doc: "size of the text"}
          - {id: sec_ref, type: s4, -orig-id: "sec_ref", doc: "label: a SECURITY object, 0 for none"}
          - {id: pad_20, size: 4}
          - {id: trailing, size-eos: true}
      ckpt_hdr_ipc_msg_msg_r06:
        doc: "IPC_MSG_MSG (R06–R18). SPEC.md §3.12"
        seq:
          - {id: m_type, type: s8, -orig-id: "m_type", doc: "message type that a receiver may select by, ≥ 1"}
          - {id: m_ts, type: u4, -orig-id: "m_ts", doc: "size of the text"}
          - {id: sec_ref, type: s4, -orig-id: "sec_ref", doc: "label: a SECURITY object, 0 for none"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_ipc_sem_r01:
        doc: "IPC_SEM (R01–R02). SPEC.md §3.12"
        seq:
          - {id: perms_h_type, type: u4, -orig-id: "perms.h.type", doc: "record number"}
          - {id: perms_h_len, type: u4, -orig-id: "perms.h.len", doc: "length of the record, these eight bytes included"}
          - {id: perms_id, type: s4, -orig-id: "perms.id", doc: "identifier that the calls use, ≥ 0"}
          - {id: perms_key, type: u4, -orig-id: "perms.key", doc: "key by which programs find the object, 0 for a private one"}
          - {id: perms_uid, type: u4, -orig-id: "perms.uid", doc: "user id of the owner"}
          - {id: perms_gid, type: u4, -orig-id: "perms.gid", doc: "group id of the owner"}
          - {id: perms_cuid, type: u4, -orig-id: "perms.cuid", doc: "user id of the creator"}
          - {id: perms_cgid, type: u4, -orig-id: "perms.cgid", doc: "group id of the creator"}
          - {id: perms_mode, type: u4, -orig-id: "perms.mode", doc: "permissions"}
          - {id: perms_padding, type: u4, -orig-id: "perms._padding", doc: "unused, 0"}
          - {id: perms_seq, type: u8, -orig-id: "perms.seq", doc: "sequence number of the id"}
          - {id: sem_otime, type: u8, -orig-id: "sem_otime", doc: "last operation"}
          - {id: sem_ctime, type: u8, -orig-id: "sem_ctime", doc: "last change"}
          - {id: sem_nsems, type: u4, -orig-id: "sem_nsems", doc: "number of semaphores in the BUFFER that follows"}
          - {id: pad_76, size: 4}
          - {id: trailing, size-eos: true}
      ckpt_hdr_ipc_sem_r03:
        doc: "IPC_SEM (R03–R18). SPEC.md §3.12"
        seq:
          - {id: perms_h_type, type: u4, -orig-id: "perms.h.type", doc: "record number"}
          - {id: perms_h_len, type: u4, -orig-id: "perms.h.len", doc: "length of the record, these eight bytes included"}
          - {id: perms_id, type: s4, -orig-id: "perms.id", doc: "identifier that the calls use, ≥ 0"}
          - {id: perms_key, type: u4, -orig-id: "perms.key", doc: "key by which programs find the object, 0 for a private one"}
          - {id: perms_uid, type: u4, -orig-id: "perms.uid", doc: "user id of the owner"}
          - {id: perms_gid, type: u4, -orig-id: "perms.gid", doc: "group id of the owner"}
          - {id: perms_cuid, type: u4, -orig-id: "perms.cuid", doc: "user id of the creator"}
          - {id: perms_cgid, type: u4, -orig-id: "perms.cgid", doc: "group id of the creator"}
          - {id: perms_mode, type: u4, -orig-id: "perms.mode", doc: "permissions"}
          - {id: perms_padding, type: u4, -orig-id: "perms._padding", doc: "unused, 0"}
          - {id: perms_seq, type: u8, -orig-id: "perms.seq", doc: "sequence number of the id"}
          - {id: perms_sec_ref, type: s4, -orig-id: "perms.sec_ref", doc: "label: a SECURITY object, 0 for none"}
          - {id: pad_60, size: 4}
          - {id: sem_otime, type: u8, -orig-id: "sem_otime", doc: "last operation"}
          - {id: sem_ctime, type: u8, -orig-id: "sem_ctime", doc: "last change"}
          - {id: sem_nsems, type: u4, -orig-id: "sem_nsems", doc: "number of semaphores in the BUFFER that follows"}
          - {id: pad_84, size: 4}
          - {id: trailing, size-eos: true}
      ckpt_hdr_task_sem_undo_list:
        doc: "TASK_SEM_UNDO_LIST (R13–R18). SPEC.md §3.12"
        seq:
          - {id: count, type: u4, -orig-id: "count", doc: "number of TASK_SEM_UNDO that follow"}
          - {id: pad_12, size: 4}
          - {id: trailing, size-eos: true}
      ckpt_hdr_task_sem_undo:
        doc: "TASK_SEM_UNDO (R13–R18). SPEC.md §3.12"
        seq:
          - {id: semid, type: u4, -orig-id: "semid", doc: "id of the semaphore set"}
          - {id: semadj_count, type: u4, -orig-id: "semadj_count", doc: "number of adjustments, in a BUFFER (UNCONFIRMED)"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_sighand:
        doc: "SIGHAND (R01–R18). SPEC.md §3"
        seq:
          - {id: action, type: ckpt_sigaction_32, repeat: expr, repeat-expr: nr_action, -orig-id: "action", doc: "one action per signal; index 0 is signal 1"}
          - {id: trailing, size-eos: true}
        instances:
          nr_action: {value: (_io.size - _io.pos) / 32, doc: as many as fit}
      ckpt_hdr_signal:
        doc: "SIGNAL (R01–R18). SPEC.md §3.11"
        seq:
          - {id: rlim, type: ckpt_rlimit_16, repeat: expr, repeat-expr: 16, -orig-id: "rlim", doc: "resource limits, by number"}
          - {id: it_real_value, type: u8, -orig-id: "it_real_value", doc: "time left of ITIMER_REAL, 0 if inactive"}
          - {id: it_real_incr, type: u8, -orig-id: "it_real_incr", doc: "period of ITIMER_REAL, 0 if it fires once"}
          - {id: it_virt_value, type: u8, -orig-id: "it_virt_value", doc: "time left of ITIMER_VIRTUAL, from the time used so far"}
          - {id: it_virt_incr, type: u8, -orig-id: "it_virt_incr", doc: "period of ITIMER_VIRTUAL"}
          - {id: it_prof_value, type: u8, -orig-id: "it_prof_value", doc: "time left of ITIMER_PROF, from the time used so far"}
          - {id: it_prof_incr, type: u8, -orig-id: "it_prof_incr", doc: "period of ITIMER_PROF"}
          - {id: tty_objref, type: s4, -orig-id: "tty_objref", doc: "TTY object of the controlling terminal; 0 = keep what is inherited"}
          - {id: tty_pgrp, type: s4, -orig-id: "tty_pgrp", doc: "foreground group of the terminal"}
          - {id: tty_old_pgrp, type: s4, -orig-id: "tty_old_pgrp", doc: "remembered group; CKPT_PID_NULL = none"}
          - {id: pad_324, size: 4}
          - {id: trailing, size-eos: true}
      ckpt_hdr_signal_task:
        doc: "SIGNAL_TASK (R01–R18). SPEC.md §3.11"
        seq:
          - {id: blocked_sigset, size: 8, -orig-id: "blocked.sigset", doc: "raw bytes of the kernel sigset: bit n - 1 is signal n"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_sigpending_r01:
        doc: "SIGPENDING (R01–R12). SPEC.md §3.11"
        seq:
          - {id: nr_pending, type: u4, -orig-id: "nr_pending", doc: "number of queued signals"}
          - {id: pad_12, size: 4}
          - {id: signal_sigset, size: 8, -orig-id: "signal.sigset", doc: "raw bytes of the kernel sigset: bit n - 1 is signal n"}
          - {id: siginfo, type: ckpt_siginfo_48, repeat: expr, repeat-expr: nr_pending, -orig-id: "siginfo", doc: "the queued signals, oldest first"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_sigpending_r13:
        doc: "SIGPENDING (R13–R18). SPEC.md §3.11"
        seq:
          - {id: nr_pending, type: u4, -orig-id: "nr_pending", doc: "number of queued signals"}
          - {id: pad_12, size: 4}
          - {id: signal_sigset, size: 8, -orig-id: "signal.sigset", doc: "raw bytes of the kernel sigset: bit n - 1 is signal n"}
          - {id: siginfo, type: ckpt_siginfo_88, repeat: expr, repeat-expr: nr_pending, -orig-id: "siginfo", doc: "the queued signals, oldest first"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_socket_r01:
        doc: "SOCKET (R01–R12 ARM, x86-64, s390x, powerpc). SPEC.md §3.13"
        seq:
          - {id: socket_flags, type: u8, -orig-id: "socket.flags", doc: "flag bits of the kernel's struct socket"}
          - {id: socket_state, type: u1, enum: socket_state, -orig-id: "socket.state", doc: "SS_FREE 0, UNCONNECTED 1, CONNECTING 2, CONNECTED 3, DISCONNECTING 4"}
          - {id: pad_17, size: 7}
          - {id: sock_common_bound_dev_if, type: u4, -orig-id: "sock_common.bound_dev_if", doc: "index of the device the socket is bound to, 0 for none"}
          - {id: sock_common_reuse, type: u4, -orig-id: "sock_common.reuse", doc: "SO_REUSEADDR is set"}
          - {id: sock_common_family, type: u2, enum: address_family, -orig-id: "sock_common.family", doc: "1 AF_UNIX, 2 AF_INET, 10 AF_INET6"}
          - {id: sock_common_state, type: u1, -orig-id: "sock_common.state", doc: "never filled (0)"}
          - {id: pad_35, size: 1}
          - {id: pad_36, size: 4}
          - {id: sock_rcvlowat, type: s8, -orig-id: "sock.rcvlowat", doc: "SO_RCVLOWAT (low 4 bytes are written)"}
          - {id: sock_flags, type: u8, -orig-id: "sock.flags", doc: "sk_flags bit mask of the kernel"}
          - {id: sock_rcvtimeo, type: s8, -orig-id: "sock.rcvtimeo", doc: "SO_RCVTIMEO, how long a receive waits"}
          - {id: sock_sndtimeo, type: s8, -orig-id: "sock.sndtimeo", doc: "SO_SNDTIMEO, how long a send waits"}
          - {id: sock_err, type: u4, -orig-id: "sock.err", doc: "error that the next call reports"}
          - {id: sock_err_soft, type: u4, -orig-id: "sock.err_soft", doc: "error that does not end the connection"}
          - {id: sock_priority, type: u4, -orig-id: "sock.priority", doc: "SO_PRIORITY of sent packets"}
          - {id: sock_rcvbuf, type: s4, -orig-id: "sock.rcvbuf", doc: "SO_RCVBUF halved, unless it is the kernel's minimum"}
          - {id: sock_sndbuf, type: s4, -orig-id: "sock.sndbuf", doc: "SO_SNDBUF halved, unless it is the kernel's minimum"}
          - {id: sock_type, type: u2, enum: socket_type, -orig-id: "sock.type", doc: "1 stream, 2 dgram, 5 seqpacket; extra flag bits are dropped by readers"}
          - {id: sock_backlog, type: s2, -orig-id: "sock.backlog", doc: "connections that may wait for accept"}
          - {id: sock_protocol, type: u1, enum: protocol, -orig-id: "sock.protocol", doc: "6 TCP, 17 UDP, 0 unix"}
          - {id: sock_state, type: u1, enum: protocol_state, -orig-id: "sock.state", doc: "TCP_ESTABLISHED 1 … CLOSE 7 … LISTEN 10, < 12"}
          - {id: sock_shutdown, type: u1, -orig-id: "sock.shutdown", doc: "bit 0: no more receiving, bit 1: no more sending"}
          - {id: sock_userlocks, type: u1, -orig-id: "sock.userlocks", doc: "settings that the program made and the kernel must not tune"}
          - {id: sock_no_check, type: u1, -orig-id: "sock.no_check", doc: "checksums are off"}
          - {id: pad_101, size: 3}
          - {id: sock_linger_l_onoff, type: s4, -orig-id: "sock.linger.l_onoff", doc: "close waits for unsent data"}
          - {id: sock_linger_l_linger, type: s4, -orig-id: "sock.linger.l_linger", doc: "how long"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_socket_x86_32_r01:
        doc: "SOCKET (R01–R12 x86-32). SPEC.md §3.13"
        seq:
          - {id: socket_flags, type: u8, -orig-id: "socket.flags", doc: "flag bits of the kernel's struct socket"}
          - {id: socket_state, type: u1, enum: socket_state, -orig-id: "socket.state", doc: "SS_FREE 0, UNCONNECTED 1, CONNECTING 2, CONNECTED 3, DISCONNECTING 4"}
          - {id: pad_17, size: 3}
          - {id: pad_20, size: 4}
          - {id: sock_common_bound_dev_if, type: u4, -orig-id: "sock_common.bound_dev_if", doc: "index of the device the socket is bound to, 0 for none"}
          - {id: sock_common_reuse, type: u4, -orig-id: "sock_common.reuse", doc: "SO_REUSEADDR is set"}
          - {id: sock_common_family, type: u2, enum: address_family, -orig-id: "sock_common.family", doc: "1 AF_UNIX, 2 AF_INET, 10 AF_INET6"}
          - {id: sock_common_state, type: u1, -orig-id: "sock_common.state", doc: "never filled (0)"}
          - {id: pad_35, size: 1}
          - {id: pad_36, size: 4}
          - {id: sock_rcvlowat, type: s8, -orig-id: "sock.rcvlowat", doc: "SO_RCVLOWAT (low 4 bytes are written)"}
          - {id: sock_flags, type: u8, -orig-id: "sock.flags", doc: "sk_flags bit mask of the kernel"}
          - {id: sock_rcvtimeo, type: s8, -orig-id: "sock.rcvtimeo", doc: "SO_RCVTIMEO, how long a receive waits"}
          - {id: sock_sndtimeo, type: s8, -orig-id: "sock.sndtimeo", doc: "SO_SNDTIMEO, how long a send waits"}
          - {id: sock_err, type: u4, -orig-id: "sock.err", doc: "error that the next call reports"}
          - {id: sock_err_soft, type: u4, -orig-id: "sock.err_soft", doc: "error that does not end the connection"}
          - {id: sock_priority, type: u4, -orig-id: "sock.priority", doc: "SO_PRIORITY of sent packets"}
          - {id: sock_rcvbuf, type: s4, -orig-id: "sock.rcvbuf", doc: "SO_RCVBUF halved, unless it is the kernel's minimum"}
          - {id: sock_sndbuf, type: s4, -orig-id: "sock.sndbuf", doc: "SO_SNDBUF halved, unless it is the kernel's minimum"}
          - {id: sock_type, type: u2, enum: socket_type, -orig-id: "sock.type", doc: "1 stream, 2 dgram, 5 seqpacket; extra flag bits are dropped by readers"}
          - {id: sock_backlog, type: s2, -orig-id: "sock.backlog", doc: "connections that may wait for accept"}
          - {id: sock_protocol, type: u1, enum: protocol, -orig-id: "sock.protocol", doc: "6 TCP, 17 UDP, 0 unix"}
          - {id: sock_state, type: u1, enum: protocol_state, -orig-id: "sock.state", doc: "TCP_ESTABLISHED 1 … CLOSE 7 … LISTEN 10, < 12"}
          - {id: sock_shutdown, type: u1, -orig-id: "sock.shutdown", doc: "bit 0: no more receiving, bit 1: no more sending"}
          - {id: sock_userlocks, type: u1, -orig-id: "sock.userlocks", doc: "settings that the program made and the kernel must not tune"}
          - {id: sock_no_check, type: u1, -orig-id: "sock.no_check", doc: "checksums are off"}
          - {id: pad_101, size: 3}
          - {id: sock_linger_l_onoff, type: s4, -orig-id: "sock.linger.l_onoff", doc: "close waits for unsent data"}
          - {id: sock_linger_l_linger, type: s4, -orig-id: "sock.linger.l_linger", doc: "how long"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_socket_r13:
        doc: "SOCKET (R13–R18 ARM, x86-64, s390x, powerpc). SPEC.md §3.13"
        seq:
          - {id: has_buffers, type: u1, -orig-id: "has_buffers", doc: "UNCONFIRMED: non-zero when two SOCKET_QUEUE groups follow later"}
          - {id: pad_9, size: 7}
          - {id: socket_flags, type: u8, -orig-id: "socket.flags", doc: "flag bits of the kernel's struct socket"}
          - {id: socket_state, type: u1, enum: socket_state, -orig-id: "socket.state", doc: "SS_FREE 0, UNCONNECTED 1, CONNECTING 2, CONNECTED 3, DISCONNECTING 4"}
          - {id: pad_25, size: 7}
          - {id: sock_common_bound_dev_if, type: u4, -orig-id: "sock_common.bound_dev_if", doc: "index of the device the socket is bound to, 0 for none"}
          - {id: sock_common_reuse, type: u4, -orig-id: "sock_common.reuse", doc: "SO_REUSEADDR is set"}
          - {id: sock_common_family, type: u2, enum: address_family, -orig-id: "sock_common.family", doc: "1 AF_UNIX, 2 AF_INET, 10 AF_INET6"}
          - {id: sock_common_state, type: u1, -orig-id: "sock_common.state", doc: "never filled (0)"}
          - {id: pad_43, size: 1}
          - {id: pad_44, size: 4}
          - {id: sock_rcvlowat, type: s8, -orig-id: "sock.rcvlowat", doc: "SO_RCVLOWAT (low 4 bytes are written)"}
          - {id: sock_flags, type: u8, -orig-id: "sock.flags", doc: "sk_flags bit mask of the kernel"}
          - {id: sock_rcvtimeo, type: s8, -orig-id: "sock.rcvtimeo", doc: "SO_RCVTIMEO, how long a receive waits"}
          - {id: sock_sndtimeo, type: s8, -orig-id: "sock.sndtimeo", doc: "SO_SNDTIMEO, how long a send waits"}
          - {id: sock_err, type: u4, -orig-id: "sock.err", doc: "error that the next call reports"}
          - {id: sock_err_soft, type: u4, -orig-id: "sock.err_soft", doc: "error that does not end the connection"}
          - {id: sock_priority, type: u4, -orig-id: "sock.priority", doc: "SO_PRIORITY of sent packets"}
          - {id: sock_rcvbuf, type: s4, -orig-id: "sock.rcvbuf", doc: "SO_RCVBUF halved, unless it is the kernel's minimum"}
          - {id: sock_sndbuf, type: s4, -orig-id: "sock.sndbuf", doc: "SO_SNDBUF halved, unless it is the kernel's minimum"}
          - {id: sock_type, type: u2, enum: socket_type, -orig-id: "sock.type", doc: "1 stream, 2 dgram, 5 seqpacket; extra flag bits are dropped by readers"}
          - {id: sock_backlog, type: s2, -orig-id: "sock.backlog", doc: "connections that may wait for accept"}
          - {id: sock_protocol, type: u1, enum: protocol, -orig-id: "sock.protocol", doc: "6 TCP, 17 UDP, 0 unix"}
          - {id: sock_state, type: u1, enum: protocol_state, -orig-id: "sock.state", doc: "TCP_ESTABLISHED 1 … CLOSE 7 … LISTEN 10, < 12"}
          - {id: sock_shutdown, type: u1, -orig-id: "sock.shutdown", doc: "bit 0: no more receiving, bit 1: no more sending"}
          - {id: sock_userlocks, type: u1, -orig-id: "sock.userlocks", doc: "settings that the program made and the kernel must not tune"}
          - {id: sock_no_check, type: u1, -orig-id: "sock.no_check", doc: "checksums are off"}
          - {id: pad_109, size: 3}
          - {id: sock_linger_l_onoff, type: s4, -orig-id: "sock.linger.l_onoff", doc: "close waits for unsent data"}
          - {id: sock_linger_l_linger, type: s4, -orig-id: "sock.linger.l_linger", doc: "how long"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_socket_x86_32_r13:
        doc: "SOCKET (R13–R18 x86-32). SPEC.md §3.13"
        seq:
          - {id: has_buffers, type: u1, -orig-id: "has_buffers", doc: "UNCONFIRMED: non-zero when two SOCKET_QUEUE groups follow later"}
          - {id: pad_9, size: 7}
          - {id: socket_flags, type: u8, -orig-id: "socket.flags", doc: "flag bits of the kernel's struct socket"}
          - {id: socket_state, type: u1, enum: socket_state, -orig-id: "socket.state", doc: "SS_FREE 0, UNCONNECTED 1, CONNECTING 2, CONNECTED 3, DISCONNECTING 4"}
          - {id: pad_25, size: 3}
          - {id: pad_28, size: 4}
          - {id: sock_common_bound_dev_if, type: u4, -orig-id: "sock_common.bound_dev_if", doc: "index of the device the socket is bound to, 0 for none"}
          - {id: sock_common_reuse, type: u4, -orig-id: "sock_common.reuse", doc: "SO_REUSEADDR is set"}
          - {id: sock_common_family, type: u2, enum: address_family, -orig-id: "sock_common.family", doc: "1 AF_UNIX, 2 AF_INET, 10 AF_INET6"}
          - {id: sock_common_state, type: u1, -orig-id: "sock_common.state", doc: "never filled (0)"}
          - {id: pad_43, size: 1}
          - {id: pad_44, size: 4}
          - {id: sock_rcvlowat, type: s8, -orig-id: "sock.rcvlowat", doc: "SO_RCVLOWAT (low 4 bytes are written)"}
          - {id: sock_flags, type: u8, -orig-id: "sock.flags", doc: "sk_flags bit mask of the kernel"}
          - {id: sock_rcvtimeo, type: s8, -orig-id: "sock.rcvtimeo", doc: "SO_RCVTIMEO, how long a receive waits"}
          - {id: sock_sndtimeo, type: s8, -orig-id: "sock.sndtimeo", doc: "SO_SNDTIMEO, how long a send waits"}
          - {id: sock_err, type: u4, -orig-id: "sock.err", doc: "error that the next call reports"}
          - {id: sock_err_soft, type: u4, -orig-id: "sock.err_soft", doc: "error that does not end the connection"}
          - {id: sock_priority, type: u4, -orig-id: "sock.priority", doc: "SO_PRIORITY of sent packets"}
          - {id: sock_rcvbuf, type: s4, -orig-id: "sock.rcvbuf", doc: "SO_RCVBUF halved, unless it is the kernel's minimum"}
          - {id: sock_sndbuf, type: s4, -orig-id: "sock.sndbuf", doc: "SO_SNDBUF halved, unless it is the kernel's minimum"}
          - {id: sock_type, type: u2, enum: socket_type, -orig-id: "sock.type", doc: "1 stream, 2 dgram, 5 seqpacket; extra flag bits are dropped by readers"}
          - {id: sock_backlog, type: s2, -orig-id: "sock.backlog", doc: "connections that may wait for accept"}
          - {id: sock_protocol, type: u1, enum: protocol, -orig-id: "sock.protocol", doc: "6 TCP, 17 UDP, 0 unix"}
          - {id: sock_state, type: u1, enum: protocol_state, -orig-id: "sock.state", doc: "TCP_ESTABLISHED 1 … CLOSE 7 … LISTEN 10, < 12"}
          - {id: sock_shutdown, type: u1, -orig-id: "sock.shutdown", doc: "bit 0: no more receiving, bit 1: no more sending"}
          - {id: sock_userlocks, type: u1, -orig-id: "sock.userlocks", doc: "settings that the program made and the kernel must not tune"}
          - {id: sock_no_check, type: u1, -orig-id: "sock.no_check", doc: "checksums are off"}
          - {id: pad_109, size: 3}
          - {id: sock_linger_l_onoff, type: s4, -orig-id: "sock.linger.l_onoff", doc: "close waits for unsent data"}
          - {id: sock_linger_l_linger, type: s4, -orig-id: "sock.linger.l_linger", doc: "how long"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_socket_queue:
        doc: "SOCKET_QUEUE (R01–R18). SPEC.md §3.13"
        seq:
          - {id: skb_count, type: u4, -orig-id: "skb_count", doc: "number of buffers that follow"}
          - {id: total_bytes, type: u4, -orig-id: "total_bytes", doc: "bytes in all buffers together"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_socket_buffer_r01:
        doc: "SOCKET_BUFFER (R01–R03). SPEC.md §3.13"
        seq:
          - {id: sk_objref, type: s4, -orig-id: "sk_objref", doc: "SOCK object that owns the buffer"}
          - {id: pr_objref, type: s4, -orig-id: "pr_objref", doc: "SOCK object on whose queue it sits"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_socket_buffer_r04:
        doc: "SOCKET_BUFFER (R04–R18). SPEC.md §3.13"
        seq:
          - {id: transport_header, type: u4, -orig-id: "transport_header", doc: "offset from the start of the linear data"}
          - {id: network_header, type: u4, -orig-id: "network_header", doc: "offset from the start of the linear data"}
          - {id: mac_header, type: u4, -orig-id: "mac_header", doc: "offset from the start of the linear data"}
          - {id: lin_len, type: u4, -orig-id: "lin_len", doc: "length of the BUFFER that follows"}
          - {id: frg_len, type: u4, -orig-id: "frg_len", doc: "bytes held in fragments"}
          - {id: skb_len, type: u4, -orig-id: "skb_len", doc: "bytes of the whole buffer"}
          - {id: hdr_len, type: u4, -orig-id: "hdr_len", doc: "bytes in front of the payload"}
          - {id: mac_len, type: u4, -orig-id: "mac_len", doc: "bytes of the link-level header"}
          - {id: data_offset, type: u4, -orig-id: "data_offset", doc: "same as hdr_len"}
          - {id: sk_objref, type: s4, -orig-id: "sk_objref", doc: "SOCK object that owns the buffer"}
          - {id: pr_objref, type: s4, -orig-id: "pr_objref", doc: "SOCK object on whose queue it sits"}
          - {id: protocol, type: u2, -orig-id: "protocol", doc: "not filled (0)"}
          - {id: nr_frags, type: u2, -orig-id: "nr_frags", doc: "number of SOCKET_FRAG groups"}
          - {id: cb, size: 48, -orig-id: "cb", doc: "private control block, copied raw"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_socket_buffer_frag:
        doc: "SOCKET_FRAG (R04–R18). SPEC.md §3.13"
        seq:
          - {id: size, type: u4, -orig-id: "size", doc: "bytes used of the raw page that follows"}
          - {id: offset, type: u4, -orig-id: "offset", doc: "where in the page the used bytes start"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_socket_unix_r01:
        doc: "SOCKET_UNIX (R01–R12 ARM EABI, x86, s390x, powerpc). SPEC.md §3.13"
        seq:
          - {id: this_objref, type: s4, -orig-id: "this", doc: "this socket: a SOCK object"}
          - {id: peer, type: s4, -orig-id: "peer", doc: "the connected socket: a SOCK object, 0 for none"}
          - {id: peercred_uid, type: u4, -orig-id: "peercred_uid", doc: "user id of the peer"}
          - {id: peercred_gid, type: u4, -orig-id: "peercred_gid", doc: "group id of the peer"}
          - {id: flags, type: u4, -orig-id: "flags", doc: "bit 0: the bound path still exists"}
          - {id: laddr_len, type: u4, -orig-id: "laddr_len", doc: "bytes of laddr in use"}
          - {id: raddr_len, type: u4, -orig-id: "raddr_len", doc: "bytes of raddr in use"}
          - {id: laddr_sun_family, type: u2, enum: address_family, -orig-id: "laddr.sun_family"}
          - {id: laddr_sun_path, size: 108, -orig-id: "laddr.sun_path", doc: "path, or abstract name behind a NUL"}
          - {id: raddr_sun_family, type: u2, enum: address_family, -orig-id: "raddr.sun_family"}
          - {id: raddr_sun_path, size: 108, -orig-id: "raddr.sun_path", doc: "path, or abstract name behind a NUL"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_socket_unix_arm_old_abi_r01:
        doc: "SOCKET_UNIX (R01–R12 ARM old ABI). SPEC.md §3.13"
        seq:
          - {id: this_objref, type: s4, -orig-id: "this", doc: "this socket: a SOCK object"}
          - {id: peer, type: s4, -orig-id: "peer", doc: "the connected socket: a SOCK object, 0 for none"}
          - {id: peercred_uid, type: u4, -orig-id: "peercred_uid", doc: "user id of the peer"}
          - {id: peercred_gid, type: u4, -orig-id: "peercred_gid", doc: "group id of the peer"}
          - {id: flags, type: u4, -orig-id: "flags", doc: "bit 0: the bound path still exists"}
          - {id: laddr_len, type: u4, -orig-id: "laddr_len", doc: "bytes of laddr in use"}
          - {id: raddr_len, type: u4, -orig-id: "raddr_len", doc: "bytes of raddr in use"}
          - {id: laddr_sun_family, type: u2, enum: address_family, -orig-id: "laddr.sun_family"}
          - {id: laddr_sun_path, size: 108, -orig-id: "laddr.sun_path", doc: "path, or abstract name behind a NUL"}
          - {id: pad_146, size: 2}
          - {id: raddr_sun_family, type: u2, enum: address_family, -orig-id: "raddr.sun_family"}
          - {id: raddr_sun_path, size: 108, -orig-id: "raddr.sun_path", doc: "path, or abstract name behind a NUL"}
          - {id: pad_258, size: 2}
          - {id: pad_260, size: 4}
          - {id: trailing, size-eos: true}
      ckpt_hdr_socket_unix_r13:
        doc: "SOCKET_UNIX (R13–R18 ARM EABI, x86, s390x, powerpc). SPEC.md §3.13"
        seq:
          - {id: this_objref, type: s4, -orig-id: "this", doc: "this socket: a SOCK object"}
          - {id: peer, type: s4, -orig-id: "peer", doc: "the connected socket: a SOCK object, 0 for none"}
          - {id: peercred, type: s4, -orig-id: "peercred", doc: "UNCONFIRMED: object number of a CRED"}
          - {id: flags, type: u4, -orig-id: "flags", doc: "bit 0: the bound path still exists"}
          - {id: laddr_len, type: u4, -orig-id: "laddr_len", doc: "bytes of laddr in use"}
          - {id: raddr_len, type: u4, -orig-id: "raddr_len", doc: "bytes of raddr in use"}
          - {id: laddr_sun_family, type: u2, enum: address_family, -orig-id: "laddr.sun_family"}
          - {id: laddr_sun_path, size: 108, -orig-id: "laddr.sun_path", doc: "path, or abstract name behind a NUL"}
          - {id: raddr_sun_family, type: u2, enum: address_family, -orig-id: "raddr.sun_family"}
          - {id: raddr_sun_path, size: 108, -orig-id: "raddr.sun_path", doc: "path, or abstract name behind a NUL"}
          - {id: pad_252, size: 4}
          - {id: trailing, size-eos: true}
      ckpt_hdr_socket_unix_arm_old_abi_r13:
        doc: "SOCKET_UNIX (R13–R18 ARM old ABI). SPEC.md §3.13"
        seq:
          - {id: this_objref, type: s4, -orig-id: "this", doc: "this socket: a SOCK object"}
          - {id: peer, type: s4, -orig-id: "peer", doc: "the connected socket: a SOCK object, 0 for none"}
          - {id: peercred, type: s4, -orig-id: "peercred", doc: "UNCONFIRMED: object number of a CRED"}
          - {id: flags, type: u4, -orig-id: "flags", doc: "bit 0: the bound path still exists"}
          - {id: laddr_len, type: u4, -orig-id: "laddr_len", doc: "bytes of laddr in use"}
          - {id: raddr_len, type: u4, -orig-id: "raddr_len", doc: "bytes of raddr in use"}
          - {id: laddr_sun_family, type: u2, enum: address_family, -orig-id: "laddr.sun_family"}
          - {id: laddr_sun_path, size: 108, -orig-id: "laddr.sun_path", doc: "path, or abstract name behind a NUL"}
          - {id: pad_142, size: 2}
          - {id: raddr_sun_family, type: u2, enum: address_family, -orig-id: "raddr.sun_family"}
          - {id: raddr_sun_path, size: 108, -orig-id: "raddr.sun_path", doc: "path, or abstract name behind a NUL"}
          - {id: pad_254, size: 2}
          - {id: trailing, size-eos: true}
      ckpt_hdr_socket_inet_r01:
        doc: "SOCKET_INET (R01–R03). SPEC.md §3.13"
        seq:
          - {id: laddr_len, type: u4, -orig-id: "laddr_len", doc: "bytes of laddr in use: 16"}
          - {id: raddr_len, type: u4, -orig-id: "raddr_len", doc: "bytes of raddr in use: 16, or 0 when not connected"}
          - {id: laddr_sin_family, type: u2, enum: address_family, -orig-id: "laddr.sin_family"}
          - {id: laddr_sin_port, type: u2be, -orig-id: "laddr.sin_port", doc: "port, network order"}
          - {id: laddr_sin_addr, type: u4be, -orig-id: "laddr.sin_addr", doc: "IPv4 address, network order"}
          - {id: laddr_pad, size: 8, -orig-id: "laddr.__pad"}
          - {id: raddr_sin_family, type: u2, enum: address_family, -orig-id: "raddr.sin_family"}
          - {id: raddr_sin_port, type: u2be, -orig-id: "raddr.sin_port", doc: "port, network order"}
          - {id: raddr_sin_addr, type: u4be, -orig-id: "raddr.sin_addr", doc: "IPv4 address, network order"}
          - {id: raddr_pad, size: 8, -orig-id: "raddr.__pad"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_socket_inet_r04:
        doc: "SOCKET_INET (R04–R18). SPEC.md §3.13"
        seq:
          - {id: daddr, type: u4, -orig-id: "daddr", doc: "address of the peer, network order"}
          - {id: rcv_saddr, type: u4, -orig-id: "rcv_saddr", doc: "address that the socket is bound to, network order"}
          - {id: saddr, type: u4, -orig-id: "saddr", doc: "own address, network order"}
          - {id: dport, type: u2, -orig-id: "dport", doc: "port of the peer, network order"}
          - {id: num, type: u2, -orig-id: "num", doc: "own port, host order"}
          - {id: sport, type: u2, -orig-id: "sport", doc: "own port, network order"}
          - {id: uc_ttl, type: s2, -orig-id: "uc_ttl", doc: "time to live of sent packets; -1 is the default"}
          - {id: cmsg_flags, type: u2, -orig-id: "cmsg_flags", doc: "control messages that the program asked for"}
          - {id: pad_30, size: 2}
          - {id: icsk_ack_timeout, type: u8, -orig-id: "icsk_ack.timeout", doc: "when the delayed acknowledgement is due, in ticks"}
          - {id: icsk_ack_ato, type: u4, -orig-id: "icsk_ack.ato", doc: "current delay, in ticks"}
          - {id: icsk_ack_lrcvtime, type: u4, -orig-id: "icsk_ack.lrcvtime", doc: "when the last data segment came, in ticks"}
          - {id: icsk_ack_last_seg_size, type: u2, -orig-id: "icsk_ack.last_seg_size", doc: "size of the last segment received"}
          - {id: icsk_ack_rcv_mss, type: u2, -orig-id: "icsk_ack.rcv_mss", doc: "estimate of the segment size the peer uses"}
          - {id: icsk_ack_pending, type: u1, -orig-id: "icsk_ack.pending", doc: "whether an acknowledgement is due, and how"}
          - {id: icsk_ack_quick, type: u1, -orig-id: "icsk_ack.quick", doc: "acknowledgements to send without delay"}
          - {id: icsk_ack_pingpong, type: u1, -orig-id: "icsk_ack.pingpong", doc: "the session is interactive"}
          - {id: icsk_ack_blocked, type: u1, -orig-id: "icsk_ack.blocked", doc: "an acknowledgement was held up while the socket was in use"}
          - {id: tcp_rcv_nxt, type: u4, -orig-id: "tcp.rcv_nxt", doc: "next sequence number expected"}
          - {id: tcp_copied_seq, type: u4, -orig-id: "tcp.copied_seq", doc: "first byte not yet read by the program"}
          - {id: tcp_rcv_wup, type: u4, -orig-id: "tcp.rcv_wup", doc: "rcv_nxt when the window was last advertised"}
          - {id: tcp_snd_nxt, type: u4, -orig-id: "tcp.snd_nxt", doc: "next sequence number to send"}
          - {id: tcp_snd_una, type: u4, -orig-id: "tcp.snd_una", doc: "first byte not yet acknowledged"}
          - {id: tcp_snd_sml, type: u4, -orig-id: "tcp.snd_sml", doc: "last byte of the newest small segment sent"}
          - {id: tcp_rcv_tstamp, type: u4, -orig-id: "tcp.rcv_tstamp", doc: "when the last acknowledgement came, in ticks"}
          - {id: tcp_lsndtime, type: u4, -orig-id: "tcp.lsndtime", doc: "when the last data segment was sent, in ticks"}
          - {id: tcp_snd_wl1, type: u4, -orig-id: "tcp.snd_wl1", doc: "sequence number of the last window update"}
          - {id: tcp_snd_wnd, type: u4, -orig-id: "tcp.snd_wnd", doc: "window that the peer offers"}
          - {id: tcp_max_window, type: u4, -orig-id: "tcp.max_window", doc: "largest window that the peer has offered"}
          - {id: tcp_mss_cache, type: u4, -orig-id: "tcp.mss_cache", doc: "segment size in use"}
          - {id: tcp_window_clamp, type: u4, -orig-id: "tcp.window_clamp", doc: "largest window to advertise"}
          - {id: tcp_rcv_ssthresh, type: u4, -orig-id: "tcp.rcv_ssthresh", doc: "window clamp as the socket buffer allows"}
          - {id: tcp_frto_highmark, type: u4, -orig-id: "tcp.frto_highmark", doc: "snd_nxt when the retransmission timer fired"}
          - {id: tcp_srtt, type: u4, -orig-id: "tcp.srtt", doc: "smoothed round-trip time, 1/8 ticks"}
          - {id: tcp_mdev, type: u4, -orig-id: "tcp.mdev", doc: "deviation of the round-trip time, 1/4 ticks"}
          - {id: tcp_mdev_max, type: u4, -orig-id: "tcp.mdev_max", doc: "largest deviation in this round trip"}
          - {id: tcp_rttvar, type: u4, -orig-id: "tcp.rttvar", doc: "smoothed largest deviation"}
          - {id: tcp_rtt_seq, type: u4, -orig-id: "tcp.rtt_seq", doc: "sequence number that ends this round trip"}
          - {id: tcp_packets_out, type: u4, -orig-id: "tcp.packets_out", doc: "segments in flight"}
          - {id: tcp_retrans_out, type: u4, -orig-id: "tcp.retrans_out", doc: "retransmitted segments in flight"}
          - {id: tcp_snd_up, type: u4, -orig-id: "tcp.snd_up", doc: "urgent pointer of sent data"}
          - {id: tcp_rcv_wnd, type: u4, -orig-id: "tcp.rcv_wnd", doc: "window advertised to the peer"}
          - {id: tcp_write_seq, type: u4, -orig-id: "tcp.write_seq", doc: "byte behind the last one that the program wrote"}
          - {id: tcp_pushed_seq, type: u4, -orig-id: "tcp.pushed_seq", doc: "last sequence number sent with PSH"}
          - {id: tcp_lost_out, type: u4, -orig-id: "tcp.lost_out", doc: "segments taken for lost"}
          - {id: tcp_sacked_out, type: u4, -orig-id: "tcp.sacked_out", doc: "segments acknowledged out of order"}
          - {id: tcp_fackets_out, type: u4, -orig-id: "tcp.fackets_out", doc: "segments up to the highest one acknowledged"}
          - {id: tcp_tso_deferred, type: u4, -orig-id: "tcp.tso_deferred", doc: "since when a large send is deferred"}
          - {id: tcp_bytes_acked, type: u4, -orig-id: "tcp.bytes_acked", doc: "bytes acknowledged since the congestion window grew"}
          - {id: tcp_lost_cnt_hint, type: s4, -orig-id: "tcp.lost_cnt_hint", doc: "segments counted up to the loss hint"}
          - {id: tcp_retransmit_high, type: u4, -orig-id: "tcp.retransmit_high", doc: "highest sequence number to retransmit"}
          - {id: tcp_lost_retrans_low, type: u4, -orig-id: "tcp.lost_retrans_low", doc: "where a retransmission may have been lost"}
          - {id: tcp_prior_ssthresh, type: u4, -orig-id: "tcp.prior_ssthresh", doc: "slow-start threshold before the recovery"}
          - {id: tcp_high_seq, type: u4, -orig-id: "tcp.high_seq", doc: "snd_nxt when the recovery began"}
          - {id: tcp_retrans_stamp, type: u4, -orig-id: "tcp.retrans_stamp", doc: "when the first retransmission was sent, in ticks"}
          - {id: tcp_undo_marker, type: u4, -orig-id: "tcp.undo_marker", doc: "where an unnecessary recovery could be undone"}
          - {id: tcp_undo_retrans, type: s4, -orig-id: "tcp.undo_retrans", doc: "retransmissions that could be undone"}
          - {id: tcp_total_retrans, type: u4, -orig-id: "tcp.total_retrans", doc: "retransmissions of the whole connection"}
          - {id: tcp_urg_seq, type: u4, -orig-id: "tcp.urg_seq", doc: "sequence number of the received urgent byte"}
          - {id: tcp_keepalive_time, type: u4, -orig-id: "tcp.keepalive_time", doc: "idle time before the first probe, in ticks"}
          - {id: tcp_keepalive_intvl, type: u4, -orig-id: "tcp.keepalive_intvl", doc: "time between probes, in ticks"}
          - {id: tcp_urg_data, type: u2, -orig-id: "tcp.urg_data", doc: "received urgent byte and its state"}
          - {id: tcp_advmss, type: u2, -orig-id: "tcp.advmss", doc: "segment size advertised to the peer"}
          - {id: tcp_frto_counter, type: u1, -orig-id: "tcp.frto_counter", doc: "acknowledgements since the retransmission timer fired"}
          - {id: tcp_nonagle, type: u1, -orig-id: "tcp.nonagle", doc: "state of the Nagle algorithm"}
          - {id: tcp_ecn_flags, type: u1, -orig-id: "tcp.ecn_flags", doc: "state of explicit congestion notification"}
          - {id: tcp_reordering, type: u1, -orig-id: "tcp.reordering", doc: "how far segments may be out of order"}
          - {id: tcp_keepalive_probes, type: u1, -orig-id: "tcp.keepalive_probes", doc: "number of probes before giving up"}
          - {id: pad_237, size: 3}
          - {id: inet6_saddr_s6_addr32, type: u4be, repeat: expr, repeat-expr: 4, -orig-id: "inet6.saddr.s6_addr32", doc: "IPv6 address"}
          - {id: inet6_rcv_saddr_s6_addr32, type: u4be, repeat: expr, repeat-expr: 4, -orig-id: "inet6.rcv_saddr.s6_addr32", doc: "IPv6 address"}
          - {id: inet6_daddr_s6_addr32, type: u4be, repeat: expr, repeat-expr: 4, -orig-id: "inet6.daddr.s6_addr32", doc: "IPv6 address"}
          - {id: laddr_len, type: u4, -orig-id: "laddr_len", doc: "bytes of laddr in use: 16"}
          - {id: raddr_len, type: u4, -orig-id: "raddr_len", doc: "bytes of raddr in use: 16, or 0 when not connected"}
          - {id: laddr_sin_family, type: u2, enum: address_family, -orig-id: "laddr.sin_family"}
          - {id: laddr_sin_port, type: u2be, -orig-id: "laddr.sin_port", doc: "port, network order"}
          - {id: laddr_sin_addr, type: u4be, -orig-id: "laddr.sin_addr", doc: "IPv4 address, network order"}
          - {id: laddr_pad, size: 8, -orig-id: "laddr.__pad"}
          - {id: raddr_sin_family, type: u2, enum: address_family, -orig-id: "raddr.sin_family"}
          - {id: raddr_sin_port, type: u2be, -orig-id: "raddr.sin_port", doc: "port, network order"}
          - {id: raddr_sin_addr, type: u4be, -orig-id: "raddr.sin_addr", doc: "IPv4 address, network order"}
          - {id: raddr_pad, size: 8, -orig-id: "raddr.__pad"}
          - {id: trailing, size-eos: true}
      ckpt_hdr_netns:
        doc: "NET_NS (R09–R18). SPEC.md §3.13"
        seq:
          - {id: this_ref, type: s4, -orig-id: "this_ref", doc: "this namespace: a NET_NS object"}
          - {id: pad_12, size: 4}
          - {id: trailing, size-eos: true}
      ckpt_hdr_netdev:
        doc: "NETDEV (R09–R18). SPEC.md §3.13"
        seq:
          - {id: netns_ref, type: s4, -orig-id: "netns_ref", doc: "NET_NS object, 0 = the restarting task's"}
          - {id: veth_this_ref, type: s4, -orig-id: "veth.this_ref", doc: "NETDEV object of this end"}
          - {id: veth_peer_ref, type: s4, -orig-id: "veth.peer_ref", doc: "NETDEV object of the other end"}
          - {id: inet_addrs, type: u4, -orig-id: "inet_addrs", doc: "number of addresses"}
          - {id: type, type: u2, enum: network_device_type, -orig-id: "type", doc: "0 lo, 1 veth, 2 sit, 3 macvlan"}
          - {id: flags, type: u2, -orig-id: "flags", doc: "IFF_ flags"}
          - {id: hwaddr, size: 6, -orig-id: "hwaddr", doc: "MAC address"}
          - {id: pad_34, size: 6}
          - {id: trailing, size-eos: true}
        instances:
          macvlan_mode: {pos: 4, type: u4, -orig-id: "macvlan.mode", doc: "how the device talks to its siblings"}
      ckpt_netdev_addr:
        doc: "NETDEV_ADDR (R09–R18). SPEC.md §3.13"
        seq:
          - {id: addresses, type: ckpt_netdev_addr_24, repeat: expr, repeat-expr: nr_addresses, -orig-id: "addresses", doc: "address entries"}
          - {id: trailing, size-eos: true}
        instances:
          nr_addresses: {value: (_io.size - _io.pos) / 24, doc: as many as fit}
      ckpt_netdev_addr_24:
        doc: "struct ckpt_netdev_addr (24 bytes)"
        seq:
          - {id: type, type: u2, enum: address_type, -orig-id: "type", doc: "family of the address: 0 is IPv4"}
          - {id: pad_2, size: 6}
          - {id: inet4_local, type: u4be, -orig-id: "inet4_local", doc: "local address"}
          - {id: inet4_address, type: u4be, -orig-id: "inet4_address", doc: "address, or that of the other end"}
          - {id: inet4_mask, type: u4be, -orig-id: "inet4_mask", doc: "network mask"}
          - {id: inet4_broadcast, type: u4be, -orig-id: "inet4_broadcast", doc: "broadcast address"}
      ckpt_rlimit_16:
        doc: "struct ckpt_rlimit (16 bytes)"
        seq:
          - {id: rlim_cur, type: u8, -orig-id: "rlim_cur", doc: "limit in force; RLIM_INFINITY is the largest word of the machine"}
          - {id: rlim_max, type: u8, -orig-id: "rlim_max", doc: "up to where the program may raise it"}
      ckpt_sigaction_32:
        doc: "struct ckpt_sigaction (32 bytes)"
        seq:
          - {id: sa_handler, type: u8, -orig-id: "_sa_handler", doc: "0 default, 1 ignore, else address"}
          - {id: sa_flags, type: u8, -orig-id: "sa_flags", doc: "behaviour of the handler, SA_ flags of the architecture"}
          - {id: sa_restorer, type: u8, -orig-id: "sa_restorer", doc: "code that returns from the handler, or 0"}
          - {id: sa_mask_sigset, size: 8, -orig-id: "sa_mask.sigset", doc: "raw bytes of the kernel sigset: bit n - 1 is signal n"}
      ckpt_siginfo_48:
        doc: "struct ckpt_siginfo (48 bytes)"
        seq:
          - {id: signo, type: u4, enum: signal, -orig-id: "signo", doc: "signal number"}
          - {id: errno, type: u4, -orig-id: "_errno", doc: "si_errno"}
          - {id: code, type: u4, -orig-id: "code", doc: "si_code of the kernel: its upper half tells which members mean something"}
          - {id: pid, type: u4, -orig-id: "pid", doc: "sender; band of a poll signal; timer id"}
          - {id: uid, type: s4, -orig-id: "uid", doc: "user of the sender; overrun of a timer"}
          - {id: sigval_int, type: u4, -orig-id: "sigval_int", doc: "integer value; exit status; trap number; descriptor"}
          - {id: sigval_ptr, type: u8, -orig-id: "sigval_ptr", doc: "pointer value, or address of a fault"}
          - {id: utime, type: u8, -orig-id: "utime", doc: "user time of a child; private word of a timer"}
          - {id: stime, type: u8, -orig-id: "stime", doc: "system time of a child"}
      ckpt_siginfo_88:
        doc: "struct ckpt_siginfo (88 bytes)"
        seq:
          - {id: csi_signo, type: u4, enum: signal, -orig-id: "csi_signo", doc: "signal number"}
          - {id: csi_errno, type: s4, -orig-id: "csi_errno", doc: "si_errno"}
          - {id: csi_code, type: s4, -orig-id: "csi_code", doc: "si_code of the kernel: its upper half tells which members mean something"}
          - {id: csi_pid, type: u4, -orig-id: "csi_pid", doc: "sender"}
          - {id: csi_uid, type: u4, -orig-id: "csi_uid", doc: "user of the sender"}
          - {id: csi_fd, type: s4, -orig-id: "csi_fd", doc: "descriptor of a poll signal"}
          - {id: csi_tid, type: u4, -orig-id: "csi_tid", doc: "id of a timer"}
          - {id: csi_band, type: u4, -orig-id: "csi_band", doc: "events of a poll signal"}
          - {id: csi_overrun, type: u4, -orig-id: "csi_overrun", doc: "missed expirations of a timer"}
          - {id: csi_trapno, type: u4, -orig-id: "csi_trapno", doc: "trap number of a fault, where the machine has one"}
          - {id: csi_status, type: s4, -orig-id: "csi_status", doc: "exit status of a child"}
          - {id: csi_int, type: s4, -orig-id: "csi_int", doc: "integer value"}
          - {id: csi_ptr, type: u8, -orig-id: "csi_ptr", doc: "pointer value"}
          - {id: csi_utime, type: u8, -orig-id: "csi_utime", doc: "user time of a child"}
          - {id: csi_stime, type: u8, -orig-id: "csi_stime", doc: "system time of a child"}
          - {id: csi_addr, type: u8, -orig-id: "csi_addr", doc: "address of a fault"}
          - {id: csi_sys_private, type: s4, -orig-id: "csi_sys_private", doc: "private word of a timer"}
          - {id: pad_84, size: 4}
      fp_reg_12:
        doc: "struct fp_reg (12 bytes)"
        seq:
          - {id: word, type: u4, repeat: expr, repeat-expr: 3, -orig-id: "word", doc: "sign and exponent, high mantissa, low mantissa"}
enums:
  arch:
    4: arm
    1: x86_32
    2: x86_64
    3: s390x
    7: ppc32
    8: ppc64
  tag:
    1: header
    2: header_arch
    3: container
    4: buffer
    5: string
    6: objref
    7: lsm_info
    8: security
    101: pids
    102: tree
    103: task
    104: task_ns
    105: task_objs
    106: restart_block
    107: thread
    108: cpu
    109: ns
    110: uts_ns
    111: ipc_ns
    112: mnt_ns
    113: capabilities
    114: user_ns
    115: cred
    116: user
    117: groupinfo
    118: task_creds
    201: cpu_fpu
    202: mm_context_ldt
    203: arm_abi
    301: file_table
    302: file_desc
    303: file_name
    304: file
    305: pipe_buf
    306: tty
    307: tty_ldisc
    308: epoll_items
    401: mm
    402: vma
    403: pgarr
    404: hpage
    405: mm_context
    451: fs
    501: ipc
    502: ipc_shm
    503: ipc_msg
    504: ipc_msg_msg
    505: ipc_sem
    506: task_sem_undo_list
    507: task_sem_undo
    601: sighand
    602: signal
    603: signal_task
    604: sigpending
    701: socket
    702: socket_queue
    703: socket_buffer
    704: socket_frag
    705: socket_unix
    706: socket_inet
    707: net_ns
    708: netdev
    709: netdev_addr
    801: foreign
    1118: vpids
    9001: tail
    9999: error
  layout:
    0: opaque
    1: ckpt_hdr_header_r01
    2: ckpt_hdr_header_r07
    3: ckpt_hdr_header_r14
    4: ckpt_hdr_header_arch_x86
    5: ckpt_hdr_header_arch_s390x
    6: ckpt_hdr_header_arch_powerpc
    7: ckpt_hdr_header_arch_arm
    8: ckpt_hdr_container
    9: ckpt_buffer
    10: ckpt_string
    11: ckpt_hdr_objref
    12: ckpt_lsm_info
    13: ckpt_hdr_lsm
    14: ckpt_hdr_foreign
    15: ckpt_hdr_tail
    16: ckpt_error
    17: ckpt_hdr_pids
    18: ckpt_hdr_tree_r01
    19: ckpt_hdr_tree_r15
    20: ckpt_hdr_vpids
    21: ckpt_hdr_task_r01
    22: ckpt_hdr_task_x86_32_r01
    23: ckpt_hdr_task_r07
    24: ckpt_hdr_task_r13
    25: ckpt_hdr_task_r16
    26: ckpt_hdr_task_ns
    27: ckpt_hdr_task_objs_r01
    28: ckpt_hdr_task_objs_r06
    29: ckpt_hdr_task_objs_r13
    30: ckpt_hdr_restart_block
    31: ckpt_hdr_thread_x86_r01
    32: ckpt_hdr_thread_s390x_r07
    33: ckpt_hdr_thread_arm_r12
    34: ckpt_hdr_thread_x86_r13
    35: ckpt_hdr_cpu_x86_r01
    36: ckpt_hdr_cpu_s390x_r01
    37: ckpt_hdr_cpu_n_256_ppc32
    38: ckpt_hdr_cpu_n_512_ppc32
    39: ckpt_hdr_cpu_n_256_ppc64
    40: ckpt_hdr_cpu_n_512_ppc64
    41: ckpt_hdr_cpu_x86_r06
    42: ckpt_hdr_cpu_arm_r12
    43: ckpt_hdr_cpu_fpu_x86
    44: ckpt_hdr_cpu_fpu_vfp
    45: ckpt_hdr_cpu_fpu_fpa
    46: ckpt_hdr_cpu_fpu_iwmmxt
    47: ckpt_hdr_cpu_fpu_crunch
    48: ckpt_hdr_cpu_fpu_xscale_dsp
    49: ckpt_hdr_cpu_fpu_arm
    50: ckpt_hdr_arm_abi
    51: ckpt_hdr_ns_r01
    52: ckpt_hdr_ns_r06
    53: ckpt_hdr_ns_r09
    54: ckpt_hdr_utsns
    55: ckpt_hdr_ipcns
    56: ckpt_mnt_ns
    57: ckpt_capabilities
    58: ckpt_hdr_user_ns
    59: ckpt_hdr_cred_r01
    60: ckpt_hdr_cred_r03
    61: ckpt_hdr_user_struct
    62: ckpt_hdr_groupinfo
    63: ckpt_hdr_task_creds
    64: ckpt_hdr_mm
    65: ckpt_hdr_vma_r01
    66: ckpt_hdr_vma_r16
    67: ckpt_hdr_pgarr
    68: ckpt_hdr_hpage
    69: ckpt_hdr_mm_context_x86
    70: ckpt_hdr_mm_context_s390x
    71: ckpt_hdr_mm_context_arm
    72: ckpt_mm_context_ldt
    73: ckpt_hdr_file_table
    74: ckpt_hdr_file_desc
    75: ckpt_file_name
    76: ckpt_hdr_file_generic_r01
    77: ckpt_hdr_file_pipe_r01
    78: ckpt_hdr_file_socket_r01
    79: ckpt_hdr_file_tty_r01
    80: ckpt_hdr_file_r01
    81: ckpt_hdr_file_eventfd_r02
    82: ckpt_hdr_file_generic_r03
    83: ckpt_hdr_file_pipe_r03
    84: ckpt_hdr_file_socket_r03
    85: ckpt_hdr_file_tty_r03
    86: ckpt_hdr_file_eventfd_r03
    87: ckpt_hdr_file_r03
    88: ckpt_pipe_buf
    89: ckpt_hdr_tty_r01
    90: ckpt_hdr_tty_powerpc_r01
    91: ckpt_hdr_tty_r14
    92: ckpt_hdr_ldisc_n_tty
    93: ckpt_hdr_eventpoll_items
    94: ckpt_hdr_fs_r06
    95: ckpt_hdr_fs_r13
    96: ckpt_hdr_ipc
    97: ckpt_hdr_ipc_shm_r01
    98: ckpt_hdr_ipc_shm_r03
    99: ckpt_hdr_ipc_shm_r16
    100: ckpt_hdr_ipc_msg_r01
    101: ckpt_hdr_ipc_msg_r03
    102: ckpt_hdr_ipc_msg_msg_r01
    103: ckpt_hdr_ipc_msg_msg_r03
    104: ckpt_hdr_ipc_msg_msg_r06
    105: ckpt_hdr_ipc_sem_r01
    106: ckpt_hdr_ipc_sem_r03
    107: ckpt_hdr_task_sem_undo_list
    108: ckpt_hdr_task_sem_undo
    109: ckpt_hdr_sighand
    110: ckpt_hdr_signal
    111: ckpt_hdr_signal_task
    112: ckpt_hdr_sigpending_r01
    113: ckpt_hdr_sigpending_r13
    114: ckpt_hdr_socket_r01
    115: ckpt_hdr_socket_x86_32_r01
    116: ckpt_hdr_socket_r13
    117: ckpt_hdr_socket_x86_32_r13
    118: ckpt_hdr_socket_queue
    119: ckpt_hdr_socket_buffer_r01
    120: ckpt_hdr_socket_buffer_r04
    121: ckpt_hdr_socket_buffer_frag
    122: ckpt_hdr_socket_unix_r01
    123: ckpt_hdr_socket_unix_arm_old_abi_r01
    124: ckpt_hdr_socket_unix_r13
    125: ckpt_hdr_socket_unix_arm_old_abi_r13
    126: ckpt_hdr_socket_inet_r01
    127: ckpt_hdr_socket_inet_r04
    128: ckpt_hdr_netns
    129: ckpt_hdr_netdev
    130: ckpt_netdev_addr
  address_family:
    0: unspec
    1: unix
    2: inet
    10: inet6
    16: netlink
    17: packet
  address_type:
    0: addr_ipv4
  arm_architecture:
    0: unknown
    1: armv3
    2: armv4
    3: armv4t
    4: armv5
    5: armv5t
    6: armv5te
    7: armv5tej
    8: armv6
    9: armv7
    10: armv7_m
  byte_order:
    0: little
    1: be8
    2: be32
  calling_convention:
    0: unknown
    1: oabi
    2: eabi_soft
    3: eabi_hard
  exit_state:
    0: alive
    16: zombie
    32: dead
  file_type:
    0: ignore
    1: generic
    2: pipe
    3: fifo
    4: socket
    5: tty
    6: epoll
    7: eventfd
  foreign_format:
    1: criu
  label_type:
    1: msg_msg
    2: ipc
    3: file
    4: cred
  mapping_type:
    0: ignore
    1: vdso
    2: anon
    3: file
    4: shm_anon
    5: shm_anon_skip
    6: shm_file
    7: shm_ipc
    8: shm_ipc_skip
    9: hugetlb
    10: hugetlb_skip
  network_device_type:
    0: lo
    1: veth
    2: sit
    3: macvlan
  protocol:
    0: ip
    1: icmp
    6: tcp
    17: udp
    58: icmpv6
    132: sctp
  protocol_state:
    1: established
    2: syn_sent
    3: syn_recv
    4: fin_wait1
    5: fin_wait2
    6: time_wait
    7: close
    8: close_wait
    9: last_ack
    10: listen
    11: closing
  pty_end:
    1: master
    2: slave
  register_file:
    1: vfp
    2: fpa
    3: iwmmxt
    4: crunch
    5: xscale_dsp
  restart_block_type:
    1: none
    2: hrtimer_nanosleep
    3: posix_cpu_nanosleep
    4: compat_nanosleep
    5: compat_clock_nanosleep
    6: poll
    7: futex
  signal:
    0: none
    1: sighup
    2: sigint
    3: sigquit
    4: sigill
    5: sigtrap
    6: sigabrt
    7: sigbus
    8: sigfpe
    9: sigkill
    10: sigusr1
    11: sigsegv
    12: sigusr2
    13: sigpipe
    14: sigalrm
    15: sigterm
    16: sigstkflt
    17: sigchld
    18: sigcont
    19: sigstop
    20: sigtstp
    21: sigttin
    22: sigttou
    23: sigurg
    24: sigxcpu
    25: sigxfsz
    26: sigvtalrm
    27: sigprof
    28: sigwinch
    29: sigio
    30: sigpwr
    31: sigsys
    32: sig32
    33: sig33
    34: sigrtmin
    35: sigrtmin_1
    36: sigrtmin_2
    37: sigrtmin_3
    38: sigrtmin_4
    39: sigrtmin_5
    40: sigrtmin_6
    41: sigrtmin_7
    42: sigrtmin_8
    43: sigrtmin_9
    44: sigrtmin_10
    45: sigrtmin_11
    46: sigrtmin_12
    47: sigrtmin_13
    48: sigrtmin_14
    49: sigrtmin_15
    50: sigrtmax_14
    51: sigrtmax_13
    52: sigrtmax_12
    53: sigrtmax_11
    54: sigrtmax_10
    55: sigrtmax_9
    56: sigrtmax_8
    57: sigrtmax_7
    58: sigrtmax_6
    59: sigrtmax_5
    60: sigrtmax_4
    61: sigrtmax_3
    62: sigrtmax_2
    63: sigrtmax_1
    64: sigrtmax
    4294967295: not_leader
  socket_state:
    0: free
    1: unconnected
    2: connecting
    3: connected
    4: disconnecting
  socket_type:
    1: stream
    2: dgram
    3: raw
    4: rdm
    5: seqpacket
  task_state:
    0: running
    1: interruptible
    2: uninterruptible
    4: stopped
    8: traced
    64: dead
    128: wakekill
  terminal_type:
    1: system
    2: console
    3: serial
    4: pty
