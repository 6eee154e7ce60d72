//! Lines of an order list, read by us and by the book.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| qcc_fuzz::list::check(bytes));
