//! Bridges between checkpoint streams and two foreign formats: ELF core files and CRIU image sets.
//!
//! [`core`] and [`criu`] read and write the formats as they are and know nothing of streams.

#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::print_stdout,
        clippy::print_stderr
    )
)]

pub mod bytes;
pub mod core;
pub mod criu;
mod error;
mod loss;

pub use error::{Damage, Error, Result};
pub use loss::Loss;
