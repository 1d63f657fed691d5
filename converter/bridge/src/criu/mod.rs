//! CRIU image sets.
