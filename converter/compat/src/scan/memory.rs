//! Reading an address space through a small window.

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::HashMap;

use super::Job;
use crate::target::Endian;

/// An address space that can be read; several threads may.
pub trait Memory: Sync {
    /// Copies bytes from `addr` on into `out` and returns how many were there, from the first on.
    fn read(&self, addr: u32, out: &mut [u8]) -> usize;

    /// Its byte order.
    fn endian(&self) -> Endian {
        Endian::Little
    }
}

/// The bytes at an address.
pub(crate) fn bytes_at<const N: usize>(memory: &dyn Memory, addr: u32) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    (memory.read(addr, &mut bytes) == N).then_some(bytes)
}

/// A word of data.
pub(crate) fn word_at(memory: &dyn Memory, addr: u32) -> Option<u32> {
    Some(memory.endian().word(bytes_at(memory, addr)?))
}

/// Memory made of slices at addresses.
#[derive(Debug, Default, Clone)]
pub struct SliceMemory<'a> {
    pieces: Vec<(u32, &'a [u8])>,
    /// Its byte order.
    pub endian: Endian,
}

impl<'a> SliceMemory<'a> {
    /// Adds bytes at an address; later pieces hide earlier ones.
    pub fn add(&mut self, addr: u32, bytes: &'a [u8]) {
        self.pieces.push((addr, bytes));
    }
}

impl Memory for SliceMemory<'_> {
    fn read(&self, addr: u32, out: &mut [u8]) -> usize {
        let mut done = 0;
        while let Some(rest) = out.get_mut(done..).filter(|rest| !rest.is_empty()) {
            let Some(at) = u32::try_from(done)
                .ok()
                .and_then(|done| addr.checked_add(done))
            else {
                break;
            };
            let piece = self.pieces.iter().rev().find_map(|(start, bytes)| {
                let skip = usize::try_from(at.checked_sub(*start)?).ok()?;
                bytes.get(skip..).filter(|bytes| !bytes.is_empty())
            });
            let Some(piece) = piece else { break };
            let len = piece.len().min(rest.len());
            if let (Some(to), Some(from)) = (rest.get_mut(..len), piece.get(..len)) {
                to.copy_from_slice(from);
            }
            done += len;
        }
        done
    }

    fn endian(&self) -> Endian {
        self.endian
    }
}

const PAGE_LEN: usize = 4096;
const PAGE_MASK: u32 = 4095;
/// 8 MiB of pages at most.
const MAX_PAGES: usize = 2048;

/// A page as far as it could be read.
type Page = Arc<[u8]>;

/// A cache of pages over a memory, for one thread.
pub(super) struct Window<'a> {
    memory: &'a dyn Memory,
    pages: HashMap<u32, Page>,
    last: Option<(u32, Page)>,
    slots: &'a BTreeMap<u32, u32>,
    endian: Endian,
}

impl<'a> Window<'a> {
    pub(super) fn new(job: &Job<'a>) -> Self {
        Self {
            memory: job.memory,
            pages: HashMap::new(),
            last: None,
            slots: job.slots,
            endian: job.memory.endian(),
        }
    }

    fn page(&mut self, number: u32) -> &[u8] {
        if self.last.as_ref().is_none_or(|(last, _)| *last != number) {
            if self.pages.len() >= MAX_PAGES {
                self.pages.clear();
            }
            let page = self.pages.entry(number).or_insert_with(|| {
                let mut bytes = vec![0; PAGE_LEN];
                let len = self.memory.read(number << 12, &mut bytes);
                bytes.truncate(len);
                bytes.into()
            });
            self.last = Some((number, page.clone()));
        }
        self.last.as_ref().map_or(&[], |(_, page)| page)
    }

    fn bytes<const N: usize>(&mut self, addr: u32) -> Option<[u8; N]> {
        let start = usize::try_from(addr & PAGE_MASK).ok()?;
        let page = self.page(addr >> 12);
        if let Some(bytes) = page.get(start..start + N) {
            return bytes.try_into().ok();
        }
        bytes_at(self.memory, addr)
    }

    /// A data word. A slot of a linkage table holds what it will be bound to.
    pub(super) fn word(&mut self, addr: u32) -> Option<u32> {
        match self.slots.get(&addr) {
            Some(function) => Some(*function),
            None => Some(self.endian.word(self.bytes(addr)?)),
        }
    }

    /// An A32 instruction word.
    pub(super) fn code_word(&mut self, addr: u32) -> Option<u32> {
        Some(self.endian.of_code().word(self.bytes(addr)?))
    }

    /// A T32 halfword.
    pub(super) fn half(&mut self, addr: u32) -> Option<u16> {
        Some(self.endian.of_code().half(self.bytes(addr)?))
    }

    /// A halfword of data.
    pub(super) fn data_half(&mut self, addr: u32) -> Option<u16> {
        Some(self.endian.half(self.bytes(addr)?))
    }

    /// A byte.
    pub(super) fn byte(&mut self, addr: u32) -> Option<u8> {
        self.bytes::<1>(addr).map(|[byte]| byte)
    }

    /// Does nothing lie in the page, or nothing but zeros?
    pub(super) fn is_blank(&mut self, addr: u32) -> bool {
        self.page(addr >> 12).iter().all(|byte| *byte == 0)
    }

    /// Is any byte of the page there?
    pub(super) fn has_page(&mut self, addr: u32) -> bool {
        !self.page(addr >> 12).is_empty()
    }
}
