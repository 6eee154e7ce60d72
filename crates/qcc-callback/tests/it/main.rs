//! Behaviour of the receiver, its service and its server, over loopback only.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its shared functions included"
)]

mod answers;
mod axum;
mod conformance;
mod forged;
mod guards;
mod paths;
mod pieces;
mod secrets;
mod server;
mod support;
mod wire;
