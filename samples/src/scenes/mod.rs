//! One function per sample; the catalogue says what each shows.

mod broken;
mod coprocessors;
mod hostile;
mod oabi;
mod places;
mod sensor;
mod single;
mod tour;

pub(crate) use broken::*;
pub(crate) use coprocessors::coprocessors;
pub(crate) use hostile::hostile;
pub(crate) use oabi::oabi;
pub(crate) use places::*;
pub(crate) use sensor::sensor;
pub(crate) use single::{
    Family, begin, end, minimal, minimal_task, process, quiet_signals, spin_memory,
};
pub(crate) use tour::tour;
