//! The images: every sample, and made-up ones.

use ckpt_format::Tag;
use ckpt_format::dialect::{Abi, Arch, Dialect, Order, Revision};
use ckpt_format::layout::{Layout, Tables};
use ckpt_format::schema::Count;

/// An image with what Kaitai must be told about it.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) dialect: Dialect,
    pub(crate) page_size: usize,
    pub(crate) damaged: bool,
    pub(crate) bytes: Vec<u8>,
}

/// Every sample.
pub(crate) fn samples() -> Vec<Case> {
    let case = |sample: &ckpt_samples::Sample| {
        let bytes = (sample.bytes)();
        let abi = Abi {
            arch: Arch::parse(sample.arch).unwrap(),
            order: if sample.big_endian {
                Order::Big
            } else {
                Order::Little
            },
            old_abi: sample.name.starts_with("oabi"),
        };
        let revision = Revision::parse(sample.revision).unwrap();
        Case {
            name: sample.name.into(),
            dialect: Dialect { revision, abi },
            page_size: if sample.about.contains("64 KiB pages") {
                65536
            } else {
                4096
            },
            damaged: sample.damage.is_some(),
            bytes,
        }
    };
    ckpt_samples::all().iter().map(case).collect()
}

/// Revisions × machines × byte orders.
pub(crate) fn made_up_images() -> Vec<Case> {
    let mut cases = Vec::new();
    for revision in Revision::all() {
        for arch in Arch::ALL {
            for order in [Order::Little, Order::Big] {
                for old_abi in [false, true] {
                    if old_abi && arch != Arch::Arm {
                        continue;
                    }
                    let abi = Abi {
                        arch,
                        order,
                        old_abi,
                    };
                    cases.push(made_up(Dialect { revision, abi }));
                }
            }
        }
    }
    assert_eq!(cases.len(), 18 * 7 * 2);
    cases
}

/// Page size of the made-up images: small, for there are many.
const TINY_PAGE: usize = 24;

fn made_up(dialect: Dialect) -> Case {
    let tables = Tables::new(dialect);
    let mut image = Image {
        dialect,
        bytes: Vec::new(),
        noise: 0x9e37_79b9,
    };
    let header = tables.by_tag(Tag::Header).unwrap();
    let order: Vec<_> = std::iter::once(header)
        .chain(
            tables
                .records()
                .filter(|r| !matches!(r.tag(), Tag::Header | Tag::Tail)),
        )
        .collect();
    for record in order {
        let word = |variant: Option<u32>| (record.record.selector, variant.unwrap_or(0x0001_2345));
        for (variant, layout) in record.variants() {
            image.record(record.number, layout, word(variant));
            if record.tag() == Tag::SocketFrag {
                image.noise(TINY_PAGE);
            }
        }
        if record.variants().next().is_none() {
            image.unknown(record.number);
        }
    }
    for number in [0, 8, 111, 118, 201, 203, 308, 404, 405, 451, 706, 5555] {
        if tables.by_number(number).is_none() {
            image.unknown(number);
        }
    }
    let tail = tables.by_tag(Tag::Tail).unwrap();
    image.record(tail.number, tail.single().unwrap(), (None, 0));
    Case {
        name: format!("made-up {dialect}"),
        dialect,
        page_size: TINY_PAGE,
        damaged: false,
        bytes: image.bytes,
    }
}

/// An image of noise in which only lengths, counters and selecting words make sense.
struct Image {
    dialect: Dialect,
    bytes: Vec<u8>,
    noise: u32,
}

impl Image {
    fn noise(&mut self, len: usize) {
        for _ in 0..len {
            self.noise = self
                .noise
                .wrapping_mul(1_664_525)
                .wrapping_add(1_013_904_223);
            self.bytes.push(self.noise.to_be_bytes()[0]);
        }
    }
    fn put(&mut self, at: usize, value: u32) {
        let four = match self.dialect.abi.order {
            Order::Little => value.to_le_bytes(),
            Order::Big => value.to_be_bytes(),
        };
        self.bytes[at..at + 4].copy_from_slice(&four);
    }
    fn start(&mut self, number: u32, len: usize) -> usize {
        let start = self.bytes.len();
        self.noise(len);
        self.put(start, number);
        self.put(start + 4, u32::try_from(len).unwrap());
        start
    }
    fn unknown(&mut self, number: u32) {
        self.start(number, 29);
    }
    fn record(&mut self, number: u32, layout: &Layout, selector: (Option<u8>, u32)) {
        const ELEMENTS: u32 = 3;
        let more = layout.tail().map_or(0, |tail| tail.element * ELEMENTS);
        let len = (layout.size + more) as usize;
        let start = self.start(number, len);
        if let (Some(at), value) = selector
            && len >= usize::from(at) + 4
        {
            self.put(start + usize::from(at), value);
        }
        if let Some(Count::By(counter)) =
            layout.tail().and_then(|t| t.field).map(|field| field.count)
        {
            let at = layout.named(counter).unwrap().offset as usize;
            self.put(start + at, ELEMENTS);
        }
        if start == 0 {
            // The magic number tells the byte order.
            let (low, high) = (0xc0a2_d200, 0x00fe_ed0c);
            let [first, second] = match self.dialect.abi.order {
                Order::Little => [low, high],
                Order::Big => [high, low],
            };
            self.put(8, first);
            self.put(12, second);
        }
    }
}
