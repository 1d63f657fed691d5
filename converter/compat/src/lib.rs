//! Decides whether an ARM process image can be restored on a given machine, and says why.
//!
//! Two stages, kept apart: *evidence* is gathered once from an image and never judges;
//! *rules* are small pure functions of the evidence and a target.

pub mod arm;
mod feature;

pub use feature::{Feature, FeatureSet};
