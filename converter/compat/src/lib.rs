//! Decides whether an ARM process image can be restored on a given machine, and says why.
//!
//! Two stages, kept apart: *evidence* is gathered once from an image and never judges;
//! *rules* are small pure functions of the evidence and a target.

#![cfg_attr(
    not(test),
    expect(
        clippy::enum_glob_use,
        reason = "tables of features read better without the prefix"
    )
)]

pub mod arm;
pub mod elf;
mod feature;
pub mod scan;
pub mod target;

pub use feature::{Feature, FeatureSet};
pub use target::Target;
