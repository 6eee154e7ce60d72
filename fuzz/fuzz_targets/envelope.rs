//! Answers of any bytes, read as each endpoint reads them.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| qcc_fuzz::envelope::check(bytes));
