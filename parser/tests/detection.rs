//! Which dialect an image is taken for, on what evidence, and how much of it that takes.

use ckpt_format::{Arch, Revision};
use ckpt_parser::decoder::{Decoder, Options};
use ckpt_parser::detect::{Detection, Outcome, Override, detect};
use ckpt_parser::limits::Limits;
use ckpt_parser::source::{SliceSource, StreamSource, Window};
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

fn sample(name: &str) -> Vec<u8> {
    (ckpt_samples::get(name).unwrap().bytes)()
}

fn detection(bytes: Vec<u8>, dialect: Override) -> Detection {
    let options = Options {
        dialect,
        ..Options::default()
    };
    let decoder = Decoder::new(SliceSource(bytes), options).unwrap();
    decoder.detection().clone()
}

/// All that a detection says.
fn told(detection: &Detection) -> String {
    let Detection {
        dialect, page_size, ..
    } = detection;
    let by = if detection.overridden {
        ", as told"
    } else {
        ""
    };
    let mut lines = vec![format!("{dialect}, pages of {page_size}{by}")];
    lines.extend(detection.also.iter().map(|also| format!("  or {also}")));
    lines.extend(detection.diagnostics.iter().map(|d| format!("  {d}")));
    for evidence in &detection.evidence {
        let (at, fact) = (evidence.offset, &evidence.fact);
        lines.push(format!("{at}: {fact}: {}", evidence.leaves));
    }
    lines.join("\n")
}

#[test]
fn the_evidence_is_told_with_what_it_leaves() {
    for (name, expected) in [
        (
            "minimal-r17-arm",
            "R17 ARM little-endian, pages of 4096
  or R16
24: rev 6, architecture id 4, little-endian: R14 ARM, R15 ARM, R16 ARM, R17 ARM
347: record type 101 of 24 bytes: R15 ARM, R16 ARM, R17 ARM
435: order of the fields of TASK: R16 ARM, R17 ARM",
        ),
        (
            "tour-r12-arm",
            "R12 ARM little-endian, pages of 4096
24: rev 6, architecture id 6, little-endian: R12 ARM, R13 ARM, R14 ARM, R15 ARM, R16 ARM
54: constants.tty_termios_ncc(s) is 8: R12 ARM, R13 ARM
511: record type 102 of 64 bytes: R12 ARM",
        ),
        (
            "tour-r03-ppc32",
            "R03 PPC32 big-endian, pages of 4096
24: rev 4, architecture id 3, big-endian: R03 PPC32, R04 PPC32, R05 PPC32
14071: record type 704 of 256 bytes: R03 PPC32",
        ),
        (
            "tour-r04-ppc64",
            "R05 PPC64 big-endian, pages of 4096
  or R04
24: rev 4, architecture id 4, big-endian: R03 PPC64, R04 PPC64, R05 PPC64
14418: record type 705 of 256 bytes: R04 PPC64, R05 PPC64",
        ),
        (
            "tour-r07-s390x",
            "R07 S390X big-endian, pages of 4096
24: rev 5, architecture id 3, big-endian: R06 S390X, R07 S390X
34: constants.at_vector_size is 40: R07 S390X",
        ),
        (
            "tour-r09-ppc32",
            "R09 PPC32 big-endian, pages of 4096
24: rev 6, architecture id 4, big-endian: R08 PPC32, R09 PPC32, R10 PPC32, R11 PPC32, R12 PPC32, R13 PPC32
362: 128 bytes of pids for 5 tasks: R09 PPC32, R10 PPC32, R11 PPC32, R12 PPC32, R13 PPC32
490: a VPIDS record: R09 PPC32",
        ),
        (
            "tour-r10-ppc64",
            "R12 PPC64 big-endian, pages of 4096
  or R10
  or R11
24: rev 6, architecture id 5, big-endian: R08 PPC64, R09 PPC64, R10 PPC64, R11 PPC64, R12 PPC64, R13 PPC64
363: 128 bytes of pids for 5 tasks: R09 PPC64, R10 PPC64, R11 PPC64, R12 PPC64, R13 PPC64
491: no VPIDS record: R10 PPC64, R11 PPC64, R12 PPC64, R13 PPC64
511: record type 102 of 64 bytes: R10 PPC64, R11 PPC64, R12 PPC64",
        ),
        (
            "minimal-r18-ppc64-64k",
            "R18 PPC64 big-endian, pages of 65536
24: rev 7, architecture id 8, big-endian: R18 PPC64",
        ),
    ] {
        let detection = detection(sample(name), Override::default());
        assert_eq!(told(&detection), expected, "{name}");
    }
}

#[test]
fn what_a_header_alone_leaves_open_is_told_if_it_matters() {
    for (name, expected) in [
        (
            "minimal-r17-arm",
            "R17 ARM little-endian, pages of 4096
  or R14
  or R15
  or R16
  P014 at 0x0 (HEADER, record 0): R17 ARM taken, but R14 ARM, R15 ARM fit too
24: rev 6, architecture id 4, little-endian: R14 ARM, R15 ARM, R16 ARM, R17 ARM",
        ),
        // These differ in sockets, and there is none.
        (
            "tour-r03-ppc32",
            "R05 PPC32 big-endian, pages of 4096
  or R03
  or R04
24: rev 4, architecture id 3, big-endian: R03 PPC32, R04 PPC32, R05 PPC32",
        ),
        // These differ in nothing.
        (
            "tour-r01-i386",
            "R02 X86_32 little-endian, pages of 4096
  or R01
24: rev 3, architecture id 1, little-endian: R01 X86_32, R02 X86_32",
        ),
    ] {
        let head = sample(name)[..72].to_vec();
        let detection = detection(head, Override::default());
        assert_eq!(told(&detection), expected, "{name}");
    }
}

#[test]
fn who_knows_better_than_the_header_is_followed() {
    let mut wrong_arch = sample("minimal-r18-ppc64-64k");
    wrong_arch[16] = 77;
    let ppc64 = Override {
        arch: Some(Arch::Ppc64),
        ..Override::default()
    };
    assert_eq!(
        told(&detection(wrong_arch, ppc64)),
        "R18 PPC64 big-endian, pages of 65536, as told
24: rev 7, architecture id 77, big-endian: R18 PPC64"
    );
    let mut wrong_rev = sample("minimal-r12-arm");
    wrong_rev[16..26].copy_from_slice(&[77, 0, 2, 0, 6, 0, 33, 0, 99, 0]);
    let r12 = Override {
        revision: Revision::parse("r12"),
        ..Override::default()
    };
    assert_eq!(
        told(&detection(wrong_rev, r12)),
        "R12 ARM little-endian, pages of 4096, as told
  P015 at 0x10 (HEADER, record 0): architecture id 77, rev 99, expected an id and rev of §6.1
24: rev 99, architecture id 77, little-endian: 
0: record type 1 of 72 bytes: R12 ARM"
    );
}

#[test]
fn a_record_that_no_revision_has_speaks_against_none() {
    let mut image = sample("minimal-r17-arm");
    let stranger = [4242u32.to_le_bytes(), 16u32.to_le_bytes(), [0; 4], [0; 4]].concat();
    image.splice(72..72, stranger);
    let detection = detection(image, Override::default());
    assert_eq!(detection.dialect.to_string(), "R17 ARM little-endian");
    assert_eq!(detection.also, [Revision::parse("r16").unwrap()]);
}

#[test]
fn what_is_no_image_is_refused_with_what_it_is() {
    for (bytes, found) in [
        (&b""[..], "an empty file"),
        (b"\x7fELF\x01\x01\x01\0", "an ELF file"),
        (b"hello", "bytes 68 65 6c 6c 6f"),
        (
            b"a text of more than sixteen bytes",
            "bytes 61 20 74 65 78 74 20 6f 66 20 6d 6f 72 65 20 74",
        ),
    ] {
        let Err(error) = Decoder::new(SliceSource(bytes), Options::default()) else {
            panic!("{found} was taken for an image");
        };
        let expected = "expected a HEADER record (type 1, length 72, magic 0x00feed0cc0a2d200)";
        assert_eq!(
            error.to_string(),
            format!("P001 at 0x0 (record 0): {found}, {expected}")
        );
    }
}

/// What the first bytes of an image say while more may come.
fn start(bytes: &[u8], len: usize) -> Option<Detection> {
    let mut window = Window::new(SliceSource(&bytes[..len]));
    match detect(&mut window, Override::default(), &Limits::default(), false).unwrap() {
        Outcome::Known(detection) => Some(*detection),
        Outcome::NeedMore => None,
    }
}

#[test]
fn the_first_record_that_decides_ends_detection() {
    for (name, decides, len) in [
        ("tour-r06-i386", "HEADER", 72),
        // Old ABI or not.
        ("minimal-r18-arm", "HEADER_ARCH", 307),
        ("tour-r14-s390x", "TREE", 355),
        ("tour-r08-x86_64", "BUFFER", 459),
        ("minimal-r17-arm", "TASK", 515),
        ("tour-r11-x86_64", "TASK", 574),
        // The page size is known from the length of the first group.
        ("tour-r10-ppc64", "BUFFER", 3424),
        ("minimal-r18-ppc64-64k", "BUFFER", 3823),
        ("tour-r03-ppc32", "SOCKET_UNIX", 14167),
    ] {
        let bytes = sample(name);
        let least = (0..bytes.len()).find(|len| start(&bytes, *len).is_some());
        assert_eq!(least, Some(len), "{name}");
        let mut decoder = Decoder::new(SliceSource(bytes), Options::default()).unwrap();
        while let Some(event) = decoder.next() {
            let event = event.unwrap();
            if event.frame.end() >= len as u64 {
                assert_eq!(event.name(), decides, "{name}");
                break;
            }
        }
    }
}

#[test]
fn more_of_an_image_never_changes_the_answer() {
    for sample in ckpt_samples::all() {
        let bytes = (sample.bytes)();
        let whole = told(&detection(bytes.clone(), Override::default()));
        for len in (0..600).chain((600..bytes.len()).step_by(997)) {
            if let Some(early) = start(&bytes, len.min(bytes.len())) {
                assert_eq!(told(&early), whole, "{len} bytes of {}", sample.name);
            }
        }
    }
}

/// Counts what is taken from it.
struct Counted(io::Cursor<Vec<u8>>, Arc<AtomicUsize>);

impl Read for Counted {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.0.read(buf)?;
        self.1.fetch_add(n, Ordering::Relaxed);
        Ok(n)
    }
}

#[test]
fn of_a_pipe_no_more_is_held_back_than_detection_needs() {
    let taken = |name: &str, detection_bytes: u32| {
        let count = Arc::new(AtomicUsize::new(0));
        let mut options = Options::default();
        options.limits.detection_bytes = detection_bytes;
        let pipe = Counted(io::Cursor::new(sample(name)), Arc::clone(&count));
        let decoder = Decoder::new(StreamSource::new(Box::new(pipe)), options).unwrap();
        (count.load(Ordering::Relaxed), told(decoder.detection()))
    };
    let of_file = |name| told(&detection(sample(name), Override::default()));
    let piece = 64 << 10;
    // Known from its first bytes.
    let known = "tour-r17-arm";
    assert_eq!(taken(known, 4 << 20), (piece, of_file(known)));
    // Never settled: all of it is looked at, if it may be.
    let open = "tour-r04-ppc64";
    let (all, said) = taken(open, 4 << 20);
    assert_eq!((all, said), (sample(open).len(), of_file(open)));
    assert_eq!(taken(open, 64 << 10), (piece, of_file(open)));
}

#[test]
fn a_fragment_before_any_memory_tells_the_page_size() {
    let bytes = sample("tour-r09-ppc32");
    let mut decoder = Decoder::new(SliceSource(&bytes), Options::default()).unwrap();
    let memory = loop {
        let event = decoder.next().unwrap().unwrap();
        if event.name() == "PGARR" {
            break usize::try_from(event.frame.offset).unwrap();
        }
    };
    let fragment = [704u32, 16, 0, 0].map(u32::to_be_bytes).concat();
    let tail = &bytes[bytes.len() - 16..];
    for page in [4096, 16384, 65536] {
        let image = [&bytes[..memory], &fragment, &vec![0; page], tail].concat();
        let mut decoder = Decoder::new(SliceSource(image), Options::default()).unwrap();
        let page = u32::try_from(page).unwrap();
        assert_eq!(decoder.detection().page_size, page);
        let mut names = Vec::new();
        while let Some(event) = decoder.next() {
            let event = event.unwrap();
            names.push((event.name(), event.frame.raw));
        }
        let end = names.split_off(names.len() - 2);
        assert_eq!(end, [("SOCKET_FRAG", page), ("TAIL", 0)]);
    }
}
