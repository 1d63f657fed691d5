//! Names of the functions that addresses lie in.

use std::collections::BTreeMap;

use super::{ReadAt, Reader, SHT_DYNSYM, SHT_SYMTAB};

/// Bytes of a name that are told: C++ has long ones.
const MAX_NAME_LEN: usize = 80;

/// For each of these addresses, ascending and as the file counts them, the name of its function, if the file says.
pub(crate) fn names(source: &(impl ReadAt + ?Sized), addrs: &[u32]) -> BTreeMap<u32, String> {
    let mut found = BTreeMap::new();
    let reader = Reader {
        source,
        big_endian: false,
    };
    let Ok((header, reader)) = reader.header() else {
        return found;
    };
    let tables = reader.section_headers(&header);
    for table in tables.filter(|section| matches!(section.kind, SHT_SYMTAB | SHT_DYNSYM)) {
        reader.symbols(&header, &table, |symbol| {
            let start = symbol.value & !1;
            let end = start.saturating_add(symbol.len);
            let name = symbol.name.get(..MAX_NAME_LEN).unwrap_or(symbol.name);
            let from = addrs.partition_point(|addr| *addr < start);
            let inside = addrs.iter().skip(from).take_while(|addr| **addr < end);
            for addr in inside.filter(|_| symbol.is_function() && !name.is_empty()) {
                let name = || String::from_utf8_lossy(name).into_owned();
                found.entry(*addr).or_insert_with(name);
            }
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of a symbol table and its strings: a function at 0x8000, four bytes long, with the Thumb bit, an object
    /// at 0x9000, and a function at 0x9000 that this file only refers to.
    fn file() -> Vec<u8> {
        let word = |number: u32| number.to_le_bytes();
        let symbol = |name, value, len, info: u32, section: u32| {
            [
                word(name),
                word(value),
                word(len),
                word(info | section << 16),
            ]
            .concat()
        };
        let symbols = [
            symbol(1, 0x8001, 4, 2, 1),
            symbol(6, 0x9000, 4, 1, 1),
            symbol(1, 0x9000, 4, 2, 0),
        ]
        .concat();
        let strings = b"\0twice\0";
        let (at, strings_at) = (52, 52 + 48);
        let section = |kind, offset, len, link| {
            let head = [0, kind, 0, 0, offset, len, link, 0, 0, 0];
            head.map(word).concat()
        };
        let mut bytes = vec![0; 52];
        bytes[..7].copy_from_slice(b"\x7fELF\x01\x01\x01");
        bytes[16..20].copy_from_slice(&[2, 0, 40, 0]);
        bytes[32..36].copy_from_slice(&word(strings_at + 8));
        (bytes[46], bytes[48]) = (40, 2);
        bytes.extend(symbols);
        bytes.extend(strings);
        bytes.push(0);
        bytes.extend(section(2, at, 48, 1));
        bytes.extend(section(3, strings_at, 7, 0));
        bytes
    }

    #[test]
    fn an_address_has_the_name_of_the_function_around_it() {
        let addrs = [0x7ffe, 0x8000, 0x8002, 0x8004, 0x9000];
        let found = names(file().as_slice(), &addrs);
        let name = || "twice".to_owned();
        assert_eq!(found, BTreeMap::from([(0x8000, name()), (0x8002, name())]));
        assert!(names(b"hello".as_slice(), &addrs).is_empty());
    }
}
