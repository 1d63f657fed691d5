//! What a terminal shows while bytes move.

use crate::args::Args;
use ckpt_bridge::bytes::Watch;
use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};
use std::cell::RefCell;
use std::io::{self, IsTerminal};
use std::sync::Arc;

/// The bar of the step that a conversion is at.
pub(crate) struct Progress {
    shown: bool,
    now: RefCell<ProgressBar>,
}

impl Progress {
    pub(crate) fn new(args: &Args) -> Self {
        Progress {
            shown: !args.quiet && io::stderr().is_terminal(),
            now: RefCell::new(ProgressBar::hidden()),
        }
    }

    /// Takes the bar of the last step away, and shows one for the next. `total` are its bytes, where they are known.
    pub(crate) fn step(&self, what: &'static str, total: Option<u64>) -> ProgressBar {
        self.clear();
        if !self.shown {
            return ProgressBar::hidden();
        }
        // At most 79 columns, whatever the numbers are.
        let (bar, template) = match total {
            Some(total) => (
                ProgressBar::new(total),
                "{prefix} {bar:22} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} {eta}",
            ),
            None => (
                ProgressBar::no_length(),
                "{prefix} {spinner} {binary_bytes} {binary_bytes_per_sec}",
            ),
        };
        let mut bar = bar.with_prefix(what).with_finish(ProgressFinish::AndClear);
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar = bar.with_style(style);
        }
        self.now.replace(bar.clone());
        bar
    }

    /// The same for a step that tells how many more bytes have moved.
    pub(crate) fn watch(&self, what: &'static str, total: Option<u64>) -> Watch {
        let bar = self.step(what, total);
        Arc::new(move |bytes| bar.inc(bytes))
    }

    /// Takes the bar away.
    fn clear(&self) {
        self.now.borrow().finish_and_clear();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}
