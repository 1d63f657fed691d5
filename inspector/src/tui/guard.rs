//! Panics of a library that are no bugs of ours, kept from the user.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Whether a panic of this thread is caught where it is expected: nothing is to be told about it.
pub fn is_quiet() -> bool {
    QUIET.get()
}

/// What `work` gives, or nothing if it panics.
pub fn quietly<T>(work: impl FnOnce() -> T) -> Option<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |info| {
            if !is_quiet() {
                before(info);
            }
        }));
    });
    let before = QUIET.replace(true);
    let done = catch_unwind(AssertUnwindSafe(work));
    QUIET.set(before);
    done.ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_panic_gives_nothing_and_the_next_call_works() {
        assert_eq!(super::quietly(|| 1), Some(1));
        let none: Option<u8> = super::quietly(|| panic!("expected"));
        assert_eq!(none, None);
        assert!(!super::is_quiet());
        assert_eq!(super::quietly(|| 2), Some(2));
    }
}
