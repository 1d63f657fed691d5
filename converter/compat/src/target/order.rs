//! The partial order of targets, and the greatest target that several machines can all stand in for.

use super::{Kernel, Target};

/// Can everything that runs on `small` run on `big` too? Unknown properties of `big` count against it.
pub(super) fn covers(big: &Target, small: &Target) -> bool {
    small.features.within(big.features) && kernel_covers(&big.kernel, &small.kernel)
}

/// `None` means not known: as a promise it is empty, as a requirement it is void.
fn at_least<T: PartialOrd>(big: Option<&T>, small: Option<&T>) -> bool {
    match (big, small) {
        (Some(big), Some(small)) => big >= small,
        (None, Some(_)) => false,
        (_, None) => true,
    }
}

fn kernel_covers(big: &Kernel, small: &Kernel) -> bool {
    // An ABI, a helper page or a size that the small one offers must be offered by the big one.
    let offers = |big: Option<bool>, small: Option<bool>| small != Some(true) || big == Some(true);
    let oabi = |k: &Kernel| k.aeabi == Some(false) || k.oabi_compat == Some(true);
    (big.aarch32 || !small.aarch32)
        && big.mmu == small.mmu
        && big.endian == small.endian
        && offers(big.aeabi, small.aeabi)
        && (!oabi(small) || oabi(big))
        && offers(big.kuser_helpers, small.kuser_helpers)
        && offers(big.thumbee, small.thumbee)
        && at_least(big.task_size.as_ref(), small.task_size.as_ref())
        && at_least(small.page_size.as_ref(), big.page_size.as_ref())
        && match (big.mmap_min_addr, small.mmap_min_addr) {
            (Some(big), Some(small)) => big <= small,
            (None, Some(_)) => false,
            (_, None) => true,
        }
        && (small.aliasing != Some(false) || big.aliasing == Some(false))
}

/// The greatest target that every one of the given machines covers; `None` without machines, or if they
/// disagree on byte order, system call ABI or having a memory management unit, so that nothing restores on all of them.
pub fn meet(machines: &[Target]) -> Option<Target> {
    let (first, rest) = machines.split_first()?;
    rest.iter()
        .try_fold(first.clone(), |so_far, next| meet_two(&so_far, next))
        .map(|mut target| {
            "baseline".clone_into(&mut target.name);
            let names: Vec<&str> = machines.iter().map(|m| m.name.as_str()).collect();
            target.title = format!("{} (common to {})", target.describe(), names.join(", "));
            target
        })
}

fn meet_two(a: &Target, b: &Target) -> Option<Target> {
    if a.kernel.mmu != b.kernel.mmu || a.kernel.endian != b.kernel.endian {
        return None;
    }
    let kernel = meet_kernels(&a.kernel, &b.kernel)?;
    let either = a
        .features
        .union(a.optional)
        .meet(b.features.union(b.optional));
    let features = a.features.meet(b.features);
    Some(Target {
        name: String::new(),
        title: String::new(),
        cpu_architecture: a.cpu_architecture.min(b.cpu_architecture),
        v8: a.v8 && b.v8,
        features,
        optional: either.minus(features),
        kernel,
        sources: Vec::new(),
    })
}

/// `None` if one kernel takes only OABI processes and the other only EABI ones.
fn meet_kernels(a: &Kernel, b: &Kernel) -> Option<Kernel> {
    let both = |a: Option<bool>, b: Option<bool>| match (a, b) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    };
    let either = |a: Option<bool>, b: Option<bool>| both(a.map(|v| !v), b.map(|v| !v)).map(|v| !v);
    let oabi = |k: &Kernel| match (k.aeabi, k.oabi_compat) {
        (Some(false), _) => Some(true),
        (_, compat) => compat,
    };
    let aeabi = both(a.aeabi, b.aeabi);
    let all_oabi = both(oabi(a), oabi(b));
    if aeabi == Some(false) && all_oabi != Some(true) {
        return None;
    }
    Some(Kernel {
        aarch32: a.aarch32 && b.aarch32,
        arm64: a.arm64 && b.arm64,
        aeabi,
        oabi_compat: if aeabi == Some(false) {
            Some(false)
        } else {
            all_oabi
        },
        mmu: a.mmu,
        endian: a.endian,
        task_size: a.task_size.zip(b.task_size).map(|(a, b)| a.min(b)),
        page_size: a.page_size.zip(b.page_size).map(|(a, b)| a.max(b)),
        mmap_min_addr: a.mmap_min_addr.zip(b.mmap_min_addr).map(|(a, b)| a.max(b)),
        kuser_helpers: both(a.kuser_helpers, b.kuser_helpers),
        thumbee: both(a.thumbee, b.thumbee),
        vfp: both(a.vfp, b.vfp),
        aliasing: either(a.aliasing, b.aliasing),
        release: (a.release == b.release)
            .then(|| a.release.clone())
            .flatten(),
    })
}
