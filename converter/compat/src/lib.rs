//! Decides whether an ARM process image can be restored on a given machine, and says why.
//!
//! Two stages, kept apart: [`evidence`] is gathered once from an image and never judges;
//! [`rules`] are small pure functions of the evidence and a [`Target`]. [`check`] runs them all.

#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::print_stdout,
        clippy::print_stderr
    ),
    expect(
        clippy::enum_glob_use,
        reason = "tables of features read better without the prefix"
    )
)]

pub mod arm;
mod check;
pub mod elf;
pub mod evidence;
mod feature;
pub mod gather;
mod parallel;
mod policy;
pub mod report;
pub mod rules;
pub mod scan;
pub mod target;
mod verdict;

pub use check::{Assessment, Finding, Nearest, check, lacking, nearest, same_want};
pub use feature::{Feature, FeatureSet};
pub use policy::{Policy, PolicyError};
pub use target::Target;
pub use verdict::{Cite, Layer, Outcome, Verdict};
