//! The vendor, seen from outside.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its shared functions included"
)]

mod api;
mod archives;
mod callbacks;
mod faults;
mod files;
mod manners;
mod server;
mod support;
mod transport;
mod window;
