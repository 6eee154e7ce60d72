//! How the engine behaves, seen from outside.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod applying;
mod archives;
#[cfg(feature = "conformance")]
mod conformance;
mod convergence;
mod delivery;
mod downloads;
mod failing_archives;
mod folders;
mod following;
mod gaps;
mod healing;
mod holding;
mod instants;
mod kept;
mod paths;
mod retention;
mod rules;
mod starving;
mod steps;
mod telling;
mod windows;
mod world;
