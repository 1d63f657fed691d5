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
