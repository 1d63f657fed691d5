//! Changes on the way: contents and texts blanked, memory left out, descriptors moved.

use super::Native;
use crate::error::Error;
use ckpt_format::records as table;
use ckpt_format::schema::Type;
use ckpt_format::{FieldId, Tables, Tag};
use ckpt_parser::decoder::Event;
use ckpt_parser::encode::put_element;
use ckpt_parser::frame::HEADER_LEN;
use ckpt_parser::grammar::Role;
use ckpt_parser::source::Source;
use ckpt_parser::view::View;
use std::collections::HashMap;

const NR_PAGES: FieldId = table::PGARR.id("nr_pages");
const FD: FieldId = table::FILE_DESC.id("fd_descriptor");
/// What a letter becomes in a blanked text.
const BLANK: u8 = b'x';
/// Longest text that is blanked letter by letter; longer ones become zeros.
const MAX_TEXT: u64 = 1 << 16;

/// What to change in an image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edits {
    /// Replace page contents, data in flight and texts by zeros and `x`, keeping every length, so
    /// that the image can be shown to strangers.
    pub redact: bool,
    /// Leave page contents out, as if no page had been modified.
    pub strip_memory: bool,
    /// New numbers of descriptors, in every table.
    pub descriptors: HashMap<i32, i32>,
}

impl Edits {
    /// Whether nothing is to be changed.
    pub fn is_empty(&self) -> bool {
        !self.redact && !self.strip_memory && self.descriptors.is_empty()
    }

    /// Changes the bytes of a struct record; whether anything changed.
    pub(super) fn apply(&self, tag: Tag, bytes: &mut [u8], tables: &Tables) -> bool {
        let before = bytes.to_vec();
        let number = tables.by_tag(tag).map_or(0, |record| record.number);
        let Some(layout) = tables.layout_of(number, &before) else {
            return false;
        };
        let view = View {
            layout,
            bytes: &before,
            dialect: tables.dialect,
        };
        if tag == Tag::FileDesc
            && let (Some(old), Some(slot)) = (view.i32(FD), layout.slot(FD))
            && let Some(new) = self.descriptors.get(&old)
        {
            let new = i64::from(*new).cast_unsigned();
            put_element(bytes, slot, 0, new, tables.dialect);
        }
        let is_text = |ty: Type| matches!(ty, Type::Char);
        let texts = layout
            .slots
            .iter()
            .filter(|slot| slot.field.is_some_and(|f| is_text(f.ty)));
        for slot in texts.filter(|_| self.redact) {
            let start = slot.offset as usize;
            let end = start.saturating_add(slot.size as usize);
            blank(bytes.get_mut(start..end).unwrap_or_default());
        }
        *bytes != before[..]
    }
}

/// Hides a text, but not how long it is and where its directories end.
fn blank(text: &mut [u8]) {
    for byte in text.iter_mut().filter(|byte| !matches!(**byte, 0 | b'/')) {
        *byte = BLANK;
    }
}

impl<S: Source> Native<'_, S> {
    /// A descriptor must not move to where its table has another one.
    pub(super) fn check_descriptor(
        &mut self,
        event: &Event,
        tag: Tag,
        bytes: &[u8],
    ) -> Result<(), Error> {
        if self.request.edits.descriptors.is_empty() {
            return Ok(());
        }
        if tag == Tag::FileTable {
            self.descriptors.clear();
        }
        let number = self.from.by_tag(tag).map_or(0, |record| record.number);
        let layout = (tag == Tag::FileDesc).then(|| self.from.layout_of(number, bytes));
        let view = layout.flatten().map(|layout| View {
            layout,
            bytes,
            dialect: self.from.dialect,
        });
        let Some(fd) = view.and_then(|view| view.i32(FD)) else {
            return Ok(());
        };
        if self.descriptors.insert(fd) {
            return Ok(());
        }
        let at = event.frame.offset;
        let why = format!("--relocate-fd: the table has two descriptors {fd} then ({at:#x})");
        Err(Error::Request(why))
    }

    /// Writes something else in place of a record; false if the record is kept.
    pub(super) fn replaced(&mut self, event: &Event, tag: Tag) -> Result<bool, Error> {
        let edits = &self.request.edits;
        let role = event.role();
        if edits.strip_memory {
            let pages = self.decoder.view().and_then(|view| view.uint(NR_PAGES));
            let group = tag == Tag::Pgarr && pages.is_some_and(|pages| pages > 0);
            let contents = matches!(role, Role::Pages { .. } | Role::HugePage);
            if contents || group || tag == Tag::Hpage {
                return Ok(true);
            }
        }
        if !edits.redact {
            return Ok(false);
        }
        let len = u64::from(event.frame.len);
        match (tag, role) {
            // Nobody can say what else it holds.
            (Tag::Foreign, _) | (_, Role::ForeignName | Role::ForeignData) => {}
            (_, Role::Pages { count }) => {
                let word = u64::from(self.from.dialect.abi.arch.word_size());
                let head = count
                    .saturating_mul(word)
                    .saturating_add(HEADER_LEN)
                    .min(len);
                self.keep_head(event, head, len.saturating_sub(head))?;
            }
            (Tag::SocketFrag, _) => {
                self.keep_head(event, len, event.frame.raw.into())?;
            }
            (Tag::PipeBuf, _) | (_, Role::SkbData | Role::MsgText | Role::TtyInput) => {
                self.keep_head(event, HEADER_LEN, len.saturating_sub(HEADER_LEN))?;
            }
            (Tag::FileName | Tag::String, _) if len <= MAX_TEXT => {
                let mut text = self.payload(event, MAX_TEXT)?;
                blank(&mut text);
                self.emit_payload(tag, &text)?;
            }
            // Contents of huge pages change their form in older revisions; they are left out there.
            (_, Role::HugePage) if self.huge.is_none() => {
                self.keep_head(event, HEADER_LEN, len.saturating_sub(HEADER_LEN))?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The start of a record as it is, then zeros.
    fn keep_head(&mut self, event: &Event, head: u64, zeros: u64) -> Result<(), Error> {
        const ZEROS: &[u8] = &[0; 64 << 10];
        self.copy_part(event, 0, head)?;
        let mut left = zeros;
        while left > 0 {
            let step = usize::try_from(left)
                .unwrap_or(ZEROS.len())
                .min(ZEROS.len());
            self.out.bytes(ZEROS.get(..step).unwrap_or_default())?;
            left = left.saturating_sub(step as u64);
        }
        Ok(())
    }
}
