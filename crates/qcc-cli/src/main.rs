//! The `qcc` program.
fn main() {}
