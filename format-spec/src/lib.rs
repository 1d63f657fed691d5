//! Tables of the linux-cr checkpoint stream: every record, field and number of every revision
//! and architecture, in the words of the original C headers.
//!
//! The crate holds data and one small interpreter. [`records`] describes each record once;
//! [`layout`] turns a description and a [`Dialect`] into offsets, as a C compiler would. It reads
//! no files and knows nothing of streams; `ckpt-parser` does that.
//!
//! Sections (`§`) are those of `SPEC.md`.

#![cfg_attr(
    not(test),
    expect(
        clippy::wildcard_imports,
        reason = "a table names dozens of revisions, enumerations and flags; listing them says nothing"
    )
)]

pub mod dialect;
pub mod enums;
pub mod export;
pub mod layout;
pub mod records;
pub mod schema;
pub mod syscalls;
pub mod values;

pub use dialect::{Abi, Arch, ArchSet, Dialect, Order, Revision};
pub use enums::{Object, Tag};
pub use layout::{Layout, Slot, Tables};
pub use schema::{FieldId, Record};
