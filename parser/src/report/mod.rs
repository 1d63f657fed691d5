//! Reports: JSON Lines and the outline, straight from events; the JSON document, from the model.
//!
//! JSON is a contract: field names are those of the C headers, enumerations are open
//! (`{"value": 405, "name": null}`), addresses and numbers over 2^53 are hex strings, sizes are
//! bytes, any field may be null. The `schema` number changes when a name or meaning changes.

pub mod document;
mod json;
pub mod lines;
pub mod outline;

/// Version of the JSON that this crate writes.
pub const SCHEMA: u32 = 1;
