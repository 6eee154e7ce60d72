//! Times of any spelling, read by us and by the book.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| qcc_fuzz::times::check(bytes));
