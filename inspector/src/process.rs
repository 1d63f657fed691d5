//! Code and data of a process by address, from the image or from the files of its machine.

use crate::sysroot::Sysroot;
use ckpt_format::Order;
use ckpt_parser::memory::{Backing, Memory, Span};
use ckpt_parser::model::{ArmAbi, Mm};
use ckpt_parser::source::Source;
use ckpt_parser::view::read_uint;

/// An address space that can be read.
pub(crate) struct Process<'a, 'i, S> {
    pub(crate) mm: &'a Mm,
    memory: &'a mut Memory<'i, S>,
    sysroot: &'a mut Sysroot,
    /// Byte order of data.
    pub(crate) data: Order,
    /// Byte order of instructions.
    pub(crate) code: Order,
}

impl<'a, 'i, S: Source> Process<'a, 'i, S> {
    pub(crate) fn new(
        abi: Option<&ArmAbi>,
        mm: &'a Mm,
        memory: &'a mut Memory<'i, S>,
        sysroot: &'a mut Sysroot,
    ) -> Self {
        let data = memory.image().detection.dialect.abi.order;
        // BE8 keeps code little-endian.
        let code = match abi.and_then(|abi| abi.endian) {
            Some(2) => Order::Big,
            Some(_) => Order::Little,
            None => data,
        };
        Process {
            mm,
            memory,
            sysroot,
            data,
            code,
        }
    }

    /// Bytes, if all of them are known.
    pub(crate) fn bytes(&mut self, addr: u32, len: usize) -> Option<Vec<u8>> {
        let mut bytes = vec![0; len];
        let addr = u64::from(addr);
        let spans = self.memory.read(self.mm, addr, &mut bytes).ok()?;
        let image = self.memory.image();
        let files = self.sysroot.fill(image, &spans, addr, &mut bytes);
        let in_file = |span: &Span| match span.backing {
            Backing::File(number, _) => files.contains(&number),
            _ => span.is_known(),
        };
        spans.iter().all(in_file).then_some(bytes)
    }

    /// A word of data.
    pub(crate) fn word(&mut self, addr: u32) -> Option<u32> {
        let bytes = self.bytes(addr, 4)?;
        u32::try_from(read_uint(&bytes, self.data)).ok()
    }

    /// An instruction, or half of one, of 2 or 4 bytes.
    pub(crate) fn instruction(&mut self, addr: u32, width: usize) -> Option<u32> {
        let bytes = self.bytes(addr, width)?;
        u32::try_from(read_uint(&bytes, self.code)).ok()
    }
}
