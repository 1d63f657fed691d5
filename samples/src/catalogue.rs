//! The list of samples.

use crate::Sample;
use crate::dialect::{Arch, Dialect};
use crate::scenes;

/// All samples, in the order of the provenance table.
pub fn all() -> &'static [Sample] {
    SAMPLES
}

/// The sample of that name.
pub fn get(name: &str) -> Option<&'static Sample> {
    SAMPLES.iter().find(|sample| sample.name == name)
}

const fn arm(rev: u8) -> Dialect {
    Dialect::new(rev, Arch::Arm)
}

/// One row. The name gives the file; revision, architecture and byte order are repeated so that
/// the table can be read without building anything, and a test compares them with the bytes.
macro_rules! sample {
    ($name:literal $revision:literal $arch:literal, $bytes:expr, $about:literal) => {
        sample!(@ $name $revision $arch false None, $bytes, $about)
    };
    ($name:literal $revision:literal $arch:literal big, $bytes:expr, $about:literal) => {
        sample!(@ $name $revision $arch true None, $bytes, $about)
    };
    ($name:literal $revision:literal $arch:literal broken $damage:literal, $bytes:expr,
     $about:literal) => {
        sample!(@ $name $revision $arch false Some($damage), $bytes, $about)
    };
    (@ $name:literal $revision:literal $arch:literal $big:literal $damage:expr, $bytes:expr,
     $about:literal) => {
        Sample {
            name: $name,
            file: concat!($name, ".ckpt"),
            bytes: || $bytes,
            revision: $revision,
            arch: $arch,
            big_endian: $big,
            damage: $damage,
            about: $about,
        }
    };
}

/// A row of the tour through all dialects.
macro_rules! tour {
    ($name:literal $revision:literal $arch:literal $($big:ident)?, $dialect:expr, $about:literal) => {
        sample!($name $revision $arch $($big)?, scenes::tour($dialect), $about)
    };
}

static SAMPLES: &[Sample] = &[
    sample!("minimal-r17-arm" "R17" "arm", scenes::minimal(arm(17)),
        "one task, one file, one stack page; the smallest image of v23"),
    sample!("minimal-r12-arm" "R12" "arm", scenes::minimal(arm(12)),
        "the same task in v21, when ARM was architecture 6"),
    sample!("minimal-r18-arm" "R18" "arm", scenes::minimal(arm(18)),
        "the same task with the ABI record of R18 and no floating-point state"),
    sample!("minimal-r18-armbe" "R18" "arm" big, scenes::minimal(arm(18).big_endian()),
        "the same task on a big-endian ARM"),
    sample!("minimal-r18-ppc64-64k" "R18" "ppc64" big,
        scenes::minimal(Dialect::new(18, Arch::Ppc64).pages_of(65536)),
        "the same task on a kernel with 64 KiB pages"),
    sample!("sensor-r18-arm" "R18" "arm", scenes::sensor(arm(18)),
        "a sensor daemon with two threads, a shell on a terminal, a logger and a zombie; \
         VFP state, pipes with data, sockets, epoll, memory with text and code"),
    tour!("tour-r01-i386" "R01" "i386", Dialect::new(1, Arch::I386),
        "the tour: process tree with nested tasks, zombie and thread; every file, mapping and \
         IPC kind of the revision"),
    tour!("tour-r02-s390x" "R02" "s390x" big, Dialect::new(2, Arch::S390x),
        "the tour; epoll and eventfd are new"),
    tour!("tour-r03-ppc32" "R03" "ppc32" big, Dialect::new(3, Arch::Ppc32),
        "the tour; security labels are new"),
    tour!("tour-r04-ppc64" "R04" "ppc64" big, Dialect::new(4, Arch::Ppc64),
        "the tour; socket buffers with fragments are new"),
    tour!("tour-r05-x86_64" "R05" "x86_64", Dialect::new(5, Arch::X86_64),
        "the tour; x86-64 as architecture 5"),
    tour!("tour-r06-i386" "R06" "i386", Dialect::new(6, Arch::I386),
        "the tour; directories are new, numbers shift"),
    tour!("tour-r07-s390x" "R07" "s390x" big, Dialect::new(7, Arch::S390x),
        "the tour; auxiliary vector in 64-bit words"),
    tour!("tour-r08-x86_64" "R08" "x86_64", Dialect::new(8, Arch::X86_64),
        "the tour; nested pid namespaces, first encoding"),
    tour!("tour-r09-ppc32" "R09" "ppc32" big, Dialect::new(9, Arch::Ppc32),
        "the tour; network namespaces are new"),
    tour!("tour-r10-ppc64" "R10" "ppc64" big, Dialect::new(10, Arch::Ppc64),
        "the tour; the count of nested pids is gone"),
    tour!("tour-r11-x86_64" "R11" "x86_64", Dialect::new(11, Arch::X86_64),
        "the tour; v21"),
    tour!("tour-r12-arm" "R12" "arm", arm(12),
        "the tour; the first ARM layouts"),
    tour!("tour-r13-ppc32" "R13" "ppc32" big, Dialect::new(13, Arch::Ppc32),
        "the tour; semaphore undo lists are new, siginfo has grown"),
    tour!("tour-r14-s390x" "R14" "s390x" big, Dialect::new(14, Arch::S390x),
        "the tour; terminals with 32-bit modes"),
    tour!("tour-r15-x86_64" "R15" "x86_64", Dialect::new(15, Arch::X86_64),
        "the tour; pids are objects"),
    tour!("tour-r16-i386" "R16" "i386", Dialect::new(16, Arch::I386),
        "the tour; huge pages are new"),
    tour!("tour-r17-arm" "R17" "arm", arm(17),
        "the tour; the final revision of the original"),
    tour!("tour-r17-s390x" "R17" "s390x" big, Dialect::new(17, Arch::S390x),
        "the tour; final revision, big endian, 64 bits"),
    tour!("tour-r18-arm" "R18" "arm", arm(18),
        "the tour; floating-point and ABI records"),
    tour!("tour-r18-armbe" "R18" "arm" big, arm(18).big_endian(),
        "the tour on a big-endian ARM"),
    tour!("tour-r18-x86_64" "R18" "x86_64", Dialect::new(18, Arch::X86_64),
        "the tour; R18 changes nothing for x86 but the version"),
    tour!("tour-r18-ppc32" "R18" "ppc32" big, Dialect::new(18, Arch::Ppc32),
        "the tour; 32-bit powerpc as architecture 7"),
    tour!("tour-r18-ppc64" "R18" "ppc64" big, Dialect::new(18, Arch::Ppc64),
        "the tour; 64-bit powerpc as architecture 8"),
    sample!("units-r18-arm" "R18" "arm", scenes::coprocessors(arm(18)),
        "threads with VFPv3, VFPv2 in an exception, FPA, iwMMXt, Crunch and XScale state"),
    sample!("units-r18-armbe" "R18" "arm" big, scenes::coprocessors(arm(18).big_endian()),
        "the same register files, big endian (BE8)"),
    sample!("foreign-r18-arm" "R18" "arm", scenes::foreign(arm(18)),
        "the minimal task and two files of a foreign image set"),
    sample!("oabi-r12-arm" "R12" "arm", scenes::oabi(arm(12)),
        "an old-ABI kernel: socket addresses are two bytes longer"),
    sample!("oabi-r18-arm" "R18" "arm", scenes::oabi(arm(18)),
        "an old-ABI kernel with an old-ABI process and a 26-bit one"),
    sample!("vectors-r17-arm" "R17" "arm", scenes::vectors(arm(17)),
        "a vectors mapping, Thumb and ThumbEE state, a thread inside a kernel helper, an If-Then \
         block, a call to be continued by restart_syscall"),
    sample!("container-r17-arm" "R17" "arm", scenes::container(arm(17)),
        "a whole container: object numbers go up and down, pid objects begin at 41"),
    sample!("container-r12-arm" "R12" "arm", scenes::container(arm(12)),
        "a whole container of v21"),
    sample!("zombies-r15-x86_64" "R15" "x86_64", scenes::zombies(Dialect::new(15, Arch::X86_64)),
        "nothing but zombies; only the task records differ from the next one"),
    sample!("zombies-r17-x86_64" "R17" "x86_64", scenes::zombies(Dialect::new(17, Arch::X86_64)),
        "nothing but zombies"),
    sample!("hugepages-r17-arm" "R17" "arm", scenes::huge_pages(arm(17)),
        "a private mapping and a System V segment of huge pages"),
    sample!("hostile-r17-arm" "R17" "arm", scenes::hostile(arm(17)),
        "names with escape sequences, control characters, bidirectional marks, broken UTF-8, \
         extreme pids and descriptors, a path of 4091 bytes"),
    sample!("error-r01-i386" "R01" "i386", scenes::error(Dialect::new(1, Arch::I386)),
        "a checkpoint that failed: message in the form of v18, with its NUL"),
    sample!("error-r17-arm" "R17" "arm", scenes::error(arm(17)),
        "a checkpoint that failed: message in the later form, without NUL"),
    sample!("truncated-r17-arm" "R17" "arm" broken "ends inside a page buffer",
        scenes::truncated(arm(17)), "a copy that broke off"),
    sample!("short-length-r17-arm" "R17" "arm" broken "a FILE_NAME has length 7",
        scenes::short_length(arm(17)), "a length below the header's"),
    sample!("huge-length-r17-arm" "R17" "arm" broken "a page buffer has length 0xfffffff0",
        scenes::huge_length(arm(17)), "a length far beyond the file"),
    sample!("unknown-record-r17-arm" "R17" "arm" broken "a record of type 4242 before MM",
        scenes::unknown_record(arm(17)), "a record that nobody knows"),
    sample!("references-r17-arm" "R17" "arm"
        broken "object 3 twice, an object of type 99, descriptor of object 4711, counts too high",
        scenes::wrong_references(arm(17)), "references and counts that do not hold"),
    sample!("overwritten-r18-arm" "R18" "arm" broken "300 bytes in the middle are noise",
        scenes::overwritten(arm(18)), "a larger image with a hole in it"),
];
