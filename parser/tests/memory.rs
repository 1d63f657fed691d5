//! Memory by address, against a copy of it that is searched byte by byte.

use ckpt_parser::decoder::{Decoder, Options};
use ckpt_parser::memory::{Backing, Memory, Span, spans};
use ckpt_parser::model::{Image, Mm};
use ckpt_parser::source::SliceSource;

const SAMPLES: [&str; 3] = ["tour-r17-arm", "tour-r18-x86_64", "hugepages-r17-arm"];

fn image(bytes: &[u8]) -> Image {
    let mut decoder = Decoder::new(SliceSource(bytes), Options::default()).unwrap();
    Image::read(&mut decoder, |_| true).unwrap()
}

/// Fills all pages, to their ends, with what is text and zeros and often the same.
fn scribble(image: &Image, bytes: &mut [u8]) {
    for span in image
        .mms
        .values()
        .flat_map(|mm| spans(image, mm, 0, u64::MAX))
    {
        if let Backing::Stored(offset) = span.backing {
            let [start, len] = [offset, span.len].map(|n| usize::try_from(n).unwrap());
            for (byte, n) in bytes[start..start + len].iter_mut().zip(offset..) {
                let mixed = (n ^ n >> 3).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                let noise = (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 61;
                *byte = b"ab\tb\0aab"[usize::try_from(noise).unwrap()];
            }
        }
    }
}

/// Does something with every address space of some samples, and the file.
fn each(visit: impl Fn(&mut Memory<SliceSource<&[u8]>>, &Mm, &[u8])) {
    for name in SAMPLES {
        let mut bytes = (ckpt_samples::get(name).unwrap().bytes)();
        let image = image(&bytes);
        scribble(&image, &mut bytes);
        let mut memory = Memory::new(&image, SliceSource(bytes.as_slice()));
        for mm in image.mms.values() {
            visit(&mut memory, mm, &bytes);
        }
    }
}

/// Stretches of memory without a gap, of spans that are `wanted`.
fn flat(
    memory: &mut Memory<SliceSource<&[u8]>>,
    mm: &Mm,
    wanted: fn(&Span) -> bool,
) -> Vec<(u64, Vec<u8>)> {
    let mut flat: Vec<(u64, Vec<u8>)> = Vec::new();
    for span in spans(memory.image(), mm, 0, u64::MAX).filter(wanted) {
        let len = usize::try_from(span.len).unwrap();
        let bytes = memory.read_known(mm, span.addr, len).unwrap().unwrap();
        match flat.last_mut() {
            Some((addr, before)) if *addr + before.len() as u64 == span.addr => {
                before.extend(bytes);
            }
            _ => flat.push((span.addr, bytes)),
        }
    }
    flat
}

#[test]
fn a_search_finds_all_that_a_flat_copy_holds_in_order_until_it_is_stopped() {
    each(|memory, mm, _| {
        let flat = flat(memory, mm, Span::is_known);
        let mut patterns: Vec<Vec<u8>> = Vec::new();
        // Across every seam, more on either side.
        for span in spans(memory.image(), mm, 0, u64::MAX) {
            for before in [1, 7, 15] {
                let around = memory.read_known(mm, span.addr - before.min(span.addr), 16);
                patterns.extend(around.unwrap());
            }
        }
        // Across what does not touch.
        for two in flat.windows(2) {
            let (end, start) = (&two[0].1[two[0].1.len() - 4..], &two[1].1[..4]);
            patterns.push([end, start].concat());
        }
        patterns.retain(|pattern| pattern.iter().any(|byte| *byte != 0));
        patterns.sort();
        patterns.dedup();
        assert!(!patterns.is_empty());
        patterns.extend([b"\0a".to_vec(), b"b".to_vec(), b"abab".to_vec()]);
        for pattern in patterns {
            let all: Vec<u64> = flat
                .iter()
                .flat_map(|(addr, bytes)| {
                    let places = memchr::memmem::find_iter(bytes, &pattern[..1]);
                    let fits = places.filter(|at| bytes[*at..].starts_with(&pattern));
                    fits.map(|at| addr + at as u64).collect::<Vec<_>>()
                })
                .collect();
            let limits = [1, 2, 3, usize::MAX].map(|most: usize| most.min(all.len()).max(1));
            for most in limits {
                let mut found = Vec::new();
                let search = memory.search(mm, &pattern, |addr| {
                    found.push(addr);
                    found.len() < most
                });
                search.unwrap();
                assert_eq!(found, all[..most.min(all.len())], "{pattern:x?}, {most}");
            }
        }
    });
}

#[test]
fn strings_are_those_of_a_flat_copy_until_it_is_stopped() {
    each(|memory, mm, _| {
        let stored = |span: &Span| matches!(span.backing, Backing::Stored(_));
        let flat = flat(memory, mm, stored);
        for min in [4, 5, 9] {
            let mut all = Vec::new();
            for (addr, bytes) in &flat {
                let is_text = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t');
                let mut at = *addr;
                for run in bytes.chunk_by(|a, b| is_text(a) == is_text(b)) {
                    if is_text(&run[0]) && run.len() >= min {
                        all.push((at, run.to_vec()));
                    }
                    at += run.len() as u64;
                }
            }
            assert!(min > 5 || all.len() > 1);
            for most in [1, 2, usize::MAX] {
                let mut found = Vec::new();
                let strings = memory.strings(mm, min, |addr, text| {
                    found.push((addr, text.to_vec()));
                    Ok(found.len() < most)
                });
                strings.unwrap();
                assert_eq!(found, all[..most.min(all.len())], "{min}, {most}");
            }
        }
    });
}

#[test]
fn words_and_bytes_of_the_file_are_what_is_there() {
    each(|memory, mm, file| {
        let word_size = memory.image().detection.dialect.abi.arch.word_size();
        for span in spans(memory.image(), mm, 0, u64::MAX) {
            let word = memory.word(mm, span.addr).unwrap();
            match span.backing {
                Backing::Stored(offset) => {
                    let at = usize::try_from(offset).unwrap();
                    let mut bytes = [0; 8];
                    let held = &file[at..at + usize::from(word_size)];
                    bytes[..held.len()].copy_from_slice(held);
                    assert_eq!(word, Some(u64::from_le_bytes(bytes)));
                    assert_eq!(memory.stored(offset, 100).unwrap(), &file[at..at + 100]);
                }
                Backing::Zero => assert_eq!(word, Some(0)),
                Backing::File(..) | Backing::Special | Backing::Unmapped => assert_eq!(word, None),
            }
        }
    });
}

#[test]
fn pages_that_a_file_has_lost_are_an_error_and_no_zeros() {
    each(|memory, mm, file| {
        let mut stored = spans(memory.image(), mm, 0, u64::MAX);
        let last = stored.find_map(|span| match span.backing {
            Backing::Stored(offset) => Some((span.addr, offset)),
            _ => None,
        });
        let (addr, offset) = last.unwrap();
        let cut = &file[..usize::try_from(offset).unwrap() + 10];
        let mut memory = Memory::new(memory.image(), SliceSource(cut));
        assert!(memory.read_known(mm, addr, 10).unwrap().is_some());
        let error = memory.read_known(mm, addr, 11).unwrap_err();
        let why = "the image ends before the contents of these pages";
        assert_eq!(error.to_string(), why);
    });
}

#[test]
fn zeros_are_found_where_they_were_written_and_not_all_over_untouched_memory() {
    each(|memory, mm, _| {
        let mut found = Vec::new();
        let search = memory.search(mm, &[0; 2], |addr| {
            found.push(addr);
            true
        });
        search.unwrap();
        let stored = |addr: &u64| {
            let mut here = spans(memory.image(), mm, *addr, addr + 2);
            here.any(|span| matches!(span.backing, Backing::Stored(_)))
        };
        assert!(!found.is_empty(), "nothing found");
        let strange: Vec<_> = found.iter().filter(|addr| !stored(addr)).collect();
        assert!(strange.is_empty(), "{strange:x?}");
    });
}
