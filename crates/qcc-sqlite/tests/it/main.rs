//! What a user of the crate relies on.

mod conformance;
mod given;
mod model;
mod opening;
mod processes;
mod secrets;
mod sharing;
