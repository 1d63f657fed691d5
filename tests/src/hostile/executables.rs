//! ELF executables and libraries.

use super::{Case, Run};
use std::fs;
use std::io;
use std::path::Path;

pub(super) const CASES: &[Case] = &[
    Case {
        what: "executable: 10 000 section headers for one table of 4096 symbols",
        make: |path, _| {
            Library {
                tables: 10_000,
                ..Library::of_one_function("f", 4096)
            }
            .write(path)
        },
        runs: CHECKED,
    },
    Case {
        what: "library: 65 535 functions of one name, a mebibyte long",
        make: |path, _| Library::of_one_function(&"f".repeat(1 << 20), 0xffff).write(path),
        runs: CHECKED,
    },
    Case {
        what: "library: half a million calls of each other, beside what prints floats",
        make: |path, _| {
            let call = |at: u32| {
                // A new target each, ahead or behind.
                let distance = (at.wrapping_mul(0x9e37_79b9) >> 13) & 0x7_ffff;
                0xeb00_0000 | distance.wrapping_sub(at) & 0xff_ffff
            };
            let mut code: Vec<u32> = (0..1 << 19).map(call).collect();
            code.extend([VMRS, BX_LR]);
            Library {
                tables: 1,
                name: "__printf_fp".to_owned(),
                symbols: vec![(FUNC, 0)],
                code,
            }
            .write(path)
        },
        runs: CHECKED,
    },
    Case {
        what: "library: 65 535 functions that choose others by AT_HWCAP",
        make: |path, _| {
            let symbols = (0..0xffff).map(|number| (GNU_IFUNC, number * 8));
            Library {
                tables: 1,
                name: "f".to_owned(),
                symbols: symbols.collect(),
                code: [MOV_R0, BX_LR].repeat(0xffff),
            }
            .write(path)
        },
        runs: CHECKED,
    },
];

/// Nothing is wrong with the file but what it costs.
const CHECKED: &[Run] = &[Run {
    command: "ckpt-check -q -t v7 IN",
    exit: 0,
    says: "",
}];

const FUNC: u8 = 2;
const GNU_IFUNC: u8 = 10;
const BX_LR: u32 = 0xe12f_ff1e;
const VMRS: u32 = 0xeef1_2a10;
const MOV_R0: u32 = 0xe3a0_0000;
/// Where instructions begin, in the file and in memory.
const CODE_AT: u32 = 0x1000;

/// A shared object of ARM code without mapping symbols.
struct Library {
    /// Section headers for the one table of symbols.
    tables: u16,
    /// What all its functions are called.
    name: String,
    /// Type and place of each, from the start of the code on.
    symbols: Vec<(u8, u32)>,
    code: Vec<u32>,
}

impl Library {
    /// One function, which its table holds many times.
    fn of_one_function(name: &str, times: usize) -> Self {
        Self {
            tables: 1,
            name: name.to_owned(),
            symbols: vec![(FUNC, 0); times],
            code: vec![BX_LR],
        }
    }

    fn write(&self, path: &Path) -> io::Result<()> {
        let mut symbols = vec![0; 16];
        for (kind, place) in &self.symbols {
            let words = [1, CODE_AT + place, 8];
            symbols.extend(words.iter().flat_map(|word: &u32| word.to_le_bytes()));
            // Global, of section 1.
            symbols.extend([1 << 4 | kind, 0, 1, 0]);
        }
        let names = [&[0], self.name.as_bytes(), &[0]].concat();
        let code: Vec<u8> = self
            .code
            .iter()
            .flat_map(|word| word.to_le_bytes())
            .collect();
        let len = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let symbols_at = CODE_AT + len(&code);
        let names_at = symbols_at + len(&symbols);
        let headers_at = names_at + len(&names);

        let mut file = b"\x7fELF\x01\x01\x01".to_vec();
        file.resize(16, 0);
        file.extend([3, 0, 40, 0]);
        // Version, entry, program headers, section headers, flags.
        put(&mut file, &[1, 0, 52, headers_at, 0x0500_0000]);
        let count = self.tables + 3;
        for half in [52, 32, 1, 40, count, 2] {
            file.extend(u16::to_le_bytes(half));
        }
        // One segment for all, readable and executable.
        put(&mut file, &[1, 0, 0, 0, headers_at, headers_at, 5, 0x1000]);
        file.resize(CODE_AT as usize, 0);
        file.extend([&code[..], &symbols, &names].concat());
        put(&mut file, &[0; 10]);
        let section =
            |kind, flags, at, len, link, entry| [0, kind, flags, at, at, len, link, 0, 4, entry];
        put(&mut file, &section(1, 6, CODE_AT, len(&code), 0, 0));
        put(&mut file, &section(3, 2, names_at, len(&names), 0, 0));
        for _ in 0..self.tables {
            put(&mut file, &section(11, 2, symbols_at, len(&symbols), 2, 16));
        }
        fs::write(path, file)
    }
}

fn put(file: &mut Vec<u8>, words: &[u32]) {
    file.extend(words.iter().flat_map(|word| word.to_le_bytes()));
}
