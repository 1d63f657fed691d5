//! Records and streams that are written from values, and what reading them back gives.

use ckpt_format::dialect::{R17, R18};
use ckpt_format::records::{FILE, HEADER, PGARR, SIGHAND, SIGNAL_TASK, SOCKET, TAIL, VMA};
use ckpt_format::{Abi, Arch, Dialect, FieldId, Object, Order, Tables, Tag};
use ckpt_parser::decoder::{Decoder, Options};
use ckpt_parser::encode::{RecordBuilder, StreamWriter};
use ckpt_parser::frame::{HEAD_MAGIC, TAIL_MAGIC};
use ckpt_parser::source::{Composite, Piece, Source};
use ckpt_parser::view::{meaning, number, reference};

const R17_ARM: Dialect = Dialect::new(R17, Arch::Arm);

#[test]
fn values_are_told_as_people_write_them() {
    let tables = Tables::shared(R17_ARM);
    for (tag, field, value, digits, words) in [
        (Tag::Vma, VMA.id("vm_start"), 0x8000, "0x8000", None),
        (Tag::Vma, VMA.id("vma_type"), 2, "2", Some("ANON")),
        (Tag::Vma, VMA.id("vma_objref"), 0, "0", Some("none")),
        (Tag::Vma, VMA.id("vma_objref"), 5, "5", Some("FILE")),
        (Tag::Vma, VMA.id("vma_objref"), u64::MAX, "-1", Some("FILE")),
        (Tag::Vma, VMA.id("ino_size"), 1, "1", Some("byte")),
        (Tag::Vma, VMA.id("ino_size"), 2, "2", Some("bytes")),
        (Tag::Pgarr, PGARR.id("nr_pages"), 1, "1", Some("page")),
        (Tag::Pgarr, PGARR.id("nr_pages"), 2, "2", Some("pages")),
        (Tag::Header, HEADER.id("time"), 0, "0", Some("never")),
        (
            Tag::Header,
            HEADER.id("time"),
            86_400,
            "86400",
            Some("1970-01-02 00:00:00 UTC"),
        ),
        (Tag::Socket, SOCKET.id("sock.backlog"), u64::MAX, "-1", None),
    ] {
        let record = RecordBuilder::new(&tables, tag).unwrap().set(field, value);
        let view = record.view();
        assert_eq!(view.uint(field), Some(value), "{tag:?} {field:?}");
        let slot = view.layout.slot(field).unwrap();
        assert_eq!(number(slot, value), digits);
        assert_eq!(meaning(slot, value, R17_ARM).as_deref(), words);
    }
}

#[test]
fn fields_that_refer_to_objects_say_to_which() {
    let tables = Tables::shared(R17_ARM);
    let layout = tables.by_tag(Tag::Vma).unwrap().single().unwrap();
    let to = |field: &str| reference(layout.named(field).unwrap());
    assert_eq!(to("vma_objref"), Some(Object::File));
    assert_eq!(to("ino_objref"), Some(Object::Inode));
    assert_eq!(to("vm_start"), None);
}

#[test]
fn a_structure_in_a_record_is_no_number() {
    const ACTION: FieldId = SIGHAND.id("action");
    let tables = Tables::shared(R17_ARM);
    let record = RecordBuilder::new(&tables, Tag::Sighand).unwrap();
    let record = record.tail(&[1; 64]);
    assert_eq!(record.view().structs(ACTION).count(), 2);
    assert_eq!(record.view().uint(ACTION), None);
}

#[test]
fn a_signal_mask_is_an_array_of_words_with_the_low_signals_first() {
    const BLOCKED: FieldId = SIGNAL_TASK.id("blocked.sigset");
    let mask = 0x0102_0304_0506_0708;
    let words = |arch, order| {
        let abi = Abi {
            arch,
            order,
            old_abi: false,
        };
        let tables = Tables::shared(Dialect { revision: R18, abi });
        let record = RecordBuilder::new(&tables, Tag::SignalTask).unwrap();
        record
            .set_mask(BLOCKED, mask)
            .view()
            .raw(BLOCKED)
            .unwrap()
            .to_vec()
    };
    let little = [8, 7, 6, 5, 4, 3, 2, 1];
    assert_eq!(words(Arch::Arm, Order::Little), little);
    assert_eq!(words(Arch::X86_64, Order::Little), little);
    assert_eq!(words(Arch::Arm, Order::Big), [5, 6, 7, 8, 1, 2, 3, 4]);
    assert_eq!(words(Arch::S390x, Order::Big), [1, 2, 3, 4, 5, 6, 7, 8]);
}

/// A file of bytes that count from a number.
fn counting(from: u8, len: usize) -> Box<dyn Source> {
    let bytes: Vec<u8> = (from..=255).take(len).collect();
    let mut file = Composite::new();
    file.push_bytes(&bytes);
    Box::new(file)
}

#[test]
fn a_composite_reads_as_its_pieces_one_after_the_other() {
    let mut composite = Composite::new();
    let files = [counting(0, 50), counting(100, 50)].map(|file| composite.add_file(file));
    let extent = |file: usize, offset, len| Piece::Extent {
        file: files[file],
        offset,
        len,
    };
    for (piece, end) in [
        (Piece::Bytes(b"ab".to_vec()), 2),
        (Piece::Bytes(Vec::new()), 2),
        (Piece::Bytes(b"c".to_vec()), 3),
        (extent(0, 3, 2), 5),
        (extent(0, 5, 2), 7),
        // Goes on in the other file, then elsewhere.
        (extent(1, 7, 2), 9),
        (extent(1, 0, 2), 11),
        (extent(1, 2, 0), 11),
        (Piece::Zero(2), 13),
        (Piece::Bytes(b"d".to_vec()), 14),
    ] {
        composite.push(piece);
        assert_eq!(composite.end(), end);
    }
    let whole = [97, 98, 99, 3, 4, 5, 6, 107, 108, 100, 101, 0, 0, 100];
    let mut another = composite.another().unwrap();
    for reader in [&mut composite as &mut dyn Source, &mut *another] {
        assert_eq!((reader.len(), reader.is_seekable()), (Some(14), true));
        for from in 0..=whole.len() {
            let mut read = [0xee; 20];
            let n = reader.read_at(from as u64, &mut read).unwrap();
            assert_eq!(read[..n], whole[from..]);
        }
    }
}

#[test]
fn a_stream_that_is_written_is_read_back() {
    let mut stream = StreamWriter::new(R17_ARM);
    let pages = stream.out().add_file(counting(1, 200));
    stream.record(Tag::Header, |header| {
        let header = header.set(HEADER.id("magic"), HEAD_MAGIC);
        header
            .set(HEADER.id("arch_id"), 4u64)
            .set(HEADER.id("rev"), 6u64)
    });
    stream.payload(Tag::Buffer, b"release");
    // R18 has it.
    stream.record(Tag::ArmAbi, |record| record);
    stream.reserve(4);
    let file = stream.object(Object::File);
    assert_eq!((file, stream.new_objref()), (5, 6));
    stream.reserve(3);
    assert_eq!(stream.new_objref(), 7, "none is given twice");
    stream.variant(Tag::File, Some(2), |record| {
        record.set(FILE.id("f_flags"), 0o2u64)
    });
    let name = vec![Piece::Bytes(b"/x".to_vec()), Piece::Zero(1)];
    stream.payload_from(Tag::FileName, name);
    stream.objref(Object::Mm, 3);
    let contents = vec![
        Piece::Extent {
            file: pages,
            offset: 9,
            len: 100,
        },
        Piece::Zero(2 * 4096 - 100),
    ];
    stream.page_group(&[0x8000, 0xa000], contents);
    stream.end_pages();
    stream.record(Tag::Tail, |tail| tail.set(TAIL.id("magic"), TAIL_MAGIC));
    // As many addresses as fit into 16 pages.
    assert_eq!(stream.max_group(4096), 16384);

    let mut decoder = Decoder::new(stream.finish(), Options::default()).unwrap();
    let mut told = Vec::new();
    while let Some(event) = decoder.next() {
        let event = event.unwrap();
        let value = |field: &str| {
            let view = decoder.view().unwrap();
            view.element(view.layout.named(field).unwrap(), 0).unwrap()
        };
        let what = match event.name() {
            "OBJREF" => format!("{} {}", value("objtype"), value("objref")),
            "PGARR" => value("nr_pages").to_string(),
            "FILE" => format!("{} {}", value("f_type"), value("f_flags")),
            "BUFFER" | "FILE_NAME" => {
                format!("{:x?}", &decoder.payload(8, 12).unwrap())
            }
            _ => String::new(),
        };
        told.push(format!("{} {} {what}", event.frame.len, event.name()));
    }
    assert_eq!(
        told,
        [
            "72 HEADER ",
            "15 BUFFER [72, 65, 6c, 65, 61, 73, 65]",
            "16 OBJREF 4 5",
            "56 FILE 2 2",
            "11 FILE_NAME [2f, 78, 0]",
            "16 OBJREF 5 3",
            "16 PGARR 2",
            "8208 BUFFER [0, 80, 0, 0, 0, a0, 0, 0, a, b, c, d]",
            "16 PGARR 0",
            "16 TAIL ",
        ]
    );
}
