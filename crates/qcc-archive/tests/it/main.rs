//! The behaviour of the archive reader, with archives by several writers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper of a test fails it by panicking"
)]

mod ahead;
mod content;
mod damage;
mod errors;
mod fixtures;
mod layout;
mod limits;
mod manifest;
mod second_reading;
mod sources;
mod writer;
