//! What all fuzz targets share: the functions are those of `ckpt_tests::fuzz`, the mutator knows
//! records.

pub use ckpt_tests::fuzz;
pub use libfuzzer_sys;

/// Changes an input: half of the time by records, else as libFuzzer does.
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    if seed % 2 == 0 {
        return libfuzzer_sys::fuzzer_mutate(data, size, max_size);
    }
    let mut bytes = data[..size].to_vec();
    fuzz::mutate(&mut bytes, u64::from(seed));
    let len = bytes.len().min(max_size);
    data[..len].copy_from_slice(&bytes[..len]);
    len
}

/// A target that gives its bytes to the function of the same name.
#[macro_export]
macro_rules! target {
    ($($name:ident)::+) => {
        $crate::libfuzzer_sys::fuzz_target!(|data: &[u8]| $crate::fuzz::$($name)::+(data));
        $crate::libfuzzer_sys::fuzz_mutator!(|data: &mut [u8],
                                              size: usize,
                                              max_size: usize,
                                              seed: u32| {
            $crate::mutate(data, size, max_size, seed)
        });
    };
}
