//! Documents of any bytes, read by us and by `serde_json`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| qcc_fuzz::records::check(bytes));
