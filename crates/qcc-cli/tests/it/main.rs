//! The program as others meet it: its output, its exit codes, its files.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what goes wrong in a test's own helpers fails the test"
)]

mod archive;
mod archive_fixtures;
mod backup;
mod configuration;
mod daemon;
mod demo;
mod doctor;
mod documents;
mod foreign;
mod front_door;
mod full_disk;
mod kept;
mod kills;
mod log_gone;
mod orders;
mod places;
mod push;
mod records;
mod renewal;
mod secrets;
mod serve;
mod serve_docs;
mod serve_kills;
mod serve_sockets;
mod sim;
mod status;
mod support;
mod sync;
mod usage;
