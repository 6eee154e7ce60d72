//! Behaviour of the transports and the client, over loopback only.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its shared functions included"
)]

mod addresses;
mod blocking;
mod client;
mod conformance;
mod download;
mod errors;
mod limits;
mod proxy;
mod redirect;
mod secrets;
mod sloppy;
mod support;
mod tls;
