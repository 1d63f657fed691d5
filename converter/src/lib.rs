//! The programs `ckpt-convert` and `ckpt-check`; the binaries are thin.

pub mod check;
