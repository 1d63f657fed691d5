//! Functions of C libraries that are known by their names.

/// Functions of C libraries that end the process because something is wrong: a way on for nobody.
pub(super) fn is_abort(name: &[u8]) -> bool {
    const NAMES: [&[u8]; 17] = [
        b"abort",
        b"__stack_chk_fail",
        b"__stack_chk_fail_local",
        b"__fortify_fail",
        b"__chk_fail",
        b"__assert_fail",
        b"__assert",
        b"__assert_fail_base",
        b"__assert_perror_fail",
        b"__libc_assert_fail",
        b"__libc_fatal",
        b"_dl_fatal_printf",
        b"_dl_signal_error",
        b"_dl_signal_exception",
        b"malloc_printerr",
        b"__libc_message",
        b"__cxa_pure_virtual",
    ];
    NAMES.contains(&name)
}

/// Functions that go on where a function further up called `setjmp`.
pub(super) fn is_leap(name: &[u8]) -> bool {
    const NAMES: [&[u8]; 4] = [b"longjmp", b"_longjmp", b"siglongjmp", b"__longjmp_chk"];
    NAMES.contains(&name)
}

/// Functions that go on in a frame further up, at a place that only its unwind table names.
pub(super) fn is_throw(name: &[u8]) -> bool {
    const NAMES: [&[u8]; 2] = [b"_Unwind_RaiseException", b"_Unwind_ForcedUnwind"];
    NAMES.contains(&name)
}

/// Functions that map files with code which is not there yet.
pub(super) fn is_load(name: &[u8]) -> bool {
    matches!(name, b"dlopen" | b"dlmopen" | b"__dlopen")
}

/// Functions that find others by name.
pub(super) fn is_lookup(name: &[u8]) -> bool {
    matches!(name, b"dlsym" | b"dlvsym")
}
