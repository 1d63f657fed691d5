//! Field lists that belong to one architecture.

pub mod arm;
pub mod powerpc;
pub mod s390;
pub mod x86;
