//! JSON documents, for the converter.

use super::{Case, Run};
use std::fs;

pub(super) const CASES: &[Case] = &[
    Case {
        what: "JSON: contents of memory in a file elsewhere",
        make: |path, _| {
            fs::write(
                path,
                r#"{"schema":1,"revision":"R17","arch":"arm","memory":"../../../etc/passwd","records":[]}"#,
            )
        },
        runs: &[Run {
            command: "ckpt-convert IN --to r18 -o OUT",
            exit: 1,
            says: "not the name of a file beside the document",
        }],
    },
    Case {
        what: "JSON: 100 000 arrays within each other",
        make: |path, _| {
            let head = r#"{"schema":1,"revision":"R17","arch":"arm","records":[{"fields":"#;
            fs::write(path, format!("{head}{}", "[".repeat(100_000)))
        },
        runs: &[Run {
            command: "ckpt-convert IN --to r18 -o OUT",
            exit: 1,
            says: "recursion limit",
        }],
    },
    Case {
        what: "JSON: a record of 4 GiB that the document does not hold",
        make: |path, _| {
            fs::write(
                path,
                r#"{"schema":1,"revision":"R17","arch":"arm","records":[{"type":"VMA","len":4294967295}]}"#,
            )
        },
        runs: &[Run {
            command: "ckpt-convert IN --to r18 -o OUT",
            exit: 1,
            says: "",
        }],
    },
];
