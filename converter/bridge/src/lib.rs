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
mod criu_defaults;
mod criu_memory;
pub mod edit;
mod emit;
mod error;
mod from_core;
mod from_criu;
mod from_image;
mod kept;
mod loss;
mod open;
mod salvage;
mod siginfo;
pub mod stream;
mod to_core;
mod to_criu;
pub mod tree;
mod x86;

pub use emit::to_stream;
pub use error::{Damage, Error, Result};
pub use from_core::from_core;
pub use from_criu::from_criu;
pub use from_image::from_image;
pub use loss::{CODES, Loss};
pub use open::{
    Foreign, Kind, core_in, criu_in, detect, open_core, open_criu, open_stream, read_core,
    read_criu, salvage_core, salvage_core_stream, salvage_criu, salvage_criu_stream,
};
pub use stream::Stream;
pub use to_core::{core_pages, processes, to_core};
pub use to_criu::to_criu;
