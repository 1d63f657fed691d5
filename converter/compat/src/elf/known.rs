//! Functions of C libraries that are known by their names.

use crate::scan::FormatArg;

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

/// Functions that map memory, for what their third argument says. That `mprotect` makes code of memory says little: so C
/// libraries do with stacks, where a program needs that, and others tell the caches.
pub(super) fn is_map(name: &[u8]) -> bool {
    let name = name.strip_prefix(b"__").unwrap_or(name);
    matches!(name, b"mmap" | b"mmap64")
}

/// Functions that find others by name.
pub(super) fn is_lookup(name: &[u8]) -> bool {
    matches!(name, b"dlsym" | b"dlvsym")
}

/// Functions that the C library comes to on demand only: where its loader catches errors, behind `setjmp`, which saves what
/// registers there are, and where it ends a thread, by way of `longjmp`.
pub(super) fn is_on_demand(name: &[u8]) -> bool {
    const NAMES: [&[u8]; 3] = [
        b"_dl_catch_exception",
        b"_dl_catch_error",
        b"__pthread_unwind",
    ];
    NAMES.contains(&name)
}

/// Functions that demand it: for character sets, locales and databases (NSS) the library loads files; threads are ended;
/// and whoever asks the loader himself.
pub(super) fn demands(name: &[u8]) -> bool {
    const NAMES: [&[u8]; 36] = [
        b"iconv_open",
        b"setlocale",
        b"newlocale",
        b"backtrace",
        b"pthread_exit",
        b"pthread_cancel",
        b"thrd_exit",
        b"dlclose",
        b"dlinfo",
        b"dladdr",
        b"dladdr1",
        b"getaddrinfo",
        b"getnameinfo",
        b"getpw",
        b"getpwnam",
        b"getpwuid",
        b"getgrnam",
        b"getgrgid",
        b"getgrouplist",
        b"getspnam",
        b"getsgnam",
        b"initgroups",
        b"innetgr",
        b"ether_ntohost",
        b"ether_hostton",
        // What asks databases by itself.
        b"glob",
        b"glob64",
        b"wordexp",
        b"cuserid",
        b"getlogin",
        b"rcmd",
        b"rcmd_af",
        b"rexec",
        b"rexec_af",
        b"ruserok",
        b"clnt_create",
    ];
    let name = name.strip_prefix(b"__").unwrap_or(name);
    let name = name.strip_suffix(b"_r").unwrap_or(name);
    // gethostbyname2, getservent, setpwent, …
    let of_database =
        |rest: &[u8]| rest.ends_with(b"ent") || rest.windows(2).any(|two| two == b"by");
    let mut verbs = [&b"get"[..], b"set", b"end"].into_iter();
    let by_name = NAMES.contains(&name) || is_load(name) || is_lookup(name);
    by_name || verbs.any(|verb| name.strip_prefix(verb).is_some_and(of_database))
}

/// The functions of glibc that print floating-point numbers: `__printf_fp`, `__printf_fphex`, and what does their work
/// (`__printf_fp_l`, `__wprintf_fp_buffer`, …). Built for soft float, they ask FPSCR for the rounding mode if AT_HWCAP names
/// VFP (glibc, sysdeps/arm/get-rounding-mode.h), and use the unit for nothing else.
pub(super) fn is_printer(name: &[u8]) -> bool {
    let Some(name) = name.strip_prefix(b"__") else {
        return false;
    };
    let name = name.strip_prefix(b"_").unwrap_or(name);
    let name = name.strip_prefix(b"w").unwrap_or(name);
    name.starts_with(b"printf_fp")
}

/// Functions that print floating-point numbers of which no format of their caller tells.
pub(super) fn prints(name: &[u8]) -> bool {
    let name = name.strip_prefix(b"__").unwrap_or(name);
    let starts = [&b"strfrom"[..], b"strfmon", b"printf_size", b"printf_fp"];
    let converts = name.strip_suffix(b"_r").unwrap_or(name);
    let converts = converts.strip_prefix(b"q").unwrap_or(converts);
    starts.iter().any(|start| name.starts_with(start))
        || matches!(converts, b"ecvt" | b"fcvt" | b"gcvt")
}

/// The argument of a function that is a format of `printf`, and whether the function's callers pass on what their own callers
/// gave them: `vprintf` and its kin.
pub(super) fn format_of(name: &[u8]) -> Option<FormatArg> {
    let is_checked = name.ends_with(b"_chk");
    let name = name.strip_prefix(b"__").unwrap_or(name);
    let name = name.strip_suffix(b"_chk").unwrap_or(name);
    let is_passed_on = name.starts_with(b"v");
    let name = name.strip_prefix(b"v").unwrap_or(name);
    let number = match name {
        b"printf" | b"wprintf" | b"warn" | b"warnx" => 0,
        b"fprintf" | b"fwprintf" | b"dprintf" | b"sprintf" | b"asprintf" | b"obstack_printf"
        | b"syslog" | b"err" | b"errx" => 1,
        b"snprintf" | b"swprintf" | b"error" => 2,
        b"error_at_line" => 4,
        _ => return None,
    };
    // What checks is given a flag, and the length of a buffer.
    let number = match name {
        _ if !is_checked => number,
        b"sprintf" | b"snprintf" | b"swprintf" => number + 2,
        _ => number + 1,
    };
    Some(FormatArg {
        number,
        is_passed_on,
    })
}

/// Functions that translate a message, which prints the same as what they return.
pub(super) fn translates(name: &[u8]) -> bool {
    let name = name.strip_prefix(b"__").unwrap_or(name);
    let name = name
        .strip_prefix(b"dc")
        .or(name.strip_prefix(b"d"))
        .unwrap_or(name);
    matches!(name, b"gettext" | b"ngettext")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printers_are_known_by_name() {
        for name in [
            "__printf_fp",
            "___printf_fp",
            "__printf_fp_l",
            "__printf_fphex",
            "__wprintf_fp_l_buffer",
        ] {
            assert!(is_printer(name.as_bytes()), "{name}");
        }
        for name in [
            "printf",
            "__printf_size",
            "printf_fp",
            "__vfprintf_internal",
        ] {
            assert!(!is_printer(name.as_bytes()), "{name}");
        }
        for name in [
            "strfromd",
            "strfmon_l",
            "__strfmon_l",
            "qfcvt_r",
            "gcvt",
            "printf_size",
        ] {
            assert!(prints(name.as_bytes()), "{name}");
        }
        for name in ["strtod", "printf", "snprintf", "cvt", "recvfrom"] {
            assert!(!prints(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn translations_are_known_by_name() {
        for name in ["gettext", "dngettext", "__dcgettext"] {
            assert!(translates(name.as_bytes()), "{name}");
        }
        assert!(!translates(b"bindtextdomain"));
    }

    #[test]
    fn formats_are_found_among_the_arguments() {
        let arg = |name: &str| format_of(name.as_bytes()).map(|arg| (arg.number, arg.is_passed_on));
        assert_eq!(arg("printf"), Some((0, false)));
        assert_eq!(arg("vsnprintf"), Some((2, true)));
        assert_eq!(arg("__vfprintf_chk"), Some((2, true)));
        assert_eq!(arg("__sprintf_chk"), Some((3, false)));
        assert_eq!(arg("verrx"), Some((1, true)));
        assert_eq!(arg("__snprintf_chk"), Some((4, false)));
        assert_eq!(arg("fputs"), None);
    }

    #[test]
    fn who_demands_what_is_known_by_name() {
        for name in [
            "getpwnam_r",
            "gethostbyname2_r",
            "getservent",
            "setlocale",
            "__dlsym",
            "pthread_exit",
        ] {
            assert!(demands(name.as_bytes()), "{name}");
        }
        for name in ["gethostname", "getpid", "strerror", "printf", "dlerror_run"] {
            assert!(!demands(name.as_bytes()), "{name}");
        }
    }
}
