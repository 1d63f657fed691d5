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
