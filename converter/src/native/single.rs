//! Records that change by more than their fields.

use super::{
    F_TYPE, FS_OBJREF, HPAGE_SHIFT, HPAGE_VADDR, NR_PAGES, Native, OBJREF_NUMBER, OBJTYPE, Plan,
    ROOT_DIRECTORY, SIGNAL_OBJREF, UMASK, USUAL_UMASK, fields,
};
use crate::error::Error;
use crate::loss::Code;
use ckpt_format::dialect::R07;
use ckpt_format::{Dialect, Object, Tag, records as table};
use ckpt_parser::decoder::Event;
use ckpt_parser::source::Source;
use ckpt_parser::view::{View, write_uint};

impl<S: Source> Native<'_, S> {
    pub(super) fn auxv(&mut self, event: &Event) -> Result<(), Error> {
        let (from, to) = self.revisions();
        let word = usize::from(self.from.dialect.abi.arch.word_size());
        let len = u64::from(event.frame.len).saturating_sub(8);
        // Which revision widened the vector is not settled: its length says what it is (§3.8).
        let wide =
            from >= R07 || (len != self.auxv_bytes && len == self.auxv_bytes.saturating_mul(2));
        let from_width = if wide { 8 } else { word };
        let to_width = if to >= R07 { 8 } else { word };
        if from_width == to_width || (from < R07 && to < R07) {
            return self.copy(event);
        }
        let payload = self.payload(event, 1 << 20)?;
        let order = self.order();
        let there = fields::auxv(&payload, order, from_width, to_width).unwrap_or_default();
        let back = fields::auxv(&there, order, to_width, from_width).unwrap_or_default();
        if back != payload {
            self.lose(event, Code::Auxv, "saved_auxv", fields::hex(&payload));
        }
        self.emit_payload(Tag::Buffer, &there)
    }

    /// The items refer to files.
    pub(super) fn epoll_items(&mut self, event: &Event) -> Result<(), Error> {
        const FILE: ckpt_format::FieldId = table::EVENTPOLL_ITEM.id("file_objref");
        let layout = ckpt_format::Layout::of(&table::EVENTPOLL_ITEM, self.to.dialect);
        let Some((size, slot)) = layout
            .as_ref()
            .and_then(|layout| Some((layout.size as usize, layout.slot(FILE)?.clone())))
        else {
            return self.copy(event);
        };
        let mut payload = self.payload(event, 64 << 20)?;
        for item in payload.chunks_exact_mut(size) {
            let at = slot.offset as usize;
            let order = self.order();
            let Some(room) = item.get_mut(at..at.saturating_add(4)) else {
                continue;
            };
            let value = ckpt_parser::view::read_uint(room, order);
            match fields::shifted(value, self.shift) {
                Some(value) => write_uint(room, value, order),
                None => self.lose(event, Code::ObjectNumber, "file_objref", value.to_string()),
            }
        }
        self.emit_payload(Tag::Buffer, &payload)
    }

    /// A file of a type that R01 lacks keeps its descriptor.
    pub(super) fn file(&mut self, event: &Event, mut bytes: Vec<u8>) -> Result<(), Error> {
        let kind = self
            .decoder
            .view()
            .and_then(|view| view.u32(F_TYPE))
            .unwrap_or(0);
        let code = match kind {
            6 => Code::Epoll,
            7 => Code::Eventfd,
            _ => {
                return self.convert(event, Tag::File, bytes, Plan::Convert);
            }
        };
        self.lose(event, code, "f_type", kind.to_string());
        let order = self.order();
        if let Some(room) = bytes.get_mut(8..12) {
            write_uint(room, 1, order);
        }
        self.convert(event, Tag::File, bytes, Plan::Convert)?;
        self.emit_payload(Tag::FileName, b"/dev/null\0")
    }

    /// The reader of R06 wants directories for every process (§6.5).
    pub(super) fn task_objs(&mut self, event: &Event, bytes: &[u8]) -> Result<(), Error> {
        let signal = self
            .decoder
            .view()
            .and_then(|view| view.i32(SIGNAL_OBJREF))
            .unwrap_or(0);
        let number = match self.directories.get(&signal) {
            Some(number) => *number,
            None => self.make_directories(signal)?,
        };
        let Some(mut bytes) = self.converted(event, Tag::TaskObjs, bytes) else {
            return Ok(());
        };
        let slot = self
            .to
            .by_tag(Tag::TaskObjs)
            .and_then(|r| r.single()?.slot(FS_OBJREF).cloned());
        if let Some(slot) = slot {
            let number = u64::from(number.unsigned_abs());
            ckpt_parser::encode::put_element(&mut bytes, &slot, 0, number, self.to.dialect);
        }
        self.emit(event.frame.offset, Tag::TaskObjs, bytes)
    }

    fn make_directories(&mut self, signal: i32) -> Result<i32, Error> {
        let number = self.new_objects;
        self.new_objects = self.new_objects.saturating_add(1);
        self.directories.insert(signal, number);
        let Dialect { revision, abi } = self.to.dialect;
        let kind = Object::Fs.number(revision, abi.arch).unwrap_or(0);
        self.build(Tag::Objref, None, |r| {
            r.set(OBJTYPE, kind).set_signed(OBJREF_NUMBER, number)
        })?;
        self.build(Tag::Fs, None, |r| r.set(UMASK, USUAL_UMASK))?;
        self.emit_payload(Tag::FileName, ROOT_DIRECTORY)?;
        self.emit_payload(Tag::FileName, ROOT_DIRECTORY)?;
        Ok(number)
    }

    /// A socket buffer that waited for its data.
    pub(super) fn flush_buffer(&mut self, next: &Event) -> Result<(), Error> {
        let Some((event, bytes)) = self.held_buffer.take() else {
            return Ok(());
        };
        self.known.next_payload = u64::from(next.frame.len).saturating_sub(8);
        self.convert(&event, Tag::SocketBuffer, bytes, Plan::Convert)
    }

    pub(super) fn hpage(&mut self, event: &Event, bytes: &[u8]) {
        let layout = self.from.layout_of(event.frame.number, bytes);
        if let Some(layout) = layout {
            let view = View {
                layout,
                bytes,
                dialect: self.from.dialect,
            };
            let shift = view.u32(HPAGE_SHIFT).unwrap_or(0);
            let at = view.uint(HPAGE_VADDR).unwrap_or(0);
            self.huge = Some((at, shift));
            self.lose(event, Code::HugePages, "vaddr", format!("{at:#x}"));
        }
    }

    /// The contents of a huge page as groups of ordinary pages (§4.1).
    pub(super) fn huge_page(&mut self, event: &Event) -> Result<(), Error> {
        let (at, shift) = self.huge.take().unwrap_or_default();
        let page = u64::from(self.decoder.detection().page_size);
        let word = usize::from(self.to.dialect.abi.arch.word_size());
        let total = u64::from(event.frame.len).saturating_sub(8);
        let pages = total.checked_div(page).unwrap_or(0);
        if pages.checked_mul(page) != Some(total) {
            return Err(Error::damaged(
                event.frame.offset,
                "a huge page is no multiple of a page",
            ));
        }
        let (first, step) = if self.shared_pages {
            let small = page.trailing_zeros();
            (at.checked_shl(shift.saturating_sub(small)).unwrap_or(0), 1)
        } else {
            (at, page)
        };
        let most = page
            .saturating_mul(16)
            .checked_div(word as u64)
            .unwrap_or(1)
            .max(1);
        let mut done = 0;
        while done < pages {
            let n = pages.saturating_sub(done).min(most);
            self.build(Tag::Pgarr, None, |r| r.set(NR_PAGES, n))?;
            self.emit_head(
                Tag::Buffer,
                n.saturating_mul(page.saturating_add(word as u64)),
            )?;
            for i in done..done.saturating_add(n) {
                let mut address = [0; 8];
                let room = address.get_mut(..word).unwrap_or_default();
                write_uint(
                    room,
                    first.saturating_add(i.saturating_mul(step)),
                    self.to.dialect.abi.order,
                );
                self.out.bytes(room)?;
            }
            let skip = done.saturating_mul(page).saturating_add(8);
            self.copy_part(event, skip, n.saturating_mul(page))?;
            done = done.saturating_add(n);
        }
        Ok(())
    }
}
