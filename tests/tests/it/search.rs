//! Search through memory against a naive search over a flat copy: page maps with runs out of order
//! in the file, holes, mappings that touch; 12000 patterns that lie across every kind of boundary.

use ckpt_parser::memory::{Memory, spans};
use ckpt_parser::model::{Image, Mm, ObjRef, PageRun, Segment, Vma, VmaKind};
use ckpt_parser::scan::{Places, Scan};
use ckpt_parser::source::{Composite, SliceSource, Watch as _};
use ckpt_tests::source::Counting;
use ckpt_tests::{Answer, Random, on_all_cores, read_bytes};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of a page of the generated maps: small, so that patterns cross many.
const PAGE: u64 = 64;

/// An address space, the file that holds its pages, and what a process would see.
struct Case {
    image: Image,
    mm: Mm,
    file: Vec<u8>,
    /// Known bytes by address: stored ones, and zeros that were never written.
    flat: BTreeMap<u64, u8>,
    /// Stretches of `flat` that were never written.
    untouched: Vec<(u64, u64)>,
}

fn any_image() -> Image {
    let sample = ckpt_samples::get("minimal-r17-arm").unwrap();
    match read_bytes(&(sample.bytes)()) {
        Answer::Image(image) => *image,
        Answer::Refused(why) => panic!("{why}"),
    }
}

impl Case {
    fn new(image: &Image, random: &mut Random) -> Case {
        let mut case = Case {
            image: image.clone(),
            mm: Mm::default(),
            file: vec![0xee; 16],
            flat: BTreeMap::new(),
            untouched: Vec::new(),
        };
        case.image.segments.clear();
        let mut at = 0x8000;
        for number in 1..=1 + random.below(5) {
            let touches = random.one_in(2);
            at += if touches {
                0
            } else {
                PAGE * (1 + random.below(3))
            };
            let pages = 1 + random.below(6);
            case.mapping(at, pages, ObjRef::try_from(number).unwrap(), random);
            at += pages * PAGE;
        }
        case
    }

    /// Adds a mapping; some of its pages are stored.
    fn mapping(&mut self, start: u64, pages: u64, inode: ObjRef, random: &mut Random) {
        let kinds = [
            VmaKind::Anon,
            VmaKind::Anon,
            VmaKind::File,
            VmaKind::ShmIpcSkip,
            VmaKind::Vdso,
        ];
        let kind = *random.pick(&kinds).unwrap();
        let mut runs = Vec::new();
        for page in 0..pages {
            let addr = start + page * PAGE;
            if random.one_in(3) {
                self.absent(addr, kind);
            } else {
                self.page(addr, &mut runs, random);
            }
        }
        let end = start + pages * PAGE;
        let mut vma = Vma {
            start,
            end,
            kind,
            inode,
            ..Vma::default()
        };
        if kind.is_shared() {
            self.share(&vma, runs);
        } else {
            vma.first_run = u32::try_from(self.mm.pages.len()).unwrap();
            vma.num_runs = u32::try_from(runs.len()).unwrap();
            self.mm.pages.extend(runs);
        }
        self.mm.vmas.push(vma);
    }

    /// A page that the image does not hold: zero, unless a file or the kernel provides it.
    fn absent(&mut self, addr: u64, kind: VmaKind) {
        if !matches!(kind, VmaKind::File | VmaKind::Vdso) {
            self.flat.extend((addr..addr + PAGE).map(|addr| (addr, 0)));
            self.untouched.push((addr, addr + PAGE));
        }
    }

    /// A stored page, behind the one before it in the file or somewhere else.
    fn page(&mut self, addr: u64, runs: &mut Vec<PageRun>, random: &mut Random) {
        if random.one_in(2) {
            self.file.extend([0xee; 8]);
        }
        let offset = self.file.len() as u64;
        for addr in addr..addr + PAGE {
            let byte = u8::try_from(random.below(3)).unwrap();
            self.file.push(byte);
            self.flat.insert(addr, byte);
        }
        match runs.last_mut() {
            Some(run) if run.addr + run.len == addr && run.offset + run.len == offset => {
                run.len += PAGE;
            }
            _ => runs.push(PageRun {
                addr,
                offset,
                len: PAGE,
            }),
        }
    }

    /// Contents of a segment go by the offset in it, not by address.
    fn share(&mut self, vma: &Vma, runs: Vec<PageRun>) {
        let pages = runs.into_iter().map(|run| PageRun {
            addr: run.addr - vma.start,
            ..run
        });
        let segment = Segment {
            pages: pages.collect(),
            ..Segment::default()
        };
        self.image.segments.insert(vma.inode, segment);
    }

    /// A stretch of known memory to look for, not all zeros; perhaps with a twist that makes it rare.
    fn pattern(&self, random: &mut Random) -> Vec<u8> {
        let addresses: Vec<u64> = self.flat.keys().copied().collect();
        let Some(start) = random.pick(&addresses) else {
            return vec![7];
        };
        let most = if random.one_in(3) { 4 * PAGE } else { 12 };
        let len = 1 + random.below(most);
        let bytes = (*start..*start + len).map_while(|addr| self.flat.get(&addr).copied());
        let mut pattern: Vec<u8> = bytes.collect();
        if pattern.iter().all(|byte| *byte == 0) {
            pattern.push(1);
        }
        pattern
    }

    /// Every address at which the pattern stands in known memory.
    fn naive(&self, pattern: &[u8]) -> Vec<u64> {
        let stands = |start: &u64| {
            (*start..)
                .zip(pattern)
                .all(|(addr, byte)| self.flat.get(&addr) == Some(byte))
        };
        self.flat.keys().copied().filter(stands).collect()
    }

    fn found(&self, pattern: &[u8]) -> Vec<u64> {
        let mut memory = Memory::new(&self.image, SliceSource(self.file.as_slice()));
        let mut found = Vec::new();
        let all = |addr| {
            found.push(addr);
            true
        };
        memory.search(&self.mm, pattern, all).unwrap();
        found
    }
}

#[test]
fn search_finds_all_and_only_what_a_flat_copy_holds() {
    const CASES: u64 = 4000;
    let image = any_image();
    let seeds: Vec<u64> = (0..CASES).collect();
    on_all_cores(&seeds, |seed| {
        let mut random = Random::new(*seed);
        let case = Case::new(&image, &mut random);
        for _ in 0..3 {
            let pattern = case.pattern(&mut random);
            let (found, wanted) = (case.found(&pattern), case.naive(&pattern));
            assert_eq!(
                found, wanted,
                "seed {seed}, pattern {pattern:?}, {:#x?}",
                case.mm.vmas
            );
        }
    });
}

/// The other way to search: the file for halves of the pattern, part of it by what a reader of the
/// records shows.
fn scanned(case: &Case, pattern: &[u8], random: &mut Random) -> Option<Vec<u64>> {
    let scan = Scan::new(pattern, PAGE)?;
    let mut file = Composite::new();
    file.push_bytes(&case.file);
    for _ in 0..random.below(3) {
        let from = random.below(case.file.len() as u64);
        let to = from + random.below(case.file.len() as u64 - from);
        let range = usize::try_from(from).unwrap()..usize::try_from(to).unwrap();
        scan.saw(from, &case.file[range]);
    }
    let hits = scan.finish(&file).unwrap().unwrap();
    let mut memory = Memory::new(&case.image, file);
    let places = Places::of(&case.image);
    let found = places.check(&mut memory, pattern, &hits).unwrap();
    Some(found.into_iter().map(|(_, addr)| addr).collect())
}

#[test]
fn a_scan_of_the_file_finds_all_and_only_what_a_flat_copy_holds() {
    const CASES: u64 = 4000;
    let image = any_image();
    let seeds: Vec<u64> = (0..CASES).collect();
    let scans = AtomicU64::new(0);
    on_all_cores(&seeds, |seed| {
        let mut random = Random::new(*seed);
        let mut case = Case::new(&image, &mut random);
        case.image.mms = BTreeMap::from([(1, case.mm.clone())]);
        for _ in 0..3 {
            let pattern = case.pattern(&mut random);
            if let Some(found) = scanned(&case, &pattern, &mut random) {
                scans.fetch_add(1, Ordering::Relaxed);
                assert_eq!(found, case.naive(&pattern), "seed {seed}, {pattern:?}");
            }
        }
    });
    let scans = scans.into_inner();
    assert!(scans > CASES / 2, "only {scans} patterns could be split");
}

#[test]
fn reading_gives_the_flat_copy() {
    let image = any_image();
    for seed in 0..500 {
        let mut random = Random::new(seed);
        let case = Case::new(&image, &mut random);
        let mut memory = Memory::new(&case.image, SliceSource(case.file.as_slice()));
        let start = 0x8000 + random.below(3 * PAGE);
        let len = usize::try_from(random.below(12 * PAGE)).unwrap();
        let mut bytes = vec![1; len];
        memory.read(&case.mm, start, &mut bytes).unwrap();
        for (addr, byte) in (start..).zip(&bytes) {
            assert_eq!(
                *byte,
                case.flat.get(&addr).copied().unwrap_or(0),
                "seed {seed} {addr:#x}"
            );
        }
        let known: u64 = spans(&case.image, &case.mm, 0, u64::MAX)
            .filter(ckpt_parser::memory::Span::is_known)
            .map(|span| span.len)
            .sum();
        assert_eq!(known, case.flat.len() as u64, "seed {seed}");
        let untouched = case
            .untouched
            .iter()
            .map(|(start, end)| end - start)
            .sum::<u64>();
        assert!(known >= untouched);
    }
}

#[test]
fn patterns_across_the_pieces_of_a_long_run_are_found_and_read_once() {
    const LEN: u64 = 5 << 20;
    let mut file = vec![0u8; usize::try_from(LEN).unwrap()];
    let text = b"across the seam";
    let mut planted = Vec::new();
    for mebibyte in 1..5u64 {
        for shift in [0, 1, 7, 14, 15] {
            let at = (mebibyte << 20) - shift - 64 * shift;
            planted.push(0x10_0000 + at);
            let at = usize::try_from(at).unwrap();
            file[at..at + text.len()].copy_from_slice(text);
        }
    }
    planted.sort_unstable();
    let (start, end) = (0x10_0000, 0x10_0000 + LEN);
    let vma = Vma {
        start,
        end,
        num_runs: 1,
        ..Vma::default()
    };
    let pages = [PageRun {
        addr: start,
        offset: 0,
        len: LEN,
    }];
    let mm = Mm {
        vmas: [vma].into_iter().collect(),
        pages: pages.into_iter().collect(),
        ..Mm::default()
    };
    let image = any_image();
    let (source, counts) = Counting::new(SliceSource(file));
    let mut memory = Memory::new(&image, source);
    let mut found = Vec::new();
    let all = |addr| {
        found.push(addr);
        true
    };
    memory.search(&mm, text, all).unwrap();
    assert_eq!(found, planted);
    assert!(
        counts.bytes() <= LEN + (2 << 20),
        "{} bytes were read",
        counts.bytes()
    );
}
