//! CRIU image sets, from version 3.15 to the development branch of 2026.
//!
//! [`Set`] finds the files, wherever they lie; [`image`] reads messages; [`pagemap`] reads runs of pages.
//! Facts: `images/*.proto`, `criu/include/magic.h`, `criu/image-desc.c`, `criu/pagemap.c` of the CRIU releases.

mod files;
pub mod image;
mod mapping;
mod msg;
pub mod pagemap;
mod rewrite;
pub mod schema;
mod set;
mod wire;

pub use files::{DELETED, Files, Remap, fd_type, is_old, old_kind};
pub use mapping::Mapping;
pub use msg::Msg;
pub use rewrite::{pack, rewrite};
pub use set::{Archive, Set, is_set, is_tar};
