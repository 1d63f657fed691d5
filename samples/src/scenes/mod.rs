//! One function per sample.

mod minimal;
mod sensor;

pub(crate) use minimal::minimal;
pub(crate) use sensor::sensor;
