//! What only the validation of the whole image sees is told with its place.

use ckpt_format::Tag;
use ckpt_parser::diagnostic::Code;
use ckpt_tests::read_bytes;
use ckpt_tests::triggers::Editor;

/// A record and a field of a sample, the value it gets, and what is said of it then.
type Fault = (
    &'static str,
    Tag,
    usize,
    &'static str,
    u64,
    Code,
    &'static str,
);

const FAULTS: [Fault; 4] = [
    (
        "tour-r17-arm",
        Tag::FileDesc,
        0,
        "fd_objref",
        0,
        Code::DanglingReference,
        ".fd[0]: 0, expected a FILE object",
    ),
    (
        "tour-r17-arm",
        Tag::File,
        1,
        "pipe_objref",
        0,
        Code::DanglingReference,
        ".pipe_objref: 0, expected an INODE number",
    ),
    (
        "tour-r17-arm",
        Tag::Socket,
        0,
        "sock.shutdown",
        4,
        Code::BadSocket,
        ".sock.shutdown: 4, expected 0 to 3",
    ),
    // The stack, with the file that descriptor 0 names.
    (
        "minimal-r17-arm",
        Tag::Vma,
        1,
        "vma_objref",
        10,
        Code::WrongReference,
        ".vma_objref: file 10, expected none for an anonymous mapping",
    ),
];

#[test]
fn a_field_that_cannot_be_is_told_with_its_place() {
    for (sample, tag, n, field, value, code, end) in FAULTS {
        let bytes = (ckpt_samples::get(sample).unwrap().bytes)();
        assert_eq!(read_bytes(&bytes).findings(), [], "{sample} as it is");
        let mut editor = Editor::new(bytes);
        editor.set(tag, n, field, value);
        let answer = read_bytes(&editor.into_bytes());
        let told: Vec<String> = answer
            .findings()
            .iter()
            .filter(|finding| finding.code == code)
            .map(ToString::to_string)
            .collect();
        assert!(
            told.iter().any(|text| text.ends_with(end)),
            "{field}: {told:?}, all {:?}",
            answer.findings()
        );
    }
}
