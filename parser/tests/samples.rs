//! Every sample, read by what does not share a line with what wrote it.

use ckpt_format::Tag;
use ckpt_parser::decoder::{Decoder, Options};
use ckpt_parser::diagnostic::{Diagnostic, Severity};
use ckpt_parser::encode::rebuild;
use ckpt_parser::grammar::Role;
use ckpt_parser::model::{Image, validate};
use ckpt_parser::source::SliceSource;

fn decoder(sample: &ckpt_samples::Sample) -> Decoder<SliceSource<Vec<u8>>> {
    let source = SliceSource((sample.bytes)());
    Decoder::new(source, Options::default()).unwrap_or_else(|e| panic!("{}: {e}", sample.name))
}

/// Revisions whose layouts are the same; an image cannot tell them apart (§6.4).
fn class(revision: &str) -> &str {
    match revision {
        "R01" => "R02",
        "R04" => "R05",
        "R10" | "R11" => "R12",
        "R16" => "R17",
        other => other,
    }
}

#[test]
fn every_byte_of_every_sample_has_an_owner() {
    for sample in ckpt_samples::all() {
        let mut decoder = decoder(sample);
        let mut end = 0;
        while let Some(event) = decoder.next() {
            let event = event.unwrap();
            assert_eq!(event.frame.offset, end, "{}", sample.name);
            end = event.frame.end();
        }
        assert_eq!(end, (sample.bytes)().len() as u64, "{}", sample.name);
    }
}

#[test]
fn the_dialect_of_every_sample_is_found() {
    for sample in ckpt_samples::all() {
        let decoder = decoder(sample);
        let dialect = decoder.detection().dialect;
        assert_eq!(
            class(&dialect.revision.to_string()),
            class(sample.revision),
            "{}",
            sample.name
        );
        let arch = ckpt_format::Arch::parse(sample.arch).unwrap();
        assert_eq!(dialect.abi.arch, arch, "{}", sample.name);
        let old_abi = sample.name.starts_with("oabi");
        assert_eq!(dialect.abi.old_abi, old_abi, "{}", sample.name);
    }
}

#[test]
fn intact_samples_are_read_and_make_sense_without_complaint() {
    for sample in ckpt_samples::all()
        .iter()
        .filter(|sample| sample.damage.is_none())
    {
        let image = Image::read(&mut decoder(sample), |_| true).unwrap();
        let complaints = image
            .findings
            .kept()
            .iter()
            .filter(|d| d.severity > Severity::Note);
        let complaints: Vec<String> = complaints.map(ToString::to_string).collect();
        if sample.name.starts_with("error-") {
            assert!(image.error.is_some(), "{}", sample.name);
            continue;
        }
        assert_eq!(complaints, Vec::<String>::new(), "{}", sample.name);
        assert!(image.complete, "{}", sample.name);
        if sample.name.starts_with("hostile-") {
            // Well formed, but its values are made to mislead: they are told.
            assert!(validate(&image, 100).worst().is_some(), "{}", sample.name);
            continue;
        }
        let findings = validate(&image, 100);
        // A pid below 0 is part of what makes that sample hostile.
        let wanted =
            |d: &&Diagnostic| sample.name.starts_with("hostile") && d.code.info().code == "V014";
        let complaints = findings.kept().iter().filter(|d| !wanted(d));
        let complaints: Vec<String> = complaints.map(ToString::to_string).collect();
        assert_eq!(complaints, Vec::<String>::new(), "{}", sample.name);
    }
}

#[test]
fn damaged_samples_say_so() {
    // Contents of pages carry no check: noise there is data.
    let told = |sample: &&ckpt_samples::Sample| {
        sample.damage.is_some() && sample.name != "overwritten-r18-arm"
    };
    for sample in ckpt_samples::all().iter().filter(told) {
        let image = Image::read(&mut decoder(sample), |_| true).unwrap();
        let mut findings = image.findings.clone();
        findings.extend(validate(&image, 100));
        assert!(
            findings.worst() >= Some(Severity::Warning),
            "{}: {:?}",
            sample.name,
            sample.damage
        );
    }
}

#[test]
fn records_built_from_their_values_are_the_same_bytes() {
    for sample in ckpt_samples::all()
        .iter()
        .filter(|sample| sample.damage.is_none())
    {
        let mut decoder = decoder(sample);
        while let Some(event) = decoder.next() {
            let event = event.unwrap();
            if let Some(view) = decoder.view() {
                // Padding is zero, so that every other byte comes from a value.
                let mut rebuilt = vec![0; view.bytes.len()];
                rebuild(&event.frame, &view, &mut rebuilt);
                assert_eq!(rebuilt, view.bytes, "{} {}", sample.name, event.name());
            }
        }
    }
}

/// One bad word in a CPU_FPU or ARM_ABI record, and what is said of it (§10.4).
#[test]
fn contradictions_in_the_arm_extension_are_found() {
    let sample = ckpt_samples::get("units-r18-arm").unwrap();
    let mut decoder = decoder(sample);
    let (mut fpus, mut abi) = (Vec::new(), 0);
    while let Some(event) = decoder.next() {
        let event = event.unwrap();
        let at = usize::try_from(event.frame.offset).unwrap();
        match event.name() {
            "CPU_FPU" => fpus.push(at),
            "ARM_ABI" => abi = at,
            _ => {}
        }
    }
    let complaints = |at: usize, value: u32| {
        let mut bytes = (sample.bytes)();
        bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
        let mut decoder = Decoder::new(SliceSource(bytes), Options::default()).unwrap();
        let image = Image::read(&mut decoder, |_| true).unwrap();
        let findings = validate(&image, 100);
        let paths = findings
            .kept()
            .iter()
            .filter(|d| d.code.info().code == "V021");
        paths
            .map(|d| d.path.split_once('.').unwrap().1.to_owned())
            .collect::<Vec<_>>()
    };
    let last = *fpus.last().unwrap();
    assert_eq!(complaints(fpus[0] + 28, 260), ["fpu.regset_len"]);
    assert_eq!(complaints(fpus[0] + 12, 0x21), ["fpu.flags"]);
    assert_eq!(complaints(last + 12, 0x03), ["fpu.flags"], "D32 of Crunch");
    assert_eq!(complaints(last + 8, 1), ["fpu.unit", "fpu.regset_len"]);
    assert_eq!(complaints(abi + 24, 4097), ["abi.page_size"]);
    assert_eq!(
        complaints(abi + 12, 0),
        ["abi.calling"],
        "old ABI, arguments in VFP registers"
    );
    assert_eq!(
        complaints(abi + 28, 0x003f_0103),
        ["abi.endian", "abi.calling"]
    );
    assert_eq!(complaints(abi + 28, 0x003f_0300), Vec::<String>::new());
}

/// One bad word or letter in what is kept of a foreign set, and what is said of it (§10.6).
#[test]
fn contradictions_in_foreign_files_are_found() {
    let sample = ckpt_samples::get("foreign-r18-arm").unwrap();
    let bytes = (sample.bytes)();
    let read = |bytes: Vec<u8>| {
        let mut decoder = Decoder::new(SliceSource(bytes), Options::default()).unwrap();
        Image::read(&mut decoder, |_| true).unwrap()
    };
    let sound = read(bytes.clone());
    let [first, second] = sound.foreign.as_slice() else {
        panic!("{:?}", sound.foreign);
    };
    assert_eq!(
        (first.name.as_slice(), first.size),
        (&b"weather.img"[..], 22)
    );
    let lens: Vec<u64> = first.parts.iter().map(|part| part.len).collect();
    assert_eq!(lens, [8, 14]);
    assert_eq!(
        (second.name.as_slice(), second.parts.len()),
        (&b"empty.img"[..], 0)
    );
    assert!(sound.complete && validate(&sound, 100).kept().is_empty());
    let at = usize::try_from(first.record.offset).unwrap();
    let complaints = |at: usize, value: u8| {
        let mut bytes = bytes.clone();
        bytes[at] = value;
        let findings = validate(&read(bytes), 100);
        let paths = findings.kept().iter().map(|d| d.path.clone());
        paths.collect::<Vec<_>>()
    };
    assert_eq!(complaints(at + 8, 2), ["foreign[0].format"]);
    assert_eq!(complaints(at + 16, 21), ["foreign[0].size"]);
    assert_eq!(complaints(at + 32, b'/'), ["foreign[0].name"]);
}

fn image(name: &str) -> Image {
    let sample = ckpt_samples::get(name).unwrap();
    Image::read(&mut decoder(sample), |_| true).unwrap()
}

#[test]
fn signal_masks_are_those_that_were_written() {
    for name in [
        "tour-r17-arm",
        "tour-r12-arm",
        "tour-r17-s390x",
        "tour-r18-armbe",
    ] {
        let image = image(name);
        let live = image.tasks.iter().filter_map(|task| task.live.as_ref());
        let blocked: Vec<u64> = live
            .map(|live| live.blocked)
            .filter(|mask| *mask != 0)
            .collect();
        // Signals 11, 12, 17, 29 and 64, whatever the byte order and the word size.
        assert_eq!(blocked, [0x8000_0000_1001_0c00], "{name}");
        let actions = image.sighands.values().flat_map(|sighand| &sighand.actions);
        assert!(
            actions.into_iter().any(|action| action.mask != 0),
            "{name}: no action has a mask"
        );
    }
}

#[test]
fn both_ends_of_a_socket_pair_know_each_other() {
    let image = image("tour-r17-arm");
    let pairs: Vec<_> = image
        .sockets
        .iter()
        .filter(|(_, socket)| socket.peer > 0)
        .collect();
    assert!(pairs.len() >= 2);
    for (at, socket) in pairs {
        assert_ne!(*at, socket.peer, "a socket is not its own peer");
        let other = &image.sockets[&socket.peer];
        assert!(
            other.peer == *at || other.peer == 0,
            "{at} and {}",
            socket.peer
        );
    }
    let queued = image
        .sockets
        .values()
        .flat_map(|socket| &socket.queues)
        .filter(|queue| !queue.buffers.is_empty());
    assert!(queued.count() > 0);
}

/// Records that may be there or not, so that their absence means something else than damage (§2, UNCONFIRMED ones too).
const OPTIONAL: &[(Tag, Role)] = &[
    (Tag::Container, Role::Plain), // before R03
    (Tag::Vpids, Role::Plain),     // without it, it is another revision
    (Tag::CpuFpu, Role::Plain),    // on ARM, of a thread that never used the unit
    (Tag::TtyLdisc, Role::Plain),  // of a terminal that was hung up
    (Tag::Buffer, Role::SemAdjust),
    (Tag::String, Role::DeviceName),
    (Tag::NetdevAddr, Role::Plain),
];

/// Whether anything worse than a note is told of these bytes.
fn is_told(bytes: Vec<u8>) -> bool {
    let Ok(mut decoder) = Decoder::new(SliceSource(bytes), Options::default()) else {
        return true;
    };
    let image = Image::read(&mut decoder, |_| true).unwrap();
    let worst = image.findings.worst().max(validate(&image, 100).worst());
    image.error.is_some() || worst > Some(Severity::Note)
}

#[test]
fn a_record_that_is_missing_or_twice_is_told() {
    for sample in ckpt_samples::all()
        .iter()
        .filter(|sample| sample.damage.is_none())
    {
        let bytes = (sample.bytes)();
        let mut decoder = decoder(sample);
        while let Some(event) = decoder.next() {
            let event = event.unwrap();
            let [from, to] =
                [event.frame.offset, event.frame.end()].map(|at| usize::try_from(at).unwrap());
            let twice = [&bytes[..to], &bytes[from..]].concat();
            assert!(is_told(twice), "{}: {event:?} twice", sample.name);
            let optional = |(tag, role)| Some(tag) == event.tag && role == event.role();
            if !OPTIONAL.iter().copied().any(optional) {
                let without = [&bytes[..from], &bytes[to..]].concat();
                assert!(is_told(without), "{}: {event:?} missing", sample.name);
            }
        }
    }
}
