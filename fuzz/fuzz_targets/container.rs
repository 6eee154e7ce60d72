//! Archives of any bytes, read by us and by the `zip` crate.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| qcc_fuzz::container::check(bytes));
