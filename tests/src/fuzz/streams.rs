//! What is made of a stream: text, documents, other revisions, verdicts.

use ckpt_compat::evidence::{Evidence, Origin};
use ckpt_compat::gather::{self, from_elf, from_image};
use ckpt_compat::report::Report;
use ckpt_compat::{Target, check as judge};
use ckpt_convert::input::unwatched;
use ckpt_convert::json::{self, Memory};
use ckpt_convert::native::{Additions, Edits, Native};
use ckpt_convert::{Allow, Error, Losses, Request};
use ckpt_format::Revision;
use ckpt_parser::decoder::{Decoder, Options};
use ckpt_parser::detect::Override;
use ckpt_parser::limits::Policy;
use ckpt_parser::model::Image;
use ckpt_parser::report::document::Document;
use ckpt_parser::report::{lines, outline};
use ckpt_parser::source::SliceSource;
use std::path::Path;

/// No outline holds a control character, and every line of JSON is one.
pub fn text(bytes: &[u8]) {
    let decoder = || Decoder::new(SliceSource(bytes), Options::default());
    let Ok(mut first) = decoder() else {
        return;
    };
    let mut shown = Vec::new();
    outline::write_outline(&mut first, &mut shown).expect("bytes in memory");
    let shown = String::from_utf8(shown).expect("text");
    let hostile = shown.chars().find(|c| c.is_control() && *c != '\n');
    assert_eq!(hostile, None, "an outline holds it");

    let mut second = decoder().expect("it was readable");
    let mut shown = Vec::new();
    lines::write_lines(&mut second, &mut shown).expect("bytes in memory");
    for line in shown.split(|byte| *byte == b'\n').filter(|l| !l.is_empty()) {
        let parsed = serde_json::from_slice::<serde_json::Value>(line);
        assert!(parsed.is_ok_and(|value| value.is_object()), "{line:?}");
    }

    let mut third = decoder().expect("it was readable");
    let image = Image::read(&mut third, |_| true).expect("bytes in memory");
    serde_json::to_vec(&Document::new(&image, &image.findings)).expect("a document");
}

/// A stream survives its own document; bytes that are a document are an image or an error.
pub fn document(bytes: &[u8]) {
    if bytes.first() == Some(&b'{') {
        let mut image = Vec::new();
        if json::read(bytes, Path::new("/nonexistent"), &mut image, &unwatched).is_ok() {
            crate::read_bytes(&image);
        }
        return;
    }
    let Ok(mut decoder) = Decoder::new(SliceSource(bytes), Options::default()) else {
        return;
    };
    let mut text = Vec::new();
    json::write(&mut decoder, &mut text, Memory::Base64, &mut |_| ()).expect("bytes in memory");
    let mut image = Vec::new();
    json::read(
        text.as_slice(),
        Path::new("/nonexistent"),
        &mut image,
        &unwatched,
    )
    .unwrap_or_else(|error| panic!("our own document is refused: {error}"));
    let same = image.iter().zip(bytes).take_while(|(a, b)| a == b).count();
    assert!(
        image == bytes,
        "the document gives other bytes from {same:#x} on, {} for {}",
        image.len(),
        bytes.len()
    );
}

/// To another revision: what comes of a faultless image is faultless, and its own revision leaves
/// it as it is.
pub fn upgrade(bytes: &[u8]) {
    let Ok(decoder) = Decoder::new(SliceSource(bytes), Options::default()) else {
        return;
    };
    let from = decoder.detection().dialect.revision;
    let choice = bytes
        .iter()
        .fold(0usize, |sum, byte| sum + usize::from(*byte));
    let revisions: Vec<Revision> = Revision::all().collect();
    let to = revisions[choice % revisions.len()];
    let _ = convert(bytes, from, to, Policy::Salvage);
    let Ok((there, lost)) = convert(bytes, from, to, Policy::Strict) else {
        return;
    };
    if to == from {
        assert!(there == bytes, "{from} to itself changes the bytes");
    } else if !lost.counts().contains_key("arch") {
        let read = super::events(SliceSource(&there), options(to, Policy::Strict));
        assert!(read.is_ok(), "{from} to {to}: {:?}", read.err());
    }
}

fn options(revision: Revision, policy: Policy) -> Options {
    Options {
        policy,
        dialect: Override {
            revision: Some(revision),
            arch: None,
        },
        ..Options::default()
    }
}

/// Converts with all losses allowed.
fn convert(
    bytes: &[u8],
    from: Revision,
    to: Revision,
    policy: Policy,
) -> Result<(Vec<u8>, Losses), Error> {
    let request = Request {
        to,
        additions: Additions::default(),
        salvage: policy == Policy::Salvage,
        edits: Edits::default(),
    };
    let (mut losses, mut out) = (Losses::new(Allow::all()), Vec::new());
    let source = SliceSource(bytes);
    Native::new(
        source,
        options(from, policy),
        &request,
        &mut out,
        &mut losses,
    )?
    .run(&mut |_| ())?;
    Ok((out, losses))
}

/// Targets that differ in all that rules ask for.
const JUDGED: [&str; 3] = ["v5te", "v7-neon", "v8-aarch64"];

/// Evidence of an image or of an ELF file, and verdicts.
pub fn check(bytes: &[u8]) {
    let options = gather::Options {
        sysroot: None,
        jobs: 1,
    };
    if bytes.starts_with(b"\x7fELF") {
        if let Ok(evidence) = from_elf(&bytes, "fuzz", &options) {
            verdicts(&evidence);
        }
        return;
    }
    if let crate::Answer::Image(image) = crate::read_bytes(bytes) {
        let revision = u16::from(image.detection.dialect.revision.number());
        let origin = Origin::LinuxCr { revision };
        verdicts(&from_image(&image, &bytes, origin, &options));
    }
}

fn verdicts(evidence: &Evidence) {
    let mut report = Report::new("fuzz", evidence);
    for name in JUDGED {
        let target = Target::named(name).expect("a name of the grammar");
        report.add(&judge(evidence, &target, None));
    }
    serde_json::to_vec(&report).expect("a report");
}
