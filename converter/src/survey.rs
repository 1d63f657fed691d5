//! A first look over an image for what its records need from later ones. Only a source that can be
//! read twice allows it.

use crate::error::Error;
use crate::native::KnownAbi;
use ckpt_format::dialect::R18;
use ckpt_format::records as table;
use ckpt_format::{Arch, FieldId, Object, Revision, Tag};
use ckpt_parser::decoder::{Decoder, Options};
use ckpt_parser::grammar::Role;
use ckpt_parser::source::Source;
use ckpt_parser::view::read_uint;
use std::collections::HashMap;

const NR_TASKS: FieldId = table::TREE.id("nr_tasks");
const MM_OBJREF: FieldId = table::TASK_OBJS.id("mm_objref");
/// Entry types of the auxiliary vector (include/linux/auxvec.h).
const AT_HWCAP: u64 = 16;
const AT_HWCAP2: u64 = 26;
/// Longest vector that is looked at, in bytes.
const MAX_AUXV: usize = 4096;

/// What the auxiliary vectors of an ARM image say about each task, for the ABI record of R18. It
/// stands before the address space in the stream, so a pipe leaves it unknown.
///
/// # Errors
/// Those of the source; damage is left to the conversion.
pub fn abi(
    source: &mut dyn Source,
    options: Options,
    to: Revision,
) -> Result<HashMap<u32, KnownAbi>, Error> {
    let mut tasks = HashMap::new();
    if to < R18 || !source.is_seekable() {
        return Ok(tasks);
    }
    let mut decoder = Decoder::new(source, options).map_err(Error::Read)?;
    let dialect = decoder.detection().dialect;
    if dialect.abi.arch != Arch::Arm || dialect.revision >= R18 {
        return Ok(tasks);
    }
    let mut spaces: HashMap<i32, KnownAbi> = HashMap::new();
    let mut count = u32::MAX;
    while let Some(Ok(event)) = decoder.next() {
        if let (Some(Tag::Tree), Some(view)) = (event.tag, decoder.view()) {
            count = view.u32(NR_TASKS).unwrap_or(count);
        }
        let space = event
            .object()
            .filter(|object| object.kind == Some(Object::Mm));
        if let (Role::Auxv, Some(space)) = (event.role(), space) {
            let order = dialect.abi.order;
            let payload = decoder.payload(8, MAX_AUXV).map_err(Error::Read)?;
            let known = from_auxv(payload, |word| read_uint(word, order));
            spaces.insert(space.objref, known);
            // The only task owns the address space; its pages need not be passed.
            if let (1, Some(task)) = (count, event.place.task) {
                tasks.insert(task, known);
                break;
            }
        }
        let task = event
            .place
            .task
            .filter(|_| event.tag == Some(Tag::TaskObjs));
        let mm = decoder.view().and_then(|view| view.i32(MM_OBJREF));
        if let (Some(task), Some(known)) = (task, mm.and_then(|mm| spaces.get(&mm))) {
            tasks.insert(task, *known);
        }
    }
    Ok(tasks)
}

/// ARM images have vectors of 64-bit words (§3.8).
fn from_auxv(payload: &[u8], number: impl Fn(&[u8]) -> u64) -> KnownAbi {
    let mut known = KnownAbi::default();
    for pair in payload.chunks_exact(16) {
        let (kind, value) = pair.split_at(8);
        let value = u32::try_from(number(value)).ok();
        match number(kind) {
            0 => break,
            AT_HWCAP => known.hwcap = value,
            AT_HWCAP2 => known.hwcap2 = value,
            _ => {}
        }
    }
    known
}
