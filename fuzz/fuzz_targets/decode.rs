//! Whole decodes of archives whose authentication code is right.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| qcc_fuzz::decode::check(bytes));
