//! The tables in other forms: reference pages in Markdown and a Kaitai Struct specification.
//!
//! Both walk the same tables as everything else and return text; writing files is left to the
//! caller (`cargo run -p ckpt-format --example export`). The committed output is checked by
//! `tests/export.rs`.

mod forms;
mod ksy;
mod markdown;

pub use ksy::ksy;
pub use markdown::pages;

/// A generated file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Path below the directory of this crate.
    pub path: String,
    /// Contents.
    pub text: String,
}

/// Every generated file: the reference pages and `linux_cr.ksy`.
pub fn all() -> Vec<Page> {
    let mut all = pages();
    all.push(Page {
        path: "linux_cr.ksy".into(),
        text: ksy(),
    });
    all
}
