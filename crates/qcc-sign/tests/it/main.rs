//! What a user of the crate relies on.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its shared functions included"
)]

mod keys;
mod secrets;
mod token;
