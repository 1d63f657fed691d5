//! Names of the functions that addresses lie in.

use std::collections::BTreeMap;

use super::{ReadAt, Reader};

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
    // Functions may overlap as often as a file likes: an address that has its name is not looked for again.
    let mut nameless = addrs.to_vec();
    reader.symbols(&reader.section_headers(&header), |symbol| {
        if !symbol.is_function() || symbol.name.is_empty() {
            return;
        }
        let start = symbol.value & !1;
        let end = start.saturating_add(symbol.len);
        let place = |addr| nameless.partition_point(|other| *other < addr);
        let inside = place(start)..place(end);
        let name = symbol.name.get(..MAX_NAME_LEN).unwrap_or(symbol.name);
        for addr in nameless.drain(inside) {
            found.insert(addr, String::from_utf8_lossy(name).into_owned());
        }
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

    /// A file of a symbol table and its strings: a function at 0x8000, four bytes long, with the Thumb bit, an object
    /// at 0x9000, and a function at 0x9000 that this file only refers to. So many section headers show the table.
    fn file(tables: u16) -> Vec<u8> {
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
        bytes[46] = 40;
        bytes[48..50].copy_from_slice(&(tables + 1).to_le_bytes());
        bytes.extend(symbols);
        bytes.extend(strings);
        bytes.push(0);
        for _ in 0..tables {
            bytes.extend(section(2, at, 48, u32::from(tables)));
        }
        bytes.extend(section(3, strings_at, 7, 0));
        bytes
    }

    #[test]
    fn an_address_has_the_name_of_the_function_around_it() {
        let addrs = [0x7ffe, 0x8000, 0x8002, 0x8004, 0x9000];
        let found = names(file(1).as_slice(), &addrs);
        let name = || "twice".to_owned();
        assert_eq!(found, BTreeMap::from([(0x8000, name()), (0x8002, name())]));
        assert!(names(b"hello".as_slice(), &addrs).is_empty());
    }

    #[test]
    fn a_file_has_one_table_however_many_it_claims() {
        let read = super::super::read(file(9).as_slice()).unwrap();
        assert_eq!(read.functions, [0x8001]);
        let reads = Counted::default();
        let counted = |tables| {
            reads.0.store(0, Relaxed);
            let whole = (file(tables), &reads);
            assert_eq!(names(&whole, &[0x8000]).len(), 1);
            reads.0.load(Relaxed)
        };
        // The headers, and no table but one.
        assert_eq!(counted(9) - counted(1), 8 * 7 * 4);
    }

    /// Bytes that were read.
    #[derive(Default)]
    struct Counted(AtomicU64);

    impl ReadAt for (Vec<u8>, &Counted) {
        fn read_at(&self, offset: u64, out: &mut [u8]) -> usize {
            let len = self.0.as_slice().read_at(offset, out);
            self.1.0.fetch_add(len as u64, Relaxed);
            len
        }
    }
}
