//! What a user of the crate relies on.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what goes wrong in a test's own helpers fails the test"
)]

mod conformance;
mod files;
mod floods;
mod given;
mod model;
mod opening;
mod processes;
mod secrets;
mod sharing;
