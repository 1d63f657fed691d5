//! Properties of images with any records and any values, over every dialect.

use ckpt_format::{Slot, Tables};
use ckpt_parser::decoder::Decoder;
use ckpt_parser::encode::rebuild;
use ckpt_parser::source::SliceSource;
use ckpt_tests::Random;
use ckpt_tests::fuzz::{TARGETS, events, mutate};
use ckpt_tests::generate::{Generated, dialects, record};
use ckpt_tests::source::pipe;
use proptest::prelude::*;

fn cases(n: u32) -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(n)
    }
}

fn generated() -> impl Strategy<Value = Generated> {
    let dialects = dialects();
    (0..dialects.len(), 0..60usize, any::<u64>()).prop_map(move |(dialect, len, seed)| {
        Generated::new(dialects[dialect], len, &mut Random::new(seed))
    })
}

proptest! {
    #![proptest_config(cases(1500))]

    #[test]
    fn decoding_and_encoding_is_the_identity(image in generated()) {
        let mut decoder = Decoder::new(SliceSource(&image.bytes), image.options()).unwrap();
        prop_assert_eq!(decoder.detection().dialect, image.dialect);
        let (mut end, mut index) = (0, 0);
        while let Some(event) = decoder.next() {
            let event = event.unwrap();
            let wanted = &image.records[index];
            prop_assert_eq!(event.tag, Some(wanted.tag));
            prop_assert_eq!((event.frame.offset, event.frame.len as usize), (end, wanted.bytes.len()));
            let view = decoder.view().unwrap();
            prop_assert_eq!(view.bytes, &wanted.bytes[..]);
            let mut rebuilt = view.bytes.to_vec();
            rebuild(&event.frame, &view, &mut rebuilt);
            prop_assert_eq!(&rebuilt, &wanted.bytes);
            for written in &wanted.written {
                let slot = view.layout.named(&written.name).unwrap();
                let read = view.element(slot, written.index);
                prop_assert_eq!(read, Some(written.value), "{} {}", event.name(), written.name);
            }
            for slot in &view.layout.slots {
                prop_assert!(view.slot_bytes(slot).is_some(), "{} {}", event.name(), slot.name);
            }
            (end, index) = (event.frame.end(), index + 1);
        }
        prop_assert_eq!((end, index), (image.bytes.len() as u64, image.records.len()));
    }

    #[test]
    fn a_pipe_gives_what_a_file_gives(
        image in generated(),
        piece in 1..9000usize,
    ) {
        let slice = events(SliceSource(image.bytes.clone()), image.options()).unwrap();
        let piped = events(pipe(image.bytes.clone(), piece), image.options()).unwrap();
        prop_assert_eq!(slice.0, piped.0);
        prop_assert_eq!(slice.1.kept(), piped.1.kept());
    }

    #[test]
    fn damage_to_any_image_ends_well(mut image in generated(), seed in any::<u64>()) {
        mutate(&mut image.bytes, seed);
        for (_, target) in TARGETS {
            target(&image.bytes);
        }
    }
}

#[test]
fn slots_tile_every_record_of_every_dialect() {
    let mut layouts = 0;
    for dialect in dialects() {
        for record in Tables::shared(dialect).records() {
            for (_, layout) in record.variants() {
                let mut end = 8;
                for slot in layout.slots.iter().filter(|slot| !slot.overlay) {
                    assert_eq!(
                        slot.offset, end,
                        "{dialect} {} {}",
                        layout.c_name, slot.name
                    );
                    assert!(
                        slot.size > 0 || slot.is_flexible(),
                        "{dialect} {}",
                        layout.c_name
                    );
                    end = slot.offset + slot.size;
                }
                let flexible = layout.slots.last().is_some_and(Slot::is_flexible);
                assert!(
                    end == layout.size || flexible,
                    "{dialect} {}",
                    layout.c_name
                );
                layouts += 1;
            }
        }
    }
    assert!(layouts > 6000, "only {layouts} layouts");
}

#[test]
fn every_record_of_every_dialect_reads_back_what_was_written() {
    let mut values = 0;
    for dialect in dialects() {
        let tables = Tables::shared(dialect);
        for kind in tables.records() {
            for (word, layout) in kind.variants() {
                let mut random = Random::new(u64::from(kind.number));
                let made = record(&tables, kind.tag(), word, &mut random);
                let view = ckpt_parser::view::View {
                    layout,
                    bytes: &made.bytes,
                    dialect,
                };
                for written in &made.written {
                    let slot = layout.named(&written.name).unwrap();
                    let read = view.element(slot, written.index);
                    assert_eq!(
                        read,
                        Some(written.value),
                        "{dialect} {:?} {}",
                        kind.tag(),
                        written.name
                    );
                    values += 1;
                }
            }
        }
    }
    assert!(values > 100_000, "only {values} values");
}
