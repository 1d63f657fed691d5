//! Reads and writes linux-cr checkpoint streams of every revision and architecture.
//!
//! Bytes come from a [`source::Source`]; the [`frame::Framer`] finds records in them,
//! [`detect`] finds out the dialect, the [`decoder::Decoder`] gives each record its place in the
//! grammar and yields a flat series of events; the [`model::Image`] is one consumer of them. Page
//! contents stay in the source; [`memory`] reads them by task and address.
//!
//! Damage is normal input: readers yield what they found and a list of [`diagnostic`]s.

pub mod decoder;
pub mod detect;
pub mod diagnostic;
pub mod encode;
pub mod frame;
pub mod grammar;
pub mod index;
pub mod limits;
pub mod memory;
pub mod model;
pub mod packed;
pub mod report;
pub mod scan;
pub mod source;
pub mod text;
pub mod view;
