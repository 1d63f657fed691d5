//! From every revision to every other one, on every sample.

use ckpt_convert::loss::Code;
use ckpt_convert::native::{Additions, Edits, Native};
use ckpt_convert::{Allow, Losses, Request};
use ckpt_format::Tag;
use ckpt_format::dialect::*;
use ckpt_format::{Arch, Revision};
use ckpt_parser::decoder::{Decoder, Options};
use ckpt_parser::detect::{self, Override};
use ckpt_parser::grammar::Role;
use ckpt_parser::limits::Policy;
use ckpt_parser::source::SliceSource;
use ckpt_samples::Sample;

/// Options for a strict reader that knows the revision.
pub(crate) fn options(revision: Option<Revision>) -> Options {
    Options {
        policy: Policy::Strict,
        dialect: Override {
            revision,
            arch: None,
        },
        ..Options::default()
    }
}

/// Converts bytes, all losses allowed.
pub(crate) fn convert(image: &[u8], from: Option<Revision>, to: Revision) -> (Vec<u8>, Losses) {
    let request = Request {
        to,
        additions: Additions::default(),
        salvage: false,
        edits: Edits::default(),
    };
    let mut losses = Losses::new(Allow::all());
    let mut out = Vec::new();
    Native::new(
        SliceSource(image),
        options(from),
        &request,
        &mut out,
        &mut losses,
    )
    .and_then(|native| native.run(&mut |_| ()))
    .unwrap_or_else(|error| panic!("{from:?} to {to}: {error}"));
    (out, losses)
}

/// The samples that a strict reader accepts.
fn sound() -> impl Iterator<Item = (&'static Sample, Vec<u8>, Revision)> {
    let whole = |sample: &&Sample| sample.damage.is_none() && !sample.name.starts_with("error");
    ckpt_samples::all().iter().filter(whole).map(|sample| {
        (
            sample,
            (sample.bytes)(),
            Revision::parse(sample.revision).unwrap(),
        )
    })
}

/// Whether headers for the architecture exist; see section 6.1.
fn exists(sample: &Sample, to: Revision) -> bool {
    match sample.arch {
        "arm" if sample.big_endian => to == R18,
        "arm" => to >= R12,
        "x86_64" => to >= R05,
        "ppc32" | "ppc64" => !to.within(R14, R17),
        _ => true,
    }
}

fn names(losses: &Losses) -> Vec<String> {
    losses.kept().iter().map(ToString::to_string).collect()
}

#[test]
fn every_revision_converts_to_every_other() {
    for (sample, image, from) in sound() {
        for to in Revision::all() {
            let (there, lost) = convert(&image, Some(from), to);
            let name = format!("{} to {to}", sample.name);
            if !exists(sample, to) && to != from {
                assert_eq!(
                    lost.counts().keys().collect::<Vec<_>>(),
                    [&"arch"],
                    "{name}"
                );
                assert!(there.is_empty(), "{name}");
                continue;
            }
            let read = read(&there, Some(to)).unwrap_or_else(|error| panic!("{name}: {error}"));
            let (back, more) = convert(&there, Some(to), from);
            if lost.is_empty() && more.is_empty() {
                assert!(back == image, "{name}: {}", first_difference(&image, &back));
            }
            let (again, _) = convert(&back, Some(from), to);
            let (back_again, _) = convert(&again, Some(to), from);
            assert!(
                back_again == back,
                "{name}: {}",
                first_difference(&back, &back_again)
            );
            assert_eq!(read, to, "{name}");
        }
    }
}

/// Reads an image strictly to its end; the revision that detection found on its own.
fn read(image: &[u8], revision: Option<Revision>) -> Result<Revision, String> {
    let mut decoder =
        Decoder::new(SliceSource(image), options(revision)).map_err(|e| e.to_string())?;
    while let Some(event) = decoder.next() {
        event.map_err(|e| e.to_string())?;
    }
    assert!(decoder.is_complete());
    Ok(decoder.detection().dialect.revision)
}

fn first_difference(a: &[u8], b: &[u8]) -> String {
    let at = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let show = |x: &[u8]| {
        format!(
            "{:02x?}",
            &x[at.saturating_sub(16).min(x.len())..(at + 32).min(x.len())]
        )
    };
    format!(
        "lengths {} {}, differ at {at:#x}:\n{}\n{}",
        a.len(),
        b.len(),
        show(a),
        show(b)
    )
}

#[test]
fn upgrades_lose_nothing_but_what_is_named() {
    for (sample, image, from) in sound() {
        for to in Revision::all().filter(|to| *to > from && exists(sample, *to)) {
            let (_, lost) = convert(&image, Some(from), to);
            let real: Vec<_> = lost
                .kept()
                .iter()
                .filter(|loss| !loss.note)
                .map(|loss| loss.code)
                .collect();
            let expected = |code: &&str| match *code {
                // R01 to R05 alone have debug registers, R08 alone the second session.
                "debug-registers" => from <= R05,
                "root-session" => from == R08,
                // No CRED of the sample has the ids.
                "peercred" => from < R13,
                _ => false,
            };
            assert!(
                real.iter().all(expected),
                "{} to {to}: {:#?}",
                sample.name,
                names(&lost)
            );
        }
    }
}

#[test]
fn the_same_revision_is_the_same_image() {
    for (sample, image, from) in sound() {
        let (there, lost) = convert(&image, Some(from), from);
        assert!(there == image && lost.is_empty(), "{}", sample.name);
        let mut longer = image.clone();
        longer.extend_from_slice(b"behind the tail");
        let (there, _) = convert(&longer, Some(from), from);
        assert!(there == longer, "{}", sample.name);
    }
}

#[test]
fn arch_ids_follow_the_headers() {
    assert_eq!(detect::arch_id(R05, Arch::X86_64), Some(5));
    let (there, _) = convert(&sample("tour-r05-x86_64"), Some(R05), R06);
    assert_eq!(there[16..18], [2, 0]);
}

pub(crate) fn sample(name: &str) -> Vec<u8> {
    (ckpt_samples::get(name).unwrap().bytes)()
}

/// Each code is met: by a sample as it is, or with one value changed.
#[test]
fn every_loss_is_met() {
    let mut met: Vec<&str> = Vec::new();
    for (sample, image, from) in sound() {
        for to in Revision::all().filter(|to| exists(sample, *to) || *to != from) {
            let (_, lost) = convert(&image, Some(from), to);
            met.extend(lost.counts().keys().copied());
        }
    }
    for (image, from, to, code) in changed() {
        let (_, lost) = convert(&image, from, to);
        assert!(
            lost.counts().contains_key(code),
            "{code}: {:#?}",
            names(&lost)
        );
        met.push(code);
    }
    for (name, code) in [
        ("unknown-record-r17-arm", "unknown-record"),
        ("short-length-r17-arm", "damage"),
    ] {
        let (_, lost) = salvage(&sample(name), R16);
        assert!(
            lost.counts().contains_key(code),
            "{code}: {:#?}",
            names(&lost)
        );
        met.push(code);
    }
    // These two are met by foreign images and edits, which the tests of the program try.
    met.extend(["kept-foreign", "zeros"]);
    let all = Code::ALL.iter().map(|code| code.name());
    let missing: Vec<&str> = all.filter(|name| !met.contains(name)).collect();
    assert_eq!(missing, Vec::<&str>::new());
}

/// Samples with one value changed, and what that value costs.
fn changed() -> Vec<(Vec<u8>, Option<Revision>, Revision, &'static str)> {
    let tour = |name: &str, tag: Tag, role: Role, at: usize, bytes: &[u8]| {
        let mut image = sample(name);
        let start = find(&image, tag, role) + at;
        image[start..start + bytes.len()].copy_from_slice(bytes);
        image
    };
    let plain = Role::Plain;
    let mut bare = sample("tour-r01-i386");
    let container = find(&bare, Tag::Container, plain);
    bare.drain(container..container + 8);
    vec![
        (
            tour(
                "tour-r08-x86_64",
                Tag::Buffer,
                Role::TaskPids,
                8 + 32 + 20,
                &[9],
            ),
            Some(R08),
            R09,
            "root-session",
        ),
        (
            tour(
                "tour-r17-arm",
                Tag::Signal,
                plain,
                320,
                &(-4097i32).to_le_bytes(),
            ),
            Some(R17),
            R14,
            "pid-null",
        ),
        (
            tour("tour-r12-arm", Tag::SocketUnix, plain, 16, &[0x92, 0x10]),
            Some(R12),
            R13,
            "peercred",
        ),
        (queued_with_timer_id(), Some(R17), R12, "siginfo"),
        (
            tour("tour-r16-i386", Tag::Buffer, Role::Auxv, 12, &[1]),
            Some(R16),
            R06,
            "auxv",
        ),
        (
            tour("tour-r17-arm", Tag::Cred, plain, 40, &[1, 0, 0, 0]),
            Some(R17),
            R14,
            "object-number",
        ),
        (
            tour(
                "tour-r12-arm",
                Tag::Buffer,
                Role::TaskPids,
                8 + 24 + 4,
                &[0xf, 0x27],
            ),
            Some(R12),
            R15,
            "pid-objects",
        ),
        (bare, Some(R01), R03, "container"),
        (
            tour("tour-r17-arm", Tag::Vma, plain, 76, &[1]),
            Some(R17),
            R15,
            "padding",
        ),
        (
            tour("tour-r17-arm", Tag::Socket, plain, 8, &[5]),
            Some(R17),
            R12,
            "has-buffers",
        ),
        (sample("tour-r11-x86_64"), None, R17, "ambiguous"),
    ]
}

/// The first queued signal of the tour gets a timer id, although no timer sent it.
fn queued_with_timer_id() -> Vec<u8> {
    let mut image = sample("tour-r17-arm");
    let mut decoder = Decoder::new(SliceSource(image.clone()), options(None)).unwrap();
    while let Some(event) = decoder.next() {
        let event = event.unwrap();
        if event.tag == Some(Tag::Sigpending) && event.frame.len > 24 {
            image[usize::try_from(event.frame.offset).unwrap() + 24 + 24] = 7;
            return image;
        }
    }
    panic!("no queued signal");
}

/// Offset of the first record of this kind.
pub(crate) fn find(image: &[u8], tag: Tag, role: Role) -> usize {
    let mut decoder = Decoder::new(SliceSource(image), options(None)).unwrap();
    while let Some(event) = decoder.next() {
        let event = event.unwrap();
        if event.tag == Some(tag) && event.role() == role {
            return usize::try_from(event.frame.offset).unwrap();
        }
    }
    panic!("no {}", tag.name());
}

/// Converts what is intact.
fn salvage(image: &[u8], to: Revision) -> (Vec<u8>, Losses) {
    let request = Request {
        to,
        additions: Additions::default(),
        salvage: true,
        edits: Edits::default(),
    };
    let mut losses = Losses::new(Allow::all());
    let mut out = Vec::new();
    let native = Native::new(
        SliceSource(image),
        Options::default(),
        &request,
        &mut out,
        &mut losses,
    );
    native.unwrap().run(&mut |_| ()).unwrap();
    (out, losses)
}

#[test]
fn what_is_salvaged_is_sound() {
    for name in [
        "unknown-record-r17-arm",
        "truncated-r17-arm",
        "short-length-r17-arm",
    ] {
        for to in [R16, R17, R18] {
            let (out, lost) = salvage(&sample(name), to);
            assert!(!lost.is_empty(), "{name}");
            let mut decoder = Decoder::new(SliceSource(&out), Options::default()).unwrap();
            while let Some(event) = decoder.next() {
                assert!(!event.unwrap().frame.is_gap(), "{name}");
            }
            assert!(decoder.is_complete(), "{name}");
        }
    }
}
